"""Files of data and the open document: chosen, previewed, read, dropped, and kept found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.session import Session
from app.text import tr
from app.view import dialogs
from engine import data as sources
from engine import edits
from engine.graph import Graph, GraphError, Source
from engine.recipe import Kind
from engine.records import NAME
from engine.train import data

BELOW = 160.0


class DataFiles(QObject):
    """What a person does with files of data. `problem` carries a sentence."""

    problem = Signal(str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self.session, self.window = session, window

    def choose(self, name: str = "", kind: Kind = "csv", node_id: str | None = None) -> bool:
        """Asks for a file or folder of a kind and how to read it; `name` is the source that is to read
        it, empty for a new one, `node_id` a data node that is to. One undo step."""
        folder = str(self.session.base or Path.home())
        path = dialogs.ask_data(self.window, kind, folder)
        return path is not None and self.read(path, kind, name, node_id)

    def use(self, path: Path, at: tuple[float, float] | None = None) -> bool:
        """Lets the document read a file: the data it has of that kind, or new ones with nodes at a place."""
        kind = sources.kind_of(path)
        if not kind:
            self.problem.emit(f"{path.name} is no file of data that can be read")
            return False
        if self.session.place:  # data stand outside of modules
            self.session.go(())
            at = None
        graph = self.session.root
        known = [name for name, s in graph.sources.items() if s.kind == kind]
        return self.read(
            path, cast(Kind, kind), known[0] if known and graph.of_op("data") else "", at=at
        )

    def read(
        self,
        path: Path,
        kind: Kind,
        name: str = "",
        node_id: str | None = None,
        at: tuple[float, float] | None = None,
    ) -> bool:
        """Shows what a file holds; if it is wanted, a source reads it from now on. Parameters that no longer
        fit may begin anew in the same undo step."""
        graph = self.session.root
        old = graph.sources.get(name) or Source(
            standardize=kind in ("csv", "parquet"), validation=0.2
        )
        first = replace(
            old, kind=kind, path=str(path.absolute()), checksum="", target="", options={}
        )
        if old.kind == kind:
            first = replace(
                first, target=old.target if old.path == path.name else "", options=old.options
            )
        source = dialogs.ask_import(self.window, first)
        if source is None:
            return False
        try:
            return self._put(graph, source, path, name, node_id, at)
        except (ValueError, OSError, GraphError) as error:
            self.problem.emit(_sentence(error, path))
            return False

    def _put(
        self,
        graph: Graph,
        source: Source,
        path: Path,
        name: str,
        node_id: str | None,
        at: tuple[float, float] | None,
    ) -> bool:
        with data.at_once(), suppress(data.NotReady):  # a large one does without
            source = replace(source, checksum=data.checksum(path))
        source = replace(source, path=self.relative(path, self.session.base))
        new_source = not name
        if name:
            changes = [sources.change_source(graph, name, source)]
        else:
            name = self._new_name(path)
            fields = (
                () if node_id is not None or (graph.of_op("data") and at is None) else ("x", "y")
            )
            changes = [sources.add_source(graph, name, source, fields, at or self._free(graph))]
        if node_id is not None and graph.nodes[node_id].options.get("source") != name:
            changes.append(edits.set_options(graph, node_id, {"source": name}))
        trial = graph.copy()
        edits.batch(*changes).apply(trial)
        found: list[data.Misfit] = []
        with data.at_once(), suppress(data.NotReady):
            found = data.misfits(trial, self.session.base)
        if found and dialogs.ask_reinitialise(self.window, [m.message for m in found]):
            changes += [m.edit for m in found]
        before = set(graph.nodes)
        self.session.do_outside(
            edits.batch(*changes), tr("Add data") if new_source else tr("Choose data")
        )
        new = set(self.session.root.nodes) - before
        if new:
            self.session.select(sorted(new))
        return True

    def _free(self, graph: Graph) -> tuple[float, float]:
        if not graph.nodes:
            return 0.0, 0.0
        left = min(n.x for n in graph.nodes.values())
        return left, max(n.y for n in graph.nodes.values()) + BELOW

    def _new_name(self, path: Path) -> str:
        graph, stem = self.session.root, path.stem
        first = name = stem if NAME.fullmatch(stem) and "." not in stem else "table"
        number = 2
        while name in graph.sources or name in graph.modules:
            name, number = f"{first}{number}", number + 1
        return name

    # ------------------------------------------------------------ paths

    def keep_found(self, folder: Path) -> None:
        """Files of data stay found when the document moves to another folder."""
        session = self.session
        if session.base == folder:
            return
        changes = []
        for name, source in session.root.sources.items():
            if source.kind in sources.FILES and source.path and not Path(source.path).is_absolute():
                place = data.locate(source.path, session.base)
                if (
                    place.exists()
                    and place.absolute() != data.locate(source.path, folder).absolute()
                ):
                    text = self.relative(place, folder)
                    changes.append(edits.set_source(name, replace(source, path=text)))
        if changes:
            session.do_outside(edits.batch(*changes), tr("Keep data found"))

    @staticmethod
    def relative(path: Path, base: Path | None) -> str:
        """A path as a document says it: relative when it is below the document's folder."""
        if base is not None and path.absolute().is_relative_to(base):
            return str(path.absolute().relative_to(base))
        return str(path.absolute())


def _sentence(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{path.name}: {error.strerror}"
    return str(error)

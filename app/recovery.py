"""Autosaved copies of unsaved work, offered again after a crash.

Every running program has a folder of its own in the state directory and holds a lock on it; the
system gives the lock up when the program ends, however it ends, so a folder that can be locked
belongs to a crash. A document's copy stands beside a record of which file it belongs to.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from engine import files
from engine.files import FileError
from engine.files.locks import lock
from engine.files.strict import load_json
from engine.graph import Graph
from engine.records import TABLES

SECONDS = 8.0
EDITS = 10
"""A copy is due this long or this many edits after the first one it lacks. One more batch may come
while a copy is on its way to the disk, so at most 10 s and 20 edits of work are ever lost."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A document that a crash left unsaved.

    `path` is the file it belongs to, None if it never had one; `when` is the copy's time (seconds
    since 1970). `tried`: it was opened before and the program ended; a person may open it again,
    the program by itself may not.
    """

    copy: Path
    path: Path | None
    title: str
    when: float
    tried: bool


@dataclass(slots=True)
class _Waiting:
    """What the copy of one open document lacks."""

    key: str
    path: Path | None = None
    edits: int = 0
    since: float = 0.0


class Recovery:
    """Copies of this program's unsaved documents, and the offers that others left.

    The window calls `note` after every edit and `tick` about once a second, `saved` after a good
    save, `forget` when a document is closed, `close` at a clean exit; at the start it shows
    `offers()` and calls `open` or `discard`. Copies are written on a thread; `fault` holds the
    sentence of the last one that failed, empty when it went well.
    """

    def __init__(
        self, folder: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.fault = ""
        self._root = (
            folder or platformdirs.user_state_path("gradloom", appauthor=False) / "recovery"
        )
        self._clock = clock
        self._open: dict[Graph, _Waiting] = {}
        self._writer = ThreadPoolExecutor(1, "recovery")
        self._writing: Future[None] | None = None
        with self._shared():
            self._own = self._root / f"{os.getpid()}-{secrets.token_hex(4)}"
            self._own.mkdir()
            self._lock = (self._own / "owner").open("wb")
            lock(self._lock)

    def note(self, graph: Graph, path: Path | None) -> None:
        """Counts an edit of a document and writes its copy when that is due."""
        waiting = self._open.setdefault(graph, _Waiting(secrets.token_hex(8)))
        waiting.path = path
        if not waiting.edits:
            waiting.since = self._clock()
        waiting.edits += 1
        self._write_if_due(graph, waiting)

    def tick(self) -> None:
        """Writes the copies that are due because of the time."""
        for graph, waiting in list(self._open.items()):
            self._write_if_due(graph, waiting)

    def flush(self) -> None:
        """Writes every copy that lacks something, and returns when they are on the disk."""
        for graph, waiting in list(self._open.items()):
            if waiting.edits:
                self._write(graph, waiting)
        self._wait()

    def saved(self, graph: Graph) -> None:
        """A good save makes the document's copy superfluous."""
        self.forget(graph)

    def forget(self, graph: Graph) -> None:
        """Removes the document's copy: it was saved, or closed by a person who was asked."""
        waiting = self._open.pop(graph, None)
        if waiting is not None:
            self._wait()
            self._remove(self._own, waiting.key)

    def close(self) -> None:
        """A clean exit: removes the copies of every document that was open.

        A copy that could not be opened stays and is offered again.
        """
        for graph in list(self._open):
            self.forget(graph)
        self._wait()
        self._writer.shutdown()
        self._lock.close()
        if not _copies(self._own):
            shutil.rmtree(self._own, ignore_errors=True)

    def offers(self) -> list[Offer]:
        """What crashes left, newest first. Copies that say what their file says are removed."""
        found: list[Offer] = []
        with self._shared():
            for folder in sorted(self._root.iterdir()):
                if folder == self._own or not folder.is_dir() or not _is_dead(folder):
                    continue
                offers = [o for o in map(_offer, _copies(folder)) if o is not None]
                found += offers
                if not offers:
                    shutil.rmtree(folder, ignore_errors=True)
        return sorted(found, key=lambda offer: -offer.when)

    def open(self, offer: Offer) -> Graph:
        """The document of an offer; its copy is kept until the document is saved or closed.

        The offer is marked as tried before it is read, so a crash on the way is remembered. Raises
        FileError when it cannot be read or another window was first.
        """
        key = secrets.token_hex(8)
        mine = self._own / f"{key}{offer.copy.suffix}"
        try:
            self._record(key, offer.path, offer.title, tried=True)
            os.replace(offer.copy, mine)
        except OSError as error:
            self._remove(self._own, key)
            raise FileError(f"it cannot be recovered: {error.strerror}", str(offer.copy)) from None
        with suppress(OSError):
            offer.copy.with_suffix(".info").unlink()
        graph = files.read(mine)
        self._open[graph] = _Waiting(key, offer.path)
        return graph

    def discard(self, offer: Offer) -> None:
        """Removes an offer for good."""
        self._remove(offer.copy.parent, offer.copy.stem)

    # ------------------------------------------------------------ inside

    def _write_if_due(self, graph: Graph, waiting: _Waiting) -> None:
        late = self._clock() - waiting.since >= SECONDS
        if waiting.edits >= EDITS or (waiting.edits and late):
            self._write(graph, waiting)

    def _write(self, graph: Graph, waiting: _Waiting) -> None:
        self._wait()
        waiting.edits = 0
        snapshot = _snapshot(graph)
        self._writing = self._writer.submit(self._copy, snapshot, waiting.key, waiting.path)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _copy(self, graph: Graph, key: str, path: Path | None) -> None:
        twin = path is not None and path.suffix.lower() == ".json"
        copy = self._own / f"{key}{'.json' if twin else '.gloom'}"
        try:
            self._record(key, path, graph.settings["title"], tried=False)
            files.write(graph, copy)
            for other in _copies(self._own):
                if other.stem == key and other != copy:
                    other.unlink()
            self.fault = ""
        except (OSError, FileError) as error:
            self.fault = f"unsaved work is not being kept for recovery: {error}"

    def _record(self, key: str, path: Path | None, title: str, tried: bool) -> None:
        record = {"path": str(path.absolute()) if path else "", "title": title, "tried": tried}
        files.replace_file(self._own / f"{key}.info", json.dumps(record).encode())

    def _remove(self, folder: Path, key: str) -> None:
        # The copy goes first: a record without a copy is nothing, a copy without one is untitled.
        for suffix in (".gloom", ".json", ".info"):
            with suppress(OSError):
                (folder / f"{key}{suffix}").unlink()

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """One program at a time makes or looks through the folders."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / "lock").open("wb") as file:
            lock(file)
            yield


def _snapshot(graph: Graph) -> Graph:
    """What a file needs of a document, as it is now; cheap, since nodes and tensors never change."""
    other = Graph()
    for table in TABLES:
        setattr(other, table, dict(getattr(graph, table)))
    return other


def _copies(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".gloom", ".json"))


def _offer(copy: Path) -> Offer | None:
    """The offer of a copy, or None, and the copy removed, when its file says the same."""
    record: Any = {}
    with suppress(OSError, FileError):
        record = load_json(copy.with_suffix(".info").read_bytes())
    known = record if isinstance(record, dict) else {}
    path = Path(known["path"]) if known.get("path") else None
    if path is not None:
        with suppress(FileError):
            if files.same_content(path, copy):
                copy.unlink(missing_ok=True)
                copy.with_suffix(".info").unlink(missing_ok=True)
                return None
    when = copy.stat().st_mtime
    return Offer(copy, path, str(known.get("title", "")), when, bool(known.get("tried", False)))


def _is_dead(folder: Path) -> bool:
    """Whether the program of a folder has ended: then nobody holds its lock."""
    try:
        with (folder / "owner").open("r+b") as file:
            lock(file, wait=False)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

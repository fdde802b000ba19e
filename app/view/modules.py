"""What the window does with modules: made of a selection, unpacked, begun anew, opened and left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.session import Session
from app.text import tr
from app.view import dialogs
from engine import ties
from engine.edits import Edit
from engine.graph import Graph, GraphError
from engine.modules import make_module
from engine.starts import reinitialised
from engine.train.data import known_sizes
from engine.unpacking import remove_module, rename_module, unpack_module

if TYPE_CHECKING:
    from app.view.frame import Frame


class Modules(QObject):
    """The commands on modules of one window. `problem` carries one sentence."""

    problem = Signal(str)

    def __init__(self, session: Session, window: Frame) -> None:
        super().__init__(window)
        self.session, self.window = session, window

    def make(self) -> bool:
        """The selection becomes a module; asks for its name until it is free or given up."""
        session = self.session
        free, chosen = self._free_name(), self._chosen()
        try:  # a selection that cannot be one is refused before anything is asked
            make_module(session.graph, chosen, free)
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        wanted, fault = free, ""
        while name := dialogs.ask_module_name(self.window, wanted, fault):
            wanted = name
            try:
                edit, instance = make_module(session.graph, chosen, name, session.evaluation.values)
                session.do(edit, f"{tr('Make module')} {name}")
            except GraphError as error:
                fault = str(error)
                continue
            session.select((instance,))
            return True
        return False

    def unpack(self) -> bool:
        """The selected instance becomes the nodes it is made of; they are selected."""
        session = self.session
        if len(session.selection) != 1:
            return False
        name = session.graph.name(session.selection[0])
        shared = ties.tied(session.graph).get(session.selection[0], "")
        owner = session.graph.name(shared) if shared else ""
        try:
            edit, made = unpack_module(
                session.graph, session.selection[0], session.evaluation.values
            )
            session.do(edit, f"{tr('Unpack')} {name}")
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        session.select(made)
        if owner:
            self.problem.emit(f"{name} {tr('was tied to')} {owner}; {tr('its nodes hold copies')}")
        return True

    def rename(self, name: str) -> bool:
        """Asks for another name for one of the document's modules until it is free or given up."""
        wanted, fault = name, ""
        while new := dialogs.ask_module_name(self.window, wanted, fault, name):
            if new == name:
                return False
            wanted = new
            try:
                self._do(rename_module(self._home(name), name, new), name, tr("Rename"))
            except GraphError as error:
                fault = str(error)
                continue
            return True
        return False

    def remove(self, name: str) -> bool:
        """Removes one of the document's modules that no node is an instance of."""
        try:
            self._do(remove_module(name), name, tr("Remove"))
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        return True

    def _home(self, name: str) -> Graph:
        """Whose module it is: that of what is looked at, or of the whole document."""
        session = self.session
        return session.graph if name in session.graph.modules else session.root

    def _do(self, edit: Edit, name: str, what: str) -> None:
        session = self.session
        outside = self._home(name) is session.root
        (session.do_outside if outside else session.do)(edit, f"{what} {name}")

    def reinitialise(self) -> bool:
        """The parameters of the selected nodes begin anew."""
        session = self.session
        try:
            values = session.evaluation.values
            sizes = {} if session.place else known_sizes(session.root, session.base)
            edit = reinitialised(session.graph, session.selection, values, sizes)
            session.do(edit, tr("Reinitialise"))
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        return True

    def open(self) -> bool:
        """Looks into the selected instance."""
        chosen = self.session.selection
        return len(chosen) == 1 and self.session.enter(chosen[0])

    def _chosen(self) -> list[str]:
        """What is selected, frames that hold something else left out."""
        session, notes = self.session, self.window.canvas.board.notes
        return [n for n in session.chosen if set(notes.with_carried([n])) <= {*session.chosen}]

    def _free_name(self) -> str:
        number, name = 2, tr("Module")
        while self.session.graph.row(name) is not None:
            number, name = number + 1, f"{tr('Module')}{number}"
        return name

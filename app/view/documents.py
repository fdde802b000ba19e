"""New, open, save, and the questions around them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from app import importers
from app.recovery import Offer, Recovery
from app.session import Session
from app.text import tr
from app.view import dialogs, miniature, settings
from app.view.bridge import Bridge
from app.view.canvas.export import Choices, drawn
from app.view.data_files import DataFiles
from app.view.export_dialog import ExportDialog
from engine import examples, files, lessons
from engine.graph import Graph

FROM_PICTURE = tr(" (from picture)")


class Documents(QObject):
    """The document of one window and its file. `problem` carries one sentence."""

    opened = Signal()
    saved = Signal()
    problem = Signal(str)
    settling = Signal()  # what is being typed belongs to the document now

    def __init__(
        self,
        session: Session,
        window: QWidget,
        data_files: DataFiles,
        recovery: Recovery | None,
        bridge: Bridge,
    ) -> None:
        super().__init__(window)
        self.bridge = bridge
        self.session, self.window, self.recovery = session, window, recovery
        self.data_files = data_files
        self.is_fresh = False  # what is shown is as it came with the program, and no file's
        self._stamp: tuple[int, int] | None = None
        session.document_changed.join(self._note)

    def _note(self) -> None:
        history = self.session.history
        if self.recovery is not None and not history.is_saved:
            self.recovery.note(self.session.root, self.session.path)

    def may_leave(self) -> bool:
        """True when the document is saved, or the person said what becomes of its changes."""
        self.settling.emit()
        self.bridge.hold()
        leaves = self.session.history.is_saved
        if not leaves:
            answer = dialogs.ask_unsaved(self.window, self.session.title)
            leaves = answer != "cancel" and (answer != "save" or self.save())
        self.bridge.release(not leaves)
        if leaves:
            self._forget()
        return leaves

    def _forget(self) -> None:
        if self.recovery is not None:
            self.recovery.forget(self.session.root)

    # ------------------------------------------------------------ opening

    def new(self) -> bool:
        return self.may_leave() and self._load(Graph(), None)

    def open(self, path: Path) -> bool:
        """Opens a file after the question about unsaved changes; False if it was not opened."""
        try:
            graph, importer = importers.read(path)
        except (ValueError, OSError) as error:
            self.problem.emit(_sentence(error, path))
            return False
        if not self.may_leave():
            return False
        settings.remember(path)
        if importer.gives == "document":
            return self._load(graph, path.absolute())
        # What is saved must not replace a picture or a table.
        return self._load(graph, None, path.stem + FROM_PICTURE if importer.gives == "copy" else "")

    def open_example(self, name: str) -> bool:
        return self.open_fresh(examples.load(name))

    def open_lesson(self, name: str) -> bool:
        return self.open_fresh(lessons.load(name))

    def open_fresh(self, graph: Graph, called: str = "") -> bool:
        """Opens a document that is as it came, after the question about unsaved changes."""
        return self.may_leave() and self._load(graph, None, called, True)

    def open_offer(self, offer: Offer) -> bool:
        """Opens what a crash left; the document counts as not saved."""
        if self.recovery is None or not self.may_leave():
            return False
        try:
            graph = self.recovery.open(offer)
        except (ValueError, OSError) as error:
            self.problem.emit(_sentence(error, offer.path or offer.copy))
            return False
        self._load(graph, offer.path)
        self.session.history.mark_unsaved()
        return True

    def open_graph(self, graph: Graph, called: str) -> bool:
        """Opens a document that no file holds yet, after the question about unsaved changes."""
        if not self.may_leave():
            return False
        self._load(graph, None, called)
        self.session.history.mark_unsaved()
        return True

    def ask_open(self) -> bool:
        path = dialogs.ask_open(self.window, self._folder())
        return path is not None and self.open(path)

    def _load(self, graph: Graph, path: Path | None, called: str = "", fresh: bool = False) -> bool:
        self.is_fresh = fresh
        self.session.load(graph, path, called)
        self._stamp = _stamp(path)
        self.opened.emit()
        return True

    def _folder(self) -> str:
        if self.session.base is not None:
            return str(self.session.base)
        known = settings.recent()
        return str(known[0].parent) if known else str(Path.home())

    # ------------------------------------------------------------ saving

    def save(self) -> bool:
        self.settling.emit()
        path = self.session.path
        if path is None:
            return self.save_as()
        if self._stamp != _stamp(path) and path.exists():
            if not dialogs.ask_replace(self.window, path.name):
                return False
        return self.write(path)

    def save_as(self) -> bool:
        self.settling.emit()
        title = self.session.title.removesuffix(FROM_PICTURE)
        name = title.replace("/", " ").strip() or tr("Untitled")
        suggested = self.session.path or Path(self._folder()) / f"{name}.gloom"
        path = dialogs.ask_save(self.window, str(suggested))
        return path is not None and self.write(path)

    def write(self, path: Path) -> bool:
        """Writes the document to a file, whole or not at all, with what training has reached."""
        held = self.bridge.hold()
        try:
            return self._write(path)
        finally:
            if held:
                self.bridge.release()

    def _write(self, path: Path) -> bool:
        session = self.session
        session.history.end_gesture()
        try:
            self.data_files.keep_found(path.absolute().parent)
            files.write(session.root, path, miniature.png(session.root))
        except (ValueError, OSError) as error:
            self.problem.emit(_sentence(error, path))
            return False
        if self.recovery is not None:
            self.recovery.saved(session.root)
        session.path = path.absolute()
        self._stamp = _stamp(path)
        session.history.mark_saved()
        settings.remember(path)
        self.saved.emit()
        return True

    def export_picture(self) -> bool:
        """Writes what is looked at to a picture that opens as the document again."""
        session = self.session
        dialog = ExportDialog(self.window, session)
        agreed = dialog.exec() == QDialog.DialogCode.Accepted
        suffix, choices = dialog.suffix, dialog.choices()
        dialog.deleteLater()
        if not agreed:
            return False
        title = session.title.removesuffix(FROM_PICTURE).replace("/", " ").strip()
        suggested = Path(self._folder()) / f"{title or tr('Untitled')}{suffix}"
        path = dialogs.ask_picture(self.window, suggested)
        return path is not None and self.write_picture(path, choices)

    def write_picture(self, path: Path, choices: Choices) -> bool:
        """Writes a picture, whole or not at all; the document stays what it was."""
        try:
            files.write_bytes(path, drawn(self.session, path.suffix.lower(), choices))
        except (ValueError, OSError) as error:
            self.problem.emit(_sentence(error, path))
            return False
        return True


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What tells whether another program changed a file."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found is not None else None


def _sentence(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{path.name}: {error.strerror}"
    return str(error)

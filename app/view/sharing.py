"""What is shown to others: the trace as a table, the steps as an animation, a panel as a picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QProgressDialog

from app import animation, trace_export
from app.actions import PANELS
from app.text import tr
from app.view import panel_picture
from app.view.animation_dialog import AnimationDialog
from app.view.film import Reel
from app.view.finder import Entry
from engine import files
from engine.export import pytorch
from engine.train import data

if TYPE_CHECKING:
    from app.view.frame import Frame

PIECE_S, SHOWN_AFTER_MS = 0.03, 1000
Work = Iterator[tuple[int, int]]


class Pieces(QObject):
    """Work done in pieces while the window goes on; `done` of all is told, or `problem` in a sentence.

    After a second a progress with Cancel stands over the window. The work is closed when it ends.
    """

    def __init__(self, window: Frame, title: str, work: Work) -> None:
        super().__init__(window)
        self._window, self._work = window, work
        self.bar = QProgressDialog(title, tr("Cancel"), 0, 0, window)
        self.bar.setWindowTitle(title.rstrip("…"))
        self.bar.setWindowModality(Qt.WindowModality.WindowModal)
        self.bar.setMinimumDuration(SHOWN_AFTER_MS)
        self.bar.setAutoClose(False)
        self.bar.setAutoReset(False)
        self.bar.canceled.connect(self.cancel)
        self.running = True
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._next)
        self._timer.start(1)

    def cancel(self) -> None:
        self._end()

    def _next(self) -> None:
        until = time.monotonic() + PIECE_S
        try:
            done = total = 0
            while time.monotonic() < until:
                done, total = next(self._work)
                if done < 0:  # waits for another thread
                    return
            self.bar.setMaximum(total)
            self.bar.setValue(done)
        except StopIteration:
            self._end()
        except (ValueError, OSError) as error:
            self._end()
            self._window.tell(str(error))

    def _end(self) -> None:
        if not self.running:
            return
        self.running = False
        self._timer.stop()
        close = getattr(self._work, "close", None)
        if close is not None:
            close()
        self.bar.hide()
        self.bar.deleteLater()
        self.deleteLater()


class Sharing:
    """The commands that show the document to others. `work` is the last that was begun."""

    def __init__(self, window: Frame) -> None:
        self.window = window
        self.work: Pieces | None = None

    def _name(self) -> str:
        title = self.window.session.title.replace("/", " ").strip() or tr("Untitled")
        return str((self.window.session.base or Path.home()) / title)

    def begin(self, title: str, work: Work) -> None:
        """Does work in pieces, one at a time."""
        if self.work is not None and self.work.running:
            self.window.tell(tr("something is being exported already; wait for it or cancel it"))
            return
        self.work = Pieces(self.window, title, work)

    def _ask(self, title: str, suffix: str, kinds: dict[str, str]) -> Path | None:
        chosen = [f"{kinds[suffix]} (*{suffix})"]
        chosen += [f"{name} (*{end})" for end, name in kinds.items() if end != suffix]
        name, _ = QFileDialog.getSaveFileName(
            self.window, title, self._name() + suffix, ";;".join(chosen)
        )
        if not name:
            return None
        path = Path(name)
        return path if path.suffix.lower() in kinds else Path(f"{name}{suffix}")

    # ------------------------------------------------------------ the trace

    def export_trace(self) -> None:
        kinds = {".csv": "CSV", ".md": "Markdown", ".tex": "LaTeX"}
        path = self._ask(tr("Export trace"), ".csv", kinds)
        if path is not None:
            self.write_trace(path)

    def write_trace(self, path: Path) -> None:
        """Writes the trace of what is looked at, whole or not at all."""

        def finish(text: str) -> None:
            files.write_bytes(path, text.encode("utf-8"))

        self.begin(tr("Writing the trace…"), self._traced(path.suffix.lower(), finish))

    def copy_trace(self, suffix: str) -> None:
        """The trace as text on the clipboard, `.md` or `.tex`."""
        self.begin(
            tr("Copying the trace…"), self._traced(suffix, QGuiApplication.clipboard().setText)
        )

    def _traced(self, suffix: str, finish: Callable[[str], None]) -> Work:
        session, text = self.window.session, list[str]()
        steps = session.steps
        for piece in trace_export.written(steps, session.forward_end, suffix):
            text.append(piece)
            yield len(text), len(steps)
        finish("".join(text))

    def export_numbers(self, title: str, text: str) -> None:
        """A table of numbers as a CSV file."""
        path = self._ask(title, ".csv", {".csv": "CSV"})
        if path is not None:
            try:
                files.write_bytes(path, text.encode("utf-8"))
            except (ValueError, OSError) as error:
                self.window.tell(str(error))

    # ------------------------------------------------------------ a script

    def export_script(self) -> None:
        path = self._ask(tr("Export PyTorch script"), ".py", {".py": tr("Python script")})
        if path is not None:
            self.write_script(path)

    def write_script(self, path: Path) -> None:
        """Writes the whole document as a PyTorch script, its large arrays beside it; says why it cannot."""
        session = self.window.session
        try:
            with data.at_once():
                pytorch.write(session.root, session.base, path)
        except (ValueError, OSError) as error:
            self.window.tell(str(error))

    # ------------------------------------------------------------ the animation

    def export_animation(self) -> None:
        window = self.window
        try:
            split, count = window.session.forward_end, len(window.session.steps)
            animation.check(".gif", min(split, count - split) or count)
        except ValueError as error:
            window.tell(str(error))
            return
        dialog = AnimationDialog(window, window.session)
        agreed = dialog.exec() == QDialog.DialogCode.Accepted
        suffix, take = dialog.suffix, dialog.take()
        seconds, loop = dialog.seconds.value(), dialog.loop.isChecked()
        dialog.deleteLater()
        if not agreed:
            return
        kinds = {".gif": tr("Animation GIF"), ".mp4": tr("Film MP4")}
        path = self._ask(tr("Export animation"), suffix, kinds)
        if path is not None:
            self.begin(
                tr("Making the animation…"), filmed(Reel(window.session, take), path, seconds, loop)
            )

    # ------------------------------------------------------------ a panel

    def export_panel(self, name: str = "") -> None:
        """A panel as PNG or SVG; asks which where more are shown."""
        if not name:
            self._ask_panel(tr("Export which panel?"), self.export_panel)
            return
        path = self._ask(tr("Export panel"), ".png", {".png": "PNG", ".svg": "SVG"})
        if path is not None:
            self.write_panel(name, path)

    def write_panel(self, name: str, path: Path) -> None:
        try:
            files.write_bytes(
                path, panel_picture.drawn(self.window.docks[name], path.suffix.lower())
            )
        except (ValueError, OSError) as error:
            self.window.tell(str(error))

    def copy_panel(self, name: str = "") -> None:
        """A panel as a picture on the clipboard."""
        if not name:
            self._ask_panel(tr("Copy which panel?"), self.copy_panel)
            return
        try:
            QGuiApplication.clipboard().setImage(panel_picture.image(self.window.docks[name]))
        except ValueError as error:
            self.window.tell(str(error))

    def _ask_panel(self, prompt: str, run: Callable[[str], None]) -> None:
        """Asks for one of the panels that are shown, the tabs that explain first."""
        docks = self.window.docks
        explains = {n: bool(row.beside) or n == "trace_table" for n, row in PANELS.items()}
        seen = [n for n, dock in docks.items() if dock.is_seen]
        entries = [
            Entry(docks[n].windowTitle(), "", partial(run, n))
            for n in sorted(seen, key=lambda n: not explains.get(n, True))
        ]
        if entries:
            self.window.finder.ask(entries, prompt)
        else:
            self.window.tell(tr("no panel is shown; the View menu has them"))


def filmed(reel: Reel, path: Path, seconds: float, loop: bool) -> Work:
    """Frames are painted here and encoded in another thread; the file is written at the end."""
    queue: Queue[bytes | None] = Queue(4)
    ended, result = threading.Event(), list[bytes | Exception]()

    def frames() -> Iterator[bytes]:
        while not ended.is_set():
            try:
                frame = queue.get(timeout=0.05)
            except Empty:
                continue
            if frame is None:
                return
            yield frame
        raise animation.Cancelled

    def encode() -> None:
        try:
            result.append(animation.encode(suffix, frames(), reel.film(seconds, loop)))
        except Exception as error:  # told on the thread of the window
            result.append(error)

    suffix = path.suffix.lower()
    thread = threading.Thread(target=encode, name="animation")
    try:
        animation.check(suffix, len(reel.steps))
        thread.start()
        for done, frame in enumerate(reel.frames(), 1):
            while not result:
                try:
                    queue.put_nowait(frame)
                    break
                except Full:
                    yield -1, 0
            yield done, len(reel.steps) + 1
        queue.put(None)
        while thread.is_alive():
            yield -1, 0
        if isinstance(result[0], Exception):
            raise ValueError(tr("the animation could not be made: {why}").format(why=result[0]))
        files.write_bytes(path, result[0])
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
        reel.close()

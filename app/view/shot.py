"""Pictures of the real window, drawn without a display, and starting the program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import (
    QEventLoop,
    QMessageLogContext,
    QSize,
    Qt,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from app import animation
from app.recovery import Recovery
from app.session import Session
from app.view import mathematics, settings, theme, typesetting
from app.view.canvas.export import Choices, drawn
from app.view.crash import CrashGuard
from app.view.film import Reel, Take
from app.view.window import Window
from engine.edits import set_setting
from engine.files import write_bytes
from engine.graph import Graph


def application(scheme: str | None = None, colours: str | None = None) -> QApplication:
    """The one application, in a theme."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("gradloom")
    app.setApplicationDisplayName("Gradloom")
    app.setDesktopFileName("gradloom")
    theme.apply(app, scheme, colours)
    return app


def offscreen() -> None:
    """Draws without a display from here on; call before the application is made."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    qInstallMessageHandler(_quiet)


def _quiet(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's own remarks to standard error, but for one that the offscreen platform always makes."""
    if "propagateSizeHints" not in message:
        sys.stderr.write(f"{message}\n")


def settle(milliseconds: int = 450) -> None:
    """Lets the window lay itself out, animate and check."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def stage(graph: Graph, path: Path | None, size: tuple[int, int]) -> Window:
    """A window with a document, at a size, drawn but never seen."""
    window = Window(Session(graph, path))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(QSize(*size))
    window.show()
    window.documents.opened.emit()  # its panels, and its lesson
    settle(60)
    window.canvas.flush()
    window.canvas.fit()
    return window


def save(window: Window, out: Path) -> None:
    """Writes what the window shows. Raises ValueError when the file cannot be written."""
    settle()
    window.canvas.flush()
    typesetting.finish()
    picture = window.grab()
    if not picture.save(str(out), "PNG"):
        raise ValueError(f"cannot write the picture {out}; choose another place")


def drop(window: Window) -> None:
    """Ends a staged window without a question."""
    window.session.history.mark_saved()
    window.close()
    window.deleteLater()
    mathematics.clear_cache()


def picture(
    graph: Graph,
    path: Path | None,
    out: Path,
    size: tuple[int, int],
    step: int | None,
    scheme: str = "dark",
    panel: str = "",
    node: str = "",
    epochs: int | None = None,
) -> None:
    """`gradloom shot`: the window with a document after `step` micro-steps (all unless given), a
    panel in front and a node selected, both by name; with `epochs` it is trained for as many and the
    training views are shown.

    Raises ValueError when there are fewer steps, no such panel or node, or the file cannot be
    written.
    """
    if not isinstance(QApplication.instance(), QApplication):
        offscreen()
    application(scheme)
    window = stage(graph, path, size)
    try:
        if step is not None:
            _seek(window.session, step)
        if node:
            _select(window.session, node)
        if epochs is not None:
            _train(window, epochs)
        if panel:
            _show(window, panel)
        if epochs is not None:
            _wait(lambda: not window.studio.is_busy)
        save(window, out)
    finally:
        drop(window)


def export(
    graph: Graph,
    path: Path | None,
    out: Path,
    step: int | None,
    scheme: str,
    scale: int,
    values: bool,
    transparent: bool,
) -> None:
    """`gradloom export`: the document alone, as on the canvas, in a picture that holds it.

    Raises ValueError or OSError with a sentence.
    """
    if not isinstance(QApplication.instance(), QApplication):
        offscreen()
    application(scheme)
    session = Session(graph, path)
    if step is not None:
        _seek(session, step)
    choices = Choices(theme.current(), scale, values, transparent)
    write_bytes(out, drawn(session, out.suffix.lower(), choices))


def animate(
    graph: Graph,
    path: Path | None,
    out: Path,
    take: tuple[int, str, str, bool],
    seconds: float,
    loop: bool,
) -> None:
    """`gradloom animate`: the steps as GIF or MP4; `take` is width, part, theme and values.

    Raises ValueError or OSError with a sentence.
    """
    if not isinstance(QApplication.instance(), QApplication):
        offscreen()
    width, part, scheme, values = take
    application(scheme)
    suffix, session = out.suffix.lower(), Session(graph, path)
    with Reel(session, Take(width, part, theme.current(), values)) as reel:
        animation.check(suffix, len(reel.steps))
        write_bytes(out, animation.encode(suffix, reel.frames(), reel.film(seconds, loop)))
    mathematics.clear_cache()


def _train(window: Window, epochs: int) -> None:
    """Raises ValueError with the sentence why it cannot be trained."""
    window.panel_room.toggle_training()
    recipe = window.session.root.recipe
    for number in range(len(recipe.stages)):
        recipe = recipe.changed(number, epochs=epochs)
    window.session.do_outside(set_setting("recipe", recipe), "Change the recipe")
    window.canvas.fit()
    window.train()
    _wait(lambda: not window.bridge.running)
    last = window.bridge.last
    if last is None or last.state != "finished":
        raise ValueError(last.message if last is not None else "the document was not trained")


def _wait(done: Callable[[], bool]) -> None:
    """Lets the window work until something is done, two minutes at most."""
    until = time.monotonic() + 120
    while not done() and time.monotonic() < until:
        settle(50)


def _select(session: Session, name: str) -> None:
    node_id = session.graph.id_of(name)
    if node_id is None:
        known = ", ".join(n.name for n in list(session.graph.nodes.values())[:12])
        raise ValueError(f"there is no node {name}; the document has {known}")
    session.select((node_id,))


def _show(window: Window, panel: str) -> None:
    if panel not in window.docks:
        raise ValueError(f"there is no panel {panel}; there are {', '.join(window.docks)}")
    window.show_panel(panel)


def _seek(session: Session, step: int) -> None:
    count = len(session.steps)
    if step > count:
        raise ValueError(f"the document has {count} micro-steps; give --step 0 to {count}")
    session.seek(step)


def run(path: Path | None, graph: Graph | None = None) -> int:
    """Opens the window, on a file or a document without one; returns the exit code at its end."""
    app = application(settings.theme_name(), settings.colours())
    recovery = Recovery()
    window = Window(Session(Graph()), recovery)
    guard = CrashGuard(window.bridge)
    guard.install()
    try:
        window.restore_places()
        if path is None and graph is None:
            window.show_start()
        window.show()
        if graph is not None:
            window.documents.open_fresh(graph)
        elif path is not None and not window.documents.open(path):
            window.show_start()
        return app.exec()
    finally:
        guard.remove()
        mathematics.clear_cache()

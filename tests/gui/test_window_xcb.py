"""End to end on a real X server: a mouse that moves, drags, wires and steps."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.view.panels.palette import Chip
from app.view.window import Window
from engine import files

pytestmark = pytest.mark.xcb


@pytest.fixture
def window(window: Window) -> Window:
    """In the corner of the screen, where the pointer finds it."""
    window.move(0, 0)
    window.resize(1280, 760)
    return window


def xdotool(*words: str | int) -> None:
    subprocess.run(["xdotool", *map(str, words)], check=True)


def drag(qtbot: QtBot, start: QPoint, end: QPoint) -> None:
    """A real drag between two places of the screen. Qt's drag loop needs the events to arrive while
    it runs, so they come from another program."""
    way = [
        start + (end - start) * share / 8
        for share in range(1, 9)
    ]  # fmt: skip
    words: list[str | int] = ["mousemove", start.x(), start.y(), "sleep", "0.1", "mousedown", "1"]
    for place in way:
        words += ["sleep", "0.04", "mousemove", place.x(), place.y()]
    words += ["sleep", "0.15", "mouseup", "1"]
    running = subprocess.Popen(["xdotool", *map(str, words)])
    qtbot.waitUntil(lambda: running.poll() is not None, timeout=10_000)
    qtbot.wait(80)
    assert running.returncode == 0


def on_screen(widget: QWidget, place: QPoint | None = None) -> QPoint:
    return widget.mapToGlobal(widget.rect().center() if place is None else place)


def spot(window: Window, scene: QPointF) -> QPoint:
    """Where a place of the scene is on the screen."""
    canvas = window.canvas
    return canvas.viewport().mapToGlobal(canvas.mapFromScene(scene))


def chip(window: Window, name: str) -> Chip:
    return next(c for d in window.palette_panel.drawers for c in d.chips if c.op.name == name)


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="needs xdotool")
def test_drag_wire_step_save(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    session, board = window.session, window.canvas.board
    middle = on_screen(window.canvas.viewport())
    drag(qtbot, on_screen(chip(window, "input")), middle + QPoint(-200, 0))
    assert [n.op for n in session.graph.nodes.values()] == ["input"]
    drag(qtbot, on_screen(chip(window, "square")), middle + QPoint(40, 0))
    x, y = session.graph.nodes
    assert session.graph.nodes[y].op == "square"
    window.canvas.flush()
    start = spot(window, board.nodes[x].output_at())
    drag(qtbot, start, spot(window, board.nodes[y].port_at("x")))
    assert session.graph.links == {(y, "x"): x}

    before = session.graph.nodes[y]
    grip = spot(window, board.nodes[y].body().center() - QPointF(0, 28))
    drag(qtbot, grip, grip + QPoint(60, 50))
    after = session.graph.nodes[y]
    assert (after.x, after.y) != (before.x, before.y)
    assert session.history.undo_label and "Move" in session.history.undo_label

    for button, cursor in (("step.start", 0), ("step.forward", 1), ("step.end", 3)):
        place = on_screen(window.transport.buttons[button])
        xdotool("mousemove", place.x(), place.y(), "sleep", "0.05", "click", "1")
        qtbot.waitUntil(lambda cursor=cursor: session.cursor == cursor, timeout=3000)  # type: ignore[misc]

    path = tmp_path / "drawn.gloom"
    assert window.documents.write(path)
    bytes_before = files.canonical_bytes(session.graph)
    assert files.canonical_bytes(files.read(path)) == bytes_before


def test_formula_steps_and_undo_by_keys(window: Window, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    line = window.top.formula.line
    qtbot.waitUntil(line.hasFocus, timeout=3000)
    QTest.keyClicks(line, "J = cos(sin(x^2) + 3*x^2)")
    QTest.keyClick(line, Qt.Key.Key_Return)
    session = window.session
    assert len(session.graph.nodes) == 6 and len(session.steps) == 12
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: session.cursor == 0, timeout=2000)
    for number in range(1, 13):
        QTest.keyClick(window.canvas, Qt.Key.Key_L)
        assert session.cursor == number
        assert window.explanation.symbols.toolTip() == session.steps[number - 1].text
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not session.graph.nodes

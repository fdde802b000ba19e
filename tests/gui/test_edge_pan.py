"""The view under a gesture: it moves near the edge, and follows two fingers and a pinch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hands import hover, middle, node, seen
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view import theme
from app.view.canvas import Canvas
from app.view.canvas.adding import MIME
from app.view.canvas.autopan import EDGE, FASTEST, speed
from engine import files
from engine.compose import compose

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Open = Callable[..., Canvas]


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    made = Canvas(
        Session(compose("t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)", default=0.5)),
        theme.apply(app, "dark"),
    )
    qtbot.addWidget(made, before_close_func=lambda c: c.detach())
    made.reduced_motion = True
    made.resize(1000, 500)
    made.show()
    qtbot.waitExposed(made)
    made.fit()
    made.flush()
    return made


def hold(canvas: Canvas, start: QPoint, end: QPoint) -> None:
    """Presses, moves there and keeps the button down."""
    port = canvas.viewport()
    QTest.mousePress(port, LEFT, NONE, start)
    for i in range(1, 5):
        QTest.mouseMove(port, start + (end - start) * i / 4)


def test_the_nearer_to_the_edge_the_faster() -> None:
    assert speed(500, 1000) == speed(EDGE, 1000) == speed(1000 - EDGE, 1000) == 0
    paces = [speed(x, 1000) for x in (EDGE - 1, 20, 10, 0, -10)]
    assert paces == sorted(paces) and paces[0] > 0 and paces[3] == FASTEST
    assert speed(1000, 1000) == -FASTEST and speed(2000, 1000) == speed(1200, 1000)


def test_a_dragged_node_goes_on_while_the_view_moves(canvas: Canvas, qtbot: QtBot) -> None:
    item = canvas.board.nodes[node(canvas, "J")]
    before, was = files.to_bytes(canvas.session.graph), item.pos()
    corner = canvas.to_scene(QPointF(0, 0))
    hold(canvas, seen(canvas, item.body().center()), QPoint(992, 250))
    qtbot.waitUntil(lambda: canvas.to_scene(QPointF(0, 0)).x() > corner.x() + 120, timeout=3000)
    canvas.flush()
    under = canvas.to_scene(QPointF(992, 250))
    assert abs(item.body().center().x() - under.x()) < 30, "it stays under the pointer at rest"
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, QPoint(992, 250))
    assert canvas.session.history.labels == ["Move"]
    assert canvas.session.graph.nodes[item.node_id].x > was.x() + 200
    stands = canvas.to_scene(QPointF(0, 0))
    qtbot.wait(60)
    assert canvas.to_scene(QPointF(0, 0)) == stands, "the view rests when the button is up"
    canvas.session.history.undo()
    assert files.to_bytes(canvas.session.graph) == before


def test_a_band_and_a_wire_grow_over_what_comes_into_view(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.zoom_to(2.0)
    canvas.look(canvas.board.nodes[node(canvas, "x")].body().center(), 2.0)
    hold(canvas, QPoint(500, 480), QPoint(996, 20))
    qtbot.waitUntil(lambda: node(canvas, "J") in canvas.session.selection, timeout=8000)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.session.selection == ()
    stands = canvas.centre()
    qtbot.wait(60)
    assert canvas.centre() == stands, "Esc ends the motion"
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, QPoint(996, 20))
    canvas.look(canvas.board.nodes[node(canvas, "x")].body().center(), 2.0)
    hold(canvas, seen(canvas, canvas.board.nodes[node(canvas, "x")].output_at()), QPoint(995, 250))
    target = canvas.board.nodes[node(canvas, "J")]
    qtbot.waitUntil(lambda: canvas.seen().contains(target.body()), timeout=8000)
    end = seen(canvas, target.port_at("x"))
    QTest.mouseMove(canvas.viewport(), end)
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, end)
    assert canvas.session.graph.links[target.node_id, "x"] == node(canvas, "x")
    assert canvas.session.history.labels == ["Connect"]


def test_a_press_at_the_edge_alone_moves_nothing(canvas: Canvas, qtbot: QtBot) -> None:
    stands = canvas.centre()
    QTest.mousePress(canvas.viewport(), LEFT, NONE, QPoint(996, 400))
    QTest.mouseMove(canvas.viewport(), QPoint(997, 401))
    qtbot.wait(60)
    assert canvas.centre() == stands
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, QPoint(997, 401))
    hold(canvas, QPoint(500, 480), QPoint(480, 470))
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, QPoint(480, 470))
    drag = QPoint(998, 250)
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.MiddleButton, NONE, drag - QPoint(100, 0))
    QTest.mouseMove(canvas.viewport(), drag)
    panned = canvas.centre()
    qtbot.wait(60)
    assert canvas.centre() == panned, "panning by hand is not helped"
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.MiddleButton, NONE, drag)


def test_what_is_dragged_in_moves_the_view_once_it_was_inside(canvas: Canvas, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setData(MIME, b"sin")

    def over(kind: type[QDragMoveEvent], place: QPoint) -> None:
        event = kind(place, Qt.DropAction.CopyAction, data, LEFT, NONE)
        QApplication.sendEvent(canvas.viewport(), event)
        assert event.isAccepted()

    stands = canvas.centre()
    over(QDragEnterEvent, QPoint(4, 250))
    qtbot.wait(60)
    assert canvas.centre() == stands, "it comes in over the edge"
    over(QDragMoveEvent, QPoint(500, 250))
    over(QDragMoveEvent, QPoint(995, 250))
    qtbot.waitUntil(lambda: canvas.centre().x() > stands.x() + 60, timeout=3000)
    QApplication.sendEvent(canvas.viewport(), QDragLeaveEvent())
    left = canvas.centre()
    qtbot.wait(60)
    assert canvas.centre() == left


# ------------------------------------------------------------------------- the trackpad


def wheel(canvas: Canvas, pixels: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
    at = QPointF(300, 200)
    event = QWheelEvent(
        at, QPointF(canvas.viewport().mapToGlobal(at.toPoint())), pixels, pixels * 2,
        Qt.MouseButton.NoButton, held, Qt.ScrollPhase.ScrollUpdate, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)


def test_two_fingers_pan(canvas: Canvas) -> None:
    corner, zoom = canvas.to_scene(QPointF(0, 0)), canvas.zoom
    wheel(canvas, QPoint(-30, 18))
    moved = (canvas.to_scene(QPointF(0, 0)) - corner) * zoom
    assert (round(moved.x()), round(moved.y())) == (30, -18) and canvas.zoom == zoom
    wheel(canvas, QPoint(0, 30), Qt.KeyboardModifier.ControlModifier)
    assert canvas.zoom > zoom, "with Ctrl they zoom"


def pinch(canvas: Canvas, kind: Qt.NativeGestureType, value: float, at: QPointF) -> None:
    event = QNativeGestureEvent(
        kind, QPointingDevice.primaryPointingDevice(), 2, at, at,
        QPointF(canvas.viewport().mapToGlobal(at.toPoint())), value, QPointF(),
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)


def test_a_pinch_zooms_at_the_fingers(canvas: Canvas) -> None:
    at = QPointF(310, 170)
    before, zoom = canvas.to_scene(at), canvas.zoom
    for kind, value in (
        (Qt.NativeGestureType.BeginNativeGesture, 0.0),
        (Qt.NativeGestureType.ZoomNativeGesture, 0.1),
        (Qt.NativeGestureType.ZoomNativeGesture, 0.2),
        (Qt.NativeGestureType.EndNativeGesture, 0.0),
    ):
        pinch(canvas, kind, value, at)
    assert canvas.zoom == pytest.approx(zoom * 1.1 * 1.2)
    moved = canvas.to_scene(at) - before
    assert abs(moved.x()) < 1 and abs(moved.y()) < 1


def test_a_pinch_is_no_leave(canvas: Canvas) -> None:
    hover(canvas, middle(canvas, "t"))
    assert canvas.board.nodes[node(canvas, "t")].look.hovered
    pinch(canvas, Qt.NativeGestureType.ZoomNativeGesture, 0.1, QPointF(300, 200))
    assert canvas.board.nodes[node(canvas, "t")].look.hovered
    QApplication.sendEvent(canvas.viewport(), QEvent(QEvent.Type.Leave))
    assert not canvas.board.nodes[node(canvas, "t")].look.hovered

"""A person's hands on the canvas: where things are on the screen, dragging, dropping."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.view.canvas import Canvas
from app.view.canvas.adding import MIME

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"
Open = Callable[..., Canvas]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
PLAIN, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def node(canvas: Canvas, name: str) -> str:
    found = canvas.session.graph.id_of(name)
    assert found is not None
    return found


def seen(canvas: Canvas, place: QPointF) -> QPoint:
    return canvas.viewportTransform().map(place).toPoint()


def middle(canvas: Canvas, name: str) -> QPoint:
    return seen(canvas, canvas.board.nodes[node(canvas, name)].body().center())


def output(canvas: Canvas, name: str) -> QPoint:
    return seen(canvas, canvas.board.nodes[node(canvas, name)].output_at())


def port(canvas: Canvas, name: str, port_name: str) -> QPoint:
    return seen(canvas, canvas.board.nodes[node(canvas, name)].port_at(port_name))


def drag(
    canvas: Canvas,
    start: QPoint,
    end: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    release: bool = True,
    modifiers: Qt.KeyboardModifier = PLAIN,
) -> None:
    """Press, four moves and release, as real events of the viewport."""
    port_ = canvas.viewport()
    QTest.mousePress(port_, button, modifiers, start)
    for i in range(1, 5):
        QTest.mouseMove(port_, start + (end - start) * i / 4)
    if release:
        QTest.mouseRelease(port_, button, modifiers, end)


def hover(canvas: Canvas, place: QPoint) -> None:
    """The mouse moves there without a button."""
    move_over(canvas.viewport(), place)


def move_over(widget: QWidget, place: QPoint) -> None:
    """The mouse moves over a widget. (`QTest.mouseMove` would move the pointer of a real screen,
    which says so when it likes.)"""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(place), QPointF(widget.mapToGlobal(place)),
        Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, PLAIN,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def leave(widget: QWidget) -> None:
    """The mouse goes elsewhere."""
    QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))


def drop(canvas: Canvas, op: str, place: QPoint) -> bool:
    data = QMimeData()
    data.setData(MIME, op.encode())
    enter = QDragEnterEvent(
        place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(
        QPointF(place), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)
    return event.isAccepted()


def links(canvas: Canvas) -> dict[tuple[str, str], str]:
    graph = canvas.session.graph
    return {(graph.name(n), p): graph.name(s) for (n, p), s in graph.links.items()}

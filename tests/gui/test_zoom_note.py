"""The zoom is told in a corner of the canvas while it changes."""

from __future__ import annotations

import pytest
from hands import Open
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view.canvas import Canvas, overlays


def wheel(canvas: Canvas, angle: int) -> None:
    port = canvas.viewport()
    place = QPointF(port.rect().center())
    event = QWheelEvent(
        place, QPointF(port.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, angle),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(port, event)


def test_the_zoom_is_told_while_it_changes(
    opened: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlays, "ZOOM_MS", 60)
    canvas = opened()
    note = canvas.zoom_note
    qtbot.waitUntil(note.isHidden)
    canvas.pan(5, 5)
    assert note.isHidden(), "moving is no zooming"
    for angle in (240, 120, -360, -1200):
        wheel(canvas, angle)
        told = float(note.text().removesuffix(" %"))
        assert not note.isHidden() and told == pytest.approx(100 * canvas.zoom, abs=0.5)
    canvas.zoom_to(0.012)
    assert note.text() == "1.2 %"
    assert not note.geometry().intersects(canvas.minimap.geometry())
    assert canvas.rect().contains(note.geometry())
    canvas.resize(500, 400)
    assert canvas.rect().contains(note.geometry())
    assert not note.geometry().intersects(canvas.minimap.geometry())
    qtbot.waitUntil(note.isHidden)

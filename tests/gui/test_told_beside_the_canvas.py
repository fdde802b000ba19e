"""What stands beside the canvas tells what the canvas shows: why there is no gradient, the step."""

from __future__ import annotations

import numpy as np
from hands import LEFT, PLAIN, middle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.view.window import Window
from engine.edits import set_tensors


def _matrices(window: Window, rows: int) -> None:
    window.compose("v = a @ b; w = v * 2")
    graph = window.session.graph
    a, b = str(graph.id_of("a")), str(graph.id_of("b"))
    window.session.do(set_tensors({a: np.ones((2, 3)), b: np.ones((rows, 4))}), "shapes")


def test_the_card_names_the_fault(window: Window) -> None:
    _matrices(window, 2)
    card, canvas = window.explanation, window.canvas
    assert "2×3 @ 2×4 does not fit" in card.later.text() and card.later.isVisible()
    assert card.later.property("role") == "error"
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "v"))
    assert window.inspector.fault.text() in card.later.text()


def test_the_card_says_why_there_is_no_backward_pass(window: Window) -> None:
    _matrices(window, 3)
    card, session = window.explanation, window.session
    assert card.where.text().startswith("Step 2 of 2 · forward")
    assert card.later.text().startswith("w is not a single number, so it has no gradient")
    QTest.keyClick(window.canvas, Qt.Key.Key_J)
    assert session.cursor == 1 and "gradient" not in card.later.text(), "only where the steps end"


def test_the_trace_shows_the_step_after_an_undo(window: Window) -> None:
    window.compose("t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)*cos(t)*cos(u1)")
    view, canvas, session = window.trace.view, window.canvas, window.session
    steps = len(session.steps)

    def shown() -> bool:
        QTest.qWait(20)
        assert session.step is not None and session.cursor == steps
        row = view.visualRect(window.trace.model.index_of(session.step))
        return view.viewport().rect().contains(row)

    assert view.verticalScrollBar().maximum() > 0 and shown()
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "x"))
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    QTest.qWait(20)
    assert len(session.steps) < steps
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown()


def test_a_long_fault_does_not_widen_the_window(window: Window) -> None:
    _matrices(window, 2)
    card = window.explanation
    assert card.later.sizeHint().width() > 400 > card.minimumSizeHint().width()
    assert card.later.toolTip() in card.later.text()

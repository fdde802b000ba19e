"""The trace's two columns: numbers below symbols, and table, card and canvas that find each other."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hands import LEFT, PLAIN, middle, node, seen
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.view import mathematics, typesetting
from app.view.panels import trace_table
from app.view.window import Window
from engine.edits import set_tensors
from engine.modules import make_module
from engine.trace import Step

PROGRAM = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def worked(window: Window, cursor: int) -> None:
    window.compose(PROGRAM)
    graph = window.session.graph
    window.session.do(set_tensors({str(graph.id_of("x")): np.asarray(1.0)}), "one")
    QTest.qWait(10)
    window.session.seek(cursor)


def texts(window: Window) -> list[str]:
    return [window.session.steps[n - 1].text for n in sorted(window.trace.found)]


def is_seen(window: Window, number: int) -> bool:
    view, step = window.trace.view, window.session.steps[number - 1]
    row = view.visualRect(window.trace.model.index_of(step))
    return view.viewport().rect().contains(row)


def at_wire(window: Window, key: tuple[str, str]) -> QPoint:
    x, y = window.canvas.board.wires[key].points()[12]
    return seen(window.canvas, QPointF(x, y))


def test_a_selected_node_finds_its_steps_and_the_step_stays(window: Window) -> None:
    worked(window, 2)
    canvas = window.canvas
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "t"))
    assert texts(window) == ["t = x^2", "dJ/dt += dJ/du1 * cos(t)", "dJ/dt += dJ/du2 * 3"]
    assert window.session.cursor == 2 and is_seen(window, 1)
    window.session.seek(12)
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "J"))
    assert texts(window) == ["J = cos(u)", "dJ/dJ = 1"]
    assert window.session.cursor == 12 and is_seen(window, 6)
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, QPoint(8, 8))
    assert not window.trace.found


def test_a_clicked_wire_finds_what_it_carried(window: Window) -> None:
    worked(window, 1)
    canvas = window.canvas
    key = node(canvas, "u1"), "x"
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, at_wire(window, key))
    assert texts(window) == ["u1 = sin(t)", "dJ/dt += dJ/du1 * cos(t)"]
    assert window.session.cursor == 1 and is_seen(window, 2)
    canvas.rewiring.add_dot(key, QPointF(0, 0))
    dot = window.session.graph.links[key]
    QTest.qWait(30)
    for end in (key, (dot, window.session.graph.ports(dot)[0])):
        window.trace.find_wire(end)
        assert texts(window) == ["u1 = sin(t)", "dJ/dt += dJ/du1 * cos(t)"]
    window.trace.find_wire(None)
    assert not window.trace.found


def test_the_card_finds_through_its_factors(window: Window) -> None:
    worked(window, 10)
    typesetting.finish()
    QApplication.processEvents()
    line = window.explanation.symbols
    QTest.mouseClick(line, LEFT, PLAIN, line.place_of(2).toPoint())
    assert texts(window) == ["u1 = sin(t)", "dJ/du1 += dJ/du * 1"]


def test_keys_in_the_table_step(window: Window) -> None:
    worked(window, 3)
    view, session = window.trace.view, window.session
    view.setFocus(Qt.FocusReason.TabFocusReason)
    assert view.hasFocus()
    for key, cursor in (
        (Qt.Key.Key_Down, 4), (Qt.Key.Key_Down, 5), (Qt.Key.Key_Down, 6), (Qt.Key.Key_Up, 5),
        (Qt.Key.Key_PageDown, 12), (Qt.Key.Key_Down, 12), (Qt.Key.Key_PageUp, 2),
        (Qt.Key.Key_Up, 1), (Qt.Key.Key_Up, 1),
    ):  # fmt: skip
        QTest.keyClick(view, key)
        assert session.cursor == cursor and is_seen(window, cursor)
        assert view.currentIndex() == window.trace.model.index_of(session.steps[cursor - 1])
    QTest.keyClick(view, Qt.Key.Key_L)
    assert session.cursor == 2, "letters still step"


def test_the_numbers_stand_below(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    original = trace_table.readable
    monkeypatch.setattr(
        trace_table, "readable", lambda text: drawn.append(original(text)) or drawn[-1]
    )
    worked(window, 10)
    QApplication.processEvents()
    upstream, local = -np.sin(np.sin(1.0) + 3.0), np.cos(1.0)
    assert f"{upstream:.4f} × {local:.4f} = {upstream * local:.4f}" in drawn
    row = window.trace.view.rowHeight(0)
    assert row == trace_table.ROW_HEIGHT


def test_inside_a_module(window: Window) -> None:
    worked(window, 12)
    session, canvas = window.session, window.canvas
    chosen = [node(canvas, n) for n in ("u1", "u2", "u")]
    session.do(make_module(session.graph, chosen, "Block")[0], "module")
    instance = next(n for n in session.graph.nodes if session.graph.op(n).definition is not None)
    session.select((instance,))
    assert len(window.trace.found) == 7, "three forward; two at the sum, one each at its operands"
    key = next(k for k in session.graph.links if k[0] == instance)
    window.trace.find_wire(key)
    assert sum(t.startswith("dJ/dt") for t in texts(window)) == 2
    session.enter(instance)
    assert not window.trace.found
    session.select((str(session.graph.id_of("u1")),))
    assert len(window.trace.found) == 2


def test_nothing_to_find(window: Window) -> None:
    window.trace.find_wire(("n1", "x"))
    window.compose("y = a @ b")
    window.session.select((node(window.canvas, "y"),))
    QTest.keyClick(window.trace.view, Qt.Key.Key_Down)
    assert len(window.trace.found) <= 1


def test_only_rows_that_are_seen_are_drawn(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 steps: what a step costs follows what is seen."""
    window.compose("\n".join(["y = x", *(f"y = sin(y + {i})" for i in range(1000))]))
    steps = window.session.steps
    assert len(steps) > 4000
    window.session.seek(3000)
    QApplication.processEvents()
    lines: list[int] = []
    original = trace_table._Lines._symbols

    def symbols(lines_: trace_table._Lines, painter: QPainter, step: Step, box: QRectF) -> None:
        lines.append(step.number)
        original(lines_, painter, step, box)

    monkeypatch.setattr(trace_table._Lines, "_symbols", symbols)
    for _ in range(5):
        QTest.keyClick(window.trace.view, Qt.Key.Key_Down)
        QApplication.processEvents()
    assert window.session.cursor == 3005 and is_seen(window, 3005)
    assert 0 < len(lines) < 5 * 2 * 16


def test_a_line_in_words_is_laid_out_once_until_it_is_typeset(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps in a row stand in words; asking for their size again and again lays nothing out anew."""
    worked(window, 0)
    typesetting.finish()
    monkeypatch.setattr(mathematics, "_cache", OrderedDict())  # nothing is known yet
    card, laid = window.explanation.symbols, []
    original = type(card)._lay_out
    monkeypatch.setattr(type(card), "_lay_out", lambda line: laid.append(line) or original(line))
    for number in range(1, 8):
        window.session.seek(number)
        before = laid.count(card)
        for _ in range(5):
            card.sizeHint()
        card.place_of(0)
        assert laid.count(card) - before <= 1
    words = card.sizeHint()
    typesetting.finish()
    QTest.qWait(5)
    assert card.sizeHint() != words, "typeset it is as wide as its symbols"

"""The panel "What if": sensitivities ranked, numbers dragged, the output's line and its tangents."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.panels.sensitivity_table import ELASTICITY, NAME, PERCENT, SLOPE, VALUE
from app.view.panels.what_if import POINTS, WhatIfPanel
from app.view.window import Window
from engine.compose import compose
from engine.graph import Graph

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
WORKED = "J = cos(sin(x^2) + 3*x^2)"


def j_at(x: float, three: float = 3.0) -> float:
    return math.cos(math.sin(x * x) + three * x * x)


def slope_at(x: float) -> float:
    return -math.sin(math.sin(x * x) + 3 * x * x) * (math.cos(x * x) + 3) * 2 * x


@pytest.fixture
def panel(window: Window, qtbot: QtBot) -> WhatIfPanel:
    show(window, qtbot, compose(WORKED, {"x": 1.0}))
    return window.what_if_panel


def show(window: Window, qtbot: QtBot, graph: Graph) -> WhatIfPanel:
    window.session.load(graph)
    window.show_editor()
    window.canvas.fit()
    window.commands.run("explain.what_if")
    panel = window.what_if_panel
    qtbot.waitUntil(panel.isVisible)
    panel.refresh()
    return panel


def move(widget: QWidget, at: QPoint, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    place = QPointF(at)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, QPointF(widget.mapToGlobal(at)), Qt.MouseButton.NoButton,
        LEFT, modifiers,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def pull(
    panel: WhatIfPanel,
    widget: QWidget,
    start: QPoint,
    by: int,
    modifiers: Qt.KeyboardModifier = PLAIN,
    release: bool = True,
) -> None:
    QTest.mousePress(widget, LEFT, modifiers, start)
    for i in range(1, 5):
        move(widget, start + QPoint(by * i // 4, 0), modifiers)
    panel.tries.flush()
    if release:
        QTest.mouseRelease(widget, LEFT, modifiers, start + QPoint(by, 0))
    panel.refresh()


def cell(panel: WhatIfPanel, row: int, column: int) -> QPoint:
    table = panel.table
    return table.visualRect(table.model_.index(row, column)).center()


def texts(panel: WhatIfPanel, row: int) -> list[str]:
    model = panel.table.model_
    return [model.data(model.index(row, c)) for c in range(ELASTICITY + 1)]


def x_now(panel: WhatIfPanel) -> float:
    session = panel.session
    return float(session.graph.tensors[session.graph.id_of("x")])


def test_sensitivities_are_ranked(panel: WhatIfPanel) -> None:
    """Against the derivatives written out by hand."""
    assert [r.name for r in panel.table.model_.rows] == ["x", "a of v₃", "b of v₁"]
    by_three = -math.sin(math.sin(1.0) + 3)
    expected = (
        (1.0, slope_at(1.0)),
        (3.0, by_three),
        (2.0, 0.0),  # x^n at x = 1 does not follow n
    )
    for row, (value, slope) in enumerate(expected):
        percent = 0.01 * value * slope
        numbers = (value, slope, percent, 100 * percent / j_at(1.0))
        assert texts(panel, row)[1:] == [theme.number_text(n + 0.0) for n in numbers]
    assert panel.table.model_.headerData(SLOPE, Qt.Orientation.Horizontal) == "∂J ↓"


def test_a_click_on_a_header_sorts(panel: WhatIfPanel) -> None:
    header = panel.table.horizontalHeader()

    def click(column: int) -> list[str]:
        at = QPoint(header.sectionViewportPosition(column) + 20, header.height() // 2)
        QTest.mouseClick(header.viewport(), LEFT, PLAIN, at)
        return [r.name for r in panel.table.model_.rows]

    assert click(NAME) == ["a of v₃", "b of v₁", "x"]
    assert click(VALUE) == ["a of v₃", "b of v₁", "x"]
    assert click(VALUE) == ["x", "b of v₁", "a of v₃"]
    assert click(PERCENT)[0] == "x"


def test_a_click_on_a_row_selects_its_node(panel: WhatIfPanel) -> None:
    QTest.mouseClick(panel.table.viewport(), LEFT, PLAIN, cell(panel, 1, NAME))
    panel.refresh()
    (node_id,) = panel.session.selection
    assert panel.session.graph.name(node_id) == "v3"
    assert panel.name.text() == "a of v₃" and panel.field.text == "3"
    panel.session.select([panel.session.graph.id_of("x")])
    panel.refresh()
    assert panel.name.text() == "x"


def test_a_value_is_dragged_in_its_row(panel: WhatIfPanel) -> None:
    pull(panel, panel.table.viewport(), cell(panel, 0, VALUE), 12, release=False)
    assert x_now(panel) == 1.2
    before, said, now = j_at(1.0), j_at(1.0) + 0.2 * slope_at(1.0), j_at(1.2)
    shown = {name: number.text() for name, (_, number) in panel.cells.items()}
    assert shown == {
        "output": f"{theme.number_text(before)} → {theme.number_text(now)}",
        "said": theme.number_text(said), "gap": theme.number_text(now - said),
    }  # fmt: skip
    assert panel.was.text() == "was 1" and panel.field.text == "1.200"
    assert panel.table.model_.rows[0].name == "x"
    QTest.keyClick(panel.table, Qt.Key.Key_Escape)
    panel.refresh()
    assert x_now(panel) == 1.0 and not panel.session.history.labels
    QTest.mouseRelease(panel.table.viewport(), LEFT, PLAIN, cell(panel, 0, VALUE))
    pull(panel, panel.table.viewport(), cell(panel, 0, VALUE), 12, SHIFT)
    assert x_now(panel) == 1.02 and panel.session.history.labels == ["What if x"]


def test_the_field_is_dragged_turned_stepped_and_typed_over(panel: WhatIfPanel) -> None:
    field, tries = panel.field, panel.tries
    pull(panel, field, field.rect().center(), 60)
    assert x_now(panel) == 2.0
    pull(panel, field, field.rect().center(), 30, release=False)
    assert x_now(panel) == 2.5
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert x_now(panel) == 2.0
    QTest.mouseRelease(field, LEFT, PLAIN, field.rect().center())
    at = QPointF(field.rect().center())
    event = QWheelEvent(
        at, QPointF(field.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, -240),
        Qt.MouseButton.NoButton, PLAIN, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, event)
    tries.end()
    assert x_now(panel) == 1.8
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Up, SHIFT)
    tries.end()
    assert x_now(panel) == 1.81
    panel.refresh()
    QTest.mouseClick(field, LEFT, PLAIN, field.rect().center())
    assert field.editor.isVisible() and field.editor.text() == "1.81"
    QTest.keyClicks(field.editor, "pi/2")
    QTest.keyClick(field.editor, Qt.Key.Key_Return)
    assert x_now(panel) == pytest.approx(math.pi / 2) and not field.editor.isVisible()
    panel.refresh()
    assert panel.was.text() == "was 1"
    panel.refresh()
    QTest.mouseClick(panel.back, LEFT)
    panel.refresh()
    assert x_now(panel) == 1.0 and not panel.back.isEnabled() and panel.was.text() == ""
    assert not panel.session.marks.all.notes


def test_the_line_of_the_output_with_its_tangents(panel: WhatIfPanel, qtbot: QtBot) -> None:
    plot = panel.plot
    qtbot.waitUntil(lambda: len(plot.curve) == POINTS)
    assert (plot.low, plot.high) == (0.0, 2.0) and not plot.moved
    np.testing.assert_allclose([y for _, y in plot.curve], [j_at(x) for x, _ in plot.curve], 1e-11)
    assert plot.now is not None
    assert (plot.now.x, plot.now.y) == pytest.approx((1.0, j_at(1.0)))
    assert plot.now.slope == pytest.approx(slope_at(1.0))
    # a drag in the plot moves the number to where the pointer is
    box = plot._box
    start = QPoint(round(box.left() + 0.5 * box.width()), plot.height() // 2)
    pull(panel, plot, start, round(0.2 * box.width()))
    x = x_now(panel)
    assert x == pytest.approx(1.4, abs=0.02)
    assert plot.moved and plot.start and plot.now
    assert (plot.start.x, plot.start.slope) == pytest.approx((1.0, slope_at(1.0)))
    assert (plot.now.x, plot.now.y, plot.now.slope) == pytest.approx((x, j_at(x), slope_at(x)))
    assert panel.session.history.labels == ["What if x"]


def test_the_slider_moves_the_number(panel: WhatIfPanel) -> None:
    slider = panel.slider
    assert slider.value() == 500
    at = QPoint(slider.width() // 2, slider.height() // 2)
    pull(panel, slider, at, slider.width() // 4)
    assert x_now(panel) == pytest.approx(1.5, abs=0.05)
    assert panel.session.history.labels == ["What if x"]
    slider.setFocus()
    before = x_now(panel)
    QTest.keyClick(slider, Qt.Key.Key_PageUp)
    assert x_now(panel) > before


def test_a_tensor_shows_its_norm_and_its_steepest_entry(window: Window, qtbot: QtBot) -> None:
    w = np.array([[0.1, -0.2], [0.4, 0.5]])
    panel = show(window, qtbot, compose("J = sum(exp(w * w))", {"w": w}))
    gradient = 2 * w * np.exp(w * w)
    (row,) = panel.table.model_.rows
    assert row.found.gradient == pytest.approx(np.linalg.norm(gradient))
    assert row.handle.entry == (1, 1) and row.below(VALUE) == "[1, 1]"
    assert row.below(SLOPE) == f"max {theme.number_text(gradient[1, 1], 3)}"
    assert row.found.percent == pytest.approx(0.01 * np.sum(gradient * w))
    pull(panel, panel.table.viewport(), cell(panel, 0, VALUE), 60)
    now = window.session.graph.tensors[window.session.graph.id_of("w")]
    assert now[1, 1] == pytest.approx(0.6) and np.count_nonzero(now != w) == 1
    assert panel.name.text() == "w[1, 1]"


def test_another_entry_is_picked_in_the_picture(window: Window, qtbot: QtBot) -> None:
    w = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, 0.7]])
    panel = show(window, qtbot, compose("J = sum(exp(w * w))", {"w": w}))
    assert panel.name.text() == "w[1, 2]" and panel.entries.isVisible()
    place = panel.entries.place_of((0, 1)).toPoint()
    QTest.mouseClick(panel.entries, LEFT, PLAIN, place)
    assert panel.name.text() == "w[0, 1]" and panel.field.text == theme.number_text(-0.2)
    assert panel.table.model_.rows[0].below(VALUE) == "[0, 1]"
    pull(panel, panel.field, panel.field.rect().center(), 60)
    now = window.session.graph.tensors[window.session.graph.id_of("w")]
    assert now[0, 1] == pytest.approx(-0.1) and np.count_nonzero(now != w) == 1
    assert panel.plot.start is not None
    assert panel.plot.start.slope == pytest.approx(-0.4 * math.exp(0.04))
    QTest.mouseClick(panel.entries, LEFT, PLAIN, panel.entries.place_of((1, 0)).toPoint())
    assert panel.name.text() == "w[1, 0]" and not window.session.marks.all.notes


# ---------------------------------------------------------------- nothing to show


CASES: dict[str, tuple[Any, str]] = {
    "empty": (Graph, "are listed here"),
    "no single number": (lambda: compose("y = sin(x)", {"x": np.ones(3)}), "not a single number"),
}


@pytest.mark.parametrize("case", CASES)
def test_empty_states_are_told_in_words(window: Window, qtbot: QtBot, case: str) -> None:
    make, words = CASES[case]
    window.session.load(make())
    window.show_editor()
    window.show_panel("what_if")
    panel = window.what_if_panel
    qtbot.waitUntil(panel.isVisible)
    panel.refresh()
    assert panel.stack.currentIndex() == 1 and words in panel.message.text()


def test_a_number_without_an_output_can_be_tried_out(window: Window, qtbot: QtBot) -> None:
    panel = show(window, qtbot, compose("y = sin(x)", {"x": np.ones(3)}))
    session = window.session
    session.select([session.graph.id_of("x")])
    panel.refresh()
    assert panel.name.text() == "x[0]"
    panel.field.setFocus()
    QTest.keyClick(panel.field, Qt.Key.Key_Up)
    panel.tries.end()
    panel.refresh()
    assert session.graph.tensors[session.graph.id_of("x")][0] == pytest.approx(1.1)
    assert panel.cells["said"][1].text() == "–" and panel.plot.now is None


def test_while_it_trains_the_panel_waits(panel: WhatIfPanel) -> None:
    panel.tries.set_training(True)
    panel.refresh()
    assert panel.stack.currentIndex() == 1 and "pause it" in panel.message.text()
    panel.tries.set_training(False)
    panel.refresh()
    assert panel.stack.currentIndex() == 0 and panel.name.text() == "x"


def test_numbers_that_are_not_finite(window: Window, qtbot: QtBot) -> None:
    panel = show(window, qtbot, compose("J = log(x) + sqrt(y)", {"x": -1.0, "y": 0.0}))
    for row in range(len(panel.table.model_.rows)):
        assert texts(panel, row)
    pull(panel, panel.field, panel.field.rect().center(), 30)
    panel.grab()


def test_the_start_page_and_another_document(window: Window, qtbot: QtBot) -> None:
    panel = show(window, qtbot, compose(WORKED, {"x": 1.0}))
    pull(panel, panel.field, panel.field.rect().center(), 30)
    window.session.history.mark_saved()
    window.start_page()
    assert panel.tries.trial is None
    show(window, qtbot, compose("K = y * y", {"y": 3.0}))
    assert panel.name.text() == "y"
    assert panel.cells["output"][0].text() == "K"


@pytest.mark.parametrize("name", ["dark", "light"])
def test_it_is_drawn_in_both_themes(panel: WhatIfPanel, qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, name)
    pull(panel, panel.field, panel.field.rect().center(), 12)
    qtbot.waitUntil(lambda: len(panel.plot.curve) == POINTS)
    image = panel.plot.grab().toImage()
    tokens = theme.current()
    seen = {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }
    assert tokens.value.name() in seen
    assert {c for c in (tokens.accent.name(), tokens.gradient.name()) if c in seen}


def test_the_curve_makes_way_in_a_low_window(
    panel: WhatIfPanel, window: Window, qtbot: QtBot
) -> None:
    """It is as high as it can be read, or gone."""
    assert panel.plot.isVisible() and panel.plot.height() >= 96
    window.resizeDocks([window.docks["inspector"]], [900], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: not panel.plot.isVisible())
    assert panel.slider.isVisible() and panel.table.isVisible()
    window.resizeDocks([window.docks["inspector"]], [100], Qt.Orientation.Vertical)
    qtbot.waitUntil(panel.plot.isVisible)
    assert panel.plot.height() >= 96

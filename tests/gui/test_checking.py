"""Gradients checked on demand: badges at nodes, kinks, planted defects, and when badges go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hands import WORKED
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.view.checking import MOST
from app.view.window import Window
from engine import examples, ops
from engine.compose import compose
from engine.edits import set_tensors
from engine.graph import Graph


def show(window: Window, graph: Graph) -> None:
    window.session.load(graph)
    window.show_editor()
    QTest.qWait(1)
    window.canvas.fit()


def choose(window: Window, menu_title: str, action_id: str) -> None:
    """Clicks on a menu of the bar and on a line of it."""
    bar = window.top.menus
    title = next(a for a in bar.actions() if a.text() == menu_title)
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(title).center())
    menu = title.menu()
    assert isinstance(menu, QMenu) and menu.isVisible()
    line = window.commands.by_id[action_id]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(line).center())


def done(window: Window, qtbot: QtBot) -> dict[str, str]:
    """The badges by name once the check has ended."""
    qtbot.waitUntil(lambda: not window.checking.running, timeout=60_000)
    mark = window.session.marks.of("check")
    graph = window.session.graph
    return {} if mark is None else {graph.name(n): b.text for n, b in mark.badges.items()}


def tip(window: Window, name: str) -> str:
    mark = window.session.marks.of("check")
    assert mark is not None
    return mark.badges[str(window.session.graph.id_of(name))].tip


def test_the_menu_checks_every_node_and_the_inspector_says_the_numbers(
    window: Window, qtbot: QtBot
) -> None:
    show(window, compose(WORKED, {"x": 0.5}))
    choose(window, "Explain", "explain.check")
    assert done(window, qtbot) == dict.fromkeys(("x", "t", "u1", "u2", "u", "J"), "✓")
    t, u = 0.25, np.sin(0.25) + 0.75
    expected = f"{-np.sin(u) * (np.cos(t) + 3):.3f}".replace("-", "−")
    assert f"The gradient {expected} agrees with the difference {expected}" in tip(window, "t")
    window.session.select([str(window.session.graph.id_of("t"))])
    assert window.inspector.numbers is not None
    told = window.inspector.numbers.check
    assert told.isVisible() and told.text() == tip(window, "t")
    assert window.explanation.badge.text().startswith("✓ 6 checked ")
    window.session.select([])
    choose(window, "Explain", "explain.check_clear")
    assert window.session.marks.of("check") is None


def test_a_node_is_checked_by_its_own_menu(window: Window, qtbot: QtBot) -> None:
    show(window, compose(WORKED, {"x": 0.5}))
    port, canvas = window.canvas.viewport(), window.canvas
    item = canvas.board.nodes[str(window.session.graph.id_of("u1"))]
    at: QPoint = canvas.viewportTransform().map(item.body().center()).toPoint()
    QTest.mouseClick(port, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, at)
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(port, QContextMenuEvent(reason, at, port.mapToGlobal(at)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    line = next(a for a in menu.actions() if a.objectName() == "explain.check_node")
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(line).center())
    assert done(window, qtbot) == {"u1": "✓"}


def test_a_kink_has_its_own_badge_and_its_reason(window: Window, qtbot: QtBot) -> None:
    show(window, compose("a = relu(x); J = a + abs(y) + x", {"x": 0.0, "y": 0.0}))
    window.commands.run("explain.check")
    badges = done(window, qtbot)
    assert (badges["x"], badges["y"], badges["a"]) == ("kink", "kink", "✓")
    assert tip(window, "y").startswith("At a kink: slope from the left −1, from the right 1")
    assert "no error" in tip(window, "y")
    roles = {b.role for b in window.session.marks.of("check").badges.values()}
    assert "error" not in roles
    assert window.explanation.badge.text().endswith("2 at a kink")


def test_a_planted_wrong_derivative_is_red(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(ops.TABLE["sin"], derivative={"x": "g * (1.01 * cos(x))"})
    monkeypatch.setitem(ops.TABLE, "sin", wrong)
    monkeypatch.setitem(ops._CALLS, ("sin", 1), wrong)
    show(window, compose(WORKED, {"x": 0.5}))
    window.commands.run("explain.check")
    badges = done(window, qtbot)
    assert {n for n, text in badges.items() if text == "✕"} == {"x", "t"}
    graph, mark = window.session.graph, window.session.marks.of("check")
    assert mark.badges[graph.id_of("t")].role == "error"
    assert window.explanation.badge.property("role") == "error"
    assert "2 of 6 differ" in window.explanation.badge.text()
    assert "differs from the difference" in tip(window, "t")


def test_badges_go_when_a_value_changes_and_stay_when_a_node_moves(
    window: Window, qtbot: QtBot
) -> None:
    from engine import edits

    show(window, compose(WORKED, {"x": 0.5}))
    window.commands.run("explain.check")
    assert done(window, qtbot)
    graph = window.session.graph
    window.session.do(edits.move(graph, {graph.id_of("J"): (900.0, 0.0)}), "Move")
    assert window.session.marks.of("check") is not None
    window.session.do(set_tensors({graph.id_of("x"): np.array(0.7)}), "Set")
    assert window.session.marks.of("check") is None
    assert not window.commands.by_id["explain.check_clear"].isEnabled()


def test_it_stops_when_the_document_changes_and_never_holds_the_window(
    window: Window, qtbot: QtBot
) -> None:
    text = "\n".join(f"u{i + 1} = tanh(u{i} @ W)" for i in range(12)).replace("u0 ", "x ")
    values = {"x": np.ones((64, 48)), "W": np.full((48, 48), 0.1)}
    show(window, compose(text + "\nJ = mean(u12^2)", values))
    window.commands.run("explain.check")
    assert window.checking.running
    assert "checking" in window.explanation.badge.text()
    qtbot.waitUntil(lambda: len(window.checking.verdicts) > 0, timeout=60_000)
    assert window.checking.running
    graph = window.session.graph
    window.session.do(set_tensors({graph.id_of("x"): np.zeros((64, 48))}), "Set")
    assert not window.checking.running and window.checking.verdicts == {}


def test_single_precision_nan_and_data(window: Window, qtbot: QtBot) -> None:
    show(window, compose(WORKED, {"x": 0.5}, "float32"))
    window.commands.run("explain.check")
    assert set(done(window, qtbot).values()) == {"✓"}
    show(window, compose("t = log(x); J = t + y", {"x": -1.0, "y": 2.0}))
    window.commands.run("explain.check")
    badges = done(window, qtbot)
    assert badges["t"] == badges["y"] == "–"
    assert "The output is NaN here" in tip(window, "y")
    assert "NaN" in tip(window, "t")
    assert window.explanation.badge.text() == "⚠ not finite"
    show(window, compose("t = sqrt(x); J = t + y", {"x": 0.0, "y": 2.0}))
    window.commands.run("explain.check")
    assert done(window, qtbot) == {"x": "–", "y": "✓", "t": "✓", "J": "✓"}
    assert window.explanation.badge.text().endswith("1 not comparable")
    show(window, examples.load("xor"))
    window.commands.run("explain.check")
    assert set(done(window, qtbot).values()) <= {"✓", "kink"}


def test_inside_a_module_its_own_nodes_are_checked(window: Window, qtbot: QtBot) -> None:
    program = "h = Dense(x, units=2)\nJ = sum(tanh(h)^2)"
    show(window, compose(program, {"x": np.ones((3, 2))}, modules=examples.modules()))
    window.session.enter(str(window.session.graph.id_of("h")))
    window.commands.run("explain.check")
    badges = done(window, qtbot)
    assert len(badges) > 2 and set(badges.values()) == {"✓"}
    inner = set(badges)
    window.session.leave()
    outside = done(window, qtbot)
    assert "h" in outside and "J" not in outside  # the module's result was checked inside
    assert inner


def test_without_a_gradient_it_is_said(window: Window, qtbot: QtBot) -> None:
    show(window, compose("y = x * 2", {"x": [1.0, 2.0]}))
    window.commands.run("explain.check")
    assert "not a single number" in window.notice.text()
    show(window, Graph())
    assert not window.commands.by_id["explain.check"].isEnabled()
    window.checking.check_all()
    window.checking.check_selected()
    show(window, compose(WORKED, {"x": 0.5}))
    window.checking._ask([f"n{i}" for i in range(MOST + 1)])
    assert "too many to be checked at once" in window.notice.text()


def test_small_documents_are_checked_as_they_are_edited(window: Window, qtbot: QtBot) -> None:
    show(window, compose(WORKED, {"x": 0.5}))
    qtbot.waitUntil(lambda: "✓ checked" in window.explanation.badge.text(), timeout=10_000)
    assert window.session.marks.of("check") is None  # the card alone
    graph = window.session.graph
    window.session.do(set_tensors({graph.id_of("x"): np.array(0.9)}), "Set")
    assert window.explanation.badge.text() == ""
    qtbot.waitUntil(lambda: "✓ checked" in window.explanation.badge.text(), timeout=10_000)


def test_a_check_leaves_what_is_not_finite_told(window: Window, qtbot: QtBot) -> None:
    show(window, compose("J = 0 * log(x)", {"x": -1.0}))
    badge = window.explanation.badge
    qtbot.waitUntil(lambda: badge.text() == "⚠ not finite")
    choose(window, "Explain", "explain.check")
    done(window, qtbot)
    assert badge.text() == "⚠ not finite" and badge.toolTip().startswith("step 1, forward: ")

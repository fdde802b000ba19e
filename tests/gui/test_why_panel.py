"""The why-lens: paths and their products, what is lit on the canvas, verdicts, pins, modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hands import CONTROL, LEFT, PLAIN, hover, middle
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view.panels.path_list import fitting
from app.view.panels.why import OWNER, Why
from app.view.window import Window
from engine import edits, examples
from engine.compose import compose
from engine.graph import Graph
from engine.modules import add_module

M04 = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def show(window: Window, graph: Graph, name: str | None = "x", place: tuple[str, ...] = ()) -> Why:
    """The document with the lens on a node, asked for as a person does."""
    window.session.load(graph)
    window.show_editor()
    QTest.qWait(1)
    window.navigation.show_all()
    if place:
        window.session.go(place)
    if name is not None:
        window.session.select((str(window.session.graph.id_of(name)),))
    window.commands.by_id["explain.why"].trigger()
    settle(window)
    return window.why_panel


def settle(window: Window) -> None:
    panel = window.why_panel
    for _ in range(400):
        QTest.qWait(5)
        if panel._task is None and not panel._wait.isActive():
            return
    raise AssertionError("the search does not end")


def lines(panel: Why) -> list[tuple[str, str, str]]:
    return [(" ".join(r.names), r.product, r.number) for r in panel.list.rows.rows]


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("‖", ""))


def row_middle(panel: Why, row: int) -> QPoint:
    index = panel.list.rows.index(row)
    panel.list.scrollTo(index)
    return panel.list.visualRect(index).center()


def point(panel: Why, row: int) -> None:
    """The mouse moves over a row without a button."""
    port, at = panel.list.viewport(), QPointF(row_middle(panel, row))
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, QPointF(port.mapToGlobal(at)), Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton, PLAIN,
    )  # fmt: skip
    QApplication.sendEvent(port, event)


def leave(panel: Why) -> None:
    QApplication.sendEvent(panel.list.viewport(), QEvent(QEvent.Type.Leave))


def click(panel: Why, row: int) -> None:
    QTest.mouseClick(panel.list.viewport(), LEFT, PLAIN, row_middle(panel, row))


def lit(window: Window) -> set[tuple[str, str]]:
    """The lit wires by the name of the node they end at, and the port."""
    graph = window.session.graph
    return {(graph.name(n), p) for n, p in window.session.marks.all.lit}


def weights(window: Window) -> dict[tuple[str, str], float]:
    graph = window.session.graph
    return {(graph.name(n), p): s for (n, p), s in window.session.marks.all.wires.items()}


def test_the_worked_example(window: Window) -> None:
    x = 0.5
    panel = show(window, compose(M04, {"x": x}))
    seed = -math.sin(math.sin(x * x) + 3 * x * x)
    terms = [seed * 3 * 2 * x, seed * math.cos(x * x) * 2 * x]
    assert panel.headline.accessibleName() == "∂J/∂x = −3.334"
    assert number("-3.334") == pytest.approx(sum(terms), abs=5e-4)
    assert panel.count.text() == "sum of 2 paths"
    assert [names for names, _, _ in lines(panel)] == ["J u u₂ t x", "J u u₁ t x"]
    assert [number(n) for _, _, n in lines(panel)] == pytest.approx(terms, abs=5e-4)
    assert lines(panel)[1][1] == "(−0.8401) × 0.9689 = −0.8139"
    assert not panel.verdict.isVisible() and not panel.rest.isVisible()
    shares = weights(window)
    assert shares["u", "a"] == pytest.approx(terms[1] / sum(terms))
    assert shares["u2", "b"] == pytest.approx(terms[0] / sum(terms))
    assert shares["J", "x"] == shares["t", "a"] == pytest.approx(1.0)
    assert not window.session.history.position  # looking is never a step


def test_a_path_is_lit_while_it_is_pointed_at_and_kept_by_a_click(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}))
    one = {("J", "x"), ("u", "b"), ("u2", "b"), ("t", "a")}
    other = {("J", "x"), ("u", "a"), ("u1", "x"), ("t", "a")}
    point(panel, 0)
    assert lit(window) == one and set(weights(window)) == one
    point(panel, 1)
    assert lit(window) == other and window.session.marks.all.dim
    leave(panel)
    assert lit(window) == set() and len(weights(window)) == 6
    click(panel, 0)
    leave(panel)
    assert lit(window) == one and panel.list.kept == 0
    point(panel, 1)
    assert lit(window) == other
    leave(panel)
    assert lit(window) == one
    window.session.do(edits.set_tensors({"n1": np.asarray(0.6)}), "Set x")
    settle(window)
    assert lit(window) == one  # the same path, with other numbers
    click(panel, 0)
    leave(panel)
    assert lit(window) == set() and panel.list.kept == -1


def test_keys_go_through_the_paths_and_escape_leaves(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}))
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert panel.list.kept == 1 and ("u1", "x") in lit(window)
    QTest.keyClick(panel.list, Qt.Key.Key_Up)
    assert panel.list.kept == 0 and ("u2", "b") in lit(window)
    QTest.keyClick(panel.list, Qt.Key.Key_Escape)
    assert lit(window) == set() and len(weights(window)) == 6
    QTest.keyClick(panel.list, Qt.Key.Key_Escape)
    assert weights(window) == {} and window.canvas.hasFocus()


def test_escape_on_the_canvas_and_closing_take_the_marks_away(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}))
    window.canvas.setFocus()
    chosen = window.session.selection
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.session.marks.of(OWNER) is None and window.session.selection == chosen
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.session.selection == ()
    QTest.mouseClick(window.canvas.viewport(), LEFT, PLAIN, middle(window.canvas, "t"))
    settle(window)
    assert panel.headline.accessibleName().startswith("∂J/∂t") and weights(window)
    window.docks["why"].close()
    assert window.session.marks.of(OWNER) is None
    window.session.do(edits.set_tensors({"n1": np.asarray(0.6)}), "Set x")
    QTest.qWait(150)
    assert window.session.marks.of(OWNER) is None and panel._task is None


def test_it_follows_the_selection_unless_it_is_pinned(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}), None)
    assert "Select a node" in panel.message.text() and weights(window) == {}
    canvas = window.canvas
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "t"))
    settle(window)
    assert (
        panel.headline.accessibleName().startswith("∂J/∂t = ") and panel.node.currentText() == "t"
    )
    QTest.mouseClick(panel.pin, LEFT)
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "u1"))
    settle(window)
    assert panel.node.currentText() == "t" and panel.pin.isChecked()
    QTest.mouseClick(panel.pin, LEFT)
    settle(window)
    assert panel.node.currentText() == "u₁"
    window.commands.by_id["explain.why"].trigger()
    settle(window)
    assert panel.node.currentText() == "u₁"


def test_the_node_is_chosen_in_the_panel_too(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}), None)
    box, session = panel.node, window.session
    assert box.isEnabled() and box.currentIndex() == -1
    box.showPopup()
    assert [box.itemText(i) for i in range(box.count())] == ["x", "t", "u₁", "u₂", "u", "J"]
    keys = box.view()
    keys.setCurrentIndex(box.model().index(box.findText("u₁"), 0))
    QTest.keyClick(keys, Qt.Key.Key_Down)
    QTest.keyClick(keys, Qt.Key.Key_Return)
    settle(window)
    assert session.selection == (session.graph.id_of("u2"),) and box.currentText() == "u₂"
    assert panel.headline.accessibleName().startswith("∂J/∂u₂ = ")
    QTest.mouseClick(panel.pin, LEFT)
    window.activateWindow()
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Up)
    settle(window)
    assert box.currentText() == "u₁" and panel.headline.accessibleName().startswith("∂J/∂u₁ = ")
    assert session.selection == (session.graph.id_of("u2"),), "what is kept is no selection"
    session.select((str(session.graph.id_of("x")),))
    settle(window)
    assert box.currentText() == "u₁" and panel.pin.isChecked()
    panel.pin.setChecked(False)
    settle(window)
    assert box.currentText() == "x"
    session.load(Graph())
    settle(window)
    assert not box.isEnabled() and box.currentIndex() == -1
    box.showPopup()
    assert not box.count()
    box.hidePopup()


def test_another_loss(window: Window) -> None:
    panel = show(window, compose(M04, {"x": 0.5}))
    panel.loss.setFocus()
    index = panel.loss.findText("u₁")
    panel.loss.setCurrentIndex(index)
    panel.loss.activated.emit(index)
    settle(window)
    assert panel.headline.accessibleName() == "∂u₁/∂x = 0.9689"
    assert set(weights(window)) == {("u1", "x"), ("t", "a")}
    window.session.do(edits.set_tensors({"n1": np.asarray(1.0)}), "Set x")
    settle(window)
    assert panel.headline.accessibleName() == f"∂u₁/∂x = {2 * math.cos(1.0):.3f}"
    window.session.select((str(window.session.graph.id_of("u2")),))
    settle(window)
    assert "no wire leads" in panel.verdict.sentence.text() and panel.count.text() == "no path"


def test_a_dead_unit_is_named_and_gone_to(window: Window) -> None:
    panel = show(window, compose("z=w*x; h=relu(z); J=(h-1)^2", {"w": -1.2, "x": 1.0}), "w")
    assert panel.headline.accessibleName() == "∂J/∂w = 0"
    assert panel.verdict.sentence.text() == "h = relu(−1.2) is dead: its slope there is 0."
    assert lit(window) == {("h", "x")}
    graph = window.session.graph
    (badge,) = window.session.marks.all.badges.items()
    assert graph.name(badge[0]) == "h" and badge[1].text == "0"
    QTest.mouseClick(panel.verdict, LEFT)
    settle(window)
    assert [graph.name(n) for n in window.session.selection] == ["h"]
    assert panel.headline.accessibleName() == "∂J/∂w = 0"  # it is still the one asked about
    panel.verdict.setFocus()
    window.session.select(())
    QTest.keyClick(panel.verdict, Qt.Key.Key_Return)
    assert [graph.name(n) for n in window.session.selection] == ["h"]


@pytest.mark.parametrize(
    ("program", "given", "name", "said"),
    [
        ("s=sign(x); J=s*z", {"x": 1.0, "z": 2.0}, "x", "s = sign(x) is level between its jumps"),
        ("u=log(x); J=u*w", {"x": -1.0, "w": 2.0}, "w", "u = log(−1) is NaN"),
        ("h=sigmoid(x); J=3*h", {"x": 22.3}, "x", "is saturated: its slope there is 2.066e−10"),
        ("J=x-x", {"x": 3.0}, "x", "terms that reach x cancel: +1 and −1"),
    ],
)
def test_odd_gradients_get_a_verdict(
    window: Window, program: str, given: dict[str, Any], name: str, said: str
) -> None:
    panel = show(window, compose(program, given), name)
    assert said in panel.verdict.sentence.text() and panel.verdict.isVisible()
    assert lit(window)


def test_more_paths_than_are_shown(window: Window) -> None:
    program = "\n".join(f"u{i} = u{i - 1} + 0.5 * sin(u{i - 1})" for i in range(1, 31)).replace(
        "u0", "x"
    )
    panel = show(window, compose(program, {"x": 1e-6}), "x")
    paths = panel.lens.paths
    assert paths is not None and paths.count == 2**30
    assert panel.count.text() == "sum of 1,073,741,824 paths"
    assert panel.rest.text().startswith("showing 20 of 1,073,741,824 paths; the rest adds")
    assert len(lines(panel)) == 21 and lines(panel)[-1][0] == ""
    shown = [number(n) for _, _, n in lines(panel)]
    total = float(window.session.evaluation.gradients[window.session.graph.id_of("x")])
    assert sum(shown) == pytest.approx(total, abs=1e-3 * sum(map(abs, shown)))
    QTest.mouseClick(panel.more, LEFT)
    settle(window)
    assert panel.rest.text().startswith("showing 100 of") and len(lines(panel)) == 101
    point(panel, 100)  # what is left together is no path
    assert lit(window) == set()


def test_tensors_tell_what_arrives(window: Window) -> None:
    rng = np.random.default_rng(1)
    W, x = rng.normal(size=(4, 3)), rng.normal(size=3)
    panel = show(window, compose("h=tanh(W@x); J=sum(h)+0.5*sum(W^2)", {"W": W, "x": x}), "W")
    one = np.outer(1 - np.tanh(W @ x) ** 2, x)
    lengths = sorted((np.linalg.norm(one), np.linalg.norm(W)), reverse=True)
    assert panel.count.text() == "4×3 · sum of 2 paths"
    assert [number(n) for _, _, n in lines(panel)] == pytest.approx(lengths, rel=1e-3)
    assert "4×3" in lines(panel)[0][1]
    assert panel.headline.accessibleName().startswith("‖∂J/∂W‖ = ")
    assert number(panel.headline.accessibleName().split(" = ")[1]) == pytest.approx(
        np.linalg.norm(one + W), rel=1e-3
    )


def test_a_path_that_adds_nothing_says_where_it_ends(window: Window) -> None:
    panel = show(window, compose("h=relu(x); J=sum(h)+sum(x^2)", {"x": -np.ones(3)}), "x")
    assert [n for _, _, n in lines(panel)] == ["‖3.464‖", "‖0‖"]
    assert lines(panel)[1][1] == "ends at h: all 3 entries are dead, with slope 0"
    assert not panel.verdict.isVisible()


def with_module() -> tuple[Graph, str]:
    graph = Graph()
    edit, x = edits.add_node(graph, "input", "x", value=np.linspace(-1, 1, 6).reshape(2, 3))
    edit.apply(graph)
    edit, block = add_module(graph, "ResidualBlock", examples.modules()["ResidualBlock"])
    edit.apply(graph)
    edit, total = edits.add_node(graph, "sum")
    edit.apply(graph)
    edits.connect(x, block, "x").apply(graph)
    edits.connect(block, total, "x").apply(graph)
    return graph, block


def test_through_and_inside_a_module(window: Window) -> None:
    graph, block = with_module()
    panel = show(window, graph)
    assert {n for n, _ in window.session.marks.all.wires} == {block, str(graph.output())}
    window.session.go((block,))
    inner = window.session.graph
    sources = [n for n in inner.nodes if inner.op(n).definition is not None]
    window.session.select((sources[0],))
    settle(window)
    wires = set(window.session.marks.all.wires)
    assert wires and wires <= set(inner.links)
    assert panel.lens.paths is not None and panel.lens.paths.count == 1
    gradient = window.session.evaluation.gradients[sources[0]]
    assert number(panel.headline.accessibleName().split(" = ")[1]) == pytest.approx(
        float(np.linalg.norm(gradient)), rel=1e-3
    )
    window.session.leave()
    settle(window)
    assert set(window.session.marks.all.wires) <= set(graph.links)


def test_a_verdict_inside_a_module_is_gone_to(window: Window) -> None:
    graph, _ = with_module()
    window.session.load(graph)
    evaluation = window.session.evaluation
    biases = [
        n
        for n, value in evaluation.values.items()
        if value.ndim == 1 and n.count(".") == 2 and evaluation.expansion.nodes[n].op.is_source
    ]
    graph.tensors.update({n: np.full(evaluation.values[n].shape, -50.0) for n in biases})
    panel = show(window, graph, None)
    inside = biases[0]
    window.session.go(tuple(inside.split(".")[:-1]))
    window.session.select((inside.split(".")[-1],))
    settle(window)
    assert "entries are dead" in panel.verdict.sentence.text()
    QTest.mouseClick(panel.verdict, LEFT)
    settle(window)
    at = panel.lens.cause_at()
    assert at is not None and window.session.place == at[0] and window.session.selection == (at[1],)


def test_nothing_to_explain_is_said(window: Window) -> None:
    panel = show(window, Graph(), None)
    assert not window.commands.by_id["explain.why"].isEnabled()
    window.show_panel("why")
    settle(window)
    assert (
        panel.message.text()
        == "Nothing to explain yet. Type a formula above, or drag an operator in."
    )
    panel = show(window, compose("y = 2*x", {"x": np.ones(3)}), "x")
    assert "not a single number" in panel.message.text()
    graph = compose(M04, {"x": 0.5})
    graph.put("links", (str(graph.id_of("u")), "b"), None)
    panel = show(window, graph, "u2")
    assert panel.message.text() or panel.verdict.sentence.text()
    window.show_start()
    QTest.qWait(30)
    assert not window.commands.by_id["explain.why"].isEnabled()


def test_while_values_keep_coming(window: Window) -> None:
    graph = compose("h=tanh(w*x); J=(h-1)^2", {"w": 0.3, "x": 2.0})
    panel = show(window, graph, "w")
    node = str(graph.id_of("w"))
    for k in range(20):
        window.session.refresh({node: np.asarray(0.3 + 0.05 * k)})
        QTest.qWait(2)
    settle(window)
    w = 0.3 + 0.05 * 19
    exact = 2 * (math.tanh(2 * w) - 1) * (1 - math.tanh(2 * w) ** 2) * 2
    assert number(panel.headline.accessibleName().split(" = ")[1]) == pytest.approx(exact, rel=1e-3)


def test_a_large_document_is_searched_in_pieces(window: Window, qtbot: QtBot) -> None:
    program = "\n".join(f"u{i} = u{i - 1} + sin(u{i - 1})" for i in range(1, 1001)).replace(
        "u0 ", "x "
    )
    window.session.load(compose(program.replace("(u0)", "(x)"), {"x": 0.001}))
    window.show_editor()
    window.session.select((str(window.session.graph.id_of("x")),))
    window.commands.by_id["explain.why"].trigger()
    panel = window.why_panel
    assert panel._task is not None  # it goes on behind the event loop
    qtbot.waitUntil(lambda: panel._task is None, timeout=20000)
    assert panel.count.text() == "sum of about 10^301 paths"
    assert panel.rest.text().startswith("showing 20 of about 10^301 paths")


def test_what_there_is_no_room_for_is_left_out_of_the_middle() -> None:
    assert fitting([10, 10, 10], 100, 5, 20) == [0, 1, 2]
    assert fitting([10] * 9, 100, 5, 20) == [0, 1, 2, -1, 7, 8]
    assert fitting([200, 10, 200], 100, 5, 20) == [0, -1, 2]


def test_a_wrong_share_is_noticed(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: every wire as thick as the next."""
    from engine.paths import Paths

    right = Paths.shares
    monkeypatch.setattr(Paths, "shares", lambda self: dict.fromkeys(right(self), 0.5))
    with pytest.raises(AssertionError):
        test_the_worked_example(window)


def test_the_menu_of_a_node_offers_it(window: Window) -> None:
    show(window, compose(M04, {"x": 0.5}), "t")
    hover(window.canvas, middle(window.canvas, "t"))
    menu = window.commands.ask_menu("node", QPoint(200, 200))
    assert "Why is this gradient what it is?" in [a.text() for a in menu.actions()]
    menu.close()
    assert CONTROL  # the key is a person's to choose: it has none of its own

"""Derivatives as nodes in the real window: added by keys, chosen in the dialog, told when stale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.actions import BY_ID
from app.text import pretty_name
from app.view.gradient_dialog import GradientDialog
from app.view.window import Window
from engine.compose import compose
from engine.derivative_records import current
from engine.derive import derive
from engine.edits import connect, remove_nodes, set_literal
from engine.files.archive import from_bytes, to_bytes
from engine.graph import Graph
from engine.modules import make_module

SHIFT = Qt.KeyboardModifier.ShiftModifier
M04 = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"
CASES = json.loads((Path(__file__).parents[1] / "published.json").read_text())


def show(window: Window, graph: Graph) -> None:
    window.session.load(graph)
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.setFocus()


def press(window: Window) -> None:
    """Shift+D on the canvas."""
    QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_D, SHIFT)
    window.canvas.flush()


def name(window: Window) -> str:
    [node_id] = window.session.selection
    return window.session.graph.name(node_id)


def test_five_presses_on_the_worked_example(window: Window) -> None:
    """The published orders, one undo step a press; undone they leave the same bytes."""
    orders = published_orders()
    show(window, compose(M04, {"x": 1.0}))
    session = window.session
    before = to_bytes(session.graph)
    for order in range(1, 6):
        press(window)
        assert name(window) == ("dJ_dx" if order == 1 else f"d{order}J_dx{order}")
        value = session.evaluation.values[session.selection[0]]
        np.testing.assert_allclose(float(value), orders[order], 1e-12)
    assert session.graph.name(str(session.graph.output())) == "J"
    assert all(current(session.graph).values()) and len(session.graph.notes) == 5
    assert [n.text for n in session.graph.notes.values()][:2] == ["∂J/∂x", "∂²J/∂x²"]
    assert float(session.evaluation.gradients[str(session.graph.id_of("x"))]) == pytest.approx(
        orders[1]
    )
    data = to_bytes(session.graph)
    assert to_bytes(from_bytes(data)) == data
    frames = [window.canvas.board.notes.items[n] for n in session.graph.notes]
    for zoom in (1.0, 0.5, 0.02):  # from afar titles grow upwards, and lie over no other frame
        assert not [
            (one.note.text, other.note.text)
            for one in frames
            for other in frames
            if one is not other and one.outline(zoom).intersects(other.area())
        ]
    for _ in range(5):
        QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert to_bytes(session.graph) == before


def test_the_number_is_there_in_the_middle_of_a_pass(window: Window) -> None:
    show(window, compose(M04, {"x": 1.0}))
    session = window.session
    QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_Home)
    QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_L)
    assert session.cursor == 1
    press(window)
    value = session.shown_value(session.selection[0])
    assert value is not None and float(value) == pytest.approx(published_orders()[1], rel=1e-12)


def test_the_view_comes_back_with_undo(window: Window) -> None:
    """Unless it was moved to something else meanwhile."""
    show(window, compose(M04, {"x": 1.0}))
    canvas = window.canvas
    port, control = canvas.viewport(), Qt.KeyboardModifier.ControlModifier
    before = canvas.centre(), canvas.zoom
    for moved in (False, True):
        press(window)
        press(window)
        assert (canvas.centre() - before[0]).manhattanLength() > 200
        if moved:
            QTest.keyClick(port, Qt.Key.Key_F)
        seen = canvas.centre(), canvas.zoom
        QTest.keyClick(port, Qt.Key.Key_Z, control)
        QTest.keyClick(port, Qt.Key.Key_Z, control)
        centre, zoom = seen if moved else before
        assert canvas.zoom == pytest.approx(zoom) and canvas.sees_something
        assert (canvas.centre() - centre).manhattanLength() < 4 / zoom
    QTest.keyClick(port, Qt.Key.Key_F)
    press(window)
    window.session.select(())
    canvas.pan(0, -9000)
    QTest.keyClick(port, Qt.Key.Key_Z, control)
    assert canvas.sees_something


def published_orders() -> list[float]:
    cases = [
        c for c in CASES if c["graph"] == "cos(sin(x**2)+3*x**2)" and "orders" in c["expected"]
    ]
    return [float(v) for v in cases[0]["expected"]["orders"]]


def test_one_node_per_visit_is_remembered(window: Window, qtbot: QtBot) -> None:
    """Chosen once in the dialog, the next presses follow it: order 5 is 556 nodes."""
    orders = published_orders()
    show(window, compose(M04, {"x": 1.0}))
    dialog = asked(window)
    assert (dialog.counts[True].text(), dialog.counts[False].text()) == ("+8 nodes", "+8 nodes")
    dialog.order.setValue(3)
    QTest.mouseClick(
        dialog.visits, Qt.MouseButton.LeftButton, pos=dialog.visits.rect().center() / 4
    )
    assert dialog.visits.isChecked()
    qtbot.waitUntil(lambda: dialog.counts[True].text() == "+58 nodes")
    assert dialog.counts[False].text() == "+77 nodes"
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert name(window) == "d3J_dx3" and len(window.session.graph.nodes) == 83
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    press(window)
    press(window)
    value = float(window.session.evaluation.values[window.session.selection[0]])
    assert value == pytest.approx(orders[5], rel=1e-12)
    assert len(window.session.graph.nodes) == 556


def asked(window: Window) -> GradientDialog:
    window.commands.run("explain.differentiate_by")
    dialog = window.findChild(GradientDialog)
    assert dialog is not None and dialog.isVisible()
    return dialog


def network() -> Graph:
    rng = np.random.default_rng(3)
    shapes = {"x": (5, 3), "W": (3, 4), "b": (4,), "V": (4, 2), "t": (5, 2)}
    program = "h = tanh(x @ W + b)\nz = h @ V\nL = mean((z - t)^2)"
    return compose(program, {n: rng.normal(size=s) for n, s in shapes.items()})


def test_several_inputs_are_asked_for(window: Window, qtbot: QtBot) -> None:
    show(window, network())
    session = window.session
    before = {session.graph.name(n): np.array(v) for n, v in session.evaluation.gradients.items()}
    QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_D, SHIFT)
    dialog = window.findChild(GradientDialog)
    assert dialog is not None
    listed = [dialog.inputs.item(row).text() for row in range(dialog.inputs.count())]
    assert listed == ["x", "W", "b", "V", "t"]
    for text in ("x", "t"):  # the space key unticks the line that has the keyboard
        dialog.inputs.setCurrentRow(listed.index(text))
        QTest.keyClick(dialog.inputs, Qt.Key.Key_Space)
    qtbot.waitUntil(dialog.ok.isEnabled)
    QTest.keyClick(dialog.inputs, Qt.Key.Key_Return)
    window.canvas.flush()
    found = {session.graph.name(n): session.evaluation.values[n] for n in session.selection}
    assert list(found) == ["dL_dW", "dL_db", "dL_dV"]
    for key, value in found.items():
        np.testing.assert_allclose(value, before[key.removeprefix("dL_d")], 1e-12)
    [frame] = session.graph.notes.values()
    assert frame.text == "∂L/∂W, ∂L/∂b, ∂L/∂V"


def test_nothing_ticked_cannot_be(window: Window, qtbot: QtBot) -> None:
    show(window, compose(M04, {"x": 1.0}))
    dialog = asked(window)
    QTest.keyClick(dialog.inputs, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Choose what" in dialog.told.text())
    assert not dialog.ok.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not window.session.graph.notes


def test_a_stale_derivative_has_a_badge_and_is_made_anew(window: Window, qtbot: QtBot) -> None:
    show(window, compose(M04, {"x": 1.0}))
    session = window.session
    press(window)
    press(window)
    session.select(())
    u2 = str(session.graph.id_of("u2"))
    session.do(set_literal(session.graph, u2, "a", 5.0), "Edit")
    qtbot.waitUntil(lambda: len(session.marks.all.badges) == 2)
    badges = session.marks.all.badges
    assert {session.graph.name(n) for n in badges} == {"dJ_dx", "d2J_dx2"}
    assert {b.role for b in badges.values()} == {"warning"}
    assert "differentiate again" in next(iter(badges.values())).tip
    count = len(session.graph.nodes)
    window.commands.run("explain.differentiate_again")
    qtbot.waitUntil(lambda: not session.marks.all.badges)
    assert len(session.graph.nodes) == count
    window.session.history.undo()
    qtbot.waitUntil(lambda: len(session.marks.all.badges) == 2)
    session.history.redo()
    orders = derive("J = cos(sin(x^2) + 5*x^2)", {"x": 1.0}, order=2).orders["x"]
    values = session.evaluation.values
    for key, value in (("dJ_dx", orders[1]), ("d2J_dx2", orders[2])):
        assert float(values[str(session.graph.id_of(key))]) == pytest.approx(value, rel=1e-12)


def test_again_right_after_a_stale_one_was_deleted(window: Window, qtbot: QtBot) -> None:
    """Before the pause in which badges are looked for, too: the other one is made anew."""
    show(window, compose("t = x * y; v = x + y * y; J = sin(t) + 0 * v", default=0.5))
    session = window.session
    ids = {n: str(session.graph.id_of(n)) for n in ("x", "y", "J", "t", "v")}
    for source in ("x", "y"):
        session.select([ids[source], ids["J"]])
        window.commands.run("explain.differentiate")
    reader = next(
        target for (target, _), source in session.graph.links.items() if source == ids["t"]
    )
    session.do(connect(ids["v"], reader, "x"), "wire")
    qtbot.waitUntil(lambda: bool(window.gradients.stale), timeout=5000)
    gone = window.gradients.stale[0]
    others = set(session.graph.settings["derivatives"]) - {gone}
    session.do(remove_nodes(session.graph, {gone}), "delete")
    session.select([])
    window.commands.run("explain.differentiate_again")
    assert "not recorded" not in window.notice.text()
    assert others and all(current(session.graph).values())


def test_the_output_and_the_inputs_that_are_selected(window: Window) -> None:
    show(window, compose(M04, {"x": 1.0}))
    session = window.session
    session.select([str(session.graph.id_of(n)) for n in ("u1", "J")])
    press(window)
    assert name(window) == "dJ_du1"
    assert float(session.evaluation.values[session.selection[0]]) == pytest.approx(
        float(session.evaluation.gradients[str(session.graph.id_of("u1"))])
    )
    count = len(session.graph.nodes)
    session.select([str(session.graph.id_of(n)) for n in ("u1", "J")])
    press(window)
    assert len(session.graph.nodes) == count and "there already" in window.notice.text()


def test_sentences_instead_of_tracebacks(window: Window) -> None:
    """On the start page, in an empty document, without floats, with tensors, inside a module."""
    window.show_start()
    window.gradients.differentiate()
    show(window, Graph())
    window.gradients.differentiate()
    assert "nothing to differentiate" in window.notice.text()
    window.gradients.again()
    window.show_editor()
    show(window, compose("J = 2 + sign(x)", {"x": 1.0}))
    press(window)
    assert "no gradient flows" in window.notice.text().lower()
    show(window, compose("y = sin(x)", {"x": np.array([1.0, 2.0])}))
    press(window)
    assert "its sum is differentiated" in window.notice.text()
    assert name(window) == "d_sum_y_d_x"


def test_products_with_a_direction(window: Window) -> None:
    show(window, compose("J = sum(x^3)", {"x": np.array([1.0, 2.0])}))
    window.commands.run("explain.hessian_product")
    assert name(window) == "Hv"
    value = window.session.evaluation.values[window.session.selection[0]]
    np.testing.assert_allclose(value, [6.0, 12.0])
    show(window, compose("y = x^3", {"x": np.array([1.0, 2.0])}))
    window.commands.run("explain.jacobian_product")
    assert name(window) == "Jv"
    value = window.session.evaluation.values[window.session.selection[0]]
    np.testing.assert_allclose(value, [3.0, 12.0])


def test_inside_a_module(window: Window) -> None:
    graph = compose("u = sin(x)\nv = exp(u)\nJ = v^2", {"x": 0.7})
    make_module(graph, [str(graph.id_of(n)) for n in "uv"], "Block")[0].apply(graph)
    show(window, graph)
    session = window.session
    value = float(session.whole.values[str(session.root.output())])
    session.enter(next(n.id for n in graph.nodes.values() if n.op == "Block"))
    press(window)
    wanted = np.exp(np.sin(0.7)) * np.cos(0.7)
    assert float(session.evaluation.values[session.selection[0]]) == pytest.approx(
        wanted, rel=1e-12
    )
    assert float(session.whole.values[str(session.root.output())]) == value
    data = to_bytes(session.root)
    assert to_bytes(from_bytes(data)) == data
    assert all(current(session.graph).values()) and current(session.graph)


def test_names_on_the_canvas() -> None:
    assert [pretty_name(n) for n in ("dJ_du1", "d2J_dx2", "d_loss_d_theta", "dJ_dx.2", "data_dim")] == [
        "∂J/∂u₁", "∂²J/∂x²", "∂loss/∂θ", "∂J/∂x (2)", "data_dim",
    ]  # fmt: skip


def test_the_actions_have_their_places() -> None:
    assert BY_ID["explain.differentiate"].on == {"node"}


def test_help_has_a_page_for_what_derivatives_are_made_of(window: Window) -> None:
    show(window, compose("J = mean(x^2)", {"x": np.array([1.0, 2.0])}))
    press(window)
    graph = window.session.graph
    rows = {n.op: n.id for n in graph.nodes.values() if graph.op(n.id).hidden}
    assert rows
    for op, node_id in rows.items():
        window.session.select((node_id,))
        window.operator_help()
        page = window._help
        assert page is not None
        item = page.list.currentItem()
        assert item is not None and item.data(Qt.ItemDataRole.UserRole) == op
        assert not page.add.isEnabled()
        page.close()


def test_from_the_menu_of_a_node(window: Window) -> None:
    """A right click and a click on the line; a stale derivative of the same is replaced by it."""
    show(window, compose(M04, {"x": 1.0}))
    session, port = window.session, window.canvas.viewport()
    for factor in (3.0, 5.0):
        u2 = str(session.graph.id_of("u2"))
        session.do(set_literal(session.graph, u2, "a", factor), "Edit")
        session.select(())
        window.canvas.fit()
        window.canvas.flush()
        body = window.canvas.board.nodes[str(session.graph.id_of("J"))].body()
        at = window.canvas.viewportTransform().map(body.center()).toPoint()
        QTest.mouseClick(port, Qt.MouseButton.RightButton, pos=at)
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(port, QContextMenuEvent(reason, at, port.mapToGlobal(at)))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        [line] = [a for a in menu.actions() if a.objectName() == "explain.differentiate"]
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(line).center())
        assert name(window) == "dJ_dx"
        program = f"J = cos(sin(x^2) + {factor}*x^2)"
        wanted = derive(program, {"x": 1.0}, order=1).orders["x"][1]
        value = float(session.evaluation.values[session.selection[0]])
        assert value == pytest.approx(wanted, rel=1e-12)
        assert len(session.graph.nodes) == 14 and len(session.graph.notes) == 1

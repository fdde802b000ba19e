"""Modules in the real window: dragged in, wired, made of a selection, opened, edited, unpacked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions import BY_ID
from app.view import dialogs
from app.view.canvas.adding import MIME
from app.view.panels.palette import Chip
from app.view.window import Window
from engine import edits, files
from engine.compose import compose
from engine.examples import load_module
from engine.graph import Graph, Node, OwnOperator
from engine.modules import add_module, make_module
from engine.unpacking import unpack_module

PLAIN = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def show(window: Window, graph: Graph) -> None:
    window.session.load(graph)
    look(window)


def look(window: Window) -> None:
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.flush()


def network() -> Graph:
    return compose("h = tanh(x * w + c); J = (h - t)^2", {"x": 0.5, "w": 2.0, "c": 0.25, "t": 0.1})


def ids(window: Window, *names: str) -> list[str]:
    return [str(window.session.graph.id_of(n)) for n in names]


def at(window: Window, place: QPointF) -> QPoint:
    return window.canvas.viewportTransform().map(place).toPoint()


def drop(window: Window, name: str, place: QPoint) -> None:
    data = QMimeData()
    data.setData(MIME, name.encode())
    copy = Qt.DropAction.CopyAction
    target = window.canvas.viewport()
    QApplication.sendEvent(target, QDragEnterEvent(place, copy, data, LEFT, PLAIN))
    QApplication.sendEvent(target, QDropEvent(QPointF(place), copy, data, LEFT, PLAIN))


def drag(window: Window, start: QPoint, end: QPoint) -> None:
    port = window.canvas.viewport()
    QTest.mousePress(port, LEFT, PLAIN, start)
    for i in range(1, 5):
        QTest.mouseMove(port, start + (end - start) * i / 4)
    QTest.mouseRelease(port, LEFT, PLAIN, end)


def chips(window: Window) -> dict[str, Chip]:
    return {c.op.name: c for d in window.palette_panel.drawers for c in d.chips}


def name_modules(monkeypatch: pytest.MonkeyPatch, *names: str | None) -> list[str]:
    """Answers the question for a name; returns the faults that were shown with it."""
    answers, faults = iter(names), list[str]()

    def reply(parent: Any, suggested: str, fault: str = "") -> str | None:
        faults.append(fault)
        return next(answers)

    monkeypatch.setattr(dialogs, "ask_module_name", reply)
    return faults


def test_a_module_is_dragged_in_and_wired(window: Window) -> None:
    show(window, compose("y = relu(x)", {"x": [[1.0, 2.0, 3.0]]}))
    drop(window, "Dense", window.canvas.viewport().rect().center() + QPoint(0, 200))
    session = window.session
    (dense,) = [n for n in session.graph.nodes if session.graph.op(n).definition is not None]
    assert session.history.labels == ["Add Dense"] and session.selection == (dense,)
    look(window)
    board, x = window.canvas.board, ids(window, "x")[0]
    drag(
        window, at(window, board.nodes[x].output_at()), at(window, board.nodes[dense].port_at("x"))
    )
    assert session.graph.links[dense, "x"] == x
    assert session.shown_value(dense).shape == (1, 8)  # type: ignore[union-attr]
    window.commands.run("edit.undo")
    window.commands.run("edit.undo")
    assert not session.graph.modules and len(session.graph.nodes) == 2


def test_a_module_dropped_on_a_wire_is_inserted(window: Window) -> None:
    show(window, compose("y = relu(x)", {"x": [[1.0, 2.0, 3.0]]}))
    board = window.canvas.board
    x, y = ids(window, "x", "y")
    middle = (board.nodes[x].output_at() + board.nodes[y].port_at("x")) / 2
    drop(window, "Dense", at(window, middle))
    graph = window.session.graph
    dense = graph.links[y, "x"]
    assert graph.nodes[dense].op == "Dense" and graph.links[dense, "x"] == x
    assert window.session.shown_value(y).shape == (1, 8)  # type: ignore[union-attr]


def test_palette_and_finder_hold_modules_live(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(window, network())
    assert "a number of units" in chips(window)["Dense"].toolTip()
    assert "Layer" not in chips(window) and "output_of" in chips(window)
    window.session.select(ids(window, "h"))
    faults = name_modules(monkeypatch, "relu", "Layer")
    window.commands.run("edit.make_module")
    assert faults[0] == "" and "taken" in faults[1]
    drawer = next(d for d in window.palette_panel.drawers if d.category == "Modules")
    assert [c.op.name for c in drawer.chips][:2] == ["Layer", "Dense"]
    window.palette_panel.search.setText("module")
    assert all(chips(window)[name].isVisible() for name in ("Layer", "Dense", "LSTM", "output_of"))
    window.palette_panel.search.setText("Layer")
    QTest.keyClick(window.palette_panel.search, Qt.Key.Key_Return)
    assert sum(n.op == "Layer" for n in window.session.graph.nodes.values()) == 2
    window.search.commands()
    QTest.keyClicks(window.finder.line, "Layer")
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    assert sum(n.op == "Layer" for n in window.session.graph.nodes.values()) == 3
    for _ in range(3):
        window.commands.run("edit.undo")
    assert "Layer" not in chips(window)
    window.commands.run("edit.redo")
    assert "Layer" in chips(window)


def test_a_selection_is_made_a_module_and_unpacked(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(window, network())
    session = window.session
    j = ids(window, "J")[0]
    before = float(session.evaluation.values[j])
    start = files.canonical_bytes(session.graph)
    window.canvas.setFocus()
    session.select([n for n in session.graph.nodes if n != j])
    name_modules(monkeypatch, "Layer")
    QTest.keyClick(window.canvas, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    (instance,) = session.selection
    assert session.graph.nodes[instance].op == "Layer"
    assert window.canvas.board.nodes[instance].face.is_module
    assert float(session.evaluation.values[j]) == before
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window.canvas, Qt.Key.Key_G, both)
    assert instance not in session.graph.nodes and len(session.selection) > 1
    assert float(session.evaluation.values[j]) == before
    assert session.history.labels == ["Make module Layer", "Unpack layer"]
    window.commands.run("edit.undo")
    window.commands.run("edit.undo")
    assert files.canonical_bytes(session.graph) == start


def test_a_selection_that_cannot_be_a_module_is_refused_before_a_question(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(window, network())
    window.session.select(ids(window, "x"))
    faults = name_modules(monkeypatch, "Layer")
    window.commands.run("edit.make_module")
    assert "select at least one operator" in window.notice.text().lower() and not faults


def test_parameters_are_shared_and_trained_from_the_panels(window: Window) -> None:
    graph = Graph()
    add, x = edits.add_node(graph, "input", "x", value=[[1.0, -2.0]])
    add.apply(graph)
    for _ in range(2):
        add, instance = add_module(graph, "Dense", load_module("Dense"))
        add.apply(graph)
        edits.connect(x, instance, "x").apply(graph)
    first, second = (n for n in graph.nodes if graph.nodes[n].op == "Dense")
    show(window, graph)
    assert window.training_panel.buttons["train.train"].isEnabled()
    window.session.select((second,))
    shared = window.inspector.options["tied"].widget
    assert [shared.itemText(i) for i in range(shared.count())] == ["its own", "those of dense"]
    shared.setCurrentIndex(1)
    shared.activated.emit(1)
    assert window.session.graph.nodes[second].options["tied"] == first
    units = window.inspector.options["units"]
    assert not units.isEnabled() and units.widget.text() == "8"  # in force are those of dense
    look(window)
    assert window.canvas.board.nodes[second].face.formula == "as dense"
    assert window.canvas.board.nodes[first].face.formula == "Dense"  # what it reads is wired to it
    window.session.select((first,))
    window.inspector.options["units"]._typed("5")
    window.session.select((second,))
    assert window.inspector.options["units"].widget.text() == "5"
    assert window.session.evaluation.values[second].shape == (1, 5)
    shared = window.inspector.options["tied"].widget
    shared.setCurrentIndex(0)
    shared.activated.emit(0)
    assert window.inspector.options["units"].isEnabled()
    assert window.session.graph.nodes[second].options == {"units": 5, "tied": ""}


def test_parameters_of_a_module_are_reinitialised(window: Window) -> None:
    graph = Graph()
    add, x = edits.add_node(graph, "input", "x", value=[[1.0, -2.0]])
    add.apply(graph)
    definition = load_module("Dense").copy()
    w = definition.nodes[str(definition.id_of("W"))]
    given = {**w.options, "init": "given"}
    definition.put("nodes", w.id, replace(w, options=given))
    add, dense = add_module(graph, "Given", definition)
    add.apply(graph)
    edits.connect(x, dense, "x").apply(graph)
    graph.put("tensors", f"{dense}.{w.id}", np.ones((2, 8)))
    show(window, graph)
    session = window.session
    session.select((x,))
    assert not BY_ID["edit.reinitialise"].enabled(window)
    session.do(edits.set_tensor(x, [[1.0, 2.0, 3.0]]), "Set value")
    assert session.evaluation.faults[dense].endswith("choose Reinitialise parameters")
    session.select((dense,))
    assert BY_ID["edit.reinitialise"].enabled(window)
    before = files.canonical_bytes(session.root)
    window.inspector.reinitialise.click()
    assert session.evaluation.faults == {} and session.shown_value(dense) is not None
    assert session.history.labels[-1] == "Reinitialise"
    window.commands.run("edit.undo")
    assert files.canonical_bytes(session.root) == before
    window.commands.run("edit.reinitialise")
    assert session.evaluation.faults == {}


def test_training_waits_for_wires_and_its_error_goes_when_it_is_mended(
    window: Window, qtbot: QtBot
) -> None:
    graph = Graph()
    add, x = edits.add_node(graph, "input", "x", value=[[1.0, -2.0]])
    add.apply(graph)
    add, dense = add_module(graph, "Dense", load_module("Dense"))
    add.apply(graph)
    show(window, graph)
    panel, session = window.training_panel, window.session
    assert not panel.buttons["train.train"].isEnabled()
    assert not panel.buttons["train.step"].isEnabled()
    assert panel.curve.empty.text() == "Dense has an empty port; wire it before training"
    session.do(edits.connect(x, dense, "x"), "Connect")
    assert panel.buttons["train.train"].isEnabled()
    window.commands.run("train.step")
    qtbot.waitUntil(lambda: "number" in panel.message.text(), timeout=20_000)
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20_000)
    total, node_id = edits.add_node(session.graph, "sum")
    session.do(edits.batch(total, edits.connect(dense, node_id, "x")), "Add sum")
    assert panel.message.isHidden() and not panel.message.text()


def test_modules_are_typed_in_a_formula(window: Window) -> None:
    show(window, compose("y = relu(x)", {"x": [[1.0, 2.0, 3.0]]}))
    line = window.top.formula.line
    line.setText("d2 = Dense(x, units=3); L = sum(d2^2)")
    QTest.keyClick(line, Qt.Key.Key_Return)
    session = window.session
    assert window.top.formula.fault.text() == ""
    assert session.shown_value(ids(window, "d2")[0]).shape == (1, 3)  # type: ignore[union-attr]
    line.setText("twin = Dense(x, tied=d2)")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert session.history.labels == ["Type a formula", "Type a formula"]
    twin, first = ids(window, "twin", "d2")
    np.testing.assert_array_equal(session.shown_value(twin), session.shown_value(first))
    line.setText("z = Dens(x)")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert "no operator 'Dens'" in window.top.formula.fault.text()


def test_unpacking_a_tied_instance_says_that_its_nodes_hold_copies(window: Window) -> None:
    show(window, compose("y = relu(x)", {"x": [[1.0, 2.0, 3.0]]}))
    window.compose("a = Dense(x); b = Dense(x, tied=a)")
    window.session.select(ids(window, "b"))
    window.commands.run("edit.unpack_module")
    assert "tied to a" in window.notice.text()


def test_a_module_of_the_documents_own_is_renamed_and_removed_by_its_menu(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = network()
    make_module(graph, [str(graph.id_of("h"))], "Act")[0].apply(graph)
    show(window, graph)
    session, before = window.session, files.canonical_bytes(graph)
    value = session.evaluation.values[str(graph.output())]
    assert chips(window)["Dense"].menu_of_own() is None  # a shipped one is nobody's to change

    def choose(name: str, number: int) -> None:
        menu = chips(window)[name].menu_of_own()
        assert menu is not None
        menu.actions()[number].trigger()

    asked: list[str] = []

    def reply(parent: Any, suggested: str, fault: str = "", was: str = "") -> str:
        asked.append(fault)
        return ["relu", "Gate"][len(asked) - 1]

    monkeypatch.setattr(dialogs, "ask_module_name", reply)
    choose("Act", 0)
    assert "taken" in asked[1] and list(session.graph.modules) == ["Gate"]
    assert session.graph.of_op("Gate") and session.evaluation.values[str(graph.output())] == value
    assert session.history.labels == ["Rename Act"]
    choose("Gate", 1)
    assert "unpack it first" in window.notice.text() and "Gate" in session.graph.modules
    window.commands.run("edit.undo")
    assert files.canonical_bytes(session.root) == before
    session.do(unpack_module(session.graph, session.graph.of_op("Act")[0])[0], "Unpack")
    choose("Act", 1)
    assert not session.graph.modules and session.history.labels[-1] == "Remove Act"


def test_a_module_without_parameters_is_offered_no_tie(window: Window) -> None:
    graph = network()
    edit, instance = make_module(graph, [str(graph.id_of("h"))], "Act")
    edit.apply(graph)
    show(window, graph)
    window.session.select((instance,))
    assert "tied" not in window.inspector.options


def test_ports_follow_a_module_and_an_own_operator_that_change(window: Window) -> None:
    graph = compose("y = x^2", {"x": 2.0})
    graph.put("operators", "bump", OwnOperator("bump", "exp(-a^2)"))
    graph.put("nodes", "n8", Node("n8", "bump", "b"))
    add, dense = add_module(graph, "Dense", load_module("Dense"))
    add.apply(graph)
    show(window, graph)
    session, board = window.session, window.canvas.board

    def ports(node_id: str) -> list[str]:
        return [port.name for port in board.nodes[node_id].face.ports]

    session.enter(dense)
    session.do(edits.add_node(session.graph, "input", "mask")[0], "Add input")
    session.leave()
    window.canvas.flush()
    assert ports(dense) == ["x", "mask"]
    window.commands.run("edit.undo")
    window.canvas.flush()
    assert ports(dense) == ["x"]
    wider = OwnOperator("bump", "exp(-a^2) + b")
    session.do(edits.set_operator(graph, wider, "bump"), "Edit bump")
    window.canvas.flush()
    assert ports("n8") == ["a", "b"]
    window.commands.run("edit.undo")
    window.canvas.flush()
    assert ports("n8") == ["a"]


def test_reset_gives_parameters_inside_modules_a_new_start(window: Window) -> None:
    graph = Graph()
    add, x = edits.add_node(graph, "input", "x", value=[[1.0, -2.0]])
    add.apply(graph)
    add, dense = add_module(graph, "Dense", load_module("Dense"))
    add.apply(graph)
    edits.connect(x, dense, "x").apply(graph)
    w = f"{dense}.{graph.modules['Dense'].id_of('W')}"
    show(window, graph)
    start = window.session.whole.values[w].copy()
    window.session.do(edits.set_tensor(w, start + 1.0), "Train")
    window.commands.run("train.reset")
    assert (window.session.whole.values[w] == start).all()
    window.commands.run("edit.undo")
    assert (window.session.whole.values[w] == start + 1.0).all()


def test_a_module_is_entered_edited_left_and_undone_outside(window: Window) -> None:
    """A double click goes in, a breadcrumb out; the edit made inside is one step of the document."""
    show(window, compose("y = relu(x)", {"x": [[1.0, 2.0, 3.0]]}))
    board, session = window.canvas.board, window.session
    x, y = ids(window, "x", "y")
    middle = (board.nodes[x].output_at() + board.nodes[y].port_at("x")) / 2
    drop(window, "Dense", at(window, middle))
    look(window)
    dense = session.graph.links[y, "x"]
    before, count = files.to_bytes(session.root), len(session.history.labels)
    place = at(window, board.nodes[dense].body().center())
    QTest.mouseDClick(window.canvas.viewport(), LEFT, PLAIN, place)
    assert session.place == (dense,) and session.path_names == [session.root.name(dense)]
    look(window)
    b = str(session.graph.id_of("b"))
    start = at(window, window.canvas.board.nodes[b].body().center())
    drag(window, start, start + QPoint(0, 60))
    assert session.history.labels[count:] == ["Move"]
    inside = files.to_bytes(session.root)
    QTest.mouseClick(window.breadcrumb.crumbs[0], LEFT)
    assert session.place == () and files.to_bytes(session.root) == inside != before
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.place == () and files.to_bytes(session.root) == before
    QTest.keyClick(
        window.canvas, Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )  # fmt: skip
    assert files.to_bytes(session.root) == inside

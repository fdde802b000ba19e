"""The real window: formulas, steps, files, questions, commands, training."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands import LEFT, PLAIN
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from app import actions, matching
from app.recovery import Recovery
from app.session import Session
from app.view import dialogs, settings, shot, theme
from app.view.crash import CrashGuard
from app.view.window import Window
from engine import edits, examples, files, ops
from engine.compose import compose
from engine.edits import set_tensors
from engine.graph import Graph, Source

PROGRAM = "t = x^2; u1 = sin(t); u2 = 3*t; u = u1 + u2; J = cos(u)"

LINES = [
    "t = x^2", "u1 = sin(t)", "u2 = 3 * t", "u = u1 + u2", "J = cos(u)", "dJ/dJ = 1",
    "dJ/du += dJ/dJ * (-sin(u))", "dJ/du1 += dJ/du * 1", "dJ/du2 += dJ/du * 1",
    "dJ/dt += dJ/du1 * cos(t)", "dJ/dt += dJ/du2 * 3", "dJ/dx += dJ/dt * (2 * x)",
]  # fmt: skip
NUMBERS = [
    "1^2 = 1", "sin(1) = 0.8415", "3 × 1 = 3", "0.8415 + 3 = 3.841", "cos(3.841) = −0.7649", "",
    "1 × 0.6441 = 0.6441", "0.6441 × 1 = 0.6441", "0.6441 × 1 = 0.6441",
    "0.6441 × 0.5403 = 0.3480", "0.6441 × 3 = 1.932", "2.280 × 2 = 4.561",
]  # fmt: skip


def answer(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> list[str]:
    """Replaces questions by answers; returns the list of those that were asked."""
    asked: list[str] = []
    for name, given in answers.items():

        def reply(*args: Any, name: str = name, given: Any = given) -> Any:
            asked.append(name)
            return given

        monkeypatch.setattr(dialogs, name, reply)
    return asked


def type_formula(window: Window, text: str) -> None:
    line = window.top.formula.line
    line.setFocus()
    line.clear()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def test_formula_to_graph_and_back(window: Window) -> None:
    type_formula(window, "cos(sin(x^2)+3*x^2)")
    graph = window.session.graph
    assert len(graph.nodes) == 6
    places = {(n.x, n.y) for n in graph.nodes.values()}
    assert len(places) == 6
    assert set(window.canvas.board.nodes) == set(graph.nodes)
    window.commands.run("edit.undo")
    assert not graph.nodes and not graph.links and not graph.tensors
    window.commands.run("edit.redo")
    assert len(graph.nodes) == 6


def test_a_formula_reads_what_is_there(window: Window) -> None:
    type_formula(window, PROGRAM)
    count = len(window.session.graph.nodes)
    type_formula(window, "K = J * t")
    graph = window.session.graph
    assert len(graph.nodes) == count + 1 and graph.output() == graph.id_of("K")


def test_a_bad_formula_is_one_sentence(window: Window) -> None:
    type_formula(window, "cos(")
    bar = window.top.formula
    assert "bracket" in bar.fault.text() and bar.fault.isVisible()
    assert not window.session.graph.nodes
    QTest.keyClick(bar.line, Qt.Key.Key_Backspace)
    assert not bar.fault.isVisible()


def test_the_first_number_that_is_not_finite_is_shown(window: Window) -> None:
    type_formula(window, "l = log(x); J = l * 2")
    graph, panel = window.session.graph, window.explanation
    x, node = str(graph.id_of("x")), str(graph.id_of("l"))
    window.session.do(set_tensors({x: np.asarray(0.0)}), "zero")
    told = "step 1, forward: l = log(x) is -inf, where x is 0"
    assert (panel.badge.text(), panel.badge.toolTip()) == ("⚠ not finite", told)
    window.session.seek(1)
    assert panel.later.text().endswith(told)
    window.session.select([node])
    assert window.inspector.fault.text() == told
    window.session.do(set_tensors({x: np.asarray(2.0)}), "two")
    assert panel.badge.text() == "" and window.inspector.fault.text() == ""


def test_every_step_of_the_worked_example(window: Window) -> None:
    type_formula(window, PROGRAM)
    explanation, session = window.explanation, window.session
    window.commands.run("step.start")
    assert session.cursor == 0 and "12 micro-steps" in explanation.where.text()
    for number, (line, numbers) in enumerate(zip(LINES, NUMBERS, strict=True), 1):
        window.commands.run("step.forward")
        assert session.cursor == number
        assert explanation.symbols.toolTip() == line
        assert explanation.numbers == numbers
        phase = "forward" if number <= 5 else "backward"
        assert explanation.where.text().startswith(f"Step {number} of 12 · {phase} · ")
        assert window.trace.model.index_of(session.steps[number - 1]).data() == line
    assert explanation.rest.text() == "in all 4.561"
    assert not window.transport.buttons["step.forward"].isEnabled()
    session.seek(10)
    assert explanation.where.text() == "Step 10 of 12 · backward · edge u₁ → t"
    assert explanation.rest.text() == "sum so far 0.3480"
    assert explanation.sum.accessibleName() == "0.3480 + dJ/du2 * 3"
    for number in range(9, -1, -1):
        window.commands.run("step.back")
        assert session.cursor == number


def test_the_buttons_and_the_scrubber(window: Window, qtbot: QtBot) -> None:
    type_formula(window, PROGRAM)
    buttons, session = window.transport.buttons, window.session
    QTest.mouseClick(buttons["step.start"], Qt.MouseButton.LeftButton)
    assert session.cursor == 0
    QTest.mouseClick(buttons["step.forward"], Qt.MouseButton.LeftButton)
    assert session.cursor == 1
    scrubber = window.transport.scrubber
    QTest.mouseClick(scrubber, Qt.MouseButton.LeftButton, pos=QPoint(round(scrubber._x(8)), 24))
    assert session.cursor == 8
    window.transport.speed.setCurrentText("8×")
    QTest.mouseClick(buttons["step.play"], Qt.MouseButton.LeftButton)
    assert window.playing
    qtbot.waitUntil(lambda: session.cursor == 12 and not window.playing, timeout=5000)
    window.play(True)
    assert session.cursor == 0
    window.play(False)
    window.commands.run("step.forward_only")
    assert session.cursor == 5


def test_a_row_of_the_trace_goes_there(window: Window) -> None:
    type_formula(window, PROGRAM)
    view = window.trace.view
    index = window.trace.model.index(3, 1)
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center()
    )
    assert window.session.step is not None and window.session.step.text == LINES[8]


def test_palette_finds_and_adds(window: Window) -> None:
    search = window.palette_panel.search
    for query, found in (("+", "add"), ("logistic", "sigmoid"), ("matrix", "matmul")):
        search.setText(query)
        assert window.palette_panel.best() == found
    assert matching.hit("cross-entropy", matching.words_of(ops.TABLE["sin"])) is None
    search.setText("sigmoid")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert [n.op for n in window.session.graph.nodes.values()] == ["sigmoid"]
    chip = window.palette_panel.drawers[0].chips[0]
    QTest.mouseDClick(chip, Qt.MouseButton.LeftButton)
    assert len(window.session.graph.nodes) == 2


def test_save_open_equal(window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    type_formula(window, PROGRAM)
    path = tmp_path / "mine.gloom"
    answer(monkeypatch, ask_save=path)
    assert window.top.dot.isVisible() and window.isWindowModified()
    assert window.documents.save()
    assert not window.top.dot.isVisible() and window.session.path == path
    assert str(path) in window.windowTitle() and settings.recent() == [path]
    before = files.canonical_bytes(window.session.graph)
    assert (files.preview(path) or b"").startswith(b"\x89PNG")
    window.new_document()
    assert not window.session.graph.nodes
    window.open(path)
    assert files.canonical_bytes(window.session.graph) == before
    assert set(window.canvas.board.nodes) == set(window.session.graph.nodes)
    assert window.session.history.is_saved


@pytest.mark.parametrize(("given", "left"), [("cancel", False), ("discard", True), ("save", True)])
def test_the_question_about_changes(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, left: bool
) -> None:
    type_formula(window, PROGRAM)
    path = tmp_path / "kept.gloom"
    asked = answer(monkeypatch, ask_unsaved=given, ask_save=path)
    window.new_document()
    assert "ask_unsaved" in asked
    assert (not window.session.graph.nodes) == left
    assert path.exists() == (given == "save")


def test_a_file_that_cannot_be_opened_is_one_sentence(window: Window, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gloom"
    bad.write_bytes(b"nothing")
    window.open(bad)
    assert window.notice.isVisible() and "bad.gloom" in window.notice.text()
    window.open(tmp_path / "missing.gloom")
    assert "missing.gloom" in window.notice.text()


def test_a_file_changed_by_another_program_is_asked_about(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shared.gloom"
    files.write(examples.load("worked-example"), path)
    window.open(path)
    files.write(examples.load("xor"), path)
    asked = answer(monkeypatch, ask_replace=False)
    assert not window.documents.save() and asked == ["ask_replace"]
    assert len(files.read(path).nodes) == len(examples.load("xor").nodes)
    answer(monkeypatch, ask_replace=True)
    assert window.documents.save() and len(files.read(path).nodes) == 6


def test_commands_by_typing(window: Window) -> None:
    type_formula(window, PROGRAM)
    window.commands.run("view.commands")
    finder = window.finder
    assert finder.isVisible()
    QTest.keyClicks(finder.line, "to the sta")
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert not finder.isVisible() and window.session.cursor == 0
    window.search.commands()
    QTest.keyClicks(finder.line, "softpl")
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert "softplus" in {n.op for n in window.session.graph.nodes.values()}
    window.search.commands()
    QTest.keyClick(finder.line, Qt.Key.Key_Escape)
    assert not finder.isVisible()


def test_menus_hold_every_action(window: Window) -> None:
    shown = {a.objectName() for m in window.top.menus.findChildren(QMenu) for a in m.actions()}
    assert {a.id for a in actions.ACTIONS} <= shown
    assert not window.commands.by_id["edit.undo"].isEnabled()
    type_formula(window, PROGRAM)
    assert window.commands.by_id["edit.undo"].text() == "Undo type a formula"


def test_the_inspector_shows_and_edits(window: Window) -> None:
    type_formula(window, PROGRAM)
    graph, inspector = window.session.graph, window.inspector
    t = graph.id_of("t")
    assert t is not None
    window.session.select([t])
    window.session.seek(10)
    rows = inspector.numbers
    assert rows is not None
    assert rows.value.text() == "1" and rows.gradient.text() == "0.3480 so far"
    shown = [label.toolTip() for label in rows.locals if label.isVisibleTo(inspector)]
    assert shown == ["dt/dx = 2 * x = 2"]
    inspector.name.setText("s")
    inspector.name.setModified(True)
    QTest.keyClick(inspector.name, Qt.Key.Key_Return)
    assert graph.name(t) == "s"
    inspector.name.setText("u1")
    inspector.name.setModified(True)
    QTest.keyClick(inspector.name, Qt.Key.Key_Return)
    assert graph.name(t) == "s" and "taken" in window.notice.text()
    x = graph.id_of("x")
    assert x is not None
    window.session.select([x])
    assert inspector.scalar is not None
    inspector.scalar.setText("0.5")
    inspector.scalar.setModified(True)
    QTest.keyClick(inspector.scalar, Qt.Key.Key_Return)
    assert graph.tensors[x] == 0.5
    window.session.select([t])
    literal = inspector.literals["b"]
    literal.setText("3")
    literal.setModified(True)
    QTest.keyClick(literal, Qt.Key.Key_Return)
    assert graph.nodes[t].literals["b"] == 3 and window.session.shown_value(t) == 0.125


def test_the_inspector_keeps_its_form_for_nodes_of_one_make(window: Window) -> None:
    """Stepping shows other numbers in the same fields; what is typed never goes to another node."""
    window.session.load(
        compose("a=x+y; b=sin(a); c=cos(b); e=a*3; f=e+5; J=c*f", {"x": 0.5, "y": 2.0})
    )
    graph, inspector, session = window.session.graph, window.inspector, window.session
    forms: dict[str, QWidget] = {}
    slopes = math.cos(2.5), -math.sin(math.sin(2.5))
    for name, rule, slope in (
        ("b", "db/da = cos(a)", slopes[0]),
        ("c", "dc/db = -sin(b)", slopes[1]),
    ):
        told = f"{rule} = {theme.number_text(slope)}"
        session.select([str(graph.id_of(name))])
        forms[name] = inspector.widget()
        assert inspector.numbers is not None
        rows, node = inspector.numbers, graph.nodes[str(graph.id_of(name))]
        assert [w.toolTip() for w in rows.locals if w.isVisibleTo(inspector)] == [told]
        assert (inspector.name.text(), inspector.kind.text()) == (name, node.op)
        assert rows.formula is not None and rows.formula.toolTip().startswith(node.op)
        assert float(rows.value.text().replace("−", "-")) == pytest.approx(
            float(session.shown_value(node.id)),
            abs=5e-4,  # type: ignore[arg-type]
        )
        assert inspector.doc.text() == ops.TABLE[node.op].doc
    assert forms["b"] is forms["c"]
    session.select([str(graph.id_of("J"))])
    assert inspector.widget() is forms["b"], "a second local derivative is a row more"
    assert sum(w.isVisibleTo(inspector) for w in inspector.numbers.locals) == 2
    session.select([str(graph.id_of("e"))])
    assert inspector.widget() is not forms["b"] and inspector.literals["b"].text() == "3"
    window.activateWindow()
    literal = inspector.literals["b"]
    literal.setFocus()
    QTest.keyClicks(literal, "7")
    session.select([str(graph.id_of("f"))])
    assert inspector.literals["b"] is not literal and inspector.literals["b"].text() == "5"
    QTest.qWait(5)
    assert graph.nodes[str(graph.id_of("f"))].literals["b"] == 5


def test_the_gradient_in_the_inspector_leads_to_the_why_lens(window: Window) -> None:
    type_formula(window, PROGRAM)
    graph, inspector = window.session.graph, window.inspector
    t, cursor = str(graph.id_of("t")), window.session.cursor
    window.session.select([t])
    window.session.seek(0)
    assert inspector.numbers is not None
    link = inspector.numbers.gradient
    QTest.mouseClick(link, LEFT, PLAIN, QPoint(8, link.height() // 2))
    assert not window.why_panel.isVisible(), "there is no gradient yet"
    window.session.seek(cursor)
    assert link.text() != "–" and "why" in link.toolTip()
    QTest.mouseClick(link, LEFT, PLAIN, QPoint(8, link.height() // 2))
    assert window.why_panel.isVisible()
    assert window.why_panel.lens.target == window.session.evaluation.step_of(t)
    window.docks["why"].hide()
    link.setFocus()
    QTest.keyClick(link, Qt.Key.Key_Return)
    assert window.why_panel.isVisible()


def test_the_inspector_has_a_form_for_every_operator(window: Window) -> None:
    for op in (op for rows in ops.DRAWERS.values() for op in rows):
        window.session.load(Graph())
        node_id = window.canvas.add_operator(op.name)
        if node_id is None:
            assert window.canvas.notice.isVisible(), op.name
            continue
        window.session.select([node_id])
        assert window.inspector.node == node_id
        assert set(window.inspector.options) == set(op.option_names), op.name


def test_the_start_page(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "before.gloom"
    files.write(examples.load("xor"), path)
    settings.remember(path)
    window.show_start()
    assert not window.editing and not window.docks["trace_table"].isVisible()
    assert not window.commands.by_id["file.save"].isEnabled()
    recent = window.start.recent
    assert [recent.item(i).text() for i in range(recent.count())] == ["before"]
    recent.itemActivated.emit(recent.item(0))
    assert (
        window.editing and window.session.path == path and window.docks["trace_table"].isVisible()
    )
    window.start_page()
    assert not window.editing
    QTest.mouseClick(window.start.gallery.card("worked-example"), Qt.MouseButton.LeftButton)
    assert window.editing and len(window.session.steps) == 12


def test_panels_close_and_come_back(window: Window) -> None:
    dock = window.docks["trace_table"]
    dock._title.close_button.click()
    assert not dock.isVisible()
    window.commands.run("view.trace_table")
    assert dock.isVisible()


def test_the_theme_is_remembered(window: Window) -> None:
    window.toggle_theme()
    assert settings.theme_name() == "light" and not theme.current().is_dark
    window.toggle_theme()
    assert settings.theme_name() == "dark"


def test_xor_is_trained(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("xor")
    before = files.canonical_bytes(window.session.graph)
    window.train()
    assert window.training and not window.commands.by_id["edit.undo"].isEnabled()
    qtbot.waitUntil(lambda: not window.training, timeout=60_000)
    assert window.bridge.last is not None
    assert window.bridge.last.metrics["train"]["accuracy"] == 1.0
    assert window.training_panel.curve.train[-1][0] == 500
    assert window.session.history.labels == ["Train 500 epochs"]
    trained = files.canonical_bytes(window.session.graph)
    window.commands.run("edit.undo")
    assert files.canonical_bytes(window.session.graph) == before != trained
    window.train_step()
    qtbot.waitUntil(lambda: not window.training, timeout=60_000)
    assert window.session.history.labels == ["Train one step"]
    window.reset_training()
    assert window.training_panel.curve.train == []


def test_training_is_paused_and_goes_on(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    window.recipe_panel.form.change(epochs=3000)
    window.train()
    qtbot.waitUntil(lambda: len(window.training_panel.curve.train) > 5, timeout=60_000)
    window.pause_training()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    first = window.bridge.last
    assert first is not None and first.state == "paused"
    assert len(window.session.history.labels) == 2
    window.train_step()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    last = window.bridge.last
    assert last is not None and last.step == first.step + 1
    window.bridge.forget()


def test_a_loss_that_is_missing_is_one_sentence(window: Window, qtbot: QtBot) -> None:
    type_formula(window, "y = x + 1")
    window.train()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    assert window.training_panel.message.text()
    assert window.session.history.labels == ["Type a formula"]


def test_a_csv_of_ones_own(window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.csv"
    rows = "\n".join(f"{i},{i * 2 % 7},{'a' if i % 2 else 'b'}" for i in range(30))
    path.write_text(f"p,q,kind\n{rows}\n", "utf-8")
    window.documents.open_example("your-csv")
    wanted = Source("csv", str(path), "kind", standardize=True, validation=0.2)
    asked = answer(monkeypatch, ask_data=path, ask_import=wanted, ask_reinitialise=True)
    before = len(window.session.history.labels)
    name = next(iter(window.session.root.sources))
    assert window.data_files.choose(name)
    assert asked == ["ask_data", "ask_import", "ask_reinitialise"]
    assert len(window.session.history.labels) == before + 1
    assert not window.session.evaluation.faults and window.session.evaluation.gradients
    path.write_text("p\n1\n", "utf-8")
    assert not window.data_files.choose(name) and "own.csv" in window.notice.text()


def test_what_a_crash_left_is_offered(qtbot: QtBot, tmp_path: Path, window: Window) -> None:
    recovery = Recovery(tmp_path)
    window.recovery = window.documents.recovery = recovery
    type_formula(window, PROGRAM)
    recovery.flush()
    left = recovery._own
    # As after a crash: the lock is free and the copy is there.
    recovery._lock.close()
    other = Recovery(tmp_path)
    window.recovery = window.documents.recovery = other
    assert left.exists()
    window.session.history.mark_saved()
    window.show_start()
    offers = window.start._offers
    assert len(offers) == 1
    window.start.offer_chosen.emit(offers[0])
    assert window.editing and len(window.session.graph.nodes) == 6
    assert not window.session.history.is_saved


@pytest.mark.parametrize("thread", [False, True])
def test_a_failure_is_told_once(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, thread: bool
) -> None:
    asked = answer(monkeypatch, tell_crash=None)
    guard = CrashGuard(window.bridge)
    try:
        raise RuntimeError("planted")
    except RuntimeError as error:
        kind, value, trace = type(error), error, error.__traceback__
    guard.install()
    try:
        for _ in range(3):
            if thread:
                guard._thread_exception(
                    type("Args", (), {"exc_type": kind, "exc_value": value, "exc_traceback": trace})
                )
            else:
                sys.excepthook(kind, value, trace)
        qtbot.waitUntil(lambda: bool(asked), timeout=2000)
        qtbot.wait(50)
    finally:
        guard.remove()
    assert asked == ["tell_crash"]
    assert "planted" in guard.path.read_text("utf-8")


def test_a_picture_of_the_window(window: Window, tmp_path: Path) -> None:
    out = tmp_path / "shot.png"
    shot.picture(examples.load("worked-example"), None, out, (1280, 800), 10)
    assert out.read_bytes().startswith(b"\x89PNG") and os.path.getsize(out) > 30_000
    with pytest.raises(ValueError, match="12 micro-steps"):
        shot.picture(examples.load("worked-example"), None, out, (1280, 800), 13)


def test_a_picture_of_the_window_with_a_panel_in_front(window: Window, tmp_path: Path) -> None:
    graph, out = examples.load("worked-example"), tmp_path / "shot.png"
    shot.picture(graph, None, out, (1280, 800), None, "dark", "what_if", "x")
    assert os.path.getsize(out) > 30_000
    with pytest.raises(ValueError, match="there is no panel lens; there are palette"):
        shot.picture(graph, None, out, (1280, 800), None, "dark", "lens")
    with pytest.raises(ValueError, match="there is no node z; the document has x, t"):
        shot.picture(graph, None, out, (1280, 800), None, "dark", "", "z")


def test_another_session_object_is_not_needed(window: Window) -> None:
    session: Session = window.session
    session.load(Graph())
    assert window.session is session and not window.canvas.board.nodes


def test_data_stay_found_when_the_document_moves(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    table = first / "own.csv"
    table.write_text(
        "p,q,kind\n" + "".join(f"{i},{i % 5},{'ab'[i % 2]}\n" for i in range(20)), "utf-8"
    )
    window.documents.open_example("your-csv")
    assert window.documents.write(first / "d.gloom")
    wanted = Source("csv", str(table), "kind", standardize=True, validation=0.2)
    answer(monkeypatch, ask_data=table, ask_import=wanted, ask_reinitialise=True)
    name = next(iter(window.session.root.sources))
    assert window.data_files.choose(name) and window.documents.write(first / "d.gloom")
    (source,) = window.session.graph.sources.values()
    assert source.path == "own.csv"
    assert window.documents.write(second / "d.gloom")
    (source,) = window.session.graph.sources.values()
    assert Path(source.path) == table and not window.session.data_fault


def test_f1_shows_the_page_of_the_selected_operator(window: Window) -> None:
    window.documents.new()
    window.add_operator("tanh")
    window.commands.run("help.operators")
    assert window._help is not None
    assert window._help.area.widget().op.name == "tanh"  # type: ignore[attr-defined]
    before = len(window.session.graph.nodes)
    window._help.add.click()
    assert len(window.session.graph.nodes) == before + 1
    window._help.close()


def test_a_parameter_takes_the_shape_and_the_start_that_the_inspector_is_told(
    window: Window,
) -> None:
    session = window.session
    add, w = edits.add_node(session.graph, "parameter", "W")
    session.do(add, "Add")
    session.select((w,))
    field = window.inspector.options["shape"].widget
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "(2, 8)")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert session.graph.tensors[w].shape == (2, 8)
    init = window.inspector.options["init"].widget
    init.setFocus()
    while init.currentText() != "xavier":
        QTest.keyClick(init, Qt.Key.Key_Down)
        init = window.inspector.options["init"].widget
    drawn = session.graph.tensors[w]
    assert drawn.shape == (2, 8) and len(np.unique(drawn)) == 16
    assert session.evaluation.specs[w].shape == (2, 8)
    session.do(edits.set_tensor(w, 0.0), "Set value")  # however it came to be a number
    window.inspector.reinitialise.click()
    assert np.array_equal(session.graph.tensors[w], drawn)

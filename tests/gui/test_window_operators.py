"""A person's own operators in the real window: typed, checked, dragged, edited, undone, saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from app import actions
from app.drawers import drawers
from app.view import operator_dialog
from app.view.canvas.adding import MIME
from app.view.canvas.face import own_formula
from app.view.operator_dialog import OperatorDialog
from app.view.panels import facts
from app.view.panels.palette import Chip
from app.view.window import Window
from engine import files
from engine.graph import Graph, OwnOperator
from engine.rewiring import mute

PLAIN = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def chips(window: Window) -> dict[str, Chip]:
    drawers = window.palette_panel.drawers
    return {c.op.name: c for d in drawers if d.category == "Own" for c in d.chips}


def drop(window: Window, name: str, place: QPoint) -> None:
    data = QMimeData()
    data.setData(MIME, name.encode())
    copy = Qt.DropAction.CopyAction
    target = window.canvas.viewport()
    QApplication.sendEvent(target, QDragEnterEvent(place, copy, data, LEFT, PLAIN))
    QApplication.sendEvent(target, QDropEvent(QPointF(place), copy, data, LEFT, PLAIN))


def checked(qtbot: QtBot, dialog: OperatorDialog) -> str:
    qtbot.waitUntil(lambda: not dialog.checking, timeout=10_000)
    return dialog.verdict.text()


def test_a_formula_becomes_an_operator_in_the_palette_and_on_the_canvas(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown: list[OperatorDialog] = []

    def typed(dialog: OperatorDialog) -> int:
        shown.append(dialog)
        dialog.show()
        QTest.keyClicks(dialog.name, "bump")
        QTest.keyClicks(dialog.formula, "exp(-(x - m)^2 / s)")
        assert list(dialog._rows) == ["x", "m", "s"]
        dialog._rows["s"][0].setChecked(True)
        dialog._rows["s"][1].setText("2")
        assert checked(qtbot, dialog).startswith("✓")
        assert sum(label.isVisible() for label in dialog.derivatives) == 2
        assert dialog.ok.isEnabled()
        QTest.mouseClick(dialog.ok, LEFT)
        return dialog.result()

    monkeypatch.setattr(OperatorDialog, "exec", typed)
    assert not chips(window)
    window.palette_panel.search.setText("tanh")
    actions.BY_ID["edit.new_operator"].run(window)
    assert window.palette_panel.search.text() == "" and chips(window)["bump"].isVisible()
    assert window.session.graph.operators == {
        "bump": OwnOperator("bump", "exp(-(x - m)^2 / s)", "", {"s": 2.0})
    }
    assert list(chips(window)) == ["bump"]
    assert [op.name for op in drawers({}, window.session.operators)["Own"]] == ["bump"]
    drop(window, "bump", QPoint(400, 300))
    (node,) = window.session.graph.nodes.values()
    assert node.op == "bump" and node.options == {"s": 2.0}
    window.compose("J = bump(u, 0.5)")
    window.session.do(
        window.canvas_edit if False else _valued(window.session.graph, "u", 1.5), "Set"
    )
    assert np.isclose(_value(window, "J"), np.exp(-0.5))
    assert facts.formula(window.session, str(window.session.graph.id_of("J")))[1] == (
        "bump(u, 0.5) = exp(-(u - 0.5)^2 / 2)"
    )
    chosen = str(window.session.graph.id_of("J"))
    assert facts.local_derivatives(window.session, chosen)
    window.session.do(mute(window.session.graph, [chosen]), "Mute")
    assert facts.formula(window.session, chosen)[1] == "u"
    assert facts.local_derivatives(window.session, chosen) == []
    assert own_formula(window.session.graph, chosen) == "bump(u, 0.5)"  # in grey
    window.session.do(mute(window.session.graph, [chosen]), "Unmute")
    path = tmp_path / "own.gloom"
    files.write(window.session.graph, path)
    window.session.load(Graph())
    assert not chips(window)
    window.session.load(files.read(path), path)
    assert list(chips(window)) == ["bump"]
    assert np.isclose(_value(window, "J"), np.exp(-0.5))


def _valued(graph: Graph, name: str, number: float):  # type: ignore[no-untyped-def]
    from engine.edits import set_tensor

    return set_tensor(str(graph.id_of(name)), np.asarray(number))


def _value(window: Window, name: str) -> float:
    session = window.session
    return float(session.evaluation.values[str(session.graph.id_of(name))])


def test_edited_and_removed_and_taken_back(
    window: Window, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    told: list[str] = []
    window.operators.problem.connect(told.append)
    window.operators.put(OwnOperator("twice", "2 * x"))
    window.compose("J = twice(3)")

    def changed(dialog: OperatorDialog) -> int:
        assert dialog.name.text() == "twice"
        dialog.name.setText("thrice")
        dialog.formula.setText("3 * x")
        dialog.accept()
        return dialog.result()

    monkeypatch.setattr(OperatorDialog, "exec", changed)
    menu = chips(window)["twice"].menu_of_own()
    assert menu is not None
    menu.actions()[0].trigger()
    assert list(chips(window)) == ["thrice"]
    window.session.history.undo()
    assert list(chips(window)) == ["twice"]
    window.session.history.redo()
    menu = chips(window)["thrice"].menu_of_own()
    assert menu is not None
    menu.actions()[1].trigger()
    assert list(chips(window)) == ([] if not window.session.graph.of_op("thrice") else ["thrice"])


def test_one_in_use_is_not_removed(window: Window) -> None:
    told: list[str] = []
    window.operators.problem.connect(told.append)
    window.operators.put(OwnOperator("twice", "2 * x"))
    window.canvas.add_operator("twice")
    assert not window.operators.remove("twice")
    assert told == ["v1 is a twice; remove it first"]
    window.canvas.delete_selection()
    assert window.operators.remove("twice") and not chips(window)
    window.session.history.undo()
    assert list(chips(window)) == ["twice"]


@pytest.mark.parametrize(
    ("name", "formula", "word"),
    [
        ("sin", "x * 2", "taken"),
        ("mine", "x * y", "y stands for"),
        ("mine", "foo(x)", "no operator 'foo'"),
        ("mine", "x *", "cannot read"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_can_be_added(
    window: Window, name: str, formula: str, word: str
) -> None:
    dialog = window.operators.dialog()
    dialog.formula.setText("x * 2")
    assert not dialog.ok.isEnabled()  # it has no name
    dialog.name.setText(name)
    dialog.formula.setText(formula)
    assert word in dialog.verdict.text() and not dialog.ok.isEnabled()
    assert dialog.verdict.property("role") == "error"
    dialog.deleteLater()


def test_a_wrong_derivative_is_shown_as_wrong(window: Window, qtbot: QtBot) -> None:
    def made(operator: OwnOperator):  # type: ignore[no-untyped-def]
        graph = Graph()
        graph.put("operators", "mine", replace(operator, name="mine"))
        row = graph.row("mine")
        assert row is not None
        return replace(row, derivative={"x": "g * (1.001 * cos(x))"})

    dialog = OperatorDialog(window, made)
    dialog.formula.setText("sin(x)")
    assert "Order 1 is off by" in checked(qtbot, dialog)
    assert dialog.verdict.property("role") == "error"
    dialog.deleteLater()
    assert isinstance(dialog, QDialog) and operator_dialog.PAUSE_MS < 1000


def test_a_button_that_can_do_nothing_does_not_look_as_if_it_could(window: Window) -> None:
    dialog = window.operators.dialog()
    dialog.show()

    def ground() -> str:
        return dialog.ok.grab().toImage().pixelColor(8, dialog.ok.height() // 2).name()

    assert not dialog.ok.isEnabled()
    idle = ground()
    QTest.keyClicks(dialog.name, "bump")
    QTest.keyClicks(dialog.formula, "x^2")
    assert dialog.ok.isEnabled() and ground() != idle
    dialog.deleteLater()


def test_a_setting_that_makes_nothing_finite_is_told_and_not_added(
    window: Window, qtbot: QtBot
) -> None:
    dialog = window.operators.dialog()
    QTest.keyClicks(dialog.name, "bump")
    QTest.keyClicks(dialog.formula, "exp")
    QTest.keyClicks(dialog.formula, "(-x^2 / (2 * s^2)")
    assert list(dialog._rows) == []  # half typed, and exp is called
    assert "'exp(-x^2 / (2 * s^2)'" in dialog.verdict.text()  # as it was typed
    QTest.keyClicks(dialog.formula, ")")
    assert list(dialog._rows) == ["x", "s"]
    dialog._rows["s"][0].setChecked(True)
    dialog._rows["s"][1].setText("0")
    assert "not a finite number" in checked(qtbot, dialog) and not dialog.ok.isEnabled()
    dialog._rows["s"][1].setText("2")
    assert checked(qtbot, dialog).startswith("✓") and dialog.ok.isEnabled()
    dialog.deleteLater()


def test_the_dialog_stays_where_it_is_and_is_as_tall_as_its_rows(
    window: Window, qtbot: QtBot
) -> None:
    dialog = window.operators.dialog()
    dialog.show()
    qtbot.wait(20)
    empty = dialog.height()
    QTest.keyClicks(dialog.formula, "a*b + c*d")
    qtbot.wait(20)
    tick = dialog._rows["d"][0]
    before, tall = tick.mapToGlobal(QPoint()), dialog.height()
    tick.setChecked(True)
    qtbot.wait(20)
    assert tick.mapToGlobal(QPoint()) == before and dialog.height() == tall
    names = "abcdefghijklmnopqrstuvwxyz"[: operator_dialog.MAX_OPERANDS]
    dialog.formula.setText("+".join(names))
    qtbot.wait(20)
    assert tall < dialog.height() < 900  # on the screen
    dialog.formula.setText("1 + 1")
    qtbot.wait(20)
    assert dialog.height() == empty
    dialog.deleteLater()

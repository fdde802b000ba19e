"""The history panel: its steps, a click that goes there, and what survives the way."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from app.view import settings
from app.view.panels.history import HistoryLines
from app.view.window import Window
from engine import edits, examples
from engine.compose import compose
from engine.files import to_bytes

LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def shown(window: Window) -> Window:
    """The window with a small document of three steps and the panel, opened by its key."""
    window.session.load(compose("t = x^2; J = sin(t) + t", {"x": 0.5}))
    window.show_editor()
    window.canvas.setFocus()
    QTest.qWait(1)
    assert not window.docks["history"].isVisible()  # until it is asked for
    QTest.keyClick(window.canvas, Qt.Key.Key_5, CTRL)
    assert window.docks["history"].isVisible()
    for number in (1.0, 2.0, 3.0):
        window.session.do(edits.set_tensors({"n1": np.asarray(number)}), f"Set x to {number:.0f}")
    return window


def rows(window: Window) -> list[str]:
    model = window.history_panel.model
    return [model.index(i).data() for i in range(model.rowCount())]


def spoken(window: Window, row: int) -> str:
    return str(window.history_panel.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole))


def click(window: Window, row: int) -> None:
    panel = window.history_panel.list
    index = window.history_panel.model.index(row)
    panel.scrollTo(index)
    QTest.mouseClick(
        panel.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, panel.visualRect(index).center()
    )


def test_steps_are_listed_oldest_first(shown: Window) -> None:
    assert rows(shown) == ["Opened", "Set x to 1", "Set x to 2", "Set x to 3"]
    assert spoken(shown, 0) == "Opened, saved" and spoken(shown, 3) == "Set x to 3, now"
    assert shown.docks["history"].status == "3 of 3"
    shown.session.history.mark_saved()
    shown.session.history.undo()
    assert spoken(shown, 3) == "Set x to 3, taken back, saved"
    assert spoken(shown, 2) == "Set x to 2, now" and spoken(shown, 0) == "Opened"


def test_a_click_goes_there_and_back(shown: Window) -> None:
    before = to_bytes(shown.session.root)
    click(shown, 1)
    assert shown.session.shown_value("n1") == 1.0 and shown.docks["history"].status == "1 of 3"
    assert len(rows(shown)) == 4  # what was taken back is still there
    click(shown, 0)
    assert shown.session.shown_value("n1") == 0.5
    click(shown, 3)
    assert to_bytes(shown.session.root) == before
    click(shown, 2)
    shown.session.do(edits.set_tensors({"n1": np.asarray(9.0)}), "Set x to 9")
    assert rows(shown)[2:] == ["Set x to 2", "Set x to 9"]


def test_keys_go_there(shown: Window) -> None:
    panel = shown.history_panel.list
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Up)
    QTest.keyClick(panel, Qt.Key.Key_Up)
    QTest.keyClick(panel, Qt.Key.Key_Return)
    assert shown.session.history.position == 1


def test_selection_zoom_and_step_are_no_steps_and_survive(shown: Window) -> None:
    canvas, session = shown.canvas, shown.session
    t = str(session.graph.id_of("t"))
    session.select([t])
    canvas.zoom_to(1.7)
    canvas.pan(30, 20)
    session.seek(2)
    shown.play(True)
    shown.play(False)
    session.seek(2)
    assert session.history.length == 3
    view = canvas.zoom, canvas.centre()
    shown.training_panel.curve.train.extend([3.0, 2.0])
    curve = list(shown.training_panel.curve.train)
    for row in (0, 3, 1):
        click(shown, row)
        QTest.keyClick(canvas, Qt.Key.Key_Z, CTRL)
        shown.session.history.redo()
        assert session.cursor == 2 and session.selection == (t,)
        assert (canvas.zoom, canvas.centre()) == view
    assert list(shown.training_panel.curve.train) == curve
    value, evaluated = session.evaluation.shown_value(t, 99), session.whole
    assert value is not None and evaluated is session.evaluation


def test_another_document_begins_anew(shown: Window) -> None:
    shown.session.load(examples.load("xor"))
    assert rows(shown) == ["Opened"] and shown.docks["history"].status == ""


def test_a_document_that_trains_is_left_alone(
    shown: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(shown), "training", property(lambda window: True))
    click(shown, 0)
    assert shown.session.history.position == 3 and "trains" in shown.notice.text()


def test_the_panel_is_remembered(shown: Window, qtbot: QtBot) -> None:
    def opened_again() -> Window:
        made = Window()
        qtbot.addWidget(made)
        made.restore_places()
        made.show()
        return made

    shown.session.history.mark_saved()
    shown.close()
    assert settings.window_state() is not None
    again = opened_again()
    assert again.docks["history"].isVisible()
    again.docks["history"].close()
    again.close()
    assert not opened_again().docks["history"].isVisible()


def test_thousands_of_steps_are_no_burden(shown: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are drawn, not built: a step costs the panel what it cost at first."""
    history, panel = shown.session.history, shown.history_panel
    move = edits.move(shown.session.graph, {"n1": (4.0, 8.0)})
    listeners, history.changed = history.changed, []
    for _ in range(20_000):
        history.do(move, "Move")
    history.changed = listeners
    panel.refresh()
    assert panel.model.rowCount() == 20_004 and len(panel.list.children()) < 12

    asked: list[int] = []

    class Counting(HistoryLines):
        def paint(
            self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
        ) -> None:
            asked.append(index.row())
            super().paint(painter, option, index)

    panel.list.setItemDelegate(Counting(panel.list))
    panel.refresh()
    panel.list.grab()
    assert 0 < len(set(asked)) < 200  # those that are seen
    click(shown, 2)
    assert history.position == 2 and panel.list.indexAt(QPoint(20, 20)).isValid()

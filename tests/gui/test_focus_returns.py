"""The keyboard is where a person left it: fields give it back, and no field takes it by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import LEFT, PLAIN, middle
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from app.view import dialogs
from app.view.panels.controls import Field
from app.view.window import Window
from engine import files


def held() -> QWidget:
    """What has the keyboard now."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


@pytest.mark.parametrize("which", ["name", "scalar", "learning_rate"])
def test_escape_gives_up_what_a_field_was_told(window: Window, which: str) -> None:
    window.compose("a = x * 3; J = cos(a)")
    QTest.mouseClick(window.canvas.viewport(), LEFT, PLAIN, middle(window.canvas, "x"))
    inspector, session = window.inspector, window.session
    field = inspector.name if which == "name" else inspector.scalar
    if which == "learning_rate":
        field = window.training_panel.fields[which]
    assert isinstance(field, Field)
    text, before, steps = field.text(), files.to_bytes(session.root), session.history.labels
    QTest.mouseDClick(field, LEFT)
    assert field.hasFocus()
    QTest.keyClicks(field, "7")
    assert field.text() != text
    QTest.keyClick(held(), Qt.Key.Key_Escape)
    assert field.text() == text and window.canvas.hasFocus()
    window.top.formula.line.setFocus()
    assert files.to_bytes(session.root) == before and session.history.labels == steps


def test_a_dialog_over_the_search_leaves_the_keyboard_to_the_canvas(
    qtbot: QtBot, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.compose("J = cos(x)")
    canvas, session = window.canvas, window.session
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, middle(canvas, "x"))
    QTest.mouseDClick(canvas.viewport(), LEFT, PLAIN, QPoint(30, canvas.height() - 30))
    assert window.finder.line.hasFocus()
    QTest.keyClicks(held(), "7")

    asked: list[int] = []

    def given_up(*args: object) -> Path | None:
        dialog = QDialog(window)
        asked.append(1)
        QTimer.singleShot(50, dialog, lambda: QTest.keyClick(dialog, Qt.Key.Key_Escape))
        dialog.exec()
        dialog.deleteLater()
        return None

    monkeypatch.setattr(dialogs, "ask_save", given_up)
    QTest.keyClick(held(), Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert asked
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.qWait(50)
    before = files.to_bytes(session.root)
    assert canvas.hasFocus() and not window.finder.isVisible()
    QTest.keyClick(held(), Qt.Key.Key_L)
    assert canvas.hasFocus() and files.to_bytes(session.root) == before


def test_a_refused_training_leaves_the_keyboard_to_the_canvas(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        window.training_panel.set_running(True)  # as when it stops at once
        window.training_panel.set_running(False)
        raise ValueError("the rows do not fit")

    window.documents.open_example("xor")
    button = window.training_panel.buttons["train.train"]
    assert button.isEnabled()
    monkeypatch.setattr(window.bridge, "train", refuse)
    button.setFocus()
    QTest.mouseClick(button, LEFT)
    assert window.training_panel.message.isVisible()
    assert not isinstance(held(), Field) and window.canvas.hasFocus()


def test_a_new_document_offers_the_search_by_tab(window: Window) -> None:
    window.top.formula.line.setFocus()
    QTest.keyClick(held(), Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert window.canvas.hasFocus()
    QTest.keyClick(held(), Qt.Key.Key_Tab)
    assert window.finder.line.hasFocus()
    QTest.keyClicks(held(), "cos(x)")
    QTest.keyClick(held(), Qt.Key.Key_Return)
    assert window.session.graph.id_of("x") is not None


def test_the_keys_after_a_formula_step_through_it(window: Window) -> None:
    """Enter and Esc give the keyboard to the canvas; Ctrl+E finds the line as it was."""
    session, line = window.session, window.top.formula.line
    QTest.keyClick(held(), Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(held(), "J = cos(x)")
    QTest.keyClick(held(), Qt.Key.Key_Return)
    assert window.canvas.hasFocus() and session.cursor == len(session.steps) > 1
    for key, cursor in ((Qt.Key.Key_Home, 0), (Qt.Key.Key_L, 1), (Qt.Key.Key_L, 2)):
        QTest.keyClick(held(), key)
        assert session.cursor == cursor and line.text() == "J = cos(x)"
    QTest.keyClick(held(), Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(held(), Qt.Key.Key_End)
    QTest.keyClicks(held(), " +")
    QTest.keyClick(held(), Qt.Key.Key_Escape)
    assert window.canvas.hasFocus() and line.text() == "J = cos(x) +"
    assert len(session.history.labels) == 1
    QTest.keyClick(window.canvas, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(held(), Qt.Key.Key_Return)
    assert line.hasFocus() and window.top.formula.fault.text()  # what is wrong is mended there

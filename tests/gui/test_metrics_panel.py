"""The metrics panel: its numbers are those of the moment, and a click lists the rows of a cell."""

from __future__ import annotations

import numpy as np
import pytest
from hands import LEFT, PLAIN
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view.studio import Moment
from app.view.studio.metrics import MetricsPanel
from app.view.window import Window
from engine.probes.metrics import metrics
from engine.train.scene import Scene
from engine.train.session import Training


def shown(window: Window, qtbot: QtBot, name: str) -> MetricsPanel:
    window.documents.open_example(name)
    window.show_panel("metrics")
    panel = window.studio.panels["metrics"]
    assert isinstance(panel, MetricsPanel)
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)
    return panel


def test_a_moment_of_training_is_counted_and_a_cell_lists_its_rows(
    window: Window, qtbot: QtBot
) -> None:
    panel = shown(window, qtbot, "softmax-digits")
    training = Training(window.session.root)
    training.run(60)
    scene = Scene(window.session.root)
    scene.at(training.parameters(), 60)
    wanted = metrics(scene)
    window.studio.look(Moment(60, training.parameters()))
    qtbot.waitUntil(
        lambda: panel.shown is not None and panel.shown.table == wanted.table, timeout=20_000
    )
    counts = wanted.confusion["train"].counts
    assert panel.matrix.confusion is not None
    assert (panel.matrix.confusion.counts == counts).all()
    table = panel.table.values
    assert table[0] == ("loss", tuple(wanted.table[p]["loss"] for p in ("train", "validation")))

    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    actual, predicted = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
    place = panel.matrix.rect_of(actual, predicted).center().toPoint()
    QTest.mouseClick(panel.matrix, LEFT, PLAIN, place)
    qtbot.waitUntil(lambda: panel.rows.count() > 0, timeout=20_000)
    listed = [panel.rows.item(i).text() for i in range(min(wrong.max(), 48))]
    truth = scene.field("y", np.array([int(text) for text in listed]))
    assert (truth == actual).all()
    assert not panel.rows.item(0).icon().isNull()
    place = panel.matrix.rect_of(actual, predicted).center().toPoint()  # there is less room now
    QTest.mouseClick(panel.matrix, LEFT, PLAIN, place)  # once more: the list goes
    assert panel.rows.count() == 0
    window.studio.look(None)


def test_keys_choose_a_cell_and_numbers_are_copied_in_full(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "your-csv")
    panel.matrix.setFocus()
    QTest.keyClick(panel.matrix, Qt.Key.Key_Down)
    QTest.keyClick(panel.matrix, Qt.Key.Key_Down)
    QTest.keyClick(panel.matrix, Qt.Key.Key_Right)
    assert panel.matrix.cell == (1, 1)
    qtbot.waitUntil(lambda: panel.rows.count() > 0, timeout=20_000)
    assert panel.rows.item(0).text().startswith("row ")
    panel._turned("what", "table")
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert panel.shown is not None
    assert lines[1].split("\t")[1] == repr(panel.shown.table["train"]["loss"])


@pytest.mark.parametrize("program", ["", "y = x^2", "t=x^2; J = (t - 1)^2"])
def test_without_a_target_there_is_a_sentence_and_no_traceback(
    window: Window, qtbot: QtBot, program: str
) -> None:
    if program:
        window.compose(program)
    window.show_panel("metrics")
    panel = window.studio.panels["metrics"]
    assert isinstance(panel, MetricsPanel)
    qtbot.waitUntil(
        lambda: panel.shown is not None or "minimise" in panel.message.text().lower(),
        timeout=20_000,
    )
    if panel.shown is not None:
        assert panel.note.text()

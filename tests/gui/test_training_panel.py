"""The training panel: what it tells is about the document as it is, and nothing lies over anything."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.messages import Progress
from app.session import Session
from app.view.panels.curve import Curve
from app.view.panels.training import TrainingPanel
from app.view.studio.past import rate_now
from app.view.window import Window
from engine import examples

METRICS = {
    part: {"loss": 0.25, "accuracy": 0.75, "precision": 0.5} for part in ("train", "validation")
}
LONG = (
    "the loss is not a number after 12 steps at learning rate 0.03: the gradient of W1 is too large for "
    "a step of this size; choose a smaller learning rate, or clip the gradients in the recipe, then reset"
)


def news(step: int, total: int = 0, first: int = 1) -> Progress:
    points = tuple((n, 1.0 / n) for n in range(first, step + 1))
    return Progress(
        "running",
        step,
        step,
        0.5,
        points=points,
        metrics=METRICS,
        total=total or step,
        message=LONG,
    )


@pytest.mark.parametrize("height", [180, 220, 260, 300, 350, 500])
def test_nothing_lies_over_anything_in_a_low_panel(qtbot: QtBot, height: int) -> None:
    panel = TrainingPanel(Session(examples.load("xor")))
    qtbot.addWidget(panel)
    panel.show()
    panel.resize(300, height)
    panel.take(news(40))
    panel.show_message(LONG)
    QApplication.processEvents()
    parts = (panel.tools, panel.message, panel.curve, panel.metrics, panel.foot)
    seen = [part for part in parts if part.isVisible()]
    assert panel.message in seen and (height < 350 or len(seen) == len(parts))
    for number, part in enumerate(seen):
        assert part.height() >= (part.heightForWidth(part.width()) if part is panel.message else 14)
        if height >= 220:
            assert panel.rect().contains(part.geometry())
        over = [other.geometry().intersected(part.geometry()) for other in seen[:number]]
        assert all(box == QRect() or box.isEmpty() for box in over)
    panel.show_message("")
    panel.resize(300, 350)
    QApplication.processEvents()
    assert panel.curve.isVisible() and panel.metrics.isVisible()


def test_another_training_has_a_curve_of_its_own(qtbot: QtBot) -> None:
    curve = Curve()
    qtbot.addWidget(curve)
    curve.add(news(40))
    curve.add(news(60, first=41))
    assert [s for s, _ in curve.train] == list(range(1, 61))
    assert [s for s, _ in curve.validation] == [40, 60]
    curve.add(news(50, first=45))  # it went on from a moment before
    assert [s for s, _ in curve.train] == list(range(1, 51))
    assert [s for s, _ in curve.validation] == [40, 50]
    curve.add(news(8))
    assert [s for s, _ in curve.train] == list(range(1, 9))
    assert [s for s, _ in curve.validation] == [8]


def test_a_single_step_does_not_fill_the_bar(qtbot: QtBot) -> None:
    panel = TrainingPanel(Session(examples.load("xor")))
    qtbot.addWidget(panel)
    panel.take(news(40, 400))
    panel.take(news(41, 41, 41))
    assert (panel.bar.value(), panel.bar.maximum()) == (41, 400)
    panel.clear()
    panel.take(news(10, 10))
    assert (panel.bar.value(), panel.bar.maximum()) == (10, 10)


def test_many_metrics_stand_one_below_the_other(qtbot: QtBot) -> None:
    panel = TrainingPanel(Session(examples.load("xor")))
    qtbot.addWidget(panel)

    def lines(*names: str) -> list[list[str]]:
        values = {name: 0.5 + i for i, name in enumerate(names)}
        held = {names[-1]: 0.25}
        panel.take(
            Progress("running", step=1, loss=0.5, metrics={"train": values, "validation": held})
        )
        return [line.replace("\u00a0", " ").split() for line in panel.metrics.text().splitlines()]

    assert lines("loss", "one")[0] == ["loss", "one"]
    many = lines("loss", "one", "two", "three", "four")
    assert [line[0] for line in many[1:]] == ["loss", "one", "two", "three", "four"]
    assert many[1] == ["loss", "0.5000"] and many[-1] == ["four", "4.500", "0.2500"]


def test_nothing_is_told_of_a_training_that_was_undone(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("xor")
    panel = window.training_panel
    window.train_epoch()
    qtbot.waitUntil(lambda: not window.training and bool(panel.metrics.text()), timeout=60_000)
    assert window.studio.step == window.bridge.last.step > 0  # type: ignore[union-attr]
    assert "step" in panel.place.text()
    assert rate_now(window.studio) == window.bridge.last.learning_rate  # type: ignore[union-attr]
    window.session.history.undo()
    assert rate_now(window.studio) is None
    assert not panel.metrics.text() and not panel.place.text()
    assert not window.docks["training"].status
    assert window.studio.step == 0


@pytest.mark.parametrize("key", ["E", "K"])
def test_a_field_leaves_the_formula_bar_and_the_commands_their_keys(
    window: Window, qtbot: QtBot, key: str
) -> None:
    window.documents.open_example("xor")
    window.show_panel("training")
    field = window.training_panel.fields["learning_rate"]
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClick(field, getattr(Qt.Key, f"Key_{key}"), Qt.KeyboardModifier.ControlModifier)
    focus = QApplication.focusWidget()
    assert focus is not None and focus is not field


def test_the_stage_that_is_shown_is_seen(window: Window) -> None:
    window.documents.open_example("xor")
    window.show_panel("recipe")
    bar = window.recipe_panel.form.stages
    QTest.mouseClick(bar.add, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert [button.text() for button in bar.buttons] == ["Stage 1", "Stage 2"]
    assert [button.isChecked() for button in bar.buttons] == [False, True]
    grounds = [button.grab().toImage().pixelColor(5, 5) for button in bar.buttons]
    assert grounds[0] != grounds[1]

"""Training is steered while it runs: rate, optimizer and weights by hand, speed, stop."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from test_recipe_form import choose, typed

from app.messages import Progress
from app.view.panels.curve import MAX_POINTS, Curve
from app.view.window import Window
from engine import edits


@pytest.fixture
def running(window: Window, qtbot: QtBot) -> Window:
    """The digits, in training for longer than the test lasts."""
    window.documents.open_example("softmax-digits")
    window.recipe_panel.form.change(epochs=100_000, settings={})
    window.show_panel("recipe")
    window.train()
    qtbot.waitUntil(lambda: bool(window.bridge.parameters), timeout=60_000)
    return window


def ended(window: Window, qtbot: QtBot) -> None:
    window.stop_training()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)


def test_rate_and_optimizer_change_while_it_runs(running: Window, qtbot: QtBot) -> None:
    form = running.recipe_panel.form
    typed(form.fields["learning_rate"], "0.005")
    qtbot.waitUntil(lambda: running.bridge.last.learning_rate == 0.005, timeout=20_000)  # type: ignore[union-attr]
    choose(form.optimizer, "adam")
    qtbot.waitUntil(lambda: running.bridge.last.learning_rate == 0.001, timeout=20_000)  # type: ignore[union-attr]
    typed(form.optimizer_settings.fields["beta1"], "0.8")
    before = running.bridge.last.step  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: running.bridge.last.step > before + 20, timeout=20_000)  # type: ignore[union-attr]
    assert running.training  # nothing of this held it
    ended(running, qtbot)
    stage = running.session.root.recipe.stages[0]
    assert (stage.optimizer, stage.settings, stage.learning_rate) == ("adam", {"beta1": 0.8}, 0.001)
    labels = running.session.history.labels
    assert labels[-1].startswith("Train") and labels.count("Change the recipe") == 4


def test_a_rate_that_cannot_be_never_reaches_training(running: Window, qtbot: QtBot) -> None:
    form = running.recipe_panel.form
    typed(form.fields["learning_rate"], "-3")
    QTest.qWait(200)
    assert running.training and running.bridge.last.learning_rate == 0.02  # type: ignore[union-attr]
    ended(running, qtbot)


def test_a_weight_is_set_by_hand_while_it_runs(running: Window, qtbot: QtBot) -> None:
    session = running.session
    bias = str(session.graph.id_of("b2"))
    session.do(edits.set_tensor(bias, np.full(10, 50.0)), "Set a weight")
    qtbot.waitUntil(lambda: running.bridge.parameters[bias].min() > 20, timeout=20_000)
    assert running.training
    ended(running, qtbot)
    assert session.root.tensors[bias].min() > 20


def test_any_other_change_holds_training(running: Window, qtbot: QtBot) -> None:
    session = running.session
    session.do(edits.add_node(session.graph, "tanh")[0], "Add")
    qtbot.waitUntil(lambda: not running.training, timeout=20_000)
    first, last = session.history.labels[-2:]
    assert first.startswith("Train") and last == "Add"


def test_a_speed_to_watch_it_at(running: Window, qtbot: QtBot) -> None:
    speed = running.training_panel.speed
    place = speed.findData(10)
    speed.setCurrentIndex(place)
    speed.activated.emit(place)
    QTest.qWait(300)
    before, begin = running.bridge.last.step, time.monotonic()  # type: ignore[union-attr]
    QTest.qWait(1500)
    steps = running.bridge.last.step - before  # type: ignore[union-attr]
    assert steps <= 10 * (time.monotonic() - begin) + 3
    ended(running, qtbot)


def test_an_epoch_is_one_pass(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    window.commands.run("train.epoch")
    qtbot.waitUntil(lambda: not window.training, timeout=60_000)
    assert window.bridge.last is not None and window.bridge.last.epoch == 1
    assert window.session.history.labels[-1] == "Train 1 epoch"


def test_what_training_says_at_its_start_stays(window: Window, qtbot: QtBot) -> None:
    """A batch larger than the data is told once; the messages behind it have nothing to say."""
    window.documents.open_example("softmax-digits")
    window.recipe_panel.form.change(batch_size=1_000_000, epochs=3)
    window.train()
    qtbot.waitUntil(lambda: not window.training, timeout=60_000)
    panel = window.training_panel
    assert panel.message.isVisible() and "batch" in panel.message.text()
    assert panel.message.property("role") == "muted"


def test_after_a_rate_that_cannot_be_another_edit_still_holds_training(
    running: Window, qtbot: QtBot
) -> None:
    """What was refused is no excuse for what comes next."""
    typed(running.training_panel.fields["learning_rate"], "-3")
    running.bridge.change(0, {"learning_rate": 0.02})  # told, and never edited
    node = str(running.session.graph.id_of("b2"))
    running.session.do_outside(edits.remove_nodes(running.session.root, [node]), "Delete")
    qtbot.waitUntil(lambda: not running.training, timeout=20_000)
    assert node not in running.session.root.nodes
    assert running.bridge.last.learning_rate == 0.02  # type: ignore[union-attr]


def test_a_peak_stays_in_the_curve_however_long_it_grows(qtbot: QtBot) -> None:
    curve = Curve()
    qtbot.addWidget(curve)
    steps = 20 * MAX_POINTS
    for first in range(1, steps, 500):
        points = tuple((s, 150.0 if s == 3002 else 1.0) for s in range(first, first + 500))
        curve.add(Progress("running", first + 499, 1, 1.0, points))
    assert len(curve.train) <= MAX_POINTS and (3002, 150.0) in curve.train
    assert curve.train == sorted(curve.train)
    assert curve.train[0][0] == 1 and curve.train[-1][0] == steps

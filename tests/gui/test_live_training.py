"""The rule changes while training runs, and training ends with its metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.view.window import Window
from engine import edits, examples
from engine.train.session import Training

PATIENCE = 30_000


@pytest.fixture
def training(window: Window, qtbot: QtBot) -> Window:
    graph = examples.load("xor")
    edits.set_recipe(graph, epochs=100_000_000, learning_rate=0.05).apply(graph)
    window.session.load(graph)
    window.show_editor()
    window.train()
    qtbot.waitUntil(lambda: at(window) > 50, timeout=PATIENCE)
    return window


def at(window: Window) -> int:
    return window.bridge.last.step if window.bridge.last is not None else 0


def choose_optimizer(window: Window, name: str) -> None:
    box = window.recipe_panel.form.optimizer
    assert box.isEnabled()
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())


def test_another_optimizer_while_it_trains(training: Window, qtbot: QtBot) -> None:
    bridge = training.bridge
    choose_optimizer(training, "adam")
    there = at(training)
    qtbot.waitUntil(lambda: at(training) > there + 50, timeout=PATIENCE)
    assert bridge.running
    assert training.session.root.recipe.stages[0].optimizer == "adam"
    # the usual one of the new optimizer
    qtbot.waitUntil(lambda: bridge.last.learning_rate == 0.001, timeout=PATIENCE)  # type: ignore[union-attr]
    training.recipe_panel.form.change(settings={"beta1": 0.5})
    qtbot.waitUntil(lambda: at(training) > there + 200, timeout=PATIENCE)
    assert bridge.running
    training.stop_training()
    qtbot.waitUntil(lambda: not bridge.running, timeout=PATIENCE)


def test_an_edit_of_what_is_trained_holds_it(training: Window, qtbot: QtBot) -> None:
    root = training.session.root
    training.session.do_outside(edits.set_recipe(root, loss=root.output() or ""), "Change")
    training.session.do_outside(edits.set_recipe(root, batch_size=3), "Change the recipe")
    qtbot.waitUntil(lambda: not training.bridge.running, timeout=PATIENCE)
    assert at(training) > 50


def test_metrics_that_take_long_come_behind_the_stop(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30_000, 40)).round(3)
    lines = "\n".join(",".join(map(str, row)) + f",{'ab'[i % 2]}" for i, row in enumerate(rows))
    names = ",".join(f"c{i}" for i in range(40))
    (tmp_path / "iris.csv").write_text(f"{names},kind\n{lines}\n", encoding="utf-8")
    graph = examples.load("your-csv")
    edits.set_recipe(graph, batch_size=8, epochs=1000).apply(graph)
    window.session.load(graph, tmp_path / "document.gloom")
    window.show_editor()
    told = []
    window.bridge.progress.connect(told.append)
    window.train()
    qtbot.waitUntil(lambda: at(window) > 50, timeout=PATIENCE)
    window.stop_training()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool(told[-1].metrics), timeout=PATIENCE)
    assert told[-1].state == "stopped" and not told[-1].more
    parameters = {n: window.session.root.tensors[n] for n in window.session.root.of_op("parameter")}
    check = Training(window.session.root, tmp_path)
    assert set(parameters) == set(check.parameters())
    for part, named in check.metrics().items():
        assert told[-1].metrics[part] == pytest.approx(named)

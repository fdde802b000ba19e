"""What is saved while training runs is what training has reached, and training goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.view import dialogs
from app.view.window import Window
from engine import edits, examples, files
from engine.graph import Graph


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "xor.gloom"


@pytest.fixture
def training(window: Window, qtbot: QtBot, path: Path) -> Window:
    """A saved document, in training for longer than the test lasts."""
    graph = examples.load("xor")
    edits.set_recipe(graph, epochs=100_000_000, learning_rate=0.05).apply(graph)
    files.write(graph, path)
    window.open(path)
    window.train()
    qtbot.waitUntil(lambda: step(window) > 50, timeout=60_000)
    return window


def step(window: Window) -> int:
    return window.bridge.last.step if window.bridge.last is not None else 0


def is_same(one: Graph, other: Graph) -> bool:
    return all(np.array_equal(one.tensors[n], other.tensors[n]) for n in one.of_op("parameter"))


def goes_on(window: Window, qtbot: QtBot) -> None:
    before = step(window)
    qtbot.waitUntil(lambda: step(window) > before + 50, timeout=60_000)
    assert window.training and window.bridge.running


def test_the_newest_parameters_are_saved_and_training_goes_on(
    training: Window, qtbot: QtBot, path: Path
) -> None:
    before = files.read(path)
    run = training.bridge.last
    assert training.documents.save() and run is not None
    saved = files.read(path)
    assert not is_same(saved, before) and is_same(saved, training.session.root)
    assert training.session.history.is_saved
    goes_on(training, qtbot)
    assert len(training.travel.runs.entries) == 1, "it is the same run"


def test_leaving_asks_about_a_training(
    training: Window, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, asked = files.read(path), []

    def answer(parent: object, title: str) -> str:
        asked.append(title)
        return "cancel" if len(asked) == 1 else "save"

    monkeypatch.setattr(dialogs, "ask_unsaved", answer)
    assert not training.documents.may_leave() and len(asked) == 1
    goes_on(training, qtbot)
    assert training.documents.may_leave() and len(asked) == 2
    assert not training.training
    saved = files.read(path)
    assert not is_same(saved, before) and is_same(saved, training.session.root)


def test_a_process_that_does_not_answer_holds_the_window_only_for_a_while(
    training: Window, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, trainer = files.read(path), training.bridge._trainer
    assert trainer is not None
    qtbot.waitUntil(lambda: bool(training.bridge.parameters), timeout=60_000)
    monkeypatch.setattr("app.view.bridge.HOLD_S", 0.05)
    monkeypatch.setattr(trainer, "pause", lambda: None)
    assert training.documents.save()
    saved = files.read(path)
    assert not is_same(saved, before) and is_same(saved, training.session.root)
    goes_on(training, qtbot)


def test_an_edit_while_it_trains_comes_after_the_training(training: Window, qtbot: QtBot) -> None:
    session = training.session
    before = session.root.copy()
    weight = before.of_op("parameter")[0]
    session.select([weight])
    training.commands.run("edit.delete")
    qtbot.waitUntil(lambda: not training.training, timeout=60_000)
    first, last = session.history.labels[-2:]
    assert first.startswith("Train") and not last.startswith("Train")
    assert "edited" in training.training_panel.message.text()
    assert weight not in session.root.nodes
    session.history.undo()
    assert not np.array_equal(session.root.tensors[weight], before.tensors[weight])
    trained = session.root.tensors[weight]
    session.history.undo()
    assert is_same(session.root, before)
    session.history.redo()
    assert np.array_equal(session.root.tensors[weight], trained)
    session.history.redo()
    assert weight not in session.root.nodes

"""The list of a document's runs: names, what is shown, how they stand and differ."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from recorded import record

from app.runs import SHOWN, Runs, changes, differences
from engine import edits, examples
from engine.files import FileError
from engine.graph import Recipe, Stage
from engine.train.recording import Run
from engine.train.runs import remove

XOR = examples.load("xor")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a.gloom.runs"


def test_a_folder_that_is_not_there_has_no_runs(home: Path) -> None:
    runs = Runs()
    runs.open(home)
    assert runs.entries == [] and not runs.fault
    runs.open(None)
    assert runs.entries == []


def test_runs_stand_as_their_training_does(home: Path) -> None:
    first = record(home, XOR, 30, optimizer="adam", learning_rate=0.05)
    told: list[int] = []
    runs = Runs(lambda: told.append(1))
    runs.open(home)
    assert len(told) == 1
    record(home, XOR, 12, parent=(1, 7))
    runs.refresh()
    assert [e.number for e in runs.entries] == [2, 1] and len(told) >= 2
    newest, oldest = runs.entries
    assert oldest.facts.step == 30 and oldest.facts.recipe.last.optimizer == "adam"
    assert oldest.facts.loss == pytest.approx(first.loss)
    assert newest.facts.parent == (1, 7) and not newest.is_live
    measured = Run(home / "1").measures["train"]["loss"][1]
    assert oldest.best == measured.min()
    before = len(told)
    runs.refresh()
    assert len(told) == before  # nothing changed, so nobody hears of it


def test_a_run_that_goes_on_is_told(home: Path) -> None:
    record(home, XOR, 5)
    told: list[int] = []
    runs = Runs(lambda: told.append(1))
    runs.open(home)
    place = home / "1" / "run.json"
    facts = json.loads(place.read_text())
    place.write_text(json.dumps({**facts, "step": 9, "loss": 0.25}))
    before = len(told)
    runs.refresh()
    assert len(told) == before + 1
    assert runs.entries[0].facts.step == 9 and runs.entries[0].facts.loss == 0.25


def test_shown_runs_have_colours_of_their_own_and_the_oldest_makes_room(home: Path) -> None:
    for _ in range(SHOWN + 2):
        record(home, XOR, 1)
    runs = Runs()
    runs.open(home)
    assert [e.number for e in runs.shown] == [SHOWN + 2]  # the newest alone at first
    for number in range(1, SHOWN + 2):
        runs.show(number, True)
    assert len(runs.shown) == SHOWN
    assert len({e.colour for e in runs.shown}) == SHOWN
    runs.show(5, False)
    assert runs.of(5) is not None and not runs.of(5).shown  # type: ignore[union-attr]
    record(home, XOR, 1)
    runs.refresh()
    assert runs.entries[0].shown


def test_names_and_pins_last_and_removing_removes(home: Path) -> None:
    record(home, XOR, 2)
    record(home, XOR, 2)
    runs = Runs()
    runs.open(home)
    runs.rename(1, "  with\nmomentum  ")
    runs.pin(1, True)
    again = Runs()
    again.open(home)
    entry = again.of(1)
    assert entry is not None and entry.title == "with momentum" and entry.pinned
    assert [e.number for e in again.shown] == [1, 2]  # a pinned one is shown from the start
    again.rename(1, "")
    assert entry.title == "run 1"
    again.remove(2)
    assert [e.number for e in again.entries] == [1] and not (home / "2").exists()
    with pytest.raises(FileError, match="gone"):
        again.rename(2, "x")


def test_a_damaged_run_is_told_and_the_others_stay(home: Path) -> None:
    record(home, XOR, 2)
    record(home, XOR, 2)
    (home / "1" / "run.json").write_text("{")
    (home / "2" / "name").write_bytes(b"\xff\xfe")
    runs = Runs()
    runs.open(home)
    assert [e.number for e in runs.entries] == [2] and runs.fault
    assert runs.entries[0].title == "run 2" and not math.isnan(runs.entries[0].seconds)


def test_how_recipes_differ_is_said_in_words() -> None:
    one = Recipe((Stage(optimizer="sgd", learning_rate=0.1, loss="n1"),), 1)
    other = Recipe(
        (Stage(optimizer="adam", learning_rate=0.01, batch_size=32, loss="n2"), Stage(epochs=5)), 2
    )
    found = differences(one, other, {"n1": "J", "n2": "K"}.get)  # type: ignore[arg-type]
    assert ("seed", "1", "2") in found
    assert ("stage 1: optimizer", "sgd", "adam") in found
    assert ("stage 1: learning rate", "0.1", "0.01") in found
    assert ("stage 1: batch size", "all rows", "32") in found
    assert ("stage 1: loss", "J", "K") in found
    assert ("stage 2", "–", "sgd, 5 epochs") in found
    assert len(found) == 6 and differences(one, one) == []


def test_how_documents_differ_is_said_in_sentences() -> None:
    other = XOR.copy()
    assert changes(XOR, other) == []
    edits.set_tensors({XOR.of_op("parameter")[0]: np.zeros((2, 4))}).apply(other)
    assert changes(XOR, other) == []  # values are what training changes
    edits.remove_nodes(other, {str(XOR.id_of("accuracy"))}).apply(other)
    assert any("only in the first" in words for words in changes(XOR, other))


def test_a_number_that_is_given_anew_is_another_run(home: Path) -> None:
    record(home, XOR, 30)
    runs = Runs()
    runs.open(home)
    old = runs.entries[0].run
    old.metrics()
    old.parameters(old.moments[-1])
    remove(Run(home / "1"))
    record(home, XOR, 12, learning_rate=0.5)
    runs.refresh()
    entry = runs.entries[0]
    assert entry.run is not old and entry.shown
    assert entry.facts.step == 12
    assert np.array_equal(entry.run.metrics().loss, Run(home / "1").metrics().loss)

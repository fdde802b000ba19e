"""The shipped examples: built from source, sound, and true to what they claim."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from engine import edits, examples, files, lessons
from engine.compose import compose
from engine.evaluate import evaluate
from engine.graph import Source
from engine.train import data
from engine.train.session import Training
from tests.lecture import build, build_training

NAMES = tuple(examples.names())


def test_every_file_has_a_row_and_every_row_a_builder() -> None:
    folder = build.RESOURCES / "examples"
    assert {examples.INFO[name].file for name in NAMES} == {p.name for p in folder.iterdir()}
    assert set(NAMES) == set(build.BUILDERS)


@pytest.mark.parametrize("name", [*NAMES, *build.LESSONS])
def test_shipped_bytes_are_the_built_ones(name: str) -> None:
    """After a change run `python -m tests.lecture.build`."""
    assert build.path_of(name).read_bytes() == build.contents(name)


@pytest.mark.parametrize("name", NAMES)
def test_opens_whole(name: str) -> None:
    """Every node has a value, every parameter a gradient, and saving gives the same bytes."""
    graph = examples.load(name)
    found = evaluate(graph, data.feeds(graph))
    assert not found.faults and not found.waiting
    assert set(graph.nodes) <= set(found.values)
    for parameter in graph.of_op("parameter"):
        assert np.any(found.gradients[parameter])
    assert not data.misfits(graph)
    copied = files.from_bytes(files.canonical_bytes(graph))
    assert files.canonical_bytes(copied) == files.canonical_bytes(graph)


@pytest.mark.parametrize("name", NAMES)
def test_nodes_stand_apart(name: str) -> None:
    places = {(n.x, n.y) for n in examples.load(name).nodes.values()}
    assert len(places) == len(examples.load(name).nodes)


@pytest.mark.parametrize("name", build.LESSONS)
def test_a_lesson_says_why_a_wrong_choice_is_wrong(name: str) -> None:
    for step in lessons.load(name).settings["lesson"]:
        if step.kind == "choose":
            silent = [n for n, reply in enumerate(step.replies) if not reply]
            assert silent == [step.answer], step.title


def test_worked_example_is_the_lectures() -> None:
    graph = examples.load("worked-example")
    found = evaluate(graph)
    named = {graph.name(n): (float(v), float(found.gradients[n])) for n, v in found.values.items()}
    assert set(named) == {"x", "t", "u1", "u2", "u", "J"}
    assert named["J"][0] == pytest.approx(-0.764920562804486, abs=1e-12)
    assert named["x"][1] == pytest.approx(4.560791790678780, abs=1e-12)


def test_one_layer_cannot_do_xor() -> None:
    """Logistic regression ends at a loss of ln 2 and gets at most three of the four right."""
    shipped = examples.load("xor")
    values = {"x": shipped.tensors["xor.x"], "y": shipped.tensors["xor.y"],
              "w": [[0.3], [-0.8]], "b": [0.1]}  # fmt: skip
    graph = compose(
        "z = x @ w + b\naccuracy = accuracy(z, y)\nloss = bce_with_logits(z, y)", values
    )
    edits.set_recipe(graph, learning_rate=1.0).apply(graph)
    ids = [str(graph.id_of("w")), str(graph.id_of("b"))]
    training = Training(graph, wrt=ids)
    training.run(2000)
    measured = training.metrics()["train"]
    assert measured["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert measured["accuracy"] <= 0.75


@pytest.mark.parametrize("split", [None, 1])
def test_digits_held_out(split: int | None) -> None:
    """At least 96 % of the digits never trained on, well within a minute."""
    graph = examples.load("softmax-digits")
    if split is not None:
        (name, source), *_ = graph.sources.items()
        other = Source(source.kind, source.path, "", "", True, source.validation, split)
        graph.put("sources", name, other)
    begin = time.monotonic()
    training = Training(graph)
    assert training.dataset is not None
    assert len(training.dataset.validation) == 449
    assert not set(training.dataset.validation) & set(training.dataset.train)
    training.run(graph.recipe.last.epochs * training.steps_per_epoch)
    assert training.metrics()["validation"]["accuracy"] >= 0.96
    assert time.monotonic() - begin < 60


def test_your_csv_takes_another_file(tmp_path: Path) -> None:
    """Two features and two classes instead of four and three: parameters are drawn anew and fit."""
    rows = ["height;weight;kind"]
    rows += [f"{i % 7},5;{i % 5};{'tall' if i % 7 > 3 else 'small'}" for i in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(rows), encoding="utf-8")
    graph = examples.load("your-csv")
    (name, old), *_ = graph.sources.items()
    graph.put("sources", name, Source("csv", "mine.csv", standardize=old.standardize))
    wrong = data.misfits(graph, tmp_path)
    assert [graph.name(m.node) for m in wrong] == ["W1", "W2", "b2"]
    assert wrong[0].message == "W1 is 4×16 and the data need 2×16; reinitialise it"
    for misfit in wrong:
        misfit.edit.apply(graph)
    assert not data.misfits(graph, tmp_path)
    training = Training(graph, tmp_path)
    training.run(200)
    assert training.metrics()["train"]["accuracy"] > 0.95


def test_planted_change_is_noticed() -> None:
    """The comparison of bytes sees a recipe that differs in one number."""
    graph = build_training.xor()
    edits.set_recipe(graph, learning_rate=1.5).apply(graph)
    assert files.to_text(graph).encode() != build.contents("xor")

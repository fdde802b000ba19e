"""The metrics of a moment against counting by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine import examples
from engine.compose import compose
from engine.graph import Graph, Source
from engine.probes import PROBES
from engine.probes.metrics import metrics
from engine.train.scene import Scene
from engine.train.session import Training


def taught(name: str, steps: int) -> tuple[Scene, Training]:
    graph = examples.load(name)
    training = Training(graph)
    training.run(steps)
    scene = Scene(graph)
    scene.at(training.parameters(), training.step_count)
    return scene, training


def line(x: np.ndarray, y: np.ndarray, validation: float) -> Graph:
    """p = x W, learnt by the mean squared error of a table."""
    graph = compose(
        "p = x @ W\nloss = mse(p, y)", {"x": 0.0, "y": 0.0, "W": np.array([[0.7], [-0.2]])}
    )
    for name, op, options in (
        ("W", "parameter", {"shape": (2, 1)}),
        ("x", "data", {"source": "t", "field": "x"}),
        ("y", "data", {"source": "t", "field": "y"}),
    ):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op=op, options=options))
    for name, value in (("x", x), ("y", y)):
        graph.put("tensors", str(graph.id_of(name)), None)
        graph.put("tensors", f"t.{name}", value)
    graph.put("sources", "t", Source(validation=validation))
    return graph


@pytest.mark.parametrize("name", ["softmax-digits", "your-csv", "xor"])
def test_the_table_is_what_training_measures(name: str) -> None:
    scene, training = taught(name, 12)
    found, measured = metrics(scene), training.metrics()
    assert set(found.table) == {part for part, values in measured.items() if values}
    for part, values in found.table.items():
        assert values == pytest.approx(measured[part], rel=1e-12)


@pytest.mark.parametrize("name", ["softmax-digits", "your-csv", "xor"])
def test_counts_and_scores_are_those_counted_one_by_one(name: str) -> None:
    scene, _ = taught(name, 12)
    found = metrics(scene)
    graph = scene.graph
    loss = graph.nodes[scene.loss_node].id
    logits = graph.links[loss, "logits"]
    for part, confusion in found.confusion.items():
        rows = scene.rows(part)
        guesses = scene.values([logits], rows)[logits]
        truth = scene.field("y", rows)
        k = len(found.classes)
        counts = np.zeros((k, k), int)
        for guess, true in zip(guesses, truth.reshape(len(rows), -1), strict=True):
            taken = int(np.argmax(guess)) if len(guess) > 1 else int(guess[0] > 0)
            counts[int(true[0]), taken] += 1
        assert (confusion.counts == counts).all()
        assert confusion.accuracy == pytest.approx(found.table[part]["accuracy"])
        for c in range(k):
            tp, fp, fn = (
                counts[c, c],
                counts[:, c].sum() - counts[c, c],
                counts[c].sum() - counts[c, c],
            )
            wanted = [
                tp / (tp + fp) if tp + fp else math.nan,
                tp / (tp + fn) if tp + fn else math.nan,
                2 * tp / (2 * tp + fp + fn) if tp + fp + fn else math.nan,
            ]
            assert confusion.scores[c] == pytest.approx(wanted, nan_ok=True)


def test_a_cell_has_the_rows_that_were_taken_so_with_their_pictures() -> None:
    scene, _ = taught("softmax-digits", 12)
    matrix = metrics(scene).confusion["validation"].counts
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    actual, predicted = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
    cell = metrics(scene, ("validation", actual, predicted)).cell
    assert cell is not None and cell.count == wrong.max()
    assert (scene.field("y", cell.rows) == actual).all()
    assert set(cell.rows) <= set(scene.rows("validation"))
    assert cell.pictures is not None and cell.pictures.shape == (len(cell.rows), 8, 8)
    assert (cell.pictures.reshape(len(cell.rows), -1) == scene.field("x", cell.rows)).all()


def shaped(guess: np.ndarray, target: np.ndarray, port: str = "") -> int:
    from engine.probes.metrics import _class_count

    return _class_count([(guess, target)], port)


def test_what_a_target_is_told_by_its_numbers() -> None:
    rng = np.random.default_rng(0)
    assert shaped(rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])) == 3
    assert shaped(rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]) == 3
    assert shaped(rng.normal(size=(5, 1)), np.array([[0.0], [1], [1], [0], [0]])) == 2
    assert shaped(rng.normal(size=(5,)), np.array([-1.0, 1, 1, -1, -1])) == 2
    assert shaped(rng.normal(size=(5, 1)), rng.normal(size=(5, 1))) == 0
    assert shaped(rng.normal(size=(5, 4)), (rng.normal(size=(5, 4)) > 0).astype(float)) == 0
    assert shaped(rng.normal(size=(5,)), np.ones(5), "logits") == 2
    assert shaped(rng.normal(size=(5,)), np.ones(5)) == 0


def test_numbers_have_residuals_and_r2() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2))
    y = x @ [[1.0], [-0.5]] + 0.1 * rng.normal(size=(40, 1))
    scene = Scene(line(x, y, 0.25))
    found = metrics(scene)
    assert not found.confusion and set(found.residuals) == {"train", "validation"}
    for part, told in found.residuals.items():
        rows = scene.rows(part)
        guess, wanted = (x[rows] @ [[0.7], [-0.2]])[:, 0], y[rows][:, 0]
        assert told.prediction == pytest.approx(guess) and told.target == pytest.approx(wanted)
        spread = ((wanted - wanted.mean()) ** 2).sum()
        assert told.explained == pytest.approx(1 - ((guess - wanted) ** 2).sum() / spread)
        assert told.spread == pytest.approx(math.sqrt(found.table[part]["loss"]))
        assert told.distance == pytest.approx(np.abs(guess - wanted).mean())
        assert told.bias == pytest.approx((guess - wanted).mean())


def test_a_target_that_never_varies_has_no_r2() -> None:
    told = metrics(Scene(line(np.eye(2), np.full((2, 1), 3.0), 0.0))).residuals["train"]
    assert math.isnan(told.explained) and told.spread > 0


def test_nothing_to_compare_is_a_sentence() -> None:
    found = metrics(Scene(examples.load("worked-example")))
    assert "nothing with a target" in found.reason and not found.confusion and found.table["train"]


def test_predictions_that_are_no_numbers_are_told_and_not_counted() -> None:
    scene, training = taught("softmax-digits", 2)
    name = training.wrt[0]
    broken = {n: np.full_like(v, np.nan) for n, v in training.parameters().items()}
    scene.at({**broken}, 2)
    found = PROBES["metrics"].answer(scene)
    assert name in broken and "not numbers" in found.reason
    assert found.confusion["train"].counts.sum() == 0 and math.isnan(
        found.confusion["train"].accuracy
    )


def test_fewer_of_wide_rows_are_counted_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand large pictures would not fit in memory."""
    monkeypatch.setattr("engine.probes.rowwise.NUMBERS", 80)
    x = np.random.default_rng(0).standard_normal((100, 2))
    found = metrics(Scene(line(x, x[:, :1], 0.0)))
    assert found.counted == {"train": (40, 100)}

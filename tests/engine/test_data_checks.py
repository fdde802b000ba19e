"""What is wrong with data is said before the first step of training, and what is only odd is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import data
from engine.compose import compose
from engine.data import DataError
from engine.graph import Graph, Source
from engine.train.problem import TrainingError
from engine.train.session import Training


def classifier(source: Source, classes: int = 3, batch: int = 4, **tensors: object) -> Graph:
    """A linear classifier of two features."""
    graph = compose(
        "z = x @ W\nJ = mean(cross_entropy(z, y))",
        {"x": [[0.0, 0.0]], "y": [0], "W": np.zeros((2, classes))},
    )
    graph.put("sources", "d", source)
    for field, value in tensors.items():
        graph.put("tensors", f"d.{field}", np.asarray(value))
    for name, op, options in (
        ("x", "data", {"source": "d", "field": "x"}), ("y", "data", {"source": "d", "field": "y"}),
        ("W", "parameter", {"shape": (2, classes)}),
    ):  # fmt: skip
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, type(node)(node.id, op, name, options))
        if op == "data":
            graph.put("tensors", node.id, None)
    graph.put("settings", "recipe", graph.recipe.changed(batch_size=batch))
    return graph


def refused(graph: Graph, base: Path | None = None) -> str:
    with pytest.raises((TrainingError, DataError)) as caught:
        Training(graph, base)
    assert "\n" not in str(caught.value)
    return str(caught.value)


X = np.arange(12.0).reshape(6, 2)


def test_labels_out_of_range_are_said_before_the_first_step() -> None:
    """The wrong label stands in the last row, which the first batch does not read."""
    graph = classifier(Source(shuffle=False), x=X, y=[0, 1, 2, 0, 1, 3])
    assert refused(graph) == (
        "the labels of d do not fit: class 3 is not one of 0 to 2; "
        "number the classes from 0 or give the last layer more outputs"
    )
    assert "class -1 is not one of" in refused(classifier(Source(), x=X, y=[0, 1, 2, 0, 1, -1]))
    Training(classifier(Source(), x=X, y=[0, 1, 2, 0, 1, 2])).run(3)


def test_numbers_that_are_not_finite_are_named() -> None:
    x = X.copy()
    x[4, 1] = np.nan
    assert refused(classifier(Source(options={"columns": "a\nb"}), x=x, y=[0] * 6)) == (
        "x of d is nan in row 5, column b; correct it, leave the row out, or let missing values be filled"
    )
    x[2, 0] = np.inf
    assert "x of d is inf in row 3, column 1" in refused(classifier(Source(), x=x, y=[0] * 6))
    x[2, 0] = 0.0
    filled = Training(classifier(Source(options={"missing": "fill"}), x=x, y=[0, 1, 2, 0, 1, 2]))
    assert filled.dataset is not None
    assert filled.dataset.take("x", np.array([4]))[0, 1] == np.delete(x[:, 1], 4).mean()


def test_no_rows_no_target_no_such_file(tmp_path: Path) -> None:
    assert refused(classifier(Source(), x=np.zeros((0, 2)), y=np.zeros(0, int))).startswith(
        "the data d has no rows"
    )
    assert refused(classifier(Source(), x=X)) == (
        "y reads the target, which d does not have; choose a target in the data, or another field: x"
    )
    (tmp_path / "d.csv").write_text("a,b,k\n1,2,u\n3,4,v\n")
    assert "reads the target, which d does not have" in refused(
        classifier(Source("csv", "d.csv", "-"), x=X), tmp_path
    )
    assert "d.csv has no column 'z'; it has: a, b, k" in refused(
        classifier(Source("csv", "d.csv", "z")), tmp_path
    )
    assert "the file e.csv is not there" in refused(classifier(Source("csv", "e.csv")), tmp_path)


def test_what_is_odd_is_told_and_trained(tmp_path: Path) -> None:
    odd = Training(classifier(Source(), batch=64, x=X, y=[1] * 6))
    assert odd.notes == [
        "a batch of 64 rows is more than the 6 to train with, so each step takes them all; choose a "
        "batch size of at most 6",
        "every row of d to train with is of the class 1, so there is nothing to tell apart; add rows of "
        "another class or choose another target",
    ]
    odd.run(2)
    (tmp_path / "d.csv").write_text("a,b,k\n1,2,u\n3,4,u\n5,,v\n")
    named = Training(classifier(Source("csv", "d.csv"), classes=2), tmp_path)
    assert "every row of d to train with is of the class u" in named.notes[-1]
    assert not Training(classifier(Source(), x=X, y=[0, 1, 2, 0, 1, 2])).notes


def test_a_batch_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.train.data_checks.MAX_BATCH", 50)
    assert refused(classifier(Source(), x=X, y=[0] * 6)) == (
        "a batch of 4 rows of d takes 96 bytes; choose a smaller batch size in the recipe"
    )


def test_rows_are_taken_in_order_without_shuffling() -> None:
    for shuffle in (True, False):
        run = Training(classifier(Source(shuffle=shuffle), batch=2, x=X, y=[0, 1, 2, 0, 1, 2]))
        assert run.dataset is not None
        assert np.array_equal(run.dataset.order(0, 3), np.arange(6)) != shuffle


def test_a_changed_file_is_told(tmp_path: Path) -> None:
    from engine.train import data as training

    folder = tmp_path / "p" / "a"
    folder.mkdir(parents=True)
    from PIL import Image

    Image.new("L", (8, 8)).save(folder / "1.png")
    source = data.source_of(tmp_path / "p", tmp_path)
    graph = Graph()
    graph.put("sources", "d", source)
    assert not training.load(graph, "d", tmp_path).notes
    Image.new("L", (8, 8)).save(folder / "2.png")
    assert "p has changed since it was chosen" in training.load(graph, "d", tmp_path).notes


def test_rows_that_are_measured_in_part_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows that do not fit in memory well, some are measured; nobody is to take them for all."""
    x, y = np.random.default_rng(0).standard_normal((30, 2)), np.arange(30) % 3
    assert Training(classifier(Source(), x=x, y=y)).notes == []
    monkeypatch.setattr("engine.train.data.LARGE", 4 * 8 * x[0].nbytes)
    graph = classifier(Source(validation=0.2), x=x, y=y)
    notes = Training(graph).notes
    assert len(notes) == 1 and "all rows to train with are those of 8 of the 24" in notes[0]

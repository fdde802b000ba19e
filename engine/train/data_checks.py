"""What is wrong with data before the first step of training: refused or told, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from engine.data.place import size_text
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan
from engine.train.data import Dataset, field_of
from engine.train.problem import TrainingError

MAX_BATCH = 2 << 30
"""Bytes of the numbers that one step may read."""


def look(
    graph: Graph,
    dataset: Dataset | None,
    nodes: Mapping[str, str],
    batch: int,
    start: Mapping[str, Array],
    loss: str,
    wanted: int,
) -> tuple[str, ...]:
    """Sentences on the rows that data nodes under a loss read, `nodes` saying which field each.

    `start` holds the values of the other sources, `batch` is how many rows a step takes and `wanted` how
    many the recipe says. Raises TrainingError for what cannot be trained on
    and DataError for a field that is not there.
    """
    if dataset is None or not nodes:
        return ()
    for node_id, field in nodes.items():
        field_of(graph, dataset, node_id, field)
    check(dataset, nodes.values(), batch)
    check_labels(graph, dataset, nodes, start, loss)
    return told(dataset, wanted)


def check(dataset: Dataset, fields: Iterable[str], batch: int) -> None:
    """Raises TrainingError for numbers that are not finite, and for a batch beyond memory."""
    size = 0
    for name in dict.fromkeys(fields):
        field = dataset.fields[name]
        size += batch * int(np.prod(field.shape[1:])) * field.dtype.itemsize
        if not isinstance(field, np.ndarray) or field.dtype.kind != "f" or np.isfinite(field).all():
            continue
        row, *rest = np.argwhere(~np.isfinite(field))[0].tolist()
        where = ""
        if len(rest) == 1:
            known = name == "x" and rest[0] < len(dataset.columns)
            where = f", column {dataset.columns[rest[0]] if known else rest[0] + 1}"
        raise TrainingError(
            f"{name} of {dataset.name} is {field[(row, *rest)]} in row {row + 1}{where}; "
            "correct it, leave the row out, or let missing values be filled"
        )
    if size > MAX_BATCH:
        raise TrainingError(
            f"a batch of {batch:,} rows of {dataset.name} takes {size_text(size)}; "
            "choose a smaller batch size in the recipe"
        )


def told(dataset: Dataset, wanted: int) -> tuple[str, ...]:
    """Sentences on what can be trained with, but may not be meant; `wanted` is the batch size."""
    notes = []
    rows = len(dataset.train)
    if wanted > rows:
        notes.append(
            f"a batch of {wanted:,} rows is more than the {rows:,} to train with, so each step takes "
            f"them all; choose a batch size of at most {rows:,}"
        )
    for part, what in ((dataset.train, "to train with"), (dataset.validation, "held out")):
        measured = len(dataset.sample(part))
        if measured < len(part):
            notes.append(
                f"the loss and the metrics over all rows {what} are those of {measured:,} of the "
                f"{len(part):,}, spread evenly: more do not fit in memory well"
            )
    y = dataset.fields.get("y")
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iu":
        first = int(y[dataset.train[0]])
        if (y[dataset.train] == first).all():
            name = dataset.classes[first] if 0 <= first < len(dataset.classes) else str(first)
            notes.append(
                f"every row of {dataset.name} to train with is of the class {name}, so there is nothing "
                "to tell apart; add rows of another class or choose another target"
            )
    return tuple(notes)


def check_labels(
    graph: Graph, dataset: Dataset, nodes: Mapping[str, str], start: Mapping[str, Array], loss: str
) -> None:
    """Raises TrainingError when the least or largest class index of all rows is none for the loss."""
    ends: list[int] = []
    for name in dict.fromkeys(nodes.values()):
        field = dataset.fields[name]
        if isinstance(field, np.ndarray) and field.ndim == 1 and field.dtype.kind in "iu":
            ends += [int(field.argmin()), int(field.argmax())]
    if not ends:
        return
    rows = np.array(ends)
    expansion = expand(graph, {**start, **{n: dataset.take(f, rows) for n, f in nodes.items()}})
    step = expansion.step_of(loss)
    if not isinstance(step, str):
        return
    try:
        with np.errstate(all="ignore"):
            Plan(expansion, [step]).run()
    except ValueError as error:
        raise TrainingError(f"the labels of {dataset.name} do not fit: {error}") from None

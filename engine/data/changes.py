"""Edits of a document's data: a source added, changed, removed, or taken into the document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import edits
from engine.data.kinds import read
from engine.data.place import size_text
from engine.data.record import COMMON, DataError
from engine.edits import Edit, Put
from engine.graph import Graph, GraphError, Node, id_number
from engine.ops import TABLE
from engine.ops.row import Array
from engine.recipe import MAX_TITLE, Source

MAX_EMBEDDED = 32 * 2**20
"""Bytes of numbers that a document takes in."""
APART = 128.0


def tensors_of(graph: Graph, name: str) -> dict[str, Array]:
    """The document's own tensors of a source, by field."""
    stem = f"{name}."
    return {k[len(stem) :]: v for k, v in graph.tensors.items() if k.startswith(stem)}


def add_source(
    graph: Graph,
    name: str,
    source: Source,
    fields: Sequence[str] = ("x", "y"),
    at: tuple[float, float] = (0.0, 0.0),
) -> Edit:
    """A new source, and a data node for each of `fields` below the place `at`; none when it is empty.

    Raises GraphError when the name is taken.
    """
    if name in graph.sources:
        raise GraphError(f"there are data called {name!r} already; choose another name")
    changes: list[Edit] = [edits.set_source(name, source)]
    names = graph.new_names(fields)
    first = id_number(graph.new_id())
    for number, (field, called) in enumerate(zip(fields, names, strict=True)):
        options = {**TABLE["data"].defaults(), "source": name, "field": field}
        place = at[0], at[1] + number * APART
        node = Node(f"n{first + number}", "data", called, options, {}, *place)
        changes.append(Put("nodes", node.id, node))
    return edits.batch(*changes)


def change_source(graph: Graph, name: str, source: Source) -> Edit:
    """Another record for a source; the tensors of a table that is none any more go.

    Raises GraphError when there is no such source.
    """
    _check_known(graph, name)
    gone = tensors_of(graph, name) if source.kind != "table" else {}
    return edits.batch(
        edits.set_source(name, source), *(Put("tensors", f"{name}.{field}", None) for field in gone)
    )


def remove_source(graph: Graph, name: str) -> Edit:
    """Removes a source with its tensors; data nodes that read it stay and wait for another.

    Raises GraphError when there is no such source.
    """
    _check_known(graph, name)
    readers = [n for n in graph.of_op("data") if graph.nodes[n].options.get("source") == name]
    return edits.batch(
        *(edits.set_options(graph, n, {"source": ""}) for n in readers),
        *(Put("tensors", f"{name}.{field}", None) for field in tensors_of(graph, name)),
        edits.set_source(name, None),
    )


def embed(graph: Graph, name: str, base: Path | None = None) -> Edit:
    """Takes the rows of a source into the document, so that it needs its files no more.

    Features and targets are the ones that the source gives now; how they are split and standardised
    stays. Raises GraphError or DataError, also for more than 32 MiB of numbers.
    """
    _check_known(graph, name)
    source = graph.sources[name]
    if source.kind == "table":
        raise GraphError(f"the rows of {name} are in the document already")
    table = read(source, base)
    fields: dict[str, Array] = {}
    kept = graph.dtype.itemsize
    sizes = [
        math.prod(a.shape) * (8 if a.dtype.kind in "iu" and f not in table.factors else kept)
        for f, a in table.fields.items()
    ]
    if sum(sizes) > MAX_EMBEDDED:
        raise DataError(
            f"the data {name} have {size_text(sum(sizes))} of numbers and a document takes in "
            f"{size_text(MAX_EMBEDDED)}; leave them in their file or take fewer rows"
        )
    for field, array in table.fields.items():
        whole = np.array(array)
        if field in table.factors:
            whole = whole * table.factors[field]
        fields[field] = (
            whole.astype(graph.dtype) if whole.dtype.kind == "f" else whole.astype(np.int64)
        )
    common = [option.name for option in COMMON]
    options: dict[str, float | str] = {n: v for n, v in source.options.items() if n in common}
    if any(a.dtype.kind == "f" and np.isnan(a).any() for a in fields.values()):
        options["missing"] = source.options.get("missing", "refuse")
    for option, names in (("columns", table.columns), ("classes", table.classes)):
        text = "\n".join(names)
        if names and len(text) <= MAX_TITLE and not any("\n" in n or not n for n in names):
            options[option] = text
    kept_source = replace(source, kind="table", path="", checksum="", options=options)
    return edits.batch(
        edits.set_source(name, kept_source),
        *(edits.set_tensor(f"{name}.{field}", value) for field, value in fields.items()),
    )


def _check_known(graph: Graph, name: str) -> None:
    if name not in graph.sources:
        known = ", ".join(graph.sources) or "none"
        raise GraphError(f"there is no data called {name!r} in this document; it has: {known}")

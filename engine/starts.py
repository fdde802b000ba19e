"""Edits of starts: parameters, also those inside modules, begin anew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine import ops, ties
from engine.edits import Batch, Edit, Put, set_options, set_tensor, tensors_of
from engine.expansion import MAX_ENTRIES, Start
from engine.flatten import draw_start
from engine.graph import Graph, GraphError, Node
from engine.ops.row import Array
from engine.shapes import Shape, ShapeError, shape_text


def fresh_starts(graph: Graph) -> list[Edit]:
    """Takes away the values of parameters inside modules that say how they start: they start anew."""
    edits: list[Edit] = []
    for node_id in graph.nodes:
        for key in tensors_of(graph, node_id) if graph.op(node_id).definition is not None else ():
            node = ties.node_at(graph, key)
            if node is None or node.options.get("init", "given") != "given":
                edits.append(Put("tensors", key, None))
    return edits


_LAYERS = "xavier"
"""How a matrix starts that is made of a number: all entries alike would learn alike."""


class _NotKnown(GraphError):
    """A shape names a size that nobody knows yet."""


def _wanted_shape(node: Node, sizes: Mapping[str, int], value: Array) -> Shape:
    """The shape that a parameter's `shape` asks for; that of its value where it asks for none.

    Names are read off `sizes`, others off the value's axis. Raises GraphError for one that neither knows.
    """
    wanted = node.options.get("shape", ())
    parts = wanted if isinstance(wanted, tuple) else (wanted,)
    if not parts:
        return value.shape
    own: tuple[int | None, ...] = value.shape if value.ndim == len(parts) else (None,) * len(parts)
    shape = []
    for part, known in zip(parts, own, strict=True):
        size = sizes.get(part, known) if isinstance(part, str) else int(part)
        if size is None:
            told = ", ".join(sizes) or "none without data"
            raise _NotKnown(f"the shape of {node.name} names {part!r}; the sizes known are: {told}")
        shape.append(size)
    if min(shape) < 0 or math.prod(shape) > MAX_ENTRIES:
        raise GraphError(
            f"{node.name} cannot be {shape_text(tuple(shape))}: its sizes are 0 or more, "
            f"and it has at most {MAX_ENTRIES:,} numbers"
        )
    return tuple(shape)


def with_options(
    graph: Graph, node_id: str, options: Mapping[str, Any], sizes: Mapping[str, int]
) -> Edit:
    """Sets options; a parameter that is told another shape or another start begins anew in it.

    What was given is spread over a new shape where it can be, else it is zeros. A shape that names
    a size which is not in `sizes` is made when the size is known. Raises GraphError for a shape that
    cannot be filled.
    """
    edit = set_options(graph, node_id, options)
    node, value = graph.nodes[node_id], graph.tensors.get(node_id)
    if value is None or "init" not in node.options or not {"shape", "init"} & options.keys():
        return edit
    told = replace(node, options={**node.options, **options})
    try:
        shape = _wanted_shape(told, sizes, value)
    except _NotKnown:
        return edit
    if told.options["init"] != "given":
        return Batch((edit, set_tensor(node_id, _drawn(graph, node_id, told, shape))))
    if value.shape == shape:
        return edit
    try:
        return Batch((edit, set_tensor(node_id, np.broadcast_to(value, shape))))
    except ValueError:
        return Batch((edit, set_tensor(node_id, np.zeros(shape, value.dtype))))


def as_parameter(graph: Graph, node_id: str, shape: Shape) -> Edit:
    """An input or a parameter becomes a parameter of a shape, with a start that layers learn from."""
    row, node = ops.TABLE["parameter"], graph.nodes[node_id]
    kept = node.options if node.op == row.name else {}
    options = {**row.defaults(), **kept, "shape": shape}
    if options["init"] == "given":
        options["init"] = _LAYERS
    told = replace(node, op=row.name, options=options)
    drawn = _drawn(graph, node_id, told, shape)
    return Batch((Put("nodes", node_id, told), set_tensor(node_id, drawn)))


def _drawn(graph: Graph, key: str, node: Node, shape: Shape) -> Array:
    try:
        start = draw_start(key, Start(shape, node.options), graph.recipe.seed)
    except ShapeError as error:
        raise GraphError(f"{node.name}: {error}") from None
    return start.astype(graph.dtype)


def reinitialised(
    graph: Graph, node_ids: Iterable[str], values: Mapping[str, Array], sizes: Mapping[str, int]
) -> Edit:
    """The parameters of nodes, and those inside modules, begin anew as they say they start.

    `values` are those that steps have, by id or path; `sizes` what the names in shapes stand for.
    Raises GraphError where nothing can be drawn.
    """
    edits: list[Edit] = []
    for key in dict.fromkeys(
        k for n in node_ids for k in ties.parameters(graph, ties.owner(graph, n))
    ):
        node = ties.node_at(graph, key)
        value = graph.tensors.get(key, values.get(key))
        if "." in key and key in graph.tensors:
            edits.append(Put("tensors", key, None))
        elif (
            node is not None and node.options.get("init", "given") != "given" and value is not None
        ):
            shape = value.shape if "." in key else _wanted_shape(node, sizes, value)
            edits.append(set_tensor(key, _drawn(graph, key, node, shape)))
    if not edits:
        raise GraphError(
            "nothing here was given another value; choose how a parameter starts first"
        )
    return Batch(tuple(edits))

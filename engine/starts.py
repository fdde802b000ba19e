"""Edits of starts: parameters, also those inside modules, begin anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine import ties
from engine.edits import Batch, Edit, Put, tensors_of
from engine.expansion import Start
from engine.flatten import draw_start
from engine.graph import Graph, GraphError
from engine.ops.row import Array
from engine.shapes import ShapeError


def fresh_starts(graph: Graph) -> list[Edit]:
    """Takes away the values of parameters inside modules that say how they start: they start anew."""
    edits: list[Edit] = []
    for node_id in graph.nodes:
        for key in tensors_of(graph, node_id) if graph.op(node_id).definition is not None else ():
            node = ties.node_at(graph, key)
            if node is None or node.options.get("init", "given") != "given":
                edits.append(Put("tensors", key, None))
    return edits


def reinitialised(graph: Graph, node_ids: Iterable[str], values: Mapping[str, Array]) -> Edit:
    """The parameters of nodes, and those inside modules, begin anew as they say they start.

    `values` are those that steps have, by id or path. Raises GraphError where nothing can be drawn.
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
            start = Start(value.shape, node.options)
            try:
                edits.append(Put("tensors", key, draw_start(key, start, graph.recipe.seed)))
            except ShapeError as error:
                raise GraphError(f"{node.name}: {error}") from None
    if not edits:
        raise GraphError(
            "nothing here was given another value; choose how a parameter starts first"
        )
    return Batch(tuple(edits))

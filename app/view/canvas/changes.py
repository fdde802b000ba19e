"""The edits of the canvas, built from the engine's; nothing here changes a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from app import drawers
from app.arguments import assignments
from app.drawers import Definitions
from app.text import tr
from engine import ops
from engine.compose import compose, compose_edit
from engine.edits import (
    Edit,
    batch,
    connect,
    disconnect,
    insert,
    rename,
    set_literal,
    set_options,
    set_setting,
    set_tensor,
    subgraph,
)
from engine.graph import Graph, GraphError, Port
from engine.notes import place_of
from engine.ops.row import Array

Place = tuple[float, float]


def added(
    graph: Graph,
    op: str,
    at: Place,
    wire: Port | None = None,
    own: Definitions | None = None,
    port: str | None = None,
) -> tuple[Edit, str]:
    """A new node; on a wire it is inserted: the wire's source feeds its `port`.

    `own` are modules that can be added beside the shipped ones, the document's unless given.
    """
    edit, node_id = drawers.added(graph, op, at, own)
    if wire is None or port is None:
        return edit, node_id
    inside = connect(graph.links[wire], node_id, port)
    return batch(edit, inside, connect(node_id, *wire)), node_id


def added_at_end(
    graph: Graph,
    op: str,
    at: Place,
    end: tuple[str, str | None],
    own: Definitions | None = None,
    port: str | None = None,
) -> tuple[Edit, str]:
    """A new node wired to an end that was let go: (node id, its input port, or None its output).

    It reads an output at `port`, if that is given.
    """
    edit, node_id = drawers.added(graph, op, at, own)
    other, into = end
    if into is not None:
        return batch(edit, connect(node_id, other, into)), node_id
    return (edit if port is None else batch(edit, connect(other, node_id, port))), node_id


def wired(source: str, end: Port, was: Port | None = None) -> Edit:
    """A wire to `end`; `was` is the port it was taken off, when it was moved."""
    put = connect(source, *end)
    return put if was is None or was == end else batch(disconnect(*was), put)


def pasted(
    graph: Graph,
    found: Graph | str,
    at: Place,
    reads: Mapping[Port, str] | None = None,
    *,
    same: bool = False,
) -> tuple[Edit, list[str]]:
    """A document's nodes with their middle at `at`, or a program's; `reads` wires their ports.

    `same` tells nodes that were copied here.
    """
    if isinstance(found, str):
        return compose_edit(graph, found, at, modules=drawers.callable_modules(graph.modules))
    if not found.nodes and not found.notes:
        raise GraphError(tr("there are no nodes in it"))
    edit, ids = insert(graph, found, _offset(found, at), same=same)
    wires = [
        connect(source, ids[target], port)
        for (target, port), source in (reads or {}).items()
        if target in ids
    ]
    return batch(edit, *wires) if wires else edit, list(ids.values())


def _offset(part: Graph, at: Place) -> Place:
    places = [place_of(part, key) for key in (*part.nodes, *part.notes)]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return at[0] - (min(xs) + max(xs)) / 2, at[1] - (min(ys) + max(ys)) / 2


def duplicated(graph: Graph, node_ids: Iterable[str], by: Place) -> tuple[Edit, list[str]]:
    """Copies of nodes, `by` away, reading what the nodes read."""
    part = subgraph(graph, node_ids)
    edit, ids = insert(graph, part, by, same=True)
    outside = [
        connect(source, ids[target], port)
        for (target, port), source in graph.links.items()
        if target in ids and source not in ids
    ]
    return batch(edit, *outside), list(ids.values())


# ------------------------------------------------------------------------------- typed values


def parse_value(name: str, text: str) -> Array:
    """A number, an expression of numbers (`pi/2`), a nested list or `@file.npy`.

    Raises ValueError with a sentence.
    """
    text = text.strip().replace("−", "-")
    if text.startswith(("[", "@")):
        return np.asarray(assignments([f"{name}={text}"])[name])
    try:
        return np.asarray(float(text))
    except ValueError:
        pass
    graph = compose(text, default=None)
    if len(graph.nodes) != 1 or not graph.tensors:
        raise GraphError(
            f"{tr('the value of')} {name} {tr('is a number or a nested list such as [1, 2]')}"
        )
    return next(iter(graph.tensors.values()))


def valued(graph: Graph, node_id: str, text: str) -> Edit:
    """The value a source holds, or the first number in an operator's formula, from typed text.

    Raises ValueError with a sentence.
    """
    node = graph.nodes[node_id]
    value = parse_value(node.name, text)
    port = literal_port(graph, node_id)
    if node.op in ops.HOLDS_TENSOR:
        edit = set_tensor(node_id, value.astype(graph.dtype) if value.dtype.kind == "f" else value)
        if node.options.get("shape"):
            return batch(edit, set_options(graph, node_id, {"shape": tuple(value.shape)}))
        return edit
    if port is None:
        raise GraphError(f"{node.name} {tr('is computed; change what it reads instead')}")
    if value.shape:
        raise GraphError(f"{tr('port')} {port} {tr('takes one number; wire a constant for more')}")
    return set_literal(graph, node_id, port, float(value))


def literal_port(graph: Graph, node_id: str) -> str | None:
    """The first port whose number can be typed: one that holds a number, else an empty one."""
    ports = [p for p in graph.ports(node_id) if (node_id, p) not in graph.links]
    literals = graph.nodes[node_id].literals
    return next((p for p in ports if p in literals), ports[0] if ports else None)


def value_text(graph: Graph, node_id: str) -> str | None:
    """What can be typed over, in full precision; None when the node's value is only computed."""
    if graph.nodes[node_id].op in ops.HOLDS_TENSOR:
        tensor = graph.tensors.get(node_id)
        return "0" if tensor is None else _plain(tensor)
    port = literal_port(graph, node_id)
    if port is None:
        return None
    number = graph.nodes[node_id].literals.get(port)
    return "" if number is None else _plain(np.asarray(number))


def _plain(tensor: Array) -> str:
    """Shortest text that reads back as the same numbers; whole ones without a point."""
    if tensor.shape:
        return str(tensor.tolist())
    number = float(tensor)
    return str(int(number)) if abs(number) < 1e15 and number == int(number) else repr(number)


def renamed(graph: Graph, node_id: str, name: str) -> Edit:
    return rename(graph, node_id, name.strip())


def nudged(graph: Graph, ids: Iterable[str], by: Place) -> dict[str, Place]:
    """Where nodes and notes stand after a step of the arrow keys."""
    places = {key: place_of(graph, key) for key in ids}
    return {key: (x + by[0], y + by[1]) for key, (x, y) in places.items()}


def bookmarked(graph: Graph, digit: str, node_id: str) -> Edit:
    """A node gets a bookmark; one that has it already gives it up."""
    bookmarks = dict(graph.settings["bookmarks"])
    if bookmarks.pop(digit, None) != node_id:
        bookmarks[digit] = node_id
    return set_setting("bookmarks", bookmarks)

"""Who owns the parameters of an instance, and the values they have, stored or drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.expansion import Expansion
from engine.graph import TIED, Graph, Node, frozen
from engine.ops.row import Array


def owner(graph: Graph, instance: str) -> str:
    """The instance at the end of the ties; where they form a circle, one of it."""
    found, seen = instance, {instance}
    while (other := graph.nodes[found].options.get(TIED)) in graph.nodes and other not in seen:
        found = other
        seen.add(other)
    return found


def tied(graph: Graph) -> dict[str, str]:
    """Who owns the parameters of the instances that are tied to another one."""
    return {n: owner(graph, n) for n, node in graph.nodes.items() if node.options.get(TIED)}


def parameters(graph: Graph, node_id: str) -> Iterator[str]:
    """Keys of the parameters that are a node's own: its id, or paths of ids into a module."""
    definition: Graph | None = graph.op(node_id).definition
    if definition is None:
        if graph.nodes[node_id].op == "parameter":
            yield node_id
        return
    for inner, node in definition.nodes.items():
        if not node.options.get(TIED):
            for path in parameters(definition, inner):
                yield f"{node_id}.{path}"


def held(graph: Graph, node_id: str, values: Mapping[str, Array]) -> dict[str, Array]:
    """The values of a node's own parameters by their keys: what is stored, or else drawn.

    `values` are those that a document's steps have by id or path. A value that is stored in another
    size than its place has by now stands for what was drawn there instead.
    """
    found = {k: v for k, v in graph.tensors.items() if k.startswith(f"{node_id}.")}
    for key in parameters(graph, node_id):
        stored, now = graph.tensors.get(key), values.get(key)
        value = now if stored is None or (now is not None and now.shape != stored.shape) else stored
        if value is not None:
            found[key] = value
    return found


def take_along(graph: Graph, part: Graph, values: Mapping[str, Array]) -> None:
    """Gives instances of a part whose owner stays behind its sizes and what it holds.

    The first keeps its tie, which is of use where the owner is; the others are tied to the first.
    """
    first: dict[str, str] = {}
    for node_id, node in list(part.nodes.items()):
        if node.options.get(TIED, "") in {"", *part.nodes}:
            continue
        found = owner(graph, node_id)
        other = found if found in part.nodes else first.get(found)
        if other is not None:
            part.put("nodes", node_id, replace(node, options={**node.options, TIED: other}))
        elif found != node_id and graph.nodes[found].op == node.op:
            first[found] = node_id
            options = {**graph.nodes[found].options, TIED: found}
            part.put("nodes", node_id, replace(node, options=options))
            for key, value in held(graph, found, values).items():
                part.put("tensors", node_id + key[len(found) :], value)


def drawn(graph: Graph, expansion: Expansion) -> dict[str, Array]:
    """The starts of parameters that the document does not hold, or in another size, by path."""
    values = {path: expansion.feeds[path] for path in expansion.starts if path in expansion.feeds}
    return {
        path: frozen(value)
        for path, value in values.items()
        if path not in graph.tensors or graph.tensors[path].shape != value.shape
    }


def name_at(graph: Graph, path: str) -> str:
    """What people call the node at a path of ids through modules: `dense.W`."""
    names, inner = [], graph
    for step in path.split("."):
        names.append(inner.name(step))
        inner = inner.op(step).definition
    return ".".join(names)


def parameters_inside(graph: Graph, node_id: str = "") -> dict[str, str]:
    """Keys of the parameters inside a module, or inside all, by their names; those of a tied
    instance are the owner's."""
    shared = tied(graph)
    nodes = [n for n in ([node_id] if node_id else graph.order()) if n not in shared]
    keys = [key for n in nodes for key in parameters(graph, n) if "." in key]
    return {name_at(graph, key): key for key in keys}


def node_at(graph: Graph, path: str) -> Node | None:
    """The node at a path of ids through modules; None where there is none."""
    inner: Graph | None = graph
    *outer, last = path.split(".")
    for step in outer:
        inner = inner.op(step).definition if inner is not None and step in inner.nodes else None
    return inner.nodes.get(last) if inner is not None else None

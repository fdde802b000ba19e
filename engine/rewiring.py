"""Edits of wires around nodes: muted, taken out, put on a wire, cut, and dots on wires."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from engine import ops
from engine.edits import Batch, Edit, Put, add_node, batch, remove_nodes
from engine.graph import Graph, GraphError, Port, id_number
from engine.passing import handed_on

Place = tuple[float, float]


def mute(graph: Graph, node_ids: Iterable[str]) -> Edit:
    """Mutes the operators among nodes, or wakes them when all are muted. Raises GraphError."""
    nodes = [graph.nodes[n] for n in node_ids if not graph.op(n).is_source]
    if not nodes:
        raise GraphError("only what is computed can be muted; select an operator")
    on = not all(node.muted for node in nodes)
    return batch(*(Put("nodes", n.id, replace(n, muted=on)) for n in nodes if n.muted != on))


def cut(wires: Iterable[Port]) -> Edit:
    """Takes wires away by the ports they end at."""
    return batch(*(Put("links", key, None) for key in sorted(wires)))


def _handed_on(graph: Graph, node_id: str, gone: Collection[str]) -> str | float | None:
    """What readers of a node read when it and others are gone: its first operand that stays."""
    seen: str | float | None = node_id
    while isinstance(seen, str) and seen in gone:
        port = handed_on(graph, seen)
        seen = graph.operand(seen, port) if port is not None else None
    return seen


def taken_out(graph: Graph, node_ids: Iterable[str]) -> Edit:
    """Takes the wires of nodes away; readers outside read what the nodes were fed with.

    The wires among the nodes stay. A reader whose new operand would close a circle stays empty.
    """
    inside = set(node_ids)
    edits: list[Edit] = []
    joined: list[Edit] = []
    numbers: dict[str, dict[str, float]] = {}
    for node_id in sorted(inside, key=id_number):
        for link in graph.links_of(node_id):
            if link.source in inside and link.target in inside:
                continue
            edits.append(Put("links", (link.target, link.port), None))
            if link.source not in inside:
                continue
            operand = _handed_on(graph, node_id, inside)
            if isinstance(operand, str):
                joined.append(Put("links", (link.target, link.port), operand))
            elif operand is not None:
                numbers.setdefault(link.target, {})[link.port] = operand
    for reader, given in numbers.items():
        node = graph.nodes[reader]
        joined.append(Put("nodes", reader, replace(node, literals={**node.literals, **given})))
    return Batch((*edits, *joined))


def dissolve(graph: Graph, node_ids: Iterable[str]) -> Edit:
    """Removes nodes; what read them reads what they were fed with."""
    gone = set(node_ids)
    out = taken_out(graph, gone)
    trial = graph.copy()
    out.apply(trial)
    return batch(out, remove_nodes(trial, gone))


def put_on_wire(graph: Graph, node_id: str, wire: Port) -> Edit:
    """A node without wires on that side goes between the ends of a wire.

    It reads the wire's source at its first empty port. Raises GraphError where it has none.
    """
    source = graph.links[wire]
    port = next((p for p in free_ports(graph, node_id)), None)
    if port is None:
        raise GraphError(f"{graph.name(node_id)} has no empty port for this wire")
    return Batch((Put("links", wire, None), Put("links", (node_id, port), source),
                  Put("links", wire, node_id)))  # fmt: skip


def free_ports(graph: Graph, node_id: str) -> list[str]:
    """Ports without a wire, those without a number first; a variadic row's next one behind them."""
    node, op = graph.nodes[node_id], graph.op(node_id)
    ports = [p for p in graph.ports(node_id) if (node_id, p) not in graph.links]
    found = [p for p in ports if p not in node.literals] + [p for p in ports if p in node.literals]
    if op.variadic:
        found.append(op.ports(len(graph.ports(node_id)) + 1)[-1])
    return found


def add_dot(graph: Graph, wires: Collection[Port], at: Place) -> tuple[Edit, str]:
    """A dot on wires of one source, which then run through it; its id comes along."""
    sources = {graph.links[key] for key in wires}
    if len(sources) != 1:
        raise GraphError("a dot joins wires that come from one node; choose such wires")
    edit, node_id = add_node(graph, ops.DOT.name, None, None, None, at)
    edits = [edit, *(Put("links", key, None) for key in sorted(wires))]
    edits.append(Put("links", (node_id, ops.DOT.inputs[0]), sources.pop()))
    edits += [Put("links", key, node_id) for key in sorted(wires)]
    return Batch(tuple(edits)), node_id

"""Where the parts of a line are on the canvas: the wires and the node that a part refers to."""

from __future__ import annotations

from app.session import Session
from engine.graph import Graph, Port
from engine.lines import Origin


def wires_of(session: Session, origin: Origin) -> frozenset[Port]:
    """The wires that bring what a part refers to; through dots, all of their pieces."""
    evaluation, graph = session.evaluation, session.graph
    node_id = evaluation.node_of(origin.node)
    if node_id is None or node_id not in graph.nodes:
        return frozenset()
    if origin.kind == "gradient":
        return _with_dots(session, _out_of(graph, node_id), False)
    if origin.kind == "value":
        return frozenset()
    if graph.op(node_id).definition is None:
        key = node_id, origin.port
        return _with_dots(session, [key] if key in graph.links else [], True)
    # A step inside an instance: the wires that bring the instance what that step reads.
    flat = evaluation.expansion.nodes[origin.node]
    read = flat.args[flat.op.ports(len(flat.args)).index(origin.port)]
    ends = [(node_id, port) for port in graph.ports(node_id)]
    outside = [k for k in ends if k in graph.links and evaluation.step_of(graph.links[k]) == read]
    return _with_dots(session, outside, True)


def _with_dots(session: Session, keys: list[Port], back: bool) -> frozenset[Port]:
    graph = session.graph
    for key in keys:  # grows on the way
        if back:
            source = graph.links[key]
            if graph.op(source).is_wire:
                keys += [(k.target, k.port) for k in graph.links_of(source) if k.target == source]
        elif graph.op(key[0]).is_wire:
            keys += _out_of(graph, key[0])
    return frozenset(keys)


def _out_of(graph: Graph, node_id: str) -> list[Port]:
    return [(k.target, k.port) for k in graph.links_of(node_id) if k.source == node_id]


def wire_ends(graph: Graph, key: Port) -> list[Port]:
    """The ports that a wire ends at, those behind dots in the place of the dots."""
    keys = [key]
    for end in keys:  # grows on the way
        if graph.op(end[0]).is_wire:
            keys += _out_of(graph, end[0])
    return [k for k in keys if not graph.op(k[0]).is_wire]


def node_of(session: Session, origin: Origin, forward: bool) -> str | None:
    """The node that a part is chosen for: forward the one that gives the operand, else the one whose
    gradient or rule it is."""
    node_id = session.evaluation.node_of(origin.node)
    if node_id not in session.graph.nodes:
        return None
    if forward and origin.kind == "wire":
        for key in wires_of(session, origin):
            source = session.graph.links[key]
            if not session.graph.op(source).is_wire:
                return source
    return node_id

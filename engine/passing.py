"""What dots on wires and muted nodes hand on, and what is read through them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.graph import Graph


def passes_on(graph: Graph, node_id: str) -> bool:
    """Whether a node computes nothing and hands an operand on."""
    return graph.nodes[node_id].muted or graph.op(node_id).is_wire


def handed_on(graph: Graph, node_id: str) -> str | None:
    """The port whose operand a muted node or a dot on a wire hands on; None if all are empty."""
    ports = graph.ports(node_id)
    wired = next((p for p in ports if (node_id, p) in graph.links), None)
    return wired or next((p for p in ports if p in graph.nodes[node_id].literals), None)


def read_at(graph: Graph, node_id: str, port: str) -> str | float | None:
    """What a port reads, seen through dots on its wire."""
    found = graph.operand(node_id, port)
    while isinstance(found, str) and graph.op(found).is_wire:
        found = graph.operand(found, graph.op(found).inputs[0])
    return found


def readers(graph: Graph, node_id: str) -> list[str]:
    """Nodes that read a node, those behind dots and the dots among them."""
    found = list(graph.structure.successors(node_id))
    for reader in found:  # grows on the way
        if graph.op(reader).is_wire:
            found += graph.structure.successors(reader)
    return found


def under(graph: Graph, node_id: str) -> set[str]:
    """A node and those its value comes from; behind a muted node and a dot what they hand on."""
    found, work = {node_id}, [node_id]
    while work:
        here = work.pop()
        ports = [handed_on(graph, here)] if passes_on(graph, here) else graph.ports(here)
        read = {graph.links[here, p] for p in ports if p is not None and (here, p) in graph.links}
        work += read - found
        found |= read
    return found


def reading_inside(graph: Graph, instance: str) -> Iterator[str]:
    """Nodes that read inside an instance, and the dots between."""
    for found in readers(graph, instance):
        if graph.op(found).reads_inside:
            while found != instance:
                yield found
                found = graph.links[found, graph.ports(found)[0]]


def only_reading_inside(graph: Graph, instance: str) -> list[str]:
    """Nodes that read inside an instance, and the dots that nothing else reads."""
    behind = readers(graph, instance)
    found = [n for n in behind if graph.op(n).reads_inside]
    for dot in [n for n in behind if graph.op(n).is_wire]:
        ends = {n for n in readers(graph, dot) if not graph.op(n).is_wire}
        if ends and ends <= {*found}:
            found.append(dot)
    return found

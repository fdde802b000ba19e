"""The wires that an operand of a step comes along: through dots, muted nodes and walls of modules."""

from __future__ import annotations

from collections.abc import Iterator

from engine.graph import Graph, Port
from engine.passing import handed_on, passes_on


def carrying(root: Graph, step: str, index: int, place: tuple[str, ...]) -> Iterator[Port]:
    """The ends of those wires at a place that bring a step its operand of that number, the last one
    first. A step inside modules is the path of ids that leads to it."""
    *outer, node_id = step.split(".")
    levels = [root]
    for instance in outer:
        levels.append(levels[-1].op(instance).definition)
    port: str | None = levels[-1].ports(node_id)[index]
    while port is not None:
        source = levels[-1].links.get((node_id, port))
        if source is None:  # it is a number
            return
        if tuple(outer) == place:
            yield node_id, port
        node_id, port = _behind(levels, outer, source)


def _behind(levels: list[Graph], outer: list[str], node_id: str) -> tuple[str, str | None]:
    """The port that a node's value is read at in turn; None at the step that computes it. `levels`
    and `outer` follow into modules and out of them."""
    inner: list[str] = []  # what is read of modules, if not their results; the outermost last
    while True:
        graph = levels[-1]
        op = graph.op(node_id)
        if passes_on(graph, node_id):
            return node_id, handed_on(graph, node_id)
        if op.reads_inside:
            inner.append(str(graph.nodes[node_id].options["output"]))
            source = graph.links.get((node_id, graph.ports(node_id)[0]))
            while source is not None and graph.op(source).is_wire:
                source = graph.links.get((source, graph.ports(source)[0]))
            if source is None:
                return node_id, None
            node_id = source
        elif op.definition is not None:
            outer.append(node_id)
            levels.append(op.definition)
            found = op.definition.id_of(inner.pop()) if inner else op.definition.output()
            if found is None:
                return node_id, None
            node_id = found
        elif outer and graph.nodes[node_id].op == "input":
            port = graph.name(node_id)
            levels.pop()
            return outer.pop(), port
        else:
            return node_id, None

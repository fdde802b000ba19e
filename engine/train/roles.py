"""Which node plays which part in learning: what is predicted, from what, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass

from engine.graph import Graph
from engine.passing import passes_on, under
from engine.train import data
from engine.train.layers import MOST_NETWORKS
from engine.train.problem import TrainingError, has_parameters, loss_of


@dataclass(frozen=True)
class Roles:
    """Ids of nodes, empty where no node plays the part.

    `loss` is made smaller; `prediction` is what is compared with `target`, by the node `cost`; `inputs`
    are the data that the prediction is computed from. An auto-encoder's target is its input, or what that
    came from.
    """

    loss: str = ""
    prediction: str = ""
    target: str = ""
    inputs: tuple[str, ...] = ()
    cost: str = ""


def roles(graph: Graph) -> Roles:
    """The parts as they can be read off a document; a guess that a person may overrule."""
    return comparisons(graph)[0]


def comparisons(graph: Graph) -> list[Roles]:
    """The parts of each network that the loss judges, the nearest to it first; one at least.

    The loss is followed downwards while its operands depend on parameters; where it meets data
    (a target beside a prediction, or the prediction of what it was computed from) is a comparison.
    """
    try:
        loss = loss_of(graph)
    except TrainingError:
        return [Roles()]
    learnt = _depending(graph, _movers(graph))
    read = _depending(graph, set(data.data_nodes(graph)) | set(graph.of_op("input")))
    work, seen = [loss], {loss}
    found: dict[str, Roles] = {}
    while work:
        node = work.pop(0)
        operands = _operands(graph, node)
        moving = [o for o in operands if o in learnt]
        given = [o for o in operands if o in read and o not in learnt]
        predicted = [o for o in moving if o in read]
        if predicted and given:
            prediction = predicted[0]
            inputs = tuple(n for n in data.data_nodes(graph) if n in under(graph, prediction))
            found.setdefault(prediction, Roles(loss, prediction, given[-1], inputs, node))
            if len(found) == MOST_NETWORKS:
                break
            continue
        new = [o for o in moving if o not in seen]
        seen |= set(new)
        work += new
    return [*found.values()] or [Roles(loss)]


def _movers(graph: Graph) -> set[str]:
    """Parameters, and instances with parameters inside."""
    inside = {
        n
        for n in graph.nodes
        if (definition := graph.op(n).definition) is not None and has_parameters(definition)
    }
    return set(graph.of_op("parameter")) | inside


def _depending(graph: Graph, sources: set[str]) -> set[str]:
    """The nodes that depend on one of these, themselves among them."""
    found = set(sources)
    for node in graph.order():
        if node not in found and any(o in found for o in _operands(graph, node)):
            found.add(node)
    return found


def _operands(graph: Graph, node: str) -> list[str]:
    """The nodes that a node reads, dots and muted nodes passed over."""
    operands = []
    for port in graph.ports(node):
        read = graph.links.get((node, port))
        while read is not None and passes_on(graph, read):
            read = next(
                (graph.links[read, p] for p in graph.ports(read) if (read, p) in graph.links), None
            )
        if read is not None:
            operands.append(read)
    return operands

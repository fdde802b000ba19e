"""Layers of a network, read off its steps: which parameters act at which depth, and its units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.differentiate import rule_of
from engine.expansion import Expansion, Flat
from engine.expression import Name, post_order
from engine.ops.row import Op, local_of

MOST_NETWORKS = 16
"""A sum of more terms is taken for one loss."""


@dataclass(frozen=True)
class Layers:
    """What a loss depends on, by depth.

    `of` gives the layer of every parameter, counted from 0 at the data: one more behind every bend
    (see `bends`) on the longest way to where it is first read. `units` are the bends that hold units,
    in the order of the forward pass, with the layer whose sums they bend; `hidden` those that a
    parameter reads again on the way to the loss. `read` gives the steps that combine the layers'
    parameters with other values.
    """

    of: dict[str, int]
    read: dict[str, int]
    units: dict[str, int]
    hidden: frozenset[str]

    @property
    def count(self) -> int:
        return max(self.of.values(), default=-1) + 1


def bends(op: Op) -> bool:
    """True for a row whose slope along its first operand changes with that operand: a nonlinearity."""
    if op.steepest or op.category == "Activations":
        return True
    tree = op.derivative_trees.get(op.inputs[0]) if op.inputs and op.elementwise else None
    local = None if tree is None else local_of(tree)
    read = {part.id for part in post_order(local) if isinstance(part, Name)} if local else set()
    return bool(read & {op.inputs[0], "y"})


def holds_units(op: Op) -> bool:
    """True for a nonlinearity whose entries can die or saturate."""
    return bool(op.steepest) or (op.flat == "dead" and op.elementwise)


def layers(expansion: Expansion, loss: str, parameters: Iterable[str]) -> Layers:
    """The layers under a loss; `parameters` are steps."""
    above, sources = expansion.ancestors([loss]), set(parameters)
    steps = [flat for flat in expansion.nodes.values() if flat.id in above]
    depth: dict[str, int] = {}
    learnt: set[str] = set()
    first: dict[str, int] = {}
    combined: dict[str, int] = {}
    for flat in steps:
        read = [a for a in flat.args if isinstance(a, str)]
        at = max((depth[a] for a in read if a not in sources), default=0)
        for a in read:
            if a in sources:
                first[a] = min(first.get(a, at), at)
        if any(a in sources for a in read) and any(a not in sources for a in read):
            combined[flat.id] = at
        depends = any(a in sources or a in learnt for a in read)
        if depends:
            learnt.add(flat.id)
        depth[flat.id] = at + (depends and bends(flat.op))
    places = {d: i for i, d in enumerate(sorted(set(first.values())))}
    units = {
        f.id: _layer(places, depth[f.id]) for f in steps if f.id in learnt and holds_units(f.op)
    }
    read_at = {n: places[d] for n, d in combined.items() if d in places}
    return Layers(
        {p: places[d] for p, d in first.items()}, read_at, units, _hidden(steps, sources, units)
    )


def networks(
    expansion: Expansion, loss: str, parameters: Iterable[str]
) -> list[tuple[str, Layers]]:
    """The networks that a loss trains: its own step with all layers, or, where it is a sum of losses that
    share no parameter and have two layers at least, the step of each with the layers of its own."""
    sources = tuple(parameters)
    groups: list[
        tuple[int, str, set[str]]
    ] = []  # a penalty is a shorter way than the loss beside it
    for term in _terms(expansion, loss):
        above = expansion.ancestors([term])
        if not (read := above.intersection(sources)):
            continue
        alike = [group for group in groups if group[2] & read]
        place = groups.index(alike[0]) if alike else len(groups)
        size, longest = max([(len(above), term), *((n, step) for n, step, _ in alike)])
        groups = [group for group in groups if group not in alike]
        groups.insert(place, (size, longest, read.union(*(own for _, _, own in alike))))
    if len(groups) > 1:
        found = [
            (term, layers(expansion, loss, [n for n in sources if n in own]))
            for _, term, own in groups
        ]
        if all(of.count > 1 for _, of in found):
            return found
    return [(loss, layers(expansion, loss, sources))]


def _terms(expansion: Expansion, loss: str) -> list[str]:
    """What a loss is the plain sum of, in the order of the sum; the loss itself when it is no sum."""
    terms, work, seen = [], [loss], {loss}
    while work:
        step = work.pop()
        flat = expansion.nodes[step]
        read = [a for a in flat.args if isinstance(a, str)]
        if read and all(_hands_on(flat, i) for i, a in enumerate(flat.args) if isinstance(a, str)):
            work += [a for a in reversed(read) if a not in seen]
            seen.update(read)
        else:
            terms.append(step)
        if len(terms) + len(work) > MOST_NETWORKS:
            return [loss]
    return terms


def _hands_on(flat: Flat, index: int) -> bool:
    """True where an operand gets the gradient as it comes: that of a sum."""
    rule = rule_of(flat, index)
    return isinstance(rule, Name) and rule.id == "g"


def _layer(places: dict[int, int], depth: int) -> int:
    """The last layer that acts before a depth."""
    return max((i for d, i in places.items() if d < depth), default=0)


def _hidden(steps: list[Flat], sources: set[str], units: dict[str, int]) -> frozenset[str]:
    read_again: set[str] = set()
    for flat in reversed(steps):
        read = [a for a in flat.args if isinstance(a, str)]
        if flat.id in read_again or (any(a in sources for a in read)):
            read_again.update(a for a in read if a not in sources)
    return frozenset(n for n in units if n in read_again)

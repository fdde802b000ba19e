"""Equal updates of many states laid side by side, so that one call moves them all.

An optimizer does the same few elementwise steps to every parameter. Here the states of such lanes,
and the gradients they read, become parts of long vectors, and the steps are done once on those. The
entries see the same operations in the same order, so their bits do not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from engine import ops
from engine.expansion import Flat, Ref, value_args
from engine.shapes import Spec

ALIGNED = 16
"""Lanes begin at multiples of this many entries: a whole line of the cache in float32."""


CHUNK = 32_768
"""How many entries one call does: what the steps hand on stays in the cache."""


class Place(NamedTuple):
    """Where a value is part of a vector."""

    vector: str
    start: int
    spec: Spec


@dataclass
class Layout:
    """A plan's steps with equal updates joined: `places` tells of which vector a state or a gradient
    is part. A gradient that is itself part of another value is copied."""

    order: list[Flat]
    assign: dict[str, Ref] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


class _Lane(NamedTuple):
    """The steps that move some states of one shape, the arrays they read from outside (`given`), and
    the form that equal lanes have in common: (row, options, operands) by step, results by state."""

    steps: Sequence[Flat]
    states: Sequence[str]
    given: Sequence[str]
    form: tuple[object, ...]


def lay_out(order: Sequence[Flat], assign: Mapping[str, Ref], outputs: AbstractSet[str]) -> Layout:
    """Joins what can be joined; `outputs` are steps that are read from outside, left as they are."""
    nodes = {flat.id: flat for flat in order}
    groups: dict[tuple[object, ...], list[_Lane]] = {}
    taken = {ref for ref in assign.values() if isinstance(ref, str)}  # old values, when states swap
    for lane in _lanes(nodes, assign, outputs):
        if taken.isdisjoint(lane.states):
            groups.setdefault(lane.form, []).append(lane)
    chosen = [lanes for lanes in groups.values() if len(lanes) > 1]
    gone = {flat.id for lanes in chosen for lane in lanes for flat in lane.steps}
    moved = {state for lanes in chosen for lane in lanes for state in lane.states}
    layout = Layout([flat for flat in order if flat.id not in gone])
    layout.assign = {state: ref for state, ref in assign.items() if state not in moved}
    joined: list[Flat] = []
    for number, lanes in enumerate(chosen):
        joined += _joined(layout, f"+{number}", lanes, nodes)
    layout.order += joined  # behind everything that reads what they move
    return layout


def _joins(flat: Flat) -> bool:
    """True for a step that may be done on longer vectors as well."""
    op = flat.op
    plain = op.elementwise and not op.is_source and not op.statics and op.view is None
    return plain and flat.spec.kind == "float" and bool(flat.spec.shape)


def _lanes(
    nodes: Mapping[str, Flat], assign: Mapping[str, Ref], outputs: AbstractSet[str]
) -> list[_Lane]:
    tails = {
        s: _tail(nodes, ref) for s, ref in assign.items() if isinstance(ref, str) and s in nodes
    }
    position = {node_id: i for i, node_id in enumerate(nodes)}
    members: list[tuple[set[str], list[str]]] = []  # steps and states that belong together
    for state, tail in tails.items():
        met = [m for m in members if m[0] & tail]
        steps, states = set(tail), [state]
        for other in met:
            members.remove(other)
            steps |= other[0]
            states = [*other[1], *states]
        members.append((steps, states))
    inside = {step: i for i, (steps, _) in enumerate(members) for step in steps}
    readers: dict[str, list[str]] = {}
    for flat in nodes.values():
        for a in value_args(flat):
            if isinstance(a, str) and a in inside:
                readers.setdefault(a, []).append(flat.id)
    lanes = []
    for steps, states in members:
        kept = set(steps - outputs)
        work = list(steps)
        while work:  # a step that others read stays where it is, and so does what it reads
            step = work.pop()
            if step in kept and any(r not in kept for r in readers.get(step, ())):
                kept.discard(step)
            elif step in kept:
                continue
            work += [a for a in nodes[step].args if isinstance(a, str) and a in kept]
        lane = _lane(nodes, sorted(kept, key=position.__getitem__), states, assign)
        lanes += [lane] if lane is not None else []
    return lanes


def _tail(nodes: Mapping[str, Flat], ref: str) -> set[str]:
    """The steps of one shape, entry by entry, that end in this one."""
    found: set[str] = set()
    work = [ref]
    while work:
        flat = nodes.get(work.pop())
        if flat is None or flat.id in found or not _joins(flat):
            continue
        operands = [nodes[a] for a in flat.args if isinstance(a, str)]
        arrays = [o for o in operands if o.spec.shape]
        if all(o.spec.shape == flat.spec.shape and o.spec.kind == "float" for o in arrays):
            found.add(flat.id)
            work += [o.id for o in arrays]
    return found


def _lane(
    nodes: Mapping[str, Flat],
    steps: Sequence[str],
    states: Sequence[str],
    assign: Mapping[str, Ref],
) -> _Lane | None:
    local = {step: i for i, step in enumerate(steps)}
    given: dict[str, int] = {}
    form: list[object] = []
    for step in steps:
        flat = nodes[step]
        operands: list[object] = []
        for a in flat.args:
            if not isinstance(a, str):
                operands.append(("number", repr(a)))
            elif a in local:
                operands.append(("step", local[a]))
            elif a in states:
                operands.append(("state", states.index(a)))
            elif not nodes[a].spec.shape:
                operands.append(("single", a))
            else:
                operands.append(("given", given.setdefault(a, len(given))))
        form.append((flat.op.name, repr(sorted(flat.options.items())), tuple(operands)))
    ends = [local.get(str(assign[state])) for state in states]
    if None in ends or len({nodes[state].spec for state in states}) != 1:
        return None
    return _Lane([nodes[s] for s in steps], states, list(given), (*form, *ends))


def _joined(
    layout: Layout, stem: str, lanes: Sequence[_Lane], nodes: Mapping[str, Flat]
) -> list[Flat]:
    """Makes the vectors and their places; returns the steps on them."""
    starts, size = [], 0
    for lane in lanes:
        starts.append(size)
        size += -(-nodes[lane.states[0]].spec.size // ALIGNED) * ALIGNED
    spec, first = Spec((size,)), lanes[0]
    states = [f"{stem}.s{i}" for i in range(len(first.states))]
    given = [f"{stem}.g{i}" for i in range(len(first.given))]
    source = ops.TABLE["parameter"]
    layout.order[:0] = [Flat(vector, source, (), {}, spec) for vector in (*states, *given)]
    for lane, start in zip(lanes, starts, strict=True):
        for vector, state in zip(states, lane.states, strict=True):
            layout.places[state] = Place(vector, start, nodes[state].spec)
        for vector, step in zip(given, lane.given, strict=True):
            place, flat = Place(vector, start, nodes[step].spec), nodes[step]
            if flat.op.is_source or flat.op.view is not None or step in layout.places:
                copy = f"{stem}.c{len(layout.order)}"
                layout.order.append(Flat(copy, ops.SPREAD_AS, (step, step), {}, flat.spec))
                step = copy
            layout.places[step] = place
    joined = []
    ends = first.form[len(first.steps) :]
    for begin in range(0, size, CHUNK):
        chunk, part = f"{stem}.{begin}", Spec((min(CHUNK, size - begin),))
        names: dict[Ref, Ref] = {}
        for vector, node_id in zip((*states, *given), (*first.states, *first.given), strict=True):
            names[node_id] = f"{chunk}{vector.removeprefix(stem)}"
            layout.places[f"{names[node_id]}"] = Place(vector, begin, part)
            joined.append(Flat(f"{names[node_id]}", source, (), {}, part))
        names |= {flat.id: f"{chunk}.{i}" for i, flat in enumerate(first.steps)}
        for flat in first.steps:
            args = tuple(names.get(a, a) if isinstance(a, str) else a for a in flat.args)
            joined.append(Flat(f"{names[flat.id]}", flat.op, args, flat.options, part))
        for state, end in zip(first.states, ends, strict=True):
            layout.assign[f"{names[state]}"] = f"{chunk}.{end}"
    return joined

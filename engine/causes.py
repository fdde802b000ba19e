"""Why a gradient is zero, tiny or not finite: the edge that did it, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.differentiate import Contribution
from engine.expansion import Flat, Ref
from engine.expression import Name, Number, Tree
from engine.ops.row import Array
from engine.paths import Path, Paths, size_of
from engine.wording import Telling, call_tree, short

TINY = 1e-8
"""A gradient is tiny when all of it is below this part of the seed, or of what others have."""
_FAR_BELOW = 1e-6  # of the other parameters' gradients, in the middle
_CANCELLED = 1e-6  # of the sizes of the terms is left of them
_LEVEL = 1e-3  # a slope below it is said to be saturated
_MOSTLY = 0.5  # of the entries of a gradient are 0
_SAID = 3  # of terms that cancel

# What a row's word for its flat places says: of a single number, and of entries.
_ONE = {
    "dead": "is dead: its slope there is {slope}",
    "saturated": "is saturated: its slope there is {slope}",
    "clipped": "is clipped: its slope there is {slope}",
    "masked": "takes its value from elsewhere: its slope along {of} is {slope}",
    "outdone": "takes another value: its slope along {of} is {slope}",
    "unread": "reads other entries of {of}",
    "satisfied": "keeps its margin: its slope there is {slope}",
    "": "has slope {slope} along {of}",
}
_MANY = {
    "dead": "{count} entries are dead, with slope 0",
    "saturated": "{count} entries are saturated, with slopes of {slope} or less",
    "clipped": "{count} entries are clipped, with slope 0",
    "masked": "{count} entries of {of} are masked",
    "outdone": "{count} entries of {of} are not the ones taken",
    "unread": "{count} entries of {of} are not read",
    "satisfied": "{count} entries of {of} keep their margin",
    "": "{count} entries of {of} get nothing from it",
}


@dataclass(frozen=True)
class Cause:
    """A verdict on a gradient: what it is, and the step and port of the edge that made it so."""

    what: Literal["none", "zero", "not finite", "tiny", "partly zero"]
    sentence: str
    node: str | None = None
    port: str | None = None


def cause(telling: Telling, paths: Paths) -> Cause | None:
    """Why the gradient of the paths' target is nothing, zero, tiny or not finite; None if it is none
    of these. At least one path has to be found."""
    if not paths.count:
        return _no_path(telling, paths.start, paths.target)
    gradient = paths.gradient
    if gradient is None:
        return _without_value(telling, paths)
    size = np.abs(np.asarray(gradient))
    if not np.isfinite(size).all():
        return _not_finite(telling, paths)
    largest = float(size.max(initial=0.0))
    if not size.size:
        return None
    if largest == 0.0:
        return _zero(telling, paths)
    if largest < TINY or largest < _FAR_BELOW * _usual(telling):
        return _tiny(telling, paths)
    return _partly(telling, paths, float(np.mean(size == 0.0)))


def stopped_at(telling: Telling, paths: Paths, path: Path) -> Cause | None:
    """The first edge of a path that adds nothing at which nothing is left; None if no edge alone
    does it."""
    for term in path.terms:
        slope = paths.slope(term)
        if slope == 0.0 or (slope is None and _lost(telling, paths, term)[0] == 1.0):
            return Cause("zero", _edge(telling, paths, term), term.node, term.port)
    return None


# ---------------------------------------------------------------- nothing flows


def _no_path(telling: Telling, start: str, target: str) -> Cause:
    expansion, adjoints = telling.expansion, telling.adjoints
    assert adjoints is not None
    loss, name = telling.name(start), telling.name(target)
    if expansion.spec(target).kind != "float":
        return Cause(
            "none", f"{name} holds {_kind(telling, target)}, which have no gradient.", target
        )
    above = expansion.ancestors([start])
    if target not in above:
        return Cause(
            "none", f"{loss} does not depend on {name}: no wire leads from one to the other."
        )
    behind = {target}
    for flat in expansion.nodes.values():
        if flat.id not in above:
            continue
        for port, ref in zip(flat.op.ports(len(flat.args)), flat.args, strict=True):
            if ref not in behind:
                continue
            behind.add(flat.id)
            if adjoints.adjoint.get(flat.id) == 0.0:  # known to be 0 whatever the numbers are
                cancelled = _cancelled(telling, {flat.id}, 0.0)
                if cancelled is not None:
                    return Cause("zero", *cancelled)
            said = _stop(telling, flat, port, str(ref))
            if said:
                return Cause("none", f"{_formula(telling, flat)} {said}", flat.id, port)
    return Cause("none", f"No gradient of {loss} reaches {name}.")


def _stop(telling: Telling, flat: Flat, port: str, operand: str) -> str:
    """Why nothing flows along an edge whatever the numbers are; empty where something may."""
    adjoints = telling.adjoints
    assert adjoints is not None
    if flat.spec.kind != "float":
        return f"gives {_kind(telling, flat.id)}, which have no slope."
    why = adjoints.stopped.get((flat.id, port), "")
    name = telling.name(operand)
    if why == "none":
        return f"reads {name} as an index, a condition or a size: no gradient flows through it."
    if why == "0":
        row_port = flat.op.inputs[0] if flat.op.variadic else port
        if flat.op.derivative_trees[row_port] is None:
            return "is level between its jumps: its slope is 0 everywhere."
        return f"has slope 0 along {name}, whatever {name} is."
    return ""


def _kind(telling: Telling, step: str) -> str:
    bools = telling.expansion.spec(step).kind == "bool"
    return "truth values" if bools else "whole numbers"


def _without_value(telling: Telling, paths: Paths) -> Cause:
    """A derivative that cannot be computed for these numbers, as that of a singular matrix."""
    for term in paths.terms:
        if telling.read(term.upstream) is not None and telling.read(term.value) is None:
            flat, of = telling.expansion.nodes[term.node], telling.name(term.target)
            sentence = f"{_formula(telling, flat)} has no slope along {of} for these numbers."
            return Cause("none", sentence, term.node, term.port)
    return Cause("none", f"No gradient reaches {telling.name(paths.target)} for these numbers.")


# ---------------------------------------------------------------- not finite


def _not_finite(telling: Telling, paths: Paths) -> Cause:
    adjoints, expansion = telling.adjoints, telling.expansion
    assert adjoints is not None
    above = expansion.ancestors([paths.start])
    needed = expansion.ancestors(
        [r for r in (adjoints.adjoint[paths.target],) if isinstance(r, str)]
    )
    for flat in expansion.nodes.values():
        if flat.id not in above or flat.id not in needed or _finite(telling, flat.id):
            continue
        value = _first_bad(telling.read(flat.id))
        if flat.op.is_source:
            return Cause("not finite", f"{telling.name(flat.id)} is given as {value}.", flat.id)
        ports = flat.op.ports(len(flat.args))
        return Cause(
            "not finite", f"{_formula(telling, flat, True)} is {value}, and all that is made of it.",
            flat.id, ports[0] if ports else None,
        )  # fmt: skip
    for term in paths.terms:
        if not _finite(telling, term.upstream):
            continue
        flat, of = expansion.nodes[term.node], telling.name(term.target)
        if not _finite(telling, term.value):
            bad = (
                term.local if term.local is not None and not _finite(telling, term.local) else None
            )
            value = _first_bad(telling.read(term.value if bad is None else bad))
            what = "the gradient passed on" if bad is None else "the slope"
            return Cause(
                "not finite", f"{_formula(telling, flat, True)}: {what} along {of} is {value}.",
                term.node, term.port,
            )  # fmt: skip
        if not _finite(telling, term.total):
            return Cause(
                "not finite", f"The terms that reach {of} sum to infinity.", term.node, term.port
            )
    return Cause("not finite", "The gradients along the way are beyond the largest number.")


def _finite(telling: Telling, ref: Ref) -> bool:
    value = telling.read(ref)
    return value is None or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _first_bad(value: Array | None) -> str:
    if value is None:
        return "nothing"
    number = float(value[~np.isfinite(value)].ravel()[0])
    return "NaN" if math.isnan(number) else "∞" if number > 0 else "−∞"


# ---------------------------------------------------------------- zero


def _zero(telling: Telling, paths: Paths) -> Cause:
    cancelled = _cancelled(telling, {term.target for term in paths.terms}, 0.0)
    ends: list[tuple[float, Contribution]] = []
    for term in paths.terms:
        upstream, value = telling.read(term.upstream), telling.read(term.value)
        if upstream is None or value is None or not upstream.any() or value.any():
            continue
        ends.append((float(np.abs(upstream).max()), term))
    if ends:
        term = max(ends, key=lambda end: end[0])[1]
        if paths.slope(term):  # a product below the smallest number
            return _many_small(telling, paths, "zero")
        said = _edge(telling, paths, term)
        if len(ends) > 1:
            said += f" {len(ends) - 1} more of the edges stop what flows through them, too."
        return Cause("zero", said, term.node, term.port)
    if cancelled is not None:
        return Cause("zero", *cancelled)
    # no edge alone: what one lets through, the next does not
    lost = [(_lost(telling, paths, term)[0], i) for i, term in enumerate(paths.terms)]
    worst = paths.terms[max(lost)[1]]
    return Cause(
        "zero", f"What one edge lets through, others stop. {_edge(telling, paths, worst)}",
        worst.node, worst.port,
    )  # fmt: skip


def _cancelled(
    telling: Telling, on_the_way: Collection[str], part: float
) -> tuple[str, str, str] | None:
    """The first sum of terms of which no more than a part is left: a sentence and an edge."""
    assert telling.adjoints is not None
    of: dict[str, list[Contribution]] = {}
    for term in telling.adjoints.contributions:
        if term.target in on_the_way:
            of.setdefault(term.target, []).append(term)
    for target, terms in of.items():
        total = telling.read(terms[-1].total)
        values = [value for t in terms if (value := telling.read(t.value)) is not None]
        if len(terms) < 2 or total is None or not any(v.any() for v in values):
            continue
        sizes = sum(float(np.abs(v).max(initial=0.0)) for v in values)
        if float(np.abs(total).max(initial=0.0)) <= part * sizes:
            sentence = f"The {len(terms)} terms that reach {telling.name(target)} cancel: {_listed(values)}."
            return sentence, terms[0].node, terms[0].port
    return None


def _listed(values: Sequence[Array]) -> str:
    if any(v.ndim for v in values):
        return "entry by entry they sum to nothing"
    texts = [f"{'+' if v >= 0 else ''}{short(v)}" for v in values[:_SAID]]
    more = len(values) - len(texts)
    return " and ".join(texts) + (f" and {more} more" if more else "")


# ---------------------------------------------------------------- tiny


def _tiny(telling: Telling, paths: Paths) -> Cause:
    cancelled = _cancelled(telling, {term.target for term in paths.terms}, _CANCELLED)
    if cancelled is not None:
        return Cause("tiny", *cancelled)
    gains = [(_gain(telling, paths, term), term) for term in paths.found[0].terms]
    least, term = min(gains, key=lambda gain: gain[0])
    small = math.fsum(math.log(gain) for gain, _ in gains if 0 < gain < 1)
    if least == 0.0 or (least < _LEVEL and math.log(least) <= small / 2):
        return Cause("tiny", _edge(telling, paths, term), term.node, term.port)
    return _many_small(telling, paths, "tiny")


def _many_small(telling: Telling, paths: Paths, what: Literal["zero", "tiny"]) -> Cause:
    """Many small slopes multiply: said of the largest path."""
    path = paths.found[0]
    least, term = min(((_gain(telling, paths, t), t) for t in path.terms), key=lambda gain: gain[0])
    flat = telling.expansion.nodes[term.node]
    return Cause(
        what,
        f"{len(path.terms)} edges multiply to {short(_product(path))}; the smallest slope is "
        f"{short(least)} at {_formula(telling, flat, True)}.",
        term.node, term.port,
    )  # fmt: skip


def _product(path: Path) -> float:
    return math.prod(path.slopes) if path.slopes is not None else path.size


def _gain(telling: Telling, paths: Paths, term: Contribution) -> float:
    """The size of a slope; of a tensor's edge by how much it changes the size of what flows."""
    slope = paths.slope(term)
    if slope is not None:
        return abs(slope)
    upstream, value = telling.read(term.upstream), telling.read(term.value)
    if upstream is None or value is None:
        return 0.0
    given = size_of(upstream)
    return size_of(value) / given if given else 0.0


def _usual(telling: Telling) -> float:
    """The size in the middle of those of the gradients that parameters have."""
    adjoints = telling.adjoints
    assert adjoints is not None
    sizes = []
    for step, ref in adjoints.adjoint.items():
        if telling.expansion.nodes[step].op.name == "parameter":
            value = telling.read(ref)
            if value is not None and value.size:
                sizes.append(float(np.abs(value).max()))
    return sorted(sizes)[len(sizes) // 2] if sizes else 0.0


# ---------------------------------------------------------------- partly


def _partly(telling: Telling, paths: Paths, share: float) -> Cause | None:
    """The edge at which the most entries are lost, of a gradient that is 0 in most of its entries."""
    if share < _MOSTLY:
        return None
    lost = [
        (_lost(telling, paths, term)[0], -i)
        for i, term in enumerate(paths.terms)
        if telling.expansion.nodes[term.node].op.flat
    ]
    most, place = max(lost, default=(0.0, 0))
    if most <= 0.0:
        return None
    term = paths.terms[-place]
    said = _edge(telling, paths, term)
    return Cause(
        "partly zero", f"{round(100 * share)} % of its entries are 0. {said}", term.node, term.port
    )


def _lost(telling: Telling, paths: Paths, term: Contribution) -> tuple[float, int, int]:
    """The share of entries that an edge stops, how many these are, and of how many."""
    local = None if term.local is None else telling.read(term.local)
    if local is not None:
        spread = np.broadcast_to(local, telling.expansion.spec(term.node).shape)
        count = int(np.count_nonzero(np.abs(spread) < _limit(telling, term)))
        return count / max(spread.size, 1), count, spread.size
    value = telling.read(term.value)
    if value is None:
        return 0.0, 0, 0
    count = value.size - int(np.count_nonzero(value))
    return count / max(value.size, 1), count, value.size


def _limit(telling: Telling, term: Contribution) -> float:
    """Below it a slope counts as level."""
    smooth = telling.expansion.nodes[term.node].op.flat == "saturated"
    return _LEVEL if smooth else math.ulp(0.0)


def _edge(telling: Telling, paths: Paths, term: Contribution) -> str:
    """What an edge does to the gradient, by its row's word for it."""
    flat, of = telling.expansion.nodes[term.node], telling.name(term.target)
    slope = paths.slope(term)
    word = flat.op.flat
    if slope is not None:
        if slope and word != "saturated":
            word = ""
        said = _ONE[word].format(slope=short(slope), of=of)
        return f"{_formula(telling, flat, True)} {said}."
    _, count, size = _lost(telling, paths, term)
    if not count:
        gain = short(_gain(telling, paths, term))
        return f"{_formula(telling, flat)} makes what flows to {of} {gain} times as large."
    local = None if term.local is None else telling.read(term.local)
    limit = _limit(telling, term)
    slopes = np.zeros(0) if local is None else np.abs(local)
    level = float(slopes[slopes < limit].max(initial=0.0))
    counted = f"all {size:,}" if count == size else f"{count:,} of {size:,}"
    said = _MANY[word].format(count=counted, slope=short(level), of=of)
    return f"{_formula(telling, flat)}: {said}."


def _formula(telling: Telling, flat: Flat, with_numbers: bool = False) -> str:
    """`h = relu(z)`, or with the operand's number where it is a single one: `h = relu(-1.2)`."""
    operands: list[Tree] = []
    for ref in flat.args:
        value = telling.read(ref) if with_numbers else None
        if not isinstance(ref, str):
            operands.append(Number(ref))
        elif value is None or value.ndim:
            operands.append(Name(telling.name(ref)))
        else:
            operands.append(Number(float(short(value))))
    tree = call_tree(flat.op, tuple(operands), flat.options)
    return f"{telling.name(flat.id)} = {telling.text(tree)}"

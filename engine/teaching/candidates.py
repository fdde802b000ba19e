"""What a gradient comes out as after one slip on the way to it: every slip at every step, carried down.

A gradient that is asked for, at an entry, is linear in the adjoint of every step above it: a slip that
changes a term at v by D changes it by `sum(D * dv/dx)`, where x is the entry that is asked for. All dv/dx
are one pass forward (`engine.tangents`), so a slip anywhere costs no more than its own step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine import ops
from engine.differentiate import Contribution, bindings, rule_of
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Tree, substitute
from engine.lines import operand_names
from engine.ops.row import Array
from engine.paths import between
from engine.program import Plan
from engine.script import Outline
from engine.tangents import tangents
from engine.teaching.asking import Asked
from engine.teaching.slips import Slip, slips
from engine.wording import Telling, short, simplify

MOST_TERMS = 150
"""Edges between the output and what is asked for that slips are tried at: the nearest ones."""
MOST_NUMBERS = 20_000
"""Entries of one value up to which a step's slips are tried."""
Kind = tuple[str, str, Slip]
_NOT_SLOPES = frozenset({"upstream", "added"})  # they are no factor that multiplies what comes
_G, _ASKED = "=g", "=asked"


@dataclass(frozen=True)
class Candidate:
    """A slip at the micro-step `outline` and what the number asked for comes out as with it.

    `slip` is None where a term of a sum was left out (`mistake` "left out"), or all but one ("alone").
    `entry` is where the term changes most, `gave` and `right` what it was there. `times` tells at how many
    steps of one row the same slip was made; `outline` is the first of them and `nearest` the last. `of`
    and `count` are words for the mistake: what was left out, and how many there are.
    """

    mistake: str
    outline: Outline
    number: float
    slip: Slip | None = None
    entry: tuple[int, ...] = ()
    gave: float = 0.0
    right: float = 0.0
    times: int = 1
    nearest: Outline | None = None
    of: str = ""
    count: str = ""

    @property
    def is_trivial(self) -> bool:
        """Whether the step has nothing to be wrong about: it hands on what it gets, as a sum does."""
        term = self.outline.contribution
        return self.slip is not None and term is not None and isinstance(term.local, float)


class Slopes:
    """The edges between the output and what is asked for, and how much the number asked for follows
    each of the steps there. Raises ValueError where that cannot be computed."""

    def __init__(self, question: Asked) -> None:
        telling = question.evaluation.steps.telling
        assert telling.adjoints is not None
        self.question, self.telling = question, telling
        self.terms = between(telling.adjoints, telling.adjoints.output, question.step)
        self.outlines = question.evaluation.steps.script.passes
        self.slopes = _slopes(question, telling, [t.target for t in self.terms])

    def candidates(self) -> Iterator[Candidate]:
        """Every slip at every edge, in the order of the backward pass."""
        of_target: dict[str, list[Contribution]] = {}
        for term in self.telling.adjoints.contributions if self.telling.adjoints else ():
            of_target.setdefault(term.target, []).append(term)
        again: dict[Kind, list[Candidate]] = {}
        for term in self.terms[-MOST_TERMS:]:
            outline = self.outlines.get((term.node, term.port))
            if outline is None or term.target not in self.slopes:
                continue
            beside = of_target[term.target]
            if len(beside) > 1:
                yield from self._of_sum(outline, term, beside)
            for found in self._of_step(outline, term, len(beside) > 1):
                again.setdefault(self._kind(found, term), []).append(found)
                yield found
        yield from self._made_again(again)

    def _kind(self, found: Candidate, term: Contribution) -> Kind:
        """What makes two slips the same one: the row, its operand, the mistake and its number there."""
        flat = self.telling.expansion.nodes[term.node]
        assert found.slip is not None
        return flat.op.name, term.port, found.slip

    def _made_again(self, again: Mapping[Kind, list[Candidate]]) -> Iterator[Candidate]:
        """The same slip at every step of a row, where single numbers are multiplied along the edges."""
        slopes = [self._slope(term) for term in self.terms]
        if any(slope is None for slope in slopes):
            return
        place = {(term.node, term.port): i for i, term in enumerate(self.terms)}
        for made in again.values():
            if len(made) < 2 or made[0].mistake in _NOT_SLOPES:
                continue
            changed = dict(enumerate(slopes))
            for found in made:
                term = found.outline.contribution
                assert term is not None
                upstream = self.telling.read(term.upstream)
                if upstream is None or not upstream:
                    break
                changed[place[term.node, term.port]] = found.gave / float(upstream)
            else:
                yield replace(
                    made[0],
                    number=self._carried(changed),
                    times=len(made),
                    nearest=made[-1].outline,
                )

    def _slope(self, term: Contribution) -> float | None:
        local = None if term.local is None else self.telling.read(term.local)
        return None if local is None or local.ndim else float(local)

    def _carried(self, slopes: Mapping[int, float | None]) -> float:
        """The gradient that is asked for, with other slopes along the edges."""
        gradient = {self.terms[0].node: 1.0}
        for i, term in enumerate(self.terms):
            more = gradient.get(term.node, 0.0) * (slopes[i] or 0.0)
            gradient[term.target] = gradient.get(term.target, 0.0) + more
        return gradient[self.question.step]

    def _of_sum(
        self, outline: Outline, term: Contribution, beside: list[Contribution]
    ) -> Iterator[Candidate]:
        here, total = self._read(term.value, term), self._read(beside[-1].total, term)
        if here is None or total is None:
            return
        yield self._candidate("left out", outline, term, here, np.zeros_like(here))
        if len(beside) > 2:
            yield self._candidate("alone", outline, term, total, here)

    def _of_step(
        self, outline: Outline, term: Contribution, is_one_of_many: bool
    ) -> Iterator[Candidate]:
        flat = self.telling.expansion.nodes[term.node]
        rule = rule_of(flat, flat.op.ports(len(flat.args)).index(term.port))
        here = self._read(term.value, term)
        if isinstance(rule, str) or here is None or here.size > MOST_NUMBERS:
            return
        for slip, other, count in computed(self.telling, flat, term, rule):
            if slip.mistake == "blocked" and is_one_of_many:  # a term is left out of the sum
                continue
            found = self._candidate(slip.mistake, outline, term, here, other, slip)
            of = "" if slip.part is None else formula_text(self.telling, flat, slip.part)
            yield replace(found, of=of or slip.of, count=count)

    def _candidate(
        self,
        mistake: str,
        outline: Outline,
        term: Contribution,
        right: Array,
        gave: Array,
        slip: Slip | None = None,
    ) -> Candidate:
        with np.errstate(all="ignore"):
            change = (gave - right) * self.slopes[term.target]
            number = self.question.number + float(np.sum(change))
        place = (
            np.unravel_index(int(np.argmax(np.abs(change))), change.shape) if change.ndim else ()
        )
        entry = tuple(int(i) for i in place)
        return Candidate(
            mistake, outline, number, slip, entry, float(gave[entry]), float(right[entry])
        )

    def _read(self, ref: Ref, term: Contribution) -> Array | None:
        value = self.telling.read(ref)
        if value is None:
            return None
        return np.broadcast_to(value, self.telling.expansion.spec(term.target).shape)


def _slopes(question: Asked, telling: Telling, steps: list[str]) -> Mapping[str, Array]:
    """d(step)/d(the entry asked for), in the shape of each step."""
    expansion = telling.expansion.copied()
    unit = np.zeros(expansion.spec(question.step).shape, expansion.dtype)
    unit[question.index] = 1.0
    direction: Ref = expansion.source(_ASKED, ops.TABLE["input"], unit) if unit.ndim else 1.0
    found = tangents(expansion, {question.step: direction}, steps)
    wanted = {n: found[n] for n in dict.fromkeys(steps) if n in found}
    plan = Plan(expansion, wanted.values())
    plan.run()
    return {
        n: np.broadcast_to(np.array(plan.value(ref)), expansion.spec(n).shape)
        for n, ref in wanted.items()
    }


def formula_text(telling: Telling, flat: Flat, tree: Tree) -> str:
    """A formula in a row's own names as text, with the names of a step's operands."""
    return telling.text(simplify(substitute(tree, operand_names(telling, flat)), flat.options))


def count_text(
    part: Expansion,
    count: Tree | None,
    names: Mapping[str, Ref | tuple[Ref, ...]],
    statics: Mapping[str, object],
) -> str:
    """How many entries there are, by a formula of the operands that `names` binds. Raises ValueError
    where their shapes do not settle it."""
    if count is None:
        return ""
    found = part.build(count, names, statics)
    if isinstance(found, str):
        raise ValueError("the count is no number")
    return short(found)


def computed(
    telling: Telling, flat: Flat, term: Contribution, rule: Tree
) -> Iterator[tuple[Slip, Array, str]]:
    """The slips at a step and the term that each gives, in the shape of the target, with the count that
    it is about; those that have another shape or no value are left out."""
    part = Expansion(telling.expansion.dtype, training=telling.expansion.training)
    part.clock = telling.expansion.clock
    source = ops.TABLE["input"]
    for ref in dict.fromkeys((*flat.args, flat.id)):
        if isinstance(ref, str):
            value = telling.read(ref)
            if value is None:
                return
            part.source(ref, source, value)
    upstream = telling.read(term.upstream)
    if upstream is None:
        return
    part.source(_G, source, np.array(np.broadcast_to(upstream, flat.spec.shape), part.dtype))
    names = bindings(flat, _G)
    statics = {**flat.options, "i": flat.op.ports(len(flat.args)).index(term.port)}
    shape = telling.expansion.spec(term.target).shape
    made: list[tuple[Slip, Ref, str]] = []
    for slip in slips(flat, term.port, rule):
        try:
            count = count_text(part, slip.count, names, statics)
            ref = part.build(slip.tree, names, statics)
            if part.spec(ref).shape != shape:
                if not flat.op.elementwise:
                    continue
                if isinstance(ref, str):
                    row = ops.SUM_TO if part.spec(ref).rank >= len(shape) else ops.SPREAD_AS
                    ref = part.append(row, (ref, term.target))
        except (ValueError, LookupError, TypeError):  # operands that do not fit
            continue
        made.append((slip, ref, count))
    plan = Plan(part, (), keep=True)
    failed = plan.run_each()
    for slip, ref, count in made:
        if ref not in failed:
            value = plan.value(ref)
            if value.dtype.kind == "f":
                yield slip, np.broadcast_to(value, shape), count

"""Gradients of any step of a document against differences, and why a kink is no error.

A step is cut out: what lies behind it is computed with its value moved, entry by entry, by a plan of
that part alone. Random rows draw the same numbers again, data stay the same batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from engine.check.measure import RTOL, SOURCE, STEP
from engine.evaluate import Evaluation
from engine.expansion import Expansion, Flat, value_args
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan
from engine.wording import short

State = Literal["agrees", "kink", "jump", "unsettled", "differs", "absent"]
"""How a gradient stands to the differences; the later in this list, the worse."""
_WORSE: tuple[State, ...] = ("agrees", "kink", "jump", "unsettled", "differs")

Pieces = Generator[None, None, float]
"""A number that is computed when it is asked for, after a pause in which other things can be done."""

MAX_BEHIND = 20_000
"""How many steps may lie between a step and the output."""
SAMPLED = 12
"""How many entries of a tensor are moved, unless told."""
NEAR = 1e-4
"""How close slopes from one side have to come to each other to count as settled, or as equal."""
USUAL = (1.0, 1e-2, 1e-4)
FINER = range(8, 48, 4)
"""Steps of a difference: shares of the usual one, then how many halvings of the number itself."""
SEEN = 1e-5
"""How much of a slope may be rounding for a finer step to tell anything."""
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Entry:
    """One entry of a step: its gradient and the differences around it.

    `measured` is the central difference nearest to the gradient, with the step `width`; `left` and
    `right` are the slopes on either side, looked at where that one disagrees; NaN where there is none.
    """

    place: tuple[int, ...]
    state: State
    analytic: float
    measured: float
    width: float
    left: float = np.nan
    right: float = np.nan


@dataclass(frozen=True)
class Verdict:
    """What the check of a step found. `error` is the relative error over the entries that have a
    slope; `told` the entry that decides, `sampled` of `size` entries were moved; `note` says why
    nothing could be."""

    step: str
    state: State
    error: float = np.nan
    told: Entry | None = None
    sampled: int = 0
    size: int = 0
    note: str = ""

    @property
    def sentence(self) -> str:
        """The verdict with its numbers, for a person."""
        entry = self.told
        if entry is None:
            return self.note
        at = f" at {list(entry.place)}" if entry.place else ""
        gradient = f"the gradient {short(entry.analytic)}{at}"
        many = f"; {self.sampled} of {self.size} entries moved" if self.size > 1 else ""
        if self.state == "kink":
            told = f"at a kink: slope from the left {short(entry.left)}, from the right {short(entry.right)}"
            return f"{told}; {gradient} is {_where(entry)}, as the convention has it, so no error{many}"
        if self.state == "jump":
            return (
                f"the value jumps here; {gradient} is the slope beside the jump, so no error{many}"
            )
        measured = f"difference {short(entry.measured)}"
        if self.state == "unsettled":
            return f"{gradient} cannot be compared: the {measured} does not settle{many}"
        verb = "agrees with" if self.state == "agrees" else "differs from"
        near = _near(entry.measured, entry.analytic, RTOL, 0.0) or self.state == "differs"
        error = f"relative error {self.error:.1e}" if near else "as far as rounding lets one see"
        numbers = f"{error}, step {entry.width:.1g}"
        return f"{gradient} {verb} the {measured} ({numbers}{many})"


def _where(entry: Entry) -> str:
    low, high = sorted((entry.left, entry.right))
    near = NEAR * max(abs(low), abs(high))
    if abs(entry.analytic - low) <= near or abs(entry.analytic - high) <= near:
        return "one of them"
    return "between them"


def doubled(graph: Graph, feeds: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """A document and its data in float64, whatever they are in."""
    double = graph.copy()
    double.put("settings", "dtype", "float64")
    for key, tensor in graph.tensors.items():
        if tensor.dtype.kind == "f":
            double.put("tensors", key, tensor.astype(np.float64))
    given = {k: v.astype(np.float64) if v.dtype.kind == "f" else v for k, v in feeds.items()}
    return double, given


class NodeChecks:
    """Checks of the steps of one evaluation in float64, each made when it is asked for."""

    def __init__(self, found: Evaluation) -> None:
        adjoints = found.adjoints
        assert adjoints is not None and found.plan is not None
        self.expansion, self.plan, self.adjoints = found.expansion, found.plan, adjoints
        self.failed, self.output = found.failed, adjoints.output
        above = self.expansion.ancestors([self.output], with_shapes=False)
        self._order = [f for f in self.expansion.nodes.values() if f.id in above]
        self._place = {flat.id: i for i, flat in enumerate(self._order)}
        self._readers: dict[str, list[str]] = {}
        for flat in self._order:
            for a in value_args(flat):
                if isinstance(a, str):
                    self._readers.setdefault(a, []).append(flat.id)
        self._noise: dict[str, float] = {}

    def check(self, step: str, sampled: int = SAMPLED) -> Verdict:
        """The verdict on one step; see `pieces`."""
        work = self.pieces(step, sampled)
        while True:
            try:
                next(work)
            except StopIteration as done:
                verdict: Verdict = done.value
                return verdict

    def pieces(self, step: str, sampled: int = SAMPLED) -> Generator[None, None, Verdict]:
        """The check of one step in pieces, one run of what lies behind it at most; the verdict is what
        it returns."""
        if step not in self.expansion.nodes or step in self.failed:
            return Verdict(step, "absent", note="it has no value, so there is nothing to compare")
        spec = self.expansion.spec(step)
        if spec.kind != "float":
            return Verdict(step, "absent", note="it holds whole numbers, which have no gradient")
        ref = self.adjoints.adjoint.get(step, 0.0)
        if ref in self.failed:
            return Verdict(step, "absent", note="its gradient could not be computed")
        analytic = np.broadcast_to(np.array(self.plan.value(ref)), spec.shape).ravel()
        base = np.array(self.plan.value(step))
        if not base.size:
            return Verdict(step, "agrees", 0.0, note="it has no entries")
        part, behind = self._part(step, base)
        if part is None and behind:
            told = (
                f"more than {MAX_BEHIND:,} steps lie between it and the output; check a later node"
            )
            return Verdict(step, "absent", note=told)
        if part is None:
            wrong = float(np.max(np.abs(analytic)))
            state: State = "differs" if wrong else "agrees"
            entry = Entry((), state, wrong, 0.0, 0.0)
            return Verdict(step, state, float(bool(wrong)), entry, base.size, base.size)
        yield
        noise = self._rounding(behind)
        entries: list[Entry] = []
        for k in _chosen(analytic, sampled):
            found = yield from self._entry(part, step, base, k, float(analytic[k]), noise)
            if isinstance(found, str):
                return Verdict(step, "absent", note=found)
            entries.append(found)
        return _judged(step, entries, base.size)

    def _part(self, step: str, value: Array) -> tuple[Plan | None, list[str]]:
        """A plan of what lies between a step and the output, the step as its source."""
        moved, work = {step}, [step]
        while work:
            for reader in self._readers.get(work.pop(), ()):
                if reader not in moved:
                    moved.add(reader)
                    work.append(reader)
        if self.output not in moved:
            return None, []
        if len(moved) > MAX_BEHIND:
            return None, [*moved]
        behind = sorted(moved - {step}, key=self._place.__getitem__)
        part = Expansion(np.float64, training=self.expansion.training)
        part.clock = self.expansion.clock
        part.feeds[step] = value
        part.nodes[step] = Flat(step, SOURCE, (), {}, self.expansion.spec(step))
        for node_id in behind:
            flat = self.expansion.nodes[node_id]
            for a in flat.args:
                if isinstance(a, str) and a not in part.nodes:
                    part.nodes[a] = Flat(a, SOURCE, (), {}, self.expansion.spec(a))
                    part.feeds[a] = np.array(self.plan.value(a))
            part.nodes[node_id] = flat
        return Plan(part, [self.output]), behind

    def _rounding(self, behind: Iterable[str]) -> float:
        """How far rounding may move the output when what lies behind a step is computed anew: each
        value's last digit times its gradient."""
        total = 0.0
        for node_id in behind:
            if node_id not in self._noise:
                adjoint = self.adjoints.adjoint.get(node_id, 0.0)
                size = 0.0
                if adjoint not in self.failed and self.expansion.spec(node_id).kind == "float":
                    with np.errstate(all="ignore"):
                        product = self.plan.value(node_id) * self.plan.value(adjoint)
                        size = float(np.sum(np.abs(product)))
                self._noise[node_id] = size if np.isfinite(size) else 0.0
            total += self._noise[node_id]
        return total * _EPSILON

    def _entry(
        self, plan: Plan, step: str, base: Array, k: int, analytic: float, noise: float
    ) -> Generator[None, None, Entry | str]:
        place = tuple(int(i) for i in np.unravel_index(k, base.shape))
        here = float(base.flat[k])
        if not (np.isfinite(analytic) and np.isfinite(here)):
            what = "gradient" if np.isfinite(here) else "value"
            number = short(analytic if np.isfinite(here) else here)
            where = f" at {list(place)}" if place else ""
            return f"its {what}{where} is {number}, and no difference tells more of that"
        usual = STEP * max(1.0, abs(here))

        def at(offset: float) -> Pieces:
            yield
            moved = base.copy()
            moved.flat[k] = here + offset
            plan.set(step, moved)
            try:
                plan.run()
                return plan.number(self.output)
            except ValueError:  # a kernel refuses what is moved, such as a mask that picks others
                return np.nan

        found = Entry(place, "differs", analytic, np.nan, usual)
        middle = yield from at(0.0)
        if not np.isfinite(middle):
            return f"the output is {short(middle)} here, so no difference can be measured"
        away: list[float] = []
        settled: Entry | None = None
        before, reach = np.nan, 0.0
        for i, width in enumerate(_widths(here, usual)):
            ahead, back = (yield from at(width)), (yield from at(-width))
            near_ahead, near_back = (yield from at(width / 2)), (yield from at(-width / 2))
            measured = (8 * (near_ahead - near_back) - (ahead - back)) / (6 * width)  # Richardson
            left = (3 * middle - 4 * near_back + back) / width
            right = (4 * near_ahead - ahead - 3 * middle) / width
            if not abs(found.measured - analytic) <= abs(measured - analytic):
                found = replace(found, measured=measured, width=width)
            away.append(abs(measured))
            reach = float(np.fmax(reach, np.fmax(abs(ahead - middle), abs(back - middle))))
            hidden = 8 * noise > SEEN * width * max(abs(analytic), abs(measured))
            if i >= len(USUAL) and hidden:
                continue  # rounding would agree with anything
            if _near(measured, analytic, RTOL, noise / width):
                found = replace(found, state="agrees")
                if _near(left, right, 1e-3, noise / width):
                    return found
                settled = None
                break  # it may agree because the slopes on its sides are as far above as below
            if _near(measured, before, RTOL, noise / width) and _near(left, right, 1e-3, 0.0):
                settled = replace(found, measured=measured, width=width)
            before = np.nan if hidden else measured
        if not analytic and abs(left - right) <= 1e-3 * away[0] and _vanish(away):
            return replace(found, state="agrees")
        if settled is not None:
            return settled
        sides = yield from _sides(found, at, middle, usual, noise)
        if sides.state == "differs" and noise > 1e-2 * reach:  # as the sine of a huge number
            return replace(sides, state="unsettled")
        return sides


def _widths(here: float, usual: float) -> list[float]:
    """The steps that a difference is measured with: the usual ones, then finer ones for what changes
    over less. Those are powers of two, so that moving by them and by half of them rounds nothing."""
    size = max(int(np.frexp(here or usual)[1]), -900)
    return [share * usual for share in USUAL] + [float(np.ldexp(1.0, size - k)) for k in FINER]


def _vanish(sizes: list[float]) -> bool:
    """Whether the last differences fall as their steps do, towards a slope of 0."""
    a, b, c = sizes[-3:]
    return len(sizes) == len(USUAL) + len(FINER) and 4 * c <= b and 4 * b <= a


def _one(at: Callable[[float], Pieces], middle: float, sign: float, h: float) -> Pieces:
    """The slope from one side, extrapolated from two steps to a step of 0: an error of order h^2."""
    near, far = (yield from at(sign * h / 2)), (yield from at(sign * h))
    return sign * (4 * near - far - 3 * middle) / h


def _beside(at: Callable[[float], Pieces], sign: float, h: float) -> Pieces:
    """The slope of what lies behind a jump."""
    near, far = (yield from at(sign * h)), (yield from at(sign * 2 * h))
    return sign * (far - near) / h


def _near(a: float, b: float, share: float, noise: float) -> bool:
    """Whether two numbers are alike; infinite ones never are."""
    size = max(abs(a), abs(b))
    return bool(np.isfinite(size) and abs(a - b) <= share * size + 8 * noise)


def _sides(
    found: Entry, at: Callable[[float], Pieces], middle: float, usual: float, noise: float
) -> Generator[None, None, Entry]:
    """Looks at either side of a point where the differences disagree with the gradient, or with each
    other; `at` gives the output's value with the entry moved, `middle` the one it has."""
    analytic = found.analytic
    wide, near = usual * 1e-1, usual * 1e-2
    blur = noise / near

    slopes = {}
    for name, sign in (("left", -1.0), ("right", 1.0)):
        far = yield from _one(at, middle, sign, wide)
        close = yield from _one(at, middle, sign, near)
        slopes[name] = close if _near(far, close, 1e-3, blur) else np.nan
    left, right = slopes["left"], slopes["right"]
    known = [s for s in (left, right) if np.isfinite(s)]
    state: State = found.state
    best, width = found.measured, found.width
    if len(known) == 2:
        if not _near(left, right, NEAR, blur):
            state = "kink" if _within(analytic, known, blur) else "differs"
    elif known and not np.isfinite((yield from at(near if np.isnan(right) else -near))):
        # the function ends here; the side it has is its slope
        state = "agrees" if _near(known[0], analytic, 1e-3, blur) else "differs"
        best, width = known[0], near
    elif (yield from _jumps(at, middle, near, noise)):
        outer = list(known)
        for sign in (-1.0, 1.0):
            far, close = (
                (yield from _beside(at, sign, near)),
                (yield from _beside(at, sign, near / 4)),
            )
            if _near(far, close, 1e-3, 4 * blur):  # else it is no jump of something smooth
                outer.append(close)
        jump: State = "jump" if _within(analytic, outer, blur) else "differs"
        state = jump if outer else "unsettled"
    elif state == "differs":
        state = "unsettled"
    return Entry(found.place, state, analytic, best, width, left, right)


def _jumps(
    at: Callable[[float], Pieces], middle: float, near: float, noise: float
) -> Generator[None, None, bool]:
    """Whether the value changes as much over a hundredth of a step as over all of it."""
    for sign in (-1.0, 1.0):
        far = abs((yield from at(sign * near)) - middle)
        close = abs((yield from at(sign * near * 1e-2)) - middle)
        if close > 0.5 * far and close > 100 * noise:
            return True
    return False


def _within(number: float, slopes: list[float], blur: float) -> bool:
    if not slopes:
        return False
    room = NEAR * max(abs(s) for s in slopes) + 8 * blur
    return min(slopes) - room <= number <= max(slopes) + room


def _chosen(analytic: Array, sampled: int) -> list[int]:
    """The entries that are moved: all, or a fixed draw with the largest gradient among them."""
    if analytic.size <= sampled:
        return list(range(analytic.size))
    drawn = np.random.default_rng(0).choice(analytic.size, sampled, replace=False)
    largest = int(np.argmax(np.nan_to_num(np.abs(analytic))))
    return list(dict.fromkeys([largest, *map(int, drawn)]))[:sampled]


def _judged(step: str, entries: list[Entry], size: int) -> Verdict:
    sloped = [e for e in entries if e.state in ("agrees", "differs")]
    seen = [
        e for e in sloped if e.state == "differs" or _near(e.measured, e.analytic, RTOL, 0.0)
    ]  # of the others rounding leaves no digits
    error = relative_error(
        np.array([e.analytic for e in seen]), np.array([e.measured for e in seen])
    )
    worst = max(entries, key=lambda e: (_WORSE.index(e.state), abs(e.analytic - e.measured)))
    if worst.state == "agrees":
        worst = max(entries, key=lambda e: abs(e.analytic))
    if worst.state == "unsettled" and not sloped:
        error = np.nan
    return Verdict(step, worst.state, error, worst, len(entries), size)


def relative_error(analytic: Array, measured: Array) -> float:
    """|a - m| over the larger of |a| and |m| (Euclidean norms), 0 where both are below 1e-10."""
    both = np.concatenate([np.ravel(analytic), np.ravel(measured)])
    unit = max(1.0, float(np.max(np.abs(both), initial=0.0)))  # squares of large numbers overflow
    analytic, measured = analytic / unit, measured / unit
    scale = max(float(np.linalg.norm(analytic)), float(np.linalg.norm(measured)))
    apart = float(np.linalg.norm(analytic - measured))
    return apart / scale if scale * unit > 1e-10 else 0.0

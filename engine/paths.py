"""All paths between a loss and a node: how many, what each adds to the gradient, the largest first.

A gradient is the sum over the paths of a graph of the products of the local derivatives along them
(Bauer, Computational Graphs and Rounding Error, 1974). Their number grows exponentially, so they are
found one by one, and what those not found add is summed from where their search stands, without
the gradient: what is shown and the rest have to agree with it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine import ops
from engine.differentiate import Adjoints, Contribution, bindings, differentiate, vjp
from engine.expansion import Expansion, Ref
from engine.ops.row import Array
from engine.program import Plan
from engine.wording import Telling

Read = Callable[[Ref], Array | None]
Value = Any
"""A float where every step on the way is a single number, else an array of a step's shape."""

MOST_HELD = 64_000_000
"""How many entries the beginnings of paths may hold together before no more are followed."""
_NEVER, _FIRST = (
    -1e15,
    1e15,
)  # stand for the logarithms of a slope of 0 and of one that is not finite
_UPSTREAM = "upstream"
_Link = tuple[int, Any]  # an edge and the link before it


@dataclass(frozen=True)
class Path:
    """One way from the loss to a node: its edges, the loss's first, and what it adds to the gradient.

    `value` has the node's shape; `size` is its Euclidean norm. `slopes` are the factors that multiply
    to it where every step is a single number, else None.
    """

    terms: tuple[Contribution, ...]
    value: Value
    size: float
    slopes: tuple[float, ...] | None


class Paths:
    """The paths from a step to one that its value depends on, `start` being the adjoints' output
    unless told; then they begin with its adjoint.

    `terms` are the edges on them, in the order of the backward pass. `found` holds the paths
    found so far, the largest first. Between single numbers they are found in that order; between
    tensors by the gains of whole gradients along the edges, which is near to it.
    """

    def __init__(
        self,
        expansion: Expansion,
        adjoints: Adjoints,
        read: Read,
        target: str,
        start: str | None = None,
    ) -> None:
        self.expansion, self.adjoints, self.read = expansion, adjoints, read
        self.start, self.target = adjoints.output if start is None else start, target
        self.terms = between(adjoints, self.start, target)
        self.found: list[Path] = []
        self.is_scalar = not any(
            expansion.spec(ref).shape
            for ref in {self.start, target, *(t.target for t in self.terms)}
        )
        self._pulls: dict[int, _Pull] = {}
        self._out: dict[str, list[int]] = {}
        for i, term in enumerate(self.terms):
            self._out.setdefault(term.node, []).append(i)
        self._weights = [self._weight(i) for i in range(len(self.terms))]
        self._best = self._suffixes(max)
        self._heap: list[tuple[float, int, int, float, Any, Value]] = []
        self._serial = self._held = 0
        self._rest: Value = None
        self._begin()

    # ------------------------------------------------------------ what is known of all at once

    @cached_property
    def count(self) -> int:
        """How many paths there are; may have thousands of digits."""
        counts = {self.start: 1}
        for term in self.terms:  # a node's edges follow each other: its own count is complete
            counts[term.target] = counts.get(term.target, 0) + counts[term.node]
            if term is self.terms[self._out[term.node][-1]]:
                del counts[term.node]  # it may be a long number
        return counts.get(self.target, 0)

    @property
    def gradient(self) -> Value | None:
        """What the backward pass says, for comparison; None where no gradient reaches the node."""
        ref = self.adjoints.adjoint.get(self.target)
        value = self.read(ref) if ref is not None else None
        if self.start != self.adjoints.output or value is None:
            return None
        return float(value) if self.is_scalar else self._spread(value)

    @property
    def complete(self) -> bool:
        """True when every path was found."""
        return not self._heap

    @property
    def rest(self) -> Value:
        """What the paths that were not found add together, as `work` left it."""
        return self._zero() if self._rest is None else self._rest

    def shares(self) -> dict[tuple[str, str], float]:
        """How much of all that flows goes through each edge, by (node, port): the sizes of the paths
        through it over the sizes of all. Between tensors that is exact when all were found, else
        sizes are those that the gains along the edges promise."""
        keys = [(t.node, t.port) for t in self.terms]
        if self.complete and not self.is_scalar:
            flows = dict.fromkeys(keys, 0.0)
            for path in self.found:
                for term in path.terms:
                    flows[term.node, term.port] += path.size
            total = math.fsum(path.size for path in self.found)
            if not math.isfinite(total):  # what is not finite is all there is to see
                return {k: 0.0 if math.isfinite(v) else 1.0 for k, v in flows.items()}
            return {k: v / total if total else 0.0 for k, v in flows.items()}
        above: dict[str, float] = {self.start: 0.0}
        for i, term in enumerate(self.terms):
            through = above[term.node] + self._weights[i]
            above[term.target] = _log_sum(above.get(term.target, -math.inf), through)
        below = self._suffixes(_log_sum)
        whole = below.get(self.start, -math.inf)
        if whole <= _NEVER / 2:
            return dict.fromkeys(keys, 0.0)
        return {
            key: math.exp(min(0.0, above[t.node] + self._weights[i] + below[t.target] - whole))
            for i, (key, t) in enumerate(zip(keys, self.terms, strict=True))
        }

    def slope(self, term: Contribution) -> float | None:
        """The local derivative along an edge between two single numbers, else None."""
        if self.expansion.spec(term.node).shape or self.expansion.spec(term.target).shape:
            return None
        if term.local is not None:
            value = self.read(term.local)
            return math.nan if value is None else float(value)
        return float(_Pull(self, term)(np.ones((), self.expansion.dtype)))

    def _weight(self, i: int) -> float:
        """The logarithm of the factor by which an edge changes the size of what flows through it."""
        term = self.terms[i]
        if self.is_scalar:
            gain = abs(self._slopes[i])
        else:
            value, upstream = self.read(term.value), self.read(term.upstream)
            given = math.nan if upstream is None else size_of(upstream)
            got = math.nan if value is None else size_of(value)
            gain = got / given if given else 0.0
        if not math.isfinite(gain):
            return _FIRST
        return math.log(gain) if gain else _NEVER

    @cached_property
    def _slopes(self) -> list[float]:
        return [math.nan if (s := self.slope(t)) is None else s for t in self.terms]

    def _suffixes(self, join: Callable[[float, float], float]) -> dict[str, float]:
        """For each step the joined weights of the ways from it to the target."""
        ways = {self.target: 0.0}
        for i in range(len(self.terms) - 1, -1, -1):
            term = self.terms[i]
            through = self._weights[i] + ways[term.target]
            ways[term.node] = join(ways[term.node], through) if term.node in ways else through
        return ways

    # ------------------------------------------------------------ finding

    def _begin(self) -> None:
        if self.start == self.adjoints.output:
            seed: Value = 1.0
        else:
            ref = self.adjoints.adjoint[self.start]
            seed = self.read(ref)
        if self.is_scalar:
            seed = math.nan if seed is None else float(seed)
        else:
            seed = np.broadcast_to(
                np.asarray(np.nan if seed is None else seed, self.expansion.dtype),
                self.expansion.spec(self.start).shape,
            )
        if self.start == self.target:
            self.found.append(Path((), seed, size_of(seed), () if self.is_scalar else None))
        elif self.terms:
            best = self._branch(self.start, 0.0, None, seed)
            heapq.heappush(self._heap, (-self._promise(best), 0, best, 0.0, None, seed))

    def _branch(self, node: str, weight: float, link: _Link | None, carried: Value) -> int:
        """The edge along which the largest path goes on from a node; the others are kept for later."""
        edges = self._out[node]
        best = max(edges, key=self._promise)
        for i in edges:
            if i != best:
                self._serial += 1
                score = -(weight + self._promise(i))
                heapq.heappush(self._heap, (score, self._serial, i, weight, link, carried))
                self._held += 1 if self.is_scalar else carried.size
        return best

    def _promise(self, i: int) -> float:
        return self._weights[i] + self._best[self.terms[i].target]

    def work(self, wanted: int) -> Iterator[None]:
        """Finds paths until `wanted` are known, all are, or no more fit into memory; then sums up the
        rest. Yields after each small piece, so that whoever waits may do something else; it has to be
        gone through to its end."""
        while self._heap and len(self.found) < wanted and self._held < MOST_HELD:
            _, _, i, weight, link, carried = heapq.heappop(self._heap)
            self._held -= 1 if self.is_scalar else carried.size
            while True:
                carried, weight, link = (
                    self._carry(i, carried),
                    weight + self._weights[i],
                    (i, link),
                )
                if self.terms[i].target == self.target:
                    break
                i = self._branch(self.terms[i].target, weight, link, carried)
                yield
            self.found.append(self._path(link, carried))
        self.found.sort(key=lambda path: -path.size if path.size == path.size else -math.inf)
        yield from self._rest_as_scalars() if self.is_scalar else self._rest_as_arrays()

    def find(self, wanted: int) -> Paths:
        """As `work`, at once; returns itself."""
        for _ in self.work(wanted):
            pass
        return self

    def _path(self, link: _Link | None, value: Value) -> Path:
        edges: list[int] = []
        while link is not None:
            edges.append(link[0])
            link = link[1]
        edges.reverse()
        slopes = tuple(self._slopes[i] for i in edges) if self.is_scalar else None
        return Path(tuple(self.terms[i] for i in edges), value, size_of(value), slopes)

    def _carry(self, i: int, upstream: Value) -> Value:
        """What an edge makes of an upstream gradient."""
        if self.is_scalar:
            return upstream * self._slopes[i]
        if i not in self._pulls:
            self._pulls[i] = _Pull(self, self.terms[i])
        return self._pulls[i](upstream)

    def _rest_as_scalars(self) -> Iterator[None]:
        """Each unfinished beginning times the partial derivative of where it stands."""
        self._rest = 0.0
        if not self._heap:
            return
        partial = {self.target: 1.0}
        for i in range(len(self.terms) - 1, -1, -1):
            term = self.terms[i]
            through = self._slopes[i] * partial[term.target]
            partial[term.node] = partial.get(term.node, 0.0) + through
            yield
        parts = [
            carried * self._slopes[i] * partial[self.terms[i].target]
            for _, _, i, _, _, carried in self._heap
        ]
        try:
            self._rest = math.fsum(parts)
        except (OverflowError, ValueError):  # infinities of both signs
            self._rest = math.nan

    def _rest_as_arrays(self) -> Iterator[None]:
        """The unfinished beginnings, summed edge by edge and carried on together to the target."""
        waiting: dict[int, Value] = {}
        for _, _, i, _, _, carried in self._heap:
            waiting[i] = carried if i not in waiting else waiting[i] + carried
        flowing: dict[str, Value] = {}
        for i, term in enumerate(self.terms):
            upstream = waiting.get(i)
            if term.node in flowing:
                more = flowing[term.node]
                upstream = more if upstream is None else upstream + more
            if upstream is not None:
                value = self._carry(i, upstream)
                if term.target in flowing:
                    value = flowing[term.target] + value
                flowing[term.target] = value
                yield
        self._rest = flowing.get(self.target, self._zero())

    def _zero(self) -> Value:
        if self.is_scalar:
            return 0.0
        return np.zeros(self.expansion.spec(self.target).shape, self.expansion.dtype)

    def _spread(self, value: Array) -> Array:
        return np.broadcast_to(value, self.expansion.spec(self.target).shape)


class _Pull:
    """The vector-Jacobian product along one edge: its row's derivative over the operands' values,
    with the upstream gradient left open."""

    def __init__(self, paths: Paths, term: Contribution) -> None:
        expansion = paths.expansion
        flat = expansion.nodes[term.node]
        part = Expansion(expansion.dtype, training=expansion.training)
        part.clock = expansion.clock
        source = ops.TABLE["input"]
        self._shape = expansion.spec(term.target).shape
        self._plan: Plan | None = None
        for ref in dict.fromkeys((*flat.args, flat.id)):
            value = paths.read(ref)
            if value is None:  # it failed, and so did what is made of it
                return
            if isinstance(ref, str):
                part.source(ref, source, value)
        part.source(_UPSTREAM, source, np.zeros(flat.spec.shape, expansion.dtype))
        index = flat.op.ports(len(flat.args)).index(term.port)
        tree = flat.op.derivative_trees[flat.op.inputs[0] if flat.op.variadic else term.port]
        assert tree is not None  # an edge that adds something has one
        self._result, _ = vjp(part, flat, index, tree, bindings(flat, _UPSTREAM))
        self._plan = Plan(part, [self._result, _UPSTREAM])

    def __call__(self, upstream: Array) -> Array:
        plan = self._plan
        if plan is None:
            return np.full(self._shape, np.nan)
        plan.set(_UPSTREAM, upstream)
        try:
            plan.run()
        except ValueError:  # a kernel refuses its operands
            return np.full(self._shape, np.nan)
        return np.array(np.broadcast_to(plan.value(self._result), self._shape))


def towards(telling: Telling, loss: str) -> Telling:
    """The same steps with another one as the loss: its adjoints appended and computed. Raises
    ValueError where it is not a single number."""
    if telling.adjoints is not None and telling.adjoints.output == loss:
        return telling
    expansion = telling.expansion.copied()
    adjoints = differentiate(expansion, loss)
    plan = Plan(expansion, (), keep=True)
    failed = plan.run_each()

    def read(ref: Ref) -> Array | None:
        return None if ref in failed else plan.value(ref)

    return replace(telling, expansion=expansion, adjoints=adjoints, read=read)


def between(adjoints: Adjoints, start: str, target: str) -> list[Contribution]:
    """The edges on the ways from a step to another, in the order of the backward pass."""
    reached, leading = {start}, {target}
    for term in adjoints.contributions:
        if term.node in reached:
            reached.add(term.target)
    kept = []
    for term in reversed(adjoints.contributions):
        if term.target in leading and term.node in reached:
            leading.add(term.node)
            kept.append(term)
    kept.reverse()
    return kept


def size_of(value: Value) -> float:
    """The Euclidean norm, of a single number its size."""
    if isinstance(value, float):
        return abs(value)
    array = np.asarray(value, np.float64)
    unit = max(1.0, float(np.max(np.abs(array), initial=0.0)))  # squares of large numbers overflow
    return unit * float(np.linalg.norm(array / unit)) if math.isfinite(unit) else unit


def _log_sum(one: float, other: float) -> float:
    """The logarithm of the sum of two numbers given by theirs."""
    large, small = (one, other) if one >= other else (other, one)
    if small <= _NEVER / 2 or large >= _FIRST / 2:
        return large
    return large + math.log1p(math.exp(small - large))

"""What one entry of a micro-step's result is made of: the sum behind it, term by term.

Backward, entry k of a contribution is `sum over j of upstream[j] * d node[j] / d operand[k]`. The
column of local derivatives comes from the derivative of the contribution with respect to its
upstream gradient, in which it is linear; forward, row i from the pass with the upstream gradient 1
at i alone. Both are one pass over an expansion of the one step, whatever its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.ops.row import Array
from engine.program import Plan
from engine.trace import Step

LIMIT = 250_000
"""Entries of a step's result and operands together; more would take longer than a blink."""
PARTNERS = 50_000
"""Up to so many entries a slope is told as an entry of another operand; each term costs a pass."""
Index = tuple[int, ...]
_SOURCE = ops.TABLE["input"]
_NODE, _SEED, _PICK = "=", "=seed", "=pick"
_EXACT = 1e-9


class NoEntries(ValueError):
    """Says in a sentence why no entry's sum can be shown."""


@dataclass(frozen=True)
class Term:
    """One term of an entry: `factor` times `local` is `value`.

    Backward `factor` is the upstream gradient at `index` of the node; forward it is the operand at
    `port` there, and `partner` the port and index of another operand that `local` is an entry of.
    """

    index: Index
    factor: float
    local: float
    value: float
    port: str = ""
    partner: tuple[str, Index] | None = None


@dataclass(frozen=True)
class Sum:
    """An entry: the largest `terms`, `rest` the sum of the others of `count` that are not zero.

    `among` is how many there are with those that are zero. Where `adds_up` is false the terms are
    what the entry depends on, those with the largest slopes, and their sum means nothing.
    """

    index: Index
    value: float
    terms: tuple[Term, ...]
    count: int
    among: int
    rest: float
    adds_up: bool = True

    @property
    def left(self) -> int:
        """How many terms are not listed."""
        return self.count - len(self.terms)

    def cut(self, most: int) -> Sum:
        """The same with fewer terms listed."""
        size = [abs(t.value if self.adds_up else t.local) for t in self.terms]
        kept = set(sorted(range(len(size)), key=lambda i: -size[i])[:most])
        dropped = [t.value for i, t in enumerate(self.terms) if i not in kept]
        rest = self.rest + sum(dropped) if self.adds_up else 0.0
        return replace(
            self, terms=tuple(t for i, t in enumerate(self.terms) if i in kept), rest=rest
        )


class Entries:
    """The entries of one micro-step, forward or backward; `shape` is that of what is picked from.

    Raises NoEntries for the seed, for single numbers alone and for more entries than `LIMIT`.
    """

    def __init__(self, step: Step) -> None:
        self.step, telling = step, step.telling
        flat = telling.expansion.nodes[step.node]
        self.flat, self.shape = flat, step.value.shape
        name = telling.name(step.node)
        if step.phase == "seed":
            raise NoEntries(f"the gradient of {name} with respect to itself is 1, not a sum")
        specs = [telling.expansion.spec(a) for a in (step.node, *flat.args) if isinstance(a, str)]
        self._size = size = sum(spec.size for spec in specs)
        if size > LIMIT:
            raise NoEntries(
                f"{name} and its operands have {size:,} numbers; the sum behind an entry is "
                f"shown for up to {LIMIT:,}"
            )
        if not any(spec.shape for spec in specs):
            raise NoEntries(f"{name} is a single number made of single numbers")
        self.ports = flat.op.ports(len(flat.args))
        outer = telling.expansion
        self._expansion = Expansion(outer.dtype, training=outer.training)
        self._expansion.clock = outer.clock
        self.operands: dict[str, Array] = {}
        args: list[Ref] = []
        for port, ref in zip(self.ports, flat.args, strict=True):
            value = telling.read(ref) if isinstance(ref, str) else None
            if not isinstance(ref, str):
                args.append(ref)
                continue
            if value is None:
                raise NoEntries(f"{name} reads {telling.name(ref)}, which has no value")
            self.operands[port] = value
            args.append(self._expansion.source(port, _SOURCE, value))
        self._expansion.add(_NODE, flat.op, tuple(args), flat.options)
        self._expansion.source(_SEED, _SOURCE, np.zeros(flat.spec.shape, outer.dtype))
        self._adjoint = differentiate(self._expansion, _NODE, list(self.operands), _SEED).adjoint

    def at(self, index: Index, most: int) -> Sum:
        """The sum behind an entry, its `most` largest terms listed. Raises IndexError."""
        if len(index) != len(self.shape) or any(
            not 0 <= i < n for i, n in zip(index, self.shape, strict=True)
        ):
            raise IndexError(f"there is no entry {list(index)} in {list(self.shape)}")
        if self.step.phase == "forward":
            return self._forward(index, most)
        return self._backward(index, most)

    def read_at(self, port: str, index: Index) -> Index:
        """The entry of an operand that is broadcast to an entry of the result."""
        shape = self.operands[port].shape if port in self.operands else ()
        behind = index[len(index) - len(shape) :]
        return tuple(0 if n == 1 else i for i, n in zip(behind, shape, strict=True))

    def largest(self) -> Index:
        """The entry that is farthest from zero, to begin with; () of what has none."""
        value = self.step.value
        if not value.size:
            return ()
        flat = int(np.argmax(np.abs(np.nan_to_num(value.astype(np.float64), nan=np.inf))))
        return _index(flat, value.shape)

    # ------------------------------------------------------------ backward

    @cached_property
    def _column(self) -> tuple[Plan, Ref] | None:
        """The plan whose result is d node / d operand[k], k told by a one at `_PICK`."""
        ref = self._adjoint.get(str(self.step.port))
        if not isinstance(ref, str):
            return None
        shape = self._expansion.spec(ref).shape
        self._expansion.source(_PICK, _SOURCE, np.zeros(shape, self._expansion.dtype))
        found = differentiate(self._expansion, ref, [_SEED], _PICK).adjoint.get(_SEED)
        return None if found is None else (Plan(self._expansion, [found, _PICK]), found)

    def column(self, index: Index) -> Array:
        """d node[j] / d operand[index] for all j, in the shape of the node."""
        shape = self.flat.spec.shape
        if self._column is None:
            return np.zeros(shape)
        plan, ref = self._column
        plan.set(_PICK, _one(self.shape, index))
        plan.run()
        column = np.broadcast_to(plan.value(ref), shape).astype(np.float64)
        if self.flat.op.elementwise:  # 0 times an infinite slope elsewhere is no part of it
            places = np.arange(self.step.value.size).reshape(self.shape)
            mine = np.broadcast_to(places, shape) == places[index]
            column = np.where(mine, column, 0.0)
        return column

    def _backward(self, index: Index, most: int) -> Sum:
        contribution = self.step.contribution
        assert contribution is not None
        upstream = self.step.telling.read(contribution.upstream)
        assert upstream is not None  # a script leaves out what failed
        shape = self.flat.spec.shape
        local = self.column(index)
        given = np.broadcast_to(upstream, shape).astype(np.float64)
        with np.errstate(all="ignore"):
            products = np.where(local == 0.0, 0.0, given * local)
        found, count, rest = _ranked(products, most)
        terms = tuple(
            Term(j, float(given[j]), float(local[j]), float(products[j]))
            for j in (_index(k, shape) for k in found)
        )
        return Sum(index, float(self.step.value[index]), terms, count, local.size, rest)

    # ------------------------------------------------------------ forward

    @cached_property
    def _row(self) -> tuple[Plan, dict[str, Ref]]:
        refs = {p: self._adjoint[p] for p in self.operands if p in self._adjoint}
        return Plan(self._expansion, [*refs.values(), _SEED]), refs

    def row(self, index: Index) -> dict[str, Array]:
        """d node[index] / d operand for every operand that has a derivative, by port."""
        plan, refs = self._row
        plan.set(_SEED, _one(self.shape, index))
        plan.run()
        rows = {}
        for port, ref in refs.items():
            shape = self.operands[port].shape
            local = np.broadcast_to(plan.value(ref), shape).astype(np.float64)
            if self.flat.op.elementwise:
                mine = _one(shape, self.read_at(port, index))
                local = np.where(mine == 1.0, local, 0.0)
            rows[port] = local
        return rows

    @cached_property
    def _linear(self) -> tuple[str, ...]:
        """Operands that the result is linear in, all else fixed: no slope depends on them."""
        _, refs = self._row
        above = {
            p: self._expansion.ancestors([r] if isinstance(r, str) else [], with_shapes=False)
            for p, r in refs.items()
        }
        together = tuple(p for p in refs if not any(p in found for found in above.values()))
        if together and len(together) == len(self.operands):
            return together
        return next(((p,) for p in refs if p not in above[p]), ())

    def _forward(self, index: Index, most: int) -> Sum:
        rows, value = self.row(index), float(self.step.value[index])
        linear = self._sum_of(rows, self._linear, value, index, most)
        if linear is not None:
            return linear
        terms: list[Term] = []
        count = among = 0
        for port, local in rows.items():
            found, some, _ = _ranked(local, most)
            count, among = count + some, among + local.size
            for j in (_index(k, local.shape) for k in found):
                entry, slope = float(self.operands[port][j]), float(local[j])
                terms.append(Term(j, entry, slope, entry * slope, port))
        shown = sorted(range(len(terms)), key=lambda i: -abs(terms[i].local))[:most]
        told = tuple(terms[i] for i in sorted(shown))
        return Sum(index, value, told, count, among, 0.0, adds_up=False)

    def _sum_of(
        self,
        rows: Mapping[str, Array],
        ports: Sequence[str],
        value: float,
        index: Index,
        most: int,
    ) -> Sum | None:
        """The entry as a sum over the entries of operands it is linear in, if it is one."""
        if not ports:
            return None
        operands = [self.operands[p].astype(np.float64) for p in ports]
        with np.errstate(all="ignore"):
            products = [
                np.where(rows[p] == 0.0, 0.0, a * rows[p])
                for p, a in zip(ports, operands, strict=True)
            ]
        joined = np.concatenate([p.ravel() for p in products])
        if not abs(joined.sum() - value) <= _EXACT * max(abs(joined).sum(), abs(value)):
            return None
        owner = np.concatenate([np.full(p.size, i) for i, p in enumerate(products)])
        start = np.cumsum([0, *(p.size for p in products)])
        found, count, rest = _ranked(joined, most)
        terms = []
        for k in found:
            port = ports[owner[k]]
            j = _index(int(k - start[owner[k]]), rows[port].shape)
            local = float(rows[port][j])
            terms.append(
                Term(
                    j, float(self.operands[port][j]), local, float(joined[k]), port,
                    self._partner(port, j, index, local),
                )
            )  # fmt: skip
        return Sum(index, value, tuple(terms), count, joined.size, rest)

    @cached_property
    def _partners(self) -> dict[str, tuple[Plan, dict[str, Ref]]]:
        """Plans of how the slopes at a port depend on the other operands."""
        plans = {}
        for port in self._linear:
            ref, pick = self._adjoint.get(port), f"{_PICK}{port}"
            if not isinstance(ref, str):
                continue
            self._expansion.source(
                pick, _SOURCE, np.zeros(self.operands[port].shape, self._expansion.dtype)
            )
            others = [p for p in self.operands if p != port]
            found = differentiate(self._expansion, ref, others, pick).adjoint
            refs = {p: found[p] for p in others if p in found}
            if refs:
                plans[port] = Plan(self._expansion, [*refs.values(), _SEED, pick]), refs
        return plans

    def _partner(
        self, port: str, at: Index, index: Index, local: float
    ) -> tuple[str, Index] | None:
        """The one entry of another operand that a slope is, as in products of matrices."""
        if self._size > PARTNERS or port not in self._partners:
            return None
        plan, refs = self._partners[port]
        plan.set(_SEED, _one(self.shape, index))
        plan.set(f"{_PICK}{port}", _one(self.operands[port].shape, at))
        plan.run()
        found = []
        for other, ref in refs.items():
            shape = self.operands[other].shape
            slopes = np.broadcast_to(plan.value(ref), shape)
            found += [(other, _index(int(k), shape)) for k in np.flatnonzero(slopes)]
        if len(found) != 1:
            return None
        other, place = found[0]
        return found[0] if float(self.operands[other][place]) == local else None


def _ranked(products: Array, most: int) -> tuple[list[int], int, float]:
    """The places of the largest numbers in their order, how many are not zero, and the sum of the
    others."""
    flat = products.ravel()
    filled = np.flatnonzero(flat)
    size = np.nan_to_num(np.abs(flat[filled]), nan=np.inf)
    order = filled[np.argsort(-size, kind="stable")]
    shown, left = order[:most], order[most:]
    return sorted(int(k) for k in shown), len(filled), float(flat[left].sum())


def _one(shape: tuple[int, ...], index: Index) -> Array:
    array = np.zeros(shape)
    array[index] = 1.0
    return array


def _index(flat: int, shape: tuple[int, ...]) -> Index:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()

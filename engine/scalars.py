"""Plans of single numbers: Python floats and functions of `math` instead of arrays.

NumPy's cost per call is thirty times the work for those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from engine.expansion import Expansion, Flat, Ref
from engine.ops.row import Array, scalar_of

INTEGER = {"int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
"""The dtypes of values that are no floats, by kind."""
_ONE, _MANY = -1, -2  # in the place of a second operand: there is none, or there are more


def is_scalar(flat: Flat) -> bool:
    """True for a step whose result and row fit here."""
    if flat.spec.shape or flat.spec.kind == "int":
        return False
    return flat.op.is_source or flat.op.scalar is not None


class Scalars:
    """A plan on Python floats: a list of values and a list of (function, operands, result)."""

    def __init__(
        self, expansion: Expansion, order: Sequence[Flat], assign: Mapping[str, Ref]
    ) -> None:
        self.slots = {flat.id: i for i, flat in enumerate(order)}
        self.values: list[Any] = [0.0] * len(order)
        self.expansion = expansion
        self.steps: list[tuple[Callable[..., Any], int, int, int]] = []
        self.flats: list[Flat] = [f for f in order if not f.op.is_source]
        for flat in self.flats:
            self.steps.append(self._step(flat))
        self.moves = [(self.slots[s], self._slot(ref)) for s, ref in assign.items()]

    def _slot(self, ref: Ref) -> int:
        if isinstance(ref, str):
            return self.slots.get(ref, 0)
        self.values.append(ref)
        return len(self.values) - 1

    def _step(self, flat: Flat) -> tuple[Callable[..., Any], int, int, int]:
        function = flat.op.scalar if not flat.op.options else scalar_of(flat.op, flat.options)
        assert function is not None
        known, target = self.slots, self.slots[flat.id]
        slots = [known[a] if a in known else self._slot(a) for a in flat.args]
        if len(slots) == 1:
            return function, slots[0], _ONE, target
        if len(slots) == 2:
            return function, slots[0], slots[1], target
        return (lambda values: function(*[values[s] for s in slots])), 0, _MANY, target

    def set(self, node_id: str, value: Any) -> None:
        self.values[self.slots[node_id]] = float(value)

    def value(self, node_id: str) -> Array:
        kind = self.expansion.spec(node_id).kind
        return np.asarray(self.values[self.slots[node_id]], INTEGER.get(kind, np.dtype(float)))

    def is_finite(self) -> bool:
        return all(map(math.isfinite, self.values))

    def number(self, node_id: str) -> float:
        return float(self.values[self.slots[node_id]])

    def run(self, times: int) -> None:
        values = self.values
        for _ in range(times):
            try:
                for function, a, b, target in self.steps:
                    if b >= 0:
                        values[target] = function(values[a], values[b])
                    else:
                        values[target] = function(values[a] if b == _ONE else values)
            except (ArithmeticError, ValueError):
                self.run_each()
            else:
                if self.moves:
                    self._move()

    def _move(self) -> None:
        values = self.values
        new = [values[ref] for _, ref in self.moves]
        for (state, _), value in zip(self.moves, new, strict=True):
            values[state] = value

    def run_each(self) -> dict[str, str]:
        """`math` raises where IEEE arithmetic has an answer: those steps go through NumPy."""
        self._compute(zip(self.flats, self.steps, strict=True))
        self._move()
        return {}

    def _compute(
        self, steps: Iterable[tuple[Flat, tuple[Callable[..., Any], int, int, int]]]
    ) -> None:
        values = self.values
        for flat, (function, a, b, target) in steps:
            try:
                if b >= 0:
                    values[target] = function(values[a], values[b])
                else:
                    values[target] = function(values[a] if b == _ONE else values)
            except (ArithmeticError, ValueError):
                values[target] = self._by_array(flat)

    def renewed(
        self, values: Mapping[str, Any], stale: Container[str], failed: dict[str, str]
    ) -> tuple[Scalars, dict[str, str]]:
        other = copy(self)
        other.values = list(self.values)
        for node_id, value in values.items():
            other.set(node_id, value)
        pairs = zip(self.flats, self.steps, strict=True)
        other._compute(pair for pair in pairs if pair[0].id in stale)
        return other, failed

    def _by_array(self, flat: Flat) -> float:
        args = [
            np.asarray(self.values[self.slots[a]] if isinstance(a, str) else a, np.float64)
            for a in flat.args
        ]
        out = np.empty((), np.float64)
        assert flat.op.kernel is not None
        specs = tuple(self.expansion.spec(a) for a in flat.args)
        with np.errstate(all="ignore"):  # it costs as much as ten steps, so not around `run`
            flat.op.kernel(flat.options, specs)(*args, out)
        return float(out)

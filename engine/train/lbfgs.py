"""L-BFGS: the optimizer that is no row of formula, because it evaluates the loss several times a step.

All parameters are one vector here. The order of operations is that of `torch.optim.LBFGS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.ops.row import Array

Evaluate = Callable[[Array], tuple[float, Array]]
"""The loss at a vector, and its gradient, which is a new array each time."""

_ARMIJO, _CURVATURE = 1e-4, 0.9
_LEAST = 1e-9
"""The length of an interval in which a line search gives up."""


@dataclass
class Memory:
    """What is remembered between steps. Arrays are never written into, so a copy shares them."""

    iterations: int = 0
    length: float = 0.0
    scale: float = 1.0
    direction: Array | None = None
    gradient: Array | None = None
    changes: list[tuple[Array, Array, float]] = field(default_factory=list)
    """(change of the gradient, change of the parameters, one over their product), oldest first."""

    def copied(self) -> Memory:
        return replace(self, changes=list(self.changes))

    def arrays(self) -> dict[str, Array]:
        """Everything as arrays by name, for `of`."""
        found = {"numbers": np.array([self.iterations, self.length, self.scale])}
        if self.direction is not None and self.gradient is not None:
            found |= {"direction": self.direction, "gradient": self.gradient}
        if self.changes:
            slopes, moves, inverses = zip(*self.changes, strict=True)
            found |= {"slopes": np.stack(slopes), "moves": np.stack(moves)}
            found["inverses"] = np.array(inverses)
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Memory:
        iterations, length, scale = arrays["numbers"].tolist()
        known = [arrays[n] for n in ("slopes", "moves", "inverses") if n in arrays]
        changes = [(y.copy(), s.copy(), float(r)) for y, s, r in zip(*known, strict=True)]
        return cls(
            int(iterations), length, scale, arrays.get("direction"), arrays.get("gradient"), changes
        )


def step(
    memory: Memory, x: Array, evaluate: Evaluate, rate: float, settings: Mapping[str, float]
) -> tuple[float, Array]:
    """One step from the vector `x`; returns the loss before it and the vector behind it."""
    iterations = int(settings["max_iter"])
    evaluations = int(settings["max_eval"]) or iterations * 5 // 4
    smallest, least = settings["tolerance_grad"], settings["tolerance_change"]
    first, gradient = evaluate(x)
    loss, used = first, 1
    if not len(x) or _largest(gradient) <= smallest:
        return first, x
    for iteration in range(1, iterations + 1):
        before = loss
        direction = _direction(memory, gradient, int(settings["history_size"]))
        memory.direction, memory.gradient = direction, gradient
        length = rate
        if memory.iterations == 1:
            length *= min(1.0, 1.0 / float(np.abs(gradient).sum()))
        memory.length = length
        slope = float(gradient @ direction)
        if slope > -least:
            break
        if settings["strong_wolfe"]:
            search = _Search(evaluate, x, direction, loss, gradient, slope)
            loss, gradient, length = search.run(length, evaluations - used)
            memory.length = length
            used += search.used
            x = x + length * direction
        else:
            x = x + length * direction
            if iteration != iterations:  # nobody reads a last evaluation
                loss, gradient = evaluate(x)
                used += 1
        if (
            used >= evaluations
            or _largest(gradient) <= smallest
            or _largest(direction * length) <= least
            or abs(loss - before) < least
            or not math.isfinite(loss)
        ):
            break
    return first, x


def _largest(vector: Array) -> float:
    return float(np.abs(vector).max())


def _direction(memory: Memory, gradient: Array, history: int) -> Array:
    """Where to go: the gradient through the approximate inverse Hessian (the two-loop recursion)."""
    memory.iterations += 1
    if memory.direction is None or memory.gradient is None:
        memory.changes, memory.scale = [], 1.0
        return -gradient
    slopes, move = gradient - memory.gradient, memory.direction * memory.length
    product = float(slopes @ move)
    if product > 1e-10:
        if len(memory.changes) >= max(history, 1):
            memory.changes.pop(0)
        memory.changes.append((slopes, move, 1.0 / product))
        memory.scale = product / float(slopes @ slopes)
    vector, weights = -gradient, []
    for change, moved, inverse in reversed(memory.changes):
        weights.append(float(moved @ vector) * inverse)
        vector -= weights[-1] * change
    vector *= memory.scale
    for (change, moved, inverse), weight in zip(memory.changes, reversed(weights), strict=True):
        vector += (weight - float(change @ vector) * inverse) * moved
    return vector


@dataclass
class _Point:
    """A length that was tried: the loss there, its gradient, and the slope along the direction."""

    length: float
    loss: float
    gradient: Array
    slope: float


@dataclass
class _Search:
    """A line search for the strong Wolfe conditions, Nocedal and Wright, algorithms 3.5 and 3.6."""

    evaluate: Evaluate
    x: Array
    direction: Array
    loss: float
    gradient: Array
    slope: float
    used: int = 0

    def run(self, length: float, most: int) -> tuple[float, Array, float]:
        """Loss, gradient and length of the point it ends at, with about `most` evaluations."""
        start = _Point(0.0, self.loss, self.gradient, self.slope)
        low, high, done, tried = self._bracket(start, length, most)
        reach, crept = _largest(self.direction), False
        while not done and tried < most:
            if not abs(high.length - low.length) * reach >= _LEAST:
                break
            at = _cubic(low, high, *sorted((low.length, high.length)))
            at, crept = _inside(at, low, high, crept)
            new = self._at(at)
            tried += 1
            if self._is_high(new) or not new.loss < low.loss:
                high = new
                if not low.loss <= high.loss:
                    low, high = high, low
                continue
            done = self._is_flat(new)
            if not done and new.slope * (high.length - low.length) >= 0:
                high = low
            low = new
        return low.loss, low.gradient, low.length

    def _bracket(
        self, before: _Point, length: float, most: int
    ) -> tuple[_Point, _Point, bool, int]:
        """Two lengths with a good one between, the lower first; True when the lower is good itself."""
        start, new, tried = before, self._at(length), 0
        while tried < most:
            if self._is_high(new) or (tried > 1 and new.loss >= before.loss):
                break
            if self._is_flat(new):
                return new, new, True, tried
            if new.slope >= 0:
                break
            farther = new.length + 0.01 * (new.length - before.length)
            at = _cubic(before, new, farther, new.length * 10)
            before, new = new, self._at(at)
            tried += 1
        else:
            before = start
        low, high = (before, new) if before.loss <= new.loss else (new, before)
        return low, high, False, tried

    def _at(self, length: float) -> _Point:
        self.used += 1
        loss, gradient = self.evaluate(self.x + length * self.direction)
        return _Point(length, loss, gradient, float(gradient @ self.direction))

    def _is_high(self, point: _Point) -> bool:
        return not point.loss <= self.loss + _ARMIJO * point.length * self.slope  # NaN is high

    def _is_flat(self, point: _Point) -> bool:
        return abs(point.slope) <= -_CURVATURE * self.slope


def _cubic(a: _Point, b: _Point, lowest: float, highest: float) -> float:
    """Where the cubic through two points with their slopes is smallest, kept between two limits."""
    if a.length > b.length:
        a, b = b, a
    middle = (lowest + highest) / 2
    if a.length == b.length:
        return middle
    first = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    square = first**2 - a.slope * b.slope
    if not square >= 0:
        return middle
    root = math.sqrt(square)
    below = b.slope - a.slope + 2 * root
    if not below:
        return highest
    at = b.length - (b.length - a.length) * ((b.slope + root - first) / below)
    return min(max(at, lowest), highest)


def _inside(at: float, low: _Point, high: _Point, crept: bool) -> tuple[float, bool]:
    """A length not too near an end of the interval, and whether it came near this time."""
    first, last = sorted((low.length, high.length))
    margin = 0.1 * (last - first)
    if min(last - at, at - first) >= margin:
        return at, False
    if crept or at >= last or at <= first:
        return (last - margin if abs(at - last) < abs(at - first) else first + margin), False
    return at, True


def gather(parts: list[Array]) -> Array:
    """Arrays as one new vector."""
    joined: Array = np.concatenate([part.reshape(-1) for part in parts])
    return joined


def spread(vector: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """A vector as arrays again, views into it, by name."""
    found, start = {}, 0
    for name, shape in shapes.items():
        end = start + math.prod(shape)
        found[name] = vector[start:end].reshape(shape)
        start = end
    return found

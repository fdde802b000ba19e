"""Documents for walking micro-steps, with their values and gradients worked out apart from the engine.

A document is a list of named lines. What a line's operator computes, its vector-Jacobian products and
how the textbooks write them stand in one table here; nothing of the engine is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _summed(array: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of broadcasting."""
    while array.ndim > len(shape):
        array = array.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and array.shape[axis] != 1:
            array = array.sum(axis=axis, keepdims=True)
    return array


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _softmax_jacobian(p: Array) -> Array:
    return np.diag(p) - np.outer(p, p)


@dataclass(frozen=True)
class Rule:
    """`text` is how it is written over its operands; `terms` are the right sides of `+=` for each,
    with `g` the upstream gradient and `y` the result; `local` marks terms of the form g * local."""

    text: str
    value: Callable[..., Any]
    vjps: tuple[Callable[..., Any], ...]
    terms: tuple[str, ...]
    is_local: bool = True


RULES: dict[str, Rule] = {
    "add": Rule(
        "{0} + {1}", lambda a, b: a + b, (lambda g, y, a, b: g, lambda g, y, a, b: g),
        ("{g} * 1", "{g} * 1"),
    ),
    "sub": Rule(
        "{0} - {1}", lambda a, b: a - b, (lambda g, y, a, b: g, lambda g, y, a, b: -g),
        ("{g} * 1", "{g} * (-1)"),
    ),
    "mul": Rule(
        "{0} * {1}", lambda a, b: a * b, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
        ("{g} * {1}", "{g} * {0}"),
    ),
    "div": Rule(
        "{0} / {1}", lambda a, b: a / b, (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * a / b**2),
        ("{g} * (1 / {1})", "{g} * (-{y} / {1})"),
    ),
    "thrice": Rule("3 * {0}", lambda x: 3 * x, (lambda g, y, x: 3 * g,), ("{g} * 3",)),
    "square": Rule("{0}^2", lambda x: x**2, (lambda g, y, x: 2 * x * g,), ("{g} * (2 * {0})",)),
    "sin": Rule("sin({0})", np.sin, (lambda g, y, x: g * np.cos(x),), ("{g} * cos({0})",)),
    "cos": Rule("cos({0})", np.cos, (lambda g, y, x: -g * np.sin(x),), ("{g} * (-sin({0}))",)),
    "exp": Rule("exp({0})", np.exp, (lambda g, y, x: g * np.exp(x),), ("{g} * {y}",)),
    "log": Rule("log({0})", np.log, (lambda g, y, x: g / x,), ("{g} * (1 / {0})",)),
    "tanh": Rule("tanh({0})", np.tanh, (lambda g, y, x: g / np.cosh(x) ** 2,), ("{g} * (1 - {y}^2)",)),
    "sigmoid": Rule(
        "sigmoid({0})", lambda x: 1 / (1 + np.exp(-x)),
        (lambda g, y, x: g * np.exp(-x) / (1 + np.exp(-x)) ** 2,), ("{g} * ({y} * (1 - {y}))",),
    ),
    "matmul": Rule(
        "{0} @ {1}", lambda a, b: a @ b, (lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g),
        ("{g} @ T({1})", "T({0}) @ {g}"), False,
    ),
    "T": Rule("T({0})", lambda x: x.T, (lambda g, y, x: g.T,), ("T({g})",), False),
    "sum": Rule(
        "sum({0})", np.sum, (lambda g, y, x: np.full_like(x, g),), ("expand_as({g}, {0})",), False
    ),
    "mean": Rule(
        "mean({0})", np.mean, (lambda g, y, x: np.full_like(x, g / x.size),),
        ("expand_as({g} / size({0}), {0})",), False,
    ),
    "softmax": Rule(
        "softmax({0}, axis=1)", _softmax,
        (lambda g, y, x: np.stack([_softmax_jacobian(p) @ h for p, h in zip(y, g, strict=True)]),),
        ("{y} * ({g} - sum({g} * {y}, axis=1, keepdims=True))",), False,
    ),
}  # fmt: skip


Line = tuple[str, str, tuple[str, ...]]
"""A node's name, its rule and its operands."""


@dataclass(frozen=True)
class Document:
    """A program, line by line, and the values of its sources."""

    name: str
    given: Mapping[str, Any]
    lines: Sequence[Line]

    @property
    def program(self) -> str:
        """What a person types into the formula bar."""
        return "; ".join(
            f"{name} = {RULES[rule].text.format(*args)}" for name, rule, args in self.lines
        )

    @property
    def output(self) -> str:
        return self.lines[-1][0]

    def values(self, cut: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Every value; `cut` gives nodes another one than their own."""
        cut = cut or {}
        found = {n: np.asarray(cut.get(n, v), np.float64) for n, v in self.given.items()}
        for name, rule, args in self.lines:
            made = RULES[rule].value(*(found[a] for a in args))
            found[name] = np.asarray(cut.get(name, made), np.float64)
        return found

    def contribution(
        self, values: Mapping[str, Array], upstream: Array, name: str, place: int
    ) -> Array:
        """What a node adds to the gradient of its operand at a place."""
        rule, args = next((rule, args) for n, rule, args in self.lines if n == name)
        given = [values[a] for a in args]
        full = RULES[rule].vjps[place](upstream, values[name], *given)
        return _summed(np.asarray(full), values[args[place]].shape)

    def difference(self, name: str, step: float = 1e-5) -> Array:
        """The derivative of the output by a node's value, by central differences."""
        base = self.values()[name]
        found = np.zeros(base.shape)
        for index in np.ndindex(base.shape):
            ends = []
            for sign in (1, -1):
                moved = base.copy()
                moved[index] += sign * step
                ends.append(float(self.values({name: moved})[self.output]))
            found[index] = (ends[0] - ends[1]) / (2 * step)
        return found

    def forward_text(self, name: str) -> str:
        rule, args = next((rule, args) for n, rule, args in self.lines if n == name)
        return f"{name} = {RULES[rule].text.format(*args)}"

    def backward_text(self, name: str, place: int, summed: bool) -> str:
        rule, args = next((rule, args) for n, rule, args in self.lines if n == name)
        term = RULES[rule].terms[place]
        told = term.format(*args, g=f"d{self.output}/d{name}", y=name)
        told = f"sum_to({told}, {args[place]})" if summed else told
        return f"d{self.output}/d{args[place]} += {told}"


def _drawn(seed: int, **shapes: tuple[int, ...]) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


DOCUMENTS = (
    Document("the worked example", {"x": 1.0}, (
        ("t", "square", ("x",)), ("u1", "sin", ("t",)), ("u2", "thrice", ("t",)),
        ("u", "add", ("u1", "u2")), ("J", "cos", ("u",)),
    )),
    Document("one value read three times", {"x": 0.8}, (
        ("p", "square", ("x",)), ("q", "add", ("p", "x")), ("s", "sin", ("x",)), ("J", "mul", ("q", "s")),
    )),
    Document("two wires between the same nodes", {"x": 1.3, "y": -0.6}, (
        ("a", "mul", ("x", "x")), ("b", "mul", ("a", "y")), ("c", "sub", ("b", "a")),
        ("J", "mul", ("c", "c")),
    )),
    Document("softmax of two by hand", {"x": 0.4, "y": -1.1}, (
        ("ex", "exp", ("x",)), ("ey", "exp", ("y",)), ("all", "add", ("ex", "ey")),
        ("p", "div", ("ex", "all")), ("J", "log", ("p",)),
    )),
    Document("logistic regression", {"w": 0.7, "x": 1.5, "b": -0.3, "y": 1.0}, (
        ("m", "mul", ("w", "x")), ("z", "add", ("m", "b")), ("p", "sigmoid", ("z",)),
        ("e", "sub", ("p", "y")), ("J", "square", ("e",)),
    )),
    Document("a recurrence of three steps", {"w": 0.5, "u": -0.7, "x": 1.0, "h0": 0.3, "y": 0.2}, (
        ("wx", "mul", ("w", "x")),
        ("u1", "mul", ("u", "h0")), ("z1", "add", ("wx", "u1")), ("h1", "tanh", ("z1",)),
        ("u2", "mul", ("u", "h1")), ("z2", "add", ("wx", "u2")), ("h2", "tanh", ("z2",)),
        ("u3", "mul", ("u", "h2")), ("z3", "add", ("wx", "u3")), ("h3", "tanh", ("z3",)),
        ("e", "sub", ("h3", "y")), ("J", "square", ("e",)),
    )),
    Document("a long diamond", {"x": 0.35}, (
        ("a1", "sin", ("x",)), ("b1", "cos", ("x",)), ("m1", "mul", ("a1", "b1")),
        ("a2", "sin", ("m1",)), ("b2", "cos", ("m1",)), ("m2", "mul", ("a2", "b2")),
        ("a3", "exp", ("m2",)), ("b3", "tanh", ("m2",)), ("m3", "div", ("a3", "b3")), ("J", "log", ("m3",)),
    )),
    Document("a sigmoid layer with a fan-out", _drawn(1, x=(3, 2), W=(2, 4), b=(4,)), (
        ("a", "matmul", ("x", "W")), ("z", "add", ("a", "b")), ("h", "sigmoid", ("z",)),
        ("q", "mul", ("h", "h")), ("s", "sum", ("q",)), ("m", "mean", ("h",)), ("J", "add", ("s", "m")),
    )),
    Document("two layers and a squared error", _drawn(2, x=(4, 3), W1=(3, 2), W2=(2, 1), y=(4, 1)), (
        ("a", "matmul", ("x", "W1")), ("h", "tanh", ("a",)), ("p", "matmul", ("h", "W2")),
        ("e", "sub", ("p", "y")), ("q", "square", ("e",)), ("J", "mean", ("q",)),
    )),
    Document("attention whose keys are its values", _drawn(3, Q=(3, 2), K=(3, 2)), (
        ("Kt", "T", ("K",)), ("s", "matmul", ("Q", "Kt")), ("A", "softmax", ("s",)),
        ("o", "matmul", ("A", "K")), ("q", "square", ("o",)), ("J", "sum", ("q",)),
    )),
    Document("an autoencoder with tied weights", _drawn(4, x=(3, 3), W=(3, 2)), (
        ("a", "matmul", ("x", "W")), ("z", "tanh", ("a",)), ("Wt", "T", ("W",)), ("r", "matmul", ("z", "Wt")),
        ("e", "sub", ("r", "x")), ("q", "square", ("e",)), ("J", "mean", ("q",)),
    )),
    Document("a scale that is broadcast", _drawn(5, x=(2, 3), k=(1, 3), c=()), (
        ("a", "mul", ("x", "k")), ("b", "add", ("a", "c")), ("s", "sin", ("b",)), ("d", "mul", ("s", "k")),
        ("J", "sum", ("d",)),
    )),
)  # fmt: skip

"""Drawer "Activations": the nonlinearities of neural networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Kernel, Op, Option, chain
from engine.shapes import Options, ShapeError, Spec, axes_of, elementwise

_KINK = {"x": Domain(kinks=(0.0,))}
_AXIS = Option("axis", -1, "int", "The axis along which the entries sum to 1.")
_SUM = "axis=axis, keepdims=True"
_CASES = (Case(((2, 3),)), Case(((3, 2),), {"axis": 0}), Case(((3,),)))


def _one_over(x: Any, out: Any) -> None:
    np.add(x, 1.0, out)
    np.reciprocal(out, out)


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _leaky(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    slope = options["slope"]

    def kernel(x: Any, out: Any) -> None:
        np.multiply(x, slope, out)
        np.copyto(out, x, where=x > 0)

    return kernel


def _elu(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    alpha = options["alpha"]

    def kernel(x: Any, out: Any) -> None:
        np.minimum(x, 0.0, out=out)
        np.expm1(out, out)
        np.multiply(out, alpha, out)
        np.copyto(out, x, where=x > 0)

    return kernel


def _along(options: Options, x: Spec) -> Spec:
    if x.rank == 0:
        raise ShapeError("a single number has no entries to share 1 among", "give it a vector")
    if not all(x.shape[a] for a in axes_of(options["axis"], x.rank)):
        raise ShapeError("there are no entries to share 1 among", "give at least one")
    return Spec(x.shape)


def _softmax(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axis = options["axis"]

    def kernel(x: Any, out: Any) -> None:
        np.subtract(x, np.maximum.reduce(x, axis, keepdims=True), out)
        np.exp(out, out)
        np.divide(out, np.add.reduce(out, axis, keepdims=True), out)

    return kernel


def _log_softmax(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axis = options["axis"]

    def kernel(x: Any, out: Any) -> None:
        np.subtract(x, np.maximum.reduce(x, axis, keepdims=True), out)
        totals = np.add.reduce(np.exp(out), axis, keepdims=True)
        np.subtract(out, np.log(totals, totals), out)

    return kernel


def _row(name: str, doc: str, derivative: str, kernel: Any, scalar: Any, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Activations", "inputs": ("x",), "shape": elementwise, "elementwise": True,
        "analytic": True,
        "latex": rf"\mathrm{{{name}}}\left(<0>\right)".replace("_", r"\ "), **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative={"x": derivative}, kernel=kernel, scalar=scalar, **fields)


ROWS = (
    _row("sigmoid", "The logistic function, from 0 to 1.", "g * (y * (1 - y))",
         chain(np.negative, np.exp, _one_over), _sigmoid, formula="1 / (1 + exp(-x))",
         latex=r"\sigma\left(<0>\right)", aliases=("logistic", "activation"), calls=("logistic",)),
    _row("relu", "The value where it is positive, else 0.", "g * (x > 0)",
         lambda o, s: lambda x, out: np.maximum(x, 0.0, out=out), lambda x: x if x > 0 or x != x else 0.0,
         formula="where(x > 0, x, 0)", aliases=("rectifier", "activation", "ramp"), domain=_KINK),
    _row("leaky_relu", "The value where it is positive, else a small share of it.",
         "g * where(x > 0, 1, slope)", _leaky,
         lambda options: lambda x: x if x > 0 else options["slope"] * x,
         formula="where(x > 0, x, slope * x)", domain=_KINK, aliases=("activation",),
         options=(Option("slope", 0.01, "float", "The slope left of 0."),)),
    _row("elu", "The value where it is positive, else an exponential that ends at -alpha.",
         "g * where(x > 0, 1, y + alpha)", _elu,
         lambda options: lambda x: x if x > 0 else options["alpha"] * math.expm1(x),
         formula="where(x > 0, x, alpha * expm1(x))", domain=_KINK, aliases=("activation",),
         options=(Option("alpha", 1.0, "float", "How far below 0 it goes."),)),
    _row("softplus", "A smooth ramp: the logarithm of 1 plus e to the value.", "g * sigmoid(x)",
         lambda o, s: lambda x, out: np.logaddexp(0.0, x, out), _softplus,
         formula="log1p(exp(x))", aliases=("activation", "smooth")),
    _row("softmax", "Positive entries that sum to 1, larger where the value is larger.",
         f"y * (g - sum(g * y, {_SUM}))", _softmax, None, formula=f"exp(x) / sum(exp(x), {_SUM})",
         shape=_along, options=(_AXIS,), cases=_CASES, elementwise=False,
         aliases=("probabilities", "activation")),
    _row("log_softmax", "The logarithm of softmax, without overflow.",
         f"g - exp(y) * sum(g, {_SUM})", _log_softmax, None,
         formula="x - logsumexp(x, axis=axis, keepdims=True)", shape=_along, options=(_AXIS,),
         cases=_CASES, elementwise=False),
)  # fmt: skip

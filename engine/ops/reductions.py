"""Drawer "Reductions": one value from many, along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Kernel, Op, Option
from engine.shapes import Options, ShapeError, Spec, axes_of, reduction

AXIS = Option("axis", None, "axis", "The axis or axes to go along; None takes every entry.")
KEEPDIMS = Option("keepdims", False, "bool", "Keep the axis, with size 1.")
_LIKE = "axis=axis, keepdims=keepdims"
_TIED = f"(x == expand_as(y, x, {_LIKE}))"
_CASES = (
    Case(((2, 3),)), Case(((2, 3),), {"axis": 0}), Case(((2, 3),), {"axis": 1, "keepdims": True}),
    Case(((2, 3, 2),), {"axis": (0, 2)}), Case(((3,),), {"axis": -1}),
)  # fmt: skip


def _counted(options: Options, x: Spec) -> Spec:
    """A reduction that keeps whole numbers whole; truth values are counted."""
    return Spec(reduction(options, x).shape, "float" if x.kind == "float" else "int")


def _nonempty(options: Options, x: Spec) -> Spec:
    if any(x.shape[a] == 0 for a in axes_of(options["axis"], x.rank)):
        raise ShapeError("there is no largest or smallest of no entries", "give at least one row")
    return _counted(options, x)


def _some(options: Options, x: Spec) -> Spec:
    return Spec(_nonempty(options, x).shape)


def _reduce(function: Any) -> Any:
    """A binder for a ufunc's `reduce` along the row's axes."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axes, keep = axes_of(options["axis"], specs[0].rank), options["keepdims"]
        axis = axes[0] if len(axes) == 1 else axes
        reduce = function.reduce
        return lambda x, out: reduce(x, axis, None, out, keep)

    return bind


def _mean(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    total = _reduce(np.add)(options, specs)
    count = float(np.prod([specs[0].shape[a] for a in axes_of(options["axis"], specs[0].rank)]))

    def kernel(x: Any, out: Any) -> None:
        total(x, out)
        np.true_divide(out, count, out)

    return kernel


def _logsumexp(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axes, keep = axes_of(options["axis"], specs[0].rank), options["keepdims"]

    def kernel(x: Any, out: Any) -> None:
        top = np.max(x, axis=axes, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0).astype(x.dtype)
        total = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
        out[...] = total if keep else np.squeeze(total, axis=axes)

    return kernel


def _row(name: str, doc: str, derivative: str, kernel: Any, latex: str, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Reductions", "inputs": ("x",), "formula": f"{name}(x, {_LIKE})", "shape": reduction,
        "options": (AXIS, KEEPDIMS), "cases": _CASES, "analytic": True,
        "scalar": lambda options: lambda x: x, **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative={"x": derivative}, kernel=kernel, latex=latex, **fields)


ROWS = (
    _row("sum", "The sum of the entries.", f"expand_as(g, x, {_LIKE})", _reduce(np.add),
         r"\sum <0!>", label="Σ sum", aliases=("total",), shape=_counted),
    _row("mean", "The mean of the entries.",
         f"expand_as(g / size(x, axis=axis), x, {_LIKE})", _mean,
         r"\mathrm{mean}\left(<0>\right)", label="mean", aliases=("average",)),
    _row("max", "The largest entry; entries that tie share the gradient.",
         f"expand_as(g / sum({_TIED}, {_LIKE}), x, {_LIKE}) * {_TIED}", _reduce(np.maximum),
         r"\max\left(<0>\right)", label="max", calls=("amax",), shape=_nonempty, ties=True,
         domain={"x": Domain(-9.0, 9.0)}),
    _row("min", "The smallest entry; entries that tie share the gradient.",
         f"expand_as(g / sum({_TIED}, {_LIKE}), x, {_LIKE}) * {_TIED}", _reduce(np.minimum),
         r"\min\left(<0>\right)", label="min", calls=("amin",), shape=_nonempty, ties=True,
         domain={"x": Domain(-9.0, 9.0)}),
    _row("logsumexp", "The logarithm of the sum of exponentials; never overflows.",
         f"expand_as(g, x, {_LIKE}) * exp(x - expand_as(y, x, {_LIKE}))", _logsumexp,
         r"\ln \sum e^{<0>}", label="ln Σ eˣ", formula=f"log(sum(exp(x), {_LIKE}))",
         shape=_some),
)  # fmt: skip

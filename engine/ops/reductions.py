"""Drawer "Reductions": one value from many, along axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Kernel, Mend, Op, Option
from engine.shapes import Options, ShapeError, Spec, axes_of, reduction

AXIS = Option("axis", None, "axis", "The axis or axes to go along; None takes every entry.")
KEEPDIMS = Option("keepdims", False, "bool", "Keep the axis, with size 1.")
_LIKE = "axis=axis, keepdims=keepdims"
_TIED = f"(x == expand_as(y, x, {_LIKE}))"
_CASES = (
    Case(((2, 3),)), Case(((2, 3),), {"axis": 0}), Case(((2, 3),), {"axis": 1, "keepdims": True}),
    Case(((2, 3, 2),), {"axis": (0, 2)}), Case(((3,),), {"axis": -1}),
)  # fmt: skip
_OPTIONS = (AXIS, KEEPDIMS)
ALONG = Option("axis", 0, "int", "The axis along which to go.")
_CORRECTION = Option("correction", 0, "int", "0 divides by the count n, 1 by n - 1 (a sample).")
_ORDER = Option(
    "order", 2, "float", "1, 2 or inf: the sum of sizes, the length or the largest size."
)
_CENTRED = "(x - mean(x, axis=axis, keepdims=True))"
_DEGREES = "(size(x, axis=axis) - correction)"
_LARGEST = f"(abs(x) == expand_as(y, x, {_LIKE}))"
_SPREAD_CASES = (
    *_CASES,
    Case(((2, 3),), {"correction": 1}),
    Case(((4,),), {"axis": 0, "correction": 1}),
)
_ONE_AXIS = (
    Case(((2, 3),)), Case(((2, 3),), {"axis": 0}), Case(((2, 3),), {"axis": -1, "keepdims": True}),
    Case(((3,),)),
)  # fmt: skip
_RUNNING = (
    Case(((3,),)), Case(((2, 3),), {"axis": 1}), Case(((3, 2, 2),), {"axis": -3}),
    Case(((4,),), values={"x": (2.0, 0.0, -3.0, 0.0)}),
)  # fmt: skip


def _away(words: str, cost: int) -> Any:
    """Uses that take an axis away, keep it with size 1, or leave one number; `words` hold `{x}`."""

    def uses(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
        for axis in range(x.rank) if x.rank > 1 else ():
            if x.shape[axis] != 1:
                over = f"{words} over axis {axis}"
                yield Mend(over, cost, {"axis": axis})
                yield Mend(f"{over}, kept", cost + 1, {"axis": axis, "keepdims": True})
        if x.rank:
            yield Mend(f"{words} over all entries", cost + 3)

    return uses


def _counted(options: Options, x: Spec) -> Spec:
    """A reduction that keeps whole numbers whole; truth values are counted."""
    return Spec(reduction(options, x).shape, "float" if x.kind == "float" else "int")


def _nonempty(options: Options, x: Spec) -> Spec:
    if any(x.shape[a] == 0 for a in axes_of(options["axis"], x.rank)):
        raise ShapeError("there is no largest or smallest of no entries", "give at least one row")
    return _counted(options, x)


def _some(options: Options, x: Spec) -> Spec:
    return Spec(_nonempty(options, x).shape)


def _sized(options: Options, x: Spec) -> Spec:
    if options["correction"] not in (0, 1):
        raise ShapeError(
            f"correction is 0 or 1, not {options['correction']}", "0 divides by n and 1 by n - 1"
        )
    return reduction(options, x)


def _of_order(options: Options, x: Spec) -> Spec:
    order = options["order"]
    if order not in (1, 2, math.inf):
        raise ShapeError(f"there is no norm of order {order:g} here", "use 1, 2 or inf")
    if order == math.inf and any(x.shape[a] == 0 for a in axes_of(options["axis"], x.rank)):
        raise ShapeError("there is no largest of no entries", "give at least one")
    return reduction(options, x)


def _place_shape(options: Options, x: Spec) -> Spec:
    """The place of an entry along one axis, or among all entries."""
    if isinstance(options["axis"], tuple):
        raise ShapeError("places are counted along one axis", "name one axis, or None for all")
    return Spec(_nonempty(options, x).shape, "int")


def along(options: Options, x: Spec) -> Spec:
    """As many entries as before, computed along one axis."""
    axes_of(options["axis"], x.rank)
    return Spec(x.shape, "float" if x.kind == "float" else "int")


def _accumulate(function: Any) -> Any:
    """A binder for a ufunc's running result along one axis."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axis = options["axis"]
        accumulate = function.accumulate
        return lambda x, out: accumulate(x, axis, out.dtype, out)

    return bind


def _place(function: Any) -> Any:
    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axis, keep = options["axis"], options["keepdims"]

        def kernel(x: Any, out: Any) -> None:
            out[...] = function(x, axis, keepdims=keep)

        return kernel

    return bind


def _var(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """In two passes: the mean first, then the squares of what is left (no cancellation)."""
    axes, keep = axes_of(options["axis"], specs[0].rank), options["keepdims"]
    total: Any = np.add.reduce
    count = float(np.prod([specs[0].shape[a] for a in axes]))
    left = np.float64(count - options["correction"])

    def kernel(x: Any, out: Any) -> None:
        centred = np.asarray(x - total(x, axes, keepdims=True) / np.asarray(count, x.dtype))
        total(np.square(centred, centred), axes, None, out, keep)
        np.divide(out, np.asarray(left, x.dtype), out)

    return kernel


def _std(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    variance = _var(options, specs)

    def kernel(x: Any, out: Any) -> None:
        variance(x, out)
        np.sqrt(out, out)

    return kernel


def _norm(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axes, keep, order = (
        axes_of(options["axis"], specs[0].rank),
        options["keepdims"],
        options["order"],
    )
    if order != 2:
        reduce: Any = np.add.reduce if order == 1 else np.maximum.reduce
        return lambda x, out: reduce(np.abs(x), axes, None, out, keep)

    total: Any = np.add.reduce

    def kernel(x: Any, out: Any) -> None:
        total(np.square(x), axes, None, out, keep)
        np.sqrt(out, out)
        tiny = np.finfo(out.dtype).tiny ** 0.5
        if np.all((out > tiny * 1e8) & (out < np.inf)):
            return
        # squares that overflow or underflow: divided by the largest entry first
        top = np.maximum.reduce(np.abs(x), axes, keepdims=True, initial=0)
        scale = np.where((top > 0) & np.isfinite(top), top, 1).astype(out.dtype)
        total(np.square(x / scale), axes, None, out, keep)
        np.multiply(np.sqrt(out), scale if keep else np.squeeze(scale, axes), out)

    return kernel


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
        "options": _OPTIONS, "cases": _CASES, "analytic": True,
        "scalar": lambda options: lambda x: x, **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative={"x": derivative}, kernel=kernel, latex=latex, **fields)


ROWS = (
    _row("sum", "The sum of the entries.", f"expand_as(g, x, {_LIKE})", _reduce(np.add),
         r"\sum<_axis> <0!>", label="Σ sum", aliases=("total",), shape=_counted,
         adapts=_away("Sum {x}", 6)),
    _row("mean", "The mean of the entries.",
         f"expand_as(g / size(x, axis=axis), x, {_LIKE})", _mean,
         r"\mathrm{mean}<_axis>\left(<0>\right)", label="mean", aliases=("average",),
         adapts=_away("Average {x}", 7)),
    _row("max", "The largest entry; entries that tie share the gradient.",
         f"expand_as(g / sum({_TIED}, {_LIKE}), x, {_LIKE}) * {_TIED}", _reduce(np.maximum),
         r"\max<_axis>\left(<0>\right)", label="max", calls=("amax",), shape=_nonempty, ties=True,
         domain={"x": Domain(-9.0, 9.0)}, flat="outdone"),
    _row("min", "The smallest entry; entries that tie share the gradient.",
         f"expand_as(g / sum({_TIED}, {_LIKE}), x, {_LIKE}) * {_TIED}", _reduce(np.minimum),
         r"\min<_axis>\left(<0>\right)", label="min", calls=("amin",), shape=_nonempty, ties=True,
         domain={"x": Domain(-9.0, 9.0)}, flat="outdone"),
    _row("logsumexp", "The logarithm of the sum of exponentials; never overflows.",
         f"expand_as(g, x, {_LIKE}) * exp(x - expand_as(y, x, {_LIKE}))", _logsumexp,
         r"\ln \sum<_axis> e^{<0>}", label="ln Σ eˣ", formula=f"log(sum(exp(x), {_LIKE}))",
         shape=_some),
    _row("prod", "The product of the entries; right where some are 0, too.",
         f"expand_as(g, x, {_LIKE}) * (before(x, axis=axis) * after(x, axis=axis))",
         _reduce(np.multiply), r"\prod<_axis>\left(<0>\right)", label="Π prod", aliases=("product",),
         shape=_counted, cases=(*_CASES, *_RUNNING[3:], Case(((2, 2, 2),), {"axis": (0, 2)}, {
             "x": (((2.0, 0.0), (1.0, -1.0)), ((3.0, 0.5), (0.0, 0.0)))}))),
    _row("var", "The variance: the mean squared distance from the mean.",
         f"expand_as(g, x, {_LIKE}) * (2 * {_CENTRED} / {_DEGREES})", _var,
         r"\mathrm{var}<_axis>\left(<0>\right)", aliases=("variance",), options=(*_OPTIONS, _CORRECTION),
         formula=f"sum({_CENTRED}^2, {_LIKE}) / {_DEGREES}", shape=_sized, cases=_SPREAD_CASES,
         scalar=lambda options: lambda x: math.nan if options["correction"] else x * 0.0),
    _row("std", "The standard deviation; its gradient is 0 where all entries are equal.",
         f"expand_as(g / where(y == 0, 1, y), x, {_LIKE}) * ({_CENTRED} / {_DEGREES})", _std,
         r"\mathrm{std}<_axis>\left(<0>\right)", aliases=("deviation", "spread"),
         options=(*_OPTIONS, _CORRECTION), formula=f"sqrt(var(x, {_LIKE}, correction=correction))",
         shape=_sized, cases=_SPREAD_CASES,
         scalar=lambda options: lambda x: math.nan if options["correction"] else x * 0.0),
    _row("norm", "The length: of order 2 (Frobenius for matrices), 1 or inf; its gradient at 0 is 0.",
         f"where(order == 2, x * expand_as(g / where(y == 0, 1, y), x, {_LIKE}), sign(x) * where("
         f"order == 1, expand_as(g, x, {_LIKE}), expand_as(g / sum({_LARGEST}, {_LIKE}), x, {_LIKE})"
         f" * {_LARGEST}))",
         _norm, r"\left\|<0>\right\|<_axis>", label="‖x‖ norm", aliases=("length", "frobenius", "euclidean"),
         formula=f"norm(x, {_LIKE}, order=order)",
         options=(*_OPTIONS, _ORDER), shape=_of_order, analytic=False, scalar=lambda options: abs, ties=True,
         domain={"x": Domain(-9.0, 9.0, (0.0,))}, cases=(
             *_CASES, *(Case(c.shapes, {**c.options, "order": p}) for p in (1, math.inf) for c in _CASES[:3]),
         )),
    _row("argmax", "The place of the largest entry, counted from 0; of the first one that ties.", "none",
         _place(np.argmax), "", label="argmax", shape=_place_shape, cases=_ONE_AXIS, ties=True,
         scalar=None, domain={"x": Domain(-9.0, 9.0)}),
    _row("argmin", "The place of the smallest entry, counted from 0; of the first one that ties.", "none",
         _place(np.argmin), "", label="argmin", shape=_place_shape, cases=_ONE_AXIS, ties=True,
         scalar=None, domain={"x": Domain(-9.0, 9.0)}),
    _row("cumsum", "Running sums along an axis.", "flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis)",
         _accumulate(np.add), "", formula="cumsum(x, axis=axis)", shape=along, options=(ALONG,),
         scalar=None, cases=_RUNNING, aliases=("running", "cumulative", "prefix")),
    _row("cumprod", "Running products along an axis.",
         "before(x, axis=axis) * (g + scan_after(g * x, x, axis=axis))",
         _accumulate(np.multiply), "", formula="cumprod(x, axis=axis)", shape=along, options=(ALONG,),
         scalar=None, cases=_RUNNING, aliases=("running", "cumulative")),
)  # fmt: skip

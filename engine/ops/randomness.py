"""Drawer "Random": numbers drawn by the run's seed, the node and the step; noise and dropout.

A draw is made in float64 (masks: in float32) and rounded to the document's precision, so that a
document draws the same numbers in either. A derivative that calls a row with the node's key and
clock replays the node's draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.ops.row import Array, Binder, Case, Kernel, Op, Option
from engine.shapes import Options, ShapeError, ShapeRule, Spec

_KEYED = "key=key, clock=clock"
_SHAPES = (Case(((2, 3),)), Case(((3,),)), Case(((),)))


def _draws(function: Callable[..., Any]) -> Binder:
    """A binder for `function(options, random, *operands, out)`, given the step's generator."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        clock, key = options["clock"], options["key"]
        return lambda *args: function(options, clock.generator(key), *args)

    return bind


def _shape(*shares: str, deviation: str = "", order: tuple[str, str] | None = None) -> ShapeRule:
    """Floats in the operand's shape, with the options checked: `shares` are from 0 to 1."""

    def rule(options: Options, x: Spec) -> Spec:
        for name in shares:
            if not 0 <= options[name] <= 1:
                raise ShapeError(f"{name} is {options[name]:g}", "give a share from 0 to 1")
        if deviation and not options[deviation] >= 0:
            raise ShapeError(f"{deviation} is {options[deviation]:g}", "give a number of 0 or more")
        if order and not options[order[0]] <= options[order[1]]:
            low, high = order
            raise ShapeError(
                f"{low} is {options[low]:g} and {high} is {options[high]:g}", "swap the two"
            )
        return Spec(x.shape)

    return rule


def _rate(options: Options, x: Spec) -> Spec:
    if not 0 <= options["rate"] < 1:
        raise ShapeError(
            f"the rate of dropout is {options['rate']:g}", "give a share from 0 to below 1"
        )
    return Spec(x.shape)


def _normal(options: Options, random: Any, like: Any, out: Array) -> None:
    values = random.standard_normal(out.shape)
    out[...] = options["mean"] + options["deviation"] * values


def _uniform(options: Options, random: Any, like: Any, out: Array) -> None:
    low, high = options["low"], options["high"]
    out[...] = low + (high - low) * random.random(out.shape)
    number = out.dtype.type
    np.minimum(out, np.nextafter(number(high), number(low)), out=out)  # rounding may reach `high`


def _share(random: Any, share: float, shape: tuple[int, ...]) -> Any:
    """Truth values of which each is 1 with probability `share`."""
    return random.random(shape, np.float32) < share


def _bernoulli(options: Options, random: Any, like: Any, out: Array) -> None:
    out[...] = _share(random, options["p"], out.shape)


def _gaussian_noise(options: Options, random: Any, x: Any, out: Array) -> None:
    out[...] = x + options["deviation"] * random.standard_normal(out.shape)


def _masking_noise(options: Options, random: Any, x: Any, out: Array) -> None:
    gone = _share(random, options["share"], out.shape)
    np.copyto(out, x)
    np.copyto(out, 0.0, where=gone)


def _salt_and_pepper(options: Options, random: Any, x: Any, out: Array) -> None:
    place = random.random(out.shape)
    np.copyto(out, x)
    np.copyto(out, options["high"], where=place < options["share"])
    np.copyto(out, options["low"], where=place < options["share"] / 2)


def _mask(options: Options, random: Any, x: Any, out: Array) -> None:
    np.multiply(~_share(random, options["rate"], out.shape), 1 / (1 - options["rate"]), out)


def _dropout(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    if not options["training"]:
        return lambda x, out: np.copyto(out, x)

    def kernel(options: Options, random: Any, x: Any, out: Array) -> None:
        _mask(options, random, x, out)
        np.multiply(out, x, out)

    return _draws(kernel)(options, specs)


def _source(name: str, doc: str, kernel: Any, latex: str, **rest: Any) -> Op:
    return Op(
        name, "Random", doc, ("like",), f"{name}(like)", {"like": "none"}, kernel=_draws(kernel),
        latex=rf"{latex}_{{<0>}}", shape_only=frozenset({"like"}), statics=("key", "clock"),
        cases=_SHAPES, **rest,
    )  # fmt: skip


def _noise(name: str, doc: str, derivative: str, formula: str, **rest: Any) -> Op:
    fields: dict[str, Any] = {"statics": ("key", "clock"), **rest}
    return Op(
        name, "Random", doc, ("x",), formula, {"x": derivative}, elementwise=True,
        latex=rf"\mathrm{{{name}}}\left(<0>\right)".replace("_", r"\ "), **fields,
    )  # fmt: skip


def _again(row: Op) -> Op:
    """The row that draws once more what a node drew: its draw follows the step it is wired to."""
    kernel, shape = row.kernel, row.shape
    assert kernel is not None

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        drawn = kernel(options, specs[:1])
        return lambda like, draw, out: drawn(like, out)

    return Op(
        f"{row.name}_again", "Random", f"{row.doc[:-1]}; the same that another node drew.",
        ("like", "draw"), f"{row.name}_again(like, draw)", {"like": "none", "draw": "none"},
        lambda options, like, draw: shape(options, like), bind, options=row.options, hidden=True,
        shape_only=frozenset({"like", "draw"}), statics=("key", "clock"), redraws=row.name,
        latex=row.latex, label=f"{row.label or row.name}, again",
        cases=(Case(((2, 3), (2, 3))), Case(((3,), (3,)))),
    )  # fmt: skip


_RATE = Option("rate", 0.5, "float", "The share of entries set to 0 while training.")
_PLACE = f"random_uniform(x, low=0, high=1, {_KEYED})"
_REDRAWN = ("random_uniform", "random_bernoulli", "dropout_mask")
"""What derivatives draw again."""

_ROWS = (
    _source(
        "random_normal", "Numbers from the normal distribution, one for each entry of the operand.",
        _normal, r"\mathcal{N}", label="normal", shape=_shape(deviation="deviation"),
        options=(
            Option("mean", 0.0, "float", "The mean."),
            Option("deviation", 1.0, "float", "The standard deviation, 0 or more."),
        ),
        aliases=("gaussian", "noise", "sample", "randn"),
    ),
    _source(
        "random_uniform", "Numbers drawn evenly between two bounds, one for each entry of the operand.",
        _uniform, r"\mathcal{U}", label="uniform", shape=_shape(order=("low", "high")),
        options=(
            Option("low", 0.0, "float", "The smallest that can be drawn."),
            Option("high", 1.0, "float", "Every number is below it."),
        ),
        aliases=("noise", "sample", "rand"),
    ),
    _source(
        "random_bernoulli", "1 with a given probability, else 0, for each entry of the operand.",
        _bernoulli, r"\mathcal{B}", label="Bernoulli", shape=_shape("p"),
        options=(Option("p", 0.5, "float", "The probability of a 1."),),
        aliases=("coin", "mask", "sample"),
    ),
    _noise(
        "dropout", "While training, a share of entries set to 0 and the others scaled up; else as it is.",
        "g * where(training, dropout_mask(x, rate=rate, key=key, clock=clock), 1)",
        "x * where(training, dropout_mask(x, rate=rate, key=key, clock=clock), 1)",
        kernel=_dropout, statics=("key", "clock", "training"), shape=_rate, options=(_RATE,), analytic=True,
        aliases=("regularization",), cases=(Case((), {"rate": 0.25}),), flat="masked",
    ),
    _noise(
        "gaussian_noise", "The value with normally distributed noise added, also outside training.",
        "g", f"x + deviation * random_normal(x, {_KEYED})",
        kernel=_draws(_gaussian_noise), shape=_shape(deviation="deviation"),
        options=(Option("deviation", 0.1, "float", "The noise's standard deviation, 0 or more."),),
        analytic=True, aliases=("normal", "corrupt", "denoising"),
    ),
    _noise(
        "masking_noise", "The value with a share of its entries set to 0, also outside training.",
        f"g * (random_bernoulli(x, p=share, {_KEYED}) == 0)",
        f"where(random_bernoulli(x, p=share, {_KEYED}), 0, x)",
        kernel=_draws(_masking_noise), shape=_shape("share"),
        options=(Option("share", 0.3, "float", "The share of entries set to 0."),),
        analytic=True, aliases=("corrupt", "denoising", "mask"), flat="masked",
    ),
    _noise(
        "salt_and_pepper",
        "The value with a share of its entries set to a low or a high number, also outside training.",
        f"g * ({_PLACE} >= share)",
        f"where({_PLACE} < share / 2, low, where({_PLACE} < share, high, x))",
        kernel=_draws(_salt_and_pepper), shape=_shape("share"), label="salt and pepper",
        options=(
            Option("share", 0.1, "float", "The share of entries replaced."),
            Option("low", 0.0, "float", "What half of them become."),
            Option("high", 1.0, "float", "What the other half become."),
        ),
        aliases=("impulse", "corrupt", "denoising", "noise"), flat="masked",
    ),
    Op(
        "dropout_mask", "Random", "What dropout multiplies by: 0, or 1 over the share that is kept.",
        ("x",), "dropout_mask(x)", {"x": "none"}, _rate, _draws(_mask), options=(_RATE,), hidden=True,
        shape_only=frozenset({"x"}), statics=("key", "clock"), cases=_SHAPES,
    ),
)  # fmt: skip
ROWS: tuple[Op, ...] = (
    *_ROWS,
    *(_again(row) for row in _ROWS if row.name in _REDRAWN),
    Op(
        "in_training", "Random", "1 while training, else 0; what it is wired to is not read.", ("like",),
        "in_training(like)", {"like": "none"}, lambda options, like: Spec(),
        lambda options, specs: lambda like, out: out.fill(options["training"]),
        shape_only=frozenset({"like"}), statics=("training",), hidden=True,
        latex=r"\mathrm{training}", cases=_SHAPES,
    ),
)  # fmt: skip

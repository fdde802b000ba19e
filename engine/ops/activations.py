"""Drawer "Activations": the nonlinearities of neural networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.kernels import between, clip_kernel, clip_scalar, erfc, special
from engine.ops.row import Case, Domain, Kernel, Op, Option, chain, returns
from engine.shapes import Options, ShapeError, Spec, axes_of, elementwise

_KINK = {"x": Domain(kinks=(0.0,))}
_AXIS = Option("axis", -1, "int", "The axis along which the entries sum to 1.")
_SUM = "axis=axis, keepdims=True"
_APPROXIMATE = Option("approximate", False, "bool", "Use the tanh in place of the error function.")
_TANH_TOO = (Case((), {"approximate": True}),)
_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., 2017
_TAIL = _SCALE * _ALPHA
_ROOT_HALF = math.sqrt(0.5)
_PEAK = 1.0 / math.sqrt(2.0 * math.pi)
_STEEP = 2.0 * math.sqrt(2.0 / math.pi)
_CUBE = 0.044715  # Hendrycks and Gimpel, 2016
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


def _selu(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    def kernel(x: Any, out: Any) -> None:
        np.minimum(x, 0.0, out=out)
        np.expm1(out, out)
        np.multiply(out, _TAIL, out)
        np.multiply(x, _SCALE, out, where=x > 0)

    return kernel


def _celu_shape(options: Options, x: Spec) -> Spec:
    if not options["alpha"] > 0:
        raise ShapeError(f"alpha is {options['alpha']:g}", "give a number above 0")
    return elementwise(options, x)


def _celu(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    alpha = options["alpha"]

    def kernel(x: Any, out: Any) -> None:
        np.minimum(x, 0.0, out=out)
        np.divide(out, alpha, out)
        np.expm1(out, out)
        np.multiply(out, alpha, out)
        np.copyto(out, x, where=x > 0)

    return kernel


def _celu_scalar(options: Options) -> Any:
    alpha = options["alpha"]
    return lambda x: x if x > 0 else alpha * math.expm1(x / alpha)


def _prelu(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    def kernel(x: Any, slope: Any, out: Any) -> None:
        np.multiply(x, slope, out)
        np.copyto(out, x, where=x > 0)

    return kernel


def _gated(gate: Kernel, low: float) -> Kernel:
    """The value times its gate, which is 0 from `low` down: there -inf gives 0 too."""

    def kernel(x: Any, out: Any) -> None:
        gate(x, out)
        np.multiply(out, np.maximum(x, low), out)

    return kernel


_sigmoid_kernel = chain(np.negative, np.exp, _one_over)({}, ())


def _sigmoid_to_the_end(x: Any, out: Any) -> None:
    """As the logistic function's kernel, down to the smallest numbers."""
    e = np.exp(-np.absolute(x))
    np.add(e, 1.0, out)
    np.divide(np.where(x < 0, e, 1.0), out, out)


_LOWEST = -800.0  # e to this power is 0


def _steepness(x: Any) -> Any:
    """The argument of the logistic function that stands in for the normal law's."""
    return _STEEP * (x + _CUBE * x * x * x)


def _gate(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """The share of a normal law that lies below the value."""
    if options["approximate"]:
        return lambda x, out: _sigmoid_kernel(_steepness(x), out)
    tail = special("erfc")

    def kernel(x: Any, out: Any) -> None:
        np.multiply(x, -_ROOT_HALF, out)
        tail(out, out)
        np.multiply(out, 0.5, out)

    return kernel


def _gate_scalar(options: Options) -> Any:
    if options["approximate"]:
        return lambda x: _sigmoid(_steepness(x))
    return lambda x: 0.5 * erfc(-_ROOT_HALF * x)


def _gelu_scalar(options: Options) -> Any:
    gate = _gate_scalar(options)
    return lambda x: max(x, _LOWEST) * gate(x)


def _density(options: Options, x: Any) -> Any:
    """The slope of the gate; the approximate one is 0 to every digit beyond 100."""
    if not options["approximate"]:
        return _PEAK * np.exp(-0.5 * x * x)
    x = np.clip(x, -100.0, 100.0)
    e = np.exp(-np.abs(_steepness(x)))
    return _STEEP * (1 + 3 * _CUBE * x * x) * e / ((1 + e) * (1 + e))


def _mish(x: Any, out: Any) -> None:
    np.logaddexp(0.0, x, out)
    np.tanh(out, out)


def _softsign(x: Any, out: Any) -> None:
    np.absolute(x, out)
    np.add(out, 1.0, out)
    np.divide(x, out, out)
    np.copyto(out, np.sign(x), where=np.isinf(x))


def _softsign_scalar(x: float) -> float:
    return x / (1.0 + abs(x)) if math.isfinite(x) else math.copysign(1.0, x) if x == x else x


def _hard(name: str, doc: str, low: float, high: float, **rest: Any) -> Op:
    """The value between two fixed limits."""
    limits = {"low": low, "high": high}
    return _row(
        name, doc, f"g * ((x > {low:g}) * (x < {high:g}))", lambda o, s: clip_kernel(limits, s),
        clip_scalar(limits), formula=f"clip(x, {low:g}, {high:g})",
        domain={"x": Domain(low - 1.0, high + 1.0, (low, high))}, flat="clipped", steepest=1.0, **rest,
    )  # fmt: skip


def _hard_gate(x: Any, out: Any) -> None:
    np.add(x, 3.0, out)
    np.maximum(out, 0.0, out=out)
    np.minimum(out, 6.0, out=out)
    np.divide(out, 6.0, out)


def _hard_gate_scalar(x: float) -> float:
    return (0.0 if x < -3.0 else 6.0 if x > 3.0 else x + 3.0) / 6.0


def _groups(options: Options, x: Spec) -> tuple[int, int, int]:
    """The axis as a positive number, its size, and how many entries compete in a group."""
    if x.rank == 0:
        raise ShapeError("a single number has no entries to choose among", "give it a vector")
    axis, pieces = axes_of(options["axis"], x.rank)[0], options["pieces"]
    size = x.shape[axis]
    if pieces < 1:
        raise ShapeError(f"pieces is {pieces}", "give 1 or more")
    return axis, size, pieces


def _pooled(options: Options, x: Spec) -> Spec:
    axis, size, pieces = _groups(options, x)
    if size % pieces:
        raise ShapeError(
            f"{size} entries along axis {axis} do not form groups of {pieces}",
            f"give a number of pieces that divides {size}",
        )
    return Spec((*x.shape[:axis], size // pieces, *x.shape[axis + 1 :]))


def _repeated(options: Options, x: Spec) -> Spec:
    axis, size, pieces = _groups(options, x)
    return Spec((*x.shape[:axis], size * pieces, *x.shape[axis + 1 :]))


def _by_group(function: Any) -> Any:
    """A binder for a ufunc's `reduce` over groups of neighbours along an axis."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axis, size, pieces = _groups(options, specs[0])
        shape = specs[0].shape
        grouped = (*shape[:axis], size // pieces, pieces, *shape[axis + 1 :])
        return lambda x, out: function.reduce(x.reshape(grouped), axis + 1, None, out)

    return bind


def _halves(options: Options, x: Spec) -> Spec:
    if x.rank == 0:
        raise ShapeError("a single number has no halves", "give it a vector")
    axis = axes_of(options["axis"], x.rank)[0]
    if x.shape[axis] % 2:
        raise ShapeError(
            f"{x.shape[axis]} entries along axis {axis} have no halves", "give an even number"
        )
    return Spec((*x.shape[:axis], x.shape[axis] // 2, *x.shape[axis + 1 :]))


def _glu(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axis = axes_of(options["axis"], specs[0].rank)[0]
    half = specs[0].shape[axis] // 2
    lead = (slice(None),) * axis
    first, second = (*lead, slice(half)), (*lead, slice(half, None))

    def kernel(x: Any, out: Any) -> None:
        _sigmoid_kernel(x[second], out)
        np.multiply(out, x[first], out)

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


def _row(
    name: str, doc: str, derivative: str | dict[str, str], kernel: Any, scalar: Any, **rest: Any
) -> Op:
    given = {"x": derivative} if isinstance(derivative, str) else derivative
    fields: dict[str, Any] = {
        "category": "Activations", "inputs": tuple(given), "shape": elementwise, "elementwise": True,
        "analytic": True,
        "latex": rf"\mathrm{{{name}}}\left(<0>\right)".replace("_", r"\ "), **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=given, kernel=kernel, scalar=scalar, **fields)


_GATE = "gelu_gate(x, approximate=approximate)"
_GROUPS = "pieces=pieces, axis=axis"
_WINNERS = f"(x == repeat_pieces(y, {_GROUPS}))"
_GATING = "sigmoid(part_of(x, y, y, axis=axis, part=1))"
_PIECES = Option("pieces", 2, "int", "How many neighbouring entries compete for one place.")
_FEATURES = Option("axis", -1, "int", "The axis that is divided.")
_PIECE_CASES = (
    Case(((4,),)), Case(((2, 6),), {"pieces": 3}), Case(((4, 3),), {"axis": 0}),
    Case(((2, 4, 3),), {"axis": 1, "pieces": 4}), Case(((3,),), {"pieces": 1}),
)  # fmt: skip

ROWS = (
    _row("sigmoid", "The logistic function, from 0 to 1.", "g * (y * (1 - y))",
         chain(np.negative, np.exp, _one_over), _sigmoid, formula="1 / (1 + exp(-x))",
         latex=r"\sigma\left(<0>\right)", aliases=("logistic", "activation"), calls=("logistic",),
         flat="saturated", steepest=0.25),
    _row("relu", "The value where it is positive, else 0.", "g * (x > 0)",
         lambda o, s: lambda x, out: np.maximum(x, 0.0, out=out), lambda x: x if x > 0 or x != x else 0.0,
         formula="where(x > 0, x, 0)", aliases=("rectifier", "activation", "ramp"), domain=_KINK,
         flat="dead"),
    _row("leaky_relu", "The value where it is positive, else a small share of it.",
         "g * where(x > 0, 1, slope)", _leaky,
         lambda options: lambda x: x if x > 0 else options["slope"] * x,
         formula="where(x > 0, x, slope * x)", domain=_KINK, aliases=("activation", "lrelu"),
         options=(Option("slope", 0.01, "float", "The slope left of 0."),)),
    _row("elu", "The value where it is positive, else an exponential that ends at -alpha.",
         "g * where(x > 0, 1, y + alpha)", _elu,
         lambda options: lambda x: x if x > 0 else options["alpha"] * math.expm1(x),
         formula="where(x > 0, x, alpha * expm1(x))", domain=_KINK, aliases=("activation",),
         options=(Option("alpha", 1.0, "float", "How far below 0 it goes."),),
         flat="saturated", steepest=1.0),
    _row("softplus", "A smooth ramp: the logarithm of 1 plus e to the value.", "g * sigmoid(x)",
         lambda o, s: lambda x, out: np.logaddexp(0.0, x, out), _softplus,
         formula="log1p(exp(x))", aliases=("activation", "smooth"), flat="saturated", steepest=1.0),
    _row("prelu", "The value where it is positive, else the value times a slope that can be learned.",
         {"x": "g * where(x > 0, 1, slope)", "slope": "g * where(x > 0, 0, x)"}, _prelu,
         lambda x, slope: x if x > 0 else slope * x, formula="where(x > 0, x, slope * x)",
         latex=r"\mathrm{prelu}\left(<0>, <1>\right)", domain=_KINK,
         aliases=("activation", "parametric", "leaky")),
    _row("selu", "A scaled elu, under which values keep mean 0 and variance 1 from layer to layer.",
         f"g * where(x > 0, {_SCALE!r}, y + {_TAIL!r})", _selu,
         lambda x: _SCALE * x if x > 0 else _TAIL * math.expm1(x), domain=_KINK,
         formula=f"{_SCALE!r} * where(x > 0, x, {_ALPHA!r} * expm1(x))",
         aliases=("activation", "normalizing"), flat="saturated", steepest=_TAIL),
    _row("celu", "As elu, with a slope that has no jump at 0 whatever alpha is.",
         "g * where(x > 0, 1, y / alpha + 1)", _celu, _celu_scalar, shape=_celu_shape,
         formula="where(x > 0, x, alpha * expm1(x / alpha))", domain=_KINK, aliases=("activation",),
         options=(Option("alpha", 1.0, "float", "How far below 0 it goes; above 0."),),
         cases=(Case((), {"alpha": 0.6}),), flat="saturated", steepest=1.0),
    _row("gelu", "The value times the share of a normal law that lies below it.",
         f"g * ({_GATE} + x * gelu_density(x, approximate=approximate))",
         lambda o, s: _gated(_gate(o, s), _LOWEST), _gelu_scalar, options=(_APPROXIMATE,),
         formula=f"where(approximate, x * sigmoid({_STEEP!r} * (x + {_CUBE!r} * x^3)), "
         "0.5 * x * erfc(-x / sqrt(2)))", cases=_TANH_TOO,
         aliases=("activation", "gaussian", "normal", "transformer"), flat="saturated", steepest=1.129),
    _row("gelu_gate", "The share of a normal law that lies below the value.",
         "g * gelu_density(x, approximate=approximate)", _gate, _gate_scalar,
         options=(_APPROXIMATE,), hidden=True, analytic=False, cases=_TANH_TOO,
         formula=_GATE, latex=r"\Phi\left(<0>\right)"),
    _row("gelu_density", "The density of a normal law at the value.",
         f"g * (y * where(approximate, {6 * _CUBE!r} * x / (1 + {3 * _CUBE!r} * x^2) + "
         f"{_STEEP!r} * (1 + {3 * _CUBE!r} * x^2) * (1 - 2 * {_GATE}), -x))", returns(_density),
         lambda options: lambda x: float(_density(options, np.float64(x))), options=(_APPROXIMATE,),
         hidden=True, analytic=False, cases=_TANH_TOO,
         formula="gelu_density(x, approximate=approximate)", latex=r"\varphi\left(<0>\right)"),
    _row("silu", "The value times its logistic function.",
         "g * (sigmoid(x) + y * (1 - sigmoid(x)))",
         lambda o, s: _gated(_sigmoid_to_the_end, _LOWEST), lambda x: max(x, _LOWEST) * _sigmoid(x),
         formula="x * sigmoid(x)", aliases=("swish", "activation"), calls=("swish",),
         flat="saturated", steepest=1.0999),
    _row("mish", "The value times the hyperbolic tangent of its softplus.",
         "g * (tanh(softplus(x)) + x * sigmoid(x) * (1 - tanh(softplus(x))^2))",
         lambda o, s: _gated(_mish, _LOWEST), lambda x: max(x, _LOWEST) * math.tanh(_softplus(x)),
         formula="x * tanh(softplus(x))", aliases=("activation", "smooth"),
         flat="saturated", steepest=1.0885),
    _row("softsign", "The value over 1 more than its size, from -1 to 1.", "g * (1 / (1 + abs(x))^2)",
         lambda o, s: _softsign, _softsign_scalar, formula="x / (1 + abs(x))", domain=_KINK,
         aliases=("activation", "squash"), flat="saturated", steepest=1.0),
    _row("logsigmoid", "The logarithm of the logistic function, without underflow.",
         "g * sigmoid(-x)", chain(np.negative, lambda a, out: np.logaddexp(0.0, a, out), np.negative),
         lambda x: -_softplus(-x), formula="-softplus(-x)", latex=r"\ln \sigma\left(<0>\right)",
         aliases=("log_sigmoid", "activation"), calls=("log_sigmoid",), flat="saturated", steepest=1.0),
    _row("hardtanh", "The value, kept between two limits that have slope 0 themselves.",
         "g * ((x > low) * (x < high))", clip_kernel, clip_scalar, shape=between,
         formula="clip(x, low=low, high=high)", domain={"x": Domain(kinks=(-1.0, 1.0, -0.5, 1.5))},
         options=(Option("low", -1.0, "float", "The smallest result."),
                  Option("high", 1.0, "float", "The largest result.")),
         cases=(Case((), {"low": -0.5, "high": 1.5}),), aliases=("activation", "clip", "squash"),
         flat="clipped", steepest=1.0),
    _hard("relu6", "The value where it lies between 0 and 6, else the nearer of the two.", 0.0, 6.0,
          aliases=("activation", "mobile")),
    _row("hardsigmoid", "A straight line from 0 at -3 to 1 at 3, level outside.",
         "g * ((x > -3) * (x < 3) / 6)", lambda o, s: _hard_gate, _hard_gate_scalar,
         formula="clip(x + 3, 0, 6) / 6", domain={"x": Domain(-4.5, 4.5, (-3.0, 3.0))},
         aliases=("activation", "mobile"), flat="clipped", steepest=1 / 6),
    _row("hardswish", "The value times its hardsigmoid.",
         "g * where(x > -3, where(x < 3, x / 3 + 0.5, 1), 0)",
         lambda o, s: _gated(_hard_gate, -3.0), lambda x: max(x, -3.0) * _hard_gate_scalar(x),
         formula="x * hardsigmoid(x)", domain={"x": Domain(-4.5, 4.5, (-3.0, 3.0))},
         aliases=("activation", "mobile", "hardsilu"), flat="dead"),
    _row("maxout", "The largest of each group of neighbours along an axis; a tie shares the gradient.",
         f"repeat_pieces(g / sum_pieces({_WINNERS}, {_GROUPS}), {_GROUPS}) * {_WINNERS}",
         _by_group(np.maximum), None, formula=f"maxout(x, {_GROUPS})", shape=_pooled, ties=True,
         options=(_PIECES, _FEATURES), cases=_PIECE_CASES, elementwise=False,
         domain={"x": Domain(-9.0, 9.0)}, aliases=("activation", "groups"), flat="outdone"),
    _row("sum_pieces", "The sum of each group of neighbours along an axis.",
         f"repeat_pieces(g, {_GROUPS})", _by_group(np.add), None, formula=f"sum_pieces(x, {_GROUPS})",
         shape=_pooled, options=(_PIECES, _FEATURES), cases=_PIECE_CASES, elementwise=False,
         hidden=True, analytic=False),
    _row("repeat_pieces", "Every entry repeated for its group along an axis.",
         f"sum_pieces(g, {_GROUPS})",
         returns(lambda o, x: np.repeat(x, o["pieces"], _groups(o, Spec(x.shape))[0])), None,
         formula=f"repeat_pieces(x, {_GROUPS})", shape=_repeated, options=(_PIECES, _FEATURES),
         cases=_PIECE_CASES, elementwise=False, hidden=True, analytic=False),
    _row("glu", "The first half along an axis times the logistic function of the second.",
         f"concat(g * {_GATING}, g * y * (1 - {_GATING}), axis=axis)", _glu, None,
         formula="glu(x, axis=axis)", shape=_halves, options=(_FEATURES,), elementwise=False,
         aliases=("activation", "gated"),
         cases=(Case(((4,),)), Case(((4, 3),), {"axis": 0}), Case(((2, 6, 3),), {"axis": 1}))),
    _row("softmax", "Positive entries that sum to 1, larger where the value is larger.",
         f"y * (g - sum(g * y, {_SUM}))", _softmax, None, formula=f"exp(x) / sum(exp(x), {_SUM})",
         shape=_along, options=(_AXIS,), cases=_CASES, elementwise=False,
         aliases=("probabilities", "activation"), flat="saturated", steepest=0.25, own_slope="y * (1 - y)"),
    _row("log_softmax", "The logarithm of softmax, without overflow.",
         f"g - exp(y) * sum(g, {_SUM})", _log_softmax, None,
         formula="x - logsumexp(x, axis=axis, keepdims=True)", shape=_along, options=(_AXIS,),
         cases=_CASES, elementwise=False, flat="saturated"),
)  # fmt: skip

"""Drawer "Arithmetic": sums, products, quotients, powers, smaller and larger."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from engine.ops.kernels import between, clip_kernel, clip_scalar
from engine.ops.row import Case, Domain, Kernel, Op, Option, counting, ufunc
from engine.shapes import Options, Spec, arithmetic, elementwise

_CATEGORY = "Arithmetic"
_AWAY = Domain(0.3, 2.0)
_WHOLE = Domain(kinks=(-2.0, -1.0, 0.0, 1.0, 2.0))
_HALVES = Domain(kinks=(-1.5, -0.5, 0.5, 1.5))


def _fold_add(a: Any, b: Any) -> Any:
    return b if a == 0.0 else a if b == 0.0 else None


def _fold_sub(a: Any, b: Any) -> Any:
    return a if b == 0.0 else None


def _fold_mul(a: Any, b: Any) -> Any:
    if a == 0.0 or b == 0.0:
        return 0.0
    return b if a == 1.0 else a if b == 1.0 else None


def _fold_div(a: Any, b: Any) -> Any:
    return a if b == 1.0 else 0.0 if a == 0.0 else None


def _fold_pow(a: Any, b: Any) -> Any:
    return a if b == 1.0 else 1.0 if b == 0.0 else None


def _divide(a: float, b: float) -> float:
    """`a / b` with IEEE's answer for a zero divisor."""
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0.0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _power(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """Small whole exponents have kernels many times faster than the general power."""
    special = (
        {2.0: np.square, -1.0: np.reciprocal} if specs[0].kind == "float" else {2.0: np.square}
    )
    function: Any = special.get(specs[1].value) if specs[1].value is not None else None
    if function is None:
        return np.power
    return lambda a, b, out: function(a, out)


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0)) if x == x else math.nan


def _maximum(a: Any, b: Any, out: Any) -> None:
    np.maximum(a, b, out=out)  # these two take `out` by name only


def _minimum(a: Any, b: Any, out: Any) -> None:
    np.minimum(a, b, out=out)


def _larger(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _smaller(a: float, b: float) -> float:
    return a if a <= b or a != a else b


def _binary(name: str, doc: str, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": _CATEGORY, "inputs": ("a", "b"), "shape": arithmetic, "elementwise": True,
        "analytic": True, **rest,
    }  # fmt: skip
    return Op(name, doc=doc, **fields)


def _step(name: str, doc: str, function: Any, scalar: Any, domain: Domain, **rest: Any) -> Op:
    """A row that is flat between jumps."""
    return _binary(
        name, doc, inputs=("x",), formula=f"{name}(x)", derivative={"x": "0"}, shape=elementwise,
        kernel=ufunc(function), scalar=lambda x: float(scalar(x)), domain={"x": domain},
        analytic=False, **rest,
    )  # fmt: skip


def _unary(name: str, doc: str, **rest: Any) -> Op:
    return _binary(name, doc, inputs=("x",), **rest)


ROWS = (
    _binary(
        "add", "The sum of two values.", formula="a + b", derivative={"a": "g", "b": "g"},
        kernel=counting(np.add), scalar=operator.add, symbol="+", label="+ add", verbs=("adds", "added"),
        aliases=("plus", "sum", "+"), fold=_fold_add,
    ),
    _binary(
        "sub", "The difference of two values.", formula="a - b",
        derivative={"a": "g", "b": "-g"}, kernel=counting(np.subtract), scalar=operator.sub,
        symbol="-", label="− subtract", verbs=("subtracts", "subtracted"),
        aliases=("minus", "difference", "-"), fold=_fold_sub,
    ),
    _binary(
        "mul", "The product of two values, entry by entry.", formula="a * b",
        derivative={"a": "g * b", "b": "g * a"}, kernel=counting(np.multiply), scalar=operator.mul,
        symbol="*", label="× multiply", verbs=("multiplies", "multiplied"),
        aliases=("times", "product", "*", "hadamard"), fold=_fold_mul,
    ),
    _binary(
        "div", "The quotient of two values.", formula="a / b",
        derivative={"a": "g * (1 / b)", "b": "g * (-y / b)"}, kernel=ufunc(np.true_divide),
        scalar=_divide, symbol="/", label="÷ divide", verbs=("divides", "divided"),
        aliases=("over", "quotient", "/"),
        domain={"b": _AWAY}, shape=elementwise, fold=_fold_div,
    ),
    _binary(
        "pow", "The first value to the power of the second.", formula="a^b",
        derivative={
            # 0 * 0^-1 and 0 * log(0) are kept from being formed: a choice behind them would hide the
            # term that the exponent has in the derivative of this one
            "a": "g * (b * where((a == 0) * (b == 0), 1, a)^(b - 1))",
            "b": "g * (y * log(where((a == 0) * (b >= 0), 1, a)))",
        },
        kernel=_power, scalar=math.pow, symbol="**", label="xⁿ power",
        verbs=("raises to a power", "raised to a power"),
        aliases=("power", "exponent", "^", "**"), domain={"a": _AWAY}, shape=elementwise,
        fold=_fold_pow,
    ),
    _unary(
        "neg", "The value with its sign turned.", formula="-x", derivative={"x": "-g"},
        kernel=counting(np.negative), scalar=operator.neg, symbol="-", label="−x negate",
        aliases=("negative", "minus"),
    ),
    _unary(
        "square", "The value times itself.", formula="x^2", derivative={"x": "g * (2 * x)"},
        kernel=counting(np.square), scalar=lambda x: x * x, latex="<0!>^{2}", label="x² square",
        aliases=("squared",),
    ),
    _unary(
        "reciprocal", "One over the value.", formula="1 / x", derivative={"x": "g * (-(y^2))"},
        kernel=ufunc(np.reciprocal), scalar=lambda x: _divide(1.0, x), shape=elementwise,
        latex=r"\frac{1}{<0>}", label="1/x", aliases=("inverse",), domain={"x": _AWAY},
    ),
    _unary(
        "abs", "The value without its sign.", formula="maximum(x, -x)",
        derivative={"x": "g * sign(x)"}, kernel=counting(np.absolute), scalar=abs,
        latex=r"\left|<0>\right|", label="|x| absolute", aliases=("absolute", "modulus"),
        domain={"x": Domain(kinks=(0.0,))},
    ),
    _unary(
        "sign", "-1, 0 or 1: the sign of the value.", formula="(x > 0) - (0 > x)",
        derivative={"x": "0"}, kernel=counting(np.sign), scalar=_sign,
        latex=r"\mathrm{sign}\left(<0>\right)", aliases=("signum",),
        domain={"x": Domain(kinks=(0.0,))}, analytic=False,
    ),
    _binary(
        "maximum", "The larger of two values, entry by entry; a tie shares the gradient.",
        formula="where(a >= b, a, b)",
        derivative={
            "a": "g * ((a > b) + 0.5 * (a == b))", "b": "g * ((b > a) + 0.5 * (a == b))",
        },
        kernel=counting(_maximum), scalar=_larger, calls=("max",), label="max(a, b)",
        latex=r"\max\left(<0>, <1>\right)", aliases=("max", "larger"),
        ties=True, flat="outdone",
    ),
    _binary(
        "minimum", "The smaller of two values, entry by entry; a tie shares the gradient.",
        formula="where(a <= b, a, b)",
        derivative={
            "a": "g * ((a < b) + 0.5 * (a == b))", "b": "g * ((b < a) + 0.5 * (a == b))",
        },
        kernel=counting(_minimum), scalar=_smaller, calls=("min",), label="min(a, b)",
        latex=r"\min\left(<0>, <1>\right)", aliases=("min", "smaller"),
        ties=True, flat="outdone",
    ),
    _unary(
        "clip", "The value, kept between two limits.", formula="minimum(maximum(x, low), high)",
        derivative={"x": "g * ((x >= low) * (x <= high))"}, shape=between, kernel=clip_kernel,
        scalar=clip_scalar, label="clip", aliases=("clamp", "limit", "bound"), calls=("clamp",),
        latex=r"\mathrm{clip}\left(<0>\right)", domain={"x": Domain(kinks=(0.0, 1.0, -0.5, 0.8))},
        options=(
            Option("low", 0.0, "float", "The smallest result."),
            Option("high", 1.0, "float", "The largest result."),
        ),
        cases=(Case((), {"low": -0.5, "high": 0.8}),), flat="clipped",
    ),
    _binary(
        "mod", "What is left of the first value when the second is taken off it whole times; has its sign.",
        formula="a - b * floor(a / b)",
        # from y, since the quotient of two floats may be rounded up to the next whole number
        derivative={"a": "g", "b": "g * (-round((a - y) / b))"}, shape=elementwise,
        analytic=False,
        kernel=ufunc(np.remainder), scalar=operator.mod, symbol="%", label="a mod b",
        latex=r"<0!> \bmod <1!>", aliases=("remainder", "modulo", "%"), calls=("remainder",),
        domain={"a": Domain(2.1, 3.1), "b": Domain(1.6, 2.0)},  # away from the jumps at a = 0, b, 2b
        cases=(Case(((3,), (3,)), values={"a": (1.3, -1.7, 1.9), "b": (-0.8, 0.5, 0.7)}),),
    ),
    _step("floor", "The largest whole number that is not above the value.", np.floor, math.floor,
          _WHOLE, label="⌊x⌋ floor", latex=r"\left\lfloor <0>\right\rfloor", aliases=("down",)),
    _step("ceil", "The smallest whole number that is not below the value.", np.ceil, math.ceil,
          _WHOLE, label="⌈x⌉ ceil", latex=r"\left\lceil <0>\right\rceil", aliases=("ceiling", "up")),
    _step("round", "The nearest whole number; halves go to the even one.", np.rint, round, _HALVES,
          latex=r"\mathrm{round}\left(<0>\right)", aliases=("rint", "nearest")),
)  # fmt: skip

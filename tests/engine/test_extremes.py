"""Values at extremes against mpmath: tiny, huge, infinite and not a number.

The mark: an error of at most 1e-12 of (|y| + sum of |x_i dy/dx_i|), or IEEE's limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion
from engine.ops.row import Op
from engine.program import Plan

mpmath = pytest.importorskip("mpmath", reason="comes with torch, which the tests install")
mp = mpmath.mp
SOURCE = ops.TABLE["input"]
pytestmark = pytest.mark.filterwarnings("error")

GRID = (
    1e-300, -1e-300, 1e-8, -1e-8, 0.7, -0.7, 1.0, -2.0, 30.0, -30.0, 700.0, -700.0, 1e300, -1e300,
    math.inf, -math.inf, math.nan,
)  # fmt: skip
_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772
TINY = 2.0**-1022


def _log1pexp(x: Any) -> Any:
    return max(x, mp.mpf(0)) + mp.log1p(mp.exp(-abs(x)))


def _mod(a: Any, b: Any) -> Any:
    """Exact: the quotient may have 600 digits."""
    exact = Fraction(float(a)) % Fraction(float(b))
    return mp.mpf(exact.numerator) / exact.denominator


def _erfc(x: Any) -> Any:
    return mp.erfc(x) if x < 1e6 else mp.mpf(0)  # mpmath gives up there


def _hard(x: Any) -> Any:
    return min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6


def _lgamma(x: Any) -> Any:
    if x > 0:
        return mp.loggamma(x)
    ring = abs(mp.sinpi(x))
    return mp.log(mp.pi / ring) - mp.loggamma(1 - x) if ring else mp.inf


def _power(a: Any, b: Any) -> Any:
    return mp.mpf(1) if a == 1 else a**b


# The value of every elementwise row, written down a second time.
ORACLES: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": _power,
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "abs": abs,
    "sign": mp.sign,
    "maximum": max,
    "minimum": min,
    "clip": lambda x: min(max(x, mp.mpf(0)), mp.mpf(1)),
    "mod": _mod,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "round": mp.nint,
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "expm1": mp.expm1,
    "log1p": mp.log1p,
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x, 2),
    "log10": lambda x: mp.log(x, 10),
    "rsqrt": lambda x: 1 / mp.sqrt(x),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "erf": mp.erf,
    "erfc": _erfc,
    "lgamma": _lgamma,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "atan2": mp.atan2,
    "gt": lambda a, b: mp.mpf(int(a > b)),
    "ge": lambda a, b: mp.mpf(int(a >= b)),
    "lt": lambda a, b: mp.mpf(int(a < b)),
    "le": lambda a, b: mp.mpf(int(a <= b)),
    "eq": lambda a, b: mp.mpf(int(a == b)),
    "ne": lambda a, b: mp.mpf(int(a != b)),
    "where": lambda c, a, b: a if c else b,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else mp.mpf(0.01) * x,
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "softplus": _log1pexp,
    "prelu": lambda x, slope: x if x > 0 else slope * x,
    "selu": lambda x: mp.mpf(_SCALE) * (x if x > 0 else mp.mpf(_ALPHA) * mp.expm1(x)),
    "celu": lambda x: x if x > 0 else mp.expm1(x),
    "gelu": lambda x: x * _erfc(-x / mp.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "mish": lambda x: x * mp.tanh(_log1pexp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "logsigmoid": lambda x: -_log1pexp(-x),
    "hardtanh": lambda x: min(max(x, mp.mpf(-1)), mp.mpf(1)),
    "relu6": lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)),
    "hardsigmoid": _hard,
    "hardswish": lambda x: x * _hard(x),
}
# What IEEE 754 (and C's annex F) says where an operand is infinite and mpmath has no answer.
LIMITS: dict[str, Callable[..., float]] = {
    "pow": math.pow,
    "mod": lambda a, b: a % b,
    "atan2": math.atan2,
    "asinh": lambda x: x,
    **dict.fromkeys(("gelu", "silu", "mish", "hardswish"), lambda x: x if x > 0 else 0.0),
    "selu": lambda x: x if x > 0 else -_SCALE * _ALPHA,
    "celu": lambda x: x if x > 0 else -1.0,
    "softsign": lambda x: math.copysign(1.0, x),
    "logsigmoid": lambda x: 0.0 if x > 0 else x,
    "exp2": lambda x: x if x > 0 else 0.0,
    "log2": lambda x: x if x > 0 else math.nan,
    "log10": lambda x: x if x > 0 else math.nan,
    "rsqrt": lambda x: 0.0 if x > 0 else math.nan,
    "cbrt": lambda x: x,
    "erf": lambda x: math.copysign(1.0, x),
    "erfc": lambda x: 0.0 if x > 0 else 2.0,
    "lgamma": lambda x: math.inf,
    "acosh": lambda x: x if x > 0 else math.nan,
    "atanh": lambda x: math.nan,
    "floor": lambda x: x, "ceil": lambda x: x, "round": lambda x: x,
    "atan": lambda x: math.copysign(math.pi / 2, x),
    "sigmoid": lambda x: 1.0 if x > 0 else 0.0,
    "softplus": lambda x: x if x > 0 else 0.0,
    "expm1": lambda x: x if x > 0 else -1.0,
    "elu": lambda x: x if x > 0 else -1.0,
    "leaky_relu": lambda x: x,
    "log1p": lambda x: x if x > 0 else math.nan,
    "sqrt": lambda x: x if x > 0 else math.nan,
    "log": lambda x: x if x > 0 else math.nan,
    "tanh": lambda x: math.copysign(1.0, x),
    "asin": lambda x: math.nan, "acos": lambda x: math.nan,
    "sin": lambda x: math.nan, "cos": lambda x: math.nan, "tan": lambda x: math.nan,
}  # fmt: skip
ELEMENTWISE = [
    op
    for op in ops.TABLE.values()
    if op.elementwise and not op.hidden and "clock" not in op.statics
]


def test_every_elementwise_row_has_an_oracle() -> None:
    assert {op.name for op in ELEMENTWISE} == set(ORACLES)


STEPS = ("sign", "gt", "ge", "lt", "le", "eq", "ne", "floor", "ceil", "round", "mod")
"""Rows with jumps: how far they are from their neighbours says nothing."""


def expected(name: str, point: tuple[float, ...]) -> tuple[float, float]:
    """The value a correct program gives, and how far a good one may be from it."""
    carries_nan = name not in ("where", "prelu", "gt", "ge", "lt", "le", "eq", "ne")
    if any(map(math.isnan, point)):
        if name == "pow" and (point[0] == 1.0):
            return 1.0, 0.0
        if carries_nan:
            return math.nan, 0.0
    if any(map(math.isinf, point)) and name in LIMITS:
        return LIMITS[name](*point), 0.0
    oracle = ORACLES[name]
    if any(not math.isfinite(v) for v in point):
        known_there = name in ("sign", "cosh", "sinh", "exp")
        kind = mp.mpf if known_there else np.float64
        with np.errstate(all="ignore"):
            return float(oracle(*(kind(v) for v in point))), 0.0
    exact = [mp.mpf(v) for v in point]
    value = oracle(*exact)
    if isinstance(value, mp.mpc):
        return math.nan, 0.0
    size = abs(value)
    nudge = mp.mpf(10) ** -25
    for i, x in enumerate(exact):
        moved = oracle(*exact[:i], x * (1 + nudge), *exact[i + 1 :])
        if name not in STEPS and not isinstance(moved, mp.mpc):
            size += abs(moved - value) / nudge
    return _rounded(value), _rounded(size * mp.mpf("1e-12"))


def _rounded(value: Any) -> float:
    if abs(value) > mp.mpf(2) ** 1025:
        return math.copysign(math.inf, value)
    return float(value)


def wrong_points(op: Op, kernel: Callable[..., np.ndarray]) -> list[str]:
    points = list(product(GRID, repeat=len(op.inputs)))
    got = kernel([np.array(column) for column in zip(*points, strict=True)])
    problems = []
    with mp.workdps(50):
        for point, value in zip(points, got, strict=True):
            value = float(value)
            wanted, allowed = expected(op.name, point)
            if math.isnan(wanted) or math.isinf(wanted):
                right = value == wanted or (math.isnan(wanted) and math.isnan(value))
            else:
                right = abs(value - wanted) <= max(allowed, TINY)
            if not right:
                problems.append(f"{op.name}{point} is {value!r}, not {wanted!r}")
    return problems


def planned(op: Op) -> Callable[[list[np.ndarray]], np.ndarray]:
    def run(values: list[np.ndarray]) -> np.ndarray:
        expansion = Expansion()
        refs = [expansion.source(f"x{i}", ops.TABLE["input"], v) for i, v in enumerate(values)]
        plan = Plan(expansion, [expansion.add("y", op, tuple(refs), op.defaults())])
        plan.run()
        return plan.value("y")

    return run


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_arrays_at_extremes(op: Op) -> None:
    assert wrong_points(op, planned(op)) == []


@pytest.mark.parametrize(
    ("name", "naive"),
    [
        ("sigmoid", lambda v: np.exp(v[0]) / (1 + np.exp(v[0]))),
        ("softplus", lambda v: np.log(1 + np.exp(v[0]))),
        ("expm1", lambda v: np.exp(v[0]) - 1),
        ("log1p", lambda v: np.log(1 + v[0])),
        ("tanh", lambda v: (np.exp(2 * v[0]) - 1) / (np.exp(2 * v[0]) + 1)),
        ("elu", lambda v: np.where(v[0] > 0, v[0], np.exp(v[0]) - 1)),
        ("relu", lambda v: (v[0] + np.abs(v[0])) * 0.501),
        ("gelu", lambda v: 0.5 * v[0] * (1 + np.vectorize(math.erf)(v[0] / math.sqrt(2)))),
        ("silu", lambda v: v[0] * np.exp(v[0]) / (1 + np.exp(v[0]))),
        ("logsigmoid", lambda v: np.log(1 / (1 + np.exp(-v[0])))),
        ("mod", lambda v: v[0] - v[1] * np.floor(v[0] / v[1])),
    ],
)
def test_naive_formulas_are_caught(name: str, naive: Callable[..., np.ndarray]) -> None:
    """The defects that the comparison above is there for."""
    with np.errstate(all="ignore"):
        assert wrong_points(ops.TABLE[name], naive)


# ---------------------------------------------------------------- rows over many entries


def run(name: str, *values: Any, **options: Any) -> np.ndarray:
    op = ops.TABLE[name]
    expansion = Expansion()
    refs = [
        expansion.source(f"x{i}", ops.TABLE["input"], np.asarray(v)) for i, v in enumerate(values)
    ]
    plan = Plan(expansion, [expansion.add("y", op, tuple(refs), {**op.defaults(), **options})])
    plan.run()
    return plan.value("y")


ROWS_OF_LOGITS = (
    [700.0, -700.0, 0.0], [1e300, 1e300, -1e300], [-1e300, -1e300, -1e300], [1e-300, 0.0, -1e-8],
    [30.0, -30.0, 29.0], [-750.0, -751.0, -752.0],
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS_OF_LOGITS)
def test_softmax_family_at_extremes(row: list[float]) -> None:
    with mp.workdps(50):
        top = max(mp.mpf(v) for v in row)
        powers = [mp.exp(mp.mpf(v) - top) for v in row]
        total = mp.log(sum(powers)) + top
        logs = [mp.mpf(v) - top - mp.log(sum(powers)) for v in row]
        shares = [float(p / sum(powers)) for p in powers]
        np.testing.assert_allclose(run("softmax", row), shares, 1e-12, TINY)
        np.testing.assert_allclose(run("logsumexp", row), float(total), 1e-12)
        np.testing.assert_allclose(run("log_softmax", row), [float(v) for v in logs], 1e-12, 1e-12)
        for k in range(3):
            one_hot = np.eye(3)[k]
            allowed = 1e-12 * max(1.0, float(abs(logs[k])), max(map(abs, row)))
            assert abs(run("softmax_cross_entropy", row, one_hot) + float(logs[k])) <= allowed
            assert abs(run("softmax_cross_entropy", row, np.int64(k)) + float(logs[k])) <= allowed


@pytest.mark.parametrize("z", [v for v in GRID if math.isfinite(v)])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_binary_cross_entropy_at_extremes(z: float, t: float) -> None:
    with mp.workdps(50):
        exact = float(_log1pexp(mp.mpf(z)) - mp.mpf(z) * mp.mpf(t))
    for value in (float(run("bce_with_logits", z, t)), float(run("bce_with_logits", [z], [t]))):
        assert abs(value - exact) <= 1e-12 * (abs(exact) + 2 * abs(z)) + TINY


def test_infinite_logits_have_their_limits() -> None:
    assert run("logsumexp", [math.inf, 0.0]) == math.inf
    assert run("logsumexp", [-math.inf, -math.inf]) == -math.inf
    assert run("logsumexp", [-math.inf, 2.0]) == 2.0
    np.testing.assert_array_equal(run("softmax", [-math.inf, 0.0]), [0.0, 1.0])
    assert run("softmax_cross_entropy", [-math.inf, 0.0], [0.0, 1.0]) == 0.0
    assert np.isnan(run("max", [math.nan, 1.0]))


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "logsigmoid", "erfc", "sigmoid"])
def test_tails_keep_their_digits(name: str) -> None:
    """Relative to the value alone, up to what the rounding of x costs."""
    points = np.array([-4.0, -9.5, -20.0, -37.0, 4.0, 9.5, 20.0, 26.0])
    with mp.workdps(50):
        exact = [float(ORACLES[name](mp.mpf(x))) for x in points]
    for value in (run(name, points), [float(run(name, x)) for x in points]):
        np.testing.assert_allclose(value, exact, 1e-12, TINY)


@pytest.mark.parametrize("x", [-1000.3, -30.7, -2.5, -0.1, 1e-3, 0.5, 1.0, 7.25, 400.0])
def test_log_gamma_has_derivatives_of_any_order(x: float) -> None:
    expansion = Expansion()
    ref = expansion.add("y", ops.TABLE["lgamma"], (expansion.source("x", SOURCE, np.array(x)),), {})
    for order in range(5):
        ref = differentiate(expansion, ref, ["x"]).adjoint["x"]
        plan = Plan(expansion, [ref])
        plan.run()
        with mp.workdps(50):
            exact = float(mp.polygamma(order, mp.mpf(x)))
        assert plan.number(ref) == pytest.approx(exact, rel=1e-9)

"""Drawer "Exponential": exponentials, logarithms, roots, the error and the gamma function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.kernels import erfc, special
from engine.ops.row import Case, Domain, Kernel, Op, chain, ufunc
from engine.shapes import Options, Spec, elementwise

_POSITIVE = {"x": Domain(0.3, 3.0)}


def _lgamma(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    function = special("gammaln")

    def kernel(x: Any, out: Any) -> None:
        function(x, out)
        np.copyto(out, math.inf, where=np.isinf(x))

    return kernel


def _polygamma(order: Any, x: Any) -> Any:
    """The derivative of digamma of a whole order >= 1; reflected at 1/2 for x <= 0.

    DLMF 5.15.1 and 5.15.6. The derivatives of cot(pi x) are polynomials in it.
    """
    x = np.asarray(x, np.float64)
    if not math.isfinite(order):
        return np.full(x.shape, math.nan)
    n = int(order)
    left = x <= 0
    value = special("gamma")(n + 1.0) * special("zeta")(n + 1.0, np.where(left, 1 - x, x))
    value = np.where(left, -value, value if n % 2 else -value)
    if np.any(left):
        polynomial = np.array([0.0, 1.0])
        for _ in range(n):
            polynomial = np.polynomial.polynomial.polyder(polynomial)
            polynomial = np.polynomial.polynomial.polymul([-1.0, 0.0, -1.0], polynomial)
        with np.errstate(divide="ignore", invalid="ignore"):
            cot = 1 / np.tan(math.pi * (x - np.rint(x)))
            reflected = np.polynomial.polynomial.polyval(cot, polynomial)
        value = np.where(left, value - math.pi ** (n + 1) * reflected, value)
    return value


def _polygamma_kernel(order: Any, x: Any, out: Any) -> None:
    out[...] = _polygamma(order, x)


def _row(
    name: str, doc: str, local: str, function: Any, scalar: Any, latex: str, **rest: Any
) -> Op:
    fields: dict[str, Any] = {
        "category": "Exponential", "inputs": ("x",), "shape": elementwise, "elementwise": True,
        "analytic": True, "formula": f"{name}(x)", **rest,
    }  # fmt: skip
    fields.setdefault("kernel", ufunc(function))
    return Op(
        name, doc=doc, derivative={"x": f"g * {local}"}, scalar=scalar, latex=latex, **fields
    )  # fmt: skip


def _by_scipy(name: str, doc: str, local: str, scalar: Any, latex: str, **rest: Any) -> Op:
    """A row whose kernel is SciPy's `function`."""
    function = rest.pop("function", name)
    fields = {"kernel": lambda options, specs: special(function), **rest}
    return _row(name, doc, local, None, scalar, latex + r"\left(<0>\right)", **fields)


ROWS = (
    _row("exp", "e to the power of the value.", "y", np.exp, math.exp, r"e^{<0>}",
         label="eˣ exp", aliases=("exponential", "e^x")),
    _row("log", "The natural logarithm.", "(1 / x)", np.log, math.log, r"\ln\left(<0>\right)",
         label="ln log", aliases=("ln", "logarithm"), calls=("ln",), domain=_POSITIVE),
    _row("sqrt", "The square root.", "(0.5 / y)", np.sqrt, math.sqrt, r"\sqrt{<0>}",
         label="√ root", aliases=("root", "square root"), domain=_POSITIVE),
    _row("expm1", "e to the power of the value, less 1; exact near 0.", "(y + 1)", np.expm1,
         math.expm1, r"\left(e^{<0>} - 1\right)"),
    _row("log1p", "The logarithm of 1 plus the value; exact near 0.", "(1 / (1 + x))", np.log1p,
         math.log1p, r"\ln\left(1 + <0>\right)", domain={"x": Domain(-0.6, 3.0)}),
    _row("exp2", "2 to the power of the value.", "(y * log(2))", np.exp2, math.exp2, r"2^{<0>}",
         label="2ˣ exp2", formula="2^x"),
    _row("log2", "The logarithm to base 2.", "(1 / (x * log(2)))", np.log2, math.log2,
         r"\log_{2}\left(<0>\right)", domain=_POSITIVE, aliases=("logarithm",)),
    _row("log10", "The logarithm to base 10.", "(1 / (x * log(10)))", np.log10, math.log10,
         r"\log_{10}\left(<0>\right)", domain=_POSITIVE, aliases=("logarithm", "decimal")),
    _row("rsqrt", "One over the square root.", "(-0.5 * y / x)", None,
         lambda x: 1.0 / math.sqrt(x), r"\frac{1}{\sqrt{<0>}}", kernel=chain(np.sqrt, np.reciprocal),
         label="1/√ root", formula="1 / sqrt(x)", aliases=("inverse", "root"), domain=_POSITIVE),
    _row("cbrt", "The cube root; real for negative values too.", "(1 / (3 * y^2))", np.cbrt, math.cbrt,
         r"\sqrt[3]{<0>}", label="∛ cube root", analytic=False, aliases=("cubic", "root"),
         domain={"x": Domain(kinks=(0.0,), gap=0.2)}),
    _by_scipy("erf", "The error function, from -1 to 1: how much of a normal law lies within the value.",
              "(1.1283791670955126 * exp(-x^2))", math.erf, r"\mathrm{erf}",
              aliases=("error", "normal", "gauss"), flat="saturated"),
    _by_scipy("erfc", "1 less the error function; exact where it is tiny.",
              "(-1.1283791670955126 * exp(-x^2))", erfc, r"\mathrm{erfc}",
              aliases=("error", "normal", "complementary"), flat="saturated"),
    _row("lgamma", "The logarithm of the absolute value of the gamma function.", "digamma(x)", None,
         lambda x: math.inf if math.isinf(x) else float(special("gammaln")(x)),
         r"\ln\left|\Gamma\left(<0>\right)\right|", kernel=_lgamma, analytic=False,
         label="ln|Γ| log-gamma", aliases=("gamma", "factorial"), calls=("gammaln",), domain=_POSITIVE),
    _by_scipy("digamma", "The derivative of the logarithm of the gamma function.",
              "polygamma(1, x)", lambda x: float(special("psi")(x)), r"\psi", function="psi",
              hidden=True, domain=_POSITIVE),
    Op("polygamma", category="Exponential", hidden=True, doc="The derivative of digamma of an order >= 1.",
       inputs=("order", "x"), formula="polygamma(order, x)",
       derivative={"order": "none", "x": "g * polygamma(order + 1, x)"},
       shape=lambda options, order, x: Spec(x.shape),
       kernel=lambda options, specs: _polygamma_kernel,
       scalar=lambda order, x: float(_polygamma(order, x)),
       latex=r"\psi^{(<0>)}\left(<1>\right)", domain={"x": Domain(0.3, 3.0)},
       cases=(Case(((), (3,)), values={"order": 1}), Case(((), ()), values={"order": 2}),
              Case(((), (3,)), values={"order": 1, "x": (-0.4, -1.7, 0.5)}))),
)  # fmt: skip

"""Drawer "Trigonometric": circular and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.row import Domain, Op, ufunc
from engine.shapes import elementwise

_INSIDE = {"x": Domain(-0.8, 0.8)}


def _row(name: str, doc: str, local: str, function: Any, latex: str = "", **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Trigonometric", "inputs": ("x",), "shape": elementwise, "elementwise": True,
        "analytic": True, **rest,
    }  # fmt: skip
    return Op(
        name, doc=doc, formula=f"{name}(x)", derivative={"x": f"g * {local}"},
        kernel=ufunc(function), scalar=getattr(math, name),
        latex=(latex or "\\" + name) + r"\left(<0>\right)", **fields,
    )  # fmt: skip


def _inverse(name: str, doc: str, local: str, function: Any, **rest: Any) -> Op:
    """The inverse of a hyperbolic function, `a` before its name."""
    latex, call = rf"\mathrm{{ar{name[1:]}}}", f"arc{name[1:]}"
    return _row(
        name, doc, local, function, latex, aliases=(call, "hyperbolic"), calls=(call,), **rest
    )


ROWS = (
    _row("sin", "The sine; the value is an angle in radians.", "cos(x)", np.sin),
    _row("cos", "The cosine; the value is an angle in radians.", "-sin(x)", np.cos),
    _row("tan", "The tangent; the value is an angle in radians.", "(1 + y^2)", np.tan,
         domain={"x": Domain(-1.1, 1.1)}),
    _row("tanh", "The hyperbolic tangent, from -1 to 1.", "(1 - y^2)", np.tanh,
         aliases=("hyperbolic", "activation", "squash"), flat="saturated", steepest=1.0),
    _row("sinh", "The hyperbolic sine.", "cosh(x)", np.sinh),
    _row("cosh", "The hyperbolic cosine.", "sinh(x)", np.cosh),
    _row("asin", "The angle whose sine is the value.", "(1 / sqrt(1 - x^2))", np.arcsin,
         r"\arcsin", aliases=("arcsin",), calls=("arcsin",), domain=_INSIDE),
    _row("acos", "The angle whose cosine is the value.", "(-1 / sqrt(1 - x^2))", np.arccos,
         r"\arccos", aliases=("arccos",), calls=("arccos",), domain=_INSIDE),
    _row("atan", "The angle whose tangent is the value.", "(1 / (1 + x^2))", np.arctan,
         r"\arctan", aliases=("arctan",), calls=("arctan",)),
    _inverse("asinh", "The number whose hyperbolic sine is the value.", "(1 / sqrt(1 + x^2))",
             np.arcsinh),
    _inverse("acosh", "The number whose hyperbolic cosine is the value; at least 0.",
             "(1 / sqrt((x - 1) * (x + 1)))", np.arccosh, domain={"x": Domain(1.3, 3.0)}),
    _inverse("atanh", "The number whose hyperbolic tangent is the value.",
             "(1 / ((1 - x) * (1 + x)))", np.arctanh, domain=_INSIDE),
    Op("atan2", category="Trigonometric", doc="The angle of the point (b, a), from -pi to pi.",
       inputs=("a", "b"), formula="atan2(a, b)", shape=elementwise, elementwise=True,
       derivative={"a": "g * (b / (a^2 + b^2))", "b": "g * (-a / (a^2 + b^2))"},
       kernel=ufunc(np.arctan2), scalar=math.atan2, latex=r"\mathrm{atan2}\left(<0>, <1>\right)",
       aliases=("angle", "arctan2"), calls=("arctan2",), domain={"b": Domain(0.3, 2.0)}),
)  # fmt: skip

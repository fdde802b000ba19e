"""Drawer "Exponential": exponentials, logarithms and roots."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.row import Domain, Op, ufunc
from engine.shapes import elementwise

_POSITIVE = {"x": Domain(0.3, 3.0)}


def _row(
    name: str, doc: str, local: str, function: Any, scalar: Any, latex: str, **rest: Any
) -> Op:
    fields: dict[str, Any] = {
        "category": "Exponential", "inputs": ("x",), "shape": elementwise, "elementwise": True,
        "analytic": True, "formula": f"{name}(x)", **rest,
    }  # fmt: skip
    return Op(
        name, doc=doc, derivative={"x": f"g * {local}"}, kernel=ufunc(function), scalar=scalar,
        latex=latex, **fields,
    )  # fmt: skip


ROWS = (
    _row("exp", "e to the power of the value.", "y", np.exp, math.exp, r"e^{<0>}",
         label="eˣ exp", aliases=("exponential",)),
    _row("log", "The natural logarithm.", "(1 / x)", np.log, math.log, r"\ln\left(<0>\right)",
         label="ln log", aliases=("ln", "logarithm"), calls=("ln",), domain=_POSITIVE),
    _row("sqrt", "The square root.", "(0.5 / y)", np.sqrt, math.sqrt, r"\sqrt{<0>}",
         label="√ root", aliases=("root",), domain=_POSITIVE),
    _row("expm1", "e to the power of the value, less 1; exact near 0.", "(y + 1)", np.expm1,
         math.expm1, r"\left(e^{<0>} - 1\right)"),
    _row("log1p", "The logarithm of 1 plus the value; exact near 0.", "(1 / (1 + x))", np.log1p,
         math.log1p, r"\ln\left(1 + <0>\right)", domain={"x": Domain(-0.6, 3.0)}),
)  # fmt: skip

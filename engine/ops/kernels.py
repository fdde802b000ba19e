"""Kernels and shape rules that several drawers share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from engine.ops.row import Kernel
from engine.shapes import Options, ShapeError, Spec, elementwise


@cache
def special(name: str) -> Any:
    """A function of SciPy, imported when a row first needs it: that takes a tenth of a second."""
    import scipy.special

    return getattr(scipy.special, name)


def erfc(x: float) -> float:
    """The complementary error function; beyond 5 its last digits are those of the array kernel."""
    return math.erfc(x) if x < 5.0 else float(special("erfc")(x))


def between(options: Options, x: Spec) -> Spec:
    """The shape rule of rows that keep a value between `low` and `high`."""
    low, high = options["low"], options["high"]
    if not low <= high:
        raise ShapeError(f"low is {low:g} and high is {high:g}", "low must not be above high")
    return elementwise(options, x)


def clip_kernel(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    low, high = options["low"], options["high"]

    def kernel(x: Any, out: Any) -> None:
        np.maximum(x, low, out=out)
        np.minimum(out, high, out=out)

    return kernel


def clip_scalar(options: Options) -> Callable[[float], float]:
    low, high = options["low"], options["high"]
    return lambda x: low if x < low else high if x > high else x

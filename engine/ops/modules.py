"""Drawer "Modules": reading values inside a module."""

from __future__ import annotations

from engine.ops.row import REQUIRED, Op, Option, returns
from engine.shapes import Options, ShapeError, Spec


def _needs_module(options: Options, x: Spec) -> Spec:
    raise ShapeError("it reads a value inside a module", "wire a module to it")


ROWS = (
    Op(
        "output_of", category="Modules",
        doc="Another value of a module than its result, by its name inside.",
        inputs=("module",), formula="output_of(module, output=output)", derivative={"module": "none"},
        shape=_needs_module, kernel=returns(lambda o, x: x), reads_inside=True, label="output of",
        options=(
            Option("output", REQUIRED, "text", "The name of a node inside, as in state.", start="state"),
        ),
        aliases=("result", "state", "pick"),
        latex=r"\mathrm{output}\left(<0>\right)",
    ),
)  # fmt: skip

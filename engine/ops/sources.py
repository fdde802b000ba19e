"""Drawer "Sources": where values come from (input, parameter, constant, data)."""

from __future__ import annotations

from typing import Any

from engine import initializers
from engine.ops.row import Op, Option
from engine.shapes import Options, Spec


def _given(options: Options, *operands: Spec) -> Spec:
    return Spec()


def _source(name: str, label: str, doc: str, *options: Option, aliases: tuple[str, ...]) -> Op:
    shared: dict[str, Any] = {"category": "Sources", "inputs": (), "formula": name}
    return Op(
        name, doc=doc, derivative={}, shape=_given, kernel=None, options=options, label=label,
        aliases=aliases, **shared,
    )  # fmt: skip


ROWS = (
    _source(
        "input", "x input", "A value you give: a number, a vector or a matrix.",
        Option("trainable", False, "bool", "On: training moves it, too, as it does a parameter."),
        aliases=("variable", "x", "value"),
    ),
    _source(
        "parameter", "θ parameter", "A value that training changes.",
        Option("shape", (), "shape", "Its shape; a name such as features is read off the data."),
        Option(
            "init", "given", "choice", "Its start: the values given, or made by shape and seed.",
            ("given", *initializers.names()),
        ),
        Option("scale", 1.0, "float", "Times the start made: the constant, the limit, the gain."),
        Option("trainable", True, "bool", "Off: training leaves it as it is."),
        aliases=("weight", "weights", "theta", "bias", "W"),
    ),
    _source(
        "constant", "c constant", "A fixed value that nothing changes.",
        aliases=("number", "fixed"),
    ),
    _source(
        "data", "▦ data", "Rows of a data source, a batch at a time.",
        Option("source", "", "text", "The data source's name in this document."),
        Option("field", "x", "text", "Which of its fields: x for the features, y for the target."),
        aliases=("dataset", "batch", "csv", "table"),
    ),
)  # fmt: skip

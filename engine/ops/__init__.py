"""The operator table: every row by name, by spelling and by drawer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from engine.expression import Call, ExpressionError, Name, Number, Tree
from engine.ops import (
    activations,
    adjoint,
    adjoint_arrays,
    adjoint_matrices,
    arithmetic,
    comparison,
    convolution,
    convolution_adjoint,
    exponential,
    linear,
    losses,
    margins,
    metrics,
    modules,
    networks,
    networks_adjoint,
    randomness,
    reductions,
    shape,
    sources,
    trigonometric,
)
from engine.ops.row import Op

_DRAWERS = (
    sources, arithmetic, exponential, trigonometric, activations, linear, reductions, shape,
    comparison, convolution, networks, randomness, losses, margins, metrics, modules, adjoint,
    convolution_adjoint, networks_adjoint, adjoint_arrays, adjoint_matrices,
)  # fmt: skip

TABLE: dict[str, Op] = {}
"""Every row by its name."""

DRAWERS: dict[str, tuple[Op, ...]] = {}
"""The palette: rows by drawer, in the order they are shown."""

_CALLS: dict[tuple[str, int], Op] = {}
"""Rows by spelling and number of operands, -1 for any number."""


def enter(row: Op) -> None:
    """Puts a row into the table, its drawer and under its spellings; one taken before stays.

    Raises ValueError when there is a row of this name.
    """
    if row.name in TABLE:
        raise ValueError(f"there is an operator called {row.name!r} already; choose another name")
    TABLE[row.name] = row
    if not row.hidden:
        DRAWERS[row.category] = (*DRAWERS.get(row.category, ()), row)
    if not row.is_source:
        for spelling in filter(None, (row.name, row.symbol, *row.calls)):
            _CALLS.setdefault((spelling, -1 if row.variadic else len(row.inputs)), row)


for _drawer in _DRAWERS:
    for _row in _drawer.ROWS:
        enter(_row)

ADD, MUL, NEG = _CALLS["+", 2], _CALLS["*", 2], _CALLS["-", 1]
SUM, SUM_TO, SPREAD_AS = TABLE["sum"], TABLE["sum_to"], TABLE["spread_as"]
MEAN, SIZE, EXPAND_AS = TABLE["mean"], TABLE["size"], TABLE["expand_as"]
DOT, IN_TRAINING = TABLE["reroute"], TABLE["in_training"]

AGAIN = {row.redraws: row for row in TABLE.values() if row.redraws}
"""Rows that draw again what another row drew, by the name of that one."""

HOLDS_TENSOR = ("input", "parameter", "constant")
"""Source rows whose value is a tensor of the document, keyed by the node's id."""

_DEFAULT_NAMES = {"input": "x", "parameter": "w", "constant": "c", "data": "data"}


def default_name(op: str) -> str:
    """What a new source node is called before it is renamed."""
    return _DEFAULT_NAMES[op]


def find(spelling: str, count: int) -> Op | None:
    """The row a call with `count` operands means, or None."""
    return _CALLS.get((spelling, count)) or (_CALLS.get((spelling, -1)) if count else None)


def is_known(spelling: str) -> bool:
    """True when a person can use a row that is called so, or is spelled so in a formula.

    What only derivatives use is not in the way: they look rows up in the table, never in a document.
    """
    row = TABLE.get(spelling)
    return bool(row and not row.hidden) or any(
        spelling == known and not found.hidden for (known, _), found in _CALLS.items()
    )


def lookup(
    call: Call,
    statics: Mapping[str, Any] | None = None,
    layer: Mapping[str, Op] | None = None,
) -> tuple[Op, int, dict[str, Any]]:
    """The row a call means, how many of its arguments are operands, and its options.

    Number arguments behind the operands fill options in order, as in `leaky_relu(x, 0.01)`.
    `statics` gives values to names used as options; `layer` are a document's own rows by name.
    Raises ExpressionError with a sentence.
    """
    own = layer.get(call.name) if layer else None

    def named_so(count: int) -> Op | None:
        if own is not None:
            return own if count == len(own.inputs) else None
        return find(call.name, count)

    count = len(call.args)
    row = named_so(count)
    while row is None and count > 1 and isinstance(call.args[count - 1], Number):
        count -= 1
        row = named_so(count)
    if row is None:
        raise ExpressionError(_unknown(call, own))
    extra: list[Any] = [_plain(a) for a in call.args[count:]]
    extra += [value for key, value in call.options if not key]
    named = {key: value for key, value in call.options if key}
    if len(extra) > len(row.options):
        takes = ", ".join(row.option_names) or "no options"
        raise ExpressionError(f"{row.name} has {takes}; {len(extra)} are given")
    options = row.defaults()
    options.update(zip(row.option_names, extra, strict=False))
    for key, value in named.items():
        if key not in row.option_names and key not in row.statics:
            known = ", ".join(row.option_names) or "none"
            raise ExpressionError(f"{row.name} has no option {key!r}; it has: {known}")
        options[key] = value
    for key, value in options.items():
        if isinstance(value, Name):
            if statics is None or value.id not in statics:
                raise ExpressionError(f"{key} of {row.name} must be a value, not {value.id!r}")
            options[key] = statics[value.id]
    for option in row.options:
        if option.required and option.name not in options:
            raise ExpressionError(f"{row.name} needs {option.name}=...")
    return row, count, options


def _plain(tree: Tree) -> Any:
    assert isinstance(tree, Number)
    return int(tree.value) if tree.value == int(tree.value) else tree.value


def _unknown(call: Call, own: Op | None = None) -> str:
    if own is not None:
        listed = ", ".join(own.inputs)
        return f"{own.name} takes {len(own.inputs)} operands ({listed}), not {len(call.args)}"
    counts = sorted({n for spelling, n in _CALLS if spelling == call.name})
    if counts:
        row = _CALLS[call.name, counts[0]]
        wanted = " or ".join("one or more" if n < 0 else str(n) for n in counts)
        listed = f" ({', '.join(row.inputs)})" if len(counts) == 1 else ""
        plural = "operand" if counts == [1] else "operands"
        return f"{call.name} takes {wanted} {plural}{listed}, not {len(call.args)}"
    names = {s for s, _ in _CALLS if s.isidentifier()}
    close = difflib.get_close_matches(call.name, names, 1)
    hint = f"did you mean {close[0]}?" if close else "F1 or 'gradloom ops' list all of them"
    return f"there is no operator {call.name!r}; {hint}"


def latex_template(spelling: str, count: int) -> str | None:
    """The LaTeX template of a call, for `expression.to_latex`."""
    row = find(spelling, count)
    return row.latex or None if row else None

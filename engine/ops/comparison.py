"""Drawer "Comparison": truth values and the choice between two values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Op, ufunc
from engine.shapes import Options, Spec, broadcast, join, truth


def _compare(name: str, symbol: str, words: str, function: Any, sign: str = "") -> Op:
    signs = (symbol, sign) if sign else (symbol,)
    return Op(
        name, category="Comparison", doc=f"1 where the first value is {words} the second, else 0.",
        inputs=("a", "b"), formula=f"a {symbol} b", derivative={"a": "0", "b": "0"}, shape=truth,
        kernel=ufunc(function), scalar=getattr(operator, name), symbol=symbol,
        label=f"{symbol} {words.split(' t')[0]}", aliases=(*signs, "compare"), elementwise=True,
        ties=True,
    )  # fmt: skip


def _choose(condition: Any, a: Any, b: Any, out: Any) -> None:
    np.copyto(out, b)
    np.copyto(out, a, where=condition.astype(bool) if condition.dtype != bool else condition)


def _where_shape(options: Options, *operands: Spec) -> Spec:
    shape = broadcast(*(s.shape for s in operands))
    kind = join(*operands[1:])
    return Spec(shape, "int" if kind == "bool" else kind, frozenset({"condition"}))


def _fold_where(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(a, float) and a == b:
        return a
    return (a if condition else b) if isinstance(condition, bool | float | int) else None


ROWS = (
    _compare("gt", ">", "greater than", np.greater),
    _compare("ge", ">=", "at least", np.greater_equal, "≥"),
    _compare("lt", "<", "less than", np.less),
    _compare("le", "<=", "at most", np.less_equal, "≤"),
    _compare("eq", "==", "equal to", np.equal),
    _compare("ne", "!=", "not equal to", np.not_equal, "≠"),
    Op(
        "where", category="Comparison",
        doc="The second value where the condition holds, the third elsewhere.",
        inputs=("condition", "a", "b"), formula="where(condition, a, b)",
        derivative={
            "condition": "none", "a": "g * where(condition, 1, 0)",
            "b": "g * where(condition, 0, 1)",
        },
        shape=_where_shape, kernel=ufunc(_choose), scalar=lambda c, a, b: a if c else b,
        latex=r"\mathrm{where}\left(<0>, <1>, <2>\right)", label="where", elementwise=True, analytic=True,
        aliases=("if", "choose", "select"), fold=_fold_where,
        domain={"condition": Domain(-2.0, 2.0, (0.0,))},
        cases=(
            Case(((2, 3), (3,), (2, 1)), values={"condition": ((1, 0, 1), (0, 0, 1))}),
            Case(((), (), ()), values={"condition": 0}),
        ), flat="masked",
    ),
)  # fmt: skip

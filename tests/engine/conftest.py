"""Helpers that several engine tests share: random programs, wired from the rows of the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np
import pytest

from engine import check, ops
from engine.ops.row import Case, Op
from engine.shapes import ShapeError, broadcast

Shape = tuple[int, ...]
_SHAPES: tuple[Shape, ...] = ((), (3,), (2, 3), (2, 1), (3, 2), (1, 3))
_UNARY = (
    "sin({0})", "cos({0})", "tanh({0})", "sigmoid({0})", "softplus({0})", "relu({0} - 0.37)",
    "exp(-{0}^2)", "-{0}", "0.5 * {0}", "{0} + 1", "1 - {0}", "sqrt(1 + {0}^2)", "log(2 + {0}^2)",
    "{0}^2", "leaky_relu({0} + 0.41, slope=0.1)", "1 / (1 + {0}^2)", "log1p({0}^2)", "tanh({0})^3",
)  # fmt: skip
_BINARY = (
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (2 + {1}^2)", "max({0}, {1} + 0.3)",
    "min({0}, {1})", "where({0} > {1}, {0}, 0.5 * {1})",
)  # fmt: skip


@dataclass(frozen=True)
class RandomProgram:
    """Program text whose last statement is a single number, and its inputs."""

    text: str
    inputs: dict[str, np.ndarray]


@cache
def _drawn() -> list[tuple[Op, Case]]:
    """Every visible row that gives floats and draws none, at each of its cases with entries."""
    found = []
    rng = np.random.default_rng(0)
    for op in ops.TABLE.values():
        if op.is_source or op.hidden or op.statics:
            continue
        for case in check.cases_of(op):
            # bilinear edges are equal but for rounding: which of them is the largest is a toss
            if all(0 not in s for s in case.shapes) and case.options.get("mode") != "bilinear":
                trial = check.Trial(op, case, tuple(check.operands(op, case, rng)))
                if trial.expansion()[0].spec("y").kind == "float":
                    found.append((op, case))
    return found


def _row_text(
    op: Op,
    case: Case,
    pick: Callable[[], str],
    inputs: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> tuple[str, Shape]:
    """A call of a row at one of its cases, its operands made from values that are there: moved into
    the row's domain, and into the case's shape by a new input that is added."""
    parts, values = [], []
    for port, shape in zip(op.ports(len(case.shapes)), case.shapes, strict=True):
        name = f"p{len(inputs)}"
        given = case.values.get(port)
        derivative = op.derivative[op.inputs[0] if op.variadic else port]
        value = rng.uniform(-1.5, 1.5, shape) if given is None else np.asarray(given)
        inputs[name] = value
        domain = check.domain_of(op, port)
        low, span = domain.low, domain.high - domain.low
        if value.dtype.kind != "f" or (given is not None and derivative in ("0", "none")):
            parts.append(name)
        elif given is not None:
            parts.append(f"({name} + 0.01 * tanh(mean({pick()})))")
        else:
            parts.append(f"({low} + {span} * sigmoid({name} + mean({pick()})))")
        values.append(value)
    options = {**op.defaults(), **case.options}
    said = [f"{k}={v!r}" for k, v in options.items()]
    shape = check.Trial(op, case, tuple(values)).expansion()[0].spec("y").shape
    call = f"{op.name}({', '.join(parts + said)})"
    if shape and not op.elementwise:
        # entries that a row repeats would tie, and rounding would settle which of them is the largest
        name = f"p{len(inputs)}"
        inputs[name] = rng.uniform(0.5, 1.5, shape)
        call = f"{name} * {call}"
    return call, shape


def _grow(rng: np.random.Generator, size: int) -> RandomProgram:
    inputs: dict[str, np.ndarray] = {}
    shapes: dict[str, Shape] = {}
    lines: list[str] = []
    table = [list(cases) for _, cases in groupby(_drawn(), lambda found: found[0].name)]
    for i in range(int(rng.integers(2, 5))):
        shape = _SHAPES[int(rng.integers(len(_SHAPES)))]
        inputs[f"x{i}"] = rng.uniform(-1.5, 1.5, shape)
        shapes[f"x{i}"] = shape

    def pick() -> str:
        # half of the picks from the newest few, so that chains grow; the others make fan-outs
        names = list(shapes)
        if rng.random() < 0.5:
            names = names[-3:]
        return names[int(rng.integers(len(names)))]

    while len(lines) < size:
        a, b = pick(), pick()
        kind = rng.random()
        shape = shapes[a]
        if rng.random() < 0.3:
            cases = table[int(rng.integers(len(table)))]
            op, case = cases[int(rng.integers(len(cases)))]
            text, shape = _row_text(op, case, pick, inputs, rng)
        elif kind < 0.35:
            text = _UNARY[int(rng.integers(len(_UNARY)))].format(a)
        elif kind < 0.7:
            try:
                shape = broadcast(shapes[a], shapes[b])
            except ShapeError:
                continue
            text = _BINARY[int(rng.integers(len(_BINARY)))].format(a, b)
        elif kind < 0.85 and shapes[a]:
            axis = int(rng.integers(len(shapes[a])))
            name = ("sum", "mean", "max", "logsumexp")[int(rng.integers(4))]
            keep = bool(rng.integers(2))
            text = f"{name}({a}, axis={axis}, keepdims={keep})"
            shape = tuple(1 if i == axis else n for i, n in enumerate(shape) if keep or i != axis)
        elif len(shapes[a]) == 2:
            move = int(rng.integers(5))
            rows, columns = shapes[a]
            if move == 0:
                text, shape = f"T({a})", (columns, rows)
            elif move == 1:
                text, shape = f"reshape({a}, ({columns}, -1))", (columns, rows)
            elif move == 2:
                text, shape = f"{a}[0]", (columns,)
            elif move == 3:
                text, shape = f"softmax({a}, axis=1)", (rows, columns)
            elif len(shapes[b]) in (1, 2) and shapes[b][0] == columns:
                text, shape = f"tanh({a} @ {b})", (rows, *shapes[b][1:])
            else:
                continue
        else:
            continue
        name = f"u{len(lines)}"
        lines.append(f"{name} = {text}")
        shapes[name] = shape
    read = set(re.findall(r"\b[pux]\d+\b", " ".join(line.partition("=")[2] for line in lines)))
    ends = [name for name in shapes if name not in read and name not in inputs]
    total = " + ".join(f"mean(sin({name}))" for name in ends)
    used = {name: value for name, value in inputs.items() if name in read}
    return RandomProgram("\n".join([*lines, f"J = {total}"]), used)


@pytest.fixture(scope="session")
def grow_program() -> Callable[..., RandomProgram]:
    """`grow(seed, size)`: a random program with fan-outs, broadcasting and views.

    Values stay of order 1.
    """
    return lambda seed, size=20: _grow(np.random.default_rng(seed), size)

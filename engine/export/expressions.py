"""A row applied to operands as a Python expression over PyTorch, by its spelling or by its formula.

Expressions are syntax trees, so that brackets stand where they are needed and nothing that a document
says can become code: texts and numbers are constants, names are made by whoever calls.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine import ops
from engine.expression import ExpressionError, Name, Number, Tree, fold
from engine.ops import pytorch
from engine.ops.row import Op, simplified
from engine.shapes import ShapeError, Spec

DTYPE = "torch.get_default_dtype()"
_AS_THEY_ARE = ("condition", "indices")
"""Ports whose truth values and whole numbers are meant as such."""
_INFIX = (ast.BinOp, ast.UnaryOp, ast.Compare)


class NotSpelled(ValueError):
    """PyTorch has no word for a row, and its formula is its name; `row` is that row."""

    def __init__(self, row: Op) -> None:
        super().__init__(row.name)
        self.row = row


@dataclass(frozen=True)
class Value:
    """An expression and what is known of its value; a literal number has `spec.value`."""

    tree: ast.expr
    spec: Spec

    @property
    def is_number(self) -> bool:
        return self.spec.value is not None

    @property
    def text(self) -> str:
        return ast.unparse(self.tree)


def number(value: float) -> Value:
    return Value(literal(float(value)), Spec(value=float(value)))


def named(name: str, spec: Spec) -> Value:
    """A value that a variable holds; a dot in the name reads an attribute."""
    return Value(template(name), spec)


def literal(value: Any) -> ast.expr:
    """A constant; infinities and NaN are calls, whole floats are written as they are."""
    if isinstance(value, tuple | list):
        items = [literal(v) for v in value]
        return (
            ast.Tuple(items, ast.Load())
            if isinstance(value, tuple)
            else ast.List(items, ast.Load())
        )
    if isinstance(value, float) and not math.isfinite(value):
        return ast.Call(ast.Name("float", ast.Load()), [ast.Constant(str(value))], [])
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.copysign(1, value) < 0
    ):
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def apply(
    row: Op,
    operands: tuple[Value, ...],
    options: Mapping[str, Any],
    spec: Spec,
    module: str = "self",
) -> Value:
    """A row's result; `module` is what the model is called there. Raises NotSpelled."""
    given = tuple(v.spec for v in operands)
    found = pytorch.spelled(row, options, given)
    if found:
        settled = _as_kinds(row, operands, spec)
        return Value(_filled(row, found, settled, options, module), spec)
    if not pytorch.is_written(row):
        raise NotSpelled(row)
    names = dict(zip(row.inputs, operands, strict=True))
    try:
        return formula(row.formula_tree, names, options, module)
    except (ExpressionError, KeyError, ShapeError):
        raise NotSpelled(row) from None


def formula(
    tree: Tree, names: Mapping[str, Value], options: Mapping[str, Any], module: str = ""
) -> Value:
    """A formula over values by name; without a module, what is known of numbers is computed now.

    Raises NotSpelled, ExpressionError, KeyError or ShapeError.
    """

    def combine(part: Tree, args: tuple[Value, ...]) -> Value:
        if isinstance(part, Number):
            return number(part.value)
        if isinstance(part, Name):
            return names[part.id] if part.id in names else number(float(options[part.id]))
        row, count, settled = ops.lookup(part, options)
        own = args[:count]
        if not module:
            known = tuple(float(a.spec.value) if a.spec.value is not None else a for a in own)
            simple = simplified(row, known, settled)
            if simple is not None:
                return simple if isinstance(simple, Value) else number(float(simple))
        return apply(row, own, settled, row.shape(settled, *(a.spec for a in own)), module)

    return fold(tree, combine)


def _as_kinds(row: Op, operands: tuple[Value, ...], spec: Spec) -> tuple[Value, ...]:
    """Operands made floats or whole numbers where PyTorch would not compute in them by itself."""
    kinds = [v.spec.kind for v in operands]
    mixed = row.elementwise and "float" in kinds
    floats = spec.kind == "float" and bool(kinds) and kinds[0] != "float" and not mixed
    found = []
    for port, value in zip(row.ports(len(operands)), operands, strict=True):
        counts = row.elementwise and value.spec.kind == "bool" and spec.kind != "bool"
        if port in _AS_THEY_ARE or value.spec.kind == "float" or not (floats or counts):
            found.append(value)
        else:
            dtype = template(DTYPE if spec.kind == "float" else "torch.int64")
            call = ast.Call(ast.Attribute(value.tree, "to", ast.Load()), [dtype], [])
            found.append(Value(call, Spec(value.spec.shape, spec.kind)))
    return tuple(found)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def template(text: str) -> ast.expr:
    """A fresh tree of an expression that this program wrote."""
    return deepcopy(_parsed(text))


def _filled(
    row: Op, text: str, operands: tuple[Value, ...], options: Mapping[str, Any], module: str
) -> ast.expr:
    """A template with operands and options in the places of their names."""
    if row.variadic:
        items: list[ast.expr] = [_tensor(v) for v in operands]
        replaced: dict[str, Any] = {row.inputs[0]: items}
    else:
        replaced = dict(zip(row.inputs, operands, strict=True))
    chosen = {k: v for k, v in options.items() if k not in replaced and k in row.option_names}
    tensors = [v for v in operands if not v.is_number]
    short = any(v.spec.kind == "float" for v in tensors)
    replaced["self"] = named(module or "self", Spec())
    filler = _Filler(replaced, chosen, bool(tensors), short)
    found: ast.expr = filler.visit(template(text))
    return found


def _tensor(value: Value) -> ast.expr:
    """A number as a tensor, where PyTorch takes nothing else."""
    if not value.is_number:
        return value.tree
    return ast.Call(template("torch.tensor"), [value.tree], [])


class _Filler(ast.NodeTransformer):
    """Puts operands and options into a template.

    A number stays one beside an operator and in a choice, and is a tensor everywhere else; `short`
    numbers are written without a point where they are whole.
    """

    def __init__(
        self, operands: Mapping[str, Any], options: Mapping[str, Any], tensors: bool, short: bool
    ) -> None:
        self._operands, self._options = operands, options
        self._tensors, self._short = tensors, short
        self._plain: set[int] = set()

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, _INFIX) and self._tensors:
            self._plain |= {id(child) for child in ast.iter_child_nodes(node)}
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.where":
            self._plain |= {id(argument) for argument in node.args[1:]}
        return super().visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        operand = self._operands.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(operand, list) and isinstance(node.slice, ast.Constant):
            return operand[int(str(node.slice.value))]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        operand = self._operands.get(node.id)
        if isinstance(operand, list):
            return ast.List(operand, ast.Load())
        if operand is not None:
            if not operand.is_number:
                return operand.tree
            return self._number(operand.spec.value) if id(node) in self._plain else _tensor(operand)
        if node.id in self._options:
            return literal(self._options[node.id])
        return node

    def _number(self, value: float) -> ast.expr:
        whole = self._short and math.isfinite(value) and value == int(value) and abs(value) < 1e15
        return literal(int(value) if whole and (value or math.copysign(1, value) > 0) else value)

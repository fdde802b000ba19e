"""A person's formula as a row of the table: its operands found, its derivative derived.

A row made here is checked, differentiated to any order, traced and printed like any other. Nothing
enters the table: a document keeps such rows for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np

from engine.derivation import Part, derivatives, formula_parts
from engine.expression import (
    ExpressionError,
    Name,
    Number,
    names,
    parse_expression,
    substitute,
    to_text,
)
from engine.fields import GraphError, check_fields, is_number
from engine.ops.composed import composed, composed_scalar, parts_of
from engine.ops.row import Case, Domain, Op, Option
from engine.records import (
    OwnOperator,
)
from engine.shapes import Options, ShapeError, Spec

MAX_OPERANDS = 8
"""How many names a formula may read."""

CATEGORY = "Own"
_RESERVED = {
    "y": "the operator's own result", "g": "the upstream gradient", "i": "the place of an operand",
    "inputs": "all operands", "rest": "all operands but the first",
}  # fmt: skip
_DOMAINS = (
    Domain(), Domain(0.3, 2.0), Domain(0.1, 0.9), Domain(1.2, 3.0), Domain(-0.9, 0.9),
    Domain(-2.0, -0.3),
)  # fmt: skip
_SHAPES: tuple[tuple[int, ...], ...] = ((2, 3), (3,), (), (3, 3), (3, 2), (2,), (2, 2, 3))
_SEARCHED, _CASES = 3_000, 4


def own_row(name: str, operator: OwnOperator) -> Op:
    """The row of a person's formula. Its operands are the names it reads, in order of appearance.

    Raises GraphError with a sentence for what cannot be a row.
    """
    check_fields(operator)
    for setting, value in operator.settings.items():
        if not isinstance(setting, str) or not is_number(value) or not math.isfinite(value):
            raise GraphError(f"{name}: the setting {setting} is a finite number, not {value!r}")
    try:
        for word in (name, *operator.settings):
            if word == "pi" or parse_expression(word) != Name(word):
                raise ExpressionError(f"{word!r} cannot be read as a name; choose another")
        return _row(operator)
    except (ExpressionError, ShapeError) as error:
        raise GraphError(f"{name}: {error}") from None


def _row(operator: OwnOperator) -> Op:
    tree = parse_expression(operator.formula)
    tree = substitute(tree, {"pi": Number(math.pi)})
    settings = tuple(operator.settings)
    operands = tuple(n for n in names(tree) if n not in settings)
    _check_names(operands, settings)
    parts = formula_parts(tree, operator.settings)
    rows = [p.row for p in parts if p.row is not None]
    if not rows:
        raise ExpressionError(
            "the formula computes nothing; apply an operator, as in x * sigmoid(x)"
        )
    if not operands:
        raise ExpressionError("the formula reads nothing; name at least one operand, such as x")
    unread = [s for s in settings if not any(_reads(p, s) for p in parts)]
    if unread:
        raise ExpressionError(f"the formula does not read the setting {unread[0]}; remove it")
    text = to_text(tree)
    elementwise = all(row.elementwise for row in rows)
    derivative = derivatives(parts, operands, settings, elementwise)
    op = Op(
        operator.name, category=CATEGORY, doc=operator.doc or f"An operator of your own: {text}.",
        inputs=operands, formula=text, derivative=derivative, elementwise=elementwise,
        shape=_shape_rule(text, operands), kernel=composed(text, operands),
        scalar=composed_scalar(text, operands, bool(settings)) if elementwise else None,
        options=tuple(
            Option(name, float(value), "float", "A setting of this operator.")
            for name, value in operator.settings.items()
        ),
        label=operator.name, aliases=("own", "custom"), ties=any(row.ties for row in rows),
        domain=_direct_domains(parts, operands),
    )  # fmt: skip
    return _with_cases(op)


def _check_names(operands: tuple[str, ...], settings: tuple[str, ...]) -> None:
    for name in (*operands, *settings):
        if name in _RESERVED:
            raise ExpressionError(
                f"{name} stands for {_RESERVED[name]} in derivatives; choose another name for it"
            )
    if len(operands) > MAX_OPERANDS:
        raise ExpressionError(
            f"the formula reads {len(operands)} names; an operator has at most {MAX_OPERANDS} operands"
        )


def _reads(part: Part, setting: str) -> bool:
    name = Name(setting)
    return part.term.tree == name if part.row is None else name in part.options.values()


# ---------------------------------------------------------------- shapes and cases for the checks


def _shape_rule(text: str, operands: tuple[str, ...]) -> Any:
    """The shape of the formula's last row; operands that a row inside blocks are blocked."""
    tree = parse_expression(text)

    def shape(options: Options, *specs: Spec) -> Spec:
        parts = parts_of(tree, operands, options, specs)
        behind: list[frozenset[str]] = []
        blocked: frozenset[str] = frozenset()
        for index, part in enumerate(parts):
            own = frozenset(operands[index : index + 1])
            behind.append(own.union(*(behind[a] for a in part.args)))
            for a in _blocked(part.row, part.spec):
                blocked |= behind[part.args[a]]
        found = parts[-1].spec
        return Spec(found.shape, found.kind, blocked)

    return shape


def _blocked(row: Op | None, spec: Spec) -> Iterator[int]:
    """Operands that lead nowhere for these operands alone; where that is always so, the text says it."""
    for index, port in enumerate(row.inputs if row is not None else ()):
        if port in spec.blocked and row is not None and row.derivative_trees[port] is not None:
            yield index


def _direct_domains(parts: list[Part], operands: tuple[str, ...]) -> dict[str, Domain]:
    """Where every row that reads an operand itself can be checked; kinks at compared numbers."""
    found: dict[str, list[Domain]] = {name: [] for name in operands}
    for part in parts:
        trees = [parts[i].term.tree for i in part.args]
        for position, tree in enumerate(trees):
            if part.row is None or not isinstance(tree, Name) or tree.id not in found:
                continue
            port = part.row.inputs[0] if part.row.variadic else part.row.inputs[position]
            known = [part.row.domain[port]] if port in part.row.domain else []
            compared = [t.value for t in trees if isinstance(t, Number)] if part.row.ties else []
            found[tree.id] += [*known, Domain(kinks=tuple(compared))] if compared else known
    return {name: _common(domains) for name, domains in found.items() if domains}


def _common(domains: list[Domain]) -> Domain:
    low, high = max(d.low for d in domains), min(d.high for d in domains)
    kinks = tuple(sorted({k for d in domains for k in d.kinks}))
    return Domain(low, high, kinks) if high - low > 0.5 else Domain(kinks=kinks)


def _with_cases(op: Op) -> Op:
    """The row with shapes that its operands fit together in and numbers at which it is finite."""
    fitting = iter([((3,),) * len(op.inputs)]) if op.elementwise else _fitting(op)
    shapes = list(islice((s for s in fitting if _finite(op, s) is not None), _CASES))
    if not shapes:
        return op
    for domains in _candidates(op):
        chosen = replace(op, domain=domains)
        if all(_finite(chosen, shape) for shape in shapes):
            op = chosen
            break
    return op if op.elementwise else replace(op, cases=tuple(Case(s) for s in shapes))


def _fitting(op: Op) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Operand shapes that the shape rule accepts, no two of them with one result of one rank."""
    seen = set()
    for shapes in islice(product(_SHAPES, repeat=len(op.inputs)), _SEARCHED):
        try:
            spec = op.shape(op.defaults(), *(Spec(s) for s in shapes))
        except ShapeError:
            continue
        ranks = tuple(len(s) for s in shapes)
        if spec.kind == "float" and ranks not in seen:
            seen.add(ranks)
            yield shapes


def _candidates(op: Op) -> Iterable[Mapping[str, Domain]]:
    yield op.domain
    free = [name for name in op.inputs if name not in op.domain]
    for chosen in islice(product(_DOMAINS, repeat=len(free)), 200):
        yield {**op.domain, **dict(zip(free, chosen, strict=True))}
    for domain in _DOMAINS:
        kinks = {name: op.domain.get(name, domain).kinks for name in op.inputs}
        yield {name: Domain(domain.low, domain.high, kinks[name]) for name in op.inputs}


def _finite(op: Op, shapes: tuple[tuple[int, ...], ...]) -> bool | None:
    """Whether the row is finite at a fixed draw of numbers from its domains; None where a row inside
    refuses the numbers (they are no class indices)."""
    rng = np.random.default_rng(0)
    values = []
    for name, shape in zip(op.inputs, shapes, strict=True):
        domain = op.domain.get(name, Domain())
        values.append(rng.uniform(domain.low, domain.high, (24, *shape)))
    specs = tuple(Spec(s) for s in shapes)
    assert op.kernel is not None
    result = op.shape(op.defaults(), *specs)
    kernel = op.kernel(op.defaults(), specs)
    out = np.empty(result.shape)
    with np.errstate(all="ignore"):
        for k in range(24):
            try:
                kernel(*(v[k] for v in values), out)
            except ValueError:
                return None
            if not np.isfinite(out).all():
                return False
    return True

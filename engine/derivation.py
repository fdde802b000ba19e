"""The derivative of a formula, derived as text from the derivatives of its rows.

Reverse accumulation over the formula's distinct parts, each row's own derivative text taken for one
part. The result is in the same language, so that it is built, differentiated again, traced and
printed like any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from engine import ops
from engine.expression import (
    Call,
    ExpressionError,
    Name,
    Number,
    Static,
    Tree,
    fold,
    parse_expression,
    to_text,
)
from engine.ops.row import Op, local_of, simplified, tidy
from engine.records import check_options

MAX_PARTS, MAX_DERIVED = 300, 3_000
"""How long a formula and each of its derivatives may be, in parts."""


@dataclass(frozen=True)
class Term:
    """A tree with the number of its parts: trees share parts, so that counting again would not end."""

    tree: Tree
    size: int = 1


@dataclass(frozen=True)
class Part:
    """A distinct part of a formula; `row` is None for a name or a number."""

    term: Term
    row: Op | None = None
    args: tuple[int, ...] = ()
    options: Mapping[str, Static | Name] = field(default_factory=dict)


def formula_parts(tree: Tree, settings: Mapping[str, float]) -> list[Part]:
    """Every distinct part of a formula after its operands, the whole one last."""
    parts: list[Part] = []
    places: dict[Any, int] = {}
    names_of_settings = {name: Name(name) for name in settings}

    def place(key: Any, part: Part) -> int:
        if key not in places:
            if part.term.size > MAX_PARTS:
                raise ExpressionError(
                    f"the formula has more than {MAX_PARTS} parts; split it into two operators"
                )
            places[key] = len(parts)
            parts.append(part)
        return places[key]

    def combine(part: Tree, args: tuple[int, ...]) -> int:
        if not isinstance(part, Call):
            return place(repr(part), Part(Term(part)))
        row, count, options = ops.lookup(part, names_of_settings)
        _refuse(row, options, settings)
        own = args[:count]
        said = tuple((k, v) for k, v in options.items() if row.defaults().get(k, row) != v)
        size = 1 + sum(parts[i].term.size for i in own)
        whole = Call(part.name, tuple(parts[i].term.tree for i in own), said)
        key = (row.name, own, repr(sorted(options.items())))
        return place(key, Part(Term(whole, size), row, own, options))

    last = fold(tree, combine)
    return parts[: last + 1]


def _refuse(row: Op, options: Mapping[str, Any], settings: Mapping[str, float]) -> None:
    """Raises ExpressionError or GraphError for a call that a formula of one's own cannot have."""
    if row.hidden:
        raise ExpressionError(f"{row.name} is used by derivatives only")
    if row.statics or row.updates or row.kernel is None or row.reads_inside:
        raise ExpressionError(
            f"{row.name} depends on more than its operands (chance, training or a module); "
            "place it as a node of its own"
        )
    kinds = {o.name: o.kind for o in row.options}
    for name, value in options.items():
        if isinstance(value, Name) and kinds[name] != "float":
            raise ExpressionError(
                f"{name} of {row.name} cannot be the setting {value.id}; write its value"
            )
    check_options(
        row, {k: settings[v.id] if isinstance(v, Name) else v for k, v in options.items()}
    )


class _Adjoints:
    """Reverse accumulation over the parts of a formula, in text.

    In an elementwise formula the adjoint of a part is its factor behind `g *`: every entry of the
    result depends on the entries it was broadcast from alone, so one `sum_to` at the operand, which
    differentiation appends, undoes them all. Other formulas undo broadcasting part by part.
    """

    def __init__(self, parts: list[Part], settings: tuple[str, ...], elementwise: bool) -> None:
        self.parts, self.settings, self.elementwise = parts, settings, elementwise
        self.terms: dict[int, list[Term]] = {
            len(parts) - 1: [Term(Number(1.0) if elementwise else Name("g"))]
        }
        self.stopped: dict[int, set[str]] = {}
        self.names = {name: Name(name) for name in settings}
        readers: dict[int, int] = {}
        for part in parts:
            for i in part.args:
                readers[i] = readers.get(i, 0) + 1
        self.readers = readers

    def run(self) -> None:
        for index in range(len(self.parts) - 1, -1, -1):
            part = self.parts[index]
            if part.row is None:
                continue
            total = self.total(index)
            for position, target in enumerate(part.args):
                if isinstance(self.parts[target].term.tree, Number):
                    continue
                if total is None:
                    self.stopped.setdefault(target, set()).update(self.stopped.get(index, ()))
                else:
                    self._pass_on(index, position, target, total)

    def total(self, index: int) -> Term | None:
        """The sum of what a part was given; None when nothing reached it."""
        terms = self.terms.get(index)
        if not terms:
            return None
        return reduce(self._sum, terms)

    def _sum(self, a: Term, b: Term) -> Term:
        tree = b.tree
        if isinstance(tree, Call) and tree.name == "-" and len(tree.args) == 1:
            return self.call("-", (a, Term(tree.args[0], b.size - 1)))
        return self.call(ops.ADD.symbol, (a, b))

    def _pass_on(self, index: int, position: int, target: int, upstream: Term) -> None:
        part = self.parts[index]
        row = part.row
        assert row is not None
        port = row.inputs[0] if row.variadic else row.inputs[position]
        tree = row.derivative_trees[port]
        if tree is None or port in row.shape_only or ("*" in row.shape_only and position):
            reason = row.derivative[port] if tree is None else "none"
            self.stopped.setdefault(target, set()).add(reason)
            return
        if self.elementwise:
            local = local_of(tree)
            assert local is not None, f"{row.name} has no form g * local"
            term = self.times(upstream, self.build(local, index, position, upstream))
        else:
            term = self.build(tree, index, position, upstream)
        if term.tree == Number(0.0):
            self.stopped.setdefault(target, set()).add("0")
            return
        alone = self.parts[target].row is None and self.readers[target] == 1
        if (
            not self.elementwise
            and not alone
            and len(part.args) > 1
            and not self._fills(index, target)
        ):
            term = self.call(ops.SUM_TO.name, (term, self.parts[target].term))
        self.terms.setdefault(target, []).insert(0, term)  # as the formula has them

    def _fills(self, index: int, target: int) -> bool:
        """True when an elementwise call's result has this operand's shape for certain."""
        part = self.parts[index]
        others = [self.parts[i].term.tree for i in part.args if i != target]
        fixed = all(isinstance(t, Number) or t in self.names.values() for t in others)
        return fixed and part.row is not None and part.row.elementwise

    def build(self, tree: Tree, index: int, position: int, upstream: Term) -> Term:
        """A row's derivative text with its names replaced by the parts of this formula."""
        part = self.parts[index]
        row = part.row
        assert row is not None
        operands = tuple(self.parts[i].term for i in part.args)
        known: dict[str, Term | tuple[Term, ...]] = dict(
            zip(row.ports(len(operands)), operands, strict=True)
        )
        root = index == len(self.parts) - 1
        known |= {
            "inputs": operands, "rest": operands[1:], "g": upstream,
            "y": Term(Name("y")) if root else part.term,
        }  # fmt: skip
        options: dict[str, Any] = {**part.options, "i": position}

        def combine(inner: Tree, args: tuple[Any, ...]) -> Any:
            if isinstance(inner, Number):
                return Term(inner)
            if isinstance(inner, Name):
                if inner.id in known:
                    return known[inner.id]
                value = options[inner.id]
                return Term(value if isinstance(value, Name) else Number(float(value)))
            spread: list[Term] = []
            for arg in args:
                spread.extend(arg if isinstance(arg, tuple) else (arg,))
            said = tuple(
                (k, options.get(v.id, v) if isinstance(v, Name) else v) for k, v in inner.options
            )
            return self.call(inner.name, tuple(spread), said)

        found: Term = fold(tree, combine)
        return found

    def call(
        self, name: str, terms: tuple[Term, ...], options: tuple[tuple[str, Any], ...] = ()
    ) -> Term:
        """A call in its shortest form: numbers folded, steps that change nothing left out."""
        size = 1 + sum(t.size for t in terms)
        if size > MAX_DERIVED:
            raise ExpressionError(
                f"its derivative would have more than {MAX_DERIVED:,} parts; split it into two operators"
            )
        call = Call(name, tuple(t.tree for t in terms), options)
        row, count, settled = ops.lookup(call, self.names)
        if not any(isinstance(v, Name) for v in settled.values()):
            operands = [t.value if isinstance(t, Number) else t for t in call.args[:count]]
            simple = simplified(row, tuple(operands), settled)
            if isinstance(simple, float) and math.isfinite(simple):
                return Term(Number(simple))
            if simple is not None and not isinstance(simple, float):
                return next(t for t in terms if t.tree is simple)
        defaults = row.defaults()
        said = tuple((k, v) for k, v in settled.items() if k not in defaults or defaults[k] != v)
        return Term(tidy(Call(name, call.args[:count], said)), size)

    def times(self, upstream: Term, local: Term) -> Term:
        """A product as a person writes it: numbers in front, `a * (1 / b)` as a quotient."""
        (a, left), (b, right) = _factored(upstream), _factored(local)
        number = a * b
        if number == 0.0 or not math.isfinite(number):
            return self.call(ops.MUL.symbol, (upstream, local))
        rest = self._quotient(left, right) or self._quotient(right, left)
        rest = rest or self.call(ops.MUL.symbol, (left, right))
        if number < 0:
            rest = self.call(ops.NEG.symbol, (rest,)) if number == -1.0 else rest
        return (
            rest if abs(number) == 1.0 else self.call(ops.MUL.symbol, (Term(Number(number)), rest))
        )

    def _quotient(self, one: Term, other: Term) -> Term | None:
        tree = one.tree
        if not (isinstance(tree, Call) and tree.name == "/" and tree.args[0] == Number(1.0)):
            return None
        return Term(Call("/", (other.tree, tree.args[1])), one.size + other.size - 1)


def _factored(term: Term) -> tuple[float, Term]:
    """A term as a number times the rest of it: `-(2 * x)` is -2 and `x`."""
    number = 1.0
    while True:
        tree = term.tree
        if isinstance(tree, Number):
            return number * tree.value, Term(Number(1.0))
        if isinstance(tree, Call) and tree.name == "-" and len(tree.args) == 1:
            number, term = -number, Term(tree.args[0], term.size - 1)
        elif isinstance(tree, Call) and tree.name == "*" and isinstance(tree.args[0], Number):
            number, term = number * tree.args[0].value, Term(tree.args[1], term.size - 2)
        else:
            return number, term


def derivatives(
    parts: list[Part], operands: tuple[str, ...], settings: tuple[str, ...], elementwise: bool
) -> dict[str, str]:
    adjoints = _Adjoints(parts, settings, elementwise)
    adjoints.run()
    texts: dict[str, str] = {}
    for index, part in enumerate(parts):
        if not (isinstance(part.term.tree, Name) and part.term.tree.id in operands):
            continue
        total = adjoints.total(index)
        port = part.term.tree.id
        if total is None or total.tree == Number(0.0):
            texts[port] = "none" if adjoints.stopped.get(index) == {"none"} else "0"
            continue
        tree = total.tree
        if elementwise:
            g = Name("g")
            whole: dict[str, Tree] = {"1": g, "-1": Call("-", (g,))}
            tree = whole.get(to_text(tree), Call("*", (g, tree)))
        texts[port] = to_text(tree)
        try:
            parse_expression(texts[port])
        except ExpressionError:
            raise ExpressionError(
                f"the derivative by {port} is nested too deep to be written; split the formula into "
                "two operators"
            ) from None
    return {port: texts[port] for port in operands}

"""Products and sums as people write them: numbers in front, quotients as such, common factors once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.expression import Call, Name, Number, Tree

Factor = tuple[Tree, float]
"""A part of a product and its exponent, 1 or more."""


@dataclass(frozen=True)
class Product:
    """`number / divisor * top / bottom`. The divisor is kept apart so that a third stays exact."""

    number: float = 1.0
    divisor: float = 1.0
    top: tuple[Factor, ...] = ()
    bottom: tuple[Factor, ...] = ()

    def times(self, other: Product) -> Product:
        return Product(
            self.number * other.number,
            self.divisor * other.divisor,
            _merged(self.top, other.top),
            _merged(self.bottom, other.bottom),
        )

    @property
    def inverse(self) -> Product:
        return Product(self.divisor, self.number, self.bottom, self.top)


def neat(call: Call) -> Tree:
    """A product, a quotient or a sum in its shortest form; its operands are taken as they are.

    No factor is ever cancelled, so that a 0 in a divisor stays there; the value may differ in its last
    digits, as numbers are multiplied and terms put in another order.
    """
    if call.name in ("*", "/") or (call.name == "-" and len(call.args) == 1):
        product = _product(call)
        usable = product.number and product.divisor and math.isfinite(product.number)
        return _written(product) if usable and math.isfinite(product.divisor) else call
    if call.name in ("+", "-"):
        return _sum(_terms(call))
    return call


# ---------------------------------------------------------------- products


def _product(root: Tree) -> Product:
    """A tree's factors, looked for through products, quotients, signs and whole powers."""
    found, work = Product(), [(root, False)]
    while work:
        tree, below = work.pop()
        if isinstance(tree, Call) and tree.name in ("*", "/"):
            left, right = tree.args
            work += [(right, below ^ (tree.name == "/")), (left, below)]
            continue
        if isinstance(tree, Call) and tree.name == "-" and len(tree.args) == 1:
            work.append((tree.args[0], below))
            part = Product(-1.0)
        elif isinstance(tree, Number):
            part = Product(tree.value)
        else:
            part = Product(top=(_power(tree),))
        found = found.times(part.inverse if below else part)
    return found


def _power(tree: Tree) -> Factor:
    if isinstance(tree, Call) and tree.name == "**":
        base, exponent = tree.args
        if isinstance(exponent, Number) and exponent.value > 1.0:
            return base, exponent.value
    return tree, 1.0


def _merged(one: tuple[Factor, ...], other: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Factors of both, exponents of equal ones added."""
    found = list(one)
    for tree, exponent in other:
        at = next((i for i, (known, _) in enumerate(found) if known == tree), None)
        if at is None:
            found.append((tree, exponent))
        else:
            found[at] = tree, found[at][1] + exponent
    return tuple(found)


def _written(product: Product) -> Tree:
    number, divisor = product.number, product.divisor
    if divisor < 0:
        number, divisor = -number, -divisor
    if number % divisor == 0:
        number, divisor = number / divisor, 1.0
    elif number and divisor % number == 0:
        number, divisor = math.copysign(1.0, number), abs(divisor / number)
    upper = _times(abs(number), product.top)
    if product.bottom or divisor != 1.0:
        upper = Call("/", (upper, _times(divisor, product.bottom)))
    if number > 0:
        return upper
    return Number(-upper.value) if isinstance(upper, Number) else _negative(upper)


def _negative(tree: Tree) -> Tree:
    """The sign at the first factor of a product, where it needs no bracket."""
    if isinstance(tree, Call) and tree.name == "*":
        parts = [tree]
        while isinstance(parts[-1].args[0], Call) and parts[-1].args[0].name == "*":
            parts.append(parts[-1].args[0])
        first = parts[-1].args[0]
        made: Tree = Number(-first.value) if isinstance(first, Number) else Call("-", (first,))
        for part in reversed(parts):
            made = Call("*", (made, part.args[1]))
        return made
    return Call("-", (tree,))


def _times(number: float, factors: Sequence[Factor]) -> Tree:
    """A number in front, then names, then the rest, each in the order they came."""
    ordered = sorted(factors, key=lambda f: 0 if isinstance(f[0], Name) else 1)
    trees: list[Tree] = [t if e == 1.0 else Call("**", (t, Number(e))) for t, e in ordered]
    if number != 1.0 or not trees:
        trees.insert(0, Number(number))
    made = trees[0]
    for tree in trees[1:]:
        made = Call("*", (made, tree))
    return made


# ---------------------------------------------------------------- sums


def _terms(root: Tree) -> list[Product]:
    found: list[Product] = []
    work = [(root, False)]
    while work:
        tree, negative = work.pop()
        if isinstance(tree, Call) and tree.name in ("+", "-") and len(tree.args) == 2:
            left, right = tree.args
            work += [(right, negative ^ (tree.name == "-")), (left, negative)]
            continue
        term = _product(tree)
        if not (term.number and term.divisor):
            term = Product(top=((tree, 1.0),))  # a factor 0 has to stay where it is
        term = Product(
            -term.number if negative else term.number, term.divisor, term.top, term.bottom
        )
        _add(found, term)
    return found


def _add(terms: list[Product], term: Product) -> None:
    """Adds a term to an equal one, unless nothing would be left of both."""
    for i, known in enumerate(terms):
        same = (known.top, known.bottom, known.divisor) == (term.top, term.bottom, term.divisor)
        if same and known.number + term.number:
            number = known.number + term.number
            terms[i] = Product(number, term.divisor, term.top, term.bottom)
            return
    terms.append(term)


def _sum(terms: list[Product]) -> Tree:
    if len(terms) == 1:
        return _written(terms[0])
    common = _common(terms)
    if common is None:
        return _added(terms)
    rest = [_without(term, common) for term in terms]
    if not any(term.top or term.bottom for term in rest):
        return _added(terms)
    inside = _added(rest)
    return _written(common.times(Product(top=((inside, 1.0),))))


def _common(terms: list[Product]) -> Product | None:
    """What every term has as a factor, beside a number; None where that is nothing."""
    top = tuple(
        (tree, least)
        for tree, e in terms[0].top
        if (least := min([e, *(_exponent(t.top, tree) for t in terms[1:])])) >= 1.0
    )
    bottom = terms[0].bottom if all(t.bottom == terms[0].bottom for t in terms) else ()
    if not top and not bottom:
        return None
    first = terms[0]
    equal = all((abs(t.number), t.divisor) == (abs(first.number), first.divisor) for t in terms)
    sign = -1.0 if all(t.number < 0 for t in terms) else 1.0
    size, divisor = (abs(first.number), first.divisor) if equal else (1.0, 1.0)
    return Product(sign * size, divisor, top, bottom)


def _exponent(factors: Sequence[Factor], tree: Tree) -> float:
    return next((e for known, e in factors if known == tree), 0.0)


def _without(term: Product, common: Product) -> Product:
    left = tuple(
        (tree, e - _exponent(common.top, tree))
        for tree, e in term.top
        if e - _exponent(common.top, tree) > 0
    )
    bottom = () if common.bottom else term.bottom
    equal = common.divisor == term.divisor and abs(common.number) == abs(term.number)
    if equal:
        return Product(math.copysign(1.0, term.number * common.number), 1.0, left, bottom)
    return Product(term.number * common.number, term.divisor, left, bottom)


def _added(terms: list[Product]) -> Tree:
    """Terms one after the other, one without a minus first."""
    first = next((i for i, t in enumerate(terms) if t.number > 0), 0)
    ordered = [terms[first], *terms[:first], *terms[first + 1 :]]
    made = _written(ordered[0])
    for term in ordered[1:]:
        if term.number < 0:
            positive = Product(-term.number, term.divisor, term.top, term.bottom)
            made = Call("-", (made, _written(positive)))
        else:
            made = Call("+", (made, _written(term)))
    return made

"""Part of drawer "Linear algebra": sums of products over named axes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from engine.ops.row import REQUIRED, Array, Case, Kernel, Op, Option
from engine.shapes import Options, ShapeError, Spec, shape_text

SUBSCRIPTS = Option(
    "subscripts",
    REQUIRED,
    "text",
    "A letter for each axis, as in 'ij,jk->ik'; absent ones are summed.",
    start="ij,jk->ik",
)
CASES = (
    Case(((2, 3), (3, 2)), {"subscripts": "ij,jk->ik"}),
    Case(((2, 3), (2, 3)), {"subscripts": "ij,ij"}),
    Case(((3, 3),), {"subscripts": "ii->i"}), Case(((3, 3, 2),), {"subscripts": "iij->j"}),
    Case(((2, 3),), {"subscripts": "ij->ji"}), Case(((2, 3), (4,)), {"subscripts": "ij,k->ki"}),
    Case(((2, 2, 3), (2, 3, 2)), {"subscripts": "bij,bjk->bik"}),
    Case(((2,), (2, 3), (3,)), {"subscripts": "i,ij,j->"}),
)  # fmt: skip

Product = Callable[[Array, Array, Array | None], Array]


@cache
def read(subscripts: str, count: int) -> tuple[tuple[str, ...], str]:
    """The letters of each operand and of the result. Raises ShapeError.

    Without an arrow the result has the letters that stand once, in alphabetical order, as in NumPy.
    """
    text = subscripts.replace(" ", "")
    if "." in text:
        raise ShapeError("einsum does not read '...'", "give every axis a letter")
    if not re.fullmatch(r"[A-Za-z,]*(->[A-Za-z]*)?", text):
        raise ShapeError(f"{subscripts!r} names no axes", "write letters as in 'ij,jk->ik'")
    left, arrow, out = text.partition("->")
    terms = tuple(left.split(","))
    if not arrow:
        letters = left.replace(",", "")
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(terms) != count:
        raise ShapeError(f"{subscripts!r} names {len(terms)} operands and there are {count}")
    for letter in out:
        if letter not in left or out.count(letter) > 1:
            raise ShapeError(
                f"the result of {subscripts!r} has an axis {letter!r} that does not stand once in it "
                "or in no operand"
            )
    return terms, out


def sizes_of(terms: Iterable[str], specs: Sequence[Spec]) -> dict[str, int]:
    """How long each letter's axis is. Raises ShapeError where operands disagree."""
    sizes: dict[str, int] = {}
    for term, spec in zip(terms, specs, strict=True):
        if len(term) != spec.rank:
            raise ShapeError(
                f"{term!r} names {len(term)} axes and {shape_text(spec.shape)} has {spec.rank}",
                "give every axis a letter",
            )
        for letter, n in zip(term, spec.shape, strict=True):
            if sizes.setdefault(letter, n) != n:
                raise ShapeError(
                    f"axis {letter!r} has size {sizes[letter]} in one place and {n} in another",
                    "make them equal",
                )
    return sizes


def _distinct(term: str) -> str:
    return "".join(dict.fromkeys(term))


def _alone(term: str, wanted: set[str]) -> tuple[str, Callable[[Array], Array]]:
    """Diagonals of repeated letters, and the sums that concern one operand only."""
    letters = _distinct(term)
    drop = tuple(i for i, c in enumerate(letters) if c not in wanted)
    diagonal = f"{term}->{letters}"

    def prepare(x: Array) -> Array:
        if len(letters) < len(term):
            x = np.einsum(diagonal, x)
        return np.add.reduce(x, drop) if drop else x

    return "".join(c for c in letters if c in wanted), prepare


def _pair(a: str, b: str, wanted: set[str], sizes: Mapping[str, int]) -> tuple[str, Product]:
    """Two operands into one: a (batched) matrix product, or plain products where nothing is summed.

    The product is written into an array where one is given and its layout allows that.
    """
    both = [c for c in a if c in b]
    batch, summed = [c for c in both if c in wanted], [c for c in both if c not in wanted]
    left, right = [c for c in a if c not in both], [c for c in b if c not in both]
    order_a = [a.index(c) for c in (*batch, *left, *summed)]
    order_b = [b.index(c) for c in (*batch, *summed, *right)]
    shape = [tuple(sizes[c] for c in group) for group in (batch, left, right, summed)]
    rows, columns, inner = (int(np.prod(s)) for s in shape[1:])
    labels = "".join((*batch, *left, *right))

    def product(x: Array, y: Array, into: Array | None) -> Array:
        first, second = x.transpose(order_a), y.transpose(order_b)
        if not summed:
            first = first.reshape(first.shape + (1,) * len(right))
            second = second.reshape(shape[0] + (1,) * len(left) + shape[2])
            products: Array = np.multiply(first, second, into)
            return products
        first = first.reshape(*shape[0], rows, inner)
        second = second.reshape(*shape[0], inner, columns)
        if into is None or not into.flags.c_contiguous:
            result: Array = np.matmul(first, second)
            return result.reshape(shape[0] + shape[1] + shape[2])
        np.matmul(first, second, into.reshape(*shape[0], rows, columns))
        return into

    return labels, product


def contraction(
    terms: Sequence[str], out: str, sizes: Mapping[str, int]
) -> Callable[[Sequence[Array], Array], None]:
    """A function that writes the contraction of operands into an array with axes in the order of `out`.

    Operands are paired by matrix products, at each turn the two whose product is the smallest; NumPy's
    `einsum` alone loops over all letters at once. Letters of `out` must stand in some term.
    """
    count: dict[str, int] = {}
    for term in terms:
        for letter in set(term):
            count[letter] = count.get(letter, 0) + 1
    shared = {c for c, n in count.items() if n > 1} | set(out)
    starts = [_alone(term, shared) for term in terms]
    labels = {i: letters for i, (letters, _) in enumerate(starts)}
    steps: list[tuple[int, int, Product]] = []

    def wanted(i: int, j: int) -> set[str]:
        return set(out).union(*(labels[k] for k in labels if k not in (i, j)))

    def cost(pair: tuple[int, int]) -> int:
        kept = (set(labels[pair[0]]) | set(labels[pair[1]])) & wanted(*pair)
        return int(np.prod([sizes[c] for c in kept]))

    while len(labels) > 1:
        i, j = min(combinations(labels, 2), key=cost)
        joined, product = _pair(labels[i], labels[j], wanted(i, j), sizes)
        steps.append((i, j, product))
        del labels[j]
        labels[i] = joined
    ((last, letters),) = labels.items()
    final = steps[-1][1] if steps else 0
    order = [out.index(c) for c in letters]

    def contract(operands: Sequence[Array], result: Array) -> None:
        # whole numbers would wrap, and NumPy's product of truth values is "or"
        floats = [x if x.dtype.kind in "fc" else x.astype(result.dtype) for x in operands]
        values = [prepare(x) for (_, prepare), x in zip(starts, floats, strict=True)]
        target = result.transpose(order)
        for i, j, product in steps:
            values[i] = product(values[i], values[j], target if j == final else None)
        if values[last] is not target:
            np.copyto(target, values[last])

    return contract


def _shape(options: Options, *specs: Spec) -> Spec:
    terms, out = read(options["subscripts"], len(specs))
    sizes = sizes_of(terms, specs)
    return Spec(tuple(sizes[c] for c in out))


def _kernel(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    terms, out = read(options["subscripts"], len(specs))
    contract = contraction(terms, out, sizes_of(terms, specs))
    return lambda *args: contract(args[:-1], args[-1])


def part_shape(options: Options, *specs: Spec) -> Spec:
    """The shape of the operand at `part`; the operands are those of einsum and its gradient."""
    terms, out = read(options["subscripts"], len(specs) - 1)
    sizes_of((*terms, out), specs)
    part = options["part"]
    return Spec(specs[part].shape, "float", frozenset({f"xs{part}"}))


def part_kernel(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """All operands but one, contracted to the letters of that one; it goes on the diagonal where it
    repeats a letter, and is the same along letters that stand nowhere else."""
    terms, out = read(options["subscripts"], len(specs) - 1)
    every, part = [*terms, out], options["part"]
    sizes = sizes_of(every, specs)
    target = every.pop(part)
    letters = _distinct(target)
    core = "".join(c for c in letters if any(c in term for term in every))
    contract = contraction(every, core, sizes)
    shape = tuple(sizes[c] if c in core else 1 for c in letters)
    diagonal = f"{target}->{letters}"

    def kernel(*args: Any) -> None:
        result = args[-1]
        others = [x for i, x in enumerate(args[:-1]) if i != part]
        if len(letters) < len(target):
            result.fill(0)
            result = np.einsum(diagonal, result)
        if core == letters:
            contract(others, result)
            return
        inner = np.empty([sizes[c] for c in core], result.dtype)
        contract(others, inner)
        result[...] = inner.reshape(shape)

    return kernel


ROWS = (
    Op(
        "einsum", category="Linear algebra", variadic=True, analytic=True, least=1,
        inputs=("xs",), doc="Sums of products over named axes: einsum(A, B, subscripts='ij,jk->ik').",
        formula="einsum(xs, subscripts=subscripts)",
        derivative={"xs": "einsum_part(inputs, g, subscripts=subscripts, part=i)"},
        shape=_shape, kernel=_kernel, options=(SUBSCRIPTS,), cases=CASES,
        aliases=("contraction", "tensordot", "tensor", "product", "sum"),
    ),
)  # fmt: skip

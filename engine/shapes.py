"""Shape rules and broadcasting, with messages that say what disagrees and what would fix it.

A `Spec` is what is known of a value before it is computed: its shape, its kind (float, int or bool)
and the operand ports through which no derivative can flow for these operands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

Shape = tuple[int, ...]
Kind = Literal["float", "int", "bool"]
Options = Mapping[str, Any]


class ShapeError(ValueError):
    """Operands do not fit; the message names the dimension, `fix` what would mend it."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}; {fix}" if fix else message)
        self.message, self.fix = message, fix


class Spec(Struct, frozen=True, gc=False):
    """Shape and kind of a value; `blocked` names operand ports without a derivative.

    `value` is the number itself when the operand is a literal; `count` tells rows that read masks
    how many entries of a truth value hold.
    """

    shape: Shape = ()
    kind: Kind = "float"
    blocked: frozenset[str] = frozenset()
    value: float | None = None
    count: int | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        total = 1
        for n in self.shape:
            total *= n
        return total


ShapeRule = Callable[..., Spec]
"""`rule(options, *operand specs) -> Spec`; raises ShapeError."""


def shape_text(shape: Shape) -> str:
    """`(3, 4)` as `3×4`, a scalar as `()`."""
    return "×".join(str(n) for n in shape) if shape else "()"


def broadcast(*shapes: Shape) -> Shape:
    """The common shape, NumPy's rules. Raises ShapeError naming the dimension that disagrees."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max((len(s) for s in shapes), default=0)
    result: list[int] = []
    for axis in range(-rank, 0):
        sizes = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        if len(sizes) > 1:
            raise _mismatch(axis, shapes)
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def _mismatch(axis: int, shapes: tuple[Shape, ...]) -> ShapeError:
    sizes = [s[axis] for s in shapes if len(s) >= -axis and s[axis] != 1]
    pair = " and ".join(shape_text(s) for s in shapes)
    place = "the last dimension" if axis == -1 else f"dimension {axis} (counted from the end)"
    fix = "make them equal or 1"
    full = [s for s in shapes if len(s) >= 2]
    if any(_fits(s[::-1], t) for s in full for t in full if t is not s):
        fix = "transposing one of them with T would fit"
    elif any(len(s) == 1 and any(s[0] in t[:-1] for t in shapes) for s in shapes):
        fix = "reshape the vector to a column, as in reshape(x, (-1, 1))"
    return ShapeError(
        f"{pair} do not fit: {place} is {sizes[0]} in one and {sizes[1]} in the other", fix
    )


def _fits(a: Shape, b: Shape) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1], strict=False))


def join(*specs: Spec) -> Kind:
    """The kind of an arithmetic result: float over int over bool."""
    whole: Kind = "bool"
    for spec in specs:
        if spec.kind == "float":
            return "float"
        whole = "int" if spec.kind == "int" else whole
    return whole


# ---------------------------------------------------------------- rules that rows share


def elementwise(options: Options, *operands: Spec) -> Spec:
    """A float for each entry of the broadcast operands."""
    return _like_first(operands, "float")


def arithmetic(options: Options, *operands: Spec) -> Spec:
    """As `elementwise`, whole numbers staying whole."""
    kind = join(*operands)
    return _like_first(operands, "int" if kind == "bool" else kind)


def _like_first(operands: tuple[Spec, ...], kind: Kind) -> Spec:
    """The broadcast operands with this kind; the first operand's own record where it says that."""
    first, shape = operands[0], broadcast(*[s.shape for s in operands])
    if first.shape == shape and first.kind == kind and first.value is None and not first.blocked:
        return first
    return Spec(shape, kind)


def truth(options: Options, *operands: Spec) -> Spec:
    """A truth value for each entry of the broadcast operands."""
    return Spec(broadcast(*(s.shape for s in operands)), "bool")


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """An `axis` option as sorted positive axes; None is all. Raises ShapeError."""
    if axis is None:
        return tuple(range(rank))
    wanted = axis if isinstance(axis, tuple) else (axis,)
    result = []
    for a in wanted:
        if isinstance(a, bool) or not isinstance(a, int):
            raise ShapeError(f"an axis is a whole number, not {a!r}")
        if not -rank <= a < rank:
            known = f"it has axes 0 to {rank - 1}" if rank else "it is a single number"
            raise ShapeError(f"there is no axis {a}: {known}", "choose another axis")
        result.append(a % rank)
    if len(set(result)) != len(result):
        raise ShapeError(f"an axis is named twice in {axis!r}", "name each axis once")
    return tuple(sorted(result))


def reduced(shape: Shape, axis: Any, keepdims: bool) -> Shape:
    """The shape left when `axis` is summed away."""
    gone = axes_of(axis, len(shape))
    if keepdims:
        return tuple(1 if i in gone else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def reduction(options: Options, x: Spec) -> Spec:
    """One float for each slice along `axis`."""
    return Spec(reduced(x.shape, options["axis"], options["keepdims"]))


def matmul(options: Options, a: Spec, b: Spec) -> Spec:
    """NumPy's `@`: matrices in the last two axes, vectors widened, the rest broadcast."""
    if not a.shape or not b.shape:
        fix = "use * instead"
        if a.shape:
            fix = f"give the right side {a.shape[-1]} rows, as in ({a.shape[-1]}, 8), or use * instead"
        elif b.shape:
            rows = b.shape[-2:][0]
            fix = f"give the left side {rows} columns, as in (8, {rows}), or use * instead"
        raise ShapeError("a matrix product needs vectors or matrices, not a number", fix)
    left = a.shape if a.rank > 1 else (1, *a.shape)
    right = b.shape if b.rank > 1 else (*b.shape, 1)
    if left[-1] != right[-2]:
        pair = f"{shape_text(a.shape)} @ {shape_text(b.shape)} does not fit"
        detail = f"{left[-1]} columns on the left, {right[-2]} rows on the right"
        fix = f"the two must be equal: give the right side {left[-1]} rows"
        if a.rank > 1 and a.shape[-2] == right[-2]:
            fix = "transposing the left one, as in T(a) @ b, would fit"
        elif b.rank > 1 and b.shape[-1] == left[-1]:
            fix = "transposing the right one, as in a @ T(b), would fit"
        raise ShapeError(f"{pair}: {detail}", fix)
    shape = (*broadcast(left[:-2], right[:-2]), left[-2], right[-1])
    if a.rank == 1:
        shape = (*shape[:-2], shape[-1])
    if b.rank == 1:
        shape = shape[:-1]
    return Spec(shape)


def reshaped(shape: Shape, target: Any) -> Shape:
    """The shape asked for, with one -1 worked out. Raises ShapeError."""
    wanted = target if isinstance(target, tuple) else (target,)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= -1 for n in wanted):
        raise ShapeError(f"a shape is a tuple of whole numbers, not {target!r}")
    total = Spec(shape).size
    known = Spec(tuple(n for n in wanted if n != -1)).size
    if wanted.count(-1) > 1:
        raise ShapeError("only one size may be -1")
    if -1 in wanted:
        if known == 0 or total % known:
            raise ShapeError(f"{total} numbers do not fill {wanted}", "choose sizes that divide it")
        return tuple(total // known if n == -1 else n for n in wanted)
    if known != total:
        raise ShapeError(f"{total} numbers cannot become {shape_text(wanted)}, which holds {known}")
    return tuple(wanted)

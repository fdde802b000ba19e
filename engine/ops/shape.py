"""Drawer "Shape": the same numbers in another arrangement."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.ops import indexing
from engine.ops.row import REQUIRED, Array, Case, Kernel, Mend, Op, Option
from engine.shapes import Options, ShapeError, Spec, axes_of, join, reshaped, shape_text

CONCAT_AXIS = Option("axis", 0, "int", "The axis along which the parts follow each other.")


def _reshape_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.reshape(reshaped(specs[0].shape, options["shape"]))


def _copies(view: Any) -> Any:
    """A binder that copies what the view shows (for buffers that cannot be viewed)."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        return lambda x, out: np.copyto(out, view(options, specs, x))

    return bind


def concat_shape(options: Options, *parts: Spec) -> Spec:
    first = parts[0]
    if first.rank == 0:
        raise ShapeError("single numbers cannot be joined", "reshape them to (1,) first")
    axis = axes_of(options["axis"], first.rank)[0]
    for part in parts[1:]:
        rest = [n for i, n in enumerate(part.shape) if i != axis]
        if part.rank != first.rank or rest != [n for i, n in enumerate(first.shape) if i != axis]:
            raise ShapeError(
                f"{shape_text(first.shape)} and {shape_text(part.shape)} cannot be joined along "
                f"axis {axis}: their other dimensions differ"
            )
    shape = list(first.shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    return Spec(tuple(shape), join(*parts))


def _concat(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axis = options["axis"]
    return lambda *args: np.concatenate(args[:-1], axis=axis, out=args[-1])


NEW_AXIS = Option("axis", 0, "int", "Where the new axis stands in the result.")
SHAPE = Option("shape", REQUIRED, "shape", "The new shape, as in (2, 3).", start=(1,))
SPLIT = (
    Option("parts", 2, "int", "Into how many equal parts."),
    Option("part", 0, "int", "Which of them, counted from 0."),
    Option("axis", 0, "int", "The axis that is cut."),
)
AXIS = Option("axis", None, "axis", "The axis or axes to go along; None takes all.")
ROLL = (
    Option("shift", 1, "int", "How far; below 0 towards the front."),
    Option(
        "axis", None, "axis", "The axis or axes to move along; None takes all entries in a row."
    ),
)
REPS = Option("reps", REQUIRED, "shape", "How often along each axis, as in (2, 1).", start=2)
WIDTHS = Option(
    "widths",
    REQUIRED,
    "shape",
    "One number for every side, or two for each axis: before and after.",
    start=1,
)
MODE = Option(
    "mode", "constant", "choice", "What is added.", choices=("constant", "reflect", "edge")
)
_FILL = Option("value", 0.0, "float", "The number added in mode constant.")


def _same(options: Options, x: Spec) -> Spec:
    axes_of(options["axis"], x.rank)
    return Spec(x.shape, x.kind)


def new_axis(options: Options, rank: int) -> int:
    """Where an axis is put into a value of `rank` axes. Raises ShapeError."""
    return axes_of(options["axis"], rank + 1)[0]


def _stack_shape(options: Options, *parts: Spec) -> Spec:
    first = parts[0].shape
    for part in parts[1:]:
        if part.shape != first:
            raise ShapeError(
                f"{shape_text(first)} and {shape_text(part.shape)} cannot be stacked: they differ",
                "use concat to join values of different length",
            )
    axis = new_axis(options, len(first))
    return Spec((*first[:axis], len(parts), *first[axis:]), join(*parts))


def _stack(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axis = options["axis"]
    return lambda *args: np.stack(args[:-1], axis, out=args[-1])


def _split_at(options: Options, shape: tuple[int, ...]) -> tuple[slice, ...]:
    axis = axes_of(options["axis"], len(shape))[0]
    length = shape[axis] // options["parts"]
    start = options["part"] * length
    return (*(slice(None),) * axis, slice(start, start + length))


def _split_shape(options: Options, x: Spec) -> Spec:
    axis, parts = axes_of(options["axis"], x.rank)[0], options["parts"]
    if parts < 1 or x.shape[axis] % parts:
        raise ShapeError(
            f"{x.shape[axis]} entries cannot be cut into {parts} equal parts",
            "choose a number that divides them, or pick a range, as in x[0:2]",
        )
    if not 0 <= options["part"] < parts:
        raise ShapeError(f"there is no part {options['part']}", f"the parts are 0 to {parts - 1}")
    shape = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
    return Spec(shape, x.kind)


def split_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    """The part of `x` that `split` gives."""
    return x[_split_at(options, x.shape)]


def wholes(value: Any, what: str) -> tuple[int, ...]:
    """A tuple of whole numbers of 0 or more. Raises ShapeError."""
    given = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in given):
        raise ShapeError(f"{what} takes whole numbers of 0 or more, not {value!r}")
    return given


def _spread_shape(options: Options, x: Spec) -> Spec:
    wanted = wholes(options["shape"], "a shape")
    lead = len(wanted) - x.rank
    if lead < 0 or any(m not in (1, n) for m, n in zip(x.shape, wanted[lead:], strict=True)):
        raise ShapeError(
            f"{shape_text(x.shape)} cannot be repeated to {shape_text(wanted)}",
            "axes that grow must have size 1 or be new ones in front",
        )
    return Spec(wanted, x.kind)


def _spread_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return np.broadcast_to(x, wholes(options["shape"], "a shape"))


def _squeezed(options: Options, x: Spec) -> Spec:
    axis = options["axis"]
    gone = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(axis, x.rank)
    for i in gone:
        if x.shape[i] != 1:
            raise ShapeError(
                f"axis {i} of {shape_text(x.shape)} is not of size 1", "choose another"
            )
    return Spec(tuple(n for i, n in enumerate(x.shape) if i not in gone), x.kind)


def _unsqueezed(options: Options, x: Spec) -> Spec:
    axis = new_axis(options, x.rank)
    return Spec((*x.shape[:axis], 1, *x.shape[axis:]), x.kind)


def _reshaped_by(rule: Any) -> Any:
    """A view in the shape that a rule gives."""
    return lambda options, specs, x: x.reshape(rule(options, specs[0]).shape)


def _flip_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return np.flip(x, axes_of(options["axis"], x.ndim))


def rolled(sign: int) -> Any:
    """A binder that moves entries on (1) or back (-1)."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        shift, axis = sign * options["shift"], options["axis"]
        return lambda x, out: np.copyto(out, np.roll(x, shift, axis))

    return bind


def _tiled(options: Options, x: Spec) -> Spec:
    reps = wholes(options["reps"], "reps")
    rank = max(len(reps), x.rank)
    sizes = (1,) * (rank - x.rank) + x.shape
    times = (1,) * (rank - len(reps)) + reps
    return Spec(tuple(m * n for m, n in zip(sizes, times, strict=True)), x.kind)


def pad_widths(options: Options, x: Spec) -> tuple[tuple[int, int], ...]:
    """The entries added before and after, for each axis. Raises ShapeError."""
    widths = wholes(options["widths"], "pad")
    if not isinstance(options["widths"], tuple):
        widths *= 2 * x.rank
    if len(widths) != 2 * x.rank:
        raise ShapeError(
            f"{len(widths)} widths are given for {x.rank} axes",
            f"give one number, or {2 * x.rank}: before and after for each axis",
        )
    return tuple(zip(widths[::2], widths[1::2], strict=True))


def padded(options: Options, x: Spec) -> Spec:
    """The shape of `pad`; reflecting needs more entries than it adds."""
    widths, mode = pad_widths(options, x), options["mode"]
    for n, pair in zip(x.shape, widths, strict=True):
        if mode == "reflect" and max(pair) >= max(n, 1):
            raise ShapeError(f"an axis of {n} entries can mirror fewer than {n} of them")
        if mode == "edge" and max(pair) and not n:
            raise ShapeError("there is no nearest entry where there are none", "give at least one")
    kind = x.kind if mode != "constant" or options["value"] == 0 else "float"
    return Spec(tuple(a + n + b for n, (a, b) in zip(x.shape, widths, strict=True)), kind)


def _pad(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    widths, mode, value = pad_widths(options, specs[0]), options["mode"], options["value"]
    inside = tuple(slice(a, a + n) for n, (a, _) in zip(specs[0].shape, widths, strict=True))

    def kernel(x: Any, out: Any) -> None:
        if mode == "constant" or not x.ndim:
            out.fill(value)
            out[inside] = x
        else:
            np.copyto(out, np.pad(x, widths, mode))

    return kernel


# ---------------------------------------------------------------- uses that mend a misfit


def _arrangements(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    """Shapes that its numbers fill: one that stands beside it, rows or columns as long as an axis
    there, one row for each entry of the first axis, one row, a batch of pictures."""
    wanted: list[tuple[int, ...]] = [other.shape for other in beside if other.size == x.size]
    for n in dict.fromkeys(n for other in beside for n in other.shape if n > 1):
        wanted += [(-1, n), (n, -1)]
    if x.rank > 2:
        wanted.append((x.shape[0], -1))
    if x.rank:
        wanted.append((-1,))
    side = math.isqrt(x.shape[-1]) if x.rank == 2 else 0
    if side > 1 and side * side == x.shape[-1]:
        wanted.append((-1, 1, side, side))
    wanted += [(1,) * more + x.shape for more in (2, 3) if x.rank + more <= 4]
    for shape in dict.fromkeys(wanted):
        try:
            filled = reshaped(x.shape, shape)
        except ShapeError:
            continue
        if filled != x.shape:
            kept = bool(x.rank and filled and filled[0] == x.shape[0])
            title = f"Reshape {{x}} to {shape_text(filled)}"
            yield Mend(title, 4 if kept else 5, {"shape": shape})


def _rows(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    if x.rank > 2:
        yield Mend("Flatten {x}", 3)


def _repeats(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    for shape in dict.fromkeys(other.shape for other in beside):
        if shape != x.shape and len(shape) >= x.rank:
            yield Mend(f"Repeat {{x}} to {shape_text(shape)}", 4, {"shape": shape})


def _without_ones(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    if 1 in x.shape:
        yield Mend("Drop the axes of size 1 of {x}", 2)


def _new_axes(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    names = {0: "Make {x} a row", 1: "Make {x} a column"} if x.rank == 1 else {}
    for axis in range(x.rank + 1):
        yield Mend(names.get(axis, f"Add axis {axis} to {{x}}"), 2, {"axis": axis})


def _row(name: str, doc: str, derivative: str, **rest: Any) -> Op:
    fields: dict[str, Any] = {"category": "Shape", "inputs": ("x",), "analytic": True, **rest}
    return Op(name, doc=doc, derivative={fields["inputs"][0]: derivative}, **fields)


def _flat(options: Options, x: Spec) -> Spec:
    if x.rank < 1:
        raise ShapeError("a single number has no rows to flatten", "reshape it to (1,) first")
    return Spec((x.shape[0], x.size // x.shape[0] if x.shape[0] else 0), x.kind)


def _flat_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.reshape(_flat(options, specs[0]).shape)


ROWS = (
    _row(
        "reshape", "The same entries in another shape; one size may be -1.", "reshape_as(g, x)",
        formula="reshape(x, shape=shape)", shape=lambda o, x: Spec(reshaped(x.shape, o["shape"]), x.kind),
        kernel=_copies(_reshape_view), view=_reshape_view,
        options=(Option("shape", REQUIRED, "shape", "The new shape, as in (2, -1).", start=(-1,)),),
        aliases=("view",),
        adapts=_arrangements,
        cases=(Case(((2, 3),), {"shape": (3, -1)}), Case(((6,),), {"shape": (2, 3)})),
    ),
    _row(
        "flatten", "Everything behind the first axis in one row.", "reshape_as(g, x)",
        formula="flatten(x)", shape=_flat, kernel=_copies(_flat_view), view=_flat_view, aliases=("ravel",),
        adapts=_rows, cases=(Case(((2, 3, 2),)),),
    ),
    _row(
        "concat", "Values one behind the other along an axis.",
        "part_of(g, inputs, axis=axis, part=i)", inputs=("xs",), variadic=True,
        formula="concat(xs, axis=axis)", shape=concat_shape, kernel=_concat, options=(CONCAT_AXIS,),
        aliases=("join", "cat"), calls=("concatenate", "cat"),
        cases=(Case(((2, 3), (1, 3))), Case(((2, 1), (2, 2), (2, 3)), {"axis": 1})),
    ),
    _row(
        "stack", "Values of one shape side by side along a new axis.",
        "slot_of(g, axis=axis, part=i)", inputs=("xs",), variadic=True,
        formula="stack(xs, axis=axis)", shape=_stack_shape, kernel=_stack, options=(NEW_AXIS,),
        aliases=("join",), cases=(
            Case(((3,), (3,))), Case(((2, 3), (2, 3), (2, 3)), {"axis": 1}),
            Case(((2,), (2,)), {"axis": -1}), Case(((), ())),
        ),
    ),
    _row(
        "split", "One of the equal parts into which an axis is cut.",
        "place_split(g, x, parts=parts, part=part, axis=axis)",
        formula="split(x, parts=parts, part=part, axis=axis)", shape=_split_shape, view=split_view,
        kernel=_copies(split_view), options=SPLIT, calls=("chunk",), aliases=("part", "cut"),
        cases=(
            Case(((4,),), {"parts": 2, "part": 1}),
            Case(((2, 6),), {"parts": 3, "part": 0, "axis": -1}),
        ),
    ),
    _row(
        "broadcast_to", "Repeated to a larger shape, without a copy.", "sum_to(g, x)",
        formula="broadcast_to(x, shape=shape)", shape=_spread_shape, view=_spread_view,
        kernel=_copies(_spread_view), options=(SHAPE,), calls=("expand",), aliases=("spread", "repeat"),
        adapts=_repeats,
        cases=(Case(((3,),), {"shape": (2, 3)}), Case(((2, 1),), {"shape": (4, 2, 3)})),
    ),
    _row(
        "squeeze", "Without axes of size 1.", "reshape_as(g, x)", formula="squeeze(x, axis=axis)",
        shape=_squeezed, view=_reshaped_by(_squeezed), kernel=_copies(_reshaped_by(_squeezed)),
        options=(Option("axis", None, "axis", "The axis or axes of size 1 to drop; None drops all."),),
        adapts=_without_ones, cases=(Case(((1, 3, 1),)), Case(((1, 3, 1),), {"axis": -1})),
    ),
    _row(
        "unsqueeze", "With a new axis of size 1.", "reshape_as(g, x)",
        formula="unsqueeze(x, axis=axis)", shape=_unsqueezed, view=_reshaped_by(_unsqueezed),
        kernel=_copies(_reshaped_by(_unsqueezed)), options=(NEW_AXIS,), calls=("expand_dims",),
        adapts=_new_axes,
        cases=(Case(((3,),), {"axis": 1}), Case(((2, 3),), {"axis": -2}), Case(((),))),
    ),
    _row(
        "flip", "The entries in reverse order along axes.", "flip(g, axis=axis)",
        formula="flip(x, axis=axis)", shape=_same, view=_flip_view, kernel=_copies(_flip_view),
        options=(AXIS,), aliases=("reverse", "mirror"),
        cases=(Case(((2, 3),)), Case(((2, 3),), {"axis": 1}), Case(((2, 2, 3),), {"axis": (0, -1)})),
    ),
    _row(
        "roll", "The entries moved along axes, those that leave coming in at the other end.",
        "unroll(g, shift=shift, axis=axis)", formula="roll(x, shift=shift, axis=axis)", shape=_same,
        kernel=rolled(1), options=ROLL, aliases=("shift", "rotate"), cases=(
            Case(((2, 3),)), Case(((2, 3),), {"shift": -4}), Case(((2, 3),), {"axis": 1}),
            Case(((3, 4),), {"shift": 2, "axis": (0, 1)}),
        ),
    ),
    _row(
        "tile", "The whole value repeated along axes.", "untile(g, x, reps=reps)",
        formula="tile(x, reps=reps)", shape=_tiled, options=(REPS,), calls=("repeat",),
        kernel=lambda o, s: lambda x, out: np.copyto(out, np.tile(x, o["reps"])),
        cases=(
            Case(((3,),), {"reps": 2}), Case(((2, 3),), {"reps": (2, 1)}),
            Case(((2,),), {"reps": (2, 3)}), Case(((2, 1, 2),), {"reps": (3,)}),
        ),
    ),
    _row(
        "pad", "More entries on each side: a number, the nearest entry or the mirrored ones.",
        "unpad(g, x, widths=widths, mode=mode)", formula="pad(x, widths=widths, mode=mode, value=value)",
        shape=padded, kernel=_pad, options=(WIDTHS, MODE, _FILL), aliases=("border", "margin"),
        cases=(
            Case(((3,),), {"widths": (1, 2), "value": 0.5}), Case(((2, 3),), {"widths": 1}),
            Case(((2, 3),), {"widths": (0, 1, 2, 1), "mode": "reflect"}),
            Case(((2, 3),), {"widths": (1, 0, 4, 1), "mode": "edge"}),
        ),
    ),
    *indexing.ROWS,
    Op(
        "reroute", category="Shape", doc="A dot on a wire: the value passes unchanged.",
        inputs=("x",), formula="reroute(x)", derivative={"x": "g"}, shape=lambda o, x: x,
        kernel=_copies(lambda o, specs, x: x), view=lambda o, specs, x: x,
        identity=lambda o, x: 0, is_wire=True, analytic=True, latex="<0>", label="• dot",
        aliases=("dot", "relay", "pass", "identity", "wire"), cases=(Case(((2, 3),)), Case(((),))),
    ),
)  # fmt: skip

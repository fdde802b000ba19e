"""Drawer "Shape": the same numbers in another arrangement."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from engine.ops.row import REQUIRED, Array, Case, Kernel, Op, Option
from engine.shapes import Options, ShapeError, Spec, axes_of, join, reshaped, shape_text

AT = Option("at", REQUIRED, "text", "What to pick, as between the brackets of x[0, 1:3].")
CONCAT_AXIS = Option("axis", 0, "int", "The axis along which the parts follow each other.")


def index_of(text: str) -> tuple[Any, ...]:
    """`"0, 1:3"` as a NumPy index. Raises ShapeError."""
    parts: list[Any] = []
    for part in text.split(","):
        part = part.strip()
        if part == "...":
            parts.append(...)
        elif re.fullmatch(r"-?\d{1,9}", part):
            parts.append(int(part))
        elif re.fullmatch(r"(-?\d{1,9})?:(-?\d{1,9})?(:(-?\d{1,9})?)?", part):
            bounds = [int(b) if b else None for b in part.split(":")]
            if len(bounds) == 3 and bounds[2] == 0:
                raise ShapeError("a step of 0 picks nothing", "use 1 or more")
            parts.append(slice(*bounds))
        else:
            raise ShapeError(f"{text!r} is not an index", "write one such as 0 or :, 1:3")
    if parts.count(...) > 1:
        raise ShapeError("an index may hold one '...'", "remove the others")
    return tuple(parts)


def _index_shape(options: Options, x: Spec) -> Spec:
    index = index_of(options["at"])
    used = len([p for p in index if p is not ...])
    if used > x.rank:
        raise ShapeError(f"{shape_text(x.shape)} has {x.rank} of the {used} axes that are indexed")
    try:
        picked = np.broadcast_to(np.int8(0), x.shape)[index]
    except IndexError as error:
        raise ShapeError(str(error).replace("out of bounds", "outside the value")) from None
    return Spec(picked.shape, x.kind)


def _index_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    """Always a view, also for a single entry."""
    index = index_of(options["at"])
    view: Array = x[index] if ... in index else x[(*index, ...)]
    return view


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
        options=(Option("shape", REQUIRED, "shape", "The new shape, as in (2, -1)."),),
        cases=(Case(((2, 3),), {"shape": (3, -1)}), Case(((6,),), {"shape": (2, 3)})),
    ),
    _row(
        "flatten", "Everything behind the first axis in one row.", "reshape_as(g, x)",
        formula="flatten(x)", shape=_flat, kernel=_copies(_flat_view), view=_flat_view,
        cases=(Case(((2, 3, 2),)),),
    ),
    _row(
        "concat", "Values one behind the other along an axis.",
        "part_of(g, inputs, axis=axis, part=i)", inputs=("xs",), variadic=True,
        formula="concat(xs, axis=axis)", shape=concat_shape, kernel=_concat, options=(CONCAT_AXIS,),
        aliases=("join", "stack", "cat"), calls=("concatenate", "cat"),
        cases=(Case(((2, 3), (1, 3))), Case(((2, 1), (2, 2), (2, 3)), {"axis": 1})),
    ),
    _row(
        "index", "Some of the entries: x[0], x[:, 1:3].", "place(g, x, at=at)",
        formula="index(x, at=at)", shape=_index_shape, kernel=_copies(_index_view), view=_index_view,
        options=(AT,), symbol="[]", label="x[…] index", aliases=("slice", "pick", "[]"),
        cases=(
            Case(((3, 4),), {"at": "0"}), Case(((3, 4),), {"at": ":, 1:3"}),
            Case(((3, 4),), {"at": "..., ::2"}), Case(((3, 4),), {"at": "-1, 2"}),
        ),
    ),
)  # fmt: skip

"""Rows that only derivatives of reductions and of shape rows use."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.indexing import AT, pick_shape, picker, scatter
from engine.ops.reductions import AXIS
from engine.ops.row import Array, Case, Kernel, Op, Option, returns
from engine.ops.shape import (
    MODE,
    NEW_AXIS,
    REPS,
    ROLL,
    SPLIT,
    WIDTHS,
    new_axis,
    pad_widths,
    rolled,
    split_view,
)
from engine.shapes import Options, ShapeError, Spec, axes_of, shape_text

_LIKE = frozenset({"like"})
_PART = Option("part", 0, "int", "Which of the parts.")
_SCAN_CASES = (
    Case(((2, 3),)), Case(((2, 3),), {"axis": 1}), Case(((2, 3, 2),), {"axis": (0, -1)}),
    Case(((4,),), values={"x": (2.0, 0.0, -3.0, 0.0)}),
)  # fmt: skip


# ---------------------------------------------------------------- running products


def _rows(x: Array, axes: tuple[int, ...]) -> Array:
    """The axes in question as one last axis (a view where NumPy can give one)."""
    kept = [i for i in range(x.ndim) if i not in axes]
    moved = x.transpose(*kept, *axes)
    return moved.reshape(*moved.shape[: len(kept)], -1)


def _put(rows: Array, axes: tuple[int, ...], out: Array) -> None:
    """Undoes `_rows`."""
    kept = [i for i in range(out.ndim) if i not in axes]
    order = (*kept, *axes)
    out.transpose(order)[...] = rows.reshape([out.shape[i] for i in order])


def _others(forward: bool) -> Any:
    """The product of the entries before (after) each one: 1 for the first (last)."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axes = axes_of(options["axis"], specs[0].rank)

        def kernel(x: Any, out: Any) -> None:
            rows = _rows(x, axes)
            result = np.ones(rows.shape, out.dtype)
            if forward:
                np.multiply.accumulate(rows[..., :-1], -1, None, result[..., 1:])
            else:
                np.multiply.accumulate(rows[..., :0:-1], -1, None, result[..., -2::-1])
            _put(result, axes, out)

        return kernel

    return bind


def _scan(forward: bool) -> Any:
    """s[k] = a[k -+ 1] + x[k -+ 1] s[k -+ 1], from 0 at the end that it starts from."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        axes = axes_of(options["axis"], specs[0].rank)

        def kernel(a: Any, x: Any, out: Any) -> None:
            terms, factors = _rows(a, axes), _rows(x, axes)
            result = np.zeros(terms.shape, out.dtype)
            count = terms.shape[-1]
            for k in range(1, count):
                now, last = (k, k - 1) if forward else (count - 1 - k, count - k)
                result[..., now] = terms[..., last] + factors[..., last] * result[..., last]
            _put(result, axes, out)

        return kernel

    return bind


# ---------------------------------------------------------------- indexing


def _scatter_shape(options: Options, g: Spec, x: Spec, *indices: Spec) -> Spec:
    return Spec(x.shape, "float", frozenset(f"xs{i + 2}" for i in range(len(indices))))


def _scatter_at(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    add = scatter(options, specs[1], specs[2:])
    return lambda g, x, *rest: add(g, rest[:-1], rest[-1])


def _picked_shape(options: Options, h: Spec, x: Spec, *indices: Spec) -> Spec:
    found = pick_shape(options, x, *indices)
    return Spec(found.shape, "float", frozenset(f"xs{i + 2}" for i in range(len(indices))))


def _pick_as(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    index = picker(options, specs[1], specs[2:])

    def kernel(h: Any, x: Any, *rest: Any) -> None:
        rest[-1][...] = h[index(rest[:-1])]

    return kernel


# ---------------------------------------------------------------- rearranging


def _slot(options: Options, rank: int) -> tuple[Any, ...]:
    return (*(slice(None),) * new_axis(options, rank - 1), options["part"], ...)


def _slot_shape(options: Options, x: Spec) -> Spec:
    axis = new_axis(options, x.rank - 1)
    return Spec((*x.shape[:axis], *x.shape[axis + 1 :]), x.kind)


def _slot_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    view: Array = x[_slot(options, x.ndim)]
    return view


def _in_slot(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    where = _slot(options, specs[1].rank)

    def kernel(x: Any, like: Any, out: Any) -> None:
        out.fill(0)
        out[where] = x

    return kernel


def _place_split(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    def kernel(x: Any, like: Any, out: Any) -> None:
        out.fill(0)
        split_view(options, (), out)[...] = x

    return kernel


def _untile(options: Options, x: Any, like: Any) -> Any:
    reps = options["reps"] if isinstance(options["reps"], tuple) else (options["reps"],)
    rank = max(len(reps), like.ndim)
    times = (1,) * (rank - len(reps)) + reps
    sizes = (1,) * (rank - like.ndim) + like.shape
    pairs = [n for pair in zip(times, sizes, strict=True) for n in pair]
    return np.add.reduce(x.reshape(pairs), tuple(range(0, 2 * rank, 2))).reshape(like.shape)


def _unpad(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """Adds what was padded to the entries it was taken from, axis by axis."""
    like, mode = specs[1], options["mode"]
    pairs = pad_widths(options, like)
    inside = tuple(slice(a, a + n) for n, (a, _) in zip(like.shape, pairs, strict=True))
    if mode == "constant":
        return lambda x, like, out: np.copyto(out, x[inside])
    sources = [
        np.pad(np.arange(n), pair, mode) if n else np.zeros(0, np.int64)
        for n, pair in zip(like.shape, pairs, strict=True)
    ]

    def kernel(x: Any, like: Any, out: Any) -> None:
        for axis, source in enumerate(sources):
            total = np.zeros((like.shape[axis], *np.delete(x.shape, axis)), out.dtype)
            np.add.at(total, source, np.moveaxis(x, axis, 0))
            x = np.moveaxis(total, 0, axis)
        np.copyto(out, x)

    return kernel


def _as_like(options: Options, x: Spec, like: Spec) -> Spec:
    return Spec(like.shape, x.kind)


def _same(options: Options, *specs: Spec) -> Spec:
    if any(s.shape != specs[0].shape for s in specs):
        raise ShapeError(" and ".join(shape_text(s.shape) for s in specs) + " differ in shape")
    return Spec(specs[0].shape)


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Adjoint", "hidden": True, "analytic": True, "inputs": tuple(derivative),
        "formula": f"{name}({', '.join(derivative)})", **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


def _like(name: str, doc: str, derivative: str, **rest: Any) -> Op:
    """A row of a value and of another one that is read for its shape alone."""
    return _row(
        name, doc, {"x": derivative, "like": "none"}, shape=_as_like, shape_only=_LIKE, **rest
    )


def _scan_row(name: str, doc: str, other: str, forward: bool) -> Op:
    return _row(
        name, doc, {"a": f"{other}(g, x, axis=axis)", "x": f"y * {other}(g, x, axis=axis)"},
        shape=_same, kernel=_scan(forward), options=(AXIS,),
        cases=tuple(Case(c.shapes * 2, c.options, c.values) for c in _SCAN_CASES),
    )  # fmt: skip


ROWS = (
    _row(
        "before", "For each entry, the product of those before it.",
        {"x": "y * scan_after(g, x, axis=axis)"}, shape=_same, kernel=_others(True), options=(AXIS,),
        scalar=lambda options: lambda x: 1.0, cases=_SCAN_CASES,
    ),
    _row(
        "after", "For each entry, the product of those behind it.",
        {"x": "y * scan_before(g, x, axis=axis)"}, shape=_same, kernel=_others(False), options=(AXIS,),
        scalar=lambda options: lambda x: 1.0, cases=_SCAN_CASES,
    ),
    _scan_row("scan_before", "Running sums, each times the factor it passes.", "scan_after", True),
    _scan_row("scan_after", "Running sums from the end, each times the factor.", "scan_before", False),
    _row(
        "scatter_at", "Adds entries up at the places that they were picked from.",
        {"xs": "pick_as(g, rest, at=at)"}, variadic=True, shape=_scatter_shape, kernel=_scatter_at,
        options=(AT,), shape_only=frozenset({"xs1"}), reads_masks=True, cases=(
            Case(((3,), (4,), (3,)), {"at": "#"}, {"xs2": (3, 0, 3)}),
            Case(((3, 2), (3, 4), (2,)), {"at": ":, #"}, {"xs2": (-1, 2)}),
        ),
    ),
    _row(
        "pick_as", "The entries of one value at the places that were picked from another.",
        {"xs": "scatter_at(g, rest, at=at)"}, variadic=True, shape=_picked_shape, kernel=_pick_as,
        options=(AT,), shape_only=frozenset({"xs1"}), reads_masks=True, cases=(
            Case(((4,), (4,), (3,)), {"at": "#"}, {"xs2": (3, 0, 3)}),
            Case(((3, 4), (3, 4), (3, 4)), {"at": "#"}, {"xs2": np.arange(12).reshape(3, 4) % 5 > 2}),
        ),
    ),
    _row(
        "slot_of", "One of the values that were stacked.", {"x": "in_slot(g, x, axis=axis, part=part)"},
        shape=_slot_shape, view=_slot_view, options=(NEW_AXIS, _PART),
        kernel=lambda o, s: lambda x, out: np.copyto(out, _slot_view(o, s, x)),
        cases=(Case(((2, 3),), {"axis": 1, "part": 2}),),
    ),
    _like(
        "in_slot", "A value at its place in a stack, zeros elsewhere.",
        "slot_of(g, axis=axis, part=part)", kernel=_in_slot, options=(NEW_AXIS, _PART),
        cases=(Case(((2,), (2, 3)), {"axis": 1, "part": 2}),),
    ),
    _like(
        "place_split", "A part at its place in the whole, zeros elsewhere.",
        "split(g, parts=parts, part=part, axis=axis)", kernel=_place_split, options=SPLIT,
        cases=(Case(((2, 2), (2, 6)), {"parts": 3, "part": 1, "axis": 1}),),
    ),
    _row(
        "unroll", "Undoes roll.", {"x": "roll(g, shift=shift, axis=axis)"}, shape=_same,
        kernel=rolled(-1), options=ROLL, cases=(Case(((2, 3),), {"shift": 2, "axis": 1}),),
    ),
    _like(
        "untile", "The sum over the copies that tile made.", "tile(g, reps=reps)",
        kernel=returns(_untile), options=(REPS,), cases=(Case(((2, 6), (2,)), {"reps": (2, 3)}),),
    ),
    _like(
        "unpad", "The sum over the places that each entry was padded to.",
        "pad(g, widths=widths, mode=mode)", kernel=_unpad, options=(WIDTHS, MODE),
        cases=(
            Case(((3, 6), (2, 3)), {"widths": (0, 1, 2, 1), "mode": "reflect"}),
            Case(((5,), (2,)), {"widths": (2, 1), "mode": "constant"}),
        ),
    ),
)  # fmt: skip

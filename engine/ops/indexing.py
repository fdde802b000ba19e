"""Part of drawer "Shape": entries picked by place, by whole numbers and by truth values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.ops.row import REQUIRED, Array, Case, Kernel, Op, Option, returns
from engine.shapes import Options, Shape, ShapeError, Spec, axes_of, broadcast, join, shape_text

AT = Option(
    "at", REQUIRED, "text", "What to pick, as between the brackets of x[0, 1:3].", start="0"
)
_AT_VALUES = Option(
    "at",
    REQUIRED,
    "text",
    "What to pick; each # stands for the next value, as in ':, #'.",
    start="#",
)
AXIS = Option("axis", 0, "int", "The axis along which the indices count.")
_HERE = object()


def index_of(text: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """`"0, 1:3"` as a NumPy index, with `values` in the places marked `#`. Raises ShapeError."""
    parts: list[Any] = []
    given = iter(values)
    for part in text.split(","):
        part = part.strip()
        if part == "...":
            parts.append(...)
        elif part == "None":
            parts.append(None)
        elif part == "#":
            parts.append(next(given, _HERE))
        elif re.fullmatch(r"-?\d{1,9}", part):
            parts.append(int(part))
        elif re.fullmatch(r"(-?\d{1,9})?:(-?\d{1,9})?(:(-?\d{1,9})?)?", part):
            bounds = [int(b) if b else None for b in part.split(":")]
            if len(bounds) == 3 and bounds[2] == 0:
                raise ShapeError("a step of 0 picks nothing", "use 1 or more")
            parts.append(slice(*bounds))
        else:
            raise ShapeError(f"{text!r} is not an index", "write one such as 0 or :, 1:3")
    if len([p for p in parts if p is ...]) > 1:
        raise ShapeError("an index may hold one '...'", "remove the others")
    if any(p is _HERE for p in parts) or next(given, None) is not None:
        marks = f"{text.count('#')} places marked # and {len(values)} values"
        raise ShapeError(f"the index {text!r} has {marks}", "give one value for each #")
    return tuple(parts)


def _axes_used(part: Any) -> int:
    if part is None or part is ...:
        return 0
    return part.rank if isinstance(part, Spec) and part.kind == "bool" else 1


def _expanded(x: Spec, parts: Sequence[Any]) -> list[Any]:
    """The parts of an index with '...' written out as whole axes. Raises ShapeError."""
    used = sum(_axes_used(p) for p in parts)
    if used > x.rank:
        raise ShapeError(f"{shape_text(x.shape)} has {x.rank} of the {used} axes that are indexed")
    whole = [slice(None)] * (x.rank - used)
    place = next((i for i, p in enumerate(parts) if p is ...), None)
    if place is None:
        return [*parts, *whole]
    return [*parts[:place], *whole, *parts[place + 1 :]]


def _index_shape(options: Options, x: Spec) -> Spec:
    index = index_of(options["at"])
    _expanded(x, index)
    try:
        picked = np.broadcast_to(np.int8(0), x.shape)[index]
    except IndexError as error:
        raise ShapeError(str(error).replace("out of bounds", "outside the value")) from None
    return Spec(picked.shape, x.kind)


def index_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    """Always a view, also for a single entry."""
    index = index_of(options["at"])
    view: Array = x[index] if ... in index else x[(*index, ...)]
    return view


def _index(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    return lambda x, out: np.copyto(out, index_view(options, specs, x))


# ---------------------------------------------------------------- values as indices


def entries(index: Any, size: int) -> Any:
    """Whole numbers that count entries, from the end if negative. Raises ValueError for others."""
    given = np.asarray(index)
    with np.errstate(invalid="ignore"):
        whole = given if given.dtype == np.int64 else given.astype(np.int64)
    if whole.size and (
        int(whole.min()) < -size
        or int(whole.max()) >= size
        or (whole is not given and not np.array_equal(whole, given))
    ):
        wrong = np.ravel(given)[np.ravel(~np.isin(given, np.arange(-size, size)))][0]
        raise ValueError(f"the index {wrong:g} is not a whole number from {-size} to {size - 1}")
    return whole


def _pick_axes(options: Options, x: Spec, *indices: Spec) -> tuple[list[Any], list[int]]:
    """The parts of an index, and the first axis that each value in it counts along."""
    parts = _expanded(x, index_of(options["at"], indices))
    axes, axis = [], 0
    for part in parts:
        if isinstance(part, Spec):
            axes.append(axis)
        axis += _axes_used(part)
    return parts, axes


def pick_shape(options: Options, x: Spec, *indices: Spec) -> Spec:
    """NumPy's rule: dimensions of values that stand side by side stay there, others come first."""
    index_of(options["at"], indices)
    kept: list[int] = []
    picked: list[Shape] = []
    places: list[int] = []
    first = axis = 0
    for position, part in enumerate(_pick_axes(options, x, *indices)[0]):
        if part is None:
            kept.append(1)
        elif isinstance(part, slice):
            kept.append(len(range(*part.indices(x.shape[axis]))))
        else:
            first = first if places else len(kept)
            places.append(position)
            picked.append(_picked(part, x.shape, axis))
        axis += _axes_used(part)
    together = places[-1] - places[0] + 1 == len(places)
    where = first if together else 0
    shape = (*kept[:where], *broadcast(*picked), *kept[where:])
    return Spec(shape, x.kind, frozenset(f"xs{i + 1}" for i in range(len(indices))))


def _picked(part: Any, shape: Shape, axis: int) -> Shape:
    if not isinstance(part, Spec):
        if not -shape[axis] <= part < shape[axis]:
            raise ShapeError(
                f"index {part} is outside the value: axis {axis} has size {shape[axis]}"
            )
        return ()
    if part.kind != "bool":
        return _from_some(part, shape[axis]).shape
    if part.shape != shape[axis : axis + part.rank]:
        own = shape_text(shape[axis : axis + part.rank])
        raise ShapeError(
            f"a mask of {shape_text(part.shape)} does not fit the axes of {own} it picks from"
        )
    if part.count is None:
        raise ShapeError(
            "how many entries this mask picks is not known before it is computed",
            "use where(mask, x, 0) or multiply by the mask",
        )
    return (part.count,)


def _from_some(indices: Spec, size: int) -> Spec:
    if not size and indices.size:
        raise ShapeError("there are no entries to pick from", "give at least one")
    return indices


def picker(options: Options, x: Spec, indices: tuple[Spec, ...]) -> Any:
    """A function from index values to a NumPy index for arrays of x's shape.

    It raises ValueError where an index is outside, or a mask picks another number than it did when
    the shapes were settled.
    """
    axes = _pick_axes(options, x, *indices)[1]
    text = options["at"]

    def index(values: Sequence[Any]) -> tuple[Any, ...]:
        checked = []
        for value, spec, axis in zip(values, indices, axes, strict=True):
            if spec.kind != "bool":
                checked.append(entries(value, x.shape[axis]))
                continue
            count = int(np.count_nonzero(value))
            if count != spec.count:
                raise ValueError(
                    f"the mask picks {count} entries now and {spec.count} when the shapes were "
                    "settled; use where(mask, x, 0) or multiply by the mask"
                )
            checked.append(value.astype(bool, copy=False))
        return index_of(text, checked)

    return index


def _of_rows(options: Options, indices: tuple[Spec, ...]) -> bool:
    """Whether whole rows are picked by number, as in a lookup of embeddings."""
    return options["at"].strip() == "#" and indices[0].kind != "bool"


def _pick(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    index = picker(options, specs[0], specs[1:])
    if _of_rows(options, specs[1:]):
        return lambda x, k, out: np.take(x, index((k,))[0], 0, out, mode="wrap")

    def kernel(x: Any, *rest: Any) -> None:
        rest[-1][...] = x[index(rest[:-1])]

    return kernel


def scatter(options: Options, x: Spec, indices: tuple[Spec, ...]) -> Any:
    """A function (g, values, out) that adds g up in out, of x's shape, where `pick` took entries.

    `add.at` is several times faster by places in the flattened array than by several indices.
    """
    index = picker(options, x, indices)
    n, row = (x.shape[0], int(np.prod(x.shape[1:]))) if x.shape else (1, 1)
    known: list[Array] = []

    def places(values: Sequence[Any]) -> Any:
        if _of_rows(options, indices):
            first = index(values)[0]
            return np.where(first < 0, first + n, first)[..., None] * row + np.arange(row)
        if not known:
            known.append(np.arange(x.size).reshape(x.shape))
        return known[0][index(values)]

    def add(g: Any, values: Sequence[Any], out: Any) -> None:
        out.fill(0)
        np.add.at(out.reshape(-1), places(values).reshape(-1), g.reshape(-1))

    return add


# ---------------------------------------------------------------- along one axis


def _along_axis(options: Options, x: Spec, indices: Spec) -> int:
    """The axis, once the indices fit beside it. Raises ShapeError."""
    axis = axes_of(options["axis"], x.rank)[0]
    fits = indices.rank == x.rank and all(
        i == axis or n <= m for i, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True))
    )
    if not fits:
        raise ShapeError(
            f"indices {shape_text(indices.shape)} do not fit {shape_text(x.shape)}",
            f"give as many axes, none but axis {axis} longer than the value's",
        )
    _from_some(indices, x.shape[axis])
    return axis


def _grid(options: Options, x: Spec, indices: Spec) -> Any:
    """A function from indices to the places in the flattened x that they count."""
    axis = axes_of(options["axis"], x.rank)[0]
    steps = [int(np.prod(x.shape[i + 1 :])) for i in range(x.rank)]
    base = np.zeros((1,) * x.rank, np.int64)
    for i, n in enumerate(indices.shape):
        if i != axis:
            base = base + (np.arange(n) * steps[i]).reshape(
                [-1 if j == i else 1 for j in range(x.rank)]
            )
    size, step = x.shape[axis], steps[axis]

    def places(values: Any) -> Any:
        whole = entries(values, size)
        return np.where(whole < 0, whole + size, whole) * step + base

    return places


def _gather_shape(options: Options, x: Spec, indices: Spec) -> Spec:
    _along_axis(options, x, indices)
    return Spec(indices.shape, x.kind, frozenset({"indices"}))


def _gather(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    places = _grid(options, *specs)
    return lambda x, indices, out: np.take(x.reshape(-1), places(indices), out=out, mode="clip")


def _scatter_shape(options: Options, x: Spec, indices: Spec, source: Spec) -> Spec:
    _along_axis(options, x, indices)
    if source.shape != indices.shape:
        raise ShapeError(
            f"indices {shape_text(indices.shape)} and source {shape_text(source.shape)} differ in shape",
            "give one index for each entry",
        )
    kind = join(x, source)
    return Spec(x.shape, "int" if kind == "bool" else kind, frozenset({"indices"}))


def _scatter(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    places = _grid(options, *specs[:2])

    def kernel(x: Any, indices: Any, source: Any, out: Any) -> None:
        np.copyto(out, x)
        np.add.at(out.reshape(-1), places(indices).reshape(-1), source.reshape(-1))

    return kernel


def _one_hot_shape(options: Options, indices: Spec) -> Spec:
    if options["classes"] < 1:
        raise ShapeError(f"there cannot be {options['classes']} classes", "give 1 or more")
    return Spec((*indices.shape, options["classes"]), "float", frozenset({"indices"}))


def _one_hot(options: Options, indices: Any) -> Any:
    classes = options["classes"]
    with np.errstate(invalid="ignore"):
        found = indices[..., None] == np.arange(classes)
    if not np.all(np.any(found, axis=-1)):
        wrong = np.ravel(indices)[np.ravel(~np.any(found, axis=-1))][0]
        raise ValueError(f"class {wrong:g} is not one of 0 to {classes - 1}; give more classes")
    return found


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Shape",
        "inputs": tuple(derivative),
        "analytic": True,
        **rest,
    }
    return Op(name, doc=doc, derivative=derivative, **fields)


ROWS = (
    _row(
        "index", "Some of the entries: x[0], x[:, 1:3], x[..., ::-1], x[:, None].",
        {"x": "place(g, x, at=at)"}, formula="index(x, at=at)", shape=_index_shape, kernel=_index,
        view=index_view, options=(AT,), symbol="[]", label="x[…] index",
        aliases=("slice", "pick", "[]"), cases=(
            Case(((3, 4),), {"at": "0"}), Case(((3, 4),), {"at": ":, 1:3"}),
            Case(((3, 4),), {"at": "..., ::2"}), Case(((3, 4),), {"at": "-1, 2"}),
            Case(((3, 4),), {"at": "::-2, None, 3:0:-1"}),
        ), flat="unread",
    ),
    _row(
        "pick", "The entries that values name: x[k] with whole numbers (or a mask) k, x[:, k].",
        {"xs": "scatter_at(g, inputs, at=at)"}, variadic=True, formula="pick(xs, at=at)",
        shape=pick_shape, kernel=_pick, options=(_AT_VALUES,), symbol="[]", label="x[k] pick",
        aliases=("index", "mask", "take", "select", "lookup", "[]"), reads_masks=True,
        cases=(
            Case(((4,), (3,)), {"at": "#"}, {"xs1": (3, 0, 3)}),
            Case(((3, 4), (2,)), {"at": ":, #"}, {"xs1": (-1, 2)}),
            Case(((3, 4), (2, 2)), {"at": "#"}, {"xs1": ((0, 0), (2, 0))}),
            Case(((3, 4), (2,), (2,)), {"at": "#, #"}, {"xs1": (1, 1), "xs2": (0, 0)}),
            Case(((3, 2, 4), (2,)), {"at": "#, :, 1"}, {"xs1": (2, 2)}),
            Case(((3, 4), (3,)), {"at": "#, ::2"}, {"xs1": (True, False, True)}),
            Case(((2, 2), (2, 2)), {"at": "#"}, {"xs1": ((True, False), (True, True))}),
        ), flat="unread",
    ),
    _row(
        "gather", "Along an axis, the entry that each index counts.",
        {"x": "scatter_add(spread_as(0, x), indices, g, axis=axis)", "indices": "none"},
        formula="gather(x, indices, axis=axis)", shape=_gather_shape, kernel=_gather, options=(AXIS,),
        calls=("take_along_axis",), cases=(
            Case(((3, 2), (2, 2)), {}, {"indices": ((2, 0), (2, 1))}),
            Case(((2, 3), (2, 2)), {"axis": 1}, {"indices": ((2, 2), (0, -1))}),
            Case(((2, 3), (1, 4)), {"axis": -1}, {"indices": ((2, 2, 0, 1),)}),
        ), flat="unread",
    ),
    _row(
        "scatter_add", "Along an axis, adds each entry of the source at the place its index counts.",
        {"x": "g", "indices": "none", "source": "gather(g, indices, axis=axis)"},
        formula="scatter_add(x, indices, source, axis=axis)", shape=_scatter_shape, kernel=_scatter,
        options=(AXIS,), cases=(
            Case(((3, 2), (2, 2), (2, 2)), {}, {"indices": ((2, 0), (2, 1))}),
            Case(((2, 3), (1, 4), (1, 4)), {"axis": 1}, {"indices": ((2, 2, 0, 2),)}),
        ),
    ),
    _row(
        "one_hot", "Class indices as rows of 0 and a single 1.", {"indices": "none"},
        formula="one_hot(indices, classes=classes)", shape=_one_hot_shape, kernel=returns(_one_hot),
        options=(Option("classes", REQUIRED, "int", "How many classes: the length of a row.", start=2),),
        aliases=("classes", "encode"), analytic=False, cases=(
            Case(((3,),), {"classes": 4}, {"indices": (3, 0, 0)}),
            Case(((),), {"classes": 2}, {"indices": 1}),
        ),
    ),
)  # fmt: skip

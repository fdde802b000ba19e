"""A document's data as training reads them: split and batched by seed, standardised, one-hot.

Everything random here is keyed by a seed and by what it is for, so a run can be repeated bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import data as kinds
from engine import edits, initializers
from engine.data import DataError, NotReady, Table, at_once, checksum, locate
from engine.data.place import LARGE
from engine.data.rows import Field, Rows, deviation, extent, means, remembered
from engine.graph import Graph, Source, id_number
from engine.initializers import generator
from engine.ops.row import Array
from engine.shapes import Shape, ShapeError, shape_text

__all__ = [
    "DataError", "Dataset", "Misfit", "NotReady", "at_once", "checksum", "feeds", "initialize", "load",
    "locate", "misfits",
]  # fmt: skip

SHOWN_ROWS = 16
"""How many rows feed the values on the canvas when the recipe takes all rows at once."""

_SPLIT, SHUFFLE = 1, 2
"""What is drawn here; starts of parameters are 3."""


@dataclass(frozen=True)
class Dataset:
    """Rows of a data source.

    `fields` have one entry a row: `x` features (float), `y` class indices (int64), one-hot rows or
    targets (float). A field that does not fit in memory well is a `Rows`, which makes an array of the rows
    it is asked for. `columns` names the features, `classes` the classes, where known. `train` and
    `validation` are the row numbers of the two parts. `notes` are sentences for people. `picture` is
    (channels, rows, columns) where a row of `x` is a picture; without `shuffle` each epoch takes the rows
    as they stand.
    """

    name: str
    fields: Mapping[str, Field]
    train: Array
    validation: Array
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    picture: Shape | None = None
    shuffle: bool = True

    def sizes(self) -> dict[str, int]:
        """What the names in a parameter's shape stand for: `features` and `classes`.

        With a target that is no class, `classes` is the number of target columns.
        """
        sizes = {}
        x, y = self.fields.get("x"), self.fields.get("y")
        if x is not None:
            sizes["features"] = int(np.prod(x.shape[1:]))
        if y is not None:
            count = y.shape[1] if y.ndim > 1 else 1
            if self.classes:
                count = len(self.classes)
            elif isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iu" and len(y):
                count = int(y.max()) + 1
            sizes["classes"] = count
        return sizes

    def take(self, field: str, rows: Array | slice) -> Array:
        """Some rows of a field, as training reads them."""
        return np.asarray(self.fields[field][rows])

    def order(self, seed: int, epoch: int) -> Array:
        """The training rows in the order in which an epoch takes them."""
        if not self.shuffle:
            return self.train
        shuffled: Array = generator(seed, SHUFFLE, epoch).permutation(self.train)
        return shuffled

    def sample(self, rows: Array) -> Array:
        """Those rows, or as many of them, spread evenly, as fit in memory well."""
        widest = max(math.prod(f.shape[1:]) * f.dtype.itemsize for f in self.fields.values())
        most = max(LARGE // 4 // max(widest, 1), 1)
        if len(rows) <= most:
            return rows
        chosen: Array = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
        return chosen


_loaded: dict[tuple[object, ...], tuple[Table, Dataset]] = {}
_KEPT = 4


def load(graph: Graph, source_name: str, base: Path | None = None) -> Dataset:
    """A data source of a document, split and standardised as it says.

    `base` is the folder that a file's relative path starts from; a file that is not there is looked
    for among the shipped ones. Raises DataError.
    """
    source = graph.sources.get(source_name)
    if source is None:
        known = ", ".join(graph.sources) or "none"
        raise DataError(
            f"there is no data called {source_name!r} in this document; it has: {known}"
        )
    own = kinds.tensors_of(graph, source_name) if source.kind == "table" else {}
    table = kinds.read(source, base, own)
    if source.kind == "table":
        return _dataset(source_name, source, table, graph.dtype, ())
    notes: tuple[str, ...] = ()
    if source.checksum and source.kind in kinds.FILES:
        path = locate(source.path, base)
        with suppress(NotReady):
            if checksum(path) != source.checksum:
                notes = (f"{path.name} has changed since it was chosen",)
    options = tuple(sorted(source.options.items()))
    key = (source_name, source.standardize, source.validation, source.seed, source.shuffle, options,
           source.target, graph.dtype, notes)  # fmt: skip
    if key in _loaded and _loaded[key][0] is table:
        return _loaded[key][1]
    made = _dataset(source_name, source, table, graph.dtype, notes)
    _loaded.pop(key, None)
    while len(_loaded) >= _KEPT:
        _loaded.pop(next(iter(_loaded)))
    _loaded[key] = table, made
    return made


def _dataset(
    name: str, source: Source, table: Table, dtype: np.dtype[np.float64], told: tuple[str, ...]
) -> Dataset:
    rows = _row_count(name, table.fields)
    train, validation = _split(source, rows)
    fields: dict[str, Field] = {}
    notes = [*table.notes, *told]
    for field, raw in table.fields.items():
        factor = table.factors.get(field, 1.0)
        floats = raw.dtype.kind == "f" or factor != 1 or (field == "x" and source.standardize)
        # Bytes of pictures are numbers to compute with; whole numbers of other fields may be indices.
        kept = dtype if floats or (field == "x" and table.picture is not None) else raw.dtype
        if field == "x":
            fields[field] = _features(source, raw, kept, factor, train).settled()
        elif field == "y" and source.options.get("classes_as") == "one-hot":
            fields[field] = _one_hot(name, raw, table.classes, dtype).settled()
        else:
            fields[field] = Rows(raw, kept, factor).settled()
    if len(train) + len(validation) < rows:
        notes.append(f"{len(train):,} of the {rows - len(validation):,} training rows are taken")
    if source.standardize and "x" in fields:
        how = "less the training rows' mean, over their deviation"
        if source.options.get("scaling") == "range":
            how = "the range of the training rows is 0 to 1"
        notes.append(f"features are standardised: {how}")
    made = Dataset(
        name, fields, train, validation, table.columns, table.classes, tuple(notes), table.picture,
        source.shuffle,
    )  # fmt: skip
    return made


def _features(
    source: Source, raw: Array, dtype: np.dtype[np.float64], factor: float, train: Array
) -> Rows:
    fill = shift = spread = None
    if source.options.get("missing") == "fill" and raw.dtype.kind == "f":
        fill = remembered(means, raw, train, factor)
    if source.standardize:
        measure = extent if source.options.get("scaling") == "range" else deviation
        shift, spread = remembered(measure, raw, train, factor, fill)
    return Rows(raw, dtype, factor, fill, shift, spread)


def _one_hot(name: str, raw: Array, classes: tuple[str, ...], dtype: np.dtype[np.float64]) -> Rows:
    if raw.ndim != 1 or raw.dtype.kind not in "iu":
        raise DataError(
            f"the target of {name} is a quantity without classes; leave one-hot off or choose another target"
        )
    count = len(classes) or int(raw.max()) + 1
    if int(raw.min()) < 0 or int(raw.max()) >= count:
        raise DataError(
            f"the labels of {name} go from {raw.min()} to {raw.max()}; one-hot needs 0 to {count - 1}"
        )
    return Rows(raw, dtype, classes=count)


def _row_count(name: str, fields: Mapping[str, Array]) -> int:
    if not fields:
        raise DataError(f"the data {name} has no fields; give it a table with x and y")
    counts = {field: v.shape[0] if v.ndim else 0 for field, v in fields.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{field} has {n}" for field, n in counts.items())
        raise DataError(
            f"the fields of {name} differ in rows ({listed}); give them the same number"
        )
    rows = next(iter(counts.values()))
    if rows == 0:
        raise DataError(f"the data {name} has no rows; add some")
    return rows


def _split(source: Source, rows: int) -> tuple[Array, Array]:
    """Row numbers for training and held out, each in the file's order.

    With `training_rows` the rows held out are the same, and fewer rows are among more.
    """
    held = min(round(rows * source.validation), rows - 1)
    wanted = int(source.options.get("training_rows", 0))
    if held == 0 and not wanted:
        return np.arange(rows), np.arange(0)
    mixed = generator(source.seed, _SPLIT).permutation(rows)
    end = held + wanted if wanted else rows
    return np.sort(mixed[held:end]), np.sort(mixed[:held])


# ------------------------------------------------------------ a document's data


def data_nodes(graph: Graph) -> dict[str, tuple[str, str]]:
    """{data node id: (source name, field)} of the nodes whose source is chosen."""
    found = {n: graph.nodes[n].options for n in graph.of_op("data")}
    return {n: (o["source"], o.get("field", "x")) for n, o in found.items() if o.get("source")}


def feeds(
    graph: Graph, base: Path | None = None, rows: Sequence[int] | Array | None = None
) -> dict[str, Array]:
    """Arrays for the data nodes, to show values: the first training rows unless `rows` says which.

    As many rows as the recipe's batch has, at most 16 when it takes all. Raises DataError.
    """
    sets: dict[str, Dataset] = {}
    result = {}
    count = graph.recipe.stages[0].batch_size or SHOWN_ROWS
    for node_id, (source, field) in data_nodes(graph).items():
        if source not in sets:
            sets[source] = load(graph, source, base)
        chosen = sets[source].train[:count] if rows is None else rows
        result[node_id] = field_of(graph, sets[source], node_id, field)[chosen]
    return result


def field_of(graph: Graph, dataset: Dataset, node_id: str, field: str) -> Field:
    """A field by name. Raises DataError naming the node and the fields there are."""
    if field not in dataset.fields:
        known = ", ".join(dataset.fields)
        if field == "y":
            raise DataError(
                f"{graph.name(node_id)} reads the target, which {dataset.name} does not have; "
                f"choose a target in the data, or another field: {known}"
            )
        raise DataError(
            f"{graph.name(node_id)} reads the field {field!r}, which {dataset.name} does not have; "
            f"choose {known}"
        )
    return dataset.fields[field]


def main_source(graph: Graph) -> str | None:
    """The source that `features` and `classes` are read off: the oldest data node's."""
    return next((source for source, _ in data_nodes(graph).values()), None)


def known_sizes(graph: Graph, base: Path | None = None) -> dict[str, int]:
    """What names in shapes stand for: the document's sizes, and those of data that can be read now."""
    sizes: dict[str, int] = dict(graph.settings["sizes"])
    source = main_source(graph)
    if source is not None:
        with suppress(ValueError, OSError), kinds.at_once():
            sizes |= load(graph, source, base).sizes()
    return sizes


def resolve_shapes(graph: Graph, dataset: Dataset | None) -> dict[str, Shape]:
    """The shape of every parameter whose `shape` option says one, names replaced by sizes.

    Raises DataError for a name that is not known or a size without data.
    """
    sizes = {**graph.settings["sizes"], **(dataset.sizes() if dataset is not None else {})}
    shapes: dict[str, Shape] = {}
    for node_id in graph.of_op("parameter"):
        wanted = graph.nodes[node_id].options.get("shape", ())
        parts = wanted if isinstance(wanted, tuple) else (wanted,)
        for part in parts:
            if isinstance(part, str) and part not in sizes:
                known = ", ".join(sizes) or "none without data"
                raise DataError(
                    f"the shape of {graph.name(node_id)} names {part!r}; the sizes known are: {known}"
                )
        if parts:
            shapes[node_id] = tuple(sizes[p] if isinstance(p, str) else int(p) for p in parts)
    return shapes


def initialize(graph: Graph, dataset: Dataset | None, seed: int) -> dict[str, Array]:
    """A new start for every parameter whose `init` option is not `given`, by node id.

    See `engine.initializers`. Raises DataError for a shape that the initializer cannot fill.
    """
    shapes = resolve_shapes(graph, dataset)
    starts: dict[str, Array] = {}
    for node_id in graph.of_op("parameter"):
        options = graph.nodes[node_id].options
        init = options.get("init", "given")
        if init == "given":
            continue
        stored = graph.tensors.get(node_id)
        shape = shapes.get(node_id, stored.shape if stored is not None else ())
        scale = options.get("scale", 1.0)
        try:
            start = initializers.draw(init, shape, seed, id_number(node_id), scale)
        except ShapeError as error:
            raise DataError(f"{graph.name(node_id)}: {error}") from None
        starts[node_id] = start.astype(graph.dtype)
    return starts


@dataclass(frozen=True)
class Misfit:
    """A parameter whose stored value has not the shape it should; `edit` gives it a new start."""

    node: str
    message: str
    edit: edits.Edit


def misfits(graph: Graph, base: Path | None = None) -> list[Misfit]:
    """Parameters that do not fit the data, each with the edit that mends it. Raises DataError."""
    source = main_source(graph)
    dataset = load(graph, source, base) if source is not None else None
    shapes = resolve_shapes(graph, dataset)
    starts: dict[str, Array] = {}
    found = []
    for node_id, shape in shapes.items():
        stored = graph.tensors.get(node_id)
        if stored is not None and stored.shape == shape:
            continue
        if not starts:
            starts = initialize(graph, dataset, graph.recipe.seed)
        has = f"is {shape_text(stored.shape)}" if stored is not None else "has no value"
        start = starts.get(node_id, np.zeros(shape, graph.dtype))
        found.append(
            Misfit(
                node_id,
                f"{graph.name(node_id)} {has} and the data need {shape_text(shape)}; reinitialise it",
                edits.set_tensor(node_id, start),
            )
        )
    return found

"""Data sources: tables, CSV files and built-in sets, split and batched by seed.

Everything random here is keyed by a seed and by what it is for, so a run can be repeated bit by bit.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine import edits, initializers
from engine.graph import Graph, Source, id_number
from engine.initializers import generator
from engine.ops.row import Array
from engine.shapes import Shape, ShapeError, shape_text
from engine.train import csv_file
from engine.train.csv_file import DataError

__all__ = ["DataError", "Dataset", "Misfit", "builtins", "feeds", "initialize", "load", "misfits"]

SHOWN_ROWS = 16
"""How many rows feed the values on the canvas when the recipe takes all rows at once."""

_SPLIT, _SHUFFLE = 1, 2
"""What is drawn here; starts of parameters are 3."""


@dataclass(frozen=True)
class Dataset:
    """Rows of a data source.

    `fields` are arrays with one entry a row: `x` features (float), `y` class indices (int64) or
    targets (float). `columns` names the features, `classes` the classes, where known. `train` and
    `validation` are the row numbers of the two parts. `notes` are sentences for people.
    """

    name: str
    fields: Mapping[str, Array]
    train: Array
    validation: Array
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
            elif y.ndim == 1 and y.dtype.kind in "iu" and len(y):
                count = int(y.max()) + 1
            sizes["classes"] = count
        return sizes

    def take(self, field: str, rows: Array | slice) -> Array:
        """Some rows of a field, as training reads them."""
        taken: Array = self.fields[field][rows]
        return taken

    def order(self, seed: int, epoch: int) -> Array:
        """The training rows in the order in which an epoch takes them."""
        shuffled: Array = generator(seed, _SHUFFLE, epoch).permutation(self.train)
        return shuffled


def builtins() -> list[str]:
    """The names of the shipped sets."""
    return sorted(Path(f.name).stem for f in _shipped().iterdir() if f.name.endswith(".npz"))


def _shipped() -> Any:
    return importlib.resources.files("resources") / "data"


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
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    notes: list[str] = []
    if source.kind == "table":
        stem = f"{source_name}."
        fields = {k[len(stem) :]: v for k, v in graph.tensors.items() if k.startswith(stem)}
    elif source.kind == "builtin":
        fields, columns, classes = _builtin(source.path)
    else:
        path = locate(source.path, base)
        table = csv_file.read(path, source.target)
        fields, columns, classes = {"x": table.x, "y": table.y}, table.columns, table.classes
        notes += table.notes
        if source.checksum and source.checksum != checksum(path):
            notes.append(f"{path.name} has changed since it was chosen")
    rows = _row_count(source_name, fields)
    train, validation = _split(source, rows)
    fields = dict(fields)
    if source.standardize and "x" in fields:
        fields["x"] = _standardized(fields["x"], train)
        notes.append(
            "features are standardised: less the training rows' mean, over their deviation"
        )
    settled = {k: v.astype(graph.dtype) if v.dtype.kind == "f" else v for k, v in fields.items()}
    return Dataset(source_name, settled, train, validation, columns, classes, tuple(notes))


def locate(text: str, base: Path | None) -> Path:
    """Where a file is. A document without a folder has the shipped files beside it."""
    path = Path(text)
    if not text:
        raise DataError("no CSV file is chosen; choose one in the data panel")
    if path.is_absolute():
        return path
    beside = (base or Path.cwd()) / path
    shipped = Path(str(_shipped() / path.name))
    is_shipped = path.name == text and path.suffix == ".csv" and shipped.exists()
    return shipped if is_shipped and (base is None or not beside.exists()) else beside


def checksum(path: Path) -> str:
    """The SHA-256 of a file, for `Source.checksum`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=4)
def _builtin(name: str) -> tuple[dict[str, Array], tuple[str, ...], tuple[str, ...]]:
    if name not in builtins():
        raise DataError(f"there is no built-in data {name!r}; choose {', '.join(builtins())}")
    with (_shipped() / f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        x, y = data["x"].astype(np.float64), data["y"].astype(np.int64)
        columns, classes = data["columns"].tolist(), data["classes"].tolist()
    for array in (x, y):
        array.setflags(write=False)
    return {"x": x, "y": y}, tuple(columns), tuple(classes)


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
    """Row numbers for training and held out, each in the file's order."""
    held = min(round(rows * source.validation), rows - 1)
    if held == 0:
        return np.arange(rows), np.arange(0)
    mixed = generator(source.seed, _SPLIT).permutation(rows)
    return np.sort(mixed[held:]), np.sort(mixed[:held])


def _standardized(x: Array, train: Array) -> Array:
    values = np.asarray(x, np.float64)
    spread = values[train].std(axis=0)
    result: Array = (values - values[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return result


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


def field_of(graph: Graph, dataset: Dataset, node_id: str, field: str) -> Array:
    """A field by name. Raises DataError naming the node and the fields there are."""
    if field not in dataset.fields:
        known = ", ".join(dataset.fields)
        raise DataError(
            f"{graph.name(node_id)} reads the field {field!r}, which {dataset.name} does not have; "
            f"choose {known}"
        )
    return dataset.fields[field]


def main_source(graph: Graph) -> str | None:
    """The source that `features` and `classes` are read off: the oldest data node's."""
    return next((source for source, _ in data_nodes(graph).values()), None)


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

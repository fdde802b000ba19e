"""A document to canonical text and tensors, and back, every field checked.

The text has sorted keys, one entry a line and the shortest floats
that read back bit for bit, so equal documents have equal bytes and a change shows as few lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec
import numpy as np

from engine.files.strict import MAX_TEXT, FileError, check_json, check_shape, load_json
from engine.files.structs import (
    DocumentText,
    ModuleText,
    Number,
    RecipeText,
    StageText,
    TensorText,
    TwinText,
)
from engine.files.upgrades import VERSION, upgraded
from engine.graph import (
    Graph,
    GraphError,
    Node,
    Note,
    OwnOperator,
    Recipe,
    Source,
    Stage,
    id_number,
)
from engine.lesson import Step
from engine.ops.row import Array, Op
from engine.records import Viewer

MAX_TWIN = 64 << 20
"""Bytes of a JSON twin, which holds its tensors as text."""

MAX_OPERATORS = 500
"""Operators of its own that a document may bring: each is derived when it is read."""

_SETTINGS = (
    "title",
    "about",
    "dtype",
    "output",
    "sizes",
    "bookmarks",
    "breakpoints",
    "derivatives",
    "panels",
)
_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


# ------------------------------------------------------------ writing


def encode(graph: Graph) -> bytes:
    """The document without its tensors' numbers, as canonical text."""
    return _lines(_titled(graph), MAX_TEXT)


def to_text(graph: Graph) -> str:
    """The JSON twin: the document with its tensors as nested lists under `values`.

    Raises FileError when the text would be longer than a twin may be.
    """
    document = _titled(graph)
    document["values"] = {key: _nested(array) for key, array in all_tensors(graph).items()}
    return _lines(document, MAX_TWIN).decode("utf-8")


def all_tensors(graph: Graph) -> dict[str, Array]:
    """The tensors of a document and of its modules, by the keys they have in a file."""
    found: dict[str, Array] = {}
    work = [("", graph)]
    while work:
        prefix, part = work.pop()
        found |= {prefix + key: array for key, array in part.tensors.items()}
        work += [(f"{prefix}{name}.", inner) for name, inner in part.modules.items()]
    return found


def _titled(graph: Graph) -> dict[str, Any]:
    return {"format": "gradloom", "version": VERSION, **_plain(graph)}


def _plain(graph: Graph) -> dict[str, Any]:
    nodes = sorted(graph.nodes.values(), key=lambda n: id_number(n.id))
    links = sorted(
        graph.all_links(), key=lambda k: (id_number(k.source), id_number(k.target), k.port)
    )
    for key, array in graph.tensors.items():
        try:
            check_shape(array.dtype.name, array.shape)
        except FileError as error:
            raise FileError(f"the tensor {key}: {error.reason}") from None
    return {
        **{key: graph.settings[key] for key in _SETTINGS},
        "viewers": {
            key: {**asdict(viewer), "options": {k: _number(v) for k, v in viewer.options.items()}}
            for key, viewer in graph.settings["viewers"].items()
        },
        "lesson": [
            {
                **asdict(step),
                "tolerance": float(step.tolerance),
                "settings": {k: _number(v) for k, v in step.settings.items()},
            }
            for step in graph.settings["lesson"]
        ],
        "modules": {name: _plain(inner) for name, inner in graph.modules.items()},
        "operators": {
            name: {
                "formula": own.formula,
                "doc": own.doc,
                "settings": {k: float(v) for k, v in own.settings.items()},
            }
            for name, own in graph.operators.items()
        },
        "recipe": plain_recipe(graph.recipe),
        "sources": {
            name: {
                **asdict(source),
                "validation": float(source.validation),
                "options": {k: _number(v) for k, v in source.options.items()},
            }
            for name, source in graph.sources.items()
        },
        "nodes": [
            {
                "id": node.id,
                "op": node.op,
                "name": node.name,
                "options": {name: _number(value) for name, value in node.options.items()},
                "literals": {p: _number(float(value)) for p, value in node.literals.items()},
                "at": [float(node.x), float(node.y)],
                "muted": node.muted,
            }
            for node in nodes
        ],
        "notes": [
            {
                "id": note.id,
                "kind": note.kind,
                "text": note.text,
                "colour": note.colour,
                "at": [float(note.x), float(note.y)],
                "extent": [float(note.width), float(note.height)],
            }
            for note in sorted(graph.notes.values(), key=lambda n: id_number(n.id))
        ],
        "links": [[link.source, link.target, link.port] for link in links],
        "tensors": {
            key: {"dtype": array.dtype.name, "shape": array.shape}
            for key, array in graph.tensors.items()
        },
    }


def plain_recipe(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a text holds it."""
    return {"seed": recipe.seed, "stages": [_stage(stage) for stage in recipe.stages]}


def read_recipe(told: RecipeText) -> Recipe:
    """A recipe as `plain_recipe` gives it, its numbers unchecked."""
    return Recipe(tuple(_read_stage(stage) for stage in told.stages), told.seed)


def _stage(stage: Stage) -> dict[str, Any]:
    plain = asdict(stage)
    for name in _FLOATS:
        plain[name] = float(plain[name])
    for name in _NUMBERS:
        plain[name] = {k: _number(float(v)) for k, v in plain[name].items()}
    return plain


def _read_stage(record: StageText) -> Stage:
    read = _fields(record)
    for name in _NUMBERS:
        read[name] = {k: _read(v) for k, v in read[name].items()}
    return Stage(**read)


_FLOATS = ("learning_rate", "clip_norm", "clip_value", "l1_penalty", "min_delta")
"""Fields of a stage that may be typed as whole numbers."""
_NUMBERS = ("settings", "schedule_settings")


def _lines(document: dict[str, Any], limit: int) -> bytes:
    """Canonical text: a key a line, and an entry a line in its lists and objects."""
    blocks = []
    for key, value in sorted(document.items()):
        head = f" {_dump(key)}: "
        if value and isinstance(value, dict):
            entries = [f"  {_dump(name)}: {_dump(entry)}" for name, entry in sorted(value.items())]
            blocks.append(head + "{\n" + ",\n".join(entries) + "\n }")
        elif value and isinstance(value, list):
            entries = [f"  {_dump(entry)}" for entry in value]
            blocks.append(head + "[\n" + ",\n".join(entries) + "\n ]")
        else:
            blocks.append(head + _dump(value))
    data = ("{\n" + ",\n".join(blocks) + "\n}\n").encode("utf-8")
    check_json(data, limit)
    return data


_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True).encode


def _number(value: Any) -> Any:
    """A float that JSON has no number for becomes its name; everything else stays."""
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def _nested(array: Array) -> Any:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    named = array.astype(object)
    named[np.isnan(array)] = "NaN"
    named[np.isposinf(array)] = "Infinity"
    named[np.isneginf(array)] = "-Infinity"
    return named.tolist()


# ------------------------------------------------------------ reading


def decode(data: bytes, tensor: Callable[[str], Array]) -> Graph:
    """The document of a canonical text; `tensor(key)` gives the arrays that it declares.

    Raises FileError for anything that is not exactly a document of a known version.
    """
    document = _checked(load_json(data), DocumentText)
    return _graph(document, {key: tensor(key) for key in _declared(document)})


def from_text(text: str) -> Graph:
    """The document of a JSON twin. Raises FileError for anything else."""
    data = text.encode("utf-8", "surrogatepass")
    twin = _checked(load_json(data, MAX_TWIN), TwinText)
    declared = _declared(twin)
    if twin.values.keys() != declared.keys():
        raise FileError("its tensors and its values have different keys")
    return _graph(
        twin, {key: _unnested(key, twin.values[key], known) for key, known in declared.items()}
    )


def _declared(document: ModuleText) -> dict[str, TensorText]:
    """The tensors that a document and its modules declare, by the keys they have in a file."""
    found: dict[str, TensorText] = {}
    work = [("", document)]
    while work:
        prefix, part = work.pop()
        found |= {prefix + key: known for key, known in part.tensors.items()}
        work += [(f"{prefix}{name}.", inner) for name, inner in part.modules.items()]
    return found


def _checked(value: Any, struct: type[Any]) -> Any:
    try:
        return msgspec.convert(upgraded(value), struct)
    except msgspec.ValidationError as error:
        raise FileError(f"its text is not a document: {error}") from None


def _graph(document: ModuleText, tensors: Mapping[str, Array], prefix: str = "") -> Graph:
    graph = Graph()
    _put(graph, "settings", "recipe", read_recipe(document.recipe))
    for key in _SETTINGS:
        _put(graph, "settings", key, getattr(document, key))
    viewers = {key: Viewer(**_fields(viewer)) for key, viewer in document.viewers.items()}
    _put(graph, "settings", "viewers", viewers)
    _put(graph, "settings", "lesson", tuple(Step(**_fields(step)) for step in document.lesson))
    for name, module in document.modules.items():  # as deep as the text may be nested
        _put(graph, "modules", name, _graph(module, tensors, f"{prefix}{name}."))
    if len(document.operators) > MAX_OPERATORS:
        raise FileError(f"it has more than {MAX_OPERATORS:,} operators of its own")
    for name, own in document.operators.items():
        _put(graph, "operators", name, OwnOperator(name, **_fields(own)))
    for name, source in document.sources.items():
        _put(graph, "sources", name, Source(**_fields(source)))
    for record in document.nodes:
        if record.id in graph.nodes:
            raise FileError(f"the node {record.id} stands twice")
        options = _options(graph.row(record.op), record.options)
        literals = {port: _read(value) for port, value in record.literals.items()}
        node = Node(record.id, record.op, record.name, options, literals, *record.at, record.muted)
        _put(graph, "nodes", record.id, node)
    for key, known in document.tensors.items():
        array = tensors[prefix + key]
        if (array.dtype.name, list(array.shape)) != (known.dtype, known.shape):
            raise FileError(f"the tensor {key} is not of the dtype and shape its text declares")
        _put(graph, "tensors", key, array)
    _link(graph, document.links)
    for told in document.notes:
        if told.id in graph.notes:
            raise FileError(f"the note {told.id} stands twice")
        note = Note(told.id, told.kind, told.text, told.colour, *told.at, *told.extent)
        _put(graph, "notes", told.id, note)
    return graph


def _link(graph: Graph, links: list[tuple[str, str, str]]) -> None:
    """Puts the links, sources first: then no target feeds anything yet, and each costs the same."""
    into: dict[str, list[tuple[str, str, str]]] = {}
    for link in links:
        into.setdefault(link[1], []).append(link)
    try:
        order = list(
            TopologicalSorter(
                {t: [s for s, _, _ in group] for t, group in into.items()}
            ).static_order()
        )
    except CycleError as error:
        circle = " → ".join(error.args[1][:12])
        raise FileError(f"its links form a circle ({circle})") from None
    for target in order:
        for source, _, port in into.get(target, ()):
            if (target, port) in graph.links:
                raise FileError(f"two links end at port {port!r} of {target}")
            _put(graph, "links", (target, port), source)


def _put(graph: Graph, table: Any, key: Any, value: Any) -> None:
    try:
        graph.put(table, key, value)
    except GraphError as error:
        where = key[0] if isinstance(key, tuple) else key
        raise FileError(f"{table.removesuffix('s')} {str(where)[:80]!r}: {error}") from None


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _read(value: Number) -> float:
    if isinstance(value, str):
        if value not in _SPECIAL:
            raise FileError(f"{value[:80]!r} is not a number")
        return _SPECIAL[value]
    return value


def _options(row: Op | None, options: dict[str, Any]) -> dict[str, Any]:
    """Options as the document holds them: tuples for lists, and the numbers that JSON lacks."""
    floats = {o.name for o in row.options if o.kind == "float"} if row else set()
    read: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, list):
            read[name] = tuple(value)
        elif name in floats and isinstance(value, str):
            read[name] = _read(value)
        else:
            read[name] = value
    return read


_ACCEPTED: dict[str, tuple[type, ...]] = {"f": (float, int), "i": (int,), "u": (int,), "b": (bool,)}


def _unnested(key: str, value: Any, known: TensorText) -> Array:
    """The array of nested lists, which have to be exactly of the declared shape."""
    try:
        check_shape(known.dtype, known.shape)
        flat = [value]
        for size in known.shape:
            if any(not isinstance(part, list) or len(part) != size for part in flat):
                raise FileError("its values are not of the shape it declares")
            flat = [entry for part in flat for entry in part]
        dtype = np.dtype(known.dtype)
        if dtype.kind == "f":
            flat = [_read(entry) if isinstance(entry, str) else entry for entry in flat]
        if any(type(entry) not in _ACCEPTED[dtype.kind] for entry in flat):
            raise FileError(f"its values are not all {known.dtype}")
        wide = np.array(flat, np.float64 if dtype.kind == "f" else dtype)
        with np.errstate(over="ignore"):
            array = wide.astype(dtype).reshape(known.shape)
        if dtype.kind == "f" and (np.isinf(array).ravel() != np.isinf(wide)).any():
            raise FileError(f"it holds a number out of range for {known.dtype}")
        return array
    except (FileError, OverflowError) as error:
        reason = error.reason if isinstance(error, FileError) else "a number is out of range"
        raise FileError(f"the tensor {key[:80]!r}: {reason}") from None

"""What a document is made of: nodes, links, notes, operators, viewers, settings; the checks of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from engine.fields import NODE_PATH, GraphError, check_text, is_number, is_text, is_whole
from engine.lesson import check_lesson, check_panels
from engine.ops.row import Array, Op
from engine.recipe import Recipe, check_recipe

TableName = Literal[
    "nodes", "links", "tensors", "sources", "settings", "modules", "operators", "notes"
]  # fmt: skip
TABLES: tuple[str, ...] = get_args(TableName)
Port = tuple[str, str]
"""(node id, port name) of a link's target."""

ID = re.compile(r"n[1-9]\d{0,11}")
LAST_NUMBER = 998_999_999_999
"""New ids are numbered up to here; the room behind it is for many nodes that come at once."""
NAME = re.compile(r"[^\W\d]\w*(\.\d+)?")
MAX_NAME = 80
SIZE = re.compile(r"(\d{1,6}\*)?[^\W\d]\w*(\[-?\d{1,2}\])?")
"""A size by name: `units`, an input's axis `x[-1]`, a multiple `4*units`."""
_SIZE_PARTS = re.compile(r"(\d+\*)?(\w+)(\[-?\d+\])?")


Meaning = int | str | tuple[int, ...]
"""What a name in a size means elsewhere: a number, another name, or the shape of an input."""


def renamed_size(part: int | str, names: Mapping[str, Meaning], exact: int | None) -> int | str:
    """A size where names mean something else; `exact` where a name has no meaning there.

    `names` are those of sizes (`units`) and of inputs (`x`, in `x[-1]`).
    """
    if isinstance(part, int):
        return part
    found = _SIZE_PARTS.fullmatch(part)
    now = names.get(found[2]) if found else None
    if found is None or now is None:
        return part if exact is None else exact
    times, axis = found[1] or "", found[3] or ""
    if isinstance(now, tuple):
        place = int(axis[1:-1] or 0)
        if not -len(now) <= place < len(now):
            return part if exact is None else exact
        now = now[place]
    if isinstance(now, int):
        return int(times[:-1] or 1) * now
    return f"{times}{now}{axis}"


TENSOR_KEY = re.compile(r"(?=.{1,120}\Z)\w+(\.\w+)*")
"""A node id, a path of ids into a module's instance, or `<source>.<field>`."""
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
"""What tensors of a document are made of, each before those it fits into."""
MAX_RANK = 32


@dataclass(frozen=True, slots=True)
class Node:
    """One operator in the document.

    `literals` gives numbers to ports that have no link (a link wins over a literal).
    `x`, `y` place the node's upper left corner on the canvas, in scene units. A `muted` node hands on
    its first wired operand instead of computing anything.
    """

    id: str
    op: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    literals: Mapping[str, float] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A text on the canvas, or a frame around nodes; it means nothing to the mathematics.

    `text` may hold formulas between dollar signs; a frame's is its title. `colour` is one of COLOURS.
    Places and sizes are in scene units, the upper left corner at `x`, `y`.
    """

    id: str
    kind: Literal["note", "frame"] = "note"
    text: str = ""
    colour: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 200.0
    height: float = 96.0


NOTE_ID = re.compile(r"f[1-9]\d{0,11}")
VIEWER_ID = re.compile(r"v[1-9]\d{0,11}")
NOTE_KINDS = ("note", "frame")
COLOURS = ("", "blue", "violet", "pink", "yellow", "grey")
MAX_NOTE = 20_000
"""Letters of a note."""
SMALLEST_NOTE = 24.0


@dataclass(frozen=True, slots=True)
class Link:
    source: str
    target: str
    port: str


@dataclass(frozen=True, slots=True)
class OwnOperator:
    """An operator of the document's own: a formula over names, `settings` being those with a number.

    The other names that the formula reads are its operands, in order of appearance.
    """

    name: str
    formula: str
    doc: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A pinned view of a node's value or gradient. `node` is its id, inside a module the path of ids
    that leads to it (`n5.n2`); `kind` is how it is drawn, `options` are that kind's own."""

    node: str
    of: Literal["value", "gradient"] = "value"
    kind: str = ""
    options: Mapping[str, float | str] = field(default_factory=dict)


SETTINGS: dict[str, Any] = {
    "title": "", "about": "", "dtype": "float64", "output": "", "recipe": Recipe(), "sizes": {},
    "bookmarks": {}, "breakpoints": (), "derivatives": {}, "viewers": {}, "panels": (), "lesson": (),
}  # fmt: skip
TOLD = frozenset(
    {"title", "about", "bookmarks", "breakpoints", "derivatives", "viewers", "panels", "lesson"}
)
"""Settings that no value depends on."""
MAX_VIEWERS = 100


def check_sizes(sizes: Mapping[str, Any]) -> None:
    """Raises GraphError unless every name has a whole number of 1 or more."""
    for name, size in sizes.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or "." in name:
            raise GraphError(f"{name!r} is not a name for a size; use letters, digits and _")
        if not is_whole(size) or size < 1:
            raise GraphError(f"the size {name} is a whole number of 1 or more")


def check_bookmarks(bookmarks: Mapping[str, Any]) -> None:
    """Raises GraphError unless digits from 1 to 9 name nodes."""
    for digit, node_id in bookmarks.items():
        if not isinstance(digit, str) or not re.fullmatch("[1-9]", digit):
            raise GraphError(f"{digit!r} is not a bookmark; they are called 1 to 9")
        if not isinstance(node_id, str) or not ID.fullmatch(node_id):
            raise GraphError(f"the bookmark {digit} names a node by its id, not {node_id!r}")


def check_breakpoints(nodes: tuple[Any, ...]) -> None:
    """Raises GraphError unless the ids of nodes stand there, each once, in the order of ids."""
    for node_id in nodes:
        if not isinstance(node_id, str) or not ID.fullmatch(node_id):
            raise GraphError(f"a breakpoint names a node by its id, not {node_id!r}")
    if list(nodes) != sorted(set(nodes), key=id_number):
        raise GraphError("breakpoints stand in the order of their nodes, each once")


def check_derivatives(derivatives: Mapping[str, Any]) -> None:
    """Raises GraphError unless nodes name two nodes each: whose derivative they are, and by what."""
    for node_id, pair in derivatives.items():
        named = (node_id, *pair) if isinstance(pair, tuple) and len(pair) == 2 else ()
        if not named or not all(isinstance(n, str) and ID.fullmatch(n) for n in named):
            raise GraphError(f"the derivative {node_id} names an output and an input by their ids")


def check_viewers(viewers: Mapping[str, Any]) -> None:
    """Raises GraphError with what is wrong with a document's pinned viewers."""
    if len(viewers) > MAX_VIEWERS:
        raise GraphError(f"a document has at most {MAX_VIEWERS} pinned viewers; close some")
    for key, viewer in viewers.items():
        if not isinstance(key, str) or not VIEWER_ID.fullmatch(key):
            raise GraphError(f"{key!r} is not the id of a viewer; ids are v1, v2, ...")
        if not isinstance(viewer, Viewer):
            raise GraphError(f"{key} is not a viewer")
        if not isinstance(viewer.node, str) or not NODE_PATH.fullmatch(viewer.node):
            raise GraphError(f"the viewer {key} names a node by its id, not {viewer.node!r}")
        if viewer.of not in ("value", "gradient"):
            raise GraphError(f"the viewer {key} shows a value or a gradient, not {viewer.of!r}")
        if not isinstance(viewer.kind, str) or not re.fullmatch(r"[a-z_]{0,40}", viewer.kind):
            raise GraphError(f"{viewer.kind!r} is not the name of a kind of viewer")
        if not isinstance(viewer.options, Mapping) or len(viewer.options) > MAX_VIEWERS:
            raise GraphError(f"the options of the viewer {key} are a few names with values")
        for name, value in viewer.options.items():
            fits = is_number(value) or (is_text(value) and len(str(value)) <= MAX_NAME)
            if not isinstance(name, str) or not NAME.fullmatch(name) or not fits:
                raise GraphError(f"the viewer {key} cannot have {name!r} = {value!r}")


def settings_without(settings: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    """The settings that are others once these nodes are gone."""
    marks, stops = settings["bookmarks"], settings["breakpoints"]
    derivatives, viewers = settings["derivatives"], settings["viewers"]
    left: dict[str, Any] = {
        "bookmarks": {d: n for d, n in marks.items() if n not in gone},
        "breakpoints": tuple(n for n in stops if n not in gone),
        "derivatives": {n: pair for n, pair in derivatives.items() if not {n, *pair} & set(gone)},
        "viewers": {k: v for k, v in viewers.items() if v.node.partition(".")[0] not in gone},
    }
    return {key: value for key, value in left.items() if value != settings[key]}


def check_note(key: str, note: Note) -> None:
    """Raises GraphError with what is wrong with a note or a frame."""
    if key != note.id or not isinstance(key, str) or not NOTE_ID.fullmatch(key):
        raise GraphError(f"{key!r} is not the id of a note; ids are f1, f2, ...")
    if note.kind not in NOTE_KINDS:
        raise GraphError(f"{key} is a note or a frame, not {note.kind!r}")
    if note.colour not in COLOURS:
        raise GraphError(f"the colour of {key} is one of {', '.join(COLOURS[1:])}")
    check_text(key, note.text)
    if len(note.text) > MAX_NOTE:
        raise GraphError(f"a note holds {MAX_NOTE:,} letters at most; split it")
    if not is_on_canvas(note.x, note.y, note.width, note.height):
        raise GraphError(f"{key} stands outside the canvas")
    if min(note.width, note.height) < SMALLEST_NOTE:
        raise GraphError(f"{key} is {SMALLEST_NOTE:g} wide and high at least")


def is_on_canvas(*places: Any) -> bool:
    return all(isinstance(v, int | float) and abs(v) < 1e9 for v in places)


_SETTING_CHECKS: dict[str, Callable[[Any], None]] = {
    "recipe": check_recipe, "sizes": check_sizes, "bookmarks": check_bookmarks,
    "breakpoints": check_breakpoints, "derivatives": check_derivatives, "viewers": check_viewers,
    "panels": check_panels, "lesson": check_lesson,
}  # fmt: skip


def check_setting(key: str, value: Any) -> None:
    """Raises GraphError for a setting that is not known or cannot have this value."""
    if key not in SETTINGS:
        raise GraphError(f"there is no document setting {key!r}")
    if type(value) is not type(SETTINGS[key]):
        raise GraphError(f"the document setting {key} is a {type(SETTINGS[key]).__name__}")
    if isinstance(value, str):
        check_text(key, value)
    if key == "dtype" and value not in ("float64", "float32"):
        raise GraphError("a document's numbers are float64 or float32")
    if key in _SETTING_CHECKS:
        _SETTING_CHECKS[key](value)


def check_options(op: Op, options: Mapping[str, Any]) -> None:
    """Raises GraphError when an option is unknown or of the wrong kind."""
    known = {o.name: o for o in op.options}
    for name, value in options.items():
        option = known.get(name)
        if option is None:
            listed = ", ".join(known) or "none"
            raise GraphError(f"{op.name} has no option {name!r}; it has: {listed}")
        if not _KIND_CHECKS[option.kind](value) and value != option.default:
            raise GraphError(f"{name} of {op.name} is {_KIND_WORDS[option.kind]}, not {value!r}")
        if option.choices and value not in option.choices:
            raise GraphError(f"{name} of {op.name} is one of {', '.join(option.choices)}")
    missing = [n for n, o in known.items() if o.required and n not in options]
    if missing:
        raise GraphError(f"{op.name} needs {missing[0]}=...")


def frozen(value: Any) -> Array:
    """A read-only array that nothing else can write to, in C order and of a dtype files hold.

    Narrower dtypes are widened without loss. Raises GraphError for what is not numbers.
    """
    array = np.asarray(value)
    numbers = array.dtype.kind in "fiub" and array.dtype != np.uint64
    dtype = next((np.dtype(d) for d in DTYPES if numbers and np.can_cast(array.dtype, d)), None)
    if dtype is None:
        raise GraphError(f"a tensor holds real numbers, not {array.dtype}")
    if array.ndim > MAX_RANK:
        raise GraphError(f"a tensor has at most {MAX_RANK} dimensions, not {array.ndim}")
    flags = array.flags
    if flags.writeable or not flags.c_contiguous or not flags.owndata or array.dtype != dtype:
        array = np.array(array, dtype, order="C")
        array.setflags(write=False)
    return array


def _wholes(value: Any) -> bool:
    return is_whole(value) or (isinstance(value, tuple) and all(is_whole(v) for v in value))


_KIND_CHECKS: dict[str, Any] = {
    "float": is_number,
    "int": is_whole,
    "bool": lambda v: isinstance(v, bool),
    "axis": lambda v: v is None or _wholes(v),
    "shape": lambda v: (
        _wholes(v) or (isinstance(v, tuple) and all(is_whole(n) or is_text(n) for n in v))
    ),
    "choice": is_text,
    "text": is_text,
    "count": lambda v: v > 0 if is_whole(v) else isinstance(v, str) and bool(SIZE.fullmatch(v)),
}
_KIND_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "True or False",
    "axis": "an axis, a tuple of axes or None",
    "shape": "a tuple of whole numbers",
    "choice": "a text",
    "text": "a text",
    "count": "a whole number of 1 or more, or the name of a size",
}


def has_port(op: Op, port: str) -> bool:
    if not op.variadic:
        return port in op.inputs
    stem = op.inputs[0]
    return port.startswith(stem) and bool(re.fullmatch(r"0|[1-9]\d{0,2}", port[len(stem) :]))


def id_number(node_id: str) -> int:
    """The number in the id of a node or a note."""
    return int(node_id[1:])

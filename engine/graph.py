"""The document: nodes, ports, links, tensors, data sources and recipe, with its errors.

A `Graph` is five tables and nothing else. `put` replaces one entry of one table after checking that
the document stays sound, and returns what stood there; `engine/edits.py` builds every change from
it. The structure is kept beside the tables as a NetworkX MultiDiGraph, one edge a link keyed by the
target's port, for order, cycles and reachability.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import networkx as nx
import numpy as np

from engine import ops
from engine.ops.row import Array, Op

TableName = Literal["nodes", "links", "tensors", "sources", "settings"]
Port = tuple[str, str]
"""(node id, port name) of a link's target."""

_ID = re.compile(r"n[1-9]\d{0,11}")
_NAME = re.compile(r"[^\W\d]\w*(\.\d+)?")
MAX_NAME = 80
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
"""What tensors of a document are made of, each before those it fits into."""
MAX_RANK = 32
KINDS = ("table", "builtin", "csv")


class GraphError(ValueError):
    """A change that would leave the document unsound; the message says why and what to do."""


class CycleError(GraphError):
    """A link that would let a value depend on itself; `path` holds the node ids of the circle."""

    def __init__(self, message: str, path: list[str]) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Node:
    """One operator in the document.

    `literals` gives numbers to ports that have no link (a link wins over a literal).
    `x`, `y` place the node's upper left corner on the canvas, in scene units.
    """

    id: str
    op: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    literals: Mapping[str, float] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    source: str
    target: str
    port: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where data nodes read rows from.

    `table`: fields are tensors `<source>.<field>` of the document. `builtin`: a shipped set by name
    in `path`. `csv`: a file with a header; `target` names the column with the classes.
    `validation` is the share of rows held out, drawn by `seed`.
    """

    kind: Literal["table", "builtin", "csv"] = "table"
    path: str = ""
    target: str = ""
    checksum: str = ""
    standardize: bool = False
    validation: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the document is trained. `loss` is a node id, empty for the document's output.

    `settings` are the optimizer's own (momentum, beta1, ...); `batch_size` 0 takes all rows.
    """

    loss: str = ""
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    settings: Mapping[str, float] = field(default_factory=dict)
    batch_size: int = 0
    epochs: int = 100
    seed: int = 0


SETTINGS: dict[str, Any] = {
    "title": "", "about": "", "dtype": "float64", "output": "", "recipe": Recipe(),
}  # fmt: skip


class Graph:
    """A document. Read its tables freely; change it through edits only."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.links: dict[Port, str] = {}
        self.tensors: dict[str, Array] = {}
        self.sources: dict[str, Source] = {}
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.structure: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.revision = 0
        self._ids: dict[str, str] = {}
        self._order: list[str] | None = None
        self._next = 1

    # ------------------------------------------------------------ reading

    @property
    def recipe(self) -> Recipe:
        recipe: Recipe = self.settings["recipe"]
        return recipe

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.settings["dtype"])

    def op(self, node_id: str) -> Op:
        return ops.TABLE[self.nodes[node_id].op]

    def id_of(self, name: str) -> str | None:
        """The id of the node called `name`."""
        return self._ids.get(name)

    def name(self, node_id: str) -> str:
        return self.nodes[node_id].name

    def ports(self, node_id: str) -> tuple[str, ...]:
        """Port names of a node; a variadic row has as many as are used, and two at least."""
        op = self.op(node_id)
        if not op.variadic:
            return op.inputs
        stem = op.inputs[0]
        used = [p for p in self.structure_ports(node_id) if p.startswith(stem)]
        used += [p for p in self.nodes[node_id].literals if p.startswith(stem)]
        return op.ports(max([2, *(int(p[len(stem) :]) + 1 for p in used)]))

    def structure_ports(self, node_id: str) -> list[str]:
        """The ports of a node that have a link."""
        if node_id not in self.structure:
            return []
        return [port for _, _, port in self.structure.in_edges(node_id, keys=True)]

    def operand(self, node_id: str, port: str) -> str | float | None:
        """What a port reads: a node id, a literal number, or None when it is empty."""
        source = self.links.get((node_id, port))
        return source if source is not None else self.nodes[node_id].literals.get(port)

    def links_of(self, node_id: str) -> list[Link]:
        """Every link into and out of a node."""
        into = self.structure.in_edges(node_id, keys=True)
        out = self.structure.out_edges(node_id, keys=True)
        return [Link(s, t, p) for s, t, p in dict.fromkeys([*into, *out])]

    def all_links(self) -> Iterator[Link]:
        for (target, port), source in self.links.items():
            yield Link(source, target, port)

    def order(self) -> list[str]:
        """Node ids in topological order; among free choices the older node comes first."""
        if self._order is None:
            self._order = list(nx.lexicographical_topological_sort(self.structure, key=id_number))
        return self._order

    def ancestors(self, node_id: str) -> set[str]:
        found: set[str] = nx.ancestors(self.structure, node_id)
        return found

    def descendants(self, node_id: str) -> set[str]:
        found: set[str] = nx.descendants(self.structure, node_id)
        return found

    def sinks(self) -> list[str]:
        """Nodes that nothing reads, sources without a reader left out, oldest first."""
        return [
            n
            for n in self.order()
            if self.structure.out_degree(n) == 0 and not self.op(n).is_source
        ]

    def output(self) -> str | None:
        """The node whose gradient is taken: the one chosen, else the recipe's loss, else the
        newest node that nothing reads."""
        for chosen in (self.settings["output"], self.recipe.loss):
            if chosen in self.nodes:
                return str(chosen)
        sinks = [n for n in self.sinks() if self.op(n).category != "Metrics"]
        return max(sinks, key=id_number) if sinks else None

    def of_op(self, *names: str) -> list[str]:
        """Ids of the nodes with one of these rows, oldest first."""
        return sorted((i for i, n in self.nodes.items() if n.op in names), key=id_number)

    def new_id(self) -> str:
        """An id that was never used in this document since it was opened."""
        return f"n{self._next}"

    def new_name(self, wanted: str = "v", taken: Iterable[str] = ()) -> str:
        """`wanted` if it is free, else with the first free number behind it."""
        used = {*self._ids, *taken}
        if wanted != "v" and wanted not in used:
            return wanted
        stem = wanted if wanted == "v" else wanted.rstrip("0123456789") or "v"
        number = 1
        while f"{stem}{number}" in used:
            number += 1
        return f"{stem}{number}"

    def copy(self) -> Graph:
        """An independent document; tensors are shared, being read-only."""
        other = Graph()
        other.nodes, other.links = dict(self.nodes), dict(self.links)
        other.tensors, other.sources = dict(self.tensors), dict(self.sources)
        other.settings, other.structure = dict(self.settings), self.structure.copy()
        other._ids, other._next, other.revision = dict(self._ids), self._next, self.revision
        return other

    # ------------------------------------------------------------ changing

    def put(self, table: TableName, key: Hashable, value: Any) -> Any:
        """Replaces one entry (None removes it) and returns the entry that stood there, or None.

        Raises GraphError and changes nothing when the document would become unsound.
        """
        old: Any = getattr(self, f"_put_{table}")(key, value)
        self.revision += 1
        return old

    def _put_nodes(self, key: str, value: Node | None) -> Node | None:
        old = self.nodes.get(key)
        if value is None:
            if old is None:
                return None
            if self.structure.degree(key):
                raise GraphError(f"{old.name} still has wires; remove them first")
            del self.nodes[key], self._ids[old.name]
            self.structure.remove_node(key)
        else:
            self._check_node(key, value)
            if old is not None:
                del self._ids[old.name]
            self.nodes[key] = value
            self._ids[value.name] = key
            self.structure.add_node(key)
            self._next = max(self._next, id_number(key) + 1)
        if (old is None) != (value is None):
            self._order = None
        return old

    def _check_node(self, key: str, node: Node) -> None:
        if key != node.id or not _ID.fullmatch(key):
            raise GraphError(f"{key!r} is not a node id; ids are n1, n2, ...")
        op = ops.TABLE.get(node.op)
        if op is None:
            raise GraphError(f"there is no operator {node.op!r}; see 'gradloom ops'")
        if len(node.name) > MAX_NAME or not _NAME.fullmatch(node.name):
            raise GraphError(f"{node.name!r} is not a name; use letters, digits and _")
        if self._ids.get(node.name, key) != key:
            raise GraphError(f"the name {node.name} is taken; choose another")
        check_options(op, node.options)
        for port, literal in node.literals.items():
            if not has_port(op, port):
                raise GraphError(f"{op.name} has no port {port!r}")
            if not _number(literal):
                raise GraphError(f"port {port} of {node.name} takes a number")
        for port in self.structure_ports(key):
            if not has_port(op, port):
                raise GraphError(f"{op.name} has no port {port!r}, which is wired")
        if not all(isinstance(v, int | float) and abs(v) < 1e9 for v in (node.x, node.y)):
            raise GraphError(f"{node.name} stands outside the canvas")

    def _put_links(self, key: Port, value: str | None) -> str | None:
        target, port = key
        old = self.links.get(key)
        if value is not None:
            for end in (value, target):
                if end not in self.nodes:
                    raise GraphError(f"there is no node {end}")
            if not has_port(self.op(target), port):
                raise GraphError(f"{self.name(target)} has no port {port!r}")
            self._check_cycle(value, target)
        if old is not None:
            self.structure.remove_edge(old, target, key=port)
            del self.links[key]
        if value is not None:
            self.structure.add_edge(value, target, key=port)
            self.links[key] = value
        self._order = None
        return old

    def _check_cycle(self, source: str, target: str) -> None:
        if source == target:
            raise CycleError(f"{self.name(source)} cannot feed itself", [source])
        if not self.structure.adj[target]:
            return  # what feeds nothing closes no circle: wiring a chain from its start is linear
        if self._order is not None and self._order_index(source) < self._order_index(target):
            return
        if nx.has_path(self.structure, target, source):
            path = nx.shortest_path(self.structure, target, source)
            names = " → ".join(self.name(n) for n in path)
            raise CycleError(
                f"{self.name(source)} → {self.name(target)} would close a circle: {self.name(target)} "
                f"already feeds {self.name(source)} ({names}); a value cannot depend on itself",
                list(path),
            )

    def _order_index(self, node_id: str) -> int:
        order = self._order or []
        return order.index(node_id)

    def _put_tensors(self, key: str, value: Array | None) -> Array | None:
        old = self.tensors.get(key)
        if not isinstance(key, str) or not re.fullmatch(r"[\w.]{1,120}", key):
            raise GraphError(f"{key!r} is not the key of a tensor")
        if value is None:
            self.tensors.pop(key, None)
            return old
        self.tensors[key] = frozen(value)
        return old

    def _put_sources(self, key: str, value: Source | None) -> Source | None:
        old = self.sources.get(key)
        if not isinstance(key, str) or not _NAME.fullmatch(key):
            raise GraphError(f"{key!r} is not a name for data; use letters, digits and _")
        if value is None:
            self.sources.pop(key, None)
            return old
        check_fields(value)
        if not 0 <= value.validation < 1:
            raise GraphError("the held-out share is at least 0 and below 1")
        self.sources[key] = value
        return old

    def _put_settings(self, key: str, value: Any) -> Any:
        if key not in SETTINGS:
            raise GraphError(f"there is no document setting {key!r}")
        if type(value) is not type(SETTINGS[key]):
            raise GraphError(f"the document setting {key} is a {type(SETTINGS[key]).__name__}")
        if isinstance(value, str):
            check_text(key, value)
        if key == "dtype" and value not in ("float64", "float32"):
            raise GraphError("a document's numbers are float64 or float32")
        if key == "recipe":
            check_recipe(value)
        old, self.settings[key] = self.settings[key], value
        return old


def check_recipe(recipe: Recipe) -> None:
    """Raises GraphError with what is wrong with the numbers of a recipe."""
    check_fields(recipe)
    for name, value in recipe.settings.items():
        if not isinstance(name, str) or not _number(value):
            raise GraphError(f"the optimizer's setting {name} is a number, not {value!r}")
    if not 0 <= recipe.learning_rate < float("inf"):
        raise GraphError("the learning rate is a number of 0 or more")
    if recipe.batch_size < 0 or recipe.epochs < 0 or recipe.seed < 0:
        raise GraphError("batch size, epochs and seed are whole numbers of 0 or more")


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


def _whole(value: Any) -> bool:
    """A whole number of 64 bits, which every file and array can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _number(value: Any) -> bool:
    return isinstance(value, float) or _whole(value)


def _text(value: Any) -> bool:
    """A text that can be written down: half a surrogate pair cannot."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def check_text(what: str, value: str) -> None:
    """Raises GraphError for a text that no file or terminal can hold."""
    if not _text(value):
        raise GraphError(f"{what} holds a broken character; type it again")


_FIELD_CHECKS: dict[str, Any] = {
    "str": _text, "Literal": lambda v: v in KINDS, "float": _number, "int": _whole,
    "bool": lambda v: isinstance(v, bool), "Mapping": lambda v: isinstance(v, Mapping),
}  # fmt: skip


def check_fields(record: Source | Recipe) -> None:
    """Raises GraphError when a field holds another kind of value than it declares."""
    for known in fields(record):
        value = getattr(record, known.name)
        if not _FIELD_CHECKS[str(known.type).partition("[")[0]](value):
            raise GraphError(f"{known.name} cannot be {value!r}")


def frozen(value: Any) -> Array:
    """A read-only array that nothing else can write to, in C order and of a dtype files hold.

    Narrower dtypes are widened without loss. Raises GraphError for what is not numbers.
    """
    array = np.asarray(value)
    dtype = next(
        (d for d in DTYPES if array.dtype.kind in "fiub" and np.can_cast(array.dtype, d)), None
    )
    if dtype is None or array.ndim > MAX_RANK:
        raise GraphError(
            f"a tensor holds numbers in at most {MAX_RANK} dimensions, not {array.dtype}"
        )
    if array.flags.writeable or not (array.flags.c_contiguous and array.flags.owndata):
        array = np.array(array, dtype, order="C")
        array.setflags(write=False)
    return array


def _wholes(value: Any) -> bool:
    return _whole(value) or (isinstance(value, tuple) and all(_whole(v) for v in value))


_KIND_CHECKS: dict[str, Any] = {
    "float": _number,
    "int": _whole,
    "bool": lambda v: isinstance(v, bool),
    "axis": lambda v: v is None or _wholes(v),
    "shape": lambda v: (
        _wholes(v) or (isinstance(v, tuple) and all(_whole(n) or _text(n) for n in v))
    ),
    "choice": _text,
    "text": _text,
}
_KIND_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "True or False",
    "axis": "an axis, a tuple of axes or None",
    "shape": "a tuple of whole numbers",
    "choice": "a text",
    "text": "a text",
}


def has_port(op: Op, port: str) -> bool:
    if not op.variadic:
        return port in op.inputs
    stem = op.inputs[0]
    return port.startswith(stem) and bool(re.fullmatch(r"0|[1-9]\d{0,2}", port[len(stem) :]))


def id_number(node_id: str) -> int:
    """The number in a node id."""
    return int(node_id[1:])

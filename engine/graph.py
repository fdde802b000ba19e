"""The document: nodes, ports, links, tensors, notes, data sources and recipe, with its errors.

A `Graph` is eight tables and nothing else. `put` replaces one entry of one table after checking that
the document stays sound, and returns what stood there; `engine/edits.py` builds every change from
it. The structure is kept beside the tables as a NetworkX MultiDiGraph, one edge a link keyed by the
target's port, for order, cycles and reachability.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

from engine import ops
from engine.fields import CycleError, GraphError, is_number
from engine.module_row import TIED, module_row
from engine.ops.row import Array, Op
from engine.own import own_row
from engine.recipe import Recipe, Source, Stage, check_recipe, check_source
from engine.records import (
    ID,
    LAST_NUMBER,
    MAX_NAME,
    NAME,
    SETTINGS,
    TABLES,
    TENSOR_KEY,
    TOLD,
    Link,
    Node,
    Note,
    OwnOperator,
    Port,
    TableName,
    check_note,
    check_options,
    check_setting,
    frozen,
    has_port,
    id_number,
    is_on_canvas,
)

__all__ = [
    "TIED",
    "CycleError",
    "Graph",
    "GraphError",
    "Link",
    "Node",
    "Note",
    "OwnOperator",
    "Port",
    "Recipe",
    "Source",
    "Stage",
    "TableName",
    "check_options",
    "check_recipe",
    "frozen",
    "has_port",
    "id_number",
    "module_row",
]  # fmt: skip


class Graph:
    """A document. Read its tables freely; change it through edits only."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.links: dict[Port, str] = {}
        self.tensors: dict[str, Array] = {}
        self.sources: dict[str, Source] = {}
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.modules: dict[str, Graph] = {}
        self.operators: dict[str, OwnOperator] = {}
        self.notes: dict[str, Note] = {}
        self.structure: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.revision = 0  # of everything
        self.meaning = 0  # of everything but places on the canvas: what values depend on
        self._ids: dict[str, str] = {}
        self._rows: dict[str, Op] = {}
        self._order: list[str] | None = None
        self._next = 1

    # ------------------------------------------------------------ reading

    @property
    def recipe(self) -> Recipe:
        recipe: Recipe = self.settings["recipe"]
        return recipe

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.settings["dtype"])
        return dtype

    def row(self, name: str) -> Op | None:
        """The row called `name`: one of the document's own, or of the table."""
        return self._rows.get(name) or ops.TABLE.get(name)

    @property
    def own_rows(self) -> Mapping[str, Op]:
        """The document's own operators and modules as rows by name, for formulas typed in it."""
        return self._rows

    def op(self, node_id: str) -> Op:
        name = self.nodes[node_id].op
        return self._rows.get(name) or ops.TABLE[name]

    def id_of(self, name: str) -> str | None:
        """The id of the node called `name`."""
        return self._ids.get(name)

    def name(self, node_id: str) -> str:
        return self.nodes[node_id].name

    def ports(self, node_id: str) -> tuple[str, ...]:
        """Port names of a node; a variadic row has as many as are used, and its least number."""
        op = self.op(node_id)
        if not op.variadic:
            return op.inputs
        stem = op.inputs[0]
        used = [p for p in self.structure_ports(node_id) if p.startswith(stem)]
        used += [p for p in self.nodes[node_id].literals if p.startswith(stem)]
        return op.ports(max([op.least, *(int(p[len(stem) :]) + 1 for p in used)]))

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
        """The node whose gradient is taken: the one chosen, else the last stage's loss, else the
        newest node that nothing reads, one with all its operands if there is one."""
        for chosen in (self.settings["output"], self.recipe.last.loss):
            if chosen in self.nodes:
                return str(chosen)
        sinks = [n for n in self.sinks() if self.op(n).category != "Metrics"]
        fed = [n for n in sinks if all(self.operand(n, p) is not None for p in self.ports(n))]
        return max(fed or sinks, key=id_number) if sinks else None

    def of_op(self, *names: str) -> list[str]:
        """Ids of the nodes with one of these rows, oldest first."""
        return sorted((i for i, n in self.nodes.items() if n.op in names), key=id_number)

    def new_id(self) -> str:
        """An id that was never used in this document since it was opened, and is free with those
        behind it; where the numbers are used up, one that is free now."""
        return f"n{_free_number(self.nodes, self._next)}"

    def new_note_id(self) -> str:
        return f"f{_free_number(self.notes, max(map(id_number, self.notes), default=0) + 1)}"

    def new_name(self, wanted: str = "v", taken: Iterable[str] = ()) -> str:
        """`wanted` if it is free, else with the first free number behind it."""
        return self.new_names([wanted], taken)[0]

    def new_names(self, wanted: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
        """Free names for several nodes at once, each other's names minded."""
        used, names = {*self._ids, *taken}, []
        first_free: dict[str, int] = {}
        for name in wanted:
            if name == "v" or name in used:
                stem = name if name == "v" else name.rstrip("0123456789") or "v"
                number = first_free.get(stem, 1)
                while f"{stem}{number}" in used:
                    number += 1
                first_free[stem] = number
                name = f"{stem}{number}"
            used.add(name)
            names.append(name)
        return names

    def copy(self) -> Graph:
        """An independent document; tensors are shared, being read-only."""
        other = Graph()
        for table in TABLES:
            setattr(other, table, dict(getattr(self, table)))
        other.structure, other._rows = self.structure.copy(), dict(self._rows)
        other._ids, other._next = dict(self._ids), self._next
        other.revision, other.meaning = self.revision, self.meaning
        return other

    # ------------------------------------------------------------ changing

    def put(self, table: TableName, key: Hashable, value: Any) -> Any:
        """Replaces one entry (None removes it) and returns the entry that stood there, or None.

        Raises GraphError and changes nothing when the document would become unsound.
        """
        old: Any = getattr(self, f"_put_{table}")(key, value)
        self.revision += 1
        told = table == "notes" or (table == "settings" and key in TOLD)
        self.meaning += not (told or (table == "nodes" and _only_moved(old, value)))
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
        if key != node.id or not ID.fullmatch(key):
            raise GraphError(f"{key!r} is not a node id; ids are n1, n2, ...")
        op = self.row(node.op)
        if op is None:
            raise GraphError(f"there is no operator {node.op!r}; F1 or 'gradloom ops' list them")
        if unicodedata.normalize("NFKC", node.name) != node.name or keyword.iskeyword(node.name):
            raise GraphError(f"{node.name!r} cannot be read in a formula; choose another name")
        if len(node.name) > MAX_NAME or not NAME.fullmatch(node.name):
            raise GraphError(f"{node.name!r} is not a name; use letters, digits and _")
        if self._ids.get(node.name, key) != key:
            raise GraphError(f"the name {node.name} is taken; choose another")
        if op.definition is not None and key in self.sources:
            raise GraphError(f"data are called {key}, as this module would be; rename the data")
        check_options(op, node.options)
        for port, literal in node.literals.items():
            if not has_port(op, port):
                raise GraphError(f"{op.name} has no port {port!r}")
            if not is_number(literal):
                raise GraphError(f"port {port} of {node.name} takes a number")
        for port in self.structure_ports(key):
            if not has_port(op, port):
                raise GraphError(f"{op.name} has no port {port!r}, which is wired")
        if node.muted and op.is_source:
            raise GraphError(f"{node.name} is given its value; only what is computed can be muted")
        if not is_on_canvas(node.x, node.y):
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
            self.check_cycle(value, target)
        if old is not None:
            self.structure.remove_edge(old, target, key=port)
            del self.links[key]
        if value is not None:
            self.structure.add_edge(value, target, key=port)
            self.links[key] = value
        self._order = None
        return old

    def check_cycle(self, source: str, target: str) -> None:
        """Raises CycleError when a wire between two nodes would close a circle."""
        if source == target:
            raise CycleError(f"{self.name(source)} cannot feed itself", [source])
        if not self.structure.adj[target] or not self.structure.pred[source]:
            return  # an end feeds nothing and a start is fed by nothing: neither closes a circle
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
        if not isinstance(key, str) or not TENSOR_KEY.fullmatch(key):
            raise GraphError(f"{key!r} is not the key of a tensor")
        if value is None:
            self.tensors.pop(key, None)
            return old
        self.tensors[key] = frozen(value)
        return old

    def _put_sources(self, key: str, value: Source | None) -> Source | None:
        old = self.sources.get(key)
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise GraphError(f"{key!r} is not a name for data; use letters, digits and _")
        if key in self.modules or (key in self.nodes and self.op(key).definition is not None):
            raise GraphError(f"{key} is a module's; choose another name for the data")
        if value is None:
            self.sources.pop(key, None)
            return old
        check_source(value)
        self.sources[key] = value
        return old

    def _put_settings(self, key: str, value: Any) -> Any:
        check_setting(key, value)
        old, self.settings[key] = self.settings[key], value
        return old

    def _put_notes(self, key: str, value: Note | None) -> Note | None:
        old = self.notes.get(key)
        if value is None:
            self.notes.pop(key, None)
        else:
            check_note(key, value)
            self.notes[key] = value
        return old

    def _put_modules(self, key: str, value: Graph | None) -> Any:
        """A definition is never changed in place: to edit one, put an edited copy."""
        return self._put_row(self.modules, "module", module_row, key, value)

    def _put_operators(self, key: str, value: OwnOperator | None) -> Any:
        if value is not None and value.name != key:
            raise GraphError(f"the operator {value.name} cannot stand under the name {key!r}")
        return self._put_row(self.operators, "operator", own_row, key, value)

    def _put_row(
        self, table: dict[str, Any], what: str, made: Callable[[str, Any], Op], key: str, value: Any
    ) -> Any:
        """An entry that is a row of this document: its name is free and its nodes still fit."""
        old = table.get(key)
        users = [node for node in self.nodes.values() if node.op == key]
        if value is None:
            if users:
                mend = "remove or unpack it" if what == "module" else "remove it"
                raise GraphError(f"{users[0].name} is a {key}; {mend} first")
            table.pop(key, None)
            self._rows.pop(key, None)
            return old
        if not isinstance(key, str) or not NAME.fullmatch(key) or len(key) > MAX_NAME:
            raise GraphError(f"{key!r} is not a name for a {what}; use letters, digits and _")
        elsewhere = key in self._rows and old is None
        if ops.is_known(key) or ID.fullmatch(key) or "." in key or elsewhere:
            raise GraphError(f"the name {key} is taken; choose another for the {what}")
        if old is None and users:
            raise GraphError(f"{users[0].name} is a {key} of derivatives; choose another name")
        row = made(key, value)
        for node in users:
            check_options(row, node.options)
            for port in (*self.structure_ports(node.id), *node.literals):
                if not has_port(row, port):
                    raise GraphError(
                        f"{node.name} has a wire at port {port}, which {key} would no longer have"
                    )
        table[key], self._rows[key] = value, row
        return old


def _free_number(used: Iterable[str], behind: int) -> int:
    """The number behind all others; near the last one, the first of the widest gap among them."""
    if behind <= LAST_NUMBER:
        return behind
    numbers = sorted({0, *map(id_number, used)})
    gaps = ((later - one, -one) for one, later in pairwise([*numbers, LAST_NUMBER]))
    return 1 - max(gaps)[1]


def _only_moved(old: Node | None, new: Node | None) -> bool:
    return old is not None and new is not None and replace(old, x=new.x, y=new.y) == new

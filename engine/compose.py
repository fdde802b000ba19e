"""Formula text to nodes and links, as an edit or as a whole document, and back to text.

Equal anonymous sub-expressions become one node. Names that nothing defines become inputs; `pi` is
the number unless something defines it. Binding a name again means the newer node from then on, and
the older node is renamed `name.1`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine import ops
from engine.edits import Batch, Edit, Put
from engine.expression import (
    Call,
    ExpressionError,
    Name,
    Number,
    Statement,
    Tree,
    fold,
    parse,
    to_text,
)
from engine.graph import TIED, Graph, Node, check_options, id_number, module_row
from engine.layout import arrange, free_ground
from engine.ops.row import Op, simplified
from engine.wording import formula_tree

Ref = str | float


@dataclass
class _Builder:
    """Nodes and links to be, over a document that is only read."""

    graph: Graph
    values: Mapping[str, Any]
    default: float | None
    modules: Mapping[str, Graph]
    bound: dict[str, Ref] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[tuple[str, str], str] = field(default_factory=dict)
    tensors: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    shared: dict[Any, str] = field(default_factory=dict)
    anonymous: dict[str, None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    rebound: dict[str, int] = field(default_factory=dict)
    last: Ref = 0.0

    def __post_init__(self) -> None:
        self.number = id_number(self.graph.new_id())
        self.own = dict(self.graph.own_rows)
        self.brought: dict[str, Graph] = {}

    def statement(self, statement: Statement) -> None:
        first = self.number
        ref = self.tree(statement.tree)
        name = statement.target
        if name is not None:
            if not isinstance(ref, str):
                ref = self.constant(ref, name)
            elif ref in self.anonymous and id_number(ref) >= first:
                del self.anonymous[ref]
                self.give_name(ref, name)
            elif not isinstance(statement.tree, Name):
                ref = self.again(ref, name)
            self.bound[name] = ref
        elif not isinstance(ref, str):
            ref = self.constant(ref, None)
        self.last = ref

    def tree(self, root: Tree) -> Ref:
        def combine(part: Tree, args: tuple[Ref, ...]) -> Ref:
            if isinstance(part, Number):
                return part.value
            if isinstance(part, Name):
                return self.read(part.id)
            if part.name not in self.own and part.name in self.modules:
                self.brought[part.name] = self.modules[part.name]
                self.own[part.name] = module_row(part.name, self.modules[part.name])
            row, count, options = ops.lookup(self.tied(part), None, self.own)
            operands = args[:count]
            if row.hidden:
                raise ExpressionError(f"{row.name} is used by derivatives only")
            if all(isinstance(o, float) for o in operands):
                number = simplified(row, operands, options)
                if isinstance(number, float):
                    return number
            return self.operator(row, operands, options)

        return fold(root, combine)

    def tied(self, call: Call) -> Call:
        """A call whose `tied` names another instance, with that one's id."""
        if TIED not in dict(call.options) or self.own.get(call.name) is None:
            return call
        options = dict(call.options)
        said = options[TIED]
        wanted = said.id if isinstance(said, Name) else str(said)
        other = self.bound.get(wanted) or self.graph.id_of(wanted)
        if wanted and not isinstance(other, str):
            raise ExpressionError(f"there is no {wanted} to be tied to; name another {call.name}")
        return replace(call, options=tuple({**options, TIED: other or ""}.items()))

    def read(self, name: str) -> Ref:
        if name in self.bound:
            return self.bound[name]
        existing = self.graph.id_of(name)
        if existing is not None:
            return existing
        if name == "pi" and name not in self.values:
            return math.pi
        if name in self.values:
            value = self.values[name]
        elif self.default is not None:
            value = self.default
        else:
            raise ExpressionError(f"{name} has no value; give one with --at {name}=VALUE")
        self.used.add(name)
        node_id = self.add(Node(self.new_id(), "input", name, {}))
        self.tensors[node_id] = value
        self.bound[name] = node_id
        return node_id

    def operator(self, row: Op, operands: tuple[Ref, ...], options: dict[str, Any]) -> str:
        if "clock" in row.statics or row.definition is not None:  # two calls are two draws
            drawn = self.place(row, operands, options)
            self.anonymous[drawn] = None
            return drawn
        key = (row.name, tuple(repr(o) for o in operands), repr(sorted(options.items())))
        if key not in self.shared:
            self.shared[key] = self.place(row, operands, options)
            self.anonymous[self.shared[key]] = None
        return self.shared[key]

    def place(self, op: Op, operands: tuple[Ref, ...], options: dict[str, Any]) -> str:
        check_options(op, options)
        ports = op.ports(len(operands))
        literals = {p: o for p, o in zip(ports, operands, strict=True) if not isinstance(o, str)}
        node_id = self.add(Node(self.new_id(), op.name, "", options, literals))
        for port, operand in zip(ports, operands, strict=True):
            if isinstance(operand, str):
                self.links[node_id, port] = operand
        return node_id

    def again(self, ref: str, name: str) -> str:
        """A named statement whose formula exists already gets a node of its own."""
        node = self.nodes[ref]
        op = self.own.get(node.op) or ops.TABLE[node.op]
        used = [p for n, p in self.links if n == ref] + list(node.literals)
        operands = tuple(
            self.links.get((ref, p), node.literals.get(p, 0.0)) for p in op.ports(len(used))
        )
        copy = self.place(op, operands, dict(node.options))
        self.give_name(copy, name)
        return copy

    def constant(self, value: float, name: str | None) -> str:
        node_id = self.add(Node(self.new_id(), "constant", "", {}))
        self.tensors[node_id] = value
        if name is None:
            self.anonymous[node_id] = None
        else:
            self.give_name(node_id, name)
        return node_id

    def give_name(self, node_id: str, name: str) -> None:
        older = self.bound.get(name) or self.graph.id_of(name)
        if isinstance(older, str) and self.name_of(older) == name:
            number = self.rebound.get(name, 1)
            while self.taken(f"{name}.{number}"):
                number += 1
            self.rebound[name] = number + 1  # where the next search begins
            self.rename(older, f"{name}.{number}")
        self.rename(node_id, name)

    def rename(self, node_id: str, name: str) -> None:
        self.names.discard(self.name_of(node_id))
        self.names.add(name)
        if node_id in self.nodes:
            self.nodes[node_id] = replace(self.nodes[node_id], name=name)
        else:
            self.renamed[node_id] = name

    def name_of(self, node_id: str) -> str:
        if node_id in self.nodes:
            return self.nodes[node_id].name
        return self.renamed.get(node_id, self.graph.name(node_id))

    def taken(self, name: str) -> bool:
        return self.graph.id_of(name) is not None or name in self.names

    def new_id(self) -> str:
        self.number += 1
        return f"n{self.number - 1}"

    def add(self, node: Node) -> str:
        self.nodes[node.id] = node
        self.names.add(node.name)
        return node.id

    def name_the_rest(self) -> None:
        """Unnamed nodes are v1, v2, ... in program order."""
        number = 0
        for node_id in sorted(self.anonymous, key=id_number):
            number += 1
            while self.taken(f"v{number}"):
                number += 1
            self.rename(node_id, f"v{number}")

    def edit(self, dtype: np.dtype[Any]) -> Edit:
        edits: list[Edit] = [Put("modules", name, made) for name, made in self.brought.items()]
        edits += [
            Put("nodes", n, replace(self.graph.nodes[n], name=name))
            for n, name in self.renamed.items()
        ]
        edits += [Put("nodes", node_id, node) for node_id, node in self.nodes.items()]
        edits += [Put("tensors", n, _as_tensor(v, dtype)) for n, v in self.tensors.items()]
        edits += [Put("links", key, source) for key, source in self.links.items()]
        return Batch(tuple(edits))


def _as_tensor(value: Any, dtype: np.dtype[Any]) -> Any:
    """Numbers and lists take the document's dtype; arrays keep whole numbers whole."""
    array = np.asarray(value)
    if isinstance(value, np.ndarray) and array.dtype.kind in "iub":
        return array
    return array.astype(dtype)


def _built(
    graph: Graph,
    text: str,
    values: Mapping[str, Any],
    default: float | None,
    modules: Mapping[str, Graph] | None,
) -> _Builder:
    builder = _Builder(graph, values, default, modules or {})
    for statement in parse(text):
        builder.statement(statement)
    builder.name_the_rest()
    return builder


def compose(
    text: str,
    values: Mapping[str, Any] | None = None,
    dtype: str = "float64",
    default: float | None = None,
    modules: Mapping[str, Graph] | None = None,
) -> Graph:
    """A whole document from program text, laid out, its output the last statement.

    `values` gives the inputs (numbers, nested lists, arrays); `default` those that are not given.
    `modules` are definitions that the program may call by name; those it calls come along.
    Raises ExpressionError with a sentence, also for a value that the program does not read.
    """
    graph = Graph()
    graph.put("settings", "dtype", dtype)
    given = dict(values or {})
    builder = _built(graph, text, given, default, modules)
    unread = [name for name in given if name not in builder.used]
    if unread:
        known = ", ".join(sorted(builder.used)) or "no inputs"
        raise ExpressionError(f"the program does not read {unread[0]!r}; it reads {known}")
    builder.edit(graph.dtype).apply(graph)
    if isinstance(builder.last, str):
        graph.put("settings", "output", builder.last)
    place(graph, list(graph.nodes))
    return graph


def compose_edit(
    graph: Graph,
    text: str,
    at: tuple[float, float] | None = (0.0, 0.0),
    default: float = 1.0,
    modules: Mapping[str, Graph] | None = None,
) -> tuple[Edit, list[str]]:
    """The edit that adds a program to an open document, and the ids of its nodes.

    Names that the document has are read from it; other free names become inputs of value `default`.
    They stand at `at`, or on free ground behind what they read. `modules` are definitions that it may
    call beside the document's. The last statement becomes the
    document's output. Raises ExpressionError or GraphError.
    """
    builder = _built(graph, text, {}, default, modules)
    trial = graph.copy()
    edits: list[Edit] = [builder.edit(graph.dtype)]
    if isinstance(builder.last, str):
        edits.append(Put("settings", "output", builder.last))
    for edit in edits:
        edit.apply(trial)
    ids = list(builder.nodes)
    if ids:
        places = arrange(trial, ids)
        left, top = free_ground(graph, _read(trial, ids), places) if at is None else at
        edits += [
            Put("nodes", n, replace(trial.nodes[n], x=left + x, y=top + y))
            for n, (x, y) in places.items()
        ]
    return Batch(tuple(edits)), ids


def _read(graph: Graph, ids: list[str]) -> set[str]:
    """What nodes read of the others."""
    return {k.source for n in ids for k in graph.links_of(n) if k.target == n} - {*ids}


def place(graph: Graph, node_ids: list[str]) -> None:
    """Lays out nodes of a document that is being made (an open one takes `edits.move`)."""
    for node_id, (x, y) in arrange(graph, node_ids).items():
        graph.put("nodes", node_id, replace(graph.nodes[node_id], x=x, y=y))


def read_name(graph: Graph, node_id: str) -> str:
    """The name a program reads a source node under: one bound again since is `x.1` by now."""
    return graph.name(node_id).split(".")[0]


def formula_of(graph: Graph, node_id: str) -> str:
    """A node's own formula over its operands' names: `sin(t)`, `3 * t`."""
    return to_text(formula_tree(graph, node_id))

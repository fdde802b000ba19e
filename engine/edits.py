"""Every change to a document as a value whose `apply` returns its inverse.

`Put` replaces one entry of one table; `Batch` is several edits that happen together or not at all.
The functions below build the edits that people's actions need; none of them changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from engine import ops, ties
from engine.flatten import expand
from engine.graph import (
    TIED,
    Graph,
    GraphError,
    Node,
    OwnOperator,
    Source,
    TableName,
    frozen,
    id_number,
)
from engine.ops.row import Array
from engine.records import Meaning, renamed_size, settings_without


class Edit(Protocol):
    """A change. `apply` does it and returns the inverse, or raises and changes nothing."""

    def apply(self, graph: Graph) -> Edit: ...


@dataclass(frozen=True, slots=True)
class Put:
    """One entry of one table becomes `value`; None removes it."""

    table: TableName
    key: Hashable
    value: Any

    def apply(self, graph: Graph) -> Put:
        return Put(self.table, self.key, graph.put(self.table, self.key, self.value))


@dataclass(frozen=True, slots=True)
class Batch:
    """Edits in order, as one. If one raises, those before it are taken back."""

    edits: tuple[Edit, ...]

    def apply(self, graph: Graph) -> Batch:
        inverses: list[Edit] = []
        try:
            for edit in self.edits:
                inverses.append(edit.apply(graph))
        except Exception:
            for inverse in reversed(inverses):
                inverse.apply(graph)
            raise
        return Batch(tuple(reversed(inverses)))


def batch(*edits: Edit) -> Edit:
    """One edit of several; a single one stays itself."""
    return edits[0] if len(edits) == 1 else Batch(edits)


@dataclass(frozen=True, slots=True)
class Keeping:
    """An edit after which an instance that owns its parameters by then keeps the values and the
    sizes that it used as a tied one.

    `values` are those that the document's steps have, by id or path; unless given, those that are
    not stored are computed.
    """

    edit: Edit
    values: Mapping[str, Array] | None = None

    def apply(self, graph: Graph) -> Edit:
        tied = ties.tied(graph)
        if not tied:
            return self.edit.apply(graph)
        values = self.values
        if values is None:
            values = {k: v for k, v in expand(graph).feeds.items() if k not in graph.tensors}
        used = {n: ties.held(graph, n, values) for n in set(tied.values())}
        owners = {n: graph.nodes[n] for n in used}
        inverse = self.edit.apply(graph)
        more: list[Edit] = []
        for n, owner in tied.items():
            node = graph.nodes.get(n)
            if node is None or node.options.get(TIED) or node.op != owners[owner].op:
                continue
            sizes = {k: v for k, v in owners[owner].options.items() if k in node.options}
            more.append(Put("nodes", n, replace(node, options={**sizes, TIED: ""})))
            more += [Put("tensors", n + k[len(owner) :], v) for k, v in used[owner].items()]
        return Batch((Batch(tuple(more)).apply(graph), inverse))


def add_node(
    graph: Graph,
    op: str,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    literals: Mapping[str, float] | None = None,
    at: tuple[float, float] = (0.0, 0.0),
    value: Any = None,
) -> tuple[Edit, str]:
    """A new node, and its id. `value` is the tensor of a source node (0 unless given)."""
    row = graph.row(op)
    if row is None:
        raise GraphError(f"there is no operator {op!r}; F1 or 'gradloom ops' list them")
    node_id = graph.new_id()
    chosen = graph.new_name(name or (ops.default_name(op) if row.is_source else "v"))
    starts = {o.name: o.start for o in row.options if o.required and o.start is not None}
    settled = {**row.defaults(), **starts, **(options or {})}
    node = Node(node_id, op, chosen, settled, dict(literals or {}), *at)
    edits: list[Edit] = [Put("nodes", node_id, node)]
    if op in ops.HOLDS_TENSOR:
        shape = settled.get("shape", ())
        start = np.zeros(shape if _concrete(shape) else (), graph.dtype) if value is None else value
        edits.append(set_tensor(node_id, start))
    return batch(*edits), node_id


def _concrete(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)


def remove_nodes(
    graph: Graph, node_ids: Iterable[str], values: Mapping[str, Array] | None = None
) -> Edit:
    """Removes nodes with their wires and tensors, and what the recipe says of them.

    Of the instances tied to one that goes, the oldest takes its parameters; see `Keeping`.
    """
    gone = set(node_ids)
    links = {(k.target, k.port) for n in gone for k in graph.links_of(n)}
    edits: list[Edit] = [Put("links", key, None) for key in sorted(links)]
    heirs = _heirs(graph, gone)
    edits += heirs
    ordered = sorted(gone, key=id_number)
    edits += [Put("tensors", key, None) for n in ordered for key in tensors_of(graph, n)]
    if graph.settings["output"] in gone:
        edits.append(Put("settings", "output", ""))
    edits += [Put("settings", k, v) for k, v in settings_without(graph.settings, gone).items()]
    left = graph.recipe.renamed(lambda n: "" if n.partition(".")[0] in gone else n)
    if left != graph.recipe:
        edits.append(Put("settings", "recipe", left))
    edits += [Put("nodes", n, None) for n in ordered]
    if heirs:
        return Keeping(Batch(tuple(edits)), values)
    return batch(*edits) if edits else Batch(())


def _heirs(graph: Graph, gone: set[str]) -> list[Edit]:
    """Instances tied to one that goes: the oldest is tied no more, the others are tied to it."""
    edits: list[Edit] = []
    tied: dict[str, list[str]] = {}
    for node in sorted(graph.nodes.values(), key=lambda n: id_number(n.id)):
        owner, seen = node.options.get(TIED, ""), {node.id}
        while owner in gone and owner not in seen and graph.nodes[owner].options.get(TIED):
            seen.add(owner)
            owner = graph.nodes[owner].options[TIED]
        if owner in gone and node.id not in gone:
            tied.setdefault(owner, []).append(node.id)
        elif owner != node.options.get(TIED, "") and node.id not in gone:
            edits.append(set_options(graph, node.id, {TIED: owner}))
    for heir, *others in tied.values():
        edits.append(set_options(graph, heir, {TIED: ""}))
        edits += [set_options(graph, n, {TIED: heir}) for n in others]
    return edits


def tensors_of(graph: Graph, node_id: str) -> list[str]:
    """Keys of a node's tensors: its own, or those of the parameters inside a module."""
    if node_id in graph.nodes and graph.op(node_id).definition is not None:
        return sorted(key for key in graph.tensors if key.startswith(f"{node_id}."))
    return [node_id] if node_id in graph.tensors else []


def connect(source: str, target: str, port: str) -> Edit:
    """A wire from a node's result to a port; a wire already there is replaced."""
    return Put("links", (target, port), source)


def disconnect(target: str, port: str) -> Edit:
    return Put("links", (target, port), None)


def rename(graph: Graph, node_id: str, name: str) -> Edit:
    """Another name for a node; sizes that are an input's axis, as in `x[-1]`, follow."""
    node = graph.nodes[node_id]
    edits: list[Edit] = [Put("nodes", node_id, replace(node, name=name))]
    if node.op == "input":
        for other in graph.nodes.values():
            told = with_sizes(graph, other, {node.name: name}, lambda part: None)
            if told != other.options and other.id != node_id:
                edits.append(Put("nodes", other.id, replace(other, options=told)))
    return batch(*edits)


def with_sizes(
    graph: Graph,
    node: Node,
    names: Mapping[str, Meaning],
    exact: Callable[[int], int | None],
) -> dict[str, Any]:
    """A node's options with the sizes they name renamed, see `renamed_size`; `exact(axis)` is what
    the size of its value along an axis is, where it is known."""
    told = dict(node.options)
    for option in graph.op(node.id).options:
        value = told.get(option.name)
        if option.kind == "shape" and isinstance(value, tuple):
            told[option.name] = tuple(
                renamed_size(part, names, exact(axis)) for axis, part in enumerate(value)
            )
        elif option.kind == "count" and isinstance(value, str):
            told[option.name] = renamed_size(value, names, None)
    return told


def set_options(graph: Graph, node_id: str, options: Mapping[str, Any]) -> Edit:
    node = graph.nodes[node_id]
    return Put("nodes", node_id, replace(node, options={**node.options, **options}))


def set_literal(graph: Graph, node_id: str, port: str, value: float | None) -> Edit:
    """The number an unwired port reads; None empties it."""
    node = graph.nodes[node_id]
    literals = {k: v for k, v in node.literals.items() if k != port}
    if value is not None:
        literals[port] = value
    return Put("nodes", node_id, replace(node, literals=literals))


def move(graph: Graph, places: Mapping[str, tuple[float, float]]) -> Edit:
    """New places on the canvas for nodes, by id."""
    return batch(
        *(Put("nodes", n, replace(graph.nodes[n], x=x, y=y)) for n, (x, y) in places.items())
    )


def set_tensor(key: str, value: Any) -> Edit:
    """The values of a source node (by its id), or of a field of a table (`<source>.<field>`).

    Copied here and now: undo and redo bring back what was given, whatever becomes of `value`.
    """
    return Put("tensors", key, frozen(value))


def set_tensors(values: Mapping[str, Array]) -> Edit:
    return batch(*(set_tensor(key, value) for key, value in values.items()))


def set_setting(key: str, value: Any) -> Edit:
    """A document setting: title, about, dtype, output."""
    return Put("settings", key, value)


def set_recipe(graph: Graph, stage: int = 0, **changes: Any) -> Edit:
    """Changes fields of a stage of the recipe, or the recipe's `seed`."""
    return Put("settings", "recipe", graph.recipe.changed(stage, **changes))


def set_source(name: str, source: Source | None) -> Edit:
    return Put("sources", name, source)


def set_operator(graph: Graph, operator: OwnOperator, was: str = "") -> Edit:
    """Puts an operator of one's own; `was` is the name of the one it replaces, whose nodes follow.

    They keep the settings that the new one has as well. Applying it raises GraphError where a node is
    wired at a port that the new formula does not read.
    """
    nodes = [
        replace(
            node,
            op=operator.name,
            options={k: v for k, v in node.options.items() if k in operator.settings},
        )
        for node in sorted(graph.nodes.values(), key=lambda n: id_number(n.id))
        if was and node.op == was
    ]
    edits: list[Edit] = [Put("nodes", node.id, node) for node in nodes]
    if was == operator.name:  # what the new one lacks goes before, and any old one may lack it
        return batch(*edits, Put("operators", operator.name, operator))
    gone: list[Edit] = [Put("operators", was, None)] if was else []
    return batch(Put("operators", operator.name, operator), *edits, *gone)


def remove_operator(name: str) -> Edit:
    """Removes an operator of one's own; refused while a node uses it."""
    return Put("operators", name, None)


def subgraph(graph: Graph, ids: Iterable[str], values: Mapping[str, Array] | None = None) -> Graph:
    """Nodes with the wires among them and their tensors, and notes, as a document of its own.

    With the values drawn, instances tied to one that stays behind take its parameters along.
    """
    wanted = set(ids)
    chosen = sorted(wanted - graph.notes.keys(), key=id_number)
    inside = set(chosen)
    part = Graph()
    part.put("settings", "dtype", graph.settings["dtype"])
    for node_id in chosen:
        module = graph.nodes[node_id].op
        if module in graph.modules:
            part.put("modules", module, graph.modules[module])
        if module in graph.operators:
            part.put("operators", module, graph.operators[module])
        part.put("nodes", node_id, graph.nodes[node_id])
        for key in tensors_of(graph, node_id):
            part.put("tensors", key, graph.tensors[key])
        source = graph.nodes[node_id].options.get("source")
        if isinstance(source, str) and source in graph.sources:
            part.put("sources", source, graph.sources[source])
            for key, tensor in graph.tensors.items():
                if key.startswith(f"{source}."):
                    part.put("tensors", key, tensor)
    for note_id in sorted(wanted & graph.notes.keys()):
        part.put("notes", note_id, graph.notes[note_id])
    for link in sorted(graph.all_links(), key=lambda k: (k.target, k.port)):
        if link.source in inside and link.target in inside:
            part.put("links", (link.target, link.port), link.source)
    if values is not None:
        ties.take_along(graph, part, values)
    return part


def insert(
    graph: Graph, part: Graph, offset: tuple[float, float] = (0.0, 0.0), *, same: bool = False
) -> tuple[Edit, dict[str, str]]:
    """Adds a copy of another document's nodes and notes; returns the edit and {their id: the new id}.

    Names that are taken get a number. Data sources come along unless the same one is there already;
    another one of that name is renamed with the nodes that read it. Instances stay tied to one that
    comes along, or that is here when the nodes are of the same document.
    """
    edits: list[Edit] = []
    values: list[Edit] = []
    order, next_id = sorted(part.nodes, key=id_number), id_number(graph.new_id())
    ids = {old: f"n{next_id + number}" for number, old in enumerate(order)}
    renamed: dict[str, str] = {}
    for name, source in sorted(part.sources.items()):
        fields = _fields(part, name)
        if graph.sources.get(name) == source and _same_fields(_fields(graph, name), fields):
            continue
        number, free = 2, name
        while free in graph.sources:
            number, free = number + 1, f"{name}_{number}"
        renamed[name] = free
        edits.append(Put("sources", free, source))
        edits += [Put("tensors", f"{free}.{field}", tensor) for field, tensor in fields.items()]
    rows = _row_names(graph, part)
    if clash := {n.op for n in part.nodes.values()} & (graph.own_rows.keys() - rows.keys()):
        raise GraphError(f"{min(clash)} is another row where this comes from; rename yours")
    edits += [
        Put("modules", rows[m], part.modules[m])
        for m in sorted(part.modules)
        if rows[m] not in graph.modules
    ]
    edits += [
        Put("operators", rows[o], replace(part.operators[o], name=rows[o]))
        for o in sorted(part.operators)
        if rows[o] not in graph.operators
    ]
    names = graph.new_names(part.name(old).split(".")[0] for old in order)
    for old, name in zip(order, names, strict=True):
        node = part.nodes[old]
        op, options, kept = rows.get(node.op, node.op), dict(node.options), tensors_of(part, old)
        if options.get("source") in renamed:
            options["source"] = renamed[options["source"]]
        if other := options.get(TIED):
            here = same and other in graph.nodes and graph.nodes[other].op == op
            options[TIED] = ids.get(other, other if here else "")
            kept = [] if here and other not in ids else kept
        x, y = node.x + offset[0], node.y + offset[1]
        copy = replace(node, id=ids[old], op=op, name=name, options=options, x=x, y=y)
        edits.append(Put("nodes", copy.id, copy))
        values += [Put("tensors", copy.id + k[len(old) :], part.tensors[k]) for k in kept]
    edits += values
    for (target, port), source_id in sorted(part.links.items()):
        edits.append(Put("links", (ids[target], port), ids[source_id]))
    next_id = id_number(graph.new_note_id())
    for number, old in enumerate(sorted(part.notes, key=id_number)):
        note = part.notes[old]
        ids[old] = f"f{next_id + number}"
        x, y = note.x + offset[0], note.y + offset[1]
        edits.append(Put("notes", ids[old], replace(note, id=ids[old], x=x, y=y)))
    return Batch(tuple(edits)), ids


def _row_names(graph: Graph, part: Graph) -> dict[str, str]:
    """What another document's modules and operators are called here: equal ones as they are, others
    numbered."""
    names: dict[str, str] = {}
    for name in sorted({*part.modules, *part.operators}):
        number, free = 2, name
        while free in names.values() or graph.row(free) is not None:
            if name in part.modules and same_document(graph.modules.get(free), part.modules[name]):
                break
            own = graph.operators.get(free)
            if own is not None and replace(own, name=name) == part.operators.get(name):
                break
            number, free = number + 1, f"{name}_{number}"
        names[name] = free
    return names


def same_document(one: Graph | None, other: Graph) -> bool:
    """True when two documents hold the same, wherever their nodes stand."""
    if one is None or one.nodes.keys() != other.nodes.keys():
        return one is other
    return (
        all(replace(one.nodes[n], x=node.x, y=node.y) == node for n, node in other.nodes.items())
        and (one.links, one.settings, one.sources) == (other.links, other.settings, other.sources)
        and _same_fields(one.tensors, other.tensors)
        and one.operators == other.operators
        and one.modules.keys() == other.modules.keys()
        and all(same_document(one.modules[m], inner) for m, inner in other.modules.items())
    )


def _fields(graph: Graph, source: str) -> dict[str, Array]:
    """The tensors of a table by field."""
    start = f"{source}."
    return {k[len(start) :]: v for k, v in sorted(graph.tensors.items()) if k.startswith(start)}


def _same_fields(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)

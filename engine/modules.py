"""Edits that make modules: one of a selection, and an instance of one added."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine import ops, passing, ties
from engine.edits import (
    Batch,
    Edit,
    Keeping,
    Put,
    remove_nodes,
    same_document,
    subgraph,
    with_sizes,
)
from engine.flatten import expand
from engine.graph import TIED, Graph, GraphError, Link, Node, id_number
from engine.ops.row import Array
from engine.records import Meaning

MAX_SAMPLE = 4096
"""Entries of a sample value that a definition's input keeps, to be opened with."""
READER = next(row for row in ops.TABLE.values() if row.reads_inside)
_OUTSIDE = ("input", "data")
"""Sources that stay outside of a module made from a selection: they become its ports."""
WIDTH = 220.0
"""How far left of its first reader a definition's input stands, in scene units."""


class Draft:
    """A document in the making: each edit is done at once and kept for the batch."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph.copy()
        self.edits: list[Edit] = []

    def do(self, edit: Edit) -> None:
        edit.apply(self.graph)
        self.edits.append(edit)

    def put(self, table: Any, key: Any, value: Any) -> None:
        self.do(Put(table, key, value))

    def node(self, node: Node) -> str:
        self.put("nodes", node.id, node)
        return node.id

    def done(self) -> Edit:
        return Batch(tuple(self.edits))


def add_module(
    graph: Graph, name: str, definition: Graph, at: tuple[float, float] = (0.0, 0.0)
) -> tuple[Edit, str]:
    """An instance of a module, and its id.

    The definition comes along, under another name when the document's module of that name differs.
    """
    number, free = 2, name
    while graph.row(free) is not None and not same_document(graph.modules.get(free), definition):
        number, free = number + 1, f"{name}_{number}"
    draft = Draft(graph)
    if free not in graph.modules:
        draft.put("modules", free, definition)
    row = draft.graph.row(free)
    assert row is not None
    chosen = draft.graph.new_name(name.lower())
    node_id = draft.node(Node(draft.graph.new_id(), free, chosen, row.defaults(), {}, *at))
    return draft.done(), node_id


# ------------------------------------------------------------ from a selection


def make_module(
    graph: Graph, node_ids: Iterable[str], name: str, values: Mapping[str, Array] | None = None
) -> tuple[Edit, str]:
    """Nodes become a module of that name with one instance in their place; its id comes along.

    Values that enter become ports, called as they are called now; inputs and data stay outside. The
    value read outside becomes the result; when several are, the newest does and nodes that read
    inside give the others. Nodes that read inside an instance go where it goes, and instances part
    from those outside that they are tied to. Notes and frames among the ids go inside, and so
    do bookmarks and breakpoints; pinned viewers follow. No value changes: starts that were drawn are
    stored. `values` are those that the document's steps have,
    by id or path, also for the definition's inputs; computed unless given. Raises GraphError.
    """
    values = expand(graph).feeds if values is None else values
    wanted = set(node_ids)
    notes = sorted(wanted & graph.notes.keys(), key=id_number)
    inside = {n for n in wanted - graph.notes.keys() if graph.nodes[n].op not in _OUTSIDE}
    inside |= {n for instance in inside for n in passing.reading_inside(graph, instance)}
    if all(graph.op(n).is_source for n in inside):
        raise GraphError("select at least one operator to make a module of")
    _check_whole(graph, inside)
    _check_read(graph, inside)
    if name in graph.modules:
        raise GraphError(f"there is a module {name} already; choose another name")
    draft = Draft(graph)
    _untie(draft, inside, values)
    graph = draft.graph.copy()
    outputs = _read_outside(graph, inside)
    tensors = {key: v for n in inside for key, v in ties.held(graph, n, values).items()}
    definition, ports, sizes = _definition(graph, inside, outputs[-1], name, values)
    for note in notes:
        definition.put("notes", note, graph.notes[note])
        draft.put("notes", note, None)
    for key, value in _marks(graph, inside).items():
        definition.put("settings", key, value)
    draft.put("modules", name, definition)
    row = draft.graph.row(name)
    assert row is not None
    at = _middle([graph.nodes[n] for n in inside])
    instance = draft.graph.new_id()
    wires = [
        k for n in outputs for k in graph.links_of(n) if k.source == n and k.target not in inside
    ]
    chosen, recipe = graph.settings["output"], graph.recipe
    names = {n: graph.name(n) for n in outputs}
    draft.do(remove_nodes(graph, inside, values))
    options = {**row.defaults(), **sizes}
    called = graph.new_name(name.lower(), names.values())
    draft.node(Node(instance, name, called, options, {}, *at))
    for key, value in tensors.items():
        draft.put("tensors", f"{instance}.{key}", value)
    for source, port in ports.items():
        draft.put("links", (instance, port), source)
    at_output = {outputs[-1]: instance}
    for i, n in enumerate(outputs[:-1]):
        place = _free_ground(draft.graph, (at[0] + WIDTH, at[1] + 90.0 * (i + 1)))
        options = {READER.options[0].name: names[n]}
        reader = draft.node(Node(draft.graph.new_id(), READER.name, names[n], options, {}, *place))
        draft.put("links", (reader, READER.inputs[0]), instance)
        at_output[n] = reader
    for link in wires:
        draft.put("links", (link.target, link.port), at_output[link.source])
    viewers = {
        k: replace(v, node=f"{instance}.{v.node}") if v.node.partition(".")[0] in inside else v
        for k, v in graph.settings["viewers"].items()
    }
    if viewers != graph.settings["viewers"]:
        draft.put("settings", "viewers", viewers)
    if chosen in at_output:
        draft.put("settings", "output", at_output[chosen])
    moved = recipe.renamed(
        lambda n: at_output.get(n) or (f"{instance}.{n}" if n.partition(".")[0] in inside else n)
    )
    if moved != recipe:
        draft.put("settings", "recipe", moved)
    return draft.done(), instance


def _marks(graph: Graph, inside: set[str]) -> dict[str, Any]:
    """The bookmarks and the breakpoints that some nodes have, as settings of their own document."""
    marks, stops = graph.settings["bookmarks"], graph.settings["breakpoints"]
    return {
        "bookmarks": {digit: n for digit, n in marks.items() if n in inside},
        "breakpoints": tuple(n for n in stops if n in inside),
    }


def _free_ground(graph: Graph, place: tuple[float, float]) -> tuple[float, float]:
    """The first place from there down where no node stands."""
    x, y = place
    while any(abs(n.x - x) < WIDTH - 60 and abs(n.y - y) < 90 for n in graph.nodes.values()):
        y += 30.0
    return x, y


def _untie(draft: Draft, inside: set[str], values: Mapping[str, Array]) -> None:
    """Instances tied to one outside get its values; several of them stay tied among themselves."""
    first: dict[str, str] = {}
    for n in sorted(inside, key=id_number):
        owner, node = ties.owner(draft.graph, n), draft.graph.nodes[n]
        if owner in inside:
            continue
        options = {**node.options, TIED: first.get(owner, "")}
        draft.do(Keeping(Put("nodes", n, replace(node, options=options)), values))
        first.setdefault(owner, n)


def _check_whole(graph: Graph, inside: set[str]) -> None:
    """Refuses a selection that a value leaves and comes back to: the module would feed itself."""
    outer = {k.target for n in inside for k in graph.links_of(n) if k.source == n} - inside
    between = sorted((n for n in outer if graph.descendants(n) & inside), key=id_number)
    if between:
        listed = ", ".join(graph.name(n) for n in between[:3])
        raise GraphError(f"{listed} stands between the nodes selected; select it as well")


def _check_read(graph: Graph, inside: set[str]) -> None:
    """Refuses a node that reads inside an instance which does not come along."""
    outer = {n for n in graph.nodes if graph.op(n).definition or graph.op(n).reads_inside} - inside
    for n in sorted((n for n in inside if graph.op(n).reads_inside), key=id_number):
        read = str(passing.read_at(graph, n, READER.inputs[0]))
        if read in outer:
            raise GraphError(f"{graph.name(n)} reads inside {graph.name(read)}; select it as well")


def _read_outside(graph: Graph, inside: set[str]) -> list[str]:
    """Nodes whose values are read outside, oldest first; the module's end if there are none."""
    read = {k.source for n in inside for k in graph.links_of(n) if k.target not in inside}
    losses = [stage.loss for stage in graph.recipe.stages]
    read |= {n for n in (graph.settings["output"], *losses) if n in inside}
    order = [n for n in graph.order() if n in inside]
    found = [n for n in order if n in read]
    ends = [n for n in order if not graph.op(n).is_source]
    return found or ends[-1:]


def _definition(
    graph: Graph, inside: set[str], output: str, name: str, values: Mapping[str, Array]
) -> tuple[Graph, dict[str, str], dict[str, str]]:
    """The module's document, its ports by the id of the node outside that feeds them, and what its
    sizes are outside."""
    part = subgraph(graph, inside)
    part.put("settings", "title", name)
    part.put("settings", "output", output)
    ports: dict[str, str] = {}
    entering = sorted(
        (k for n in inside for k in graph.links_of(n) if k.source not in inside),
        key=lambda k: (id_number(k.source), id_number(k.target), k.port),
    )
    for link in entering:
        if link.source not in ports:
            ports[link.source] = _add_port(graph, part, link, values)
        source = part.id_of(ports[link.source])
        part.put("links", (link.target, link.port), source)
    sizes = graph.settings["sizes"]
    known = {graph.name(n): port for n, port in ports.items() if graph.nodes[n].op == "input"}
    resize(part, {**known, **{size: size for size in sizes}}, values)
    kept = {s: n for s, n in sizes.items() if s in _named(part)}
    told = {size: size for size in kept}
    for node in list(part.nodes.values()):  # an axis of what does not come in is a size of its own
        for option, text in node.options.items():
            axis = (
                re.fullmatch(r"(?:(\d+)\*)?(\w+)\[(-?\d+)\]", text)
                if isinstance(text, str)
                else None
            )
            if axis is None or axis[2] in ports.values():
                continue
            free = part.new_name(option, {*kept, *ports.values()})
            value = values.get(str(graph.id_of(axis[2])))
            kept[free] = 1 if value is None else int(axis[1] or 1) * value.shape[int(axis[3])]
            told[free] = text
            node = replace(node, options={**node.options, option: free})
            part.put("nodes", node.id, node)
    part.put("settings", "sizes", kept)
    return part, ports, told


def resize(
    part: Graph, names: Mapping[str, Meaning], values: Mapping[str, Array] | None = None
) -> None:
    """Sizes that nodes name get the names or the numbers they have from now on."""
    for node in list(part.nodes.values()):
        value = part.tensors.get(node.id, (values or {}).get(node.id))
        shape = value.shape if value is not None else ()
        exact = dict(enumerate(shape))
        told = with_sizes(part, node, names, exact.get)
        if told.get("shape") == () and shape:
            told["shape"] = shape
        if told != node.options:
            part.put("nodes", node.id, replace(node, options=told))


def _named(part: Graph) -> set[str]:
    """Every name that a size of a node is made of."""
    texts = [v for n in part.nodes.values() for o in n.options.values() for v in
             (o if isinstance(o, tuple) else (o,)) if isinstance(v, str)]  # fmt: skip
    return {re.sub(r"^\d+\*|\[.*$", "", text) for text in texts}


def _add_port(graph: Graph, part: Graph, link: Link, values: Mapping[str, Array]) -> str:
    name, node_id = part.new_name(graph.name(link.source).split(".")[0]), part.new_id()
    reader = graph.nodes[link.target]
    place = _free_ground(part, (reader.x - WIDTH, reader.y))
    part.put("nodes", node_id, Node(node_id, "input", name, {}, {}, *place))
    value = values.get(link.source, graph.tensors.get(link.source))
    small = value is not None and value.size <= MAX_SAMPLE
    part.put("tensors", node_id, value if small else np.zeros((), graph.dtype))
    return name


def _middle(nodes: Collection[Node]) -> tuple[float, float]:
    count = len(nodes)
    return sum(n.x for n in nodes) / count, sum(n.y for n in nodes) / count

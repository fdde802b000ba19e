"""Edits of modules that are there: unpacked, renamed, removed, another definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine import passing, ties
from engine.aligning import give_way
from engine.edits import Batch, Edit, Put, insert, remove_nodes, tensors_of
from engine.evaluate import evaluate
from engine.graph import TIED, Graph, GraphError, Node, id_number
from engine.layout import PLAIN, arrange
from engine.modules import READER, Draft, resize
from engine.notes import move_all, place_of
from engine.ops.row import Array
from engine.records import Meaning


def unpack_module(
    graph: Graph, instance: str, values: Mapping[str, Array] | None = None
) -> tuple[Edit, list[str]]:
    """An instance becomes its definition's nodes with their values; their ids come along.

    Wires are kept; the nodes stand in the instance's place, others give way. What the instance shares
    with tied ones stays theirs; the nodes take copies. `values` are those that the document's steps
    have, by id or path; computed unless given.
    """
    values = evaluate(graph).values if values is None else values
    node, row = graph.nodes[instance], graph.op(instance)
    if row.definition is None:
        raise GraphError(f"{node.name} is no module")
    definition: Graph = row.definition
    fed = {p: graph.operand(instance, p) for p in row.inputs}
    draft = Draft(graph)
    owner = ties.owner(graph, instance)
    sizes = graph.nodes[owner].options
    inner = definition.copy()
    ports = {n: definition.name(n) for n in definition.of_op("input")}
    for port in ports:
        remove_nodes(inner, [port]).apply(inner)
    for key, value in ties.held(graph, owner, values).items():
        inner.put("tensors", key[len(owner) + 1 :], value)
    outside: dict[str, Meaning] = {}  # of what is computed the shape, as nodes outside name inputs
    for port, source in fed.items():
        if isinstance(source, str) and graph.nodes[source].op == "input":
            outside[port] = graph.name(source)
        elif isinstance(source, str) and source in values:
            outside[port] = values[source].shape
    resize(inner, {**outside, **{s: sizes[s] for s in definition.settings["sizes"]}})
    gone = passing.only_reading_inside(graph, instance)
    chosen, recipe, end = graph.settings["output"], graph.recipe, str(graph.output())
    draft.do(remove_nodes(draft.graph, [instance, *gone], values))
    edit, ids = insert(draft.graph, inner)
    draft.do(edit)

    def outer(inner_id: str) -> str | float | None:
        return fed[ports[inner_id]] if inner_id in ports else ids[inner_id]

    for (target, port), source in sorted(definition.links.items()):
        if source in ports and target in ids:
            _feed(draft, ids[target], port, outer(source))
    handed = fed.get(str(passing.handed_on(graph, instance)))
    result = handed if node.muted else outer(str(definition.output()))
    results = {instance: result}
    for n in gone:  # what reads inside a muted one has no value
        wanted = definition.id_of(str(graph.nodes[n].options.get(READER.options[0].name)))
        found = outer(wanted) if wanted is not None and not node.muted else None
        results[n] = result if passing.passes_on(graph, n) else found
    for reader in results:
        for link in graph.links_of(reader):
            if link.source == reader and link.target not in results:
                _feed(draft, link.target, link.port, results[reader])
    if chosen in results and isinstance(results[chosen], str):
        draft.put("settings", "output", results[chosen])

    def unpacked(n: str) -> str:
        found = results.get(n, n)
        first, _, path = n.partition(".")
        inner_id, _, rest = path.partition(".")
        if first == instance and inner_id in ids:
            found = ".".join(filter(None, (ids[inner_id], rest)))
        return found if isinstance(found, str) else ""

    moved = recipe.renamed(unpacked)
    if moved != recipe:
        draft.put("settings", "recipe", moved)
    kept = results.get(end, end)
    if kept in draft.graph.nodes and draft.graph.output() != kept:  # a node inside that none reads
        draft.put("settings", "output", kept)
    given = node.name.rstrip("0123456789") != node.op.lower().rstrip("0123456789")
    if (
        given and isinstance(result, str) and result in ids.values()
    ):  # formulas read it by this name
        same = draft.graph.id_of(node.name)
        if same is not None and same != result:  # one of the nodes inside is called so, too
            free = draft.graph.new_name(node.name)
            draft.node(replace(draft.graph.nodes[same], name=free))
        draft.node(replace(draft.graph.nodes[result], name=node.name))
    at = {n: str(r) for n, r in results.items() if r in ids.values()}
    at |= {f"{instance}.{n}": made for n, made in ids.items()}
    at |= {f"{instance}.{n}": s for n, p in ports.items() if isinstance(s := fed[p], str)}
    _mark(draft, graph, instance, at)
    _stand(draft, node, [*ids.values()])
    return draft.done(), list(ids.values())


def _mark(draft: Draft, graph: Graph, instance: str, at: Mapping[str, str]) -> None:
    """Bookmarks, breakpoints and pinned viewers of the instance and of what was inside go to the nodes
    that stand there now, by their paths. A bookmark that the document has itself stays where it is."""
    definition: Graph = graph.op(instance).definition
    inner, outer, left = definition.settings, graph.settings, draft.graph.settings
    stops = [*outer["breakpoints"], *(f"{instance}.{n}" for n in inner["breakpoints"])]
    stopping = {*left["breakpoints"], *(at[p] for p in stops if p in at)}
    marks = {d: f"{instance}.{n}" for d, n in inner["bookmarks"].items()} | outer["bookmarks"]
    viewers = {}
    for key, viewer in outer["viewers"].items():
        steps = viewer.node.split(".")
        depth = 2 if steps[0] == instance and len(steps) > 1 else 1
        head = at.get(".".join(steps[:depth]))
        if head is not None:
            viewers[key] = replace(viewer, node=".".join([head, *steps[depth:]]))
        elif key in left["viewers"]:
            viewers[key] = viewer
    for name, value in (
        ("breakpoints", tuple(sorted(stopping, key=id_number))),
        (
            "bookmarks",
            {d: at.get(n, n) for d, n in marks.items() if d in left["bookmarks"] or n in at},
        ),
        ("viewers", viewers),
    ):
        if value != left[name]:
            draft.put("settings", name, value)


def _stand(draft: Draft, node: Node, made: list[str]) -> None:
    """Nodes stand where one stood, laid out unless notes lie among them; the others give way."""
    graph, (wide, tall) = draft.graph, PLAIN
    places = {n: place_of(graph, n) for n in made}
    if places and not places.keys() & graph.notes.keys():
        places = arrange(graph, made)
    if not places:
        return
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    width = max(x for x, _ in places.values()) + wide - left
    height = max(y for _, y in places.values()) + tall - top
    at = node.x, round(node.y - (height - tall) / 2)
    around = {n: (o.x, o.y, wide, tall) for n, o in graph.nodes.items() if n not in places}
    moved = give_way(around, (node.x, node.y, wide, tall), (*at, width, height))
    moved |= {n: (x - left + at[0], y - top + at[1]) for n, (x, y) in places.items()}
    draft.do(move_all(graph, moved))


def _feed(draft: Draft, target: str, port: str, value: str | float | None) -> None:
    if isinstance(value, str):
        draft.put("links", (target, port), value)
    elif value is not None:
        node = draft.graph.nodes[target]
        draft.put("nodes", target, replace(node, literals={**node.literals, port: value}))


# ------------------------------------------------------------ another definition


def _rename_read(draft: Draft, instance: str, old: Graph, definition: Graph) -> None:
    """Nodes that read a value inside an instance go on reading it where it was renamed."""
    option = READER.options[0].name
    for n in passing.readers(draft.graph, instance):
        reader = draft.graph.nodes[n]
        inner = old.id_of(str(reader.options.get(option))) if reader.op == READER.name else None
        if inner in definition.nodes:
            named = {**reader.options, option: definition.name(str(inner))}
            draft.node(replace(reader, options=named))


def rename_module(graph: Graph, name: str, wanted: str) -> Edit:
    """Another name for a module; its instances follow. Raises GraphError where it is taken."""
    if wanted in graph.modules:
        raise GraphError(f"there is a module {wanted} already; choose another name")
    definition = graph.modules[name]
    if definition.settings["title"] == name:
        definition = definition.copy()
        definition.put("settings", "title", wanted)
    users = [replace(graph.nodes[n], op=wanted) for n in graph.of_op(name)]
    moved = [Put("nodes", node.id, node) for node in users]
    return Batch((Put("modules", wanted, definition), *moved, Put("modules", name, None)))


def remove_module(name: str) -> Edit:
    """Removes a definition; refused while a node is an instance of it."""
    return Put("modules", name, None)


def edit_module(graph: Graph, name: str, definition: Graph) -> Edit:
    """Another definition for a module. Wires follow inputs that were renamed; wires and options of
    what is gone are taken away, and stored parameters that no longer exist."""
    old = graph.modules[name]
    renamed = {
        old.name(n): definition.name(n)
        for n in old.of_op("input")
        if n in definition.nodes and definition.nodes[n].op == "input"
    }
    draft = Draft(graph)
    links: list[tuple[tuple[str, str], str]] = []
    users: list[Node] = []
    for node in [n for n in graph.nodes.values() if n.op == name]:
        for port in graph.structure_ports(node.id):
            if port in renamed:
                links.append(((node.id, renamed[port]), graph.links[node.id, port]))
            draft.put("links", (node.id, port), None)
        literals = {renamed[p]: v for p, v in node.literals.items() if p in renamed}
        sizes = definition.settings["sizes"]
        kept = {k: v for k, v in node.options.items() if k in sizes or k == TIED}
        users.append(replace(node, literals=literals, options=kept))
        draft.put("nodes", node.id, replace(node, literals={}, options={}))
    draft.put("modules", name, definition)
    row = draft.graph.row(name)
    assert row is not None
    for node in users:
        draft.node(replace(node, options={**row.defaults(), **node.options}))
    for end, source in links:
        draft.put("links", end, source)
    for node in users:
        _rename_read(draft, node.id, old, definition)
        for key in tensors_of(graph, node.id):
            if ties.node_at(definition, key[len(node.id) + 1 :]) is None:
                draft.put("tensors", key, None)
    return draft.done()

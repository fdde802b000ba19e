"""Edits that add derivatives in a frame of their own, renew them, and multiply them by vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine import ops
from engine.derivative_records import Pair, chain
from engine.edits import Batch, Edit, Put, add_node, connect, remove_nodes
from engine.flatten import expand
from engine.gradient_graph import Derived, along, differentiated
from engine.graph import Graph, GraphError
from engine.layout import DOWN, HEIGHT, WIDTH, arrange
from engine.notes import TITLE, add_note, around
from engine.ops.row import Array, Op
from engine.records import MAX_NAME

TALL, PORT_STEP = 100.0, 24.0
"""The height of a node that holds more than a single number, and of one port more."""
COLOUR = "pink"
UNDER = 4 * TITLE
"""More room under a frame: from afar, the title of the next one grows upwards."""
MAX_RENEWED = 20_000
"""Nodes of a document in which derivatives are renewed: it is copied and walked a few times."""
Title = Callable[[Sequence[str]], str]
"""The title of a frame around derivatives, from their names."""


def added(
    graph: Graph,
    output: str,
    inputs: Sequence[str],
    title: Title,
    *,
    order: int = 1,
    shared: bool = True,
    feeds: Mapping[str, Array] | None = None,
) -> Derived:
    """Derivatives as nodes in a frame below what they are of; see `differentiated`."""
    made = differentiated(graph, output, inputs, order=order, shared=shared, feeds=feeds)
    return _framed(graph, made, title)


def _framed(graph: Graph, made: Derived, title: Title, names: Sequence[str] = ()) -> Derived:
    """The same with a place for each new node and a frame around them."""
    if not made.added:
        return made
    trial = graph.copy()
    made.edit.apply(trial)
    sizes = {n: (WIDTH, _height(trial, n, made)) for n in made.added}
    places = arrange(trial, made.added, sizes)
    left, top = _ground(graph)
    across = left - min(x for x, _ in places.values())
    down = top - min(y for _, y in places.values())
    places = {n: (x + across, y + down) for n, (x, y) in places.items()}
    x, y, width, height = around((*places[n], *sizes[n]) for n in made.added)
    told = title(list(names) or [trial.name(n) for n in made.records])
    frame, _ = add_note(
        trial, kind="frame", text=told, colour=COLOUR, x=x, y=y, width=width, height=height
    )
    moved = [Put("nodes", n, replace(trial.nodes[n], x=x, y=y)) for n, (x, y) in places.items()]
    return replace(made, edit=Batch((made.edit, *moved, frame)))


def _height(graph: Graph, node_id: str, made: Derived) -> float:
    least = TALL if node_id in made.tensors else HEIGHT
    return max(least, PORT_STEP * (len(graph.structure_ports(node_id)) + 1))


def _ground(graph: Graph) -> tuple[float, float]:
    """Free ground below everything, on its left edge."""
    held = [(n.x, n.y + TALL) for n in graph.nodes.values()]
    held += [(n.x + 24.0, n.y + n.height + UNDER) for n in graph.notes.values()]
    if not held:
        return 0.0, 0.0
    return min(x for x, _ in held), max(y for _, y in held) + 3 * DOWN


# ------------------------------------------------------------ renewing


def renewed(
    graph: Graph, result: str, title: Title, feeds: Mapping[str, Array] | None = None
) -> Derived:
    """A derivative made anew, with those it is a derivative of and those of it.

    Their old nodes that nothing else reads go, with their frames; what read an old result reads the
    new one. Raises GraphError.
    """
    records: Mapping[str, Pair] = graph.settings["derivatives"]
    if result not in records or result not in graph.nodes:
        raise GraphError("this is not recorded as a derivative")
    if len(graph.nodes) > MAX_RENEWED:
        raise GraphError(
            f"the document has {len(graph.nodes):,} nodes, more than the {MAX_RENEWED:,} among which a "
            "derivative is renewed; delete it and differentiate again"
        )
    root, family = _family(graph, result)
    above = graph.ancestors(root)
    if own := [n for n in family if n in above]:
        raise GraphError(
            f"{graph.name(root)} is computed from {graph.name(own[0])}, its own derivative; take that "
            "wire away first"
        )
    gone = _only_theirs(graph, root, family)
    if own := [n for n in family if records[n][1] in gone]:
        raise GraphError(
            f"{graph.name(own[0])} is recorded as a derivative by one of its own nodes"
        )
    outer = [(key, s) for key, s in graph.links.items() if s in family and key[0] not in gone]
    titles = {title([graph.name(n)]) for n in family} | {title([graph.name(n) for n in family])}
    frames = [n.id for n in graph.notes.values() if n.kind == "frame" and n.text in titles]
    bare = _Draft(graph)
    for edit in (remove_nodes(graph, gone), *(Put("notes", n, None) for n in frames)):
        bare.do(edit)
    draft = _Draft(bare.graph)
    new: dict[str, str] = {}
    for old in family:
        output, source = records[old]
        of = _now(graph, draft.graph, new, output)
        new[old] = draft.take(differentiated(draft.graph, of, [source], feeds=feeds)).results[
            source
        ]
    for key, s in outer:
        draft.do(connect(new[s], *key))
    if graph.settings["output"] in new:
        draft.do(Put("settings", "output", new[graph.settings["output"]]))
    recipe = graph.recipe.renamed(lambda n: new.get(n, n))
    if recipe != graph.recipe:
        draft.do(Put("settings", "recipe", recipe))
    results = {records[result][1]: new[result]}
    made = _framed(bare.graph, draft.derived(results), title)
    return replace(made, edit=Batch((*bare.edits, made.edit)))


def _family(graph: Graph, result: str) -> tuple[str, list[str]]:
    """What a derivative is of, and all derivatives on the way to it and behind it, first ones first."""
    records: Mapping[str, Pair] = graph.settings["derivatives"]
    top, met = result, {result}
    while before := _recorded(graph, records[top][0]):
        if before in met:  # no edit makes such records, but a file may hold them
            raise GraphError(f"{graph.name(result)} is recorded as a derivative of itself")
        top = before
        met.add(top)
    here = {n: pair for n, pair in records.items() if graph.nodes.keys() >= {n, *pair}}
    family: dict[str, None] = {}
    behind: set[str] = set()
    more = top in here
    if more:
        family, behind = {top: None}, {top, *graph.descendants(top)}
    while more:
        more = False
        for node_id, (output, _) in here.items():
            before = _recorded(graph, output) if output in behind else None
            if node_id not in family and output in behind and (before is None or before in family):
                family[node_id] = None
                behind |= {node_id, *graph.descendants(node_id)}
                more = True
    if result not in family:
        raise GraphError(f"what {graph.name(result)} was computed from is no longer here")
    return chain(graph, top)[0], [*family]


def _recorded(graph: Graph, output: str) -> str | None:
    """The derivative that an output is, or sums the entries of."""
    records: Mapping[str, Pair] = graph.settings["derivatives"]
    if output in records:
        return output
    if output not in graph.nodes:
        return None
    read = [s for s in graph.structure.predecessors(output) if s in records]
    return read[0] if graph.nodes[output].op == ops.SUM.name and read else None


def _now(graph: Graph, draft: Graph, new: Mapping[str, str], output: str) -> str:
    """The node of today for the output of an older derivative."""
    if output in new:
        return new[output]
    before = _recorded(graph, output)
    if output in draft.nodes and before not in new:
        return output
    if before is None or before not in new:
        raise GraphError(f"what {graph.name(output)} was computed from is no longer here")
    return new[before]


def _only_theirs(graph: Graph, root: str, family: Iterable[str]) -> set[str]:
    """Nodes that only these derivatives are made of."""
    theirs = set(family)
    above = set().union(*(graph.ancestors(n) for n in theirs))
    forward = {root, *graph.ancestors(root)}
    kept = forward | (graph.settings["derivatives"].keys() - theirs)
    gone: set[str] = set()
    for node_id in reversed(graph.order()):
        if node_id in theirs:
            gone.add(node_id)
        elif node_id in above - kept and not graph.op(node_id).is_source:
            if gone.issuperset(graph.structure.successors(node_id)):
                gone.add(node_id)
    return gone


# ------------------------------------------------------------ times a vector


def hessian_product(
    graph: Graph, output: str, source: str, title: Title, feeds: Mapping[str, Array] | None = None
) -> Derived:
    """The Hessian of a single number times a direction: a new input of the shape of `source`, and the
    gradient of (gradient · direction). Raises GraphError."""
    draft = _Draft(graph)
    first = draft.take(differentiated(graph, output, [source], feeds=feeds))
    way = draft.direction(source, feeds)
    product = draft.node(ops.MUL, (first.results[source], way), "gv")
    if draft.graph.tensors[way].shape:
        product = draft.node(ops.SUM, (product,), "gv")
    name = draft.graph.new_name("Hv")
    second = differentiated(draft.graph, product, [source], feeds=feeds, called=name)
    draft.take(second)
    return _framed(graph, draft.derived(second.results), title, [name])


def jacobian_product(
    graph: Graph, output: str, source: str, title: Title, feeds: Mapping[str, Array] | None = None
) -> Derived:
    """The Jacobian of any output times a direction: a new input of the shape of `source`, and how the
    output moves along it. Raises GraphError."""
    draft = _Draft(graph)
    way = draft.direction(source, feeds)
    name = draft.graph.new_name("Jv")
    made = draft.take(along(draft.graph, output, source, way, feeds, name))
    return _framed(graph, draft.derived(made.results), title, [name])


class _Draft:
    """A copy of a document that edits are tried on, each remembered."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph.copy()
        self.edits: list[Edit] = []
        self.made: list[Derived] = []
        self.nodes: list[str] = []
        self.tensors: set[str] = set()

    def do(self, edit: Edit) -> None:
        edit.apply(self.graph)
        self.edits.append(edit)

    def take(self, made: Derived) -> Derived:
        self.do(made.edit)
        self.made.append(made)
        self.nodes += made.added
        self.tensors |= made.tensors
        return made

    def direction(self, source: str, feeds: Mapping[str, Array] | None) -> str:
        """An input of the shape that a node has now, all ones."""
        expansion = expand(self.graph, feeds)
        step = expansion.step_of(source)
        if step is None:
            raise GraphError(
                f"{self.graph.name(source)} has no value yet; wire its empty ports first"
            )
        value = np.ones(expansion.spec(step).shape, self.graph.dtype)
        called = f"v_{self.graph.name(source)}".replace(".", "_")[:MAX_NAME]
        edit, node_id = add_node(self.graph, "input", called, value=value)
        self._keep(edit, node_id, bool(value.shape))
        return node_id

    def node(self, op: Op, args: Sequence[str], name: str) -> str:
        """A node wired to others; a tensor if they all are and it does not reduce them."""
        edit, node_id = add_node(self.graph, op.name, name)
        wires = [connect(a, node_id, port) for a, port in zip(args, op.inputs, strict=True)]
        self._keep(Batch((edit, *wires)), node_id, op is ops.MUL and args[-1] in self.tensors)
        return node_id

    def _keep(self, edit: Edit, node_id: str, tall: bool) -> None:
        self.do(edit)
        self.nodes.append(node_id)
        if tall:
            self.tensors.add(node_id)

    def derived(self, results: Mapping[str, str]) -> Derived:
        """All that was done as one."""
        return Derived(
            Batch(tuple(self.edits)),
            dict(results),
            tuple(self.nodes),
            {n: pair for m in self.made for n, pair in m.records.items()},
            frozenset(self.tensors),
            next((m.note for m in self.made if m.note), ""),
        )

"""What would mend a misfit: a node between, operands swapped, a matrix for a number; by the shape rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from engine import ops
from engine.aligning import GAP, Area, Places, make_room
from engine.edits import Edit, add_node, batch, connect, disconnect, move
from engine.fitting import Between, Changes, Fit, Fitting, Operand, Shaped
from engine.graph import Graph
from engine.layout import HEIGHT, WIDTH
from engine.shapes import Shape, ShapeError
from engine.starts import as_parameter

MOST = 4
_LOOKED_AT = 10
"""Uses that fit, cheapest first, of which the nodes behind are looked at."""
_SWAP = 2
_UNITS = 8, 1
"""Columns of a matrix that a number becomes: a layer's, and a single result."""
_GROWS, _BREAKS = 5, 6
"""What it costs that a result is larger, or has more axes, than every operand, and that a node behind
would fail."""
_FAR = 5
"""Uses that cost so much more than the best one are not offered."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A way to mend a misfit: what it is called, the edit that does it, and what the node becomes."""

    title: str
    edit: Edit
    fit: Fit


@dataclass(frozen=True, slots=True)
class _Candidate:
    cost: int
    title: str
    changes: Changes


def repairs(
    fitting: Fitting,
    node_id: str,
    changes: Changes | None = None,
    areas: Mapping[str, Area] | None = None,
) -> list[Repair]:
    """The best ways to make a node fit that would read what `changes` say; at most `MOST`.

    Empty where the node fits already or misses an operand, and where no single node mends it.
    `areas` are the nodes' rectangles on the canvas, so that a node between gets room.
    """
    wires = changes or {}
    fit = fitting.after(wires, node_id, deep=False)
    if not fit.fault or fitting.graph.op(node_id).reads_inside:
        return []
    fitting_ones: list[tuple[int, _Candidate]] = []
    for candidate in sorted(_candidates(fitting, fit, wires), key=lambda c: c.cost):
        found = fitting.after(candidate.changes, node_id, deep=False)
        if found.spec is not None:
            fitting_ones.append((candidate.cost + _growth(found), candidate))
    fitting_ones.sort(key=lambda known: known[0])
    ranked: list[tuple[int, _Candidate, Fit]] = []
    for cost, candidate in fitting_ones[:_LOOKED_AT]:
        found = fitting.after(candidate.changes, node_id)
        ranked.append((cost + _BREAKS * bool(found.broken), candidate, found))
    ranked.sort(key=lambda known: known[0])
    return [
        Repair(c.title, edit_of(fitting.graph, c.changes, areas), fitting.named(found, c.changes))
        for cost, c, found in ranked[:MOST]
        if cost <= ranked[0][0] + _FAR
    ]


def _growth(fit: Fit) -> int:
    """What it costs that the numbers are spread out."""
    read = [o.spec for o in fit.operands if o.spec is not None]
    spec = fit.spec
    assert spec is not None
    larger = all(other.size < spec.size for other in read)
    return _GROWS * larger + _GROWS * all(other.rank < spec.rank for other in read)


def _candidates(fitting: Fitting, fit: Fit, wires: Changes) -> Iterator[_Candidate]:
    node_id, graph = fit.node, fitting.graph
    wired = [o for o in fit.operands if _source(graph, wires, node_id, o.port) and o.spec]
    fresh = {port for (n, port), read in wires.items() if n == node_id and read is not None}
    names = [o.name for o in wired]
    called = {o.port: f"{o.name} at {o.port}" if names.count(o.name) > 1 else o.name for o in wired}
    for operand in sorted(wired, key=lambda o: o.port not in fresh):
        assert operand.spec is not None
        beside = tuple(o.spec for o in fit.operands if o.spec is not None and o is not operand)
        best: dict[object, _Candidate] = {}
        for row in ops.TABLE.values():
            for mend in row.adapts(operand.spec, beside) if row.adapts is not None else ():
                try:
                    spec = row.shape({**row.defaults(), **mend.options}, operand.spec)
                except ShapeError:
                    continue
                kept = spec.size == operand.spec.size
                key = spec.shape, "" if kept else row.name
                if key not in best or mend.cost < best[key].cost:
                    title = mend.title.replace("{x}", called[operand.port])
                    source = str(_source(graph, wires, node_id, operand.port))
                    between = Between(source, row, mend.options)
                    changes = {**wires, (node_id, operand.port): between}
                    best[key] = _Candidate(mend.cost, title, changes)
        yield from best.values()
        source = str(_source(graph, wires, node_id, operand.port))
        readers = [port for port, read in graph.links.items() if read == source]
        for place, shape in enumerate(_matrices(fitting, source, operand, fit.operands)):
            changes = {**wires, **dict.fromkeys(readers, Shaped(source, shape))}
            changes[node_id, operand.port] = Shaped(source, shape)
            is_trained = graph.nodes[source].op == "parameter"
            verb = "Give {} the shape" if is_trained else "Make {} a parameter of the shape"
            yield _Candidate(1 + place, f"{verb.format(operand.name)} {shape}", changes)
    for one, other in combinations(wired, 2):
        there = _source(graph, wires, node_id, one.port)
        here = _source(graph, wires, node_id, other.port)
        if there != here and not graph.op(node_id).variadic:
            swapped = {**wires, (node_id, one.port): here, (node_id, other.port): there}
            title = f"Swap {called[one.port]} and {called[other.port]}"
            yield _Candidate(_SWAP, title, swapped)


def _matrices(
    fitting: Fitting, source: str, operand: Operand, operands: Sequence[Operand]
) -> Iterator[Shape]:
    """Matrices that a number given as an operand could be instead, told by what stands beside it."""
    graph = fitting.graph
    if graph is not fitting.root or operand.spec is None or operand.spec.rank:
        return
    if source not in graph.nodes or graph.nodes[source].op not in ("input", "parameter"):
        return
    for other in operands:
        if other.spec is not None and other.spec.rank:
            yield from ((other.spec.shape[-1], units) for units in _UNITS)
            if other.spec.rank == 1:
                yield _UNITS[0], other.spec.shape[0]


def _source(graph: Graph, wires: Changes, node_id: str, port: str) -> str | None:
    """The node that a port would read."""
    key = (node_id, port)
    read = wires[key] if key in wires else graph.links.get(key)
    return read if isinstance(read, str) else None


def edit_of(graph: Graph, changes: Changes, areas: Mapping[str, Area] | None = None) -> Edit:
    """The changes as one edit, wires that go first; a node between gets room.

    `areas` are the nodes' rectangles on the canvas, plain ones unless given.
    """
    known = {n: (node.x, node.y, WIDTH, HEIGHT) for n, node in graph.nodes.items()}
    known.update(areas or {})
    edits: list[Edit] = [disconnect(*port) for port, read in changes.items() if read is None]
    shaped = {read.source: read for read in changes.values() if isinstance(read, Shaped)}
    edits += [as_parameter(graph, source, read.shape) for source, read in shaped.items()]
    for port, read in changes.items():
        if isinstance(read, Shaped):
            read = read.source
        if isinstance(read, Between):
            at, moved = place_between(graph, known, read.source, port[0])
            add, between = add_node(graph, read.row.name, options=read.options, at=at)
            if moved:
                edits.append(move(graph, moved))
            edits += [add, connect(read.source, between, read.row.inputs[0])]
            read = between
        if read is not None:
            edits.append(connect(read, *port))
    return batch(*edits)


def place_between(
    graph: Graph, areas: Mapping[str, Area], source: str, target: str
) -> tuple[tuple[float, float], Places]:
    """A free place for a node between two, and places of those that make room for it."""
    left, top, wide, high = areas[source]
    x = (left + wide + areas[target][0] - WIDTH) / 2
    y = (top + high / 2 + areas[target][1] + areas[target][3] / 2 - HEIGHT) / 2
    moved: Places = {}
    if areas[target][0] > left:
        x = max(x, left + wide + GAP)
        moved = make_room(graph, areas, (x, y, WIDTH, HEIGHT), target)
    taken = [(*moved.get(n, area[:2]), *area[2:]) for n, area in areas.items()]
    down = 0.0
    for step in range(40):
        down = (step + 1) // 2 * HEIGHT / 4 * (1 if step % 2 else -1)
        if not any(
            a[0] - GAP / 3 < x + WIDTH and x < a[0] + a[2] + GAP / 3
            and a[1] - GAP / 3 < y + down + HEIGHT and y + down < a[1] + a[3] + GAP / 3
            for a in taken
        ):  # fmt: skip
            break
    return (float(round(x / 4) * 4), float(round((y + down) / 4) * 4)), moved

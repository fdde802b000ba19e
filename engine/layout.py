"""Where nodes stand: layers from the topology, few crossings.

Layered drawing after Sugiyama, Tagawa and Toda (1981): longest-path layers, order within a layer by
barycentres swept down and up, then places pulled towards the neighbours' mean. Groups are laid out
from the inside out, each standing for what is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from itertools import pairwise

import networkx as nx

from engine.graph import Graph, id_number

Places = dict[str, tuple[float, float]]
PLAIN = WIDTH, HEIGHT = 128.0, 76.0  # of a plain node
ACROSS, DOWN = 80.0, 52.0  # between nodes
SWEEPS = 8
PORT = 1e-3  # less than a place in a layer, more than nothing


def arrange(
    graph: Graph,
    node_ids: Iterable[str] | None = None,
    sizes: Mapping[str, tuple[float, float]] | None = None,
    within: Mapping[str, str] | None = None,
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
) -> dict[str, tuple[float, float]]:
    """Places for nodes (all unless given), in scene units, the upper left at the first node's.

    `sizes` are widths and heights by id; others are taken for plain nodes. `within` says which group
    a node or a group belongs to: a group stands as one, with `margins` (left, top, right, bottom)
    around it, unless wires lead out of it and back into it.
    """
    chosen = set(graph.nodes if node_ids is None else node_ids)
    if not chosen:
        return {}
    known = dict(sizes or {})
    laid: dict[str, Places] = {}
    for group, structure in _levels(graph, chosen, dict(within or {})):
        places = laid[group] = _laid(structure, known)
        boxes = [(x, y, *known.get(n, (WIDTH, HEIGHT))) for n, (x, y) in places.items()]
        wide, tall = max(x + w for x, _, w, _ in boxes), max(y + h for _, y, _, h in boxes)
        known[group] = wide + margins[0] + margins[2], tall + margins[1] + margins[3]
    found: Places = {}
    corners = {"": (0.0, 0.0)}
    for group in reversed(laid):  # outer ones first
        left, top = corners[group]
        for unit, (x, y) in laid[group].items():
            if unit in laid:
                corners[unit] = left + x + margins[0], top + y + margins[1]
            else:
                found[unit] = left + x, top + y
    left = min(graph.nodes[n].x for n in chosen) - min(x for x, _ in found.values())
    top = min(graph.nodes[n].y for n in chosen) - min(y for _, y in found.values())
    return {n: (round(left + x), round(top + y)) for n, (x, y) in found.items()}


def free_ground(graph: Graph, read: Collection[str], places: Places) -> tuple[float, float]:
    """How far places of new nodes have to go to stand behind the nodes they read, or below all others,
    with nothing under them."""
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    wide = max(x for x, _ in places.values()) + WIDTH - left
    tall = max(y for _, y in places.values()) + HEIGHT - top
    nodes = list(graph.nodes.values())
    if not nodes:
        return -left, -top
    if not read:
        lowest = max(node.y for node in nodes)
        return min(node.x for node in nodes) - left, lowest + HEIGHT + DOWN - top
    x = max(graph.nodes[n].x for n in read) + WIDTH + ACROSS
    y = sum(graph.nodes[n].y for n in read) / len(read) + (HEIGHT - tall) / 2
    beside = sorted(n.y for n in nodes if x - ACROSS < n.x + WIDTH and n.x < x + wide + ACROSS)
    for under in beside:
        if y - DOWN < under + HEIGHT and under < y + tall + DOWN:
            y = under + HEIGHT + DOWN
    return round(x - left), round(y - top)


def _levels(
    graph: Graph, chosen: set[str], within: dict[str, str]
) -> list[tuple[str, nx.DiGraph[str]]]:
    """What is wired in each group, and in "" outside of all, groups standing for what is in them;
    inner groups come first. Groups that would feed themselves are no groups."""
    nodes = sorted(chosen, key=id_number)
    while True:
        ways = {node: _way(node, within) for node in nodes}
        levels: dict[str, nx.DiGraph[str]] = {}
        depths: dict[str, int] = {}
        for node in nodes:
            for depth, (group, unit) in enumerate(pairwise(ways[node])):
                levels.setdefault(group, nx.DiGraph()).add_node(unit)
                depths[group] = depth
        for node in nodes:
            for index, port in enumerate(graph.ports(node)):
                source = graph.links.get((node, port))
                if source not in chosen:
                    continue
                one, other = ways[source], ways[node]
                depth = next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
                structure = levels[one[depth - 1]]
                if not structure.has_edge(one[depth], other[depth]):
                    structure.add_edge(one[depth], other[depth], port=index)
        ring = next(
            (s for s in levels.values() if within and not nx.is_directed_acyclic_graph(s)), None
        )
        if ring is None:
            return sorted(levels.items(), key=lambda level: -depths[level[0]])
        torn = next(unit for edge in nx.find_cycle(ring) for unit in edge[:2] if unit in levels)
        outer = within.pop(torn, "")
        for key in [key for key, group in within.items() if group == torn]:
            within.pop(key)
            if outer:
                within[key] = outer


def _way(node: str, within: Mapping[str, str]) -> list[str]:
    """From "" by the groups that a node is in to the node."""
    way = [node]
    while way[-1] in within:
        way.append(within[way[-1]])
    return ["", *reversed(way)]


def _laid(structure: nx.DiGraph[str], known: Mapping[str, tuple[float, float]]) -> Places:
    """Places of what is wired, the upper left at 0, 0."""
    layers = _layers(structure)
    _reduce_crossings(structure, layers)
    tall = {n: known[n][1] if n in known else HEIGHT for n in structure}
    heights = _heights(structure, layers, tall)
    places: Places = {}
    x = 0.0
    for layer in layers:
        wide = max(known[n][0] if n in known else WIDTH for n in layer)
        for node in layer:
            own = known[node][0] if node in known else WIDTH
            places[node] = x + (wide - own) / 2, heights[node] - tall[node] / 2
        x += wide + ACROSS
    lowest = min(y for _, y in places.values())
    return {n: (x, y - lowest) for n, (x, y) in places.items()}


def _layers(structure: nx.DiGraph[str]) -> list[list[str]]:
    """Longest-path layers; a source stands just left of its first reader."""
    depth: dict[str, int] = {}
    order = list(nx.topological_sort(structure))
    for node in order:
        depth[node] = max((depth[p] + 1 for p in structure.predecessors(node)), default=0)
    for node in reversed(order):
        readers = [depth[s] for s in structure.successors(node)]
        if readers and structure.in_degree(node) == 0:
            depth[node] = min(readers) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in order:
        layers[depth[node]].append(node)
    return layers


def _reduce_crossings(structure: nx.DiGraph[str], layers: list[list[str]]) -> None:
    place: dict[str, float] = {}
    for layer in layers:
        _note_places(layer, place)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        means = partial(_mean, structure, down, place)
        for layer in layers if down else reversed(layers):
            layer.sort(key=means)
            _note_places(layer, place)


def _note_places(layer: list[str], place: dict[str, float]) -> None:
    for i, node in enumerate(layer):
        place[node] = i / max(len(layer) - 1, 1)


def _mean(structure: nx.DiGraph[str], down: bool, place: dict[str, float], node: str) -> float:
    """The mean place of a node's neighbours; of two that feed one node, the upper port's first."""
    if down:
        near = [place[n] for n in structure.predecessors(node)]
    else:
        out = structure.out_edges(node, data="port")
        near = [place[n] + PORT * index for _, n, index in out]
    return sum(near) / len(near) if near else place[node]


def _heights(
    structure: nx.DiGraph[str], layers: list[list[str]], tall: Mapping[str, float]
) -> dict[str, float]:
    """Heights of the nodes' middles, near the mean of the wired ones, neighbours in a layer DOWN apart."""
    offsets = {
        node: offset
        for layer in layers
        for node, offset in zip(layer, _offsets([tall[n] for n in layer]), strict=True)
    }
    heights = {n: offsets[n] - offsets[layer[-1]] / 2 for layer in layers for n in layer}
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = []
            for node in layer:
                near = [*structure.predecessors(node), *structure.successors(node)]
                wanted.append(sum(heights[n] for n in near) / len(near) if near else heights[node])
            spread = _spread(wanted, [offsets[n] for n in layer])
            for node, height in zip(layer, spread, strict=True):
                heights[node] = height
    return heights


def _offsets(tall: list[float]) -> list[float]:
    """The least distance of each middle from the first one's, nodes one below the other."""
    offsets = [0.0]
    for one, other in pairwise(tall):
        offsets.append(offsets[-1] + (one + other) / 2 + DOWN)
    return offsets


def _spread(wanted: list[float], offsets: list[float]) -> list[float]:
    """The heights nearest to those wanted (least squares), in order and apart as the offsets say.

    Pool-adjacent-violators on the heights less their offsets.
    """
    blocks: list[tuple[float, int]] = []
    for height, offset in zip(wanted, offsets, strict=True):
        total, count = height - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before, size = blocks.pop()
            total, count = total + before, count + size
        blocks.append((total, count))
    result: list[float] = []
    for total, count in blocks:
        for _ in range(count):
            result.append(total / count + offsets[len(result)])
    return result

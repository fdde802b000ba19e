"""A document as a drawing on paper: its nodes with name, formula and numbers, and arrows between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

import numpy as np

from engine.evaluate import Evaluation
from engine.graph import Graph
from engine.latex import latex_name
from engine.layout import ACROSS, Places, arrange
from engine.ops.row import Array
from engine.passing import read_at
from engine.teaching.mathml import plain
from engine.wording import formula_tree, latex_short

VALUE, GRADIENT, INK, LINE = "#007a59", "#c2410c", "#1b2230", "#8a94a6"
"""Colours on paper: of values, gradients, letters and lines."""
_FONT = 'font-family="Inter, Helvetica, Arial, sans-serif"'
_WIDE, _HIGH, _GAP = 150.0, 74.0, 14.0
_BETWEEN, _LONGEST = 34.0, 800.0  # between layers; the last one of a graph that goes across
_FINE = 3  # dots a pixel, for printers that turn the picture into dots
_MOST_ENTRIES, _MOST_LETTERS, _BESIDE = 6, 30, 12
_ASIDE = (0.0, *(sign * step for step in range(50, 800, 50) for sign in (1.0, -1.0)))
"""How far a wire is led aside when nodes stand in its way, the least first."""
Place = tuple[float, float]
Way = tuple[Place, Place, Place, Place]


def drawing(evaluation: Evaluation, told: Collection[tuple[str, str]] = ()) -> tuple[str, int, int]:
    """The document as an SVG picture, its width and its height in pixels.

    Inputs show their values, all other numbers are empty fields except those that are `told`: pairs of a
    node's id and "value" or "gradient".
    """
    graph = evaluation.graph
    nodes = [n for n in graph.order() if not graph.op(n).is_wire]
    places, down = _places(graph, nodes)
    ways = {
        (n, i): _way(places[source], places[n], (i + 1) / (count + 1), down, places)
        for n in nodes
        for i, count, source in _wires(graph, n)
    }
    corners = [(x + dx, y + dy) for x, y in places.values() for dx, dy in ((0, 0), (_WIDE, _HIGH))]
    drawn = np.array([*corners, *(p for way in ways.values() for p in _along(way))] or [(0.0, 0.0)])
    (left, top), (right, bottom) = drawn.min(axis=0) - _GAP, drawn.max(axis=0) + _GAP
    width, height = right - left, bottom - top
    parts = [_arrow(way, down) for way in ways.values()]
    parts += [_node(evaluation, n, *places[n], told) for n in nodes]
    box = f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}"
    size = f'width="{_FINE * width:.0f}" height="{_FINE * height:.0f}" viewBox="{box}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>{"".join(parts)}</svg>'
    return svg, round(width), round(height)


def _wires(graph: Graph, node_id: str) -> list[tuple[int, int, str]]:
    """The wires into a node from the top: place, how many, and where each comes from."""
    read = [read_at(graph, node_id, port) for port in graph.ports(node_id)]
    sources = [source for source in read if isinstance(source, str)]
    return [(i, len(sources), source) for i, source in enumerate(sources)]


def _places(graph: Graph, nodes: list[str]) -> tuple[Places, bool]:
    """Where nodes stand: in layers from the left to the right, of a long graph from the top down (True)."""
    across = _close(arrange(graph, nodes, dict.fromkeys(nodes, (_WIDE, _HIGH))), _WIDE)
    if max((x for x, _ in across.values()), default=0.0) <= _LONGEST:
        return across, False
    turned = _close(arrange(graph, nodes, dict.fromkeys(nodes, (_HIGH, _WIDE))), _HIGH)
    return {n: (y, x) for n, (x, y) in turned.items()}, True


def _close(places: Mapping[str, tuple[float, float]], size: float) -> Places:
    """Layers of nodes of one size, with less room between them than on the canvas."""
    nearer = (size + _BETWEEN) / (size + ACROSS)
    return {n: (x * nearer, y) for n, (x, y) in places.items()}


def _way(source: Place, target: Place, share: float, down: bool, places: Places) -> Way:
    """The curve of a wire, led around nodes that stand in its way."""
    others = [box for box in places.values() if box not in (source, target)]
    ways = [_curve(source, target, share, down, aside) for aside in _ASIDE]
    return next((way for way in ways if not _hits(way, others)), ways[0])


def _curve(source: Place, target: Place, share: float, down: bool, aside: float) -> Way:
    if down:
        x0, y0 = source[0] + _WIDE / 2, source[1] + _HIGH
        x1, y1 = target[0] + _WIDE * share, target[1]
        bend = max(16.0, (y1 - y0) / 2)
        return (x0, y0), (x0 + aside, y0 + bend), (x1 + aside, y1 - bend), (x1, y1)
    x0, y0 = source[0] + _WIDE, source[1] + _HIGH / 2
    x1, y1 = target[0], target[1] + _HIGH * share
    bend = max(16.0, (x1 - x0) / 2)
    return (x0, y0), (x0 + bend, y0 + aside), (x1 - bend, y1 + aside), (x1, y1)


def _along(way: Way) -> list[Place]:
    """Points on a curve (a cubic of Bézier)."""
    t = np.linspace(0.0, 1.0, 25)[:, None]
    a, b, c, d = (np.array(p) for p in way)
    points = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    return [(float(x), float(y)) for x, y in points]


def _hits(way: Way, boxes: Collection[Place]) -> bool:
    near = 6.0
    return any(
        left - near < x < left + _WIDE + near and top - near < y < top + _HIGH + near
        for x, y in _along(way)
        for left, top in boxes
    )


def _arrow(way: Way, down: bool) -> str:
    (x0, y0), (xa, ya), (xb, yb), (x1, y1) = way
    if down:
        end, tip = (x1, y1 - 7), ((x1, y1), (x1 - 4, y1 - 8), (x1 + 4, y1 - 8))
    else:
        end, tip = (x1 - 7, y1), ((x1, y1), (x1 - 8, y1 - 4), (x1 - 8, y1 + 4))
    curve = f"{xa:.1f} {ya:.1f} {xb:.1f} {yb:.1f} {end[0]:.1f} {end[1]:.1f}"
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in tip)
    return (
        f'<path d="M{x0:.1f} {y0:.1f} C{curve}" fill="none" stroke="{LINE}" stroke-width="1.4"/>'
        f'<polygon points="{points}" fill="{LINE}"/>'
    )


def _node(
    evaluation: Evaluation, node_id: str, x: float, y: float, told: Collection[tuple[str, str]]
) -> str:
    graph, telling = evaluation.graph, evaluation.steps.telling
    name, given = graph.name(node_id), graph.op(node_id).is_source
    title = plain(latex_name(name))
    if not given:
        title += f" = {plain(telling.latex(formula_tree(graph, node_id)))}"
    parts = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDE:.0f}" height="{_HIGH:.0f}" rx="8" fill="#ffffff" '
        f'stroke="{INK}" stroke-width="1.2"/>',
        _text(x + _WIDE / 2, y + 19, title, INK, 13, "middle"),
        f'<path d="M{x:.1f} {y + 28:.1f} H{x + _WIDE:.1f}" stroke="{LINE}" stroke-width="0.7"/>',
    ]
    rows = (("value", evaluation.values, VALUE), ("gradient", evaluation.gradients, GRADIENT))
    for i, (of, table, colour) in enumerate(rows):
        line = y + 44 + 20 * i
        label = _text(x + 9, line, of, colour, 10, "start")
        if (given and of == "value") or (node_id, of) in told:
            text = number_text(table, node_id)
            if len(text) > _MOST_LETTERS:
                text = "×".join(map(str, np.shape(table[node_id])))
            wide = len(text) > _BESIDE  # its colour says what it is
            room = _WIDE - 18 if wide else _WIDE - 66
            parts += [] if wide else [label]
            parts.append(_text(x + _WIDE - 9, line, text, colour, 12, "end", room))
            continue
        parts.append(label)
        parts.append(
            f'<path d="M{x + 66:.1f} {line + 2:.1f} H{x + _WIDE - 9:.1f}" stroke="{LINE}" '
            f'stroke-width="0.7" stroke-dasharray="2 2"/>'
        )
    return "".join(parts)


def _text(
    x: float, y: float, text: str, colour: str, size: int, anchor: str, room: float = _WIDE - 14
) -> str:
    """A text as large as there is room for."""
    size = min(size, max(6, int(room / (0.56 * max(1, len(text))))))
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def number_text(table: Mapping[str, Array], node_id: str) -> str:
    """A number, or the entries of a small tensor in brackets, its size of a large one."""
    if node_id not in table:
        return "–"
    value = np.asarray(table[node_id])
    if not value.ndim:
        return paper(f"{float(value):.4g}")
    if value.size > _MOST_ENTRIES or value.ndim > 2:
        return "×".join(map(str, value.shape))
    rows = value if value.ndim == 2 else value[None]
    inner = "; ".join(", ".join(paper(f"{v:.3g}") for v in row) for row in rows)
    return f"[{inner}]"


def paper(number: str) -> str:
    """A number as it is printed: a true minus, powers of ten written out."""
    return plain(latex_short(float(number))) if "e" in number else number.replace("-", "−")

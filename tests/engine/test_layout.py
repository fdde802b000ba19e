"""Layout: no overlaps, every wire from left to right, few crossings, large documents."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from engine import layout
from engine.compose import compose
from engine.graph import Graph
from engine.layout import arrange

WIDTH, HEIGHT = 168.0, 84.0  # a node as it is drawn, at most
COLUMN, ROW = layout.WIDTH + layout.ACROSS, layout.HEIGHT + layout.DOWN
Places = dict[str, tuple[float, float]]


def overlaps(places: Places) -> list[tuple[str, str]]:
    ordered = sorted(places.items(), key=lambda item: item[1])
    found = []
    for i, (a, (x, y)) in enumerate(ordered):
        for b, (u, v) in ordered[i + 1 :]:
            if u - x >= WIDTH:
                break
            if abs(v - y) < HEIGHT:
                found.append((a, b))
    return found


def backward_wires(graph: Graph, places: Places) -> list[tuple[str, str]]:
    return [
        (k.source, k.target)
        for k in graph.all_links()
        if places[k.source][0] + WIDTH > places[k.target][0]
    ]


def crossings(graph: Graph, places: Places) -> int:
    """Pairs of straight wires that cross, wires with a common end left out."""

    def side(p: Any, q: Any, r: Any) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    wires = sorted({(k.source, k.target) for k in graph.all_links()})
    count = 0
    for (a, b), (c, d) in combinations(wires, 2):
        if {a, b} & {c, d}:
            continue
        p, q, r, s = (places[n] for n in (a, b, c, d))
        count += side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0
    return count


@pytest.mark.parametrize(
    "program",
    ["t = x^2\nu1 = sin(t)\nu2 = 3*t\nu = u1 + u2\nJ = cos(u)", "cos(sin(x^2) + 3*x^2)",
     "mse(tanh(x @ W1 + b1) @ W2 + b2, t)", "a*b + b*c + c*a", "x"],
)  # fmt: skip
def test_small_graphs_have_no_crossing(program: str) -> None:
    graph = compose(program, default=1.0)
    places = arrange(graph)
    assert set(places) == set(graph.nodes)
    assert overlaps(places) == []
    assert backward_wires(graph, places) == []
    # a ring of three products has two in any drawing in layers
    assert crossings(graph, places) == (2 if program.startswith("a*b") else 0)


def test_random_graphs(grow_program: Callable[..., Any]) -> None:
    for seed in range(30):
        program = grow_program(seed, 30)
        graph = compose(program.text, program.inputs)
        places = {n: (node.x, node.y) for n, node in graph.nodes.items()}
        assert places == arrange(graph)  # laid out when composed, and settled
        assert overlaps(places) == []
        assert backward_wires(graph, places) == []


def test_fewer_crossings_than_in_the_order_of_the_text(grow_program: Callable[..., Any]) -> None:
    arranged = plain = 0
    for seed in range(10):
        program = grow_program(seed, 20)
        graph = compose(program.text, program.inputs)
        places = arrange(graph)
        columns: dict[float, int] = {}
        naive = {}
        for node in graph.nodes:
            x = places[node][0]
            naive[node] = (x, columns.get(x, 0) * ROW)
            columns[x] = columns.get(x, 0) + 1
        arranged += crossings(graph, places)
        plain += crossings(graph, naive)
    assert arranged < 0.8 * plain


def test_the_first_place_is_kept_and_others_are_left_alone() -> None:
    graph = compose("a = x^2\nb = sin(a)", {"x": 1.0})
    chosen = [graph.id_of("a"), graph.id_of("b")]
    left, top = graph.nodes[chosen[0]].x, min(graph.nodes[n].y for n in chosen)
    places = arrange(graph, chosen)
    assert set(places) == set(chosen)
    assert places[chosen[0]][0] == left
    assert min(y for _, y in places.values()) == top
    assert arrange(graph, []) == {}


def test_two_thousand_nodes(record_property: Callable[[str, object], None]) -> None:
    rng = np.random.default_rng(0)
    lines = ["u0 = x"] + [
        f"u{i} = u{int(rng.integers(max(0, i - 60), i))} + sin(u{i - 1})" if i > 1 else "u1 = x * 2"
        for i in range(1, 1000)
    ]
    graph = compose("\n".join(lines), {"x": 1.0})
    start = time.perf_counter()
    places = arrange(graph)
    record_property("seconds", time.perf_counter() - start)
    assert len(places) > 1900
    assert overlaps(places) == []
    assert backward_wires(graph, places) == []


def test_wrong_layouts_are_noticed() -> None:
    """The planted defects: a column too narrow, a row too low, a wire that runs backwards."""
    graph = compose("t = x^2\nu1 = sin(t)\nu2 = 3*t\nJ = u1 + u2", {"x": 1.0})
    places = arrange(graph)
    assert overlaps({n: (x, y * HEIGHT / ROW / 2) for n, (x, y) in places.items()})
    assert backward_wires(graph, {n: (x * WIDTH / COLUMN / 2, y) for n, (x, y) in places.items()})
    assert backward_wires(graph, {n: (-x, y) for n, (x, y) in places.items()})
    crossed = compose("c = sin(a) + d\nd2 = cos(b) + e", default=1.0)
    tangled = {n: (x, y * (-1) ** i) for i, (n, (x, y)) in enumerate(arrange(crossed).items())}
    assert crossings(crossed, arrange(crossed)) == 0
    assert crossings(crossed, tangled) > 0


def test_large_nodes_are_given_their_room() -> None:
    """Sizes as they are drawn: nothing overlaps, and no wire runs to the left."""
    graph = compose("; ".join(f"v{i} = sin(x + {i})" for i in range(8)) + "; J = " + " + ".join(
        f"v{i}" for i in range(8)), {"x": 1.0})  # fmt: skip
    sizes = {n: (128.0 + 40 * (i % 3), 76.0 + 60 * (i % 4)) for i, n in enumerate(graph.nodes)}
    places = arrange(graph, None, sizes)
    boxes = [(*places[n], *sizes[n]) for n in graph.nodes]
    for (x, y, w, h), (u, v, a, b) in combinations(boxes, 2):
        assert x + w <= u or u + a <= x or y + h <= v or v + b <= y
    assert all(
        places[k.source][0] + sizes[k.source][0] < places[k.target][0] for k in graph.all_links()
    )
    plain = arrange(graph)
    crowded = [(*plain[n], *sizes[n]) for n in graph.nodes]
    assert any(
        x < u + a and u < x + w and y < v + b and v < y + h
        for (x, y, w, h), (u, v, a, b) in combinations(crowded, 2)
    )

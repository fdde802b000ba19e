"""Lining up, spreading and making room, on plain numbers."""

from __future__ import annotations

import pytest

from engine.aligning import GAP, SIDES, align, distribute, make_room
from engine.compose import compose

AREAS = {"a": (0.0, 0.0, 10.0, 10.0), "b": (50.0, 5.0, 20.0, 40.0), "c": (40.0, 90.0, 30.0, 10.0)}


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("left", [0, 0, 0]), ("right", [60, 50, 40]), ("centred", [30, 25, 20]),
        ("top", [0, 0, 0]), ("bottom", [90, 60, 90]), ("level", [45, 30, 45]),
    ],
)  # fmt: skip
def test_sides(side: str, expected: list[float]) -> None:
    axis = SIDES.index(side) // 3
    places = align(AREAS, side)
    assert [places[k][axis] for k in "abc"] == expected
    assert all(places[k][1 - axis] == AREAS[k][1 - axis] for k in "abc")


def test_spreading_leaves_equal_gaps_and_the_outermost() -> None:
    places = distribute(AREAS, 1)
    assert [places[k] for k in "abc"] == [(0, 0), (50, 30), (40, 90)]
    gaps = [places["b"][1] - 10, places["c"][1] - places["b"][1] - 40]
    assert gaps == [20, 20]


def test_room_is_made_to_the_right_and_only_there() -> None:
    graph = compose("a = sin(x); b = cos(a); c = exp(b); d = exp(x)", {"x": 1.0})
    ids = {n.name: n.id for n in graph.nodes.values()}
    areas = {ids[k]: (200.0 * i, 0.0, 128.0, 76.0) for i, k in enumerate(("x", "a", "b", "c"))}
    areas[ids["d"]] = (900.0, 300.0, 128.0, 76.0)
    new = (200.0, 0.0, 128.0, 76.0)
    places = make_room(graph, areas, new, ids["a"])
    needed = 128 + GAP
    assert places == {ids[k]: (200.0 * i + needed, 0.0) for i, k in ((1, "a"), (2, "b"), (3, "c"))}
    assert make_room(graph, areas, (30.0, 0.0, 128.0, 76.0), ids["a"])[ids["c"]] == (606.0, 0.0)
    assert make_room(graph, areas, (20.0, 0.0, 128.0, 76.0), ids["a"]) == {}
    assert make_room(graph, areas, (900.0, 0.0, 100.0, 76.0), ids["a"]) == {}  # far behind it

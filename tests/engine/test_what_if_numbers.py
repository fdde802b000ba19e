"""A number tried out: what moves, how fast, and which number moves the output most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine import examples, inside
from engine.compose import compose
from engine.edits import (
    Edit,
    add_node,
    batch,
    connect,
    insert,
    set_setting,
    set_tensor,
    subgraph,
)
from engine.evaluate import Evaluation, evaluate
from engine.flatten import expand
from engine.graph import Graph, GraphError
from engine.inside import Inside, Place
from engine.modules import make_module
from engine.train import data
from engine.what_if import (
    Along,
    Handle,
    changed,
    handle_of,
    is_whole,
    number,
    predicted,
    sensitivities,
    span_of,
    step_at,
)
from tests.shipped import FEW

pytestmark = pytest.mark.filterwarnings("error")


def along(graph: Graph, found: Evaluation, handle: Handle, place: Place = ()) -> Along:
    shown = inside.shown_graph(graph, place, inside.look(found, place))
    edit: Edit = changed(shown, handle, number(shown, handle) + 1.0)
    if place:
        edit = Inside(place, edit)
    moved = graph.copy()
    edit.apply(moved)
    return Along(found, expand(moved, found.feeds), 1.0, graph.nodes)


def output_with(graph: Graph, edit: Edit, feeds: Any = None) -> float:
    moved = graph.copy()
    edit.apply(moved)
    found = evaluate(moved, feeds)
    return float(found.values[found.output])


def slope(graph: Graph, handle: Handle, place: Place = (), feeds: Any = None) -> float:
    """Central differences of the output, by edits of the document."""
    found = evaluate(graph, feeds)
    shown = inside.shown_graph(graph, place, inside.look(found, place))
    here, h = number(shown, handle), 1e-6

    def at(value: float) -> float:
        edit = changed(shown, handle, value)
        return output_with(graph, Inside(place, edit) if place else edit, feeds)

    return (at(here + h) - at(here - h)) / (2 * h)


def test_the_worked_example() -> None:
    graph = compose("J = cos(sin(x^2) + 3*x^2)", {"x": 1.0})
    found = evaluate(graph)
    x = handle_of(graph, found, graph.id_of("x"))
    line = along(graph, found, x)
    value, rate = line.at(0.0)
    assert (value, rate) == pytest.approx((-0.764920562804486, 4.560791790678780), rel=1e-14)
    there = math.cos(math.sin(1.44) + 3 * 1.44)
    assert line.at(0.2)[0] == pytest.approx(there, rel=1e-12)
    said = predicted(found.values, line, 0.2)
    assert float(said[graph.output()]) == pytest.approx(value + 0.2 * rate, rel=1e-12)
    rows = sensitivities(graph, found)
    assert rows[0].handle == x
    three = next(r for r in rows if number(graph, r.handle) == 3.0)
    # dJ/d3 = -sin(u) x^2
    assert three.gradient == pytest.approx(-math.sin(math.sin(1.0) + 3.0), rel=1e-13)
    assert three.percent == pytest.approx(0.03 * three.gradient)
    assert three.elasticity(value) == pytest.approx(3 * three.gradient / value)


PROGRAMS: dict[str, dict[str, Any]] = {
    "h = tanh(x @ w + 0.3)\nJ = mean(softmax(2 * h, axis=1)[0] ^ 2)": {
        "x": np.linspace(-1, 1, 6).reshape(2, 3), "w": np.linspace(-0.5, 0.9, 12).reshape(3, 4),
    },
    "a = x * y\nb = a + sin(1.5 * x)\nJ = log(2 + b^2) / y": {"x": 0.7, "y": -1.3},
    "J = sum(exp(-0.5 * v^2)) + max(v) * 0.1": {"v": np.array([0.2, -1.0, 0.9])},
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_number_against_differences(program: str) -> None:
    """Forward mode, the ranked gradient and differences of edited documents agree; so does the line
    of the output, point by point."""
    graph = compose(program, PROGRAMS[program])
    found = evaluate(graph)
    rows = sensitivities(graph, found)
    assert len(rows) >= 3
    sizes = [abs(r.gradient) for r in rows]
    known = [s for s in sizes if not math.isnan(s)]
    assert sizes[: len(known)] == sorted(known, reverse=True)
    for row in rows:
        measured = slope(graph, row.handle)
        line = along(graph, found, row.handle)
        if math.isnan(measured):  # the exponent of a negative number
            assert math.isnan(row.gradient) and math.isnan(line.at(0.0)[1])
            continue
        assert line.at(0.0)[1] == pytest.approx(measured, rel=1e-6, abs=1e-8)
        assert row.steepest == pytest.approx(measured, rel=1e-6, abs=1e-8)
        here = number(graph, row.handle)
        for offset in (-0.05, 0.08):
            there = output_with(graph, changed(graph, row.handle, here + offset))
            assert line.at(offset)[0] == pytest.approx(there, rel=1e-10)
    for name, value in PROGRAMS[program].items():
        row = next(r for r in rows if r.handle.node == graph.id_of(name))
        grown = output_with(graph, set_tensor(graph.id_of(name), np.asarray(value) * (1 + 1e-6)))
        before = float(found.values[found.output])
        assert row.percent * 1e-4 == pytest.approx(grown - before, rel=1e-3, abs=1e-12)
        gradient = found.gradients[graph.id_of(name)]
        assert abs(row.gradient) == pytest.approx(float(np.sqrt(np.sum(gradient**2))))
        assert abs(row.steepest) == np.max(np.abs(gradient))


def test_tangents_of_every_node() -> None:
    graph = compose("t = x^2\nu = sin(t) * c\nJ = sum(u)", {"x": 0.5, "c": np.array([1.0, 2.0])})
    found = evaluate(graph)
    line = along(graph, found, Handle(graph.id_of("x")))
    rate = math.cos(0.25)
    np.testing.assert_allclose(line.tangents[graph.id_of("t")], 1.0)
    np.testing.assert_allclose(line.tangents[graph.id_of("u")], [rate, 2 * rate], 1e-14)
    assert graph.id_of("c") not in line.tangents


def test_inside_a_module_all_instances_follow() -> None:
    graph = compose("p = x * 2\nq = y * 2\nh = tanh(1.5 * p)\nJ = h", {"x": 0.4, "y": 0.2})
    inner = [graph.id_of("h"), *(n for n in graph.nodes if 1.5 in graph.nodes[n].literals.values())]
    edit, node_id = make_module(graph, inner, "block")
    edit.apply(graph)
    copied, ids = insert(graph, subgraph(graph, [node_id]), (0, 200), same=True)
    copied.apply(graph)
    second = ids[node_id]
    port = graph.ports(second)[0]
    total, total_id = add_node(graph, "mul")
    batch(
        total, connect(graph.id_of("q"), second, port),
        connect(node_id, total_id, "a"), connect(second, total_id, "b"),
    ).apply(graph)  # fmt: skip
    set_setting("output", total_id).apply(graph)
    found = evaluate(graph)
    expected = math.tanh(1.5 * 0.8) * math.tanh(1.5 * 0.4)
    assert float(found.values[total_id]) == pytest.approx(expected)
    place = (node_id,)
    view = inside.look(found, place)
    shown = inside.shown_graph(graph, place, view)
    row = next(r for r in sensitivities(shown, view) if r.handle.port)
    assert number(shown, row.handle) == 1.5
    h = 1e-6
    product = [math.tanh((1.5 + d) * 0.8) * math.tanh((1.5 + d) * 0.4) for d in (h, -h)]
    measured = (product[0] - product[1]) / (2 * h)
    assert row.gradient == pytest.approx(measured, rel=1e-8)
    line = along(graph, found, row.handle, place)
    assert line.at(0.0)[1] == pytest.approx(measured, rel=1e-8)
    assert line.at(0.1)[0] == pytest.approx(math.tanh(1.6 * 0.8) * math.tanh(1.6 * 0.4), rel=1e-12)


@pytest.mark.parametrize("name", FEW)
def test_the_shipped_examples(name: str) -> None:
    graph = examples.load(name)
    feeds = data.feeds(graph, None)
    found = evaluate(graph, feeds)
    rows = sensitivities(graph, found)
    assert rows
    row = rows[0]
    line = along(graph, found, row.handle)
    value, rate = line.at(0.0)
    assert value == pytest.approx(float(found.values[found.output]), rel=1e-5)
    assert rate == pytest.approx(row.steepest, rel=1e-4)
    assert line.at(0.05)[0] != value or rate == 0


# ---------------------------------------------------------------- what cannot be moved


def test_only_numbers_that_are_held_can_be_moved() -> None:
    graph = compose("J = sum(sin(x)) + sum(k * x)", {"x": np.ones((2, 2)), "k": 3.0})
    found = evaluate(graph)
    x = graph.id_of("x")
    assert handle_of(graph, found, graph.output()) is None
    with pytest.raises(GraphError, match="no longer"):
        changed(graph, Handle(x, "", (2, 0)), 1.0)
    with pytest.raises(GraphError, match="no longer"):
        changed(graph, Handle("n99"), 1.0)
    before = graph.tensors[x]
    changed(graph, Handle(x, "", (1, 0)), 5.0).apply(graph)
    np.testing.assert_array_equal(graph.tensors[x], [[1, 1], [5, 1]])
    np.testing.assert_array_equal(before, np.ones((2, 2)))


def test_whole_numbers_stay_whole_and_carry_no_tangent() -> None:
    graph = compose("J = softmax_cross_entropy(z, k)", {"z": np.array([0.1, 0.9, 0.3]), "k": 1.0})
    set_tensor(graph.id_of("k"), np.array(1)).apply(graph)
    found = evaluate(graph)
    handle = Handle(graph.id_of("k"))
    assert is_whole(graph, handle)
    changed(graph, handle, 1.6).apply(graph)
    assert graph.tensors[handle.node].dtype.kind == "i" and int(graph.tensors[handle.node]) == 2
    assert all(r.handle.node != handle.node for r in sensitivities(graph, found))


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (1.0, 0.1),
        (0.5, 0.01),
        (-35.0, 1.0),
        (0.0, 0.1),
        (1000.0, 100.0),
        (0.001, 1e-4),
        (9.99, 0.1),
    ],
)
def test_steps_follow_the_magnitude(value: float, step: float) -> None:
    assert step_at(value) == pytest.approx(step)
    assert step_at(value, whole=True) == 1.0


def test_without_an_output_nothing_is_ranked_and_nodes_still_follow() -> None:
    graph = compose("y = sin(x)", {"x": np.ones(3)})
    found = evaluate(graph)
    assert sensitivities(graph, found) == []
    line = along(graph, found, Handle(graph.id_of("x"), "", (1,)))
    np.testing.assert_allclose(line.tangents[graph.id_of("y")], [0, math.cos(1.0), 0], 1e-14)
    assert math.isnan(line.at(0.1)[0])
    assert sensitivities(Graph(), evaluate(Graph())) == []


def test_a_document_that_changes_in_more_than_numbers_is_not_followed() -> None:
    graph = compose("J = sum(x * 2)", {"x": np.ones(3)})
    other = compose("J = sum(x * 2)", {"x": np.ones(4)})
    with pytest.raises(ValueError, match="shapes"):
        Along(evaluate(graph), expand(other), 1.0)


def test_the_evaluation_is_left_alone() -> None:
    graph = compose("J = sin(x) * 2", {"x": 1.0})
    found = evaluate(graph)
    before = dict(found.expansion.nodes)
    along(graph, found, Handle(graph.id_of("x"))).at(3.0)
    assert found.expansion.nodes == before
    assert float(found.values[found.output]) == pytest.approx(2 * math.sin(1.0))


def test_a_wrong_direction_is_noticed() -> None:
    """A planted defect: the span forgotten."""
    graph = compose("J = sin(x) * 2", {"x": 1.0})
    found = evaluate(graph)
    moved = graph.copy()
    changed(moved, Handle(graph.id_of("x")), 1.5).apply(moved)
    right = Along(found, expand(moved), 0.5).at(0.0)[1]
    wrong = Along(found, expand(moved), 1.0).at(0.0)[1]
    assert right == pytest.approx(2 * math.cos(1.0)) and wrong == pytest.approx(math.cos(1.0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("x", [0.0, 0.3, 1.0, -5000.123, 1e8, 1e17, -1e30, 3.3e38])
def test_a_number_of_any_size_has_its_slope(x: float, dtype: str) -> None:
    graph = compose("J = 3 * x + sum(w)", {"x": x, "w": [x, 1.0]})
    graph.put("settings", "dtype", dtype)
    w = str(graph.id_of("w"))
    for handle, slope in ((Handle("n1"), 3.0), (Handle(w, "", (0,)), 1.0)):
        span = span_of(x)
        moved = graph.copy()
        changed(graph, handle, x + span).apply(moved)
        along = Along(evaluate(graph), expand(moved), span)
        assert along.at(0.0)[1] == pytest.approx(slope, 1e-6)


def test_the_largest_number_and_whole_ones_stay_within_their_kind() -> None:
    assert math.isfinite(-1.7e308 + span_of(-1.7e308))
    graph = compose("J = gather(x, i)", {"x": [1.0, 2.0], "i": np.array([255], np.uint8)})
    handle = Handle(str(graph.id_of("i")), "", (0,))
    assert span_of(255.0, whole=True) == -1.0
    changed(graph, handle, 256.0).apply(graph)
    assert number(graph, handle) == 255.0
    with pytest.raises(GraphError):
        changed(graph, handle, math.inf)

"""Modules: instances of a definition, their parameters by path, ties, and what can be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import edits
from engine.check import check_graph
from engine.compose import compose
from engine.evaluate import evaluate
from engine.flatten import expand
from engine.graph import Graph, GraphError
from engine.train.session import Training


def parameter(graph: Graph, name: str, shape: tuple, init: str = "xavier") -> None:
    node = graph.nodes[str(graph.id_of(name))]
    options = {"shape": shape, "init": init, "trainable": True}
    graph.put("tensors", node.id, None)
    graph.put("nodes", node.id, replace(node, op="parameter", options=options))


def dense() -> Graph:
    """`tanh(x @ W + b)` with as many units as the size says."""
    graph = compose("a = x @ W + b\ny = tanh(a)", {"x": [[1.0, 2.0]], "W": [[1.0]], "b": 0.0})
    parameter(graph, "W", ("x[-1]", "units"))
    parameter(graph, "b", ("units",), "zeros")
    graph.put("settings", "sizes", {"units": 3})
    return graph


def document(program: str = "s = sum(x^2)") -> Graph:
    graph = compose(program, {"x": [[0.5, -1.0], [0.25, 2.0]]})
    graph.put("modules", "Dense", dense())
    return graph


def add(graph: Graph, name: str, source: str, **options: object) -> str:
    edit, node_id = edits.add_node(graph, "Dense", name, options)
    edit.apply(graph)
    edits.connect(str(graph.id_of(source)), node_id, "x").apply(graph)
    return node_id


def total(graph: Graph, source: str) -> str:
    edit, node_id = edits.add_node(graph, "sum", "total")
    edit.apply(graph)
    edits.connect(source, node_id, "x").apply(graph)
    graph.put("settings", "output", node_id)
    return node_id


def test_an_instance_is_its_definition_at_its_place() -> None:
    graph = document()
    first = add(graph, "first", "x", units=4)
    second = add(graph, "second", "first", units=5)
    total(graph, second)
    found = evaluate(graph)
    assert found.faults == {}
    w1, w2 = found.values[f"{first}.n2"], found.values[f"{second}.n2"]
    assert w1.shape == (2, 4)
    assert w2.shape == (4, 5)
    x = graph.tensors[str(graph.id_of("x"))]
    np.testing.assert_allclose(found.values[second], np.tanh(np.tanh(x @ w1) @ w2), rtol=1e-14)
    assert found.gradients[f"{first}.n2"].shape == (2, 4)
    assert max(check_graph(graph).values()) < 1e-6
    assert f"{first}.n2" in check_graph(graph)


def test_lines_of_a_module_are_told_by_name() -> None:
    graph = document()
    total(graph, add(graph, "first", "x"))
    lines = [step.text for step in evaluate(graph).steps]
    assert "first.a = " in " ".join(lines)
    assert any(line.startswith("first = tanh(first.a)") for line in lines)
    assert any(line.startswith("dtotal/dfirst.W += ") for line in lines)


def test_two_instances_start_apart_and_a_tied_one_is_the_same() -> None:
    graph = document()
    first = add(graph, "first", "x", units=2)
    second = add(graph, "second", "first", units=2)
    total(graph, second)
    apart = evaluate(graph)
    assert not np.array_equal(apart.values[f"{first}.n2"], apart.values[f"{second}.n2"])
    edits.set_options(graph, second, {"tied": first}).apply(graph)
    tied = evaluate(graph)
    w, x = tied.values[f"{first}.n2"], graph.tensors[str(graph.id_of("x"))]
    assert f"{second}.n2" not in tied.values
    np.testing.assert_allclose(tied.values[second], np.tanh(np.tanh(x @ w) @ w), rtol=1e-14)
    assert max(check_graph(graph).values()) < 1e-6  # both uses reach the one gradient
    np.testing.assert_array_equal(w, apart.values[f"{first}.n2"])


def test_adding_a_node_changes_no_start() -> None:
    graph = document()
    first = add(graph, "first", "x")
    before = evaluate(graph).values[f"{first}.n2"]
    add(graph, "second", "first")
    np.testing.assert_array_equal(evaluate(graph).values[f"{first}.n2"], before)


def test_what_does_not_fit_is_told() -> None:
    graph = document()
    first = add(graph, "first", "x")
    add(graph, "second", "first")
    given = graph.modules["Dense"].copy()
    w = given.nodes["n2"]
    given.put("nodes", "n2", replace(w, options={**w.options, "init": "given"}))
    graph.put("modules", "Dense", given)
    graph.put("tensors", f"{first}.n2", np.zeros((7, 3)))
    found = evaluate(graph)
    assert (
        "W: its value is 7×3 and its place needs 2×3; choose Reinitialise parameters"
        in found.faults[first]
    )
    assert graph.id_of("second") in found.waiting
    edits.set_options(graph, first, {"tied": "n99"}).apply(graph)
    assert "untie it" in evaluate(graph).faults[first]
    edits.set_options(graph, first, {"tied": first}).apply(graph)
    assert "circle" in evaluate(graph).faults[first]


def test_an_input_without_the_axis_that_a_size_is_read_off_is_told() -> None:
    graph = document()
    first = add(graph, "first", "x")
    graph.put("tensors", str(graph.id_of("x")), np.array(2.0))
    assert "x has to be a vector or a matrix, not a number" in evaluate(graph).faults[first]


def test_a_start_that_can_be_drawn_is_drawn_anew_where_its_size_changes() -> None:
    graph = document()
    first = add(graph, "first", "x")
    drawn = evaluate(graph).values[f"{first}.n2"]
    graph.put("tensors", f"{first}.n2", np.ones((2, 3)))
    edits.set_options(graph, first, {"units": 4}).apply(graph)
    found = evaluate(graph)
    assert found.faults == {} and found.values[f"{first}.n2"].shape == (2, 4)
    edits.set_options(graph, first, {"units": 3}).apply(graph)
    assert (evaluate(graph).values[f"{first}.n2"] == 1).all()  # what was stored is not lost
    graph.put("tensors", f"{first}.n2", None)
    np.testing.assert_array_equal(evaluate(graph).values[f"{first}.n2"], drawn)


def test_a_tied_instance_has_the_sizes_of_the_one_it_is_tied_to() -> None:
    graph = document()
    second = add(graph, "second", "x", units=7)  # walked before the one it is tied to
    first = add(graph, "first", "x", units=2)
    edits.set_options(graph, second, {"tied": first}).apply(graph)
    found = evaluate(graph)
    np.testing.assert_array_equal(found.values[second], found.values[first])
    assert found.values[second].shape == (2, 2)


def test_values_inside_can_be_read() -> None:
    graph = document()
    first = add(graph, "first", "x")
    edit, node_id = edits.add_node(graph, "output_of", "inner", {"output": "a"})
    edit.apply(graph)
    edits.connect(first, node_id, "module").apply(graph)
    total(graph, node_id)
    found = evaluate(graph)
    np.testing.assert_allclose(np.tanh(found.values[node_id]), found.values[first], rtol=1e-15)
    assert max(check_graph(graph).values()) < 1e-6
    edits.set_options(graph, node_id, {"output": "nothing"}).apply(graph)
    assert "choose x, W, v1, b" in evaluate(graph).faults[node_id]
    edits.connect(str(graph.id_of("x")), node_id, "module").apply(graph)
    assert "wire a module to it" in evaluate(graph).faults[node_id]


def test_modules_nest() -> None:
    outer = Graph()
    outer.put("modules", "Dense", dense())
    edits.add_node(outer, "input", "h", value=[[1.0, 1.0]])[0].apply(outer)
    add(outer, "one", "h", units=4)
    add(outer, "two", "one", units=2)
    graph = document()
    graph.put("modules", "Pair", outer)
    edit, pair = edits.add_node(graph, "Pair", "pair")
    edit.apply(graph)
    edits.connect(str(graph.id_of("x")), pair, "h").apply(graph)
    total(graph, pair)
    found = evaluate(graph)
    assert found.faults == {}
    assert found.values[f"{pair}.n2.n2"].shape == (2, 4)
    assert found.values[f"{pair}.n3.n2"].shape == (4, 2)
    assert max(check_graph(graph).values()) < 1e-6


def test_training_moves_parameters_inside_modules() -> None:
    graph = document()
    first = add(graph, "first", "x", units=2)
    total(graph, add(graph, "second", "first", units=1, tied=""))
    training = Training(graph)
    start = training.run(1)
    assert training.run(20) < start
    moved = training.parameters()
    assert {key.partition(".")[0] for key in moved} == {first, str(graph.id_of("second"))}
    edits.set_tensors(moved).apply(graph)
    assert evaluate(graph).values[str(graph.output())] < start
    again, other = Training(graph, seed=5), Training(graph, seed=6)
    key = f"{first}.n2"
    assert not np.array_equal(again.parameters()[key], other.parameters()[key])


def test_a_definition_is_checked_when_it_is_put() -> None:
    graph = document()
    with pytest.raises(GraphError, match="computes nothing"):
        graph.put("modules", "Empty", Graph())
    with pytest.raises(GraphError, match="the name sin is taken"):
        graph.put("modules", "sin", dense())
    first = add(graph, "first", "x")
    with pytest.raises(GraphError, match="first is a Dense; remove or unpack it first"):
        graph.put("modules", "Dense", None)
    with pytest.raises(GraphError, match="a wire at port x, which Dense would no longer have"):
        other = compose("y = z^2", {"z": 1.0})
        other.put("settings", "sizes", {"units": 3})
        graph.put("modules", "Dense", other)
    with pytest.raises(GraphError, match="Dense has no option 'units'"):
        graph.put("modules", "Dense", compose("y = x^2", {"x": 1.0}))
    assert graph.op(first).inputs == ("x",)


def test_copies_bring_their_modules_and_values_along() -> None:
    graph = document()
    first = add(graph, "first", "x", units=2)
    second = add(graph, "second", "first", units=2, tied=first)
    graph.put("tensors", f"{first}.n2", np.eye(2))
    part = edits.subgraph(graph, [first, second])
    other = Graph()
    edit, ids = edits.insert(other, part)
    edit.apply(other)
    assert other.nodes[ids[second]].options["tied"] == ids[first]
    np.testing.assert_array_equal(other.tensors[f"{ids[first]}.n2"], np.eye(2))
    changed = dense()
    changed.put("settings", "sizes", {"units": 9})
    third = Graph()
    third.put("modules", "Dense", changed)
    edit, ids = edits.insert(third, part)
    edit.apply(third)
    assert third.nodes[ids[first]].op == "Dense_2"
    assert set(third.modules) == {"Dense", "Dense_2"}
    edits.remove_nodes(other, list(ids.values())[:1]).apply(other)
    assert (
        not [k for k in other.tensors if k.startswith(f"{ids[first]}.")]
        or ids[first] in other.nodes
    )


def test_expansion_of_a_module_equals_the_nodes_written_out() -> None:
    graph = document()
    first = add(graph, "first", "x", units=2)
    graph.put("tensors", f"{first}.n2", np.array([[1.0, 2.0], [3.0, 4.0]]))
    flat = compose("tanh(x @ W + b)", {
        "x": graph.tensors[str(graph.id_of("x"))], "W": [[1.0, 2.0], [3.0, 4.0]], "b": [0.0, 0.0],
    })  # fmt: skip
    np.testing.assert_array_equal(
        evaluate(graph).values[first], evaluate(flat).values[str(flat.output())]
    )
    assert expand(graph).results[first] == f"{first}.n6"

"""Modules looked into: the numbers of an instance, and edits inside that are edits of the document."""

from __future__ import annotations

import numpy as np
import pytest

from engine import edits, examples, files, inside
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph, GraphError
from engine.inside import Inside, look
from engine.modules import add_module, make_module
from engine.unpacking import unpack_module

X = np.array([[0.5, -1.0, 0.2], [1.0, 0.3, -0.4]])


def document(*modules: str) -> tuple[Graph, list[str]]:
    """x through the modules one after the other, then a sum of squares; the instances' ids."""
    graph = Graph()
    edit, last = edits.add_node(graph, "input", "x", value=X)
    edit.apply(graph)
    made = []
    for name in modules:
        edit, node = add_module(graph, name, examples.modules()[name])
        edit.apply(graph)
        edits.connect(last, node, graph.op(node).inputs[0]).apply(graph)
        made.append(node)
        last = node
    for op in ("square", "sum"):
        edit, node = edits.add_node(graph, op)
        edit.apply(graph)
        edits.connect(last, node, graph.op(node).inputs[0]).apply(graph)
        last = node
    return graph, made


def within(graph: Graph, *place: str) -> tuple[Evaluation, Graph]:
    whole = evaluate(graph)
    seen = look(whole, place)
    return seen, inside.shown_graph(graph, place, seen)


def do(graph: Graph, place: tuple[str, ...], edit: edits.Edit) -> edits.Edit:
    return Inside(place, edit).apply(graph)


def test_values_gradients_and_steps_are_the_instances() -> None:
    graph, (dense,) = document("Dense")
    whole = evaluate(graph)
    seen, definition = within(graph, dense)
    at = {definition.name(n): n for n in definition.nodes}
    np.testing.assert_array_equal(seen.values[at["x"]], X)
    weights = whole.values[f"{dense}.{at['W']}"]
    np.testing.assert_array_equal(seen.values[at["W"]], weights)
    np.testing.assert_array_equal(definition.tensors[at["W"]], weights)
    np.testing.assert_array_equal(seen.values[at["y"]], whole.values[dense])
    np.testing.assert_array_equal(seen.gradients[at["y"]], whole.gradients[dense])
    assert seen.faults == {} and seen.waiting == frozenset()
    assert seen.shape_text(at["y"]) == "2×8"
    lines = [step.text for step in seen.steps]
    assert lines[:2] == ["a = x @ W", "y = a + b"]
    assert [s.number for s in seen.steps] == list(range(1, len(lines) + 1))
    assert any(line.startswith("dv2/dW += ") for line in lines)
    assert not any("dense" in line for line in lines)
    end = len(lines)
    for name in ("W", "b", "a", "y", "x"):
        gradient = seen.shown_gradient(at[name], end)
        np.testing.assert_array_equal(gradient, seen.gradients[at[name]])
        assert seen.shown_gradient(at[name], 0) is None
        assert seen.node_of(seen.step_of(at[name])) == at[name]
    assert isinstance(seen, inside.View)
    assert [seen.inward(seen.outward(c)) for c in range(end + 1)] == list(range(end + 1))


def test_a_module_in_a_module() -> None:
    graph, (mlp,) = document("MLP")
    seen, outer = within(graph, mlp)
    first = str(outer.id_of("first"))
    deeper, definition = within(graph, mlp, first)
    out = str(definition.output())
    np.testing.assert_array_equal(deeper.values[out], seen.values[first])
    assert seen.shown_gradient(first, len(seen.steps)) is not None
    w = str(definition.id_of("W"))
    do(graph, (mlp, first), edits.set_tensor(w, np.ones(definition.tensors[w].shape)))
    assert (graph.tensors[f"{mlp}.{first}.{w}"] == 1).all()
    back = do(graph, (mlp, first), edits.rename(definition, w, "weights"))
    assert inside.levels(graph, (mlp, first))[-1].id_of("weights") == w
    assert graph.modules["MLP"].modules["Dense"] is not examples.modules()["MLP"].modules["Dense"]
    back.apply(graph)
    assert inside.levels(graph, (mlp, first))[-1].id_of("weights") is None


def test_a_value_is_this_instances_and_structure_is_everyones() -> None:
    graph, (one, two) = document("Dense", "Dense")
    before = files.canonical_bytes(graph)
    definition = within(graph, one)[1]
    w, y = str(definition.id_of("W")), str(definition.id_of("y"))
    back = do(graph, (one,), edits.set_tensor(w, np.full((3, 8), 0.5)))
    assert set(graph.tensors) & {f"{one}.{w}", f"{two}.{w}"} == {f"{one}.{w}"}
    assert graph.modules["Dense"].tensors.keys() == examples.modules()["Dense"].tensors.keys()
    changed = within(graph, one)[1]
    edit, half = edits.add_node(changed, "tanh")
    again = do(
        graph,
        (one,),
        edits.batch(edit, edits.connect(y, half, "x"), edits.set_setting("output", half)),
    )
    found = evaluate(graph)
    assert (np.abs(found.values[one]) < 1).all() and (np.abs(found.values[two]) < 1).all()
    again.apply(graph)
    back.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_an_input_is_set_outside() -> None:
    graph, (dense,) = document("Dense")
    definition = within(graph, dense)[1]
    before = files.canonical_bytes(graph)
    with pytest.raises(GraphError, match=r"x is fed by .* change it there"):
        do(graph, (dense,), edits.set_tensor(str(definition.id_of("x")), X))
    with pytest.raises(GraphError, match="computes nothing"):
        do(graph, (dense,), edits.remove_nodes(definition, list(definition.nodes)))
    with pytest.raises(GraphError, match="no longer here"):
        do(graph, ("n99",), edits.set_setting("about", "x"))
    assert files.canonical_bytes(graph) == before


def test_ports_follow_and_what_is_gone_leaves_no_values() -> None:
    graph, (dense, mlp) = document("Dense", "MLP")
    definition = within(graph, dense)[1]
    x, b, y = (str(definition.id_of(n)) for n in "xby")
    do(graph, (dense,), edits.rename(definition, x, "features"))
    assert graph.op(dense).inputs == ("features",) and (dense, "features") in graph.links
    do(graph, (dense,), edits.set_tensor(b, np.ones(8)))
    assert f"{dense}.{b}" in graph.tensors
    seen = within(graph, dense)[1]
    gone = edits.batch(edits.remove_nodes(seen, [b]), edits.set_literal(seen, y, "b", 0.0))
    back = do(graph, (dense,), gone)
    assert f"{dense}.{b}" not in graph.tensors and not evaluate(graph).faults
    back.apply(graph)
    assert (graph.tensors[f"{dense}.{b}"] == 1).all()
    first = str(within(graph, mlp)[1].id_of("first"))
    deep = within(graph, mlp, first)[1]
    do(graph, (mlp, first), edits.set_tensor(b, np.ones(deep.tensors[b].shape)))
    deep = within(graph, mlp, first)[1]
    do(
        graph,
        (mlp, first),
        edits.batch(edits.remove_nodes(deep, [b]), edits.set_literal(deep, y, "b", 0.0)),
    )
    assert f"{mlp}.{first}.{b}" not in graph.tensors and not evaluate(graph).faults


def test_values_follow_into_a_module_made_inside_and_out_again() -> None:
    graph, (one, two) = document("Dense", "Dense")
    shown = within(graph, one)[1]
    w = str(shown.id_of("W"))
    do(graph, (one,), edits.set_tensor(w, np.full((3, 8), 0.5)))
    do(graph, (two,), edits.set_tensor(w, np.full((8, 8), 0.25)))
    before = evaluate(graph).values
    shown = within(graph, one)[1]
    edit, instance = make_module(shown, [w, str(shown.id_of("a"))], "Product")
    back = do(graph, (one,), edit)
    assert (graph.tensors[f"{one}.{instance}.{w}"] == 0.5).all()
    assert (graph.tensors[f"{two}.{instance}.{w}"] == 0.25).all()
    np.testing.assert_array_equal(evaluate(graph).values[one], before[one])
    np.testing.assert_array_equal(evaluate(graph).values[two], before[two])
    seen, shown = within(graph, one)
    out, ids = unpack_module(shown, instance)
    do(graph, (one,), out)
    np.testing.assert_array_equal(evaluate(graph).values[one], before[one])
    assert not [k for k in graph.tensors if k.count(".") > 1]
    back_again = within(graph, one)[1]
    assert back_again.nodes.keys() >= set(ids)
    assert back is not None and seen.faults == {}


def test_tied_instances_show_the_owners_values() -> None:
    graph, (one, two) = document("Dense", "Dense")
    edits.connect(graph.links[one, "x"], two, "x").apply(graph)
    edits.set_options(graph, two, {"tied": one}).apply(graph)
    shown = within(graph, two)[1]
    w = str(shown.id_of("W"))
    do(graph, (two,), edits.set_tensor(w, np.full((3, 8), 0.5)))
    assert f"{one}.{w}" in graph.tensors and f"{two}.{w}" not in graph.tensors
    seen, _ = within(graph, two)
    assert (seen.values[w] == 0.5).all()
    assert seen.shown_gradient(w, len(seen.steps)) is not None


def test_a_fault_inside_is_told_at_its_node() -> None:
    graph, (dense,) = document("Dense")
    shown = within(graph, dense)[1]
    w = str(shown.id_of("W"))
    given = {**shown.nodes[w].options, "init": "given"}
    do(graph, (dense,), edits.set_options(shown, w, given))
    graph.put("tensors", f"{dense}.{w}", np.ones((2, 2)))
    seen = look(evaluate(graph), (dense,))
    assert seen.faults[w].startswith("W: its value is 2×2") and seen.waiting
    edits.disconnect(dense, "x").apply(graph)
    assert set(look(evaluate(graph), (dense,)).waiting) == set(shown.nodes)


def test_a_number_at_a_port_is_seen_inside() -> None:
    graph, _ = document("Dense")
    edit, instance = make_module(graph, [str(graph.output())], "Total")
    edit.apply(graph)
    port = graph.op(instance).inputs[0]
    edits.disconnect(instance, port).apply(graph)
    edits.set_literal(graph, instance, port, 3.0).apply(graph)
    seen, shown = within(graph, instance)
    inner = str(shown.id_of(port))
    assert seen.values[inner] == 3.0 and inner not in seen.waiting


def test_readers_of_a_renamed_node_follow() -> None:
    graph, (dense,) = document("Dense")
    edit, reader = edits.add_node(graph, "output_of", options={"output": "a"})
    edit.apply(graph)
    edits.connect(dense, reader, "module").apply(graph)
    before = evaluate(graph).values[reader]
    shown = within(graph, dense)[1]
    do(graph, (dense,), edits.rename(shown, str(shown.id_of("a")), "product"))
    assert graph.nodes[reader].options["output"] == "product"
    np.testing.assert_array_equal(evaluate(graph).values[reader], before)

"""Derivatives as nodes: their numbers, their count, what they share, and whether they still are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import check, examples, gradient_edits, ops
from engine.compose import compose, compose_edit
from engine.derivative_names import derivative_name, read_derivative
from engine.derivative_records import chain, current
from engine.derive import derive
from engine.differentiate import differentiate
from engine.edits import insert, set_literal, subgraph
from engine.evaluate import evaluate
from engine.files.archive import from_bytes, to_bytes
from engine.flatten import expand
from engine.gradient_graph import MAX_ADDED, MAX_STEPS, Derived, differentiated, outer_inputs
from engine.graph import Graph, GraphError, Node, OwnOperator
from engine.modules import make_module
from engine.program import Plan
from engine.train import data
from engine.train.session import Training
from tests.shipped import FEW

M04 = "J = cos(sin(x^2) + 3*x^2)"
ORDERS = [
    4.560791790678778,
    40.742006155421244,
    -177.58554732963825,
    -2937.6727471261493,
    4124.66898183917,
]


def add(graph: Graph, output: str, *inputs: str, **rest: Any) -> Derived:
    """The derivatives by names, added; the ids of their nodes in the order of the inputs."""
    ids = [str(graph.id_of(name)) for name in inputs]
    made = differentiated(graph, str(graph.id_of(output)), ids, **rest)
    made.edit.apply(graph)
    return made


def results(made: Derived) -> list[str]:
    return list(made.results.values())


def values(graph: Graph, made: Derived, feeds: Any = None) -> list[np.ndarray]:
    found = evaluate(graph, feeds)
    assert not found.faults and not found.waiting
    return [found.values[n] for n in made.results.values()]


@pytest.mark.parametrize(("shared", "nodes"), [(True, 287), (False, 556)])
def test_five_times_on_the_worked_example(shared: bool, nodes: int) -> None:
    graph = compose(M04, {"x": 1.0})
    name, x = "J", str(graph.id_of("x"))
    for order, value in enumerate(ORDERS, 1):
        made = add(graph, name, "x", shared=shared)
        name = graph.name(made.results[x])
        assert name == ("dJ_dx" if order == 1 else f"d{order}J_dx{order}")
        np.testing.assert_allclose(values(graph, made), [value], 1e-12)
    assert len(graph.nodes) == nodes
    assert all(current(graph).values()) and len(current(graph)) == 5
    assert graph.name(str(graph.output())) == "J"
    assert graph.id_of("dJ_dv4") and graph.id_of("d2J_dxdv4")


def test_order_five_at_once_is_the_same_nodes() -> None:
    one, other = compose(M04, {"x": 1.0}), compose(M04, {"x": 1.0})
    made = add(one, "J", "x", order=5)
    np.testing.assert_allclose(values(one, made), [ORDERS[-1]], 1e-12)
    name = "J"
    for _ in range(5):
        name = other.name(results(add(other, name, "x"))[0])
    assert len(one.nodes) == len(other.nodes)
    assert sorted(n.name for n in one.nodes.values() if n.name[0] == "d") == sorted(
        n.name for n in other.nodes.values() if n.name[0] == "d"
    )


@pytest.mark.parametrize("block", range(10))
def test_random_graphs_of_numbers(block: int) -> None:
    """200 of them: the values of orders 1 to 3 are those of `derive`, shared or not."""
    for seed in range(20 * block, 20 * block + 20):
        program = scalar_program(seed)
        wanted = derive(program, {"x": 0.7, "y": -0.4}, ["x"], 3).orders["x"]
        graph = compose(program, {"x": 0.7, "y": -0.4})
        name = "J"
        for order in (1, 2, 3):
            made = add(graph, name, "x", shared=seed % 2 == 0)
            [value] = values(graph, made)
            np.testing.assert_allclose(value, wanted[order], 1e-9, 1e-9, err_msg=program)
            name = graph.name(results(made)[0])
        assert all(current(graph).values()), program


def scalar_program(seed: int) -> str:
    rng = np.random.default_rng(seed)
    names, lines = ["x", "y"], []
    forms = ["sin({0})", "tanh({0})", "{0} * {1}", "{0} + {1}", "{0} - 0.5 * {1}", "{0} / (2 + {1}^2)",
             "exp(-{0}^2)", "{0}^3", "sigmoid({0})", "3 * {0}", "log(2+{0}^2)", "max({0}, {1})"]  # fmt: skip
    for i in range(int(rng.integers(3, 9))):
        a, b = (names[int(k)] for k in rng.integers(0, len(names), 2))
        lines.append(f"u{i} = " + forms[int(rng.integers(len(forms)))].format(a, b))
        names.append(f"u{i}")
    return "\n".join([*lines, f"J = sin(u{len(lines) - 1}) + x * y"])


def test_random_graphs_of_tensors(grow_program: Callable[..., Any]) -> None:
    """Every row of the table: each gradient node holds what the backward pass comes to."""
    for seed in range(40):
        program = grow_program(seed, 15)
        graph = compose(program.text, program.inputs)
        before = evaluate(graph)
        names = [n for n, v in program.inputs.items() if v.dtype.kind == "f"]
        names = [n for n in names if graph.id_of(n) in before.gradients]
        made = add(graph, "J", *names)
        for name, value in zip(names, values(graph, made), strict=True):
            wanted = before.gradients[str(graph.id_of(name))]
            np.testing.assert_allclose(value, wanted, 1e-9, 1e-12, err_msg=program.text)
        assert all(current(graph).values()), program.text
        data = to_bytes(graph)
        assert to_bytes(from_bytes(data)) == data


NETWORK = "h = tanh(x @ W + b)\nz = h @ V\nL = mean((z - t)^2)"


def network(rows: int = 5, dtype: str = "float64") -> Graph:
    rng = np.random.default_rng(3)
    shapes = {"x": (rows, 3), "W": (3, 4), "b": (4,), "V": (4, 2), "t": (rows, 2)}
    return compose(NETWORK, {n: rng.normal(size=s) for n, s in shapes.items()}, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network(dtype: str) -> None:
    graph = network(dtype=dtype)
    before = evaluate(graph)
    made = add(graph, "L", "W", "b", "V")
    for name, value in zip(("W", "b", "V"), values(graph, made), strict=True):
        assert value.dtype == dtype
        np.testing.assert_allclose(value, before.gradients[str(graph.id_of(name))], 1e-5)
    assert [graph.name(n) for n in results(made)] == ["dL_dW", "dL_db", "dL_dV"]
    assert current(graph) == dict.fromkeys(results(made), True)


def test_a_gradient_holds_for_any_number_of_rows() -> None:
    """The mean divides by the rows there are, not by those that there were."""
    source = network(rows=1)
    x, t = str(source.id_of("x")), str(source.id_of("t"))

    def batch(rows: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(rows)
        return {x: rng.normal(size=(rows, 3)), t: rng.normal(size=(rows, 2))}

    for made_with in (1, 4):
        graph = source.copy()
        made = add(graph, "L", "W", "b", feeds=batch(made_with))
        for rows in (1, 2, 7):
            wanted = evaluate(source, batch(rows)).gradients
            for node_id, value in zip(made.results, values(graph, made, batch(rows)), strict=True):
                np.testing.assert_allclose(value, wanted[node_id], 1e-12)
            assert all(current(graph, batch(rows)).values())


def run(graph: Graph, refs: Sequence[str], training: bool, step: int) -> list[np.ndarray]:
    expansion = expand(graph, training=training)
    expansion.clock.step = step
    output = str(graph.id_of("J"))
    adjoint = differentiate(expansion, output).adjoint[str(graph.id_of("x"))]
    plan = Plan(expansion, [adjoint, *refs])
    plan.run()
    return [np.array(plan.value(r)) for r in (adjoint, *refs)]


@pytest.mark.parametrize(
    "row",
    ["dropout(2 * x, rate=0.4)", "masking_noise(x, share=0.5)", "salt_and_pepper(x, share=0.4)",
     "gaussian_noise(x)", "x * random_normal(x)", "batch_norm(x, a, b, m, v)"],
)  # fmt: skip
def test_chance_and_training_are_those_of_the_forward_pass(row: str) -> None:
    """The same draw at every step, and the mode in which the document runs."""
    rng = np.random.default_rng(0)
    point = {"x": rng.normal(size=(6, 3)), "a": rng.normal(size=3), "b": np.ones(3), "m": np.zeros(3),
             "v": np.full(3, 2.0)}  # fmt: skip
    program = f"h = {row}\nJ = sum(sin(h)^2)"
    graph = compose(program, {n: v for n, v in point.items() if n == "x" or "batch" in row})
    made = add(graph, "J", "x")
    twice = add(graph, graph.name(results(made)[0]), "x")
    assert all(current(graph).values())
    for training in (False, True):
        for step in range(3):
            wanted, found = run(graph, results(made), training, step)
            np.testing.assert_allclose(found, wanted, 1e-12)
            again = graph.copy()
            again.put("settings", "output", results(made)[0])
            assert np.isfinite(run(again, results(twice), training, step)[1]).all()
    drawn = [run(graph, results(made), True, step)[1] for step in range(2)]
    assert (drawn[0] != drawn[1]).any() == ("batch" not in row)


def test_a_copy_draws_as_the_copy_of_what_it_belongs_to() -> None:
    graph = compose("h = dropout(x, rate=0.5)\nJ = sum(h^2)", {"x": np.arange(1.0, 9.0)})
    made = add(graph, "J", "x")
    edit, ids = insert(graph, subgraph(graph, graph.nodes))
    edit.apply(graph)
    expansion = expand(graph, training=True)
    pairs = [(ids[str(graph.id_of("J"))], ids[str(graph.id_of("x"))], ids[results(made)[0]])]
    adjoint = differentiate(expansion, pairs[0][0]).adjoint[pairs[0][1]]
    plan = Plan(expansion, [adjoint, pairs[0][2]])
    plan.run()
    np.testing.assert_array_equal(plan.value(adjoint), plan.value(pairs[0][2]))


def test_values_inside_modules_are_read() -> None:
    graph = compose("u = sin(x)\nv = u * exp(u)\nJ = v^2", {"x": 0.7})
    wanted = derive("u = sin(x)\nv = u * exp(u)\nJ = v^2", {"x": 0.7}, order=2).orders["x"]
    edit, _ = make_module(
        graph, [n for n in graph.nodes if graph.name(n) not in ("x", "J")], "Block"
    )
    edit.apply(graph)
    first = add(graph, "J", "x")
    readers = [n for n in first.added if graph.op(n).reads_inside]
    assert readers
    np.testing.assert_allclose(values(graph, first), [wanted[1]], 1e-12)
    second = add(graph, graph.name(results(first)[0]), "x")
    np.testing.assert_allclose(values(graph, second), [wanted[2]], 1e-12)
    assert all(current(graph).values())
    read = [graph.nodes[n].options["output"] for n in graph.nodes if graph.op(n).reads_inside]
    assert len(read) == len(set(read))


def nested() -> Graph:
    """Two instances of a module with another one in it, both with a parameter."""
    graph = compose(
        "a = w * x\nu = sin(a)\nv = exp(u)\ny = k * v + u * v", {"x": 0.7, "w": 1.3, "k": 0.4}
    )
    for name in ("w", "k"):
        node_id = str(graph.id_of(name))
        graph.put("nodes", node_id, replace(graph.nodes[node_id], op="parameter"))
    make_module(graph, [str(graph.id_of(n)) for n in "wau"], "Inner")[0].apply(graph)
    make_module(graph, [n for n in graph.nodes if graph.name(n) != "x"], "Outer")[0].apply(graph)
    compose_edit(graph, "J = outer^2 + Outer(0.1 * outer)")[0].apply(graph)
    return graph


def test_values_in_modules_inside_modules_are_read() -> None:
    graph = nested()
    x = str(graph.id_of("x"))
    expansion = expand(graph)
    refs = [str(graph.output())]
    for _ in range(2):
        refs.append(str(differentiate(expansion, refs[-1], [x]).adjoint[x]))
    plan = Plan(expansion, refs)
    plan.run()
    name = "J"
    for order in (1, 2):
        made = add(graph, name, "x")
        name = graph.name(made.results[x])
        np.testing.assert_allclose(values(graph, made), [plan.value(refs[order])], 1e-12)
        data = to_bytes(graph)
        assert to_bytes(from_bytes(data)) == data
    assert all(current(graph).values())
    readers = [n for n in graph.nodes if graph.op(n).reads_inside]
    looked = [(graph.links[n, "module"], graph.nodes[n].options["output"]) for n in readers]
    assert len(readers) > 2 and len(set(looked)) == len(looked)


def test_dots_and_muted_nodes() -> None:
    graph = compose("u = sin(x)\nv = exp(u)\nJ = v^2", {"x": 0.7})
    dot = Node("n90", ops.DOT.name, "d")
    graph.put("nodes", "n90", dot)
    v = str(graph.id_of("v"))
    graph.put("links", ("n90", "x"), graph.id_of("u"))
    graph.put("links", (v, "x"), "n90")
    made = add(graph, "J", "x")
    [value] = values(graph, made)
    np.testing.assert_allclose(value, 2 * np.exp(2 * np.sin(0.7)) * np.cos(0.7), 1e-12)
    assert all(current(graph).values())
    graph.put("nodes", v, replace(graph.nodes[v], muted=True))
    assert not any(current(graph).values())
    again = add(graph, "J", "x")
    np.testing.assert_allclose(values(graph, again), [2 * np.sin(0.7) * np.cos(0.7)], 1e-12)


def test_outputs_that_are_no_single_number_are_summed() -> None:
    graph = compose("y = sin(x)", {"x": np.array([0.1, 0.2])})
    made = add(graph, "y", "x", order=2)
    assert "y has shape 2: its sum is differentiated" in made.note
    np.testing.assert_allclose(values(graph, made)[0], -np.sin([0.1, 0.2]), 1e-12)
    assert {graph.name(n) for n in made.added} >= {"sum_y", "d_sum_y_d_x"}
    assert all(current(graph).values()) and current(graph)


def test_a_derivative_always_has_a_node_of_its_own() -> None:
    """Also where it is a number, another node, or that of another input."""
    graph = compose("J = x * w + 3 * z + a + b", dict.fromkeys("xwzab", 2.0))
    made = add(graph, "J", *"xwzab")
    assert len(set(results(made))) == 5
    assert [float(v) for v in values(graph, made)] == [2.0, 2.0, 3.0, 1.0, 1.0]
    assert [graph.name(n) for n in results(made)] == [f"dJ_d{n}" for n in "xwzab"]
    assert len(current(graph)) == 5 and all(current(graph).values())
    assert not add(graph, "J", *"xwzab").added
    zero = add(graph, "dJ_dz", "z")
    assert [float(v) for v in values(graph, zero)] == [0.0]
    assert all(current(graph).values())
    number = next(n for n, node in graph.nodes.items() if 3.0 in node.literals.values())
    set_literal(graph, number, "a", 4.0).apply(graph)
    assert not all(current(graph).values())


def test_an_edit_of_the_forward_graph_is_noticed() -> None:
    graph = compose(M04, {"x": 1.0})
    add(graph, "J", "x", order=3)
    number = next(n for n in graph.nodes.values() if 3.0 in n.literals.values())
    port = next(p for p, v in number.literals.items() if v == 3.0)
    inverse = set_literal(graph, number.id, port, 4.0).apply(graph)
    assert current(graph) == dict.fromkeys(current(graph), False) and len(current(graph)) == 3
    inverse.apply(graph)
    assert all(current(graph).values())
    graph.put("tensors", str(graph.id_of("x")), np.asarray(2.0))
    assert all(current(graph).values())
    first = str(graph.id_of("dJ_dx"))
    port = graph.ports(first)[0]
    graph.put("links", (first, port), graph.id_of("x"))  # an adjoint node rewired by hand
    assert not any(current(graph).values())


def test_it_is_one_edit_and_undone_to_the_same_bytes() -> None:
    graph = compose(M04, {"x": 1.0})
    before = to_bytes(graph)
    made = differentiated(graph, str(graph.output()), [str(graph.id_of("x"))], order=2)
    inverse = made.edit.apply(graph)
    after = to_bytes(graph)
    assert to_bytes(from_bytes(after)) == after
    redo = inverse.apply(graph)
    assert to_bytes(graph) == before
    redo.apply(graph)
    assert to_bytes(graph) == after


@pytest.mark.parametrize(
    ("program", "output", "by", "said"),
    [
        ("J = sign(x) + w", "J", "x", "no gradient flows from J to x"),
        ("u = x > 0\nJ = u + x", "u", "x", "u holds no floats"),
        ("J = x^2\nk = w^2", "J", "w", "no gradient flows from J to w"),
    ],
)
def test_what_cannot_be_is_told(program: str, output: str, by: str, said: str) -> None:
    graph = compose(program, {n: 1.0 for n in "xw" if n in program})
    before = to_bytes(graph)
    with pytest.raises(GraphError, match=said):
        add(graph, output, by)
    assert to_bytes(graph) == before


def test_more_nodes_than_help_are_refused() -> None:
    graph = compose(M04, {"x": 1.0})
    with pytest.raises(GraphError, match="more than 2,000 nodes"):
        add(graph, "J", "x", order=9, shared=False)


def test_a_name_of_ones_own_is_not_mistaken_for_a_row_of_derivatives() -> None:
    graph = compose("J = mean(x)", {"x": np.ones(3)})
    graph.put("operators", "size", OwnOperator("size", "a + 1"))
    with pytest.raises(GraphError, match="a row called size"):
        add(graph, "J", "x")
    graph.put("operators", "size", None)
    add(graph, "J", "x")
    with pytest.raises(GraphError, match="is a size of derivatives; choose another name"):
        graph.put("operators", "size", OwnOperator("size", "a + 1"))
    other = compose("y = x", {"x": 1.0})
    other.put("operators", "size", OwnOperator("size", "a + 1"))
    before = to_bytes(other)
    with pytest.raises(GraphError, match="size"):
        insert(other, graph)[0].apply(other)
    assert to_bytes(other) == before


NAMES = [
    ("J", "x", "dJ_dx"), ("J", "xx", "d2J_dx2"), ("J", "xy", "d2J_dxdy"), ("J", ["u1", "u1"], "d2J_du1_2"),
    ("loss", ["W"], "d_loss_d_W"), ("J", ["theta", "x"], "d2_J_d_theta_d_x"), ("c.1", "x", "d_c_1_d_x"),
    ("J", "x" * 12, "d12J_dx12"),
]  # fmt: skip


@pytest.mark.parametrize(("root", "by", "name"), NAMES)
def test_names_of_derivatives(root: str, by: Sequence[str], name: str) -> None:
    assert derivative_name(root, by) == name
    assert read_derivative(name) == (root.replace(".", "_"), tuple(by), "")
    assert read_derivative(f"{name}.2") == (root.replace(".", "_"), tuple(by), "2")


@pytest.mark.parametrize(
    "name", ["data_dim", "d_model", "dense_d1", "d1_d2", "d", "down_d", "J", "d3J_dx2"]
)
def test_other_names_are_no_derivatives(name: str) -> None:
    assert read_derivative(name) is None


def test_inputs_that_can_be_chosen() -> None:
    graph = compose("J = sum(x * w) + k", {"x": np.ones(2), "w": 2.0, "k": np.array(3)})
    assert [graph.name(n) for n in outer_inputs(graph, str(graph.output()))] == ["x", "w"]
    assert chain(graph, str(graph.output())) == (graph.output(), ())


def plain_title(names: Sequence[str]) -> str:
    return ", ".join(names)


def test_a_frame_below_with_its_title() -> None:
    graph = compose(M04, {"x": 1.0})
    before = to_bytes(graph)
    x, lowest = str(graph.id_of("x")), max(n.y for n in graph.nodes.values()) + 76
    made = gradient_edits.added(graph, str(graph.output()), [x], plain_title)
    inverse = made.edit.apply(graph)
    [frame] = graph.notes.values()
    assert (frame.kind, frame.text) == ("frame", "dJ_dx") and frame.y > lowest
    places = [(graph.nodes[n].x, graph.nodes[n].y) for n in made.added]
    assert len(set(places)) == len(places)
    assert all(frame.x < px and px + 128 < frame.x + frame.width for px, _ in places)
    assert all(frame.y < py and py + 76 < frame.y + frame.height for _, py in places)
    inverse.apply(graph)
    assert to_bytes(graph) == before


@pytest.mark.parametrize("order", [1, 2, 3])
def test_renewed_after_an_edit(order: int) -> None:
    """From any of the chain; the old nodes go, and what read a result reads the new one."""
    graph = compose(M04, {"x": 1.0})
    x = str(graph.id_of("x"))
    of = str(graph.output())
    for _ in range(3):
        made = gradient_edits.added(graph, of, [x], plain_title)
        made.edit.apply(graph)
        of = made.results[x]
    compose_edit(graph, "step = 2 * dJ_dx + d3J_dx3")[0].apply(graph)
    count = len(graph.nodes)
    number = next(n for n in graph.nodes.values() if 3.0 in n.literals.values())
    port = next(p for p, v in number.literals.items() if v == 3.0)
    set_literal(graph, number.id, port, 5.0).apply(graph)
    before = to_bytes(graph)
    assert not any(current(graph).values())
    name = "dJ_dx" if order == 1 else f"d{order}J_dx{order}"
    inverse = gradient_edits.renewed(graph, str(graph.id_of(name)), plain_title).edit.apply(graph)
    wanted = derive("J = cos(sin(x^2) + 5*x^2)", {"x": 1.0}, order=3).orders["x"]
    found = evaluate(graph)
    for k in (1, 2, 3):
        node_id = str(graph.id_of("dJ_dx" if k == 1 else f"d{k}J_dx{k}"))
        np.testing.assert_allclose(found.values[node_id], wanted[k], 1e-12)
    step = found.values[str(graph.id_of("step"))]
    np.testing.assert_allclose(step, 2 * wanted[1] + wanted[3], 1e-12)
    assert all(current(graph).values()) and len(current(graph)) == 3
    assert len(graph.nodes) == count and len(graph.notes) == 1
    inverse.apply(graph)
    assert to_bytes(graph) == before


def test_renewing_a_tensors_second_order() -> None:
    graph = compose("y = sin(x)", {"x": np.array([0.1, 0.2])})
    x = str(graph.id_of("x"))
    gradient_edits.added(graph, str(graph.id_of("y")), [x], plain_title, order=2).edit.apply(graph)
    y = str(graph.id_of("y"))
    graph.put("nodes", y, replace(graph.nodes[y], op="cos"))
    assert not any(current(graph).values()) and len(current(graph)) == 2
    last = list(graph.settings["derivatives"])[-1]
    made = gradient_edits.renewed(graph, last, plain_title)
    made.edit.apply(graph)
    np.testing.assert_allclose(values(graph, made)[0], -np.cos([0.1, 0.2]), 1e-12)
    assert all(current(graph).values())


PRODUCTS = [
    ("J = cos(sin(x^2) + 3*x^2)", {"x": 1.0}),
    ("J = sum(tanh(A @ x)^2)", {"A": [[1.0, 2.0], [0.5, -1.0], [0.3, 0.2]], "x": [0.3, -0.2]}),
    ("J = sum(sin(x) * x[0])", {"x": [0.3, -0.2, 0.9]}),
]


@pytest.mark.parametrize(("program", "point"), PRODUCTS)
def test_the_hessian_times_a_direction(program: str, point: dict[str, Any]) -> None:
    graph = compose(program, point)
    wanted = derive(program, point, ["x"], hessian=True).hessian["x"]["x"]
    x = str(graph.id_of("x"))
    made = gradient_edits.hessian_product(graph, str(graph.output()), x, plain_title)
    made.edit.apply(graph)
    way = np.arange(1.0, 1.0 + np.size(point["x"])).reshape(np.shape(point["x"]))
    graph.put("tensors", str(graph.id_of("v_x")), way)
    assert graph.name(made.results[x]) == "Hv"
    np.testing.assert_allclose(
        values(graph, made)[0], np.tensordot(wanted, way, np.ndim(way)), 1e-12
    )
    assert all(current(graph).values()) and current(graph)


@pytest.mark.parametrize(
    "program", ["y = tanh(A @ x)", "y = sum(x^2)", "y = 2 * x", "y = x[1:] * x[:-1]"]
)
def test_the_jacobian_times_a_direction(program: str) -> None:
    point = {"A": [[1.0, 2.0, 0.1], [0.5, -1.0, 3.0]], "x": [0.3, -0.2, 0.9]}
    graph = compose(program, {n: v for n, v in point.items() if n in program.partition("=")[2]})
    y, x = str(graph.id_of("y")), str(graph.id_of("x"))
    made = gradient_edits.jacobian_product(graph, y, x, plain_title)
    made.edit.apply(graph)
    way, step = np.array([1.0, -2.0, 0.5]), 1e-6
    graph.put("tensors", str(graph.id_of("v_x")), way)

    def at(offset: float) -> np.ndarray:
        moved = graph.copy()
        moved.put("tensors", x, np.array(point["x"]) + offset * way)
        return evaluate(moved).values[y]

    wanted = (at(step) - at(-step)) / (2 * step)
    np.testing.assert_allclose(values(graph, made)[0], wanted, 1e-7)
    assert graph.name(made.results[y]) == "Jv"


def test_a_loss_that_reads_a_gradient_is_trained() -> None:
    """A penalty on the gradient: the backward pass goes through adjoint nodes and their draws."""
    point = {
        "x": [[0.5, -1.0], [1.0, 0.3]],
        "W": [[0.1, 0.4, -0.2], [0.3, 0.1, 0.5]],
        "v": [1.0, -0.5, 0.2],
    }
    graph = compose("h = dropout(tanh(x @ W), rate=0.3)\nJ = mean((h @ v)^2)", point)
    for name in "Wv":
        node_id = str(graph.id_of(name))
        graph.put("nodes", node_id, replace(graph.nodes[node_id], op="parameter"))
    add(graph, "J", "x")
    compose_edit(graph, "P = J + 0.1 * sum(dJ_dx^2)")[0].apply(graph)
    weights, output = str(graph.id_of("W")), str(graph.id_of("P"))
    expansion = expand(graph, training=True)
    adjoint = differentiate(expansion, output, [weights]).adjoint[weights]
    plan = Plan(expansion, [adjoint, output])
    for step in (0, 3):
        expansion.clock.step = step
        plan.run()
        found = np.array(plan.value(adjoint))
        wanted = check.difference(expansion, output, [weights])[weights]
        np.testing.assert_allclose(found.ravel(), wanted.ravel(), 1e-7, 1e-9)
    training = Training(graph)
    before = training.metrics()["train"]["P"]
    training.run(100)
    assert training.metrics()["train"]["P"] < before


@pytest.mark.parametrize("name", FEW)
def test_shipped_examples(name: str) -> None:
    """All parameters at once, with data; the numbers are those of the backward pass."""
    graph = examples.load(name)
    feeds = data.feeds(graph, None) if data.data_nodes(graph) else {}
    before, output = evaluate(graph, feeds), str(graph.output())
    inputs = [n for n in outer_inputs(graph, output) if n in before.gradients]
    made = gradient_edits.added(graph, output, inputs, plain_title, feeds=feeds)
    made.edit.apply(graph)
    for node_id, value in zip(inputs, values(graph, made, feeds), strict=True):
        np.testing.assert_allclose(value, before.gradients[node_id], 1e-9, 1e-15)
    found = current(graph, feeds)
    assert all(found.values()) and len(found) == len(inputs)
    assert graph.output() == output


def test_large_documents_are_refused_at_once() -> None:
    graph = Graph()
    graph.put("nodes", "n1", Node("n1", "input", "x"))
    graph.put("tensors", "n1", np.asarray(0.5))
    for i in range(2, MAX_STEPS + 4):
        graph.put("nodes", f"n{i}", Node(f"n{i}", "sin", f"u{i}"))
        graph.put("links", (f"n{i}", "x"), f"n{i - 1}")
    with pytest.raises(GraphError, match="nodes behind it, more than the 5,000"):
        differentiated(graph, f"n{MAX_STEPS + 3}", ["n1"])
    made = differentiated(graph, "n500", ["n1"])
    assert len(made.added) < MAX_ADDED


def edited(graph: Graph, rng: np.random.Generator) -> None:
    """Something that a person does to a node: another row, another number, another wire, muted."""
    ids = [n for n in graph.nodes if not graph.op(n).is_source]
    node = graph.nodes[ids[int(rng.integers(len(ids)))]]
    kind = int(rng.integers(5))
    alike = ("sin", "tanh", "exp", "neg", "sigmoid")
    if kind == 0 and node.op in alike:
        graph.put("nodes", node.id, replace(node, op=alike[int(rng.integers(len(alike)))]))
    elif kind == 1 and node.literals:
        port = next(iter(node.literals))
        set_literal(graph, node.id, port, float(rng.integers(1, 5))).apply(graph)
    elif kind == 2:
        graph.put("nodes", node.id, replace(node, muted=not node.muted))
    elif kind == 3:
        graph.put("nodes", node.id, replace(node, name=f"renamed{rng.integers(1000)}", x=9.0))
    elif wired := graph.structure_ports(node.id):
        port, others = wired[0], list(graph.nodes)
        with suppress(GraphError):
            graph.put("links", (node.id, port), others[int(rng.integers(len(others)))])


def test_what_is_called_current_is_the_derivative() -> None:
    """After any edits of any nodes, adjoint ones too; renewed, it is one again, and undone exactly."""
    seen = {True: 0, False: 0}
    renewals = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        graph = compose(scalar_program(seed), {"x": 0.7, "y": -0.4})
        x = str(graph.id_of("x"))
        of = str(graph.output())
        for _ in range(int(rng.integers(1, 3))):
            made = gradient_edits.added(graph, of, [x], plain_title, shared=seed % 3 > 0)
            made.edit.apply(graph)
            of = made.results[x]
        for _ in range(int(rng.integers(1, 4))):
            edited(graph, rng)
        check_current(graph, x, seen)
        for node_id in [n for n, right in current(graph).items() if not right][:1]:
            before = to_bytes(graph)
            try:
                inverse = gradient_edits.renewed(graph, node_id, plain_title).edit.apply(graph)
            except GraphError:  # no gradient flows there any more, say
                assert to_bytes(graph) == before
                continue
            renewals += 1
            assert all(current(graph).values())
            check_current(graph, x, seen)
            inverse.apply(graph)
            assert to_bytes(graph) == before
    assert min(seen.values()) > 15 and renewals > 15


def check_current(graph: Graph, x: str, seen: dict[bool, int]) -> None:
    """What is told to be a derivative has the number of a difference."""
    for node_id, right in current(graph).items():
        seen[right] += 1
        output, _ = graph.settings["derivatives"][node_id]
        found = evaluate(graph)
        if right and node_id in found.values and np.isfinite(found.values[node_id]):
            expansion = expand(graph)
            step = expansion.step_of(output)
            wanted = check.difference(expansion, step, [x])[x] if isinstance(step, str) else 0.0
            np.testing.assert_allclose(found.values[node_id], np.ravel(wanted)[0], 1e-6, 1e-7)


def test_what_is_summed_is_told_by_its_name() -> None:
    made = add(network(), "L", "W", order=2)
    assert made.note == "dL_dW has shape 3×4: its sum is differentiated"


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({"n2": ("n3", "n1"), "n3": ("n2", "n1")}, "derivative of itself"),
        ({"n2": ("n2", "n1")}, "derivative of itself"),
        ({"n2": ("n98", "n1")}, "no longer here"),
        ({"n3": ("n6", "n97")}, "no longer here"),
        ({"n6": ("n1", "n6")}, "one of its own nodes"),
        ({"n99": ("n98", "n97")}, "not recorded"),
    ],
)
def test_records_that_only_a_file_can_hold_are_refused(records: Any, said: str) -> None:
    graph = compose(M04, {"x": 1.0})
    graph.put("settings", "derivatives", records)
    graph = from_bytes(to_bytes(graph))
    before = to_bytes(graph)
    assert not any(current(graph).values())
    with pytest.raises(GraphError, match=said):
        gradient_edits.renewed(graph, next(iter(records)), plain_title)
    assert to_bytes(graph) == before
    assert graph.nodes.keys() >= {n for known in graph.nodes for n in chain(graph, known)[1]}
    made = gradient_edits.added(graph, "n6", ["n1"], plain_title)
    made.edit.apply(graph).apply(graph)
    assert to_bytes(graph) == before


def test_renewing_in_a_huge_document_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = compose(M04, {"x": 1.0})
    [result] = results(add(graph, "J", "x"))
    monkeypatch.setattr(gradient_edits, "MAX_RENEWED", len(graph.nodes) - 1)
    with pytest.raises(GraphError, match="delete it and differentiate again"):
        gradient_edits.renewed(graph, result, plain_title)
    monkeypatch.setattr(gradient_edits, "MAX_RENEWED", len(graph.nodes))
    assert gradient_edits.renewed(graph, result, plain_title).results

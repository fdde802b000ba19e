"""Paths between a loss and a node: their number, their products, their order, and what is left."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine import edits, examples, paths, rewiring
from engine.compose import compose
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph
from engine.modules import add_module
from engine.paths import Paths
from engine.wires import carrying

M04 = "t = x^2\nu1 = sin(t)\nu2 = 3*t\nJ = cos(u1 + u2)"
LIMIT = 400
"""Graphs with more paths than this are searched with a cap only."""


def lens(evaluation: Evaluation, name: str, start: str | None = None) -> Paths:
    """The paths to a node by its name."""
    telling, graph = evaluation.steps.telling, evaluation.graph
    assert telling.adjoints is not None
    node = graph.id_of(name)
    first = None if start is None else evaluation.step_of(str(graph.id_of(start)))
    return Paths(
        evaluation.expansion, telling.adjoints, telling.read, evaluation.step_of(str(node)), first
    )


def dense_program(rng: random.Random, size: int, tensors: bool) -> tuple[str, dict[str, Any]]:
    """A program in which most values are read more than once."""
    shapes: list[tuple[int, ...]] = [(), (3,), (2, 3), (2, 1)] if tensors else [()]
    unary = ("sin({0})", "tanh({0})", "{0} * {0}", "0.3 - {0}", "relu({0} - 0.2)", "exp(-{0}^2)")
    binary = (
        "{0} + {1}",
        "{0} * {1}",
        "{0} - 0.7 * {1}",
        "max({0}, {1} + 0.1)",
        "{0} / (2 + {1}^2)",
    )
    given = {
        f"x{i}": np.asarray([[rng.uniform(-1, 1) for _ in range(6)]]).reshape(-1)[
            : math.prod(shape)
        ].reshape(shape)
        for i, shape in enumerate(rng.choices(shapes, k=3))
    }  # fmt: skip
    names, lines = list(given), []
    for i in range(size):
        a, b = rng.choice(names[-4:]), rng.choice(names[-6:])
        text = rng.choice(binary if rng.random() < 0.7 else unary).format(a, b)
        lines.append(f"u{i} = {text}")
        names.append(f"u{i}")
    total = " + ".join(f"mean(sin({name}))" for name in names[-2:])
    read = " ".join(lines) + total
    return "\n".join([*lines, f"J = {total}"]), {n: v for n, v in given.items() if n in read}


def check_sum(found: Paths, floor: float = 1e-300) -> None:
    """What was found and the rest are the gradient, to 1e-12 of the sizes of all parts."""
    parts = [np.asarray(p.value) for p in found.found] + [np.asarray(found.rest)]
    off = np.abs(sum(parts) - np.asarray(found.gradient))
    assert (off <= 1e-12 * sum(np.abs(p) for p in parts) + floor).all()


def many_paths(tensors: bool) -> Paths:
    """The paths to an input of a random program that has more than fifty of them."""
    for seed in range(100):
        text, given = dense_program(random.Random(seed), 14, tensors)
        for name in given:
            found = lens(evaluate(compose(text, given)), name)
            if found.count > 50 and found.is_scalar != tensors:
                return found
    raise AssertionError


def walked(found: Paths) -> Iterator[tuple[list[tuple[str, str]], float]]:
    """Every path between single numbers with its product, by following edges one after the other."""
    work: list[tuple[str, list[tuple[str, str]], float]] = [(found.start, [], 1.0)]
    while work:
        node, edges, product = work.pop()
        if node == found.target:
            yield edges, product
            continue
        for term in found.terms:
            if term.node == node:
                slope = found.slope(term)
                assert slope is not None
                work.append((term.target, [*edges, (term.node, term.port)], product * slope))


def random_evaluations(
    grow_program: Callable[..., Any], which: range
) -> Iterator[tuple[int, Evaluation]]:
    for seed in which:
        if seed % 5 < 2:
            program = grow_program(seed, 12 + seed % 17)
            yield seed, evaluate(compose(program.text, program.inputs))
        else:
            text, given = dense_program(random.Random(seed), 6 + seed % 31, seed % 5 > 2)
            yield seed, evaluate(compose(text, given))


@pytest.mark.parametrize("block", range(5))
def test_shown_and_rest_are_the_gradient(block: int, grow_program: Callable[..., Any]) -> None:
    most = capped = graphs = 0
    for seed, evaluation in random_evaluations(grow_program, range(100 * block, 100 * block + 100)):
        graphs += 1
        adjoints, telling = evaluation.adjoints, evaluation.steps.telling
        assert adjoints is not None
        rng = random.Random(seed)
        inputs = [n for n in evaluation.graph.of_op("input") if n in adjoints.adjoint]
        inner = [n for n in evaluation.graph.nodes if n in adjoints.adjoint]
        for node in {*rng.sample(inputs, min(2, len(inputs))), rng.choice(inner)}:
            for cap in (1, 5, LIMIT):
                found = Paths(evaluation.expansion, adjoints, telling.read, node).find(cap)
                check_sum(found)
                assert len(found.found) == min(cap, found.count)
                assert found.complete == (found.count <= cap)
                capped += not found.complete
                most = max(most, found.count)
                sizes = [p.size for p in found.found]
                assert sizes == sorted(sizes, reverse=True)
    assert graphs == 100 and most > 1000 and capped > 100


def test_the_largest_come_first_and_none_is_missed() -> None:
    for seed in range(40):
        text, given = dense_program(random.Random(seed), 9, False)
        evaluation = evaluate(compose(text, given))
        found = lens(evaluation, next(iter(given)))
        every = sorted((abs(product) for _, product in walked(found)), reverse=True)
        assert found.count == len(every)
        shown = found.find(6).found
        np.testing.assert_allclose([p.size for p in shown], every[:6], 1e-12, 1e-300)
        for path in shown:
            assert path.slopes is not None
            assert math.prod(path.slopes) == pytest.approx(path.value, rel=1e-12)


def test_the_worked_example() -> None:
    """The two ways from J to x by the published formula at x = 0.5."""
    x = 0.5
    found = lens(evaluate(compose(M04, {"x": x})), "x").find(10)
    seed = -math.sin(math.sin(x * x) + 3 * x * x)
    assert found.count == 2 and found.complete and found.rest == 0.0
    assert [p.value for p in found.found] == pytest.approx(
        [seed * 3 * 2 * x, seed * math.cos(x * x) * 2 * x]
    )
    assert [len(p.terms) for p in found.found] == [4, 4]
    assert found.gradient == pytest.approx(seed * (math.cos(x * x) * 2 * x + 6 * x))
    shares = found.shares()
    graph = found.adjoints
    ends = [shares[t.node, t.port] for t in graph.contributions]
    assert ends[0] == pytest.approx(1.0) and ends[-1] == pytest.approx(1.0)
    three = 3 / (3 + math.cos(x * x))
    assert sorted(ends)[0] == pytest.approx(1 - three)


def test_parallel_wires_are_two_paths() -> None:
    found = lens(evaluate(compose("J = x*x", {"x": 3.0})), "x").find(9)
    assert [p.value for p in found.found] == [3.0, 3.0]
    assert [t.port for p in found.found for t in p.terms] == ["a", "b"]


def test_a_path_of_a_tensor_is_what_is_carried_along_it() -> None:
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(4, 3)), rng.normal(size=3)
    found = lens(
        evaluate(compose("J = sum(tanh(W @ x)) + 0.5 * sum(x^2)", {"W": W, "x": x})), "x"
    ).find(9)
    one = W.T @ (1 - np.tanh(W @ x) ** 2)
    values = sorted((p.value for p in found.found), key=lambda v: abs(v - x).sum())
    np.testing.assert_allclose(values[0], x, 1e-13)
    np.testing.assert_allclose(values[1], one, 1e-13)
    assert [p.size for p in found.found] == sorted(
        (np.linalg.norm(one), np.linalg.norm(x)), reverse=True
    )


def test_shares_between_tensors_when_not_all_are_found() -> None:
    found = many_paths(True).find(3)
    assert not found.complete and not found.is_scalar
    shares = found.shares()
    assert all(0 <= s <= 1 + 1e-12 for s in shares.values())
    from_loss = sum(s for (node, _), s in shares.items() if node == found.start)
    assert from_loss == pytest.approx(1.0)


def test_from_a_step_between() -> None:
    evaluation = evaluate(compose(M04, {"x": 0.5}))
    found = lens(evaluation, "x", "t").find(9)
    t = evaluation.graph.id_of("t")
    assert found.count == 1
    assert found.found[0].value == pytest.approx(float(evaluation.gradients[t]) * 1.0)


def test_another_loss() -> None:
    evaluation = evaluate(compose(M04, {"x": 0.5}))
    other = paths.towards(evaluation.steps.telling, str(evaluation.graph.id_of("u1")))
    assert other.adjoints is not None
    x = str(evaluation.graph.id_of("x"))
    found = Paths(other.expansion, other.adjoints, other.read, x).find(9)
    assert found.gradient == pytest.approx(math.cos(0.25) * 1.0)
    assert [p.value for p in found.found] == pytest.approx([math.cos(0.25) * 1.0])
    same = evaluation.steps.telling
    assert paths.towards(same, str(evaluation.output)) is same
    evaluation = evaluate(compose("y = 2*x\nJ = sum(y)", {"x": np.ones(3)}))
    with pytest.raises(ValueError, match="single number"):
        paths.towards(evaluation.steps.telling, str(evaluation.graph.id_of("y")))


def test_the_loss_itself_and_what_does_not_lead_there() -> None:
    evaluation = evaluate(compose("y = x + 1\nJ = sin(x)", {"x": 0.5}))
    found = lens(evaluation, "J").find(5)
    assert (found.count, found.found[0].value, found.found[0].terms) == (1, 1.0, ())
    none = lens(evaluation, "y").find(5)
    assert (none.count, none.found, none.gradient) == (0, [], None)


@pytest.mark.parametrize("doubled", [False, True])
def test_a_chain_of_many_nodes(doubled: bool) -> None:
    """No recursion, and numbers of paths with thousands of digits."""
    n = 20_000
    graph = compose("y = x * x\nJ = 0.5 + y" if doubled else "y = -x\nJ = 0.5 + y", {"x": 0.99})
    first, second = str(graph.id_of("y")), str(graph.id_of("J"))
    node, last = graph.nodes[first], first
    for i in range(n):
        fresh = f"n{100 + i}"
        graph.put("nodes", fresh, type(node)(fresh, node.op, fresh, node.options, node.literals))
        for port in graph.ports(first):
            graph.put("links", (fresh, port), last)
        last = fresh
    graph.put("links", (second, "b"), last)
    found = lens(evaluate(graph), "x")
    assert found.count == (2 ** (n + 1) if doubled else 1)
    assert len(found.find(2).found) == (2 if doubled else 1)
    assert len(found.found[0].terms) == n + 2


def test_numbers_that_are_not_finite() -> None:
    found = lens(evaluate(compose("J = sqrt(x) + 2*x", {"x": 0.0})), "x").find(9)
    assert [p.value for p in found.found] == [math.inf, 2.0]
    assert all(math.isfinite(s) for s in found.shares().values())
    found = lens(evaluate(compose("J = log(x) * 0.5 + x*x", {"x": -1.0})), "x").find(1)
    assert found.count == 3 and not found.complete


def through(name: str) -> Graph:
    """x through a shipped module twice, then a sum of squares."""
    graph = Graph()
    edit, last = edits.add_node(graph, "input", "x", value=np.linspace(-1, 1, 12).reshape(3, 4))
    edit.apply(graph)
    for op in (name, name, "square", "sum"):
        if op == name:
            edit, node = add_module(graph, op, examples.modules()[op])
        else:
            edit, node = edits.add_node(graph, op)
        edit.apply(graph)
        edits.connect(last, node, graph.op(node).inputs[0]).apply(graph)
        last = node
    return graph


@pytest.mark.parametrize("name", ["MLP", "ResidualBlock", "TransformerBlock", "Autoencoder"])
def test_through_modules(name: str) -> None:
    evaluation = evaluate(through(name))
    adjoints, telling = evaluation.adjoints, evaluation.steps.telling
    assert adjoints is not None
    sources = [
        n for n in evaluation.values if n in adjoints.adjoint and evaluation.expansion.nodes.get(n)
    ]
    sources = [n for n in sources if evaluation.expansion.nodes[n].op.is_source]
    assert any("." in n for n in sources)
    for node in sources:
        # a bias before softmax has no effect: what cancels inside one step is only rounding
        check_sum(Paths(evaluation.expansion, adjoints, telling.read, node).find(12), 1e-13)


def test_muted_nodes_and_dots_are_read_through() -> None:
    graph = compose("y = sin(x)\nz = 2*y\nJ = y*z", {"x": 0.4})
    wires = [(str(graph.id_of("J")), "a"), (str(graph.id_of("z")), "b")]
    rewiring.add_dot(graph, wires, (8.0, 8.0))[0].apply(graph)
    rewiring.mute(graph, [str(graph.id_of("y"))]).apply(graph)
    found = lens(evaluate(graph), "x").find(9)
    check_sum(found)
    assert [p.value for p in found.found] == pytest.approx([0.8, 0.8])


# ---------------------------------------------------------------- wires of an edge


def wires_of(evaluation: Evaluation, found: Paths, place: tuple[str, ...]) -> set[tuple[str, str]]:
    ends = set()
    for term in found.terms:
        flat = evaluation.expansion.nodes[term.node]
        index = flat.op.ports(len(flat.args)).index(term.port)
        ends |= set(carrying(evaluation.graph, term.node, index, place))
    return ends


def test_the_wires_of_plain_edges_are_their_ends() -> None:
    evaluation = evaluate(compose(M04, {"x": 0.5}))
    found = lens(evaluation, "x")
    assert wires_of(evaluation, found, ()) == {(t.node, t.port) for t in found.terms}


def test_wires_through_dots_muted_nodes_and_modules() -> None:
    graph = through("ResidualBlock")
    evaluation = evaluate(graph)
    first, second = (n for n in graph.nodes if graph.op(n).definition is not None)
    at = {graph.nodes[n].op: n for n in graph.nodes}
    rewiring.add_dot(graph, [(second, "x")], (0.0, 0.0))[0].apply(graph)
    dot = graph.links[second, "x"]
    evaluation = evaluate(graph)
    x = lens(evaluation, "x")
    expected = {(first, "x"), (dot, "x"), (second, "x"), (at["square"], "x"), (at["sum"], "x")}
    assert wires_of(evaluation, x, ()) == expected
    inside = wires_of(evaluation, x, (second,))
    definition = graph.op(second).definition
    assert inside and inside <= set(definition.links)
    # all wires inside lie on a way from x to the result, those of parameters apart
    assert {
        k
        for k, source in definition.links.items()
        if not definition.op(source).is_source or definition.nodes[source].op == "input"
    } == inside
    assert wires_of(evaluation, x, (first, "nowhere")) == set()


def test_wires_to_what_is_read_inside_a_module() -> None:
    graph = through("MLP")
    module = next(n for n in graph.nodes if graph.op(n).definition is not None)
    edit, reader = edits.add_node(graph, "output_of", options={"output": "first"})
    edit.apply(graph)
    edits.connect(module, reader, "module").apply(graph)
    edit, mean = edits.add_node(graph, "mean")
    edit.apply(graph)
    edits.connect(reader, mean, "x").apply(graph)
    evaluation = evaluate(graph)
    assert evaluation.output == mean
    x = lens(evaluation, "x")
    check_sum(x.find(9))
    assert wires_of(evaluation, x, ()) == {(mean, "x"), (module, "x")}


def test_a_lost_edge_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: one of two parallel wires is not followed."""
    whole = paths.between
    monkeypatch.setattr(paths, "between", lambda *args: [t for t in whole(*args) if t.port != "b"])
    found = lens(evaluate(compose("y = x*x\nJ = sin(y)", {"x": 0.7})), "x").find(9)
    with pytest.raises(AssertionError):
        check_sum(found)


def test_a_wrong_rest_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: a beginning that is left out of the rest."""
    right = Paths._branch

    def forgetful(self: Paths, *args: Any) -> int:
        best = right(self, *args)
        if len(self._heap) > 3:
            self._heap.pop()
        return best

    monkeypatch.setattr(Paths, "_branch", forgetful)
    with pytest.raises(AssertionError):
        check_sum(many_paths(False).find(2))


@pytest.mark.parametrize("size", [1e200, math.inf, math.nan])
def test_shares_of_huge_tensors_are_numbers(size: float) -> None:
    found = lens(evaluate(compose("J = sum(w * x + x)", {"w": [size, 1.0], "x": [1.0, 1.0]})), "x")
    shares = found.find(20).shares()
    assert all(0 <= share <= 1 for share in shares.values()) and max(shares.values()) == 1
    if size == 1e200:
        assert max(path.size for path in found.found) == size

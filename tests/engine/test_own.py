"""A person's own operators: the derivative derived from a formula, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import edits, files, ops
from engine.check import check_graph, check_row, own_checks
from engine.compose import compose_edit
from engine.evaluate import evaluate
from engine.expression import ExpressionError, to_text
from engine.graph import Graph, GraphError, Node, OwnOperator
from engine.ops.row import Op
from engine.own import own_row


def made(formula: str, **settings: float) -> Op:
    return own_row("mine", OwnOperator("mine", formula, "", settings))


def failures(op: Op) -> list[str]:
    return [str(f) for found in own_checks(op) for f in found]


@pytest.mark.parametrize(
    ("formula", "derivative"),
    [
        ("x^3 + 3*x^2", "g * (3 * x^2 + 6 * x)"),
        ("sin(x^2)", "g * (2 * (cos(x^2) * x))"),
        ("exp(-(x^2) / 2)", "g * (-(y * x))"),
        ("log(x)", "g * (1 / x)"),
        ("x - 1", "g"),
        ("1 - x", "-g"),
        ("x > 0", "0"),
        ("where(x, 1, 2)", "none"),
        ("softmax(x)", "y * (g - sum(g * y, axis=-1, keepdims=True))"),
    ],
)
def test_the_derivative_is_what_a_person_would_write(formula: str, derivative: str) -> None:
    op = made(formula)
    assert op.inputs == ("x",)
    tree = op.derivative_trees["x"]
    assert (op.derivative["x"] if tree is None else to_text(tree)) == derivative


FORMULAS = (
    ("x * sigmoid(b * x)", {}),
    ("x * sigmoid(beta * x)", {"beta": 1.5}),
    ("leaky_relu(x, slope=k) * 2", {"k": 0.2}),
    ("sin(x^2) / (1 + exp(-x))", {}),
    ("log(x) * sqrt(x)", {}),
    ("a*b + c*d", {}),
    ("where(a > b, a * b, b)", {}),
    ("sum((x - m)^2)", {}),
    ("mean((x @ w + b - t)^2)", {}),
    ("x / sqrt(sum(x^2, axis=-1, keepdims=True))", {}),
    ("softmax(x @ w)", {}),
    ("concat(a, b, a * b, axis=0)", {}),
    ("softmax_cross_entropy(z, t) * 2", {}),
    ("sum(x, axis=0) * 2 + sum(x)", {}),
    ("(x + m) * (x + m) + sum(m)", {}),
    ("max(x, axis=0)", {}),
)


@pytest.mark.parametrize(("formula", "settings"), FORMULAS)
def test_derived_derivatives_agree_with_differences(
    formula: str, settings: dict[str, float]
) -> None:
    op = made(formula, **settings)
    assert len(list(own_checks(op))) >= 2
    assert failures(op) == []


def test_an_elementwise_row_passes_every_check_of_the_table() -> None:
    assert check_row(made("x * tanh(log1p(exp(x)))")) == []


def test_a_wrong_rule_of_a_row_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ops.TABLE["sin"]
    wrong = replace(row, derivative={"x": "g * (1.001 * cos(x))"})
    for table in (ops.TABLE, ops._CALLS):
        for key, found in list(table.items()):  # type: ignore[attr-defined]
            if found is row:
                monkeypatch.setitem(table, key, wrong)  # type: ignore[arg-type]
    assert failures(made("x * sin(x)"))


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        ("", "empty"),
        ("x +", "cannot read"),
        ("a = x", "without '='"),
        ("foo(x)", "no operator 'foo'"),
        ("x", "computes nothing"),
        ("sin(2)", "reads nothing"),
        ("y * 2", "y stands for the operator's own result"),
        ("x * g", "upstream gradient"),
        ("mine(x)", "no operator 'mine'"),
        ("sum_to(x, z)", "derivatives only"),
        ("sum(x, axis='a')", "axis of sum"),
        ("dropout(x, rate=0.5)", "place it as a node"),
        ("+".join(f"sin(x{i})" for i in range(9)), "at most 8"),
        ("+".join(["x"] * 400), "more than 300 parts"),
        ("softmax(" * 40 + "x" + ")" * 40, "split"),
    ],
)
def test_what_cannot_be_an_operator_is_refused_in_a_sentence(formula: str, word: str) -> None:
    with pytest.raises(GraphError, match=word.replace("(", r"\(")):
        made(formula)


def document(formula: str = "x * sigmoid(b * x)", **settings: float) -> Graph:
    graph = Graph()
    graph.put("operators", "mine", OwnOperator("mine", formula, "", settings))
    return graph


def test_an_operator_belongs_to_its_document_alone() -> None:
    graph = document()
    row = graph.row("mine")
    assert row is not None and row.inputs == ("x", "b")
    assert "mine" not in ops.TABLE and Graph().row("mine") is None
    assert graph.copy().row("mine") is row
    assert list(graph.own_rows) == ["mine"]


@pytest.mark.parametrize(
    "name", ["sin", "dot", "max", "n3", "a.1", "2x", "", "x" * 99, "for", "pi"]
)
def test_names_that_are_taken_or_unreadable_are_refused(name: str) -> None:
    with pytest.raises(GraphError):
        Graph().put("operators", name, OwnOperator(name, "x * 2"))


def test_one_in_use_stays_and_one_replaced_still_fits() -> None:
    graph = document()
    graph.put("nodes", "n1", Node("n1", "mine", "a", {}, {"x": 1.0, "b": 2.0}))
    with pytest.raises(GraphError, match="a is a mine; remove"):
        graph.put("operators", "mine", None)
    with pytest.raises(GraphError, match="a has a wire at port b, which mine"):
        graph.put("operators", "mine", OwnOperator("mine", "x * 2"))
    old = graph.put("operators", "mine", OwnOperator("mine", "x * b"))
    assert old.formula == "x * sigmoid(b * x)"
    assert np.isclose(graph.op("n1").scalar(3.0, 2.0), 6.0)  # type: ignore[misc]


# ------------------------------------------------------------ edits


def used(name: str = "mine", formula: str = "x * sigmoid(b * x)", **settings: float) -> Graph:
    """`p` is the operator of the inputs `u` and 2."""
    graph = Graph()
    graph.put("operators", name, OwnOperator(name, formula, "", settings))
    edits.add_node(graph, "input", "u", value=0.5)[0].apply(graph)
    edits.add_node(graph, name, "p", literals={"b": 2.0})[0].apply(graph)
    graph.put("links", ("n2", "x"), "n1")
    return graph


def value(graph: Graph, name: str = "p") -> float:
    return float(evaluate(graph).values[str(graph.id_of(name))])


def test_a_document_computes_and_differentiates_it() -> None:
    graph = used()
    found = evaluate(graph)
    one = 1 / (1 + np.exp(-1.0))
    assert np.isclose(found.values["n2"], 0.5 * one)
    assert np.isclose(found.gradients["n1"], one + 0.5 * one * (1 - one) * 2)
    assert check_graph(graph)["n1"] < 1e-9
    backward = [step for step in found.steps if step.phase == "backward"]
    assert (
        backward[0].text
        == "dp/du += dp/dp * (2 * (u * (sigmoid(2 * u) * (1 - sigmoid(2 * u)))) + sigmoid(2 * u))"
    )


def test_formulas_typed_in_a_document_call_its_operators() -> None:
    graph = used()
    edit, _ = compose_edit(graph, "J = mine(u, 3) + mine(u, 3)^2")
    edit.apply(graph)
    v = 0.5 / (1 + np.exp(-1.5))
    assert np.isclose(value(graph, "J"), v + v * v)
    assert len(graph.of_op("mine")) == 2
    with pytest.raises(ExpressionError, match=r"mine takes 2 operands \(x, b\), not 1"):
        compose_edit(graph, "J = mine(u)")
    with pytest.raises(ExpressionError, match="no operator 'mine'"):
        compose_edit(Graph(), "J = mine(u, 1)")


def undone(graph: Graph, edit: edits.Edit) -> None:
    """Applies an edit, takes it back and applies it again."""
    before = files.to_text(graph)
    inverse = edit.apply(graph)
    after = files.to_text(graph)
    again = inverse.apply(graph)
    assert files.to_text(graph) == before
    again.apply(graph)
    assert files.to_text(graph) == after


def test_one_is_changed_and_renamed_with_its_nodes() -> None:
    graph = used(formula="x * b * k", k=3.0)
    assert np.isclose(value(graph), 3.0)
    undone(graph, edits.set_operator(graph, OwnOperator("mine", "x - b"), "mine"))
    assert np.isclose(value(graph), -1.5)
    undone(graph, edits.set_operator(graph, OwnOperator("other", "x + b"), "mine"))
    assert graph.nodes["n2"].op == "other" and list(graph.operators) == ["other"]
    assert np.isclose(value(graph), 2.5)
    for name in ("other", "another"):
        with pytest.raises(GraphError, match=r"wired|wire at port"):
            edits.set_operator(graph, OwnOperator(name, "z + b"), "other").apply(graph)
        assert list(graph.operators) == ["other"]
    with pytest.raises(GraphError, match="remove it first"):
        edits.remove_operator("other").apply(graph)
    edits.remove_nodes(graph, ["n2"]).apply(graph)
    undone(graph, edits.remove_operator("other"))
    assert graph.row("other") is None


def test_copies_bring_their_operator_along() -> None:
    graph = used()
    part = edits.subgraph(graph, ["n2"])
    assert list(part.operators) == ["mine"]
    for target, names in (
        (Graph(), ["mine"]),
        (used(), ["mine"]),
        (used(formula="x + b"), ["mine", "mine_2"]),
    ):
        edit, ids = edits.insert(target, part)
        undone(target, edit)
        assert sorted(target.operators) == names
        assert target.nodes[ids["n2"]].op == names[-1]
        assert target.op(ids["n2"]).formula == graph.op("n2").formula


def test_a_file_keeps_it() -> None:
    graph = used(formula="x * b + k", k=0.1)
    for again in (files.from_bytes(files.to_bytes(graph)), files.from_text(files.to_text(graph))):
        assert again.operators == graph.operators
        assert value(again) == value(graph)

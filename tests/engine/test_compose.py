"""Formula text to nodes: naming, sharing, rebinding, literals, and edits that can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.compose import compose, compose_edit, formula_of
from engine.evaluate import evaluate
from engine.examples import SHIPPED
from engine.expression import ExpressionError
from engine.graph import Graph

pytestmark = pytest.mark.filterwarnings("error")


def formulas(graph: Graph) -> dict[str, str]:
    """Every computed node by name with its own formula, in the order of the document."""
    return {
        n.name: formula_of(graph, i) for i, n in graph.nodes.items() if not graph.op(i).is_source
    }


def tables(graph: Graph) -> tuple[Any, ...]:
    tensors = {k: (v.dtype, v.tolist()) for k, v in graph.tensors.items()}
    return dict(graph.nodes), dict(graph.links), tensors, dict(graph.sources), dict(graph.settings)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("cos(sin(x^2) + 3*x^2)",
         {"v1": "x^2", "v2": "sin(v1)", "v3": "3 * v1", "v4": "v2 + v3", "v5": "cos(v4)"}),
        ("t = x^2\nJ = cos(sin(t) + 3*t)",
         {"t": "x^2", "v1": "sin(t)", "v2": "3 * t", "v3": "v1 + v2", "J": "cos(v3)"}),
        ("c = a + b\nc = c * 2\nc = c - 1", {"c.1": "a + b", "c.2": "c.1 * 2", "c": "c.2 - 1"}),
        ("c = a\nc += 1\nc *= c", {"c.1": "a + 1", "c": "c.1 * c.1"}),
        ("x = x + 1", {"x": "x.1 + 1"}),
        ("a = x^2\nb = x^2", {"a": "x^2", "b": "x^2"}),
        ("a = x^2\nx^2 + 1", {"a": "x^2", "v1": "a + 1"}),
        ("v1 = x + 1\nsin(x)", {"v1": "x + 1", "v2": "sin(x)"}),
        ("b = a\nb * 2", {"v1": "a * 2"}),
        ("2 * 3 * x", {"v1": "6 * x"}),
        ("2 * pi * x", {"v1": "6.283185307179586 * x"}),
        ("max(x, y) + max(x, axis=0)", {"v1": "max(x, y)", "v2": "max(x, axis=0)", "v3": "v1 + v2"}),
        ("sum(x, 1, True)", {"v1": "sum(x, axis=1, keepdims=True)"}),
        ("leaky_relu(x)", {"v1": "leaky_relu(x)"}),
        ("x[0, 1:3]", {"v1": "x[0, 1:3]"}),
        ("-x / 2", {"v1": "-x", "v2": "v1 / 2"}),
    ],
)  # fmt: skip
def test_names_and_formulas(program: str, expected: dict[str, str]) -> None:
    graph = compose(program, default=1.0)
    assert formulas(graph) == expected
    assert graph.name(graph.settings["output"]) == list(expected)[-1]


def test_literals_live_on_ports() -> None:
    graph = compose("3*x^2", {"x": 1.0})
    assert sorted(n.op for n in graph.nodes.values()) == ["input", "mul", "pow"]
    product = next(n for n in graph.nodes.values() if n.op == "mul")
    assert dict(product.literals) == {"a": 3.0}
    assert len(graph.links) == 2


def test_a_number_alone_is_a_constant() -> None:
    graph = compose("a = 2 * 3\nb = a * x", {"x": 2.0})
    assert graph.nodes[graph.id_of("a")].op == "constant"
    assert float(evaluate(graph).values[graph.id_of("b")]) == 12.0


def test_equal_parts_of_different_options_are_not_shared() -> None:
    graph = compose("sum(x, axis=0)[0] + sum(x, axis=1)[0] + sum(x, axis=0)[0]", {"x": np.eye(2)})
    assert len([n for n in graph.nodes.values() if n.op == "sum"]) == 2


def test_literals_that_compare_equal_are_not_shared() -> None:
    """0 and -0 are equal as keys, and 1/0 and 1/-0 are not."""
    graph = compose("1 / (0 * x) + 1 / (-0.0 * x)", {"x": 1.0})
    assert np.isnan(evaluate(graph).values[graph.output()])


def test_pi_can_be_redefined() -> None:
    assert formulas(compose("pi * x", {"pi": 3.0, "x": 1.0})) == {"v1": "pi * x"}
    assert formulas(compose("pi = x + 3\npi * 2", default=1.0)) == {"pi": "x + 3", "v1": "pi * 2"}


@pytest.mark.parametrize(
    ("program", "values", "part"),
    [
        ("x + y", {"x": 1.0}, "y has no value; give one with --at y=VALUE"),
        ("x + 1", {"x": 1.0, "z": 2.0}, "does not read 'z'; it reads x"),
        ("sinn(x)", {"x": 1.0}, "did you mean sin?"),
        ("softmx(x)", {"x": 1.0}, "did you mean softmax?"),
        ("zzz(x)", {"x": 1.0}, "there is no operator 'zzz'"),
        ("sin(x, y)", {"x": 1.0, "y": 1.0}, "sin takes 1 operand (x), not 2"),
        ("where(x, y)", {"x": 1.0, "y": 1.0}, "where takes 3 operands"),
        ("sum(x, axes=1)", {"x": 1.0}, "no option 'axes'; it has: axis, keepdims"),
        ("sum(x, axis=n)", {"x": 1.0}, "axis of sum must be a value, not 'n'"),
        ("reshape(x)", {"x": 1.0}, "reshape needs shape=..."),
        ("leaky_relu(x, 0.1, 0.2)", {"x": 1.0}, "leaky_relu has slope; 2 are given"),
        ("leaky_relu(x, slope='a')", {"x": 1.0}, "slope of leaky_relu is a number"),
        ("sum_to(x, y)", {"x": 1.0, "y": 1.0}, "used by derivatives only"),
        ("x.1 + 1", {"x": 1.0}, "line 1"),
    ],
)
def test_refusals_are_sentences(program: str, values: dict[str, float], part: str) -> None:
    with pytest.raises(ValueError) as caught:
        compose(program, values)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_of_a_document_composes_to_the_same_values(grow_program: Callable[..., Any]) -> None:
    for seed in range(20):
        program = grow_program(seed)
        first = compose(program.text, program.inputs)
        text = "\n".join(f"{name} = {formula}" for name, formula in formulas(first).items())
        second = compose(text, program.inputs)
        dots = {first.name(n) for n in first.nodes if first.op(n).is_wire}
        told = {name: formula for name, formula in formulas(first).items() if name not in dots}
        assert formulas(second) == told  # a name for a name makes no node
        expected = evaluate(first).values
        for node, value in evaluate(second).values.items():
            np.testing.assert_array_equal(value, expected[first.id_of(second.name(node))])


def test_thousands_of_rebindings_are_quick() -> None:
    """Once cubic: each looked for its number among all names from 1 on."""
    graph = compose("\n".join(["y = x", *["y += 1"] * 3000]), {"x": 1.0})
    assert float(evaluate(graph).values[graph.id_of("y")]) == 3001.0
    assert graph.id_of("y.2999") is not None


# ---------------------------------------------------------------- into an open document


def test_one_edit_and_its_inverse() -> None:
    graph = compose("t = x^2\nJ = cos(t)", {"x": 1.0})
    before = tables(graph)
    edit, ids = compose_edit(graph, "k = t * w\nt = k + 1\nJ = sin(t)", at=(500.0, 100.0))
    assert tables(graph) == before  # nothing yet
    inverse = edit.apply(graph)
    assert [graph.name(n) for n in ids] == ["w", "k", "t", "J"] or {graph.name(n) for n in ids} == {
        "w",
        "k",
        "t",
        "J",
    }
    assert formulas(graph) == {
        "t.1": "x^2", "J.1": "cos(t.1)", "k": "t.1 * w", "t": "k + 1", "J": "sin(t)",
    }  # fmt: skip
    assert graph.name(graph.settings["output"]) == "J"
    assert min(graph.nodes[n].x for n in ids) == 500.0
    assert min(graph.nodes[n].y for n in ids) == 100.0
    after = tables(graph)
    redo = inverse.apply(graph)
    assert tables(graph) == before
    redo.apply(graph)
    assert tables(graph) == after


def test_names_of_the_document_are_read() -> None:
    graph = compose("v1 = x^2", {"x": 3.0})
    edit, ids = compose_edit(graph, "v1 + x")
    edit.apply(graph)
    assert formulas(graph) == {"v1": "x^2", "v2": "v1 + x"}
    assert float(evaluate(graph).values[graph.id_of("v2")]) == 12.0
    assert len(ids) == 1


def test_a_refused_program_changes_nothing() -> None:
    graph = compose("y = x^2", {"x": 3.0})
    before = tables(graph)
    for text in ("sinn(x)", "x +", "reshape(x)", "sum(y, axis='a')"):
        with pytest.raises(ValueError):
            compose_edit(graph, text)
    assert tables(graph) == before


def test_an_edit_that_forgets_the_old_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the older node is not renamed, so the document refuses the name."""
    monkeypatch.setattr(
        "engine.compose._Builder.give_name", lambda self, n, name: self.rename(n, name)
    )
    with pytest.raises(ValueError, match="taken"):
        compose("c = x + 1\nc = c * 2", {"x": 1.0})


def test_the_document_has_the_dtype_asked_for() -> None:
    graph = compose("x + k", {"x": [1.0, 2.0], "k": np.array([1, 2])}, "float32")
    assert graph.tensors[graph.id_of("x")].dtype == np.float32
    assert graph.tensors[graph.id_of("k")].dtype == np.int64
    with pytest.raises(ExpressionError):
        compose("", {})


def test_modules_are_called_by_name_and_come_along() -> None:
    graph = compose("d = Dense(x, units=3)\nL = sum(d^2)", {"x": [[1.0, 2.0]]}, modules=SHIPPED)
    dense = str(graph.id_of("d"))
    assert graph.nodes[dense].op == "Dense" and list(graph.modules) == ["Dense"]
    assert evaluate(graph).specs[dense].shape == (1, 3)
    edit, _ = compose_edit(graph, "e = Dense(x, tied=d); f = Dense(x) + Dense(x)", modules=SHIPPED)
    undo = edit.apply(graph)
    twin = graph.nodes[str(graph.id_of("e"))]
    assert twin.options["tied"] == dense and formula_of(graph, twin.id) == "Dense(x, tied='d')"
    assert len(graph.of_op("Dense")) == 4  # two calls are two instances
    assert list(graph.modules) == ["Dense"]
    undo.apply(graph)
    copy = graph.copy()
    compose_edit(copy, f"again = {formula_of(graph, dense)}")[0].apply(copy)  # the document's own
    assert copy.nodes[str(copy.id_of("again"))].options["units"] == 3
    for text, told in (
        ("Dense(x, x)", "takes 1 operands"),
        ("Dense(x, width=3)", "has no option 'width'"),
        ("Dense(x, tied=nobody)", "no nobody to be tied to"),
        ("Dens(x)", "there is no operator 'Dens'"),
    ):
        with pytest.raises(ExpressionError, match=told):
            compose_edit(graph, text, modules=SHIPPED)
    with pytest.raises(ExpressionError, match="no operator 'MLP'"):
        compose_edit(graph, "MLP(x)")


def test_a_second_formula_stands_behind_what_it_reads_on_free_ground() -> None:
    graph = compose("a = x^2; b = sin(a); L = b + a", {"x": 1.0})
    made: list[str] = []
    for text in ("q = 3 * L; r = q + L", "s = 2 * L", "t = exp(a); u = t + r", "w = cos(k)"):
        before = {n: (node.x, node.y) for n, node in graph.nodes.items()}
        edit, made = compose_edit(graph, text, None)
        edit.apply(graph)
        for n in made:
            node = graph.nodes[n]
            for port in graph.ports(n):
                source = graph.operand(n, port)
                if isinstance(source, str):
                    assert graph.nodes[source].x + 128 <= node.x, node.name
            for x, y in before.values():
                assert abs(x - node.x) >= 128 or abs(y - node.y) >= 76, node.name
        assert before.items() <= {n: (o.x, o.y) for n, o in graph.nodes.items()}.items()

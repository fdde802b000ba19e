"""The closed forms of functions and derivatives: what they equal, how they are written, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import examples, ops
from engine.closed_form import ClosedForm, Style, TooLong, Writing, second_order
from engine.compose import compose
from engine.derive import derive
from engine.evaluate import Evaluation, evaluate
from engine.expansion import Expansion, Ref
from engine.expression import names as tree_names
from engine.expression import parse, parse_expression, to_text
from engine.neat import neat
from engine.program import Plan
from engine.train import data
from tests.shipped import FEW

M04 = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"
STYLES: tuple[Style, ...] = ("shared", "every", "inputs")
SOURCE = ops.TABLE["input"]


def value_of(form: ClosedForm, found: Evaluation) -> np.ndarray[Any, Any]:
    """The form's program computed anew from the sources, rows of derivatives included."""
    expansion = Expansion()
    names: dict[str, Ref] = {}
    for flat in found.expansion.nodes.values():
        if flat.op.is_source:
            name = found.steps.telling.name(flat.id).replace(".", "_")
            names[name] = expansion.source(name, SOURCE, np.asarray(found.expansion.feeds[flat.id]))
    for statement in parse(form.text):
        assert statement.target is not None
        names[statement.target] = expansion.build(statement.tree, names)
    ref = names[form.line.name]
    plan = Plan(expansion, [ref])
    plan.run()
    return np.array(plan.value(ref))


def forms(found: Evaluation, style: Style) -> dict[str, tuple[ClosedForm, np.ndarray[Any, Any]]]:
    """The function and every gradient of a source, each with the engine's own numbers."""
    assert found.adjoints is not None and found.output is not None
    writing = Writing.of(found.steps.telling)
    output = found.adjoints.output
    made = {"": (writing.function(output, style), found.values[found.output])}
    for flat in list(found.expansion.nodes.values()):
        if flat.op.is_source and flat.id in found.adjoints.adjoint:
            form = writing.gradient(found.adjoints.adjoint[flat.id], flat.id, style)
            made[flat.id] = form, found.gradients[flat.id]
    return made


def agree(found: Evaluation, style: Style) -> int:
    made = forms(found, style)
    for form, expected in made.values():
        got = np.broadcast_to(value_of(form, found), expected.shape)
        size = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10 * size, err_msg=form.text)
    return len(made)


# ---------------------------------------------------------------- the worked example


def test_the_worked_example_as_the_lecture_writes_it() -> None:
    found = evaluate(graph := compose(M04, {"x": 0.5}))
    x = graph.id_of("x")
    writing = Writing.of(found.steps.telling)
    function = writing.function(graph.output())
    assert function.text == "t = x^2\nJ = cos(sin(t) + 3 * t)"
    form = writing.gradient(found.adjoints.adjoint[x], x)
    assert form.text == "t = x^2\ndJ_dx = -2 * x * sin(sin(t) + 3 * t) * (cos(t) + 3)"
    assert form.latex.splitlines()[1:3] == [
        r"\frac{\partial J}{\partial x} &= -2 \cdot x \cdot \sin\left(\sin\left(t\right)+3 \cdot t\right)"
        r" \cdot \left(\cos\left(t\right)+3\right) \\",
        "t &= x^{2}",
    ]
    alone = writing.gradient(found.adjoints.adjoint[x], x, "inputs")
    assert alone.where == ()
    assert alone.text == "dJ_dx = -2 * x * sin(sin(x^2) + 3 * x^2) * (cos(x^2) + 3)"
    assert not alone.only_derivatives_use
    every = writing.gradient(found.adjoints.adjoint[x], x, "every")
    assert [line.name for line in every.lines] == ["dJ_dx", "u", "u2", "u1", "t"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("x", [0.5, -1.3, 0.0])
def test_a_closed_form_composed_again_is_the_gradient(style: Style, x: float) -> None:
    found = evaluate(graph := compose(M04, {"x": x}))
    for form, expected in forms(found, style).values():
        again = evaluate(compose(form.text, {"x": x}))
        assert again.values[again.output] == pytest.approx(float(expected), rel=1e-13, abs=1e-15)
    assert graph.output() == found.output


# ---------------------------------------------------------------- many documents


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", FEW)
def test_shipped_examples(name: str, style: Style) -> None:
    graph = examples.load(name)
    feeds = {n: v[:50] for n, v in data.feeds(graph, None).items()} if graph.sources else {}
    found = evaluate(graph, feeds)
    if found.adjoints is None:
        pytest.skip("its data are to be chosen first")
    assert agree(found, style) > 1


SCALARS = (
    ("sin({0})", "cos({0})", "exp(-{0}^2)", "-{0}", "0.5 * {0}", "1 - {0}", "{0} / 3", "{0}^3",
     "sqrt(2 + {0}^2)", "log(2 + {0}^2)", "tanh({0})", "1 / (2 + {0}^2)", "atan({0})"),
    ("{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (2 + {1}^2)", "{0} * {0} * {1}"),
)  # fmt: skip


def scalar_program(seed: int) -> tuple[str, dict[str, float]]:
    """Plain functions of one or two numbers with fan-outs, the last statement reading every end."""
    rng = np.random.default_rng(seed)
    names = ["x", "y"][: 1 + seed % 2]
    at = {name: float(rng.uniform(-1.2, 1.2)) for name in names}
    lines = []
    for i in range(int(rng.integers(3, 9))):
        kind = SCALARS[int(rng.random() < 0.5)]
        a, b = (names[int(rng.integers(max(0, len(names) - 4), len(names)))] for _ in range(2))
        lines.append(f"u{i} = {kind[int(rng.integers(len(kind)))].format(a, b)}")
        names.append(f"u{i}")
    ends = [n for n in names if all(n not in line.partition("=")[2] for line in lines)]
    text = "\n".join([*lines, f"J = {' + '.join(f'sin({n})' for n in ends)}"])
    return text, {n: v for n, v in at.items() if re.search(rf"\b{n}\b", text)}


@pytest.mark.parametrize("style", STYLES)
def test_300_random_scalar_graphs(style: Style) -> None:
    written = 0
    for seed in range(300):
        text, at = scalar_program(seed)
        try:
            written += agree(evaluate(compose(text, at)), style)
        except TooLong:
            assert style == "inputs"
    assert written > 500


@pytest.mark.parametrize("style", ["shared", "every"])
def test_random_programs_of_vectors_and_matrices(
    grow_program: Callable[..., Any], style: Style
) -> None:
    written = 0
    for seed in range(40):
        program = grow_program(seed, 12)
        written += agree(evaluate(compose(program.text, program.inputs)), style)
    assert written > 100


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "program",
    [
        "J = sum((W @ v - y)^2)",
        "h = tanh(x @ W + b)\nJ = softmax_cross_entropy(h @ V, k)",
        "J = mean(relu(x @ W)) + sum(W^2) / 7",
        "J = max(W) + sum(v * v) - prod(v)",
    ],
)
def test_tensors(program: str, style: Style) -> None:
    rng = np.random.default_rng(3)
    values = {
        "W": rng.normal(size=(2, 3)) if "x" in program else rng.normal(size=(3, 2)),
        "v": rng.normal(size=2), "y": rng.normal(size=3), "x": rng.normal(size=(4, 2)),
        "b": rng.normal(size=3), "V": rng.normal(size=(3, 3)), "k": np.array([0, 2, 1, 1]),
    }  # fmt: skip
    read = {name for statement in parse(program) for name in tree_names(statement.tree)}
    graph = compose(program, {n: v for n, v in values.items() if n in read})
    assert agree(evaluate(graph), style) > 1


def test_ones_of_the_same_shape_are_not_written() -> None:
    found = evaluate(graph := compose("J = sum((x - y)^2)", {"x": [1.0, 2.0], "y": [0.5, 0.1]}))
    x = graph.id_of("x")
    form = Writing.of(found.steps.telling).gradient(found.adjoints.adjoint[x], x)
    assert form.text == "dJ_dx = 2 * (x - y)"


# ---------------------------------------------------------------- an independent oracle


@pytest.mark.peer
def test_random_scalar_gradients_equal_those_of_sympy() -> None:
    sympy = pytest.importorskip("sympy")
    symbols = {name: sympy.Symbol(name, real=True) for name in ("x", "y")}
    checked = 0
    for seed in range(60):
        text, at = scalar_program(seed)
        found = evaluate(graph := compose(text, at))
        writing = Writing.of(found.steps.telling)
        function = _sympy(writing.function(graph.output(), "shared"), sympy, symbols)
        for name in at:
            node = graph.id_of(name)
            form = writing.gradient(found.adjoints.adjoint.get(node, 0.0), node)
            difference = _sympy(form, sympy, symbols) - sympy.diff(function, symbols[name])
            # exact zero where sympy can tell within reason, else at 40 digits in three places
            for place in (0.3, -0.7, 1.1):
                point = {symbols[n]: sympy.Rational(str(place)) + i for i, n in enumerate(at)}
                assert abs(sympy.N(difference.subs(point), 40)) < 1e-13, (seed, form.text)
            checked += 1
    assert checked > 60


@pytest.mark.peer
@pytest.mark.parametrize(
    "program",
    [M04, "exp(-x^2) * x", "x^3 / (2 + x^2)", "log(2 + x^2) + atan(x)", "tanh(x) * sin(x)"],
)
def test_symbolic_equality_with_sympy(program: str) -> None:
    sympy = pytest.importorskip("sympy")
    symbols = {"x": sympy.Symbol("x", real=True)}
    found = evaluate(graph := compose(program, {"x": 0.4}))
    writing = Writing.of(found.steps.telling)
    node = graph.id_of("x")
    form = writing.gradient(found.adjoints.adjoint[node], node)
    expected = sympy.diff(_sympy(writing.function(found.output), sympy, symbols), symbols["x"])
    difference = _sympy(form, sympy, symbols) - expected
    assert sympy.simplify(sympy.nsimplify(difference).rewrite(sympy.exp)) == 0


def _sympy(form: ClosedForm, sympy: Any, symbols: dict[str, Any]) -> Any:
    """The form's program as one sympy expression; no part of the engine reads it."""
    known = dict(symbols)
    result: Any = 0
    for line in form.text.splitlines():
        name, _, text = line.partition(" = ")
        result = known[name] = sympy.sympify(text.replace("^", "**"), locals=known)
    return sympy.nsimplify(result)


# ---------------------------------------------------------------- higher orders


def test_second_derivatives_as_closed_forms() -> None:
    program, at = "J = x^2 * sin(y) + exp(x * y)", {"x": 0.7, "y": -0.4}
    found = evaluate(graph := compose(program, at))
    before = dict(found.expansion.nodes)
    x, y = graph.id_of("x"), graph.id_of("y")
    longer, refs = second_order(found.expansion, found.output, [x, y])
    assert found.expansion.nodes == before
    writing = Writing(longer, graph.name, "J")
    expected = derive(program, at, hessian=True).hessian
    for (row, column), ref in refs.items():
        form = writing.second(ref, row, column, "inputs")
        wanted = expected[graph.name(row)][graph.name(column)]
        assert value_of(form, found) == pytest.approx(float(wanted), rel=1e-12)


def test_the_second_derivative_of_the_worked_example() -> None:
    found = evaluate(graph := compose(M04, {"x": 1.0}))
    x = graph.id_of("x")
    longer, refs = second_order(found.expansion, found.output, [x])
    form = Writing(longer, graph.name, "J").second(refs[x, x], x, x)
    assert form.line.latex_name == r"\frac{\partial^{2} J}{\partial x^{2}}"
    assert form.line.name == "d2J_dxdx"
    made_up = [line.name for line in form.where if line.name.startswith("s")]
    assert made_up == [f"s{i + 1}" for i in range(len(made_up))]
    assert value_of(form, found) == pytest.approx(40.7420061554213, rel=1e-13)


# ---------------------------------------------------------------- limits and names


def test_a_long_chain_is_broken_into_lines_that_can_be_read_again() -> None:
    text = "\n".join([f"u{i + 1} = sin(u{i})" for i in range(300)]).replace("u0", "x")
    found = evaluate(graph := compose(text, {"x": 0.5}))
    writing = Writing.of(found.steps.telling)
    function = writing.function(graph.output())
    assert 25 < len(function.lines) < 50
    assert max(len(to_text(line.tree)) for line in function.lines) < 400
    assert agree(found, "shared") == 2
    with pytest.raises(TooLong, match="over the inputs alone it would have more than 220 parts"):
        writing.function(graph.output(), "inputs")


def test_a_document_that_is_too_long_is_told() -> None:
    text = "\n".join([f"u{i + 1} = sin(u{i})" for i in range(1200)]).replace("u0", "x")
    found = evaluate(graph := compose(text, {"x": 0.5}))
    with pytest.raises(TooLong, match="more than 1,000 steps"):
        Writing.of(found.steps.telling).function(graph.output())


def test_doubling_fan_outs_stay_short_with_names_and_are_refused_without() -> None:
    text = "\n".join([f"u{i + 1} = u{i} * u{i} + 0.1" for i in range(30)]).replace("u0", "x")
    found = evaluate(graph := compose(text, {"x": 0.5}))
    writing = Writing.of(found.steps.telling)
    x = graph.id_of("x")
    assert sum(len(to_text(line.tree)) for line in writing.function(found.output).lines) < 2000
    writing.gradient(found.adjoints.adjoint[x], x)
    with pytest.raises(TooLong):
        writing.gradient(found.adjoints.adjoint[x], x, "inputs")


def test_names_of_modules_and_names_that_are_taken() -> None:
    text = "dJ_dx = x^2 + 1; s1 = sin(dJ_dx) * dJ_dx; J = s1 * s1"
    found = evaluate(graph := compose(text, {"x": 0.5}))
    x = graph.id_of("x")
    form = Writing.of(found.steps.telling).gradient(found.adjoints.adjoint[x], x)
    names = [line.name for line in form.lines]
    assert len(set(names)) == len(names)
    assert agree(found, "shared") == 2


def test_a_module_is_written_over_its_inputs() -> None:
    program = "h = Dense(x, units=2)\nJ = sum(h^2)"
    found = evaluate(graph := compose(program, {"x": np.ones((3, 2))}, modules=examples.modules()))
    assert agree(found, "shared") > 2
    inner = found.step_of(graph.id_of("h"))
    form = Writing.of(found.steps.telling).function(inner)
    assert form.text == "h = x @ h_W + h_b"
    assert form.latex == r"h = x \, \mathrm{h.W}+\mathrm{h.b}"
    outer = Writing.of(found.steps.telling, [inner]).function(found.output)
    assert outer.text == "J = sum(h^2)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(-sin(u)) * 3 + (-sin(u)) * cos(t)", "-sin(u) * (3 + cos(t))"),
        ("a * (1 / b)", "a / b"), ("(a / b) / b", "a / b^2"), ("x * x^2", "x^3"),
        ("(2 * x) * (-3)", "-6 * x"), ("x + x", "2 * x"), ("x - x", "x - x"), ("x / x", "x / x"),
        ("-a + b", "b - a"), ("a - (b - c)", "a - b + c"), ("2 * x / 3", "2 * x / 3"),
        ("2 * x / 4", "x / 2"), ("0 * x", "0 * x"), ("x / 0", "x / 0"), ("x^2 + x * y", "x * (x + y)"),
        ("sin(x)", "sin(x)"), ("x^0.5 * x", "x * x^0.5"), ("a / c + b / c", "(a + b) / c"),
    ],
)  # fmt: skip
def test_products_and_sums(text: str, expected: str) -> None:
    tree = parse_expression(text)
    assert to_text(neat(tree)) == expected  # type: ignore[arg-type]


def test_what_is_tested_for_being_equal_is_computed_in_the_same_order() -> None:
    """A difference taken apart would round differently, and no entry would be the largest."""
    for seed in range(20):
        given = dict(zip("pqrs", np.random.default_rng(seed).normal(size=(4, 5)), strict=True))
        program = "J = max_abs_error(p + 0.1 * tanh(q), r + 0.1 * tanh(s))"
        found = evaluate(compose(program, given))
        p = str(found.graph.id_of("p"))
        assert found.adjoints is not None
        form = Writing.of(found.steps.telling).gradient(found.adjoints.adjoint[p], p, "inputs")
        again = evaluate(compose(form.text, given))
        np.testing.assert_allclose(again.values[str(again.output)], found.gradients[p], 1e-12)

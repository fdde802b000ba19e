"""Answers are graded, and a planted mistake is named: the step it was made at, and which it was."""

from __future__ import annotations

import math
import os
import random
import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from engine.compose import compose
from engine.differentiate import Contribution
from engine.edits import connect
from engine.evaluate import Evaluation, evaluate
from engine.examples import SHIPPED
from engine.graph import Graph
from engine.modules import add_module
from engine.ops import TABLE
from engine.teaching.asking import asked
from engine.teaching.grading import grade, is_right
from engine.teaching.mistakes import MISTAKES
from engine.teaching.slips import called
from engine.teaching.typed import decimals, read_number

LONG = bool(os.environ.get("GRADLOOM_LONG"))
GRAPHS = 3_000 if LONG else 150

UNARY = ["sin({})", "cos({})", "exp({})", "sigmoid({})", "tanh({})", "{}^2", "{}^3", "sqrt({}+9)"]
BINARY = ["{} * {}", "{} + {}", "{} - {}", "{} / ({}^2 + 2)", "{} * {}", "{} + {}"]


def random_document(rng: random.Random) -> Evaluation:
    """A graph of 4 to 9 nodes over three inputs, with fan-outs, its numbers of ordinary size."""
    while True:
        names, lines = ["x", "y", "z"], []
        for i in range(rng.randint(3, 7)):
            row = rng.choice(UNARY if rng.random() < 0.5 else BINARY)
            text = row.format(*(rng.choice(names[-4:]) for _ in range(2)))
            names.append(f"h{i}")
            lines.append(f"h{i} = {text}")
        lines.append("J = " + " + ".join(names[-2:]))
        given = {n: round(rng.uniform(0.3, 1.9), 2) * rng.choice((1, -1)) for n in "xyz"}
        program = "\n".join(lines)
        used = {n: v for n, v in given.items() if re.search(rf"\b{n}\b", program)}
        found = evaluate(compose(program, used))
        values = [float(v) for v in found.gradients.values()]
        sound = all(math.isfinite(v) and 1e-2 < abs(v) < 200 for v in values)
        if sound and found.adjoints and len(found.gradients) > 4:
            return found


Planted = tuple[str, Callable[[float, float, float, float], float]]
"""The name of a mistake, and the term it gives from upstream, local, and the step's operand and result."""
ANY: list[Planted] = [
    ("wrong sign", lambda g, local, x, y: -g * local),
    ("upstream", lambda g, local, x, y: local),
    ("local", lambda g, local, x, y: g),
]
OF_ROW: dict[str, list[Planted]] = {
    "sin": [("function", lambda g, local, x, y: g * math.sin(x))],
    "cos": [("function", lambda g, local, x, y: g * math.cos(x))],
    "pow": [
        ("factor", lambda g, local, x, y: g * local / (3 if abs(y - x**3) < 1e-9 else 2)),
        ("power", lambda g, local, x, y: g * local * x),
    ],
    "tanh": [("elsewhere", lambda g, local, x, y: g * (1 - x * x)),
             ("similar", lambda g, local, x, y: g / (1 + x * x))],
    "sigmoid": [("elsewhere", lambda g, local, x, y: g * x * (1 - x)),
                ("factor", lambda g, local, x, y: g * y)],
    "exp": [("elsewhere", lambda g, local, x, y: g * x)],
}  # fmt: skip


def with_mistake(found: Evaluation, target: str, at: Contribution | None, term: float) -> float:
    """The gradient at a step when one term of the backward pass is another number: the pass done again
    in plain floats."""
    assert found.adjoints is not None
    read = found.steps.telling.read
    gradient = {found.adjoints.output: 1.0}
    for c in found.adjoints.contributions:
        local = float(np.asarray(read(c.local)))
        value = term if c is at else gradient[c.node] * local
        gradient[c.target] = gradient.get(c.target, 0.0) + value
    return gradient[target]


def test_a_planted_mistake_is_named() -> None:
    """Of the answers that a mistake makes wrong, nearly all name its step, or one at which another
    mistake gives the same number; most that only one mistake gives name that mistake."""
    rng, seen = random.Random(7), Counter[str]()
    while seen["planted"] < GRAPHS:
        found = random_document(rng)
        telling = found.steps.telling
        assert found.adjoints is not None
        term = rng.choice(found.adjoints.contributions)
        sources = [n for n in found.gradients if found.expansion.nodes[n].op.is_source]
        target = rng.choice([n for n in sources if n in found.graph.nodes] or [term.target])
        flat = found.expansion.nodes[term.node]
        of_target = [c for c in found.adjoints.contributions if c.target == term.target]
        kinds = [*ANY, *OF_ROW.get(flat.op.name, [])]
        if len(of_target) > 1:
            kinds += [("left out", lambda g, local, x, y: 0.0)]
        name, planted = rng.choice(kinds)
        numbers = [
            float(np.asarray(telling.read(r)))
            for r in (term.upstream, term.local, term.target, term.node)
        ]
        wrong = with_mistake(found, target, term, planted(*numbers))
        right = float(found.gradients[target])
        assert with_mistake(found, target, None, 0.0) == pytest.approx(right, rel=1e-12)
        if is_right(wrong, right) or not math.isfinite(wrong):
            continue
        seen["planted"] += 1
        step = found.steps.script.passes[term.node, str(term.port)].number
        said = grade(found, repr(wrong), found.graph.name(target), "gradient")
        assert not said.right and said.said
        mistake = {"minus": "wrong sign"}.get(said.mistake, said.mistake)
        seen["explained"] += bool(said.mistake)
        seen["step"] += said.step == step
        seen["mistake"] += said.step == step and mistake == name
        seen["alone"] += said.matches == 1
        seen["alone, step"] += said.matches == 1 and said.step == step
        seen["another gives it, too"] += said.matches > 1 and said.step != step
    print(dict(seen))
    total = seen["planted"]
    assert seen["explained"] == total
    assert seen["step"] + seen["another gives it, too"] == total
    assert seen["alone, step"] == seen["alone"]
    assert seen["step"] >= 0.6 * total and seen["mistake"] >= 0.58 * total


def test_planted_defect_is_seen() -> None:
    """The judge of the test above: another term makes another gradient."""
    found = evaluate(compose("t = x^2\nJ = sin(t) + 3*t", {"x": 0.5}))
    assert found.adjoints is not None
    term, x = found.adjoints.contributions[-1], str(found.graph.id_of("x"))
    assert with_mistake(found, x, term, 0.0) != pytest.approx(float(found.gradients[x]))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.5", 0.5), ("-1/3", -1 / 3), ("2,5", 2.5), ("1e-3", 1e-3), ("pi/4", math.pi / 4),
        ("sqrt(2)", math.sqrt(2)), ("√2", math.sqrt(2)), (" −3 ", -3.0), ("+4", 4.0), ("2^-3", 0.125),
        ("max(1, 2)", 2.0), ("1,5/2", 0.75), (".5", 0.5), ("e", math.e), ("-inf", -math.inf), ("π", math.pi),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(text: str, number: float) -> None:
    assert read_number(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    "text", ["", "x", "0.5x", "[1]", "1,2,3", "5e", "import os", "1" * 300, "a=2;b"]
)
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        read_number(text)


def test_decimals() -> None:
    assert [decimals(t) for t in ("0.5", "2,50", "3", "1e-3", "1/3")] == [0.05, 0.005, 0.5, 5e-4, 0]


WORKED = evaluate(compose("t = x^2\nu = sin(t)\nw = 3*t\nJ = cos(u + w)", {"x": 1.0}))
SAID = [
    # answer, node, of, mistake, what is told in words
    ("-4.5608", "x", "gradient", "wrong sign", "Only the sign is wrong"),
    ("2.2804", "x", "gradient", "local", "That is the gradient at t as it is"),
    ("0.348", "t", "gradient", "left out", "You left out the way through w: t is read 2 times, so 2 "
     "terms are added"),
    ("4.9454", "x", "gradient", "upstream", "That is the local derivative of u = sin(t) alone"),
    ("1", "x", "gradient", "value", "That is the value of x"),
    ("4.6", "x", "gradient", "rounded", "rounded too early"),
    ("45.608", "x", "gradient", "ten", "where the point stands"),
    ("0.0175", "u", "value", "degrees", "You took the angle in degrees"),
    ("0.54", "u", "value", "another", "That is cos(t); u is sin(t)."),
    ("-0.841", "u", "value", "negated", "Only the sign is wrong: u is sin(t)."),
    ("4", "w", "value", "another deed", "You added; w multiplies: 3 * t."),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "node", "of", "mistake", "told"), SAID)
def test_what_is_said(answer: str, node: str, of: str, mistake: str, told: str) -> None:
    found = grade(WORKED, answer, node, of)
    assert found.mistake == mistake and told in found.said and not found.right
    number = asked(WORKED, node, of).number
    shown = [h.line.numbers_text for h in found.hints] + [found.said]
    assert number == round(number) or not any(f"{number:.4g}" in text for text in shown)


def test_an_earlier_value_that_was_wrong() -> None:
    """Who computes u = sin(t) in degrees gets another J; what u is, is told."""
    wrong = math.cos(math.sin(math.pi / 180) + 3)
    verdict = grade(WORKED, f"{wrong:.6f}", "J")
    assert verdict.mistake == "degrees" and "u = sin(t)" in verdict.said
    assert verdict.needed == "u is 0.8415; your answer takes 0.01745 for it."
    assert verdict.line is not None and verdict.line.text.startswith("u = sin(t)")


def test_the_same_slip_at_every_step() -> None:
    """Who takes sin for the derivative of sin does so each time: sin(sin(x) * 2)."""
    found = evaluate(compose("a = sin(x)\nb = 2*a\nJ = sin(b)", {"x": 0.7}))
    a = math.sin(0.7)
    verdict = grade(found, repr(math.sin(2 * a) * 2 * a), "x", "gradient")
    assert verdict.mistake == "function" and "J = sin(b)" in verdict.said
    assert verdict.said.endswith("The same is done at one more step.")
    once = grade(found, repr(math.cos(2 * a) * 2 * a), "x", "gradient")
    assert once.mistake == "function" and "a = sin(x)" in once.said and "more" not in once.said


@pytest.mark.parametrize("text", ["4.56", "4,561", "4.5607917906"])
def test_right_within_the_tolerance(text: str) -> None:
    assert grade(WORKED, text, "x", "gradient", tolerance=0.001).right


def test_near_zero_and_not_finite() -> None:
    flat = evaluate(compose("J = sin(x)", {"x": math.pi}))
    assert grade(flat, "0", "J").right and not grade(flat, "0.001", "J").right
    torn = evaluate(compose("J = log(x)", {"x": 0.0}))
    assert grade(torn, "-inf", "J").right
    assert not grade(torn, "3", "x", "gradient").right
    lost = evaluate(compose("J = 2*x", {"x": float("nan")}))
    assert not grade(lost, "3", "J").right


def test_tensors_by_entry() -> None:
    found = evaluate(
        compose("h = relu(W@x)\nJ = sum(h^2)", {"W": [[1.0, 2], [3, 4]], "x": [3.0, 5]})
    )
    assert grade(found, "130", "W", "gradient", (0, 1)).right
    verdict = grade(found, "65", "W", "gradient", (0, 1))
    assert verdict.mistake == "factor" and "h^2" in verdict.said and verdict.line is not None
    assert "dJ/dh[0]" in verdict.line.text
    verdict = grade(found, "26", "W", "gradient", (0, 1))
    assert verdict.mistake == "local" and "multiply it by" in verdict.said
    assert verdict.line is not None and verdict.line.text.startswith("dJ/dW[0,1]")
    assert "which of its entries" in grade(found, "1", "W", "gradient").said
    assert "single number" in grade(found, "1", "J", "gradient", (0,)).said
    assert grade(found, "1", "W", "gradient", (5, 1)).said.startswith("W is 2×2")


def test_matrices_that_are_not_transposed() -> None:
    """h = W @ X: the gradient at W is the upstream gradient times X transposed."""
    w, x = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.5, 1.5], [-2.0, 1.0]])
    found = evaluate(compose("h = W @ X\nJ = sum(h^2)", {"W": w, "X": x}))
    upstream = 2 * (w @ x)
    assert grade(found, repr(float((upstream @ x.T)[0, 1])), "W", "gradient", (0, 1)).right
    verdict = grade(found, repr(float((upstream @ x)[0, 1])), "W", "gradient", (0, 1))
    assert verdict.mistake == "transposed" and "h = W @ X hands on to W" in verdict.said
    swapped = grade(found, repr(float((upstream @ x.T)[1, 0])), "W", "gradient", (0, 1))
    assert swapped.said == "That is the gradient at W[1,0], not the gradient at W[0,1]."


def test_inside_a_module() -> None:
    graph = compose("J = sum(a)", {"a": [[1.0, 2.0]]})
    edit, node_id = add_module(graph, "Dense", SHIPPED["Dense"])
    edit.apply(graph)
    connect(str(graph.id_of("a")), node_id, "x").apply(graph)
    connect(node_id, str(graph.id_of("J")), "x").apply(graph)
    found = evaluate(graph)
    path = f"{graph.name(node_id)}.W"
    question = asked(found, path, "gradient", (1, 0))
    assert question.number == 2.0 and question.steps
    assert grade(found, "2", path, "gradient", (1, 0)).right
    assert grade(found, "-2", path, "gradient", (1, 0)).mistake


@pytest.mark.parametrize(
    "graph", [Graph(), compose("x^2", {"x": [1.0, 2.0]}), compose("J = floor(x)", {"x": 1.5})]
)
def test_what_cannot_be_asked_is_a_sentence(graph: Graph) -> None:
    for node in ("x", "J", "block.h", ""):
        for of in ("value", "gradient"):
            assert grade(evaluate(graph), "7", node, of).said.endswith(".")


def test_steps_that_make_a_number_are_found() -> None:
    """Before the first of them the number is not seen, after the last it is."""
    for node, of in [("u", "value"), ("t", "gradient"), ("x", "gradient"), ("J", "gradient")]:
        question, node_id = asked(WORKED, node, of), str(WORKED.graph.id_of(node))
        shown = WORKED.shown_value if of == "value" else WORKED.shown_gradient
        assert shown(node_id, question.first - 1) is None
        end = shown(node_id, question.last)
        assert end is not None and float(end) == question.number
        assert [s.number for s in question.steps][-1] == question.last


def test_mistakes_are_told_in_sentences() -> None:
    words = dict.fromkeys(
        ["name", "J", "v", "u", "formula", "definition", "of", "count", "does"], "q"
    )
    for row in MISTAKES.values():
        assert row.said.format(**words).endswith(".")


@pytest.mark.parametrize("of", ["value", "gradient"])
def test_no_mistake_explains_what_is_no_number(of: str) -> None:
    found = evaluate(compose("t = x*y\nJ = sin(t) + x", {"x": 0.5, "y": 2.0}))
    for typed in ("nan", "sqrt(-1)", "inf", "1e400"):
        verdict = grade(found, typed, "t", of)
        assert not verdict.right and not verdict.mistake and verdict.hints


def test_operations_are_called_by_words() -> None:
    words = {name: called(TABLE[name]) for name in ("maximum", "mod", "square", "sub", "sin", "ge")}
    assert words == {
        "maximum": "maximum", "mod": "mod", "square": "square", "sub": "subtract", "sin": "sin",
        "ge": "at least",
    }  # fmt: skip

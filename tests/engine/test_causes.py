"""Why a gradient is nothing, zero, tiny or not finite: the edge that did it, and the sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import causes, ops
from engine.causes import Cause, cause
from engine.compose import compose
from engine.evaluate import Evaluation, evaluate
from engine.ops.row import Op
from engine.paths import Paths

FLAT = {"dead", "saturated", "clipped", "masked", "outdone", "unread", "satisfied"}
WIDE = np.array([-900.0, -40.0, -7.0, -3.5, -1.5, 0.2, 1.5, 3.5, 7.0, 40.0, 900.0])


def verdict(program: str, given: dict[str, Any], name: str) -> tuple[Cause | None, Evaluation]:
    evaluation = evaluate(compose(program, given))
    telling = evaluation.steps.telling
    assert telling.adjoints is not None
    target = evaluation.step_of(str(evaluation.graph.id_of(name)))
    found = Paths(evaluation.expansion, telling.adjoints, telling.read, target).find(5)
    return cause(telling, found), evaluation


CHAIN = (
    "\n".join([f"h{i} = sigmoid(2 * h{i - 1})" for i in range(1, 15)]).replace("h0", "x")
    + "\nJ = h14"
)
STEP = "h = 1 * tanh(x)"
CASES = [
    # nothing flows
    ("y = 2*x\nJ = z^2", {"x": 1.0, "z": 2.0}, "x", "none", "J does not depend on x", ""),
    ("s = sign(x)\nJ = s*z", {"x": 1.0, "z": 2.0}, "x", "none", "s = sign(x) is level between", "s"),
    ("m = x > 0\nJ = m*z", {"x": 1.0, "z": 2.0}, "x", "none", "m = x > 0 gives truth values", "m"),
    ("k = argmax(x)\nJ = k*z", {"x": np.ones(3), "z": 2.0}, "x", "none", "gives whole numbers", "k"),
    ("J = where(c, a, b)", {"c": 1.0, "a": 2.0, "b": 3.0}, "c",
      "none", "reads c as an index, a condition", "J"),
    ("J = sum(x[k])", {"x": np.ones(3), "k": np.array([0, 1])}, "k", "none", "k holds whole numbers", "k"),
    # zero
    ("h = relu(x)\nJ = h + 1", {"x": -1.2}, "x",
      "zero", "h = relu(-1.2) is dead: its slope there is 0.", "h"),
    ("h = relu(x)\nJ = sum(h)", {"x": -np.ones((2, 3))}, "x",
      "zero", "all 6 entries are dead, with slope 0", "h"),
    ("h = clip(x)\nJ = 3*h", {"x": 2.0}, "x", "zero", "is clipped", "h"),
    ("h = sigmoid(x)\nJ = 3*h", {"x": 800.0}, "x",
      "zero", "h = sigmoid(800) is saturated: its slope there is 0", "h"),
    ("y = where(c > 0, a, b)\nJ = y^2", {"c": 1.0, "a": 2.0, "b": 3.0}, "b",
      "zero", "takes its value from elsewhere", "y"),
    ("y = max(a, b)\nJ = y^2", {"a": 2.0, "b": 3.0}, "a",
      "zero", "y = max(2, 3) takes another value: its slope along a is 0", "y"),
    ("u = w*x\nJ = sin(u)", {"w": 0.0, "x": 3.0}, "x", "zero", "u = 0 * 3 has slope 0 along x", "u"),
    ("J = hinge(s, t)", {"s": np.array([2.0, 3.0]), "t": np.ones(2)}, "s",
      "zero", "all 2 entries of s keep their margin", "J"),
    ("J = x - x", {"x": 3.0}, "x", "zero", "The 2 terms that reach x cancel: +1 and -1.", "J"),
    ("t = 2*x\na = sin(t)\nb = -1 * sin(t)\nJ = a + b", {"x": 0.3}, "x",
      "zero", "terms that reach a cancel: +1 and -1.", "J"),
    ("m = relu(x)*relu(-x)\nJ = sum(m)", {"x": np.array([1.0, -1.0])}, "x",
      "zero", "1 of 2 entries are dead", "v1"),
    # tiny
    ("h = sigmoid(x)\nJ = 3*h", {"x": 22.3}, "x",
      "tiny", "h = sigmoid(22.3) is saturated: its slope there is 2.066e-10", "h"),
    ("h = tanh(x)\nJ = sum(h)", {"x": np.array([14.0, -15.0])}, "x",
      "tiny", "all 2 entries are saturated", "h"),
    (CHAIN + " * 1e-3", {"x": 1.0}, "x", "tiny", "29 edges multiply to", None),
    ("J = 1e-9 * x", {"x": 3.0}, "x", "tiny", "has slope 1e-09 along x", "J"),
    ("J = 1e6*x - 1000000.000000001*x", {"x": 1.0}, "x", "tiny", "cancel: ", None),
    # not finite
    ("u = log(x)\nJ = u*w", {"x": -1.0, "w": 2.0}, "w",
      "not finite", "u = log(-1) is NaN, and all that is made of it", "u"),
    ("u = sqrt(x)\nJ = 3*u", {"x": 0.0}, "x", "not finite", "u = sqrt(0): the slope along x is ∞", "u"),
    ("J = x*y", {"x": 1.0, "y": np.inf}, "x", "not finite", "y is given as ∞", "y"),
    # partly
    ("h = relu(x)\nJ = sum(h)", {"x": np.array([1.0, -1.0, -2.0, -3.0])}, "x",
      "partly zero", "75 % of its entries are 0. h = relu(x): 3 of 4 entries are dead", "h"),
    ("J = sum(x[0]^2)", {"x": np.ones((4, 2))}, "x",
      "partly zero", "6 of 8 entries of x are not read", "v1"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "given", "name", "what", "sentence", "node"), CASES)
def test_the_edge_that_did_it(
    program: str, given: dict[str, Any], name: str, what: str, sentence: str, node: str | None
) -> None:
    found, evaluation = verdict(program, given, name)
    assert found is not None and found.what == what
    assert sentence in found.sentence and found.sentence.endswith(".")
    if node is not None:
        assert (found.node and evaluation.graph.name(found.node)) == (node or None)
    if found.port is not None:
        assert found.port in evaluation.expansion.nodes[str(found.node)].op.ports(2)


@pytest.mark.parametrize(
    ("program", "given"),
    [
        ("t = x^2\nJ = cos(sin(t) + 3*t)", {"x": 0.5}),
        ("J = sum(relu(x))", {"x": np.array([1.0, 2.0, -1.0])}),
        ("J = 2*x", {"x": 1.0}),
    ],
)
def test_nothing_is_said_of_a_gradient_as_it_should_be(program: str, given: dict[str, Any]) -> None:
    assert verdict(program, given, "x")[0] is None
    assert verdict(program, given, "J")[0] is None


def test_where_a_path_that_adds_nothing_ends() -> None:
    program = "h = relu(x)\nJ = h + 2*x + 0*h*x"
    evaluation = evaluate(compose(program, {"x": -1.0}))
    telling = evaluation.steps.telling
    assert telling.adjoints is not None
    x = str(evaluation.graph.id_of("x"))
    paths = Paths(evaluation.expansion, telling.adjoints, telling.read, x).find(9)
    ends = [causes.stopped_at(telling, paths, path) for path in paths.found]
    assert ends[0] is None and paths.found[0].value == 2.0
    assert "h = relu(-1) is dead: its slope there is 0." in [e.sentence for e in ends if e]


def test_tiny_beside_the_others() -> None:
    """1e-5 is much for the seed, and little beside what the other parameters get."""
    graph = compose("h = tanh(a)\nJ = h + 1e4 * b + 1e4 * c", {"a": 6.0, "b": 1.0, "c": 1.0})
    for name in ("a", "b", "c"):
        node = str(graph.id_of(name))
        graph.put("nodes", node, replace(graph.nodes[node], op="parameter"))
    evaluation = evaluate(graph)
    telling = evaluation.steps.telling
    assert telling.adjoints is not None
    found = {
        name: cause(
            telling,
            Paths(
                evaluation.expansion, telling.adjoints, telling.read, str(graph.id_of(name))
            ).find(5),
        )
        for name in ("a", "b")
    }
    assert found["b"] is None
    assert found["a"] is not None and found["a"].sentence.startswith("h = tanh(6) is saturated")


def test_anything_gets_a_sentence_or_none(grow_program: Callable[..., Any]) -> None:
    """Also where numbers are 0, huge, or not finite: no traceback, and a sentence with an edge."""
    said = 0
    for seed in range(40):
        program = grow_program(seed, 15)
        for value in (None, 0.0, 1e3, np.nan, -np.inf):
            given = {
                n: v if value is None or v.dtype.kind != "f" else np.full(v.shape, value)
                for n, v in program.inputs.items()
            }
            evaluation = evaluate(compose(program.text, given))
            telling = evaluation.steps.telling
            if telling.adjoints is None:
                continue
            for node in evaluation.graph.of_op("input"):
                paths = Paths(evaluation.expansion, telling.adjoints, telling.read, node).find(3)
                found = cause(telling, paths)
                gradient = evaluation.gradients.get(node, np.zeros(1))
                odd = not np.isfinite(gradient).all() or not gradient.any()
                assert found is not None or not odd
                if found is not None:
                    said += 1
                    assert found.sentence.endswith(".") and "~" not in found.sentence
    assert said > 100


def slopes_vanish(op: Op) -> bool:
    """Whether a row of one operand has a slope of nearly 0 somewhere."""
    for x in WIDE:
        evaluation = evaluate(compose(f"J = {op.name}(x)", {"x": x}))
        if abs(float(evaluation.gradients[evaluation.graph.id_of("x")])) < 1e-3:
            return True
    return False


def test_every_word_is_known_and_true() -> None:
    words = {op.name: op.flat for op in ops.TABLE.values() if op.flat}
    assert set(words.values()) == FLAT == {*causes._ONE} - {""} == {*causes._MANY} - {""}
    plain = [op for op in ops.TABLE.values() if op.flat and op.elementwise and len(op.inputs) == 1]
    plain = [op for op in plain if not op.statics]
    assert len(plain) > 15
    assert all(slopes_vanish(op) for op in plain)


def test_a_word_that_is_not_true_is_noticed(enter_row: Callable[[Op], None]) -> None:
    """The planted defect."""
    assert not slopes_vanish(replace(ops.TABLE["leaky_relu"], flat="dead"))

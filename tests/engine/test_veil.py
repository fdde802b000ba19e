"""A number that is to be predicted: nothing that an evaluation tells gives it away."""

from __future__ import annotations

import numpy as np
import pytest

from engine.compose import compose
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph
from engine.veil import veiled

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


@pytest.fixture
def graph() -> Graph:
    return compose(WORKED, default=0.5)


def ids(graph: Graph) -> dict[str, str]:
    return {graph.name(n): n for n in graph.nodes}


def told(found: Evaluation) -> str:
    """Everything a person could read of a pass, in full precision."""
    lines = [step.exact_text + step.numbers_text for step in found.steps]
    terms = [p.number for s in found.steps for p in s.terms_told(0, len(s.terms))]
    numbers = [repr(float(v)) for v in (*found.values.values(), *found.gradients.values())]
    return "\n".join((*lines, *terms, *numbers))


def test_a_value_and_what_follows_from_it_are_not_known(graph: Graph) -> None:
    whole, at = evaluate(graph), ids(graph)
    found = veiled(whole, at["u"], "value")
    assert {graph.name(n) for n in found.values} == {"x", "t", "u1", "u2"}
    assert not found.gradients and len(found.steps) == 3
    assert str(float(np.sin(0.25) + 0.75))[:6] not in told(found)
    assert found.shown_value(at["u"], 3) is None


def test_a_gradient_that_is_a_sum_hides_its_terms_as_well(graph: Graph) -> None:
    """dJ/dt at x = 0.5 is -sin(u)(cos(t) + 3); neither its terms nor the sum are told."""
    whole, at = evaluate(graph), ids(graph)
    found = veiled(whole, at["t"], "gradient")
    u = np.sin(0.25) + 0.75
    for number in (-np.sin(u) * np.cos(0.25), -np.sin(u) * 3, -np.sin(u) * (np.cos(0.25) + 3)):
        assert f"{abs(number):.3f}" not in told(found)
    assert {graph.name(n) for n in found.gradients} == {"J", "u", "u1", "u2"}
    assert [s.number for s in found.steps] == list(range(1, len(found.steps) + 1))
    assert all(s.target != at["t"] for s in found.steps)
    assert found.shown_gradient(at["t"], 99) is None


def test_of_a_sum_that_goes_on_later_no_later_term_is_told() -> None:
    """The step that adds the first of two terms tells both; here the second comes after the answer."""
    graph = compose("a = x*w; b = a*a; c = sin(a) + b; J = c*b", default=0.7)
    whole, at = evaluate(graph), ids(graph)
    for name in at:
        for of in ("value", "gradient"):
            found = veiled(whole, at[name], of)  # type: ignore[arg-type]
            if found is whole:
                continue
            later = {s.number for s in whole.steps} - {s.number for s in found.steps}
            assert later
            numbers = {repr(float(p)) for p in whole.values.values()} | {
                repr(float(g)) for g in whole.gradients.values()
            }
            seen = {repr(float(p)) for p in (*found.values.values(), *found.gradients.values())}
            for hidden in numbers - seen:
                assert hidden not in told(found), (name, of, hidden)


def test_what_no_step_makes_is_not_hidden(graph: Graph) -> None:
    whole, at = evaluate(graph), ids(graph)
    assert veiled(whole, at["x"], "value") is whole
    assert veiled(whole, "n99", "gradient") is whole


def test_a_number_that_is_given_stays_where_a_later_step_reads_it(graph: Graph) -> None:
    """The local derivative of a product is the other operand, which may be a source."""
    graph = compose("y = w*x; J = y*y", default=0.5)
    whole, at = evaluate(graph), ids(graph)
    found = veiled(whole, at["w"], "gradient")
    assert found.steps.telling.read(at["x"]) is not None
    assert found.steps.telling.read(at["y"]) is not None

"""Goals of lessons: each is reached by the thing it names and by nothing less; suggestions hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine import edits, gradient_edits
from engine.compose import compose
from engine.evaluate import evaluate
from engine.examples import SHIPPED
from engine.graph import Graph
from engine.modules import add_module
from engine.teaching import goals
from engine.teaching.goals import GOALS, Situation, problem, reached, said, suggest


def situation(graph: Graph, cursor: int | None = None, **more: Any) -> Situation:
    evaluation = evaluate(graph)
    cursor = len(evaluation.steps) if cursor is None else cursor
    return Situation(graph, evaluation, cursor, **more)


def worked() -> Graph:
    return compose("t = x^2\nu = sin(t)\nJ = cos(u + 3*t)", {"x": 1.0})


def with_module() -> Graph:
    graph = compose("J = sum(a)", {"a": [[1.0, 2.0]]})
    edit, node_id = add_module(graph, "Dense", SHIPPED["Dense"])
    edit.apply(graph)
    edits.rename(graph, node_id, "block").apply(graph)
    edits.connect(str(graph.id_of("a")), node_id, "x").apply(graph)
    return graph


def missing(name: str) -> Graph:
    graph = worked()
    edits.remove_nodes(graph, [str(graph.id_of(name))]).apply(graph)
    return graph


def learning(rate: float) -> Graph:
    graph = worked()
    edits.set_recipe(graph, learning_rate=rate, optimizer="adam").apply(graph)
    return graph


PASS = evaluate(worked()).steps.script
W, M = worked, with_module
CASES: list[tuple[str, dict[str, float | str], Situation, Situation]] = [
    ("node", {"operator": "sin", "node": "u"}, situation(W()), situation(missing("u"))),
    ("node", {"operator": "sin"}, situation(W()), situation(missing("u"))),
    ("node", {"operator": "square", "node": "u"}, situation(compose("u = square(x)", {"x": 1.0})),
     situation(W())),
    ("node", {"operator": "sin", "count": 2}, situation(compose("sin(sin(x))", {"x": 1.0})),
     situation(W())),
    ("node", {"node": "block.W"}, situation(M()), situation(W())),
    ("wire", {"source": "t", "target": "u"}, situation(W()), situation(missing("t"))),
    ("wire", {"source": "a", "target": "r", "port": "b"},
     situation(compose("r = b - a", {"a": 1.0, "b": 2.0})),
     situation(compose("r = a - b", {"a": 1.0, "b": 2.0}))),
    ("wire", {"source": "block.x", "target": "block.a"}, situation(M()), situation(W())),
    ("formula", {"formula": "cos(sin(q*q) + 3*q^2)"}, situation(W()),
     situation(compose("cos(sin(x^2) + 2*x^2)", {"x": 1.0}))),
    ("gone", {"node": "u"}, situation(missing("u")), situation(W())),
    ("value", {"node": "t", "relation": "=", "number": 1.0}, situation(W()),
     situation(compose("t = x^2", {"x": 1.1}))),
    ("value", {"node": "x", "of": "gradient", "relation": ">", "number": 4.2}, situation(W()),
     situation(compose("J = 4*x", {"x": 1.0}))),
    ("value", {"node": "s", "relation": "<", "number": 3.0, "entry": "1"},
     situation(compose("s = x + 1", {"x": [5.0, 1.0]})), situation(compose("s = x + 1", {"x": [1.0, 5.0]}))),
    ("stepped", {"node": "u", "of": "value"}, situation(W(), PASS.computed_at["n3"]), situation(W(), 1)),
    ("stepped", {"node": "t", "of": "gradient"}, situation(W(), PASS.sums_at["n2"][-1]),
     situation(W(), PASS.sums_at["n2"][0])),
    ("ended", {}, situation(W()), situation(W(), 3)),
    ("begun", {}, situation(W(), 0), situation(W(), 1)),
    ("selected", {"node": "u"}, situation(W(), selected=("u",)), situation(W(), selected=("t",))),
    ("panel", {"panel": "why"}, situation(W(), panels=frozenset({"why"})), situation(W())),
    ("entered", {"node": "block"}, situation(M(), place="block"), situation(M())),
    ("trained", {"steps": 100}, situation(W(), steps=100), situation(W(), steps=99)),
    ("trained", {"epochs": 5}, situation(W(), steps=50, epochs=5), situation(W(), steps=50, epochs=4)),
    ("measured", {"relation": "<", "number": 0.1, "part": "validation"},
     situation(W(), measures={"train": {"loss": 0.3}, "validation": {"loss": 0.05}}),
     situation(W(), measures={"train": {"loss": 0.05}, "validation": {"loss": 0.3}})),
    ("setting", {"field": "learning_rate", "relation": "<", "value": "0.01"},
     situation(learning(0.001)), situation(W())),
    ("setting", {"field": "optimizer", "value": "adam"}, situation(learning(0.1)), situation(W())),
]  # fmt: skip


@pytest.mark.parametrize(("goal", "settings", "there", "not_yet"), CASES)
def test_goal_is_reached_by_what_it_names(
    goal: str, settings: dict[str, float | str], there: Situation, not_yet: Situation
) -> None:
    assert problem(goal, settings) == ""
    assert reached(goal, there, settings)
    assert not reached(goal, not_yet, settings)
    sentence = said(goal, settings)
    assert sentence[0].isupper() and sentence.endswith(".") and "  " not in sentence


def test_derivative_that_is_added() -> None:
    graph = worked()
    asked = {"of": "J", "by": "x"}
    assert not reached("derived", situation(graph), asked)
    ids = str(graph.id_of("J")), str(graph.id_of("x"))
    gradient_edits.added(graph, ids[0], [ids[1]], lambda names: "d").edit.apply(graph)
    assert reached("derived", situation(graph), asked)


def test_every_goal_has_a_case_and_its_settings_are_checked() -> None:
    assert {case[0] for case in CASES} | {"derived"} == {*GOALS}
    for name, row in GOALS.items():
        assert row.title[0].isupper()
        assert "no setting" in problem(name, {"colour": "red"})
        if any(s.needed and s.default == "" for s in row.settings):
            assert "is missing" in problem(name, {})
    assert "there is no goal" in problem("fly", {})
    assert "one of" in problem("value", {"node": "x", "relation": "near"})
    assert "a number" in problem("value", {"node": "x", "number": "much"})
    assert "whole numbers" in problem("value", {"node": "x", "entry": "a"})
    assert "whole number" in problem("trained", {"steps": 1.5})
    assert "no operator" in problem("node", {"operator": "sine"})
    assert "cannot be read" in problem("formula", {"formula": "cos("})
    assert problem("node", {}) == "say the node's operator, its name, or both"
    assert not reached("value", situation(worked()), {"node": "x", "number": "much"})


def test_suggestions_hold_and_say_what_was_done() -> None:
    now = situation(
        learning(0.01), selected=("u",), panels=frozenset({"why"}), steps=30, epochs=3,
        measures={"train": {"loss": 0.4}},
    )  # fmt: skip
    found = suggest(now)
    assert all(reached(s.goal, now, s.settings) for s in found)
    told = [s.said for s in found]
    assert "Add a node sin and call it u." in told
    assert "Select u." in told
    assert "Build a graph whose output is cos(sin(x^2) + 3 * x^2)." in told
    assert "Set the optimizer to adam in the recipe." in told
    assert "Train for 30 steps." in told
    assert {s.goal for s in found} >= {
        "node",
        "wire",
        "formula",
        "value",
        "ended",
        "panel",
        "measured",
    }


@pytest.mark.parametrize("graph", [Graph(), missing("t"), compose("x^2", {"x": float("nan")})])
def test_nothing_is_raised_where_nothing_is(graph: Graph) -> None:
    for cursor in (0, 5):
        now = replace(situation(graph, cursor), selected=("a", "b.c"), place="b")
        suggest(now)
        for goal, settings, *_ in CASES:
            reached(goal, now, settings)


def test_exports() -> None:
    assert all(hasattr(goals, name) for name in goals.__all__)


@pytest.mark.parametrize(
    ("wanted", "built", "right"),
    [
        ("relu(x)", "x", False), ("abs(x)", "x", False), ("x", "sqrt(x^2)", False),
        ("x - y", "y - x", False), ("x - y", "x + -y", True), ("p - q", "y - x", True),
        ("log(x) + log(y)", "log(x*y)", True), ("sqrt(x)", "x^0.5", True), ("sqrt(x)", "log(x)", False),
    ],
)  # fmt: skip
def test_a_formula_is_compared_by_its_names_and_below_0(
    wanted: str, built: str, right: bool
) -> None:
    graph = compose(built, dict.fromkeys("xy" if "y" in built else "x", 1.0))
    assert reached("formula", situation(graph), {"formula": wanted}) == right


@pytest.mark.parametrize("entry", ["-1", "-5", "5", "0,0", "9" * 5000])
def test_an_entry_that_is_not_there_is_no_number(entry: str) -> None:
    now = situation(compose("J = sum(v)", {"v": [1.0, 2.0, 3.0]}))
    settings = {"node": "v", "entry": entry, "relation": ">", "number": 0.0}
    assert not reached("value", now, settings)
    assert reached("value", now, {**settings, "entry": "2"})

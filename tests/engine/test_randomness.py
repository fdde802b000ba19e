"""Random rows: the right spread, replayed by seed, key and step, one draw forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import edits, ops
from engine.check import check_graph
from engine.compose import compose
from engine.differentiate import differentiate
from engine.evaluate import evaluate
from engine.expansion import Expansion
from engine.flatten import expand
from engine.graph import Graph, GraphError, Node
from engine.ops.row import Clock, Op
from engine.program import Plan
from engine.shapes import ShapeError, Spec
from engine.train.session import Training

pytestmark = pytest.mark.filterwarnings("error")
SOURCE = ops.TABLE["input"]
RANDOM = [op for op in ops.TABLE.values() if "clock" in op.statics and not op.redraws]
rows = pytest.mark.parametrize("op", RANDOM, ids=lambda op: op.name)


def drawn(
    name: str | Op,
    value: Any,
    dtype: type = np.float64,
    *,
    seed: int = 0,
    step: int = 0,
    node: str = "n1",
    **options: float,
) -> np.ndarray:
    """A row's result while training, at a seed, a step and a node."""
    op = ops.TABLE[name] if isinstance(name, str) else name
    expansion = Expansion(dtype, training=True)
    expansion.clock.seed, expansion.clock.step = seed, step
    expansion.source("x", SOURCE, np.asarray(value, dtype))
    plan = Plan(expansion, [expansion.add(node, op, ("x",), {**op.defaults(), **options})])
    plan.run()
    return plan.value(node).copy()


# ---------------------------------------------------------------- spread

LIKE = np.zeros((300, 200))
ONES = np.ones((300, 200))
SPREADS: list[tuple[str, np.ndarray, dict[str, float], float, float]] = [
    ("random_normal", LIKE, {}, 0.0, 1.0),
    ("random_normal", LIKE, {"mean": -2.0, "deviation": 0.5}, -2.0, 0.5),
    ("random_uniform", LIKE, {}, 0.5, 1 / 12**0.5),
    ("random_uniform", LIKE, {"low": -3.0, "high": 1.0}, -1.0, 4 / 12**0.5),
    ("random_bernoulli", LIKE, {"p": 0.2}, 0.2, 0.4),
    ("dropout", ONES, {"rate": 0.2}, 1.0, (0.2 / 0.8) ** 0.5),
    ("dropout_mask", LIKE, {"rate": 0.75}, 1.0, 3**0.5),
    ("gaussian_noise", ONES, {"deviation": 0.3}, 1.0, 0.3),
    ("masking_noise", ONES, {"share": 0.1}, 0.9, 0.3),
    ("salt_and_pepper", 3 * ONES, {"share": 0.4, "low": 1.0, "high": 5.0}, 3.0, 1.6**0.5),
]


def off(values: np.ndarray, mean: float, deviation: float) -> bool:
    """Mean or deviation further away than five standard errors (of nearly normal numbers)."""
    error = deviation / values.size**0.5
    return bool(abs(values.mean() - mean) > 5 * error or abs(values.std() - deviation) > 5 * error)


@pytest.mark.parametrize(("name", "like", "options", "mean", "deviation"), SPREADS)
def test_means_and_deviations(
    name: str, like: np.ndarray, options: dict, mean: float, deviation: float
) -> None:
    for dtype in (np.float64, np.float32):
        values = drawn(name, like, dtype, **options)
        assert values.dtype == dtype
        assert not off(values, mean, deviation)
        assert off(values * 1.05, mean, deviation)  # the defect that `off` is there for


def test_the_normal_is_normal_and_the_uniform_even() -> None:
    normal = np.sort(drawn("random_normal", LIKE).ravel())
    assert np.mean(np.abs(normal) < 1) == pytest.approx(0.6827, abs=0.01)
    assert np.mean(np.abs(normal) < 2) == pytest.approx(0.9545, abs=0.005)
    even = np.sort(drawn("random_uniform", LIKE).ravel())
    assert np.abs(even - np.linspace(0, 1, even.size)).max() < 0.01


def test_entries_are_replaced_and_the_others_stay() -> None:
    x = np.arange(1.0, 60_001.0).reshape(300, 200)
    noisy = drawn("salt_and_pepper", x, share=0.3, low=-1.0, high=-2.0)
    assert np.mean(noisy == -1) == pytest.approx(0.15, abs=0.01)
    assert np.mean(noisy == -2) == pytest.approx(0.15, abs=0.01)
    assert np.all((noisy == x) | (noisy < 0))
    masked = drawn("masking_noise", x, share=0.25)
    assert np.mean(masked == 0) == pytest.approx(0.25, abs=0.01)
    assert np.all((masked == x) | (masked == 0))
    kept = drawn("dropout", x, rate=0.5)
    assert np.all((kept == 2 * x) | (kept == 0))


def test_certain_shares() -> None:
    assert drawn("random_bernoulli", LIKE, p=1.0).all()
    assert not drawn("random_bernoulli", LIKE, p=0.0).any()
    np.testing.assert_array_equal(drawn("dropout", ONES, rate=0.0), ONES)
    assert not drawn("masking_noise", ONES, share=1.0).any()
    np.testing.assert_array_equal(drawn("random_uniform", LIKE, low=2.0, high=2.0), LIKE + 2)


def test_the_upper_bound_is_never_drawn() -> None:
    """The largest number below 1 in float64 is 1 in float32."""

    class Ends:
        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.full(shape, 1 - 2.0**-53)

    from engine.ops.randomness import _uniform

    out = np.empty(3, np.float32)
    _uniform({"low": 0.0, "high": 1.0}, Ends(), None, out)
    assert np.all(out < 1)


# ---------------------------------------------------------------- replay


def replay_faults(op: Op) -> list[str]:
    """What a draw depends on and what it does not."""
    x = np.full((20, 10), 0.5)
    first = drawn(op, x, seed=3, step=5)
    faults = []
    if not np.array_equal(first, drawn(op, x, seed=3, step=5)):
        faults.append("not repeated")
    for what, other in (("seed", {"seed": 4}), ("step", {"step": 6}), ("key", {"node": "n2"})):
        if np.array_equal(first, drawn(op, x, **{"seed": 3, "step": 5, **other})):
            faults.append(f"the same at another {what}")
    single = drawn(op, x, np.float32, seed=3, step=5)
    if not np.allclose(single, first, 1e-6, 1e-6):
        faults.append("another in single precision")
    return faults


@rows
def test_a_draw_follows_seed_key_and_step_alone(op: Op) -> None:
    assert replay_faults(op) == []


class Careless(Clock):
    """Generators that forget what they should be keyed by."""

    forgets = ""
    calls = 0

    def generator(self, key: int) -> np.random.Generator:
        self.calls += 1
        seed = 0 if self.forgets == "seed" else self.seed
        step = 0 if self.forgets == "step" else self.step
        step = self.calls if self.forgets == "everything" else step
        return Clock(seed, step).generator(0 if self.forgets == "key" else key)


@pytest.mark.parametrize("forgets", ["seed", "step", "key", "everything"])
def test_a_careless_draw_is_noticed(forgets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defects that `replay_faults` is there for."""
    monkeypatch.setattr(Careless, "forgets", forgets)
    shared = Careless()

    def careless() -> Clock:
        return shared if forgets == "everything" else Careless()

    monkeypatch.setattr("engine.expansion.Clock", careless)
    expected = "not repeated" if forgets == "everything" else f"the same at another {forgets}"
    assert expected in replay_faults(ops.TABLE["dropout"])
    if forgets == "everything":  # a gradient check sees another draw at every look
        program = "n = masking_noise(x, 0.5)\nJ = sum(n^2)"
        graph = compose(program, {"x": np.arange(1.0, 9.0)})
        assert not max(check_graph(graph).values()) <= 0.1  # large, or nothing that settles


def test_a_draw_steps_on_within_one_plan() -> None:
    expansion = Expansion(training=True)
    expansion.source("x", SOURCE, np.ones(50))
    plan = Plan(expansion, [expansion.add("d", ops.TABLE["dropout"], ("x",), {"rate": 0.5})])
    seen = []
    for step in (0, 1, 0):
        expansion.clock.step = step
        plan.run()
        seen.append(plan.value("d").copy())
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("dropout", lambda d, x: d / x),
        ("masking_noise", lambda d, x: 1.0 * (d != 0)),
        ("salt_and_pepper", lambda d, x: 1.0 * (d == x)),
        ("gaussian_noise", lambda d, x: np.ones_like(x)),
    ],
)
def test_one_draw_forward_backward_and_in_second_order(name: str, mask: Callable) -> None:
    x = np.linspace(2.0, 3.0, 40)
    expansion = Expansion(training=True)
    expansion.clock.seed, expansion.clock.step = 1, 2
    expansion.source("x", SOURCE, x)
    op = ops.TABLE[name]
    expansion.add("d", op, ("x",), {**op.defaults(), op.option_names[0]: 0.4})
    cube = expansion.append(ops.TABLE["pow"], ("d", 3.0))
    first = differentiate(expansion, expansion.append(ops.SUM, (cube,), ops.SUM.defaults()), ["x"])
    total = expansion.append(ops.SUM, (first.adjoint["x"],), ops.SUM.defaults())
    second = differentiate(expansion, total, ["x"])
    plan = Plan(expansion, ["d", first.adjoint["x"], second.adjoint["x"]])
    for step in (2, 3):
        expansion.clock.step = step
        plan.run()
        d = plan.value("d")
        m = mask(d, x)
        assert 0 < np.count_nonzero(m) <= 40
        np.testing.assert_allclose(plan.value(first.adjoint["x"]), 3 * d**2 * m, rtol=1e-14)
        np.testing.assert_allclose(plan.value(second.adjoint["x"]), 6 * d * m**2, rtol=1e-14)


# ---------------------------------------------------------------- documents


def test_a_new_node_changes_nobody_elses_draw() -> None:
    graph = compose("a = random_normal(x)\nJ = sum(a)", {"x": np.zeros(5)})
    before = evaluate(graph).values[str(graph.id_of("a"))].copy()
    node = Node(graph.new_id(), "random_normal", "b", {})
    graph.put("nodes", node.id, node)
    graph.put("links", (node.id, "like"), str(graph.id_of("x")))
    values = evaluate(graph).values
    np.testing.assert_array_equal(values[str(graph.id_of("a"))], before)
    assert not np.array_equal(values[node.id], before)


def test_two_calls_are_two_draws_and_a_number_gives_one() -> None:
    graph = compose("J = random_uniform(1) - random_uniform(1)")
    found = evaluate(graph)
    draws = [float(found.values[n]) for n in graph.of_op("random_uniform")]
    assert len(draws) == 2
    assert draws[0] != draws[1]
    assert float(found.values[str(graph.output())]) == pytest.approx(draws[0] - draws[1])


PROGRAM = """h = gaussian_noise(x, 0.2)
m = masking_noise(h, 0.3)
s = salt_and_pepper(m, 0.2)
d = dropout(s, 0.3)
J = sum(d * d * random_uniform(x))"""


def test_gradients_of_a_noisy_document_agree_with_differences() -> None:
    graph = compose(PROGRAM, {"x": np.linspace(1.0, 2.0, 12)})
    assert max(check_graph(graph).values()) < 1e-9


def test_a_line_shows_neither_key_nor_clock() -> None:
    graph = compose(PROGRAM, {"x": np.linspace(1.0, 2.0, 12)})
    steps = evaluate(graph).steps
    lines = [line for s in steps for line in (s.text, s.symbols, s.numbers, s.numbers_text)]
    assert "d = dropout(s, rate=0.3)" in lines
    assert "dJ/dm += dJ/ds * (random_uniform(m) >= 0.2)" in lines
    assert not [line for line in lines if "key" in line or "clock" in line or "training" in line]


@pytest.mark.parametrize("option", ["key=1", "clock=2", "training=1"])
def test_nobody_sets_a_key(option: str) -> None:
    with pytest.raises(GraphError, match="dropout has no option"):
        compose(f"J = sum(dropout(x, {option}))", {"x": 1.0})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("random_normal", {"deviation": -1.0}, "deviation is -1; give a number of 0 or more"),
        ("random_uniform", {"low": 2.0}, "low is 2 and high is 1; swap the two"),
        ("random_bernoulli", {"p": 1.5}, "p is 1.5; give a share from 0 to 1"),
        ("dropout", {"rate": 1.0}, "the rate of dropout is 1; give a share from 0 to below 1"),
        ("masking_noise", {"share": float("nan")}, "share is nan; give a share from 0 to 1"),
    ],
)
def test_options_that_make_no_sense_are_said(name: str, options: dict, message: str) -> None:
    op = ops.TABLE[name]
    with pytest.raises(ShapeError, match=message):
        op.shape({**op.defaults(), **options}, Spec((3,)))


# ---------------------------------------------------------------- training


def network() -> Graph:
    program = "h = dropout(gaussian_noise(x, 0.1) @ W, 0.4)\nJ = mse(h @ V, t)"
    rng = np.random.default_rng(0)
    shapes = {"x": (16, 4), "W": (4, 8), "V": (8, 1), "t": (16, 1)}
    graph = compose(program, {name: rng.uniform(-1, 1, s) for name, s in shapes.items()})
    for name in ("W", "V"):
        node = graph.nodes[str(graph.id_of(name))]
        options = {"shape": shapes[name], "init": "given"}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    edits.set_recipe(graph, loss=graph.id_of("J")).apply(graph)
    return graph


def history(graph: Graph, seed: int) -> list[float]:
    training = Training(graph, seed=seed)
    training.run(30)
    return training.history


def test_a_noisy_run_repeats_bit_for_bit_by_its_seed() -> None:
    graph = network()
    first = history(graph, 1)
    assert first == history(graph, 1)
    assert first != history(graph, 2)
    assert len(set(first)) == 30
    other = network()
    node = Node(other.new_id(), "random_normal", "alone", {}, {"like": 0.0})
    other.put("nodes", node.id, node)
    assert history(other, 1) == first


def test_dropout_does_nothing_outside_training() -> None:
    graph = compose("d = dropout(x, 0.9)\nJ = sum(d^2)", {"x": np.arange(1.0, 5.0)})
    found = evaluate(graph)
    np.testing.assert_array_equal(found.values[str(graph.id_of("d"))], np.arange(1.0, 5.0))
    x = str(graph.id_of("x"))
    np.testing.assert_array_equal(found.gradients[x], 2 * np.arange(1.0, 5.0))
    assert not expand(graph).training

"""Gradient flow, update ratios and histograms against NumPy, and a verdict for each way to fail."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import layered, network

from engine import edits, examples
from engine.compose import compose
from engine.evaluate import evaluate
from engine.graph import Graph
from engine.ops import TABLE
from engine.ops.row import Array
from engine.probes import PROBES
from engine.probes.flow import Flow, flow
from engine.probes.histograms import histogram, histograms
from engine.probes.ratios import ratios
from engine.train import trouble
from engine.train.problem import has_parameters
from engine.train.scene import Scene
from engine.train.session import Training
from engine.train.trouble import HEALTHY

MSE = "\nloss = mse(z, y)"
RANDOM = np.random.default_rng(3)
X = RANDOM.standard_normal((60, 4))
Y = np.sin(X @ RANDOM.standard_normal((4, 1)))


def scene(activation: str = "tanh", sizes: tuple[int, ...] = (4, 8, 6, 1), gain: float = 1.0,
          change: Any = None, x: Array = X, **recipe: Any) -> Scene:  # fmt: skip
    program, start = layered(activation, list(sizes), gain)
    if change is not None:
        change(start)
    return Scene(network(program + MSE, x, Y, start, learning_rate=0.01, **recipe))


def names(found: Flow) -> list[str]:
    return [verdict.name for verdict in found.verdicts]


# ------------------------------------------------------------ numbers


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_gradients_are_those_of_numpy(activation: str) -> None:
    made = scene(activation, gain=2.0)
    graph = made.graph
    p = {graph.name(n): v for n, v in made.parameters.items()}
    function = {
        "tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    }[activation]  # fmt: skip
    slope = {
        "tanh": lambda h: 1 - h * h, "relu": lambda h: (h > 0) * 1.0, "sigmoid": lambda h: h * (1 - h),
    }[activation]  # fmt: skip
    h1 = function(X @ p["W1"] + p["b1"])
    h2 = function(h1 @ p["W2"] + p["b2"])
    g3 = 2 * (h2 @ p["W3"] + p["b3"] - Y) / len(X)
    gh2 = g3 @ p["W3"].T
    g2 = gh2 * slope(h2)
    gh1 = g2 @ p["W2"].T
    g1 = gh1 * slope(h1)
    wanted = {
        "W1": X.T @ g1, "b1": g1.sum(0), "h1": gh1, "W2": h1.T @ g2, "b2": g2.sum(0), "h2": gh2,
        "W3": h2.T @ g3, "b3": g3.sum(0),
    }  # fmt: skip
    found = flow(made)
    assert [part.name for part in found.parts] == list(wanted)  # the order of the forward pass
    assert [part.layer for part in found.parts] == [0, 0, 0, 1, 1, 1, 2, 2]
    for part in found.parts:
        value = wanted[part.name]
        assert part.norm == pytest.approx(np.sqrt((value**2).sum()), rel=1e-10)
        assert part.rms == pytest.approx(np.sqrt((value**2).mean()), rel=1e-10)
        assert part.is_unit is part.name.startswith("h")
    both = np.concatenate([wanted["W1"].ravel(), wanted["b1"]])
    assert found.layers[0].rms == pytest.approx(np.sqrt((both**2).mean()), rel=1e-10)
    signals = [np.sqrt((value**2).mean()) for value in (g1, g2, g3)]
    assert [layer.signal for layer in found.layers] == pytest.approx(signals, rel=1e-10)
    assert found.rows == 60
    for unit, h in zip(found.units, (h1, h2), strict=True):
        if activation == "relu":
            assert unit.dead == np.mean((h == 0).all(axis=0))
            assert math.isnan(unit.saturated)
        else:
            steepest = {"tanh": 1.0, "sigmoid": 0.25}[activation]
            level = (slope(h) < 0.01 * steepest).mean(axis=0) > 0.5
            assert unit.saturated == level.mean()
            assert math.isnan(unit.dead)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("cut", [{}, {"clip_norm": 0.01}, {"clip_value": 0.003, "l1_penalty": 0.1}])
def test_update_ratios_are_those_of_training(optimizer: str, cut: dict[str, float]) -> None:
    """The next step of the probe is the first step of a training."""
    made = scene(optimizer=optimizer, settings={"weight_decay": 0.1}, **cut)
    training = Training(made.graph)
    before = training.parameters()
    training.step()
    after = training.parameters()
    found = ratios(made)
    assert [made.graph.name(r.node) for r in found.rows] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    double = ratios(made, 0.02)
    if optimizer == "sgd":
        assert [r.update for r in double.rows] == pytest.approx([2 * r.update for r in found.rows])
    for row in found.rows:
        moved = np.linalg.norm(after[row.node] - before[row.node])
        assert row.update == pytest.approx(moved, rel=1e-9)
        size = np.linalg.norm(before[row.node])
        assert row.weights == pytest.approx(size, rel=1e-12)
        assert math.isnan(row.ratio) if size == 0 else row.ratio == pytest.approx(moved / size)


def test_histograms_are_those_of_numpy() -> None:
    made = scene("relu")
    h = str(made.graph.id_of("h1"))
    p = {made.graph.name(n): v for n, v in made.parameters.items()}
    value = np.maximum(X @ p["W1"] + p["b1"], 0)
    found = histograms(made, [h], bins=20).parts[0]
    counts, edges = np.histogram(value, 20)
    np.testing.assert_array_equal(found.counts, counts)
    assert (found.low, found.high) == (edges[0], edges[-1])
    assert found.mean == pytest.approx(value.mean())
    assert found.deviation == pytest.approx(value.std())
    assert found.zeros == np.mean(value == 0)
    gradient = histograms(made, [h], "gradients").parts[0]
    assert gradient.size == value.size and gradient.counts.sum() == value.size
    assert made.graph.name(histograms(made).parts[0].node) == "W1"
    with pytest.raises(ValueError, match="values or of gradients"):
        histograms(made, [h], "colours")


@pytest.mark.parametrize(
    ("values", "lost", "low", "high"),
    [
        (np.array([np.nan, np.inf]), 2, math.nan, math.nan), (np.array([1.0, np.nan]), 1, 1.0, 1.0),
        (np.array([-1.7e308, 1.7e308]), 0, -1.7e308, 1.7e308), (np.array([True, False]), 0, 0.0, 1.0),
        (np.zeros(0), 0, math.nan, math.nan), (np.array(3), 0, 3.0, 3.0),
    ],
)  # fmt: skip
def test_histograms_of_odd_numbers(values: Array, lost: int, low: float, high: float) -> None:
    found = histogram("n1", "a", values, 10)
    assert found.lost == lost
    np.testing.assert_equal((found.low, found.high), (low, high))
    assert found.counts.sum() == values.size - lost


@pytest.mark.parametrize("op", [op for op in TABLE.values() if op.steepest], ids=lambda op: op.name)
def test_the_steepest_slope_of_a_row_is_its_steepest(op: Any) -> None:
    """Against differences of the row's own values over a fine grid."""
    axis = "axis=0" if op.own_slope else ""
    points = np.linspace(-6, 6, 4001)
    if op.own_slope:  # one of two entries moves
        program = f"y = {op.name}(x, {axis})"
        values = np.stack([points, np.zeros_like(points)])
    else:
        program, values = f"y = {op.name}(x)", points
    graph = compose(program, {"x": values})
    y = evaluate(graph).values[str(graph.id_of("y"))]
    y = y[0] if op.own_slope else y
    assert np.abs(np.diff(y) / np.diff(points)).max() == pytest.approx(op.steepest, rel=5e-3)


# ------------------------------------------------------------ verdicts


def small(start: dict[str, Array]) -> None:
    start["W3"] *= 1e-4


def kill(share: float) -> Any:
    def change(start: dict[str, Array]) -> None:
        count = round(share * start["b1"].size)
        start["b1"][:count] = -1e3

    return change


def test_a_sound_network_is_healthy() -> None:
    for activation, gain in (("tanh", 1.0), ("relu", math.sqrt(2)), ("sigmoid", 1.0)):
        found = flow(scene(activation, gain=gain))
        assert names(found) == [HEALTHY], found.verdicts
        assert found.verdicts[0].is_well
        assert "a step changes a layer by" in found.verdicts[0].sentence


@pytest.mark.parametrize(("depth", "fires"), [(2, False), (10, True)])
def test_vanishing(depth: int, fires: bool) -> None:
    found = flow(scene("sigmoid", (4, *[8] * depth, 1)))
    assert ("vanishing" in names(found)) is fires
    ratio = found.layers[0].signal / found.layers[-1].signal
    assert ratio < trouble.VANISHING / 5 if fires else ratio > trouble.VANISHING * 5
    if fires:
        verdict = next(v for v in found.verdicts if v.name == "vanishing")
        assert verdict.nodes == found.layers[0].nodes
        assert "W1, b1" in verdict.sentence and "11 layers" in verdict.sentence


@pytest.mark.parametrize(("gain", "fires"), [(1.5, False), (12.0, True)])
def test_exploding(gain: float, fires: bool) -> None:
    """Twelve times as large with each layer on the way back."""

    def change(start: dict[str, Array]) -> None:
        start["W1"] *= 1e-9 if fires else 1.0  # so that no activation is large

    found = flow(scene("relu", (4, *[8] * 9, 1), gain, change))
    assert ("exploding" in names(found)) is fires
    assert "not finite" not in names(found)


@pytest.mark.parametrize(("share", "fires"), [(0.25, False), (0.625, True)])
def test_dead_units(share: float, fires: bool) -> None:
    found = flow(scene("relu", gain=math.sqrt(2), change=kill(share)))
    dead = next(u for u in found.units if u.name == "h1").dead
    assert dead == pytest.approx(share, abs=0.13)
    assert ("dead units" in names(found)) is fires
    if fires:
        assert found.verdicts[0].nodes[0] == found.units[0].node
        assert f"{round(dead * 8)} of 8 units of h1 are dead: slope 0 on all 60 rows" in (
            found.verdicts[0].sentence
        )


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "hardtanh", "softsign"])
@pytest.mark.parametrize(("scale", "fires"), [(1.0, False), (60.0, True)])
def test_saturated(activation: str, scale: float, fires: bool) -> None:
    def change(start: dict[str, Array]) -> None:
        start["W1"] *= scale

    found = flow(scene(activation, change=change))
    assert ("saturated" in names(found)) is fires
    if fires:
        assert found.verdicts[0].nodes[0] == found.units[0].node


def test_an_output_that_is_sure_is_not_saturated() -> None:
    """A softmax or a sigmoid at the end, far out, is what training wants: only hidden units count."""
    program, start = layered("tanh", [4, 6, 1], 1.0)
    start["W2"] *= 1e3
    graph = network(f"{program}\nq = sigmoid(z)\nloss = mse(q, y)", X, (Y > 0) * 1.0, start)
    found = flow(Scene(graph))
    by_name = {u.name: u for u in found.units}
    assert by_name["q"].saturated > 0.9 and not by_name["q"].hidden and by_name["h1"].hidden
    assert "saturated" not in names(found)


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        (1e-2, HEALTHY), (1e-9, "too small a step"), (2.0, "too large a step"),
        (0.0, "no learning rate"),
    ],
)  # fmt: skip
def test_steps(rate: float, name: str) -> None:
    made = scene()
    edits.set_recipe(made.graph, learning_rate=rate).apply(made.graph)
    found = flow(made)
    assert found.verdicts[0].name == name
    if rate == 2.0:
        assert (
            "with" in found.verdicts[0].sentence
            and "it would not rise" in found.verdicts[0].sentence
        )


def test_a_step_that_overshoots_is_measured() -> None:
    """The loss behind the step is that of a training's, on all rows in one batch."""
    made = scene()
    edits.set_recipe(made.graph, learning_rate=2.0).apply(made.graph)
    training = Training(made.graph)
    training.step()
    before, after = training.loss, training.step()
    sentence = flow(made).verdicts[0].sentence
    assert f"from {before:.4f} to {after:#.4g} on average" in sentence


def test_the_moment_stays_as_it_is() -> None:
    made = scene()
    edits.set_recipe(made.graph, learning_rate=2.0).apply(made.graph)
    before = {n: v.copy() for n, v in made.parameters.items()}
    assert flow(made) is not None
    assert all((made.parameters[n] == v).all() for n, v in before.items())


def classes(shift: float, **recipe: Any) -> Graph:
    program, start = layered("tanh", [4, 6, 3], 1.0)
    start["b2"][1] = shift
    y = np.arange(60) % 3
    return network(f"{program}\nloss = cross_entropy(z, y)", X, y, start, **recipe)


@pytest.mark.parametrize(("shift", "fires"), [(0.0, False), (50.0, True)])
def test_one_answer(shift: float, fires: bool) -> None:
    made = Scene(classes(shift, learning_rate=1e-3))
    assert "one answer" not in names(flow(made))  # it has not learnt yet
    made.at({}, 200)
    found = flow(made)
    said = [v.sentence for v in found.verdicts if v.name == "one answer"]
    assert said == (["All 60 rows are predicted as class 1, which only 33 % are."] if fires else [])


def test_what_the_losses_of_a_run_tell() -> None:
    made = Scene(classes(0.0, learning_rate=1e-3))
    chance = math.log(3)

    def told(losses: list[float], every: int = 1) -> list[str]:
        return names(flow(made, [(i * every, loss) for i, loss in enumerate(losses)]))

    assert "guessing" in told([chance * 1.001] * 200)
    assert "guessing" in told([chance] * 30, every=10)  # thinned
    assert "guessing" not in told([chance * 1.2] * 200)
    assert "guessing" not in told([chance] * 99)
    falling = [2.0 * 0.99**i for i in range(300)]
    assert told(falling) == [HEALTHY]
    assert "not falling" in told([2.0] * 300)
    assert "rising" in told([*falling, *[0.5] * 300])
    assert "rising" not in told([*falling, *[0.11] * 300])


def test_one_class() -> None:
    graph = classes(0.0)
    graph.put("tensors", "d.y", np.ones(60, np.int64))
    assert flow(Scene(graph)).verdicts[0].name == "one class"


def test_not_finite() -> None:
    made = scene(change=lambda start: start["W1"].__setitem__((0, 0), np.nan))
    found = flow(made)
    assert found.verdicts[0].name == "not finite"
    assert found.verdicts[0].nodes


def test_planted_thresholds_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases above tell thresholds that are wrong by a factor of ten from the right ones."""
    for name, wrong, made in (
        ("VANISHING", 1e-9, scene("sigmoid", (4, *[8] * 10, 1))),
        ("DEAD_SHARE", 0.99, scene("relu", change=kill(0.625))),
    ):
        assert names(flow(made)) != [HEALTHY]
        monkeypatch.setattr(trouble, name, wrong)
        assert flow(made).verdicts[0].name not in ("vanishing", "dead units")


# ------------------------------------------------------------ any document


def test_scalars_and_no_data() -> None:
    """The worked example's kind: single numbers, parameters instead of rows."""
    graph = compose("h = tanh(w * 0.5)\nJ = (v * h - 1) ^ 2", {"w": 0.7, "v": 1.2})
    for name in ("w", "v"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={"shape": ()}))
    found = flow(Scene(graph))
    h = math.tanh(0.35)
    upstream = 2 * (1.2 * h - 1)
    wanted = {"w": upstream * 1.2 * (1 - h * h) * 0.5, "h": upstream * 1.2, "v": upstream * h}
    assert {part.name: part.norm for part in found.parts} == pytest.approx(
        {k: abs(v) for k, v in wanted.items()}
    )
    assert found.rows == 1


def test_a_loss_below_zero_that_falls_is_healthy() -> None:
    """A share of a negative number lies above it."""
    graph = compose("J = w * w - 5", {"w": 0.7})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter", options={"shape": ()}))
    edits.set_recipe(graph, learning_rate=0.05).apply(graph)
    assert [v.name for v in flow(Scene(graph)).verdicts] == [HEALTHY]
    edits.set_recipe(graph, learning_rate=3.0).apply(graph)
    assert flow(Scene(graph)).verdicts[0].name == "too large a step"
    falling = [(step, -1.0 - step / 5000) for step in range(5000)]
    assert not trouble.looks_bad(falling) and trouble.looks_bad([(s, -v) for s, v in falling])


@pytest.mark.parametrize("name", [n for n in examples.names() if has_parameters(examples.load(n))])
def test_examples_are_answered(name: str) -> None:
    made = Scene(examples.load(name))
    for probe in ("flow", "ratios", "histograms"):
        assert PROBES[probe].answer(made) is not None
    assert flow(made).layers


def test_documents_without_an_answer() -> None:
    for graph in (Graph(), compose("y = x + 1", {"x": 1.0})):
        for probe in ("flow", "ratios", "histograms"):
            with pytest.raises(ValueError, match=r"\w+ \w+"):
                PROBES[probe].answer(Scene(graph))


def test_a_deep_document_is_answered_in_part() -> None:
    depth = 300
    program = "\n".join(
        f"h{i} = tanh({'w' if not i else f'h{i - 1}'} * 1.01)" for i in range(depth)
    )
    graph = compose(f"{program}\nJ = h{depth - 1} ^ 2", {"w": 0.5})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter", options={"shape": ()}))
    found = flow(Scene(graph))
    assert found.left_out == 100 and len(found.units) == 200


def test_what_is_frozen_or_not_trained_is_left_out() -> None:
    made = scene()
    w1, b3 = str(made.graph.id_of("W1")), str(made.graph.id_of("b3"))
    edits.set_recipe(made.graph, frozen=(w1,)).apply(made.graph)
    node = made.graph.nodes[b3]
    options = {**node.options, "trainable": False}
    made.graph.put("nodes", b3, replace(node, options=options))
    frozen = Scene(made.graph)
    frozen.at({b3: np.ones(1)}, 3)  # a moment may name what moves by itself, too
    assert [part.name for part in flow(frozen).parts] == ["b1", "h1", "W2", "b2", "h2", "W3"]
    assert [row.name for row in ratios(frozen).rows] == ["b1", "W2", "b2", "W3"]


def test_an_optimizer_without_a_rule_for_one_step() -> None:
    made = scene(optimizer="lbfgs")
    assert names(flow(made)) == [HEALTHY]
    with pytest.raises(ValueError, match="train, and the run's own steps"):
        ratios(made)


# ------------------------------------------------------------ networks side by side


def side_by_side(last: str) -> Graph:
    """A deep network of sigmoids and a shallow one of tanh on the same data."""
    deep, start = layered("sigmoid", [4, 6, 6, 6, 6, 6, 6, 1])
    other, more = layered("tanh", [4, 5, 1], seed=1)
    for name in sorted(more, key=len):
        other = other.replace(name, f"q{name}")
    for name in ("z", "out", "a1", "h1"):
        other = other.replace(name, f"q{name}")
    program = f"{deep}\nd = mse(z, y)\n{other}\nt = mse(qz, y)\n{last}"
    start |= {f"q{name}": value for name, value in more.items()}
    return network(program, X, Y, start, learning_rate=0.01)


def alone(graph: Graph, loss: str) -> Flow:
    own = graph.copy()
    edits.set_recipe(own, loss=own.id_of(loss)).apply(own)
    return flow(Scene(own))


def test_networks_side_by_side_are_judged_each_by_itself() -> None:
    graph = side_by_side("loss = d + t")
    found = flow(Scene(graph))
    first, second = alone(graph, "d"), alone(graph, "t")
    assert [p.name for p in found.parts] == [p.name for p in (*first.parts, *second.parts)]
    for part, one in zip(found.parts, (*first.parts, *second.parts), strict=True):
        assert (part.node, part.layer) == (one.node, one.layer)
        assert part.rms == pytest.approx(one.rms, rel=1e-12)
    assert len(found.layers) == 7 + 2
    assert [(v.of, v.name) for v in found.verdicts] == [("d", "vanishing"), ("t", HEALTHY)]
    assert found.verdicts[0].nodes == first.verdicts[0].nodes


@pytest.mark.parametrize("last", ["loss = d * t", "loss = d + t + mse(z * qz, y)"])
def test_what_is_no_sum_or_shares_parameters_is_one_network(last: str) -> None:
    found = flow(Scene(side_by_side(last)))
    assert all(v.of == "" for v in found.verdicts)
    assert len(found.layers) == 7


def test_a_penalty_belongs_to_the_network_it_is_of() -> None:
    found = flow(Scene(side_by_side("loss = 0.1 * sum(qW1^2) + d + t")))
    assert [(v.of, v.name) for v in found.verdicts] == [("d", "vanishing"), ("t", HEALTHY)]

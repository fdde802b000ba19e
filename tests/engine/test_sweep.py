"""Sweeps: which trials there are, what each does, and that each is the same bits again."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from engine import edits, examples
from engine.compose import compose
from engine.graph import Graph, Source
from engine.initializers import generator
from engine.ops.row import Array
from engine.train import data
from engine.train.axes import Axis, Value, variables, with_settings
from engine.train.session import Training
from engine.train.sweep import (
    BEHIND,
    MEASURES,
    Follower,
    Sweep,
    Trial,
    best_of,
    learnt_from,
    opening,
    planned,
    run_trial,
    suggested,
)

axis = Axis.parse


def xor(**recipe: object) -> Graph:
    graph = examples.load("xor")
    edits.set_recipe(graph, **recipe).apply(graph)
    return graph


def sweep(*axes: str, graph: Graph | None = None, **rest: object) -> Sweep:
    made = Sweep(tuple(axis(text) for text in axes), **rest)  # type: ignore[arg-type]
    return made.settled(graph or xor())


def all_trials(graph: Graph, of: Sweep) -> list[tuple[Trial, dict[str, Array]]]:
    """One trial after the other in this process."""
    plan = planned(graph, of)
    trials = [Trial(n, settings or {}) for n, settings in enumerate(plan)]
    found = []
    for number, settings in enumerate(plan):
        told = learnt_from(of, trials, number)
        assert told is not None
        trial, parameters = run_trial(graph, None, of, number, settings, told)
        trials[number] = trial
        found.append((trial, dict(parameters)))
    return found


def same(one: Trial, other: Trial) -> bool:
    """The same trial; how long it took is another matter."""
    return repr(replace(one, seconds=0)) == repr(replace(other, seconds=0))


# ------------------------------------------------------------ which trials


def test_a_grid_is_every_combination_in_order() -> None:
    of = sweep("learning_rate=0.1,0.5", "seed=0..2", "batch_size=0,2", search="grid")
    assert planned(xor(), of) == [
        {"learning_rate": rate, "seed": seed, "batch_size": batch}
        for rate in (0.1, 0.5)
        for seed in (0, 1, 2)
        for batch in (0, 2)
    ]


def test_a_range_is_spread_evenly_or_over_powers() -> None:
    assert axis("a=0..1:3").spread() == (0.0, 0.5, 1.0)
    assert axis("a=0.01..1:log:3").spread() == (0.01, 0.1, 1.0)
    assert axis("a=1..100:log:whole:3").spread() == (1, 10, 100)
    assert axis("a=1..3:whole:50").spread() == (1, 2, 3)
    assert axis("a=1..9:whole").spread() == tuple(range(1, 10))
    assert axis("a=0.5..3.5:whole").spread() == (1, 2, 3)
    assert axis("a=0.5..20.5:whole").spread() == tuple(range(1, 21))
    assert axis("a=0..1000:whole").spread() == (0, 250, 500, 750, 1000)
    assert axis("a=0..1").spread() == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert axis("a=3,3,4").spread() == (3, 4)
    for text in ("a=0.001..1:log", "a=1..64:log:whole:7", "a=sgd,adam", "a=-1..2.5", "a=1,2.5,x"):
        assert axis(axis(text).field + "=" + axis(text).text) == axis(text)


def test_random_draws_are_those_of_the_seed_and_the_number() -> None:
    of = sweep(
        "learning_rate=0.001..1:log", "optimizer=sgd,adam", "batch_size=1..4", trials=30, seed=7
    )
    by_hand = []
    for number in range(30):
        random = generator(7, 4, number)
        rate = float(f"{math.exp(random.uniform(math.log(0.001), math.log(1))):.12g}")
        optimizer = ("sgd", "adam")[random.integers(2)]
        by_hand.append(
            {
                "learning_rate": rate,
                "optimizer": optimizer,
                "batch_size": int(random.integers(1, 5)),
            }
        )
    assert planned(xor(), of) == by_hand
    assert planned(xor(), replace(of, seed=8)) != by_hand
    rates = [float(s["learning_rate"]) for s in by_hand]
    assert all(0.001 <= rate <= 1 for rate in rates)
    assert 5 < sum(rate < math.sqrt(0.001) for rate in rates) < 25  # evenly over powers


def test_settings_are_tried_once() -> None:
    of = sweep("seed=0,1,2", trials=20)
    assert sorted(s["seed"] for s in planned(xor(), of) if s) == [0, 1, 2]
    of = sweep("optimizer=sgd,adam", "momentum=0.5,0.9", search="grid")
    assert planned(xor(), of) == [  # neither has a momentum
        {"optimizer": "sgd", "learning_rate": 1.0},
        {"optimizer": "adam", "learning_rate": 0.001},
    ]


def test_a_race_gives_each_optimizer_its_usual_rate_and_the_own_one_its_own() -> None:
    graph = xor(learning_rate=0.25)
    race = planned(graph, sweep("optimizer=sgd,momentum,adam", search="grid", graph=graph))
    assert [s and s["learning_rate"] for s in race] == [0.25, 0.1, 0.001]
    with_settings(graph, {"optimizer": "adam"})[0].apply(graph)
    assert graph.recipe.stages[0].learning_rate == 0.001
    graph = xor(learning_rate=0.25)
    fixed = sweep("optimizer=sgd,adam", "learning_rate=0.5", search="grid", graph=graph)
    assert [s and s["learning_rate"] for s in planned(graph, fixed)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lerning_rate=1", "did you mean learning_rate?"),
        ("optimizer=sdg", "optimizer cannot be 'sdg'; it is one of: sgd"),
        ("optimizer=1..2", "has no range"),
        ("learning_rate=a", "learning_rate is a number"),
        ("learning_rate=1..0.1", "from a smaller number to a larger one"),
        ("learning_rate=0..1:log", "begins above 0"),
        ("learning_rate=0..1:lg", "is not log, whole or a number"),
        ("learning_rate=a..b", "from one number to another"),
        ("batch_size=1.5,2", "batch_size is a whole number"),
        ("batch_size=0.2..0.8", "no whole number"),
        ("learning_rate", "what to try"),
        ("learning_rate=", "what to try"),
        ("learning_rate=0..1:99999999", "points"),
    ],
)
def test_what_cannot_be_varied_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        sweep(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_sweeps_that_cannot_be_are_said() -> None:
    with pytest.raises(ValueError, match="nothing is varied"):
        sweep()
    with pytest.raises(ValueError, match="varied twice"):
        sweep("seed=1", "seed=2")
    with pytest.raises(ValueError, match="1 to 10,000 trials, not 0"):
        sweep("seed=1", trials=0)
    with pytest.raises(ValueError, match="the grid has 1,000,000 trials"):
        sweep("learning_rate=0..1:1000", "momentum=0..1:1000", search="grid")


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"install it with 'pip install gradloom\[sweep\]'"):
        sweep("seed=0..9", search="bayes")


# ------------------------------------------------------------ what is varied


def test_sizes_literals_inputs_options_and_later_stages_are_varied() -> None:
    graph = compose("y = x * 3; J = (y - 2)^2", {"x": 1.0})
    edits.set_setting("sizes", {"hidden": 4}).apply(graph)
    recipe = graph.recipe
    edits.set_setting("recipe", replace(recipe, stages=recipe.stages * 2)).apply(graph)
    known = variables(graph)
    assert known["x"].now == 1.0 and known["hidden"].kind == "whole"
    y = next(n for n in graph.nodes if graph.name(n) == "y")
    port = next(iter(graph.nodes[y].literals))
    settings = {
        "hidden": 7, "x": 2.5, f"y.{port}": 5.0, "stage2.learning_rate": 0.5,
        "stage2.optimizer": "adam", "stage2.beta1": 0.8, "schedule": "step", "schedule.every": 3.0,
    }  # fmt: skip
    edit, taken = with_settings(graph, settings)
    assert taken == settings
    before = graph.copy()
    inverse = edit.apply(graph)
    assert graph.settings["sizes"] == {"hidden": 7} and graph.nodes[y].literals[port] == 5.0
    assert graph.tensors[str(graph.id_of("x"))] == 2.5
    first, second = graph.recipe.stages
    assert (second.optimizer, second.learning_rate, second.settings) == (
        "adam",
        0.5,
        {"beta1": 0.8},
    )
    assert (first.schedule, first.schedule_settings) == ("step", {"every": 3.0})
    assert first.optimizer == "sgd"
    inverse.apply(graph)
    assert graph.settings == before.settings and graph.nodes == before.nodes


def test_settings_of_data_are_varied() -> None:
    """Also where a node is called as the data are: what both have is the node's."""
    graph = xor()
    graph.put("sources", "data", Source("toy", "moons", options={"count": 40, "noise": 0.1}))
    node = graph.nodes[str(graph.id_of("x"))]
    graph.put(
        "nodes", node.id, replace(node, name="data", options={"source": "data", "field": "x"})
    )
    target = graph.nodes[str(graph.id_of("y"))]
    graph.put("nodes", target.id, replace(target, options={"source": "data", "field": "y"}))
    known = variables(graph)
    assert (known["data.count"].kind, known["data.count"].now) == ("whole", 40)
    assert (known["data.noise"].kind, known["data.validation"].now) == ("number", 0.0)
    assert known["data.labels"].choices == ("classes", "0 and 1", "-1 and 1")
    settings: dict[str, Value] = {
        "data.training_rows": 12, "data.validation": 0.25, "data.noise": 0.2, "data.labels": "0 and 1",
    }  # fmt: skip
    edit, taken = with_settings(graph, settings)
    assert taken == settings
    before = graph.copy()
    inverse = edit.apply(graph)
    found = data.load(graph, "data")
    assert (len(found.train), len(found.validation)) == (12, 10)
    assert graph.sources["data"].options["noise"] == 0.2
    inverse.apply(graph)
    assert graph.sources == before.sources


def test_an_init_is_a_choice_and_a_number_of_hidden_units_moves_the_shapes() -> None:
    graph = xor()
    names = variables(graph)
    init = next(n for n in names if n.endswith(".init"))
    assert "xavier" in names[init].choices
    trial, parameters = run_trial(graph, None, sweep(f"{init}=zeros"), 0, {init: "zeros"})
    assert trial.state == "done" and parameters


# ------------------------------------------------------------ one trial


def test_a_trial_is_a_training_with_those_settings() -> None:
    graph = xor()
    of = sweep("learning_rate=0.5", "seed=3", search="grid", epochs=100)
    trial, parameters = run_trial(graph, None, of, 0, {"learning_rate": 0.5, "seed": 3})
    own = xor(learning_rate=0.5, seed=3)
    training = Training(own, seed=3)
    training.run(100)
    loss = training.metrics()["train"][own.name(training.loss_node)]
    assert (trial.state, trial.steps, trial.best_step) == ("done", 100, 100)
    assert trial.loss == loss == trial.value and trial.metrics == training.metrics()
    assert all(parameters[n].tobytes() == v.tobytes() for n, v in training.parameters().items())
    assert len(trial.curve) == MEASURES and trial.curve[-1][:2] == (100, loss)
    assert graph.recipe.stages[0].learning_rate == 1.0  # the document stays


def test_the_parameters_are_those_of_the_best_moment() -> None:
    """A held-out loss that rises again: the moment before is kept, and its numbers."""
    graph = examples.load("softmax-digits")
    of = sweep("learning_rate=0.1", search="grid", epochs=10, graph=graph)
    trial, parameters = run_trial(graph, None, of, 0, {"learning_rate": 0.1})
    held = [v for _, _, v in trial.curve]
    assert trial.validation == min(held) == trial.value and min(held) < held[-1]
    edit, _ = with_settings(graph, trial.settings)
    edit.apply(graph)
    training = Training(graph, seed=graph.recipe.seed)
    training.run(trial.best_step)
    assert all(parameters[n].tobytes() == v.tobytes() for n, v in training.parameters().items())
    assert training.metrics() == trial.metrics


def test_a_trial_that_diverges_or_cannot_begin_is_a_row_with_its_sentence() -> None:
    graph = compose("J = x^4", {"x": 3.0})
    node = graph.nodes[str(graph.id_of("x"))]
    graph.put("nodes", node.id, replace(node, op="parameter"))
    of = sweep("learning_rate=0.001,10", search="grid", graph=graph)
    (good, _), (bad, _) = all_trials(graph, of)
    assert good.state == "done" and good.value < 81
    assert bad.state == "diverged" and "diverged at step" in bad.message
    assert best_of([bad, good]) == good
    failed, nothing = run_trial(graph, None, of, 0, {"clip_norm": -1.0})
    assert failed.state == "failed" and "norm to clip at" in failed.message and not nothing
    assert best_of([failed]) is None and math.isnan(failed.value)


def test_all_stages_are_trained_and_only_the_last_ones_loss_counts() -> None:
    graph = xor()
    recipe = graph.recipe
    first = replace(recipe.stages[0], epochs=50, learning_rate=0.2)
    second = replace(recipe.stages[0], epochs=100, learning_rate=1.0)
    edits.set_setting("recipe", replace(recipe, stages=(first, second))).apply(graph)
    of = sweep("stage2.learning_rate=0.5", search="grid", graph=graph)
    trial, parameters = run_trial(graph, None, of, 0, {"stage2.learning_rate": 0.5})
    own = graph.copy()
    edits.set_recipe(own, 1, learning_rate=0.5).apply(own)
    training = Training(own, seed=own.recipe.seed)
    training.run()
    assert trial.steps == training.step_count == 150
    assert all(parameters[n].tobytes() == v.tobytes() for n, v in training.parameters().items())
    assert min(step for step, *_ in trial.curve) >= 50


def test_a_stage_that_stops_early_ends_the_trial_with_its_sentence() -> None:
    graph = xor(patience=3, min_delta=10.0)
    of = sweep("seed=0", search="grid", graph=graph)
    trial, parameters = run_trial(graph, None, of, 0, {"seed": 0})
    assert trial.state == "done" and trial.steps < 10 and "stopped after epoch" in trial.message
    assert parameters and math.isfinite(trial.value)


def test_opening_a_trial_is_one_edit_with_its_settings_and_parameters() -> None:
    graph = xor()
    of = sweep("learning_rate=0.5", "optimizer=adam", search="grid", epochs=20)
    ((trial, parameters),) = all_trials(graph, of)
    before = graph.copy()
    inverse = opening(graph, trial.settings, {**parameters, "n999": np.zeros(3)}).apply(graph)
    stage = graph.recipe.stages[0]
    assert (stage.learning_rate, stage.optimizer) == (0.5, "adam")
    assert all(graph.tensors[n].tobytes() == v.tobytes() for n, v in parameters.items())
    inverse.apply(graph)
    assert graph.settings == before.settings
    assert all(graph.tensors[n] is v for n, v in before.tensors.items())


def test_who_heeds_can_end_a_trial() -> None:
    of = sweep("seed=0", search="grid")
    seen: list[int] = []

    class Impatient(Follower):
        def heed(self, training: Training, total: int) -> str:
            seen.append(total)
            return "stopped" if training.step_count == 60 else ""

    trial, parameters = run_trial(xor(), None, of, 0, {"seed": 0}, follower=Impatient())
    assert trial.state == "stopped" and trial.message == "stopped at step 60"
    assert trial.steps == 60 and len(trial.curve) == 3 and parameters
    assert set(seen) == {500}


def test_without_drawing_anew_trials_go_on_from_the_document() -> None:
    graph = xor()
    first = Training(graph, seed=5)
    first.run(200)
    edits.set_tensors(first.parameters()).apply(graph)
    of = sweep("learning_rate=0.0", search="grid", epochs=1, goes_on=True, graph=graph)
    trial, _ = run_trial(graph, None, of, 0, {"learning_rate": 0.0})
    assert trial.loss == first.metrics()["train"][graph.name(first.loss_node)]


# ------------------------------------------------------------ the same again


@pytest.mark.parametrize("search", ["grid", "random", "bayes"])
@pytest.mark.parametrize("prune", [False, True])
def test_the_same_sweep_is_the_same_trials(search: str, prune: bool) -> None:
    if search == "bayes":
        pytest.importorskip("optuna")
    graph = xor()
    of = sweep(
        "learning_rate=0.01..5:log:4", "optimizer=sgd,adam,rmsprop", "momentum=0..0.9",
        search=search, trials=14, epochs=60, prune=prune,
    )  # fmt: skip
    one, other = all_trials(graph, of), all_trials(graph, of)
    assert len(one) >= 12
    for (trial, values), (again, more) in zip(one, other, strict=True):
        assert same(trial, again)
        assert all(values[n].tobytes() == more[n].tobytes() for n in values)
    number = len(one) - 1  # alone, from the settings that the row says
    alone, values = run_trial(
        graph, None, replace(of, prune=False), number, one[number][0].settings
    )
    if one[number][0].state == "done":
        assert same(alone, one[number][0])


def test_a_hopeless_trial_is_given_up_by_the_median_rule() -> None:
    def finished(number: int, *losses: float) -> Trial:
        curve = tuple((10 * (i + 1), loss, math.nan) for i, loss in enumerate(losses))
        return Trial(number, {}, "done", loss=losses[-1], curve=curve)

    graph = xor()
    of = sweep("learning_rate=0.0", search="grid", prune=True, epochs=250, graph=graph)
    good = [finished(n, 0.9, 0.1, 0.01, 0.001) for n in range(4)]
    trial, _ = run_trial(graph, None, of, 9, {"learning_rate": 0.0}, good)
    assert trial.state == "pruned" and trial.steps == 30  # the third time it was measured
    assert "given up at step 30" in trial.message and "0.01" in trial.message
    mixed = [*good[:1], *(finished(n, 9.0, 9.0, 9.0, 9.0) for n in range(1, 4))]
    for told in (good[:3], mixed, [finished(n, 9.0, 9.0, 9.0, 9.0) for n in range(4)]):
        trial, _ = run_trial(graph, None, of, 9, {"learning_rate": 0.0}, told)
        assert trial.state == "done"  # too few to judge by; better than they were


def test_trials_that_learn_wait_for_those_before() -> None:
    trials = [Trial(n, {}, "done") for n in range(10)]
    trials[3] = Trial(3, {}, "running")
    plain, learning = sweep("seed=0..9"), sweep("seed=0..9", prune=True)
    assert learnt_from(plain, trials, 9) == []
    assert (
        learnt_from(learning, trials, 6) == trials[:3] and learnt_from(learning, trials, 7) is None
    )
    assert learnt_from(learning, trials, BEHIND - 1) == []
    assert learnt_from(learning, trials[:3], 0) == []


def test_the_bayesian_search_looks_where_it_was_good() -> None:
    """On a bowl in log10(rate) more of its later trials are near the bottom than of draws at random."""
    pytest.importorskip("optuna")

    def value(settings: Mapping[str, Value]) -> float:
        return (math.log10(float(settings["learning_rate"])) + 2) ** 2

    near = {"bayes": 0, "random": 0}
    for seed in range(3):
        of = sweep("learning_rate=0.0001..10:log", search="bayes", trials=40, seed=seed)
        trials: list[Trial] = [Trial(n, {}) for n in range(40)]
        for number in range(40):
            told = learnt_from(of, trials, number)
            assert told is not None
            settings = suggested(of, number, told)
            trials[number] = Trial(number, settings, "done", loss=value(settings))
        near["bayes"] += sum(trial.value < 0.25 for trial in trials[10:])
        drawn = planned(xor(), replace(of, search="random"))
        near["random"] += sum(value(settings) < 0.25 for settings in drawn[10:] if settings)
        again = suggested(of, 39, learnt_from(of, trials, 39) or [])
        assert again == trials[39].settings
    assert near["bayes"] > 1.5 * near["random"] > 0

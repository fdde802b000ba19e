"""Schedules equal PyTorch's, a wrong formula is a sentence, and a rate costs next to nothing."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.graph import Stage
from engine.train import schedules
from engine.train.optimizers import OPTIMIZERS
from engine.train.schedules import SCHEDULES, Plateau, Rates, preview

STEPS = 200


def stage(name: str, formula: str = "", epochs: int = STEPS, **settings: float) -> Stage:
    return Stage(
        schedule=name, schedule_settings=settings, formula=formula, epochs=epochs, learning_rate=0.3
    )


def told(chosen: Stage, count: int = STEPS, per_epoch: int = 1) -> list[float]:
    rates = Rates(chosen, per_epoch)
    return [rates.at(step) for step in range(count)]


def peer(name: str, count: int = STEPS, **options: Any) -> list[float]:
    """The rates that PyTorch's scheduler sets."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


CYCLE = {"max_lr": 0.3, "cycle_momentum": False}
CASES: list[tuple[Stage, dict[str, Any]]] = [
    (stage("constant"), {"factor": 1.0}),
    (stage("step"), {"step_size": 10}),
    (stage("step", every=7, gamma=0.8), {"step_size": 7, "gamma": 0.8}),
    (stage("exponential"), {"gamma": 0.999}),
    (stage("exponential", gamma=0.9), {"gamma": 0.9}),
    (stage("cosine"), {"T_max": STEPS}),
    (stage("cosine", length=60, lowest=0.01), {"T_max": 60, "eta_min": 0.01}),
    (stage("warmup"), {}),
    (
        stage("warmup", length=50, start_factor=0.1, end_factor=0.7),
        {"total_iters": 50, "start_factor": 0.1, "end_factor": 0.7},
    ),
    (stage("onecycle"), {**CYCLE, "total_steps": STEPS + 1}),
    (
        stage("onecycle", pct_start=0.11, div_factor=10, final_div_factor=50, linear=1),
        {**CYCLE, "total_steps": STEPS + 1, "pct_start": 0.11, "div_factor": 10.0,
         "final_div_factor": 50.0, "anneal_strategy": "linear"},
    ),
    (
        stage("formula", "a = 1 + 0.1 * t\nlr / a + 0.01 * cos(t / 20) ** 2"),
        {"lr_lambda": lambda t: (0.3 / (1 + 0.1 * t) + 0.01 * math.cos(t / 20) ** 2) / 0.3},
    ),
]  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize(("ours", "options"), CASES)
def test_as_pytorch(ours: Stage, options: dict[str, Any]) -> None:
    if ours.schedule == "onecycle":  # PyTorch's raises at its last step's scheduler.step()
        ours = replace(
            ours, schedule_settings={**ours.schedule_settings, "length": float(STEPS + 1)}
        )
    theirs = peer(SCHEDULES[ours.schedule].torch, **options)
    np.testing.assert_allclose(told(ours), theirs, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(preview(ours, STEPS, 1), theirs, rtol=1e-9, atol=1e-15)


@pytest.mark.peer
@pytest.mark.parametrize("name", [n for n in SCHEDULES if n != "formula"])
def test_a_schedule_off_by_a_thousandth_is_seen(name: str) -> None:
    if name == "plateau":
        return  # has a test of its own
    ours, options = next(case for case in CASES if case[0].schedule == name)
    theirs = np.array(peer(SCHEDULES[name].torch, **options))
    wrong = np.array(told(ours)) * 1.001
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(wrong, theirs, rtol=1e-6)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {}),
        ({"patience": 2, "factor": 0.5, "cooldown": 3}, {"patience": 2, "factor": 0.5, "cooldown": 3}),
        ({"patience": 1, "relative": 0, "threshold": 0.2, "lowest": 0.01},
         {"patience": 1, "threshold_mode": "abs", "threshold": 0.2, "min_lr": 0.01}),
        ({"patience": 0, "eps": 0.02}, {"patience": 0, "eps": 0.02}),
    ],
)  # fmt: skip
def test_plateau_as_pytorch(settings: dict[str, float], options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    random = np.random.default_rng(3)
    losses = 1 + np.exp(-np.arange(STEPS) / 20) + 0.05 * random.standard_normal(STEPS)
    plateau, rate, fell = Plateau(settings), 0.3, 0
    for number, loss in enumerate(losses):
        scheduler.step(loss)
        before, rate = rate, plateau.after(float(loss), rate)
        fell += rate < before
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12), number
        again = Plateau(settings)
        again.restore(plateau.facts())
        plateau = again
    assert fell >= 2


@pytest.mark.parametrize("row", SCHEDULES.values(), ids=SCHEDULES)
def test_rows_read_only_what_they_declare(row: schedules.Schedule) -> None:
    assert row.doc.endswith(".") and row.label and row.source and row.torch
    for setting in row.settings.values():
        assert setting.doc.endswith(".")
    rates = told(stage(row.name, "lr"), 20)
    assert all(0 <= rate <= 0.3 for rate in rates)


def test_counting_epochs() -> None:
    """A schedule per epoch has the rate of an epoch in each of its steps."""
    steps = told(replace(stage("exponential", epochs=5, gamma=0.5), per_epoch=True), 15, 3)
    assert steps == [0.3 * 0.5 ** (i // 3) for i in range(15)]
    own = stage("formula", "t + 100 * epoch + 1000 * steps + 100000 * epochs", epochs=5)
    assert told(own, 7, 3)[4] == 4 + 100 + 15_000 + 500_000
    assert told(replace(own, per_epoch=True), 7, 3)[4] == 1 + 100 + 15_000 + 500_000


def test_beyond_the_stage_the_rate_stays() -> None:
    """A cycle over the whole stage does not begin again when training goes on."""
    for name in ("cosine", "onecycle"):
        rates = told(stage(name, epochs=20), 30)
        assert rates[21:] == [rates[20]] * 9
        assert rates[20] <= 0.3e-4


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("", "the schedule's formula: the formula is empty"),
        (
            "lr / (1 + k)",
            "the schedule's formula: the name 'k' is not known here (it may read t, lr",
        ),
        ("lr *", "the schedule's formula: line 1"),
        (
            "lr - 0.125 * t",
            "gives -0.075 for step 4 of its stage; a learning rate is a number of 0",
        ),
        ("lr / (t - 3)", "for step 1 of its stage"),
        ("1 / (t - 3) ** 2", "gives inf for step 4 of its stage"),
        ("import os", "the schedule's formula: line 1"),
        ("reshape(t, shape=(1, 1))", "it has to give a single number"),
        ("nothing(t)", "the schedule's formula: "),
    ],
)
def test_a_wrong_formula_is_a_sentence(formula: str, said: str) -> None:
    for run in (lambda s: told(s, 10), lambda s: preview(s, 10, 1)):
        with pytest.raises(ValueError) as caught:
            run(replace(stage("formula", formula), learning_rate=0.3))
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_unknown_names_are_said() -> None:
    with pytest.raises(ValueError, match="there is no schedule 'cosin'; choose constant, step"):
        Rates(stage("cosin"), 1)
    with pytest.raises(ValueError, match="the schedule step has no setting 'k'; it has: every"):
        Rates(stage("step", k=1.0), 1)


def test_preview_of_a_formula_that_reduces() -> None:
    """What is not done number by number is not done on all steps at once."""
    own = stage("formula", "lr * mean(t) / 10")
    np.testing.assert_array_equal(preview(own, 5, 1), told(own, 5))
    assert preview(stage("cosine"), 0, 1).shape == (0,)


def test_preview_of_a_long_stage() -> None:
    """A picture needs some of a billion steps, the first and the last among them."""
    long = stage("cosine", epochs=10**6)
    rates = preview(long, 10**9, 1000, 500)
    own = Rates(long, 1000)
    assert len(rates) == 500
    assert rates[0] == own.at(0) and rates[-1] == pytest.approx(own.at(10**9 - 1), rel=1e-9)
    assert rates[250] == pytest.approx(own.at(round((10**9 - 1) * 250 / 499)), rel=1e-12)


def test_plateau_says_that_its_picture_is_constant() -> None:
    assert preview(stage("plateau"), 4, 2).tolist() == [0.3] * 4
    assert "falls with the loss" in schedules.note(stage("plateau"))
    assert schedules.note(stage("cosine")) == ""


def test_a_rate_costs_little() -> None:
    """The longest formula, evaluated one step at a time; the bound is ten times what it takes."""
    rates = Rates(stage("onecycle", epochs=5000), 1)
    best = math.inf
    for _ in range(5):
        begin = time.process_time()
        for step in range(500):
            rates.at(step)
        best = min(best, (time.process_time() - begin) / 500)
    assert best < 50e-6
    assert not Rates(stage("constant"), 1).varies


def test_the_page_on_training_tells_every_row_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    for row in OPTIMIZERS.values():
        part = page.split(f"### {row.label} (`{row.name}`)\n")[1].split("\n#")[0]
        assert row.program.strip() in part and f"learning rate: {row.learning_rate:g}." in part
        assert all(f"- `{n}` = {s.default:g}: {s.doc}" in part for n, s in row.settings.items())
    for schedule in SCHEDULES.values():
        part = page.split(f"### {schedule.label} (`{schedule.name}`)\n")[1].split("\n#")[0]
        assert schedule.doc in part and schedule.formula in part
        assert all(
            f"- `{n}` = {s.default:g}: {s.doc}" in part for n, s in schedule.settings.items()
        )

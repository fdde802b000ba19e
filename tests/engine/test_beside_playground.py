"""Beside TensorFlow Playground: the same losses, and a reason where its page shows nothing but NaN."""

from __future__ import annotations

import numpy as np
import numpy_playground as playground
import pytest
from numpy_playground import Array, Setting

from engine.train.session import DivergedError, Training

EVERY = tuple(playground.FEATURES)


def spiral(seed: int, count: int = 500) -> Array:
    """Two arms of 1.75 turns each, out to radius 5; x1, x2, label, shuffled."""
    rng = np.random.default_rng(seed)
    half = np.arange(count // 2) / (count // 2)
    arms = []
    for start, label in ((0.0, 1.0), (np.pi, -1.0)):
        angle = 1.75 * 2 * np.pi * half + start
        arms.append(
            np.stack(
                [5 * half * np.sin(angle), 5 * half * np.cos(angle), np.full(len(half), label)], 1
            )
        )
    return rng.permutation(np.concatenate(arms))


@pytest.mark.parametrize("seed", [0, 3])
def test_the_spiral_reaches_playground_s_loss_to_the_last_digits(seed: int) -> None:
    points = spiral(seed)
    setting = Setting(points[:250], EVERY, (8, 8), seed=seed)
    training = Training(playground.document(setting))
    epochs = 60
    training.run(epochs * training.steps_per_epoch)
    weights, biases = playground.train(setting, epochs)
    found = {training.graph.name(n): v for n, v in training.parameters().items()}
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        assert found[f"W{i}"] == pytest.approx(weight, rel=1e-9, abs=1e-12)
        assert found[f"b{i}"] == pytest.approx(bias, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_spiral_s_test_loss_is_playground_s(seed: int) -> None:
    """After 150 epochs of its usual settings with all features and two layers of eight."""
    points = spiral(seed)
    setting = Setting(points[:250], EVERY, (8, 8), seed=seed)
    training = Training(playground.document(setting))
    training.run(150 * training.steps_per_epoch)
    found = {training.graph.name(n): v for n, v in training.parameters().items()}
    ours = [[found[f"{kind}{i}"] for i in (1, 2, 3)] for kind in "Wb"]
    theirs = playground.train(setting, 150)
    for rows in (points[:250], points[250:]):
        wanted = playground.loss_of(setting, rows, *theirs)
        assert playground.loss_of(setting, rows, *ours) == pytest.approx(wanted, rel=1e-5)
        assert wanted < 0.3  # it starts at 0.5


def broken(setting: Setting, epochs: int = 80) -> str:
    """What is said of a setting, or nothing when its training goes through."""
    training = Training(playground.document(setting))
    try:
        training.run(epochs * training.steps_per_epoch)
    except DivergedError as error:
        assert all(np.isfinite(v).all() for v in training.parameters().values())
        return str(error)
    return ""


def plane(seed: int, noise: float, count: int = 250) -> Array:
    """Points of a square and their sum over 10, taken at a place that noise moved."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-6, 6, (count, 2))
    moved = places + noise * rng.uniform(-6, 6, (count, 2))
    return np.column_stack([places, moved.sum(axis=1) / 10])


def noisy(seed: int, noise: float) -> Array:
    """The spiral's points, each moved a little."""
    points = spiral(seed)
    points[:, :2] += noise * np.random.default_rng(seed).uniform(-1, 1, (len(points), 2))
    return points


# What people reported to break Playground, by the number of their report: all weights and losses NaN.
BROKEN = {
    3: Setting(plane(1, 0.5), hidden=(8,), regression=True, learning_rate=1.0, batch=1, seed=1),
    41: Setting(plane(0, 0.0), ("x1", "x2", "x1²"), (), regression=True),
    77: Setting(noisy(0, 0.15)[:450], EVERY, (8, 8), learning_rate=0.3, batch=30, l2=10.0),
    208: Setting(
        plane(0, 0.5), EVERY, (8,) * 6, "relu", regression=True, learning_rate=10.0, batch=30
    ),
}  # fmt: skip


@pytest.mark.parametrize("number", BROKEN)
def test_what_breaks_playground_ends_in_a_named_reason(number: int) -> None:
    told = broken(BROKEN[number])
    assert "training diverged at step" in told and "learning rate" in told and "try" in told


def test_sane_settings_end_in_none() -> None:
    assert broken(Setting(plane(0, 0.1), hidden=(4,), regression=True), 20) == ""
    assert broken(Setting(spiral(0)[:250]), 20) == ""

"""Points of curves: smoothing and thinning against the same done one by one."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from app.curves import Curve, as_csv, smoothed, thinned, value_at


@pytest.mark.parametrize("over", [0.0, 1.0, 7.5, 300.0])
def test_smoothing_is_the_weighted_mean_of_what_came_before(over: float) -> None:
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.integers(1, 9, 200))
    values = rng.normal(size=200)
    values[[3, 50, 51]] = math.nan
    found = smoothed(steps, values, over)
    if not over:
        assert found is values
        return
    lengths = np.diff(steps, prepend=steps[0] - 1)
    for i in (0, 1, 4, 52, 120, 199):
        weights = [
            (1 - math.exp(-lengths[j] / over)) * math.exp(-(steps[i] - steps[j]) / over)
            for j in range(i + 1)
        ]
        known = [(w, v) for w, v in zip(weights, values, strict=False) if not math.isnan(v)]
        wanted = sum(w * v for w, v in known) / sum(w for w, _ in known)
        assert found[i] == pytest.approx(wanted, rel=1e-9)
    assert smoothed(steps, np.full(200, 3.0), over) == pytest.approx(np.full(200, 3.0))


def test_peaks_survive_thinning() -> None:
    rng = np.random.default_rng(1)
    x = np.arange(100_000.0)
    y = rng.normal(size=100_000)
    y[12_345], y[77_777] = 50.0, -50.0
    tx, ty = thinned(x, y, 0, 99_999, 300)
    assert len(tx) <= 2 * 302 and (np.diff(tx) >= 0).all()
    assert ty.max() == 50.0 and ty.min() == -50.0
    for low in range(0, 100_000, 9_000):  # in every stretch nothing is lost
        a, b = thinned(x, y, low, low + 9_000, 100)
        inside = y[low : low + 9_001]
        assert b.max() >= inside.max() and b.min() <= inside.min() and a[0] <= low
    few = thinned(x[:50], y[:50], 10, 20, 100)
    assert few[0][0] == 9 and few[0][-1] == 21
    assert thinned(x[:0], y[:0], 0, 1, 10)[0].size == 0


def test_a_value_is_that_of_the_nearest_step() -> None:
    steps, values = np.array([2, 4, 10]), np.array([1.0, 2.0, 3.0])
    wanted = {1.9: math.nan, 2: 1.0, 2.9: 1.0, 3.1: 2.0, 8: 3.0, 10: 3.0, 11: math.nan}
    for step, value in wanted.items():
        assert value_at(steps, values, step) == pytest.approx(value, nan_ok=True)
    assert math.isnan(value_at(steps[:0], values[:0], 1))


def test_csv_has_every_number_in_full_precision() -> None:
    curves = [
        Curve(1, "train", np.array([1, 2, 5]), np.array([0.1, 1 / 3, math.inf])),
        Curve(2, "held out", np.array([2]), np.array([math.nan])),
    ]
    rows = list(csv.reader(as_csv(curves, {1: "first"}).splitlines()))
    assert rows[0] == ["step", "first train", "2 held out"]
    assert rows[1:] == [["1", "0.1", ""], ["2", repr(1 / 3), "nan"], ["5", "inf", ""]]
    assert as_csv([], {}) == "step\n"

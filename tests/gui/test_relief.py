"""Reliefs and ranges: lines along levels, heights between points, what is not finite."""

from __future__ import annotations

import numpy as np
import pytest

from app.view.studio.ranges import around, usual
from app.view.studio.relief import Relief
from app.view.studio.tracks import spread


def bowl(side: int = 49, log: bool = False) -> Relief:
    a = np.linspace(-2, 2, side)
    return Relief((-2, 2, -2, 2), a[None, :] ** 2 + a[:, None] ** 2, log)


def test_lines_of_a_bowl_are_circles() -> None:
    relief = bowl(97)
    for level in (0.5, 1.0, 3.0):
        pieces = relief.lines(level)
        assert len(pieces) > 40
        assert np.hypot(*pieces.reshape(-1, 2).T) == pytest.approx(level**0.5, abs=2e-3)
        ends, counts = np.unique(pieces.reshape(-1, 2).round(9), axis=0, return_counts=True)
        assert len(ends) and (counts % 2 == 0).all(), "they close"


def test_a_saddle_between_points_is_parted_by_its_middle() -> None:
    high = Relief((0, 1, 0, 1), np.array(((1.0, 0.0), (0.0, 1.0))))
    for level, wanted in ((0.4, {(0.6, 0.0), (1.0, 0.4)}), (0.6, {(0.4, 0.0), (0.0, 0.4)})):
        pieces = high.lines(level)
        assert len(pieces) == 2
        found = [{tuple(p) for p in piece.round(9).tolist()} for piece in pieces]
        assert wanted in found


def test_losses_between_points_and_at_the_edge_are_linear() -> None:
    relief = Relief((0, 2, 0, 1), np.array(((0.0, 2.0, 4.0), (10.0, 12.0, 14.0))))
    places = np.array(((0.0, 0.0), (2.0, 1.0), (0.5, 0.25), (2.1, 0.5)))
    assert relief.at(places) == pytest.approx((0.0, 14.0, 3.5, np.nan), nan_ok=True)
    grid = relief.sampled(np.array((0.0, 0.5)), np.array((0.25, 1.0)))
    assert grid == pytest.approx(np.array(((2.5, 3.5), (10.0, 11.0))))
    assert relief.least == (0.0, 0.0) and relief.reach == (0.0, 14.0)


def test_what_is_not_finite_has_neither_colour_nor_line() -> None:
    losses = bowl(13).losses.copy()
    losses[:, :6] = np.nan
    relief = Relief((-2, 2, -2, 2), losses)
    places = np.linspace(-2, 2, 30)
    bands = relief.bands(places, places)
    assert (bands[:, places < -0.01] == -1).all() and (bands[:, places > 0.01] >= 0).all()
    assert (relief.lines(1.0)[..., 0] >= 0).all()
    nothing = Relief((0, 1, 0, 1), np.full((3, 3), np.nan))
    assert nothing.levels == [] and nothing.least is None


def test_levels_are_round_and_in_equal_ratios_when_asked() -> None:
    assert bowl().levels == list(range(1, 8))
    losses = np.logspace(-4, 3, 16).reshape(4, 4)
    levels = Relief((0, 1, 0, 1), losses, log=True).levels
    assert levels == pytest.approx([10.0**k for k in range(-3, 3)], rel=1e-9) or len(levels) <= 12
    assert np.diff(np.log10(levels)).min() > 0.2
    below = Relief((0, 1, 0, 1), -losses, log=True)
    assert below.levels and np.isfinite(below.eased(-losses)).all()
    flat = Relief((0, 1, 0, 1), np.ones((3, 3)), log=True)
    assert flat.levels == [] and (flat.eased(flat.losses) == 1).all()


def test_ranges_hold_the_ways_with_room_around_them() -> None:
    assert usual("chosen", np.array((0.2, -0.3)), []) == (-1.5, 1.5, -1.5, 1.5)
    assert usual("chosen", np.array((10.0, 0.0)), []) == (-15.0, 15.0, -1.5, 1.5)
    assert usual("random", np.zeros(2), []) == (-1.0, 1.0, -1.0, 1.0)
    left, right, bottom, top = usual("principal", None, [np.array(((-4.0, 0.0), (0.0, 0.0)))])
    assert left < -4 and right > 0 and top - bottom > 1
    wider = around(np.full(2, -1.0), np.full(2, 1.0), [np.array(((0.0, 0.0), (3.0, 0.5)))])
    assert wider[1] > 3 and wider[0] == -1 and wider[2:] == (-1, 1)


def test_moments_are_chosen_evenly_with_both_ends() -> None:
    assert spread(range(5), 10) == [0, 1, 2, 3, 4]
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread([7], 5) == [7] and spread([], 5) == []

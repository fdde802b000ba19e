"""What a work of the benchmark is, and how works are timed: in turns, warm, by medians."""

from __future__ import annotations

import importlib
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OURS = "gradloom"
PEERS = {"torch": "PyTorch eager", "jax": "JAX jit"}
"""The libraries compared with, by the module that is imported."""
TITLES = {OURS: "Gradloom", **PEERS}


@dataclass(frozen=True)
class Settings:
    """How to measure. `peers` holds the imported modules; `seconds` is the length of a turn."""

    threads: int = 1
    rounds: int = 21
    seconds: float = 0.1
    peers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One library at one work: `step` is timed; `numbers` makes of what the first step returned the
    numbers that have to be the same in all libraries."""

    step: Callable[[], Any]
    numbers: Callable[[Any], Any]


@dataclass(frozen=True)
class Work:
    """One row of the table.

    `goals` says how many times faster (or smaller) than a library Gradloom means to be, `limit`
    what one call may take in seconds. `slow` works are timed call by call, as many as fit.
    `tolerance` is relative: up to this the libraries have computed the same. `bytes` works return
    what is compared instead of being timed.
    """

    name: str
    title: str
    make: Callable[[Settings], Mapping[str, Contender]]
    goals: Mapping[str, float] = field(default_factory=dict)
    limit: float | None = None
    tolerance: float = 1e-3
    slow: bool = False
    bytes: bool = False


@dataclass(frozen=True)
class Result:
    """What was seen: the median of each library, in seconds or bytes."""

    work: Work
    figures: Mapping[str, float]

    def ratio(self, library: str) -> float:
        """How many times the figure of another library is ours."""
        ours = self.figures[OURS]
        return self.figures[library] / ours if ours else math.inf

    @property
    def missed(self) -> list[str]:
        """The goals that were measured and not reached."""
        short = [
            n for n, goal in self.work.goals.items() if n in self.figures and self.ratio(n) < goal
        ]
        late = self.work.limit is not None and self.figures[OURS] > self.work.limit
        return [*short, *(["limit"] if late else [])]


class DifferentError(ValueError):
    """Two libraries did not compute the same, so there is nothing to compare."""


def peers() -> dict[str, Any]:
    """The libraries to compare with that are installed, imported."""
    found = {}
    for name in PEERS:
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            continue
    if "jax" in found:
        found["jax"].config.update("jax_enable_x64", True)  # float64 is asked for by some works
    return found


def measure(work: Work, settings: Settings) -> Result:
    """One row. Raises DifferentError when the libraries' numbers disagree."""
    contenders = work.make(settings)
    begin = {}
    expected = None
    for name, contender in contenders.items():
        started = time.perf_counter()
        made = contender.step()
        begin[name] = time.perf_counter() - started
        numbers = np.asarray(contender.numbers(made), float)
        expected = numbers if expected is None else expected
        if not np.allclose(numbers, expected, work.tolerance, 0.0):
            raise DifferentError(
                f"{work.name}: {TITLES[name]} computed {numbers} and Gradloom {expected}, "
                "so their times cannot be compared"
            )
    steps = {name: contender.step for name, contender in contenders.items()}
    if work.bytes:
        sizes = {n: [step() for _ in range(min(3, settings.rounds))] for n, step in steps.items()}
        return Result(work, {name: statistics.median(seen) for name, seen in sizes.items()})
    return Result(work, _single(steps, settings, begin) if work.slow else timed(steps, settings))


def timed(steps: Mapping[str, Callable[[], Any]], settings: Settings) -> dict[str, float]:
    """Median seconds a call, by name; the order of turns changes from round to round."""
    counts = {}
    for name, step in steps.items():
        for _ in range(3):
            step()
        begin = time.perf_counter()
        step()
        once = time.perf_counter() - begin
        counts[name] = max(1, int(settings.seconds / max(once, 1e-7)))
    taken: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for number in range(settings.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            step, count = steps[name], range(counts[name])
            begin = time.perf_counter()
            for _ in count:
                step()
            taken[name].append((time.perf_counter() - begin) / len(count))
    return {name: statistics.median(times) for name, times in taken.items()}


def _single(
    steps: Mapping[str, Callable[[], Any]], settings: Settings, first: Mapping[str, float]
) -> dict[str, float]:
    """Median seconds of single calls: five, or the first alone where that took long."""
    times = {name: [first[name]] for name in steps}
    for _ in range(min(5, settings.rounds)):
        for name, step in steps.items():
            if first[name] < 100 * settings.seconds:
                begin = time.perf_counter()
                step()
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seen[1:] or seen) for name, seen in times.items()}

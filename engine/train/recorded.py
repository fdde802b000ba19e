"""A training done to its end while it is recorded; it can be asked to stop between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.train.recorder import Recorder
from engine.train.session import DivergedError, Training

FLUSH_SECONDS = 0.1
MEASURE_SECONDS = 0.5
"""Between two evaluations over all rows, at least; nine times what one took, if longer."""


def stretch(training: Training, steps: int) -> tuple[list[float], list[float], Exception | None]:
    """Up to so many steps of one stage: their losses, their learning rates, and what failed, if anything.

    A last stage that stops early ends them too; `training.stopped` says so then.
    """
    losses: list[float] = []
    rates: list[float] = []
    done, number = training.step_count, training.stage_number
    step, add, add_rate = training.step, losses.append, rates.append
    try:
        for _ in range(steps):
            add(step())
            add_rate(training.rate)
            if training.stage_number != number or training.stopped:
                break
    except (DivergedError, ValueError) as error:
        if training.step_count > done + len(
            losses
        ):  # a step was done, and what is due behind it failed
            add(training.loss)
            add_rate(training.rate)
        return losses, rates, error
    return losses, rates, None


def left(training: Training, goal: int | None) -> int:
    """Steps to a number of steps in all, or to the end of the recipe."""
    return (training.total_steps if goal is None else goal) - training.step_count


def record(
    training: Training,
    recorder: Recorder,
    goal: int | None,
    begun: dict[int, int],
    on_progress: Callable[[int, int], bool],
) -> bool:
    """Trains until so many steps are done in all, or to the end of the recipe.

    `begun` gets the steps done before each stage, by its number. `on_progress(done, total)` is asked
    some ten times a second, and between steps that are longer, whether to go on; returns False when it
    said no. Raises DivergedError or TrainingError, recorded.
    """
    recorder.asked = training.step_count + max(left(training, goal), 0)
    recorder.went_on()
    begun[training.stage_number] = training.stage_start
    flushed = measured = time.perf_counter()
    burst = 1
    while (rest := left(training, goal)) > 0 and not training.stopped:
        total, begin = training.step_count + rest, time.perf_counter()
        losses, rates, failure = stretch(training, min(burst, rest, recorder.until))
        recorder.note(losses, rates)
        begun[training.stage_number] = training.stage_start
        if failure is not None:
            recorder.halt("failed", str(failure))
            raise failure
        now = time.perf_counter()
        burst = 2 * burst if now - begin < FLUSH_SECONDS / 10 else max(burst // 2, 1)
        if now - flushed >= FLUSH_SECONDS:
            flushed, recorder.asked = now, total
            recorder.flush()
            if now >= measured:
                recorder.measured(training.metrics())
                taken = time.perf_counter() - now
                measured = now + max(MEASURE_SECONDS, 10 * taken)
            if not on_progress(training.step_count, total):
                recorder.halt("stopped")
                return False
    training.check()
    recorder.measured(training.metrics())
    recorder.halt("finished", training.stopped)
    return True

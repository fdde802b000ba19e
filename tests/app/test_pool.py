"""Trials in processes: the same bits as alone, deaths, stops, and nothing left behind."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.pool import MESSAGES_PER_SECOND, Pool, cores
from engine import edits, examples, files
from engine.compose import compose
from engine.files import FileError
from engine.graph import Graph
from engine.train import trials as kept
from engine.train.axes import Axis
from engine.train.sweep import Sweep, Trial, learnt_from, planned, run_trial

PATIENCE = 60.0
LONG = 10_000_000


def xor() -> Graph:
    return examples.load("xor")


def sweep(*axes: str, graph: Graph | None = None, **rest: object) -> Sweep:
    made = Sweep(tuple(Axis.parse(text) for text in axes), **rest)  # type: ignore[arg-type]
    return made.settled(graph or xor())


@pytest.fixture
def make() -> Iterator[Callable[..., Pool]]:
    made: list[Pool] = []

    def new(of: Sweep, *rest: object, graph: Graph | None = None, **more: object) -> Pool:
        pool = Pool(files.to_bytes(graph or xor()), None, of, *rest, **more)  # type: ignore[arg-type]
        made.append(pool)
        return pool

    yield new
    for pool in made:
        pool.close()
        assert pool.is_empty and not is_temporary_left(pool)


def is_temporary_left(pool: Pool) -> bool:
    return pool._temporary and pool.folder.exists()


def until(pool: Pool, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pool.poll()
        if done():
            return
        time.sleep(0.005)
    raise AssertionError(f"nothing in time; {pool.state}, {pool.message}, {pool.trials}")


def running(pool: Pool, count: int = 1) -> Callable[[], bool]:
    """So many trials have done a step."""
    return lambda: (
        sum(t.state == "running" and pool.live[t.number].step > 0 for t in pool.trials) >= count
    )


def over(pool: Pool) -> Callable[[], bool]:
    return lambda: not pool.is_on


def alone(graph: Graph, of: Sweep) -> list[tuple[Trial, dict[str, bytes]]]:
    plan = planned(graph, of)
    trials = [Trial(n, {}) for n in range(len(plan))]
    found = []
    for number, settings in enumerate(plan):
        told = learnt_from(of, trials, number)
        trials[number], values = run_trial(graph, None, of, number, settings, told or [])
        found.append((trials[number], {n: v.tobytes() for n, v in values.items()}))
    return found


def same(one: Trial, other: Trial) -> bool:
    return repr(replace(one, seconds=0)) == repr(replace(other, seconds=0))


def children() -> int:
    return len(multiprocessing.active_children())


@pytest.mark.parametrize("search", ["grid", "bayes"])
def test_same_bits_as_alone_with_any_number_of_processes(
    make: Callable[..., Pool], tmp_path: Path, search: str
) -> None:
    if search == "bayes":
        pytest.importorskip("optuna")
    of = sweep(
        "learning_rate=0.01..3:log:4", "optimizer=sgd,adam,momentum",
        search=search, trials=12, epochs=80, prune=search == "bayes",
    )  # fmt: skip
    graph, expected = xor(), alone(xor(), of)
    for workers in (1, 3):
        folder = kept.begin(tmp_path, of, files.to_bytes(graph), "xor")
        pool = make(of, folder, workers=workers)
        assert pool.state == "idle" and pool.poll() == []
        pool.start()
        until(pool, over(pool))
        assert pool.state == "finished" and pool.progress == 1.0 and not pool.message
        again = kept.read(folder)
        assert again.sweep == of and again.title == "xor"
        for (trial, values), got, read in zip(expected, pool.trials, again.trials, strict=True):
            assert same(trial, got) and same(trial, read)
            assert {n: v.tobytes() for n, v in pool.parameters(trial.number).items()} == values
    assert [path.name for path in kept.folders(tmp_path)] == ["sweep-1", "sweep-2"]


def test_a_killed_process_takes_its_trial_only(make: Callable[..., Pool]) -> None:
    of = sweep("seed=0..5", search="grid", epochs=LONG)
    pool = make(of, workers=2)
    pool.start()
    until(pool, running(pool, 2))
    victim = next(w for w in pool._staff if w.trial == 0)
    os.kill(victim.process.pid, signal.SIGKILL)
    until(pool, lambda: pool.trials[2].state == "running")  # one in its place
    until(pool, running(pool, 2))
    assert pool.trials[0].state == "failed" and "signal 9" in pool.trials[0].message
    assert pool.trials[1].state == "running" and pool.state == "running"
    assert len(pool._staff) == 2


def test_a_slow_a_diverging_and_a_failing_trial_are_rows(make: Callable[..., Pool]) -> None:
    graph = compose("J = x^4", {"x": 3.0})
    node = graph.nodes[str(graph.id_of("x"))]
    graph.put("nodes", node.id, replace(node, op="parameter"))
    edits.set_recipe(graph, epochs=50).apply(graph)
    of = sweep(
        "epochs=50,20000", "learning_rate=0.001,10", "clip_norm=0,-1", search="grid", graph=graph
    )
    pool = make(of, graph=graph, workers=2)
    pool.start()
    until(pool, over(pool))
    assert pool.state == "finished"
    states = {
        (t.settings["epochs"], t.settings["learning_rate"], t.settings["clip_norm"]): t
        for t in pool.trials
    }
    assert states[50, 0.001, 0.0].state == states[20000, 0.001, 0.0].state == "done"
    assert states[20000, 0.001, 0.0].steps == 20000
    assert states[20000, 0.001, 0.0].value < states[50, 0.001, 0.0].value
    assert all(states[e, 10.0, 0.0].state == "diverged" for e in (50, 20000))
    assert "diverged at step" in states[50, 10.0, 0.0].message
    failed = [t for t in pool.trials if t.settings["clip_norm"] == -1]
    assert {t.state for t in failed} == {"failed"} and "norm" in failed[0].message
    with pytest.raises(FileError, match="no parameters of trial"):
        pool.parameters(failed[0].number)


def test_pause_holds_every_trial_and_stop_ends_within_a_second(make: Callable[..., Pool]) -> None:
    of = sweep("seed=0..9", search="grid", epochs=LONG)
    pool = make(of, workers=2)
    pool.start()
    until(pool, running(pool, 2))
    pool.pause()
    until_still = time.monotonic() + 0.5
    while time.monotonic() < until_still:
        pool.poll()
        time.sleep(0.01)
    steps = [pool.live[n].step for n in (0, 1)]
    time.sleep(0.4)
    assert pool.poll() == [] and [pool.live[n].step for n in (0, 1)] == steps
    assert pool.state == "paused" and pool.is_on
    pool.resume()
    until(pool, lambda: all(pool.live[n].step > steps[n] for n in (0, 1)))
    began = time.monotonic()
    pool.stop()
    until(pool, over(pool))
    assert time.monotonic() - began < 1.0
    assert pool.state == "stopped"
    assert [t.state for t in pool.trials] == ["stopped"] * 2 + ["waiting"] * 8
    assert "stopped at step" in pool.trials[0].message and pool.trials[0].steps > 0
    until(pool, lambda: pool.is_empty)


def test_a_process_that_does_not_answer_is_ended(make: Callable[..., Pool]) -> None:
    pool = make(sweep("seed=0,1", search="grid", epochs=LONG), workers=1)
    pool.start()
    until(pool, running(pool))
    os.kill(pool._staff[0].process.pid, signal.SIGSTOP)
    began = time.monotonic()
    pool.stop()
    until(pool, over(pool))
    assert time.monotonic() - began < 1.5
    assert pool.trials[0].state == "stopped" and "in the middle of a step" in pool.trials[0].message


def test_closing_leaves_nothing(make: Callable[..., Pool]) -> None:
    before = children()
    pool = make(sweep("seed=0..9", search="grid", epochs=LONG), workers=3)
    pool.start()
    until(pool, running(pool, 3))
    assert children() == before + 3
    assert {os.getpriority(os.PRIO_PROCESS, w.process.pid) for w in pool._staff} == {
        os.getpriority(os.PRIO_PROCESS, 0) + 5
    }
    pool.close()
    assert children() == before and pool.state == "stopped" and not pool.folder.exists()
    pool.close()  # twice is no harm


def test_at_most_ten_messages_a_second_of_all(make: Callable[..., Pool]) -> None:
    pool = make(sweep("seed=0..9", search="grid", epochs=LONG), workers=3)
    pool.start()
    until(pool, running(pool, 3))
    heard, end = 0, time.monotonic() + 2.0
    hear = pool._hear

    def counted(*args: object, **more: object) -> None:
        nonlocal heard
        heard += 1
        hear(*args, **more)  # type: ignore[arg-type]

    pool._hear = counted  # type: ignore[method-assign]
    while time.monotonic() < end:
        pool.poll()
        time.sleep(0.005)
    assert 3 <= heard <= 2 * MESSAGES_PER_SECOND + 3
    live = pool.live[0]
    assert live.total == LONG and live.points[-1][0] == live.step
    assert all(math.isfinite(loss) for _, loss in live.points)


def test_what_was_done_is_not_done_again(make: Callable[..., Pool], tmp_path: Path) -> None:
    """A sweep that was stopped goes on: trials that are over stay, others are done, the same bits."""
    of = sweep("learning_rate=0.1,0.5,1", "seed=0,1", search="grid", epochs=30)
    graph = xor()
    expected = alone(graph, of)
    folder = kept.begin(tmp_path, of, files.to_bytes(graph))
    for trial, _ in expected[:3]:
        kept.add(folder, replace(trial, seconds=123.0))
    kept.add(folder, replace(expected[3][0], state="stopped"))
    with (folder / "trials").open("ab") as file:
        file.write(b'{"number": 4, "sett')  # cut off
    again = kept.read(folder)
    assert len(again.trials) == 4
    pool = make(again.sweep, folder, done=again.trials)
    pool.start()
    until(pool, over(pool))
    assert all(same(a, b) for (a, _), b in zip(expected, pool.trials, strict=True))
    assert [t.seconds == 123.0 for t in pool.trials] == [True] * 3 + [False] * 3
    whole = kept.read(folder).trials
    assert [t.number for t in whole] == list(range(6)) and whole[3].state == "done"


@pytest.mark.parametrize(
    "spoil",
    [b"", b"{}", b"[1]", b'{"version": 2}', b"\xff", b'{"version": NaN}', b"[" * 5000],
)
def test_a_damaged_sweep_is_one_sentence(tmp_path: Path, spoil: bytes) -> None:
    folder = kept.begin(tmp_path, sweep("seed=0,1"), files.to_bytes(xor()))
    (folder / "sweep.json").write_bytes(spoil)
    with pytest.raises(FileError) as error:
        kept.read(folder)
    assert "\n" not in str(error.value)


def test_cores_leave_one_to_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, wanted in ((1, 1), (2, 1), (8, 7)):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=there: set(range(n)), raising=False
        )
        assert cores() == wanted and cores(0) == there


def test_a_document_that_cannot_be_read_is_said(make: Callable[..., Pool]) -> None:
    pool = Pool(b"no document", None, sweep("seed=0,1"))
    pool.start()
    until(pool, over(pool))
    assert pool.state == "failed" and pool.message
    pool.close()

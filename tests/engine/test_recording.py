"""Runs on the disk: what is written comes back, whatever happens to writer, file or disk."""

from __future__ import annotations

import json
import math
import os
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import edits, examples, files
from engine.files import FileError
from engine.graph import Graph
from engine.recipe import Recipe, Stage
from engine.train import checkpoints, recorder, recording, runs
from engine.train.checkpoints import checkpoint_bytes, read_checkpoint
from engine.train.moments import MOMENTS_HEAD, MOMENTS_MAGIC, STAMP
from engine.train.optimizers import OPTIMIZERS
from engine.train.problem import TrainingError
from engine.train.recorded import stretch
from engine.train.recorder import Recorder
from engine.train.recording import METRICS_HEAD, Run, measure_line
from engine.train.running import Running
from engine.train.session import DivergedError, Training
from engine.train.thinning import RECORD, STRETCHES, Thinned


def xor(**recipe: Any) -> Graph:
    graph = examples.load("xor")
    edits.set_recipe(graph, **{"optimizer": "adam", "learning_rate": 0.05, **recipe}).apply(graph)
    return graph


def bits(values: Any) -> dict[str, bytes]:
    return {key: np.asarray(value).tobytes() for key, value in values.items()}


def unhurried(training: Training) -> Callable[[], float]:
    """A clock by which steps are long and all else takes no time: every moment is affordable."""
    return lambda: 1000.0 * training.step_count


def record(
    folder: Path,
    graph: Graph,
    steps: int,
    *,
    resume: bool = False,
    close: bool = True,
    **options: Any,
) -> Training:
    """Records so many steps, with the recorder left as a dead program leaves it unless `close`."""
    training = Training(graph, seed=3)
    made = Recorder(
        folder, training, files.to_bytes(graph), resume=resume, clock=unhurried(training), **options
    )
    for _ in range(steps - training.step_count):
        made.note([training.step()], [training.learning_rate])
        if training.step_count % 7 == 0:
            made.flush()
            made.measured(training.metrics())
    if close:
        made.halt("finished")
        made.close()
        assert not made.fault and not made.refused
    else:
        while made._keeper.is_busy:
            time.sleep(0.0005)
        made.flush()
        made._keeper.close()
        made._lock.close()
    return training


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return runs.new_folder(tmp_path / "a.gloom.runs")


# ------------------------------------------------------------ what is kept


def test_every_step_is_kept_and_read_back(folder: Path) -> None:
    training = record(folder, xor(), 500)
    run = Run(folder)
    metrics = run.metrics(10_000)
    assert metrics.step.tolist() == list(range(1, 501))
    assert metrics.loss.tolist() == training.history
    assert set(metrics.learning_rate) == {0.05}
    facts = run.facts
    assert (facts.state, facts.step, facts.loss, facts.seed) == ("finished", 500, training.loss, 3)
    assert (facts.recipe == training.graph.recipe and facts.title == "Xor") or facts.title
    assert run.document_bytes() == files.to_bytes(training.graph)
    kept = run.checkpoint()
    assert kept is not None and bits(kept.arrays) == bits(training.state()[0])


def test_moments_are_the_parameters_of_their_step(folder: Path) -> None:
    record(folder, xor(), 60)
    run, here = Run(folder), Training(xor(), seed=3)
    assert run.moments == list(range(61))
    for step in range(60):
        before = here.parameters()
        assert bits(run.parameters(step)) == bits(before)
        here.step()
        for node_id, value in here.parameters().items():
            moved = math.sqrt(math.fsum((value - before[node_id]).ravel() ** 2))
            assert run.update_norms(step)[node_id] == pytest.approx(moved, rel=1e-12)
            size = math.sqrt(math.fsum(before[node_id].ravel() ** 2))
            assert run.weight_norms(step)[node_id] == pytest.approx(size, rel=1e-12)
    assert all(math.isnan(v) for v in run.update_norms(60).values())
    assert bits(run.parameters(60)) == bits(here.parameters())
    with pytest.raises(FileError, match="behind step 61 are not kept"):
        run.parameters(61)


def test_a_full_file_of_moments_drops_every_other_one(folder: Path) -> None:
    record(folder, xor(), 400, moments=12_000)
    run = Run(folder)
    known = run.moments
    slots = run._moments._layout[0].slots  # type: ignore[index]
    assert slots > 8 and len(known) == slots
    assert (folder / "moments").stat().st_size <= 12_000 + 4096
    assert known[0] == 0 and known[-1] == 400
    gaps = np.diff(known)
    assert gaps.max() <= 4 * np.median(gaps)
    here = Training(xor(), seed=3)
    for step in known:
        here.run(step - here.step_count)
        assert bits(run.parameters(step)) == bits(here.parameters())
    assert run.nearest(here.step_count + 5) == 400


def test_parameters_too_large_for_the_budget_leave_no_moments(folder: Path) -> None:
    record(folder, xor(), 20, moments=100)
    run = Run(folder)
    assert run.moments == [] and run.nearest(3) is None and run.checkpoint() is not None


def test_moments_take_a_bounded_share_of_the_time(folder: Path) -> None:
    """With a clock by which a moment takes 1 ms and a step 0.1 ms, ever fewer moments are taken."""
    training = Training(xor(), seed=3)
    now = [0.0]
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=lambda: now[0])
    put = made._moments.take

    def slow(opens: bool) -> None:
        put(opens)
        now[0] += 1e-3

    made._moments.take = slow  # type: ignore[method-assign]
    for _ in range(20_000):
        made.note([training.step()], [0.1])
        now[0] += 1e-4
    made.halt("finished")
    made.close()
    assert made._spent < recorder._MOMENTS_SHARE * math.sqrt(now[0]) + recorder._FREE + 0.01
    assert 20 < len(Run(folder).moments) < 200 and Run(folder).moments[-2] > 15_000


def test_every_step_of_a_short_run_is_a_moment(folder: Path) -> None:
    """A hundred steps of 0.01 ms, moments of 0.1 ms: the way that is drawn has no corners cut."""
    training = Training(xor(), seed=3)
    now = [0.0]
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=lambda: now[0])
    put = made._moments.take

    def slow(opens: bool) -> None:
        put(opens)
        now[0] += 1e-4

    made._moments.take = slow  # type: ignore[method-assign]
    for _ in range(100):
        made.note([training.step()], [0.1])
        now[0] += 1e-5
    made.halt("finished")
    made.close()
    assert len(Run(folder).moments) >= 99


def test_moments_keep_an_even_pace_though_the_machine_holds_one_up(folder: Path) -> None:
    """A step is 0.1 ms, a moment too, and one takes a quarter of a second: nothing bunches or gapes."""
    training = Training(xor(), seed=3)
    now, taken = [0.0], [0]
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=lambda: now[0])
    put = made._moments.take

    def slow(opens: bool) -> None:
        put(opens)
        taken[0] += 1
        now[0] += 0.25 if taken[0] == 100 else 1e-4

    made._moments.take = slow  # type: ignore[method-assign]
    for _ in range(20_000):
        made.note([training.step()], [0.1])
        now[0] += 1e-4
    made.close()
    steps = np.array(Run(folder).moments)
    gaps = np.diff(steps[steps > 500])
    assert len(gaps) > 100 and gaps.min() > 1 and gaps.max() < 4 * np.median(gaps)


def test_measures_come_back_by_part_and_name(folder: Path) -> None:
    record(folder, xor(), 30)
    steps, values = Run(folder).measures["train"][_loss_name()]
    here = Training(xor(), seed=3)
    for step, value in zip(steps, values, strict=True):
        here.run(int(step) - here.step_count)
        assert value == here.metrics()["train"][_loss_name()]
    assert steps.tolist() == [7, 14, 21, 28]


def _loss_name() -> str:
    graph = xor()
    return graph.name(Training(graph).loss_node)


def test_numbers_that_json_lacks_are_measures_too() -> None:
    line = recording.measure_line(5, {"train": {"a": math.nan, "b": -math.inf}, "validation": {}})
    assert b"NaN" in line and json.loads(line)
    (length, step, parts, far) = next(recording.lines_of(line + b'{"step":'))
    assert (length, step, far) == (len(line), 5, (0.0, 0.0, (0, 0)))
    assert math.isnan(parts["train"]["a"]) and parts["train"]["b"] == -math.inf


def test_a_run_tells_how_far_it_was_and_any_stretch_of_its_record(folder: Path) -> None:
    record(folder, xor(), 70)
    run = Run(folder)
    clock = run.clock
    assert clock.step.tolist() == [0, *range(7, 71, 7)]
    assert clock.epoch.tolist() == clock.step.tolist()  # all rows at once: a step is an epoch
    assert clock.seconds.tolist() == [1000.0 * step for step in clock.step]
    assert run.stages == {0: 0}
    whole = run.metrics(10_000)
    part = run.between(11, 40)
    assert part.step.tolist() == list(range(11, 41))
    assert part.loss.tolist() == whole.loss[10:40].tolist()
    assert run.between(60, 99).step.tolist() == list(range(60, 71))
    assert len(run.between(80, 90).step) == len(run.between(1, 10**9).step) == 0
    assert len(Run(folder / "none").between(1, 5).step) == 0


# ------------------------------------------------------------ thinning


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, STRETCHES, STRETCHES + 1, 70_001, 1_000_000])
def test_thinning_keeps_peaks_and_ends(count: int) -> None:
    rng = np.random.default_rng(count)
    records = np.zeros(count, RECORD)
    records["step"] = np.arange(1, count + 1) + 12
    records["loss"] = rng.normal(size=count)
    if count > 50:
        records["loss"][count // 3] = 1e6
    thinned, at = Thinned(12), 0
    while at < count:
        take = int(rng.integers(1, 50_000))
        thinned.add(records[at : at + take])
        at += take
    assert thinned.total == count and not thinned.is_broken
    points = thinned.points(500)
    assert len(points) <= 506 and np.array_equal(np.unique(points["step"]), points["step"])
    assert np.array_equal(points, records[points["step"] - 13])
    if count:
        assert points["loss"].max() == records["loss"].max()
        assert points["loss"].min() == records["loss"].min()
        assert points["step"][0] == 13 and points["step"][-1] == 12 + count


# ------------------------------------------------------------ what is damaged


def test_a_reader_follows_a_writer(folder: Path) -> None:
    training = Training(xor(), seed=3)
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=unhurried(training))
    run = Run(folder)
    assert run.facts.state == "running" and run.is_live
    for count in range(1, 40):
        made.note([training.step()], [training.learning_rate])
        made.flush()
        assert run.metrics().step[-1] == count
        assert set(range(count - 1)) <= set(run.moments)
    with pytest.raises(FileError, match="another program trains this run"):
        Recorder(folder, Training(xor()), files.to_bytes(xor()), resume=True)
    with pytest.raises(FileError, match="being trained"):
        runs.remove(run)
    made.close()
    assert run.facts.state == "interrupted" and not run.is_live


def test_half_a_record_half_a_line_and_a_torn_slot_count_as_not_there(folder: Path) -> None:
    record(folder, xor(), 50)
    size = (folder / "metrics.bin").stat().st_size
    os.truncate(folder / "metrics.bin", size - 5)
    text = (folder / "measures").read_bytes()
    (folder / "measures").write_bytes(text[:-4])
    run = Run(folder)
    layout, start = run._moments.slots() and run._moments._layout  # type: ignore[misc]
    with (folder / "moments").open("r+b") as file:
        file.seek(start + 10 * layout.slot)
        file.write(STAMP.pack(10, 999))
    assert run.metrics(1000).step.tolist() == list(range(1, 50))
    assert next(iter(run.measures["train"].values()))[0].tolist() == [7, 14, 21, 28, 35, 42]
    assert run.moments == [step for step in range(51) if step != 10]
    with pytest.raises(FileError):
        run.parameters(10)
    whole = record(folder, xor(), 70, resume=True)  # what is damaged is written anew
    assert Run(folder).metrics(1000).step.tolist() == list(range(51, 71))
    assert whole.step_count == 70


def test_a_record_that_does_not_follow_ends_the_reading(folder: Path) -> None:
    record(folder, xor(), 50)
    data = bytearray((folder / "metrics.bin").read_bytes())
    struct.pack_into("<q", data, METRICS_HEAD.size + 20 * RECORD.itemsize, 7)
    (folder / "metrics.bin").write_bytes(data)
    run = Run(folder)
    assert run.metrics(1000).step.tolist() == list(range(1, 21)) and not run.is_behind
    struct.pack_into("<qd", data, METRICS_HEAD.size + 20 * RECORD.itemsize, 21, math.nan)
    (folder / "metrics.bin").write_bytes(data)
    assert run.metrics(1000).step.tolist() == list(range(1, 21))


HEADS: dict[str, bytes] = {
    "nothing": b"",
    "magic": b"x" * 4096,
    "long text": MOMENTS_HEAD.pack(MOMENTS_MAGIC, 2**60),
    "cut text": MOMENTS_HEAD.pack(MOMENTS_MAGIC, 50) + b'{"entries":[',
}
for name, told in {
    "many slots": {"entries": [["n1", "float64", [2]]], "slots": 10**12},
    "no slots": {"entries": [["n1", "float64", [2]]], "slots": 0},
    "huge": {"entries": [["n1", "float64", [10**9, 10**9]]], "slots": 2},
    "below": {"entries": [["n1", "float64", [-4]]], "slots": 2},
    "object": {"entries": [["n1", "object", [2]]], "slots": 2},
    "path": {"entries": [["../n1", "float64", [2]]], "slots": 2},
    "deep": {"entries": [["n1", "float64", [1] * 40]], "slots": 2},
    "field": {"entries": [], "slots": 2, "more": 1},
}.items():
    text = json.dumps(told).encode()
    HEADS[name] = (MOMENTS_HEAD.pack(MOMENTS_MAGIC, len(text)) + text).ljust(4096, b"\0") + b"a" * 9


def test_a_step_whose_epoch_cannot_be_measured_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is done then, so that its record has to be there: a label that is none, held out alone."""

    def refuses(_: Running) -> float:
        raise TrainingError("class 9 is not one of 0 to 2")

    monkeypatch.setattr(Running, "epoch_loss", refuses)
    training = Training(xor(patience=1, batch_size=0))
    made = Recorder(tmp_path, training, files.to_bytes(training.graph))
    losses, rates, failure = stretch(training, 1)
    made.note(losses, rates)
    assert isinstance(failure, TrainingError) and training.step_count == 1
    made.halt("failed", str(failure))
    made.close()
    assert Run(tmp_path).metrics().step.tolist() == [1]


def test_measures_that_were_taken_back_and_written_anew_are_read_anew(tmp_path: Path) -> None:
    """A run that goes on from its checkpoint grows beyond what a reader knew, before it looks again."""
    lines = [measure_line(step, {"train": {"J": step / 7}}) for step in (10, 20, 30)]
    (tmp_path / "measures").write_bytes(b"".join(lines))
    run = Run(tmp_path)
    assert run.measures["train"]["J"][0].tolist() == [10, 20, 30]
    anew = [measure_line(step, {"train": {"J": step / 3}}) for step in (11, 21, 31, 41)]
    (tmp_path / "measures").write_bytes(b"".join([*lines[:1], *anew]))
    steps, values = run.measures["train"]["J"]
    assert steps.tolist() == [10, 11, 21, 31, 41] and values[-1] == 41 / 3
    with (tmp_path / "measures").open("ab") as file:
        file.write(measure_line(51, {"train": {"J": 1.0}}))
    assert run.measures["train"]["J"][0].tolist() == [10, 11, 21, 31, 41, 51]


@pytest.mark.parametrize("name", HEADS)
def test_hostile_moments_are_none(name: str, folder: Path) -> None:
    record(folder, xor(), 5)
    (folder / "moments").write_bytes(HEADS[name])
    run = Run(folder)
    assert run.moments == []
    with pytest.raises(FileError):
        run.parameters(0)


@pytest.mark.parametrize("name", ["run.json", "document", "checkpoint", "metrics.bin", "measures"])
def test_hostile_files_are_refused_with_a_sentence(name: str, folder: Path) -> None:
    """Any byte another, any length cut: a FileError or less to see, never anything else."""
    record(folder, xor(), 30)
    good = (folder / name).read_bytes()
    rng = np.random.default_rng(1)
    for trial in range(120):
        data = bytearray(good)
        if trial % 2:
            del data[int(rng.integers(len(data))) :]
        else:
            data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
        (folder / name).write_bytes(data)
        run = Run(folder)
        for read in ("facts", "document", "checkpoint", "metrics", "measures"):
            try:
                found = getattr(run, read)
                _ = found() if callable(found) else found
            except FileError as error:
                assert str(folder / name) in str(error) and "\n" not in error.reason
    (folder / name).unlink()
    run = Run(folder)
    assert run.metrics().step.tolist() == [] or name != "metrics.bin"
    assert run.checkpoint() is None or name != "checkpoint"


@pytest.mark.parametrize(
    "facts", [None, [], {}, {"step": -1}, {"step": True}, {"step": "1"}, {"step": 2**62}]
)
def test_a_checkpoint_says_its_step(facts: Any) -> None:
    with pytest.raises(FileError, match="how many steps"):
        read_checkpoint(checkpoint_bytes({}, facts))


# ------------------------------------------------------------ going on


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_resumed_runs_end_with_the_same_bits(optimizer: str, tmp_path: Path) -> None:
    resumed_bits(tmp_path, xor(optimizer=optimizer), 3)


def test_resumed_stages_end_with_the_same_bits(tmp_path: Path) -> None:
    """Cuts fall into stages with schedules, frozen parameters, early stopping and limits."""
    graph = xor()
    frozen = tuple(graph.of_op("parameter")[:1])
    stages = (
        Stage(epochs=90, optimizer="adam", schedule="cosine", learning_rate=0.05, frozen=frozen),
        Stage(epochs=200, optimizer="momentum", patience=30, min_delta=1e-3, clip_norm=0.5),
        Stage(epochs=500, optimizer="lbfgs", l1_penalty=1e-4, learning_rate=0.5),
    )
    graph.put("settings", "recipe", Recipe(stages, 3))
    resumed_bits(tmp_path, graph, 8)


def resumed_bits(tmp_path: Path, graph: Graph, cuts: int) -> None:
    whole = record(runs.new_folder(tmp_path), graph, 300)
    for cut in range(cuts):
        folder = runs.new_folder(tmp_path)
        record(folder, graph, 45 + 29 * cut, close=False)
        again = record(folder, graph, 300, resume=True)
        assert bits(again.state()[0]) == bits(whole.state()[0])
        run = Run(folder)
        assert run.metrics(1000).loss.tolist() == whole.history
        assert run.facts.state == "finished" and run.moments[-1] == 300


def test_planted_an_optimizers_state_that_is_not_kept_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Training.state

    def forgetful(self: Training) -> Any:
        arrays, facts = real(self)
        kept = {k: v if k[-2:] not in (".m", ".v") else v * 0 for k, v in arrays.items()}
        return kept, facts

    monkeypatch.setattr(Training, "state", forgetful)
    with pytest.raises(AssertionError):
        test_resumed_runs_end_with_the_same_bits("adam", tmp_path)


def test_a_run_killed_before_its_first_checkpoint_begins_anew(folder: Path) -> None:
    record(folder, xor(), 100, close=False)
    (folder / "checkpoint").unlink(missing_ok=True)  # it may not have been due yet
    again = record(folder, xor(), 50, resume=True)
    assert again.step_count == 50 and Run(folder).metrics(1000).loss.tolist() == again.history
    assert Run(folder).moments[-1] == 50


def test_another_document_is_refused(folder: Path) -> None:
    record(folder, xor(), 10)
    with pytest.raises(FileError, match="has changed since this run began"):
        record(folder, xor(learning_rate=0.1), 20, resume=True)
    record(folder, xor(), 20, resume=True)  # and the lock was given back


def test_a_trained_document_that_was_saved_goes_on_with_its_run(folder: Path) -> None:
    """Its parameters are others, and it was moved about; the checkpoint is what training goes on from."""
    whole = Training(xor(), seed=3)
    whole.run(40)
    first = record(folder, xor(), 20)
    saved = xor()
    edits.set_tensors(first.parameters()).apply(saved)
    saved.put("settings", "title", "Trained")
    node = next(iter(saved.nodes.values()))
    saved.put("nodes", node.id, replace(node, x=node.x + 100.0))
    again = record(folder, saved, 40, resume=True)
    wanted, found = whole.parameters(), again.parameters()
    assert again.step_count == 40 and all((found[n] == wanted[n]).all() for n in wanted)


def test_divergence_takes_back_what_was_noted(folder: Path) -> None:
    graph = xor(optimizer="sgd", learning_rate=1e308)
    training = Training(graph, seed=3)
    made = Recorder(folder, training, files.to_bytes(graph), clock=unhurried(training))
    with pytest.raises(DivergedError):
        for _ in range(100):
            made.note([training.step()], [training.learning_rate])
            made.flush()
    made.halt("failed", "it diverged")
    made.close()
    run = Run(folder)
    assert run.facts.state == "failed" and run.facts.reason == "it diverged"
    assert run.metrics().step.tolist() == list(range(1, training.step_count + 1))
    assert max(run.moments) == training.step_count
    for step in run.moments:
        assert all(np.isfinite(v).all() for v in run.parameters(step).values())
    kept = run.checkpoint()
    assert kept is not None and kept.step == training.step_count


# ------------------------------------------------------------ B16


def poisoned(folder: Path, poison: Callable[[dict[str, Any], dict[str, Any]], None]) -> str:
    """Records 20 steps, then lets a state that is not finite come; what was refused."""
    training = Training(xor(), seed=3)
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=unhurried(training))
    for _ in range(20):
        made.note([training.step()], [training.learning_rate])
    made.halt("paused")
    real = training.state

    def state() -> Any:
        arrays, facts = real()
        poison(arrays, facts)
        return arrays, facts

    training.state = state  # type: ignore[method-assign]
    while made._keeper.is_busy:
        pass
    made.note([training.step()], [training.learning_rate])
    made.halt("paused")
    made.close()
    assert not made.fault
    return made.refused


def not_a_number(arrays: dict[str, Any], facts: dict[str, Any]) -> None:
    key = sorted(arrays)[0]
    arrays[key] = np.full_like(arrays[key], np.nan)


POISONS: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "array": not_a_number,
    "fact": lambda arrays, facts: facts.update(learning_rate=math.inf),
}


@pytest.mark.parametrize("name", POISONS)
def test_a_good_checkpoint_outlives_a_state_that_is_not_finite(name: str, folder: Path) -> None:
    assert "the checkpoint stays as it was" in poisoned(folder, POISONS[name])
    kept = Run(folder).checkpoint()
    assert kept is not None and kept.step == 20


def test_planted_a_state_that_is_not_looked_at_is_caught(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints.np, "isfinite", lambda array: np.ones(1, bool))
    with pytest.raises(AssertionError):
        test_a_good_checkpoint_outlives_a_state_that_is_not_finite("array", folder)


def test_a_full_disk_ends_the_record_and_not_the_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    training = Training(xor(), seed=3)
    made = Recorder(folder, training, files.to_bytes(training.graph), clock=unhurried(training))
    monkeypatch.setattr(recorder, "write_all", full)
    for _ in range(200):
        made.note([training.step()], [training.learning_rate])
        made.flush()
    made.halt("finished")
    made.close()
    assert "no longer recorded: No space left on device" in made.fault
    assert training.step_count == 200


# ------------------------------------------------------------ side by side


def test_runs_are_numbered_listed_removed_and_pruned(tmp_path: Path) -> None:
    home = runs.home_of(tmp_path / "a.gloom")
    assert home.name == "a.gloom.runs" and runs.listed(home) == []
    for _ in range(5):
        record(runs.new_folder(home), xor(), 5)
    (home / "notes").mkdir()
    (home / "7").mkdir()  # nothing is in it
    assert [run.number for run in runs.listed(home)] == [1, 2, 3, 4, 5]
    runs.remove(runs.listed(home)[2])
    Run(home / "1").pin(True)
    assert Run(home / "1").is_pinned
    assert runs.new_folder(home).name == "8"
    assert runs.prune(home, most_runs=3, keep=[4]) == [2]
    assert runs.prune(home, most_runs=1, keep=[4]) == []
    Run(home / "1").pin(False)
    size = runs.size_of(Run(home / "5"))
    assert runs.prune(home, most_bytes=int(2.5 * size)) == [1]
    assert [run.number for run in runs.listed(home)] == [4, 5]


def test_the_measures_of_a_long_run_are_read_fast(folder: Path) -> None:
    """Those of a night: a window that lists fifty such runs must not stand still for a minute."""
    record(folder, xor(), 1)
    numbers = {"loss": 0.5, "accuracy": 0.75}
    lines = [measure_line(17 * i, {"train": numbers}, i, i) for i in range(1, 20_001)]
    (folder / recording.MEASURES).write_bytes(b"".join(lines))
    run = Run(folder)
    begin = time.process_time()
    found = run.measures
    assert time.process_time() - begin < 0.4
    assert found["train"]["loss"][0].tolist() == [17 * i for i in range(1, 20_001)]


def test_a_step_that_no_number_holds_ends_the_measures(folder: Path) -> None:
    record(folder, xor(), 1)
    lines = [measure_line(step, {"train": {"loss": 0.5}}) for step in (5, 10**30, 7)]
    (folder / recording.MEASURES).write_bytes(b"".join(lines))
    assert Run(folder).measures["train"]["loss"][0].tolist() == [5]

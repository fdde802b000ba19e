"""Training in a process of its own: commands, news, deaths, and nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.messages import Assignment, Progress
from app.training_process import work
from app.worker import MESSAGES_PER_SECOND, POINTS_PER_MESSAGE, Trainer
from engine import edits, examples, files
from engine.compose import compose
from engine.graph import Graph
from engine.train.recording import Run
from engine.train.session import Training

PATIENCE = 30.0
linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


def document(name: str = "xor", **recipe: object) -> bytes:
    graph = examples.load(name)
    edits.set_recipe(graph, **recipe).apply(graph)
    return files.to_bytes(graph)


@pytest.fixture
def make() -> Iterator[Callable[..., Trainer]]:
    made: list[Trainer] = []

    def new(
        document: bytes, base: Path | None = None, seed: int | None = None, **options: Any
    ) -> Trainer:
        made.append(Trainer(document, base, seed, **options))
        return made[-1]

    yield new
    for trainer in made:
        trainer.close()


def until(trainer: Trainer, done: Callable[[Progress], bool]) -> list[Progress]:
    """Polls until a message satisfies `done`; the messages with it."""
    news: list[Progress] = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for message in trainer.poll():
            news.append(message)
        if any(done(message) for message in news):
            return news
        time.sleep(0.005)
    raise AssertionError(f"nothing in time; the last news was {news[-1:]}")


def in_state(*states: str) -> Callable[[Progress], bool]:
    return lambda message: message.state in states


def process_of(trainer: Trainer) -> int:
    assert trainer._peer is not None
    return int(trainer._peer.process.pid)


def is_alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_same_numbers_as_without_a_process(make: Callable[..., Trainer]) -> None:
    trainer = make(document(), seed=3)
    assert trainer.state == "idle" and not trainer.is_running and trainer.poll() == []
    trainer.start(steps=200)
    assert trainer.is_running
    news = until(trainer, in_state("finished"))
    here = Training(examples.load("xor"), seed=3)
    here.run(200)
    last = news[-1]
    assert (last.step, last.epoch, last.loss) == (200, 200, here.loss)
    assert last.metrics == here.metrics()
    found = trainer.parameters()
    assert trainer.parameters_step == 200 and trainer.parameters() is found
    assert {n: v.tobytes() for n, v in found.items()} == {
        n: v.tobytes() for n, v in here.parameters().items()
    }
    points = [point for message in news for point in message.points]
    assert points[-1] == (200, here.loss)
    assert [step for step, _ in points] == sorted({step for step, _ in points})
    assert all(here.history[step - 1] == loss for step, loss in points)


def test_stages_and_an_early_end(make: Callable[..., Trainer]) -> None:
    """To the end of the recipe: the stages in order, the reason told, the steps counted anew."""
    graph = examples.load("xor")
    stage = replace(graph.recipe.last, epochs=50)
    stages = (replace(stage, title="a", patience=3, min_delta=9.0), replace(stage, epochs=30))
    graph.put("settings", "recipe", replace(graph.recipe, stages=stages))
    trainer = make(files.to_bytes(graph), seed=3)
    trainer.start()
    news = until(trainer, in_state("finished"))
    here = Training(graph, seed=3)
    here.run()
    assert news[-1].step == news[-1].total == here.step_count == 34
    assert news[-1].stage == 1
    assert {m.message for m in news} - {""} == set(here.notes)
    assert all(
        v.tobytes() == here.parameters()[n].tobytes() for n, v in trainer.parameters().items()
    )
    trainer.start()  # the last stage once more
    assert until(trainer, in_state("finished"))[-1].step == 64
    trainer.start(epochs=3)
    assert until(trainer, in_state("finished"))[-1].step == 67


def test_pause_step_resume_stop(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.step()
    assert until(trainer, in_state("paused"))[-1].step == 1
    trainer.step()
    assert until(trainer, in_state("paused"))[-1].step == 2
    trainer.start(steps=10_000_000)
    until(trainer, lambda m: m.state == "running" and m.step > 100)
    trainer.pause()
    held = until(trainer, in_state("paused"))[-1]
    assert trainer.parameters_step == held.step
    time.sleep(0.1)
    assert trainer.poll() == [] and not trainer.is_running
    trainer.resume()
    until(trainer, lambda m: m.state == "running" and m.step > held.step)
    trainer.stop()
    stopped = until(trainer, in_state("stopped"))[-1]
    trainer.resume()  # nothing is left to do
    assert until(trainer, in_state("stopped"))[-1].step == stopped.step
    trainer.start(epochs=3)
    assert until(trainer, in_state("finished"))[-1].step == stopped.step + 3


def test_messages_are_few(make: Callable[..., Trainer]) -> None:
    """At most 30 a second beside the answers to commands, and none is long."""
    trainer = make(document())
    trainer.start(steps=100_000_000)
    until(trainer, in_state("running"))
    begin = time.monotonic()
    news: list[Progress] = []
    while time.monotonic() < begin + 1.5:
        trainer.parameters()  # asks for a snapshot all the time
        news += trainer.poll()
        time.sleep(0.002)
    taken = time.monotonic() - begin
    assert 10 < len(news) <= MESSAGES_PER_SECOND * taken + 2
    assert all(len(message.points) <= POINTS_PER_MESSAGE for message in news)
    assert news[-1].rate > 0 and news[-1].step > 100
    assert any(message.metrics for message in news)


def test_snapshots_while_running(make: Callable[..., Trainer]) -> None:
    """A snapshot is the parameters of exactly its step, at any moment."""
    trainer = make(document(learning_rate=0.05))
    trainer.start(steps=10_000)
    steps: dict[int, bytes] = {}
    end = time.monotonic() + PATIENCE
    while trainer.is_running and time.monotonic() < end:
        trainer.poll()
        found = trainer.parameters()
        if found:
            steps[trainer.parameters_step] = b"".join(v.tobytes() for v in found.values())
        time.sleep(0.001)
    edited = examples.load("xor")
    edits.set_recipe(edited, learning_rate=0.05).apply(edited)
    here = Training(edited)
    assert len(steps) > 1
    for step in sorted(steps):
        here.run(step - here.step_count)
        assert steps[step] == b"".join(v.tobytes() for v in here.parameters().values())


def test_learning_rate_is_live(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.step()
    until(trainer, in_state("paused"))
    before = trainer.parameters()
    trainer.set_learning_rate(0.0)
    trainer.start(steps=5)
    last = until(trainer, in_state("finished"))[-1]
    assert last.learning_rate == 0.0 and last.step == 6
    after = trainer.parameters()
    assert all(np.array_equal(before[n], after[n]) for n in before)


def test_nothing_starts_but_by_start_or_step(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.pause()
    trainer.resume()
    trainer.stop()
    trainer.set_learning_rate(0.25)
    assert trainer.state == "idle" and trainer.poll() == [] and trainer.parameters() == {}
    trainer.start(steps=2)
    states = [trainer.state]
    while trainer.is_running:
        trainer.poll()
        states.append(trainer.state)
    assert list(dict.fromkeys(states)) in (
        ["starting", "finished"],
        ["starting", "running", "finished"],
    )
    assert trainer.last.learning_rate == 0.25


def test_divergence_is_said_and_the_last_finite_parameters_stay(
    make: Callable[..., Trainer],
) -> None:
    trainer = make(document(learning_rate=1e308))
    trainer.start(steps=1000)
    last = until(trainer, in_state("failed"))[-1]
    assert "lower the learning rate" in last.message
    assert all(np.isfinite(v).all() for v in trainer.parameters().values())
    assert trainer.state == "failed" and not trainer.is_running
    trainer.start(steps=1)
    assert "has failed" in until(trainer, lambda m: bool(m.message))[-1].message


@pytest.mark.parametrize("text", [b"{}", document(optimizer="sdg")])
def test_a_document_that_cannot_be_trained(text: bytes, make: Callable[..., Trainer]) -> None:
    trainer = make(text)
    trainer.start(steps=1)
    last = until(trainer, in_state("failed"))[-1]
    assert last.message and "\n" not in last.message
    end = time.monotonic() + PATIENCE
    while trainer._peer is not None and time.monotonic() < end:
        trainer.poll()
        time.sleep(0.01)
    assert trainer.state == "failed"
    with pytest.raises(RuntimeError, match="has ended"):
        trainer.start()


def test_a_file_beside_the_document(make: Callable[..., Trainer], tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "iris.csv").write_text("u,v,kind\n" + rows, encoding="utf-8")
    trainer = make(document("your-csv"), tmp_path)
    trainer.start(steps=3)
    until(trainer, in_state("finished"))
    assert (2, 16) in {v.shape for v in trainer.parameters().values()}


@linux
def test_survives_the_death_of_the_process(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.start(steps=100_000_000)
    until(trainer, lambda m: m.step > 50)
    trainer.parameters()
    until(trainer, lambda m: trainer.parameters_step > 0)
    kept = trainer.parameters()
    os.kill(process_of(trainer), signal.SIGKILL)
    last = until(trainer, in_state("ended"))[-1]
    assert last.message.startswith(
        "the training process ended (signal 9); the parameters are those"
    )
    assert last.message.endswith("; start the training again")  # there is no record to go on from
    assert not trainer.is_running and trainer.poll() == []
    assert set(trainer.parameters()) == set(kept)
    assert all(np.isfinite(v).all() for v in trainer.parameters().values())
    with pytest.raises(RuntimeError, match="has ended"):
        trainer.start()
    trainer.close()


@linux
@pytest.mark.parametrize("running", [False, True])
def test_close_leaves_nothing(running: bool, make: Callable[..., Trainer]) -> None:
    before = set(os.listdir("/dev/shm"))
    trainer = make(document())
    if running:
        trainer.start(steps=100_000_000)
        until(trainer, lambda m: m.step > 50)
    else:
        trainer.step()
        until(trainer, in_state("paused"))
    pid = process_of(trainer)
    assert set(os.listdir("/dev/shm")) - before == set()  # its name goes as soon as both have it
    begin = time.monotonic()
    trainer.close()
    assert time.monotonic() - begin < 4
    assert not is_alive(pid)
    trainer.close()
    assert trainer.state == "stopped"


PARENT = """
import sys, time
if __name__ == "__main__":
    {first}
    from pathlib import Path
    from app.worker import Trainer
    trainer = Trainer(Path(sys.argv[1]).read_bytes())
    {command}
    while not trainer.poll():
        time.sleep(0.01)
    print(trainer._peer.process.pid, flush=True)
    time.sleep(600)
"""


def _parent(folder: Path, first: str, command: str) -> tuple[subprocess.Popen[str], int]:
    """A program that trains; the program and its child's id."""
    script, text = folder / "parent.py", folder / "d.json"
    script.write_text(PARENT.format(first=first, command=command), encoding="utf-8")
    text.write_bytes(document())
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(text)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


@linux
@pytest.mark.parametrize("command", ["trainer.start(steps=10**9)", "trainer.step()"])
def test_the_child_dies_with_its_parent(command: str, tmp_path: Path) -> None:
    before = set(os.listdir("/dev/shm"))
    parent, child = _parent(tmp_path, "pass", command)
    assert is_alive(child)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_alive(child)
    assert set(os.listdir("/dev/shm")) - before == set()


@linux
def test_the_child_has_no_qt(tmp_path: Path) -> None:
    """Even below a program that has it loaded; the same look at the parent sees it there."""
    parent, child = _parent(tmp_path, "import PySide6.QtWidgets", "trainer.step()")
    try:
        assert "libQt6" in Path(f"/proc/{parent.pid}/maps").read_text("utf-8")
        assert "libQt6" not in Path(f"/proc/{child}/maps").read_text("utf-8")
    finally:
        parent.kill()
        parent.wait()


def test_a_graph_of_the_right_kind_goes_through_text() -> None:
    """What the child reads is bit for bit the document."""
    graph = examples.load("softmax-digits")
    again: Graph = files.from_bytes(files.to_bytes(graph))
    assert all(again.tensors[k].tobytes() == v.tobytes() for k, v in graph.tensors.items())


def test_a_last_update_that_leaves_the_numbers_is_not_handed_over(
    make: Callable[..., Trainer],
) -> None:
    graph = compose("w^2", {"w": 1.0})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter"))
    edits.set_recipe(graph, learning_rate=1.7e308).apply(graph)
    trainer = make(files.to_bytes(graph))
    trainer.start(steps=1)
    assert until(trainer, in_state("failed"))[-1].message
    assert np.isfinite(trainer.parameters()[node.id]).all()


# ------------------------------------------------------------ steering, stopping, recording


def test_optimizer_and_parameters_are_live(make: Callable[..., Trainer]) -> None:
    trainer = make(document(learning_rate=0.05))
    trainer.start(steps=10)
    until(trainer, in_state("finished"))
    node = next(iter(trainer.parameters()))
    given = np.full_like(trainer.parameters()[node], 0.25)
    trainer.set_optimizer("adam", {"beta1": 0.5})
    trainer.set_parameter(node, given)
    trainer.start(steps=10)
    until(trainer, lambda m: m.state == "finished" and m.step == 20)
    here = examples.load("xor")
    edits.set_recipe(here, learning_rate=0.05).apply(here)
    training = Training(here)
    training.run(10)
    training.set_optimizer("adam", {"beta1": 0.5})
    training.set_parameter(node, given)
    training.run(10)
    found = trainer.parameters()
    assert {n: v.tobytes() for n, v in found.items()} == {
        n: v.tobytes() for n, v in training.parameters().items()
    }


def test_what_cannot_be_changed_is_said_and_training_goes_on(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.start(steps=1_000_000_000)
    until(trainer, lambda m: m.step > 10)
    trainer.set_optimizer("sdg")
    said = until(trainer, lambda m: bool(m.message))[-1]
    assert "sdg" in said.message and said.state == "running"
    trainer.set_parameter("n999", 1.0)
    assert until(trainer, lambda m: bool(m.message))[-1].state == "running"
    until(trainer, lambda m: m.step > said.step)


def test_one_epoch(make: Callable[..., Trainer]) -> None:
    trainer = make(document("softmax-digits", batch_size=64))
    trainer.epoch()
    last = until(trainer, in_state("finished"))[-1]
    assert last.epoch == 1 and last.step == last.total > 5


def test_a_speed_is_held(make: Callable[..., Trainer]) -> None:
    trainer = make(document())
    trainer.set_speed(50)
    trainer.start(steps=1_000_000)
    first = until(trainer, lambda m: m.step > 2)[-1]
    begin = time.monotonic()
    time.sleep(1.0)
    trainer.stop()
    last = until(trainer, in_state("stopped"))[-1]
    assert last.step - first.step <= 50 * (time.monotonic() - begin) + 3
    assert last.step - first.step > 20


def test_stop_is_answered_while_all_rows_are_measured(
    make: Callable[..., Trainer], tmp_path: Path
) -> None:
    """Measuring takes longer than a stop may; it is heard on the way, and the metrics come behind."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20_000, 40)).round(3)
    lines = "\n".join(",".join(map(str, row)) + f",{'ab'[i % 2]}" for i, row in enumerate(rows))
    names = ",".join(f"c{i}" for i in range(40))
    (tmp_path / "iris.csv").write_text(f"{names},kind\n{lines}\n", encoding="utf-8")
    trainer = make(document("your-csv", batch_size=8), tmp_path)
    trainer.start(steps=10**9)
    until(trainer, lambda m: m.step > 100)
    for _ in range(5):
        trainer.stop()
        begin = time.monotonic()
        stopped = until(trainer, in_state("stopped", "ended"))[-1]
        assert stopped.state == "stopped" and time.monotonic() - begin < 1.0
        assert stopped.more != bool(stopped.metrics)
        if stopped.more:
            late = until(trainer, lambda m: bool(m.metrics))[-1]
            assert late.state == "stopped" and not late.more
        trainer.start(steps=10**9)
        until(trainer, in_state("running"))


@linux
def test_a_process_that_does_not_answer_is_ended_and_the_newest_moment_stays(
    make: Callable[..., Trainer], tmp_path: Path
) -> None:
    trainer = make(document(learning_rate=0.05), runs=tmp_path / "runs")
    trainer.start(steps=10**9)
    until(trainer, lambda m: m.step > 2000)
    pid = process_of(trainer)
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    trainer.stop()
    assert time.monotonic() - begin < 0.05
    last = until(trainer, in_state("ended"))[-1]
    assert time.monotonic() - begin < 1.5
    assert not is_alive(pid)
    assert (
        "did not answer for 0.2 s and was ended; the parameters are those of step" in last.message
    )
    assert trainer.run is not None
    newest = Run(trainer.run).moments[-1]
    assert trainer.parameters_step >= newest > 0
    edited = examples.load("xor")
    edits.set_recipe(edited, learning_rate=0.05).apply(edited)
    here = Training(edited)
    here.run(trainer.parameters_step)
    assert {n: v.tobytes() for n, v in trainer.parameters().items()} == {
        n: v.tobytes() for n, v in here.parameters().items()
    }


@linux
def test_a_killed_training_goes_on_with_the_same_bits(
    make: Callable[..., Trainer], tmp_path: Path
) -> None:
    text = document(optimizer="adam", learning_rate=0.01)
    killed = make(text, seed=5, runs=tmp_path / "runs")
    killed.set_speed(5000)
    killed.start(steps=20_000)
    until(killed, lambda m: m.step > 4000)
    killed.pause()
    until(killed, in_state("paused"))
    killed.resume()
    until(killed, lambda m: m.step > 6000)
    os.kill(process_of(killed), signal.SIGKILL)
    ended = until(killed, in_state("ended"))[-1]
    assert killed.run is not None
    run = Run(killed.run)
    way = "Train begins a new run with them, and Runs has a command to go on with run 1 from its"
    assert way in ended.message
    assert run.facts.state == "interrupted" and run.facts.asked == 20_000
    kept = run.checkpoint()
    assert kept is not None and 4000 <= kept.step < killed.last.step + 1000
    again = make(run.document_bytes(), resume=run.folder)
    again.start(steps=20_000 - kept.step)
    until(again, in_state("finished"))
    whole = Training(files.from_bytes(text), seed=5)
    whole.run(20_000)
    assert {n: v.tobytes() for n, v in again.parameters().items()} == {
        n: v.tobytes() for n, v in whole.parameters().items()
    }
    again.close()
    metrics = run.metrics(10**6)
    assert run.facts.state == "finished" and metrics.step[-1] == 20_000
    assert all(whole.history[s - 1] == v for s, v in zip(metrics.step, metrics.loss, strict=True))


def test_a_run_is_recorded_as_it_is_told(make: Callable[..., Trainer], tmp_path: Path) -> None:
    trainer = make(document(), runs=tmp_path / "runs", parent=(3, 120))
    trainer.start(steps=500)
    told = until(trainer, in_state("finished"))[-1]
    trainer.close()
    assert trainer.run is not None
    run = Run(trainer.run)
    assert run.metrics(1000).step.tolist() == list(range(1, 501))
    facts = run.facts
    assert (facts.state, facts.step, facts.loss) == ("finished", 500, told.loss)
    assert facts.parent == (3, 120) and facts.asked == 500 and not facts.drawn
    assert run.moments[0] == 0 and run.moments[-1] == 500
    steps, values = run.measures["train"][files.from_bytes(document()).name(_loss_of())]
    assert (
        steps[-1] == 500 and values[-1] == told.metrics["train"][next(iter(told.metrics["train"]))]
    )


def _loss_of() -> str:
    return Training(files.from_bytes(document())).loss_node


def test_a_folder_that_cannot_be_written_leaves_training_without_a_record(
    make: Callable[..., Trainer], tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    trainer = make(document(), runs=tmp_path / "runs")
    trainer.start(steps=50)
    news = until(trainer, in_state("finished"))
    assert any("this training is not recorded" in message.message for message in news)
    assert trainer.run is None


def test_a_run_that_cannot_be_gone_on_with(make: Callable[..., Trainer], tmp_path: Path) -> None:
    trainer = make(document(), resume=tmp_path / "none")
    trainer.start()
    assert "run.json" in until(trainer, in_state("failed"))[-1].message
    first = make(document(), runs=tmp_path / "runs")
    first.step()
    until(first, in_state("paused"))
    assert first.run is not None
    second = make(document(), resume=first.run)
    second.start()
    assert "another program trains this run" in until(second, in_state("failed"))[-1].message
    other = make(document(learning_rate=0.3), resume=first.run)
    first.close()
    other.start()
    assert "has changed since this run began" in until(other, in_state("failed"))[-1].message


def test_a_divergence_is_recorded_with_its_reason(
    make: Callable[..., Trainer], tmp_path: Path
) -> None:
    trainer = make(document(learning_rate=1e308), runs=tmp_path / "runs")
    trainer.start(steps=1000)
    last = until(trainer, in_state("failed"))[-1]
    trainer.close()
    assert trainer.run is not None
    run = Run(trainer.run)
    facts = run.facts
    assert facts.state == "failed" and facts.reason == last.message and facts.step == last.step
    kept = run.checkpoint()
    assert kept is None or kept.step <= last.step
    assert run.metrics(1000).step.tolist() == list(range(1, last.step + 1))
    points = [step for message in [last] for step, _ in message.points]
    assert points == list(range(1, last.step + 1))


@linux
def test_a_process_whose_parent_went_while_it_came_up_leaves_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No traceback, and no memory of the system's."""
    before = set(os.listdir("/dev/shm"))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    ours.send(Assignment(document()))
    ours.close()  # it has what to do, and nobody to tell
    process.join(PATIENCE)
    assert process.exitcode == 0
    assert "Traceback" not in capfd.readouterr().err
    assert set(os.listdir("/dev/shm")) - before == set()

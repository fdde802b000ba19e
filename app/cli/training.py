"""Commands on training: train and runs."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import FILE, cli, json_option, show
from app.shell import DONE, FAILED, tell_error

if TYPE_CHECKING:
    from engine.graph import Graph
    from engine.train.recorder import Recorder
    from engine.train.recording import Run
    from engine.train.session import Training


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--epochs", type=click.IntRange(0), help="Passes over the data; the recipe's if not.")
@click.option("--steps", type=click.IntRange(0), help="Steps instead of epochs.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Draws new starting parameters.")
@click.option("--lr", type=float, help="The learning rate instead of the recipe's.")
@click.option(
    "--run", "run_folder", type=FILE, metavar="DIR", help="Record the run in this folder."
)
@click.option("--resume", is_flag=True, help="Go on with the run in DIR, to where it was to end.")
@click.option("-o", "--output", type=FILE, help="Write the trained document here.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it exists, FILE included.")
@json_option
def train(
    file: str,
    epochs: int | None,
    steps: int | None,
    seed: int | None,
    lr: float | None,
    run_folder: Path | None,
    resume: bool,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Train a document by its recipe; FILE stays as it is.

    With --run every step, moments and checkpoints are kept in DIR; Ctrl-C leaves a run that the same
    command with --resume goes on with, bit by bit.
    """
    from app import arguments, report
    from engine import files

    if epochs is not None and steps is not None:
        raise click.UsageError("give --epochs or --steps, not both")
    if resume and run_folder is None:
        raise click.UsageError("give --run DIR, the run to go on with")
    if output is not None:
        output = arguments.target(output, force)
    graph, base = arguments.open_document(file)
    if lr is not None:
        stages = tuple(replace(s, learning_rate=lr) for s in graph.recipe.stages)
        graph.put("settings", "recipe", replace(graph.recipe, stages=stages))
    begun: dict[int, int] = {}
    with report.progress("train") as tell:
        if run_folder is not None:
            wanted = (steps, epochs, seed)
            training, history, diverged = _recorded(
                graph, base, run_folder, resume, wanted, begun, tell
            )
        else:
            training, diverged = _unrecorded(graph, base, (steps, epochs, seed), begun, tell)
            history = training.history
    metrics = training.metrics()
    if output is not None and not diverged:
        for node_id, value in training.parameters().items():
            graph.put("tensors", node_id, value)
        files.write(graph, output)
    notes = [*training.notes, *([] if diverged else _trouble(training, graph, base, history))]
    if as_json:
        ends = {"first": history[0] if history else None, "last": history[-1] if history else None}
        told = {"steps": len(history), "loss": {**ends, "history": history}, "metrics": metrics}
        told |= {"stages": [{"stage": n + 1, "from_step": at} for n, at in begun.items()]}
        told |= {"notes": notes}
        click.echo(report.to_json(told))
    else:
        show(*report.trained(graph.recipe, begun, notes, history, metrics, output))
    return tell_error(diverged, FAILED) if diverged else DONE


def _trouble(
    training: Training, graph: Graph, base: Path | None, history: list[float]
) -> list[str]:
    """Why the loss did not come down, when it did not; nothing where there is no more to say."""
    from engine.probes.flow import flow
    from engine.train.scene import Scene
    from engine.train.trouble import looks_bad

    first = training.step_count - len(history)
    losses = [point for point in enumerate(history, first) if point[0] >= training.stage_start]
    if not looks_bad(losses):
        return []
    try:
        scene = Scene(graph, base)
        scene.at(training.parameters(), training.step_count)
        verdict = flow(scene, losses).verdicts[0]
    except ValueError:
        return []
    name = f"{verdict.of}: {verdict.name}" if verdict.of else verdict.name
    return [] if verdict.is_well else [f"{name}: {verdict.sentence}"]


Wanted = tuple[int | None, int | None, int | None]
"""Steps, epochs and the seed."""


def _unrecorded(
    graph: Graph, base: Path | None, wanted: Wanted, begun: dict[int, int], tell: Any
) -> tuple[Training, str]:
    """The training, and why it diverged; `begun` gets the steps done before each stage."""
    from engine.train.session import DivergedError, Training

    steps, epochs, seed = wanted
    training = Training(graph, base, seed=seed)
    if steps is None and epochs is not None:
        steps = training.steps_ahead(epochs)
    begun[training.stage_number] = 0

    def told_of(t: Training) -> None:
        tell(t.step_count, t.total_steps if steps is None else steps)
        begun.setdefault(t.stage_number, t.step_count)

    try:
        training.run(steps, told_of)
    except DivergedError as error:
        return training, str(error)
    return training, ""


def _recorded(
    graph: Graph,
    base: Path | None,
    folder: Path,
    resume: bool,
    wanted: Wanted,
    begun: dict[int, int],
    tell: Any,
) -> tuple[Training, list[float], str]:
    """The training, the losses of its run and why it diverged; KeyboardInterrupt leaves it resumable.

    `begun` gets the steps done before each stage.
    """
    from engine import files
    from engine.files import FileError
    from engine.train import recorded
    from engine.train.recorder import Recorder
    from engine.train.recording import Run
    from engine.train.session import DivergedError, Training

    steps, epochs, seed = wanted
    run = Run(folder)
    known = run.facts if resume else None
    if known is None:
        if folder.exists() and any(folder.iterdir()):
            raise FileError(
                "there is something in it already; add --resume to go on with a run, or choose "
                "another folder",
                str(folder),
            )
        folder.mkdir(parents=True, exist_ok=True)
    elif seed is None and known.drawn:
        seed = known.seed
    training = Training(graph, base, seed=seed)
    training.keeps_history = False
    recorder = Recorder(
        folder, training, files.to_bytes(graph), resume=resume, drawn=seed is not None
    )
    diverged = ""
    with contextlib.closing(recorder), _asked_to_stop() as stops:
        begun |= run.stages
        goal = _goal(training, recorder, steps, epochs, known is not None)
        if not (known is not None and known.state == "finished" and steps is None is epochs):
            try:
                recorded.record(
                    training,
                    recorder,
                    goal,
                    begun,
                    lambda done, all_: tell(done, all_) or not stops,
                )
            except DivergedError as error:
                diverged = str(error)
    if recorder.fault:
        tell_error(recorder.fault)
    if stops:
        signal.raise_signal(stops[0])
    return training, _losses(run), diverged


def _goal(
    training: Training, recorder: Recorder, steps: int | None, epochs: int | None, goes_on: bool
) -> int | None:
    """How many steps are to be done in all; None to the end of the recipe."""
    if steps is not None:
        return steps
    if goes_on and recorder.asked:
        follows = epochs is None and recorder.asked == training.total_steps
        return None if follows else recorder.asked
    return None if epochs is None else training.step_count + training.steps_ahead(epochs)


def _losses(run: Run) -> list[float]:
    """The loss of every step of a run."""
    losses: list[float] = []
    while len(part := run.between(len(losses) + 1, len(losses) + 100_000).loss):
        losses += part.tolist()
    return losses


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """A list that a first Ctrl-C or SIGTERM puts its number in; a second one does what it always did."""
    asked: list[int] = []
    before: dict[int, Any] = {}

    def stop(number: int, frame: object) -> None:
        asked.append(number)
        for known, handler in before.items():
            signal.signal(known, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not the main thread: nobody presses keys there
            before[number] = signal.signal(number, stop)
    try:
        yield asked
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)


@cli.command()
@click.argument("file", metavar="FILE", type=FILE)
@json_option
def runs(file: Path, as_json: bool) -> None:
    """The recorded runs of a document, kept beside it."""
    import time

    from app import report
    from engine.files import FileError
    from engine.train.runs import home_of, listed, size_of

    if not file.is_file():
        raise FileError("it is not there; name a saved document", str(file))
    told: list[dict[str, Any]] = []
    for run in listed(home_of(file)):
        row: dict[str, Any] = {"run": run.number, "folder": str(run.folder)}
        try:
            facts = run.facts
            row |= {
                "state": facts.state, "steps": facts.step, "asked": facts.asked,
                "epochs": facts.epoch, "loss": facts.loss, "seed": facts.seed,
                "started": facts.started, "reason": facts.reason,
            }  # fmt: skip
        except FileError as error:
            row |= {"state": "damaged", "reason": error.reason}
        told.append({**row, "pinned": run.is_pinned, "bytes": size_of(run)})
    if as_json:
        click.echo(report.to_json(told))
        return
    if not told:
        click.echo(f"{file} has no runs; 'gradloom train {file} --run DIR' records one")
        return
    rows = [
        (
            f"{row['run']}{' (pinned)' if row['pinned'] else ''}",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row["started"]))
            if "started" in row
            else "–",
            f"{row['steps']:,}" if "steps" in row else "–",
            report.number(row.get("loss"), 6),
            row["state"],
            row["reason"],
        )
        for row in told
    ]
    titles = ("Run", "Started", "Steps", "Loss", "State", "Reason")
    show(report.table(rows, titles, ("bold",), right=(2, 3)))

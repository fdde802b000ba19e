"""The command that trains a document with many settings: sweep."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import FILE, cli, json_option, show
from app.shell import DONE, FAILED, tell_error

if TYPE_CHECKING:
    from app.pool import Pool
    from engine.train.sweep import Trial

_VARY = (
    "FIELD=A,B,C or FIELD=LOW..HIGH, with :log, :whole or a number of points behind it. A field is one "
    "of the recipe, an optimizer's setting, a size, or a number of a node. Repeats."
)
_POLL_S = 0.02


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--vary", multiple=True, required=True, metavar="FIELD=VALUES", help=_VARY)
@click.option(
    "--search", type=click.Choice(("grid", "random", "bayes")), default="random", show_default=True,
    help="Every combination, draws, or draws that learn from earlier ones (needs optuna).",
)  # fmt: skip
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="No grid's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Of the draws.")
@click.option("--epochs", type=click.IntRange(0), help="Of each trial; the recipe's if not.")
@click.option("--prune", is_flag=True, help="Give up trials that do worse than most before them.")
@click.option(
    "--go-on", is_flag=True, help="Start from the parameters in FILE instead of new ones."
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; one a core if not.")
@click.option("--keep", is_flag=True, help="Keep the results beside FILE, in FILE.runs.")
@click.option("--best", type=FILE, help="Write the document with the best settings, trained, here.")
@click.option("--force", is_flag=True, help="Replace BEST if it exists, FILE included.")
@json_option
def sweep(
    file: str,
    vary: tuple[str, ...],
    search: Any,
    trials: int,
    seed: int,
    epochs: int | None,
    prune: bool,
    go_on: bool,
    workers: int | None,
    keep: bool,
    best: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Train a document with many settings side by side; FILE stays as it is.

    The best trial is the one with the smallest loss on held-out rows, or on all where none are held out.
    """
    from app import arguments, report
    from app.pool import Pool, cores
    from engine import files
    from engine.train import runs
    from engine.train import trials as kept
    from engine.train.axes import Axis
    from engine.train.sweep import Sweep, best_of, opening

    if best is not None:
        best = arguments.target(best, force)
    graph, base = arguments.open_document(file)
    axes = tuple(Axis.parse(text) for text in vary)
    wanted = Sweep(axes, search, trials, seed, epochs, prune, go_on).settled(graph)
    document = files.to_bytes(graph)
    folder = None
    if keep:
        if base is None:
            raise ValueError("an example has no place for results; save it with --best first")
        folder = kept.begin(runs.home_of(Path(file)), wanted, document, Path(file).stem)
    pool = Pool(document, base, wanted, folder, workers or cores(0))
    try:
        _run(pool)
        found = best_of(pool.trials)
        if found is not None and best is not None:
            opening(graph, found.settings, pool.parameters(found.number)).apply(graph)
            files.write(graph, best)
    finally:
        pool.close()
    if pool.state == "failed":
        raise ValueError(pool.message)
    if as_json:
        told = {
            "trials": [_told(trial) for trial in pool.trials],
            "best": found.number if found is not None else None,
            "folder": str(folder) if folder is not None else None,
        }
        click.echo(report.to_json(told))
    else:
        show(*report.swept(pool.trials, best if found is not None else None))
    if found is None:
        return tell_error(f"no trial came to a number: {pool.trials[0].message}", FAILED)
    return DONE


def _run(pool: Pool) -> None:
    """Until all trials are over, with a bar."""
    from app import report

    with report.progress("sweep") as tell:
        pool.start()
        while pool.is_on:
            pool.poll()
            tell(sum(trial.is_over for trial in pool.trials), len(pool.trials))
            time.sleep(_POLL_S)


def _told(trial: Trial) -> dict[str, Any]:
    told = {field.name: getattr(trial, field.name) for field in fields(trial)}
    validation = trial.validation if trial.metrics.get("validation") else None
    return {**told, "validation": validation}

"""The command that measures: bench."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import FILE, cli, json_option, show


@cli.command()
@click.option("--only", multiple=True, metavar="NAME", help="Measure this work only. Repeats.")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    metavar="N",
    help="BLAS threads of Gradloom and PyTorch; JAX takes all cores.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=21,
    show_default=True,
    metavar="N",
    help="Turns of a tenth of a second that each library gets.",
)
@click.option("--picture", type=FILE, metavar="OUT.svg", help="Draw the figures as bars as well.")
@json_option
def bench(
    only: tuple[str, ...], threads: int, rounds: int, picture: Path | None, as_json: bool
) -> None:
    """Measure speed and memory beside PyTorch and JAX.

    All libraries do the same work in turns, in this run, and a figure is the median; "8.7x of 6x"
    says that theirs is 8.7 times ours and the goal 6. A library that is not installed is left out.
    """
    from app import benchmark, report
    from app.benchmark import told

    if picture is not None and picture.suffix.lower() != ".svg":
        raise ValueError(f"{picture} is drawn as SVG; give a name that ends in .svg")
    with report.progress("bench") as tell:
        found = benchmark.run(only, threads, rounds, tell)
    if picture is not None:
        picture.write_text(told.picture(found), "utf-8")
    if as_json:
        click.echo(report.to_json(told.as_json(found)))
    else:
        show(*told.parts(found))

"""Commands for teachers: quiz and goals."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import FILE, Drawings, cli, json_option, show

DOCUMENTS, PAGES, PAPER = (".gloom", ".json"), (".html", ".htm"), ".pdf"
MOST = 200
"""Quizzes of one sheet."""


@cli.command()
@click.argument("file", metavar="[FILE]", required=False)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the first quiz."
)
@click.option(
    "--level",
    type=click.IntRange(1, 5),
    default=1,
    show_default=True,
    help="How hard, from 1 to 5.",
)
@click.option(
    "--count",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    metavar="N",
    help="So many, by the seeds that follow.",
)
@click.option(
    "--questions",
    type=click.Choice(["all", "values", "gradients"]),
    default="all",
    show_default=True,
    help="What is asked for.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="OUT",
    help="A document (.gloom, .json) or a sheet to print (.html, .pdf).",
)
@click.option("--answers", is_flag=True, help="Print the answers as well.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.pass_obj
def quiz(
    drawings: Drawings | None,
    file: str | None,
    seed: int,
    level: int,
    count: int,
    questions: str,
    output: Path,
    answers: bool,
    force: bool,
) -> int:
    """Make random small graphs to be computed by hand, forward and backward.

    The same seed and level give the same quiz everywhere. With FILE the sheet is of that document's
    lesson instead.
    """
    from app import arguments
    from engine import files
    from engine.teaching.quiz import quiz as made
    from engine.teaching.worksheet import sheet

    path, kind = arguments.target(output, force), output.suffix.lower()
    if kind not in (*DOCUMENTS, *PAGES, PAPER):
        raise ValueError(f"give a name that ends in .html, .pdf, .gloom or .json, not {output}")
    if file is not None:
        documents = [arguments.open_document(file)[0]]
    else:
        documents = [made(seed + i, level, questions) for i in range(count)]  # type: ignore[arg-type]
    titles = ", ".join(str(d.settings["title"]) or str(file) for d in documents[:3])
    titles += f" and {len(documents) - 3} more" if len(documents) > 3 else ""
    if kind in DOCUMENTS:
        if len(documents) > 1:
            raise ValueError("a document holds one quiz; leave --count out, or print them to .html")
        files.write(documents[0], path)
    elif kind in PAGES:
        files.write_bytes(path, sheet(documents, answers).encode("utf-8"))
    elif drawings is None or drawings.paper is None:
        raise ValueError("a PDF needs Qt; run 'python -m app quiz' for it, or print the .html")
    else:
        code = drawings.paper(sheet(documents, answers, simple=True), path)
        if code:
            return code
    click.echo(f"wrote {path}: {titles}")
    return 0


@cli.command()
@click.option("--markdown", is_flag=True, help="Print the table of the documentation.")
@json_option
def goals(markdown: bool, as_json: bool) -> None:
    """List what a step of a lesson can wait for, and the settings of each."""
    from app import report
    from engine.teaching.goals import GOALS, table

    if markdown:
        click.echo(table(), nl=False)
    elif as_json:
        rows = [
            {
                "name": row.name,
                "title": row.title,
                "settings": {s.name: s.doc for s in row.settings},
            }
            for row in GOALS.values()
        ]
        click.echo(report.to_json(rows))
    else:
        told = [(r.name, r.title, ", ".join(s.name for s in r.settings)) for r in GOALS.values()]
        show(report.table(told, ("Goal", "Reached when", "Settings")))

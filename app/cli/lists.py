"""Commands that check, list and draw: check, ops, doctor and shot."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from app.cli.group import FILE, TOLERANCE, Drawings, cli, json_option, show
from app.shell import DONE, FAILED


@cli.command()
@click.argument("file", metavar="[FILE]", required=False)
@json_option
def check(file: str | None, as_json: bool) -> int:
    """Compare gradients with differences: FILE's, or every operator's."""
    from app import arguments, report
    from engine import check as checks
    from engine.evaluate import evaluate
    from engine.ties import name_at

    if file is None:
        with report.progress("check") as tell:
            checked, failures = checks.check_rows(progress=tell)
        failed = list(dict.fromkeys(f.row for f in failures))
        lines = [str(f) for f in failures]
        unit = "operators"
    else:
        graph, base = arguments.open_document(file)
        errors = checks.check_graph(graph, arguments.feeds(graph, base))
        if not errors:
            found = evaluate(graph, arguments.feeds(graph, base))
            why = next(iter(found.faults.values()), "") or found.note
            raise ValueError(f"{file} has no gradient to check: {why.rstrip('.')}")
        named = {name_at(graph, n): error for n, error in errors.items()}
        failed = [name for name, error in named.items() if not error <= TOLERANCE]
        lines = [f"{name}: relative error {named[name]:.3g}" for name in failed]
        checked, unit = len(named), "gradient" if len(named) == 1 else "gradients"
    if as_json:
        click.echo(report.to_json({"checked": checked, "failed": failed}))
    else:
        verdict = f"{len(failed)} failed" if failed else "all agree with differences"
        click.echo("\n".join([*lines, f"{checked} {unit} checked, {verdict}"]))
    return FAILED if failed else DONE


@cli.command()
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print help pages: formulas, derivatives, options.")
@json_option
def ops(name: str | None, markdown: bool, as_json: bool) -> None:
    """List the operators, or show one as a card."""
    from app import drawers, report
    from app import help as pages
    from engine.ops import TABLE

    shelves = drawers.drawers({})
    known = {**TABLE, **{row.name: row for drawer in shelves.values() for row in drawer}}
    if name is not None and name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}?" if close else "see 'gradloom ops' for all of them"
        raise ValueError(f"there is no operator {name!r}; {hint}")
    rows = [row for shelf in shelves.values() for row in shelf] if name is None else [known[name]]
    if markdown:
        click.echo(pages.markdown() if name is None else pages.page(rows[0]), nl=False)
    elif as_json:
        click.echo(report.to_json([report.operator(row) for row in rows]))
    elif name is not None:
        show(report.card(rows[0]))
    else:
        show(*report.palette({title: shelf for title, shelf in shelves.items() if shelf}))


@cli.command(short_help="What is installed, what is missing and how to mend it.")
@json_option
def doctor(as_json: bool) -> int:
    """What is installed, what is missing and the command that installs it."""
    from app import doctor as health
    from app import report

    findings = health.report()
    if as_json:
        fields = ("name", "value", "ok", "mend", "required")
        click.echo(report.to_json([{k: getattr(f, k) for k in fields} for f in findings]))
    else:
        show(*report.diagnosed(findings))
    return DONE if health.healthy(findings) else FAILED


@cli.command()
@click.argument("file", metavar="FILE")
@click.argument("out", type=FILE, metavar="OUT.png")
@click.option(
    "--size",
    default="1600x1000",
    show_default=True,
    metavar="WxH",
    help="Of the window, in pixels.",
)
@click.option("--step", type=click.IntRange(0), metavar="K", help="After this many micro-steps.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("--panel", default="", metavar="NAME", help="In front of the others, such as why.")
@click.option("--select", "node", default="", metavar="NODE", help="The node that is selected.")
@click.option(
    "--epochs",
    type=click.IntRange(0),
    metavar="K",
    help="Trained for so many, with the training views.",
)
@click.pass_obj
def shot(
    drawings: Drawings | None,
    file: str,
    out: Path,
    size: str,
    step: int | None,
    theme: str,
    panel: str,
    node: str,
    epochs: int | None,
) -> int:
    """Draw the window with a document to a PNG; needs no display."""
    from app import arguments

    pixels = arguments.picture_size(size)
    if drawings is None:
        raise ValueError("a picture needs the window; run 'python -m app shot' for it")
    return drawings.window(file, out, pixels, step, theme, panel, node, epochs)

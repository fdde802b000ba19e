"""Commands on what is shipped for the lecture: examples, lessons and prove."""

from __future__ import annotations

import click

from app.cli.group import cli, json_option, show
from app.shell import DONE, FAILED


@cli.command()
@click.argument("words", nargs=-1)
@json_option
def examples(words: tuple[str, ...], as_json: bool) -> None:
    """List the shipped examples, or those that WORDS fit: a title, a topic, a row of the lecture."""
    from app import matching, report
    from engine import examples as shipped

    names = shipped.names()
    if words:

        def described(name: str) -> matching.Words:
            row = shipped.INFO[name]
            return matching.Words(
                row.title, (name,), aliases=row.systems, category=row.topic,
                about=f"{row.about} {row.claim}",
            )  # fmt: skip

        names = [name for name, _ in matching.ranked(" ".join(words), names, described)]
        if not names:
            raise ValueError(
                f"no example fits {' '.join(words)!r}; 'gradloom examples' lists all of them"
            )
    rows = [(name, shipped.INFO[name]) for name in names]
    if as_json:
        told = [
            {
                "name": name, "title": row.title, "topic": row.topic, "systems": row.systems,
                "about": row.about, "claim": row.claim,
            }
            for name, row in rows
        ]  # fmt: skip
        click.echo(report.to_json(told))
        return
    lines = [
        (f"example:{name}", row.title, row.topic, ", ".join(row.systems)) for name, row in rows
    ]
    show(report.table(lines, ("Document", "Title", "Topic", "Systems")))


@cli.command()
@json_option
def lessons(as_json: bool) -> None:
    """List the shipped lessons, in the order they are to be taken."""
    from app import report
    from engine import lessons as shipped

    rows = [(name, shipped.INFO[name]) for name in shipped.names()]
    if as_json:
        told = [
            {"name": name, "title": row.title, "topic": row.topic, "about": row.about}
            for name, row in rows
        ]
        click.echo(report.to_json(told))
        return
    show(
        report.table(
            [(f"lesson:{name}", row.title, row.topic) for name, row in rows],
            ("Document", "Title", "Topic"),
        )
    )


@cli.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=1, show_default=True, metavar="N",
    help="With the starts of so many seeds.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, metavar="N",
    help="So many at once.",
)  # fmt: skip
@click.option("--markdown", is_flag=True, help="Print the page of all systems of the lecture.")
@json_option
def prove(names: tuple[str, ...], seeds: int, processes: int, markdown: bool, as_json: bool) -> int:
    """Measure what the examples claim, in their own documents."""
    from app import proof, report
    from engine import claims
    from engine import examples as shipped

    wanted = names or tuple(shipped.names())
    for name in wanted:
        if name not in claims.CLAIMS:
            raise ValueError(f"there is no example {name!r}; 'gradloom examples' lists all of them")
    with report.progress("prove") as tell:
        measured = proof.measure(wanted, seeds, processes, tell)
    if markdown:
        click.echo(proof.markdown(measured, seeds), nl=False)
    elif as_json:
        told = [
            {
                "example": m.example, "what": m.worst.what, "values": [f.value for f in m.figures],
                "relation": m.worst.relation, "bound": m.worst.bound,
                "tolerance": m.worst.tolerance, "holds": m.holds,
            }
            for m in measured
        ]  # fmt: skip
        click.echo(report.to_json(told))
    else:
        lines = [(m.example, m.said, "holds" if m.holds else "does not hold") for m in measured]
        show(report.table(lines, ("Example", "Measured, at the worst seed", "")))
    return DONE if all(m.holds for m in measured) else FAILED

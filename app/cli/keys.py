"""The command that lists keys: keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from app.cli.group import cli, json_option, show

Section = tuple[str, tuple[str, ...], list[tuple[str, ...]]]

_INTRODUCTION = """# Keyboard shortcuts

Every command of Gradloom's window with the keys it comes with, as `gradloom keys --markdown` prints
them from the table that the menus are made of, and what the mouse does on the canvas. Help › Keyboard
shortcuts shows the same page; there each key can be changed. Ctrl+K finds a command by some letters.
"""


@cli.command()
@click.option("--markdown", is_flag=True, help="Print the page that docs/shortcuts.md is.")
@json_option
def keys(markdown: bool, as_json: bool) -> None:
    """List the window's commands, their keys and the mouse's gestures."""
    from app import report
    from app.actions import ACTIONS

    if markdown:
        click.echo(page(), nl=False)
    elif as_json:
        rows = [{"id": a.id, "title": a.title, "menu": a.menu, "keys": [*a.keys]} for a in ACTIONS]
        click.echo(report.to_json(rows))
    else:
        show(*(report.table(rows, (title, *heads), ("bold",)) for title, heads, rows in sections()))


def sections() -> Iterator[Section]:
    """Title, further columns and rows: the menus, then the mouse and the fixed keys."""
    from app import actions
    from app.actions.gestures import FIXED, HOW

    for menu in actions.MENUS:
        rows: list[tuple[str, ...]] = [
            (" › ".join(filter(None, (a.submenu, a.title))), " or ".join(a.keys), a.tip)
            for a in actions.in_menu(menu)
        ]
        yield menu, ("Keys", "What it does"), rows
    yield "Mouse on the canvas", ("How",), list(HOW.values())
    yield "Fixed keys of the canvas", ("Keys",), list(FIXED)


def page() -> str:
    """All of them as Markdown."""
    lines = [_INTRODUCTION]
    for title, heads, rows in sections():
        lines += [f"## {title}\n", _line((title, *heads)), _line(["---"] * (len(heads) + 1))]
        lines += [*map(_line, rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    told = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(told)} |"

"""Commands on data: data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import FILE, cli, json_option, show
from app.shell import BAD_INPUT, DONE, FAILED

if TYPE_CHECKING:
    from engine.data import Preview
    from engine.graph import Source


@cli.command()
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--kind", default="", metavar="KIND", help="Of source, where the name does not tell.")
@click.option("--target", default="", metavar="COLUMN", help="What is to be predicted; - for none.")
@click.option("--set", "pairs", multiple=True, metavar="OPTION=VALUE", help="An option. Repeats.")
@click.option("--rows", default=20_000, type=click.IntRange(1), help="Of a large file to look at.")
@click.option("-o", "--output", type=FILE, help="Write a document that reads these data.")
@click.option("--embed", is_flag=True, help="The document holds the rows itself.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it exists.")
@json_option
def data(
    file: str | None, kind: str, target: str, pairs: tuple[str, ...], rows: int,
    output: Path | None, embed: bool, force: bool, as_json: bool,
) -> int:  # fmt: skip
    """What data hold: columns, rows, classes, and what would go wrong.

    FILE is a file, a folder of pictures, or the name of a set with --kind toy, patches or builtin.
    Without FILE and KIND it lists the kinds and their options.
    """
    from app import arguments, report
    from engine import data as kinds

    if file is None and not kind:
        _list(as_json)
        return DONE
    if embed and output is None:
        raise click.UsageError("--embed needs -o OUTPUT")
    source = _source(file or "", kind, target, pairs)
    if output is not None:
        output = arguments.target(output, force)
    found = kinds.preview(source, Path.cwd(), rows)
    if as_json:
        click.echo(report.to_json(_plain(found)))
    else:
        show(*_told(found))
    if found.table is None:
        return BAD_INPUT
    if output is not None:
        with report.progress("data") as tell, kinds.telling(tell):
            _write(source, output, embed)
        click.echo(f"wrote {output}")
    return FAILED if found.problem else DONE


def _source(file: str, kind: str, target: str, pairs: tuple[str, ...]) -> Source:
    """The source that is typed. Raises ValueError with a sentence."""
    from engine import data as kinds
    from engine.graph import Source

    if kind and kind not in kinds.KINDS:
        raise ValueError(f"there is no kind of data {kind!r}; choose {', '.join(kinds.KINDS)}")
    options: dict[str, float | str] = {}
    kind = kind or kinds.source_of(Path(file)).kind
    known = {option.name: option for option in (*kinds.KINDS[kind].options, *kinds.COMMON)}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            raise ValueError(
                f"--set takes OPTION=VALUE with one of {', '.join(known)}, not {pair!r}"
            )
        options[name] = text
        if not isinstance(known[name].default, str):
            try:
                options[name] = float(text)
            except ValueError:
                raise ValueError(f"{name} is a number, not {text!r}") from None
    path = str(Path(file).absolute()) if kind in kinds.FILES and file else file
    return Source(kind, path, target, options=options)  # type: ignore[arg-type]


def _write(source: Source, output: Path, embed: bool) -> None:
    from dataclasses import replace

    from engine import data as kinds
    from engine import files
    from engine.graph import Graph

    folder = output.absolute().parent
    if source.kind in kinds.FILES:
        path = Path(source.path)
        kept = kinds.source_of(path, folder) if kinds.kind_of(path) == source.kind else source
        source = replace(source, path=kept.path, checksum=kinds.checksum(path))
        source = replace(source, standardize=kept.standardize)
    source = replace(source, validation=0.2)
    graph = Graph()
    graph.put("settings", "title", output.stem)
    present = [field for field in ("x", "y") if field in kinds.read(source, folder).fields]
    kinds.add_source(graph, "data", source, present).apply(graph)
    if embed:
        kinds.embed(graph, "data", folder).apply(graph)
    files.write(graph, output)


def _list(as_json: bool) -> None:
    from app import report
    from engine import data as kinds

    if as_json:
        fields = ("name", "title", "doc", "needs_path", "suffixes")
        told = [
            {f: getattr(kind, f) for f in fields}
            | {"options": [{"name": o.name, "default": o.default, "doc": o.doc,
                            "choices": o.choices} for o in (*kind.options, *kinds.COMMON)]}
            for kind in kinds.KINDS.values()
        ]  # fmt: skip
        click.echo(report.to_json(told))
        return
    rows = [
        (kind.name, kind.doc, ", ".join(o.name for o in kind.options))
        for kind in kinds.KINDS.values()
    ]
    show(report.table(rows, ("Kind", "What it is", "Options")))


def _told(found: Preview) -> list[Any]:
    """A preview as tables and lines."""
    from app import report

    parts: list[Any] = [f"{found.title}: {found.summary()}"]
    if found.columns:
        rows = [
            (c.name, c.role, c.type, f"{c.count:,}", f"{c.missing:,}", *_extent(c))
            for c in found.columns
        ]
        titles = ("Column", "Role", "Type", "Values", "Missing", "Least", "Mean", "Largest")
        parts.append(report.table(rows, titles, right=(3, 4, 5, 6, 7)))
    if found.lines:
        parts.append(report.table(found.lines[:6], found.titles))
    if found.classes:
        counts = [(name, f"{count:,}") for name, count in found.classes[:50]]
        parts.append(report.table(counts, ("Class", "Rows"), right=(1,)))
    notes = [f"Note: {note}" for note in found.notes]
    notes += [f"Problem: {found.problem}"] if found.problem else []
    return [*parts, "\n".join(notes)] if notes else parts


def _extent(column: Any) -> tuple[str, str, str]:
    from app.report import number

    if column.bins:
        return number(column.low, 6), number(column.mean, 6), number(column.high, 6)
    common = ", ".join(f"{text} {count}" for text, count in column.values[:4])
    return common, "", ""


def _plain(found: Preview) -> dict[str, Any]:
    from dataclasses import asdict, fields

    left = ("columns", "pictures", "table")
    told = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in left}
    return {**told, "columns": [asdict(column) for column in found.columns]}

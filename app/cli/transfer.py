"""Commands between kinds of files: import and export."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import FILE, Drawings, cli, output_name


@cli.command("import")
@click.argument("file", type=FILE, metavar="FILE")
@click.option("-o", "--output", type=FILE, required=True, help="The document to write.")
@click.option("--target", default="", metavar="COLUMN", help="Of a table: what to predict.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it exists.")
def import_file(file: Path, output: Path, target: str, force: bool) -> None:
    """Make a document of a picture that holds one, or of a table.

    FILE is anything the window opens: .gloom, .json, .png and .svg exported from Gradloom, .csv.
    The last column of a table is predicted unless --target names another.
    """
    from app import arguments, importers
    from engine import files

    path = arguments.target(output, force)
    graph, importer = importers.read(file)
    if importer.gives == "data":
        graph = importers.table(file, target)
    elif target:
        raise click.UsageError(f"--target is for tables, and {file} is none")
    files.write(graph, path)
    click.echo(f"wrote {path}: {len(graph.nodes)} nodes, output {output_name(graph)}")


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--to", "out", type=FILE, required=True, metavar="OUT", help="In .png, .svg or .py.")
@click.option("--step", type=click.IntRange(0), metavar="K", help="After this many micro-steps.")
@click.option("--scale", type=click.Choice(["1", "2", "4"]), default="1", help="Of a PNG.")
@click.option("--no-values", is_flag=True, help="Leave numbers out.")
@click.option("--transparent", is_flag=True, help="Leave the ground out.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.pass_obj
def export(
    drawings: Drawings | None,
    file: str,
    out: Path,
    step: int | None,
    scale: str,
    no_values: bool,
    transparent: bool,
    theme: str,
    force: bool,
) -> int:
    """Draw a document to a picture that opens as the document again, or write a PyTorch script.

    A script in .py runs alone, with the same training as Gradloom's; large arrays go to an .npz file
    beside it. The other options are for pictures.
    """
    from app import arguments

    if out.suffix.lower() == ".py":
        return _script(file, out, force)
    if out.suffix.lower() not in (".png", ".svg"):
        raise ValueError(
            f"{out} is drawn as PNG or SVG or written as a script; "
            "give a name that ends in .png, .svg or .py"
        )
    out = arguments.target(out, force)
    if drawings is None:
        raise ValueError("a picture needs the window; run 'python -m app export' for it")
    code = drawings.canvas(file, out, step, theme, int(scale), not no_values, transparent)
    click.echo(f"wrote {out}")
    return code


def _script(file: str, out: Path, force: bool) -> int:
    from app import arguments
    from engine.export import pytorch

    graph, base = arguments.open_document(file)
    arguments.target(out.with_suffix(".npz"), force)
    for path in pytorch.write(graph, base, arguments.target(out, force)):
        click.echo(f"wrote {path}")
    return 0


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--to", "out", type=FILE, required=True, metavar="OUT", help="In .csv, .md or .tex.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def trace(file: str, out: Path, force: bool) -> None:
    """Write every micro-step as a table: CSV, Markdown or LaTeX."""
    from app import arguments, report, trace_export
    from engine import files
    from engine.evaluate import evaluate

    graph, base = arguments.open_document(file)
    steps = evaluate(graph, arguments.feeds(graph, base)).steps
    pieces = trace_export.written(steps, steps.script.forward_end, out.suffix.lower())
    out = arguments.target(out, force)
    text = []
    with report.progress("write") as tell:
        for piece in pieces:
            text.append(piece)
            tell(len(text), len(steps))
    files.write_bytes(out, "".join(text).encode("utf-8"))
    click.echo(f"wrote {out}: {len(steps):,} steps")


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--to", "out", type=FILE, required=True, metavar="OUT", help="In .gif or .mp4.")
@click.option(
    "--steps",
    "part",
    type=click.Choice(["all", "forward", "backward"]),
    default="all",
    show_default=True,
)
@click.option("--width", type=click.IntRange(200, 4000), default=900, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0.05, 60), default=1.2, show_default=True, help="A step."
)
@click.option("--no-values", is_flag=True, help="Leave numbers out.")
@click.option("--once", is_flag=True, help="A GIF that does not begin anew.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.pass_obj
def animate(
    drawings: Drawings | None,
    file: str,
    out: Path,
    part: str,
    width: int,
    seconds: float,
    no_values: bool,
    once: bool,
    theme: str,
    force: bool,
) -> int:
    """Show the steps of a document one after another, as a GIF or an MP4."""
    from app import animation, arguments

    animation.check(out.suffix.lower(), 1)
    out = arguments.target(out, force)
    if drawings is None:
        raise ValueError("a picture needs the window; run 'python -m app animate' for it")
    code = drawings.film(file, out, (width, part, theme, not no_values), seconds, not once)
    click.echo(f"wrote {out}")
    return code

"""The command that draws pictures pixel by pixel: sample."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import FILE, cli, json_option, show


@cli.command()
@click.argument("documents", metavar="FILE...", nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, metavar="OUT.png", help="The picture.")
@click.option("--rows", default=8, type=click.IntRange(1, 16), show_default=True, help="Originals.")
@click.option(
    "--samples", "count", default=4, type=click.IntRange(1, 8), show_default=True, help="For each."
)
@click.option("--seed", default=0, type=click.IntRange(0, 2**32 - 1), help="Draws the samples.")
@click.option(
    "--temperature", default=1.0, type=click.FloatRange(0), show_default=True,
    help="Below 1 likely greys are drawn more often, at 0 always the likeliest.",
)  # fmt: skip
@click.option(
    "--given", default=0.0, type=click.FloatRange(0, 1, max_open=True), metavar="SHARE",
    help="Of each original's lines that are kept, from above.",
)  # fmt: skip
@click.option("--code", default="", metavar="NODE", help="Is held while drawing; - for none.")
@click.option("--train-rows", is_flag=True, help="Originals that were trained on.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
@click.option("--force", is_flag=True, help="Replace OUT.png if it exists.")
@json_option
def sample(
    documents: tuple[str, ...], output: Path, rows: int, count: int, seed: int, temperature: float,
    given: float, code: str, train_rows: bool, theme: str, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Draw pictures pixel by pixel from the codes of rows, to a PNG.

    First it is proven by gradients that no pixel's scores depend on the pixel itself or on one behind it.
    Several documents stand side by side.
    """
    from app import arguments, report
    from app.sheet import distances, sheet
    from engine.probes import rowwise
    from engine.probes.sampling import Samples, drawn
    from engine.train.scene import Scene

    if output.suffix.lower() != ".png":
        raise click.UsageError("name a picture that ends in .png")
    output = arguments.target(output, force)
    parts: list[tuple[str, Samples]] = []
    with report.progress("sample") as tell:
        for number, name in enumerate(documents):
            graph, base = arguments.open_document(name)
            scene = Scene(graph, base)
            held = scene.rows("validation")
            picked = scene.rows() if train_rows or not len(held) else held
            chosen = str(graph.id_of(code) or code)
            for found in drawn(
                scene, rowwise.evenly(picked, rows), count, seed, temperature, chosen, given
            ):
                each = 2 * found.total
                done = found.done + (0 if found.doing == "check" else found.total)
                tell(number * each + done, len(documents) * each)
            parts.append((str(graph.settings["title"]) or Path(name).stem, found))
    output.write_bytes(sheet(parts, theme))
    told = [(title, *distances(found)) for title, found in parts]
    if as_json:
        keys = ("title", "rebuilt", "samples")
        click.echo(report.to_json([dict(zip(keys, line, strict=True)) for line in told]))
        return
    lines = [(t, report.number(a, 4), report.number(b, 4)) for t, a, b in told]
    titles = ("Distance to the originals", "Rebuilt", "Samples")
    show(report.table(lines, titles, right=(1, 2)), f"wrote {output}")

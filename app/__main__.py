"""Joins the objects: the command line, the window, the picture of a window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# A spawned training process imports this module again: nothing here loads Qt before it is used.
SHIPPED = ("example:", "lesson:")
"""How a document that is shipped is named."""


def main(argv: Sequence[str] | None = None) -> int:
    """`gradloom` and `gradloom FILE` open the window, every other word is a command."""
    # More BLAS threads change the last bits of sums; set before anything imports NumPy.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        return open_window(None)
    if len(words) == 1 and _is_document(words[0]):
        return open_window(words[0])
    from app import cli
    from app.cli.group import Drawings

    return cli.main(words, Drawings(picture, export, animate, printed))


def _is_document(word: str) -> bool:
    """A file, or what can only be meant as one; a command wins over a file of its name."""
    from app import importers
    from app.cli import cli

    if word in cli.commands or word.startswith("-"):
        return False
    return (
        word.startswith(SHIPPED)
        or word.lower().endswith(importers.SUFFIXES)
        or Path(word).is_file()
    )


def open_window(word: str | None) -> int:
    """Opens the window; without a display shows what it would show instead."""
    from app import demonstration
    from app.shell import tell_error

    try:
        if not demonstration.has_display():
            return _demonstrate(word)
        from app.view import shot

        if word is None or not word.startswith(SHIPPED):
            return shot.run(Path(word) if word else None)
        from app import arguments

        return shot.run(None, arguments.open_document(word)[0])
    except (ValueError, OSError) as error:
        return tell_error(str(error))


def _demonstrate(word: str | None) -> int:
    from app import arguments, demonstration
    from app.view import shot

    chosen = word or "example:worked-example"
    graph, _ = arguments.open_document(chosen)
    title = str(graph.settings["title"]) or chosen.partition(":")[2]
    return demonstration.run(graph, title, shot.picture)


def picture(
    file: str,
    out: Path,
    size: tuple[int, int],
    step: int | None,
    scheme: str = "dark",
    panel: str = "",
    chosen: str = "",
    epochs: int | None = None,
) -> int:
    """Draws the window with a document to a PNG; returns the exit code."""
    from app import arguments
    from app.view import shot

    graph, base = arguments.open_document(file)
    path = None if base is None else Path(file)
    shot.picture(graph, path, out, size, step, scheme, panel, chosen, epochs)
    return 0


def export(
    file: str,
    out: Path,
    step: int | None,
    scheme: str = "dark",
    scale: int = 1,
    values: bool = True,
    transparent: bool = False,
) -> int:
    """Draws a document to a PNG or SVG that holds it; returns the exit code."""
    from app import arguments
    from app.view import shot

    graph, base = arguments.open_document(file)
    shot.export(
        graph, None if base is None else Path(file), out, step, scheme, scale, values, transparent
    )
    return 0


def animate(
    file: str, out: Path, take: tuple[int, str, str, bool], seconds: float, loop: bool
) -> int:
    """Draws the steps of a document to a GIF or MP4; returns the exit code."""
    from app import arguments
    from app.view import shot

    graph, base = arguments.open_document(file)
    shot.animate(graph, None if base is None else Path(file), out, take, seconds, loop)
    return 0


def printed(html: str, out: Path) -> int:
    """Prints rich text to a PDF; returns the exit code."""
    from app.view import shot
    from app.view.lessons import worksheets
    from engine import files

    shot.offscreen()
    shot.application()
    files.write_bytes(out, worksheets.pdf(html))
    return 0


if __name__ == "__main__":
    sys.exit(main())

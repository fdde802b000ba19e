"""The group that commands join, and the options that several of them share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import engine
from app.shell import Program

if TYPE_CHECKING:
    from engine.graph import Graph

TOLERANCE = 1e-6
"""The relative error up to which a gradient check passes."""

FILE = click.Path(path_type=Path)
VALUES = "NAME=VALUE: a number, a nested list such as [[1,2],[3,4]], or @file.npy. Repeats."


@dataclass(frozen=True, slots=True)
class Drawings:
    """What needs Qt and so is given from above; each returns an exit code.

    `window(file, out, (width, height), step, theme, panel, node, epochs)` draws the window with a
    document, `canvas(file, out, step, theme, scale, values, transparent)` the document alone;
    `film(file, out, (width, part, theme, values), seconds, loop)` its steps one after another,
    `paper(html, out)` prints rich text to a PDF.
    """

    window: Callable[[str, Path, tuple[int, int], int | None, str, str, str, int | None], int]
    canvas: Callable[[str, Path, int | None, str, int, bool, bool], int]
    film: Callable[[str, Path, tuple[int, str, str, bool], float, bool], int]
    paper: Callable[[str, Path], int] | None = None


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, "--version", prog_name="gradloom")
def cli() -> None:
    """Computation graphs, forward and backward, without a window.

    FILE is a path, example:NAME or lesson:NAME ('gradloom examples' and 'gradloom lessons' list
    them). Without a command, or with a FILE alone, the window opens.
    """


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "Print one JSON value on standard output."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def at_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--at", multiple=True, metavar="NAME=VALUE", help=VALUES)(command)


def program_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("program", metavar="PROGRAM")(command)


def show(*parts: Any) -> None:
    """Tables and lines on standard output, a blank line between them."""
    from app import report

    report.show(parts, sys.stdout)


def output_name(graph: Graph) -> str:
    output = graph.output()
    return graph.name(output) if output else "none"

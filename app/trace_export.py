"""The trace as a table for others: CSV, Markdown and LaTeX, piece by piece."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from app import report
from app.text import tr
from engine.ops.row import Array
from engine.shapes import shape_text
from engine.trace import Step

COLUMNS = ("step", "phase", "node", "edge", "symbols", "numbers", "value", "sum so far")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def harmless(text: str) -> str:
    """A cell of text that no table program takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def markdown_text(text: str) -> str:
    """Text in a cell of a Markdown table."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def latex_text(text: str) -> str:
    """Text outside of mathematics in LaTeX."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _exact(value: Array) -> str:
    """A number with all its digits; of a tensor the shape and the Euclidean norm."""
    array = np.asarray(value)
    if not array.ndim:
        return report.number(array, 17)
    norm = np.linalg.norm(np.asarray(array, np.float64).ravel())
    return f"[{shape_text(array.shape)}] norm {float(norm):.17g}"


def _edge(step: Step) -> str:
    if step.phase != "backward" or step.target is None:
        return ""
    name = step.telling.name
    return f"{name(step.node)} -> {name(step.target)}"


def _csv(steps: Sequence[Step], split: int) -> Iterator[str]:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for step in steps:
        told = (step.telling.name(step.node), _edge(step), step.exact_text, step.numbers_text)
        writer.writerow(
            (step.number, step.phase, *map(harmless, told), _exact(step.value), _exact(step.total))
        )
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()


def _pairs(steps: Sequence[Step], split: int) -> Iterator[tuple[Step | None, Step | None]]:
    """Forward steps beside the seed and the backward steps, read one by one."""
    count = len(steps)
    for row in range(max(split, count - split)):
        yield (
            steps[row] if row < split else None,
            steps[split + row] if split + row < count else None,
        )


def _markdown(steps: Sequence[Step], split: int) -> Iterator[str]:
    def cell(step: Step | None) -> str:
        if step is None:
            return ""
        text = markdown_text(step.text)
        return text if step.phase == "seed" else f"{text}<br>{markdown_text(step.numbers_text)}"

    yield "| Forward | Backward |\n|---|---|\n"
    for forward, backward in _pairs(steps, split):
        yield f"| {cell(forward)} | {cell(backward)} |\n"


def _latex(steps: Sequence[Step], split: int) -> Iterator[str]:
    def cell(step: Step | None) -> str:
        if step is None:
            return ""
        line = f"{{$\\displaystyle {step.symbols}$}}"
        if step.phase == "seed":
            return line
        return f"{line} \\newline {{\\footnotesize ${step.numbers}$}}"

    yield (
        "% \\usepackage{amsmath,longtable}\n"
        "\\begin{longtable}{@{}p{0.48\\linewidth}p{0.48\\linewidth}@{}}\n"
        f"{latex_text(tr('Forward'))} & {latex_text(tr('Backward'))} \\\\ \\hline\n\\endhead\n"
    )
    for forward, backward in _pairs(steps, split):
        yield f"{cell(forward)} & {cell(backward)} \\\\\n"
    yield "\\end{longtable}\n"


_KINDS: Mapping[str, Callable[[Sequence[Step], int], Iterator[str]]] = {
    ".csv": _csv, ".md": _markdown, ".tex": _latex,
}  # fmt: skip
SUFFIXES = tuple(_KINDS)


def written(steps: Sequence[Step], split: int, suffix: str) -> Iterator[str]:
    """The trace as text of a kind, `.csv`, `.md` or `.tex`, a row or so at a time.

    The first `split` steps are the forward ones. Raises ValueError for another kind, and for a
    document with no steps.
    """
    if suffix not in _KINDS:
        raise ValueError(tr("a trace is CSV, Markdown or LaTeX; end its name in .csv, .md or .tex"))
    if not len(steps):
        raise ValueError(
            tr("there are no steps to write yet; wire an operator to its inputs first")
        )
    return _KINDS[suffix](steps, split)

"""Results as JSON and as text a person reads: tables, numbers, the two columns of a pass."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from rich.box import HORIZONTALS, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine import trace
from engine.compose import formula_of
from engine.graph import Recipe
from engine.ops.row import REQUIRED, Array, Op
from engine.shapes import shape_text
from engine.ties import parameters_inside

if TYPE_CHECKING:
    from engine.derive import Derived
    from engine.evaluate import Evaluation
    from engine.graph import Graph
    from engine.train.minimum import Minimum
    from engine.train.sweep import Trial

VALUE, GRADIENT, QUIET = "green", "orange_red1", "dim"
"""The colours of forward and backward numbers, as in the window; a terminal only."""
WIDE = 1_000_000
"""Columns of a pipe or a file: nothing is wrapped or cut there."""
MAX_ROWS = 400
"""Rows of a table on a terminal; a pipe and `--json` get all of them."""


# ---------------------------------------------------------------- JSON


def plain(value: Any) -> Any:
    """Arrays as nested lists, non-finite floats as "NaN", "Infinity" and "-Infinity"."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def to_json(value: Any) -> str:
    """One line of JSON in ASCII."""
    return json.dumps(plain(value), allow_nan=False)


def operator(row: Op) -> dict[str, Any]:
    """A row of the operator table as `gradloom ops --json` prints it."""
    return {
        "name": row.name,
        "category": row.category,
        "formula": row.formula,
        "derivative": dict(row.derivative),
        "options": [_option(option) for option in row.options],
        "doc": row.doc,
    }


def _option(option: Any) -> dict[str, Any]:
    default = None if option.default is REQUIRED else option.default
    told = {"name": option.name, "kind": option.kind, "default": default, "doc": option.doc}
    told |= {"required": True} if option.required else {}
    return told | ({"choices": list(option.choices)} if option.choices else {})


# ---------------------------------------------------------------- numbers


def number(value: Array | float | None, digits: int = 15) -> str:
    """A number, or a tensor on one line, shortened in the middle when it is long."""
    if value is None:
        return "–"
    array = np.asarray(value)
    if array.ndim == 0:
        return _scalar(array, digits)
    text = np.array2string(
        array,
        formatter={"float_kind": lambda x: _scalar(x, 6)},
        threshold=24,
        edgeitems=3,
        separator=", ",
        max_line_width=WIDE,
    )
    return " ".join(text.split()).replace("[ ", "[")


def _scalar(array: Any, digits: int) -> str:
    if array.dtype.kind != "f":
        return str(array)
    value = float(array)
    if not math.isfinite(value):
        return str(plain(value))
    if array.dtype != np.float64:
        digits = min(digits, 7)
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


# ---------------------------------------------------------------- tables


def show(parts: Iterable[Any], stream: TextIO) -> None:
    """Prints tables and lines, a blank line between them.

    Coloured and fitted to a terminal (NO_COLOR is honoured); plain and uncut anywhere else.
    """
    if not stream.isatty():
        stream.write("\n".join(as_text(part) for part in parts))
        return
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for index, part in enumerate(parts):
        if index:
            console.print()
        console.print(part, soft_wrap=isinstance(part, str))


def as_text(part: Any) -> str:
    """A table or a line as plain text, without trailing blanks, ended by a line break."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=WIDE, highlight=False, markup=False, emoji=False, color_system=None
    )
    console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def table(
    rows: Iterable[Sequence[str]],
    titles: Sequence[str] = (),
    styles: Sequence[str] = (),
    right: Sequence[int] = (),
) -> Table:
    """Rows in aligned columns. `styles` colours columns, `right` lists those aligned right."""
    grid = Table(
        box=SIMPLE_HEAD if titles else None,
        show_header=bool(titles),
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    kept = [list(row) for row in rows]
    width = max([len(titles), *(len(row) for row in kept)])
    for index in range(width):
        grid.add_column(
            titles[index] if index < len(titles) else "",
            style=styles[index] if index < len(styles) else "",
            justify="right" if index in right else "left",
            overflow="fold",
        )
    for row in kept:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def columns(steps: Iterable[trace.Step], limit: int | None = None) -> Table:
    """The lecture's two columns: forward lines beside backward lines."""
    rows = trace.table(steps)
    grid = Table(
        box=HORIZONTALS,
        show_edge=False,
        pad_edge=False,
        padding=(0, 4, 0, 0),
        header_style="bold",
    )
    grid.add_column("Forward", style=VALUE, overflow="fold")
    grid.add_column("Backward", style=GRADIENT, overflow="fold")
    for forward, backward in rows[:limit]:
        grid.add_row(Text(forward), Text(backward))
    if limit is not None and len(rows) > limit:
        grid.add_row(Text(f"… {len(rows) - limit:,} rows more", style=QUIET), Text(""))
    return grid


def two_columns(steps: Iterable[trace.Step]) -> str:
    """The two columns as plain text."""
    return as_text(columns(steps))


def card(row: Op) -> Table:
    """One operator: what it computes, its derivatives and its options."""
    told = [(row.name, row.doc), ("drawer", row.category), ("formula", row.formula)]
    told += [(f"d/d{port}", text) for port, text in row.derivative.items()]
    for option in row.options:
        default = "required" if option.required else f"default {option.default!r}"
        choices = f" ({', '.join(option.choices)})" if option.choices else ""
        told.append((option.name, f"{option.doc} {default}{choices}"))
    spelled = [s for s in (row.symbol, *row.calls) if s]
    if spelled:
        told.append(("written", ", ".join(dict.fromkeys([row.name, *spelled]))))
    if row.aliases:
        told.append(("found by", ", ".join(row.aliases)))
    return table(told, (), ("bold", ""))


def palette(drawers: Mapping[str, Sequence[Op]]) -> Iterator[Any]:
    """Every operator by drawer."""
    for drawer, rows in drawers.items():
        told = [(row.name, row.formula, row.doc) for row in rows]
        yield table(told, (drawer, "Formula", "What it is"), ("bold", "", QUIET))


def diagnosed(findings: Sequence[Any]) -> Iterator[Any]:
    """The doctor's findings, and what to type for those that are not well."""
    marks = {(True, True): "ok", (True, False): "ok", (False, True): "MISSING"}
    rows = [(marks.get((f.ok, f.required), "-"), f.name, f.value) for f in findings]
    yield table(rows, (), ("bold", "", ""))
    mends = [(f.name, f.mend) for f in findings if f.mend and not f.ok]
    if mends:
        yield table(mends, ("To mend", "Type"), ("", "bold"))


# ---------------------------------------------------------------- results


def derived(found: Derived, tolerance: float, short: bool) -> Iterator[Any]:
    """The two columns, then the value, the gradients and what else was asked for."""
    if found.steps:
        yield columns(found.steps, MAX_ROWS if short else None)
    yield _pairs(found.output, found.value, found.gradients)
    if found.trouble:
        yield f"not finite from {found.trouble}"
    if found.orders:
        for name, numbers in found.orders.items():
            rows = [(str(n), number(v)) for n, v in enumerate(numbers)]
            yield table(rows, ("Order", f"by {name}"), ("", GRADIENT))
    if found.hessian:
        entries = [(r, c, number(v)) for r, line in found.hessian.items() for c, v in line.items()]
        yield table(entries, ("Row", "Column", "Second derivative"), ("", "", GRADIENT))
    if found.check:
        verdicts = [
            (name, f"{error:.2g}", "agrees" if error <= tolerance else "DIFFERS")
            for name, error in found.check.items()
        ]
        yield table(verdicts, ("Checked by", "Relative error", ""))


def _pairs(output: str, value: Array, gradients: Mapping[str, Array]) -> Table:
    grid = table([], (), ("bold", ""))
    grid.add_row(output, Text(number(value), VALUE))
    for name, gradient in gradients.items():
        grid.add_row(f"d{output}/d{name}", Text(number(gradient), GRADIENT))
    return grid


def minimized(output: str, found: Minimum) -> Iterator[Any]:
    """Where the descent ended, from where, and how fast."""
    rows = [(name, number(value)) for name, value in found.final.items()]
    yield table([*rows, (output, number(found.value))], (), ("bold", VALUE))
    if found.history:
        steps = len(found.history)
        yield (
            f"{steps:,} {'step' if steps == 1 else 'steps'} from {output} = "
            f"{number(found.history[0])}, {seconds(found.seconds_per_step)} a step"
        )


def evaluated(graph: Graph, found: Evaluation) -> Iterator[Any]:
    """A document's nodes in the order they are computed, with the parameters inside modules."""
    told = []
    for n in graph.order():
        told.append((n, graph.name(n), formula_of(graph, n)))
        told += [(k, name, "parameter") for name, k in parameters_inside(graph, n).items()]
    rows = [
        (
            name,
            formula,
            shape_text(found.specs[n].shape) if found.specs.get(n) and found.specs[n].shape else "",
            number(found.values.get(n)),
            number(found.gradients.get(n)),
        )
        for n, name, formula in told
    ]
    yield table(
        rows, ("Node", "Formula", "Shape", "Value", "Gradient"), ("bold", "", "", VALUE, GRADIENT)
    )
    if found.note:
        yield found.note
    if found.trouble:
        yield f"not finite from {found.trouble}"


def trained(
    recipe: Recipe,
    begun: Mapping[int, int],
    notes: Sequence[str],
    history: Sequence[float],
    metrics: Mapping[str, Mapping[str, float]],
    output: Path | None,
) -> Iterator[Any]:
    """The loss before and after, the metrics on both parts of the data, and what was written.

    `begun` says behind how many steps each stage began, `notes` why one ended before its time.
    """
    rows = [("steps", f"{len(history):,}")]
    if history:
        rows += [("first loss", number(history[0])), ("last loss", number(history[-1]))]
    yield table(rows, (), ("bold", ""))
    if len(recipe.stages) > 1:
        stages = []
        for n, at in begun.items():
            losses = history[at : begun.get(n + 1, len(history))]
            ends = (number(losses[0]), number(losses[-1])) if losses else ("", "")
            stages.append((recipe.stages[n].title or f"{n + 1}", f"{len(losses):,}", *ends))
        heads = ("Stage", "steps", "first loss", "last loss")
        yield table(stages, heads, ("bold", VALUE, VALUE, VALUE))
    yield from notes
    names = dict.fromkeys(name for part in metrics.values() for name in part)
    if names:
        parts = [part for part, values in metrics.items() if values]
        told = [(n, *(number(metrics[p].get(n), 6) for p in parts)) for n in names]
        yield table(told, ("Over all rows", *parts), ("bold", *[VALUE] * len(parts)))
    if output is not None:
        yield f"wrote {output}"


def swept(trials: Sequence[Trial], best: Path | None) -> Iterator[Any]:
    """The trials of a sweep, the best first, and why some ended early."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.settings))
    held = any(trial.metrics.get("validation") for trial in trials)
    titles = ["Trial", *names, "State", "Steps", "Loss", *(["Held out"] if held else []), "Time"]
    ranked = sorted(trials, key=lambda trial: trial.rank)
    rows = []
    for trial in ranked:
        varied = [_setting(trial.settings.get(name)) for name in names]
        losses = [number(trial.loss, 6), *([number(trial.validation, 6)] if held else [])]
        took = [f"{trial.steps:,}", *losses, seconds(trial.seconds)]
        rows.append((str(trial.number), *varied, trial.state, *took))
    right = [0, *range(1, 1 + len(names)), *range(2 + len(names), len(titles))]
    yield table(rows, titles, ("bold",), right)
    for trial in ranked:
        if trial.message:
            yield f"trial {trial.number}: {trial.message}"
    if best is not None:
        yield f"wrote {best}"


def _setting(value: float | int | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.6g}" if value % 1 else f"{value:.12g}"


def seconds(value: float) -> str:
    """A time with three digits and the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


# ---------------------------------------------------------------- progress


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Gives `tell(done, total)`; after a second a bar stands on standard error, if it is a terminal."""
    stream = sys.stderr
    if not stream.isatty():
        yield lambda done, total: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(file=stream), transient=True, auto_refresh=False,
    )  # fmt: skip
    task = bar.add_task(title)
    due = time.monotonic() + 1.0
    started = False

    def tell(done: int, total: int) -> None:
        nonlocal due, started
        now = time.monotonic()
        if now < due:
            return
        due = now + 0.1
        if not started:
            started = True
            bar.start()
        bar.update(task, completed=done, total=total, refresh=True)

    try:
        yield tell
    finally:
        if started:
            bar.stop()

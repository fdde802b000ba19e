"""The panel "Units": the weights of hidden units, what excites them, and their values on the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.text import tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.regions import CONTROL
from app.view.studio.strips import Cell, Strip
from app.view.studio.strips_panel import StripsPanel
from app.view.viewers.scale import Scale
from engine.ops.row import Array
from engine.probes.units import Units

PAGE = 12
WEIGHTS, MADE, BEST, VALUES = tr("weights"), tr("excites"), tr("best rows"), tr("values")


class UnitsPanel(StripsPanel):
    name = "units"
    title = "Units"
    probe = "units"
    first = {"count": PAGE}
    empty = (
        "The units of a layer stand here as pictures: their weights, and what excites them. It needs a "
        "network with a hidden layer on data."
    )

    def build_controls(self) -> None:
        self.controls.add_choice("node", tr("layer"), CONTROL, quiet=True)
        self.controls.add_choice("first", tr("which units"), CONTROL, quiet=True)

    def turn(self, name: str, value: Any) -> None:
        if name == "node":
            self._asked = {**self.first, "node": value}
        else:
            self._asked[name] = int(value)
        self.ask_again()

    # ------------------------------------------------------------ showing

    def take(self, result: Units, step: int) -> None:
        self.shown = result
        self.controls.show_choice("node", [(p, n) for p, n, _ in result.nodes], result.node)
        pages = [
            (str(start), f"{start} … {min(start + PAGE, result.size) - 1}")
            for start in range(0, result.size, PAGE)
        ]
        self.controls.show_choice("first", pages, str(int(result.numbers[0]) // PAGE * PAGE))
        self.controls.settle()
        columns = self._columns(result)
        strips = [
            Strip(str(int(number)), tuple(column[i] for _, column in columns))
            for i, number in enumerate(result.numbers)
        ]
        self.strips.show_strips([title for title, _ in columns], strips)
        self.point(*self._at)

    def _columns(self, result: Units) -> list[tuple[str, list[Cell]]]:
        """The cells of each column, units down."""
        found = []
        if result.weights.size:
            reach = float(np.nanmax(np.abs(result.weights), initial=0.0))
            weights = [
                self._cell(w, -reach, reach, result.weights_are_pictures) for w in result.weights
            ]
            found.append((WEIGHTS, weights))
        sizes = [float(np.nanmax(np.abs(m), initial=0.0)) for m in result.made]
        made = [
            self._cell(m, -size, size, result.are_pictures)
            for m, size in zip(result.made, sizes, strict=True)
        ]
        found.append((MADE, made))
        good = result.best[np.isfinite(result.best)]
        # One entry that is far out would leave everything else in the dark.
        low, high = map(float, np.percentile(good, (1, 99))) if good.size else (0.0, 1.0)
        grey = Scale.grey(low, high) if low < high else Scale.grey(0.0, 1.0)
        for place in range(result.best.shape[1]):
            title = BEST if place == 0 else ""
            cells = [
                Cell(inks.picture(rows[place], grey, low, high)) if result.are_pictures
                else self._cell(rows[place], low, high, False)
                for rows in result.best
            ]  # fmt: skip
            found.append((title, cells))
        counts = [
            Cell(
                numbers=np.sqrt(c.astype(np.float64)), reach=(0.0, float(np.sqrt(c.max(initial=1))))
            )
            for c in result.counts
        ]
        found.append((VALUES, counts))
        return found

    def _cell(self, numbers: Array, low: float, high: float, is_picture: bool) -> Cell:
        if is_picture:
            return Cell(inks.picture(numbers, inks.signed(low, high), low, high))
        return Cell(numbers=numbers, reach=(low, high), colours=inks.class_colours(2)[1:])

    # ------------------------------------------------------------ telling

    def _tell(self) -> None:
        shown = self.shown
        assert shown is not None
        words = tr("{n} units of {name}, on {rows} rows").format(
            n=f"{shown.size:,}", name=shown.name, rows=f"{shown.rows:,}"
        )
        quiet = int((shown.silent == 1).sum())
        told = [words, tr("always 0: {n}").format(n=quiet) if quiet else ""]
        self.foot.setText(" · ".join(t for t in told if t))

    def point(self, strip: int, cell: int, x: float, y: float) -> None:
        self._at = strip, cell, x, y
        shown = self.shown
        if shown is None:
            return
        if not (0 <= strip < len(self.strips.strips) and cell < len(self.strips.titles)):
            self._tell()
            return
        number = theme.number_text
        words = [tr("unit {n}").format(n=int(shown.numbers[strip]))]
        place = cell - bool(shown.weights.size)
        if place < 0:
            words.append(shown.weights_name)
            words.append(f"|w| {number(float(np.linalg.norm(shown.weights[strip])), 3)}")
        elif place == 0:
            words.append(tr("{value} at norm {norm}").format(
                value=number(float(shown.reached[strip]), 3), norm=number(shown.norm, 3)
            ))  # fmt: skip
        elif place <= shown.best.shape[1]:
            row = int(shown.best_rows[strip, place - 1])
            words.append(tr("row {row}").format(row=row))
            words.append(number(float(shown.best_values[strip, place - 1]), 3))
        else:
            edge = min(int(x * shown.counts.shape[1]), shown.counts.shape[1] - 1)
            low, high = (number(float(e), 3) for e in shown.edges[edge : edge + 2])
            rows = tr("{n} rows").format(n=f"{int(shown.counts[strip, edge]):,}")
            words.append(f"{low} … {high}: {rows}")
        mean, spread = (number(float(v[strip]), 3) for v in (shown.mean, shown.spread))
        words.append(f"{mean} ± {spread}")
        if shown.silent[strip] > 0:
            words.append(tr("0 on {share} %").format(share=f"{100 * shown.silent[strip]:.0f}"))
        self.foot.setText(" · ".join(words))

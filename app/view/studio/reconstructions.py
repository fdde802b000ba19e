"""The panel "Reconstructions": what an auto-encoder makes of rows of the data, beside the rows."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QToolButton

from app.text import tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.regions import CONTROL, PARTS
from app.view.studio.strips import Cell, Strip
from app.view.studio.strips_panel import StripsPanel
from app.view.viewers.scale import Scale
from engine.ops.row import Array
from engine.probes.reconstructions import Reconstructions

ROWS = 16
ROLES = {"original": tr("original"), "noisy": tr("noisy"), "output": tr("output")}


class ReconstructionsPanel(StripsPanel):
    name = "reconstructions"
    title = "Reconstructions"
    probe = "reconstructions"
    first = {"rows": ROWS}
    empty = (
        "Rows of the data and what an auto-encoder makes of them stand here. It needs a loss that compares "
        "an output with the input itself."
    )

    def build_controls(self) -> None:
        self.controls.add_choice("part", tr("which rows"), CONTROL, quiet=True)
        self.other = QToolButton()
        self.other.setText("↻")
        self.other.setFixedHeight(26)
        self.other.setToolTip(tr("Draws other rows; they stay while training goes on"))
        self.other.setAccessibleName(tr("Other rows"))
        self.other.clicked.connect(self._draw)
        self.controls.add_widget(self.other)
        self.more = QToolButton()
        self.more.setText("⋯")
        self.more.setCheckable(True)
        self.more.setFixedHeight(26)
        self.more.setToolTip(tr("Which nodes are compared, and how wide a picture is"))
        self.more.setAccessibleName(tr("Nodes"))
        self.more.toggled.connect(self._open)
        self.controls.add_widget(self.more)
        for role, words in ROLES.items():
            self.controls.add_choice(role, words, CONTROL)
        self.controls.add_index("width", tr("width"))

    def _draw(self) -> None:
        self._asked["draw"] = int(self._asked.get("draw", 0)) + 1
        self.ask_again()

    def _open(self) -> None:
        if self.shown is not None:
            self._show_controls(self.shown)

    # ------------------------------------------------------------ showing

    def take(self, result: Reconstructions, step: int) -> None:
        self.shown = result
        self._show_controls(result)
        low, high = result.extent
        size = float(np.nanmax(np.abs(result.output - result.original), initial=0.0))
        scales = Scale.grey(low, high), inks.signed(-size, size)
        kinds = [result.original, result.noisy, result.output, result.output - result.original]
        kinds = [k for k in kinds if k.size]
        titles = [ROLES["original"], *([ROLES["noisy"]] if len(kinds) == 4 else [])]
        titles += [ROLES["output"], tr("difference")]
        strips = []
        for i, error in enumerate(result.errors.tolist()):
            cells = [
                self._cell(kind[i], scales[kind is kinds[-1]], result, kind is kinds[-1], size)
                for kind in kinds
            ]
            cells[-1] = Cell(
                cells[-1].image, cells[-1].numbers, cells[-1].reach, theme.number_text(error, 3),
                cells[-1].colours,
            )  # fmt: skip
            label = result.labels[i] if result.labels else str(result.rows[i])
            strips.append(Strip(label, tuple(cells)))
        self.strips.show_strips(titles, strips)
        self.point(*self._at)

    def _cell(
        self, numbers: Array, scale: Scale, result: Reconstructions, is_gap: bool, size: float
    ) -> Cell:
        low, high = (-size, size) if is_gap else result.extent
        if result.are_pictures:
            return Cell(inks.picture(numbers, scale, low, high))
        return Cell(numbers=numbers, reach=(low, high), colours=inks.class_colours(2)[1:])

    def _show_controls(self, result: Reconstructions) -> None:
        parts = [(part, words) for part, words in PARTS.items()] if result.held else []
        self.controls.show_choice("part", parts, result.part)
        opened = self.more.isChecked()
        nodes = [(path, name) for path, name, _ in result.nodes]
        for role, path in zip(ROLES, result.parts, strict=True):
            offered = [("-", tr("none")), *nodes] if role == "noisy" else nodes
            self.controls.show_choice(role, offered if opened else [], path)
        count = int(np.prod(result.original.shape[1:])) if opened else 0
        self.controls.show_index(
            "width", tr("width"), count + 1 if opened else 1, int(self._asked.get("width", 0))
        )
        self.controls.settle()

    def _tell(self) -> None:
        shown = self.shown
        assert shown is not None
        words = tr("mean squared error {error} · {n} rows")
        self.foot.setText(
            words.format(n=len(shown.rows), error=theme.number_text(shown.mean_error))
        )

    def point(self, strip: int, cell: int, x: float, y: float) -> None:
        self._at = strip, cell, x, y
        shown = self.shown
        if shown is None:
            return
        if not (0 <= strip < len(self.strips.strips) and cell < len(self.strips.titles)):
            self._tell()
            return
        kinds = [shown.original, shown.noisy, shown.output, shown.output - shown.original]
        numbers = [k for k in kinds if k.size][cell][strip]
        if shown.are_pictures:
            row = min(int(y * numbers.shape[0]), numbers.shape[0] - 1)
            column = min(int(x * numbers.shape[1]), numbers.shape[1] - 1)
            at, where = numbers[row, column], f"[{row}, {column}]"
        else:
            place = min(int(x * len(numbers)), len(numbers) - 1)
            at, where = numbers[place], f"[{place}]"
        said = ", ".join(theme.number_text(float(n)) for n in np.ravel(at))
        words = tr("row {row} · {title}{where} = {number}")
        self.foot.setText(
            words.format(
                row=int(shown.rows[strip]), title=self.strips.titles[cell], where=where, number=said
            )
        )

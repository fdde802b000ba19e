"""The panel "Samples": pictures drawn pixel by pixel from the codes of rows, while they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QProgressBar, QToolButton

from app.text import tr
from app.view import theme
from app.view.calm import CalmNumber
from app.view.studio.regions import CONTROL, PARTS
from app.view.studio.strips import Cell, Strip
from app.view.studio.strips_panel import StripsPanel
from app.view.viewers.controls import HEIGHT
from app.view.viewers.kind import ground
from app.view.viewers.scale import Scale, as_image
from engine.ops.row import Array
from engine.probes.sampling import Samples

KEPT = {"0.0": tr("all of it"), "0.5": tr("lower half")}
"""What is drawn, by the share of lines that is kept."""
_NO_CODE = "-"


class SamplesPanel(StripsPanel):
    """Begins when it is seen and goes on, question by question, until all is drawn or it is stopped."""

    name = "samples"
    title = "Samples"
    probe = "samples"
    first = {"rows": 6, "count": 4, "seed": 0, "given": "0.0", "run": 0, "goes_on": True}
    empty = (
        "Pictures drawn pixel after pixel stand here, each from the code of a row. It needs a loss that "
        "compares scores of each pixel's greys with the picture itself."
    )

    _refused: int | None = None
    """What the document meant when it was refused: until it means something else, nothing is asked."""
    _is_built = False

    def build_controls(self) -> None:
        self.controls.add_choice("part", tr("which rows"), CONTROL, quiet=True)
        self.temperature = CalmNumber()
        self.temperature.setObjectName("temperature")
        self.temperature.setRange(0.0, 10.0)
        self.temperature.setSingleStep(0.1)
        self.temperature.setDecimals(2)
        self.temperature.setValue(1.0)
        self.temperature.setFixedHeight(HEIGHT)
        self.temperature.setKeyboardTracking(False)
        self.temperature.setAccessibleName(tr("temperature"))
        self.temperature.setToolTip(
            tr("Below 1 likely greys are drawn more often; at 0 it is always the likeliest")
        )
        self.temperature.valueChanged.connect(self._warmed)
        self.controls.add_labelled("temperature", tr("temperature"), self.temperature)
        self.controls.add_index("seed", tr("seed"))
        self.button = self._tool(tr("Draw again"), self._press)
        self.button.setMinimumWidth(self.button.sizeHint().width())
        self.more = self._tool("⋯", self._open)
        self.more.setCheckable(True)
        self.more.setToolTip(tr("How many, what is drawn of them, and which node is held"))
        self.more.setAccessibleName(tr("More"))
        self.controls.add_choice("given", tr("draws"), CONTROL)
        self.controls.add_index("rows", tr("rows"))
        self.controls.add_index("count", tr("samples"))
        self.controls.add_choice("code", tr("held"), CONTROL)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        self.bar.setAccessibleName(tr("How far it is drawn"))
        self.column.addWidget(self.bar)
        self._refused, self._is_built = None, True

    def _tool(self, words: str, pressed: Any) -> QToolButton:
        button = QToolButton()
        button.setText(words)
        button.setFixedHeight(HEIGHT)
        button.clicked.connect(pressed)
        self.controls.add_widget(button)
        return button

    # ------------------------------------------------------------ what is asked

    def options(self) -> dict[str, Any] | None:
        if self._refused == self.session.root.meaning:
            return None
        return {**self._asked, "given": float(self._asked["given"])}

    def turn(self, name: str, value: Any) -> None:
        """Another question: it is drawn anew."""
        self._asked["goes_on"], self._refused = True, None
        super().turn(name, value)

    def _warmed(self, value: float) -> None:
        self.turn("temperature", value)

    def _press(self) -> None:
        """Stop, go on, or draw again from the parameters of this moment."""
        if self._is_over:
            self._asked["run"] += 1
            self._asked["goes_on"], self._refused = True, None
        else:
            self._asked["goes_on"] = not self._goes_on
        self.ask_again()
        self._tell()

    @property
    def _is_over(self) -> bool:
        return self._refused is not None or (self.shown is not None and self.shown.is_done)

    @property
    def _goes_on(self) -> bool:
        return bool(self._asked["goes_on"])

    def _open(self) -> None:
        if self.shown is not None:
            self._show_controls(self.shown)

    # ------------------------------------------------------------ showing

    def take(self, result: Samples, step: int) -> None:
        self.shown, self._refused = result, None
        self._show_controls(result)
        low, high = result.extent
        scale = Scale.grey(low, high)
        strips = []
        for row, own in enumerate(result.samples):
            kinds = [result.original[row], result.rebuilt[row], *own]
            far = [np.nan, ((result.rebuilt[row] - result.original[row]) ** 2).mean()]
            far += result.distances[row].tolist()
            cells = tuple(
                Cell(_picture(numbers, scale), under=theme.number_text(d, 2) if d == d else "")
                for numbers, d in zip(kinds, far, strict=True)
            )
            label = result.labels[row] if result.labels else str(result.rows[row])
            strips.append(Strip(label, cells))
        heads = [tr("original"), tr("rebuilt"), tr("samples")]
        self.strips.show_strips([*heads, *[""] * (result.samples.shape[1] - 1)], strips)
        self.point(*self._at)
        if not result.is_done and self._goes_on:
            self.ask_again()

    def _show_controls(self, result: Samples) -> None:
        parts = list(PARTS.items()) if result.held else []
        self.controls.show_choice("part", parts, result.part)
        self.controls.show_index("seed", tr("seed"), 10_000, self._asked["seed"])
        opened = self.more.isChecked()
        kept = list(KEPT.items())
        self.controls.show_choice("given", kept if opened else [], self._asked["given"])
        for name, most in (("rows", 16), ("count", 8)):
            words = tr("rows") if name == "rows" else tr("samples")
            size = most + 1 if opened else 1
            self.controls.show_index(name, words, size, self._asked[name], least=1)
        codes = [(path, name) for path, name, _ in result.codes]
        offered = [*codes, (_NO_CODE, tr("nothing"))] if opened and codes else []
        self.controls.show_choice("code", offered, result.code)
        self.controls.settle()

    def _tell(self) -> None:
        shown = self.shown
        stop = tr("Stop") if self._goes_on else tr("Go on")
        self.button.setText(tr("Draw again") if self._is_over else stop)
        if shown is None:
            return
        self.bar.setVisible(not shown.is_done)
        self.bar.setRange(0, max(shown.total, 1))
        self.bar.setValue(shown.done)
        if shown.is_done:
            words = tr(
                "squared distance to the originals: samples {far}, {by} {near} · step {step}"
            )
            by = tr("{name} from the code") if shown.is_direct else tr("{name} of true pixels")
            near = ((shown.rebuilt - shown.original) ** 2).mean()
            told = words.format(
                far=theme.number_text(float(shown.distances.mean()), 3),
                near=theme.number_text(float(near), 3),
                by=by.format(name=shown.rebuilt_by),
                step=shown.step,
            )
            self.foot.setText(told)
            return
        if shown.doing == "check":
            told = tr(
                "Proving by gradients that no pixel sees itself or a later one: {done} of {total}"
            )
        else:
            told = tr("{done} of {total} pixels drawn")
        self.foot.setText(told.format(done=f"{shown.done:,}", total=f"{shown.total:,}"))

    def point(self, strip: int, cell: int, x: float, y: float) -> None:
        self._at = strip, cell, x, y
        shown = self.shown
        if shown is None:
            return
        count = shown.samples.shape[1]
        if not (0 <= strip < len(shown.samples) and 0 <= cell < count + 2):
            self._tell()
            return
        kinds = [shown.original[strip], shown.rebuilt[strip], *shown.samples[strip]]
        titles = [tr("original"), tr("rebuilt"), *[tr("sample {n}")] * count]
        height, width = kinds[cell].shape
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        number = float(kinds[cell][row, column])
        words = tr("row {row} · {title}[{down}, {across}] = {number}")
        self.foot.setText(
            words.format(
                row=int(shown.rows[strip]),
                title=titles[cell].format(n=cell - 1),
                down=row,
                across=column,
                number=theme.number_text(number) if number == number else tr("not drawn yet"),
            )
        )

    def say(self, text: str) -> None:
        """A refusal ends the drawing; the controls stay, for another choice."""
        super().say(text)
        self._refused = self.session.root.meaning
        if self._is_built:
            self._tell()

    def forget(self) -> None:
        super().forget()
        self._refused = None
        self.temperature.blockSignals(True)
        self.temperature.setValue(1.0)
        self.temperature.blockSignals(False)


def _picture(numbers: Array, scale: Scale) -> QImage:
    """A picture whose missing pixels are the ground."""
    rgba = np.array(scale(np.nan_to_num(numbers)))
    missing = ~np.isfinite(numbers)
    if missing.any():
        rgba[missing] = ground().getRgb()
    return as_image(rgba)

"""The panel "Metrics": how good the predictions are, where they are wrong, and on which rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QListView, QListWidget, QListWidgetItem, QWidget

from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.studio.confusion import Matrix
from app.view.studio.figures import Figures
from app.view.studio.panel import StudioPanel
from app.view.viewers.plot import PlotView
from app.view.viewers.scale import Scale, as_image
from engine.probes.metrics import Cell, Metrics, Residuals
from engine.train.scene import Part

WIDE = 520
"""From this width on the table stands beside the picture."""
PICTURE = 34
_PARTS: tuple[tuple[Part, str], ...] = (("train", "train"), ("validation", "held out"))


class Scatter(PlotView):
    """Residuals over predictions; the line at 0 is where a prediction is right."""

    def __init__(self) -> None:
        super().__init__()
        self.controls.hide()
        self.foot.hide()
        self.dots = self.library.ScatterPlotItem(size=5, pen=None)
        self.zero = self.library.InfiniteLine(angle=0, movable=False)
        self.plot.addItem(self.zero)
        self.plot.addItem(self.dots)
        self.plot.setLabel("bottom", tr("prediction"))
        self.plot.setLabel("left", tr("prediction − target"))
        self.pointed: Any = None
        self.restyle()

    def show_residuals(self, told: Residuals) -> None:
        gap = told.prediction - told.target
        good = np.isfinite(gap)
        self.dots.setData(told.prediction[good], gap[good])

    def restyle(self) -> None:
        super().restyle()
        tokens = theme.current()
        shade = theme.blend(tokens.accent, tokens.panel, 0.1)
        shade.setAlphaF(0.6)
        self.dots.setBrush(shade)
        self.zero.setPen(self.library.mkPen(tokens.muted, width=1))
        for side in ("bottom", "left"):
            self.axis(side).label.setFont(theme.ui_font(10))
            self.axis(side).label.setDefaultTextColor(tokens.muted)

    def point(self, place: QPointF | None) -> None:
        if self.pointed is not None:
            self.pointed(place)


class MetricsPanel(StudioPanel):
    """Counts and shares, scores of each class, residuals; `cell` is the one whose rows are listed."""

    name = "metrics"
    probe = "metrics"
    empty = "Loss and metrics of both parts stand here, with the confusion matrix or the residuals."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cell: tuple[Part, int, int] | None = None
        self.part: Part = "train"
        self.shown: Metrics | None = None
        self.controls.add_choice("what", tr("What is shown"), quiet=True)
        self.controls.add_choice("part", tr("Which rows"), quiet=True)
        self.controls.changed.connect(self._turned)
        self.what = "counts"
        self.matrix = Matrix()
        self.matrix.chosen.connect(self._choose)
        self.matrix.pointed.connect(self._point)
        self.scatter: Scatter | None = None
        self.table = Figures(tr("Metrics"))
        self.by_class = Figures(tr("Scores of each class"))
        self.rows = QListWidget()
        self.rows.setAccessibleName(tr("Rows of the cell"))
        self.rows.setMovement(QListView.Movement.Static)
        self.rows.setResizeMode(QListView.ResizeMode.Adjust)
        self.rows.setIconSize(QSize(PICTURE, PICTURE))
        self.rows.hide()
        self.foot = QLabel()
        self.foot.setProperty("role", "muted")
        self.foot.setWordWrap(True)
        self.foot.setMinimumHeight(16)
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.note.hide()
        self.beside = QWidget()
        row = self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self.beside)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.matrix, self.rows, self.table, self.by_class):
            row.addWidget(widget, 3 if widget is self.matrix else 2)
        self.column.addWidget(self.beside, 1)
        self.column.addWidget(self.foot)
        self.column.addWidget(self.note)
        self.restyle()
        self.controls.hide()

    # ------------------------------------------------------------ the probe

    def options(self) -> dict[str, Any]:
        return {"cell": self.cell}

    def take(self, result: Metrics, step: int) -> None:
        self.shown = result
        parts = [p for p, _ in _PARTS if p in result.table]
        if self.part not in parts:
            self.part = parts[0]
        choices = [(view, tr(title)) for view, title, has in _VIEWS if has(result)]
        if self.what not in dict(choices):
            self.what = choices[0][0]
        self.controls.show_choice("what", choices, self.what)
        named = [(str(p), tr(words)) for p, words in _PARTS if p in parts]
        self.controls.show_choice("part", named, self.part)
        self.controls.settle()
        self._show()

    def forget(self) -> None:
        self.cell = self.matrix.cell = self.shown = None
        self.part, self.what = "train", "counts"
        self.rows.clear()
        self.rows.hide()
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.ui_font(11))
        self.note.setFont(theme.ui_font(11))
        self.rows.setFont(theme.number_font(9))
        self.table.restyle()
        self.by_class.restyle()
        if self.scatter is not None:
            self.scatter.restyle()
        if self.shown is not None:
            self._show()

    # ------------------------------------------------------------ showing

    def _turned(self, name: str, value: Any) -> None:
        if name == "part":
            self.part = value
            if self.cell is not None:
                self.cell = (self.part, *self.cell[1:])
                self.ask_again()
        else:
            self.what = str(value)
        if self.shown is not None:
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.shown is not None:
            self._arrange(self.shown)

    def _show(self) -> None:
        result = self.shown
        assert result is not None
        parts = [(p, words) for p, words in _PARTS if p in result.table]
        names = list(dict.fromkeys(n for values in result.table.values() for n in values))
        lines: list[tuple[str, list[float | None]]] = [
            (name, [result.table[p].get(name) for p, _ in parts]) for name in names
        ]
        if result.residuals:
            for name in _RESIDUALS:
                numbers = [getattr(result.residuals[p], name) for p, _ in parts]
                lines.append((_RESIDUALS[name], numbers))
        self.table.fill([tr("metric"), *(tr(words) for _, words in parts)], lines)
        confusion = result.confusion.get(self.part)
        if confusion is not None:
            self.matrix.show_counts(confusion, result.classes, self.what == "shares")
            scores, there = confusion.scores, confusion.counts.sum(axis=1)
            self.by_class.fill(
                [tr("class"), tr("precision"), tr("recall"), "F1", tr("rows")],
                [
                    (name, [*map(float, scores[i]), int(there[i])])
                    for i, name in enumerate(result.classes)
                ],
            )
        residuals = result.residuals.get(self.part)
        if residuals is not None:
            if self.scatter is None:
                self.scatter = Scatter()
                self.scatter.pointed = self._point_scatter
                self._row.insertWidget(0, self.scatter, 3)
            self.scatter.show_residuals(residuals)
        self._list(result.cell if result.confusion else None)
        note = [sentence(result.reason)] if result.reason else []
        looked, there_are = result.counted[self.part]
        if looked < there_are:
            words = tr("Counted on {some} of {all} rows, spread evenly.")
            note.append(words.format(some=f"{looked:,}", all=f"{there_are:,}"))
        if len(parts) == 1 and there_are:
            note.append(tr("No rows are held out."))
        self.note.setText(" ".join(note))
        self.note.setVisible(bool(note))
        self._arrange(result)
        self._point(-1, -1)

    def _arrange(self, result: Metrics) -> None:
        """One thing at a time where there is little room, else the table beside the picture."""
        wide = self.width() >= WIDE
        direction = QBoxLayout.Direction
        self._row.setDirection(direction.LeftToRight if wide else direction.TopToBottom)
        tables = ("table", "classes")
        picture = self.what not in tables or wide
        self.matrix.setVisible(bool(result.confusion) and picture)
        if self.scatter is not None:
            self.scatter.setVisible(bool(result.residuals) and picture)
        beside = wide and self.what not in tables
        self.by_class.setVisible(bool(result.confusion) and (self.what == "classes" or beside))
        self.table.setVisible(self.what == "table" or (beside and not result.confusion))
        self.foot.setVisible(picture and bool(result.confusion or result.residuals))
        self.rows.setVisible(picture and self.rows.count() > 0)
        self.rows.setMaximumHeight(16_777_215 if wide else PICTURE + 26)

    def _point(self, actual: int, predicted: int) -> None:
        """What the cell under the pointer says; what the whole says when there is none."""
        result = self.shown
        if result is None:
            return
        confusion = result.confusion.get(self.part)
        residuals = result.residuals.get(self.part)
        if confusion is not None and actual >= 0:
            count, share = confusion.counts[actual, predicted], confusion.shares[actual, predicted]
            words = tr("{actual} taken for {predicted}: {count} ({share} of its rows)")
            self.foot.setText(
                words.format(
                    actual=result.classes[actual], predicted=result.classes[predicted],
                    count=f"{count:,}", share=_percent(float(share)),
                )
            )  # fmt: skip
        elif confusion is not None:
            words = tr("{share} right · down: is, across: taken for")
            self.foot.setText(words.format(share=_percent(confusion.accuracy)))
        elif residuals is not None:
            words = tr("R² {r2} · root mean square {rmse}")
            self.foot.setText(
                words.format(
                    r2=theme.number_text(residuals.explained),
                    rmse=theme.number_text(residuals.spread),
                )
            )

    def _point_scatter(self, place: QPointF | None) -> None:
        if place is None:
            self._point(-1, -1)
            return
        words = tr("prediction {x} · off by {y}")
        self.foot.setText(
            words.format(x=theme.number_text(place.x()), y=theme.number_text(place.y()))
        )

    # ------------------------------------------------------------ the rows of a cell

    def _choose(self, actual: int, predicted: int) -> None:
        chosen = (self.part, actual, predicted)
        if chosen == self.cell:  # once more: the list goes
            self.cell = self.matrix.cell = None
            self._list(None)
            self.matrix.update()
        else:
            self.cell = chosen
        self.ask_again()

    def _list(self, cell: Cell | None) -> None:
        fits = cell is not None and (cell.part, cell.actual, cell.predicted) == self.cell
        self.rows.clear()
        self.rows.setVisible(fits)
        if cell is None or not fits:
            return
        pictured = cell.pictures is not None
        mode = QListView.ViewMode.IconMode if pictured else QListView.ViewMode.ListMode
        self.rows.setViewMode(mode)
        for place, row in enumerate(cell.rows):
            item = QListWidgetItem(str(row))
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignHCenter if pictured else Qt.AlignmentFlag.AlignLeft
            )
            if cell.pictures is not None:
                item.setIcon(QIcon(_thumbnail(cell.pictures[place])))
                item.setSizeHint(QSize(PICTURE + 12, PICTURE + 20))
            elif cell.features is not None:
                numbers = [theme.number_text(v, 3) for v in np.ravel(cell.features[place])[:12]]
                item.setText(tr("row {row}").format(row=row) + "   " + "  ".join(numbers))
            self.rows.addItem(item)
        if not len(cell.rows):
            self.rows.addItem(tr("no row is in this cell"))
        elif cell.count > len(cell.rows):
            more = tr("and {count} more").format(count=f"{cell.count - len(cell.rows):,}")
            self.rows.addItem(more)


_VIEWS: tuple[tuple[str, str, Callable[[Metrics], bool]], ...] = (
    ("counts", "counts", lambda m: bool(m.confusion)),
    ("shares", "shares", lambda m: bool(m.confusion)),
    ("residuals", "residuals", lambda m: bool(m.residuals)),
    ("classes", "classes", lambda m: bool(m.confusion)),
    ("table", "metrics", lambda m: True),
)
_RESIDUALS = {
    "explained": "R²", "spread": tr("root mean square"), "distance": tr("mean error size"),
    "bias": tr("mean error"),
}  # fmt: skip


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.3g} %"


def _thumbnail(picture: Any) -> QPixmap:
    """A picture in grey or in colours, each from its least to its largest number."""
    numbers = np.asarray(picture, np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if numbers.ndim == 3:
        shares = np.nan_to_num((numbers - low) / (high - low or 1.0)).clip(0, 1)
        rgba = np.full((*numbers.shape[:2], 4), 255, np.uint8)
        rgba[..., :3] = (255 * shares).astype(np.uint8)
    else:
        rgba = Scale.grey(low, high)(numbers)
    image = as_image(rgba)
    size = QSize(PICTURE, PICTURE) * 2
    pixmap = QPixmap.fromImage(
        image.scaled(
            size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation
        )
    )
    pixmap.setDevicePixelRatio(2)
    return pixmap

"""The race: a small curve a trial, side by side on one scale, while they run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.pool import Live
from app.text import sentence, tr
from app.view import theme
from app.view.studio.trial_table import setting_text
from engine.train.axes import title
from engine.train.sweep import Trial

MAX_CELLS = 60
"""Curves that are drawn at most, those under way and the best ones."""
_WIDE, _HIGH, _GAP = 150.0, 84.0, 8.0
Points = Sequence[tuple[float, float]]
Range = tuple[float, float, bool]


@dataclass
class Runner:
    """A trial with its curves: the loss of steps, and the one on held-out rows; `total` steps are its
    whole length."""

    trial: Trial
    points: Points
    held: Points
    total: int


def runners(trials: Sequence[Trial], live: Callable[[int], Live | None]) -> list[Runner]:
    """The trials that have begun, in order; when there are too many, those under way and the best."""
    begun = [t for t in trials if t.state != "waiting"]
    first = sorted(begun, key=lambda t: (t.state != "running", t.rank))[:MAX_CELLS]
    found = []
    for trial in sorted(first, key=lambda t: t.number):
        seen = live(trial.number)
        points: Points = [(s, v) for s, v in seen.points] if seen is not None else []
        points = points or [(s, loss) for s, loss, _ in trial.curve]
        held = [(s, v) for s, _, v in trial.curve]
        total = max(seen.total if seen is not None else 0, trial.steps, 1)
        found.append(Runner(trial, _finite(points), _finite(held), total))
    return found


def _finite(points: Points) -> Points:
    return [(s, v) for s, v in points if math.isfinite(v)]


class Race(QWidget):
    """Draws runners in cells of one size, as many a row as there is room for.

    `pointed` tells the number of the trial under the pointer, -1 for none; `chosen` one that was
    double-clicked.
    """

    pointed = Signal(int)
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.runners: list[Runner] = []
        self.best = self.hot = -1
        self.varied: list[str] = []
        self._room = QSize(560, 200)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Curves of the trials, side by side"))

    def show_runners(self, shown: Sequence[Runner], best: int, fields: Sequence[str] = ()) -> None:
        """Other curves, or the same with news; `best` is the number of the best trial, `fields` what is
        varied, if that is known."""
        self.runners, self.best = list(shown), best
        names = list(dict.fromkeys(name for r in self.runners for name in r.trial.settings))
        names = [name for name in fields if name in names] or names
        values = {n: {r.trial.settings.get(n) for r in self.runners} for n in names}
        self.varied = [n for n in names if len(values[n]) > 1] or names
        self.fit(self._room)

    def point_at(self, number: int) -> None:
        """Another trial is pointed at elsewhere."""
        if number != self.hot:
            self.hot = number
            self.update()

    def fit(self, room: QSize) -> None:
        """The cells fill this much; more of them are scrolled to."""
        self._room = room
        _, rows, size = self._grid()
        self.setMinimumHeight(round(rows * (size.height() + _GAP) - _GAP) if rows else 0)
        self.update()

    # ------------------------------------------------------------ where things are

    def _grid(self) -> tuple[int, int, QRectF]:
        """Columns, rows and the box of a cell."""
        count = max(len(self.runners), 1)
        width, height = max(self._room.width(), 60), max(self._room.height(), 60)
        most = max(int((width + _GAP) // (_WIDE + _GAP)), 1)
        columns = min(most, count)
        rows = -(-count // columns)
        columns = -(-count // rows)
        wide = (width - _GAP * (columns - 1)) / columns
        high = max((height - _GAP * (rows - 1)) / rows, _HIGH)
        return columns, rows, QRectF(0, 0, wide, high)

    def cell(self, place: int) -> QRectF:
        """Where a curve is drawn."""
        columns, _, box = self._grid()
        row, column = divmod(place, columns)
        return box.translated(column * (box.width() + _GAP), row * (box.height() + _GAP))

    def number_at(self, place: QPointF) -> int:
        """The trial whose cell is there, -1 for none."""
        for index, runner in enumerate(self.runners):
            if self.cell(index).contains(place):
                return runner.trial.number
        return -1

    def _range(self) -> Range:
        """Losses from and to, and whether they are spread over powers."""
        values = [v for r in self.runners for _, v in (*r.points, *r.held)]
        if not values:
            return 0.0, 1.0, False
        starts = sorted(r.points[0][1] for r in self.runners if r.points and r.points[0][1] > 0)
        low, high = min(values), max(values)
        if starts:  # far above where most began is no race any more
            high = min(high, 10 * starts[len(starts) // 2])
        least = min((v for v in values if v > 0), default=0.0)
        ends = [r.trial.value for r in self.runners if 0 < r.trial.value < math.inf]
        if ends:  # single batches may be far below what the best came to
            least = max(least, min(ends) / 3)
        if low >= 0 and 0 < least and high / least >= 10:
            return least, high, True
        return low, max(high, low + 1e-12), False

    # ------------------------------------------------------------ drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ranges = self._range()
        for place, runner in enumerate(self.runners):
            box = self.cell(place)
            if box.intersects(QRectF(event.rect())):
                self._draw(painter, runner, box, ranges)
        painter.end()

    def _draw(
        self,
        painter: QPainter,
        runner: Runner,
        box: QRectF,
        ranges: Range,
    ) -> None:
        tokens, trial = theme.current(), runner.trial
        is_best = trial.number == self.best
        is_hot = trial.number == self.hot
        edge = tokens.accent if is_best or is_hot else tokens.hairline
        painter.setPen(QPen(edge, 1.4 if is_best or is_hot else 1.0))
        painter.setBrush(tokens.canvas if tokens.is_dark else tokens.background)
        painter.drawRoundedRect(box.adjusted(0.7, 0.7, -0.7, -0.7), 6, 6)
        plot = box.adjusted(8, 24, -8, -8)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.save()
        painter.setClipRect(plot.adjusted(-1, -1, 1, 1))
        quiet = theme.blend(tokens.panel, tokens.muted, 0.3)
        for other in self.runners if len(self.runners) <= 12 else ():
            if other is not runner:
                self._line(painter, other.points, other.total, plot, ranges, quiet, 1.0)
        held = QPen(tokens.muted, 1.2, Qt.PenStyle.DashLine)
        self._line(painter, runner.points, runner.total, plot, ranges, tokens.accent, 1.8)
        self._line(painter, runner.held, runner.total, plot, ranges, held.color(), 1.2, dashed=True)
        painter.restore()
        self._words(painter, trial, box)

    def _line(
        self,
        painter: QPainter,
        points: Points,
        total: int,
        plot: QRectF,
        ranges: Range,
        colour: QColor,
        width: float,
        dashed: bool = False,
    ) -> None:
        if len(points) < 2:
            return
        low, high, log = ranges
        scale = math.log if log else float
        bottom, top = scale(low), scale(high)
        pen = QPen(colour, width)
        pen.setStyle(Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        every = max(len(points) // 200, 1)  # a cell has no more pixels than that
        line = QPolygonF()
        for step, value in (*points[:-1:every], points[-1]):
            share = (scale(max(value, low)) - bottom) / (top - bottom)
            line.append(
                QPointF(
                    plot.left() + plot.width() * min(step / total, 1.0),
                    plot.bottom() - plot.height() * min(share, 1.2),
                )
            )
        painter.drawPolyline(line)

    def _words(self, painter: QPainter, trial: Trial, box: QRectF) -> None:
        tokens = theme.current()
        bad = trial.state in ("diverged", "failed")
        number = theme.number_text(trial.value) if math.isfinite(trial.value) else ""
        told = (
            f"⚠ {tr(trial.state)}"
            if bad
            else number or (tr("running") if not trial.is_over else "")
        )
        painter.setFont(theme.ui_font(11) if bad or not number else theme.number_font(11))
        painter.setPen(tokens.error if bad else tokens.text)
        room = box.adjusted(8, 5, -8, 0)
        room.setHeight(16)
        width = painter.fontMetrics().horizontalAdvance(told)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, told)
        painter.setFont(theme.ui_font(11, 600 if trial.number == self.best else 400))
        painter.setPen(tokens.text)
        name = painter.fontMetrics().elidedText(
            self.name(trial), Qt.TextElideMode.ElideRight, round(room.width() - width - 8)
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)

    def name(self, trial: Trial) -> str:
        """What makes a trial another one than the others."""
        told = []
        for name in self.varied[:3]:
            value = trial.settings.get(name)
            if value is not None:
                words = setting_text(value)
                told.append(words if isinstance(value, str) else f"{title(name)} {words}")
        return " · ".join(told) or tr("Trial {number}").format(number=trial.number)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A scroll bar came or went."""
        super().resizeEvent(event)
        self._room.setWidth(self.width())

    # ------------------------------------------------------------ the mouse

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self.number_at(event.position())
        if number == self.hot:
            return
        self.hot = number
        self.update()
        self.pointed.emit(number)
        trial = next((r.trial for r in self.runners if r.trial.number == number), None)
        if trial is not None:
            lines = [tr("Trial {number}").format(number=number)]
            lines += [f"{title(n)} = {setting_text(v)}" for n, v in trial.settings.items()]
            lines += [sentence(trial.message)] if trial.message else []
            QToolTip.showText(event.globalPosition().toPoint(), "\n".join(lines), self)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        number = self.number_at(event.position())
        if number >= 0:
            self.chosen.emit(number)

    def leaveEvent(self, event: object) -> None:
        if self.hot >= 0:
            self.hot = -1
            self.update()
            self.pointed.emit(-1)

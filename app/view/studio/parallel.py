"""Parallel coordinates: an upright line a setting and one for the result, a line across a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.text import tr
from app.view import theme
from app.view.studio.trial_table import setting_text, varied
from engine.train.axes import Value, title
from engine.train.sweep import Sweep, Trial

MAX_LINES = 1500
"""Trials that are drawn at most, the best ones."""
NEAR = 7.0
_TOP, _BOTTOM, _SIDE = 26, 12, 44
_LINE = 13.0
"""How far apart numbers beside a line are at least."""
_FEW = 6
"""Up to so many numbers are all written beside their line."""
_DECADES = 30.0
"""From this ratio of largest to smallest on numbers are spread over powers."""


@dataclass
class Scale:
    """One upright line: words from bottom to top, or numbers from `low` to `high`."""

    name: str
    words: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    marks: tuple[float, ...] = ()
    """Numbers that are written beside it, from the bottom."""
    brush: tuple[float, float] | None = None
    """The share of its height that is let through, from the bottom."""

    def at(self, value: Value | float | None) -> float | None:
        """Where a value is, 0 at the bottom and 1 at the top; None for one that is nowhere."""
        if self.words:
            if str(value) not in self.words:
                return None
            return (self.words.index(str(value)) + 0.5) / len(self.words)
        if value is None or isinstance(value, str) or not math.isfinite(value):
            return None
        if self.log:
            if value <= 0:
                return None
            low, high, value = math.log(self.low), math.log(self.high), math.log(value)
        else:
            low, high = self.low, self.high
        return 0.5 if high == low else min(max((value - low) / (high - low), 0.0), 1.0)


def scales(trials: Sequence[Trial], sweep: Sweep | None, result: str) -> list[Scale]:
    """The lines for what trials tried and what came of them."""
    names = varied(trials, sweep)
    axes = {axis.field: axis for axis in sweep.axes} if sweep is not None else {}
    found = []
    for name in names:
        values = [t.settings[name] for t in trials if name in t.settings]
        axis = axes.get(name)
        told = list(axis.values) if axis is not None else []
        if any(isinstance(v, str) for v in values):
            words = dict.fromkeys(str(v) for v in (*told, *values))
            found.append(Scale(name, tuple(words)))
            continue
        numbers = [float(v) for v in (*values, *told)]
        if axis is not None and not axis.values:
            numbers += [axis.low, axis.high]
        found.append(_numbers(name, numbers, axis.log if axis is not None else None))
    results = [t.value for t in trials if math.isfinite(t.value)]
    found.append(_numbers(result, results or [0.0, 1.0], None))
    return found


def _numbers(name: str, numbers: Sequence[float], log: bool | None) -> Scale:
    low, high = min(numbers), max(numbers)
    wide = low > 0 and high / low >= _DECADES if log is None else log and low > 0
    marks = sorted(set(numbers))
    if len(marks) > _FEW:
        middle = math.sqrt(low * high) if wide else (low + high) / 2
        whole = all(number == int(number) for number in marks)
        marks = [low, round(middle) if whole else middle, high]
    return Scale(name, (), low, high, wide, tuple(marks))


class Parallel(QWidget):
    """Draws trials; a drag along an upright line keeps those that cross it there.

    `pointed` tells the number of the trial under the pointer, -1 for none; `brushed` that others are
    kept (`kept`); `chosen` a trial that was double-clicked.
    """

    pointed = Signal(int)
    brushed = Signal()
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.scales: list[Scale] = []
        self.trials: list[Trial] = []
        self.hot = -1
        self._lines: dict[int, QPolygonF] = {}
        self._colours: dict[int, QColor] = {}
        self._left_out = 0
        self._picture: QPixmap | None = None
        self._drag: tuple[str, float, tuple[float, float] | None] | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(160, 100)
        self.setAccessibleName(tr("Settings and results of the trials"))

    def sizeHint(self) -> QSize:
        return QSize(560, 200)

    # ------------------------------------------------------------ what is shown

    def show_trials(self, trials: Sequence[Trial], sweep: Sweep | None, result: str) -> None:
        """Other trials, or the same with news; what is brushed stays."""
        brushes = {scale.name: scale.brush for scale in self.scales}
        shown = sorted((t for t in trials if t.settings), key=lambda t: t.rank)
        self._left_out = max(len(shown) - MAX_LINES, 0)
        self.trials = shown[:MAX_LINES][::-1]  # the best are drawn last
        self.scales = scales(shown, sweep, result) if shown else []
        for scale in self.scales:
            scale.brush = brushes.get(scale.name)
        self._lay()

    def clear_brushes(self) -> None:
        for scale in self.scales:
            scale.brush = None
        self._lay()
        self.brushed.emit()

    @property
    def is_brushed(self) -> bool:
        return any(scale.brush is not None for scale in self.scales)

    def keeps(self, trial: Trial) -> bool:
        """Whether a trial crosses every upright line where that is brushed."""
        for scale in self.scales:
            if scale.brush is not None:
                place = scale.at(self._value(trial, scale))
                if place is None or not scale.brush[0] <= place <= scale.brush[1]:
                    return False
        return True

    def point_at(self, number: int) -> None:
        """Another trial is pointed at elsewhere."""
        if number != self.hot:
            self.hot = number
            self.update()

    def restyle(self) -> None:
        self._lay()

    # ------------------------------------------------------------ where things are

    def _value(self, trial: Trial, scale: Scale) -> Value | None:
        if scale is self.scales[-1]:
            return trial.value
        return trial.settings.get(scale.name)

    @property
    def _room(self) -> QRectF:
        return QRectF(
            _SIDE, _TOP, max(self.width() - 2 * _SIDE, 1), max(self.height() - _TOP - _BOTTOM, 1)
        )

    def x_of(self, scale: Scale) -> float:
        """Where an upright line stands."""
        room, count = self._room, len(self.scales)
        place = self.scales.index(scale)
        return room.left() + (room.width() * place / (count - 1) if count > 1 else 0.0)

    def y_of(self, share: float) -> float:
        room = self._room
        return room.bottom() - share * room.height()

    def _lay(self) -> None:
        self._lines.clear()
        self._picture = None
        xs = [self.x_of(scale) for scale in self.scales]
        ranked = [t for t in self.trials if math.isfinite(t.value)]
        results = self.scales[-1] if self.scales else None
        tokens = theme.current()
        quiet = theme.blend(tokens.panel, tokens.muted, 0.45)
        for trial in self.trials:
            places = []
            for x, scale in zip(xs, self.scales, strict=True):
                place = scale.at(self._value(trial, scale))
                if place is not None:
                    places.append(QPointF(x, self.y_of(place)))
            self._lines[trial.number] = QPolygonF(places)
            share = results.at(trial.value) if results is not None else None
            good = 0.0 if share is None or len(ranked) < 2 else 1.0 - share
            self._colours[trial.number] = theme.blend(quiet, tokens.accent, good)
        self.update()

    # ------------------------------------------------------------ drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._picture is None:
            self._picture = self._drawn()
        painter.drawPixmap(0, 0, self._picture)
        line = self._lines.get(self.hot)
        if line is not None:
            tokens = theme.current()
            painter.setPen(QPen(tokens.text, 2.2))
            painter.drawPolyline(line)
            painter.setBrush(tokens.text)
            painter.setPen(Qt.PenStyle.NoPen)
            for place in (line.at(number) for number in range(line.count())):
                painter.drawEllipse(place, 3.2, 3.2)
        painter.end()

    def _drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        faint = theme.blend(theme.current().panel, theme.current().border, 0.55)
        brushed = self.is_brushed
        kept = [t for t in self.trials if not brushed or self.keeps(t)]
        wanted = {t.number for t in kept}
        width = 1.6 if len(kept) <= 200 else 1.0
        for trial in (*(t for t in self.trials if t.number not in wanted), *kept):
            colour = self._colours[trial.number] if trial.number in wanted else faint
            pen = QPen(colour, width if trial.number in wanted else 1.0)
            if not math.isfinite(trial.value):
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawPolyline(self._lines[trial.number])
        for scale in self.scales:
            self._draw_scale(painter, scale)
        if self._left_out:
            painter.setPen(theme.current().muted)
            painter.setFont(theme.ui_font(10))
            told = tr("the best {count} are drawn").format(count=f"{MAX_LINES:,}")
            corner = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
            painter.drawText(self.rect().adjusted(0, 0, -8, -2), corner, told)
        painter.end()
        return picture

    def _draw_scale(self, painter: QPainter, scale: Scale) -> None:
        tokens, x = theme.current(), self.x_of(scale)
        top, bottom = self.y_of(1.0), self.y_of(0.0)
        painter.setPen(QPen(tokens.border, 1.2))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        if scale.brush is not None:
            low, high = scale.brush
            box = QRectF(x - 6, self.y_of(high), 12, self.y_of(low) - self.y_of(high))
            shade = QColor(tokens.accent)
            shade.setAlphaF(0.28)
            painter.setBrush(shade)
            painter.setPen(QPen(tokens.accent, 1.2))
            painter.drawRoundedRect(box, 3, 3)
        is_last = scale is self.scales[-1]
        painter.setFont(theme.ui_font(11, 600 if is_last else 400))
        painter.setPen(tokens.text)
        room = self._gap() - 8
        metrics = QFontMetricsF(painter.font())
        name = metrics.elidedText(title(scale.name), Qt.TextElideMode.ElideMiddle, room)
        self._write(painter, name, x, 4, 14, room)
        painter.setPen(tokens.muted)
        painter.setFont(theme.number_font(10))
        if scale.words:
            for word in scale.words:
                place = scale.at(word)
                assert place is not None
                self._tag(painter, word, x, self.y_of(place))
        else:
            below = math.inf
            for mark in scale.marks:
                place = scale.at(mark)
                if place is not None and below - self.y_of(place) >= _LINE:
                    below = self.y_of(place)
                    self._tag(painter, setting_text(float(f"{mark:.3g}")), x, below)

    def _gap(self) -> float:
        return self._room.width() / max(len(self.scales) - 1, 1)

    def _tag(self, painter: QPainter, text: str, x: float, y: float) -> None:
        """A value beside an upright line, on a ground of its own so that lines do not cross it."""
        tokens, metrics = theme.current(), QFontMetricsF(painter.font())
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(self._gap() - 14, 30))
        width = metrics.horizontalAdvance(text)
        left = x + 6 if x + 6 + width < self.width() - 2 else x - 6 - width
        box = QRectF(left, y - 7, width, 14)
        ground = QColor(tokens.panel)
        ground.setAlphaF(0.8)
        painter.fillRect(box.adjusted(-2, 0, 2, 0), ground)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _write(
        self, painter: QPainter, text: str, x: float, y: float, height: float, room: float
    ) -> None:
        """A name above its line, moved inwards where it would stand out."""
        width = min(QFontMetricsF(painter.font()).horizontalAdvance(text), room)
        left = min(max(x - width / 2, 2.0), self.width() - width - 2)
        painter.drawText(QRectF(left, y, width + 2, height), Qt.AlignmentFlag.AlignVCenter, text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay()

    # ------------------------------------------------------------ the mouse

    def _scale_at(self, place: QPointF) -> Scale | None:
        near = [s for s in self.scales if abs(self.x_of(s) - place.x()) <= NEAR + 3]
        return near[0] if near else None

    def trial_at(self, place: QPointF) -> int:
        """The number of the trial whose line is under a place, the best of them; -1 for none."""
        for trial in reversed(self.trials):
            if (not self.is_brushed or self.keeps(trial)) and _near(
                self._lines[trial.number], place
            ):
                return trial.number
        return -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        scale = self._scale_at(event.position())
        if event.button() is not Qt.MouseButton.LeftButton or scale is None:
            return
        share = self._share(event.position())
        held = scale.brush if scale.brush and scale.brush[0] <= share <= scale.brush[1] else None
        self._drag = (scale.name, share, held)  # news may bring other scales

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            scale = self._scale_at(event.position())
            shape = Qt.CursorShape.SizeVerCursor if scale else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            number = -1 if scale else self.trial_at(event.position())
            if number != self.hot:
                self.hot = number
                self.update()
                self.pointed.emit(number)
                self._tell(event, number)
            return
        name, start, held = self._drag
        scale = next((s for s in self.scales if s.name == name), None)
        if scale is None:
            return
        share = self._share(event.position())
        if held is not None:  # a brush that is there moves along
            by = min(max(share - start, -held[0]), 1.0 - held[1])
            scale.brush = held[0] + by, held[1] + by
        else:
            scale.brush = min(start, share), max(start, share)
        self._picture = None
        self.update()
        self.brushed.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        self.mouseMoveEvent(event)
        name, start, _ = self._drag
        self._drag = None
        scale = next((s for s in self.scales if s.name == name), None)
        if (
            scale is not None
            and abs(self._share(event.position()) - start) * self._room.height() < 3
        ):
            scale.brush = None  # a click lets all through again
        self._lay()
        self.brushed.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        number = self.trial_at(event.position())
        if self._scale_at(event.position()) is None and number >= 0:
            self.chosen.emit(number)

    def leaveEvent(self, event: object) -> None:
        if self.hot >= 0:
            self.hot = -1
            self.update()
            self.pointed.emit(-1)

    def _share(self, place: QPointF) -> float:
        room = self._room
        return min(max((room.bottom() - place.y()) / room.height(), 0.0), 1.0)

    def _tell(self, event: QMouseEvent, number: int) -> None:
        trial = next((t for t in self.trials if t.number == number), None)
        if trial is None:
            QToolTip.hideText()
            return
        lines = [tr("Trial {number}").format(number=number)]
        for scale in self.scales:
            value = self._value(trial, scale)
            if value is not None:
                text = setting_text(value)
                lines.append(f"{title(scale.name)} = {text}")
        QToolTip.showText(event.globalPosition().toPoint(), "\n".join(lines), self)


def _near(line: QPolygonF, place: QPointF) -> bool:
    """Whether a place is on a line of pieces from left to right."""
    for number in range(line.count() - 1):
        a, b = line.at(number), line.at(number + 1)
        if a.x() <= place.x() <= b.x() and b.x() > a.x():
            share = (place.x() - a.x()) / (b.x() - a.x())
            slope = (b.y() - a.y()) / (b.x() - a.x())
            away = abs(a.y() + share * (b.y() - a.y()) - place.y()) / math.hypot(1.0, slope)
            return away <= NEAR
    return False

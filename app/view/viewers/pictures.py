"""A tensor as pictures side by side: grey, in colours, or centred at 0; flat ones are made square."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, View, ground
from app.view.viewers.numbers import Survey
from app.view.viewers.scale import ColourBar, Scale, as_image, beside
from engine.ops.row import Array

KNOWN = (64, 784, 1024, 3072)
"""Lengths of flat pictures that are common enough to be guessed: 8×8, 28×28, 32×32, 32×32 in colour."""
SMALLEST, LARGEST, USUAL = 24, 320, 72
GAP, CAPTION, CAPTION_FROM = 6, 14, 40


@dataclass(frozen=True)
class Reading:
    """A way to read an array as pictures. `picture(i)` gives rows × columns, or × 3 for colours;
    `place(i, row, column, channel)` is the index of an entry in the array."""

    count: int
    height: int
    width: int
    colours: bool
    picture: Callable[[int], Array]
    place: Callable[[int, int, int, int], tuple[int, ...]]


def _square(length: int) -> int:
    """The side of a square of so many entries; 0 when there is none."""
    side = math.isqrt(length)
    return side if side > 1 and side * side == length else 0


def readings(array: Array) -> dict[str, tuple[str, Reading]]:
    """Every way to read an array as pictures by its name, with words for it; the best one first."""
    found: dict[str, tuple[str, Reading]] = {}
    shape = array.shape
    if not array.size:
        return found
    in_colours: dict[str, tuple[str, Reading]] = {}
    if array.ndim >= 3 and shape[-1] == 3 and shape[-3] > 3:
        in_colours["rgb_last"] = tr("colours, last axis"), _channels_last(array)
    if array.ndim >= 3 and shape[-3] == 3 and shape[-1] > 3:
        in_colours["rgb_first"] = tr("colours, first axis"), _channels_first(array)
    shines = not bool((array < 0).any())  # a colour has no negative part
    if shines:
        found.update(in_colours)
    if array.ndim == 2:
        ways = {
            "rows": (tr("rows as pictures"), array),
            "columns": (tr("columns as pictures"), array.T),
        }
        known = [w for w in ways if ways[w][1].shape[1] in KNOWN]
        if len(known) == 2 and not shines:
            known.reverse()  # weights rather than pictures: a column for each unit
        for way in [*known, *(w for w in ways if w not in known)]:
            words, numbers = ways[way]
            if numbers.shape[1] % 3 == 0 and _square(numbers.shape[1] // 3) >= 8:
                found[f"{way}_rgb"] = (
                    tr("{way}, colours").format(way=words),
                    _flat(numbers, way == "columns", 3),
                )
            if _square(numbers.shape[1]) and numbers.shape[1] >= 9:
                found[way] = words, _flat(numbers, way == "columns", 1)
    if array.ndim == 1 and (_square(shape[0]) >= 3):
        found["one"] = tr("one square picture"), _one_square(array)
    if array.ndim >= 2:
        words = tr("one picture") if array.ndim == 2 else tr("last two axes")
        found["grey"] = words, _planes(array)
    return {**found, **in_colours}


def _planes(array: Array) -> Reading:
    height, width = array.shape[-2:]
    leading = array.shape[:-2]
    count = math.prod(leading)

    def at(number: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(number, leading)) if leading else ()

    return Reading(
        count, height, width, False,
        lambda i: np.asarray(array[at(i)]),
        lambda i, r, c, k: (*at(i), r, c),
    )  # fmt: skip


def _channels_first(array: Array) -> Reading:
    leading = array.shape[:-3]

    def at(number: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(number, leading)) if leading else ()

    return Reading(
        math.prod(leading), array.shape[-2], array.shape[-1], True,
        lambda i: np.moveaxis(array[at(i)], 0, -1),
        lambda i, r, c, k: (*at(i), k, r, c),
    )  # fmt: skip


def _channels_last(array: Array) -> Reading:
    leading = array.shape[:-3]

    def at(number: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(number, leading)) if leading else ()

    return Reading(
        math.prod(leading), array.shape[-3], array.shape[-2], True,
        lambda i: np.asarray(array[at(i)]),
        lambda i, r, c, k: (*at(i), r, c, k),
    )  # fmt: skip


def _flat(numbers: Array, turned: bool, channels: int) -> Reading:
    """Every row of a matrix as a square picture; of colours, one channel after the other."""
    side = _square(numbers.shape[1] // channels)

    def picture(i: int) -> Array:
        if channels == 1:
            return np.asarray(numbers[i].reshape(side, side))
        return np.moveaxis(numbers[i].reshape(channels, side, side), 0, -1)

    def place(i: int, r: int, c: int, k: int) -> tuple[int, ...]:
        at = (k if channels > 1 else 0) * side * side + r * side + c
        return (at, i) if turned else (i, at)

    return Reading(len(numbers), side, side, channels > 1, picture, place)


def _one_square(array: Array) -> Reading:
    side = _square(array.shape[0])
    return Reading(
        1,
        side,
        side,
        False,
        lambda i: array.reshape(side, side),
        lambda i, r, c, k: (r * side + c,),
    )


class _Wall(QAbstractScrollArea):
    """Paints the pictures that are seen; the wheel with Ctrl makes them larger or smaller."""

    def __init__(self, view: ImageView) -> None:
        super().__init__()
        self._view = view
        self.side = USUAL
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setMinimumHeight(48)
        self.setAccessibleName(tr("Pictures"))

    def box(self) -> QSize:
        """How large a picture is drawn: whole pixels an entry where there is room for them."""
        reading = self._view.reading
        if reading is None:
            return QSize(1, 1)
        most = self.viewport().width() - 2 * GAP
        if reading.count == 1:
            share = min(most / reading.width, (self.viewport().height() - 2 * GAP) / reading.height)
        else:
            share = min(self.side / max(reading.width, reading.height), most / reading.width)
        if share > 1:
            share = math.floor(share)
        return QSize(max(round(reading.width * share), 1), max(round(reading.height * share), 1))

    @property
    def caption(self) -> int:
        reading = self._view.reading
        several = reading is not None and reading.count > 1
        return CAPTION if several and self.box().width() >= CAPTION_FROM else 0

    def columns(self) -> int:
        return max(1, (self.viewport().width() - GAP) // (self.box().width() + GAP))

    def settle(self) -> None:
        """The scroll bar covers all the pictures."""
        reading, box = self._view.reading, self.box()
        rows = -(-reading.count // self.columns()) if reading else 0
        step = box.height() + GAP + self.caption
        bar = self.verticalScrollBar()
        bar.setRange(0, min(max(rows * step + GAP - self.viewport().height(), 0), 2**31 - 1))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(step)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.settle()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            factor = 2 ** (event.angleDelta().y() / 480)
            self.side = int(min(max(self.side * factor, SMALLEST), LARGEST))
            self.settle()
            event.accept()
            return
        super().wheelEvent(event)

    def rect_of(self, number: int) -> QRect:
        """Where a picture stands in the viewport."""
        box, columns = self.box(), self.columns()
        row, column = divmod(number, columns)
        step = box.height() + GAP + self.caption
        left = GAP + column * (box.width() + GAP)
        reading = self._view.reading
        if reading is not None and reading.count == 1:
            left = max(GAP, (self.viewport().width() - box.width()) // 2)
        return QRect(
            left, GAP + row * step - self.verticalScrollBar().value(), box.width(), box.height()
        )

    def seen(self) -> range:
        """The numbers of the pictures that are seen."""
        reading = self._view.reading
        if reading is None:
            return range(0)
        step = self.box().height() + GAP + self.caption
        top, columns = self.verticalScrollBar().value(), self.columns()
        first = max(0, (top - GAP) // step)
        last = (top + self.viewport().height()) // step + 1
        return range(min(first * columns, reading.count), min(last * columns, reading.count))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        tokens = theme.current()
        painter.fillRect(self.viewport().rect(), ground())
        painter.setFont(theme.number_font(10))
        for number in self.seen():
            rect = self.rect_of(number)
            painter.drawImage(rect, as_image(self._view.pixels(number)))
            painter.setPen(QPen(tokens.hairline, 1))
            painter.drawRect(rect.adjusted(-1, -1, 0, 0))
            if self.caption:
                painter.setPen(tokens.muted)
                below = QRect(rect.left(), rect.bottom() + 1, rect.width(), CAPTION)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(number))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._view.point(event.position())

    def leaveEvent(self, event: object) -> None:
        self._view.tell()


class ImageView(View):
    name = "pictures"
    title = "Pictures"

    def __init__(self) -> None:
        super().__init__()
        self.reading: Reading | None = None
        self.scale: Scale | None = None
        self._survey = Survey(None)
        self._reach: tuple[float, float] = (0.0, 1.0)
        self.controls.add_choice("layout", tr("read as"), quiet=True)
        self.controls.add_choice("colours", tr("colours"), quiet=True)
        self.controls.add_tick("each", tr("scale each"))
        self.controls.ticks["each"].setToolTip(
            tr("Every picture from its own least to its own largest number")
        )
        self.wall = _Wall(self)
        self.bar = ColourBar()
        self.column.addWidget(beside(self.wall, self.bar), 1)
        self.finish()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.ndim > 4 or array.size < 4 or not readings(array):
            return 0
        shape = array.shape
        if array.ndim == 4 or (array.ndim == 3 and min(shape[-2:]) >= 5 and shape[0] > 3):
            return 60 if min(shape[-2:]) > 1 else 8
        if array.ndim == 3 and next(iter(readings(array))).startswith("rgb"):
            return 60
        if array.ndim == 2 and any(n in KNOWN for n in shape):
            return 60
        return 8

    def display(self, shown: Shown) -> None:
        known = readings(shown.array)
        words = [(name, text) for name, (text, _) in known.items()]
        chosen = self.word("layout", words)
        self.controls.show_choice("layout", words, chosen)
        self.reading = known[chosen][1]
        self._survey = Survey.of(shown.array)
        self._reach = self._survey.reach or (0.0, 0.0)
        ways = [("grey", tr("grey")), ("signed", tr("around 0"))]
        usual = "signed" if self._reach[0] < 0 else "grey"
        way = self.word("colours", ways, usual)
        self.controls.show_choice("colours", ways if not self.reading.colours else ways[:1], way)
        each = bool(self.number("each"))
        self.controls.show_tick("each", each, self.reading.count > 1)
        self.scale = self._scale(self._reach)
        self.bar.show_scale(None if each or self.reading.colours else self.scale)
        self.wall.settle()
        self.tell()

    def _signed(self) -> bool:
        usual = "signed" if self._reach[0] < 0 else "grey"
        return self.word("colours", [("grey", ""), ("signed", "")], usual) == "signed"

    def _scale(self, reach: tuple[float, float]) -> Scale:
        assert self.shown is not None
        if self._signed():
            return Scale.diverging(*reach, self.shown.of)
        return Scale.grey(*reach)

    def pixels(self, number: int) -> Array:
        """A picture as rows × columns × 4 bytes."""
        assert self.reading is not None and self.scale is not None
        picture = self.reading.picture(number)
        each = self.number("each") and self.reading.count > 1
        reach = (Survey.of(picture).reach or (0.0, 0.0)) if each else self._reach
        if self.reading.colours:
            low, high = reach
            if not each and 0 <= low and high <= 1:
                low, high = 0.0, 1.0
            elif not each and 0 <= low and high <= 255:
                low, high = 0.0, 255.0
            rgba = np.full((*picture.shape[:2], 4), 255, np.uint8)
            levels = (picture.astype(np.float64) - low) / ((high - low) or 1.0) * 255
            rgba[..., :3] = np.clip(np.nan_to_num(levels), 0, 255).round()
            return rgba
        return (self._scale(reach) if each else self.scale)(picture)

    def entry_at(self, place: QPointF) -> tuple[int, tuple[int, ...]] | None:
        """The picture and the index of the entry at a place of the viewport."""
        reading = self.reading
        if reading is None or self.shown is None:
            return None
        for number in self.wall.seen():
            rect = self.wall.rect_of(number)
            if rect.contains(place.toPoint()):
                row = int((place.y() - rect.top()) / rect.height() * reading.height)
                column = int((place.x() - rect.left()) / rect.width() * reading.width)
                row, column = min(row, reading.height - 1), min(column, reading.width - 1)
                return number, reading.place(number, row, column, 0)
        return None

    def point(self, place: QPointF) -> None:
        found = self.entry_at(place)
        if found is None:
            self.tell()
            return
        self.tell_entry(found[1])
        if self.reading is not None and self.reading.count > 1:
            number = tr("picture {n}").format(n=found[0])
            self.foot.setText(f"{number}   {self.foot.text()}")

    def tell(self) -> None:
        if self.reading is None or self.shown is None:
            return
        size = f"{self.reading.height} × {self.reading.width}"
        count = self.reading.count
        told = tr("1 picture") if count == 1 else tr("{n} pictures").format(n=f"{count:,}")
        bad = self._survey.words
        self.foot.setText("   ".join(t for t in (f"{told} {tr('of')} {size}", bad) if t))

    def restyle(self) -> None:
        super().restyle()
        self.wall.viewport().update()

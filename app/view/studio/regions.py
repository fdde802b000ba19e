"""The panel "Regions": what the network, or a unit of it, makes of the plane of two features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.panel import StudioPanel
from app.view.studio.plane import Plane, paint_points
from app.view.viewers.scale import ColourBar, Scale, as_image
from engine.ops.row import Array
from engine.probes.regions import Points, Regions
from engine.probes.rowwise import Measure

PARTS = {"train": tr("train"), "validation": tr("held out")}
NARROW, WIDE = 240, 420
"""Wider than the one there is room for words about features, wider than the other about points."""
CONTROL = 100
"""The widest a list above the picture is, in pixels."""


def told(measures: tuple[Measure, ...]) -> str:
    """Loss and accuracy of both parts in a line; those of the second stand where the first names them."""
    parts: list[str] = []
    for measure in measures:
        numbers = []
        if measure.loss is not None:
            loss = theme.number_text(measure.loss, 3)
            numbers.append(loss if parts else tr("loss {loss}").format(loss=loss))
        if measure.accuracy is not None:
            share = f"{100 * measure.accuracy:.1f} %"
            numbers.append(share if parts else tr("{share} right").format(share=share))
        if not numbers:
            continue
        words = [PARTS[measure.part], ", ".join(numbers)]
        if measure.rows < measure.of:
            words.append(tr("of {n} rows").format(n=f"{measure.rows:,}"))
        parts.append(" ".join(words))
    return " · ".join(parts)


class _Picture(Plane):
    """The plane in the colours of what the network says, and the data on it."""

    def __init__(self) -> None:
        super().__init__(tr("Decision regions"))
        self.image: QImage | None = None
        self.points: Points | None = None
        self.colours: list[QColor] = []

    def show_picture(self, image: QImage, points: Points, colours: list[QColor]) -> None:
        self.image, self.points, self.colours = image, points, colours
        self.update()

    def paint(self, painter: QPainter, box: QRectF) -> None:
        if self.image is None or self.points is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # The outermost entries stand on the border, so the picture is half an entry larger.
        across = box.width() / max(self.image.width() - 1, 1) / 2
        down = box.height() / max(self.image.height() - 1, 1) / 2
        painter.drawImage(box.adjusted(-across, -down, across, down), self.image)
        marks = self.points
        radius = 3.2 if min(box.width(), box.height()) < 260 else 4.0
        paint_points(
            painter, self.pixels(marks.places.astype(np.float64)), self.colours, marks.held,
            marks.wrong, marks.at_work, radius,
        )  # fmt: skip


class _Units(QWidget):
    """Every unit of the layer as a small picture; `chosen` tells the one that is clicked."""

    chosen = Signal(int)
    SIDE, GAP = 34, 4

    def __init__(self) -> None:
        super().__init__()
        self.images: list[QImage] = []
        self.numbers: list[int] = []
        self.unit = -1
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Units of the layer"))

    def show_units(self, images: list[QImage], numbers: list[int], unit: int) -> None:
        self.images, self.numbers, self.unit = images, numbers, unit
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(5 * (self.SIDE + self.GAP), self.SIDE + 4)

    def _side(self) -> int:
        """As large as there is room for all of them, within limits."""
        side = self.SIDE
        most = min(2 * self.SIDE, self.height() - 4)
        while side + 2 <= most and self._room(side + 2) >= len(self.images):
            side += 2
        return side

    def _across(self, side: int) -> int:
        return max(1, (self.width() + self.GAP - 2) // (side + self.GAP))

    def _room(self, side: int) -> int:
        return self._across(side) * max(1, (self.height() + self.GAP - 2) // (side + self.GAP))

    def seen(self) -> list[int]:
        """Which of the pictures there is room for: evenly chosen ones of many."""
        room, count = self._room(self._side()), len(self.images)
        if count <= room:
            return list(range(count))
        return [round(place) for place in np.linspace(0, count - 1, room).tolist()]

    def rect_of(self, place: int) -> QRect:
        side = self._side()
        down, across = divmod(place, self._across(side))
        return QRect(across * (side + self.GAP) + 1, down * (side + self.GAP) + 2, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, i in enumerate(self.seen()):
            rect = self.rect_of(place)
            painter.drawImage(rect, self.images[i])
            chosen = self.numbers[i] == self.unit
            painter.setPen(QPen(tokens.accent if chosen else tokens.hairline, 2 if chosen else 1))
            painter.drawRect(rect)

    def _unit_at(self, at: QPoint) -> int:
        for place, i in enumerate(self.seen()):
            if self.rect_of(place).contains(at):
                return self.numbers[i]
        return -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        unit = self._unit_at(event.position().toPoint())
        if unit >= 0:
            self.chosen.emit(unit)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        unit = self._unit_at(event.position().toPoint())
        self.setToolTip(tr("Unit {n}").format(n=unit) if unit >= 0 else "")


class RegionsPanel(StudioPanel):
    name = "regions"
    probe = "regions"
    empty = (
        "What the network makes of every point of the plane stands here, with the data on it. It needs a "
        "network on data with two features or more."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Regions | None = None
        self._asked: dict[str, Any] = {}
        self._at: tuple[float, float] | None = None
        self.discrete, self.shows_held = False, True
        self._listed: tuple[str, ...] = ()
        self.controls.add_choice("node", tr("what is looked at"), CONTROL, quiet=True)
        self.controls.add_index("unit", tr("unit"))
        self.controls.add_choice("first", tr("across"), CONTROL, quiet=True)
        self.controls.add_choice("second", tr("up"), CONTROL, quiet=True)
        self.controls.add_tick("discrete", tr("discretize"))
        self.controls.add_tick("held", tr("held out"))
        self.controls.changed.connect(self._turn)
        self.plane = _Picture()
        self.plane.pointed.connect(self._point)
        self.bar = ColourBar()
        self.bar.hide()
        self.plane.even = True
        picture = QHBoxLayout()
        picture.setSpacing(8)
        picture.addWidget(self.plane, 1)
        picture.addWidget(self.bar)
        self.units = _Units()
        self.units.chosen.connect(self._choose_unit)
        self.foot = inks.foot()
        self._beside = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._beside.addLayout(picture, 3)
        self._beside.addWidget(self.units)
        self.column.addLayout(self._beside, 1)
        self.column.addWidget(self.foot)
        self.controls.hide()
        self.restyle()

    def options(self) -> dict[str, Any]:
        return dict(self._asked)

    def forget(self) -> None:
        self.shown, self._asked = None, {}
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.ui_font(11))
        if self.shown is not None:
            self._show()

    def _turn(self, name: str, value: Any) -> None:
        if name in ("discrete", "held"):
            if name == "discrete":
                self.discrete = bool(value)
            else:
                self.shows_held = bool(value)
            self._show()
            return
        if name == "node":
            decides = not value or (self.shown is not None and value in self.shown.rivals)
            self._asked["node"], self._asked["unit"] = value, -1 if decides else 0
        else:
            self._asked[name] = int(value)
            if name in ("first", "second") and self.shown is not None:
                other = "second" if name == "first" else "first"
                axes = dict(zip(("first", "second"), self.shown.axes, strict=True))
                self._asked.setdefault(other, axes[other])
        self.ask_again()

    def _choose_unit(self, unit: int) -> None:
        if self.shown is not None:
            self._asked["node"], self._asked["unit"] = self.shown.node, unit
            self.ask_again()

    # ------------------------------------------------------------ showing

    def take(self, result: Regions, step: int) -> None:
        self.shown = result
        self._show()

    def _show(self) -> None:
        shown = self.shown
        if shown is None:
            return
        self._show_controls(shown)
        self.plane.show_extent(
            shown.extent,
            (shown.features[shown.axes[0]], shown.features[shown.axes[1]]),
        )
        scale, marks = self._scale(shown), self._seen(shown.points)
        image = as_image(self._rgba(shown, scale)[::-1])
        self.plane.show_picture(image, marks, self._dots(shown, marks, scale))
        self.bar.show_scale(scale if shown.kind == "number" else None)
        several = len(shown.unit_numbers) > 1
        if several:
            reach = np.nan_to_num(np.abs(shown.units).max(axis=(1, 2)), posinf=1.0) * 1.0
            images = [
                as_image(inks.signed(-r, r)(unit[::-1].astype(np.float64)))
                for unit, r in zip(shown.units, reach.tolist(), strict=True)
            ]
            self.units.show_units(images, shown.unit_numbers.tolist(), shown.unit)
        self._arrange()
        self._point(self._at)

    def _show_controls(self, shown: Regions) -> None:
        nodes = [("", tr("decision") if shown.class_names else tr("prediction"))]
        first, *hidden = shown.nodes
        listed = [first, *hidden] if shown.class_names else hidden
        nodes += [(path, name) for path, name, _ in listed]
        chosen = shown.node if self._asked.get("node") else ""
        self.controls.show_choice("node", nodes, chosen)
        size = next((n for path, _, n in shown.nodes if path == shown.node), 1)
        self.controls.show_index("unit", tr("unit"), size if shown.unit >= 0 else 1, shown.unit)
        listed_before, self._listed = self._listed, shown.features if shown.others else ()
        features = [(str(i), pretty_name(name)) for i, name in enumerate(self._listed)]
        for name, axis in zip(("first", "second"), shown.axes, strict=True):
            if self._listed == listed_before and features:  # there may be hundreds
                self.controls.choices[name].setCurrentIndex(axis)
            else:
                self.controls.show_choice(name, features, str(axis))
        self.controls.show_tick(
            "discrete", self.discrete, shown.kind != "number" or not shown.others
        )
        held = bool(shown.points.held.any())
        self.controls.show_tick("held", self.shows_held, held)
        self.controls.settle()

    def _seen(self, points: Points) -> Points:
        """The rows that are drawn: without those held out where they are not to be seen."""
        if self.shows_held:
            return points
        parts = {name: array for name, array in vars(points).items() if len(array)}
        return replace(points, **{name: array[~points.held] for name, array in parts.items()})

    def _scale(self, shown: Regions) -> Scale:
        if shown.kind != "number":
            return inks.signed(-1.0, 1.0, inks.SHADE)
        finite = shown.picture[np.isfinite(shown.picture)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return inks.signed(low, high, inks.SHADE)

    def _rgba(self, shown: Regions, scale: Scale) -> Array:
        numbers = shown.picture.astype(np.float64)
        if shown.kind == "classes":
            sure = np.where(np.isfinite(numbers), 1.0, np.nan) if self.discrete else numbers
            return inks.shaded(shown.winner, sure, len(shown.class_names))
        if self.discrete:
            numbers = np.sign(numbers) * max(abs(scale.start), abs(scale.end))
        return scale(numbers)

    def _dots(self, shown: Regions, marks: Points, scale: Scale) -> list[QColor]:
        if shown.class_names:
            colours = inks.class_colours(len(shown.class_names))
            none = theme.current().muted
            return [colours[c] if c >= 0 else none for c in marks.classes.tolist()]
        if not marks.numbers.size:
            return [theme.current().muted] * len(marks.rows)
        strong = inks.signed(scale.low, scale.high)(marks.numbers)
        return [QColor(*map(int, rgba)) for rgba in strong]

    # ------------------------------------------------------------ telling

    def _tell(self) -> None:
        assert self.shown is not None
        shown, parts = self.shown, [told(self.shown.measures)]
        if shown.others and self.width() > NARROW:
            words = tr("1 other feature at its mean") if shown.others == 1 else tr(
                "{n} other features at their mean"
            ).format(n=f"{shown.others:,}")  # fmt: skip
            parts.append(words)
        if self.width() > WIDE:
            parts.append(tr("rings: held out") if shown.points.held.any() else "")
            parts.append(tr("×: wrong") if shown.points.wrong.any() else "")
        self.foot.setText(" · ".join(p for p in parts if p))

    def _point(self, place: tuple[float, float] | None) -> None:
        self._at = place
        shown = self.shown
        if shown is None:
            return
        if place is None:
            self._tell()
            return
        marks = self._seen(shown.points)
        near = self.plane.nearest(marks.places.astype(np.float64), place)
        self.foot.setText(self._row(shown, marks, near) if near >= 0 else self._here(shown, place))

    def _here(self, shown: Regions, place: tuple[float, float]) -> str:
        """What the network says at a place."""
        side = len(shown.picture)
        left, right, bottom, top = shown.extent
        column = round((place[0] - left) / (right - left) * (side - 1))
        row = round((place[1] - bottom) / (top - bottom) * (side - 1))
        column, row = min(max(column, 0), side - 1), min(max(row, 0), side - 1)
        number = float(shown.picture[row, column])
        where = ", ".join(
            f"{pretty_name(shown.features[axis])} {theme.number_text(at, 3)}"
            for axis, at in zip(shown.axes, place, strict=True)
        )
        if shown.kind == "number":
            return f"{where}: {theme.number_text(number)}"
        winner = int(shown.winner[row, column])
        share = (1 + abs(number)) / 2
        if shown.kind == "classes":
            least = 1 / len(shown.class_names)
            share = least + number * (1 - least)
        name = shown.class_names[winner]
        return f"{where}: {name}, {100 * share:.0f} %"

    def _row(self, shown: Regions, marks: Points, near: int) -> str:
        """What is known of a row of the data."""
        words = [tr("row {row}").format(row=int(marks.rows[near]))]
        if shown.class_names and marks.classes[near] >= 0:
            words.append(shown.class_names[int(marks.classes[near])])
        elif marks.numbers.size:
            words.append(theme.number_text(float(marks.numbers[near])))
        if marks.held[near]:
            words.append(tr("held out"))
        if marks.at_work[near]:
            words.append(tr("in this batch"))
        if marks.wrong[near]:
            words.append(tr("wrong"))
        return " · ".join(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.shown is not None:
            self._arrange()

    def _arrange(self) -> None:
        """The units stand beside a wide plane, below another one where that keeps enough room."""
        assert self.shown is not None
        several = len(self.shown.unit_numbers) > 1
        wide = several and self.width() > WIDE
        direction = QBoxLayout.Direction
        self._beside.setDirection(direction.LeftToRight if wide else direction.TopToBottom)
        self._beside.setStretchFactor(self.units, 2 if wide else 0)
        self.units.setMaximumHeight(16_777_215 if wide else self.units.sizeHint().height())
        foot = self.foot.heightForWidth(max(self.foot.width(), 150))
        room = self.height() - self.controls.minimumHeight() - foot - self.units.sizeHint().height()
        self.units.setVisible(several and (wide or room > 130))

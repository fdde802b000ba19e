"""The panel "Latent plane": a layer's values as points, rows as pictures, and the decoder's pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QLabel

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.panel import StudioPanel
from app.view.studio.plane import Plane, paint_points
from app.view.studio.regions import CONTROL
from app.view.viewers.scale import Scale
from engine.ops.row import Array
from engine.probes.latent import Latent

SHOWN = 26
"""A picture of the sheet has so many pixels across and down, or a little more."""
LISTED = 200
"""So many units are offered by number."""


class _Scatter(Plane):
    """Rows as points, and the place that is decoded."""

    def __init__(self) -> None:
        super().__init__(tr("Latent plane"))
        self.latent: Latent | None = None
        self.at: tuple[float, float] | None = None
        self.sheet: QImage | None = None

    def paint(self, painter: QPainter, box: QRectF) -> None:
        told, tokens = self.latent, theme.current()
        if told is None:
            return
        if self.sheet is not None:
            painter.setOpacity(0.7)
            self._paint_sheet(painter, box, self.sheet)
            painter.setOpacity(1.0)
        painter.setPen(QPen(tokens.hairline, 1))
        x, y = self.pixels(np.zeros((1, 2)))[0].tolist()
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        colours = inks.class_colours(len(told.class_names)) or [tokens.accent]
        inked: list[QColor] = [
            colours[c] if c >= 0 else tokens.muted for c in told.classes.tolist()
        ]
        if not told.class_names:
            inked = [tokens.accent] * len(told.rows)
        none = np.zeros(len(told.rows), np.bool_)
        radius = 2.4 if len(told.rows) > 200 else 3.2
        paint_points(painter, self.pixels(told.places), inked, told.held, none, none, radius)
        if self.at is not None:
            x, y = self.pixels(np.array([self.at]))[0].tolist()
            painter.setPen(QPen(tokens.text, 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), 7, 7)
            for dx, dy in ((11, 0), (-11, 0), (0, 11), (0, -11)):
                painter.drawLine(QPointF(x + dx * 0.6, y + dy * 0.6), QPointF(x + dx, y + dy))

    def _paint_sheet(self, painter: QPainter, box: QRectF, sheet: QImage) -> None:
        """Every picture in the middle of its part of the plane."""
        assert self.latent is not None
        rows, columns = self.latent.sheet.shape[:2]
        wide, high = box.width() / columns, box.height() / rows
        size = QSizeF(sheet.width() / columns, sheet.height() / rows)
        drawn = size.scaled(wide - 1, high - 1, Qt.AspectRatioMode.KeepAspectRatio)
        for place in range(rows * columns):
            down, across = divmod(place, columns)
            middle = QPointF(box.left() + (across + 0.5) * wide, box.top() + (down + 0.5) * high)
            corner = middle - QPointF(drawn.width() / 2, drawn.height() / 2)
            source = QPointF(across * size.width(), down * size.height())
            painter.drawImage(QRectF(corner, drawn), sheet, QRectF(source, size))


class LatentPanel(StudioPanel):
    name = "latent"
    probe = "latent"
    empty = (
        "The narrowest layer stands here as a plane, a point for each row of the data. It needs a network "
        "with a hidden layer on data."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Latent | None = None
        self._asked: dict[str, Any] = {}
        self._at: tuple[float, float] | None = None
        self.sheet = False
        self.controls.add_choice("node", tr("layer"), CONTROL, quiet=True)
        self.controls.add_choice("first", tr("across"), CONTROL, quiet=True)
        self.controls.add_choice("second", tr("up"), CONTROL, quiet=True)
        self.controls.add_tick("sheet", tr("pictures"))
        self.controls.ticks["sheet"].setToolTip(
            tr("What the output is at points of the plane, spread evenly")
        )
        self.controls.changed.connect(self._turn)
        self.plane = _Scatter()
        self.plane.pointed.connect(self._point)
        self.plane.dragged.connect(self._drag)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.legend.setFont(theme.ui_font(11))
        self.foot = inks.foot()
        self.column.addWidget(self.plane, 1)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.foot)
        self.controls.hide()
        self.restyle()

    def options(self) -> dict[str, Any]:
        options = dict(self._asked)
        if "at" in options and self.shown is not None:
            options["extent"] = self.shown.extent  # the plane stands still while a point is dragged
        if self.sheet:
            box = self.plane.box
            counts = (max(2, min(20, int(n / SHOWN))) for n in (box.width(), box.height()))
            options["sheet"] = tuple(counts)
        return options

    def forget(self) -> None:
        self.shown = self.plane.latent = self.plane.at = self.plane.card = None
        self._asked = {}
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.ui_font(11))
        self.legend.setFont(theme.ui_font(11))
        if self.shown is not None:
            self.take(self.shown, 0)

    def _turn(self, name: str, value: Any) -> None:
        self._asked.pop("at", None)
        self.plane.at = self.plane.card = None
        if name == "sheet":
            self.sheet = bool(value)
        elif name == "node":
            self._asked = {"node": value}
        else:
            number = int(value)
            self._asked[name] = number
            other = "second" if name == "first" else "first"
            if number < 0:
                self._asked[other] = -1
            elif int(self._asked.get(other, -1)) < 0:
                self._asked[other] = 0 if number else 1
        self.ask_again()

    # ------------------------------------------------------------ showing

    def take(self, result: Latent, step: int) -> None:
        self.shown = self.plane.latent = result
        self._show_controls(result)
        self.plane.show_extent(result.extent, self._names(result))
        self.plane.sheet = self._sheet(result)
        colours = inks.class_colours(len(result.class_names))
        self.legend.setText(inks.legend(result.class_names[:20], colours))
        self.legend.setVisible(bool(result.class_names))
        self._show_card(result)
        self._point(self._at)

    def _show_controls(self, result: Latent) -> None:
        self.controls.show_choice("node", [(p, n) for p, n, _ in result.nodes], result.node)
        units = [(str(i), tr("unit {n}").format(n=i)) for i in range(min(result.size, LISTED))]
        across = [("-1", tr("principal")), *units] if result.size > 2 else []
        self.controls.show_choice("first", across, str(result.axes[0]))
        self.controls.show_choice(
            "second", units if across and result.axes[0] >= 0 else [], str(result.axes[1])
        )
        self.controls.show_tick("sheet", self.sheet, result.decodes)
        self.controls.settle()

    def _sheet(self, result: Latent) -> QImage | None:
        """All pictures of the sheet as one."""
        if not result.sheet.size:
            return None
        down, across, height, width = result.sheet.shape[:4]
        rest = result.sheet.shape[4:]
        joined = np.swapaxes(result.sheet, 1, 2).reshape(down * height, across * width, *rest)
        low, high = _levels(joined)
        return inks.picture(joined, Scale.grey(low, high), low, high)

    def _names(self, result: Latent) -> tuple[str, str]:
        name = pretty_name(result.name)
        if result.size == 1:
            return name, tr("row number")
        if result.axes[0] < 0:
            first, second = (f"{100 * share:.0f} %" for share in result.shares)
            words = tr("direction {n} ({share})")
            return words.format(n=1, share=first), words.format(n=2, share=second)
        return f"{name}[{result.axes[0]}]", f"{name}[{result.axes[1]}]"

    def _show_card(self, result: Latent) -> None:
        self.plane.card = None
        if not result.said:
            return
        if result.said == "point":
            words = result.output
        else:
            words = tr("row {row}").format(row=int(self._asked.get("of_row", 0)))
        shown = result.shown.astype(np.float64)
        if not result.shown_is_picture:
            self.plane.card = None, shown, words
            return
        low, high = _levels(shown)
        image = inks.picture(shown, Scale.grey(low, high), low, high)
        self.plane.card = image, None, words

    def _tell(self) -> None:
        shown = self.shown
        assert shown is not None
        words = [tr("{n} rows of {name}").format(n=f"{len(shown.rows):,}", name=shown.name)]
        if shown.output:
            words.append(tr("drag to decode"))
        self.foot.setText(" · ".join(words))

    # ------------------------------------------------------------ the pointer

    def _point(self, place: tuple[float, float] | None) -> None:
        self._at = place
        shown = self.shown
        if shown is None or "at" in self._asked:
            if place is None and self._asked.pop("at", None) is not None:
                self.plane.at = self.plane.card = None
                self.plane.update()
                self.ask_again()
            return
        near = -1 if place is None else self.plane.nearest(shown.places, place)
        if near < 0:
            if self._asked.pop("of_row", None) is not None:
                self.plane.card = None
                self.plane.update()
            self._tell()
            return
        number = int(shown.rows[near])
        words = [tr("row {row}").format(row=number)]
        if shown.class_names and shown.classes[near] >= 0:
            words.append(shown.class_names[int(shown.classes[near])])
        if shown.held[near]:
            words.append(tr("held out"))
        x, y = (theme.number_text(float(v), 3) for v in shown.places[near])
        words.append(f"({x}, {y})")
        self.foot.setText(" · ".join(words))
        if self._asked.get("of_row") != number:
            self._asked["of_row"] = number
            self.ask_again()

    def _drag(self, place: tuple[float, float]) -> None:
        if self.shown is None or not self.shown.output:
            return
        self._asked.pop("of_row", None)
        self._asked["at"] = self._at = place
        self.plane.at = place
        self.plane.update()
        x, y = (theme.number_text(v, 3) for v in place)
        self.foot.setText(tr("{output} of ({x}, {y})").format(output=self.shown.output, x=x, y=y))
        self.ask_again()


def _levels(numbers: Array) -> tuple[float, float]:
    """From black to white: 0 to 1 where the numbers are in there, else from the least to the largest."""
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (0.0, 1.0) if -1e-9 <= low and high <= 1 else (low, high)

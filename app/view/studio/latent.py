"""The panel "Latent plane": a layer's values as points, rows as pictures, and the decoder's pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QLabel

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.panel import StudioPanel
from app.view.studio.plane import Plane, paint_points
from app.view.studio.regions import CONTROL
from app.view.viewers.scale import Scale
from engine.probes.latent import Latent

LISTED = 200
"""So many units are offered by number."""


class _Scatter(Plane):
    """Rows as points, and the place that is decoded."""

    def __init__(self) -> None:
        super().__init__(tr("Latent plane"))
        self.latent: Latent | None = None
        self.at: tuple[float, float] | None = None

    def paint(self, painter: QPainter, box: QRectF) -> None:
        told, tokens = self.latent, theme.current()
        if told is None:
            return
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
        self._extent: tuple[float, float, float, float] | None = None
        self.controls.add_choice("node", tr("layer"), CONTROL, quiet=True)
        self.controls.add_choice("first", tr("across"), CONTROL, quiet=True)
        self.controls.add_choice("second", tr("up"), CONTROL, quiet=True)
        self.controls.changed.connect(self._turn)
        self.plane = _Scatter()
        self.plane.pointed.connect(self._point)
        self.plane.dragged.connect(self._drag)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.legend.setFont(theme.number_font(11))
        self.foot = inks.foot()
        self.column.addWidget(self.plane, 1)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.foot)
        self.controls.hide()
        self.restyle()

    def options(self) -> dict[str, Any]:
        return dict(self._asked)

    def forget(self) -> None:
        self.shown = self.plane.latent = self.plane.at = self.plane.card = None
        self._asked = {}
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.number_font(11))
        self.legend.setFont(theme.number_font(11))
        if self.shown is not None:
            self.take(self.shown, 0)

    def _turn(self, name: str, value: Any) -> None:
        self._asked.pop("at", None)
        self.plane.at = self.plane.card = None
        if name == "node":
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
        self.plane.show_extent(self._reach(result), self._names(result))
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
        self.controls.settle()

    def _names(self, result: Latent) -> tuple[str, str]:
        name = pretty_name(result.name)
        if result.size == 1:
            return name, tr("row number")
        if result.axes[0] < 0:
            first, second = (f"{100 * share:.0f} %" for share in result.shares)
            words = tr("direction {n} ({share})")
            return words.format(n=1, share=first), words.format(n=2, share=second)
        return f"{name}[{result.axes[0]}]", f"{name}[{result.axes[1]}]"

    def _reach(self, result: Latent) -> tuple[float, float, float, float]:
        """A little more than the points; the same as before while a point is dragged."""
        if "at" in self._asked and self._extent is not None:
            return self._extent
        ends = []
        for column in result.places.T:
            good = column[np.isfinite(column)]
            low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
            margin = 0.06 * (high - low) or 0.5
            ends += [low - margin, high + margin]
        self._extent = ends[0], ends[1], ends[2], ends[3]
        return self._extent

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
        finite = shown[np.isfinite(shown)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if -1e-9 <= low and high <= 1:
            low, high = 0.0, 1.0
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

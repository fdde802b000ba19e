"""The panel "Fit": the curve of the network over one feature, the data, and what it should be."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.panel import StudioPanel
from app.view.studio.plane import Plane, paint_line, paint_points
from app.view.studio.regions import CONTROL, told
from engine.probes.fit import Fit


class _Curves(Plane):
    """Curves over the data; where the error is largest a line joins what is and what should be."""

    def __init__(self) -> None:
        super().__init__(tr("Fit"))
        self.fit: Fit | None = None
        self.at: float | None = None

    def paint(self, painter: QPainter, box: QRectF) -> None:
        told_fit, tokens = self.fit, theme.current()
        if told_fit is None:
            return
        zero = self.pixels(np.array([[0.0, 0.0]]))[0, 1]
        painter.setPen(QPen(tokens.hairline, 1))
        painter.drawLine(QPointF(box.left(), zero), QPointF(box.right(), zero))
        colours = inks.class_colours(max(len(told_fit.curves), 3))
        if told_fit.targets.size:
            places = np.stack([told_fit.places, told_fit.targets], axis=1)
            none = np.zeros(len(places), np.bool_)
            muted = [theme.blend(tokens.muted, tokens.panel, 0.15)] * len(places)
            paint_points(
                painter, self.pixels(places), muted, told_fit.held, none, told_fit.at_work, 2.6
            )
        if told_fit.truth.size:
            pen = QPen(tokens.text, 1.2, Qt.PenStyle.DashLine)
            paint_line(painter, self._line(told_fit.truth), pen)
        for curve, colour in zip(told_fit.curves, colours, strict=False):
            paint_line(painter, self._line(curve), QPen(colour, 2))
        self._paint_worst(painter, told_fit)
        if self.at is not None:
            x = self.pixels(np.array([[self.at, 0.0]]))[0, 0]
            painter.setPen(QPen(tokens.muted, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))

    def _line(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert self.fit is not None
        good = np.isfinite(numbers)
        pixels = self.pixels(np.stack([self.fit.across, np.where(good, numbers, 0)], axis=1))
        pixels[~good] = np.nan
        return pixels

    def _paint_worst(self, painter: QPainter, told_fit: Fit) -> None:
        x = told_fit.worst_at
        if x is None or not len(told_fit.curves):
            return
        is_there = float(np.interp(x, told_fit.across, told_fit.curves[0]))
        if told_fit.truth.size:
            wanted = float(np.interp(x, told_fit.across, told_fit.truth))
        else:
            near = np.flatnonzero(told_fit.places == x)
            away = np.abs(told_fit.targets[near] - is_there)
            wanted = float(told_fit.targets[near[int(np.argmax(away))]])
        ends = self.pixels(np.array([[x, is_there], [x, wanted]]))
        if np.isfinite(ends).all():
            painter.setPen(QPen(theme.current().error, 2))
            painter.drawLine(QPointF(*ends[0].tolist()), QPointF(*ends[1].tolist()))


class FitPanel(StudioPanel):
    name = "curve"
    probe = "fit"
    empty = (
        "The curve of a network over a feature stands here, with the data and the largest error. It needs "
        "a network on data."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Fit | None = None
        self._asked: dict[str, Any] = {}
        self._at: tuple[float, float] | None = None
        self.controls.add_choice("node", tr("what is looked at"), CONTROL, quiet=True)
        self.controls.add_choice("feature", tr("feature"), CONTROL, quiet=True)
        self.controls.changed.connect(self._turn)
        self.plane = _Curves()
        self.plane.pointed.connect(self._point)
        self.error = inks.foot()
        self.foot = inks.foot()
        self.column.addWidget(self.plane, 1)
        self.column.addWidget(self.error)
        self.column.addWidget(self.foot)
        self.controls.hide()
        self.restyle()

    def options(self) -> dict[str, Any]:
        return dict(self._asked)

    def forget(self) -> None:
        self.shown = self.plane.fit = None
        self._asked = {}
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.ui_font(11))
        self.error.setFont(theme.ui_font(11, 600))
        if self.shown is not None:
            self.take(self.shown, 0)

    def _turn(self, name: str, value: Any) -> None:
        self._asked[name] = int(value) if name == "feature" else value
        self.ask_again()

    def take(self, result: Fit, step: int) -> None:
        self.shown = self.plane.fit = result
        nodes = [(path, name) for path, name, _ in result.nodes]
        self.controls.show_choice("node", nodes, result.node)
        features = [(str(i), pretty_name(n)) for i, n in enumerate(result.features)]
        self.controls.show_choice("feature", features, str(result.feature))
        self.controls.settle()
        name = next((n for path, n, _ in result.nodes if path == result.node), "")
        self.plane.show_extent(self._extent(result), (result.features[result.feature], name))
        self._point(self._at)

    def _extent(self, result: Fit) -> tuple[float, float, float, float]:
        parts = [result.curves.reshape(-1), result.truth, result.targets]
        every = np.concatenate(parts)
        every = every[np.isfinite(every)]
        low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
        if result.targets.size:  # a curve that runs away leaves the data to be seen
            span = float(np.ptp(result.targets)) or 1.0
            low = max(low, float(result.targets.min()) - 2 * span)
            high = min(high, float(result.targets.max()) + 2 * span)
        margin = 0.06 * (high - low) or 0.5
        ends = result.across
        return float(ends[0]), float(ends[-1]), low - margin, high + margin

    def _tell(self) -> None:
        shown = self.shown
        assert shown is not None
        self.error.setVisible(shown.largest is not None)
        if shown.largest is not None:
            words = (
                tr("max |h − g| = {most}") if shown.against_truth else tr("largest error {most}")
            )
            text = words.format(most=theme.number_text(shown.largest))
            if shown.worst_at is not None:
                at = tr("at {name} = {x}").format(
                    name=pretty_name(shown.features[shown.feature]),
                    x=theme.number_text(shown.worst_at, 3),
                )
                text += f" {at}"
            mean = tr("mean {mean}").format(mean=theme.number_text(shown.mean or 0.0, 3))
            self.error.setText(f"{text} · {mean}")
        parts = [told(shown.measures)]
        if shown.others:
            parts.append(tr("other features at their mean: {n}").format(n=f"{shown.others:,}"))
        self.foot.setText(" · ".join(p for p in parts if p))

    def _point(self, place: tuple[float, float] | None) -> None:
        self._at = place
        shown = self.shown
        if shown is None:
            return
        self.plane.at = place[0] if place is not None else None
        self.plane.update()
        self._tell()
        if place is None:
            return
        number = theme.number_text
        words = [f"{pretty_name(shown.features[shown.feature])} {number(place[0])}"]
        values = [float(np.interp(place[0], shown.across, curve)) for curve in shown.curves[:4]]
        words.append(f"{self.plane.labels[1]} {', '.join(number(v) for v in values)}")
        if shown.truth.size:
            wanted = float(np.interp(place[0], shown.across, shown.truth))
            words.append(tr("wanted {g}").format(g=number(wanted)))
            words.append(tr("error {e}").format(e=number(values[0] - wanted)))
        elif shown.targets.size:
            places = np.stack([shown.places, shown.targets], axis=1)
            near = self.plane.nearest(places, place)
            if near >= 0:
                words.append(tr("row {row}").format(row=int(shown.rows[near])))
                words.append(f"{shown.target_name} {number(float(shown.targets[near]))}")
        self.foot.setText(" · ".join(words))

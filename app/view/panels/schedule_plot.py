"""How the learning rate of a stage will move, as a line over its steps."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.text import sentence, tr
from app.view import theme
from engine.graph import Stage
from engine.ops.row import Array
from engine.train import schedules

HEIGHT = 52
MOST = 400
"""Points of the line."""


class SchedulePlot(QWidget):
    """The rate at each step of the stage, with its largest and its last number; nothing for a constant
    one. A formula that cannot be computed is told in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: Array = np.zeros(0)
        self.fault = self.note = ""
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName(tr("Learning rate over the steps of this stage"))

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT)

    def show_stage(self, stage: Stage, per_epoch: int) -> None:
        """`per_epoch` is how many steps an epoch has, 0 where that is not known yet."""
        self.rates, self.fault, self.note = np.zeros(0), "", schedules.note(stage)
        if not per_epoch:
            self.note = tr("how many steps an epoch has is known once its data were read")
        elif stage.schedule != "constant":
            steps = max(stage.epochs * per_epoch, 2)
            try:
                self.rates = schedules.preview(stage, steps, per_epoch, MOST)
            except ValueError as error:
                self.fault = str(error)
        self.setVisible(stage.schedule != "constant")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.number_font(10))
        room = QRectF(self.rect()).adjusted(0, 4, -1, -4)
        told, shown = self.fault or self.note, self.rates
        if told or not len(shown):
            painter.setPen(tokens.error if self.fault else tokens.muted)
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, flags, sentence(told) if told else "")
            return
        high = float(np.nanmax(shown)) or 1.0
        labels = 64
        line = QRectF(room.left(), room.top(), room.width() - labels, room.height())
        points = QPolygonF(
            [
                QPointF(
                    line.left() + line.width() * i / max(len(shown) - 1, 1),
                    line.bottom() - line.height() * max(float(v), 0.0) / high,
                )
                for i, v in enumerate(shown)
                if np.isfinite(v)
            ]
        )
        painter.setPen(QPen(tokens.hairline, 1))
        painter.drawLine(line.bottomLeft(), line.bottomRight())
        painter.setPen(QPen(tokens.accent, 1.6))
        painter.drawPolyline(points)
        painter.setPen(tokens.muted)
        right = QRectF(line.right() + 6, room.top() - 2, labels - 6, room.height() + 4)
        painter.drawText(right, Qt.AlignmentFlag.AlignTop, theme.number_text(high))
        end = theme.number_text(float(shown[-1]))
        below = line.bottom() - line.height() * max(float(shown[-1]), 0.0) / high
        if below - line.top() > painter.fontMetrics().height():  # beside the line's end
            right.setBottom(min(below + 4, room.bottom() + 2))
            painter.drawText(right, Qt.AlignmentFlag.AlignBottom, end)

"""Named verdicts over a picture: the names as buttons, one sentence, and its nodes marked on the canvas."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.text import tr
from app.view import theme
from engine.train.trouble import Verdict

MOST = 3
"""Names that stand beside each other at most; the others are in the tip of their count."""
PADDING, ROOM_FOR_MORE = 18, 24


class Sign(QWidget):
    """A triangle with a mark where something is wrong, a ring with a tick where nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self.is_well = True
        self.setFixedSize(QSize(16, 16))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.is_well:
            painter.setPen(_pen(tokens.value))
            painter.drawEllipse(QRectF(1.5, 1.5, 13, 13))
            painter.drawPolyline(QPolygonF([_at(4.8, 8.2), _at(7.2, 10.6), _at(11.2, 5.6)]))
            return
        painter.setPen(_pen(tokens.warning))
        painter.drawPolygon(QPolygonF([_at(8, 1.8), _at(14.6, 13.8), _at(1.4, 13.8)]))
        painter.drawLine(_at(8, 6), _at(8, 9.6))
        painter.drawPoint(_at(8, 11.7))


def _at(x: float, y: float) -> QPointF:
    return QPointF(x, y)


def _pen(colour: QColor) -> QPen:
    return QPen(
        colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    )


def title(verdict: Verdict) -> str:
    """A verdict's name, behind the loss of the network that it is of."""
    return f"{verdict.of}: {tr(verdict.name)}" if verdict.of else tr(verdict.name)


def _key(verdict: Verdict) -> tuple[str, str]:
    return verdict.of, verdict.name


class VerdictBox(QWidget):
    """`chosen` tells a verdict that a person clicked; `shown` is the one whose sentence stands there."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: tuple[Verdict, ...] = ()
        self._told = self._chosen = ("", "")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.sign = Sign()
        row.addWidget(self.sign)
        self.group = QButtonGroup(self)
        self.group.setExclusive(True)
        self.buttons = []
        for number in range(MOST):
            button = QPushButton()
            button.setCheckable(True)
            button.setProperty("flat", "true")
            button.setProperty("quiet", "true")
            button.setFixedHeight(22)
            self.group.addButton(button, number)
            self.buttons.append(button)
            row.addWidget(button)
        self.more = QLabel()
        self.more.setProperty("role", "muted")
        row.addWidget(self.more)
        row.addStretch(1)
        self.group.idClicked.connect(self._clicked)
        column.addLayout(row)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.sentence)
        self.restyle()

    @property
    def shown(self) -> Verdict | None:
        return next((v for v in self.verdicts if _key(v) == self._told), None)

    def restyle(self) -> None:
        for button in self.buttons:
            button.setFont(theme.ui_font(11, 600))
        self.sentence.setFont(theme.ui_font(11))
        self.more.setFont(theme.ui_font(11))
        self.sign.update()

    def show_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """What is said of a moment, the most telling first; the one a person chose stays shown."""
        self.verdicts = tuple(verdicts)
        known = [_key(verdict) for verdict in verdicts] or [("", "")]
        self._told = self._chosen if self._chosen in known else known[0]
        self._fit()
        self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As many names as there is room for; the one whose sentence stands there in any case."""
        count = self._name_buttons()
        place = next((i for i, v in enumerate(self.verdicts) if _key(v) == self._told), 0)
        if place >= count > 0:
            told = list(self.verdicts)
            self.verdicts = (told.pop(place), *told)
            count = self._name_buttons()
        left = self.verdicts[count:]
        self.more.setText(f"+{len(left)}" if left else "")
        self.more.setToolTip("\n".join(f"{title(v)}: {v.sentence}" for v in left))

    def _name_buttons(self) -> int:
        """Names the buttons and shows those that there is room for; how many they are."""
        room = self.width() - self.sign.width() - ROOM_FOR_MORE
        count = 0
        for number, button in enumerate(self.buttons):
            verdict = self.verdicts[number] if number < len(self.verdicts) else None
            if verdict is not None:
                button.setText(title(verdict))
                button.setToolTip(verdict.sentence)
                button.setChecked(_key(verdict) == self._told)
            metrics = QFontMetrics(button.font())
            room -= metrics.horizontalAdvance(button.text()) + PADDING
            fits = verdict is not None and (number == 0 or room >= 0)
            button.setVisible(fits)
            count += fits
            if not fits:
                room = -1
        return count

    def _clicked(self, number: int) -> None:
        if number < len(self.verdicts):
            self._told = self._chosen = _key(self.verdicts[number])
            self._say()
            self.chosen.emit(self.verdicts[number])

    def _say(self) -> None:
        shown = self.shown
        self.sign.is_well = shown is None or shown.is_well
        self.sign.update()
        self.sentence.setText(shown.sentence if shown else "")
        self.sentence.setToolTip(shown.sentence if shown else "")

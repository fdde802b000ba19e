"""What a step of a lesson asks for: a deed with its tick, a number to type, choices to take one of."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view import theme
from app.view.canvas.note_text import Laid, lay_out
from app.view.lessons.prose import ROUND, SIZE, Prose, spaced
from app.view.mathematics import MathLabel

CIRCLE = 18
_PAD = 12
BESIDE, WIDEST = 110, 320
"""Up to this width what is asked stands beside the line for the answer; it is never wider than that."""


def draw_tick(painter: QPainter, box: QRectF, done: bool) -> None:
    """A ring while something is to be done, a tick on a disc when it is."""
    tokens = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(tokens.value if done else tokens.border, 1.6))
    painter.setBrush(tokens.value if done else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box.adjusted(1, 1, -1, -1))
    if done:
        pen = QPen(tokens.panel, 2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        w, at = box.width(), box.topLeft()
        points = [(0.29, 0.53), (0.44, 0.68), (0.72, 0.36)]
        painter.drawPolyline([at + QPointF(x * w, y * w) for x, y in points])


class _Tick(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.done = False
        self.setFixedSize(CIRCLE, CIRCLE)

    def paintEvent(self, event: QPaintEvent) -> None:
        draw_tick(QPainter(self), QRectF(self.rect()), self.done)


class Deed(QWidget):
    """What is to do in a sentence, and whether it is done."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self.tick, self.prose = _Tick(), Prose(weight=600)
        row.addWidget(self.tick, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.prose, 1)

    def show_deed(self, said: str, done: bool, size: int) -> None:
        self.prose.set_size(size)
        self.prose.set_text(said)
        self.tick.done = done
        self.tick.setAccessibleName(tr("Done") if done else tr("To do"))
        self.tick.update()


class Answer(QWidget):
    """A line for a number, behind what it is the number of. `given` carries what was typed."""

    given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(10)
        self.asked = MathLabel(18)
        self.asked.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("a number"))
        self.line.setMinimumWidth(80)
        self.line.returnPressed.connect(self._given)
        self.line.textChanged.connect(self._typed)
        self.button = QPushButton(tr("Check"))
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._given)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self._row.addWidget(self.asked)
        self._row.addLayout(row, 1)
        column.addLayout(self._row)
        self.refused = QLabel()
        self.refused.setProperty("role", "warning")
        self.refused.setWordWrap(True)
        column.addWidget(self.refused)

    def _given(self) -> None:
        if self.line.text().strip():
            self.given.emit(self.line.text())

    def _typed(self) -> None:
        self.button.setEnabled(bool(self.line.text().strip()))
        self.refused.hide()

    def show_question(self, latex: str, text: str, answered: str, size: int) -> None:
        """`answered` is the number when the question is over, else empty."""
        is_open = not answered
        if answered:
            self.line.setText(answered)
        self.asked.set_formula(latex, text)
        wide = self.asked.sizeHint().width()
        self.asked.setFixedWidth(min(wide, WIDEST))
        way = QBoxLayout.Direction
        self._row.setDirection(way.TopToBottom if wide > BESIDE else way.LeftToRight)
        self.line.setFont(theme.number_font(size))
        self.line.setAccessibleName(text)
        self.line.setReadOnly(not is_open)
        self.button.setVisible(is_open)
        self.button.setEnabled(bool(self.line.text().strip()))

    def refuse(self, sentence: str) -> None:
        self.refused.setText(sentence)
        self.refused.setVisible(bool(sentence))


class Choice(QAbstractButton):
    """One of the choices: a text with formulas, and what became of it."""

    def __init__(self, text: str, number: int, size: int = SIZE) -> None:
        super().__init__()
        self.prose, self.number, self._size = text, number, size
        self.verdict = ""  # "right", "wrong" or still open
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        room = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        room.setHeightForWidth(True)
        self.setSizePolicy(room)

    def _laid(self, width: int) -> Laid:
        room = max(width - 3 * _PAD - CIRCLE, 40)
        return lay_out(spaced(self.prose), room, theme.current().text, self._size)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(round(self._laid(width).height), CIRCLE) + 2 * 10

    def sizeHint(self) -> QSize:
        return QSize(260, self.heightForWidth(max(self.width(), 260)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rim = {"right": tokens.value, "wrong": tokens.warning}.get(self.verdict, tokens.border)
        if self.hasFocus() and not self.verdict:
            rim = tokens.accent
        ground = tokens.control
        if self.verdict:
            ground = theme.blend(tokens.panel, rim, 0.10)
        elif self.isEnabled() and self.underMouse():
            ground = tokens.press
        if not self.isEnabled() and not self.verdict:
            painter.setOpacity(0.5)
        painter.setPen(QPen(rim, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), ROUND, ROUND)
        laid = self._laid(self.width())
        middle = QRectF(_PAD, (self.height() - CIRCLE) / 2, CIRCLE, CIRCLE)
        if self.verdict == "wrong":
            painter.setPen(QPen(rim, 2))
            inner = middle.adjusted(5, 5, -5, -5)
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())
        else:
            draw_tick(painter, middle, self.verdict == "right")
        top = (self.height() - laid.height) / 2
        laid.draw(painter, QPointF(2 * _PAD + CIRCLE, top), tokens.text, 1e9)

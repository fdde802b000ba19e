"""The transport: to the start, back, play, on, to the end, the scrubber, loop and the speed."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from app import actions
from app.session import Session
from app.stops import Breakpoints
from app.text import tr
from app.view import icons, theme
from app.view.calm import CalmList

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 32.0)
NARROW, ROOMY = 300, 520
"""The least width, and the one from which loop and speed stand there."""
STEP_MS = 900
"""How long a micro-step is shown while playing at speed 1."""

_BUTTONS = (
    ("step.start", "start"), ("step.back", "back"), ("step.play", "play"),
    ("step.forward", "forward"), ("step.end", "end"),
)  # fmt: skip


class Scrubber(QWidget):
    """Where the pass is: forward steps green, backward steps vermillion; marks at breakpoints. Drag
    to seek."""

    sought = Signal(int)

    def __init__(self, session: Session, breakpoints: Breakpoints) -> None:
        super().__init__()
        self.session, self._breakpoints = session, breakpoints
        self.setAccessibleName(tr("Micro-steps"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(48)

    def sizeHint(self) -> QSize:
        return QSize(520, 40)

    def _groove(self) -> QRectF:
        return QRectF(8, self.height() / 2 + 4, self.width() - 16, 4)

    def _x(self, cursor: float) -> float:
        groove = self._groove()
        return groove.left() + groove.width() * cursor / max(len(self.session.steps), 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        groove, steps = self._groove(), len(self.session.steps)
        forward, cursor = self.session.forward_end, self.session.cursor
        gap = 2.0 if 0 < forward < steps else 0.0
        parts = ((0, forward, tokens.value, tr("forward"), 0.0, gap),
                 (forward, steps, tokens.gradient, tr("backward"), gap, 0.0))  # fmt: skip
        painter.setFont(theme.ui_font(10))
        free = groove.left()
        for first, last, colour, label, left_gap, right_gap in parts:
            if first == last:
                continue
            left, right = self._x(first) + left_gap, self._x(last) - right_gap
            self._bar(painter, left, right, tokens.hairline)
            if cursor > first:
                self._bar(painter, left, min(self._x(cursor), right), colour)
            painter.setPen(tokens.muted)
            wide = painter.fontMetrics().horizontalAdvance(label)
            x = max(free, min(left, groove.right() - wide))
            free = x + wide + 8
            if free <= self.width() + 8:
                painter.drawText(QPointF(x, groove.top() - 8), label)
        if not steps:
            self._bar(painter, groove.left(), groove.right(), tokens.hairline)
            return
        painter.setPen(QPen(tokens.text, 1.5))
        bottom = groove.bottom() + 3
        for x in {round(self._x(number)) for number in self._breakpoints.steps}:
            painter.drawLine(QPointF(x, bottom), QPointF(x, bottom + 4))
        on_forward = cursor <= forward
        painter.setPen(tokens.panel)
        painter.setBrush(tokens.value if on_forward else tokens.gradient)
        painter.drawEllipse(QPointF(self._x(cursor), groove.center().y()), 7, 7)

    def _bar(self, painter: QPainter, left: float, right: float, colour: QColor) -> None:
        groove = self._groove()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        box = QRectF(left, groove.top(), max(right - left, 0), groove.height())
        painter.drawRoundedRect(box, 2, 2)

    def _seek(self, event: QMouseEvent) -> None:
        groove = self._groove()
        share = (event.position().x() - groove.left()) / max(groove.width(), 1)
        self.sought.emit(round(share * len(self.session.steps)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        self.sought.emit(self.session.cursor + (1 if turn < 0 else -1))


class Transport(QFrame):
    """The bar under the canvas. It plays by itself; everything else goes through the actions."""

    asked = Signal(str)
    playing_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.breakpoints = Breakpoints(session)
        self.loops = False
        self.setProperty("role", "bar")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        self.buttons: dict[str, QToolButton] = {}
        for action_id, _ in _BUTTONS:
            row.addWidget(self._button(action_id))
        self.buttons["step.play"].setProperty("primary", True)
        row.addSpacing(16)
        self.scrubber = Scrubber(session, self.breakpoints)
        self.scrubber.sought.connect(self._sought)
        row.addWidget(self.scrubber, 1)
        self.speed = CalmList()
        self.speed.addItems([f"{s:g}×" for s in SPEEDS])
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.setToolTip(tr("How fast a pass is played"))
        self.speed.setAccessibleName(tr("Speed"))
        self.speed.currentIndexChanged.connect(self._set_interval)
        row.addSpacing(8)
        self.loop = self._button("step.loop")
        self.loop.setCheckable(True)
        row.addWidget(self.loop)
        row.addWidget(self.speed)
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._tick)
        self._set_interval()
        session.cursor_moved.join(self.refresh)
        session.evaluated.join(self.refresh)
        session.document_changed.join(self.scrubber.update)
        self.restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """With little room the line of the pass comes first; the actions of the menu are there still."""
        super().resizeEvent(event)
        for part in (self.loop, self.speed):
            part.setVisible(self.width() >= ROOMY)

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROW, self.sizeHint().height())

    def _button(self, action_id: str) -> QToolButton:
        button = self.buttons[action_id] = QToolButton()
        button.setObjectName(action_id)
        button.setFixedSize(36, 32)
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(tr(actions.BY_ID[action_id].title))
        button.clicked.connect(self._pressed)
        return button

    @property
    def playing(self) -> bool:
        return self.timer.isActive()

    def play(self, on: bool) -> None:
        """Starts or pauses; starting at the end begins again at the start."""
        if on and not self.session.steps:
            return
        if on and self.session.cursor >= len(self.session.steps):
            self.session.seek(0)
        if on != self.playing:
            self.timer.start() if on else self.timer.stop()
            self.restyle()
            self.playing_changed.emit(on)

    def _tick(self) -> None:
        session, last = self.session, len(self.session.steps)
        stop = self.breakpoints.after(session.cursor)
        session.seek(0 if session.cursor >= last else session.cursor + 1)
        if session.cursor == stop or (session.cursor >= last and not (self.loops and last)):
            self.play(False)

    def set_loops(self, on: bool) -> None:
        """Whether playing begins again at the start."""
        self.loops = on
        self.restyle()

    def _set_interval(self) -> None:
        self.timer.setInterval(round(STEP_MS / SPEEDS[self.speed.currentIndex()]))

    def _pressed(self) -> None:
        self.asked.emit(self.sender().objectName())

    def _sought(self, cursor: int) -> None:
        self.play(False)
        self.session.seek(cursor)

    def refresh(self) -> None:
        steps, cursor = len(self.session.steps), self.session.cursor
        for action_id in ("step.start", "step.back"):
            self.buttons[action_id].setEnabled(cursor > 0)
        for action_id in ("step.forward", "step.end"):
            self.buttons[action_id].setEnabled(cursor < steps)
        self.buttons["step.play"].setEnabled(steps > 0)
        self.loop.setEnabled(steps > 0)
        self.loop.setChecked(self.loops)
        self.scrubber.update()

    def restyle(self) -> None:
        tokens = theme.current()
        for action_id, picture in _BUTTONS:
            colour = tokens.on_accent if action_id == "step.play" else tokens.text
            name = "pause" if action_id == "step.play" and self.playing else picture
            self.buttons[action_id].setIcon(icons.icon(name, colour))
        self.loop.setIcon(icons.icon("loop", tokens.accent if self.loops else tokens.text))
        self.refresh()

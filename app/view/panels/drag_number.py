"""A number that is dragged to the side, turned by the wheel, stepped by arrows, or typed over."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from app.text import tr
from app.view import theme
from app.view.panels.controls import Field

PIXELS = 6.0
"""So far a drag goes for one step."""
_ARROWS = {
    Qt.Key.Key_Up: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Left: -1,
}  # fmt: skip
_FINE = Qt.KeyboardModifier.ShiftModifier


class _Editor(Field):
    """Enter that ends the typing does not begin it again."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        event.accept()


class DragNumber(QWidget):
    """Shows a number and says what is done to it: `began`, `dragged` by so many steps (finer with
    Shift), `ended`, `given_up` (Esc); `stepped` by the wheel or a key; `typed` with the text."""

    began = Signal()
    dragged = Signal(float, bool)
    ended = Signal()
    given_up = Signal()
    stepped = Signal(float, bool)
    typed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.text, self._exact = "", ""
        self._pressed: QPointF | None = None
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(tr("Drag to the side, turn the wheel, or click and type; Shift is finer"))
        self.editor = _Editor()
        self.editor.setParent(self)
        self.editor.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.editor.hide()
        self.editor.committed.connect(self._committed)
        self.editor.editingFinished.connect(self.editor.hide)

    def sizeHint(self) -> QSize:
        return QSize(130, 28)

    def minimumSizeHint(self) -> QSize:
        return QSize(84, 28)

    def show_number(self, value: float) -> None:
        self.text, self._exact = theme.number_text(value), repr(value)
        self.setAccessibleDescription(self.text)
        self.update()

    @property
    def dragging(self) -> bool:
        return self._dragging

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        by = event.position().x() - self._pressed.x()
        if not self._dragging:
            if abs(by) < QApplication.startDragDistance() / 2:
                return
            self._dragging = True
            self.began.emit()
        self._pressed = event.position()
        self.dragged.emit(by / PIXELS, bool(event.modifiers() & _FINE))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if self._dragging:
            self._dragging = False
            self.ended.emit()
            self.update()
        elif pressed is not None:
            self.edit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta()
        self.stepped.emit((angle.y() or angle.x()) / 120, bool(event.modifiers() & _FINE))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            taken = event.key() in _ARROWS or (self._dragging and event.key() == Qt.Key.Key_Escape)
            if taken and not event.modifiers() & ~_FINE:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._dragging:
            self._dragging, self._pressed = False, None
            self.given_up.emit()
            self.update()
        elif key in _ARROWS:
            self.stepped.emit(_ARROWS[key], bool(event.modifiers() & _FINE))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.edit()
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------ typing

    def edit(self) -> None:
        """Opens the field over the number, all of it selected."""
        self.editor.setGeometry(self.rect())
        self.editor.show_text(self._exact)
        self.editor.show()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self.editor.selectAll()

    def _committed(self, text: str) -> None:
        self.editor.hide()
        self.typed.emit(text)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        lit = self._dragging or self.hasFocus()
        painter.setPen(QPen(tokens.accent if lit else tokens.hairline, 1))
        painter.setBrush(tokens.canvas if tokens.is_dark else tokens.background)
        painter.drawRoundedRect(box, 6, 6)
        painter.setFont(theme.number_font(12))
        if not self.isEnabled():
            painter.setPen(tokens.muted)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "–")
            return
        painter.setPen(tokens.muted)
        side = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box.adjusted(8, -1, -8, -1), side | Qt.AlignmentFlag.AlignLeft, "‹")
        painter.drawText(box.adjusted(8, -1, -8, -1), side | Qt.AlignmentFlag.AlignRight, "›")
        painter.setPen(tokens.accent if self._dragging else tokens.text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text)

"""What floats over the canvas: the one editor, the notice at the pointer, the hint when empty, the zoom."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.text import sentence, tr
from app.view.theme import Theme, number_font, ui_font
from app.view.typing_keys import keeps

NOTICE_MS = 6000
ZOOM_MS, ZOOM_EDGE = 1000, 16
Offer = tuple[str, Callable[[], object]]
"""What can be done about what a notice says: what it is called, and doing it."""


class Editor(QLineEdit):
    """One line over a node. `commit(text)` returns whether the text was taken; Esc gives up."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._commit: Callable[[str], bool] | None = None
        self.hide()
        self.returnPressed.connect(self._take)

    def begin(self, place: QRect, text: str, title: str, commit: Callable[[str], bool]) -> None:
        self._commit = commit
        self.setAccessibleName(title)
        self.setFont(number_font(max(11, min(place.height() * 0.5, 22))))
        self.setText(text)
        self.setGeometry(place)
        self.show()
        self.raise_()
        self.selectAll()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def is_open(self) -> bool:
        return self._commit is not None

    def _take(self) -> None:
        if self._commit is not None and self._commit(self.text()):
            self.close_editor()

    def close_editor(self) -> None:
        """Hides the line and gives the keyboard back."""
        if self._commit is None:
            return
        self._commit = None
        parent = self.parentWidget()
        # Hidden first, it would hand on the keyboard itself.
        if self.hasFocus() and parent is not None:
            parent.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_editor()
        else:
            super().keyPressEvent(event)
        # A key that the line does not use must not act on the canvas under it.
        event.accept()

    def event(self, event: QEvent) -> bool:
        # Keys typed here are text, whatever the window's shortcuts say.
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and keeps(event):
            event.accept()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() == Qt.FocusReason.PopupFocusReason:
            return  # its own menu is up
        if self._commit is not None:
            self._take()
            self.close_editor()


class Notice(QLabel):
    """One sentence near the pointer; it goes by itself, or at the next press.

    With an offer, a press on it takes the offer.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self._offer: Offer | None = None
        self._link = ""
        self._fresh = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        self.setFont(ui_font(12))
        self._link = theme.accent.name()
        self.setStyleSheet(
            f"background: {theme.panel.name()}; color: {theme.error.name()};"
            f"border: 1px solid {theme.error.name()}; border-radius: 6px; padding: 8px 12px;"
        )

    def say(self, told: str, at: QPoint, offer: Offer | None = None) -> None:
        words, self._offer = f"⚠ {sentence(told)}", offer
        self.setText(words)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, offer is None)
        if offer is not None:
            words = f"{words}  {offer[0]}"
            self.setTextFormat(Qt.TextFormat.RichText)
            self.setText(
                f"{escape(self.text())} &nbsp;<u style='color:{self._link}'>{escape(offer[0])}</u>"
            )
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        parent = self.parentWidget()
        assert parent is not None
        width = min(380, max(120, parent.width() - 24))
        self.setFixedWidth(min(width, self.fontMetrics().horizontalAdvance(words) + 30))
        self.adjustSize()
        x = max(12, min(at.x() + 14, parent.width() - self.width() - 12))
        y = max(12, min(at.y() + 18, parent.height() - self.height() - 12))
        self.move(x, y)
        self.show()
        self.raise_()
        self._timer.start(NOTICE_MS)
        self._fresh = True
        QTimer.singleShot(0, self, self._read)

    def pressed_elsewhere(self) -> None:
        """A press: what was read goes, what this press itself gave cause to say stays."""
        if not self._fresh:
            self.hide()

    def _read(self) -> None:
        self._fresh = False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        offer, self._offer = self._offer, None
        self.hide()
        if offer is not None:
            offer[1]()


class Hint(QLabel):
    """What an empty canvas says."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            tr(
                "Drag an operator in, or find one: press Tab, double-click, or type a sign or Shift and a"
                " letter. A formula goes in the line above."
            ),
            parent,
        )
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        parent.installEventFilter(self)

    def set_theme(self, theme: Theme) -> None:
        self.setFont(ui_font(13))
        self.setStyleSheet(f"color: {theme.muted.name()}; background: transparent;")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect().adjusted(24, 0, -24, 0))
        return False


class ZoomNote(QLabel):
    """The zoom in the corner at the lower left while it changes, and a second longer. It comes and goes
    without motion, so there is none to reduce."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("Zoom"))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ZOOM_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()
        parent.installEventFilter(self)

    def set_theme(self, theme: Theme) -> None:
        self.setFont(number_font(11))
        self.setStyleSheet(
            f"background: {theme.panel.name()}; color: {theme.muted.name()};"
            f"border: 1px solid {theme.border.name()}; border-radius: 6px; padding: 3px 8px;"
        )

    def show_zoom(self, zoom: float) -> None:
        """1 is 100 %."""
        self.setText(f"{100 * zoom:.{0 if zoom >= 0.0995 else 1}f} %")
        self._place()
        self.show()
        self._timer.start()

    def _place(self) -> None:
        parent = self.parentWidget()
        assert parent is not None
        self.adjustSize()
        self.move(ZOOM_EDGE, parent.height() - self.height() - ZOOM_EDGE)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._place()
        return False

"""One line at the top of the canvas that says which mode it is in and how to leave it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.view.theme import Theme, ui_font

TOP = 12


class Banner(QLabel):
    """Hidden while nobody has anything to say; of several, who spoke last is shown. `told` carries
    what it says."""

    told = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._said: dict[str, str] = {}
        self.hide()
        parent.installEventFilter(self)

    def set_theme(self, theme: Theme) -> None:
        self.setFont(ui_font(12))
        self.setStyleSheet(
            f"background: {theme.panel.name()}; color: {theme.text.name()};"
            f"border: 1px solid {theme.border.name()}; border-radius: 12px; padding: 6px 14px;"
        )
        self._place()

    def tell(self, mode: str, text: str) -> None:
        """What a mode has to say; nothing when it is over."""
        if self._said.get(mode, "") == text:
            return
        self._said.pop(mode, None)
        if text:
            self._said[mode] = text
        text = next(reversed(self._said.values()), "")
        if text != self.text():
            self.setText(text)
            self._place()
            self.told.emit(text)
        self.setVisible(bool(text))

    def _place(self) -> None:
        parent = self.parentWidget()
        assert parent is not None
        self.adjustSize()
        self.setFixedWidth(min(self.sizeHint().width(), max(120, parent.width() - 24)))
        self.move((parent.width() - self.width()) // 2, TOP)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._place()
        return False

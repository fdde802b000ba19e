"""The line around the canvas that says the keyboard is there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtWidgets import QFrame, QWidget

from app.view.theme import Theme

THICK = 2
_BY_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class Ring(QObject):
    """Four thin strips along the edges: one frame over everything would be in the way of panning.

    Shown only when keys brought the focus here; who points with a mouse knows where they are.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.strips = [QFrame(parent) for _ in range(4)]
        for strip in self.strips:
            strip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        parent.installEventFilter(self)

    def set_theme(self, theme: Theme) -> None:
        for strip in self.strips:
            strip.setStyleSheet(f"background: {theme.accent.name()}; border: none;")

    @property
    def is_shown(self) -> bool:
        return self.strips[0].isVisible()

    def came(self, reason: Qt.FocusReason) -> None:
        """The keyboard is here now."""
        for strip in self.strips:
            strip.setVisible(reason in _BY_KEYS)

    def hide(self) -> None:
        for strip in self.strips:
            strip.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._parent:
            width, height = self._parent.width(), self._parent.height()
            places = (
                QRect(0, 0, width, THICK), QRect(0, height - THICK, width, THICK),
                QRect(0, 0, THICK, height), QRect(width - THICK, 0, THICK, height),
            )  # fmt: skip
            for strip, place in zip(self.strips, places, strict=True):
                strip.setGeometry(place)
        return False

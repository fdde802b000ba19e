"""The chip on the canvas that says that one looks at the past, with what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton

from app.text import tr
from app.view import theme
from app.view.canvas import Canvas

TOP, UNDER_BANNER = 12, 50


class PastChip(QFrame):
    """Hidden at the present. `back`, `take` and `fork` are its buttons."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.setObjectName("past")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 6, 4)
        row.setSpacing(6)
        self.words = QLabel()
        row.addWidget(self.words)
        self.back, self.take, self.fork = QToolButton(), QToolButton(), QToolButton()
        for button, title, tip in (
            (self.back, tr("Back to now"), tr("Shows the document as it is again")),
            (self.take, tr("Take"), tr("Gives the document the parameters of this moment")),
            (self.fork, tr("Fork"), tr("Trains on from this moment in a run of its own")),
        ):
            button.setText(title)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            row.addWidget(button)
        self.setAccessibleName(tr("Looking at the past"))
        self.hide()
        canvas.installEventFilter(self)
        canvas.banner.told.connect(self.place)
        self.restyle()

    def restyle(self) -> None:
        tokens = theme.current()
        ground = theme.blend(tokens.panel, tokens.warning, 0.16)
        self.words.setFont(theme.ui_font(12, 600))
        self.setStyleSheet(
            f"#past {{ background: {ground.name()}; border: 1px solid {tokens.warning.name()};"
            f" border-radius: 12px; }} #past QLabel {{ background: transparent;"
            f" color: {tokens.text.name()}; }} #past QToolButton {{ color: {tokens.text.name()};"
            f" background: transparent; border: 1px solid transparent; border-radius: 8px;"
            f" padding: 3px 8px; }} #past QToolButton:hover, #past QToolButton:focus {{"
            f" border-color: {tokens.border.name()}; background: {tokens.panel.name()}; }}"
        )
        self.place()

    def say(self, text: str) -> None:
        """What is looked at; nothing at the present."""
        self.words.setText(f"◷  {text}" if text else "")
        self.setVisible(bool(text))
        self.place()

    def place(self, *_: object) -> None:
        if not self.words.text():
            return
        self.adjustSize()
        top = UNDER_BANNER if self._canvas.banner.isVisible() else TOP
        self.move(max((self._canvas.width() - self.width()) // 2, 0), top)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and watched is self._canvas:
            self.place()
        return False

"""The viewer of a single number: large, in full precision, to be copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QToolButton

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, View
from app.view.viewers.numbers import entry_text
from engine.ops.row import Array

_SIZES = ((21, 20), (15, 28), (12, 1000))
"""Fonts for numbers up to so many letters."""


class NumberView(View):
    name = "number"
    title = "Number"

    def __init__(self) -> None:
        super().__init__()
        self.figure = QLabel()
        self.figure.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figure.setMinimumWidth(40)
        self.short = QLabel()
        self.short.setProperty("role", "muted")
        self.short.setFont(theme.number_font(12))
        self.short.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QToolButton()
        self.button.setText(tr("Copy"))
        self.button.setToolTip(tr("Copies the number in full precision"))
        self.button.clicked.connect(self.copy)
        self.column.addStretch(2)
        self.column.addWidget(self.figure)
        self.column.addWidget(self.short)
        self.column.addSpacing(4)
        self.column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.column.addStretch(3)
        self.foot.hide()

    @classmethod
    def fit(cls, array: Array) -> float:
        return 100 if array.size == 1 else 0

    def display(self, shown: Shown) -> None:
        number = shown.array.reshape(-1)[0]
        text = entry_text(number).replace("-", "−")
        size = next(size for size, letters in _SIZES if len(text) <= letters)
        self.figure.setFont(theme.number_font(size, 600))
        self.figure.setText(text)
        tokens = theme.current()
        colour = tokens.value if shown.of == "value" else tokens.gradient
        self.figure.setStyleSheet(f"color: {colour.name()};")
        short = theme.number_text(float(number))
        self.short.setText(f"≈ {short}" if short != text else str(shown.array.dtype))

    def copy(self) -> None:
        if self.shown is not None:
            QGuiApplication.clipboard().setText(entry_text(self.shown.array.reshape(-1)[0]))

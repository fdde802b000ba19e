"""A quiet table of numbers: a name a row, right-aligned columns, full precision on hover and copy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from app.view import theme

ROW_HEIGHT = 24
MANY = 5
"""With so many columns numbers have a digit less; hovering shows all."""


class Figures(QTableWidget):
    """`fill` shows names with their numbers; None leaves a cell empty. Ctrl+C copies all as a table."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setShowGrid(False)
        self.setProperty("role", "figures")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(30)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        self.restyle()
        self.values: list[tuple[str, tuple[float | None, ...]]] = []
        self.titles: tuple[str, ...] = ()

    def restyle(self) -> None:
        self.horizontalHeader().setFont(theme.ui_font(10))

    def fill(
        self, titles: Sequence[str], values: Sequence[tuple[str, Sequence[float | None]]]
    ) -> None:
        """`titles` are those of all columns, that of the names first."""
        kept = [(name, tuple(numbers)) for name, numbers in values]
        shape = (len(kept), len(titles))
        if (self.rowCount(), self.columnCount()) != shape or self.titles != tuple(titles):
            self.titles = tuple(titles)
            self.setRowCount(shape[0])
            self.setColumnCount(shape[1])
            self.setHorizontalHeaderLabels(list(titles))
            header = self.horizontalHeader()
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            for column in range(shape[1]):
                item = self.horizontalHeaderItem(column)
                if item is not None:
                    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
                    item.setTextAlignment(right if column else left)
        self.values = kept
        digits = 4 if shape[1] < MANY else 3
        for row, (name, numbers) in enumerate(kept):
            self._put(row, 0, name, "")
            for column, number in enumerate(numbers, 1):
                shown = "" if number is None else _text(number, digits)
                self._put(row, column, shown, "" if number is None else theme.exact_text(number))

    def _put(self, row: int, column: int, text: str, tip: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.setItem(row, column, item)
        item.setFont(theme.number_font(11) if column else theme.ui_font(11))
        item.setText(text)
        item.setToolTip(tip or text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            lines = ["\t".join(self.titles)]
            for name, numbers in self.values:
                told = ["" if n is None else theme.exact_text(n) for n in numbers]
                lines.append("\t".join([name, *told]))
            QGuiApplication.clipboard().setText("\n".join(lines))
        else:
            super().keyPressEvent(event)


def _text(number: float, digits: int) -> str:
    return "–" if math.isnan(number) else theme.number_text(number, digits)

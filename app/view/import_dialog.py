"""Before data are imported: what the file holds, what would go wrong, and the settings to read it with."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.text import sentence, tr
from app.view import theme
from app.view.panels.data_form import DataForm, changed
from app.view.panels.data_picture import DataPicture
from engine.data import preview
from engine.graph import Source

ROWS = 4_000
"""Rows that are looked at: every setting that is changed reads them anew."""


class ImportDialog(QDialog):
    """A file of data as it would be read; `source` is how. Import is possible once nothing is wrong."""

    def __init__(self, parent: QWidget, source: Source) -> None:
        super().__init__(parent)
        self.source = source
        self.setWindowTitle(tr("Import {name}").format(name=Path(source.path).name))
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        self.summary = QLabel()
        self.summary.setFont(theme.ui_font(13, 600))
        self.summary.setWordWrap(True)
        self.picture = DataPicture()
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setProperty("role", "muted")
        self.fault = QLabel()
        self.fault.setWordWrap(True)
        self.fault.setProperty("role", "error")
        self.form = DataForm()
        self.form.changed.connect(self._change)
        self.form.refused.connect(self._refuse)
        room = QScrollArea()
        room.setWidgetResizable(True)
        room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        below = QVBoxLayout(inner)
        below.setContentsMargins(0, 0, 8, 0)
        below.addWidget(self.form)
        below.addStretch(1)
        room.setWidget(inner)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        self.buttons.button(kinds.Ok).setText(tr("Import"))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        for widget in (self.summary, self.picture, self.notes, self.fault):
            column.addWidget(widget)
        column.addWidget(room, 1)
        column.addWidget(self.buttons)
        self.resize(460, 640)
        self._show()

    def _show(self) -> None:
        found = preview(self.source, rows=ROWS)
        name = Path(self.source.path).name
        self.summary.setText(name if found.problem else f"{name}: {found.summary()}")
        self.picture.show_preview(found)
        self.notes.setText("\n".join(map(sentence, found.notes)))
        self.notes.setVisible(bool(found.notes))
        self.fault.setText(f"⚠ {sentence(found.problem)}" if found.problem else "")
        self.fault.setVisible(bool(found.problem))
        self.form.show_source(self.source, found)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not found.problem)

    def _change(self, name: str, value: object) -> None:
        self.source = changed(self.source, name, value)
        self._show()

    def _refuse(self, text: str) -> None:
        self.fault.setText(f"⚠ {sentence(text)}")
        self.fault.show()

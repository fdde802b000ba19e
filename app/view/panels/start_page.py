"""The start page: new, open, recent documents, what a crash left, and the gallery."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import lesson_home
from app.recovery import Offer
from app.text import tr
from app.view import icons, settings, theme
from app.view.panels.gallery import Gallery
from engine import lessons


class StartPage(QScrollArea):
    """Shown without a document. Signals say what the person chose."""

    new_asked = Signal()
    open_asked = Signal()
    file_chosen = Signal(object)
    example_chosen = Signal(str)
    lesson_chosen = Signal(str)
    offer_chosen = Signal(object)
    offer_dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        page = QWidget()
        outer = QHBoxLayout(page)
        outer.setContentsMargins(48, 48, 48, 32)
        outer.setSpacing(56)
        outer.addStretch(1)
        outer.addLayout(self._build_left())
        self.gallery = Gallery()
        self.gallery.setMaximumWidth(1200)
        self.gallery.example_chosen.connect(self.example_chosen)
        self.gallery.lesson_chosen.connect(self.lesson_chosen)
        outer.addWidget(self.gallery, 20)
        outer.addStretch(1)
        self.setWidget(page)
        self._offers: list[Offer] = []
        self.restyle()

    def _build_left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(10)
        self.title = QLabel("Gradloom")
        self.tagline = QLabel(
            tr("Wire a computation graph, step it forward and backward, and train it.")
        )
        self.tagline.setWordWrap(True)
        self.tagline.setProperty("role", "muted")
        column.addWidget(self.title)
        column.addWidget(self.tagline)
        column.addSpacing(16)
        self.new = QPushButton(tr("New document"))
        self.new.setProperty("primary", True)
        self.new.clicked.connect(self.new_asked)
        self.open = QPushButton(tr("Open…"))
        self.open.clicked.connect(self.open_asked)
        self.first = QPushButton(tr("New here? Take the first lesson"))
        self.first.clicked.connect(self._take_first)
        for button in (self.new, self.open, self.first):
            button.setMinimumHeight(36)
            column.addWidget(button)
        column.addSpacing(24)
        self.offers_box = QWidget()
        self._offers_column = QVBoxLayout(self.offers_box)
        self._offers_column.setContentsMargins(0, 0, 0, 24)
        column.addWidget(self.offers_box)
        self.heading_recent = QLabel(tr("Recent"))
        column.addWidget(self.heading_recent)
        self.recent = QListWidget()
        self.recent.setAccessibleName(tr("Recent documents"))
        self.recent.setFrameShape(QFrame.Shape.NoFrame)
        self.recent.setFixedWidth(280)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.itemActivated.connect(self._activated)
        column.addWidget(self.recent, 1)
        self.no_recent = QLabel(tr("Documents you open or save are listed here."))
        self.no_recent.setProperty("role", "muted")
        self.no_recent.setWordWrap(True)
        column.addWidget(self.no_recent, 1, Qt.AlignmentFlag.AlignTop)
        return column

    def restyle(self) -> None:
        self.title.setFont(theme.ui_font(21, 600))
        self.tagline.setFont(theme.ui_font(13))
        self.tagline.setFixedWidth(280)
        self.heading_recent.setFont(theme.ui_font(13, 600))
        self.gallery.restyle()
        if self.isVisible():  # it is read again whenever it is shown
            self.refresh(self._offers)

    def _take_first(self) -> None:
        self.lesson_chosen.emit(lessons.names()[0])

    def refresh(self, offers: Sequence[Offer] = ()) -> None:
        """Reads the list of recent documents, and shows what a crash left."""
        self._offers = list(offers)
        self.verticalScrollBar().setValue(0)
        self.gallery.show_progress()
        done, count = lesson_home.progress(lessons.names()[0])
        self.first.setVisible(done < count)
        self.recent.clear()
        for path in settings.recent():
            item = QListWidgetItem(icons.icon("example", theme.current().muted), path.stem)
            item.setToolTip(str(path))
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            self.recent.addItem(item)
        some = self.recent.count() > 0
        self.recent.setVisible(some)
        self.no_recent.setVisible(not some)
        while (entry := self._offers_column.takeAt(0)) is not None:
            widget = entry.widget()
            if widget is not None:
                widget.deleteLater()
        self.offers_box.setVisible(bool(self._offers))
        if self._offers:
            heading = QLabel(tr("Not saved before the last crash"))
            heading.setFont(theme.ui_font(13, 600))
            self._offers_column.addWidget(heading)
        for number, offer in enumerate(self._offers):
            self._offers_column.addWidget(self._offer_row(number, offer))

    def _offer_row(self, number: int, offer: Offer) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        name = offer.path.stem if offer.path else offer.title or tr("Untitled")
        when = time.strftime("%d %b %H:%M", time.localtime(offer.when))
        open_it, drop = QPushButton(f"{name}   {when}"), QPushButton(tr("Discard"))
        open_it.setToolTip(tr("Opens the copy that was kept; it is not saved yet"))
        for button, slot in ((open_it, self._open_offer), (drop, self._drop_offer)):
            button.setProperty("offer", number)
            button.clicked.connect(slot)
        layout.addWidget(open_it, 1)
        layout.addWidget(drop)
        return row

    def _open_offer(self) -> None:
        self.offer_chosen.emit(self._offers[int(self.sender().property("offer"))])

    def _drop_offer(self) -> None:
        self.offer_dropped.emit(self._offers[int(self.sender().property("offer"))])

    def _activated(self, item: QListWidgetItem) -> None:
        self.file_chosen.emit(Path(str(item.data(Qt.ItemDataRole.UserRole))))

"""The start page: new, open, recent documents, what a crash left, and the examples as cards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.recovery import Offer
from app.text import tr
from app.view import icons, miniature, settings, theme
from engine import examples
from engine.graph import Graph


class Picture(QWidget):
    """A document in small."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.setMaximumHeight(220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.canvas)
        area = QRectF(self.rect())
        painter.drawRoundedRect(area, 8, 8)
        miniature.paint(painter, self.graph, area.adjusted(20, 16, -20, -16), tokens)


class Card(QFrame):
    """One example; a click or Enter opens it."""

    chosen = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        info = examples.info(name)
        self.name, self._hovered = name, False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr(info.title))
        self.setAccessibleDescription(tr(info.about))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 14)
        layout.setSpacing(6)
        layout.addWidget(Picture(examples.load(name)), 100)
        self.title = QLabel(tr(info.title))
        self.about = QLabel(tr(info.about))
        self.about.setWordWrap(True)
        self.about.setProperty("role", "muted")
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addSpacing(6)
        layout.addWidget(self.title)
        layout.addWidget(self.about)
        layout.addStretch(1)
        self.restyle()

    def restyle(self) -> None:
        self.title.setFont(theme.ui_font(13, 600))
        self.about.setFont(theme.ui_font(12))

    def sizeHint(self) -> QSize:
        return QSize(320, 260)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = False
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        inside = self.rect().contains(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and inside:
            self.chosen.emit(self.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.name)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self._hovered or self.hasFocus()
        painter.setPen(QPen(tokens.accent if lit else tokens.hairline, 1.2 if lit else 1.0))
        painter.setBrush(tokens.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 12, 12)


class StartPage(QScrollArea):
    """Shown without a document. Signals say what the person chose."""

    new_asked = Signal()
    open_asked = Signal()
    file_chosen = Signal(object)
    example_chosen = Signal(str)
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
        outer.addLayout(self._build_right(), 6)
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
        for button in (self.new, self.open):
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

    def _build_right(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(12)
        self.heading_examples = QLabel(tr("Examples"))
        column.addWidget(self.heading_examples)
        grid = QGridLayout()
        grid.setSpacing(16)
        self.cards = [Card(name) for name in examples.names()]
        for number, card in enumerate(self.cards):
            card.chosen.connect(self.example_chosen)
            grid.addWidget(card, number // 2, number % 2)
        for index in (0, 1):
            grid.setColumnStretch(index, 1)
        column.addLayout(grid, 6)
        column.addStretch(1)
        return column

    def restyle(self) -> None:
        self.title.setFont(theme.ui_font(21, 600))
        self.tagline.setFont(theme.ui_font(13))
        self.tagline.setFixedWidth(280)
        for heading in (self.heading_recent, self.heading_examples):
            heading.setFont(theme.ui_font(13, 600))
        for card in self.cards:
            card.restyle()
        self.refresh(self._offers)

    def refresh(self, offers: Sequence[Offer] = ()) -> None:
        """Reads the list of recent documents, and shows what a crash left."""
        self._offers = list(offers)
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

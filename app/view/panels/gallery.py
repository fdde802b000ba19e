"""The gallery: the lecture's parts with their lessons and examples as cards, found by typing."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from app import lesson_home, matching
from app.matching import Words
from app.text import tr
from app.view import icons, miniature, theme
from app.view.viewers.controls import Wrapped
from engine import examples, lessons
from engine.examples import TOPICS

CARD_WIDTH = 262
"""A card is at least so wide; a line holds as many as there is room for."""
PICTURE_HEIGHT = 150


class Picture(QWidget):
    """What an example looks like: its shipped picture in the theme's colours, or its graph in small."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._kept: tuple[str, QPixmap] | None = None
        self.setFixedHeight(PICTURE_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _shipped(self, scheme: str) -> QPixmap:
        if self._kept is None or self._kept[0] != scheme:
            folder = importlib.resources.files("resources") / "pictures"
            place = folder / f"{self.name}-{scheme}.jpg"
            pixmap = QPixmap()
            if place.is_file():
                pixmap.loadFromData(place.read_bytes())
            self._kept = scheme, pixmap
        return self._kept[1]

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        clip = QPainterPath()
        clip.addRoundedRect(area, 8, 8)
        painter.setClipPath(clip)
        painter.fillRect(area, tokens.canvas)
        pixmap = self._shipped(tokens.name)
        if pixmap.isNull():
            miniature.paint(
                painter, examples.load(self.name), area.adjusted(16, 12, -16, -12), tokens
            )
            return
        size = pixmap.size().scaled(
            area.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding
        )
        target = QRectF(0, 0, size.width(), size.height())
        target.moveCenter(area.center())
        painter.drawPixmap(target, pixmap, QRectF(pixmap.rect()))


class Numeral(QWidget):
    """A lesson's number, large, over a line that says how far one is."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._share = number, 0.0
        self.setFixedHeight(PICTURE_HEIGHT)

    def show_share(self, share: float) -> None:
        self._share = share
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(tokens.canvas, tokens.accent, 0.12))
        painter.drawRoundedRect(area, 8, 8)
        painter.setFont(theme.ui_font(56, 600))
        painter.setPen(tokens.accent)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(self._number))
        line = QRectF(16, area.bottom() - 18, area.width() - 32, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(tokens.canvas, tokens.accent, 0.3))
        painter.drawRoundedRect(line, 2, 2)
        line.setWidth(line.width() * self._share)
        painter.setBrush(tokens.accent)
        painter.drawRoundedRect(line, 2, 2)


class Card(QFrame):
    """Something to open; a click, Enter or Space chooses it."""

    chosen = Signal(str)

    def __init__(self, name: str, title: str, about: str) -> None:
        super().__init__()
        self.name, self._hovered = name, False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.setAccessibleDescription(about)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(10, 10, 10, 12)
        self.column.setSpacing(5)
        self.title, self.about = QLabel(title), QLabel(about)
        for label in (self.title, self.about):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.about.setProperty("role", "muted")
        self.column.addWidget(self.title)
        self.column.addWidget(self.about)
        self.column.addStretch(1)

    def restyle(self) -> None:
        self.title.setFont(theme.ui_font(13, 600))
        self.about.setFont(theme.ui_font(12))

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


class ExampleCard(Card):
    """An example: its picture, its title and two sentences."""

    def __init__(self, name: str) -> None:
        info = examples.info(name)
        super().__init__(name, tr(info.title), tr(info.about))
        self.words = Words(
            info.title, (name,), aliases=info.systems, category=info.topic,
            about=f"{info.about} {info.claim}",
        )  # fmt: skip
        self.topic = info.topic
        self.column.insertWidget(0, Picture(name))
        self.column.insertSpacing(1, 4)
        self.restyle()


class LessonCard(Card):
    """A lesson: what it is about, and how far one got."""

    def __init__(self, name: str) -> None:
        info = lessons.INFO[name]
        super().__init__(name, tr(info.title), tr(info.about))
        self.words = Words(
            info.title, (name,), aliases=(tr("lesson"),), category=info.topic, about=info.about
        )
        self.topic = info.topic
        self.kind, self.progress = QLabel(tr("Lesson")), QLabel()
        self.kind.setProperty("role", "accent")
        self.progress.setProperty("role", "muted")
        self.numeral = Numeral(lessons.names().index(name) + 1)
        self.column.insertWidget(0, self.numeral)
        self.column.insertSpacing(1, 4)
        self.column.insertWidget(2, self.kind)
        self.column.addWidget(self.progress)
        self.restyle()

    def restyle(self) -> None:
        super().restyle()
        self.kind.setFont(theme.ui_font(11, 600))
        self.progress.setFont(theme.ui_font(11))

    def show_progress(self, done: int, of: int) -> None:
        self.numeral.show_share(done / max(of, 1))
        told = tr("Finished") if done >= of else tr("{done} of {of} steps").format(done=done, of=of)
        self.progress.setText(told if done else tr("{of} steps").format(of=of))


AnyCard = ExampleCard | LessonCard


class Shelf(QWidget):
    """A heading over cards in a grid, as many in a line as there is room for."""

    def __init__(self, title: str, cards: Iterable[AnyCard] = ()) -> None:
        super().__init__()
        self.setMinimumWidth(CARD_WIDTH)  # or it would never get narrower than its line
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(10)
        self.heading = QLabel(title)
        column.addWidget(self.heading)
        self.grid = QGridLayout()
        self.grid.setSpacing(14)
        column.addLayout(self.grid)
        self._columns = 0
        self.cards = list(cards)

    def hold(self, cards: Iterable[AnyCard]) -> None:
        """Shows these cards, which may have stood on another shelf."""
        self.cards = list(cards)
        self._lay(self._columns or 1)

    def _lay(self, columns: int) -> None:
        while self.grid.takeAt(0) is not None:
            pass
        for column in range(max(self._columns, columns)):
            self.grid.setColumnStretch(column, int(column < columns))
        self._columns = columns
        for number, card in enumerate(self.cards):
            self.grid.addWidget(card, number // columns, number % columns)
            card.show()
        for empty in range(len(self.cards), columns):  # so that a short line's cards are no wider
            self.grid.addItem(QSpacerItem(CARD_WIDTH, 0), 0, empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        gap = self.grid.spacing()
        columns = max(1, (event.size().width() + gap) // (CARD_WIDTH + gap))
        if columns != self._columns:
            self._lay(columns)


class Gallery(QWidget):
    """All lessons and examples by the parts of the lecture; typing and the parts' names narrow it."""

    example_chosen = Signal(str)
    lesson_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search lessons and examples"))
        self.search.setAccessibleName(tr("Search lessons and examples"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(34)
        self.search.textChanged.connect(self._narrow)
        self._glass = self.search.addAction(
            icons.icon("search", theme.current().muted), QLineEdit.ActionPosition.LeadingPosition
        )
        column.addWidget(self.search)
        line = QWidget()
        topics = Wrapped(line, across=6)
        self.topics: dict[str, QPushButton] = {}
        for topic in ("", *TOPICS):
            button = QPushButton(tr(topic) if topic else tr("All"))
            button.setCheckable(True)
            button.setChecked(not topic)
            button.clicked.connect(self._topic_clicked)
            topics.addWidget(button)
            self.topics[topic] = button
        column.addWidget(line)
        self.cards: list[AnyCard] = [
            *(LessonCard(name) for name in lessons.names()),
            *(ExampleCard(name) for name in examples.names()),
        ]
        for card in self.cards:
            card.setParent(self)  # one without a parent would be a window of its own
            lesson = isinstance(card, LessonCard)
            card.chosen.connect(self.lesson_chosen if lesson else self.example_chosen)
        self.found = Shelf(tr("Found"))
        self.shelves = {topic: Shelf(tr(topic), self._of(topic)) for topic in TOPICS}
        for shelf in (self.found, *self.shelves.values()):
            column.addWidget(shelf)
        self.nothing = QLabel(tr("Nothing fits; try another word, or clear the search."))
        self.nothing.setProperty("role", "muted")
        column.addWidget(self.nothing)
        column.addStretch(1)
        self._narrow()
        self.restyle()

    def _of(self, topic: str) -> list[AnyCard]:
        return [card for card in self.cards if card.topic == topic]

    def card(self, name: str) -> AnyCard:
        """The card of a lesson or an example. Raises StopIteration for a name that has none."""
        return next(card for card in self.cards if card.name == name)

    def show_progress(self) -> None:
        """How far each lesson was walked by now."""
        for card in self.cards:
            if isinstance(card, LessonCard):
                card.show_progress(*lesson_home.progress(card.name))

    def _topic_clicked(self) -> None:
        for button in self.topics.values():
            button.setChecked(button is self.sender())
        self._narrow()

    def _narrow(self) -> None:
        """Shows what fits the words, by how well it does, or the shelves of the topics chosen."""
        chosen = next(topic for topic, button in self.topics.items() if button.isChecked())
        words = self.search.text().strip()
        fitting: list[AnyCard] = []
        if words:
            fitting = [card for card, _ in matching.ranked(words, self.cards, lambda c: c.words)]
            # What fits elsewhere is better than nothing in the part that is chosen.
            fitting = [card for card in fitting if chosen in ("", card.topic)] or fitting
        for card in self.cards:
            card.setVisible(not words or card in fitting)
        self.found.setVisible(bool(fitting))
        self.found.hold(fitting)
        for topic, shelf in self.shelves.items():
            shelf.setVisible(not words and chosen in ("", topic) and bool(shelf.cards))
            if not words:
                shelf.hold(self._of(topic))
        self.nothing.setVisible(bool(words) and not fitting)

    def restyle(self) -> None:
        self._glass.setIcon(icons.icon("search", theme.current().muted))
        for shelf in (self.found, *self.shelves.values()):
            shelf.heading.setFont(theme.ui_font(14, 600))
        for card in self.cards:
            card.restyle()

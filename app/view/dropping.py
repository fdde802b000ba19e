"""Files dropped on the window: what a drop would do is said while they hover."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from app import importers
from app.importers import Offer
from app.view import theme
from app.view.frame import Frame


class Dropping(QWidget):
    """Lies over the window while files are dragged over it, and takes them when they are dropped.

    Parts of the window that want something else of a drag, as the canvas does, come first.
    """

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window = window
        self._offer: Offer | None = None
        self.words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()
        window.installEventFilter(self)
        # A line of text would take the name of a file for words.
        for line in window.findChildren(QLineEdit):
            line.installEventFilter(self)

    # ------------------------------------------------------------ events of the window

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DragEnter and isinstance(event, QDragEnterEvent):
            if watched is self._window:
                return self._enter(event)
            event.setAccepted(False)
            return bool(_files(event.mimeData()))
        if watched is not self._window:
            return False
        if event.type() == QEvent.Type.DragMove and isinstance(event, QDragMoveEvent):
            return not self.isHidden() and self._answer(event)
        if event.type() == QEvent.Type.DragLeave:
            self.hide()
        elif event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            return self._drop(event)
        return False

    def _enter(self, event: QDragEnterEvent) -> bool:
        paths = _files(event.mimeData())
        if not paths:
            return False
        self._offer = importers.offer(paths)
        offer = self._offer
        self.words = importers.refusal(paths) if offer is None else offer.words(self._editing())
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.update()
        return self._answer(event)

    def _answer(self, event: QDragMoveEvent) -> bool:
        """A drag that would be refused is taken as well, for its sentence to be seen."""
        if self._offer is None:
            event.setDropAction(Qt.DropAction.IgnoreAction)
            event.accept()
        else:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        return True

    def _drop(self, event: QDropEvent) -> bool:
        self.hide()
        paths = _files(event.mimeData())
        if not paths:
            return False
        offer = importers.offer(paths)
        place = self._on_canvas(event.position())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if offer is None:
            self._window.tell(importers.refusal(paths))
        else:
            # The program that the files come from waits for an answer; a question may take long.
            QTimer.singleShot(0, self, lambda: self.take(offer, place))
        return True

    def take(self, offer: Offer, place: tuple[float, float] | None = None) -> bool:
        """Opens what was dropped, after the same question as Open; says what was left out."""
        documents = self._window.documents
        self._window.activateWindow()
        if offer.importer.gives == "data" and self._editing():
            done = self._window.data_files.use(offer.path, place)
        else:
            done = documents.open(offer.path)
        if done and offer.rest:
            self._window.tell(offer.left_out())
        return done

    def _editing(self) -> bool:
        return self._window.pages.currentWidget() is self._window.editor

    def _on_canvas(self, place: QPointF) -> tuple[float, float] | None:
        """The place in the scene, if the canvas is there."""
        canvas = self._window.canvas
        inside = canvas.viewport().mapFrom(self._window, place)
        if not self._editing() or not QRectF(canvas.viewport().rect()).contains(inside):
            return None
        return canvas.board.middle_of(canvas.to_scene(inside))

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(tokens.background)
        veil.setAlphaF(0.72)
        painter.fillRect(self.rect(), veil)
        colour = tokens.accent if self._offer is not None else tokens.error
        frame = QRectF(self.rect()).adjusted(12, 12, -12, -12)
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(frame, 12, 12)
        rest = "" if self._offer is None else self._offer.left_out()
        words, more = theme.ui_font(21, 600), theme.ui_font(13)
        text = self.words if self._offer is not None else f"⚠  {self.words}"
        width = max(
            QFontMetricsF(words).horizontalAdvance(text),
            QFontMetricsF(more).horizontalAdvance(rest),
        )
        card = QRectF(0, 0, min(width + 64, frame.width() - 48), 104 if rest else 76)
        card.moveCenter(frame.center())
        painter.setPen(QPen(tokens.border, 1))
        painter.setBrush(tokens.panel)
        painter.drawRoundedRect(card, 12, 12)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.setFont(words)
        painter.setPen(tokens.text)
        painter.drawText(card.adjusted(24, 12, -24, -40 if rest else -12), flags, text)
        if rest:
            painter.setFont(more)
            painter.setPen(tokens.muted)
            painter.drawText(card.adjusted(24, 60, -24, -16), flags, rest)


def _files(data: QMimeData) -> list[Path]:
    """The files of this machine among what is dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]

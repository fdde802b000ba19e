"""The minimap: the whole document small in a corner of the canvas; a click in it goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.text import tr
from app.view import miniature, settings
from app.view.theme import RADIUS, blend
from engine.graph import Graph

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

LARGEST = QSize(208, 132)
SHARE = 0.24
"""Of a small canvas it takes no more than this share of the width."""
EDGE, INSET = 16, 8
REDRAW_MS = 100
MAX_MARKS = 400


class Minimap(QWidget):
    """Stands over the canvas while there is something out of view. The picture of the document is
    kept; only the frame around what is seen is drawn anew when the view moves."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._on = settings.shows_minimap()
        self._extent = QRectF()
        self._way = QTransform()
        self._picture: QPixmap | None = None
        self._drawn: Any = None
        self._held: QPointF | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        self.setFixedSize(LARGEST)
        # Nothing under it need be painted again when it is.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Minimap"))
        self.setToolTip(tr("Click or drag to look elsewhere"))
        self.hide()
        canvas.installEventFilter(self)
        canvas.horizontalScrollBar().valueChanged.connect(self.follow)
        canvas.verticalScrollBar().valueChanged.connect(self.follow)
        canvas.zoom_changed.connect(self.follow)

    # ------------------------------------------------------------ following

    @property
    def is_on(self) -> bool:
        return self._on

    def toggle(self) -> None:
        """On or off; remembered."""
        self._on = not self._on
        settings.set_shows_minimap(self._on)
        self.follow()

    def document_changed(self) -> None:
        """The picture is drawn again soon: many changes may follow each other."""
        if not self._timer.isActive():
            self._timer.start()

    def set_theme(self) -> None:
        self._drawn = None
        self.document_changed()

    def follow(self) -> None:
        """What is seen has changed."""
        graph = self._canvas.session.graph
        seen_whole = self._canvas.seen().contains(self._extent)
        if self._timer.isActive() and not self.isVisible():
            return  # there is no picture of this document yet
        wanted = self._on and bool(graph.nodes) and (not seen_whole or self._held is not None)
        if wanted and self._picture is None:
            self._redraw()
        self.setVisible(wanted)
        self.update()

    def _redraw(self) -> None:
        self._timer.stop()
        graph = self._canvas.session.graph
        now = list(graph.nodes.values()), dict(graph.links), dict(graph.notes)
        if now != self._drawn or self._picture is None:
            self._drawn = now
            self._extent = miniature.extent(graph)
            self._picture = self._draw(graph) if self._on and graph.nodes else None
        self.follow()

    def _draw(self, graph: Graph) -> QPixmap:
        theme, ratio = self._canvas.theme, self.devicePixelRatioF()
        area = QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET)
        whole = self._extent
        scale = min(area.width() / whole.width(), area.height() / whole.height(), 0.2)
        self._way = QTransform.fromTranslate(area.center().x(), area.center().y())
        self._way.scale(scale, scale).translate(-whole.center().x(), -whole.center().y())
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme.panel)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale > 0.02)
        painter.setTransform(self._way, True)
        miniature.paint_map(painter, graph, scale, theme)
        painter.end()
        return picture

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, session = self._canvas.theme, self._canvas.session
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, theme.canvas)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QPainterPath()
        card.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setClipPath(card)
        if self._picture is not None:
            painter.drawPixmap(0, 0, self._picture)
        painter.setPen(Qt.PenStyle.NoPen)
        found = session.evaluation
        wrong = [*found.faults, found.node_of(found.not_finite.node) if found.not_finite else ""]
        for ids, colour in ((session.selection, theme.accent), (wrong, theme.error)):
            painter.setBrush(colour)
            for node_id in list(ids)[:MAX_MARKS]:
                node = session.graph.nodes.get(node_id or "")
                if node is not None:
                    body = QRectF(node.x, node.y, miniature.NODE_WIDTH, miniature.NODE_HEIGHT)
                    spot = self._way.mapRect(body)
                    painter.drawRect(
                        spot.united(QRectF(spot.center(), spot.center()).adjusted(-1, -1, 1, 1))
                    )
        frame = self._frame()
        around = QPainterPath(card)
        hole = QPainterPath()
        hole.addRoundedRect(frame, 2, 2)
        shade = QColor(theme.canvas)
        shade.setAlphaF(0.55)
        painter.fillPath(around.subtracted(hole), shade)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(blend(theme.muted, theme.text, 0.3), 1))
        painter.drawPath(hole)
        painter.setClipping(False)
        painter.setPen(QPen(theme.border, 1))
        painter.drawPath(card)

    def _frame(self) -> QRectF:
        """What is seen, in this map: on its edge when all of it lies outside."""
        frame = self._way.mapRect(self._canvas.seen())
        area = QRectF(self.rect()).adjusted(3.5, 3.5, -3.5, -3.5)
        left, right = (
            min(max(x, area.left()), area.right()) for x in (frame.left(), frame.right())
        )
        top, bottom = (
            min(max(y, area.top()), area.bottom()) for y in (frame.top(), frame.bottom())
        )
        if right - left < 4:
            left, right = max(left - 4, area.left()), min(right + 4, area.right())
        if bottom - top < 4:
            top, bottom = max(top - 4, area.top()), min(bottom + 4, area.bottom())
        return QRectF(QPointF(left, top), QPointF(right, bottom))

    # ------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Inside the frame it is taken along from where it is; elsewhere it comes there first."""
        event.accept()
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        place = event.position()
        frame = self._frame()
        centre = self._way.map(self._canvas.centre())
        self._held = centre - place if frame.contains(place) else QPointF()
        self._go(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._held is not None:
            self._go(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._held = None
        self.follow()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._canvas.zoom_by(2 ** (event.angleDelta().y() / 480))
        event.accept()

    def _go(self, place: QPointF) -> None:
        assert self._held is not None
        inverse, _ = self._way.inverted()
        self._canvas.look(inverse.map(place + self._held), self._canvas.zoom)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._canvas:
            room = self._canvas.rect()
            share = min(1.0, max(0.5, SHARE * room.width() / LARGEST.width()))
            size = LARGEST * share
            if size != self.size():
                self.setFixedSize(size)
                self._drawn = None
                self.document_changed()
            corner = room.bottomRight() + QPoint(1, 1) - QPoint(EDGE, EDGE)
            self.move(corner - QPoint(size.width(), size.height()))
            self.follow()
        return False

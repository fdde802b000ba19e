"""Where the canvas looks: zoom, pan, fit, and places of the view in the scene."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QGraphicsView, QStyle

from app.view.canvas.board import Board
from app.view.canvas.glide import Glide

SMALLEST, LARGEST = 0.05, 4.0


class Looking(QGraphicsView):
    """A view of a board. Nothing here changes the document or the selection."""

    zoom_changed = Signal(float)

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self._fitted = False  # what is seen is all, and stays so when the view is resized
        self.reduced_motion = (
            self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
        )
        self._glide, self._fits = Glide(self), False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)

    def looking(self) -> None:
        """What is seen is about to move."""
        self._glide.interrupt()

    @property
    def zoom(self) -> float:
        return float(self.transform().m11())

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zooms about a place of the view, its middle unless given."""
        self.zoom_to(self.zoom * factor, at)

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """1 is 100 %."""
        zoom = min(max(zoom, SMALLEST), LARGEST)
        if abs(zoom / self.zoom - 1) < 1e-9:
            return
        self.looking()
        self._fitted = False
        view = QPointF(self.viewport().rect().center()) if at is None else at
        fixed = self.to_scene(view)
        self.resetTransform()
        self.scale(zoom, zoom)
        self._look_at(fixed, view)
        self.zoom_changed.emit(zoom)

    def fit(self, node_ids: Iterable[str] | None = None, largest: float = 1.0) -> None:
        """Shows all nodes, or those given, at most at `largest`."""
        view = self._view_of(node_ids, largest)
        if view is None:
            self.zoom_to(1.0)
            return
        self.look(*view)
        self._fitted = node_ids is None

    def glide_to(self, node_ids: Iterable[str] | None = None, largest: float = 1.0) -> None:
        """Like `fit`, and the way there is seen."""
        view = self._view_of(node_ids, largest)
        if view is None:
            self.fit()
            return
        self._fits = node_ids is None
        self._glide.to(*view)

    def arrived(self) -> None:
        """A glide has ended where it should."""
        self._fitted = self._fits

    def _view_of(
        self, node_ids: Iterable[str] | None, largest: float
    ) -> tuple[QPointF, float] | None:
        """The middle and the zoom at which nodes are seen; None without any."""
        content = self.board.content(node_ids)
        if content.isEmpty():
            return None
        area = content.adjusted(-56, -40, 40, 40)
        size = self.viewport().size()
        zoom = min(size.width() / area.width(), size.height() / area.height(), largest)
        return content.center(), min(max(zoom, SMALLEST), LARGEST)

    def look(self, centre: QPointF, zoom: float) -> None:
        """A place of the scene comes to the middle of the view, at a zoom."""
        self.zoom_to(zoom)
        self._look_at(centre, QPointF(self.viewport().rect().center()))

    def pan(self, dx: float, dy: float) -> None:
        """Moves what is seen by view pixels."""
        self.looking()
        self._fitted = False
        horizontal, vertical = self.horizontalScrollBar(), self.verticalScrollBar()
        horizontal.setValue(horizontal.value() - round(dx))
        vertical.setValue(vertical.value() - round(dy))

    def _look_at(self, scene: QPointF, view: QPointF) -> None:
        now = self.viewportTransform().map(scene)
        self.pan(view.x() - now.x(), view.y() - now.y())

    def show_node(self, node_id: str, smallest: float = SMALLEST) -> None:
        """Glides so far that a node is seen, at a zoom of at least `smallest`."""
        body = self.board.nodes[node_id].body()
        centre, zoom = self._glide.target
        view = self.viewport().size()
        seen = QRectF(0, 0, (view.width() - 48) / zoom, (view.height() - 48) / zoom)
        seen.moveCenter(centre)
        if zoom < smallest or not seen.contains(body):
            self._fits = False
            self._glide.to(body.center(), max(zoom, smallest))

    def seen(self) -> QRectF:
        """What is seen, in scene coordinates."""
        corner = self.viewport().rect().bottomRight() + QPoint(1, 1)
        return QRectF(self.to_scene(QPointF(0, 0)), self.to_scene(QPointF(corner)))

    def reach(self, distance: float) -> float:
        """A distance on the screen in scene units, never less than at 100 %, so that targets stay
        big from afar."""
        return distance / min(self.transform().m11(), 1.0)

    def to_scene(self, view: QPointF) -> QPointF:
        inverse, _ = self.viewportTransform().inverted()
        return inverse.map(view)

    def centre(self) -> QPointF:
        return self.to_scene(QPointF(self.viewport().rect().center()))

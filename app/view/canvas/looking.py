"""Where the canvas looks: zoom, pan, fit, and places of the view in the scene."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QFrame, QGraphicsView, QStyle, QWidget

from app.view.canvas.board import Board
from app.view.canvas.glide import Glide
from app.view.canvas.layers import FAR

SMALLEST, LARGEST = 0.01, 4.0
STILL_MS = 90
"""So long after the last step the zoom counts as still."""
SLICE_MS = 7.0
MANY = 16
"""More areas than these are painted as one."""


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
        self._sharpening = False
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.timeout.connect(self._sharpen)
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
        self.in_motion()
        self.zoom_to(self.zoom * factor, at)

    def in_motion(self) -> None:
        """The zoom is about to change and soon will again: pictures need not be sharp until then."""
        self.board.moving, self._sharpening = True, False
        self._still.start(STILL_MS)

    def _sharpen(self) -> None:
        """Pictures of the right size for what is seen, a few milliseconds' worth at a time."""
        board, self._sharpening = self.board, True
        until = time.perf_counter() + SLICE_MS / 1e3
        scale = self.zoom * self.viewport().devicePixelRatio()
        if board.unsharp and self.zoom >= FAR:
            for node_id in board.node_boxes.touching((self.seen(),)):
                item = board.nodes[node_id]
                if board.pictures.kept(node_id, item.face, item.look, scale) is None:
                    board.pictures.made(node_id, item.face, item.look, scale)
                    item.repaint()
                    if time.perf_counter() > until:
                        self._still.start(0)
                        return
        board.moving = board.unsharp = False

    def paintEvent(self, event: QPaintEvent) -> None:
        inverse, _ = self.viewportTransform().inverted()
        region = event.region()
        rects = areas(region) if region.rectCount() <= MANY else [region.boundingRect()]
        self.board.exposed = [inverse.mapRect(QRectF(r).adjusted(-2, -2, 2, 2)) for r in rects]
        self.board.painted = region
        super().paintEvent(event)
        self.board.exposed = ()
        if self.board.moving and not self._sharpening:
            self._still.start(STILL_MS)  # a frame that took long is no pause

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """What is painted is moved and only what comes into view is painted, around what floats over
        the canvas as well: Qt paints everything anew where anything does."""
        port = self.viewport()
        covered = QRegion()
        for child in self.children():
            if isinstance(child, QWidget) and child is not port and child.isVisible():
                covered += child.geometry().translated(-port.pos())
        mode = self.viewportUpdateMode()
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.NoViewportUpdate)
        super().scrollContentsBy(dx, dy)
        self.setViewportUpdateMode(mode)
        for part in areas(QRegion(port.rect()) - covered):
            port.scroll(dx, dy, part)
        if not covered.isEmpty():
            port.update(covered)

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

    @property
    def resting(self) -> tuple[QPointF, float]:
        """The middle and the zoom of the view, of one that glides those at its end."""
        return self._glide.target

    def glide_back(self, centre: QPointF, zoom: float) -> None:
        """Glides to where the view has been."""
        self._fits = False
        self._glide.to(centre, zoom)

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
        """Glides so far that a node or a note is seen, at a zoom of at least `smallest`."""
        self.show_area(self.board.content((node_id,)), smallest)

    def show_area(self, body: QRectF, smallest: float = SMALLEST) -> None:
        """Glides so far that a part of the scene is seen, with all nodes where there is room for them."""
        centre, zoom = self._glide.target
        view = self.viewport().size()
        seen = QRectF(0, 0, (view.width() - 48) / zoom, (view.height() - 48) / zoom)
        seen.moveCenter(centre)
        if zoom < smallest or not seen.contains(body):
            self._fits = False
            whole = self.board.node_boxes.around.united(body)
            has_room = whole.width() <= seen.width() and whole.height() <= seen.height()
            middle = whole if has_room and zoom >= smallest else body
            self._glide.to(middle.center(), max(zoom, smallest))

    @property
    def sees_something(self) -> bool:
        """A node is in the view."""
        return bool(self.board.node_boxes.touching((self.seen(),)))

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

    def place_under_pointer(self) -> QPointF | None:
        """Where the pointer is in the scene, None while it is not over what is seen."""
        view = self.viewport().mapFromGlobal(QCursor.pos())
        return self.to_scene(QPointF(view)) if self.viewport().rect().contains(view) else None

    def centre(self) -> QPointF:
        return self.to_scene(QPointF(self.viewport().rect().center()))


def areas(region: QRegion) -> list[QRect]:
    """The rectangles of a region, which Qt's stubs do not know to be there."""
    return list(region)  # type: ignore[call-overload,no-any-return]

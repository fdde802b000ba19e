"""The canvas widget: looks at the scene, hands events to gestures, offers the edits."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)

from app.session import Session
from app.text import tr
from app.view.canvas.adding import Adding
from app.view.canvas.arranging import Arranging
from app.view.canvas.board import Board
from app.view.canvas.bookmarks import Bookmarks
from app.view.canvas.breakpoints import Breakpoints
from app.view.canvas.drawing import picture_at
from app.view.canvas.editing import Asked
from app.view.canvas.gestures import Placing, Pointer, begin, handle_at, scrubs
from app.view.canvas.ground import Ground
from app.view.canvas.keyboard import Walk
from app.view.canvas.mending import Mending
from app.view.canvas.minimap import Minimap
from app.view.canvas.motion import Motion
from app.view.canvas.overlays import Hint, ZoomNote
from app.view.canvas.rewiring import Rewiring
from app.view.canvas.speaking import Speaking
from app.view.canvas.step_layer import Travel
from app.view.theme import Theme

ZOOM_STEP = 2**0.25
_FRAME_MS = 16
_FAR_SIDE = 4_000_000.0


class Canvas(Adding):
    """Shows one session. The edits it offers are in `Editing` and `Adding`, its keys in `Keys`."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session, Board(session, theme))
        self.theme = theme
        # A plain attribute keeps scene and view alive together.
        self.setScene(self.board)
        self.setSceneRect(-_FAR_SIDE, -_FAR_SIDE, 2 * _FAR_SIDE, 2 * _FAR_SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAccessibleName(tr("Canvas"))
        self.viewport().setMouseTracking(True)
        self.rewiring, self.arranging = Rewiring(self), Arranging(self)
        self._ground = Ground()
        self._motion, self._travel = Motion(self), Travel(self, self.board.step_layer)
        self._places: dict[str, QPointF] = {}
        self._stale_values = self._stepped = False
        self.hint = Hint(self)
        self.zoom_note = ZoomNote(self)
        self.zoom_changed.connect(self.zoom_note.show_zoom)
        self.minimap = Minimap(self)
        self.minimap.stackUnder(self.editor)
        self.walk, self.bookmarks = Walk(self), Bookmarks(self)
        self.breakpoints = Breakpoints(self)
        self._speaking = Speaking(self)
        self.banner.told.connect(self._speaking.mode)
        self.mending = Mending(self)
        self.mending.ghost.told.connect(self._speaking.wire)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self.flush)
        session.place_changed.join(self._place_changed)
        session.document_changed.join(self._document_changed)
        session.evaluated.join(self._evaluated)
        session.cursor_moved.join(self._cursor_moved)
        session.selection_changed.join(self._selection_changed)
        session.marks.listeners.append(self._marks_changed)
        self.set_theme(theme)
        self.board.synchronize()
        self.board.show_values()
        self.board.show_selection()
        self.bookmarks.refresh()
        self.breakpoints.refresh()
        self._show_hint()
        self.minimap.document_changed()

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self.theme = theme
        self.board.set_theme(theme)
        self.notice.set_theme(theme)
        self.hint.set_theme(theme)
        self.zoom_note.set_theme(theme)
        self.mending.set_theme(theme)
        self.banner.set_theme(theme)
        self.ring.set_theme(theme)
        self.minimap.set_theme()
        self._ground.set_theme(theme)
        self.viewport().update()

    def detach(self) -> None:
        """Stops listening to the session; called before the canvas is thrown away."""
        session = self.session
        session.place_changed.leave(self._place_changed)
        session.document_changed.leave(self._document_changed)
        session.evaluated.leave(self._evaluated)
        session.cursor_moved.leave(self._cursor_moved)
        session.selection_changed.leave(self._selection_changed)
        session.marks.listeners.remove(self._marks_changed)
        self._timer.stop()
        self._still.stop()
        self._motion.stop()
        self._travel.stop()
        self._autopan.stop()
        self._speaking.stop()
        self.what_if.detach()
        # The scene's end makes its items' wrappers invalid, so the view lets go first.
        self.setScene(None)

    # ------------------------------------------------------------ following the session

    def _place_changed(self) -> None:
        """Another module is looked at: other nodes, all in view."""
        self.editor.close_editor()
        self.notes.editor.give_up()
        self.mending.close()
        self._motion.finish()
        self._travel.stop()
        self._places = {}
        self.board.reset()
        self.board.synchronize()
        self._drop_gesture()
        self._show_hint()
        self.fit()
        self.focus_lens.refresh()
        self.bookmarks.refresh()
        self.breakpoints.refresh()
        self.minimap.document_changed()
        self._soon()

    def _document_changed(self) -> None:
        self.mending.close()
        self._fitted = False  # whoever works on it looks where they look
        self.board.stepping = False
        self._travel.stop()
        new, moved = self.board.synchronize()
        self._show_hint()
        self._drop_gesture()
        if not self.reduced_motion and self.isVisible():
            self._motion.start(new, moved)
        self.focus_lens.refresh()
        self.bookmarks.refresh()
        self.breakpoints.refresh()
        self.minimap.document_changed()
        self._soon()

    def _marks_changed(self) -> None:
        self.focus_lens.refresh()
        self.viewport().update()

    def _show_hint(self) -> None:
        graph = self.session.graph
        self.hint.setVisible(not graph.nodes and not graph.notes)

    def _evaluated(self) -> None:
        self.minimap.update()
        self._speaking.faults()
        self._soon()

    def _cursor_moved(self) -> None:
        self.board.stepping = self._stepped = True
        self._speaking.step()
        self._soon()

    def _selection_changed(self) -> None:
        self.board.show_selection()
        self.focus_lens.refresh()
        self.minimap.update()
        self._speaking.selection()

    def _soon(self) -> None:
        self._stale_values = True
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Does at once what waits for the next frame."""
        self._timer.stop()
        if self._places:
            self.board.move_items(self._places)
            self._places = {}
        if self._stale_values:
            self._stale_values = False
            self.board.show_values()
            self._speaking.describe()
            if self._stepped:
                self._stepped = False
                self._travel.start(self.board.travelled())

    def place_soon(self, places: Mapping[str, QPointF]) -> None:
        """Moves items at the next frame; a gesture may call this at every mouse event."""
        self._places = dict(places)
        if not self._timer.isActive():
            self._timer.start()

    def place_now(self, places: Mapping[str, QPointF]) -> None:
        self._places = {}
        self.board.move_items(places)

    @property
    def busy(self) -> bool:
        """The mouse is at work, or someone types: the view stays where it is."""
        typing = self.editor.is_open or self.notes.editor.isVisible()
        return typing or self._gesture is not None

    # ------------------------------------------------------------ painting

    def looking(self) -> None:
        """The editor stands over its node only while the view is still."""
        super().looking()
        self.editor.close_editor()
        self.notes.editor.take()
        self.mending.close()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        self._ground.draw(painter, self.viewportTransform(), self.viewport())

    # ------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.ring.hide()
        self.notice.pressed_elsewhere()
        self.editor.close_editor()
        self.mending.close()
        self.notes.editor.take()
        if self._gesture is not None and self._gesture.takes_keys:
            self._escape_gesture()
        if self._gesture is not None:
            if self._gesture.floats:
                self._click_floating(event)
            return
        self.flush()
        self._motion.finish()
        self._end_nudge()
        self._button = event.button()
        self._gesture = begin(self, self._at(event), event.button(), self._held)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        pointer = self._at(event)
        if self._gesture is not None and self._is_held and not event.buttons():
            self._escape_gesture()  # let go over another window
        if self._gesture is not None:
            self._gesture.move(pointer)
            if self._gesture.pans_at_edges and self._gesture.passed_threshold(pointer):
                self._autopan.follow(pointer.view, self._move_again)
            return
        item = self.board.node_at(pointer.scene)
        wire = None if item else self.board.wire_at(pointer.scene, self.reach(6))
        self._under = wire.key if wire else None
        self.board.hover(item.node_id if item else None, self._under)
        self.notes.hover(pointer.scene)

    def _move_again(self) -> None:
        """The view has moved under a pointer at rest."""
        if self._gesture is not None:
            held = QGuiApplication.keyboardModifiers()
            place = self.to_scene(self._pointer)
            self._gesture.move(Pointer(self._pointer, place, held))

    def place_operator(self, name: str) -> None:
        """A new node follows the pointer until it is placed; it is placed at once while the pointer
        is elsewhere. One selected node is what it reads, until the pointer moves."""
        self._escape_gesture()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        chosen = self.session.selection
        reads = chosen[0] if len(chosen) == 1 else None
        place = self.place_under_pointer()
        if place is not None:
            view = QPointF(self.mapFromScene(place))
            start = Pointer(view, place, Qt.KeyboardModifier.NoModifier)
            self._gesture = Placing(self, start, name, reads)
        elif reads is not None:
            self.add_beside(name, reads)
        else:
            self.add_operator(name)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._gesture is not None and (not self._is_held or event.button() != self._button):
            return
        gesture = self._let_go()
        if gesture is not None:
            pointer = self._at(event)
            gesture.move(pointer)
            gesture.release(pointer)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        pointer = self._at(event)
        item = self.board.node_at(pointer.scene)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        wire = None if item else self.board.wire_at(pointer.scene, self.reach(6))
        note = None if item or wire else self.board.notes.at(pointer.scene, self.zoom)
        if wire is not None:
            self.rewiring.add_dot(wire.key, pointer.scene)
        elif note is not None:
            self.notes.edit(note.note_id)
        elif item is None:
            self.search_requested.emit(pointer.scene, None)
        elif not item.face.is_module and (of := picture_at(item.face, pointer.scene - item.pos())):
            self.view_asked.emit(of, item.node_id)
        elif not self.open_node(item.node_id):
            self.rename_node(item.node_id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Asks for the menu of what is pointed at, by the menu key of what is selected."""
        if self._gesture is not None:
            return
        chosen, board = self.session.chosen, self.board
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            # Nodes come before notes: with both selected, the menu is that of nodes.
            key, wire = next(iter((*self.session.selection[-1:], *chosen[-1:])), None), None
            place = board.content((key,)).center() if key else self.centre()
        else:
            place = self.to_scene(QPointF(event.pos()))
            item = board.node_at(place)
            wire = None if item else board.wire_at(place, self.reach(6))
            note = None if item or wire else board.notes.at(place, self.zoom)
            key = item.node_id if item else note.note_id if note else None
        if key is not None and key not in chosen:
            self.session.select((key,))
        self.editor.close_editor()
        self.asked = Asked(place, wire.key if wire else None)
        at = self.viewport().mapToGlobal(self.mapFromScene(place))
        kind = "wire" if wire else "ground"
        if key is not None:
            kind = "node" if key in board.nodes else "note"
        self.menu_asked.emit(kind, at)

    def end_menu(self) -> None:
        """The menu is closed; what was chosen in it is done."""
        self.asked = None
        self.board.hover(None, None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if self._turned(event):
            return
        zooms = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not zooms and not pixels.isNull() and event.phase() != Qt.ScrollPhase.NoScrollPhase:
            self.pan(pixels.x(), pixels.y())
        else:
            self.zoom_by(ZOOM_STEP ** (angle.y() / 120), event.position())
        event.accept()

    def _turned(self, event: QWheelEvent) -> bool:
        """The wheel tries out the number that is pointed at. With Alt, Qt turns its axis."""
        place, angle = self.to_scene(event.position()), event.angleDelta()
        if not scrubs(event.modifiers(), self._held) or self.board.node_at(place) is None:
            return False
        handle = handle_at(self, place)
        if handle is not None and self._gesture is None:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.what_if.nudge(handle, (angle.y() or angle.x()) / 120, fine)
        event.accept()
        return True

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(1 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.Leave and self.asked is None:
            self._under = None
            self.board.hover(None, None)
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        before = self.viewportTransform().map(QPointF())
        super().resizeEvent(event)
        if self.editor.is_open:  # it stays over its node, and what is typed stays
            shift = self.viewportTransform().map(QPointF()) - before
            self.editor.move(self.editor.pos() + shift.toPoint())
        elif self._fitted:
            self.fit()

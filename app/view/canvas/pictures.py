"""Pictures of nodes, kept: blank ones for all nodes of a kind, with words and with numbers for each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPixmap

from app.view.canvas.drawing import Look, draw_blank, draw_header, draw_values
from app.view.canvas.face import Face
from app.view.theme import Theme

CACHE_BYTES = 128 * 2**20
_BLANKS = 256
_SMOOTH = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
_Key = tuple[bool, bool]
"""What of a look is in the picture: hovered, selected."""


class _Kept:
    """The picture of one node, and the same without numbers to make the next one from."""

    __slots__ = ("face", "key", "once", "picture", "scale", "words")

    def __init__(self, face: Face, key: _Key, scale: float, words: QPixmap) -> None:
        self.face, self.key, self.scale, self.words = face, key, scale, words
        self.picture = words
        self.once: Face | None = None

    @property
    def size(self) -> int:
        return 2 * self.picture.width() * self.picture.height() * 4


class Pictures:
    """By node id, the least recently seen ones dropped beyond a number of bytes.

    A node's picture is its kind's blank one, its words on it, and its numbers on that; a number that
    changes costs no more than drawing the numbers.
    """

    def __init__(self, theme: Theme, limit: int = CACHE_BYTES) -> None:
        self._theme = theme
        self._limit = limit
        self._bytes = 0
        self._entries: OrderedDict[str, _Kept] = OrderedDict()
        self._blanks: OrderedDict[Hashable, QPixmap] = OrderedDict()

    def drop(self, node_id: str) -> None:
        entry = self._entries.pop(node_id, None)
        if entry is not None:
            self._bytes -= entry.size

    def clear(self) -> None:
        self._entries.clear()
        self._blanks.clear()
        self._bytes = 0

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.clear()

    def kept(self, node_id: str, face: Face, look: Look, scale: float) -> QPixmap | None:
        """The picture of a node's extent at `scale` device pixels a scene unit, if it is there."""
        entry = self._entries.get(node_id)
        if entry is None or entry.scale != scale or entry.face is not face:
            return None
        if entry.key != (look.hovered, look.selected):
            return None
        self._entries.move_to_end(node_id)
        return entry.picture

    def of_any_scale(self, node_id: str, face: Face, look: Look, scale: float) -> QPixmap | None:
        """A picture near enough in size to stand in for a moment; without its numbers, if those have
        changed: no number is better than an old one."""
        entry = self._entries.get(node_id)
        if entry is None or not 0.4 < entry.scale / scale < 2.5:
            return None
        if entry.key != (look.hovered, look.selected) or not face.words_like(entry.face):
            return None
        return entry.picture if entry.face.same(face) else entry.words

    def under_numbers(self, node_id: str, face: Face, look: Look, scale: float) -> QPixmap | None:
        """The picture without numbers, for numbers that are painted for the first time: those of a
        training are not seen twice. None where the whole picture has to be made."""
        entry = self._entries.get(node_id)
        if entry is None or entry.once is face or face.fault or face.is_tensor:
            return None
        if entry.scale != scale or entry.key != (look.hovered, look.selected):
            return None
        if not face.words_like(entry.face):
            return None
        entry.once = face
        return entry.words

    def made(self, node_id: str, face: Face, look: Look, scale: float) -> QPixmap:
        """The picture, drawn as far as it is not there, and kept."""
        key = (look.hovered, look.selected)
        entry = self._entries.get(node_id)
        if (
            entry is None
            or entry.scale != scale
            or entry.key != key
            or not face.words_like(entry.face)
        ):
            self.drop(node_id)
            blank = self._blank(face, look, scale)
            words = _over(blank, face, scale, lambda p: draw_header(p, face, self._theme))
            entry = self._entries[node_id] = _Kept(face, key, scale, words)
            self._bytes += entry.size
        entry.face = face
        entry.picture = _over(entry.words, face, scale, lambda p: draw_values(p, face, self._theme))
        self._entries.move_to_end(node_id)
        while self._bytes > self._limit and len(self._entries) > 1:
            _, old = self._entries.popitem(last=False)
            self._bytes -= old.size
        return entry.picture

    def _blank(self, face: Face, look: Look, scale: float) -> QPixmap:
        key = scale, look.hovered, look.selected, face.kind
        blank = self._blanks.get(key)
        if blank is None:
            extent = face.extent
            size = max(1, round(extent.width() * scale)), max(1, round(extent.height() * scale))
            empty = QPixmap(*size)
            empty.fill(Qt.GlobalColor.transparent)
            plain = Look(look.hovered, look.selected)
            blank = _over(empty, face, scale, lambda p: draw_blank(p, face, self._theme, plain))
            self._blanks[key] = blank
            while len(self._blanks) > _BLANKS:
                self._blanks.popitem(last=False)
        self._blanks.move_to_end(key)
        return blank


def _over(ground: QPixmap, face: Face, scale: float, draw: Callable[[QPainter], None]) -> QPixmap:
    """A copy of a picture with more drawn on it, in the node's own coordinates."""
    picture = ground.copy()
    painter = QPainter(picture)
    painter.setRenderHints(_SMOOTH)
    painter.scale(scale, scale)
    painter.translate(-face.extent.topLeft())
    draw(painter)
    painter.end()
    return picture

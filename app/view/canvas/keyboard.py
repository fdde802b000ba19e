"""The canvas by keys alone: going from node to node, and wiring by arrows or by a name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from app.text import pretty_name, tr
from app.view.canvas.gestures.gesture import Pointer
from app.view.canvas.gestures.wiring import Wire
from engine.graph import Port

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

Direction = tuple[int, int]
Key = TypeVar("Key", bound=Hashable)

LEFT, RIGHT = (-1, 0), (1, 0)
ARROWS: Mapping[int, Direction] = {
    Qt.Key.Key_Left: LEFT, Qt.Key.Key_Right: RIGHT, Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip
_FAR_AWAY = QPointF(-1e5, -1e5)


def nearest(place: QPointF, towards: Direction, places: Mapping[Key, QPointF]) -> Key | None:
    """What lies next in a direction; what stands far to the side counts as farther away."""
    across, down = towards
    best: tuple[float, Key] | None = None
    for key, other in places.items():
        x, y = other.x() - place.x(), other.y() - place.y()
        along, aside = x * across + y * down, abs(x * down + y * across)
        if along < 2 or aside > 4 * along:
            continue
        score = along + 2 * aside
        if best is None or score < best[0]:
            best = score, key
    return best[1] if best else None


class Walk:
    """Going from the selected node to what it reads, what reads it, and what stands above or below.

    Going back the way one came leads to where one was.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._last: tuple[str, Direction, str] | None = None

    def step(self, towards: Direction, extend: bool = False) -> None:
        session = self._canvas.session
        chosen = session.selection
        if not chosen:
            following = self._first()
        else:
            following = self._following(chosen[-1], towards)
        if following is None:
            return
        if chosen:
            self._last = chosen[-1], towards, following
        kept = [n for n in chosen if n != following] if extend else []
        session.select((*kept, following))
        self._canvas.show_node(following)

    def _following(self, node_id: str, towards: Direction) -> str | None:
        back = (-towards[0], -towards[1])
        graph = self._canvas.session.graph
        nodes = self._canvas.board.nodes
        if towards == LEFT:
            known = [
                graph.links[k] for p in graph.ports(node_id) if (k := (node_id, p)) in graph.links
            ]
        elif towards == RIGHT:
            here = nodes[node_id].body().center().y()
            known = sorted(
                graph.structure.successors(node_id),
                key=lambda n: (abs(nodes[n].body().center().y() - here), nodes[n].x()),
            )
        else:
            known = [n for n in nodes if n != node_id]
        if self._last is not None and self._last[1:] == (back, node_id) and self._last[0] in known:
            return self._last[0]
        if towards in (LEFT, RIGHT):
            return known[0] if known else None
        places = {n: nodes[n].body().center() for n in known}
        return nearest(nodes[node_id].body().center(), towards, places)

    def _first(self) -> str | None:
        """Without a selection: the node nearest to the middle of the view."""
        centre = self._canvas.centre()

        def distance(node_id: str) -> float:
            off = self._canvas.board.nodes[node_id].body().center() - centre
            return off.x() ** 2 + off.y() ** 2

        return min(self._canvas.board.nodes, key=distance, default=None)


class KeyWire(Wire):
    """A wire that is drawn by keys: arrows, Tab or a typed name move its free end from port to port,
    Enter connects and Esc gives up. What fits and what connecting does are those of the mouse.
    """

    takes_keys, pans_at_edges = True, False

    def __init__(self, canvas: Canvas, source: str | None = None, end: Port | None = None) -> None:
        nodes = canvas.board.nodes
        place = nodes[source].output_at() if source else QPointF()
        if end is not None:
            place = nodes[end[0]].port_at(end[1])
        # A start far away: a wire of the mouse begins only once the pointer has moved.
        start = Pointer(_FAR_AWAY, place, Qt.KeyboardModifier.NoModifier)
        super().__init__(canvas, start, source=source, end=end)
        self._typed = ""
        self._known: Mapping[str, frozenset[str]] | None = None
        fixed = source or (end[0] if end else "")
        places: dict[tuple[str, str], QPointF] = {}
        for node_id, ports in self._fitting().items():
            if node_id != fixed and node_id in nodes:
                for port in ports:
                    item = nodes[node_id]
                    places[node_id, port] = item.port_at(port) if port else item.output_at()
        order = sorted(places, key=lambda k: (places[k].x(), places[k].y()))
        self._choices = {key: places[key] for key in order}
        self._taken_ends = {
            (n, p.name) for n in {k[0] for k in places} for p in nodes[n].face.ports
            if p.linked or p.literal
        }  # fmt: skip
        self._chosen: tuple[str, str] | None = None

    def begin(self, wanted: str | None = None) -> bool:
        """Aims at a node, or at the nearest free port; False where nothing fits."""

        def far(key: tuple[str, str]) -> tuple[bool, bool, bool, float]:
            off = self._choices[key] - self.start.scene
            behind = off.x() < 0 if self._source is not None else off.x() > 0
            return key[0] != wanted, key in self._taken_ends, behind, off.manhattanLength()

        if not self._choices:
            return False
        self._aim_at(min(self._choices, key=far))
        return True

    def _aim_at(self, key: tuple[str, str]) -> None:
        self._chosen = key
        self.canvas.show_node(key[0])
        self.move(self.start)
        self._tell()

    def _tell(self) -> None:
        canvas, graph = self.canvas, self.canvas.session.graph
        assert self._chosen is not None
        node_id, port = self._chosen
        if self._source is not None:
            way = f"{pretty_name(graph.name(self._source))} → {pretty_name(graph.name(node_id))}"
            way = f"{way}, {tr('port')} {port}"
        else:
            assert self._end is not None
            way = f"{pretty_name(graph.name(node_id))} → {pretty_name(graph.name(self._end[0]))}"
            way = f"{way}, {tr('port')} {self._end[1]}"
        typed = f" · “{self._typed}”" if self._typed else ""
        keys = tr("arrows or a name, Enter, Esc")
        canvas.banner.tell("wire", f"{tr('Connect')} {way}{typed} · {keys}")

    def _fitting(self) -> Mapping[str, frozenset[str]]:
        if self._known is None:
            self._known = super()._fitting()
        return self._known

    def _target(self, pointer: Pointer) -> tuple[str, str] | None:
        return self._chosen

    def move(self, pointer: Pointer) -> None:
        """The mouse has no say; the free end is at the chosen port."""
        if self._chosen is not None:
            place = self._choices[self._chosen]
            view = self.canvas.viewportTransform().map(place)
            super().move(Pointer(view, place, Qt.KeyboardModifier.NoModifier))

    def connect(self) -> None:
        """Ends at the chosen port, as one undo step."""
        assert self._chosen is not None
        place = self._choices[self._chosen]
        view = self.canvas.viewportTransform().map(place)
        self.release(Pointer(view, place, Qt.KeyboardModifier.NoModifier))

    def _unlight(self) -> None:
        super()._unlight()
        self.canvas.banner.tell("wire", "")

    # ------------------------------------------------------------ keys

    def key(self, event: QKeyEvent) -> bool:
        """Takes a key; False for Esc and for keys that go on to the window."""
        key, chosen = event.key(), self._chosen
        assert chosen is not None
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.canvas.finish_keys()
        elif key in ARROWS:
            others = {k: place for k, place in self._choices.items() if k != chosen}
            following = nearest(self._choices[chosen], ARROWS[key], others)
            self._typed = ""
            self._aim_at(following or chosen)
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            order = list(self._choices)
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = -1 if shifted or key == Qt.Key.Key_Backtab else 1
            self._typed = ""
            self._aim_at(order[(order.index(chosen) + step) % len(order)])
        elif key == Qt.Key.Key_Backspace:
            self._type(self._typed[:-1])
        elif event.text().isprintable() and event.text().strip():
            self._type(self._typed + event.text())
        else:
            return False
        return True

    def _type(self, text: str) -> None:
        """Letters pick a port by the node's name, `u.b` by the port's as well."""
        graph, wanted = self.canvas.session.graph, text.casefold()

        def called(key: tuple[str, str]) -> str:
            return f"{graph.name(key[0])}.{key[1]}".casefold()

        fitting = [key for key in self._choices if called(key).startswith(wanted)]
        self._typed = text

        def rank(key: tuple[str, str]) -> tuple[bool, bool]:
            return graph.name(key[0]).casefold() != wanted.partition(".")[
                0
            ], key in self._taken_ends

        if fitting and text:
            self._aim_at(min(fitting, key=rank))
        else:
            self._tell()


def wire_by_keys(canvas: Canvas, back: bool = False) -> None:
    """Begins a wire at the selected node: from its output, or `back` from its first free port.

    A second selected node is what it aims at first.
    """
    board, graph = canvas.board, canvas.session.graph
    node_id, *others = canvas.session.selection
    if back:
        ports = board.nodes[node_id].face.ports
        free = [p for p in ports if not p.linked and not p.literal]
        if not ports:
            canvas.say_at(node_id, f"{graph.name(node_id)} {tr('reads nothing; it is a source')}")
            return
        wire = KeyWire(canvas, end=(node_id, (free or list(ports))[0].name))
    else:
        wire = KeyWire(canvas, source=node_id)
    canvas.take_keys(wire)
    if not wire.begin(others[0] if others else None):
        canvas.take_keys(None)
        canvas.say_at(
            node_id, f"{tr('there is no node that can be connected with')} {graph.name(node_id)}"
        )

"""Thousands of random gestures on the real window: nothing crashes, nothing dangles, the scene is
the document's.

A storm is a seed. Between two checks a few gestures are made with real events: drags that start and
end anywhere, half-made ones that Esc or undo meets, keys, drops, typed searches, actions. Then the
document has to be sound, the scene has to equal one that is built anew, and at the end undoing
everything gives the first bytes back and redoing the last ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import networkx as nx
import pytest
from hands import CONTROL, LEFT, PLAIN, RIGHT, drop, hover
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app import actions
from app.view.canvas.board import Board
from app.view.canvas.view import Canvas
from app.view.window import Window
from engine import examples, files
from engine.compose import compose
from engine.graph import Graph, has_port

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
MIDDLE = Qt.MouseButton.MiddleButton
PROGRAMS = (
    "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)",
    "h = tanh(x @ W + b); z = h @ V; J = mean(square(z))",
    "",
)
# Everything but what asks a file or a question of its own window, or trains in a process.
WILD = [
    a for a in actions.ACTIONS
    if not a.title.endswith("…") and a.id.split(".")[0] not in ("file", "train", "help")
    and a.id not in ("step.play", "view.theme")
]  # fmt: skip
DROPPED = ("sin", "add", "matmul", "sum", "input", "parameter", "concat", "Dense", "reroute")
TYPED = ("sin", "add", "*", "relu", "sum", "concat", "mse", "zzz", "cos(x) + 1", "")


class Storm:
    """Random gestures of one seed; `log` says what was done."""

    def __init__(self, window: Window, seed: int) -> None:
        self.window, self.canvas = window, window.canvas
        self.rng = random.Random(seed)
        self.log: list[str] = []
        self.kinds: list[Callable[[], object]] = [
            *[self.drag] * 6, *[self.wire] * 5, *[self.action] * 8, self.click, self.double_click,
            self.wheel, self.cut, self.take_out, self.half, self.half, self.drop, self.drop,
            self.search, self.escape, self.undo, self.undo, self.menu, self.nudge, self.pan,
        ]  # fmt: skip

    def gesture(self) -> None:
        kind = self.rng.choice(self.kinds)
        self.log.append(kind.__name__)
        kind()
        self.settle()

    # ------------------------------------------------------------ places

    @property
    def view(self) -> QPoint:
        size = self.canvas.viewport().size()
        return QPoint(size.width(), size.height())

    def anywhere(self) -> QPoint:
        return QPoint(
            self.rng.randrange(4, self.view.x() - 4), self.rng.randrange(4, self.view.y() - 4)
        )

    def seen(self, place: QPointF) -> QPoint:
        point = self.canvas.viewportTransform().map(place).toPoint()
        return QPoint(
            min(max(point.x(), 2), self.view.x() - 2), min(max(point.y(), 2), self.view.y() - 2)
        )

    def on_something(self) -> QPoint:
        """A node's middle, a port, a wire, a note, a frame's title, or anywhere."""
        board, rng = self.canvas.board, self.rng
        if board.notes.items and rng.random() < 0.2:
            note = board.notes.items[rng.choice(list(board.notes.items))]
            area = note.title(self.canvas.zoom) if note.is_frame else note.area()
            return self.seen(rng.choice((area.center(), note.area().bottomRight())))
        if not board.nodes or rng.random() < 0.15:
            return self.anywhere()
        item = board.nodes[rng.choice(list(board.nodes))]
        choice = rng.random()
        if choice < 0.4:
            return self.seen(item.body().center())
        if choice < 0.6:
            return self.seen(item.output_at())
        ports = item.face.ports
        if ports and choice < 0.85:
            return self.seen(item.port_at(rng.choice(ports).name))
        if board.wires:
            wire = board.wires[rng.choice(list(board.wires))]
            return self.seen(QPointF(*rng.choice(wire.points())))
        return self.anywhere()

    # ------------------------------------------------------------ gestures

    def press(
        self, button: Qt.MouseButton, keys: Qt.KeyboardModifier, start: QPoint, end: QPoint
    ) -> None:
        port = self.canvas.viewport()
        QTest.mousePress(port, button, keys, start)
        for i in range(1, 4):
            QTest.mouseMove(port, start + (end - start) * i / 3)

    def drag(self) -> None:
        start, end = self.on_something(), self.on_something()
        keys = self.rng.choice((PLAIN, PLAIN, PLAIN, SHIFT, CONTROL))
        self.press(LEFT, keys, start, end)
        QTest.mouseRelease(self.canvas.viewport(), LEFT, keys, end)

    def wire(self) -> None:
        nodes = list(self.canvas.board.nodes.values())
        if len(nodes) < 2:
            return self.drop()
        one, other = self.rng.sample(nodes, 2)
        ends = [self.seen(one.output_at()), self.seen(other.body().center())]
        if other.face.ports and self.rng.random() < 0.6:
            ends[1] = self.seen(other.port_at(self.rng.choice(other.face.ports).name))
        if self.rng.random() < 0.3:
            ends.reverse()
        self.press(LEFT, PLAIN, *ends)
        QTest.mouseRelease(self.canvas.viewport(), LEFT, PLAIN, ends[1])

    def pan(self) -> None:
        start, end = self.anywhere(), self.anywhere()
        self.press(MIDDLE, PLAIN, start, end)
        QTest.mouseRelease(self.canvas.viewport(), MIDDLE, PLAIN, end)

    def cut(self) -> None:
        start, end = self.anywhere(), self.anywhere()
        self.press(RIGHT, CONTROL, start, end)
        QTest.mouseRelease(self.canvas.viewport(), RIGHT, CONTROL, end)

    def take_out(self) -> None:
        QTest.keyPress(self.canvas, Qt.Key.Key_X)
        self.drag()
        QTest.keyRelease(self.canvas, Qt.Key.Key_X)

    def half(self) -> None:
        """A drag that is not let go before something else happens."""
        start, end = self.on_something(), self.on_something()
        self.press(LEFT, PLAIN, start, end)
        rng, session = self.rng, self.window.session
        for _ in range(rng.choice((1, 1, 2, 3))):
            rng.choice(
                (
                    self.escape, session.history.undo, session.history.redo, self.action, self.nudge,
                    session.leave, self.enter,
                    lambda: QTest.keyClick(self.canvas, Qt.Key.Key_Delete),
                    lambda: QTest.keyClick(self.canvas, Qt.Key.Key_Return),
                    lambda: QTest.mouseClick(self.canvas.viewport(), RIGHT, PLAIN, end),
                    lambda: QTest.mouseMove(self.canvas.viewport(), self.anywhere()),
                )
            )()  # fmt: skip
        if rng.random() < 0.2:  # let go where nobody saw it
            hover(self.canvas, self.anywhere())
        QTest.mouseRelease(self.canvas.viewport(), LEFT, PLAIN, end)

    def enter(self) -> None:
        """Looks into a module, if there is one."""
        session = self.window.session
        instances = [n for n in session.graph.nodes if session.graph.op(n).definition is not None]
        if instances:
            session.enter(self.rng.choice(instances))

    def click(self) -> None:
        QTest.mouseClick(
            self.canvas.viewport(),
            LEFT,
            self.rng.choice((PLAIN, SHIFT, CONTROL)),
            self.on_something(),
        )

    def double_click(self) -> None:
        QTest.mouseDClick(self.canvas.viewport(), LEFT, PLAIN, self.on_something())
        self.type()

    def wheel(self) -> None:
        at = QPointF(self.anywhere())
        turn = QPoint(0, self.rng.choice((-240, -120, 120, 240)))
        event = QWheelEvent(
            at, QPointF(self.canvas.viewport().mapToGlobal(at.toPoint())), QPoint(), turn,
            Qt.MouseButton.NoButton, PLAIN, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas.viewport(), event)

    def drop(self) -> None:
        drop(self.canvas, self.rng.choice(DROPPED), self.on_something())

    def search(self) -> None:
        QTest.keyClick(self.canvas, Qt.Key.Key_Tab)
        self.type()

    def type(self) -> None:
        """Types into whatever asks for text now."""
        focus = QApplication.focusWidget()
        if focus is None or focus is self.canvas:
            return
        text = self.rng.choice((*TYPED, "1.5", "[1, 2]", "w", "@", "-3e2"))
        QTest.keyClicks(focus, text)
        QTest.keyClick(
            focus, self.rng.choice((Qt.Key.Key_Return, Qt.Key.Key_Return, Qt.Key.Key_Escape))
        )

    def action(self) -> None:
        action = self.rng.choice(WILD)
        self.log[-1] = action.id
        self.window.commands.run(action.id)

    def nudge(self) -> None:
        for _ in range(self.rng.randrange(1, 4)):
            key = self.rng.choice(
                (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
            )
            QTest.keyClick(self.canvas, key, self.rng.choice((PLAIN, SHIFT, ALT)))

    def menu(self) -> None:
        QTest.mouseClick(self.canvas.viewport(), RIGHT, PLAIN, self.on_something())

    def escape(self) -> None:
        QTest.keyClick(self.canvas, Qt.Key.Key_Escape)

    def undo(self) -> None:
        step = self.rng.choice((self.window.session.history.undo, self.window.session.history.redo))
        for _ in range(self.rng.randrange(1, 6)):
            step()

    def settle(self) -> None:
        """Menus and boxes close; the canvas has the keyboard again; the document stays small."""
        for menu in [
            w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible()
        ]:
            menu.close()
        focus = QApplication.focusWidget()
        if focus is not None and focus is not self.canvas:
            QTest.keyClick(focus, Qt.Key.Key_Escape)
        self.canvas.setFocus()
        session = self.window.session
        if len(session.graph.nodes) > 60:
            session.select(list(session.graph.nodes)[20:])
            self.canvas.delete_selection()
        if self.rng.random() < 0.1 or not 0.2 < self.canvas.zoom < 3:
            self.canvas.fit()
        QApplication.processEvents()


# ------------------------------------------------------------ what has to hold


def sound(graph: Graph) -> list[str]:
    """What is wrong with a document; nothing should be."""
    wrong = []
    for (target, port), source in graph.links.items():
        if target not in graph.nodes or source not in graph.nodes:
            wrong.append(f"a dangling link {source} to {target}.{port}")
        elif not has_port(graph.op(target), port):
            wrong.append(f"{target} has no port {port}")
    if not nx.is_directed_acyclic_graph(graph.structure):
        wrong.append("a circle")
    edges = {(s, t, p) for s, t, p in graph.structure.edges(keys=True)}
    if edges != {(s, t, p) for (t, p), s in graph.links.items()}:
        wrong.append("the structure is not that of the links")
    names = [n.name for n in graph.nodes.values()]
    if len(set(names)) < len(names):
        wrong.append("a name stands twice")
    for definition in graph.modules.values():
        wrong += sound(definition)
    return wrong


def drawn(board: Board) -> dict[str, object]:
    """What a board shows, by id, states of the pointer apart."""
    found: dict[str, object] = {}
    for node_id, item in board.nodes.items():
        face = item.face
        found[node_id] = (
            item.pos().toTuple(), face.name, face.formula, face.ports, face.value, face.gradient,
            face.shape, face.fault, face.waiting, face.step, face.muted, item.look.selected,
        )  # fmt: skip
    for note_id, note in board.notes.items.items():
        found[note_id] = note.area().getRect(), note.note, note.look, note.zValue()
    for key, wire in board.wires.items():
        face = wire.face
        ends = [p.toTuple() for p in wire.ends]
        found[str(key)] = (
            wire.source,
            ends,
            face.value,
            face.gradient,
            face.step,
            wire.isVisible(),
        )
    return found


def anew(canvas: Canvas) -> Board:
    board = Board(canvas.session, canvas.theme)
    board.stepping = canvas.board.stepping
    board.synchronize()
    board.show_values()
    board.show_selection()
    return board


def check(storm: Storm) -> None:
    canvas, session = storm.canvas, storm.window.session
    assert sound(session.root) == [] and sound(session.graph) == []
    canvas._motion.finish()
    canvas.flush()
    shown, fresh = drawn(canvas.board), drawn(anew(canvas))
    differing = {
        k: (shown.get(k), fresh.get(k)) for k in {*shown, *fresh} if shown.get(k) != fresh.get(k)
    }
    assert not differing, "\n".join(
        f"{k}: shown {a}\n  anew {b}" for k, (a, b) in differing.items()
    )
    assert set(session.selection) <= set(session.graph.nodes)
    assert set(session.notes_selected) <= set(session.graph.notes)
    data = files.to_bytes(session.root)
    assert files.to_bytes(files.from_bytes(data)) == data


def beginning(seed: int) -> Graph:
    text = PROGRAMS[seed % len(PROGRAMS)]
    matrices = {"x": [[1.0, 2.0]], "W": [[1.0] * 3] * 2, "b": [0.0] * 3, "V": [[1.0]] * 3}
    if not text:
        return Graph()
    return compose(text, matrices if "W" in text else None, default=0.5)


def blow(window: Window, seed: int, gestures: int) -> int:
    """One storm; returns how many undo steps it left."""
    graph = beginning(seed)
    window.session.load(graph)
    window.show_editor()
    storm = Storm(window, seed)
    first = files.to_bytes(graph)
    for number in range(gestures):
        try:
            storm.gesture()
            if number % 5 == 4:
                check(storm)
        except BaseException:
            print(f"\nseed {seed}, gesture {number}: {storm.log[-12:]}")
            raise
    check(storm)
    history = window.session.history
    while history.redo() is not None:
        pass
    last, steps = files.to_bytes(history.graph), len(history.labels)
    while history.undo() is not None:
        pass
    assert files.to_bytes(history.graph) == first, f"seed {seed}: undone, other bytes"
    while history.redo() is not None:
        pass
    assert files.to_bytes(history.graph) == last, f"seed {seed}: redone, other bytes"
    check(storm)
    return steps


@pytest.fixture
def still(window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A window whose clipboard and recent usage are its own."""
    QApplication.clipboard().clear()
    yield window
    window.session.load(Graph())


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_gestures(still: Window, seed: int) -> None:
    assert blow(still, seed, 60) > 5


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_storm_of_ten_thousand_gestures(still: Window) -> None:
    first, count = int(os.environ.get("GRADLOOM_STORM", "100")), 100
    steps = sum(blow(still, seed, 100) for seed in range(first, first + count))
    print(f"\n10,000 gestures, {steps:,} undo steps")
    assert steps > 2_000


def test_a_storm_over_the_shipped_modules(still: Window) -> None:
    """Entered, edited inside and left, among other things."""
    session = still.session
    session.load(examples.load("worked-example"))
    still.show_editor()
    storm = Storm(still, 7)
    for name in ("Dense", "MLP"):
        drop(still.canvas, name, storm.anywhere())
    for number in range(40):
        if number % 8 == 0:
            instances = [
                n for n in session.graph.nodes if session.graph.op(n).definition is not None
            ]
            if instances:
                session.enter(storm.rng.choice(instances))
        storm.gesture()
        if number % 5 == 4:
            check(storm)


# ------------------------------------------------------------ planted defects


def test_planted_lost_wire_is_caught(still: Window) -> None:
    still.session.load(compose(PROGRAMS[0], default=0.5))
    still.show_editor()
    storm = Storm(still, 1)
    check(storm)
    board = still.canvas.board
    board._forget_wire(next(iter(board.wires)))
    with pytest.raises(AssertionError):
        check(storm)


def test_planted_stale_face_is_caught(still: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    still.session.load(compose(PROGRAMS[0], default=0.5))
    still.show_editor()
    storm = Storm(still, 1)
    monkeypatch.setattr(still.canvas.board, "show_values", lambda: None)
    still.session.seek(3)
    with pytest.raises(AssertionError):
        check(storm)


def test_planted_dangling_link_is_caught(still: Window) -> None:
    graph = compose(PROGRAMS[0], default=0.5)
    assert sound(graph) == []
    graph.links["n99", "x"] = "n1"
    assert sound(graph)

"""What the canvas keeps so as to be fast is what a canvas made anew would show, and is let go of."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hands import Open, node
from PySide6.QtCore import QCoreApplication, QEvent, QRectF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QGraphicsItem
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view import theme
from app.view.canvas import Canvas
from app.view.canvas.board import Board
from app.view.canvas.boxes import Boxes
from app.view.canvas.node_item import NodeItem
from app.view.canvas.pictures import Pictures
from app.view.canvas.wire_item import WireItem
from engine import ops
from engine.compose import compose
from engine.edits import (
    add_node,
    connect,
    disconnect,
    move,
    remove_nodes,
    rename,
    set_literal,
    set_options,
    set_tensor,
)
from engine.graph import Graph, GraphError

PROGRAM = "; ".join(
    ["t=x^2", "u1=sin(t)", "u2=3*t", "u=u1+u2"]
    + [f"a{i}=tanh({'u' if i == 0 else f'a{i - 1}'} * w{i})" for i in range(6)]
    + ["J=cos(a5)"]
)


def opened(qtbot: QtBot, graph: Graph, size: tuple[int, int] = (900, 500)) -> Canvas:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    canvas = Canvas(Session(graph), theme.apply(app, "dark"))
    qtbot.addWidget(canvas, before_close_func=lambda c: c.detach() if c.scene() else None)
    canvas.reduced_motion = True
    canvas.minimap._on = False
    canvas.resize(*size)
    canvas.show()
    qtbot.waitExposed(canvas)
    canvas.fit()
    settle(canvas)
    return canvas


def settle(canvas: Canvas) -> None:
    canvas.flush()
    canvas._sharpen()
    canvas.notice.hide()
    for _ in range(3):
        QCoreApplication.sendPostedEvents()
        QCoreApplication.processEvents()


# ------------------------------------------------------------------------- kept and anew


def anew(canvas: Canvas) -> Board:
    """A board of the same session, made now."""
    board = Board(canvas.session, canvas.theme)
    board.stepping = canvas.board.stepping
    board.synchronize()
    board.show_values()
    board.show_selection()
    return board


def differences(kept: Board, made: Board) -> list[str]:
    found = []
    if kept.nodes.keys() != made.nodes.keys() or kept.wires.keys() != made.wires.keys():
        return ["other nodes or wires"]
    for node_id, item in kept.nodes.items():
        other = made.nodes[node_id]
        if item.face != other.face and not item.face.same(other.face):
            found.append(f"face of {node_id}: {item.face} is not {other.face}")
        if item.look != other.look or item.pos() != other.pos() or item.body() != other.body():
            found.append(f"look or place of {node_id}")
        if item.corner() != other.corner() or item.far() != other.far():
            found.append(f"what is kept of the place of {node_id}")
    for key, wire in kept.wires.items():
        twin = made.wires[key]
        if (wire.source, wire.ends, wire.path) != (twin.source, twin.ends, twin.path):
            found.append(f"ends of {key}")
        if wire.face != twin.face or wire.labels() != twin.labels():
            found.append(f"face of {key}: {wire.face} is not {twin.face}")
    everywhere = (QRectF(-1e6, -1e6, 2e6, 2e6),)
    for one, two in ((kept.node_boxes, made.node_boxes), (kept.wire_boxes, made.wire_boxes)):
        if {*one.touching(everywhere)} != {*two.touching(everywhere)}:  # type: ignore[misc]
            found.append("boxes")
    return found


def on_screen(canvas: Canvas) -> QImage:
    """What was painted, not what would be painted now."""
    return canvas.screen().grabWindow(canvas.winId()).toImage()


def painted_anew(canvas: Canvas) -> QImage:
    """The same part of the document by a canvas that has kept nothing."""
    pictures, canvas.board.pictures = canvas.board.pictures, Pictures(canvas.theme)
    image = canvas.grab().toImage()
    canvas.board.pictures = pictures
    return image


def differ(one: QImage, other: QImage) -> int:
    """How many places look different; curves that are cut off elsewhere differ by a rounding."""
    pixels = []
    for image in (one, other):
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        pixels.append(np.frombuffer(image.constBits(), np.uint8).astype(np.int16))
    return int(np.count_nonzero(np.abs(pixels[0] - pixels[1]) > 3))


class Hand:
    """Does something at random to a document, or looks at it another way."""

    def __init__(self, canvas: Canvas, seed: int) -> None:
        self.canvas, self.dice = canvas, random.Random(seed)

    def any(self) -> str:
        nodes = list(self.canvas.session.graph.nodes)
        return self.dice.choice(nodes) if nodes else ""

    def __call__(self) -> None:
        dice, canvas, session = self.dice, self.canvas, self.canvas.session
        graph, one, other = session.graph, self.any(), self.any()
        if not one:
            session.history.undo()
            return
        place = dice.uniform(-200, 1800), dice.uniform(-200, 400)
        edits: dict[str, Callable[[], object]] = {
            "move": lambda: session.do(move(graph, {one: place}), "Move"),
            "rename": lambda: session.do(rename(graph, one, f"q{dice.randrange(999)}"), "Rename"),
            "add": lambda: session.do(
                add_node(graph, dice.choice(["sin", "add", "input", "sum"]), at=place)[0], "Add"
            ),
            "remove": lambda: session.do(remove_nodes(graph, [one]), "Remove"),
            "connect": lambda: session.do(
                connect(one, other, dice.choice(graph.ports(other) or ("x",))), "Connect"
            ),
            "disconnect": lambda: session.do(
                disconnect(*dice.choice(list(graph.links) or [("n1", "x")])), "Disconnect"
            ),
            "literal": lambda: session.do(
                set_literal(graph, one, dice.choice(graph.ports(one) or ("x",)), dice.random()),
                "Set",
            ),
            "value": lambda: session.do(
                set_tensor(
                    dice.choice(graph.of_op(*ops.HOLDS_TENSOR)),
                    dice.choice([dice.random(), [dice.random(), 2.0]]),
                ),
                "Set",
            ),
            "freeze": lambda: session.do(set_options(graph, one, {"trainable": False}), "Freeze"),
            "undo": session.history.undo,
            "redo": session.history.redo,
            "seek": lambda: session.seek(dice.randrange(len(session.steps) + 1)),
            "end": lambda: session.seek(len(session.steps)),
            "next": lambda: session.seek(session.cursor + 1),
            "select": lambda: session.select((one, other)),
            "hover": lambda: canvas.board.hover(one, None),
            "leave": lambda: canvas.board.hover(None, None),
            "pan": lambda: canvas.pan(dice.randrange(-60, 60), dice.randrange(-40, 40)),
            "zoom": lambda: canvas.zoom_to(dice.choice([0.12, 0.3, 0.5, 0.8, 1.0])),
            "wheel": lambda: canvas.zoom_by(dice.choice([0.8, 1.25])),
            "fit": canvas.fit,
        }
        try:
            edits[dice.choice(list(edits))]()
        except (GraphError, ValueError, IndexError):
            pass  # refused: the canvas must not mind


@pytest.mark.parametrize("seed", range(4))
def test_a_board_kept_up_to_date_is_one_made_anew(qtbot: QtBot, seed: int) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5))
    hand = Hand(canvas, seed)
    for _ in range(60):
        hand()
        if hand.dice.random() < 0.5:
            settle(canvas)
            canvas.board.hover(None, None)
            assert differences(canvas.board, anew(canvas)) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_screen_shows_what_would_be_painted_anew(qtbot: QtBot, seed: int) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5), (700, 400))
    hand = Hand(canvas, 100 + seed)
    for _ in range(40):
        hand()
        settle(canvas)
        # A busy display server shows it a moment later; what was forgotten stays as it was.
        qtbot.waitUntil(lambda: differ(on_screen(canvas), painted_anew(canvas)) == 0, timeout=5000)


@pytest.mark.parametrize("seed", range(3))
def test_so_it_does_where_the_view_moves_before_it_is_painted(qtbot: QtBot, seed: int) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5), (700, 400))
    hand = Hand(canvas, 200 + seed)
    canvas.look(canvas.board.nodes[hand.any()].body().center(), 1.0)
    settle(canvas)
    for turn in range(20):
        canvas.session.seek(hand.dice.randrange(len(canvas.session.steps) + 1))
        canvas.flush()
        canvas.pan(hand.dice.randrange(-30, 30), hand.dice.randrange(-30, 30))
        if turn % 4 == 3:
            hand()
        settle(canvas)
        qtbot.waitUntil(lambda: differ(on_screen(canvas), painted_anew(canvas)) == 0, timeout=5000)


def _nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [
        (NodeItem, "repaint", _nothing),
        (WireItem, "repaint", _nothing),
        (Pictures, "kept", lambda self, n, *_: getattr(self._entries.get(n), "picture", None)),
    ],
    ids=["a node is not repainted", "nor a wire", "old pictures stay"],
)
def test_the_comparison_finds_what_was_forgotten(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, planted: object
) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5), (700, 400))
    node_id = canvas.session.graph.id_of("u")
    assert node_id is not None
    canvas.look(canvas.board.nodes[node_id].body().center(), 0.8)
    settle(canvas)
    monkeypatch.setattr(owner, name, planted)
    found = 0
    for turn in range(1, 4):
        node = canvas.session.graph.nodes[node_id]
        canvas.session.do(move(canvas.session.graph, {node_id: (node.x, node.y + 30)}), "Move")
        canvas.session.seek(turn)
        settle(canvas)
        found += differ(on_screen(canvas), painted_anew(canvas))
    assert found


@pytest.mark.parametrize("name", ["_settle", "freshen"])
def test_the_comparison_with_a_new_board_finds_what_was_forgotten(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5))
    monkeypatch.setattr(canvas.board, name, lambda item: None)
    node_id = canvas.session.graph.id_of("u")
    assert node_id is not None
    canvas.session.do(move(canvas.session.graph, {node_id: (5.0, 400.0)}), "Move")
    canvas.session.seek(7)
    settle(canvas)
    assert differences(canvas.board, anew(canvas))


# ------------------------------------------------------------------------- from afar, and still


def test_from_afar_the_same_nodes_are_seen(qtbot: QtBot) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5))
    canvas.look(canvas.board.content().center(), 0.2)
    gone = canvas.session.graph.id_of("J")
    chosen = canvas.session.graph.id_of("t")
    assert gone is not None and chosen is not None
    bodies = {n: i.body() for n, i in canvas.board.nodes.items()}
    canvas.session.do(remove_nodes(canvas.session.graph, [gone]), "Remove")
    canvas.session.select([chosen])
    settle(canvas)
    image = on_screen(canvas)
    for node_id, body in bodies.items():
        colour = image.pixelColor(canvas.viewportTransform().map(body.center()).toPoint())
        if node_id == gone:
            assert colour in (canvas.theme.canvas, canvas.theme.dot)
        elif node_id == chosen:
            assert colour == canvas.theme.accent
        else:
            assert colour not in (canvas.theme.canvas, canvas.theme.accent)


def test_pictures_are_sharp_once_the_zoom_is_still(qtbot: QtBot) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5))
    canvas.zoom_to(0.8)
    settle(canvas)
    for _ in range(3):
        canvas.zoom_by(1.1)
        canvas.viewport().repaint()
    assert canvas.board.unsharp
    qtbot.waitUntil(lambda: not canvas.board.moving)
    settle(canvas)
    assert differ(on_screen(canvas), painted_anew(canvas)) == 0


def test_a_step_touches_what_it_changes(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    canvas = opened(qtbot, compose(PROGRAM, default=0.5))
    canvas.session.seek(5)
    canvas.flush()
    touched: list[str] = []
    freshen = Board.freshen
    monkeypatch.setattr(
        Board, "freshen", lambda self, item: (touched.append(item.node_id), freshen(self, item))
    )
    canvas.session.seek(6)
    canvas.flush()
    assert 0 < len(touched) <= 4 < len(canvas.board.nodes)


# ------------------------------------------------------------------------- boxes


def test_boxes_find_what_touches() -> None:
    dice, boxes, kept = random.Random(5), Boxes[int](), dict[int, QRectF]()
    for turn in range(2000):
        key = dice.randrange(300)
        if key in kept and dice.random() < 0.4:
            boxes.drop(key)
            del kept[key]
        else:
            box = QRectF(dice.uniform(0, 900), dice.uniform(0, 900), 40, 30)
            boxes.put(key, box.left(), box.top(), box.right(), box.bottom())
            kept[key] = box
        if turn % 50 == 0:
            areas = [QRectF(dice.uniform(0, 900), dice.uniform(0, 900), 150, 90) for _ in range(2)]
            found = boxes.touching(areas)
            assert len(found) == len(set(found))
            assert set(found) == {k for k, b in kept.items() if any(a.intersects(b) for a in areas)}


# ------------------------------------------------------------------------- memory


def resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_documents_that_are_closed_leave_nothing(qtbot: QtBot) -> None:
    graph = compose(PROGRAM, default=0.5)

    def once() -> None:
        canvas = opened(qtbot, graph.copy())
        canvas.zoom_by(1.2)
        settle(canvas)
        canvas.detach()
        canvas.close()
        canvas.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def items() -> int:
        gc.collect()
        return sum(isinstance(o, QGraphicsItem | WireItem | Board) for o in gc.get_objects())

    for _ in range(10):
        once()
    count, memory = items(), resident()
    for _ in range(int(os.environ.get("GRADLOOM_LONG", "0")) * 70 + 20):
        once()
    assert items() <= count
    assert resident() - memory < 6


def test_no_old_number_stands_in_while_the_zoom_moves(opened: Open) -> None:
    canvas = opened()
    canvas.grab()
    item = canvas.board.nodes[node(canvas, "J")]
    pictures, look, scale = canvas.board.pictures, item.look, canvas.zoom
    assert pictures.kept(item.node_id, item.face, look, scale) is not None
    same = pictures.of_any_scale(item.node_id, item.face, look, 0.9 * scale)
    canvas.session.seek(0)
    canvas.flush()
    other = pictures.of_any_scale(item.node_id, item.face, look, 0.9 * scale)
    assert same is not None and other is not None
    assert other.toImage() != same.toImage()

"""Frames of the real canvas beside a plain one-item-a-node view, in the same run; prints, never judges.

Offscreen raster, 1600x900. A frame is the action and everything until the picture is whole again.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QApplication,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from app.session import Session
from app.view import theme
from app.view.canvas import Canvas
from engine import ops
from engine.edits import Batch, Put, set_tensor, subgraph
from engine.files import to_text
from engine.graph import Graph, Node

SIZE = (1600, 900)
FRAMES = int(os.environ.get("GRADLOOM_BENCH_FRAMES", "30"))
_OPS = ("tanh", "sin", "add", "mul", "sigmoid")


def document(columns: int, rows: int, across: float = 208.0, down: float = 128.0) -> Graph:
    """Single numbers in layers: every node reads one or two of the column before."""
    graph, dice = Graph(), random.Random(7)
    edits = []
    for index in range(columns * rows):
        column, row = divmod(index, rows)
        name, at = f"n{index + 1}", (column * across, row * down)
        if column == 0:
            edits.append(Put("nodes", name, Node(name, "input", f"x{index}", {}, {}, *at)))
            edits.append(set_tensor(name, 0.1 + index / 100))
            continue
        op = _OPS[dice.randrange(len(_OPS))]
        edits.append(Put("nodes", name, Node(name, op, f"v{index}", {}, {}, *at)))
        for port in ops.TABLE[op].inputs:
            other = min(max(row + dice.randrange(-1, 2), 0), rows - 1)
            edits.append(Put("links", (name, port), f"n{(column - 1) * rows + other + 1}"))
    Batch(tuple(edits)).apply(graph)
    return graph


# ------------------------------------------------------------------------- the plain view


class PlainNode(QGraphicsItem):
    """What one writes first: a body, a name and two numbers, painted in Python at every repaint."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.value, self.gradient = name, "0.4794", "−1.234"
        self.setZValue(2)

    def boundingRect(self) -> QRectF:
        return QRectF(-6, -2, 140, 80)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setPen(QPen(QColor("#384152"), 1))
        painter.setBrush(QColor("#222833"))
        painter.drawRoundedRect(QRectF(0, 0, 128, 76), 9, 9)
        painter.setPen(QColor("#e7eaf0"))
        painter.drawText(QRectF(14, 2, 100, 26), Qt.AlignmentFlag.AlignVCenter, self.name)
        painter.setPen(QColor("#3ecf9b"))
        painter.drawText(QRectF(14, 30, 100, 20), Qt.AlignmentFlag.AlignRight, self.value)
        painter.setPen(QColor("#ff8a65"))
        painter.drawText(QRectF(14, 52, 100, 20), Qt.AlignmentFlag.AlignRight, self.gradient)
        painter.setBrush(QColor("#9aa3b2"))
        painter.drawEllipse(QPointF(0, 38), 5, 5)
        painter.drawEllipse(QPointF(128, 38), 5, 5)


class PlainWire(QGraphicsItem):
    def __init__(self, start: PlainNode, end: PlainNode) -> None:
        super().__init__()
        self.start, self.end = start, end
        self.settle()

    def settle(self) -> None:
        self.prepareGeometryChange()
        a, b = self.start.pos() + QPointF(128, 38), self.end.pos() + QPointF(0, 38)
        reach = QPointF((b.x() - a.x()) / 2, 0)
        self.path = QPainterPath(a)
        self.path.cubicTo(a + reach, b - reach, b)

    def boundingRect(self) -> QRectF:
        return self.path.controlPointRect().adjusted(-2, -2, 2, 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setPen(QPen(QColor("#525b6c"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self.path)


class Plain(QGraphicsView):
    """One item a node and a wire, nothing kept."""

    def __init__(self, graph: Graph) -> None:
        self.board = QGraphicsScene()
        super().__init__(self.board)
        self.setRenderHints(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setSceneRect(-50_000, -50_000, 150_000, 150_000)
        self.nodes: dict[str, PlainNode] = {}
        for node in graph.nodes.values():
            item = self.nodes[node.id] = PlainNode(node.name)
            item.setPos(node.x, node.y)
            self.board.addItem(item)
        self.wires: dict[str, list[PlainWire]] = {}
        for (target, _), source in graph.links.items():
            wire = PlainWire(self.nodes[source], self.nodes[target])
            self.board.addItem(wire)
            for end in (source, target):
                self.wires.setdefault(end, []).append(wire)

    def fit(self) -> None:
        self.fitInView(self.board.itemsBoundingRect(), Qt.AspectRatioMode.KeepAspectRatio)

    def pan(self, dx: float, dy: float) -> None:
        for bar, step in ((self.horizontalScrollBar(), dx), (self.verticalScrollBar(), dy)):
            bar.setValue(bar.value() - round(step))

    def zoom_by(self, factor: float) -> None:
        self.scale(factor, factor)

    def move_node(self, node_id: str, by: QPointF) -> None:
        self.nodes[node_id].moveBy(by.x(), by.y())
        for wire in self.wires[node_id]:
            wire.settle()

    def tick(self, text: str) -> None:
        for item in self.nodes.values():
            item.value = item.gradient = text
            item.update()


# ------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Row:
    """Milliseconds: the median and the 95th of 100, beside a goal and the plain view's median."""

    scene: str
    action: str
    goal: float | None
    median: float
    late: float | None
    plain: float | None = None


def settle() -> None:
    """Everything that waits is done, painting included."""
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()


def frames(action: Callable[[int], None], count: int = FRAMES) -> list[float]:
    """Milliseconds a frame; two go first that are not counted."""
    found = []
    for index in range(-2, count):
        start = time.perf_counter()
        action(index)
        settle()
        if index >= 0:
            found.append((time.perf_counter() - start) * 1e3)
    return sorted(found)


def row(
    scene: str,
    name: str,
    goal: float | None,
    ours: list[float],
    plain: list[float] | None = None,
) -> Row:
    late = ours[min(len(ours) - 1, int(len(ours) * 0.95))]
    beside = statistics.median(plain) if plain else None
    return Row(scene, name, goal, statistics.median(ours), late, beside)


def shown(view: QGraphicsView) -> None:
    view.resize(*SIZE)
    view.show()
    settle()


def opened(graph: Graph) -> Canvas:
    """The canvas alone, shown and fitted; nothing glides, so that a frame is a frame."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    canvas = Canvas(Session(graph), theme.apply(app, "dark"))
    canvas.reduced_motion = True
    shown(canvas)
    canvas.fit()
    canvas.flush()
    settle()
    return canvas


def closed(view: QGraphicsView) -> None:
    if isinstance(view, Canvas):
        view.detach()
    else:
        view.setScene(None)
    view.close()
    view.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def panning(view: Canvas | Plain) -> list[float]:
    return frames(lambda i: view.pan(9 if i % 20 < 10 else -9, 5 if i % 20 < 10 else -5))


def zooming(view: Canvas | Plain) -> list[float]:
    """In by a tenth and out again; still for a moment before, as a hand is."""
    return frames(lambda i: view.zoom_by(1.05 if i % 10 < 5 else 1 / 1.05))


def repainting(view: Canvas | Plain, count: int = FRAMES) -> list[float]:
    return frames(lambda i: view.viewport().update(), count)


def mouse(view: Canvas, kind: QEvent.Type, at: QPointF, held: bool) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    where = QPointF(view.viewport().mapToGlobal(at.toPoint()))
    event = QMouseEvent(
        kind, at, where, button, left if held else none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view.viewport(), event)


def dragging(view: Canvas, chosen: list[str]) -> list[float]:
    """A real drag of the chosen nodes by the first one's body; given up at its end."""
    view.session.select(chosen)
    settle()
    start = view.viewportTransform().map(view.board.nodes[chosen[0]].body().center())
    mouse(view, QEvent.Type.MouseButtonPress, start, True)

    def step(index: int) -> None:
        shift = 30 + 4 * (index % 20 if index % 40 < 20 else 20 - index % 20)
        mouse(view, QEvent.Type.MouseMove, start + QPointF(shift, shift / 2), True)
        view.flush()

    found = frames(step)
    view._escape_gesture()
    view.session.select(())
    settle()
    return found


def plain_dragging(view: Plain, chosen: list[str]) -> list[float]:
    def step(index: int) -> None:
        by = 8.0 if index % 20 < 10 else -8.0
        for node_id in chosen:
            view.move_node(node_id, QPointF(by, by / 2))

    return frames(step)


def middle_nodes(canvas: Canvas, count: int) -> list[str]:
    """Nodes nearest to the middle of what is seen."""
    centre, nodes = canvas.centre(), canvas.board.nodes
    return sorted(nodes, key=lambda n: (nodes[n].body().center() - centre).manhattanLength())[
        :count
    ]


def looking(scene: str, goal: float, canvas: Canvas, plain: Plain) -> Iterator[Row]:
    """Pan, zoom and drag, in turns with the plain view."""
    yield row(scene, "pan step", goal, panning(canvas), panning(plain))
    yield row(scene, "zoom step", goal, zooming(canvas), zooming(plain))
    for count in (1, 50):
        chosen = middle_nodes(canvas, count)
        name = "drag a node" if count == 1 else f"drag {count} nodes"
        yield row(scene, name, goal, dragging(canvas, chosen), plain_dragging(plain, chosen))
    yield row(scene, "full repaint", None, repainting(canvas), repainting(plain))


def visible(
    columns: int, rows: int, zoom: float | None, across: float, down: float
) -> Iterator[Row]:
    graph = document(columns, rows, across, down)
    canvas, plain = opened(graph), Plain(graph)
    shown(plain)
    plain.fit()
    if zoom is not None:
        canvas.zoom_to(zoom)
        plain.resetTransform()
        plain.scale(zoom, zoom)
        plain.centerOn(canvas.centre())
    settle()
    area = canvas.mapToScene(canvas.viewport().rect()).boundingRect()
    seen = len(canvas.board.nodes_in(area))
    scene = f"{len(graph.nodes):,} nodes, {seen:,} seen at {canvas.zoom * 100:.0f} %"
    yield from looking(scene, 16.0, canvas, plain)
    yield row(scene, "hover", 16.0, hovering(canvas))
    yield row(scene, "step of the transport", 16.0, stepping(canvas))
    yield row(scene, "ports light up, or no longer", None, lighting(canvas))
    closed(canvas)
    closed(plain)


def lighting(canvas: Canvas) -> list[float]:
    """A wire is begun and given up."""
    every = {n: frozenset(p.name for p in i.face.ports) for n, i in canvas.board.nodes.items()}
    return frames(lambda i: canvas.board.light(None if i % 2 else every), 8)


def hovering(canvas: Canvas) -> list[float]:
    """The mouse runs over the nodes."""
    return frames(
        lambda i: mouse(
            canvas,
            QEvent.Type.MouseMove,
            QPointF(300 + 13.0 * (i % 60), 200 + 7.0 * (i % 40)),
            False,
        )
    )


def stepping(canvas: Canvas) -> list[float]:
    session, middle = canvas.session, len(canvas.session.steps) // 2

    def step(index: int) -> None:
        session.seek(middle + index)
        canvas.flush()

    found = frames(step)
    session.seek(len(session.steps))
    canvas.flush()
    settle()
    return found


def fitted(columns: int, rows: int) -> Iterator[Row]:
    """Everything opened and zoomed to fit."""
    graph = document(columns, rows)
    start = time.perf_counter()
    session = Session(graph)
    evaluated = time.perf_counter()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    canvas = Canvas(session, theme.apply(app, "dark"))
    canvas.reduced_motion = True
    shown(canvas)
    canvas.fit()
    canvas.flush()
    settle()
    end = time.perf_counter()
    begun = time.perf_counter()
    plain = Plain(graph)
    shown(plain)
    plain.fit()
    settle()
    plainly = (time.perf_counter() - begun) * 1e3
    scene = f"{len(graph.nodes):,} nodes, to fit"
    yield row(scene, "open", 3000.0, [(end - start) * 1e3], [plainly])
    yield row(scene, "of which values", None, [(evaluated - start) * 1e3])
    yield row(scene, "full repaint", 50.0, repainting(canvas, 15), repainting(plain, 5))
    yield row(scene, "pan step", 16.0, panning(canvas), panning(plain))
    yield row(scene, "zoom step", 50.0, zooming(canvas))
    yield row(scene, "drag a node", 50.0, dragging(canvas, middle_nodes(canvas, 1)))
    yield row(scene, "step of the transport", 50.0, stepping(canvas))
    yield row(scene, "ports light up, or no longer", None, lighting(canvas))
    closed(canvas)
    closed(plain)


def ticking() -> Iterator[Row]:
    """Every value of 200 nodes changes."""
    graph = document(16, 13)
    canvas, plain = opened(graph), Plain(graph)
    shown(plain)
    plain.fit()
    settle()

    tensors = canvas.session.graph.tensors
    points = [{n: v + turn / 50 for n, v in tensors.items()} for turn in (0, 1)]

    def live(index: int) -> None:
        canvas.session.refresh(points[index % 2])
        canvas.flush()

    scene = f"{len(graph.nodes)} nodes, to fit"
    plainly = frames(lambda i: plain.tick(f"{0.4 + i / 100:.4f}"))
    yield row(scene, "a value tick", 8.0, frames(live), plainly)
    closed(canvas)
    closed(plain)


def editing() -> Iterator[Row]:
    """Paste, delete and undo of 500 nodes beside 500 others."""
    canvas = opened(document(20, 25))
    text = to_text(subgraph(canvas.session.graph, canvas.session.graph.nodes))
    scene = "500 nodes beside 500"
    found: dict[str, list[float]] = {"paste": [], "delete": [], "undo of the deletion": []}
    for _ in range(7):
        QGuiApplication.clipboard().setText(text)
        for name, action in (
            ("paste", canvas.paste),
            ("delete", canvas.delete_selection),
            ("undo of the deletion", canvas.session.history.undo),
        ):
            start = time.perf_counter()
            action()
            canvas.flush()
            settle()
            found[name].append((time.perf_counter() - start) * 1e3)
        canvas.session.history.undo()
        canvas.flush()
        settle()
    for name, times in found.items():
        yield row(scene, name, 300.0, sorted(times))
    closed(canvas)


def resident() -> float:
    """MB of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def reopening() -> Iterator[Row]:
    """Memory after opening and closing documents: that of the last 80 of 100, in MB."""

    def once() -> None:
        closed(opened(document(20, 10)))

    for _ in range(20):
        once()
    before = resident()
    for _ in range(80):
        once()
    grown = resident() - before
    yield Row("200 nodes, opened 100 times", "memory the last 80 took, MB", None, grown, None)


SCENES: dict[str, Callable[[], Iterator[Row]]] = {
    "crowded": lambda: visible(40, 25, 0.4, 100, 90),
    "visible": lambda: visible(40, 25, None, 160, 100),
    "large": lambda: visible(100, 50, 0.55, 160, 120),
    "fitted": lambda: fitted(100, 100),
    "ticking": ticking,
    "editing": editing,
    "reopening": reopening,
}


def printed(rows: list[Row]) -> str:
    def ms(value: float | None) -> str:
        return "–" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"

    lines = [
        "| scene | what | goal, ms | median, ms | p95, ms | plain view, ms |",
        "|---|---|---|---|---|---|",
    ]
    for r in rows:
        missed = " **missed**" if r.goal is not None and r.median > r.goal else ""
        lines.append(
            f"| {r.scene} | {r.action} | {ms(r.goal)} | {ms(r.median)}{missed} | {ms(r.late)} | "
            f"{ms(r.plain)} |"
        )
    return "\n".join(lines)


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_every_scene_is_measured(qapp: QApplication) -> None:
    chosen = os.environ.get("GRADLOOM_BENCH_SCENES", ",".join(SCENES)).split(",")
    rows = [r for name in chosen for r in SCENES[name]()]
    print(f"\nload {os.getloadavg()[0]:.1f}\n{printed(rows)}")
    assert rows

"""Steps through a pass of 2,000 nodes in the whole window, trace and card shown; prints, never judges.

Offscreen raster, 1600x1000. A frame is the step and everything until the picture is whole again.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QElapsedTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from test_canvas_frames import Row, document, frames, printed, row, settle

from app import stops
from app.actions import BY_ID
from app.view import theme
from app.view.panels.transport import SPEEDS
from app.view.window import Window
from engine.edits import Batch, Put
from engine.graph import Graph, Node

STEP, SEEK = 16.0, 50.0
"""Goals in milliseconds."""


def passed() -> Graph:
    """Layers whose last column is summed up to one output, so that a gradient reaches every node that
    something reads."""
    graph = document(98, 20)
    edits, ends = [], list(graph.nodes)[-20:]
    while len(ends) > 1:
        number = len(graph.nodes) + len(edits) // 3 + 1
        one, other, name = ends.pop(0), ends.pop(0), f"n{number}"
        at = 98 * 208.0 + 208 * (number - 1960), 128.0 * (number - 1960)
        edits += [
            Put("nodes", name, Node(name, "add", f"s{number}", {}, {}, *at)),
            Put("links", (name, "a"), one),
            Put("links", (name, "b"), other),
        ]
        ends.append(name)
    Batch(tuple(edits)).apply(graph)
    return graph


def opened(graph: Graph) -> Window:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    window = Window()
    window.canvas.reduced_motion = True
    window.resize(1600, 1000)
    window.show()
    settle()
    window.session.load(graph)
    settle()
    window.canvas.flush()
    window.canvas.fit()
    settle()
    return window


def measured(window: Window, scene: str) -> Iterator[Row]:
    session, canvas = window.session, window.canvas
    count, forward = len(session.steps), session.forward_end

    def stepping(start: int, by: int) -> Callable[[int], None]:
        def step(index: int) -> None:
            if index == -2:
                session.seek(start)
            session.seek(session.cursor + by)
            canvas.flush()

        return step

    places = random.Random(3)

    def sought(index: int) -> None:
        session.seek(places.randrange(count))
        canvas.flush()

    def run(action_id: str, start: int) -> Callable[[int], None]:
        def step(index: int) -> None:
            if index == -2:
                session.seek(start)
            BY_ID[action_id].run(window)
            canvas.flush()

        return step

    yield row(scene, "step on, forward", STEP, frames(stepping(forward // 2, 1)))
    yield row(scene, "step back, forward", STEP, frames(stepping(forward // 2, -1)))
    yield row(scene, "step on, backward", STEP, frames(stepping((forward + count) // 2, 1)))
    yield row(scene, "step back, backward", STEP, frames(stepping((forward + count) // 2, -1)))
    yield row(scene, "seek anywhere", SEEK, frames(sought))
    yield row(scene, "one node on", STEP, frames(run("step.node_on", forward + 50)))
    yield row(scene, "to the next breakpoint", SEEK, frames(run("step.breakpoint_on", 10)))


def played(window: Window, scene: str) -> Row:
    """Playing at speed 8 for two seconds: how late a step is at the end."""
    transport, session = window.transport, window.session
    transport.speed.setCurrentIndex(SPEEDS.index(8.0))
    session.seek(100)
    window.play(True)
    clock, interval = QElapsedTimer(), transport.timer.interval()
    clock.start()
    lateness: list[float] = []
    was = session.cursor
    while clock.elapsed() < 2000:
        QApplication.processEvents()
        if session.cursor != was:
            was = session.cursor
            lateness.append(abs(clock.nsecsElapsed() / 1e6 - (was - 100) * interval))
        time.sleep(0.0005)
    window.play(False)
    return Row(scene, f"playing, late for a step of {interval} ms", None, statistics.median(lateness),
               max(lateness))  # fmt: skip


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_steps_are_measured(qtbot: QtBot) -> None:
    graph = passed()
    names = list(graph.nodes)[::97]
    stops.toggled(graph, names).apply(graph)
    window = opened(graph)
    qtbot.addWidget(window, before_close_func=lambda w: w.session.history.mark_saved())
    scene = f"{len(graph.nodes):,} nodes, {len(window.session.steps):,} steps"
    rows: list[Row] = []
    for zoom, told in ((None, "to fit"), (0.6, "at 60 %"), (1.0, "at 100 %")):
        if zoom is not None:
            window.canvas.zoom_to(zoom)
        settle()
        rows += measured(window, f"{scene}, {told}")
        rows.append(played(window, f"{scene}, {told}"))
    print(f"\nload {os.getloadavg()[0]:.1f}\n{printed(rows)}")
    assert rows

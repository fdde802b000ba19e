"""Training a 784-256-128-10 network in the whole window, with and without six panels of the studio.

Prints, never judges. Offscreen raster unless another platform is named, 1600x1000, batches of 64. Rates are
taken in turns; a gap is the time between two ticks of a timer of 16 ms.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view import studio, theme
from app.view.window import Window
from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source
from engine.initializers import generator

SIZES = (784, 256, 128, 10)
ROWS, BATCH = 4096, 64
PANELS = ("curves", "metrics", "flow", "histograms", "updates", "units")
"""The six that are open; what is missing is said."""
SECONDS, TURNS = 6.0, 4


def network() -> Graph:
    """The network as a document with its rows, and more epochs than anybody waits for."""
    rng = generator(0, 1)
    layers = range(1, len(SIZES))
    lines = [
        f"z{i} = {'x' if i == 1 else f'h{i - 1}'} @ W{i} + b{i}"
        + ("" if i == 3 else f"\nh{i} = relu(z{i})")
        for i in layers
    ]
    program = "\n".join(
        [*lines, "loss = softmax_cross_entropy(z3, y)", "accuracy = accuracy(z3, y)"]
    )
    labels = rng.integers(0, 10, ROWS)
    middles = rng.uniform(0, 1, (10, 784))
    x = np.clip(middles[labels] + rng.normal(0, 0.6, (ROWS, 784)), 0, 1).astype(np.float32)
    values: dict[str, object] = {"x": x[:4], "y": labels[:4]}
    for i in layers:
        scale = np.sqrt(2 / SIZES[i - 1])
        values[f"W{i}"] = (rng.normal(size=SIZES[i - 1 : i + 1]) * scale).astype(np.float32)
        values[f"b{i}"] = np.zeros(SIZES[i], np.float32)
    graph = compose(program, values, "float32")
    graph.put("sources", "rows", Source(validation=0.1))
    for name in ("x", "y"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put("tensors", f"rows.{name}", x if name == "x" else labels)
        options = {"source": "rows", "field": name}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    for name in values:
        if name not in ("x", "y"):
            node = graph.nodes[str(graph.id_of(name))]
            graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    edits.set_recipe(
        graph, loss=graph.id_of("loss"), learning_rate=0.001, batch_size=BATCH, epochs=1_000_000
    ).apply(graph)
    return graph


class Gaps:
    """How long the window did not answer: gaps between ticks, in milliseconds."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(16)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self._last))
        self._last = now

    def text(self) -> str:
        ordered = sorted(self.gaps[3:])
        p99 = ordered[int(0.99 * len(ordered))]
        return (
            f"median {statistics.median(ordered):.1f}, p99 {p99:.1f}, longest {ordered[-1]:.1f} ms"
        )


def wait(seconds: float) -> None:
    app = QApplication.instance()
    assert app is not None
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        app.processEvents()
        time.sleep(0.002)


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_training_with_six_panels(qtbot: QtBot, capsys: pytest.CaptureFixture[str]) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    window = Window()
    qtbot.addWidget(window, before_close_func=lambda w: w.session.history.mark_saved())
    window.resize(1600, 1000)
    window.show()
    window.session.load(network())
    window.show_editor()
    wait(2.0)
    there = [name for name in PANELS if name in window.docks]
    others = [kind.name for kind in studio.PANELS if kind.name not in there]
    open_ = (there + others)[: len(PANELS)]
    idle = Gaps()
    wait(SECONDS)
    told = [f"panels: {', '.join(open_)}", f"idle: {idle.text()}"]

    def rate() -> float:
        first = window.bridge.last
        assert first is not None
        begin, from_ = time.perf_counter(), first.step
        wait(SECONDS)
        last = window.bridge.last
        assert last is not None
        return (last.step - from_) / (time.perf_counter() - begin)

    window.train()
    wait(6.0)
    rates: dict[str, list[float]] = {"none": [], "six": []}
    probes: dict[str, Gaps] = {}
    for _ in range(TURNS):
        for which in rates:
            for name in open_:
                window.docks[name].setVisible(which == "six")
            wait(2.0)
            probe = Gaps()
            rates[which].append(rate())
            probe._timer.stop()
            known = probes.setdefault(which, probe)
            if known is not probe:
                known.gaps += probe.gaps[3:]
    for which, found in rates.items():
        shown = ", ".join(f"{r:,.0f}" for r in found)
        told.append(
            f"{which} open: {statistics.median(found):,.0f} steps a second ({shown}); {probes[which].text()}"
        )
    pairs = [b / a for a, b in zip(rates["none"], rates["six"], strict=True)]
    shares = ", ".join(f"{100 * p:.1f}" for p in pairs)
    told.append(f"with six panels: {100 * statistics.median(pairs):.1f} % of the speed ({shares})")
    begin = time.perf_counter()
    window.stop_training()
    while window.bridge.running and time.perf_counter() < begin + 10:
        app.processEvents()
    told.append(f"stop: {1000 * (time.perf_counter() - begin):.0f} ms")
    with capsys.disabled():
        print("\n" + "\n".join(told))

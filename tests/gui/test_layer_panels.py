"""The panels of updates and of histograms: their numbers, what they keep, and modules."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hands import LEFT, PLAIN
from networks import layered, network
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view.studio import Moment
from app.view.studio.histograms import HistogramsPanel
from app.view.studio.ridge import Ridge
from app.view.studio.updates import UpdatesPanel
from app.view.window import Window
from engine import files, modules
from engine.graph import Graph
from engine.probes.histograms import histogram
from engine.train import runs
from engine.train.recorder import Recorder
from engine.train.recording import Run
from engine.train.session import Training

RANDOM = np.random.default_rng(3)
X = RANDOM.standard_normal((60, 4))
Y = np.sin(X @ RANDOM.standard_normal((4, 1)))


def document(**recipe: Any) -> Graph:
    program, start = layered("tanh", [4, 8, 1])
    return network(program + "\nloss = mse(z, y)", X, Y, start, learning_rate=0.01, **recipe)


def shown(window: Window, qtbot: QtBot, name: str, graph: Graph) -> Any:
    window.session.load(graph)
    window.show_panel(name)
    panel: Any = window.studio.panels[name]
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)
    return panel


def move(window: Window, qtbot: QtBot, panel: Any, step: int, training: Training) -> None:
    before = panel.shown
    window.studio.now = Moment(step, training.parameters())
    window.studio._move()
    qtbot.waitUntil(lambda: panel.shown is not before, timeout=20_000)


def test_ratios_at_the_moments_that_were_seen(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "updates", document())
    assert isinstance(panel, UpdatesPanel)
    training = Training(window.session.root)
    wanted: dict[str, list[float]] = {n: [] for n in training.parameters()}
    for step in (10, 20):
        training.run(10)
        move(window, qtbot, panel, step, training)
        before = training.parameters()
        other = Training(window.session.root)
        other.load_parameters(before)
        other.step()
        for node, value in other.parameters().items():
            gap = np.linalg.norm(value - before[node]) / np.linalg.norm(before[node])
            wanted[node].append(float(gap))
    assert panel.plot is not None and panel.plot.steps == [0, 10, 20]
    for node, numbers in wanted.items():
        np.testing.assert_allclose(10 ** np.array(panel.plot.series[node][1:]), numbers, rtol=1e-9)
    bias = str(window.session.graph.id_of("b1"))
    assert math.isnan(panel.plot.series[bias][0])  # it began as 0: nothing to compare with
    assert [edge.value() for edge in panel.plot.band.lines] == [-4, -2]
    panel.plot.clicked.emit(bias)
    assert window.session.selection == (bias,)
    panel._point(bias, 2)
    assert panel.foot.text() == f"b1: {10 ** panel.plot.series[bias][2]:.1e} at step 20".replace(
        "e-0", "e−"
    )


def test_a_recorded_run_gives_its_own_ratios(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an optimizer with a memory they are others than those of a step that starts anew."""
    graph = document(optimizer="adam", batch_size=8)
    panel = shown(window, qtbot, "updates", graph)
    training = Training(graph)
    folder = runs.new_folder(tmp_path / "a.gloom.runs")
    recorder = Recorder(
        folder, training, files.to_bytes(graph), clock=lambda: 1000.0 * training.step_count
    )
    ratios: dict[int, dict[str, float]] = {}
    before = training.parameters()
    for step in range(30):
        recorder.note([training.step()], [training.learning_rate])
        now = training.parameters()
        ratios[step] = {
            n: float(np.linalg.norm(now[n] - before[n]) / max(np.linalg.norm(before[n]), 1e-300))
            for n in now
        }
        before = now
    recorder.halt("finished")
    recorder.close()
    run = Run(folder)
    monkeypatch.setattr(type(window.travel), "entry", SimpleNamespace(run=run))
    window.travel.listed.emit()
    steps = panel.plot.steps
    assert len(steps) > 10
    for column, step in enumerate(steps[:-1]):  # behind the last there was no step
        for node, ratio in ratios[step].items():
            assert 10 ** panel.plot.series[node][column] == pytest.approx(ratio, rel=1e-9)
    assert "Nothing" not in panel.foot.text()


def test_histograms_of_what_is_selected_also_inside_a_module(window: Window, qtbot: QtBot) -> None:
    graph = document()
    a1 = str(graph.id_of("a1"))
    inner = [str(graph.id_of("W1")), str(graph.id_of("b1")), str(graph.links[a1, "a"]), a1]
    modules.make_module(graph, inner, "layer")[0].apply(graph)
    instance = next(n for n in graph.nodes if graph.op(n).definition is not None)
    panel = shown(window, qtbot, "histograms", graph)
    assert isinstance(panel, HistogramsPanel)
    assert panel.shown is not None
    assert {part.name for part in panel.shown.parts} == {"W2", "b2", "layer.W1", "layer.b1"}
    window.session.select([str(graph.id_of("h1"))])
    qtbot.waitUntil(lambda: panel.panes[0].title.text() == "h1", timeout=20_000)
    window.session.enter(instance)
    w1 = str(window.session.graph.id_of("W1"))
    window.session.select([w1])
    qtbot.waitUntil(lambda: panel.panes[0].title.text().endswith("W1"), timeout=20_000)
    newest = panel.panes[0].picture.items[-1][1]
    value = window.session.evaluation.values[w1]
    assert newest.mean == pytest.approx(value.mean())
    QTest.mouseClick(panel.panes[0].picture, LEFT, PLAIN)
    panel._turned("of", "gradients")
    qtbot.waitUntil(lambda: panel.panes[0].picture.of == "gradient", timeout=20_000)


def test_histograms_over_time(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "histograms", document())
    training = Training(window.session.root)
    for step in (10, 20, 30):
        training.run(10)
        move(window, qtbot, panel, step, training)
    picture = panel.panes[0].picture
    assert [step for step, _ in picture.items] == [0, 10, 20, 30]
    assert picture.items[-1][1].counts.sum() == 32
    for view in ("shades", "ridges"):
        panel._turned("view", view)
        assert not panel.grab().isNull()
    window.studio.look(Moment(15, training.parameters()))
    qtbot.waitUntil(lambda: panel.panes[0].picture.items[-1][0] == 15, timeout=20_000)
    assert [step for step, _ in panel.panes[0].picture.items] == [0, 10, 15]
    window.studio.look(None)


def test_shares_on_a_common_scale(qtbot: QtBot) -> None:
    """Against counting in bins of the scale; what lies within a bin is spread over it."""
    ridge = Ridge()
    qtbot.addWidget(ridge)
    narrow = np.repeat(np.arange(8) + 0.5, 100) / 8  # 0.0625 … 0.9375
    wide = np.linspace(-2, 2, 801)
    items = [(0, histogram("n", "a", wide, 40)), (5, histogram("n", "a", narrow, 7))]
    ridge.show_items(items, "value", False)
    assert (ridge.low, ridge.high) == (-2, 2)
    shares = ridge.shares(items[0][1], 4)
    np.testing.assert_allclose(shares, 0.25, atol=0.002)
    shares = ridge.shares(items[1][1], 4)
    np.testing.assert_allclose(shares, [0, 0, 1, 0], atol=1e-9)
    for values in ([3.0], [np.nan], [], [0.0, 0.0]):
        one = histogram("n", "a", np.array(values), 10)
        ridge.show_items([(0, one)], "value", False)
        assert ridge.high > ridge.low
        assert ridge.shares(one, 5).sum() == pytest.approx(0.0 if math.isnan(one.low) else 1.0)
        assert not ridge.grab().isNull()

"""What panels say is of the document and the moment that are looked at, whatever was asked before."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from recorded import record

from app.view.studio.metrics import MetricsPanel
from app.view.studio.surface import SurfacePanel
from app.view.studio.updates import UpdatesPanel
from app.view.window import Window
from engine import edits, examples, files
from engine.train import runs as folders
from engine.train.recording import Run
from engine.train.runs import home_of

PATIENCE = 20_000


@pytest.fixture
def trained(window: Window, tmp_path: Path) -> Window:
    """A saved document with a recorded run, open."""
    path = tmp_path / "xor.gloom"
    graph = examples.load("xor")
    files.write(graph, path)
    record(home_of(path), graph, 60, optimizer="adam", learning_rate=0.05)
    window.open(path)
    return window


def metrics(window: Window) -> MetricsPanel:
    panel = window.studio.panels["metrics"]
    assert isinstance(panel, MetricsPanel)
    return panel


def hold_out(window: Window) -> None:
    """One of the four rows is kept from training."""
    source = replace(window.session.root.sources["xor"], validation=0.25)
    window.session.do_outside(edits.set_source("xor", source), "Hold out")


def test_a_panel_that_was_hidden_while_the_document_changed_is_told_of_the_one_that_trains(
    trained: Window, qtbot: QtBot
) -> None:
    window, panel = trained, metrics(trained)
    window.show_panel("metrics")
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=PATIENCE)
    assert panel.shown is not None and panel.shown.counted["train"] == (4, 4)
    window.docks["metrics"].hide()
    hold_out(window)
    panel.shown = None
    window.bridge.set_speed(20)
    window.train()
    qtbot.waitUntil(lambda: window.studio.now.step > 0, timeout=PATIENCE)
    window.show_panel("metrics")
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=PATIENCE)
    assert window.training and panel.shown.counted["train"] == (3, 3)


def test_an_edit_while_looking_at_the_past_is_seen_in_the_panels(
    trained: Window, qtbot: QtBot
) -> None:
    window, panel = trained, metrics(trained)
    window.show_panel("metrics")
    window.travel.go(1, 30)
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=PATIENCE)
    hold_out(window)
    assert window.travel.past == (1, 30)
    qtbot.waitUntil(lambda: "validation" in _counted(panel), timeout=PATIENCE)
    assert _counted(panel)["train"] == (3, 3)


def _counted(panel: MetricsPanel) -> dict[Any, tuple[int, int]]:
    return panel.shown.counted if panel.shown is not None else {}


def test_an_answer_about_another_document_is_not_shown(trained: Window, qtbot: QtBot) -> None:
    window, panel = trained, metrics(trained)
    window.show_panel("metrics")
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=PATIENCE)
    seen = []
    take = panel.take
    panel.take = lambda result, step: (seen.append(result.counted), take(result, step))  # type: ignore[method-assign]
    panel.ask_again()
    window.studio.tick()
    assert window.studio._asked
    window.session.history.mark_saved()
    window.documents.open_example("softmax-digits")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    assert (4, 4) not in [counted["train"] for counted in seen]


def test_ratios_of_a_run_that_was_removed_are_not_those_of_the_next(
    trained: Window, qtbot: QtBot
) -> None:
    window = trained
    panel = window.studio.panels["updates"]
    assert isinstance(panel, UpdatesPanel)
    home = window.travel.home
    assert home is not None
    window.show_panel("updates")
    qtbot.waitUntil(lambda: panel.plot is not None, timeout=PATIENCE)
    folders.remove(Run(home / "1"))
    graph = examples.load("xor")
    record(home, graph, 60, optimizer="sgd", learning_rate=1e-3)
    window.travel.refresh()
    run = Run(home / "1")
    for node in panel.plot.series if panel.plot is not None else ():
        shown = dict(zip(panel.plot.steps, panel.plot.series[node], strict=True))
        moved, size = run.update_norms(20)[node], run.weight_norms(20)[node]
        assert shown[20] == pytest.approx(np.log10(moved / size))


def test_ways_on_the_surface_have_the_colours_of_their_curves(
    trained: Window, qtbot: QtBot
) -> None:
    window = trained
    home = window.travel.home
    assert home is not None
    record(home, examples.load("xor"), 40)
    window.travel.refresh()
    window.travel.runs.show(1, True)
    surface, curves = window.studio.panels["surface"], window.studio.panels["curves"]
    assert isinstance(surface, SurfacePanel)
    window.show_panel("surface")
    qtbot.waitUntil(lambda: len(surface.ways) == 2, timeout=PATIENCE)
    wanted = {e.title: curves.colour(e).name() for e in window.travel.runs.shown}  # type: ignore[attr-defined]
    assert {way.name: way.colour.name() for way in surface.ways} == wanted


def test_ways_are_read_in_pieces_that_are_short(
    trained: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten runs whose moments take long to read hold nobody up."""
    window = trained
    home = window.travel.home
    assert home is not None
    for _ in range(4):
        record(home, examples.load("xor"), 40)
    window.travel.refresh()
    for entry in window.travel.runs.entries:
        window.travel.runs.show(entry.number, True)
    read = Run.parameters
    calls: list[float] = []

    def slow(run: Run, step: int) -> Any:
        calls.append(time.perf_counter())
        until = calls[-1] + 0.01
        while time.perf_counter() < until:
            pass
        return read(run, step)

    monkeypatch.setattr(Run, "parameters", slow)
    surface = window.studio.panels["surface"]
    assert isinstance(surface, SurfacePanel)
    window.show_panel("surface")
    qtbot.waitUntil(lambda: len(surface.ways) == 5, timeout=PATIENCE)
    assert surface.tracks is not None and surface.tracks.is_behind
    before = len(calls)
    surface._see_ways()
    assert 1 <= len(calls) - before <= 8

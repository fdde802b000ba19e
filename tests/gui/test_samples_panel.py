"""The panel that draws pixel by pixel: it appears while it is drawn, stops, goes on, and says why not."""

from __future__ import annotations

import numpy as np
import pytest
from hands import LEFT, move_over
from pixels import GREYS, document, large
from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.studio.samples import SamplesPanel
from app.view.window import Window
from engine.compose import compose
from engine.graph import Graph
from engine.probes.sampling import drawn
from engine.train.scene import Scene


def shown(window: Window, graph: Graph) -> SamplesPanel:
    window.session.load(graph)
    window.show_panel("samples")
    panel = window.studio.panels["samples"]
    assert isinstance(panel, SamplesPanel)
    return panel


def finished(panel: SamplesPanel, qtbot: QtBot, run: int = 0) -> None:
    def is_over() -> bool:
        return panel.shown is not None and panel.shown.is_done and panel._asked["run"] == run

    qtbot.waitUntil(is_over, timeout=30_000)


def test_what_is_drawn_is_what_the_engine_draws(window: Window, qtbot: QtBot) -> None:
    graph = document()
    panel = shown(window, graph)
    finished(panel, qtbot)
    scene = Scene(graph)
    *_, expected = drawn(scene, scene.rows("validation", 6), 4)
    assert panel.shown is not None
    assert np.array_equal(panel.shown.samples, expected.samples)
    assert panel.strips.titles == ("original", "rebuilt", "samples", "", "", "")
    assert len(panel.strips.strips) == 6 and not panel.bar.isVisible()
    far = theme.number_text(float(expected.distances.mean()), 3)
    assert f"samples {far}" in panel.foot.text() and panel.button.text() == "Draw again"
    image = panel.strips.strips[0].cells[2].image
    assert image is not None
    greys = [[image.pixelColor(c, r).red() for c in range(6)] for r in range(6)]
    assert np.array_equal(np.array(greys), np.rint(expected.samples[0, 0] * 255))
    place = panel.strips.rect_of(1, 3)
    inside = QPointF(place.width(), place.height()) * 0.6
    move_over(panel.strips.viewport(), (place.topLeft() + inside).toPoint())
    number = theme.number_text(float(expected.samples[1, 1, 3, 3]))
    assert panel.foot.text() == f"row {expected.rows[1]} · sample 2[3, 3] = {number}"


def test_it_stops_goes_on_and_draws_again(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, large())
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=30_000)
    panel.turn("rows", 16)
    panel.turn("count", 8)
    qtbot.waitUntil(lambda: panel.shown.samples.shape[:2] != (6, 4), timeout=30_000)
    assert not panel.shown.is_done and panel.bar.isVisible() and panel.button.text() == "Stop"
    QTest.mouseClick(panel.button, LEFT)
    assert panel.button.text() == "Go on"
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=30_000)
    rests = panel.shown
    assert not rests.is_done
    panel.ask_again()
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=30_000)
    assert (panel.shown.doing, panel.shown.done) == (rests.doing, rests.done)
    QTest.mouseClick(panel.button, LEFT)
    finished(panel, qtbot)
    first = panel.shown.samples
    QTest.mouseClick(panel.button, LEFT)
    finished(panel, qtbot, run=1)
    assert np.array_equal(panel.shown.samples, first)  # the same seed, the same parameters


def test_seed_and_temperature(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, document())
    finished(panel, qtbot)
    first = panel.shown.samples
    panel.temperature.setFocus()
    panel.temperature.selectAll()
    QTest.keyClicks(panel.temperature, "0")
    QTest.keyClick(panel.temperature, "\r")
    qtbot.waitUntil(lambda: not np.array_equal(panel.shown.samples, first), timeout=30_000)
    finished(panel, qtbot)
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=30_000)
    cold = panel.shown.samples
    assert np.array_equal(cold[:, 0], cold[:, 3])
    QTest.mouseClick(panel.more, LEFT)
    assert panel.controls.choices["given"].isVisible()
    assert panel.controls.indices["rows"].minimum() == 1


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_pixels_that_are_not_drawn_are_ground(window: Window, qtbot: QtBot, kind: str) -> None:
    panel = shown(window, document())
    if kind == "light":
        window.toggle_theme()
    panel.turn("rows", 16)
    qtbot.waitUntil(lambda: panel.shown is not None and len(panel.shown.rows) > 6, timeout=30_000)
    shapes = {c.image.size().width() for s in panel.strips.strips for c in s.cells if c.image}
    assert shapes == {6}
    finished(panel, qtbot)
    if kind == "light":
        window.toggle_theme()


def test_a_leak_is_told_and_mended(window: Window, qtbot: QtBot) -> None:
    """The sentence stays until the document is another one; then it is drawn."""
    panel = shown(window, document(GREYS.replace("type='A'", "type='B'")))
    qtbot.waitUntil(lambda: "depends on itself" in panel.message.text(), timeout=30_000)
    assert "[0, 0]" in panel.message.text() and panel.message.isVisible()
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=30_000)
    window.session.load(document())
    finished(panel, qtbot)
    assert panel.strips.isVisible()


def test_what_draws_nothing_says_so(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, compose("y = x^2", {"x": 2.0}))
    qtbot.waitUntil(lambda: "data node" in panel.message.text(), timeout=30_000)
    window.session.load(Graph())
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=30_000)
    assert panel.message.isVisible() and panel.message.text()


def test_training_is_watched_by_samples(window: Window) -> None:
    window.session.load(document())
    window.panel_room.toggle_training()
    seen = {name for name, dock in window.docks.items() if dock.is_seen}
    assert {"curves", "samples", "reconstructions"} <= seen

"""The examples of graphs, passes and derivatives in the window: what their notes say can be done."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drag, links, middle, node, output, port
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view.window import Window
from engine.claims.graphs import CLAIMS


def opened(window: Window, qtbot: QtBot, name: str) -> None:
    window.documents.open_example(name)
    qtbot.wait(20)
    window.canvas.flush()
    window.canvas.fit()


@pytest.mark.parametrize("name", CLAIMS)
def test_opens_with_its_panels(window: Window, qtbot: QtBot, name: str) -> None:
    opened(window, qtbot, name)
    settings = window.session.root.settings
    assert all(window.docks[panel].is_seen for panel in settings["panels"])
    assert set(window.viewing.pinned) == set(settings["viewers"])
    assert not window.session.evaluation.faults


def test_a_circle_is_refused_in_words(window: Window, qtbot: QtBot) -> None:
    opened(window, qtbot, "three-ways")
    canvas, before = window.canvas, links(window.canvas)
    drag(canvas, output(canvas, "by_hand"), port(canvas, "a1", "b"))
    assert canvas.notice.text().startswith("⚠ by_hand → a1 would close a circle")
    assert links(canvas) == before


def test_y_shows_its_jacobian_and_an_entry_its_sum(window: Window, qtbot: QtBot) -> None:
    opened(window, qtbot, "jacobian")
    panel = window.derivatives_panel
    QTest.mouseClick(
        window.canvas.viewport(), Qt.MouseButton.LeftButton, pos=middle(window.canvas, "y")
    )
    qtbot.waitUntil(lambda: panel.matrix is not None and panel.matrix.values.shape == (2, 3))
    assert panel.matrix is not None
    found = window.session.evaluation.gradients[node(window.canvas, "x")]
    qtbot.waitUntil(lambda: panel.matrix is not None and panel.matrix.is_whole)
    assert np.allclose(panel.matrix.values[0], found)
    QTest.mouseClick(window.explanation.picker.switch, Qt.MouseButton.LeftButton)
    told = [c.part.text for c in window.explanation.symbols.columns]
    assert sum("dL/du[" in text for text in told) == 4  # the sum over j


def test_digits_go_to_the_derivatives(window: Window, qtbot: QtBot) -> None:
    opened(window, qtbot, "higher-orders")
    for digit, name in enumerate(("dJ_dx", "d2J_dx2", "d3J_dx3", "J_4", "J_5"), 1):
        QTest.keyClick(window.canvas, str(digit))
        (chosen,) = window.session.selection
        assert window.session.graph.name(chosen) == name


def test_a_step_of_the_recipe_gives_what_the_nodes_say(window: Window, qtbot: QtBot) -> None:
    opened(window, qtbot, "one-step")
    graph, values = window.session.graph, window.session.evaluation.values
    said = [float(values[str(graph.id_of(f"{n}_next"))]) for n in ("theta1", "theta0")]
    QTest.keyClick(window.canvas, Qt.Key.Key_F6)
    keys = [str(graph.id_of(n)) for n in ("theta1", "theta0")]
    qtbot.waitUntil(
        lambda: [float(window.session.root.tensors[k]) for k in keys] == said, timeout=20_000
    )

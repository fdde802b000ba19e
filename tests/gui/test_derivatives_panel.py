"""The panel of Jacobian and Hessian: its numbers, what it follows, and what it says when it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view.panels.derivatives import Derivatives
from app.view.window import Window
from engine.edits import set_tensor, set_tensors
from engine.graph import Graph

A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
X = np.array([0.3, -0.7, 1.1])


@pytest.fixture
def panel(window: Window) -> Derivatives:
    window.compose("h = tanh(A @ x); J = sum(h^2)")
    graph = window.session.graph
    given = {graph.id_of("A") or "": A, graph.id_of("x") or "": X}
    window.session.do(set_tensors(given), "values")
    return window.derivatives_panel


def whole(qtbot: QtBot, panel: Derivatives) -> np.ndarray:
    qtbot.waitUntil(lambda: panel.matrix is not None and panel.matrix.is_whole)
    assert panel.matrix is not None
    return panel.matrix.values


def select(window: Window, *names: str) -> None:
    window.session.select([window.session.graph.id_of(name) or "" for name in names])


def test_a_jacobian_is_shown_entry_by_entry(
    window: Window, qtbot: QtBot, panel: Derivatives
) -> None:
    select(window, "h", "x")
    window.commands.run("explain.jacobian")
    assert panel.isVisible() and window.docks["derivatives"].is_seen
    found = whole(qtbot, panel)
    wanted = (1 - np.tanh(A @ X) ** 2)[:, None] * A
    np.testing.assert_allclose(found, wanted, 1e-12)
    assert window.docks["derivatives"].status == "2 × 3"
    model = panel.table.entries
    index = model.index(1, 2)
    assert float(index.data().replace("−", "-")) == pytest.approx(wanted[1, 2], rel=1e-3)
    assert index.data(Qt.ItemDataRole.ToolTipRole) == f"∂h[1]/∂x[2] = {float(found[1, 2])!r}"
    assert model.headerData(2, Qt.Orientation.Horizontal) == "x[2]"
    panel.copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["", "x[0]", "x[1]", "x[2]"]
    copied = np.array([[float(v) for v in line.split("\t")[1:]] for line in lines[1:]])
    np.testing.assert_array_equal(copied, found)


def test_a_hessian_follows_the_values(window: Window, qtbot: QtBot, panel: Derivatives) -> None:
    select(window, "x")
    window.commands.run("explain.hessian")
    found = whole(qtbot, panel)

    def gradient(x: np.ndarray) -> np.ndarray:
        h = np.tanh(A @ x)
        return A.T @ (2 * h * (1 - h**2))

    steps = np.eye(3) * 1e-6
    for x in (X, 2 * X):
        wanted = np.array([(gradient(x + e) - gradient(x - e)) / 2e-6 for e in steps])
        np.testing.assert_allclose(found, wanted, 1e-6, 1e-8)
        before = panel.matrix
        window.session.do(set_tensor(window.session.graph.id_of("x") or "", 2 * X), "twice")
        qtbot.waitUntil(lambda known=before: panel.matrix is not known)
        found = whole(qtbot, panel)


def test_a_cell_selects_what_it_is_differentiated_by(
    window: Window, qtbot: QtBot, panel: Derivatives
) -> None:
    select(window, "h")
    window.commands.run("explain.jacobian")
    whole(qtbot, panel)
    table = panel.table
    place = table.visualRect(table.entries.index(0, 1)).center()
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )
    assert window.session.graph.name(window.session.selection[0]) == "A"
    assert panel.differentiated == window.session.graph.id_of("h")
    assert "∂h[0]/∂A[0,1]" in panel.entry.text()


def test_colours_alone_leave_the_numbers_out(
    window: Window, qtbot: QtBot, panel: Derivatives
) -> None:
    window.commands.run("explain.hessian")
    whole(qtbot, panel)
    QTest.mouseClick(panel.colours, Qt.MouseButton.LeftButton)
    assert not panel.table.with_numbers
    assert panel.table.columnWidth(0) == panel.table.rowHeight(0) < 60
    model = panel.table.entries
    one, other = model.colour(model.largest), model.colour(-model.largest)
    assert one != other and model.colour(0.0) not in (one, other)


def test_what_it_cannot_show_is_a_sentence(window: Window, panel: Derivatives) -> None:
    select(window, "h")
    window.commands.run("explain.jacobian")
    panel.kinds.buttons()[1].click()
    assert "Only a single number has a Hessian" in panel.message.text()
    assert panel.stack.currentWidget() is panel.message and not panel.copy.isEnabled()
    window.session.load(Graph())
    panel.refresh()
    assert panel.message.text().startswith("Nothing to differentiate yet")
    window.compose("a = x^2")
    big = np.zeros(5000)
    window.session.do(set_tensor(window.session.graph.id_of("x") or "", big), "large")
    panel.show_kind("jacobian")
    assert "choose fewer or smaller values" in panel.message.text()


def test_inside_a_module_it_is_the_instance_that_is_differentiated(
    window: Window, qtbot: QtBot
) -> None:
    window.compose("y = Dense(x, units=2); J = sum(y^2)")
    session = window.session
    session.do(set_tensor(session.graph.id_of("x") or "", np.array([[0.5, -1.0]])), "values")
    assert session.enter(session.graph.id_of("y") or "")
    window.show_derivatives("jacobian")
    panel = window.derivatives_panel
    found = whole(qtbot, panel)
    name = panel.output.currentText()
    assert name and found.shape[0] == 2 and np.isfinite(found).all()


def test_a_long_name_leaves_room_for_the_numbers(window: Window, qtbot: QtBot) -> None:
    name = "a_name_so_long_that_it_would_take_the_whole_row"
    window.compose(f"{name} = 3*x + y*z")
    window.session.select(())
    window.commands.run("explain.jacobian")
    panel = window.derivatives_panel
    whole(qtbot, panel)
    table = panel.table
    assert table.viewport().width() > table.width() / 2
    said = table.entries.headerData(0, Qt.Orientation.Vertical, Qt.ItemDataRole.ToolTipRole)
    assert said == name


def test_numbers_that_move_all_the_time_are_followed(
    window: Window, qtbot: QtBot, panel: Derivatives
) -> None:
    """A refresh every few milliseconds, as of a training, neither stops it nor starves it."""
    select(window, "h", "x")
    window.commands.run("explain.jacobian")
    whole(qtbot, panel)
    node_id = window.session.graph.id_of("x") or ""
    seen = set()
    for k in range(40):
        window.session.refresh({node_id: X * (1 + k)})
        qtbot.wait(15)
        if panel.matrix is not None and panel.matrix.is_whole:
            seen.add(panel.matrix.values.tobytes())
    assert len(seen) > 2

"""The panel of the loss surface: planes, ranges, ways of trainings, and starting from a place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hands import LEFT, PLAIN, leave, move_over
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.studio.contour import Contour, Way
from app.view.studio.landscape import Landscape
from app.view.studio.relief import Relief
from app.view.studio.surface import SurfacePanel
from app.view.viewers.surface import Space
from app.view.window import Window
from engine import edits
from engine.compose import compose
from engine.graph import Graph


def saddle(epochs: int = 40) -> Graph:
    graph = compose("z = x * y", {"x": 0.4, "y": -0.3})
    for name in ("x", "y"):
        edits.set_options(graph, str(graph.id_of(name)), {"trainable": True}).apply(graph)
    stage = replace(
        graph.recipe.stages[0], optimizer="sgd", learning_rate=0.02, settings={}, epochs=epochs
    )
    edits.set_setting("recipe", replace(graph.recipe, stages=(stage,))).apply(graph)
    return graph


def shown(window: Window, qtbot: QtBot, graph: Graph | str) -> SurfacePanel:
    if isinstance(graph, str):
        window.documents.open_example(graph)
    else:
        window.session.load(graph)
    window.show_panel("surface")
    panel = window.studio.panels["surface"]
    assert isinstance(panel, SurfacePanel)
    whole(panel, qtbot)
    return panel


def whole(panel: SurfacePanel, qtbot: QtBot, side: int = 25) -> None:
    """Waits until so many points a side are seen in the range."""

    def seen() -> bool:
        relief = panel.relief
        return (
            relief is not None
            and len(relief.losses) >= side
            and relief.bounds == panel.contour.bounds
        )

    qtbot.waitUntil(seen, timeout=110_000)


def wheel(widget: object, spot: QPointF, turns: int) -> None:
    event = QWheelEvent(
        spot, spot, QPoint(), QPoint(0, turns), Qt.MouseButton.NoButton,
        PLAIN, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)  # type: ignore[call-overload]


def test_two_inputs_are_a_plane_and_the_pointer_tells_the_loss(
    window: Window, qtbot: QtBot
) -> None:
    panel = shown(window, qtbot, saddle())
    assert panel.kind == "chosen" and panel.contour.titles == ("x", "y")
    relief = panel.relief
    assert relief is not None and relief.bounds == (-1.5, 1.5, -1.5, 1.5)
    a = np.linspace(-1.5, 1.5, len(relief.losses))
    assert relief.losses == pytest.approx(a[None, :] * a[:, None], abs=1e-12)
    assert panel.contour.here == pytest.approx((0.4, -0.3))
    spot = panel.contour.spot(1.0, 0.5).toPoint()
    move_over(panel.contour, spot)
    a0, b0 = panel.contour.place(QPointF(spot))
    assert float(panel.foot.text().split()[-1].replace("−", "-")) == pytest.approx(
        a0 * b0, abs=2e-3
    )
    leave(panel.contour)
    assert "least" in panel.foot.text()


def trained(window: Window, qtbot: QtBot, panel: SurfacePanel, runs: int) -> None:
    """Trains, and waits until the way of so many runs is seen."""
    window.train()
    qtbot.waitUntil(lambda: not window.training and _still(window), timeout=60_000)
    travel = window.travel
    qtbot.waitUntil(lambda: len(travel.runs.shown) == runs, timeout=60_000)
    qtbot.waitUntil(lambda: len(panel.ways) == runs and _whole(window, panel), timeout=60_000)


def _still(window: Window) -> bool:
    last = window.bridge.last
    return last is not None and last.step > 0


def _whole(window: Window, panel: SurfacePanel) -> bool:
    window.travel.refresh()
    return not any(e.is_live for e in window.travel.runs.entries if e.facts.state == "running")


def test_training_leaves_a_way_and_another_start_another_one(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, saddle())
    trained(window, qtbot, panel, 1)
    x, y, wanted = 0.4, -0.3, [(0.4, -0.3)]
    for _ in range(40):
        x, y = x - 0.02 * y, y - 0.02 * x
        wanted.append((x, y))
    (entry,) = window.travel.runs.shown
    steps = entry.run.moments  # at an even pace, so not every step's
    assert steps[0] == 0 and steps[-1] == 40
    qtbot.waitUntil(lambda: len(panel.contour.ways[0].places) == len(steps), timeout=60_000)
    assert panel.contour.ways[0].places == pytest.approx(np.array(wanted)[steps])
    assert panel.contour.here == pytest.approx((x, y))

    contour = panel.contour
    spot = contour.spot(-0.8, 0.5).toPoint()
    place = contour.place(QPointF(spot))
    QTest.mouseClick(contour, LEFT, PLAIN, spot)
    assert contour.start.isVisible() and contour.pin == pytest.approx(place)
    QTest.mouseClick(contour.start, LEFT)
    values = {window.session.root.name(n): float(v) for n, v in panel.values().items()}
    assert (values["x"], values["y"]) == pytest.approx(place)
    assert not contour.start.isVisible()
    key = panel.plane.key if panel.plane else ""
    trained(window, qtbot, panel, 2)
    kept = {e.title: len(e.run.moments) for e in window.travel.runs.shown}
    qtbot.waitUntil(
        lambda: all(len(w.places) == kept[w.name] for w in contour.ways), timeout=20_000
    )
    assert {w.name for w in contour.ways} == {"run 1", "run 2"}
    assert contour.ways[-1].bold and contour.ways[-1].places[0] == pytest.approx(place)
    assert len({w.colour.name() for w in contour.ways}) == 2
    assert panel.plane is not None and panel.plane.key == key, "the plane stayed"
    window.session.history.undo()
    window.session.history.undo()
    values = {window.session.root.name(n): float(v) for n, v in panel.values().items()}
    assert (values["x"], values["y"]) == pytest.approx((x, y)), "one undo step each"


def test_wheel_drag_and_double_click_choose_the_range(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, saddle())
    contour = panel.contour
    spot = contour.spot(0.5, 0.5)
    wheel(contour, spot, 480)
    assert contour.bounds == pytest.approx((-0.5, 1.0, -0.5, 1.0))
    whole(panel, qtbot)
    relief = panel.relief
    assert relief is not None
    a = np.linspace(-0.5, 1.0, len(relief.losses))
    assert relief.losses == pytest.approx(a[None, :] * a[:, None], abs=1e-12)
    box = contour.box
    start = box.center().toPoint()
    QTest.mousePress(contour, LEFT, PLAIN, start)
    QTest.mouseMove(contour, start + QPoint(20, 0))
    QTest.mouseMove(contour, start + QPoint(40, 0))
    QTest.mouseRelease(contour, LEFT, PLAIN, start + QPoint(40, 0))
    moved = 40 / box.width() * 1.5
    assert contour.bounds == pytest.approx((-0.5 - moved, 1.0 - moved, -0.5, 1.0))
    assert contour.pin is None, "a drag is no click"
    whole(panel, qtbot)
    contour.setFocus()
    QTest.keyClick(contour, Qt.Key.Key_Minus)
    assert contour.bounds[1] - contour.bounds[0] == pytest.approx(1.5 * 2**0.5)
    QTest.mouseDClick(contour, LEFT, PLAIN, start)
    assert contour.bounds == (-1.5, 1.5, -1.5, 1.5)
    whole(panel, qtbot)


def test_a_networks_planes_stay_until_another_is_asked_for(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "xor")
    assert panel.kind == "random"
    key = panel.plane.key if panel.plane else ""
    window.train_step()
    qtbot.waitUntil(lambda: not window.training and _still(window), timeout=60_000)
    assert panel.plane is not None and panel.plane.key == key
    trained(window, qtbot, panel, 1)
    assert panel.plane.key == key
    qtbot.waitUntil(lambda: "off this plane" in panel.foot.text(), timeout=60_000)
    assert "off this plane" in panel.foot.text()
    panel.controls.choices["kind"].setCurrentIndex(2)
    panel.controls.choices["kind"].activated.emit(2)
    whole(panel, qtbot)
    assert panel.plane.kind == "principal" and "%" in panel.contour.titles[0]
    assert panel.contour.here == pytest.approx((0.0, 0.0), abs=1e-6)
    training_loss = panel.relief.at(np.zeros((1, 2)))[0] if panel.relief else np.nan
    assert training_loss == pytest.approx(panel_loss(window), rel=0.2)
    panel.controls.choices["view"].setCurrentIndex(1)
    panel.controls.choices["view"].activated.emit(1)
    assert panel.space.isVisible() and panel.landscape.stands
    heights = panel.landscape.lines()[0].points[:, 2]
    assert heights[0] > heights[-1], "downhill"
    for name in ("ratios", "arrows"):
        panel.actions_of[name].trigger()
    qtbot.waitUntil(lambda: panel.contour.slopes is not None, timeout=60_000)
    panel.actions_of["new"].trigger()
    qtbot.waitUntil(lambda: panel.plane is not None and panel.plane.key != key, timeout=60_000)
    window.travel.runs.show(1, False)
    assert panel.contour.ways == [], "what is hidden in the curves is hidden here"


def panel_loss(window: Window) -> float:
    root = window.session.root
    return float(window.session.whole.values[root.recipe.last.loss or str(root.output())])


def test_entries_are_picked_by_node_and_index(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "xor")
    panel.controls.choices["kind"].setCurrentIndex(0)
    panel.controls.choices["kind"].activated.emit(0)
    whole(panel, qtbot)
    assert panel.plane is not None and panel.plane.titles[0].startswith("W1[0, 0]")
    field = panel.picks[1].index
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1, 1")
    QTest.keyClick(field, Qt.Key.Key_Return)
    whole(panel, qtbot)
    assert panel.contour.titles == ("W1[0, 0]", "W1[1, 1]")
    field.selectAll()
    QTest.keyClicks(field, "9, 9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "1, 1"


def test_documents_without_a_surface_say_so(window: Window, qtbot: QtBot) -> None:
    window.show_panel("surface")
    panel = window.studio.panels["surface"]
    assert isinstance(panel, SurfacePanel)
    window.session.load(Graph())
    qtbot.waitUntil(lambda: "nothing to minimise" in panel.message.text(), timeout=60_000)
    window.session.load(compose("z = 2 * x", {"x": 1.0}))
    qtbot.waitUntil(lambda: "needs two numbers" in panel.message.text(), timeout=60_000)
    window.session.load(saddle())
    whole(panel, qtbot)
    panel._turned("kind", "principal")
    qtbot.waitUntil(lambda: "need a trajectory" in panel.message.text(), timeout=60_000)


def test_losses_that_are_not_finite_are_hatched(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, compose("z = log(x) + y * y", {"x": 1.0, "y": 0.5}))
    relief = panel.relief
    assert relief is not None and np.isnan(relief.losses[:, 0]).all()
    picture = panel.contour.grab().toImage()
    box = panel.contour.box
    inks = {
        picture.pixelColor(int(box.left() + k), int(box.top() + k % 12 + 4)).name()
        for k in range(4, int(box.width() / 2) - 4)
    }
    assert (
        len(inks) <= 12 and picture.pixelColor(box.center().toPoint() + QPoint(60, 0)).green() > 40
    )


@pytest.mark.parametrize("size", [(180, 300), (230, 150), (400, 300)])
def test_no_number_lies_over_another_one_in_space(qtbot: QtBot, size: tuple[int, int]) -> None:
    landscape = Landscape()
    space = Space(landscape)
    qtbot.addWidget(space)
    space.resize(*size)
    losses = np.add.outer(np.linspace(-1, 1, 25) ** 2, np.linspace(2.8, 4.04, 25))
    relief = Relief((-1.234, 1.234, -1.234, 1.234), losses, False)
    landscape.show(relief, ("direction 1", "direction 2"), [], None)
    for turn in range(0, 360, 20):
        space.turn = turn
        space.grab()
        texts = space.texts
        assert len(texts) >= 3
        assert not any(one.intersects(two) for n, one in enumerate(texts) for two in texts[:n])


def test_names_of_many_ways_leave_most_of_the_plane_free(qtbot: QtBot) -> None:
    contour = Contour()
    qtbot.addWidget(contour)
    contour.resize(240, 200)
    one = Way("way", np.array([(5.0, 5.0)]), theme.current().accent)
    pictures = []
    for name, count in (("", 1), ("learning_rate=0.001, momentum=0.9", 9)):
        contour.ways = [replace(one, name=name)] * count
        pictures.append(contour.grab().toImage())
    places = [(x, y) for x in range(240) for y in range(200)]
    other = [(x, y) for x, y in places if pictures[0].pixel(x, y) != pictures[1].pixel(x, y)]
    assert other, "there are names"
    left, low = min(x for x, _ in other), max(y for _, y in other)
    assert left > contour.box.center().x() and low < contour.box.center().y()


def test_ways_take_the_colours_of_the_theme(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, saddle())
    trained(window, qtbot, panel, 1)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    panel.restyle()
    assert panel.contour.ways[0].colour == theme.current().accent
    theme.apply(app, "dark")


def test_there_is_nothing_to_choose_where_there_is_nothing_to_show(
    window: Window, qtbot: QtBot
) -> None:
    window.session.load(Graph())
    window.show_editor()
    window.show_panel("surface")
    panel = window.studio.panels["surface"]
    assert isinstance(panel, SurfacePanel) and panel.isVisible()
    assert panel.controls.isHidden() and panel.message.text()
    assert not shown(window, qtbot, saddle()).controls.isHidden()
    session = window.session
    session.do(edits.remove_nodes(session.graph, list(session.graph.nodes)), "Delete")
    qtbot.waitUntil(panel.controls.isHidden)
    session.history.undo()
    qtbot.waitUntil(panel.controls.isVisible)

"""Panels of pictures: what they show is what the probes say, with a real mouse on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hands import LEFT, PLAIN, leave, move_over
from networks import layered, network
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.studio import Moment, StudioPanel, inks
from app.view.studio.fit import FitPanel
from app.view.studio.latent import LatentPanel
from app.view.studio.reconstructions import ReconstructionsPanel
from app.view.studio.regions import RegionsPanel, told
from app.view.studio.units import UnitsPanel
from app.view.viewers.kind import series_colours
from app.view.window import Window
from engine import examples
from engine.compose import compose
from engine.graph import Graph, Source
from engine.probes import PROBES
from engine.probes.rowwise import Measure
from engine.train.scene import Scene
from engine.train.session import Training

NAMES = ("regions", "curve", "reconstructions", "latent", "units")
RNG = np.random.default_rng(5)


def circle(held: float = 0.25) -> Graph:
    x = RNG.uniform(-2, 2, (80, 2))
    y = ((x**2).sum(axis=1) < 2).astype(np.int64)[:, None]
    program, parameters = layered("tanh", [2, 6, 1])
    graph = network(f"{program}\nloss = bce_with_logits(out, y)", x, y, parameters, batch_size=10)
    graph.put("sources", "d", Source(validation=held))
    return graph


def line() -> Graph:
    x = np.linspace(-2, 2, 40)[:, None]
    program, parameters = layered("tanh", [1, 6, 1])
    return network(f"{program}\nloss = mse(out, y)", x, np.sin(x), parameters)


def autoencoder(width: int = 16) -> Graph:
    x = RNG.uniform(0, 1, (40, width))
    parameters = {"E": RNG.standard_normal((width, 3)) / 4, "D": RNG.standard_normal((3, width))}
    program = "n = masking_noise(x, share=0.3)\nc = tanh(n @ E)\nr = c @ D\nloss = mse(r, x)\nv = y"
    return network(program, x, np.arange(40) % 4, parameters)


DOCUMENTS = {
    "regions": circle, "curve": line, "reconstructions": autoencoder, "latent": autoencoder,
    "units": autoencoder,
}  # fmt: skip


def shown(window: Window, qtbot: QtBot, name: str, graph: Graph | None = None) -> Any:
    """The panel with the answer about a document that is open."""
    window.session.load(graph if graph is not None else DOCUMENTS[name]())
    window.show_panel(name)
    panel = window.studio.panels[name]
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)  # type: ignore[attr-defined]
    return panel


def choose(panel: StudioPanel, name: str, value: str) -> None:
    """With the keyboard, as a person without a mouse does."""
    combo = panel.controls.choices[name]
    assert isinstance(combo, QComboBox) and combo.isVisible()
    wanted = combo.findData(value)
    assert wanted >= 0
    combo.setFocus()
    while combo.currentIndex() != wanted:
        key = Qt.Key.Key_Down if combo.currentIndex() < wanted else Qt.Key.Key_Up
        QTest.keyClick(combo, key)


def asked(window: Window, panel: StudioPanel) -> Any:
    """What the probe says, computed here."""
    scene = Scene(window.session.root)
    scene.at(window.studio.moment.parameters, window.studio.step)
    options = panel.options()
    assert options is not None
    return PROBES[panel.probe].answer(scene, **options)


def pixel(panel: Any, place: Any) -> QPoint:
    x, y = panel.plane.pixels(np.array([place]))[0]
    return QPoint(round(x), round(y))


# ------------------------------------------------------------ regions


def test_regions_follow_the_moment_and_are_read_under_the_pointer(
    window: Window, qtbot: QtBot
) -> None:
    panel = shown(window, qtbot, "regions")
    assert isinstance(panel, RegionsPanel)
    training = Training(window.session.root)
    training.run(50)
    window.studio.look(Moment(50, training.parameters()))
    before = panel.shown
    qtbot.waitUntil(lambda: panel.shown is not before, timeout=20_000)
    told = asked(window, panel)
    assert panel.shown is not None and panel.shown.picture == pytest.approx(told.picture)
    assert panel.plane.image is not None
    side = len(told.picture)
    colour = panel.plane.image.pixelColor(side - 1, 0)  # the upper right corner is the last entry
    table = panel._scale(panel.shown)(told.picture[-1:, -1:])[0, 0]
    assert (colour.red(), colour.green(), colour.blue()) == tuple(int(c) for c in table[:3])

    near = int(np.argmax(told.points.held))
    move_over(panel.plane, pixel(panel, told.points.places[near]))
    said = panel.foot.text()
    assert said.startswith("row ") and ("held out" in said or "row" in said)
    left, right, bottom, top = told.extent
    move_over(
        panel.plane, pixel(panel, (right - 0.01 * (right - left), top - 0.01 * (top - bottom)))
    )
    share = (1 + abs(told.picture[-1, -1])) / 2
    winner = told.class_names[int(told.picture[-1, -1] > 0)]
    assert panel.foot.text().endswith(f"{winner}, {100 * share:.0f} %")
    leave(panel.plane)
    assert panel.foot.text().startswith("train ")
    window.studio.look(None)


def test_regions_show_each_of_several_networks(window: Window, qtbot: QtBot) -> None:
    """The decision is the deepest one's at first; another network's prediction is a decision, too."""
    panel = shown(window, qtbot, "regions", examples.load("spiral-depth"))
    graph = window.session.root
    first = panel.shown
    assert first.node == graph.id_of("z4") and first.unit < 0
    other = str(graph.id_of("z1"))
    choose(panel, "node", other)
    qtbot.waitUntil(lambda: panel.shown.node == other, timeout=20_000)
    assert (panel.shown.kind, panel.shown.unit) == ("two", -1)
    assert panel.shown.measures != first.measures
    assert panel.controls.choices["node"].currentData() == other
    choose(panel, "node", "")
    qtbot.waitUntil(lambda: panel.shown.node == first.node, timeout=20_000)
    assert panel.shown.measures == first.measures


def test_regions_are_drawn_while_training_goes_on(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = circle()
    graph.put("settings", "recipe", graph.recipe.changed(learning_rate=0.5, epochs=100_000))
    panel = shown(window, qtbot, "regions", graph)
    steps: list[int] = []
    take = panel.take

    def taken(result: Any, step: int) -> None:
        steps.append(step)
        take(result, step)

    monkeypatch.setattr(panel, "take", taken)
    window.train()
    qtbot.waitUntil(lambda: len(set(steps)) >= 4, timeout=60_000)
    assert panel.shown.points.at_work.sum() == 10 and max(steps) > 10
    window.pause_training()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    at_rest = panel.shown

    def is_last() -> bool:
        return steps[-1] == window.studio.step and panel.shown is not at_rest

    qtbot.waitUntil(is_last, timeout=20_000)
    assert panel.shown.picture == pytest.approx(asked(window, panel).picture)
    window.bridge.forget()


def test_a_unit_is_chosen_from_the_row_of_small_pictures(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "regions")
    hidden = next(path for path, name, _ in panel.shown.nodes if name == "h1")
    choose(panel, "node", hidden)
    qtbot.waitUntil(lambda: panel.shown.node == hidden, timeout=20_000)
    assert panel.shown.kind == "number" and panel.bar.isVisible() and panel.units.isVisible()
    place = panel.units.rect_of(panel.units.seen().index(3)).center()
    QTest.mouseClick(panel.units, LEFT, PLAIN, place)
    qtbot.waitUntil(lambda: panel.shown.unit == 3, timeout=20_000)
    assert panel.shown.picture == pytest.approx(asked(window, panel).picture)
    choose(panel, "node", "")
    qtbot.waitUntil(lambda: panel.shown.kind == "two", timeout=20_000)
    box = panel.controls.ticks["discrete"]
    before = panel.plane.image.copy()
    QTest.mouseClick(box, LEFT, PLAIN, QPoint(8, box.height() // 2))
    assert panel.discrete and panel.plane.image != before
    box = panel.controls.ticks["held"]
    held = int(panel.shown.points.held.sum())
    QTest.mouseClick(box, LEFT, PLAIN, QPoint(8, box.height() // 2))
    assert len(panel.plane.points.rows) == len(panel.shown.points.rows) - held == 60
    assert len(panel.plane.colours) == 60 and not panel.plane.points.held.any()


def test_two_of_many_features_are_chosen(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("your-csv")
    window.show_panel("regions")
    panel: Any = window.studio.panels["regions"]
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)
    wanted = next(i for i in range(4) if i not in panel.shown.axes)
    other = panel.shown.axes[1]
    choose(panel, "first", str(wanted))
    qtbot.waitUntil(lambda: panel.shown.axes == (wanted, other), timeout=20_000)
    assert panel.plane.labels[0] == panel.shown.features[wanted]
    assert "2 other features" in panel.foot.text()


# ------------------------------------------------------------ fit


def test_a_fit_tells_the_error_under_the_pointer(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "curve")
    assert isinstance(panel, FitPanel) and panel.shown is not None
    told = panel.shown
    assert theme.number_text(told.largest or 0) in panel.error.text()
    move_over(panel.plane, pixel(panel, (told.places[10], told.targets[10])))
    assert "row 10" in panel.foot.text()
    value = float(np.interp(told.places[10], told.across, told.curves[0]))
    assert theme.number_text(value)[:4] in panel.foot.text()
    leave(panel.plane)
    assert panel.plane.at is None and panel.foot.text().startswith("train ")


def test_a_known_function_is_drawn_beside_the_curve(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "curve")
    told = panel.shown
    truth = np.sin(told.across)
    away = float(np.abs(told.curves[0] - truth).max())
    panel.take(replace(told, truth=truth, largest=away, worst_at=0.5, against_truth=True), 0)
    assert panel.error.text().startswith(f"max |h − g| = {theme.number_text(away)} at x = 0.5")
    move_over(panel.plane, pixel(panel, (1.0, 0.0)))
    assert "wanted" in panel.foot.text() and "error" in panel.foot.text()


# ------------------------------------------------------------ reconstructions


def test_rows_stay_until_others_are_drawn(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "reconstructions")
    assert isinstance(panel, ReconstructionsPanel) and panel.shown is not None
    rows = panel.shown.rows.tolist()
    assert panel.strips.titles == ("original", "noisy", "output", "difference")
    told = asked(window, panel)
    training = Training(window.session.root)
    training.run(5)
    before = panel.shown
    window.studio.look(Moment(5, training.parameters()))
    qtbot.waitUntil(lambda: panel.shown is not before, timeout=20_000)
    assert panel.shown.rows.tolist() == rows
    assert panel.strips.strips[0].cells[3].under == theme.number_text(panel.shown.errors[0], 3)
    window.studio.look(None)
    qtbot.waitUntil(
        lambda: panel.shown is not None and np.allclose(panel.shown.output, told.output),
        timeout=20_000,
    )
    QTest.mouseClick(panel.other, LEFT)
    qtbot.waitUntil(lambda: panel.shown.rows.tolist() != rows, timeout=20_000)  # type: ignore[union-attr]
    rect = panel.strips.rect_of(0, 0)
    move_over(
        panel.strips.viewport(), (rect.topLeft() + (rect.center() - rect.topLeft()) * 0.1).toPoint()
    )
    number = theme.number_text(float(panel.shown.original[0, 0, 0]))
    assert panel.foot.text() == f"row {panel.shown.rows[0]} · original[0, 0] = {number}"


def test_nodes_and_width_are_chosen_behind_the_dots(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "reconstructions", autoencoder(12))
    assert not panel.shown.are_pictures and panel.strips.strips[0].cells[0].numbers is not None
    assert not panel.controls.choices["noisy"].isVisible()
    QTest.mouseClick(panel.more, LEFT)
    choose(panel, "noisy", "-")
    qtbot.waitUntil(lambda: panel.shown.noisy.size == 0, timeout=20_000)
    assert panel.strips.titles == ("original", "output", "difference")
    spin = panel.controls.indices["width"]
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "4")
    QTest.keyClick(spin, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.shown.are_pictures, timeout=20_000)
    assert panel.shown.original.shape[1:] == (3, 4)


# ------------------------------------------------------------ latent


def test_a_row_is_seen_and_a_point_is_decoded(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "latent")
    assert isinstance(panel, LatentPanel) and panel.shown is not None
    row = panel.shown.rows[4]
    move_over(panel.plane, pixel(panel, panel.shown.places[4]))
    qtbot.waitUntil(lambda: panel.plane.card is not None, timeout=20_000)
    assert f"row {row}" in panel.foot.text()
    assert panel.plane.card is not None and panel.plane.card[0] is not None
    assert panel.plane.card[2] == f"row {row}"
    middle = panel.plane.box.center().toPoint()
    QTest.mousePress(panel.plane, LEFT, PLAIN, middle)
    qtbot.waitUntil(lambda: panel.shown.said == "point", timeout=20_000)  # type: ignore[union-attr]
    at = panel.options()["at"]
    assert at == pytest.approx(panel.plane.place(panel.plane.box.center()), abs=0.05)
    assert panel.shown.shown == pytest.approx(asked(window, panel).shown)
    assert panel.plane.card[2] == "r"
    QTest.mouseRelease(panel.plane, LEFT, PLAIN, middle)
    leave(panel.plane)
    qtbot.waitUntil(lambda: panel.plane.card is None, timeout=20_000)


def test_a_sheet_of_pictures_stands_behind_the_points(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "latent")
    box = panel.controls.ticks["sheet"]
    assert panel.plane.sheet is None and box.isVisible()
    QTest.mouseClick(box, LEFT, PLAIN, QPoint(8, box.height() // 2))
    qtbot.waitUntil(lambda: panel.plane.sheet is not None, timeout=20_000)
    down, across = panel.shown.sheet.shape[:2]
    assert panel.plane.sheet.width() == 4 * across and panel.plane.sheet.height() == 4 * down
    assert (across, down) == panel.options()["sheet"]


def test_two_units_are_chosen_for_the_plane(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "latent")
    assert panel.shown.axes == (-1, -1) and panel.legend.text().count("●") == 4
    choose(panel, "first", "2")
    qtbot.waitUntil(lambda: panel.shown.axes == (2, 1), timeout=20_000)
    choose(panel, "second", "0")
    qtbot.waitUntil(lambda: panel.shown.axes == (2, 0), timeout=20_000)
    assert panel.shown.places == pytest.approx(asked(window, panel).places)


# ------------------------------------------------------------ units


def test_units_are_read_under_the_pointer_and_turned_over(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    window.show_panel("units")
    panel: Any = window.studio.panels["units"]
    assert isinstance(panel, UnitsPanel)
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)
    assert panel.strips.titles == ("weights", "excites", "best rows", "", "", "values")
    assert panel.shown is not None
    rect = panel.strips.rect_of(0, 2)
    move_over(panel.strips.viewport(), rect.center().toPoint())
    assert panel.foot.text().startswith(f"unit 0 · row {panel.shown.best_rows[0, 0]}")
    choose(panel, "first", "60")
    qtbot.waitUntil(lambda: panel.shown.numbers.tolist() == [60, 61, 62, 63], timeout=20_000)
    assert panel.shown.made == pytest.approx(asked(window, panel).made)
    leave(panel.strips.viewport())
    assert panel.foot.text().startswith("64 units of h1")


# ------------------------------------------------------------ all of them


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["nothing", "scalar", "start page"])
def test_a_document_without_rows_is_told_in_a_sentence(
    window: Window, qtbot: QtBot, name: str, kind: str
) -> None:
    if kind != "start page":
        window.session.load(Graph() if kind == "nothing" else compose("y = x^2", {"x": 1.0}))
    panel: Any = window.studio.panels[name]
    empty = panel.message.text()
    assert empty.endswith(".")
    window.show_panel(name)
    qtbot.waitUntil(lambda: "add a data node" in panel.message.text(), timeout=20_000)
    assert panel.pages.currentWidget() is panel.message and panel.shown is None
    assert panel.controls.isHidden()


@pytest.mark.parametrize("name", NAMES)
def test_another_document_forgets_what_was_chosen(window: Window, qtbot: QtBot, name: str) -> None:
    panel = shown(window, qtbot, name)
    panel._asked["node"] = "n99"
    window.session.load(Graph())
    assert panel.shown is None and "node" not in panel.options()
    qtbot.waitUntil(lambda: "add a data node" in panel.message.text(), timeout=20_000)


@pytest.mark.parametrize("name", NAMES)
def test_small_large_and_in_both_themes(window: Window, qtbot: QtBot, name: str) -> None:
    """Nothing is drawn over something else: the picture keeps room at 250 × 230."""
    told = shown(window, qtbot, name).shown
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for scheme in ("light", "dark"):
        theme.apply(app, scheme)
        for width, height in ((250, 196), (900, 600)):
            panel: Any = type(window.studio.panels[name])(window.session)
            qtbot.addWidget(panel)
            panel.resize(width, height)
            panel.show()
            panel.show_body()
            panel.take(told, 0)
            QApplication.processEvents()
            picture = panel.plane if hasattr(panel, "plane") else panel.strips
            assert picture.height() >= 60 and picture.width() >= width - 60
            assert panel.foot.geometry().bottom() <= panel.body.height()
            image = panel.grab().toImage()
            places = [(x, y) for x in range(0, width, 5) for y in range(0, height, 5)]
            assert len({image.pixel(x, y) for x, y in places}) > 5


@pytest.mark.parametrize("colours", ["green and vermillion", "blue and orange"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_classes_are_told_apart_and_are_no_value_or_gradient(
    qtbot: QtBot, scheme: str, colours: str
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    tokens = theme.apply(app, scheme, colours)
    for found in (inks.class_colours(2), inks.class_colours(3), series_colours()[:3]):
        others = [tokens.value, tokens.gradient]
        pairs = [(a, b) for i, a in enumerate(found) for b in [*found[:i], *others]]
        for one, other in pairs:
            parts = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
            assert sum(abs(a - b) for a, b in parts) > 60
    theme.apply(app, "dark", "green and vermillion")


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_not_finite_are_drawn(window: Window, qtbot: QtBot, name: str) -> None:
    graph = DOCUMENTS[name]()
    for node in graph.of_op("parameter"):
        broken = graph.tensors[node].copy()
        broken.flat[0] = np.nan
        graph.put("tensors", node, broken)
    panel = shown(window, qtbot, name, graph)
    panel.grab()
    assert panel.pages.currentWidget() is panel.body


def test_both_features_have_one_scale_in_a_room_of_any_shape(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, "regions", circle())
    plane = panel.plane
    for width, height in ((900, 240), (240, 700), (260, 230)):
        plane.setFixedSize(width, height)
        at = plane.pixels(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        across, up = at[1] - at[0], at[2] - at[0]
        assert across[0] == pytest.approx(-up[1]) and across[0] > 10
        assert 0 <= plane.box.left() and plane.box.right() <= width
        assert 0 <= plane.box.top() and plane.box.bottom() <= height
        assert plane.place(plane.box.center()) == pytest.approx(
            (sum(plane.extent[:2]) / 2, sum(plane.extent[2:]) / 2)
        )
    plane.show_extent((0.0, 80.0, 0.0, 80_000.0), ("age", "income"))  # no strip of 0.1 pixels
    assert plane.box.width() > 100 and plane.box.height() > 100


def test_the_line_under_a_picture_names_loss_and_accuracy() -> None:
    train = Measure("train", 0.643, 0.488, 80, 80)
    held = Measure("validation", 0.67, 0.512, 20, 100)
    assert (
        told((train, held)) == "train loss 0.643, 48.8 % right · held out 0.670, 51.2 % of 20 rows"
    )
    nothing = replace(train, loss=None, accuracy=None)
    assert told((nothing, replace(held, loss=None, accuracy=None))) == ""

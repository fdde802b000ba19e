"""Time travel: recorded moments are shown everywhere, taken, forked from, and never lose anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hands import LEFT, PLAIN
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from recorded import record

from app.view import dialogs
from app.view.studio.curves import CurvesPanel
from app.view.studio.metrics import MetricsPanel
from app.view.studio.runs import RunsPanel
from app.view.window import Window
from engine import edits, examples, files
from engine.probes.metrics import metrics
from engine.train.moments import Moments
from engine.train.recording import Run
from engine.train.runs import home_of, remove
from engine.train.scene import Scene


@pytest.fixture
def trained(window: Window, tmp_path: Path, qtbot: QtBot) -> Window:
    """A saved document with two recorded runs, open with its curves."""
    path = tmp_path / "xor.gloom"
    graph = examples.load("xor")
    files.write(graph, path)
    record(home_of(path), graph, 60, optimizer="adam", learning_rate=0.05)
    record(home_of(path), graph, 40)
    window.open(path)
    window.show_panel("curves")
    qtbot.waitUntil(lambda: curves(window).plot is not None)
    return window


def curves(window: Window) -> CurvesPanel:
    panel = window.studio.panels["curves"]
    assert isinstance(panel, CurvesPanel)
    return panel


def runs(window: Window) -> RunsPanel:
    panel = window.studio.panels["runs"]
    assert isinstance(panel, RunsPanel)
    return panel


def moment(window: Window) -> tuple[int, int]:
    assert window.travel.past is not None
    return window.travel.past


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def held_move(widget: QWidget, place: QPoint) -> None:
    """The mouse moves with its left button held."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(place), QPointF(widget.mapToGlobal(place)), LEFT, LEFT, PLAIN
    )
    QApplication.sendEvent(widget, event)


def expected(window: Window, number: int, step: int) -> dict[str, np.ndarray]:
    """Every value of the document with the parameters of a moment, computed anew."""
    home = window.travel.home
    assert home is not None
    scene = Scene(window.session.root, window.session.base)
    scene.at(Run(home / str(number)).parameters(step), step)
    rows = scene.rows(limit=None)[: window.session.root.recipe.stages[0].batch_size or 16]
    return scene.values(list(window.session.root.nodes), rows)


def test_the_scrubber_shows_every_number_of_the_moment_and_the_document_stays(
    trained: Window, qtbot: QtBot
) -> None:
    window = trained
    before = {k: v.copy() for k, v in window.session.root.tensors.items()}
    window.travel.choose(1)
    scrubber = curves(window).scrubber
    moments = window.travel.moments(1)
    assert len(moments) > 10
    middle = scrubber.height() // 2
    for share in (0.0, 0.31, 0.77):
        wanted = moments[int(share * (len(moments) - 1))]
        QTest.mousePress(scrubber, LEFT, PLAIN, QPoint(round(scrubber.place_of(wanted)), middle))
        QTest.mouseRelease(scrubber, LEFT)
        number, step = moment(window)
        assert number == 1 and step == wanted
        values = expected(window, 1, step)
        for node, value in values.items():
            shown = window.session.shown_value(node)
            assert shown is not None and np.allclose(shown, value, rtol=1e-12, atol=0)
        assert f"step {step}" in window.travel.chip.words.text()
        assert window.travel.chip.isVisible()
        assert window.studio.step == step
    assert same(before, dict(window.session.root.tensors))
    assert window.session.history.is_saved
    QTest.mouseClick(window.travel.chip.back, LEFT)
    assert window.travel.past is None and not window.travel.chip.isVisible()
    for node, value in before.items():
        if node in window.session.root.nodes:
            shown = window.session.shown_value(node)
            assert shown is not None and np.array_equal(shown, value)


def test_dragging_goes_from_moment_to_moment_and_keys_a_moment_on_or_back(trained: Window) -> None:
    window = trained
    scrubber = curves(window).scrubber
    moments = window.travel.moments(2)
    seen = []
    window.travel.moved.connect(lambda: seen.append(window.travel.past))
    y = scrubber.height() // 2
    QTest.mousePress(scrubber, LEFT, PLAIN, QPoint(9, y))
    for x in range(20, scrubber.width() - 20, 25):
        QTest.mouseMove(scrubber, QPoint(x, y))
    QTest.mouseRelease(scrubber, LEFT)
    steps = [place[1] for place in seen if place is not None]
    assert len(steps) > 3 and steps == sorted(steps)
    at = moments.index(moment(window)[1])
    scrubber.setFocus()
    QTest.keyClick(scrubber, Qt.Key.Key_Left)
    assert moment(window) == (2, moments[at - 1])
    QTest.keyClick(scrubber, Qt.Key.Key_Right)
    assert moment(window) == (2, moments[at])
    window.travel.go(2, moments[-1])
    QTest.keyClick(scrubber, Qt.Key.Key_Right)  # behind the last one is the present
    assert window.travel.past is None
    window.commands.run("train.previous_moment")
    assert moment(window) == (2, moments[-1])
    window.commands.run("train.now")
    assert window.travel.past is None


def test_the_mark_in_the_plot_is_dragged(trained: Window) -> None:
    window, panel = trained, curves(trained)
    plot = panel.plot
    assert plot is not None
    window.travel.go(2, 10)
    assert plot.moment.isVisible() and plot.moment.value() == moment(window)[1]
    view = plot.plot.viewport()

    def at(step: float) -> QPoint:
        low, high = plot.box.viewRange()[1]
        place = plot.box.mapViewToScene(QPointF(step, (low + high) / 2))
        return plot.plot.mapFromScene(place)

    start, end = at(moment(window)[1]), at(31)
    QTest.mousePress(view, LEFT, PLAIN, start)
    for i in range(1, 9):
        held_move(view, start + (end - start) * i / 8)
    QTest.mouseRelease(view, LEFT, PLAIN, end)
    moments = window.travel.moments(2)
    assert abs(moment(window)[1] - min(moments, key=lambda m: abs(m - 31))) <= 1


def test_the_panels_show_the_moment_too(trained: Window, qtbot: QtBot) -> None:
    window = trained
    window.show_panel("metrics")
    panel = window.studio.panels["metrics"]
    assert isinstance(panel, MetricsPanel)
    window.travel.go(1, 40)
    step = moment(window)[1]
    home = window.travel.home
    assert home is not None
    scene = Scene(window.session.root)
    scene.at(Run(home / "1").parameters(step), step)
    wanted = metrics(scene).table
    qtbot.waitUntil(lambda: panel.shown is not None and panel.shown.table == wanted, timeout=20_000)


def test_taking_a_moment_is_one_undo_step(trained: Window) -> None:
    window, history = trained, trained.session.history
    before = {k: v.copy() for k, v in window.session.root.tensors.items()}
    window.travel.go(1, 30)
    step = moment(window)[1]
    home = window.travel.home
    assert home is not None
    wanted = Run(home / "1").parameters(step)
    position = history.position
    QTest.mouseClick(window.travel.chip.take, LEFT)
    assert history.position == position + 1 and f"step {step}" in history.labels[-1]
    assert all(np.array_equal(window.session.root.tensors[k], v) for k, v in wanted.items())
    assert window.travel.past is None
    window.commands.run("edit.undo")
    assert same(before, dict(window.session.root.tensors))


def test_a_fork_begins_at_the_moment_with_the_recipe_as_it_is_now(
    trained: Window, qtbot: QtBot
) -> None:
    window = trained
    start = {k: v.copy() for k, v in window.session.root.tensors.items()}
    change = edits.set_recipe(window.session.root, learning_rate=0.25, epochs=7)
    window.session.do_outside(change, "recipe")
    window.travel.go(1, 20)
    number, step = moment(window)
    home = window.travel.home
    assert home is not None
    wanted = Run(home / "1").parameters(step)
    window.commands.run("train.fork")
    assert window.bridge.running and window.travel.past is None
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=30_000)
    qtbot.waitUntil(lambda: window.travel.runs.of(3) is not None, timeout=10_000)
    qtbot.waitUntil(lambda: window.travel.runs.of(3).facts.step == 7, timeout=10_000)
    entry = window.travel.runs.of(3)
    assert entry is not None and entry.facts.parent == (number, step)
    assert entry.facts.recipe.stages[0].learning_rate == 0.25
    assert same(entry.run.parameters(0), wanted)
    assert "Forked from run 1" in runs(window)._story(entry)
    for _ in range(2):  # the training, then the fork
        window.commands.run("edit.undo")
    assert same(start, dict(window.session.root.tensors))


def test_the_past_is_looked_at_while_training_goes_on(trained: Window, qtbot: QtBot) -> None:
    window = trained
    edits.set_recipe(window.session.root, epochs=10**6).apply(window.session.root)
    window.train()
    qtbot.waitUntil(
        lambda: window.bridge.last is not None and window.bridge.last.step > 50, timeout=20_000
    )
    window.travel.go(1, 30)
    number, step = moment(window)
    done = window.bridge.last.step
    qtbot.waitUntil(lambda: window.bridge.last.step > done + 50, timeout=20_000)
    qtbot.wait(400)  # the canvas would have been refreshed
    assert window.bridge.running and moment(window) == (number, step)
    for node, value in expected(window, number, step).items():
        shown = window.session.shown_value(node)
        assert shown is not None and np.allclose(shown, value, rtol=1e-12, atol=0)
    window.travel.take()  # not while it trains
    assert window.notice.isVisible() and "pause" in window.notice.text()
    window.pause_training()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20_000)
    assert moment(window) == (number, step)  # what was trained is kept, and the past stays in sight
    assert window.session.history.labels[-1].startswith("Train")
    for node, value in expected(window, number, step).items():
        shown = window.session.shown_value(node)
        assert shown is not None and np.allclose(shown, value, rtol=1e-12, atol=0)
    trained_values = dict(window.session.root.tensors)
    window.travel.back()
    for node in window.session.root.of_op("parameter"):
        shown = window.session.shown_value(node)
        assert shown is not None and np.array_equal(shown, trained_values[node])


def test_forking_while_training_keeps_what_was_trained(trained: Window, qtbot: QtBot) -> None:
    window = trained
    edits.set_recipe(window.session.root, epochs=10**6).apply(window.session.root)
    window.train()
    qtbot.waitUntil(
        lambda: window.bridge.last is not None and window.bridge.last.step > 50, timeout=20_000
    )
    window.travel.go(1, 30)
    window.travel.fork()
    qtbot.waitUntil(lambda: window.travel.past is None and window.bridge.running, timeout=20_000)
    labels = window.session.history.labels
    assert labels[-2].startswith("Train") and labels[-1].startswith("Fork")
    window.pause_training()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20_000)


def test_editing_or_closing_while_looking_at_the_past_loses_nothing(
    trained: Window, qtbot: QtBot
) -> None:
    window = trained
    window.travel.go(1, 30)
    name = window.session.root.of_op("parameter")[0]
    value = window.session.root.tensors[name] + 1.0
    window.session.do_outside(edits.set_tensors({name: value}), "by hand")
    assert window.travel.past is None  # one's own number is seen at once
    shown = window.session.shown_value(name)
    assert shown is not None and np.array_equal(shown, value)
    window.travel.go(1, 30)
    window.documents.save()
    path = window.session.path
    assert path is not None
    assert np.array_equal(files.read(path).tensors[name], value)
    window.new_document()
    assert window.travel.past is None and not window.travel.chip.isVisible()
    assert window.session.held == {} and window.travel.runs.entries == []
    window.open(path)
    assert len(window.travel.runs.entries) == 2
    window.travel.go(1, 30)
    window.close()
    assert np.array_equal(files.read(path).tensors[name], value)


def test_a_moment_is_seen_inside_a_module(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    window.documents.open_example("xor")
    session.select([str(session.graph.id_of(n)) for n in ("xW1", "W1", "b1", "z1")])
    monkeypatch.setattr(dialogs, "ask_module_name", lambda *a: "Layer")
    assert window.modules.make()
    (instance,) = session.selection
    edits.set_recipe(session.root, epochs=30).apply(session.root)
    window.train()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=30_000)
    qtbot.waitUntil(lambda: len(window.travel.runs.entries) == 1, timeout=10_000)
    assert session.enter(instance)
    moments = window.travel.moments(1)
    window.travel.go(1, moments[len(moments) // 2])
    number, step = moment(window)
    assert session.place == (instance,)
    home = window.travel.home
    assert home is not None
    parameters = Run(home / str(number)).parameters(step)
    inside = [key for key in parameters if key.startswith(f"{instance}.")]
    assert len(inside) == 2
    for key in inside:
        shown = session.shown_value(key.partition(".")[2])
        assert shown is not None and np.array_equal(shown, parameters[key])
    window.travel.take()
    assert all(np.array_equal(session.root.tensors[k], v) for k, v in parameters.items())


def test_a_run_of_another_document_is_refused_in_a_sentence(trained: Window) -> None:
    window = trained
    graph = window.session.root
    name = graph.of_op("parameter")[0]
    window.session.do_outside(edits.set_tensors({name: np.zeros((2, 9))}), "wider")
    window.travel.go(1, 30)
    assert window.travel.past is None
    assert window.notice.isVisible() and "another shape" in window.notice.text()


def test_without_runs_every_command_is_a_sentence(window: Window) -> None:
    for action in ("train.previous_moment", "train.follow", "train.runs", "train.curves"):
        window.commands.run(action)
    assert window.travel.past is None
    window.travel.take()
    window.travel.fork()
    window.travel.go(1, 5)
    window.travel.take_run(1)
    window.travel.go_on(1)
    window.start_page()
    window.travel.step(-1)
    assert window.travel.past is None
    assert isinstance(window.travel.chip.back, QToolButton)


def test_a_run_of_a_document_saved_under_another_name_while_it_trains_goes_with_it(
    trained: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    window = trained
    old = home_of(tmp_path / "xor.gloom")
    window.bridge.set_speed(100)
    window.train()
    qtbot.waitUntil(lambda: len(window.travel.runs.entries) == 3, timeout=20_000)
    path = tmp_path / "other.gloom"
    assert window.documents.write(path)
    assert window.training and [e.number for e in window.travel.runs.entries] == [3, 2, 1]
    qtbot.waitUntil(lambda: curves(window)._known[3].metrics.step.size > 5, timeout=20_000)
    window.pause_training()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    assert window.travel.home == home_of(path)
    assert [e.number for e in window.travel.runs.entries] == [1]
    assert sorted(p.name for p in old.iterdir()) == ["1", "2"]
    steps = window.travel.runs.entries[0].facts.step
    window.train_step()  # in a run of the new document
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    runs_now = window.travel.runs
    qtbot.waitUntil(lambda: [e.facts.step for e in runs_now.entries] == [1, steps], timeout=10_000)
    assert steps > 5


def test_runs_keep_their_numbers_when_their_document_is_saved_for_the_first_time(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    window.documents.open_example("xor")
    graph = window.session.root
    home = window.travel.place.to_write()
    record(home, graph, 5)
    record(home, graph, 6)
    remove(Run(home / "1"))
    window.travel.refresh()
    assert window.documents.write(tmp_path / "kept.gloom")
    assert [(e.number, e.facts.step) for e in window.travel.runs.entries] == [(2, 6)]
    assert not home.parent.exists()


def test_moments_of_runs_that_rest_are_read_once(
    trained: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the runs while one trains does not read those of all others anew."""
    window, read = trained, []
    slots = Moments.slots
    monkeypatch.setattr(Moments, "slots", lambda self: (read.append(self.path), slots(self))[1])
    for _ in range(3):
        window.travel.refresh()
        for number in (1, 2):
            assert window.travel.moments(number)[-1] == {1: 60, 2: 40}[number]
    assert len(read) <= 2

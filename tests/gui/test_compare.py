"""The panel "Compare": a sweep set up, raced, filtered, sorted and opened, by mouse and keys."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hands import LEFT, PLAIN, move_over
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from app import actions
from app.view import theme
from app.view.studio.compare import ComparePanel
from app.view.studio.parallel import Parallel
from app.view.studio.race import Race, runners
from app.view.studio.trial_table import TrialModel, setting_text
from app.view.window import Window
from engine import examples, files
from engine.graph import Graph
from engine.train import trials as kept
from engine.train.axes import Axis
from engine.train.session import Training
from engine.train.sweep import Sweep, Trial

SOON = 60_000


def click(widget: QWidget, place: QPoint | None = None) -> None:
    QTest.mouseClick(widget, LEFT, PLAIN, place or widget.rect().center())


@pytest.fixture
def panel(window: Window, qtbot: QtBot) -> ComparePanel:
    window.session.load(examples.load("xor"))
    window.show_editor()
    window.show_panel("compare")
    found = window.comparing.panel
    qtbot.waitUntil(lambda: found.isVisible() and bool(found.setup.lines))
    return found


def set_up(panel: ComparePanel, *axes: str, epochs: int = 40) -> None:
    panel.setup.show_axes([Axis.parse(text) for text in axes])
    panel.setup.epochs.setValue(epochs)


def finished(panel: ComparePanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not panel.comparison.is_on, timeout=SOON)
    panel.show_trials()


def tab(panel: ComparePanel, name: str) -> None:
    """A click on a tab."""
    number = ["setup", "table", "parallel", "race"].index(name)
    click(panel.tabs, panel.tabs.tabRect(number).center())
    assert panel.tab == name


def cells(panel: ComparePanel, column: str) -> list[str]:
    model = panel.table.trials
    place = [c.title for c in model.columns].index(column)
    return [str(model.index(row, place).data()) for row in range(model.rowCount())]


# ------------------------------------------------------------ setting it up


def test_lines_are_added_changed_and_removed_by_hand(panel: ComparePanel) -> None:
    setup = panel.setup
    assert [line.axis().field for line in setup.lines] == ["optimizer"]
    click(setup.add)
    assert [line.variable.name for line in setup.lines] == ["optimizer", "learning_rate"]
    line = setup.lines[1]
    assert line.axis() == Axis("learning_rate", low=0.1, high=10.0, log=True)
    line.values.setFocus()
    line.values.selectAll()
    QTest.keyClicks(line.values, "0.5, 1, 2")
    QTest.keyClick(line.values, Qt.Key.Key_Return)
    assert line.axis() == Axis("learning_rate", (0.5, 1, 2)) and not line.log.isEnabled()
    assert panel.start_button.text() == "Start 27 trials"
    click(setup.lines[0].gone)
    assert panel.start_button.text() == "Start 3 trials"
    line.field.setCurrentIndex(line.field.findData("batch_size"))
    line.field.activated.emit(line.field.currentIndex())
    assert line.values.text() == "8, 16, 32, 64"


def test_choices_are_ticked_in_a_menu(panel: ComparePanel) -> None:
    line = panel.setup.lines[0]
    click(line.choose)
    menu = line.findChild(QMenu)
    assert menu is not None
    for action in menu.actions():
        if action.isChecked() and action.text() not in ("sgd", "adam"):
            action.trigger()
    assert line.axis().values == ("sgd", "adam")
    menu.close()


@pytest.mark.parametrize(
    ("text", "words"), [("1..0.1", "smaller number to a larger"), ("a", "is a number")]
)
def test_what_is_wrong_is_said(panel: ComparePanel, text: str, words: str) -> None:
    set_up(panel, "learning_rate=1,2")
    line = panel.setup.lines[0]
    line.values.setText(text)
    line.log.setChecked(False)
    click(panel.start_button)
    assert words in panel.fault.text() and panel.fault.isVisible() and not panel.comparison.is_on
    line.values.setText("1, 2")
    panel.setup.epochs.setValue(3)
    click(panel.start_button)
    assert not panel.fault.isVisible() and panel.comparison.is_on


# ------------------------------------------------------------ running it


def test_a_race_runs_to_its_end_and_the_best_is_opened_in_one_step(
    window: Window, panel: ComparePanel, qtbot: QtBot
) -> None:
    set_up(panel, "optimizer=sgd,momentum,adam", epochs=150)
    before = files.to_bytes(window.session.root)
    click(panel.start_button)
    assert panel.tab == "race" and panel.stop_button.isVisible()
    finished(panel, qtbot)
    assert [r.trial.state for r in panel.race.runners] == ["done"] * 3
    assert all(len(r.points) >= 2 for r in panel.race.runners)
    own = examples.load("xor")
    losses = {}
    for name, rate in (("sgd", 1.0), ("momentum", 0.1), ("adam", 0.001)):
        own.put("settings", "recipe", own.recipe.changed(optimizer=name, learning_rate=rate))
        training = Training(own, seed=0)
        training.run(150)
        losses[name] = training.metrics()["train"][own.name(training.loss_node)]
    assert {t.settings["optimizer"]: t.loss for t in panel.comparison.trials} == losses
    steps = len(window.session.history.labels)
    click(panel.best_button)
    best = min(losses, key=lambda name: losses[name])
    assert window.session.root.recipe.stages[0].optimizer == best
    assert len(window.session.history.labels) == steps + 1
    trained = window.session.root
    loss = Training(trained).metrics()["train"][trained.name(Training(trained).loss_node)]
    assert loss == losses[best]
    window.session.history.undo()
    assert files.to_bytes(window.session.root) == before


def test_pause_stop_and_go_on(panel: ComparePanel, qtbot: QtBot) -> None:
    set_up(panel, "seed=0..3", epochs=1_000_000)
    click(panel.start_button)
    comparison = panel.comparison
    qtbot.waitUntil(lambda: any(t.state == "running" for t in comparison.trials), timeout=SOON)
    click(panel.pause_button)
    assert comparison.state == "paused" and panel.pause_button.text() == "Resume"
    click(panel.pause_button)
    assert comparison.state == "running"
    qtbot.waitUntil(lambda: any(live.step for live in comparison.pool.live.values()), timeout=SOON)
    assert panel.bar.isVisible()
    click(panel.stop_button)
    qtbot.waitUntil(lambda: not comparison.is_on, timeout=1500)
    assert panel.go_on_button.isVisible() and not panel.bar.isVisible()
    done = [t.state for t in comparison.trials]
    assert "stopped" in done and "waiting" in done
    comparison.pool.sweep = replace(comparison.pool.sweep, epochs=30)
    click(panel.go_on_button)
    finished(panel, qtbot)
    assert {t.state for t in comparison.trials} == {"done"}


def test_a_killed_process_is_a_row(panel: ComparePanel, qtbot: QtBot) -> None:
    set_up(panel, "seed=0,1", epochs=1_000_000)
    click(panel.start_button)
    comparison = panel.comparison
    qtbot.waitUntil(lambda: any(t.state == "running" for t in comparison.trials), timeout=SOON)
    worker = next(w for w in comparison.pool._staff if w.trial == 0)
    os.kill(worker.process.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: comparison.trials[0].state == "failed", timeout=SOON)
    tab(panel, "table")
    assert "⚠ failed" in cells(panel, "State")
    row = panel.table.trials.row_of(0)
    tip = panel.table.trials.index(row, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "signal 9" in tip


def test_nothing_is_left_when_the_window_goes_or_another_document_comes(
    window: Window, panel: ComparePanel, qtbot: QtBot
) -> None:
    before = len(multiprocessing.active_children())
    for leave in (lambda: window.session.load(examples.load("xor")), window.close):
        window.show_panel("compare")
        set_up(panel, "seed=0..3", epochs=1_000_000)
        panel.start()
        qtbot.waitUntil(
            lambda: any(t.state == "running" for t in panel.comparison.trials), timeout=SOON
        )
        folder = panel.comparison.pool.folder
        window.session.history.mark_saved()
        leave()
        assert panel.comparison.pool is None and not folder.exists()
        assert len(multiprocessing.active_children()) <= before


def test_more_trials_than_cores_are_done_one_after_the_other(
    panel: ComparePanel, qtbot: QtBot
) -> None:
    set_up(panel, "seed=0..19", epochs=100)
    click(panel.start_button)
    assert panel.tab == "table"
    finished(panel, qtbot)
    assert len(panel.comparison.trials) == 20
    assert {t.state for t in panel.comparison.trials} == {"done"}
    assert cells(panel, "#")[0] == str(panel.comparison.best.number)


# ------------------------------------------------------------ looking at it


def tried() -> list[Trial]:
    """Trials with known settings and losses, one of them diverged."""
    rates, names = (0.001, 0.01, 0.1, 1.0), ("sgd", "adam")
    made = []
    for number in range(8):
        rate, name = rates[number % 4], names[number // 4]
        loss = abs(math.log10(rate) + 2) + 0.1 + 0.05 * (number // 4)
        curve = tuple((10 * i, loss * (5 - i), math.nan) for i in range(1, 5))
        made.append(
            Trial(number, {"learning_rate": rate, "optimizer": name}, "done", 40, loss, math.nan,
                  40, {"train": {"loss": loss, "accuracy": 0.5}, "validation": {}}, 0.25, "", curve)
        )  # fmt: skip
    bad = Trial(
        8, {"learning_rate": 10.0, "optimizer": "sgd"}, "diverged", 3, message="it diverged"
    )
    return [*made, bad]


def sweep() -> Sweep:
    return Sweep((Axis.parse("learning_rate=0.001..10:log"), Axis.parse("optimizer=sgd,adam")))


class Held:
    """A pool that only holds trials."""

    def __init__(self, trials: list[Trial]) -> None:
        self.trials, self.sweep, self.state, self.message = trials, sweep(), "finished", ""
        self.live: dict[int, object] = {}
        self.is_on, self.progress, self.folder = False, 1.0, Path("nowhere")

    def close(self) -> None:
        pass


@pytest.fixture
def results(panel: ComparePanel) -> ComparePanel:
    panel.comparison.pool = Held(tried())  # type: ignore[assignment]
    panel.show_trials()
    return panel


def test_the_table_is_best_first_and_sorted_by_a_click(results: ComparePanel) -> None:
    tab(results, "table")
    assert cells(results, "#") == ["1", "5", "0", "2", "4", "6", "3", "7", "8"]
    assert cells(results, "Loss")[:2] == ["0.1000", "0.1500"] and cells(results, "Loss")[-1] == ""
    header = results.table.horizontalHeader()

    def press(column: str) -> None:
        place = [c.title for c in results.table.trials.columns].index(column)
        x = header.sectionViewportPosition(place) + header.sectionSize(place) // 2
        click(header.viewport(), QPoint(x, header.height() // 2))

    press("learning rate")
    assert cells(results, "learning rate") == ["0.001"] * 2 + ["0.01"] * 2 + ["0.1"] * 2 + [
        "1"
    ] * 2 + ["10"]
    press("learning rate")
    assert cells(results, "learning rate")[0] == "10"
    press("learning rate")
    assert cells(results, "#")[0] == "1"  # the best first again
    press("optimizer")
    assert cells(results, "optimizer") == ["adam"] * 4 + ["sgd"] * 5
    press("State")
    assert cells(results, "State")[0] == "⚠ diverged"


def test_a_brush_filters_the_table_and_lines_point_both_ways(results: ComparePanel) -> None:
    tab(results, "parallel")
    view = results.parallel
    assert [scale.name for scale in view.scales] == ["learning_rate", "optimizer", "loss"]
    rate, result = view.scales[0], view.scales[2]
    assert rate.log and rate.at(0.001) == 0 and rate.at(10) == 1
    x = round(view.x_of(rate))
    low, high = QPoint(x, round(view.y_of(0.6))), QPoint(x, round(view.y_of(0.2)))
    QTest.mousePress(view, LEFT, PLAIN, low)
    QTest.mouseMove(view, (low + high) / 2)
    QTest.mouseMove(view, high)
    QTest.mouseRelease(view, LEFT, PLAIN, high)
    kept_rates = {t.settings["learning_rate"] for t in tried() if view.keeps(t)}
    assert kept_rates == {0.01, 0.1}
    assert "4 kept" in results._status()
    tab(results, "table")
    assert sorted(cells(results, "#")) == ["1", "2", "5", "6"]
    tab(results, "parallel")
    click(view, QPoint(x, round(view.y_of(0.9))))  # a click lets all through again
    assert not view.is_brushed
    line = view._lines[3]
    middle = line.at(0) * 0.75 + line.at(1) * 0.25
    move_over(view, middle.toPoint())
    assert view.hot == 3 and results.race.hot == 3
    assert results.table.trials.hot == 3
    results.table.pointed.emit(1)
    assert result.at(0.1) == 0.0 and view.hot == 1


def test_a_brush_moves_along_when_it_is_dragged(results: ComparePanel) -> None:
    tab(results, "parallel")
    view = results.parallel
    scale = view.scales[0]
    scale.brush = (0.0, 0.3)
    x = round(view.x_of(scale))
    start, end = QPoint(x, round(view.y_of(0.2))), QPoint(x, round(view.y_of(0.7)))
    QTest.mousePress(view, LEFT, PLAIN, start)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, LEFT, PLAIN, end)
    assert scale.brush == (pytest.approx(0.5, abs=0.02), pytest.approx(0.8, abs=0.02))


def test_lines_go_where_the_numbers_are() -> None:
    """Against places computed by hand."""
    view = Parallel()
    view.resize(500, 200)
    view.show_trials(tried(), sweep(), "loss")
    room = view._room
    for trial in tried()[:8]:
        line = view._lines[trial.number]
        share = (math.log10(float(trial.settings["learning_rate"])) + 3) / 4
        place = 0.25 if trial.settings["optimizer"] == "sgd" else 0.75
        losses = [t.loss for t in tried()[:8]]
        result = (trial.loss - min(losses)) / (max(losses) - min(losses))
        by_hand = [room.bottom() - s * room.height() for s in (share, place, result)]
        assert [line.at(i).y() for i in range(3)] == pytest.approx(by_hand)
        assert [line.at(i).x() for i in range(3)] == pytest.approx(
            [room.left(), room.center().x(), room.right()]
        )
    assert view._lines[8].count() == 2  # it came to no number


def test_cells_of_the_race_are_pointed_at_and_opened(results: ComparePanel) -> None:
    tab(results, "race")
    race = results.race
    assert [r.trial.number for r in race.runners] == list(range(9)) and race.best == 1
    assert race.name(race.runners[1].trial) == "learning rate 0.01 · sgd"
    for place in range(9):
        move_over(race, race.cell(place).center().toPoint())
        assert race.hot == place
    chosen: list[int] = []
    race.chosen.disconnect()
    race.chosen.connect(chosen.append)
    QTest.mouseDClick(race, LEFT, PLAIN, race.cell(4).center().toPoint())
    assert chosen == [4]


def test_too_many_cells_keep_those_under_way_and_the_best() -> None:
    many = [Trial(n, {"seed": n}, "done", 10, 100.0 - n) for n in range(100)]
    many[5] = replace(many[5], state="running")
    shown = [r.trial.number for r in runners(many, lambda number: None)]
    assert len(shown) == 60 and 5 in shown and set(range(41, 100)) <= set(shown)
    race = Race()
    race.show_runners(runners(many, lambda number: None), 99)
    race.resize(400, 300)
    race.grab()


def test_settings_are_told_short_and_exactly() -> None:
    assert [setting_text(v) for v in (0.1, 1e-4, 3, "adam", 0.0594224525, -0.5)] == [
        "0.1", "0.0001", "3", "adam", "0.05942", "−0.5",
    ]  # fmt: skip


def test_many_rows_are_cut_and_words_and_numbers_sort(results: ComparePanel) -> None:
    model = TrialModel()
    many = [Trial(n, {"seed": n}, "done", n, float(n)) for n in range(2500)]
    model.take(many, None, 0, None)
    assert model.rowCount() == 2000 and model.left_out == 500 and model.rows[0].number == 0


# ------------------------------------------------------------ kept on the disk


def test_sweeps_are_kept_beside_the_document_and_opened_again(
    window: Window, panel: ComparePanel, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "xor.gloom"
    files.write(examples.load("xor"), path)
    window.open(path)
    window.show_panel("compare")
    set_up(panel, "learning_rate=0.5,1,2", epochs=30)
    click(panel.start_button)
    finished(panel, qtbot)
    folder = tmp_path / "xor.gloom.runs" / "sweep-1"
    first = [replace(t, seconds=0) for t in kept.read(folder).trials]
    assert len(first) == 3
    window.open(path)  # nothing of it is shown any more
    assert not panel.comparison.trials and panel.tab == "setup"
    assert panel.earlier_button.isVisible()
    panel.open_earlier(folder)
    assert [replace(t, seconds=0) for t in panel.comparison.trials] == first
    assert panel.tab == "table" and [a.text for a in panel.setup.sweep().axes] == ["0.5,1,2"]
    window.session.history.mark_saved()
    row = panel.table.trials.row_of(2)
    box = panel.table.visualRect(panel.table.trials.index(row, 1))
    QTest.mouseClick(panel.table.viewport(), LEFT, PLAIN, box.center())
    QTest.mouseDClick(panel.table.viewport(), LEFT, PLAIN, box.center())
    assert window.session.root.recipe.stages[0].learning_rate == 2.0
    parameters = panel.comparison.pool.parameters(2)
    assert all(np.array_equal(window.session.root.tensors[n], v) for n, v in parameters.items())
    (folder / "sweep.json").write_bytes(b"spoilt")
    panel.open_earlier(folder)
    assert panel.fault.isVisible()


# ------------------------------------------------------------ beside other runs


def test_a_small_sweep_is_recorded_as_runs_with_curves_and_moments(
    window: Window, panel: ComparePanel, qtbot: QtBot
) -> None:
    set_up(panel, "optimizer=sgd,adam", epochs=60)
    click(panel.start_button)
    finished(panel, qtbot)
    window.travel.refresh()
    trials = panel.comparison.trials
    assert [t.run for t in trials] != [0, 0]
    for trial in trials:
        entry = window.travel.runs.of(trial.run)
        assert entry is not None and entry.shown and entry.facts.state == "finished"
        assert entry.title == trial.settings["optimizer"]
        metrics = entry.run.metrics()
        assert metrics.step[-1] == 60 and len(entry.run.moments) > 2
        last = entry.run.parameters(60)
        ours = panel.comparison.pool.parameters(trial.number)
        assert trial.best_step == 60
        assert all(np.array_equal(ours[n], last[n]) for n in ours)
    panel.show_curve(0)
    assert window.docks["curves"].is_seen


def test_a_trial_without_a_run_is_done_once_more_for_its_curve(
    window: Window, panel: ComparePanel, qtbot: QtBot
) -> None:
    set_up(panel, "seed=0..11", epochs=30)  # more than are told apart
    click(panel.start_button)
    finished(panel, qtbot)
    comparison = panel.comparison
    assert {t.run for t in comparison.trials} == {0}
    tab(panel, "table")
    row = panel.table.trials.row_of(5)
    place = panel.table.visualRect(panel.table.trials.index(row, 1)).center()
    panel.table.scrollTo(panel.table.trials.index(row, 1))
    place = panel.table.visualRect(panel.table.trials.index(row, 1)).center()
    panel.table.customContextMenuRequested.emit(place)
    menu = panel.findChild(QMenu)
    assert menu is not None and panel._asked == 5
    next(a for a in menu.actions() if a.text() == "Show its curve").trigger()
    menu.close()
    qtbot.waitUntil(lambda: comparison.trials[5].run > 0, timeout=SOON)
    entry = window.travel.runs.of(comparison.trials[5].run)
    assert entry is not None and window.docks["curves"].is_seen
    last, ours = entry.run.parameters(30), comparison.pool.parameters(5)
    assert all(np.array_equal(ours[n], last[n]) for n in ours)


def test_the_table_is_copied_in_full(results: ComparePanel) -> None:
    tab(results, "table")
    results.table.copy_csv()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "#,learning rate,optimizer,Loss,accuracy,State,Steps,Time"
    assert lines[1].startswith("1,0.01,sgd,0.1,0.5,done,40,0.25") and len(lines) == 10


# ------------------------------------------------------------ everywhere


@pytest.mark.parametrize("graph", [Graph(), examples.load("worked-example")])
def test_documents_without_parameters_say_so(window: Window, graph: Graph) -> None:
    window.session.load(graph)
    window.show_editor()
    window.show_panel("compare")
    panel = window.comparing.panel
    assert panel.pages.currentWidget() is panel.message
    assert "Add a parameter and a loss" in panel.message.text()
    panel.start()
    assert not panel.comparison.is_on
    for preset in ("race", "restarts", "rates"):
        window.commands.run(f"train.{preset}")
        assert not panel.comparison.is_on and not panel.setup.lines
        assert "Add a parameter and a loss" in panel.message.text()
    window.show_start()


def test_the_commands_of_the_menu(window: Window, panel: ComparePanel, qtbot: QtBot) -> None:
    panel.setup.epochs.setValue(20)
    known = {action.id: action for action in actions.ACTIONS}
    assert not known["train.stop_comparing"].enabled(window)
    window.commands.run("train.rates")
    assert panel.comparison.is_on and not known["train.rates"].enabled(window)
    finished(panel, qtbot)
    assert panel.comparison.trials[0].settings["learning_rate"] == 0.01
    assert known["train.open_best"].enabled(window)
    window.commands.run("train.open_best")
    assert window.training_panel.message.isHidden()  # it went well, and nothing trained here
    best = panel.comparison.best
    assert best is not None
    assert window.session.root.recipe.stages[0].learning_rate == best.settings["learning_rate"]


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("size", [(600, 250), (250, 230), (1300, 600)])
def test_it_is_drawn_in_both_themes_and_all_sizes(
    results: ComparePanel, name: str, size: tuple[int, int]
) -> None:
    with theme.drawn_in(theme.named(name)):
        results.restyle()
        results.resize(*size)
        for which in ("setup", "table", "parallel", "race"):
            results._show(which)
            picture = results.grab().toImage()
            colours = {picture.pixel(x, y) for x in range(0, picture.width(), 7)
                       for y in range(0, picture.height(), 5)}  # fmt: skip
            assert len(colours) > 4, which

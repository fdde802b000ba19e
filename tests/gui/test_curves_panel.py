"""The curves panel: what is drawn are the recorded numbers; mouse, legend, zoom, export."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hands import LEFT, PLAIN, move_over
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot
from recorded import record

from app.view import dialogs, theme
from app.view.studio.curve_plot import CurvePlot
from app.view.studio.curves import CurvesPanel
from app.view.studio.legend import LINE, SWATCH, Legend, Name, run_colours
from app.view.studio.runs import NAME, RunsPanel
from app.view.window import Window
from engine import edits, examples, files
from engine.graph import Graph, Recipe
from engine.train.recording import Run
from engine.train.runs import home_of

DIGITS = examples.load("your-csv")


@pytest.fixture
def trained(window: Window, tmp_path: Path, qtbot: QtBot) -> Window:
    """A saved document with two recorded runs, open with its curves and runs."""
    path = tmp_path / "iris.gloom"
    files.write(DIGITS, path)
    record(home_of(path), DIGITS, 80, optimizer="adam", learning_rate=0.05)
    record(home_of(path), DIGITS, 50)
    window.open(path)
    window.show_panel("curves")
    window.show_panel("runs")
    qtbot.waitUntil(lambda: panel(window).plot is not None)
    window.travel.runs.show(1, True)
    return window


def panel(window: Window) -> CurvesPanel:
    found = window.studio.panels["curves"]
    assert isinstance(found, CurvesPanel)
    return found


def table(window: Window) -> RunsPanel:
    found = window.studio.panels["runs"]
    assert isinstance(found, RunsPanel)
    return found


def plot(window: Window) -> CurvePlot:
    found = panel(window).plot
    assert found is not None
    return found


def run(window: Window, number: int) -> Run:
    home = window.travel.home
    assert home is not None
    return Run(home / str(number))


def at(window: Window, x: float) -> QPoint:
    shown = plot(window)
    low, high = shown.box.viewRange()[1]
    return shown.plot.mapFromScene(shown.box.mapViewToScene(QPointF(x, (low + high) / 2)))


def test_what_is_drawn_is_what_was_recorded(trained: Window) -> None:
    lines = {line.key: line for line in plot(trained).lines}
    assert set(lines) == {(n, p) for n in (1, 2) for p in ("train", "validation")}
    for number in (1, 2):
        metrics, measures = run(trained, number).metrics(10_000), run(trained, number).measures
        train, held = lines[number, "train"], lines[number, "validation"]
        assert train.x.tolist() == metrics.step.tolist()
        assert train.y.tolist() == metrics.loss.tolist() and not train.dashed
        steps, values = measures["validation"]["loss"]
        assert held.x.tolist() == steps.tolist() and held.y.tolist() == values.tolist()
        assert held.dashed
    panel(trained)._turned("metric", "accuracy")
    lines = {line.key: line for line in plot(trained).lines}
    steps, values = run(trained, 2).measures["train"]["accuracy"]
    assert lines[2, "train"].y.tolist() == values.tolist()


def test_few_measurements_are_dots_and_many_a_line(trained: Window) -> None:
    plot_ = plot(trained)
    held = next(line for line in plot_.lines if line.dashed)
    dots = plot_._items[(*held.key, "dots")]
    x, y = dots.getData()
    assert x.tolist() == held.x.tolist() and y.tolist() == held.y.tolist()
    plot_.set_log(True)
    assert dots.getData()[1] == pytest.approx(np.log10(held.y))
    many = np.linspace(0.0, 80.0, 200)
    plot_.show_lines([replace(held, x=many, y=many + 1)], {})
    assert (*held.key, "dots") not in plot_._items
    one = replace(held, x=many[:1], y=many[:1] + 1, dashed=False)
    plot_.show_lines([one], {})  # a line of one point would not be seen
    assert plot_._items[(*held.key, "dots")].getData()[1].tolist() == np.log10(one.y).tolist()


def test_epochs_and_seconds_run_across(trained: Window) -> None:
    clock = run(trained, 1).clock
    for unit, values in (("epoch", clock.epoch), ("seconds", clock.seconds)):
        panel(trained).set_unit(unit)
        line = next(line for line in plot(trained).lines if line.key == (1, "validation"))
        wanted = np.interp(run(trained, 1).measures["validation"]["loss"][0], clock.step, values)
        assert line.x == pytest.approx(wanted)


def test_smoothing_keeps_the_raw_curve_behind_and_a_log_scale_hides_what_is_not_positive(
    trained: Window,
) -> None:
    shown = panel(trained)
    shown._turned("over", "10")
    line = plot(trained).lines[0]
    assert line.raw is not None and np.abs(np.diff(line.y)).sum() < np.abs(np.diff(line.raw)).sum()
    shown._turned("scale", 1)
    low, high = plot(trained).box.viewRange()[1]
    finite = [line.raw[line.raw > 0] for line in plot(trained).lines if line.raw is not None]
    assert low <= np.log10(min(v.min() for v in finite))
    assert high >= np.log10(max(v.max() for v in finite))


def test_the_crosshair_tells_the_number_of_each_run(trained: Window, qtbot: QtBot) -> None:
    view = plot(trained).plot.viewport()
    move_over(view, at(trained, 31.2))
    assert plot(trained).cross.isVisible()
    for name in panel(trained).legend.names:
        loss = run(trained, name.key).metrics(10_000).loss[30]
        assert name.numbers[0] == theme.number_text(loss)
    qtbot.wait(30)  # the plot takes a hundred moves a second
    move_over(view, at(trained, 70))
    names = {name.key: name for name in panel(trained).legend.names}
    assert names[2].numbers[0] == "" and names[1].numbers[0]  # run 2 ended at 50


def test_every_name_is_reached_and_numbers_are_whole(qtbot: QtBot) -> None:
    numbers = ["6.326e-4", "0.001752", "−1.234e-12", "0.6", "1", "2", "3", "4"]
    legend = Legend()
    qtbot.addWidget(legend)
    legend.resize(220, 10)
    legend.set_around(260)
    legend.show_names(
        [Name(n, f"optimizer {n}", QColor("blue"), (text,)) for n, text in enumerate(numbers)]
    )
    legend.show()
    letters, figures = QFontMetricsF(theme.ui_font(11)), QFontMetricsF(theme.number_font(11))
    assert legend.height() == 4 * LINE and legend.unseen == 5
    for number, text in enumerate(numbers[:3]):
        least = SWATCH + letters.horizontalAdvance(f"optimizer {number}")
        assert legend.box_of(number).width() >= least + figures.horizontalAdvance(text)
    assert legend.box_of(7).isEmpty()
    more = QPoint(40, legend.height() - LINE // 2)
    QTest.mouseClick(legend, LEFT, PLAIN, more)
    assert not legend.box_of(4).isEmpty() and legend.box_of(0).isEmpty()
    QTest.mouseClick(legend, LEFT, PLAIN, more)
    with qtbot.waitSignal(legend.toggled) as told:
        QTest.mouseClick(legend, LEFT, PLAIN, legend.box_of(7).center().toPoint())
    assert told.args == [7]
    QTest.mouseClick(legend, LEFT, PLAIN, more)
    assert not legend.box_of(0).isEmpty()
    QTest.keyClick(legend, Qt.Key.Key_Left)  # round to the last name, which comes into sight
    assert not legend.box_of(7).isEmpty()
    legend.set_around(800)
    assert not legend.unseen and legend.height() == 8 * LINE


def test_a_run_stays_selected_when_another_one_comes(trained: Window) -> None:
    runs = table(trained)
    runs.table.selectRow(1)
    assert [entry.number for entry in runs.selected] == [1]
    record(trained.travel.home, DIGITS, 20)  # type: ignore[arg-type]
    trained.travel.refresh()
    runs.refresh()
    assert runs.table.rowCount() == 3
    assert [entry.number for entry in runs.selected] == [1]


def test_a_name_in_the_legend_hides_its_curves(trained: Window) -> None:
    legend = panel(trained).legend
    place = legend.box_of(1).center().toPoint()
    QTest.mouseClick(legend, LEFT, PLAIN, place)
    assert {line.key[0] for line in plot(trained).lines} == {2}
    QTest.mouseClick(legend, LEFT, PLAIN, place)
    assert {line.key[0] for line in plot(trained).lines} == {1, 2}


def test_wheel_and_drag_zoom_and_move_and_a_double_click_shows_everything(
    trained: Window, qtbot: QtBot
) -> None:
    shown = plot(trained)
    view = shown.plot.viewport()
    whole = shown.box.viewRange()[0]
    place = at(trained, 40)
    event = QWheelEvent(
        QPointF(place), QPointF(view.mapToGlobal(place)), QPoint(), QPoint(0, 360),
        Qt.MouseButton.NoButton, PLAIN, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    near = shown.box.viewRange()[0]
    assert near[0] > whole[0] and near[1] < whole[1] and near[0] < 40 < near[1]
    assert not shown.follows
    panel(trained).update_curves()
    assert shown.box.viewRange()[0] == near  # news do not take it away
    QTest.mouseDClick(view, LEFT, PLAIN, place)
    assert shown.follows and shown.box.viewRange()[0][0] <= 1 and shown.box.viewRange()[0][1] >= 80


def test_the_learning_rate_is_a_second_plot_on_request(trained: Window) -> None:
    shown = panel(trained)
    shown.set_rate(True)
    rates = shown.rate_plot
    assert rates is not None and rates.isVisible()
    line = next(line for line in rates.lines if line.key[0] == 1)
    assert line.y.tolist() == run(trained, 1).metrics(10_000).learning_rate.tolist()
    shown.set_rate(False)
    assert not rates.isVisible()


def test_borders_of_stages_and_an_early_stop_are_marked(trained: Window, qtbot: QtBot) -> None:
    window = trained
    home = window.travel.home
    assert home is not None
    graph = DIGITS.copy()
    stage = graph.recipe.stages[0]
    last = replace(stage, title="fine-tune", learning_rate=0.0, epochs=50, patience=2)
    graph.put("settings", "recipe", Recipe((replace(stage, epochs=3), last), 1))
    training = record(home, graph, 200)
    assert training.stopped and training.step_count < 200
    window.travel.refresh()
    borders = plot(window).borders
    assert borders == {
        float(training.stage_start): "fine-tune", float(training.step_count): "stopped early"
    }  # fmt: skip
    assert training.stage_start == 3 * training.steps_per_epoch


def test_csv_has_the_recorded_numbers(
    trained: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "curves.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    trained.travel.export_curves()
    rows = list(csv.DictReader(target.open()))
    losses = run(trained, 1).metrics(10_000).loss
    column = [float(row["run 1 train"]) for row in rows if row["run 1 train"]]
    assert column == losses.tolist()


def test_colours_of_runs_are_apart_in_every_theme(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for name in ("dark", "light"):
        for colours in ("green and vermillion", "blue and orange"):
            tokens = theme.apply(app, name, colours)
            shades = [c.name() for c in run_colours()]
            assert len(set(shades)) == 10
            assert not {tokens.value.name(), tokens.gradient.name()} & set(shades)
            ground = tokens.canvas if tokens.is_dark else tokens.background
            for shade in run_colours():
                assert contrast(shade, ground) >= 3.0
    theme.apply(app, "dark", "green and vermillion")


def contrast(one, other) -> float:  # type: ignore[no-untyped-def]
    """WCAG 2.1's contrast ratio."""

    def light(colour):  # type: ignore[no-untyped-def]
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((light(one), light(other)))
    return float((high + 0.05) / (low + 0.05))


# ------------------------------------------------------------ the table of runs


def test_two_runs_are_compared_in_words(trained: Window) -> None:
    shown = table(trained)
    shown.table.selectAll()
    assert "run 1 → run 2" in shown.words.text()
    assert "learning rate: 0.05 → 0.01" in shown.words.text()


def test_a_run_is_renamed_by_double_click_and_typing(trained: Window, qtbot: QtBot) -> None:
    shown = table(trained)
    place = shown.table.visualItemRect(shown.table.item(1, NAME)).center()
    QTest.mouseClick(shown.table.viewport(), LEFT, PLAIN, place)
    QTest.mouseDClick(shown.table.viewport(), LEFT, PLAIN, place)
    editor = shown.table.findChild(QLineEdit)
    assert editor is not None and editor.hasFocus()
    QTest.keyClicks(editor, "with adam")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    entry = trained.travel.runs.of(1)
    assert entry is not None
    qtbot.waitUntil(lambda: entry.name == "with adam")  # the view takes it behind the key
    assert (entry.run.folder / "name").read_text() == "with adam"
    assert any(name.title == "with adam" for name in panel(trained).legend.names)


def test_the_mark_before_a_name_shows_and_hides(trained: Window) -> None:
    shown = table(trained)
    box = shown.table.visualItemRect(shown.table.item(0, NAME))
    place = QPoint(box.left() + 8, box.center().y())
    QTest.mouseClick(shown.table.viewport(), LEFT, PLAIN, place)
    entry = trained.travel.runs.of(2)
    assert entry is not None and not entry.shown
    assert {line.key[0] for line in plot(trained).lines} == {1}
    QTest.mouseClick(shown.table.viewport(), LEFT, PLAIN, place)
    assert entry.shown


def test_runs_are_pinned_removed_and_taken_from(
    trained: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, travel = trained, trained.travel
    table(window)._pin(1)
    assert run(window, 1).is_pinned
    wanted = run(window, 1).parameters(80)
    travel.take_run(1)
    assert all(np.array_equal(window.session.root.tensors[k], v) for k, v in wanted.items())
    window.commands.run("edit.undo")
    monkeypatch.setattr(dialogs, "ask_remove_run", lambda *a: False)
    travel.remove_run(2)
    assert travel.runs.of(2) is not None
    monkeypatch.setattr(dialogs, "ask_remove_run", lambda *a: True)
    travel.go(2, 20)
    travel.remove_run(2)
    assert travel.runs.of(2) is None and travel.past is None


def test_a_run_opens_as_a_document_of_its_own(trained: Window) -> None:
    wanted = run(trained, 1).parameters(80)
    trained.travel.open_run(1)
    session = trained.session
    assert session.path is None and not session.history.is_saved and "run 1" in session.title
    assert session.root.recipe.stages[0].optimizer == "adam"
    assert all(np.array_equal(session.root.tensors[k], v) for k, v in wanted.items())


def test_a_run_goes_on_from_its_checkpoint_bit_by_bit(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    graph: Graph = DIGITS.copy()
    change = edits.set_recipe(graph, optimizer="adam", learning_rate=0.05, epochs=12)
    change.apply(graph)
    path = tmp_path / "a.gloom"
    files.write(graph, path)
    record(home_of(path), graph, 40)
    whole = record(tmp_path / "other.runs", graph, 48)
    window.open(path)
    window.travel.go_on(1)
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=30_000)
    done = run(window, 1)
    qtbot.waitUntil(lambda: done.facts.state == "finished", timeout=10_000)
    assert done.facts.step >= 48 and [e.number for e in window.travel.runs.entries] == [1]
    assert done.metrics(10_000).loss[:48].tolist() == whole.history[:48]


def test_runs_of_an_unsaved_document_move_beside_it_when_it_is_saved(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    window.documents.open_example("xor")
    window.train_step()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20_000)
    qtbot.waitUntil(lambda: len(window.travel.runs.entries) == 1, timeout=10_000)
    old = window.travel.home
    path = tmp_path / "kept.gloom"
    assert old is not None and window.documents.write(path)
    assert window.travel.home == home_of(path) and not old.exists()
    assert [e.number for e in window.travel.runs.entries] == [1]
    window.travel.step(-1)
    assert window.travel.past is not None


def test_an_unsaved_document_leaves_nothing_behind(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("xor")
    window.train_step()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20_000)
    home = window.travel.home
    assert home is not None and home.exists()
    window.session.history.mark_saved()
    window.new_document()
    assert not home.exists() and window.travel.runs.entries == []


def test_a_loss_that_was_measured_at_another_step_says_so(trained: Window) -> None:
    steps, values = run(trained, 1).measures["validation"]["loss"]
    assert len(steps) > 1 and steps[1] - steps[0] > 1
    for step, sign in ((int(steps[1]), ""), (int(steps[1]) - 1, "≈")):
        panel(trained)._point(float(step))
        name = next(n for n in panel(trained).legend.names if n.key == 1)
        known = float(values[1] if steps[1] - step < step - steps[0] else values[0])
        assert name.numbers[1] == sign + theme.number_text(known)
        assert not name.numbers[0].startswith("≈")  # of every step there is one

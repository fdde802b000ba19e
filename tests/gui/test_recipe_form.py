"""The recipe is edited in its form: every change is one undo step of the document."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit

from app.view.panels.recipe_form import RecipeForm
from app.view.window import Window
from engine import edits, files
from engine.train.optimizers import OPTIMIZERS
from engine.train.schedules import SCHEDULES
from engine.train.session import Training

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def form(window: Window) -> RecipeForm:
    window.documents.open_example("softmax-digits")
    window.show_panel("recipe")
    return window.recipe_panel.form


def typed(field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def choose(box: QComboBox, data: str) -> None:
    """As a person who opens the list and takes a row."""
    place = box.findData(data)
    assert place >= 0
    box.showPopup()
    view = box.view()
    view.setCurrentIndex(box.model().index(place, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)


def test_an_optimizer_brings_its_usual_rate_and_its_own_settings(form: RecipeForm) -> None:
    session = form.session
    before = files.to_bytes(session.root)
    choose(form.optimizer, "adam")
    assert (
        form.stage.optimizer == "adam"
        and form.stage.learning_rate == OPTIMIZERS["adam"].learning_rate
    )
    assert list(form.optimizer_settings.fields) == list(OPTIMIZERS["adam"].settings)
    typed(form.optimizer_settings.fields["beta1"], "0.8")
    assert form.stage.settings == {"beta1": 0.8}
    typed(form.optimizer_settings.fields["beta1"], "0.9")  # the default again
    assert form.stage.settings == {}
    for _ in range(3):
        session.history.undo()
    assert files.to_bytes(session.root) == before


def test_every_optimizer_and_schedule_can_be_chosen_and_shown(form: RecipeForm) -> None:
    for name in OPTIMIZERS:
        form.change(optimizer=name, settings={})
        assert form.optimizer.currentData() == name
    for name, row in SCHEDULES.items():
        form.change(schedule=name, schedule_settings={}, formula="lr / (1 + t)")
        assert form.schedule.currentData() == name
        assert list(form.schedule_settings.fields) == list(row.settings)
        assert form.plot.isHidden() == (name == "constant") and not form.plot.fault
        assert form.formula.isHidden() == (name != "formula")


def test_a_formula_that_cannot_be_computed_is_told_where_its_line_would_be(
    form: RecipeForm,
) -> None:
    choose(form.schedule, "formula")
    typed(form.formula, "lr * nothing")
    assert "nothing" in form.plot.fault
    typed(form.formula, "lr / (1 + t)")
    assert not form.plot.fault and form.plot.rates[0] == form.stage.learning_rate


def test_numbers_that_are_none_are_refused_in_a_sentence(form: RecipeForm) -> None:
    said: list[str] = []
    form.refused.connect(said.append)
    before = files.to_bytes(form.session.root)
    typed(form.fields["epochs"], "many")
    typed(form.fields["learning_rate"], "-1")
    assert "epochs" in said[0] and "learning rate" in said[1]
    assert files.to_bytes(form.session.root) == before
    typed(form.fields["batch_size"], "all")
    assert form.stage.batch_size == 0


def test_stages_are_added_moved_and_removed(form: RecipeForm) -> None:
    session = form.session
    before = files.to_bytes(session.root)
    QTest.mouseClick(form.stages.add, LEFT)
    assert form.stages.current == 1 and len(session.root.recipe.stages) == 2
    choose(form.optimizer, "adam")
    assert [s.optimizer for s in session.root.recipe.stages] == ["momentum", "adam"]
    form.stages.earlier()
    assert [s.optimizer for s in session.root.recipe.stages] == ["adam", "momentum"]
    QTest.mouseClick(form.stages.buttons[1], LEFT)
    assert form.optimizer.currentData() == "momentum"
    form.stages.remove()
    assert [s.optimizer for s in session.root.recipe.stages] == ["adam"]
    for _ in range(4):
        session.history.undo()
    assert files.to_bytes(session.root) == before


def test_parameters_are_frozen_by_a_tick(form: RecipeForm) -> None:
    form.more.setChecked(True)
    rows = form.freezing.list
    names = [rows.item(i).text().split()[0] for i in range(rows.count())]
    assert names == ["W₁", "b₁", "W₂", "b₂"]
    rows.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert form.stage.frozen == (form.session.root.id_of("b1"),)
    rows.item(1).setCheckState(Qt.CheckState.Checked)
    assert form.stage.frozen == ()


def test_the_seed_is_the_whole_recipe_s(form: RecipeForm) -> None:
    form.more.setChecked(True)
    QTest.mouseClick(form.stages.add, LEFT)
    typed(form.fields["seed"], "7")
    assert form.session.root.recipe.seed == 7


def rows_of(form: RecipeForm) -> int:
    dataset = Training(form.session.root, form.session.base).dataset
    assert dataset is not None
    return len(dataset.train)


def test_the_schedule_is_drawn_over_the_steps_that_training_takes(form: RecipeForm) -> None:
    """Before any training, too: rows over batch size are the steps of an epoch."""
    root = form.session.root
    rows = rows_of(form)
    form.change(batch_size=32, epochs=20, learning_rate=0.5, formula="lr * exp(-t / 200)")
    choose(form.schedule, "formula")
    steps = 20 * math.ceil(rows / 32)
    assert rows > 1000 and not form.plot.fault and not form.plot.note
    assert form.plot.rates[0] == 0.5
    assert form.plot.rates[-1] == pytest.approx(0.5 * math.exp(-(steps - 1) / 200))
    typed(form.fields["batch_size"], "64")
    steps = 20 * math.ceil(rows / 64)
    assert form.plot.rates[-1] == pytest.approx(0.5 * math.exp(-(steps - 1) / 200))
    node = next(iter(root.sources))
    form.session.do_outside(
        edits.set_source(node, replace(root.sources[node], validation=0.5)), "Split"
    )
    now = rows_of(form)
    steps = 20 * math.ceil(now / 64)
    assert now < rows
    assert form.plot.rates[-1] == pytest.approx(0.5 * math.exp(-(steps - 1) / 200))

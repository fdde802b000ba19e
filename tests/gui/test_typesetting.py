"""Formulas that wait until there is time: words first, the drawing a moment later, none for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hands import WORKED
from pytestqt.qtbot import QtBot

from app.view import mathematics, theme, typesetting
from app.view.mathematics import is_known
from app.view.panels.trace_table import SIZE
from app.view.typesetting import PatientLabel
from app.view.window import Window
from engine.compose import compose


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    mathematics.clear_cache()
    yield
    typesetting.finish()
    mathematics.clear_cache()


def test_a_label_shows_words_and_then_the_formula(qtbot: QtBot) -> None:
    label = PatientLabel(13)
    qtbot.addWidget(label)
    label.set_formula(r"\frac{a}{b}", "a / b")
    label.show()
    qtbot.waitExposed(label)
    shown = label._formula()
    assert shown is not None and shown.renderer is None and shown.text == "a / b"
    before = label.sizeHint().height()
    qtbot.waitUntil(lambda: is_known(r"\frac{a}{b}", 13, theme.current().text))
    shown = label._formula()
    assert shown is not None and shown.renderer is not None
    assert label.sizeHint().height() > before


def test_what_waits_is_typeset_at_once_for_a_picture(qtbot: QtBot) -> None:
    label = PatientLabel(13)
    qtbot.addWidget(label)
    label.set_formula("x^{2}", "x^2")
    label._formula()
    assert not is_known("x^{2}", 13, theme.current().text)
    typesetting.finish()
    assert is_known("x^{2}", 13, theme.current().text)


def test_of_many_the_ones_asked_for_last_are_typeset_and_a_label_that_is_gone_is_no_trouble(
    qtbot: QtBot,
) -> None:
    colour = theme.current().text
    label = PatientLabel(13)
    for i in range(typesetting.MOST + 3):
        label.set_formula(f"a_{{{i}}}", f"a{i}")
        label._formula()
    label.deleteLater()
    qtbot.wait(1)
    typesetting.finish()
    known = [is_known(f"a_{{{i}}}", 13, colour) for i in range(typesetting.MOST + 3)]
    assert known == [False] * 3 + [True] * typesetting.MOST


def test_the_trace_follows_fast_and_is_typeset_a_moment_later(window: Window, qtbot: QtBot) -> None:
    window.session.load(compose(WORKED, default=0.5))
    step = window.session.steps[4]
    colour = theme.current().text
    window.session.seek(step.number)
    assert window.trace.model.index_of(step).data() == step.text
    qtbot.waitUntil(lambda: is_known(step.symbols, SIZE, colour))

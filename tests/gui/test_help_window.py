"""The help window: found by typing, typeset, and from there to the canvas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view.help import HelpWindow, Page
from app.view.mathematics import MathLabel
from engine import ops
from engine.compose import compose
from engine.graph import OwnOperator


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[HelpWindow]:
    parent = QWidget()
    qtbot.addWidget(parent)
    graph = compose("y = x^2", {"x": 1.0})
    graph.put("operators", "bump", OwnOperator("bump", "exp(-x^2)"))
    window = HelpWindow(Session(graph), parent)
    window.open_at("tanh")
    yield window
    window.close()


def page_of(shown: HelpWindow) -> Page:
    page = shown.area.widget()
    assert isinstance(page, Page)
    return page


def test_a_page_is_found_by_typing_and_its_operator_added(qtbot: QtBot, shown: HelpWindow) -> None:
    assert page_of(shown).op is ops.TABLE["tanh"]
    assert len(page_of(shown).findChildren(MathLabel)) >= 2
    qtbot.keyClicks(shown.search, "rectifier")
    assert page_of(shown).op is ops.TABLE["tanh"]  # no page is made while keys come
    qtbot.waitUntil(lambda: page_of(shown).op is ops.TABLE["relu"])
    with qtbot.waitSignal(shown.chosen) as told:
        qtbot.mouseClick(shown.add, Qt.MouseButton.LeftButton)
    assert told.args == ["relu"]


def test_what_is_not_found_is_said(qtbot: QtBot, shown: HelpWindow) -> None:
    qtbot.keyClicks(shown.search, "zzz")
    assert "No operator fits" in shown.list.item(0).text()
    assert not shown.add.isEnabled()
    qtbot.waitUntil(lambda: not isinstance(shown.area.widget(), Page))


def test_arrows_in_the_search_field_turn_the_pages(qtbot: QtBot, shown: HelpWindow) -> None:
    before = page_of(shown).op
    qtbot.keyClick(shown.search, Qt.Key.Key_Down)
    after = page_of(shown).op
    assert after is not before and shown.search.text() == ""
    qtbot.keyClick(shown.search, Qt.Key.Key_Up)
    assert page_of(shown).op is before


def test_formulas_are_typeset_one_by_one(qtbot: QtBot, shown: HelpWindow) -> None:
    shown.open_at("attention")
    labels = page_of(shown).findChildren(MathLabel)
    assert [label.latex for label in labels] == [""] * len(labels)
    qtbot.waitUntil(lambda: bool(labels[0].latex))
    qtbot.waitUntil(lambda: all(label.latex for label in labels), timeout=60_000)


def test_pages_of_every_drawer_can_be_shown(qtbot: QtBot) -> None:
    for rows in ops.DRAWERS.values():
        for op in rows[-2:]:
            page = Page(op)
            qtbot.addWidget(page)
            assert any(op.doc == label.text() for label in page.findChildren(QLabel))


def test_modules_and_the_documents_own_have_pages(shown: HelpWindow) -> None:
    shown.open_at("LSTM")
    assert page_of(shown).op.definition is not None
    said = [label.text() for label in page_of(shown).findChildren(QLabel)]
    assert any("open one on the canvas" in text for text in said)
    assert not any("no gradient" in text for text in said)
    shown.open_at("bump")
    assert page_of(shown).op.name == "bump"
    assert any("dy/dx" in line.text() for line in page_of(shown).findChildren(QLabel))

"""The gallery on the start page, and the panels that a document opens with."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app import actions, lesson_home
from app.lesson import Way
from app.view.panels.gallery import CARD_WIDTH, Gallery, LessonCard
from app.view.window import Window
from engine import edits, examples, lessons
from engine.compose import compose
from engine.examples import TOPICS


def seen(gallery: Gallery) -> list[str]:
    return [card.name for card in gallery.cards if card.isVisible()]


@pytest.fixture
def gallery(window: Window) -> Gallery:
    window.show_start()
    return window.start.gallery


def test_everything_has_a_card_on_its_topics_shelf(gallery: Gallery) -> None:
    assert seen(gallery) == [*lessons.names(), *examples.names()]
    for topic in TOPICS:
        shelf = gallery.shelves[topic]
        assert shelf.isVisible() == bool(shelf.cards)
        assert {c.name for c in shelf.cards} == {c.name for c in gallery.cards if c.topic == topic}
        assert all(card.parentWidget() is shelf for card in shelf.cards)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("digits", "softmax-digits"),
        ("M04", "worked-example"),
        ("fisher", "your-csv"),
        ("XOR", "xor"),
    ],
)
def test_words_find_titles_texts_and_rows(gallery: Gallery, words: str, first: str) -> None:
    QTest.keyClicks(gallery.search, words)
    assert gallery.found.isVisible() and first in [card.name for card in gallery.found.cards]
    assert set(seen(gallery)) == {card.name for card in gallery.found.cards}
    assert not any(shelf.isVisible() for shelf in gallery.shelves.values())
    gallery.search.clear()
    assert seen(gallery) == [*lessons.names(), *examples.names()] and not gallery.found.isVisible()


def test_nothing_found_is_said(gallery: Gallery) -> None:
    QTest.keyClicks(gallery.search, "qqqqzzzz")
    assert gallery.nothing.isVisible() and not seen(gallery)


def test_a_topic_narrows_what_is_shown_and_what_is_found(gallery: Gallery) -> None:
    topic = examples.INFO["xor"].topic
    QTest.mouseClick(gallery.topics[topic], Qt.MouseButton.LeftButton)
    assert [t for t, shelf in gallery.shelves.items() if shelf.isVisible()] == [topic]
    QTest.keyClicks(gallery.search, "irises")
    assert seen(gallery) == ["your-csv"]
    gallery.search.clear()
    QTest.keyClicks(gallery.search, "M04")  # of another part, where this one has nothing
    assert "worked-example" in seen(gallery)
    gallery.search.clear()
    QTest.mouseClick(gallery.topics[""], Qt.MouseButton.LeftButton)
    assert "worked-example" in seen(gallery)


def test_lines_hold_as_many_cards_as_there_is_room_for(
    window: Window, gallery: Gallery, qtbot: QtBot
) -> None:
    shelf = gallery.shelves[examples.INFO["xor"].topic]
    for width in (1000, 1600):
        window.resize(width, 900)
        qtbot.wait(10)
        columns = len({card.x() for card in shelf.cards})
        gap = shelf.grid.spacing()
        room = (shelf.width() + gap) // (CARD_WIDTH + gap)
        assert columns == min(len(shelf.cards), max(1, room))
        assert not window.start.horizontalScrollBar().maximum()


def test_a_card_opens_by_mouse_and_by_key(window: Window, gallery: Gallery) -> None:
    QTest.mouseClick(gallery.card("xor"), Qt.MouseButton.LeftButton)
    assert window.session.title == examples.INFO["xor"].title
    window.start.verticalScrollBar().setValue(400)
    window.show_start()
    assert window.start.verticalScrollBar().value() == 0
    card = gallery.card("your-csv")
    card.setFocus()
    QTest.keyClick(card, Qt.Key.Key_Return)
    assert window.session.title == examples.INFO["your-csv"].title


def test_a_document_opens_with_its_panels(window: Window) -> None:
    window.show_panel("runs")
    graph = compose("y = x^2", {"x": 1.0})
    edits.set_setting("panels", ("curves", "regions", "recipe", "not_known")).apply(graph)
    assert window.documents.open_graph(graph, "mine")
    shown = window.panel_room.shown()
    assert {"curves", "regions", "recipe"} <= set(shown) and "runs" not in shown
    assert "trace_table" not in shown
    window.session.history.mark_saved()
    plain = compose("y = x^2", {"x": 1.0})
    edits.set_setting("panels", ("mathematics",)).apply(plain)
    assert window.documents.open_graph(plain, "other")
    shown = window.panel_room.shown()
    assert "mathematics" in shown and not {"curves", "regions"} & set(shown)
    window.session.history.mark_saved()


def test_panels_of_a_document_leave_with_it(window: Window) -> None:
    """A lesson's, too, and by way of the start page."""

    def shown() -> set[str]:
        return {name for name, dock in window.docks.items() if not dock.isHidden()}

    window.documents.new()
    before = shown()
    window.documents.open_lesson("graphs")
    assert "lesson" in shown()
    window.start_page()
    window.documents.open_example("vanishing-gradients")
    assert shown() == {"inspector", "training", "curves", "flow"}, (
        "nothing but its own beside these"
    )
    window.documents.open_example("worked-example")
    assert not {"curves", "flow"} & shown() and "palette" in shown()
    window.documents.open_lesson("training")
    window.documents.new()
    assert shown() == before


def test_panels_are_kept_with_the_document_and_undone(window: Window) -> None:
    assert window.documents.open_graph(compose("y = x^2", {"x": 1.0}), "mine")
    window.show_panel("curves")
    window.commands.run("view.keep_panels")
    kept = window.session.root.settings["panels"]
    assert "curves" in kept and set(kept) <= set(actions.PANELS) and window.panel_room.keeps
    window.commands.run("view.keep_panels")
    assert window.session.root.settings["panels"] == ()
    window.session.history.undo()
    assert window.session.root.settings["panels"] == kept
    window.session.history.mark_saved()


def test_lessons_say_how_far_one_is(window: Window, gallery: Gallery) -> None:
    name = lessons.names()[0]
    card = gallery.card(name)
    assert isinstance(card, LessonCard)
    count = len(lessons.load(name).settings["lesson"])
    assert card.progress.text() == f"{count} steps" and window.start.first.isVisible()
    key = lesson_home.key_of(lessons.load(name))
    lesson_home.keep(key, Way(2, 2, frozenset({0, 1})), None)
    window.start.refresh()
    assert card.progress.text() == f"2 of {count} steps"
    lesson_home.keep(key, Way(0, count, frozenset(range(count))), None)
    window.start.refresh()
    assert card.progress.text() == "Finished" and not window.start.first.isVisible()
    lesson_home.forget(key)


def test_the_first_lesson_is_a_click_away(window: Window, gallery: Gallery) -> None:
    QTest.mouseClick(window.start.first, Qt.MouseButton.LeftButton)
    assert window.session.title == lessons.INFO[lessons.names()[0]].title


def test_an_example_tells_of_itself_until_a_step_is_looked_at(window: Window) -> None:
    window.documents.open_example("worked-example")
    line = window.explanation
    assert line.about.isVisible() and line.about.text() == examples.INFO["worked-example"].about
    height = line.height()
    window.commands.run("step.back")
    assert not line.about.isVisible() and line.symbols.isVisible() and line.height() == height
    window.documents.open_lesson("backward")
    assert not line.about.isVisible()


def test_no_entry_is_offered_while_a_document_tells_of_itself(window: Window) -> None:
    window.documents.open_example("jacobian")
    picker = window.explanation.picker
    assert window.explanation.about.isVisible() and picker.switch.isVisible()
    assert not picker.grid.isVisible() and not any(box.isVisible() for box in picker.boxes)

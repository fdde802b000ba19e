"""Keys changed on the page of shortcuts, pressed in the window; the command box beside them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app import actions
from app.actions.keys import fixed
from app.view import key_caps, settings
from app.view.canvas.gestures import HELD
from app.view.finder import Entry
from app.view.key_field import is_typed_in
from app.view.shortcuts import ROW_ROLE, Shortcuts
from app.view.window import Window
from engine.compose import compose

PLAIN, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def shown(window: Window) -> Window:
    window.session.load(compose("t = x^2; J = sin(t) + t", {"x": 0.5}))
    window.show_editor()
    window.canvas.setFocus()
    QTest.qWait(1)
    return window


@pytest.fixture
def page(shown: Window) -> Shortcuts:
    """The page, opened by its key."""
    QTest.keyClick(shown.canvas, Qt.Key.Key_Slash, CTRL)
    assert shown._shortcuts is not None and shown._shortcuts.isVisible()
    assert QTest.qWaitForWindowActive(shown._shortcuts)
    return shown._shortcuts


def press(
    page: Shortcuts, action_id: str, key: Qt.Key, held: Qt.KeyboardModifier, n: int = 0
) -> None:
    """A click on a key of an action, and the new one."""
    page.choose(action_id)
    QTest.mouseClick(page.fields[n], Qt.MouseButton.LeftButton)
    assert page.fields[n].waiting
    QTest.keyClick(page.fields[n], key, held)


def back_to(window: Window) -> None:
    if window._shortcuts is not None:
        window._shortcuts.close()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    window.canvas.setFocus()


def test_everything_is_listed_with_its_keys(page: Shortcuts) -> None:
    rows = [page.model.index(i).data(ROW_ROLE) for i in range(page.model.rowCount())]
    assert [r for r in rows if isinstance(r, actions.Action)] == list(actions.ACTIONS)
    assert {tr for tr in rows if isinstance(tr, str)} >= {*actions.MENUS, "Mouse on the canvas"}
    texts = [page.model.index(i).data() for i in range(page.model.rowCount())]
    assert "Redo: Ctrl+Shift+Z or Ctrl+Y" in texts and "Pan while it is held: Space" in texts


@pytest.mark.parametrize(
    ("query", "found"),
    [("undo", "edit.undo"), ("ctrl+shift+s", "file.save_as"), ("train reset", "train.reset")],
)
def test_the_search_finds_names_and_keys(page: Shortcuts, query: str, found: str) -> None:
    QTest.keyClicks(page.search, query)
    assert page.chosen is not None and page.chosen.id == found
    QTest.keyClicks(page.search, " qqq")
    assert page.model.rowCount() == 0 and "Nothing" in page.title.text()
    assert not page.fields[0].isEnabled()


def test_a_new_key_works_at_once_and_is_remembered(
    shown: Window, page: Shortcuts, qtbot: QtBot
) -> None:
    press(page, "view.fit", Qt.Key.Key_F, CTRL | ALT)
    assert shown.keys.of("view.fit") == ("Ctrl+Alt+F",)
    assert settings.keys() == {"view.fit": ["Ctrl+Alt+F"]}
    made = shown.commands.by_id["view.fit"]
    assert made.toolTip().startswith("Fit  Ctrl+Alt+F")
    assert made.shortcut().toString() == "Ctrl+Alt+F"
    back_to(shown)
    shown.canvas.zoom_to(3.0)
    QTest.keyClick(shown.canvas, Qt.Key.Key_F)
    assert shown.canvas.zoom == 3.0  # the old key does nothing
    QTest.keyClick(shown.canvas, Qt.Key.Key_F, CTRL | ALT)
    assert shown.canvas.zoom < 3.0
    other = Window()
    qtbot.addWidget(other)
    assert other.keys.of("view.fit") == ("Ctrl+Alt+F",)


def test_a_taken_key_is_said_and_taken_over(shown: Window, page: Shortcuts) -> None:
    press(page, "view.fit", Qt.Key.Key_L, CTRL)
    assert page.message.text() == "Ctrl+L is the key of “Arrange nodes” (Edit)."
    assert shown.keys.of("view.fit") == ("F",) and page.offer.isVisible()
    QTest.mouseClick(page.offer, Qt.MouseButton.LeftButton)
    assert shown.keys.of("view.fit") == ("Ctrl+L",) and shown.keys.of("edit.arrange") == ()
    assert page.message.text() == "Ctrl+L is a key of “Fit” now; “Arrange nodes” has no key."
    assert not page.offer.isVisible()
    back_to(shown)
    places = {n: (v.x, v.y) for n, v in shown.session.graph.nodes.items()}
    shown.canvas.zoom_to(3.0)
    QTest.keyClick(shown.canvas, Qt.Key.Key_L, CTRL)
    assert shown.canvas.zoom < 3.0
    assert {n: (v.x, v.y) for n, v in shown.session.graph.nodes.items()} == places


def test_a_key_of_the_canvas_is_refused(shown: Window, page: Shortcuts) -> None:
    press(page, "view.fit", Qt.Key.Key_Space, PLAIN)
    assert (
        page.message.text()
        == "Space belongs to the canvas (pan while it is held); press another key."
    )
    assert shown.keys.changes == {}


def test_the_second_key_is_added_changed_and_removed(shown: Window, page: Shortcuts) -> None:
    press(page, "view.fit", Qt.Key.Key_8, CTRL | ALT, 1)
    assert shown.keys.of("view.fit") == ("F", "Ctrl+Alt+8")
    back_to(shown)
    shown.canvas.zoom_to(3.0)
    QTest.keyClick(shown.canvas, Qt.Key.Key_8, CTRL | ALT)
    assert shown.canvas.zoom < 3.0
    shown.keyboard_shortcuts()
    press(page, "view.fit", Qt.Key.Key_9, CTRL | ALT, 1)
    assert shown.keys.of("view.fit") == ("F", "Ctrl+Alt+9")
    QTest.mouseClick(page.removals[0], Qt.MouseButton.LeftButton)
    assert shown.keys.of("view.fit") == ("Ctrl+Alt+9",)
    QTest.mouseClick(page.reset, Qt.MouseButton.LeftButton)
    assert shown.keys.of("view.fit") == ("F",) and settings.keys() == {}
    assert not page.reset.isEnabled() and not page.reset_all.isEnabled()


def test_esc_and_looking_away_give_up(shown: Window, page: Shortcuts) -> None:
    press(page, "view.fit", Qt.Key.Key_Escape, PLAIN)
    assert page.isVisible() and not page.fields[0].waiting and shown.keys.changes == {}
    QTest.mouseClick(page.fields[0], Qt.MouseButton.LeftButton)
    QTest.keyClick(page.fields[0], Qt.Key.Key_Control, CTRL)  # held, not pressed yet
    assert page.fields[0].waiting
    page.search.setFocus()
    assert not page.fields[0].waiting and page.fields[0].text() == "F"


def test_the_keyboard_alone_is_enough(shown: Window, page: Shortcuts) -> None:
    QTest.keyClicks(page.search, "zoom")
    QTest.keyClick(page.search, Qt.Key.Key_Down)
    assert page.chosen is not None and page.chosen.id == "view.zoom_in"
    QTest.keyClick(page.search, Qt.Key.Key_Return)
    QTest.keyClick(page.fields[0], Qt.Key.Key_Plus, CTRL | SHIFT)
    assert shown.keys.changes == {}  # the key it has: shifted is how the sign is reached
    QTest.keyClick(page.search, Qt.Key.Key_Return)
    QTest.keyClick(page.fields[0], Qt.Key.Key_F9, SHIFT)
    assert shown.keys.of("view.zoom_in") == ("Shift+F9", "Ctrl+=")
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert not page.isVisible()


def test_all_are_reset_and_put_back(shown: Window, page: Shortcuts) -> None:
    press(page, "view.fit", Qt.Key.Key_F, CTRL | ALT)
    press(page, "edit.copy", Qt.Key.Key_Z, CTRL)
    QTest.mouseClick(page.offer, Qt.MouseButton.LeftButton)
    mine = shown.keys.changes
    QTest.mouseClick(page.reset_all, Qt.MouseButton.LeftButton)
    assert settings.keys() == {} and shown.keys.of("edit.undo") == ("Ctrl+Z",)
    QTest.mouseClick(page.offer, Qt.MouseButton.LeftButton)
    assert settings.keys() == mine and shown.keys.of("edit.undo") == ()


def test_letters_stay_text_while_typing(shown: Window) -> None:
    line = shown.top.formula.line
    line.setFocus()
    line.clear()
    shown.keys.give("view.fit", ["a", "Return", "Shift+B"])
    shown.keys.give("view.theme", ["Del", "Left"])
    before = shown.canvas.zoom
    QTest.keyClicks(line, "kaB j")
    QTest.keyClick(line, Qt.Key.Key_Left)
    QTest.keyClick(line, Qt.Key.Key_Delete)
    assert line.text() == "kaB " and shown.canvas.zoom == before
    line.setText("q = 3")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert shown.session.history.labels == ["Type a formula"]


def test_planted_a_key_is_stolen_without_the_guard(shown: Window) -> None:
    """Return is no text to Qt; without the filter the shortcut would win."""
    line = shown.top.formula.line
    line.setFocus()
    line.removeEventFilter(shown.commands._text_keys)
    shown.keys.give("view.fit", ["Return"])
    line.setText("q = 3")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert shown.session.history.labels == []


def test_what_is_typed_in(qtbot: QtBot) -> None:
    box, read, choice = QSpinBox(), QLineEdit(), QComboBox()
    for widget in (box, read, choice):
        qtbot.addWidget(widget)
    read.setReadOnly(True)
    assert is_typed_in(box) and not is_typed_in(read) and not is_typed_in(choice)
    choice.setEditable(True)
    assert is_typed_in(choice) and not is_typed_in(QWidget()) and not is_typed_in(None)


def test_buttons_and_the_hint_say_the_key(shown: Window) -> None:
    assert shown.transport.buttons["step.play"].toolTip() == "Play or pause  K"
    assert shown.top.hint.text() == "Ctrl K  commands"
    shown.keys.give("step.play", ["P"])
    shown.keys.give("view.commands", ["Ctrl+Shift+P"])
    assert shown.transport.buttons["step.play"].toolTip() == "Play or pause  P"
    assert shown.top.hint.text() == "Ctrl Shift P  commands"


def test_what_settings_cannot_mean_is_left_out(shown: Window) -> None:
    for junk in ("{", "[]", '{"view.fit": "F", "edit.cut": [1]}', '"x"', ""):
        settings.store().setValue("keys", junk)
        assert settings.keys() == {}


@pytest.mark.parametrize(
    ("key", "parts"),
    [("Ctrl++", ["Ctrl", "+"]), ("+", ["+"]), ("F", ["F"]), ("Ctrl+Shift+Z", ["Ctrl", "Shift", "Z"]),
     ("Alt+Left", ["Alt", "←"]), ("Del", ["Delete"]), ("Ctrl+-", ["Ctrl", "−"]), ("", [""])],
)  # fmt: skip
def test_caps(key: str, parts: list[str]) -> None:
    assert key_caps.parts(key) == parts


# ------------------------------------------------------------------------- the command box


def lines(window: Window) -> list[Entry]:
    box = window.finder.list
    return [box.item(i).data(Qt.ItemDataRole.UserRole) for i in range(box.count())]


def test_the_box_lists_every_action_with_its_key(shown: Window) -> None:
    shown.keys.give("view.fit", ["Ctrl+Alt+F"])
    QTest.keyClick(shown.canvas, Qt.Key.Key_K, CTRL)
    listed = {entry.name: entry for entry in lines(shown)}
    assert {a.id for a in actions.ACTIONS} - {"view.commands"} <= listed.keys()
    assert listed["view.fit"].keys == ("Ctrl+Alt+F",) and listed["view.fit"].aside == "View"
    copy = listed["edit.copy"]
    assert not copy.enabled and copy.aside == "Edit · nothing is selected"
    QTest.keyClick(shown.finder.line, Qt.Key.Key_Escape)


def test_what_was_run_lately_comes_first(shown: Window) -> None:
    for typed in ("select all", "theme", "select all"):
        QTest.keyClick(shown.canvas, Qt.Key.Key_K, CTRL)
        QTest.keyClicks(shown.finder.line, typed)
        QTest.keyClick(shown.finder.line, Qt.Key.Key_Return)
        back_to(shown)
    assert settings.recent_commands() == ["edit.select_all", "view.theme"]
    QTest.keyClick(shown.canvas, Qt.Key.Key_K, CTRL)
    assert [entry.name for entry in lines(shown)[:3]] == [
        "edit.select_all",
        "view.theme",
        "file.new",
    ]
    QTest.keyClicks(shown.finder.line, "copy")
    assert lines(shown)[0].name == "edit.copy"  # what was typed counts more
    QTest.keyClick(shown.finder.line, Qt.Key.Key_Escape)


def test_the_box_names_what_is_undone(shown: Window) -> None:
    shown.canvas.select_all()
    shown.canvas.delete_selection()
    shown.search.commands()
    titles = [entry.title for entry in lines(shown)]
    assert "Undo delete" in titles
    QTest.keyClicks(shown.finder.line, "undo del")
    QTest.keyClick(shown.finder.line, Qt.Key.Key_Return)
    assert len(shown.session.graph.nodes) == 4


def test_keys_of_the_canvas_follow_too(shown: Window) -> None:
    """What the canvas did by itself once is done by actions alone, so their keys can change."""
    node = str(shown.session.graph.id_of("t"))
    shown.session.select([node])
    QTest.keyClick(shown.canvas, Qt.Key.Key_F2)
    assert shown.canvas.editor.is_open
    QTest.keyClick(shown.canvas.editor, Qt.Key.Key_Escape)
    assert shown.session.selection == (node,)  # the keyboard goes back, and no further
    for action_id in ("edit.rename", "edit.delete", "edit.select_all"):
        shown.keys.give(action_id, [])
    QTest.keyClick(shown.canvas, Qt.Key.Key_F2)
    QTest.keyClick(shown.canvas, Qt.Key.Key_Delete)
    QTest.keyClick(shown.canvas, Qt.Key.Key_A, CTRL)
    assert not shown.canvas.editor.is_open and shown.session.selection == (node,)
    assert shown.session.history.labels == []
    shown.keys.load({})
    QTest.keyClick(shown.canvas, Qt.Key.Key_Backspace)
    assert shown.session.history.labels == ["Delete"]


def test_held_keys_are_fixed() -> None:
    for key in HELD:
        assert fixed(QKeySequence(key).toString()) is not None

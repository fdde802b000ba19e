"""The table of actions: unique, complete, and found by a few letters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence

from app import actions
from app.actions import ACTIONS, Keys, record
from app.cli.keys import page
from app.matching import match


def test_ids_and_shortcuts_are_unique() -> None:
    assert max(Counter(a.id for a in ACTIONS).values()) == 1
    shortcuts = Counter(s for a in ACTIONS if a.shortcut for s in a.shortcut.split(", "))
    assert max(shortcuts.values()) == 1


def test_every_action_stands_in_a_menu() -> None:
    assert [a for menu in actions.MENUS for a in actions.in_menu(menu)] == sorted(
        ACTIONS, key=lambda a: actions.MENUS.index(a.menu)
    )


@pytest.mark.parametrize("menu", actions.MENUS)
def test_groups_follow_each_other(menu: str) -> None:
    levels: dict[str, list[int]] = {"": []}
    for action in actions.in_menu(menu):
        if action.submenu and action.submenu not in levels:
            levels[""].append(action.group)
        levels.setdefault(action.submenu, []).append(action.group)
    for groups in levels.values():
        assert groups == sorted(groups)


@pytest.mark.parametrize("menu", actions.MENUS)
def test_a_menu_is_seen_at_a_glance(menu: str) -> None:
    """What grows longer is put into a menu inside (`submenu`)."""
    rows = {a.submenu or a.id for a in actions.in_menu(menu)}
    assert len(rows) <= 16, f"{menu} has {len(rows)} rows"


def test_menus_on_the_canvas_are_of_four_kinds() -> None:
    kinds = {"node", "note", "wire", "ground"}
    assert {kind for a in ACTIONS for kind in a.on} == kinds


@pytest.mark.parametrize(
    ("query", "found"),
    [("undo", "Undo"), ("sa", "Save as…"), ("zi", "Zoom in"), ("one tr", "One training step")],
)
def test_a_few_letters_find_an_action(query: str, found: str) -> None:
    scored = [(match(query, a.title), a.title) for a in ACTIONS]
    best = max((s, t) for s, t in scored if s is not None)
    assert best[1] == found or (query == "sa" and best[1].startswith("Sa"))


def test_letters_in_another_order_do_not_match() -> None:
    assert match("odnu", "Undo") is None


def test_tooltips_name_the_shortcut() -> None:
    assert actions.tooltip(actions.BY_ID["file.save"], Keys(ACTIONS)) == "Save  Ctrl+S"


def test_keys_are_written_as_qt_writes_them() -> None:
    """Del and not Delete, say; else a key pressed would not be known as the one in the table."""
    portable = QKeySequence.SequenceFormat.PortableText
    for action in ACTIONS:
        for key in action.keys:
            assert QKeySequence(key).toString(portable) == key, f"{action.id} writes {key}"


def test_the_page_of_shortcuts_is_todays() -> None:
    """After a change of an action or a gesture: python -m app keys --markdown > docs/shortcuts.md"""
    shipped = Path(__file__).parents[2] / "docs" / "shortcuts.md"
    assert shipped.read_text("utf-8") == page()


def test_shared_tests_say_why_an_action_does_nothing() -> None:
    shared = {a.enabled for a in ACTIONS if a.enabled.__module__ == record.__name__}
    assert shared - {record.always} <= record.WHY.keys()

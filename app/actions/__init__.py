"""Every user action as one record, one file a menu."""

from __future__ import annotations

from collections.abc import Iterator

from app.actions import edit, file, go, help, step, train, view
from app.actions.record import Action, Context
from app.actions.view import PANELS
from app.text import tr

__all__ = [
    "ACTIONS", "BY_ID", "MENUS", "PANELS", "Action", "Context", "in_menu", "match",
    "on_canvas", "tooltip",
]  # fmt: skip

_MENUS = (file, edit, view, go, step, train, help)
MENUS = tuple(menu.MENU for menu in _MENUS)
ACTIONS: tuple[Action, ...] = tuple(action for menu in _MENUS for action in menu.ACTIONS)
BY_ID = {action.id: action for action in ACTIONS}


def in_menu(menu: str) -> Iterator[Action]:
    """The actions of a menu in order."""
    return (action for action in ACTIONS if action.menu == menu)


def on_canvas(kind: str, context: Context) -> list[Action]:
    """What the menu of a node, a wire or the ground offers now."""
    return [action for action in ACTIONS if kind in action.on and action.enabled(context)]


def tooltip(action: Action) -> str:
    """Its title, its first shortcut and what it does, in the person's language."""
    first = action.shortcut.split(", ")[0]
    head = tr(action.title) + (f"  {first}" if first else "")
    return f"{head}\n{tr(action.tip)}" if action.tip else head


def match(query: str, text: str) -> float | None:
    """How well typed letters fit a title: None when they do not occur in order.

    Letters at word starts and letters that follow each other count more; shorter titles win ties.
    """
    wanted, letters = query.casefold().replace(" ", ""), text.casefold()
    score, at, before = 0.0, -1, -2
    for letter in wanted:
        starts = [
            i
            for i in range(at + 1, len(letters))
            if letters[i] == letter and (i == 0 or not letters[i - 1].isalnum())
        ]
        following = before + 1 if letters[before + 1 : before + 2] == letter else -1
        plain = letters.find(letter, at + 1)
        at = following if following > at else starts[0] if starts else plain
        if at < 0:
            return None
        score += 3.0 if at == before + 1 else 2.0 if at in starts else 0.5
        before = at
    return score - len(letters) / 1000

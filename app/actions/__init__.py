"""Every user action as one record, one file a menu."""

from __future__ import annotations

from collections.abc import Iterator

from app.actions import edit, explain, file, go, help, lesson, step, train, view
from app.actions.context import Context
from app.actions.keys import Keys
from app.actions.record import Action
from app.actions.view import PANELS, Panel
from app.text import tr

__all__ = [
    "ACTIONS", "BY_ID", "MENUS", "PANELS", "Action", "Context", "Keys", "Panel", "in_menu",
    "on_canvas", "tooltip",
]  # fmt: skip

_MENUS = (file, edit, view, go, step, explain, train, lesson, help)
MENUS = tuple(menu.MENU for menu in _MENUS)
ACTIONS: tuple[Action, ...] = tuple(action for menu in _MENUS for action in menu.ACTIONS)
BY_ID = {action.id: action for action in ACTIONS}


def in_menu(menu: str) -> Iterator[Action]:
    """The actions of a menu in order."""
    return (action for action in ACTIONS if action.menu == menu)


def on_canvas(kind: str, context: Context) -> list[Action]:
    """What the menu of a node, a wire or the ground offers now."""
    return [action for action in ACTIONS if kind in action.on and action.can(context)]


def tooltip(action: Action, keys: Keys) -> str:
    """Its title, its first key and what it does, in the person's language."""
    first = keys.first(action.id)
    head = tr(action.title) + (f"  {first}" if first else "")
    return f"{head}\n{tr(action.tip)}" if action.tip else head

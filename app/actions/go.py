"""Actions that go somewhere: to a node, to a fault, to another part of the window."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.context import Context
from app.actions.record import Action, nodes, selected

MENU = "Go"


def _faulty(c: Context) -> bool:
    return c.editing and bool(c.session.whole.faults or c.session.whole.trouble)


def _walk(across: int, down: int, extend: bool = False) -> Callable[[Context], None]:
    return lambda c: c.navigation.walk(across, down, extend)


def _bookmark(digit: str) -> Callable[[Context], None]:
    return lambda c: c.navigation.go_bookmark(digit)


def _set_bookmark(digit: str) -> Callable[[Context], None]:
    return lambda c: c.navigation.set_bookmark(digit)


def _has(digit: str) -> Callable[[Context], bool]:
    """The bookmark is set, here or in the document around."""
    return lambda c: (
        c.editing
        and any(digit in graph.settings["bookmarks"] for graph in (c.session.graph, c.session.root))
    )


_DIGITS = tuple("123456789")
_WAYS = (
    ("operand", "To what it reads", "Left", (-1, 0)),
    ("reader", "To what reads it", "Right", (1, 0)),
    ("above", "To the node above", "Up", (0, -1)),
    ("below", "To the node below", "Down", (0, 1)),
)

ACTIONS = (
    Action(
        "go.find", "Find node…", MENU, lambda c: c.navigation.find(), "Ctrl+F", nodes, 0,
        "Any node of the document by name, formula or operator, inside of modules too.",
    ),
    Action(
        "go.fault", "Next fault", MENU, lambda c: c.navigation.next_fault(), "F8", _faulty, 0,
        "Selects the next node with an error.",
    ),
    *(
        Action(
            f"go.{name}", title, MENU, _walk(*way), f"Alt+{key}", nodes, 1, submenu="Neighbours"
        )
        for name, title, key, way in _WAYS
    ),
    *(
        Action(
            f"go.{name}_too", f"{title}, keeping the selection", MENU, _walk(*way, extend=True),
            f"Alt+Shift+{key}", nodes, 1, submenu="Neighbours",
        )
        for name, title, key, way in _WAYS
    ),
    *(
        Action(
            f"go.bookmark_{digit}", f"To bookmark {digit}", MENU, _bookmark(digit), digit,
            _has(digit), 2, submenu="Bookmarks",
        )
        for digit in _DIGITS
    ),
    *(
        Action(
            f"go.set_bookmark_{digit}", f"Set or clear bookmark {digit}", MENU,
            _set_bookmark(digit), f"Alt+{digit}", selected, 3,
            "The selected node gets the digit, or gives it up.", submenu="Bookmarks",
        )
        for digit in _DIGITS
    ),
    Action(
        "go.next_part", "Next part of the window", MENU, lambda c: c.navigation.next_part(1),
        "Ctrl+Tab", group=4, tip="From the canvas to the panels and bars, and back.",
    ),
    Action(
        "go.previous_part", "Previous part of the window", MENU,
        lambda c: c.navigation.next_part(-1), "Ctrl+Shift+Tab", group=4,
    ),
)  # fmt: skip

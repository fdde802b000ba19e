"""Actions that explain the program."""

from __future__ import annotations

from app.actions.record import Action

MENU = "Help"

ACTIONS = (
    Action(
        "help.operators", "Operators", MENU, lambda c: c.operator_help(), "F1",
        tip="What each operator computes, its derivative and its options.",
    ),
    Action(
        "help.shortcuts", "Keyboard shortcuts", MENU, lambda c: c.keyboard_shortcuts(), "Ctrl+/",
        tip="Every command and its keys, which can be changed, and what the mouse does.",
    ),
    Action("help.about", "About Gradloom", MENU, lambda c: c.about()),
)  # fmt: skip

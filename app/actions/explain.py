"""Actions that explain a number: where it comes from, what it depends on, what would change it."""

from __future__ import annotations

from app.actions.record import Action

MENU = "Explain"

ACTIONS: tuple[Action, ...] = ()

"""Actions that go through the micro-steps of a pass."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.record import Action, Context
from app.session import Session

MENU = "Step"


def _behind(c: Context) -> bool:
    return c.editing and c.session.cursor > 0


def _ahead(c: Context) -> bool:
    return c.editing and c.session.cursor < len(c.session.steps)


def _steps(c: Context) -> bool:
    return c.editing and bool(c.session.steps)


def _seek(change: Callable[[Session], int]) -> Callable[[Context], None]:
    def run(c: Context) -> None:
        c.play(False)
        c.session.seek(change(c.session))

    return run


ACTIONS = (
    Action("step.start", "To the start", MENU, _seek(lambda s: 0), "Home", _behind),
    Action(
        "step.back", "One step back", MENU, _seek(lambda s: s.cursor - 1), "J, Ctrl+Left", _behind
    ),
    Action("step.play", "Play or pause", MENU, lambda c: c.play(not c.playing), "K", _steps),
    Action(
        "step.forward", "One step on", MENU, _seek(lambda s: s.cursor + 1), "L, Ctrl+Right", _ahead
    ),
    Action("step.end", "To the end", MENU, _seek(lambda s: len(s.steps)), "End", _ahead),
    Action(
        "step.forward_only", "Forward pass only", MENU, _seek(lambda s: s.forward_end), "Shift+End",
        _steps, 1, "Shows every value and no gradient.",
    ),
)  # fmt: skip

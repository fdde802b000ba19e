"""Actions that go through the micro-steps of a pass."""

from __future__ import annotations

from collections.abc import Callable

from app import stops
from app.actions.context import Context
from app.actions.record import NODE, Action, selected
from app.session import Session

MENU = "Step"
_BREAKPOINTS = "Breakpoints"


def _behind(c: Context) -> bool:
    return c.editing and c.session.cursor > 0


def _ahead(c: Context) -> bool:
    return c.editing and c.session.cursor < len(c.session.steps)


def _steps(c: Context) -> bool:
    return c.editing and bool(c.session.steps)


def _to_node(c: Context) -> bool:
    return selected(c) and bool(c.session.steps)


def _stop_ahead(c: Context) -> bool:
    return _ahead(c) and bool(c.stepping.breakpoints.steps)


def _stop_behind(c: Context) -> bool:
    return _behind(c) and bool(c.stepping.breakpoints.steps)


def _stops(c: Context) -> bool:
    return c.editing and bool(c.session.graph.settings["breakpoints"])


def _on(c: Context) -> None:
    c.play(False)
    s = c.session
    s.seek(c.stepping.breakpoints.after(s.cursor) or len(s.steps))


def _back(c: Context) -> None:
    c.play(False)
    c.session.seek(c.stepping.breakpoints.before(c.session.cursor) or 0)


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
    Action(
        "step.node_on", "One node on", MENU, _seek(stops.node_after), "Ctrl+Shift+Right", _ahead, 1,
        "Backward, all edges of a node at once; a module is one node.",
    ),
    Action(
        "step.node_back", "One node back", MENU, _seek(stops.node_before), "Ctrl+Shift+Left", _behind,
        1,
    ),
    Action(
        "step.to_node", "Run to node", MENU, lambda c: c.stepping.run_to_node(), "F4", _to_node, 1,
        "To the step that computes the selected node; from there, to the one that completes its "
        "gradient.", on=NODE,
    ),
    Action(
        "step.breakpoint", "Set or clear breakpoint", MENU, lambda c: c.stepping.toggle_breakpoint(),
        "F9", selected, 2,
        "Playing stops when the selected node is computed and when its gradient is complete.",
        _BREAKPOINTS, NODE,
    ),
    Action(
        "step.breakpoint_on", "On to the next breakpoint", MENU, _on, "F7", _stop_ahead, 2,
        "Without one ahead, to the end.", _BREAKPOINTS,
    ),
    Action(
        "step.breakpoint_back", "Back to the breakpoint before", MENU, _back, "Shift+F7",
        _stop_behind, 2, "Without one behind, to the start.", _BREAKPOINTS,
    ),
    Action(
        "step.clear_breakpoints", "Clear all breakpoints", MENU,
        lambda c: c.stepping.clear_breakpoints(), "", _stops, 2,
        "Those of the document, or inside of a module those of the module.", _BREAKPOINTS,
    ),
    Action(
        "step.loop", "Loop", MENU, lambda c: c.stepping.toggle_loop(), "", _steps, 3,
        "Playing begins again at the start.", checked=lambda c: c.stepping.loops,
    ),
    Action(
        "step.follow", "Follow the step", MENU, lambda c: c.stepping.toggle_follow(), "", group=3,
        tip="The view moves along when the node at work is outside of it.",
        checked=lambda c: c.stepping.follows,
    ),
)  # fmt: skip

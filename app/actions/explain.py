"""Actions that explain a number: where it comes from, what it depends on, what would change it."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.record import NODE, Action, Context, idle, nodes, selected

MENU = "Explain"


def _matrix(kind: str) -> Callable[[Context], None]:
    return lambda c: c.show_derivatives(kind)


def _selected(c: Context) -> bool:
    return selected(c) and not c.training


def _checked(c: Context) -> bool:
    return c.editing and c.checking.shown


ACTIONS = (
    Action(
        "explain.jacobian", "Jacobian…", MENU, _matrix("jacobian"), "", nodes, 1,
        "Every entry of the selected value, differentiated by every entry of what it depends on.",
    ),
    Action(
        "explain.hessian", "Hessian…", MENU, _matrix("hessian"), "", nodes, 1,
        "Every second derivative of the output, or of the selected single number.",
    ),
    Action(
        "explain.check", "Check gradients", MENU, lambda c: c.checking.check_all(), "", idle, 8,
        "Compares the gradient of every node with differences of the output's values.",
    ),
    Action(
        "explain.check_node", "Check this gradient", MENU, lambda c: c.checking.check_selected(), "",
        _selected, 8, "Compares the gradients of the selected nodes with differences.", on=NODE,
    ),
    Action(
        "explain.check_clear", "Remove the check's badges", MENU, lambda c: c.checking.clear(), "",
        _checked, 8,
    ),
)  # fmt: skip

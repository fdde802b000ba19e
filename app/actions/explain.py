"""Actions that explain a number: where it comes from, what it depends on, what would change it."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.record import Action, Context, nodes

MENU = "Explain"


def _matrix(kind: str) -> Callable[[Context], None]:
    return lambda c: c.show_derivatives(kind)


ACTIONS = (
    Action(
        "explain.jacobian", "Jacobian…", MENU, _matrix("jacobian"), "", nodes, 1,
        "Every entry of the selected value, differentiated by every entry of what it depends on.",
    ),
    Action(
        "explain.hessian", "Hessian…", MENU, _matrix("hessian"), "", nodes, 1,
        "Every second derivative of the output, or of the selected single number.",
    ),
)  # fmt: skip

"""Actions that explain a number: where it comes from, what it depends on, what would change it."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.context import Context
from app.actions.record import NODE, Action, idle, nodes, selected

MENU = "Explain"


def _matrix(kind: str) -> Callable[[Context], None]:
    return lambda c: c.show_derivatives(kind)


def _selected(c: Context) -> bool:
    return selected(c) and not c.training


def _tried(c: Context) -> bool:
    """A number is tried out."""
    return c.editing and c.what_if.trying and not c.training


def _step(notches: int, fine: bool = False) -> Callable[[Context], None]:
    return lambda c: c.what_if.step_selected(notches, fine)


def _checked(c: Context) -> bool:
    return c.editing and c.checking.shown


def _derived(c: Context) -> bool:
    """A document with recorded derivatives is shown and not trained."""
    return c.editing and not c.training and bool(c.session.graph.settings["derivatives"])


ACTIONS = (
    Action(
        "explain.why", "Why is this gradient what it is?", MENU, lambda c: c.explain_gradient(), "",
        nodes, 0, "All paths from the loss to the selected node with what each adds, and why a gradient "
        "is zero.", on=NODE,
    ),
    Action(
        "explain.differentiate", "Differentiate", MENU, lambda c: c.gradients.differentiate(), "Shift+D",
        idle, 0, "Adds the adjoint nodes of the selected value; pressed again, those of the next order.",
        on=NODE,
    ),
    Action(
        "explain.differentiate_by", "Differentiate by…", MENU, lambda c: c.gradients.ask(), "", idle, 0,
        "Asks for the output, the inputs, the order and whether equal nodes are shared.",
    ),
    Action(
        "explain.differentiate_again", "Differentiate again", MENU, lambda c: c.gradients.again(), "",
        _derived, 0, "Makes the selected derivative anew after the graph has changed, or a stale one.",
    ),
    Action(
        "explain.hessian_product", "Hessian-vector product", MENU,
        lambda c: c.gradients.hessian_product(), "", idle, 0,
        "Adds a direction as an input, and the nodes of the Hessian times it.",
        submenu="Times a vector",
    ),
    Action(
        "explain.jacobian_product", "Jacobian-vector product", MENU,
        lambda c: c.gradients.jacobian_product(), "", idle, 0,
        "Adds a direction as an input, and the nodes of the Jacobian times it.",
        submenu="Times a vector",
    ),
    Action(
        "explain.jacobian", "Jacobian…", MENU, _matrix("jacobian"), "", nodes, 1,
        "Every entry of the selected value, differentiated by every entry of what it depends on.",
    ),
    Action(
        "explain.hessian", "Hessian…", MENU, _matrix("hessian"), "", nodes, 1,
        "Every second derivative of the output, or of the selected single number.",
    ),
    Action(
        "explain.view_value", "View value", MENU, lambda c: c.viewing.view("value"), "", selected, 2,
        "All numbers of the selected node; a double click on the picture of a tensor does the same.",
        on=NODE,
    ),
    Action(
        "explain.view_gradient", "View gradient", MENU, lambda c: c.viewing.view("gradient"), "",
        selected, 2, "All numbers of the selected node's gradient.", on=NODE,
    ),
    Action(
        "explain.pin", "Pin viewer", MENU, lambda c: c.viewing.pin(), "", selected, 2,
        "What the viewer shows of the selected node becomes a panel of its own, saved with the document.",
    ),
    Action(
        "explain.what_if", "What if…", MENU, lambda c: c.what_if.open(), "", nodes, 5,
        "Values ranked by how far they move the output; try one out and see what its tangent says.",
        submenu="Try out",
    ),
    *(
        Action(
            f"explain.{id}", title, MENU, _step(notches, fine), keys, _selected, 5, tip,
            submenu="Try out", canvas_key=True,
        )
        for id, title, notches, fine, keys, tip in (
            ("greater", "A greater value", 1, False, "PgUp",
             "Of the selected node; the tangents' prediction shows under every node that follows."),
            ("smaller", "A smaller value", -1, False, "PgDown", ""),
            ("little_greater", "A little greater", 1, True, "Shift+PgUp", ""),
            ("little_smaller", "A little smaller", -1, True, "Shift+PgDown", ""),
        )
    ),
    Action(
        "explain.back", "Back to where it began", MENU, lambda c: c.what_if.reset(), "", _tried, 5,
        "The number that is tried out gets the value it had at first.", submenu="Try out",
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
    Action(
        "explain.copy_function", "Copy function as LaTeX", MENU,
        lambda c: c.mathematics.copy_function(), "", nodes, 9,
        "The output as a function of its inputs.",
    ),
    Action(
        "explain.copy_derivative", "Copy derivative as LaTeX", MENU,
        lambda c: c.mathematics.copy_derivative(), "", nodes, 9,
        "The output's derivatives by the selected nodes, or by its inputs, in closed form.",
    ),
)  # fmt: skip

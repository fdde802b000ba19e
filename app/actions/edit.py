"""Actions that change the document."""

from __future__ import annotations

from app.actions.record import (
    GROUND,
    NODE,
    WIRE,
    Action,
    Context,
    free,
    nodes,
    selected,
    shown,
    wire_pointed,
)

MENU = "Edit"
_MODULES = "Modules"


def _instance(c: Context) -> bool:
    """One instance of a module is selected."""
    chosen = c.session.selection
    return c.editing and len(chosen) == 1 and c.session.graph.op(chosen[0]).definition is not None


def _wired(c: Context) -> bool:
    """The node selected last has a wire."""
    chosen = c.session.selection
    return c.editing and bool(chosen) and bool(c.session.graph.structure.degree(chosen[-1]))


def _can_undo(c: Context) -> bool:
    return free(c) and c.session.history.undo_label is not None


def _can_redo(c: Context) -> bool:
    return free(c) and c.session.history.redo_label is not None


ACTIONS = (
    Action("edit.undo", "Undo", MENU, lambda c: c.session.history.undo(), "Ctrl+Z", _can_undo),
    Action(
        "edit.redo", "Redo", MENU, lambda c: c.session.history.redo(), "Ctrl+Shift+Z, Ctrl+Y",
        _can_redo,
    ),
    Action("edit.cut", "Cut", MENU, lambda c: c.canvas.cut(), "Ctrl+X", selected, 1, on=NODE),
    Action("edit.copy", "Copy", MENU, lambda c: c.canvas.copy(), "Ctrl+C", selected, 1, on=NODE),
    Action("edit.paste", "Paste", MENU, lambda c: c.canvas.paste(), "Ctrl+V", shown, 1, on=GROUND),
    Action(
        "edit.duplicate", "Duplicate", MENU, lambda c: c.canvas.duplicate(), "Ctrl+D", selected, 1,
        on=NODE,
    ),
    Action(
        "edit.delete", "Delete", MENU, lambda c: c.canvas.delete_selection(), "Delete, Backspace",
        selected, 1, on=NODE,
    ),
    Action(
        "edit.remove_wire", "Remove wire", MENU, lambda c: c.canvas.remove_wire(), "", wire_pointed,
        1, "The wire pointed at; it can also be pulled off its port.", on=WIRE,
    ),
    Action(
        "edit.select_all", "Select all", MENU, lambda c: c.canvas.select_all(), "Ctrl+A", nodes, 2,
        on=GROUND,
    ),
    Action(
        "edit.disconnect", "Disconnect…", MENU, lambda c: c.navigation.disconnect_wire(), "W", _wired, 2,
        "Lists the wires of the selected node; the one chosen goes.",
    ),
    Action(
        "edit.arrange", "Arrange nodes", MENU, lambda c: c.arrange(), "Ctrl+L", nodes, 3,
        on=NODE | GROUND,
    ),
    Action("edit.formula", "Type a formula", MENU, lambda c: c.focus_formula(), "Ctrl+E", group=3),
    Action(
        "edit.make_module", "Make module…", MENU, lambda c: c.modules.make(), "Ctrl+G", selected, 4,
        "The selected nodes become one node that can be used again.", _MODULES, NODE,
    ),
    Action(
        "edit.unpack_module", "Unpack module", MENU, lambda c: c.modules.unpack(), "Ctrl+Shift+G",
        _instance, 4, "The module becomes the nodes it is made of.", _MODULES, NODE,
    ),
    Action(
        "edit.open_module", "Open module", MENU, lambda c: c.modules.open(), "Ctrl+Down", _instance,
        4, "Shows what is inside, live; Enter or a double click on it do the same.", _MODULES, NODE,
    ),
    Action(
        "edit.leave_module", "Leave module", MENU, lambda c: c.session.leave(), "Ctrl+Up",
        lambda c: c.editing and bool(c.session.place), 4, "Back to what the module stands in.",
        _MODULES, GROUND,
    ),
    Action(
        "edit.new_operator", "New operator…", MENU, lambda c: c.operators.ask(), "Ctrl+Shift+E",
        free, 4, "A formula becomes an operator of this document; its derivative is derived.",
    ),
)  # fmt: skip

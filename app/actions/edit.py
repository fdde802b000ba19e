"""Actions that change the document."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.context import Context
from app.actions.record import (
    GROUND,
    NODE,
    NOTE,
    WIRE,
    Action,
    drawn,
    framed,
    free,
    nodes,
    noted,
    picked,
    selected,
    several,
    shown,
    three,
    wire_pointed,
)
from engine import ops
from engine.records import COLOURS
from engine.ties import parameters

MENU = "Edit"
_MODULES, _ARRANGE, _WIRES = "Modules and operators", "Arrange", "Wires"
_NOTES = "Notes and frames"

_SIDES = {
    "left": "Align left", "centred": "Align centres", "right": "Align right", "top": "Align tops",
    "level": "Align middles", "bottom": "Align bottoms",
}  # fmt: skip
_COLOURS = {colour: f"Colour: {colour}" if colour else "No colour" for colour in COLOURS}


def _instance(c: Context) -> bool:
    """One instance of a module is selected."""
    chosen = c.session.selection
    return c.editing and len(chosen) == 1 and c.session.graph.op(chosen[0]).definition is not None


def _holds(c: Context) -> bool:
    """One node is selected, and a number in it can be typed over."""
    chosen = c.session.selection
    if not c.editing or len(chosen) != 1:
        return False
    node = c.session.graph.nodes[chosen[0]]
    return node.op in ops.HOLDS_TENSOR or bool(node.literals)


def _with_parameters(c: Context) -> bool:
    """A parameter, or a module that holds some, is selected."""
    graph = c.session.graph
    return free(c) and any(next(parameters(graph, n), "") for n in c.session.selection)


def _wired(c: Context) -> bool:
    """The node selected last has a wire."""
    chosen = c.session.selection
    return c.editing and bool(chosen) and bool(c.session.graph.structure.degree(chosen[-1]))


def _colour(name: str) -> Callable[[Context], None]:
    return lambda c: c.canvas.notes.colour(name)


def _faulty(c: Context) -> bool:
    """The node selected last cannot be computed."""
    chosen = c.session.selection
    return free(c) and bool(chosen) and chosen[-1] in c.session.evaluation.faults


def _can_undo(c: Context) -> bool:
    return free(c) and c.session.history.undo_label is not None


def _can_redo(c: Context) -> bool:
    return free(c) and c.session.history.redo_label is not None


def _aligned(side: str) -> Callable[[Context], None]:
    return lambda c: c.canvas.arranging.align(side)


def _distributed(axis: int) -> Callable[[Context], None]:
    return lambda c: c.canvas.arranging.distribute(axis)


ACTIONS = (
    Action("edit.undo", "Undo", MENU, lambda c: c.session.history.undo(), "Ctrl+Z", _can_undo),
    Action(
        "edit.redo", "Redo", MENU, lambda c: c.session.history.redo(), "Ctrl+Shift+Z, Ctrl+Y",
        _can_redo,
    ),
    Action(
        "edit.add", "Add…", MENU, lambda c: c.search.add(), "Tab", shown, 1,
        "Search for an operator, a module or an example; what is chosen follows the pointer.",
        on=GROUND, canvas_key=True,
    ),
    Action("edit.cut", "Cut", MENU, lambda c: c.canvas.cut(), "Ctrl+X", picked, 1, on=NODE | NOTE),
    Action("edit.copy", "Copy", MENU, lambda c: c.canvas.copy(), "Ctrl+C", picked, 1, on=NODE | NOTE),
    Action("edit.paste", "Paste", MENU, lambda c: c.canvas.paste(), "Ctrl+V", shown, 1, on=GROUND),
    Action(
        "edit.duplicate", "Duplicate", MENU, lambda c: c.canvas.duplicate(), "Ctrl+D", picked, 1,
        on=NODE | NOTE,
    ),
    Action(
        "edit.delete", "Delete", MENU, lambda c: c.canvas.delete_selection(), "Del, Backspace",
        picked, 1, on=NODE | NOTE,
    ),
    Action(
        "edit.rename", "Rename", MENU, lambda c: c.canvas.rename_selected(), "F2", picked, 1,
        "The name of the node, the text of the note or the title of the frame.", on=NODE | NOTE,
    ),
    Action(
        "edit.value", "Edit value", MENU, lambda c: c.canvas.edit_selected_value(), "", _holds, 1,
        "The number the node holds; Enter or a double click on it do the same.", on=NODE,
    ),
    Action(
        "edit.select_all", "Select all", MENU, lambda c: c.canvas.select_all(), "Ctrl+A", drawn, 2,
        on=GROUND,
    ),
    Action(
        "edit.arrange", "Arrange nodes", MENU, lambda c: c.canvas.arranging.arrange(), "Ctrl+L",
        nodes, 3, "Layers from left to right with few crossings: the selection, or everything.",
        _ARRANGE, NODE | GROUND,
    ),
    *(
        Action(
            f"edit.align_{side}", title, MENU, _aligned(side), "", several, 3, "", _ARRANGE,
            NODE | NOTE,
        )
        for side, title in _SIDES.items()
    ),
    *(
        Action(
            f"edit.distribute_{way}", f"Distribute {way}", MENU, _distributed(axis), "", three, 3,
            "Equal gaps between what is selected.", _ARRANGE, NODE | NOTE,
        )
        for axis, way in enumerate(("across", "down"))
    ),
    Action(
        "edit.connect", "Connect to…", MENU, lambda c: c.navigation.connect_wire(), "C", selected, 3,
        "A wire from the selected node by keys: arrows or a name choose the port, Enter connects.",
        _WIRES, NODE,
    ),
    Action(
        "edit.connect_from", "Connect from…", MENU, lambda c: c.navigation.connect_wire(back=True),
        "Shift+C", selected, 3, "The same from a free port of the selected node to an output.",
        _WIRES, NODE,
    ),
    Action(
        "edit.disconnect", "Disconnect…", MENU, lambda c: c.navigation.disconnect_wire(), "W", _wired,
        3, "Lists the wires of the selected node; the one chosen goes.", _WIRES, NODE,
    ),
    Action(
        "edit.paste_with_inputs", "Paste with inputs", MENU, lambda c: c.canvas.paste_with_inputs(),
        "Ctrl+Shift+V", shown, 3, "The copies read what the copied nodes read.", _WIRES, GROUND,
    ),
    Action(
        "edit.mute", "Mute or unmute", MENU, lambda c: c.canvas.rewiring.mute(), "M", selected, 3,
        "A muted node hands on what it reads.", _WIRES, NODE,
    ),
    Action(
        "edit.take_out", "Take out of wires", MENU, lambda c: c.canvas.rewiring.take_out(), "Alt+X",
        selected, 3, "What was around the nodes is joined; holding X and dragging does the same.",
        _WIRES, NODE,
    ),
    Action(
        "edit.dissolve", "Delete and reconnect", MENU, lambda c: c.canvas.rewiring.dissolve(),
        "Ctrl+Del, Ctrl+Backspace", selected, 3, "What was around the nodes is joined.", _WIRES,
        NODE,
    ),
    Action(
        "edit.dot", "Dot on wire", MENU, lambda c: c.canvas.rewiring.dot(), "", wire_pointed, 3,
        "The wire pointed at runs through a dot that can be moved and branched from.", _WIRES, WIRE,
    ),
    Action(
        "edit.remove_wire", "Remove wire", MENU, lambda c: c.canvas.remove_wire(), "", wire_pointed,
        3, "The wire pointed at; it can also be pulled off its port.", _WIRES, WIRE,
    ),
    Action(
        "edit.repair", "Repair shapes…", MENU, lambda c: c.canvas.mending.repair(), "Ctrl+R", _faulty, 3,
        "Offers what would make the selected node's operands fit.", _WIRES, NODE,
    ),
    Action("edit.formula", "Type a formula", MENU, lambda c: c.focus_formula(), "Ctrl+E", group=3),
    Action(
        "edit.note", "Note", MENU, lambda c: c.canvas.notes.add(), "Ctrl+Shift+J", shown, 3,
        "A text on the canvas; formulas stand between dollar signs.", _NOTES, GROUND,
    ),
    Action(
        "edit.frame", "Frame selection", MENU, lambda c: c.canvas.notes.frame(), "Ctrl+J", shown, 3,
        "A frame with a title around what is selected; dragged by its title it carries what is in it.",
        _NOTES, NODE | GROUND | NOTE,
    ),
    Action(
        "edit.fit_frame", "Fit to contents", MENU, lambda c: c.canvas.notes.fit(), "Ctrl+Alt+J", noted, 3,
        "Frames stand closely around what is in them, notes around their text.", _NOTES, NOTE,
    ),
    Action(
        "edit.select_inside", "Select nodes in frame", MENU, lambda c: c.canvas.notes.select_inside(),
        "", framed, 3, submenu=_NOTES, on=NOTE,
    ),
    *(
        Action(
            f"edit.colour_{name or 'none'}", title, MENU, _colour(name), "", noted, 4,
            "Of the selected notes and frames.", _NOTES, NOTE,
        )
        for name, title in _COLOURS.items()
    ),
    Action(
        "edit.make_module", "Make module…", MENU, lambda c: c.modules.make(), "Ctrl+G", selected, 4,
        "The selected nodes become one node that can be used again.", _MODULES, NODE,
    ),
    Action(
        "edit.unpack_module", "Unpack module", MENU, lambda c: c.modules.unpack(), "Ctrl+Shift+G",
        _instance, 4, "The module becomes the nodes it is made of.", _MODULES, NODE,
    ),
    Action(
        "edit.reinitialise", "Reinitialise parameters", MENU, lambda c: c.modules.reinitialise(), "",
        _with_parameters, 4, "The parameters of the selection begin anew as they say they start.",
        _MODULES, NODE,
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
        _MODULES,
    ),
)  # fmt: skip

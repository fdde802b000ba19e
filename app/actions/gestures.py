"""What the mouse and fixed keys do on the canvas, in words, for the page of shortcuts."""

from __future__ import annotations

from typing import NamedTuple


class How(NamedTuple):
    """What a gesture does, and how it is made."""

    what: str
    how: str


# Each class in app/view/canvas/gestures names its rows in `how`; the rest are events of the canvas.
HOW: dict[str, How] = {
    "select": How("Select a node", "Click it; with Shift or Ctrl, add it or take it out"),
    "band": How("Select what a rectangle touches", "Drag on the ground; with Shift or Ctrl, add"),
    "wire_steps": How("Find the steps of a wire in the trace", "Click the wire"),
    "move": How(
        "Move the selection", "Drag a node, a note, or a frame by its title with what is in it"
    ),
    "resize": How("Make a note or a frame larger", "Select it, and drag an edge or a corner"),
    "move_onto": How("Put a node on a wire", "Drag it there; what is behind it makes room"),
    "take_out": How("Take nodes out of their wires", "Hold X and drag a node"),
    "cut": How("Cut wires", "Hold X and drag over them, or drag with Ctrl and the right button"),
    "dot": How("Dot on a wire", "Double-click the wire"),
    "wire": How("Connect", "Drag from a port, and let go anywhere on the other node"),
    "wire_shape": How(
        "See the shape it would give, repair a misfit", "Hold a wire over a node, let go"
    ),
    "wire_search": How("Connect to something new", "Drag from a port, and let go on the ground"),
    "unwire": How("Move or remove a wire", "Pull it off its port, and let go"),
    "insert": How("Put an operator on a wire", "Drag it from the palette onto the wire"),
    "search": How("Search for an operator there", "Double-click the ground"),
    "put_down": How("Place the node that was chosen", "Click, or press Enter; Esc gives up"),
    "open": How("Edit a value, or open a module", "Double-click the node"),
    "view": How("See all numbers of a tensor", "Double-click its picture on the node"),
    "write": How(
        "Edit a note or a title", "Double-click it; Ctrl+Enter or a click elsewhere ends it"
    ),
    "what_if": How(
        "Try out a value, or an entry of a tensor",
        "Hold V or Alt, and drag the node to the side or turn the wheel over it; with Shift, finer",
    ),
    "menu": How("What can be done there", "Right-click a node, a wire or the ground"),
    "pan": How("Pan", "Drag with the middle button, or hold Space and drag; two fingers"),
    "minimap": How("Look elsewhere", "Click or drag in the minimap"),
    "zoom": How("Zoom", "Turn the wheel, or pinch"),
}

_ARROWS = ("Left", "Right", "Up", "Down")

# Keys of the canvas itself: what they do, and which they are. They cannot be given to an action.
FIXED: dict[How, tuple[str, ...]] = {
    How("Give up a gesture, then the focus, then the selection, then leave a module", "Esc"): (
        "Esc",
    ),
    How("While connecting: another port, one by name, done", "Arrow keys or Tab, letters, Enter"): (),
    How(
        "Search for what to add",
        "Type a sign, or a letter that is no shortcut; with Shift, most are",
    ): (),
    How("Leave the canvas", "Shift+Tab"): ("Shift+Tab", "Backtab", "Shift+Backtab"),
    How("Move the selection by 4, by 24", "Arrow keys, Shift and arrow keys"): (
        *_ARROWS, *(f"Shift+{key}" for key in _ARROWS),
    ),
    How("Edit the value or the note, or open the module", "Enter"): ("Return", "Enter"),
    How("Pan while it is held", "Space"): ("Space",),
    How("Cut wires, or take nodes out of them, while it is held", "X"): ("X",),
    How("Try out a value, while it is held", "V"): ("V",),
}  # fmt: skip

"""What an action is, and when it would do something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.actions.context import Context

# ------------------------------------------------------------ when an action would do something


def always(context: Context) -> bool:
    return True


def shown(c: Context) -> bool:
    """A document is shown."""
    return c.editing


def nodes(c: Context) -> bool:
    """A document with nodes is shown."""
    return c.editing and bool(c.session.graph.nodes)


def drawn(c: Context) -> bool:
    """A document with nodes, notes or frames is shown."""
    return c.editing and bool(c.session.graph.nodes or c.session.graph.notes)


def selected(c: Context) -> bool:
    """Nodes are selected."""
    return c.editing and bool(c.session.selection)


def picked(c: Context) -> bool:
    """Nodes, notes or frames are selected."""
    return c.editing and bool(c.session.chosen)


def noted(c: Context) -> bool:
    """Notes or frames are selected."""
    return c.editing and bool(c.session.notes_selected)


def framed(c: Context) -> bool:
    """Frames are selected."""
    return noted(c) and bool(c.canvas.notes.frames)


def several(c: Context) -> bool:
    """More than one thing is selected."""
    return c.editing and len(c.session.chosen) > 1


def three(c: Context) -> bool:
    """More than two things are selected."""
    return c.editing and len(c.session.chosen) > 2


def wire_pointed(c: Context) -> bool:
    """A wire is pointed at."""
    return c.editing and c.canvas.pointed_wire is not None


def free(c: Context) -> bool:
    """A document is shown and not trained."""
    return c.editing and not c.training


def past(c: Context) -> bool:
    """A moment of the past is looked at."""
    return c.editing and c.travel.past is not None


def idle(c: Context) -> bool:
    """A document with nodes is shown and not trained."""
    return nodes(c) and not c.training


WHY: dict[Callable[[Context], bool], str] = {
    past: "no moment of the past is looked at",
    shown: "no document is open", nodes: "there are no nodes", selected: "no node is selected",
    drawn: "there is nothing on the canvas",
    picked: "nothing is selected", noted: "no note or frame is selected",
    framed: "no frame is selected", several: "select two or more", three: "select three or more",
    wire_pointed: "point at a wire", free: "not while it trains",
    idle: "needs nodes, and not while it trains",
}  # fmt: skip
"""Why an action would do nothing, for the tests that several actions share."""


# ------------------------------------------------------------ what its menu on the canvas is asked on

NODE, WIRE, GROUND = frozenset({"node"}), frozenset({"wire"}), frozenset({"ground"})
NOTE = frozenset({"note"})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `enabled` says whether it would do something now.

    `menu` is the title of the menu it stands in, `submenu` of the menu inside that one, if any.
    `shortcut` is in Qt's portable text; a second one follows after a comma and a space. `group`
    changes where a menu has a line. `on` says which menus on the canvas have it too: those of a
    right click on a node or a note (it works on the selection), on a wire (on
    `canvas.pointed_wire`) and on the ground; `NODE | GROUND` is two. There it is left out while it
    would do nothing.
    `canvas_key`: its shortcut works only while the canvas has the keyboard. `checked` says of what
    is switched on and off whether it is on.
    """

    id: str
    title: str
    menu: str
    run: Callable[[Context], object]
    shortcut: str = ""
    enabled: Callable[[Context], bool] = always
    group: int = 0
    tip: str = ""
    submenu: str = ""
    on: frozenset[str] = frozenset()
    canvas_key: bool = False
    checked: Callable[[Context], bool] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys it has unless a person changes them; the first is shown."""
        return tuple(self.shortcut.split(", ")) if self.shortcut else ()

    def can(self, context: Context) -> bool:
        """Whether it would do something now, and may."""
        return context.lessons.allows(self.id) and self.enabled(context)

    def why_not(self, context: Context) -> str:
        """Why it would do nothing now, in some words; nothing when it would, or is hard to say."""
        if self.can(context):
            return ""
        if not context.lessons.allows(self.id):
            return "not at this step of the lesson"
        return WHY[shown] if not context.editing else WHY.get(self.enabled, "")

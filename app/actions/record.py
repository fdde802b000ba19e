"""What an action is, what it works on, and when it would do something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from app.session import Session
from app.stops import Breakpoints
from engine.graph import Port


class Notes(Protocol):
    """The commands on notes and frames of the canvas."""

    @property
    def frames(self) -> list[str]:
        """The selected frames."""
        ...

    def add(self) -> None: ...
    def frame(self) -> None: ...
    def fit(self) -> None: ...
    def select_inside(self) -> None: ...
    def colour(self, name: str) -> None: ...


class Canvas(Protocol):
    """The canvas as actions use it."""

    @property
    def notes(self) -> Notes: ...

    @property
    def pointed_wire(self) -> Port | None:
        """The port at the end of the wire under the pointer, or of the one whose menu was asked."""
        ...

    @property
    def rewiring(self) -> Rewiring: ...
    @property
    def arranging(self) -> Arranging: ...
    @property
    def mending(self) -> Mending: ...

    def cut(self) -> None: ...
    def copy(self) -> None: ...
    def paste(self) -> None: ...
    def paste_with_inputs(self) -> None: ...
    def duplicate(self) -> None: ...
    def delete_selection(self) -> None: ...
    def select_all(self) -> None: ...
    def remove_wire(self) -> None: ...
    def rename_selected(self) -> None: ...
    def edit_selected_value(self) -> None: ...
    def fit(self) -> None: ...
    def zoom_by(self, factor: float) -> None: ...
    def zoom_to(self, zoom: float) -> None: ...


class Rewiring(Protocol):
    """What is done to the wires around the selection."""

    def mute(self) -> None: ...
    def take_out(self) -> None: ...
    def dissolve(self) -> None: ...
    def dot(self) -> None: ...


class Mending(Protocol):
    """What is offered for operands that do not fit."""

    def repair(self) -> None: ...


class Arranging(Protocol):
    """What is done to the places of the selection."""

    def arrange(self) -> None: ...
    def align(self, side: str) -> None: ...
    def distribute(self, axis: int) -> None: ...


class Documents(Protocol):
    """The document and its file."""

    def ask_open(self) -> bool: ...
    def save(self) -> bool: ...
    def save_as(self) -> bool: ...
    def export_picture(self) -> bool: ...


class Modules(Protocol):
    """The commands on modules."""

    def make(self) -> bool: ...
    def unpack(self) -> bool: ...
    def reinitialise(self) -> bool: ...
    def open(self) -> bool: ...


class Operators(Protocol):
    """The commands on a person's own operators."""

    def ask(self) -> object: ...


class WhatIf(Protocol):
    """The commands that try out a number."""

    @property
    def trying(self) -> bool:
        """True while a number is tried out."""
        ...

    def step_selected(self, notches: float, fine: bool = False) -> None: ...
    def reset(self) -> None: ...


class Search(Protocol):
    """The boxes in which one finds by typing."""

    def add(self) -> None: ...
    def commands(self) -> None: ...


class Navigation(Protocol):
    """The commands that go somewhere, and how the canvas is looked at."""

    def find(self) -> None: ...
    def next_fault(self) -> None: ...
    def walk(self, across: int, down: int, extend: bool = False) -> None: ...
    def set_bookmark(self, digit: str) -> None: ...
    def go_bookmark(self, digit: str) -> None: ...
    def next_part(self, step: int = 1) -> None: ...
    def show_all(self) -> None: ...
    def show_selection(self) -> None: ...
    def toggle_minimap(self) -> None: ...
    def toggle_focus(self) -> None: ...
    def connect_wire(self, back: bool = False) -> None: ...
    def disconnect_wire(self) -> None: ...


class Gradients(Protocol):
    """The commands on derivatives as nodes."""

    def differentiate(self) -> None: ...
    def ask(self) -> None: ...
    def again(self) -> None: ...
    def hessian_product(self) -> None: ...
    def jacobian_product(self) -> None: ...


class Stepping(Protocol):
    """The commands that go through a pass by nodes and by breakpoints, and how it is played."""

    @property
    def breakpoints(self) -> Breakpoints: ...
    @property
    def loops(self) -> bool: ...
    @property
    def follows(self) -> bool: ...

    def run_to_node(self) -> None: ...
    def toggle_breakpoint(self) -> None: ...
    def clear_breakpoints(self) -> None: ...
    def toggle_loop(self) -> None: ...
    def toggle_follow(self) -> None: ...


class Checking(Protocol):
    """The commands that compare gradients with differences."""

    @property
    def shown(self) -> bool: ...

    def check_all(self) -> None: ...
    def check_selected(self) -> None: ...
    def clear(self) -> None: ...


class Viewing(Protocol):
    """The commands on viewers of numbers."""

    def view(self, of: Literal["value", "gradient"]) -> None: ...
    def pin(self) -> None: ...


class Context(Protocol):
    """What actions work on; the window is one, and its parts are the properties."""

    @property
    def session(self) -> Session: ...
    @property
    def canvas(self) -> Canvas: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def modules(self) -> Modules: ...
    @property
    def operators(self) -> Operators: ...
    @property
    def search(self) -> Search: ...
    @property
    def navigation(self) -> Navigation: ...
    @property
    def what_if(self) -> WhatIf: ...
    @property
    def stepping(self) -> Stepping: ...
    @property
    def gradients(self) -> Gradients: ...
    @property
    def checking(self) -> Checking: ...
    @property
    def viewing(self) -> Viewing: ...
    @property
    def playing(self) -> bool: ...
    @property
    def training(self) -> bool: ...
    @property
    def editing(self) -> bool:
        """True when a document is shown, False on the start page."""
        ...

    def new_document(self) -> None: ...
    def show_recent(self) -> None: ...
    def close_window(self) -> None: ...
    def play(self, on: bool) -> None: ...
    def train(self) -> None: ...
    def pause_training(self) -> None: ...
    def train_step(self) -> None: ...
    def reset_training(self) -> None: ...
    @property
    def safe_colours(self) -> bool: ...

    def toggle_theme(self) -> None: ...
    def toggle_colours(self) -> None: ...
    def toggle_panel(self, name: str) -> None: ...
    def show_derivatives(self, kind: str) -> None: ...
    def focus_formula(self) -> None: ...
    def start_page(self) -> None: ...
    def about(self) -> None: ...
    def operator_help(self) -> None: ...
    def keyboard_shortcuts(self) -> None: ...


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


def idle(c: Context) -> bool:
    """A document with nodes is shown and not trained."""
    return nodes(c) and not c.training


WHY: dict[Callable[[Context], bool], str] = {
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

    def why_not(self, context: Context) -> str:
        """Why it would do nothing now, in some words; nothing when it would, or is hard to say."""
        if self.enabled(context):
            return ""
        return WHY[shown] if not context.editing else WHY.get(self.enabled, "")

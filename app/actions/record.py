"""What an action is, what it works on, and when it would do something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.session import Session


class Canvas(Protocol):
    """The canvas as actions use it."""

    def cut(self) -> None: ...
    def copy(self) -> None: ...
    def paste(self) -> None: ...
    def duplicate(self) -> None: ...
    def delete_selection(self) -> None: ...
    def select_all(self) -> None: ...
    def fit(self) -> None: ...
    def zoom_by(self, factor: float) -> None: ...
    def zoom_to(self, zoom: float) -> None: ...


class Documents(Protocol):
    """The document and its file."""

    def ask_open(self) -> bool: ...
    def save(self) -> bool: ...
    def save_as(self) -> bool: ...


class Modules(Protocol):
    """The commands on modules."""

    def make(self) -> bool: ...
    def unpack(self) -> bool: ...
    def open(self) -> bool: ...


class Operators(Protocol):
    """The commands on a person's own operators."""

    def ask(self) -> object: ...


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
    def arrange(self) -> None: ...
    def play(self, on: bool) -> None: ...
    def train(self) -> None: ...
    def pause_training(self) -> None: ...
    def train_step(self) -> None: ...
    def reset_training(self) -> None: ...
    def toggle_theme(self) -> None: ...
    def toggle_panel(self, name: str) -> None: ...
    def focus_formula(self) -> None: ...
    def command_palette(self) -> None: ...
    def start_page(self) -> None: ...
    def about(self) -> None: ...
    def operator_help(self) -> None: ...


# ------------------------------------------------------------ when an action would do something


def always(context: Context) -> bool:
    return True


def shown(c: Context) -> bool:
    """A document is shown."""
    return c.editing


def nodes(c: Context) -> bool:
    """A document with nodes is shown."""
    return c.editing and bool(c.session.graph.nodes)


def selected(c: Context) -> bool:
    """Nodes are selected."""
    return c.editing and bool(c.session.selection)


def several(c: Context) -> bool:
    """More than one node is selected."""
    return c.editing and len(c.session.selection) > 1


def free(c: Context) -> bool:
    """A document is shown and not trained."""
    return c.editing and not c.training


def idle(c: Context) -> bool:
    """A document with nodes is shown and not trained."""
    return nodes(c) and not c.training


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `enabled` says whether it would do something now.

    `menu` is the title of the menu it stands in. `shortcut` is in Qt's portable text; a second one
    follows after a comma and a space. `group` changes where a menu has a line.
    """

    id: str
    title: str
    menu: str
    run: Callable[[Context], object]
    shortcut: str = ""
    enabled: Callable[[Context], bool] = always
    group: int = 0
    tip: str = ""

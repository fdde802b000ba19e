"""Every user action as one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from app.session import Session
from app.text import tr


class Context(Protocol):
    """What actions work on; the window is one."""

    @property
    def session(self) -> Session: ...
    @property
    def playing(self) -> bool: ...
    @property
    def training(self) -> bool: ...
    @property
    def editing(self) -> bool:
        """True when a document is shown, False on the start page."""
        ...

    def new_document(self) -> None: ...
    def ask_open(self) -> None: ...
    def show_recent(self) -> None: ...
    def save(self) -> bool: ...
    def save_as(self) -> bool: ...
    def close_window(self) -> None: ...
    def cut(self) -> None: ...
    def copy(self) -> None: ...
    def paste(self) -> None: ...
    def duplicate(self) -> None: ...
    def delete(self) -> None: ...
    def select_all(self) -> None: ...
    def fit(self) -> None: ...
    def zoom(self, factor: float | None) -> None: ...
    def arrange(self) -> None: ...
    def make_module(self) -> None: ...
    def unpack_module(self) -> None: ...
    def open_module(self) -> None: ...
    def leave_module(self) -> None: ...
    def new_operator(self) -> None: ...
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


def always(context: Context) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `enabled` says whether it would do something now.

    `menu` is the title of the menu it stands in, empty for none. `shortcut` is in Qt's portable
    text; a second one follows after a comma and a space. `group` changes where a menu has a line.
    """

    id: str
    title: str
    menu: str
    run: Callable[[Context], object]
    shortcut: str = ""
    enabled: Callable[[Context], bool] = always
    group: int = 0
    tip: str = ""


def _shown(c: Context) -> bool:
    return c.editing


def _nodes(c: Context) -> bool:
    return c.editing and bool(c.session.graph.nodes)


def _selected(c: Context) -> bool:
    return c.editing and bool(c.session.selection)


def _free(c: Context) -> bool:
    return c.editing and not c.training


def _instance(c: Context) -> bool:
    """One instance of a module is selected."""
    chosen = c.session.selection
    return c.editing and len(chosen) == 1 and c.session.graph.op(chosen[0]).definition is not None


def _behind(c: Context) -> bool:
    return c.editing and c.session.cursor > 0


def _ahead(c: Context) -> bool:
    return c.editing and c.session.cursor < len(c.session.steps)


def _steps(c: Context) -> bool:
    return c.editing and bool(c.session.steps)


def _forward_only(c: Context) -> None:
    c.play(False)
    c.session.seek(c.session.forward_end)


def _seek(change: Callable[[Session], int]) -> Callable[[Context], None]:
    def run(c: Context) -> None:
        c.play(False)
        c.session.seek(change(c.session))

    return run


def _can_undo(c: Context) -> bool:
    return c.editing and not c.training and c.session.history.undo_label is not None


def _can_redo(c: Context) -> bool:
    return c.editing and not c.training and c.session.history.redo_label is not None


def _idle(c: Context) -> bool:
    return _nodes(c) and not c.training


def _panel(name: str) -> Callable[[Context], None]:
    return lambda c: c.toggle_panel(name)


FILE, EDIT, VIEW, STEP, TRAIN, HELP = "File", "Edit", "View", "Step", "Train", "Help"
MENUS = (FILE, EDIT, VIEW, STEP, TRAIN, HELP)

PANELS = {
    "palette": "Operators", "inspector": "Inspector", "trace_table": "Trace", "training": "Training",
}  # fmt: skip

ACTIONS: tuple[Action, ...] = (
    Action("file.new", "New", FILE, lambda c: c.new_document(), "Ctrl+N"),
    Action("file.open", "Open…", FILE, lambda c: c.ask_open(), "Ctrl+O"),
    Action("file.recent", "Open recent…", FILE, lambda c: c.show_recent(), "Ctrl+Shift+O"),
    Action("file.save", "Save", FILE, lambda c: c.save(), "Ctrl+S", _shown, 1),
    Action("file.save_as", "Save as…", FILE, lambda c: c.save_as(), "Ctrl+Shift+S", _shown, 1),
    Action("file.start", "Start page", FILE, lambda c: c.start_page(), "Ctrl+Home", _shown, 2),
    Action("file.quit", "Quit", FILE, lambda c: c.close_window(), "Ctrl+Q", group=3),
    Action("edit.undo", "Undo", EDIT, lambda c: c.session.history.undo(), "Ctrl+Z", _can_undo),
    Action(
        "edit.redo", "Redo", EDIT, lambda c: c.session.history.redo(), "Ctrl+Shift+Z, Ctrl+Y",
        _can_redo,
    ),
    Action("edit.cut", "Cut", EDIT, lambda c: c.cut(), "Ctrl+X", _selected, 1),
    Action("edit.copy", "Copy", EDIT, lambda c: c.copy(), "Ctrl+C", _selected, 1),
    Action("edit.paste", "Paste", EDIT, lambda c: c.paste(), "Ctrl+V", _shown, 1),
    Action("edit.duplicate", "Duplicate", EDIT, lambda c: c.duplicate(), "Ctrl+D", _selected, 1),
    Action("edit.delete", "Delete", EDIT, lambda c: c.delete(), "Delete, Backspace", _selected, 1),
    Action("edit.select_all", "Select all", EDIT, lambda c: c.select_all(), "Ctrl+A", _nodes, 2),
    Action("edit.arrange", "Arrange nodes", EDIT, lambda c: c.arrange(), "Ctrl+L", _nodes, 3),
    Action("edit.formula", "Type a formula", EDIT, lambda c: c.focus_formula(), "Ctrl+E", group=3),
    Action(
        "edit.make_module", "Make module…", EDIT, lambda c: c.make_module(), "Ctrl+G", _selected, 4,
        "The selected nodes become one node that can be used again.",
    ),
    Action(
        "edit.unpack_module", "Unpack module", EDIT, lambda c: c.unpack_module(), "Ctrl+Shift+G",
        _instance, 4, "The module becomes the nodes it is made of.",
    ),
    Action(
        "edit.open_module", "Open module", EDIT, lambda c: c.open_module(), "Ctrl+Down", _instance,
        4, "Shows what is inside, live; Enter or a double click on it do the same.",
    ),
    Action(
        "edit.leave_module", "Leave module", EDIT, lambda c: c.leave_module(), "Ctrl+Up",
        lambda c: c.editing and bool(c.session.place), 4, "Back to what the module stands in.",
    ),
    Action(
        "edit.new_operator", "New operator…", EDIT, lambda c: c.new_operator(), "Ctrl+Shift+E",
        _free, 4, "A formula becomes an operator of this document; its derivative is derived.",
    ),
    Action("view.commands", "Commands…", VIEW, lambda c: c.command_palette(), "Ctrl+K"),
    Action("view.fit", "Fit", VIEW, lambda c: c.fit(), "F", _nodes, 1),
    Action("view.zoom_in", "Zoom in", VIEW, lambda c: c.zoom(1.25), "Ctrl++, Ctrl+=", _shown, 1),
    Action("view.zoom_out", "Zoom out", VIEW, lambda c: c.zoom(0.8), "Ctrl+-", _shown, 1),
    Action("view.zoom_100", "Zoom to 100 %", VIEW, lambda c: c.zoom(None), "Ctrl+0", _shown, 1),
    *(
        Action(f"view.{name}", f"{title} panel", VIEW, _panel(name), f"Ctrl+{number}", group=2)
        for number, (name, title) in enumerate(PANELS.items(), 1)
    ),
    Action("view.theme", "Theme: dark or light", VIEW, lambda c: c.toggle_theme(), "Ctrl+T", group=3),
    Action("step.start", "To the start", STEP, _seek(lambda s: 0), "Home", _behind),
    Action(
        "step.back", "One step back", STEP, _seek(lambda s: s.cursor - 1), "J, Ctrl+Left",
        _behind,
    ),
    Action("step.play", "Play or pause", STEP, lambda c: c.play(not c.playing), "K", _steps),
    Action(
        "step.forward", "One step on", STEP, _seek(lambda s: s.cursor + 1), "L, Ctrl+Right",
        _ahead,
    ),
    Action("step.end", "To the end", STEP, _seek(lambda s: len(s.steps)), "End", _ahead),
    Action(
        "step.forward_only", "Forward pass only", STEP, _forward_only, "Shift+End", _steps, 1,
        "Shows every value and no gradient.",
    ),
    Action("train.train", "Train", TRAIN, lambda c: c.train(), "F5", _idle),
    Action(
        "train.pause", "Pause", TRAIN, lambda c: c.pause_training(), "Shift+F5",
        lambda c: c.training,
    ),
    Action("train.step", "One training step", TRAIN, lambda c: c.train_step(), "F6", _idle),
    Action(
        "train.reset", "Reset training", TRAIN, lambda c: c.reset_training(), "", _idle, 1,
        "Gives every parameter a new start and clears the curve.",
    ),
    Action(
        "help.operators", "Operators", HELP, lambda c: c.operator_help(), "F1",
        tip="What each operator computes, its derivative and its options.",
    ),
    Action("help.about", "About Gradloom", HELP, lambda c: c.about()),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


def in_menu(menu: str) -> Iterator[Action]:
    """The actions of a menu in order."""
    return (action for action in ACTIONS if action.menu == menu)


def tooltip(action: Action) -> str:
    """Its title, its first shortcut and what it does, in the person's language."""
    first = action.shortcut.split(", ")[0]
    head = tr(action.title) + (f"  {first}" if first else "")
    return f"{head}\n{tr(action.tip)}" if action.tip else head


def match(query: str, text: str) -> float | None:
    """How well typed letters fit a title: None when they do not occur in order.

    Letters at word starts and letters that follow each other count more; shorter titles win ties.
    """
    wanted, letters = query.casefold().replace(" ", ""), text.casefold()
    score, at, before = 0.0, -1, -2
    for letter in wanted:
        starts = [
            i
            for i in range(at + 1, len(letters))
            if letters[i] == letter and (i == 0 or not letters[i - 1].isalnum())
        ]
        following = before + 1 if letters[before + 1 : before + 2] == letter else -1
        plain = letters.find(letter, at + 1)
        at = following if following > at else starts[0] if starts else plain
        if at < 0:
            return None
        score += 3.0 if at == before + 1 else 2.0 if at in starts else 0.5
        before = at
    return score - len(letters) / 1000

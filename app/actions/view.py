"""Actions that change what is looked at, and never the document."""

from __future__ import annotations

from collections.abc import Callable

from app.actions.record import GROUND, NODE, Action, Context, drawn, nodes, picked, shown

MENU = "View"

PANELS = {
    "palette": "Operators", "inspector": "Inspector", "trace_table": "Trace", "training": "Training",
    "history": "History",
}  # fmt: skip
HIDDEN_PANELS = frozenset({"history"})
"""Panels that are not shown until a person asks for them."""


def _panel(name: str) -> Callable[[Context], None]:
    return lambda c: c.toggle_panel(name)


ACTIONS = (
    Action("view.commands", "Commands…", MENU, lambda c: c.search.commands(), "Ctrl+K"),
    Action("view.fit", "Fit", MENU, lambda c: c.navigation.show_all(), "F", drawn, 1, on=GROUND),
    Action(
        "view.zoom_selection", "Zoom to selection", MENU, lambda c: c.navigation.show_selection(),
        "Shift+F", picked, 1,
    ),
    Action("view.zoom_in", "Zoom in", MENU, lambda c: c.canvas.zoom_by(1.25), "Ctrl++, Ctrl+=", shown, 1),
    Action("view.zoom_out", "Zoom out", MENU, lambda c: c.canvas.zoom_by(0.8), "Ctrl+-", shown, 1),
    Action("view.zoom_100", "Zoom to 100 %", MENU, lambda c: c.canvas.zoom_to(1.0), "Ctrl+0", shown, 1),
    Action(
        "view.focus", "Focus on the selection", MENU, lambda c: c.navigation.toggle_focus(), "D",
        nodes, 2, "Dims what is neither upstream nor downstream of what is selected; Esc ends it.",
        on=NODE,
    ),
    Action("view.minimap", "Minimap", MENU, lambda c: c.navigation.toggle_minimap(), "Shift+M", shown, 2),
    *(
        Action(f"view.{name}", f"{title} panel", MENU, _panel(name), f"Ctrl+{number}", group=3)
        for number, (name, title) in enumerate(PANELS.items(), 1)
    ),
    Action("view.theme", "Theme: dark or light", MENU, lambda c: c.toggle_theme(), "Ctrl+T", group=4),
)  # fmt: skip

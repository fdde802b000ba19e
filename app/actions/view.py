"""Actions that change what is looked at, and never the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.actions.context import Context
from app.actions.record import GROUND, NODE, Action, drawn, nodes, picked, shown

MENU = "View"


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel around the canvas. A `hidden` one is not shown until a person asks for it; one that
    stands `beside` another is a tab of it."""

    title: str
    area: Literal["left", "right", "bottom"] = "right"
    hidden: bool = False
    beside: str = ""


PANELS = {
    "palette": Panel("Operators", "left"),
    "inspector": Panel("Inspector"),
    "trace_table": Panel("Trace"),
    "training": Panel("Training"),
    "history": Panel("History", "left", hidden=True),
    "recipe": Panel("Recipe", beside="training"),
    "data": Panel("Data", beside="training"),
    "why": Panel("Why", beside="trace_table"),
    "what_if": Panel("What if", beside="trace_table"),
    "mathematics": Panel("Formulas", beside="trace_table"),
    "derivatives": Panel("Derivatives", hidden=True, beside="trace_table"),
    "viewer": Panel("Viewer", hidden=True, beside="trace_table"),
    "curves": Panel("Curves", "bottom", hidden=True),
    "runs": Panel("Runs", "bottom", hidden=True),
    "metrics": Panel("Metrics", "bottom", hidden=True),
    "flow": Panel("Gradient flow", "bottom", hidden=True),
    "regions": Panel("Regions", "bottom", hidden=True),
    "curve": Panel("Fit", "bottom", hidden=True),
    "reconstructions": Panel("Reconstructions", "bottom", hidden=True),
    "samples": Panel("Samples", "bottom", hidden=True),
    "latent": Panel("Latent plane", "bottom", hidden=True),
    "compare": Panel("Compare", "bottom", hidden=True),
    "units": Panel("Units", "bottom", hidden=True),
    "updates": Panel("Updates", "bottom", hidden=True),
    "histograms": Panel("Histograms", "bottom", hidden=True),
    "surface": Panel("Loss surface", "bottom", hidden=True),
    "lesson": Panel("Lesson", "left", hidden=True),
    "lesson_editor": Panel("Lesson editor", hidden=True),
}
LAST_DIGIT = 9
"""So many panels have a key of their own."""


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
        Action(
            f"view.{name}", f"{panel.title} panel", MENU, _panel(name),
            f"Ctrl+{number}" if number <= LAST_DIGIT else "", group=3, submenu="Panels",
        )
        for number, (name, panel) in enumerate(PANELS.items(), 1)
    ),
    Action(
        "view.keep_panels", "Open the document with these panels", MENU,
        lambda c: c.panel_room.toggle_kept(), enabled=shown, group=3, submenu="Panels",
        tip="Whoever opens the document sees the panels that are open now.",
        checked=lambda c: c.panel_room.keeps,
    ),
    Action(
        "view.class_mode", "Class mode", MENU, lambda c: c.class_mode.toggle(), "F11", shown, 4,
        "Only the canvas, the lesson and the panels of its step, in larger letters; Esc ends it.",
        checked=lambda c: c.class_mode.is_on,
    ),
    Action(
        "view.colours", "Colours: blue and orange", MENU, lambda c: c.toggle_colours(), group=4,
        tip="Of values and gradients, instead of green and vermillion: told apart with every kind of "
        "colour blindness.", checked=lambda c: c.safe_colours,
    ),
    Action("view.theme", "Theme: dark or light", MENU, lambda c: c.toggle_theme(), "Ctrl+T", group=4),
)  # fmt: skip

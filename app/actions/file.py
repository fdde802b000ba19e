"""Actions on the document as a file."""

from __future__ import annotations

from app.actions.record import Action, nodes, shown

MENU = "File"

ACTIONS = (
    Action("file.new", "New", MENU, lambda c: c.new_document(), "Ctrl+N"),
    Action("file.open", "Open…", MENU, lambda c: c.documents.ask_open(), "Ctrl+O"),
    Action("file.recent", "Open recent…", MENU, lambda c: c.show_recent(), "Ctrl+Shift+O"),
    Action("file.save", "Save", MENU, lambda c: c.documents.save(), "Ctrl+S", shown, 1),
    Action("file.save_as", "Save as…", MENU, lambda c: c.documents.save_as(), "Ctrl+Shift+S", shown, 1),
    Action(
        "file.export", "Export picture…", MENU, lambda c: c.documents.export_picture(), "Ctrl+Shift+P",
        nodes, 1, "An SVG or PNG that opens as the document again.",
    ),
    Action("file.start", "Start page", MENU, lambda c: c.start_page(), "Ctrl+Home", shown, 2),
    Action("file.quit", "Quit", MENU, lambda c: c.close_window(), "Ctrl+Q", group=3),
)  # fmt: skip

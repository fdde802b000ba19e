"""Actions on the document as a file."""

from __future__ import annotations

from app.actions.record import Action, idle, nodes, shown

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
    Action(
        "file.export_trace", "Export trace…", MENU, lambda c: c.sharing.export_trace(), "", nodes, 1,
        "Every micro-step as a table: CSV, Markdown or LaTeX.",
    ),
    Action(
        "file.export_animation", "Export animation…", MENU, lambda c: c.sharing.export_animation(), "",
        idle, 1, "The steps one after another, with their lines: GIF or MP4.",
    ),
    Action(
        "file.export_script", "Export PyTorch script…", MENU, lambda c: c.sharing.export_script(), "",
        nodes, 1, "The document as a script that trains as it does, with the loop of five lines.",
    ),
    Action(
        "file.export_panel", "Export panel…", MENU, lambda c: c.sharing.export_panel(), "", shown, 1,
        "All of a panel as PNG or SVG; a right click on its title does the same.",
    ),
    Action(
        "file.copy_markdown", "Trace as Markdown", MENU, lambda c: c.sharing.copy_trace(".md"), "",
        nodes, 1, submenu="Copy",
    ),
    Action(
        "file.copy_latex", "Trace as LaTeX", MENU, lambda c: c.sharing.copy_trace(".tex"), "",
        nodes, 1, submenu="Copy",
    ),
    Action(
        "file.copy_panel", "Panel as a picture", MENU, lambda c: c.sharing.copy_panel(), "", shown, 1,
        submenu="Copy",
    ),
    Action("file.start", "Start page", MENU, lambda c: c.start_page(), "Ctrl+Home", shown, 2),
    Action("file.quit", "Quit", MENU, lambda c: c.close_window(), "Ctrl+Q", group=3),
)  # fmt: skip

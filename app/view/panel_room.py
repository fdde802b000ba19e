"""Where panels stand: those below share their room, and a view of training shows what fits the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app import actions
from engine.train.roles import roles

if TYPE_CHECKING:
    from app.view.frame import Frame

BELOW = 272
"""Height of the panels below, to begin with."""
WIDE = {"curves": 2, "compare": 2, "runs": 2}
"""Panels below that take more than one share of the width."""


class PanelRoom:
    """Shares of room between panels of the window."""

    def __init__(self, window: Frame) -> None:
        self.window = window
        self._hidden: list[str] = []

    def _below(self) -> list[str]:
        docks = self.window.docks
        return [
            name
            for name, row in actions.PANELS.items()
            if row.area == "bottom" and docks[name].is_seen and not docks[name].isFloating()
        ]

    def share(self, name: str) -> None:
        """A panel was shown: those below get room by their shares."""
        if actions.PANELS[name].area != "bottom":
            return
        first = not self._below()
        self.window.docks[name].show()
        names = self._below() or [name]
        docks = [self.window.docks[n] for n in names]
        width = sum(dock.width() for dock in docks)
        shares = [WIDE.get(n, 1) for n in names]
        wanted = [max(width * share // sum(shares), 1) for share in shares]
        self.window.resizeDocks(docks, wanted, Qt.Orientation.Horizontal)
        if first:
            self.window.resizeDocks(docks[:1], [BELOW], Qt.Orientation.Vertical)

    # ------------------------------------------------------------ training

    @property
    def shows_training(self) -> bool:
        return bool(self._below())

    def toggle_training(self) -> None:
        """Shows what training this document is watched by, in place of the trace; or the trace again."""
        below = self._below()
        if below:
            for name in below:
                self.window.docks[name].hide()
            for name in self._hidden:
                self.window.docks[name].show()
            if self._hidden:
                self.window.docks["trace_table"].raise_()
            self._hidden = []
            self.window._share_right()
            return
        beside = (
            "trace_table",
            *(n for n, row in actions.PANELS.items() if row.beside == "trace_table"),
        )
        self._hidden = [n for n in beside if not self.window.docks[n].isHidden()]
        for name in self._hidden:
            self.window.docks[name].hide()
        for name in self._fitting():
            self.window.show_panel(name)
        self.window.docks["training"].raise_()

    def _fitting(self) -> list[str]:
        """The panels that say most about this document."""
        session = self.window.session
        part = roles(session.root)
        specs = session.whole.specs
        columns = [
            specs[n].shape[1] for n in part.inputs if n in specs and len(specs[n].shape) == 2
        ]
        target = session.root.nodes.get(part.target)
        names = ["curves"]
        if (
            target is not None and target.options.get("field") == "x"
        ) or part.target in part.inputs:
            names += ["reconstructions", "latent"]
        elif columns == [1]:
            names.append("curve")
        elif columns == [2]:
            names.append("regions")
        elif part.prediction:
            names += ["metrics", "units"]
        return [*names, "flow"]

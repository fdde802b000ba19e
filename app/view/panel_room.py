"""Where panels stand: those below share their room, and a document's own panels open with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt

from app import actions
from app.text import tr
from engine.edits import set_setting
from engine.passing import under
from engine.train.roles import roles

if TYPE_CHECKING:
    from app.view.frame import Frame

BELOW = 272
"""Height of the panels below, to begin with."""
STAYING = ("inspector", "training")
"""Panels that stay beside those that a document opens with."""
WIDE = {"curves": 2, "compare": 2, "runs": 2, "surface": 2}
"""Panels below that take more than one share of the width."""


class PanelRoom:
    """Shares of room between panels of the window."""

    def __init__(self, window: Frame) -> None:
        self.window = window
        self._hidden: list[str] = []
        """What was beside the trace before panels below took its room."""
        self._before: QByteArray | None = None
        """The panels as a person had them, while a document shows its own."""

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
        if self._below():
            self._close_below()
        else:
            self._open_below(self._fitting())
            self.window.docks["training"].raise_()

    def _close_below(self) -> None:
        for name in self._below():
            self.window.docks[name].hide()
        for name in self._hidden:
            self.window.docks[name].show()
        if self._hidden:
            self.window.docks["trace_table"].raise_()
        self._hidden = []
        self.window._share_right()

    def _open_below(self, names: Iterable[str]) -> None:
        """Shows panels below; the trace and what is beside it make room."""
        hidden = [n for n in self._beside_trace() if not self.window.docks[n].isHidden()]
        self._hidden = hidden or self._hidden
        for name in hidden:
            self.window.docks[name].hide()
        for name in names:
            self.window.show_panel(name)

    def _beside_trace(self) -> list[str]:
        beside = (n for n, row in actions.PANELS.items() if row.beside == "trace_table")
        return ["trace_table", *beside]

    # ------------------------------------------------------------ a document's own

    def lend(self) -> None:
        """From now on the panels are the document's, until they are given back."""
        if self._before is None:
            self._before = self.window.class_mode.before or self.window.saveState()

    def give_back(self) -> None:
        """The panels stand as they did before they were lent."""
        state, self._before = self._before, None
        if state is None:
            return
        self._hidden = []
        if self.window.class_mode.take(state):
            return
        if self.window.editing:
            self.window.restoreState(state)
        else:
            self.window.docks_state = state

    def arrange(self) -> None:
        """Shows the panels that the document opens with in place of others; without any they stay."""
        own, docks = self.window.session.root.settings, self.window.docks
        names = [n for n in own["panels"] if n in actions.PANELS]
        below = [n for n in names if actions.PANELS[n].area == "bottom"]
        if names or own["lesson"]:
            self.lend()
        if not names:
            return
        self._close_below()
        for name in set(docks) - {*names, *STAYING, *self._beside_trace()}:
            docks[name].hide()
        if below:
            self._open_below(below)
        for name in names:
            if name not in below:
                self.window.show_panel(name)

    def shown(self) -> tuple[str, ...]:
        """The panels that can be seen now, in the order of the menu."""
        docks = self.window.docks
        return tuple(name for name in actions.PANELS if docks[name].is_seen)

    @property
    def keeps(self) -> bool:
        """Whether the document opens with panels of its own."""
        return bool(self.window.session.root.settings["panels"])

    def toggle_kept(self) -> None:
        """From now on the document opens with the panels that are seen now, or with none of its own."""
        names = () if self.keeps else self.shown()
        label = tr("Open without panels of its own") if self.keeps else tr("Open with these panels")
        self.window.session.do_outside(set_setting("panels", names), label)

    # ------------------------------------------------------------ what fits

    def _fitting(self) -> list[str]:
        """The panels that say most about this document."""
        session = self.window.session
        part = roles(session.root)
        specs = session.whole.specs
        columns = [
            specs[n].shape[1] for n in part.inputs if n in specs and len(specs[n].shape) == 2
        ]
        target = part.target
        given_back = target in session.root.nodes and (
            session.root.nodes[target].options.get("field") == "x"
            or bool(set(part.inputs) & under(session.root, target))
        )
        names = ["curves"]
        sizes = [specs[n].size if n in specs else 0 for n in (part.prediction, target)]
        if given_back and sizes[0] > sizes[1]:
            names += ["samples", "reconstructions"]  # scores of several greys for each pixel
        elif given_back:
            names += ["reconstructions", "latent"]
        elif columns == [1]:
            names.append("curve")
        elif columns == [2]:
            names.append("regions")
        elif part.prediction:
            names += ["metrics", "units"]
        return [*names, "flow"]

"""The panel "Histograms": weights, activations and gradients as distributions over time."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio.panel import StudioPanel
from app.view.studio.past import Past, whole
from app.view.studio.ridge import Ridge
from engine.probes.histograms import NODES, Histogram, Histograms

WIDE = 230
"""A picture has this much room at least; there are as many as fit."""


class Pane(QWidget):
    """A node's name, its picture, and the numbers of the newest moment."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.title = QLabel()
        self.picture = Ridge()
        self.foot = QLabel()
        self.foot.setProperty("role", "muted")
        self.foot.setWordWrap(True)
        self.foot.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.title)
        column.addWidget(self.picture, 1)
        column.addWidget(self.foot)
        self.restyle()

    def restyle(self) -> None:
        self.title.setFont(theme.ui_font(11, 600))
        self.foot.setFont(theme.number_font(10))
        self.picture.update()

    def show_node(self, items: list[tuple[int, Histogram]], of: str, flat: bool) -> None:
        newest = items[-1][1]
        self.title.setText(newest.name)
        self.picture.show_items(items, "gradient" if of == "gradients" else "value", flat)
        self.foot.setText(told(newest))
        self.foot.setToolTip(exact(newest))


class HistogramsPanel(StudioPanel):
    """The nodes that are selected, else the parameters; `of` says whether of their values or of their
    gradients."""

    name = "histograms"
    probe = "histograms"
    empty = "How weights, activations or gradients are spread stands here, and how that moves in training."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Histograms | None = None
        self.past: dict[tuple[str, str], Past[Histogram]] = {}
        self.of, self.view = "values", "ridges"
        self._asked, self._node = "values", ""
        self.controls.add_choice("of", tr("Of what"), quiet=True)
        self.controls.add_choice("node", tr("Which node"), width=130, quiet=True)
        self.controls.add_choice("view", tr("How it is drawn"), quiet=True)
        words = [("values", tr("values")), ("gradients", tr("gradients"))]
        self.controls.show_choice("of", words, self.of)
        views = [("ridges", tr("ridges")), ("shades", tr("shades"))]
        self.controls.show_choice("view", views, self.view)
        self.controls.changed.connect(self._turned)
        self.row = QHBoxLayout()
        self.row.setSpacing(12)
        self.panes: list[Pane] = []
        self.column.addLayout(self.row, 1)
        session.selection_changed.join(self._selected)
        self.controls.hide()

    # ------------------------------------------------------------ the probe

    def options(self) -> dict[str, Any]:
        self._asked = self.of
        return {"nodes": whole(self.session, self.session.selection)[:NODES], "of": self.of}

    def take(self, result: Histograms, step: int) -> None:
        self.shown = result
        for part in result.parts:
            key = (self._asked, part.node)
            if self.studio is None or self.studio.past is None:
                self.past.setdefault(key, Past()).add(step, part)
        self._show()

    def forget(self) -> None:
        self.shown = None
        self.past.clear()
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        for pane in self.panes:
            pane.restyle()

    # ------------------------------------------------------------ showing

    def _turned(self, name: str, value: Any) -> None:
        if name == "of":
            self.of = str(value)
            self.ask_again()
        else:
            setattr(self, {"view": "view", "node": "_node"}[name], str(value))
            self._show()

    def _selected(self) -> None:
        if self.isVisible():
            self.ask_again()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        found = self.shown
        if found is None:
            return
        count = min(max(self.width() // WIDE, 1), len(found.parts))
        while len(self.panes) < count:
            self.panes.append(Pane())
            self.row.addWidget(self.panes[-1], 1)
        nodes = [part.node for part in found.parts]
        first = nodes.index(self._node) if self._node in nodes else 0
        parts = [*found.parts[first:], *found.parts[:first]]
        named = [(part.node, part.name) for part in found.parts] if count < len(nodes) else []
        self.controls.show_choice("node", named, nodes[first])
        self.controls.settle()
        looking_back = self.studio is not None and self.studio.past is not None
        for number, pane in enumerate(self.panes):
            pane.setVisible(number < count)
            pane.title.setVisible(count > 1 or not named)
            if number >= count:
                continue
            part = parts[number]
            past = self.past.get((self._asked, part.node))
            items = past.items if past is not None else []
            if looking_back or not items:
                at = self.studio.step if self.studio is not None else 0
                items = [*(item for item in items if item[0] < at), (at, part)]
            pane.show_node(items, self._asked, self.view == "shades")


def told(part: Histogram) -> str:
    """The newest numbers in short."""
    if math.isnan(part.low):
        return tr("no finite number")
    numbers = (theme.number_text(v, 3) for v in (part.mean, part.deviation, part.low, part.high))
    words = tr("average {mean}  sd {sd}  {low} … {high}  {zeros} % zeros")
    mean, deviation, low, high = numbers
    zeros = theme.number_text(100 * part.zeros, 3)
    text = words.format(mean=mean, sd=deviation, low=low, high=high, zeros=zeros)
    lost = tr("{count} not finite").format(count=f"{part.lost:,}")
    return f"{text}  {lost}" if part.lost else text


def exact(part: Histogram) -> str:
    """The same in full, one a line."""
    rows = (
        (tr("average"), part.mean), (tr("standard deviation, divided by n"), part.deviation),
        (tr("least"), part.low), (tr("largest"), part.high), (tr("share of zeros"), part.zeros),
    )  # fmt: skip
    lines = [f"{words}: {theme.exact_text(number)}" for words, number in rows]
    return "\n".join([*lines, tr("{count} entries").format(count=f"{part.size:,}")])

"""A box to choose one of the nodes looked at from; it is filled when it is about to be used."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QComboBox

from app.session import Session
from app.text import pretty_name, tr

MOST = 2_000
"""Of more nodes than these, the others are chosen on the canvas."""


class NodeBox(QComboBox):
    """Nodes with numbers that can have a gradient, in the order they are computed. `chosen` carries the
    id of the one that a person took."""

    chosen = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._nodes: list[tuple[str, str]] = []
        self.setPlaceholderText(tr("choose a node"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setMaxVisibleItems(16)
        self.activated.connect(self._activated)

    def show_node(self, step: str | None, name: str) -> None:
        """Shows the node that a step is of; a list that is open stays as it is."""
        if self.view().isVisible():
            return
        place = -1 if step is None else self.findData(step)
        if step is not None and (place < 0 or self.itemText(place) != name):
            self.clear()
            self._nodes = [(step, name)]
            self.addItem(name, step)
            place = 0
        self.setCurrentIndex(place)

    def showPopup(self) -> None:
        self._fill()
        super().showPopup()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._fill()  # the arrow keys go through them without opening the list
        super().focusInEvent(event)

    def _fill(self) -> None:
        graph, found, now = self.session.graph, self.session.evaluation, self.currentData()
        nodes = [
            (found.step_of(n), pretty_name(graph.name(n)))
            for n in graph.order()
            if n in found.specs and found.specs[n].kind == "float"
        ][:MOST]
        if now is not None and now not in (step for step, _ in nodes):
            nodes.insert(0, (now, self.currentText()))  # one that was kept, from elsewhere
        if nodes != self._nodes:
            self._nodes = nodes
            self.clear()
            for step, name in nodes:
                self.addItem(name, step)
            self.setCurrentIndex(self.findData(now) if now is not None else -1)

    def _activated(self, place: int) -> None:
        graph, found = self.session.graph, self.session.evaluation
        step = self.itemData(place)
        node_id = next((n for n in graph.nodes if found.step_of(n) == step), None)
        if node_id is not None:
            self.chosen.emit(node_id)

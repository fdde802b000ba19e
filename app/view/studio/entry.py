"""A box to choose one number of a parameter or an input: the node, and the index in it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from app.text import tr
from app.view import theme
from app.view.calm import CalmList
from app.view.panels.controls import Field
from app.view.studio.held import is_index
from engine.probes.planes import Entry


class EntryPick(QWidget):
    """A list of nodes and, for one with several numbers, a field for the index: `0, 3`."""

    chosen = Signal()

    def __init__(self, label: str) -> None:
        super().__init__()
        self.entry: Entry = ("", ())
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.nodes = CalmList()
        self.nodes.setFixedHeight(26)
        self.nodes.setToolTip(label)
        self.nodes.setAccessibleName(label)
        self.nodes.setMinimumContentsLength(3)
        self.nodes.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.nodes.activated.connect(self._node)
        self.index = Field()
        self.index.setFixedHeight(26)
        self.index.setFixedWidth(48)
        self.index.setFont(theme.number_font(11))
        self.index.setAccessibleName(f"{label}: {tr('which entry')}")
        self.index.committed.connect(self._indexed)
        self.nodes.setFixedWidth(76)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.nodes, 1)
        row.addWidget(self.index)

    def show_choices(
        self, names: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]], entry: Entry
    ) -> None:
        """What can be chosen, and what is."""
        self._shapes, self.entry = dict(shapes), entry
        known = [
            (self.nodes.itemData(i), self.nodes.itemText(i)) for i in range(self.nodes.count())
        ]
        if known != list(names.items()):
            self.nodes.clear()
            for node, name in names.items():
                self.nodes.addItem(name, node)
        self.nodes.setCurrentIndex(self.nodes.findData(entry[0]))
        shape = shapes[entry[0]]
        self.index.setVisible(bool(shape))
        if not self.index.hasFocus():
            self.index.show_text(", ".join(map(str, entry[1])))
        self.index.setToolTip(tr("Index into {shape}").format(shape=" × ".join(map(str, shape))))

    def _node(self) -> None:
        node = str(self.nodes.currentData())
        if node != self.entry[0]:
            self.entry = node, (0,) * len(self._shapes[node])
            self.chosen.emit()

    def _indexed(self, text: str) -> None:
        """An index that is none of the node's leaves the one before."""
        shape = self._shapes.get(self.entry[0], ())
        try:
            index = tuple(int(part) for part in text.replace(",", " ").split())
        except ValueError:
            index = ()
        if not is_index(index, shape):
            self.index.restore()
        elif index != self.entry[1]:
            self.entry = self.entry[0], index
            self.index.show_text(", ".join(map(str, index)))
            self.chosen.emit()

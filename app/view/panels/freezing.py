"""Which parameters a stage trains: a list to tick, those inside modules under their instance."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from engine.shapes import shape_text

MOST = 300
"""Parameters listed; of more, instances stand for what is inside."""
_ID = Qt.ItemDataRole.UserRole


class Freezing(QWidget):
    """`changed` carries the ids and paths that stay as they are."""

    changed = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.frozen: tuple[str, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        label = QLabel(tr("trains (unticked ones are frozen)"))
        label.setProperty("role", "muted")
        label.setFont(theme.ui_font(11))
        column.addWidget(label)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Parameters that this stage trains"))
        self.list.setFixedHeight(128)
        self.list.itemChanged.connect(self._ticked)
        column.addWidget(self.list)
        self._rows: list[tuple[str, str]] = []

    def show_frozen(self, frozen: tuple[str, ...]) -> None:
        self.frozen = frozen
        rows = self._parameters()
        self.list.blockSignals(True)
        if rows != self._rows:
            self._rows = rows
            self.list.clear()
            for path, words in rows:
                item = QListWidgetItem(words, self.list)
                item.setData(_ID, path)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        for place in range(self.list.count()):
            item = self.list.item(place)
            path = str(item.data(_ID))
            parents = _parents(path)
            held = any(p in frozen for p in (*parents, path))
            item.setCheckState(Qt.CheckState.Unchecked if held else Qt.CheckState.Checked)
            under = any(p in frozen for p in parents)
            enabled = Qt.ItemFlag.ItemIsEnabled
            item.setFlags(item.flags() & ~enabled if under else item.flags() | enabled)
        self.list.blockSignals(False)

    def _parameters(self) -> list[tuple[str, str]]:
        """Parameters that may train, as (id or path, words), in the order of the document."""
        graph, whole = self.session.root, self.session.whole
        inner = [
            path
            for path, start in whole.expansion.starts.items()
            if "." in path and start.trainable
        ]
        rows: list[tuple[str, str]] = []
        for node in graph.order():
            if graph.nodes[node].op == "parameter" and graph.nodes[node].options.get(
                "trainable", True
            ):
                tensor = graph.tensors.get(node)
                shape = (
                    f"   {shape_text(tensor.shape)}" if tensor is not None and tensor.shape else ""
                )
                rows.append((node, pretty_name(graph.name(node)) + shape))
            own = [p for p in inner if p.startswith(f"{node}.")]
            if own:
                rows.append((node, pretty_name(graph.name(node))))
                if len(inner) <= MOST:
                    names = whole.expansion.names
                    rows += [(p, "    " + pretty_name(names.get(p, p))) for p in own]
        return rows

    def _ticked(self, item: QListWidgetItem) -> None:
        path = str(item.data(_ID))
        left = [p for p in self.frozen if p != path and not p.startswith(f"{path}.")]
        if item.checkState() is Qt.CheckState.Unchecked:
            left.append(path)
        self.changed.emit(tuple(left))


def _parents(path: str) -> list[str]:
    """The instances that a path leads through, outermost first."""
    parts = path.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]

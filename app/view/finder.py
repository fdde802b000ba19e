"""A box that finds by typing: commands and operators (Ctrl+K), or operators at a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app import actions
from app.drawers import drawers
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.panels.palette import label_of
from engine.ops.row import Op

MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the box. `words` is searched beside the title; `note` stands at the right."""

    title: str
    note: str
    run: Callable[[], object]
    words: str = ""
    enabled: bool = True


def operator_entries(add: Callable[[str], object], session: Session | None = None) -> list[Entry]:
    """Everything in the palette as a line that adds it, the session's own included."""

    def entry(op: Op) -> Entry:
        words = " ".join([op.name, op.symbol, *op.aliases, *op.calls])
        return Entry(label_of(op), tr(op.category), lambda: add(op.name), words)

    own = drawers(session.modules, session.operators) if session is not None else drawers({})
    return [entry(op) for rows in own.values() for op in rows]


def action_entries(context: actions.Context) -> list[Entry]:
    """Every action as a line that runs it."""

    def entry(action: actions.Action) -> Entry:
        shortcut = action.shortcut.split(", ")[0]
        return Entry(
            tr(action.title), shortcut, lambda: action.run(context), tr(action.menu),
            action.enabled(context),
        )  # fmt: skip

    hidden = ("view.commands",)
    return [entry(action) for action in actions.ACTIONS if action.id not in hidden]


def rank(entry: Entry, query: str) -> float | None:
    """How well an entry fits what was typed; None when it does not."""
    if not query.strip():
        return 0.0
    title = actions.match(query, entry.title)
    wanted = query.strip().casefold()
    words = [w for w in entry.words.casefold().split() if w.startswith(wanted)]
    exact = 3.0 * len(wanted) * (wanted in entry.words.casefold().split())
    found = [s for s in (title, 2.0 * len(wanted) if words else None, exact or None) if s]
    return max(found) if found else None


class _Line(QStyledItemDelegate):
    """A title at the left, its note at the right edge and muted."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        note = index.data(Qt.ItemDataRole.UserRole)
        if note:
            painter.setPen(theme.current().muted)
            box = QRect(option.rect).adjusted(0, 0, -12, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, note)


class Finder(QFrame):
    """A small floating box. Escape closes it, Enter runs the chosen line."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(8)
        self.line = QLineEdit()
        self.line.setMinimumHeight(32)
        self.line.textChanged.connect(self._filter)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_Line(self.list))
        self.list.itemClicked.connect(self._clicked)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.hide()

    def ask(self, entries: Sequence[Entry], prompt: str, at: QPoint | None = None) -> None:
        """Shows the box in the middle of the window's upper part, or at a place in it."""
        self._entries = entries
        self.line.setPlaceholderText(prompt)
        self.line.setAccessibleName(prompt)
        self.line.setFont(theme.ui_font(13))
        self.line.clear()
        self._filter("")
        window = self.parentWidget()
        assert window is not None
        size = QSize(520, 420) if at is None else QSize(280, 320)
        size = size.boundedTo(window.size() - QSize(24, 24))
        place = at or QPoint((window.width() - size.width()) // 2, 84)
        place.setX(max(12, min(place.x(), window.width() - size.width() - 12)))
        place.setY(max(12, min(place.y(), window.height() - size.height() - 12)))
        self.setGeometry(place.x(), place.y(), size.width(), size.height())
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _filter(self, query: str) -> None:
        ranked = [
            (-score, number, entry)
            for number, entry in enumerate(self._entries)
            if (score := rank(entry, query)) is not None
        ]
        ranked.sort(key=lambda row: row[:2])
        self._shown = [entry for _, _, entry in ranked[:MAX_SHOWN]]
        self.list.clear()
        for entry in self._shown:
            item = QListWidgetItem()
            item.setText(entry.title)
            item.setData(Qt.ItemDataRole.UserRole, entry.note)
            if not entry.enabled:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            item.setSizeHint(QSize(100, 28))
            self.list.addItem(item)
        if not self._shown:
            nothing = QListWidgetItem(tr(f"Nothing is called “{query.strip()}”; try another word"))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(nothing)
        self._choose(0, 1)

    def _choose(self, row: int, step: int) -> None:
        """Moves the choice to the next line from `row` on that can be run."""
        count = len(self._shown)
        for offset in range(count):
            candidate = (row + step * offset) % count
            if self._shown[candidate].enabled:
                self.list.setCurrentRow(candidate)
                return

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is not self.line:
            return False
        if event.type() is QEvent.Type.FocusOut:
            self.hide()
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        key, row = event.key(), self.list.currentRow()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if key == Qt.Key.Key_Down else -1
            self._choose(row + step, step)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(row)
        elif key == Qt.Key.Key_Escape:
            self._close()
        else:
            return False
        return True

    def _clicked(self, item: QListWidgetItem) -> None:
        self._run(self.list.row(item))

    def _run(self, row: int) -> None:
        if 0 <= row < len(self._shown) and self._shown[row].enabled:
            entry = self._shown[row]
            self._close()
            entry.run()

    def _close(self) -> None:
        self.hide()
        window = self.parentWidget()
        if window is not None:
            window.setFocus(Qt.FocusReason.OtherFocusReason)

"""A box that finds by typing: commands, operators, modules, lessons, examples, formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app import actions
from app.matching import Hit, Rank, Words, label_of, ranked, words_of
from app.text import tr
from app.view import key_caps, settings, theme
from app.view.commands import Commands
from engine.ops.row import Op

MAX_SHOWN = 240
RECENT = 1e6
"""The weight of what was run lately; nothing else is so heavy."""
_ENTRY, _HIT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the box. `note` stands at the right; `words` are what it is found by, its title unless
    given; `weight` puts it before its equals. A `quiet` one is shown only when it is searched for.

    `aside` stands behind the title and `keys` at the right, as caps. What has a `name` is remembered
    when it is run.
    """

    title: str
    note: str
    run: Callable[[], object]
    words: Words | None = None
    enabled: bool = True
    weight: float = 0.0
    quiet: bool = False
    aside: str = ""
    keys: tuple[str, ...] = ()
    name: str = ""

    @property
    def found_by(self) -> Words:
        return self.words or Words(self.title, category=self.note)


def operator_entry(op: Op, add: Callable[[str], object], weight: float = 0.0) -> Entry:
    """An operator as a line that adds it."""
    return Entry(label_of(op), tr(op.category), lambda: add(op.name), words_of(op), weight=weight)


def action_entries(commands: Commands) -> list[Entry]:
    """Every action as a line that runs it; why one would do nothing now is said beside it."""

    def entry(action: actions.Action) -> Entry:
        menu, why = tr(action.menu), action.why_not(commands.context)
        title = commands.by_id[action.id].text()
        words = Words(title, category=f"{menu} {tr(action.submenu)}".strip(), about=tr(action.tip))
        return Entry(
            title, "", partial(commands.run, action.id), words, action.can(commands.context),
            aside=f"{menu} · {tr(why)}" if why else menu, keys=commands.keys.of(action.id)[:1],
            name=action.id,
        )  # fmt: skip

    hidden = ("view.commands",)
    return [entry(action) for action in actions.ACTIONS if action.id not in hidden]


def recent_first(entries: Iterable[Entry], names: Sequence[str]) -> list[Entry]:
    """The entries of those names before their equals, whatever is often used."""
    places = {name: len(names) - place for place, name in enumerate(names)}
    return [
        replace(entry, weight=RECENT + places[entry.name]) if entry.name in places else entry
        for entry in entries
    ]


def found(entries: Iterable[Entry], query: str) -> list[tuple[Entry, Hit]]:
    """The entries that fit what was typed, the best first; unasked, commands before operators."""
    searched = bool(query.strip())
    shown = [entry for entry in entries if searched or not entry.quiet]
    fitting = ranked(query, shown, lambda e: e.found_by, lambda e: e.weight)
    return fitting if searched else sorted(fitting, key=lambda line: not line[0].name)


class _Line(QStyledItemDelegate):
    """A title with the letters that fit marked, the alias that did, the note at the right edge."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        fitting, entry, title = index.data(_HIT), index.data(_ENTRY), index.data()
        blank = QStyleOptionViewItem(option)
        self.initStyleOption(blank, index)
        blank.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, blank, painter, option.widget)
        tokens, enabled = theme.current(), bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
        box = QRect(option.rect).adjusted(12, 0, -12, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        plain, strong = theme.ui_font(13), theme.ui_font(13, 600)
        painter.save()
        right = box.right()
        if entry is not None and entry.keys:
            end = QPointF(box.right(), box.center().y() + 0.5)
            right = int(key_caps.draw(painter, end, entry.keys, muted=not enabled)) - 12
        elif entry is not None and entry.note:
            painter.setFont(theme.ui_font(12))
            painter.setPen(tokens.muted)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, entry.note)
            right -= painter.fontMetrics().horizontalAdvance(entry.note) + 12
        for letters, marked in _runs(title, fitting.letters if fitting else ()):
            painter.setFont(strong if marked else plain)
            painter.setPen(tokens.accent if marked else tokens.text if enabled else tokens.muted)
            box.setRight(right)
            width = painter.fontMetrics().horizontalAdvance(letters)
            if width > box.width():
                letters = painter.fontMetrics().elidedText(
                    letters, Qt.TextElideMode.ElideRight, box.width()
                )
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | middle, letters)
            box.setLeft(box.left() + width)
        alias = fitting.alias if fitting and fitting.alias not in title else ""
        aside = alias or (entry.aside if entry is not None else "")
        painter.setFont(theme.ui_font(12 if alias else 11))
        painter.setPen(tokens.muted)
        painter.drawText(box.adjusted(10, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | middle, aside)
        painter.restore()


def _runs(title: str, letters: Sequence[int]) -> list[tuple[str, bool]]:
    """A title in pieces that are marked or not."""
    marked = set(letters)
    pieces = groupby(enumerate(title), key=lambda place: place[0] in marked)
    return [("".join(letter for _, letter in run), on) for on, run in pieces]


class Finder(QFrame):
    """A small floating box. Escape closes it, Enter runs the chosen line."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        self._made_of: Callable[[str], Entry | None] | None = None
        self._nothing = ""
        self._before: QWidget | None = None
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

    def ask(
        self,
        entries: Sequence[Entry],
        prompt: str,
        at: QPoint | None = None,
        typed: str = "",
        nothing: str = "",
        made_of: Callable[[str], Entry | None] | None = None,
    ) -> None:
        """Shows the box in the middle of the window's upper part, or at a place in it.

        `typed` stands in it from the start; `nothing` is said before what was typed where nothing
        fits; `made_of` may make an entry of what was typed itself.
        """
        self._entries, self._made_of = entries, made_of
        self._nothing = nothing or tr("Nothing is called")
        self._before = QApplication.focusWidget()
        self.line.setPlaceholderText(prompt)
        self.line.setAccessibleName(prompt)
        self.line.setFont(theme.ui_font(13))
        self.line.setText(typed)
        self._filter(typed)
        window = self.parentWidget()
        assert window is not None
        size = QSize(520, 420) if at is None else QSize(320, 340)
        size = size.boundedTo(window.size() - QSize(24, 24))
        place = at or QPoint((window.width() - size.width()) // 2, 84)
        place.setX(max(12, min(place.x(), window.width() - size.width() - 12)))
        place.setY(max(12, min(place.y(), window.height() - size.height() - 12)))
        self.setGeometry(place.x(), place.y(), size.width(), size.height())
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _filter(self, query: str) -> None:
        lines = found(self._entries, query)
        made = self._made_of(query) if self._made_of is not None else None
        if made is not None:
            exact = bool(lines) and (
                lines[0][1].rank >= Rank.ALIAS
                or lines[0][0].title.casefold().startswith(query.strip().casefold())
            )
            lines.insert(1 if exact else 0, (made, Hit(Rank.NOT)))
        lines = lines[:MAX_SHOWN] if query.strip() else lines
        self._shown = [entry for entry, _ in lines]
        self.list.clear()
        for entry, fitting in lines:
            item = QListWidgetItem()
            item.setText(entry.title)
            item.setData(_ENTRY, entry)
            item.setData(_HIT, fitting)
            if not entry.enabled:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            item.setSizeHint(QSize(100, 28))
            self.list.addItem(item)
        if not self._shown:
            said = f"{self._nothing} “{query.strip()}”; {tr('try another word')}"
            nothing = QListWidgetItem(said)
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
        if isinstance(event, QFocusEvent) and event.lostFocus():
            # Hidden under another window, it would have that one hand the keyboard to anything.
            away = event.reason() is Qt.FocusReason.ActiveWindowFocusReason
            (self._close if away else self.hide)()
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
            if entry.name:
                settings.remember_command(entry.name)
            entry.run()

    def _close(self) -> None:
        """Hides the box; the keyboard goes back to where it was."""
        self.hide()
        before, self._before = self._before, None
        there = before is not None and isValid(before) and before.isVisible()
        back = before if there else self.parentWidget()
        if back is not None:
            back.setFocus(Qt.FocusReason.OtherFocusReason)

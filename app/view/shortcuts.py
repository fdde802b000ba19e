"""The page of keyboard shortcuts: every action and its keys, found by typing, changed by pressing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import actions
from app.actions.gestures import FIXED, HOW, How
from app.actions.keys import Keys, fixed
from app.text import tr
from app.view import key_caps, theme
from app.view.key_field import KeyField

_Index = QModelIndex | QPersistentModelIndex
_Row = str | actions.Action | How
ROW_ROLE = Qt.ItemDataRole.UserRole
FIELDS = 2
"""How many keys of an action the page edits."""


def sections() -> dict[str, list[_Row]]:
    """What the page lists under which title: actions by menu, then what cannot be changed."""
    listed: dict[str, list[_Row]] = {m: [*actions.in_menu(m)] for m in actions.MENUS}
    return {**listed, "Mouse on the canvas": [*HOW.values()], "Fixed keys of the canvas": [*FIXED]}


class Model(QAbstractListModel):
    """Titles of sections, actions and gestures, as far as they fit what was typed."""

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self.keys = keys
        self.rows: list[_Row] = []
        self.filter("")

    def filter(self, query: str) -> None:
        self.beginResetModel()
        self.rows = []
        for title, listed in sections().items():
            found = [row for row in listed if self._fits(row, title, query)]
            self.rows += [tr(title), *found] if found else []
        self.endResetModel()

    def _fits(self, row: _Row, title: str, query: str) -> bool:
        if isinstance(row, actions.Action):
            words = (
                f"{tr(row.title)} {tr(row.submenu)} {tr(row.tip)} {' '.join(self.keys.of(row.id))}"
            )
        else:
            words = " ".join(row)
        words = f"{words} {tr(title)}".casefold()
        return all(word in words for word in query.casefold().split())

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.ToolTipRole:
            return tr(row.tip) if isinstance(row, actions.Action) and row.tip else None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        if isinstance(row, actions.Action):
            keys = key_caps.spoken(self.keys.of(row.id))
            return f"{tr(row.title)}: {keys}" if keys else tr(row.title)
        return row if isinstance(row, str) else f"{tr(row.what)}: {tr(row.how)}"

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], actions.Action):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.ItemIsEnabled if index.isValid() else Qt.ItemFlag.NoItemFlags


class _Lines(QStyledItemDelegate):
    """A title at the left, its keys as caps at the right; a dot where a person changed them."""

    def __init__(self, keys: Keys, parent: QObject) -> None:
        super().__init__(parent)
        self.keys = keys

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, 38 if isinstance(index.data(ROW_ROLE), str) else 30)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row, tokens, box = index.data(ROW_ROLE), theme.current(), QRectF(option.rect)
        text = box.adjusted(14, 0, -12, 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.ui_font(12))
        painter.setPen(tokens.text)
        if isinstance(row, str):
            painter.setFont(theme.ui_font(11, 600))
            painter.setPen(tokens.muted)
            painter.drawText(text.adjusted(0, 12, 0, 0), left, row)
        elif isinstance(row, How):
            painter.drawText(text, left, tr(row.what))
            painter.setPen(tokens.muted)
            painter.drawText(
                text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tr(row.how)
            )
        else:
            self._action(painter, option, row, text)
        painter.restore()

    def _action(
        self, painter: QPainter, option: QStyleOptionViewItem, row: actions.Action, text: QRectF
    ) -> None:
        tokens = theme.current()
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(
                theme.blend(tokens.panel, tokens.accent, 0.22) if chosen else tokens.press
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(option.rect).adjusted(2, 1, -2, -1), 6, 6)
            painter.setPen(tokens.text)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        used = painter.boundingRect(text, left, tr(row.title))
        painter.drawText(text, left, tr(row.title))
        if row.submenu:
            painter.setPen(tokens.muted)
            painter.drawText(text.adjusted(used.width() + 8, 0, 0, 0), left, tr(row.submenu))
        end = QPointF(text.right(), text.center().y())
        begin = key_caps.draw(painter, end, self.keys.of(row.id))
        if self.keys.is_changed(row.id):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.accent)
            painter.drawEllipse(QPointF(begin - 10, end.y()), 3, 3)


class Shortcuts(QDialog):
    """Every change is in effect at once; closing is all there is to do in the end."""

    def __init__(self, keys: Keys, parent: QWidget) -> None:
        super().__init__(parent)
        self.keys = keys
        self._offer: Callable[[], None] | None = None
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.setModal(False)
        self.resize(720, 700)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search by name, menu or key"))
        self.search.setAccessibleName(tr("Search shortcuts"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(32)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.reset_all = QPushButton(tr("Reset all"))
        self.reset_all.setAutoDefault(False)
        self.reset_all.setMinimumHeight(32)
        self.reset_all.setToolTip(tr("Gives every action the keys it came with"))
        self.reset_all.clicked.connect(self._reset_all)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.search, 1)
        top.addWidget(self.reset_all)
        self.model = Model(keys)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(_Lines(keys, self.list))
        self.list.setAccessibleName(tr("Actions and their keys"))
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.doubleClicked.connect(self._edit)
        self.list.installEventFilter(self)
        self.list.selectionModel().currentChanged.connect(self._turned)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._foot())
        keys.changed.join(self._refresh)
        self._filter("")

    def _foot(self) -> QWidget:
        """What is chosen, its keys to press anew, and what became of it."""
        foot = QFrame()
        foot.setProperty("role", "bar")
        column = QVBoxLayout(foot)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.title.setFont(theme.ui_font(13, 600))
        self.fields: list[KeyField] = []
        self.removals: list[QToolButton] = []
        row = QHBoxLayout()
        row.setSpacing(6)
        for number in range(FIELDS):
            name = tr("Key") if not number else tr("Second key")
            field, removal = KeyField(name), QToolButton()
            field.setObjectName(str(number))
            field.taken.connect(self._taken)
            removal.setText("×")
            removal.setProperty("flat", True)
            removal.setObjectName(str(number))
            removal.setFixedSize(24, 24)
            removal.setToolTip(tr("Remove this key"))
            removal.setAccessibleName(f"{tr('Remove')} {name}")
            removal.clicked.connect(self._remove)
            self.fields.append(field)
            self.removals.append(removal)
            row.addWidget(field)
            row.addWidget(removal)
            row.addSpacing(10)
        row.addStretch(1)
        self.reset = QPushButton(tr("Reset"))
        self.reset.setAutoDefault(False)
        self.reset.clicked.connect(self._reset)
        row.addWidget(self.reset)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.offer = QPushButton()
        self.offer.setAutoDefault(False)
        self.offer.clicked.connect(self._accept_offer)
        told = QHBoxLayout()
        told.addWidget(self.message, 1)
        told.addWidget(self.offer, 0, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.title)
        column.addLayout(row)
        column.addLayout(told)
        return foot

    # ------------------------------------------------------------ showing

    @property
    def chosen(self) -> actions.Action | None:
        row = (
            self.list.currentIndex().data(ROW_ROLE) if self.list.currentIndex().isValid() else None
        )
        return row if isinstance(row, actions.Action) else None

    def choose(self, action_id: str) -> None:
        """Selects an action that is listed."""
        for number, row in enumerate(self.model.rows):
            if isinstance(row, actions.Action) and row.id == action_id:
                self.list.setCurrentIndex(self.model.index(number))
                self.list.scrollTo(self.model.index(number))

    def _filter(self, query: str) -> None:
        self.model.filter(query)
        first = next((r for r in self.model.rows if isinstance(r, actions.Action)), None)
        if first is not None:
            self.choose(first.id)
        else:
            self._turned()
        self.list.scrollToTop()

    def _turned(self) -> None:
        """Another action is chosen."""
        self._say("")
        self._refresh()

    def _refresh(self) -> None:
        action = self.chosen
        keys = self.keys.of(action.id) if action else ()
        listed = any(isinstance(row, actions.Action) for row in self.model.rows)
        nothing = tr("Nothing is called that; search by name, menu or key")
        self.title.setText(
            tr(action.title) if action else nothing if not self.model.rows else
            tr("The mouse and these keys stay as they are") if not listed else ""
        )  # fmt: skip
        for number, (field, removal) in enumerate(zip(self.fields, self.removals, strict=True)):
            field.show_key(keys[number] if number < len(keys) else "")
            field.setEnabled(action is not None and number <= len(keys))
            removal.setVisible(number < len(keys))
        self.reset.setEnabled(action is not None and self.keys.is_changed(action.id))
        self.reset_all.setEnabled(bool(self.keys.changes))
        self.list.viewport().update()

    def _say(self, text: str, offer: str = "", do: Callable[[], None] | None = None) -> None:
        """One sentence under the keys, with what can be done about it."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self._offer = do
        self.offer.setText(offer)
        self.offer.setVisible(do is not None)

    # ------------------------------------------------------------ changing

    def _edit(self) -> None:
        if self.chosen is not None:
            self._say("")
            self.fields[0].wait()

    def _taken(self, key: str) -> None:
        """Keys were pressed for the chosen action: given, or said whose they are."""
        action, number = self.chosen, int(self.sender().objectName())
        if action is None:
            return
        how, owner = fixed(key), self.keys.owner(key)
        if how is not None:
            self._say(tr(f"{key} belongs to the canvas ({how.what.lower()}); press another key."))
        elif owner is not None and owner.id != action.id:
            self._say(
                tr(f"{key} is the key of “{owner.title}” ({owner.menu})."), tr("Take it over"),
                lambda: self._give(action, number, key),
            )  # fmt: skip
            self.offer.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._give(action, number, key)

    def _give(self, action: actions.Action, number: int, key: str) -> None:
        owner = self.keys.owner(key)
        keys = list(self.keys.of(action.id))
        keys[number : number + 1] = [key]
        self.keys.give(action.id, keys)
        said = f"{key} is a key of “{action.title}” now"
        if owner is not None and owner.id != action.id:
            left = self.keys.of(owner.id)
            rest = f"still has {key_caps.spoken(left)}" if left else "has no key"
            said = f"{said}; “{owner.title}” {rest}"
        self._say(tr(f"{said}."))
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _remove(self) -> None:
        action, number = self.chosen, int(self.sender().objectName())
        if action is not None:
            keys = list(self.keys.of(action.id))
            del keys[number]
            self.keys.give(action.id, keys)
            self._say("")

    def _reset(self) -> None:
        if self.chosen is not None:
            self.keys.reset(self.chosen.id)
            self._say("")

    def _reset_all(self) -> None:
        before = self.keys.changes
        self.keys.load({})
        self._say(
            tr("Every action has the keys it came with."), tr("Put mine back"),
            lambda: self.keys.load(before),
        )  # fmt: skip

    def _accept_offer(self) -> None:
        offer = self._offer
        self._say("")
        if offer is not None:
            offer()

    # ------------------------------------------------------------ keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the search go through the list; Enter changes the key."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._edit()
            return True
        if watched is self.search and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(1 if event.key() == Qt.Key.Key_Down else -1)
            return True
        return False

    def _step(self, step: int) -> None:
        rows, at = self.model.rows, self.list.currentIndex().row() + step
        while 0 <= at < len(rows) and not isinstance(rows[at], actions.Action):
            at += step
        if 0 <= at < len(rows):
            self.list.setCurrentIndex(self.model.index(at))

    def open_at(self, action_id: str = "") -> None:
        """Shows the page, everything listed."""
        self.search.clear()
        if action_id:
            self.choose(action_id)
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

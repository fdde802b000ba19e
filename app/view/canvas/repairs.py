"""What would mend a misfit, as a short list at the port, for the mouse and for the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.text import sentence, tr
from app.view.canvas.ghost import result_words
from app.view.theme import Theme, number_font, ui_font
from engine.mending import Repair

_EDGE = 12
_ROW = 30
_NARROWEST, _WIDEST = 288, 420
_RESULT, _BREAKS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A line: what it is called, what the node becomes, and what would fail behind it."""

    title: str
    run: Callable[[], object]
    result: str = ""
    breaks: str = ""


def choice(repair: Repair, run: Callable[[], object]) -> Choice:
    """A repair as a line."""
    breaks = "; ".join(repair.fit.broken.values())
    return Choice(tr(repair.title), run, f"→ {result_words(repair.fit)}", breaks)


class Repairs(QFrame):
    """Up and Down choose, Enter does it, Esc and a press elsewhere leave everything as it was."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("repairs")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._choices: Sequence[Choice] = ()
        self._over: Callable[[], object] | None = None
        self._title = QLabel()
        self._title.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Repairs"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Line(self.list))
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.installEventFilter(self)
        self.list.itemClicked.connect(self._clicked)
        self.list.itemEntered.connect(self.list.setCurrentItem)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 8, 6, 6)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self.list)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        self._title.setFont(ui_font(12))
        self._title.setStyleSheet(f"color: {theme.error.name()}; padding: 0 6px;")
        self.setStyleSheet(
            f"#repairs {{ background: {theme.panel.name()}; border: 1px solid {theme.border.name()};"
            f" border-radius: 8px; }}"
        )
        delegate = self.list.itemDelegate()
        assert isinstance(delegate, _Line)
        delegate.theme = theme

    def ask(
        self,
        fault: str,
        choices: Sequence[Choice],
        at: QPoint,
        over: Callable[[], object] | None = None,
    ) -> None:
        """Shows the choices under a place of the canvas; `over` is called when the list closes."""
        self.close_list()
        self._choices, self._over = choices, over
        self._title.setText(f"⚠ {sentence(fault)}")
        self.list.clear()
        words, numbers = self.list.fontMetrics(), number_font(12)
        width = _NARROWEST
        for known in choices:
            item = QListWidgetItem(known.title)
            item.setData(_RESULT, known.result)
            item.setData(_BREAKS, known.breaks)
            item.setSizeHint(QSize(100, _ROW))
            item.setToolTip(known.breaks and f"{tr('Behind it')}: {known.breaks}")
            self.list.addItem(item)
            width = max(
                width,
                words.horizontalAdvance(known.title) + len(known.result) * numbers.pixelSize() + 64,
            )
        width = min(width, _WIDEST)
        self.list.setFixedHeight(_ROW * len(choices) + 2)
        self.setFixedWidth(width)
        self._title.setFixedWidth(width - 12)
        self.setFixedHeight(self._title.heightForWidth(width - 12) + self.list.height() + 22)
        parent = self.parentWidget()
        assert parent is not None
        self.move(
            max(_EDGE, min(at.x(), parent.width() - self.width() - _EDGE)),
            max(_EDGE, min(at.y(), parent.height() - self.height() - _EDGE)),
        )
        self.list.setCurrentRow(0)
        self.show()
        self.raise_()
        self.list.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def titles(self) -> list[str]:
        """What can be chosen now."""
        return [] if self.isHidden() else [c.title for c in self._choices]

    def close_list(self) -> None:
        """Closes without doing anything."""
        if self.isHidden():
            return
        over, self._over, self._choices = self._over, None, ()
        parent = self.parentWidget()
        if self.list.hasFocus() and parent is not None:
            # First, or hiding would move it on like Tab, which selects the next node.
            parent.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()
        if over is not None:
            over()

    def _clicked(self, item: QListWidgetItem) -> None:
        self._run(self.list.row(item))

    def _run(self, row: int) -> None:
        if 0 <= row < len(self._choices):
            chosen = self._choices[row]
            self.close_list()
            chosen.run()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is not self.list:
            return False
        if isinstance(event, QFocusEvent):
            elsewhere = event.reason() != Qt.FocusReason.ActiveWindowFocusReason
            if event.lostFocus() and elsewhere:
                self.close_list()
            return False
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # keys typed here choose; they are no shortcuts of the window
            return True
        if event.type() != QEvent.Type.KeyPress:
            return False
        key, row, count = event.key(), self.list.currentRow(), len(self._choices)
        if key == Qt.Key.Key_Escape:
            self.close_list()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(row)
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.list.setCurrentRow((row + (1 if key == Qt.Key.Key_Down else -1)) % count)
        return True


class _Line(QStyledItemDelegate):
    """A title, what comes of it at the right edge, and a warning where a node behind would fail."""

    theme: Theme | None = None

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        blank = QStyleOptionViewItem(option)
        self.initStyleOption(blank, index)
        blank.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, blank, painter, option.widget)
        theme = self.theme
        assert theme is not None
        box = QRect(option.rect).adjusted(10, 0, -10, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.save()
        painter.setFont(number_font(12, 600))
        if index.row() and not index.data(_RESULT):
            painter.setPen(theme.hairline)  # what mends stands above
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
        breaks = bool(index.data(_BREAKS))
        painter.setPen(theme.warning if breaks else theme.value)
        result = f"⚠ {index.data(_RESULT)}" if breaks else index.data(_RESULT)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, result)
        box.setRight(box.right() - painter.fontMetrics().horizontalAdvance(result) - 12)
        painter.setFont(ui_font(13))
        painter.setPen(theme.text)
        title = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideRight, box.width()
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | middle, title)
        painter.restore()

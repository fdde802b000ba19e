"""The panel "Runs": the document's runs as a table, with what can be done to one and how two differ."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QIcon,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
)

from app import runs
from app.runs import Entry
from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.studio.legend import run_colours
from app.view.studio.panel import StudioPanel
from app.view.viewers.controls import HEIGHT
from engine.files import FileError

if TYPE_CHECKING:
    from app.view.travel import Travel

NAME, LOSS, BEST, STATE, STEPS, OPTIMIZER, RATE, TIME = range(8)
_TITLES = ("run", "loss", "best", "state", "steps", "optimizer", "rate", "time")
_TIPS = {
    LOSS: tr("The loss of the last step"),
    BEST: tr("The least loss over the rows held out, over the training rows when none are"),
    RATE: tr("The learning rate that the first stage begins with"),
}
_FROM = {LOSS: 300, STEPS: 350, OPTIMIZER: 390, RATE: 450, TIME: 510}
"""From which width of the panel on a column is shown."""
_STATES = {
    "running": tr("running"), "paused": tr("paused"), "finished": tr("finished"),
    "stopped": tr("stopped"), "failed": tr("failed"), "interrupted": tr("cut off"),
}  # fmt: skip
ROW_HEIGHT = 26
SWATCH = 12


class _Table(QTableWidget):
    """Knows where it was pressed last, since a click tells its cell alone."""

    pressed_at = QPoint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed_at = event.position().toPoint()
        super().mousePressEvent(event)


class RunsPanel(StudioPanel):
    """A click on the mark before a name shows the run in the curves or hides it; two selected runs are
    compared in words below."""

    name = "runs"
    empty = "Every training of this document is a run; they stand here to be compared and taken up."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.travel: Travel | None = None
        self._filling = False
        self.controls.hide()
        self.table = _Table(0, len(_TITLES))
        self.table.setAccessibleName(tr("Runs"))
        self.table.setProperty("role", "figures")
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        trigger = QAbstractItemView.EditTrigger
        self.table.setEditTriggers(trigger.EditKeyPressed | trigger.DoubleClicked)
        self.table.setIconSize(QSize(SWATCH, SWATCH))
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(30)
        self.table.setHorizontalHeaderLabels([tr(title) for title in _TITLES])
        for column in range(len(_TITLES)):
            item = self.table.horizontalHeaderItem(column)
            assert item is not None
            item.setTextAlignment(_side(column))
            item.setToolTip(_TIPS.get(column, ""))
        self.table.itemSelectionChanged.connect(self._selected)
        self.table.cellClicked.connect(self._clicked)
        self.table.itemChanged.connect(self._renamed)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.button = QToolButton()
        self.button.setText(tr("Run ▾"))
        self.button.setFixedHeight(HEIGHT)
        self.button.setProperty("plain", True)
        self.button.setAccessibleName(tr("What to do with the selected run"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill)
        self.button.setMenu(self.menu)
        self.column.addWidget(self.table, 1)
        self.column.addWidget(self.words)
        self.column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.restyle()

    def sizeHint(self) -> QSize:
        return QSize(330, 260)

    def join(self, travel: Travel) -> None:
        self.travel = travel
        travel.listed.connect(self.refresh)
        travel.moved.connect(self._follow)
        self.refresh()

    def take(self, result: Any, step: int) -> None:
        """Nothing is asked: the runs are read from their folders."""

    def restyle(self) -> None:
        self.words.setFont(theme.ui_font(11))
        self.button.setFont(theme.ui_font(11))
        self.table.horizontalHeader().setFont(theme.ui_font(10))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # ------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Shows the runs as they stand, the selection kept."""
        if self.travel is None or not self.isVisible():
            return
        entries = self.travel.runs.entries
        if not entries:
            self.say(self.travel.runs.fault or tr(self.empty))
            return
        chosen = {e.number for e in self.selected}
        self._filling = True
        editing = self.table.state() == QAbstractItemView.State.EditingState
        if not editing:
            self.table.setRowCount(len(entries))
            for row, entry in enumerate(entries):
                for column in range(len(_TITLES)):
                    self._put(row, column, entry)
        self._filling = False
        self.show_body()
        self._arrange()
        wanted = chosen or {self.travel.number or 0}
        if not editing and wanted != {e.number for e in self.selected}:
            self._filling = True
            self.table.clearSelection()
            flags = QItemSelectionModel.SelectionFlag
            for row, entry in enumerate(entries):
                if entry.number in wanted:
                    place = self.table.model().index(row, NAME)
                    self.table.selectionModel().select(place, flags.Select | flags.Rows)
            self._filling = False
        self._tell()

    def _put(self, row: int, column: int, entry: Entry) -> None:
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(_side(column))
            self.table.setItem(row, column, item)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if column == NAME else flags)
        item.setData(Qt.ItemDataRole.UserRole, entry.number)
        item.setFont(
            theme.ui_font(11) if column in (NAME, STATE, OPTIMIZER) else theme.number_font(11)
        )
        text, tip = self._text(column, entry)
        if item.text() != text:
            item.setText(text)
        item.setToolTip(tip)
        if column == NAME:
            item.setIcon(_mark(self._colour(entry) if entry.shown else None))
        if column == STATE:
            failed = entry.facts.state in ("failed", "interrupted")
            item.setForeground(theme.current().error if failed else theme.current().muted)

    def _colour(self, entry: Entry) -> QColor:
        colours = run_colours()
        return colours[entry.colour % len(colours)]

    def _text(self, column: int, entry: Entry) -> tuple[str, str]:
        facts = entry.facts
        stage = facts.recipe.stages[0]
        if column == NAME:
            tip = tr("Double-click to rename; click the mark to show or hide its curve")
            return entry.title + ("  ★" if entry.pinned else ""), tip
        if column == LOSS:
            return _number(facts.loss if facts.loss is not None else math.nan)
        if column == BEST:
            return _number(entry.best)
        if column == STATE:
            failed = facts.state in ("failed", "interrupted")
            return ("⚠ " if failed else "") + _STATES[facts.state], sentence(facts.reason)
        if column == STEPS:
            return f"{facts.step:,}", tr("epoch {epoch}").format(epoch=facts.epoch)
        if column == OPTIMIZER:
            return stage.optimizer, ""
        if column == RATE:
            return f"{stage.learning_rate:g}", ""
        return _duration(entry.seconds), ""

    def _arrange(self) -> None:
        header = self.table.horizontalHeader()
        for column, width in _FROM.items():
            self.table.setColumnHidden(column, self.width() < width)
        for column in range(len(_TITLES)):
            stretch = column == NAME
            mode = (
                QHeaderView.ResizeMode.Stretch
                if stretch
                else QHeaderView.ResizeMode.ResizeToContents
            )
            if header.sectionResizeMode(column) != mode:
                header.setSectionResizeMode(column, mode)

    @property
    def selected(self) -> list[Entry]:
        """The selected runs, in the order of the table."""
        if self.travel is None:
            return []
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        found = [self.travel.runs.of(self._number_of(row)) for row in rows]
        return [entry for entry in found if entry is not None]

    def _number_of(self, row: int) -> int:
        item = self.table.item(row, NAME)
        return int(item.data(Qt.ItemDataRole.UserRole)) if item is not None else -1

    def _selected(self) -> None:
        if self._filling or self.travel is None:
            return
        chosen = self.selected
        if len(chosen) == 1 and chosen[0].number != self.travel.number:
            self.travel.choose(chosen[0].number)
        self._tell()

    def _follow(self) -> None:
        """The run whose moments are looked at is the selected one."""
        number = self.travel.number if self.travel is not None else None
        chosen = self.selected
        if number is not None and len(chosen) == 1 and chosen[0].number != number:
            self._filling = True
            self.table.selectRow(self._row_of(number))
            self._filling = False
            self._tell()

    def _tell(self) -> None:
        """What there is to say of the selected run, or of two."""
        chosen = self.selected
        self.button.setEnabled(bool(chosen))
        if len(chosen) == 2:
            self.words.setText(self.compared(chosen[1], chosen[0]))
        else:
            self.words.setText(self._story(chosen[0]) if len(chosen) == 1 else "")

    def _story(self, entry: Entry) -> str:
        """Where a run comes from and what ended it; how to compare."""
        facts = entry.facts
        said = []
        if facts.parent is not None:
            words = tr("Forked from run {run} at step {step}.")
            said.append(words.format(run=facts.parent[0], step=f"{facts.parent[1]:,}"))
        if facts.reason:
            said.append(sentence(facts.reason))
        if self.travel is not None and len(self.travel.runs.entries) > 1 and not said:
            said.append(tr("Select a second run with Ctrl to see how they differ."))
        return " ".join(said)

    def compared(self, one: Entry, other: Entry) -> str:
        """How two runs differ, in words."""
        graph = self.session.root

        def name(node: str) -> str:
            return graph.name(node) if node in graph.nodes else node

        lines = [
            tr("{what}: {first} → {second}").format(what=what, first=first, second=second)
            for what, first, second in runs.differences(one.facts.recipe, other.facts.recipe, name)
        ]
        if one.facts.document != other.facts.document:
            try:
                lines += runs.changes(one.run.document(), other.run.document())
            except FileError as error:
                lines.append(str(error))
        head = tr("{first} → {second}").format(first=one.title, second=other.title)
        if not lines:
            lines = [tr("the same recipe and the same document; only where they start may differ")]
        return "\n".join([head, *(f"· {line}" for line in lines[:8])])

    # ------------------------------------------------------------ doing

    def _clicked(self, row: int, column: int) -> None:
        """A click on the mark shows or hides."""
        box = self.table.visualRect(self.table.model().index(row, NAME))
        on_mark = 0 <= self.table.pressed_at.x() - box.left() <= SWATCH + 12
        entry = self.travel.runs.of(self._number_of(row)) if self.travel is not None else None
        if column == NAME and on_mark and self.travel is not None and entry is not None:
            self.travel.runs.show(entry.number, not entry.shown)

    def _rename(self, row: int) -> None:
        item = self.table.item(row, NAME)
        if item is not None:
            self.table.editItem(item)

    def _renamed(self, item: QTableWidgetItem) -> None:
        if self._filling or self.travel is None or item.column() != NAME:
            return
        entry = self.travel.runs.of(int(item.data(Qt.ItemDataRole.UserRole)))
        if entry is not None:
            text = item.text().removesuffix("★").strip()
            text = "" if text == f"run {entry.number}" else text
            self.travel.change(partial(self.travel.runs.rename, entry.number, text))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.selected:
            self.menu.popup(event.globalPos())

    def _fill(self) -> None:
        self.menu.clear()
        travel, chosen = self.travel, self.selected
        if travel is None or not chosen:
            return
        entry, number = chosen[0], chosen[0].number
        one = len(chosen) == 1
        shown = all(e.shown for e in chosen)
        words = tr("Hide in the curves") if shown else tr("Show in the curves")
        self.menu.addAction(words, partial(self._show_all, not shown))
        for title, do, fits in (
            (tr("Rename…"), partial(self._rename, self._row_of(number)), one),
            (tr("Unpin") if entry.pinned else tr("Pin"), partial(self._pin, number), one),
            ("", None, True),
            (tr("Take its parameters"), partial(travel.take_run, number), one),
            (tr("Open as a new document"), partial(travel.open_run, number), one),
            (tr("Go on from its checkpoint"), partial(travel.go_on, number), one),
            ("", None, True),
            (tr("Remove…"), self._remove, True),
        ):
            if do is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(title, do).setEnabled(fits)

    def _row_of(self, number: int) -> int:
        rows = range(self.table.rowCount())
        return next((row for row in rows if self._number_of(row) == number), 0)

    def _show_all(self, on: bool) -> None:
        assert self.travel is not None
        for entry in self.selected:
            self.travel.runs.show(entry.number, on)

    def _pin(self, number: int) -> None:
        assert self.travel is not None
        entry = self.travel.runs.of(number)
        if entry is not None:
            self.travel.change(partial(self.travel.runs.pin, number, not entry.pinned))

    def _remove(self) -> None:
        assert self.travel is not None
        for entry in self.selected:
            self.travel.remove_run(entry.number)


def _side(column: int) -> Qt.AlignmentFlag:
    left = column in (NAME, STATE, OPTIMIZER)
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _number(value: float) -> tuple[str, str]:
    if math.isnan(value):
        return "–", ""
    return theme.number_text(value), theme.exact_text(value)


def _duration(seconds: float) -> str:
    """A time of up to days in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s"


def _mark(colour: QColor | None) -> QIcon:
    """A filled disc in the run's colour, hollow while it is hidden."""
    pixmap = QPixmap(SWATCH * 2, SWATCH * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(colour or theme.current().muted)
    painter.setBrush(colour or Qt.BrushStyle.NoBrush)
    painter.drawEllipse(2, 2, SWATCH - 4, SWATCH - 4)
    painter.end()
    return QIcon(pixmap)

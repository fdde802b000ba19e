"""The results of a sweep as a table: sorted by any column, the best first, live."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QFontMetrics, QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app.text import sentence, tr
from app.view import theme
from engine.train.axes import Value, title, value_text
from engine.train.sweep import Sweep, Trial

_Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 24
MOST_SHOWN = 2000
"""Rows that are shown at most; what is not shown is told."""
_STATES = {"done": "done", "running": "running", "waiting": "waiting", "pruned": "given up",
           "diverged": "diverged", "failed": "failed", "stopped": "stopped"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column: its title, what it is sorted by, and what it shows."""

    title: str
    value: Callable[[Trial], Any]
    text: Callable[[Any], str]
    is_words: bool = False


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else theme.number_text(float(value))


def _told(value: Value | None) -> str:
    return "" if value is None else setting_text(value)


def setting_text(value: Value) -> str:
    """A setting, as short as it can be told exactly, else in four digits."""
    if isinstance(value, str):
        return value
    exact = value_text(value).replace("-", "−")
    return exact if len(exact) <= 7 else theme.number_text(float(value))


def _seconds(value: float) -> str:
    return f"{theme.number_text(value, 3)} s" if value else ""


def varied(trials: Sequence[Trial], sweep: Sweep | None) -> list[str]:
    """The settings that trials have: those the sweep names, then what came with them."""
    names = dict.fromkeys(axis.field for axis in sweep.axes) if sweep is not None else {}
    found = {name: None for trial in trials for name in trial.settings}
    return [name for name in {**names, **found} if name in found]


def columns(trials: Sequence[Trial], sweep: Sweep | None = None) -> list[Column]:
    """Number, what was varied, how it ended, steps, losses, further metrics and time."""
    names = varied(trials, sweep)
    held = any(trial.metrics.get("validation") for trial in trials)
    part = "validation" if held else "train"
    metrics = list(dict.fromkeys(n for t in trials for n in list(t.metrics.get(part, {}))[1:]))
    words = {n: any(isinstance(t.settings.get(n), str) for t in trials) for n in names}
    found = [Column("#", lambda t: t.number, str)]
    found += [Column(title(n), _setting(n), _told, words[n]) for n in names]
    found.append(Column(tr("Loss"), lambda t: t.loss, _number))
    if held:
        found.append(Column(tr("Held out"), lambda t: t.validation, _number))
    found += [Column(name, _metric(part, name), _number) for name in metrics]
    found.append(Column(tr("State"), lambda t: tr(_STATES[t.state]), str, True))
    found.append(Column(tr("Steps"), lambda t: t.steps, lambda n: f"{n:,}" if n else ""))
    found.append(Column(tr("Time"), lambda t: t.seconds, _seconds))
    return found


def _setting(name: str) -> Callable[[Trial], Any]:
    return lambda trial: trial.settings.get(name)


def _metric(part: str, name: str) -> Callable[[Trial], Any]:
    return lambda trial: trial.metrics.get(part, {}).get(name)


class TrialModel(QAbstractTableModel):
    """The trials that are let through, sorted; `column` None is the best first."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Trial] = []
        self.columns: list[Column] = columns(())
        self.column: str | None = None
        self.descending = False
        self.hot = self.best = -1
        self.left_out = 0
        self._all: list[Trial] = []
        self._keeps: Callable[[Trial], bool] | None = None

    def take(
        self,
        trials: Sequence[Trial],
        sweep: Sweep | None,
        best: int,
        keeps: Callable[[Trial], bool] | None,
    ) -> None:
        """Other trials, or the same with news; `keeps` lets some through."""
        self._all, self._keeps, self.best = list(trials), keeps, best
        told = columns(trials, sweep)
        same = [c.title for c in told] == [c.title for c in self.columns]
        rows = self._sorted(told)
        if same and len(rows) == len(self.rows):
            self.rows, self.columns = rows, told
            self._tell()
            return
        self.beginResetModel()
        self.rows, self.columns = rows, told
        self.endResetModel()

    def sort_by(self, place: int) -> None:
        """The smallest first; once more turns it round, and then it is the best first again."""
        chosen = self.columns[place].title
        if self.column != chosen:
            self.column, self.descending = chosen, False
        elif not self.descending:
            self.descending = True
        else:
            self.column = None
        self.rows = self._sorted(self.columns)
        self._tell()

    def point_at(self, number: int) -> None:
        before, self.hot = self.hot, number
        for row, trial in enumerate(self.rows):
            if trial.number in (before, number):
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def row_of(self, number: int) -> int:
        return next((i for i, trial in enumerate(self.rows) if trial.number == number), -1)

    def _sorted(self, columns: Sequence[Column]) -> list[Trial]:
        rows = [t for t in self._all if self._keeps is None or self._keeps(t)]
        rows.sort(key=lambda t: t.rank)
        column = next((c for c in columns if c.title == self.column), None)
        if column is not None:
            known = [(column.value(t), t) for t in rows]
            is_known = [v is not None and v == v for v, _ in known]
            with_value = [pair for pair, ok in zip(known, is_known, strict=True) if ok]
            without = [t for (_, t), ok in zip(known, is_known, strict=True) if not ok]
            words = any(isinstance(v, str) for v, _ in with_value)
            with_value.sort(
                key=lambda pair: str(pair[0]) if words else pair[0], reverse=self.descending
            )
            rows = [*(t for _, t in with_value), *without]
        self.left_out = max(len(rows) - MOST_SHOWN, 0)
        return rows[:MOST_SHOWN]

    def _tell(self) -> None:
        if self.rows:
            last = self.index(len(self.rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    # ------------------------------------------------------------ Qt's questions

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        trial, column = self.rows[index.row()], self.columns[index.column()]
        roles = Qt.ItemDataRole
        bad = trial.state in ("diverged", "failed") and column.title == tr("State")
        if role in (roles.DisplayRole, roles.AccessibleTextRole):
            return ("⚠ " if bad else "") + column.text(column.value(trial))
        if role == roles.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column.is_words else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == roles.FontRole:
            weight = 600 if trial.number == self.best else 400
            return theme.ui_font(11, weight) if column.is_words else theme.number_font(11, weight)
        if role == roles.ForegroundRole:
            tokens = theme.current()
            quiet = column.title == "#" or not trial.is_over
            return QBrush(tokens.error if bad else tokens.muted if quiet else tokens.text)
        if role == roles.BackgroundRole and trial.number == self.hot:
            return QBrush(theme.blend(theme.current().panel, theme.current().accent, 0.16))
        if role == roles.ToolTipRole:
            return self._tip(trial, column)
        return None

    def _tip(self, trial: Trial, column: Column) -> str:
        value = column.value(trial)
        exact = theme.exact_text(value) if isinstance(value, float) else ""
        return "\n".join(filter(None, (exact, sentence(trial.message) if trial.message else "")))

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            mark = (" ↓" if self.descending else " ↑") if column.title == self.column else ""
            return column.title + mark
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column.is_words else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole:
            return theme.ui_font(11)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(theme.current().muted)
        return None


class TrialTable(QTableView):
    """`pointed` tells the number of the trial under the pointer, -1 for none; `chosen` one that was
    double-clicked or entered; `selected` the one that is selected."""

    pointed = Signal(int)
    chosen = Signal(int)
    selected = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.trials = TrialModel()
        self.setModel(self.trials)
        self.setAccessibleName(tr("Results of the trials"))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(32)
        header.sectionClicked.connect(self._sort)
        self.doubleClicked.connect(self._choose)
        self.selectionModel().currentRowChanged.connect(self._current)
        self.trials.modelReset.connect(self.fit)

    def show_trials(
        self,
        trials: Sequence[Trial],
        sweep: Sweep | None,
        best: int,
        keeps: Callable[[Trial], bool] | None = None,
    ) -> None:
        """Other trials, or the same with news; the selected one stays."""
        number = self.number
        self.trials.take(trials, sweep, best, keeps)
        self.select(number)

    @property
    def number(self) -> int:
        """The selected trial, -1 for none."""
        row = self.currentIndex().row()
        return self.trials.rows[row].number if 0 <= row < len(self.trials.rows) else -1

    def select(self, number: int) -> None:
        row = self.trials.row_of(number)
        if row >= 0 and row != self.currentIndex().row():
            self.blockSignals(True)
            self.selectRow(row)
            self.blockSignals(False)

    def point_at(self, number: int) -> None:
        """Another trial is pointed at elsewhere; it comes into view."""
        self.trials.point_at(number)
        row = self.trials.row_of(number)
        if row >= 0 and not self.underMouse():
            self.scrollTo(self.trials.index(row, 0))

    def fit(self) -> None:
        """Columns as wide as what stands in the first rows."""
        heading = QFontMetrics(theme.ui_font(11))
        for place, column in enumerate(self.trials.columns):
            bold = theme.ui_font(11, 600) if column.is_words else theme.number_font(11, 600)
            texts = ["00", *(column.text(column.value(t)) for t in self.trials.rows[:40])]
            widths = [QFontMetrics(bold).horizontalAdvance(text) for text in (*texts, "−0.0001")]
            least = max(*widths, heading.horizontalAdvance(column.title + "  ↑")) + 28
            self.setColumnWidth(place, min(least if place else max(widths[:-1]) + 28, 200))

    def restyle(self) -> None:
        self.fit()
        self.viewport().update()

    def number_at(self, place: QPoint) -> int:
        """The trial of a row at a place of the viewport, -1 for none."""
        row = self.indexAt(place).row()
        return self.trials.rows[row].number if row >= 0 else -1

    def copy_csv(self) -> None:
        """All rows that are let through, numbers in full, onto the clipboard."""
        out = io.StringIO()
        lines = csv.writer(out)
        lines.writerow([column.title for column in self.trials.columns])
        for trial in self.trials.rows:
            values = [column.value(trial) for column in self.trials.columns]
            lines.writerow(["" if v is None or v != v else v for v in values])
        QGuiApplication.clipboard().setText(out.getvalue())

    def _sort(self, place: int) -> None:
        number = self.number
        self.trials.sort_by(place)
        self.select(number)

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.trials.rows[index.row()].number)

    def _current(self) -> None:
        self.selected.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        row = self.indexAt(event.position().toPoint()).row()
        number = self.trials.rows[row].number if row >= 0 else -1
        if number != self.trials.hot:
            self.trials.point_at(number)
            self.pointed.emit(number)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self.trials.hot >= 0:
            self.trials.point_at(-1)
            self.pointed.emit(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.number >= 0:
            self.chosen.emit(self.number)
            return
        super().keyPressEvent(event)

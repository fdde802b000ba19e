"""The settings of a data source as a form, read off its kind: choices, numbers, texts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QWidget

from app.text import tr
from app.view import theme
from app.view.calm import CalmList
from app.view.panels.controls import Field
from engine.data import COMMON, KINDS, Option, Preview
from engine.expression import number_text
from engine.graph import Source

RECORD: dict[str, tuple[Callable[[Source], Any], Callable[[Source, Any], Source]]] = {
    "target": (lambda s: s.target, lambda s, v: replace(s, target=v)),
    "validation": (lambda s: s.validation, lambda s, v: replace(s, validation=v)),
    "split_seed": (lambda s: s.seed, lambda s, v: replace(s, seed=v)),
    "shuffle": (lambda s: s.shuffle, lambda s, v: replace(s, shuffle=v)),
    "scaled": (lambda s: s.standardize, lambda s, v: replace(s, standardize=v)),
}
"""What a form reads and changes of the record itself, by its own names; the rest are options of the kind."""
_FIELDS = (
    Option("validation", 0.0, "Share of the rows held out, drawn by seed.", 0.0, 0.99),
    Option("split_seed", 0, "Draws which rows are held out.", 0, 2**53, True),
)
"""Numbers of the record itself; the kinds have seeds of their own."""
_TICKS = (
    ("scaled", "standardise", "Features less the training rows' mean, over their deviation"),
    ("shuffle", "shuffle", "Training rows in another order each epoch"),
)
_TARGET = "target"


def changed(source: Source, name: str, value: Any) -> Source:
    """A source with another value of what a form calls `name`; options at their default are left out."""
    if name in RECORD:
        return RECORD[name][1](source, value)
    option = next(o for o in (*KINDS[source.kind].options, *COMMON) if o.name == name)
    options = {k: v for k, v in source.options.items() if k != name}
    return replace(source, options=options if value == option.default else {**options, name: value})


class DataForm(QWidget):
    """`changed` carries (field of the source or option, value); `refused` a sentence."""

    changed = Signal(str, object)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.source = Source()
        self.controls: dict[str, QWidget] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._kind = ""

    def show_source(self, source: Source, found: Preview | None) -> None:
        """Shows a source as the document has it; `found` names its columns."""
        self.source = source
        columns = [c.name for c in found.columns] if found is not None else []
        if source.kind != self._kind:
            self._kind = source.kind
            self._build()
        for option in self._options():
            stored = (
                RECORD[option.name][0](source)
                if option in _FIELDS
                else source.options.get(option.name, option.default)
            )
            _show(self.controls[option.name], stored)
        for name, _, _ in _TICKS:
            box = self.controls[name]
            assert isinstance(box, QCheckBox)
            box.setChecked(bool(RECORD[name][0](source)))
        target = self.controls.get(_TARGET)
        if isinstance(target, QComboBox):
            listed = list(
                dict.fromkeys([source.target, *columns] if source.target else ["", *columns])
            )
            if [target.itemData(i) for i in range(target.count())] != listed:
                target.clear()
                for name in listed:
                    target.addItem(name or tr("last column"), name)
            target.setCurrentIndex(max(target.findData(source.target), 0))

    def _options(self) -> tuple[Option, ...]:
        kind = KINDS[self.source.kind]
        told = tuple(
            o for o in kind.options if o.name not in ("columns", "classes") or kind.name != "table"
        )
        return (*told, *COMMON, *_FIELDS)

    def _build(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        self.controls = {}
        place = 0
        if self.source.kind in ("csv", "parquet"):
            target = CalmList()
            target.activated.connect(self._picked)
            self._add(_TARGET, tr("target"), tr("The column to predict"), target, place)
            place += 1
        for option in self._options():
            widget: QWidget
            if option.choices:
                widget = CalmList()
                for choice in option.choices:
                    widget.addItem(tr(choice), choice)
                widget.activated.connect(self._picked)
            else:
                widget = Field()
                widget.committed.connect(self._typed)
            self._add(option.name, option.name.replace("_", " "), _doc(option), widget, place)
            place += 1
        row = 2 * ((place + 1) // 2)
        for column, (name, words, doc) in enumerate(_TICKS):
            box = QCheckBox(tr(words))
            box.setToolTip(tr(doc))
            box.setObjectName(name)
            box.clicked.connect(self._ticked)
            self.controls[name] = box
            self._grid.addWidget(box, row, column)

    def _add(self, name: str, title: str, doc: str, widget: QWidget, place: int) -> None:
        label = QLabel(title)
        label.setProperty("role", "muted")
        label.setFont(theme.ui_font(11))
        widget.setObjectName(name)
        widget.setToolTip(doc)
        widget.setAccessibleName(title)
        if isinstance(widget, QComboBox):
            widget.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            widget.setMinimumContentsLength(6)
        self.controls[name] = widget
        self._grid.addWidget(label, 2 * (place // 2), place % 2, Qt.AlignmentFlag.AlignBottom)
        self._grid.addWidget(widget, 2 * (place // 2) + 1, place % 2)

    # ------------------------------------------------------------ what a person does

    def _picked(self) -> None:
        box = self.sender()
        assert isinstance(box, QComboBox)
        self.changed.emit(box.objectName(), box.currentData())

    def _ticked(self, on: bool) -> None:
        self.changed.emit(self.sender().objectName(), on)

    def _typed(self, text: str) -> None:
        field = self.sender()
        assert isinstance(field, Field)
        option = next(o for o in self._options() if o.name == field.objectName())
        try:
            self.changed.emit(option.name, _read(option, text))
        except ValueError as error:
            self.refused.emit(str(error))
            field.restore()


def _show(widget: QWidget, value: float | str) -> None:
    if isinstance(widget, QComboBox):
        widget.setCurrentIndex(max(widget.findData(str(value)), 0))
    elif isinstance(widget, Field):
        widget.show_text(value if isinstance(value, str) else number_text(float(value)))


def _doc(option: Option) -> str:
    """What a setting is, with the numbers it can have."""
    if not (math.isfinite(option.low) and math.isfinite(option.high)):
        return tr(option.doc)
    low, high = number_text(float(option.low)), number_text(float(option.high))
    return f"{tr(option.doc)} {tr('From {low} to {high}.').format(low=low, high=high)}"


def _read(option: Option, text: str) -> Any:
    """The value that typed text means. Raises ValueError with a sentence."""
    if isinstance(option.default, str):
        return text.strip()
    title, words = option.name.replace("_", " "), text.strip().replace("−", "-")
    try:
        value = float(words)
    except ValueError:
        raise ValueError(f"{title} is a number, not {words!r}") from None
    if not option.low <= value <= option.high or (option.whole and value != round(value)):
        kind = "a whole number" if option.whole else "a number"
        low, high = number_text(float(option.low)), number_text(float(option.high))
        raise ValueError(f"{title} is {kind} from {low} to {high}, not {words}")
    return int(value) if option.whole else value

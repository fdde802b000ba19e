"""What a deed waits for, as a form: a goal, its settings read off its row, and what holds now to take."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import drawers
from app.actions import PANELS
from app.session import Session
from app.text import tr
from app.view.lessons.fields import Choice, Named, label
from app.view.panels.controls import Field
from engine.expression import number_text
from engine.teaching.goal import RELATIONS, Setting
from engine.teaching.goals import GOALS, Settings, Situation, Suggestion, problem, settled, suggest

_WORDS = {
    "train": tr("training rows"), "validation": tr("held-out rows"), "value": tr("value"),
    "gradient": tr("gradient"), **{sign: tr(words) for sign, words in RELATIONS.items()},
}  # fmt: skip


class GoalForm(QWidget):
    """`changed` carries the name of a goal and its settings."""

    changed = Signal(str, object)

    def __init__(self, session: Session, look: Callable[[], Situation]) -> None:
        super().__init__()
        self.session, self._look = session, look
        self.goal = ""
        self.settings: Mapping[str, float | str] = {}
        self.controls: dict[str, QWidget] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label(tr("Goes on when")))
        row = QHBoxLayout()
        row.setSpacing(8)
        self.choice = Choice(tr("Goal"), [(name, tr(row.title)) for name, row in GOALS.items()])
        self.choice.taken.connect(self._other)
        self.take = QPushButton(tr("Take what holds now"))
        self.take.setToolTip(
            tr("Do it once yourself; then the goal is chosen from what is so now.")
        )
        self.take.clicked.connect(self._offer)
        row.addWidget(self.choice, 1)
        column.addLayout(row)
        column.addWidget(self.take)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        column.addLayout(self._grid)
        self.wrong = QLabel()
        self.wrong.setWordWrap(True)
        self.wrong.setProperty("role", "warning")
        column.addWidget(self.wrong)
        self._offered: dict[str, Suggestion] = {}

    def show_goal(self, goal: str, settings: Settings) -> None:
        if goal != self.goal or not self.controls:
            self.goal = goal
            self._build()
        self.settings = dict(settings)
        self.choice.show_value(goal)
        given = settled(goal, settings) if goal in GOALS else {}
        for name, control in self.controls.items():
            value = given[name]
            if isinstance(control, Choice):
                control.show_value(value)
            elif isinstance(control, Named):
                control.show_text(str(value))
            elif isinstance(control, Field):
                control.show_text(value if isinstance(value, str) else number_text(float(value)))
        wrong = problem(goal, settings, self.session.root) if goal else tr("choose a goal")
        self.wrong.setText(wrong)
        self.wrong.setVisible(bool(wrong))

    def _build(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.controls = {}
        rows = GOALS[self.goal].settings if self.goal in GOALS else ()
        for place, setting in enumerate(rows):
            control = self._control(setting)
            control.setToolTip(tr(setting.doc))
            control.setProperty("setting", setting.name)
            self._grid.addWidget(label(tr(setting.title)), place // 2 * 2, place % 2)
            self._grid.addWidget(control, place // 2 * 2 + 1, place % 2)
            self.controls[setting.name] = control
        for side in (0, 1):
            self._grid.setColumnStretch(side, 1)

    def _control(self, setting: Setting) -> QWidget:
        title = tr(setting.title)
        if setting.choices or setting.kind == "panel":
            values = setting.choices or tuple(PANELS)
            words = [(v, _WORDS.get(v) or tr(PANELS[v].title)) for v in values]
            chosen = Choice(title, words)
            chosen.taken.connect(self._set)
            return chosen
        names = self._names(setting)
        if names is not None:
            named = Named(title, names)
            named.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            named.committed.connect(self._set)
            return named
        field = Field(mono=not isinstance(setting.default, str))
        field.setAccessibleName(title)
        field.committed.connect(self._set)
        return field

    def _names(self, setting: Setting) -> list[str] | None:
        graph = self.session.root
        if setting.kind == "node":
            return [graph.name(n) for n in graph.nodes][:500]
        if setting.kind == "operator":
            rows = drawers.drawers(graph.modules, self.session.operators).values()
            return [op.name for drawer in rows for op in drawer]
        return None

    def _set(self, value: object) -> None:
        name = str(self.sender().property("setting"))
        setting = next(s for s in GOALS[self.goal].settings if s.name == name)
        if isinstance(setting.default, str):
            found: float | str = str(value)
        else:
            try:
                found = float(str(value).replace("−", "-"))
            except ValueError:
                self.wrong.setText(
                    tr("{title} is a number, not {text!r}").format(
                        title=tr(setting.title), text=str(value)
                    )
                )
                self.wrong.show()
                return
        self.changed.emit(self.goal, {**self.settings, name: found})

    def _other(self, goal: object) -> None:
        self.changed.emit(str(goal), {})

    def _offer(self) -> None:
        """What holds now, a line a goal."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._offered = {found.said: found for found in suggest(self._look())}
        for said in self._offered:
            menu.addAction(said).triggered.connect(self._taken)
        if not self._offered:
            menu.addAction(tr("Nothing that a step could wait for holds now")).setEnabled(False)
        menu.popup(self.take.mapToGlobal(self.take.rect().bottomLeft()))

    def _taken(self) -> None:
        found = self._offered.get(self.sender().text())  # type: ignore[attr-defined]
        if found is not None:
            self.changed.emit(found.goal, dict(found.settings))

"""The stages of a recipe as a row of buttons: choose one, add, name, move, remove."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QInputDialog, QMenu, QToolButton, QWidget

from app.text import tr
from app.view.viewers.controls import Wrapped
from engine.graph import Recipe, Stage


class StageBar(QWidget):
    """`chosen` tells that another stage is shown, `changed` carries the recipe with other stages."""

    chosen = Signal()
    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.current = 0
        self.recipe = Recipe()
        self._fixed = False
        self._row = Wrapped(self, 4, 4)
        self.buttons: list[QToolButton] = []
        self.add = QToolButton()
        self.add.setText(tr("+ Stage"))
        self.add.setProperty("flat", True)
        self.add.setToolTip(tr("A stage behind this one, with the same settings to begin with"))
        self.add.clicked.connect(self._add)
        self._row.addWidget(self.add)

    def show_stages(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.current = min(self.current, len(recipe.stages) - 1)
        while len(self.buttons) > len(recipe.stages):
            button = self.buttons.pop()
            self._row.removeWidget(button)
            button.deleteLater()
        while len(self.buttons) < len(recipe.stages):
            self._new_button()
        for number, (button, stage) in enumerate(zip(self.buttons, recipe.stages, strict=True)):
            unnamed = tr("Stage {number}").format(number=number + 1)
            button.setText(f"{number + 1}  {stage.title[:24]}" if stage.title else unnamed)
            button.setChecked(number == self.current)
            button.setVisible(len(recipe.stages) > 1 or bool(stage.title))
        self.add.setEnabled(not self._fixed)

    def set_fixed(self, on: bool) -> None:
        """While training runs, stages are looked at only."""
        self._fixed = on
        self.add.setEnabled(not on)

    def _new_button(self) -> None:
        button = QToolButton()
        button.setCheckable(True)
        button.setProperty("stage", True)
        button.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        button.customContextMenuRequested.connect(self._menu)
        button.setToolTip(tr("A right click names, moves or removes it"))
        button.clicked.connect(self._choose)
        self._row.removeWidget(self.add)
        self._row.addWidget(button)
        self._row.addWidget(self.add)
        self.buttons.append(button)

    def _choose(self) -> None:
        self.current = self.buttons.index(self.sender())  # type: ignore[arg-type]
        self.show_stages(self.recipe)
        self.chosen.emit()

    def _add(self) -> None:
        stages = list(self.recipe.stages)
        self.current += 1
        stages.insert(self.current, replace(stages[self.current - 1], title=""))
        self._tell(stages)

    def _menu(self, place: QPoint) -> None:
        button = self.sender()
        assert isinstance(button, QToolButton)
        self.current = self.buttons.index(button)
        self.show_stages(self.recipe)
        self.chosen.emit()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        last = len(self.recipe.stages) - 1
        for title, slot, there in (
            (tr("Name…"), self.rename, True),
            (tr("Earlier"), self.earlier, self.current > 0),
            (tr("Later"), self.later, self.current < last),
            (tr("Remove"), self.remove, last > 0),
        ):
            menu.addAction(title, slot).setEnabled(there and not self._fixed)
        menu.popup(button.mapToGlobal(place))

    def rename(self) -> None:
        """Asks for the title of the stage that is shown."""
        before = self.recipe.stages[self.current].title
        title, taken = QInputDialog.getText(self, tr("Stage"), tr("Title"), text=before)
        if taken:
            self.changed.emit(self.recipe.changed(self.current, title=title.strip()[:80]))

    def earlier(self) -> None:
        self._swap(-1)

    def later(self) -> None:
        self._swap(1)

    def remove(self) -> None:
        stages = list(self.recipe.stages)
        del stages[self.current]
        self.current = max(self.current - 1, 0)
        self._tell(stages)

    def _swap(self, by: int) -> None:
        stages, here, there = list(self.recipe.stages), self.current, self.current + by
        stages[here], stages[there] = stages[there], stages[here]
        self.current = there
        self._tell(stages)

    def _tell(self, stages: list[Stage]) -> None:
        self.changed.emit(Recipe(tuple(stages), self.recipe.seed))

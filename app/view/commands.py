"""The table of actions as Qt's: menus, menus on the canvas and shortcuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QMenu, QMenuBar, QWidget

from app import actions
from app.text import tr
from app.view.key_field import TextKeys
from engine.graph import GraphError

MENU_WIDTH, SHORT = 248, 9


class Commands(QObject):
    """The table of actions as Qt's: one QAction each, in menus, with shortcuts."""

    def __init__(
        self,
        window: QWidget,
        context: actions.Context,
        bar: QMenuBar,
        keys: actions.Keys,
        canvas: QWidget,
    ) -> None:
        super().__init__(window)
        self.context, self.keys, self._window = context, keys, window
        self.by_id: dict[str, QAction] = {}
        for action in actions.ACTIONS:
            made = self._made(action, window)
            if action.canvas_key:
                made.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            (canvas if action.canvas_key else window).addAction(made)
        for title in actions.MENUS:
            menu = bar.addMenu(tr(title))
            menu.aboutToShow.connect(self._refresh_all)
            self._fill(menu, list(actions.in_menu(title)))
        self._text_keys = TextKeys(self)
        keys.changed.join(self._bind)
        self._bind()
        self.refresh()

    def _bind(self) -> None:
        """Gives every action its keys, and says them on the buttons that are called like it."""
        buttons = {b.objectName(): b for b in self._window.findChildren(QAbstractButton)}
        for action_id, made in self.by_id.items():
            told = actions.tooltip(actions.BY_ID[action_id], self.keys)
            made.setToolTip(told)
            made.setShortcuts([QKeySequence(key) for key in self.keys.of(action_id)])
            if action_id in buttons:
                buttons[action_id].setToolTip(told)

    def _fill(self, menu: QMenu, listed: Sequence[actions.Action]) -> None:
        """Adds actions in order, a line where the group changes.

        A menu inside has two or more, and a short menu has none.
        """
        sizes = Counter(action.submenu for action in listed if len(listed) > SHORT)
        menus, groups = {"": menu}, dict[QMenu, tuple[str, int]]()
        for action in listed:
            group = (action.menu, action.group)
            name = action.submenu if sizes[action.submenu] > 1 else ""
            if name not in menus:
                _separate(menu, group, groups)
                # A parent keeps it: one that addMenu(title) makes goes with its wrapper.
                menus[name] = QMenu(tr(name), menu)
                menu.addMenu(menus[name])
            _separate(menus[name], group, groups)
            menus[name].addAction(self.by_id[action.id])
        for made in menus.values():
            made.setToolTipsVisible(True)
            made.setMinimumWidth(MENU_WIDTH)

    def ask_menu(self, kind: str, at: QPoint) -> QMenu:
        """Shows the menu of a node, a wire or the ground of the canvas at a place of the screen."""
        self.refresh()
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(menu, actions.on_canvas(kind, self.context))
        menu.popup(at)
        return menu

    def _made(self, action: actions.Action, window: QWidget) -> QAction:
        made = QAction(tr(action.title), window)
        made.setObjectName(action.id)
        made.setCheckable(action.checked is not None)
        made.triggered.connect(self._triggered)
        self.by_id[action.id] = made
        return made

    def _triggered(self) -> None:
        self.run(self.sender().objectName())

    def run(self, action_id: str) -> None:
        """Does an action if it would do something now."""
        action = actions.BY_ID[action_id]
        if not action.can(self.context):
            return
        try:
            action.run(self.context)
        except GraphError as error:
            if not self.context.session.locked:
                raise
            self.context.lessons.refuse(str(error))  # the document is to stay as it is

    def _refresh_all(self) -> None:
        self.refresh()

    def refresh(self, menus: Collection[str] = actions.MENUS) -> None:
        """What is enabled in these menus, and what undo and redo are called."""
        history = self.context.session.history
        for action_id, made in self.by_id.items():
            action = actions.BY_ID[action_id]
            if action.menu not in menus:
                continue
            made.setEnabled(action.can(self.context))
            if action.checked is not None:
                made.setChecked(action.checked(self.context))
        for action_id, label in (
            ("edit.undo", history.undo_label), ("edit.redo", history.redo_label),
        ):  # fmt: skip
            title = tr(actions.BY_ID[action_id].title)
            self.by_id[action_id].setText(
                f"{title} {label[:1].lower()}{label[1:]}" if label else title
            )


def _separate(menu: QMenu, group: tuple[str, int], groups: dict[QMenu, tuple[str, int]]) -> None:
    """A line where a menu's group changes."""
    if groups.setdefault(menu, group) != group:
        menu.addSeparator()
        groups[menu] = group

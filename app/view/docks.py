"""Panels as docks: a quiet title with a status at its right, closable and movable."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QToolButton,
    QWidget,
)
from shiboken6 import isValid

from app.text import tr
from app.view import theme


@runtime_checkable
class Styled(Protocol):
    """A part that takes fonts and pictures from the theme applied last."""

    def restyle(self) -> None: ...


class _Title(QWidget):
    """A dock's title; a drag on it moves the dock, as on any title."""

    def __init__(self, dock: QDockWidget, text: str) -> None:
        super().__init__(dock)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 4)
        row.setSpacing(8)
        self.text, self.status = QLabel(text), QLabel()
        self.status.setProperty("role", "muted")
        self.close_button = QToolButton()
        self.close_button.setText("×")
        self.close_button.setProperty("flat", True)
        self.close_button.setFixedSize(22, 22)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.setToolTip(tr(f"Close {text} (the View menu brings it back)"))
        self.close_button.setAccessibleName(tr(f"Close {text}"))
        self.close_button.clicked.connect(dock.close)
        row.addWidget(self.text)
        row.addStretch(1)
        row.addWidget(self.status)
        row.addWidget(self.close_button)

    def set_named(self, named: bool) -> None:
        """Shows the title; without it the row is lower."""
        self.text.setVisible(named)
        self._row.setContentsMargins(16, 8 if named else 2, 8, 4 if named else 0)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 34 if self.text.isVisibleTo(self) else 24)


class Dock(QDockWidget):
    """A panel of the window; `name` is what its place is remembered by.

    A right click on its title asks for a picture of it: `export_asked` and `copy_asked` tell its name.
    """

    export_asked = Signal(str)
    copy_asked = Signal(str)

    def __init__(self, name: str, title: str, panel: QWidget, window: QWidget) -> None:
        super().__init__(title, window)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._title = _Title(self, title)
        self.setTitleBarWidget(self._title)
        room = panel.sizePolicy()
        room.setRetainSizeWhenHidden(True)
        panel.setSizePolicy(room)
        self.setWidget(panel)
        self._cover = QLabel(self)
        self._cover.setProperty("role", "muted")
        self._cover.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._cover.setWordWrap(True)
        self._cover.setMargin(16)
        self._cover.hide()
        self.visibilityChanged.connect(self._shown)
        self.topLevelChanged.connect(self._floated)
        self.restyle()

    def restyle(self) -> None:
        panel = self.widget()
        if isinstance(panel, Styled):
            panel.restyle()
        self._title.text.setFont(theme.ui_font(12, 600))
        self._title.status.setFont(theme.ui_font(12))

    def _shown(self, visible: bool) -> None:
        """A tab says what it is already. Behind another tab a dock counts as visible, so the panel in
        it is hidden: it computes nothing, and adds nothing to the canvas."""
        window = self.parent()
        for dock in window.findChildren(Dock) if isinstance(window, QMainWindow) else (self,):
            if dock is self or dock.isVisible():
                dock._name()  # one that was beside this one may stand alone now
        if isValid(self.widget()):
            self.widget().setVisible(visible and not self._cover.text())

    def _name(self) -> None:
        window = self.parent()
        beside = window.tabifiedDockWidgets(self) if isinstance(window, QMainWindow) else []
        alone = all(dock.isHidden() for dock in beside)
        self._title.set_named(self.isFloating() or alone)

    def cover(self, text: str) -> None:
        """A sentence in place of the panel, which is hidden meanwhile; empty shows the panel again."""
        if text == self._cover.text():
            return
        self._cover.setText(text)
        self._cover.setVisible(bool(text))
        self._place_cover()
        self._shown(self.is_seen)

    def _place_cover(self) -> None:
        top = self._title.height()
        self._cover.setGeometry(0, top, self.width(), max(self.height() - top, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_cover()

    def _floated(self, on: bool) -> None:
        """Out of its tabs a dock is seen, which Qt does not tell."""
        if on:
            self._shown(not self.isHidden())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._cover.text() or not self._title.geometry().contains(event.pos()):
            super().contextMenuEvent(event)
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Export panel…"), self._ask_export)
        menu.addAction(tr("Copy panel as a picture"), self._ask_copy)
        menu.popup(event.globalPos())

    def _ask_export(self) -> None:
        self.export_asked.emit(self.objectName())

    def _ask_copy(self) -> None:
        self.copy_asked.emit(self.objectName())

    def show_status(self, text: str) -> None:
        self._title.status.setText(text)

    @property
    def close_button(self) -> QToolButton:
        return self._title.close_button

    @property
    def title_label(self) -> QLabel:
        return self._title.text

    @property
    def is_seen(self) -> bool:
        """Shown, and not behind another tab."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    @property
    def status(self) -> str:
        return self._title.status.text()

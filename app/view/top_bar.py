"""The bar over everything: the product, the menus, the document's name, the formula and Ctrl K."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenuBar, QToolButton

from app.actions.keys import Keys
from app.session import Session
from app.text import tr
from app.view import key_caps, theme
from app.view.panels.formula_bar import FormulaBar


class TopBar(QFrame):
    """`commands_asked`: the person wants the command box."""

    commands_asked = Signal()

    def __init__(self, session: Session, keys: Keys) -> None:
        super().__init__()
        self.session, self.keys = session, keys
        self.setProperty("role", "panel")
        self.setObjectName("topbar")
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 9, 16, 9)
        row.setSpacing(12)
        self.product = QLabel("Gradloom")
        self.menus = QMenuBar()
        self.menus.setNativeMenuBar(False)
        self.name = QLabel()
        self.name.setProperty("role", "muted")
        self.name.setMinimumWidth(60)
        self.dot = QLabel("●")
        self.dot.setToolTip(tr("There are changes that are not saved"))
        self.dot.setFixedWidth(12)
        self.formula = FormulaBar()
        self.formula.setMinimumWidth(200)
        self.formula.setMaximumWidth(760)
        self.hint = QToolButton()
        self.hint.setObjectName("view.commands")
        self.hint.setProperty("flat", True)
        self.hint.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hint.clicked.connect(self.commands_asked)
        top = Qt.AlignmentFlag.AlignVCenter
        row.addWidget(self.product, 0, top)
        row.addWidget(self.menus, 0, top)
        row.addSpacing(8)
        row.addWidget(self.name, 0, top)
        row.addWidget(self.dot, 0, top)
        row.addStretch(1)
        row.addWidget(self.formula, 8, top)
        row.addStretch(1)
        row.addWidget(self.hint, 0, top)
        session.document_changed.join(self.refresh)
        session.opened.join(self.refresh)
        keys.changed.join(self._show_key)
        self._show_key()
        self.restyle()
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(1000, super().sizeHint().height())

    def restyle(self) -> None:
        tokens = theme.current()
        self.product.setFont(theme.ui_font(15, 600))
        self.name.setFont(theme.ui_font(12))
        self.dot.setStyleSheet(f"color: {tokens.accent.name()}; font-size: 8px;")
        self.setStyleSheet(
            f"#topbar {{ border: none; border-bottom: 1px solid {tokens.hairline.name()}; }}"
            " QMenuBar { background: transparent; border: none; padding: 0; }"
        )
        self.formula.restyle()

    def _show_key(self) -> None:
        key = self.keys.first("view.commands")
        self.hint.setText(f"{' '.join(key_caps.parts(key))}  {tr('commands')}".strip())

    def refresh(self) -> None:
        shown = self.name.fontMetrics().elidedText(
            self.session.title, Qt.TextElideMode.ElideMiddle, 220
        )
        self.name.setText(shown)
        self.name.setToolTip(str(self.session.path or tr("Not saved to a file yet")))
        self.dot.setVisible(not self.session.history.is_saved)

    def show_document(self, on: bool) -> None:
        """On the start page there is no document to name."""
        self.name.setVisible(on)
        self.dot.setVisible(on and not self.session.history.is_saved)

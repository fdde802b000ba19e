"""The way into the module that is looked at: Document › block › dense, each a click away."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton

from app.session import Session
from app.text import tr
from app.view import icons, theme
from engine import inside


class Breadcrumb(QFrame):
    """Hidden while the document itself is looked at."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("breadcrumb")
        self.setProperty("role", "panel")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 5, 16, 5)
        self._row.setSpacing(2)
        self.crumbs: list[QToolButton] = []
        self._marks: list[QLabel] = []
        self._row.addStretch(1)
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self._row.addWidget(self.note)
        session.place_changed.join(self.refresh)
        session.document_changed.join(self.refresh)
        self.restyle()

    def restyle(self) -> None:
        tokens = theme.current()
        self.setStyleSheet(
            f"#breadcrumb {{ border: none; border-bottom: 1px solid {tokens.hairline.name()}; }}"
        )
        self.note.setFont(theme.ui_font(11))
        self.refresh()

    def refresh(self) -> None:
        """Shows the names as they are now."""
        session = self.session
        self.setVisible(bool(session.place))
        if not session.place:
            return
        names = [session.title, *session.path_names]
        while len(self.crumbs) < len(names):
            self._add()
        for number, crumb in enumerate(self.crumbs):
            shown = number < len(names)
            last = number == len(names) - 1
            crumb.setVisible(shown)
            self._marks[number].setVisible(shown and number > 0)
            if shown:
                crumb.setText(names[number])
                crumb.setFont(theme.ui_font(12, 600 if last else 400))
                crumb.setToolTip(tr("You are here") if last else tr("Go here"))
            self._marks[number].setPixmap(icons.pixmap("right", theme.current().muted, 10))
        module = inside.names(session.root, session.place)[-1]
        self.note.setText(
            tr(f"Inside {module}: its wiring is shared by every {module}; values are this one's")
        )

    def _add(self) -> None:
        mark, crumb = QLabel(), QToolButton()
        mark.setFixedSize(QSize(16, 16))
        crumb.setProperty("flat", True)
        crumb.clicked.connect(self._clicked)
        place = 2 * len(self.crumbs)
        self._row.insertWidget(place, mark)
        self._row.insertWidget(place + 1, crumb)
        self._marks.append(mark)
        self.crumbs.append(crumb)

    def _clicked(self) -> None:
        number = self.crumbs.index(self.sender())  # type: ignore[arg-type]
        self.session.go(self.session.place[:number])

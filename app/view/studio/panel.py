"""What the panels of the studio have in common: a row of controls, a picture, or one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.session import Session
from app.text import sentence, tr
from app.view.viewers.controls import Controls

if TYPE_CHECKING:
    from app.view.studio.studio import Studio


class StudioPanel(QWidget):
    """Shows what one probe says of the moment that the studio looks at.

    A panel names its `probe`, gives the probe's `options` and shows the answer in `take`. `body` is where
    its picture goes, `controls` the row above it. Only panels that are seen are asked. `changed` tells
    the studio that the question is another one now; `ask_again` emits it. `told` carries what a person
    has to hear although the panel may not be seen.
    """

    name: ClassVar[str]
    probe: ClassVar[str] = ""
    empty: ClassVar[str] = ""
    """What stands there before the first answer: what will be seen here, and how to get it."""
    changed = Signal()
    told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.studio: Studio | None = None
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 0, 12, 12)
        column.setSpacing(6)
        self.controls = Controls()
        column.addWidget(self.controls)
        self.pages = QStackedWidget()
        self.message = QLabel()
        self.message.setProperty("role", "muted")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.body = QWidget()
        self.column = QVBoxLayout(self.body)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        self.pages.addWidget(self.message)
        self.pages.addWidget(self.body)
        column.addWidget(self.pages, 1)
        self.say(tr(self.empty))

    def sizeHint(self) -> QSize:
        return QSize(280, 260)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 150)

    # ------------------------------------------------------------ to be said by each panel

    def options(self) -> dict[str, Any] | None:
        """What the probe is asked with; None when there is nothing to ask, after `say`."""
        return {}

    def take(self, result: Any, step: int) -> None:
        """Shows the probe's answer about the moment after `step` steps."""
        raise NotImplementedError

    def joined(self) -> None:
        """The studio is known from now on."""

    def forget(self) -> None:
        """Another document is open: nothing of the last one stays."""
        self.say(tr(self.empty))

    def restyle(self) -> None:
        """The theme's colours and fonts are others."""

    # ------------------------------------------------------------ what they use

    def say(self, text: str) -> None:
        """One sentence instead of the picture."""
        self.message.setText(sentence(text))
        self.pages.setCurrentWidget(self.message)

    def show_body(self) -> None:
        self.pages.setCurrentWidget(self.body)

    def ask_again(self) -> None:
        """Its controls were moved: the same moment, another question."""
        self.changed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.changed.emit()

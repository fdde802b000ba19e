"""What the panels made of strips have in common: what is asked for, the strips, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio import inks
from app.view.studio.panel import StudioPanel
from app.view.studio.strips import Strips


class StripsPanel(StudioPanel):
    """`first` is what the probe is asked with before a person chose anything; `shown` its last answer."""

    title: ClassVar[str]
    first: ClassVar[Mapping[str, Any]]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Any = None
        self._asked: dict[str, Any] = dict(self.first)
        self._at = (-1, -1, 0.0, 0.0)
        self.build_controls()
        self.controls.changed.connect(self.turn)
        self.strips = Strips(tr(self.title))
        self.strips.pointed.connect(self.point)
        self.foot = inks.foot()
        self.column.addWidget(self.strips, 1)
        self.column.addWidget(self.foot)
        self.controls.hide()
        self.restyle()

    def build_controls(self) -> None:
        """Puts the panel's own controls into the row above."""

    def turn(self, name: str, value: Any) -> None:
        """A control was moved."""
        self._asked[name] = value
        self.ask_again()

    def point(self, strip: int, cell: int, x: float, y: float) -> None:
        """The pointer is at a place of a cell, or beside all of them."""

    def options(self) -> dict[str, Any] | None:
        return dict(self._asked)

    def forget(self) -> None:
        self.shown, self._asked = None, dict(self.first)
        self.controls.hide()
        super().forget()

    def restyle(self) -> None:
        self.foot.setFont(theme.ui_font(11))
        if self.shown is not None:
            self.take(self.shown, 0)

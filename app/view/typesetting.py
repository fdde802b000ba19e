"""Formulas typeset when there is time: words stand in their places until then."""

from __future__ import annotations

import weakref
from time import monotonic

from PySide6.QtCore import QCoreApplication, QObject, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from app.view import theme
from app.view.mathematics import Formula, MathLabel, is_known, plain, typeset

PAUSE_MS, LONGEST_MS = 30, 150
"""Typesetting begins so long after the last request, and at the latest so long after the first: a
formula takes about 12 ms, and what follows fast is hardly read."""
MOST = 80
"""Of more formulas than these that wait, the ones asked for first are given up."""

_Key = tuple[str, float, str]


class _Waiting(QObject):
    """What waits, in the order of asking, and whom it is for."""

    def __init__(self, parent: QObject | None) -> None:
        super().__init__(parent)
        self._asked: dict[_Key, tuple[QColor, str, weakref.WeakSet[QWidget]]] = {}
        self._since = 0.0
        self.done = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def ask(self, key: _Key, colour: QColor, text: str, widget: QWidget) -> None:
        if not self._asked:
            self._since = monotonic()
        _, _, widgets = self._asked.pop(key, (colour, text, weakref.WeakSet[QWidget]()))
        widgets.add(widget)
        self._asked[key] = colour, text, widgets
        if len(self._asked) > MOST:
            self._asked.pop(next(iter(self._asked)))
        if (monotonic() - self._since) * 1e3 < LONGEST_MS or not self._timer.isActive():
            self._timer.start(PAUSE_MS)

    def _next(self) -> None:
        """The one asked for last: it is the one that is looked at."""
        if self._asked:
            self._one()
            self._since = monotonic()
        if self._asked:
            self._timer.start(1)

    def _one(self) -> None:
        (latex, size, _), (colour, text, widgets) = self._asked.popitem()
        typeset(latex, size, colour, text)
        self.done += 1
        for widget in list(widgets):
            if isValid(widget):
                widget.updateGeometry()
                widget.update()

    def finish(self) -> None:
        self._timer.stop()
        while self._asked:
            self._one()


_waiting: _Waiting | None = None


def soon(latex: str, size: float, colour: QColor, text: str, widget: QWidget) -> Formula:
    """A formula if it is typeset already; else its words, and the widget is painted anew when it is."""
    global _waiting
    if is_known(latex, size, colour):
        return typeset(latex, size, colour, text)
    if _waiting is None:
        _waiting = _Waiting(QCoreApplication.instance())
    _waiting.ask((latex, size, colour.name()), colour, text, widget)
    return plain(text, size, colour)


def done() -> int:
    """How many formulas that waited are typeset by now: while it stays, words stay words."""
    return _waiting.done if _waiting is not None else 0


def finish() -> None:
    """Typesets at once what waits: before a picture is taken."""
    if _waiting is not None:
        _waiting.finish()


class PatientLabel(MathLabel):
    """Shows one formula, its words until it is typeset."""

    def _formula(self) -> Formula | None:
        if not self._latex:
            return None
        colour: QColor = getattr(theme.current(), self._role)
        return soon(self._latex, self._size, colour, self._text, self)

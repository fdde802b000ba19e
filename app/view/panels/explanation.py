"""What happens at this micro-step and why: the rule in symbols and in numbers."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.mathematics import MathLabel
from engine.shapes import shape_text
from engine.trace import Step

_PARTIAL = re.compile(r"\bd([^\W\d][\w.]*)/d([^\W\d][\w.]*)")
SYMBOL_SIZE = 20


class Explanation(QFrame):
    """Shows the session's current step; its texts are public, so tests read what people read."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "bar")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 10, 20, 10)
        layout.setSpacing(4)
        head = QHBoxLayout()
        self.where = QLabel()
        self.where.setProperty("role", "muted")
        self.badge = QLabel()
        self.badge.setProperty("badge", True)
        self.badge.hide()
        head.addWidget(self.where, 1)
        head.addWidget(self.badge)
        layout.addLayout(head)
        self.symbols = MathLabel(SYMBOL_SIZE)
        self.symbols.setMinimumHeight(44)
        layout.addWidget(self.symbols)
        foot = QHBoxLayout()
        foot.setSpacing(20)
        self.numbers, self.rest, self.later = QLabel(), QLabel(), QLabel()
        self.later.setProperty("role", "muted")
        for label in (self.numbers, self.rest, self.later):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            foot.addWidget(label)
        self.later.setMinimumWidth(1)  # a long sentence never widens the window
        foot.addStretch(1)
        layout.addLayout(foot)
        session.cursor_moved.join(self.refresh)
        session.evaluated.join(self.refresh)
        self.restyle()
        self.refresh()

    def restyle(self) -> None:
        for label in (self.numbers, self.rest, self.later):
            label.setFont(theme.number_font(12))

    def show_badge(self, text: str, role: str = "value", tip: str = "") -> None:
        """A short verdict at the right, such as a gradient check; empty hides it."""
        self.badge.setText(text)
        self.badge.setToolTip(tip)
        self.badge.setProperty("role", role)
        self.badge.style().unpolish(self.badge)
        self.badge.style().polish(self.badge)
        self.badge.setVisible(bool(text))

    def refresh(self) -> None:
        step = self.session.step
        if step is None:
            self._show_nothing()
            return
        self.where.setText(self._where(step))
        self.symbols.set_formula(step.symbols, step.text)
        _say(self.numbers, _readable(step.numbers_text) if step.phase != "seed" else "")
        _say(self.rest, self._sum(step))
        self.rest.setProperty("role", "gradient" if step.phase == "backward" else "value")
        self.rest.style().unpolish(self.rest)
        self.rest.style().polish(self.rest)
        pending = "  +  ".join(_readable(text) for text in step.pending)
        later = f"{tr('still to come')}: {pending}" if pending else ""
        found = self.session.evaluation
        if found.not_finite is not None and found.not_finite.number == step.number:
            later = tr("Not finite from here on: ") + found.trouble
        at_end = step.number == len(self.session.steps)
        self._say_later(later or (self._why_no_gradient() if at_end else ""))

    def _show_nothing(self) -> None:
        steps = self.session.steps
        if steps:
            self.where.setText(tr(f"Start · {len(steps)} micro-steps"))
            hint = tr("Nothing is computed yet. Step on with L, or play with K.")
        else:
            self.where.setText(tr("Nothing to step through yet"))
            hint = self._why_no_gradient() or tr("Drag an operator in, or type a formula above.")
        self.symbols.set_formula("", "")
        _say(self.numbers, "")
        _say(self.rest, "")
        self._say_later(hint)

    def _why_no_gradient(self) -> str:
        """Why the steps end before a gradient does: the first fault that stands in the way, else what
        the output lacks; empty where nothing is missing."""
        found, graph = self.session.evaluation, self.session.graph
        if not found.note:
            return ""
        above = graph.ancestors(found.output) | {found.output} if found.output else ()
        wrong = (n for n in graph.order() if n in above and n in found.faults)
        return found.fault_of(next(wrong, "")) or found.note

    def _say_later(self, text: str) -> None:
        """At the end of the foot; in the colour of faults while it tells one."""
        role = "error" if text and text in self.session.evaluation.faults.values() else "muted"
        _say(self.later, f"⚠ {text}" if role == "error" else text)
        self.later.setToolTip(text)
        if self.later.property("role") != role:
            self.later.setProperty("role", role)
            self.later.style().unpolish(self.later)
            self.later.style().polish(self.later)

    def _where(self, step: Step) -> str:
        total = len(self.session.steps)
        name = pretty_name(step.telling.name(step.node))
        if step.phase == "backward" and step.target:
            phase, place = tr("Backward"), f"{name} → {pretty_name(step.telling.name(step.target))}"
            what = tr("edge")
        elif step.phase == "seed":
            phase, what, place = tr("Backward"), tr("start at the output"), name
        else:
            phase, what, place = tr("Forward"), tr("node"), name
        return f"{phase} {step.number} {tr('of')} {total} · {what} {place}"

    def _sum(self, step: Step) -> str:
        if step.phase != "backward" or not step.target:
            return ""
        word = tr("sum so far") if step.pending else tr("in all")
        if step.total.ndim:
            return f"{word} [{shape_text(step.total.shape)}]"
        return f"{word} {theme.number_text(float(step.total))}"


def _readable(text: str) -> str:
    """Plain text of a line with signs and names as people write them."""
    signs = text.replace(" * ", " × ").replace("-", "−")
    return _PARTIAL.sub(lambda m: f"∂{pretty_name(m[1])}/∂{pretty_name(m[2])}", signs)


def _say(label: QLabel, text: str) -> None:
    """An empty label takes no room."""
    label.setText(text)
    label.setVisible(bool(text))

"""What happens at this micro-step and why: the rule in symbols above its numbers, and its sum."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.marks import Mark
from app.session import Session
from app.text import power_text, pretty_name, tr
from app.view import theme
from app.view.origins import node_of, wires_of
from app.view.panels.columns import Column, Columns, readable
from app.view.panels.entry_picker import EntryPicker
from engine.entries import Entries, Index, NoEntries, Sum
from engine.entry_lines import entry_line
from engine.graph import Port
from engine.lines import Line, Part
from engine.shapes import shape_text
from engine.trace import Step

OWNER = "factor"
SYMBOL_SIZE, NUMBER_SIZE = 19, 12
TERMS = 6
"""How many terms of a sum stand side by side; of more, those around the one just added."""


class Explanation(QFrame):
    """Shows the session's current step; its texts are public, so tests read what people read.

    Pointing at a factor points out its wires on the canvas, and `follow_pointer` the other way.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "bar")
        self._entries: tuple[Step, Entries | NoEntries] | None = None
        self._line = Line(())
        self._pointer: tuple[str | None, Port | None] = (None, None)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(20, 10, 20, 10)
        whole.setSpacing(16)
        layout = QVBoxLayout()
        layout.setSpacing(4)
        whole.addLayout(layout, 1)
        head = QHBoxLayout()
        self.where = QLabel()
        self.where.setProperty("role", "muted")
        self.badge = QLabel()
        self.badge.setProperty("badge", True)
        self.badge.hide()
        head.addWidget(self.where, 1)
        head.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignVCenter)
        head.addStrut(30)
        layout.addLayout(head)
        self.symbols = Columns(SYMBOL_SIZE, NUMBER_SIZE, 68)
        layout.addWidget(self.symbols)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.about.setFixedHeight(68 + layout.spacing() + 30)
        self.about.setMinimumWidth(1)
        self.about.hide()
        layout.addWidget(self.about)
        self._below = below = QWidget()
        below.setFixedHeight(30)
        foot = QHBoxLayout(below)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(16)
        self.sum = Columns(13, NUMBER_SIZE, 30, one_row=True)
        self.rest, self.later = QLabel(), QLabel()
        self.later.setProperty("role", "muted")
        foot.addWidget(self.sum)
        for label in (self.rest, self.later):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            foot.addWidget(label)
        self.later.setMinimumWidth(1)  # a long sentence never widens the window
        foot.addStretch(1)
        layout.addWidget(below)
        self.picker = EntryPicker()
        whole.addWidget(self.picker)
        for line in (self.symbols, self.sum):
            line.pointed.connect(self._pointed)
            line.chosen.connect(self._chosen)
        self.picker.switched.connect(self._looked)
        self.picker.picked.connect(self._looked)
        self._key, self._is_new = session.key, True
        session.cursor_moved.join(self._stepped)
        session.evaluated.join(self.refresh)
        self.restyle()
        self.refresh()

    def restyle(self) -> None:
        for label in (self.rest, self.later):
            label.setFont(theme.number_font(12))
        self.about.setFont(theme.ui_font(14))
        self.picker.restyle()
        self.symbols.refresh()
        self.sum.refresh()

    @property
    def numbers(self) -> str:
        """The line in numbers (of tensors: in shapes) as text."""
        return readable(self._line.numbers_text) if self._line.parts else ""

    def show_badge(self, text: str, role: str = "value", tip: str = "") -> None:
        """A short verdict at the right, such as a gradient check; empty hides it."""
        self.badge.setText(text)
        self.badge.setToolTip(tip)
        self.badge.setProperty("role", role)
        self.badge.style().unpolish(self.badge)
        self.badge.style().polish(self.badge)
        self.badge.setVisible(bool(text))

    # ------------------------------------------------------------ what is shown

    def _stepped(self) -> None:
        """Another step; of another document, when that is opened."""
        self._is_new = self.session.key != self._key
        self._key = self.session.key
        self.refresh()

    def _looked(self) -> None:
        """The step is looked at, also the one that the document opened with."""
        self._is_new = False
        self.refresh()

    def _show_about(self) -> bool:
        """What a document says of itself, from when it is opened until a step is looked at."""
        settings = self.session.root.settings
        text = settings["about"] if self._is_new and not settings["lesson"] else ""
        for part in (self.symbols, self._below):
            part.setVisible(not text)
        self.about.setVisible(bool(text))
        if text:
            self.about.setText(text)
            self.where.setText(tr("About this document"))
            step = self.session.step
            self.picker.show_none()
            self.picker.setVisible(step is not None and _has_tensors(step))
        return bool(text)

    def refresh(self) -> None:
        if self._show_about():
            return
        step = self.session.step
        if step is None:
            self._show_nothing()
            return
        self.where.setText(self._where(step))
        said = self._show_line(step)
        at = self._picked(step)
        self._show_sum(step, at)
        _say(self.rest, total_text(step, at))
        self.rest.setProperty("role", "gradient" if step.phase == "backward" else "value")
        self.rest.style().unpolish(self.rest)
        self.rest.style().polish(self.rest)
        found = self.session.evaluation
        if found.not_finite is not None and found.not_finite.number == step.number:
            said = tr("Not finite from here on: ") + found.trouble
        at_end = step.number == len(self.session.steps)
        why = self._why_no_gradient() if at_end else ""
        refused = isinstance(self._entries_of(step), NoEntries)
        self._say_later(said if refused else why or said)
        self.follow_pointer(*self._pointer)

    def _show_line(self, step: Step) -> str:
        """The rule, or the sum behind one entry; returns what is to be said beside it."""
        line, said = seen_line(step), ""
        self.picker.setVisible(_has_tensors(step))
        entries = self._entries_of(step)
        if isinstance(entries, Entries) and step.value.size:
            index = self._index(entries)
            role = "gradient" if step.phase == "backward" else "value"
            self.picker.show_entry(step.value, index, role)
            line, found = self._entry_line(entries, index)
            said = _counted(found.count, found.among, found.adds_up)
            said = f"{said} · {readable(step.numbers_text)}"
        else:
            self.picker.show_none()
            if entries is not None:
                said = str(entries) if isinstance(entries, NoEntries) else tr("there is no entry")
        self._line = line
        self.symbols.show_columns(tuple(columns_of(step, line)), line.text)
        return said

    def _entries_of(self, step: Step) -> Entries | NoEntries | None:
        """The entries of a step with tensors, made once; None while no entry is asked for."""
        if not self.picker.is_on or not _has_tensors(step):
            return None
        if self._entries is None or self._entries[0] is not step:
            try:
                self._entries = step, Entries(step)
            except NoEntries as error:
                self._entries = step, error
        return self._entries[1]

    def _index(self, entries: Entries) -> Index:
        """The entry that was picked last where there is one like it, else the largest."""
        index, shape = self.picker.index, entries.shape
        fits = len(index) == len(shape) and all(i < n for i, n in zip(index, shape, strict=True))
        return index if fits else entries.largest()

    def _entry_line(self, entries: Entries, index: Index) -> tuple[Line, Sum]:
        """The sum behind an entry with as many of its terms as there is room for."""
        found = entries.at(index, TERMS)
        for most in range(TERMS, 0, -1):
            found = found.cut(most)
            line = entry_line(entries, found)
            if sum(map(_width, line.parts)) <= self.symbols.width() / 0.8:
                break
        return line, found

    def _picked(self, step: Step) -> Index | None:
        """The entry whose sum is shown; None for the whole of a step."""
        entries = self._entries_of(step)
        if isinstance(entries, Entries) and step.phase == "backward" and step.value.size:
            return self._index(entries)
        return None

    def _show_sum(self, step: Step, at: Index | None) -> None:
        """At a fan-out: what the target has got, term by term, and muted what is still to come."""
        terms, here = step.terms, step.position
        if step.phase != "backward" or len(terms) < 2:
            self.sum.hide()
            return
        first = max(0, min(here - TERMS // 2, len(terms) - TERMS))
        columns: list[Column] = []
        if first:
            before = step.telling.read(terms[first - 1].total)
            before = before if before is None or not at else before[at]
            earlier = Part("", f"{first:,} terms before")
            number = (
                theme.number_text(float(before)) if before is not None and not before.ndim else "…"
            )
            columns.append(Column(Part("", "", number), number="muted", tip=earlier.text))
        told = step.terms_told(first, first + TERMS, at)
        for place, part in enumerate(told, first):
            if columns:
                columns.append(Column(Part("", "", " + "), number="muted"))
            done = place <= here and not part.number.startswith("[")
            shown = replace(part, latex="", text="") if done else part
            role = "gradient" if place == here else "text" if place < here else "muted"
            tip = readable(part.text)
            if place <= here:
                tip = f"{tip} = {readable(part.exact or part.number)}"
            columns.append(Column(shown, role, role, tip))
        left = len(terms) - first - len(told)
        if left:
            columns.append(Column(Part("", "", f" + {left:,} more"), number="muted"))
        columns.append(Column(Part("", "", " → "), number="muted"))
        text = "".join(c.part.text or c.part.number for c in columns)
        self.sum.show_columns(columns, text.removesuffix(" → "))
        self.sum.show()

    def _show_nothing(self) -> None:
        steps = self.session.steps
        if steps:
            self.where.setText(tr(f"Start · {len(steps)} micro-steps"))
            hint = tr("Nothing is computed yet. Step on with L, or play with K.")
        else:
            self.where.setText(tr("Nothing to step through yet"))
            hint = self._why_no_gradient() or tr("Drag an operator in, or type a formula above.")
        self._line = Line(())
        self.symbols.show_columns((), "")
        self.sum.hide()
        self.picker.hide()
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
            phase, place = tr("backward"), f"{name} → {pretty_name(step.telling.name(step.target))}"
            what = tr("edge")
        elif step.phase == "seed":
            phase, what, place = tr("backward"), tr("start at the output"), name
        else:
            phase, what, place = tr("forward"), tr("node"), name
        count = tr("Step {number} of {total}").format(number=step.number, total=total)
        return f"{count} · {phase} · {what} {place}"

    # ------------------------------------------------------------ pointing

    def _pointed(self, part: Part | None) -> None:
        """The wires that a factor comes from are pointed out on the canvas, or its node is."""
        if part is None:
            self.session.marks.put(OWNER, None)
            return
        lit = frozenset(k for o in part.origins for k in wires_of(self.session, o))
        notes: dict[str, str] = {}
        for origin in part.origins:
            node_id = self.session.evaluation.node_of(origin.node)
            if not lit and node_id in self.session.graph.nodes:
                notes[str(node_id)] = readable(part.text) or readable(part.number).strip()
        self.session.marks.put(OWNER, Mark(lit=lit, notes=notes))

    def _chosen(self, part: Part) -> None:
        """Selects the node that a factor belongs to."""
        step = self.session.step
        forward = step is not None and step.phase == "forward"
        nodes = (node_of(self.session, o, forward) for o in part.origins)
        self.session.select(dict.fromkeys(n for n in nodes if n is not None))

    def follow_pointer(self, node_id: str | None, key: Port | None) -> None:
        """Points out the factors that come from what the pointer is over on the canvas."""
        self._pointer = node_id, key
        for line in (self.symbols, self.sum):
            factors = [c.part for c in line.columns if c.is_factor]
            line.set_lit([p for p in factors if self._is_of(p, node_id, key)])

    def _is_of(self, part: Part, node_id: str | None, key: Port | None) -> bool:
        if key is not None:
            return any(key in wires_of(self.session, o) for o in part.origins)
        if node_id is None:
            return False
        found = self.session.evaluation
        return any(o.kind != "wire" and found.node_of(o.node) == node_id for o in part.origins)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.picker.is_on:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self.session.marks.put(OWNER, None)
        super().hideEvent(event)


def _has_tensors(step: Step) -> bool:
    """Whether there are entries to ask for: the seed and single numbers have none."""
    expansion = step.telling.expansion
    args = expansion.nodes[step.node].args
    shaped = step.value.ndim or any(expansion.spec(a).shape for a in (step.node, *args))
    return step.phase != "seed" and bool(shaped)


def seen_line(step: Step) -> Line:
    """A step's line; the seed is a number itself."""
    if step.phase != "seed":
        return step.line
    return Line(tuple(replace(p, number="", number_latex="") for p in step.line.parts))


def columns_of(step: Step, line: Line) -> Iterable[Column]:
    """The parts in the colours of what they are: values, gradients, plain local derivatives."""
    forward = step.phase == "forward"
    for i, part in enumerate(line.parts):
        kind = part.origins[0].kind if part.origins else ""
        role = "muted" if not kind else "gradient" if kind == "gradient" else "text"
        if kind == "value" or (forward and kind):
            role = "value"
        tip = ""
        if kind:
            words = readable(part.text) or readable(line.parts[0].text)
            number = power_text(part.exact).replace("-", "−") or readable(part.number).strip()
            tip = f"{words} = {number}" if number else words
        last = i == len(line.parts) - 1
        yield Column(part, "text", role if kind or last else "muted", tip)


def _width(part: Part) -> float:
    """About how wide a part is once it is typeset."""
    halves = part.text.split("/") if part.latex.startswith(r"\frac") else [part.text.strip()]
    symbols = max(map(len, halves))
    return max(8.6 * symbols, 7.4 * len(part.number.strip())) + 8


def _counted(count: int, among: int, adds_up: bool) -> str:
    if not count:
        return tr("no entry that is read moves it here")
    if not adds_up:
        return tr("depends on {count} of {among} entries").format(count=count, among=among)
    if count == 1:
        return tr("1 of {among} terms is not zero").format(among=among)
    return tr("{count} of {among} terms are not zero").format(count=count, among=among)


def _say(label: QLabel, text: str) -> None:
    """An empty label takes no room."""
    label.setText(text)
    label.setVisible(bool(text))


def total_text(step: Step, at: Index | None = None) -> str:
    """The sum at the target, and whether it is complete; of a tensor the entry `at`, or its shape."""
    if step.phase != "backward" or not step.target:
        return ""
    word = tr("sum so far") if step.position + 1 < len(step.terms) else tr("in all")
    if step.total.ndim and at is None:
        return f"{word} [{shape_text(step.total.shape)}]"
    return f"{word} {power_text(theme.number_text(float(step.total[at or ()])))}"

"""Gradients against differences of values: small documents as they are edited, any node on demand.

One check runs at a time, in pieces between which the window goes on; it ends when values change.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.marks import Badge, Mark, Role
from app.text import sentence, tr
from engine.check import NodeChecks, Verdict, doubled
from engine.evaluate import Evaluation, evaluate

if TYPE_CHECKING:
    from app.view.frame import Frame

OWNER = "check"
CHECKED_NODES, CHECKED_ENTRIES = 60, 400
"""Documents up to this size get the gradients of their sources checked as they are edited."""
MOST = 3_000
"""How many nodes are checked at once."""
DELAY, SLICE, SHOWN_EVERY = 350, 0.012, 0.15
"""Milliseconds after an edit until it is checked; seconds of work before the window has its turn, and
between two looks at what was found."""
_BADGES: dict[str, tuple[str, Role]] = {
    "agrees": ("✓", "value"), "kink": ("kink", "accent"), "jump": ("jump", "accent"),
    "unsettled": ("?", "warning"), "absent": ("–", "warning"), "differs": ("✕", "error"),
}  # fmt: skip


def told(verdict: Verdict) -> str:
    """A verdict as a person reads it, with true minus signs."""
    return sentence(re.sub(r"(?<!\w)-(?=[\di])|(?<=\de)-", "−", verdict.sentence))


class Checking(QObject):
    """The commands that check gradients; `verdicts` are those found, by step of the whole document."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window, self.session = window, window.session
        self._card = window.explanation
        self.verdicts: dict[str, Verdict] = {}
        self._of: Evaluation | None = None
        self._names: dict[str, str] = {}
        self._work: Iterator[None] | None = None
        self._asked = False
        self._count, self._shown_at = 0, 0.0
        self._badges: dict[str, Badge] = {}
        self._delay = window.once(DELAY, self._check_sources)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        self.session.evaluated.join(self._evaluated)
        self.session.place_changed.join(self._show)
        self._delay.start()

    # ------------------------------------------------------------ commands

    @property
    def running(self) -> bool:
        return self._work is not None

    @property
    def shown(self) -> bool:
        """Whether a check was asked for whose verdicts are at the nodes."""
        return self._asked

    def check_all(self) -> None:
        """Every node of what is looked at that has a gradient."""
        found = self.session.evaluation
        self._ask([n for n in self.session.graph.order() if n in found.gradients])

    def check_selected(self) -> None:
        self._ask(list(self.session.selection))

    def clear(self) -> None:
        """Takes the badges away."""
        self._stop()
        self._delay.start()

    def _ask(self, node_ids: list[str]) -> None:
        found = self.session.evaluation
        if found.adjoints is None:
            self._window.tell(found.note or tr("there is no gradient to check yet"))
        elif not node_ids:
            self._window.tell(
                tr("no node here has a gradient; choose an output that depends on one")
            )
        elif len(node_ids) > MOST:
            text = tr("{count} nodes are too many to be checked at once; select up to {most}")
            self._window.tell(text.format(count=f"{len(node_ids):,}", most=f"{MOST:,}"))
        else:
            steps = {found.step_of(n): self.session.graph.name(n) for n in node_ids}
            self._begin(steps, asked=True)

    # ------------------------------------------------------------ the check as documents are edited

    def _check_sources(self) -> None:
        graph, found = self.session.root, self.session.whole
        entries = sum(t.size for t in graph.tensors.values())
        if self._window.bridge.running or self.running or found.adjoints is None or found.trouble:
            return
        if len(graph.nodes) > CHECKED_NODES or entries > CHECKED_ENTRIES or graph.of_op("data"):
            return
        sources = [
            n for n in found.gradients if found.expansion.nodes[found.step_of(n)].op.is_source
        ]
        if sources:
            self._begin({n: found.steps.telling.name(n) for n in sources}, asked=False)

    # ------------------------------------------------------------ running

    def _begin(self, steps: dict[str, str], asked: bool) -> None:
        """Checks steps of the whole document, told by their names."""
        self._stop()
        self._of, self._asked, self._names = self.session.whole, asked, steps
        self._count = len(steps)
        self._work = self._run(list(steps))
        self._timer.start()
        self._tell()

    def _run(self, steps: list[str]) -> Iterator[None]:
        found = self.session.whole
        if found.graph.dtype != "float64":
            found = evaluate(*doubled(found.graph, found.feeds))
            yield
        if found.adjoints is None:  # what float32 held, float64 may not
            return
        checks = NodeChecks(found)
        for step in steps:
            self.verdicts[step] = yield from checks.pieces(step)
            yield

    def _go_on(self) -> None:
        """A slice of the work; the badges of what is done so far show."""
        now = time.perf_counter()
        until = now + SLICE
        while self._work is not None:
            try:
                next(self._work)
            except StopIteration:
                self._work = None
                self._timer.stop()
            if time.perf_counter() > until:
                break
        if self._work is None or now - self._shown_at > SHOWN_EVERY:
            self._shown_at = now
            self._show()
            self._tell()

    def _stop(self) -> None:
        self._work = None
        self._timer.stop()
        self._delay.stop()
        self.verdicts, self._badges, self._names = {}, {}, {}
        self._of, self._asked = None, False
        self.session.marks.put(OWNER, None)
        self._card.show_badge("")

    # ------------------------------------------------------------ following

    def _evaluated(self) -> None:
        """Other values: what was found is not about them."""
        if self.session.whole is self._of:
            return
        self._stop()
        if not self._tell_trouble() and not self._window.bridge.running:
            self._delay.start()

    def _tell_trouble(self) -> bool:
        """The first number that is not finite, on the card of the step; False where all are."""
        trouble = self.session.evaluation.trouble
        if trouble:
            self._card.show_badge(tr("⚠ not finite"), "error", trouble)
        return bool(trouble)

    def _show(self) -> None:
        """The verdicts as badges on the nodes of what is looked at."""
        if not self._asked:
            return
        for step in self.verdicts.keys() - self._badges.keys():
            text, role = _BADGES[self.verdicts[step].state]
            self._badges[step] = Badge(text, role, told(self.verdicts[step]))
        found = self.session.evaluation
        steps = {n: found.step_of(n) for n in self.session.graph.nodes}
        badges = {n: self._badges[s] for n, s in steps.items() if s in self._badges}
        self.session.marks.put(OWNER, Mark(badges=badges))

    def _tell(self) -> None:
        """The verdict on all of them on the card of the step."""
        verdicts = self.verdicts.values()
        wrong = [v for v in verdicts if v.state == "differs"]
        if self.running and not self._asked:
            return
        if self.running and not wrong:
            text = tr("checking {done} of {count}…")
            self._card.show_badge(text.format(done=len(self.verdicts), count=self._count), "muted")
            return
        errors = [v.error for v in verdicts if v.error == v.error]
        if wrong:
            names = ", ".join(self._names.get(v.step, v.step) for v in wrong[:6])
            text = tr("⚠ {wrong} of {count} differ: {names}")
            text = text.format(wrong=len(wrong), count=self._count, names=names)
            tip = "\n".join(f"{self._names.get(v.step, v.step)}: {told(v)}" for v in wrong[:6])
            self._card.show_badge(text, "error", tip)
        elif errors:
            kinks = sum(v.state in ("kink", "jump") for v in verdicts)
            rest = sum(v.state in ("absent", "unsettled") for v in verdicts)
            beside = tr(", {kinks} at a kink").format(kinks=kinks) if kinks else ""
            beside += tr(", {rest} not comparable").format(rest=rest) if rest else ""
            worst = f"{max(errors):.0e}" if max(errors) else tr("exact")
            count = f"{self._count} " if self._asked else ""
            tip = tr(
                "The largest relative difference between these gradients and differences of values"
            )
            self._card.show_badge(
                tr("✓ {count}checked {worst}{beside}").format(count=count, worst=worst, beside=beside),
                "value", tip,
            )  # fmt: skip
        elif not self._tell_trouble():
            self._card.show_badge(tr("nothing to compare"), "muted")

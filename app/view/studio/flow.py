"""The panel "Gradient flow": the gradient's size layer by layer, what it was, and a named verdict."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea

from app.marks import Badge, Mark
from app.messages import Progress
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio.bars import Bar, Bars
from app.view.studio.panel import StudioPanel
from app.view.studio.past import Past, here, rate_now
from app.view.studio.verdicts import VerdictBox, title
from app.view.viewers.controls import HEIGHT
from engine.probes.flow import Flow, Part
from engine.train.trouble import Units, Verdict, looks_bad

OWNER = "flow"
_ENDS = ("finished", "stopped", "paused")
POINTS = 2000
"""Losses that are kept of a run; every other one goes when there are more."""


class FlowPanel(StudioPanel):
    """Bars of parameters and nonlinearities from the data on. The nodes of the verdict that is shown
    are marked on the canvas while the panel is seen; a click selects them. `told` carries what keeps a
    training from learning when it ends and its losses say that something does."""

    name = "flow"
    probe = "flow"
    empty = "The gradient's size in every layer stands here, and whether it vanishes, explodes or stops."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shown: Flow | None = None
        self.past: Past[dict[str, tuple[float, float]]] = Past()
        self._losses: list[tuple[int, float]] = []
        self._ended = False
        self.of = "rms"
        self.controls.add_choice("of", tr("What the bars show"), quiet=True)
        choices = [("rms", tr("size of an entry")), ("whole", tr("norm of all"))]
        self.controls.show_choice("of", choices, self.of)
        self.controls.changed.connect(self._turned)
        self.verdict = VerdictBox()
        self.verdict.chosen.connect(self._select)
        self.column.addWidget(self.verdict)
        self.bars = Bars(tr("Gradients of the layers"))
        self.bars.chosen.connect(self._select_node)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.bars)
        self.area.viewport().setAutoFillBackground(False)
        self.bars.setAutoFillBackground(False)
        self.column.addWidget(self.area, 1)
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setFixedHeight(HEIGHT)
        self.controls.add_widget(self.note)
        session.place_changed.join(self._mark)
        self.restyle()
        self.controls.hide()

    # ------------------------------------------------------------ the probe

    def joined(self) -> None:
        assert self.studio is not None
        self.studio.bridge.progress.connect(self._hear)
        self.studio.bridge.changed.connect(self._rest)

    def _rest(self) -> None:
        """At the end of a training that came to little, asks why."""
        studio = self.studio
        if studio is None or studio.bridge.running or studio.bridge.last is None:
            return
        if studio.bridge.last.state in _ENDS and looks_bad(self._losses):
            self._ended = True
            studio.ask_unseen(self)

    def options(self) -> dict[str, Any]:
        step = self.studio.step if self.studio is not None else 0
        losses = [point for point in self._losses if point[0] <= step]
        return {"losses": losses, "learning_rate": rate_now(self.studio)}

    def _hear(self, progress: Progress) -> None:
        """Keeps the losses of the stage at work, thinned: another stage makes another loss smaller."""
        points = [(s, v) for s, v in progress.points if math.isfinite(v)]
        if points and self._losses and points[0][0] <= self._losses[-1][0]:
            self._losses = [p for p in self._losses if p[0] < points[0][0]]
        self._losses = [p for p in (*self._losses, *points) if p[0] > progress.begun]
        if len(self._losses) > POINTS:
            del self._losses[1:-1:2]

    def take(self, result: Flow, step: int) -> None:
        known = self.past.items
        if known and known[-1][1].keys() != {part.node for part in result.parts}:
            self.past.clear()
        if self.studio is None or self.studio.past is None:
            self.past.add(step, {part.node: (part.norm, part.rms) for part in result.parts})
        self.shown = result
        self.controls.settle()
        self.verdict.show_verdicts(result.verdicts)
        self._show()
        self._mark()
        if self._ended and self.studio is not None and step == self.studio.now.step:
            self._ended = False
            worst = result.verdicts[0]
            if not worst.is_well:
                self.told.emit(f"{title(worst)}: {worst.sentence}")

    def forget(self) -> None:
        self.shown = None
        self.past.clear()
        self._losses, self._ended = [], False
        self.controls.hide()
        self._mark()
        super().forget()

    def restyle(self) -> None:
        self.note.setFont(theme.ui_font(10))
        self.verdict.restyle()
        self.bars.update()

    def say(self, text: str) -> None:
        """Nothing is marked while there is nothing to say."""
        super().say(text)
        if hasattr(self, "verdict"):
            self.shown, self._ended = None, False
            self._mark()

    # ------------------------------------------------------------ showing

    def _turned(self, name: str, value: Any) -> None:
        self.of = str(value)
        self._show()

    def _show(self) -> None:
        found = self.shown
        if found is None:
            return
        meant = set(self.verdict.shown.nodes) if self.verdict.shown else set()
        units = {unit.node: unit for unit in found.units}
        which = 0 if self.of == "whole" else 1
        past = [record for _, record in self.past.items]
        self.bars.show_bars(
            [
                Bar(
                    part.node, part.name, part.norm if which == 0 else part.rms,
                    tuple(record[part.node][which] for record in past if part.node in record),
                    _tip(part, units.get(part.node)), part.is_unit, part.node in meant,
                )
                for part in found.parts
            ]
        )  # fmt: skip
        rows = tr("1 row") if found.rows == 1 else tr("{rows} rows").format(rows=f"{found.rows:,}")
        notes = [rows]
        if found.left_out:
            notes.append(tr("{count} left out").format(count=f"{found.left_out:,}"))
        self.note.setText(" · ".join(notes))
        self.note.setToolTip(
            tr("Bars: parameters; outlined: nonlinearities; lines: how it was before")
        )

    # ------------------------------------------------------------ the canvas

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._mark()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._mark()

    def _mark(self) -> None:
        """The verdict's nodes, while the panel is seen and something is wrong."""
        verdict = self.verdict.shown
        mark = None
        if self.isVisible() and self.shown is not None and verdict and not verdict.is_well:
            nodes = here(self.session, verdict.nodes).values()
            badge = Badge(tr(verdict.name), "warning", verdict.sentence)
            if nodes:
                mark = Mark(badges=dict.fromkeys(nodes, badge))
        self.session.marks.put(OWNER, mark)

    def _select(self, verdict: Verdict) -> None:
        self._show()
        self._mark()
        nodes = list(dict.fromkeys(here(self.session, verdict.nodes).values()))
        if nodes:
            self.session.select(nodes)

    def _select_node(self, path: str) -> None:
        nodes = here(self.session, [path])
        if nodes:
            self.session.select([nodes[path]])


def _tip(part: Part, units: Units | None) -> str:
    """All numbers of a row, in full."""
    lines = [
        part.name, tr("gradient, norm: {n}").format(n=theme.exact_text(part.norm)),
        tr("gradient, root mean square: {n}").format(n=theme.exact_text(part.rms)),
    ]  # fmt: skip
    if units is not None:
        lines.append(tr("units: {n}").format(n=f"{units.count:,}"))
        if not math.isnan(units.dead):
            lines.append(tr("dead: {n} %").format(n=theme.number_text(100 * units.dead, 3)))
        if not math.isnan(units.saturated):
            share = theme.number_text(100 * units.saturated, 3)
            lines.append(tr("saturated: {n} %").format(n=share))
    return "\n".join(lines)

"""What if: one number moves, the tangents say what follows, and the document shows what does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.marks import Mark
from app.session import Session
from app.text import pretty_name, tr
from app.view.theme import number_text
from engine import what_if
from engine.edits import Edit
from engine.flatten import expand
from engine.graph import GraphError
from engine.inside import Place
from engine.ops.row import Array
from engine.shapes import ShapeError
from engine.what_if import Along, Handle

OWNER = "what_if"
EXACT = 1e-9
"""What differs by so small a share is rounding."""
FINE = 0.1
"""What Shift makes of a step."""
_FRAME_MS = 16
_REST_MS = 900
"""Turns of the wheel and presses of a key that follow each other so soon are one change."""


@dataclass
class Trial:
    """One number that is tried out: where it began, what every node was then, and its tangents."""

    handle: Handle
    place: Place
    name: str
    start: float
    output: float
    whole: bool
    values: dict[str, Array] = field(repr=False)
    nodes: dict[str, str] = field(repr=False)
    along: Along | None = field(default=None, repr=False)
    fault: str = ""


class WhatIf(QObject):
    """Tries numbers out, over one session. `changed` tells of a new trial, of new numbers in it and of
    its end; `refused` carries a sentence; `asked` asks for the panel."""

    changed = Signal()
    refused = Signal(str)
    asked = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.trial: Trial | None = None
        self.training = False
        self.editing = False
        """True while it changes the document itself."""
        self._gesture = 0
        self._began: float | None = (
            None  # the value at the start of this gesture, while one goes on
        )
        self._step = 0.1
        self._notches = 0.0
        self._wanted: float | None = None
        self._meaning = -1
        self._frame, self._rest = QTimer(self), QTimer(self)
        for timer, wait, slot in (
            (self._frame, _FRAME_MS, self.flush), (self._rest, _REST_MS, self.end),
        ):  # fmt: skip
            timer.setSingleShot(True)
            timer.setInterval(wait)
            timer.timeout.connect(slot)
        session.document_changed.join(self._document_changed)
        session.evaluated.join(self._evaluated)
        session.place_changed.join(self.stop)
        session.opened.join(self.stop)

    def set_training(self, on: bool) -> None:
        """While it trains nothing is tried out."""
        if on != self.training:
            self.training = on
            self.changed.emit()

    def detach(self) -> None:
        """Stops listening to the session."""
        self._frame.stop()
        self._rest.stop()
        self.session.document_changed.leave(self._document_changed)
        self.session.evaluated.leave(self._evaluated)
        self.session.place_changed.leave(self.stop)
        self.session.opened.leave(self.stop)

    # ------------------------------------------------------------ what is known

    @property
    def trying(self) -> bool:
        """True while a number is tried out."""
        return self.trial is not None

    def handle_of(self, node_id: str) -> Handle | None:
        """The number a node holds; of a tensor the entry that was tried last, else the steepest."""
        trial, graph = self.trial, self.session.graph
        if trial is not None and trial.handle.node == node_id:
            return trial.handle
        return what_if.handle_of(graph, self.session.evaluation, node_id)

    def name_of(self, handle: Handle) -> str:
        """`x`, `w[0, 1]`, or `b of u₂` for a number at a port."""
        name = pretty_name(self.session.graph.name(handle.node))
        if handle.port:
            return tr("{port} of {name}").format(port=handle.port, name=name)
        return f"{name}{list(handle.entry)}" if handle.entry else name

    @property
    def value(self) -> float | None:
        """What the number that is tried is now."""
        if self.trial is None:
            return None
        return what_if.number(self.session.graph, self.trial.handle)

    @property
    def output(self) -> float:
        """The output now; NaN where it is no single number."""
        return _output(self.session)

    @property
    def predicted(self) -> float:
        """What the tangent says the output would be now."""
        trial, value = self.trial, self.value
        whole = self.session.whole
        if trial is None or value is None or trial.along is None or whole.output is None:
            return math.nan
        tangent = trial.along.tangents.get(whole.step_of(whole.output))
        if math.isnan(trial.output):
            return math.nan
        slope = 0.0 if tangent is None else float(tangent)
        return trial.output + slope * (value - trial.start)

    @property
    def sentence(self) -> str:
        """What is tried out, in words; nothing while nothing is."""
        trial, value = self.trial, self.value
        if trial is None or value is None:
            return ""
        if trial.fault:
            return tr("What if {name} = {value}: {why}").format(
                name=trial.name, value=number_text(value), why=trial.fault
            )
        text = tr("What if {name} = {value}, not {was}?  ≈ is what its tangent says.  {escape}")
        escape = tr("Esc takes it back") if self.going_on else tr("Esc ends it")
        return text.format(
            name=trial.name, value=number_text(value), was=number_text(trial.start), escape=escape
        )

    @property
    def going_on(self) -> bool:
        """A number is being moved right now: Esc takes it back to where this began."""
        return self._began is not None

    # ------------------------------------------------------------ moving

    def begin(self, handle: Handle) -> bool:
        """A gesture begins that moves a number. False, with a sentence, where it cannot."""
        self.end()
        if self.training:
            self.refused.emit(
                tr("the document cannot change while it trains; pause the training first")
            )
            return False
        trial = self.trial
        if trial is None or trial.handle != handle or trial.place != self.session.place:
            try:
                self.trial = self.prepared(handle)
            except GraphError as error:
                self.refused.emit(str(error))
                return False
        value = self.value
        if value is None:
            return False
        self._gesture += 1
        self._began = value
        self._notches = 0.0
        self._step = what_if.step_at(value, what_if.is_whole(self.session.graph, handle))
        self._meaning = self.session.root.meaning
        self._show()
        return True

    def prepared(self, handle: Handle) -> Trial:
        """A number as it would be tried out from here. Raises GraphError where it cannot be changed."""
        session = self.session
        graph, found = session.graph, session.evaluation
        value = what_if.number(graph, handle)
        if value is None:
            raise GraphError(tr("there is no number to change here"))
        nodes = {n: found.step_of(n) for n in graph.nodes if n in found.values}
        trial = Trial(
            handle, session.place, self.name_of(handle), value, _output(session),
            what_if.is_whole(graph, handle),
            {step: found.values[n] for n, step in nodes.items()}, nodes,
        )  # fmt: skip
        span = what_if.span_of(value, what_if.is_whole(graph, handle))
        edit = session.placed(what_if.changed(graph, handle, value + span))
        try:
            trial.along = self._along(edit, span, nodes.values())
        except (ValueError, ShapeError) as error:
            if isinstance(error, GraphError):
                raise
            trial.fault = str(error)
        return trial

    def _along(self, edit: Edit, span: float, wanted: Iterable[str]) -> Along:
        session = self.session
        if len(session.whole.expansion.nodes) > what_if.MAX_FOLLOWED:
            raise ValueError(tr("the document is too large for its change to be predicted"))
        moved = session.root.copy()
        edit.apply(moved)
        return Along(session.whole, expand(moved, session.whole.feeds), span, wanted)

    def by(self, notches: float, fine: bool = False) -> None:
        """Moves by so many steps of what the number was when the gesture began."""
        if self._began is None:
            return
        self._notches += notches * (FINE if fine and not self._is_whole else 1.0)
        self.to(float(f"{self._began + round(self._notches, 1) * self._step:.12g}"))

    def to(self, value: float) -> None:
        """Moves to a value, at the next frame."""
        if self._began is None:
            return
        self._wanted = float(round(value)) if self._is_whole else value
        if not self._frame.isActive():
            self._frame.start()

    @property
    def _is_whole(self) -> bool:
        return self.trial is not None and self.trial.whole

    def type(self, handle: Handle, value: float) -> None:
        """A value that was typed: one change."""
        if self.begin(handle):
            self.to(value)
            self.end()

    def flush(self) -> None:
        """Does at once what waits for the next frame."""
        self._frame.stop()
        trial, wanted, self._wanted = self.trial, self._wanted, None
        if trial is None or wanted is None or wanted == self.value:
            return
        self._put(wanted, tr("What if {name}").format(name=trial.name))

    def _put(self, value: float, label: str) -> None:
        session, trial = self.session, self.trial
        assert trial is not None
        self.editing = True
        try:
            edit = what_if.changed(session.graph, trial.handle, value)
            session.do(edit, label, (OWNER, self._gesture))
        except GraphError as error:
            self.refused.emit(str(error))
        finally:
            self.editing = False
            self._meaning = session.root.meaning
        self._show()

    def nudge(self, handle: Handle, notches: float, fine: bool = False) -> bool:
        """A turn of the wheel or a press of a key: those that follow soon are one change."""
        same = self.trial is not None and self.trial.handle == handle and self._rest.isActive()
        if not (same and self.going_on) and not self.begin(handle):
            return False
        self.by(notches, fine)
        self._rest.start()
        return True

    def end(self) -> None:
        """The gesture is over: the next one is an undo step of its own. What it shows stays."""
        self.flush()
        self._rest.stop()
        if self._began is not None:
            self._began = None
            self.session.history.end_gesture()
            self.changed.emit()

    def cancel(self) -> None:
        """Back to where the gesture began, as if nothing had been."""
        began, self._wanted = self._began, None
        self._frame.stop()
        self._rest.stop()
        self._began = None
        if self.trial is None or began is None:
            return
        if self.value != began:
            self.editing = True
            try:
                self.session.history.undo()
            finally:
                self.editing = False
                self._meaning = self.session.root.meaning
        self.session.history.end_gesture()
        if self.value == self.trial.start:
            self.stop()
        else:
            self._show()

    def reset(self) -> None:
        """Back to where the trial began, and its end."""
        self.end()
        trial = self.trial
        if trial is None:
            return
        if self.training:
            self.refused.emit(
                tr("the document cannot change while it trains; pause the training first")
            )
            return
        if self.value is not None and self.value != trial.start:
            self._gesture += 1
            self._put(trial.start, tr("Back to {name} as it was").format(name=trial.name))
            self.session.history.end_gesture()
        self.stop()

    def open(self) -> None:
        """Asks for the panel where numbers are ranked and tried out."""
        self.asked.emit()

    def leave(self) -> bool:
        """Esc: takes back what is being moved, else ends the trial; False where there is none."""
        if self.trial is None:
            return False
        if self.going_on:
            self.cancel()
        else:
            self.stop()
        return True

    def tell_why_not(self) -> None:
        """Why a key tries nothing out now, in a sentence."""
        if self.training:
            self.refused.emit(
                tr("the document cannot change while it trains; pause the training first")
            )
        elif not self.session.selection:
            self.refused.emit(tr("select a node to try out other values of it"))

    def step_selected(self, notches: float, fine: bool = False) -> None:
        """Moves the number of the node selected last."""
        for node_id in self.session.selection[-1:]:
            handle = self.handle_of(node_id)
            if handle is not None:
                self.nudge(handle, notches, fine)
            else:
                name = pretty_name(self.session.graph.name(node_id))
                told = tr("{name} is computed: try out a value that it depends on")
                self.refused.emit(told.format(name=name))

    def stop(self) -> None:
        """The trial is over; the number stays as it is."""
        self._frame.stop()
        self._rest.stop()
        self._wanted = self._began = None
        if self.trial is not None:
            self.trial = None
            self.session.marks.put(OWNER, None)
            self.changed.emit()

    # ------------------------------------------------------------ following

    def _document_changed(self) -> None:
        if not self.editing and self.trial is not None:
            if self.session.root.meaning != self._meaning:
                self.stop()

    def _evaluated(self) -> None:
        if not self.editing and self.trial is not None:
            self.stop()  # other values: a training has gone on

    def _show(self) -> None:
        """Under each node that moves, what its tangent says it would be."""
        trial, value = self.trial, self.value
        if trial is None or value is None:
            return
        notes: dict[str, str] = {}
        offset = value - trial.start
        if trial.along is not None and offset:
            predicted = what_if.predicted(trial.values, trial.along, offset)
            now = self.session.evaluation.values
            for node_id, step in trial.nodes.items():
                if node_id != trial.handle.node or trial.handle.port:
                    if step in predicted:
                        notes[node_id] = _note(predicted[step], now.get(node_id))
        self.session.marks.put(OWNER, Mark(notes=notes) if notes else None)
        self.changed.emit()


def _note(predicted: Array, now: Array | None) -> str:
    """A single number in full; of a tensor how far the tangents are off at the worst entry."""
    if not predicted.ndim:
        return f"≈ {number_text(float(predicted))}"
    if now is None or now.shape != predicted.shape or not now.size:
        return ""
    gap = float(np.max(np.abs(now - predicted)))
    if gap <= EXACT * float(np.max(np.abs(now))):
        return tr("≈ exact")
    return tr("≈ off by {gap}").format(gap=number_text(gap, 2))


def _output(session: Session) -> float:
    whole = session.whole
    value = None if whole.output is None else whole.values.get(whole.output)
    return math.nan if value is None or value.ndim else float(value)

"""Time travel: the runs of the document, and the recorded moment of one that everything shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.run_curves import beyond
from app.run_home import RunsPlace
from app.runs import Entry, Runs, changes, differences
from app.session import Session
from app.text import tr
from app.view import dialogs
from app.view.past_chip import PastChip
from app.view.studio import Moment
from app.view.studio.curves import CurvesPanel
from app.view.studio.runs import RunsPanel
from app.view.studio.scrubber import neighbour
from app.view.studio.surface import SurfacePanel
from app.view.studio.updates import UpdatesPanel
from engine.edits import set_tensors
from engine.files import FileError
from engine.graph import GraphError
from engine.ops.row import Array

if TYPE_CHECKING:
    from app.view.frame import Frame

LIST_MS = 500
"""Between two looks at the folder of runs while training goes on."""


class Travel(QObject):
    """Looks at moments of the past, takes them and forks from them; the document stays as it is until
    a person says so. `moved` tells that another moment is looked at, `listed` that the runs are others.

    `past` is (run, step), None at the present. `number` is the run whose moments are stepped through.
    """

    moved = Signal()
    listed = Signal()
    train_asked = Signal()

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self.window = window
        self.session: Session = window.session
        self.studio, self.bridge = window.studio, window.bridge
        self.past: tuple[int, int] | None = None
        self.runs = Runs(self._relisted)
        self._chosen: int | None = None
        self._held: Mapping[str, Array] = {}
        self._before: dict[str, Array | None] = {}
        self._forking: tuple[tuple[int, int], Mapping[str, Array]] | None = None
        self._moments: dict[int, tuple[Any, list[int]]] = {}
        self.chip = PastChip(window.canvas)
        self.chip.back.clicked.connect(self.back)
        self.chip.take.clicked.connect(self.take)
        self.chip.fork.clicked.connect(self.fork)
        self._timer = QTimer(self)
        self._timer.setInterval(LIST_MS)
        self._timer.timeout.connect(self.refresh)
        self.session.opened.join(self._opened)
        self.session.document_changed.join(self._edited)
        self.bridge.changed.connect(self._training_changed)
        self.place = RunsPlace()
        self.place.open(self.session.path)
        self.bridge.home = self.place.to_write
        window.documents.saved.connect(self.refresh)
        for panel in self.studio.panels.values():
            if isinstance(panel, CurvesPanel | RunsPanel | SurfacePanel | UpdatesPanel):
                panel.join(self)
        self.refresh()

    def close(self) -> None:
        """Runs of a document that was never saved go with it."""
        self._timer.stop()
        self.place.close()

    # ------------------------------------------------------------ the runs

    @property
    def home(self) -> Path | None:
        """Where the runs of the open document are: beside it, elsewhere while it was never saved."""
        return self.place.now

    def _follow_name(self) -> None:
        """Runs go where a document is that was saved under another name, once nothing trains."""
        path, at_work = self.session.path, self.bridge.running or self.window.comparing.running
        if path is None or at_work or not self.place.is_behind(path):
            return
        self.back()
        run = self.bridge.recorded
        self.bridge.forget()  # it holds their files
        self.change(partial(self.place.follow, path, run))

    def refresh(self) -> None:
        """Looks for new runs and for how those that are trained stand."""
        self._follow_name()
        self.runs.open(self.home)
        for entry in self.runs.entries:
            if entry.is_live:  # the others have what they had
                self._moments.pop(entry.number, None)
        if not self.bridge.running and not any(entry.is_live for entry in self.runs.entries):
            self._timer.stop()  # the last word of a run is written a moment after it rests

    def _relisted(self) -> None:
        if self.past is not None and self.runs.of(self.past[0]) is None:
            self.back()
        self.listed.emit()

    def _opened(self) -> None:
        self._leave()
        self._chosen = self._forking = None
        self.close()
        self.place.open(self.session.path)
        self.refresh()
        self.listed.emit()

    @property
    def number(self) -> int | None:
        """The run whose moments are stepped through: the chosen one, else the newest."""
        if self._chosen is not None and self.runs.of(self._chosen) is not None:
            return self._chosen
        return self.runs.entries[0].number if self.runs.entries else None

    def choose(self, number: int) -> None:
        """Steps through this run's moments from now on."""
        self._chosen = number
        self.listed.emit()

    @property
    def entry(self) -> Entry | None:
        number = self.number
        return self.runs.of(number) if number is not None else None

    def moments(self, number: int) -> list[int]:
        """The recorded steps of a run, in order; read at most once between two looks at the runs."""
        entry = self.runs.of(number)
        if entry is None:
            return []
        known, stamp = self._moments.get(number), (entry.run, entry.facts.step, entry.facts.changed)
        if known is None or known[0] != stamp:
            known = self._moments[number] = stamp, entry.run.moments
        return known[1]

    # ------------------------------------------------------------ looking

    @property
    def follows(self) -> bool:
        """Whether the present is shown, as it goes on."""
        return self.past is None

    def toggle_follow(self) -> None:
        """Holds the newest recorded moment, or goes back to the present."""
        if self.past is not None:
            self.back()
        else:
            self.step(-1)

    def step(self, by: int) -> None:
        """A recorded moment on or back; after the last one comes the present."""
        number = self.number
        moments = self.moments(number) if number is not None else []
        if number is None or not moments:
            self.window.tell(tr("no moment is recorded yet; train the document first"))
            return
        here = self.past[1] if self.past is not None and self.past[0] == number else None
        wanted = neighbour(moments, here, by)
        if wanted is None:
            self.back()
        else:
            self.go(number, wanted)

    def go(self, number: int, step: int) -> None:
        """Shows the recorded moment nearest to a step of a run, everywhere."""
        entry = self.runs.of(number)
        if entry is None:
            return
        try:
            nearest = entry.run.nearest(step)
            if nearest is None:
                raise FileError(tr("no moment of this run is kept"))
            parameters = entry.run.parameters(nearest)
        except (FileError, OSError) as error:
            self.window.tell(str(error))
            return
        fault = self.misfit(parameters)
        if fault:
            self.window.tell(fault)
            return
        if self.past == (number, nearest):
            return
        self._chosen = number
        self.past, self._held = (number, nearest), parameters
        self._remember()
        self.studio.look(Moment(nearest, parameters))
        self._tell(entry, nearest)
        self.moved.emit()

    def back(self) -> None:
        """Shows the document as it is, or as training has it now."""
        if self.past is not None:
            self._leave()
            self.studio.look(None)

    def _leave(self) -> None:
        was, self.past, self._held = self.past, None, {}
        self.chip.say("")
        if was is not None:
            self.moved.emit()

    def _tell(self, entry: Entry, step: int) -> None:
        words = tr("{run}, step {step}, epoch {epoch}")
        epoch = self.epoch_of(entry, step)
        self.chip.say(words.format(run=entry.title, step=f"{step:,}", epoch=epoch))

    def epoch_of(self, entry: Entry, step: int) -> int:
        """The epoch that was done behind a step."""
        clock = entry.run.clock
        return int(beyond(np.array([step]), clock.step, clock.epoch)[0] + 1e-9)

    def misfit(self, parameters: Mapping[str, Array]) -> str:
        """Why parameters are not this document's, in a sentence; nothing when they are."""
        graph, drawn = self.session.root, self.session.drawn
        for key, value in parameters.items():
            node = key.partition(".")[0]
            if node not in graph.nodes:
                return tr(
                    "the run trained a parameter that is gone; open the run as a new document"
                )
            known = graph.tensors.get(key, drawn.get(key))
            if known is not None and known.shape != value.shape:
                words = tr("{name} has another shape in that run; open the run as a new document")
                return words.format(name=graph.name(node))
        return ""

    # ------------------------------------------------------------ following the document

    def _remember(self) -> None:
        self._before = {key: self.session.root.tensors.get(key) for key in self._held}

    def _edited(self) -> None:
        """Another change of the parameters ends the look back; training that is kept does not."""
        if self.past is None:
            return
        moved = any(self.session.root.tensors.get(k) is not v for k, v in self._before.items())
        if self.bridge.keeping:
            self._remember()
        elif moved or self.misfit(self._held):
            self.back()

    def _training_changed(self) -> None:
        self._timer.start()
        self.refresh()
        if not self.bridge.running and self._forking is not None:
            (place, parameters), self._forking = self._forking, None
            self._fork(place, parameters)

    # ------------------------------------------------------------ taking

    def take(self) -> None:
        """The parameters of the moment become the document's, one undo step."""
        if self.past is None:
            self.window.tell(tr("choose a moment of the past first, in the Curves panel"))
        elif self.bridge.running:
            self.window.tell(
                tr("the document cannot change while it trains; pause the training first")
            )
        else:
            number, step = self.past
            words = tr("Take parameters of run {run}, step {step}")
            self.take_parameters(self._held, words.format(run=number, step=step))

    def take_parameters(self, parameters: Mapping[str, Array], label: str) -> bool:
        """One undo step; False and a sentence when they do not fit. Looks at the present again."""
        fault = self.misfit(parameters)
        if fault:
            self.window.tell(fault)
            return False
        self._leave()
        tensors = self.session.root.tensors
        new = {
            k: v for k, v in parameters.items()
            if k not in tensors or not np.array_equal(tensors[k], v, equal_nan=True)
        }  # fmt: skip
        self.studio.look(None)
        if new:
            try:
                self.session.do_outside(set_tensors(new), label)
            except GraphError as error:
                self.window.tell(str(error))
                return False
        return True

    def fork(self) -> None:
        """A new run that begins at the moment, with the recipe as it is now. Training that goes on is
        paused first, and what it has done is kept as its own undo step."""
        if self.past is None:
            self.window.tell(tr("choose a moment of the past first, in the Curves panel"))
        elif self.bridge.running:
            self._forking = self.past, self._held
            self.bridge.pause()
        else:
            self._fork(self.past, self._held)

    def _fork(self, place: tuple[int, int], parameters: Mapping[str, Array]) -> None:
        words = tr("Fork from run {run}, step {step}")
        if self.take_parameters(parameters, words.format(run=place[0], step=place[1])):
            self._chosen = None
            self.bridge.forget()
            self.bridge.parent_moment = place
            self.train_asked.emit()

    # ------------------------------------------------------------ what is done to runs

    def take_run(self, number: int) -> None:
        """The last parameters of a run become the document's, one undo step."""
        entry = self.runs.of(number)
        if entry is None:
            return
        if self.bridge.running:
            self.window.tell(
                tr("the document cannot change while it trains; pause the training first")
            )
            return
        try:
            parameters = last_parameters(entry)
        except (FileError, OSError) as error:
            self.window.tell(str(error))
            return
        self.take_parameters(parameters, tr("Take parameters of run {run}").format(run=number))

    def open_run(self, number: int) -> None:
        """The document of a run with its last parameters, as a document of its own."""
        entry = self.runs.of(number)
        if entry is None:
            return
        try:
            graph = entry.run.document()
            set_tensors(last_parameters(entry)).apply(graph)
        except (FileError, GraphError, OSError) as error:
            self.window.tell(str(error))
            return
        title = tr("{document} ({run})").format(document=self.session.title, run=entry.title)
        self.window.documents.open_graph(graph, title)

    def go_on(self, number: int) -> None:
        """Goes on with a run from its checkpoint, as if it had never stopped."""
        entry = self.runs.of(number)
        if entry is None:
            return
        if self.bridge.running:
            self.window.tell(tr("one training at a time; pause the one that goes on first"))
            return
        try:
            apart = changes(entry.run.document(), self.session.root)
            others = differences(entry.facts.recipe, self.session.root.recipe)
            if apart or others:
                words = tr(
                    "this is no longer the document of {run}; open the run as a new document"
                )
                raise FileError(words.format(run=entry.title))
            self.back()
            self.bridge.go_on(entry.run)
        except (ValueError, OSError) as error:
            self.window.tell(str(error))

    def remove_run(self, number: int) -> None:
        """Removes a run for good, after a question."""
        entry = self.runs.of(number)
        if entry is None or not dialogs.ask_remove_run(self.window, entry.title):
            return
        if self.past is not None and self.past[0] == number:
            self.back()
        self.change(lambda: self.runs.remove(number))

    def change(self, work: Callable[[], object]) -> None:
        """Does something to the runs on the disk; what went wrong is told."""
        try:
            work()
        except (FileError, OSError) as error:
            self.window.tell(str(error))

    def show_runs(self) -> None:
        self.window.show_panel("runs")

    def show_curves(self) -> None:
        self.window.show_panel("curves")

    # ------------------------------------------------------------ export

    def export_curves(self) -> None:
        """The numbers of the shown curves as CSV."""
        panel = self.studio.panels["curves"]
        assert isinstance(panel, CurvesPanel)
        self.window.sharing.export_numbers(tr("Export curves"), panel.as_csv())

    def export_panel(self) -> None:
        self.window.sharing.export_panel("curves")


def last_parameters(entry: Entry) -> dict[str, Array]:
    """Where a run stands: its checkpoint's parameters, else its last moment's. Raises FileError."""
    kept = entry.run.checkpoint()
    if kept is not None:
        stem = "parameter/"
        return {k[len(stem) :]: v for k, v in kept.arrays.items() if k.startswith(stem)}
    moments: Sequence[int] = entry.run.moments
    if not moments:
        raise FileError(tr("nothing of this run is kept but its numbers"))
    return entry.run.parameters(moments[-1])

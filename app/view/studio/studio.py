"""The studio: which moment of training is looked at, and the panels that say something about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal

from app.session import Session
from app.view.bridge import Bridge
from app.view.studio.panel import StudioPanel
from app.watcher import Watcher
from engine import files
from engine.ops.row import Array

TICK_MS = 50
SHARE = 0.4
"""Of a core that the panels' probes take at most while training runs; it and the window need the rest."""


@dataclass(frozen=True)
class Moment:
    """A moment of training: how many steps had been done, and the parameters after them; those not
    named are the document's."""

    step: int = 0
    parameters: Mapping[str, Array] = field(default_factory=dict)


class Studio(QObject):
    """Asks the panels' probes about the moment that is looked at, and hands the answers out.

    `moment` is the document at rest, training as it goes on, or a moment of the past that a person
    looks at (`look`), for as long as they do. `moved` tells that it is another one.
    """

    moved = Signal()

    def __init__(self, session: Session, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self.session, self.bridge = session, bridge
        self.panels: dict[str, StudioPanel] = {}
        self.now, self.past = Moment(), None  # type: Moment, Moment | None
        self._watcher: Watcher | None = None
        self._document = -1
        self._base = session.base
        self._stale: set[str] = set()
        self._asked: set[str] = set()
        self._urgent: set[str] = set()
        self._begun = self._free_at = 0.0
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self.tick)
        bridge.shown.connect(self._train)
        bridge.changed.connect(self._turned)
        session.opened.join(self._forget)
        session.document_changed.join(self._rest)

    def add(self, panel: StudioPanel) -> None:
        """From now on the panel is asked whenever it is seen."""
        self.panels[panel.name] = panel
        panel.studio = self
        panel.changed.connect(self._asking)
        panel.joined()

    # ------------------------------------------------------------ moments

    @property
    def moment(self) -> Moment:
        return self.past or self.now

    @property
    def step(self) -> int:
        return self.moment.step

    def look(self, moment: Moment | None) -> None:
        """Looks at a moment of the past, None at the present again; the document stays as it is."""
        if moment is None and self.past is None:
            return
        self.past = moment
        self.bridge.following = moment is None
        self.session.held = moment.parameters if moment is not None else {}
        self.session.refresh(self.moment.parameters)
        self._move()

    def _train(self, step: int) -> None:
        """Training brought newer parameters."""
        self.now = Moment(step, self.bridge.parameters)
        if self.past is None:
            self._move()

    def _rest(self) -> None:
        """The document as it is now is the present, unless training runs."""
        if self.bridge.running:
            return
        last = self.bridge.last
        step = last.step if last is not None and self.bridge.is_current else 0
        edited = self._document != self._meaning
        if self.now.parameters or self.now.step != step or edited:
            self.now = Moment(step)
            if self.past is None or edited:
                self._move()

    def _turned(self) -> None:
        """Training begins or rests; what trains is the document as it is now."""
        if self.bridge.running and self._document != self._meaning:
            self._document = -1
        self._rest()

    @property
    def _meaning(self) -> int:
        return self.session.root.meaning

    def _forget(self) -> None:
        self.now, self.past = Moment(), None
        self.bridge.following = True
        self._document = -1
        self._asked.clear()
        if self._watcher is not None:
            self._watcher.forget()
        for panel in self.panels.values():
            panel.forget()
        self._move()

    def _move(self) -> None:
        self._stale = set(self.panels)
        self._tick.start()
        self.moved.emit()

    def _asking(self) -> None:
        panel = self.sender()
        if isinstance(panel, StudioPanel):
            self._stale.add(panel.name)
            self._urgent.add(panel.name)
            self._tick.start()

    # ------------------------------------------------------------ asking

    @property
    def is_busy(self) -> bool:
        """True while a panel that is seen waits for what it shows."""
        return bool(self._asked) or any(self.panels[n].isVisible() for n in self._stale)

    def tick(self) -> None:
        """Hands out answers, and asks what is stale and seen; rests when there is nothing to do."""
        watcher = self._watcher
        for answer in watcher.poll() if watcher is not None else ():
            self._asked.discard(answer.key)
            panel = self.panels[answer.key]
            if answer.fault:
                panel.say(answer.fault)
            else:
                panel.show_body()
                panel.take(answer.result, answer.step)
        freely = self._may_ask()
        for name in [n for n in self._stale if n not in self._asked]:
            panel = self.panels[name]
            if panel.isVisible() and (freely or name in self._urgent):
                self._stale.discard(name)
                self._ask(panel)
        waiting = any(self.panels[n].isVisible() for n in self._stale)
        if not waiting and not self._asked:
            self._tick.stop()

    def _may_ask(self) -> bool:
        """True unless training runs and the last round of questions is not over, or took long enough to
        make the next one wait."""
        now = monotonic()
        if not self._asked and self._begun:
            self._free_at = now + (now - self._begun) * (1 / SHARE - 1)
            self._begun = 0.0
        live = self.bridge.running and self.past is None
        return not live or (not self._asked and now >= self._free_at)

    def ask_unseen(self, panel: StudioPanel) -> None:
        """Asks a panel's question although it may not be seen."""
        self._stale.discard(panel.name)
        self._ask(panel)
        self._tick.start()

    def _ask(self, panel: StudioPanel) -> None:
        options = panel.options() if panel.probe else None
        if options is None:
            return
        self._urgent.discard(panel.name)
        self._begun = self._begun or monotonic()
        watcher = self._ready()
        watcher.moment(self.moment.step, self.moment.parameters)
        watcher.ask(panel.name, panel.probe, options)
        self._asked.add(panel.name)

    def _ready(self) -> Watcher:
        """The watcher, with the document as it is now; while it trains, with the one that trains."""
        current = self._document == self._meaning and self._base == self.session.base
        if self._watcher is None or not (current or (self.bridge.running and self._document >= 0)):
            self._document, self._base = self._meaning, self.session.base
            document = partial(files.to_bytes, self.session.root.copy())  # made on a thread
            if self._watcher is None:
                self._watcher = Watcher(document, self._base)
            else:
                self._watcher.open(document, self._base)
        return self._watcher

    def close(self) -> None:
        """Ends the watcher."""
        self._tick.stop()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

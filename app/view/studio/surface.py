"""The panel "Loss surface": the loss over a plane of parameter space, and the ways of trainings on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QStackedWidget, QToolButton

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio import ranges
from app.view.studio.contour import Contour, Way
from app.view.studio.entry import EntryPick
from app.view.studio.held import (
    entry_index,
    held,
    is_index,
    losses_depend_on,
    name_of,
    trained_names,
)
from app.view.studio.landscape import Landscape
from app.view.studio.losses import Losses
from app.view.studio.panel import StudioPanel
from app.view.studio.relief import Relief
from app.view.studio.tracks import Tracks
from app.view.viewers.surface import Space
from engine.edits import set_tensors
from engine.graph import GraphError
from engine.ops.row import Array
from engine.passing import under
from engine.probes.planes import Entry, Plane
from engine.probes.surface import LEVELS, Bounds, Part
from engine.train.problem import TrainingError, loss_of

READ_MS = 60
"""Between two pieces of a record."""
RANGE_MS = 120
"""How long a range rests before losses are computed over it."""
MOMENTS_BYTES = 16 << 20
"""So much of a trajectory is sent for its principal directions."""
if TYPE_CHECKING:
    from app.view.travel import Travel

_KINDS = (
    ("chosen", "Two numbers"),
    ("random", "Random plane"),
    ("principal", "Principal plane"),
)


class SurfacePanel(StudioPanel):
    """Shows one plane until another one is asked for; only losses in its range are computed anew."""

    name = "surface"
    probe = "surface"
    empty = (
        "The loss over a plane through the parameters is seen here, and the way of training on it."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.losses = Losses()
        self.tracks: Tracks | None = None
        self.ways: list[Way] = []
        self.kind = ""
        self.entries: tuple[Entry, ...] = ()
        self.log = self.arrows = False
        self._seed = 0
        self._signature: Any = None
        self._meaning = -1
        self._held = False
        self._place: tuple[float, float] | None = None
        self._reading = QTimer(self)
        self._reading.setSingleShot(True)
        self._reading.setInterval(READ_MS)
        self._reading.timeout.connect(self._see_ways)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(RANGE_MS)
        self._rest.timeout.connect(self._range_rests)
        self._build()

    def _build(self) -> None:
        self.controls.add_choice("kind", tr("Which plane"), quiet=True)
        self.controls.show_choice("kind", [(kind, tr(words)) for kind, words in _KINDS], "random")
        self.controls.add_choice("view", tr("How it is seen"), quiet=True)
        self.controls.show_choice(
            "view", [("contour", tr("Contour")), ("space", tr("3-D"))], "contour"
        )
        self.controls.changed.connect(self._turned)
        self.more = QToolButton()
        self.more.setText("⋯")
        self.more.setFixedSize(38, 26)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.setToolTip(tr("More about this surface"))
        self.more.setAccessibleName(tr("More about this surface"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        self.actions_of: dict[str, QAction] = {}
        for name, words, ticked in (
            ("ratios", tr("Levels in equal ratios (logarithmic)"), True),
            ("arrows", tr("Arrows downhill"), True),
            ("new", tr("New plane through where the parameters are"), False),
            ("whole", tr("Whole range"), False),
        ):
            action = menu.addAction(words)
            action.setObjectName(name)
            action.setCheckable(ticked)
            action.triggered.connect(self._chosen)
            self.actions_of[name] = action
        self.more.setMenu(menu)
        self.controls.add_widget(self.more)
        self.picks = (EntryPick(tr("Number across")), EntryPick(tr("Number up")))
        for pick in self.picks:
            pick.chosen.connect(self._picked)
            self.controls.add_widget(pick)
        self.controls.hide()
        self.contour = Contour()
        self.contour.ranged.connect(self._ranged)
        self.contour.whole.connect(self._whole)
        self.contour.pointed.connect(self._pointed)
        self.contour.pinned.connect(self._pinned)
        self.contour.start_asked.connect(self._start)
        self.landscape = Landscape()
        self.space = Space(self.landscape)
        self.pictures = QStackedWidget()
        self.pictures.addWidget(self.contour)
        self.pictures.addWidget(self.space)
        self.column.addWidget(self.pictures, 1)
        self.foot = QLabel()
        self.foot.setProperty("role", "muted")
        self.foot.setFont(theme.ui_font(10))
        self.foot.setWordWrap(True)
        self.column.addWidget(self.foot)

    # ------------------------------------------------------------ what is asked

    def options(self) -> dict[str, Any] | None:
        values = self.values()
        try:
            above = under(self.session.root, loss_of(self.session.root))
        except TrainingError as error:
            self.controls.hide()
            self.say(str(error))
            return None
        known = {n: v for n, v in values.items() if n.partition(".")[0] in above and v.size}
        if not known:
            self.controls.hide()
            self.say(tr("The loss depends on no parameter and no input; wire one in."))
            return None
        self.controls.show()
        self._offer(known)
        if self._meaning != self.session.root.meaning:
            self._meaning, signature = self.session.root.meaning, losses_depend_on(self.session)
            if signature != self._signature:
                self._signature = signature
                self._renew()
        if self.plane is None:
            return self._making()
        self._see()
        if self.relief is not None:
            self.show_body()
        return self.losses.question(self.arrows)

    def _making(self) -> dict[str, Any] | None:
        make: dict[str, Any] = {"kind": self.kind, "seed": self._seed}
        if self.kind == "chosen":
            if len(self.entries) < 2:
                self.say(tr("A plane needs two numbers; there is only one here."))
                return None
            make["entries"] = self.entries
        elif self.kind == "principal":
            moments = self.tracks.moments(MOMENTS_BYTES) if self.tracks is not None else []
            if len(moments) < 2:
                self.say(tr("Principal directions need a trajectory; train a few steps first."))
                return None
            make["moments"] = tuple(moments)
        return {"key": self.losses.key, "make": make}

    def take(self, result: Part, step: int) -> None:
        """Takes a plane, or some of its losses."""
        before = self.plane
        if self.losses.take(result, self.log):
            if self.plane is not None and self.plane is not before:
                self._gather(self.plane)
                self._range(self._usual(self.plane))
            self._see()
        self.ask_again()

    # ------------------------------------------------------------ the plane

    @property
    def plane(self) -> Plane | None:
        return self.losses.plane

    @property
    def relief(self) -> Relief | None:
        """What is seen of the losses."""
        return self.losses.relief

    def values(self) -> dict[str, Array]:
        """Every parameter and input that holds floats, as it is at the moment that is looked at."""
        return held(self.session, self.studio.moment.parameters if self.studio is not None else {})

    def _offer(self, known: Mapping[str, Array]) -> None:
        """The numbers that can be chosen; at first two that training moves, if there are no more."""
        names = {n: name_of(self.session, n) for n in known}
        moved = [n for n in trained_names(self.session) if n in known] or list(known)
        entries = [e for e in self.entries if e[0] in known and is_index(e[1], known[e[0]].shape)]
        if len(entries) < 2:
            some = [
                (n, entry_index(k, known[n].shape))
                for n in moved
                for k in range(min(known[n].size, 2))
            ]
            some += [(n, entry_index(0, v.shape)) for n, v in known.items() if n not in moved]
            entries = [*entries, *(e for e in some if e not in entries)][:2]
            self.entries = tuple(entries)
        if not self.kind:
            self.kind = "chosen" if sum(known[n].size for n in moved) <= 2 else "random"
            self.controls.choices["kind"].setCurrentIndex([k for k, _ in _KINDS].index(self.kind))
        for pick in self.picks:
            pick.setVisible(self.kind == "chosen" and len(entries) == 2)
        for pick, entry in zip(self.picks, self.entries, strict=False):
            pick.show_choices(names, {n: v.shape for n, v in known.items()}, entry)
        self.controls.settle()

    def _renew(self) -> None:
        """Another plane, through where the parameters are now."""
        self.losses.renew()
        self._held = False
        self.contour.set_pin(None)

    # ------------------------------------------------------------ the range

    def _here(self) -> Array | None:
        """Where the parameters are on the plane."""
        if self.plane is None:
            return None
        try:
            place = self.plane.project(self.plane.flat(self.values())[None])[0][0]
        except ValueError:
            return None
        return place if np.isfinite(place).all() else None

    def _places(self) -> list[Array]:
        """Where the ways went and where the parameters are."""
        here = self._here()
        ways = [way.places for way in self.ways]
        return [*ways, here[None]] if here is not None else ways

    def _usual(self, plane: Plane) -> Bounds:
        """The range that a plane begins with."""
        return ranges.usual(plane.kind, self._here(), self._places())

    def _range(self, bounds: Bounds) -> None:
        """Losses are wanted over this range."""
        self.losses.over(bounds)
        self.contour.set_bounds(bounds)

    def _ranged(self, bounds: Bounds) -> None:
        self._held = True
        self._rest.start()

    def _range_rests(self) -> None:
        if self.plane is not None and self.contour.bounds != self.losses.bounds:
            self._range(self.contour.bounds)
            self.ask_again()

    def _whole(self) -> None:
        if self.plane is not None:
            self._held = False
            self._range(self._usual(self.plane))
            self.ask_again()

    def _widen(self, plane: Plane) -> None:
        """A way left the range: a wider one, unless a person chose it."""
        if self.losses.bounds is None or self._held:
            return
        left, right, bottom, top = self.losses.bounds
        low, high = np.array((left, bottom)), np.array((right, top))
        places = self._places()
        if any(((p < low) | (p > high)).any() for p in places):
            self._range(ranges.around(low, high, places))

    # ------------------------------------------------------------ ways

    def join(self, travel: Travel) -> None:
        """From now on the runs of the window are seen on the plane."""
        self.tracks = Tracks(travel)
        travel.listed.connect(self._see_ways)

    def _gather(self, plane: Plane) -> None:
        """Reads on in the record of the runs that are shown."""
        if self.tracks is not None:
            self.ways = self.tracks.ways(plane, self.values(), self._here())
            if self.tracks.is_behind:
                self._reading.start()

    def _see_ways(self) -> None:
        """The runs are others, or more of them was recorded."""
        if self.isVisible() and self.plane is not None:
            self._see()

    def _see(self) -> None:
        """Shows what is known: losses, ways, where the parameters are."""
        plane, here = self.plane, self._here()
        if plane is None:
            return
        self._gather(plane)
        self._widen(plane)
        relief = self.relief
        if relief is not None and relief.log != self.log:
            self.losses.relief = Relief(relief.bounds, relief.losses, self.log)
        self.contour.here = (float(here[0]), float(here[1])) if here is not None else None
        titles = plane.titles
        if plane.kind != "chosen":
            titles = tr("direction 1"), tr("direction 2")
        self.landscape.show(self.relief, titles, self.ways, self.contour.here)
        if plane.kind == "principal":
            one, two = (f"{t} ({s:.0%})" for t, s in zip(titles, plane.shares, strict=True))
            titles = one, two
        self.contour.titles = titles
        self.contour.ways = self.ways
        self.contour.slopes = self.losses.slopes if self.arrows else None
        self.contour.show_relief(self.relief)
        self.space.update()
        self._tell()

    def _tell(self) -> None:
        """The line under the picture: the place pointed at, or what is seen."""
        relief, place = self.relief, self._place
        if relief is None or self.plane is None:
            self.foot.setText(tr("Computing…"))
            return
        text = theme.number_text
        if place is not None:
            loss = float(relief.at(np.array([place]))[0])
            told = text(loss) if math.isfinite(loss) else "–"
            here = f"({text(place[0])}, {text(place[1])})"
            self.foot.setText(f"{here}   {tr('loss')} {told}")
            return
        parts = []
        if relief.least is not None:
            least = tr("least {loss} at ({a}, {b})")
            a, b = relief.least
            parts.append(least.format(loss=text(relief.reach[0]), a=text(a, 3), b=text(b, 3)))
        else:
            parts.append(tr("no finite loss in this range"))
        outside = self.tracks.outside(self.plane) if self.tracks is not None else 0.0
        if outside >= 0.005:
            parts.append(tr("{share} of the way is off this plane").format(share=f"{outside:.0%}"))
        if self.losses.rows[0] < self.losses.rows[1]:
            rows = tr("{some} of {all} rows")
            parts.append(
                rows.format(some=f"{self.losses.rows[0]:,}", all=f"{self.losses.rows[1]:,}")
            )
        side = len(relief.losses)
        if side < LEVELS[-1]:
            parts.append(f"{side} × {side}")
        self.foot.setText("  ·  ".join(parts))

    # ------------------------------------------------------------ controls

    def _turned(self, name: str, value: object) -> None:
        if name == "view":
            self.pictures.setCurrentIndex(int(value == "space"))
            return
        self.kind = str(value)
        self._renew()
        self.ask_again()

    def _picked(self) -> None:
        self.entries = tuple(pick.entry for pick in self.picks)
        self._renew()
        self.ask_again()

    def _chosen(self, on: bool) -> None:
        name = self.sender().objectName()
        if name == "ratios":
            self.log = on
        elif name == "arrows":
            self.arrows = on
        elif name == "new":
            self._seed += self.kind == "random"
            self._renew()
        else:
            self._whole()
        self._see()
        self.ask_again()

    def _pointed(self, place: tuple[float, float] | None) -> None:
        self._place = place
        self._tell()

    def _pinned(self) -> None:
        running = self.studio is not None and self.studio.bridge.running
        self.contour.start.setEnabled(not running)
        self.contour.start.setToolTip(tr("Pause training first") if running else "")

    def _start(self) -> None:
        """The parameters, or the inputs, become those of the pin: one undo step."""
        plane, pin = self.plane, self.contour.pin
        if plane is None or pin is None or (self.studio is not None and self.studio.bridge.running):
            return
        dtype = self.session.root.dtype
        changed = {n: v.astype(dtype) for n, v in plane.moved(pin, self.values()).items()}
        self.contour.set_pin(None)
        try:
            self.session.do_outside(set_tensors(changed), tr("Start from here"))
        except GraphError as error:
            self.foot.setText(str(error))
            return

    # ------------------------------------------------------------ as every panel

    def forget(self) -> None:
        self.ways = []
        self.kind, self.entries, self._signature, self._meaning = "", (), None, -1
        self._renew()
        super().forget()

    def restyle(self) -> None:
        self._see()
        self.contour.update()

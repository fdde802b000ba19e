"""What the window does with viewers: one that follows the selection, others pinned to a node."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject, Qt

from app import sight
from app.sight import What
from app.text import tr
from app.view.docks import Dock
from app.view.viewers.panel import BOTH, ViewerPanel
from engine.edits import set_setting
from engine.graph import GraphError
from engine.records import Viewer

if TYPE_CHECKING:
    from app.view.frame import Frame

EVERY_MS = 100
"""So often viewers that are seen follow what changes, at most."""
BUSY_MS = 30
"""So long they may take in one go."""
ABREAST, NARROWEST = 4, 240
"""So many pinned viewers stand side by side at most, so wide at least; more are tabs of the last."""
HEIGHT, SHARE = 360, 0.36
"""The height of pinned viewers in pixels, and at most of the window."""


class Pinned(Dock):
    """A viewer of one node as a panel of its own; closing it takes the pin out."""

    def __init__(self, key: str, panel: ViewerPanel, window: Frame) -> None:
        super().__init__(f"viewer_{key}", tr("Viewer"), panel, window)
        self.key, self.panel = key, panel
        close = self.close_button
        close.clicked.disconnect()
        close.setToolTip(tr("Unpin this viewer"))
        close.setAccessibleName(tr("Unpin this viewer"))

    def show_title(self, text: str) -> None:
        """`hidden · value`, also where it is a tab."""
        self.setWindowTitle(text)
        self.setAccessibleName(text)
        self.title_label.setText(text)


class Viewing(QObject):
    """The viewers of one window. `pinned` are those of the document, by the ids they have there."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window, self.session = window, window.session
        self.panel = window.viewer_panel
        self.pinned: dict[str, Pinned] = {}
        self._choices: dict[str, Viewer] = {}
        self._clock = QElapsedTimer()
        self._waiting: list[Dock] = []
        self._timer = window.once(EVERY_MS, self._tick)
        self.panel.asked.connect(self._asked)
        self.panel.pin_asked.connect(self.pin)
        self.panel.told.connect(window.docks["viewer"].show_status)
        window.docks["viewer"].visibilityChanged.connect(self._seen)
        session = self.session
        session.opened.join(self._opened)
        session.selection_changed.join(self._follow)
        session.place_changed.join(self._follow)
        session.document_changed.join(self._document_changed)
        session.evaluated.join(self.soon)
        session.cursor_moved.join(self.soon)

    # ------------------------------------------------------------ actions

    def view(self, of: What, node_id: str | None = None) -> None:
        """Shows the value or the gradient of a node, or of the one selected last."""
        chosen = self.session.selection
        node_id = node_id or (chosen[-1] if chosen else None)
        if node_id is None:
            return
        if node_id not in chosen:
            self.session.select((node_id,))
        path = sight.path_of(self.session.place, node_id)
        viewer = self._choices.get(path, Viewer(path))
        options = {k: v for k, v in viewer.options.items() if k != BOTH}
        self._choose(replace(viewer, of=of, options=options))
        self._window.show_panel("viewer")
        self.panel.refresh()

    def pin(self) -> None:
        """What the viewer shows becomes a panel of its own, saved with the document."""
        self._follow()
        viewer = self.panel.viewer
        if viewer is None or not sight.is_there(self.session, viewer.node):
            self._window.tell(tr("there is nothing to pin yet; select a node first"))
            return
        self.panel.refresh()
        known = self.session.root.settings["viewers"]
        number = max((int(key[1:]) for key in known), default=0) + 1
        pinned = replace(viewer, kind=self.panel.kind or viewer.kind)
        name = sight.title(self.session, viewer.node)
        self._put({**known, f"v{number}": pinned}, tr("Pin viewer of {name}").format(name=name))

    def unpin(self, key: str) -> None:
        known = self.session.root.settings["viewers"]
        if key in known:
            name = self.pinned[key].windowTitle()
            left = {k: v for k, v in known.items() if k != key}
            self._put(left, tr("Unpin {name}").format(name=name))

    def _put(self, viewers: dict[str, Viewer], label: str, gesture: object | None = None) -> None:
        try:
            self.session.do_outside(set_setting("viewers", viewers), label, gesture)
        except GraphError as error:
            self._window.tell(str(error))

    # ------------------------------------------------------------ following

    def _opened(self) -> None:
        """Another document: what was looked at in the one before is forgotten."""
        self._choices.clear()
        self.panel.viewer = None

    def _follow(self) -> None:
        """The one that follows shows the node selected last; without a selection it stays."""
        session, shown = self.session, self.panel.viewer
        if session.selection:
            path = sight.path_of(session.place, session.selection[-1])
        elif shown is not None and sight.is_there(session, shown.node):
            return
        else:
            self.panel.viewer = None
            self.soon()
            return
        if shown is None or shown.node != path:
            of = shown.of if shown is not None else "value"
            self.panel.viewer = self._choices.get(path, Viewer(path, of))
            self.soon()

    def _asked(self, viewer: Viewer) -> None:
        self._choose(viewer)
        self.panel.refresh()

    def _choose(self, viewer: Viewer) -> None:
        self._choices[viewer.node] = self.panel.viewer = viewer

    def _seen(self, visible: bool) -> None:
        if visible:
            self._follow()
            self.soon()

    def soon(self) -> None:
        """Viewers that are seen show what is known now: at once, or when the last time is long ago."""
        if not self._timer.isActive():
            passed = self._clock.elapsed() if self._clock.isValid() else EVERY_MS
            self._timer.start(max(0, EVERY_MS - passed))

    def flush(self) -> None:
        """Does at once what waits."""
        self._timer.stop()
        self._clock.start()
        self._waiting = [self._window.docks["viewer"], *self.pinned.values()]
        self._show_waiting(None)

    def _tick(self) -> None:
        """As many as the window has time for; the others follow at the next turn."""
        if not self._waiting:
            self._clock.start()
            self._waiting = [self._window.docks["viewer"], *self.pinned.values()]
        self._show_waiting(BUSY_MS)
        if self._waiting:
            self._timer.start(0)

    def _show_waiting(self, milliseconds: int | None) -> None:
        busy = QElapsedTimer()
        busy.start()
        while self._waiting and (milliseconds is None or busy.elapsed() < milliseconds):
            dock = self._waiting.pop(0)
            panel = dock.widget()
            if dock.is_seen and isinstance(panel, ViewerPanel):
                panel.refresh()

    # ------------------------------------------------------------ pinned ones

    def _document_changed(self) -> None:
        """Panels are there for what is pinned in the document, and for nothing else."""
        session = self.session
        wanted = {
            key: viewer
            for key, viewer in session.root.settings["viewers"].items()
            if sight.is_there(session, viewer.node)
        }
        for key in [key for key in self.pinned if key not in wanted]:
            dock = self.pinned.pop(key)
            self._waiting = [other for other in self._waiting if other is not dock]
            self._window.removeDockWidget(dock)
            dock.hide()
            dock.deleteLater()
        for key, viewer in wanted.items():
            if key not in self.pinned:
                self._add(key)
            dock = self.pinned[key]
            dock.show_title(self._title(viewer))
            if dock.panel.viewer != viewer:
                dock.panel.show_viewer(viewer)
        self._follow()
        self.soon()

    def _title(self, viewer: Viewer) -> str:
        words = {"value": tr("value"), "gradient": tr("gradient")}
        what = tr("value and gradient") if viewer.options.get(BOTH) else words[viewer.of]
        return f"{sight.title(self.session, viewer.node)} · {what}"

    def _add(self, key: str) -> None:
        panel = ViewerPanel(self.session, pinned=True)
        dock = self.pinned[key] = Pinned(key, panel, self._window)
        panel.asked.connect(self._changed)
        panel.told.connect(dock.show_status)
        dock.close_button.clicked.connect(self._closed)
        dock.visibilityChanged.connect(self._seen)
        self._place(dock)

    def _place(self, dock: Pinned) -> None:
        """Under the canvas, side by side."""
        window, area = self._window, Qt.DockWidgetArea.BottomDockWidgetArea
        others = [
            other
            for other in self.pinned.values()
            if other is not dock and not other.isFloating() and window.dockWidgetArea(other) == area
        ]
        window.addDockWidget(area, dock)
        if len(others) >= min(ABREAST, max(1, window.pages.width() // NARROWEST)):
            window.tabifyDockWidget(others[-1], dock)
        elif others:
            window.splitDockWidget(others[-1], dock, Qt.Orientation.Horizontal)
        dock.setVisible(window.editing)
        if others and window.tabifiedDockWidgets(dock):
            dock.raise_()
        elif others:
            abreast = [*others, dock]
            window.resizeDocks(abreast, [100] * len(abreast), Qt.Orientation.Horizontal)
        else:
            height = min(HEIGHT, round(SHARE * window.height()))
            window.resizeDocks([dock], [height], Qt.Orientation.Vertical)

    def place(self) -> None:
        """The document is shown, its panels stand where they stood: those pinned take their places."""
        docks, self.pinned = dict(self.pinned), {}
        for key, dock in docks.items():
            self.pinned[key] = dock
            self._place(dock)

    def _changed(self, viewer: Viewer) -> None:
        """A person changed how a pinned one shows its node."""
        panel = self.sender()
        for key, dock in self.pinned.items():
            if dock.panel is panel:
                known = self.session.root.settings["viewers"]
                label = tr("Change viewer of {name}").format(
                    name=sight.title(self.session, viewer.node)
                )
                self._put({**known, key: viewer}, label, ("viewer", key))
                return

    def _closed(self) -> None:
        button = self.sender()
        key = next((k for k, dock in self.pinned.items() if dock.close_button is button), "")
        if key:
            self.unpin(key)

"""What the window does to step through a pass: runs to a node, stops, loops, follows the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app import stops
from app.text import tr
from app.view import settings

if TYPE_CHECKING:
    from app.view.frame import Frame


class Stepping(QObject):
    """The commands on the pass, over the parts of one window."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self.session = window.session
        self._canvas, self._transport = window.canvas, window.transport
        self.follows = settings.follows_step()
        self._elsewhere = True  # what is looked at is new: the view is not moved
        self.session.opened.join(self._look_elsewhere)
        self.session.place_changed.join(self._look_elsewhere)
        self.session.cursor_moved.join(self._follow)

    @property
    def breakpoints(self) -> stops.Breakpoints:
        return self._transport.breakpoints

    @property
    def loops(self) -> bool:
        return self._transport.loops

    def run_to_node(self) -> None:
        """To the step that computes the selected node; from there, to its gradient's last one."""
        self._transport.play(False)
        node_id = self.session.selection[-1]
        number = stops.run_to(self.session, node_id)
        if number:
            self.session.seek(number)
        else:
            name = self.session.graph.name(node_id)
            self._canvas.say_at(
                node_id, tr("no step computes {name}, and no gradient reaches it").format(name=name)
            )

    def toggle_breakpoint(self) -> None:
        self._canvas.breakpoints.toggle()

    def clear_breakpoints(self) -> None:
        self._canvas.breakpoints.clear()

    def toggle_loop(self) -> None:
        self._transport.set_loops(not self.loops)

    def toggle_follow(self) -> None:
        self.follows = not self.follows
        settings.set_follows_step(self.follows)
        self._follow()

    # ------------------------------------------------------------ following

    def _look_elsewhere(self) -> None:
        self._elsewhere = True

    def _follow(self) -> None:
        """The node at work comes into view."""
        if self._elsewhere:
            self._elsewhere = False
            return
        step = self.session.step
        if step is None or not self.follows or not self._canvas.isVisible():
            return
        node_id = self.session.evaluation.node_of(step.target or step.node)
        if node_id in self._canvas.board.nodes and not self._canvas.busy:
            self._canvas.show_node(node_id)

"""What the window does with derivatives as nodes: added, renewed, multiplied, told when they are stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QDialog

from app.marks import Badge, Mark
from app.text import pretty_name, tr
from app.view.gradient_dialog import GradientDialog
from engine import gradient_edits
from engine.derivative_records import current
from engine.gradient_graph import Derived, outer_inputs
from engine.graph import Graph, GraphError
from engine.ops.row import Array

if TYPE_CHECKING:
    from app.view.frame import Frame

PAUSE_MS = 250
LISTED = 3
"""So many derivatives are named in the title of a frame."""
OWNER = "derivatives"


@dataclass(frozen=True)
class Choice:
    """What would be differentiated; the inputs were `picked`, or are all there are."""

    output: str
    inputs: tuple[str, ...]
    picked: bool


@dataclass(frozen=True)
class _Shown:
    """The view went to new nodes, one of which is `node`: its middle and zoom before and after."""

    node: str
    before: tuple[QPointF, float]
    after: tuple[QPointF, float]


def _near(one: tuple[QPointF, float], other: tuple[QPointF, float]) -> bool:
    """Two views are the same but for rounding to pixels."""
    apart = (one[0] - other[0]).manhattanLength() * other[1]
    return apart < 4 and abs(one[1] / other[1] - 1) < 1e-3


def choice(graph: Graph, selection: Sequence[str]) -> Choice:
    """What a selection means: its last node that computes is the output, the others are the inputs.

    A derivative goes on by the input it is by. Raises GraphError.
    """
    chosen = set(selection)
    computes = [n for n in graph.order() if n in chosen and not graph.op(n).is_source]
    output = computes[-1] if computes else graph.output()
    if output is None:
        raise GraphError("there is nothing to differentiate; add an operator first")
    others = tuple(n for n in selection if n != output)
    if others:
        return Choice(output, others, True)
    if output in graph.settings["derivatives"]:
        return Choice(output, (graph.settings["derivatives"][output][1],), True)
    inputs = tuple(outer_inputs(graph, output))
    if not inputs:
        name = graph.name(output)
        raise GraphError(f"{name} depends on no input or parameter of floats; select another node")
    return Choice(output, inputs, len(inputs) == 1)


def title(names: Sequence[str]) -> str:
    """What stands over a frame of derivatives."""
    shown = ", ".join(pretty_name(name) for name in names[:LISTED])
    return f"{shown}, …" if len(names) > LISTED else shown


class Gradients(QObject):
    """The commands on derivatives of one window, and the badges at those that are stale."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self.session, self._window = window.session, window
        self.shared = True
        self.stale: tuple[str, ...] = ()
        self._known: object = None
        self._shown: list[_Shown] = []
        self._timer = window.once(PAUSE_MS, self.check)
        for event in (self.session.document_changed, self.session.place_changed):
            event.join(self._timer.start)
        self.session.document_changed.join(self._go_back)
        for event in (self.session.place_changed, self.session.opened):
            event.join(self._forget)

    @property
    def feeds(self) -> Mapping[str, Array]:
        """The arrays of data nodes; inside a module there are none."""
        return {} if self.session.place else self.session.whole.feeds

    # ------------------------------------------------------------ adding

    def differentiate(self) -> None:
        """The derivative of what is selected as nodes; asks by what where that is not clear."""
        found = self._choice()
        if found is None:
            return
        if found.picked:
            self._add(found.output, found.inputs, 1)
        else:
            self._ask(found)

    def ask(self) -> None:
        """Asks for the output, the inputs, the order and whether nodes are shared."""
        found = self._choice()
        if found is not None:
            self._ask(found)

    def _choice(self) -> Choice | None:
        try:
            return choice(self.session.graph, self.session.selection)
        except GraphError as error:
            self._window.tell(str(error))
            return None

    def _ask(self, found: Choice) -> None:
        dialog = GradientDialog(
            self._window, self.session.graph, found.output, found.inputs, self.shared, self.feeds
        )
        dialog.finished.connect(self._chosen)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog = dialog
        dialog.open()

    def _chosen(self, result: int) -> None:
        dialog = self.dialog
        if result == QDialog.DialogCode.Accepted:
            self.shared = dialog.shares
            self._add(dialog.chosen_output, dialog.chosen_inputs, dialog.chosen_order)
        self._window.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _add(self, output: str, inputs: Sequence[str], order: int) -> None:
        self.check()
        records = self.session.graph.settings["derivatives"]
        old = [n for n in self.stale if records[n] in [(output, source) for source in inputs]]
        if old and len(inputs) == order == 1:  # a second one of that name would only confuse
            self._renew(old[0])
            return

        def made(graph: Graph) -> Derived:
            return gradient_edits.added(
                graph, output, inputs, title, order=order, shared=self.shared, feeds=self.feeds
            )

        self._do(made, tr("Differentiate"))

    def hessian_product(self) -> None:
        """The Hessian times a new direction, as nodes."""
        self._multiply(gradient_edits.hessian_product, tr("Hessian-vector product"))

    def jacobian_product(self) -> None:
        """The Jacobian times a new direction, as nodes."""
        self._multiply(gradient_edits.jacobian_product, tr("Jacobian-vector product"))

    def _multiply(self, product: Callable[..., Derived], label: str) -> None:
        found = self._choice()
        if found is None:
            return
        if len(found.inputs) > 1:
            names = ", ".join(self.session.graph.name(n) for n in found.inputs[:LISTED])
            self._window.tell(
                tr("it goes along one input; select the output and one of {names}").format(
                    names=names
                )
            )
            return
        self._do(lambda g: product(g, found.output, found.inputs[0], title, self.feeds), label)

    def again(self) -> None:
        """The selected derivative made anew, or the first that is stale."""
        self.check()  # the last look may have been at another document, or before an undo
        graph = self.session.graph
        records = graph.settings["derivatives"]
        chosen = [n for n in self.session.selection if n in records] or list(self.stale)
        if not chosen:
            self._window.tell(tr("every derivative is still one; select one to make it anew"))
            return
        self._renew(chosen[0])

    def _renew(self, node_id: str) -> None:
        self._do(
            lambda g: gradient_edits.renewed(g, node_id, title, self.feeds),
            tr("Differentiate again"),
        )

    def _do(self, made: Callable[[Graph], Derived], label: str) -> None:
        """One undo step; the results are selected and seen, with their numbers."""
        session, canvas = self.session, self._window.canvas
        before = canvas.resting
        try:
            found = made(session.graph)
            if found.added:
                session.do(found.edit, label)
        except GraphError as error:
            self._window.tell(str(error))
            return
        session.select(found.results.values())
        if session.cursor < len(session.steps):  # in the middle they would have no number yet
            session.seek(len(session.steps))
        canvas.flush()
        canvas.glide_to((*found.added, *found.results.values()))
        if found.added:
            self._shown.append(_Shown(found.added[0], before, canvas.resting))
        canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        if found.note:
            self._window.tell(found.note)
        elif not found.added:
            self._window.tell(tr("that derivative is there already; it is selected now"))

    def _go_back(self) -> None:
        """What the view went to is undone: it goes back, unless it was moved to something else."""
        last = None
        while self._shown and self._shown[-1].node not in self.session.graph.nodes:
            last = self._shown.pop()
        canvas = self._window.canvas
        if last is not None and (_near(canvas.resting, last.after) or not canvas.sees_something):
            canvas.glide_back(*last.before)

    # ------------------------------------------------------------ whether they still are

    def _forget(self) -> None:
        self._known = None
        self._shown.clear()

    def check(self) -> None:
        """Badges at derivatives that are none any more, once for each change of what is computed."""
        session = self.session
        graph = session.graph
        key = (session.key, session.place, session.root.meaning)
        records = graph.settings["derivatives"]
        if self._known != (key, tuple(records)):
            self._known = key, tuple(records)
            found = current(graph, self.feeds) if records else {}
            self.stale = tuple(n for n, right in found.items() if not right)
        tip = tr("The graph has changed since; differentiate again")
        badges = {n: Badge("⚠", "warning", tip) for n in self.stale if n in graph.nodes}
        session.marks.put(OWNER, Mark(badges=badges) if badges else None)

"""Random actions from the table over random documents, with every panel open: no traceback comes, marks
name what is there, and panels show the session's numbers.

A storm is a seed. Between two checks some actions are run, steps are undone and redone, nodes selected,
modules entered and left; at a check the window has come to rest, and what each panel shows is compared
with the session, and with an evaluation of its own.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from documents import random_document
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMenu,
    QMessageBox,
)

from app import actions, sight
from app.text import pretty_name
from app.view import theme
from app.view.window import Window
from engine import examples, what_if
from engine.compose import compose
from engine.evaluate import evaluate
from engine.graph import Graph
from engine.modules import make_module
from engine.train.problem import has_parameters

PROGRAMS = (
    "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)",
    "h = tanh(x @ W + b); z = h @ V; J = mean(square(z))",
    "a = relu(x); b = log(a); c = a * b; J = c / x",
    "",
)
MATRICES = {"x": [[1.0, 2.0]], "W": [[1.0] * 3] * 2, "b": [0.0] * 3, "V": [[1.0]] * 3}
# What leaves the document is done on purpose.
LEFT_OUT = {"file.new", "file.start", "file.quit"}
# A training has tests of its own; without parameters these have a sentence to say.
STARTS = {
    "train.train", "train.step", "train.epoch", "train.race", "train.restarts", "train.rates",
}  # fmt: skip
WILD = [a for a in actions.ACTIONS if a.id not in LEFT_OUT]
EXPLAINING = [a for a in WILD if a.menu in ("Explain", "Step", "Train")]
LARGEST = 60


class Storm:
    """Random actions of one seed; `log` says what was done."""

    def __init__(self, window: Window, seed: int) -> None:
        self.window, self.session = window, window.session
        self.rng = random.Random(seed)
        self.log: list[str] = []

    def one(self) -> None:
        """Something a person does."""
        kind = self.rng.choices(
            (self.action, self.explain, self.select, self.undo, self.go, self.seek),
            (8, 8, 6, 3, 2, 2),
        )[0]
        self.log.append(kind.__name__)
        kind()
        self.close_what_asks()
        if len(self.session.graph.nodes) > LARGEST:
            self.session.select(list(self.session.graph.nodes)[20:])
            self.window.commands.run("edit.delete")

    def _run(self, listed: list[actions.Action]) -> None:
        idle = not has_parameters(self.session.root)
        able = [a for a in listed if a.enabled(self.window) and (idle or a.id not in STARTS)]
        if able:
            action = self.rng.choice(able)
            self.log[-1] = action.id
            self.window.commands.by_id[action.id].trigger()

    def action(self) -> None:
        self._run(WILD)

    def explain(self) -> None:
        self._run(EXPLAINING)

    def select(self) -> None:
        nodes = list(self.session.graph.nodes)
        self.session.select(
            self.rng.sample(nodes, min(len(nodes), self.rng.choice((0, 1, 1, 1, 2))))
        )

    def undo(self) -> None:
        history = self.session.history
        step = self.rng.choice((history.undo, history.undo, history.redo))
        for _ in range(self.rng.randrange(1, 6)):
            step()

    def go(self) -> None:
        """Into a module, or out of one."""
        session = self.session
        instances = [n for n in session.graph.nodes if session.graph.op(n).definition is not None]
        if instances and self.rng.random() < 0.7:
            session.enter(self.rng.choice(instances))
        else:
            session.leave()

    def seek(self) -> None:
        self.session.seek(self.rng.randint(0, len(self.session.steps)))

    def close_what_asks(self) -> None:
        """Boxes, dialogs and menus are left again, some with what they offer."""
        window = self.window
        for _ in range(3):
            for widget in QApplication.topLevelWidgets():
                if (
                    widget is not window
                    and widget.isVisible()
                    and isinstance(widget, QDialog | QMenu)
                ):
                    offered = isinstance(widget, QDialog) and self.rng.random() < 0.5
                    widget.accept() if offered and isinstance(widget, QDialog) else widget.close()
        focus = QApplication.focusWidget()
        if focus is not None and focus is not window.canvas:
            QTest.keyClick(focus, Qt.Key.Key_Escape)
        window.canvas.setFocus()
        QApplication.processEvents()


# ------------------------------------------------------------ what has to hold


def rest(window: Window) -> None:
    """Waits until nothing is to be done any more."""
    window.play(False)
    window.what_if.end()
    window.canvas.flush()
    until = time.perf_counter() + 20
    while _waits(window):
        assert time.perf_counter() < until, "the window does not come to rest"
        QTest.qWait(5)
    window.viewing.flush()


def _waits(window: Window) -> bool:
    """Whether a timer runs that stands for work still to be done; a notice only goes away."""
    return any(t.isActive() and t.interval() < 900 for t in window.findChildren(QTimer))


def same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return np.shape(one) == np.shape(other) and np.array_equal(one, other, equal_nan=True)


def check(window: Window) -> None:
    """At rest: everything that is seen is about the document, the place and the step."""
    for part in (
        check_marks, check_evaluation, check_trace, check_inspector, check_viewers, check_what_if,
        check_why,
    ):  # fmt: skip
        part(window)


def check_marks(window: Window) -> None:
    graph, marks = window.session.graph, window.session.marks.all
    assert {*marks.notes, *marks.badges} <= set(graph.nodes)
    assert {*marks.wires, *marks.lit} <= set(graph.links)


def check_evaluation(window: Window) -> None:
    session = window.session
    fresh = evaluate(session.root, session.whole.feeds)
    for kind in ("values", "gradients"):
        shown, new = getattr(session.whole, kind), getattr(fresh, kind)
        assert set(shown) == set(new), kind
        assert all(same(shown[n], new[n]) for n in new), kind


def check_trace(window: Window) -> None:
    session, model = window.session, window.trace.model
    cells = [model.index(r, c) for c in (0, 1) for r in range(model.rowCount())]
    texts = [str(cell.data()) for cell in cells if cell.data() is not None]
    assert texts == [step.text for step in session.steps]
    assert all(0 < number <= len(session.steps) for number in window.trace.found)
    step = session.step
    if step is not None:
        assert f" {step.number} of {len(texts)} " in window.explanation.where.text()


def check_inspector(window: Window) -> None:
    session, panel = window.session, window.inspector
    if panel.node is None or panel.numbers is None or not panel.isVisible():
        return
    assert panel.name.text() == session.graph.name(panel.node)
    for label, array in (
        (panel.numbers.value, session.shown_value(panel.node)),
        (panel.numbers.gradient, session.shown_gradient(panel.node)),
    ):
        if array is None:
            assert label.text() == "–"
        elif not array.ndim:
            assert label.text().split(" ")[0] == theme.number_text(float(array))


def check_viewers(window: Window) -> None:
    session, pinned = window.session, window.viewing.pinned
    assert set(pinned) == {
        key
        for key, v in session.root.settings["viewers"].items()
        if sight.is_there(session, v.node)
    }
    for panel in (window.viewer_panel, *(dock.panel for dock in pinned.values())):
        viewer = panel.viewer
        if viewer is None or not panel.isVisible():
            continue
        assert sight.is_there(session, viewer.node)
        for of, slot in panel.slots.items():
            if slot.isHidden():
                continue
            array = sight.number(session, viewer.node, of)
            if array is None:
                assert slot.message.text() == sight.why_none(session, viewer.node, of)
            else:
                assert slot.view is not None and slot.view.shown is not None
                assert same(slot.view.shown.array, array)
                assert slot.view.shown.name == sight.label(session, viewer.node, of)


def check_what_if(window: Window) -> None:
    session, panel, trial = window.session, window.what_if_panel, window.what_if.trial
    assert trial is None or trial.place == session.place
    if not panel.isVisible() or panel.stack.currentIndex():
        return
    gradients = session.evaluation.gradients
    for row in panel.table.model_.rows:
        assert same(row.value, what_if.number(session.graph, row.handle))
        if not row.handle.port:
            whole = gradients[row.handle.node]
            assert same(row.found.steepest, float(whole[row.handle.entry]))
            expected = float(np.linalg.norm(whole)) if whole.ndim else float(whole)
            assert row.found.gradient == pytest.approx(expected, nan_ok=True)
    output = session.root.output()
    assert panel.cells["output"][0].text() == pretty_name(session.root.name(str(output)))


def check_why(window: Window) -> None:
    session, panel = window.session, window.why_panel
    paths = panel.lens.paths
    if not panel.isVisible() or paths is None:
        return
    target = panel.lens.target
    assert target is not None and paths.target == target
    if panel.lens.loss is None and paths.gradient is not None:
        assert same(paths.gradient, session.whole.gradients.get(target, 0.0))


# ------------------------------------------------------------ storms


def beginning(seed: int) -> Graph:
    """A formula, an example with data and modules, or edits made at random."""
    kind = seed % 7
    if kind == 6:
        return examples.load("xor")
    if kind < len(PROGRAMS):
        text = PROGRAMS[kind]
        return compose(text, MATRICES if "W" in text else None, default=0.5) if text else Graph()
    return random_document(seed) if kind == 4 else with_modules()


def with_modules() -> Graph:
    """The second program with its first part as a module, used twice."""
    held = {name: MATRICES[name] for name in ("x", "W", "b")}
    graph = compose("h = tanh(x @ W + b); J = mean(square(h))", held)
    chosen = [n for n in graph.nodes if graph.name(n) not in ("x", "J")]
    edit, _ = make_module(graph, chosen, "Layer")
    edit.apply(graph)
    return graph


def open_panels(window: Window) -> None:
    """Every panel is seen at once; those that share a place stand by themselves."""
    window.show_editor()
    for name, dock in window.docks.items():
        dock.setFloating(bool(actions.PANELS[name].beside))
        dock.show()
    assert set(window.docks) == set(actions.PANELS)
    QApplication.processEvents()
    unseen = [name for name, dock in window.docks.items() if not dock.widget().isVisible()]
    assert not unseen


def blow(window: Window, seed: int, count: int, every: int = 10) -> int:
    """One storm; returns how many undo steps it left."""
    window.session.load(beginning(seed))
    open_panels(window)
    storm = Storm(window, seed)
    for number in range(count):
        try:
            storm.one()
            if number % every == every - 1:
                rest(window)
                check(window)
        except BaseException:
            print(f"\nseed {seed}, action {number}: {storm.log[-12:]}")
            raise
    return len(window.session.history.labels)


@pytest.fixture
def still(window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A window whose questions are answered by nobody, and whose files are not chosen."""
    QApplication.clipboard().clear()
    for kind in (QDialog, QMessageBox):
        monkeypatch.setattr(kind, "exec", lambda box: 0)
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *given, **named: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *given, **named: ("Part", True))
    yield window
    window.session.load(Graph())


@pytest.mark.parametrize("seed", range(7))
def test_a_storm_of_actions(still: Window, seed: int) -> None:
    blow(still, seed, 30)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_storm_of_ten_thousand_actions(still: Window) -> None:
    first, count = int(os.environ.get("GRADLOOM_STORM", "100")), 33
    steps = sum(blow(still, seed, 300) for seed in range(first, first + count))
    print(f"\n{300 * count:,} actions, {steps:,} undo steps")
    assert steps > 1_000

"""Everything of the studio at random: trainings, moments, runs, panels and their controls, edits, other
documents, names and themes. No traceback comes, and at rest panels show what their probes say of the
moment that is looked at.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import layered, network
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QMenu,
    QMessageBox,
    QToolButton,
)

from app import actions
from app.session import Session
from app.text import sentence
from app.view import dialogs
from app.view.studio import Moment, StudioPanel
from app.view.window import Window
from engine import edits, examples, files
from engine.compose import compose
from engine.graph import Graph, GraphError
from engine.modules import make_module
from engine.probes import PROBES
from engine.train.scene import Scene

DOCUMENTS = (
    "xor", "circle", "line", "autoencoder", "softmax-digits", "worked-example", "empty", "module", "nan",
)  # fmt: skip
TRAIN = [a for a in actions.ACTIONS if a.menu == "Train"]
# What a panel keeps besides its moment is not compared: losses of a run, planes, several moments.
COMPARED = ("metrics", "regions", "curve", "reconstructions", "latent", "units")


def beginning(name: str) -> Graph:
    rng = np.random.default_rng(5)
    if name == "circle":
        x = rng.uniform(-2, 2, (80, 2))
        y = ((x**2).sum(axis=1) < 2).astype(np.int64)[:, None]
        program, parameters = layered("tanh", [2, 6, 1])
        program += "\nloss = bce_with_logits(out, y)"
        return network(program, x, y, parameters, batch_size=10)
    if name == "line":
        x = np.linspace(-2, 2, 40)[:, None]
        program, parameters = layered("tanh", [1, 6, 1])
        return network(f"{program}\nloss = mse(out, y)", x, np.sin(x), parameters)
    if name == "autoencoder":
        x = rng.uniform(0, 1, (40, 16))
        parameters = {"E": rng.standard_normal((16, 3)) / 4, "D": rng.standard_normal((3, 16))}
        program = "c = tanh(x @ E)\nr = c @ D\nloss = mse(r, x)\nv = y"
        return network(program, x, np.arange(40) % 4, parameters)
    if name in examples.names():
        return examples.load(name)
    if name == "module":
        graph = compose("h = tanh(x @ W + b); J = mean(square(h))", MATRICES)
        chosen = [n for n in graph.nodes if graph.name(n) not in ("x", "J")]
        edit, _ = make_module(graph, chosen, "Layer")
        edit.apply(graph)
        return graph
    if name == "nan":
        return compose(
            "h = log(x @ W); J = mean(square(h))", {"x": [[1.0, -2.0]], "W": [[1.0], [1.0]]}
        )
    return Graph()


MATRICES = {"x": [[1.0, 2.0]], "W": [[0.5] * 3] * 2, "b": [0.0] * 3}


class Storm:
    """Random deeds of one seed; `log` says what was done, `spent` the window's own seconds for it."""

    def __init__(self, window: Window, seed: int, folder: Path) -> None:
        self.window, self.session, self.folder = window, window.session, folder
        self.rng = random.Random(seed)
        self.log: list[str] = []
        self.spent: dict[str, float] = {}

    def one(self) -> None:
        deeds: dict[Callable[[], str], int] = {
            self.train: 8, self.look: 6, self.runs: 4, self.panel: 6, self.turn: 8, self.edit: 4,
            self.undo: 2, self.document: 2, self.save: 2, self.place: 2, self.theme: 1, self.wait: 6,
        }  # fmt: skip
        deed = self.rng.choices(list(deeds), list(deeds.values()))[0]
        begin = time.thread_time()
        self.log.append(deed.__name__)
        name = f"{deed.__name__} {deed() or ''}"
        self.log[-1] = name
        self._close_what_asks()
        QApplication.processEvents()
        self.spent[name] = max(self.spent.get(name, 0.0), time.thread_time() - begin)

    # ------------------------------------------------------------ deeds

    def train(self) -> str:
        able = [a for a in TRAIN if a.enabled(self.window)]
        if not able:
            return "nothing"
        action = self.rng.choice(able)
        self.window.commands.by_id[action.id].trigger()
        return action.id

    def look(self) -> str:
        travel = self.window.travel
        entries = travel.runs.entries
        if not entries:
            return "no runs"
        entry = self.rng.choice(entries)
        deed = self.rng.choice(("go", "go", "go", "choose", "back", "drag"))
        if deed == "go":
            travel.go(entry.number, self.rng.randrange(200))
        elif deed == "choose":
            travel.choose(entry.number)
        elif deed == "back":
            travel.back()
        else:
            scrubber = self.window.studio.panels["curves"].scrubber  # type: ignore[attr-defined]
            if scrubber.isVisible():
                at = scrubber.rect().center()
                at.setX(self.rng.randrange(max(scrubber.width(), 1)))
                QTest.mouseClick(scrubber, Qt.MouseButton.LeftButton, pos=at)
        return deed

    def runs(self) -> str:
        travel = self.window.travel
        if not travel.runs.entries:
            return "none"
        number = self.rng.choice(travel.runs.entries).number
        deed = self.rng.choice(
            ("show", "rename", "pin", "take_run", "open_run", "go_on", "remove_run", "vanish")
        )
        if deed == "show":
            travel.runs.show(number, self.rng.random() < 0.5)
        elif deed == "rename":
            travel.change(lambda: travel.runs.rename(number, f"a <b> {number}"))
        elif deed == "pin":
            travel.change(lambda: travel.runs.pin(number, self.rng.random() < 0.5))
        elif deed == "vanish":  # another program removed it
            entry = travel.runs.of(number)
            if entry is not None and not entry.is_live and travel.home is not None:
                shutil.rmtree(travel.home / str(number), ignore_errors=True)
        else:
            if deed == "open_run":
                self.session.history.mark_saved()
            getattr(travel, deed)(number)
        return deed

    def panel(self) -> str:
        name = self.rng.choice([*self.window.studio.panels, "data", "recipe", "training"])
        self.window.toggle_panel(name)
        return name

    def turn(self) -> str:
        panels = [p for p in self.window.studio.panels.values() if p.isVisible()]
        if not panels:
            return "nothing"
        panel = self.rng.choice(panels)
        if self.rng.random() < 0.3:  # the mouse goes over it, and clicks
            for child in panel.findChildren(type(panel.body)):
                opens = isinstance(
                    child, QToolButton | QComboBox
                )  # a list that waits for an answer
                if child.isVisible() and not opens and self.rng.random() < 0.2:
                    at = child.rect().center()
                    at.setX(self.rng.randrange(max(child.width(), 1)))
                    QTest.mouseClick(child, Qt.MouseButton.LeftButton, pos=at)
                    self._close_what_asks()
            return f"{panel.name} mouse"
        controls = panel.controls
        ways: list[tuple[str, Any]] = [
            *(("choice", c) for c in controls.choices.values() if c.isVisible() and c.count()),
            *(("index", s) for s in controls.indices.values() if s.isVisible()),
            *(("tick", t) for t in controls.ticks.values() if t.isVisible()),
        ]
        if not ways:
            return f"{panel.name} nothing"
        kind, widget = self.rng.choice(ways)
        if kind == "choice":
            widget.setCurrentIndex(self.rng.randrange(widget.count()))
            widget.activated.emit(widget.currentIndex())
        elif kind == "index":
            widget.setValue(self.rng.randint(widget.minimum(), min(widget.maximum(), 50)))
        else:
            widget.toggle()
        return f"{panel.name} {widget.objectName()}"

    def edit(self) -> str:
        root, rng = self.session.root, self.rng
        stage = rng.randrange(len(root.recipe.stages))
        deed = rng.choice(
            ("delete", "parameter", "nan", "rate", "batch", "source", "shape", "select")
        )
        changed: edits.Edit | None = None
        parameters = [n for n in root.of_op("parameter") if n in root.tensors]
        if deed == "delete" and root.nodes:
            self.session.go(())
            self.session.select([rng.choice(list(root.nodes))])
            self.window.commands.run("edit.delete")
        elif deed in ("parameter", "nan", "shape") and parameters:
            node = rng.choice(parameters)
            value = root.tensors[node].copy()
            if deed == "nan":
                value[...] = np.nan
            elif deed == "shape":
                value = np.ones((*value.shape, 2), value.dtype)
            else:
                value += 0.25
            changed = edits.set_tensors({node: value})
        elif deed == "rate":
            changed = edits.set_recipe(root, stage, learning_rate=rng.choice((1e-3, 0.1, 1e6)))
        elif deed == "batch":
            changed = edits.set_recipe(root, stage, batch_size=rng.choice((0, 1, 7, 32)))
        elif deed == "source" and root.sources:
            name = rng.choice(list(root.sources))
            source = replace(root.sources[name], validation=rng.choice((0.0, 0.25, 0.5)))
            changed = edits.set_source(name, source)
        elif root.nodes:
            nodes = list(self.session.graph.nodes)
            self.session.select(rng.sample(nodes, min(len(nodes), rng.choice((0, 1, 3)))))
        if changed is not None:
            try:
                self.session.do_outside(changed, deed)
            except GraphError:
                deed += " refused"
        return deed

    def undo(self) -> str:
        history = self.session.history
        for _ in range(self.rng.randrange(1, 5)):
            self.rng.choice((history.undo, history.undo, history.redo))()
        return ""

    def document(self) -> str:
        """Another one, in any state."""
        self.session.history.mark_saved()
        if self.rng.random() < 0.15:
            self.window.start_page()
            return "start page"
        name = self.rng.choice(DOCUMENTS)
        path = self.folder / f"{name}.gloom"
        if self.rng.random() < 0.5:
            if not path.exists():
                files.write(beginning(name), path)
            self.window.open(path)
        else:
            self.window.documents.open_graph(beginning(name), name)
        return name

    def save(self) -> str:
        path = self.folder / f"kept{self.rng.randrange(4)}.gloom"
        self.window.documents.write(path)
        return path.name

    def place(self) -> str:
        session = self.session
        inner = [n for n in session.graph.nodes if session.graph.op(n).definition is not None]
        if inner and self.rng.random() < 0.7:
            session.enter(self.rng.choice(inner))
            return "in"
        session.leave()
        return "out"

    def theme(self) -> str:
        self.rng.choice((self.window.toggle_theme, self.window.toggle_colours))()
        return ""

    def wait(self) -> str:
        QTest.qWait(self.rng.choice((0, 20, 60, 200)))
        return ""

    def _close_what_asks(self) -> None:
        for widget in QApplication.topLevelWidgets():
            asks = isinstance(widget, QDialog | QMenu)
            if widget is not self.window and widget.isVisible() and asks:
                widget.close()


# ------------------------------------------------------------ what has to hold


def rest(window: Window, seconds: float = 60.0) -> None:
    """Waits until training, sweeps and questions are over."""
    window.bridge.pause()
    window.comparing.stop()
    window.what_if.end()
    until = time.monotonic() + seconds
    while (
        window.bridge.running
        or window.comparing.running
        or window.studio._asked
        or window.studio._tick.isActive()
    ):
        assert time.monotonic() < until, "the studio does not come to rest"
        QTest.qWait(10)


def check(window: Window) -> None:
    session, studio = window.session, window.studio
    travel = window.travel
    assert (studio.past is None) == (travel.past is None)
    assert set(session.held) == set(studio.past.parameters if studio.past is not None else ())
    shown = window.pages.currentWidget() is window.editor
    assert travel.chip.isHidden() == (travel.past is None) or not shown
    for name in COMPARED:
        panel = studio.panels[name]
        if panel.isVisible():
            same_as_probe(panel, session, studio.moment)


def same_as_probe(panel: StudioPanel, session: Session, moment: Moment) -> None:
    options = panel.options()
    if options is None:
        return
    says = panel.pages.currentWidget() is panel.message
    try:
        scene = Scene(session.root, session.base)
        scene.at(moment.parameters, moment.step)
        wanted = PROBES[panel.probe].answer(scene, **options)
    except ValueError as error:
        assert says and panel.message.text() == sentence(str(error)), panel.name
        return
    assert not says, (panel.name, panel.message.text())
    same(panel.shown, wanted, panel.name)  # type: ignore[attr-defined]


def same(one: Any, other: Any, where: str) -> None:
    """Equal, arrays and records entry by entry."""
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            same(a, b, f"{where}.{field.name}")
    elif isinstance(one, np.ndarray | float):
        assert np.allclose(one, other, rtol=1e-6, atol=1e-9, equal_nan=True), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            same(one[key], other[key], f"{where}[{key}]")
    elif isinstance(one, tuple | list):
        assert len(one) == len(other), where
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{where}[{number}]")
    else:
        assert one == other, where


# ------------------------------------------------------------ storms


@pytest.fixture
def still(window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A window whose questions are answered with yes, and whose files are not chosen."""
    for kind in (QDialog, QMessageBox):
        monkeypatch.setattr(kind, "exec", lambda box: 0)
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *given, **named: ("", ""))
    monkeypatch.setattr(dialogs, "ask_remove_run", lambda *given: True)
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *given: "discard")
    yield window
    window.session.load(Graph())


def blow(window: Window, seed: int, folder: Path, count: int, every: int = 20) -> Storm:
    storm = Storm(window, seed, folder)
    window.documents.open_graph(beginning(DOCUMENTS[seed % len(DOCUMENTS)]), "storm")
    for panel in window.studio.panels:
        if storm.rng.random() < 0.5:
            window.show_panel(panel)
    for number in range(count):
        try:
            storm.one()
            if number % every == every - 1:
                rest(window)
                check(window)
        except BaseException:
            print(f"\nseed {seed}, deed {number}: {storm.log[-25:]}")
            raise
    return storm


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_a_storm_over_the_studio(still: Window, tmp_path: Path, seed: int) -> None:
    blow(still, seed, tmp_path, 30)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_long_storm_over_the_studio(still: Window, tmp_path: Path) -> None:
    first, count = (int(v) for v in os.environ.get("GRADLOOM_STUDIO_STORM", "100,40").split(","))
    for seed in range(first, first + count):
        storm = blow(still, seed, tmp_path, 60)
        slow = sorted(storm.spent.items(), key=lambda item: -item[1])[:4]
        print(seed, "; ".join(f"{name} {1000 * s:.0f} ms" for name, s in slow), flush=True)

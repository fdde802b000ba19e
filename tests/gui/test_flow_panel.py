"""The panel of gradient flow: its bars are the probe's numbers, its verdict is marked and selects."""

from __future__ import annotations

import numpy as np
import pytest
from hands import LEFT, PLAIN
from networks import layered, network
from playground import gauss, playground, spiral
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.messages import Progress
from app.view.studio import Moment
from app.view.studio.flow import OWNER, FlowPanel
from app.view.studio.past import LIMIT, Past
from app.view.studio.verdicts import VerdictBox
from app.view.window import Window
from engine import modules
from engine.graph import Graph
from engine.probes.flow import flow
from engine.train.scene import Scene
from engine.train.session import Training
from engine.train.trouble import Verdict

RANDOM = np.random.default_rng(3)
X = RANDOM.standard_normal((60, 4))
Y = np.sin(X @ RANDOM.standard_normal((4, 1)))


def document(activation: str = "tanh", dead: bool = False) -> Graph:
    program, start = layered(activation, [4, 8, 6, 1], 1.4)
    if dead:
        start["b1"][:6] = -1e3
    return network(program + "\nloss = mse(z, y)", X, Y, start, learning_rate=0.01)


def shown(window: Window, qtbot: QtBot, graph: Graph) -> FlowPanel:
    window.session.load(graph)
    window.show_panel("flow")
    panel = window.studio.panels["flow"]
    assert isinstance(panel, FlowPanel)
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=20_000)
    return panel


def test_bars_are_the_moments_numbers_and_the_past_stays(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, document())
    training = Training(window.session.root)
    for step in (20, 40, 60):
        training.run(20)
        window.studio.now = Moment(step, training.parameters())
        window.studio._move()
        qtbot.waitUntil(lambda s=step: panel.past.items[-1][0] == s, timeout=20_000)  # type: ignore[misc]
    scene = Scene(window.session.root)
    scene.at(training.parameters(), 60)
    wanted = flow(scene)
    assert [bar.name for bar in panel.bars.bars] == [part.name for part in wanted.parts]
    assert [bar.value for bar in panel.bars.bars] == [part.rms for part in wanted.parts]
    assert [step for step, _ in panel.past.items] == [0, 20, 40, 60]
    assert len(panel.bars.bars[0].past) == 4
    panel._turned("of", "whole")
    assert panel.bars.bars[0].value == wanted.parts[0].norm
    assert "healthy" in panel.verdict.buttons[0].text()
    assert window.session.marks.of(OWNER) is None
    # a moment of the past is shown, and is no part of what was
    window.studio.look(Moment(10, window.studio.now.parameters))
    qtbot.waitUntil(
        lambda: not window.studio._asked and not window.studio._stale & {"flow"}, timeout=20_000
    )
    assert [step for step, _ in panel.past.items] == [0, 20, 40, 60]
    window.studio.look(None)


def test_losses_are_those_of_the_stage_at_work(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, document())
    window.studio.now = Moment(40, Training(window.session.root).parameters())
    points = tuple((step, 1.0 / step) for step in range(1, 41))
    panel._hear(Progress("running", 15, points=points[:15]))
    assert panel.options()["losses"] == list(points[:15])
    panel._hear(Progress("running", 40, points=points[15:], stage=1, begun=20))
    assert panel.options()["losses"] == list(points[20:])


def test_a_verdict_marks_its_nodes_and_a_click_selects_them(window: Window, qtbot: QtBot) -> None:
    panel = shown(window, qtbot, document("relu", dead=True))
    h1 = str(window.session.graph.id_of("h1"))
    verdict = panel.verdict.shown
    assert verdict is not None and verdict.name == "dead units"
    mark = window.session.marks.of(OWNER)
    assert mark is not None and mark.badges[h1].tip == verdict.sentence
    QTest.mouseClick(panel.verdict.buttons[0], LEFT, PLAIN)
    assert window.session.selection == tuple(verdict.nodes)
    row = panel.bars.rect_of(str(window.session.graph.id_of("W2"))).center().toPoint()
    QTest.mouseClick(panel.bars, LEFT, PLAIN, row)
    assert window.session.selection == (window.session.graph.id_of("W2"),)
    QTest.keyClick(panel.bars, Qt.Key.Key_Up)
    assert window.session.selection == (window.session.graph.id_of("h1"),)
    window.toggle_panel("flow")
    assert window.session.marks.of(OWNER) is None
    window.show_panel("flow")
    qtbot.waitUntil(lambda: window.session.marks.of(OWNER) is not None, timeout=20_000)
    window.documents.open_example("worked-example")
    assert window.session.marks.of(OWNER) is None


def test_inside_a_module_its_nodes_are_marked(window: Window, qtbot: QtBot) -> None:
    graph = document("relu", dead=True)
    inner = [str(graph.id_of(n)) for n in ("W1", "b1", "a1", "h1")]
    product = graph.links[str(graph.id_of("a1")), "a"]
    modules.make_module(graph, [*inner, str(product)], "layer")[0].apply(graph)
    panel = shown(window, qtbot, graph)
    mark = window.session.marks.of(OWNER)
    assert mark is not None
    instance = next(iter(mark.badges))
    assert window.session.graph.op(instance).definition is not None
    assert window.session.enter(instance)
    inside = window.session.marks.of(OWNER)
    assert inside is not None
    assert {window.session.graph.name(n) for n in inside.badges} == {"h1"}
    assert panel.verdict.shown is not None


def test_a_document_without_a_loss_is_a_sentence(window: Window, qtbot: QtBot) -> None:
    window.session.load(Graph())
    window.show_panel("flow")
    panel = window.studio.panels["flow"]
    assert isinstance(panel, FlowPanel)
    qtbot.waitUntil(lambda: "nothing to minimise" in panel.message.text() or
                    "parameter" in panel.message.text(), timeout=20_000)  # fmt: skip
    assert window.session.marks.of(OWNER) is None


@pytest.mark.parametrize(("rate", "wanted"), [(10.0, "Dead units: "), (0.03, "")])
def test_a_training_that_came_to_little_says_why(
    window: Window, qtbot: QtBot, rate: float, wanted: str
) -> None:
    """Although the panel is not open; a training that learns is not commented on."""
    data = spiral if wanted else gauss
    window.session.load(playground(data, "relu", [4, 2], learning_rate=rate, epochs=40))
    window.train()
    qtbot.waitUntil(
        lambda: not window.bridge.running and window.bridge.last is not None, timeout=30_000
    )
    panel = window.training_panel
    if wanted:
        qtbot.waitUntil(lambda: panel.message.text().startswith(f"⚠ {wanted}"), timeout=20_000)
        assert "slope 0 on all 250 rows" in panel.message.text()
    else:
        qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=20_000)
        assert panel.message.isHidden()
    assert window.session.marks.of(OWNER) is None


def test_the_past_is_bounded_and_in_order() -> None:
    past: Past[int] = Past()
    for step in range(0, 100_000, 7):
        past.add(step, step)
        assert len(past.items) <= LIMIT
    steps = [step for step, _ in past.items]
    assert steps == sorted(set(steps)) and steps[0] == 0 and steps[-1] == 99_995
    gaps = np.diff(steps[:-1])
    assert gaps.max() <= 4 * gaps.min()
    past.add(500, 500)  # training began again from there
    assert [s for s, _ in past.items][-1] == 500
    assert all(s < 500 for s, _ in past.items[:-1])


def test_the_name_that_is_lit_is_that_of_the_sentence(qtbot: QtBot) -> None:
    box = VerdictBox()
    qtbot.addWidget(box)
    box.resize(300, 90)
    box.show()
    names = ("vanishing", "saturated", "dead units", "no progress")
    told = {name: Verdict(name, f"about {name}") for name in names}

    def lit() -> list[str]:
        return [b.text() for b in box.buttons if b.isVisible() and b.isChecked()]

    box.show_verdicts([told["vanishing"], told["saturated"]])
    box.show_verdicts(list(told.values())[::-1])  # nobody chose: the most telling one is shown
    assert lit() == ["no progress"] and box.sentence.text() == "about no progress"
    box.show_verdicts(list(told.values()))
    QTest.mouseClick(box.buttons[1], LEFT, PLAIN)
    assert lit() == ["saturated"] and box.sentence.text() == "about saturated"
    box.show_verdicts([told[n] for n in ("no progress", "dead units", "vanishing", "saturated")])
    assert lit() == ["saturated"] and box.sentence.text() == "about saturated"
    box.resize(90, 90)
    assert lit() == ["saturated"] and box.more.text().startswith("+")
    QTest.mouseClick(box.buttons[0], LEFT, PLAIN)
    assert lit() == ["saturated"]
    box.show_verdicts([told["dead units"]])
    assert lit() == ["dead units"] and box.sentence.text() == "about dead units"

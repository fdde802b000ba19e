"""What the canvas shows of a step: the term on its wire, the sum at a fan-out, numbers on their way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hands import WORKED, Open, drag, middle, node
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.canvas import Canvas
from app.view.canvas.wire_item import WireItem
from engine.compose import compose
from engine.modules import make_module
from engine.rewiring import add_dot

T, SEED = 0.25, 0.9974
U = math.sin(T) + 3 * T
TERMS = -math.sin(U) * math.cos(T), -math.sin(U) * 3


def text(number: float) -> str:
    """Four digits with a true minus, written independently of the program."""
    return f"{number:.4g}".replace("-", "−")


def at(canvas: Canvas, cursor: int) -> None:
    canvas.session.seek(cursor)
    canvas.flush()


def wire(canvas: Canvas, name: str, port: str) -> WireItem:
    found = canvas.board.wires[node(canvas, name), port]
    assert found.face is not None
    return found


def test_a_sum_is_shown_term_by_term_on_wire_and_node(opened: Open) -> None:
    canvas = opened(WORKED)
    t, sum_of = node(canvas, "t"), canvas.board.step_layer
    at(canvas, 9)
    assert sum_of.sum == ("", ""), "no fan-out: the wire says it all"
    at(canvas, 10)
    first = text(TERMS[0])
    assert sum_of.sum == (t, f"{first} · term 1 of 2")
    shown = wire(canvas, "u1", "x").face
    assert (shown.gradient, shown.step) == (first, "backward")
    assert canvas.board.nodes[t].face.gradient == f"{first} …"
    at(canvas, 11)
    assert sum_of.sum == (t, f"{TERMS[1]:.3f} → {sum(TERMS):.3f}".replace("-", "−"))
    assert wire(canvas, "u1", "x").face.step == ""
    assert canvas.board.nodes[t].face.gradient == f"{sum(TERMS):.3f}".replace("-", "−")
    at(canvas, 10)
    assert sum_of.sum == (t, f"{first} · term 1 of 2"), "and back"
    at(canvas, 0)
    assert sum_of.sum == ("", "")


def test_what_is_added_has_a_sign_while_it_is(opened: Open) -> None:
    canvas = opened("a = x * 2; J = a * 3 + a * 4 + a")
    steps = canvas.session.steps
    of_a = [s.number for s in steps if s.target == node(canvas, "a")]
    seen = []
    for number in of_a:
        at(canvas, number)
        seen.append(canvas.board.step_layer.sum[1])
    values = [float(steps[n - 1].value) for n in of_a]
    assert sorted(values) == [1, 3, 4]
    assert seen == [
        f"+{values[0]:g} · term 1 of 3",
        f"+{values[1]:g} → {values[0] + values[1]:g} …",
        f"+{values[2]:g} → 8",
    ]
    at(canvas, of_a[1])
    travelled = canvas.board.travelled()
    assert len(travelled) == 1 and travelled[0].face.gradient == f"+{values[1]:g}"
    at(canvas, of_a[2])
    assert travelled[0].face.gradient == f"{values[1]:g}", "later it is what was passed"


def test_tensors_say_their_shape_and_which_term_it_is(opened: Open) -> None:
    graph = compose("a = tanh(x); J = sum(a * a) + mean(a)", {"x": np.ones((2, 3))})
    canvas = opened("", graph)
    a = node(canvas, "a")
    number = [s.number for s in canvas.session.steps if s.target == a][1]
    at(canvas, number)
    terms = len(canvas.session.steps[number - 1].terms)
    assert canvas.board.step_layer.sum == (a, f"+ [2×3] · term 2 of {terms}")
    assert [w.face.gradient for w in canvas.board.travelled()] == ["+ [2×3]"]


def test_through_a_dot_the_whole_way_is_travelled_and_the_term_said_once(opened: Open) -> None:
    canvas = opened(WORKED)
    edit, dot = add_dot(canvas.session.graph, [(node(canvas, "u1"), "x")], (300.0, 40.0))
    canvas.session.do(edit, "Dot")
    at(canvas, 10)
    found = {w.key[0]: w.face for w in canvas.board.travelled()}
    assert found.keys() == {dot, node(canvas, "u1")}
    assert sorted(f.gradient for f in found.values()) == ["", text(TERMS[0])]


def test_a_sum_inside_of_a_module_is_not_told_of_the_module(opened: Open) -> None:
    canvas = opened("a = x^2; b = sin(a); c = b * a; J = c + 1")
    session = canvas.session
    ids = [node(canvas, n) for n in ("a", "b", "c")]
    session.do(make_module(session.graph, ids, "Part")[0], "Make module")
    canvas.flush()
    inside = []
    for number in range(1, len(session.steps) + 1):
        at(canvas, number)
        inside.append(canvas.board.step_layer.sum)
    assert set(inside) == {("", "")}
    session.enter(next(n for n, x in session.graph.nodes.items() if x.op == "Part"))
    told = set()
    for number in range(1, len(session.steps) + 1):
        at(canvas, number)
        told.add(canvas.board.step_layer.sum[0])
    assert told == {"", session.graph.id_of("a")}


def test_the_sum_is_painted_and_goes_along_with_its_node(opened: Open) -> None:
    canvas = opened(WORKED)
    at(canvas, 11)
    t = canvas.board.nodes[node(canvas, "t")]

    def ink() -> int:
        """Pixels in the gradient's colour just under the node."""
        QApplication.processEvents()
        body = t.body()
        box = canvas.mapFromScene(body.adjusted(-20, body.height() + 6, 20, 24)).boundingRect()
        image = canvas.viewport().grab(box).toImage()
        colour = theme.current().gradient
        count = 0
        for x in range(image.width()):
            for y in range(image.height()):
                seen = image.pixelColor(x, y)
                near = max(abs(seen.red() - colour.red()), abs(seen.blue() - colour.blue()))
                count += near < 40
        return count

    assert ink() > 60
    start = middle(canvas, "t")
    drag(canvas, start, start + QPoint(30, 90), release=False)
    canvas.flush()
    assert ink() > 60, "it is dragged along"
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(30, 90))
    canvas.flush()
    assert ink() == 0, "after a change of the document no step is at work"


def test_numbers_travel_only_where_motion_is_wanted_and_seen(
    opened: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = opened(WORKED)
    layer = canvas.board.step_layer
    seen: list[float] = []
    was = layer.travel
    monkeypatch.setattr(
        layer, "travel", lambda wires, share: (seen.append(share), was(wires, share))
    )
    at(canvas, 1)
    assert set(seen) <= {1.0}, "motion is reduced"
    canvas.reduced_motion = False
    seen.clear()
    at(canvas, 2)
    qtbot.waitUntil(lambda: seen[-1] == 1.0 and len(seen) > 1)
    assert sorted(seen[1:]) == seen[1:], (
        "forward, without a clock: how often depends on the machine"
    )
    canvas.zoom_to(0.3)
    seen.clear()
    at(canvas, 3)
    qtbot.wait(30)
    assert set(seen) <= {1.0}, "from afar nothing runs"


def test_from_afar_a_ring_is_around_the_node_at_work_and_only_there(opened: Open) -> None:
    canvas = opened(WORKED)

    def near(name: str) -> bool:
        """The gradient's colour is around a node, outside of its body."""
        QApplication.processEvents()
        centre = middle(canvas, name)
        image = canvas.viewport().grab().toImage()
        ring = [centre + QPoint(dx, dy) for dx in range(-14, 15) for dy in (-11, -10, 10, 11)]
        return any(image.pixelColor(p) == theme.current().gradient for p in ring)

    canvas.look(canvas.board.content().center(), 0.1)
    at(canvas, 10)
    assert near("t") and not near("u")
    at(canvas, 7)
    assert near("u") and not near("t")
    at(canvas, 0)
    assert not near("u") and canvas.board.step_layer.at_work == ("", "")

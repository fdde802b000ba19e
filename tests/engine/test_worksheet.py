"""Sheets to hand out: sound HTML that needs nothing else, numbers on it only with answers."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest

from engine.compose import compose
from engine.edits import set_setting
from engine.evaluate import evaluate
from engine.graph import Graph
from engine.lesson import Step
from engine.teaching.drawing import drawing, number_text
from engine.teaching.quiz import LEVELS, quiz
from engine.teaching.worksheet import sheet


def pictures(html: str) -> list[ElementTree.Element]:
    data = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", html)
    return [ElementTree.fromstring(base64.b64decode(part)) for part in data]


@pytest.mark.parametrize("simple", [False, True])
@pytest.mark.parametrize("difficulty", range(1, len(LEVELS) + 1))
def test_answers_are_there_only_when_asked_for(difficulty: int, simple: bool) -> None:
    graph = quiz(5, difficulty)
    found = evaluate(graph)
    inputs = {number_text(found.values, n) for n in graph.nodes if graph.op(n).is_source}
    answers = {number_text(found.values, n) for n in graph.nodes}
    answers |= {number_text(found.gradients, n) for n in graph.nodes if not found.specs[n].shape}
    empty, full = sheet([graph], False, simple), sheet([graph], True, simple)
    for html in (empty, full):
        assert "http" not in html.replace("http://www.w3.org", "")
        assert f"Quiz 5, level {difficulty}" in html and len(pictures(html)) == 1
        names = {t.text.partition(" = ")[0] for t in pictures(html)[0].iter() if t.text}
        assert {graph.name(n) for n in graph.nodes} <= names
    drawn = {t.text for t in pictures(full)[0].iter() if t.text}
    assert {a for a in answers if len(a) < 30} <= drawn
    blank = {t.text for t in pictures(empty)[0].iter() if t.text}
    assert inputs <= blank and not (answers - inputs) & blank
    long = {a for a in answers - inputs if "." in a}
    assert not any(re.search(rf"(?<![\d.]){re.escape(a)}(?!\d)", empty) for a in long)
    assert ("<math" in full) != simple


def test_each_quiz_begins_a_page() -> None:
    html = sheet([quiz(s, 1) for s in range(4)])
    assert html.count("<h1") == 4 and html.count("page-break-before") == 3


def test_a_lesson_with_other_steps() -> None:
    graph = compose("J = 3*x^2", {"x": 2.0})
    steps = (
        Step(
            "read",
            title="Begin",
            text="A **bold** word and $\\frac{a}{b}$ <b>no tag</b>, 5 $ left.",
        ),
        Step("do", text="Do it.", goal="selected", settings={"node": "x"}),
        Step("ask", node="x", of="gradient", explanation="12"),
        Step("ask", node="later", of="value"),
        Step(
            "choose",
            text="Which?",
            choices=("one", "two"),
            answer=1,
            explanation="As $x^{2}$ says.",
        ),
    )
    set_setting("lesson", steps).apply(graph)
    html = sheet([graph])
    assert "<b>bold</b>" in html and "&lt;b&gt;no tag" in html and "5 $ left" in html
    assert "☐ Select x." in html and "☐ two" in html and "As " not in html
    full = sheet([graph], answers=True)
    assert "☒ two" in full and "☐ one" in full and "As " in full and "<b>12</b>" in full


def test_what_has_no_quiz() -> None:
    with pytest.raises(ValueError, match="no quiz"):
        sheet([])
    assert "<h1>Lesson" in sheet([Graph()])
    assert drawing(evaluate(Graph()))[1] > 0


def test_wires_go_around_nodes() -> None:
    """x is read by the first and the last node of a row: the long wire crosses none between."""
    found = evaluate(compose("a = 2*x\nb = 3*a\nJ = b - x", {"x": 1.0}))
    svg, width, height = drawing(found)
    picture = ElementTree.fromstring(svg)
    boxes = [
        tuple(float(e.get(k, "0")) for k in ("x", "y", "width", "height"))
        for e in picture.iter()
        if e.tag.endswith("rect")
    ]
    curves = [
        e.get("d", "") for e in picture.iter() if e.tag.endswith("path") and "C" in e.get("d", "")
    ]
    assert len(boxes) == 4 and len(curves) == 4 and width > 0 and height > 0
    for d in curves:
        x0, y0, xa, ya, xb, yb, x1, y1 = (float(v) for v in re.findall(r"-?[\d.]+", d))
        for t in (i / 40 for i in range(1, 40)):
            s = 1 - t
            x = s**3 * x0 + 3 * s * s * t * xa + 3 * s * t * t * xb + t**3 * x1
            y = s**3 * y0 + 3 * s * s * t * ya + 3 * s * t * t * yb + t**3 * y1
            inside = [b for b in boxes if b[0] < x < b[0] + b[2] and b[1] < y < b[1] + b[3]]
            assert not inside, (d, inside)


def test_a_graph_of_thousands_of_nodes_is_not_drawn() -> None:
    program = "a0 = x\n" + "\n".join(f"a{i} = tanh(a{i - 1})" for i in range(1, 400))
    graph = compose(f"{program}\nJ = square(a399)", default=0.5)
    set_setting("lesson", (Step("ask", node="a1"),)).apply(graph)
    page = sheet([graph])
    assert "too many to be drawn" in page and "<img" not in page and "tanh" in page

"""What explaining parts add to the canvas: seen in pixels, merged, and gone with the place."""

from __future__ import annotations

import pytest
from hands import WORKED
from PySide6.QtGui import QColor

from app.marks import Badge, Mark, Marks
from app.view.window import Window
from engine.graph import Graph


def _ids(window: Window) -> dict[str, str]:
    return {node.name: n for n, node in window.session.graph.nodes.items()}


def _count(window: Window, colour: QColor) -> int:
    """Pixels of the canvas that are of a colour, or nearly."""
    image = window.canvas.viewport().grab().toImage()
    near = 0
    for x in range(image.width()):
        for y in range(image.height()):
            found = image.pixelColor(x, y)
            parts = zip(found.getRgb()[:3], colour.getRgb()[:3], strict=True)
            near += all(abs(a - b) < 32 for a, b in parts)
    return near


@pytest.fixture
def worked(window: Window) -> Window:
    window.compose(WORKED)
    window.resize(1600, 900)
    window.session.seek(0)
    window.canvas.fit()
    window.canvas.zoom_to(1.0)
    return window


def test_wires_are_lit_and_as_thick_as_their_share(worked: Window) -> None:
    theme, names = worked.canvas.theme, _ids(worked)
    key = next(k for k, s in worked.session.graph.links.items() if s == names["x"])
    before = _count(worked, theme.accent)
    worked.session.marks.put("factor", Mark(lit=frozenset({key})))
    assert _count(worked, theme.accent) > before + 20
    worked.session.marks.put("factor", None)
    assert _count(worked, theme.accent) == before
    areas = []
    for share in (0.1, 1.0):
        worked.session.marks.put("why", Mark(wires={key: share}))
        plain = _count(worked, theme.canvas)
        areas.append(plain)
    assert areas[1] < areas[0]


def test_badges_and_texts_are_seen_near_and_badges_from_afar(worked: Window) -> None:
    theme, names = worked.canvas.theme, _ids(worked)
    before = _count(worked, theme.error)
    badge = Badge("!", "error", "it is wrong because")
    worked.session.marks.put("check", Mark(badges={names["J"]: badge}))
    near = _count(worked, theme.error)
    assert near > before
    worked.canvas.zoom_to(0.3)
    assert _count(worked, theme.error) > before
    worked.session.marks.put("check", None)
    assert _count(worked, theme.error) == before


def test_a_lens_dims_what_it_does_not_name(worked: Window) -> None:
    names, board = _ids(worked), worked.canvas.board
    key = next(k for k, s in worked.session.graph.links.items() if s == names["x"])
    worked.session.marks.put("why", Mark(wires={key: 1.0}, dim=True))
    dimmed = {worked.session.graph.name(n) for n, item in board.nodes.items() if item.dim}
    assert "J" in dimmed and "x" not in dimmed and worked.session.graph.name(key[0]) not in dimmed
    assert board.wires[key].dim is False
    worked.session.marks.put("why", None)
    assert not any(item.dim for item in board.nodes.values())


def test_marks_go_with_the_document_and_with_the_place(worked: Window) -> None:
    names, marks = _ids(worked), worked.session.marks
    marks.put("check", Mark(badges={names["J"]: Badge("✓")}))
    worked.session.load(Graph())
    assert not marks.all.badges and marks.of("check") is None


def test_of_two_that_say_something_of_a_place_the_later_one_is_seen() -> None:
    marks, told = Marks(), []
    marks.listeners.append(lambda: told.append(1))
    marks.put("a", Mark(notes={"n1": "one", "n2": "two"}, wires={("n1", "x"): 0.5}))
    marks.put("b", Mark(notes={"n1": "other"}))
    assert marks.all.notes == {"n1": "other", "n2": "two"}
    marks.put("a", Mark(notes={"n1": "one again"}))
    assert marks.all.notes == {"n1": "one again"}
    marks.put("a", Mark(notes={"n1": "one again"}))
    assert len(told) == 3  # nothing new, nothing told

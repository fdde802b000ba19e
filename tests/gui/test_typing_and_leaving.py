"""What is being typed is never lost: by saving, by closing, by keys of the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import CONTROL, drag, links, middle, node, output, port, seen
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.view import dialogs
from app.view.canvas import Canvas
from app.view.window import Window
from engine import files
from engine.compose import compose
from engine.edits import add_node
from engine.modules import make_module
from engine.notes import add_note


@pytest.fixture
def saved(window: Window, tmp_path: Path) -> Path:
    """A document with a note, open in the window and saved."""
    graph = compose("a = sin(x); b = cos(a)", {"x": 1.0})
    add_note(graph, text="before", y=-200.0)[0].apply(graph)
    path = tmp_path / "a.gloom"
    files.write(graph, path)
    window.documents.open(path)
    window.canvas.fit()
    window.canvas.flush()
    return path


def type_into(window: Window, what: str, text: str) -> None:
    canvas = window.canvas
    if what == "note":
        canvas.notes.edit("f1")
    else:
        canvas.edit_value(node(canvas, "x"))
    focus = QApplication.focusWidget()
    assert focus is not None and focus is not canvas
    QTest.keyClick(focus, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(focus, text)


def told(graph: object, what: str) -> str:
    found = files.to_text(graph)  # type: ignore[arg-type]
    return "7.5" if what == "value" and "7.5" in found else "after" if "after" in found else ""


@pytest.mark.parametrize(("what", "text"), [("note", "after"), ("value", "7.5")])
def test_saving_takes_what_is_typed(window: Window, saved: Path, what: str, text: str) -> None:
    type_into(window, what, text)
    focus = QApplication.focusWidget()
    QTest.keyClick(focus, Qt.Key.Key_S, CONTROL)
    assert told(files.read(saved), what) == text
    assert window.session.history.is_saved


@pytest.mark.parametrize(("what", "text"), [("note", "after"), ("value", "7.5")])
def test_closing_asks_about_what_is_typed(
    window: Window, saved: Path, monkeypatch: pytest.MonkeyPatch, what: str, text: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *a: asked.append("unsaved") or "cancel")
    type_into(window, what, text)
    window.close()
    assert asked == ["unsaved"] and window.isVisible()
    assert told(window.session.root, what) == text


def test_letters_and_editing_keys_stay_text(window: Window, saved: Path) -> None:
    type_into(window, "note", "m d x 1")
    focus = QApplication.focusWidget()
    QTest.keyClick(focus, Qt.Key.Key_Z, CONTROL)
    assert window.session.history.labels == [] and focus is QApplication.focusWidget()


# ------------------------------------------------------------ where things stay


def view_of(canvas: Canvas) -> tuple[float, QPoint]:
    return canvas.zoom, seen(canvas, QPointF(0, 0))


def test_the_view_stays_while_one_works(window: Window, saved: Path) -> None:
    canvas = window.canvas
    canvas.fit()
    before = view_of(canvas)
    canvas.add_operator("tanh", canvas.to_scene(QPointF(200, 500)))
    window.resize(1500, 940)
    QApplication.processEvents()
    assert view_of(canvas)[0] == before[0]


def test_a_loose_node_takes_no_gradient_away(window: Window, saved: Path) -> None:
    canvas = window.canvas
    assert canvas.session.evaluation.gradients
    canvas.add_operator("tanh", canvas.to_scene(QPointF(200, 500)))
    assert canvas.session.evaluation.gradients
    assert canvas.session.graph.output() == node(canvas, "b")


def test_a_node_put_on_a_wire_covers_neither_end(window: Window, saved: Path) -> None:
    canvas = window.canvas
    at = output(canvas, "a") + QPoint(12, 0)
    made = canvas.add_operator("tanh", canvas.to_scene(QPointF(at)))
    assert made is not None and links(canvas)["b", "x"] == canvas.session.graph.name(made)
    canvas.flush()
    a, new, b = (canvas.board.nodes[n].body() for n in (node(canvas, "a"), made, node(canvas, "b")))
    assert not new.intersects(a) and not new.intersects(b) and a.right() < new.left() < b.left()


def test_a_node_whose_body_lies_on_a_wire_goes_onto_it(window: Window, saved: Path) -> None:
    canvas = window.canvas
    edit, made = add_node(canvas.session.graph, "exp", "e", None, None, (100.0, 320.0))
    canvas.session.do(edit, "add")
    canvas.fit()
    canvas.flush()
    wire = (output(canvas, "a") + port(canvas, "b", "x")) / 2
    low = QPoint(0, round(25 * canvas.zoom))
    drag(canvas, middle(canvas, "e"), wire + low)
    assert canvas.session.history.labels[-1] == "Put on wire"
    assert canvas.session.graph.links[made, "x"] == node(canvas, "a")


def test_pasting_happens_where_the_pointer_is(window: Window, saved: Path) -> None:
    canvas = window.canvas
    canvas.session.select([node(canvas, "b")])
    QTest.keyClick(canvas, Qt.Key.Key_C, CONTROL)
    place = QPoint(200, 420)
    QCursor.setPos(canvas.viewport().mapToGlobal(place))
    QTest.keyClick(canvas, Qt.Key.Key_V, CONTROL)
    canvas.flush()
    (made,) = canvas.session.selection
    body = seen(canvas, canvas.board.nodes[made].body().center())
    assert (body - place).manhattanLength() < 120 * canvas.zoom


def test_a_wire_to_another_value_of_a_module_shows_that_value(window: Window) -> None:
    graph = compose("h = sin(x); g = 3 * x; J = h + g", {"x": 0.5})
    window.session.load(graph)
    window.show_editor()
    canvas = window.canvas
    canvas.session.select([node(canvas, "h"), node(canvas, "g")])

    edit, _ = make_module(graph, [node(canvas, "h"), node(canvas, "g")], "Two")
    canvas.session.do(edit, "Make module")
    canvas.flush()
    for key, wire in canvas.board.wires.items():
        if canvas.session.graph.op(key[0]).reads_inside:
            shown = canvas.board.nodes[key[0]].face.value
            assert wire.face.value == shown != ""
            return
    raise AssertionError("there is no such wire")

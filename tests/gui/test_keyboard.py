"""The canvas without a mouse: wires, bookmarks, what is said, and a document built by keys alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from app.view.canvas import speaking
from app.view.window import Window
from engine import files
from engine.compose import compose
from engine.edits import Put, add_node, batch, connect, remove_nodes
from engine.examples import load_module
from engine.modules import add_module
from engine.records import Note

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"
NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def show(window: Window, program: str = WORKED) -> bytes:
    window.session.load(compose(program, default=0.5))
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.setFocus()
    return files.to_bytes(window.session.root)


def node(window: Window, name: str) -> str:
    return str(window.session.graph.id_of(name))


def select(window: Window, *names: str) -> None:
    window.session.select([node(window, n) for n in names])


def chosen(window: Window) -> list[str]:
    return [window.session.graph.name(n) for n in window.session.selection]


def remove(window: Window, name: str) -> None:
    window.session.do(remove_nodes(window.session.graph, (node(window, name),)), "Delete")


def press(window: Window, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
    target = window.focusWidget()
    assert target is not None
    QTest.keyClick(target, key, held)


def letters(window: Window, text: str) -> None:
    target = window.focusWidget()
    assert target is not None
    QTest.keyClicks(target, text)


def links(window: Window) -> dict[tuple[str, str], str]:
    graph = window.session.graph
    return {(graph.name(n), p): graph.name(s) for (n, p), s in graph.links.items()}


def aim(window: Window) -> tuple[str, str] | None:
    """The node and the port that the wire would end at."""
    nodes = window.canvas.board.nodes.values()
    found = [(window.session.graph.name(i.node_id), i.look.target) for i in nodes]
    return next(((n, t) for n, t in found if t is not None), None)


# ------------------------------------------------------------------------- wires


def test_a_wire_by_keys_lights_what_fits_and_connects_in_one_step(window: Window) -> None:
    before = show(window, "a = x + y; b = z * 2; c = cos(w)")
    graph = window.session.graph
    graph_links = links(window)
    select(window, "b")
    press(window, Qt.Key.Key_C)
    lit = {graph.name(n): i.look.lit for n, i in window.canvas.board.nodes.items()}
    assert lit["c"] == {"x"} and lit["z"] == frozenset() and lit["a"] == {"a", "b"}
    assert aim(window) is not None and window.canvas.banner.isVisible()
    letters(window, "c")
    assert aim(window) == ("c", "x") and "b → c, port x" in window.canvas.banner.text()
    press(window, Qt.Key.Key_Return)
    assert links(window) == {**graph_links, ("c", "x"): "b"}
    assert window.session.history.labels == ["Connect"]
    assert all(i.look.lit is None for i in window.canvas.board.nodes.values())
    assert not window.canvas.banner.isVisible() and chosen(window) == ["b"]
    window.commands.run("edit.undo")
    assert files.to_bytes(window.session.root) == before


def test_arrows_and_tab_go_from_port_to_port(window: Window) -> None:
    show(window, "a = x + y; b = z * 2; c = cos(w)")
    select(window, "x")
    press(window, Qt.Key.Key_C)
    letters(window, "a")
    first = aim(window)
    assert first is not None and first[0] == "a"
    letters(window, ".b")
    assert aim(window) == ("a", "b")
    press(window, Qt.Key.Key_Up)
    assert aim(window) == ("a", "a")
    press(window, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Down)
    down = aim(window)
    assert down is not None and down[0] in ("b", "c")
    press(window, Qt.Key.Key_Tab)
    assert aim(window) != down
    press(window, Qt.Key.Key_Tab, SHIFT)
    assert aim(window) == down and window.focusWidget() is window.canvas
    assert window.session.history.labels == []


def test_esc_gives_a_wire_up_and_shortcuts_are_letters_meanwhile(window: Window) -> None:
    before = show(window, "a = x + y; Dense = cos(w)")
    select(window, "x")
    cursor = window.session.cursor
    press(window, Qt.Key.Key_C)
    letters(window, "D")
    assert aim(window) == ("Dense", "x") and not window.canvas.focus_lens.is_on
    letters(window, "j")
    assert aim(window) == ("Dense", "x") and "“Dj”" in window.canvas.banner.text()
    press(window, Qt.Key.Key_Backspace)
    assert window.session.cursor == cursor
    press(window, Qt.Key.Key_Escape)
    assert aim(window) is None and chosen(window) == ["x"]
    assert not [i for i in window.canvas.board.items() if i.zValue() > 7]
    press(window, Qt.Key.Key_D)
    assert window.canvas.focus_lens.is_on
    assert files.to_bytes(window.session.root) == before and window.session.history.labels == []


def test_the_mouse_and_other_edits_end_a_wire_of_keys(window: Window) -> None:
    show(window)
    canvas = window.canvas
    select(window, "x")
    press(window, Qt.Key.Key_C)
    QTest.mouseMove(canvas.viewport(), QPoint(20, 20))
    held = aim(window)
    assert held is not None, "the mouse alone has no say"
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, NONE, QPoint(20, 20))
    assert aim(window) is None and window.session.history.labels == []
    select(window, "x")
    press(window, Qt.Key.Key_C)
    window.palette_panel.search.setFocus()
    assert aim(window) is None, "nor does it wait while keys go elsewhere"
    canvas.setFocus()
    press(window, Qt.Key.Key_C)
    letters(window, "J")
    remove(window, "J")  # what it aims at
    assert aim(window) is None and not canvas.banner.isVisible()


def test_a_second_selected_node_is_aimed_at_first(window: Window) -> None:
    show(window, "a = x + y; b = z * 2; c = cos(w)")
    select(window, "b", "c")
    press(window, Qt.Key.Key_C)
    assert aim(window) == ("c", "x")
    press(window, Qt.Key.Key_Return)
    assert links(window)["c", "x"] == "b"


def test_a_wire_back_from_a_free_port(window: Window) -> None:
    show(window, "a = x + y; b = z * 2")
    window.canvas.add_operator("cos")
    (made,) = window.session.selection
    press(window, Qt.Key.Key_C, SHIFT)
    letters(window, "b")
    press(window, Qt.Key.Key_Return)
    assert window.session.graph.links[made, "x"] == node(window, "b")
    select(window, "x")
    press(window, Qt.Key.Key_C, SHIFT)
    assert aim(window) is None and "reads nothing" in window.canvas.notice.text()


def test_a_misfit_by_keys_offers_its_repair_to_keys(window: Window) -> None:
    p, q = (np.ones((2, 3)) for _ in range(2))
    window.session.load(compose("y = p @ z", {"p": p, "z": np.ones((3, 2))}))
    edit, _ = add_node(window.session.graph, "input", "q", at=(0, 300), value=q)
    window.session.do(edit, "Add input")
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.setFocus()
    before = files.to_bytes(window.session.root)
    done = len(window.session.history.labels)
    select(window, "q")
    press(window, Qt.Key.Key_C)
    letters(window, "y.b")
    press(window, Qt.Key.Key_Return)
    offers = window.canvas.mending.list
    assert offers.isVisible() and offers.titles[0] == "Transpose q"
    assert not window.canvas.banner.isVisible()
    QTest.keyClick(offers.list, Qt.Key.Key_Return)
    assert window.session.evaluation.values[node(window, "y")].shape == (2, 2)
    assert len(window.session.history.labels) == done + 1
    assert window.focusWidget() is window.canvas
    window.commands.run("edit.undo")
    assert files.to_bytes(window.session.root) == before


def test_where_nothing_fits_it_says_so(window: Window) -> None:
    show(window, "y = cos(x)")
    select(window, "y")
    press(window, Qt.Key.Key_C)
    assert aim(window) is None and window.canvas.notice.isVisible()
    assert all(i.look.lit is None for i in window.canvas.board.nodes.values())
    assert window.canvas._gesture is None


# ------------------------------------------------------------------------- bookmarks


def test_bookmarks_are_set_shown_gone_to_and_cleared(window: Window) -> None:
    before = show(window)
    canvas = window.canvas
    select(window, "u2")
    press(window, Qt.Key.Key_3, ALT)
    assert window.session.root.settings["bookmarks"] == {"3": node(window, "u2")}
    assert window.session.history.labels == ["Bookmark 3"]
    assert canvas.board.nodes[node(window, "u2")].look.flag == "3"
    canvas.look(canvas.centre() * 40, 0.3)
    window.session.select(())
    press(window, Qt.Key.Key_3)
    assert chosen(window) == ["u2"] and canvas.zoom > 0.6
    around = [node(window, n) for n in ("t", "u2", "u")]
    assert canvas.seen().contains(canvas.board.content(around))
    select(window, "J")
    press(window, Qt.Key.Key_3, ALT)
    assert canvas.board.nodes[node(window, "u2")].look.flag == ""
    assert canvas.board.nodes[node(window, "J")].look.flag == "3"
    press(window, Qt.Key.Key_3, ALT)
    assert window.session.root.settings["bookmarks"] == {}
    for _ in range(3):
        window.commands.run("edit.undo")
    assert files.to_bytes(window.session.root) == before
    assert all(i.look.flag == "" for i in canvas.board.nodes.values())


def test_a_bookmark_goes_with_its_node_and_comes_back(window: Window) -> None:
    show(window)
    select(window, "J")
    press(window, Qt.Key.Key_1, ALT)
    press(window, Qt.Key.Key_Delete)
    assert window.session.root.settings["bookmarks"] == {}
    assert not window.commands.by_id["go.bookmark_1"].isEnabled()
    window.commands.run("edit.undo")
    assert window.session.root.settings["bookmarks"] == {"1": node(window, "J")}
    assert window.canvas.board.nodes[node(window, "J")].look.flag == "1"


# ------------------------------------------------------------------------- what is said


@pytest.fixture
def said(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(speaking, "announce", lambda widget, text: heard.append(text))
    return heard


def hear(window: Window, said: list[str]) -> str:
    window.canvas._speaking.flush()
    text = " | ".join(said)
    said.clear()
    return text


def test_selection_steps_faults_and_modes_are_said(window: Window, said: list[str]) -> None:
    show(window, "t = x^2; J = log(t)")
    hear(window, said)
    select(window, "t")
    assert hear(window, said).startswith("t = x²")
    assert "value 0.2500" in window.canvas.accessibleDescription()
    window.commands.run("step.start")
    window.commands.run("step.forward")
    assert hear(window, said) == "step 1 of 5, forward: t = x^2"
    window.canvas.edit_value(node(window, "x"))
    window.canvas.editor.setText("[1, 2]")
    QTest.keyClick(window.canvas.editor, Qt.Key.Key_Return)
    hear(window, said)
    remove(window, "J")
    hear(window, said)
    press(window, Qt.Key.Key_D)
    assert "Focus" in hear(window, said)


def test_a_selected_note_is_said(window: Window, said: list[str]) -> None:
    show(window)
    window.session.do(Put("notes", "f1", Note("f1", text="Why a square?")), "Note")
    hear(window, said)
    window.session.select(("f1",))
    assert hear(window, said) == "note Why a square?"


def test_a_new_fault_is_said_once(window: Window, said: list[str]) -> None:
    show(window, "y = p @ q")
    assert hear(window, said).count("fault: ") == 1

    def value(name: str, text: str) -> None:
        window.canvas.edit_value(node(window, name))
        window.canvas.editor.setText(text)
        QTest.keyClick(window.canvas.editor, Qt.Key.Key_Return)

    value("p", "[[1, 2]]")
    assert "2 rows" in hear(window, said), "another sentence, now that p has a shape"
    window.session.seek(0)
    assert "fault" not in hear(window, said), "said once"
    value("q", "[[1], [2]]")
    assert "no fault is left" in hear(window, said)


def test_assistive_technology_gets_the_words(window: Window, qtbot: QtBot) -> None:
    """The real interface: name and description of the canvas; announcements do no harm."""
    show(window)
    was = QAccessible.isActive()
    QAccessible.setActive(True)
    try:
        select(window, "u1")
        window.canvas._speaking.flush()
        face = QAccessible.queryAccessibleInterface(window.canvas)
        assert face.text(QAccessible.Text.Name) == "Canvas"
        assert "sin(t)" in face.text(QAccessible.Text.Description)
        qtbot.wait(20)
    finally:
        QAccessible.setActive(was)


# ------------------------------------------------------------------------- a document by keys alone


def add(window: Window, name: str) -> None:
    """An operator by its name; nothing is selected first, or it would read that."""
    if window.session.selection:
        press(window, Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_K, CTRL)
    letters(window, name)
    press(window, Qt.Key.Key_Return)


def read(window: Window, *names: str) -> None:
    """The selected node reads others, one a free port."""
    for name in names:
        press(window, Qt.Key.Key_C, SHIFT)
        letters(window, name)
        press(window, Qt.Key.Key_Return)


def type_value(window: Window, text: str) -> None:
    press(window, Qt.Key.Key_Return)
    letters(window, text)
    press(window, Qt.Key.Key_Return)


def type_name(window: Window, text: str) -> None:
    press(window, Qt.Key.Key_F2)
    letters(window, text)
    press(window, Qt.Key.Key_Return)


def save_as(window: Window, path: Path) -> None:
    """Ctrl+S, and the path typed into the dialog that asks for one."""

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        line = dialog.focusWidget() if isinstance(dialog, QFileDialog) else None
        if not isinstance(dialog, QFileDialog) or not isinstance(line, QLineEdit):
            return
        if line.text() != str(path):
            QTest.keyClick(line, Qt.Key.Key_A, CTRL)
            QTest.keyClicks(line, str(path))
        # The first Enter may be for the list of what the name could go on with.
        QTest.keyClick(QApplication.activePopupWidget() or line, Qt.Key.Key_Return)
        QTimer.singleShot(200, window, answer)

    QTimer.singleShot(300, window, answer)
    press(window, Qt.Key.Key_S, CTRL)


def test_the_worked_example_is_built_stepped_and_saved_by_keys_alone(
    window: Window, tmp_path: Path
) -> None:
    """J = cos(sin(x^2) + 3*x^2) from single operators, without a mouse."""
    window.canvas.setFocus()
    add(window, "input")
    assert chosen(window) == ["x"] and window.focusWidget() is window.canvas
    type_value(window, "0.5")
    for operator, operands, number, name in (
        ("power", ("x",), "2", "t"),
        ("sin", ("t",), "", "u1"),
        ("multiply", ("t",), "3", "u2"),
        ("add", ("u1", "u2"), "", "u"),
        ("cos", ("u",), "", "J"),
    ):
        add(window, operator)
        read(window, *operands)
        if number:
            type_value(window, number)
        type_name(window, name)
        assert chosen(window) == [name] and window.focusWidget() is window.canvas
    graph = window.session.graph
    assert set(links(window).values()) == {"x", "t", "u1", "u2", "u"} and len(graph.links) == 6
    assert window.session.evaluation.values[node(window, "J")] == pytest.approx(
        math.cos(math.sin(0.25) + 0.75)
    )
    press(window, Qt.Key.Key_L, CTRL)  # laid out
    press(window, Qt.Key.Key_F)
    assert window.canvas.seen().contains(window.canvas.board.content())
    press(window, Qt.Key.Key_Left, ALT)
    press(window, Qt.Key.Key_Left, ALT)
    assert chosen(window) == ["u1"]
    press(window, Qt.Key.Key_Home)
    said = []
    for _ in range(len(window.session.steps)):
        press(window, Qt.Key.Key_L)
        said.append(window.explanation.symbols.toolTip())
    assert said[:5] == ["t = x^2", "u1 = sin(t)", "u2 = t * 3", "u = u1 + u2", "J = cos(u)"]
    assert len(said) == 12 and said[-1] == "dJ/dx += dJ/dt * (2 * x)"
    gradient = window.session.shown_gradient(node(window, "x"))
    inner = math.sin(0.25) + 0.75
    assert gradient == pytest.approx(-math.sin(inner) * (math.cos(0.25) + 3))
    path = tmp_path / "worked.gloom"
    save_as(window, path)
    assert window.session.path == path and window.session.history.is_saved
    read_back = files.read(path)
    assert files.to_bytes(read_back) == files.to_bytes(window.session.root)


def follow_on(window: Window, name: str, called: str) -> None:
    """Tab: an operator that reads the selected node, placed by a second Enter, and named."""
    had = len(window.session.graph.nodes)
    press(window, Qt.Key.Key_Tab)
    letters(window, name)
    press(window, Qt.Key.Key_Return)
    if len(window.session.graph.nodes) == had:  # it floats beside what it reads
        press(window, Qt.Key.Key_Return)
    type_name(window, called)


def test_the_worked_example_as_a_chain_with_the_search_key(window: Window) -> None:
    window.canvas.setFocus()
    follow_on(window, "input", "x")
    follow_on(window, "square", "t")
    follow_on(window, "sin", "u1")
    press(window, Qt.Key.Key_Left, ALT)
    assert chosen(window) == ["t"]
    follow_on(window, "multiply", "u2")
    type_value(window, "3")
    follow_on(window, "add", "u")
    read(window, "u1")
    follow_on(window, "cos", "J")
    type_of = {n.name: n.op for n in window.session.graph.nodes.values()}
    assert list(type_of) == ["x", "t", "u1", "u2", "u", "J"]
    sources = {(n, s) for (n, _), s in links(window).items()}
    assert sources == {
        ("t", "x"), ("u1", "t"), ("u2", "t"), ("u", "u1"), ("u", "u2"), ("J", "u"),
    }  # fmt: skip
    bodies = [item.body() for item in window.canvas.board.nodes.values()]
    assert not any(a.intersects(b) for i, a in enumerate(bodies) for b in bodies[:i])


# ------------------------------------------------------------------------- inside modules


def test_a_bookmark_of_the_document_is_gone_to_from_inside_a_module(window: Window) -> None:
    show(window, "y = x * 2; z = cos(y)")
    edit, made = add_module(window.session.graph, "Dense", load_module("Dense"), (0, 300))
    window.session.do(edit, "Add Dense")
    select(window, "z")
    press(window, Qt.Key.Key_7, ALT)
    window.session.enter(made)
    press(window, Qt.Key.Key_7)
    assert window.session.place == () and chosen(window) == ["z"]
    window.session.enter(made)
    inner = next(iter(window.session.graph.nodes))
    window.session.select((inner,))
    press(window, Qt.Key.Key_2, ALT)
    assert window.canvas.board.nodes[inner].look.flag == "2"
    assert window.session.graph.settings["bookmarks"] == {"2": inner}
    window.session.select(())
    press(window, Qt.Key.Key_2)
    assert window.session.selection == (inner,) and window.session.place == (made,)


def test_a_fault_inside_a_module_is_gone_to(window: Window) -> None:
    show(window, "y = x * 2")
    edit, made = add_module(window.session.graph, "Dense", load_module("Dense"), (0, 300))
    window.session.do(batch(edit, connect(node(window, "y"), made, "x")), "Add Dense")
    window.canvas.setFocus()
    press(window, Qt.Key.Key_F8)
    assert window.session.place == (made,) and len(window.session.selection) == 1
    assert window.session.evaluation.fault_of(window.session.selection[0])

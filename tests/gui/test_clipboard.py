"""Copying and pasting: as text, as a picture, from chats, and with what the nodes read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest

from app.view.canvas import clipboard
from app.view.window import Window
from engine import examples, files
from engine.compose import compose
from engine.files import picture
from engine.graph import Graph


@pytest.fixture
def opened(window: Window) -> Iterator[Callable[[str], Window]]:
    def make(name: str = "worked-example") -> Window:
        window.documents.open_example(name)
        QTest.qWait(5)
        window.canvas.setFocus()
        return window

    yield make
    QGuiApplication.clipboard().clear()


def node(window: Window, name: str) -> str:
    found = window.session.graph.id_of(name)
    assert found is not None
    return found


def press(window: Window, key: Qt.Key, shift: bool = False) -> None:
    held = Qt.KeyboardModifier.ControlModifier
    if shift:
        held |= Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window.canvas.viewport(), key, held)


def mime() -> QMimeData:
    return QGuiApplication.clipboard().mimeData()


def wires(graph: Graph) -> set[tuple[str, str, str]]:
    return {(graph.name(s), graph.name(t), p) for (t, p), s in graph.links.items()}


def test_a_copy_is_text_and_a_picture(opened: Callable[..., Window]) -> None:
    window = opened()
    window.session.select((node(window, "t"), node(window, "u1")))
    press(window, Qt.Key.Key_C)
    as_text = files.from_text(mime().text())
    assert {as_text.name(n) for n in as_text.nodes} == {"t", "u1"} and len(as_text.links) == 1
    as_picture = picture.document(bytes(mime().data(clipboard.PNG).data()))
    assert files.canonical_bytes(as_picture) == files.canonical_bytes(as_text)
    assert window.session.history.labels == []


def test_pasted_plainly_wires_stay_inside(opened: Callable[..., Window]) -> None:
    window = opened()
    window.session.select((node(window, "t"), node(window, "u1")))
    before, bytes_before = wires(window.session.graph), files.to_bytes(window.session.root)
    press(window, Qt.Key.Key_C)
    press(window, Qt.Key.Key_V)
    (wire,) = wires(window.session.graph) - before
    assert {window.session.graph.id_of(name) for name in wire[:2]} == set(window.session.selection)
    assert window.session.history.labels == ["Paste"]
    window.session.history.undo()
    assert files.to_bytes(window.session.root) == bytes_before


def test_pasted_with_inputs_they_read_what_the_others_read(opened: Callable[..., Window]) -> None:
    window = opened()
    session = window.session
    chosen = (node(window, "u"), node(window, "u2"))
    session.select(chosen)
    before = files.to_bytes(session.root)
    press(window, Qt.Key.Key_C)
    press(window, Qt.Key.Key_V, shift=True)
    assert session.history.labels == ["Paste with inputs"]
    made = {session.graph.nodes[n].op: n for n in session.selection}
    of_sum, of_product = made["add"], made["mul"]
    links = session.graph.links
    assert links[of_sum, "a"] == node(window, "u1"), "from outside"
    assert links[of_sum, "b"] == of_product, "among the copies"
    assert links[of_product, "b"] == node(window, "t")
    assert session.evaluation.values[of_sum] == session.evaluation.values[chosen[0]]
    assert not window.canvas.notice.isVisible()
    session.history.undo()
    assert files.to_bytes(session.root) == before


def test_inputs_that_are_gone_are_said(opened: Callable[..., Window]) -> None:
    window = opened()
    window.session.select((node(window, "u"),))
    press(window, Qt.Key.Key_C)
    window.session.select((node(window, "u1"),))
    QTest.keyClick(window.canvas.viewport(), Qt.Key.Key_Delete)
    press(window, Qt.Key.Key_V, shift=True)
    (made,) = window.session.selection
    assert (made, "a") not in window.session.graph.links
    assert window.session.graph.links[made, "b"] == node(window, "u2")
    assert "1 of the inputs are gone" in window.canvas.notice.text()


def test_in_another_document_they_come_without_inputs(opened: Callable[..., Window]) -> None:
    window = opened()
    window.session.select((node(window, "u"),))
    press(window, Qt.Key.Key_C)
    opened()
    press(window, Qt.Key.Key_V, shift=True)
    (made,) = window.session.selection
    assert not [key for key in window.session.graph.links if key[0] == made]
    assert "in another document" in window.canvas.notice.text()


def test_text_from_a_chat_is_pasted(opened: Callable[..., Window]) -> None:
    window = opened()
    count = len(window.session.graph.nodes)
    text = files.to_text(examples.load("worked-example"))
    QGuiApplication.clipboard().setText(
        f"> Look:\n> ```json\n> {text}> ```".replace("\n ", "\n>  ")
    )
    press(window, Qt.Key.Key_V)
    assert len(window.session.graph.nodes) == 2 * count
    QGuiApplication.clipboard().setText("Try\n```\nq = x^3\nr = exp(q)\n```")
    press(window, Qt.Key.Key_V)
    assert {"q", "r"} <= {window.session.graph.name(n) for n in window.session.graph.nodes}
    assert window.session.history.labels == ["Paste", "Paste"]


def test_text_is_preferred_to_a_picture(opened: Callable[..., Window]) -> None:
    window = opened()
    data = QMimeData()
    data.setText("q = x^3")
    data.setData(clipboard.PNG, b"no picture at all")
    QGuiApplication.clipboard().setMimeData(data)
    press(window, Qt.Key.Key_V)
    assert window.session.graph.id_of("q") is not None


def test_a_picture_or_a_file_alone_is_pasted(opened: Callable[..., Window], tmp_path: Path) -> None:
    window = opened()
    window.session.select(window.session.graph.nodes)
    press(window, Qt.Key.Key_C)
    png = bytes(mime().data(clipboard.PNG).data())
    opened("xor")
    count = len(window.session.graph.nodes)
    data = QMimeData()
    data.setData(clipboard.PNG, png)
    QGuiApplication.clipboard().setMimeData(data)
    press(window, Qt.Key.Key_V)
    assert len(window.session.graph.nodes) == count + 6
    (tmp_path / "a.png").write_bytes(png)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    QGuiApplication.clipboard().setMimeData(data)
    press(window, Qt.Key.Key_V)
    assert len(window.session.graph.nodes) == count + 12


@pytest.mark.parametrize("text", ["", "How are you?\nFine.", '{"a": 1}', "<svg></svg>"])
def test_what_holds_no_nodes_is_said_and_changes_nothing(
    opened: Callable[..., Window], text: str
) -> None:
    window = opened()
    before = files.to_bytes(window.session.root)
    QGuiApplication.clipboard().setText(text)
    for shift in (False, True):
        press(window, Qt.Key.Key_V, shift)
        assert window.canvas.notice.isVisible() and window.canvas.notice.text()
        QTest.mouseClick(window.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert files.to_bytes(window.session.root) == before and window.session.history.labels == []


def test_a_strange_clipboard_is_no_error(opened: Callable[..., Window]) -> None:
    window = opened()
    for told in (b"", b"{", b"[]", b'{"of": [], "reads": [1]}', b'{"of": 3, "reads": {}}', b"\xff"):
        data = QMimeData()
        data.setText("q = x^3")
        data.setData(clipboard.READS, told)
        QGuiApplication.clipboard().setMimeData(data)
        press(window, Qt.Key.Key_V, shift=True)
    assert window.session.history.labels == ["Paste"] * 6


def test_a_long_copy_is_a_smaller_picture(opened: Callable[..., Window]) -> None:
    window = opened()
    window.compose("\n".join(f"a{i + 1} = sin(a{i})" for i in range(60)))
    window.session.select(window.session.graph.nodes)
    press(window, Qt.Key.Key_C)
    image = QImage.fromData(mime().data(clipboard.PNG))
    assert image.width() == clipboard.LONGEST


def test_a_tied_instance_stays_tied_here_and_takes_its_values_elsewhere(
    opened: Callable[..., Window],
) -> None:
    window = opened()
    window.session.load(compose("y = relu(x)", {"x": [[1.0, 2.0]]}))
    window.compose("a = Dense(x, units=3); b = Dense(x, tied=a)")
    graph, owner = window.session.graph, node(window, "a")
    value = window.session.evaluation.values[owner]
    window.session.select((node(window, "x"), node(window, "b")))
    press(window, Qt.Key.Key_C)
    window.canvas.setFocus()
    press(window, Qt.Key.Key_V)
    (copy,) = (n for n in window.session.selection if graph.nodes[n].op == "Dense")
    assert graph.nodes[copy].options["tied"] == owner
    press(window, Qt.Key.Key_Z)
    window.session.load(Graph())
    window.canvas.setFocus()
    press(window, Qt.Key.Key_V)
    graph = window.session.graph
    (alone,) = graph.of_op("Dense")
    assert graph.nodes[alone].options == {"units": 3, "tied": ""}
    assert (window.session.evaluation.values[alone] == value).all()

"""Pictures that carry the document, and files dropped on the window, with real events."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import shiboken6
from documents import random_document
from PySide6.QtCore import QByteArray, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QPainter,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view import dialogs, settings, shot, theme
from app.view.canvas.adding import MIME
from app.view.canvas.export import Choices, Sheet, drawn
from app.view.export_dialog import ExportDialog
from app.view.window import Window
from engine import examples, files
from engine.compose import compose
from engine.files import FileError, picture
from tests.shipped import FEW

DARK = Choices(theme.DARK)
IRIS = Path(str(Path(examples.__file__).parent.parent / "resources" / "data" / "iris.csv"))


@pytest.fixture(autouse=True)
def themed(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")


def worked() -> Session:
    return Session(examples.load("worked-example"))


# ------------------------------------------------------------ exporting


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_every_example_comes_back_from_its_picture(suffix: str) -> None:
    for name in FEW:
        session = Session(examples.load(name))
        again = picture.document(drawn(session, suffix, DARK))
        assert files.canonical_bytes(again) == files.canonical_bytes(session.root), name


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_random_documents_come_back_from_their_pictures(suffix: str) -> None:
    for seed in range(12):
        session = Session(random_document(seed))
        again = picture.document(drawn(session, suffix, DARK))
        assert files.canonical_bytes(again) == files.canonical_bytes(session.root), seed


def test_an_svg_holds_text_and_shapes_and_no_pictures_of_nodes() -> None:
    text = re.sub(rb"<metadata>.*?</metadata>", b"", drawn(worked(), ".svg", DARK)).decode()
    assert "<image" not in text
    words = re.findall(r">([^<>\n]+)</text>", text)
    assert {"J", "sin(t)", "u₁", "value", "grad", "0.8415"} <= set(words)
    # As wide as on the canvas where the fonts are missing.
    assert len(re.findall(r'<text [^>]*textLength="[\d.]+"', text)) == text.count("<text ")
    assert 'font-family="Inter, sans-serif"' in text and "monospace" in text


def test_an_svg_looks_like_the_png() -> None:
    """The same shapes at the same places; fonts are drawn a little differently."""
    session = worked()
    plain = re.sub(rb', (sans-serif|monospace)"', b'"', drawn(session, ".svg", DARK))
    image = Sheet(session, DARK).image(1)
    other = QImage(image.size(), QImage.Format.Format_ARGB32_Premultiplied)
    other.fill(0)
    painter = QPainter(other)
    QSvgRenderer(QByteArray(plain)).render(painter)
    painter.end()
    assert different(image, other) < 0.002
    bare = Sheet(session, Choices(theme.DARK, values=False)).image(1)
    assert different(image, bare) > 0.004, "the measure sees what differs"


def different(one: QImage, other: QImage) -> float:
    """The share of pixels that differ clearly."""
    wide, high = one.width(), one.height()
    far = 0
    for y in range(0, high, 2):
        for x in range(0, wide, 2):
            a, b = one.pixelColor(x, y), other.pixelColor(x, y)
            far += abs(a.lightness() - b.lightness()) > 60
    return far * 4 / (wide * high)


def test_scale_ground_values_and_part() -> None:
    session = worked()
    small, large = Sheet(session, DARK).image(1), Sheet(session, Choices(theme.DARK, 4)).image(4)
    assert large.width() == 4 * small.width()
    clear = Sheet(session, Choices(theme.LIGHT, transparent=True)).image(1)
    assert clear.pixelColor(2, 2).alpha() == 0 and small.pixelColor(2, 2) == theme.DARK.canvas
    light = Sheet(session, Choices(theme.LIGHT)).image(1)
    assert light.pixelColor(2, 2) == theme.LIGHT.canvas
    bare = drawn(session, ".svg", Choices(theme.DARK, values=False))
    assert b"0.8415" not in bare and b">grad<" not in bare and b">sin(t)<" in bare
    only = frozenset(n for n in session.graph.nodes if session.graph.name(n) in ("t", "u1"))
    part = drawn(session, ".svg", Choices(theme.DARK, only=only))
    assert b">sin(t)<" in part and b">cos(u)<" not in part
    inside = picture.document(part)
    assert {inside.name(n) for n in inside.nodes} == {"t", "u1"} and len(inside.links) == 1
    assert Sheet(session, Choices(theme.DARK, only=only)).area.width() < small.width() / 2


def test_a_picture_shows_neither_selection_nor_pointer(window: Window) -> None:
    window.documents.open_example("worked-example")
    before = drawn(window.session, ".png", DARK)
    window.session.select(window.session.graph.nodes)
    assert drawn(window.session, ".png", DARK) == before


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    session = Session(compose("y = x^2", default=1.0))
    graph = session.root
    node = next(iter(graph.nodes.values()))
    graph.put("nodes", node.id, replace(node, x=90_000.0))
    with pytest.raises(FileError, match="choose a smaller scale, fewer nodes or SVG"):
        drawn(session, ".png", DARK)


def test_inside_a_module_the_whole_document_travels(window: Window) -> None:
    window.documents.open_example("worked-example")
    module = window.canvas.add_operator("Dense")
    assert module is not None and window.session.enter(module)
    text = drawn(window.session, ".svg", DARK)
    assert b">sin(t)<" not in text, "what is looked at is shown"
    again = picture.document(text)
    assert files.canonical_bytes(again) == files.canonical_bytes(window.session.root)


def test_the_export_action_asks_and_writes(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.documents.open_example("worked-example")
    suggested: list[Path] = []

    def take(self: ExportDialog) -> int:
        self.kind.choose(".png")
        self.scale.choose("2")
        self.ground.choose("light")
        return int(QDialog.DialogCode.Accepted)

    def ask(parent: QWidget, path: Path) -> Path:
        suggested.append(path)
        return tmp_path / "picture.png"

    monkeypatch.setattr(ExportDialog, "exec", take)
    monkeypatch.setattr(dialogs, "ask_picture", ask)
    before = (window.session.path, window.session.history.labels)
    window.commands.run("file.export")
    assert suggested[0].suffix == ".png"
    image = QImage(str(tmp_path / "picture.png"))
    assert image.pixelColor(3, 3) == theme.LIGHT.canvas and image.width() > 1500
    assert (window.session.path, window.session.history.labels) == before
    again = picture.read(tmp_path / "picture.png")
    assert files.canonical_bytes(again) == files.canonical_bytes(window.session.root)


def test_the_dialog_follows_what_is_chosen(window: Window) -> None:
    window.documents.open_example("worked-example")
    dialog = ExportDialog(window, window.session)
    assert not dialog.part.buttons["selection"].isEnabled() and dialog.ground.value == "dark"
    assert not dialog.scale.buttons["2"].isEnabled()
    QTest.mouseClick(dialog.kind.buttons[".png"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(dialog.scale.buttons["4"], Qt.MouseButton.LeftButton)
    assert dialog.suffix == ".png" and dialog.choices().scale == 4
    assert "pixels" in dialog.size_label.text()
    QTest.mouseClick(dialog.ground.buttons["clear"], Qt.MouseButton.LeftButton)
    assert dialog.choices().transparent and dialog.preview.sheet is not None
    dialog.reject()
    assert dialog.preview.sheet is None
    dialog.deleteLater()


def test_the_command_line_draws_and_reads(tmp_path: Path) -> None:
    graph = examples.load("xor")
    shot.export(graph, None, tmp_path / "a.svg", 2, "light", 1, True, False)
    again = picture.read(tmp_path / "a.svg")
    assert files.canonical_bytes(again) == files.canonical_bytes(graph)
    with pytest.raises(ValueError, match="micro-steps; give --step"):
        shot.export(graph, None, tmp_path / "a.svg", 10**6, "light", 1, True, False)


def test_sheets_are_taken_down_at_once() -> None:
    """Not by the garbage collector, which may run on another thread."""
    session = worked()
    with Sheet(session, DARK) as sheet:
        board = sheet.board
        assert shiboken6.isValid(board)
    assert not shiboken6.isValid(board)
    sheet.close()


# ------------------------------------------------------------ dropping


def mime(paths: Sequence[Path]) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def hover(target: QWidget, data: QMimeData, place: QPoint | None = None) -> bool:
    at = place if place is not None else target.rect().center()
    given = (at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
             Qt.KeyboardModifier.NoModifier)  # fmt: skip
    enter = QDragEnterEvent(*given)
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDragMoveEvent(*given))
    return enter.isAccepted()


def drop(target: QWidget, *paths: Path, place: QPoint | None = None) -> None:
    data = mime(paths)
    assert hover(target, data, place)
    at = place if place is not None else target.rect().center()
    event = QDropEvent(
        QPointF(at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(target, event)
    QTest.qWait(1)


@pytest.fixture
def shown(tmp_path: Path) -> dict[str, Path]:
    """A document in every kind of file, and a table."""
    session = worked()
    paths = {s: tmp_path / f"spiral{s}" for s in (".gloom", ".json", ".png", ".svg")}
    for suffix, path in paths.items():
        if suffix in (".png", ".svg"):
            path.write_bytes(drawn(session, suffix, DARK))
        else:
            files.write(session.root, path)
    paths[".csv"] = tmp_path / "iris.csv"
    shutil.copy(IRIS, paths[".csv"])
    return paths


@pytest.mark.parametrize("suffix", [".gloom", ".json", ".png", ".svg"])
@pytest.mark.parametrize("where", ["canvas", "window", "start"])
def test_a_dropped_document_is_opened(
    window: Window, shown: dict[str, Path], suffix: str, where: str
) -> None:
    if where == "start":
        window.show_start()
    target = {"canvas": window.canvas.viewport(), "window": window, "start": window.start}[where]
    path = shown[suffix]
    assert hover(target, mime([path]))
    assert window.dropping.isVisible() and window.dropping.words == f"Open {path.name}"
    drop(target, path)
    session = window.session
    assert not window.dropping.isVisible() and window.editing
    assert files.canonical_bytes(session.root) == files.canonical_bytes(worked().root)
    if suffix in (".gloom", ".json"):
        assert session.path == path and session.title == "spiral"
    else:
        assert session.path is None and session.title == "spiral (from picture)"
    assert session.history.is_saved and settings.recent()[0] == path


def test_a_picture_is_never_saved_over(
    window: Window, shown: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown[".png"].read_bytes()
    drop(window.canvas.viewport(), shown[".png"])
    asked: list[str] = []

    def ask(parent: QWidget, suggested: str) -> None:
        asked.append(suggested)

    monkeypatch.setattr(dialogs, "ask_save", ask)
    assert not window.documents.save()
    assert Path(asked[0]).name == "spiral.gloom" and shown[".png"].read_bytes() == before


def test_leaving_without_a_drop_hides_the_words(window: Window, shown: dict[str, Path]) -> None:
    assert hover(window, mime([shown[".png"]])) and window.dropping.isVisible()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.dropping.isVisible() and not window.session.graph.nodes


def test_a_drop_never_loses_unsaved_work(
    window: Window, shown: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.compose("y = x^2")
    before = files.to_bytes(window.session.root)
    asked: list[str] = []

    def cancel(parent: QWidget, name: str) -> str:
        asked.append(name)
        return "cancel"

    monkeypatch.setattr(dialogs, "ask_unsaved", cancel)
    drop(window.canvas.viewport(), shown[".gloom"])
    assert asked and files.to_bytes(window.session.root) == before
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda parent, name: "discard")
    drop(window.canvas.viewport(), shown[".gloom"])
    assert window.session.path == shown[".gloom"]


def test_what_cannot_be_read_is_said_before_and_after(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "letter.docx"
    path.write_bytes(b"PK\3\4" + bytes(100))
    before = files.to_bytes(window.session.root)
    drop(window, path)
    assert "cannot read .docx; it opens .gloom, .json, .png, .svg, .csv" in window.dropping.words
    assert "cannot read .docx" in window.notice.text()
    assert files.to_bytes(window.session.root) == before


def test_a_picture_without_a_document_is_refused_by_name(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "holiday.png"
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(0)
    image.save(str(path))
    drop(window, path)
    assert "holiday.png" in window.notice.text()
    assert "holds no Gradloom document; export it from Gradloom" in window.notice.text()


def test_of_several_files_the_first_document_is_opened(
    window: Window, shown: dict[str, Path]
) -> None:
    drop(window, shown[".csv"], shown[".json"], shown[".gloom"])
    assert window.session.path == shown[".json"]
    assert "iris.csv, spiral.gloom: not opened" in window.notice.text()


def test_a_table_becomes_data_of_the_open_document(
    window: Window, shown: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.compose("y = w * 2")
    steps = list(window.session.history.labels)
    before = files.to_bytes(window.session.root)
    monkeypatch.setattr(dialogs, "ask_import", lambda parent, source: source)
    QTest.qWait(10)  # the view fits what was typed
    viewport = window.canvas.viewport()
    place = QPoint(300, 200)
    assert hover(viewport, mime([shown[".csv"]]), place)
    assert window.dropping.words == "Use iris.csv as data"
    drop(viewport, shown[".csv"], place=place)
    session = window.session
    assert session.history.labels == [*steps, "Add data"]
    made = [session.graph.nodes[n] for n in session.selection]
    assert [(n.op, n.name) for n in made] == [("data", "x"), ("data", "y1")]
    where = window.canvas.to_scene(QPointF(place))
    body = window.canvas.board.nodes[made[0].id].body()
    assert body.contains(where)
    assert session.evaluation.shape_text(made[0].id) == "B×4"
    session.history.undo()
    assert files.to_bytes(session.root) == before


def test_a_table_goes_to_the_data_nodes_that_are_there(
    window: Window, shown: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.documents.open_example("your-csv")
    monkeypatch.setattr(dialogs, "ask_import", lambda parent, source: source)
    monkeypatch.setattr(dialogs, "ask_reinitialise", lambda parent, messages: False)
    count = len(window.session.root.nodes)
    drop(window, shown[".csv"])
    session = window.session
    assert session.history.labels == ["Choose data"] and len(session.root.nodes) == count
    assert shown[".csv"].name in next(iter(session.root.sources.values())).path


def test_a_table_on_the_start_page_is_a_new_document(
    window: Window, shown: dict[str, Path]
) -> None:
    window.show_start()
    assert hover(window, mime([shown[".csv"]]))
    assert window.dropping.words == "New document with data of iris.csv"
    drop(window, shown[".csv"])
    assert window.editing and window.session.path is None and window.session.title == "iris"
    assert [n.op for n in window.session.graph.nodes.values()] == ["data", "data"]


def test_operators_are_still_dragged_in(window: Window) -> None:
    data = QMimeData()
    data.setData(MIME, b"sin")
    assert hover(window.canvas.viewport(), data) and not window.dropping.isVisible()
    text = QMimeData()
    text.setText("hello")
    assert not hover(window, text)


def test_a_file_dropped_on_a_line_of_text_is_opened(window: Window, shown: dict[str, Path]) -> None:
    line = window.top.formula.line
    drop(line, shown[".json"], place=QPoint(20, 8))
    assert window.session.path == shown[".json"] and line.text() == ""
    words = QMimeData()
    words.setText("y = x^2")
    assert hover(line, words, QPoint(20, 8)) and not window.dropping.isVisible()


def test_data_beside_a_picture_stay_found(window: Window, shown: dict[str, Path]) -> None:
    window.documents.open_example("your-csv")
    source = next(iter(window.session.root.sources.values()))
    assert source.path == "iris.csv"
    picture_path = shown[".png"]
    picture_path.write_bytes(drawn(window.session, ".png", DARK))
    drop(window, picture_path)
    found = next(iter(window.session.root.sources.values()))
    assert Path(found.path) == shown[".csv"] and not window.session.data_fault


def test_pointer_and_paint(window: Window, shown: dict[str, Path]) -> None:
    """The words are drawn over everything, in both themes."""
    for name in ("dark", "light"):
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        window.restyle()
        plain = window.grab().toImage()
        hover(window, mime([shown[".png"], shown[".csv"]]))
        assert window.grab().toImage() != plain
        QApplication.sendEvent(window, QEvent(QEvent.Type.DragLeave))

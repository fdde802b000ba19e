"""Notes and frames under a real mouse: written, moved with what they hold, resized, coloured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hands import PLAIN, WORKED, Open, drag, hover, middle, node, port, seen
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import actions
from app.view import dialogs, miniature, theme
from app.view.canvas import Canvas
from app.view.canvas.export import Choices, Sheet
from app.view.canvas.note_item import GROUND, STRIP, paper, tint, title_scale
from app.view.canvas.note_text import lay_out
from app.view.window import Window
from engine.compose import compose
from engine.edits import Put, batch
from engine.files import from_text, to_bytes
from engine.graph import Note
from engine.modules import make_module
from engine.notes import around
from engine.records import COLOURS

LEFT = Qt.MouseButton.LeftButton
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def put(canvas: Canvas, *notes: Note) -> bytes:
    """Puts notes outside of the history; the bytes that undo has to bring back."""
    for note in notes:
        Put("notes", note.id, note).apply(canvas.session.root)
    canvas.board.synchronize()
    canvas.fit()
    canvas.flush()
    return to_bytes(canvas.session.root)


def framed(canvas: Canvas, *names: str, note_id: str = "f1", text: str = "Branches") -> Note:
    """A frame around nodes."""
    areas = canvas.board.areas([node(canvas, name) for name in names])
    return Note(note_id, "frame", text, "violet", *around(areas.values()))


def title(canvas: Canvas, note_id: str = "f1") -> QPoint:
    strip = canvas.board.notes.items[note_id].title(canvas.zoom)
    return seen(canvas, QPointF(strip.left() + 30, strip.center().y()))


def paper_of(canvas: Canvas, note_id: str) -> QPoint:
    return seen(canvas, canvas.board.notes.items[note_id].area().center())


def click(canvas: Canvas, at: QPoint, keys: Qt.KeyboardModifier = PLAIN) -> None:
    QTest.mouseClick(canvas.viewport(), LEFT, keys, at)


def active(canvas: Canvas) -> Canvas:
    """The canvas has the keyboard, which widgets in it give back."""
    canvas.activateWindow()
    assert QTest.qWaitForWindowActive(canvas)
    canvas.setFocus()
    return canvas


def places(canvas: Canvas) -> dict[str, tuple[float, float]]:
    graph = canvas.session.graph
    held = [*graph.nodes.values(), *graph.notes.values()]
    return {(graph.name(h.id) if h.id in graph.nodes else h.id): (h.x, h.y) for h in held}


def undone(canvas: Canvas, before: bytes, *labels: str) -> None:
    """The labels are the steps that were done, and undo restores the bytes; then redo."""
    history = canvas.session.history
    assert history.labels == list(labels)
    after = to_bytes(canvas.session.root)
    for _ in labels:
        history.undo()
    assert to_bytes(canvas.session.root) == before
    for _ in labels:
        history.redo()
    assert to_bytes(canvas.session.root) == after
    for item in canvas.board.notes.items.values():
        note = canvas.session.graph.notes[item.note_id]
        assert item.area() == QRectF(note.x, note.y, note.width, note.height)


# ------------------------------------------------------------------------- moving


def test_a_frame_carries_what_lies_wholly_in_it(opened: Open) -> None:
    canvas = opened()
    inner = framed(canvas, "u1", note_id="f2")
    outer = around(
        [
            (inner.x, inner.y, inner.width, inner.height),
            *canvas.board.areas([node(canvas, "u2")]).values(),
        ]
    )
    before = put(
        canvas, inner, Note("f1", "frame", "Both", "blue", *outer),
        Note("f3", "note", "half in", "", outer[0] - 40, outer[1] + 60, 80, 60),
    )  # fmt: skip
    was = places(canvas)
    drag(canvas, title(canvas), title(canvas) + QPoint(66, -45))
    now = places(canvas)
    assert {n for n in now if now[n] != was[n]} == {"f1", "f2", "u1", "u2"}
    assert len({(now[n][0] - was[n][0], now[n][1] - was[n][1]) for n in ("f1", "f2", "u1")}) == 1
    assert now["f1"][0] % 4 == 0 and now["f1"][1] % 4 == 0
    assert canvas.session.notes_selected == ("f1",) and canvas.session.selection == ()
    undone(canvas, before, "Move")


def test_a_frame_is_taken_by_its_border_and_not_by_its_ground(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    area = canvas.board.notes.items["f1"].area()
    border = seen(canvas, QPointF(area.left(), area.center().y()))
    drag(canvas, border, border + QPoint(-40, 0))
    assert canvas.session.history.labels == ["Move"]
    canvas.session.history.undo()
    canvas.session.select(())
    ground = seen(canvas, QPointF(area.left() + 10, area.center().y()))
    drag(canvas, ground, ground + QPoint(30, -60))
    assert canvas.session.chosen == (node(canvas, "u1"),), "a band over nodes in the frame"
    click(canvas, ground)
    assert canvas.session.chosen == () and to_bytes(canvas.session.root) == before


def test_nodes_dragged_out_of_a_frame_are_no_longer_carried(opened: Open) -> None:
    canvas = opened()
    put(canvas, framed(canvas, "u1", "u2"))
    drag(canvas, middle(canvas, "u1"), middle(canvas, "u1") + QPoint(0, -180))
    was = places(canvas)
    drag(canvas, title(canvas), title(canvas) + QPoint(0, 60))
    now = places(canvas)
    assert {n for n in now if now[n] != was[n]} == {"f1", "u2"}
    assert canvas.session.history.labels == ["Move", "Move"]


def test_escape_puts_a_dragged_frame_back(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    item = canvas.board.notes.items["f1"]
    was = item.pos()
    drag(canvas, title(canvas), title(canvas) + QPoint(80, 80), release=False)
    canvas.flush()
    assert item.pos() != was
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert item.pos() == was and to_bytes(canvas.session.root) == before


def test_a_gesture_ends_when_its_note_goes(opened: Open) -> None:
    canvas = opened()
    put(canvas, Note("f1", "note", "a", "", 0, -300, 200, 96))
    drag(canvas, paper_of(canvas, "f1"), paper_of(canvas, "f1") + QPoint(40, 0), release=False)
    canvas.session.do(Put("notes", "f1", None), "Delete")
    QTest.mouseMove(canvas.viewport(), QPoint(500, 50))
    QTest.mouseRelease(canvas.viewport(), LEFT)
    assert canvas.session.history.labels == ["Delete"] and not canvas.board.notes.items


def test_arrows_move_a_frame_with_its_nodes_in_one_step(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    was = places(canvas)
    click(canvas, title(canvas))
    for _ in range(2):
        canvas.nudge_selection(4, 0)
    now = places(canvas)
    assert {n: now[n][0] - was[n][0] for n in now if now[n] != was[n]} == {
        "f1": 8, "u1": 8, "u2": 8,
    }  # fmt: skip
    undone(canvas, before, "Move")


def test_a_frame_glides_with_its_nodes(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    put(canvas, framed(canvas, "u1", "u2"))
    canvas.session.select(("f1",))
    canvas.nudge_selection(96, 0)
    canvas.reduced_motion = False
    canvas.session.history.undo()
    item, body = canvas.board.notes.items["f1"], canvas.board.nodes[node(canvas, "u1")]
    apart = body.pos() - item.pos()
    end = QPointF(item.note.x, item.note.y)
    assert item.pos() != end
    qtbot.waitUntil(lambda: item.pos() == end, timeout=2000)
    assert body.pos() - item.pos() == apart


# ------------------------------------------------------------------------- selecting


def test_a_band_takes_notes_it_touches_and_frames_it_holds(opened: Open) -> None:
    canvas = opened()
    frame = framed(canvas, "u1")
    put(canvas, frame, Note("f2", "note", "", "", frame.x, frame.y - 120, 200, 80))
    start = seen(canvas, QPointF(frame.x - 20, frame.y - 60))
    drag(canvas, start, seen(canvas, QPointF(frame.x + frame.width - 8, frame.y + 90)))
    assert set(canvas.session.chosen) == {"f2", node(canvas, "u1")}
    drag(
        canvas, start, seen(canvas, QPointF(frame.x + frame.width + 9, frame.y + frame.height + 9))
    )
    assert set(canvas.session.chosen) == {"f1", "f2", node(canvas, "u1")}
    QTest.mouseClick(canvas.viewport(), LEFT, SHIFT, title(canvas))
    assert "f1" not in canvas.session.chosen
    canvas.select_all()
    assert len(canvas.session.chosen) == 8
    canvas.session.select(("f1",))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.session.chosen == ()


def test_a_note_is_found_by_its_words_and_heard(window: Window) -> None:
    canvas = shown(window)
    put(canvas, Note("f1", "note", "Mind the sign\nof $u$", "", 0, -900, 200, 96))
    (entry,) = (e for e in window.navigation.found() if "Mind" in e.title)
    entry.run()
    assert window.session.chosen == ("f1",)
    assert "note Mind the sign" in canvas.accessibleDescription()


# ------------------------------------------------------------------------- resizing


@pytest.mark.parametrize(
    ("corner", "by", "grown"),
    [
        ((1, 1), QPoint(80, 50), (False, False, True, True)),
        ((0, 0), QPoint(-80, -50), (True, True, True, True)),
        ((0, 0.5), QPoint(-80, 50), (True, False, True, False)),
        ((0.5, 1), QPoint(80, 50), (False, False, False, True)),
        ((1, 0.3), QPoint(80, 50), (False, False, True, False)),
    ],
)
def test_edges_and_corners_resize(
    opened: Open, corner: tuple[float, float], by: QPoint, grown: tuple[bool, ...]
) -> None:
    canvas = opened()
    note = Note("f1", "note", "a", "", 0, -300, 200, 96)
    before = put(canvas, note)
    click(canvas, paper_of(canvas, "f1"))
    at = seen(canvas, QPointF(note.x + corner[0] * note.width, note.y + corner[1] * note.height))
    drag(canvas, at, at + by)
    now = canvas.session.graph.notes["f1"]
    pairs = zip((now.x, now.y, now.width, now.height), (0, -300, 200, 96), strict=True)
    assert tuple(a != b for a, b in pairs) == grown
    assert now.x % 4 == now.y % 4 == now.width % 4 == now.height % 4 == 0
    undone(canvas, before, "Resize")


def test_nothing_gets_smaller_than_can_be_taken_and_contents_stay(opened: Open) -> None:
    canvas = opened()
    frame = framed(canvas, "u1", "u2")
    before = put(canvas, frame)
    was = places(canvas)
    click(canvas, title(canvas))
    corner = seen(canvas, QPointF(frame.x + frame.width, frame.y + frame.height))
    drag(canvas, corner, corner - QPoint(900, 900))
    now = canvas.session.graph.notes["f1"]
    assert (now.width, now.height) == (48, 76) and places(canvas) == was
    undone(canvas, before, "Resize")
    drag(canvas, seen(canvas, QPointF(now.x, now.y)), QPoint(90, 20), release=False)
    assert canvas.board.notes.items["f1"].area().width() > 48
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.board.notes.items["f1"].area().width() == 48
    assert canvas.session.history.labels == ["Resize"]


def test_an_upper_left_corner_stops_before_the_other_one(opened: Open) -> None:
    canvas = opened()
    put(canvas, Note("f1", "note", "a", "", 0, -300, 200, 96))
    click(canvas, paper_of(canvas, "f1"))
    corner = seen(canvas, QPointF(0, -300))
    drag(canvas, corner, corner + QPoint(600, 400))
    now = canvas.session.graph.notes["f1"]
    assert (now.x, now.y, now.width, now.height) == (152, -252, 48, 48)


def test_the_pointer_says_where_an_edge_is(opened: Open) -> None:
    canvas = opened()
    note = Note("f1", "note", "a", "", 0, -300, 200, 96)
    put(canvas, note)
    edge = seen(canvas, QPointF(200, -250))
    hover(canvas, edge)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor
    click(canvas, paper_of(canvas, "f1"))
    hover(canvas, edge)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.SizeHorCursor
    hover(canvas, QPoint(5, 5))
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor


# ------------------------------------------------------------------------- writing


def test_a_note_is_added_and_written_in_one_step(opened: Open) -> None:
    canvas = active(opened())
    before = to_bytes(canvas.session.root)
    canvas.notes.add()
    editor = canvas.notes.editor
    assert editor.isVisible() and canvas.session.notes_selected == ("f1",)
    QTest.keyClicks(editor, "# Chain rule")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.keyClicks(editor, "a $x^2$ b")
    QTest.keyClick(editor, Qt.Key.Key_Return, CONTROL)
    assert not editor.isVisible() and canvas.hasFocus()
    assert canvas.session.graph.notes["f1"].text == "# Chain rule\na $x^2$ b"
    undone(canvas, before, "Add note")


def test_a_double_click_writes_and_a_click_elsewhere_ends_it(opened: Open) -> None:
    canvas = active(opened())
    before = put(canvas, Note("f1", "note", "old", "", 0, -300, 200, 96))
    QTest.mouseDClick(canvas.viewport(), LEFT, pos=paper_of(canvas, "f1"))
    editor = canvas.notes.editor
    assert editor.isVisible() and editor.toPlainText() == "old"
    QTest.keyClicks(editor, " and new")
    click(canvas, QPoint(8, 8))
    assert not editor.isVisible() and canvas.session.graph.notes["f1"].text == "old and new"
    undone(canvas, before, "Edit text")


def test_enter_writes_and_escape_gives_up(opened: Open) -> None:
    canvas = active(opened())
    before = put(canvas, Note("f1", "note", "old", "", 0, -300, 200, 96))
    canvas.session.select(("f1",))
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    QTest.keyClicks(canvas.notes.editor, " and new")
    QTest.keyClick(canvas.notes.editor, Qt.Key.Key_Escape)
    assert not canvas.notes.editor.isVisible() and canvas.hasFocus()
    assert to_bytes(canvas.session.root) == before and canvas.session.history.labels == []


def test_zooming_keeps_what_was_typed(opened: Open) -> None:
    canvas = opened()
    put(canvas, Note("f1", "note", "", "", 0, -300, 200, 96))
    canvas.notes.edit("f1")
    QTest.keyClicks(canvas.notes.editor, "kept")
    canvas.zoom_by(1.2)
    assert canvas.session.graph.notes["f1"].text == "kept"


def test_a_note_grows_with_its_text(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, Note("f1", "note", "", "", 0, -300, 200, 48))
    canvas.notes.change_text("f1", "one\ntwo\nthree\nfour\nfive\nsix")
    grown = canvas.session.graph.notes["f1"].height
    assert grown > 100 and grown % 4 == 0
    undone(canvas, before, "Edit text")


def test_selected_nodes_are_framed_and_the_title_is_asked(opened: Open) -> None:
    canvas = opened()
    before = to_bytes(canvas.session.root)
    chosen = [node(canvas, n) for n in ("u1", "u2")]
    canvas.session.select(chosen)
    canvas.notes.frame()
    assert canvas.editor.isVisible()
    QTest.keyClicks(canvas.editor, "Two branches")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    frame = canvas.session.graph.notes["f1"]
    body = canvas.board.content(chosen)
    area = canvas.board.notes.items["f1"].area()
    assert frame.text == "Two branches" and area.contains(body)
    assert 24 <= body.left() - area.left() < 28 and 24 <= area.bottom() - body.bottom() < 28
    assert 52 <= body.top() - area.top() < 56
    undone(canvas, before, "Add frame")
    canvas.session.select(("f1",))
    canvas.notes.select_inside()
    assert set(canvas.session.chosen) == set(chosen)


def test_without_a_selection_a_frame_is_empty_and_in_the_middle(opened: Open) -> None:
    canvas = opened()
    canvas.session.select(())
    canvas.notes.frame()
    QTest.keyClick(canvas.editor, Qt.Key.Key_Escape)
    area = canvas.board.notes.items["f1"].area()
    assert (area.center() - canvas.centre()).manhattanLength() < 8
    assert canvas.session.history.labels == ["Add frame"]


def test_a_title_is_edited_in_its_strip(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    QTest.mouseDClick(canvas.viewport(), LEFT, pos=title(canvas))
    assert canvas.editor.isVisible() and canvas.editor.text() == "Branches"
    QTest.keyClicks(canvas.editor, "Here")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    assert canvas.session.graph.notes["f1"].text == "Here"
    undone(canvas, before, "Edit text")


def test_colours_and_fitting(opened: Open) -> None:
    canvas = opened()
    close = framed(canvas, "u1", "u2")
    loose = replace(close, x=close.x - 40, width=close.width + 80, height=close.height + 40)
    before = put(canvas, loose, Note("f2", "note", "short", "", 0, -400, 200, 300))
    canvas.session.select(("f1", "f2"))
    canvas.notes.colour("pink")
    assert {n.colour for n in canvas.session.graph.notes.values()} == {"pink"}
    canvas.notes.fit()
    assert canvas.session.graph.notes["f1"] == replace(close, colour="pink")
    assert canvas.session.graph.notes["f2"].height < 60
    canvas.notes.fit()
    undone(canvas, before, "Colour", "Fit")


# ------------------------------------------------------------------------- copies


def test_a_copied_frame_takes_its_nodes_along(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    canvas.session.select(("f1",))
    canvas.copy()
    part = from_text(QGuiApplication.clipboard().text())
    assert set(part.notes) == {"f1"} and len(part.nodes) == 2
    canvas.paste()
    assert len(canvas.session.selection) == 2 and canvas.session.notes_selected == ("f2",)
    new = canvas.board.content(canvas.session.selection)
    assert canvas.board.notes.items["f2"].area().contains(new)
    canvas.session.select(("f1",))
    canvas.duplicate()
    assert canvas.session.notes_selected == ("f3",)
    undone(canvas, before, "Paste", "Duplicate")


def test_a_note_alone_is_cut_and_pasted(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, Note("f1", "note", "alone", "yellow", 0, -300, 200, 96))
    canvas.session.select(("f1",))
    canvas.cut()
    assert not canvas.session.graph.notes
    canvas.paste()
    (made,) = canvas.session.graph.notes.values()
    assert (made.text, made.colour) == ("alone", "yellow")
    undone(canvas, before, "Cut", "Paste")


def test_deleting_a_frame_leaves_its_nodes(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"))
    click(canvas, title(canvas))
    canvas.delete_selection()
    assert not canvas.session.graph.notes and len(canvas.session.graph.nodes) == 6
    undone(canvas, before, "Delete")


def test_frames_fit_after_arranging_in_the_same_step(opened: Open) -> None:
    canvas = opened()
    frame = framed(canvas, "u1", "u2")
    Put("nodes", "n1", replace(canvas.session.graph.nodes["n1"], x=-900.0, y=500.0)).apply(
        canvas.session.root
    )
    before = put(canvas, frame, Note("f2", "note", "in", "", frame.x + 8, frame.y + 30, 60, 30))
    canvas.session.select(())
    canvas.arranging.arrange()
    graph = canvas.session.graph
    inside = canvas.board.areas([node(canvas, "u1"), node(canvas, "u2")])
    note = graph.notes["f2"]
    held = [*inside.values(), (note.x, note.y, note.width, note.height)]
    now = graph.notes["f1"]
    assert (now.x, now.y, now.width, now.height) == around(held)
    assert (now.x, now.y) != (frame.x, frame.y)
    undone(canvas, before, "Arrange nodes")


def test_alignment_moves_a_frame_as_one(opened: Open) -> None:
    canvas = opened()
    before = put(canvas, framed(canvas, "u1", "u2"), Note("f2", "note", "", "", 0, -300, 200, 96))
    was = places(canvas)
    canvas.session.select(("f1", "f2", node(canvas, "u1")))
    canvas.arranging.align("left")
    now = places(canvas)
    assert now["f1"][0] == now["f2"][0] == 0
    by = now["f1"][0] - was["f1"][0]
    assert now["u1"] == (was["u1"][0] + by, was["u1"][1]) and now["u2"][0] == was["u2"][0] + by
    undone(canvas, before, "Align nodes")


# ------------------------------------------------------------------------- looks


def test_ports_and_nodes_come_before_what_lies_under_them(opened: Open) -> None:
    canvas = opened()
    put(canvas, framed(canvas, "u1", "u2"))
    click(canvas, middle(canvas, "u1") + QPoint(0, 20))
    assert canvas.session.chosen == (node(canvas, "u1"),)
    drag(canvas, port(canvas, "u1", "x"), QPoint(20, 20))
    assert canvas.session.history.labels == ["Disconnect"]


@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.25, 0.12])
def test_a_title_can_be_read_and_hit_from_afar(opened: Open, zoom: float) -> None:
    canvas = opened()
    put(canvas, framed(canvas, "u1", "u2"))
    canvas.zoom_to(zoom)
    assert 13 * title_scale(zoom) * zoom >= 11
    click(canvas, title(canvas))
    assert canvas.session.chosen == ("f1",)


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    def light(rgb: tuple[float, ...]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("colour", COLOURS)
def test_words_on_every_colour_can_be_read(name: str, colour: str) -> None:
    tokens = theme.THEMES[name]
    hue = tokens.note(colour)
    fill = tint(tokens, colour)
    strip = theme.blend(theme.blend(tokens.canvas, fill, GROUND), fill, STRIP)
    for words, ground in ((hue, strip), (tokens.text, paper(tokens, colour))):
        assert contrast(words.getRgbF()[:3], ground.getRgbF()[:3]) >= 4.7
    assert contrast((1, 1, 1), (0.6, 0.6, 0.6)) < 4.7, "the check can fail"


def test_formulas_bold_words_and_money(qapp: QApplication) -> None:
    ink = theme.DARK.text
    laid = lay_out("a $x^2$, **b** costs $5 or $6-$7 ** c", 4000, ink)
    (line,) = laid.lines
    words = [p.text if p.formula is None else f"<{p.formula.text}>" for _, p in line.pieces]
    assert words == ["a", "<x^2>", ",", "b", "costs", "$5", "or", "$6-$7", "**", "c"]
    assert [p.font.weight() for _, p in line.pieces if p.text in ("a", "b")] == [400, 600]
    assert lay_out("# big\nsmall", 4000, ink).lines[0].height > 20


def test_lines_break_at_blanks_and_long_words_anywhere(qapp: QApplication) -> None:
    ink = theme.DARK.text
    for text in ("many words in a narrow note", "w" * 200, r"$\frac{a + b + c + d + e}{f}$ end"):
        laid = lay_out(text, 80, ink)
        assert len(laid.lines) > 1 and all(line.width <= 81 for line in laid.lines)
    assert lay_out("", 80, ink).height == 0 and lay_out("a\n\nb", 80, ink).height > 30


def test_broken_formulas_are_shown_as_they_were_typed(opened: Open) -> None:
    canvas = opened()
    put(canvas, Note("f1", "note", r"$\frac{1}{$ and $\nothing$", "", 0, -300, 200, 96))
    canvas.grab()
    assert r"\nothing" in canvas.session.graph.notes["f1"].text


@pytest.mark.parametrize("name", ["dark", "light"])
def test_notes_are_painted_in_their_colours(opened: Open, name: str) -> None:
    canvas = opened()
    put(
        canvas,
        *(
            Note(f"f{i + 1}", "note", "text", colour, 220.0 * i, -300, 200, 96)
            for i, colour in enumerate(COLOURS)
        ),
        *(
            Note(f"f{i + 9}", "frame", "text", colour, 220.0 * i, -430, 200, 96)
            for i, colour in enumerate(COLOURS)
        ),
    )
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    canvas.set_theme(theme.THEMES[name])
    image = canvas.grab().toImage()
    ratio = image.devicePixelRatio()
    for item in canvas.board.notes.items.values():
        if item.is_frame:
            continue
        corner = seen(canvas, item.area().bottomRight() - QPointF(20, 20))
        shown = image.pixelColor(int(corner.x() * ratio), int(corner.y() * ratio))
        wanted = paper(theme.THEMES[name], item.note.colour)
        assert abs(shown.red() - wanted.red()) + abs(shown.blue() - wanted.blue()) < 8
    assert all(theme.THEMES[name].note(colour).alpha() == 255 for colour in COLOURS)


def test_undo_takes_the_item_away_and_brings_it_back(opened: Open) -> None:
    canvas = opened()
    edit = batch(
        Put("notes", "f1", Note("f1", "frame", "a")), Put("notes", "f2", Note("f2", "note", "b"))
    )
    canvas.session.do(edit, "Add")
    canvas.session.select(("f1", "f2"))
    canvas.session.history.undo()
    assert not canvas.board.notes.items and canvas.session.chosen == ()
    canvas.session.history.redo()
    assert set(canvas.board.notes.items) == {"f1", "f2"}
    frame, note = canvas.board.notes.items["f1"], canvas.board.notes.items["f2"]
    assert frame.zValue() < note.zValue() < 1


# ------------------------------------------------------------------------- in the window


def shown(window: Window) -> Canvas:
    window.session.load(compose(WORKED, {"x": 0.5}))
    window.show_editor()
    QTest.qWait(1)
    window.canvas.setFocus()
    return window.canvas


def test_shortcuts_frame_and_write(window: Window) -> None:
    canvas = shown(window)
    before = to_bytes(window.session.root)
    window.session.select([node(canvas, "u1"), node(canvas, "u2")])
    QTest.keyClick(window, Qt.Key.Key_J, CONTROL)
    QTest.keyClicks(canvas.editor, "Both")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    QTest.keyClick(window, Qt.Key.Key_J, CONTROL | SHIFT)
    QTest.keyClicks(canvas.notes.editor, "$x$")
    QTest.keyClick(canvas.notes.editor, Qt.Key.Key_Return, CONTROL)
    kinds = [(n.kind, n.text) for n in window.session.graph.notes.values()]
    assert kinds == [("frame", "Both"), ("note", "$x$")]
    undone(canvas, before, "Add frame", "Add note")


def test_commands_stand_in_the_menus(window: Window) -> None:
    canvas = shown(window)
    put(canvas, framed(canvas, "u1", "u2"))
    click(canvas, title(canvas))
    offered = {action.id for action in actions.on_canvas("note", window)}
    assert {"edit.delete", "edit.copy", "edit.fit_frame", "edit.select_inside"} <= offered
    window.commands.run("edit.colour_yellow")
    assert window.session.graph.notes["f1"].colour == "yellow"
    window.commands.run("edit.select_inside")
    assert len(window.session.selection) == 2
    assert "edit.fit_frame" not in {a.id for a in actions.on_canvas("node", window)}


def test_a_right_click_on_a_note_has_its_menu(window: Window) -> None:
    canvas = shown(window)
    put(canvas, Note("f1", "note", "a", "", 0, -300, 200, 96))
    asked: list[str] = []
    canvas.menu_asked.disconnect()
    canvas.menu_asked.connect(lambda kind, at: asked.append(kind))
    at = paper_of(canvas, "f1")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas.viewport(), event)
    assert asked == ["note"] and window.session.chosen == ("f1",)
    assert canvas.asked is not None and canvas.asked.wire is None
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas.viewport(), event)
    assert asked == ["note", "note"]


def test_the_inspector_writes_and_colours(window: Window) -> None:
    canvas = shown(window)
    before = put(canvas, Note("f1", "note", "old", "", 0, -300, 200, 96))
    click(canvas, paper_of(canvas, "f1"))
    form = window.inspector.note_form
    assert form.text.toPlainText() == "old"
    form.text.setFocus()
    QTest.keyClicks(form.text, "er ")
    QTest.keyClick(form.text, Qt.Key.Key_Return, CONTROL)
    assert "er " in window.session.graph.notes["f1"].text
    QTest.mouseClick(form.buttons["violet"], LEFT)
    assert window.session.graph.notes["f1"].colour == "violet"
    assert window.inspector.note_form is form
    undone(canvas, before, "Edit text", "Colour")
    assert form.buttons["violet"].isChecked()
    window.session.select((node(canvas, "t"),))
    assert window.inspector.node == node(canvas, "t") and window.inspector.name.text() == "t"
    window.session.select(("f1",))
    canvas.delete_selection()
    assert window.inspector.node != "f1"


# ------------------------------------------------------------------------- modules


def inside(window: Window) -> Canvas:
    """A module of u1 and u2 that is looked into."""
    canvas = shown(window)
    edit, made = make_module(
        window.session.graph, [node(canvas, n) for n in ("u1", "u2", "u")], "Both"
    )
    window.session.do(edit, "Make")
    window.session.history.mark_saved()
    assert window.session.enter(made)
    return canvas


def test_notes_inside_a_module_are_written_moved_and_undone(window: Window) -> None:
    canvas = inside(window)
    before = to_bytes(window.session.root)
    canvas.notes.add()
    QTest.keyClicks(canvas.notes.editor, "inner")
    QTest.keyClick(canvas.notes.editor, Qt.Key.Key_Return, CONTROL)
    (note,) = window.session.root.modules["Both"].notes.values()
    assert note.text == "inner" and not window.session.root.notes
    window.session.select([node(canvas, "u1"), node(canvas, "u2")])
    canvas.notes.frame()
    QTest.keyClick(canvas.editor, Qt.Key.Key_Escape)
    was = places(canvas)
    drag(canvas, title(canvas, "f2"), title(canvas, "f2") + QPoint(40, 40))
    assert {n for n, place in places(canvas).items() if place != was[n]} == {"f2", "u1", "u2"}
    assert window.session.history.labels[1:] == ["Add note", "Add frame", "Move"]
    for _ in range(3):
        window.session.history.undo()
    assert to_bytes(window.session.root) == before
    window.session.leave()
    assert not canvas.board.notes.items


def test_notes_go_into_a_module_and_come_out(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = shown(window)
    monkeypatch.setattr(dialogs, "ask_module_name", lambda *a: "Both")
    whole, half = framed(canvas, "u1", "u2"), framed(canvas, "u2", "u", note_id="f2")
    before = put(canvas, whole, half, Note("f3", "note", "why", "pink", 0, -300, 200, 96))
    window.session.select([node(canvas, "u1"), node(canvas, "u2"), "f1", "f2", "f3"])
    assert window.modules.make()
    assert set(window.session.graph.notes) == {"f2"}, "it holds a node that stays outside"
    assert set(window.session.graph.modules["Both"].notes) == {"f1", "f3"}
    assert window.modules.unpack()
    texts = sorted(window.session.graph.notes[n].text for n in window.session.notes_selected)
    assert texts == ["Branches", "why"]
    (frame,) = (n for n in window.session.notes_selected
                if window.session.graph.notes[n].kind == "frame")  # fmt: skip
    nodes = [node(canvas, "u1"), node(canvas, "u2")]
    assert canvas.board.notes.items[frame].area().contains(canvas.board.content(nodes))
    assert window.session.history.labels == ["Make module Both", "Unpack both"]
    window.session.history.undo()
    window.session.history.undo()
    assert to_bytes(window.session.root) == before


def test_notes_are_in_pictures_and_small_pictures(window: Window) -> None:
    canvas = shown(window)
    put(canvas, framed(canvas, "u1", "u2"), Note("f2", "note", "far", "", 0, -600, 200, 96))
    whole = Sheet(window.session, Choices(theme.DARK))
    assert whole.area.contains(QRectF(0, -600, 200, 96)) and whole.area.top() > -640
    part = Sheet(window.session, Choices(theme.DARK, only=frozenset({"f2"})))
    assert part.area.height() < 200
    assert miniature.extent(window.session.graph).top() == -600

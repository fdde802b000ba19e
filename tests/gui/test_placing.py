"""Searching on the canvas and placing what was chosen, with real keys and a real mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import candidates
from app.drawers import drawers
from app.view import settings
from app.view.canvas import adding
from app.view.canvas.adding import MIME
from app.view.canvas.editing import Asked
from app.view.canvas.new_node import NewNode
from app.view.window import Window
from engine import files
from engine.graph import Graph
from engine.ops.row import Op
from engine.shapes import ShapeError, Spec

CHAIN = "y = cos(x)"


def node(window: Window, name: str) -> str:
    found = window.session.graph.id_of(name)
    assert found is not None
    return found


def seen(window: Window, scene: QPointF) -> QPoint:
    return window.canvas.viewportTransform().map(scene).toPoint()


def output(window: Window, name: str) -> QPoint:
    return seen(window, window.canvas.board.nodes[node(window, name)].output_at())


def port(window: Window, name: str, port_name: str) -> QPoint:
    return seen(window, window.canvas.board.nodes[node(window, name)].port_at(port_name))


def point(window: Window, place: QPoint) -> None:
    QTest.mouseMove(window.canvas.viewport(), place)
    QCursor.setPos(window.canvas.viewport().mapToGlobal(place))


def away(window: Window) -> None:
    QCursor.setPos(window.mapToGlobal(QPoint(5, 5)))


def ghosts(window: Window) -> list[NewNode]:
    return [i for i in window.canvas.board.items() if isinstance(i, NewNode)]


def links(window: Window) -> dict[tuple[str, str], str]:
    graph = window.session.graph
    return {(graph.name(n), p): graph.name(s) for (n, p), s in graph.links.items()}


def titles(window: Window) -> list[str]:
    listed = window.finder.list
    return [listed.item(row).text() for row in range(listed.count())]


def type_and_take(window: Window, text: str) -> None:
    assert window.finder.isVisible()
    QTest.keyClicks(window.finder.line, text)
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)


@pytest.fixture
def canvas(window: Window) -> Window:
    """A window on y = cos(x), the canvas with the keyboard and the pointer away from it."""
    window.compose(CHAIN)
    window.canvas.fit()
    window.canvas.flush()
    window.session.select(())
    window.canvas.setFocus()
    return window


def steps(window: Window) -> list[str]:
    """The undo steps behind the one that made y = cos(x)."""
    return window.session.history.labels[1:]


# ------------------------------------------------------------------------- how it opens


def test_tab_opens_the_search_only_on_the_canvas(canvas: Window) -> None:
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    assert canvas.finder.isVisible() and canvas.finder.line.hasFocus()
    QTest.keyClick(canvas.finder.line, Qt.Key.Key_Escape)
    assert not canvas.finder.isVisible() and canvas.canvas.hasFocus(), "the keyboard goes back"
    canvas.palette_panel.search.setFocus()
    QTest.keyClick(canvas.palette_panel.search, Qt.Key.Key_Tab)
    assert not canvas.finder.isVisible() and not canvas.palette_panel.search.hasFocus()


def test_shift_tab_leaves_the_canvas(canvas: Window) -> None:
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    assert not canvas.canvas.hasFocus() and not canvas.finder.isVisible()
    assert canvas.session.selection == ()


@pytest.mark.parametrize(
    ("key", "modifier", "typed"),
    [
        (Qt.Key.Key_Asterisk, Qt.KeyboardModifier.ShiftModifier, "*"),
        (Qt.Key.Key_At, Qt.KeyboardModifier.NoModifier, "@"),
        (Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier, "S"),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.NoModifier, "+"),
    ],
)
def test_typing_opens_the_search_with_what_was_typed(
    canvas: Window, key: Qt.Key, modifier: Qt.KeyboardModifier, typed: str
) -> None:
    QTest.keyClick(canvas.canvas, key, modifier)
    assert canvas.finder.isVisible() and canvas.finder.line.text().upper() == typed


def test_a_letter_that_is_a_shortcut_stays_one(canvas: Window) -> None:
    canvas.session.seek(2)
    QTest.keyClick(canvas.canvas, Qt.Key.Key_J)
    assert not canvas.finder.isVisible() and canvas.session.cursor == 1
    canvas.session.seek(0)
    QTest.keyClick(canvas.canvas, Qt.Key.Key_J)
    assert not canvas.finder.isVisible(), "even while it would do nothing"
    canvas.keys.give("step.back", ["Ctrl+Alt+J"])
    QTest.keyClick(canvas.canvas, Qt.Key.Key_J)
    assert canvas.finder.isVisible(), "free again, it begins a search"


def test_typing_does_not_open_it_elsewhere(canvas: Window) -> None:
    QTest.keyClicks(canvas.top.formula.line, "@")
    assert not canvas.finder.isVisible()


# ------------------------------------------------------------------------- placing


def test_the_chosen_node_follows_the_pointer_until_a_click(canvas: Window) -> None:
    before = files.to_bytes(canvas.session.root)
    point(canvas, QPoint(300, 120))
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "exp")
    (ghost,) = ghosts(canvas)
    assert ghost.opacity() == pytest.approx(0.6)
    assert files.to_bytes(canvas.session.root) == before and steps(canvas) == []
    point(canvas, QPoint(420, 200))
    middle = seen(canvas, ghost.body().center())
    assert (middle - QPoint(420, 200)).manhattanLength() <= 8
    assert ghost.pos().x() % 4 == 0 and ghost.pos().y() % 4 == 0
    corner = ghost.pos()
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(420, 200))
    (made,) = canvas.session.selection
    placed = canvas.session.graph.nodes[made]
    assert (placed.op, QPointF(placed.x, placed.y)) == ("exp", corner)
    assert ghosts(canvas) == [] and steps(canvas) == ["Add exp"]
    canvas.session.history.undo()
    assert files.to_bytes(canvas.session.root) == before


def test_enter_places_and_escape_gives_up(canvas: Window) -> None:
    point(canvas, QPoint(300, 120))
    for key, count in ((Qt.Key.Key_Escape, 2), (Qt.Key.Key_Return, 3)):
        QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
        type_and_take(canvas, "sqrt")
        assert len(ghosts(canvas)) == 1
        QTest.keyClick(canvas.canvas, key)
        assert ghosts(canvas) == [] and len(canvas.session.graph.nodes) == count
    assert steps(canvas) == ["Add sqrt"]


def test_the_right_button_gives_up_without_a_menu(canvas: Window) -> None:
    point(canvas, QPoint(300, 120))
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "sqrt")
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.RightButton, pos=QPoint(300, 120))
    assert ghosts(canvas) == [] and steps(canvas) == []


def test_a_ghost_goes_with_the_place_that_is_looked_at(canvas: Window) -> None:
    canvas.canvas.add_operator("Dense")
    (module,) = canvas.session.selection
    canvas.session.select(())
    point(canvas, QPoint(300, 120))
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "sqrt")
    assert canvas.session.enter(module)
    assert ghosts(canvas) == [] and steps(canvas) == ["Add Dense"]


def test_over_a_wire_it_is_lit_and_then_inserted(canvas: Window) -> None:
    between = (output(canvas, "x") + port(canvas, "y", "x")) / 2
    point(canvas, QPoint(300, 120))
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "exp")
    wire = canvas.canvas.board.wires[node(canvas, "y"), "x"]
    assert not wire.face.hovered
    point(canvas, between)
    assert wire.face.hovered and canvas.canvas.board.onto == wire.key
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=between)
    assert links(canvas) == {("v1", "x"): "x", ("y", "x"): "v1"}
    canvas.session.history.undo()
    assert links(canvas) == {("y", "x"): "x"}


def test_what_does_not_fit_a_wire_is_not_put_on_it(canvas: Window) -> None:
    between = (output(canvas, "x") + port(canvas, "y", "x")) / 2
    point(canvas, between)
    canvas.canvas.place_operator("softmax")
    assert not canvas.canvas.board.wires[node(canvas, "y"), "x"].face.hovered, "x is a number"
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=between)
    assert links(canvas) == {("y", "x"): "x"} and len(canvas.session.graph.nodes) == 3


def test_away_from_the_canvas_it_is_placed_at_once(canvas: Window) -> None:
    away(canvas)
    canvas.search.commands()
    type_and_take(canvas, "softplus")
    assert ghosts(canvas) == [] and steps(canvas) == ["Add softplus"]


def test_by_keys_alone_a_chain_grows_from_the_selection(canvas: Window) -> None:
    away(canvas)
    canvas.session.select((node(canvas, "y"),))
    for name in ("exp", "tanh"):
        QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
        type_and_take(canvas, name)
    assert links(canvas) == {("y", "x"): "x", ("v1", "x"): "y", ("v2", "x"): "v1"}
    graph = canvas.session.graph
    first, second = graph.nodes[node(canvas, "v1")], graph.nodes[node(canvas, "v2")]
    assert graph.nodes[node(canvas, "y")].x < first.x < second.x
    assert steps(canvas) == ["Add exp", "Add tanh"]


def test_a_ghost_stands_beside_the_selection_until_the_pointer_moves(canvas: Window) -> None:
    point(canvas, QPoint(300, 80))
    canvas.session.select((node(canvas, "y"),))
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "exp")
    (ghost,) = ghosts(canvas)
    assert ghost.pos().x() > canvas.canvas.board.nodes[node(canvas, "y")].body().right()
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Return)
    assert links(canvas)["v1", "x"] == "y" and steps(canvas) == ["Add exp"]
    QTest.keyClick(canvas.canvas, Qt.Key.Key_Tab)
    type_and_take(canvas, "exp")
    point(canvas, QPoint(400, 100))
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
    assert ("v2", "x") not in links(canvas), "moved away, it reads nothing"


def test_a_source_feeds_the_selected_node(window: Window) -> None:
    window.canvas.add_operator("matmul")
    away(window)
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Tab)
    type_and_take(window, "data")
    graph = window.session.graph
    assert links(window) == {("v1", "a"): "data"}
    assert graph.nodes[node(window, "data")].x < graph.nodes[node(window, "v1")].x


def test_from_the_menu_of_a_place_it_is_added_there(canvas: Window) -> None:
    at = QPoint(200, 80)
    canvas.canvas.asked = Asked(canvas.canvas.to_scene(QPointF(at)), None)
    canvas.commands.run("edit.add")
    canvas.canvas.end_menu()
    type_and_take(canvas, "exp")
    (made,) = canvas.session.selection
    middle = canvas.canvas.board.nodes[made].body().center()
    assert (seen(canvas, middle) - at).manhattanLength() <= 8


def test_a_double_click_places_at_once_there(canvas: Window) -> None:
    at = QPoint(200, 80)
    QTest.mouseDClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at)
    type_and_take(canvas, "exp")
    (made,) = canvas.session.selection
    middle = canvas.canvas.board.nodes[made].body().center()
    assert (seen(canvas, middle) - at).manhattanLength() <= 8 and ghosts(canvas) == []


# ------------------------------------------------------------------------- wires let go


def let_go(window: Window, start: QPoint, end: QPoint) -> None:
    view = window.canvas.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for part in range(1, 5):
        QTest.mouseMove(view, start + (end - start) * part / 4)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def test_a_wire_let_go_offers_what_fits_most_used_first(window: Window) -> None:
    window.compose("h = X @ W")
    window.session.do(_shaped(window, "X", (4, 3)), "Set")
    window.session.do(_shaped(window, "W", (3, 2)), "Set")
    window.canvas.fit()
    window.canvas.flush()
    before = links(window)
    let_go(window, output(window, "h"), output(window, "h") + QPoint(60, 140))
    shown = titles(window)
    assert shown[0] == "+ add", "what people connect to a matrix product"
    assert "conv 2d" not in shown and "inverse" not in shown and "x input" not in shown
    assert "softmax" in shown and "Dense" in shown
    QTest.keyClicks(window.finder.line, "determinant")
    assert titles(window)[0].startswith("Nothing that fits this wire is called")
    window.finder.line.clear()
    type_and_take(window, "relu")
    assert links(window) == {**before, ("v1", "x"): "h"}


def _shaped(window: Window, name: str, shape: tuple[int, ...]) -> object:
    import numpy as np

    from engine.edits import set_tensor

    return set_tensor(node(window, name), np.linspace(-1, 1, int(np.prod(shape))).reshape(shape))


def test_a_node_that_nobody_placed_is_wholly_in_view_beside_the_others(window: Window) -> None:
    window.session.load(Graph())
    window.documents.opened.emit()
    canvas = window.canvas
    for count in range(6):
        made = canvas.add_operator("square")
        assert made is not None
        view = QRectF(canvas.viewport().rect())
        for node_id in window.session.graph.nodes if count < 3 else (made,):
            place = canvas.board.nodes[node_id].sceneBoundingRect()
            assert view.contains(canvas.viewportTransform().mapRect(place))
    canvas.zoom_to(3.0)
    made = canvas.add_operator("square")
    assert made is not None
    place = canvas.board.nodes[made].sceneBoundingRect()
    assert QRectF(canvas.viewport().rect()).contains(canvas.viewportTransform().mapRect(place))


def test_the_port_is_the_one_that_people_use(window: Window) -> None:
    window.canvas.add_operator("parameter", QPointF(0, 0))
    window.session.do(_shaped(window, "w", (3, 2)), "Set")
    window.canvas.flush()
    start = output(window, "w")
    let_go(window, start, start + QPoint(140, 90))
    type_and_take(window, "@")
    assert links(window) == {("v1", "b"): "w"}, "weights stand at the right of a product"


def test_a_wire_from_a_port_offers_what_can_feed_it(window: Window) -> None:
    window.canvas.add_operator("conv2d", QPointF(200, 0))
    window.canvas.flush()
    start = port(window, "v1", "w")
    let_go(window, start, start - QPoint(160, 60))
    shown = titles(window)
    assert shown[0] == "θ parameter", "most often a parameter stands there"
    assert "BCE of probabilities" not in shown and "det" not in shown
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    assert links(window) == {("v1", "w"): "w"}


def test_what_the_person_connects_is_learned_without_their_names(canvas: Window) -> None:
    between = (output(canvas, "x") + port(canvas, "y", "x")) / 2
    point(canvas, between)
    canvas.canvas.place_operator("erf")
    QTest.mouseClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=between)
    assert settings.connections() == {("input", "erf", "x"): 1, ("erf", "cos", "x"): 1}
    canvas.session.select((node(canvas, "y"),))
    let_go(canvas, output(canvas, "x"), output(canvas, "x") + QPoint(20, 160))
    assert "erf" in titles(canvas)[:3]


def test_a_planted_rule_that_takes_anything_is_noticed(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_takes", lambda op, at, spec: True)
    with pytest.raises(AssertionError):
        test_a_wire_let_go_offers_what_fits_most_used_first(window)


def accepts(op: Op, spec: Spec) -> bool:
    try:
        op.shape(candidates.options_of(op), spec)
    except ShapeError:
        return False
    return True


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 5, 8), (2, 3, 8, 8)])
def test_every_row_says_whether_it_takes_a_value(shape: tuple[int, ...]) -> None:
    """Of rows with one operand exactly; elementwise rows take everything."""
    for rows in drawers({}).values():
        for op in rows:
            for kind in ("float", "int", "bool"):
                spec = Spec(shape, kind)
                ports = candidates.ports_for(op, spec)
                assert set(ports) <= set(op.ports(1 if op.variadic else None))
                if op.elementwise and not op.is_source:
                    assert ports == op.ports()
                elif len(op.inputs) == 1 and not op.variadic and op.definition is None:
                    assert bool(ports) == accepts(op, spec), op.name
    assert candidates.ports_for(next(iter(drawers({})["Sources"])), Spec(shape)) == ()


# ------------------------------------------------------------------------- what is found


def test_a_formula_is_offered_and_added(canvas: Window) -> None:
    QTest.mouseDClick(canvas.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 80))
    QTest.keyClicks(canvas.finder.line, "sin(x)")
    assert titles(canvas)[0] == "Add as a formula"
    QTest.keyClicks(canvas.finder.line, "+")
    assert "Add as a formula" not in titles(canvas)
    QTest.keyClicks(canvas.finder.line, "1")
    QTest.keyClick(canvas.finder.line, Qt.Key.Key_Return)
    assert {n.op for n in canvas.session.graph.nodes.values()} == {"input", "cos", "sin", "add"}
    canvas.session.history.undo()
    assert len(canvas.session.graph.nodes) == 2


def test_a_command_that_begins_as_typed_comes_before_a_formula(canvas: Window) -> None:
    """`Hessian-vector` could be a difference, too."""
    canvas.search.commands()
    QTest.keyClicks(canvas.finder.line, "hessian-vec")
    assert titles(canvas) == ["Hessian-vector product", "Add as a formula"]
    canvas.finder.line.setText("sin(x)-vec")
    assert titles(canvas)[0] == "Add as a formula"


@pytest.mark.parametrize("text", ["sin", "1/", "unknown(x)", "layer norm", ""])
def test_what_is_no_formula_is_not_offered(canvas: Window, text: str) -> None:
    canvas.search.add(text)
    assert "Add as a formula" not in titles(canvas)


def test_examples_are_found_by_name(canvas: Window) -> None:
    canvas.session.history.mark_saved()
    canvas.search.add()
    assert "A two-layer network learns XOR" not in titles(canvas), "only when searched for"
    type_and_take(canvas, "xor")
    assert canvas.session.title == "A two-layer network learns XOR"


def test_commands_are_found_with_a_typing_error(canvas: Window) -> None:
    canvas.search.commands()
    QTest.keyClicks(canvas.finder.line, "udno")
    assert titles(canvas)[0].startswith("Undo")


def test_the_documents_own_are_found(window: Window) -> None:
    from engine.edits import set_operator
    from engine.graph import OwnOperator

    own = OwnOperator("bump", "exp(-x^2)")
    window.session.do(set_operator(window.session.graph, own), "New operator")
    window.search.add("bum")
    assert titles(window)[0] == "bump"


# ------------------------------------------------------------------------- dragged in


def test_a_chip_is_dragged_as_the_node_it_will_be(window: Window) -> None:
    chips = [c for d in window.palette_panel.drawers for c in d.chips]
    chip = next(c for c in chips if c.op.name == "exp")
    drag = chip.drag()
    size = drag.pixmap().deviceIndependentSize().toSize()
    assert size.height() > 90 and size != chip.size()
    assert bytes(drag.mimeData().data(MIME).data()) == b"exp"
    image = drag.pixmap().toImage()
    middle = drag.hotSpot() * drag.pixmap().devicePixelRatio()
    assert image.pixelColor(middle).alphaF() == pytest.approx(adding_opacity(), abs=0.02)
    drag.deleteLater()


def adding_opacity() -> float:
    from app.view.canvas.new_node import OPACITY

    return OPACITY


def test_a_drag_over_a_wire_lights_it_where_it_would_be_inserted(canvas: Window) -> None:
    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QDragEnterEvent

    between = (output(canvas, "x") + port(canvas, "y", "x")) / 2
    for name, lit in (("exp", True), ("softmax", False)):
        data = QMimeData()
        data.setData(adding.MIME, name.encode())
        event = QDragEnterEvent(
            between, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(canvas.canvas.viewport(), event)
        assert event.isAccepted()
        assert canvas.canvas.board.wires[node(canvas, "y"), "x"].face.hovered is lit

"""The step card's factors: numbers under their symbols, wires lit both ways, the sum at a fan-out."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hands import LEFT, PLAIN, hover, leave, middle, move_over, node, seen
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.session import Session
from app.view import theme, typesetting
from app.view.panels import explanation
from app.view.panels.columns import Columns, readable
from app.view.panels.explanation import OWNER
from app.view.window import Window
from engine.edits import add_node, set_tensors
from engine.graph import Graph, Port
from engine.lines import Origin, Part
from engine.modules import make_module
from engine.rewiring import mute

PROGRAM = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def give(window: Window, **values: object) -> None:
    graph = window.session.graph
    arrays = {str(graph.id_of(n)): np.asarray(v, float) for n, v in values.items()}
    window.session.do(set_tensors(arrays), "numbers")


def worked(window: Window, cursor: int = 10) -> Columns:
    window.compose(PROGRAM)
    give(window, x=1.0)
    window.session.seek(cursor)
    QApplication.processEvents()
    return window.explanation.symbols


def told(line: Columns) -> list[tuple[str, str]]:
    return [(readable(c.part.text).strip(), readable(c.part.number).strip()) for c in line.columns]


def point_at(line: Columns, text: str) -> QPoint:
    typesetting.finish()
    QApplication.processEvents()
    index = next(i for i, c in enumerate(line.columns) if readable(c.part.text) == text)
    place = line.place_of(index).toPoint()
    move_over(line, place)
    QApplication.processEvents()
    return place


def texts(parts: list[Part]) -> list[str]:
    return [readable(p.text) for p in parts]


def at_wire(window: Window, key: tuple[str, str]) -> QPoint:
    x, y = window.canvas.board.wires[key].points()[12]
    return seen(window.canvas, QPointF(x, y))


def test_an_output_that_is_a_number_has_no_steps(window: Window) -> None:
    """A muted node hands on the number at its port: nothing is computed, and that is said."""
    graph = Graph()
    add_node(graph, "sin", "J", {}, {"x": 0.5})[0].apply(graph)
    mute(graph, {node_id := str(graph.id_of("J"))}).apply(graph)
    window.session.load(graph)
    window.show_editor()
    window.session.select([node_id])
    assert len(window.session.steps) == 0
    assert window.explanation.later.text() == (
        "J is a number that depends on nothing, so it has no gradient."
    )


def test_each_factor_stands_over_its_number(window: Window) -> None:
    line = worked(window)
    upstream, local = -np.sin(np.sin(1.0) + 3.0), np.cos(1.0)
    assert told(line) == [
        ("∂J/∂t", ""), ("+=", ""), ("∂J/∂u₁", f"{upstream:.4f}"), ("×", "×"),
        ("cos(t)", f"{local:.4f}"), ("", "="), ("", f"{upstream * local:.4f}"),
    ]  # fmt: skip
    left, right = (line.place_of(i).x() for i in (2, 4))
    assert left < right and line.numbers == "0.6441 * 0.5403 = 0.3480"
    assert window.explanation.numbers == "0.6441 × 0.5403 = 0.3480"


def test_a_factor_lights_its_wires_and_a_click_selects_its_node(window: Window) -> None:
    line, session = worked(window), window.session
    ids = {n: node(window.canvas, n) for n in ("t", "u1", "u2", "u", "J")}
    place = point_at(line, "cos(t)")
    mark = session.marks.of(OWNER)
    assert mark is not None and mark.lit == {(ids["u1"], "x")}
    point_at(line, "∂J/∂u₁")
    mark = session.marks.of(OWNER)
    assert mark is not None and mark.lit == {(ids["u"], "a")}
    point_at(line, "∂J/∂t")
    mark = session.marks.of(OWNER)
    assert mark is not None and mark.lit == {(ids["u1"], "x"), (ids["u2"], "b")}
    QTest.mouseClick(line, LEFT, PLAIN, place)
    assert session.selection == (ids["u1"],) and session.cursor == 10
    session.seek(7)  # the output's gradient came through no wire: its node is told
    point_at(line, "∂J/∂J")
    mark = session.marks.of(OWNER)
    assert mark is not None and not mark.lit and mark.notes == {ids["J"]: "∂J/∂J"}
    leave(line)
    QApplication.processEvents()
    session.seek(2)
    point_at(line, "t")
    mark = session.marks.of(OWNER)
    assert mark is not None and mark.lit == {(ids["u1"], "x")}
    QTest.mouseClick(line, LEFT, PLAIN, line.place_of(3).toPoint())
    assert session.selection == (ids["t"],), "forward, the node that gives the operand"


def test_another_wire_lit_would_be_seen(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the wire of the other term."""
    right = explanation.wires_of
    other = {"x": "b"}

    def wrong(session: Session, origin: Origin) -> frozenset[Port]:
        found = right(session, origin)
        return frozenset((n, other.get(port, port)) for n, port in found)

    monkeypatch.setattr(explanation, "wires_of", wrong)
    with pytest.raises(AssertionError):
        test_a_factor_lights_its_wires_and_a_click_selects_its_node(window)


def test_a_long_line_says_that_it_goes_on(window: Window) -> None:
    names = [f"a_rather_long_name_{i}" for i in range(20)]
    window.compose("y = concat(" + ", ".join(names) + "); J = sum(y)")
    give(window, **{n: np.ones(2) for n in names})
    window.session.seek(1)
    typesetting.finish()
    QApplication.processEvents()
    line = window.explanation.symbols
    assert line._extent.width() * line._scale() > line.width()
    picture = line.grab().toImage()
    edge = [picture.pixelColor(picture.width() - 3, y) for y in range(4, picture.height() - 4)]
    assert {c.name() for c in edge} == {theme.current().panel.name()}


def test_keys_go_from_factor_to_factor(window: Window) -> None:
    line, session = worked(window), window.session
    line.setFocus(Qt.FocusReason.TabFocusReason)
    assert texts(line.lit) == ["∂J/∂t"]
    QTest.keyClick(line, Qt.Key.Key_Right)
    QTest.keyClick(line, Qt.Key.Key_Right)
    assert (
        texts(line.lit) == ["cos(t)"]
        and line.accessibleDescription() == f"cos(t) = {math.cos(1.0)!r}"
    )
    assert session.marks.of(OWNER) is not None and session.cursor == 10
    QTest.keyClick(line, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert float(QApplication.clipboard().text()) == np.cos(1.0)
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert session.selection == (node(window.canvas, "u1"),)
    QTest.keyClick(line, Qt.Key.Key_End)
    assert line.lit[0].number == "0.3480"
    QTest.keyClick(line, Qt.Key.Key_J)
    assert session.cursor == 9, "letters still step"
    window.canvas.setFocus()
    assert session.marks.of(OWNER) is None and not line.lit


def test_a_wire_under_the_pointer_lights_its_factor(window: Window) -> None:
    line, canvas = worked(window), window.canvas
    hover(canvas, at_wire(window, (node(canvas, "u1"), "x")))
    assert texts(line.lit) == ["∂J/∂t", "cos(t)", ""]
    hover(canvas, at_wire(window, (node(canvas, "u"), "a")))
    assert texts(line.lit) == ["∂J/∂u₁"]
    window.session.seek(9)  # the pointer rests while the step goes on
    assert texts(line.lit) == []
    window.session.seek(8)
    assert texts(line.lit) == ["∂J/∂u₁", "1", ""]
    hover(canvas, middle(canvas, "u"))
    assert texts(line.lit) == ["∂J/∂u"]
    hover(canvas, QPoint(5, 5))
    assert not line.lit


def test_the_sum_at_a_fan_out(window: Window) -> None:
    worked(window)
    card = window.explanation
    assert told(card.sum) == [
        ("", "0.3480"), ("", "+"), ("∂J/∂u₂ × 3", "1.932"), ("", "→")
    ]  # fmt: skip
    assert [c.symbol for c in card.sum.columns][:3:2] == ["gradient", "muted"]
    window.session.seek(11)
    assert [n for _, n in told(card.sum)] == ["0.3480", "+", "1.932", "→"]
    assert card.rest.text() == "in all 2.280"
    window.session.seek(12)
    assert not card.sum.isVisible()


def test_a_node_with_many_readers_shows_some_terms(window: Window) -> None:
    window.compose("\n".join(["J = x", *(f"J += x * {i}" for i in range(2, 42))]))
    session, card = window.session, window.explanation
    x = node(window.canvas, "x")
    last = [s.number for s in session.steps if s.target == x]
    session.seek(last[20])
    shown = [n for t, n in told(card.sum) if n != "+"]
    assert len(card.sum.columns) < 20
    assert shown[-2:] == ["+ 18 more", "→"]
    so_far = float(session.steps[last[16] - 1].total)
    assert float(shown[0].replace("−", "-")) == pytest.approx(so_far, abs=1e-3 * abs(so_far))


def test_the_card_keeps_its_height(window: Window) -> None:
    worked(window)
    heights = set()
    for cursor in range(13):
        window.session.seek(cursor)
        QApplication.processEvents()
        heights.add((window.explanation.height(), cursor))
    assert len({h for h, _ in heights}) == 1, heights


def matrices(window: Window) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    values = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=(4, 2)), "c": rng.normal(size=2)}
    window.compose("y = a @ b; s = tanh(y + c); J = mean(s^2)")
    give(window, **values)
    return values


def go(window: Window, begin: str) -> None:
    steps = window.session.steps
    window.session.seek(next(s.number for s in steps if s.text.startswith(begin)))
    QApplication.processEvents()


def test_an_entry_is_picked_and_its_sum_shown(window: Window) -> None:
    values = matrices(window)
    a, b, c = values["a"], values["b"], values["c"]
    s = np.tanh(a @ b + c)
    upstream = 2 * s / s.size * (1 - s * s)
    card, picker = window.explanation, window.explanation.picker
    go(window, "dJ/da")
    assert picker.switch.isVisible() and not picker.grid.isVisible()
    assert card.numbers == "∂J/∂y [3×2], b [4×2] → [3×4]"
    QTest.mouseClick(picker.switch, LEFT)
    gradient = upstream @ b.T
    assert picker.index == np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    QTest.mouseClick(picker.grid, LEFT, PLAIN, picker.grid.place_of((2, 1)).toPoint())
    assert [box.value() for box in picker.boxes] == [2, 1]

    def terms() -> list[float]:
        """Upstream, local, upstream, local, ..., the entry."""
        return [float(p.number.strip("()")) for p in card._line.parts if p.origins and p.number]

    def wanted(i: int, k: int) -> list[float]:
        factors = [n for j in range(2) for n in (upstream[i, j], b[k, j])]
        return [*factors, gradient[i, k]]

    assert card.symbols.accessibleName().startswith("dJ/da[2,1] += dJ/dy[2,0] * dy[2,0]/da[2,1] + ")
    assert terms() == pytest.approx(wanted(2, 1), rel=1e-3)
    box = picker.boxes[0]
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert picker.index == (1, 1) and terms() == pytest.approx(wanted(1, 1), rel=1e-3)
    picker.grid.setFocus()
    QTest.keyClick(picker.grid, Qt.Key.Key_Right)
    assert picker.index == (1, 2) and terms() == pytest.approx(wanted(1, 2), rel=1e-3)
    assert card.later.text().startswith("2 of 6 terms are not zero")
    go(window, "y = ")
    picker.grid.picked.emit((2, 1))
    products = [n for j in range(4) for n in (a[2, j], b[j, 1])]
    assert terms() == pytest.approx([*products, (a @ b)[2, 1]], rel=1e-3)
    point_at(card.symbols, "b[0,1]")
    mark = window.session.marks.of(OWNER)
    assert mark is not None and mark.lit == {(node(window.canvas, "y"), "b")}


def test_the_sum_at_a_fan_out_of_tensors_at_an_entry(window: Window) -> None:
    x, w = np.array([0.5, -1.0, 2.0]), np.array([3.0, 2.0, 1.0])
    window.compose("u = x * w; v = sin(x); J = sum(u * v)")
    give(window, x=x, w=w)
    card, picker = window.explanation, window.explanation.picker
    steps = window.session.steps
    first, last = (s.number for s in steps if s.target == node(window.canvas, "x"))
    window.session.seek(first)
    assert card.rest.text() == "sum so far [3]"
    QTest.mouseClick(picker.switch, LEFT)
    picker.grid.picked.emit((1,))
    parts = {"dJ/du * w": np.sin(x) * w, "dJ/dv * cos(x)": x * w * np.cos(x)}
    order = [s.text.partition("+= ")[2] for s in steps if s.number in (first, last)]
    one, other = (float(parts[text][1]) for text in order)
    assert float(told(card.sum)[0][1].replace("−", "-")) == pytest.approx(one, rel=1e-3)
    assert float(card.rest.text().split()[-1].replace("−", "-")) == pytest.approx(one, rel=1e-3)
    window.session.seek(last)
    got = [float(told(card.sum)[i][1].replace("−", "-")) for i in (0, 2)]
    assert got == pytest.approx([one, other], rel=1e-3)
    total = float(card.rest.text().removeprefix("in all ").replace("−", "-"))
    assert total == pytest.approx(one + other, rel=1e-3)


def test_entries_where_there_is_no_sum(window: Window) -> None:
    matrices(window)
    card, picker = window.explanation, window.explanation.picker
    go(window, "dJ/da")
    QTest.mouseClick(picker.switch, LEFT)
    for step in window.session.steps:  # every step of a network, with an entry shown
        window.session.seek(step.number)
        QApplication.processEvents()
        assert card.symbols.accessibleName()
    go(window, "dJ/dJ")
    assert not picker.isVisible()
    go(window, "J = ")
    assert picker.isVisible() and not picker.boxes and not picker.grid.isVisible()
    assert card.symbols.accessibleName().startswith("J = 0.1667 * ")
    window.compose("q = big * 2")
    give(window, big=np.ones(130_000))
    go(window, "q = ")
    assert "the sum behind an entry is shown for up to 250,000" in card.later.text()
    give(window, big=np.ones(0))
    go(window, "q = ")
    assert card.symbols.isVisible()


def test_inside_a_module(window: Window) -> None:
    window.compose("t = x^2; u1 = sin(t); u2 = 3*t; u = u1 + u2; J = cos(u)")
    canvas, session = window.canvas, window.session
    session.select([node(canvas, n) for n in ("u1", "u2", "u")])
    session.do(make_module(session.graph, session.selection, "Block")[0], "module")
    instance = next(n for n in session.graph.nodes if session.graph.op(n).definition is not None)
    go(window, "dJ/dt")
    line = window.explanation.symbols
    part = line.columns[4].part
    move_over(line, line.place_of(4).toPoint())
    QApplication.processEvents()
    mark = session.marks.of(OWNER)
    assert part.origins and mark is not None and {k[0] for k in mark.lit} == {instance}
    session.enter(instance)
    assert session.place
    graph = session.graph
    for step in session.steps:
        session.seek(step.number)
        QApplication.processEvents()
        for index, column in enumerate(line.columns):
            if column.is_factor:
                move_over(line, line.place_of(index).toPoint())
                QApplication.processEvents()
                mark = session.marks.of(OWNER)
                assert mark is not None and all(k in graph.links for k in mark.lit)
                assert all(n in graph.nodes for n in mark.notes)


def test_numbers_that_are_none_and_documents_without(window: Window) -> None:
    line = worked(window)
    give(window, x=float("nan"))
    window.session.seek(10)
    assert "NaN" in window.explanation.numbers
    point_at(line, "cos(t)")
    window.session.load(Graph())
    assert not line.columns and window.session.marks.of(OWNER) is None
    move_over(line, QPoint(9, 9))
    window.session.history.mark_saved()
    window.start_page()


def test_powers_of_ten_are_written_in_one_way(window: Window) -> None:
    """A deep chain of sigmoids: its numbers, their sum and the trace below it, while the symbols are
    still words and when they are typeset."""
    chain = "; ".join(f"h{i} = sigmoid({f'h{i - 1}' if i > 1 else 'x'})" for i in range(1, 12))
    window.compose(f"{chain}; J = (h11*x)/1e8")
    window.session.do(set_tensors({str(window.session.graph.id_of("x")): np.asarray(7.5)}), "x")
    steps = window.session.steps
    for step in steps:
        window.session.seek(step.number)
        for line in (window.explanation.symbols, window.explanation.sum):
            for column, place in zip(line.columns, line._laid_out(), strict=True):
                number = re.fullmatch(r"\(?-?[\d.]+(e[-+]?\d+)?\)?", column.part.number)
                if line is window.explanation.symbols and column.is_factor and number:
                    assert place.told is None, "a number is never a drawing of its own"
                assert not re.search(r"\de[-−]?\d", place.number)
        assert not re.search(r"\de[-−]?\d", window.explanation.rest.text())
        assert not re.search(r"\de[-−]?\d", readable(step.numbers_text))
    last = steps[len(steps) - 1]
    mantissa, power = f"{float(last.total):.3e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    assert window.explanation.rest.text() == f"in all {mantissa}×10{raised}"
    assert int(power) < -8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2.294e-11 * 0.5", "2.294×10⁻¹¹ × 0.5"),
        ("-1e+06", "−1×10⁶"),
        ("x^1e-05", "x^(1×10⁻⁵)"),
        ("1 / 3.5e-07", "1 / (3.5×10⁻⁷)"),
        ("d1e5 + x1e5", "d1e5 + x1e5"),
    ],
)
def test_numbers_in_words(text: str, told: str) -> None:
    assert readable(text) == told

"""The panel of formulas: what it writes, what it follows, what is copied, and when it is idle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hands import WORKED
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app import formulas
from app.view.window import Window
from engine import edits, examples
from engine.compose import compose
from engine.derive import derive
from engine.edits import set_tensors
from engine.evaluate import evaluate
from engine.graph import Graph
from tests.shipped import FEW


def show(window: Window, qtbot: QtBot, graph: Graph) -> None:
    window.session.load(graph)
    window.show_editor()
    window.show_panel("mathematics")
    settle(window, qtbot)


def settle(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.mathematics.busy, timeout=20_000)


def texts(window: Window) -> list[str]:
    return [line.accessibleName() for line in window.mathematics.lines]


def said(window: Window) -> str:
    return " ".join(label.text() for label in window.mathematics.messages)


def node(window: Window, name: str) -> str:
    found = window.session.graph.id_of(name)
    assert found is not None
    return found


def test_the_worked_example(window: Window, qtbot: QtBot) -> None:
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    assert texts(window) == [
        "J = cos(sin(t) + 3 * t)", "t = x^2",
        "dJ_dx = -2 * x * sin(sin(t) + 3 * t) * (cos(t) + 3)",
        *texts(window)[3:],
    ]  # fmt: skip
    assert texts(window)[3].startswith("d2J_dxdx = ")
    (second,) = window.mathematics.seconds.values()
    expected = derive(WORKED.replace(";", "\n"), {"x": 0.5}, order=2).orders["x"][2]
    assert float(second.text()[2:].replace("−", "-")) == pytest.approx(expected, rel=1e-3)
    t = 0.25
    expected = -2 * 0.5 * np.sin(np.sin(t) + 3 * t) * (np.cos(t) + 3)
    assert [v.text() for v in window.mathematics.values.values()] == [
        f"= {expected:.3f}".replace("-", "−")
    ]
    line = window.mathematics.lines[0]
    assert line.width() >= line.sizeHint().width()  # never drawn smaller


def test_a_selected_node_has_its_own_formula_and_the_derivative_is_by_it(
    window: Window, qtbot: QtBot
) -> None:
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    window.session.select([node(window, "u1")])
    settle(window, qtbot)
    found = texts(window)
    assert found[0] == "u1 = sin(t)" and found[1].startswith("du1/dt = cos(t) = 0.9689")
    assert found[-2:] == ["dJ_du1 = -sin(sin(t) + 3 * t)", "d2J_du1du1 = -cos(sin(t) + 3 * t)"]
    assert list(window.mathematics.values) == [node(window, "u1")]
    t_line = next(line for line in window.mathematics.lines if line.accessibleName() == "t = x^2")
    QTest.mouseClick(t_line, Qt.MouseButton.LeftButton)
    assert window.session.selection == (node(window, "t"),)


def test_the_names_are_chosen_with_the_keyboard(window: Window, qtbot: QtBot) -> None:
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    box = window.mathematics.style_box
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    settle(window, qtbot)
    assert texts(window)[:5] == [
        "J = cos(u)",
        "u = u1 + u2",
        "u2 = 3 * t",
        "u1 = sin(t)",
        "t = x^2",
    ]
    QTest.keyClick(box, Qt.Key.Key_Down)
    settle(window, qtbot)
    assert texts(window)[:2] == [
        "J = cos(sin(x^2) + 3 * x^2)",
        "dJ_dx = -2 * x * sin(sin(x^2) + 3 * x^2) * (cos(x^2) + 3)",
    ]


def test_numbers_follow_values_and_formulas_stay(window: Window, qtbot: QtBot) -> None:
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    before = list(window.mathematics.lines)
    window.session.do(set_tensors({node(window, "x"): np.array(0.9)}), "Set")
    settle(window, qtbot)
    assert window.mathematics.lines == before  # nothing was typeset anew
    expected = derive(WORKED.replace(";", "\n"), {"x": 0.9}).gradients["x"]
    shown = next(iter(window.mathematics.values.values())).text()
    assert float(shown[2:].replace("−", "-")) == pytest.approx(float(expected), rel=1e-3)
    (second,) = window.mathematics.seconds.values()
    expected = derive(WORKED.replace(";", "\n"), {"x": 0.9}, order=2).orders["x"][2]
    assert float(second.text()[2:].replace("−", "-")) == pytest.approx(expected, rel=1e-3)
    graph = window.session.graph
    window.session.do(edits.rename(graph, node(window, "t"), "theta"), "Rename")
    settle(window, qtbot)
    assert "theta = x^2" in texts(window)
    assert any(r"\theta" in line.latex for line in window.mathematics.lines)
    window.session.do(edits.set_setting("output", node(window, "u")), "Output")
    settle(window, qtbot)
    assert texts(window)[0] == "u = sin(theta) + 3 * theta"


@pytest.mark.parametrize(
    ("action", "line"),
    [
        ("explain.copy_function", r"J &= \cos"),
        ("explain.copy_derivative", r"\frac{\partial J}{\partial x} &="),
    ],
)
def test_the_menu_copies_latex_also_while_the_panel_is_hidden(
    window: Window, qtbot: QtBot, action: str, line: str
) -> None:
    window.session.load(compose(WORKED, {"x": 0.5}))
    window.show_editor()
    window.docks["mathematics"].hide()
    window.commands.run(action)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("\\begin{aligned}\n" + line) and "t &= x^{2}" in text


def test_what_is_copied_as_text_is_a_program(window: Window, qtbot: QtBot) -> None:
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    panel = window.mathematics
    action = next(a for a in panel.menu.actions() if a.objectName() == "derivative_text")

    def choose() -> None:
        at = panel.menu.actionGeometry(action).center()
        QTest.mouseClick(panel.menu, Qt.MouseButton.LeftButton, pos=at)

    QTimer.singleShot(100, choose)  # the button waits for its menu
    QTest.mouseClick(panel.copy, Qt.MouseButton.LeftButton, pos=panel.copy.rect().center())
    again = evaluate(compose(QGuiApplication.clipboard().text(), {"x": 0.5}))
    gradient = window.session.evaluation.gradients[node(window, "x")]
    assert again.values[again.output] == pytest.approx(float(gradient), rel=1e-13)
    panel.copy_function_text()
    assert QGuiApplication.clipboard().text() == "t = x^2\nJ = cos(sin(t) + 3 * t)"


def test_nothing_is_written_while_it_is_not_seen(window: Window, qtbot: QtBot) -> None:
    window.show_editor()
    window.docks["mathematics"].hide()
    window.session.load(compose(WORKED, {"x": 0.5}))
    QTest.qWait(120)
    assert window.mathematics.lines == [] and not window.mathematics.busy
    window.show_panel("mathematics")
    settle(window, qtbot)
    assert len(window.mathematics.lines) > 3


def test_inside_a_module_its_own_function(window: Window, qtbot: QtBot) -> None:
    program = "z = x^2\nh = Dense(z, units=2)\nJ = sum(tanh(h)^2)"
    show(window, qtbot, compose(program, {"x": np.ones((3, 2))}, modules=examples.modules()))
    window.session.enter(node(window, "h"))
    settle(window, qtbot)
    name = window.session.graph.name(window.session.graph.output())
    assert texts(window)[0].startswith(f"{name} = ") and "x^2" not in " ".join(texts(window))
    derivatives = [t for t in texts(window) if t.startswith("dJ_d")]
    assert derivatives and any(f"dJ_d{name}" in t.partition(" = ")[2] for t in derivatives)


def test_long_documents_are_told_and_never_block(window: Window, qtbot: QtBot) -> None:
    text = "\n".join(f"u{i + 1} = sin(u{i})" for i in range(1200)).replace("u0", "x")
    show(window, qtbot, compose(text, {"x": 0.5}))
    assert "more than 1,000 steps" in said(window)
    window.commands.run("explain.copy_function")
    assert "more than 1,000 steps" in window.notice.text()
    text = "\n".join(f"u{i + 1} = sin(u{i})" for i in range(120)).replace("u0", "x")
    show(window, qtbot, compose(text, {"x": 0.5}))
    assert len(texts(window)) > 10
    assert max(text.count("(") for text in texts(window)[:10]) < 10  # no line is nested deeper
    window.mathematics.style_box.setCurrentIndex(1)
    window.mathematics._restart()
    settle(window, qtbot)
    assert "more lines; Copy has all of them" in said(window)


def test_many_sources_are_told(window: Window, qtbot: QtBot) -> None:
    names = [f"x{i}" for i in range(12)]
    show(window, qtbot, compose(f"J = {' * '.join(names)}", dict.fromkeys(names, 1.5)))
    assert "and by 6 more" in said(window)
    assert len(window.mathematics.values) == formulas.MOST


def test_tensors_and_empty_and_faulty_documents(window: Window, qtbot: QtBot) -> None:
    show(window, qtbot, compose("J = sum((W @ v - y)^2)", {
        "W": np.ones((3, 2)), "v": np.ones(2), "y": np.zeros(3),
    }))  # fmt: skip
    assert "dJ_dy = -2 * (W @ v - y)" in texts(window)
    assert {v.text() for v in window.mathematics.values.values()} == {"= [3×2]", "= [2]", "= [3]"}
    window.mathematics.copy_derivative_text()
    assert "used by derivatives only" in window.notice.text()
    show(window, qtbot, Graph())
    assert "will be written here" in said(window)
    show(window, qtbot, compose("y = x * 2", {"x": [1.0, 2.0]}))
    assert texts(window) == ["y = 2 * x"] or texts(window) == ["y = x * 2"]
    assert "not a single number" in said(window)
    window.commands.run("explain.copy_derivative")
    assert "not a single number" in window.notice.text()
    show(window, qtbot, compose("t = log(x); J = t * 2", {"x": -1.0}))
    assert texts(window)[0] == "J = log(x) * 2"
    window.start_page()


def test_every_example_is_written(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    for name in FEW:
        show(window, qtbot, examples.load(name))
        assert texts(window) or said(window)


def test_a_document_may_change_while_its_formulas_are_written(window: Window, qtbot: QtBot) -> None:
    text = "\n".join(f"u{i + 1} = sin(u{i}) * x" for i in range(60)).replace("u0", "x")
    show(window, qtbot, compose(text, {"x": 0.5}))
    for _ in range(3):
        window.mathematics._restart()
        window.mathematics.refresh()  # it has begun, and the window's loop has not been at it
        assert window.mathematics._work is not None
        window.session.load(compose(WORKED, {"x": 0.5}))
        window.session.select([node(window, "u1")])
        settle(window, qtbot)
        assert texts(window)[0] == "u1 = sin(t)"
        window.session.load(compose(text, {"x": 0.5}))
    assert window.session.graph.nodes


def test_numbers_follow_a_training(window: Window, qtbot: QtBot) -> None:
    """Values that come faster than the panel waits do not keep it from showing them."""
    show(window, qtbot, compose(WORKED, {"x": 0.5}))
    seen = set()
    for i in range(30):
        window.session.refresh({node(window, "x"): np.array(0.5 + i / 50)})
        QTest.qWait(15)
        seen.add(next(iter(window.mathematics.values.values())).text())
    assert len(seen) > 3

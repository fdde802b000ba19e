"""Every micro-step of a dozen documents, both ways by keys, beside a calculation of its own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from micro_steps import DOCUMENTS, RULES, Array, Document
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.view.window import Window
from engine.edits import set_tensors
from engine.trace import Step

_NUMBER = re.compile(r"[-−]?(?:\d+\.?\d*(?:e[-−]?\d+)?|∞)")


def _numbers(text: str) -> list[str]:
    return [found.replace("−", "-") for found in _NUMBER.findall(text)]


def _rounds_to(shown: str, number: float) -> bool:
    """Whether a number that is shown is this one, rounded at its last digit."""
    mantissa, _, power = shown.partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(power or 0) - decimals)
    return abs(float(shown) - number) <= 0.5 * unit * (1 + 1e-9) + 1e-12


def _plain(text: str) -> str:
    """A line of the card as it is typed."""
    signs = str.maketrans("−×·₀₁₂₃₄₅₆₇₈₉", "-**0123456789")
    return text.replace("∂", "d").translate(signs)


class Walk:
    """A document in the window, and what it has to show after so many micro-steps."""

    def __init__(self, window: Window, document: Document) -> None:
        self.window, self.document = window, document
        window.compose(document.program)
        graph = window.session.graph
        self.ids = {node.name: n for n, node in graph.nodes.items()}
        self.names = {n: name for name, n in self.ids.items()}
        given = {self.ids[n]: np.asarray(v, np.float64) for n, v in document.given.items()}
        window.session.do(set_tensors(given), "values")
        self.values = document.values()
        self.sums: dict[str, Array] = {}
        self.computed = set(document.given)
        self.readers: dict[str, int] = {}
        for _, _, args in document.lines:
            for name in args:
                self.readers[name] = self.readers.get(name, 0) + 1
        self.states: list[Any] = []

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.window.canvas, key)
        self.window.canvas.flush()

    # ------------------------------------------------------------ what it has to show

    def follow(self, step: Step) -> None:
        """Takes a step in the calculation of its own, after looking whether it may come now."""
        node = self.names[step.node]
        _, rule, args = next(line for line in self.document.lines if line[0] == node)
        if step.phase == "forward":
            assert node not in self.computed and all(a in self.computed for a in args)
            self.computed.add(node)
            self._shows_forward(node, rule, args)
        elif step.phase == "seed":
            assert node == self.document.output and not self.sums
            self.sums[node] = np.ones(())
        else:
            graph = self.window.session.graph
            wired = [p for p in graph.ports(step.node) if (step.node, p) in graph.links]
            place = wired.index(step.port or "")
            assert args[place] == self.names[step.target or ""]
            assert not self.readers.get(node), "a gradient was passed on before it was complete"
            added = self._passes(node, rule, args[place], place)
            wire = self.window.canvas.board.wires[step.node, step.port or ""]
            assert wire.face.step == "backward"
            if not added.ndim:
                assert _rounds_to(_numbers(wire.face.gradient)[0], float(added))

    def _passes(self, node: str, rule: str, target: str, place: int) -> Array:
        upstream = self.sums[node]
        added = self.document.contribution(self.values, upstream, node, place)
        self.sums[target] = self.sums[target] + added if target in self.sums else added
        self.readers[target] -= 1
        summed = np.broadcast_shapes(self.values[node].shape) != self.values[target].shape
        summed &= RULES[rule].is_local
        card = self.window.explanation
        wanted = self.document.backward_text(node, place, summed)
        assert card.symbols.accessibleName() == wanted
        assert self._row() == wanted
        numbers = _plain(card.numbers)
        if added.ndim == 0 and upstream.ndim == 0 and RULES[rule].is_local:
            shown = _numbers(numbers)
            assert len(shown) == 3, numbers
            assert _rounds_to(shown[0], float(upstream)) and _rounds_to(shown[2], float(added))
            if float(upstream):
                assert (
                    abs(float(shown[1]) - added / upstream) <= 1e-3 * abs(added / upstream) + 5e-5
                )
        else:
            shape = "x".join(map(str, added.shape))
            end = numbers.rpartition("→")[2].strip().replace("*", "x")
            assert end == f"[{shape}]" if added.ndim else _rounds_to(_numbers(end)[0], float(added))
        total = card.rest.text()
        if self.sums[target].ndim == 0:
            assert _rounds_to(_numbers(total)[-1], float(self.sums[target]))
        assert ("in all" in total) == (self.readers[target] == 0)
        return added

    def _shows_forward(self, node: str, rule: str, args: tuple[str, ...]) -> None:
        card, value = self.window.explanation, self.values[node]
        assert card.symbols.accessibleName() == self.document.forward_text(node)
        assert self._row() == self.document.forward_text(node)
        numbers = _plain(card.numbers)
        if value.ndim or any(self.values[a].ndim for a in args):
            end = numbers.rpartition("→")[2].strip().replace("*", "x")
            shape = "x".join(map(str, value.shape))
            assert end == f"[{shape}]" if value.ndim else _rounds_to(_numbers(end)[0], float(value))
        else:
            shown = _numbers(numbers.rpartition("=")[0])
            assert _rounds_to(_numbers(numbers)[-1], float(value))
            for name in args:
                assert any(_rounds_to(text, float(self.values[name])) for text in shown), numbers

    def _row(self) -> str:
        """The row of the trace that is the one shown."""
        trace, step = self.window.trace, self.window.session.step
        assert step is not None
        return str(trace.model.data(trace.model.index_of(step)))

    # ------------------------------------------------------------ what the canvas shows

    def canvas(self) -> None:
        """Values and gradients of all nodes, and what each wire has carried back."""
        board = self.window.canvas.board
        for name, node_id in self.ids.items():
            face = board.nodes[node_id].face
            assert bool(face.value) == (name in self.computed), name
            assert bool(face.gradient) == (name in self.sums), name
            if name in self.computed and self.values[name].ndim:
                np.testing.assert_allclose(face.value_array, self.values[name], 1e-12, 1e-14)
            elif name in self.computed:
                assert _rounds_to(_numbers(face.value)[0], float(self.values[name]))
            if name in self.sums and self.values[name].ndim:
                np.testing.assert_allclose(face.gradient_array, self.sums[name], 1e-11, 1e-13)
            elif name in self.sums:
                assert _rounds_to(_numbers(face.gradient)[0], float(self.sums[name]))

    def state(self) -> Any:
        """All that is shown, for comparing the way back with the way there."""
        card, board = self.window.explanation, self.window.canvas.board
        faces = [(f.value, f.gradient, f.step) for f in (board.nodes[n].face for n in self.names)]
        wires = [(w.face.value, w.face.gradient, w.face.step) for w in board.wires.values()]
        told = (
            card.where.text(),
            card.symbols.accessibleName(),
            card.numbers,
            card.rest.text(),
        )
        return told, faces, wires


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_step_is_shown_as_calculated(window: Window, document: Document) -> None:
    walk, session = Walk(window, document), window.session
    walk.press(Qt.Key.Key_Home)
    assert session.cursor == 0
    states = [walk.state()]
    for number in range(len(session.steps)):
        walk.press(Qt.Key.Key_L)
        assert session.cursor == number + 1 and session.step is not None
        walk.follow(session.step)
        walk.canvas()
        states.append(walk.state())
    assert walk.computed == walk.ids.keys() and not any(walk.readers.values())
    for name in walk.ids:  # every gradient is complete now
        wanted = document.difference(name)
        np.testing.assert_allclose(walk.sums[name], wanted, 1e-6, 1e-8)
        shown = session.shown_gradient(walk.ids[name])
        assert shown is not None
        np.testing.assert_allclose(shown, wanted, 1e-6, 1e-8)
    for number in reversed(range(len(session.steps))):
        walk.press(Qt.Key.Key_J)
        assert session.cursor == number
        assert walk.state() == states[number]


def test_a_wrong_number_would_be_seen(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of the calculation is made wrong by a thousandth: the walk stops at its step."""
    planted = RULES["sin"]
    wrong = (lambda g, y, x: 1.001 * g * np.cos(x),)
    monkeypatch.setitem(
        RULES, "sin", type(planted)(planted.text, planted.value, wrong, planted.terms)
    )
    walk = Walk(window, DOCUMENTS[0])
    walk.press(Qt.Key.Key_Home)
    with pytest.raises(AssertionError):
        for _ in range(len(window.session.steps)):
            walk.press(Qt.Key.Key_L)
            assert window.session.step is not None
            walk.follow(window.session.step)

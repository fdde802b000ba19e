"""What a wire into a module has carried back: the sum over all that read it in there."""

from __future__ import annotations

import numpy as np
import pytest

from app.view.window import Window
from engine.edits import set_tensors
from engine.modules import make_module


def test_a_wire_into_a_module_shows_what_all_inside_pass_back(window: Window) -> None:
    window.compose("a = sin(x); b = a * a; c = a + b; J = cos(c) * y")
    session = window.session
    ids = {node.name: n for n, node in session.graph.nodes.items()}
    session.do(set_tensors({ids["x"]: np.array(0.7), ids["y"]: np.array(1.5)}), "values")
    total = float(session.evaluation.gradients[ids["a"]])
    session.do(make_module(session.graph, [ids["b"], ids["c"]], "inner")[0], "group")
    board = window.canvas.board
    wires = [key for key, w in board.wires.items() if w.source == ids["a"]]
    seen = 0.0
    for cursor, step in enumerate(list(session.steps), 1):
        session.seek(cursor)
        window.canvas.flush()
        texts = [t for key in wires if (t := board.wires[key].face.gradient)]
        if step.phase == "backward" and step.target == ids["a"]:
            seen += float(step.value)  # on its way, the term is shown and not the sum
        elif seen:
            assert len(texts) == 1
            assert float(texts[0].replace("−", "-")) == pytest.approx(seen, rel=1e-3)
        else:
            assert not texts
    assert seen == pytest.approx(total, rel=1e-12)

"""The why-lens on any document: a sentence or paths that sum to the gradient, and wires that exist."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest

from app.session import Session
from app.why import FEW, Lens
from engine import edits, examples, rewiring
from engine.compose import compose
from engine.graph import Graph, GraphError
from engine.modules import add_module
from tests.documents import random_document, random_edit


def looked(session: Session, node_id: str, loss: str | None = None) -> Lens:
    session.select((node_id,))
    lens = Lens(session)
    lens.loss = loss
    for _ in lens.look():
        pass
    return lens


def check(lens: Lens) -> bool:
    """What is told agrees with the evaluation; False where only a sentence is told."""
    session = lens.session
    if lens.paths is None:
        assert lens.message
        return False
    paths, mark = lens.paths, lens.mark()
    assert mark is not None and set(mark.wires) <= set(session.graph.links)
    assert mark.lit <= set(session.graph.links) and set(mark.badges) <= set(session.graph.nodes)
    assert len(paths.found) == min(paths.count, FEW)
    for path in paths.found:
        alone = lens.mark(path)
        assert alone is not None and alone.lit <= set(mark.wires)
        assert lens.product(path) and "~" not in " ".join(lens.steps_of(path))
        assert -1.0 <= lens.share(path.value) <= 1.0
    if paths.count and paths.gradient is not None and np.isfinite(paths.gradient).all():
        told = paths.gradient
        if lens.loss is None:
            told = session.evaluation.gradients[session.selection[-1]]
        parts = [np.asarray(p.value) for p in paths.found] + [np.asarray(paths.rest)]
        scale = sum(np.abs(p) for p in parts)
        close = 1e-9 if session.root.dtype == np.float64 else 1e-4  # 24 bits, and many paths
        assert (np.abs(sum(parts) - told) <= close * scale + 1e-12).all()
    return bool(paths.count)


def test_any_document() -> None:
    """Also of a loss that is chosen, since what is drawn at random rarely ends in a number."""
    explained = 0
    for seed in range(500):
        rng, graph = random.Random(seed), random_document(seed)
        session = Session(graph)
        for _ in range(3):
            evaluation = session.evaluation
            steps = evaluation.expansion.nodes
            losses = [n for n in Lens(session).losses if evaluation.step_of(n) in steps]
            loss = rng.choice(losses) if losses and rng.random() < 0.8 else None
            nodes = session.graph.ancestors(loss) if loss else list(session.graph.nodes)[:12]
            for node_id in [*nodes, *([loss] if loss else [])]:
                told = looked(session, node_id, evaluation.step_of(loss) if loss else None)
                explained += check(told)
            with suppress(GraphError):
                session.do(random_edit(rng, session.graph), "Edit")
    assert explained > 60


def test_dots_muted_nodes_and_modules() -> None:
    graph = compose("y = tanh(x)\nz = 2*y\nJ = sum(y*z)", {"x": np.array([[0.4, -0.2]])})
    edit, block = add_module(graph, "ResidualBlock", examples.modules()["ResidualBlock"])
    edit.apply(graph)
    y, z = str(graph.id_of("y")), str(graph.id_of("z"))
    edits.connect(y, block, "x").apply(graph)
    graph.put("links", (z, "b"), block)
    edit, dot = rewiring.add_dot(graph, [(z, "b")], (0.0, 0.0))
    edit.apply(graph)
    session = Session(graph)
    for muted in ((), (y,), (block,)):
        if muted:
            session.do(rewiring.mute(session.graph, muted), "Mute")
        for node_id in session.graph.nodes:
            assert check(looked(session, node_id)) == (
                session.evaluation.gradients.get(node_id) is not None
            )
        x = looked(session, str(session.graph.id_of("x")))
        mark = x.mark()
        assert mark is not None and {(block, "x"), (dot, "x")} <= set(mark.wires)
        if block not in muted:
            session.go((block,))
            for node_id in session.graph.nodes:
                check(looked(session, node_id))
            session.go(())


def test_the_shipped_examples() -> None:
    for name in examples.names():
        session = Session(examples.load(name))
        for node_id in session.graph.nodes:
            check(looked(session, node_id))
        for node_id in [n for n in session.graph.nodes if session.graph.op(n).definition]:
            reached = node_id in session.evaluation.gradients
            session.go((node_id,))
            told = [check(looked(session, n)) for n in session.graph.nodes]
            assert any(told) or not reached
            session.go(())


def test_counts_in_words() -> None:
    program = "\n".join(f"u{i} = u{i - 1} * u{i - 1}" for i in range(1, 61)).replace("u0", "x")
    session = Session(compose(program, {"x": 1.0}))
    lens = looked(session, str(session.graph.id_of("x")))
    assert lens.counted == "about 10^18 paths" and lens.footer.startswith("showing 20 of about")
    session = Session(Graph())
    assert list(Lens(session).look()) == []


def test_paths_that_do_not_sum_to_the_gradient_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: a slope that is a little off."""
    from engine.paths import Paths

    right = Paths.slope
    monkeypatch.setattr(Paths, "slope", lambda self, t: (right(self, t) or 0.0) * 1.001)
    session = Session(compose("J = sin(x)*x", {"x": 0.4}))
    with pytest.raises(AssertionError):
        check(looked(session, str(session.graph.id_of("x"))))


def test_every_path_between_numbers_that_adds_nothing_says_where_it_ends() -> None:
    """Two edges stop the two paths: each is told at its own."""
    graph = compose("h = relu(w*x - 5); s = sigmoid(40*w); J = h + s", {"w": 1.0, "x": 1.0})
    session = Session(graph)
    lens = looked(session, str(graph.id_of("w")))
    assert lens.paths is not None and lens.paths.gradient == 0.0
    told = sorted(lens.product(path) for path in lens.paths.found)
    assert len(told) == 2 and all(text.startswith("ends: ") for text in told)
    assert any("h = relu(" in text and "is dead" in text for text in told)
    assert any("s = sigmoid(" in text and "is saturated" in text for text in told)


def test_what_was_found_marks_nothing_once_other_nodes_are_looked_at() -> None:
    session = Session(compose("t = x^2; J = sin(t) * t", default=0.5))
    lens = looked(session, session.graph.id_of("x") or "")
    assert lens.paths is not None and lens.mark(lens.paths.found[0]) is not None
    session.do(edits.remove_nodes(session.graph, [session.graph.id_of("t") or ""]), "Delete")
    assert lens.mark() is None and lens.mark(lens.paths.found[0]) is None

"""Where a pass is run to: nodes, the node after and before, breakpoints; inside of modules too."""

from __future__ import annotations

import numpy as np
import pytest

from app import stops
from app.session import Session
from engine import edits, files
from engine.compose import compose
from engine.examples import load_module
from engine.graph import Graph, GraphError
from engine.modules import add_module, make_module
from engine.rewiring import add_dot, mute

PROGRAM = "t = x^2; u1 = sin(t); u2 = 3*t; u = u1 + u2; J = cos(u)"
# Forward t u1 u2 u J are steps 1 to 5, the seed is 6, J→u 7, u→u1 8, u→u2 9; then u1→t, u2→t in
# the order of the pass, and t→x 12.


@pytest.fixture
def session() -> Session:
    return Session(compose(PROGRAM, {"x": 0.5}))


def of(session: Session, name: str) -> str:
    found = session.graph.id_of(name)
    assert found is not None
    return found


def stop_at(session: Session, *names: str) -> None:
    session.do(stops.toggled(session.graph, [of(session, n) for n in names]), "Breakpoint")


def test_run_to_a_node_goes_to_its_value_and_from_there_to_its_whole_gradient(
    session: Session,
) -> None:
    t = of(session, "t")
    session.seek(stops.run_to(session, t))
    assert session.cursor == 1 and session.step is not None and session.step.node == t
    session.seek(stops.run_to(session, t))
    assert (
        session.cursor == 11
        and session.step.target == t
        and not session.step.terms[session.step.position + 1 :]
    )
    assert session.shown_gradient(t) == session.evaluation.gradients[t]
    session.seek(stops.run_to(session, t))
    assert session.cursor == 1
    session.seek(stops.run_to(session, of(session, "J")))
    assert session.cursor == 5
    session.seek(stops.run_to(session, of(session, "J")))
    assert session.cursor == 6 and session.step.phase == "seed"
    assert stops.run_to(session, of(session, "x")) == 12, "what is given has a gradient only"


def test_what_is_given_and_feeds_nothing_has_no_step() -> None:
    session = Session(compose("J = cos(u); ", {"u": 1.0}))
    session.do(edits.add_node(session.graph, "constant", "c")[0], "Add")
    assert stops.run_to(session, of(session, "c")) == 0


def test_nodes_are_walked_over_with_all_their_edges(session: Session) -> None:
    session.seek(0)
    seen = []
    while session.cursor < len(session.steps):
        session.seek(stops.node_after(session))
        seen.append(session.cursor)
    assert seen == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    back = []
    while session.cursor:
        session.seek(stops.node_before(session))
        back.append(session.cursor)
    assert back == [*reversed(seen[:-1]), 0]
    session.seek(8)
    assert (stops.node_after(session), stops.node_before(session)) == (9, 7)
    assert stops.node_before(Session(Graph())) == stops.node_after(Session(Graph())) == 0


def test_breakpoints_are_the_value_and_the_whole_gradient_of_their_nodes(session: Session) -> None:
    found = stops.Breakpoints(session)
    assert found.steps == [] and found.after(0) is found.before(12) is None
    stop_at(session, "t", "x")
    assert found.steps == [1, 11, 12]
    assert [found.after(n) for n in (0, 1, 10, 11, 12)] == [1, 11, 11, 12, None]
    assert [found.before(n) for n in (12, 11, 1, 0)] == [11, 1, None, None]
    stop_at(session, "t", "J")
    assert found.steps == [1, 5, 6, 11, 12], "one of them had none: all have one"
    stop_at(session, "t", "J")
    assert found.steps == [12]
    session.history.undo()
    assert found.steps == [1, 5, 6, 11, 12]


def test_breakpoints_compute_nothing_and_are_saved(session: Session) -> None:
    heard = []
    session.evaluated.join(lambda: heard.append(1))
    stop_at(session, "u", "t")
    assert not heard
    again = files.from_bytes(files.to_bytes(session.root))
    assert again.settings["breakpoints"] == (of(session, "t"), of(session, "u"))


def test_copies_have_no_breakpoint_and_what_is_deleted_takes_its_own_along(
    session: Session,
) -> None:
    stop_at(session, "u1", "J")
    part = edits.subgraph(session.graph, [of(session, "u1")])
    session.do(edits.insert(session.graph, part, same=True)[0], "Paste")
    assert len(session.graph.settings["breakpoints"]) == 2
    session.do(edits.remove_nodes(session.graph, [of(session, "u1")]), "Delete")
    assert session.graph.settings["breakpoints"] == (of(session, "J"),)
    session.history.undo()
    assert session.graph.settings["breakpoints"] == (of(session, "u1"), of(session, "J"))
    with pytest.raises(GraphError, match="order"):
        session.do(edits.set_setting("breakpoints", ("n5", "n2")), "Breakpoint")


def test_dots_and_muted_nodes_stop_with_what_they_hand_on(session: Session) -> None:
    u1 = of(session, "u1")
    edit, dot = add_dot(session.graph, [(u1, "x")], (0.0, 0.0))
    session.do(edit, "Dot")
    session.do(mute(session.graph, [of(session, "u2")]), "Mute")
    t = of(session, "t")
    value, gradient = (at(session.evaluation, t) for at in (stops.computed, stops.completed))
    assert value == 1 and gradient > value
    for node_id in (dot, of(session, "u2")):
        assert stops.computed(session.evaluation, node_id) == value
        assert stops.completed(session.evaluation, node_id) == gradient
    session.do(stops.toggled(session.graph, [dot]), "Breakpoint")
    assert stops.Breakpoints(session).steps == [value, gradient]


def test_without_an_output_there_are_values_only() -> None:
    session = Session(compose("a = x * 2; b = a + 1", {"x": np.array([1.0, 2.0])}))
    assert session.evaluation.adjoints is None
    stop_at(session, "b")
    number = stops.computed(session.evaluation, of(session, "b"))
    assert stops.Breakpoints(session).steps == [number]
    session.seek(number)
    assert stops.run_to(session, of(session, "b")) == number


def nested() -> Session:
    """A module in a module, the inner one used twice."""
    session = Session(compose("a = x^2; b = sin(a); c = exp(b); J = c * a", {"x": 0.5}))
    graph = session.graph
    session.do(make_module(graph, [of(session, "b")], "Inner")[0], "Make module")
    instance = next(n for n, node in graph.nodes.items() if node.op == "Inner")
    edit, ids = edits.insert(graph, edits.subgraph(graph, [instance]), same=True)
    session.do(edits.batch(edit, edits.connect(instance, ids[instance], "a")), "Copy")
    c = of(session, "c")
    session.do(edits.connect(ids[instance], c, "x"), "Wire")
    session.do(make_module(graph, [instance, ids[instance], c], "Outer")[0], "Make module")
    return session


def test_a_breakpoint_inside_a_module_stops_in_all_of_its_instances() -> None:
    session = nested()
    outer = next(n for n, node in session.graph.nodes.items() if node.op == "Outer")
    session.go((outer,))
    inner = [n for n, node in session.graph.nodes.items() if node.op == "Inner"]
    assert len(inner) == 2
    session.go((outer, inner[0]))
    sine = next(n for n, node in session.graph.nodes.items() if node.op == "sin")
    session.do(stops.toggled(session.graph, [sine]), "Breakpoint")
    assert session.graph.settings["breakpoints"] == (sine,)
    found = stops.Breakpoints(session)
    seen_inside = len(found.steps)
    session.go((outer,))
    seen_in_outer = len(found.steps)
    session.go(())
    assert (seen_inside, seen_in_outer, len(found.steps)) == (2, 4, 4)
    nodes = [session.steps[number - 1] for number in found.steps]
    assert {(s.target or s.node).rpartition(".")[2] for s in nodes} == {sine}
    session.seek(0)
    seen = []
    while session.cursor < len(session.steps):
        session.seek(stops.node_after(session))
        seen.append(session.step.node.partition(".")[0])  # type: ignore[union-attr]
    assert seen.count(outer) == 2, "a module is one node, forward and backward"


def test_a_shipped_module_is_one_node() -> None:
    session = Session(compose("J = sum(h)", {"h": 1.0}))
    edit, made = add_module(session.graph, "Dense", load_module("Dense"), (0, 300))
    session.do(edit, "Add Dense")
    assert stops.run_to(session, made) == 0
    assert stops.Breakpoints(session).steps == []

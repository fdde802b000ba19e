"""Muted nodes, dots on wires, nodes taken out and put in; what notes and frames are."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from documents import random_document

from engine import files, notes, passing, rewiring
from engine.compose import compose, formula_of
from engine.edits import Edit, batch, set_literal, set_recipe, set_setting, subgraph
from engine.evaluate import Evaluator
from engine.graph import CycleError, Graph, GraphError, Node, Source
from engine.train.minimum import minimize
from engine.train.problem import TrainingError, unfinished
from engine.train.session import Training

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def node(graph: Graph, name: str) -> str:
    found = graph.id_of(name)
    assert found is not None
    return found


def done(graph: Graph, edit: Edit) -> Graph:
    """The document after an edit, which taken back leaves the same bytes."""
    before = files.to_bytes(graph)
    inverse = edit.apply(graph)
    trial = graph.copy()
    inverse.apply(trial)
    assert files.to_bytes(trial) == before
    return graph


def values(graph: Graph) -> dict[str, float]:
    found = Evaluator()(graph)
    assert not found.faults
    return {graph.name(n): float(v) for n, v in found.values.items() if n in graph.nodes}


def gradient(graph: Graph, name: str) -> float:
    return float(Evaluator()(graph).gradients[node(graph, name)])


def test_a_muted_node_hands_on_its_operand() -> None:
    graph = compose(WORKED, {"x": 0.5})
    done(graph, rewiring.mute(graph, [node(graph, "u1")]))
    same = compose("t=x^2; u2=3*t; u=t+u2; J=cos(u)", {"x": 0.5})
    assert values(graph)["J"] == values(same)["J"]
    assert values(graph)["u1"] == 0.25
    assert gradient(graph, "x") == gradient(same, "x")
    found = Evaluator()(graph)
    assert all(found.node_of(step.node) != node(graph, "u1") for step in found.steps)
    done(graph, rewiring.mute(graph, [node(graph, "u1")]))
    assert values(graph)["J"] == values(compose(WORKED, {"x": 0.5}))["J"]


def test_muting_a_mixture_mutes_all_and_leaves_sources() -> None:
    graph = compose(WORKED, {"x": 0.5})
    done(graph, rewiring.mute(graph, [node(graph, "u1")]))
    done(graph, rewiring.mute(graph, list(graph.nodes)))
    assert [n.name for n in graph.nodes.values() if not n.muted] == ["x"]
    assert values(graph)["J"] == 0.5
    with pytest.raises(GraphError, match="only what is computed can be muted"):
        rewiring.mute(graph, [node(graph, "x")])


def test_a_muted_number_is_that_number() -> None:
    graph = compose("y = 3 * x; z = y + 1", {"x": 2.0})
    done(
        graph,
        batch(rewiring.cut([(node(graph, "y"), "b")]), rewiring.mute(graph, [node(graph, "y")])),
    )
    assert values(graph)["z"] == 4.0


def test_a_dot_changes_no_number_and_makes_no_step() -> None:
    graph = compose(WORKED, {"x": 0.5})
    before, steps = values(graph), len(Evaluator()(graph).steps)
    t = node(graph, "t")
    wires = [k for k, source in graph.links.items() if source == t]
    edit, dot = rewiring.add_dot(graph, wires, (8.0, 8.0))
    done(graph, edit)
    assert {k for k, s in graph.links.items() if s == dot} == set(wires)
    found = Evaluator()(graph)
    assert {n: v for n, v in values(graph).items() if n != graph.name(dot)} == before
    assert found.values[dot] == 0.25 and len(found.steps) == steps
    assert float(found.gradients[node(graph, "x")]) == gradient(compose(WORKED, {"x": 0.5}), "x")
    with pytest.raises(GraphError, match="come from one node"):
        rewiring.add_dot(graph, [(node(graph, "J"), "x"), (node(graph, "u1"), "x")], (0, 0))


def test_output_and_loss_may_be_muted_and_training_goes_on() -> None:
    graph = compose("J = square(w * 2 - 3); loss = 5 * J", {"w": 1.0})
    graph.put("settings", "output", node(graph, "loss"))
    done(graph, rewiring.mute(graph, [node(graph, "loss")]))
    found = Evaluator()(graph)
    assert float(found.gradients[node(graph, "w")]) == 2 * (2 - 3) * 2
    assert found.values[node(graph, "loss")] == 1.0


def test_dissolving_joins_what_was_around() -> None:
    graph = compose(WORKED, {"x": 0.5})
    done(graph, rewiring.dissolve(graph, [node(graph, "u1"), node(graph, "u")]))
    assert "u1" not in {n.name for n in graph.nodes.values()}
    assert graph.links[node(graph, "J"), "x"] == node(graph, "t")


def test_dissolving_a_number_leaves_the_number() -> None:
    graph = compose("y = x * 3; z = y + w", {"x": 1.0, "w": 0.5})
    done(graph, rewiring.cut([(node(graph, "y"), "a")]))
    done(graph, rewiring.dissolve(graph, [node(graph, "y")]))
    assert values(graph)["z"] == 3.5


def test_taken_out_nodes_keep_the_wires_among_them() -> None:
    graph = compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0})
    done(graph, rewiring.taken_out(graph, [node(graph, "a"), node(graph, "b")]))
    assert graph.links == {
        (node(graph, "b"), "x"): node(graph, "a"), (node(graph, "c"), "x"): node(graph, "x")
    }  # fmt: skip


def test_put_on_a_wire() -> None:
    graph = compose("a = cos(x); b = exp(z)", {"x": 1.0, "z": 0.0})
    b = node(graph, "b")
    with pytest.raises(GraphError, match="no empty port"):
        rewiring.put_on_wire(graph, node(graph, "z"), (node(graph, "a"), "x"))
    done(graph, rewiring.cut([(b, "x")]))
    done(graph, rewiring.put_on_wire(graph, b, (node(graph, "a"), "x")))
    assert values(graph)["a"] == pytest.approx(np.cos(np.exp(1.0)))


def test_random_rewiring_keeps_documents_sound() -> None:
    """Hundreds of documents: the edit is refused in a sentence or done and taken back exactly."""
    counts = {"done": 0, "refused": 0}
    for seed in range(300):
        graph, rng = random_document(seed, 40), random.Random(seed)
        if not graph.nodes:
            continue
        chosen = rng.sample(sorted(graph.nodes), min(3, len(graph.nodes)))
        for make in (rewiring.mute, rewiring.taken_out, rewiring.dissolve):
            trial = graph.copy()
            try:
                done(trial, make(trial, chosen))
                counts["done"] += 1
            except GraphError as error:
                assert str(error) and "\n" not in str(error)
                counts["refused"] += 1
            Evaluator()(trial)
    assert counts["done"] > 500 and counts["refused"] < counts["done"] / 2, counts


def test_random_programs_with_muted_nodes_compute_what_is_read() -> None:
    """Muting equals removing and joining, for values and gradients."""
    for seed in range(60):
        rng = random.Random(seed)
        names = ["x"]
        lines = []
        for number in range(12):
            one, other = rng.choice(names), rng.choice(names)
            lines.append(
                rng.choice((f"v{number} = sin({one})", f"v{number} = {one} * {other} + 1"))
            )
            names.append(f"v{number}")
        graph = compose("; ".join([*lines, f"J = {names[-1]} + {rng.choice(names)}"]), {"x": 0.3})
        inner = [n for n in graph.nodes if not graph.op(n).is_source and n != node(graph, "J")]
        chosen = rng.sample(inner, 3)
        muted, joined = graph.copy(), graph.copy()
        done(muted, rewiring.mute(muted, chosen))
        done(joined, rewiring.dissolve(joined, chosen))
        assert values(muted)["J"] == values(joined)["J"]
        found, other_found = Evaluator()(muted), Evaluator()(joined)
        x = node(graph, "x")
        assert np.array_equal(found.gradients.get(x, 0.0), other_found.gradients.get(x, 0.0))


# ------------------------------------------------------------ notes


def test_notes_change_no_meaning() -> None:
    graph = compose(WORKED, {"x": 0.5})
    meaning = graph.meaning
    edit, frame = notes.add_note(graph, kind="frame", text="layer", width=400.0, height=300.0)
    done(graph, edit)
    done(graph, notes.change_note(graph, frame, colour="blue", text="$x^2$"))
    done(graph, notes.move_notes(graph, {frame: (8.0, -8.0)}))
    assert graph.meaning == meaning and graph.notes[frame].colour == "blue"
    done(graph, notes.remove_notes([frame]))
    assert not graph.notes


def test_a_frame_carries_what_lies_in_it() -> None:
    graph = Graph()
    edit, frame = notes.add_note(graph, kind="frame", x=0.0, y=0.0, width=100.0, height=100.0)
    edit.apply(graph)
    areas = {
        "n1": (10.0, 10.0, 50.0, 50.0), "n2": (80.0, 10.0, 50.0, 50.0), "f1": (0.0, 0.0, 100.0, 100.0)
    }  # fmt: skip
    assert notes.carried(graph, frame, areas) == ["n1"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "box"}, "is a note or a frame"),
        ({"colour": "red"}, "one of blue"),
        ({"width": 3.0}, "24 wide and high at least"),
        ({"x": 1e10}, "outside the canvas"),
        ({"x": float("nan")}, "outside the canvas"),
        ({"text": "\ud800"}, "broken character"),
        ({"text": "a" * 20_001}, "20,000 letters"),
    ],
)
def test_what_no_note_is(fields: dict[str, object], said: str) -> None:
    graph = Graph()
    with pytest.raises(GraphError, match=said):
        notes.add_note(graph, **fields)[0].apply(graph)


def test_bookmarks_name_nodes_and_go_with_them() -> None:
    graph = compose(WORKED, {"x": 0.5})
    done(graph, set_setting("bookmarks", {"1": node(graph, "u"), "2": node(graph, "J")}))
    done(graph, rewiring.dissolve(graph, [node(graph, "u")]))
    assert graph.settings["bookmarks"] == {"2": node(graph, "J")}
    for wrong in ({"0": "n1"}, {"1": "x"}, {1: "n1"}):
        with pytest.raises(GraphError):
            set_setting("bookmarks", wrong).apply(graph)


def test_notes_are_copied_with_nodes() -> None:
    graph = compose(WORKED, {"x": 0.5})
    edit, note = notes.add_note(graph, text="here")
    edit.apply(graph)
    part = subgraph(graph, [node(graph, "t"), note])
    assert list(part.notes) == [note] and len(part.nodes) == 1
    assert files.from_text(files.to_text(part)).notes[note].text == "here"


def test_a_circle_is_still_refused() -> None:
    graph = compose("a = sin(x); b = cos(a)", {"x": 1.0})
    done(graph, rewiring.mute(graph, [node(graph, "a")]))
    with pytest.raises(CycleError):
        graph.put("links", (node(graph, "a"), "x"), node(graph, "b"))


def test_training_reads_through_muted_nodes() -> None:
    """A muted activation leaves the linear net, which learns the same as one written so."""
    graphs = []
    for text in (
        "h = tanh(x @ W); z = 1 * h; J = mean(square(z))",
        "h = x @ W; J = mean(square(h))",
    ):
        graph = compose(text, {"x": np.eye(3), "W": np.arange(6.0).reshape(3, 2)})
        w = graph.nodes[node(graph, "W")]
        graph.put("nodes", w.id, replace(w, op="parameter", options={"shape": (3, 2)}))
        set_recipe(graph, loss=node(graph, "J"), learning_rate=0.1).apply(graph)
        graphs.append(graph)
    muted = graphs[0]
    done(muted, rewiring.mute(muted, [node(muted, "h"), node(muted, "z")]))
    found = []
    for graph in graphs:
        training = Training(graph)
        for _ in range(5):
            training.step()
        found.append(training.parameters()[node(graph, "W")])
    assert not np.array_equal(found[0], np.arange(6.0).reshape(3, 2))
    assert np.array_equal(found[0], found[1])


def test_formulas_read_through_dots() -> None:
    graph = compose(WORKED, {"x": 0.5})
    edit, dot = rewiring.add_dot(graph, [(node(graph, "u2"), "b")], (0.0, 0.0))
    done(graph, edit)
    assert formula_of(graph, node(graph, "u2")) == "3 * t"
    assert set(passing.readers(graph, node(graph, "t"))) == {
        dot,
        node(graph, "u1"),
        node(graph, "u2"),
    }


def test_a_reader_of_several_nodes_gets_all_their_numbers() -> None:
    graph = compose("p = exp(x); q = sin(x); y = p + q", {"x": 1.0})
    chosen = [node(graph, "p"), node(graph, "q")]
    for one, number in zip(chosen, (3.0, 4.0), strict=True):
        done(graph, batch(rewiring.cut([(one, "x")]), set_literal(graph, one, "x", number)))
    done(graph, rewiring.dissolve(graph, chosen))
    assert values(graph)["y"] == 7.0


def test_a_muted_node_and_a_dot_tell_what_they_hand_on() -> None:
    graph = compose(WORKED, {"x": 0.5})
    edit, dot = rewiring.add_dot(graph, [(node(graph, "u2"), "b")], (0.0, 0.0))
    done(graph, edit)
    done(graph, rewiring.mute(graph, [node(graph, "u1"), node(graph, "u2")]))
    told = [formula_of(graph, n) for n in (dot, node(graph, "u1"), node(graph, "u2"))]
    assert told == ["t", "t", "t"]
    done(graph, rewiring.cut([(node(graph, "u2"), "b"), (node(graph, "u1"), "x")]))
    assert [formula_of(graph, node(graph, n)) for n in ("u1", "u2")] == ["?", "3"]


def _one_operand_unused(kind: str) -> Graph:
    """J = square(w) behind a muted sum whose second operand has no value."""
    graph = compose("h = exp(q); s = square(w) + h; J = 1 * s", {"w": 2.0, "q": 1.0})
    w, h, s = (node(graph, name) for name in "whs")
    options = {"shape": (), "init": "given"}
    graph.put("nodes", w, replace(graph.nodes[w], op="parameter", options=options))
    if kind == "operator":
        rewiring.cut([(h, "x")]).apply(graph)
    elif kind == "parameter":
        graph.put("nodes", "n90", Node("n90", "parameter", "v", options))
        graph.put("links", (s, "b"), "n90")
    else:
        graph.put("sources", "rows", Source("csv", "missing.csv"))
        graph.put("nodes", "n90", Node("n90", "data", "v", {"source": "rows", "field": "x"}))
        graph.put("links", (s, "b"), "n90")
    set_recipe(graph, loss=node(graph, "J"), learning_rate=0.1).apply(graph)
    return graph


@pytest.mark.parametrize("kind", ["operator", "parameter", "data"])
def test_what_a_muted_node_does_not_hand_on_stops_no_training(kind: str) -> None:
    graph = _one_operand_unused(kind)
    if kind == "operator":
        assert unfinished(graph) == "h has an empty port; wire it before training"
        with pytest.raises(TrainingError, match="h has an empty port"):
            Training(graph)
    done(graph, rewiring.mute(graph, [node(graph, "s")]))
    assert unfinished(graph) == ""
    training = Training(graph)
    assert training.step() == 4.0
    assert training.parameters()[node(graph, "w")] == pytest.approx(2.0 - 0.1 * 4.0)


def test_what_is_minimised_over_is_handed_on() -> None:
    graph = compose("s = square(w) + exp(q); J = 1 * s", {"w": 2.0, "q": 1.0})
    done(graph, rewiring.mute(graph, [node(graph, "s")]))
    found = minimize(graph, steps=3)
    assert list(found.final) == ["w"]
    with pytest.raises(TrainingError, match="choose from: w"):
        minimize(graph, ["q"], steps=1)

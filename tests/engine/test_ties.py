"""Grouping, unpacking, removing, tying and undo leave every value that should not change as it is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from app.session import Session
from engine import edits, examples, files
from engine.graph import TIED, Graph, GraphError, Source
from engine.modules import add_module, make_module
from engine.ops.row import Array
from engine.unpacking import unpack_module

MODULES = ("Dense", "MLP", "ResidualBlock", "Encoder")
STARTS = ("xavier", "normal", "zeros", "given")
SEEDS = range(24)


def random_network(seed: int, sizes_of: tuple[int, ...] = (2, 3)) -> Graph:
    """Instances of modules, some of them tied, parameters and operators over inputs and data.

    Some of the values of parameters are stored, the others drawn.
    """
    rng, graph = random.Random(seed), Graph()
    numbers = np.random.default_rng(seed)
    graph.put("sources", "points", Source("table"))
    graph.put("tensors", "points.x", numbers.normal(size=(6, 3)))
    edits.add_node(graph, "input", "x", value=numbers.normal(size=(4, 3)))[0].apply(graph)
    if seed % 3:
        options = {"source": "points", "field": "x"}
        edits.add_node(graph, "data", "X", options)[0].apply(graph)
    wide = list(graph.nodes)  # what has three columns
    for _ in range(rng.randint(4, 9)):
        source = rng.choice(wide)
        choice = rng.random()
        if choice < 0.6:
            name = rng.choice(MODULES)
            edit, node_id = add_module(graph, name, examples.modules()[name])
            edit.apply(graph)
            sizes = {o: rng.choice(sizes_of) for o in graph.nodes[node_id].options if o != TIED}
            edits.set_options(graph, node_id, sizes).apply(graph)
            same = [n for n in graph.of_op(name) if n != node_id]
            if same and rng.random() < 0.6:
                edits.set_options(graph, node_id, {TIED: rng.choice(same)}).apply(graph)
            if rng.random() < 0.3:
                key = next(k for k in Session(graph).drawn or [""])
                if key:
                    graph.put("tensors", key, Session(graph).drawn[key] + 0.25)
        elif choice < 0.8:
            init = rng.choice(STARTS)
            edit, weights = edits.add_node(
                graph, "parameter", "W", {"shape": (3, 3), "init": init},
                value=numbers.normal(size=(3, 3)),
            )  # fmt: skip
            edit.apply(graph)
            if rng.random() < 0.5 and init != "given":
                graph.put("tensors", weights, None)
            edit, node_id = edits.add_node(graph, "matmul")
            edit.apply(graph)
            edits.connect(weights, node_id, "b").apply(graph)
        else:
            edit, node_id = edits.add_node(graph, rng.choice(("tanh", "square", "relu")))
            edit.apply(graph)
        edits.connect(source, node_id, graph.ports(node_id)[0]).apply(graph)
        found = Session(graph).evaluation.specs.get(node_id)
        if found is not None and found.shape[-1:] == (3,):
            wide.append(node_id)
    return graph


def values_of(session: Session) -> dict[str, Array]:
    return {n: v for n, v in session.whole.values.items() if n in session.root.nodes}


def untouched(session: Session, before: dict[str, Array], changed: Iterable[str] = ()) -> None:
    """Every node that is there as it was, those changed and what depends on them left out."""
    graph, after = session.root, values_of(session)
    moved = {n for c in changed if c in graph.nodes for n in (c, *graph.descendants(c))}
    for node_id in before.keys() & graph.nodes.keys() - moved:
        assert node_id in after, graph.name(node_id)
        assert after[node_id].tobytes() == before[node_id].tobytes(), graph.name(node_id)


def instances(graph: Graph) -> list[str]:
    return [n for n in graph.nodes if graph.op(n).definition is not None]


def group(rng: random.Random, session: Session) -> list[str]:
    graph = session.graph
    for _ in range(20):
        chosen = rng.sample(sorted(graph.nodes), min(len(graph.nodes), rng.randint(1, 5)))
        try:
            edit, _ = make_module(graph, chosen, "Group", session.evaluation.values)
        except GraphError:
            continue
        session.do(edit, "Group")
        return []
    return []


def unpack(rng: random.Random, session: Session) -> list[str]:
    graph = session.graph
    if found := instances(graph):
        edit, _ = unpack_module(graph, rng.choice(found), session.evaluation.values)
        session.do(edit, "Unpack")
    return []


def remove_owner(rng: random.Random, session: Session) -> list[str]:
    graph = session.graph
    owners = {n.options[TIED] for n in graph.nodes.values() if n.options.get(TIED)}
    found = sorted(owners) or instances(graph)
    if not found:
        return []
    gone = rng.choice(found)
    readers = list(graph.structure.successors(gone))
    session.do(edits.remove_nodes(graph, [gone]), "Delete")
    return readers


def tie(rng: random.Random, session: Session) -> list[str]:
    graph = session.graph
    found = instances(graph)
    if not found:
        return []
    node = graph.nodes[rng.choice(found)]
    others = [n for n in graph.of_op(node.op) if n != node.id]
    if not others:
        return []
    session.do(edits.set_options(graph, node.id, {TIED: rng.choice(others)}), "Tie")
    tied = [n for n in graph.nodes if graph.nodes[n].options.get(TIED)]
    return [node.id, *tied]


def untie(rng: random.Random, session: Session) -> list[str]:
    graph = session.graph
    tied = [n for n in graph.nodes if graph.nodes[n].options.get(TIED)]
    if tied:
        session.do(edits.set_options(graph, rng.choice(tied), {TIED: ""}), "Untie")
    return []


CHANGES = (group, unpack, remove_owner, tie, untie)


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_no_value_changes_that_should_not(
    change: Callable[[random.Random, Session], list[str]],
) -> None:
    done = 0
    for seed in SEEDS:
        session, rng = Session(random_network(seed)), random.Random(seed)
        for _ in range(2):
            start, before = files.canonical_bytes(session.root), values_of(session)
            steps = len(session.history.labels)
            changed = change(rng, session)
            untouched(session, before, changed)
            after, later = values_of(session), files.canonical_bytes(session.root)
            if len(session.history.labels) == steps:
                continue
            done += 1
            session.history.undo()
            assert files.canonical_bytes(session.root) == start
            untouched(session, before)
            session.history.redo()
            assert files.canonical_bytes(session.root) == later
            untouched(session, after)
    assert done > len(SEEDS) / 2


@pytest.mark.parametrize("change", (group, unpack, untie), ids=lambda c: c.__name__)
def test_changes_inside_a_module_change_no_value_of_any_instance(
    change: Callable[[random.Random, Session], list[str]],
) -> None:
    done = 0
    for seed in SEEDS:
        session, rng = Session(random_network(seed, (3,))), random.Random(seed)
        found = [
            n for n in instances(session.root) if len(instances(session.root.op(n).definition))
        ]
        if not found or not session.enter(rng.choice(found)):
            continue
        first, second = instances(session.graph)
        if change is untie:
            session.do(edits.set_options(session.graph, second, {TIED: first}), "Tie")
        start, before = files.canonical_bytes(session.root), values_of(session)
        steps = len(session.history.labels)
        change(rng, session)
        if len(session.history.labels) == steps:
            continue
        done += 1
        untouched(session, before)
        session.history.undo()
        assert files.canonical_bytes(session.root) == start
        untouched(session, before)
    assert done > 3


def test_an_heir_has_the_sizes_and_the_start_of_the_one_it_was_tied_to() -> None:
    graph = Graph()
    edits.add_node(graph, "input", "x", value=np.ones((2, 3)))[0].apply(graph)
    made = []
    for units in (4, 9):
        edit, node_id = add_module(graph, "Dense", examples.modules()["Dense"])
        edit.apply(graph)
        edits.set_options(graph, node_id, {"units": units}).apply(graph)
        edits.connect("n1", node_id, "x").apply(graph)
        made.append(node_id)
    owner, heir = made
    edits.set_options(graph, heir, {TIED: owner}).apply(graph)
    before = Session(graph).evaluation.values[heir]
    assert before.shape == (2, 4)
    for edit in (unpack_module(graph, owner)[0], edits.remove_nodes(graph, [owner])):
        changed = graph.copy()
        edit.apply(changed)
        assert changed.nodes[heir].options == {"units": 4, TIED: ""}
        assert (Session(changed).evaluation.values[heir] == before).all()


def tied_pair() -> tuple[Session, list[str], np.ndarray]:
    """x of ones, a Dense that reads it and two more of other sizes that are tied to it."""
    graph, made = Graph(), list[str]()
    edits.add_node(graph, "input", "x", value=np.ones((2, 3)))[0].apply(graph)
    for units in (4, 9, 9):
        edit, node_id = add_module(graph, "Dense", examples.modules()["Dense"])
        edit.apply(graph)
        owner = made[0] if made else ""
        edits.set_options(graph, node_id, {"units": units, TIED: owner}).apply(graph)
        edits.connect("n1", node_id, "x").apply(graph)
        made.append(node_id)
    session = Session(graph)
    return session, made, session.evaluation.values[made[0]]


def test_tied_copies_take_their_values_into_another_document() -> None:
    session, (_, *tied), value = tied_pair()
    part = edits.subgraph(session.root, ["n1", *tied], session.drawn)
    empty, stranger = Graph(), tied_pair()[0].root
    stranger.put("settings", "recipe", replace(stranger.recipe, seed=77))
    for other in (empty, stranger):
        edit, ids = edits.insert(other, files.from_text(files.to_text(part)))
        edit.apply(other)
        heir, twin = (ids[n] for n in tied)
        assert other.nodes[heir].options == {"units": 4, TIED: ""}
        assert other.nodes[twin].options[TIED] == heir
        found = Session(other).evaluation.values
        assert (found[heir] == value).all() and (found[twin] == value).all()


def test_tied_copies_stay_tied_in_their_document() -> None:
    session, (first, *tied), _ = tied_pair()
    graph, held = session.root, dict(session.root.tensors)
    edit, ids = edits.insert(graph, edits.subgraph(graph, tied, session.drawn), same=True)
    edit.apply(graph)
    assert graph.nodes[ids[tied[0]]].options == {"units": 4, TIED: first}
    assert graph.nodes[ids[tied[1]]].options[TIED] == ids[tied[0]]
    assert graph.tensors.keys() == held.keys()


def test_the_check_sees_a_start_drawn_anew() -> None:
    session = Session(random_network(1))
    before = values_of(session)
    node_id = next(n for n in instances(session.root) if n in before)
    key = next(k for k in session.drawn if k.startswith(f"{node_id}.") and session.drawn[k].any())
    session.do(edits.set_tensor(key, session.drawn[key] * (1 + 1e-15)), "Draw")
    with pytest.raises(AssertionError):
        untouched(session, before)

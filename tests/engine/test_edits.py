"""Every edit has an inverse: undone to the start and redone to the end, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from documents import array, random_edit, tensor_edit

from app.history import History
from engine import edits, ops
from engine.compose import compose
from engine.edits import Batch, Put
from engine.files import canonical_bytes
from engine.graph import CycleError, Graph, GraphError, Node, Source, id_number
from engine.notes import add_note

EDITS = 60


def sound(graph: Graph) -> None:
    """The tables agree with each other and with the structure."""
    assert nx.is_directed_acyclic_graph(graph.structure)
    assert set(graph.structure) == set(graph.nodes)
    assert {(s, t, p) for s, t, p in graph.structure.edges(keys=True)} == {
        (k.source, k.target, k.port) for k in graph.all_links()
    }
    assert all(node.id == key for key, node in graph.nodes.items())
    assert len({node.name for node in graph.nodes.values()}) == len(graph.nodes)
    assert all(graph.id_of(node.name) == key for key, node in graph.nodes.items())
    place = {node: index for index, node in enumerate(graph.order())}
    assert all(place[link.source] < place[link.target] for link in graph.all_links())


def sequence(seed: int, history_type: type[History] = History) -> int:
    """Random edits with undo and redo among them, then drained to both ends.

    Compares the document's bytes at every position with those it had when it was first there, and
    returns how many comparisons it made.
    """
    rng = random.Random(seed)
    history = history_type(Graph())
    seen, at, compared = [canonical_bytes(history.graph)], 0, 0
    saved: bytes | None = seen[0]

    def compare() -> None:
        nonlocal compared
        now = canonical_bytes(history.graph)
        assert now == seen[at]
        assert not history.is_saved or now == saved
        compared += 1

    for _ in range(EDITS):
        choice = rng.random()
        if choice < 0.12 and history.undo() is not None:
            at -= 1
        elif choice < 0.2 and history.redo() is not None:
            at += 1
        elif choice < 0.24:
            history.mark_saved()
            saved = canonical_bytes(history.graph)
        else:
            values = np.zeros(())
            try:
                if rng.random() < 0.15:
                    edit, values = tensor_edit(rng, history.graph)
                else:
                    edit = random_edit(rng, history.graph)
                history.do(edit, "edit")
            except GraphError:
                compare()
                continue
            values[...] = 0  # whoever gave the values goes on using the array, as training does
            at += 1
            del seen[at:]
            seen.append(canonical_bytes(history.graph))
            assert history.redo() is None
        compare()
    sound(history.graph)
    while history.undo() is not None:
        at -= 1
        compare()
    assert at == 0
    sound(history.graph)
    while history.redo() is not None:
        at += 1
        compare()
    assert at == len(seen) - 1
    sound(history.graph)
    return compared


def test_edits_undo_and_redo_to_identical_bytes() -> None:
    assert sum(sequence(seed) for seed in range(120)) > 10_000


@pytest.mark.slow
def test_edits_undo_and_redo_to_identical_bytes_long() -> None:
    compared = sum(sequence(seed) for seed in range(1_000, 3_000))
    print(f"\n2,000 sequences, {compared:,} comparisons")


def _forgets(table: str) -> Callable[[Put, Graph], Put]:
    def apply(self: Put, graph: Graph) -> Put:
        old = graph.put(self.table, self.key, self.value)
        return Put(self.table, self.key, None if self.table == table else old)

    return apply


def _unreversed(self: Batch, graph: Graph) -> Batch:
    return Batch(tuple(edit.apply(graph) for edit in self.edits))


def _half_done(self: Batch, graph: Graph) -> Batch:
    return Batch(tuple(reversed([edit.apply(graph) for edit in self.edits])))


class RedoKept(History):
    """Forgets to drop what was undone when something new is done."""

    def do(self, edit: edits.Edit, label: str, gesture: object | None = None) -> None:
        kept = list(self._undone)
        super().do(edit, label, gesture)
        self._undone += kept


class SavedKept(History):
    """Takes the step that stands where the saved one stood for it."""

    @property
    def is_saved(self) -> bool:
        return len(self._done) == getattr(self, "_count", 0)

    def mark_saved(self) -> None:
        self._count = len(self._done)
        super().mark_saved()


PLANTED = {
    "links lost": (Put, "apply", _forgets("links")),
    "parameters lost": (Put, "apply", _forgets("tensors")),
    "nodes lost": (Put, "apply", _forgets("nodes")),
    "order of inverses": (Batch, "apply", _unreversed),
    "half a batch": (Batch, "apply", _half_done),
    "stale reference": (edits, "set_tensor", lambda key, value: Put("tensors", key, value)),
    "redo kept": RedoKept,
    "saved mark kept": SavedKept,
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_defects_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PLANTED[name]
    history = planted if isinstance(planted, type) else History
    if isinstance(planted, tuple):
        monkeypatch.setattr(*planted)
    with pytest.raises((AssertionError, GraphError, KeyError)):
        for seed in range(50):
            sequence(seed, history)


# ------------------------------------------------------------ single edits


def chain(*ops_: str) -> Graph:
    graph = Graph()
    edits.add_node(graph, "input", "x", value=2.0)[0].apply(graph)
    for op in ops_:
        edit, node = edits.add_node(graph, op)
        edit.apply(graph)
        edits.connect(f"n{id_number(node) - 1}", node, graph.ports(node)[0]).apply(graph)
    return graph


def test_a_circle_is_refused_in_words_and_changes_nothing() -> None:
    graph = chain("sin", "add", "cos")
    before = canonical_bytes(graph)
    with pytest.raises(CycleError, match="already feeds") as caught:
        edits.connect("n4", "n2", "x").apply(graph)
    assert caught.value.path == ["n2", "n3", "n4"]
    with pytest.raises(CycleError, match="cannot feed itself"):
        edits.connect("n2", "n2", "x").apply(graph)
    assert canonical_bytes(graph) == before


def test_a_batch_that_fails_half_way_changes_nothing() -> None:
    graph = chain("sin")
    before = canonical_bytes(graph)
    with pytest.raises(GraphError, match="still has wires"):
        edits.batch(edits.rename(graph, "n2", "other"), Put("nodes", "n1", None)).apply(graph)
    assert canonical_bytes(graph) == before


def test_removing_a_node_takes_wires_tensors_output_and_loss_with_it() -> None:
    graph = chain("sin", "cos")
    edits.set_setting("output", "n3").apply(graph)
    edits.set_recipe(graph, loss="n3").apply(graph)
    before = canonical_bytes(graph)
    inverse = edits.remove_nodes(graph, ["n1", "n3", "n9"]).apply(graph)
    assert list(graph.nodes) == ["n2"] and not graph.links and not graph.tensors
    assert graph.settings["output"] == "" and graph.recipe.last.loss == ""
    inverse.apply(graph)
    assert canonical_bytes(graph) == before


def test_pasting_keeps_wires_values_and_gives_free_names() -> None:
    graph = chain("sin")
    edit, ids = edits.insert(graph, edits.subgraph(graph, ["n1", "n2"]), (10.0, 0.0))
    edit.apply(graph)
    assert ids == {"n1": "n3", "n2": "n4"}
    assert graph.links[("n4", "x")] == "n3" and graph.tensors["n3"] == 2.0
    assert graph.name("n3") == "x1" and graph.nodes["n3"].x == 10.0


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint16", ">f8", ">i4"])
def test_other_dtypes_are_widened_without_loss(dtype: str) -> None:
    graph = chain()
    given = np.array([[0, 1], [2, 3]], dtype)
    edits.set_tensor("n1", given.T).apply(graph)
    held = graph.tensors["n1"]
    assert held.dtype.isnative and held.flags.c_contiguous and not held.flags.writeable
    assert (held == given.T).all()


@pytest.mark.parametrize("value", [1j, "text", [None], np.uint64(2**63), np.longdouble(1)])
def test_what_a_file_cannot_hold_is_refused_at_once(value: object) -> None:
    with pytest.raises(GraphError, match="numbers"):
        edits.set_tensor("n1", value)


def test_values_no_file_could_hold_are_refused_in_every_table() -> None:
    graph = chain("leaky_relu", "concat")
    for edit in (
        edits.set_setting("title", "half \ud800 a pair"),
        edits.set_literal(graph, "n2", "x", 10**400),
        edits.set_options(graph, "n2", {"slope": 10**400}),
        edits.set_literal(graph, "n3", "xs0x", 1.0),
        edits.set_recipe(graph, settings={"momentum": "fast"}),
        edits.set_recipe(graph, epochs=2.5),
        Put("tensors", "../x", array(random.Random(0))),
        Put("tensors", "a..b", array(random.Random(0))),
    ):
        before = canonical_bytes(graph)
        with pytest.raises(GraphError):
            edit.apply(graph)
        assert canonical_bytes(graph) == before


def test_pasted_data_nodes_read_their_own_data() -> None:
    def document(rows: list[float]) -> Graph:
        graph = Graph()
        graph.put("sources", "table", Source())
        graph.put("tensors", "table.x", np.array(rows))
        graph.put("nodes", "n1", Node("n1", "data", "x", {"source": "table", "field": "x"}))
        return graph

    graph, other = document([1.0, 2.0]), document([9.0, 9.0])
    for part, wanted in ((other, "table_2"), (document([1.0, 2.0]), "table")):
        edit, ids = edits.insert(graph, part)
        edit.apply(graph)
        assert graph.nodes[ids["n1"]].options["source"] == wanted
    assert graph.tensors["table_2.x"].tolist() == [9.0, 9.0] and len(graph.sources) == 2


def test_every_row_of_the_palette_can_be_placed() -> None:
    """Once the rows with a required option could not: nothing had said what it begins with."""
    for rows in ops.DRAWERS.values():
        for row in rows:
            graph = Graph()
            edit, node = edits.add_node(graph, row.name)
            edit.apply(graph)
            assert set(graph.nodes[node].options) == set(row.option_names), row.name


def test_pasting_leaves_the_notes_in_a_module_that_is_here_already() -> None:
    graph, definition = Graph(), compose("y = sin(x)", default=0.5)
    edits.Put("modules", "Wave", definition).apply(graph)
    edits.add_node(graph, "Wave", "first")[0].apply(graph)
    part = edits.subgraph(graph, ["n1"])
    noted = definition.copy()
    add_note(noted, text="mind the phase")[0].apply(noted)
    graph.put("modules", "Wave", noted)
    edit, _ = edits.insert(graph, part)
    edit.apply(graph)
    assert list(graph.modules) == ["Wave"] and graph.modules["Wave"] is noted

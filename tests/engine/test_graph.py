"""The document keeps itself sound: what is refused is refused in words and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

from engine.compose import compose
from engine.edits import add_node, insert
from engine.graph import CycleError, Graph, GraphError, Link, Node, Note, Recipe, Source, Stage
from engine.notes import add_note


@pytest.fixture
def graph() -> Graph:
    return compose("a = sin(x)\nb = a * 2\nc = b + a\nd = c * c", {"x": 1.0})


def state(graph: Graph) -> tuple[Any, ...]:
    return (
        dict(graph.nodes), dict(graph.links), dict(graph.tensors), dict(graph.settings),
        sorted(graph.structure.edges(keys=True)), list(graph.order()),
    )  # fmt: skip


def refused(graph: Graph, table: Any, key: Any, value: Any) -> str:
    before = state(graph)
    with pytest.raises(GraphError) as caught:
        graph.put(table, key, value)
    assert state(graph) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_cycle_is_refused_with_its_path(graph: Graph) -> None:
    a, b, d = (graph.id_of(n) for n in "abd")
    message = refused(graph, "links", (a, "x"), d)
    assert message.startswith("d → a would close a circle: a already feeds d (a → ")
    assert message.endswith("→ d); a value cannot depend on itself")
    with pytest.raises(CycleError) as caught:
        graph.put("links", (a, "x"), b)
    assert [graph.name(n) for n in caught.value.path] == ["a", "b"]
    assert refused(graph, "links", (a, "x"), a) == "a cannot feed itself"


def test_cycles_against_a_plain_search(grow_program: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        program = grow_program(seed, 15)
        graph = compose(program.text, program.inputs)
        nodes = [n for n in graph.nodes if not graph.op(n).is_source]
        for _ in range(60):
            source, target = (str(n) for n in rng.choice(nodes, 2))
            port = graph.ports(target)[0]
            plain = nx.DiGraph((k.source, k.target) for k in graph.all_links())
            closes = source == target or (
                target in plain and source in plain and nx.has_path(plain, target, source)
            )
            if rng.random() < 0.5:
                graph.order()  # the known order is a short cut: both ways must agree
            try:
                graph.put("links", (target, port), source)
            except CycleError:
                assert closes
            else:
                assert not closes
                position = {n: i for i, n in enumerate(graph.order())}
                assert all(position[k.source] < position[k.target] for k in graph.all_links())


def test_a_cycle_let_through_is_noticed(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect."""
    monkeypatch.setattr(Graph, "check_cycle", lambda self, source, target: None)
    with pytest.raises(pytest.fail.Exception):
        refused(graph, "links", (graph.id_of("a"), "x"), graph.id_of("d"))


@pytest.mark.parametrize(
    ("table", "key", "value", "part"),
    [
        ("nodes", "n9", Node("n9", "sinn", "z"), "no operator 'sinn'"),
        ("nodes", "n9", Node("n8", "sin", "z"), "not a node id"),
        ("nodes", "9", Node("9", "sin", "z"), "not a node id"),
        ("nodes", "n9", Node("n9", "sin", "a"), "the name a is taken"),
        ("nodes", "n9", Node("n9", "sin", "2z"), "not a name"),
        ("nodes", "n9", Node("n9", "sin", "z z"), "not a name"),
        ("nodes", "n9", Node("n9", "sin", "z" * 81), "not a name"),
        ("nodes", "n9", Node("n9", "sin", "z", {"o": 1}), "sin has no option 'o'"),
        ("nodes", "n9", Node("n9", "sum", "z", {"axis": "0"}), "axis of sum is an axis"),
        ("nodes", "n9", Node("n9", "reshape", "z", {}), "reshape needs shape"),
        ("nodes", "n9", Node("n9", "add", "z", {}, {"q": 1.0}), "add has no port 'q'"),
        ("nodes", "n9", Node("n9", "add", "z", {}, {"a": "1"}), "takes a number"),
        ("nodes", "n9", Node("n9", "sin", "z", x=float("nan")), "outside the canvas"),
        ("nodes", "n9", Node("n9", "sin", "z", x=1e12), "outside the canvas"),
        ("nodes", "n2", None, "still has wires"),
        ("links", ("n2", "x"), "n99", "there is no node n99"),
        ("links", ("n99", "x"), "n1", "there is no node n99"),
        ("links", ("n2", "q"), "n1", "a has no port 'q'"),
        ("tensors", "n1", np.array(["a"]), "real numbers"),
        ("tensors", "n1", np.array([1j]), "real numbers"),
        ("tensors", "../x", np.zeros(1), "key of a tensor"),
        ("settings", "dtype", "float16", "float64 or float32"),
        ("settings", "nonsense", "x", "no document setting"),
        ("settings", "title", 3, "title is a str"),
        ("settings", "recipe", Recipe((Stage(learning_rate=-1.0),)), "learning rate"),
        ("settings", "recipe", Recipe((Stage(epochs=-1),)), "whole numbers of 0 or more"),
        ("settings", "recipe", Recipe(seed=-1), "seed"),
        ("settings", "recipe", Recipe(()), "1 to 100 stages"),
        ("settings", "recipe", Recipe((Stage(frozen=("x y",)),)), "named by ids"),
        ("settings", "recipe", Recipe((Stage(frozen=("n1", "n1")),)), "stands there once"),
        ("settings", "recipe", Recipe((Stage(clip_norm=-1.0),)), "norm to clip at"),
        ("sources", "s", Source(options={"a b": 1.0}), "option"),
        ("sources", "a b", Source(), "not a name for data"),
        ("sources", "s", Source(validation=1.0), "held-out share"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_refusals(graph: Graph, table: str, key: Any, value: Any, part: str) -> None:
    assert part in refused(graph, table, key, value)


def test_a_row_cannot_change_under_its_wires(graph: Graph) -> None:
    node = graph.nodes[graph.id_of("b")]
    assert "which is wired" in refused(
        graph, "nodes", node.id, replace(node, op="sin", literals={})
    )


def test_ports_and_operands() -> None:
    graph = compose("y = concat(a, b, c)\nz = w * 3", default=1.0)
    y, z = graph.id_of("y"), graph.id_of("z")
    assert graph.ports(y) == ("xs0", "xs1", "xs2")
    assert graph.operand(z, "b") == 3.0
    graph.put("links", (y, "xs2"), None)
    assert graph.ports(y) == ("xs0", "xs1")
    graph.put("links", (z, "a"), None)
    assert graph.operand(z, "a") is None


def test_a_value_wired_twice_is_two_links(graph: Graph) -> None:
    d, c = graph.id_of("d"), graph.id_of("c")
    assert sorted(graph.links_of(d), key=lambda k: k.port) == [Link(c, d, "a"), Link(c, d, "b")]
    assert graph.ancestors(d) == {graph.id_of(n) for n in "xabc"}
    assert graph.descendants(graph.id_of("b")) == {c, d}


def test_the_output(graph: Graph) -> None:
    assert graph.name(graph.output()) == "d"
    graph.put("settings", "output", "")
    assert graph.name(graph.output()) == "d"
    graph.put("settings", "recipe", Recipe((Stage(loss=str(graph.id_of("c"))),)))
    assert graph.name(graph.output()) == "c"
    graph.put("settings", "output", graph.id_of("b"))
    assert graph.name(graph.output()) == "b"
    assert Graph().output() is None


def test_new_names(graph: Graph) -> None:
    assert graph.new_name("z") == "z"
    assert graph.new_name("a") == "a1"
    assert graph.new_name() == "v1"
    assert graph.new_name("z", {"z"}) == "z1"
    assert graph.new_name("v", {"v1", "v2"}) == "v3"


def test_tensors_cannot_be_changed_from_outside(graph: Graph) -> None:
    mine = np.array([1.0, 2.0])
    graph.put("tensors", "n1", mine)
    mine[0] = 9.0
    assert graph.tensors["n1"].tolist() == [1.0, 2.0]
    with pytest.raises(ValueError):
        graph.tensors["n1"][0] = 5.0


def test_a_copy_is_independent(graph: Graph) -> None:
    before, other = state(graph), graph.copy()
    assert state(other) == before
    other.put("links", (graph.id_of("a"), "x"), None)
    other.put("nodes", "n50", Node("n50", "sin", "fresh"))
    assert state(graph) == before
    assert graph.id_of("fresh") is None


@pytest.mark.parametrize("name", ["lambda", "if", "µ"])
def test_a_name_that_no_formula_reads_is_refused(name: str) -> None:
    with pytest.raises(GraphError, match="cannot be read in a formula"):
        Graph().put("nodes", "n1", Node("n1", "input", name))


def test_a_last_id_that_is_taken_leaves_free_ids() -> None:
    graph = Graph()
    graph.put("nodes", "n999999999999", Node("n999999999999", "input", "last"))
    graph.put("notes", "f999999999999", Note("f999999999999"))
    for number in range(1, 4):
        edit, note_id = add_note(graph)
        edit.apply(graph)
        edit, node_id = add_node(graph, "input", f"x{number}")
        edit.apply(graph)
        assert (node_id, note_id) == (f"n{number}", f"f{number}")
    edit, ids = insert(graph, graph.copy())
    edit.apply(graph)
    assert set(ids.values()) == {f"{k}{n}" for k in "nf" for n in range(4, 8)}

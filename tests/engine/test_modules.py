"""Edits of modules: made of a selection, unpacked, redefined; numbers stay and undo brings all back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import edits, files, flatten
from engine.check import check_graph
from engine.compose import compose, place
from engine.evaluate import evaluate
from engine.examples import SHIPPED
from engine.graph import Graph, GraphError, Node, id_number
from engine.modules import add_module, make_module
from engine.records import Viewer
from engine.rewiring import add_dot, mute
from engine.starts import fresh_starts
from engine.unpacking import edit_module, unpack_module

PROGRAM = """
a = x @ W + b
h = tanh(a)
z = h @ V
J = sum((z - t)^2) + 0.1 * sum(a^2)
"""


def network() -> Graph:
    rng = np.random.default_rng(0)
    given = {
        "x": rng.normal(size=(4, 2)), "W": rng.normal(size=(2, 3)), "b": rng.normal(size=3),
        "V": rng.normal(size=(3, 1)), "t": rng.normal(size=(4, 1)),
    }  # fmt: skip
    graph = compose(PROGRAM, given)
    for name in "WbV":
        node = graph.nodes[str(graph.id_of(name))]
        options = {"shape": given[name].shape, "init": "normal"}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    return graph


def ids(graph: Graph, *names: str) -> list[str]:
    return [str(graph.id_of(n)) for n in names]


def layer(graph: Graph) -> list[str]:
    a = str(graph.id_of("a"))
    product = graph.links[a, "a"]
    return [*ids(graph, "W", "b", "a", "h"), product]


def numbers(graph: Graph) -> tuple[float, np.ndarray]:
    found = evaluate(graph)
    assert found.faults == {} and not found.waiting
    x = str(graph.id_of("x"))
    return float(found.values[str(graph.output())]), found.gradients[x]


def same(graph: Graph, other: Graph) -> None:
    value, gradient = numbers(graph)
    again, its = numbers(other)
    assert again == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(its, gradient, rtol=1e-12)


def test_a_selection_becomes_a_module_and_nodes_again() -> None:
    graph = network()
    before = files.canonical_bytes(graph)
    edit, instance = make_module(graph, layer(graph), "Layer", evaluate(graph).values)
    inverse = edit.apply(graph)
    same(network(), graph)
    assert graph.op(instance).inputs == ("x",)
    assert graph.nodes[instance].name == "layer"
    assert max(check_graph(graph).values()) < 1e-6
    # `a` is read outside too: a node that reads inside gives it
    assert graph.op(str(graph.id_of("a"))).reads_inside
    opened = evaluate(graph.modules["Layer"])
    assert opened.faults == {}

    back, made = unpack_module(graph, instance)
    undo = back.apply(graph)
    same(network(), graph)
    assert len(made) == 5
    assert sorted(n.op for n in graph.nodes.values()) == sorted(
        n.op for n in network().nodes.values()
    )
    undo.apply(graph)
    inverse.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_marks_and_viewers_go_into_a_module_and_come_back() -> None:
    graph = network()
    inside, (z, x) = layer(graph), ids(graph, "z", "x")
    a, h = ids(graph, "a", "h")
    edits.set_setting("bookmarks", {"1": h, "2": z, "3": a}).apply(graph)
    edits.set_setting("breakpoints", tuple(sorted((a, z), key=id_number))).apply(graph)
    pinned = {"v1": Viewer(a, "gradient", "heat_map"), "v2": Viewer(z), "v3": Viewer(h)}
    edits.set_setting("viewers", pinned).apply(graph)
    before = files.canonical_bytes(graph)
    edit, instance = make_module(graph, inside, "Layer")
    inverse = edit.apply(graph)
    made = files.canonical_bytes(graph)
    inner = graph.modules["Layer"]
    assert inner.settings["bookmarks"] == {"1": h, "3": a} and inner.settings["breakpoints"] == (a,)
    assert (inner.name(a), inner.name(h)) == ("a", "h")
    assert graph.settings["bookmarks"] == {"2": z} and graph.settings["breakpoints"] == (z,)
    moved = {k: v.node for k, v in graph.settings["viewers"].items()}
    assert moved == {"v1": f"{instance}.{a}", "v2": z, "v3": f"{instance}.{h}"}
    assert graph.settings["viewers"]["v1"].kind == "heat_map"
    assert files.from_bytes(made).settings["viewers"] == graph.settings["viewers"]

    # what is set on the instance and on a port goes to what stands there afterwards
    port = str(inner.id_of("x"))
    whole = graph.copy()
    edits.set_setting("bookmarks", {"1": x, "2": z, "4": instance}).apply(whole)
    edits.set_setting(
        "viewers", {**graph.settings["viewers"], "v4": Viewer(f"{instance}.{port}")}
    ).apply(whole)
    edit, _ = unpack_module(whole, instance)
    edit.apply(whole)
    new_a, new_h = ids(whole, "a", "h")
    assert whole.settings["bookmarks"] == {"1": x, "2": z, "3": new_a, "4": new_h}
    assert whole.settings["viewers"]["v4"].node == x

    back, _ = unpack_module(graph, instance)
    undo = back.apply(graph)
    a, h, z = ids(graph, "a", "h", "z")
    assert graph.settings["bookmarks"] == {"1": h, "2": z, "3": a}
    assert graph.settings["breakpoints"] == tuple(sorted((a, z), key=id_number))
    assert graph.settings["viewers"] == {
        k: replace(v, node=n) for (k, v), n in zip(pinned.items(), (a, z, h), strict=True)
    }
    undo.apply(graph)
    assert files.canonical_bytes(graph) == made
    inverse.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_viewers_deep_inside_follow_the_modules_around_them() -> None:
    graph = network()
    inside = layer(graph)
    edit, outer = make_module(graph, inside, "Layer")
    edit.apply(graph)
    deep = f"{outer}.{inside[2]}"
    edits.set_setting("viewers", {"v1": Viewer(deep)}).apply(graph)
    before = files.canonical_bytes(graph)
    edit, instance = make_module(graph, [outer], "Around")
    inverse = edit.apply(graph)
    assert graph.settings["viewers"]["v1"].node == f"{instance}.{deep}"
    edit, _ = unpack_module(graph, instance)
    undo = edit.apply(graph)
    (again,) = graph.of_op("Layer")
    assert graph.settings["viewers"]["v1"].node == f"{again}.{inside[2]}"
    undo.apply(graph)
    inverse.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_a_selection_that_would_feed_itself_is_refused() -> None:
    graph = network()
    with pytest.raises(GraphError, match=r"h stands between .* select it as well"):
        make_module(graph, ids(graph, "a", "z"), "Odd")
    with pytest.raises(GraphError, match="select at least one operator"):
        make_module(graph, ids(graph, "x", "W"), "Nothing")
    edit, _ = make_module(graph, ids(graph, "h"), "Act")
    edit.apply(graph)
    with pytest.raises(GraphError, match="there is a module Act already"):
        make_module(graph, ids(graph, "z"), "Act")


def test_the_output_and_the_loss_follow_into_a_module() -> None:
    graph = network()
    edits.set_recipe(graph, loss=str(graph.id_of("J"))).apply(graph)
    rest = [n for n in graph.nodes if not graph.op(n).is_source]
    edit, instance = make_module(graph, rest, "All")
    edit.apply(graph)
    assert graph.settings["output"] == graph.recipe.last.loss == instance
    same(network(), graph)
    back, _ = unpack_module(graph, instance)
    back.apply(graph)
    assert graph.recipe.last.loss == graph.settings["output"] == str(graph.id_of("J"))
    same(network(), graph)


def test_literals_at_ports_survive() -> None:
    graph = network()
    edit, _ = make_module(graph, ids(graph, "h"), "Act")
    edit.apply(graph)
    second, other = add_module(graph, "Act", graph.modules["Act"])
    second.apply(graph)
    edits.set_literal(graph, other, graph.op(other).inputs[0], 0.5).apply(graph)
    assert evaluate(graph).values[other] == np.tanh(0.5)
    back, (made,) = unpack_module(graph, other)
    back.apply(graph)
    assert evaluate(graph).values[made] == np.tanh(0.5)


def test_tied_instances_outlive_the_one_they_are_tied_to() -> None:
    graph = network()
    edit, instance = make_module(graph, layer(graph), "Layer")
    edit.apply(graph)
    graph.put("tensors", f"{instance}.{graph.modules['Layer'].id_of('W')}", np.full((2, 3), 0.5))
    tied = []
    for _ in range(2):
        more, node_id = add_module(graph, "Layer", graph.modules["Layer"])
        more.apply(graph)
        edits.set_options(graph, node_id, {"tied": instance}).apply(graph)
        edits.connect(str(graph.id_of("x")), node_id, "x").apply(graph)
        tied.append(node_id)
    before = evaluate(graph).values
    for change in (unpack_module(graph, instance)[0], edits.remove_nodes(graph, [instance])):
        changed = graph.copy()
        change.apply(changed)
        after = evaluate(changed)
        for node_id in tied:
            np.testing.assert_array_equal(after.values[node_id], before[node_id])
        assert changed.nodes[tied[1]].options["tied"] == tied[0]


def test_a_definition_is_edited_with_its_wires() -> None:
    graph = network()
    edit, instance = make_module(graph, layer(graph), "Layer")
    edit.apply(graph)
    changed = graph.modules["Layer"].copy()
    port = str(changed.id_of("x"))
    edits.rename(changed, port, "features").apply(changed)
    changed.put("settings", "sizes", {"units": 3})
    edit_module(graph, "Layer", changed).apply(graph)
    assert graph.links[instance, "features"] == graph.id_of("x")
    assert graph.nodes[instance].options["units"] == 3
    same(network(), graph)
    without = changed.copy()
    gone = [n for n in without.nodes if without.name(n) not in ("features", "h", "a")]
    edits.remove_nodes(without, gone).apply(without)
    edits.connect(port, str(without.id_of("a")), "a").apply(without)
    edits.set_literal(without, str(without.id_of("a")), "b", 1.0).apply(without)
    edit_module(graph, "Layer", without).apply(graph)
    assert [k for k in graph.tensors if k.startswith(f"{instance}.")] == []


def test_equal_modules_are_one_and_others_are_numbered() -> None:
    graph = network()
    make_module(graph, layer(graph), "Layer")[0].apply(graph)
    definition = graph.modules["Layer"]
    add_module(graph, "Layer", definition.copy())[0].apply(graph)
    assert set(graph.modules) == {"Layer"}
    changed = definition.copy()
    changed.put("settings", "about", "Another one.")
    add_module(graph, "Layer", changed)[0].apply(graph)
    assert set(graph.modules) == {"Layer", "Layer_2"}


def nested() -> tuple[Graph, str, str]:
    """The network with its layer as a module, its instance, and a twin of it that is read too."""
    graph = network()
    edit, instance = make_module(graph, layer(graph), "Layer", evaluate(graph).values)
    edit.apply(graph)
    node = graph.nodes[instance]
    options = {**node.options, "tied": instance}
    graph.put("nodes", "n90", replace(node, id="n90", name="twin", options=options))
    graph.put("links", ("n90", "x"), graph.operand(instance, "x"))
    graph.put("nodes", "n91", Node("n91", "sum", "K"))
    graph.put("links", ("n91", "x"), "n90")
    total = Node("n92", "add", "total")
    graph.put("nodes", "n92", total)
    graph.put("links", ("n92", "a"), "n91")
    graph.put("links", ("n92", "b"), str(graph.id_of("J")))
    graph.put("settings", "output", "n92")
    return graph, instance, "n90"


def test_a_module_parts_from_ties_that_leave_it_and_takes_its_readers() -> None:
    for chosen in ("owner", "twin"):
        graph, owner, twin = nested()
        before, value = files.canonical_bytes(graph), numbers(graph)
        inside = [owner, *ids(graph, "z", "V")] if chosen == "owner" else [twin, "n91"]
        edit, _ = make_module(graph, inside, "Outer", evaluate(graph).values)
        inverse = edit.apply(graph)
        assert numbers(graph)[0] == pytest.approx(value[0], rel=1e-14)
        np.testing.assert_allclose(numbers(graph)[1], value[1], rtol=1e-12)
        inverse.apply(graph)
        assert files.canonical_bytes(graph) == before


def test_parameters_that_went_deep_inside_are_forgotten() -> None:
    graph = network()
    edit, instance = make_module(graph, layer(graph), "Layer", evaluate(graph).values)
    edit.apply(graph)
    edit, block = make_module(graph, [instance, *ids(graph, "z", "V")], "Block")
    edit.apply(graph)
    outer = graph.modules["Block"].copy()
    inner = outer.modules["Layer"].copy()
    gone = str(inner.id_of("b"))
    edits.remove_nodes(inner, [gone]).apply(inner)
    edit_module(outer, "Layer", inner).apply(outer)
    key = f"{block}.{instance}.{gone}"
    assert key in graph.tensors
    edit_module(graph, "Block", outer).apply(graph)
    assert key not in graph.tensors
    graph.put("tensors", key, np.zeros(3))  # as a file may have it
    edits.Batch(tuple(fresh_starts(graph))).apply(graph)
    assert key not in graph.tensors


def test_unpacked_nodes_stand_in_the_instances_place_and_cover_nothing() -> None:
    graph = network()
    place(graph, list(graph.nodes))
    edit, instance = make_module(graph, layer(graph), "Layer")
    edit.apply(graph)
    place(graph, list(graph.nodes))
    before, stood = files.canonical_bytes(graph), {n: graph.nodes[n] for n in graph.nodes}
    back, made = unpack_module(graph, instance)
    inverse = back.apply(graph)
    nodes = list(graph.nodes.values())
    for i, one in enumerate(nodes):
        for other in nodes[i + 1 :]:
            apart = abs(one.x - other.x) >= 128 or abs(one.y - other.y) >= 76
            assert apart, (one.name, other.name)
    assert min(graph.nodes[n].x for n in made) == stood[instance].x
    x = str(graph.id_of("x"))
    assert (graph.nodes[x].x, graph.nodes[x].y) == (stood[x].x, stood[x].y)  # to the left: stays
    inverse.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_the_name_given_to_an_instance_stays_its_results_name() -> None:
    graph = compose("d = Dense(x); L = sum(d)", {"x": [[1.0, 2.0]]}, modules=SHIPPED)
    back, _ = unpack_module(graph, str(graph.id_of("d")))
    value = evaluate(graph).values[str(graph.output())]
    back.apply(graph)
    assert graph.op(str(graph.id_of("d"))).definition is None
    assert evaluate(graph).values[str(graph.output())] == value


def test_nodes_that_read_inside_stand_on_free_ground() -> None:
    graph = compose("h = sin(x); g = 3 * x; J = h + g; K = exp(h)", {"x": 0.5})
    chosen = [n for n in graph.nodes if graph.name(n) in ("h", "g")]
    make_module(graph, chosen, "Two")[0].apply(graph)
    nodes = list(graph.nodes.values())
    for i, one in enumerate(nodes):
        assert not any(abs(one.x - o.x) < 128 and abs(one.y - o.y) < 76 for o in nodes[i + 1 :])


def read_inside() -> tuple[Graph, str, str]:
    """z = 3 h + y with h = exp(x), y = h^2 inside a module: its instance and the reader of h."""
    graph = compose("h = exp(x); y = square(h); z = 3 * h + y", {"x": 2.0})
    edit, instance = make_module(graph, ids(graph, "h", "y"), "M")
    edit.apply(graph)
    (reader,) = graph.of_op("output_of")
    return graph, instance, reader


def value_of_z(graph: Graph) -> float | None:
    found = evaluate(graph)
    z = str(graph.id_of("z"))
    return float(found.values[z]) if z in found.values else None


def dot_between(graph: Graph, reader: str) -> str:
    edit, dot = add_dot(graph, [(reader, "module")], (0.0, 0.0))
    edit.apply(graph)
    return dot


def muted(graph: Graph, *chosen: str) -> None:
    mute(graph, chosen).apply(graph)


def unpacked(graph: Graph, instance: str) -> Graph:
    """The document with an instance unpacked; taken back it is as it was."""
    before = files.canonical_bytes(graph)
    inverse = unpack_module(graph, instance)[0].apply(graph)
    again = graph.copy()
    inverse.apply(again)
    assert files.canonical_bytes(again) == before
    return graph


def test_unpacking_keeps_sizes_that_follow_what_comes_in() -> None:
    """Also where an input outside is called as the port inside, and has another width."""
    x, w = np.arange(8.0).reshape(4, 2) / 8, np.linspace(-1, 1, 12).reshape(2, 6)
    program = "h = x @ W; r = ResidualBlock(h, hidden=3); J = sum(r^2)"
    graph = compose(program, {"x": x, "W": w}, modules=SHIPPED)
    wanted = numbers(graph)
    while instances := [n for n in graph.nodes if graph.op(n).definition is not None]:
        unpacked(graph, instances[0])
        assert numbers(graph)[0] == pytest.approx(wanted[0], rel=1e-12)
    assert numbers(graph)[1] == pytest.approx(wanted[1], rel=1e-12)


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("reads_muted", [False, True])
def test_unpacking_keeps_what_is_read_inside(reads_muted: bool, dotted: bool) -> None:
    graph, instance, reader = read_inside()
    if reads_muted:
        muted(graph, reader)
    h = np.exp(2.0)
    wanted = 3 * (h**2 if reads_muted else h) + h**2
    dot = dot_between(graph, reader) if dotted else ""
    assert value_of_z(graph) == pytest.approx(wanted)
    unpacked(graph, instance)
    assert value_of_z(graph) == pytest.approx(wanted)
    assert not graph.of_op("output_of") and dot not in graph.nodes


def test_a_dot_that_others_read_stays_when_a_module_is_unpacked() -> None:
    graph, instance, reader = read_inside()
    dot = dot_between(graph, reader)
    z = str(graph.id_of("z"))
    graph.put("links", (z, "b"), dot)
    wanted = value_of_z(graph)
    assert wanted is not None
    unpacked(graph, instance)
    assert value_of_z(graph) == wanted and graph.links[z, "b"] == dot


def test_an_unpacked_muted_module_still_hands_on_its_operand() -> None:
    graph, instance, reader = read_inside()
    graph.put("links", (graph.links[str(graph.id_of("z")), "a"], "b"), instance)
    muted(graph, instance)
    assert value_of_z(graph) == 8.0
    assert "unmute m" in evaluate(graph).faults[reader]
    unpacked(graph, instance)
    assert value_of_z(graph) == 8.0


def test_a_node_inside_that_nothing_reads_does_not_become_the_output() -> None:
    graph, instance, reader = read_inside()
    z = str(graph.id_of("z"))
    graph.put("links", (graph.links[z, "a"], "b"), instance)
    edits.remove_nodes(graph, [reader]).apply(graph)
    muted(graph, instance)
    graph.put("settings", "output", "")
    assert graph.output() == z  # the newest that nothing reads
    unpacked(graph, instance)
    assert graph.output() == z


def test_a_muted_tied_module_has_nothing_inside() -> None:
    graph, owner, reader = read_inside()
    node = graph.nodes[owner]
    twin = replace(node, id="n90", name="twin", options={"tied": owner})
    graph.put("nodes", "n90", twin)
    graph.put("nodes", "n91", Node("n91", "input", "w"))
    graph.put("tensors", "n91", np.asarray(5.0))
    graph.put("links", ("n90", "x"), "n91")
    graph.put("links", (reader, "module"), "n90")
    assert evaluate(graph).values[reader] == pytest.approx(np.exp(5.0))
    muted(graph, "n90")
    found = evaluate(graph)
    assert reader not in found.values and "twin is muted" in found.faults[reader]


def test_a_reader_inside_goes_with_its_module_or_stays() -> None:
    graph, instance, reader = read_inside()
    dot = dot_between(graph, reader)
    z, product = ids(graph, "z")[0], graph.links[str(graph.id_of("z")), "a"]
    wanted = value_of_z(graph)
    with pytest.raises(GraphError, match=r"h reads inside m\w*; select it as well"):
        make_module(graph, [reader, product, z], "N")
    with pytest.raises(GraphError, match="as well"):
        make_module(graph, [reader, dot, product, z], "N")
    edit, outer = make_module(graph, [instance], "N")
    edit.apply(graph)
    assert value_of_z(graph) == wanted
    assert graph.modules["N"].nodes.keys() >= {instance, dot, reader}
    unpacked(graph, outer)
    assert value_of_z(graph) == wanted


def test_a_value_renamed_inside_is_read_through_a_dot() -> None:
    graph, _, reader = read_inside()
    dot_between(graph, reader)
    wanted = value_of_z(graph)
    definition = graph.modules["M"].copy()
    edits.rename(definition, str(definition.id_of("h")), "other").apply(definition)
    edit_module(graph, "M", definition).apply(graph)
    assert graph.nodes[reader].options["output"] == "other"
    assert value_of_z(graph) == wanted


def nest(levels: int, each: int) -> Graph:
    """Modules in modules, `each` instances a level, one after the other."""
    inner = compose("y = sin(x)", default=0.5)
    for _ in range(levels):
        outer = compose("y = sin(x)", default=0.5)
        outer.put("modules", "M", inner)
        for number in range(3, 3 + each):
            outer.put("nodes", f"n{number}", Node(f"n{number}", "M", f"m{number}"))
            outer.put("links", (f"n{number}", "x"), f"n{number - 1}")
        inner = outer
    return inner


def test_modules_in_modules_that_nobody_could_compute_are_refused() -> None:
    assert len(evaluate(nest(3, 6)).values) > 200
    with pytest.raises(GraphError, match=r"M is [\d,]+ steps with the modules inside it"):
        nest(8, 6)


def test_a_document_of_many_large_modules_says_where_it_grows_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flatten, "MAX_STEPS", 100)
    found = flatten.expand(nest(3, 6))
    assert 100 < len(found.nodes) < 110
    assert "the document is more than 100 steps before it" in next(iter(found.faults.values()))


def test_inputs_of_a_module_cover_nothing() -> None:
    """Two values that one node reads enter at two places."""
    graph = compose(
        "a = x @ W + b; y = tanh(a)", {"x": [[1.0, 2.0]], "W": [[1.0], [2.0]], "b": 0.5}
    )
    node = next(n.id for n in graph.nodes.values() if n.op == "matmul")
    edit, instance = make_module(graph, [node], "Times")
    edit.apply(graph)
    places = [(n.x, n.y) for n in graph.op(instance).definition.nodes.values()]
    assert len(places) == 3
    for i, (x, y) in enumerate(places):
        assert all(abs(x - u) >= 128 or abs(y - v) >= 76 for u, v in places[:i])

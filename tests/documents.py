"""Random documents and random edits of them, for tests that need many."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

from app.history import History
from engine import edits, notes, ops, rewiring
from engine.edits import Edit
from engine.graph import Graph, GraphError, Node, Note, OwnOperator, Recipe, Source, Stage, has_port
from engine.lesson import Step
from engine.records import Viewer

NUMBERS = (
    0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308,
    1e-05, 123456789.123456789, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
NAMES = ("x", "W1", "b", "größe", "ξ", "loss", "hidden_layer")
TEXTS = ("", "A title", 'quotes " and \\ and\nlines', "Grüße ∂J/∂x 🙂", "\x00\x7f\u2028")
ROWS = sorted(ops.TABLE)


def number(rng: random.Random) -> float:
    return rng.choice(NUMBERS) if rng.random() < 0.5 else rng.gauss(0, 1) * 10 ** rng.randint(-9, 9)


def array(rng: random.Random) -> np.ndarray[Any, Any]:
    shape = tuple(rng.randint(0, 4) for _ in range(rng.choice((0, 0, 1, 2, 2, 3))))
    dtype = rng.choice(("float64", "float64", "float32", "int64", "int32", "uint8", "bool"))
    count = int(np.prod(shape))
    if dtype.startswith("float"):
        with np.errstate(over="ignore", under="ignore"):
            flat = np.array([number(rng) for _ in range(count)], np.float64).astype(dtype)
    elif dtype == "bool":
        flat = np.array([rng.random() < 0.5 for _ in range(count)], bool)
    else:
        known = np.iinfo(dtype)
        flat = np.array([rng.randint(int(known.min), int(known.max)) for _ in range(count)], dtype)
    return flat.reshape(shape)


def option(rng: random.Random, known: Any) -> Any:
    match known.kind:
        case "float":
            return rng.choice((number(rng), rng.randint(-5, 5)))
        case "int":
            return rng.randint(-3, 3)
        case "bool":
            return rng.random() < 0.5
        case "axis":
            return rng.choice((None, 0, -1, (0, 1), (0,), ()))
        case "shape":
            return rng.choice(((), (2, 3), (-1,), ("features", 4)))
        case "choice":
            return rng.choice(known.choices)
    return rng.choice(TEXTS[:4])


def _node(rng: random.Random, graph: Graph) -> str:
    if not graph.nodes:
        raise GraphError("the document is empty")
    return rng.choice(sorted(graph.nodes))


def _add(rng: random.Random, graph: Graph) -> Edit:
    row = ops.TABLE[rng.choice(ROWS)]
    chosen = {o.name: option(rng, o) for o in row.options if o.required or rng.random() < 0.4}
    literals = {p: number(rng) for p in row.ports(2) if rng.random() < 0.3}
    at = (rng.uniform(-500, 500), rng.uniform(-500, 500))
    value = array(rng) if row.name in ops.HOLDS_TENSOR else None
    name = rng.choice((*NAMES, None))
    return edits.add_node(graph, row.name, name, chosen, literals, at, value)[0]


def _remove(rng: random.Random, graph: Graph) -> Edit:
    return edits.remove_nodes(graph, {_node(rng, graph) for _ in range(rng.randint(1, 3))})


def _connect(rng: random.Random, graph: Graph) -> Edit:
    target = _node(rng, graph)
    ports = graph.ports(target)
    if not ports:
        raise GraphError("a source has no port")
    return edits.connect(_node(rng, graph), target, rng.choice(ports))


def _disconnect(rng: random.Random, graph: Graph) -> Edit:
    if not graph.links:
        raise GraphError("there is no wire")
    return edits.disconnect(*rng.choice(sorted(graph.links)))


def _rename(rng: random.Random, graph: Graph) -> Edit:
    return edits.rename(graph, _node(rng, graph), rng.choice((*NAMES, "y2", "not a name")))


def _options(rng: random.Random, graph: Graph) -> Edit:
    node = _node(rng, graph)
    known = graph.op(node).options
    if not known:
        raise GraphError("no options")
    chosen = rng.choice(known)
    return edits.set_options(graph, node, {chosen.name: option(rng, chosen)})


def _literal(rng: random.Random, graph: Graph) -> Edit:
    node = _node(rng, graph)
    ports = [p for p in ("a", "b", "x", "xs0", "xs3") if has_port(graph.op(node), p)]
    value = rng.choice((number(rng), 3, None))
    return edits.set_literal(graph, node, rng.choice(ports or ["nowhere"]), value)


def _move(rng: random.Random, graph: Graph) -> Edit:
    nodes = {_node(rng, graph) for _ in range(3)}
    return edits.move(graph, {n: (rng.uniform(-9, 9), float(rng.randint(0, 9))) for n in nodes})


def _setting(rng: random.Random, graph: Graph) -> Edit:
    key = rng.choice(("title", "about", "dtype", "output"))
    if key == "dtype":
        return edits.set_setting(key, rng.choice(("float64", "float32", "float16")))
    if key == "output":
        return edits.set_setting(key, rng.choice(("", _node(rng, graph))))
    return edits.set_setting(key, rng.choice(TEXTS))


def _recipe(rng: random.Random, graph: Graph) -> Edit:
    loss, rate = _node(rng, graph), rng.random()
    return edits.set_recipe(
        graph, loss=loss, learning_rate=rate, settings={"momentum": number(rng)},
        batch_size=rng.randint(0, 99), epochs=rng.randint(0, 9), seed=rng.randint(-1, 2**40),
        frozen=(loss,), clip_norm=rate, formula=f"lr * {rate!r} ** t",
    )  # fmt: skip


def _source(rng: random.Random, graph: Graph) -> Edit:
    name = rng.choice(("digits", "iris"))
    if name in graph.sources and rng.random() < 0.4:
        return edits.set_source(name, None)
    source = Source(
        rng.choice(("table", "csv")), rng.choice(TEXTS), "y", "", rng.random() < 0.5,
        rng.choice((0, 0.25)), rng.randint(0, 9),
    )  # fmt: skip
    return edits.batch(edits.set_source(name, source), edits.set_tensor(f"{name}.x", array(rng)))


def _copy(rng: random.Random, graph: Graph) -> Edit:
    nodes = {_node(rng, graph) for _ in range(3)}
    return edits.insert(
        graph, edits.subgraph(graph, {*nodes, *list(graph.notes)[:1]}), (16.0, 16.0)
    )[0]


def _mute(rng: random.Random, graph: Graph) -> Edit:
    return rewiring.mute(graph, {_node(rng, graph) for _ in range(2)})


def _rewire(rng: random.Random, graph: Graph) -> Edit:
    nodes = {_node(rng, graph) for _ in range(2)}
    made = rng.choice((rewiring.taken_out, rewiring.dissolve))
    return made(graph, nodes)


def _dot(rng: random.Random, graph: Graph) -> Edit:
    if not graph.links:
        raise GraphError("there is no wire")
    wire = rng.choice(sorted(graph.links))
    return rewiring.add_dot(graph, [wire], (rng.uniform(-9, 9), 0.0))[0]


def _on_wire(rng: random.Random, graph: Graph) -> Edit:
    if not graph.links:
        raise GraphError("there is no wire")
    return rewiring.put_on_wire(graph, _node(rng, graph), rng.choice(sorted(graph.links)))


def _note(rng: random.Random, graph: Graph) -> Edit:
    choice = rng.random()
    if not graph.notes or choice < 0.5:
        fields = {
            "kind": rng.choice(("note", "frame")), "text": rng.choice(TEXTS),
            "colour": rng.choice(("", "blue", "pink", "red")), "x": rng.uniform(-99, 99),
            "y": float(rng.randint(-9, 9)), "width": rng.choice((24.0, 300.25, 3.0)),
        }  # fmt: skip
        return notes.add_note(graph, **fields)[0]
    note_id = rng.choice(sorted(graph.notes))
    if choice < 0.7:
        return notes.remove_notes([note_id])
    if choice < 0.85:
        return notes.move_notes(graph, {note_id: (rng.uniform(-9, 9), 4.0)})
    return notes.change_note(graph, note_id, text=rng.choice(TEXTS))


def _bookmark(rng: random.Random, graph: Graph) -> Edit:
    marks = {**graph.settings["bookmarks"], rng.choice("123x"): _node(rng, graph)}
    return edits.set_setting("bookmarks", marks)


def _told(rng: random.Random, graph: Graph) -> Edit:
    """A breakpoint, a derivative or a pinned viewer."""
    node_id = _node(rng, graph)
    choice = rng.randrange(3)
    if choice == 0:
        stops = {*graph.settings["breakpoints"]} ^ {node_id}
        return edits.set_setting("breakpoints", tuple(sorted(stops, key=lambda n: int(n[1:]))))
    if choice == 1:
        known = graph.settings["derivatives"]
        return edits.set_setting("derivatives", {**known, node_id: (_node(rng, graph), "n1")})
    viewer = Viewer(node_id, rng.choice(("value", "gradient", "loss")), rng.choice(("", "table")))
    viewers = {**graph.settings["viewers"], f"v{rng.randint(1, 3)}": viewer}
    return edits.set_setting("viewers", viewers)


def _two(rng: random.Random, graph: Graph) -> Edit:
    """Two at once: where the second is refused, the first has to be taken back."""
    return edits.batch(rng.choice(MAKERS[:-1])(rng, graph), rng.choice(MAKERS[:-1])(rng, graph))


MAKERS = (
    _add, _add, _add, _connect, _connect, _connect, _remove, _disconnect, _rename, _options,
    _literal, _move, _setting, _recipe, _source, _copy, _mute, _rewire, _dot,
    _on_wire, _note, _note, _bookmark, _told, _two,
)  # fmt: skip


def tensor_edit(rng: random.Random, graph: Graph) -> tuple[Edit, np.ndarray[Any, Any]]:
    """New values for a source node, and the array that holds them, which the caller may reuse."""
    holders = graph.of_op(*ops.HOLDS_TENSOR)
    if not holders:
        raise GraphError("nothing holds a tensor")
    values = array(rng)
    return edits.set_tensor(rng.choice(holders), values), values


def random_edit(rng: random.Random, graph: Graph) -> Edit:
    """An edit as a person might make it. It, or making it, may raise GraphError."""
    return rng.choice(MAKERS)(rng, graph)


def random_document(seed: int, size: int = 25) -> Graph:
    rng = random.Random(seed)
    history = History(Graph())
    for _ in range(rng.randint(0, size)):
        try:
            history.do(random_edit(rng, history.graph), "edit")
        except GraphError:
            pass
    return history.graph


PREVIEW = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""A PNG picture of one clear pixel."""


def sample() -> Graph:
    """The document that `files/format-6/sample.gloom` and `.json` hold: something of everything."""
    graph = sample_of_format_5()
    put = graph.put
    put("settings", "title", "Sample of format 6: größer, ∂J/∂x")
    put("settings", "panels", ("curves", "trace_table"))
    asked = Step(
        "ask", "The slope", "What is $\\frac{\\partial J}{\\partial x}$?", ("Größer.", "Go back."),
        "**Right.**", ("why",), "forward", node="block.k", of="gradient", index=(0, 1), tolerance=0.01,
    )  # fmt: skip
    waits = Step("do", goal="value", settings={"node": "J", "number": 0.1}, at="end")
    chosen = Step("choose", choices=("one", "two"), answer=1, replies=("Too few.", ""))
    put("settings", "lesson", (Step(text="Read this."), asked, waits, chosen))
    return graph


def sample_of_format_5() -> Graph:
    """The document that `files/format-5/sample.gloom` and `.json` hold."""
    graph = sample_of_format_4()
    put = graph.put
    put("settings", "title", "Sample of format 5: größer, ∂J/∂x")
    first = Stage(
        "warm up", "n5", ("n2", "n10.n2"), "adam", 0.001, {"beta1": 0.5}, "formula", {"gamma": 0.9},
        "lr / (1 + t)", True, 8, 3, 1.5, 0.25, 1e-4, 5, 1e-6,
    )  # fmt: skip
    put("settings", "recipe", Recipe((first, *graph.recipe.stages), 7))
    options = {"noise": 0.1, "count": 200.0, "label": "größer"}
    put("sources", "toy", Source("toy", "spiral", shuffle=False, options=options))
    return graph


def sample_of_format_4() -> Graph:
    """The document that `files/format-4/sample.gloom` and `.json` hold."""
    graph = sample_of_format_3()
    put = graph.put
    put("settings", "title", "Sample of format 4: größer, ∂J/∂x")
    put("settings", "breakpoints", ("n3", "n8"))
    put("settings", "derivatives", {"n5": ("n8", "n3")})
    options = {"scale": 1.5, "caption": "größer"}
    viewers = {"v1": Viewer("n3"), "v12": Viewer("n14", "gradient", "heat_map", options)}
    put("settings", "viewers", viewers)
    inner = graph.modules["Outer"].copy()
    inner.put("settings", "breakpoints", ("n3",))
    put("modules", "Outer", inner)
    return graph


def sample_of_format_3() -> Graph:
    """The document that `files/format-3/sample.gloom` and `.json` hold."""
    graph = sample_of_format_2()
    put = graph.put
    put("settings", "title", "Sample of format 3: größer, ∂J/∂x")
    put("settings", "bookmarks", {"1": "n3", "9": "n8"})
    put("nodes", "n4", replace(graph.nodes["n4"], muted=True))
    put("nodes", "n14", Node("n14", "reroute", "dot", {}, {}, 700.0, -40.5))
    put("links", ("n14", "x"), "n5")
    put("notes", "f1", Note("f1", "frame", "The layer", "violet", -20.0, -40.0, 700.5, 300.0))
    put("notes", "f3", Note("f3", "note", "$\\frac{x}{2}$ größer\n🙂", "", 1e-05, 420.0))
    inner = graph.modules["Outer"].copy()
    inner.put("notes", "f1", Note("f1", "note", "inside"))
    inner.put("settings", "bookmarks", {"2": "n3"})
    inner.put("nodes", "n3", replace(inner.nodes["n3"], muted=True))
    put("modules", "Outer", inner)
    return graph


def sample_of_format_2() -> Graph:
    """The document that `files/format-2/sample.gloom` and `.json` hold."""
    graph = sample_of_format_1()
    put = graph.put
    put("settings", "title", "Sample of format 2: größer, ∂J/∂x")
    put("settings", "sizes", {"hidden": 3})
    put(
        "operators",
        "gate",
        OwnOperator("gate", "x * sigmoid(beta * x)", "Größer.", {"beta": 1.5}),
    )
    put("nodes", "n13", Node("n13", "gate", "smooth", {"beta": 0.1}, {"x": -0.5}, 9.0, 300.0))
    module, inner = Graph(), Graph()
    for part, node_id in ((module, "n3"), (inner, "n3")):
        part.put("settings", "sizes", {"units": 2})
        part.put("nodes", "n1", Node("n1", "input", "input"))
        part.put("tensors", "n1", np.array([0.5, -0.0]))
        part.put(
            "nodes", "n2", Node("n2", "parameter", "k", {"shape": ("units",), "init": "normal"})
        )
        part.put("nodes", node_id, Node(node_id, "maximum", "higher"))
        part.put("links", (node_id, "a"), "n1")
        part.put("links", (node_id, "b"), "n2")
    module.put("modules", "Inner", inner)
    module.put("nodes", "n4", Node("n4", "Inner", "within", {"units": 2, "tied": ""}))
    module.put("links", ("n4", "input"), "n3")
    put("modules", "Outer", module)
    put("nodes", "n11", Node("n11", "Outer", "first", {"units": 2, "tied": ""}, {}, 0.0, 300.0))
    put(
        "nodes", "n12", Node("n12", "Outer", "second", {"units": 2, "tied": "n11"}, {"input": 0.25})
    )
    put("links", ("n11", "input"), "n7")
    put("tensors", "n11.n2", np.array([1.5, -2.5]))
    put("tensors", "n11.n4.n2", np.array([0.125, np.nan]))
    return graph


def _recipe_of_format_1() -> Recipe:
    stage = Stage("", "n8", (), "momentum", 0.05, {"momentum": 0.9}, batch_size=16, epochs=30)
    return Recipe((stage,), 7)


def sample_of_format_1() -> Graph:
    """The document that `files/format-1/sample.gloom` and `.json` hold.

    A sample that was released is never made again; a new version of the format gets a new folder.
    """
    graph = Graph()
    put = graph.put
    put("settings", "title", "Sample of format 1: größer, ∂J/∂x")
    put("settings", "about", 'Two lines,\nand "quotes".')
    put("settings", "output", "n8")
    put("settings", "recipe", _recipe_of_format_1())
    put("sources", "points", Source("table", "", "y", "", True, 0.25, 3))
    put("sources", "file", Source("csv", "data/points.csv", "class", "sha256:00", False, 0.0, 0))
    nodes = (
        Node("n1", "data", "X", {"source": "points", "field": "x"}, {}, 0.0, 0.0),
        Node("n2", "parameter", "W", {"shape": (2, 3), "init": "given"}, {}, 0.0, 120.5),
        Node("n3", "matmul", "z", {}, {}, 200.0, 0.0),
        Node("n4", "leaky_relu", "größe", {"slope": 0.01}, {}, 400.0, 0.0),
        Node("n5", "sum", "s", {"axis": (0, 1), "keepdims": False}, {}, 600.0, 0.0),
        Node("n6", "mul", "v1", {}, {"b": -0.0}, 800.0, -1e-05),
        Node("n7", "constant", "c", {}, {}, 600.0, 100.0),
        Node("n8", "add", "J", {}, {"b": float("inf")}, 1000.0, 0.0),
        Node("n10", "concat", "both", {"axis": 0}, {"xs2": 5e-324}, 1000.0, 200.0),
    )
    for node in nodes:
        put("nodes", node.id, node)
    for source, target, port in (
        ("n1", "n3", "a"), ("n2", "n3", "b"), ("n3", "n4", "x"), ("n4", "n5", "x"),
        ("n5", "n6", "a"), ("n6", "n8", "a"), ("n2", "n10", "xs0"), ("n2", "n10", "xs1"),
    ):  # fmt: skip
        put("links", (target, port), source)
    put("tensors", "n2", np.array([[0.1, -0.0, 5e-324], [1 / 3, np.inf, -1e308]]))
    put("tensors", "n7", np.array(np.nan, np.float32))
    put("tensors", "points.x", np.arange(8, dtype=np.int32).reshape(4, 2))
    put("tensors", "points.y", np.array([True, False, True, False]))
    put("tensors", "file.x", np.zeros((0, 3), np.uint8))
    put("tensors", "file.y", np.array([2**62, -1], np.int64))
    return graph

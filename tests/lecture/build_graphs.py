"""Builds the examples of graphs, of passes and of derivatives: M01 to M06, M11, the gallery of M16."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine import edits, examples, gradient_edits, modules, notes
from engine.compose import compose, compose_edit
from engine.graph import Graph, Source
from engine.layout import ACROSS, DOWN, HEIGHT, WIDTH, arrange
from engine.notes import PADDING, TITLE, around
from engine.records import Viewer
from engine.train import data
from tests.lecture.building import named, titled

WORKED = "t = x^2\nu1 = sin(t)\nu2 = 3*t\nu = u1 + u2\nJ = cos(u)"
TALL = 100.0
"""The height of a node that holds more than a single number."""
COLUMN, ROW = WIDTH + ACROSS, HEIGHT + DOWN


# ------------------------------------------------------------ nodes


def _ids(graph: Graph, names: Iterable[str]) -> list[str]:
    return [str(graph.id_of(name)) for name in names]


def _add(
    graph: Graph,
    op: str,
    name: str,
    operands: Mapping[str, str] | None = None,
    value: Any = None,
    **options: Any,
) -> str:
    """A node wired to others, by port and name."""
    edit, node_id = edits.add_node(graph, op, name, options, value=value)
    edit.apply(graph)
    for port, other in (operands or {}).items():
        edits.connect(str(graph.id_of(other)), node_id, port).apply(graph)
    return node_id


def _parameter(graph: Graph, name: str, value: Any) -> None:
    options = {"shape": np.shape(value), "init": "normal", "trainable": True}
    _add(graph, "parameter", name, None, value, **options)


def _typed(graph: Graph, text: str) -> list[str]:
    """The nodes of a formula that is typed into the document."""
    edit, ids = compose_edit(graph, text)
    edit.apply(graph)
    return ids


def _derivative(graph: Graph, output: str, inputs: Sequence[str], title: str) -> list[str]:
    """Derivatives of a node as nodes in a frame; the results' ids."""
    feeds = data.feeds(graph)
    made = gradient_edits.added(
        graph, _ids(graph, [output])[0], _ids(graph, inputs), lambda _: title, feeds=feeds
    )
    made.edit.apply(graph)
    return [*made.results.values()]


def _since(graph: Graph, known: set[str]) -> list[str]:
    return [n for n in graph.nodes if n not in known]


# ------------------------------------------------------------ places


def _put(graph: Graph, places: Mapping[str, tuple[float, float]]) -> None:
    """Places nodes by name, in columns and rows."""
    at = {str(graph.id_of(n)): (c * COLUMN, r * ROW) for n, (c, r) in places.items()}
    edits.move(graph, at).apply(graph)


def _lay(graph: Graph, ids: Sequence[str], x: float, y: float, height: float = HEIGHT) -> None:
    """Arranges nodes with their upper left corner at x, y."""
    places = arrange(graph, ids, dict.fromkeys(ids, (WIDTH, height)))
    across = x - min(p[0] for p in places.values())
    down = y - min(p[1] for p in places.values())
    edits.move(graph, {n: (px + across, py + down) for n, (px, py) in places.items()}).apply(graph)


def _frame(
    graph: Graph, text: str, ids: Sequence[str], colour: str = "", height: float = HEIGHT
) -> notes.Area:
    """A frame around nodes; its area."""
    area = around((graph.nodes[n].x, graph.nodes[n].y, WIDTH, height) for n in ids)
    x, y, width, tall = area
    notes.add_note(
        graph, kind="frame", text=text, colour=colour, x=x, y=y, width=width, height=tall
    )[0].apply(graph)
    return area


def _note(graph: Graph, text: str, x: float, y: float, width: float, height: float) -> None:
    notes.add_note(graph, text=text, x=x, y=y, width=width, height=height)[0].apply(graph)


# ------------------------------------------------------------ M01


W1, B1 = [[1.0, -0.5, 0.25], [0.5, 1.5, -1.0]], [0.1, -0.2, 0.3]
W2, B2 = [[1.0], [-2.0], [0.5]], [0.25]


def _by_hand(graph: Graph) -> None:
    for name, value in (("W1", W1), ("b1", B1), ("W2", W2), ("b2", B2)):
        _parameter(graph, name, value)
    _add(graph, "matmul", "a1", {"a": "x", "b": "W1"})
    _add(graph, "add", "z1", {"a": "a1", "b": "b1"})
    _add(graph, "tanh", "h", {"x": "z1"})
    _add(graph, "matmul", "a2", {"a": "h", "b": "W2"})
    _add(graph, "add", "by_hand", {"a": "a2", "b": "b2"})


def _by_formula(graph: Graph) -> None:
    for name, value in (("A", W1), ("c", B1), ("B", W2), ("d", B2)):
        _parameter(graph, name, value)
    _typed(graph, "by_formula = tanh(x @ A + c) @ B + d")


def _by_layers(graph: Graph) -> None:
    definition = examples.load_module("Dense")
    wanted = (("hidden", "x", W1, B1), ("by_layers", "active", W2, B2))
    for name, operand, weights, bias in wanted:
        edit, layer = modules.add_module(graph, "Dense", definition)
        edit.apply(graph)
        edits.rename(graph, layer, name).apply(graph)
        edits.set_options(graph, layer, {"units": len(bias)}).apply(graph)
        for inner, value in (("W", weights), ("b", bias)):
            edits.set_tensor(f"{layer}.{definition.id_of(inner)}", np.asarray(value)).apply(graph)
        edits.connect(str(graph.id_of(operand)), layer, "x").apply(graph)
        if name == "hidden":
            _add(graph, "tanh", "active", {"x": name})


def three_ways() -> Graph:
    """tanh(x @ W1 + b1) @ W2 + b2 from operators, from a formula and from two Dense modules."""
    graph = Graph()
    x = _add(graph, "input", "x", value=[0.5, -1.0])
    parts: list[list[str]] = []
    for build in (_by_hand, _by_formula, _by_layers):
        known = set(graph.nodes)
        build(graph)
        parts.append(_since(graph, known))
    ending = _typed(graph, "three = concat(by_hand, by_formula, by_layers)\ntogether = sum(three)")
    for number, ids in enumerate(parts[:2]):
        _lay(graph, ids, 280.0, number * 480.0, TALL)
    for name, above in (("hidden", "z1"), ("active", "h"), ("by_layers", "by_hand")):
        column = graph.nodes[_ids(graph, [above])[0]].x
        edits.move(graph, {_ids(graph, [name])[0]: (column, 2 * 480.0)}).apply(graph)
    titles = (
        "By hand: node by node, wire by wire", "From a formula: tanh(x @ A + c) @ B + d",
        "From layers: two Dense modules",
    )  # fmt: skip
    areas = [
        _frame(graph, title, ids, height=TALL) for title, ids in zip(titles, parts, strict=True)
    ]
    right = max(a[0] + a[2] for a in areas) + ACROSS
    middle = areas[1][1] + areas[1][3] / 2 - TALL / 2
    edits.move(graph, {x: (0.0, middle)}).apply(graph)
    _lay(graph, ending, right, middle, TALL)
    _note(
        graph,
        "# One function, three ways\n"
        "Change x: the three results stay equal.\n"
        "Double-click **hidden** to look into it: the same product and the same sum are inside.\n"
        "Try a wire from by_hand back into a₁: it would close a circle, so it is refused and you "
        "are told why.",
        right, areas[0][1], 340.0, 196.0,
    )  # fmt: skip
    return titled("three-ways", graph)


# ------------------------------------------------------------ M02, M03, M04


def forward() -> Graph:
    """A two-layer network of single numbers: every product and every sum is a node."""
    graph = compose(
        "p11 = alpha11 * x1\np12 = alpha12 * x2\na1 = p11 + p12\n"
        "p21 = alpha21 * x1\np22 = alpha22 * x2\na2 = p21 + p22\n"
        "z1 = sigmoid(a1)\nz2 = sigmoid(a2)\n"
        "q1 = beta1 * z1\nq2 = beta2 * z2\nb = q1 + q2\ny = sigmoid(b)",
        {
            "x1": 1.0, "x2": -2.0, "alpha11": 0.5, "alpha12": -1.0, "alpha21": 2.0, "alpha22": 1.5,
            "beta1": 2.0, "beta2": -3.0,
        },
    )  # fmt: skip
    _put(graph, {
        "x1": (0, 1), "x2": (0, 3),
        "alpha11": (0.9, -0.2), "alpha12": (0.9, 1.4), "alpha21": (0.9, 2.6), "alpha22": (0.9, 4.2),
        "p11": (2, 0.4), "p12": (2, 1.4), "p21": (2, 2.6), "p22": (2, 3.6),
        "a1": (3, 0.9), "a2": (3, 3.1), "z1": (4, 0.9), "z2": (4, 3.1),
        "beta1": (4, -0.1), "beta2": (4, 4.1), "q1": (5, 0.4), "q2": (5, 3.6),
        "b": (6, 2), "y": (7, 2),
    })  # fmt: skip
    _note(
        graph,
        "**Forward propagation.** Press Home, then L again and again: a node is computed once all it "
        "reads is known, and keeps its value.\n"
        "$y = \\sigma\\left(\\sum_j \\beta_j\\, \\sigma\\left(\\sum_i \\alpha_{ji}\\, x_i\\right)\\right)$",
        6 * COLUMN - 48, -92.0, 400.0, 136.0,
    )  # fmt: skip
    graph.put("settings", "panels", ("palette", "inspector", "trace_table"))
    return titled("forward", graph)


def fan_out() -> Graph:
    """t is read by three nodes and x twice by one, so both gradients are sums."""
    graph = compose("t = x * x\na = sin(t)\nb = t * a\nm = -t\nc = exp(m)\ny = b + c", {"x": 0.8})
    _put(graph, {
        "x": (0, 1), "t": (1, 1), "a": (2, 0), "b": (3, 0.6), "m": (2, 2), "c": (3, 2),
        "y": (4, 1.3),
    })  # fmt: skip
    _note(
        graph,
        "**Backward propagation.** Press Shift+End: all values, no gradient yet. Then L: "
        "$\\partial y/\\partial y = 1$, and each wire adds its term to what it reads.\n"
        "Three nodes read t: $\\partial y/\\partial t$ grows in three steps, and only then goes on to x.",
        0.0, -136.0, 440.0, 112.0,
    )  # fmt: skip
    graph.put("settings", "panels", ("palette", "inspector", "trace_table"))
    return titled("fan-out", graph)


def worked_example() -> Graph:
    graph = named("worked-example", compose(WORKED, {"x": 1.0}))
    graph.put("settings", "panels", ("palette", "inspector", "trace_table"))
    return graph


# ------------------------------------------------------------ M05, M06


def jacobian() -> Graph:
    """From three numbers to four to two; v picks the row of the Jacobian that is the gradient."""
    graph = compose("u = A @ x\nh = tanh(u)\ny = C @ h\nL = v @ y", {
        "x": [0.5, -1.0, 0.25],
        "A": [[1.0, 0.5, -1.0], [0.0, 1.0, 2.0], [-1.5, 0.25, 0.5], [0.75, -0.5, 1.0]],
        "C": [[1.0, -1.0, 0.5, 2.0], [0.5, 1.5, -2.0, 1.0]],
        "v": [1.0, 0.0],
    })  # fmt: skip
    for name in "ACv":
        node = graph.nodes[_ids(graph, [name])[0]]
        graph.put("nodes", node.id, replace(node, op="constant"))
    _put(graph, {
        "A": (0, 0), "x": (0, 1.2), "u": (1, 0.6), "h": (2, 0.6), "C": (2, 1.8), "y": (3, 1.2),
        "v": (3, 0), "L": (4, 0.6),
    })  # fmt: skip
    _note(
        graph,
        "**The chain rule for vectors**\n"
        "$\\frac{dy_i}{dx_k} = \\sum_j \\frac{dy_i}{du_j}\\frac{du_j}{dx_k}$ for all i and k\n"
        "Select y: the panel Derivatives shows its whole Jacobian by x.\n"
        "Since v = (1, 0), the gradient of L is its first row. Press **Σ entry** below: one entry of "
        "it, as the sum over j.",
        -24.0, -1.85 * ROW, 420.0, 160.0,
    )  # fmt: skip
    graph.put("settings", "panels", ("palette", "inspector", "derivatives"))
    return titled("jacobian", graph)


SHOWN_ORDERS, ALL_ORDERS = 3, 5


def _with_derivatives(orders: int) -> tuple[Graph, list[str]]:
    """The worked example with derivatives as nodes, each of the one before."""
    graph = named("worked-example", compose(WORKED, {"x": 1.0}))
    results: list[str] = []
    for order in range(1, orders + 1):
        of = graph.name(results[-1]) if results else "J"
        results += _derivative(graph, of, ["x"], f"Derivative {order}")
    return graph, results


def higher_orders() -> Graph:
    """Three orders as nodes in frames, two more of the same making inside modules."""
    graph, results = _with_derivatives(SHOWN_ORDERS)
    for order in range(SHOWN_ORDERS + 1, ALL_ORDERS + 1):
        definition, ends = _with_derivatives(order)
        definition.put("settings", "output", ends[-1])
        name = f"Derivative{order}"
        definition.put("settings", "title", f"Derivative {order}")
        edit, instance = modules.add_module(graph, name, definition)
        edit.apply(graph)
        edits.rename(graph, instance, f"J_{order}").apply(graph)
        edits.connect(_ids(graph, ["x"])[0], instance, "x").apply(graph)
        results.append(instance)
    graph.put("settings", "output", graph.id_of("J"))
    graph.put("settings", "bookmarks", {str(i): n for i, n in enumerate(results, 1)})
    left, top = 6 * COLUMN + 96.0, 340.0
    edits.move(graph, {n: (left + i * COLUMN, top) for i, n in enumerate(results[3:])}).apply(graph)
    _frame(graph, "Orders 4 and 5", results[3:], "pink")
    _note(
        graph,
        "# Derivatives of any order\n"
        "Each frame is the derivative of the one above, as nodes like any others; orders 4 and 5 are "
        "modules.\n"
        "Press **1** to **5** to go to each derivative, **F** to see all.\n"
        "Change x: they all follow. Double-click J₄ to see its nodes.",
        left - PADDING, -20.0, 420.0, 188.0,
    )  # fmt: skip
    return titled("higher-orders", graph)


# ------------------------------------------------------------ M11


POINTS = {"x": [1.0, -1.0, 2.0, 0.5], "y": [3.0, -0.5, 5.0, 2.25]}
RATE, DECAY = 0.2, 0.95


def _points(graph: Graph) -> None:
    """Makes the inputs x_i and y_i data nodes that read the points, and the thetas parameters."""
    graph.put("sources", "points", Source("table", shuffle=False))
    for field, numbers in POINTS.items():
        graph.put("tensors", f"points.{field}", np.asarray(numbers))
        node = graph.nodes[_ids(graph, [f"{field}_i"])[0]]
        graph.put("tensors", node.id, None)
        options: dict[str, Any] = {"source": "points", "field": field}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    for node_id in _ids(graph, ["theta1", "theta0"]):
        options = {"shape": (), "init": "normal", "trainable": True}
        graph.put("nodes", node_id, replace(graph.nodes[node_id], op="parameter", options=options))


def one_step() -> Graph:
    """A line fitted to one point a step: the step as nodes of single numbers, and the recipe's."""
    graph = compose(
        "x = x_i[0]\nwx = theta1 * x\nf = wx + theta0\ny = y_i[0]\nerror = f - y\nloss = error^2",
        {"theta1": 0.5, "theta0": 0.0, "x_i": [0.0], "y_i": [0.0]},
    )
    _points(graph)
    _put(graph, {
        "x_i": (0, 0), "x": (1, 0), "theta1": (1, 1), "wx": (2, 0.5), "theta0": (2, 1.5),
        "f": (3, 0.5), "y_i": (2, 2.5), "y": (3, 1.5), "error": (4, 0.5), "loss": (5, 0.5),
    })  # fmt: skip
    first = list(graph.nodes)
    x0, y0, width, height = _frame(graph, "Prediction and loss of one point", first, "blue", TALL)
    right = x0 + width + DOWN
    known = set(graph.nodes)
    _typed(graph, "batch_loss = mse(theta1 * x_i + theta0, y_i)")
    recipe = _since(graph, known)
    edits.set_recipe(
        graph, loss=graph.id_of("batch_loss"), batch_size=1, epochs=25, learning_rate=RATE,
        schedule="exponential", schedule_settings={"gamma": DECAY},
    ).apply(graph)  # fmt: skip
    known = set(graph.nodes)
    results = _derivative(graph, "loss", ["theta1", "theta0"], "Its gradient, as nodes")
    frame = [n for n in graph.notes.values() if n.kind == "frame"][-1]
    up = frame.y - (y0 + height + DOWN)
    moved = {n: (graph.nodes[n].x, graph.nodes[n].y - up) for n in _since(graph, known)}
    notes.move_all(graph, {**moved, frame.id: (frame.x, frame.y - up)}).apply(graph)
    known = set(graph.nodes)
    _add(graph, "input", "t", value=0.0)
    _typed(graph, f"eta = {RATE} * {DECAY}^t")
    for name, result in zip(("theta1", "theta0"), results, strict=True):
        step = f"step{name[-1]}"
        _typed(graph, f"{step} = eta * {graph.name(result)}\n{name}_next = {name} - {step}")
    graph.put("settings", "output", graph.id_of("loss"))
    third = _since(graph, known)
    bottom = y0 + height + DOWN + frame.height + DOWN + PADDING + TITLE
    _lay(graph, third, 0.0, bottom)
    _frame(graph, "One step: θ − η(t) · gradient", third, "yellow")
    _note(
        graph,
        "# One step, twice\n"
        "$\\theta^{t+1} = \\theta^t - \\eta_t\\, \\nabla \\ell(f_\\theta(x_i), y_i)$\n"
        "**As nodes:** read θ₁ and θ₀ and their next values in the yellow frame.\n"
        "**By the recipe:** press F6 (one training step). θ₁ and θ₀ become just these numbers.\n"
        "In both, η falls by the factor 0.95 a step: t counts the steps done.",
        right, y0, 400.0, 196.0,
    )  # fmt: skip
    _lay(graph, recipe, right + PADDING, bottom)
    _frame(graph, "What the recipe makes smaller", recipe, "grey", TALL)
    graph.put("settings", "panels", ("palette", "inspector", "trace_table", "training"))
    return titled("one-step", graph)


# ------------------------------------------------------------ M16


ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "softplus")
REACH, COUNT = 5.0, 201


def _activation(name: str) -> Graph:
    """A definition: x, the activation as its result, its slope as nodes, and both side by side."""
    graph = compose(f"y = {name}(x)", {"x": np.linspace(-REACH, REACH, 5)})
    (slope,) = _derivative(graph, "y", ["x"], "The slope, by backpropagation")
    edits.rename(graph, slope, "slope").apply(graph)
    plot = _add(graph, "stack", "plot", {"xs0": "y", "xs1": "slope"}, axis=1)
    right = max(n.x for n in graph.nodes.values()) + COLUMN
    edits.move(graph, {plot: (right, 0.0)}).apply(graph)
    graph.put("settings", "output", graph.id_of("y"))
    return graph


def activations() -> Graph:
    """A module for each activation, with its slope inside, and plots of both over a range."""
    graph = Graph()
    _add(graph, "input", "x", value=np.linspace(-REACH, REACH, COUNT))
    viewers: dict[str, Viewer] = {}
    places: dict[str, tuple[float, float]] = {"x": (0, 1.9)}
    for number, name in enumerate(ACTIVATIONS):
        title = "".join(part.capitalize() for part in name.split("_"))
        edit, instance = modules.add_module(graph, title, _activation(name))
        edit.apply(graph)
        edits.rename(graph, instance, name).apply(graph)
        edits.connect(_ids(graph, ["x"])[0], instance, "x").apply(graph)
        plot, at = (f"{instance}.{graph.modules[title].id_of(n)}" for n in ("plot", "x"))
        viewers[f"v{number + 1}"] = Viewer(plot, "value", "line", {"over": at})
        places[name] = 2.4 - number % 2 * 1.2, number * 0.62
    _typed(graph, f"curves = concat({', '.join(ACTIVATIONS)})\ntotal = sum(curves)")
    graph.put("settings", "viewers", viewers)
    _put(graph, {**places, "curves": (3.5, 1.9), "total": (4.5, 2.4)})
    _note(
        graph,
        "# Activations and their slopes\n"
        "Below: each function over x, from −5 to 5, in blue, and its slope in yellow.\n"
        "Where the slope is nearly 0, a gradient that comes from above is multiplied by nearly 0 "
        "and does not get through.\n"
        "Double-click a module to see how backpropagation makes the slope.",
        3.5 * COLUMN, -24.0, 400.0, 180.0,
    )  # fmt: skip
    return titled("activations", graph)


# ------------------------------------------------------------ all


BUILDERS: dict[str, Callable[[], Graph]] = {
    "three-ways": three_ways, "forward": forward, "fan-out": fan_out,
    "worked-example": worked_example, "jacobian": jacobian, "higher-orders": higher_orders,
    "one-step": one_step, "activations": activations,
}  # fmt: skip
"""Every document of this part by its name."""

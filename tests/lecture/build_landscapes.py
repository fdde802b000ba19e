"""Builds the examples on surfaces, optimizers, searches, over-fitting and vanishing gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine import edits, notes
from engine.compose import compose
from engine.examples import SHIPPED
from engine.graph import Graph, Source
from engine.layout import HEIGHT, WIDTH, arrange
from engine.passing import under
from engine.starts import reinitialised
from tests.lecture.building import Shape, named, network

XOR = {"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]}
NOTE, LINE, GAP = 460.0, 22.0, 56.0
"""The width of a note, the height of a line in it, and the room around what belongs together."""


def told(graph: Graph, *paragraphs: str, width: float = NOTE, lines: int = 0) -> Graph:
    """With a note above everything that says what to do and what to look at."""
    left = min(n.x for n in graph.nodes.values())
    top = min([n.y for n in graph.nodes.values()] + [n.y for n in graph.notes.values()])
    count = lines or sum(1 + int(len(p) * 6.4 // (width - 40)) for p in paragraphs)
    height = LINE * (count + 0.6 * (len(paragraphs) - 1)) + 22
    edit, _ = notes.add_note(
        graph,
        text="\n\n".join(paragraphs),
        x=left,
        y=top - GAP - height,
        width=width,
        height=height,
    )
    edit.apply(graph)
    return graph


def opened(graph: Graph, *panels: str) -> Graph:
    graph.put("settings", "panels", panels)
    return graph


def framed(graph: Graph, rows: Mapping[str, Sequence[str]]) -> None:
    """Each of these rows of nodes in a frame of its own, one below the other, the rest to the right."""
    inside = {n: row for row, found in rows.items() for n in found}
    rest = [n for n in graph.nodes if n not in inside]
    top = left = right = 0.0
    for title, found in rows.items():
        places = arrange(graph, found)
        x0, y0 = (min(p[i] for p in places.values()) for i in (0, 1))
        edits.move(graph, {n: (x - x0 + left, y - y0 + top) for n, (x, y) in places.items()}).apply(
            graph
        )
        areas = [(graph.nodes[n].x, graph.nodes[n].y, WIDTH, HEIGHT) for n in found]
        x, y, width, height = notes.around(areas)
        fields = {"kind": "frame", "text": title, "x": x, "y": y, "width": width, "height": height}
        edit, _ = notes.add_note(graph, **fields)
        edit.apply(graph)
        top = y + height + 2 * GAP
        right = max(right, x + width)
    middle = (top - 2 * GAP) / 2
    given = [n for n in rest if graph.nodes[n].op == "data"]
    for i, n in enumerate(given):
        edits.move(
            graph, {n: (left - 3 * WIDTH, middle + (i - len(given) / 2) * 2 * HEIGHT)}
        ).apply(graph)
    behind = arrange(graph, [n for n in rest if n not in given])
    if behind:
        x0, y0 = (min(p[i] for p in behind.values()) for i in (0, 1))
        tall = max(y for _, y in behind.values()) + HEIGHT - y0
        edits.move(
            graph,
            {
                n: (x - x0 + right + 2 * GAP, y - y0 + middle - tall / 2)
                for n, (x, y) in behind.items()
            },
        ).apply(graph)


# ------------------------------------------------------------ surfaces


def surface(name: str, program: str, reach: float, **recipe: Any) -> Graph:
    """A function of two parameters, x and y, that start evenly drawn within `reach` of 0."""
    graph = compose(program, {"x": 0.0, "y": 0.0})
    for axis in "xy":
        node = graph.nodes[str(graph.id_of(axis))]
        options = {"shape": (), "init": "uniform", "scale": reach, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    edits.set_recipe(graph, loss=graph.id_of("z"), **recipe).apply(graph)
    reinitialised(graph, graph.nodes, {}, {}).apply(graph)
    return named(name, graph)


def saddle() -> Graph:
    graph = surface(
        "saddle", "a = clip(x, low=-1, high=1)\nb = clip(y, low=-1, high=1)\nz = a * b", 0.5,
        learning_rate=0.05, epochs=150, seed=3,
    )  # fmt: skip
    told(
        graph,
        "**A saddle.** $z = xy$ rises along one diagonal and falls along the other. Cut off at "
        "$\\pm 1$, it is lowest in two corners of the square.",
        "**Train ▸ Compare ▸ Random restarts** sends ten descents off. Watch the loss surface: "
        "the corner depends on the side of the diagonal where a way begins.",
    )
    return opened(graph, "surface", "compare")


def many_hills() -> Graph:
    graph = surface(
        "many-hills", "bowl = (x^2 + y^2) / 20\nwaves = cos(2*x) * cos(2*y)\nz = bowl - waves", 3.0,
        learning_rate=0.05, epochs=100, seed=4,
    )  # fmt: skip
    told(
        graph,
        "**Many valleys.** The deepest is in the middle, $z = -1$. Descent only knows the slope "
        "under its feet, so it ends in the valley where it began.",
        "**Train ▸ Compare ▸ Random restarts** starts it from ten places. Most ways never see the "
        "deepest valley. Click the surface to start from a place of your own.",
    )
    return opened(graph, "surface", "compare")


def optimizer_race() -> Graph:
    graph = surface(
        "optimizer-race", "along = (1 - x)^2 / 10\nacross = (y - x^2)^2\nz = along + across", 1.5,
        learning_rate=0.1, epochs=400, seed=5,
    )  # fmt: skip
    told(
        graph,
        "**A narrow, bent valley** with its lowest point at $(1, 1)$. Across it the surface is steep, along "
        "it almost flat.",
        "**Train ▸ Compare ▸ Race of optimizers** lets nine start at one place, each with its usual learning "
        "rate. See who is first, and who is only slow because the rate is small: under "
        "**Setup** add learning_rate = 0.01, 0.1.",
    )
    return opened(graph, "surface", "compare")


# ------------------------------------------------------------ restarts and searches

SMALL = """
a = x @ W1 + b1
h = {activation}(a)
{out} = h @ W2 + b2
loss = {loss}({out}, y)
{metric}
"""
CLASSES = {"out": "logits", "loss": "bce_with_logits", "metric": "accuracy = accuracy(logits, y)"}


def small(name: str, units: int, source: Source, inits: Sequence[str], **more: Any) -> Graph:
    """A network with one hidden layer and one output."""
    words = {k: more.pop(k) for k in ("activation", "out", "loss", "metric")}
    parameters: dict[str, tuple[Shape, str]] = {
        "W1": (("features", units), inits[0]), "b1": ((units,), inits[1]),
        "W2": ((units, 1), inits[2]), "b2": ((1,), "zeros"),
    }  # fmt: skip
    return network(name, SMALL.format(**words), source, parameters, **more)


def restarts() -> Graph:
    graph = small(
        "restarts", 2, Source("table"), ("normal", "zeros", "normal"), activation="tanh", **CLASSES,
        table=XOR, learning_rate=1.0, epochs=500,
    )  # fmt: skip
    told(
        graph,
        "**XOR with two hidden units** can be learned, but not from everywhere: more than half of "
        "the starts end in a valley where one or two of the four points stay undecided.",
        "**Train ▸ Compare ▸ Random restarts** trains it from ten starts. Some reach a loss near 0, "
        "the others stop near 0.35 = (ln 2)/2 or 0.48. **Open the best** keeps the best one.",
    )
    return opened(graph, "compare", "curves")


def search() -> Graph:
    points = {"count": 300, "noise": 0.4, "labels": "0 and 1"}
    graph = small(
        "search", 64, Source("toy", "xor", standardize=True, validation=0.8, options=points),
        ("he", "zeros", "xavier"), activation="relu", **CLASSES,
        optimizer="momentum", learning_rate=1.0, epochs=200,
    )  # fmt: skip
    told(
        graph,
        "**Sixty noisy rows, sixty-four units.** How fast to learn, and how hard to hold the weights down? "
        "Nobody knows before trying.",
        "In **Compare** press **Learning rates**, then **+ Add a setting**: weight_decay = "
        "0, 0.01, 0.03, 0.1. Start: every combination gets a row in the table, with the "
        "smallest loss on rows it never saw.",
    )
    return opened(graph, "compare", "curves")


def many_solutions() -> Graph:
    points: dict[str, float | str] = {
        "formula": "sin(2*x)", "low": -3.0, "high": 3.0, "count": 50, "noise": 0.2,
    }  # fmt: skip
    graph = small(
        "many-solutions", 10, Source("function", options=points), ("xavier", "uniform", "xavier"),
        activation="tanh", out="prediction", loss="mse", metric="fit = r2(prediction, y)",
        learning_rate=0.1, schedule="formula", formula="lr / (1 + t / 200)", batch_size=10,
        epochs=200,
    )  # fmt: skip
    told(
        graph,
        "**Many good solutions.** The loss is not convex, and yet stochastic descent with a falling "
        "learning rate, $\\eta_t = 0.1/(1 + t/200)$, nearly always ends well.",
        "**Train** and watch the gradients get small. Then **Train ▸ Compare ▸ Random restarts**: "
        "ten starts, ten different sets of parameters, losses close together.",
    )
    return opened(graph, "curve", "flow", "compare")


# ------------------------------------------------------------ networks side by side


def overfitting() -> Graph:
    nets = {
        "as_is": "relu({z})",
        "with_dropout": "dropout(relu({z}), rate=0.5)",
        "with_l2": "relu({z})",
    }
    lines, parameters = [], {}
    for name, h in nets.items():
        z = f"x @ {name}_W + {name}_b"
        lines += [
            f"{name}_h = {h.format(z=z)}",
            f"{name}_logits = {name}_h @ {name}_V + {name}_c",
            f"{name}_loss = bce_with_logits({name}_logits, y)",
            f"{name}_accuracy = accuracy({name}_logits, y)",
        ]
        parameters |= {
            f"{name}_W": (("features", 64), "he"), f"{name}_b": ((64,), "zeros"),
            f"{name}_V": ((64, 1), "xavier"), f"{name}_c": ((1,), "zeros"),
        }  # fmt: skip
    lines += [
        "penalty = 0.01 * (l2(with_l2_W) + l2(with_l2_V))",
        "loss = as_is_loss + with_dropout_loss + with_l2_loss + penalty",
    ]
    points = {"count": 300, "noise": 0.4, "labels": "0 and 1"}
    graph = network(
        "overfitting", "\n".join(lines),
        Source("toy", "xor", standardize=True, validation=0.8, options=points), parameters,
        optimizer="adam", learning_rate=0.01, epochs=500,
    )  # fmt: skip
    rows = {
        title: [n for n in above(graph, f"{key}_loss", f"{key}_accuracy") if graph.nodes[n].op != "data"]
        for key, title in (("as_is", "As it is"),
            ("with_dropout", "With dropout"),
            ("with_l2", "With an L2 penalty"),
        )
    }  # fmt: skip
    rows["With an L2 penalty"] = list(
        dict.fromkeys([*rows["With an L2 penalty"], *above(graph, "penalty")])
    )
    framed(graph, rows)
    told(
        graph,
        "**Sixty noisy rows, three equal networks**, trained together: the loss is the sum of theirs.",
        "**Train**, and read the losses in the table of **Training**. On the rows it learns from the first "
        "comes down to almost 0: it learns the noise by heart. On the 240 rows held out its loss rises; "
        "dropout slows that, the L2 penalty stops it. In **Regions** choose as_is_logits, "
        "then with_l2_logits.",
        width=560,
    )  # fmt: skip
    return opened(graph, "curves", "metrics", "regions")


def above(graph: Graph, *names: str) -> list[str]:
    """The nodes that these depend on, and they themselves, in the order of the pass."""
    found = set[str]().union(*(under(graph, str(graph.id_of(name))) for name in names))
    return [n for n in graph.order() if n in found]


def layer(activation: str, init: str) -> Graph:
    """The definition of a layer: x @ W + b and its activation; `units` is its size."""
    graph = compose(
        f"a = x @ W\nz = a + b\nh = {activation}(z)", {"x": [[0.5, -1.0]], "W": 0.0, "b": 0.0}
    )
    for name, shape, start in (("W", ("x[-1]", "units"), init), ("b", ("units",), "zeros")):
        node = graph.nodes[str(graph.id_of(name))]
        options = {"shape": shape, "init": start, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
        graph.put("tensors", node.id, None)
    graph.put("settings", "sizes", {"units": 16})
    graph.put("settings", "about", f"A layer {activation}(x @ W + b).")
    edits.move(graph, arrange(graph)).apply(graph)
    return graph


DEPTH = 10


def vanishing_gradients() -> Graph:
    modules = {
        "SigmoidLayer": layer("sigmoid", "xavier"), "ReluLayer": layer("relu", "he"),
        "Dense": SHIPPED["Dense"],
    }  # fmt: skip
    lines = []
    for name, module in (("sigmoid", "SigmoidLayer"), ("relu", "ReluLayer")):
        before = "x"
        for i in range(1, DEPTH + 1):
            lines.append(f"{name}{i} = {module}({before})")
            before = f"{name}{i}"
        lines += [
            f"{name}_logits = Dense({before}, units=1)",
            f"{name}_loss = bce_with_logits({name}_logits, y)",
            f"{name}_accuracy = accuracy({name}_logits, y)",
        ]
    lines.append("loss = sigmoid_loss + relu_loss")
    graph = compose("\n".join(lines), {"x": 0.0, "y": 0.0}, modules=modules)
    graph.put(
        "sources", "moons",
        Source("toy", "moons", standardize=True, validation=0.2,
               options={"count": 200, "noise": 0.1, "labels": "0 and 1"}),
    )  # fmt: skip
    for field in ("x", "y"):
        node = graph.nodes[str(graph.id_of(field))]
        graph.put("tensors", node.id, None)
        graph.put(
            "nodes", node.id, replace(node, op="data", options={"source": "moons", "field": field})
        )
    loss = graph.id_of("loss")
    graph.put("settings", "output", loss)
    edits.set_recipe(graph, loss=loss, learning_rate=0.1, batch_size=20, epochs=60).apply(graph)
    named("vanishing-gradients", graph)
    framed(
        graph,
        {
            title: [n for n in above(graph, f"{key}_loss", f"{key}_accuracy") if graph.nodes[n].op != "data"]
            for key, title in (("sigmoid", "Ten sigmoid layers"), ("relu", "Ten relu layers"))
        },
    )  # fmt: skip
    told(
        graph,
        "**Two networks, ten layers deep**, alike but for the activation. Each edge's gradient is a product "
        "of all above it, and a sigmoid's slope is $\\frac14$ at most: $(\\frac14)^{10} \\approx 10^{-6}$.",
        "In **Gradient flow** compare the bars of sigmoid1 and relu1. **Train**: the relu network tells the "
        "moons apart, the sigmoid network stays at a loss of $\\ln 2 = 0.693$, no better than a coin.",
        width=560,
    )
    return opened(graph, "flow", "curves")


BUILDERS: dict[str, Callable[[], Graph]] = {
    "saddle": saddle, "many-hills": many_hills, "many-solutions": many_solutions,
    "optimizer-race": optimizer_race, "restarts": restarts, "search": search,
    "overfitting": overfitting, "vanishing-gradients": vanishing_gradients,
}  # fmt: skip

"""Builds the examples of networks: what layers, depth, features, modules and data are good for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from engine import edits, examples, lessons, notes
from engine.compose import compose
from engine.examples import SHIPPED
from engine.graph import Graph, Source
from engine.layout import arrange
from engine.train import data
from tests.lecture.building import Shape, read_data

WIDTH, HEIGHT = 152.0, 100.0
"""What a node takes on the canvas, in scene units."""
Frame = tuple[str, str, Sequence[str]]
"""A frame's title and colour, and the names of the nodes in it."""


def document(
    name: str,
    program: str,
    source: Source,
    parameters: Mapping[str, tuple[Shape, str]],
    *,
    table: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    inputs: Mapping[str, float] | None = None,
    sizes: Mapping[str, int] | None = None,
    frames: Sequence[Frame] = (),
    grid: Mapping[str, tuple[float, float]] | None = None,
    note: str = "",
    panels: tuple[str, ...] = (),
    own: Mapping[str, Graph] | None = None,
    **recipe: Any,
) -> Graph:
    """A program over the data nodes x and y, trained on `loss`; shipped modules may be called.

    The note stands above everything else; `grid` gives nodes a column and a row by name.
    """
    fixed = constants or {}
    names = {**(inputs or {}), "x": 0.0, "y": 0.0, **dict.fromkeys([*parameters, *fixed], 0.0)}
    graph = compose(program, names, modules={**SHIPPED, **(own or {})})
    shown = name.replace("-", "_")
    graph.put("settings", "sizes", dict(sizes or {}))
    read_data(graph, shown, source, parameters, table)
    for constant, value in fixed.items():
        node = graph.nodes[str(graph.id_of(constant))]
        graph.put("nodes", node.id, replace(node, op="constant", options={}))
        graph.put("tensors", node.id, np.asarray(value, np.float64))
    loss = graph.id_of("loss")
    graph.put("settings", "output", loss)
    edits.set_recipe(graph, loss=loss, **recipe).apply(graph)
    dataset = data.load(graph, shown)
    edits.set_tensors(data.initialize(graph, dataset, graph.recipe.seed)).apply(graph)
    info = lessons.INFO[name] if name in lessons.INFO else examples.INFO[name]
    graph.put("settings", "title", info.title)
    graph.put("settings", "about", info.about)
    graph.put("settings", "panels", panels)
    laid_out(graph, frames, note, grid or {})
    return graph


def laid_out(
    graph: Graph, frames: Sequence[Frame], note: str, grid: Mapping[str, tuple[float, float]]
) -> None:
    """Nodes of a frame stand together, the frame around them, the note above all."""
    within: dict[str, str] = {}
    for number, (_, _, names) in enumerate(frames, 1):
        within |= {str(graph.id_of(n)): f"f{number}" for n in names}
    pad, title = notes.PADDING, notes.TITLE
    sizes = dict.fromkeys(graph.nodes, (WIDTH, HEIGHT))
    places = arrange(graph, None, sizes, within, (pad, pad + title, pad, pad))
    places |= {str(graph.id_of(n)): (round(208 * x), round(132 * y)) for n, (x, y) in grid.items()}
    edits.move(graph, places).apply(graph)
    for number, (words, colour, names) in enumerate(frames, 1):
        areas = [(*places[str(graph.id_of(n))], WIDTH, HEIGHT) for n in names]
        x, y, width, height = notes.around(areas)
        edit, made = notes.add_note(
            graph, kind="frame", text=words, colour=colour, x=x, y=y, width=width, height=height
        )
        edit.apply(graph)
        assert made == f"f{number}"
    if note:
        tops = [n.y for n in (*graph.nodes.values(), *graph.notes.values())]
        lefts = [n.x for n in (*graph.nodes.values(), *graph.notes.values())]
        height = 40.0 + 19.0 * sum(1 + len(line) // 86 for line in note.splitlines())
        notes.add_note(
            graph, text=note, x=min(lefts), y=min(tops) - height - 32.0, width=620.0, height=height
        )[0].apply(graph)


# ------------------------------------------------------------ one layer and two


def logistic_xor() -> Graph:
    return document(
        "logistic-xor",
        "xw = x @ w\nline = xw + w0\n"
        "loss_one = bce_with_logits(line, y)\naccuracy_one = accuracy(line, y)\n"
        "xa = x @ alpha\na = xa + a0\nh1 = sigmoid(a)\nhb = h1 @ beta\nlogits = hb + b0\n"
        "loss_two = bce_with_logits(logits, y)\naccuracy_two = accuracy(logits, y)\n"
        "loss = loss_two + loss_one",
        Source("table"),
        {"w": ((2, 1), "normal"), "w0": ((1,), "zeros"), "alpha": ((2, 4), "normal"),
         "a0": ((4,), "normal"), "beta": ((4, 1), "normal"), "b0": ((1,), "zeros")},
        table={"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]},
        frames=(
            ("Logistic regression: one layer", "yellow",
             ("w", "xw", "w0", "line", "loss_one", "accuracy_one")),
            ("Two layers of it: a network", "blue",
             ("alpha", "xa", "a0", "a", "h1", "beta", "hb", "b0", "logits", "loss_two", "accuracy_two")),
        ),
        note=(
            "**One layer against two.** Both learn XOR at once, by the sum of their losses.\n"
            "One layer draws a straight line: it stays at $\\ln 2 \\approx 0.693$, which is "
            "guessing, and Training says so. The network is "
            "$y = h_2(\\sum_j \\beta_j\\, h_1(\\sum_i \\alpha_{ji} x_i))$, the same twice.\n"
            "Train, and look at both losses and accuracies in **Training**."
        ),
        panels=("curves", "regions"), optimizer="adam", learning_rate=0.1, epochs=500,
    )  # fmt: skip


# ------------------------------------------------------------ depth

SPIRAL: dict[int, tuple[int, ...]] = {1: (35,), 2: (10, 9), 3: (7, 7, 7), 4: (6, 6, 6, 5)}
"""Units of the hidden layers by their number: 141, 139, 141 and 143 parameters."""


def spiral_depth() -> Graph:
    lines, frames = [], []
    for depth, widths in SPIRAL.items():
        before, names = "x", []
        for layer, units in enumerate(widths, 1):
            names += [f"a{depth}_{layer}", f"h{depth}_{layer}"]
            lines += [f"{names[-2]} = Dense({before}, units={units})",
                      f"{names[-1]} = relu({names[-2]})"]  # fmt: skip
            before = names[-1]
        names += [f"z{depth}", f"loss{depth}", f"accuracy{depth}"]
        lines += [f"z{depth} = Dense({before}, units=1)",
                  f"loss{depth} = bce_with_logits(z{depth}, y)",
                  f"accuracy{depth} = accuracy(z{depth}, y)"]  # fmt: skip
        frames.append((f"{depth} hidden layer{'s' * (depth > 1)}", "blue", names))
    lines.append("loss = loss1 + loss2 + loss3 + loss4")
    return document(
        "spiral-depth", "\n".join(lines),
        Source("toy", "spiral", validation=0.2, options={"labels": "0 and 1"}), {},
        frames=frames,
        note=(
            "**Four networks, one spiral.** Each has about 141 parameters, in one to four hidden "
            "layers of relu units; they are trained together by the sum of their losses.\n"
            "Train, and compare accuracy1 to accuracy4 in **Training**. Depth bends the plane again "
            "and again; one layer has to do it at once. **Regions** shows what each makes of the plane: "
            "choose z1 to z4."
        ),
        panels=("curves", "regions"),
        optimizer="adam", learning_rate=0.01, batch_size=50, epochs=500,
    )  # fmt: skip


# ------------------------------------------------------------ approximation


def approximation() -> Graph:
    lines = [
        "g2 = abs(x)", "angle = 5 * x", "wave = cos(angle)", "square = x^2", "minus = -square",
        "bell = exp(minus)", "g3 = wave * bell",
    ]  # fmt: skip
    frames: list[Frame] = []
    parameters: dict[str, tuple[Shape, str]] = {}
    about = ("y = sin(3x)", "g2 = |x|, which has a kink", "g3 = cos(5x) exp(−x²)")
    for i, words in enumerate(about, 1):
        lines += [f"xW{i} = x @ W{i}", f"a{i} = xW{i} + b{i}", f"s{i} = sigmoid(a{i})",
                  f"sv{i} = s{i} @ v{i}", f"h{i} = sv{i} + c{i}",
                  f"loss{i} = mse(h{i}, {'y' if i == 1 else f'g{i}'})",
                  f"error{i} = max_abs_error(h{i}, {'y' if i == 1 else f'g{i}'})"]  # fmt: skip
        parameters |= {f"W{i}": ((1, "units"), "normal"), f"b{i}": (("units",), "normal"),
                       f"v{i}": (("units", 1), "xavier"), f"c{i}": ((1,), "zeros")}  # fmt: skip
        names = (*(f"{n}{i}" for n in ("xW", "a", "s", "sv", "h", "loss", "error", *"Wbvc")),
                 *((), ("g2",), ("g3", "angle", "wave", "square", "minus", "bell"))[i - 1])  # fmt: skip
        frames.append((words, "blue", names))
    lines += ["both = loss2 + loss3", "loss = both + loss1"]
    grid = {"x": (0.0, 0.5), "y": (0.0, 1.5)}
    for i in (1, 2, 3):
        row = 3.0 * (i - 1)
        grid |= {
            f"W{i}": (1.2, row + 1), f"xW{i}": (2.2, row), f"b{i}": (2.2, row + 1), f"a{i}": (3.2, row),
            f"s{i}": (4.2, row), f"v{i}": (4.2, row + 1), f"sv{i}": (5.2, row), f"c{i}": (5.2, row + 1),
            f"h{i}": (6.2, row), f"loss{i}": (7.2, row), f"error{i}": (7.2, row + 1),
        }  # fmt: skip
    grid |= {"g2": (6.2, 4), "angle": (1.2, 8), "wave": (2.2, 8), "square": (3.2, 8),
             "minus": (4.2, 8), "bell": (5.2, 8), "g3": (6.2, 7.2),
             "both": (8.5, 4.5), "loss": (8.5, 2)}  # fmt: skip
    return document(
        "approximation", "\n".join(lines),
        Source("function", options={"formula": "sin(3*x)", "low": -2.0, "high": 2.0}),
        parameters, sizes={"units": 16}, frames=frames,
        grid=grid,
        note=(
            "**One layer of sigmoids, three functions.** Each $h(x)$ is to come near its function $g(x)$ "
            "everywhere: error1 to error3 are $\\max_x |h(x) - g(x)|$.\n"
            "**Fit** shows each: choose h1, h2 or h3. "
            "Train: all three errors fall below $\\varepsilon = 0.1$. In **Compare**, vary the size "
            "**units** over 2, 4, 8, 16: the fewer units, the larger the errors stay."
        ),
        panels=("curve", "curves", "compare"),
        optimizer="adam", learning_rate=0.05, schedule="cosine", epochs=4000,
    )  # fmt: skip


# ------------------------------------------------------------ parity

BITS = 8


def _odd_patterns(bits: int) -> np.ndarray[Any, Any]:
    """Every input with an odd number of ones, patterns × bits."""
    every = np.array(list(product((0.0, 1.0), repeat=bits)))
    return every[every.sum(axis=1) % 2 == 1]


def xor_block() -> Graph:
    """|a − b| of two relu units: XOR where a and b are 0 or 1."""
    block = compose(
        "d = a - b; up = relu(d); e = b - a; down = relu(e); y = up + down", {"a": 0.0, "b": 0.0}
    )
    block.put("settings", "title", "Xor")
    block.put(
        "settings", "about", "1 where just one of two bits is 1: |a − b| from two relu units."
    )
    return block


def parity() -> Graph:
    bits = np.array(list(product((0.0, 1.0), repeat=BITS)))
    odd = _odd_patterns(BITS)
    rises = np.where(np.arange(BITS) % 2, -2.0, 2.0)
    rises[0] = 1.0
    return document(
        "parity",
        "matches = x @ patterns\nnear = matches - all_but_one\npattern = relu(near)\n"
        "wide = sum(pattern, axis=1, keepdims=True)\nerror_wide = max_abs_error(wide, y)\n"
        "left1 = x[:, 0::2]\nright1 = x[:, 1::2]\nxor1 = Xor(left1, right1)\n"
        "left2 = xor1[:, 0::2]\nright2 = xor1[:, 1::2]\nxor2 = Xor(left2, right2)\n"
        "left3 = xor2[:, 0::2]\nright3 = xor2[:, 1::2]\ntree = Xor(left3, right3)\n"
        "error_tree = max_abs_error(tree, y)\n"
        "xW = x @ W\nz1 = xW + b\nh1 = tanh(z1)\nhV = h1 @ V\nlogits = hV + c\n"
        "accuracy_learnt = accuracy(logits, y)\nloss = bce_with_logits(logits, y)",
        Source("table"),
        {"W": ((BITS, "units"), "xavier"), "b": (("units",), "normal"), "V": (("units", 1), "xavier"),
         "c": ((1,), "zeros")},
        table={"x": bits, "y": bits.sum(axis=1, keepdims=True) % 2},
        constants={"patterns": 2 * odd.T - 1, "all_but_one": odd.sum(axis=1) - 1},
        sizes={"units": 32}, own={"Xor": xor_block()},
        frames=(
            (f"One hidden layer: {len(odd)} units, one for each odd pattern", "yellow",
             ("patterns", "matches", "all_but_one", "near", "pattern", "wide", "error_wide")),
            (f"Three layers of XOR: {2 * (BITS - 1)} units", "blue",
             ("left1", "right1", "xor1", "left2", "right2", "xor2", "left3", "right3", "tree", "error_tree")),
            ("A network that learns it", "violet",
             ("W", "xW", "b", "z1", "h1", "V", "hV", "c", "logits", "loss", "accuracy_learnt")),
        ),
        note=(
            "**Parity of 8 bits: is the number of ones odd?** The rows are all 256 inputs.\n"
            "Above, one hidden layer of units that each know one pattern: 128 of them, twice as many for "
            "every bit more. In the middle, XOR of XORs: 14 units in three layers, two for every bit more. "
            "Both errors are exactly 0.\nBelow, a network finds its own weights: train it. It gets by with "
            "few units in one layer, because units that add up the bits need not know patterns."
        ),
        panels=("curves",), optimizer="adam", learning_rate=0.02, batch_size=256, epochs=3000,
    )  # fmt: skip


# ------------------------------------------------------------ features


def features() -> Graph:
    return document(
        "features",
        "xW1 = x @ W1\nz1 = xW1 + b1\nh1 = relu(z1)\nh1W2 = h1 @ W2\nlogits = h1W2 + b2\n"
        "accuracy = accuracy(logits, y)\nloss = softmax_cross_entropy(logits, y)",
        Source("builtin", "digits", standardize=True, validation=0.25),
        {"W1": (("features", 32), "he"), "b1": ((32,), "zeros"),
         "W2": ((32, "classes"), "xavier"), "b2": (("classes",), "zeros")},
        frames=(
            ("The representation: 32 features of a digit", "blue", ("W1", "xW1", "b1", "z1", "h1")),
            ("The classes, read off the features", "violet",
             ("W2", "h1W2", "b2", "logits", "accuracy", "loss")),
        ),
        note=(
            "**What do hidden units look for?** Nobody tells them: they are trained only to make the "
            "classes come out right.\n"
            "Train, and watch **Units**: a picture of each unit's weights, of an input made to excite it, "
            "and the digits that do. In **Latent plane**, digits of a class gather."
        ),
        panels=("units", "latent"), optimizer="momentum", learning_rate=0.01,
        settings={"momentum": 0.9, "weight_decay": 0.01}, batch_size=32, epochs=40,
    )  # fmt: skip


# ------------------------------------------------------------ modules


def modules() -> Graph:
    """A network of shipped modules, and beside it the same written flat with their parameters."""
    blocks = ("picture = reshape(x, shape=(-1, 1, 8, 8))", "conv = ConvBlock(picture, filters=8)",
              "flat = flatten(conv)", "residual = ResidualBlock(flat, hidden=16)",
              "logits = MLP(residual, hidden=16, units=10)",
              "accuracy = accuracy(logits, y)")  # fmt: skip
    read = ["K = output_of(conv, output='K')", "kb = output_of(conv, output='b')"]
    for block, part in product(("residual", "logits"), ("first", "last")):
        layer = f"{block[0]}{part[0]}"
        read += [f"{layer} = output_of({block}, output='{part}')",
                 f"{layer}W = output_of({layer}, output='W')",
                 f"{layer}b = output_of({layer}, output='b')"]  # fmt: skip
    flat = ("kx = conv2d(picture, K, padding=1)", "kz = kx + kb", "kh = relu(kz)",
            "pooled = max_pool2d(kh)", "p = flatten(pooled)", "pW = p @ rfW", "pz = pW + rfb",
            "q = relu(pz)", "qW = q @ rlW", "qz = qW + rlb", "r = p + qz", "rW = r @ lfW",
            "rz = rW + lfb", "s = relu(rz)", "sW = s @ llW", "t = sW + llb",
            "loss_flat = softmax_cross_entropy(t, y)", "difference = max_abs_error(t, logits)")  # fmt: skip
    named = ["conv", "flat", "residual", "logits", "accuracy"]
    written = [line.partition(" = ")[0] for line in (*read, *flat)]
    rows = (
        "x picture conv flat residual logits loss", "y . . . . . accuracy", "",
        ". . K kb", ". . kx kz kh pooled p", "",
        ". . rf rfW rfb . rl rlW rlb", ". . . pW pz q . qW qz r", "",
        ". . lf lfW lfb . ll llW llb", ". . . rW rz s . sW t loss_flat", ". . . . . . . . . difference",
    )  # fmt: skip
    grid = {
        name: (column, row)
        for row, names in enumerate(rows)
        for column, name in enumerate(names.split())
        if name != "."
    }
    return document(
        "modules", "\n".join((*blocks, *read, *flat, "loss = softmax_cross_entropy(logits, y)")),
        Source("builtin", "digits", standardize=True, validation=0.25), {},
        frames=(
            ("Made of modules", "blue", named),
            ("The same written flat, with the modules' own parameters", "grey", written),
        ),
        grid={n: (x, y * 0.9) for n, (x, y) in grid.items()},
        note=(
            "**A network of building blocks.** Four nodes of the palette: a conv block, a residual block, "
            "an MLP, and what joins them. Double-click one to see what is inside, and step through it.\n"
            "Below is the same network operator by operator. It reads the modules' parameters, and "
            "**difference**, its distance from the modules' result, is exactly 0, before and after training."
        ),
        panels=("curves",), optimizer="adam", learning_rate=0.003, batch_size=32, epochs=10,
    )  # fmt: skip


# ------------------------------------------------------------ data


def data_size() -> Graph:
    return document(
        "data-size",
        "xV = x @ V\nbase = xV + c\n"
        "loss_base = softmax_cross_entropy(base, y)\naccuracy_base = accuracy(base, y)\n"
        "scaled = x * 0.25\npicture = reshape(scaled, shape=(-1, 1, 8, 8))\n"
        "conv1 = ConvBlock(picture, filters=12)\nconv2 = ConvBlock(conv1, filters=24)\n"
        "flat = flatten(conv2)\ndeep = Dense(flat, units=10)\n"
        "loss_deep = softmax_cross_entropy(deep, y)\naccuracy_deep = accuracy(deep, y)\n"
        "loss = loss_deep + loss_base",
        Source("builtin", "digits", validation=0.25),
        {"V": (("features", "classes"), "zeros"), "c": (("classes",), "zeros")},
        frames=(
            ("A simple baseline: softmax regression", "yellow",
             ("V", "xV", "c", "base", "loss_base", "accuracy_base")),
            ("A deep network of convolutions", "blue",
             ("scaled", "picture", "conv1", "conv2", "flat", "deep", "loss_deep", "accuracy_deep")),
        ),
        note=(
            "**How much data does depth need?** Both read the same digits and are trained together.\n"
            "On all 1,348 training digits the deep network reads more of the held-out ones right. In "
            "**Data**, let there be 50 training rows, reset, and train again: the baseline is far ahead.\n"
            "**Compare** varies data_size.training_rows by itself, say over 50, 200, 1000."
        ),
        panels=("curves", "compare"),
        optimizer="adam", learning_rate=0.004, schedule="cosine", batch_size=32, epochs=25,
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Graph]] = {
    "logistic-xor": logistic_xor, "features": features, "approximation": approximation,
    "spiral-depth": spiral_depth, "parity": parity, "modules": modules, "data-size": data_size,
}  # fmt: skip

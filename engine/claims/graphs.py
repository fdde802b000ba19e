"""Claims of the examples of graphs, of passes and of derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

from engine import edits, trace
from engine.claims.figure import Claim, Figure
from engine.entries import Entries
from engine.evaluate import Evaluation, evaluate
from engine.expansion import Expansion
from engine.fields import CycleError
from engine.flatten import expand
from engine.graph import Graph
from engine.matrices import jacobian as full_jacobian
from engine.ops.row import Array
from engine.train import data
from engine.train.session import Training

EXACT = 1e-12
"""So far two calculations of one number in 64 bits may differ, relative to numbers around 1."""


def _id(graph: Graph, name: str) -> str:
    return str(graph.id_of(name))


def _given(graph: Graph, seed: int, names: Sequence[str]) -> Graph:
    """A copy with sources drawn by the seed; seed 0 leaves them as the document has them."""
    copy = graph.copy()
    if seed:
        draw = np.random.default_rng(seed)
        for name in names:
            shape = graph.tensors[_id(graph, name)].shape
            edits.set_tensor(_id(graph, name), draw.normal(size=shape)).apply(copy)
    return copy


def _values(graph: Graph, found: Evaluation) -> dict[str, Any]:
    """Values by name, single numbers as floats."""
    return {
        graph.name(n): float(v) if not v.ndim else v
        for n, v in found.values.items()
        if n in graph.nodes
    }


def _gap(one: Any, other: Any) -> float:
    """The largest difference of two arrays, relative to numbers larger than 1."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)), initial=0.0))


# ------------------------------------------------------------ M01

WAYS = ("by_hand", "by_formula", "by_layers")


def _shape_of(expansion: Expansion, root: str) -> nx.MultiDiGraph[str]:
    """What a step is computed from: operators with their settings, a wire an operand in its order."""
    shape: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for step in expansion.ancestors([root]):
        flat = expansion.nodes[step]
        numbers = [a if not isinstance(a, str) else None for a in flat.args]
        told = () if flat.op.is_source else tuple(sorted(flat.options.items()))
        shape.add_node(step, label=repr((flat.op.name, flat.spec.shape, told, numbers)))
    for step in list(shape):
        for place, arg in enumerate(expansion.nodes[step].args):
            if isinstance(arg, str):
                shape.add_edge(arg, step, operand=place)
    return shape


def _same(one: nx.MultiDiGraph[str], other: nx.MultiDiGraph[str]) -> bool:
    return bool(
        nx.is_isomorphic(
            one,
            other,
            nx.algorithms.isomorphism.categorical_node_match("label", ""),
            nx.algorithms.isomorphism.categorical_multiedge_match("operand", -1),
        )
    )


def three_ways(graph: Graph, seed: int) -> list[Figure]:
    copy = _given(graph, seed, ["x"])
    found = evaluate(copy)
    expansion = expand(copy)
    shapes = [_shape_of(expansion, str(expansion.step_of(_id(copy, w)))) for w in WAYS]
    other = nx.MultiDiGraph(shapes[0])
    step, places = next((n, d) for n in other if len(d := list(other.in_edges(n, keys=True))) == 2)
    for source, target, key in places:  # the same graph with two operands exchanged
        other.edges[source, target, key]["operand"] ^= 1
    by_hand, by_formula, by_layers = (found.values[_id(copy, w)] for w in WAYS)
    refused = copy.copy()
    try:
        edits.connect(_id(copy, "by_hand"), _id(copy, "a1"), "b").apply(refused)
        sentence = ""
    except CycleError as error:
        sentence = str(error)
    told = (
        "by_hand → a1 would close a circle: a1 already feeds by_hand (a1 → z1 → h → a2 → by_hand)"
    )
    return [
        Figure("nodes of the function, built by hand", len(shapes[0]), "=", 10),
        Figure("the formula's graph is that one", _same(shapes[0], shapes[1]), "=", 1),
        Figure("the layers' graph is that one", _same(shapes[0], shapes[2]), "=", 1),
        Figure(f"the graph with operands of {step} exchanged is", _same(shapes[0], other), "=", 0),
        Figure("largest difference of the results", _gap([by_formula, by_layers], by_hand), "=", 0),
        Figure("a circle is refused, with the way around it", told in sentence, "=", 1),
        Figure("wires that the refusal changed", len(refused.links.items() ^ copy.links.items()), "=", 0),
    ]  # fmt: skip


# ------------------------------------------------------------ M02, M03, M04


def forward(graph: Graph, seed: int) -> list[Figure]:
    sources = [graph.name(n) for n in graph.of_op("input")]
    copy = _given(graph, seed, sources)
    found = evaluate(copy)
    steps = [step for step in found.steps if step.phase == "forward"]
    known = set(graph.of_op("input"))
    early = hidden = 0
    for step in steps:
        early += sum(
            k.source not in known for k in graph.links_of(step.node) if k.target == step.node
        )
        hidden += found.shown_value(step.node, step.number - 1) is not None
        hidden += found.shown_value(step.node, step.number) is None
        known.add(step.node)
    values = _values(copy, found)
    x, sigmoid = [values["x1"], values["x2"]], _sigmoid
    z = [sigmoid(values[f"alpha{j}1"] * x[0] + values[f"alpha{j}2"] * x[1]) for j in (1, 2)]
    y = sigmoid(values["beta1"] * z[0] + values["beta2"] * z[1])
    mine = [values["z1"], values["z2"], values["y"]]
    return [
        Figure("nodes visited", len(steps), "=", len(graph.nodes) - len(sources)),
        Figure("nodes visited that are shown at the end", len(known & found.values.keys()), "=", 20),
        Figure("operands that were not known when they were read", early, "=", 0),
        Figure("values shown before or missing after their step", hidden, "=", 0),
        Figure("difference from the formula of slide 14", _gap(mine, [*z, y]), "<", EXACT),
    ]  # fmt: skip


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def fan_out(graph: Graph, seed: int) -> list[Figure]:
    copy = _given(graph, seed, ["x"])
    found = evaluate(copy)
    steps = list(found.steps)
    seed_step = next(step for step in steps if step.phase == "seed")
    backward = [step for step in steps if step.phase == "backward"]
    sums: dict[str, list[float]] = {}
    unsound, finished, passed_on_early = 0.0, set(), 0
    for step in backward:
        target = str(step.target)
        before = sums.setdefault(target, [0.0])
        unsound = max(unsound, abs(float(step.total) - before[-1] - float(step.value)))
        before.append(float(step.total))
        passed_on_early += target in finished
        finished.add(step.node)
    shown = [n for n in graph.nodes if found.shown_gradient(n, seed_step.number - 1) is not None]
    x = _values(copy, found)["x"]
    t = x * x
    slope_t = math.sin(t) + t * math.cos(t) - math.exp(-t)
    by_t, by_x = sums[_id(graph, "t")], sums[_id(graph, "x")]
    terms = [b - a for a, b in pairwise(by_t)]
    return [
        Figure("gradients shown before the seed", len(shown), "=", 0),
        Figure("dy/dy", float(seed_step.value), "=", 1),
        Figure("terms added at t, one micro-step each", len(by_t) - 1, "=", 3),
        Figure("terms added at x, one micro-step each", len(by_x) - 1, "=", 2),
        Figure("a sum less the one before and the term", unsound, "<", EXACT),
        Figure("terms that came after a gradient was passed on", passed_on_early, "=", 0),
        Figure("the terms at t from sin, product and minus", _gap(
            sorted(terms), sorted([math.sin(t), t * math.cos(t), -math.exp(-t)])), "<", EXACT),
        Figure("dy/dx less its formula", _gap(by_x[-1], slope_t * 2 * x), "<", EXACT),
    ]  # fmt: skip


COLUMNS = [
    ("t = x^2", "dJ/dJ = 1"),
    ("u1 = sin(t)", "dJ/du += dJ/dJ * (-sin(u))"),
    ("u2 = 3 * t", "dJ/du1 += dJ/du * 1"),
    ("u = u1 + u2", "dJ/du2 += dJ/du * 1"),
    ("J = cos(u)", "dJ/dt += dJ/du1 * cos(t)"),
    ("", "dJ/dt += dJ/du2 * 3"),
    ("", "dJ/dx += dJ/dt * (2 * x)"),
]
"""Slide 25, forward and backward."""


def worked_example(graph: Graph, seed: int) -> list[Figure]:
    """The lecture's point is x = 1; other seeds take another x and compare with the formula."""
    copy = _given(graph, seed, ["x"])
    found = evaluate(copy)
    values = _values(copy, found)
    x = values["x"]
    u = math.sin(x * x) + 3 * x * x
    slope = -math.sin(u) * (math.cos(x * x) * 2 * x + 6 * x)
    gradient = float(found.gradients[_id(copy, "x")])
    rows = trace.table(found.steps)
    symbols = [
        (f.rpartition(" = ")[0] if f else "", b if b.endswith("= 1") else b.rpartition(" = ")[0])
        for f, b in rows
    ]
    numbers = sum(bool(step.numbers_text) for step in found.steps)
    told = [
        Figure("rows of the two columns that are slide 25's", sum(
            a == b for a, b in zip(symbols, COLUMNS, strict=True)), "=", len(COLUMNS)),
        Figure("lines that have their numbers beside them", numbers, "=", len(found.steps)),
        Figure("J less its formula", _gap(values["J"], math.cos(u)), "<", EXACT),
        Figure("dJ/dx less its formula", _gap(gradient, slope), "<", EXACT),
    ]  # fmt: skip
    if not seed:
        told += [
            Figure("J at x = 1", values["J"], "=", -0.764920562804486, 1e-14),
            Figure("dJ/dx at x = 1", gradient, "=", 4.560791790678780, 1e-14),
        ]
    return told


# ------------------------------------------------------------ M05, M06


def jacobian(graph: Graph, seed: int) -> list[Figure]:
    copy = _given(graph, seed, ["x"])
    x, y, v = (_id(copy, n) for n in "xyv")
    expansion = expand(copy)
    whole = full_jacobian(expansion, {"y": y}, {"x": x})
    whole.advance()
    first, last = copy.tensors[_id(copy, "A")], copy.tensors[_id(copy, "C")]
    by_hand = last @ np.diag(1 - np.tanh(first @ copy.tensors[x]) ** 2) @ first
    sums, counts, apart = np.zeros_like(by_hand), set(), 0.0
    rows = np.zeros_like(by_hand)
    for i in range(len(by_hand)):
        edits.set_tensor(v, np.eye(len(by_hand))[i]).apply(copy)
        found = evaluate(copy)
        rows[i] = found.gradients[x]
        inner = found.gradients[_id(copy, "u")]
        entries = Entries(next(s for s in found.steps if s.target == x))
        for k in range(by_hand.shape[1]):
            told = entries.at((k,), most=len(first))
            counts.add(len(told.terms))
            sums[i, k] = sum(term.value for term in told.terms)
            for term in told.terms:
                j = term.index[0]
                apart = max(apart, _gap([term.factor, term.local], [inner[j], first[j, k]]))
    zeros = int(np.count_nonzero(first == 0.0))
    return [
        Figure("entries of the Jacobian of y by x", whole.values.size, "=", 6),
        Figure("the panel's Jacobian less C · diag(1 − h²) · A", _gap(whole.values, by_hand), "<", EXACT),
        Figure("its rows less the gradients of L", _gap(rows, by_hand), "<", EXACT),
        Figure("most terms of a sum over j", max(counts), "=", len(first)),
        Figure("fewest terms: those that are 0 are left out", min(counts), "=", len(first) - zeros),
        Figure("the sums over j less the Jacobian", _gap(sums, by_hand), "<", EXACT),
        Figure("factors of the terms less dy/du and du/dx", apart, "<", EXACT),
    ]  # fmt: skip


LECTURE = {2: 40.7420061554213, 3: -177.585547329638}


def higher_orders(graph: Graph, seed: int) -> list[Figure]:
    """Each order against truncated Taylor series: powers, sine and cosine of polynomials in h."""
    copy = _given(graph, seed, ["x"])
    found = evaluate(copy)
    marks = copy.settings["bookmarks"]
    x = float(copy.tensors[_id(copy, "x")])
    series = _taylor(x, len(marks))
    told = []
    for order in range(1, len(marks) + 1):
        value = float(found.values[marks[str(order)]])
        true = series[order] * math.factorial(order)
        if not seed and order in LECTURE:
            told.append(Figure(f"J({order}) at x = 1", value, "=", LECTURE[order], 5e-12))
        told.append(Figure(f"J({order}) less its Taylor series'", _gap(value, true), "<", EXACT))
    records = copy.settings["derivatives"]
    modules = [n for n in marks.values() if copy.nodes[n].op in copy.modules]
    inside = [len(copy.modules[copy.nodes[n].op].settings["derivatives"]) for n in modules]
    return [
        Figure("orders recorded as derivatives, as nodes here", len(records), "=", 3),
        Figure("and the highest inside a module", max(inside), "=", 5),
        *told,
    ]


def _taylor(x: float, order: int) -> list[float]:
    """The coefficients of cos(sin(x²) + 3x²) in h around x, by recurrences for sine and cosine
    (Griewank and Walther, Evaluating Derivatives, 2008, table 13.2)."""
    t = [x * x, 2 * x, 1.0] + [0.0] * (order - 2)
    sine, _ = _sine_cosine(t)
    _, cosine = _sine_cosine([s + 3 * a for s, a in zip(sine, t, strict=False)])
    return cosine


def _sine_cosine(series: Sequence[float]) -> tuple[list[float], list[float]]:
    sine, cosine = [math.sin(series[0])], [math.cos(series[0])]
    for k in range(1, len(series)):
        terms = [(j * series[j], k - j) for j in range(1, k + 1)]
        sine.append(sum(a * cosine[i] for a, i in terms) / k)
        cosine.append(-sum(a * sine[i] for a, i in terms) / k)
    return sine, cosine


# ------------------------------------------------------------ M11

STEPS = 10


def one_step(graph: Graph, seed: int) -> list[Figure]:
    """Ten steps three times: by the nodes, by the recipe, and by the update rule written out."""
    copy = _given(graph, seed, ["theta1", "theta0"])
    training = Training(copy)
    dataset = training.dataset
    assert dataset is not None
    xs, ys = (np.asarray(copy.tensors[f"points.{field}"]) for field in ("x", "y"))
    names = ("theta1", "theta0")
    ids = [_id(copy, n) for n in names]
    mine = [float(copy.tensors[n]) for n in ids]
    rate, decay = training.stage.learning_rate, training.stage.schedule_settings["gamma"]
    by_recipe = by_rule = rates = 0.0
    for t in range(STEPS):
        edits.set_tensor(_id(copy, "t"), float(t)).apply(copy)
        row = t % len(xs)
        values = _values(copy, evaluate(copy, data.feeds(copy, rows=[row])))
        rates = max(rates, _gap(values["eta"], training.learning_rate))
        training.step()
        error = mine[0] * xs[row] + mine[1] - ys[row]
        eta = rate * decay**t
        mine = [mine[0] - eta * 2 * error * xs[row], mine[1] - eta * 2 * error]
        after = [values[f"{n}_next"] for n in names]
        by_recipe = max(by_recipe, _gap([float(training.parameters()[n]) for n in ids], after))
        by_rule = max(by_rule, _gap(after, mine))
        for node_id, value in zip(ids, after, strict=True):
            edits.set_tensor(node_id, value).apply(copy)
    last = rate * decay ** (STEPS - 1)
    return [
        Figure("steps taken", STEPS, "=", 10),
        Figure("largest difference of nodes and recipe", by_recipe, "<", EXACT),
        Figure("largest difference of nodes and the rule", by_rule, "<", EXACT),
        Figure("difference of η in the nodes and in the recipe", rates, "<", EXACT),
        Figure("the rate of the last step as a share of the first", last / rate, "<", 0.7),
    ]


# ------------------------------------------------------------ M16

STRIDE = 1e-3


def activations(graph: Graph, seed: int) -> list[Figure]:
    """Slopes against differences of the curves' own values, with an error of the fourth order; seed 0
    takes the document's range, the others as many numbers drawn on it."""
    copy = graph.copy()
    at, x = _id(graph, "x"), np.asarray(graph.tensors[_id(graph, "x")])
    if seed:
        x = np.sort(np.random.default_rng(seed).uniform(x.min(), x.max(), x.shape))
    curves: list[list[Array]] = []
    ids = [viewer.node.partition(".")[0] for viewer in copy.settings["viewers"].values()]
    for shift in (-2, -1, 1, 2, 0):
        edits.set_tensor(at, x + shift * STRIDE).apply(copy)
        found = evaluate(copy)
        curves.append([np.array(found.values[n]) for n in ids])
    smooth = np.abs(x) > 3 * STRIDE  # some have a kink at 0
    figures, total = [], np.zeros_like(x)
    for place, node_id in enumerate(ids):
        definition = copy.modules[copy.nodes[node_id].op]
        slope = np.asarray(found.values[f"{node_id}.{definition.id_of('slope')}"])
        row = definition.op(str(definition.output()))
        before2, before, after, after2, _ = (found[place] for found in curves)
        differences = (before2 - after2 + 8 * (after - before)) / (12 * STRIDE)
        wrong = _gap(slope[smooth], differences[smooth])
        total += slope
        name = copy.name(node_id)
        figures.append(Figure(f"slope of {name} less differences", wrong, "<", 1e-9))
        figures.append(Figure("its slope at the left end", abs(slope[0]), "<", 0.012))
        if row.steepest:
            steepest = Figure("its steepest slope", slope.max(), "=", row.steepest, 0.02)
            figures.append(steepest)
    gap = _gap(found.gradients[at], total)
    return [
        Figure("activations drawn with their slopes", len(ids), "=", 7),
        *figures,
        Figure("dtotal/dx less the sum of the slopes", gap, "<", EXACT),
    ]


# ------------------------------------------------------------ all

CLAIMS: dict[str, Claim] = {
    "three-ways": three_ways, "forward": forward, "fan-out": fan_out,
    "worked-example": worked_example, "jacobian": jacobian, "higher-orders": higher_orders,
    "one-step": one_step, "activations": activations,
}  # fmt: skip

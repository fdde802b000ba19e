"""What is said of a wire before it is drawn is what evaluating says afterwards; every repair mends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine import check, examples, files, ops
from engine.compose import compose
from engine.edits import add_node, batch, connect, disconnect, set_options
from engine.evaluate import Evaluation, evaluate
from engine.fitting import Fit, Fitting, wired
from engine.graph import CycleError, Graph, Port
from engine.inside import Inside, look
from engine.mending import repairs
from engine.modules import add_module, make_module
from engine.ops.row import Op
from engine.records import check_options
from engine.rewiring import add_dot, mute
from engine.shapes import Spec
from engine.train import data

SHAPES: tuple[tuple[int, ...], ...] = (
    (), (3,), (4,), (2, 3), (3, 2), (3, 3), (1, 3), (3, 4), (2, 3, 4), (2, 1, 4, 4), (6,),
)  # fmt: skip
ROWS = [row for row in ops.TABLE.values() if not row.hidden and not row.is_source]
MODULES = ("Dense", "MLP", "ConvBlock", "LSTM", "AttentionHead", "ResidualBlock")


def add(graph: Graph, op: str, **rest: Any) -> str:
    edit, node_id = add_node(graph, op, **rest)
    edit.apply(graph)
    return node_id


def value(rng: random.Random) -> np.ndarray[Any, Any]:
    array = np.random.default_rng(rng.randrange(2**32)).uniform(0, 2, rng.choice(SHAPES))
    kind = rng.random()
    return array > 1 if kind < 0.1 else array.astype(np.int64) if kind < 0.25 else array


def random_document(seed: int) -> Graph:
    """Rows of every kind and modules, wired so that about half of them fit."""
    rng, graph = random.Random(seed), Graph()
    for _ in range(rng.randint(3, 6)):
        add(graph, rng.choice(("input", "parameter", "constant")), value=value(rng))
    instances: list[str] = []
    for _ in range(rng.randint(3, 14)):
        if rng.random() < 0.15:
            name = rng.choice(MODULES)
            edit, node_id = add_module(graph, name, examples.load_module(name))
            edit.apply(graph)
            owners = [n for n in instances if graph.nodes[n].op == graph.nodes[node_id].op]
            if owners and rng.random() < 0.5:
                set_options(graph, node_id, {"tied": rng.choice(owners)}).apply(graph)
            instances.append(node_id)
        else:
            row = rng.choice(ROWS)
            cases = check.cases_of(row)
            if not cases:
                continue
            case = rng.choice(cases)
            count = len(case.shapes) if row.variadic else None
            node_id = add(graph, row.name, options=dict(case.options))
            if count and row.variadic and rng.random() < 0.3:
                add_literal(graph, node_id, row.ports(count)[-1])
            if rng.random() < 0.08:
                mute(graph, [node_id]).apply(graph)
        others = [n for n in graph.order() if n != node_id]
        for _ in range(4):
            for port in graph.ports(node_id):
                if rng.random() < 0.93:
                    connect(rng.choice(others), node_id, port).apply(graph)
            if rng.random() < 0.2 or evaluate(graph).expansion.step_of(node_id) is not None:
                break
    return graph


def add_literal(graph: Graph, node_id: str, port: str) -> None:
    node = graph.nodes[node_id]
    graph.put("nodes", node_id, replace(node, literals={port: 2.0}))


def random_wire(rng: random.Random, graph: Graph) -> tuple[str, Port, Port | None]:
    targets = [n for n in graph.nodes if graph.ports(n)]
    target = rng.choice(targets)
    op, ports = graph.op(target), list(graph.ports(target))
    if op.variadic:
        ports.append(op.ports(len(ports) + 1)[-1])
    was = None
    source = rng.choice(list(graph.nodes))
    if graph.links and rng.random() < 0.3:
        was = rng.choice(sorted(graph.links))
        source = graph.links[was]
    return source, (target, rng.choice(ports)), was


def after(graph: Graph, source: str, end: Port, was: Port | None) -> Graph:
    other = graph.copy()
    if was is not None and was != end:
        disconnect(*was).apply(other)
    connect(source, *end).apply(other)
    return other


def problems(graph: Graph, before: Evaluation, fit: Fit, found: Evaluation) -> list[str]:
    """Where a prediction and the evaluation that follows differ."""
    node_id, wrong = fit.node, []
    ref = found.expansion.step_of(node_id)
    spec = None if ref is None else found.expansion.spec(ref)
    fault = found.expansion.faults.get(node_id, "")
    if fit.unknown:
        return []
    if (spec is None) != (fit.spec is None) or (spec and fit.spec and (
        (spec.shape, spec.kind) != (fit.spec.shape, fit.spec.kind)
    )):  # fmt: skip
        wrong.append(f"{graph.nodes[node_id]}: {fit.spec} was told, it is {spec}")
    told = f"{fit.fault}; {fit.advice}" if fit.advice else fit.fault
    if fault.partition(": ")[2] != told:
        wrong.append(f"{graph.nodes[node_id]}: {told!r} was told, it is {fault!r}")
    return wrong


def newly_broken(before: Evaluation, found: Evaluation, graph: Graph) -> set[str]:
    faults = {n for n in found.expansion.faults if n in graph.nodes}
    return faults - set(before.faults)


@pytest.mark.parametrize("seed", range(150))
def test_what_is_told_is_what_comes(seed: int) -> None:
    graph = random_document(seed)
    before = evaluate(graph)
    fitting, rng = Fitting(graph, before), random.Random(seed)
    text = files.to_text(graph)
    for _ in range(8):
        source, end, was = random_wire(rng, graph)
        fit = fitting.wire(source, end, was)
        try:
            changed = after(graph, source, end, was)
        except CycleError as error:
            # Of several ways of one length either may be named.
            assert fit.circle.partition(" (")[0] == str(error).partition(" (")[0]
            continue
        assert not fit.circle
        found = evaluate(changed)
        assert problems(graph, before, fit, found) == []
        if not fit.unknown and not before.expansion.masks:
            assert set(fit.broken) == newly_broken(before, found, graph) - {end[0]}
    assert files.to_text(graph) == text, "asking changes nothing"


@pytest.mark.parametrize("seed", range(150))
def test_every_repair_that_is_offered_mends(seed: int) -> None:
    graph = random_document(1000 + seed)
    fitting, rng = Fitting(graph, evaluate(graph)), random.Random(seed)
    faulty = [(n, None, None) for n in graph.nodes if n in fitting.whole.expansion.faults]
    wires: list[Any] = [random_wire(rng, graph) for _ in range(6)] + [
        (None, (n, ""), None) for n, _, _ in faulty
    ]
    for source, end, was in wires:
        changes = {} if source is None else wired(source, end, was)
        if source is not None and fitting.wire(source, end, was).circle:
            continue
        offered = repairs(fitting, end[0], changes)
        assert len(offered) <= 4 and len({r.title for r in offered}) == len(offered)
        for repair in offered:
            mended(graph, end[0], repair.edit, repair.fit)


def mended(graph: Graph, node_id: str, edit: Any, fit: Fit) -> None:
    changed = graph.copy()
    before = files.to_text(changed)
    inverse = edit.apply(changed)
    found = evaluate(changed)
    assert node_id not in found.expansion.faults
    ref = found.expansion.step_of(node_id)
    assert ref is not None and fit.spec is not None
    assert found.expansion.spec(ref).shape == fit.spec.shape
    inverse.apply(changed)
    assert files.to_text(changed) == before


def operand_shapes(row: Op) -> Iterator[tuple[tuple[int, ...], ...]]:
    count = 2 if row.variadic else len(row.inputs)
    rng = random.Random(row.name)
    pairs = list(product(SHAPES, repeat=2))
    for pair in rng.sample(pairs, 24):
        yield (*pair, *(rng.choice(SHAPES) for _ in range(count - 2)))


@pytest.mark.parametrize(
    "row", [r for r in ROWS if len(r.inputs) > 1 or r.variadic], ids=lambda r: r.name
)
def test_every_row_of_several_operands(row: Op) -> None:
    """Each row of the table with random shapes: told rightly, and every repair mends it."""
    for shapes in operand_shapes(row):
        graph = Graph()
        sources = [add(graph, "input", value=np.ones(s)) for s in shapes]
        target = add(graph, row.name)
        ports = graph.ports(target)
        for source, port in list(zip(sources, ports, strict=False))[1:]:
            connect(source, target, port).apply(graph)
        before = evaluate(graph)
        fitting, end = Fitting(graph, before), (target, ports[0])
        fit = fitting.wire(sources[0], end)
        assert problems(graph, before, fit, evaluate(after(graph, sources[0], end, None))) == []
        for repair in repairs(fitting, target, wired(sources[0], end)):
            mended(graph, target, repair.edit, repair.fit)


# ------------------------------------------------------------------------- rows that mend


@pytest.mark.parametrize("row", [r for r in ops.TABLE.values() if r.adapts], ids=lambda r: r.name)
def test_rows_that_mend_take_their_own_options(row: Op) -> None:
    assert not row.hidden and len(row.inputs) == 1 and row.adapts is not None
    used = False
    for shape, other in product(SHAPES, repeat=2):
        x = Spec(shape)
        for use in row.adapts(x, (Spec(other),)):
            check_options(row, {**row.defaults(), **use.options})
            assert "{x}" in use.title and use.cost > 0
            try:
                spec = row.shape({**row.defaults(), **use.options}, x)
            except ValueError:
                continue
            used = used or spec.shape != shape
    assert used


# ------------------------------------------------------------------------- what people see


def product_of(**given: tuple[int, ...]) -> tuple[Graph, Fitting, str]:
    graph = compose("y = a @ b", {n: np.ones(s) for n, s in given.items()})
    return graph, Fitting(graph, evaluate(graph)), str(graph.id_of("y"))


def test_transposing_is_offered_first_and_is_one_edit() -> None:
    graph, fitting, y = product_of(a=(3, 4), b=(2, 4))
    titles = [r.title for r in repairs(fitting, y)]
    assert titles[0] == "Transpose b"
    repair = repairs(fitting, y)[0]
    assert repair.fit.spec == Spec((3, 2))
    count = len(graph.nodes)
    inverse = repair.edit.apply(graph)
    assert len(graph.nodes) == count + 1
    assert evaluate(graph).values[y].shape == (3, 2)
    inverse.apply(graph)
    assert len(graph.nodes) == count


def test_operands_are_swapped() -> None:
    _, fitting, y = product_of(a=(4, 2), b=(3, 4))
    assert "Swap a and b" in [r.title for r in repairs(fitting, y)][:2]


def test_what_breaks_behind_is_told_and_ranked_last() -> None:
    graph = compose("y = a @ b; z = y + c", {
        "a": np.ones((3, 4)), "b": np.ones((4, 2)), "c": np.ones((3, 2))
    })  # fmt: skip
    wide = add(graph, "input", name="w", value=np.ones((4, 5)))
    fitting = Fitting(graph, evaluate(graph))
    y, z = str(graph.id_of("y")), str(graph.id_of("z"))
    fit = fitting.wire(wide, (y, "b"))
    assert fit.spec == Spec((3, 5)) and set(fit.broken) == {z}
    assert "3×5" in fit.broken[z] and fit.whole


def test_an_empty_port_is_waited_for() -> None:
    graph, _, _ = product_of(a=(3, 4), b=(4, 2))
    y = str(graph.id_of("y"))
    disconnect(y, "b").apply(graph)
    fit = Fitting(graph, evaluate(graph)).wire(str(graph.id_of("b")), (y, "a"))
    assert fit.spec is None and not fit.fault and fit.waits_for == ("b",)
    assert repairs(Fitting(graph, evaluate(graph)), y) == []


def test_what_follows_the_rows_of_data_is_called_b() -> None:
    graph = examples.load("softmax-digits")
    wide = add(graph, "parameter", name="V", value=np.ones((10, 64)))
    before = evaluate(graph, data.feeds(graph))
    fitting = Fitting(graph, before)
    product_node = graph.links[str(graph.id_of("z1")), "a"]
    fit = fitting.wire(wide, (product_node, "a"))
    assert fit.shape == "10×64" and [o.shape for o in fit.operands] == ["10×64", "64×64"]
    fit = fitting.wire(wide, (product_node, "b"))
    assert [o.shape for o in fit.operands] == ["B×64", "10×64"] and fit.fault
    best = repairs(fitting, product_node, wired(wide, (product_node, "b")))[0]
    assert best.title == "Transpose V" and best.fit.shape == "B×10"


def test_masks_are_counted_or_told_as_unknown() -> None:
    graph = compose("m = x > 1; p = x[m]; q = p + 0", {"x": np.array([0.0, 2.0, 3.0])})
    other = add(graph, "input", name="w", value=np.array([5.0, 5.0, 5.0]))
    fitting = Fitting(graph, evaluate(graph))
    p, m = str(graph.id_of("p")), str(graph.id_of("m"))
    told = fitting.wire(other, (p, graph.ports(p)[0])).spec
    assert told is not None and told.shape == (2,)
    assert fitting.wire(other, (m, "a")).spec == Spec((3,), "bool")
    masked = fitting.after(wired(other, (m, "a")), p)
    assert masked.unknown and masked.spec is None


def test_inside_a_module() -> None:
    graph = Graph()
    x = add(graph, "input", name="x", value=np.ones((5, 3)))
    edit, dense = add_module(graph, "Dense", examples.load_module("Dense"))
    edit.apply(graph)
    connect(x, dense, graph.ports(dense)[0]).apply(graph)
    definition = graph.op(dense).definition
    product_node = next(n for n in definition.nodes if definition.nodes[n].op == "matmul")
    source = definition.links[product_node, "a"]
    before = evaluate(graph)
    fitting = Fitting(graph, look(before, (dense,)), (dense,))
    fit = fitting.wire(source, (product_node, "b"))
    assert "5×3 @ 5×3" in fit.fault
    offered = repairs(fitting, product_node, wired(source, (product_node, "b")))
    assert "Transpose x at b" in [r.title for r in offered]
    Inside((dense,), batch(offered[0].edit)).apply(graph)
    found = evaluate(graph)
    assert f"{dense}.{product_node}" in found.expansion.nodes
    ref = found.expansion.nodes[f"{dense}.{product_node}"]
    assert offered[0].fit.spec is not None and ref.spec.shape == offered[0].fit.spec.shape


def test_a_wire_moved_off_a_node_behind_which_a_dot_reads() -> None:
    graph = Graph()
    x = add(graph, "input", value=np.ones((2, 3)))
    wave, dot, both = add(graph, "exp"), add(graph, "reroute"), add(graph, "add")
    for source, end in ((x, (wave, "x")), (wave, (dot, "x")), (dot, (both, "a"))):
        connect(source, *end).apply(graph)
    fit = Fitting(graph, evaluate(graph)).wire(x, (both, "b"), (wave, "x"))
    assert fit.spec is None and not fit.fault
    assert [o.spec for o in fit.operands] == [None, Spec((2, 3))]


def test_a_muted_node_waits_for_what_it_hands_on_alone() -> None:
    graph = Graph()
    x = add(graph, "input", value=np.ones((2, 3)))
    wave, silent, both = add(graph, "exp"), add(graph, "mul"), add(graph, "add")
    mute(graph, [silent]).apply(graph)
    wires = ((x, (wave, "x")), (x, (silent, "a")), (wave, (silent, "b")), (silent, (both, "a")))
    for source, end in wires:
        connect(source, *end).apply(graph)
    fitting = Fitting(graph, evaluate(graph))
    assert fitting.wire(x, (both, "b"), (wave, "x")).spec == Spec((2, 3))


def test_a_muted_node_beside_a_tied_module_waits_for_what_it_hands_on_alone() -> None:
    graph = Graph()
    x = add(graph, "input", value=np.ones((2, 3)))
    edit, owner = add_module(graph, "Dense", examples.load_module("Dense"))
    edit.apply(graph)
    tied, silent = add(graph, "Dense", options={"tied": owner}), add(graph, "add")
    mute(graph, [silent]).apply(graph)
    for source, end in ((x, (silent, "a")), (owner, (silent, "b")), (owner, (tied, "x"))):
        connect(source, *end).apply(graph)
    before = evaluate(graph)
    fit = Fitting(graph, before).wire(silent, (tied, "x"))
    assert fit.spec is not None
    assert problems(graph, before, fit, evaluate(after(graph, silent, (tied, "x"), None))) == []


def test_a_repair_goes_by_what_its_source_becomes() -> None:
    graph = Graph()
    x = add(graph, "input", value=np.ones((2, 3)))
    y = add(graph, "input", value=np.ones(6))
    silent, loss = add(graph, "add"), add(graph, "mse")
    mute(graph, [silent]).apply(graph)
    for source, end in ((y, (silent, "a")), (x, (silent, "b")), (silent, (loss, "prediction"))):
        connect(source, *end).apply(graph)
    fitting, end, was = Fitting(graph, evaluate(graph)), (loss, "target"), (silent, "a")
    assert fitting.wire(y, end, was).fault
    offered = repairs(fitting, loss, wired(y, end, was))
    assert offered
    for repair in offered:
        mended(graph, loss, repair.edit, repair.fit)


def test_a_module_that_fails_until_its_owner_is_fed_by_it_is_repaired() -> None:
    graph = Graph()
    x = add(graph, "input", value=np.ones((2, 1)))
    deep = add(graph, "input", value=np.ones((2, 3, 4)))
    edit, owner = add_module(graph, "Dense", examples.load_module("Dense"))
    edit.apply(graph)
    tied = add(graph, "Dense", options={"tied": owner})
    connect(x, owner, "x").apply(graph)
    connect(deep, tied, "x").apply(graph)
    fitting = Fitting(graph, evaluate(graph))
    assert fitting.wire(tied, (owner, "x")).fault
    for repair in repairs(fitting, owner, wired(tied, (owner, "x"))):
        mended(graph, owner, repair.edit, repair.fit)


def test_many_nodes_behind_are_not_all_looked_at() -> None:
    lines = ["u0 = a + 0"] + [f"u{i} = u{i - 1} * 1.5" for i in range(1, 40)]
    graph = compose("; ".join(lines), {"a": np.ones(3)})
    other = add(graph, "input", name="w", value=np.ones(4))
    end = (str(graph.id_of("u0")), "a")
    assert Fitting(graph, evaluate(graph)).wire(other, end).whole
    fit = Fitting(graph, evaluate(graph), most=10).wire(other, end)
    assert fit.spec == Spec((4,)) and not fit.whole


def test_a_wrong_prediction_is_noticed() -> None:
    """The planted defect."""
    graph, fitting, y = product_of(a=(3, 4), b=(4, 2))
    fit = fitting.wire(str(graph.id_of("b")), (y, "b"))
    before = evaluate(graph)
    assert problems(graph, before, fit, before) == []
    assert problems(graph, before, replace(fit, spec=Spec((3, 3))), before)
    assert problems(graph, before, replace(fit, fault="wrong"), before)


def test_a_repair_that_mends_nothing_is_noticed() -> None:
    """The planted defect."""
    graph, fitting, y = product_of(a=(3, 4), b=(2, 4))
    good = repairs(fitting, y)[0]
    mended(graph, y, good.edit, good.fit)
    for edit, fit in ((batch(), good.fit), (good.edit, replace(good.fit, spec=Spec((2, 2))))):
        with pytest.raises(AssertionError):
            mended(graph, y, edit, fit)


@pytest.mark.parametrize("dotted", [False, True])
def test_what_is_read_inside_a_module_is_told_of(dotted: bool) -> None:
    """The module's result stays a number; the value inside that a dot leads to gets longer."""
    given = {"x": np.ones(2), "w": np.ones(3), "v": np.ones(2)}
    graph = compose("h = 2 * x; y = sum(h); z = h + v; J = sum(z) + y + sum(w)", given)
    ids = {graph.name(n): n for n in graph.nodes}
    edit, instance = make_module(graph, [ids["h"], ids["y"]], "M")
    edit.apply(graph)
    if dotted:
        (reader,) = graph.of_op("output_of")
        add_dot(graph, [(reader, "module")], (0.0, 0.0))[0].apply(graph)
    fit = Fitting(graph, evaluate(graph)).wire(ids["w"], (instance, "x"), None)
    assert ids["z"] in fit.broken


def test_a_number_beside_a_matrix_is_made_one() -> None:
    """`h = tanh(x @ W1 + b1)` typed anew has a number for W1; the layer has to come of it."""
    graph = compose("h = tanh(x @ W1 + b1)", {"x": np.ones((5, 2))}, default=1.0)
    evaluation = evaluate(graph)
    product_node = next(iter(evaluation.faults))
    told = "give the right side 2 rows, as in (2, 8), or use * instead"
    assert told in evaluation.faults[product_node]
    offered = repairs(Fitting(graph, evaluation), product_node)
    best = next(r for r in offered if r.title == "Make W1 a parameter of the shape (2, 8)")
    assert best.fit.shape == "5×8"
    before = files.canonical_bytes(graph)
    undo = best.edit.apply(graph)
    w = str(graph.id_of("W1"))
    assert graph.nodes[w].op == "parameter" and graph.nodes[w].options["shape"] == (2, 8)
    assert graph.nodes[w].options["trainable"] and len(np.unique(graph.tensors[w])) == 16
    now = evaluate(graph)
    assert now.faults == {} and now.values[str(graph.id_of("h"))].shape == (5, 8)
    undo.apply(graph)
    assert files.canonical_bytes(graph) == before


def test_a_parameter_that_is_a_number_is_given_a_shape() -> None:
    graph = Graph()
    add, w = add_node(graph, "parameter", "W")
    add.apply(graph)
    add, x = add_node(graph, "input", "x", value=np.ones(3))
    add.apply(graph)
    add, y = add_node(graph, "matmul", "y")
    add.apply(graph)
    connect(w, y, "a").apply(graph)
    connect(x, y, "b").apply(graph)
    offered = repairs(Fitting(graph, evaluate(graph)), y)
    assert offered[0].title == "Give W the shape (8, 3)"
    offered[0].edit.apply(graph)
    assert evaluate(graph).values[y].shape == (8,)

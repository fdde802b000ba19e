"""Plans: buffers reused rightly, views, updates in place, failing kernels, numbers as IEEE has them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.compose import compose
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.program import Plan

pytestmark = pytest.mark.filterwarnings("error")
INPUT = ops.TABLE["input"]
LONG = bool(os.environ.get("GRADLOOM_LONG"))
CHAIN = 100_000 if LONG else 10_000


def interpreted(expansion: Expansion, states: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Every step into an array of its own: what a plan must agree with, bit for bit."""
    values: dict[str, Any] = {}
    for flat in expansion.nodes.values():
        dtype = {"int": np.int64, "bool": np.bool_}.get(flat.spec.kind, expansion.dtype)
        if flat.op.is_source:
            values[flat.id] = np.array(states.get(flat.id, expansion.feeds[flat.id]), dtype)
            continue
        args = [
            values[a].copy() if isinstance(a, str) else np.asarray(a, expansion.dtype)
            for a in flat.args
        ]
        out = np.empty(flat.spec.shape, dtype)
        with np.errstate(all="ignore"):
            flat.op.kernel(flat.options, tuple(map(expansion.spec, flat.args)))(*args, out)
        values[flat.id] = out
    return values


def random_expansion(grow_program: Callable[..., Any], seed: int) -> tuple[Expansion, list[Ref]]:
    program = grow_program(seed)
    graph = compose(program.text, program.inputs)
    expansion = expand(graph)
    output = graph.output()
    adjoints = differentiate(expansion, output)
    return expansion, [output, *adjoints.adjoint.values()]


@pytest.mark.parametrize("block", range(5))
def test_buffers_are_reused_rightly(block: int, grow_program: Callable[..., Any]) -> None:
    for seed in range(block * 30, block * 30 + 30):
        expansion, outputs = random_expansion(grow_program, seed)
        lean, full = Plan(expansion, outputs), Plan(expansion, outputs, keep=True)
        expected = interpreted(expansion, {})
        if full.is_scalar:
            continue  # runs on floats: no buffers
        for _ in range(2):  # the second run meets used buffers
            lean.run()
            full.run()
        for ref in outputs:
            wanted = expected[ref] if isinstance(ref, str) else np.asarray(ref)
            # sums over other strides may differ in the last bits; a wrong buffer differs in the first
            np.testing.assert_allclose(lean.value(ref), wanted, 1e-11, 1e-12)
            np.testing.assert_allclose(full.value(ref), wanted, 1e-11, 1e-12)
        for node_id in expansion.nodes:
            np.testing.assert_allclose(full.value(node_id), expected[node_id], 1e-11, 1e-12)


def test_lean_plans_hold_fewer_buffers(grow_program: Callable[..., Any]) -> None:
    """Otherwise the test above would compare two plans that keep everything."""
    expansion, outputs = random_expansion(grow_program, 3)
    lean, full = Plan(expansion, outputs[:1]), Plan(expansion, (), keep=True)
    owned = [
        {id(b.base if b.base is not None else b) for b in p._body.buffers.values()}
        for p in (lean, full)
    ]
    assert len(owned[0]) < len(owned[1])


def test_buffers_freed_too_early_are_noticed(
    grow_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: a liveness that forgets that views share a buffer."""
    from engine.program import _Arrays

    right = _Arrays._last_reads

    def wrong(self: Any, live: set[str], outputs: set[str]) -> dict[int, list[str]]:
        return {max(0, at - 4): ids for at, ids in right(self, live, outputs).items()}

    monkeypatch.setattr(_Arrays, "_last_reads", wrong)
    different = 0
    for seed in range(10):
        expansion, outputs = random_expansion(grow_program, seed)
        plan, expected = Plan(expansion, outputs), interpreted(expansion, {})
        plan.run()
        different += any(
            isinstance(r, str) and not np.array_equal(plan.value(r), expected[r]) for r in outputs
        )
    assert different


@pytest.mark.parametrize(
    "formula",
    ["T(w)[0] * 2", "reshape(w, (-1,))[1:4] + 1", "reshape(T(w), (1, 9))", "w[::-1][0]", "flatten(T(w))",
     "T(T(w)) - T(w[:, ::-1])[::-1, 0]", "concat(T(w), w[:, 0:2], axis=1)"],
)  # fmt: skip
def test_views_stay_right_when_the_source_changes(formula: str) -> None:
    w = np.arange(9.0).reshape(3, 3)
    graph = compose(f"y = {formula}", {"w": w})
    expansion = expand(graph)
    node, source = graph.output(), graph.id_of("w")
    plan = Plan(expansion, [node])
    for value in (w, -w, w**2):
        plan.set(source, value)
        plan.run()
        expected = interpreted(expansion, {source: value})
        np.testing.assert_array_equal(plan.value(node), expected[node])


# ---------------------------------------------------------------- assignments


def random_update(seed: int) -> tuple[Expansion, dict[str, Ref], list[str]]:
    """States of one shape, steps over them, and an assignment for each state."""
    rng = np.random.default_rng(seed)
    expansion = Expansion()
    states = [f"s{i}" for i in range(3)]
    for name in states:
        expansion.source(name, INPUT, rng.uniform(-1, 1, (3, 3)))
    refs: list[str] = list(states)
    for _ in range(int(rng.integers(2, 9))):
        a, b = (refs[int(rng.integers(len(refs)))] for _ in range(2))
        row, args, options = [
            ("add", (a, b), {}), ("mul", (a, 0.5), {}), ("sub", (a, b), {}), ("T", (a,), {}),
            ("index", (a,), {"at": "::-1"}), ("reshape", (a,), {"shape": (3, -1)}),
            ("tanh", (a,), {}), ("maximum", (a, b), {}), ("matmul", (a, b), {}),
            ("square", (a,), {}), ("relu", (a,), {}),
        ][int(rng.integers(11))]  # fmt: skip
        ref = expansion.append(ops.TABLE[row], args, options)
        assert isinstance(ref, str)
        refs.append(ref)
    assign: dict[str, Ref] = {s: refs[int(rng.integers(len(refs)))] for s in states}
    read = [r for r in refs[3:] if rng.random() < 0.3]
    return expansion, assign, read


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("block", range(4))
def test_assignments_happen_at_once_at_the_end(block: int, keep: bool) -> None:
    """States are swapped, copied, viewed and updated in place: all see the old values."""
    for seed in range(block * 150, block * 150 + 150):
        expansion, assign, read = random_update(seed)
        plan = Plan(expansion, read, keep=keep, assign=assign)
        states = {s: expansion.feeds[s] for s in assign}
        for _ in range(3):
            values = interpreted(expansion, states)
            plan.run()
            for ref in read:
                np.testing.assert_allclose(
                    plan.value(ref), values[ref], 1e-14, 1e-300, err_msg=f"seed {seed}, {ref}"
                )
            states = {s: values[ref] for s, ref in assign.items()}
            for s, value in states.items():
                np.testing.assert_allclose(
                    plan.value(s), value, 1e-14, 1e-300, err_msg=f"seed {seed}, {s}"
                )


def test_some_updates_are_in_place() -> None:
    """Otherwise the test above would test copies only."""
    chosen = 0
    for seed in range(100):
        expansion, assign, read = random_update(seed)
        chosen += len(Plan(expansion, read, assign=assign)._body._in_place)
    assert chosen > 20


def test_scalar_states_swap() -> None:
    expansion = Expansion()
    for name, value in (("a", 1.0), ("b", 2.0)):
        expansion.source(name, INPUT, np.asarray(value))
    plan = Plan(expansion, [], assign={"a": "b", "b": "a"})
    assert plan.is_scalar
    plan.run(times=3)
    assert (plan.number("a"), plan.number("b")) == (2.0, 1.0)


# ---------------------------------------------------------------- size


@pytest.mark.parametrize("shape", [(), (2,)], ids=["floats", "arrays"])
def test_a_long_chain_forward_and_backward_without_recursion(shape: tuple[int, ...]) -> None:
    """The planted defect is in the name: anything recursive ends at a depth of 1,000."""
    expansion = Expansion()
    node: Ref = expansion.source("x", INPUT, np.full(shape, 0.5))
    value, slope = math.tanh(0.5), 1 - math.tanh(0.5) ** 2
    node = expansion.append(ops.TABLE["tanh"], (node,))
    for _ in range(CHAIN - 1):
        node = expansion.append(ops.TABLE["sin"], (node,))
        value, slope = math.sin(value), slope * math.cos(value)
    output = expansion.append(ops.SUM, (node,), ops.SUM.defaults())
    adjoint = differentiate(expansion, output, ["x"]).adjoint["x"]
    plan = Plan(expansion, [node, adjoint])
    plan.run()
    np.testing.assert_allclose(np.ravel(plan.value(adjoint))[0], slope, rtol=1e-9)
    np.testing.assert_allclose(np.ravel(plan.value(node))[0], value, rtol=1e-10)


# ---------------------------------------------------------------- failures and IEEE


def test_a_failing_kernel_is_localised() -> None:
    graph = compose(
        "h = z * 2\nloss = softmax_cross_entropy(h, k)\nb = loss + 1\nfree = sum(h)",
        {"z": np.zeros((2, 3)), "k": np.array([0, 3])},
    )
    failed = Plan(expand(graph), (), keep=True).run_each()
    loss, behind = graph.id_of("loss"), graph.id_of("b")
    assert set(failed) == {loss, behind}
    assert "class 3 is not one of 0 to 2" in failed[loss]
    assert failed[behind] == ""
    plan = Plan(expand(graph), (), keep=True)
    with pytest.raises(ValueError, match="class 3"):
        plan.run()


@pytest.mark.parametrize(
    ("formula", "x", "expected"),
    [
        ("exp(x)", 1e4, math.inf), ("log(x)", 0.0, -math.inf), ("log(x)", -1.0, math.nan),
        ("1 / x", 0.0, math.inf), ("1 / x", -0.0, -math.inf), ("x / x", 0.0, math.nan),
        ("x^-1", 0.0, math.inf), ("x^0.5", -1.0, math.nan), ("sqrt(x)", -1.0, math.nan),
        ("x^300", 1e10, math.inf), ("sin(x)", math.inf, math.nan), ("cosh(x)", 1e4, math.inf),
        ("sinh(x)", -1e4, -math.inf), ("reciprocal(x)", -0.0, -math.inf),
        ("asin(x)", 2.0, math.nan), ("expm1(x)", 1e4, math.inf), ("log1p(x)", -1.0, -math.inf),
        ("sigmoid(x)", -1e4, 0.0), ("softplus(x)", 1e4, 1e4), ("x * x", 1e200, math.inf),
        ("log(x) * 0", 0.0, math.nan), ("exp(x) - exp(x)", 1e4, math.nan),
    ],
)  # fmt: skip
def test_single_numbers_follow_ieee(formula: str, x: float, expected: float) -> None:
    """`math` raises for these; both families of kernels must give IEEE's answer instead."""
    for shape in ((), (1,)):
        graph = compose(f"y = {formula} + 0 * 1", {"x": np.full(shape, x)})
        plan = Plan(expand(graph), [graph.output()])
        assert plan.is_scalar == (shape == ())
        plan.run()
        np.testing.assert_array_equal(np.ravel(plan.value(graph.output()))[0], expected)


def test_the_kinds_of_values_are_kept() -> None:
    graph = compose("a = x > 1\nb = where(a, 2, 3)\nc = x * a", {"x": 2.0})
    plan = Plan(expand(graph), (), keep=True)
    plan.run()
    assert plan.is_scalar
    assert plan.value(graph.id_of("a")).dtype == np.bool_
    assert plan.value(graph.id_of("c")).dtype == np.float64


def test_float32_documents_stay_float32(grow_program: Callable[..., Any]) -> None:
    for seed in range(20):
        program = grow_program(seed)
        graph = compose(program.text, program.inputs, "float32")
        expansion = expand(graph)
        output = graph.output()
        adjoints = differentiate(expansion, output).adjoint
        plan = Plan(expansion, (), keep=True)
        plan.run()
        double = interpreted(expand(compose(program.text, program.inputs)), {})
        assert all(plan.value(n).dtype != np.float64 for n in expansion.nodes)
        assert not plan.is_scalar
        assert abs(plan.number(output) - float(double[output])) < 1e-4 * (1 + abs(double[output]))
        assert adjoints


def test_the_kernel_family_follows_the_graph_and_not_what_is_kept() -> None:
    graph = compose("u = sum(q); y = tanh(w)", {"q": np.ones(3), "w": 0.7})
    plans = [Plan(expand(graph), [str(graph.id_of("y"))], keep=keep) for keep in (False, True)]
    for w in np.linspace(-2.0, 2.0, 200):
        for plan in plans:
            plan.set(str(graph.id_of("w")), w)
            plan.run()
        assert len({plan.number(str(graph.id_of("y"))) for plan in plans}) == 1


# ---------------------------------------------------------------- equal updates side by side


def momentum_updates(seed: int) -> tuple[Expansion, dict[str, Ref], list[str]]:
    """Parameters of several shapes with the same rule, gradients of every origin, and one odd rule."""
    rng = np.random.default_rng(seed)
    expansion = Expansion("float32" if seed % 2 else "float64")
    expansion.source("rate", INPUT, np.asarray(0.1, expansion.dtype))
    assign: dict[str, Ref] = {}
    read = []
    shared = expansion.source("q", INPUT, rng.uniform(-1, 1, (2, 3)).astype(expansion.dtype))
    for i in range(int(rng.integers(2, 6))):
        shape = [(2, 3), (2, 3), (3,), (4, 1), (17,)][int(rng.integers(5))]
        for name in (f"p{i}", f"m{i}"):
            expansion.source(name, INPUT, rng.uniform(-1, 1, shape).astype(expansion.dtype))
        p, m = f"p{i}", f"m{i}"
        origins: list[tuple[str, tuple[Ref, ...]]] = [("tanh", (p,)), ("sin", (m,)), ("cos", (p,))]
        row, args = origins[int(rng.integers(3))]
        gradient = expansion.append(ops.TABLE[row], args)
        if shape == (2, 3) and rng.random() < 0.5:
            gradient = shared
        elif rng.random() < 0.3:
            gradient = f"p{int(rng.integers(i + 1))}"
            gradient = gradient if expansion.spec(gradient).shape == shape else p
        elif rng.random() < 0.3:  # a view
            flipped = expansion.append(ops.TABLE["index"], (gradient,), {"at": "::-1"})
            assert isinstance(flipped, str)
            gradient = flipped
        kept = expansion.append(ops.TABLE["mul"], (0.9 if rng.random() < 0.7 else 0.8, m))
        new = expansion.append(ops.TABLE["add"], (kept, gradient))
        step = expansion.append(ops.TABLE["mul"], ("rate", new))
        assign |= {p: expansion.append(ops.TABLE["sub"], (p, step)), m: new}
        read += [new] * (rng.random() < 0.2) + [p]
    assign["rate"] = expansion.append(ops.TABLE["mul"], ("rate", 0.99))
    if rng.random() < 0.3:
        assign["p0"] = "p1" if expansion.spec("p1").shape == expansion.spec("p0").shape else "p0"
    return expansion, assign, [r for r in read if isinstance(r, str) and r not in assign]


def wrong_momentum(seeds: range) -> tuple[int, int]:
    """How many plans differ in a bit from step by step, and how many joined their updates."""
    different = joined = 0
    for seed in seeds:
        expansion, assign, read = momentum_updates(seed)
        plan = Plan(expansion, read, assign=assign)
        joined += any(flat.id.startswith("+") for flat in plan.order)
        states = {s: expansion.feeds[s] for s in assign}
        for _ in range(3):
            values = interpreted(expansion, states)
            plan.run()
            states = {s: values[ref] if isinstance(ref, str) else ref for s, ref in assign.items()}
            expected = {**{r: values[r] for r in read}, **states}
            different += any(not np.array_equal(plan.value(r), v) for r, v in expected.items())
    return different, joined


@pytest.mark.parametrize("chunk", [16, 1 << 15])
def test_equal_updates_are_joined_and_keep_their_bits(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.lanes.CHUNK", chunk)
    different, joined = wrong_momentum(range(150))
    assert different == 0
    assert joined > 30


@pytest.mark.parametrize("defect", ["too early", "copies", "numbers"])
def test_updates_joined_wrongly_are_noticed(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defects: states move before all have read them, a gradient is not copied to its
    place, different numbers count as equal."""
    from engine import lanes, program

    right, plain = lanes.lay_out, lanes._lane

    def moved(*args: Any) -> Any:
        layout = right(*args)
        joined = [f for f in layout.order if f.id.startswith("+") and f.op.elementwise]
        sources = [f for f in layout.order if f.op.is_source]
        rest = [f for f in layout.order if f not in joined and f not in sources]
        layout.order = sources + joined + rest
        return layout

    def uncopied(*args: Any) -> Any:
        layout = right(*args)
        layout.order = [f for f in layout.order if not f.id.startswith("+") or ".c" not in f.id]
        return layout

    def alike(*args: Any) -> Any:
        lane = plain(*args)
        return lane and lane._replace(form=without_numbers(lane.form))

    def without_numbers(form: Any) -> Any:
        return tuple(
            (part[0], part[1], tuple(("number",) if o[0] == "number" else o for o in part[2]))
            if isinstance(part, tuple)
            else part
            for part in form
        )

    if defect == "numbers":
        monkeypatch.setattr(lanes, "_lane", alike)
    else:
        monkeypatch.setattr(program, "lay_out", moved if defect == "too early" else uncopied)
    assert wrong_momentum(range(40))[0]

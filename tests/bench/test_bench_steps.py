"""One step beside PyTorch eager and JAX jit, in one process, in turns; prints, never judges.

Every library does the same arithmetic in float32 for networks (float64 for the scalar function) on
two threads. Rounds take turns, so a busy moment of the machine hits all three; a figure is the median
of the rounds.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import edits
from engine.compose import compose
from engine.differentiate import differentiate
from engine.expansion import expand
from engine.graph import Source
from engine.program import Plan
from engine.train.session import Training

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

THREADS = 2
ROUNDS = 21
ROUND_SECONDS = 0.1
LEARNING_RATE = 0.01

Step = Callable[[], Any]


def measured(steps: dict[str, Step]) -> dict[str, float]:
    """Median seconds a call, by name; the order of turns changes from round to round."""
    counts = {}
    for name, step in steps.items():
        for _ in range(3):
            step()
        begin = time.perf_counter()
        step()
        once = time.perf_counter() - begin
        counts[name] = max(3, int(ROUND_SECONDS / max(once, 1e-7)))
    taken: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            step, count = steps[name], range(counts[name])
            begin = time.perf_counter()
            for _ in count:
                step()
            taken[name].append((time.perf_counter() - begin) / len(count))
    return {name: statistics.median(times) for name, times in taken.items()}


def told(title: str, seconds: dict[str, float], goal: str) -> None:
    ours = seconds["gradloom"]
    load = (
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        if hasattr(os, "getloadavg")
        else ""
    )
    print(f"\n{title} (first goal: {goal} PyTorch; {load})")
    for name, value in seconds.items():
        print(f"  {name:<14}{value * 1e6:>12.2f} us {value / ours:>9.2f} x")


def arrays(sizes: tuple[int, ...], rows: int) -> tuple[Any, Any, list[Any], list[Any]]:
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, sizes[0])).astype(np.float32)
    y = random.integers(0, sizes[-1], rows)
    pairs = itertools.pairwise(sizes)
    weights = [(random.standard_normal(p) / np.sqrt(p[0])).astype(np.float32) for p in pairs]
    return x, y, weights, [np.zeros(n, np.float32) for n in sizes[1:]]


def ours(sizes: tuple[int, ...], rows: int, activation: str) -> Step:
    x, y, weights, biases = arrays(sizes, rows)
    values = {"x": x, "y": y}
    lines, last = [], "x"
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        values |= {f"W{i}": weight, f"b{i}": bias}
        formula = f"{last} @ W{i} + b{i}"
        last = f"h{i}"
        lines.append(
            f"{last} = {activation}({formula})" if i < len(weights) else f"{last} = {formula}"
        )
    lines.append(f"loss = softmax_cross_entropy({last}, y)")
    graph = compose("\n".join(lines), values, "float32")
    for name in values:
        node = graph.nodes[str(graph.id_of(name))]
        if name in "xy":
            options = {"source": "rows", "field": name}
            graph.put("tensors", node.id, None)
            graph.put("tensors", f"rows.{name}", values[name])
            graph.put("nodes", node.id, replace(node, op="data", options=options))
        else:
            graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    graph.put("sources", "rows", Source())
    edits.set_recipe(graph, learning_rate=LEARNING_RATE).apply(graph)
    return Training(graph, threads=THREADS).step


def pytorch(sizes: tuple[int, ...], rows: int, activation: str) -> Step:
    x, y, weights, biases = arrays(sizes, rows)
    torch.set_num_threads(THREADS)
    layers: list[Any] = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(*weight.shape)
        linear.weight.data, linear.bias.data = torch.tensor(weight.T.copy()), torch.tensor(bias)
        layers += [linear, {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[activation]()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loss_of = torch.nn.CrossEntropyLoss()
    tx, ty = torch.tensor(x), torch.tensor(y)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(model(tx), ty)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def with_jax(sizes: tuple[int, ...], rows: int, activation: str) -> Step:
    x, y, weights, biases = arrays(sizes, rows)
    function = {"tanh": jax.numpy.tanh, "relu": jax.nn.relu}[activation]

    def loss(parameters: list[tuple[Any, Any]], x: Any, y: Any) -> Any:
        for weight, bias in parameters[:-1]:
            x = function(x @ weight + bias)
        weight, bias = parameters[-1]
        return -jax.nn.log_softmax(x @ weight + bias)[jax.numpy.arange(rows), y].mean()

    @jax.jit
    def update(parameters: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters, x, y)
        moved = jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, gradients)
        return value, moved

    state = [
        [(jax.numpy.asarray(w), jax.numpy.asarray(b)) for w, b in zip(weights, biases, strict=True)]
    ]
    jx, jy = jax.numpy.asarray(x), jax.numpy.asarray(y)

    def step() -> float:
        value, state[0] = update(state[0], jx, jy)
        jax.block_until_ready(state[0])
        return float(value)

    return step


@pytest.mark.bench
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("sizes", "rows", "activation", "goal"),
    [((2, 8, 8, 2), 10, "tanh", "5 x"), ((784, 256, 128, 10), 64, "relu", "1 x")],
    ids=["2-8-8-2", "784-256-128-10"],
)
def test_step(sizes: tuple[int, ...], rows: int, activation: str, goal: str) -> None:
    steps = {
        "gradloom": ours(sizes, rows, activation),
        "PyTorch eager": pytorch(sizes, rows, activation),
        "JAX jit": with_jax(sizes, rows, activation),
    }
    first = [step() for step in steps.values()]
    assert max(first) - min(first) < 1e-4 * abs(first[0])  # the same arithmetic, or no comparison
    later = [[step() for _ in range(20)][-1] for step in steps.values()]
    assert max(later) - min(later) < 1e-3 * abs(later[0])
    told(
        f"one SGD step, {'-'.join(map(str, sizes))} {activation}, batch {rows}",
        measured(steps),
        goal,
    )


@pytest.mark.bench
@pytest.mark.timeout(300)
def test_scalar() -> None:
    graph = compose("J = cos(sin(x^2) + 3*x^2)", {"x": 1.0})
    x, output = graph.id_of("x"), graph.output()
    assert x is not None and output is not None
    expansion = expand(graph)
    derivative = differentiate(expansion, output, [x]).adjoint[x]
    plan = Plan(expansion, [output, derivative])

    def step() -> float:
        plan.set(x, 1.0)
        plan.run()
        return plan.number(derivative)

    def peer() -> float:
        v = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        torch.cos(torch.sin(v**2) + 3 * v**2).backward()
        return float(v.grad.item())

    with jax.enable_x64(True):
        function = jax.jit(
            jax.value_and_grad(lambda v: jax.numpy.cos(jax.numpy.sin(v**2) + 3 * v**2))
        )

        def compiled() -> float:
            return float(function(1.0)[1])

        steps = {"gradloom": step, "PyTorch eager": peer, "JAX jit": compiled}
        values = [s() for s in steps.values()]
        assert max(values) - min(values) < 1e-12
        told("J = cos(sin(x^2) + 3*x^2), value and derivative", measured(steps), "50 x")

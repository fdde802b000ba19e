"""One training step of a network in Gradloom, PyTorch and JAX, from the same numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.benchmark.work import OURS, Contender, Settings
from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source
from engine.ops.row import Array
from engine.train.session import Training

RATES = {"sgd": 0.01, "adam": 0.001}
STEPS_COMPARED = 20


@dataclass(frozen=True)
class Network:
    """A network with its data: `program` computes `loss` from `x`, `y` and the parameters.

    `of_torch(torch, parameters)` gives the modules and the loss; `of_jax(jax)` the loss as a function
    of the parameters, x and y.
    """

    program: str
    x: Array
    y: Array
    parameters: Mapping[str, Array]
    of_torch: Callable[[Any], tuple[Any, Any]]
    of_jax: Callable[[Any], Callable[..., Any]]
    optimizer: str = "sgd"


def training(network: Network, settings: Settings) -> dict[str, Contender]:
    """A step of each library, and the losses that they have to agree on."""
    makers: dict[str, Callable[[], Callable[[], float]]] = {
        OURS: lambda: our_step(document(network), settings.threads)
    }
    if "torch" in settings.peers:
        torch = settings.peers["torch"]
        torch.set_num_threads(settings.threads)
        makers["torch"] = lambda: torch_step(network, torch)
    if "jax" in settings.peers:
        makers["jax"] = lambda: jax_step(network, settings.peers["jax"])
    return {name: _contender(maker()) for name, maker in makers.items()}


def _contender(step: Callable[[], float]) -> Contender:
    def numbers(first: float) -> list[float]:
        return [first, [step() for _ in range(STEPS_COMPARED)][-1]]

    return Contender(step, numbers)


# ---------------------------------------------------------------- three libraries


def document(network: Network) -> Graph:
    """The network as a document, with its rows as data and its recipe."""
    values = {"x": network.x, "y": network.y, **network.parameters}
    graph = compose(network.program, values, "float32")
    for name in values:
        node = graph.nodes[str(graph.id_of(name))]
        if name in network.parameters:
            graph.put("nodes", node.id, replace(node, op="parameter", options={}))
            continue
        graph.put("tensors", node.id, None)
        graph.put("tensors", f"rows.{name}", values[name])
        options = {"source": "rows", "field": name}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    graph.put("sources", "rows", Source())
    recipe = edits.set_recipe(
        graph, optimizer=network.optimizer, learning_rate=RATES[network.optimizer]
    )
    recipe.apply(graph)
    return graph


def our_step(graph: Graph, threads: int) -> Callable[[], float]:
    return Training(graph, threads=threads).step


def torch_step(network: Network, torch: Any) -> Callable[[], float]:
    model, loss_of = network.of_torch(torch)
    rules = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = rules[network.optimizer](model.parameters(), lr=RATES[network.optimizer])
    x, y = torch.tensor(network.x), torch.tensor(network.y)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def jax_step(network: Network, jax: Any) -> Callable[[], float]:
    loss, np_ = network.of_jax(jax), jax.numpy
    rate, tree = RATES[network.optimizer], jax.tree

    def sgd(state: Any, gradients: Any) -> Any:
        return (tree.map(lambda p, g: p - rate * g, state[0], gradients),)

    def adam(state: Any, gradients: Any) -> Any:
        parameters, mean, square, t = state
        mean = tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
        square = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradients)
        first, second = 1 - 0.9**t, np_.sqrt(1 - 0.999**t)

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - rate / first * m / (np_.sqrt(v) / second + 1e-8)

        return tree.map(moved, parameters, mean, square), mean, square, t + 1

    rule = {"sgd": sgd, "adam": adam}[network.optimizer]

    def update(state: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state[0], x, y)
        return value, rule(state, gradients)

    compiled = jax.jit(update, donate_argnums=0)
    parameters = {n: np_.asarray(v) for n, v in network.parameters.items()}
    zeros = {n: np_.zeros_like(v) for n, v in parameters.items()}
    again = {n: np_.zeros_like(v) for n, v in parameters.items()}
    state = [
        (parameters, zeros, again, np_.ones((), np_.float32)) if rule is adam else (parameters,)
    ]
    x, y = np_.asarray(network.x), np_.asarray(network.y)

    def step() -> float:
        value, state[0] = compiled(state[0], x, y)
        jax.block_until_ready(state[0])
        return float(value)

    return step


# ---------------------------------------------------------------- layers one behind the other


def dense(
    sizes: Sequence[int],
    rows: int,
    *,
    squared: bool = False,
    relu: bool = False,
    optimizer: str = "sgd",
) -> Network:
    """Dense layers with tanh (or relu) between them, ended by softmax cross-entropy on classes;
    `squared` ends in tanh and the mean squared error on -1 and 1 instead."""
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, sizes[0])).astype(np.float32)
    y: Array = random.integers(0, sizes[-1], rows)
    if squared:
        y = random.choice([-1.0, 1.0], (rows, sizes[-1])).astype(np.float32)
    parameters: dict[str, Array] = {}
    for i, (n, m) in enumerate(itertools.pairwise(sizes), 1):
        parameters[f"W{i}"] = (random.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32)
        parameters[f"b{i}"] = np.zeros(m, np.float32)
    count = len(sizes) - 1
    form = "relu({})" if relu else "tanh({})"
    lines, last = [], "x"
    for i in range(1, count + 1):
        formula = f"{last} @ W{i} + b{i}"
        last = f"h{i}"
        lines.append(f"{last} = {form.format(formula) if i < count or squared else formula}")
    loss = "loss = mse({}, y)" if squared else "loss = softmax_cross_entropy({}, y)"
    lines.append(loss.format(last))

    def of_torch(torch: Any) -> tuple[Any, Any]:
        layers: list[Any] = []
        for i in range(1, count + 1):
            weight = parameters[f"W{i}"]
            linear = torch.nn.Linear(*weight.shape)
            linear.weight.data = torch.tensor(weight.T.copy())
            linear.bias.data = torch.tensor(parameters[f"b{i}"])
            layers += [linear, torch.nn.ReLU() if relu else torch.nn.Tanh()]
        model = torch.nn.Sequential(*(layers if squared else layers[:-1]))
        return model, torch.nn.MSELoss() if squared else torch.nn.CrossEntropyLoss()

    def of_jax(jax: Any) -> Callable[..., Any]:
        function = jax.nn.relu if relu else jax.numpy.tanh

        def loss(p: Any, x: Any, y: Any) -> Any:
            for i in range(1, count + 1):
                x = x @ p[f"W{i}"] + p[f"b{i}"]
                x = function(x) if i < count or squared else x
            if squared:
                return ((x - y) ** 2).mean()
            return -jax.nn.log_softmax(x)[jax.numpy.arange(rows), y].mean()

        return loss

    return Network("\n".join(lines), x, y, parameters, of_torch, of_jax, optimizer)


def lenet(rows: int) -> Network:
    """Two convolutions of 5x5 with relu and 2x2 max pooling (6 and 16 channels) on pictures of 28x28,
    then dense layers 400-120-84-10 (LeCun et al., Gradient-based learning, 1998, with relu)."""
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, 1, 28, 28)).astype(np.float32)
    y = random.integers(0, 10, rows)
    shapes = {"1": (6, 1, 5, 5), "2": (16, 6, 5, 5), "3": (400, 120), "4": (120, 84), "5": (84, 10)}
    parameters: dict[str, Array] = {}
    for name, shape in shapes.items():
        inputs = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
        drawn = random.standard_normal(shape) / np.sqrt(inputs)
        parameters[f"W{name}"] = drawn.astype(np.float32)
        wide = (shape[0], 1, 1) if len(shape) == 4 else (shape[1],)
        parameters[f"b{name}"] = np.zeros(wide, np.float32)
    program = """
        h1 = max_pool2d(relu(conv2d(x, W1, padding=2) + b1), window=2)
        h2 = max_pool2d(relu(conv2d(h1, W2) + b2), window=2)
        h3 = relu(flatten(h2) @ W3 + b3)
        h4 = relu(h3 @ W4 + b4)
        loss = softmax_cross_entropy(h4 @ W5 + b5, y)
    """

    def of_torch(torch: Any) -> tuple[Any, Any]:
        nn = torch.nn
        layers = [
            nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5),
            nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10),
        ]  # fmt: skip
        for i, layer in enumerate(layers, 1):
            weight = parameters[f"W{i}"]
            layer.weight.data = torch.tensor(weight if weight.ndim == 4 else weight.T.copy())
            layer.bias.data = torch.tensor(parameters[f"b{i}"].reshape(-1))
        first, second, *dense_layers = layers
        model = nn.Sequential(
            first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            dense_layers[0], nn.ReLU(), dense_layers[1], nn.ReLU(), dense_layers[2],
        )  # fmt: skip
        return model, nn.CrossEntropyLoss()

    def of_jax(jax: Any) -> Callable[..., Any]:
        lax, relu = jax.lax, jax.nn.relu

        def seen(x: Any, w: Any, padding: str) -> Any:
            return lax.conv_general_dilated(
                x, w, (1, 1), padding, dimension_numbers=("NCHW", "OIHW", "NCHW")
            )

        def pooled(x: Any) -> Any:
            window = (1, 1, 2, 2)
            return lax.reduce_window(x, -jax.numpy.inf, lax.max, window, window, "VALID")

        def loss(p: Any, x: Any, y: Any) -> Any:
            x = pooled(relu(seen(x, p["W1"], "SAME") + p["b1"]))
            x = pooled(relu(seen(x, p["W2"], "VALID") + p["b2"])).reshape(rows, -1)
            x = relu(x @ p["W3"] + p["b3"])
            x = relu(x @ p["W4"] + p["b4"])
            return -jax.nn.log_softmax(x @ p["W5"] + p["b5"])[jax.numpy.arange(rows), y].mean()

        return loss

    return Network(program, x, y, parameters, of_torch, of_jax)


NETWORKS: dict[str, Callable[[], Network]] = {
    "adam": lambda: dense((784, 256, 128, 10), 64, relu=True, optimizer="adam"),
    "lenet": lambda: lenet(64),
}
"""Networks that more than one work measures."""

"""Update rules equal PyTorch's, and settings that do nothing cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import edits
from engine.compose import compose
from engine.differentiate import differentiate
from engine.flatten import expand
from engine.graph import Graph, Source
from engine.program import Plan
from engine.train import lbfgs
from engine.train.minimum import minimize
from engine.train.optimizers import OPTIMIZERS, build, find
from engine.train.session import Training

torch = pytest.importorskip("torch")

START = {"a": np.array([[1.5, -0.7, 0.3], [0.2, 2.0, -1.1]]), "b": np.array([0.4, -0.9, 1.2])}
PROGRAM = "sum((a - 1) ** 2 * (a + b) ** 2) + sum(sin(3 * b)) + 0.1 * sum(a * b)"

CASES: list[tuple[str, float, dict[str, float], str, dict[str, Any]]] = [
    ("sgd", 0.01, {}, "SGD", {}),
    ("sgd", 0.01, {"weight_decay": 0.1}, "SGD", {"weight_decay": 0.1}),
    ("momentum", 0.01, {}, "SGD", {"momentum": 0.9}),
    ("momentum", 0.01, {"momentum": 0.5, "weight_decay": 0.1}, "SGD",
     {"momentum": 0.5, "weight_decay": 0.1}),
    ("nesterov", 0.01, {"weight_decay": 0.1}, "SGD",
     {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("adagrad", 0.1, {}, "Adagrad", {}),
    ("adagrad", 0.1, {"lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-6}, "Adagrad",
     {"lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-6}),
    ("adadelta", 1.0, {}, "Adadelta", {}),
    ("adadelta", 0.5, {"rho": 0.95, "eps": 1e-4, "weight_decay": 0.1}, "Adadelta",
     {"rho": 0.95, "eps": 1e-4, "weight_decay": 0.1}),
    ("rmsprop", 0.01, {}, "RMSprop", {}),
    ("rmsprop", 0.01, {"momentum": 0.9, "centered": 1.0, "alpha": 0.9, "weight_decay": 0.1},
     "RMSprop", {"momentum": 0.9, "centered": True, "alpha": 0.9, "weight_decay": 0.1}),
    ("adam", 0.05, {}, "Adam", {}),
    ("adam", 0.05, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.1}, "Adam",
     {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("adamw", 0.05, {}, "AdamW", {}),
    ("adamw", 0.05, {"weight_decay": 0.3}, "AdamW", {"weight_decay": 0.3}),
]  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize(("name", "lr", "settings", "peer", "options"), CASES)
def test_as_pytorch(
    name: str, lr: float, settings: dict[str, float], peer: str, options: dict[str, Any]
) -> None:
    ours = minimize(compose(PROGRAM, START), None, name, lr, 20, settings)
    a, b = (torch.tensor(v, requires_grad=True) for v in START.values())
    optimizer = getattr(torch.optim, peer)([a, b], lr=lr, **options)
    history = []
    for _ in range(20):
        loss = torch.sum((a - 1) ** 2 * (a + b) ** 2) + torch.sum(torch.sin(3 * b))
        loss = loss + 0.1 * torch.sum(a * b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    np.testing.assert_allclose(ours.history, history, rtol=1e-12, atol=1e-13)  # it passes 0
    np.testing.assert_allclose(ours.final["a"], a.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.final["b"], b.detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------ a network, 200 steps, batches


def network(optimizer: str, lr: float, settings: dict[str, float], **stage: Any) -> Graph:
    """Two layers on 30 rows, batches of 8 with a short last one, in float64."""
    random = np.random.default_rng(8)
    x, wide = random.standard_normal((30, 4)), random.standard_normal((4, 5)) / 2
    tall = random.standard_normal((5, 2)) / 2
    values = {"x": x, "y": np.cos(x[:, :2] + x[:, 2:]), "W": wide, "b": np.zeros(5), "V": tall}
    graph = compose("loss = mse(tanh(x @ W + b) @ V, y)", values)
    for name in "WbV":
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    for name in "xy":
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put("tensors", f"d.{name}", values[name])
        graph.put(
            "nodes", node.id, replace(node, op="data", options={"source": "d", "field": name})
        )
    graph.put("sources", "d", Source())
    chosen = {"optimizer": optimizer, "learning_rate": lr, "settings": settings, "batch_size": 8}
    edits.set_recipe(graph, **{**chosen, **stage}).apply(graph)
    return graph


def torch_network(
    graph: Graph, make: Callable[[Any], Any], after: Callable[..., None] | None = None
) -> tuple[list[float], dict[str, Any]]:
    """The same 200 steps in PyTorch: losses and parameters. `after(parameters)` changes gradients."""
    training = Training(graph)
    assert training.dataset is not None
    x, y = (torch.tensor(graph.tensors[f"d.{name}"]) for name in "xy")
    named = {
        name: torch.tensor(graph.tensors[str(graph.id_of(name))], requires_grad=True)
        for name in "WbV"
    }
    optimizer = make(list(named.values()))
    batch = graph.recipe.last.batch_size
    losses = []
    for step in range(200):
        epoch, position = divmod(step, training.steps_per_epoch)
        order = training.dataset.order(0, epoch) if batch else training.dataset.train
        rows = order[position * batch : (position + 1) * batch] if batch else order

        def closure(rows: Any = rows) -> Any:
            optimizer.zero_grad()
            z = torch.tanh(x[rows] @ named["W"] + named["b"]) @ named["V"]
            loss = torch.nn.functional.mse_loss(z, y[rows])
            loss.backward()
            if after is not None:
                after(list(named.values()))
            return loss

        losses.append(optimizer.step(closure).item())
    return losses, {name: p.detach().numpy() for name, p in named.items()}


def assert_equal_runs(graph: Graph, losses: list[float], named: dict[str, Any]) -> None:
    training = Training(graph)
    training.run(200)
    np.testing.assert_allclose(training.history, losses, rtol=1e-6, atol=1e-12)
    for node_id, value in training.parameters().items():
        np.testing.assert_allclose(value, named[graph.name(node_id)], rtol=1e-6, atol=1e-9)


@pytest.mark.peer
@pytest.mark.parametrize(("name", "lr", "settings", "peer", "options"), CASES)
def test_a_network_as_pytorch(
    name: str, lr: float, settings: dict[str, float], peer: str, options: dict[str, Any]
) -> None:
    graph = network(name, lr, settings)
    assert_equal_runs(
        graph, *torch_network(graph, lambda p: getattr(torch.optim, peer)(p, lr=lr, **options))
    )


class Lion(torch.optim.Optimizer):  # type: ignore[misc, name-defined]
    """Algorithm 2 of Chen et al., 2023, in PyTorch."""

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], decay: float) -> None:
        super().__init__(params, {})
        self.lr, self.betas, self.decay = lr, betas, decay

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Any) -> Any:
        with torch.enable_grad():
            loss = closure()
        first, second = self.betas
        for p in self.param_groups[0]["params"]:
            m = self.state[p].setdefault("m", torch.zeros_like(p))
            c = first * m + (1 - first) * p.grad
            p -= self.lr * (torch.sign(c) + self.decay * p)
            m.copy_(second * m + (1 - second) * p.grad)
        return loss


@pytest.mark.peer
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lion_as_its_paper(decay: float) -> None:
    graph = network("lion", 0.001, {"beta1": 0.8, "weight_decay": decay})
    run = torch_network(graph, lambda p: Lion(p, 0.001, (0.8, 0.99), decay))
    assert_equal_runs(graph, *run)


CLIPS: list[tuple[dict[str, float], Callable[[Any], None]]] = [
    ({"clip_norm": 0.05}, lambda p: torch.nn.utils.clip_grad_norm_(p, 0.05)),
    ({"clip_value": 0.01}, lambda p: torch.nn.utils.clip_grad_value_(p, 0.01)),
]


@pytest.mark.peer
@pytest.mark.parametrize(("stage", "after"), CLIPS)
@pytest.mark.parametrize("penalty", [0.0, 0.02])
def test_clipping_and_penalty_as_pytorch(
    stage: dict[str, float], after: Callable[[Any], None], penalty: float
) -> None:
    def change(parameters: Any) -> None:
        for p in parameters:
            p.grad += penalty * torch.sign(p.detach())
        after(parameters)

    graph = network("momentum", 0.05, {"weight_decay": 0.01}, l1_penalty=penalty, **stage)
    plain = network("momentum", 0.05, {"weight_decay": 0.01}, l1_penalty=penalty)

    def make(parameters: Any) -> Any:
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01)

    losses, named = torch_network(graph, make, change)
    assert_equal_runs(graph, losses, named)
    with pytest.raises(AssertionError):  # it does something
        assert_equal_runs(plain, losses, named)


# ------------------------------------------------------------ L-BFGS


@pytest.mark.peer
@pytest.mark.parametrize("wolfe", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"history_size": 3, "max_iter": 7}, {"max_eval": 9, "tolerance_change": 1e-12}]
)
def test_lbfgs_as_pytorch_on_a_convex_problem(wolfe: bool, settings: dict[str, int]) -> None:
    """Ridge regression of a badly scaled kind, and a softplus that has no closed form."""
    random = np.random.default_rng(4)
    a = random.standard_normal((40, 6)) * np.logspace(0, 1.5, 6)
    target = random.standard_normal(40)
    values = {"A": a, "t": target, "w": np.zeros(6), "c": np.ones(())}
    program = "mean((A @ w + c - t) ** 2) + mean(softplus(A @ w - c)) + 0.01 * sum(w ** 2) + c ** 2"
    rate = 1.0 if wolfe else 0.1
    ours = minimize(
        compose(program, values),
        ["w", "c"],
        "lbfgs",
        rate,
        10,
        {**settings, "strong_wolfe": float(wolfe)},
    )
    w, c = torch.zeros(6, dtype=torch.float64), torch.ones((), dtype=torch.float64)
    at, tt = torch.tensor(a), torch.tensor(target)
    for p in (w, c):
        p.requires_grad_()
    peer = torch.optim.LBFGS(
        [w, c], lr=rate, line_search_fn="strong_wolfe" if wolfe else None, **settings
    )

    def closure() -> Any:
        peer.zero_grad()
        soft = torch.nn.functional.softplus(at @ w - c, threshold=700)
        loss = torch.mean((at @ w + c - tt) ** 2) + torch.mean(soft)
        loss = loss + 0.01 * torch.sum(w**2) + c**2
        loss.backward()
        return loss

    history = [peer.step(closure).item() for _ in range(10)]
    np.testing.assert_allclose(ours.history, history, rtol=1e-6)
    np.testing.assert_allclose(ours.final["w"], w.detach().numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.final["c"], c.detach().numpy(), rtol=1e-6)
    assert history[-1] < 0.6 * history[0]


@pytest.mark.peer
def test_lbfgs_on_batches_as_pytorch() -> None:
    """All rows and few, clipped: each evaluation of a step reads the same rows."""
    for stage, lr in (({"batch_size": 0}, 1.0), ({"batch_size": 8, "clip_value": 0.5}, 0.05)):
        wolfe = not stage["batch_size"]
        settings = {"strong_wolfe": float(wolfe), "max_iter": 4.0}
        graph = network("lbfgs", lr, settings, **stage)

        def cut(parameters: Any, stage: Any = stage) -> None:
            if "clip_value" in stage:
                torch.nn.utils.clip_grad_value_(parameters, stage["clip_value"])

        def make(parameters: Any, lr: float = lr, wolfe: bool = wolfe) -> Any:
            search = "strong_wolfe" if wolfe else None
            return torch.optim.LBFGS(parameters, lr=lr, max_iter=4, line_search_fn=search)

        losses, _ = torch_network(graph, make, cut)
        training = Training(graph)
        training.run(20)
        np.testing.assert_allclose(training.history, losses[:20], rtol=1e-6)
        assert training.history[-1] < training.history[0]


@pytest.mark.peer
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rule_off_by_a_thousandth_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an optimizer does to a parameter, times 1.001, is another run at the tolerance used here."""
    row = OPTIMIZERS[name]
    graph = network(name, row.learning_rate, {})
    right = Training(graph)
    right.run(20)
    if row.program:
        wrong = replace(row, program=f"q = p\n{row.program}\np = q + 1.001 * (p - q)")
        monkeypatch.setitem(OPTIMIZERS, name, wrong)
    else:
        step = lbfgs.step

        def bent(memory: Any, x: Any, *rest: Any) -> Any:
            first, end = step(memory, x, *rest)
            return first, x + 1.001 * (end - x)

        monkeypatch.setattr(lbfgs, "step", bent)
    other = Training(graph)
    other.run(20)
    named = {graph.name(n): v for n, v in right.parameters().items()}
    with pytest.raises(AssertionError):
        for node_id, value in other.parameters().items():
            np.testing.assert_allclose(value, named[graph.name(node_id)], rtol=1e-6, atol=1e-9)


def test_defaults_are_pytorchs() -> None:
    """Every setting that has PyTorch's name has its default too."""
    peers = {"sgd": "SGD", "adagrad": "Adagrad", "adadelta": "Adadelta", "rmsprop": "RMSprop", "adam": "Adam",
             "adamw": "AdamW"}  # fmt: skip
    for name, peer in peers.items():
        theirs = dict(getattr(torch.optim, peer)([torch.zeros(1)]).defaults)
        theirs["beta1"], theirs["beta2"] = theirs.pop("betas", (0.0, 0.0))
        for key, setting in OPTIMIZERS[name].settings.items():
            assert setting.default == float(theirs[key]), (name, key)


@pytest.mark.parametrize("name", [name for name, row in OPTIMIZERS.items() if row.program])
def test_rule_reads_only_what_it_declares(name: str) -> None:
    row = OPTIMIZERS[name]
    graph = compose("sum(w ** 2)", {"w": np.ones(3)})
    w, loss = graph.id_of("w"), graph.output()
    assert w is not None and loss is not None
    expansion = expand(graph)
    adjoint = differentiate(expansion, loss, [w]).adjoint[w]
    updates = build(expansion, row, {w: adjoint}, {})
    assert updates.states[0] == "lr"
    assert {s.split(".")[-1] for s in updates.states} <= {"lr", "t", *row.states}
    assert row.doc.endswith(".") and row.source and row.label


def test_settings_that_do_nothing_cost_nothing() -> None:
    """No weight decay and no momentum leave a subtraction and a product for plain descent."""

    def steps(name: str, settings: dict[str, float]) -> int:
        graph = compose("sum(w ** 3)", {"w": np.ones(3)})
        w, loss = graph.id_of("w"), graph.output()
        assert w is not None and loss is not None
        expansion = expand(graph)
        adjoint = differentiate(expansion, loss, [w]).adjoint[w]
        bare = len(Plan(expansion, [loss, adjoint]).order)
        updates = build(expansion, find(name), {w: adjoint}, settings)
        return len(Plan(expansion, [loss], assign=updates.assign).order) - bare

    assert steps("sgd", {}) == 1 + 2  # the learning rate; product, difference
    assert steps("sgd", {"weight_decay": 0.1}) == 1 + 4
    assert steps("momentum", {"momentum": 0.0}) == 1 + 2
    assert steps("momentum", {}) == 2 + 4
    assert steps("rmsprop", {}) < steps("rmsprop", {"momentum": 0.9, "centered": 1.0})


def test_planted_wrong_rule_is_caught() -> None:
    """The comparison above sees a rule that is off by the place of eps alone."""
    graph = compose("x ** 2", {"x": 1.0})
    right = minimize(graph, None, "adagrad", 0.1, 20, {"eps": 1e-6}).final["x"]
    slightly = minimize(graph, None, "adagrad", 0.1, 20, {"eps": 1.1e-6}).final["x"]
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(slightly, right, rtol=1e-12)


def test_unknown_names_are_said() -> None:
    with pytest.raises(ValueError, match="there is no optimizer 'sdg'; choose sgd, momentum"):
        find("sdg")
    with pytest.raises(ValueError, match="adam has no setting 'momentum'; it has: beta1"):
        find("adam").settled({"momentum": 0.5})

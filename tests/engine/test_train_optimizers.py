"""Update rules equal PyTorch's, and settings that do nothing cost nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.compose import compose
from engine.differentiate import differentiate
from engine.flatten import expand
from engine.program import Plan
from engine.train.minimum import minimize
from engine.train.optimizers import OPTIMIZERS, build, find

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


def test_defaults_are_pytorchs() -> None:
    """Every setting that has PyTorch's name has its default too."""
    peers = {"sgd": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam",
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

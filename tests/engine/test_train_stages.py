"""Stages in order, frozen parameters, early stopping, states to go on from, and changes by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import network

from engine import edits, examples, files
from engine.compose import compose
from engine.graph import Graph, Recipe, Source, Stage
from engine.train import data, stages
from engine.train.minimum import minimize
from engine.train.problem import TrainingError
from engine.train.session import SAVE_EVERY, DivergedError, Training

RANDOM = np.random.default_rng(12)
X = RANDOM.standard_normal((23, 5)) @ RANDOM.standard_normal((5, 5)) / 2
WEIGHTS = {
    name: RANDOM.standard_normal(shape) / 2
    for name, shape in {"A": (5, 4), "B": (4, 5), "C": (4, 2), "D": (2, 4)}.items()
}


def chosen(graph: Graph, *stages: Stage, seed: int = 0) -> Graph:
    graph.put("settings", "recipe", Recipe(stages, seed))
    return graph


def ids(graph: Graph, *names: str) -> tuple[str, ...]:
    return tuple(str(graph.id_of(name)) for name in names)


def deep(*stages: Stage, seed: int = 0) -> Graph:
    """An auto-encoder of two layers, with a loss for each layer alone and one for both."""
    program = (
        "h = tanh(x @ A)\nfirst = mse(h @ B, x)\nk = tanh(h @ C)\nsecond = mse(k @ D, h)\n"
        "loss = mse(tanh(k @ D) @ B, y)"
    )
    graph = network(program, X, X, WEIGHTS)
    return chosen(graph, *(stages or (Stage(),)), seed=seed)


def greedy(**changes: Any) -> Graph:
    """Layer by layer, then all together."""
    graph = deep()
    first, second, loss, a = ids(graph, "first", "second", "loss", "A")
    plan: dict[str, Any] = {"batch_size": 5, "epochs": 6}
    parts = (
        Stage("first layer", first, learning_rate=0.2, **plan),
        Stage("second layer", second, (a,), "momentum", 0.05, {"momentum": 0.8}, **plan),
        Stage("fine", loss, learning_rate=0.1, **plan),
    )
    return chosen(graph, *(replace(s, **changes) for s in parts))


def named(training: Training) -> dict[str, Any]:
    return {training.graph.name(n): v for n, v in training.parameters().items()}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return set(a) == set(b) and all(a[k].tobytes() == b[k].tobytes() for k in a)


# ------------------------------------------------------------ greedy pre-training


def by_hand(orders: Callable[[int], Any], epochs: int = 6) -> list[dict[str, Any]]:
    """The same three stages in NumPy, the short last batch included: parameters after each."""
    w = {name: value.copy() for name, value in WEIGHTS.items()}
    velocity = {name: np.zeros_like(w[name]) for name in "CD"}
    ends = []
    for stage in range(3):
        for epoch in range(epochs):
            order = orders(stage * epochs + epoch)
            for begin in range(0, 23, 5):
                x = X[order[begin : begin + 5]]
                h = np.tanh(x @ w["A"])
                k = np.tanh(h @ w["C"])
                if stage == 0:
                    e = 2 * (h @ w["B"] - x) / x.size
                    g = {"B": h.T @ e, "A": x.T @ (e @ w["B"].T * (1 - h**2))}
                elif stage == 1:
                    e = 2 * (k @ w["D"] - h) / h.size
                    g = {"D": k.T @ e, "C": h.T @ (e @ w["D"].T * (1 - k**2))}
                else:
                    r = np.tanh(k @ w["D"])
                    e = 2 * (r @ w["B"] - x) / x.size
                    back = e @ w["B"].T * (1 - r**2)
                    inner = back @ w["D"].T * (1 - k**2)
                    g = {"B": r.T @ e, "D": k.T @ back, "C": h.T @ inner,
                         "A": x.T @ (inner @ w["C"].T * (1 - h**2))}  # fmt: skip
                for name, slope in g.items():
                    if stage == 1:
                        velocity[name] = 0.8 * velocity[name] + slope
                        w[name] = w[name] - 0.05 * velocity[name]
                    else:
                        w[name] = w[name] - (0.2 if stage == 0 else 0.1) * slope
        ends.append(dict(w))
    return ends


def test_greedy_pretraining_is_done_by_hand() -> None:
    training = Training(greedy())
    assert training.dataset is not None
    dataset = training.dataset
    ends = by_hand(lambda epoch: dataset.order(0, epoch))
    assert training.total_steps == 90 and training.steps_ahead() == 90
    for number, wanted in enumerate(ends):
        assert training.stage_number == number and training.stage_epoch == 0
        assert training.epoch == 6 * number
        before = named(training)
        training.run(30)
        after = named(training)
        for name, value in wanted.items():
            np.testing.assert_allclose(after[name], value, rtol=1e-10, atol=1e-12)
        frozen = {0: "CD", 1: "AB", 2: ""}[number]
        assert all(after[name].tobytes() == before[name].tobytes() for name in frozen)
        assert all(
            after[name].tobytes() != before[name].tobytes() for name in "ABCD" if name not in frozen
        )
    assert training.stage_number == 2 and training.step_count == 90
    assert training.steps_ahead() == 30  # the last stage over again
    training.run(5)
    assert training.stage_number == 2 and training.epoch == 19


@pytest.mark.parametrize("size", [1, 500])
def test_rows_in_blocks_are_the_same_rows(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data larger than memory are put in order a few batches at a time: the bits stay."""
    whole = Training(greedy())
    whole.run()
    monkeypatch.setattr(stages, "BLOCK_BYTES", size)
    blocks = Training(greedy())
    blocks.run()
    assert same(whole.parameters(), blocks.parameters())


def test_stages_on_different_data() -> None:
    """Fine-tuning on other rows than those it was trained on before."""
    graph = compose(
        "small = mse(x @ W, x)\nloss = mse(z @ W, z)", {"x": 0.0, "z": 0.0, "W": np.eye(5) / 2}
    )
    for name, rows in (("x", X), ("z", X[:6] + 1)):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"source": f"of_{name}", "field": "x"}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
        graph.put("tensors", f"of_{name}.x", rows)
        graph.put("sources", f"of_{name}", Source())
    w, small, loss = ids(graph, "W", "small", "loss")
    graph.put("nodes", w, replace(graph.nodes[w], op="parameter", options={}))
    chosen(
        graph, Stage("", small, batch_size=10, epochs=2), Stage("", loss, batch_size=4, epochs=3)
    )
    training = Training(graph)
    assert training.total_steps == 2 * 3 + 3 * 2
    training.run()
    assert training.dataset is not None
    value, step = np.eye(5) / 2, 0
    for rows, name, batch, epochs in ((X, "of_x", 10, 2), (X[:6] + 1, "of_z", 4, 3)):
        dataset = data.load(graph, name)
        for _ in range(epochs):
            order = dataset.order(0, step)
            step += 1
            for begin in range(0, len(rows), batch):
                x = rows[order[begin : begin + batch]]
                value = value - 0.1 * 2 * x.T @ (x @ value - x) / x.size
    np.testing.assert_allclose(training.parameters()[w], value, rtol=1e-11)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lion", "adadelta"])
def test_single_numbers_and_float32(optimizer: str) -> None:
    """Plans of Python floats as plans of arrays; float32 stays float32."""
    rate = {"lbfgs": 0.1, "lion": 0.05, "adadelta": 1.0}[optimizer]
    ends = []
    for start in (1.5, np.full(2, 1.5)):
        graph = compose("J = sum(cosh(w - 0.3)) + 0.1 * sum(w ** 4)", {"w": start})
        if np.ndim(start) == 0:
            graph = compose("J = cosh(w - 0.3) + 0.1 * w ** 4", {"w": start})
        found = minimize(graph, None, optimizer, rate, 30)
        ends.append(np.max(found.final["w"]))
        assert found.value < found.history[0]
    if optimizer != "lbfgs":
        assert ends[0] == pytest.approx(ends[1], rel=1e-12)
    graph = greedy(optimizer=optimizer, settings={}) if optimizer != "lbfgs" else everything()
    graph.put("settings", "dtype", "float32")
    training = Training(graph)
    training.run(60)
    assert {v.dtype for v in training.parameters().values()} == {np.dtype(np.float32)}


def test_to_the_end_of_the_recipe() -> None:
    whole, parts = Training(greedy()), Training(greedy())
    whole.run()
    for steps in (1, 28, 2, 31, 28):
        parts.run(steps)
    assert whole.step_count == parts.step_count == 90
    assert same(whole.parameters(), parts.parameters())
    assert Training(greedy()).steps_ahead(7) == 35  # six epochs of one stage and one of the next


def test_stages_of_no_epochs_are_passed_over() -> None:
    graph = greedy()
    stages = graph.recipe.stages
    chosen(graph, replace(stages[0], epochs=0), replace(stages[1], epochs=0), stages[2])
    training = Training(graph)
    assert training.stage_number == 2 and training.total_steps == 30
    training.run()
    assert training.step_count == 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": "n999"}, "stage 2 (second layer): its loss is no node of the document"),
        ({"frozen": "ACD"}, "second layer): second does not depend on a parameter that is not frozen"),
        ({"loss": "h"}, "stage 2 (second layer): h is not a single number; wrap it in mean"),
        ({"optimizer": "sdg"}, "stage 2 (second layer): there is no optimizer 'sdg'"),
        ({"settings": {"k": 1.0}}, "stage 2 (second layer): momentum has no setting 'k'"),
        ({"schedule": "cosin"}, "stage 2 (second layer): there is no schedule 'cosin'"),
        ({"schedule": "formula", "formula": "lr * k"}, "second layer): the schedule's formula: the name 'k'"),
        ({"title": "", "loss": "n999"}, "stage 2: its loss is no node"),
    ],
)  # fmt: skip
def test_a_wrong_stage_is_named(change: dict[str, Any], said: str) -> None:
    graph = greedy()
    if "frozen" in change:
        change = {"frozen": ids(graph, *change["frozen"])}
    if change.get("loss") == "h":
        change = {"loss": ids(graph, "h")[0]}
    first, second, third = graph.recipe.stages
    chosen(graph, first, replace(second, **change), third)
    with pytest.raises(ValueError) as caught:
        Training(graph)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_instance_freezes_all_inside() -> None:
    """Two dense modules, one frozen; and one of its parameters by path; a tied one freezes its owner."""
    graph = Graph()
    modules = "d = Dense(x, units=3)\ne = Dense(d, units=2)\nloss = sum(e ** 2)"
    graph = compose(modules, {"x": RANDOM.standard_normal((6, 4))}, modules=examples.SHIPPED)
    d, e = ids(graph, "d", "e")
    for frozen, moves in (((d,), {e}), ((e,), {d})):
        edits.set_recipe(graph, frozen=frozen).apply(graph)
        training = Training(graph, seed=1)
        training.run(3)
        assert {path.partition(".")[0] for path in training.parameters()} == moves
    paths = [n for n in Training(chosen(graph, Stage()), seed=1).parameters() if n.startswith(d)]
    edits.set_recipe(graph, frozen=(paths[0],)).apply(graph)
    assert set(paths) - set(Training(graph, seed=1).parameters()) == {paths[0]}


def test_a_frozen_tied_instance_freezes_what_it_uses() -> None:
    source = (
        "d = Dense(x, units=4)\ne = Dense(d, units=4)\nf = Dense(e, units=2)\nloss = sum(f ** 2)"
    )
    graph = compose(source, {"x": RANDOM.standard_normal((6, 4))}, modules=examples.SHIPPED)
    d, e, f = ids(graph, "d", "e", "f")
    edits.set_options(graph, e, {**graph.nodes[e].options, "tied": d}).apply(graph)
    edits.set_recipe(graph, frozen=(e,)).apply(graph)
    training = Training(graph, seed=1)
    assert {path.partition(".")[0] for path in training.parameters()} == {f}


# ------------------------------------------------------------ schedules and early stopping


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "settings", "peer", "options"),
    [
        ("step", {"every": 30, "gamma": 0.5}, "StepLR", {"step_size": 30, "gamma": 0.5}),
        ("exponential", {"gamma": 0.98}, "ExponentialLR", {"gamma": 0.98}),
        ("cosine", {}, "CosineAnnealingLR", {"T_max": 200}),
        ("warmup", {"length": 60}, "LinearLR", {"total_iters": 60}),
        ("onecycle", {}, "OneCycleLR", {"max_lr": 0.2, "total_steps": 200, "cycle_momentum": False}),
        ("formula", {}, "LambdaLR", {"lr_lambda": lambda t: 1 / (1 + 0.05 * t)}),
        ("plateau", {"patience": 1, "threshold": 0.05}, "ReduceLROnPlateau",
         {"patience": 1, "threshold": 0.05}),
    ],
)  # fmt: skip
def test_training_with_a_schedule_as_pytorch(
    name: str, settings: dict[str, float], peer: str, options: dict[str, Any]
) -> None:
    """200 steps of momentum on batches, the rates PyTorch's scheduler sets."""
    torch = pytest.importorskip("torch")
    graph = deep(
        Stage("", "", (), "momentum", 0.2, {}, name, settings, "lr / (1 + 0.05 * t)", False, 5, 40)
    )
    edits.set_recipe(graph, loss=ids(graph, "loss")[0]).apply(graph)
    training = Training(graph)
    training.run(200)
    w = {n: torch.tensor(v, requires_grad=True) for n, v in WEIGHTS.items()}
    optimizer = torch.optim.SGD(list(w.values()), lr=0.2, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, peer)(optimizer, **options)
    x, rates = torch.tensor(X), set()
    assert training.dataset is not None
    for epoch in range(40):
        order, total = training.dataset.order(0, epoch), 0.0
        for begin in range(0, 23, 5):
            rows = x[order[begin : begin + 5]]
            out = torch.tanh(torch.tanh(torch.tanh(rows @ w["A"]) @ w["C"]) @ w["D"]) @ w["B"]
            loss = torch.nn.functional.mse_loss(out, rows)
            total += loss.item() * len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.add(optimizer.param_groups[0]["lr"])
            if name != "plateau" and epoch * 5 + begin // 5 < 199:
                scheduler.step()
        if name == "plateau":
            scheduler.step(total / 23)
    assert len(rates) > 1
    for key, value in named(training).items():
        np.testing.assert_allclose(value, w[key].detach().numpy(), rtol=1e-6, atol=1e-9)


def stopping(validation: float = 0.3, **changes: Any) -> Graph:
    stage: dict[str, Any] = {
        "optimizer": "adam", "learning_rate": 0.02, "batch_size": 5, "epochs": 400, "patience": 4,
    }  # fmt: skip
    graph = deep(Stage(**{**stage, **changes}))
    graph.put("sources", "d", Source(validation=validation, seed=3))
    edits.set_recipe(graph, loss=ids(graph, "loss")[0]).apply(graph)
    return graph


@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_early_stopping_puts_the_best_parameters_back(validation: float) -> None:
    graph = stopping(validation, min_delta=0.002)
    training = Training(graph)
    training.run()
    assert training.stopped and training.notes == [training.stopped]
    by_itself = Training(stopping(validation, patience=0))
    assert by_itself.dataset is not None
    losses, kept, rows = [], [], len(by_itself.dataset.train)
    for _ in range(training.epoch):
        losses.append(0.0)
        for _ in range(by_itself.steps_per_epoch):
            count = min(5, rows - by_itself.step_count % by_itself.steps_per_epoch * 5)
            losses[-1] += by_itself.step() * count
        if validation:
            losses[-1] = by_itself.metrics()["validation"]["loss"]
        kept.append(by_itself.parameters())
    best, at, bad = np.inf, 0, 0
    for epoch, loss in enumerate(np.array(losses) / (1 if validation else 23)):
        bad += 1
        if loss < best - 0.002:
            best, at, bad = loss, epoch, 0
        assert bad < 4 or epoch == training.epoch - 1
    assert bad == 4 and same(training.parameters(), kept[at])
    what = "validation" if validation else "training"
    assert training.stopped == (
        f"stopped after epoch {training.epoch}: the {what} loss has not got smaller for 4 epochs; "
        f"the parameters are those after epoch {at + 1} ({best:.4g})"
    )
    assert training.run(3) > 0 and training.stopped == ""  # and it goes on when asked to


def test_a_stage_that_stops_early_makes_way_for_the_next() -> None:
    graph = greedy(patience=2, min_delta=1.0)
    training = Training(graph)
    training.run()
    assert training.epoch == 9 and training.step_count == training.total_steps == 45
    assert [note.split(":")[0] for note in training.notes] == [
        f"stage {i} ({title})"
        for i, title in ((1, "first layer"), (2, "second layer"), (3, "fine"))
    ]
    assert training.stopped == training.notes[-1]


def test_an_end_by_epochs_keeps_the_best_too() -> None:
    training = Training(stopping(0.3, epochs=12, patience=50, min_delta=1.0))
    training.run()
    assert "ended after epoch 12" in training.notes[0] and training.stopped == ""


# ------------------------------------------------------------ states to go on from


def everything(**changes: Any) -> Graph:
    """Three stages with schedules, clipping, early stopping, L-BFGS and random rows."""
    graph = deep()
    first, second, loss, a = ids(graph, "first", "second", "loss", "A")
    plan: dict[str, Any] = {"batch_size": 5, "epochs": 6}
    stages = (
        Stage("one", first, (), "adam", 0.05, schedule="cosine", clip_norm=0.5, patience=3, **plan),
        Stage("two", second, (a,), "lbfgs", 0.2, {"max_iter": 4.0}, schedule="plateau",
              schedule_settings={"patience": 0.0, "threshold": 0.2}, **plan),
        Stage("three", loss, (), "rmsprop", 0.01, schedule="onecycle", per_epoch=True,
              l1_penalty=0.001, clip_value=0.3, **plan),
    )  # fmt: skip
    graph.put("sources", "d", Source(validation=0.2, seed=1))
    return chosen(graph, *(replace(s, **changes) for s in stages))


def act(training: Training, at: int) -> None:
    """Changes by hand, some of them behind a certain step."""
    if at == 10:
        training.set_learning_rate(0.03)
    if at == 17:
        training.set_optimizer("nesterov", {"momentum": 0.5})
    if at == 60:
        node = training.moved[0]
        training.set_parameter(node, np.full_like(training.parameters()[node], 0.1))
    if at == 70:
        training.set_learning_rate(0.02)


@pytest.mark.parametrize("at", [0, 1, 13, 18, 24, 25, 33, 47, 48, 61, 71])
def test_going_on_in_every_stage(at: int) -> None:
    def run(training: Training, until: int) -> None:
        while training.step_count < until:
            act(training, training.step_count)
            training.step()

    whole, first = Training(everything(), seed=7), Training(everything(), seed=7)
    run(whole, 80)
    run(first, at)
    arrays, facts = first.state()
    text = json.dumps(facts, allow_nan=False)
    second = Training(everything())
    second.restore({key: value.copy() for key, value in arrays.items()}, json.loads(text))
    assert second.learning_rate == first.learning_rate
    assert same(second.state()[0], arrays) and second.state()[1] == facts
    run(second, 80)
    assert same(whole.parameters(), second.parameters())
    assert same(whole.state()[0], second.state()[0]) and whole.state()[1] == second.state()[1]
    assert (whole.stage_number, whole.epoch, whole.notes) == (
        second.stage_number, second.epoch, second.notes,
    )  # fmt: skip


def test_going_on_in_another_process(tmp_path: Path) -> None:
    graph = everything()
    files.write(graph, tmp_path / "a.gloom")
    training = Training(graph, seed=7)
    training.run(40)
    arrays, facts = training.state()
    np.savez(tmp_path / "state.npz", **arrays)
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    code = """if True:
        import json, numpy as np
        from pathlib import Path
        from engine import files
        from engine.train.session import Training
        training = Training(files.read(Path("a.gloom")))
        with np.load("state.npz") as kept:
            training.restore(dict(kept), json.loads(Path("facts.json").read_text()))
        training.run(40)
        np.savez("end.npz", **training.parameters())
    """
    root = str(Path(__file__).parents[2])
    env = {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    training.run(40)
    with np.load(tmp_path / "end.npz") as kept:
        assert same(training.parameters(), dict(kept))


def test_a_state_that_is_damaged_is_a_sentence() -> None:
    training = Training(everything())
    training.run(30)
    arrays, facts = training.state()
    for key in arrays:
        less = {k: v for k, v in arrays.items() if k != key}
        wrong = {**arrays, key: np.zeros((1, 2, 3))}
        for broken in (less, wrong):
            try:
                Training(everything()).restore(broken, facts)
            except TrainingError as error:
                assert "from its start" in str(error)
    for name in facts:
        for value in (None, "x", -5, [], {}):
            try:
                Training(everything()).restore(arrays, {**facts, name: value})
            except TrainingError as error:
                assert "from its start" in str(error)


# ------------------------------------------------------------ changes by hand


def test_a_live_rate_scales_the_schedule() -> None:
    graph = stopping(0.0, patience=0, schedule="exponential", schedule_settings={"gamma": 0.9})
    training = Training(graph)
    training.run(5)
    training.set_learning_rate(1.0)
    assert training.learning_rate == 1.0
    training.run(3)
    assert training.learning_rate == pytest.approx(0.9**3, rel=1e-12)
    training.set_learning_rate(0.0)
    assert training.learning_rate == 0.0
    zero = Training(stopping(0.0, patience=0, schedule="formula", formula="lr * (t > 3)"))
    zero.run(2)
    assert zero.learning_rate == 0
    zero.set_learning_rate(0.5)
    zero.run(2)
    assert zero.learning_rate == 0.5


def test_another_optimizer_goes_on_from_the_same_parameters() -> None:
    graph = stopping(0.0, patience=0)
    training = Training(graph)
    training.run(7)
    training.set_optimizer("momentum")
    other = Training(stopping(0.0, patience=0, optimizer="momentum"))
    other.load_parameters(training.parameters())
    other.step_count = 7
    training.run(20)
    other.run(20)
    assert same(training.parameters(), other.parameters())
    with pytest.raises(ValueError, match="there is no optimizer"):
        training.set_optimizer("nothing")
    with pytest.raises(ValueError, match="sgd has no setting"):
        training.set_optimizer("sgd", {"beta1": 0.5})


def test_a_weight_is_edited_by_hand() -> None:
    training = Training(greedy())
    a, c, d = ids(training.graph, "A", "C", "D")
    given = np.linspace(-1, 1, 20).reshape(5, 4)
    training.set_parameter(a, given)
    assert training.parameters()[a].tobytes() == given.tobytes()
    training.run(35)  # the second stage reads A without moving it
    training.set_parameter(a, given / 2)
    h = np.tanh(X @ given / 2)
    weights = training.parameters()
    wanted = np.mean((np.tanh(h @ weights[c]) @ weights[d] - h) ** 2)
    assert training.metrics()["train"]["second"] == pytest.approx(wanted, rel=1e-12)
    training.run(20)
    assert training.parameters()[a].tobytes() == (given / 2).tobytes()
    for value, why in ((np.zeros(3), "does not fit"), (np.full((5, 4), np.nan), "not finite")):
        with pytest.raises(TrainingError, match=f"the value given for A .*{why}"):
            training.set_parameter(a, value)
    with pytest.raises(TrainingError, match="x is nothing that training moves"):
        training.set_parameter(ids(training.graph, "x")[0], X)


# ------------------------------------------------------------ divergence with all of that


def wild(kind: str, **changes: Any) -> Graph:
    """Two stages: parameters of a document or inside modules, with dropout or without."""
    random = np.random.default_rng(2)
    dense = "modules" in kind
    layer = "Dense(x, units=6)" if dense else "tanh(x @ A + b)"
    if "dropout" in kind:
        layer = f"dropout({layer}, 0.3)"
    program = f"h = {layer}\nz = h @ V\nloss = mse(z, y)\nsmall = mean(z ** 2)"
    x = random.standard_normal((23, 3))
    y = np.sin(x @ [[1.0], [-2.0], [0.5]])
    parameters = {"V": random.standard_normal((6, 1))}
    if not dense:
        parameters |= {"A": random.standard_normal((3, 6)), "b": np.zeros(6)}
    values = {"x": x, "y": y, **parameters}
    graph = compose(program, values, modules=examples.SHIPPED)
    for name in parameters:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    for name in "xy":
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put(
            "nodes", node.id, replace(node, op="data", options={"source": "d", "field": name})
        )
        graph.put("tensors", f"d.{name}", values[name])
    graph.put("sources", "d", Source())
    plan: dict[str, Any] = {"batch_size": 4, "epochs": 15, "learning_rate": 0.02, **changes}
    loss, small = ids(graph, "loss", "small")
    return chosen(graph, Stage("a", small, **plan), Stage("b", loss, **plan))


@pytest.mark.parametrize("kind", ["plain", "dropout", "modules", "modules and dropout"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("lead", [0, 5, SAVE_EVERY, 89, 90, 91, 95, 90 + SAVE_EVERY])
def test_divergence_goes_back_in_every_stage(kind: str, optimizer: str, lead: int) -> None:
    """The parameters kept are those after a step whose loss was finite, bit by bit."""
    settings = {"max_iter": 2.0} if optimizer == "lbfgs" else {}
    graph = wild(kind, optimizer=optimizer, settings=settings, schedule="cosine")
    calm, bad = Training(graph, seed=2), Training(graph, seed=2)
    if lead:
        bad.run(lead)
    bad.set_learning_rate(1e200)
    with pytest.raises(DivergedError) as caught:
        bad.run(200)
    assert bad.step_count in (caught.value.step - 1, caught.value.step - 2)
    assert bad.step_count >= max(lead - 1, 0)
    assert all(np.isfinite(v).all() for v in bad.parameters().values())
    assert len(bad.history) == bad.step_count
    steps = min(bad.step_count, lead)
    if steps:
        calm.run(steps)
    if bad.step_count <= lead:
        assert same(calm.parameters(), bad.parameters())
        assert calm.history == bad.history
        assert calm.stage_number == bad.stage_number
    bad.set_learning_rate(1e-6)
    bad.run(3)  # and it can go on


def test_divergence_after_changes_by_hand() -> None:
    """A changed optimizer and an edited weight are done again on the way back."""

    def lead(training: Training) -> None:
        training.run(20)
        training.set_optimizer("momentum", {"momentum": 0.7})
        training.run(5)
        key = training.moved[0]
        training.set_parameter(key, training.parameters()[key] * 0.5)
        training.run(5)
        training.set_learning_rate(0.03)
        training.run(3)

    graph = wild("dropout", optimizer="adam")
    calm, bad = Training(graph), Training(graph)
    lead(calm)
    lead(bad)
    bad.set_learning_rate(1e250)
    with pytest.raises(DivergedError):
        bad.run(50)
    assert bad.step_count == 33  # the first step at that rate overshot
    assert same(calm.parameters(), bad.parameters())
    bad.set_learning_rate(0.03)
    calm.run(70)
    bad.run(70)
    assert same(calm.parameters(), bad.parameters())


def test_a_weight_that_makes_the_loss_infinite_is_taken_back() -> None:
    graph = compose("J = w ** 4", {"w": 1.5})
    edits.set_recipe(graph, learning_rate=0.001).apply(graph)
    training = Training(graph, wrt=ids(graph, "w"))
    training.run(3)
    before = training.parameters()
    training.step()
    training.set_parameter(*ids(graph, "w"), 1e300)
    with pytest.raises(DivergedError):
        training.step()
    assert training.step_count == 3 and same(before, training.parameters())


def test_a_loss_that_hands_a_metric_on_is_measured_under_its_own_name() -> None:
    """A muted node is the metric's step; both are told, and an epoch's loss is found."""
    x = np.random.default_rng(0).standard_normal((12, 2))
    graph = network(
        "z = x @ W\nm = r2(z, y)\nloss = 0 - m", x, x[:, :1], {"W": np.ones((2, 1))},
        epochs=2, patience=2,
    )  # fmt: skip
    loss = graph.nodes[str(graph.id_of("loss"))]
    graph.put("nodes", loss.id, replace(loss, muted=True))
    graph.put("sources", "d", replace(graph.sources["d"], validation=0.25))
    training = Training(graph)
    training.run()
    measured = training.metrics()["validation"]
    assert measured["loss"] == measured["m"]

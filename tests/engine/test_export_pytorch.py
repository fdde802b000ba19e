"""Exported PyTorch scripts compute what the engine does: values, gradients, losses step by step."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_shipped_modules import used

from engine import check, edits, examples, lessons, ops
from engine.compose import compose
from engine.derive import derive
from engine.evaluate import evaluate
from engine.export import expressions, loops
from engine.export.names import RESERVED, Names, comment, identifier
from engine.export.pytorch import script
from engine.export.values import ExportError
from engine.graph import Graph, Source, Stage
from engine.ops.row import Op
from engine.recipe import Recipe
from engine.shapes import Kind, Spec
from engine.train.session import Training

torch = pytest.importorskip("torch", reason="the test environment installs torch")
pytestmark = pytest.mark.peer
CHILD = Path(__file__).with_name("run_exported.py")
PROGRAMS = 200 if os.environ.get("GRADLOOM_LONG") else 20
KINDS: dict[str, Kind] = {"f": "float", "i": "int", "u": "int", "b": "bool"}

Results = Mapping[str, Mapping[str, Any]]


def run(graphs: Mapping[str, Graph], folder: Path) -> Results:
    """Exports documents, runs the scripts in one process, and gives what each found."""
    paths = []
    for name, graph in graphs.items():
        made = script(graph, None, f"{name}.py")
        path = folder / f"{name}.py"
        path.write_text(made.text, "utf-8")
        if made.arrays:
            path.with_suffix(".npz").write_bytes(made.npz())
        paths.append(str(path))
    kept = folder / "results.npz"
    done = subprocess.run(
        [sys.executable, str(CHILD), str(kept), *paths],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = {name: {} for name in graphs}
    with np.load(kept) as results:
        for key in results.files:
            name, _, part = key.partition("/")
            found[name][part] = results[key]
    return found


# ---------------------------------------------------------------- rows


def spelled(op: Op, case: Any, values: list[Any]) -> str:
    """A row at a case as a Python expression over x0, x1, ..."""
    options = {**dict.fromkeys(op.statics, 0), **op.defaults(), **case.options}
    counts = [int(np.count_nonzero(v)) if v.dtype == bool else None for v in values]
    specs = [
        Spec(v.shape, KINDS[v.dtype.kind], count=n) for v, n in zip(values, counts, strict=True)
    ]
    operands = tuple(expressions.named(f"x{i}", spec) for i, spec in enumerate(specs))
    return expressions.apply(op, operands, options, op.shape(options, *specs)).text


VISIBLE = [op for op in ops.TABLE.values() if not op.is_source and not op.hidden]
WITHOUT = {"top_k_accuracy", "confusion_matrix", "output_of"}
"""Rows that have no spelling; `output_of` is no step."""


@pytest.mark.parametrize("op", [o for o in VISIBLE if o.name not in WITHOUT], ids=lambda o: o.name)
def test_row_as_it_is_spelled(op: Op) -> None:
    rng = np.random.default_rng(11)
    for case in check.cases_of(op):
        values = [np.asarray(v) for v in check.operands(op, case, rng)]
        if "::-" in case.options.get("at", ""):
            continue  # PyTorch takes no steps backwards
        text = spelled(op, case, values)
        theirs = {
            f"x{i}": torch.tensor(v, requires_grad=v.dtype.kind == "f")
            for i, v in enumerate(values)
        }
        torch.set_default_dtype(torch.float64)
        try:
            space = {
                "torch": torch,
                "functional": torch.nn.functional,
                "self": torch.nn.Module().eval(),
            }
            y = eval(text, {**space, **theirs})
        finally:
            torch.set_default_dtype(torch.float32)
        if "clock" in op.statics and "training" not in op.statics:
            continue
        options = {**op.defaults(), **case.options}
        said = ", ".join([*theirs, *(f"{k}={v!r}" for k, v in options.items())])
        seed = np.random.default_rng(5).uniform(0.5, 1.5, tuple(y.shape))
        floats = [n for n, t in theirs.items() if t.requires_grad]
        given = {f"x{i}": v for i, v in enumerate(values)}
        ours = derive(f"y = {op.name}({said})\nJ = sum(y * seed)", {**given, "seed": seed}, floats)
        np.testing.assert_allclose(
            ours.nodes["y"][0], y.detach().numpy(), 1e-12, 1e-13, err_msg=text
        )
        if not y.requires_grad:
            continue
        total = (y * torch.tensor(seed)).sum()
        slopes = torch.autograd.grad(total, [theirs[n] for n in floats], allow_unused=True)
        for name, slope in zip(floats, slopes, strict=True):
            wanted = np.zeros(theirs[name].shape) if slope is None else slope.numpy()
            np.testing.assert_allclose(ours.gradients[name], wanted, 1e-10, 1e-12, err_msg=text)


def test_rows_without_a_spelling_are_refused() -> None:
    graph = compose("top_k_accuracy(z, t, k=1)", {"z": np.eye(3), "t": np.array([0, 1, 2])})
    with pytest.raises(
        ExportError, match=r"v1 needs the operator top_k_accuracy, which has no spell"
    ):
        script(graph)
    assert {op.name for op in VISIBLE if not ops_spell(op)} == WITHOUT


def ops_spell(op: Op) -> bool:
    from engine.ops import pytorch

    return op.name in pytorch._SPELLINGS or pytorch.is_written(op)


# ---------------------------------------------------------------- documents that train nothing


def compare_values(graph: Graph, found: Mapping[str, Any]) -> None:
    ours = evaluate(graph)
    output = str(ours.output)
    np.testing.assert_allclose(found["value"], ours.values[ours.step_of(output)], 1e-12, 1e-13)
    for node in graph.order():
        slope = ours.gradients.get(node)
        key = f"g.{graph.name(node)}"
        if graph.op(node).is_source and slope is not None and key in found:
            size = max(float(np.abs(slope).max(initial=0)), 1.0)
            np.testing.assert_allclose(found[key], slope, 1e-12, 1e-12 * size, err_msg=key)


def test_random_programs(grow_program: Callable[..., Any], tmp_path: Path) -> None:
    graphs, refused = {}, 0
    for seed in range(PROGRAMS):
        program = grow_program(seed, 20)
        graph = compose(program.text, program.inputs)
        try:
            script(graph)
        except ExportError:
            refused += 1
            continue
        graphs[f"p{seed}"] = graph
    assert refused <= PROGRAMS // 4
    found = run(graphs, tmp_path)
    for name, graph in graphs.items():
        assert any(key.startswith("g.") for key in found[name])
        compare_values(graph, found[name])


def test_the_worked_example_prints_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "worked.py"
    path.write_text(script(examples.load("worked-example")).text, "utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "J", "-0.7649205628044862", "gradient", "at", "x", "4.560791790678778"
    ]  # fmt: skip


# ---------------------------------------------------------------- documents that train


def short(graph: Graph, steps: int = 24, **stage: Any) -> Graph:
    """A copy whose stages have some steps each, changed by `stage`."""
    copy = graph.copy()
    stages = tuple(replace(s, **stage) for s in copy.recipe.stages)
    copy.put("settings", "recipe", Recipe(stages, copy.recipe.seed))
    each = max(1, steps // max(Training(copy).steps_per_epoch, 1))
    stages = tuple(replace(s, epochs=each) for s in stages)
    copy.put("settings", "recipe", Recipe(stages, copy.recipe.seed))
    return copy


def compare_losses(graph: Graph, found: Mapping[str, Any]) -> None:
    training = Training(graph)
    training.run()
    assert len(found["losses"]) == len(training.history) >= 20
    np.testing.assert_allclose(found["losses"], training.history, 1e-9, 1e-12)
    for node, value in training.parameters().items():
        if node in graph.nodes:
            np.testing.assert_allclose(found[f"p.{graph.name(node)}"], value, 1e-8, 1e-10)


def test_examples_that_train(tmp_path: Path) -> None:
    graphs = {}
    for name in ("xor", "your-csv", "softmax-digits", "training-loop"):
        graphs[name] = short(examples.load(name))
    graphs["lesson"] = short(lessons.load("training"))
    assert "    prediction = wx + self.b\n" in script(graphs["lesson"]).text
    found = run(graphs, tmp_path)
    for name, graph in graphs.items():
        compare_losses(graph, found[name])


def network(program: str, parameters: Mapping[str, tuple[int, ...]], **stage: Any) -> Graph:
    """A network on 30 rows of 4 features with 3 classes; `y` is the class, `t` two numbers."""
    random = np.random.default_rng(8)
    x = random.standard_normal((30, 4))
    fields = {"x": x, "y": np.arange(30) % 3, "t": np.cos(x[:, :2] + x[:, 2:])}
    values = {n: random.standard_normal(s) / 2 for n, s in parameters.items()}
    read = {
        n: v
        for n, v in fields.items()
        if f"{n}" in program.replace("(", " ").replace(")", " ").replace(",", " ").split()
    }
    graph = compose(program, {**read, **values})
    graph.put("sources", "d", Source())
    for name, value in fields.items():
        graph.put("tensors", f"d.{name}", value)
    for name in read:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put(
            "nodes", node.id, replace(node, op="data", options={"source": "d", "field": name})
        )
    for name in parameters:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    edits.set_recipe(graph, **{"batch_size": 8, "learning_rate": 0.05, **stage}).apply(graph)
    return short(graph)


PLAIN = "loss = mse(tanh(x @ W + b) @ V, t)"
SIZES = {"W": (4, 5), "b": (5,), "V": (5, 2)}
OPTIMIZERS: list[tuple[str, dict[str, float]]] = [
    ("sgd", {}), ("sgd", {"weight_decay": 0.1}), ("momentum", {}), ("momentum", {"momentum": 0.0}),
    ("nesterov", {"weight_decay": 0.1}), ("adagrad", {"lr_decay": 0.1}), ("adadelta", {"rho": 0.95}),
    ("rmsprop", {"momentum": 0.9, "centered": 1.0}), ("adam", {}), ("adam", {"beta1": 0.8, "eps": 1e-6}),
    ("adamw", {}), ("adamw", {"weight_decay": 0.0}), ("lion", {}), ("lion", {"weight_decay": 0.1}),
]  # fmt: skip
SCHEDULES: list[dict[str, Any]] = [
    {"schedule": "step", "schedule_settings": {"every": 3.0}},
    {"schedule": "exponential"},
    {"schedule": "cosine"},
    {"schedule": "warmup", "per_epoch": True},
    {"schedule": "onecycle"},
    {"schedule": "formula", "formula": "lr / (1 + t / steps) + 0 * epoch"},
    {"schedule": "cosine", "schedule_settings": {"length": 5.0}, "per_epoch": True},
]
LOSSES: dict[str, tuple[str, dict[str, tuple[int, ...]]]] = {
    "penalty": (f"{PLAIN} + 0.01 * l2(W)", SIZES),
    "classes": ("loss = softmax_cross_entropy(relu(x @ W + b) @ V, y)", {**SIZES, "V": (5, 3)}),
    "hidden": ("h = tanh(x @ W + b)\nloss = mse(h @ V, t) + 0.1 * mean(abs(h))", SIZES),
    "reconstruction": (
        "loss = mse(tanh(flatten(x) @ W) @ V, flatten(x))",
        {"W": (4, 2), "V": (2, 4)},
    ),
    "no_data": ("loss = sum((W - 1)^2) + W[0, 0] * W[1, 1]", {"W": (2, 2)}),
    "own_formula": ("p = x @ W\nloss = mean(where(p > t, 2 * (p - t), t - p))", {"W": (4, 2)}),
}


def test_optimizers_schedules_and_losses(tmp_path: Path) -> None:
    graphs = {}
    for number, (name, settings) in enumerate(OPTIMIZERS):
        graphs[f"o{number}_{name}"] = network(PLAIN, SIZES, optimizer=name, settings=settings)
    for number, stage in enumerate(SCHEDULES):
        graphs[f"s{number}"] = network(PLAIN, SIZES, **stage)
    for name, (program, sizes) in LOSSES.items():
        graphs[name] = network(program, sizes)
    graphs["cut"] = network(PLAIN, SIZES, clip_norm=0.05, clip_value=0.04, l1_penalty=0.01)
    found = run(graphs, tmp_path)
    for name, graph in graphs.items():
        compare_losses(graph, found[name])


def test_curvature(tmp_path: Path) -> None:
    """L-BFGS evaluates the loss several times a step, so it takes the loop's lines as a function."""
    stage = {
        "optimizer": "lbfgs",
        "batch_size": 0,
        "learning_rate": 1.0,
        "settings": {"max_iter": 4.0},
    }
    graph = network(PLAIN, SIZES, **{**stage, "settings": {"max_iter": 4.0, "strong_wolfe": 1.0}})
    found = run({"curvature": graph}, tmp_path)["curvature"]
    training = Training(graph)
    training.run()
    np.testing.assert_allclose(found["losses"][:12], training.history[:12], 1e-6)


def test_stages_with_frozen_parameters(tmp_path: Path) -> None:
    """Greedy pre-training: a loss for each of two layers, the first one kept in the second stage."""
    program = (
        "h = tanh(x @ W)\nfirst = mse(h @ A, x)\nloss = mse(tanh(h @ U) @ V, t) + 0.001 * l2(V)"
    )
    sizes = {"W": (4, 3), "A": (3, 4), "U": (3, 3), "V": (3, 2)}
    graph = network(program, sizes)
    w, first = str(graph.id_of("W")), str(graph.id_of("first"))
    loss = str(graph.id_of("loss"))
    graph.put("settings", "output", loss)
    stages = (
        Stage("layer 1", first, learning_rate=0.2, batch_size=8, epochs=3),
        Stage("layer 2", loss, (w,), "adam", 0.01, batch_size=10, epochs=3),
        Stage("all", loss, learning_rate=0.05, batch_size=0, epochs=4),
    )
    graph.put("settings", "recipe", Recipe(stages, 5))
    found = run({"staged": graph}, tmp_path)["staged"]
    compare_losses(graph, found)
    text = script(graph).text
    assert "only(model.U, model.V)" in text and "model.forward_1(x)" in text


@pytest.mark.parametrize("names", [("Dense", "MLP", "LSTM"), ("Autoencoder", "TransformerBlock")])
def test_modules_are_flattened(names: tuple[str, ...], tmp_path: Path) -> None:
    graphs = {}
    for name in names:
        graph, _ = used(name)
        edits.set_recipe(graph, learning_rate=0.002).apply(graph)
        graphs[name] = short(graph)
    found = run(graphs, tmp_path)
    for name, graph in graphs.items():
        compare_losses(graph, found[name])


def test_running_statistics_move(tmp_path: Path) -> None:
    graph = network(
        "z = x @ W\nn = batch_norm(z, gain, bias, mean, variance)\nloss = mse(relu(n) @ V, t)",
        {"W": (4, 5), "gain": (5,), "bias": (5,), "mean": (5,), "variance": (5,), "V": (5, 2)},
    )
    graph.put("tensors", str(graph.id_of("variance")), np.ones(5))
    for name in ("mean", "variance"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, options={"trainable": False}))
    compare_losses(graph, run({"norm": graph}, tmp_path)["norm"])


def test_a_defect_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spelling off by a millionth is another run at the tolerance used here."""
    from engine.ops import pytorch

    monkeypatch.setitem(pytorch._SPELLINGS, "tanh", "torch.tanh(x) * 1.000001")
    graph = network(PLAIN, SIZES)
    with pytest.raises(AssertionError):
        compare_losses(graph, run({"bent": graph}, tmp_path)["bent"])


# ---------------------------------------------------------------- the text


def test_the_five_lines_of_the_lecture() -> None:
    lines = [line.strip() for line in script(examples.load("xor")).text.splitlines()]
    first = lines.index(loops.LINES[0])
    assert tuple(lines[first : first + 5]) == loops.LINES


def test_the_page_shows_the_script_of_today() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    made = script(examples.load("training-loop"), None, "training-loop.py").text
    assert f"```python\n{made}```" in page


def test_chance_is_told_and_draws_are_pytorchs(tmp_path: Path) -> None:
    graph = network("loss = mse(dropout(tanh(x @ W + b), rate=0.3) @ V, t)", SIZES)
    assert "drawn by PyTorch" in script(graph).text
    losses = run({"drops": graph}, tmp_path)["drops"]["losses"]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()


EVIL = 'x"""\n\'\'\'\rimport os\x0b\u2028os.system("touch pwned")\n# -*- coding: utf-7 -*-\n{0}%s\\'


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    """Titles, notes and formulas made to be code change nothing but comments."""
    plain, graph = network(PLAIN, SIZES), network(PLAIN, SIZES)
    graph.put("settings", "title", EVIL)
    graph.put("settings", "about", EVIL * 3)
    stages = (replace(graph.recipe.last, title=EVIL),)
    graph.put("settings", "recipe", Recipe(stages, graph.recipe.seed))
    made = script(graph, None, 'a"\n\nprint(1)\n".py').text
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(script(plain).text))
    assert "coding" not in "".join(made.splitlines()[:2])


HOSTILE = (
    "lambda", "class", "None", "print", "torch", "self", "model", "forward", "train", "zero_grad",
    "data", "functional", "np", "optimizer", "prediction", "ﬁ", "fi", "µ", "μ", "match", "_", "__x__", "loss",
    "x.1", "x.2", "epoch", "half", "T", "eval", "open", "exec", "range", "ℌ", "H",
)  # fmt: skip


def test_names_are_identifiers_of_their_own(tmp_path: Path) -> None:
    names = Names()
    found = [names.of(str(i), text) for i, text in enumerate(HOSTILE)]
    assert len(set(found)) == len(HOSTILE) and not set(found) & RESERVED
    for name in found:
        assert isinstance(ast.parse(name, mode="eval").body, ast.Name)
    module = torch.nn.Module()
    assert {n for n in dir(module) if not n.startswith("_")} <= RESERVED
    loop = Names()
    assert loop.of("1", "prediction", in_loop=False) == "prediction"
    assert loop.of("2", "prediction", in_loop=False) == "prediction_"
    assert loop.of("3", "loss") == "loss_" and loop.of("4", "train", in_loop=False) == "train_"
    graph = compose("J = sum(a * b)\nJ", {"a": np.arange(3.0), "b": np.ones(3)})
    for node, name in zip(
        list(graph.nodes), ("forward", "zero_grad", "torch", "self"), strict=False
    ):
        graph.put("nodes", node, replace(graph.nodes[node], name=name))
    found_run = run({"named": graph}, tmp_path)["named"]
    assert found_run["value"] == 3.0


def test_identifiers_and_comments() -> None:
    assert (
        identifier("W1") == "W1" and identifier("block.h") == "block_h" and identifier("1") == "v_1"
    )
    assert identifier("∂") == "v" and identifier("if") == "if_"
    assert comment("a\nb\x00\u202ec") == ["# a", "# bc"]


def test_what_cannot_be_exported_is_told() -> None:
    with pytest.raises(ExportError, match="nothing to minimise"):
        script(Graph())
    graph = network(PLAIN, SIZES, patience=2)
    with pytest.raises(ExportError, match="patience"):
        script(graph)

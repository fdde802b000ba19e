"""The shipped modules: their files are what their builder makes, and each is what it says."""

from __future__ import annotations

import importlib.resources
from functools import cache

import numpy as np
import pytest
from build_modules import RECIPES, built

from engine import edits, examples, files
from engine.check import check_graph
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph
from engine.modules import add_module
from engine.train.session import Training

MADE = cache(built)


@pytest.mark.parametrize("name", examples.MODULES)
def test_the_file_is_what_the_builder_makes(name: str) -> None:
    place = importlib.resources.files("resources") / "modules" / examples.MODULES[name].file
    assert place.read_bytes().decode() == files.to_text(MADE()[name])


def used(name: str, seed: int = 3, **sizes: object) -> tuple[Graph, str]:
    """A document that trains one instance towards zero."""
    graph = Graph()
    edit, instance = add_module(graph, name, examples.load_module(name))
    edit.apply(graph)
    edits.set_options(graph, instance, sizes).apply(graph)
    rng = np.random.default_rng(seed)
    for port in graph.op(instance).inputs:
        edit, node_id = edits.add_node(
            graph, "input", port, value=rng.standard_normal(RECIPES[name].inputs[port])
        )
        edit.apply(graph)
        edits.connect(node_id, instance, port).apply(graph)
    edit, square = edits.add_node(graph, "l2", "loss")
    edit.apply(graph)
    edits.connect(instance, square, "w").apply(graph)
    return graph, instance


@pytest.mark.parametrize("name", examples.MODULES)
def test_an_instance_computes_trains_and_is_checked(name: str) -> None:
    graph, instance = used(name)
    found = evaluate(graph)
    assert found.faults == {} and not found.waiting
    small = dict.fromkeys(RECIPES[name].sizes, 4)
    seeds = range(12)  # at some places a difference steps over a kink of relu
    assert any(max(check_graph(used(name, s, **small)[0]).values()) < 1e-6 for s in seeds)
    edits.set_recipe(graph, learning_rate=0.002).apply(graph)
    training = Training(graph, seed=1)
    first = training.step()
    assert training.run(20) < first
    assert all(key.startswith(f"{instance}.") for key in training.parameters())


@pytest.mark.parametrize("name", examples.MODULES)
def test_a_definition_opens_as_a_document(name: str) -> None:
    graph = examples.load_module(name)
    found = evaluate(graph)
    assert found.faults == {} and not found.waiting
    assert graph.settings["about"].endswith(".")


def values(found: Evaluation, instance: str, graph: Graph, module: str) -> dict[str, np.ndarray]:
    definition = graph.modules[module]
    return {
        definition.name(n): found.values[f"{instance}.{n}"]
        for n in definition.nodes
        if f"{instance}.{n}" in found.values
    }


def test_sizes_follow_the_wires_and_the_options() -> None:
    graph, instance = used("Dense", units=5)
    inside = values(evaluate(graph), instance, graph, "Dense")
    assert inside["W"].shape == (3, 5) and inside["b"].shape == (5,)


@pytest.mark.peer
def test_the_lstm_cell_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    graph, instance = used("LSTM", units=4)
    edit, state = edits.add_node(graph, "output_of", "state", {"output": "state"})
    edit.apply(graph)
    edits.connect(instance, state, "module").apply(graph)
    found = evaluate(graph)
    inside = values(found, instance, graph, "LSTM")
    cell = torch.nn.LSTMCell(3, 4, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(inside["W"].T.copy()))
        cell.weight_hh.copy_(torch.tensor(inside["U"].T.copy()))
        cell.bias_ih.copy_(torch.tensor(inside["b"].copy()))
        cell.bias_hh.zero_()
    x, h, c = (torch.tensor(graph.tensors[str(graph.id_of(n))]) for n in "xhc")
    hidden, cells = cell(x, (h, c))
    np.testing.assert_allclose(found.values[instance], hidden.detach().numpy(), 1e-12)
    np.testing.assert_allclose(found.values[state], cells.detach().numpy(), 1e-12)


def test_an_autoencoder_shows_its_code() -> None:
    graph, instance = used("Autoencoder", code=3)
    edit, code = edits.add_node(graph, "output_of", "code", {"output": "encoder"})
    edit.apply(graph)
    edits.connect(instance, code, "module").apply(graph)
    assert evaluate(graph).values[code].shape == (4, 3)

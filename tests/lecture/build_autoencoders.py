"""Builds the examples of auto-encoders and of pre-training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine import edits
from engine.compose import compose, compose_edit
from engine.examples import load_module
from engine.graph import Graph, Note, OwnOperator, Recipe, Source, Stage
from engine.layout import arrange
from engine.train import data
from tests.lecture.building import Shape, titled

Reads = Mapping[str, tuple[str, str]]
Parameters = Mapping[str, tuple[Shape, str]]
ACROSS, DOWN = 176.0, 124.0
"""From one node to the next in a row and in a column."""
TITLE, ROOM = 52.0, 24.0
"""Room in a frame above and around its nodes."""
WIDTH, HEIGHT = 128.0, 100.0
"""Of a node, with room to spare."""

ALL = Source("builtin", "digits", validation=0.25)
"""Digits whose classes are not looked at."""
LABELLED = replace(ALL, options={"training_rows": 100})
"""A hundred of them with their classes; the same ones are held out."""
DISTANCE = OwnOperator(
    "distance",
    "mean(sum((x - r)^2, axis=1))",
    "The squared norm of x − x′, its mean over the rows.",
)
CODE = 16
_SAMPLE = np.zeros((4, 3))


def layer(activation: str, init: str) -> Graph:
    """A module: activation(x @ W + b), of `units` units."""
    parameters: Parameters = {"W": (("x[-1]", "units"), init), "b": (("units",), "zeros")}
    program = f"a = x @ W\nz = a + b\nh = {activation}(z)"
    about = f"A layer of {activation} units: {activation}(x @ W + b)."
    return _module("Layer", about, program, parameters)


def coder() -> Graph:
    """A module: an encoder of `units` sigmoids and a decoder, without biases as in the lecture."""
    parameters: Parameters = {
        "W": (("x[-1]", "units"), "xavier"),
        "V": (("units", "x[-1]"), "xavier"),
    }
    program = "a = x @ W\nz = sigmoid(a)\nc = z @ V\nr = sigmoid(c)"
    about = "An auto-encoder of one layer: z = h(xW) and back, x′ = h(zV), h being the sigmoid."
    return _module("Coder", about, program, parameters)


def _module(title: str, about: str, program: str, parameters: Parameters) -> Graph:
    made = compose(program, {"x": _SAMPLE, **dict.fromkeys(parameters, 0.0)})
    learnt(made, parameters)
    made.put("settings", "sizes", {"units": 64})
    made.put("settings", "title", title)
    made.put("settings", "about", about)
    edits.move(made, arrange(made)).apply(made)
    return made


def written(
    program: str,
    reads: Reads,
    parameters: Parameters | None = None,
    modules: Mapping[str, Graph] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> Graph:
    """A program as a document: names in `reads` are fields of sources, `parameters` are drawn."""
    graph = Graph()
    if f"{DISTANCE.name}(" in program:
        graph.put("operators", DISTANCE.name, DISTANCE)
    compose_edit(graph, program, None, 1.0, modules)[0].apply(graph)
    for name, source in (sources or {"digits": ALL}).items():
        graph.put("sources", name, source)
    for name, (source, field) in reads.items():
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"source": source, "field": field}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    learnt(graph, parameters or {})
    return graph


def learnt(graph: Graph, parameters: Parameters) -> None:
    for name, (shape, init) in parameters.items():
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"shape": shape, "init": init, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))


def finished(
    name: str,
    graph: Graph,
    stages: tuple[Stage, ...],
    places: Mapping[str, tuple[float, float]],
    frames: Mapping[str, tuple[str, Sequence[str]]],
    notes: Sequence[tuple[str, float, float, float, float]],
    panels: tuple[str, ...],
) -> Graph:
    """Starts drawn, nodes in the columns and rows that `places` gives by name, frames by title as
    (colour, names), notes as (text, column, row, width, height)."""
    graph.put("settings", "output", stages[-1].loss)
    graph.put("settings", "recipe", Recipe(stages))
    graph.put("settings", "panels", panels)
    start = data.initialize(graph, data.load(graph, next(iter(graph.sources))), 0)
    edits.set_tensors(start).apply(graph)
    assert set(places) == {node.name for node in graph.nodes.values()}
    at = {str(graph.id_of(n)): (ACROSS * c, DOWN * r) for n, (c, r) in places.items()}
    edits.move(graph, at).apply(graph)
    for title, (colour, names) in frames.items():
        held = [at[str(graph.id_of(n))] for n in names]
        left, top = min(x for x, _ in held) - ROOM, min(y for _, y in held) - TITLE
        right, end = max(x for x, _ in held) + WIDTH + ROOM, max(y for _, y in held) + HEIGHT + ROOM
        note = Note(graph.new_note_id(), "frame", title, colour, left, top, right - left, end - top)
        graph.put("notes", note.id, note)
    for text, column, row, width, height in notes:
        x, y = ACROSS * column, DOWN * row
        note = Note(graph.new_note_id(), "note", text, "", x, y, width, height)
        graph.put("notes", note.id, note)
    return titled(name, graph)


def ids(graph: Graph, *names: str) -> tuple[str, ...]:
    return tuple(str(graph.id_of(name)) for name in names)


# ------------------------------------------------------------ one layer


def _autoencoder(name: str, decoder: str, parameters: Parameters, note: str) -> Graph:
    graph = written(
        f"x = pixels / 16\na = x @ W\nz = sigmoid(a)\n{decoder}c = z @ V\nr = sigmoid(c)\n"
        "e = x - r\nsquares = e^2\nnorms = sum(squares, axis=1)\nloss = mean(norms)",
        {"pixels": ("digits", "x")},
        parameters,
    )
    (loss,) = ids(graph, "loss")
    stage = Stage("", loss, (), "momentum", 0.1, {"momentum": 0.9}, batch_size=32, epochs=100)
    row = ("pixels", "x", "a", "z", "", "c", "r", "e", "squares", "norms", "loss")
    places = {name: (float(c), 0.0) for c, name in enumerate(row) if name}
    frames = {
        "Encoder: z = h(Wx)": ("blue", ("x", "W", "a", "z")),
        "Decoder: x′ = h(W′z)": ("violet", ("V", "c", "r")),
        "Loss: ‖x − x′‖², its mean over the rows": ("grey", ("e", "squares", "norms", "loss")),
    }
    return finished(
        name, graph, (stage,), {**places, "W": (1.0, 1.0), "V": (4.0, 1.0)}, frames,
        ((note, 7.0, 1.25, 660.0, 96.0),), ("reconstructions", "latent", "training"),
    )  # fmt: skip


def autoencoder() -> Graph:
    parameters: Parameters = {"W": ((64, CODE), "xavier"), "V": ((CODE, 64), "xavier")}
    return _autoencoder(
        "autoencoder", "", parameters,
        "**64 pixels through 16 numbers and back.** Press Train: the loss falls from about 12 to below 1, "
        "and each output becomes the digit that went in. No class was told, yet in the latent plane "
        "each digit has its place. Drag in that plane to see what the decoder makes of a point.",
    )  # fmt: skip


def autoencoder_tied() -> Graph:
    parameters: Parameters = {"W": ((64, CODE), "xavier")}
    return _autoencoder(
        "autoencoder-tied", "V = transpose(W)\n", parameters,
        "**W′ is W transposed.** One matrix is used twice, so its gradient has two terms: one from the "
        "encoder, one from the decoder. Step backward to see them added. The error is somewhat "
        "larger than with a W′ of its own, with half the numbers to learn.",
    )  # fmt: skip


NOISES = {
    "gaussian": ("Gaussian noise", "gaussian_noise(x, deviation=0.3)", (5.6, 0.0)),
    "masked": ("Masked pixels", "masking_noise(x, share=0.3)", (2.2, 2.8)),
    "peppered": ("Salt and pepper", "salt_and_pepper(x, share=0.2)", (5.6, 2.8)),
}


def denoising() -> Graph:
    lines = ["x = pixels / 16", "plain = Coder(x)", "J_plain = mse(plain, x)"]
    places = {"pixels": (0.0, 1.3), "x": (1.0, 1.3), "plain": (3.2, 0.0), "J_plain": (4.2, 0.0)}
    frames: dict[str, tuple[str, Sequence[str]]] = {"No noise": ("grey", ["plain", "J_plain"])}
    for noisy, (title, draw, (left, top)) in NOISES.items():
        made = [
            f"{noisy} = {draw}",
            f"clean_{noisy} = Coder({noisy})",
            f"J_{noisy} = mse(clean_{noisy}, x)",
            f"plain_{noisy} = Coder({noisy}, tied=plain)",
            f"error_{noisy} = mse(plain_{noisy}, x)",
        ]
        lines += made
        names = [line.split(" = ")[0] for line in made]
        spots = ((0, 0), (1, 0), (2, 0), (1, 1), (2, 1))
        places |= {n: (left + c, top + r) for n, (c, r) in zip(names, spots, strict=True)}
        frames[title] = ("blue", names)
    lines += ["J_1 = J_plain + J_masked", "J_2 = J_1 + J_peppered", "J = J_2 + J_gaussian"]
    places |= {"J_1": (9.0, 0.6), "J_2": (9.0, 1.6), "J": (9.0, 2.6)}
    graph = written("\n".join(lines), {"pixels": ("digits", "x")}, modules={"Coder": coder()})
    (loss,) = ids(graph, "J")
    stage = Stage("", loss, (), "adam", 0.005, batch_size=32, epochs=60)
    note = (
        "**Noise goes in, the clean picture is asked for.** In each frame the upper row learns to remove "
        "that noise. The lower row is the plain auto-encoder on the same noisy picture: it never saw "
        "noise. Train, then compare J with error in each frame."
    )
    return finished(
        "denoising", graph, (stage,), places, frames, ((note, 0.0, 2.6, 320.0, 170.0),),
        ("reconstructions", "training"),
    )  # fmt: skip


# ------------------------------------------------------------ several layers

LAYERS = 4
ABOVE = range(1, LAYERS + 1)
BELOW = ("x", *(f"h{k}" for k in ABOVE))
"""What each layer reads, and what the last one gives."""
CLASSIFIED = """
x_labelled = labelled / 16
{layers}
tuned = Dense(t4, units=10)
J_tuned = softmax_cross_entropy(tuned, y)
tuned_accuracy = accuracy(tuned, y)
"""
COMPARED = """
s1 = Layer(x_labelled)
s2 = Layer(s1)
s3 = Layer(s2)
s4 = Layer(s3)
scratch = Dense(s4, units=10)
J_scratch = softmax_cross_entropy(scratch, y)
scratch_accuracy = accuracy(scratch, y)
single = Dense(x_labelled, units=10)
J_single = softmax_cross_entropy(single, y)
single_accuracy = accuracy(single, y)
J_1 = J_single + J_scratch
J = J_1 + J_tuned
"""
READS: Reads = {"pixels": ("digits", "x"), "labelled": ("labelled", "x"), "y": ("labelled", "y")}
SOURCES = {"digits": ALL, "labelled": LABELLED}


def _tuned() -> str:
    tied = [f"t{k} = Layer({'x_labelled' if k == 1 else f't{k - 1}'}, tied=h{k})" for k in ABOVE]
    return CLASSIFIED.format(layers="\n".join(tied))


def _modules(activation: str, init: str) -> tuple[dict[str, Graph], str]:
    """The modules of a deep network, and the one that gives pixels back: those are from 0 to 1."""
    modules = {"Layer": layer(activation, init), "Dense": load_module("Dense")}
    if activation == "sigmoid":
        return modules, "Layer"
    return {**modules, "Pixels": layer("sigmoid", "xavier")}, "Pixels"


def _row(names: str, row: float, first: float = 0.0) -> dict[str, tuple[float, float]]:
    return {name: (first + c, row) for c, name in enumerate(names.split())}


def _pretraining(
    name: str, activation: str, init: str, learn: Stage, tune: Stage, note: str
) -> Graph:
    modules, pixels = _modules(activation, init)
    lines = ["x = pixels / 16"]
    for k in ABOVE:
        lines += [
            f"h{k} = Layer({BELOW[k - 1]})",
            f"back{k} = {pixels if k == 1 else 'Layer'}(h{k})",
            f"J{k} = distance({BELOW[k - 1]}, back{k})",
        ]
    program = "\n".join(lines) + _tuned() + COMPARED
    graph = written(program, READS, modules=modules, sources=SOURCES)
    stages = [
        replace(learn, title=f"Layer {k}", loss=ids(graph, f"J{k}")[0],
                frozen=ids(graph, *(f"h{j}" for j in range(1, k))))
        for k in ABOVE
    ]  # fmt: skip
    stages.append(replace(tune, title="Fine-tuning", loss=ids(graph, "J")[0]))
    places = {
        **_row("pixels x h1 h2 h3 h4", 2.0), **_row("back1 back2 back3 back4", 1.0, 3.0),
        **_row("J1 J2 J3 J4", 0.0, 4.0),
        **_row("labelled x_labelled t1 t2 t3 t4 tuned tuned_accuracy J_tuned", 3.8),
        **_row("s1 s2 s3 s4 scratch scratch_accuracy J_scratch", 5.6, 2.0),
        **_row("single single_accuracy J_single", 7.4, 6.0),
        "y": (0.0, 5.6), "J_1": (9.4, 6.5), "J": (9.4, 4.7),
    }  # fmt: skip
    encoders, tuned, scratch = _held()
    backs = [f"{n}{k}" for n in ("back", "J") for k in ABOVE]
    frames = {
        "1 to 4. Each layer learns to give back what it reads; no labels": (
            "blue",
            encoders + backs,
        ),
        "5. Fine-tuning: the same layers, with 100 labels": ("violet", tuned),
        "The same network from scratch": ("grey", scratch),
        "A single layer": ("grey", ["single", "J_single", "single_accuracy"]),
    }
    return finished(
        name, graph, tuple(stages), places, frames, ((note, 0.0, -0.4, 312.0, 280.0),),
        ("curves", "latent", "training"),
    )  # fmt: skip


def _held() -> tuple[list[str], list[str], list[str]]:
    """What the frames of deep networks hold: the encoders, the tuned ones, those from scratch."""
    encoders = [f"h{k}" for k in ABOVE]
    tuned = [*(f"t{k}" for k in ABOVE), "tuned", "J_tuned", "tuned_accuracy"]
    scratch = [*(f"s{k}" for k in ABOVE), "scratch", "J_scratch", "scratch_accuracy"]
    return encoders, tuned, scratch


def pretraining() -> Graph:
    return _pretraining(
        "pretraining", "sigmoid", "xavier", Stage("", learning_rate=1.0, batch_size=32, epochs=40),
        Stage("", learning_rate=0.2, batch_size=20, epochs=200),
        "**Train, and follow the stages.** Layers 1 to 4 learn from 1,348 digits without labels: one "
        "after the other, those below it frozen. Stage 5 tunes all of them with 100 labels, beside the "
        "same network from scratch. Sigmoids and plain descent: from scratch nothing moves; "
        "pre-trained it reads about 9 of 10. A single layer on the pixels does as well: "
        "what was saved is the deep network.",
    )  # fmt: skip


def pretraining_relu() -> Graph:
    return _pretraining(
        "pretraining-relu", "relu", "he",
        Stage("", optimizer="adam", learning_rate=0.001, batch_size=32, epochs=20),
        Stage("", optimizer="adam", learning_rate=0.001, batch_size=20, epochs=60),
        "**Today's units, today's optimizer.** The same stages on the same digits, with relu and "
        "Adam. Now the network from scratch learns as well: pre-training is ahead by one to three "
        "points of a hundred. That is why it went out of use for networks like this one.",
    )  # fmt: skip


def all_layers_at_once() -> Graph:
    modules, _ = _modules("sigmoid", "xavier")
    lines = ["x = pixels / 16", *(f"h{k} = Layer({BELOW[k - 1]})" for k in ABOVE)]
    for k in reversed(ABOVE):
        lines.append(f"back{k} = Layer({f'h{k}' if k == LAYERS else f'back{k + 1}'})")
    lines.append("J = distance(x, back1)")
    graph = written("\n".join(lines) + _tuned(), READS, modules=modules, sources=SOURCES)
    whole, tuned = ids(graph, "J", "J_tuned")
    stages = (
        Stage("All layers", whole, (), "adam", 0.003, batch_size=32, epochs=100),
        Stage("Fine-tuning", tuned, learning_rate=0.2, batch_size=20, epochs=200),
    )
    places = {
        **_row("pixels x h1 h2 h3 h4", 0.0), **_row("back4 back3 back2 back1 J", 0.0, 6.0),
        **_row("labelled x_labelled t1 t2 t3 t4 tuned tuned_accuracy J_tuned", 1.8), "y": (0.0, 2.8),
    }  # fmt: skip
    encoders, held, _ = _held()
    frames = {
        "Encoder": ("blue", encoders),
        "Decoder": ("violet", ["back4", "back3", "back2", "back1"]),
        "Fine-tuning: the encoder's layers, with 100 labels": ("blue", held),
    }
    note = (
        "**All eight layers learn at once** to give the picture back, then 100 labels tune the encoder. "
        "With Adam the signal gets through to the lowest layer. Set the optimizer of the first stage to "
        "gradient descent with rate 1: the loss stays near 4.7, where every output is the mean picture. "
        "Layer by layer, plain descent was enough."
    )
    return finished(
        "all-layers-at-once", graph, stages, places, frames, ((note, 2.0, 3.2, 780.0, 96.0),),
        ("curves", "latent", "training"),
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Graph]] = {
    "autoencoder": autoencoder,
    "autoencoder-tied": autoencoder_tied,
    "denoising": denoising,
    "pretraining": pretraining,
    "pretraining-relu": pretraining_relu,
    "all-layers-at-once": all_layers_at_once,
}

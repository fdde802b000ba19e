"""Builds the PixelCNN auto-encoder, with bottlenecks of three sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from engine import edits
from engine.compose import compose
from engine.examples import load_module
from engine.graph import Graph, Source, Stage
from engine.layout import arrange
from tests.lecture.build_autoencoders import Parameters, finished, ids, learnt

CODES = (2, 10, 100)
WIDE = 16
"""Channels of the decoder, and of the picture grown from the code."""
GREYS, EPOCHS, PICTURES = 4, 24, 3000
BIAS = (("filters", 1, 1), "zeros")
WINDOW = ("filters", "x[1]", 3, 3)


def _module(title: str, about: str, program: str, parameters: Parameters) -> Graph:
    """A definition of `filters` channels; names that are no parameters are its inputs."""
    made = compose(program, dtype="float32", default=0.0)
    learnt(made, parameters)
    for node in made.of_op("input"):
        made.put("tensors", node, None)
    for key, value in (("title", title), ("about", about), ("sizes", {"filters": WIDE})):
        made.put("settings", key, value)
    edits.move(made, arrange(made)).apply(made)
    return made


def _modules() -> dict[str, Graph]:
    seeing, told = (("filters", "h[1]", 3, 3), "lecun"), (("filters", "s[1]", 1, 1), "lecun")
    return {
        "Halve": _module(
            "Halve", "A convolution that halves the picture, and relu.",
            "a = conv2d(x, K, stride=2, padding=1)\ny = relu(a + b)",
            {"K": (WINDOW, "he"), "b": BIAS},
        ),
        "Grow": _module(
            "Grow", "The picture enlarged twice, a convolution and relu.",
            "u = upsample(x, factor=2, mode='bilinear')\na = conv2d(u, K, padding=1)\ny = relu(a + b)",
            {"K": (WINDOW, "he"), "b": BIAS},
        ),
        "Gated": _module(
            "Gated block",
            "Masked convolutions, told by the picture s, through a gate, added to what came in "
            "(van den Oord et al., Conditional image generation with PixelCNN decoders, 2016).",
            "a = masked_conv2d(h, K, type='B', padding=1) + conv2d(s, V) + b\n"
            "g = masked_conv2d(h, L, type='B', padding=1) + conv2d(s, W) + c\n"
            "y = h + tanh(a) * sigmoid(g)",
            {"K": seeing, "V": told, "L": seeing, "W": told, "b": BIAS, "c": BIAS},
        ),
        "Dense": load_module("Dense"),
    }  # fmt: skip


PROGRAM = """
scaled = 3 * x
rounded = round(scaled)
levels = clip(rounded, low=0, high=3)
seen = levels / 3
e1 = Halve(seen, filters=16)
e2 = Halve(e1, filters=32)
e3 = Halve(e2, filters=32)
flat = flatten(e3)
z = Dense(flat, units={code})
spread = Dense(z, units=1024)
d1 = relu(spread)
grid = reshape(d1, shape=(-1, 16, 8, 8))
d2 = Grow(grid, filters=16)
s = Grow(d2, filters=16)
before = masked_conv2d(seen, F, type='A', padding=3)
told = conv2d(s, G)
both = before + told
h0 = both + f
h1 = Gated(h0, s, filters=16)
h2 = Gated(h1, s, filters=16)
h3 = Gated(h2, s, filters=16)
h4 = Gated(h3, s, filters=16)
last = relu(h4)
heads = conv2d(last, O)
scores = heads + o
logits = permute(scores, axes=(0, 2, 3, 1))
target = squeeze(levels, axis=1)
mixed = conv2d(s, R)
shade = mixed + r
rebuilt = sigmoid(shade)
nll = softmax_cross_entropy(logits, target)
blur = mse(rebuilt, x)
bits = nll / log(2)
weighted = 4 * blur
loss = nll + weighted
"""
PARAMETERS: Parameters = {
    "F": ((WIDE, 1, 7, 7), "lecun"), "G": ((WIDE, WIDE, 1, 1), "lecun"), "f": ((WIDE, 1, 1), "zeros"),
    "O": ((GREYS, WIDE, 1, 1), "lecun"), "o": ((GREYS, 1, 1), "zeros"),
    "R": ((1, WIDE, 1, 1), "lecun"), "r": ((1, 1, 1), "zeros"),
}  # fmt: skip


def _line(names: str, row: float, first: float) -> dict[str, tuple[float, float]]:
    return {name: (first + c, row) for c, name in enumerate(names.split())}


PLACES = {
    **_line("x scaled rounded levels seen", 0.0, 0.0), **_line("e1 e2 e3 flat z", 0.0, 5.6),
    **_line("spread d1 grid d2 s", 2.0, 5.6), **_line("mixed shade rebuilt blur", 2.0, 11.2),
    **_line("R r", 3.0, 11.2), **_line("told both h0 h1 h2 h3 h4 last heads scores logits", 5.0, 5.6),
    "G": (4.6, 5.0), "F": (4.6, 6.0), "before": (5.6, 6.0), "f": (6.6, 6.0), "O": (12.6, 6.0),
    "o": (13.6, 6.0), "target": (17.2, 6.0), "nll": (17.2, 5.0), "bits": (18.2, 6.0),
    "weighted": (17.2, 4.0), "loss": (18.2, 5.0),
}  # fmt: skip
FRAMES = {
    "Pictures in four greys": ("grey", ("x", "scaled", "rounded", "levels", "seen")),
    "Encoder: the whole picture, and m = {code} numbers of it": (
        "blue", ("e1", "e2", "e3", "flat", "z"),
    ),
    "Grown from the code: a picture of 16 channels": ("violet", ("spread", "d1", "grid", "d2", "s")),
    "Rebuilt at once, as an auto-encoder does": (
        "grey", ("mixed", "shade", "rebuilt", "blur", "R", "r"),
    ),
    "Decoder: each pixel's scores from the pixels before it, and from s": (
        "violet",
        ("G", "F", "before", "told", "both", "f", "h0", "h1", "h2", "h3", "h4", "last", "heads", "O",
         "o", "scores", "logits"),
    ),
    "Loss": (
        "grey", ("target", "nll", "bits", "weighted", "loss"),
    ),
}  # fmt: skip
NOTE = (
    "**A picture through {code} numbers, then drawn again pixel by pixel.** The encoder sees all of it and "
    "keeps the code z. The decoder says for each pixel how likely the four greys are, from z and from the "
    "pixels before: those above, and those to the left. Its convolutions are masked; type A hides the "
    "pixel itself too, and stands first.\n\n"
    "The panel Samples proves by gradients that no pixel sees itself or a later one. Then it draws from the "
    "codes of held-out pictures. Compare with the other sizes of the code.\n\n"
    "These parameters were trained by this document's own recipe, {epochs} epochs. Reset and Train do it "
    "again, in about ten minutes. For pictures of your own choose a folder of images as the source in "
    "the panel Data."
)


def pixelcnn(code: int) -> Graph:
    graph = compose(PROGRAM.format(code=code), dtype="float32", default=0.0, modules=_modules())
    learnt(graph, PARAMETERS)
    options = {"count": PICTURES, "noise": 0.0, "arrange": "channels"}
    graph.put("sources", "pictures", Source("patches", "composed", validation=0.1, options=options))
    pixels, loss = ids(graph, "x", "loss")
    graph.put("tensors", pixels, None)
    read = {"source": "pictures", "field": "x"}
    graph.put("nodes", pixels, replace(graph.nodes[pixels], op="data", options=read))
    stage = Stage(
        "", loss, optimizer="adam", learning_rate=0.002, schedule="cosine", batch_size=16,
        epochs=EPOCHS,
    )  # fmt: skip
    frames = {title.format(code=code): held for title, held in FRAMES.items()}
    note = (NOTE.format(code=code, epochs=EPOCHS), 0.0, 1.4, 760.0, 240.0)
    return finished(
        f"pixelcnn-{code}", graph, (stage,), PLACES, frames, (note,), ("samples", "training")
    )


BUILDERS: dict[str, Callable[[], Graph]] = {
    f"pixelcnn-{code}": partial(pixelcnn, code) for code in CODES
}

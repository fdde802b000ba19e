"""The shipped examples and modules, by name."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from engine import files
from engine.graph import Graph


@dataclass(frozen=True)
class Info:
    """What the start page says of an example.

    `systems` are the rows of the lecture's table of systems that it shows; `file` its document.
    """

    title: str
    systems: tuple[str, ...]
    about: str
    file: str


INFO: dict[str, Info] = {
    "worked-example": Info(
        "Forward and backward by hand", ("M04",),
        "J = cos(sin(x²) + 3x²) at x = 1. Step forward to see each value computed, then backward: "
        "t feeds two nodes, so its gradient is a sum that is made term by term.",
        "worked-example.json",
    ),
    "xor": Info(
        "A two-layer network learns XOR", ("M07",),
        "No straight line separates the four points, so one layer stays at a loss of ln 2. Four "
        "hidden units bend the space: train, and all four points come out right.",
        "xor.json",
    ),
    "softmax-digits": Info(
        "Hand-written digits with softmax", ("M10",),
        "1,797 real digits of 8×8 pixels, a quarter of them held out. A hidden layer of 64 units "
        "reads at least 96 % of the held-out ones right after a few seconds of training.",
        "softmax-digits.gloom",
    ),
    "your-csv": Info(
        "Your own CSV file", ("M11",),
        "A classifier for any CSV file with a header; the last column names the class. It starts "
        "with Fisher's irises. Choose another file: the sizes of the layers follow the data.",
        "your-csv.json",
    ),
}  # fmt: skip
"""Every example by its name, in the order of the start page."""


def names() -> list[str]:
    """The names of the examples, in the order of the start page."""
    return list(INFO)


def info(name: str) -> Info:
    """What there is to say of an example. Raises KeyError for a name that is none."""
    return INFO[name]


def load(name: str) -> Graph:
    """An example as a new document; its data need no base folder. Raises KeyError."""
    place = importlib.resources.files("resources") / "examples" / INFO[name].file
    return files.from_bytes(place.read_bytes())


# ------------------------------------------------------------ modules


@dataclass(frozen=True)
class ModuleInfo:
    """What the palette says of a shipped module and finds it by; `file` is its definition."""

    title: str
    about: str
    file: str
    aliases: tuple[str, ...] = ()


MODULES: dict[str, ModuleInfo] = {
    "Dense": ModuleInfo(
        "Dense", "A layer x @ W + b with a number of units; follow it with an activation.",
        "dense.json", ("fc", "linear", "fully connected", "affine", "layer"),
    ),
    "MLP": ModuleInfo(
        "MLP", "Two dense layers with relu between them.", "mlp.json",
        ("multilayer perceptron", "feed forward", "ffn"),
    ),
    "ConvBlock": ModuleInfo(
        "Conv block", "A 3×3 convolution with bias, relu and pooling that halves the picture.",
        "conv-block.json", ("cnn",),
    ),
    "ResidualBlock": ModuleInfo(
        "Residual block", "Two dense layers whose result is added to what came in.",
        "residual-block.json", ("resnet", "skip"),
    ),
    "Encoder": ModuleInfo(
        "Encoder", "Two dense layers down to a short code.", "encoder.json", ("compress",),
    ),
    "Decoder": ModuleInfo(
        "Decoder", "Two dense layers from a code up to the width of the data.", "decoder.json",
        ("reconstruct",),
    ),
    "Autoencoder": ModuleInfo(
        "Autoencoder", "An encoder and a decoder: the input again, through a short code.",
        "autoencoder.json", ("ae", "bottleneck"),
    ),
    "LSTM": ModuleInfo(
        "LSTM cell", "One step of an LSTM: y is the new output, the node state the new cell state.",
        "lstm.json", ("long short-term memory", "recurrent"),
    ),
    "AttentionHead": ModuleInfo(
        "Attention head", "Queries, keys and values of a sequence, and what each place attends to.",
        "attention-head.json", ("self-attention", "heads"),
    ),
    "TransformerBlock": ModuleInfo(
        "Transformer block", "Two attention heads and two dense layers, each behind a normalization "
        "and added to what came in.",
        "transformer-block.json", ("gpt", "bert"),
    ),
}  # fmt: skip
"""Every shipped module by its name, in the order of the palette."""


def load_module(name: str) -> Graph:
    """A shipped module's definition. Raises KeyError."""
    place = importlib.resources.files("resources") / "modules" / MODULES[name].file
    return files.from_bytes(place.read_bytes())


@cache
def modules() -> dict[str, Graph]:
    """Every shipped definition by name, read once; they are never changed in place."""
    return {name: load_module(name) for name in MODULES}


class _Shipped(Mapping[str, Graph]):
    """The shipped definitions by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> Graph:
        return modules()[name]

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


SHIPPED: Mapping[str, Graph] = _Shipped()

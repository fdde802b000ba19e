"""Builds the examples that learn from data: XOR, digits, irises."""

from __future__ import annotations

from collections.abc import Callable

from engine.graph import Graph, Source
from tests.lecture.building import NETWORK, network


def xor() -> Graph:
    return network(
        "xor", NETWORK.format(activation="tanh", loss="bce_with_logits"), Source("table"),
        {"W1": ((2, 4), "normal"), "b1": ((4,), "zeros"),
         "W2": ((4, 1), "normal"), "b2": ((1,), "zeros")},
        {"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]},
        learning_rate=1.0, epochs=500,
    )  # fmt: skip


def softmax_digits() -> Graph:
    return network(
        "softmax-digits", NETWORK.format(activation="relu", loss="softmax_cross_entropy"),
        Source("builtin", "digits", standardize=True, validation=0.25),
        {"W1": (("features", 64), "he"), "b1": ((64,), "zeros"),
         "W2": ((64, "classes"), "xavier"), "b2": (("classes",), "zeros")},
        optimizer="momentum", learning_rate=0.02,
        settings={"momentum": 0.9, "weight_decay": 0.01}, batch_size=32,
        epochs=30,
    )  # fmt: skip


def your_csv() -> Graph:
    return network(
        "your-csv", NETWORK.format(activation="relu", loss="softmax_cross_entropy"),
        Source("csv", "iris.csv", standardize=True, validation=0.2),
        {"W1": (("features", 16), "he"), "b1": ((16,), "zeros"),
         "W2": ((16, "classes"), "xavier"), "b2": (("classes",), "zeros")},
        optimizer="adam", learning_rate=0.01, batch_size=16, epochs=60,
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Graph]] = {
    "xor": xor, "softmax-digits": softmax_digits, "your-csv": your_csv,
}  # fmt: skip

"""Builds the example that is exported as a script with the training loop of the lecture."""

from __future__ import annotations

from collections.abc import Callable

from engine.graph import Graph, Source
from tests.lecture.build_networks import document


def training_loop() -> Graph:
    return document(
        "training-loop",
        "xW1 = x @ W1\nz1 = xW1 + b1\nh1 = tanh(z1)\nh1W2 = h1 @ W2\nlogits = h1W2 + b2\n"
        "loss = softmax_cross_entropy(logits, y)\naccuracy = accuracy(logits, y)",
        Source("toy", "circle", options={"count": 100.0}),
        {
            "W1": ((2, 16), "xavier"),
            "b1": ((16,), "zeros"),
            "W2": ((16, 2), "xavier"),
            "b2": ((2,), "zeros"),
        },
        note=(
            "**The training loop.** Train, and look at the losses in **Training**. Then choose "
            "**Export PyTorch script** in the menu File and read its loop: zero the gradients, predict, "
            "loss, backward, step. Run it with Python: it prints the same losses."
        ),
        panels=("curves", "regions"),
        optimizer="sgd", learning_rate=0.1, batch_size=10, epochs=40,
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Graph]] = {"training-loop": training_loop}

"""The shipped lessons, by name."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass

from engine import files
from engine.examples import TOPICS
from engine.graph import Graph


@dataclass(frozen=True)
class Info:
    """What the gallery says of a lesson; `topic` is a part of the lecture, `file` its document."""

    title: str
    topic: str
    about: str
    file: str


INFO: dict[str, Info] = {
    "graphs": Info(
        "Graphs and the forward pass", TOPICS[0],
        "The first lesson: you build a computation graph on an empty canvas, node by node and wire by "
        "wire, and step through it as it computes.",
        "graphs.json",
    ),
    "backward": Info(
        "Backward and the chain rule", TOPICS[1],
        "From J back to x in the lecture's own example: predict each gradient before you see it, and "
        "find out why they are added up.",
        "backward.json",
    ),
    "training": Info(
        "Training: data, loss, descent", TOPICS[2],
        "A line through four points, trained by hand once: predict, measure, go back, step. Then the "
        "program does it many times, in the loop of five lines.",
        "training.json",
    ),
    "nonconvexity": Info(
        "Hills, valleys and a saddle", TOPICS[3],
        "Why the loss of a network is no bowl, and what that does to descent: a saddle worked out by hand, "
        "then ten ways down from it.",
        "nonconvexity.json",
    ),
    "why-sgd-works": Info(
        "Why SGD works", TOPICS[4],
        "A step by hand, too long a step, a few rows at a time; then a network from ten starts, and what "
        "becomes of its gradients.",
        "why-sgd-works.json",
    ),
    "vanishing-gradients-by-hand": Info(
        "Vanishing gradients", TOPICS[5],
        "Four sigmoids by hand, then ten layers of them beside ten of relu: where the gradient goes, and "
        "what helps.",
        "vanishing-gradients.json",
    ),
    "deep-networks": Info(
        "Why go deep?", TOPICS[6],
        "Layers upon layers: a circuit of four units that you work out by hand, what depth saves, and a "
        "race of a shallow and a deep network with as many parameters.",
        "deep-networks.json",
    ),
    "autoencoder-by-hand": Info(
        "A picture through one number", TOPICS[7],
        "An auto-encoder small enough for mental arithmetic: encode, decode, go back, train. What "
        "can one number hold?",
        "autoencoder-by-hand.json",
    ),
    "cleaning-pictures": Info(
        "Cleaning pictures", TOPICS[7],
        "Noise goes in, the clean picture is asked for. Why copying no longer pays, and what a network "
        "has to know to do better.",
        "cleaning-pictures.gloom",
    ),
    "learning-without-labels": Info(
        "Learning without labels", TOPICS[7],
        "A deep network learns layer by layer from digits without labels, and is tuned with a "
        "hundred. Beside it the same network from scratch.",
        "learning-without-labels.gloom",
    ),
}  # fmt: skip
"""Every lesson by its name, in the order they are to be taken."""


def names() -> list[str]:
    """The names of the lessons, in the order they are to be taken."""
    return list(INFO)


def after(title: str) -> str:
    """The name of the lesson that follows the one of this title; empty where none does."""
    order = names()
    follows = (
        n for n, before in zip(order[1:], order, strict=False) if INFO[before].title == title
    )
    return next(follows, "")


def load(name: str) -> Graph:
    """A lesson as a new document. Raises KeyError."""
    place = importlib.resources.files("resources") / "lessons" / INFO[name].file
    return files.from_bytes(place.read_bytes())

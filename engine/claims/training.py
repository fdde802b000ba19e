"""Claims of the examples that learn from data: XOR, digits, irises."""

from __future__ import annotations

from engine.claims.figure import Claim, Figure, score, trained
from engine.graph import Graph


def xor(graph: Graph, seed: int) -> list[Figure]:
    training = trained(graph, seed)
    return [
        Figure("accuracy of two layers", score(training, "train"), "=", 1.0),
        Figure("loss of two layers", training.loss, "<", 0.02),
    ]


def softmax_digits(graph: Graph, seed: int) -> list[Figure]:
    accuracy = score(trained(graph, seed))
    return [Figure("accuracy on held-out digits", accuracy, ">", 0.96)]


def your_csv(graph: Graph, seed: int) -> list[Figure]:
    accuracy = score(trained(graph, seed))
    return [Figure("accuracy on held-out irises", accuracy, ">", 0.88)]


CLAIMS: dict[str, Claim] = {"xor": xor, "softmax-digits": softmax_digits, "your-csv": your_csv}

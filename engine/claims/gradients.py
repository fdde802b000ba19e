"""Claims of the examples whose networks are trained side by side: over-fitting, vanishing gradients."""

from __future__ import annotations

from engine import edits
from engine.claims.figure import Claim, Figure, trained
from engine.graph import Graph
from engine.ops.row import Array
from engine.probes.flow import Flow, flow
from engine.train.scene import Scene

NETWORKS = ("as_is", "with_dropout", "with_l2")
DEEP, STRAIGHT = "sigmoid_loss", "relu_loss"


def overfitting(graph: Graph, seed: int) -> list[Figure]:
    found = trained(graph, seed).metrics()
    learnt, held = (
        {n: found[part][f"{n}_loss"] for n in NETWORKS} for part in ("train", "validation")
    )
    return [
        Figure("training loss as it is", learnt[NETWORKS[0]], "<", 0.06),
        Figure("held-out loss as it is", held[NETWORKS[0]], ">", 0.8),
        Figure("held-out loss with dropout, over that", held[NETWORKS[1]] / held[NETWORKS[0]], "<", 0.9),
        Figure("held-out loss with L2, over that", held[NETWORKS[2]] / held[NETWORKS[0]], "<", 0.5),
        Figure("training loss with dropout, over that", learnt[NETWORKS[1]] / learnt[NETWORKS[0]], ">", 1.5),
        Figure("training loss with L2, over that", learnt[NETWORKS[2]] / learnt[NETWORKS[0]], ">", 3),
    ]  # fmt: skip


def _reach(found: Flow, loss: str) -> float:
    """What reaches the first layer of a network of the gradient at its last one."""
    name = loss.removesuffix("_loss")
    signals = [layer.signal for layer in found.layers if layer.names[0].startswith(name)]
    return signals[0] / signals[-1]


def _named(found: Flow, loss: str) -> float:
    """1 where the verdict on a network is "vanishing"."""
    return float(any(v.name == "vanishing" and v.of == loss for v in found.verdicts))


def vanishing_gradients(graph: Graph, seed: int) -> list[Figure]:
    own = graph.copy()  # no start is stored: the layers draw theirs by the recipe's seed
    edits.set_recipe(own, seed=seed).apply(own)
    scene, figures = Scene(own), []
    training = trained(own, seed)
    moments: tuple[tuple[str, dict[str, Array], int], ...] = (
        ("start", {}, 0),
        ("end", training.parameters(), training.step_count),
    )
    for when, parameters, step in moments:
        scene.at(parameters, step)
        found = flow(scene)
        deep, straight = _reach(found, DEEP), _reach(found, STRAIGHT)
        figures += [
            Figure(f"{when}: gradient at the first sigmoid layer over the last", deep, "<", 1e-5),
            Figure(f"{when}: gradient at the first relu layer over the last", straight, ">", 0.01),
            Figure(f'{when}: "vanishing" is said of the sigmoids', _named(found, DEEP), "=", 1.0),
            Figure(f'{when}: "vanishing" is said of the relus', _named(found, STRAIGHT), "=", 0.0),
        ]
    held = training.metrics()["validation"]
    return [
        *figures,
        Figure("held-out loss of the sigmoids, ln 2 at chance", held[DEEP], ">", 0.68),
        Figure("held-out accuracy of the relus", held["relu_accuracy"], ">", 0.85),
    ]


CLAIMS: dict[str, Claim] = {"overfitting": overfitting, "vanishing-gradients": vanishing_gradients}

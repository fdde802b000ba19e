"""What the examples claim, measured in their own documents; this is the table of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine import examples
from engine.claims import (
    autoencoders,
    depth,
    gradients,
    graphs,
    landscapes,
    networks,
    pictures,
    scripts,
    training,
)
from engine.claims.figure import Claim, Figure

CLAIMS: Mapping[str, Claim] = {
    **graphs.CLAIMS,
    **training.CLAIMS,
    **networks.CLAIMS,
    **landscapes.CLAIMS,
    **gradients.CLAIMS,
    **depth.CLAIMS,
    **autoencoders.CLAIMS,
    **pictures.CLAIMS,
    **scripts.CLAIMS,
}
"""What proves each example, by its name."""


def prove(name: str, seed: int = 0) -> list[Figure]:
    """The figures that an example's claim rests on. Raises KeyError for a name that has none."""
    return CLAIMS[name](examples.load(name), seed)

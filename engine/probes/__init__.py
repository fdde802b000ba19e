"""What can be asked of a document at a moment of its training; this is the table of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.probes import surface
from engine.probes.metrics import metrics
from engine.train.scene import Scene


@dataclass(frozen=True)
class Probe:
    """A question about one moment. `answer(scene, **options)` gives a frozen record of numbers, texts
    and arrays; it raises ValueError with one sentence where the document has no answer."""

    name: str
    answer: Callable[..., Any]


_TABLE: tuple[Probe, ...] = (
    Probe("metrics", metrics),
    Probe("surface", surface.surface),
)
PROBES: dict[str, Probe] = {probe.name: probe for probe in _TABLE}
"""Every probe by its name."""
__all__ = ["PROBES", "Probe", "Scene"]

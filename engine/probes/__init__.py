"""What can be asked of a document at a moment of its training; this is the table of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.probes import surface
from engine.probes.fit import fit
from engine.probes.flow import flow
from engine.probes.histograms import histograms
from engine.probes.latent import latent
from engine.probes.metrics import metrics
from engine.probes.ratios import ratios
from engine.probes.reconstructions import reconstructions
from engine.probes.regions import regions
from engine.probes.sampling import samples
from engine.probes.units import units
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
    Probe("regions", regions),
    Probe("fit", fit),
    Probe("reconstructions", reconstructions),
    Probe("samples", samples),
    Probe("latent", latent),
    Probe("units", units),
    Probe("flow", flow),
    Probe("histograms", histograms),
    Probe("ratios", ratios),
)
PROBES: dict[str, Probe] = {probe.name: probe for probe in _TABLE}
"""Every probe by its name."""
__all__ = ["PROBES", "Probe", "Scene"]

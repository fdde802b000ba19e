"""The panels of the training studio, one class each; this is the table of them."""

from __future__ import annotations

from app.session import Session
from app.view.studio.compare import ComparePanel
from app.view.studio.curves import CurvesPanel
from app.view.studio.fit import FitPanel
from app.view.studio.flow import FlowPanel
from app.view.studio.histograms import HistogramsPanel
from app.view.studio.latent import LatentPanel
from app.view.studio.metrics import MetricsPanel
from app.view.studio.panel import StudioPanel
from app.view.studio.reconstructions import ReconstructionsPanel
from app.view.studio.regions import RegionsPanel
from app.view.studio.runs import RunsPanel
from app.view.studio.samples import SamplesPanel
from app.view.studio.studio import Moment, Studio
from app.view.studio.surface import SurfacePanel
from app.view.studio.units import UnitsPanel
from app.view.studio.updates import UpdatesPanel

__all__ = ["PANELS", "Moment", "Studio", "StudioPanel", "panels"]

PANELS: tuple[type[StudioPanel], ...] = (
    CurvesPanel, RunsPanel, MetricsPanel, FlowPanel,
    RegionsPanel, FitPanel, ReconstructionsPanel, SamplesPanel, LatentPanel, UnitsPanel,
    UpdatesPanel,
    HistogramsPanel,
    SurfacePanel,
    ComparePanel,
)  # fmt: skip


def panels(session: Session) -> dict[str, StudioPanel]:
    """A panel of each kind, by name."""
    return {kind.name: kind(session) for kind in PANELS}

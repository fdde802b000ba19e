"""The panels of the training studio, one class each; this is the table of them."""

from __future__ import annotations

from app.session import Session
from app.view.studio.flow import FlowPanel
from app.view.studio.metrics import MetricsPanel
from app.view.studio.panel import StudioPanel
from app.view.studio.studio import Moment, Studio

__all__ = ["PANELS", "Moment", "Studio", "StudioPanel", "panels"]

PANELS: tuple[type[StudioPanel], ...] = (
    MetricsPanel,
    FlowPanel,
)  # fmt: skip


def panels(session: Session) -> dict[str, StudioPanel]:
    """A panel of each kind, by name."""
    return {kind.name: kind(session) for kind in PANELS}

"""Viewers of tensors, one class a kind; this is the table of them."""

from __future__ import annotations

from app.view.viewers.heat_map import HeatMapView
from app.view.viewers.histogram import HistogramView
from app.view.viewers.kind import Options, Shown, View, What
from app.view.viewers.pictures import ImageView
from app.view.viewers.scatter import ScatterView
from app.view.viewers.series import BarView, LineView
from app.view.viewers.single import NumberView
from app.view.viewers.surface import SurfaceView
from app.view.viewers.table import TableView
from engine.ops.row import Array

__all__ = ["KINDS", "Options", "Shown", "View", "What", "best", "fitting"]

KINDS: dict[str, type[View]] = {
    kind.name: kind
    for kind in (
        NumberView, TableView, HeatMapView, ImageView, HistogramView, LineView, BarView, ScatterView,
        SurfaceView,
    )
}  # fmt: skip


def fitting(array: Array) -> list[type[View]]:
    """The kinds that can show an array, in the order of the table."""
    return [kind for kind in KINDS.values() if kind.fit(array) > 0]


def best(array: Array, wanted: str = "") -> type[View]:
    """The kind that is `wanted` if it fits, else the one that fits best."""
    if wanted in KINDS and KINDS[wanted].fit(array) > 0:
        return KINDS[wanted]
    return max(fitting(array), key=lambda kind: kind.fit(array))

"""Boxes by key in arrays: what touches an area, without asking items one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF

Key = TypeVar("Key")


class Boxes(Generic[Key]):
    """Found in the order in which they were put first."""

    def __init__(self) -> None:
        self._rows: dict[Key, int] = {}
        self._keys: list[Key | None] = []
        self._edges = np.empty((64, 4))

    def put(self, key: Key, left: float, top: float, right: float, bottom: float) -> None:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._keys)
            self._keys.append(key)
            if row == len(self._edges):
                self._edges = np.concatenate((self._edges, np.empty_like(self._edges)))
        self._edges[row] = left, top, right, bottom

    def drop(self, key: Key) -> None:
        row = self._rows.pop(key)
        self._keys[row] = None
        self._edges[row] = np.nan  # touches nothing
        if len(self._keys) > 64 and len(self._rows) * 2 < len(self._keys):
            self._close_gaps()

    def _close_gaps(self) -> None:
        kept = list(self._rows.values())
        self._edges[: len(kept)] = self._edges[kept]
        self._keys = list(self._rows)
        self._rows = {key: row for row, key in enumerate(self._rows)}

    def clear(self) -> None:
        self._rows.clear()
        self._keys.clear()

    @property
    def around(self) -> QRectF:
        """What holds all of them."""
        if not self._rows:
            return QRectF()
        left, top, right, bottom = self._edges[: len(self._keys)].T
        corner = QPointF(float(np.nanmin(left)), float(np.nanmin(top)))
        return QRectF(corner, QPointF(float(np.nanmax(right)), float(np.nanmax(bottom))))

    def touching(self, areas: Iterable[QRectF]) -> list[Key]:
        left, top, right, bottom = self._edges[: len(self._keys)].T
        found = np.zeros(len(self._keys), np.bool_)
        for area in areas:
            found |= (
                (left <= area.right())
                & (right >= area.left())
                & (top <= area.bottom())
                & (bottom >= area.top())
            )
        keys = self._keys
        return [keys[row] for row in np.flatnonzero(found).tolist()]  # type: ignore[misc]

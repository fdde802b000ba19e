"""What watches the loss of each epoch: early stopping, and the schedule that follows the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.graph import Stage
from engine.ops.row import Array
from engine.train.schedules import PLATEAU, Plateau

Parameters = dict[str, Array]


class Watch:
    """The losses of a stage's epochs, the smallest of them and its parameters.

    With held-out rows it is theirs, else the mean loss of the epoch's steps.
    """

    def __init__(self, stage: Stage, held_out: bool) -> None:
        self.stage, self.held_out = stage, held_out
        self.plateau = Plateau(stage.schedule_settings) if stage.schedule == PLATEAU.name else None
        self.best, self.best_epoch, self.bad = math.inf, 0, 0
        self.parameters: Parameters = {}
        self._sum = self._rows = 0.0

    @staticmethod
    def of(stage: Stage, held_out: bool) -> Watch | None:
        """None when nothing of the stage follows its losses."""
        watched = stage.patience or stage.schedule == PLATEAU.name
        return Watch(stage, held_out) if watched else None

    def step(self, loss: float, rows: int) -> None:
        """Takes a step's loss into the epoch's mean."""
        self._sum += loss * rows
        self._rows += rows

    def forget(self) -> None:
        """Begins the epoch's mean again."""
        self._sum = self._rows = 0.0

    def mean(self) -> float:
        """The mean loss of the rows since the last call."""
        loss = self._sum / self._rows if self._rows else math.nan
        self.forget()
        return loss

    def epoch(self, number: int, loss: float, parameters: Callable[[], Parameters]) -> bool:
        """True when the stage is to end after this epoch."""
        if not self.stage.patience:
            return False
        if loss < self.best - self.stage.min_delta:
            self.best, self.best_epoch, self.bad = loss, number, 0
            self.parameters = parameters()
            return False
        self.bad += 1
        return self.bad >= self.stage.patience

    def reason(self, number: int, name: str) -> str:
        """Why the stage ended after this epoch, in a sentence; `name` is the stage's, or empty."""
        what = "validation loss" if self.held_out else "training loss"
        begin = f"{name}stopped" if self.bad >= self.stage.patience else f"{name}ended"
        epochs = "epoch" if self.bad == 1 else "epochs"
        kept = (
            f"; the parameters are those after epoch {self.best_epoch} ({self.best:.4g})"
            if self.best_epoch
            else ""
        )
        return f"{begin} after epoch {number}: the {what} has not got smaller for {self.bad} {epochs}{kept}"

    # ------------------------------------------------------------ keeping

    def facts(self) -> dict[str, Any]:
        """What `restore` needs beside the best parameters, for JSON."""
        best = self.best if math.isfinite(self.best) else None
        return {
            "best": best, "best_epoch": self.best_epoch, "bad": self.bad,
            "losses": self._sum, "rows": self._rows,
            "plateau": self.plateau.facts() if self.plateau is not None else None,
        }  # fmt: skip

    def restore(self, facts: Mapping[str, Any], parameters: Parameters) -> None:
        self.best = math.inf if facts["best"] is None else float(facts["best"])
        self.best_epoch, self.bad = int(facts["best_epoch"]), int(facts["bad"])
        self._sum, self._rows = float(facts["losses"]), float(facts["rows"])
        self.parameters = {n: np.array(v) for n, v in parameters.items()}
        if self.plateau is not None and facts["plateau"] is not None:
            self.plateau.restore(facts["plateau"])

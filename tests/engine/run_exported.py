"""Runs exported scripts in a process of their own: `python run_exported.py RESULTS SCRIPT...`.

What each gave is kept in RESULTS, an .npz file: the value and the gradients of one that trains nothing, the
losses and the last parameters of one that trains.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np


def results(path: str) -> dict[str, Any]:
    space = runpy.run_path(path, run_name="exported")
    model = space["model"]
    trains = [name for name in space if name == "train" or name.startswith("train_")]
    if trains:
        losses = [loss for name in trains for loss in space[name]()]
        kept = {f"p.{n}": v.detach().numpy() for n, v in model.state_dict().items()}
        return {"losses": np.array(losses), **kept}
    model.eval()
    output = model(*space.get("data", {}).values())
    if output.requires_grad and output.ndim == 0:
        output.backward()
    slopes = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return {"value": output.detach().numpy(), **{f"g.{n}": g.numpy() for n, g in slopes.items()}}


if __name__ == "__main__":
    found = {
        f"{Path(path).stem}/{key}": value
        for path in sys.argv[2:]
        for key, value in results(path).items()
    }
    np.savez(sys.argv[1], **found)

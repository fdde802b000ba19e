"""What the program does where no window can be shown: the main job in text and pictures."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.graph import Graph

Draw = Callable[["Graph", "Path | None", Path, tuple[int, int], "int | None"], None]
"""`draw(graph, path, out, (width, height), step)` writes a picture of the window."""

SIZE = (1600, 1000)
FOLDER = "gradloom-pictures"


def has_display() -> bool:
    """Whether a window can be shown: Qt's platform is chosen, or the system has a display."""
    if os.environ.get("QT_QPA_PLATFORM") or not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(graph: Graph, title: str, draw: Draw) -> int:
    """Prints a document's two columns, trains XOR and draws three pictures; returns 0."""
    from app import report
    from engine import examples
    from engine.edits import set_tensors
    from engine.evaluate import evaluate
    from engine.train.data import feeds
    from engine.train.session import Training

    print("There is no display, so here is what the window would show.\n")
    found = evaluate(graph, feeds(graph))
    print(f"{title}, forward and backward:\n")
    print(report.two_columns(found.steps))
    if found.note:
        print(found.note)
    xor = examples.load("xor")
    training = Training(xor)
    steps = xor.recipe.stages[0].epochs * training.steps_per_epoch
    first = training.metrics()["train"]
    training.run(steps)
    last = training.metrics()["train"]
    print(f"\nTraining the example xor for {steps:,} steps:")
    for name, value in last.items():
        print(f"  {name:<12} {first[name]:.6f} -> {value:.6f}")
    set_tensors(training.parameters()).apply(xor)

    folder = _folder()
    backward = [s.number for s in found.steps if s.phase == "backward"]
    middle = backward[len(backward) // 2] if backward else None
    pictures: list[tuple[str, Graph, int | None]] = [
        ("start", graph, 0), ("backward", graph, middle), ("trained", xor, None),
    ]  # fmt: skip
    print(f"\nPictures of the window are in {folder}:")
    for name, document, step in pictures:
        out = folder / f"{name}.png"
        draw(document, None, out, SIZE, step)
        print(f"  {out.name}")
    return 0


def _folder() -> Path:
    """A folder for pictures here, or a temporary one where nothing can be written."""
    folder = Path.cwd() / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        trial = folder / ".trial"
        trial.touch()
        trial.unlink()
    except OSError:
        return Path(tempfile.mkdtemp(prefix=FOLDER))
    return folder

"""Where the runs of a document are kept: beside it, or with the program's state while it is unsaved."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from engine.train.runs import home_of


def run_home(path: Path | None) -> Path:
    """The folder of the runs of a document that is saved at `path`, or not yet."""
    if path is not None:
        return home_of(path)
    return platformdirs.user_state_path("gradloom", appauthor=False) / "runs" / "unsaved"

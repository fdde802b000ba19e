"""Where the runs of a document are kept: beside it, or with the program's state while it is unsaved."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import platformdirs

from engine.train.runs import home_of, listed, new_folder

LEFT_FOR = 30 * 86_400
"""Seconds that runs of documents which were never saved are kept after a crash."""


def run_home(path: Path | None) -> Path:
    """The folder of the runs of a document that is saved at `path`, or not yet."""
    if path is not None:
        return home_of(path)
    return platformdirs.user_state_path("gradloom", appauthor=False) / "runs" / "unsaved"


class RunsPlace:
    """The folder of the runs of the document that is open, `now`; None while it was never saved and has
    none. Runs of a document that is never saved go with it."""

    def __init__(self) -> None:
        self.now: Path | None = None
        self._is_temporary = False

    def open(self, path: Path | None) -> None:
        """Another document."""
        self.close()
        self.now = run_home(path) if path is not None else None

    def to_write(self) -> Path:
        """The folder for a new run. Raises OSError."""
        if self.now is None:
            root = run_home(None)
            root.mkdir(parents=True, exist_ok=True)
            _sweep(root)
            self.now, self._is_temporary = Path(tempfile.mkdtemp(dir=root)) / "runs", True
        return self.now

    def is_behind(self, path: Path | None) -> bool:
        """Whether the document was saved under this name since."""
        return path is not None and self.now != run_home(path)

    def follow(self, path: Path, run: Path | None) -> None:
        """The document is called `path` now. What was never saved moves there, numbers and all; of a
        document under another name only the `run` that was trained meanwhile. Raises OSError."""
        old, self.now = self.now, run_home(path)
        is_temporary, self._is_temporary = self._is_temporary, False
        if old is None or not old.exists():
            return
        if not is_temporary:
            if run is not None and run.parent == old:
                _move(run, self.now)
            return
        if not self.now.exists():
            shutil.move(old, self.now)
        else:
            for one in listed(old):
                _move(one.folder, self.now)
        shutil.rmtree(old.parent, ignore_errors=True)

    def close(self) -> None:
        """Removes what goes with the document."""
        if self._is_temporary and self.now is not None:
            shutil.rmtree(self.now.parent, ignore_errors=True)
        self.now, self._is_temporary = None, False


def _move(run: Path, home: Path) -> None:
    folder = new_folder(home)
    folder.rmdir()
    shutil.move(run, folder)


def _sweep(root: Path) -> None:
    """Removes what programs that died left behind long ago."""
    for folder in root.iterdir():
        with suppress(OSError):  # another program was first
            if time.time() - folder.stat().st_mtime > LEFT_FOR:
                shutil.rmtree(folder, ignore_errors=True)

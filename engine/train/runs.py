"""The runs of a document side by side: numbered, listed, removed, old ones pruned."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from engine.files import FileError
from engine.train.checkpoints import RUN
from engine.train.recording import Run

MOST_RUNS = 50
MOST_BYTES = 4 << 30
_LAST = 999_999_999
_REMOVED = ".removed-"


def home_of(path: Path) -> Path:
    """The folder of the runs of a saved document, beside it."""
    return path.with_name(f"{path.name}.runs")


def listed(home: Path) -> list[Run]:
    """The runs in a folder by number; what is not one is passed over."""
    try:
        found = [
            Run(folder)
            for folder in home.iterdir()
            if (folder.name.isascii() and folder.name.isdigit() and len(folder.name) < 10)
            and not folder.is_symlink()
            and (folder / RUN).is_file()
        ]
    except OSError:
        return []
    return sorted(found, key=lambda run: run.number)


def new_folder(home: Path) -> Path:
    """Makes the folder of the next run. Raises OSError."""
    home.mkdir(parents=True, exist_ok=True)
    numbers = [int(n) for n in os.listdir(home) if n.isascii() and n.isdigit() and len(n) < 10]
    number = max(numbers, default=0)
    while number < _LAST:
        number += 1
        with suppress(FileExistsError):  # another program was first
            (home / str(number)).mkdir()
            return home / str(number)
    raise FileExistsError("there are too many runs; remove some")


def size_of(run: Run) -> int:
    """The bytes of a run's files."""
    total = 0
    with suppress(OSError):
        total = sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(run.folder))
    return total


def remove(run: Run) -> None:
    """Removes a run for good. Raises FileError while a program trains it, or when that fails."""
    if run.is_live:
        raise FileError("it is being trained; stop it first", str(run.folder))
    gone = run.folder.with_name(f"{_REMOVED}{secrets.token_hex(4)}")
    try:
        os.rename(run.folder, gone)  # at once, so that nobody sees half a run
        shutil.rmtree(gone)
    except OSError as error:
        raise FileError(f"it cannot be removed: {error.strerror}", str(run.folder)) from None


def prune(
    home: Path,
    most_runs: int = MOST_RUNS,
    most_bytes: int = MOST_BYTES,
    keep: Collection[int] = (),
) -> list[int]:
    """Removes the oldest runs beyond a number and beyond a sum of bytes; the numbers that went.

    The newest run, those in `keep`, the pinned ones and those being trained stay.
    """
    for left in home.glob(f"{_REMOVED}*"):  # a removal that was cut off
        shutil.rmtree(left, ignore_errors=True)
    runs = listed(home)
    sizes = {run.number: size_of(run) for run in runs}
    count, total = len(runs), sum(sizes.values())
    gone = []
    for run in runs[:-1]:
        if count <= most_runs and total <= most_bytes:
            break
        if run.number in keep or run.is_pinned or run.is_live:
            continue
        with suppress(FileError):
            remove(run)
            gone.append(run.number)
            count, total = count - 1, total - sizes[run.number]
    return gone

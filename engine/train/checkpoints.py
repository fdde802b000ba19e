"""Checkpoints of a training: all that going on needs, as a file that is replaced as a whole."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.files import FileError
from engine.files.archive import packed, unpacked, write_bytes
from engine.files.strict import MAX_BYTES, load_json, read_array, write_array
from engine.ops.row import Array
from engine.train.session import Training

CHECKPOINT, RUN = "checkpoint", "run.json"
_ARRAY = re.compile(r"arrays/([a-z]+/[\w.]{1,160})\.npy")


@dataclass(frozen=True)
class Checkpoint:
    """What `Training.restore` takes."""

    arrays: Mapping[str, Array]
    facts: Mapping[str, Any]

    @property
    def step(self) -> int:
        return int(self.facts["step"])


def restore(training: Training, kept: Checkpoint) -> None:
    """Brings a training to a checkpoint. Raises TrainingError or FileError when it does not fit."""
    try:
        training.restore(kept.arrays, kept.facts)
    except (KeyError, TypeError, OverflowError, AttributeError) as error:
        raise FileError(f"the checkpoint is damaged ({error}); train from the start") from None


def checkpoint_bytes(arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> bytes:
    """A checkpoint as a file. Raises FileError when it is too large or a number is not finite."""
    if sum(array.nbytes + 512 for array in arrays.values()) > MAX_BYTES - (64 << 20):
        raise FileError(f"it holds more than {MAX_BYTES >> 30} GiB of numbers")
    members = {"state.json": b""}
    for key, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise FileError(f"{key} is not finite")
        members[f"arrays/{key}.npy"] = write_array(array)
    try:
        members["state.json"] = json.dumps(facts, allow_nan=False, sort_keys=True).encode()
    except ValueError:
        raise FileError("its state is not finite") from None
    return b"".join(packed(members))


def read_checkpoint(data: bytes) -> Checkpoint:
    """What `checkpoint_bytes` wrote. Raises FileError for anything else."""
    members = unpacked(data, _belongs)
    facts = load_json(bytes(members.pop("state.json", b"null")))
    step = facts.get("step") if isinstance(facts, dict) else None
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**62:
        raise FileError("it does not say how many steps are done")
    arrays = {}
    for name, payload in members.items():
        found = _ARRAY.fullmatch(name)
        assert found is not None  # `_belongs` let it in
        array = read_array(payload)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise FileError(f"its {found[1]} is not finite")
        arrays[found[1]] = array
    return Checkpoint(arrays, facts)


def _belongs(name: bytes) -> bool:
    try:
        return name == b"state.json" or bool(_ARRAY.fullmatch(name.decode("utf-8")))
    except UnicodeDecodeError:
        return False


class Keeper:
    """Writes the newest checkpoint and the newest record of the run, on a thread."""

    def __init__(self, folder: Path, metrics: IO[bytes]) -> None:
        self.fault = self.refused = ""
        self._folder, self._metrics = folder, metrics
        self._state = threading.Condition()
        self._waiting: dict[str, Any] = {}
        self._busy = self._closed = False
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether a checkpoint is on its way to the disk."""
        return self._busy or CHECKPOINT in self._waiting

    def put(self, checkpoint: Checkpoint | None = None, record: bytes = b"") -> None:
        with self._state:
            if checkpoint is not None:
                self._waiting[CHECKPOINT] = checkpoint
            if record:
                self._waiting[RUN] = record
            self._state.notify()

    def close(self) -> None:
        with self._state:
            self._closed = True
            self._state.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._state:
                while not self._waiting and not self._closed:
                    self._state.wait()
                if not self._waiting:
                    return
                work, self._waiting, self._busy = self._waiting, {}, CHECKPOINT in self._waiting
            try:
                self._write(**work)
            except (OSError, FileError, MemoryError) as error:
                why = (
                    getattr(error, "reason", "")
                    or getattr(error, "strerror", "")
                    or "out of memory"
                )
                self.fault = f"this run is no longer recorded: {why}; training goes on"
            self._busy = False

    def _write(self, checkpoint: Checkpoint | None = None, **named: bytes) -> None:
        if checkpoint is not None:
            try:
                data = checkpoint_bytes(checkpoint.arrays, checkpoint.facts)
            except FileError as error:
                self.refused = f"the checkpoint stays as it was: {error.reason}"
            else:
                os.fsync(self._metrics.fileno())  # the steps that lead to it come first
                write_bytes(self._folder / CHECKPOINT, data)
        if RUN in named:
            write_bytes(self._folder / RUN, named[RUN])

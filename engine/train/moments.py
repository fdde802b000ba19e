"""Parameters at moments of a run: slots of one size in one file, twice as far apart when it is full."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from engine.fields import NODE_PATH
from engine.files import FileError
from engine.files.archive import write_bytes
from engine.files.strict import DESCR, MAX_BYTES, check_shape, load_json
from engine.files.structs import Strict
from engine.ops.row import Array
from engine.train.session import Training

MOMENTS = "moments"
MOMENTS_MAGIC = b"GLMOM\x01\0\0"
MOMENTS_HEAD = struct.Struct("<8sQ")
"""Magic and length of the layout's text, which follows; slots begin at the next 4096."""
STAMP = struct.Struct("<qq")
"""Step and serial number; serial 0 is an empty slot."""
MAX_SLOTS = 2_000
FAR = 1 << 40
_EMPTY = STAMP.pack(0, 0)


@dataclass(frozen=True)
class Layout:
    """Where parameters lie in the slots of `moments`: (id, dtype, shape), one behind the other.

    A slot is a stamp, the norms of the update and of the parameter, the arrays, the stamp again.
    """

    entries: tuple[tuple[str, str, tuple[int, ...]], ...]
    slots: int

    @property
    def offsets(self) -> list[int]:
        """Where each array begins in a slot, and where the last one ends."""
        at = _up(STAMP.size + 16 * len(self.entries), 64)
        offsets = [at]
        for _, dtype, shape in self.entries:
            at = _up(at + check_shape(dtype, shape), 64)
            offsets.append(at)
        return offsets

    @property
    def slot(self) -> int:
        """Bytes of a slot."""
        return self.offsets[-1] + 64

    def head(self) -> bytes:
        told = {"entries": self.entries, "slots": self.slots}
        text = json.dumps(told, separators=(",", ":")).encode()
        head = MOMENTS_HEAD.pack(MOMENTS_MAGIC, len(text)) + text
        return head + b"\0" * (_up(len(head), 4096) - len(head))


class _LayoutText(Strict):
    entries: list[tuple[str, str, list[int]]]
    slots: int


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def read_layout(file: Any) -> tuple[Layout, int]:
    """The layout of `moments` and where its slots begin. Raises FileError."""
    head = file.read(MOMENTS_HEAD.size)
    magic, length = MOMENTS_HEAD.unpack(head) if len(head) == MOMENTS_HEAD.size else (b"", 0)
    if magic != MOMENTS_MAGIC or length > 16 << 20:
        raise FileError("it holds no moments of a run")
    try:
        told = msgspec.convert(load_json(file.read(length)), _LayoutText)
    except msgspec.ValidationError as error:
        raise FileError(f"it holds no moments of a run: {error}") from None
    for node_id, dtype, shape in told.entries:
        check_shape(dtype, shape)
        if not NODE_PATH.fullmatch(node_id):
            raise FileError("its parameters are not named by ids")
    layout = Layout(tuple((n, d, tuple(s)) for n, d, s in told.entries), told.slots)
    if not 0 < layout.slots <= MAX_SLOTS or layout.slot > MAX_BYTES:
        raise FileError("its moments are too many or too large")
    return layout, _up(MOMENTS_HEAD.size + length, 4096)


def write_all(file: IO[bytes], data: Any) -> None:
    """Writes everything: one call may take less than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


class Moments:
    """The slots of a file, read while another program writes them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._layout: tuple[Layout, int] | None = None
        self._known: dict[int, int] = {}

    def slots(self) -> dict[int, int]:
        """Which slot holds which step, the one written last where two do; none without a file."""
        found: dict[int, tuple[int, int]] = {}
        try:
            with self.path.open("rb") as file:
                if self._layout is None:
                    self._layout = read_layout(file)
                layout, start = self._layout
                there = (os.fstat(file.fileno()).st_size - start) // layout.slot
                for index in range(min(there, layout.slots)):
                    step, serial = stamp_of(file, start + index * layout.slot, layout)
                    if serial:
                        found[step] = max(found.get(step, (0, 0)), (serial, index))
        except (OSError, FileError):
            found = {}
        self._known = {step: index for step, (_, index) in found.items()}
        return self._known

    def parameters(self, step: int) -> dict[str, Array]:
        """The arrays of a slot by id, read-only. Raises FileError when there is none of that step."""
        slot, layout = self._read(step)
        read = {}
        for (node_id, dtype, shape), at in zip(layout.entries, layout.offsets, strict=False):
            count = math.prod(shape)
            if dtype == "bool" and np.frombuffer(slot, np.uint8, count, at).max(initial=0) > 1:
                raise FileError("a truth value is neither 0 nor 1", str(self.path))
            read[node_id] = np.frombuffer(slot, DESCR[dtype], count, at).reshape(shape)
        return read

    def norms(self, step: int) -> tuple[dict[str, float], dict[str, float]]:
        """Norms of the updates and of the parameters by id. Raises FileError as `parameters`."""
        slot, layout = self._read(step, norms_only=True)
        count = len(layout.entries)
        pairs = np.frombuffer(slot, "<f8", 2 * count, STAMP.size).reshape(2, count).tolist()
        ids = [entry[0] for entry in layout.entries]
        return dict(zip(ids, pairs[0], strict=True)), dict(zip(ids, pairs[1], strict=True))

    def _read(self, step: int, norms_only: bool = False) -> tuple[bytes, Layout]:
        """A slot's bytes, unless it is written anew just then; looks for it again a few times."""
        for known in (self._known, None, None):
            index = (self.slots() if known is None else known).get(step)
            if index is None or self._layout is None:
                continue
            layout, start = self._layout
            at = start + index * layout.slot
            with suppress(OSError), self.path.open("rb") as file:
                file.seek(at)
                slot = file.read(layout.offsets[0] if norms_only else layout.slot)
                stamp = stamp_of(file, at, layout)
                if STAMP.unpack(slot[: STAMP.size]) == stamp and stamp[0] == step and stamp[1]:
                    return slot, layout
        raise FileError(
            f"the parameters behind step {step} are not kept; choose one of the kept moments",
            str(self.path),
        )


def stamp_of(file: IO[bytes], at: int, layout: Layout) -> tuple[int, int]:
    """Step and serial number of a slot; (0, 0) for an empty one and one that is not whole.

    The one behind is read first, since the one before is what a writer takes away first and puts
    back last.
    """
    file.seek(at + layout.slot - STAMP.size)
    behind = file.read(STAMP.size)
    file.seek(at)
    before = file.read(STAMP.size)
    if len(behind) < STAMP.size or before != behind:
        return 0, 0
    step, serial = STAMP.unpack(before)
    return (step, serial) if serial > 0 and step >= 0 else (0, 0)


class MomentWriter:
    """The slots of `moments`: every so many steps one, twice as many when all are taken.

    A moment is taken behind a step and completed behind the next one, whose update it measures.
    """

    def __init__(self, folder: Path, training: Training, budget: int) -> None:
        self.training = training
        self.interval, self._serial = 1, 0
        self._open: tuple[int, dict[str, Array]] | None = None
        self._held: dict[int, int] = {}
        self._spare: list[int] = []
        self._file: IO[bytes] | None = None
        values = training.parameters()
        entries = tuple((n, v.dtype.name, v.shape) for n, v in values.items())
        slots = min(budget // Layout(entries, 1).slot, MAX_SLOTS)
        self.layout = Layout(entries, slots)
        if slots < 2:  # too large for the budget: none are kept
            return
        path = folder / MOMENTS
        self._start = len(self.layout.head())
        if not self._is_ours(path):
            write_bytes(path, self.layout.head())
        self._file = path.open("r+b", buffering=0)
        self._find_slots()
        self.cut(training.step_count)
        self._slot = bytearray(self.layout.slot)
        count = len(entries)
        self._norms = np.frombuffer(self._slot, "<f8", 2 * count, STAMP.size).reshape(2, count)
        self._views = [
            np.frombuffer(self._slot, DESCR[dtype], math.prod(shape), at).reshape(shape)
            for (_, dtype, shape), at in zip(entries, self.layout.offsets, strict=False)
        ]

    def _is_ours(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return read_layout(file)[0] == self.layout
        except (OSError, FileError):
            return False

    def _find_slots(self) -> None:
        assert self._file is not None
        there = (os.fstat(self._file.fileno()).st_size - self._start) // self.layout.slot
        for index in range(max(min(there, self.layout.slots), 0)):
            step, serial = stamp_of(self._file, self._start + index * self.layout.slot, self.layout)
            self._held[step if serial and step not in self._held else -1 - index] = index
            self._serial = max(self._serial, serial)

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def after(self, step: int) -> int:
        """The next step that a moment is due behind."""
        return (step // self.interval + 1) * self.interval if self._file else FAR

    def take(self, opens: bool) -> None:
        """Completes the moment that is open, and opens the one of this step."""
        if self._file is None:
            return
        step, values = self.training.step_count, self.training.parameters()
        if self._open is not None:
            self._put(*self._open, values if self._open[0] == step - 1 else None)
        self._open = (step, values) if opens else None

    def rest(self) -> None:
        """Keeps this moment; the next step completes it."""
        if self._file is not None:
            step = self.training.step_count
            if self._open is None or self._open[0] != step:
                self._open = (step, self.training.parameters())
            self._put(*self._open, None)

    def changed(self) -> None:
        """The parameters are others than the last step left."""
        if self._open is not None:
            self._open = None
            self.rest()

    def cut(self, done: int) -> None:
        """Takes moments behind later steps back."""
        if self._open is not None and self._open[0] > done:
            self._open = None
        for step in [step for step in self._held if step > done]:
            assert self._file is not None
            index = self._held.pop(step)
            self._held[-1 - index] = index
            self._file.seek(self._start + index * self.layout.slot)
            write_all(self._file, _EMPTY)
        self._spare = [step for step in self._held if step < 0]

    def _put(
        self, step: int, values: Mapping[str, Array], after: Mapping[str, Array] | None
    ) -> None:
        assert self._file is not None
        index = self._index(step)
        self._serial += 1
        stamp = STAMP.pack(step, self._serial)
        self._slot[: STAMP.size] = self._slot[-STAMP.size :] = stamp
        with np.errstate(over="ignore", invalid="ignore"):
            for column, (node_id, _, _) in enumerate(self.layout.entries):
                value = values[node_id]
                self._views[column][...] = value
                self._norms[1, column] = _norm(value)
                self._norms[0, column] = (
                    math.nan if after is None else _norm(after[node_id] - value)
                )
        self._write(self._start + index * self.layout.slot, stamp)
        self._held[step] = index

    def _write(self, at: int, stamp: bytes) -> None:
        """Takes the stamp before away, writes numbers and stamp behind, and puts the stamp back last."""
        assert self._file is not None
        for place, part in ((at, _EMPTY), (at + STAMP.size, self._slot[STAMP.size :]), (at, stamp)):
            self._file.seek(place)
            write_all(self._file, part)

    def _index(self, step: int) -> int:
        """The slot for a step: its own, an unused one, or that of one that is dropped."""
        if step in self._held:
            return self._held[step]
        if not self._spare and len(self._held) < self.layout.slots:
            return len(self._held)
        while not self._spare:
            self.interval *= 2
            first = min(self._held)
            dropped = [s for s in self._held if s % self.interval and s != first]
            self._spare = sorted(dropped, reverse=True)
        return self._held.pop(self._spare.pop())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _norm(value: Array) -> float:
    flat = value.ravel().astype(np.float64, copy=False)
    return math.sqrt(float(flat @ flat))

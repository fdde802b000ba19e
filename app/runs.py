"""The runs of a document: what they are called, which are shown, how they stand and differ."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine import files
from engine.files import FileError
from engine.graph import Graph, Recipe
from engine.recipe import Stage
from engine.train import runs as folders
from engine.train.recording import Facts, Measures, Run

NAME = "name"
"""The file in a run's folder with the name that a person gave it."""
MAX_NAME = 80
SHOWN = 10
"""So many runs are shown at once at most; colours are told apart up to here."""


@dataclass
class Entry:
    """A run in the list. `colour` counts among those that are shown, -1 while it is not."""

    run: Run
    facts: Facts
    name: str = ""
    pinned: bool = False
    colour: int = -1
    best: float = math.nan
    _stamp: tuple[int, int] = (0, 0)

    @property
    def number(self) -> int:
        return self.run.number

    @property
    def shown(self) -> bool:
        return self.colour >= 0

    @property
    def title(self) -> str:
        """What a person called it, else its number."""
        return self.name or f"run {self.number}"

    @property
    def is_live(self) -> bool:
        return self.facts.state in ("running", "paused")

    @property
    def seconds(self) -> float:
        """From its start to its last change."""
        return max(self.facts.changed - self.facts.started, 0.0)


class Runs:
    """The runs in one folder, the newest first. `changed` is called when the list is another one.

    Nothing here raises for a folder that is missing or damaged: such runs are not listed, and `fault`
    says so. `rename`, `pin` and `remove` raise ValueError or OSError with a sentence.
    """

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        self.home: Path | None = None
        self.entries: list[Entry] = []
        self.fault = ""
        self._changed = changed or _nothing
        self._seen: set[int] = set()

    def open(self, home: Path | None) -> None:
        """The runs of another folder; None has none."""
        if home != self.home:
            self.home, self.entries, self._seen = home, [], set()
        self.refresh()

    def refresh(self) -> None:
        """Reads what has changed. New runs are shown, the oldest that are not pinned make room."""
        before = [(e.number, e.facts, e.name, e.pinned, e.colour, e.best) for e in self.entries]
        known = {entry.number: entry for entry in self.entries}
        found, faults = [], []
        for run in folders.listed(self.home) if self.home is not None else ():
            entry = known.get(run.number)
            try:
                found.append(_read(run) if entry is None else _renewed(entry))
            except FileError as error:
                faults.append(str(error))
        self.entries = found[::-1]
        self.fault = faults[0] if faults else ""
        first = not self._seen  # of those that were there before the newest alone is shown
        for entry in found:
            if entry.number not in self._seen:
                self._seen.add(entry.number)
                if not first or entry.pinned or entry is found[-1]:
                    self._show(entry, True)
        now = [(e.number, e.facts, e.name, e.pinned, e.colour, e.best) for e in self.entries]
        if now != before:
            self._changed()

    def of(self, number: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.number == number), None)

    @property
    def shown(self) -> list[Entry]:
        """Those whose curves are drawn, oldest first."""
        return [entry for entry in reversed(self.entries) if entry.shown]

    def show(self, number: int, on: bool) -> None:
        """Shows a run in the curves, or hides it."""
        entry = self.of(number)
        if entry is not None and entry.shown != on:
            self._show(entry, on)
            self._changed()

    def _show(self, entry: Entry, on: bool) -> None:
        entry.colour = -1
        if on:
            shown = self.shown
            if len(shown) >= SHOWN:
                old = next((e for e in shown if not e.pinned), shown[0])
                old.colour = -1
            used = {e.colour for e in self.entries}
            entry.colour = next(i for i in range(SHOWN) if i not in used)

    def rename(self, number: int, name: str) -> None:
        """Gives a run a name; an empty one takes it away."""
        entry = self._there(number)
        text = " ".join(name.split())[:MAX_NAME]
        place = entry.run.folder / NAME
        if text:
            files.write_bytes(place, text.encode("utf-8"))
        else:
            place.unlink(missing_ok=True)
        entry.name = text
        self._changed()

    def pin(self, number: int, keep: bool) -> None:
        """A pinned run stays when old ones are removed."""
        entry = self._there(number)
        entry.run.pin(keep)
        entry.pinned = keep
        self._changed()

    def remove(self, number: int) -> None:
        """Removes a run's files for good. Raises FileError while it is trained."""
        folders.remove(self._there(number).run)
        self.refresh()

    def _there(self, number: int) -> Entry:
        entry = self.of(number)
        if entry is None:
            raise FileError("the run is gone; another program may have removed it")
        return entry


def _nothing() -> None:
    pass


def _stamp(run: Run) -> tuple[int, int]:
    try:
        found = os.stat(run.folder / "run.json")
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _read(run: Run) -> Entry:
    stamp = _stamp(run)
    try:
        name = (run.folder / NAME).read_text("utf-8")[:MAX_NAME]
    except (OSError, UnicodeDecodeError):
        name = ""
    return Entry(run, run.facts, name, run.is_pinned, best=best_of(run.measures), _stamp=stamp)


def _renewed(entry: Entry) -> Entry:
    stamp = _stamp(entry.run)
    if stamp != entry._stamp or entry.is_live:
        facts = entry.run.facts
        if facts.started != entry.facts.started:  # removed, and its number was given anew
            other = _read(Run(entry.run.folder))
            other.colour = entry.colour
            return other
        entry.facts, entry._stamp = facts, stamp
        entry.best = best_of(entry.run.measures)
    entry.pinned = entry.run.is_pinned
    return entry


def best_of(measures: Measures) -> float:
    """The least loss over the rows held out, over the training rows when none are; NaN before any.

    The loss is measured before the metrics, so it comes first.
    """
    for part in ("validation", "train"):
        for _, values in measures.get(part, {}).values():
            finite = values[values == values]
            if len(finite):
                return float(finite.min())
            break
    return math.nan


# ------------------------------------------------------------ how two differ


_WORDS = {
    "loss": "loss", "frozen": "what is frozen", "optimizer": "optimizer", "settings": "settings",
    "learning_rate": "learning rate", "schedule": "schedule", "formula": "formula of the schedule",
    "schedule_settings": "settings of the schedule", "per_epoch": "schedule by epochs",
    "batch_size": "batch size", "epochs": "epochs", "clip_norm": "norm to clip at",
    "clip_value": "value to clip at", "l1_penalty": "L1 penalty", "patience": "patience",
    "min_delta": "least improvement", "title": "title",
}  # fmt: skip


def differences(
    one: Recipe, other: Recipe, name: Callable[[str], str] = str
) -> list[tuple[str, str, str]]:
    """What differs between two recipes: (what, how it is in the first, how in the second) in words.

    `name` says what a node is called.
    """
    found = []
    if one.seed != other.seed:
        found.append(("seed", str(one.seed), str(other.seed)))
    several = max(len(one.stages), len(other.stages)) > 1
    for number in range(max(len(one.stages), len(other.stages))):
        stages = [r.stages[number] if number < len(r.stages) else None for r in (one, other)]
        first, second = stages
        if first is None or second is None:
            there = ["–" if s is None else f"{s.optimizer}, {s.epochs} epochs" for s in stages]
            found.append((f"stage {number + 1}", there[0], there[1]))
            continue
        for field in fields(Stage):
            a, b = getattr(first, field.name), getattr(second, field.name)
            if a != b:
                what = _WORDS.get(field.name, field.name.replace("_", " "))
                where = f"stage {number + 1}: " if several else ""
                found.append((where + what, _told(field.name, a, name), _told(field.name, b, name)))
    return found


def _told(field: str, value: Any, name: Callable[[str], str]) -> str:
    if field == "loss":
        return name(value) if value else "the output"
    if field == "frozen":
        return ", ".join(map(name, value)) or "nothing"
    if field == "batch_size" and not value:
        return "all rows"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if value else "0"
    if isinstance(value, dict):
        return ", ".join(f"{k} {v:g}" for k, v in sorted(value.items())) or "defaults"
    return str(value) or "–"


def changes(one: Graph, other: Graph) -> list[str]:
    """How two documents differ, in sentences; empty when they compute the same from the same values."""
    found = []
    for words, left, right in (
        ("only in the first", one, other),
        ("only in the second", other, one),
    ):
        gone = [left.name(n) for n in left.order() if n not in right.nodes]
        if gone:
            more = f" and {len(gone) - 6} more" if len(gone) > 6 else ""
            found.append(f"{', '.join(gone[:6])}{more}: {words}")
    both = [n for n in one.order() if n in other.nodes]
    others = [
        one.name(n)
        for n in both
        if (one.nodes[n].op, one.nodes[n].options, one.nodes[n].literals)
        != (other.nodes[n].op, other.nodes[n].options, other.nodes[n].literals)
    ]
    if others:
        more = f" and {len(others) - 6} more" if len(others) > 6 else ""
        found.append(f"{', '.join(others[:6])}{more}: not the same operator, options or numbers")
    if {k: v for k, v in one.links.items() if k[0] in both} != {
        k: v for k, v in other.links.items() if k[0] in both
    }:
        found.append("some wires differ")
    if one.sources != other.sources:
        found.append("the data differ")
    return found

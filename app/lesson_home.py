"""How far lessons were walked, and their documents as they were left: kept with the program's state."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from app.lesson import Way
from engine import files, lessons
from engine.files.strict import load_json
from engine.graph import Graph

MOST_BYTES = 8_000_000
"""Larger documents are not kept: such a lesson goes on at its step, with the document as shipped."""


def folder() -> Path:
    return platformdirs.user_state_path("gradloom", appauthor=False) / "lessons"


def key_of(graph: Graph) -> str:
    """What a lesson is known by: its title and what its steps ask for. The words may be bettered by an
    update, and one goes on where one was."""
    asked = [
        (s.kind, s.goal, dict(s.settings), s.node, s.of, s.index, len(s.choices), s.answer)
        for s in graph.settings["lesson"]
    ]
    told = [graph.settings["title"], asked]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]


def way(key: str) -> Way:
    """How far a lesson was walked; nothing where it was not, or where that cannot be read."""
    try:
        kept = load_json((folder() / f"{key}.json").read_bytes())
        done = frozenset(int(n) for n in kept["done"])
        return Way(max(int(kept["at"]), 0), max(int(kept["reached"]), 0), done)
    except (OSError, ValueError, TypeError, KeyError):
        return Way()


def document(key: str) -> Graph | None:
    """The document of a lesson as it was left; None where there is none."""
    try:
        return files.from_bytes((folder() / f"{key}.gloom").read_bytes())
    except (OSError, ValueError):
        return None


def keep(key: str, walked: Way, graph: Graph | None) -> None:
    """Keeps how far one is, and the document as it is now. Raises OSError."""
    folder().mkdir(parents=True, exist_ok=True)
    said = {"at": walked.at, "reached": walked.reached, "done": sorted(walked.done)}
    files.write_bytes(folder() / f"{key}.json", json.dumps(said).encode())
    if graph is not None and sum(t.nbytes for t in graph.tensors.values()) <= MOST_BYTES:
        files.write(graph, folder() / f"{key}.gloom")


def forget(key: str) -> None:
    """The lesson begins anew when it is opened."""
    for ending in ("json", "gloom"):
        with suppress(OSError):
            (folder() / f"{key}.{ending}").unlink()


def progress(name: str) -> tuple[int, int]:
    """How many steps of a shipped lesson are done, of how many. Raises KeyError."""
    key, count = _shipped(name)
    return min(len(way(key).done), count), count


@cache
def _shipped(name: str) -> tuple[str, int]:
    graph = lessons.load(name)
    return key_of(graph), len(graph.settings["lesson"])

"""Edits of notes and frames, and which nodes a frame carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.edits import Edit, Put, batch
from engine.graph import Graph, Note

Area = tuple[float, float, float, float]
"""Left, top, width and height in scene units."""


def add_note(graph: Graph, **fields: Any) -> tuple[Edit, str]:
    """A note or a frame with these fields of `Note`, and its id."""
    note = Note(graph.new_note_id(), **fields)
    return Put("notes", note.id, note), note.id


def change_note(graph: Graph, note_id: str, **changes: Any) -> Edit:
    """Another text, colour, place or size."""
    return Put("notes", note_id, replace(graph.notes[note_id], **changes))


def move_notes(graph: Graph, places: Mapping[str, tuple[float, float]]) -> Edit:
    """New places for notes and frames, by id; what a frame carries is moved by who calls."""
    return batch(
        *(Put("notes", n, replace(graph.notes[n], x=x, y=y)) for n, (x, y) in places.items())
    )


def remove_notes(note_ids: Iterable[str]) -> Edit:
    """Takes notes and frames away; the nodes in a frame stay."""
    return batch(*(Put("notes", n, None) for n in note_ids))


def carried(graph: Graph, frame_id: str, areas: Mapping[str, Area]) -> list[str]:
    """Nodes and notes that lie wholly in a frame, by their areas; a frame carries no larger one."""
    frame = graph.notes[frame_id]
    if frame.kind != "frame":
        return []
    inside = []
    for key, (x, y, width, height) in areas.items():
        fits = frame.x <= x and x + width <= frame.x + frame.width
        if key != frame_id and fits and frame.y <= y and y + height <= frame.y + frame.height:
            inside.append(key)
    return inside

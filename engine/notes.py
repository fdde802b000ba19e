"""Edits of notes and frames, and what a frame carries and how it fits around it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.edits import Edit, Put, batch, move, remove_nodes
from engine.graph import Graph, Note, id_number
from engine.layout import arrange

Area = tuple[float, float, float, float]
"""Left, top, width and height in scene units."""
PADDING, TITLE = 24.0, 28.0
"""Free ground in a frame around what it holds, and the height of its title."""
GRID = 4


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


def move_all(graph: Graph, places: Mapping[str, tuple[float, float]]) -> Edit:
    """New places for nodes, notes and frames, by id."""
    notes = {n: place for n, place in places.items() if n in graph.notes}
    nodes = {n: place for n, place in places.items() if n not in notes}
    return batch(move(graph, nodes), move_notes(graph, notes))


def place_of(graph: Graph, key: str) -> tuple[float, float]:
    """Where a node, a note or a frame stands."""
    held = graph.notes[key] if key in graph.notes else graph.nodes[key]
    return held.x, held.y


def remove_all(graph: Graph, keys: Iterable[str]) -> Edit:
    """Takes nodes, notes and frames away; what stands in a frame stays unless it is named."""
    wanted = list(keys)
    notes = [n for n in wanted if n in graph.notes]
    nodes = [n for n in wanted if n in graph.nodes]
    return batch(remove_nodes(graph, nodes), remove_notes(notes))


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


def around(areas: Iterable[Area]) -> Area:
    """The place and the size of a frame around what it is to hold, on the grid."""
    held = list(areas)
    left = _floor(min(a[0] for a in held) - PADDING)
    top = _floor(min(a[1] for a in held) - PADDING - TITLE)
    right = -_floor(-max(a[0] + a[2] for a in held) - PADDING)
    bottom = -_floor(-max(a[1] + a[3] for a in held) - PADDING)
    return left, top, right - left, bottom - top


def _floor(number: float) -> float:
    return float(number // GRID * GRID)


def placed(graph: Graph, note_id: str, area: Area) -> Edit:
    """Another place and size for a note or a frame."""
    x, y, width, height = area
    return change_note(graph, note_id, x=x, y=y, width=width, height=height)


def arranged(
    graph: Graph, node_ids: Collection[str] | None, areas: Mapping[str, Area]
) -> Edit | None:
    """Nodes (all unless given) laid out, frames fitted to them; None when they all stay.

    `areas` are those of everything. Nodes in a frame stay together when all of them are laid out.
    """
    chosen = set(graph.nodes if node_ids is None else node_ids)
    nested = _nested(graph, chosen, areas)
    within: dict[str, str] = {}
    for frame_id, inside in nested.items():
        for key in inside:
            if key in graph.nodes or key in nested:
                within.setdefault(key, frame_id)
    sizes = {key: (width, height) for key, (_, _, width, height) in areas.items()}
    margins = (PADDING, PADDING + TITLE, PADDING, PADDING)
    places = arrange(graph, chosen, sizes, within, margins)
    if all(place_of(graph, n) == place for n, place in places.items()):
        return None
    return batch(move(graph, places), _refitted(graph, places, areas, nested))


def _nested(
    graph: Graph, chosen: Collection[str], areas: Mapping[str, Area]
) -> dict[str, list[str]]:
    """Frames whose nodes are all chosen, inner ones first, with what each holds."""
    frames = sorted(
        (n for n in graph.notes.values() if n.kind == "frame"),
        key=lambda n: (n.width * n.height, id_number(n.id)),
    )
    nested: dict[str, list[str]] = {}
    later = {n.id for n in frames}
    for frame in frames:
        later.discard(frame.id)  # of two frames with one place, one is in the other
        inside = [key for key in carried(graph, frame.id, areas) if key not in later]
        nodes = [key for key in inside if key in graph.nodes]
        if nodes and all(n in chosen for n in nodes):
            nested[frame.id] = inside
    return nested


def _refitted(
    graph: Graph,
    places: Mapping[str, tuple[float, float]],
    areas: Mapping[str, Area],
    nested: Mapping[str, list[str]],
) -> Edit:
    """Frames are fitted to their nodes at new `places`; what else is in them goes along."""
    now = {k: (*places.get(k, a[:2]), *a[2:]) for k, a in areas.items()}
    moved: dict[str, Area] = {}
    for frame_id, inside in nested.items():
        nodes = [key for key in inside if key in graph.nodes]
        by = [min(now[k][i] for k in nodes) - min(areas[k][i] for k in nodes) for i in (0, 1)]
        for key in inside:
            if key in graph.notes and key not in moved:
                x, y, width, height = areas[key]
                moved[key] = now[key] = (x + by[0], y + by[1], width, height)
        moved[frame_id] = now[frame_id] = around(now[k] for k in inside)
    return batch(*(placed(graph, key, area) for key, area in moved.items()))

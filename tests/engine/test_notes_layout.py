"""Arranging with frames: what is in one stays together, and frames fit around their nodes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.compose import compose
from engine.edits import Put, move
from engine.files import to_bytes
from engine.graph import Graph, Note
from engine.notes import Area, around, arranged

NODE = (128.0, 76.0)


def areas(graph: Graph) -> dict[str, Area]:
    found = {n: (v.x, v.y, *NODE) for n, v in graph.nodes.items()}
    return found | {n: (v.x, v.y, v.width, v.height) for n, v in graph.notes.items()}


def frame(graph: Graph, note_id: str, *keys: str) -> None:
    held = areas(graph)
    note = Note(note_id, "frame", note_id, "", *around(held[graph.id_of(k) or k] for k in keys))
    Put("notes", note_id, note).apply(graph)


def overlap(one: Area, other: Area) -> bool:
    return all(one[i] < other[i] + other[2 + i] and other[i] < one[i] + one[2 + i] for i in (0, 1))


def holds(one: Area, other: Area) -> bool:
    return all(
        one[i] <= other[i] and other[i] + other[2 + i] <= one[i] + one[2 + i] for i in (0, 1)
    )


def laid(graph: Graph, ids: list[str] | None = None) -> dict[str, Area]:
    edit = arranged(graph, ids, areas(graph))
    assert edit is not None
    before = to_bytes(graph)
    inverse = edit.apply(graph)
    after = areas(graph)
    copy = graph.copy()
    inverse.apply(copy)
    assert to_bytes(copy) == before
    return after


def test_nodes_of_a_frame_stay_together_and_others_stay_out() -> None:
    graph = compose(
        "a = x + 1; b = sin(x); c = a * b; d = cos(x); e = d + 2; f = c + e", {"x": 1.0}
    )
    move(graph, {n: (300.0 * i, 0.0) for i, n in enumerate(graph.nodes)}).apply(graph)
    move(graph, {graph.id_of(n): (9000.0, 200.0 * i) for i, n in enumerate("ade")}).apply(graph)
    frame(graph, "f1", "a", "d", "e")
    now = laid(graph)
    inside = {graph.id_of(n) for n in "ade"}
    for node_id in graph.nodes:
        if node_id in inside:
            assert holds(now["f1"], now[node_id])
        else:
            assert not overlap(now["f1"], now[node_id])
    assert all(now[link.source][0] < now[link.target][0] for link in graph.all_links())


def test_frames_in_frames_and_notes_in_them() -> None:
    graph = compose("a = x^2; b = sin(a); c = exp(a); d = b + c; e = d * x", {"x": 1.0})
    move(graph, {n: (180.0 * i, 40.0 * i) for i, n in enumerate(graph.nodes)}).apply(graph)
    frame(graph, "f1", "b", "c")
    x, y, *_ = areas(graph)["f1"]
    Put("notes", "f2", Note("f2", "note", "in", "", x + 4, y + 30, 40, 24)).apply(graph)
    frame(graph, "f3", "f1", "d")
    now = laid(graph)
    assert holds(now["f3"], now["f1"]) and holds(now["f1"], now["f2"])
    for name, here in (("b", "f1"), ("c", "f1"), ("d", "f3")):
        assert holds(now[here], now[graph.id_of(name) or ""])
    assert not overlap(now["f3"], now[graph.id_of("a") or ""])
    assert not overlap(now["f3"], now[graph.id_of("e") or ""])
    assert arranged(graph, None, areas(graph)) is None or laid(graph) is not None


def test_a_frame_that_wires_leave_and_enter_again_is_fitted_all_the_same() -> None:
    graph = compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0})
    move(graph, {graph.id_of(n): (200.0 * (i % 2), 700.0 * i) for i, n in enumerate("xabc")}).apply(
        graph
    )
    held = areas(graph)
    note = Note("f1", "frame", "", "", *around([held["n1"]]))
    Put("notes", "f1", note).apply(graph)
    move(graph, {graph.id_of("c"): (note.x + 24, note.y + 52)}).apply(graph)
    now = laid(graph)
    assert holds(now["f1"], now["n1"]) and holds(now["f1"], now[graph.id_of("c") or ""])


def test_only_frames_whose_nodes_were_all_arranged_are_fitted() -> None:
    graph = compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0})
    move(graph, {n: (10.0 * i, 300.0 * i) for i, n in enumerate(graph.nodes)}).apply(graph)
    frame(graph, "f1", "a", "b")
    was = graph.notes["f1"]
    laid(graph, [str(graph.id_of("b")), str(graph.id_of("c"))])
    assert graph.notes["f1"] == was


def test_two_frames_in_one_place() -> None:
    graph = compose("a = sin(x); b = cos(a)", {"x": 1.0})
    move(graph, {n: (10.0 * i, 300.0 * i) for i, n in enumerate(graph.nodes)}).apply(graph)
    frame(graph, "f1", "a", "b")
    frame(graph, "f2", "a", "b")
    now = laid(graph)
    assert holds(now["f2"], now["f1"])


@pytest.mark.parametrize("seed", range(8))
def test_frames_at_random(seed: int) -> None:
    """Whatever is framed, nothing is lost, wires run to the right, frames hold what they held."""
    random = np.random.default_rng(seed)
    text = "v0 = x" + "".join(
        f"; v{i} = v{random.integers(i)} + sin(v{random.integers(i)})" for i in range(1, 24)
    )
    graph = compose(text.replace("v0 = x", "v0 = x + 0"), {"x": 1.0})
    spots = random.integers(0, 1500, (len(graph.nodes), 2))
    move(
        graph, {n: (float(x), float(y)) for n, (x, y) in zip(graph.nodes, spots, strict=True)}
    ).apply(graph)
    for number in range(1, 5):
        x, y = random.integers(-100, 900, 2)
        note = Note(f"f{number}", "frame", "", "", float(x), float(y), 700.0, 600.0)
        Put("notes", note.id, note).apply(graph)
    before = areas(graph)
    held = {(f, n) for f in graph.notes for n in graph.nodes if holds(before[f], before[n])}
    now = laid(graph)
    assert all(holds(now[f], now[n]) for f, n in held)
    boxes = [now[n] for n in graph.nodes]
    assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])

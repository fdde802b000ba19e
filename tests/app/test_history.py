"""Undo and redo by step and by gesture, and the saved mark."""

from __future__ import annotations

import numpy as np
import pytest

from app.history import History
from engine import edits
from engine.graph import Graph, GraphError


@pytest.fixture
def history() -> History:
    graph = Graph()
    edits.add_node(graph, "input", "x", value=np.zeros(2))[0].apply(graph)
    return History(graph)


def put(history: History, value: float, gesture: object | None = None) -> None:
    history.do(edits.set_tensor("n1", np.full(2, value)), "Set x", gesture)


def value(history: History) -> float:
    return float(history.graph.tensors["n1"][0])


def test_one_gesture_is_one_step(history: History) -> None:
    for number in (1, 2, 3):
        put(history, number, "drag")
    put(history, 4, "another drag")
    put(history, 5)
    put(history, 6)
    assert history.labels == ["Set x"] * 4
    seen = [value(history)]
    while history.undo():
        seen.append(value(history))
    assert seen == [6, 5, 4, 3, 0]
    while history.redo():
        pass
    assert value(history) == 6


@pytest.mark.parametrize("end", ["end_gesture", "mark_saved"])
def test_a_gesture_ends_when_told_and_at_saving(history: History, end: str) -> None:
    put(history, 1, "drag")
    getattr(history, end)()
    put(history, 2, "drag")
    assert len(history.labels) == 2


def test_undo_and_redo_end_a_gesture(history: History) -> None:
    put(history, 1, "drag")
    history.undo()
    history.redo()
    put(history, 2, "drag")
    history.undo()
    assert value(history) == 1


def test_saved_mark_follows_undo_and_redo(history: History) -> None:
    assert history.is_saved
    put(history, 1)
    assert not history.is_saved
    history.mark_saved()
    put(history, 2)
    history.undo()
    assert history.is_saved
    history.undo()
    assert not history.is_saved
    history.redo()
    assert history.is_saved


def test_the_saved_state_can_be_lost_and_won_again(history: History) -> None:
    put(history, 1)
    history.mark_saved()
    history.undo()
    put(history, 1)  # equal to the lost step in every field, arrays included, and yet another
    assert not history.is_saved
    history.undo()
    assert not history.is_saved
    history.mark_saved()
    assert history.is_saved
    history.mark_unsaved()
    assert not history.is_saved


def test_a_refused_edit_is_no_step_and_tells_nobody(history: History) -> None:
    told: list[int] = []
    history.changed.append(lambda: told.append(1))
    with pytest.raises(GraphError):
        history.do(edits.connect("n1", "n1", "x"), "Connect")
    assert not told and history.undo() is None and history.undo_label is None
    put(history, 1)
    assert told == [1] and history.undo_label == "Set x"
    history.undo()
    assert history.redo_label == "Set x" and len(told) == 2


def test_new_step_drops_what_was_undone(history: History) -> None:
    put(history, 1)
    history.undo()
    put(history, 2)
    assert history.redo() is None and value(history) == 2

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


def test_a_jump_is_many_steps_told_once(history: History) -> None:
    for number in range(1, 6):
        put(history, number)
    history.mark_saved()
    told: list[int] = []
    history.changed.append(lambda: told.append(history.position))
    history.jump(2)
    assert value(history) == 2 and told == [2] and not history.is_saved
    assert (history.position, history.length, history.saved_at) == (2, 5, 5)
    history.jump(2)
    assert told == [2]
    history.jump(99)
    assert value(history) == 5 and told == [2, 5] and history.is_saved
    history.jump(-3)
    assert value(history) == 0 and history.undo_label is None
    history.jump(3)
    put(history, 9)
    assert history.length == 4 and history.saved_at is None


def test_steps_have_names_done_and_taken_back(history: History) -> None:
    for name in ("one", "two", "three"):
        history.do(edits.set_tensor("n1", np.zeros(2)), name)
    history.jump(1)
    assert [history.label(n) for n in (1, 2, 3)] == ["one", "two", "three"]
    assert history.labels == ["one"] and history.redo_label == "two"


def test_a_jump_that_fails_midway_is_told_and_sound(history: History) -> None:
    """It cannot happen with the edits there are; where it did, views would follow what is true."""
    for number in range(1, 4):
        put(history, number)
    broken = history._done[1]
    history._done[1] = type(broken)(broken.label, broken.forward, edits.connect("n1", "n1", "x"))
    told: list[int] = []
    history.changed.append(lambda: told.append(history.position))
    with pytest.raises(GraphError):
        history.jump(0)
    assert told == [2] and value(history) == 2


def test_a_jump_ends_a_gesture(history: History) -> None:
    put(history, 1, "drag")
    put(history, 2)
    history.jump(1)
    put(history, 3, "drag")
    assert history.labels == ["Set x", "Set x"]


def test_a_step_is_put_below_others(history: History) -> None:
    put(history, 1)
    history.mark_saved()
    history.do(edits.remove_nodes(history.graph, ["n1"]), "Delete")
    seen: list[float] = []

    def made() -> edits.Edit:
        seen.append(value(history))
        return edits.set_tensor("n1", np.full(2, 7))

    assert history.do_below(1, "Train", made) and seen == [1]
    assert history.labels == ["Set x", "Train", "Delete"] and "n1" not in history.graph.nodes
    history.undo()
    assert value(history) == 7
    history.undo()
    assert value(history) == 1 and history.is_saved
    history.redo()
    history.redo()
    assert "n1" not in history.graph.nodes


def test_what_cannot_be_put_below_changes_nothing(history: History) -> None:
    put(history, 1)
    put(history, 2)
    history.mark_saved()

    def refused() -> edits.Edit:
        raise GraphError("no")

    with pytest.raises(GraphError):
        history.do_below(1, "Train", refused)
    assert not history.do_below(2, "Train", lambda: None)
    assert history.labels == ["Set x"] * 2 and value(history) == 2 and history.is_saved
    assert history.do_below(1, "Train", lambda: edits.set_tensor("n1", np.full(2, 7)))
    assert value(history) == 2 and not history.is_saved

"""One open document: the step, the selection, training taken over, another document."""

from __future__ import annotations

import numpy as np
import pytest

from app.session import MOST_NUMBERS, Session
from engine import edits, examples
from engine.compose import compose
from engine.graph import Graph, Note

PROGRAM = "t = x^2; u1 = sin(t); u2 = 3*t; u = u1 + u2; J = cos(u)"


@pytest.fixture
def session() -> Session:
    return Session(compose(PROGRAM, {"x": 0.5}))


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.heard = 0

    def __call__(self) -> None:
        self.heard += 1


def test_steps_and_seeking(session: Session) -> None:
    assert session.cursor == len(session.steps) == 12 and session.forward_end == 5
    session.seek(5)
    graph = session.graph
    t, j = graph.id_of("t"), graph.id_of("J")
    assert t and j
    assert session.shown_value(j) is not None and session.shown_gradient(t) is None
    session.seek(10)
    assert session.shown_gradient(t) == pytest.approx(-0.8139499024)
    session.seek(11)
    assert session.shown_gradient(t) == pytest.approx(-3.3341464114)
    session.seek(-4)
    assert session.cursor == 0 and session.step is None
    session.seek(99)
    assert session.cursor == 12 and session.step is session.steps[-1]


def test_moving_a_node_computes_nothing(session: Session) -> None:
    ear = Ear()
    session.evaluated.join(ear)
    session.do(edits.move(session.graph, {"n1": (7.0, 8.0)}), "Move")
    assert ear.heard == 0
    session.do(edits.set_tensor("n1", 1.0), "Set value")
    assert ear.heard == 1
    session.history.undo()
    assert ear.heard == 2
    assert session.shown_value("n1") == 0.5


def test_selection_follows_the_document(session: Session) -> None:
    ear = Ear()
    session.selection_changed.join(ear)
    session.select(["n6", "nothing"])
    assert session.selection == ("n6",) and ear.heard == 1
    session.do(edits.remove_nodes(session.graph, ["n6"]), "Delete")
    assert session.selection == () and ear.heard == 2


def test_parameters_stand_in_without_touching_the_document(session: Session) -> None:
    before = session.graph.tensors["n1"]
    session.refresh({"n1": np.array(1.0)})
    assert session.shown_value("n1") == 1.0
    assert session.graph.tensors["n1"] is before
    session.refresh()
    assert session.shown_value("n1") == 0.5


def test_training_is_one_undo_step(session: Session) -> None:
    assert session.keep_training({"n1": np.array(2.0), "n77": np.array(1.0)}, 12)
    assert session.history.labels == ["Train 12 epochs"]
    assert not session.keep_training({"n1": np.array(2.0)}, 3)
    session.history.undo()
    assert session.graph.tensors["n1"] == 0.5


def test_another_document(session: Session) -> None:
    ears = {name: Ear() for name in ("opened", "document_changed", "evaluated")}
    for name, ear in ears.items():
        getattr(session, name).join(ear)
    session.select(["n1"])
    session.load(Graph())
    assert [ear.heard for ear in ears.values()] == [1, 1, 1]
    assert session.selection == () and session.steps == () and session.title == "Untitled"


def test_data_nodes_are_fed() -> None:
    session = Session(examples.load("xor"))
    assert session.data_fault == ""
    assert session.evaluation.gradients
    source = next(iter(session.graph.sources))
    session.do(edits.set_source(source, None), "Remove data")
    assert "data" in session.data_fault
    session.history.undo()
    assert session.data_fault == ""


def test_the_step_survives_undo_redo_and_jumps(session: Session) -> None:
    """It stays where it was sought as far as there are steps; at the end it stays at the end."""
    last = [str(session.graph.id_of(name)) for name in ("u", "J")]
    session.seek(10)
    session.do(edits.remove_nodes(session.graph, last), "Delete")
    fewer = len(session.steps)
    assert fewer < 10 and session.cursor == fewer
    session.history.undo()
    assert session.cursor == 10
    session.history.redo()
    session.history.jump(0)
    assert session.cursor == 10
    session.seek(3)
    session.history.jump(1)
    assert session.cursor == 3
    session.history.jump(0)
    assert session.cursor == 3
    session.seek(12)
    session.history.jump(1)
    assert session.cursor == fewer
    session.history.jump(0)
    assert session.cursor == 12


def test_values_and_the_selection_survive_a_jump(session: Session) -> None:
    t, u1 = (str(session.graph.id_of(name)) for name in ("t", "u1"))
    session.select([t, u1])
    before = {n: session.shown_value(n) for n in session.graph.nodes}
    session.do(edits.set_tensor("n1", 2.0), "Set value")
    session.do(edits.move(session.graph, {t: (1.0, 2.0)}), "Move")
    session.do(edits.remove_nodes(session.graph, [u1]), "Delete")
    assert session.selection == (t,)
    changed, heard = Ear(), Ear()
    session.evaluated.join(changed)
    session.document_changed.join(heard)
    session.history.jump(0)
    assert (changed.heard, heard.heard) == (1, 1) and session.selection == (t,)
    assert {n: session.shown_value(n) for n in session.graph.nodes} == before
    assert session.shown_gradient(t) == pytest.approx(-3.3341464114)


def test_looking_is_no_step(session: Session) -> None:
    session.select(["n1"])
    session.seek(4)
    session.select(())
    assert session.history.length == 0 and session.history.is_saved


def test_notes_are_selected_beside_nodes() -> None:
    session = Session(compose("y = x^2", {"x": 1.0}))
    told: list[tuple[str, ...]] = []
    session.do(edits.Put("notes", "f1", Note("f1")), "Add note")
    session.selection_changed.join(lambda: told.append(session.chosen))
    session.select(("f1", "n1", "n99", "f99"))
    assert (session.selection, session.notes_selected) == (("n1",), ("f1",))
    session.select(("n1", "f1"))
    session.history.undo()
    assert session.chosen == ("n1",) and told == [("n1", "f1"), ("n1",)]
    session.select(())
    assert told[-1] == () and session.history.labels == []


def test_fewer_rows_are_shown_where_a_row_makes_very_many_numbers() -> None:
    session = Session(examples.load("pixelcnn-2"))
    made = sum(array.size for array in session.known.values.values())
    (rows,) = {array.shape[0] for array in session._feeds.values()}
    assert 1 <= rows < 16 and made <= MOST_NUMBERS
    small = Session(examples.load("softmax-digits"))
    assert {array.shape[0] for array in small._feeds.values()} == {32}

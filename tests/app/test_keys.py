"""Keys that a person changed: what wins, what is kept, and what comes back."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from app.actions import ACTIONS, Keys
from app.actions.gestures import FIXED
from app.actions.keys import fixed
from app.cli import cli


@pytest.fixture
def keys() -> Keys:
    return Keys(ACTIONS)


def everything(keys: Keys) -> list[str]:
    return [key for action in ACTIONS for key in keys.of(action.id)]


def test_the_table_is_what_there_is_at_first(keys: Keys) -> None:
    assert all(keys.of(action.id) == action.keys for action in ACTIONS)
    assert keys.of("edit.redo") == ("Ctrl+Shift+Z", "Ctrl+Y") and keys.first("help.about") == ""
    assert keys.changes == {} and not keys.is_changed("edit.undo")


def test_a_key_that_is_given_is_taken_from_what_had_it(keys: Keys) -> None:
    told: list[int] = []
    keys.changed.join(lambda: told.append(1))
    keys.give("view.fit", ["F", "Ctrl+Z"])
    assert keys.of("view.fit") == ("F", "Ctrl+Z") and keys.of("edit.undo") == ()
    owner = keys.owner("Ctrl+Z")
    assert owner is not None and owner.id == "view.fit" and keys.owner("Ctrl+Alt+9") is None
    assert keys.is_changed("edit.undo") and told == [1]
    keys.give("edit.copy", ["Ctrl+Z"])  # taken from what a person gave it to
    assert keys.of("view.fit") == ("F",) and keys.changes == {"edit.copy": ["Ctrl+Z"]}
    assert len(everything(keys)) == len(set(everything(keys)))


def test_reset_takes_keys_back(keys: Keys) -> None:
    keys.give("view.fit", ["Ctrl+Z"])
    keys.reset("edit.undo")
    assert keys.of("edit.undo") == ("Ctrl+Z",) and keys.of("view.fit") == ()
    keys.reset("view.fit")
    assert keys.changes == {} and keys.of("view.fit") == ("F",)


def test_only_differences_are_kept_and_read_again(keys: Keys) -> None:
    keys.give("edit.redo", ["Ctrl+Y"])
    keys.give("edit.copy", ["Ctrl+C"])  # what the table says
    keys.give("help.about", ["F1"])
    assert keys.changes == {"edit.redo": ["Ctrl+Y"], "help.about": ["F1"]}
    again = Keys(ACTIONS, keys.changes)
    assert [again.of(a.id) for a in ACTIONS] == [keys.of(a.id) for a in ACTIONS]
    again.load({})
    assert everything(again) == everything(Keys(ACTIONS))


def test_what_a_file_says_of_others_is_left_out() -> None:
    keys = Keys(ACTIONS, {"gone.action": ["F"], "view.fit": ["H"], "edit.cut": ["H", "H"]})
    assert keys.of("view.fit") == () and keys.of("edit.cut") == ("H",)
    assert "gone.action" not in keys.changes


def test_no_action_has_a_key_of_the_canvas() -> None:
    assert [key for key in everything(Keys(ACTIONS)) if fixed(key)] == []
    how = fixed("Space")
    assert how is not None and how.what == "Pan while it is held"
    listed = [key for keys in FIXED.values() for key in keys]
    assert len(listed) == len(set(listed))


def test_the_command_line_lists_keys() -> None:
    def call(*args: str) -> str:
        done = CliRunner().invoke(cli, ["keys", *args])
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    rows = json.loads(call("--json"))
    assert [row["id"] for row in rows] == [action.id for action in ACTIONS]
    redo = next(row for row in rows if row["id"] == "edit.redo")
    assert redo["keys"] == ["Ctrl+Shift+Z", "Ctrl+Y"] and redo["menu"] == "Edit"
    told = call()
    assert "Ctrl+Shift+Z or Ctrl+Y" in told and "middle button" in told and "Shift+Tab" in told
    assert call("--markdown").startswith("# Keyboard shortcuts")

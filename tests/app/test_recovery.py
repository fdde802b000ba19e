"""Autosaved copies: written in time, offered by content after a crash, gone after a clean exit."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from documents import PREVIEW, sample

from app import recovery as module
from app.recovery import Recovery
from engine import edits, files
from engine.files import FileError
from engine.graph import Graph


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def crash(recovery: Recovery) -> None:
    """What the system does for a program that was killed: it gives the lock up, and no more."""
    recovery.flush()
    recovery._lock.close()


def titled(graph: Graph, title: str) -> Graph:
    edits.set_setting("title", title).apply(graph)
    return graph


def titles(recovery: Recovery) -> list[str]:
    return [offer.title for offer in recovery.offers()]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_unsaved_work_is_offered_after_a_crash_and_only_then(state: Path, tmp_path: Path) -> None:
    graph, path = sample(), tmp_path / "a.gloom"
    files.write(graph, path)
    first = Recovery(state)
    first.note(titled(graph, "edited"), path)
    first.flush()
    second = Recovery(state)
    assert second.offers() == []  # its program is alive: a second window leaves it alone
    crash(first)
    (offer,) = second.offers()
    assert (offer.path, offer.title, offer.tried) == (path, "edited", False)
    again = second.open(offer)
    assert files.to_bytes(again) == files.to_bytes(graph)
    assert files.read(path).settings["title"] != "edited"  # the file itself is not touched


def test_a_clean_exit_leaves_nothing(state: Path) -> None:
    recovery = Recovery(state)
    recovery.note(sample(), None)
    recovery.flush()
    recovery.close()
    assert Recovery(state).offers() == []
    assert len([entry for entry in state.iterdir() if entry.is_dir()]) == 1


def test_the_copy_is_kept_until_a_good_save(state: Path, tmp_path: Path) -> None:
    first = Recovery(state)
    first.note(titled(Graph(), "one"), None)
    crash(first)
    second = Recovery(state)
    second.open(second.offers()[0])
    crash(second)  # recovered, and killed before it was saved
    third = Recovery(state)
    (offer,) = third.offers()
    assert offer.title == "one" and offer.tried
    graph = third.open(offer)
    files.write(graph, tmp_path / "saved.gloom")
    third.saved(graph)
    crash(third)
    assert Recovery(state).offers() == []


def test_a_document_that_crashes_on_opening_is_marked_before_it_is_read(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Recovery(state)
    first.note(titled(Graph(), "deadly"), None)
    crash(first)
    second = Recovery(state)

    def dies(path: Path) -> Graph:
        raise SystemError("a crash in the middle of opening")

    with monkeypatch.context() as patched:
        patched.setattr(module.files, "read", dies)
        with pytest.raises(SystemError):
            second.open(second.offers()[0])
    crash(second)
    (offer,) = Recovery(state).offers()
    assert offer.tried and offer.title == "deadly"


def test_offers_are_chosen_by_content_not_by_time(state: Path, tmp_path: Path) -> None:
    saved, edited = tmp_path / "saved.gloom", tmp_path / "edited.gloom"
    first = Recovery(state)
    same, other = titled(sample(), "same"), titled(sample(), "other")
    first.note(same, saved)
    first.note(other, edited)
    crash(first)
    files.write(same, saved, PREVIEW)
    files.write(sample(), edited)
    for path in (saved, edited):
        os.utime(path, (0, 0) if path == saved else (2**31, 2**31))  # the wrong way round
    assert titles(Recovery(state)) == ["other"]
    assert titles(Recovery(state)) == ["other"]


def test_the_twin_is_compared_as_a_twin(state: Path, tmp_path: Path) -> None:
    path, graph = tmp_path / "a.json", sample()
    first = Recovery(state)
    first.note(graph, path)
    crash(first)
    assert titles(Recovery(state)) == [graph.settings["title"]]
    files.write(graph, path)
    assert titles(Recovery(state)) == []


@pytest.mark.parametrize("harm", ["missing", "damaged", "newer"])
def test_a_file_that_cannot_be_read_does_not_hide_the_offer(
    state: Path, tmp_path: Path, harm: str
) -> None:
    path, graph = tmp_path / "a.gloom", titled(sample(), "mine")
    files.write(graph, path)
    first = Recovery(state)
    first.note(graph, path)
    crash(first)
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100] if harm == "damaged" else b'{"version": 7}')
    assert titles(Recovery(state)) == ["mine"]


def test_a_lost_record_leaves_an_untitled_offer(state: Path) -> None:
    first = Recovery(state)
    first.note(titled(Graph(), "x"), Path("somewhere.gloom"))
    crash(first)
    for record in state.rglob("*.info"):
        record.write_bytes(b"\xff not json")
    second = Recovery(state)
    (offer,) = second.offers()
    assert offer.path is None and second.open(offer).settings["title"] == "x"


def test_a_copy_that_cannot_be_opened_is_not_thrown_away(state: Path) -> None:
    first = Recovery(state)
    graph = titled(Graph(), "x")
    first.note(graph, None)
    crash(first)
    (copy,) = state.rglob("*.gloom")
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1])
    second = Recovery(state)
    with pytest.raises(FileError, match="cut off"):
        second.open(second.offers()[0])
    second.close()
    third = Recovery(state)
    (offer,) = third.offers()
    assert offer.tried
    third.discard(offer)
    assert third.offers() == []


def test_two_windows_do_not_open_the_same_offer(state: Path) -> None:
    first = Recovery(state)
    first.note(Graph(), None)
    crash(first)
    second, third = Recovery(state), Recovery(state)
    (offer,) = second.offers()
    (same,) = third.offers()
    second.open(offer)
    with pytest.raises(FileError, match="cannot be recovered"):
        third.open(same)
    assert third.offers() == []


def test_an_offer_can_be_declined_for_good(state: Path) -> None:
    first = Recovery(state)
    first.note(Graph(), None)
    crash(first)
    second = Recovery(state)
    second.discard(second.offers()[0])
    assert second.offers() == [] and Recovery(state).offers() == []


def test_copies_are_written_after_so_many_edits_or_seconds(state: Path) -> None:
    clock = Clock()
    recovery = Recovery(state, clock)
    graph = Graph()

    def written() -> str | None:
        recovery._wait()
        found = list(recovery._own.glob("*.gloom"))
        return files.read(found[0]).settings["title"] if found else None

    for number in range(1, module.EDITS):
        recovery.note(titled(graph, str(number)), None)
    recovery.tick()
    assert written() is None
    recovery.note(titled(graph, "tenth"), None)
    assert written() == "tenth"
    recovery.note(titled(graph, "later"), None)
    clock.now += module.SECONDS - 0.1
    recovery.tick()
    assert written() == "tenth"
    clock.now += 0.2
    recovery.tick()
    assert written() == "later"
    stamp = next(recovery._own.glob("*.gloom")).stat().st_mtime_ns
    clock.now += 1000
    recovery.tick()
    recovery._wait()
    assert next(recovery._own.glob("*.gloom")).stat().st_mtime_ns == stamp  # nothing was due


def test_a_copy_is_of_the_moment_it_was_taken(state: Path) -> None:
    recovery, graph = Recovery(state), sample()
    for number in range(module.EDITS):
        recovery.note(titled(graph, str(number)), None)
    for node in list(graph.nodes):
        edits.remove_nodes(graph, [node]).apply(graph)  # while the copy is being written
    crash(recovery)
    second = Recovery(state)
    assert len(second.open(second.offers()[0]).nodes) == len(sample().nodes)


def test_save_as_moves_the_copy_along(state: Path, tmp_path: Path) -> None:
    recovery, graph = Recovery(state), sample()
    recovery.note(graph, None)
    recovery.flush()
    recovery.note(titled(graph, "named"), tmp_path / "named.json")
    crash(recovery)
    (offer,) = Recovery(state).offers()
    assert offer.path == tmp_path / "named.json" and offer.copy.suffix == ".json"


def test_a_copy_that_fails_is_said_and_hurts_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery, graph = Recovery(state), sample()

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module.files, "replace_file", full)
        recovery.note(graph, None)
        recovery.flush()
    assert "not being kept for recovery" in recovery.fault
    recovery.note(graph, None)
    recovery.flush()
    assert recovery.fault == ""


def test_the_state_folder_is_the_systems(own_settings: Path) -> None:
    recovery = Recovery()
    recovery.note(Graph(), None)
    recovery.flush()
    assert recovery._own.is_relative_to(own_settings)
    recovery.close()


def test_a_killed_program_gives_its_lock_up_at_once(state: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from app.recovery import Recovery; "
        "from engine.graph import Graph; r = Recovery(Path(sys.argv[1])); g = Graph(); "
        "g.put('settings', 'title', 'killed'); r.note(g, None); r.flush(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code, str(state)], env=environment, check=False)
    assert done.returncode == -9
    assert titles(Recovery(state)) == ["killed"]


# ------------------------------------------------------------ planted defects


def test_planted_newest_time_rule_is_caught(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module.files, "same_content", lambda one, two: one.stat().st_mtime > two.stat().st_mtime
    )
    with pytest.raises(AssertionError):
        test_offers_are_chosen_by_content_not_by_time(state, tmp_path)


def test_planted_missing_lock_is_caught(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_is_dead", lambda folder: True)
    with pytest.raises(AssertionError):
        test_unsaved_work_is_offered_after_a_crash_and_only_then(state, tmp_path)


def test_planted_shared_document_is_caught(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(graph: Graph, path: Path) -> None:
        time.sleep(0.2)
        files_write(graph, path)

    files_write = files.write
    monkeypatch.setattr(module.files, "write", slow)
    test_a_copy_is_of_the_moment_it_was_taken(state)
    monkeypatch.setattr(module, "_snapshot", lambda graph: graph)
    with pytest.raises((AssertionError, IndexError)):
        test_a_copy_is_of_the_moment_it_was_taken(state)

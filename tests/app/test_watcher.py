"""The watcher: questions answered in a process of their own."""

from __future__ import annotations

import time

import numpy as np
import pytest

from app.watcher import Answer, Watcher
from engine import examples, files, probes
from engine.train.scene import Scene


def answers(watcher: Watcher, wanted: int = 1, seconds: float = 20.0) -> list[Answer]:
    found: list[Answer] = []
    until = time.monotonic() + seconds
    while len(found) < wanted and time.monotonic() < until:
        found += watcher.poll()
        time.sleep(0.01)
    return found


@pytest.fixture
def watcher():
    made = Watcher(files.to_bytes(examples.load("xor")))
    yield made
    made.close()


def test_an_unknown_probe_is_a_sentence_and_the_process_lives(watcher: Watcher) -> None:
    watcher.ask("a", "nothing", {})
    assert answers(watcher)[0].fault
    assert not watcher.is_busy
    watcher.ask("b", "nothing", {})
    assert answers(watcher)[0].key == "b"


def test_a_killed_process_is_told_and_comes_up_anew(watcher: Watcher) -> None:
    watcher.ask("a", "nothing", {})
    answers(watcher)
    watcher._process.kill()
    watcher._process.join()
    watcher.ask("b", "nothing", {})
    assert "started again" in answers(watcher)[0].fault
    watcher.ask("c", "nothing", {})
    assert answers(watcher)[0].key == "c"


def test_only_the_newest_question_of_a_key_is_answered(watcher: Watcher) -> None:
    for _ in range(50):
        watcher.ask("a", "nothing", {})
    found = answers(watcher, 50, 3.0)
    assert 1 <= len(found) < 50 and not watcher.is_busy


def test_every_probe_answers_or_says_why_not() -> None:
    for name in ("xor", "worked-example", "softmax-digits"):
        scene = Scene(examples.load(name))
        for probe in probes.PROBES.values():
            try:
                assert probe.answer(scene) is not None
            except ValueError as error:
                assert str(error)


def test_who_asks_never_waits_for_a_probe(watcher: Watcher) -> None:
    """Moments of 8 MB, while the process has not yet begun to answer."""
    begin = time.monotonic()
    for step in range(12):
        watcher.moment(step, {"n999": np.zeros(1_000_000)})
        watcher.ask("a", "nothing", {})
    assert time.monotonic() - begin < 20
    assert answers(watcher)[0].key == "a"

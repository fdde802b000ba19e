"""The watcher: questions answered in a process of their own."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

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


def process_of(watcher: Watcher) -> Any:
    assert watcher._peer is not None
    return watcher._peer.process


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


def test_a_probe_that_breaks_takes_no_other_question_with_it(watcher: Watcher) -> None:
    watcher.ask("a", "metrics", {"no": "option"})
    watcher.ask("b", "metrics", {})
    found = {answer.key: answer for answer in answers(watcher, 2)}
    assert "cannot be computed" in found["a"].fault
    assert not found["b"].fault and process_of(watcher).is_alive()


def test_a_killed_process_is_told_and_comes_up_anew(watcher: Watcher) -> None:
    watcher.ask("a", "nothing", {})
    answers(watcher)
    process_of(watcher).kill()
    process_of(watcher).join()
    watcher.ask("b", "nothing", {})
    assert "started again" in answers(watcher)[0].fault
    watcher.ask("c", "nothing", {})
    assert answers(watcher)[0].key == "c"


def test_only_the_newest_question_of_a_key_is_answered(watcher: Watcher) -> None:
    for _ in range(50):
        watcher.ask("a", "nothing", {})
    found = answers(watcher, 50, 3.0)
    assert 1 <= len(found) < 50 and not watcher.is_busy


def test_asking_of_a_large_moment_does_not_wait_for_a_busy_process(watcher: Watcher) -> None:
    """More than a pipe takes in, while nobody reads it."""
    watcher.ask("a", "nothing", {})
    answers(watcher)
    watcher.moment(7, {"n999": np.zeros(2_000_000)})
    asking = threading.Thread(target=watcher.ask, args=("b", "nothing", {}), daemon=True)
    os.kill(process_of(watcher).pid, signal.SIGSTOP)
    try:
        asking.start()
        asking.join(5.0)
        assert not asking.is_alive()
        assert not watcher.poll() and watcher.is_busy
    finally:
        os.kill(process_of(watcher).pid, signal.SIGCONT)
    assert [(a.key, a.step) for a in answers(watcher)] == [("b", 7)]


def test_it_ends_while_a_large_moment_is_on_its_way(watcher: Watcher) -> None:
    watcher.ask("a", "nothing", {})
    answers(watcher)
    os.kill(process_of(watcher).pid, signal.SIGSTOP)
    watcher.moment(7, {"n999": np.zeros(2_000_000)})
    watcher.ask("b", "nothing", {})
    watcher.close()
    assert not watcher.is_busy and watcher.poll() == []


def test_every_probe_answers_or_says_why_not() -> None:
    for name in ("xor", "worked-example", "softmax-digits"):
        scene = Scene(examples.load(name))
        for probe in probes.PROBES.values():
            try:
                needed = {"key": "here"} if probe.name == "surface" else {}
                assert probe.answer(scene, **needed) is not None
            except ValueError as error:
                assert str(error)


def test_the_bytes_of_a_document_are_made_on_another_thread() -> None:
    """Those of many numbers take long, and the window edits on meanwhile."""
    made: list[threading.Thread] = []

    def document() -> bytes:
        made.append(threading.current_thread())
        return files.to_bytes(examples.load("xor"))

    watcher = Watcher(document)
    try:
        watcher.ask("a", "metrics", {})
        assert not answers(watcher)[0].fault
        watcher.open(document)
        watcher.ask("a", "metrics", {})
        assert not answers(watcher)[0].fault
    finally:
        watcher.close()
    assert len(made) == 2 and threading.current_thread() not in made


def test_a_document_that_has_no_bytes_is_a_sentence(watcher: Watcher) -> None:
    def document() -> bytes:
        raise ValueError("it is too large")

    watcher.open(document)
    watcher.ask("a", "metrics", {})
    assert answers(watcher)[0].fault == "it is too large"

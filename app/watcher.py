"""Probes computed in a process of their own, so that neither the window nor training waits for them.

The window tells a moment and asks questions under keys; of the questions under one key only the newest
is answered. The process is spawned with the first question, leaves with its parent, and comes up anew
when it died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from engine import files, probes
from engine.ops.row import Array
from engine.train.problem import use_threads
from engine.train.scene import Scene


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe said of the moment `step` to the question `key`, or the sentence why it cannot."""

    key: str
    step: int
    result: Any = None
    fault: str = ""


class _Sender:
    """Sends messages on a thread: a process that computes reads nothing, and a large moment does not fit
    in the pipe, so that sending it waits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: SimpleQueue[tuple[Any, ...] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="watcher-sender", daemon=True)
        self._thread.start()

    def put(self, message: tuple[Any, ...]) -> None:
        self._messages.put(message)

    def close(self) -> None:
        """Ends the thread; the process has to be gone, or has to read."""
        self._messages.put(None)
        self._thread.join()

    def _work(self) -> None:
        for message in iter(self._messages.get, None):
            with contextlib.suppress(OSError):  # a dead process is `poll`'s to report
                self._connection.send(message)


class Watcher:
    """Answers questions about one document; `close` ends it. Nothing here waits.

    `document` is a document as the bytes of a file, `base` the folder its data files are relative to.
    """

    def __init__(self, document: bytes, base: Path | None = None) -> None:
        self._document, self._base = document, base
        self._process: Any = None
        self._connection: Connection | None = None
        self._sender: _Sender | None = None
        self._moment: tuple[int, Mapping[str, Array]] = (0, {})
        self._told: tuple[int, Mapping[str, Array]] | None = None
        self._open: dict[str, int] = {}

    @property
    def is_busy(self) -> bool:
        """True while an answer is to come."""
        return bool(self._open)

    def open(self, document: bytes, base: Path | None = None) -> None:
        """What follows is about another document, or about this one as it is now."""
        self._document, self._base, self._told = document, base, None
        self._moment = (0, {})
        self._send("document", document, base)

    def moment(self, step: int, parameters: Mapping[str, Array]) -> None:
        """What the questions to come are about; parameters not named are the document's own."""
        self._moment = step, parameters

    def ask(self, key: str, probe: str, options: Mapping[str, Any]) -> None:
        """Asks a question under a key; `poll` brings the answer."""
        if self._connection is None:
            self._spawn()
        if (
            self._told is None
            or self._told[1] is not self._moment[1]
            or self._told[0] != self._moment[0]
        ):
            self._told = self._moment
            self._send("moment", *self._moment)
        self._open[key] = self._open.get(key, 0) + 1
        self._send("ask", key, probe, dict(options))

    def poll(self) -> list[Answer]:
        """Answers since the last call. A question that ended the process is answered with a sentence."""
        connection, found = self._connection, []
        if connection is None:
            return []
        ended = not self._process.is_alive()
        try:
            while connection.poll():
                answer, count = connection.recv()
                self._open[answer.key] = self._open.get(answer.key, 0) - count
                if self._open[answer.key] <= 0:
                    self._open.pop(answer.key)
                found.append(answer)
        except (EOFError, OSError):
            ended = True
        if ended:
            lost = list(self._open)
            self.close()
            found += [
                Answer(
                    key,
                    self._moment[0],
                    fault="the process that draws this ended; it is started again",
                )
                for key in lost
            ]
        return found

    def close(self) -> None:
        """Ends the process; a later question starts it anew."""
        process, connection, sender = self._process, self._connection, self._sender
        self._process = self._connection = self._sender = self._told = None
        self._open.clear()
        if process is not None:
            process.terminate()  # it holds nothing that could be lost
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        if sender is not None:
            sender.close()
        if connection is not None:
            connection.close()

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work,
            args=(theirs, self._document, self._base),
            daemon=True,
            name="gradloom-watcher",
        )
        self._process.start()
        theirs.close()
        self._sender = _Sender(self._connection)

    def _send(self, *message: Any) -> None:
        if self._sender is not None:
            self._sender.put(message)


def _work(connection: Connection, document: bytes, base: Path | None) -> None:
    """The process's whole life: questions in, answers out, until the pipe ends."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # behind the window and behind training
    use_threads(1)
    scene, fault = _opened(document, base)
    waiting: dict[str, tuple[int, str, dict[str, Any]]] = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            while not waiting or connection.poll():
                kind, *rest = connection.recv()
                if kind == "document":
                    scene, fault = _opened(*rest)
                elif kind == "moment":
                    if scene is not None:
                        scene.at(rest[1], rest[0])
                else:
                    key, probe, options = rest
                    count = waiting.pop(key, (0, "", {}))[0] + 1
                    waiting[key] = count, probe, options
            key = next(iter(waiting))
            count, probe, options = waiting.pop(key)
            connection.send((_answer(scene, fault, key, probe, options), count))


def _opened(document: bytes, base: Path | None) -> tuple[Scene | None, str]:
    """The scene of a document, or the sentence why there is none."""
    try:
        return Scene(files.from_bytes(document), base), ""
    except (ValueError, OSError) as error:
        return None, str(error)


def _answer(
    scene: Scene | None, fault: str, key: str, probe: str, options: dict[str, Any]
) -> Answer:
    if scene is None:
        return Answer(key, 0, fault=fault)
    try:
        return Answer(key, scene.step, probes.PROBES[probe].answer(scene, **options))
    except Exception as error:  # of one question; the others' answers are not to go with it
        told = (
            str(error) if isinstance(error, ValueError) else f"this cannot be computed ({error!r})"
        )
        return Answer(key, scene.step, fault=told)

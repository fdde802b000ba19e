"""Probes computed in a process of their own, so that neither the window nor training waits for them.

The window tells a moment and asks questions under keys; of the questions under one key only the newest
is answered. The process is spawned with the first question, leaves with its parent, and comes up anew
when it died.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.peer import Peer
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


Document = bytes | Callable[[], bytes]


class Watcher:
    """Answers questions about one document; `close` ends it. Nothing here waits.

    `document` is a document as the bytes of a file, or what makes them on another thread; `base` is the
    folder its data files are relative to.
    """

    def __init__(self, document: Document, base: Path | None = None) -> None:
        self._document, self._base = document, base
        self._peer: Peer | None = None
        self._moment: tuple[int, Mapping[str, Array]] = (0, {})
        self._told: tuple[int, Mapping[str, Array]] | None = None
        self._open: dict[str, int] = {}
        self._serial = 0

    @property
    def is_busy(self) -> bool:
        """True while an answer is to come."""
        return bool(self._open)

    def open(self, document: Document, base: Path | None = None) -> None:
        """What follows is about another document, or about this one as it is now."""
        self._document, self._base, self._told = document, base, None
        self._moment = (0, {})
        self._tell(partial(_made, "document", document, base))

    def forget(self) -> None:
        """What was asked before is not answered any more."""
        self._serial += 1
        self._open.clear()
        self._send("forget", self._serial)

    def moment(self, step: int, parameters: Mapping[str, Array]) -> None:
        """What the questions to come are about; parameters not named are the document's own."""
        self._moment = step, parameters

    def ask(self, key: str, probe: str, options: Mapping[str, Any]) -> None:
        """Asks a question under a key; `poll` brings the answer."""
        if self._peer is None:
            self._peer = Peer(
                _work, "gradloom-watcher", partial(_made, self._serial, self._document, self._base)
            )
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
        peer, found = self._peer, []
        if peer is None:
            return []
        connection, ended = peer.connection, not peer.process.is_alive()
        try:
            while connection.poll():
                answer, count, serial = connection.recv()
                if serial != self._serial:
                    continue
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
        peer, self._peer, self._told = self._peer, None, None
        self._open.clear()
        if peer is not None:
            process = peer.process
            process.terminate()  # it holds nothing that could be lost
            peer.hang_up()
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()

    def _send(self, *message: Any) -> None:
        self._tell(message)

    def _tell(self, message: Any) -> None:
        if self._peer is not None:
            self._peer.tell(message)


def _made(
    first: Any, document: Document, base: Path | None
) -> tuple[Any, bytes | str, Path | None]:
    """A message with a document, or with the sentence why it cannot be told."""
    try:
        return first, document() if callable(document) else document, base
    except ValueError as error:
        return first, str(error), base


def _work(connection: Connection) -> None:
    """The process's whole life: a document, then questions in and answers out, until the pipe ends."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # behind the window and behind training
    use_threads(1)
    waiting: dict[str, tuple[int, str, dict[str, Any]]] = {}
    with contextlib.suppress(EOFError, OSError):
        serial, *about = connection.recv()
        scene, fault = _opened(*about)
        while True:
            while not waiting or connection.poll():
                kind, *rest = connection.recv()
                if kind == "document":
                    scene, fault = _opened(*rest)
                elif kind == "forget":
                    serial = rest[0]
                    waiting.clear()
                elif kind == "moment":
                    if scene is not None:
                        scene.at(rest[1], rest[0])
                else:
                    key, probe, options = rest
                    count = waiting.pop(key, (0, "", {}))[0] + 1
                    waiting[key] = count, probe, options
            key = next(iter(waiting))
            count, probe, options = waiting.pop(key)
            connection.send((_answer(scene, fault, key, probe, options), count, serial))


def _opened(document: bytes | str, base: Path | None) -> tuple[Scene | None, str]:
    """The scene of a document, or the sentence why there is none."""
    if isinstance(document, str):
        return None, document
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

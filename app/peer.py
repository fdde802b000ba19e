"""A spawned process and the pipe to it; a thread sends what it is told, so that nobody waits for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

GRACE_S = 0.05
"""How long a process may take to hear its last message before it is killed."""


class Peer:
    """A process that runs `target(connection)`. Its first message is `given`, not its arguments: a large
    argument would be waited for until the interpreter there is up."""

    def __init__(self, target: Callable[[Connection], None], name: str, given: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: Any = context.Process(target=target, args=(theirs,), daemon=True, name=name)
        self.process.start()
        theirs.close()
        self._messages: SimpleQueue[Any] = SimpleQueue()
        self._messages.put(given)
        self._thread = threading.Thread(target=self._send, name=f"{name}-messages", daemon=True)
        self._thread.start()

    def tell(self, message: Any) -> None:
        """Sends a message behind those before it, or what a function makes on the thread; returns at once."""
        self._messages.put(message)

    def hang_up(self) -> None:
        """Closes the pipe, which the process hears; one that does not take its messages is killed."""
        self._messages.put(None)
        self._thread.join(GRACE_S)
        if self._thread.is_alive():
            self.process.kill()
            self._thread.join()
        self.connection.close()

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # who asks for answers hears that the process is gone
            while (message := self._messages.get()) is not None:
                self.connection.send(message() if callable(message) else message)

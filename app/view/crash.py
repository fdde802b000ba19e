"""What happens when something fails that should not: a log, one dialog, and the window goes on."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import platformdirs
from PySide6.QtCore import QObject, QTimer

from app.view import dialogs
from app.view.bridge import Bridge

MAX_LOG = 1_000_000


def log_path() -> Path:
    return platformdirs.user_state_path("gradloom", appauthor=False) / "problems.log"


class CrashGuard(QObject):
    """Catches what no code caught. The same failure is shown once; all go to the log."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge
        self.path = log_path()
        self.file: TextIO | None = None
        self.shown: set[str] = set()
        self.busy = False
        self._waiting: list[str] = []
        self._hooks = (sys.excepthook, threading.excepthook)
        bridge.failure.connect(self._show_soon)

    def install(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > MAX_LOG:
                self.path.replace(self.path.with_suffix(".old.log"))
            self.file = self.path.open("a", encoding="utf-8")
            faulthandler.enable(self.file)
        except OSError:
            self.file = None  # a read-only home is no reason not to start
        sys.excepthook = self._exception
        threading.excepthook = self._thread_exception

    def remove(self) -> None:
        """Gives the hooks back, at the end of the program."""
        sys.excepthook, threading.excepthook = self._hooks
        if self.file is not None:
            faulthandler.disable()
            self.file.close()
            self.file = None

    def _exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._hooks[0](kind, error, trace)
            return
        self._report("".join(traceback.format_exception(kind, error, trace)))

    def _thread_exception(self, args: Any) -> None:
        if args.exc_type is not SystemExit:
            self._report(
                "".join(
                    traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
                )
            )

    def _report(self, details: str) -> None:
        """From any thread: to the log and standard error, then to the window's thread."""
        if sys.stderr is not None:
            sys.stderr.write(details)
        if self.file is not None:
            self.file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{details}\n")
            self.file.flush()
        self.bridge.failure.emit(details)

    def _show_soon(self, details: str) -> None:
        # Never from inside a paint event: a dialog's own loop there would recurse.
        self._waiting.append(details)
        QTimer.singleShot(0, self._show)

    def _show(self) -> None:
        if self.busy or not self._waiting:
            return
        details = self._waiting.pop(0)
        if details in self.shown:
            return
        self.shown.add(details)
        self.busy = True
        try:
            dialogs.tell_crash(None, details, self.path)
        finally:
            self.busy = False
            self._waiting.clear()

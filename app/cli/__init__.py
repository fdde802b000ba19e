"""The same jobs without a window; imports no Qt.

Each command imports what it needs when it runs, so that `--version` and `--help` start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app.cli import programs, documents, lists, speed  # isort: skip  (the order of the help)
from app.cli.group import Picture, cli
from app.shell import run_program

__all__ = ["cli", "documents", "lists", "main", "programs", "speed"]


def main(argv: Sequence[str] | None = None, picture: Picture | None = None) -> int:
    """Runs one command and returns its exit code; errors are one line on standard error.

    `picture` does the work of `gradloom shot`, which needs Qt and so is given from above.
    """
    return run_program(cli, sys.argv[1:] if argv is None else argv, picture)

"""The same jobs without a window; imports no Qt.

Each command imports what it needs when it runs, so that `--version` and `--help` start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

# The order of the help.
# isort: off
from app.cli import programs, documents, training, data, sweeps, samples, transfer
from app.cli import lecture, teaching, lists, keys, speed

# isort: on
from app.cli.group import Drawings, cli
from app.shell import run_program

__all__ = [
    "cli",
    "data",
    "documents",
    "keys",
    "lecture",
    "lists",
    "main",
    "programs",
    "samples",
    "speed",
    "sweeps",
    "teaching",
    "training",
    "transfer",
]


def main(argv: Sequence[str] | None = None, drawings: Drawings | None = None) -> int:
    """Runs one command and returns its exit code; errors are one line on standard error.

    `drawings` do the work of `gradloom shot` and `export`, which need Qt.
    """
    return run_program(cli, sys.argv[1:] if argv is None else argv, drawings)

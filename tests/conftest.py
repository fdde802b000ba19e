"""What every test stands on: no display, one BLAS thread, settings of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Before anything imports NumPy or starts Qt. More BLAS threads change the last bits of sums.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# A busy machine makes an example slow without making it wrong.
settings.register_profile("gradloom", deadline=None, print_blob=True)
settings.load_profile("gradloom")

pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the long forms and the tests that need an X server, where they cannot run."""
    left_out = set()
    if not os.environ.get("GRADLOOM_LONG"):
        left_out.add("slow")
    if os.environ["QT_QPA_PLATFORM"] != "xcb":
        left_out.add("xcb")
    kept, dropped = [], []
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        (dropped if marks & left_out else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.fixture
def enter_row() -> Iterator[Callable[[Any], None]]:
    """`enter_row(row)` adds a row to the operator table until the test ends, and edits nothing else."""
    from engine import ops

    tables: tuple[dict[Any, Any], ...] = (ops.TABLE, ops.DRAWERS, ops._CALLS)
    before = [dict(table) for table in tables]
    yield ops.enter
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new, empty place for settings, state, data and caches, so no test sees a person's."""
    home = tmp_path_factory.mktemp("home", numbered=True)
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    qt = sys.modules.get("PySide6.QtCore")
    if qt is not None:
        # QSettings looks at the environment once a process, so it is told.
        for form in (qt.QSettings.Format.NativeFormat, qt.QSettings.Format.IniFormat):
            qt.QSettings.setPath(form, qt.QSettings.Scope.UserScope, str(home / "config"))
    return home

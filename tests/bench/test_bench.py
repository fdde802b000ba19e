"""The whole benchmark with short turns: every work runs and every library agrees (make bench prints)."""

from __future__ import annotations

import pytest

from app import benchmark


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_every_work_is_measured() -> None:
    found = benchmark.run(threads=1, rounds=1)
    assert [result.work.name for result in found.results] == list(benchmark.WORKS)

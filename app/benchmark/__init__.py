"""Speed beside PyTorch and JAX: the works, their goals, and the figures of one run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

from app.benchmark import memory, networks, scalars
from app.benchmark.work import OURS, PEERS, TITLES, Result, Settings, Work, measure, peers

__all__ = ["OURS", "PEERS", "TITLES", "WORKS", "Report", "Result", "Settings", "Work", "run"]


def _network(name: str, title: str, *args: Any, **rest: Any) -> Work:
    """A training step; `made` is the network's maker."""
    made = rest.pop("made", partial(networks.dense, *args))
    return Work(name, title, lambda settings: networks.training(made(), settings), **rest)


def _playground(name: str, sizes: tuple[int, ...], microseconds: float) -> Work:
    title = f"SGD step {name}, tanh, squared error, batch 10"
    made = partial(networks.dense, sizes, 10, squared=True)
    goals = {"jax": 5.0}
    return _network(f"playground-{name}", title, made=made, goals=goals, limit=microseconds * 1e-6)


WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        Work("scalar", "J and dJ/dx of single numbers, float64", scalars.formula,
             {"torch": 50.0, "jax": 10.0}, tolerance=1e-12),
        _network("sgd-2-8-8-2", "SGD step 2-8-8-2, batch 10", (2, 8, 8, 2), 10,
                 goals={"torch": 6.0, "jax": 1.3}),
        _playground("2-4-2-1", (2, 4, 2, 1), 8.0),
        _playground("2-8-8-1", (2, 8, 8, 1), 41.0),
        _playground("2-8x6-1", (2, *(8,) * 6, 1), 101.0),
        _network("sgd-50-layers", "SGD step 50 layers of 64, batch 32", (64,) * 51, 32,
                 goals={"torch": 2.0, "jax": 1.0}),
        _network("adam-784-256-128-10", "Adam step 784-256-128-10, batch 64",
                 made=networks.NETWORKS["adam"], goals={"torch": 1.0, "jax": 1.0}),
        _network("lenet", "SGD step of LeNet on 28x28, batch 64", made=networks.NETWORKS["lenet"],
                 goals={"torch": 0.5, "jax": 0.5}),
        Work("build-1000", "Graph of 1,000 scalars: build, differentiate, plan", scalars.build(1_000),
             {"jax": 20.0}, slow=True, tolerance=1e-9),
        Work("build-10000", "Graph of 10,000 scalars: build, differentiate, plan",
             scalars.build(10_000, peers=False), limit=0.5, slow=True),
        Work("build-100000", "Graph of 100,000 scalars: the same, ten times the limit",
             scalars.build(100_000, peers=False), limit=5.0, slow=True),
        Work("text-10000", "Graph of 10,000 scalars: the same from a program's text",
             scalars.build(10_000, from_text=True, peers=False), slow=True),
        Work("pass-10000", "Graph of 10,000 scalars: forward and backward",
             scalars.pass_over(10_000), {"torch": 10.0}, tolerance=1e-9, slow=True),
        Work("memory-adam", "Peak memory of the Adam step 784-256-128-10", memory.peak("adam"),
             {"torch": 1.0}, bytes=True),
        Work("memory-lenet", "Peak memory of the LeNet step", memory.peak("lenet"),
             {"torch": 1.0}, bytes=True),
        Work("change-1000", "One input of 1,000 nodes changes: all values fresh",
             scalars.change(1_000), limit=0.005),
    )
}  # fmt: skip
"""Every work by its name, in the order of the table."""


@dataclass(frozen=True)
class Report:
    """One run: what was seen of each work, and where."""

    results: tuple[Result, ...]
    machine: str
    versions: dict[str, str]
    missing: tuple[str, ...]
    threads: int


def run(
    only: Sequence[str] = (),
    threads: int = 1,
    rounds: int = 21,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Measures the works named (all unless told), each beside the peers that are installed.

    `tell(done, total)` hears of every finished work. Raises ValueError for an unknown work.
    """
    for name in only:
        if name not in WORKS:
            raise ValueError(f"there is no work {name!r} to measure; there are: {', '.join(WORKS)}")
    found = peers()
    chosen = [work for name, work in WORKS.items() if not only or name in only]
    settings = Settings(threads, rounds, peers=found)
    load = _load()
    results = []
    for number, work in enumerate(chosen):
        tell(number, len(chosen))
        results.append(measure(work, settings))
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"load {load} before and {_load()} behind, {threads} BLAS "
        f"{'thread' if threads == 1 else 'threads'}"
    )
    missing = tuple(name for name in PEERS if name not in found)
    return Report(tuple(results), machine, dict(_versions()), missing, threads)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for name in ("numpy", *PEERS):
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue

"""The rise of a process's peak memory while it trains, in a process of its own for each library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from app.benchmark import networks
from app.benchmark.work import OURS, Contender, Settings, peers

STEPS = 20
_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def rise(network: str, library: str, threads: int) -> float:
    """Bytes by which the peak resident size of this process rises while it begins to
    train a network and does some steps; the library has trained a tiny network before.

    Raises ValueError where the system does not tell.
    """
    begin_of = _beginning(library, threads)
    tiny = begin_of(networks.dense((2, 4, 2), 10, relu=True, optimizer="adam"))()
    for _ in range(3):
        tiny()
    begin = begin_of(networks.NETWORKS[network]())
    with suppress(OSError):
        _RESET.write_text("5")  # forgets the peak so far
    before = _field("VmRSS")
    step = begin()
    for _ in range(STEPS):
        step()
    return _field("VmHWM") - before


def _beginning(
    library: str, threads: int
) -> Callable[[networks.Network], Callable[[], Callable[[], float]]]:
    """For a network what begins its training; our document is there before, as the arrays are that
    PyTorch begins with."""

    def ours(network: networks.Network) -> Callable[[], Callable[[], float]]:
        return partial(networks.our_step, networks.document(network), threads)

    if library == OURS:
        return ours
    module = peers()[library]
    module.set_num_threads(threads)
    return lambda network: partial(networks.torch_step, network, module)


def _field(name: str) -> float:
    """A size from the system's table of this process, in bytes."""
    if not _STATUS.exists():
        raise ValueError("this system does not tell the peak memory of a process; leave it out")
    for line in _STATUS.read_text("ascii").splitlines():
        if line.startswith(name):
            return float(line.split()[1]) * 1024
    raise ValueError(f"this system does not tell {name} of a process; leave the memory out")


def peak(network: str) -> Any:
    """A work: each library's rise of the peak, asked of a new process."""

    def make(settings: Settings) -> dict[str, Contender]:
        def child(library: str) -> float:
            code = (
                "import sys; from app.benchmark.memory import rise; "
                "print(rise(sys.argv[1], sys.argv[2], int(sys.argv[3])))"
            )
            words = [sys.executable, "-c", code, network, library, str(settings.threads)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ValueError(done.stderr.strip().splitlines()[-1])
            return float(done.stdout)

        names = [OURS, *(n for n in settings.peers if n == "torch")]
        return {n: Contender(partial(child, n), lambda size: 0.0) for n in names}

    return make

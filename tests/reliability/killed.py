"""Kills a program that saves, again and again; run as a script, prints what was lost as JSON.

    killed.py save|in-place|recovery FOLDER COUNT SEED

A process without threads is forked for every kill, so 200 take seconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.recovery import Recovery
from engine import edits, files
from engine.files import FileError
from engine.graph import Graph, Node

ACK = struct.Struct("<I")


def document(number: int, graph: Graph | None = None) -> Graph:
    """A document of about 1 MB that tells its number at both ends; `graph` is one to reuse."""
    if graph is None:
        graph = Graph()
        for index in range(1, 60):
            graph.put("nodes", f"n{index}", Node(f"n{index}", "input", f"x{index}"))
            graph.put("tensors", f"n{index}", np.ones(2_000))
    graph.put("settings", "title", str(number))
    graph.put("tensors", "n9", np.full(2_000, float(number)))
    return graph


def in_place(graph: Graph, path: Path) -> None:
    """The planted defect: the old file is gone before the new one is there.

    The disk it writes to is slow, so that a kill falls between the two however fast this one is.
    """
    data = files.to_bytes(graph)
    with path.open("wb") as file:
        for start in range(0, len(data), 1 << 16):
            file.write(data[start : start + (1 << 16)])
            file.flush()
            time.sleep(0.001)


def killed(work: Callable[[Callable[[int], None]], None], rng: random.Random) -> int:
    """Runs `work` in a process of its own, kills it after a while, returns the last number acked."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            work(lambda number: os.write(writer, ACK.pack(number)) and None)
        finally:
            os._exit(1)
    os.close(writer)
    acked = os.read(reader, ACK.size)
    time.sleep(rng.uniform(0, 0.04))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reader, 1 << 16):
        acked += more
    os.close(reader)
    return int(ACK.unpack_from(acked, len(acked) // ACK.size * ACK.size - ACK.size)[0])


def saving(write: Callable[[Graph, Path], None], folder: Path, rng: random.Random) -> str:
    """What a kill did: "" when the file is the last acknowledged one or the next, whole."""
    path = folder / "document.gloom"

    def work(acknowledge: Callable[[int], None]) -> None:
        graph = document(0)
        for number in range(1_000_000):
            write(document(number, graph), path)
            acknowledge(number)

    last = killed(work, rng)
    try:
        found = int(files.read(path).settings["title"])
    except FileError as error:
        return f"unreadable: {error.reason}"
    if files.to_bytes(document(found)) != path.read_bytes():
        return "neither the old nor the new"
    return "" if found in (last, last + 1) else f"{found} after {last} was acknowledged"


def recovering(folder: Path, rng: random.Random) -> str:
    """What a kill did to unsaved work: "" when it is offered and lacks 20 edits at most."""
    state, path = folder / f"state{rng.random()}", folder / "edited.gloom"
    graph = document(0)
    files.write(graph, path)

    def work(acknowledge: Callable[[int], None]) -> None:
        recovery = Recovery(state)
        for number in range(1, 1_000_000):
            edits.set_setting("title", str(number)).apply(graph)
            recovery.note(graph, path)
            acknowledge(number)
            time.sleep(0.0002)

    last = killed(work, rng)
    started = time.monotonic()
    recovery = Recovery(state)
    offers = recovery.offers()
    if time.monotonic() - started > 1:
        return "the dead program's lock was not taken over within a second"
    found = 0
    if offers:
        found = int(recovery.open(offers[0]).settings["title"])
        if offers[0].path != path or len(offers) > 1:
            return f"wrong offer: {offers}"
    recovery.close()
    return "" if last - found <= 20 else f"{last - found} edits lost"


def main() -> None:
    what, folder, count, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    acts: dict[str, Callable[[], str]] = {
        "save": lambda: saving(files.write, folder, rng),
        "in-place": lambda: saving(in_place, folder, rng),
        "recovery": lambda: recovering(folder, rng),
    }
    lost = [problem for problem in (acts[what]() for _ in range(count)) if problem]
    print(json.dumps({"kills": count, "lost": len(lost), "examples": lost[:3]}))


if __name__ == "__main__":
    main()

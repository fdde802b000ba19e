"""Makes the shipped examples and lessons: `python -m tests.lecture.build [NAME...]` after a change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from engine import examples, files, lessons
from engine.graph import Graph
from tests.lecture import (
    build_autoencoders,
    build_graphs,
    build_landscapes,
    build_networks,
    build_pixelcnn,
    build_scripts,
    build_training,
    lesson_autoencoders,
    lesson_graphs,
    lesson_landscapes,
    lesson_networks,
    lesson_training,
)

RESOURCES = Path(__file__).parents[2] / "resources"
BUILDERS: dict[str, Callable[[], Graph]] = {
    **build_graphs.BUILDERS,
    **build_training.BUILDERS,
    **build_landscapes.BUILDERS,
    **build_networks.BUILDERS,
    **build_autoencoders.BUILDERS,
    **build_pixelcnn.BUILDERS,
    **build_scripts.BUILDERS,
}
"""What builds each example."""
LESSONS: dict[str, Callable[[], Graph]] = {
    **lesson_graphs.LESSONS,
    **lesson_training.LESSONS,
    **lesson_landscapes.LESSONS,
    **lesson_networks.LESSONS,
    **lesson_autoencoders.LESSONS,
}
"""What builds each lesson."""
TRAINED: frozenset[str] = frozenset(build_pixelcnn.BUILDERS)
"""Examples that are shipped with trained parameters, which building does not make again."""


def path_of(name: str) -> Path:
    if name in LESSONS:
        return RESOURCES / "lessons" / lessons.INFO[name].file
    return RESOURCES / "examples" / examples.INFO[name].file


def contents(name: str) -> bytes:
    """What the file holds: canonical bytes, or the JSON twin of small documents; a shipped example's
    trained parameters are kept."""
    graph = (LESSONS | BUILDERS)[name]()
    path = path_of(name)
    if name in TRAINED and path.exists():
        shipped = files.from_bytes(path.read_bytes())
        for key, value in shipped.tensors.items():
            if "." in key or graph.nodes[key].op == "parameter":
                graph.put("tensors", key, value)
    if path.suffix == ".json":
        return files.to_text(graph).encode("utf-8")
    return files.canonical_bytes(graph)


if __name__ == "__main__":
    for name in sys.argv[1:] or BUILDERS | LESSONS:
        path_of(name).parent.mkdir(exist_ok=True)
        path_of(name).write_bytes(contents(name))

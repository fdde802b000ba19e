"""The numbers that a document's loss depends on: what they are called, and what else it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.session import Session
from engine.ops.row import Array
from engine.train.problem import trained


def held(session: Session, given: Mapping[str, Array]) -> dict[str, Array]:
    """Every parameter and input that holds floats, by id or path; `given` stand for what is shown."""
    expansion = session.whole.expansion
    found = {}
    for node, value in expansion.feeds.items():
        flat = expansion.nodes.get(node)
        if flat is not None and flat.op.name in ("parameter", "input"):
            number = given.get(node, value)
            if number.dtype.kind == "f":
                found[node] = number
    return found


def trained_names(session: Session) -> list[str]:
    """What training moves, by id, or by path into a module."""
    root, starts = session.root, session.whole.expansion.starts
    inner = [path for path, start in starts.items() if start.trainable and "." in path]
    return [*trained(root, set(root.nodes)), *inner]


def name_of(session: Session, node: str) -> str:
    """What people call a node, also one inside a module."""
    root = session.root
    return root.name(node) if node in root.nodes else session.whole.expansion.names.get(node, node)


def losses_depend_on(session: Session) -> Any:
    """What losses depend on besides the numbers that can move; equal while they stay the same."""
    root = session.root
    nodes = {n: (v.op, v.options, v.literals, v.muted) for n, v in root.nodes.items()}
    moved = set(held(session, {}))
    tensors = {k: id(v) for k, v in root.tensors.items() if k not in moved}
    losses = tuple(stage.loss for stage in root.recipe.stages)
    tables = (dict(root.links), dict(root.operators), dict(root.modules), dict(root.sources))
    return nodes, tables, tensors, losses, session.base


def entry_index(number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an entry by its number in the array."""
    return tuple(int(i) for i in np.unravel_index(number, shape)) if shape else ()


def is_index(index: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether there is an entry at the index."""
    return len(index) == len(shape) and all(0 <= i < n for i, n in zip(index, shape, strict=True))

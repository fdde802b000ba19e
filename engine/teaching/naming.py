"""Nodes by the names that people give them, also inside modules: `block.h`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine import inside
from engine.evaluate import Evaluation
from engine.expansion import Ref
from engine.graph import Graph
from engine.ops.row import Array

_PART = re.compile(r"[^.]+(?:\.\d+)?(?=\.|\Z)")


def place_of(graph: Graph, path: str) -> tuple[inside.Place, str] | None:
    """Where the node called `path` stands: the instances that lead to it, and its id there.

    Parts of a path are split by dots; `c.1` is one name. None where there is none of that name.
    """
    place: list[str] = []
    here: Graph | None = graph
    parts = _PART.findall(path)
    for i, name in enumerate(parts):
        found = here.id_of(name) if here is not None else None
        if here is None or found is None:
            return None
        if i == len(parts) - 1:
            return tuple(place), found
        place.append(found)
        here = here.op(found).definition
    return None


def key_of(graph: Graph, path: str) -> Ref | None:
    """What the node called `path` is called in an evaluation of the whole document: a path of ids, or
    the number that it is; None where there is no such node or it reads nothing."""
    found = place_of(graph, path)
    if found is None:
        return None
    place, node_id = found
    return node_id if not place else inside.keys_at(graph, place).get(node_id)


def value_of(evaluation: Evaluation, path: str, of: str = "value") -> Array | float | None:
    """The value or the gradient of the node called `path`; None where it has none."""
    key = key_of(evaluation.graph, path)
    if key is None or not isinstance(key, str):
        return key if of == "value" else None
    table: Mapping[str, Array] = evaluation.values if of == "value" else evaluation.gradients
    return table.get(key)


def entry_text(path: str, index: tuple[int, ...] = ()) -> str:
    """A node, or an entry of it, as text: `W[0,1]`."""
    return f"{path}[{','.join(map(str, index))}]" if index else path

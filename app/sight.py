"""A node's value or gradient by the path that leads to it, at the session's step, wherever one looks."""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.session import Session
from app.text import pretty_name, sentence, tr
from engine import inside
from engine.expansion import Ref
from engine.inside import Place
from engine.ops.row import Array
from engine.records import id_number

What = Literal["value", "gradient"]


def path_of(place: Place, node_id: str) -> str:
    """What a node at a place is called from the document on: `n5.n2`."""
    return ".".join((*place, node_id))


def parts(path: str) -> tuple[Place, str]:
    """The place and the node of a path."""
    *place, node_id = path.split(".")
    return tuple(place), node_id


def is_there(session: Session, path: str) -> bool:
    """Whether the document has such a node."""
    place, node_id = parts(path)
    graphs = inside.levels(session.root, place)
    return len(graphs) == len(place) + 1 and node_id in graphs[-1].nodes


def title(session: Session, path: str) -> str:
    """The names on the way to a node that is there, as people write them."""
    place, node_id = parts(path)
    graphs = inside.levels(session.root, place)
    names = [graph.name(n) for graph, n in zip(graphs, (*place, node_id), strict=True)]
    return ".".join(map(pretty_name, names))


def label(session: Session, path: str, of: What) -> str:
    """What its value or its gradient is called: `t` or `∂J/∂t`."""
    name = title(session, path)
    if of == "value":
        return name
    output = session.whole.output
    upper = pretty_name(session.root.name(output)) if output in session.root.nodes else "?"
    return f"∂{upper}/∂{name}"


def number(session: Session, path: str, of: What) -> Array | None:
    """The value of a node, or its gradient so far, at the session's step; None before there is any."""
    if not is_there(session, path):
        return None
    key = _key(session, path)
    if isinstance(key, float):
        return np.asarray(key, session.root.dtype) if of == "value" else None
    if key is None:
        return None
    shown = session.whole.shown_value if of == "value" else session.whole.shown_gradient
    return shown(key, session.whole_cursor)


def why_none(session: Session, path: str, of: What) -> str:
    """Why a node has no value or no gradient at the session's step, in a sentence."""
    if not is_there(session, path):
        return tr("This node is not in the document any more.")
    place, node_id = parts(path)
    key, whole = _key(session, path), session.whole
    name = title(session, path)
    if of == "value":
        if key in whole.values:
            return tr("{name} is not computed at this step; step on to see it.").format(name=name)
        fault = inside.look(whole, place).fault_of(node_id)
        if fault:
            return sentence(fault)
        return tr("{name} waits for an operand: a port is empty.").format(name=name)
    if key in whole.gradients:
        return tr("No gradient has reached {name} at this step; step on to see it.").format(
            name=name
        )
    if whole.note:
        return sentence(whole.note)
    return tr("No gradient flows to {name}: the output does not depend on it.").format(name=name)


def vectors(session: Session, path: str, count: int) -> list[tuple[str, str]]:
    """Nodes beside a node with `count` numbers in a row, by path, each with its name."""
    place, _ = parts(path)
    keys, graph = inside.keys_at(session.root, place), inside.levels(session.root, place)[-1]
    found = []
    for node_id in sorted(graph.nodes, key=id_number):
        key = keys.get(node_id)
        spec = session.whole.specs.get(key) if isinstance(key, str) else None
        if spec is not None and spec.shape in ((count,), (count, 1)) and count > 1:
            found.append((path_of(place, node_id), pretty_name(graph.name(node_id))))
    return found


def _key(session: Session, path: str) -> Ref | None:
    """What a node that is there is called in the evaluation, or the number that it is."""
    place, node_id = parts(path)
    return inside.keys_at(session.root, place).get(node_id) if place else node_id

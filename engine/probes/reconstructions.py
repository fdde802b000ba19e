"""What an auto-encoder makes of its input: the original, with noise, what came out, and the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.initializers import generator
from engine.ops.row import Array
from engine.probes import row_pictures, rowwise
from engine.probes.rowwise import Network, RowNode
from engine.train.scene import Scene

MOST_ROWS = 32
MOST_NUMBERS = 500_000
"""Numbers in all pictures of a kind; wide rows are shown fewer at a time."""
_DRAW = 11
"""What is drawn here, beside starts, splits and shuffles."""


@dataclass(frozen=True)
class Reconstructions:
    """Rows as pictures (rows × height × width, × 3 in colours) or as plain numbers (rows × n).

    `noisy` is empty where nothing disturbs the input. `errors` are the mean squared difference of each
    row, `mean_error` that of all. `extent` is from the least to the largest original number.
    `nodes` can be chosen for each part: those with as many numbers a row as the output.
    """

    rows: Array
    original: Array
    noisy: Array
    output: Array
    errors: Array
    mean_error: float
    extent: tuple[float, float]
    labels: tuple[str, ...]
    parts: tuple[str, str, str]
    names: tuple[str, str, str]
    nodes: tuple[tuple[str, str, int], ...]
    part: str
    held: int
    are_pictures: bool


def reconstructions(
    scene: Scene,
    original: str = "",
    noisy: str = "",
    output: str = "",
    rows: int = 12,
    draw: int = 0,
    part: str = "validation",
    width: int = 0,
) -> Reconstructions:
    """Originals, outputs and their differences. The nodes that are not told are guessed; `noisy` "-" is
    none. `draw` numbers the draw of rows; a part without rows gives way to the other one.

    Raises ValueError where nothing in the document gives its input back.
    """
    net = rowwise.network(scene)
    rowwise.whole("the number of rows", rows, 1, MOST_ROWS)
    rowwise.whole("the draw", draw, 0, 10**9)
    rowwise.whole("the width of a picture", width, 0, 10_000)
    pair = net.compared
    if pair is not None and net.nodes[net.prediction].size != net.nodes[pair[1]].size:
        out, source = net.node(output, pair[0]), pair[1]
    else:
        out, source = net.node(output, net.prediction), net.target
    start = _original(net, original, source, out)
    noise = None if noisy == "-" else _noisy(net, noisy, start, out)
    chosen = rowwise.part_of(part)
    if not len(scene.rows(chosen)):
        chosen = "train"
    picked = _drawn(scene.rows(chosen), min(rows, max(MOST_NUMBERS // out.size, 1)), draw)
    first = [start.path, *([noise.path] if noise is not None else [])]
    given = scene.values(first, picked)
    fed = (
        {noise.path: given[noise.path]}
        if noise is not None and noise.path not in net.inputs
        else {}
    )
    came = scene.values([out.path], picked, fed)[out.path]
    before = given[start.path].reshape(len(picked), -1).astype(np.float64)
    after = came.reshape(len(picked), -1).astype(np.float64)
    with np.errstate(all="ignore"):
        errors = ((after - before) ** 2).mean(axis=1)
    finite = before[np.isfinite(before)]
    shapes = [row_pictures.row_shape(scene, node) for node in (start, out)]
    shape = next((s for s in shapes if row_pictures.picture_shape(s)), out.shape)
    found = rowwise.labels(scene, net, picked)
    labels = tuple(found[1].names[c] if c >= 0 else "" for c in found[0]) if found else ()
    alike = [p for p, n in net.nodes.items() if n.size == out.size and n.kind == "float"]
    return Reconstructions(
        picked, row_pictures.pictures(before, shape, width),
        row_pictures.pictures(given[noise.path].astype(np.float64), shape, width)
        if noise is not None else np.zeros(0),
        row_pictures.pictures(after, shape, width), errors, float(errors.mean()),
        (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0), labels,
        (start.path, noise.path if noise is not None else "-", out.path),
        (start.name, noise.name if noise is not None else "", out.name),
        net.choices(alike[:100]), chosen, len(scene.rows("validation")),
        bool(row_pictures.picture_shape(shape, width)),
    )  # fmt: skip


def _original(net: Network, wanted: str, target: str, out: RowNode) -> RowNode:
    """What should come out: the target, else an input with as many numbers."""
    for path in (wanted, target, *net.inputs):
        node = net.nodes.get(net.aliases.get(path, ""))
        if (
            node is not None
            and node.size == out.size
            and node.path != out.path
            and (path == wanted or (node.kind == "float" and node.size > 1))
        ):
            return node
    raise ValueError(
        f"the output {out.name} does not give the input back, as an auto-encoder's does; compare a "
        "node with the input itself in a loss"
    )


def _noisy(net: Network, wanted: str, start: RowNode, out: RowNode) -> RowNode | None:
    """The input as it is disturbed: drawn noise on the way from the original to the output."""
    if wanted in net.aliases:
        node = net.nodes[net.aliases[wanted]]
        return node if node.size == out.size else None
    way = net.expansion.ancestors([out.step])
    drawn = (n for n in net.nodes.values() if n.noise and not n.learnt and n.step in way)
    return next((n for n in drawn if n.size == start.size), None)


def _drawn(rows: Array, count: int, draw: int) -> Array:
    """So many rows: spread evenly the first time, drawn by the number of the draw later on."""
    if len(rows) <= count:
        return rows
    if draw == 0:
        return rowwise.evenly(rows, count)
    return np.sort(generator(draw, _DRAW).choice(rows, count, replace=False))

"""How gradients flow: their size at parameters and nonlinearities, dead and saturated units, a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.differentiate import bindings, mode_of, rule_of
from engine.expansion import Expansion, Flat, Ref
from engine.expression import parse_expression
from engine.ops.row import Array, local_of
from engine.probes.ratios import adjoints, batch, moving, name_of, next_step, rate_of
from engine.probes.signs import signs
from engine.train.divergence import norm
from engine.train.judging import judge, judge_each
from engine.train.layers import Layers, networks
from engine.train.scene import Scene
from engine.train.trouble import LEVEL, MOST_ROWS, Evidence, Layer, Units, Verdict

ROWS = 256
"""Rows that units are looked at on."""
ENTRIES = 4_000_000
"""Of all units over all rows; with more of them fewer rows are looked at."""
SHOWN = 200
"""Of the parameters and nonlinearities of a deeper document, those of both ends are told."""


@dataclass(frozen=True)
class Part:
    """A parameter or a nonlinearity: its gradient's Euclidean norm and root mean square, its layer."""

    node: str
    name: str
    layer: int
    is_unit: bool
    norm: float
    rms: float


@dataclass(frozen=True)
class Flow:
    """Gradients of the loss, from the data on; `rows` is how many were looked at, `left_out` how many
    parameters and nonlinearities in the middle of a deep document were not.

    Networks that are trained side by side, by a sum of losses that share nothing, follow each other and
    are judged each by itself; a verdict says whose loss it is `of`.
    """

    parts: tuple[Part, ...]
    units: tuple[Units, ...]
    layers: tuple[Layer, ...]
    verdicts: tuple[Verdict, ...]
    rows: int
    left_out: int = 0


def flow(
    scene: Scene,
    losses: Sequence[tuple[int, float]] = (),
    learning_rate: float | None = None,
) -> Flow:
    """Of the moment's gradient on `ROWS` training rows at most, and of a step at the recipe's learning
    rate unless told; `losses` are (step, loss) of the
    run so far, for what one moment cannot tell. Raises ValueError where there is nothing to train."""
    wrt, rate = moving(scene), rate_of(scene, learning_rate)
    nets = _networks(scene, wrt)
    steps, left_out = _looked_at(nets)
    rows = _rows(scene, steps)
    question = ("flow", wrt, tuple(steps))
    asked = (*wrt, *steps, *(n for of in nets.values() for n in of.read))
    with np.errstate(all="ignore"):
        found, expansion = scene.ask(question, lambda e: _asked(scene, e, asked, steps), rows)
    size = {n: found.get(f"g {n}", np.zeros(0)) for n in asked}
    updates = next_step(scene, batch(scene), rate)
    parts: list[Part] = []
    units: list[Units] = []
    made: list[Layer] = []
    told: list[tuple[str, Evidence]] = []
    said = signs(scene, rows, rate, losses)
    for loss, of in nets.items():
        parts += (
            Part(n, name_of(scene, expansion, n), of.units.get(n, of.of.get(n, 0)), n in of.units,
                 norm(size[n]), rms(size[n]))
            for n in _order(expansion, of, wrt, steps)
        )  # fmt: skip
        own = tuple(
            _units(scene, expansion, expansion.nodes[n], found, of, len(rows))
            for n in steps
            if n in of.units
        )
        units += own
        layers = _layers(scene, expansion, of, size, updates)
        made += layers
        told.append((name_of(scene, expansion, loss), Evidence(layers, own, said)))
    verdicts = judge(told[0][1]) if len(told) == 1 else judge_each(said, told)
    return Flow(
        tuple(parts[: 2 * SHOWN]), tuple(units), tuple(made), verdicts, max(len(rows), 1), left_out
    )


def rms(value: Array) -> float:
    """The root mean square of all entries."""
    return norm(value) / math.sqrt(value.size) if value.size else 0.0


def _networks(scene: Scene, wrt: tuple[str, ...]) -> dict[str, Layers]:
    """The layers of each network by the step of its loss."""
    expansion = scene.expanded(scene.rows(limit=1))
    adjoints(scene, expansion, ())  # says what is wrong with the loss
    return dict(networks(expansion, str(expansion.step_of(scene.loss_node)), wrt))


def _looked_at(nets: Mapping[str, Layers]) -> tuple[list[str], int]:
    """The nonlinearities that are looked at, and how many are left out."""
    steps = [n for of in nets.values() for n in of.units]
    if len(steps) <= SHOWN:
        return steps, 0
    half = SHOWN // 2
    return [*steps[:half], *steps[-half:]], len(steps) - 2 * half


def _rows(scene: Scene, steps: Sequence[str]) -> Array:
    """As many rows as `ENTRIES` allows."""
    expansion = scene.expanded(scene.rows(limit=1))
    a_row = sum(expansion.spec(n).size for n in steps)
    return scene.rows(limit=int(np.clip(ENTRIES // max(a_row, 1), 1, ROWS)))


def _asked(
    scene: Scene, expansion: Expansion, asked: tuple[str, ...], steps: Sequence[str]
) -> Mapping[str, Ref]:
    """Gradients as `g <node>`, slopes of units along their own operands as `s <node>`."""
    found = {f"g {n}": ref for n, ref in adjoints(scene, expansion, asked).items()}
    for node in steps:
        flat = expansion.nodes[node]
        names = bindings(flat, 1.0) | mode_of(expansion, flat)
        tree = rule_of(flat, 0)
        if flat.op.own_slope:
            local = parse_expression(flat.op.own_slope)
        else:
            made = None if isinstance(tree, str) else local_of(tree)
            if made is None:
                continue
            local = made
        found[f"s {node}"] = expansion.build(local, names, {**flat.options, "i": 0})
    return found


def _order(expansion: Expansion, of: Layers, wrt: Sequence[str], steps: Sequence[str]) -> list[str]:
    """Parameters where they are first read, and nonlinearities, in the order of the forward pass."""
    found: dict[str, None] = {}
    wanted = of.units.keys() & set(steps)
    for flat in expansion.nodes.values():
        for a in flat.args:
            if isinstance(a, str) and a in of.of:
                found.setdefault(a)
        if flat.id in wanted:
            found.setdefault(flat.id)
    return [n for n in found if n in wanted or n in wrt][: 2 * SHOWN]


def _units(
    scene: Scene,
    expansion: Expansion,
    flat: Flat,
    found: Mapping[str, Array],
    of: Layers,
    rows: int,
) -> Units:
    slope = np.broadcast_to(np.abs(found[f"s {flat.id}"]), flat.spec.shape) if (
        f"s {flat.id}" in found) else np.full(flat.spec.shape, math.nan)  # fmt: skip
    by_row = (
        slope.reshape(rows, -1) if rows and slope.shape[:1] == (rows,) else slope.reshape(1, -1)
    )
    dead = saturated = math.nan
    count = by_row.shape[1]
    if count and flat.op.flat == "dead":
        dead = float(np.mean((by_row == 0.0).all(axis=0)))
    if count and flat.op.steepest:
        level = by_row < LEVEL * flat.op.steepest
        saturated = float(np.mean(level.mean(axis=0) > MOST_ROWS))
    name = name_of(scene, expansion, flat.id)
    gradient = found.get(f"g {flat.id}", np.zeros(0))
    return Units(flat.id, name, of.units[flat.id], count, dead, saturated, rms(gradient),
                 flat.id in of.hidden)  # fmt: skip


def _layers(
    scene: Scene,
    expansion: Expansion,
    of: Layers,
    size: Mapping[str, Array],
    updates: Mapping[str, Array],
) -> tuple[Layer, ...]:
    found = []
    for number in range(of.count):
        nodes = tuple(n for n, layer in of.of.items() if layer == number)
        gradient = norm(np.array([norm(size[n]) for n in nodes]))
        entries = sum(scene.parameters[n].size for n in nodes)
        weights = norm(np.array([norm(scene.parameters[n]) for n in nodes]))
        moved = norm(np.array([norm(updates.get(n, np.zeros(0))) for n in nodes]))
        reached = [size[n] for n, layer in of.read.items() if layer == number] or [
            size[n] for n in nodes
        ]
        signal = rms(np.array([rms(value) for value in reached]))
        ratio = moved / weights if updates and weights else math.nan
        names = tuple(name_of(scene, expansion, n) for n in nodes)
        found.append(Layer(nodes, names, gradient / math.sqrt(max(entries, 1)), signal, ratio))
    return tuple(found)

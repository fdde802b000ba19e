"""Reverse topological order to adjoint steps, appended to an expansion.

For every step u, once its adjoint is complete, and for each of its operands v:
`adjoint(v) += adjoint(u) * du/dv` (reverse accumulation; Griewank and Walther, Evaluating
Derivatives, 2008, section 3.2). Summing at fan-outs and undoing broadcasting happen here and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from engine import ops
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Tree
from engine.ops.row import local_of


class Contribution(Struct, frozen=True, gc=False):
    """One term `adjoint(target) += ...`, made by a step `node` for its operand at `port`.

    `upstream` is the adjoint of `node`; `local` the local derivative where the row has the form
    `g * local`; `value` the term, `total` the sum so far at `target`.
    """

    node: str
    port: str
    target: str
    upstream: Ref
    local: Ref | None
    value: Ref
    total: Ref


@dataclass(slots=True)
class Adjoints:
    """The adjoint of every step that the output depends on, and how each was summed.

    `stopped` tells, by (node, port), why nothing flows there: "0" where the derivative is zero,
    "none" where the operand has no derivative.
    """

    output: str
    adjoint: dict[str, Ref] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    stopped: dict[tuple[str, str], str] = field(default_factory=dict)


def differentiate(
    expansion: Expansion, output: Ref, wrt: Iterable[str] | None = None, seed: Ref = 1.0
) -> Adjoints:
    """Appends the adjoints of `output` to the expansion.

    `wrt` limits the work to steps that depend on these; None differentiates with respect to
    everything. `seed` is the adjoint of the output (same shape as it; 1 for a single number).
    Raises ValueError when the output is not a single number and no seed of its shape is given.
    """
    if not isinstance(output, str):
        return Adjoints("")
    if expansion.spec(output).shape != expansion.spec(seed).shape:
        raise ValueError(
            "only a single number has a gradient; wrap the output in sum(...) or mean(...)"
        )
    wanted = _relevant(expansion, output, wrt)
    result = Adjoints(output, {output: seed})
    for node_id in _reverse_order(expansion, output, wanted):
        upstream = result.adjoint.get(node_id)
        if upstream is None:
            continue
        flat = expansion.nodes[node_id]
        names = bindings(flat, upstream) | mode_of(expansion, flat)
        for index, target in enumerate(flat.args):
            if isinstance(target, str) and target in wanted:
                _contribute(expansion, result, flat, index, target, upstream, names)
    return result


def bindings(flat: Flat, upstream: Ref) -> dict[str, Ref | tuple[Ref, ...]]:
    """What the names in a step's derivatives stand for, with `upstream` as its adjoint."""
    ports = flat.op.ports(len(flat.args))
    names: dict[str, Ref | tuple[Ref, ...]] = dict(zip(ports, flat.args, strict=True))
    names["inputs"], names["rest"] = flat.args, flat.args[1:]
    names["g"], names["y"] = upstream, flat.id
    part = flat.options.get("part") if flat.op.variadic else None
    if part is not None:
        names["exchanged"] = (*flat.args[:part], upstream, *flat.args[part + 1 :])
    return names


def mode_of(expansion: Expansion, flat: Flat) -> dict[str, Ref | tuple[Ref, ...]]:
    """Whether it trains, as a step: for derivatives that hold in training as in use."""
    if not expansion.lasting or "training" not in flat.op.statics:
        return {}
    mode = {"training": flat.options["training"]}
    return {"training": expansion.append(ops.IN_TRAINING, (flat.id,), mode)}


def rule_of(flat: Flat, index: int) -> Tree | str:
    """A step's derivative by one of its operands, or why nothing flows there: "0" or "none"."""
    port = flat.op.ports(len(flat.args))[index]
    row_port = flat.op.inputs[0] if flat.op.variadic else port
    tree = flat.op.derivative_trees[row_port]
    only = flat.op.shape_only
    fixed = only | flat.spec.blocked
    if port in fixed or row_port in fixed or ("*" in only and index > 0):
        return "none"
    return flat.op.derivative[row_port] if tree is None else tree


def vjp(
    expansion: Expansion,
    flat: Flat,
    index: int,
    tree: Tree,
    names: Mapping[str, Ref | tuple[Ref, ...]],
) -> tuple[Ref, Ref | None]:
    """Appends what an operand gets from the upstream gradient that `names` binds to `g`, in the
    operand's shape, by the derivative `tree`; 0.0 where nothing flows. The second is the local
    derivative where the row has the form `g * local`."""
    upstream, target = names["g"], flat.args[index]
    assert not isinstance(upstream, tuple)
    statics = {**flat.options, "i": index}
    local_tree = local_of(tree) if flat.op.elementwise else None
    local = None
    if local_tree is not None:
        local = expansion.build(local_tree, names, statics)
        if local == -1.0:
            value = expansion.append(ops.NEG, (upstream,))
        else:
            value = expansion.append(ops.MUL, (upstream, local))
    else:
        value = expansion.build(tree, names, statics)
    shape = expansion.spec(target).shape
    if value == 0.0:
        return 0.0, local
    if isinstance(value, str):
        if expansion.spec(value).shape != shape:
            value = expansion.append(ops.SUM_TO, (value, target))
    elif shape:
        value = expansion.append(ops.SPREAD_AS, (value, target))
    return value, local


def _relevant(expansion: Expansion, output: str, wrt: Iterable[str] | None) -> set[str]:
    """Float steps between `wrt` and the output, each with a way to it through floats alone."""
    above, stack = {output}, [output]
    while stack:
        for a in expansion.nodes[stack.pop()].args:
            if isinstance(a, str) and a not in above and expansion.spec(a).kind == "float":
                above.add(a)
                stack.append(a)
    sources = None if wrt is None else set(wrt)
    reached: set[str] = set()
    for node_id in expansion.nodes:
        if node_id not in above:
            continue
        flat = expansion.nodes[node_id]
        starts = sources is None or node_id in sources
        if flat.spec.kind == "float" and (starts or any(a in reached for a in flat.args)):
            reached.add(node_id)
    return reached


def _reverse_order(expansion: Expansion, output: str, wanted: set[str]) -> list[str]:
    """A step after all its readers; among free choices, in the order the walk met them, so that
    operands of one step follow each other as a person would write them down."""
    readers: dict[str, int] = {}
    for node_id in wanted:
        for a in expansion.nodes[node_id].args:
            if isinstance(a, str) and a in wanted:
                readers[a] = readers.get(a, 0) + 1
    order = [output] if output in wanted else []
    for node_id in order:  # grows while it is walked
        for a in expansion.nodes[node_id].args:
            if isinstance(a, str) and a in wanted:
                readers[a] -= 1
                if not readers[a]:
                    order.append(a)
    return order


def _contribute(
    expansion: Expansion,
    result: Adjoints,
    flat: Flat,
    index: int,
    target: str,
    upstream: Ref,
    names: Mapping[str, Ref | tuple[Ref, ...]],
) -> None:
    port = flat.op.ports(len(flat.args))[index]
    tree = rule_of(flat, index)
    if isinstance(tree, str):
        result.stopped[flat.id, port] = tree
        return
    value, local = vjp(expansion, flat, index, tree, names)
    if value == 0.0:
        result.stopped[flat.id, port] = "0"
        return
    before = result.adjoint.get(target)
    total = value if before is None else expansion.append(ops.ADD, (before, value))
    result.adjoint[target] = total
    result.contributions.append(Contribution(flat.id, port, target, upstream, local, value, total))

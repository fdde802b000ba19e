"""Topological order to tangent steps, appended to an expansion: forward mode.

For every step u with operands v: `tangent(u) = sum over v of du/dv * tangent(v)` (forward
accumulation; Griewank and Walther, Evaluating Derivatives, 2008, section 3.1). It is read off the same
derivatives as the backward pass. Where a row gives `g * local`, that is `tangent(v) * local`. Any other
row's derivative is linear in its upstream gradient, so differentiating `sum(derivative(g) *
tangent(v))` by g turns it around (Christianson, Automatic Hessians by reverse accumulation, 1992).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine import ops
from engine.differentiate import bindings, differentiate, mode_of, rule_of, vjp
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Tree
from engine.ops.row import local_of
from engine.shapes import Spec

_G, _Y = "g", "y"  # in a turned rule: the upstream gradient and the step itself


def tangents(
    expansion: Expansion, directions: Mapping[str, Ref], wanted: Iterable[str] | None = None
) -> dict[str, Ref]:
    """Appends d(step)/d(direction) for every step that the directions reach, and returns them by step.

    `directions` says in which direction each of some steps moves: a value of that step's shape. Every
    tangent has its step's shape; a step that does not move (or only through whole numbers and truth
    values) is not in the result. `wanted` limits the work to what these steps depend on.
    Raises ValueError where a direction has another shape than its step, or a row's derivative is not
    linear in its upstream gradient.
    """
    for node_id, direction in directions.items():
        if expansion.spec(node_id).shape != expansion.spec(direction).shape:
            raise ValueError(f"the direction of {node_id!r} must have its shape")
    found: dict[str, Ref] = {}
    needed = None if wanted is None else expansion.ancestors(wanted, with_shapes=False)
    turned: dict[Any, _Turned] = {}
    for flat in list(expansion.nodes.values()):
        if needed is not None and flat.id not in needed:
            continue
        if flat.id in directions:
            found[flat.id] = directions[flat.id]
        elif flat.spec.kind == "float" and any(a in found for a in flat.args):
            value = _tangent(expansion, flat, found, turned)
            if value != 0.0:
                found[flat.id] = _spread(expansion, value, flat)
    return found


def _spread(expansion: Expansion, value: Ref, flat: Flat) -> Ref:
    shape = flat.spec.shape
    if expansion.spec(value).shape == shape:
        return value
    return expansion.append(ops.SPREAD_AS, (value, flat.id))


def _tangent(
    expansion: Expansion,
    flat: Flat,
    found: Mapping[str, Ref],
    turned: dict[Any, _Turned],
) -> Ref:
    """The sum over a step's moving operands."""
    mode = mode_of(expansion, flat)
    names = bindings(flat, _G) | mode
    total: Ref = 0.0
    rest: dict[int, tuple[Tree, Ref]] = {}
    for index, operand in enumerate(flat.args):
        if not isinstance(operand, str) or operand not in found:
            continue
        rule = rule_of(flat, index)
        if isinstance(rule, str):
            continue
        local = local_of(rule) if flat.op.elementwise else None
        if local is None:
            rest[index] = rule, found[operand]
            continue
        factor = expansion.build(local, names, {**flat.options, "i": index})
        total = _sum(expansion, total, _product(expansion, found[operand], factor))
    if rest:
        total = _sum(expansion, total, _through(expansion, flat, rest, mode, turned))
    return total


def _product(expansion: Expansion, tangent: Ref, local: Ref) -> Ref:
    if local == -1.0:
        return expansion.append(ops.NEG, (tangent,))
    return expansion.append(ops.MUL, (tangent, local))


def _sum(expansion: Expansion, before: Ref, term: Ref) -> Ref:
    if term == 0.0 or before == 0.0:
        return before if term == 0.0 else term
    return expansion.append(ops.ADD, (before, term))


class _Turned:
    """A rule of a row, turned around among stand-ins for its operands and their tangents.

    `result` is the tangent, `order` the steps to it; both in `expansion`. Steps with the same row,
    options and shapes share one.
    """

    def __init__(
        self,
        outer: Expansion,
        flat: Flat,
        rules: Mapping[int, tuple[Tree, Ref]],
        mode: Iterable[str],
    ) -> None:
        inner = Expansion(outer.dtype, training=outer.training, lasting=outer.lasting)
        args = tuple(
            _stand_in(inner, f"x{i}", outer.spec(a)) if isinstance(a, str) else a
            for i, a in enumerate(flat.args)
        )
        _stand_in(inner, _Y, flat.spec)
        g = _stand_in(inner, _G, Spec(flat.spec.shape))
        step = Flat(_Y, flat.op, args, flat.options, flat.spec)
        names = bindings(step, g) | {m: _stand_in(inner, m, Spec()) for m in mode}
        total: Ref = 0.0
        for index, (rule, tangent) in rules.items():
            moving = args[index]
            value, _ = vjp(inner, step, index, rule, names)
            if isinstance(tangent, str):
                tangent = _stand_in(inner, f"t{index}", Spec(inner.spec(moving).shape))
            product = inner.append(ops.MUL, (value, tangent))
            total = _sum(inner, total, inner.append(ops.SUM, (product,), ops.SUM.defaults()))
        self.expansion = inner
        self.result: Ref = differentiate(inner, total, [_G]).adjoint.get(_G, 0.0)
        live = inner.ancestors([self.result] if isinstance(self.result, str) else [])
        self.order = [f for f in inner.nodes.values() if f.id in live and not f.op.is_source]
        again = inner.append(ops.SUM, (self.result,), ops.SUM.defaults())
        if differentiate(inner, again, [_G]).adjoint.get(_G, 0.0) != 0.0:
            raise ValueError(f"the derivative of {flat.op.name} is not linear in the gradient g")

    def placed(self, outer: Expansion, known: dict[str, Ref]) -> Ref:
        """Appends the steps to an expansion, the stand-ins being what `known` says."""
        known = dict(known)
        for flat in self.order:
            args = tuple([known[a] if isinstance(a, str) else a for a in flat.args])
            known[flat.id] = outer.append(flat.op, args, flat.options)
        return known[self.result] if isinstance(self.result, str) else self.result


def _stand_in(expansion: Expansion, name: str, spec: Spec) -> str:
    """A step of which only shape and kind are known."""
    expansion.nodes[name] = Flat(name, ops.TABLE["input"], (), {}, spec)
    return name


def _through(
    expansion: Expansion,
    flat: Flat,
    rules: Mapping[int, tuple[Tree, Ref]],
    mode: Mapping[str, Any],
    turned: dict[Any, _Turned],
) -> Ref:
    key = (
        flat.op.name,
        repr(sorted(flat.options.items())),
        flat.spec,
        tuple([expansion.spec(a) if isinstance(a, str) else repr(a) for a in flat.args]),
        tuple([(i, "" if isinstance(t, str) else repr(t)) for i, (_, t) in rules.items()]),
    )
    if key not in turned:
        turned[key] = _Turned(expansion, flat, rules, mode)
    # what is left of g is read for its shape alone, which is the step's
    known: dict[str, Ref] = {_Y: flat.id, _G: flat.id, **mode}
    known |= {f"x{i}": a for i, a in enumerate(flat.args)}
    known |= {f"t{i}": t for i, (_, t) in rules.items()}
    return turned[key].placed(expansion, known)

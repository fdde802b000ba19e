"""Shaped steps in topological order, appended to and shared.

An `Expansion` is what the planner runs and what `differentiate` lengthens. A step's operands are ids
of earlier steps or literal numbers. Document nodes keep their ids and are never merged; appended
steps get the ids `~1`, `~2`, ... and are folded, elided and shared where the rows allow it. A step
inside a module has the path of ids that leads to it, as in `n5.n2`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct, structs

from engine import ops
from engine.expression import Call, ExpressionError, Name, Number, Tree, per_tree, post_order
from engine.ops.row import Array, Clock, Op, bound, simplified
from engine.shapes import Kind, ShapeError, Spec, shape_text

Ref = str | float
"""An operand: the id of a step, or a number."""

MAX_ENTRIES = 100_000_000
_KINDS: dict[str, Kind] = {"f": "float", "i": "int", "u": "int", "b": "bool"}
_DTYPES: dict[str, Any] = {"int": np.int64, "bool": np.bool_}


class Flat(Struct, frozen=True, gc=False):
    """One step: a row applied to operands, its result's shape and kind known."""

    id: str
    op: Op
    args: tuple[Ref, ...]
    options: Mapping[str, Any]
    spec: Spec


@dataclass(frozen=True, slots=True)
class Start:
    """How a parameter inside a module begins: its shape there and its options."""

    shape: tuple[int, ...]
    options: Mapping[str, Any]

    @property
    def trainable(self) -> bool:
        return bool(self.options.get("trainable", True))


class Expansion:
    """Steps in topological order, by id.

    `dtype` is that of every float value. `training` tells rows that differ between training and use
    which of the two this is. `clock` is what random rows draw by; whoever runs a plan sets it.
    `results` gives the step (or number) that a node of a module stands for, `names` what people call
    steps inside modules, `starts` how the parameters there begin. `masks` are truth values that a
    shape depends on. Steps of a `lasting` one hold in training as in use and for any number of rows:
    what sizes and the mode settle stays a step. One that does not share makes a step for each visit.
    """

    def __init__(
        self,
        dtype: Any = np.float64,
        *,
        training: bool = False,
        lasting: bool = False,
        shares: bool = True,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.training, self.lasting, self.shares = training, lasting, shares
        self.clock = Clock()
        self.nodes: dict[str, Flat] = {}
        self.feeds: dict[str, Array] = {}
        self.faults: dict[str, str] = {}
        self.waiting: set[str] = set()
        self.results: dict[str, Ref] = {}
        self.names: dict[str, str] = {}
        self.starts: dict[str, Start] = {}
        self.masks: set[str] = set()
        self._shared: dict[Any, str] = {}
        self._count = 0

    def copied(self) -> Expansion:
        """One that can be lengthened without this one noticing."""
        other = copy(self)
        other.nodes, other.feeds = dict(self.nodes), dict(self.feeds)
        other._shared, other.masks = dict(self._shared), set(self.masks)
        return other

    def branched(self) -> Expansion:
        """A copy that can be appended to while this one stays as it is; it shares no steps yet."""
        other = copy(self)
        other.nodes, other.feeds, other.masks = dict(self.nodes), dict(self.feeds), set(self.masks)
        other._shared = {}
        return other

    def spec(self, ref: Ref) -> Spec:
        """Shape and kind of an operand; a literal is a float with its value."""
        return self.nodes[ref].spec if isinstance(ref, str) else Spec(value=ref)

    def step_of(self, node_id: str) -> Ref | None:
        """What a node of the document came to: a step or a number, None while it has no value."""
        return self.results.get(node_id, node_id if node_id in self.nodes else None)

    def source(self, node_id: str, op: Op, value: Array) -> str:
        """A step that computes nothing: its value is fed."""
        array = np.asarray(value)
        kind = _KINDS[array.dtype.kind]
        self.nodes[node_id] = Flat(node_id, op, (), {}, Spec(array.shape, kind))
        self.feeds[node_id] = array
        return node_id

    def add(self, node_id: str, op: Op, args: tuple[Ref, ...], options: Mapping[str, Any]) -> str:
        """A step with an id of its own, as the document has it. Raises ShapeError."""
        if op.statics:
            drawn = str(args[1]) if op.redraws else node_id
            options = {**self._statics(drawn, op), **options}
        if op.reads_masks:
            self._count_masks(args)
        specs = tuple([self.spec(a) for a in args])
        spec = _of_derivative(op, options, specs) if op.hidden else op.shape(options, *specs)
        self.nodes[node_id] = Flat(node_id, op, args, options, _sized(spec))
        self._shared.setdefault(_key(op, args, options), node_id)
        return node_id

    def _statics(self, node_id: str, op: Op) -> dict[str, Any]:
        known = {
            "key": zlib.crc32(node_id.encode()), "clock": self.clock, "training": float(self.training)
        }  # fmt: skip
        return {name: known[name] for name in op.statics}

    def append(
        self, op: Op, args: tuple[Ref, ...], options: Mapping[str, Any] | None = None
    ) -> Ref:
        """A derived step, or the operand or number that it equals. Raises ShapeError."""
        settled = {} if options is None else options
        simple: Ref | None = simplified(op, args, settled)
        if op.reads_masks:
            self._count_masks(args)
        nodes = self.nodes
        specs = [nodes[a].spec if isinstance(a, str) else Spec(value=a) for a in args]
        if simple is not None and self._keeps_kind(simple, op, settled, specs):
            return simple
        if op.constant is not None and not (self.lasting and specs[0].shape):
            return op.constant(settled, *specs)
        if op.identity is not None:
            same = op.identity(settled, *specs)
            if same is not None:
                return args[same]
        key = _key(op, args, settled)
        known = self._shared.get(key)
        if known is not None and self.shares:
            return known
        self._count += 1
        node_id = f"~{self._count}"
        self.nodes[node_id] = Flat(node_id, op, args, settled, _sized(op.shape(settled, *specs)))
        self._shared[key] = node_id
        return node_id

    def _count_masks(self, refs: Iterable[Ref]) -> None:
        """Tells the specs of truth values how many entries hold, for shapes that depend on it.

        The steps above them are computed once; where one refuses its operands, nothing is told.
        """
        for ref in refs:
            if (
                not isinstance(ref, str)
                or self.spec(ref).kind != "bool"
                or self.spec(ref).count is not None
            ):
                continue
            self.masks.add(ref)
            try:
                count = int(np.count_nonzero(self._computed(ref)))
            except ValueError:
                continue
            flat = self.nodes[ref]
            known = structs.replace(flat.spec, count=count)
            self.nodes[ref] = Flat(flat.id, flat.op, flat.args, flat.options, known)

    def _computed(self, node_id: str) -> Array:
        """The value of a step. Raises ValueError where a kernel refuses its operands."""
        above = self.ancestors([node_id])
        values: dict[str, Array] = {}
        for flat in (f for f in self.nodes.values() if f.id in above):
            if flat.op.is_source:
                values[flat.id] = self.feeds[flat.id]
                continue
            specs = tuple(self.spec(a) for a in flat.args)
            operands = (
                values[a] if isinstance(a, str) else np.asarray(a, self.dtype) for a in flat.args
            )
            out = np.empty(flat.spec.shape, _DTYPES.get(flat.spec.kind, self.dtype))
            with np.errstate(all="ignore"):
                bound(flat.op, flat.options, specs, flat.spec)(*operands, out)
            values[flat.id] = out
        return values[node_id]

    def _keeps_kind(self, ref: Ref, op: Op, options: Mapping[str, Any], specs: list[Spec]) -> bool:
        """1 * (x > 0) is a number; the truth value would not be."""
        kind = self.spec(ref).kind
        return kind == "float" or kind == op.shape(options, *specs).kind

    def build(
        self,
        tree: Tree,
        names: Mapping[str, Ref | tuple[Ref, ...]],
        statics: Mapping[str, Any] | None = None,
    ) -> Ref:
        """Appends a formula. `names` binds its names (a tuple is spread over a call's operands),
        `statics` the names used as options. Raises ExpressionError or ShapeError."""

        values: list[Any] = []
        for part, found in _instructions(tree):
            if isinstance(part, Number):
                values.append(part.value)
            elif isinstance(part, Name):
                if part.id in names:
                    values.append(names[part.id])
                elif statics is not None and isinstance(statics.get(part.id), int | float):
                    values.append(float(statics[part.id]))
                else:
                    raise ExpressionError(f"the name {part.id!r} is not known here")
            else:
                row, count, options = found or ops.lookup(part, statics)
                first = len(values) - len(part.args)
                operands: list[Ref] = []
                for value in values[first : first + count]:
                    operands.extend(value if isinstance(value, tuple) else (value,))
                del values[first:]
                values.append(self.append(row, tuple(operands), options))
        ref: Ref = values[0]
        return ref

    def ancestors(self, roots: Iterable[str], *, with_shapes: bool = True) -> set[str]:
        """Every step the roots depend on, themselves included."""
        found: set[str] = set()
        stack = [r for r in roots if isinstance(r, str)]
        while stack:
            node_id = stack.pop()
            if node_id in found:
                continue
            found.add(node_id)
            flat = self.nodes[node_id]
            read = flat.args if with_shapes or not flat.op.shape_only else value_args(flat)
            stack += [a for a in read if isinstance(a, str) and a not in found]
        return found


@per_tree
def _instructions(tree: Tree) -> list[tuple[Tree, tuple[Op, int, dict[str, Any]] | None]]:
    """A tree's parts, operands first; a call with the row it means if no name settles its options."""
    return [
        (
            part,
            ops.lookup(part)
            if isinstance(part, Call) and not any(isinstance(v, Name) for _, v in part.options)
            else None,
        )
        for part in post_order(tree)
    ]


def _of_derivative(op: Op, options: Mapping[str, Any], specs: tuple[Spec, ...]) -> Spec:
    """The shape of a row that derivatives are made of, also for operands that none gives it: its rule
    and its kernel count on their shapes. Raises ShapeError."""
    try:
        spec = op.shape(options, *specs)
        if op.kernel is not None:
            bound(op, options, specs, spec)
        return spec
    except ShapeError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ShapeError(
            "its operands are not what a derivative gives it", "take the derivative again"
        ) from error


def _sized(spec: Spec) -> Spec:
    """Refuses what no memory holds, before anything is computed."""
    if spec.shape and spec.size > MAX_ENTRIES:
        raise ShapeError(
            f"the result {shape_text(spec.shape)} has {spec.size:,} numbers, more than the "
            f"{MAX_ENTRIES:,} that one value may have",
            "check that the operands' shapes are meant to be broadcast",
        )
    return spec


def _key(op: Op, args: tuple[Ref, ...], options: Mapping[str, Any]) -> Any:
    # 0.0 == -0.0 and 1 == True as keys, but not as operands
    tagged = args
    for a in args:
        if not isinstance(a, str):
            tagged = tuple([a if isinstance(a, str) else repr(a) for a in args])
            break
    if not options:
        return op.name, tagged
    return op.name, tagged, tuple(sorted((k, repr(v)) for k, v in options.items()))


def value_args(flat: Flat) -> tuple[Ref, ...]:
    """The operands whose values are read, not only their shapes."""
    only = flat.op.shape_only
    if not only:
        return flat.args
    if "*" in only:
        return flat.args[:1]
    ports = flat.op.ports(len(flat.args))
    return tuple(a for port, a in zip(ports, flat.args, strict=True) if port not in only)


def state_updates(expansion: Expansion, output: str) -> dict[str, Ref]:
    """What the states that rows keep (running means) become at the end of a step: {source: step}.

    A state is a parameter at a port for which the row has an update.
    """
    moved: dict[str, Ref] = {}
    above = expansion.ancestors([output])
    for node_id in [n for n in expansion.nodes if n in above]:
        flat = expansion.nodes[node_id]
        names: dict[str, Ref | tuple[Ref, ...]] = {
            **dict(zip(flat.op.inputs, flat.args, strict=False)), "y": node_id
        }  # fmt: skip
        for port, tree in flat.op.update_trees.items():
            state = names[port]
            if isinstance(state, str) and expansion.nodes[state].op.is_source:
                moved[state] = expansion.build(
                    tree, {**names, port: moved.get(state, state)}, flat.options
                )
    return moved

"""What if a number were another one: where it is held, how the output follows, tangents along it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from engine import inside, ops
from engine.differentiate import bindings, rule_of, vjp
from engine.edits import Edit, set_literal, set_tensor
from engine.evaluate import Evaluation
from engine.expansion import Expansion, Flat, Ref
from engine.graph import Graph, GraphError
from engine.inside import View
from engine.ops.row import Array
from engine.paths import size_of
from engine.program import Plan
from engine.shapes import Spec
from engine.tangents import tangents

MAX_FOLLOWED = 60_000
"""Steps of a document, those of its gradients among them, up to which tangents are computed."""
MAX_LITERALS = 300
"""So many numbers at ports are ranked; each needs a derivative of its own."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A number that a person can change: a source's, an entry of its tensor, or one at a port."""

    node: str
    port: str = ""
    entry: tuple[int, ...] = ()


def handle_of(graph: Graph, found: Evaluation, node_id: str) -> Handle | None:
    """The number that a node holds: of a tensor the entry that moves the output most, of an operator
    the first number at a port. None where there is none."""
    if graph.nodes[node_id].op not in ops.HOLDS_TENSOR:
        literals = graph.nodes[node_id].literals
        return next((Handle(node_id, p) for p in graph.ports(node_id) if p in literals), None)
    tensor = graph.tensors.get(node_id)
    if tensor is None or not tensor.size or tensor.dtype.kind not in "fiu":
        return None
    gradient = found.gradients.get(node_id)
    if gradient is None or gradient.shape != tensor.shape:
        return Handle(node_id, "", (0,) * tensor.ndim)
    return Handle(node_id, "", _largest(gradient))


def _largest(array: Array) -> tuple[int, ...]:
    sizes = np.nan_to_num(np.abs(array), nan=0.0)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(sizes)), array.shape))


def number(graph: Graph, handle: Handle) -> float | None:
    """What it is now; None when it is there no more."""
    node = graph.nodes.get(handle.node)
    if node is None:
        return None
    if handle.port:
        return node.literals.get(handle.port)
    tensor = graph.tensors.get(handle.node)
    if tensor is None or len(handle.entry) != tensor.ndim:
        return None
    if any(i >= n for i, n in zip(handle.entry, tensor.shape, strict=True)):
        return None
    return float(tensor[handle.entry])


def is_whole(graph: Graph, handle: Handle) -> bool:
    """True where it can only be a whole number."""
    tensor = None if handle.port else graph.tensors.get(handle.node)
    return tensor is not None and tensor.dtype.kind in "iu"


def changed(graph: Graph, handle: Handle, value: float) -> Edit:
    """Gives it another value. Raises GraphError when it is there no more."""
    if number(graph, handle) is None:
        raise GraphError("the number is no longer in the document")
    if handle.port:
        return set_literal(graph, handle.node, handle.port, value)
    tensor = np.array(graph.tensors[handle.node])
    if tensor.dtype.kind in "iu":
        if not math.isfinite(value):
            raise GraphError("only whole numbers can stand here")
        known = np.iinfo(tensor.dtype)
        value = min(max(round(value), int(known.min)), int(known.max))
    tensor[handle.entry] = value
    return set_tensor(handle.node, tensor)


def step_at(value: float, whole: bool = False) -> float:
    """How far one notch of the wheel goes from a value: a tenth of its leading digit's place, so that
    1 moves by 0.1 and 0.5 by 0.01; whole numbers by 1."""
    if whole:
        return 1.0
    if not math.isfinite(value) or abs(value) < 1e-9:
        return 0.1
    return float(10.0 ** (math.floor(math.log10(abs(value)) + 1e-9) - 1))


def span_of(value: float, whole: bool = False) -> float:
    """How far a number is moved to see what moves with it: a power of two of its size, or rounding
    would change how far it went, by all of it for a large one; toward zero for the largest. A whole
    number moves by 1."""
    if not abs(value) >= 1.0 or not math.isfinite(value):
        return 1.0
    if whole:
        return math.copysign(1.0, -value)
    _, exponent = math.frexp(value)
    size = math.copysign(math.ldexp(0.5, exponent), value)
    return 2.0 * size if exponent < 120 else -size


# ------------------------------------------------------------ one number moves


class Along:
    """A document along one number: the output, its slope, and every step's tangent at the start.

    `whole` is the evaluation at the start, `other` the expansion of the same document with the number
    moved by `span`; what differs between the two is what moves. Raises ValueError when they differ in
    more than numbers.
    """

    def __init__(
        self, whole: Evaluation, other: Expansion, span: float, wanted: Iterable[str] = ()
    ) -> None:
        expansion = whole.expansion.branched()
        self._base: dict[str, Array] = {}
        self._toward: dict[str, Array] = {}
        for path, array in expansion.feeds.items():
            after = other.feeds.get(path)
            if after is None or after.shape != array.shape:
                raise ValueError("the change alters shapes, so nothing can be followed")
            if after is not array and not np.array_equal(after, array, equal_nan=True):
                self._base[path] = array
                self._toward[path] = (after.astype(np.float64) - array) / span
        self._lift(expansion, other, span)
        expansion.feeds = {**expansion.feeds, **self._base}
        directions: dict[str, Ref] = {}
        for path, toward in self._toward.items():
            if expansion.spec(path).kind == "float":
                direction = (
                    float(toward)
                    if not toward.ndim
                    else expansion.source(f"toward {path}", ops.TABLE["input"], toward)
                )
                directions[path] = direction
        output = whole.adjoints.output if whole.adjoints else ""
        steps = [n for n in (*wanted, output) if n in expansion.nodes]
        found = tangents(expansion, directions, steps)
        self._output: Ref = output or math.nan
        self._slope = found.get(output, 0.0)
        self.tangents: dict[str, Array] = {}
        """By step: how fast it changes as the number does, at the start. Of steps that move alone."""
        moving = {n: found[n] for n in steps if n in found}
        plan = Plan(expansion, moving.values())
        failed = plan.run_each()
        for n, ref in moving.items():
            if ref not in failed:
                shape = expansion.spec(n).shape
                self.tangents[n] = np.array(np.broadcast_to(plan.value(ref), shape))
        self._plan = Plan(expansion, [self._output, self._slope])
        self._live = {flat.id for flat in self._plan.order}

    def _lift(self, expansion: Expansion, other: Expansion, span: float) -> None:
        """Numbers at ports that move become sources."""
        lifted: dict[str, Flat] = {}
        replaced: dict[str, Flat] = {}
        for node_id, flat in expansion.nodes.items():
            after = other.nodes.get(node_id)
            if node_id.startswith("~") or after is None or after.args == flat.args:
                continue
            if len(after.args) != len(flat.args):
                raise ValueError("the change alters the steps, so nothing can be followed")
            args = list(flat.args)
            for i, (was, now) in enumerate(zip(flat.args, after.args, strict=True)):
                if was == now:
                    continue
                if isinstance(was, str) or isinstance(now, str):
                    raise ValueError("the change alters the steps, so nothing can be followed")
                name = f"at {node_id} {i}"
                args[i] = name
                lifted[name] = Flat(name, ops.TABLE["input"], (), {}, Spec())
                self._base[name] = np.asarray(was, expansion.dtype)
                self._toward[name] = np.asarray((now - was) / span)
            replaced[node_id] = structs.replace(flat, args=tuple(args))
        expansion.nodes = {**lifted, **expansion.nodes, **replaced}

    def at(self, offset: float) -> tuple[float, float]:
        """The output and its slope with the number moved by `offset`; NaN where it has none."""
        for path, base in self._base.items():
            if path in self._live:
                moved = base + offset * self._toward[path]
                whole = base.dtype.kind in "iu"
                self._plan.set(path, np.round(moved).astype(base.dtype) if whole else moved)
        try:
            self._plan.run()
        except ValueError:
            return math.nan, math.nan
        return self._plan.number(self._output), self._plan.number(self._slope)


# ------------------------------------------------------------ all of them


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How the output follows one source or one number at a port.

    `gradient` is dJ/dp, of a tensor the Euclidean norm of its gradient; `percent` how far the output
    moves, to first order, when all of it grows by 1 %. `handle` is the entry with the largest gradient
    `steepest`.
    """

    handle: Handle
    entries: int
    gradient: float
    percent: float
    steepest: float

    def elasticity(self, output: float) -> float:
        """The output's change in per cent when all of it grows by 1 %."""
        return 100 * self.percent / output if output else math.nan


def sensitivities(graph: Graph, found: Evaluation) -> list[Sensitivity]:
    """Every source and number at a port that the output depends on, the largest gradient first and those
    that have none last.

    `graph` and `found` are what is looked at, inside a module too; what all instances of a module
    share counts for all of them.
    """
    rows = [*_of_sources(graph, found), *_of_literals(graph, found)]
    return sorted(rows, key=lambda r: -float(np.nan_to_num(abs(r.gradient), nan=-1.0)))


def _of_sources(graph: Graph, found: Evaluation) -> Iterator[Sensitivity]:
    for node_id, node in graph.nodes.items():
        tensor = graph.tensors.get(node_id)
        if node.op not in ops.HOLDS_TENSOR or tensor is None or not tensor.size:
            continue
        gradient = _shared(graph, found, node_id)
        if gradient is None or gradient.shape != tensor.shape:
            continue
        entry = _largest(gradient)
        with np.errstate(all="ignore"):
            norm = float(gradient) if not gradient.ndim else size_of(gradient)
            percent = 0.01 * float(np.sum(gradient * tensor))
        yield Sensitivity(
            Handle(node_id, "", entry), tensor.size, norm, percent, float(gradient[entry])
        )


def _shared(graph: Graph, found: Evaluation, node_id: str) -> Array | None:
    """A source's gradient; a constant in a module is that of every instance."""
    if not isinstance(found, View) or graph.nodes[node_id].op != "constant":
        return found.gradients.get(node_id)
    whole = found.whole
    steps = (whole.gradients.get(start + node_id) for start in _starts(found))
    parts = [gradient for gradient in steps if gradient is not None]
    return np.sum(parts, axis=0) if parts else None


def _starts(found: Evaluation) -> list[str]:
    if not isinstance(found, View):
        return [""]
    return inside.instances(found.whole.graph, tuple(found.start.split(".")[:-1]))


def _of_literals(graph: Graph, found: Evaluation) -> Iterator[Sensitivity]:
    whole = found.whole if isinstance(found, View) else found
    if whole.adjoints is None:
        return
    held = [(n, p) for n, node in graph.nodes.items() for p in node.literals]
    starts = _starts(found)
    for node_id, port in held[:MAX_LITERALS]:
        if port not in graph.ports(node_id) or (node_id, port) in graph.links:
            continue
        index = graph.ports(node_id).index(port)
        parts = [g for s in starts if (g := _by_literal(whole, s + node_id, index)) is not None]
        if parts:
            value, gradient = graph.nodes[node_id].literals[port], float(sum(parts))
            yield Sensitivity(Handle(node_id, port), 1, gradient, 0.01 * gradient * value, gradient)


def _by_literal(whole: Evaluation, step: str, index: int) -> float | None:
    """d(output)/d(number at a port) of one step, by the row's derivative at the numbers it has."""
    flat, adjoints = whole.expansion.nodes.get(step), whole.adjoints
    if (
        flat is None
        or adjoints is None
        or whole.plan is None
        or index >= len(flat.args)
        or step in whole.failed
    ):
        return None
    upstream = adjoints.adjoint.get(step)
    if upstream is None or upstream in whole.failed or isinstance(flat.args[index], str):
        return None
    read, small = whole.plan.value, Expansion(whole.expansion.dtype)
    args: list[Ref] = []
    for i, a in enumerate(flat.args):
        taken = isinstance(a, str) or i == index
        args.append(small.source(f"x{i}", ops.TABLE["input"], read(a)) if taken else a)
    small.source("y", ops.TABLE["input"], read(step))
    g = small.source("g", ops.TABLE["input"], np.broadcast_to(read(upstream), flat.spec.shape))
    own = structs.replace(flat, id="y", args=tuple(args))
    rule = rule_of(own, index)
    if isinstance(rule, str):
        return None
    value, _ = vjp(small, own, index, rule, bindings(own, g))
    plan = Plan(small, [value])
    plan.run()
    return plan.number(value)


def predicted(before: Mapping[str, Array], along: Along, offset: float) -> dict[str, Array]:
    """By step, what the tangents say it would be with the number moved by `offset`."""
    return {n: before[n] + offset * t for n, t in along.tangents.items() if n in before}

"""What a wire would do before it is drawn: the shape it would give, or what disagrees.

Nothing is evaluated: the shape rules of the nodes behind the wire are asked again, over the steps that
an evaluation has already. A shape that depends on values not computed yet is told as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np
from msgspec import structs

from engine.edits import add_node
from engine.evaluate import Evaluation, symbolic
from engine.expansion import Expansion, Flat, Ref, Start
from engine.flatten import Flattening, Level, owner_of
from engine.graph import TIED, CycleError, Graph, Port
from engine.inside import Place, View, levels, look
from engine.ops.row import Array, Op
from engine.passing import passes_on, readers
from engine.shapes import Shape, ShapeError, Spec

MOST_NODES = 2_000
"""How many nodes behind a wire are looked at, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Between:
    """A node of a row of one operand that would be put between `source` and a port."""

    source: str
    row: Op
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shaped:
    """A parameter or an input that would hold an array of another shape."""

    source: str
    shape: Shape


Changes = Mapping[Port, str | Between | Shaped | None]
"""What ports would read: a node, a new node between, a node of another shape, or no wire any more."""


class Unknown(Exception):
    """A shape depends on values that are not computed yet."""


_UNKNOWN = Unknown()
_State = Spec | ShapeError | Unknown | None
"""What a node comes to: None while it misses an operand."""


@dataclass(frozen=True, slots=True)
class Operand:
    """What a port would read: a node by name with its shape (`B×64`), a number, or nothing yet."""

    port: str
    name: str = ""
    spec: Spec | None = None
    shape: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.name


@dataclass(frozen=True)
class Fit:
    """What becomes of a node: its result and its shape as text (`B×10`), or why there is none.

    `fault` says in a sentence what disagrees, `advice` what would mend it; it is `known` where the
    node fails in the same way already. `circle` says why the wire is refused. `broken` are the nodes
    behind it that would fail and did not before, each with its sentence; `whole` is False where there
    were too many to look at. `unknown` results depend on values.
    """

    node: str
    operands: tuple[Operand, ...] = ()
    spec: Spec | None = None
    shape: str = ""
    fault: str = ""
    advice: str = ""
    circle: str = ""
    known: bool = False
    unknown: bool = False
    broken: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The ports that are still empty."""
        return tuple(o.port for o in self.operands if o.is_empty)


class Fitting:
    """The wires of one document, or of a module looked into, at one evaluation; made once a gesture."""

    def __init__(
        self, root: Graph, evaluation: Evaluation, place: Place = (), most: int = MOST_NODES
    ) -> None:
        self.root, self.evaluation, self.most = root, evaluation, most
        self.whole = evaluation.whole if isinstance(evaluation, View) else evaluation
        self.graph = levels(root, place)[-1]
        self.level = self._level(place)
        self._order = {n: i for i, n in enumerate(self.graph.order())}
        self._tied = {n for node in self.graph.nodes.values() if node.options.get(TIED)
                      for n in (node.id, str(node.options[TIED]))}  # fmt: skip

    def _level(self, place: Place) -> Level:
        """The graph at its place, with what its nodes came to."""
        flattening = Flattening(self.root, self.whole.feeds, self.whole.expansion)
        level = Level(self.root, sizes=self.root.settings["sizes"])
        for depth, node_id in enumerate(place):
            level.known = self._known(look(self.whole, place[:depth]))
            node, op = level.graph.nodes[node_id], level.graph.op(node_id)
            level = Level(
                op.definition, f"{level.path}{node_id}.",
                f"{level.owner}{owner_of(level.graph, node)}.", f"{level.title}{node.name}.",
                flattening.sizes(level, node, op),
            )  # fmt: skip
        level.known = self._known(self.evaluation)
        return level

    def _known(self, evaluation: Evaluation) -> dict[str, Ref]:
        keys: Mapping[str, Ref] = evaluation.keys if isinstance(evaluation, View) else {
            n: n for n in self.root.nodes
        }  # fmt: skip
        step_of = self.whole.expansion.step_of
        refs = {n: step_of(key) if isinstance(key, str) else key for n, key in keys.items()}
        return {n: ref for n, ref in refs.items() if ref is not None}

    # ------------------------------------------------------------ asking

    def wire(self, source: str, end: Port, was: Port | None = None) -> Fit:
        """A wire from a node's result to a port; `was` is the port it would be taken off."""
        try:
            self.graph.check_cycle(source, end[0])
        except CycleError as error:
            return Fit(end[0], circle=str(error))
        changes = wired(source, end, was)
        return self.named(self.after(changes, end[0]), changes)

    def after(self, changes: Changes, node_id: str, deep: bool = True) -> Fit:
        """What a node comes to when ports read something else; `deep` looks at the nodes behind."""
        draft = _Draft(self, changes)
        start = {port[0] for port in changes} | {node_id}
        order = self._order
        if self._tied and self._tied & self._behind(start):
            # Tied instances share parameters, which take their shape from the first of them.
            start = {n for n in self.graph.nodes if not self.graph.op(n).is_source}
            order = self._order_after(changes)
            draft.forget(start)
        queue = sorted((order[n], n) for n in start)
        prune = not self.whole.expansion.masks
        found: dict[str, _State] = {}
        lost: set[str] = set()
        while queue and len(found) < self.most:
            here = heappop(queue)[1]
            if here in found or here in lost:
                continue
            state = found[here] = draft.settled(here)
            if here == node_id and (not deep or not isinstance(state, Spec)):
                break
            if not isinstance(state, Spec):
                self._lose(here, lost, draft)
                continue
            moved = draft.level.known[here] != self.level.known.get(here)
            for reader in readers(self.graph, here):
                op = self.graph.op(reader)
                if not prune or moved or op.reads_inside or not _same(state, self._before(here)):
                    heappush(queue, (order[reader], reader))
        now = found.get(node_id)
        broken = {
            n: state.message
            for n, state in found.items()
            if isinstance(state, ShapeError) and n != node_id and n not in self.evaluation.faults
        }
        return Fit(
            node_id, draft.operands(node_id), now if isinstance(now, Spec) else None,
            _text(now) if isinstance(now, Spec) else "",
            now.message if isinstance(now, ShapeError) else "",
            now.fix if isinstance(now, ShapeError) else "",
            known=isinstance(now, ShapeError)
            and str(now) in self.evaluation.faults.get(node_id, ""),
            unknown=isinstance(now, Unknown), broken=broken, whole=len(found) < self.most,
        )  # fmt: skip

    def named(self, fit: Fit, changes: Changes) -> Fit:
        """With `B` in the shapes for what follows the number of rows of data."""
        if self._longer is None:
            return fit
        more = self._longer.after(changes, fit.node, deep=False)
        if more.fault and not fit.fault:  # numbers that another number of rows does not fill
            return fit
        operands = tuple(
            replace(o, shape=_text(o.spec, other.spec))
            for o, other in zip(fit.operands, more.operands, strict=True)
        )
        return replace(fit, operands=operands, shape=_text(fit.spec, more.spec))

    @cached_property
    def _longer(self) -> Fitting | None:
        """The same with one row more of data; None where nothing follows the rows."""
        if not self.whole.feeds or self.whole.expansion.masks:
            return None
        other = copy(self)
        other.whole = replace(self.whole, expansion=self.whole.longer)
        other.level = copy(self.level)
        other.level.known = other._known(self.evaluation)
        return other

    def _lose(self, node_id: str, lost: set[str], draft: _Draft) -> None:
        """Nothing behind a node without a value fails by itself: it waits."""
        stack = [node_id]
        while stack:
            here = stack.pop()
            for reader in self.graph.structure.successors(here):
                if reader not in lost and draft.needs(reader, here):
                    lost.add(reader)
                    draft.forget([reader])
                    stack.append(reader)

    def _order_after(self, changes: Changes) -> dict[str, int]:
        other = self.graph.copy()
        for port, read in changes.items():
            if isinstance(read, Between):
                add, between = add_node(other, read.row.name, options=read.options)
                add.apply(other)
                other.put("links", (between, read.row.inputs[0]), read.source)
                read = between
            other.put("links", port, read.source if isinstance(read, Shaped) else read)
        return {n: i for i, n in enumerate(other.order())}

    def _behind(self, node_ids: Iterable[str]) -> set[str]:
        return set(node_ids).union(*(self.graph.descendants(n) for n in node_ids))

    def _before(self, node_id: str) -> _State:
        ref = self.level.known.get(node_id)
        if ref is not None:
            return self.whole.expansion.spec(ref)
        return ShapeError("") if node_id in self.evaluation.faults else None


def wired(
    source: str, end: Port, was: Port | None = None
) -> dict[Port, str | Between | Shaped | None]:
    """The changes of a wire that is drawn, or moved to another port."""
    return {end: source} if was is None or was == end else {was: None, end: source}


def _text(spec: Spec | None, longer: Spec | None = None) -> str:
    """A shape as people read it; empty for a single value."""
    if spec is None or not spec.shape:
        return ""
    named = longer is not None and longer.rank == spec.rank
    return "×".join(symbolic(spec, longer if longer is not None and named else spec))


def _same(one: _State, other: _State) -> bool:
    """Whether the nodes behind can tell no difference between two results."""
    if isinstance(one, Spec) and isinstance(other, Spec):
        return (one.shape, one.kind, one.blocked) == (other.shape, other.kind, other.blocked)
    return not isinstance(one, Spec | Unknown) and not isinstance(other, Spec | Unknown)


class _Steps(dict[str, Flat]):
    """New steps over those of an expansion; what belongs to nodes in `gone` is not seen."""

    def __init__(self, below: Mapping[str, Flat]) -> None:
        super().__init__()
        self._below = below
        self.gone: set[str] = set()

    def _is_gone(self, path: str) -> bool:
        if path in self.gone:
            return True
        at = path.rfind(".")
        while at > 0:
            if path[:at] in self.gone:
                return True
            at = path.rfind(".", 0, at)
        return False

    def __missing__(self, path: str) -> Flat:
        if self._is_gone(path):
            raise KeyError(path)
        return self._below[path]

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path) or (
            path in self._below and isinstance(path, str) and not self._is_gone(path)
        )


class _Sketch(Expansion):
    """An expansion of shapes alone, over the one of an evaluation."""

    def __init__(self, whole: Evaluation) -> None:
        super().__init__(whole.expansion.dtype)
        self.steps = self.nodes = _Steps(whole.expansion.nodes)
        self.results = dict(whole.expansion.results)
        self._whole = whole

    def _count_masks(self, refs: Iterable[Ref]) -> None:
        """Entries are counted where the truth values are those of the evaluation."""
        for ref in refs:
            if not isinstance(ref, str) or self.spec(ref).kind != "bool":
                continue
            flat = self.nodes[ref]
            if flat.spec.count is not None:
                continue
            if dict.__contains__(self.nodes, ref) or ref not in self._whole.values:
                raise _UNKNOWN
            count = int(np.count_nonzero(self._whole.values[ref]))
            self.nodes[ref] = structs.replace(flat, spec=structs.replace(flat.spec, count=count))


class _Draft(Flattening):
    """A document with some ports reading something else, its nodes settled again one by one."""

    def __init__(self, fitting: Fitting, changes: Changes) -> None:
        self.sketch = _Sketch(fitting.whole)
        super().__init__(fitting.root, fitting.whole.feeds, self.sketch)
        self.graph = fitting.graph
        base = fitting.level
        self.level = Level(
            base.graph, base.path, base.owner, base.title, base.sizes, dict(base.known)
        )
        self._changes: dict[Port, str | None] = {}
        self._unknown: set[str] = set()
        self._between: dict[str, Between | Shaped] = {}
        for number, (port, read) in enumerate(changes.items()):
            if isinstance(read, Between | Shaped):
                stand_in = f"?{number}"
                self._between[stand_in] = read
                read = stand_in
            self._changes[port] = read

    def forget(self, node_ids: Iterable[str]) -> None:
        """These nodes are to be settled again, all of them before any is read."""
        for node_id in node_ids:
            self.sketch.steps.gone.add(self.level.path + node_id)
            self.level.known.pop(node_id, None)

    def settled(self, node_id: str) -> _State:
        path = self.level.path + node_id
        self.forget([node_id])
        for inner in [r for r in self.sketch.results if r == path or r.startswith(f"{path}.")]:
            del self.sketch.results[inner]
        read = [self.operand(self.level, node_id, p) for p in self.ports(self.level, node_id)]
        try:
            for stand_in in self._between.keys() & read:
                self._put_between(str(stand_in))
            if self._unknown.intersection(r for r in read if isinstance(r, str)):
                raise _UNKNOWN
            ref = self.found(self.level, node_id)
        except ShapeError as error:
            return error
        except Unknown:
            self._unknown.add(node_id)
            return _UNKNOWN
        if ref is None:
            return None
        self.level.known[node_id] = ref
        return self.sketch.spec(ref)

    def _put_between(self, stand_in: str) -> None:
        """Settles a node between when its reader is, for its source may have changed before."""
        between = self._between[stand_in]
        if isinstance(between, Shaped):
            row = self.graph.op(between.source)
            self.sketch.nodes[stand_in] = Flat(stand_in, row, (), {}, Spec(between.shape))
            self.level.known[stand_in] = stand_in
            return
        if between.source in self._unknown:
            self._unknown.add(stand_in)
        ref = self.level.known.get(between.source)
        if ref is None:
            return
        options = {**between.row.defaults(), **between.options}
        spec = between.row.shape(options, self.sketch.spec(ref))
        self.sketch.nodes[stand_in] = Flat(stand_in, between.row, (), options, spec)
        self.level.known[stand_in] = stand_in

    def needs(self, node_id: str, source: str) -> bool:
        """Whether a node waits when a source has no value; one that hands on needs one operand."""
        read = [self.operand(self.level, node_id, p) for p in self.ports(self.level, node_id)]
        if passes_on(self.graph, node_id):
            return next((r for r in read if isinstance(r, str)), None) == source
        return source in read

    def operands(self, node_id: str) -> tuple[Operand, ...]:
        found = []
        for port in self.ports(self.level, node_id):
            read = self.operand(self.level, node_id, port)
            if read is None:
                found.append(Operand(port))
            elif isinstance(read, str):
                ref = self.level.known.get(read)
                name = self.graph.name(read) if read in self.graph.nodes else port
                spec = None if ref is None else self.sketch.spec(ref)
                found.append(Operand(port, name, spec, _text(spec)))
            else:
                found.append(Operand(port, f"{read:g}", Spec(value=float(read))))
        return tuple(found)

    # ------------------------------------------------------------ what differs from the document

    def ports(self, place: Level, node_id: str) -> tuple[str, ...]:
        names = super().ports(place, node_id)
        if place is not self.level or not self.graph.op(node_id).variadic:
            return names
        op = self.graph.op(node_id)
        stem = op.inputs[0]
        used = [p for p in names if self.operand(place, node_id, p) is not None]
        used += [p for (n, p), read in self._changes.items() if n == node_id and read is not None]
        return op.ports(max([op.least, *(int(p[len(stem) :]) + 1 for p in used)]))

    def operand(self, place: Level, node_id: str, port: str) -> str | float | None:
        if place is self.level and (node_id, port) in self._changes:
            read = self._changes[node_id, port]
            return self.graph.nodes[node_id].literals.get(port) if read is None else read
        return super().operand(place, node_id, port)

    def begin(self, path: str, start: Start) -> Array:
        """No number is drawn: only the shape is looked at."""
        nothing: Array = np.broadcast_to(np.zeros((), self.root.dtype), start.shape)
        return nothing

"""Derivatives as nodes of the document: the adjoint steps of an expansion, made nodes beside the others.

`differentiate` appends adjoint steps to an expansion of the document; those that the results depend on
become nodes. A step that equals a node that is there already is that node, so that a derivative of a
derivative builds on the first one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine import ops
from engine.derivative_names import derivative_name, read_derivative
from engine.derivative_records import Pair, chain, is_same, lasting, numbered
from engine.differentiate import Adjoints, differentiate
from engine.edits import Batch, Edit, Put
from engine.expansion import Expansion, Flat, Ref
from engine.graph import Graph, GraphError, Node, id_number
from engine.ops.row import Array
from engine.passing import read_at
from engine.records import MAX_NAME
from engine.shapes import ShapeError, shape_text
from engine.tangents import tangents

MAX_STEPS = 5_000
"""Nodes behind an output that can be differentiated into nodes."""
MAX_ADDED = 2_000
"""Nodes that one derivative may add."""
READER = next(row for row in ops.TABLE.values() if row.reads_inside)


@dataclass(frozen=True)
class Derived:
    """The edit that adds derivatives, their nodes by the input's id (of the last order), all nodes
    that are new, and what a person should know.

    `records` are the derivatives that the nodes are: {result: (output, input)}; `tensors` the new
    nodes that hold more than a single number.
    """

    edit: Edit
    results: Mapping[str, str]
    added: tuple[str, ...]
    records: Mapping[str, Pair]
    tensors: frozenset[str]
    note: str = ""


@dataclass
class Stage:
    """One order of one input: of the step `output` by the step `target`, come to `ref`.

    `before` is the order before; `summed` tells that `output` is the sum over its result.
    """

    output: Ref
    input: str
    target: str
    ref: Ref | None
    adjoints: Adjoints
    summed: bool
    before: Stage | None = None


def outer_inputs(graph: Graph, output: str) -> list[str]:
    """The inputs and parameters of floats that an output depends on, the oldest first."""
    above = graph.ancestors(output)
    found = [n for n in graph.of_op("input", "parameter") if n in above]
    return [n for n in found if np.asarray(graph.tensors.get(n, 0.0)).dtype.kind == "f"]


def differentiated(
    graph: Graph,
    output: str,
    inputs: Sequence[str],
    *,
    order: int = 1,
    shared: bool = True,
    feeds: Mapping[str, Array] | None = None,
    called: str = "",
) -> Derived:
    """The derivatives of `output` by each of `inputs`, as nodes; of tensors those of the sum.

    `shared` makes equal steps one node and uses nodes that are there; without it each visit of a
    node makes its own. `feeds` are the arrays of data nodes. `called` is another name for the result of the
    last input. Raises GraphError with one sentence.
    """
    if not inputs:
        raise GraphError(f"{graph.name(output)} depends on no input or parameter of floats")
    _within_limits(graph, output)
    expansion = lasting(graph, feeds, shared)
    start = _step(graph, expansion, output)
    try:
        stages = list(_stages(graph, expansion, output, start, inputs, order))
    except ShapeError as error:
        raise GraphError(f"{graph.name(output)} cannot be differentiated: {error}") from error
    return _Nodes(graph, expansion, output, shared).made(stages, called)


def along(
    graph: Graph,
    output: str,
    source: str,
    direction: str,
    feeds: Mapping[str, Array] | None,
    called: str,
) -> Derived:
    """How `output` changes when `source` moves along the node `direction`: the Jacobian times it.

    Raises GraphError.
    """
    _within_limits(graph, output)
    expansion = lasting(graph, feeds)
    start, target = _step(graph, expansion, output), _step(graph, expansion, source)
    way = _step(graph, expansion, direction)
    if not isinstance(start, str) or not isinstance(target, str):
        raise GraphError(f"{graph.name(output)} does not vary with {graph.name(source)}")
    try:
        found = tangents(expansion, {target: way}, [start]).get(start)
    except ShapeError as error:
        raise GraphError(f"{graph.name(output)} cannot be differentiated: {error}") from error
    if found is None:
        raise GraphError(f"{graph.name(output)} does not vary with {graph.name(source)}")
    return _Nodes(graph, expansion, output, True).product(found, called)


def _step(graph: Graph, expansion: Expansion, node_id: str) -> Ref:
    """The step of floats that a node came to. Raises GraphError."""
    step, name = expansion.step_of(node_id), graph.name(node_id)
    if step is None:
        fault = expansion.faults.get(node_id, "")
        raise GraphError(fault or f"{name} has no value yet; wire its empty ports first")
    if expansion.spec(step).kind != "float":
        raise GraphError(f"{name} holds no floats, and only those have derivatives")
    return step


def _within_limits(graph: Graph, output: str) -> None:
    """Refuses what is too large before anything is expanded."""
    behind = len(graph.ancestors(output)) if len(graph.nodes) > MAX_STEPS else 0
    if behind > MAX_STEPS:
        raise GraphError(
            f"{graph.name(output)} has {behind:,} nodes behind it, more than the {MAX_STEPS:,} that are "
            "differentiated into nodes; choose an output with less behind it"
        )


def _stages(
    graph: Graph, expansion: Expansion, output: str, start: Ref, inputs: Sequence[str], order: int
) -> Iterator[Stage]:
    targets: dict[str, str] = {}
    for node_id in inputs:
        step = _step(graph, expansion, node_id)
        if not isinstance(step, str):
            raise GraphError(f"{graph.name(node_id)} is a number, which nothing varies with")
        targets[node_id] = step
    ref, summed = _single(expansion, start)
    first = differentiate(expansion, ref, list(targets.values()))
    for node_id, target in targets.items():
        found = first.adjoint.get(target)
        if found is None and not chain(graph, output)[1]:
            raise GraphError(
                f"no gradient flows from {graph.name(output)} to {graph.name(node_id)}"
            )
        stage = Stage(ref, node_id, target, found, first, summed)
        yield stage
        for _ in range(order - 1):
            of, of_sum = _single(expansion, 0.0 if stage.ref is None else stage.ref)
            further = differentiate(expansion, of, [target])
            found = further.adjoint.get(target)
            stage = Stage(of, node_id, target, found, further, of_sum, stage)
            _check_added(expansion)
            yield stage
    _check_added(expansion)


def _check_added(expansion: Expansion) -> None:
    """A bound on steps that are only thought of; `_Nodes` counts those that become nodes."""
    if sum(n.startswith("~") for n in expansion.nodes) > 10 * MAX_ADDED:
        raise GraphError(_too_many(10 * MAX_ADDED))


def _too_many(count: int) -> str:
    return (
        f"that would add more than {min(count, MAX_ADDED):,} nodes; choose fewer inputs, a lower order "
        "or shared nodes"
    )


def _single(expansion: Expansion, ref: Ref) -> tuple[Ref, bool]:
    """A single number whose gradient is taken: the sum of a tensor's entries."""
    if isinstance(ref, str) and expansion.spec(ref).shape:
        return expansion.append(ops.SUM, (ref,), ops.SUM.defaults()), True
    return ref, False


@dataclass
class _Nodes:
    """Steps of an expansion made nodes of a document."""

    graph: Graph
    expansion: Expansion
    output: str
    shared: bool
    ids: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[Pair, str] = field(default_factory=dict)
    tensors: dict[str, Array] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    records: dict[str, Pair] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        self._next = id_number(self.graph.new_id())
        self._readers = self._known_readers()
        self._drawn = {
            f.options["key"]: f.id
            for f in self.expansion.nodes.values()
            if "key" in f.options and not f.op.redraws and f.id[0] != "~"
        }

    def made(self, stages: Sequence[Stage], called: str = "") -> Derived:
        """The nodes of all orders of all inputs."""
        self._add_steps([r for s in stages for r in (s.ref, s.output)])
        results: dict[str, str] = {}
        for stage in stages:  # those of one input follow each other
            of = self.output if stage.before is None else results[stage.input]
            if stage.summed:
                of = self._sum(str(stage.output), of)
            results[stage.input] = self._result(stage, of)
            self._name(stage, of, results[stage.input])
        if called:
            self.names[results[stages[-1].input]] = called
        self._settle_names()
        return self._derived(results)

    def product(self, ref: Ref, called: str) -> Derived:
        """The nodes of a Jacobian times a vector."""
        self._add_steps([ref])
        result = self.ids.get(ref) if isinstance(ref, str) else None
        if result is None:
            result = self._put(ops.MUL.name, ops.MUL.inputs, (1.0, ref), {})
        self.names[result] = called
        self._settle_names()
        return self._derived({self.output: result})

    def _sum(self, step: str, of: str) -> str:
        """The node that sums a tensor's entries."""
        node_id = self._node_of(step)
        called = self._called(of)
        if node_id in self.nodes:
            self.names.setdefault(node_id, f"sum_{called}".replace(".", "_"))
        shape = shape_text(self.expansion.spec(self.expansion.nodes[step].args[0]).shape)
        self.note = self.note or f"{called} has shape {shape}: its sum is differentiated"
        return node_id

    # ------------------------------------------------------------ nodes

    def _add_steps(self, refs: Collection[Ref | None]) -> None:
        wanted = self.expansion.ancestors([r for r in refs if isinstance(r, str)])
        steps = [f for f in self.expansion.nodes.values() if f.id in wanted and f.id[0] == "~"]
        if len(steps) > MAX_ADDED:
            raise GraphError(_too_many(len(steps)))
        for flat in steps:
            self.ids[flat.id] = self._add(flat)

    def _add(self, flat: Flat) -> str:
        op, args = flat.op, flat.args
        if op.name in ops.AGAIN and "key" in flat.options:
            op, args = ops.AGAIN[op.name], (args[0], self._drawn[flat.options["key"]])
        self._check_row(op.name)
        options = {o.name: flat.options[o.name] for o in op.options if o.name in flat.options}
        return self._put(op.name, op.ports(len(args)), args, options)

    def _check_row(self, name: str) -> None:
        if name in self.graph.own_rows:
            raise GraphError(
                f"the derivative needs a row called {name}, as one of yours is; rename it"
            )

    def _put(
        self, op: str, ports: Sequence[str], args: Sequence[Ref], options: Mapping[str, Any]
    ) -> str:
        read = [self._node_of(a) if isinstance(a, str) else a for a in args]
        node_id = f"n{self._next}"
        self._next += 1
        pairs = list(zip(ports, read, strict=True))
        literals = {port: a for port, a in pairs if not isinstance(a, str)}
        self.nodes[node_id] = Node(node_id, op, "", options, literals)
        self.links |= {(node_id, port): a for port, a in pairs if isinstance(a, str)}
        return node_id

    def _known_readers(self) -> dict[str, str]:
        """Which node of the document shows a step inside a module, or the instance at a path: an
        instance itself, else a node that reads inside."""
        found: dict[str, str] = {}
        paths: dict[str, str] = {}
        for node_id in self.graph.order():
            op = self.graph.op(node_id)
            if op.definition is not None:
                paths[node_id] = node_id
            elif op.reads_inside:
                source = read_at(self.graph, node_id, op.inputs[0])
                if isinstance(source, str) and source in paths:
                    wanted = str(self.graph.nodes[node_id].options[op.options[0].name])
                    inside = self._definition(paths[source])
                    inner = inside.id_of(wanted) if inside is not None else None
                    if inner is not None:
                        paths[node_id] = f"{paths[source]}.{inner}"
                        found.setdefault(paths[node_id], node_id)
        for node_id, ref in self.expansion.results.items():
            if isinstance(ref, str) and node_id in self.graph.nodes and ref not in self.graph.nodes:
                if ref not in found or self.graph.op(node_id).definition is not None:
                    found[ref] = node_id
        return found

    def _definition(self, path: str) -> Graph | None:
        """The definition of the instance at a path."""
        graph: Graph | None = self.graph
        for node_id in path.split("."):
            if graph is None or node_id not in graph.nodes:
                return None
            graph = graph.op(node_id).definition
        return graph

    def _node_of(self, step: str) -> str:
        """The node that a step is, or that reads it inside a module."""
        known = self.ids.get(step) or self._readers.get(step)
        if known is not None:
            return known
        if step in self.graph.nodes or step in self.nodes:
            return step
        way = step.split(".")
        for depth in range(2, len(way) + 1):
            path, around = ".".join(way[:depth]), ".".join(way[: depth - 1])
            if path not in self._readers:
                inside = self._definition(around)
                if inside is None:
                    raise GraphError(f"the derivative reads {step}, which is not in the document")
                options = {READER.options[0].name: inside.name(way[depth - 1])}
                source = around if depth == 2 else self._readers[around]
                self._readers[path] = self._put(READER.name, READER.inputs, (source,), options)
        return self._readers[step]

    # ------------------------------------------------------------ results

    def _result(self, stage: Stage, of: str) -> str:
        """The node of a derivative: its own, so that nothing else is called so."""
        pair, ref = (of, stage.input), stage.ref
        there = [n for n, known in self.graph.settings["derivatives"].items() if known == pair]
        if self.shared:
            numbers = numbered(self.expansion) if there else {}
            for node_id in map(str, there):
                if is_same(self.graph, self.expansion, numbers, ref, node_id):
                    return node_id
        if isinstance(ref, str) and ref in self.ids and self.ids[ref] not in self.records:
            node_id = self.ids[ref]
        elif isinstance(ref, str):
            node_id = self._put(ops.MUL.name, ops.MUL.inputs, (1.0, ref), {})
        else:
            node_id = self._put("constant", (), (), {})
            shape = self.expansion.spec(stage.target).shape
            number = 0.0 if ref is None else ref
            self.tensors[node_id] = np.full(shape, number, self.graph.dtype)
        self.records[node_id] = pair
        return node_id

    def _called(self, node_id: str) -> str:
        return self.names.get(node_id) or self.graph.name(node_id)

    def _name(self, stage: Stage, of: str, result: str) -> None:
        """Names of a result and of the adjoints that are complete at this stage."""
        root, by = self._chain(of)
        by_names = [self.graph.name(n) for n in by]
        root_name = self._called(root)
        if result in self.nodes:
            self._call(result, root_name, [*by_names, self.graph.name(stage.input)])
        forward = {root, *(self.graph.ancestors(root) if root in self.graph.nodes else ())}
        for target, ref in stage.adjoints.adjoint.items():
            node_id = self.ids.get(ref) if isinstance(ref, str) else None
            if node_id is None or node_id in self.names or target not in forward:
                continue
            if read_derivative(self.graph.name(target)) is None:
                self._call(node_id, root_name, [*by_names, self.graph.name(target)])

    def _call(self, node_id: str, root: str, by: Sequence[str]) -> None:
        name = derivative_name(root, by)
        if name is not None and len(name) + 4 <= MAX_NAME:
            self.names[node_id] = name

    def _chain(self, of: str) -> tuple[str, tuple[str, ...]]:
        by: list[str] = []
        while of in self.records:
            of, source = self.records[of]
            by.append(source)
        if of not in self.graph.nodes:
            return of, tuple(reversed(by))
        root, before = chain(self.graph, of)
        return root, (*before, *reversed(by))

    def _settle_names(self) -> None:
        """Every new node gets a free name: its own, numbered behind a dot if it is taken."""
        taken: set[str] = set()
        for node_id in self.nodes:
            wanted = self.names.get(node_id)
            if wanted is None:
                continue
            number, name = 2, wanted
            while name in taken or self.graph.id_of(name) is not None:
                number, name = number + 1, f"{wanted}.{number}"
            taken.add(name)
            self.nodes[node_id] = replace(self.nodes[node_id], name=name)
        plain = [n for n, node in self.nodes.items() if not node.name]
        free = self.graph.new_names(["v"] * len(plain), taken)
        for node_id, name in zip(plain, free, strict=True):
            self.nodes[node_id] = replace(self.nodes[node_id], name=name)

    def _derived(self, results: Mapping[str, str]) -> Derived:
        graph = self.graph
        edits: list[Edit] = [Put("nodes", n, node) for n, node in self.nodes.items()]
        edits += [Put("tensors", n, value) for n, value in self.tensors.items()]
        edits += [Put("links", key, source) for key, source in self.links.items()]
        chosen = graph.output()
        if self.nodes and chosen not in (None, graph.settings["output"], graph.recipe.last.loss):
            edits.append(Put("settings", "output", chosen))
        if self.records:
            told = {**graph.settings["derivatives"], **self.records}
            edits.append(Put("settings", "derivatives", told))
        tall = {node for step, node in self.ids.items() if self.expansion.spec(step).shape}
        return Derived(
            Batch(tuple(edits)),
            results,
            tuple(self.nodes),
            dict(self.records),
            frozenset(tall & self.nodes.keys()),
            self.note,
        )

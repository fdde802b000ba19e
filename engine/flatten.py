"""A document with its modules to an expansion.

A module's instance is its definition's nodes under the path of ids that leads to them (`n5.n2`). Its
parameters are keyed by that path in the document's tensors; without one that fits there they begin as
the definition says, drawn by the document's seed and their path, in the shape that the wires ask for.
A tied instance reads the parameters of another one, in its sizes: they are the same steps.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine import ops
from engine.expansion import Expansion, Ref, Start
from engine.graph import TIED, Graph, Node, id_number
from engine.initializers import draw
from engine.module_row import MAX_STEPS
from engine.ops.row import Array, Op
from engine.passing import passes_on
from engine.shapes import ShapeError, shape_text


def expand(
    graph: Graph,
    feeds: Mapping[str, Array] | None = None,
    *,
    training: bool = False,
    lasting: bool = False,
    shares: bool = True,
) -> Expansion:
    """Flattens what can be computed of a document.

    `feeds` gives arrays to steps by id or path: to sources in place of the document's tensors, to
    others in place of what they would compute. Nodes
    with an empty port, and those behind them, are in `waiting`; nodes whose operands do not fit are
    in `faults` with a sentence, those behind them in `waiting`. The others: see `Expansion`.
    """
    expansion = Expansion(graph.dtype, training=training, lasting=lasting, shares=shares)
    expansion.clock.seed = graph.recipe.seed
    Flattening(graph, feeds or {}, expansion).walk(Level(graph, sizes=graph.settings["sizes"]))
    return expansion


@dataclass
class Level:
    """A graph at its place: the document itself, or a definition under an instance.

    `path` stands before the ids of its steps, `owner` before those of its parameters (another path
    when it is tied), `title` before the names. `known` holds what each node came to.
    """

    graph: Graph
    path: str = ""
    owner: str = ""
    title: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    known: dict[str, Ref] = field(default_factory=dict)


class Flattening:
    """Turns nodes into steps of an expansion, level by level."""

    def __init__(self, root: Graph, feeds: Mapping[str, Array], expansion: Expansion) -> None:
        self.root, self.feeds, self.expansion = root, feeds, expansion

    def walk(self, place: Level) -> None:
        """Expands a graph; definitions nest a few deep at most, so this may call itself."""
        for node_id in place.graph.order():
            if node_id not in place.known:
                self.settle(place, node_id)

    def settle(self, place: Level, node_id: str) -> None:
        """Expands one node; those it reads are settled."""
        path, name = place.path + node_id, f"{place.title}{place.graph.name(node_id)}"
        if place.path:
            self.expansion.names[path] = name
        try:
            ref = self.found(place, node_id)
        except ShapeError as error:
            self.expansion.faults[path] = f"{name}: {error}"
            return
        if ref is None:
            self.expansion.waiting.add(path)
        else:
            place.known[node_id] = ref

    def found(self, place: Level, node_id: str) -> Ref | None:
        """What a node comes to; None while it misses an operand. Raises ShapeError."""
        node, op = place.graph.nodes[node_id], place.graph.op(node_id)
        held = None if op.is_source else self.feeds.get(place.path + node_id)
        if held is not None:
            value = _as_document(held, self.root.dtype)
            return self.expansion.source(place.path + node_id, ops.TABLE["constant"], value)
        return self._source(place, node) if op.is_source else self._node(place, node, op)

    def ports(self, place: Level, node_id: str) -> tuple[str, ...]:
        return place.graph.ports(node_id)

    def operand(self, place: Level, node_id: str, port: str) -> str | float | None:
        """What a port reads: a node's id, a number, or None when it is empty."""
        return place.graph.operand(node_id, port)

    def _node(self, place: Level, node: Node, op: Op) -> Ref | None:
        if passes_on(place.graph, node.id):
            return self._handed_on(place, node)
        args: list[Ref] = []
        for port in self.ports(place, node.id):
            operand = self.operand(place, node.id, port)
            if isinstance(operand, str):
                operand = place.known.get(operand)
            if operand is None:
                return None
            args.append(operand if isinstance(operand, str) else float(operand))
        if op.definition is not None:
            return self._instance(place, node, op, args)
        if op.reads_inside:
            return self._inside(place, node)
        return self.expansion.add(
            place.path + node.id, op, tuple(args), {**op.defaults(), **node.options}
        )

    def _handed_on(self, place: Level, node: Node) -> Ref | None:
        """What a muted node or a dot on a wire stands for: another step, or a number."""
        read = [self.operand(place, node.id, port) for port in self.ports(place, node.id)]
        there = [r for r in read if r is not None]
        operand = next((r for r in there if isinstance(r, str)), there[0] if there else None)
        ref = place.known.get(operand) if isinstance(operand, str) else operand
        if ref is not None:
            self.expansion.results[place.path + node.id] = ref
        return ref

    # ------------------------------------------------------------ modules

    def _instance(self, place: Level, node: Node, op: Op, args: list[Ref]) -> Ref | None:
        definition: Graph = op.definition
        path = place.path + node.id
        if len(self.expansion.nodes) > MAX_STEPS:
            raise ShapeError(
                f"the document is more than {MAX_STEPS:,} steps before it", "use fewer instances"
            )
        inner = Level(
            definition, f"{path}.", f"{place.owner}{owner_of(place.graph, node)}.",
            f"{place.title}{node.name}.", self.sizes(place, node, op),
            dict(zip(definition.of_op("input"), args, strict=True)),
        )  # fmt: skip
        before = set(self.expansion.faults)
        self.walk(inner)
        result = inner.known.get(str(definition.output()))
        if result is None:
            fault = next((f for n, f in self.expansion.faults.items() if n not in before), None)
            if fault is not None:
                raise ShapeError(fault.removeprefix(inner.title))
            return None
        self.expansion.results[path] = result
        if isinstance(result, str) and result.startswith(inner.path):
            self.expansion.names[result] = f"{place.title}{node.name}"
        return result

    def sizes(self, place: Level, node: Node, op: Op) -> dict[str, int]:
        """The sizes in force: a tied instance has those of the one whose parameters it uses."""
        owner = place.graph.nodes[owner_of(place.graph, node)]
        chosen = {**op.defaults(), **owner.options}
        return {o.name: self._size(place, chosen[o.name]) for o in op.options if o.kind == "count"}

    def _inside(self, place: Level, node: Node) -> Ref | None:
        """What `output_of` reads: the value of a node inside the instance that is wired to it, or
        inside the instance that another `output_of` reads."""
        source = self._read(place, node)
        ways = [node]
        while isinstance(source, str) and place.graph.op(source).reads_inside:
            ways.append(place.graph.nodes[source])
            source = self._read(place, ways[-1])
        if not isinstance(source, str) or place.graph.op(source).definition is None:
            raise ShapeError("it reads a value inside a module", "wire a module to it")
        graph, inner = place.graph, source
        path, held = place.path[:-1], place.owner[:-1]
        for reader in reversed(ways):
            instance = graph.nodes[inner]
            path, held = f"{path}.{inner}", f"{held}.{owner_of(graph, instance)}"
            graph, inner = _opened(graph, instance, str(reader.options["output"]))
        path, held = f"{path}.{inner}".lstrip("."), f"{held}.{inner}".lstrip(".")
        found: Ref | None = self.expansion.results.get(path)
        if found is None and path in self.expansion.nodes:
            found = path
        if found is None:
            port = graph.name(inner)
            if graph.op(inner).is_source and held in self.expansion.nodes:
                found = held
            if found is None and len(ways) == 1 and port in place.graph.op(source).inputs:
                operand = self.operand(place, source, port)
                found = place.known.get(operand) if isinstance(operand, str) else operand
        if found is not None:
            self.expansion.results[place.path + node.id] = found
        return found

    def _read(self, place: Level, node: Node) -> str | float | None:
        """What a node of one port reads, seen through dots on its wire."""
        source = self.operand(place, node.id, place.graph.ports(node.id)[0])
        while isinstance(source, str) and place.graph.op(source).is_wire:
            source = self.operand(place, source, place.graph.ports(source)[0])
        return source

    # ------------------------------------------------------------ sources

    def _source(self, place: Level, node: Node) -> Ref | None:
        path = place.owner + node.id
        if path in self.expansion.nodes:  # tied: the other instance has it already
            return path
        value: Any = self.feeds.get(path, self.root.tensors.get(path))
        if place.path:
            value = self._inner_value(place, node, path, value)
        elif value is None and node.options.get("shape"):
            with suppress(ShapeError):  # sizes of data are not known here
                value = self._inner_value(place, node, path, value)
        if value is None:
            return None
        if place.path:
            self.expansion.names.setdefault(path, f"{place.title}{node.name}")
        return self.expansion.source(
            path, place.graph.op(node.id), _as_document(value, self.root.dtype)
        )

    def _inner_value(self, place: Level, node: Node, path: str, value: Any) -> Any:
        """A parameter or constant inside a module, in the shape that the wires ask for."""
        given = place.graph.tensors.get(node.id)
        if "shape" not in node.options:
            return given if value is None else value
        shape = self._shape(place, node)
        if shape == () and given is not None:
            shape = given.shape
        self.expansion.starts[path] = Start(shape, node.options)
        if value is not None and np.shape(value) == shape:
            return value
        if value is not None and node.options.get("init", "given") == "given":
            raise ShapeError(
                f"its value is {shape_text(np.shape(value))} and its place needs {shape_text(shape)}",
                "choose Reinitialise parameters",
            )
        if given is not None and given.shape == shape and node.options.get("init") == "given":
            return given
        return self.begin(path, self.expansion.starts[path])

    def begin(self, path: str, start: Start) -> Array:
        """The first value of a parameter that has none."""
        return draw_start(path, start, self.root.recipe.seed)

    def _shape(self, place: Level, node: Node) -> tuple[int, ...]:
        wanted = node.options["shape"]
        parts = wanted if isinstance(wanted, tuple) else (wanted,)
        return tuple(self._size(place, part) for part in parts)

    def _size(self, place: Level, part: int | str) -> int:
        if not isinstance(part, str):
            return int(part)
        if part in place.sizes:
            return place.sizes[part]
        times = re.fullmatch(r"(\d{1,6})\*(.+)", part)
        if times is not None:
            return int(times[1]) * self._size(place, times[2])
        named = re.fullmatch(r"(\w+)\[(-?\d{1,2})\]", part)
        port = place.graph.id_of(named[1]) if named else None
        if port in place.known:
            shape = self.expansion.spec(place.known[port]).shape
        elif named is not None and not place.path and port in self.root.tensors:
            shape = self.root.tensors[port].shape
        else:
            raise ShapeError(
                f"it names {part!r}, which is no size here",
                "name a size, an input's axis as in x[-1], or a multiple as in 4*units",
            )
        assert named is not None
        axis = int(named[2])
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"{named[1]} has to be {_with_axis(axis)}, not {_kind_of(shape)}")
        return shape[axis]


def _opened(graph: Graph, instance: Node, wanted: str) -> tuple[Graph, str]:
    """The definition of an instance, and the id of the node called `wanted` in it."""
    definition: Graph | None = graph.op(instance.id).definition
    if definition is None:
        raise ShapeError(f"{instance.name} is no module", "read inside a module")
    if instance.muted:
        raise ShapeError(
            f"{instance.name} is muted and computes nothing inside", f"unmute {instance.name}"
        )
    inner = definition.id_of(wanted)
    if inner is None:
        known = ", ".join(definition.name(n) for n in definition.order())
        raise ShapeError(f"there is no {wanted!r} inside the module", f"choose {known}")
    return definition, inner


def _with_axis(axis: int) -> str:
    """What has an axis: the last one of a vector and a matrix, the first but one of a matrix."""
    least = axis + 1 if axis >= 0 else -axis
    return {1: "a vector or a matrix", 2: "a matrix"}.get(
        least, f"an array of {least} axes or more"
    )


def _kind_of(shape: tuple[int, ...]) -> str:
    return (
        f"a vector of {shape[0]}" if len(shape) == 1 else shape_text(shape) if shape else "a number"
    )


def draw_start(path: str, start: Start, seed: int) -> Array:
    """The first value of a parameter that has none yet: a function of its path and the seed."""
    init = start.options.get("init", "given")
    scale = float(start.options.get("scale", 1.0))
    key = zlib.crc32(path.encode()) if "." in path else id_number(path)
    return draw("zeros" if init == "given" else init, start.shape, seed, key, scale)


def owner_of(graph: Graph, node: Node) -> str:
    """The instance whose parameters this one uses: itself, or at the end of its ties."""
    seen = [node.id]
    while other := graph.nodes[seen[-1]].options.get(TIED, ""):
        if other in seen:
            raise ShapeError("its parameters are tied in a circle", "untie one of them")
        if other not in graph.nodes or graph.nodes[other].op != node.op:
            raise ShapeError(f"it is tied to {other}, which is no {node.op} here", "untie it")
        seen.append(other)
    return seen[-1]


def _as_document(value: Any, dtype: np.dtype[Any]) -> Array:
    array = np.asarray(value)
    return array.astype(dtype) if array.dtype.kind == "f" and array.dtype != dtype else array

"""What has one value a row of the data: features, layers, classes; panels of pictures begin with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from engine.expansion import Expansion
from engine.graph import Graph
from engine.ops.row import Array
from engine.shapes import Shape
from engine.train import data
from engine.train.roles import Roles, comparisons
from engine.train.scene import Part, Scene

TRIED = 7
"""Rows that the document is laid out with, to see which values have one entry a row."""
NUMBERS = 8_000_000
"""Numbers that a layer may have for all rows that are looked at, together."""
TRACED = 200
"""So many layers are asked which parameters they depend on."""
OFFERED = 100
SURVEYED = 2000
"""Rows that means, ranges and norms are taken from; of more, evenly chosen ones."""
MEASURED = 2000
"""Rows that a loss and an accuracy are told of."""


@dataclass(frozen=True)
class RowNode:
    """A node with a value a row. `path` names it, `name` is what people call it, `shape` one row's;
    `learnt` says that parameters have a part in it, `noise` that it is drawn."""

    path: str
    name: str
    step: str
    shape: Shape
    kind: str
    learnt: bool
    noise: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Network:
    """A document as a function of its rows: `nodes` in order, by path; which of them are the inputs
    (data of floats), the prediction and the target, and the `hidden` ones between them.

    `rivals` are the predictions of other networks that the same loss judges.

    `twins` are other nodes of an input's field, `above` the parameters that steps depend on, `ranks` how
    many axes those have; `aliases` are other paths of the same steps.
    """

    nodes: Mapping[str, RowNode]
    inputs: tuple[str, ...]
    twins: Mapping[str, tuple[str, ...]]
    prediction: str
    target: str
    hidden: tuple[str, ...]
    roles: Roles
    above: Mapping[str, frozenset[str]]
    ranks: Mapping[str, int]
    aliases: Mapping[str, str]
    expansion: Expansion
    graph: Graph
    rivals: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many features there are, those of all inputs together."""
        return sum(self.nodes[n].size for n in self.inputs)

    def node(self, wanted: str, otherwise: str) -> RowNode:
        """The node that is asked for; the other one where the document does not have it."""
        return self.nodes[self.aliases.get(wanted, otherwise)]

    def feeds(self, features: Array) -> dict[str, Array]:
        """Rows × features as what the inputs are fed."""
        fed, at = {}, 0
        for path in self.inputs:
            node = self.nodes[path]
            part = features[:, at : at + node.size]
            fed[path], at = part.reshape(len(features), *node.shape), at + node.size
            fed.update(dict.fromkeys(self.twins[path], fed[path]))
        return fed

    @property
    def widest(self) -> int:
        """The most numbers that a row has anywhere on the way to the prediction."""
        return max(self.width, 1, *(self.nodes[p].size for p in (self.prediction, *self.hidden)))

    def bounded(self, rows: int) -> int:
        """So many rows, fewer where they would have too many numbers in a layer."""
        return min(rows, max(NUMBERS // self.widest, 16))

    def matrices(self, path: str) -> frozenset[str]:
        """The parameters with two axes or more that a node depends on."""
        above = self.above.get(self.nodes[path].step, frozenset())
        return frozenset(s for s in above if self.ranks[s] > 1)

    @property
    def layers(self) -> tuple[str, ...]:
        """The hidden nodes that are not part of the output's own layer."""
        last = self.matrices(self.prediction)
        return tuple(p for p in self.hidden[:TRACED] if self.matrices(p) != last)

    @property
    def offered(self) -> tuple[str, ...]:
        """Layers to choose from; the prediction of a network without one."""
        return (self.layers or self.hidden)[:OFFERED] or (self.prediction,)

    def value(self, scene: Scene, parameter: str) -> tuple[Array | None, str]:
        """A parameter's value at the moment, and its name."""
        graph = scene.graph
        named = graph.name(parameter) if parameter in graph.nodes else ""
        name = named or self.expansion.names.get(parameter, parameter)
        known = scene.parameters.get(parameter)
        return known if known is not None else self.expansion.feeds.get(parameter), name

    @property
    def compared(self) -> tuple[str, str] | None:
        """The last node that something without rows (a loss) compares with an input of the same size,
        and that input: the output of an auto-encoder, also of one that an earlier stage trains."""
        found = None
        graph = self.graph
        for node in (n for n in graph.order() if n not in self.aliases):
            read = [self.aliases.get(str(graph.operand(node, p)), "") for p in graph.ports(node)]
            for start in (n for n in read if n in self.inputs and self.nodes[n].size > 1):
                for end in (n for n in read if n and self.nodes[n].learnt):
                    if self.nodes[end].size == self.nodes[start].size:
                        found = end, start
        return found

    def choices(self, paths: Sequence[str]) -> tuple[tuple[str, str, int], ...]:
        """Nodes to choose from: path, name, numbers a row."""
        return tuple((p, self.nodes[p].name, self.nodes[p].size) for p in paths)


_networks: WeakKeyDictionary[Scene, list[Network]] = WeakKeyDictionary()


def network(scene: Scene, node: str = "") -> Network:
    """The document as a function of its rows, found once a scene: of networks that are trained side by
    side the one that `node` belongs to, the first unless told. Raises ValueError where there is none."""
    if scene not in _networks:
        _networks[scene] = _found(scene)
    nets = _networks[scene]
    path = nets[0].aliases.get(node, "")
    return next((n for n in nets if path in (n.prediction, *n.hidden)), nets[0])


def _found(scene: Scene) -> list[Network]:
    graph = scene.graph
    if scene.dataset is None:
        raise ValueError(
            "this shows a network on its data; add a data node and choose what it reads"
        )
    expansion = scene.expanded(np.resize(scene.rows(), TRIED))
    nodes, aliases = _row_nodes(scene, expansion)
    first, *others = comparisons(graph)
    if first.prediction not in aliases:
        first = Roles(first.loss)
    prediction = aliases.get(first.prediction or graph.output() or "", "")
    if not prediction:
        raise ValueError(
            "no node has a value for each row of the data; wire a network from a data node to a loss"
        )
    parts = {prediction: first}
    for other in others:
        if other.prediction in aliases:
            parts.setdefault(aliases[other.prediction], other)
    return [
        _network(graph, expansion, nodes, aliases, path, part, tuple(p for p in parts if p != path))
        for path, part in parts.items()
    ]


def _network(
    graph: Graph, expansion: Expansion, nodes: Mapping[str, RowNode], aliases: Mapping[str, str],
    prediction: str, found: Roles, rivals: tuple[str, ...],
) -> Network:  # fmt: skip
    step = nodes[prediction].step
    ancestors = expansion.ancestors([step])
    read = data.data_nodes(graph)
    numbers = [
        n for n in read if n in nodes and nodes[n].step in ancestors and nodes[n].kind == "float"
    ]
    first: dict[tuple[str, str], str] = {}
    for node in numbers:
        first.setdefault(read[node], node)
    inputs = tuple(first.values())
    twins = {n: tuple(m for m in numbers if m != n and read[m] == read[n]) for n in inputs}
    hidden = tuple(
        p for p, n in nodes.items() if n.learnt and n.step in ancestors and n.step != step
    )
    movers = {s for s, f in expansion.nodes.items() if f.op.name == "parameter"}
    ranks = {s: len(expansion.spec(s).shape) for s in movers}
    wanted = [nodes[p].step for p in (prediction, *hidden[:TRACED])]
    above = {s: frozenset(expansion.ancestors([s]) & movers) for s in wanted}
    return Network(
        nodes, inputs, twins, prediction, aliases.get(found.target, ""), hidden, found, above, ranks, aliases,
        expansion, graph, rivals,
    )  # fmt: skip


def _row_nodes(scene: Scene, expansion: Expansion) -> tuple[dict[str, RowNode], dict[str, str]]:
    graph, reads = scene.graph, set(data.data_nodes(scene.graph))
    fed: set[str] = set()
    moved: set[str] = set()
    for step, flat in expansion.nodes.items():
        if step in reads or any(a in fed for a in flat.args):
            fed.add(step)
        if flat.op.name == "parameter" or any(a in moved for a in flat.args):
            moved.add(step)
    names: dict[str, list[str]] = {}
    for path, ref in {**{s: s for s in expansion.nodes}, **expansion.results}.items():
        if isinstance(ref, str) and ref in fed and not path.startswith("~"):
            names.setdefault(ref, []).append(path)
    nodes, aliases = {}, {}
    for step, flat in expansion.nodes.items():
        spec = flat.spec
        if step not in names or spec.shape[:1] != (TRIED,) or not all(spec.shape):
            continue
        path = min(names[step], key=lambda p: (p.count("."), p != step))
        name = graph.name(path) if path in graph.nodes else expansion.names.get(path, path)
        noise = flat.op.category == "Random"
        nodes[path] = RowNode(
            path, name, step, tuple(spec.shape[1:]), str(spec.kind), step in moved, noise
        )
        aliases.update(dict.fromkeys(names[step], path))
    return nodes, aliases


def evenly(numbers: Array, limit: int) -> Array:
    """The numbers, or so many of them, spread evenly."""
    if len(numbers) <= limit:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, limit).round().astype(np.int64)]


# ------------------------------------------------------------ features and classes


def part_of(part: object) -> Part:
    """A part that is asked for. Raises ValueError for none."""
    if part == "train":
        return "train"
    if part == "validation":
        return "validation"
    raise ValueError(f"rows are of the part train or validation, not {part!r}")


def whole(name: str, number: object, least: int, most: int) -> int:
    """An option that is a whole number in a range. Raises ValueError for any other."""
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}, not {number!r}")
    return number


def features(scene: Scene, net: Network, rows: Array) -> Array:
    """The rows' features, rows × features of all inputs in order."""
    reads = data.data_nodes(scene.graph)
    parts = [scene.field(reads[n][1], rows).reshape(len(rows), -1) for n in net.inputs]
    if not parts:
        raise ValueError(
            "the network reads no features; wire a data node with numbers to its first layer"
        )
    return np.concatenate(parts, axis=1).astype(scene.graph.dtype, copy=False)


def feature_names(scene: Scene, net: Network) -> tuple[str, ...]:
    """What the features are called: the columns of the data, else by their index."""
    columns = scene.dataset.columns if scene.dataset is not None else ()
    if len(net.inputs) == 1 and len(columns) == net.width:
        return tuple(columns)
    names = []
    for path in net.inputs:
        node = net.nodes[path]
        names += [node.name] if node.size == 1 else [f"{node.name}[{i}]" for i in range(node.size)]
    return tuple(names)


@dataclass(frozen=True)
class Classes:
    """The classes that rows fall into: `of` each surveyed row, their `values` in the data, `names`."""

    values: tuple[float, ...]
    names: tuple[str, ...]
    one_hot: bool = False

    def of(self, target: Array) -> Array:
        """The class of each row, int64; -1 for what is none."""
        if self.one_hot:
            found: Array = target.reshape(len(target), -1).argmax(axis=1)
            return found
        flat = target.reshape(len(target))
        places = np.searchsorted(self.values, flat).clip(0, len(self.values) - 1)
        return np.where(np.asarray(self.values)[places] == flat, places, -1)


MOST_CLASSES = 1000


def classes_in(scene: Scene, target: Array, width: int = 0) -> Classes | None:
    """How a target names classes: whole numbers, one-hot rows, or two values; None when it does not.

    `width` is how many numbers a prediction has, 0 where there is none to go with it.
    """
    dataset = scene.dataset
    told = dataset.classes if dataset is not None else ()
    flat = target.reshape(len(target), -1)
    if flat.shape[1] > 1:
        ones = ((flat == 0) | (flat == 1)).all() and (flat.sum(axis=1) == 1).all()
        if not ones or (width and width != flat.shape[1]):
            return None
        count = flat.shape[1]
        return Classes(tuple(map(float, range(count))), _named(told, range(count)), True)
    values = np.unique(flat)
    whole_numbers = flat.dtype.kind in "iub"
    if whole_numbers and width != 1 and values[0] >= 0:
        count = max(int(values[-1]) + 1, width, len(told))
        if count <= MOST_CLASSES:
            return Classes(tuple(map(float, range(count))), _named(told, range(count)))
    if len(values) == 2 or (whole_numbers and len(values) < 2):
        pair = (float(values[0]), float(values[-1])) if len(values) == 2 else (0.0, 1.0)
        return Classes(pair, _named(told, pair))
    return None


def _named(told: Sequence[str], values: Sequence[float]) -> tuple[str, ...]:
    return tuple(
        told[int(v)] if v == int(v) and 0 <= v < len(told) else f"{v:g}".replace("-", "−")
        for v in values
    )


def target_of(scene: Scene, net: Network, rows: Array) -> Array | None:
    """What the prediction is compared with, on these rows; None where nothing is."""
    reads = data.data_nodes(scene.graph)
    if not net.target:
        return None
    if net.target in reads:
        return scene.field(reads[net.target][1], rows)
    return scene.values([net.target], rows)[net.target]


def labels(scene: Scene, net: Network, rows: Array) -> tuple[Array, Classes] | None:
    """The classes of rows, to be coloured by: those of the target, else of the data's field `y`."""
    surveyed = scene.rows(limit=net.bounded(SURVEYED))
    width = net.nodes[net.prediction].size
    target = target_of(scene, net, surveyed)
    if target is not None and len(target):
        classes = classes_in(scene, target, width)
        if classes is not None:
            found = target_of(scene, net, rows)
            assert found is not None
            return classes.of(found), classes
    if scene.dataset is None or "y" not in scene.dataset.fields:
        return None
    classes = classes_in(scene, scene.field("y", surveyed))
    return (classes.of(scene.field("y", rows)), classes) if classes is not None else None


# ------------------------------------------------------------ how well


@dataclass(frozen=True)
class Measure:
    """How well one part of the rows is met: `loss`, and the share that is right where there are classes.
    `rows` says of how many that is, of `of` there are."""

    part: Part
    loss: float | None
    accuracy: float | None
    rows: int
    of: int


def rows_at_work(scene: Scene) -> Array:
    """The rows of the last step's batch, of the next one before the first; none when it takes all.

    That is the order of training (`Dataset.order`) where no stage stopped early.
    """
    dataset, step = scene.dataset, max(scene.step - 1, 0)
    stages = scene.graph.recipe.stages
    total = len(dataset.train) if dataset is not None else 0
    epochs = 0
    for number, stage in enumerate(stages):
        batch = min(stage.batch_size or total, total)
        each = -(-total // batch) if total else 1
        if step < stage.epochs * each or number + 1 == len(stages):
            if dataset is None or batch >= total:
                break
            epoch, position = divmod(step, each)
            order = dataset.order(scene.graph.recipe.seed, epochs + epoch)
            return order[position * batch : (position + 1) * batch]
        step -= stage.epochs * each
        epochs += stage.epochs
    return np.arange(0)

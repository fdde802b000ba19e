"""What a document asks to be trained: its loss, its parameters and the values they start from."""

from __future__ import annotations

from engine.expansion import Expansion
from engine.flatten import draw_start
from engine.graph import Graph, Stage
from engine.ops.row import Array
from engine.passing import passes_on, under
from engine.train import data
from engine.train.data import Dataset


class TrainingError(ValueError):
    """The document cannot be trained; the message says why and what to do."""


def starts(
    graph: Graph,
    dataset: Dataset | None,
    above: set[str],
    wrt: tuple[str, ...],
    seed: int,
    fresh: bool,
) -> dict[str, Array]:
    """Values of the source nodes under the loss; floats of what is trained in the document's dtype.

    `fresh` draws every parameter that says how, else only those that do not fit the data.
    """
    drawn = data.initialize(graph, dataset, seed)
    shapes = data.resolve_shapes(graph, dataset)
    start = {}
    for node_id in above:
        value = graph.tensors.get(node_id)
        shape = shapes.get(node_id)
        misfit = value is None or (shape is not None and value.shape != shape)
        if node_id in drawn and (fresh or misfit):
            value = drawn[node_id]
        elif misfit and shape is not None:
            raise TrainingError(
                f"the value of {graph.name(node_id)} does not fit the data; reinitialise it"
            )
        if value is not None:
            start[node_id] = value.astype(graph.dtype, copy=False) if node_id in wrt else value
    return start


def inner_starts(expansion: Expansion, loss: str, seed: int, fresh: bool) -> dict[str, Array]:
    """Values of the trainable parameters inside modules under the loss, by path."""
    above = expansion.ancestors([loss])
    found = {}
    for path, start in expansion.starts.items():
        if path in above and start.trainable and "." in path:
            drawn = fresh and start.options.get("init", "given") != "given"
            value = draw_start(path, start, seed) if drawn else expansion.feeds[path]
            found[path] = value.astype(expansion.dtype, copy=False)
    return found


def metrics_of(graph: Graph, loss: str = "") -> list[str]:
    """What is measured beside a loss: the metrics, and the losses of data that it is made of."""
    found = [n for n in graph.order() if graph.op(n).category == "Metrics"]
    if not loss:
        return found
    read = set(data.data_nodes(graph))
    above = under(graph, loss) - {loss}
    parts = [n for n in graph.order() if n in above and graph.op(n).category == "Losses"]
    return [*(n for n in parts if under(graph, n) & read), *found]


def loss_of(graph: Graph, stage: Stage | None = None) -> str:
    """The node that a stage, or the last one, makes smaller. Raises TrainingError when there is none."""
    loss = (stage or graph.recipe.last).loss
    chosen = loss if loss in graph.nodes else graph.output()
    if chosen is None:
        raise TrainingError("there is nothing to minimise; add a loss and choose it in the recipe")
    return chosen


def has_parameters(graph: Graph) -> bool:
    """True when there is a parameter in the document or inside a module that it uses, or an input
    of the document that training moves."""
    if _moved_inputs(graph):
        return True
    work = [graph]
    while work:
        part = work.pop()
        if part.of_op("parameter"):
            return True
        work += [part.op(n).definition for n in part.nodes if part.op(n).definition is not None]
    return False


def trained(graph: Graph, above: set[str]) -> tuple[str, ...]:
    """The parameters among these nodes that training moves, and the inputs that are marked so."""
    nodes = [n for n in graph.of_op("parameter") if n in above]
    moved = [n for n in nodes if graph.nodes[n].options.get("trainable", True)]
    return (*moved, *(n for n in _moved_inputs(graph) if n in above))


def _moved_inputs(graph: Graph) -> list[str]:
    return [n for n in graph.of_op("input") if graph.nodes[n].options.get("trainable")]


def not_ready(graph: Graph, expansion: Expansion, loss: str) -> str:
    """Why a loss has no value: the first fault under it, or what still waits."""
    above = under(graph, loss)
    for node_id in graph.order():
        if node_id in above and node_id in expansion.faults:
            return expansion.faults[node_id]
    waiting = [n for n in graph.order() if n in above and n in expansion.waiting]
    name = graph.name(waiting[0]) if waiting else graph.name(loss)
    if waiting and graph.op(waiting[0]).is_source:
        return f"{name} has no value; give it one or choose its data"
    return f"{name} has an empty port; wire it before training"


def unfinished(graph: Graph) -> str:
    """What has to be drawn before the document can be trained: a loss, and wires to all it reads."""
    try:
        loss = loss_of(graph)
    except TrainingError as error:
        return str(error)
    above = under(graph, loss)
    for node_id in (n for n in graph.order() if n in above):
        read = [graph.operand(node_id, port) for port in graph.ports(node_id)]
        if None in read and not (passes_on(graph, node_id) and any(r is not None for r in read)):
            return f"{graph.name(node_id)} has an empty port; wire it before training"
    return ""


_threads = [0]


def use_threads(count: int) -> None:
    """Sets the BLAS threads of this process, once; looking the libraries up takes milliseconds."""
    if _threads[0] != count:
        import threadpoolctl

        threadpoolctl.threadpool_limits(count, "blas")
        _threads[0] = count

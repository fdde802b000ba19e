"""Works on single numbers: a formula, a graph of many nodes, and a change of one input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle
from typing import Any

import numpy as np

from app.benchmark.work import OURS, Contender, Settings
from app.session import Session
from engine import ops
from engine.compose import compose
from engine.differentiate import differentiate
from engine.edits import set_tensors
from engine.flatten import expand
from engine.graph import Graph, Node, id_number
from engine.program import Plan

LAYERS = 100
"""How deep the graph of many nodes is: deeper, and its gradients leave the numbers."""


def formula(settings: Settings) -> dict[str, Contender]:
    """J = cos(sin(x^2) + 3*x^2) and dJ/dx at a new x."""
    graph = compose("J = cos(sin(x^2) + 3*x^2)", {"x": 1.0})
    step = _by_plan(*_compiled(graph))
    contenders = {OURS: _same(step)}
    if "torch" in settings.peers:
        torch = settings.peers["torch"]

        def eager() -> float:
            v = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
            torch.cos(torch.sin(v**2) + 3 * v**2).backward()
            return float(v.grad.item())

        contenders["torch"] = _same(eager)
    if "jax" in settings.peers:
        jax = settings.peers["jax"]

        def of(v: Any) -> Any:
            return jax.numpy.cos(jax.numpy.sin(v**2) + 3 * v**2)

        compiled = jax.jit(jax.value_and_grad(of))

        def jitted() -> float:
            return float(compiled(1.0)[1])

        contenders["jax"] = _same(jitted)
    return contenders


def _compiled(graph: Graph) -> tuple[Plan, str, str]:
    """From a document to (plan, its first input, the derivative of its output by it)."""
    x, output = graph.of_op("input")[0], graph.output()
    assert output is not None
    expansion = expand(graph)
    derivative = differentiate(expansion, output, [x]).adjoint[x]
    assert isinstance(derivative, str)
    return Plan(expansion, [output, derivative]), x, derivative


def _by_plan(plan: Plan, x: str, derivative: str) -> Callable[[], float]:
    def step() -> float:
        plan.set(x, 1.0)
        plan.run()
        return plan.number(derivative)

    return step


# ---------------------------------------------------------------- a graph of many nodes


FORMS = ("sin(n{a})", "tanh(n{a})", "n{a}+n{b}", "n{a}*n{b}")
"""What a node may be, as program text."""


@dataclass(frozen=True)
class Dag:
    """Single numbers in layers: node 0 is the input, the next `width` are `shares` of it, then every
    node reads one or two of the layer before, as (form, operand, operand), and the last are summed."""

    shares: tuple[float, ...]
    nodes: tuple[tuple[int, int, int], ...]

    def lines(self) -> Iterator[str]:
        """The graph as statements of a program."""
        for i, share in enumerate(self.shares, 1):
            yield f"n{i}=n0*{share}"
        for i, (form, a, b) in enumerate(self.nodes, 1 + len(self.shares)):
            yield f"n{i}={FORMS[form].format(a=a, b=b)}"

    def value(self, x: Any, sin: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> Any:
        """The graph over any library's numbers."""
        values = [x, *(x * share for share in self.shares)]
        for form, a, b in self.nodes:
            one = values[a]
            if form < 2:
                values.append(tanh(one) if form else sin(one))
            else:
                values.append(one * values[b] if form == 3 else one + values[b])
        return values[-1]

    def document(self) -> Graph:
        """The graph as a document, put together node by node."""
        graph = compose("n1 = n0 * 0.5", {"n0": 1.0})
        sample = compose("; ".join(f.format(a=0, b=1) for f in FORMS), {"n0": 1.0, "n1": 1.0})
        rows = [sample.nodes[n].op for n in sorted(sample.nodes, key=id_number)]
        forms = [row for row in rows if not ops.TABLE[row].is_source]
        first = graph.nodes[str(graph.id_of("n1"))]
        ids = [str(graph.id_of("n0")), first.id]
        for share in self.shares[1:]:
            port = next(iter(first.literals))
            literals = {port: share}
            ids.append(
                self._put(graph, replace(first, id=graph.new_id(), literals=literals), ids[:1])
            )
        for form, a, b in self.nodes:
            node = Node(graph.new_id(), forms[form], "", {})
            ids.append(self._put(graph, node, [ids[a], ids[b]][: 1 + form // 2]))
        graph.put("settings", "output", ids[-1])
        return graph

    def _put(self, graph: Graph, node: Node, operands: list[str]) -> str:
        graph.put("nodes", node.id, replace(node, name=f"v{node.id}"))
        for port, operand in zip(graph.ports(node.id), operands, strict=False):
            graph.put("links", (node.id, port), operand)
        return node.id


@lru_cache(4)
def dag(nodes: int, layers: int = LAYERS) -> Dag:
    """A graph of about that many nodes; always the same one."""
    width = max(2, nodes // (layers + 2))
    shares = tuple(round(0.5 + i / width, 6) for i in range(width))
    forms = np.random.default_rng(0).integers(0, len(FORMS), (layers, width)).tolist()
    made = []
    for layer, kinds in enumerate(forms):
        first = 1 + layer * width
        made += [(kind, first + i, first + (7 * i + 3) % width) for i, kind in enumerate(kinds)]
    last = 1 + layers * width
    total = last
    for i in range(1, width):
        made.append((2, total, last + i))
        total = width + len(made)
    return Dag(shares, tuple(made))


@lru_cache(4)
def _document(nodes: int, layers: int = LAYERS) -> Graph:
    return dag(nodes, layers).document()


def build(nodes: int, from_text: bool = False, peers: bool = True) -> Any:
    """Expanding, differentiating and planning a document (or a program's text); JAX traces and
    compiles the same function."""

    def make(settings: Settings) -> dict[str, Contender]:
        shape = dag(nodes)
        text, graph = "\n".join(shape.lines()), _document(nodes)

        def ours() -> tuple[Plan, str, str]:
            return _compiled(compose(text, {"n0": 1.0}) if from_text else graph)

        contenders = {OURS: Contender(ours, lambda made: _by_plan(*made)())}
        if peers and "jax" in settings.peers:
            jax = settings.peers["jax"]

            def jitted() -> Any:
                def of(x: Any) -> Any:
                    return shape.value(x, jax.numpy.sin, jax.numpy.tanh)

                return jax.jit(jax.value_and_grad(of)).lower(1.0).compile()

            contenders["jax"] = Contender(jitted, lambda compiled: float(compiled(1.0)[1]))
        return contenders

    return make


def pass_over(nodes: int) -> Any:
    """One forward and one backward pass over a graph of many nodes."""

    def make(settings: Settings) -> dict[str, Contender]:
        contenders = {OURS: _same(_by_plan(*_compiled(_document(nodes))))}
        if "torch" in settings.peers:
            contenders["torch"] = _same(_eager(dag(nodes), settings.peers["torch"]))
        return contenders

    return make


def _eager(graph: Dag, torch: Any) -> Callable[[], float]:
    def step() -> float:
        x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        graph.value(x, torch.sin, torch.tanh).backward()
        return float(x.grad.item())

    return step


def _same(step: Callable[[], float]) -> Contender:
    """A step that gives the number to compare."""
    return Contender(step, lambda number: number)


# ---------------------------------------------------------------- an open document


def change(nodes: int) -> Any:
    """One input of an open document changes; all values and gradients are fresh again."""

    def make(settings: Settings) -> dict[str, Contender]:
        session = Session(_document(nodes, 10).copy())
        x, output = session.graph.of_op("input")[0], session.graph.output()
        assert output is not None
        values = cycle((0.9, 1.1))

        def step() -> float:
            session.do(set_tensors({x: np.asarray(next(values))}), "Change x", "one gesture")
            return float(session.evaluation.gradients[x])

        return {OURS: _same(step)}

    return make

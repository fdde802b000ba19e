"""Gradient checks of documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.check.nodes import NodeChecks, doubled
from engine.evaluate import evaluate
from engine.graph import Graph
from engine.ops.row import Array

MAX_ENTRIES = 60


def check_graph(
    graph: Graph, feeds: Mapping[str, Array] | None = None, nodes: Iterable[str] | None = None
) -> dict[str, float]:
    """Relative error of the output's gradient at float source nodes, by node id.

    Measured in float64 whatever the document's dtype, over all entries of a tensor or a fixed draw
    of 60 of them; entries at a kink do not count. NaN where a gradient is not finite. Empty when the
    output is not a single number. See `relative_error`.
    """
    found = evaluate(*doubled(graph, feeds or {}))
    if found.adjoints is None:
        return {}
    checks, known = NodeChecks(found), found.expansion
    return {
        n: checks.check(n, MAX_ENTRIES).error
        for n in (known.feeds if nodes is None else nodes)
        if n in known.feeds and known.spec(n).kind == "float"
    }

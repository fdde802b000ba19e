"""Gradient checks of documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from engine.check.measure import ATOL, RTOL, slope
from engine.differentiate import differentiate
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan

MAX_ENTRIES = 60


def check_graph(
    graph: Graph, feeds: Mapping[str, Array] | None = None, nodes: Iterable[str] | None = None
) -> dict[str, float]:
    """Relative error of the output's gradient at float source nodes, by node id.

    Measured in float64 whatever the document's dtype, over all entries of a tensor or a fixed draw
    of 60 of them. Empty when the output is not a single number. See `relative_error`.
    """
    double = graph.copy()
    double.put("settings", "dtype", "float64")
    for key, tensor in graph.tensors.items():
        if tensor.dtype.kind == "f":
            double.put("tensors", key, tensor.astype(np.float64))
    given = {
        k: v.astype(np.float64) if v.dtype.kind == "f" else v for k, v in (feeds or {}).items()
    }
    expansion = expand(double, given)
    chosen = graph.output()
    output = None if chosen is None else expansion.step_of(chosen)
    if not isinstance(output, str) or expansion.spec(output).shape:
        return {}
    wanted = [
        n
        for n in (expansion.feeds if nodes is None else nodes)
        if n in expansion.feeds and expansion.spec(n).kind == "float"
    ]
    adjoints = differentiate(expansion, output, wanted)
    refs = {n: adjoints.adjoint.get(n, 0.0) for n in wanted}
    plan = Plan(expansion, [output, *refs.values()])
    plan.run()
    live = {f.id for f in plan.order}
    analytic = {
        n: np.broadcast_to(plan.value(r), expansion.spec(n).shape).ravel().copy()
        for n, r in refs.items()
    }
    errors = {}
    for name in wanted:
        base = np.array(expansion.feeds[name])
        entries = np.arange(base.size)
        if base.size > MAX_ENTRIES:
            entries = np.random.default_rng(0).choice(base.size, MAX_ENTRIES, replace=False)
        measured = np.zeros(len(entries))
        if name in live:
            for i, k in enumerate(entries):
                measured[i] = _nearest(plan, name, base, int(k), output, analytic[name][k])
        errors[name] = relative_error(analytic[name][entries], measured)
    return errors


def _nearest(plan: Plan, name: str, base: Array, entry: int, output: str, analytic: float) -> float:
    """The difference at an entry. Where it disagrees, shorter steps are tried as well: a long one
    may step over a kink of relu or max beside the point, which is no error; a gradient that is wrong
    disagrees with all of them."""
    found = np.inf
    for share in (1.0, 1e-2, 1e-4):
        measured = float(slope(plan, name, base, entry, lambda: plan.number(output), share))
        if not abs(found - analytic) <= abs(measured - analytic):
            found = measured
        if abs(found - analytic) <= RTOL * abs(found) + ATOL:
            break
    return found


def relative_error(analytic: Array, measured: Array) -> float:
    """|a - m| over the larger of |a| and |m| (Euclidean norms), 0 where both are below 1e-10."""
    scale = max(float(np.linalg.norm(analytic)), float(np.linalg.norm(measured)))
    return float(np.linalg.norm(analytic - measured)) / scale if scale > 1e-10 else 0.0

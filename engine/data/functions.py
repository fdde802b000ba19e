"""Points of a function of x that is given as a formula, with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.compose import compose
from engine.data.record import NO_TENSORS, DataError, Option, Table, Tensors, settings
from engine.expression import number_text
from engine.flatten import expand
from engine.initializers import generator
from engine.ops.row import Array
from engine.program import Plan
from engine.recipe import Source

_PURPOSE = 5
_TRIAL = 7
"""Points that a formula is tried with, before it may use memory for all of them."""

OPTIONS = (
    Option("formula", "sin(x)", "What y is, as a formula of x."),
    Option("low", -3.0, "The least x.", -1e9, 1e9),
    Option("high", 3.0, "The largest x.", -1e9, 1e9),
    Option("count", 200, "How many points.", 2, 100_000, True),
    Option("noise", 0.0, "The deviation of what is added to y.", 0, 1e9),
    Option(
        "spacing", "even", "Where the points are: evenly, or drawn.", choices=("even", "random")
    ),
    Option("seed", 0, "Draws places and noise.", 0, 2**53, True),
)


def values(formula: str, x: Array) -> Array:
    """A formula's value at each x (a vector). Raises DataError for what is no function of x."""
    try:
        for points in (x[:_TRIAL], x):
            graph = compose(formula, {"x": points})
            expansion = expand(graph)
            output = graph.output()
            step = expansion.step_of(output) if output is not None else None
            if expansion.faults:
                raise DataError(
                    f"the formula {formula!r} does not work: {next(iter(expansion.faults.values()))}"
                )
            if not isinstance(step, str):
                raise DataError(f"the formula {formula!r} has no value; write one such as sin(x)")
            if any(expansion.spec(n).shape not in ((), points.shape) for n in expansion.nodes):
                raise DataError(
                    f"the formula {formula!r} does not give one number for each x; leave out what joins them"
                )
        assert isinstance(step, str)
        plan = Plan(expansion, [step])
        with np.errstate(all="ignore"):
            plan.run()
        found = np.broadcast_to(np.asarray(plan.value(step), np.float64), x.shape)
    except DataError:
        raise
    except (ValueError, ArithmeticError) as error:
        why = str(error).partition("; give one with")[0]
        raise DataError(f"the formula {formula!r} is no function of x: {why}") from None
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        raise DataError(
            f"{formula} is {found[wrong[0]]} at x = {number_text(float(x[wrong[0]]))}; "
            "choose a range in which it is finite"
        )
    return found


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """The points. Raises DataError for a formula that cannot be used, naming where."""
    options = settings(OPTIONS, source)
    low, high, count = options["low"], options["high"], options["count"]
    if not low < high:
        raise DataError(
            f"the least x is {number_text(low)} and the largest {number_text(high)}; make the range longer"
        )
    random = generator(options["seed"], _PURPOSE)
    x = np.linspace(low, high, count)
    if options["spacing"] == "random":
        x = np.sort(random.uniform(low, high, count))
    y = values(options["formula"], x) + options["noise"] * random.standard_normal(count)
    fields = {"x": x[:, None], "y": y[:, None]}
    for array in fields.values():
        array.setflags(write=False)
    return Table(fields, ("x",), (), "y")

"""Planted defects in every row with a derivative, and in what all derivatives share: each is caught.

A defect survives when `check_row` finds nothing wrong; none may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import check, differentiate, ops
from engine.compose import compose
from engine.expression import Name, Number, substitute, to_text
from engine.flatten import expand
from engine.ops.row import Op

pytestmark = pytest.mark.filterwarnings("error")
DIFFERENTIABLE = [
    op for op in ops.TABLE.values() if not op.is_source and any(op.derivative_trees.values())
]


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """Planted and caught defects, counted and printed when the module is through."""
    counts = [0, 0]
    yield counts
    plugins = request.config.pluginmanager
    reporter, capture = (plugins.get_plugin(n) for n in ("terminalreporter", "capturemanager"))
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n{counts[1]} of {counts[0]} planted defects were caught")


def found(op: Op, tally: list[int]) -> bool:
    """Whether the checks notice: they stop at the first failure."""
    caught = next(check.failures_of(op), None) is not None
    tally[0] += 1
    tally[1] += caught
    return caught


# ---------------------------------------------------------------- rows


def bent(op: Op, least: int = 1) -> Callable[..., Any]:
    """The row's kernel, its largest entry off by 1.001 where there are at least so many."""

    def bind(options: Any, specs: Any) -> Any:
        kernel = op.kernel(options, specs)

        def wrong(*args: Any) -> None:
            kernel(*args)
            entries = args[-1].reshape(-1)
            if entries.size >= least:
                entries[np.argmax(np.abs(entries))] *= 1.001

        return wrong

    return bind


BEND = Op(
    "bend", category="Adjoint", hidden=True, inputs=("x",), formula="bend(x)",
    doc="A defect: one entry of a tensor off by a factor of 1.001.", derivative={"x": "g"},
    shape=ops.TABLE["square"].shape, latex="<0>",
    kernel=bent(replace(ops.TABLE["square"], kernel=lambda o, s: lambda x, out: np.copyto(out, x)), 2),
)  # fmt: skip


def mutants(op: Op) -> Iterator[tuple[str, Op]]:
    """The row made wrong in every way a person would get it wrong."""
    for port, tree in op.derivative_trees.items():
        if tree is None:
            continue
        text = op.derivative[port]
        forms = {
            "times 1.001": f"({text}) * 1.001",
            "one entry times 1.001": f"bend({text})",
            "sign turned": f"-({text})",
            "upstream dropped": to_text(
                substitute(tree, {"g": Number(1.0), "exchanged": Name("inputs")})
            ),
            "term missing": "0",
        }
        for what, form in forms.items():
            yield f"{port}: {what}", replace(op, derivative={**op.derivative, port: form})
    if op.elementwise and op.scalar is not None:
        yield "value on single numbers off", replace(op, scalar=bent_scalar(op))
    yield "kernel off by 1.001 in one entry", replace(op, kernel=bent(op), view=None)


def bent_scalar(op: Op) -> Callable[..., Any]:
    def wrong(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: function(*args) * 1.001

    return (lambda options: wrong(op.scalar(options))) if op.options else wrong(op.scalar)


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.name)
def test_planted_wrong_rows_are_caught(
    op: Op, tally: list[int], enter_row: Callable[[Op], None]
) -> None:
    enter_row(BEND)
    assert [what for what, mutant in mutants(op) if not found(mutant, tally)] == []


# ---------------------------------------------------------------- what all derivatives share


def always_itself(*args: Any) -> int:
    return 0


def keeps(position: int) -> Callable[..., Any]:
    def bind(options: Any, specs: Any) -> Any:
        return lambda *args: np.copyto(args[-1], args[position])

    return bind


def first_slice(options: Any, specs: Any) -> Any:
    """A reduction that forgets to add: the first entry along each axis to be summed."""
    x, like = specs
    lead = x.rank - like.rank
    where = (0,) * lead + tuple(slice(0, 1) if n == 1 else slice(None) for n in like.shape)
    return lambda x, like, out: np.copyto(out, x[where])


def average(options: Any, specs: Any) -> Any:
    kernel = ops.TABLE["sum_to"].kernel(options, specs)
    share = max(1, specs[1].size) / max(1, specs[0].size)

    def wrong(x: Any, like: Any, out: Any) -> None:
        kernel(x, like, out)
        np.multiply(out, share, out)

    return wrong


def shared_mutants() -> Iterator[tuple[str, str, Op]]:
    """(what is planted, the name it has in `ops`, the row that stands in)."""
    un_broadcast, accumulate, negate = ops.SUM_TO, ops.ADD, ops.NEG
    for name, row in (("SUM_TO", un_broadcast), ("ADD", accumulate), ("NEG", negate)):
        yield f"{row.name} off by 1.001 in one entry", name, replace(row, kernel=bent(row))
        yield (
            f"{row.name} with its sign turned",
            name,
            replace(row, kernel=turned(row), scalar=None),
        )
        for port, tree in row.derivative_trees.items():
            for form in ("({}) * 1.001", "-({})", "bend({})") if tree is not None else ():
                text = form.format(row.derivative[port])
                wrong = replace(row, derivative={**row.derivative, port: text})
                yield f"{row.name} differentiated as {text} by {port}", name, wrong
    yield "broadcasting is not undone", "SUM_TO", replace(un_broadcast, identity=always_itself)
    yield "the first is taken for the sum", "SUM_TO", replace(un_broadcast, kernel=first_slice)
    yield "the mean is taken for the sum", "SUM_TO", replace(un_broadcast, kernel=average)
    for position, what in ((0, "later terms are dropped"), (1, "the last term is kept alone")):
        yield what, "ADD", replace(accumulate, kernel=keeps(position), scalar=picks(position))
    difference = ops.TABLE["sub"]
    yield "terms are subtracted", "ADD", replace(difference, kernel=difference.kernel)
    product = ops.TABLE["mul"]
    yield "terms are multiplied", "ADD", product


def picks(position: int) -> Callable[..., float]:
    return lambda *args: args[position]


def turned(op: Op) -> Callable[..., Any]:
    def bind(options: Any, specs: Any) -> Any:
        kernel = op.kernel(options, specs)

        def wrong(*args: Any) -> None:
            kernel(*args)
            np.negative(args[-1], args[-1])

        return wrong

    return bind


SHARED = list(shared_mutants())
WITNESSES = ("add", "sub", "mul", "div", "pow", "where", "square", "tanh")
"""Rows whose checks go through broadcasting, fan-outs and negation."""


def witnessed() -> Iterator[check.Failure]:
    """What the rows' checks find, and those of a graph with steps behind one another."""
    for name in WITNESSES:
        yield from check.failures_of(ops.TABLE[name])
    rng = np.random.default_rng(0)
    program = "y = (a - b)^2 * tanh(-a) - b * a"
    graph = compose(program, {"a": rng.uniform(-1, 1, (2, 3)), "b": rng.uniform(-1, 1, 3)})
    inputs = [str(graph.id_of(n)) for n in ("a", "b")]
    output = str(graph.output())
    yield from check.check_orders("graph", expand(graph), output, inputs, program, rng)


@pytest.mark.parametrize(("what", "name", "row"), SHARED, ids=[what for what, _, _ in SHARED])
def test_planted_defects_in_shared_parts_are_caught(
    what: str,
    name: str,
    row: Op,
    tally: list[int],
    enter_row: Callable[[Op], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enter_row(BEND)
    # a name of its own, or the step would be shared with one that a formula appended
    monkeypatch.setattr(ops, name, replace(row, name=f"{row.name}_wrong", fold=None))
    tally[0] += 1
    caught = next(witnessed(), None) is not None
    tally[1] += caught
    assert caught, what


def test_a_step_taken_before_all_its_readers_is_caught(
    monkeypatch: pytest.MonkeyPatch, tally: list[int]
) -> None:
    """An adjoint passed on before it is complete: the walk does not wait for the last reader."""

    def hasty(expansion: Any, output: str, wanted: set[str]) -> list[str]:
        order = [output]
        for node_id in order:
            for a in expansion.nodes[node_id].args:
                if isinstance(a, str) and a in wanted and a not in order:
                    order.append(a)
        return order

    monkeypatch.setattr(differentiate, "_reverse_order", hasty)
    tally[0] += 1
    caught = any(next(check.failures_of(op), None) is not None for op in DIFFERENTIABLE)
    tally[1] += caught
    assert caught


@pytest.mark.parametrize("name", ["SUM_TO", "ADD", "NEG"])
def test_the_sound_parts_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in without a defect is not noticed: what the witnesses catch is the defect."""
    row = getattr(ops, name)
    monkeypatch.setattr(ops, name, replace(row, name=f"{row.name}_right", fold=None))
    assert [str(f) for f in witnessed()] == []

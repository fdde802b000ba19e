"""Jacobians and Hessians of documents, row by row: every derivative of entries by entries."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from engine import ops
from engine.check.measure import weighted_sum
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.ops.row import Array
from engine.program import Plan
from engine.shapes import shape_text

MAX_ENTRIES = 1_000_000
MAX_ROWS = 4_000


class MatrixError(ValueError):
    """The derivatives cannot be laid out as a matrix; the message says what to do."""


@dataclass(frozen=True)
class Axis:
    """The rows or columns of a matrix: values by name, one after the other, entry by entry."""

    shapes: Mapping[str, tuple[int, ...]]
    _ends: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        sizes = (int(np.prod(shape)) for shape in self.shapes.values())
        object.__setattr__(self, "_ends", tuple(accumulate(sizes)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def borders(self) -> tuple[int, ...]:
        """Where one value ends and the next begins, the last end left out."""
        return self._ends[:-1]

    def entry(self, place: int) -> tuple[str, tuple[int, ...]]:
        """The value that a row or column belongs to, and which of its entries it is."""
        index = int(np.searchsorted(self._ends, place, side="right"))
        name, shape = list(self.shapes.items())[index]
        start = self._ends[index - 1] if index else 0
        return name, tuple(int(i) for i in np.unravel_index(place - start, shape)) if shape else ()

    def label(self, place: int) -> str:
        """A row or column in words: `W[0,1]`, a single number by its name."""
        name, index = self.entry(place)
        return f"{name}[{','.join(map(str, index))}]" if index else name


class Matrix:
    """Derivatives that are still being computed: `values[i, k]` is d(row i)/d(column k), NaN in rows
    from `done` on. `advance` computes more of them."""

    def __init__(
        self, expansion: Expansion, rows: Mapping[str, Ref], columns: Mapping[str, str]
    ) -> None:
        """`rows` are steps (or numbers) by name, `columns` float steps. The expansion grows."""
        self.rows = Axis({name: expansion.spec(ref).shape for name, ref in rows.items()})
        self.columns = Axis({name: expansion.spec(n).shape for name, n in columns.items()})
        if len(self.rows) > MAX_ROWS or len(self.rows) * len(self.columns) > MAX_ENTRIES:
            raise MatrixError(
                f"a matrix of {len(self.rows):,} × {len(self.columns):,} derivatives is more than can "
                f"be shown (at most {MAX_ROWS:,} rows and {MAX_ENTRIES:,} entries); choose fewer or "
                "smaller values"
            )
        self.values = np.full((len(self.rows), len(self.columns)), np.nan)
        self.done = 0
        self._computed = self._all(expansion, rows, columns)

    @property
    def is_whole(self) -> bool:
        return self.done == len(self.rows)

    def advance(self, seconds: float = float("inf")) -> bool:
        """Computes rows for some time, one at least; returns whether it is whole."""
        until = time.perf_counter() + seconds
        while not self.is_whole:
            self.values[self.done] = next(self._computed)
            self.done += 1
            if time.perf_counter() >= until:
                break
        return self.is_whole

    def _all(
        self, expansion: Expansion, rows: Mapping[str, Ref], columns: Mapping[str, str]
    ) -> Iterator[Array]:
        """Row by row: the adjoints of one entry, which is read out by a seed of a single 1 (rows of
        a Jacobian by reverse accumulation; Griewank and Walther, Evaluating Derivatives, 2008, 3.2).
        """
        wanted = tuple(columns.values())
        for name, ref in rows.items():
            shape = self.rows.shapes[name]
            seed = f"seed{len(expansion.nodes)}"
            expansion.source(seed, ops.TABLE["input"], np.zeros(shape, expansion.dtype))
            adjoint = differentiate(expansion, weighted_sum(expansion, ref, seed), wanted).adjoint
            refs = [adjoint.get(n, 0.0) for n in wanted]
            plan = Plan(expansion, refs)
            live = any(flat.id == seed for flat in plan.order)
            for entry in range(int(np.prod(shape))):
                one = np.zeros(shape, expansion.dtype)
                one.flat[entry] = 1.0
                if live:
                    plan.set(seed, one)
                plan.run()
                yield np.concatenate(
                    [
                        np.broadcast_to(plan.value(r), s).ravel()
                        for r, s in zip(refs, self.columns.shapes.values(), strict=True)
                    ]
                )


def jacobian(expansion: Expansion, outputs: Mapping[str, Ref], inputs: Mapping[str, str]) -> Matrix:
    """d(output)/d(input) for all entries of all outputs (rows) and inputs (columns), by name.

    `outputs` and `inputs` give float steps of the expansion, which grows. Raises MatrixError where
    there are too many.
    """
    _check_floats(expansion, {**outputs, **inputs})
    return Matrix(expansion, outputs, inputs)


def hessian(expansion: Expansion, output: Ref, inputs: Mapping[str, str]) -> Matrix:
    """d²(output)/d(row)d(column) for all entries of all inputs, by name.

    Raises MatrixError where the output is not a single number or there are too many.
    """
    _check_floats(expansion, {"the output": output, **inputs})
    shape = expansion.spec(output).shape
    if shape:
        raise MatrixError(
            f"only a single number has a Hessian, and this has the shape {shape_text(shape)}; "
            "wrap it in sum(...) or mean(...)"
        )
    adjoint = differentiate(expansion, output, inputs.values()).adjoint
    gradients: dict[str, Ref] = {}
    for name, step in inputs.items():
        ref, size = adjoint.get(step, 0.0), expansion.spec(step).shape
        if size and expansion.spec(ref).shape != size:
            ref = expansion.append(ops.SPREAD_AS, (ref, step))
        gradients[name] = ref
    return Matrix(expansion, gradients, inputs)


def _check_floats(expansion: Expansion, steps: Mapping[str, Ref]) -> None:
    for name, step in steps.items():
        if expansion.spec(step).kind != "float":
            raise MatrixError(f"{name} holds no floats, so it has no derivatives; choose another")

"""What could stand at the end of a wire: rows that take a value, rows whose result a port takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np

from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Case, Op
from engine.shapes import Kind, Options, Shape, ShapeError, Spec

Form = tuple[Kind, int]
"""What is known of a value whose sizes are not: its kind and how many axes it has."""

MOST_AXES = 4
_KINDS: tuple[Kind, ...] = ("float", "int", "bool")
_DTYPES = {"float": np.float64, "int": np.int64, "bool": np.bool_}
_KIND_OF: dict[str, Kind] = {"f": "float", "i": "int", "u": "int", "b": "bool"}


def options_of(op: Op) -> dict[str, object]:
    """The options a new node begins with."""
    starts = {o.name: o.start for o in op.options if o.required and o.start is not None}
    return {**op.defaults(), **starts}


def ports_for(op: Op, spec: Spec | None, module: bool = False) -> tuple[str, ...]:
    """The ports at which a new node of a row takes a value, in order; all while nothing is known of
    it. A row with any number of operands has one. `module` tells that it is a module's result."""
    if op.is_source or (op.reads_inside and not module):
        return ()
    if op.reads_inside:
        return op.ports()[:1]
    ports = op.ports(1 if op.variadic else None)
    if spec is None:
        return ports
    return tuple(port for at, port in enumerate(ports) if _takes(op, at, spec))


def _takes(op: Op, at: int, spec: Spec) -> bool:
    """Whether a row takes a value: exactly where it is the only operand, else unless its kind or its
    number of axes alone is refused."""
    if op.definition is not None:
        return _module_takes(op, at, spec)
    options = options_of(op)
    if len(op.inputs) == 1 and not op.variadic:
        return _given(op, options, (spec,)) is not None
    count = max(op.least, at + 1) if op.variadic else len(op.inputs)
    if any(_given(op, options, specs) is not None for specs in _around(spec, at, count)):
        return True
    for case in op.cases:
        if at < len(case.shapes) and len(case.shapes[at]) == spec.rank:
            specs = list(_specs(op, case))
            specs[at] = Spec(case.shapes[at], spec.kind, count=1)
            for settings in (options, {**options, **case.options}):
                if _given(op, settings, tuple(specs)) is not None:
                    return True
    return False


def _around(spec: Spec, at: int, count: int) -> Iterator[tuple[Spec, ...]]:
    """A value with others that often stand beside it: alike, single, a vector of its last axis,
    turned, its rows counted."""
    shape = spec.shape
    others = [spec, Spec(), Spec(shape[-1:]), Spec(shape[::-1]), Spec(shape[:-1], "int")]
    alike = [(other,) * (count - 1) for other in others]
    for rest in product(others, repeat=count - 1) if count <= 3 else alike:
        yield (*rest[:at], spec, *rest[at:])


def _specs(op: Op, case: Case) -> Iterator[Spec]:
    for port, shape in zip(op.ports(len(case.shapes) or None), case.shapes, strict=False):
        given = case.values.get(port)
        kind = "float" if given is None else _KIND_OF.get(np.asarray(given).dtype.kind, "float")
        yield Spec(shape, kind, count=1 if kind == "bool" else None)


def _given(op: Op, options: Options, specs: tuple[Spec, ...]) -> Spec | None:
    """The result, None where the row refuses the operands."""
    try:
        return op.shape({**dict.fromkeys(op.statics, 0.0), **options}, *specs)
    except ShapeError:
        return None


def _module_takes(op: Op, at: int, spec: Spec) -> bool:
    definition: Graph = op.definition
    inputs = definition.of_op("input")
    sample = definition.tensors.get(inputs[at])
    if len(inputs) > 1 or sample is None:
        return sample is None or sample.ndim == spec.rank
    return _module_result(definition, inputs[at], spec.shape, spec.kind) is not None


@lru_cache(maxsize=512)
def _module_result(definition: Graph, node_id: str, shape: Shape, kind: Kind) -> Spec | None:
    trial = definition.copy()
    trial.put("tensors", node_id, np.zeros(shape, _DTYPES[kind]))
    found = expand(trial)
    output = trial.output()
    ref = None if found.faults or output is None else found.step_of(output)
    return None if ref is None else found.spec(ref)


# ------------------------------------------------------------ the other way: what a port takes


def forms_taken(op: Op, port: str) -> frozenset[Form]:
    """What values a port takes, by kind and number of axes."""
    at = 0 if op.variadic else op.inputs.index(port)
    return frozenset(
        (kind, axes)
        for kind in _KINDS
        for axes in range(MOST_AXES + 1)
        if _takes(op, at, Spec((2,) * axes, kind, count=1))
    )


def gives(op: Op, wanted: frozenset[Form]) -> bool:
    """Whether a new node of a row may give one of these; a source gives what it is told to."""
    return op.is_source or any((spec.kind, spec.rank) in wanted for spec in _results(op))


def _results(op: Op) -> Iterator[Spec]:
    """What a row gives for the operands that it is known to take."""
    if op.definition is not None:
        definition: Graph = op.definition
        first = definition.of_op("input")[0] if op.inputs else None
        sample = definition.tensors.get(first) if first is not None else None
        if first is None or sample is None:
            yield Spec()
        else:
            kind = _KIND_OF.get(sample.dtype.kind, "float")
            found = _module_result(definition, first, sample.shape, kind)
            yield from () if found is None else (found,)
        return
    options, count = options_of(op), max(op.least, 2) if op.variadic else len(op.inputs)
    operands = [(Spec((2,) * axes),) * count for axes in range(MOST_AXES + 1)]
    operands += [tuple(_specs(op, case)) for case in op.cases if case.shapes]
    for settings in (options, *({**options, **case.options} for case in op.cases)):
        for specs in operands:
            found = _given(op, settings, specs)
            if found is not None:
                yield found

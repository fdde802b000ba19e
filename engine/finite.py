"""The first number of a pass that is not finite: which micro-step made it, and from what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.expansion import Ref
from engine.expression import number_text
from engine.ops.row import Array
from engine.script import Outline, Steps
from engine.trace import Step
from engine.wording import Telling, short


def first_not_finite(steps: Steps) -> Step | None:
    """The first micro-step with a result that is infinite or not a number although everything it
    read was finite; None where every such number was given."""
    telling = steps.telling
    for index, outline in enumerate(steps.script.outlines):
        if _finite(telling, outline.value) and _finite(telling, outline.total):
            continue
        if all(_finite(telling, ref) for ref in _read_by(telling, outline)):
            return steps[index]
    return None


def _finite(telling: Telling, ref: Ref) -> bool:
    value = telling.read(ref)
    return value is None or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _read_by(telling: Telling, outline: Outline) -> list[Ref]:
    operands = list(telling.expansion.nodes[outline.node].args)
    term = outline.contribution
    if term is None:
        return operands
    before = [outline.terms[outline.position - 1].total] if outline.position else []
    return [term.upstream, *operands, outline.node, *before]


def sentence(step: Step, exact: bool = False) -> str:
    """Where and from what a number that is not finite came, for a person; `exact` with all digits."""
    total = step.value
    if np.isfinite(total).all():
        total = step.total  # finite terms, an infinite sum
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(total))[0])
    at = f" at {list(place)}" if place else ""
    said = _operands(step, total.shape, place, _whole if exact else short)
    where = f", where {_listed(said)}" if said else ""
    text = step.exact_text if exact else step.text
    return f"step {step.number}, {step.phase}: {text} is {short(total[place])}{at}{where}"


def _operands(
    step: Step, shape: tuple[int, ...], place: tuple[int, ...], told: Callable[[Array], str]
) -> list[str]:
    """What was read: numbers, entries at the place where the shapes fit, else the largest size."""
    telling = step.telling
    flat = telling.expansion.nodes[step.node]
    refs: dict[str, Ref] = {}
    if step.contribution is not None:
        refs[f"d{telling.output}/d{telling.name(step.node)}"] = step.contribution.upstream
    refs |= {telling.name(a): a for a in flat.args if isinstance(a, str)}
    if step.contribution is not None:
        refs[telling.name(step.node)] = step.node
    said = []
    for name, ref in refs.items():
        value = telling.read(ref)
        if value is None or not value.size:
            continue
        if not value.ndim:
            said.append(f"{name} is {told(value)}")
        elif flat.op.elementwise and value.shape == shape:
            said.append(f"{name} is {told(value[place])}")
        else:
            said.append(f"{name} reaches {told(np.max(np.abs(value.astype(np.float64))))}")
    return said


def _whole(value: Array) -> str:
    return number_text(float(value))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

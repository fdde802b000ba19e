"""An evaluation that ends right before one number is made, for whoever is to predict it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from msgspec import structs

from engine.evaluate import Evaluation
from engine.expansion import Ref
from engine.ops.row import Array
from engine.script import Outline, Script, Steps

What = Literal["value", "gradient"]
NOTE = "The pass goes on after your answer."


class _Known(Mapping[str, Array]):
    """The arrays of a table that are not hidden."""

    def __init__(self, table: Mapping[str, Array], known: Callable[[str], bool]) -> None:
        self._table, self._known = table, known

    def __getitem__(self, key: str) -> Array:
        if not self._known(key):
            raise KeyError(key)
        return self._table[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._table and self._known(key)

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._table if self._known(key))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def veiled(whole: Evaluation, node: str, of: What) -> Evaluation:
    """An evaluation in which a number and all that comes after it is not known yet.

    `node` is an id, inside modules the path of ids. The pass ends with the micro-step before the one
    that makes the value, or before the one that completes the gradient; of a gradient that is a sum
    no term is known. What is given, or what no gradient reaches, is not made by any step: then
    nothing is hidden and `whole` itself comes back.
    """
    step, script = whole.step_of(node), whole.steps.script
    if of == "value":
        end, hidden = script.computed_at.get(step, 0), ""
    else:
        end, hidden = script.sums_at.get(step, [0])[-1], step
    if not end:
        return whole
    kept = [o for o in script.outlines[: end - 1] if not _adds_to(o, hidden)]
    shown = Script([structs.replace(o, number=i) for i, o in enumerate(kept, 1)])
    nodes = whole.expansion.nodes
    left_out = {
        ref
        for ref in _made_by(script.outlines) - _made_by(kept)
        if isinstance(ref, str) and not nodes[ref].op.is_source
    }
    telling = whole.steps.telling

    def read(ref: Ref) -> Array | None:
        return None if ref in left_out else telling.read(ref)

    def is_value(key: str) -> bool:
        at = whole.step_of(key)
        return at not in script.computed_at or at in shown.computed_at

    def is_gradient(key: str) -> bool:
        at = whole.step_of(key)
        return len(shown.sums_at.get(at, ())) == len(script.sums_at.get(at, ()))

    return replace(
        whole,
        values=_Known(whole.values, is_value),
        gradients=_Known(whole.gradients, is_gradient),
        steps=Steps(shown, replace(telling, read=read)),
        note=NOTE,
        adjoints=None,
        plan=None,
    )


def _adds_to(outline: Outline, step: str) -> bool:
    return outline.phase != "forward" and (outline.target or outline.node) == step


def _made_by(outlines: Iterable[Outline]) -> set[Ref]:
    """Where the numbers of micro-steps are read, the local derivatives they use included."""
    refs: set[Ref] = set()
    for o in outlines:
        refs.update((o.value, o.total))
        if o.contribution is not None and o.contribution.local is not None:
            refs.add(o.contribution.local)
    return refs

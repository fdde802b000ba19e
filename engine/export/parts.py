"""How a script computes a loss: the steps of its forward pass, what that gives, and the criterion's steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.expansion import Expansion, Flat


@dataclass(frozen=True)
class Parts:
    """`forward` ends with the steps called `returned`, of which the first is the prediction; `criterion`
    goes on from them to the loss. `sources` are the source steps that each of the two reads.
    """

    expansion: Expansion
    loss: str
    forward: tuple[Flat, ...]
    returned: tuple[str, ...]
    criterion: tuple[Flat, ...]
    sources: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def steps(self) -> tuple[Flat, ...]:
        return self.forward + self.criterion

    @property
    def draws(self) -> bool:
        """Whether a step draws numbers at random."""
        return any("clock" in flat.op.statics for flat in self.steps)


def whole(expansion: Expansion, output: str) -> Parts:
    """Everything in the forward pass."""
    return _parts(expansion, output, (output,), [])


def divided(expansion: Expansion, loss: str, learnt: Iterable[str], rows: Iterable[str]) -> Parts:
    """The steps under a loss, cut where a prediction is compared with a target.

    `learnt` are the parameters, `rows` the steps that read data. The loss is followed downwards while
    operands depend on parameters; where what depends on both meets data alone is the comparison. Where
    there is none, the loss itself is the criterion. What the criterion reads beside the prediction is
    computed there again if it is made of data alone, else the forward pass gives it too.
    """
    moving, read = _behind(expansion, learnt), _behind(expansion, rows)
    prediction = _prediction(expansion, loss, moving, read)
    if prediction is None:
        found = [a for a in expansion.nodes[loss].args if isinstance(a, str) and a in moving]
        prediction = found[0] if found and not expansion.nodes[found[0]].op.is_source else loss
    under = expansion.ancestors([prediction])
    needed, returned = {loss} - {prediction}, [prediction]
    work = list(needed)
    while work:
        for ref in expansion.nodes[work.pop()].args:
            if not isinstance(ref, str) or ref in needed or ref in returned:
                continue
            if ref in under and (ref in moving or _draws(expansion, ref)):
                if not expansion.nodes[ref].op.is_source:
                    returned.append(ref)
                    continue
            needed.add(ref)
            work.append(ref)
    after = [f for f in expansion.nodes.values() if f.id in needed and not f.op.is_source]
    return _parts(expansion, loss, tuple(returned), after)


def _parts(expansion: Expansion, loss: str, returned: tuple[str, ...], after: list[Flat]) -> Parts:
    above = expansion.ancestors(returned)
    before = [f for f in expansion.nodes.values() if f.id in above and not f.op.is_source]
    read_after = {a for f in after for a in f.args if isinstance(a, str)}
    own = [n for n, f in expansion.nodes.items() if f.op.is_source]
    sources = (tuple(n for n in own if n in above), tuple(n for n in own if n in read_after))
    return Parts(expansion, loss, tuple(before), returned, tuple(after), sources)


def _behind(expansion: Expansion, sources: Iterable[str]) -> set[str]:
    """The steps that depend on one of these, themselves among them."""
    found = set(sources)
    for flat in expansion.nodes.values():
        if any(a in found for a in flat.args):
            found.add(flat.id)
    return found


def _draws(expansion: Expansion, step: str) -> bool:
    above = expansion.ancestors([step])
    return any("clock" in expansion.nodes[n].op.statics for n in above)


def _prediction(expansion: Expansion, loss: str, moving: set[str], read: set[str]) -> str | None:
    work, seen = [loss], {loss}
    for step in work:
        operands = [a for a in expansion.nodes[step].args if isinstance(a, str)]
        learnt = [o for o in operands if o in moving]
        predicted = [o for o in learnt if o in read]
        if predicted and any(o in read and o not in moving for o in operands):
            return predicted[0]
        work += [o for o in dict.fromkeys(learnt) if o not in seen]
        seen.update(learnt)
    return None

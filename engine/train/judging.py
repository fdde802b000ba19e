"""What is to be said of a training, in order: of one network, or of several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from engine.train.trouble import HEALTHY, TABLE, Evidence, Signs, Verdict, times


def judge(evidence: Evidence) -> tuple[Verdict, ...]:
    """All that applies, the first being the one to say; `healthy` when nothing does."""
    return _found((("", evidence),)) or (_healthy(evidence),)


def judge_each(whole: Signs, told: Sequence[tuple[str, Evidence]]) -> tuple[Verdict, ...]:
    """The same of networks that are trained side by side, by the names of their losses: what the signs
    of the whole say, what is wrong with each, then which of them are well."""
    alone = replace(
        whole, after=math.nan, seen=0, classes=0, top=math.nan, spread=math.nan, losses=()
    )
    each = [(name, replace(evidence, signs=alone)) for name, evidence in told]
    found = _found((("", Evidence((), (), whole)), *each))
    ill = {verdict.of for verdict in found}
    return (*found, *(replace(_healthy(e), of=name) for name, e in each if name not in ill))


def _found(told: Sequence[tuple[str, Evidence]]) -> tuple[Verdict, ...]:
    """What applies, once of each name and once in each sentence."""
    found: dict[tuple[str, str], Verdict] = {}
    said: set[str] = set()
    for row in TABLE:
        for of, evidence in told:
            verdict = row(evidence)
            if verdict is not None and verdict.sentence not in said:
                said.add(verdict.sentence)
                found.setdefault((of, verdict.name), replace(verdict, of=of))
    return tuple(found.values())


def _healthy(e: Evidence) -> Verdict:
    sizes = [layer.signal for layer in e.layers if layer.signal]
    said = []
    if len(sizes) > 1:
        said.append(f"the layers' gradients differ {times(max(sizes) / min(sizes))} at most")
    dead = [u.dead for u in e.units if u.hidden and not math.isnan(u.dead)]
    if dead:
        said.append(f"at most {100 * max(dead):.0f} % of a layer's units are dead")
    level = [u.saturated for u in e.units if u.hidden and not math.isnan(u.saturated)]
    if level:
        said.append(f"at most {100 * max(level):.0f} % saturated")
    ratios = [layer.ratio for layer in e.layers if math.isfinite(layer.ratio)]
    if ratios:
        said.append(f"a step changes a layer by {100 * max(ratios):.2g} % at most")
    text = "; ".join(said) or "nothing stands out"
    return Verdict(HEALTHY, f"{text[0].upper()}{text[1:]}.")

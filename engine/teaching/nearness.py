"""How far a step is from a number that is asked for: what stands further away was seen before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from engine.teaching.asking import Asked
from engine.teaching.goal import OF
from engine.teaching.naming import key_of


def distances(question: Asked) -> Mapping[str, int]:
    """How many visible steps lie between each step and the one that is asked for, which is 0: of a value
    on the way forward, of a gradient on the way back. Steps of one module that is looked at from the
    outside are no further apart than its own: their numbers do not stand on the screen."""
    telling = question.evaluation.steps.telling
    before: dict[str, list[str]] = {}
    if question.of == OF[0]:
        nodes = telling.expansion.nodes
        above: Iterable[tuple[str, str]] = (
            (n, a) for n, flat in nodes.items() for a in flat.args if isinstance(a, str)
        )
    else:
        terms = telling.adjoints.contributions if telling.adjoints else ()
        above = ((t.target, t.node) for t in terms)
    for step, other in above:
        before.setdefault(step, []).append(other)
    key = key_of(question.evaluation.graph, question.node)
    place = str(key).rpartition(".")[0]
    found, queue = {question.step: 0}, deque([question.step])
    while queue:
        step = queue.popleft()
        for other in before.get(step, ()):
            hidden = _shown(step, place) == _shown(other, place)
            far = found[step] + (not hidden)
            if far < found.get(other, far + 1):
                found[other] = far
                (queue.appendleft if hidden else queue.append)(other)
    return found


def _shown(step: str, place: str) -> str:
    """The node that a step belongs to as one sees it where the question is asked."""
    inside = place + "." if place else ""
    if inside and not step.startswith(inside):
        inside = ""
    return inside + step[len(inside) :].split(".")[0]

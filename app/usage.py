"""What people connect: how often one operator reads another at a port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from engine import examples, ops
from engine.graph import Graph

Pair = tuple[str, str, str]
"""The operator read, the one that reads it, and its port."""

OWN_WEIGHT = 3
"""How many connections in the shipped documents one of the person's own is worth."""
MOST_PAIRS, MOST_TIMES = 400, 200


def pair(graph: Graph, source: str, target: str, port: str) -> Pair:
    """A wire by its operators. All ports of a row with any number of operands are one."""
    row = graph.op(target)
    return graph.nodes[source].op, row.name, row.inputs[0] if row.variadic else port


def pairs(graph: Graph) -> Counter[Pair]:
    """How often each pair is wired in a document."""
    return Counter(pair(graph, source, *end) for end, source in graph.links.items())


@cache
def shipped() -> Counter[Pair]:
    """In how many of the shipped examples and modules each pair is wired: a long chain tells no habit."""
    found: Counter[Pair] = Counter()
    for graph in (*map(examples.load, examples.names()), *examples.modules().values()):
        found.update(pairs(graph).keys())
    return found


def is_public(found: Pair) -> bool:
    """True where nothing in a pair comes from a person's document."""
    return all(name in ops.TABLE or name in examples.MODULES for name in found[:2])


def learned(own: Mapping[Pair, int], found: Pair) -> dict[Pair, int]:
    """The person's counts with one more; what is used least goes when there are too many."""
    counts = Counter(own)
    counts[found] += 1
    if counts[found] > MOST_TIMES:  # what was a habit fades
        counts = Counter({p: n // 2 for p, n in counts.items() if n > 1})
    while len(counts) > MOST_PAIRS:
        del counts[min((p for p in counts if p != found), key=lambda p: counts[p])]
    return dict(counts)


class Usage:
    """The shipped counts with the person's own."""

    def __init__(self, own: Mapping[Pair, int]) -> None:
        self._counts = shipped() + Counter({p: OWN_WEIGHT * n for p, n in own.items()})

    def readers(self, source: str) -> Counter[str]:
        """How often each operator reads the one called `source`."""
        return self._sums(lambda p: p[1] if p[0] == source else "")

    def sources(self, target: str, port: str) -> Counter[str]:
        """How often each operator is read at a port."""
        return self._sums(lambda p: p[0] if p[1:] == (target, port) else "")

    def ports(self, source: str, target: str) -> Counter[str]:
        """At which ports an operator reads another one."""
        return self._sums(lambda p: p[2] if p[:2] == (source, target) else "")

    def operators(self) -> Counter[str]:
        """How often each operator is wired at all."""
        return self._sums(lambda p: p[0]) + self._sums(lambda p: p[1])

    def _sums(self, key: Callable[[Pair], str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for counted, times in self._counts.items():
            found[key(counted)] += times
        del found[""]
        return found

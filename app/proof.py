"""What the examples claim, measured on several seeds: at the worst of them, as lines and as a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

from engine import claims, examples
from engine.claims.figure import Figure

_WORDS = {"<": "below", ">": "above", "=": "equal to"}


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of an example on every seed; `worst` is the one nearest to its bound, or beyond it."""

    example: str
    figures: tuple[Figure, ...]

    @property
    def worst(self) -> Figure:
        return min(self.figures, key=_room)

    @property
    def holds(self) -> bool:
        return all(figure.holds for figure in self.figures)

    @property
    def said(self) -> str:
        """What was measured, at the worst seed, and what it had to be."""
        worst = self.worst
        digits = 15 if worst.relation == "=" and worst.tolerance < 1e-6 else 4
        within = f" within {worst.tolerance:g}" if worst.tolerance else ""
        return (
            f"{worst.what}: {worst.value:.{digits}g} "
            f"({_WORDS[worst.relation]} {worst.bound:.{digits}g}{within})"
        )


def _room(figure: Figure) -> float:
    """How far a figure is inside its bound; what is no number is farthest outside."""
    inside = {
        "<": figure.bound - figure.value,
        ">": figure.value - figure.bound,
        "=": figure.tolerance - abs(figure.value - figure.bound),
    }[figure.relation]
    return inside if inside == inside else float("-inf")


def measure(
    names: Sequence[str], seeds: int, processes: int, tell: Callable[[int, int], None]
) -> list[Measured]:
    """Every figure of these examples with the starts of seeds 0 to `seeds` - 1, in spawned processes."""
    works = [(name, seed) for name in names for seed in range(seeds)]
    found: dict[tuple[str, int], list[Figure]] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(claims.prove, *work): work for work in works}
        for done, future in enumerate(as_completed(waiting), 1):
            found[waiting[future]] = future.result()
            tell(done, len(works))
    measured = []
    for name in names:
        of_all = [figure for seed in range(seeds) for figure in found[name, seed]]
        for what in dict.fromkeys(figure.what for figure in of_all):
            measured.append(Measured(name, tuple(f for f in of_all if f.what == what)))
    return measured


def markdown(measured: Sequence[Measured], seeds: int) -> str:
    """The page of all systems of the lecture: what shows each, what that claims, what was measured."""
    lines = [
        "# The lecture, system by system",
        "",
        "Every row is a system of the lecture; the documents that show it are examples of the start page",
        "(`gradloom examples` lists them, `gradloom example:NAME` opens one). Each claims something, and",
        "its own numbers show it: what was measured, at the worst of the seeds, and behind it the bound.",
        f"This page is made by `gradloom prove --seeds {seeds} --markdown > docs/lecture.md`.",
        "",
        "| System | Example | Claim | Measured |",
        "|---|---|---|---|",
    ]
    names = list(dict.fromkeys(m.example for m in measured))
    for system in sorted({s for name in names for s in examples.INFO[name].systems}):
        for name in names:
            info = examples.INFO[name]
            if system in info.systems:
                said = "<br>".join(m.said for m in measured if m.example == name)
                lines.append(f"| {system} | {info.title} (`{name}`) | {info.claim} | {said} |")
    return "\n".join(lines) + "\n"

"""Numbers that a row of a table has: an optimizer's, a schedule's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """A number of a row: its default and, for people, what it does."""

    default: float
    doc: str


def settled(
    what: str, known: Mapping[str, Setting], given: Mapping[str, float]
) -> dict[str, float]:
    """All settings as numbers, the defaults where none is given.

    Raises ValueError naming an unknown setting and those there are.
    """
    unknown = [name for name in given if name not in known]
    if unknown:
        listed = ", ".join(known) or "none"
        raise ValueError(f"{what} has no setting {unknown[0]!r}; it has: {listed}")
    defaults = {name: setting.default for name, setting in known.items()}
    return {**defaults, **{name: float(value) for name, value in given.items()}}

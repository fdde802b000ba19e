"""Marks the strings a person reads, without Qt."""

from __future__ import annotations

import re

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def tr(text: str) -> str:
    """The text in the person's language; there is one language so far, so itself."""
    return text


def pretty_name(name: str) -> str:
    """A node's name as people write it: `u1` as u₁."""
    return re.sub(r"(?<=[^\W\d])_?(\d+)$", lambda m: m[1].translate(_SUBSCRIPTS), name)


def count_of(number: int, one: str, many: str = "") -> str:
    """`1 row`, `3 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

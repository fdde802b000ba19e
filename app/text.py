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


def sentence(text: str) -> str:
    """A message with a capital, unless it begins with the name of a file or of a node."""
    first = text.partition(" ")[0]
    is_word = first == "a" or (len(first) > 1 and first.isalpha() and first.islower())
    return text[:1].upper() + text[1:] if is_word else text

"""Marks the strings a person reads, without Qt."""

from __future__ import annotations


def tr(text: str) -> str:
    """The text in the person's language; there is one language so far, so itself."""
    return text

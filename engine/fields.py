"""What fields of a document's records may hold: texts that can be written, numbers of 64 bits, ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

NODE_PATH = re.compile(r"(?=.{1,120}\Z)n[1-9]\d{0,11}(\.n[1-9]\d{0,11})*")
"""A node id, or a path of ids into a module's instance."""


class GraphError(ValueError):
    """A change that would leave the document unsound; the message says why and what to do."""


class CycleError(GraphError):
    """A link that would let a value depend on itself; `path` holds the node ids of the circle."""

    def __init__(self, message: str, path: list[str]) -> None:
        super().__init__(message)
        self.path = path


def is_whole(value: Any) -> bool:
    """A whole number of 64 bits, which every file and array can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_number(value: Any) -> bool:
    return isinstance(value, float) or is_whole(value)


def is_text(value: Any) -> bool:
    """A text that can be written down: half a surrogate pair cannot."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def check_text(what: str, value: str) -> None:
    """Raises GraphError for a text that no file or terminal can hold."""
    if not is_text(value):
        raise GraphError(f"{what} holds a broken character; type it again")


_FIELD_CHECKS: dict[str, Any] = {
    "str": is_text, "Kind": is_text, "At": is_text, "Literal": is_text, "float": is_number, "int": is_whole,
    "tuple": lambda v: isinstance(v, tuple), "bool": lambda v: isinstance(v, bool),
    "Mapping": lambda v: isinstance(v, Mapping),
}  # fmt: skip


def check_fields(record: Any) -> None:
    """Raises GraphError when a field holds another kind of value than it declares."""
    for known in fields(record):
        value = getattr(record, known.name)
        if not _FIELD_CHECKS[str(known.type).partition("[")[0]](value):
            raise GraphError(f"{known.name} cannot be {value!r}")

"""Arrays in a script: written out when they are small, else read from a file beside it."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass, field

import numpy as np

from engine.export.expressions import literal
from engine.ops.row import Array

INLINE = 24
"""Numbers of an array that is written out in the script."""
MOST_BYTES = 256 * 2**20


class ExportError(ValueError):
    """The document cannot be exported; the message says what and why."""


@dataclass
class Values:
    """The arrays of one script; `arrays` are those for the file beside it, by name."""

    arrays: dict[str, Array] = field(default_factory=dict)
    _bytes: int = 0

    def written(self, name: str, value: Array, indent: str) -> str:
        """An expression that gives the array as a tensor; lines behind the first begin with `indent`.

        Raises ExportError where there is more than a file beside a script should hold.
        """
        if value.size > INLINE:
            self._bytes += value.nbytes
            if self._bytes > MOST_BYTES:
                raise ExportError(
                    f"its numbers take more than {MOST_BYTES / 2**20:,.0f} MB, which is much for a script; "
                    "let its data take fewer rows"
                )
        kept = value.astype(np.int64) if value.dtype.kind in "iu" else value
        if kept.size > INLINE:
            self.arrays[name] = np.ascontiguousarray(kept)
            return f'torch.from_numpy(arrays["{name}"])'
        if not kept.size:
            dtype = "" if kept.dtype.kind == "f" else f", dtype=torch.{kept.dtype.name}"
            return f"torch.zeros({kept.shape!r}{dtype})"
        if kept.ndim and kept.dtype.kind == "f" and not (kept.any() or np.signbit(kept).any()):
            return f"torch.zeros({', '.join(map(str, kept.shape))})"
        if kept.ndim < 2:
            return f"torch.tensor({_said(kept, indent)})"
        rows = ",\n".join(f"{indent}    {_said(row, indent + '    ')}" for row in kept)
        return f"torch.tensor([\n{rows},\n{indent}])"


def _said(value: Array, indent: str) -> str:
    text = ast.unparse(literal(value.tolist()))
    lines = textwrap.wrap(text, 88 - len(indent), break_long_words=False, break_on_hyphens=False)
    return f"\n{indent} ".join(lines)

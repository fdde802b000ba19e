"""Data: the kinds of sources, their readers, a preview of what they hold, and edits that use them.

`KINDS` is the table: a row a kind. `preview(source, base)` looks at a source before it is imported.
`add_source`, `change_source`, `remove_source` and `embed` are edits. `read` gives all rows; training
goes through `engine.train.data`, which splits and standardises them.
"""

from engine.data.changes import add_source, change_source, embed, remove_source, tensors_of
from engine.data.csv_file import header
from engine.data.kinds import FILES, KINDS, kind_of, read, source_of
from engine.data.place import NotReady, at_once, checksum, locate
from engine.data.preview import Column, Preview, preview
from engine.data.record import COMMON, DataError, Kind, Option, Table, telling

__all__ = [
    "COMMON",
    "FILES",
    "KINDS",
    "Column",
    "DataError",
    "Kind",
    "NotReady",
    "Option",
    "Preview",
    "Table",
    "add_source",
    "at_once",
    "change_source",
    "checksum",
    "embed",
    "header",
    "kind_of",
    "locate",
    "preview",
    "read",
    "remove_source",
    "source_of",
    "telling",
    "tensors_of",
]  # fmt: skip

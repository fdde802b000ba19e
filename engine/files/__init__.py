"""The file format: reading, writing and upgrading documents."""

from engine.files.archive import (
    canonical_bytes,
    from_bytes,
    preview,
    read,
    replace_file,
    same_content,
    to_bytes,
    write,
    write_bytes,
)
from engine.files.document import from_text, to_text
from engine.files.strict import FileError

__all__ = [
    "FileError",
    "canonical_bytes",
    "from_bytes",
    "from_text",
    "preview",
    "read",
    "replace_file",
    "same_content",
    "to_bytes",
    "to_text",
    "write",
    "write_bytes",
]

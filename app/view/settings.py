"""What is remembered between runs: theme, window, keys, what was used lately or is often wired."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app import usage
from app.usage import Pair
from engine.files.strict import load_json

MAX_RECENT, MAX_COMMANDS = 12, 6


def store() -> QSettings:
    """The person's settings of this program."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "gradloom", "gradloom")


def recent() -> list[Path]:
    """Documents opened or saved lately, the last one first, those that are still there."""
    kept = store().value("recent", [])
    listed = [kept] if isinstance(kept, str) else kept if isinstance(kept, list) else []
    return [path for path in map(Path, listed) if path.is_file()]


def remember(path: Path) -> None:
    """Puts a document first in the list."""
    whole = path.absolute()
    paths = [whole, *(p for p in recent() if p != whole)][:MAX_RECENT]
    store().setValue("recent", [str(p) for p in paths])


def theme_name() -> str | None:
    value = store().value("theme", "")
    return str(value) if value in ("dark", "light") else None


def set_theme_name(name: str) -> None:
    store().setValue("theme", name)


def colours() -> str:
    """What values and gradients are painted in; the theme knows what it may be."""
    return str(store().value("colours", ""))


def set_colours(name: str) -> None:
    store().setValue("colours", name)


def shows_minimap() -> bool:
    return bool(store().value("minimap", True, bool))


def set_shows_minimap(on: bool) -> None:
    store().setValue("minimap", on)


def follows_step() -> bool:
    """Whether the view moves along with the step."""
    return bool(store().value("follow", True, bool))


def set_follows_step(on: bool) -> None:
    store().setValue("follow", on)


def window_state() -> tuple[QByteArray, QByteArray] | None:
    """Where the window and its panels stood; None the first time."""
    saved = store()
    geometry, state = saved.value("geometry"), saved.value("state")
    if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
        return geometry, state
    return None


def set_window_state(geometry: QByteArray, state: QByteArray) -> None:
    saved = store()
    saved.setValue("geometry", geometry)
    saved.setValue("state", state)


def connections() -> dict[Pair, int]:
    """How often the person wired which operators; their names and ports, nothing else."""
    found: dict[Pair, int] = {}
    for line in str(store().value("connections", "")).split(";"):
        words = line.split()
        if len(words) == 4 and words[3].isdigit():
            found[words[0], words[1], words[2]] = int(words[3])
    return found


def count_connection(pair: Pair) -> None:
    """Remembers one more wire between two operators of the table, or shipped modules."""
    if usage.is_public(pair):
        counts = usage.learned(connections(), pair)
        text = ";".join(f"{' '.join(found)} {times}" for found, times in counts.items())
        store().setValue("connections", text)


def keys() -> dict[str, list[str]]:
    """The keys a person changed, by action; what cannot be read counts as unchanged."""
    try:
        kept = load_json(str(store().value("keys", "{}")).encode())
    except ValueError:
        return {}
    return {
        str(action): listed
        for action, listed in (kept.items() if isinstance(kept, dict) else ())
        if isinstance(listed, list) and all(isinstance(key, str) for key in listed)
    }


def set_keys(changes: Mapping[str, Sequence[str]]) -> None:
    store().setValue("keys", json.dumps(changes))


def recent_commands() -> list[str]:
    """What was run from the command box lately, the last one first."""
    kept = store().value("commands", [])
    return [kept] if isinstance(kept, str) else list(kept) if isinstance(kept, list) else []


def remember_command(name: str) -> None:
    """Puts a command first in the list."""
    names = [name, *(n for n in recent_commands() if n != name)][:MAX_COMMANDS]
    store().setValue("commands", names)

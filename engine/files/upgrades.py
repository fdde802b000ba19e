"""One-step upgrades from each older format version to the next.

`UPGRADES[v]` turns the decoded text of a version-v document into that of version v + 1, so a file
of any age is read by the steps in between. A step is never changed once its version was released.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.files.strict import FileError

VERSION = 6


def _check_unheard_of(part: Any, keys: Iterable[str], version: int) -> None:
    """Refuses a part with keys that came later; a step would put its own values in their place."""
    if isinstance(part, dict):
        for key in keys:
            if key in part:
                raise FileError(f"it holds {key!r}, which format {version} does not have")


def _with_modules(document: dict[str, Any]) -> dict[str, Any]:
    """1 to 2: sizes, modules and operators of a document's own came."""
    new: dict[str, Any] = {"sizes": {}, "modules": {}, "operators": {}}
    _check_unheard_of(document, new, 1)
    return {**document, "version": 2, **new}


def _with_notes(document: dict[str, Any]) -> dict[str, Any]:
    """2 to 3: notes, bookmarks and muted nodes came, in modules as well."""

    def part(old: Any) -> Any:  # as deep as the text may be nested
        if not isinstance(old, dict):
            return old
        nodes, modules = old.get("nodes"), old.get("modules")
        came: dict[str, Any] = {"notes": [], "bookmarks": {}}
        _check_unheard_of(old, came, 2)
        new = {**old, **came}
        if isinstance(nodes, list):
            for node in nodes:
                _check_unheard_of(node, ("muted",), 2)
            new["nodes"] = [{**n, "muted": False} if isinstance(n, dict) else n for n in nodes]
        if isinstance(modules, dict):
            new["modules"] = {name: part(module) for name, module in modules.items()}
        return new

    return {**part(document), "version": 3}


def _with_viewers(document: dict[str, Any]) -> dict[str, Any]:
    """3 to 4: breakpoints, derivatives and pinned viewers came, in modules as well."""

    def part(old: Any) -> Any:  # as deep as the text may be nested
        if not isinstance(old, dict):
            return old
        came: dict[str, Any] = {"breakpoints": [], "derivatives": {}, "viewers": {}}
        _check_unheard_of(old, came, 3)
        new, modules = {**old, **came}, old.get("modules")
        if isinstance(modules, dict):
            new["modules"] = {name: part(module) for name, module in modules.items()}
        return new

    return {**part(document), "version": 4}


def _with_stages(document: dict[str, Any]) -> dict[str, Any]:
    """4 to 5: a recipe has stages, and data sources have options; in modules as well."""
    came: dict[str, Any] = {
        "title": "", "frozen": [], "schedule": "constant", "schedule_settings": {}, "formula": "",
        "per_epoch": False, "clip_norm": 0.0, "clip_value": 0.0, "l1_penalty": 0.0, "patience": 0,
        "min_delta": 0.0,
    }  # fmt: skip

    def part(old: Any) -> Any:  # as deep as the text may be nested
        if not isinstance(old, dict):
            return old
        new = dict(old)
        recipe, sources, modules = old.get("recipe"), old.get("sources"), old.get("modules")
        _check_unheard_of(recipe, ("stages", *came), 4)
        if isinstance(recipe, dict):
            stage = {k: v for k, v in recipe.items() if k != "seed"}
            new["recipe"] = {
                "stages": [{**stage, **came}], **({"seed": recipe["seed"]} if "seed" in recipe else {}),
            }  # fmt: skip
        if isinstance(sources, dict):
            for source in sources.values():
                _check_unheard_of(source, ("shuffle", "options"), 4)
            new["sources"] = {
                name: {**s, "shuffle": True, "options": {}} if isinstance(s, dict) else s
                for name, s in sources.items()
            }
        if isinstance(modules, dict):
            new["modules"] = {name: part(module) for name, module in modules.items()}
        return new

    return {**part(document), "version": 5}


def _with_lessons(document: dict[str, Any]) -> dict[str, Any]:
    """5 to 6: the panels that go with a document and the steps of a lesson came, in modules as well."""

    def part(old: Any) -> Any:  # as deep as the text may be nested
        if not isinstance(old, dict):
            return old
        came: dict[str, Any] = {"panels": [], "lesson": []}
        _check_unheard_of(old, came, 5)
        new, modules = {**old, **came}, old.get("modules")
        if isinstance(modules, dict):
            new["modules"] = {name: part(module) for name, module in modules.items()}
        return new

    return {**part(document), "version": 6}


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _with_modules, 2: _with_notes, 3: _with_viewers, 4: _with_stages, 5: _with_lessons,
}  # fmt: skip


def upgraded(value: Any) -> dict[str, Any]:
    """The document in this program's version.

    Raises FileError for what is no document and for a version that is not known, by its name.
    """
    if not isinstance(value, dict) or value.get("format") != "gradloom":
        raise FileError("it is not a Gradloom document")
    document: dict[str, Any] = value
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise FileError("it does not say which version of the format it has")
    if version > VERSION:
        raise FileError(
            f"it was made by a newer Gradloom (format {version}); this one reads format {VERSION}; "
            "update Gradloom"
        )
    while version < VERSION:
        step = UPGRADES.get(version)
        if step is None:
            raise FileError(f"format {version} never existed; the file is damaged")
        document, version = step(document), version + 1
    return document

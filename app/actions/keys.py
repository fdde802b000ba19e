"""Which keys each action has: the table's, and what a person changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.actions.gestures import FIXED, How
from app.actions.record import Action
from app.session import Event

Changes = Mapping[str, Sequence[str]]


class Keys:
    """The keys of all actions, in Qt's portable text; no key has two actions.

    What a person gave wins: an action is without a key of its own in the table while another has it.
    `changed` tells of every change; only differences from the table are kept.
    """

    def __init__(self, actions: Iterable[Action], changes: Changes | None = None) -> None:
        self.changed = Event()
        self._actions = {action.id: action for action in actions}
        self.load(changes or {})

    def of(self, action_id: str) -> tuple[str, ...]:
        """The keys of an action now, the one that is shown first."""
        return self._now[action_id]

    def first(self, action_id: str) -> str:
        """The key that menus and tooltips show, or nothing."""
        return next(iter(self._now[action_id]), "")

    def owner(self, key: str) -> Action | None:
        """The action that a key belongs to now."""
        return next((self._actions[a] for a, keys in self._now.items() if key in keys), None)

    def is_changed(self, action_id: str) -> bool:
        """The keys are not those of the table."""
        return self._now[action_id] != self._actions[action_id].keys

    @property
    def changes(self) -> dict[str, list[str]]:
        """What a person changed, by action."""
        return {action_id: list(keys) for action_id, keys in self._changes.items()}

    def give(self, action_id: str, keys: Sequence[str]) -> None:
        """An action has these keys from now on; whatever had one of them loses it."""
        self._put(action_id, keys)
        self._settle()
        self.changed.tell()

    def reset(self, action_id: str) -> None:
        """The keys of the table again, taken back from where they went."""
        self.give(action_id, self._actions[action_id].keys)

    def load(self, changes: Changes) -> None:
        """The table's keys but for these changes; those of unknown actions are left out."""
        self._changes: dict[str, tuple[str, ...]] = {}
        for action_id, keys in changes.items():
            if action_id in self._actions:
                self._put(action_id, keys)
        self._settle()
        self.changed.tell()

    def _put(self, action_id: str, keys: Sequence[str]) -> None:
        given = tuple(dict.fromkeys(keys))
        for other, had in list(self._changes.items()):
            kept = tuple(key for key in had if key not in given)
            if other != action_id and kept != had:
                self._changes[other] = kept
        self._changes[action_id] = given

    def _settle(self) -> None:
        self._changes = {
            a: keys for a, keys in self._changes.items() if keys != self._actions[a].keys
        }
        taken = {key for keys in self._changes.values() for key in keys}
        self._now = {
            a: self._changes.get(a, tuple(key for key in action.keys if key not in taken))
            for a, action in self._actions.items()
        }


def fixed(key: str) -> How | None:
    """What a key of the canvas itself does; it cannot be given to an action."""
    return next((how for how, keys in FIXED.items() if key in keys), None)

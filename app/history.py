"""Undo, redo, merging by gesture and the saved mark; the only writer of a document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.edits import Batch, Edit
from engine.graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """One undoable step: its name, the edit that redoes it and the edit that undoes it.

    Two steps are the same only when they are one object: edits hold arrays, which do not compare.
    """

    label: str
    forward: Edit
    backward: Edit


class History:
    """Applies edits to one document and remembers how to take them back.

    `changed` is called after every change with no argument. `do` with the same non-None `gesture` as
    the step before joins that step, so one drag is one undo; undo, redo and saving end a gesture.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.changed: list[Callable[[], None]] = []
        self._done: list[Done] = []
        self._undone: list[Done] = []
        self._gesture: object | None = None
        self._saved: Done | None = None
        self._saved_lost = False

    def do(self, edit: Edit, label: str, gesture: object | None = None) -> None:
        """Applies an edit as one step. Raises what the edit raises; then nothing changed."""
        backward = edit.apply(self.graph)
        step = Done(label, edit, backward)
        if gesture is not None and gesture == self._gesture:
            last = self._done.pop()
            step = Done(label, Batch((last.forward, edit)), Batch((backward, last.backward)))
        self._done.append(step)
        self._gesture = gesture
        self._saved_lost = self._saved_lost or self._saved in self._undone
        self._undone.clear()
        self._tell()

    def undo(self) -> str | None:
        """Takes the newest step back and returns its name, or None when there is none."""
        if not self._done:
            return None
        step = self._done[-1]
        step.backward.apply(self.graph)
        self._undone.append(self._done.pop())
        self._gesture = None
        self._tell()
        return step.label

    def redo(self) -> str | None:
        """Does the step taken back last again and returns its name, or None."""
        if not self._undone:
            return None
        step = self._undone[-1]
        step.forward.apply(self.graph)
        self._done.append(self._undone.pop())
        self._gesture = None
        self._tell()
        return step.label

    def mark_saved(self) -> None:
        """The document as it is now is what the file holds."""
        self._saved = self._done[-1] if self._done else None
        self._saved_lost = False
        self._gesture = None
        self._tell()

    def end_gesture(self) -> None:
        """The next edit starts a step of its own, whatever its gesture."""
        self._gesture = None

    def mark_unsaved(self) -> None:
        """No state in this history is what a file holds (a recovered document)."""
        self._saved_lost = True
        self._tell()

    @property
    def is_saved(self) -> bool:
        newest = self._done[-1] if self._done else None
        return not self._saved_lost and newest is self._saved

    @property
    def undo_label(self) -> str | None:
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        return self._undone[-1].label if self._undone else None

    @property
    def labels(self) -> list[str]:
        """Names of the steps done, oldest first."""
        return [step.label for step in self._done]

    def _tell(self) -> None:
        for listener in list(self.changed):
            listener()

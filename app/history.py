"""Undo, redo, merging by gesture and the saved mark; the only writer of a document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.edits import Batch, Edit
from engine.graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """One undoable step: its name, the edit that redoes it and the edit that undoes it."""

    label: str
    forward: Edit
    backward: Edit


class History:
    """Applies edits to one document and remembers how to take them back.

    `changed` is called after every change with no argument. `do` with the same non-None `gesture` as
    the step before joins that step, so one drag is one undo; undo, redo and saving end a gesture.
    `position` counts the steps done: 0 is the document as it was opened. `saved_at` is the position
    that the file holds, None when no position does.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.changed: list[Callable[[], None]] = []
        self._done: list[Done] = []
        self._undone: list[Done] = []
        self._gesture: object | None = None
        self.saved_at: int | None = 0

    def do(self, edit: Edit, label: str, gesture: object | None = None) -> None:
        """Applies an edit as one step. Raises what the edit raises; then nothing changed."""
        backward = edit.apply(self.graph)
        step = Done(label, edit, backward)
        if gesture is not None and gesture == self._gesture:
            last = self._done.pop()
            step = Done(
                label,
                Batch((*_parts(last.forward), edit)),
                Batch((backward, *_parts(last.backward))),
            )
        if self.saved_at is not None and self.saved_at > len(self._done):
            self.saved_at = None  # it was among the steps taken back, which are gone now
        self._done.append(step)
        self._gesture = gesture
        self._undone.clear()
        self._tell()

    def do_below(self, count: int, label: str, make: Callable[[], Edit | None]) -> bool:
        """Puts a step below the newest `count` ones: what `make` makes of the document without those,
        None for nothing. Raises what an edit raises; then nothing changed."""
        above = self._done[len(self._done) - count :]
        for step in reversed(above):
            step.backward.apply(self.graph)
        edit: Edit | None = None
        backward: Edit | None = None
        again: list[Done] = []
        try:
            edit = make()
            backward = edit.apply(self.graph) if edit is not None else None
            for step in above:
                undo = step.forward.apply(self.graph)
                again.append(Done(step.label, step.forward, undo))
        except Exception:
            for step in reversed(again):
                step.backward.apply(self.graph)
            if backward is not None:
                backward.apply(self.graph)
            for step in above:
                step.forward.apply(self.graph)
            raise
        if edit is None or backward is None:
            return False
        if self.saved_at is not None and self.saved_at > len(self._done) - count:
            self.saved_at = None  # without this step the document was another one
        self._done[len(self._done) - count :] = [Done(label, edit, backward), *again]
        self._gesture = None
        self._undone.clear()
        self._tell()
        return True

    def undo(self) -> str | None:
        """Takes the newest step back and returns its name, or None when there is none."""
        label = self.undo_label
        if label is not None:
            self.jump(self.position - 1)
        return label

    def redo(self) -> str | None:
        """Does the step taken back last again and returns its name, or None."""
        label = self.redo_label
        if label is not None:
            self.jump(self.position + 1)
        return label

    def jump(self, position: int) -> None:
        """Undoes or redoes up to a position, the nearest there is; listeners hear of it once."""
        position = max(0, min(position, self.length))
        if position == self.position:
            return
        self._gesture = None
        try:
            while self.position > position:
                self._done[-1].backward.apply(self.graph)
                self._undone.append(self._done.pop())
            while self.position < position:
                self._undone[-1].forward.apply(self.graph)
                self._done.append(self._undone.pop())
        finally:
            self._tell()

    def mark_saved(self) -> None:
        """The document as it is now is what the file holds."""
        self.saved_at = self.position
        self._gesture = None
        self._tell()

    def end_gesture(self) -> None:
        """The next edit starts a step of its own, whatever its gesture."""
        self._gesture = None

    def mark_unsaved(self) -> None:
        """No state in this history is what a file holds (a recovered document)."""
        self.saved_at = None
        self._tell()

    @property
    def is_saved(self) -> bool:
        return self.saved_at == self.position

    @property
    def position(self) -> int:
        return len(self._done)

    @property
    def length(self) -> int:
        """All steps, those taken back included."""
        return len(self._done) + len(self._undone)

    def label(self, number: int) -> str:
        """The name of a step, the oldest being 1, done or taken back."""
        done = len(self._done)
        return self._done[number - 1].label if number <= done else self._undone[done - number].label

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


def _parts(edit: Edit) -> tuple[Edit, ...]:
    """What a step is made of: joined a thousand times, it must not be a thousand deep."""
    return edit.edits if isinstance(edit, Batch) else (edit,)

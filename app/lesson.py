"""A person's way through a document's lesson: the step, what is done, tries and hints; without Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.session import Event, Session
from app.text import tr
from engine.evaluate import Evaluation
from engine.lesson import Step
from engine.lines import Line
from engine.teaching.goals import Situation, reached
from engine.teaching.grading import Verdict, grade
from engine.teaching.naming import key_of, place_of, value_of
from engine.veil import What

TRIES = 2
"""After so many wrong answers the number may be shown."""


@dataclass(frozen=True)
class Way:
    """How far a lesson was walked: the step looked at, the one reached, and those that are done."""

    at: int = 0
    reached: int = 0
    done: frozenset[int] = frozenset()


class Lesson:
    """The lesson of the session's document, as it is walked. `changed` tells of everything.

    `writing` is true while a teacher writes
    it. While a question is open, the session hides the number that it asks for; also while one looks back
    at steps before it. `look` says how things stand, for the goals of deeds. `aside` says what was done
    instead of a deed.
    """

    def __init__(self, session: Session, look: Callable[[], Situation]) -> None:
        self.session, self._look = session, look
        self.changed = Event()
        self.arrived = Event()
        self.way, self._keeps = Way(), ""
        self.writing = False
        self._forget()

    def _forget(self) -> None:
        self.hints = self.tries = 0
        self.verdict: Verdict | None = None
        self.wrong: tuple[int, ...] = ()  # choices, in the order in which they were taken
        self.was_shown = False
        self.aside = ""
        self._had = frozenset(self.session.root.nodes)
        self.refused = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        found: tuple[Step, ...] = self.session.root.settings["lesson"]
        return found

    @property
    def at(self) -> int:
        return min(self.way.at, len(self.steps))

    @property
    def step(self) -> Step | None:
        """The step looked at; None behind the last one, and without a lesson."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    @property
    def is_done(self) -> bool:
        """Whether the step looked at is done, or only to be read."""
        step = self.step
        return step is None or step.kind == "read" or self.at in self.way.done

    @property
    def is_finished(self) -> bool:
        return bool(self.steps) and len(self.way.done) >= len(self.steps)

    # ------------------------------------------------------------ going

    def forget(self) -> None:
        """Another document is shown: nothing of the lesson before it holds."""
        self.way, self.writing = Way(), False
        self._forget()
        self._lock()

    def begin(self, way: Way) -> None:
        """Goes on where one was."""
        self.writing = False
        most = len(self.steps)
        reached = min(way.reached, most)
        self.way = Way(min(way.at, reached), reached, frozenset(n for n in way.done if n < most))
        self._arrive()

    def write(self, at: int) -> None:
        """Looks at a step as it is written: nothing is asked, hidden or kept from changing."""
        self.writing = True
        self.way = Way(at, max(len(self.steps) - 1, 0), frozenset(range(at)))
        self._arrive()

    def attempt(self, at: int) -> None:
        """Walks from a step on, as if those before it were done."""
        self.writing = False
        self.way = Way(at, at, frozenset(range(at)))
        self._arrive()

    def go(self, at: int) -> None:
        """Looks at a step that was reached before."""
        if 0 <= at <= self.way.reached:
            self.way = Way(at, self.way.reached, self.way.done)
            self._arrive()

    def next(self) -> None:
        """On to the next step; what was to be read was read."""
        if self.step is None or not self.is_done:
            return
        self.skip(True)

    @property
    def may_skip(self) -> bool:
        """Whether one may go on without having done what the step asks for: a deed, or a question about
        a number that is not there."""
        step = self.step
        asks = step is not None and step.kind == "ask" and self.number is None
        return not self.is_done and (asks or (step is not None and step.kind == "do"))

    def skip(self, done: bool = False) -> None:
        """On to the next step, whether or not this one is done."""
        at = self.at
        if at < len(self.steps):
            marked = self.way.done | {at} if done else self.way.done
            self.way = Way(at + 1, max(self.way.reached, at + 1), marked)
            self._arrive()

    def back(self) -> None:
        self.go(self.at - 1)

    def revise(self) -> None:
        """The steps are others now: by undo, or as they are written."""
        if self.way.reached > len(self.steps):
            self.way = Way(self.at, len(self.steps), self.way.done)
        self._cover()
        self.changed.tell()

    def _arrive(self) -> None:
        self._forget()
        step = self.step
        self._stand(step)
        self.arrived.tell()
        self.check()
        self.changed.tell()

    def _stand(self, step: Step | None) -> None:
        """The pass as the step asks for it, or right before the number that is asked for."""
        session = self.session
        self._cover()
        if step is None or self.writing:
            return
        if _withholds(step) and not self.is_done and (step.kind == "ask" or not step.at):
            self._look_at(step)
            session.seek(len(session.steps))
        elif step.at:
            ends = {"start": 0, "forward": session.forward_end, "end": len(session.steps)}
            session.seek(ends[step.at])

    def _look_at(self, step: Step) -> None:
        """The module in which the node stands that is asked about."""
        found = place_of(self.session.root, step.node)
        if found is not None and found[0] != self.session.place:
            self.session.go(found[0])

    # ------------------------------------------------------------ questions

    @property
    def question(self) -> Step | None:
        """The question that is open: that of the step one has come to."""
        step, reached = self.steps, self.way.reached
        if self.writing:
            return None
        if reached < len(step) and _withholds(step[reached]) and reached not in self.way.done:
            return step[reached]
        return None

    def _cover(self) -> None:
        """Hides what the open question asks for; where questions follow each other, what the next one
        does."""
        wanted, steps, at = self.question, self.steps, self.at
        follows = (
            not self.writing
            and at == self.way.reached
            and at in self.way.done
            and at + 1 < len(steps)
        )
        if follows and steps[at].kind == steps[at + 1].kind == "ask":
            known = self.session.known
            now, then = (self._made_at(s, known) for s in steps[at : at + 2])
            if at + 1 not in self.way.done and now < then:
                wanted = steps[at + 1]
        key = key_of(self.session.root, wanted.node) if wanted is not None else None
        hidden: tuple[str, What] | None = None
        if wanted is not None and isinstance(key, str):
            hidden = key, wanted.of
        if hidden != self.session.hidden:
            self.session.hide(hidden)
        self._lock()

    def keep_document(self, why: str) -> None:
        """From now on the document is changed only where a step asks for a deed; `why` is a sentence,
        empty when everything may be changed again."""
        self._keeps = why
        self._lock()

    def _lock(self) -> None:
        step, asks = self.step, self.question is not None
        says = tr("answer the question of the lesson first; the document stays as it is meanwhile")
        acts = step is not None and step.kind == "do"
        self.session.locked = says if asks else "" if acts else self._keeps

    def _made_at(self, step: Step, found: Evaluation) -> int:
        """The micro-step of a whole pass that makes what a question asks for; 0 where none does."""
        key = key_of(self.session.root, step.node)
        if not isinstance(key, str):
            return 0
        script, name = found.steps.script, found.step_of(key)
        if step.of == "value":
            return script.computed_at.get(name, 0)
        return script.sums_at.get(name, [0])[-1]

    def submit(self, text: str) -> None:
        """Grades what was typed; a right answer shows the number in the pass."""
        step = self.step
        if step is None or step.kind != "ask" or self.is_done:
            return
        self.refused = ""
        verdict = grade(self.session.known, text, step.node, step.of, step.index, step.tolerance)
        if verdict.answer is None:
            self.refused = verdict.said
        else:
            self.verdict = verdict
            if verdict.right:
                self._reveal()
            else:
                self.tries += 1
        self.changed.tell()

    @property
    def number(self) -> float | None:
        """What the question of the step asks for; None where there is no such number."""
        step, known = self.step, self.session.known
        found = None if step is None else value_of(known, step.node, step.of)
        if step is None or found is None:
            return None
        entries = np.asarray(found)
        try:
            return float(entries[step.index] if step.index else entries)
        except (IndexError, TypeError, ValueError):
            return None

    @property
    def may_show(self) -> bool:
        """Whether the number, or the right choice, is shown when it is asked for."""
        step = self.step
        asks = step is not None and step.kind in ("ask", "choose")
        return asks and not self.is_done and self.tries >= TRIES

    def show(self) -> None:
        """The question is over: goes on to the number that was asked for, or ticks the right choice."""
        step = self.step
        if not self.may_show or step is None:
            return
        self.verdict, self.was_shown = None, True
        if step.kind == "choose":
            self._done()
        else:
            self._reveal()
        self.changed.tell()

    def _reveal(self) -> None:
        step = self.step
        assert step is not None
        self._done()
        at = self._made_at(step, self.session.whole)
        if at:
            self.session.seek_whole(at)

    def choose(self, number: int) -> None:
        """Takes one of the choices."""
        step = self.step
        if step is None or step.kind != "choose" or self.is_done:
            return
        if number == step.answer:
            self._done()
        elif number not in self.wrong:
            self.wrong = *self.wrong, number
            self.tries += 1
        self.changed.tell()

    @property
    def reply(self) -> str:
        """What the step says of the wrong choice that was taken last."""
        replies = self.step.replies if self.step is not None else ()
        return replies[self.wrong[-1]] if replies and self.wrong else ""

    @property
    def hints_there(self) -> list[tuple[str, Line | None]]:
        """The step's hints, and those that lead on from a wrong answer: words, and a rule below."""
        written = self.step.hints if self.step is not None else ()
        more = self.verdict.hints if self.verdict is not None and not self.is_done else ()
        return [*((text, None) for text in written), *((h.said, h.line) for h in more)]

    @property
    def has_hint(self) -> bool:
        return not self.is_done and self.hints < len(self.hints_there)

    def hint(self) -> None:
        """One hint more."""
        if self.has_hint:
            self.hints += 1
            self.changed.tell()

    # ------------------------------------------------------------ deeds

    def check(self) -> None:
        """Whether the deed is done by now."""
        step = self.step
        if step is None or step.kind != "do" or self.is_done or self.writing:
            return
        if reached(step.goal, self._look(), step.settings):
            self._done()
            self.changed.tell()
        elif self.aside != (aside := self._beside(step)):
            self.aside = aside
            self.changed.tell()

    def _beside(self, step: Step) -> str:
        """What was done instead, where that is plain: a node of another operator was added."""
        wanted, nodes = step.settings.get("operator"), self.session.root.nodes
        added = [node.op for key, node in nodes.items() if key not in self._had]
        if step.goal != "node" or not wanted or not added or wanted in added:
            return ""
        says = tr("You added {op}, and the step asks for {wanted}. Ctrl+Z takes it back.")
        return says.format(op=added[-1], wanted=wanted)

    def _done(self) -> None:
        self.way = Way(self.way.at, self.way.reached, self.way.done | {self.at})
        self._cover()


def _withholds(step: Step) -> bool:
    """Whether a step hides a number until it is done: the one asked for, or one that tells its choice."""
    return step.kind == "ask" or (step.kind == "choose" and bool(step.node))

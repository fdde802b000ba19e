"""What the window does with lessons: begins one, notices deeds, keeps how far one is, ends one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app import lesson_home
from app.actions import PANELS
from app.lesson import Lesson, Way
from app.marks import Badge, Mark
from app.matching import Words
from app.messages import Progress
from app.text import tr
from app.view.finder import Entry
from app.view.lessons import quizzes, worksheets
from app.view.lessons.editor import LessonEditor
from app.view.lessons.panel import WIDTH, LessonPanel
from app.view.origins import wires_of
from engine import lessons
from engine.graph import Graph
from engine.lesson import Step
from engine.teaching.goals import Situation

if TYPE_CHECKING:
    from app.view.frame import Frame

OWNER = "lesson"
CHECK_MS, KEEP_MS = 60, 700
SHARES = (60, 40)
"""Of the height, for the lesson and for the palette below it."""
EDITOR = 396
"""Width of the editor."""
COVERED = tr("After your answer.")
OPEN = ("lesson", "lesson_editor", "palette", "inspector", "trace_table", "viewer")
"""Panels that show nothing of what comes after the step that is shown; the others wait for the answer."""
OWN = ("lesson", "lesson_editor")
NEEDED = {"node": "palette", "wire": "palette", "formula": "palette", "trained": "training",
          "measured": "training", "setting": "recipe"}  # fmt: skip
"""The panel that a goal is reached with."""


HARMLESS = ("file", "view", "go", "step", "help", "lesson")
"""Menus whose actions change and compute nothing; those beginning as TELLING show other numbers."""
TELLING = ("file.export", "file.copy", "lesson.answers")
NO_EDITS = ("edit.open_module", "edit.leave_module", "edit.select_all", "edit.copy")
"""What stands in the menu Edit and changes nothing."""


class Lessons(QObject):
    """The lesson of the document of one window. `changed` tells that other actions may be done."""

    changed = Signal()

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        self.lesson = Lesson(self.session, self.situation)
        self.panel = LessonPanel(self.lesson)
        self.panel.answered.connect(self._answered)
        self.editor = LessonEditor(self)
        self._start: Graph | None = None
        self._alone = False  # the document is kept with how far one is
        self._key = self._locked = ""
        self._steps: object = ()
        self._news = Progress("idle")
        self._measures: dict[str, dict[str, float]] = {}
        self._check_timer = self._once(CHECK_MS, self.lesson.check)
        self._keep_timer = self._once(KEEP_MS, self.keep)
        self.lesson.arrived.join(self._arrived)
        self.lesson.changed.join(self._changed)
        s = self.session
        s.opened.join(self._closed)
        for event in (s.evaluated, s.cursor_moved, s.selection_changed, s.place_changed):
            event.join(self.look_soon)
        s.document_changed.join(self._document_changed)
        window.documents.settling.connect(self.keep)
        window.documents.opened.connect(self.leave)
        window.bridge.progress.connect(self.take)

    def _once(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    # ------------------------------------------------------------ as actions use it

    @property
    def is_on(self) -> bool:
        """Whether the document has a lesson."""
        return bool(self.lesson.steps)

    @property
    def at(self) -> int:
        return self.lesson.at

    @property
    def step(self) -> Step | None:
        return self.lesson.step

    @property
    def is_done(self) -> bool:
        return self.lesson.is_done

    @property
    def has_hint(self) -> bool:
        return self.lesson.has_hint

    @property
    def may_show(self) -> bool:
        return self.lesson.may_show

    @property
    def may_skip(self) -> bool:
        return self.lesson.may_skip

    @property
    def another(self) -> str:
        """The shipped lesson that comes after this one; empty where none does."""
        return lessons.after(self.session.root.settings["title"])

    def refuse(self, sentence: str) -> None:
        """Says why something was not done."""
        self.window.tell(sentence)

    def choose(self) -> None:
        """The shipped lessons in the command box, each with how far one is."""

        def entry(name: str) -> Entry:
            info = lessons.INFO[name]
            done, count = lesson_home.progress(name)
            far = tr("finished") if done >= count else f"{done}/{count}" if done else ""
            words = Words(tr(info.title), category=tr(info.topic), about=tr(info.about))
            note = f"{tr(info.topic)} · {far}" if far else tr(info.topic)
            return Entry(tr(info.title), note, partial(self.open, name), words)

        entries = [entry(name) for name in lessons.names()]
        if entries:
            self.window.finder.ask(entries, tr("Lessons"))
        else:
            self.window.tell(tr("no lesson comes with this version"))

    def open(self, name: str) -> None:
        """Opens a shipped lesson, after the question about unsaved changes."""
        self.window.documents.open_lesson(name)

    @property
    def _asks(self) -> bool:
        """Whether a number is asked for, or hidden because it will be next."""
        return self.session.hidden is not None or self.lesson.question is not None

    def allows(self, action_id: str) -> bool:
        """Whether an action may be done now: not while it would tell the number that is asked for, nor
        change a document that is to stay as it is."""
        menu = action_id.partition(".")[0]
        if self._asks:
            return menu in HARMLESS and not action_id.startswith(TELLING)
        return not self.session.locked or menu != "edit" or action_id in NO_EDITS

    def next(self) -> None:
        self.lesson.next()

    def back(self) -> None:
        self.lesson.back()

    def hint(self) -> None:
        self.lesson.hint()

    def skip(self) -> None:
        self.lesson.skip()

    def show(self) -> None:
        self.lesson.show()

    def edit(self) -> None:
        """The editor beside the lesson; a document without one gets a first step."""
        window = self.window
        window.panel_room.lend()
        for name, dock in window.docks.items():
            if PANELS[name].area == "right" and name not in OWN:
                dock.hide()
        window.show_panel("lesson_editor")
        window.resizeDocks([window.docks["lesson_editor"]], [EDITOR], Qt.Orientation.Horizontal)
        self.editor.begin()
        self.lesson.write(min(self.lesson.at, max(len(self.lesson.steps) - 1, 0)))
        self.show_dock(WIDTH)

    def quiz(self) -> None:
        """Asks what quiz is wanted, and opens it."""
        quizzes.ask(self.window)

    def worksheet(self, answers: bool) -> None:
        """Writes what the lesson asks as a worksheet, with or without answers."""
        document = self.session.root.copy()
        worksheets.offer(self.window, (document,), 1, self.session.title, answers)

    def start_over(self) -> None:
        """The document as it was opened first, and its lesson from the first step; asks about changes
        that nothing keeps."""
        start, session = self._start, self.session
        if start is None or not self.is_on or not self.window.documents.may_leave():
            return
        lesson_home.forget(self._key)
        is_saved = self._alone or session.history.saved_at == 0
        self.window.bridge.forget()
        session.load(start.copy(), session.path, session.title)
        if not is_saved:
            session.history.mark_unsaved()
        self.window.documents.opened.emit()

    # ------------------------------------------------------------ opening and leaving

    def opened(self) -> None:
        """A document was opened: its lesson goes on where one was."""
        if not self.is_on:
            return
        self._key = lesson_home.key_of(self.session.root)
        self._start = self.session.root.copy()
        walked = lesson_home.way(self._key)
        self._alone = self.session.path is None and self.window.documents.is_fresh
        if self._alone and walked.reached:
            left = lesson_home.document(self._key)
            if left is not None:
                start = self._start
                left.put("settings", "lesson", start.settings["lesson"])  # in the words of today
                self.session.load(left, None, self.session.title)
                self._key, self._start = lesson_home.key_of(self.session.root), start
        self.begin(walked)

    def begin(self, walked: Way) -> None:
        """The lesson of the document that is shown, with the panels that it asks for."""
        for name, dock in self.window.docks.items():
            if name not in self.session.root.settings["panels"]:
                dock.hide()
        self.lesson.begin(walked)

    def _closed(self) -> None:
        """Another document takes the place of this one."""
        self._keep_timer.stop()
        self._check_timer.stop()
        self._start, self._news, self._measures = None, Progress("idle"), {}
        self.lesson.forget()
        self.panel.refresh()
        if not self.window.editing:
            self.leave()

    def leave(self) -> None:
        """The panels stand as they did before the document; told when another one is shown whole,
        since panels that are shown begin to read it."""
        self._cover()
        self.window.panel_room.give_back()

    def close(self) -> None:
        """The window closes: its panels are remembered as they stood before class mode and lesson."""
        self.window.class_mode.leave()
        self.leave()

    # ------------------------------------------------------------ following

    def _arrived(self) -> None:
        if self._asks:
            self.window.bridge.pause()  # the number that is asked for stays what it is
        self.arrange()

    def _needed(self) -> list[str]:
        """The panels that the step asks for, and the one that its deed needs."""
        step = self.lesson.step
        if step is None:
            return []
        needed = NEEDED.get(step.goal, "") if step.kind == "do" and not self.lesson.is_done else ""
        return [name for name in (*step.panels, needed) if name in self.window.docks]

    def wanted(self) -> set[str]:
        """The panels that stay in class mode."""
        return {*self._needed(), *(("lesson",) if self.is_on else ())}

    def arrange(self) -> None:
        """The panels as the step asks for them; without any they stay, but for the palette."""
        step, docks, needed = self.lesson.step, self.window.docks, self._needed()
        if not self.is_on:
            return
        for name, dock in docks.items():
            gone = step is not None and (step.panels or name == "palette")
            if gone and name not in (*needed, *OWN) and not dock.isHidden():
                dock.hide()
        for name in needed:
            if not docks[name].is_seen:
                self.window.show_panel(name)
        self.show_dock(WIDTH)
        if "palette" in needed:
            below = [docks["lesson"], docks["palette"]]
            self.window.resizeDocks(below, [*SHARES], Qt.Orientation.Vertical)

    def show_dock(self, width: int) -> None:
        dock = self.window.docks["lesson"]
        if dock.isHidden() or width != WIDTH:
            dock.show()
            self.window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
        dock.raise_()

    def _changed(self) -> None:
        self._cover()
        count = len(self.lesson.steps)
        at = tr("Step {number} of {count}").format(number=self.lesson.at + 1, count=count)
        self.window.docks["lesson"].show_status(at if self.lesson.step is not None else "")
        self._mark()
        was, self._locked = self._locked, self.session.locked
        if was != self._locked:
            self.window.top.formula.withdraw(was)
        self.changed.emit()
        if self._start is not None:
            self._keep_timer.start()

    def _answered(self) -> None:
        """The keys are the canvas's again: one wants to step on, and a line that is over would eat them."""
        self.window.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _cover(self) -> None:
        """Panels that would tell the number that is asked for wait for the answer."""
        hides = self.session.hidden is not None
        for name, dock in self.window.docks.items():
            dock.cover(COVERED if hides and name not in OPEN else "")

    def _mark(self) -> None:
        """What the explanation of a wrong answer speaks of is pointed out on the canvas."""
        verdict, session = self.lesson.verdict, self.session
        if verdict is None or verdict.right or verdict.line is None:
            session.marks.put(OWNER, None)
            return
        origins = [o for part in verdict.line.parts for o in part.origins]
        lit = frozenset(key for o in origins for key in wires_of(session, o))
        at = session.evaluation.node_of(origins[0].node) if origins else None
        badge = Badge(tr("here"), "warning", verdict.said)
        session.marks.put(OWNER, Mark(lit=lit, badges={at: badge} if at else {}))

    def look_soon(self) -> None:
        step = self.lesson.step
        if step is not None and step.kind == "do" and not self.lesson.is_done:
            if not self._check_timer.isActive():
                self._check_timer.start()

    def _document_changed(self) -> None:
        self.look_soon()
        if self.session.root.settings["lesson"] is not self._steps:
            self._steps = self.lesson.steps
            self.lesson.revise()
        if self._start is not None and not self.session.history.is_saved:
            self._keep_timer.start()

    def take(self, news: Progress) -> None:
        """How far a training is."""
        self._news = news
        for part, named in news.metrics.items():
            self._measures.setdefault(part, {}).update(named)
        if math.isfinite(news.loss):
            self._measures.setdefault("train", {})["loss"] = news.loss
        self.look_soon()

    def keep(self) -> None:
        """Keeps how far one is; a document that has no file of its own is kept with it."""
        self._keep_timer.stop()
        session = self.session
        written = self.lesson.writing or lesson_home.key_of(session.root) != self._key
        if self._start is None or written:
            return
        if QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._keep_timer.start()  # what is kept ends a gesture, and one goes on
            return
        alone = self._alone and session.path is None
        try:
            lesson_home.keep(self._key, self.lesson.way, session.root if alone else None)
        except (OSError, ValueError):
            return  # nothing can be kept here; the lesson goes on all the same
        if alone and not session.history.is_saved:
            session.history.mark_saved()

    def situation(self) -> Situation:
        """How things stand, as goals ask for it."""
        session, known = self.session, self.session.known
        names = session.path_names
        start = "".join(f"{name}." for name in names)
        graph = session.graph
        return Situation(
            session.root, known, session.whole_cursor,
            tuple(start + graph.name(n) for n in session.selection),
            frozenset(n for n, dock in self.window.docks.items() if dock.is_seen),
            ".".join(names), self._news.step, self._news.epoch, self._measures,
        )  # fmt: skip

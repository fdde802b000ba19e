"""Actions on lessons: walked, started over, written, and made as a quiz."""

from __future__ import annotations

from app.actions.context import Context
from app.actions.record import Action, free

MENU = "Lesson"


def _open(c: Context) -> bool:
    return c.editing and c.lessons.is_on


def _may_go_on(c: Context) -> bool:
    return _open(c) and c.lessons.step is not None and c.lessons.is_done


def _may_go_back(c: Context) -> bool:
    return _open(c) and c.lessons.at > 0


def _has_another(c: Context) -> bool:
    return _open(c) and bool(c.lessons.another)


def _has_hint(c: Context) -> bool:
    return _open(c) and c.lessons.has_hint


def _may_show(c: Context) -> bool:
    return _open(c) and c.lessons.may_show


def _may_skip(c: Context) -> bool:
    return _open(c) and c.lessons.may_skip


ACTIONS = (
    Action(
        "lesson.choose", "Lessons…", MENU, lambda c: c.lessons.choose(),
        tip="Every lesson that comes with Gradloom, and how far you are in it.",
    ),
    Action(
        "lesson.quiz", "New quiz…", MENU, lambda c: c.lessons.quiz(),
        tip="A small graph drawn by a seed, whose values and gradients are asked.",
    ),
    Action("lesson.next", "Next step", MENU, lambda c: c.lessons.next(), "Ctrl+.", _may_go_on, 1),
    Action("lesson.back", "Step before", MENU, lambda c: c.lessons.back(), "Ctrl+,", _may_go_back, 1),
    Action("lesson.hint", "Hint", MENU, lambda c: c.lessons.hint(), "", _has_hint, 1),
    Action(
        "lesson.show", "Show the answer", MENU, lambda c: c.lessons.show(), "", _may_show, 1,
        "After two wrong answers: goes on to the number that is asked for.",
    ),
    Action("lesson.skip", "Skip this step", MENU, lambda c: c.lessons.skip(), "", _may_skip, 1),
    Action(
        "lesson.another", "Next lesson", MENU, lambda c: c.lessons.open(c.lessons.another), "",
        _has_another, 1, "The lesson that comes after this one.",
    ),
    Action(
        "lesson.again", "Start over", MENU, lambda c: c.lessons.start_over(), "", _open, 1,
        "The document as it came, and its lesson from the first step.",
    ),
    Action(
        "lesson.worksheet", "Worksheet…", MENU, lambda c: c.lessons.worksheet(False), "", _open, 2,
        "What the lesson asks, to be printed: PDF or HTML.",
    ),
    Action(
        "lesson.answers", "Worksheet with answers…", MENU, lambda c: c.lessons.worksheet(True), "",
        _open, 2, "The same with every answer, each gradient with its chain rule.",
    ),
    Action(
        "lesson.edit", "Edit the lesson", MENU, lambda c: c.lessons.edit(), "", free, 2,
        "Its steps as a list and as forms; in a document without a lesson, a new one.",
    ),
)  # fmt: skip

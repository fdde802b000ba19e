"""A person walks a lesson to its end: reads, does the deeds with mouse and keys, answers wrong and right."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from hands import LEFT, PLAIN, drag, links, seen
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.sight import parts
from app.view.lessons.prose import Card
from app.view.lessons.question import Choice
from app.view.theme import number_text
from app.view.window import Window
from engine.edits import set_setting, set_tensors
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph
from engine.lesson import Step
from engine.teaching.goal import Settings, related
from engine.teaching.goals import problem, settled
from engine.teaching.naming import place_of, value_of

Do = Callable[[Window, QtBot, Settings], None]
TRAINING_MS = 90_000
CONTROL = Qt.KeyboardModifier.ControlModifier


def walk(window: Window, qtbot: QtBot) -> None:
    """From the step that is shown to the end. Fails where a step cannot be done as it says, where a
    question tells its number before it is answered, and where an answer is graded wrong."""
    lesson = window.lessons.lesson
    assert lesson.steps, "the document has no lesson"
    while lesson.step is not None:
        number, step = lesson.at, lesson.step
        told = f"step {number + 1} ({step.kind}) {step.title!r}"
        assert step.title and step.text.strip(), f"{told} has no title or no text"
        assert window.docks["lesson"].is_seen, f"{told}: the panel is not seen"
        ask_for_hints(window, told)
        KINDS[step.kind](window, qtbot, step, told)
        assert lesson.is_done, f"{told} is not done"
        assert lesson.at == number, f"{told} went on by itself"
        assert window.lessons.panel.next.isEnabled(), f"{told}: there is no way on"
        QTest.mouseClick(window.lessons.panel.next, LEFT)
        assert lesson.at == number + 1, f"{told}: Next does not go on"
    assert lesson.is_finished
    assert window.lessons.panel.title.text == "Finished"


def ask_for_hints(window: Window, told: str) -> None:
    panel, lesson = window.lessons.panel, window.lessons.lesson
    step = lesson.step
    assert step is not None
    for count in range(1, len(step.hints) + 1):
        if lesson.is_done:
            return
        QTest.mouseClick(panel.more, LEFT)
        assert panel.hints.count() == count, f"{told}: hint {count} is not shown"


# ------------------------------------------------------------------------------- kinds of steps


def read(window: Window, qtbot: QtBot, step: Step, told: str) -> None:
    assert not step.goal and not step.choices, f"{told} is to be read and asks for something"


def do(window: Window, qtbot: QtBot, step: Step, told: str) -> None:
    lesson = window.lessons.lesson
    wrong = problem(step.goal, step.settings, window.session.root)
    assert not wrong, f"{told}: {wrong}"
    if lesson.is_done:
        return  # what the step waits for was so when it was reached; an author may mean that
    qtbot.waitExposed(window)
    close_editors(window)
    DEEDS[step.goal](window, qtbot, settled(step.goal, step.settings))
    qtbot.wait(10)
    qtbot.waitUntil(lambda: lesson.is_done, timeout=3000)


def ask(window: Window, qtbot: QtBot, step: Step, told: str) -> None:
    lesson, panel, session = window.lessons.lesson, window.lessons.panel, window.session
    number = lesson.number
    assert number is not None, f"{told}: there is no such number"
    assert math.isfinite(number), f"{told} asks for {number}"
    assert session.hidden is not None, f"{told}: nothing hides what is asked for"
    hides(window, number, told)
    for wrong in (2 * abs(number) + 1.25, abs(number) + 2.5):
        enter(panel.answer.line, f"{wrong:.6g}")
        assert not lesson.is_done, f"{told} takes {wrong:.6g} for {number:.6g}"
        assert lesson.verdict is not None and not lesson.verdict.right, lesson.refused
        assert panel.verdicts.count() == 1, f"{told}: nothing is said of a wrong answer"
        hides(window, number, f"{told}, after a wrong answer,")
    assert panel.show_me.isVisible(), f"{told}: the answer is not shown after two tries"
    enter(panel.answer.line, f"{number:.8g}")
    assert lesson.is_done, f"{told} does not take {number:.8g}"
    assert session.hidden != (key_of(window, step), step.of)
    shown = number_shown(window, step)
    assert shown is not None, f"{told}: the answer is not shown in the pass"
    assert np.isclose(shown, number), f"{told}: the pass shows {shown}"


def choose(window: Window, qtbot: QtBot, step: Step, told: str) -> None:
    panel, lesson = window.lessons.panel, window.lessons.lesson
    assert len(step.choices) > 1, f"{told} has nothing to choose from"
    buttons = [button for button in panel.choice_buttons if isinstance(button, Choice)]
    assert [b.prose for b in buttons] == list(step.choices)
    wrong = next(b for b in buttons if b.number != step.answer)
    QTest.mouseClick(wrong, LEFT)
    assert not lesson.is_done and wrong.verdict == "wrong", f"{told} takes a wrong choice"
    item = panel.verdicts.itemAt(0)
    card = item.widget() if item is not None else None
    said = card.prose.text if isinstance(card, Card) else ""
    reply = step.replies[wrong.number] if step.replies else ""
    assert said == reply, f"{told} says {said!r} of a wrong choice"
    QTest.mouseClick(buttons[step.answer], LEFT)
    assert buttons[step.answer].verdict == "right"


KINDS: dict[str, Callable[[Window, QtBot, Step, str], None]] = {
    "read": read, "do": do, "ask": ask, "choose": choose,
}  # fmt: skip


def enter(line: QLineEdit, text: str) -> None:
    """Types a text in place of what stands there, and Enter."""
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def key_of(window: Window, step: Step) -> str:
    found = place_of(window.session.root, step.node)
    assert found is not None
    return ".".join((*found[0], found[1]))


def number_shown(window: Window, step: Step) -> float | None:
    """What the canvas shows of the node that was asked for."""
    session = window.session
    place, node_id = parts(key_of(window, step))
    assert session.place == place
    array = (session.shown_value if step.of == "value" else session.shown_gradient)(node_id)
    return None if array is None else float(array[step.index] if step.index else array)


# ------------------------------------------------------------------------------- what is read


def texts(window: Window) -> str:
    """All that a person can read in the window, on hover too."""
    found: list[str] = []
    for label in window.findChildren(QLabel):
        if label.isVisible():
            found += [label.text(), label.toolTip()]
    for line in (*window.findChildren(QLineEdit), *window.findChildren(QPlainTextEdit)):
        if line.isVisible() and line is not window.lessons.panel.answer.line:
            found.append(line.text() if isinstance(line, QLineEdit) else line.toPlainText())
    window.canvas.flush()
    for item in window.canvas.board.nodes.values():
        found += [item.face.value, item.face.gradient, item.toolTip()]
    for wire in window.canvas.board.wires.values():
        found += [wire.face.value, wire.face.gradient]
    model = window.trace.model
    for row in range(model.rowCount()):
        for column in (0, 1):
            step = model.step_at(model.index(row, column))
            if step is not None:
                found += [step.text, step.numbers_text]
    found += [window.explanation.numbers, window.explanation.rest.text()]
    found += [c.part.number for c in window.explanation.sum.columns]
    for mark in (window.session.marks.all,):
        found += [*mark.notes.values(), *(b.text + b.tip for b in mark.badges.values())]
    for layout in (window.lessons.panel.hints, window.lessons.panel.verdicts):
        for place in range(layout.count()):
            item = layout.itemAt(place)
            found.append(item.widget().accessibleName() if item is not None else "")
    verdict = window.lessons.lesson.verdict
    if verdict is not None and verdict.line is not None:
        found += [verdict.line.text, verdict.line.numbers_text]
    return "\n".join(found)


def known(found: Evaluation) -> set[str]:
    """The numbers that may be read, as they are written."""
    tables = (*found.values.values(), *found.gradients.values())
    single = [float(v) for v in tables if np.ndim(v) == 0]
    local = [
        float(v)
        for o in found.steps.script.outlines
        if o.contribution is not None and o.contribution.local is not None
        and (v := found.steps.telling.read(o.contribution.local)) is not None and v.ndim == 0
    ]  # fmt: skip
    return {bare(number_text(v)) for v in (*single, *local)}


def bare(text: str) -> str:
    """Without the sign, which formulas write in many ways."""
    return text.lstrip("-−+")


def hides(window: Window, number: float, told: str) -> None:
    """The asked number is nowhere to be read, unless another one that is known is the same."""
    written = bare(number_text(number))
    if len(written) < 4 or written in known(window.session.whole):
        return
    found = texts(window).replace("-", "−")
    places = [line for line in found.splitlines() if written in line]
    assert not places, f"{told} tells {written}: {places[:3]}"


# ------------------------------------------------------------------------------- deeds


def close_editors(window: Window) -> None:
    QApplication.processEvents()
    window.canvas.setFocus()
    window.canvas.flush()
    window.commands.run("view.fit")
    QApplication.processEvents()
    window.canvas.flush()


def press(window: Window, key: Qt.Key, held: Qt.KeyboardModifier = PLAIN) -> None:
    QTest.keyClick(window.canvas, key, held)


def look_at(window: Window, path: str) -> str:
    """Goes to the module in which a node stands, and returns the node's id."""
    found = place_of(window.session.root, path)
    assert found is not None, f"there is no node {path}"
    place, node_id = found
    if window.session.place != place:
        window.session.go(place)
        close_editors(window)
    return node_id


def click(window: Window, path: str) -> None:
    node_id = look_at(window, path)
    body = window.canvas.board.nodes[node_id].body()
    at = seen(window.canvas, body.center())
    at.setY(seen(window.canvas, body.topLeft()).y() + 8)
    QTest.mouseClick(window.canvas.viewport(), LEFT, PLAIN, at)
    assert window.session.selection == (node_id,), f"a click does not select {path}"


def add_node(window: Window, qtbot: QtBot, settings: Settings) -> None:
    """Out of the palette, and named by F2."""
    operator, name = str(settings["operator"]), str(settings["node"])
    panel, before = window.palette_panel, set(window.session.graph.nodes)
    for _ in range(max(1, int(float(settings["count"])) if not name else 1)):
        if operator:
            assert window.docks["palette"].is_seen, "the palette is not shown"
            enter(panel.search, operator)
        else:
            enter(panel.search, "input")
        new = set(window.session.graph.nodes) - before
        if operator and {window.session.graph.nodes[n].op for n in new} != {operator}:
            window.session.history.undo()
            panel.search.clear()
            window.add_operator(operator)
            new = set(window.session.graph.nodes) - before
        assert new, f"the palette adds no {operator}"
        close_editors(window)
    if name and window.session.root.id_of(name) is None:
        window.session.select(sorted(new))
        rename(window, qtbot, name)


def rename(window: Window, qtbot: QtBot, name: str) -> None:
    window.canvas.setFocus()
    window.commands.run("edit.rename")
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit), "F2 does not ask for a name"
    enter(editor, name)


def draw_wire(window: Window, qtbot: QtBot, settings: Settings) -> None:
    """From the output to the port; to the first free one where no port is named."""
    source, target = str(settings["source"]), str(settings["target"])
    first, last = look_at(window, source), look_at(window, target)
    canvas, graph = window.canvas, window.session.graph
    port = str(settings["port"]) or next(
        p for p in (*graph.ports(last),) if (last, p) not in graph.links
    )
    start = seen(canvas, canvas.board.nodes[first].output_at())
    end = seen(canvas, canvas.board.nodes[last].port_at(port))
    drag(canvas, start, end)
    assert links(canvas).get((graph.name(last), port)), f"no wire from {source} to {target}"


def type_formula(window: Window, qtbot: QtBot, settings: Settings) -> None:
    formula = str(settings["formula"])
    had = window.session.root.output()
    enter(window.top.formula.line, f"answer_ = {formula}" if "=" not in formula else formula)
    if had is not None and window.session.root.output() == had:
        name = window.session.root.id_of("answer_")
        window.session.do(set_setting("output", name), "Choose the output")


def remove(window: Window, qtbot: QtBot, settings: Settings) -> None:
    click(window, str(settings["node"]))
    press(window, Qt.Key.Key_Delete)


def make_number(window: Window, qtbot: QtBot, settings: Settings) -> None:
    """Types another number into an input or a parameter until the goal is reached."""
    session, node = window.session, str(settings["node"])
    root = session.root
    sources = [n for n in root.nodes if root.op(n).is_source and root.tensors.get(n) is not None]
    single = [n for n in sources if root.tensors[n].ndim == 0]
    own = root.id_of(node)
    single.sort(key=lambda n: n != own)
    relation, bound = str(settings["relation"]), float(settings["number"])
    grid = [bound, *(k / 10 for k in range(-60, 61))]
    for source in single:
        for value in (*grid, *closer(root, source, node, str(settings["of"]), bound)):
            trial = root.copy()
            set_tensors({source: np.asarray(value, root.dtype)}).apply(trial)
            found = value_of(evaluate(trial, session.known.feeds), node, str(settings["of"]))
            if found is None or np.ndim(found):
                continue
            if related(float(found), relation, bound):
                type_value(window, root.name(source), value)
                return
    raise AssertionError(f"no number of an input makes {node} {relation} {bound}")


def closer(root: Graph, source: str, node: str, of: str, bound: float) -> list[float]:
    """Where the number crosses the bound, by halving between numbers on a grid."""

    def at(value: float) -> float:
        trial = root.copy()
        set_tensors({source: np.asarray(value, root.dtype)}).apply(trial)
        found = value_of(evaluate(trial), node, of)
        return math.nan if found is None or np.ndim(found) else float(found) - bound

    places = [k / 4 for k in range(-24, 25)]
    heights = [at(x) for x in places]
    found = []
    for low, high, a, b in zip(places, places[1:], heights, heights[1:], strict=False):
        if a * b < 0:
            for _ in range(50):
                middle = (low + high) / 2
                low, high = (middle, high) if at(middle) * a > 0 else (low, middle)
            found.append(round((low + high) / 2, 6))
    return found


def type_value(window: Window, name: str, value: float) -> None:
    click(window, name)
    window.commands.run("edit.value")
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit), f"the value of {name} cannot be typed"
    enter(editor, f"{value:.9g}")


def step_on(window: Window, qtbot: QtBot, settings: Settings) -> None:
    window.canvas.setFocus()
    lesson = window.lessons.lesson
    for _ in range(len(window.session.steps) + 1):
        lesson.check()
        if lesson.is_done:
            return
        press(window, Qt.Key.Key_L)


def key(code: Qt.Key) -> Do:
    def run(window: Window, qtbot: QtBot, settings: Settings) -> None:
        window.canvas.setFocus()
        press(window, code)

    return run


def select(window: Window, qtbot: QtBot, settings: Settings) -> None:
    click(window, str(settings["node"]))


def open_panel(window: Window, qtbot: QtBot, settings: Settings) -> None:
    window.commands.by_id[f"view.{settings['panel']}"].trigger()


def look_inside(window: Window, qtbot: QtBot, settings: Settings) -> None:
    click(window, str(settings["node"]))
    press(window, Qt.Key.Key_Down, CONTROL)
    if not window.session.place:
        window.commands.run("edit.open_module")


def differentiate(window: Window, qtbot: QtBot, settings: Settings) -> None:
    of, by = (look_at(window, str(settings[name])) for name in ("of", "by"))
    window.session.select((of, by))
    window.gradients.differentiate()


def train(window: Window, qtbot: QtBot, settings: Settings) -> None:
    """Presses Train until the goal is reached."""
    lesson = window.lessons.lesson
    window.commands.run("train.train")
    assert not window.training_panel.message.text() or window.training
    try:
        qtbot.waitUntil(lambda: lesson.is_done, timeout=TRAINING_MS)
    finally:
        window.commands.run("train.pause")
        qtbot.waitUntil(lambda: not window.training, timeout=20_000)


def set_recipe(window: Window, qtbot: QtBot, settings: Settings) -> None:
    """The recipe as its form writes it."""
    session, name, text = window.session, str(settings["field"]), str(settings["value"])
    graph, number = session.root, int(float(settings["stage"]))
    recipe, relation = graph.recipe, str(settings["relation"])
    if name in ("loss", "frozen"):
        found = graph.id_of(text)
        assert found is not None, f"there is no node {text}"
        value: object = found if name == "loss" else (*recipe.stages[number].frozen, found)
    else:
        before = recipe.seed if name == "seed" else getattr(recipe.stages[number], name)
        if isinstance(before, str):
            value = text
        else:
            bound = float(text)
            aimed = {"=": bound, "<": bound / 2, ">": bound * 2 + 1}[relation]
            value = int(aimed) if isinstance(before, int) else aimed
    session.do_outside(set_setting("recipe", recipe.changed(number, **{name: value})), "Recipe")


DEEDS: dict[str, Do] = {
    "node": add_node, "wire": draw_wire, "formula": type_formula, "gone": remove,
    "value": make_number, "stepped": step_on, "ended": key(Qt.Key.Key_End),
    "begun": key(Qt.Key.Key_Home), "selected": select, "panel": open_panel,
    "entered": look_inside, "derived": differentiate, "trained": train, "measured": train,
    "setting": set_recipe,
}  # fmt: skip

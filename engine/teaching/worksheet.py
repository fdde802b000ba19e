"""Quizzes and lessons as sheets to hand out: one HTML file for A4, with and without answers."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from html import escape
from itertools import zip_longest

from engine.evaluate import Evaluation, evaluate
from engine.expression import Name
from engine.graph import Graph
from engine.lesson import Step
from engine.lines import term_tree
from engine.teaching.asking import Asked, NotAsked, asked
from engine.teaching.drawing import GRADIENT as GRADIENT_INK
from engine.teaching.drawing import INK, LINE, VALUE, drawing, paper
from engine.teaching.goal import OF
from engine.teaching.goals import GOALS, said
from engine.teaching.mathml import mathml, rich
from engine.teaching.naming import entry_text
from engine.wording import GRADIENT

HEIGHT = 620
"""Pixels that a picture is high at most, so that the table has room below."""
MOST_DRAWN = 300
"""Nodes of a graph that is drawn: of more, none would be larger than a letter."""
Writer = Callable[[str], str]
"""Writes a formula in LaTeX as HTML."""
WIDTH = 660
"""Pixels that a picture is wide at most: the text of a page of A4 at 96 dots an inch."""
_BLANK = "&#95;" * 12
_ROOM = "<br>&nbsp;"  # a line to work on
_BREAK = ' style="page-break-before: always"'
_STYLE = f"""
body {{ font-family: Inter, Helvetica, Arial, sans-serif; font-size: 11pt; color: {INK}; }}
h1 {{ font-size: 16pt; margin: 0 0 2pt 0; }}
.who {{ color: {LINE}; margin: 0 0 10pt 0; }}
table {{ width: 100%; border-collapse: collapse; margin-top: 8pt; }}
th {{ text-align: left; border-bottom: 1.2pt solid {INK}; padding: 3pt 6pt; }}
td {{ vertical-align: top; width: 50%; border-bottom: 0.5pt solid {LINE}; padding: 6pt; height: 26pt; }}
.value {{ color: {VALUE}; }}
.gradient {{ color: {GRADIENT_INK}; }}
li {{ margin-bottom: 8pt; }}
"""
_OF_BROWSERS = f"""
@page {{ size: A4; margin: 16mm; }}
body {{ max-width: {WIDTH}px; margin: 24px auto; }}
@media print {{ body {{ margin: 0; }} }}
img {{ max-width: 100%; }}
tr {{ page-break-inside: avoid; break-inside: avoid; }}
"""
"""What Qt's rich text would take for something else."""


def sheet(documents: Sequence[Graph], answers: bool = False, simple: bool = False) -> str:
    """Documents with lessons as one HTML page that needs nothing else: a drawing of each graph, the
    two-column table of values and gradients that are asked for, and the other steps of the lesson.

    With `answers` the tables are filled, each gradient with its chain rule in symbols and numbers.
    Formulas are MathML; `simple` writes them with raised and lowered letters instead, which Qt's rich
    text prints. Raises ValueError where there is nothing to print.
    """
    return "".join(pieces(documents, answers, simple))


def pieces(
    documents: Iterable[Graph], answers: bool = False, simple: bool = False
) -> Iterator[str]:
    """The parts of that page, one a document, for whoever does something else in between."""
    write = rich if simple else mathml
    style = _STYLE if simple else _STYLE + _OF_BROWSERS
    count = 0
    for graph in documents:
        head = (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>{escape(_title(graph))}</title><style>{style}</style></head>\n<body>\n"
        )
        yield ("" if count else head) + _page(graph, answers, write, count > 0)
        count += 1
    if not count:
        raise ValueError("there is no quiz to print")
    yield "</body></html>\n"


def _title(graph: Graph) -> str:
    return str(graph.settings["title"]) or "Lesson"


def _page(graph: Graph, answers: bool, write: Writer, breaks: bool) -> str:
    found = evaluate(graph)
    steps: tuple[Step, ...] = graph.settings["lesson"]
    questions = list(_questions(found, steps))
    told = {(str(graph.id_of(q.node)), q.of) for q in questions} if answers else set()
    if any(of != OF[0] for _, of in told):
        told.add((str(graph.output()), OF[1]))  # it is 1, and never asked
    title = escape(_title(graph)) + (" — answers" if answers else "")
    who = "" if answers else f'<p class="who">Name: {_BLANK * 2} &nbsp; Date: {_BLANK}</p>'
    about = _text(str(graph.settings["about"]), write)
    about = f"<p>{about}</p>" if about else ""
    body = [
        f"<h1{_BREAK if breaks else ''}>{title}</h1>",
        who,
        about,
        f"<p>{_picture(found, told)}</p>" if graph.nodes else "",
    ]
    if questions:
        body.append(_table(questions, answers, write))
    body.append(_steps([s for s in steps if s.kind != "ask"], answers, write))
    return '<div class="sheet">\n' + "\n".join(part for part in body if part) + "\n</div>\n"


def _picture(found: Evaluation, told: Collection[tuple[str, str]]) -> str:
    """The graph as it fits the page; a sentence where nothing of it could be read."""
    count = len(found.graph.nodes)
    if count > MOST_DRAWN:
        return f"The graph has {count:,} nodes, too many to be drawn here."
    svg, width, height = drawing(found, told)
    scale = min(1.0, WIDTH / width, HEIGHT / height)
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" width="{round(width * scale)}" '
        f'height="{round(height * scale)}" alt="the graph">'
    )


def _questions(found: Evaluation, steps: Sequence[Step]) -> Iterator[Asked]:
    for step in steps:
        if step.kind == "ask":
            try:
                yield asked(found, step.node, step.of, step.index)
            except NotAsked:  # of a node that the student is to add
                continue


# ---------------------------------------------------------------- the two columns


def _table(questions: Sequence[Asked], answers: bool, write: Writer) -> str:
    forward = [_forward(q, answers, write) for q in questions if q.of == OF[0]]
    backward = [_backward(q, answers, write) for q in questions if q.of != OF[0]]
    rows = "".join(
        f"<tr><td>{left}</td><td>{right}</td></tr>\n"
        for left, right in zip_longest(forward, backward, fillvalue="")
    )
    return (
        '<table cellspacing="0" cellpadding="5" width="100%">'
        '<tr><th align="left"><span class="value">Forward</span></th>'
        f'<th align="left"><span class="gradient">Backward</span></th></tr>\n{rows}</table>'
    )


def _forward(question: Asked, answers: bool, write: Writer) -> str:
    step = question.steps[0] if question.steps else None
    if step is None:
        return ""
    line = question.line(step)
    if not answers:
        return f"{write(line.symbols)} = {_BLANK}{_ROOM}"
    worked = f" = {_number(question)}" if line.in_shapes else f"<br>= {write(line.numbers)}"
    return f'{write(line.symbols)}<span class="value">{worked}</span>'


def _backward(question: Asked, answers: bool, write: Writer) -> str:
    telling = question.evaluation.steps.telling
    name = entry_text(question.node, question.index)
    head = telling.latex(Name(GRADIENT + name))
    if not answers:
        return f"{write(head)} = {_BLANK}{_ROOM}"
    symbols, numbers = [], []
    for step in question.steps:
        if step.contribution is None:
            continue
        line = question.line(step)
        if line.in_shapes or question.index:
            symbols.append(line.symbols.partition("= ")[2])
        else:
            symbols.append(telling.latex(term_tree(telling, step.contribution)))
        if not line.in_shapes:
            numbers.append(line.numbers.rpartition(" = ")[0])
    total = f" = {_number(question)}"
    if not symbols:
        return f'{write(head)}<span class="gradient">{total}</span>'
    worked = f"<br>= {write(_summed(numbers))}" if numbers and all(numbers) else ""
    return f'{write(f"{head} = {_summed(symbols)}")}<span class="gradient">{worked}{total}</span>'


def _summed(terms: Sequence[str]) -> str:
    """A sum of terms in LaTeX."""
    return " + ".join(
        rf"\left({term}\right)" if i and term.startswith("-") else term
        for i, term in enumerate(terms)
    )


def _number(question: Asked) -> str:
    return f"<b>{paper(f'{question.number:.4g}')}</b>"


# ---------------------------------------------------------------- other steps


def _steps(steps: Sequence[Step], answers: bool, write: Writer) -> str:
    if not steps:
        return ""
    items = "".join(f"<li>{_step(step, answers, write)}</li>\n" for step in steps)
    return f"<ol>\n{items}</ol>"


def _step(step: Step, answers: bool, write: Writer) -> str:
    parts = [f"<b>{escape(step.title)}</b>"] if step.title else []
    parts += [_text(paragraph, write) for paragraph in step.text.split("\n\n") if paragraph.strip()]
    if step.kind == "do" and step.goal in GOALS:
        parts.append(f"☐ {escape(said(step.goal, step.settings))}")
    if step.kind == "choose":
        for i, choice in enumerate(step.choices):
            mark = "☒" if answers and i == step.answer else "☐"
            parts.append(f"{mark} {_text(choice, write)}")
    if answers and step.explanation:
        parts.append(f"<i>{_text(step.explanation, write)}</i>")
    return "<br>".join(parts)


def _text(text: str, write: Writer) -> str:
    """A text with **bold** words and $formulas$ as HTML."""
    parts = text.split("$")
    if len(parts) % 2 == 0:  # a dollar sign that opens nothing
        parts[-2:] = ["$".join(parts[-2:])]
    html = [write(part) if i % 2 else _bold(escape(part)) for i, part in enumerate(parts)]
    return "".join(html)


def _bold(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text).replace("\n", "<br>")

"""The words for a mistake, and for the way to a number that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from engine.compose import formula_of
from engine.expression import Name, Number, Tree, substitute
from engine.lines import operand_names, term_tree
from engine.teaching.asking import Asked
from engine.teaching.candidates import Candidate
from engine.teaching.goal import OF
from engine.teaching.mistakes import MISTAKES
from engine.teaching.naming import entry_text
from engine.trace import Step
from engine.wording import GRADIENT, call_tree, latex_short, short, simplify


class Whole(Protocol):
    """A mistake of a whole answer."""

    @property
    def mistake(self) -> str: ...
    @property
    def of(self) -> str: ...


def found_text(question: Asked, found: Candidate | Whole) -> str:
    """What is said of a mistake that gives an answer."""
    telling = question.evaluation.steps.telling
    words = {
        "name": question.name, "J": telling.output, "v": entry_text(question.node, question.index),
        "u": "", "rule": "", "of": "", "count": "",
    }  # fmt: skip
    if isinstance(found, Candidate):
        o = found.outline
        words |= {
            "u": telling.name(o.node), "rule": rule_text(question, o.node),
            "of": found.slip.of if found.slip else "", "count": str(len(o.terms)),
        }  # fmt: skip
        if o.target is not None:
            words["v"] = telling.name(o.target)
    else:
        words["of"] = found.of
    said = MISTAKES[found.mistake].said.format(**words)
    if isinstance(found, Candidate) and found.times > 1:
        rest = "one more step" if found.times == 2 else f"{found.times - 1} more steps"
        said += f" The same is done at {rest}."
    return said


def rule_text(question: Asked, node_id: str) -> str:
    """A step as `u = sin(t)`."""
    telling = question.evaluation.steps.telling
    if node_id in telling.graph.nodes and not telling.names:
        return f"{telling.name(node_id)} = {formula_of(telling.graph, node_id)}"
    flat = telling.expansion.nodes[node_id]
    args = tuple(Name(telling.name(a)) if isinstance(a, str) else Number(a) for a in flat.args)
    return f"{telling.name(node_id)} = {telling.text(call_tree(flat.op, args, flat.options))}"


def needed_text(question: Asked, found: Candidate, ends: bool) -> str:
    """What the rule gives at the step and what the answer was made with, in formulas and numbers. The
    rule's number is left out where it is what is asked for."""
    telling, term = question.evaluation.steps.telling, found.outline.contribution
    gave, right = short(found.gave), short(found.right)
    if term is None:
        name = telling.name(found.outline.node)
        return "" if ends else f"{name} is {right}; your answer takes {gave} for it."
    rule = telling.latex(term_tree(telling, term))
    number = "" if ends else f", here ${latex_short(found.right)}$"
    if found.slip is None:
        return f"The term is ${rule}${number}."
    flat = telling.expansion.nodes[term.node]
    names: dict[str, Tree] = {
        **operand_names(telling, flat), "g": Name(GRADIENT + telling.name(term.node))
    }  # fmt: skip
    ports = flat.op.ports(len(flat.args))
    statics = {**flat.options, "i": ports.index(term.port)}
    other = telling.latex(simplify(substitute(found.slip.tree, names), statics))
    gave = latex_short(found.gave)
    return f"The rule says ${rule}${number}; your answer comes out with ${other}$, here ${gave}$."


def walk(question: Asked) -> Iterator[tuple[Step, str]]:
    """The steps that make a number, each with what is to do at it."""
    telling, steps = question.evaluation.steps.telling, list(question.steps)
    name = entry_text(question.node, question.index)
    if question.of == OF[0]:
        for step in steps:
            yield step, f"Put the numbers into {rule_text(question, step.node)}."
        return
    many = sum(step.phase == "backward" for step in steps)
    for i, step in enumerate(steps):
        u = telling.name(step.node)
        if step.phase == "seed":
            yield step, f"The gradient of {u} with respect to itself is where the pass begins."
            continue
        said = f"Through {rule_text(question, step.node)}: the gradient at {u} times the local derivative."
        if many > 1 and i == len(steps) - many:
            said = f"{name} is read {many} times; its gradient is the sum of the terms. {said}"
        yield step, said

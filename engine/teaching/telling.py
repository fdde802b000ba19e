"""The words for a mistake, and for the way to a number that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from engine import ops
from engine.compose import formula_of
from engine.expression import Call, Name, Number, Tree, substitute
from engine.lines import operand_names, term_tree
from engine.teaching.asking import Asked
from engine.teaching.candidates import Candidate, formula_text
from engine.teaching.goal import OF
from engine.teaching.mistakes import MISTAKES
from engine.teaching.naming import entry_text
from engine.trace import Step
from engine.wording import GRADIENT, call_tree, latex_short, short, simplify

_LONGEST = 60
"""Letters of a definition that is told in place of a name."""


class Whole(Protocol):
    """A mistake of a whole answer."""

    @property
    def mistake(self) -> str: ...
    @property
    def of(self) -> str: ...


def found_text(question: Asked, found: Candidate | Whole) -> str:
    """What is said of a mistake that gives an answer."""
    telling = question.evaluation.steps.telling
    words = dict.fromkeys(("u", "formula", "definition", "does", "count"), "") | {
        "name": question.name, "J": telling.output, "of": found.of,
        "v": entry_text(question.node, question.index),
    }  # fmt: skip
    if isinstance(found, Candidate):
        o, row = found.outline, telling.expansion.nodes[found.outline.node].op
        words |= {
            "u": telling.name(o.node),
            "formula": formula(question, o.node), "definition": _definition(question, o.node),
            "count": found.count or str(len(o.terms)), "does": row.verbs[0] if row.verbs else "",
        }  # fmt: skip
        if o.target is not None:
            words["v"] = telling.name(o.target)
    said = MISTAKES[found.mistake].said.format(**words)
    if isinstance(found, Candidate) and found.times > 1:
        rest = "one more step" if found.times == 2 else f"{found.times - 1} more steps"
        said += f" The same is done at {rest}."
    return said


def rule_text(question: Asked, node_id: str) -> str:
    """A step as `u = sin(t)`."""
    name = question.evaluation.steps.telling.name(node_id)
    return f"{name} = {formula(question, node_id)}"


def _definition(question: Asked, node_id: str) -> str:
    """What computes a step, spelled out where that is short: `1 / (1 + exp(-s))` for a sigmoid of s."""
    telling = question.evaluation.steps.telling
    flat = telling.expansion.nodes[node_id]
    tree = flat.op.formula_tree
    is_own = isinstance(tree, Call) and ops.find(tree.name, len(tree.args)) is flat.op
    if flat.op.variadic or flat.op.symbol or is_own:
        return formula(question, node_id)
    text = formula_text(telling, flat, tree)
    return text if len(text) <= _LONGEST else formula(question, node_id)


def formula(question: Asked, node_id: str) -> str:
    """What computes a step, as `sin(t)`."""
    telling = question.evaluation.steps.telling
    if node_id in telling.graph.nodes and not telling.names:
        return formula_of(telling.graph, node_id)
    flat = telling.expansion.nodes[node_id]
    args = tuple(Name(telling.name(a)) if isinstance(a, str) else Number(a) for a in flat.args)
    return telling.text(call_tree(flat.op, args, flat.options))


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
    if found.slip is None and found.count:
        return ""
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

"""The function that is looked at and its derivatives in closed form, chosen as a session stands."""

from __future__ import annotations

from dataclasses import replace

from app.session import Session
from engine.closed_form import ClosedForm, Style, TooLong, Writing, second_order
from engine.expansion import Ref
from engine.program import Plan

MOST, LONGEST = 6, 150
"""So many derivatives are written unless more nodes are selected; so many steps, those of the gradients
among them, may a document have whose second derivatives are written."""


def result(session: Session) -> str | None:
    """The step that the function which is looked at gives: the output's, inside a module its own
    result's; None where there is none."""
    found, output = session.evaluation, session.graph.output()
    if output is None or output not in found.values:
        return None
    step = found.step_of(output)
    return step if step in found.expansion.nodes else None


def writing(session: Session) -> Writing:
    """What formulas are written from; inside a module its inputs are read and not looked into."""
    found, leaves = session.evaluation, set[str]()
    if session.place:
        leaves = {found.step_of(n) for n in session.graph.of_op("input")}
        end = result(session)
        behind = found.adjoints.adjoint.get(end) if found.adjoints and end else None
        if isinstance(behind, str):
            leaves.add(behind)
    return Writing.of(found.steps.telling, leaves)


def function(session: Session, style: Style = "shared") -> ClosedForm:
    """The output as a function. Raises TooLong, also with the reason why there is none."""
    step = result(session)
    if step is None:
        found = session.evaluation
        faults = (f for n, f in found.faults.items() if n in session.graph.nodes)
        raise TooLong(next(faults, "") or found.note or "there is no output yet; add an operator")
    return writing(session).function(step, style)


def by(session: Session) -> tuple[list[str], int]:
    """The nodes that derivatives are by, and how many more there would be: the selected ones, else
    sources that are single numbers, else all sources."""
    found, graph = session.evaluation, session.graph
    chosen = [n for n in session.selection if n in found.gradients]
    if chosen:
        return chosen[: 2 * MOST], max(0, len(chosen) - 2 * MOST)
    sources = [n for n in graph.order() if graph.op(n).is_source and n in found.gradients]
    single = [n for n in sources if not found.specs[n].shape]
    listed = single or sources
    return listed[:MOST], len(sources) - min(MOST, len(listed))


def derivative(session: Session, node_id: str, style: Style = "shared") -> ClosedForm:
    """d(output of the document)/d(node). Raises TooLong."""
    found = session.evaluation
    step = found.step_of(node_id)
    ref: Ref = found.adjoints.adjoint.get(step, 0.0) if found.adjoints else 0.0
    return writing(session).gradient(ref, step, style)


def second(session: Session, node_id: str, style: Style = "shared") -> tuple[ClosedForm, float]:
    """The second derivative of the document's output by a single number, and its value. Raises
    TooLong, also where it is not to be had: inside a module, by a tensor, of a long document."""
    found = session.evaluation
    step = found.step_of(node_id)
    if session.place or found.adjoints is None or found.specs[node_id].shape:
        raise TooLong("second derivatives are by single numbers of the document itself")
    if len(found.expansion.nodes) > LONGEST:
        raise TooLong(f"the document has more than {LONGEST} steps; see the panel Derivatives")
    longer, refs = second_order(found.expansion, found.adjoints.output, [step])
    plan = Plan(longer, [refs[step, step]])
    plan.run()
    telling = replace(found.steps.telling, expansion=longer)
    return Writing.of(telling).second(refs[step, step], step, step, style), plan.number(
        refs[step, step]
    )


def as_text(forms: list[ClosedForm], latex: bool) -> str:
    """Several formulas one after the other, to be copied."""
    return "\n\n".join(form.latex if latex else form.text for form in forms)

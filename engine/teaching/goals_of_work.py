"""Goals of building and stepping: nodes, wires, numbers, the pass, and what the window shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.closed_form import TooLong, Writing
from engine.expression import to_text
from engine.passing import read_at
from engine.teaching.goal import (
    OF,
    RELATIONS,
    Goal,
    Setting,
    Settings,
    Situation,
    index_of,
    number_in,
    reaches,
    related,
)
from engine.teaching.naming import entry_text, place_of, value_of
from engine.teaching.sameness import computes

# ---------------------------------------------------------------- what the document has


def _node(situation: Situation, settings: Settings) -> bool:
    graph, operator, path = situation.graph, settings["operator"], str(settings["node"])
    if path:
        found = place_of(graph, path)
        if found is None:
            return False
        place, node_id = found
        for outer in place:
            graph = graph.op(outer).definition
        return not operator or graph.nodes[node_id].op == operator
    return sum(n.op == operator for n in graph.nodes.values()) >= number_in(settings, "count")


def _node_said(settings: Settings) -> str:
    operator, name, count = settings["operator"], settings["node"], number_in(settings, "count")
    if operator and name:
        return f"Add a node {operator} and call it {name}."
    if name:
        return f"Add a node called {name}."
    return f"Add a node {operator}." if count <= 1 else f"Have {count:g} nodes {operator}."


def _nodes_held(situation: Situation) -> Iterator[Settings]:
    for name in [*situation.selected, *reversed(situation.graph.nodes)]:
        path = situation.graph.name(name) if name in situation.graph.nodes else name
        node_id = situation.graph.id_of(path)
        if node_id is not None:
            yield {"operator": situation.graph.nodes[node_id].op, "node": path}


def _wire(situation: Situation, settings: Settings) -> bool:
    source = place_of(situation.graph, str(settings["source"]))
    target = place_of(situation.graph, str(settings["target"]))
    if source is None or target is None or source[0] != target[0]:
        return False
    graph = situation.graph
    for outer in source[0]:
        graph = graph.op(outer).definition
    ports = graph.ports(target[1])
    wanted = [str(settings["port"])] if settings["port"] else ports
    return any(read_at(graph, target[1], port) == source[1] for port in wanted if port in ports)


def _wire_said(settings: Settings) -> str:
    at = f"port {settings['port']} of " if settings["port"] else ""
    return f"Connect {settings['source']} to {at}{settings['target']}."


def _wires_held(situation: Situation) -> Iterator[Settings]:
    graph = situation.graph
    chosen = {n for name in situation.selected if (n := graph.id_of(name)) is not None}
    links = [*graph.all_links()]
    links.sort(key=lambda link: -len({link.source, link.target} & chosen))
    for link in links:
        if not graph.op(link.target).is_wire:
            source = read_at(graph, link.target, link.port)
            if isinstance(source, str):
                yield {
                    "source": graph.name(source), "target": graph.name(link.target),
                    "port": link.port if len(graph.ports(link.target)) > 1 else "",
                }  # fmt: skip


def _formula(situation: Situation, settings: Settings) -> bool:
    return computes(situation.evaluation, str(settings["formula"]))


def _formulas_held(situation: Situation) -> Iterator[Settings]:
    evaluation = situation.evaluation
    step = None if evaluation.output is None else evaluation.step_of(evaluation.output)
    if (
        step is None
        or step not in evaluation.expansion.nodes
        or evaluation.output not in evaluation.values
    ):
        return
    try:
        line = Writing.of(evaluation.steps.telling).function(step, "inputs").line
        yield {"formula": to_text(line.tree)}
    except TooLong:
        return


def _gone(situation: Situation, settings: Settings) -> bool:
    return place_of(situation.graph, str(settings["node"])) is None


def _derived(situation: Situation, settings: Settings) -> bool:
    graph, of, by = situation.graph, settings["of"], settings["by"]
    pairs = graph.settings["derivatives"].values()
    return any(graph.name(a) == of and graph.name(b) == by for a, b in pairs)


def _derivatives_held(situation: Situation) -> Iterator[Settings]:
    graph = situation.graph
    for of, by in graph.settings["derivatives"].values():
        yield {"of": graph.name(of), "by": graph.name(by)}


# ---------------------------------------------------------------- numbers


def _value(situation: Situation, settings: Settings) -> bool:
    found = value_of(situation.evaluation, str(settings["node"]), str(settings["of"]))
    if found is None:
        return False
    array, index = np.asarray(found), index_of(str(settings["entry"]))
    if index and (
        len(index) != array.ndim or any(i >= n for i, n in zip(index, array.shape, strict=True))
    ):
        return False
    numbers = np.ravel(array[index] if index else array)
    relation, bound = str(settings["relation"]), number_in(settings, "number")
    return bool(numbers.size) and all(related(float(v), relation, bound) for v in numbers)


def _value_said(settings: Settings) -> str:
    node = str(settings["node"])
    name = entry_text(node, index_of(str(settings["entry"]))) if settings["entry"] else node
    what = f"value of {name}" if settings["of"] == "value" else f"gradient at {name}"
    relation = RELATIONS[str(settings["relation"])]
    return f"Make the {what} {relation} {number_in(settings, 'number'):g}."


def _values_held(situation: Situation) -> Iterator[Settings]:
    for name in situation.selected:
        for of in OF:
            found = value_of(situation.evaluation, name, of)
            if found is not None and not np.ndim(found):
                number = float(f"{float(found):.4g}")
                yield {"node": name, "of": of, "relation": "=", "number": number}


# ---------------------------------------------------------------- the pass


def _stepped(situation: Situation, settings: Settings) -> bool:
    made = reaches(situation.evaluation, str(settings["node"]), str(settings["of"]))
    return made is not None and situation.cursor >= made[1]


def _stepped_said(settings: Settings) -> str:
    if settings["of"] == "value":
        return f"Step forward until {settings['node']} has its value."
    return f"Step on until {settings['node']} has its whole gradient."


def _steps_held(situation: Situation) -> Iterator[Settings]:
    steps = situation.evaluation.steps
    if not 0 < situation.cursor <= len(steps):
        return
    step = steps[situation.cursor - 1]
    of = "value" if step.phase == "forward" else "gradient"
    yield {"node": step.telling.name(step.target or step.node), "of": of}


def _ended(situation: Situation, settings: Settings) -> bool:
    return 0 < len(situation.evaluation.steps) <= situation.cursor


def _begun(situation: Situation, settings: Settings) -> bool:
    return situation.cursor == 0


def _always(situation: Situation) -> Iterator[Settings]:
    yield {}


# ---------------------------------------------------------------- the window


def _selected(situation: Situation, settings: Settings) -> bool:
    return settings["node"] in situation.selected


def _selections_held(situation: Situation) -> Iterator[Settings]:
    for name in situation.selected:
        yield {"node": name}


def _panel(situation: Situation, settings: Settings) -> bool:
    return settings["panel"] in situation.panels


def _panels_held(situation: Situation) -> Iterator[Settings]:
    for panel in sorted(situation.panels):
        yield {"panel": panel}


def _entered(situation: Situation, settings: Settings) -> bool:
    return situation.place == settings["node"]


def _entered_held(situation: Situation) -> Iterator[Settings]:
    if situation.place:
        yield {"node": situation.place}


# ---------------------------------------------------------------- the rows

_NAMED = Setting("node", "Node", "node", "", "The name of the node; inside a module as block.h.")
RELATION = Setting("relation", "Relation", "relation", "=", "Below, above or equal to the number.")
NUMBER = Setting("number", "Number", "number", 0.0, "What it is compared with.")
_VALUE_OR_GRADIENT = Setting("of", "Of", "of", "value", "Its value or its gradient.")

ROWS = (
    Goal("node", "A node is there", (
        Setting("operator", "Operator", "operator", "", "The operator that the node is of.", False),
        Setting("node", "Node", "node", "", "The name that the node has.", False),
        Setting("count", "How many", "whole", 1.0, "At least so many, where no name is asked for.",
                False),
    ), _node, _node_said, _nodes_held),
    Goal("wire", "A node is connected", (
        Setting("source", "From", "node", "", "The node whose value is read."),
        Setting("target", "To", "node", "", "The node that reads it."),
        Setting("port", "Port", "port", "", "Of the one that reads; empty for any.", False),
    ), _wire, _wire_said, _wires_held),
    Goal("formula", "The output is a formula", (
        Setting("formula", "Formula", "text", "",
                "What the output is; the names may be others, and so may the way it is put."),
    ), _formula, lambda s: f"Build a graph whose output is {s['formula']}.", _formulas_held),
    Goal("gone", "A node is removed", (_NAMED,), _gone, lambda s: f"Remove {s['node']}.",
         lambda situation: iter(())),
    Goal("value", "A number is below, above or equal to another", (
        _NAMED, _VALUE_OR_GRADIENT, RELATION, NUMBER,
        Setting("entry", "Entry", "entry", "", "Of a tensor, such as 0,1; empty for all.", False),
    ), _value, _value_said, _values_held),
    Goal("stepped", "The pass has reached a node", (_NAMED, _VALUE_OR_GRADIENT),
         _stepped, _stepped_said, _steps_held),
    Goal("ended", "The pass is at its end", (), _ended, lambda s: "Go to the end of the pass.",
         _always),
    Goal("begun", "The pass is at its start", (), _begun,
         lambda s: "Go back to the start of the pass.", _always),
    Goal("selected", "A node is selected", (_NAMED,), _selected, lambda s: f"Select {s['node']}.",
         _selections_held),
    Goal("panel", "A panel is open", (
        Setting("panel", "Panel", "panel", "", "The panel that is to be open."),
    ), _panel, lambda s: f"Open the panel {str(s['panel']).replace('_', ' ')}.", _panels_held),
    Goal("entered", "A module is looked into", (_NAMED,), _entered,
         lambda s: f"Open the module {s['node']} and look inside.", _entered_held),
    Goal("derived", "A derivative is added", (
        Setting("of", "Of", "node", "", "The node that is differentiated."),
        Setting("by", "By", "node", "", "The node that it is differentiated by."),
    ), _derived, lambda s: f"Add the derivative of {s['of']} by {s['by']} to the graph.",
         _derivatives_held),
)  # fmt: skip

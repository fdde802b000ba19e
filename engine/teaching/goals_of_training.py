"""Goals of training: how long, how well, and what the recipe says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.graph import Graph
from engine.recipe import Stage
from engine.teaching.goal import (
    FIELDS,
    PARTS,
    RELATIONS,
    Goal,
    Setting,
    Settings,
    Situation,
    number_in,
    related,
)
from engine.teaching.goals_of_work import NUMBER, RELATION
from engine.ties import name_at


def _trained(situation: Situation, settings: Settings) -> bool:
    return situation.steps >= number_in(settings, "steps") and (
        situation.epochs >= number_in(settings, "epochs")
    )


def _trained_said(settings: Settings) -> str:
    steps, epochs = number_in(settings, "steps"), number_in(settings, "epochs")
    said = [f"{epochs:g} epochs"] if epochs > 1 else ["one epoch"] if epochs else []
    said += [f"{steps:g} steps"] if steps > 1 else ["one step"] if steps and not epochs else []
    return f"Train for {' and '.join(said)}." if said else "Open the training."


def _trainings_held(situation: Situation) -> Iterator[Settings]:
    if situation.steps:
        yield {"steps": situation.steps}
        yield {"steps": 1, "epochs": situation.epochs}


def _measured(situation: Situation, settings: Settings) -> bool:
    found = situation.measures.get(str(settings["part"]), {}).get(str(settings["measure"]))
    relation, bound = str(settings["relation"]), number_in(settings, "number")
    return found is not None and related(found, relation, bound)


def _measured_said(settings: Settings) -> str:
    rows = "training" if settings["part"] == PARTS[0] else "held-out"
    relation = RELATIONS[str(settings["relation"])]
    number = number_in(settings, "number")
    return f"Train until {settings['measure']} of the {rows} rows is {relation} {number:g}."


def _measures_held(situation: Situation) -> Iterator[Settings]:
    for part, named in situation.measures.items():
        for name, value in named.items():
            if math.isfinite(value):
                relation = "<" if name == "loss" else ">"
                number = float(f"{value * (1.05 if relation == '<' else 0.95):.2g}")
                yield {"measure": name, "part": part, "relation": relation, "number": number}


def _setting(situation: Situation, settings: Settings) -> bool:
    stages, number = situation.graph.recipe.stages, int(number_in(settings, "stage"))
    if not number < len(stages):
        return False
    found = _field(situation.graph, stages[number], str(settings["field"]))
    relation, wanted = str(settings["relation"]), str(settings["value"]).strip()
    if isinstance(found, str):
        return relation == "=" and wanted in (found, *found.split(", "))
    try:
        return found is not None and related(float(found), relation, float(wanted))
    except ValueError:
        return False


def _field(graph: Graph, stage: Stage, name: str) -> float | str | None:
    """What a stage has in a field: nodes by their names, several with commas between."""
    if name == "seed":
        return graph.recipe.seed
    if name == "loss":
        node_id = stage.loss or graph.output() or ""
        return graph.name(node_id) if node_id in graph.nodes else ""
    if name == "frozen":
        return ", ".join(_name_at(graph, path) for path in stage.frozen)
    if name in FIELDS:
        found: float | str = getattr(stage, name)
        return found
    return {**stage.schedule_settings, **stage.settings}.get(name)


def _name_at(graph: Graph, path: str) -> str:
    try:
        return name_at(graph, path)
    except (AttributeError, KeyError):  # a node that is gone
        return path


def _setting_said(settings: Settings) -> str:
    name, relation = str(settings["field"]).replace("_", " "), str(settings["relation"])
    stage = number_in(settings, "stage")
    where = f" of stage {stage + 1:g}" if stage else ""
    if settings["field"] == "frozen":
        return f"Freeze {settings['value']}{where} in the recipe."
    how = "to" if relation == "=" else RELATIONS[relation]
    return f"Set the {name}{where} {how} {settings['value']} in the recipe."


def _settings_held(situation: Situation) -> Iterator[Settings]:
    usual = Stage()
    for number, stage in enumerate(situation.graph.recipe.stages):
        for name in FIELDS:
            found = _field(situation.graph, stage, name)
            if name not in ("loss", "seed", "frozen") and found == getattr(usual, name):
                continue
            if found not in ("", None, 0):
                text = found if isinstance(found, str) else f"{found:g}"
                yield {"field": name, "relation": "=", "value": text, "stage": number}


ROWS = (
    Goal("trained", "The document is trained", (
        Setting("steps", "Steps", "whole", 1.0, "At least so many.", False),
        Setting("epochs", "Epochs", "whole", 0.0, "At least so many.", False),
    ), _trained, _trained_said, _trainings_held),
    Goal("measured", "A loss or a metric is reached", (
        Setting("measure", "Measure", "text", "loss", "loss, or the name of a metric's node."),
        Setting("part", "Rows", "part", PARTS[0], "The rows that it is measured on."),
        RELATION, NUMBER,
    ), _measured, _measured_said, _measures_held),
    Goal("setting", "The recipe has a setting", (
        Setting("field", "Field", "field", "learning_rate", "The field of the recipe."),
        RELATION,
        Setting("value", "Value", "text", "", "What it is to be: a number or a name."),
        Setting("stage", "Stage", "whole", 0.0, "The stage, counted from 0.", False),
    ), _setting, _setting_said, _settings_held),
)  # fmt: skip

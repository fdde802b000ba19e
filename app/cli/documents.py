"""Commands on a document: new, run and train."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.cli.group import FILE, VALUES, at_option, cli, json_option, output_name, show
from app.shell import DONE, FAILED, tell_error


@cli.command()
@click.argument("file", type=FILE)
@click.option("--from", "program", required=True, metavar="PROGRAM", help="As in derive.")
@at_option
@click.option("--parameter", multiple=True, metavar="NAME", help="Training changes it. Repeats.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def new(
    file: Path, program: str, at: tuple[str, ...], parameter: tuple[str, ...], force: bool
) -> None:
    """Write a document made from a formula."""
    from app import arguments
    from engine import files
    from engine.compose import compose
    from engine.examples import SHIPPED

    path = arguments.target(file, force)
    values = arguments.assignments(at)
    graph = compose(
        arguments.program_text(program), values, arguments.dtype_of(values), modules=SHIPPED
    )
    for name in parameter:
        node_id = arguments.source_of(graph, name)
        graph.put("nodes", node_id, replace(graph.nodes[node_id], op="parameter"))
    files.write(graph, path)
    click.echo(f"wrote {path}: {len(graph.nodes)} nodes, output {output_name(graph)}")


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--set", "at", multiple=True, metavar="NAME=VALUE", help=VALUES)
@json_option
def run(file: str, at: tuple[str, ...], as_json: bool) -> int:
    """Values and gradients of a document."""
    from app import arguments, report
    from engine.evaluate import evaluate
    from engine.finite import sentence
    from engine.shapes import shape_text
    from engine.ties import parameters_inside

    graph, base = arguments.open_document(file)
    given = {}
    for name, value in arguments.assignments(at, "--set").items():
        key = arguments.source_of(graph, name, inside=True)
        given[name] = key
        graph.put("tensors", key, arguments.as_document(name, value, graph.dtype))
    found = evaluate(graph, arguments.feeds(graph, base))
    for name, key in given.items():
        if key in found.specs and found.specs[key].shape != graph.tensors[key].shape:
            needed = shape_text(found.specs[key].shape)
            raise ValueError(
                f"{name} is {shape_text(graph.tensors[key].shape)} and has to be {needed}"
            )
    if as_json:
        rows = {graph.name(n): (n, node.op) for n, node in graph.nodes.items()}
        inside = parameters_inside(graph)
        rows |= {name: (key, "parameter") for name, key in inside.items()}
        told = {
            name: {
                "op": op,
                "shape": list(found.specs[key].shape) if key in found.specs else None,
                "value": found.values.get(key),
                "gradient": found.gradients.get(key),
            }
            for name, (key, op) in rows.items()
        }
        whole: dict[str, Any] = {"nodes": told}
        whole |= {"not_finite": sentence(found.not_finite, exact=True)} if found.not_finite else {}
        click.echo(report.to_json(whole))
    else:
        show(*report.evaluated(graph, found))
    faults = list(found.faults.values())
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return tell_error(faults[0] + more)
    return DONE


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--epochs", type=click.IntRange(0), help="Passes over the data; the recipe's if not.")
@click.option("--steps", type=click.IntRange(0), help="Steps instead of epochs.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Draws new starting parameters.")
@click.option("--lr", type=float, help="The learning rate instead of the recipe's.")
@click.option("-o", "--output", type=FILE, help="Write the trained document here.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it exists, FILE included.")
@json_option
def train(
    file: str,
    epochs: int | None,
    steps: int | None,
    seed: int | None,
    lr: float | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Train a document by its recipe; FILE stays as it is."""
    from app import arguments, report
    from engine import files
    from engine.train.session import DivergedError, Training

    if epochs is not None and steps is not None:
        raise click.UsageError("give --epochs or --steps, not both")
    if output is not None:
        output = arguments.target(output, force)
    graph, base = arguments.open_document(file)
    if lr is not None:
        stages = tuple(replace(s, learning_rate=lr) for s in graph.recipe.stages)
        graph.put("settings", "recipe", replace(graph.recipe, stages=stages))
    training = Training(graph, base, seed=seed)
    if steps is None and epochs is not None:
        steps = training.steps_ahead(epochs)
    begun = {training.stage_number: 0}
    diverged = ""
    with report.progress("train") as tell:

        def told_of(t: Training) -> None:
            tell(t.step_count, t.total_steps if steps is None else steps)
            begun.setdefault(t.stage_number, t.step_count)

        try:
            training.run(steps, told_of)
        except DivergedError as error:
            diverged = str(error)
    history = training.history
    metrics = training.metrics()
    if output is not None and not diverged:
        for node_id, value in training.parameters().items():
            graph.put("tensors", node_id, value)
        files.write(graph, output)
    if as_json:
        ends = {"first": history[0] if history else None, "last": history[-1] if history else None}
        told = {"steps": len(history), "loss": {**ends, "history": history}, "metrics": metrics}
        told |= {"stages": [{"stage": n + 1, "from_step": at} for n, at in begun.items()]}
        told |= {"notes": training.notes}
        click.echo(report.to_json(told))
    else:
        show(*report.trained(graph.recipe, begun, training.notes, history, metrics, output))
    return tell_error(diverged, FAILED) if diverged else DONE

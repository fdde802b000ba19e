"""Commands on a document: new and run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.cli.group import FILE, VALUES, at_option, cli, json_option, output_name, show
from app.shell import DONE, tell_error


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

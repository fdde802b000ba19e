"""Commands on a formula: derive and minimize."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import (
    TOLERANCE,
    at_option,
    cli,
    json_option,
    output_name,
    program_argument,
    show,
)
from app.shell import DONE, FAILED

if TYPE_CHECKING:
    from engine.train.optimizers import Optimizer


@cli.command()
@program_argument
@at_option
@click.option("--wrt", multiple=True, metavar="NAME", help="Differentiate by this input. Repeats.")
@click.option("--order", type=click.IntRange(1, 40), help="Derivatives up to this order as well.")
@click.option("--hessian", is_flag=True, help="Second derivatives by every pair of inputs as well.")
@click.option("--check", "checked", is_flag=True, help="Compare gradients with differences.")
@json_option
def derive(
    program: str,
    at: tuple[str, ...],
    wrt: tuple[str, ...],
    order: int | None,
    hessian: bool,
    checked: bool,
    as_json: bool,
) -> int:
    """Values and gradients of a formula at a point.

    PROGRAM is text such as "cos(sin(x^2)+3*x^2)", - for standard input, or @file.txt; statements
    are separated by ; and the last one is the output. Its dtype is float32 when every .npy of floats
    given is float32, else float64.
    """
    from app import arguments, report
    from engine.derive import derive as work
    from engine.examples import SHIPPED

    values = arguments.assignments(at)
    text = arguments.program_text(program)
    dtype = arguments.dtype_of(values)
    found = work(text, values, wrt or None, order or 0, hessian, checked, dtype, SHIPPED)
    wrong = [name for name, error in found.check.items() if not error <= TOLERANCE]
    if as_json:
        told: dict[str, Any] = {
            "output": found.output,
            "value": found.value,
            "gradients": found.gradients,
            "nodes": {n: {"value": v, "gradient": g} for n, (v, g) in found.nodes.items()},
        }
        told |= {"orders": found.orders} if order else {}
        told |= {"hessian": found.hessian} if hessian else {}
        told |= {"check": found.check} if checked else {}
        click.echo(report.to_json(told))
    else:
        show(*report.derived(found, TOLERANCE, sys.stdout.isatty()))
    return FAILED if wrong else DONE


class _Minimize(click.Command):
    """Takes its options from the table of optimizers, which is read when the command is used."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from engine.train.optimizers import OPTIMIZERS

        names = click.Choice(list(OPTIMIZERS))
        rule = click.Option(["--optimizer"], type=names, default="sgd", show_default=True)
        rule.help = "The update rule."
        rows = OPTIMIZERS.values()
        settings = dict.fromkeys(name for row in rows for name in row.settings)
        own = [rule, *(_setting_option(name, rows) for name in settings)]
        params = super().get_params(ctx)
        before = next(i for i, p in enumerate(params) if p.name == "as_json")
        return [*params[:before], *own, *params[before:]]


def _setting_option(name: str, rows: Iterable[Optimizer]) -> click.Option:
    """`--momentum FLOAT`, its help naming the optimizers that have it and their defaults."""
    users: dict[float, list[str]] = {}
    docs = [row.settings[name].doc for row in rows if name in row.settings]
    for row in rows:
        if name in row.settings:
            users.setdefault(row.settings[name].default, []).append(row.name)
    told = "; ".join(f"{', '.join(names)}: {default:g}" for default, names in users.items())
    return click.Option([f"--{name.replace('_', '-')}"], type=float, help=f"{docs[0]} [{told}]")


@cli.command(cls=_Minimize)
@program_argument
@at_option
@click.option("--wrt", multiple=True, metavar="NAME", help="Change this input only. Repeats.")
@click.option(
    "--lr", type=float, help="The learning rate; a usual one of the optimizer unless given."
)
@click.option(
    "--steps",
    type=click.IntRange(0, 10_000_000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many steps.",
)
@json_option
def minimize(
    program: str,
    at: tuple[str, ...],
    wrt: tuple[str, ...],
    lr: float | None,
    steps: int,
    as_json: bool,
    optimizer: str,
    **settings: float | None,
) -> int:
    """Follow the gradient of a formula downhill.

    PROGRAM and --at are as in 'gradloom derive'; --at gives the start. Update rules and defaults are
    PyTorch's (torch.optim), except for the learning rate; [adam: 0.9] behind a setting says whose it
    is and its default. The history has the value before each step.
    """
    from app import arguments, report
    from engine.compose import compose
    from engine.examples import SHIPPED
    from engine.train.minimum import minimize as work

    values = arguments.assignments(at)
    graph = compose(
        arguments.program_text(program), values, arguments.dtype_of(values), modules=SHIPPED
    )
    given = {name: value for name, value in settings.items() if value is not None}
    with report.progress("minimize") as tell:
        found = work(
            graph, wrt or None, optimizer, lr, steps, given, lambda t: tell(t.step_count, steps)
        )
    if as_json:
        click.echo(report.to_json(vars(found)))
    else:
        show(*report.minimized(output_name(graph), found))
    return DONE

"""The same jobs without a window; imports no Qt.

Each command imports what it needs when it runs, so that `--version` and `--help` start at once.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import engine
from app.shell import DONE, FAILED, Program, run_program, tell_error

if TYPE_CHECKING:
    from engine.graph import Graph
    from engine.train.optimizers import Optimizer

TOLERANCE = 1e-6
"""The relative error up to which a gradient check passes."""

_FILE = click.Path(path_type=Path)
_VALUES = "NAME=VALUE: a number, a nested list such as [[1,2],[3,4]], or @file.npy. Repeats."


Picture = Callable[[str, Path, tuple[int, int], int | None, str], int]
"""`picture(file, out, (width, height), step, theme)` draws the window and returns an exit code."""


def main(argv: Sequence[str] | None = None, picture: Picture | None = None) -> int:
    """Runs one command and returns its exit code; errors are one line on standard error.

    `picture` does the work of `gradloom shot`, which needs Qt and so is given from above.
    """
    return run_program(cli, sys.argv[1:] if argv is None else argv, picture)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, "--version", prog_name="gradloom")
def cli() -> None:
    """Computation graphs, forward and backward, without a window.

    FILE is a path or example:NAME (see 'gradloom examples'). Without a command, or with a FILE
    alone, the window opens.
    """


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "Print one JSON value on standard output."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def _at_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--at", multiple=True, metavar="NAME=VALUE", help=_VALUES)(command)


def _program(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("program", metavar="PROGRAM")(command)


def _print(*parts: Any) -> None:
    """Tables and lines on standard output, a blank line between them."""
    from app import report

    report.show(parts, sys.stdout)


# ---------------------------------------------------------------- programs


@cli.command()
@_program
@_at_option
@click.option("--wrt", multiple=True, metavar="NAME", help="Differentiate by this input. Repeats.")
@click.option("--order", type=click.IntRange(1, 40), help="Derivatives up to this order as well.")
@click.option("--hessian", is_flag=True, help="Second derivatives by every pair of inputs as well.")
@click.option("--check", "checked", is_flag=True, help="Compare gradients with differences.")
@_json_option
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

    values = arguments.assignments(at)
    text = arguments.program_text(program)
    dtype = arguments.dtype_of(values)
    found = work(text, values, wrt or None, order or 0, hessian, checked, dtype)
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
        _print(*report.derived(found, TOLERANCE, sys.stdout.isatty()))
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
@_program
@_at_option
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
@_json_option
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
    from engine.train.minimum import minimize as work

    values = arguments.assignments(at)
    graph = compose(arguments.program_text(program), values, arguments.dtype_of(values))
    given = {name: value for name, value in settings.items() if value is not None}
    with report.progress("minimize") as tell:
        found = work(
            graph, wrt or None, optimizer, lr, steps, given, lambda t: tell(t.step_count, steps)
        )
    if as_json:
        click.echo(report.to_json(vars(found)))
    else:
        _print(*report.minimized(_output_name(graph), found))
    return DONE


# ---------------------------------------------------------------- documents


@cli.command()
@click.argument("file", type=_FILE)
@click.option("--from", "program", required=True, metavar="PROGRAM", help="As in derive.")
@_at_option
@click.option("--parameter", multiple=True, metavar="NAME", help="Training changes it. Repeats.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def new(
    file: Path, program: str, at: tuple[str, ...], parameter: tuple[str, ...], force: bool
) -> None:
    """Write a document made from a formula."""
    from app import arguments
    from engine import files
    from engine.compose import compose

    path = arguments.target(file, force)
    values = arguments.assignments(at)
    graph = compose(arguments.program_text(program), values, arguments.dtype_of(values))
    for name in parameter:
        node_id = arguments.source_of(graph, name)
        graph.put("nodes", node_id, replace(graph.nodes[node_id], op="parameter"))
    files.write(graph, path)
    click.echo(f"wrote {path}: {len(graph.nodes)} nodes, output {_output_name(graph)}")


def _output_name(graph: Graph) -> str:
    output = graph.output()
    return graph.name(output) if output else "none"


@cli.command()
@click.argument("file", metavar="FILE")
@click.option("--set", "at", multiple=True, metavar="NAME=VALUE", help=_VALUES)
@_json_option
def run(file: str, at: tuple[str, ...], as_json: bool) -> int:
    """Values and gradients of a document."""
    from app import arguments, report
    from engine.evaluate import evaluate

    graph, base = arguments.open_document(file)
    for name, value in arguments.assignments(at, "--set").items():
        graph.put(
            "tensors",
            arguments.source_of(graph, name),
            arguments.as_document(name, value, graph.dtype),
        )
    found = evaluate(graph, arguments.feeds(graph, base))
    if as_json:
        told = {
            graph.name(n): {
                "op": node.op,
                "shape": list(found.specs[n].shape) if n in found.specs else None,
                "value": found.values.get(n),
                "gradient": found.gradients.get(n),
            }
            for n, node in graph.nodes.items()
        }
        click.echo(report.to_json({"nodes": told}))
    else:
        _print(*report.evaluated(graph, found))
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
@click.option("-o", "--output", type=_FILE, help="Write the trained document here.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it exists, FILE included.")
@_json_option
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
        graph.put("settings", "recipe", replace(graph.recipe, learning_rate=lr))
    training = Training(graph, base, seed=seed)
    if steps is None:
        steps = (graph.recipe.epochs if epochs is None else epochs) * training.steps_per_epoch
    diverged = ""
    with report.progress("train") as tell:
        try:
            training.run(steps, lambda t: tell(t.step_count, steps))
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
        click.echo(report.to_json(told))
    else:
        _print(*report.trained(history, metrics, output))
    return tell_error(diverged, FAILED) if diverged else DONE


# ---------------------------------------------------------------- checks and lists


@cli.command()
@click.argument("file", metavar="[FILE]", required=False)
@_json_option
def check(file: str | None, as_json: bool) -> int:
    """Compare gradients with differences: FILE's, or every operator's."""
    from app import arguments, report
    from engine import check as checks

    if file is None:
        with report.progress("check") as tell:
            checked, failures = checks.check_rows(progress=tell)
        failed = list(dict.fromkeys(f.row for f in failures))
        lines = [str(f) for f in failures]
        unit = "operators"
    else:
        graph, base = arguments.open_document(file)
        errors = checks.check_graph(graph, arguments.feeds(graph, base))
        if not errors:
            raise ValueError(f"{file} has no gradient to check; its output is not a single number")
        named = {graph.name(n): error for n, error in errors.items()}
        failed = [name for name, error in named.items() if not error <= TOLERANCE]
        lines = [f"{name}: relative error {named[name]:.3g}" for name in failed]
        checked, unit = len(named), "gradient" if len(named) == 1 else "gradients"
    if as_json:
        click.echo(report.to_json({"checked": checked, "failed": failed}))
    else:
        verdict = f"{len(failed)} failed" if failed else "all agree with differences"
        click.echo("\n".join([*lines, f"{checked} {unit} checked, {verdict}"]))
    return FAILED if failed else DONE


@cli.command()
@click.argument("name", required=False)
@_json_option
def ops(name: str | None, as_json: bool) -> None:
    """List the operators, or show one as a card."""
    from app import report
    from engine.ops import DRAWERS, TABLE

    if name is not None and name not in TABLE:
        close = difflib.get_close_matches(name, TABLE, 1)
        hint = f"did you mean {close[0]}?" if close else "see 'gradloom ops' for all of them"
        raise ValueError(f"there is no operator {name!r}; {hint}")
    rows = [row for drawer in DRAWERS.values() for row in drawer] if name is None else [TABLE[name]]
    if as_json:
        click.echo(report.to_json([report.operator(row) for row in rows]))
    elif name is not None:
        _print(report.card(rows[0]))
    else:
        _print(*report.palette(DRAWERS))


@cli.command()
@_json_option
def examples(as_json: bool) -> None:
    """List the shipped examples."""
    from app import report
    from engine import examples as shipped

    rows = [(n, shipped.INFO[n].title, shipped.INFO[n].systems) for n in shipped.names()]
    if as_json:
        keys = ("name", "title", "systems")
        click.echo(report.to_json([dict(zip(keys, row, strict=True)) for row in rows]))
        return
    told = [(f"example:{name}", title, ", ".join(systems)) for name, title, systems in rows]
    _print(report.table(told, ("Document", "Title", "Systems")))


@cli.command(short_help="What is installed, what is missing and how to mend it.")
@_json_option
def doctor(as_json: bool) -> int:
    """What is installed, what is missing and the command that installs it."""
    from app import doctor as health
    from app import report

    findings = health.report()
    if as_json:
        fields = ("name", "value", "ok", "mend", "required")
        click.echo(report.to_json([{k: getattr(f, k) for k in fields} for f in findings]))
    else:
        _print(*report.diagnosed(findings))
    return DONE if health.healthy(findings) else FAILED


@cli.command()
@click.argument("file", metavar="FILE")
@click.argument("out", type=_FILE, metavar="OUT.png")
@click.option(
    "--size",
    default="1600x1000",
    show_default=True,
    metavar="WxH",
    help="Of the window, in pixels.",
)
@click.option("--step", type=click.IntRange(0), metavar="K", help="After this many micro-steps.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.pass_obj
def shot(
    picture: Picture | None, file: str, out: Path, size: str, step: int | None, theme: str
) -> int:
    """Draw the window with a document to a PNG; needs no display."""
    from app import arguments

    pixels = arguments.picture_size(size)
    if picture is None:
        raise ValueError("a picture needs the window; run 'python -m app shot' for it")
    return picture(file, out, pixels, step, theme)

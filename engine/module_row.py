"""A module as a row of the table: its inputs are the ports, its sizes the options."""

from __future__ import annotations

from typing import Any

from engine.fields import GraphError
from engine.ops.row import Op, Option
from engine.shapes import Spec

MAX_DEPTH = 12
"""How deep modules may stand inside modules."""

MAX_STEPS = 250_000
"""How many steps an instance may come to; a few hundred bytes of modules in modules tell billions."""

TIED = "tied"
"""The option of an instance that names the one whose parameters it uses."""


def module_row(name: str, definition: Any) -> Op:
    """A module as a row: its ports are the definition's inputs, oldest first, its options the sizes.

    Raises GraphError for a definition that cannot be used.
    """
    if definition.output() is None:
        raise GraphError(f"{name} computes nothing; a module needs at least one operator")
    if definition.of_op("data"):
        raise GraphError(f"{name} reads data; leave data nodes outside of a module")
    if _depth(definition) > MAX_DEPTH:
        raise GraphError(f"modules stand inside modules more than {MAX_DEPTH} deep")
    if (steps := _steps(definition, {})) > MAX_STEPS:
        raise GraphError(
            f"{name} is {steps:,} steps with the modules inside it, and at most {MAX_STEPS:,} can be "
            "computed; use fewer instances in it"
        )
    ports = tuple(definition.name(n) for n in definition.of_op("input"))
    sizes = definition.settings["sizes"]
    wrong = next((p for p in ports if p in sizes or p == TIED), None)
    if wrong is not None:
        raise GraphError(f"{wrong} is the name of an input and of a size; rename one of them")
    about = str(definition.settings["about"]).strip() or f"The module {name}."
    options = tuple(
        Option(size, value, "count", f"The size that its parameters call {size}.")
        for size, value in sizes.items()
    )
    tied = Option(TIED, "", "text", "Another instance whose parameters and sizes it uses.")
    return Op(
        name, "Modules", about, ports, f"{name}({', '.join(ports)})", {},
        lambda options, *specs: Spec(), None, options=(*options, tied), definition=definition,
        label=str(definition.settings["title"]) or name,
    )  # fmt: skip


def _depth(definition: Any) -> int:
    deepest, level = 0, list(definition.modules.values())
    while level and deepest <= MAX_DEPTH:
        deepest += 1
        level = [inner for graph in level for inner in graph.modules.values()]
    return deepest


def _steps(definition: Any, known: dict[int, int]) -> int:
    """How many steps an instance comes to; `known` has those of definitions by identity."""
    found = known.get(id(definition))
    if found is None:
        inner = (definition.op(node_id).definition for node_id in definition.nodes)
        found = sum(1 if d is None else _steps(d, known) for d in inner)
        known[id(definition)] = found
    return found

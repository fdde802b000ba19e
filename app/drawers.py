"""What can be added to a document: the table's drawers, the shipped modules, the document's own."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from engine import examples, ops
from engine.edits import Edit, add_node
from engine.graph import Graph, module_row
from engine.modules import add_module
from engine.ops.row import Op
from engine.own import CATEGORY

Definitions = Mapping[str, Graph]
MODULES = "Modules"


def definitions(own: Definitions) -> dict[str, Graph]:
    """The modules that can be added, by name: the document's own, then the shipped ones."""
    return {**own, **{n: d for n, d in examples.modules().items() if n not in own}}


def callable_modules(own: Definitions) -> Definitions:
    """The same, each read when it is asked for: what a formula may call."""
    return ChainMap(dict(own), cast("dict[str, Graph]", examples.SHIPPED))


def drawers(own: Definitions, operators: Iterable[Op] = ()) -> dict[str, tuple[Op, ...]]:
    """Every drawer with its rows, the document's own among them; palette and finder show these."""
    modules = tuple(
        replace(module_row(name, d), aliases=_aliases(name)) for name, d in definitions(own).items()
    )
    theirs = {CATEGORY: tuple(operators), MODULES: (*modules, *ops.DRAWERS[MODULES])}
    return {**ops.DRAWERS, **theirs}


def _aliases(name: str) -> tuple[str, ...]:
    """Words that find a module; a person's under a shipped one's name is found by the same."""
    shipped = examples.MODULES.get(name)
    return (*(shipped.aliases if shipped else ()), "module")


def row_of(own: Definitions, name: str) -> Op | None:
    """The row of something that can be added, by its name."""
    definition = definitions(own).get(name)
    return ops.TABLE.get(name) if definition is None else module_row(name, definition)


def added(
    graph: Graph, name: str, at: tuple[float, float], own: Definitions | None = None
) -> tuple[Edit, str]:
    """A new node of an operator or of a module, by name, and its id. Raises GraphError."""
    definition = definitions(graph.modules if own is None else own).get(name)
    if definition is None:
        return add_node(graph, name, at=at)
    return add_module(graph, name, definition, at)

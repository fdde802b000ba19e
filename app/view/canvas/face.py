"""What a node shows and where its ports are, read off the session; paints nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QPointF, QRectF

from app.session import Session
from app.text import SUPERSCRIPT, pretty_name, tr
from app.view.theme import number_text
from engine.expression import to_text
from engine.graph import TIED, Graph
from engine.ops.row import Array
from engine.wording import awake_tree

WIDTH = 128.0
HEIGHT = 76.0
TALL = 100.0
DOT = 16.0
"""The side of a dot on a wire."""
PORT_STEP = 24.0
PORT_RADIUS = 5.0
PORT_REACH = 12.0
MARGIN_LEFT = 56.0
MARGIN = 14.0
EDGE = 10.0
"""Ports, rings and the sheets of a module stand out less."""


@lru_cache(maxsize=4096)
def pretty_formula(text: str) -> str:
    """Formula text with raised powers, subscripts, · and a true minus."""
    text = re.sub(
        r"\s*(?:\^|\*\*)\s*(\(-\d+\)|\d+)(?![\w.(])",
        lambda m: m[1].strip("()").translate(SUPERSCRIPT),
        text,
    )
    text = re.sub(
        r"[^\W\d][^\W⁰¹²³⁴⁵⁶⁷⁸⁹]*(?:\.\d+)?(\s*\()?",
        lambda m: m[0] if m[1] else pretty_name(m[0]),
        text,
    )
    return text.replace(" * ", " · ").replace("-", "−").replace("·", "·")


_TYPED = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻−·", "01234567890123456789--*", " ")


def as_typed(pretty: str) -> str:
    """A formula of the canvas as a person types it to find it, without spaces."""
    return re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"^{m[0]}", pretty).translate(_TYPED)


@dataclass(frozen=True, slots=True)
class PortFace:
    """An operand's port. `linked`, `literal` or neither; a `spare` one is a row's next free port."""

    name: str
    linked: bool
    literal: bool
    spare: bool = False

    @property
    def is_drawn(self) -> bool:
        """A port that holds a number is part of the formula and drawn only while wiring."""
        return not self.literal or self.linked


@dataclass(frozen=True)
class Face:
    """Everything a node's picture depends on, states of the pointer apart."""

    name: str
    formula: str
    category: str
    ports: tuple[PortFace, ...]
    value: str = ""
    gradient: str = ""
    shape: str = ""
    value_array: Array | None = field(default=None, repr=False)
    gradient_array: Array | None = field(default=None, repr=False)
    fault: str = ""
    waiting: bool = False
    frozen: bool = False
    feeds: bool = False
    step: str = ""
    is_module: bool = False
    muted: bool = False
    is_dot: bool = False

    @property
    def is_tensor(self) -> bool:
        return bool(self.shape)

    def same(self, other: Face) -> bool:
        """Whether both give the same picture; arrays are compared by identity."""
        if self.value != other.value or self.gradient != other.gradient:
            return False
        return (
            self.value_array is other.value_array
            and self.gradient_array is other.gradient_array
            and _PLAIN(self) == _PLAIN(other)
        )

    def with_numbers(self, *, shape: str, **numbers: Any) -> Face:
        """The same node with other numbers; many times cheaper than `replace`, since hundreds may
        change at every step of a training."""
        assert self.origin and self.bounds and self.extent  # once for all that are made of it
        made = object.__new__(Face)
        own = made.__dict__
        own.update(self.__dict__, shape=shape, **numbers)
        if shape != self.shape:
            for name in _PLACES:
                own.pop(name, None)
        return made

    def words_like(self, other: Face) -> bool:
        """Whether nothing but the numbers differs in the two pictures."""
        if self.origin is other.origin and (self.step, self.fault) == (other.step, other.fault):
            return self.shape == other.shape
        return _WORDS(self) == _WORDS(other)

    @cached_property
    def origin(self) -> object:
        """The same for all that are made by `with_numbers` of one face."""
        return object()

    @property
    def kind(self) -> Hashable:
        """What is in its picture, numbers and words apart: many nodes have it in common."""
        return _KIND(self), bool(self.fault), self.is_tensor

    # ------------------------------------------------------------ geometry

    @cached_property
    def height(self) -> float:
        if self.is_dot:
            return DOT
        drawn = sum(p.is_drawn for p in self.ports)
        return max(TALL if self.is_tensor else HEIGHT, PORT_STEP * (drawn + 1))

    @property
    def width(self) -> float:
        return DOT if self.is_dot else WIDTH

    @property
    def reach(self) -> float:
        """How far from a port the pointer is on it, at most; the middle of a dot is not."""
        return 5.0 if self.is_dot else float("inf")

    @cached_property
    def body(self) -> QRectF:
        return QRectF(0, 0, self.width, self.height)

    @cached_property
    def bounds(self) -> QRectF:
        """Fixed for a body: port labels stand left of it, the ring of the current step around."""
        left = MARGIN if self.is_dot else MARGIN_LEFT
        return self.body.adjusted(-left, -MARGIN, MARGIN, MARGIN)

    @cached_property
    def extent(self) -> QRectF:
        """What its picture covers: the bounds without room for labels that are not there."""
        labels = any(p.is_drawn and not p.linked and not p.spare for p in self.ports)
        left = MARGIN_LEFT if labels else EDGE
        return self.body.adjusted(-left, -EDGE, EDGE, EDGE)

    @property
    def output(self) -> QPointF:
        return QPointF(self.width, self.height / 2)

    def port_place(self, name: str) -> QPointF:
        """Where a port is. Ports that show spread evenly; hidden ones stand between them."""
        drawn = [p.name for p in self.ports if p.is_drawn]
        if name in drawn:
            return QPointF(0, self._spread(drawn.index(name), len(drawn)))
        names = [p.name for p in self.ports]
        index = names.index(name) if name in names else len(names)
        y = self._spread(index, max(len(names), index + 1))
        for other in range(len(drawn)):
            there = self._spread(other, len(drawn))
            if abs(y - there) < 18:
                y = there - 18 if index <= names.index(drawn[other]) else there + 18
        return QPointF(0, y)

    def _spread(self, index: int, count: int) -> float:
        return self.height * (index + 1) / (count + 1)

    @property
    def spoken(self) -> str:
        """The node in words, for screen readers and tooltips."""
        parts = [f"{self.name} = {self.formula}"]
        if self.muted:
            parts.append(tr("muted"))
        if self.fault:
            parts.append(self.fault)
        elif self.waiting:
            parts.append(tr("waiting for an operand"))
        if self.value:
            parts.append(f"{tr('value')} {self.value}")
        if self.gradient:
            parts.append(f"{tr('gradient')} {self.gradient}")
        return ", ".join(parts)


def _fields_but(*names: str) -> Callable[[Face], Hashable]:
    return attrgetter(*(f.name for f in fields(Face) if f.name not in names))


_PLACES = ("height", "body", "bounds", "extent")
"""What a face works out once."""
_ARRAYS = ("value_array", "gradient_array")
_NUMBERS = (*_ARRAYS, "value", "gradient", "waiting")
_PLAIN = _fields_but(*_ARRAYS)
_WORDS = _fields_but(*_NUMBERS)
_KIND = _fields_but(*_NUMBERS, "name", "formula", "fault", "shape")


def port_faces(graph: Graph, node_id: str) -> tuple[PortFace, ...]:
    """The ports a node offers; a variadic row always has one free port more than it needs."""
    literals = graph.nodes[node_id].literals
    names = graph.ports(node_id)
    faces = [PortFace(p, (node_id, p) in graph.links, p in literals) for p in names]
    op = graph.op(node_id)
    if op.variadic:
        spare = op.ports(len(names) + 1)[-1]
        faces.append(PortFace(spare, False, False, True))
    return tuple(faces)


def own_formula(graph: Graph, node_id: str) -> str:
    """The formula as the canvas writes it, of a muted node the one it has when it is awake; a source
    and a module say what they are, a tied module whose twin it is."""
    op, tied = graph.op(node_id), graph.nodes[node_id].options.get(TIED)
    if tied in graph.nodes:
        return f"{tr('as')} {pretty_name(graph.name(tied))}"
    if op.definition is not None:
        return op.name
    if op.is_source:
        return tr(op.name)
    return pretty_formula(to_text(awake_tree(graph, node_id)))


def base_face(graph: Graph, node_id: str) -> Face:
    """What a node shows of the document alone."""
    node = graph.nodes[node_id]
    return Face(
        node.name,
        own_formula(graph, node_id),
        graph.op(node_id).category,
        port_faces(graph, node_id),
        frozen=node.op == "parameter" and node.options.get("trainable") is False,
        feeds=graph.structure.out_degree(node_id) > 0,
        is_module=graph.op(node_id).definition is not None,
        muted=node.muted,
        is_dot=graph.op(node_id).is_wire,
    )


def live_face(base: Face, session: Session, node_id: str, unfinished: bool, step: str) -> Face:
    """`base` with what is known at the session's step; an `unfinished` gradient gets more terms."""
    evaluation = session.evaluation
    shape = evaluation.shape_text(node_id)
    value, gradient = session.shown_value(node_id), session.shown_gradient(node_id)
    more = " …" if unfinished else ""
    value_text = "" if value is None else shape or number_text(float(value))
    gradient_text = "" if gradient is None else (shape or number_text(float(gradient))) + more
    return base.with_numbers(
        value=value_text,
        gradient=gradient_text,
        shape=shape,
        value_array=value if shape else None,
        gradient_array=gradient if shape else None,
        fault=evaluation.faults.get(node_id, ""),
        waiting=node_id in evaluation.waiting,
        step=step,
    )

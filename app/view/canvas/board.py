"""The scene: one item a node and a wire, kept in step with the document by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from app.session import Session
from app.view.canvas.drawing import PixmapCache
from app.view.canvas.face import WIDTH, Face, PortFace, base_face, live_face
from app.view.canvas.node_item import NodeItem
from app.view.canvas.wire_item import WireFace, WireItem
from app.view.theme import Theme, number_text
from engine.graph import Node, Port
from engine.trace import Step

_START = QRectF(-20_000, -20_000, 40_000, 40_000)


class Board(QGraphicsScene):
    """Items by id over one session. `synchronize` follows the document, `show_values` the step."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.session = session
        self.theme = theme
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[Port, WireItem] = {}
        self.stepping = False
        self._seen: dict[str, Node] = {}
        self._bases: dict[str, Face] = {}
        self._around: dict[str, set[Port]] = {}
        self._unwired: set[str] = set()
        self._cache = PixmapCache()
        self._passes: dict[Port, Step] = {}
        self._passes_of: object = None
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.BspTreeIndex)
        self.setSceneRect(_START)

    def reset(self) -> None:
        """Forgets every item: other nodes of the same ids are looked at."""
        for item in (*self.wires.values(), *self.nodes.values()):
            self.removeItem(item)
        for table in (self.nodes, self.wires, self._seen, self._bases, self._around):
            table.clear()
        self._unwired, self._passes, self._passes_of = set(), {}, None
        self._cache.clear()

    # ------------------------------------------------------------ following the document

    def synchronize(self) -> tuple[set[str], dict[str, QPointF]]:
        """Adds, removes and updates items for what differs from the document.

        Returns the ids of new nodes, and where nodes stood that the document has moved.
        """
        graph = self.session.graph
        for key in [k for k, w in self.wires.items() if graph.links.get(k) != w.source]:
            self._forget_wire(key)
        for node_id in [n for n in self.nodes if n not in graph.nodes]:
            self.removeItem(self.nodes.pop(node_id))
            self._cache.drop(node_id)
            del self._seen[node_id], self._bases[node_id]
        new: set[str] = set()
        moved: dict[str, QPointF] = {}
        stale = self._unwired
        self._unwired = set()
        for node_id, node in graph.nodes.items():
            seen = self._seen.get(node_id)
            if seen is node:
                continue
            self._seen[node_id] = node
            if seen is None:
                new.add(node_id)
                self._add_node(node)
                continue
            item, place = self.nodes[node_id], QPointF(node.x, node.y)
            if item.pos() != place:
                moved[node_id] = item.pos()
                item.setPos(place)
            if seen.name != node.name:
                stale.update(graph.structure.successors(node_id))
            if replace(seen, x=node.x, y=node.y) != node:
                stale.add(node_id)
        fresh = [k for k in graph.links if k not in self.wires]
        for key in fresh:
            self._add_wire(key, graph.links[key])
            stale.add(key[0])
            stale.add(graph.links[key])
        for node_id in (stale - new) & self.nodes.keys():
            self._set_base(node_id)
        self._update_wires({*new, *moved, *(stale & self.nodes.keys())})
        self._grow()
        return new, moved

    def _set_base(self, node_id: str) -> None:
        """A changed node keeps the numbers it shows until there are new ones."""
        base = self._bases[node_id] = base_face(self.session.graph, node_id)
        item = self.nodes[node_id]
        item.set_face(
            replace(
                item.face,
                name=base.name,
                formula=base.formula,
                ports=base.ports,
                frozen=base.frozen,
                feeds=base.feeds,
            )
        )

    def _add_node(self, node: Node) -> None:
        base = base_face(self.session.graph, node.id)
        item = NodeItem(node.id, base, self.theme, self._cache)
        item.setPos(node.x, node.y)
        self._bases[node.id] = base
        self.nodes[node.id] = item
        self.addItem(item)

    def _add_wire(self, key: Port, source: str) -> None:
        wire = WireItem(key, source, self.theme)
        self.wires[key] = wire
        self.addItem(wire)
        for end in (source, key[0]):
            self._around.setdefault(end, set()).add(key)

    def _forget_wire(self, key: Port) -> None:
        wire = self.wires.pop(key)
        for end in (wire.source, key[0]):
            self._around[end].discard(key)
        self._unwired.update((key[0], wire.source))
        self.removeItem(wire)

    def _grow(self) -> None:
        """A rectangle that holds everything, changed rarely: the index is rebuilt when it grows."""
        rect = self.sceneRect()
        outside = [item for item in self.nodes.values() if not rect.contains(item.pos())]
        if outside:
            for item in outside:
                rect = rect.united(item.sceneBoundingRect())
            margin = max(rect.width(), rect.height()) / 2
            self.setSceneRect(rect.adjusted(-margin, -margin, margin, margin))

    # ------------------------------------------------------------ following values and steps

    def show_values(self) -> None:
        """Brings faces and wires to the session's values at its step."""
        session = self.session
        evaluation, cursor = session.evaluation, session.cursor
        if self._passes_of is not evaluation:
            self._passes_of = evaluation
            self._passes = {}
            for s in evaluation.steps:
                end = self._end_of(s) if s.phase == "backward" else None
                if end is not None:
                    self._passes[end] = s
        growing = {s.target for s in evaluation.steps[cursor:] if s.target is not None}
        unfinished = frozenset(n for n in self.nodes if evaluation.step_of(n) in growing)
        current = session.step if self.stepping else None
        visited, phase = "", ""
        if current is not None:
            visited = evaluation.node_of(current.target or current.node) or ""
            phase = "forward" if current.phase == "forward" else "backward"
        moved = set()
        for node_id, item in self.nodes.items():
            step = phase if node_id == visited else ""
            face = live_face(self._bases[node_id], session, node_id, unfinished, step)
            if item.set_face(face):
                moved.add(node_id)
        self._update_wires(moved)
        for key, wire in self.wires.items():
            wire.set_face(self._wire_face(key, wire, current))

    def _end_of(self, step: Step) -> Port | None:
        """The wire's end that a backward step passes; None inside a module, which has many."""
        node_id = self.session.evaluation.node_of(step.node)
        graph = self.session.graph
        if node_id not in graph.nodes or graph.op(node_id).definition is not None:
            return None
        return node_id, step.port or ""

    def _wire_face(self, key: Port, wire: WireItem, current: Step | None) -> WireFace:
        session = self.session
        evaluation = session.evaluation
        shape = evaluation.shape_text(wire.source)
        value = session.shown_value(wire.source)
        structure = session.graph.structure
        if structure.number_of_edges(wire.source, key[0]) > 1 and any(
            port < key[1] for port in structure[wire.source][key[0]]
        ):
            value_text = ""  # said once, on the first of two wires between the same nodes
        elif shape:
            value_text = shape
        else:
            value_text = "" if value is None else number_text(float(value))
        gradient_text = ""
        passed = self._passes.get(key)
        if passed is not None and passed.number <= session.cursor and not passed.value.shape:
            gradient_text = number_text(float(passed.value))
        step = ""
        if current is not None and evaluation.node_of(current.node) == key[0]:
            module = session.graph.op(key[0]).definition is not None
            if current.phase == "forward":
                step = "forward"
            elif current.phase == "backward" and (
                evaluation.node_of(current.target or "") == wire.source
                if module
                else current.port == key[1]
            ):
                step = "backward"
        return WireFace(value_text, gradient_text, step, wire.face.hovered)

    # ------------------------------------------------------------ places

    def move_items(self, places: Mapping[str, QPointF]) -> None:
        """Puts items where a gesture or an animation wants them; the document is not changed."""
        for node_id, place in places.items():
            item = self.nodes.get(node_id)
            if item is not None:
                item.setPos(place)
        self._update_wires(places)

    def _update_wires(self, node_ids: Iterable[str]) -> None:
        keys = {key for n in node_ids for key in self._around.get(n, ())}
        degree = self.session.graph.structure.out_degree
        for key in keys:
            wire = self.wires[key]
            start, end = self.nodes[wire.source].output_at(), self.nodes[key[0]].port_at(key[1])
            wire.set_ends(start, end, degree(wire.source) > 1)

    def set_thin(self, thin: bool) -> None:
        """Hair wires while something moves: a thick curve costs four times as much."""
        for wire in self.wires.values():
            wire.thin = thin
            wire.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._cache.clear()
        for item in self.nodes.values():
            item.set_theme(theme)
        for wire in self.wires.values():
            wire.set_theme(theme)

    def content(self, node_ids: Iterable[str] | None = None) -> QRectF:
        """The bodies of nodes (all unless given), as one rectangle; empty when there is none."""
        rect = QRectF()
        for node_id in self.nodes if node_ids is None else node_ids:
            if node_id in self.nodes:
                rect = rect.united(self.nodes[node_id].body())
        return rect

    # ------------------------------------------------------------ what is there

    def node_at(self, place: QPointF) -> NodeItem | None:
        """The node whose body or drawn port is at a scene place, uppermost first."""
        near = QRectF(place.x() - 1, place.y() - 1, 2, 2)
        found = [i for i in self.items(near) if isinstance(i, NodeItem)]
        for item in found:
            if item.body().contains(place):
                return item
        for item in found:
            if item.near_output(place) or item.near_port(place):
                return item
        return None

    def port_at(self, place: QPointF, reach: float) -> tuple[str, PortFace | None] | None:
        """(node id, input port, or None for the output) within `reach` of a scene place."""
        area = QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach)
        for item in self.items(area):
            if isinstance(item, NodeItem):
                if item.near_output(place, reach):
                    return item.node_id, None
                port = item.near_port(place, reach)
                if port is not None:
                    return item.node_id, port
        return None

    def wire_at(self, place: QPointF, reach: float = 6.0) -> WireItem | None:
        area = QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach)
        for item in self.items(area):
            if isinstance(item, WireItem) and item.is_near(place, reach):
                return item
        return None

    def nodes_in(self, area: QRectF) -> list[str]:
        """Nodes whose body touches an area, in the document's order."""
        touched = {
            i.node_id
            for i in self.items(area)
            if isinstance(i, NodeItem) and i.body().intersects(area)
        }
        return [n for n in self.nodes if n in touched]

    # ------------------------------------------------------------ looks

    def show_selection(self) -> None:
        chosen = set(self.session.selection)
        for node_id, item in self.nodes.items():
            item.set_look(replace(item.look, selected=node_id in chosen))

    def hover(self, node_id: str | None, key: Port | None) -> None:
        """One node or one wire under the pointer, or nothing."""
        for item in self.nodes.values():
            if item.look.hovered != (item.node_id == node_id):
                item.set_look(replace(item.look, hovered=item.node_id == node_id))
        for wire in self.wires.values():
            if wire.face.hovered != (wire.key == key):
                wire.set_face(replace(wire.face, hovered=wire.key == key))

    def light(self, ports: Mapping[str, frozenset[str]] | None) -> None:
        """While a wire is drawn: the ports it may end at; nodes without any are dimmed."""
        for node_id, item in self.nodes.items():
            lit = None if ports is None else ports.get(node_id, frozenset())
            item.set_look(replace(item.look, lit=lit, target=None))

    def aim(self, node_id: str | None, port: str | None) -> None:
        """The port the wire would end at if it were let go now."""
        for item in self.nodes.values():
            target = port if item.node_id == node_id else None
            if item.look.target != target:
                item.set_look(replace(item.look, target=target))

    def middle_of(self, place: QPointF) -> tuple[float, float]:
        """The corner of a plain node whose middle is at a scene place, on the grid."""
        return snap(place.x() - WIDTH / 2), snap(place.y() - 38)


def snap(number: float, grid: int = 4) -> float:
    return float(round(number / grid) * grid)

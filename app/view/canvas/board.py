"""The scene: one item a node, a wire a link, kept in step with the document by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtWidgets import QGraphicsScene

from app.session import Session
from app.view.canvas.drawing import Look
from app.view.canvas.face import Face, base_face
from app.view.canvas.layers import FAR, LABELS_FROM, NodeLayer, WireLayer
from app.view.canvas.mark_layers import VerdictLayer, WeightLayer
from app.view.canvas.node_item import NodeItem
from app.view.canvas.note_board import NoteBoard
from app.view.canvas.pictures import Pictures
from app.view.canvas.places import MANY, Places
from app.view.canvas.step_layer import StepLayer
from app.view.canvas.values import Values
from app.view.canvas.wire_item import WireItem
from app.view.theme import Theme
from engine.graph import TIED, Graph, Node, Port
from engine.passing import readers

_START = QRectF(-20_000, -20_000, 40_000, 40_000)


class Board(Places):
    """Nodes and wires by id over one session. `synchronize` follows the document, `show_values` the
    step.

    Two layers paint them. While `moving` is set they may use pictures of another size, and then set
    `unsharp`; `bare` leaves numbers out of a picture that is kept.
    """

    hovered = Signal(object, object)
    """The node and the wire that are under the pointer now, or None."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session)
        self.theme = theme
        self.notes = NoteBoard(self)
        self.pictures = Pictures(theme)
        self.stepping = self.thin = self.moving = self.unsharp = self.bare = False
        self._values = Values(session)
        self._seen: dict[str, Node] = {}
        self._made: dict[str, object] = {}
        self._bases: dict[str, Face] = {}
        self._unwired: set[str] = set()
        self._specs: object = None
        self._faults: set[str] = set()
        self._chosen: set[str] = set()
        self._hovered: tuple[str | None, Port | None] = (None, None)
        self.onto: Port | None = None
        self._aimed: str | None = None
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.BspTreeIndex)
        self.setSceneRect(_START)
        self.step_layer = StepLayer(self, 2.5)
        self._layers = (
            WireLayer(self, 1), WeightLayer(self, 1.5), NodeLayer(self, 2), self.step_layer,
            VerdictLayer(self, 3),
        )  # fmt: skip
        for layer in self._layers:
            self.addItem(layer)

    def reset(self) -> None:
        """Forgets every item: other nodes of the same ids are looked at."""
        for item in self.nodes.values():
            self.removeItem(item)
        self.notes.reset()
        for table in (self.nodes, self.wires, self._seen, self._bases, self._around):
            table.clear()
        self.node_boxes.clear()
        self.wire_boxes.clear()
        self._made = {}
        self._unwired, self._chosen = set(), set()
        self._hovered = None, None
        self._specs, self._values = None, Values(self.session)
        self.pictures.clear()
        self.update()

    def move_items(self, places: Mapping[str, QPointF]) -> None:
        self.step_layer.moved(places)
        super().move_items(places)
        self.step_layer.moved(places)

    # ------------------------------------------------------------ following the document

    def synchronize(self) -> tuple[set[str], dict[str, QPointF]]:
        """Adds, removes and updates items for what differs from the document.

        Returns the ids of new nodes, and where nodes and notes stood that the document has moved.
        """
        with self.together():
            return self._synchronize()

    def _synchronize(self) -> tuple[set[str], dict[str, QPointF]]:
        graph = self.session.graph
        links = graph.links
        for key in [k for k, w in self.wires.items() if links.get(k) != w.source]:
            self._forget_wire(key)
        for node_id in [n for n in self.nodes if n not in graph.nodes]:
            self._forget_node(node_id)
        new: set[str] = set()
        moved: dict[str, QPointF] = {}
        stale = self._unwired | self._redefined(graph)
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
                item.put(place)
            if seen.name != node.name:
                stale.update(readers(graph, node_id), _tied_to(graph, node_id))
            if replace(seen, x=node.x, y=node.y) != node:
                stale.add(node_id)
        for key in [k for k in links if k not in self.wires]:
            self._add_wire(key, links[key])
            stale.add(key[0])
            stale.add(links[key])
        dots = [n for n in stale if n in graph.nodes and graph.op(n).is_wire]
        stale.update(reader for dot in dots for reader in readers(graph, dot))
        for node_id in (stale - new) & self.nodes.keys():
            self._set_base(node_id)
        self._settle({*new, *moved, *(stale & self.nodes.keys())})
        self._grow((*new, *moved))
        return new, {**moved, **self.notes.synchronize()}

    def _redefined(self, graph: Graph) -> set[str]:
        """Nodes whose module or own operator is another one by now: their ports may be others."""
        made: dict[str, object] = {**graph.modules, **graph.operators}
        before, self._made = self._made, made
        changed = {name for name in made if made[name] is not before.get(name)}
        return {n for n, node in graph.nodes.items() if node.op in changed} if changed else set()

    def _set_base(self, node_id: str) -> None:
        """A changed node keeps the numbers it shows until there are new ones."""
        base = self._bases[node_id] = base_face(self.session.graph, node_id)
        item = self.nodes[node_id]
        shown = item.shown
        item.set_face(
            replace(
                base,
                value=shown.value,
                gradient=shown.gradient,
                shape=shown.shape,
                value_array=shown.value_array,
                gradient_array=shown.gradient_array,
                fault=shown.fault,
                waiting=shown.waiting,
                step=shown.step,
            )
        )

    def _add_node(self, node: Node) -> None:
        base = self._bases[node.id] = base_face(self.session.graph, node.id)
        item = self.nodes[node.id] = NodeItem(node.id, base)
        item.setPos(node.x, node.y)
        self.addItem(item)
        item.repaint()

    def _forget_node(self, node_id: str) -> None:
        item = self.nodes.pop(node_id)
        item.repaint()
        self.removeItem(item)
        self.node_boxes.drop(node_id)
        self.pictures.drop(node_id)
        self._chosen.discard(node_id)
        if node_id == self._hovered[0]:
            self._hovered = None, self._hovered[1]
        del self._seen[node_id], self._bases[node_id]

    def _add_wire(self, key: Port, source: str) -> None:
        self.wires[key] = WireItem(key, source, self)
        for end in (source, key[0]):
            self._around.setdefault(end, set()).add(key)

    def _forget_wire(self, key: Port) -> None:
        wire = self.wires.pop(key)
        for end in (wire.source, key[0]):
            self._around[end].discard(key)
        self._unwired.update((key[0], wire.source))
        if key == self._hovered[1]:
            self._hovered = self._hovered[0], None
        wire.repaint()
        self.wire_boxes.drop(key)

    def _grow(self, node_ids: Iterable[str]) -> None:
        """A rectangle that holds everything, changed rarely: the index is rebuilt when it grows."""
        rect = self.sceneRect()
        outside = [n for n in node_ids if not rect.contains(self.nodes[n].pos())]
        if outside:
            for node_id in outside:
                rect = rect.united(self.nodes[node_id].sceneBoundingRect())
            margin = max(rect.width(), rect.height()) / 2
            self.setSceneRect(rect.adjusted(-margin, -margin, margin, margin))

    # ------------------------------------------------------------ following values and steps

    def show_values(self) -> None:
        """Brings faces and wires to the session's values at its step: those that are seen now, the
        others when they are looked at."""
        changed = self._values.follow(self.stepping)
        self.step_layer.show_sum(*self._values.added())
        self.step_layer.show_node(*self._values.at_work)
        if changed is None:
            for item in self.nodes.values():
                item.stale = True
            for wire in self.wires.values():
                wire.stale = True
            self._reshape()
            self._freshen_seen()
        elif len(changed) <= MANY:
            self._freshen_all(changed)
        else:  # far away in the pass
            for node_id in changed & self.nodes.keys():
                self.nodes[node_id].stale = True
                for key in self._around.get(node_id, ()):
                    self.wires[key].stale = True
            self._freshen_seen()

    def _freshen_all(self, node_ids: set[str]) -> None:
        """Nodes, and the wires at them."""
        keys: set[Port] = set()
        for node_id in node_ids & self.nodes.keys():
            self.freshen(self.nodes[node_id])
            keys |= self._around.get(node_id, set())
        for key in keys:
            self.freshen_wire(self.wires[key])

    def travelled(self) -> list[WireItem]:
        """The wires that the step's numbers travel on."""
        keys = {k for n in self._values.visited for k in self._around.get(n, ())}
        found = [self.wires[key] for key in keys if self.wires[key].shown.step]
        seen = {wire.key for wire in found}
        for wire in found:  # grows on the way: through dots
            for end in (wire.source, wire.key[0]):
                if end in self.nodes and self.nodes[end].shown.is_dot:
                    for key in self._around[end] - seen:
                        if self.wires[key].shown.step:
                            seen.add(key)
                            found.append(self.wires[key])
        return found

    def _reshape(self) -> None:
        """A tensor's node is taller, so shapes are not left for later."""
        evaluation = self.session.evaluation
        if evaluation.specs is not self._specs:
            self._specs = evaluation.specs
            shape_text = evaluation.shape_text
            with self.together():
                for node_id, item in self.nodes.items():
                    if item.shown.shape != shape_text(node_id):
                        self.freshen(item)

    def _freshen_seen(self) -> None:
        """What a view shows is worked out now, so that only what changed is painted."""
        self._freshen_all(self._values.visited)
        faults = set(self.session.evaluation.faults)
        if faults != self._faults:
            self._faults = faults
            self.update()
        for view in self.views():
            zoom, area = view.transform().m11(), view.mapToScene(view.viewport().rect())
            if view.isVisible() and zoom >= FAR:
                with self.together():
                    for node_id in self.node_boxes.touching((area.boundingRect(),)):
                        self.freshen(self.nodes[node_id])
            if view.isVisible() and zoom >= LABELS_FROM:
                with self.together():
                    for key in self.wire_boxes.touching((area.boundingRect(),)):
                        self.freshen_wire(self.wires[key])

    def freshen(self, item: NodeItem) -> None:
        """A node shows what the session says now."""
        face = self._values.node_face(self._bases[item.node_id], item.node_id)
        if item.set_face(face):
            self._settle((item.node_id,))

    def freshen_wire(self, wire: WireItem) -> None:
        wire.set_face(self._values.wire_face(wire))

    def set_thin(self, thin: bool) -> None:
        """Hair wires while something moves: a thick curve costs four times as much."""
        self.thin = thin
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.pictures.set_theme(theme)
        self.update()
        self.notes.set_theme(theme)

    # ------------------------------------------------------------ looks

    def show_selection(self) -> None:
        chosen = self.nodes.keys() & set(self.session.selection)
        with self.together():
            for node_id in chosen ^ self._chosen:
                item = self.nodes[node_id]
                item.set_look(replace(item.look, selected=node_id in chosen))
        self._chosen = chosen
        self.notes.show_selection()

    def hover(self, node_id: str | None, key: Port | None, *, onto: bool = False) -> None:
        """One node or one wire under the pointer, or nothing; `onto` tells that a node would be put
        on the wire."""
        self.onto = key if onto else None
        was, now = self._hovered, (node_id, key)
        if was == now:
            return
        self._hovered = now
        self.hovered.emit(node_id, key)
        for (a_node, a_key), hovered in ((was, False), (now, True)):
            item = self.nodes.get(a_node or "")
            if item is not None and was[0] != now[0]:
                item.set_look(replace(item.look, hovered=hovered))
            wire = self.wires.get(a_key) if a_key is not None else None
            if wire is not None:
                wire.set_face(replace(wire.face, hovered=hovered))

    def light(self, ports: Mapping[str, frozenset[str]] | None) -> None:
        """While a wire is drawn: the ports it may end at; nodes without any are dimmed."""
        none: frozenset[str] = frozenset()
        made: dict[tuple[Look, frozenset[str] | None], Look] = {}  # few, and many nodes have each
        for node_id, item in self.nodes.items():
            lit = None if ports is None else ports.get(node_id, none)
            look = item.look
            if lit != look.lit or look.target is not None:
                key = look, lit
                if key not in made:
                    made[key] = replace(look, lit=lit, target=None)
                item.look = made[key]
        if made:
            self.update()

    def aim(self, node_id: str | None, port: str | None) -> None:
        """The port the wire would end at if it were let go now."""
        was, self._aimed = self._aimed, node_id
        for other in {was, node_id}:
            item = self.nodes.get(other or "")
            if item is not None:
                item.set_look(replace(item.look, target=port if other == node_id else None))


def _tied_to(graph: Graph, node_id: str) -> list[str]:
    return [n for n, node in graph.nodes.items() if node.options.get(TIED) == node_id]

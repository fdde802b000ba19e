"""The why-lens: the paths by which a loss depends on a node, as they are told and shown; without Qt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from app.marks import Badge, Mark
from app.session import Session
from app.text import pretty_name, tr
from engine.causes import Cause, cause, stopped_at
from engine.graph import Port
from engine.inside import Place
from engine.paths import Path, Paths, size_of, towards
from engine.shapes import shape_text
from engine.wires import carrying
from engine.wording import Telling, short

FEW = 20
"""So many paths are looked for first; each wish for more asks for five times as many."""
_TIMES = 5
_FACTORS = 9  # more are not written out
_EXACT = 10**15  # paths above it are counted in powers of ten
_BADGES = {"none": "∅", "zero": "0", "not finite": "NaN", "tiny": "≈0", "partly zero": "0…"}


class Lens:
    """What is asked, and what is known of it so far.

    `loss` is the step whose gradient is explained, None for the document's output; `pinned` the step
    it is the gradient of, None for the node selected last. `message` says why there is nothing to
    show. `look` begins anew and is gone through to its end, piece by piece.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.loss: str | None = None
        self.pinned: str | None = None
        self._wanted = FEW
        self._towards: tuple[Telling, Telling] | None = None
        self._clear("")

    def _clear(self, message: str) -> None:
        self.message = message
        self.paths: Paths | None = None
        self.cause: Cause | None = None
        self.telling: Telling | None = None
        self._wires: dict[tuple[str, str], tuple[Port, ...]] = {}
        self._of: tuple[Place, int] = (), -1
        self.__dict__.pop("_weights", None)

    # ------------------------------------------------------------ what is asked

    @property
    def target(self) -> str | None:
        """The step whose gradient is explained, None while no node is chosen."""
        found, chosen = self.session.evaluation, self.session.selection
        if self.pinned is not None and self.pinned in found.expansion.nodes:
            return self.pinned
        return found.step_of(chosen[-1]) if chosen else None

    @property
    def losses(self) -> list[str]:
        """The nodes looked at that are single numbers: what may be taken for the loss."""
        specs, graph = self.session.evaluation.specs, self.session.graph
        return [
            n
            for n in graph.order()
            if n in specs and specs[n].kind == "float" and not specs[n].shape
        ]

    def forget(self) -> None:
        """Another document: nothing is chosen."""
        self.loss = self.pinned = None
        self._wanted = FEW

    def want_more(self) -> None:
        self._wanted *= _TIMES

    def want_few(self) -> None:
        self._wanted = FEW

    # ------------------------------------------------------------ looking

    def look(self) -> Iterator[None]:
        """Finds the paths between what is chosen, and the cause of a gradient that is odd."""
        found = self.session.evaluation
        message = self._why_not()
        self._clear(message)
        self._of = self.session.place, self.session.root.meaning
        if message:
            return
        target = str(self.target)
        telling = self._told_towards(found.steps.telling)
        if telling is None:
            return
        assert telling.adjoints is not None
        yield
        paths = Paths(telling.expansion, telling.adjoints, telling.read, target)
        yield
        yield from paths.work(self._wanted)
        self.cause = cause(telling, paths)
        self.telling, self.paths = telling, paths

    def go_on(self) -> Iterator[None]:
        """Finds more of the paths that were looked for."""
        if self.paths is not None:
            self.__dict__.pop("_weights", None)
            yield from self.paths.work(self._wanted)

    def _why_not(self) -> str:
        """Why nothing can be explained, in a sentence."""
        session, found, target = self.session, self.session.evaluation, self.target
        if not session.graph.nodes:
            return tr("Nothing to explain yet. Type a formula above, or drag an operator in.")
        if target is None:
            return tr(
                "Select a node: every path from the output to it is shown here, with what each adds "
                "to the gradient."
            )
        name = pretty_name(self._name(target))
        if target in found.failed or target not in found.expansion.nodes:
            fault = next((f for n in session.selection if (f := found.fault_of(n))), "")
            return fault or tr("{name} has no value yet, so nothing flows to it.").format(name=name)
        if self.loss is not None and self.loss not in found.expansion.nodes:
            self.loss = None
        if self.loss is None and found.adjoints is None:
            return found.note or tr("There is no gradient yet.")
        return ""

    def _told_towards(self, telling: Telling) -> Telling | None:
        """What is read from: the document's own backward pass, or one of another loss."""
        if self.loss is None:
            return telling
        if self._towards is None or self._towards[0] is not telling or (
            self._towards[1].adjoints is None or self._towards[1].adjoints.output != self.loss
        ):  # fmt: skip
            try:
                self._towards = telling, towards(telling, self.loss)
            except ValueError as error:
                self._clear(f"{pretty_name(self._name(self.loss))}: {error}.")
                return None
        return self._towards[1]

    def _name(self, step: str) -> str:
        chosen = self.session.selection
        if chosen and self.pinned is None and chosen[-1] in self.session.graph.nodes:
            if self.session.evaluation.step_of(chosen[-1]) == step:
                return self.session.graph.name(chosen[-1])
        return self.session.evaluation.steps.telling.name(step)

    # ------------------------------------------------------------ as text

    @property
    def names(self) -> tuple[str, str]:
        """What the loss and the node are called; the loss is empty where there is none."""
        found = self.session.evaluation
        output = found.adjoints.output if found.adjoints is not None else ""
        loss = self.loss or output
        return (self._name(loss) if loss else ""), self._name(self.target or "")

    @property
    def counted(self) -> str:
        """How many paths there are: `3 paths`, `about 10^301 paths`."""
        assert self.paths is not None
        count = self.paths.count
        if count == 1:
            return tr("1 path")
        if count < _EXACT:
            return tr("{count} paths").format(count=f"{count:,}")
        power = int(count.bit_length() * math.log10(2))  # text of long numbers takes its time
        return tr("about 10^{power} paths").format(power=power)

    @property
    def footer(self) -> str:
        """How much of all is shown, and what the rest adds."""
        paths = self.paths
        if paths is None or paths.complete or not paths.found:
            return ""
        shown = tr("showing {shown} of {all}").format(
            shown=f"{len(paths.found):,}", all=self.counted
        )
        rest = tr("the rest adds {rest}").format(rest=self.number(paths.rest))
        return f"{shown}; {rest}"

    def number(self, value: object) -> str:
        """A contribution as text: the number, of a tensor its length."""
        array = np.asarray(value, np.float64)
        if not array.ndim:
            return short(array)
        return f"‖{short(size_of(array))}‖"

    def steps_of(self, path: Path) -> list[str]:
        """The names on a path, the loss first."""
        assert self.telling is not None and self.paths is not None
        steps = [self.paths.start, *(term.target for term in path.terms)]
        return [pretty_name(self.telling.name(step)) for step in steps]

    def product(self, path: Path) -> str:
        """A path's product written out, without factors of 1; of tensors what arrives, by its shape,
        or where it ends."""
        assert self.paths is not None and self.telling is not None
        end = stopped_at(self.telling, self.paths, path) if not path.size else None
        if end is not None and end.node is not None:
            if path.slopes is not None:
                return tr("ends: {said}").format(said=end.sentence.removesuffix("."))
            name, said = self.telling.name(end.node), end.sentence.partition(": ")[2]
            return tr("ends at {name}: {said}").format(name=name, said=said.removesuffix("."))
        if path.slopes is None:
            shape = np.shape(path.value)
            carried = shape_text(shape) if shape else tr("a number")
            return tr("arrives as {shape}, length {size}").format(
                shape=carried, size=short(path.size)
            )
        factors = [_bracketed(short(slope)) for slope in path.slopes if slope != 1.0]
        if len(factors) > _FACTORS:
            left = len(factors) - _FACTORS + 1
            factors[_FACTORS // 2 : -(_FACTORS // 2)] = [tr("… {n} more …").format(n=left)]
        if len(factors) < 2:
            return short(path.value)
        return f"{' × '.join(factors)} = {short(path.value)}"

    def share(self, value: object) -> float:
        """The size of a contribution beside the largest one shown, with its sign; of a tensor the
        sign tells whether it points along the gradient or against it."""
        assert self.paths is not None
        paths = self.paths
        sizes = [size_of(v) for v in (*(path.value for path in paths.found[:1]), paths.rest)]
        whole, size = max((s for s in sizes if math.isfinite(s)), default=0.0), size_of(value)
        if not math.isfinite(size):
            return 1.0
        array = np.asarray(value, np.float64)
        gradient = 0.0 if paths.gradient is None else paths.gradient
        along = float(np.sum(array * gradient)) if array.ndim else float(array)
        return math.copysign(size / whole, along) if whole else 0.0

    # ------------------------------------------------------------ on the canvas

    def mark(self, path: Path | None = None) -> Mark | None:
        """All paths by their shares, the edge of the cause lit; or one path alone, lit. None while
        other nodes are looked at than those that were asked about."""
        if self.paths is None or self._of != (self.session.place, self.session.root.meaning):
            return None
        if path is not None:
            lit = frozenset(p for t in path.terms for p in self._wires_of(t.node, t.port))
            return Mark({p: self._weights.get(p, 0.0) for p in lit}, lit, dim=True)
        lit = frozenset()
        badges = {}
        if self.cause is not None and self.cause.node is not None:
            if self.cause.port is not None:
                lit = frozenset(self._wires_of(self.cause.node, self.cause.port))
            node = self.session.evaluation.node_of(self.cause.node)
            if node is not None:
                badges[node] = Badge(_BADGES[self.cause.what], "warning", self.cause.sentence)
        return Mark(self._weights, lit, badges=badges)

    @cached_property
    def _weights(self) -> Mapping[Port, float]:
        """The share of everything that flows, by the wires of what is looked at."""
        weights: dict[Port, float] = {}
        if self.paths is not None:
            for (step, port), share in self.paths.shares().items():
                for wire in self._wires_of(step, port):
                    weights[wire] = min(1.0, weights.get(wire, 0.0) + share)
        return weights

    def _wires_of(self, step: str, port: str) -> tuple[Port, ...]:
        """The wires of what is looked at that an edge runs along."""
        known = self._wires.get((step, port))
        if known is None:
            flat = self.session.evaluation.expansion.nodes[step]
            index = flat.op.ports(len(flat.args)).index(port)
            known = tuple(carrying(self.session.root, step, index, self.session.place))
            self._wires[step, port] = known
        return known

    def cause_at(self) -> tuple[Place, str] | None:
        """Where the node of the cause's edge stands."""
        if self.cause is None or self.cause.node is None:
            return None
        *place, node = self.cause.node.split(".")
        return tuple(place), node


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number

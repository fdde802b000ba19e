"""An expansion compiled to a flat plan of kernel calls, and run.

Running is a loop over `(kernel, operands)`; every buffer is allocated when the plan is made. A graph
of single float64 numbers runs on Python floats with functions of `math` instead: for those, NumPy's
cost per call is thirty times the work. The choice follows the graph and never the mode, because the
two families differ in the last bit.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from engine.expansion import Expansion, Flat, Ref, value_args
from engine.lanes import Layout, Place, lay_out
from engine.ops.row import Array, bound
from engine.scalars import INTEGER, Scalars, is_scalar
from engine.shapes import Spec


class Plan:
    """A compiled expansion.

    `outputs` are the steps whose values can be read after `run`; with `keep` every step can be.
    `assign` maps source steps to the step whose value they take at the end of a run: that is how
    parameters and optimizer state move. Values are read with `value`, given with `set`.
    """

    def __init__(
        self,
        expansion: Expansion,
        outputs: Iterable[Ref],
        *,
        keep: bool = False,
        assign: Mapping[str, Ref] | None = None,
    ) -> None:
        self.assign = dict(assign or {})
        wanted = [r for r in (*outputs, *self.assign.values(), *self.assign) if isinstance(r, str)]
        live = set(expansion.nodes) if keep else expansion.ancestors(wanted, with_shapes=False)
        self.order = [flat for flat in expansion.nodes.values() if flat.id in live]
        self.expansion, self.keep = expansion, keep
        self._outputs = set(wanted)
        scalar = expansion.dtype == np.float64 and all(
            is_scalar(f) for f in expansion.nodes.values()
        )
        layout = Layout(self.order)
        if self.assign and not scalar and not keep:
            layout = lay_out(self.order, self.assign, {r for r in outputs if isinstance(r, str)})
            self.order, self.assign = layout.order, layout.assign
            self.expansion = copy(expansion)
            self.expansion.nodes = {**expansion.nodes, **{f.id: f for f in self.order}}
        self._body: Scalars | _Arrays = (
            Scalars(self.expansion, self.order, self.assign)
            if scalar
            else _Arrays(self, live, self._outputs, layout)
        )
        self.is_scalar = scalar
        for node_id, value in expansion.feeds.items():
            if node_id in live:
                self.set(node_id, value)

    def set(self, node_id: str, value: Any) -> None:
        """Gives a source step its value; the shape must be the one the plan was made for."""
        self._body.set(node_id, value)

    def run(self, times: int = 1) -> None:
        """Computes every step, then makes the assignments; `times` over.

        Raises ValueError when a kernel refuses its operands (a class index that is no class).
        """
        self._body.run(times)

    def run_each(self) -> dict[str, str]:
        """As `run` once, going on behind a step that fails; returns {step: message}.

        Steps that read a failed one are failed with an empty message.
        """
        with np.errstate(all="ignore"):
            return self._body.run_each()

    def renewed(
        self, expansion: Expansion, values: Mapping[str, Any], failed: Mapping[str, str]
    ) -> tuple[Plan, dict[str, str]]:
        """A plan with other values of some sources, where only what depends on them is computed again;
        the arrays of this one, made with `keep`, stay as they are.

        `failed` is what `run_each` told of this plan; returns the new plan and what it tells of that.
        """
        stale = set(values)
        for flat in self.order:
            for a in flat.args:
                if a in stale:
                    stale.add(flat.id)
                    break
        plan = copy(self)
        plan.expansion = expansion
        before = {n: message for n, message in failed.items() if n not in stale}
        with np.errstate(all="ignore"):
            plan._body, failures = self._body.renewed(values, stale, before)
        return plan, failures

    def value(self, ref: Ref) -> Array:
        """The value of a step as an array (a view of the plan's buffer), or of a number."""
        if not isinstance(ref, str):
            return np.asarray(ref, self.expansion.dtype)
        return self._body.value(ref)

    def number(self, ref: Ref) -> float:
        """The value of a step that is a single number."""
        return self._body.number(ref) if isinstance(ref, str) else ref

    def is_finite(self) -> bool:
        """True when no number of the last run is infinite or not a number."""
        return self._body.is_finite()

    def spec(self, node_id: str) -> Spec:
        return self.expansion.nodes[node_id].spec


class _Arrays:
    """A plan on NumPy buffers; without `keep`, buffers are reused once nobody reads them."""

    def __init__(self, plan: Plan, live: set[str], outputs: set[str], layout: Layout) -> None:
        self.plan, self.expansion, self._places = plan, plan.expansion, layout.places
        self.buffers: dict[str, Array] = {}
        self.steps: list[tuple[Any, tuple[Array, ...]]] = []
        self.step_ids: list[str] = []
        self._literals: dict[str, Array] = {}
        self._owned: dict[str, Array] = {}
        self._free: dict[tuple[Any, ...], list[Array]] = {}
        self._in_place = self._updates_in_place()
        last = {} if plan.keep else self._last_reads(live, outputs)
        for position, flat in enumerate(plan.order):
            dying = last.get(position, ())
            self._compile(flat, dying)
            for node_id in dying:
                buffer = self._owned.pop(node_id, None)
                if buffer is None:
                    continue
                self._free.setdefault((buffer.shape, buffer.dtype), []).append(buffer)
        self.moves = [
            (self.buffers[s], self._move_source(ref))
            for s, ref in plan.assign.items()
            if not (isinstance(ref, str) and self._in_place.get(ref) == s)
        ]

    def _dtype(self, spec: Spec) -> np.dtype[Any]:
        floats: np.dtype[Any] = self.expansion.dtype
        return INTEGER.get(spec.kind, floats)

    def _literal(self, value: float) -> Array:
        return self._literals.setdefault(repr(value), np.asarray(value, self.expansion.dtype))

    def _operand(self, ref: Ref) -> Array:
        if not isinstance(ref, str):
            return self._literal(ref)
        if ref in self.buffers:
            return self.buffers[ref]
        spec = self.expansion.spec(ref)  # read for its shape alone
        return np.broadcast_to(np.zeros((), self._dtype(spec)), spec.shape)

    def _compile(self, flat: Flat, dying: Collection[str]) -> None:
        spec = flat.spec
        place = self._places.get(flat.id)
        if flat.op.is_source:
            made = np.zeros(spec.shape, self._dtype(spec)) if place is None else self._part(place)
            self.buffers[flat.id] = made
            return
        specs = tuple(self.expansion.spec(a) for a in flat.args)
        args = tuple(self._operand(a) for a in flat.args)
        if place is None and flat.op.view is not None and args[0].dtype == self._dtype(spec):
            view = flat.op.view(flat.options, specs, args[0])
            if np.may_share_memory(view, args[0]) and not self._moves_under(flat.id, view):
                self.buffers[flat.id] = view
                return
        kernel = bound(flat.op, flat.options, specs, spec)
        state = self._in_place.get(flat.id)
        if place is not None:
            out = self._part(place)
        elif state is not None and isinstance(kernel, np.ufunc):
            out = self.buffers[state]
        else:
            self._in_place.pop(flat.id, None)
            out = self._owned[flat.id] = self._buffer(flat, kernel, dying)
        self.buffers[flat.id] = out
        self.steps.append((kernel, (*args, out)))
        self.step_ids.append(flat.id)

    def _buffer(self, flat: Flat, kernel: Any, dying: Collection[str]) -> Array:
        """A buffer for a result: that of an operand nobody reads again where the kernel goes entry by
        entry, else a free one, else a new one."""
        wanted = flat.spec.shape, self._dtype(flat.spec)
        if isinstance(kernel, np.ufunc):
            for a in flat.args:
                old = self._owned.get(a) if isinstance(a, str) and a in dying else None
                if old is not None and (old.shape, old.dtype) == wanted:
                    return self._owned.pop(str(a))
        free = self._free.get(wanted)
        return free.pop() if free else np.empty(*wanted)

    def _part(self, place: Place) -> Array:
        """A value's own part of the vector it is in."""
        end = place.start + place.spec.size
        return self.buffers[place.vector][place.start : end].reshape(place.spec.shape)

    def _moves_under(self, node_id: str, view: Array) -> bool:
        """True for a view of a state that is read after the state has moved."""
        return (self.plan.keep or node_id in self.plan._outputs) and any(
            state in self.buffers and np.may_share_memory(view, self.buffers[state])
            for state in self.plan.assign
        )

    def _updates_in_place(self) -> dict[str, str]:
        """Steps that may write straight into the state they are assigned to.

        That is right when nothing behind the step reads the state's old value, or a view of it,
        and no other state takes it over.
        """
        if self.plan.keep:
            return {}
        position = {flat.id: i for i, flat in enumerate(self.plan.order)}
        readers: dict[str, int] = {}
        views: dict[str, str] = {}
        for i, flat in enumerate(self.plan.order):
            first = flat.args[0] if flat.args else 0.0
            if flat.op.view is not None and isinstance(first, str):
                views[flat.id] = views.get(first, first)
            for a in value_args(flat):
                if isinstance(a, str):
                    readers[views.get(a, a)] = i
        chosen: dict[str, str] = {}
        for state, ref in self.plan.assign.items():
            if not isinstance(ref, str) or ref in chosen or ref in self.plan.assign:
                continue
            flat = self.plan.expansion.nodes[ref]
            same = flat.spec.shape == self.plan.spec(state).shape and flat.spec.kind == "float"
            taken = state in self.plan.assign.values()
            if (
                flat.op.elementwise
                and same
                and not taken
                and readers.get(state, -1) <= position[ref]
            ):
                chosen[ref] = state
        return chosen

    def _move_source(self, ref: Ref) -> Array:
        if isinstance(ref, str) and self.expansion.nodes[ref].op.is_source:
            copy = np.empty_like(self.buffers[ref])  # its own old value, before any move
            self.steps.append((_copy, (self.buffers[ref], copy)))
            self.step_ids.append(ref)
            return copy
        return self._operand(ref)

    def _last_reads(self, live: set[str], outputs: set[str]) -> dict[int, list[str]]:
        """Which owned buffers are free behind which step: {position: [ids]}."""
        root: dict[str, str] = {}
        last: dict[str, int] = {}
        pinned = {*outputs, *self.plan.assign}
        for position, flat in enumerate(self.plan.order):
            first = flat.args[0] if flat.args else 0.0
            shares = flat.op.view is not None and isinstance(first, str)
            root[flat.id] = root[first] if shares and isinstance(first, str) else flat.id
            last[root[flat.id]] = position
            for a in value_args(flat):
                if isinstance(a, str):
                    last[root[a]] = position
        kept = {root[p] for p in pinned if p in root}
        kept |= {f.id for f in self.plan.order if f.op.is_source} | set(self._in_place)
        freed: dict[int, list[str]] = {}
        for node_id, position in last.items():
            if node_id not in kept:
                freed.setdefault(position, []).append(node_id)
        return freed

    def set(self, node_id: str, value: Any) -> None:
        np.copyto(self.buffers[node_id], value, casting="same_kind")

    def value(self, node_id: str) -> Array:
        return self.buffers[node_id]

    def is_finite(self) -> bool:
        floats = (b for b in self.buffers.values() if b.dtype.kind == "f")
        return all(np.isfinite(b).all() for b in floats)

    def number(self, node_id: str) -> float:
        return float(self.buffers[node_id])

    def run(self, times: int) -> None:
        with np.errstate(all="ignore"):
            for _ in range(times):
                for kernel, args in self.steps:
                    kernel(*args)
                for state, value in self.moves:
                    np.copyto(state, value)

    def run_each(self) -> dict[str, str]:
        failed: dict[str, str] = {}
        for flat in self.plan.order:
            self._try(flat, failed)
        for state, value in self.moves:
            np.copyto(state, value)
        return failed

    @cached_property
    def _position(self) -> dict[str, int]:
        return {node_id: i for i, node_id in enumerate(self.step_ids)}

    def _try(self, flat: Flat, failed: dict[str, str]) -> None:
        if any(a in failed for a in value_args(flat)):
            failed[flat.id] = ""
            return
        index = self._position.get(flat.id)
        if index is None:
            return
        kernel, args = self.steps[index]
        try:
            kernel(*args)
        except ValueError as error:
            failed[flat.id] = str(error)
        except (ArithmeticError, LookupError, TypeError):
            if not flat.op.hidden:
                raise
            # a row that derivatives are made of counts on what they give it
            failed[flat.id] = "its operands are not what a derivative gives it"

    def renewed(
        self, values: Mapping[str, Any], stale: Container[str], failed: dict[str, str]
    ) -> tuple[_Arrays, dict[str, str]]:
        """Every stale step gets a buffer of its own, or a view into one."""
        position, other = self._position, copy(self)
        other.buffers, other.steps = dict(self.buffers), list(self.steps)
        for node_id, value in values.items():
            other.buffers[node_id] = np.empty_like(self.buffers[node_id])
            other.set(node_id, value)
        for flat in self.plan.order:
            if flat.id not in stale or flat.op.is_source:
                continue
            index = position.get(flat.id)
            args = tuple([other._operand(a) for a in flat.args])
            if index is None:
                assert flat.op.view is not None
                specs = tuple([self.expansion.spec(a) for a in flat.args])
                other.buffers[flat.id] = flat.op.view(flat.options, specs, args[0])
            else:
                kernel, before = self.steps[index]
                out = other.buffers[flat.id] = np.empty_like(before[-1])
                other.steps[index] = kernel, (*args, out)
            other._try(flat, failed)
        return other, failed


def _copy(value: Array, out: Array) -> None:
    np.copyto(out, value)

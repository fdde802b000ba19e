"""One training run: the stages of a recipe, stepped over batches.

The loss, its adjoints and the optimizer's updates are one expansion, compiled once for every number of
rows a batch can have (the last batch of an epoch may be short). The rows of a step follow from
the seed and the step's number alone, so any stretch of a run can be done again bit by bit; that is
how a run that diverges goes back to its last finite parameters without copying them at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.graph import Graph, Stage
from engine.ops.row import Array, Clock
from engine.ties import name_at, node_at
from engine.train import divergence, keeping, optimizers
from engine.train.data import Dataset
from engine.train.problem import TrainingError, use_threads
from engine.train.running import Running
from engine.train.saved import Change, DivergedError, Saved
from engine.train.stages import moved_by, prepare, steps_in

__all__ = ["SAVE_EVERY", "DivergedError", "Training"]

SAVE_EVERY = 64
"""Steps between two copies of the parameters, kept for the way back from a divergence."""


class Training:
    """Trains a document by its recipe, stage by stage; the document itself stays as it is.

    `base` is the folder that data files are relative to. `seed` draws new starting parameters where
    `init` says how, and orders the batches; None keeps the document's parameters and the recipe's
    seed (parameters that do not fit the data are drawn anyhow). `wrt` trains these source nodes
    instead of the trainable parameters. `threads` is how many BLAS threads the process uses from now
    on; results differ in the last bits between 1 and more.

    `step_count` counts the steps of all stages, `rate` is the learning rate of the one done last. The
    last stage goes on as long as it is asked to. `notes` says what is odd in the data and what ended early,
    `stopped` why the last one did. `history` has the loss of every step if `keeps_history`.

    Raises TrainingError, DataError or ValueError with a sentence.
    """

    def __init__(
        self,
        graph: Graph,
        base: Path | None = None,
        *,
        seed: int | None = None,
        wrt: Iterable[str] | None = None,
        threads: int = 1,
    ) -> None:
        use_threads(threads)
        self.graph = graph
        self.seed = graph.recipe.seed if seed is None else seed
        self._tasks, self._values = prepare(graph, base, self.seed, seed is not None, wrt)
        self.step_count = self._epochs = 0
        self.loss = self.rate = math.nan
        self.history: list[float] = []
        self.keeps_history = True
        self.notes = [f"{t.name}{note}" for t in self._tasks for note in t.told]
        self.stopped = ""
        self._enter(0)
        later = moved_by(self._tasks[1:], self._values)
        self.moved = tuple(dict.fromkeys((*self._stage.now.moved, *later)))
        self._skip()

    # ------------------------------------------------------------ stages

    def _enter(self, number: int) -> None:
        """Begins a stage with the values there are now."""
        task = self._tasks[number]
        self._stage = Running(task, self._values, self.seed, self.step_count, self._epochs)
        self.stage_number = number
        self._save(both=True, states=self._stage.beginning())
        self._plan_event()

    def _skip(self) -> None:
        """Goes past stages of no epochs."""
        while not self.stage.epochs and self.stage_number + 1 < len(self._tasks):
            self._enter(self.stage_number + 1)

    def _plan_event(self) -> None:
        """Notes behind how many steps something is due: the end of the stage, or of a watched epoch."""
        running = self._stage
        due: float = running.end if running.end > self.step_count else math.inf
        if running.watch is not None:
            due = min(due, running.start + (self.stage_epoch + 1) * running.steps_per_epoch)
        self._event = due

    def _due(self) -> None:
        """Looks at the loss of a watched epoch, and ends the stage when it is time."""
        running, stops = self._stage, False
        watch = running.watch
        done = self.step_count - running.start
        if watch is not None and done % running.steps_per_epoch == 0:
            loss = running.epoch_loss()
            stops = watch.epoch(self.stage_epoch, loss, running.moved)
            if watch.plateau is not None:
                lower = watch.plateau.after(loss, running.rate)
                if lower != running.rate:
                    self._change(lambda stage, step: stage.go_on_from(lower, step))
        if stops or self.step_count == running.end:
            self._end_stage(stops)
        self._plan_event()

    def _end_stage(self, stops: bool) -> None:
        """Puts the best parameters back and goes on to the next stage, if there is one."""
        running, number = self._stage, self.stage_epoch
        watch, is_last = running.watch, self.stage_number + 1 == len(self._tasks)
        if watch is not None and watch.bad:
            reason = watch.reason(number, running.task.name)
            self.notes.append(reason)
            self.stopped = reason if stops and is_last else ""
            running.put(watch.parameters)
            running.start_anew()
            running.watch = running.new_watch()
            self._save(both=True)
        if not is_last:
            if not running.has_finite_loss():
                self._diverged()
            self._values |= running.moved()
            self._epochs += number
            self._enter(self.stage_number + 1)
            self._skip()

    @property
    def stage(self) -> Stage:
        """The stage in force; `stage_number` is its place in the recipe, from 0."""
        return self._stage.stage

    @property
    def loss_node(self) -> str:
        return self._stage.task.loss_node

    @property
    def dataset(self) -> Dataset | None:
        """The rows of the stage in force."""
        return self._stage.task.dataset

    @property
    def wrt(self) -> tuple[str, ...]:
        """The parameters that the stage in force trains."""
        return self._stage.task.wrt

    @property
    def steps_per_epoch(self) -> int:
        return self._stage.steps_per_epoch

    @property
    def epoch(self) -> int:
        """Full passes over the training rows in all stages; without data every step is one."""
        return self._epochs + self.stage_epoch

    @property
    def stage_epoch(self) -> int:
        """Full passes over the training rows in this stage."""
        return (self.step_count - self._stage.start) // self._stage.steps_per_epoch

    @property
    def stage_start(self) -> int:
        return self._stage.start

    @property
    def total_steps(self) -> int:
        """Steps of the whole recipe; fewer once a stage has stopped early."""
        if self.stopped:
            return self.step_count
        return self._stage.start + sum(t.steps for t in self._tasks[self.stage_number :])

    def steps_ahead(self, epochs: int | None = None) -> int:
        """Steps to the end of the recipe (behind it: its last stage once more), or in so many epochs."""
        if epochs is None:
            return max(self.total_steps - self.step_count, 0) or self._tasks[-1].steps
        done = self.step_count - self.stage_start
        return steps_in(self._tasks[self.stage_number :], done, epochs)

    # ------------------------------------------------------------ stepping

    def step(self) -> float:
        """One step; returns the loss before it. Raises DivergedError or TrainingError."""
        if self.step_count - self._saved.step >= SAVE_EVERY:
            self._save()
        running = self._stage
        loss = running.advance(self.step_count)
        if not running.is_sane(loss):
            self._diverged()
        self.step_count += 1
        self.loss, self.rate = loss, running.rate
        if self.keeps_history:
            self.history.append(loss)
        if running.watch is not None:
            running.watch.step(loss, running.rows)
        if self.step_count >= self._event:
            self._due()
        return loss

    def run(
        self,
        steps: int | None = None,
        on_progress: Callable[[Training], bool | None] | None = None,
    ) -> float:
        """That many steps, or to the end of the recipe; returns the last loss.

        `on_progress` is called behind every step and ends the run by returning False; a last stage that
        stops early ends it too. Raises DivergedError, also when the last update itself left the finite
        numbers.
        """
        left = self.steps_ahead() if steps is None else steps
        self.stopped = ""
        while left > 0 and not self.stopped:
            number = self.stage_number
            self.step()
            left -= 1
            if steps is None and self.stage_number != number:
                left = self.total_steps - self.step_count
            if on_progress is not None and on_progress(self) is False:
                break
        self.check()
        return self.loss

    def check(self) -> None:
        """Raises DivergedError when the last update itself left the finite numbers."""
        if not self._stage.is_finite():
            self._diverged()

    # ------------------------------------------------------------ changing by hand

    @property
    def learning_rate(self) -> float:
        """That of the step to come; NaN when the schedule has none for it."""
        try:
            return self._stage.rate_of(self.step_count)
        except TrainingError:
            return math.nan

    def set_learning_rate(self, value: float) -> None:
        """From the next step of this stage on. The schedule goes on from it: its coming rates are
        multiplied by what this one is to the rate it says now (where that is 0: to the stage's own).

        Raises ValueError unless it is a finite number of 0 or more.
        """
        if not 0 <= value < math.inf:
            raise ValueError("the learning rate is a number of 0 or more")
        self._change(lambda stage, step: stage.go_on_from(float(value), step))

    def set_optimizer(self, name: str, settings: Mapping[str, float] | None = None) -> None:
        """From the next step of this stage on; the new one starts anew, the learning rate stays.

        Raises ValueError for an unknown name or setting.
        """
        chosen = dict(settings or {})
        optimizers.find(name).settled(chosen)
        self._change(lambda stage, step: stage.change_optimizer(name, chosen, step))

    def set_parameter(self, node_id: str, value: Array | float) -> None:
        """Gives what training moves, by id or path into a module, another value from the next step on.

        Raises TrainingError when training does not move it, or the value does not fit or is not finite.
        """
        name = self._name(node_id)
        if node_id not in self.moved:
            raise TrainingError(f"{name} is nothing that training moves; change it in the document")
        given = np.array(value, self._values[node_id].dtype)
        if given.shape != self._values[node_id].shape or not np.isfinite(given).all():
            raise TrainingError(f"the value given for {name} does not fit or is not finite")
        self._change(lambda stage, _: stage.give(node_id, given), stays=False)

    def _name(self, node_id: str) -> str:
        known = node_at(self.graph, node_id) is not None
        return name_at(self.graph, node_id) if known else node_id

    def _change(self, apply: Callable[[Running, int], None], stays: bool = True) -> None:
        """Does it, and keeps it for the way back from a divergence."""
        apply(self._stage, self.step_count)
        change = Change(self.step_count, apply, stays)
        self._saved.changes.append(change)
        if self._saved_before is not self._saved:
            self._saved_before.changes.append(change)

    # ------------------------------------------------------------ diverging

    _saved: Saved
    _saved_before: Saved

    def _save(self, both: bool = False, states: Mapping[str, Array] | None = None) -> None:
        running = self._stage
        chosen = running.optimizer.name, running.settings
        kept = running.states() if states is None else states
        now = Saved(
            self.step_count, kept, dict(running.values), running.memory.copied(), chosen,
            running.live, self.loss,
        )  # fmt: skip
        self._saved_before = now if both else self._saved
        self._saved = now

    def _diverged(self) -> None:
        """Goes back to the last parameters with a finite loss, names the culprit and raises."""
        failed, running = self.step_count, self._stage
        saved = self._saved if self._saved.step < failed else self._saved_before
        track = divergence.Track()
        self._replay(saved, failed, failed + 1, track=track)
        clock, fed = running.now.plan.expansion.clock, running.fed()
        given = {**running.values, **running.moved()}
        last = saved.step + divergence.TRIED
        told = divergence.explain(
            self.graph, running.now.loss, given, fed, Clock(clock.seed, clock.step), track,
            running.rate, lambda rate: self._replay(saved, last, last, rate),
        )  # fmt: skip
        kept = max(failed - 1, saved.step)
        self._replay(saved, kept, failed)
        for change in saved.changes:
            if change.step >= failed and change.stays:
                change.apply(running, kept)
        if self.keeps_history:
            del self.history[len(self.history) - (failed - kept) :]
        running.forget()
        self._save(both=True)
        self._plan_event()
        raise DivergedError(
            f"{running.task.name}training diverged at step {failed + 1}: {told.name} {told.sentence}; "
            f"the parameters are those after step {kept}",
            told.node, failed + 1,
        )  # fmt: skip

    def _replay(
        self, saved: Saved, to: int, until: int, rate: float | None = None,
        track: divergence.Track | None = None,
    ) -> list[float]:  # fmt: skip
        """Does the steps from a saved state again, up to `to` steps done, with what was changed by hand
        behind fewer than `until`, at the learning rates they had or at `rate`; returns the losses.
        `track` is shown the parameters before and after each."""
        running = self._stage
        if (running.optimizer.name, running.settings) != saved.optimizer:
            running.change_optimizer(*saved.optimizer, saved.step)
        for node_id, value in saved.values.items():  # of a frozen one, given by hand since
            if node_id not in running.now.moved and running.values[node_id] is not value:
                running.give(node_id, value)
        running.put(saved.states)
        running.memory, running.live = saved.memory.copied(), saved.live
        running.set_rate(saved.step)
        self.step_count, self.loss = saved.step, saved.loss
        changes = [c for c in saved.changes if c.step < until]
        losses = []
        while True:
            while changes and changes[0].step <= self.step_count:
                changes.pop(0).apply(running, self.step_count)
            if track is not None:
                track.add(running.moved())
            if self.step_count >= to:
                break
            self.loss = running.advance(self.step_count, rate)
            losses.append(self.loss)
            self.step_count += 1
        running.set_rate(self.step_count)
        running.feed(self.step_count)
        return losses

    # ------------------------------------------------------------ results

    def parameters(self) -> dict[str, Array]:
        """Copies of what training moves in any stage, by id: parameters and running statistics."""
        now = self._stage.values_now()
        return {n: now[n].copy() for n in self.moved}

    def load_parameters(self, values: Mapping[str, Array]) -> None:
        """Goes on from these parameters; the optimizer starts anew.

        Raises TrainingError when one has another shape.
        """
        known = {n: values[n] for n in self.moved if n in values}
        wrong = [n for n, v in known.items() if v.shape != self._values[n].shape]
        if wrong:
            raise TrainingError(f"the value given for {self._name(wrong[0])} does not fit")
        for node_id, value in known.items():
            self._stage.give(node_id, value)
        self._stage.start_anew()
        self._save(both=True)

    def metrics(self) -> dict[str, dict[str, float]]:
        """The loss and every metric, by node name, over all training rows and all held-out rows (of
        large ones over a part, see `Dataset.sample`; `notes` says so).

        `validation` is empty when no rows are held out.
        """
        return self._stage.metrics()

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """All that going on from here needs: arrays by name, and facts that JSON can hold.

        A session of the same document that restores it goes on with the same bits as this one.
        """
        arrays, facts = keeping.stage_state(self._stage)
        arrays |= {f"parameter/{n}": value for n, value in self.parameters().items()}
        for node_id, value in self._values.items():  # drawn by a seed, and not moved
            if node_id not in self.moved and value is not self.graph.tensors.get(node_id):
                arrays[f"fixed/{node_id}"] = value
        facts |= {
            "step": self.step_count, "seed": self.seed, "stage": self.stage_number,
            "stage_start": self._stage.start, "epochs": self._epochs,
            "loss": self.loss if math.isfinite(self.loss) else None, "notes": list(self.notes),
            "stopped": self.stopped,
        }  # fmt: skip
        return arrays, facts

    def restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave, here or in another process; `history` begins anew.

        Raises TrainingError when it is not that of this document; then this session is of no use.
        """
        try:
            self._restore(arrays, facts)
        except TrainingError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise TrainingError(
                f"the kept training cannot be read ({error}); train the document from its start"
            ) from None

    def _restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        for node_id in self.moved:
            known = self._values[node_id]
            value = keeping.fitting(arrays, f"parameter/{node_id}", known.shape)
            self._values[node_id] = np.array(value, known.dtype)
        self._values |= keeping.part(arrays, "fixed")
        self.seed, self._epochs = int(facts["seed"]), int(facts["epochs"])
        for task in self._tasks:
            task.seed = self.seed
        self.step_count, number = int(facts["stage_start"]), int(facts["stage"])
        if not 0 <= number < len(self._tasks):
            raise TrainingError("the kept training has another recipe; train it from its start")
        self._enter(number)
        self.step_count = int(facts["step"])
        keeping.restore_stage(self._stage, arrays, facts, self.step_count)
        self.history, self.notes = [], [str(n) for n in facts["notes"]]
        self.stopped = str(facts["stopped"])
        self.loss = math.nan if facts["loss"] is None else float(facts["loss"])
        self._save(both=True)
        self._plan_event()

"""A stage under way as arrays and facts, so that another process can go on with the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.ops.row import Array
from engine.train.lbfgs import Memory
from engine.train.problem import TrainingError
from engine.train.running import Running


def stage_state(running: Running) -> tuple[dict[str, Array], dict[str, Any]]:
    """What the optimizer, the rate and the watch of a stage remember: `optimizer/...`, `lbfgs/...` and
    `best/...`, and facts that JSON can hold."""
    states, watch = running.states(), running.watch
    arrays = {f"optimizer/{n}": states[n] for n in running.inner_states()}
    if running.memory.iterations:
        arrays |= {f"lbfgs/{n}": value for n, value in running.memory.arrays().items()}
    if watch is not None:
        arrays |= {f"best/{n}": value for n, value in watch.parameters.items()}
    return arrays, {
        "rate": list(running.live), "optimizer": running.optimizer.name,
        "settings": dict(running.settings), "watch": watch.facts() if watch is not None else None,
    }  # fmt: skip


def restore_stage(
    running: Running, arrays: Mapping[str, Array], facts: Mapping[str, Any], step: int
) -> None:
    """Puts back what `stage_state` gave; so many steps are done. Raises TrainingError."""
    chosen = (str(facts["optimizer"]), dict(facts["settings"]))
    if chosen != (running.optimizer.name, running.settings):
        running.change_optimizer(*chosen, step)
    for node_id in running.inner_states():
        shape = running.now.plan.spec(node_id).shape
        running.now.plan.set(node_id, fitting(arrays, f"optimizer/{node_id}", shape))
    memory = part(arrays, "lbfgs")
    running.memory = Memory.of(memory) if memory else Memory()
    first, second = facts["rate"]
    running.live = (float(first), float(second))
    if running.watch is not None and facts["watch"] is not None:
        running.watch.restore(facts["watch"], part(arrays, "best"))
    running.set_rate(step)


def part(arrays: Mapping[str, Array], kind: str) -> dict[str, Array]:
    """The arrays of one kind, by what stands behind the stroke."""
    return {k.removeprefix(f"{kind}/"): v for k, v in arrays.items() if k.startswith(f"{kind}/")}


def fitting(arrays: Mapping[str, Array], key: str, shape: tuple[int, ...]) -> Array:
    """An array that was kept. Raises TrainingError when it is not there in this shape."""
    if key not in arrays or arrays[key].shape != shape:
        raise TrainingError(
            f"the kept training does not fit this document ({key} is missing or has another "
            "shape); train it from its start"
        )
    return arrays[key]

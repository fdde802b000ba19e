"""The traps that TensorFlow Playground is known for end in a named reason, not in NaN and not in silence."""

from __future__ import annotations

from typing import Any

import pytest
from playground import gauss, plane, playground, spiral

from engine.probes.flow import flow
from engine.train import trouble
from engine.train.scene import Scene
from engine.train.session import DivergedError, Training
from engine.train.trouble import HEALTHY

DEEP = [8] * 6


def said(graph: Any, epochs: int) -> tuple[list[str], str]:
    """The names of the verdicts after some epochs, and the sentence that ended the training early."""
    training, end = Training(graph), ""
    try:
        training.run(epochs * training.steps_per_epoch)
    except DivergedError as error:
        end = str(error)
    scene = Scene(graph)
    scene.at(training.parameters(), training.step_count)
    return [v.name for v in flow(scene, list(enumerate(training.history))).verdicts], end


@pytest.mark.parametrize(
    ("data", "activation", "hidden", "options", "names"),
    [
        (gauss, "tanh", [4, 2], {"noise": 50, "learning_rate": 1.0, "batch_size": 1}, {"saturated"}),
        (spiral, "tanh", [4, 2], {"noise": 50, "learning_rate": 1.0, "batch_size": 1}, {"saturated"}),
        (spiral, "relu", [4, 2], {"learning_rate": 3.0}, {"dead units"}),
        (spiral, "relu", [4, 2], {"learning_rate": 10.0}, {"dead units"}),
        (gauss, "relu", [4, 2], {"learning_rate": 10.0}, {"dead units"}),
        (plane, "relu", [4, 2], {"learning_rate": 1.0, "output": ""}, {"dead units"}),
        (plane, "tanh", [4, 2], {"learning_rate": 1.0, "output": ""}, {"too large a step"}),
        (spiral, "sigmoid", DEEP, {"learning_rate": 0.03}, {"vanishing"}),
        (gauss, "tanh", [4], {"learning_rate": 1e-7}, {"not falling", "too small a step"}),
        (gauss, "tanh", [4], {"learning_rate": 0.0}, {"no learning rate"}),
    ],
)  # fmt: skip
def test_a_trap_is_named(
    data: Any, activation: str, hidden: list[int], options: dict[str, Any], names: set[str]
) -> None:
    found, end = said(playground(data, activation, hidden, **options), 40)
    assert not end
    assert found[0] in names, found


@pytest.mark.parametrize(
    ("activation", "hidden", "rate"),
    [
        ("tanh", [4, 2], 3.0),
        ("relu", [4, 2], 3.0),
        ("relu", [], 1.0),
        ("relu", [], 3.0),
        ("relu", [], 10.0),
    ],
)
def test_a_linear_output_diverges_with_a_reason(
    activation: str, hidden: list[int], rate: float
) -> None:
    _, end = said(playground(plane, activation, hidden, output="", learning_rate=rate), 40)
    assert f"learning rate {rate:g} is too large" in end
    assert "grew" in end and "try " in end


@pytest.mark.parametrize(
    ("data", "activation", "hidden", "output"),
    [(gauss, "tanh", [4, 2], "tanh"), (gauss, "relu", [4, 2], "tanh"), (plane, "tanh", [4, 2], "")],
)
def test_its_own_settings_are_healthy(
    data: Any, activation: str, hidden: list[int], output: str
) -> None:
    """At its usual learning rate of 0.03 nothing is found."""
    graph = playground(data, activation, hidden, output=output, learning_rate=0.03)
    assert said(graph, 40) == ([HEALTHY], "")


@pytest.mark.parametrize(
    ("last", "words"), [(0.6484, "it hardly falls"), (0.67, "it does not fall")]
)
def test_a_loss_that_falls_a_little_is_said_to(last: float, words: str) -> None:
    losses = tuple((n, 0.6586 + (last - 0.6586) * n / 100) for n in range(101))
    signs = trouble.Signs(rows=4, learning_rate=0.3, loss=last, losses=losses)
    found = trouble._not_falling(trouble.Evidence((), (), signs))
    assert found is not None and f"{words} at learning rate 0.3" in found.sentence

"""The published numbers come out of `derive` and `minimize`, at the tolerance given with each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import cli

CASES = json.loads((Path(__file__).parent.parent / "published.json").read_text("utf-8"))
BY_ID: dict[str, dict[str, Any]] = {case["id"]: case for case in CASES}
BOWL = "f = 0.1*x1^2 + 2*x2^2"
NET = """
h = sigmoid(W1 @ x + b1)
o = sigmoid(W2 @ h + b2)
E = sum(0.5 * (t - o)^2)
"""
WITH_BIAS = "h = sigmoid(V[:, :2] @ x + V[:, 2])\no = sigmoid(U[:, :1] @ h + U[:, 1])\nsum(o)"


def gradloom(*args: Any) -> Any:
    done = CliRunner().invoke(cli, [str(a) for a in args])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def at(**values: Any) -> list[str]:
    return [part for name, v in values.items() for part in ("--at", f"{name}={json.dumps(v)}")]


def close(found: Any, wanted: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def kind(name: str) -> list[str]:
    return [case["id"] for case in CASES if case["kind"] == name]


def test_every_case_is_here() -> None:
    covered = {*kind("scalar"), *kind("higher"), *kind("optimizer"), "C1", "C2", "D1", "F4"}
    assert covered == set(BY_ID)


@pytest.mark.parametrize("case_id", kind("scalar"))
def test_values_and_gradients(case_id: str) -> None:
    case = BY_ID[case_id]
    found = gradloom("derive", case["graph"], *at(**case["inputs"]), "--check", "--json")
    for name, wanted in case["expected"].items():
        if name.startswith("d/d"):
            close(found["nodes"][name[3:]]["gradient"], wanted, case["tol"])
            if name[3:] in case["inputs"]:
                close(found["gradients"][name[3:]], wanted, case["tol"])
        elif name.startswith("central_diff"):
            assert max(found["check"].values()) < 1e-9
        else:
            assert found["output"] == name
            close(found["value"], wanted, case["tol"])


@pytest.mark.parametrize("case_id", kind("higher"))
def test_orders(case_id: str) -> None:
    case = BY_ID[case_id]
    orders = case["expected"]["orders"]
    args = (*at(**case["inputs"]), "--order", len(orders) - 1, "--json")
    close(gradloom("derive", case["graph"], *args)["orders"]["x"], orders, case["tol"])


def net_inputs(case: dict[str, Any]) -> list[str]:
    given, w = case["inputs"], np.array(case["inputs"]["w"]).reshape(2, 2, 2).tolist()
    return at(x=given["x"], t=given["t"], b1=given["b1"], b2=given["b2"], W1=w[0], W2=w[1])


def test_a_network_forward_and_backward() -> None:
    case = BY_ID["C1"]
    wanted, tolerance = case["expected"], case["tol"]
    found = gradloom("derive", NET, *net_inputs(case), "--wrt", "W1", "--wrt", "W2", "--json")
    for name in ("h", "o", "E"):
        close(found["nodes"][name]["value"], wanted[name], tolerance)
    gradients = np.ravel([found["gradients"]["W1"], found["gradients"]["W2"]])
    close(gradients, wanted["grad_w"], tolerance)


@pytest.mark.parametrize("steps", [1, 10_000])
def test_a_network_trained(steps: int) -> None:
    case = BY_ID["C1"]
    wanted, tolerance, given = case["expected"], case["tol"], net_inputs(case)
    options = ("--wrt", "W1", "--wrt", "W2", "--lr", 0.5, "--steps", steps, "--json")
    found = gradloom("minimize", NET, *given, *options)
    assert len(found["history"]) == steps
    close(found["history"][0], wanted["E"], tolerance)
    inputs = case["inputs"]
    rest = {name: inputs[name] for name in ("x", "t", "b1", "b2")}
    after = gradloom("derive", NET, *at(**rest, **found["final"]), "--json")
    close(after["value"], found["value"], 1e-15)
    if steps == 1:
        close(
            np.ravel([found["final"]["W1"], found["final"]["W2"]]), wanted["w_after_1"], tolerance
        )
        close(found["value"], wanted["E_after_1"], tolerance)
    else:
        close(after["nodes"]["o"]["value"], wanted["o_after_10000"], tolerance)


def test_a_network_with_the_bias_in_the_row() -> None:
    case = BY_ID["C2"]
    given = case["inputs"]
    values = at(V=given["hidden"], U=given["out"], x=given["x"])
    nodes = gradloom("derive", WITH_BIAS, *values, "--json")["nodes"]
    close(nodes["h"]["value"], [case["expected"]["h"]], case["tol"])
    close(nodes["o"]["value"], case["expected"]["o"], case["tol"])


def test_hinge_and_cross_entropy() -> None:
    case = BY_ID["D1"]
    given, wanted = case["inputs"], case["expected"]
    values = at(W=given["W"], x=given["x"], b=given["b"])
    hinge = f"s = W@x + b; hinge = sum(relu(s - s[{given['y']}] + 1)) - 1"
    found = gradloom("derive", hinge, *values, "--json")
    close(found["nodes"]["s"]["value"], wanted["s"], case["tol"])
    close(found["value"], wanted["hinge"], case["tol"])
    entropy = "s = W@x + b; softmax_cross_entropy(s, y)"
    for y in (given["y"], [0, 0, 1]):
        found = gradloom("derive", entropy, *values, *at(y=y), "--json")
        close(found["value"], wanted["ce"], case["tol"])


SETTINGS = {
    "GD .4": ("sgd", 0.4, ()),
    "momentum .6/.5": ("momentum", 0.6, ("--momentum", 0.5)),
    "adagrad .4": ("adagrad", 0.4, ("--eps", 1e-6)),
}


@pytest.mark.parametrize("case_id", kind("optimizer"))
def test_optimizers(case_id: str) -> None:
    case = BY_ID[case_id]
    name, rate, settings = SETTINGS[case["inputs"]["setting"]]
    start = at(x1=-5, x2=-2)
    options = ("--optimizer", name, "--lr", rate, *settings, "--steps", 20, "--json")
    final = gradloom("minimize", BOWL, *start, *options)["final"]
    close([final["x1"], final["x2"]], case["expected"]["x"], case["tol"])


def test_a_neuron_trained() -> None:
    case = BY_ID["F4"]
    program = "a = sigmoid(w * x + b); C = (y - a)^2 / 2"
    start = at(x=1, y=0, **case["inputs"])
    options = ("--wrt", "w", "--wrt", "b", "--lr", 0.15, "--steps", 300, "--json")
    before = gradloom("derive", program, *start, "--json")
    close(before["nodes"]["a"]["value"], case["expected"]["start"], case["tol"])
    final = gradloom("minimize", program, *start, *options)["final"]
    after = gradloom("derive", program, *at(x=1, y=0, **final), "--json")
    close(after["nodes"]["a"]["value"], case["expected"]["end"], case["tol"])

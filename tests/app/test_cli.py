"""Commands in this process: what they print, what they refuse, and with which exit code."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.arguments import open_document
from app.cli import cli, main
from app.cli.group import Drawings
from app.report import plain, two_columns
from engine import check, examples, files, ops
from engine.check import Failure
from engine.compose import compose
from engine.edits import connect, disconnect
from engine.evaluate import evaluate
from engine.graph import Graph, Recipe, Stage
from engine.modules import add_module

WORKED = "J = cos(sin(x^2) + 3*x^2)"


def call(*args: Any, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args], input=stdin)


def gradloom(*args: Any, stdin: str | bytes = "") -> Any:
    done = call(args[0], "--json", *args[1:], stdin=stdin)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout, parse_constant=lambda text: pytest.fail(f"bare {text}"))


def refused(*args: Any, stdin: str | bytes = "", code: int = 2) -> str:
    """The one line on standard error of a command that ends with `code`."""
    done = call(*args, stdin=stdin)
    assert done.exit_code == code, done.output
    assert done.stderr.startswith("gradloom: ") and done.stderr.count("\n") == 1
    assert "should not have happened" not in done.stderr, done.stderr
    return done.stderr[len("gradloom: ") :]


@pytest.fixture
def square(tmp_path: Path) -> Path:
    path = tmp_path / "square.gloom"
    assert call("new", path, "--from", "y = x^2", "--at", "x=3").exit_code == 0
    return path


def test_the_first_number_that_is_not_finite_is_named(square: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.gloom"
    assert call("new", path, "--from", "l = log(x); J = l * 2", "--at", "x=1").exit_code == 0
    told = "step 1, forward: l = log(x) is -inf, where x is 0"
    assert f"not finite from {told}" in call("run", path, "--set", "x=0").stdout
    assert gradloom("run", path, "--set", "x=0")["not_finite"] == told
    assert "not_finite" not in gradloom("run", square)
    assert "not finite from step 3, backward" in call("derive", "sqrt(x)", "--at", "x=0").stdout


def test_json_tells_what_is_not_finite_with_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "third.gloom"
    files.write(compose("t = x/3; J = t^(1/3)", {"x": 0.0}), path)
    told = gradloom("run", path)["not_finite"]
    assert f"dJ/dt += dJ/dJ * ({1 / 3!r} * t^{1 / 3 - 1!r}) is inf" in told
    assert "(0.3333 * t^-0.6667) is inf" in evaluate(files.read(path)).trouble


# ---------------------------------------------------------------- derive


def test_derive_has_exactly_the_keys_asked_for() -> None:
    found = gradloom("derive", WORKED, "--at", "x=1")
    assert list(found) == ["output", "value", "gradients", "nodes"]
    assert found["output"] == "J" and list(found["gradients"]) == ["x"]
    assert set(found["nodes"]["x"]) == {"value", "gradient"}
    more = ("--order", 3, "--hessian", "--check")
    found = gradloom("derive", WORKED, "--at", "x=1", *more)
    assert list(found)[4:] == ["orders", "hessian", "check"]
    np.testing.assert_allclose(
        found["orders"]["x"],
        [-0.764920562804486, 4.56079179067878, 40.7420061554213, -177.585547329638],
        rtol=1e-12,
    )
    assert found["hessian"]["x"]["x"] == pytest.approx(40.7420061554213, rel=1e-12)
    assert found["check"]["x"] < 1e-9


def test_derive_prints_the_two_columns() -> None:
    text = call("derive", WORKED, "--at", "x=1").stdout
    lines = text.splitlines()
    assert lines[0].split() == ["Forward", "Backward"]
    assert lines[2].startswith("v1 = x^2 = 1 ") and lines[2].endswith("dJ/dJ = 1")
    assert "J      -0.764920562804486" in text and "dJ/dx  4.56079179067878" in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in lines)


def test_a_program_from_standard_input_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("\ufefft = x^2\nt * 3\n", "utf-8")
    assert gradloom("derive", f"@{tmp_path / 'p.txt'}", "--at", "x=2")["value"] == 12
    assert gradloom("derive", "-", "--at", "x=2", stdin="t = x^2\nt * 3\n")["value"] == 12


@pytest.mark.parametrize("given", [[], ["--wrt", "w"]])
def test_wrt_limits_the_gradients(given: list[str]) -> None:
    found = gradloom("derive", "w * x", "--at", "w=2", "--at", "x=3", *given)
    assert set(found["gradients"]) == ({"w"} if given else {"w", "x"})


def test_non_finite_numbers_are_texts() -> None:
    found = gradloom("derive", "sum(x / y)", "--at", 'x=[1, -1, "NaN", 0]', "--at", "y=0")
    assert found["value"] == "NaN"
    values = found["nodes"]["v1"]["value"]
    assert values == ["Infinity", "-Infinity", "NaN", "NaN"]
    assert gradloom("derive", "x + 1", "--at", "x=-inf")["value"] == "-Infinity"
    assert plain({"a": (np.float32("nan"), np.int64(2), None)}) == {"a": ["NaN", 2, None]}


@pytest.mark.parametrize(
    ("dtypes", "wanted"),
    [
        (("float32", "float32"), "float32"),
        (("float32", "int64"), "float32"),
        (("float32", "float64"), "float64"),
        (("float16", "int8"), "float32"),
        (("int64", "bool"), "float64"),
    ],
)
def test_the_dtype_of_arrays_is_kept(tmp_path: Path, dtypes: tuple[str, str], wanted: str) -> None:
    for name, dtype in zip("ab", dtypes, strict=True):
        np.save(tmp_path / f"{name}.npy", np.array([1, 0, 1]).astype(dtype))
    given = ("--at", f"a=@{tmp_path / 'a.npy'}", "--at", f"b=@{tmp_path / 'b.npy'}")
    value = gradloom("derive", "sum(a + b) + x", *given, "--at", "x=0.1")["value"]
    assert value == float(np.dtype(wanted).type(4) + np.dtype(wanted).type(0.1))


def test_arrays_in_any_order_of_bytes_and_axes(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", np.asfortranarray(array).astype(">f8", order="K"))
    found = gradloom("derive", "sum(a * a)", "--at", f"a=@{tmp_path / 'a.npy'}")
    assert found["gradients"]["a"] == (2 * array).tolist()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["W @ x", "--at", "W=[[1,2],[3,4]]", "--at", "x=[1,2]"], "sum(v1) would do"),
        (["W @ x", "--at", "W=[[1,2],[3,4]]", "--at", "x=[1,2,3]"], "2 columns on the left"),
        (["x^2"], "--at x=VALUE"),
        (["x^2", "--at", "x=1", "--at", "y=2"], "does not read 'y'"),
        (["x^2", "--at", "x=1", "--at", "x=2"], "given twice"),
        (["x^2", "--at", "x"], "NAME=VALUE"),
        (["x^2", "--at", "=1"], "NAME=VALUE"),
        (["x^2", "--at", "x="], "NAME=VALUE"),
        (["x^2", "--at", "x=one"], "a number, a nested list"),
        (["x^2", "--at", "x={}"], "a number, a nested list"),
        (["x^2", "--at", "x=[1, NaN]"], "in quotes"),
        (["x^2", "--at", 'x=["one"]'], "'one'"),
        (["x^2", "--at", "x=[true]"], "numbers"),
        (["x^2", "--at", "x=[null]"], "numbers"),
        (["x^2", "--at", "x=[[1],[1,2]]"], "differ in length"),
        (["x^2", "--at", "x=[[1],2]"], "differ in length"),
        (["x^2", "--at", "x=" + "[" * 5000], "nested"),
        (["x^2", "--at", "x=[" + "9" * 5000 + "]"], "number of more than"),
        (["x^2", "--at", "x=[1e999]"], "out of range"),
        (["x^2", "--at", "x=@missing.npy"], "missing.npy"),
        (["@missing.txt"], "missing.txt"),
        (["sin(", "--at", "x=1"], "line 1"),
        (["", "--at", "x=1"], "empty"),
        (["__import__('os').system('true')"], "line 1"),
        (["sine(x)", "--at", "x=1"], "did you mean"),
        (["x.real", "--at", "x=1"], "dot"),
        (["(" * 500 + "x" + ")" * 500, "--at", "x=1"], "nested"),
        (["x^2", "--at", "x=1", "--wrt", "z"], "no input z"),
        (["sum(x)", "--at", "x=[1,2]", "--order", "2"], "--wrt"),
        (["x^2", "--at", "x=1", "--order", "0"], "--order"),
        (["x^2", "--at", "x=1", "--order", "many"], "--order"),
        (["softmax_cross_entropy(x, t)", "--at", "x=[1,2]", "--at", "t=5"], "class 5"),
        (["-x", "--at", "x=1"], "Put -- before"),
    ],
)
def test_derive_refuses_in_one_line(args: list[str], words: str) -> None:
    assert words in refused("derive", *args)


def test_a_formula_that_begins_with_a_minus() -> None:
    assert gradloom("derive", "--at", "x=2", "--", "-x")["value"] == -2
    assert gradloom("derive", "--at", "x=-2", "(-x)")["value"] == 2


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"[1, 2]"])
def test_a_file_that_is_no_array(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert "not a .npy file" in refused("derive", "a", "--at", f"a=@{tmp_path / 'a.npy'}")


class Trap:
    def __reduce__(self) -> Any:
        return Path("/nowhere").touch, ()


def test_arrays_that_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    given = ("derive", "sum(a)", "--at", f"a=@{path}")
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    assert "array of numbers" in refused(*given)
    path.write_bytes(pickle.dumps(Trap()))
    assert "not a .npy file" in refused(*given)
    np.save(path, np.array(["a"]))
    assert "array of numbers" in refused(*given)
    np.save(path, np.array([1j]))
    assert "array of numbers" in refused(*given)
    np.save(path, np.array([2**64 - 1], np.uint64))
    assert "64 bits" in refused(*given)
    np.save(path, np.zeros(4))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert "declares" in refused(*given)
    path.write_bytes(whole + b"\0")
    assert "declares" in refused(*given)
    path.write_bytes(whole.replace(b"(4,),", b"(999999999999,),"))
    refused(*given)
    assert "directory" in refused("derive", "sum(a)", "--at", f"a=@{tmp_path}")


# ---------------------------------------------------------------- minimize


def test_minimize_has_exactly_its_keys() -> None:
    found = gradloom("minimize", "(x-3)^2", "--at", "x=0", "--lr", 0.1, "--steps", 20)
    assert list(found) == ["final", "value", "history", "seconds_per_step"]
    assert found["final"]["x"] == pytest.approx(3 - 3 * 0.8**20, rel=1e-12)
    assert found["history"][:2] == [9, pytest.approx(5.76)]
    assert len(found["history"]) == 20 and found["seconds_per_step"] > 0


def test_minimize_takes_every_setting_of_every_optimizer() -> None:
    from engine.train.optimizers import OPTIMIZERS

    text = call("minimize", "--help").stdout
    for row in OPTIMIZERS.values():
        flags = [f"--{name.replace('_', '-')}" for name in row.settings]
        assert all(flag in text for flag in flags)
        given = [part for flag in flags for part in (flag, 0.5)]
        args = ("x^2", "--at", "x=1", "--optimizer", row.name, *given, "--steps", 3)
        assert len(gradloom("minimize", *args)["history"]) == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["x^2", "--at", "x=1", "--optimizer", "sgdd"], "sgd"),
        (["x^2", "--at", "x=1", "--beta1", "0.5"], "no setting 'beta1'"),
        (["x^2", "--at", "x=1", "--lr", "nan"], "learning rate"),
        (["x^2", "--at", "x=1", "--lr", "-1"], "learning rate"),
        (["x^2", "--at", "x=1", "--steps", "-1"], "--steps"),
        (["x^2", "--at", "x=1", "--wrt", "y"], "y"),
        (["x * 2", "--at", "x=[1,2]"], "sum(...)"),
        (["3"], ""),
    ],
)
def test_minimize_refuses_in_one_line(args: list[str], words: str) -> None:
    assert words in refused("minimize", *args)


def test_a_descent_that_diverges() -> None:
    message = refused("minimize", "x^4", "--at", "x=10", "--lr", 10, "--steps", 50, code=1)
    assert "diverged at step" in message


# ---------------------------------------------------------------- documents


def test_new_then_run(square: Path) -> None:
    nodes = gradloom("run", square)["nodes"]
    assert list(nodes["y"]) == ["op", "shape", "value", "gradient"]
    assert (nodes["y"]["value"], nodes["y"]["gradient"], nodes["y"]["shape"]) == (9, 1, [])
    assert nodes["x"] == {"op": "input", "shape": [], "value": 3, "gradient": 6}
    assert gradloom("run", square, "--set", "x=[1,2]")["nodes"]["y"]["value"] == [1, 4]
    assert gradloom("run", square)["nodes"]["y"]["value"] == 9
    assert "y is not a value that is given" in refused("run", square, "--set", "y=1")


def test_new_replaces_nothing_unless_told(square: Path) -> None:
    before = square.read_bytes()
    args = ("new", square, "--from", "x^3", "--at", "x=1")
    assert "--force" in refused(*args)
    assert square.read_bytes() == before
    assert call(*args, "--force").exit_code == 0
    assert square.read_bytes() != before
    assert "no folder" in refused("new", square.parent / "no" / "a.gloom", *args[2:])
    assert "is a folder" in refused("new", square.parent, *args[2:])


def test_a_document_and_its_twin(square: Path) -> None:
    twin = square.with_suffix(".json")
    files.write(files.read(square), twin)
    assert gradloom("run", twin) == gradloom("run", square)


def test_arrays_of_another_precision_are_refused_in_a_document(square: Path) -> None:
    np.save(square.parent / "a.npy", np.float32([1, 2]))
    message = refused("run", square, "--set", f"x=@{square.parent / 'a.npy'}")
    assert "astype('float64')" in message


def test_a_document_that_cannot_be_computed(tmp_path: Path) -> None:
    graph = Graph()
    path = tmp_path / "wrong.gloom"
    args = ("new", path, "--from", "y = W @ x", "--at", "W=[[1,2]]", "--at", "x=[1,2]")
    assert call(*args).exit_code == 0
    done = call("run", path, "--set", "x=[1,2,3]", "--json")
    assert done.exit_code == 2 and "does not fit" in done.stderr
    assert json.loads(done.stdout)["nodes"]["y"]["value"] is None
    files.write(graph, tmp_path / "empty.gloom")
    assert gradloom("run", tmp_path / "empty.gloom") == {"nodes": {}}


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """y = w * x over four points, to be trained."""
    path = tmp_path / "line.gloom"
    values = ("--at", "w=0", "--at", "x=[1,2,3,4]", "--at", "t=[2,4,6,8]")
    args = ("new", path, "--from", "loss = mse(w * x, t)", *values, "--parameter", "w")
    assert call(*args).exit_code == 0
    graph = files.read(path)
    recipe = Recipe((Stage(learning_rate=0.02, epochs=40),))
    graph.put("settings", "recipe", recipe)
    files.write(graph, path)
    return path


def test_train(line: Path) -> None:
    before = line.read_bytes()
    out = line.parent / "out.gloom"
    found = gradloom("train", line, "-o", out)
    assert list(found) == ["steps", "loss", "metrics", "stages", "notes"]
    assert found["stages"] == [{"stage": 1, "from_step": 0}] and found["notes"] == []
    assert list(found["loss"]) == ["first", "last", "history"]
    assert found["steps"] == len(found["loss"]["history"]) == 40
    assert found["loss"]["first"] == 30 > found["loss"]["last"]
    assert found["metrics"]["train"]["loss"] < found["loss"]["last"]
    assert line.read_bytes() == before
    assert gradloom("run", out)["nodes"]["w"]["value"] == pytest.approx(2, abs=1e-5)
    assert "--force" in refused("train", line, "-o", out)
    assert "--force" in refused("train", line, "-o", line)
    assert line.read_bytes() == before


def test_train_by_steps_rate_and_seed(line: Path) -> None:
    found = gradloom("train", line, "--steps", 3, "--lr", 0)
    assert found["loss"]["history"] == [30, 30, 30]
    assert gradloom("train", line, "--epochs", 2, "--seed", 5)["steps"] == 2
    nothing = gradloom("train", line, "--steps", 0)
    assert nothing["loss"] == {"first": None, "last": None, "history": []}
    text = call("train", line).stdout
    assert "first loss  30\n" in text and "Over all rows   train" in text


def test_train_by_stages(line: Path) -> None:
    """The stages one after the other, each in a row of its own, and why one ended early."""
    graph = files.read(line)
    first = Stage("coarse", learning_rate=0.02, epochs=40, patience=3, min_delta=0.5)
    recipe = Recipe((first, Stage("fine", optimizer="adam", learning_rate=0.001, epochs=10)))
    graph.put("settings", "recipe", recipe)
    files.write(graph, line)
    found = gradloom("train", line)
    begun = found["stages"][1]["from_step"]
    assert [row["stage"] for row in found["stages"]] == [1, 2]
    assert 3 < begun < 40 and found["steps"] == begun + 10
    (note,) = found["notes"]
    assert note.startswith(
        f"stage 1 (coarse): stopped after epoch {begun}: the training loss has not"
    )
    lines = [text.split() for text in call("train", line).stdout.splitlines()]
    assert ["coarse", str(begun)] in [words[:2] for words in lines]
    assert ["fine", "10"] in [words[:2] for words in lines]
    assert note.split()[:6] in [words[:6] for words in lines]


def test_train_refuses(line: Path, square: Path) -> None:
    assert "trainable parameter" in refused("train", square)
    assert "not both" in refused("train", line, "--steps", 1, "--epochs", 1)
    refused("train", line, "--steps", -1)
    refused("train", line, "--lr", "nan")
    out = line.parent / "out.gloom"
    assert "diverged" in refused("train", line, "--lr", 1e200, "-o", out, code=1)
    assert not out.exists()


@pytest.mark.parametrize("command", ["run", "train", "check"])
def test_files_that_are_no_documents(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.gloom"
    assert "a.gloom" in refused(command, path)
    path.write_bytes(b"PK\x03\x04 and so on")
    assert "a.gloom" in refused(command, path)
    path.write_bytes(pickle.dumps(Trap()))
    assert "a.gloom" in refused(command, path)
    path.write_text('{"format": 99}')
    assert "a.gloom" in refused(command, path)
    refused(command, tmp_path)


# ---------------------------------------------------------------- checks and lists


def test_check_every_operator() -> None:
    found = gradloom("check")
    assert found == {
        "checked": len([r for r in ops.TABLE.values() if not r.is_source]),
        "failed": [],
    }


def test_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.rows, "check_row", lambda op: [Failure(op.name, "off")])
    done = call("check", "--json")
    assert done.exit_code == 1
    assert "sin" in json.loads(done.stdout)["failed"]
    monkeypatch.setattr(check.nodes, "relative_error", lambda a, b: float("nan"))
    assert call("derive", "x^2", "--at", "x=1", "--check").exit_code == 1


def test_check_a_document(square: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gradloom("check", square) == {"checked": 1, "failed": []}
    monkeypatch.setattr(check.nodes, "relative_error", lambda a, b: 0.5)
    done = call("check", square, "--json")
    assert (done.exit_code, json.loads(done.stdout)["failed"]) == (1, ["x"])


def test_check_names_parameters_inside_modules(tmp_path: Path) -> None:
    graph = compose("L = sum(x^2)", {"x": [[0.5, -1.0]]})
    add, dense = add_module(graph, "Dense", examples.modules()["Dense"])
    add.apply(graph)
    ((square, port),) = (end for end, source in graph.links.items() if graph.name(source) == "x")
    connect(str(graph.id_of("x")), dense, "x").apply(graph)
    connect(dense, square, port).apply(graph)
    files.write(graph, tmp_path / "dense.gloom")
    shown = call("run", tmp_path / "dense.gloom").stdout
    assert "dense.W" in shown and "dense.b" in shown
    given = [[1.0] * 8, [0.5] * 8]
    told = gradloom("run", tmp_path / "dense.gloom", "--set", f"dense.W={given}")["nodes"]
    assert told["dense.W"]["value"] == given and np.shape(told["dense.W"]["gradient"]) == (2, 8)
    assert told["dense"]["value"] == [[0.0] * 8]
    wrong = refused("run", tmp_path / "dense.gloom", "--set", "dense.W=[[1]]")
    assert "dense.W is 1×1 and has to be 2×8" in wrong
    assert "dense.W, dense.b" in refused("run", tmp_path / "dense.gloom", "--set", "dense.V=1")
    done = call("check", tmp_path / "dense.gloom")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("3 gradients checked, all agree")
    assert gradloom("check", tmp_path / "dense.gloom")["failed"] == []
    disconnect(dense, "x").apply(graph)
    files.write(graph, tmp_path / "empty.gloom")
    assert "has no value yet" in refused("check", tmp_path / "empty.gloom")


def test_modules_are_listed_shown_and_called() -> None:
    assert {"Dense", "LSTM"} <= {row["name"] for row in gradloom("ops")}
    assert "units" in call("ops", "Dense").stdout
    found = gradloom("derive", "sum(Dense(x, units=3))", "--at", "x=[[1,2]]", "--check")
    assert np.shape(found["gradients"]["x"]) == (1, 2)
    assert list(found["check"]) == ["x"]


def test_ops() -> None:
    found = gradloom("ops")
    assert len(found) >= 40
    for row in found:
        assert set(row) == {"name", "category", "formula", "derivative", "options", "doc"}
    tanh = next(row for row in found if row["name"] == "tanh")
    assert list(tanh["derivative"]) == ["x"]
    assert [row["name"] for row in gradloom("ops", "tanh")] == ["tanh"]
    assert "did you mean tanh?" in refused("ops", "tanhh")
    card = call("ops", "leaky_relu").stdout
    assert "d/dx" in card and "0.01" in card


def test_usage() -> None:
    assert "did you mean derive?" in refused("derife", "x")
    assert "PROGRAM" in refused("derive")
    assert "--ordre" in refused("derive", "x", "--ordre", "2")
    for command in cli.commands:
        done = call(command, "--help")
        assert done.exit_code == 0 and done.stdout.startswith(f"Usage: gradloom {command}")
    assert call().stdout == call("--help").stdout
    assert all(f"\n  {command} " in call("--help").stdout for command in cli.commands)


def test_what_nobody_expected_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr("engine.derive.derive", broken)
    done = call("derive", "x", "--at", "x=1")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1 and "planted" in done.stderr


# ---------------------------------------------------------------- examples and pictures


def test_a_wrong_name_of_an_example() -> None:
    assert "did you mean example:xor?" in refused("run", "example:xorr")
    assert "there is no lesson" in refused("run", "lesson:xor")


@pytest.mark.parametrize("name", ["worked-example", "xor", "softmax-digits", "your-csv"])
def test_an_example_runs_and_its_gradients_agree(name: str) -> None:
    nodes = gradloom("run", f"example:{name}")["nodes"]
    assert all(node["value"] is not None for node in nodes.values())
    assert gradloom("check", f"example:{name}")["failed"] == []


def test_xor_is_learnt(tmp_path: Path) -> None:
    found = gradloom("train", "example:xor", "--seed", 0, "-o", tmp_path / "xor.gloom")
    assert found["metrics"]["train"]["accuracy"] == 1
    again = gradloom("train", tmp_path / "xor.gloom", "--steps", 1)
    assert again["loss"]["first"] <= found["loss"]["last"]


def test_data_are_looked_for_beside_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    rows = "".join(f"{i},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(12))
    (tmp_path / "a" / "mine.csv").write_text("u,v,answer\n" + rows)
    graph, _ = open_document("example:your-csv")
    (name,) = graph.sources
    source = replace(graph.sources[name], path="mine.csv", target="answer", checksum="")
    graph.put("sources", name, source)
    files.write(graph, tmp_path / "a" / "mine.gloom")
    monkeypatch.chdir(tmp_path)
    found = gradloom("train", "a/mine.gloom", "--epochs", 1, "--seed", 1)
    assert found["steps"] >= 1 and found["metrics"]["train"]


def test_pictures_are_given_from_above(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []

    def picture(*given: Any) -> int:
        asked.append(given)
        return 0

    args = ["shot", "example:xor", "out.png", "--size", "800x600", "--step", "3"]
    drawings = Drawings(picture, picture, picture)
    assert main(args, drawings) == 0
    assert asked == [("example:xor", Path("out.png"), (800, 600), 3, "dark", "", "", None)]
    assert main([*args[:-1], "-3"], drawings) == main([*args, "--size", "8x6"], drawings) == 2
    assert main(args) == 2
    asked.clear()
    args = [
        "export",
        "example:xor",
        "--to",
        "out.svg",
        "--scale",
        "2",
        "--no-values",
        "--step",
        "3",
    ]
    assert main(args, drawings) == 0
    assert asked == [("example:xor", Path("out.svg"), 3, "dark", 2, False, False)]
    assert main([*args, "--to", "out.jpg"], drawings) == main(args) == 2
    assert "give a name that ends in .png, .svg or .py" in capsys.readouterr().err


def test_two_columns() -> None:
    graph, _ = open_document("example:worked-example")
    lines = two_columns(evaluate(graph).steps).splitlines()
    assert lines[0].split() == ["Forward", "Backward"] and "dJ/dJ = 1" in lines[2]


def test_a_picture_of_a_training(tmp_path: Path) -> None:
    """The window trains, shows the views of it, and waits for what they say."""
    out = tmp_path / "trained.png"
    words = ["shot", "example:xor", str(out), "--epochs", "30", "--size", "1200x800"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"\x89PNG")

"""`gradloom data`: what data hold, on a terminal and as JSON, and documents that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import cli, importers
from engine import files
from engine.data import KINDS
from engine.train import data as training


def gradloom(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(["data", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i * i},{'uv'[i % 2]}\n" for i in range(10))
    (tmp_path / "d.csv").write_text("a,b,kind\n" + rows + "11,,u\n")
    return tmp_path


def test_a_preview_as_text_and_as_json(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gradloom(capsys, "d.csv")
    assert code == 0 and out.startswith("d.csv: 11 rows; x 2, y, 2 classes a row\n")
    assert "1 of 11 rows was left out for missing values (b: 1)" in out and "whole number" in out
    code, out, _ = gradloom(capsys, "d.csv", "--json", "--target", "a")
    told: dict[str, Any] = files.strict.load_json(out.encode())
    assert code == 0 and told["rows"] == 11 and told["shapes"] == {"x": [10, 3], "y": [10]}
    assert [c["role"] for c in told["columns"]] == ["target", "feature", "feature"]


def test_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gradloom(capsys)
    assert code == 0 and all(name in out for name in KINDS)
    told = files.strict.load_json(gradloom(capsys, "--json")[1].encode())
    assert [kind["name"] for kind in told] == list(KINDS)
    assert {"name", "default", "doc", "choices"} == set(told[0]["options"][0])


def test_made_sets_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gradloom(
        capsys, "spiral", "--kind", "toy", "--set", "count=42", "--set", "labels=0 and 1"
    )
    assert code == 0 and out.startswith("spiral: 42 rows; x 2, y 1 a row")
    for words, said in (
        (("--kind", "toys"), "there is no kind of data 'toys'"),
        (("x", "--kind", "toy", "--set", "size=1"), "--set takes OPTION=VALUE with one of count"),
        (("x", "--kind", "toy", "--set", "count=many"), "count is a number, not 'many'"),
        (("a.foo",), "a.foo is no data that can be read"),
        (("none.csv",), "the file none.csv is not there"),
        (("d.csv", "--embed"), "--embed needs -o OUTPUT"),
    ):
        code, _, error = gradloom(capsys, *words)
        assert code == 2 and said in error and error.count("\n") == 1, (words, error)


def test_a_document_that_reads_the_data(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gradloom(capsys, "d.csv", "-o", "one.gloom")
    assert code == 0 and out.endswith("wrote one.gloom\n")
    code, _, _ = gradloom(capsys, "d.csv", "-o", "two.gloom", "--embed")
    assert code == 0
    one, two = files.read("one.gloom"), files.read("two.gloom")
    assert one.sources["data"].path == "d.csv" and one.sources["data"].checksum
    assert two.sources["data"].kind == "table" and two.tensors["data.x"].shape == (10, 2)
    assert [n.options["field"] for n in one.nodes.values()] == ["x", "y"]
    a, b = training.load(one, "data", table), training.load(two, "data", table)
    np.testing.assert_array_equal(a.take("x", np.arange(10)), b.take("x", np.arange(10)))
    assert a.classes == b.classes == ("u", "v") and a.columns == b.columns
    code, _, error = gradloom(capsys, "d.csv", "-o", "one.gloom")
    assert code == 2 and "one.gloom" in error


def test_one_class_is_a_problem_that_does_not_stop(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (table / "e.csv").write_text("a,k\n1,u\n2,u\n")
    code, out, _ = gradloom(capsys, "e.csv")
    assert code == 1 and "Problem: every row is of the class u" in out


def test_importers_and_kinds_know_the_same_endings() -> None:
    (importer,) = [known for known in importers.IMPORTERS if known.gives == "data"]
    assert set(importer.suffixes) == {ending for kind in KINDS.values() for ending in kind.suffixes}


def test_files_of_every_kind_become_documents(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", numbers.normal(size=(8, 3)))
    np.savez(tmp_path / "z.npz", x=numbers.normal(size=(8, 3)), y=np.arange(8) % 2)
    (tmp_path / "t-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4]))
    for name, fields in (("x.npy", ["x"]), ("z.npz", ["x", "y"]), ("t-images-idx3-ubyte", ["x"])):
        graph, importer = importers.read(tmp_path / name)
        assert importer.gives == "data"
        assert [node.options["field"] for node in graph.nodes.values()] == fields
        (source,) = graph.sources.values()
        assert Path(source.path) == tmp_path / name and source.checksum

"""Data larger than memory: converted once, mapped, streamed in batches; and looked at quickly."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from engine import data
from engine.compose import compose
from engine.data import DataError, cache, telling
from engine.data import place as places
from engine.data.rows import Rows
from engine.graph import Graph, Source
from engine.train import data as training
from engine.train.session import Training

ROOT = Path(__file__).parents[2]


def network(source: Source, batch: int) -> Graph:
    """A linear model of the source's features, trained by squares in batches."""
    graph = compose(
        "z = x @ W + b\nJ = mean((z - y)^2)", {"x": [[0.0]], "y": [[0.0]], "W": [[0.0]], "b": 0.0}
    )
    graph.put("sources", "d", source)
    for name, op, options in (
        ("x", "data", {"source": "d", "field": "x"}), ("y", "data", {"source": "d", "field": "y"}),
        ("W", "parameter", {"shape": ("features", 1), "init": "normal", "scale": 0.01}),
        ("b", "parameter", {"shape": (1,), "init": "zeros"}),
    ):  # fmt: skip
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put("nodes", node.id, type(node)(node.id, op, name, options))
    graph.put(
        "settings", "recipe", graph.recipe.changed(batch_size=batch, learning_rate=0.05, seed=3)
    )
    return graph


def sums(path: Path, rows: int, columns: int, chance: int = 0) -> None:
    """A CSV file whose last column is a sum of the others with weights 1, 2, 3, and so on."""
    random = np.random.default_rng(chance)
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(columns)) + ",y\n")
        for start in range(0, rows, 5000):
            x = random.normal(size=(min(5000, rows - start), columns)).round(3)
            y = x @ np.arange(1, columns + 1)
            lines = np.column_stack([x, y])
            file.write("".join(",".join(f"{v:.6g}" for v in line) + "\n" for line in lines))


def trained(graph: Graph, base: Path, steps: int) -> Training:
    run = Training(graph, base, seed=1)
    run.run(steps)
    return run


def test_a_mapped_file_trains_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums(tmp_path / "d.csv", 400, 5)
    source = Source("csv", "d.csv", validation=0.2, seed=2)
    small = trained(network(source, 32), tmp_path, 25)
    monkeypatch.setattr(places, "LARGE", 2000)
    data.kinds._read.cache_clear()  # type: ignore[attr-defined]
    large = trained(network(source, 32), tmp_path, 25)
    assert large.dataset is not None and isinstance(large.dataset.fields["x"], Rows)
    assert isinstance(large.dataset.fields["x"].raw, np.memmap)
    assert small.history == large.history
    for node_id, value in small.parameters().items():
        np.testing.assert_array_equal(value, large.parameters()[node_id])
    assert "loss" not in large.metrics()["train"] and large.metrics()["train"]["J"] > 0


def test_statistics_of_mapped_rows_are_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums(tmp_path / "d.csv", 300, 4)
    for scaling in ("deviation", "range"):
        options: dict[str, float | str] = {"scaling": scaling}
        source = Source("csv", "d.csv", standardize=True, validation=0.3, options=options)
        graph = network(source, 10)
        with monkeypatch.context() as patch:
            small = training.load(graph, "d", tmp_path).take("x", np.arange(300))
            patch.setattr(places, "LARGE", 100)
            patch.setattr("engine.data.rows._PIECE", 64)
            data.kinds._read.cache_clear()  # type: ignore[attr-defined]
            large = training.load(graph, "d", tmp_path)
            assert isinstance(large.fields["x"], Rows)
            np.testing.assert_allclose(
                large.take("x", np.arange(300)), small, rtol=1e-12, atol=1e-13
            )
        data.kinds._read.cache_clear()  # type: ignore[attr-defined]


def test_what_is_converted_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums(tmp_path / "d.csv", 300, 4)
    monkeypatch.setattr(places, "LARGE", 100)
    monkeypatch.setattr("engine.data.csv_file.PART", 200)
    source = Source("csv", "d.csv")
    steps: list[tuple[int, int]] = []
    with telling(lambda done, total: steps.append((done, total))):
        first = data.csv_file.read(source, tmp_path)  # type: ignore[attr-defined]
    assert len(steps) > 4 and all(0 < done <= total for done, total in steps)
    (kept,) = [p for p in cache.folder().iterdir() if p.is_dir() and not p.name.startswith(".")]
    monkeypatch.setattr("engine.data.csv_file.table", None)  # nothing is read a second time
    again = data.csv_file.read(source, tmp_path)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(first.fields["x"], again.fields["x"])
    assert (first.columns, first.classes, first.target, first.notes) == (
        again.columns, again.classes, again.target, again.notes
    )  # fmt: skip
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.folder().parents[1]))
    (kept / "x.npy").write_bytes(b"broken")
    monkeypatch.setattr(places, "LARGE", 100)
    mended = data.csv_file.read(source, tmp_path)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(first.fields["y"], mended.fields["y"])


def test_reading_can_be_stopped_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums(tmp_path / "d.csv", 300, 4)
    monkeypatch.setattr(places, "LARGE", 100)
    monkeypatch.setattr("engine.data.csv_file.PART", 200)
    calls = itertools.count()  # the first is of the checksum
    with (
        telling(lambda done, total: next(calls) < 3),
        pytest.raises(DataError, match="was stopped"),
    ):
        data.csv_file.read(Source("csv", "d.csv"), tmp_path)  # type: ignore[attr-defined]
    assert not [p for p in cache.folder().iterdir() if p.suffix != ".sum"]


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums(tmp_path / "d.csv", 300, 4)
    monkeypatch.setattr(places, "LARGE", 100)

    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(DataError, match=r"needs 9.38 KiB and the disk of .* has 1000 bytes free"):
        data.csv_file.read(Source("csv", "d.csv"), tmp_path)  # type: ignore[attr-defined]
    assert not [p for p in cache.folder().iterdir() if p.suffix != ".sum"]


def test_nobody_waits_where_nobody_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums(tmp_path / "d.csv", 300, 4)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(3, 2, (300, 4)))
    monkeypatch.setattr(places, "LARGE", 1000)
    for kind, name in (("csv", "d.csv"), ("arrays", "x.npy")):
        graph = network(Source(kind, name, standardize=True), 10)  # type: ignore[arg-type]
        places._checksum.cache_clear()
        data.kinds._read.cache_clear()  # type: ignore[attr-defined]
        with (
            data.at_once(),
            pytest.raises(data.NotReady, match=r" is large and has to be converted once"),
        ):
            training.load(graph, "d", tmp_path)
        ready = training.load(graph, "d", tmp_path)
        training._loaded.clear()
        places._checksum.cache_clear()
        data.kinds._read.cache_clear()  # type: ignore[attr-defined]
        with data.at_once():
            again = training.load(graph, "d", tmp_path)
        rows = np.arange(300)
        np.testing.assert_array_equal(ready.take("x", rows), again.take("x", rows))
        np.testing.assert_allclose(again.take("x", rows).mean(axis=0), 0, atol=1e-12)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
import engine.train.session
limit = int(sys.argv[1]) << 20
base = Path(sys.argv[2])
sys.path.insert(0, {tests!r})
from test_data_large import network
from engine.graph import Source
from engine.train.session import Training
from engine.data import preview
np.ones((500, 500)) @ np.ones((500, 500))  # BLAS takes its buffers now
used = sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + limit,) * 2)
kind, path = sys.argv[3], sys.argv[4]
source = Source(kind, path, standardize=kind == "csv", validation=0.1)
assert not preview(source, base).problem
run = Training(network(source, 64), base, seed=0)
run.run(200)
print(run.dataset.fields["x"].nbytes, run.history[0], run.history[-1], *run.metrics()["train"].values())
"""


def limited(megabytes: int, base: Path, kind: str, path: str) -> list[float]:
    """Trains in a process that may allocate so much more than it begins with."""
    script = textwrap.dedent(LIMITED).format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", script, str(megabytes), str(base), kind, path]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(part) for part in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_arrays_larger_than_memory_are_streamed(tmp_path: Path) -> None:
    """256 MiB of features in a .npy, 110 MiB of memory to train with."""
    columns, rows = 64, 1 << 19
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (rows, columns))
    y = np.empty(rows)
    weights, random = np.linspace(-1, 1, columns), np.random.default_rng(0)
    for start in range(0, rows, 1 << 16):
        x[start : start + (1 << 16)] = random.normal(size=(1 << 16, columns))
        y[start : start + (1 << 16)] = x[start : start + (1 << 16)] @ weights
    x.flush()
    del x
    np.save(tmp_path / "y.npy", y)
    size, first, last, whole = limited(110, tmp_path, "arrays", "x.npy")
    assert size == rows * columns * 8 > 2 * (110 << 20)
    assert last < first / 3 and whole < first


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_csv_file_larger_than_memory_is_streamed(tmp_path: Path) -> None:
    """427 MiB of numbers in a CSV file, 160 MiB of memory to convert them and to train with."""
    sums(tmp_path / "part.csv", 20_000, 40)
    names, _, rows = (tmp_path / "part.csv").read_text().partition("\n")
    with (tmp_path / "d.csv").open("w") as file:
        file.write(names + "\n" + rows)
        for _ in range(69):
            file.write(rows)
    size, first, last, whole = limited(160, tmp_path, "csv", "d.csv")
    assert size == 1_400_000 * 40 * 8 > 2.5 * (160 << 20)
    assert last < first / 3 and whole < first


def test_a_preview_of_a_large_file_is_quick_and_says_that_it_is_the_head(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("w") as file:
        file.write("a,b,k\n")
        for part in range(40):
            file.write(
                "".join(
                    f"{i},{i % 7}.5,{'uv'[i % 2]}\n"
                    for i in range(part * 10_000, (part + 1) * 10_000)
                )
            )
    before = time.process_time()
    found = data.preview(Source("csv", "big.csv"), tmp_path, rows=1000)
    assert time.process_time() - before < 2
    assert not found.whole and found.rows is None and found.read == 1000 and not found.problem
    assert found.notes[0] == "this is the head of big.csv: its first 1,000 rows"
    assert found.summary().startswith("the first 1,000 rows")
    a, b, k = found.columns
    assert (a.role, a.type, a.low, a.high, a.count) == ("feature", "whole number", 0, 999, 1000)
    values = np.array([i % 7 + 0.5 for i in range(1000)])
    assert b.mean == pytest.approx(values.mean()) and sum(b.bins) == 1000
    np.testing.assert_array_equal(b.bins, np.histogram(values, 16)[0])
    assert (k.role, k.type, k.values) == ("target", "text", (("u", 500), ("v", 500)))
    assert found.classes == (("u", 500), ("v", 500)) and found.lines[1] == ("1", "1.5", "v")
    assert not cache.folder().exists()


def test_a_text_that_takes_long_to_read_is_converted_though_its_numbers_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that opens it never stands still, and shows its rows once they are converted."""
    sums(tmp_path / "d.csv", 300, 4)
    graph = network(Source("csv", "d.csv"), 10)
    small = training.load(graph, "d", tmp_path).take("x", np.arange(300))
    data.kinds._read.cache_clear()  # type: ignore[attr-defined]
    monkeypatch.setattr("engine.data.csv_file.SLOW", 100)
    with data.at_once(), pytest.raises(data.NotReady):
        training.load(graph, "d", tmp_path)
    training.load(graph, "d", tmp_path)
    data.kinds._read.cache_clear()  # type: ignore[attr-defined]
    with data.at_once():
        found = training.load(graph, "d", tmp_path).take("x", np.arange(300))
    np.testing.assert_array_equal(found, small)

"""`gradloom bench`: what it measures, what it refuses and how it tells."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app import benchmark
from app.benchmark import scalars, told, work
from app.benchmark.work import OURS, Contender, DifferentError, Result, Settings, Work, measure
from app.cli import cli
from engine.compose import compose

QUICK = Settings(rounds=1, seconds=0.001)


def bench(*args: str) -> Any:
    return CliRunner().invoke(cli, ["bench", "--rounds", "1", *args])


def same(value: float) -> Contender:
    return Contender(lambda: value, lambda number: number)


def report(*results: Result) -> benchmark.Report:
    return benchmark.Report(results, "2 cores", {"numpy": "2"}, ("jax",), 1)


ROW = Work(
    "row", "A row <1>", lambda settings: {OURS: same(1.0), "torch": same(1.0)}, {"torch": 6.0}
)


def test_json_has_figures_goals_and_the_machine() -> None:
    done = bench("--only", "scalar", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (row,) = found["works"]
    assert row["name"] == "scalar" and row["unit"] == "seconds" and row["goals"]["torch"] == 50
    assert all(0 < seconds < 1 for seconds in row["figures"].values())
    assert set(row["ratios"]) == set(row["figures"]) - {OURS}
    assert "cores" in found["machine"] and found["versions"]["numpy"]


def test_a_missing_peer_is_named_and_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(benchmark, "peers", dict)
    drawn = tmp_path / "bars.svg"
    done = bench("--only", "scalar", "--picture", str(drawn))
    assert done.exit_code == 0
    assert "torch is not installed" in done.stdout and "jax is not installed" in done.stdout
    assert "PyTorch eager" not in done.stdout.splitlines()[0]
    ET.fromstring(drawn.read_text("utf-8"))


def test_refusals() -> None:
    assert "there is no work 'speed'" in bench("--only", "speed").stderr
    assert "ends in .svg" in bench("--picture", "bars.png").stderr


def test_works_that_differ_are_not_compared() -> None:
    """The planted defect: a library that computes something else, and fast."""
    measure(ROW, QUICK)
    wrong = Work("row", "A row", lambda settings: {OURS: same(1.0), "torch": same(1.01)})
    with pytest.raises(DifferentError, match="PyTorch eager computed"):
        measure(wrong, QUICK)
    nan = Work("row", "A row", lambda settings: {OURS: same(1.0), "torch": same(math.nan)})
    with pytest.raises(DifferentError):
        measure(nan, QUICK)


def test_goals_missed_and_reached() -> None:
    short = Result(ROW, {OURS: 1e-3, "torch": 5e-3})
    reached = Result(ROW, {OURS: 1e-3, "torch": 6e-3})
    alone = Result(ROW, {OURS: 1e-3})
    late = Result(Work("late", "Late", ROW.make, limit=0.5), {OURS: 0.6})
    assert [r.missed for r in (short, reached, alone, late)] == [["torch"], [], [], ["limit"]]
    text = "\n".join(map(str, [p for p in told.parts(report(short)) if isinstance(p, str)]))
    assert "short of a goal: row" in text and "pip install jax" in text


def test_the_picture_has_a_bar_a_library_and_a_line_a_goal() -> None:
    svg = ET.fromstring(told.picture(report(Result(ROW, {OURS: 1e-3, "torch": 5e-3}))))
    space = "{http://www.w3.org/2000/svg}"
    bars = [r for r in svg.iter(f"{space}rect") if r.get("height") == "11"]
    assert len(bars) == 2 and float(bars[0].get("width", 0)) < float(bars[1].get("width", 0))
    assert [p.get("stroke") for p in svg.iter(f"{space}path")].count("#111") == 1
    assert "A row <1>" in [t.text for t in svg.iter(f"{space}text")]


def test_slow_works_keep_the_first_call_when_it_took_long() -> None:
    calls = {OURS: 0, "jax": 0}

    def step(name: str) -> float:
        calls[name] += 1
        return 1.0

    slow = {name: Contender(lambda n=name: step(n), lambda number: number) for name in calls}
    measure(Work("slow", "Slow", lambda settings: slow, slow=True), Settings(rounds=3, seconds=1.0))
    assert calls == {OURS: 4, "jax": 4}
    measure(Work("slow", "Slow", lambda settings: slow, slow=True), Settings(rounds=3, seconds=0.0))
    assert calls == {OURS: 5, "jax": 5}


def test_the_graph_of_many_nodes_is_the_same_in_every_form() -> None:
    graph = scalars.dag(300, 10)
    document, text = graph.document(), compose("\n".join(graph.lines()), {"n0": 1.0})
    assert len(document.nodes) == len(text.nodes) == 1 + len(graph.shares) + len(graph.nodes)
    h = 1e-6
    ahead, behind = (graph.value(1 + s * h, math.sin, math.tanh) for s in (1, -1))
    for made in (document, text):
        derivative = scalars._by_plan(*scalars._compiled(made))()
        assert derivative == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


def test_a_peer_that_cannot_be_imported_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(work.importlib, "import_module", none)
    assert work.peers() == {}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_memory_is_measured_in_a_process_of_its_own() -> None:
    (contender,) = our_memory().values()
    assert 0 < contender.step() < 1e9


def our_memory() -> dict[str, Contender]:
    return dict(benchmark.WORKS["memory-adam"].make(Settings()))

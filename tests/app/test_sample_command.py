"""The command that draws pixel by pixel: its picture, its numbers, its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pixels import GREYS, document

from app.cli import cli
from app.sheet import CELL, GAP, LINE, MARGIN, distances
from engine import files
from engine.probes.sampling import drawn
from engine.train.scene import Scene


def test_the_picture_holds_what_is_drawn(tmp_path: Path) -> None:
    graph = document()
    graph.put("settings", "title", "Small pictures")
    files.write(graph, tmp_path / "a.gloom")
    out = tmp_path / "out.png"
    given = ["sample", str(tmp_path / "a.gloom"), "-o", str(out), "--rows", "3", "--samples", "2"]
    result = CliRunner().invoke(cli, [*given, "--seed", "4", "--json"])
    assert result.exit_code == 0, result.output
    scene = Scene(graph)
    *_, expected = drawn(scene, scene.rows("validation", 3), 2, 4)
    rebuilt, sampled = distances(expected)
    assert json.loads(result.output) == [
        {"title": "Small pictures", "rebuilt": rebuilt, "samples": sampled}
    ]
    picture = np.asarray(Image.open(out).convert("L"))
    scale = CELL // 6
    step = 6 * scale + GAP
    assert picture.shape[1] == 2 * MARGIN + 4 * step - GAP
    for row in range(3):
        for place, numbers in enumerate(expected.samples[row], 2):
            top, left = MARGIN + 2 * LINE + row * step, MARGIN + place * step
            seen = picture[top : top + 6 * scale : scale, left : left + 6 * scale : scale]
            assert np.abs(seen - np.rint(numbers * 255)).max() <= 1


def test_several_side_by_side_and_refusals(tmp_path: Path) -> None:
    files.write(document(), tmp_path / "a.gloom")
    files.write(document(GREYS.replace("type='A'", "type='B'")), tmp_path / "b.gloom")
    out = tmp_path / "out.png"
    a, b = str(tmp_path / "a.gloom"), str(tmp_path / "b.gloom")
    run = CliRunner().invoke
    few = ["--rows", "1", "--samples", "1", "--theme", "dark", "--given", "0.5"]
    told = run(cli, ["sample", a, a, "-o", str(out), *few])
    assert told.exit_code == 0 and "Samples" in told.output and out.exists()
    assert run(cli, ["sample", a, "-o", str(out), *few]).exit_code == 2  # it is there already
    leak = run(cli, ["sample", b, "-o", str(out), *few, "--force"])
    assert leak.exit_code == 2 and "depends on itself" in leak.output
    assert run(cli, ["sample", a, "-o", str(tmp_path / "out.gif"), *few]).exit_code == 2


@pytest.mark.parametrize("node", ["h0", "nobody"])
def test_a_code_that_is_none(tmp_path: Path, node: str) -> None:
    files.write(document(), tmp_path / "a.gloom")
    given = ["sample", str(tmp_path / "a.gloom"), "-o", str(tmp_path / "o.png"), "--code", node]
    told = CliRunner().invoke(cli, given)
    assert told.exit_code == 2 and "no vector" in told.output

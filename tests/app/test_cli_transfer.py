"""`gradloom export` to a PyTorch script, which needs no window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from app.cli import cli


def test_export_to_a_script(tmp_path: Path) -> None:
    out = tmp_path / "loop.py"
    run = ["export", "example:training-loop", "--to", str(out)]
    done = CliRunner().invoke(cli, run)
    assert done.exit_code == 0, done.output
    assert [line.split()[1] for line in done.output.splitlines()] == [
        str(out), str(out.with_suffix(".npz"))
    ]  # fmt: skip
    assert "loss.backward()" in out.read_text("utf-8")
    with np.load(out.with_suffix(".npz")) as arrays:
        assert arrays["data_x"].shape == (100, 2)
    again = CliRunner().invoke(cli, run)
    assert again.exit_code != 0 and CliRunner().invoke(cli, [*run, "--force"]).exit_code == 0

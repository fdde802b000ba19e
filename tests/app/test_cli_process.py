"""The command line as a process: what it imports, signals, pipes, terminals and encodings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
START = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]
HEAVY = {"PySide6", "pyqtgraph", "scipy", "jax", "torch", "ziamath"}
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-9]|9[0-9])[0-9;]*m")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX")


def started(*args: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **options.pop("env", {})}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if os.name == "posix":  # what runs in a shell's background is started with SIGINT ignored
        options.setdefault("preexec_fn", _listen_to_interrupts)
    return subprocess.Popen([*START, *args], cwd=ROOT, env=environment, **{**pipes, **options})


def _listen_to_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(process: subprocess.Popen[bytes], data: bytes | None = None) -> tuple[int, str, str]:
    out, error = process.communicate(data, timeout=60)
    return process.returncode, (out or b"").decode(), (error or b"").decode()


def imported(*args: str) -> set[str]:
    code = (
        f"import sys; from app.cli import main; main({list(args)!r}); "
        "print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("derive", "--help")])
def test_nothing_heavy_for_the_help(args: tuple[str, ...]) -> None:
    assert not imported(*args) & {*HEAVY, "numpy", "networkx", "rich"}


@pytest.mark.parametrize(
    "args",
    [
        ("derive", "sum(sin(x))", "--at", "x=[1,2]", "--order", "1", "--wrt", "x", "--json"),
        ("derive", "cos(x)", "--at", "x=1", "--order", "3", "--check"),
        ("minimize", "x^2", "--at", "x=1"),
        ("check",),
        ("ops",),
    ],
)
def test_no_command_loads_a_window_or_a_framework(args: tuple[str, ...]) -> None:
    needed = {"scipy"} if args == ("check",) else set()  # it runs the rows that SciPy computes too
    assert not imported(*args) & (HEAVY - needed)


def test_time_to_say_the_version(record_property: Any) -> None:
    """Told, not judged: a busy machine is slow without anything being wrong."""
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        code, out, _ = ended(started("--version"))
        took.append(time.perf_counter() - begin)
        assert code == 0 and re.fullmatch(r"gradloom, version \d+\.\d+\.\d+\n", out)
    record_property("seconds", min(took))
    print(f"--version took {min(took):.3f} s")


LONG = ("minimize", "-", "--at", "x=1", "--lr", "1e-9", "--steps", "10000000")


def interrupted(number: signal.Signals, *args: str) -> tuple[int, str, str]:
    """A long run that gets a signal once it has read its program, so once it is under way."""
    process = started(*LONG, *args)
    assert process.stdin is not None
    process.stdin.write(b"cos(x) * sin(x^2)")
    process.stdin.close()
    process.stdin = None
    time.sleep(1.0)
    process.send_signal(number)
    return ended(process)


@posix
def test_interrupt() -> None:
    assert interrupted(signal.SIGINT) == (130, "", "gradloom: interrupted\n")


@posix
def test_terminate() -> None:
    assert interrupted(signal.SIGTERM, "--json") == (143, "", "")


@posix
@pytest.mark.parametrize("args", [("ops", "--json"), ("ops",), ("--help",)])
def test_a_reader_that_has_gone(args: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert ended(started(*args, stdout=write)) == (0, "", "")
    finally:
        os.close(write)


@posix
def test_no_standard_output_at_all() -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *START, "ops"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [("ops", "--json"), ("--version",)])
def test_a_full_disk_behind_standard_output(args: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        code, _, error = ended(started(*args, stdout=full))
    assert (code, error.count("\n")) == (2, 1)
    assert "No space left" in error


def test_an_encoding_that_lacks_signs() -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code, out, error = ended(started("derive", "cos(x)", "--at", "x=1", env=ascii_only))
    assert (code, error) == (0, "")
    assert "v1 = cos(x) = 0.5403" in out
    code, out, error = ended(started("derive", "θ = x^2", "--at", "x=1", "--json", env=ascii_only))
    assert (code, error, json.loads(out)["output"]) == (0, "", "θ")


@posix
def test_bytes_that_are_no_text() -> None:
    code, _, error = ended(started("derive", "-", "--at", "x=1"), b"\xff\xfe\x00")
    assert (code, error.count("\n")) == (2, 1) and "UTF-8" in error
    process = subprocess.Popen(
        [*START, b"derive", b"x", b"--at", b"x=\xff"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    code, _, error = ended(process)
    assert (code, error.count("\n")) == (2, 1)


def on_a_terminal(*args: str, **environment: str) -> str:
    """Standard output and error of a command whose both are one terminal."""
    import pty

    master, slave = pty.openpty()
    env = {"TERM": "xterm-256color", "COLUMNS": "100", **environment}
    process = started(*args, stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=env)
    os.close(slave)
    parts = []
    try:
        while part := os.read(master, 65536):
            parts.append(part)
    except OSError:
        pass  # how Linux says that the other end has closed
    os.close(master)
    assert process.wait(60) == 0
    return b"".join(parts).decode("utf-8", "replace")


@posix
def test_colours_are_for_terminals_and_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    args = ("derive", "J = cos(x)", "--at", "x=1")
    coloured = on_a_terminal(*args)
    assert COLOUR.search(coloured)
    quiet = on_a_terminal(*args, NO_COLOR="1")
    assert not COLOUR.search(quiet) and "J = cos(x) = 0.5403" in quiet
    assert not COLOUR.search(ended(started(*args))[1])


@posix
def test_a_bar_after_a_second() -> None:
    slow = on_a_terminal("minimize", "sin(x)", "--at", "x=1", "--steps", "2000000")
    assert "minimize" in slow and "/2000000" in slow
    quick = on_a_terminal("minimize", "sin(x)", "--at", "x=1", "--steps", "10")
    assert "/10" not in quick

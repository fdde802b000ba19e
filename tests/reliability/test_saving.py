"""Saving when the program is killed, and when any call of the system fails."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from documents import random_document, sample

from engine import files
from engine.files import FileError, archive
from engine.graph import Graph

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills and modes as POSIX has them")


def kill(what: str, folder: Path, count: int, seed: int = 1) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), what, str(folder), str(count), str(seed)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("what", ["save", "recovery"])
def test_killed_programs_lose_nothing(what: str, tmp_path: Path) -> None:
    assert kill(what, tmp_path, 20)["lost"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("what", ["save", "recovery"])
def test_killed_programs_lose_nothing_long(what: str, tmp_path: Path) -> None:
    result = kill(what, tmp_path, 200, seed=2)
    print(f"\n{what}: {result}")
    assert result["lost"] == 0


def test_planted_writing_in_place_loses_documents(tmp_path: Path) -> None:
    assert kill("in-place", tmp_path, 20)["lost"] >= 3


# ------------------------------------------------------------ the n-th call fails


class Failing:
    """The `os` module, of which the n-th call of some functions fails."""

    WATCHED = ("open", "write", "fsync", "close", "chmod", "replace")

    def __init__(self, fails_at: int, code: int | str) -> None:
        self.fails_at, self.code, self.calls, self.failed = fails_at, code, 0, ""

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.WATCHED:
            return real

        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls != self.fails_at:
                return real(*args, **options)
            self.failed = name
            if name == "close":
                real(*args)  # a close that fails has closed
            if self.code == "short":
                return (
                    real(args[0], bytes(args[1])[:7]) if name == "write" else real(*args, **options)
                )
            if self.code == "nothing" and name == "write":
                return 0
            raise OSError(self.code if isinstance(self.code, int) else errno.EIO, "made to fail")

        return call


CODES: tuple[int | str, ...] = (
    errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT, "nothing", "short",
)  # fmt: skip


def outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int | str) -> list[str]:
    """Saves with the 1st, 2nd, ... call failing, until none does; names of the calls that failed."""
    path, failed = tmp_path / "a.gloom", []
    for fails_at in range(1, 100):
        old, new = random_document(fails_at), sample()
        files.write(old, path)
        os.chmod(path, 0o640)
        before = path.read_bytes()
        system = Failing(fails_at, code)
        refused = False
        with monkeypatch.context() as patched:
            patched.setattr(archive, "os", system)
            patched.setattr(archive, "_CHUNK", 1000)
            try:
                files.write(new, path)
            except FileError as error:
                refused = True
                assert error.path == str(path)
                assert error.reason.startswith("it could not be saved: ")
                assert "\n" not in error.reason
        now = path.read_bytes()
        # Only the folder's own write comes after the new file has taken the place of the old.
        if refused and not (system.failed in ("fsync", "close") and now == files.to_bytes(new)):
            assert now == before, f"{system.failed} damaged the old file"
        if not refused:
            assert now == files.to_bytes(new), f"{system.failed} was not noticed"
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert os.listdir(tmp_path) == ["a.gloom"], "a temporary was left"
        if not system.failed:
            return failed
        failed.append(system.failed)
    raise AssertionError("it never ended")


@pytest.mark.parametrize("code", CODES, ids=lambda c: errno.errorcode.get(c, c))
def test_any_failing_call_leaves_the_old_file(
    code: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = outcomes(tmp_path, monkeypatch, code)
    assert set(failed) == set(Failing.WATCHED) and failed.count("write") > 3


def test_planted_ignoring_what_write_returned_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_write_all", lambda handle, data: archive.os.write(handle, data))
    with pytest.raises(AssertionError, match="write was not noticed"):
        outcomes(tmp_path, monkeypatch, "short")


def test_planted_temporary_left_behind_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keeping(Failing):
        def unlink(self, path: Path) -> None:
            pass

    monkeypatch.setattr(sys.modules[__name__], "Failing", Keeping)
    with pytest.raises(AssertionError, match="a temporary was left"):
        outcomes(tmp_path, monkeypatch, errno.ENOSPC)


def test_interrupting_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.gloom"
    files.write(Graph(), path)
    before = path.read_bytes()

    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(sample(), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.gloom"]


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """The system itself cuts the write short: the process may write only 4 KiB to a file."""
    path = tmp_path / "a.gloom"
    files.write(Graph(), path)
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limit[1]))
        with pytest.raises(FileError, match="it could not be saved"):
            files.write(sample(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.gloom"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_files_and_folders_are_respected(tmp_path: Path) -> None:
    path = tmp_path / "a.gloom"
    files.write(Graph(), path)
    before = path.read_bytes()
    for what, mode in ((path, 0o444), (tmp_path, 0o555)):
        what.chmod(mode)
        try:
            with pytest.raises(FileError, match="you may not write there"):
                files.write(sample(), path)
        finally:
            what.chmod(0o755)
        assert path.read_bytes() == before


def test_a_read_only_file_is_respected_for_root_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.gloom"
    files.write(Graph(), path)
    before = path.read_bytes()
    monkeypatch.setattr(archive.os, "access", lambda target, mode: False)
    with pytest.raises(FileError, match="you may not write there; save it elsewhere"):
        files.write(sample(), path)
    assert path.read_bytes() == before


def test_a_deleted_folder_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist; save it elsewhere"):
        files.write(sample(), tmp_path / "gone" / "a.gloom")

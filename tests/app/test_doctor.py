"""The doctor finds what is missing and says what to type."""

from __future__ import annotations

import shutil
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from app import doctor

ROOT = Path(__file__).parent.parent.parent


def named(name: str) -> doctor.Finding:
    return next(finding for finding in doctor.report() if finding.name == name)


def test_report_covers_what_is_required_here() -> None:
    findings = doctor.report()
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    for finding in findings:
        assert finding.value
        assert finding.ok or finding.mend, f"{finding.name} does not say what to type"
    assert named("numpy").value == metadata.version("numpy")
    assert named("Qt platform").ok, named("Qt platform").value


def test_every_core_requirement_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = {line.partition(">")[0] for line in project["dependencies"]}
    core -= {"PySide6-Essentials", "latex2mathml"}
    assert {name.lower() for name in core} == set(doctor.DISTRIBUTIONS)


@pytest.mark.parametrize(
    ("version", "python", "sound"),
    [
        ("6.10.3", (3, 11), True),
        ("6.11.3", (3, 11), True),
        ("6.12.0", (3, 11), False),
        ("7.0.0", (3, 11), False),
        ("6.12.0", (3, 12), True),
    ],
)
def test_known_bad_qt(version: str, python: tuple[int, int], sound: bool) -> None:
    assert doctor.qt_version_is_sound(version, python) is sound


def test_bad_qt_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: "6.12.0")
    monkeypatch.setattr(sys, "version_info", (3, 11, 7, "final", 0))
    finding = doctor._qt()
    assert not finding.ok and "6.11" in finding.mend


def test_missing_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = doctor._distribution("no-such-distribution")
    assert (finding.value, finding.ok) == ("missing", False)
    assert finding.mend == "python -m pip install no-such-distribution"
    assert not doctor.healthy([finding])


def test_what_films_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIFs are written by what every installation has, MP4 files by what may be added."""
    assert named("pillow").value == metadata.version("pillow") and named("pillow").required
    assert named("av (optional, MP4)").ok
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [r.partition(">")[0] for r in project["optional-dependencies"]["animation"]] == ["av"]

    def version(name: str) -> str | None:
        return None if name in ("av", "pillow") else metadata.version(name)

    monkeypatch.setattr(doctor, "_version", version)
    av, pillow = named("av (optional, MP4)"), named("pillow")
    assert (av.ok, av.value) == (False, "not installed") and doctor.healthy([av])
    assert av.mend == 'python -m pip install "gradloom[animation]"'
    assert not doctor.healthy([pillow]) and pillow.mend == "python -m pip install pillow"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="apt is Debian's")
def test_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {**doctor.OFFSCREEN_LIBRARIES, "libno-such.so.7": "libno-such7"}
    assert doctor.missing_packages(planted) == ["libno-such7"]
    monkeypatch.setattr(doctor, "OFFSCREEN_LIBRARIES", planted)
    finding = doctor._system_libraries()
    assert not finding.ok and finding.mend.endswith("apt-get install libno-such7")


def test_qt_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "no-such-platform")
    finding = doctor._platform()
    assert not finding.ok and finding.value.startswith("does not start")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    assert doctor._folder("State", tmp_path / "new" / "deep").ok
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    finding = doctor._folder("State", tmp_path / "file" / "deep")
    assert not finding.ok and str(tmp_path / "file") in finding.mend


def test_gpu_without_a_working_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/no/such/nvidia-smi")
    finding = doctor._gpu()
    assert not finding.ok and doctor.healthy([finding])

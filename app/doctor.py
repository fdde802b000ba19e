"""What is installed, what is missing and the command that installs it."""

from __future__ import annotations

import ctypes
import importlib.resources
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

OFFSCREEN_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
"""Shared libraries Qt loads even without a display, each with its Debian package."""

WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""What Qt's X11 platform plugin loads in addition."""

DISTRIBUTIONS = (
    "numpy",
    "scipy",
    "networkx",
    "msgspec",
    "pyqtgraph",
    "ziamath",
    "click",
    "rich",
    "platformdirs",
    "threadpoolctl",
    "pillow",
)
OPTIONAL = {
    "torch": ("PyTorch (optional)", "python -m pip install torch"),
    "av": ("av (optional, MP4)", 'python -m pip install "gradloom[animation]"'),
    "polars": ("polars (optional, Parquet)", 'python -m pip install "gradloom[data]"'),
    "optuna": ("optuna (optional, Bayesian search)", 'python -m pip install "gradloom[sweep]"'),
}
"""What more can be done with: its name in the list and what to type."""
REINSTALL = "python -m pip install --force-reinstall -c constraints.txt ., in Gradloom's folder"
SUPPORTED_PYTHON = ((3, 11), (3, 13))

_PROBE = """
import sys
from PySide6.QtGui import QFontDatabase, QGuiApplication
application = QGuiApplication(sys.argv[:1])
print(application.platformName(), len(QFontDatabase.families()))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `value` is a version, a path or a short state; `mend` is what to type when `ok` is False. A
    finding that is not `required` may be not ok and the program still does its main job.
    """

    name: str
    value: str
    ok: bool
    mend: str = ""
    required: bool = True


def report() -> list[Finding]:
    """Everything the program leans on, in reading order. Imports no Qt; raises nothing."""
    return [
        _python(),
        _qt(),
        *map(_distribution, DISTRIBUTIONS),
        _blas(),
        _system_libraries(),
        _platform(),
        _resources(),
        _fonts(),
        *_folders(),
        *(_optional(*row) for row in OPTIONAL.items()),
        _gpu(),
    ]


def healthy(findings: Iterable[Finding]) -> bool:
    """True when nothing required is missing."""
    return all(finding.ok for finding in findings if finding.required)


def has_display() -> bool:
    """True when a window can be shown: always on macOS and Windows, else by the environment."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_packages(libraries: dict[str, str]) -> list[str]:
    """The Debian packages of those shared libraries that the loader does not find (Linux only)."""
    if not sys.platform.startswith("linux"):
        return []
    return [package for library, package in libraries.items() if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    low, high = SUPPORTED_PYTHON
    value = f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    if low <= sys.version_info[:2] <= high:
        return Finding("Python", value, True)
    mend = f"install Python {low[0]}.{low[1]} to {high[0]}.{high[1]} and set Gradloom up again"
    return Finding("Python", value, False, mend)


def qt_version_is_sound(version: str, python: tuple[int, int]) -> bool:
    """False for PySide6 6.12 and later before Python 3.12, where every void call aborts sooner or
    later because it takes a reference to None that it does not own."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return not (parts >= [6, 12] and python < (3, 12))


def _qt() -> Finding:
    mend = 'python -m pip install "PySide6-Essentials>=6.10.3,<6.11"'
    version = _version("PySide6-Essentials")
    if version is None:
        return Finding("Qt (PySide6)", "missing", False, mend)
    if not qt_version_is_sound(version, sys.version_info[:2]):
        return Finding("Qt (PySide6)", f"{version} aborts on this Python", False, mend)
    return Finding("Qt (PySide6)", version, True)


def _distribution(name: str) -> Finding:
    version = _version(name)
    if version is None:
        return Finding(name, "missing", False, f"python -m pip install {name}")
    return Finding(name, version, True)


def _blas() -> Finding:
    try:
        import numpy  # noqa: F401  (loads the BLAS that is counted below)
        from threadpoolctl import threadpool_info
    except ImportError:
        return Finding("BLAS", "NumPy or threadpoolctl is missing", False, REINSTALL)
    pools = [
        f"{pool.get('internal_api', '?')} {pool.get('version') or ''}".strip()
        + f", {pool.get('num_threads', '?')} threads"
        for pool in threadpool_info()
        if pool.get("user_api") == "blas"
    ]
    return Finding("BLAS", "; ".join(pools) or "built in", True, required=False)


def _system_libraries() -> Finding:
    wanted = OFFSCREEN_LIBRARIES | (WINDOW_LIBRARIES if has_display() else {})
    missing = missing_packages(wanted)
    if not missing:
        return Finding("System libraries", "found", True)
    return Finding(
        "System libraries",
        "missing " + ", ".join(missing),
        False,
        ("" if os.name == "nt" or os.geteuid() == 0 else "sudo ")
        + "apt-get install "
        + " ".join(missing),
    )


def _platform() -> Finding:
    """Starts Qt in a child process, since a wrong platform plugin aborts the process."""
    environment = dict(os.environ)
    if not has_display():
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    mend = "QT_DEBUG_PLUGINS=1 gradloom, and look for the first 'cannot load'"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Finding("Qt platform", f"does not start: {type(problem).__name__}", False, mend)
    words = done.stdout.split()
    if done.returncode != 0 or len(words) != 2:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        return Finding("Qt platform", f"does not start: {reason}", False, mend)
    where = "" if has_display() else ", no display: pictures only"
    return Finding("Qt platform", f"{words[0]}, {words[1]} font families{where}", True)


def _resources() -> Finding:
    missing = [name for name in ("examples", "fonts", "icons") if not list(_shipped(name))]
    if missing:
        return Finding("Resources", "missing " + ", ".join(missing), False, REINSTALL)
    return Finding("Resources", str(importlib.resources.files("resources")), True)


def _fonts() -> Finding:
    fonts = [name for name in _shipped("fonts") if name.endswith((".ttf", ".otf"))]
    mend = "" if fonts else REINSTALL
    return Finding("Fonts", ", ".join(sorted(fonts)) or "none bundled", bool(fonts), mend)


def _shipped(folder: str) -> Iterator[str]:
    try:
        for entry in importlib.resources.files("resources").joinpath(folder).iterdir():
            yield entry.name
    except (ModuleNotFoundError, OSError):
        return


def _folders() -> list[Finding]:
    try:
        from platformdirs import user_config_path, user_state_path
    except ImportError:
        return [Finding("Folders", "platformdirs is missing", False, REINSTALL)]
    return [
        _folder("Settings folder", user_config_path("gradloom")),
        _folder("State folder", user_state_path("gradloom")),
    ]


def _folder(name: str, path: Path) -> Finding:
    """Looks at the nearest folder that exists, so that asking creates nothing."""
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(name, str(path), True)
    return Finding(name, f"{path} is not writable", False, f'chmod u+rwx "{nearest}"')


def _optional(distribution: str, told: tuple[str, str]) -> Finding:
    (name, mend), version = told, _version(distribution)
    return Finding(name, version or "not installed", version is not None, mend, required=False)


def _gpu() -> Finding:
    """Asks the driver's own tool, and PyTorch only where it is installed and there is a driver."""
    name = "GPU (optional)"
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding(name, "no NVIDIA driver found", True, required=False)
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    cards = _output(query)
    if not cards:
        return Finding(name, "nvidia-smi finds no card", False, "nvidia-smi", False)
    value = "; ".join(cards.splitlines())
    if importlib.util.find_spec("torch") is None:
        mend = "python -m pip install torch"
        return Finding(name, f"{value}, not used without PyTorch", False, mend, False)
    usable = _output([sys.executable, "-c", "import torch; print(torch.cuda.is_available())"])
    if usable != "True":
        mend = "python -m pip install --force-reinstall torch, in a build for this driver"
        return Finding(name, f"{value}, not usable by this PyTorch", False, mend, False)
    return Finding(name, f"{value}, usable by PyTorch", True, required=False)


def _output(command: list[str]) -> str:
    """What a command prints, or nothing when it fails or takes longer than 30 seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

"""Sets Gradloom up in .venv: system libraries, packages at the tested versions, compiled modules.

Called by the Makefile with what to set up for: `run`, `test` or `bench`. Needs nothing but Python;
says in one line whatever it is about to change; does nothing when everything stands. The first part
keeps to syntax that an old Python can read, so that it can look for a newer one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VERSIONS = ("3.11", "3.12", "3.13")
EXTRAS = {"run": "", "test": "[test]", "bench": "[test,bench]"}
PROGRAMS = {"Xvfb": "xvfb", "xauth": "xauth", "xdotool": "xdotool"}
STAMPED = ("pyproject.toml", "constraints.txt", "engine/__init__.py")


def say(text):
    print("set-up: " + text, flush=True)


def version_here():
    return ".".join(map(str, sys.version_info[:2]))


def use_supported_python():
    """Starts this script again under a supported Python when this one is not."""
    if version_here() in VERSIONS:
        return
    for version in reversed(VERSIONS):
        path = shutil.which("python" + version)
        if path and subprocess.call([path, "-c", ""]) == 0:
            say(f"using {path} instead of Python {version_here()}")
            sys.exit(subprocess.call([path, *sys.argv]))
    sys.exit(
        f"Gradloom needs Python {VERSIONS[0]} to {VERSIONS[-1]} and this is {version_here()}: "
        f"install one (apt-get install python{VERSIONS[0]}-venv) and run make again."
    )


def clean_environment():
    """The environment for child processes: modules get compiled, and none come from elsewhere."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in dropped}


def run(*command):
    return subprocess.call([str(part) for part in command], env=clean_environment(), cwd=str(ROOT))


def install_with_apt(packages, why):
    """Installs Debian packages, as root or through sudo, or ends with the command to type."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    by_hand = (
        f"Missing: {why}. Run `sudo apt-get install {' '.join(packages)}` and then make again."
    )
    prefix = []
    if os.geteuid() != 0:
        prefix = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if not shutil.which("apt-get") or (prefix and not shutil.which("sudo")):
        sys.exit(by_hand)
    say(f"installing {' '.join(packages)} with apt-get ({why})")
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive"]
    quiet = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
    with open(os.devnull, "wb") as nowhere:
        first = subprocess.call(prefix + command + quiet, stdout=nowhere, stderr=nowhere)
    if first == 0:
        return
    # A fresh image has no package lists, and old lists name files that are gone.
    run(*prefix, "apt-get", "update", *quiet)
    if run(*prefix, *command, *quiet) != 0:
        sys.exit(by_hand)


def system_libraries(purpose):
    """Installs the shared libraries of Qt, and for tests the virtual X server, that are missing."""
    if not sys.platform.startswith("linux"):
        return
    sys.path.insert(0, str(ROOT))
    from app import doctor

    missing = doctor.missing_packages(doctor.OFFSCREEN_LIBRARIES)
    if purpose == "test" or doctor.has_display():
        missing += doctor.missing_packages(doctor.WINDOW_LIBRARIES)
    if purpose == "test":
        missing += [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    if missing:
        install_with_apt(missing, "Qt's system libraries")


def read(path):
    return path.read_text() if path.exists() else ""


def environment(purpose):
    """Makes .venv and installs what the purpose needs, unless its notes say that it stands."""
    made_for, installed = VENV / "gradloom-made-for", VENV / "gradloom-installed"
    # Scripts in an environment name its folder, so a moved checkout needs a new one.
    identity = f"{ROOT}\n{sys.version}\n"
    if read(made_for) != identity or not works(PYTHON, "-c", ""):
        if not works(sys.executable, "-c", "import ensurepip, venv"):
            install_with_apt([f"python{version_here()}-venv"], "Python's venv module")
        say(f"making a virtual environment in .venv with Python {version_here()}")
        if run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
            sys.exit("The virtual environment could not be made in .venv; the reason stands above.")
        made_for.write_text(identity)
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in STAMPED)).hexdigest()
    # What is set up for tests also runs the program.
    enough = list(EXTRAS)[list(EXTRAS).index(purpose) :]
    if any(f"{name} {digest}\n" in read(installed) for name in enough):
        return
    tools = "" if purpose == "run" else f" and the {purpose} tools"
    say(f"installing Gradloom{tools} into .venv at the tested versions (minutes, the first time)")
    wanted = ["--editable", f".{EXTRAS[purpose]}", "--constraint", "constraints.txt"]
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--compile"]
    if run(PYTHON, "-m", "pip", "install", *options, *wanted) != 0:
        sys.exit("The packages could not be installed into .venv; pip says why above.")
    run(PYTHON, "-m", "compileall", "-qq", "-j", "0", VENV / "lib")
    with installed.open("a") as file:
        file.write(f"{purpose} {digest}\n")


def works(*command):
    """True when the command can be started and ends with 0."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.call([str(part) for part in command], **quiet) == 0
    except OSError:
        return False


def main():
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in EXTRAS:
        sys.exit("usage: python .ci/setup.py " + "|".join(EXTRAS))
    use_supported_python()
    system_libraries(purpose)
    environment(purpose)
    # Compiled modules halve the start; unchanged ones are left as they are.
    run(PYTHON, "-m", "compileall", "-qq", "app", "engine", "resources")


if __name__ == "__main__":
    main()

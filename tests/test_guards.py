"""The guards of conftest.py and pyproject.toml are seen to fail a test that deserves it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PLANTED = """
import os, threading
import pytest
from PySide6.QtCore import QObject, QSettings, QTimer, Signal

class Sender(QObject):
    sent = Signal()

def raises():
    raise ValueError("planted")

def test_slot(qtbot):
    sender = Sender()
    sender.sent.connect(raises)
    sender.sent.emit()

def test_timer(qtbot):
    QTimer.singleShot(0, raises)
    qtbot.wait(20)

def test_thread():
    thread = threading.Thread(target=raises)
    thread.start()
    thread.join()

def test_settings_are_written():
    settings = QSettings("gradloom", "gradloom")
    settings.setValue("seen", 1)
    settings.sync()
    assert settings.fileName().startswith(os.environ["XDG_CONFIG_HOME"])

def test_settings_are_forgotten():
    assert QSettings("gradloom", "gradloom").value("seen") is None

@pytest.mark.xcb
def test_left_out_without_x():
    raise AssertionError

@pytest.mark.slow
def test_left_out_when_short():
    raise AssertionError
"""


def test_guards(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.delenv("GRADLOOM_LONG", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    shutil.copy(ROOT / "tests" / "conftest.py", pytester.path)
    (pytester.path / "test_planted.py").write_text(PLANTED)
    done = pytester.runpytest_subprocess("-q", "-rA", "-p", "no:cacheprovider", "test_planted.py")
    done.assert_outcomes(passed=2, failed=3, deselected=2)
    done.stdout.fnmatch_lines_random(
        ["FAILED*test_slot*", "FAILED*test_timer*", "FAILED*test_thread*"]
    )

"""While training runs, what panels ask for takes a bounded share of a core."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view.studio import studio
from app.view.window import Window


def test_rounds_of_questions_wait_for_what_the_last_took(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.documents.open_example("softmax-digits")
    window.recipe_panel.form.change(epochs=1_000_000)
    for name in ("flow", "metrics"):
        window.show_panel(name)
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=20_000)
    asked: list[float] = []
    clock = [10_000_000.0]  # behind any real one
    monkeypatch.setattr(studio, "monotonic", lambda: clock[0])
    ask = window.studio._ask
    monkeypatch.setattr(window.studio, "_ask", lambda panel: (asked.append(clock[0]), ask(panel)))
    window.train()
    qtbot.waitUntil(lambda: bool(asked), timeout=20_000)
    clock[0] += 2.0  # the round takes two seconds
    qtbot.waitUntil(lambda: not window.studio._asked, timeout=20_000)
    count = len(asked)
    clock[0] += 2.0 * (1 / studio.SHARE - 1) - 0.1
    QTest.qWait(600)  # moments come meanwhile
    assert len(asked) == count
    window.studio.panels["metrics"].ask_again()  # a person moved a control: at once
    qtbot.waitUntil(lambda: len(asked) == count + 1, timeout=10_000)
    qtbot.waitUntil(lambda: not window.studio._asked, timeout=20_000)
    clock[0] += 100.0
    qtbot.waitUntil(lambda: len(asked) >= count + 3, timeout=10_000)
    window.stop_training()
    qtbot.waitUntil(lambda: not window.training, timeout=20_000)
    qtbot.waitUntil(lambda: not window.studio.is_busy, timeout=20_000)

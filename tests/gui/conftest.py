"""The window that tests of it share; windows of one test are gone before the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hands import WORKED, Open
from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view import dialogs, theme
from app.view.canvas import Canvas
from app.view.window import Window
from engine.compose import compose
from engine.graph import Graph


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Deferred deletions wait for an event loop, which tests do not run; a new style sheet would
    reach every window that is left."""
    result = yield
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return result


def pytest_unconfigure() -> None:
    """Data that a test left on the clipboard would crash Qt at the end."""
    if QGuiApplication.instance() is not None:
        QGuiApplication.clipboard().clear()


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Window:
    """The whole window, shown and active, without motion; its changes may be lost."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    # Windows of earlier tests go now: an event loop that a test runs does not delete them.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    theme.apply(app, "dark", "green and vermillion")
    made = Window()
    made.canvas.reduced_motion = True
    # A question nobody answers would wait for ever.
    monkeypatch.setattr(dialogs.QMessageBox, "exec", unanswered)
    qtbot.addWidget(made, before_close_func=_give_up)
    made.resize(1600, 1000)
    made.show()
    qtbot.waitExposed(made)
    QCursor.setPos(made.mapToGlobal(QPoint(5, 5)))  # wherever the test before left it
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def _give_up(window: Window) -> None:
    """Nothing of the window is asked about when it closes."""
    window.bridge.forget()
    window.session.history.mark_saved()


def unanswered(box: Any) -> int:
    raise AssertionError(f"a question that no test expects: {box.text()}")


@pytest.fixture
def opened(qtbot: QtBot) -> Open:
    """Opens a canvas of a program, shown and fitted, without motion."""

    def make(program: str = WORKED, graph: Graph | None = None) -> Canvas:
        session = Session(graph if graph is not None else compose(program, default=0.5))
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        canvas = Canvas(session, theme.apply(app, "dark", "green and vermillion"))
        qtbot.addWidget(canvas, before_close_func=lambda c: c.detach())
        canvas.reduced_motion = True
        canvas.resize(1200, 600)
        canvas.show()
        qtbot.waitExposed(canvas)
        canvas.fit()
        canvas.flush()
        return canvas

    return make

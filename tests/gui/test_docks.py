"""Panels as tabs: the one in front works, those behind it rest and add nothing to the canvas."""

from __future__ import annotations

from hands import WORKED
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from app import actions
from app.view.window import Window
from engine.edits import add_node


def _tabs(window: Window, first: str = "trace_table") -> QTabBar:
    """The tabs of the panels that stand beside one."""
    title = actions.PANELS[first].title
    return next(t for t in window.findChildren(QTabBar) if t.count() > 1 and t.tabText(0) == title)


def test_a_panel_behind_another_rests(window: Window, qtbot: QtBot) -> None:
    window.compose(WORKED)
    window.session.select([window.session.graph.id_of("x") or ""])
    window.show_panel("why")
    qtbot.waitUntil(lambda: bool(window.session.marks.all.wires))
    assert window.why_panel.isVisible() and window.docks["why"].is_seen
    window.show_panel("trace_table")
    qtbot.waitUntil(lambda: not window.why_panel.isVisible())
    assert window.trace.isVisible() and not window.session.marks.all.wires
    window.show_panel("why")
    qtbot.waitUntil(lambda: bool(window.session.marks.all.wires))


def test_a_click_on_a_tab_brings_its_panel_to_the_front(window: Window, qtbot: QtBot) -> None:
    window.compose(WORKED)
    tabs = _tabs(window)
    titles = [tabs.tabText(i) for i in range(tabs.count())]
    assert titles[0] == actions.PANELS["trace_table"].title
    place = titles.index(actions.PANELS["what_if"].title)
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(place).center())
    qtbot.waitUntil(window.what_if_panel.isVisible)
    assert not window.trace.isVisible()


def test_every_tab_has_room_for_its_title(window: Window, qtbot: QtBot) -> None:
    beside: dict[str, list[str]] = {}
    for name, row in actions.PANELS.items():
        if row.beside:
            beside.setdefault(row.beside, []).append(name)
            window.show_panel(name)
    for first, names in beside.items():
        tabs = _tabs(window, first)
        qtbot.waitUntil(lambda tabs=tabs, names=names: tabs.count() == len(names) + 1)
        assert tabs.tabRect(tabs.count() - 1).right() <= tabs.width()


def test_a_panel_is_as_wide_before_and_behind(window: Window, qtbot: QtBot) -> None:
    before = window.docks["inspector"].geometry()
    for name in ("why", "what_if", "trace_table"):
        window.show_panel(name)
        qtbot.wait(20)
        assert window.docks["inspector"].geometry() == before


def test_training_makes_room_while_there_is_nothing_to_train(window: Window, qtbot: QtBot) -> None:
    window.compose(WORKED)
    training, trace = window.docks["training"], window.docks["trace_table"]
    qtbot.waitUntil(lambda: training.height() < 160)
    assert trace.height() > 400 and window.training_panel.curve.empty.isVisible()
    QTest.keyClick(window.canvas, Qt.Key.Key_F5)  # refused with a sentence that is seen
    qtbot.waitUntil(window.training_panel.message.isVisible, timeout=30_000)
    qtbot.waitUntil(lambda: training.height() < 200 and not window.training)
    edit, _ = add_node(window.session.graph, "parameter", "w", value=1.0)
    window.session.do(edit, "Add")
    qtbot.waitUntil(lambda: training.height() > 280)
    assert window.training_panel.buttons["train.train"].isVisible()
    window.session.history.undo()
    qtbot.waitUntil(lambda: training.height() < 160)


def test_panels_below_share_their_room(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    for name in ("flow", "metrics", "units"):
        window.show_panel(name)
    qtbot.wait(50)
    widths = [window.docks[name].width() for name in ("flow", "metrics", "units")]
    assert max(widths) - min(widths) <= 4 and min(widths) > 250


def test_training_is_watched_in_place_of_the_trace(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    seen = {name for name, dock in window.docks.items() if not dock.isHidden()}
    window.commands.run("train.views")
    qtbot.waitUntil(lambda: window.docks["curves"].is_seen and window.docks["flow"].is_seen)
    assert window.docks["metrics"].is_seen and not window.docks["trace_table"].isVisible()
    assert window.docks["inspector"].height() > 150
    window.commands.run("train.views")
    qtbot.waitUntil(lambda: not window.docks["curves"].isVisible())
    assert {name for name, dock in window.docks.items() if not dock.isHidden()} == seen


def test_no_part_of_the_window_is_a_window_of_its_own(qtbot: QtBot) -> None:
    class Watch(QObject):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Show and isinstance(watched, QWidget):
                if watched.isWindow():
                    self.seen.append(type(watched).__name__)
            return False

    app, watch = QApplication.instance(), Watch()
    assert app is not None
    app.installEventFilter(watch)
    made = Window()
    qtbot.addWidget(made)
    made.show_editor()
    app.removeEventFilter(watch)
    assert not watch.seen


def test_a_panel_is_named_when_its_tabs_are_gone(window: Window) -> None:
    window.documents.new()
    docks = window.docks
    for name in ("recipe", "data"):
        window.show_panel(name)
    window.show_panel("training")
    assert not docks["training"].title_label.isVisible(), "its tab names it"
    for name in ("recipe", "data"):
        docks[name].hide()
    assert docks["training"].title_label.isVisible()
    window.show_panel("recipe")
    window.show_panel("training")
    assert not docks["training"].title_label.isVisible()

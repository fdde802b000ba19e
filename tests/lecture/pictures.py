"""Draws the gallery's pictures: `python -m tests.lecture.pictures [NAME...]`, minutes for all of them.

An example is opened in the real window, and trained by its recipe where it opens with panels below the
canvas; the panel that says most is the picture. Others need none: a card shows the graph in small.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from app import actions
from app.view import shot, theme, typesetting
from app.view.studio.panel import StudioPanel
from app.view.studio.samples import SamplesPanel
from app.view.window import Window
from engine import edits, examples
from tests.lecture.build import TRAINED

FOLDER = Path(__file__).parents[2] / "resources" / "pictures"
SIZE = QSize(524, 300)
"""Twice what a card shows, for screens with small pixels."""
WAIT = 300.0


WIDE = {"approximation": {"width": 16}}
"""Sizes that are others than those an example opens with, because more can be seen."""


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not done() and time.monotonic() < end:
        shot.settle(100)


TELLING = (
    "surface", "regions", "curve", "reconstructions", "samples", "latent", "units", "flow", "curves",
)  # fmt: skip
"""Panels that make a picture, those that say most first."""


def _main(name: str) -> str:
    """The panel that says most of an example; empty where the graph in small is its picture."""
    opened = examples.load(name).settings["panels"]
    return next((panel for panel in TELLING if panel in opened), "")


def _grabbed(window: Window, name: str) -> QPixmap:
    dock = window.docks[name]
    window.show_panel(name)
    dock.setFloating(True)
    dock.resize(SIZE.width() + 40, SIZE.height() + 90)
    shot.settle(300)
    if name != "samples":
        _until(lambda: not window.studio.is_busy)
    shot.settle(600)
    widget = dock.widget()
    assert widget is not None
    if isinstance(widget, SamplesPanel):
        _until(lambda: widget.shown is not None and widget.shown.is_done)
        shot.settle(300)
    return (widget.body if isinstance(widget, StudioPanel) else widget).grab()


def draw(name: str) -> None:
    """Both pictures of an example; none where a card shows the graph in small."""
    main = _main(name)
    if not main:
        return
    graph = examples.load(name)
    edits.set_setting("sizes", {**graph.settings["sizes"], **WIDE.get(name, {})}).apply(graph)
    window = shot.stage(graph, None, (1600, 1000))
    shot.settle(400)
    if name not in TRAINED and actions.PANELS[main].area == "bottom":
        window.train()
        _until(lambda: not window.bridge.running)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for scheme in ("dark", "light"):
        theme.apply(app, scheme)
        window.restyle()
        typesetting.finish()
        grabbed = _grabbed(window, main)
        grabbed.setDevicePixelRatio(1)
        picture = QImage(SIZE, QImage.Format.Format_RGB32)
        picture.fill(theme.current().panel)
        painter = QPainter(picture)
        scaled = grabbed.scaled(
            SIZE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (SIZE.width() - scaled.width()) // 2, (SIZE.height() - scaled.height()) // 2
        painter.drawPixmap(left, top, scaled)
        painter.end()
        picture.save(str(FOLDER / f"{name}-{scheme}.jpg"), "JPG", 88)
    shot.drop(window)


if __name__ == "__main__":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    FOLDER.mkdir(exist_ok=True)
    shot.application("dark")
    for chosen in sys.argv[1:] or examples.names():
        draw(chosen)

"""A panel as a picture to be kept: all of it, not only the part that is scrolled to."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRectF, QSize
from PySide6.QtGui import QImage, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QAbstractScrollArea, QDockWidget, QScrollArea, QTableView, QWidget

from app.text import tr
from app.view import theme, typesetting
from engine.files import FileError

RATIO = 2
LONGEST = 6000
"""Of what is scrolled, so many units at most are drawn."""
MARGIN = 12


def _hidden(area: QAbstractScrollArea) -> QSize:
    """How much larger the content is than what is seen of it."""
    wide, high = area.horizontalScrollBar(), area.verticalScrollBar()
    if isinstance(area, QTableView):
        header = area.verticalHeader()
        return QSize(0, max(0, header.length() - area.viewport().height()))
    if isinstance(area, QScrollArea):
        return QSize(0, max(0, high.maximum()))
    return QSize(max(0, wide.maximum()), max(0, high.maximum()))


def _paint(panel: QWidget, painter: QPainter, size: QSize) -> None:
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), theme.current().panel)
    panel.render(painter, QPoint(MARGIN, MARGIN))


class _Whole:
    """A panel made as large as what it shows, for as long as it is drawn."""

    def __init__(self, dock: QDockWidget) -> None:
        panel = dock.widget()
        if panel is None:
            raise FileError(tr("there is nothing in this panel to draw"))
        self.panel, self.was = panel, panel.size()

    def __enter__(self) -> QWidget:
        areas = self.panel.findChildren(QAbstractScrollArea)
        if isinstance(self.panel, QAbstractScrollArea):
            areas = [self.panel, *areas]
        shown = [_hidden(a) for a in areas if a.isVisibleTo(self.panel)]
        more = max((s.height() for s in shown), default=0)
        self.panel.resize(self.was.width(), min(self.was.height() + more, LONGEST))
        self.panel.ensurePolished()
        layout = self.panel.layout()
        if layout is not None:
            layout.activate()
        # What is typeset when there is time is asked for by painting it once.
        self.panel.grab()
        typesetting.finish()
        return self.panel

    def __exit__(self, *failure: object) -> None:
        self.panel.resize(self.was)


def _size(panel: QWidget) -> QSize:
    return panel.size() + QSize(2 * MARGIN, 2 * MARGIN)


def image(dock: QDockWidget) -> QImage:
    """The panel in pixels, two a unit."""
    with _Whole(dock) as panel:
        size = _size(panel)
        made = QImage(size * RATIO, QImage.Format.Format_ARGB32_Premultiplied)
        made.setDevicePixelRatio(RATIO)
        _draw(panel, made, size)
        return made


def _draw(panel: QWidget, device: QPaintDevice, size: QSize) -> None:
    painter = QPainter(device)
    _paint(panel, painter, size)
    painter.end()


def drawn(dock: QDockWidget, suffix: str) -> bytes:
    """The panel as a file of a kind, `.png` or `.svg`. Raises FileError."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if suffix == ".png":
        image(dock).save(buffer, "PNG")  # type: ignore[call-overload]
        return bytes(data.data())
    if suffix != ".svg":
        raise FileError(tr("a panel is drawn as PNG or SVG; end its name in .png or .svg"))
    with _Whole(dock) as panel:
        size = _size(panel)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setResolution(96)
        generator.setSize(size)
        generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
        generator.setTitle(dock.windowTitle())
        _draw(panel, generator, size)
    return bytes(data.data())

"""A plot of the plot library in the colours of the theme; the library loads with the first one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.view import theme
from app.view.viewers.kind import Sliced, ground
from app.view.viewers.numbers import tick_text


class PlotView(Sliced):
    """A kind drawn by the plot library. `plot` is its widget; the wheel zooms, a drag moves, a double
    click shows everything. `point` is called with the place under the pointer, or None."""

    def __init__(self) -> None:
        super().__init__()
        import pyqtgraph  # 0.3 s, so only when something is plotted

        self.library: Any = pyqtgraph
        self.card = QWidget()
        self.card.setProperty("role", "plot")
        self.card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.row = QHBoxLayout(self.card)
        self.row.setContentsMargins(8, 10, 10, 6)
        self.row.setSpacing(10)
        self.plot: Any = pyqtgraph.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setAntialiasing(True)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setMinimumHeight(48)
        item = self.plot.getPlotItem()
        item.layout.setContentsMargins(0, 0, 0, 0)
        item.getViewBox().setDefaultPadding(0.04)
        for side in ("bottom", "left", "top"):  # numbers as they are, not in thousandths
            self.axis(side).enableAutoSIPrefix(False)
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.viewport().installEventFilter(self)
        self.row.addWidget(self.plot, 1)
        self.column.addWidget(self.card, 1)

    def axis(self, side: str) -> Any:
        return self.plot.getAxis(side)

    def restyle(self) -> None:
        tokens = theme.current()
        self.plot.setBackground(ground())
        for side in ("bottom", "left", "top"):
            axis = self.axis(side)
            axis.setPen(tokens.hairline)
            axis.setTextPen(tokens.muted)
            axis.setStyle(tickFont=theme.number_font(10), tickLength=-4, tickTextOffset=6)
            axis.tickStrings = tick_texts
        super().restyle()

    def whole(self) -> None:
        """Everything is seen, also as it changes."""
        self.plot.getPlotItem().enableAutoRange()

    def point(self, place: QPointF | None) -> None:
        """The pointer is at a place of the plot."""

    def _moved(self, place: Any) -> None:
        box = self.plot.getPlotItem().getViewBox()
        inside = box.sceneBoundingRect().contains(place)
        self.point(box.mapSceneToView(place) if inside else None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click on the plot, and the pointer that leaves it."""
        if event.type() is QEvent.Type.MouseButtonDblClick:
            self.whole()
        elif event.type() is QEvent.Type.Leave:
            self.point(None)
        return super().eventFilter(watched, event)


def tick_texts(values: list[float], scale: float, spacing: float) -> list[str]:
    """The numbers of an axis, as the plot library asks for them."""
    return [tick_text(value * scale, spacing * scale) for value in values]

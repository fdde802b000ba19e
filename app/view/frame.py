"""The window's parts and where they stand: canvas, bars, panels, start page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QIcon, QPixmap
from PySide6.QtWidgets import QLabel, QMainWindow, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app import actions
from app.recovery import Recovery
from app.session import Session
from app.text import sentence, tr
from app.view import icons, settings, studio, theme
from app.view.bridge import Bridge
from app.view.canvas import Canvas
from app.view.checking import Checking
from app.view.comparing import Comparing
from app.view.data_files import DataFiles
from app.view.docks import Dock, Styled
from app.view.documents import Documents
from app.view.finder import Finder
from app.view.gradients import Gradients
from app.view.lessons.class_mode import ClassMode
from app.view.lessons.lessons import Lessons
from app.view.modules import Modules
from app.view.navigation import Navigation
from app.view.operators import Operators
from app.view.panel_room import PanelRoom
from app.view.panels.breadcrumb import Breadcrumb
from app.view.panels.data_panel import DataPanel
from app.view.panels.derivatives import Derivatives
from app.view.panels.explanation import Explanation
from app.view.panels.history import HistoryPanel
from app.view.panels.inspector import Inspector
from app.view.panels.mathematics import MathematicsPanel
from app.view.panels.palette import Palette
from app.view.panels.recipe_form import RecipePanel
from app.view.panels.start_page import StartPage
from app.view.panels.trace_table import TraceTable
from app.view.panels.training import TrainingPanel
from app.view.panels.transport import Transport
from app.view.panels.what_if import WhatIfPanel
from app.view.panels.why import Why
from app.view.sharing import Sharing
from app.view.stepping import Stepping
from app.view.top_bar import TopBar
from app.view.travel import Travel
from app.view.viewers.panel import ViewerPanel
from app.view.viewing import Viewing
from engine.graph import Graph

NOTICE_MS = 6000
_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea, "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}  # fmt: skip


class Frame(QMainWindow):
    """The parts and where they stand; nothing here knows what happens when one is used."""

    def __init__(self, session: Session | None = None, recovery: Recovery | None = None) -> None:
        super().__init__()
        self.session = session or Session(Graph())
        self.recovery = recovery
        self.keys = actions.Keys(actions.ACTIONS, settings.keys())
        self.bridge = Bridge(self.session, self)
        self.data_files = DataFiles(self.session, self)
        self.documents = Documents(self.session, self, self.data_files, recovery, self.bridge)
        self.modules = Modules(self.session, self)
        self.operators = Operators(self.session, self)
        self.docks_state = QByteArray()  # the panels as they stood, while the start page is shown
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setMinimumSize(960, 600)
        self.setWindowIcon(QIcon(_mark()))
        self._build_middle()
        self.top = TopBar(self.session, self.keys)
        self.setMenuWidget(self.top)
        self._build_docks()
        self.panel_room = PanelRoom(self)
        self.finder = Finder(self)
        self.navigation = Navigation(self)
        self.viewing = Viewing(self)
        self.stepping = Stepping(self)
        self.gradients = Gradients(self)
        self.checking = Checking(self)
        self.comparing = Comparing(self)
        self.sharing = Sharing(self)
        self.travel = Travel(self)
        self.class_mode = ClassMode(self)
        self.notice = QLabel(self)
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.notice.hide()
        self._notice_timer = self.once(NOTICE_MS, self.notice.hide)
        self.restyle()
        self.resize(QSize(1600, 1000))
        self.resizeDocks(list(self.docks.values())[:2], [232, 372], Qt.Orientation.Horizontal)
        self.training_panel.grew.connect(self._share_right)
        self._share_right()

    @property
    def editing(self) -> bool:
        """Whether the document is shown, not the start page."""
        return self.pages.currentWidget() is self.editor

    def _share_right(self) -> None:
        """How high the panels at the right are, while nobody drew them otherwise."""
        right = [self.docks[name] for name in ("inspector", "trace_table", "training")]
        self.resizeDocks(right, [240, 370, 330], Qt.Orientation.Vertical)

    def once(self, milliseconds: int, slot: Callable[[], object]) -> QTimer:
        """A timer that fires once each time it is started."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def focusNextPrevChild(self, next: bool) -> bool:
        """Where the keyboard goes from the widget that has it. One that was hidden or disabled would
        hand it to whatever comes next, and a key meant for the canvas would be typed there."""
        holder = self.focusWidget()
        usable = holder is not None and holder.isVisible() and holder.isEnabled()
        if not usable and self.canvas.isVisible():
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
            return True
        return super().focusNextPrevChild(next)

    # ------------------------------------------------------------ building

    def _build_middle(self) -> None:
        self.canvas = Canvas(self.session, theme.current())
        self.what_if = self.canvas.what_if
        self.explanation = Explanation(self.session)
        self.canvas.board.hovered.connect(self.explanation.follow_pointer)
        self.transport = Transport(self.session)
        self.start = StartPage()
        self.editor = QWidget()
        self.editor.setObjectName("editor")
        self.editor.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self.editor)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.breadcrumb = Breadcrumb(self.session)
        column.addWidget(self.breadcrumb)
        column.addWidget(self.canvas, 1)
        bars = QVBoxLayout()
        bars.setContentsMargins(20, 4, 20, 16)
        bars.setSpacing(10)
        bars.addWidget(self.explanation)
        bars.addWidget(self.transport)
        column.addLayout(bars)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.pages.addWidget(self.editor)
        self.pages.setCurrentWidget(self.editor)
        self.setCentralWidget(self.pages)
        # What gives the keyboard back to the window gives it to the canvas.
        self.setFocusProxy(self.canvas)
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build_docks(self) -> None:
        self.palette_panel = Palette(self.session)
        self.inspector = Inspector(self.session)
        self.trace = TraceTable(self.session)
        self.canvas.wire_clicked.connect(self.trace.find_wire)
        self.training_panel = TrainingPanel(self.session)
        self.data_panel = DataPanel(self.session)
        self.recipe_panel = RecipePanel(self.session)
        self.history_panel = HistoryPanel(self.session)
        self.derivatives_panel = Derivatives(self.session)
        self.viewer_panel = ViewerPanel(self.session)
        self.why_panel = Why(self.session)
        self.what_if_panel = WhatIfPanel(self.session, self.what_if)
        self.mathematics = MathematicsPanel(self.session)
        self.lessons = Lessons(self)
        panels: dict[str, QWidget] = {
            "palette": self.palette_panel, "inspector": self.inspector, "trace_table": self.trace,
            "training": self.training_panel, "recipe": self.recipe_panel, "data": self.data_panel,
            "history": self.history_panel,
            "derivatives": self.derivatives_panel, "viewer": self.viewer_panel,
            "why": self.why_panel,  "mathematics": self.mathematics,
            "what_if": self.what_if_panel, "lesson": self.lessons.panel,
            "lesson_editor": self.lessons.editor, **studio.panels(self.session),
        }  # fmt: skip
        self.studio = studio.Studio(self.session, self.bridge, self)
        for panel in panels.values():
            if isinstance(panel, studio.StudioPanel):
                self.studio.add(panel)
                panel.told.connect(self.training_panel.warn)
        self.docks: dict[str, Dock] = {}
        for name, row in actions.PANELS.items():
            dock = self.docks[name] = Dock(name, tr(row.title), panels[name], self)
            self.addDockWidget(_AREAS[row.area], dock)
            dock.export_asked.connect(self._export_panel)
            dock.copy_asked.connect(self._copy_panel)
            dock.visibilityChanged.connect(self.lessons.look_soon)
            if row.beside:
                self.tabifyDockWidget(self.docks[row.beside], dock)
            dock.setVisible(not row.hidden)
        for row in actions.PANELS.values():
            if row.beside:
                self.docks[row.beside].raise_()
        # A lesson is read from the top; what it builds with stands below.
        self.splitDockWidget(self.docks["lesson"], self.docks["palette"], Qt.Orientation.Vertical)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        # What stands below is as wide as the window less the palette: pictures side by side need it.
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)

    def _export_panel(self, name: str) -> None:
        self.sharing.export_panel(name)

    def _copy_panel(self, name: str) -> None:
        self.sharing.copy_panel(name)

    def show_panel(self, name: str) -> None:
        """Shows a panel, in front of those it shares its place with."""
        self.docks[name].show()
        self.docks[name].raise_()
        self.panel_room.share(name)

    def restyle(self) -> None:
        """Everything in the colours of the theme applied last."""
        tokens = theme.current()
        self.canvas.set_theme(tokens)
        self.editor.setStyleSheet(f"#editor {{ background: {tokens.canvas.name()}; }}")
        parts: tuple[Styled, ...] = (
            self.top, self.explanation, self.transport, self.start, self.breadcrumb, self.travel.chip,
            *self.findChildren(Dock),
        )  # fmt: skip
        for part in parts:
            part.restyle()
        self.notice.setStyleSheet(
            f"background: {tokens.panel.name()}; color: {tokens.text.name()}; border-radius: 8px;"
            f" border: 1px solid {tokens.border.name()}; padding: 10px 14px;"
        )

    def tell(self, message: str) -> None:
        """One sentence at the foot of the middle, for some seconds."""
        text = sentence(message)
        self.notice.setText(f"⚠  {text}")
        metrics = QFontMetrics(self.notice.font())
        width = min(metrics.horizontalAdvance(self.notice.text()) + 48, 560)
        height = self.notice.heightForWidth(width)
        middle = self.pages.geometry()
        self.notice.setGeometry(
            middle.center().x() - width // 2, middle.bottom() - height - 220, width, height
        )
        self.notice.show()
        self.notice.raise_()
        self._notice_timer.start()


def _mark() -> QPixmap:
    return icons.pixmap("gradloom", theme.DARK.text, 64)

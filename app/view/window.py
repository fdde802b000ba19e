"""The window: what happens when a person does something, over one session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from app import drawers
from app.messages import Progress
from app.recovery import Recovery
from app.session import Session
from app.text import tr
from app.view import dialogs, settings, theme
from app.view.commands import Commands
from app.view.dropping import Dropping
from app.view.finder import Entry
from app.view.frame import Frame
from app.view.help import HelpWindow
from app.view.searching import Search
from app.view.shortcuts import Shortcuts
from engine.compose import compose_edit
from engine.edits import batch, set_tensors
from engine.expression import ExpressionError
from engine.graph import Graph, GraphError
from engine.starts import fresh_starts
from engine.train import data

FRAME = (8, 40, -8, -8)
"""What the desktop may put around a window: left, top, right, bottom in pixels."""


class Window(Frame):
    """One document in one window. It is the `Context` that actions work on."""

    def __init__(self, session: Session | None = None, recovery: Recovery | None = None) -> None:
        super().__init__(session, recovery)
        self.commands = Commands(self, self, self.top.menus, self.keys, self.canvas)
        self._closed = False
        self._fit_timer = self.once(0, self._fit_now)
        self._menu_timer = self.once(0, self.canvas.end_menu)
        self._save_timer = QTimer(self)
        self._save_timer.timeout.connect(self._tick)
        if recovery is not None:
            self._save_timer.start(1000)
        self.docks_state = self.saveState()
        self.dropping = Dropping(self)
        self._connect()
        self._renamed()

    def _connect(self) -> None:
        self.top.formula.entered.connect(self.compose)
        self.top.formula.left.connect(self.canvas.setFocus)
        self._help: HelpWindow | None = None
        self._shortcuts: Shortcuts | None = None
        self.keys.changed.join(self._keys_changed)
        self.palette_panel.chosen.connect(self.add_operator)
        self.search = Search(self)
        self.top.commands_asked.connect(self.search.commands)
        self.canvas.menu_asked.connect(self._menu)
        self.canvas.view_asked.connect(self.viewing.view)
        self.inspector.view_asked.connect(self.viewing.view)
        self.transport.asked.connect(self.commands.run)
        self.training_panel.asked.connect(self.commands.run)
        self.training_panel.speed_changed.connect(self.bridge.set_speed)
        for part in (self.training_panel, self.recipe_panel.form):
            part.refused.connect(self.tell)
        self.training_panel.live.connect(self.bridge.change)
        self.recipe_panel.form.live.connect(self.bridge.change)
        self.data_panel.refused.connect(self.tell)
        self.data_panel.file_asked.connect(self.data_files.choose)
        self.data_files.problem.connect(self.tell)
        self.training_panel.status_told.connect(self.docks["training"].show_status)
        self.inspector.refused.connect(self.tell)
        self.inspector.repair_asked.connect(self.canvas.mending.repair)
        self.inspector.reinitialise_asked.connect(self.modules.reinitialise)
        self.inspector.note_written.connect(self.canvas.notes.change_text)
        self.inspector.note_coloured.connect(self.canvas.notes.colour)
        self.inspector.why_asked.connect(self.explain_gradient)
        self.inspector.data_asked.connect(self._show_data)
        self.inspector.shape_told.connect(self.docks["inspector"].show_status)
        self.history_panel.jump_asked.connect(self._jump)
        self.history_panel.status_told.connect(self.docks["history"].show_status)
        self.mathematics.told.connect(self.tell)
        self.derivatives_panel.status_told.connect(self.docks["derivatives"].show_status)
        self.why_panel.status_told.connect(self.docks["why"].show_status)
        self.what_if.asked.connect(self._show_what_if)
        self.what_if_panel.status_told.connect(self.docks["what_if"].show_status)
        self.why_panel.node_asked.connect(self.navigation.go_to)
        self.why_panel.left.connect(self.canvas.setFocus)
        self.travel.train_asked.connect(self.train)
        self.lessons.panel.asked_for.connect(self.commands.run)
        self.lessons.changed.connect(self._refresh_actions)
        self.bridge.progress.connect(self._progress)
        self.bridge.changed.connect(self._training_changed)
        self.documents.problem.connect(self.tell)
        self.documents.settling.connect(self._settle)
        self.modules.problem.connect(self.tell)
        self.operators.problem.connect(self.tell)
        self.operators.made.connect(self.palette_panel.reveal)
        self.palette_panel.edit_asked.connect(self._edit_own)
        self.palette_panel.removal_asked.connect(self._remove_own)
        self.documents.opened.connect(self._opened)
        self.documents.opened.connect(self.lessons.opened)
        self.start.new_asked.connect(self.new_document)
        self.start.open_asked.connect(self.documents.ask_open)
        self.start.file_chosen.connect(self.open)
        self.start.example_chosen.connect(self.documents.open_example)
        self.start.lesson_chosen.connect(self.documents.open_lesson)
        self.start.offer_chosen.connect(self.documents.open_offer)
        self.start.offer_dropped.connect(self._drop_offer)
        self.session.document_changed.join(self._renamed)
        self.session.opened.join(self._renamed)
        self.session.selection_changed.join(self._refresh_actions)
        self.session.place_changed.join(self._refresh_actions)
        self.session.cursor_moved.join(self._refresh_steps)
        self.what_if.changed.connect(self._refresh_steps)
        self.travel.moved.connect(self._refresh_actions)
        self.session.evaluated.join(self._evaluated)

    # ------------------------------------------------------------ following

    def _renamed(self) -> None:
        path = self.session.path
        name = str(path) if path else self.session.title
        self.setWindowTitle(f"{name}[*] – Gradloom" if self.editing else "Gradloom")
        self.setWindowModified(self.editing and not self.session.history.is_saved)
        self._refresh_actions()

    def _refresh_actions(self) -> None:
        self.commands.refresh()

    def _evaluated(self) -> None:
        """While it trains, other values change nothing that can be done."""
        if not self.training:
            self._refresh_actions()

    def _refresh_steps(self) -> None:
        self.commands.refresh(("Step", "Explain"))

    def _opened(self) -> None:
        self.show_editor()
        self.top.formula.show_fault("")
        self.top.formula.line.clear()
        self.panel_room.arrange()
        # The docks take their places with the next layout; only then is the canvas's size known.
        self._fit_timer.start()

    def _fit_now(self) -> None:
        self.canvas.flush()
        self.canvas.fit()

    def _progress(self, news: Progress) -> None:
        self.training_panel.take(news)
        self.recipe_panel.form.set_stage_at_work(news.stage)

    def _training_changed(self) -> None:
        self.training_panel.set_running(self.bridge.running)
        if self.bridge.ended_by_edit:
            self.training_panel.warn(tr("the document was edited; train again to go on with it"))
        self.recipe_panel.form.set_running(self.bridge.running)
        self.what_if.set_training(self.bridge.running)
        self._refresh_actions()

    def _tick(self) -> None:
        if self.recovery is not None:
            self.recovery.tick()

    # ------------------------------------------------------------ pages

    @property
    def playing(self) -> bool:
        return self.transport.playing

    @property
    def training(self) -> bool:
        return self.bridge.running

    def show_editor(self) -> None:
        """Shows the document with its panels as they stood last."""
        if not self.editing:
            self.pages.setCurrentWidget(self.editor)
            self.restoreState(self.docks_state)
            self.viewing.place()
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.top.show_document(True)
        self._renamed()

    def start_page(self) -> None:
        """Shows the start page; the document is asked about first."""
        if self.editing and not self.documents.may_leave():
            return
        self.transport.play(False)
        self.bridge.forget()
        self.show_start()

    def show_start(self) -> None:
        if self.editing:
            self.docks_state = self.saveState()
            self.pages.setCurrentWidget(self.start)
        for dock in self.docks.values():
            dock.hide()
        self.session.load(Graph())
        self.start.refresh(self.recovery.offers() if self.recovery is not None else ())
        self.top.show_document(False)
        self._renamed()

    def _drop_offer(self, offer: Any) -> None:
        if self.recovery is not None:
            self.recovery.discard(offer)
            self.start.refresh(self.recovery.offers())

    # ------------------------------------------------------------ actions: files

    def new_document(self) -> None:
        if self.documents.new():
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def open(self, path: Path) -> None:
        self.documents.open(path)

    def show_recent(self) -> None:
        """The recent documents in the command box."""

        def entry(path: Path) -> Entry:
            return Entry(path.stem, str(path.parent)[-32:], lambda: self.open(path))

        entries = [entry(path) for path in settings.recent()]
        if entries:
            self.finder.ask(entries, tr("Open recent"))
        else:
            self.tell(tr("nothing was opened or saved yet; open a document first"))

    def close_window(self) -> None:
        self.close()

    # ------------------------------------------------------------ actions: edits

    def add_operator(self, name: str) -> None:
        """Adds an operator at a free place; the start page makes way for a new document."""
        self.show_editor()
        self.canvas.add_operator(name)

    def _edit_own(self, name: str) -> None:
        is_module = name in self.session.modules
        (self.modules.rename if is_module else self.operators.ask)(name)

    def _remove_own(self, name: str) -> None:
        is_module = name in self.session.modules
        (self.modules.remove if is_module else self.operators.remove)(name)

    def compose(self, text: str) -> None:
        """Adds a program's graph, laid out and in view, as one undo step."""
        graph = self.session.graph
        try:
            modules = drawers.callable_modules(self.session.modules)
            edit, _ = compose_edit(graph, text, None, modules=modules)
            self.show_editor()
            self.session.do(edit, tr("Type a formula"))
        except (ExpressionError, GraphError) as error:
            self.top.formula.show_fault(str(error))
            return
        self.top.formula.accepted()
        self.session.select(())
        self.session.seek(len(self.session.steps))
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)  # the next keys step through it
        self._fit_timer.start()

    def _jump(self, position: int) -> None:
        """Undoes or redoes as many steps as it takes."""
        trains = tr("the document cannot change while it trains; pause the training first")
        if why := trains if self.training else self.session.locked:
            self.tell(why)
        else:
            self.session.history.jump(position)

    def focus_formula(self) -> None:
        self.top.formula.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.top.formula.line.selectAll()

    def _show_data(self, node_id: str) -> None:
        """The panel, at the data that a node reads."""
        node = self.session.graph.nodes.get(node_id)
        self.show_panel("data")
        if node is not None:
            self.data_panel.look_at(str(node.options.get("source", "")), node_id)

    # ------------------------------------------------------------ actions: looking

    def play(self, on: bool) -> None:
        self.transport.play(on)

    def toggle_theme(self) -> None:
        name = "light" if theme.current().is_dark else "dark"
        settings.set_theme_name(name)
        self._apply_theme(name)

    @property
    def safe_colours(self) -> bool:
        return theme.current().colours == "blue and orange"

    def toggle_colours(self) -> None:
        colours = "green and vermillion" if self.safe_colours else "blue and orange"
        settings.set_colours(colours)
        self._apply_theme(theme.current().name, colours)

    def _apply_theme(self, name: str, colours: str | None = None) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name, colours)
        self.restyle()

    def toggle_panel(self, name: str) -> None:
        self.show_editor()
        if self.docks[name].is_seen:
            self.docks[name].hide()
        else:
            self.show_panel(name)

    def explain_gradient(self) -> None:
        """Every path from the loss to the selected node."""
        self.show_panel("why")
        self.why_panel.explain()

    def _show_what_if(self) -> None:
        self.show_panel("what_if")

    def show_derivatives(self, kind: str) -> None:
        """The Jacobian or the Hessian of what is selected."""
        self.show_panel("derivatives")
        self.derivatives_panel.show_kind(kind)

    def _menu(self, kind: str, at: QPoint) -> None:
        """The menu of what was right-clicked; it is closed before what was chosen is done."""
        menu = self.commands.ask_menu(kind, at)
        menu.aboutToHide.connect(self._menu_timer.start)

    def about(self) -> None:
        dialogs.about(self)

    def keyboard_shortcuts(self) -> None:
        """The page of keys, where they are changed as well."""
        if self._shortcuts is None:
            self._shortcuts = Shortcuts(self.keys, self)
        self._shortcuts.open_at()

    def _keys_changed(self) -> None:
        settings.set_keys(self.keys.changes)

    def operator_help(self) -> None:
        """The page of the selected node's operator, else the one looked at last."""
        if self._help is None:
            self._help = HelpWindow(self.session, self)
            self._help.chosen.connect(self.add_operator)
        chosen = self.session.selection
        self._help.open_at(self.session.graph.nodes[chosen[0]].op if len(chosen) == 1 else None)

    # ------------------------------------------------------------ actions: training

    def train(self) -> None:
        self._start_training(self.bridge.train)

    def train_step(self) -> None:
        self._start_training(self.bridge.step)

    def train_epoch(self) -> None:
        self._start_training(self.bridge.epoch)

    def stop_training(self) -> None:
        self.bridge.stop()

    def _start_training(self, begin: Callable[[], None]) -> None:
        self.transport.play(False)
        self.docks["training"].show()
        self.training_panel.show_message("")
        try:
            begin()
        except (ValueError, OSError, RuntimeError) as error:
            self.training_panel.show_message(str(error))

    def pause_training(self) -> None:
        self.bridge.pause()

    def reset_training(self) -> None:
        """A new start for every parameter that says how, and an empty curve."""
        graph = self.session.root
        self.bridge.forget()
        self.training_panel.clear()
        try:
            source = data.main_source(graph)
            with data.at_once():
                rows = data.load(graph, source, self.session.base) if source else None
            start = data.initialize(graph, rows, graph.recipe.seed)
        except (ValueError, OSError) as error:
            self.tell(str(error))
            return
        changes = [*([set_tensors(start)] if start else []), *fresh_starts(graph)]
        if changes:
            self.session.do_outside(batch(*changes), tr("Reset training"))

    # ------------------------------------------------------------ events

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._closed:
            return
        if self.editing and not self.documents.may_leave():
            event.ignore()
            return
        self.transport.play(False)
        self.studio.close()
        self.travel.back()
        self.comparing.close()
        self.data_panel.close_down()
        self.bridge.forget()
        self.travel.close()
        self.lessons.close()
        state = self.saveState() if self.editing else self.docks_state
        settings.set_window_state(self.saveGeometry(), state)
        if self.recovery is not None:
            self._save_timer.stop()
            self.recovery.close()
            self.recovery = self.documents.recovery = None
        self._closed = True
        self.canvas.detach()
        event.accept()

    def _settle(self) -> None:
        """What is being typed is taken, as by a click elsewhere."""
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit | QPlainTextEdit) and self.isAncestorOf(focus):
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def restore_places(self) -> None:
        """The window and its panels as they stood when it was closed last."""
        saved = settings.window_state()
        if saved is not None:
            self.restoreGeometry(saved[0])
            self.restoreState(saved[1])
        else:
            room = self.screen().availableGeometry().adjusted(*FRAME)
            self.resize(self.size().boundedTo(room.size()))
            self.move(room.center() - self.rect().center())

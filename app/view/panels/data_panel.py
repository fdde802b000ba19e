"""The data panel: the document's sources, what each holds, its settings, and points drawn by hand."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.calm import CalmCount, CalmList
from app.view.panels.data_form import DataForm, changed
from app.view.panels.data_picture import DataPicture
from engine import data as sources
from engine import edits
from engine.data import KINDS, DataError, Preview, tensors_of
from engine.edits import Edit
from engine.graph import GraphError, Source
from engine.ops.row import Array

FIRST = {"toy": "spiral", "patches": "shapes", "builtin": "iris"}
"""What a new source of a kind begins with, where it needs a name."""
DRAW = "drawn"
_MENU = (DRAW, *(k for k in KINDS if k != "table"))


class DataPanel(QScrollArea):
    """Every change is one undo step. `file_asked` asks a person for the file or folder of a source (its
    name, empty for a new one, and its kind); `misfits` tells that parameters may no longer fit."""

    refused = Signal(str)
    file_asked = Signal(str, str)
    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.current = ""
        self.preview: Preview | None = None
        self._asked: Any = None
        self._answer: Future[Preview] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gradloom-data")
        self._poll = QTimer(self)
        self._poll.setInterval(40)
        self._poll.timeout.connect(self._look)
        self.setProperty("role", "panel")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setProperty("role", "panel")
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(self._build_head())
        self.about = QLabel()
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        column.addWidget(self.about)
        column.addWidget(self._build_path())
        self.picture = DataPicture()
        self.picture.drawn.connect(self._draw)
        self.picture.erased.connect(self._erase)
        column.addWidget(self.picture)
        column.addWidget(self._build_pencil())
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setFont(theme.ui_font(11))
        column.addWidget(self.summary)
        self.fault = QLabel()
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        column.addWidget(self.fault)
        self.form = DataForm()
        self.form.changed.connect(self._change)
        self.form.refused.connect(self.refused)
        column.addWidget(self.form)
        column.addStretch(1)
        self.setWidget(inner)
        session.opened.join(self._opened)
        session.document_changed.join(self.refresh)
        self.refresh()

    # ------------------------------------------------------------ building

    def _build_head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.names = CalmList()
        self.names.setAccessibleName(tr("Data of the document"))
        self.names.activated.connect(self._choose)
        self.add = QToolButton()
        self.add.setText(tr("Add data"))
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        for kind in _MENU:
            row_ = KINDS["table" if kind == DRAW else kind]
            title = tr("Points drawn by hand") if kind == DRAW else tr(row_.title)
            item = menu.addAction(title)
            item.setData(kind)
            item.setToolTip(tr(row_.doc))
        menu.setToolTipsVisible(True)
        menu.triggered.connect(self._add_chosen)
        self.add.setMenu(menu)
        self.more = QToolButton()
        self.more.setText("⋯")
        self.more.setProperty("flat", True)
        self.more.setAccessibleName(tr("More about these data"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more = QMenu(self.more)
        self.embed_action = more.addAction(tr("Take into the document"), self.embed)
        more.addAction(tr("Remove"), self.remove)
        self.more.setMenu(more)
        row.addWidget(self.names, 1)
        row.addWidget(self.add)
        row.addWidget(self.more)
        return row

    def _build_path(self) -> QWidget:
        self.path_row = QWidget()
        row = QHBoxLayout(self.path_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.set_box = CalmList()
        self.set_box.setAccessibleName(tr("Which set"))
        self.set_box.activated.connect(self._choose_set)
        self.file = QLabel()
        self.file.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.browse = QPushButton(tr("Choose…"))
        self.browse.clicked.connect(self._browse)
        row.addWidget(self.set_box, 1)
        row.addWidget(self.file, 1)
        row.addWidget(self.browse)
        return self.path_row

    def _build_pencil(self) -> QWidget:
        self.pencil = QWidget()
        row = QHBoxLayout(self.pencil)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        label = QLabel(tr("class of the next point"))
        label.setProperty("role", "muted")
        self.pen = CalmCount()
        self.pen.setRange(0, 8)
        self.pen.setFixedWidth(56)
        self.pen.setAccessibleName(tr("Class of the next point"))
        self.pen.valueChanged.connect(self._set_pen)
        self.clear_button = QPushButton(tr("Clear"))
        self.clear_button.clicked.connect(self._clear)
        row.addWidget(label)
        row.addWidget(self.pen)
        row.addStretch(1)
        row.addWidget(self.clear_button)
        return self.pencil

    # ------------------------------------------------------------ showing

    @property
    def source(self) -> Source | None:
        return self.session.root.sources.get(self.current)

    @property
    def is_drawable(self) -> bool:
        """True for a table of points in the plane that a person may add to."""
        if self.source is None or self.source.kind != "table":
            return False
        fields = tensors_of(self.session.root, self.current)
        x, y = fields.get("x"), fields.get("y")
        return x is not None and y is not None and x.ndim == 2 and x.shape[1] == 2 and y.ndim == 1

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _opened(self) -> None:
        self.current, self.preview, self._asked = "", None, None
        self.refresh()

    def refresh(self) -> None:
        """Shows the source chosen, when it is seen; its preview is read beside the window."""
        if not self.isVisible():
            return
        graph = self.session.root
        if self.current not in graph.sources:
            self.current = next(iter(graph.sources), "")
        listed = list(graph.sources)
        if [self.names.itemText(i) for i in range(self.names.count())] != listed:
            self.names.clear()
            self.names.addItems(listed)
        self.names.setCurrentText(self.current)
        source = self.source
        some = source is not None
        for widget in (self.names, self.more, self.form, self.path_row, self.summary, self.picture):
            widget.setVisible(some)
        self.pencil.setVisible(self.is_drawable)
        self.fault.hide()
        if source is None:
            self.about.setText(
                tr(
                    "Rows to learn from: a set made by seed, points drawn here, or a file of your own."
                )
            )
            return
        kind = KINDS[source.kind]
        self.about.setText(tr(kind.doc))
        self.embed_action.setEnabled(source.kind != "table")
        names = kind.names() if kind.names is not None else []
        self.set_box.setVisible(bool(names))
        is_file = bool(kind.needs_path) and not names
        self.file.setVisible(is_file)
        self.browse.setVisible(is_file)
        self.path_row.setVisible(bool(kind.needs_path))
        if names:
            if [self.set_box.itemText(i) for i in range(self.set_box.count())] != names:
                self.set_box.clear()
                self.set_box.addItems(names)
            self.set_box.setCurrentText(source.path)
        self.file.setText(Path(source.path).name if source.path else tr("no file yet"))
        self.file.setToolTip(source.path)
        self.form.show_source(source, self.preview)
        self._ask(source)

    def _ask(self, source: Source) -> None:
        """Looks at the data in a thread that touches nothing of the window."""
        tensors = tensors_of(self.session.root, self.current)
        key = (
            self.current,
            source,
            tuple((k, id(v)) for k, v in tensors.items()),
            self.session.base,
        )
        if key == self._asked:
            self._show(self.preview)
            return
        self._asked = key
        self._answer = self._thread.submit(
            sources.preview, source, self.session.base, tensors=tensors
        )
        self._poll.start()
        self._look()

    def _look(self) -> None:
        answer = self._answer
        if answer is None or not answer.done():
            return
        self._poll.stop()
        self._answer = None
        self._show(answer.result())

    def _show(self, found: Preview | None) -> None:
        self.preview = found
        self.picture.show_preview(found, self.is_drawable)
        if found is None or self.source is None:
            return
        self.summary.setText("\n".join([sentence(found.summary()), *map(sentence, found.notes)]))
        self.summary.setVisible(not found.problem)
        trouble = found.problem or self.session.data_fault
        self.fault.setText(f"⚠ {sentence(trouble)}" if trouble else "")
        self.fault.setVisible(bool(trouble))
        self.form.show_source(self.source, found)

    # ------------------------------------------------------------ what a person does

    def look_at(self, name: str, node_id: str) -> None:
        """Shows a source; where the node that asks has none, it reads the one shown."""
        graph = self.session.root
        if name in graph.sources:
            self.current = name
        elif self.current in graph.sources and node_id in graph.nodes:
            self._do(
                lambda: edits.set_options(graph, node_id, {"source": self.current}),
                tr("Choose data"),
            )
        self.refresh()

    def _choose(self) -> None:
        self.current = self.names.currentText()
        self.refresh()

    def _add_chosen(self, item: Any) -> None:
        self.add_kind(str(item.data()))

    def add_kind(self, kind: str) -> None:
        """New data of a kind, with nodes that read them; a file is asked for first."""
        name = self._new_name(kind)
        if kind in sources.FILES:
            self.file_asked.emit("", kind)
            return
        if kind == DRAW:
            start = [
                edits.set_tensor(f"{name}.x", np.array([[-2.0, -2.0], [2.0, 2.0]])),
                edits.set_tensor(f"{name}.y", np.array([0, 1])),
            ]
            self.put(name, Source("table"), start)
            return
        self.put(name, Source(kind, FIRST.get(kind, ""), validation=0.5 if kind == "toy" else 0.2))  # type: ignore[arg-type]

    def put(self, name: str, source: Source, more: list[Edit] | None = None) -> None:
        """Adds a source, and data nodes where the document has none."""
        graph = self.session.root
        left = min((n.x for n in graph.nodes.values()), default=0.0) - 260 * bool(graph.nodes)
        top = min((n.y for n in graph.nodes.values()), default=0.0)
        try:
            added = sources.add_source(graph, name, source, at=(left, top))
            self.session.do_outside(edits.batch(added, *(more or [])), tr("Add data"))
        except (GraphError, DataError) as error:
            self.refused.emit(str(error))
            return
        self.current = name
        self.changed.emit()
        self.refresh()

    def _new_name(self, kind: str) -> str:
        known, name, number = self.session.root.sources, kind, 2
        while name in known or name in self.session.root.modules:
            name, number = f"{kind}{number}", number + 1
        return name

    def _change(self, name: str, value: object) -> None:
        source = self.source
        if source is None:
            return
        self._put_source(changed(source, name, value))

    def change(self, **changes: Any) -> None:
        """Another record of the source shown; one undo step."""
        source = self.source
        assert source is not None
        self._put_source(replace(source, **changes))

    def _put_source(self, source: Source) -> None:
        self._do(
            lambda: sources.change_source(self.session.root, self.current, source),
            tr("Change the data"),
        )

    def _choose_set(self) -> None:
        self.change(path=self.set_box.currentText())

    def _browse(self) -> None:
        if self.source is not None:
            self.file_asked.emit(self.current, self.source.kind)

    def embed(self) -> None:
        """Takes the rows into the document."""
        self._do(
            lambda: sources.embed(self.session.root, self.current, self.session.base),
            tr("Take data into the document"),
        )

    def remove(self) -> None:
        """Removes the source; nodes that read it wait for another."""
        self._do(lambda: sources.remove_source(self.session.root, self.current), tr("Remove data"))

    def _do(self, make: Any, label: str) -> None:
        try:
            self.session.do_outside(make(), label)
        except (GraphError, DataError, OSError) as error:
            self.refused.emit(str(error))
            self.refresh()
            return
        self.changed.emit()

    # ------------------------------------------------------------ drawing

    def _set_pen(self, number: int) -> None:
        self.picture.chosen_class = number

    def _draw(self, point: object) -> None:
        assert isinstance(point, tuple)
        x, y, number = point
        fields = tensors_of(self.session.root, self.current)
        dtype = fields["x"].dtype
        self._put_rows(
            np.concatenate([fields["x"], np.array([[x, y]], dtype)]),
            np.concatenate([fields["y"], np.array([number], fields["y"].dtype)]),
            tr("Draw a point"),
        )

    def _erase(self, row: int) -> None:
        fields = tensors_of(self.session.root, self.current)
        if len(fields["x"]) <= 1:
            self.refused.emit(tr("the data need a point at least; draw another one first"))
            return
        kept = np.arange(len(fields["x"])) != row
        self._put_rows(fields["x"][kept], fields["y"][kept], tr("Erase a point"))

    def _clear(self) -> None:
        fields = tensors_of(self.session.root, self.current)
        first = [int(np.flatnonzero(fields["y"] == c)[0]) for c in np.unique(fields["y"])]
        self._put_rows(fields["x"][first], fields["y"][first], tr("Clear the points"))

    def _put_rows(self, x: Array, y: Array, label: str) -> None:
        tensors = {f"{self.current}.x": x, f"{self.current}.y": y}
        self._do(lambda: edits.set_tensors(tensors), label)

    def close_down(self) -> None:
        """The thread that looks at data ends with the window."""
        self._poll.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)

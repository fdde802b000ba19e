"""Quizzes: which one is wanted is asked with a picture of it, and it opens as a lesson."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view import miniature, theme
from app.view.calm import CalmCount
from app.view.lessons import worksheets
from app.view.lessons.fields import Choice, label
from engine.graph import Graph
from engine.teaching.quiz import LEVELS, QUESTIONS, Questions, quiz

if TYPE_CHECKING:
    from app.view.frame import Frame

MOST = 9999
"""The largest seed that is offered: short enough to be said in a class."""
MOST_SHEETS = 40
"""So many quizzes are printed at once: a class."""
_QUESTIONS = {
    "all": tr("every value and every gradient"), "values": tr("every value"),
    "gradients": tr("every gradient"),
}  # fmt: skip


class _Picture(QWidget):
    """The graph of the quiz in small, without its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)

    def sizeHint(self) -> QSize:
        return QSize(400, 170)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.canvas)
        area = QRectF(self.rect())
        painter.drawRoundedRect(area, 8, 8)
        miniature.paint(painter, self.graph, area.adjusted(20, 16, -20, -16), tokens)


class QuizDialog(QDialog):
    """Asks for a level, what is asked, and a seed: the same seed is the same quiz everywhere."""

    def __init__(self, window: Frame, seed: int) -> None:
        super().__init__(window)
        self._window = window
        self.setWindowTitle(tr("New quiz"))
        self.graph = Graph()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 18)
        column.setSpacing(14)
        self.picture = _Picture()
        column.addWidget(self.picture, 1)
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(10)
        form.setColumnStretch(1, 1)
        levels = [(n, f"{n}   {tr(row.title)}") for n, row in enumerate(LEVELS, 1)]
        self.level = Choice(tr("Level"), levels)
        self.level.show_value(2)
        self.questions = Choice(tr("Asked"), [(name, _QUESTIONS[name]) for name in QUESTIONS])
        self.questions.show_value("all")
        self.seed = CalmCount()
        self.seed.setRange(1, MOST)
        self.seed.setValue(seed)
        self.seed.setAccessibleName(tr("Number"))
        self.other = QPushButton(tr("Another"))
        self.other.clicked.connect(self._another)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.seed, 1)
        row.addWidget(self.other)
        for place, (name, field) in enumerate(
            ((tr("Level"), self.level), (tr("Asked"), self.questions))
        ):
            form.addWidget(label(name), place, 0)
            form.addWidget(field, place, 1)
        form.addWidget(label(tr("Number")), 2, 0)
        form.addLayout(row, 2, 1)
        self.count = CalmCount()
        self.count.setRange(1, MOST_SHEETS)
        self.count.setAccessibleName(tr("How many"))
        self.count.setSuffix(tr(" on paper"))
        self.sheet, self.answers = QPushButton(tr("Worksheet…")), QPushButton(tr("Answers…"))
        for button in (self.other, self.sheet, self.answers):
            button.setAutoDefault(False)
        self.sheet.clicked.connect(self._sheet)
        self.answers.clicked.connect(self._sheet)
        paper = QHBoxLayout()
        paper.setSpacing(8)
        paper.addWidget(self.count, 1)
        paper.addWidget(self.sheet)
        paper.addWidget(self.answers)
        form.addWidget(label(tr("To print")), 3, 0)
        form.addLayout(paper, 3, 1)
        column.addLayout(form)
        self.buttons = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        self.buttons.addButton(tr("Cancel"), role.RejectRole)
        self.begin = self.buttons.addButton(tr("Open"), role.AcceptRole)
        self.begin.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.level.taken.connect(self.draw)
        self.questions.taken.connect(self.draw)
        self.seed.valueChanged.connect(self.draw)
        self.setMinimumWidth(480)
        self.draw()

    def _another(self) -> None:
        self.seed.setValue(random.randint(1, MOST))

    def _sheet(self) -> None:
        """As many quizzes as are wanted, from this number on."""
        count, answers = self.count.value(), self.sender() is self.answers
        asked: Questions = self.questions.currentData()
        level, first = int(self.level.currentData()), self.seed.value()
        graphs = (quiz(first + more, level, asked) for more in range(count))
        name = str(self.graph.settings["title"])
        worksheets.offer(self._window, graphs, count, name, answers)

    def draw(self) -> None:
        """The quiz as it would be."""
        asked: Questions = self.questions.currentData()
        self.graph = quiz(self.seed.value(), int(self.level.currentData()), asked)
        self.picture.graph = self.graph
        self.picture.update()


def ask(window: Frame) -> None:
    """Opens the quiz that a person chooses."""
    dialog = QuizDialog(window, random.randint(1, MOST))
    agreed = dialog.exec() == QDialog.DialogCode.Accepted
    graph = dialog.graph
    dialog.deleteLater()
    if agreed:
        window.documents.open_fresh(graph)

"""Symbols above their numbers, column by column; each factor can be pointed at and chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from app.text import partial, power_text, pretty_name, tr
from app.view import theme
from app.view.mathematics import Formula, typeset
from app.view.typesetting import done, soon
from engine.lines import Part

_PARTIAL = re.compile(r"\bd([^\W\d][\w.]*(?:\[[\d,]*\])?)/d([^\W\d][\w.]*(?:\[[\d,]*\])?)")
_SIZED = re.compile(r"(?<![/\w.])[^\W\d][\w.]*(?= \[)")
"""A name before its shape."""
_HALVES = re.compile(r"\\(left|right)(?![a-zA-Z])")
AT_ONCE_S, FAST_S = 0.02, 0.15
"""How long a new line may be typeset before it is seen, and how soon after another it may not at all:
what is left is words until there is time."""
_KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Return,
    Qt.Key.Key_Enter, Qt.Key.Key_Space,
)  # fmt: skip
_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]?\d+)?|NaN|inf")
LEAST_SCALE = 0.5


@dataclass(frozen=True)
class Column:
    """A part of a line with the tokens of its colours; `tip` is what is said of it on hover."""

    part: Part
    symbol: str = "text"
    number: str = "text"
    tip: str = ""

    @property
    def is_factor(self) -> bool:
        return bool(self.part.origins)


@dataclass(frozen=True)
class _Placed:
    """A column where it stands, unscaled: the middle of it and what is drawn there."""

    box: QRectF
    symbol: Formula | None
    number: str
    told: Formula | None


def readable(text: str) -> str:
    """Plain text of a line with signs and names as people write them."""
    signs = power_text(text).replace(" * ", " × ").replace("-", "−")
    signs = re.sub(r"(?<!\w)inf(?!\w)", "∞", signs)
    signs = _SIZED.sub(lambda m: pretty_name(m[0]), signs)
    return _PARTIAL.sub(lambda m: partial(m[1], m[2]), signs)


def _is_formula(part: Part) -> bool:
    """Whether what stands below is no single number: it has powers or fractions, or names a row."""
    if not part.origins:
        return bool(part.number) and bool(re.search(r"[a-z]", part.number))
    word = part.number.strip("()-")
    return part.number_latex != part.number and "[" not in word and not _NUMBER.fullmatch(word)


class Columns(QWidget):
    """One line of columns, drawn smaller when there is no room for it. In a line of one row a column
    is its symbols, or its number where it has none.

    `pointed` tells the part under the pointer or the keyboard, None when there is none; `chosen` the
    one that was clicked or entered.
    """

    pointed = Signal(object)
    chosen = Signal(object)

    def __init__(
        self, size: float, number_size: float, height: int, *, one_row: bool = False
    ) -> None:
        super().__init__()
        self.setFixedHeight(height)  # what stands around it stays where it is from step to step
        self.columns: tuple[Column, ...] = ()
        self._size, self._number_size, self._one_row = size, number_size, one_row
        self._placed: list[_Placed] | None = None
        self._extent, self._base, self._number_base = QSize(), 0.0, 0.0
        self._hot: int | None = None
        self._lit: frozenset[int] = frozenset()
        self.setMouseTracking(True)
        across = QSizePolicy.Policy.Preferred if one_row else QSizePolicy.Policy.Expanding
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)
        self._shown_at, self._patient_until = 0.0, 0.0
        self._in_words, self._done = False, 0

    # ------------------------------------------------------------ what is shown

    def show_columns(self, columns: Sequence[Column], text: str) -> None:
        """Shows a line; `text` is the same in plain words, for reading aloud and as a tooltip."""
        columns = tuple(columns)
        if columns == self.columns and text == self.toolTip():
            return
        self.columns = columns
        now = perf_counter()
        self._patient_until = now + AT_ONCE_S if now - self._shown_at > FAST_S else 0.0
        self._shown_at = now
        self.setAccessibleName(text)
        self.setToolTip(text)
        factors = any(c.is_factor for c in columns)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if factors else Qt.FocusPolicy.NoFocus)
        self._lit = frozenset()
        self._set_hot(self._first() if self.hasFocus() else None)
        self.refresh()

    def refresh(self) -> None:
        """Lays the line out anew: other columns, or another theme."""
        self._placed = None
        self.updateGeometry()
        self.update()

    def set_lit(self, parts: Iterable[Part]) -> None:
        """Points out parts whose wire is pointed at elsewhere."""
        wanted = set(parts)
        lit = frozenset(i for i, c in enumerate(self.columns) if c.part in wanted)
        if lit != self._lit:
            self._lit = lit
            self.update()

    @property
    def lit(self) -> list[Part]:
        """What is pointed out: from here or from elsewhere."""
        hot = {self._hot} if self._hot is not None else set()
        return [self.columns[i].part for i in sorted(self._lit | hot)]

    @property
    def numbers(self) -> str:
        """The numbers' row as text."""
        return "".join(c.part.number for c in self.columns)

    def place_of(self, index: int) -> QPointF:
        """The middle of a column in this widget."""
        box, scale = self._laid_out()[index].box, self._scale()
        return QPointF(box.center().x() * scale, box.center().y() * scale + self._top(scale))

    # ------------------------------------------------------------ laying out

    def _laid_out(self) -> list[_Placed]:
        if self._placed is None or (self._in_words and self._done != done()):
            self._placed, self._done = self._lay_out(), done()
        return self._placed

    def _lay_out(self) -> list[_Placed]:
        self._in_words = False
        metrics = QFontMetricsF(theme.number_font(self._number_size))
        drawn = [self._drawn(c) for c in self.columns]
        formulas = [f for symbol, _, _ in drawn if (f := symbol) is not None]
        base = max((f.base for f in formulas), default=self._size)
        below = max((f.height - f.base for f in formulas), default=self._size * 0.3)
        typeset_ = [told for _, _, told in drawn if told is not None]
        high = max([metrics.ascent(), *(f.base for f in typeset_)])
        deep = max([metrics.descent(), *(f.height - f.base for f in typeset_)])
        self._number_base = base + below + 4 + high
        low = 0.0 if self._one_row else 5 + high + deep
        placed, x = [], 0.0
        for column, (symbol, number, told) in zip(self.columns, drawn, strict=True):
            text = column.part.text or column.part.number
            x += 7.0 if text.startswith(" ") else 0.0
            widths = [symbol.width if symbol else 0.0, told.width if told else 0.0]
            width = max(*widths, metrics.horizontalAdvance(number))
            box = QRectF(x, 0, width, base + below + low)
            placed.append(_Placed(box, symbol, number, told))
            x = box.right() + (7.0 if text.endswith(" ") else 1.5)
        self._base, self._extent = base, QSize(round(x) + 2, round(base + below + low) + 1)
        return placed

    def _drawn(self, column: Column) -> tuple[Formula | None, str, Formula | None]:
        """The symbols, the number as text, and as a formula where it has powers or fractions."""
        part = column.part
        symbol = self._formula(
            part.latex if part.origins else _HALVES.sub("", part.latex),
            self._size, column.symbol, readable(part.text),
        )  # fmt: skip
        number = readable(part.number).strip()
        if self._one_row:
            return symbol, "" if part.latex else number, None
        if _is_formula(part):
            latex = part.number_latex if part.origins else _HALVES.sub("", part.latex)
            told = self._formula(latex, self._number_size + 1, column.number, number)
            return symbol, "", told
        return symbol, number, None

    def _formula(self, latex: str, size: float, role: str, text: str) -> Formula | None:
        if not latex.strip():
            return None
        colour: QColor = getattr(theme.current(), role)
        if perf_counter() < self._patient_until:
            return typeset(latex, size, colour, text)
        formula = soon(latex, size, colour, text.strip(), self)
        self._in_words |= formula.renderer is None
        return formula

    def _scale(self) -> float:
        self._laid_out()
        wide = (self.width() - 1) / max(self._extent.width(), 1)
        high = self.height() / max(self._extent.height(), 1)
        return min(1.0, max(LEAST_SCALE, min(wide, high)))

    def _top(self, scale: float) -> float:
        return max(0.0, (self.height() - self._extent.height() * scale) / 2)

    def sizeHint(self) -> QSize:
        self._laid_out()
        return QSize(self._extent.width() if self.columns else 0, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.height())

    # ------------------------------------------------------------ painting

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self.refresh()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.save()
        self.paint_line(painter)
        painter.restore()
        if self._extent.width() * self._scale() > self.width():
            self._paint_cut(painter)

    def paint_line(self, painter: QPainter) -> None:
        """The line as the widget shows it, from the painter's origin on."""
        placed, tokens = self._laid_out(), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = self._scale()
        painter.translate(0, self._top(scale))
        painter.scale(scale, scale)
        for i, (column, place) in enumerate(zip(self.columns, placed, strict=True)):
            if i == self._hot or i in self._lit:
                glow = QColor(tokens.accent)
                glow.setAlphaF(0.18)
                painter.setPen(QPen(tokens.accent, 1.2) if i == self._hot else Qt.PenStyle.NoPen)
                painter.setBrush(glow)
                painter.drawRoundedRect(place.box.adjusted(-3.4, 0.6, 3.4, -0.6), 5, 5)
            self._paint_column(painter, column, place)

    def _paint_cut(self, painter: QPainter) -> None:
        """The end of a line that has no room says that it goes on."""
        tokens = theme.current()
        edge = QRectF(self.width() - 22, 0, 22, self.height())
        painter.fillRect(edge, tokens.panel)
        painter.setPen(tokens.muted)
        painter.drawText(edge, Qt.AlignmentFlag.AlignCenter, "…")

    def _paint_column(self, painter: QPainter, column: Column, place: _Placed) -> None:
        box, tokens = place.box, theme.current()
        if place.symbol is not None:
            at = QPointF(
                self._left(column, box, place.symbol.width), self._base - place.symbol.base
            )
            place.symbol.draw(painter, at)
        if place.told is not None:
            left = self._left(column, box, place.told.width)
            place.told.draw(painter, QPointF(left, self._number_base - place.told.base))
        elif place.number:
            result = not column.part.text and column.is_factor
            font = theme.number_font(self._number_size, 600 if result else 400)
            metrics = QFontMetricsF(font)
            width = metrics.horizontalAdvance(place.number)
            baseline = self._base if self._one_row else self._number_base
            painter.setFont(font)
            painter.setPen(getattr(tokens, column.number))
            painter.drawText(QPointF(self._left(column, box, width), baseline), place.number)

    def _left(self, column: Column, box: QRectF, width: float) -> float:
        """Where something begins in its column: an opening bracket stands at what follows it."""
        text = column.part.text
        if text.endswith("("):
            return box.right() - width
        return box.left() if text.startswith(")") else box.center().x() - width / 2

    # ------------------------------------------------------------ pointing

    def _first(self) -> int | None:
        return next((i for i, c in enumerate(self.columns) if c.is_factor), None)

    def _at(self, place: QPointF) -> int | None:
        scale = self._scale()
        x, y = place.x() / scale, (place.y() - self._top(scale)) / scale
        for i, (column, placed) in enumerate(zip(self.columns, self._laid_out(), strict=True)):
            if column.is_factor and placed.box.adjusted(-3, -2, 3, 2).contains(x, y):
                return i
        return None

    def _set_hot(self, index: int | None) -> None:
        if index == self._hot:
            return
        self._hot = index
        column = None if index is None else self.columns[index]
        self.setCursor(Qt.CursorShape.PointingHandCursor if column else Qt.CursorShape.ArrowCursor)
        self.setAccessibleDescription(column.tip if column else "")
        QAccessible.updateAccessibility(
            QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
        )
        self.pointed.emit(column.part if column else None)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_hot(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hot(None)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if index is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self.chosen.emit(self.columns[index].part)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if (plain and event.key() in _KEYS) or event.matches(QKeySequence.StandardKey.Copy):
                event.accept()
                return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._at(QPointF(event.pos()))
            tip = self.columns[index].tip if index is not None else readable(self.toolTip())
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy_number() if self._hot is not None else self._copy_text()
            return
        factors = [i for i, c in enumerate(self.columns) if c.is_factor]
        if event.key() not in _KEYS or not factors:
            super().keyPressEvent(event)
            return
        here = factors.index(self._hot) if self._hot in factors else -1
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self._hot is not None:
                self.chosen.emit(self.columns[self._hot].part)
            return
        places = {
            Qt.Key.Key_Left: max(here - 1, 0), Qt.Key.Key_Home: 0,
            Qt.Key.Key_Right: min(here + 1, len(factors) - 1), Qt.Key.Key_End: len(factors) - 1,
        }  # fmt: skip
        self._set_hot(factors[places[Qt.Key(event.key())]])

    # ------------------------------------------------------------ copying

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.columns:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._hot is not None:
            menu.addAction(tr("Copy number")).triggered.connect(self._copy_number)
        menu.addAction(tr("Copy line as text")).triggered.connect(self._copy_text)
        menu.addAction(tr("Copy line as LaTeX")).triggered.connect(self._copy_latex)
        menu.popup(event.globalPos())

    def _copy_number(self) -> None:
        """All digits of the number that is pointed at."""
        if self._hot is not None:
            part = self.columns[self._hot].part
            QGuiApplication.clipboard().setText(part.exact or part.number or part.text)

    def _copy_text(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.accessibleName()}\n{self.numbers}".strip())

    def _copy_latex(self) -> None:
        QGuiApplication.clipboard().setText("".join(c.part.latex for c in self.columns))

    # ------------------------------------------------------------ focus

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._hot is None:
            self._set_hot(self._first())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._set_hot(None)

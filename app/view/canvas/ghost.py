"""What a wire would do, beside the pointer while it is dragged: the shape it gives, or what disagrees."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QTextDocument
from PySide6.QtWidgets import QWidget

from app.text import pretty_name, sentence, tr
from app.view.theme import Theme, number_font, ui_font
from engine.fitting import Fit, Operand
from engine.graph import Graph

RADIUS = 8.0
WIDEST = 380.0
_PADDING_X, _PADDING_Y = 12.0, 8.0
_AWAY = QPoint(18, 20)
_EDGE = 12
_SIGNS = {"*": "·", "-": "−"}
_MOST_OPERANDS = 6


def result_words(fit: Fit) -> str:
    """The shape of a result as people read it; a single value says what it is."""
    if fit.spec is None or fit.shape:
        return fit.shape
    return {"bool": tr("a truth value"), "int": tr("a whole number")}.get(
        fit.spec.kind, tr("a number")
    )


class Ghost(QWidget):
    """Some lines in a frame. `words` is what it says, `is_good` whether the wire would fit; `told`
    repeats what is new."""

    told = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._text = QTextDocument(self)
        self._text.setDocumentMargin(0)
        self._theme: Theme | None = None
        self._shown: Fit | None = None
        self.is_good = True
        self.hide()

    @property
    def words(self) -> str:
        return self._text.toPlainText() if not self.isHidden() else ""

    def set_theme(self, theme: Theme) -> None:
        self._theme, self._shown = theme, None

    def tell(self, fit: Fit, graph: Graph, at: QPoint) -> None:
        """Shows what a wire would do beside a place of the canvas, wholly inside it."""
        assert self._theme is not None
        if fit is not self._shown:
            self._shown = fit
            self.is_good = not (fit.fault or fit.circle)
            self._text.setDefaultFont(ui_font(12))
            self._text.setTextWidth(-1)
            self._text.setHtml(told(fit, graph, self._theme))
            self._text.setTextWidth(min(self._text.idealWidth() + 1, WIDEST))
            size = self._text.size()
            self.resize(round(size.width() + 2 * _PADDING_X), round(size.height() + 2 * _PADDING_Y))
            self.setAccessibleName(self._text.toPlainText())
            self.told.emit(self._text.toPlainText())
            self.update()
        self._place(at)
        if self.isHidden():
            self.show()
            self.raise_()

    def _place(self, at: QPoint) -> None:
        """Right of and below the pointer; on the other side where there is no room."""
        parent = self.parentWidget()
        assert parent is not None
        x, y = at.x() + _AWAY.x(), at.y() + _AWAY.y()
        if x + self.width() > parent.width() - _EDGE:
            x = at.x() - _AWAY.x() - self.width()
        if y + self.height() > parent.height() - _EDGE:
            y = at.y() - _AWAY.y() - self.height()
        self.move(
            max(_EDGE, min(x, parent.width() - _EDGE - self.width())),
            max(_EDGE, min(y, parent.height() - _EDGE - self.height())),
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        assert self._theme is not None
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        border = QColor(self._theme.border if self.is_good else self._theme.error)
        painter.setPen(QPen(border, 1))
        painter.setBrush(self._theme.panel)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        painter.translate(_PADDING_X, _PADDING_Y)
        self._text.drawContents(painter)


# ------------------------------------------------------------------------------- words


def told(fit: Fit, graph: Graph, theme: Theme) -> str:
    """What a wire would do, as rich text."""
    if fit.circle:
        return _line(f"⚠ {sentence(fit.circle)}", theme.error)
    lines = [_sum(fit, graph, theme)]
    if fit.fault:
        lines.append(_line(f"⚠ {sentence(fit.fault)}", theme.error))
        if not fit.known:
            lines.append(_line(tr("Let go to choose a repair"), theme.muted))
    elif fit.unknown:
        lines.append(_line(tr("The shape depends on values: it is known when wired"), theme.muted))
    elif fit.waits_for:
        ports = ", ".join(fit.waits_for)
        lines.append(_line(f"{tr('Still empty:')} {ports}", theme.muted))
    for node_id, fault in list(fit.broken.items())[:1]:
        more = len(fit.broken) - 1
        others = f" {tr('and')} {more} {tr('more')}" if more else ""
        name = pretty_name(graph.name(node_id))
        lines.append(_line(f"⚠ {name}{others} {tr('would then fail')}: {fault}", theme.warning))
    return "".join(lines)


def _line(text: str, colour: QColor) -> str:
    return f'<div style="color:{colour.name()}; margin-top:3px">{escape(text)}</div>'


def _sum(fit: Fit, graph: Graph, theme: Theme) -> str:
    """`x 3×4 @ w 4×2 → 3×2`, as far as it is known."""
    op = graph.op(fit.node)
    operands = [_operand(o, theme) for o in fit.operands[:_MOST_OPERANDS]]
    if len(fit.operands) > _MOST_OPERANDS:
        operands.append("…")
    if op.symbol and len(operands) == 2:
        sign = escape(_SIGNS.get(op.symbol, op.symbol))
        text = f" <b>{sign}</b> ".join(operands)
    else:
        name = op.label if op.definition is not None else op.name.replace("_", " ")
        text = f"{escape(name)} ( {', '.join(operands)} )"
    if fit.spec is not None:
        text += f" → {_numbers(result_words(fit), theme.value, 600)}"
    return f'<div style="color:{theme.text.name()}; font-size:13px">{text}</div>'


def _operand(operand: Operand, theme: Theme) -> str:
    if operand.is_empty:
        return f'<span style="color:{theme.muted.name()}">{escape(operand.port)}</span>'
    name = f"<i>{escape(pretty_name(operand.name))}</i>"
    return f"{name}&nbsp;{_numbers(operand.shape, theme.muted)}" if operand.shape else name


def _numbers(text: str, colour: QColor, weight: int = 400) -> str:
    family = number_font().family()
    return (
        f"<span style=\"font-family:'{family}'; font-weight:{weight}; color:{colour.name()}\">"
        f"{escape(text).replace(' ', '&nbsp;')}</span>"
    )

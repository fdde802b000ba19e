"""Formulas typeset: LaTeX to a drawing, cached, with plain text where it cannot be read."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.view import theme

_KEPT = 2000
LONGEST = 650
"""Letters of LaTeX; longer ones are wider than a page and take a second to typeset: shown as text."""
_cache: OrderedDict[tuple[str, float, str], Formula] = OrderedDict()

# One relation of two signs. `\mathrel{+}=` loses its plus in some versions of the parser below
# (seen as a plain "="); an ordinary plus and an ordinary equals sign side by side never do.
# A minus that begins a formula, a bracket or a right side is a sign, not a difference.
_SIGN = re.compile(r"(^|=|\(|,|\\cdot|\\times)\s*-")
_FUNCTION = re.compile(r"\\(sin|cos|tan|sinh|cosh|tanh|arcsin|arccos|arctan|exp|ln|max|min)\\left")
# Limits beside a sign, which is what brackets ask for here, come out 2,000 pixels high.
_LIMITS = re.compile(r"(\\(?:sum|prod))(?=\s*[_^])")
# Brackets that stretch cost twice what is in them, at every level; few have to.
_STRETCHED = re.compile(
    r"\\left([(\[])((?:(?!\\(?:left|right|frac|sum|prod|sqrt|ln|max|min|binom|begin)(?![a-zA-Z])).)*)\\right([)\]])"
)
_UNROWED = {"math": 0, "mrow": 0, "mfrac": 0, "msub": 1}
"""Where children need no row of their own, from which one on."""
_INCREMENT = re.compile(r"\s*\\mathrel\{\+\}\s*=\s*")


@dataclass(frozen=True)
class Formula:
    """A drawing of a formula with its size and the height of its base line, in pixels at 100 %."""

    text: str
    width: float
    height: float
    base: float
    renderer: QSvgRenderer | None
    size: float
    colour: QColor

    def draw(self, painter: QPainter, at: QPointF) -> None:
        """Draws it with its upper left corner at a point."""
        if self.renderer is not None:
            self.renderer.render(painter, QRectF(at.x(), at.y(), self.width, self.height))
            return
        painter.setFont(theme.ui_font(self.size, italic=True))
        painter.setPen(self.colour)
        painter.drawText(QPointF(at.x(), at.y() + self.base), self.text)


def typeset(latex: str, size: float, colour: QColor, plain: str = "") -> Formula:
    """A formula as a drawing; `plain` is shown instead when the LaTeX cannot be read."""
    key = (latex, size, colour.name())
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = _typeset(latex, size, colour, plain or latex)
        if len(_cache) > _KEPT:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(key)
    return found


def is_known(latex: str, size: float, colour: QColor) -> bool:
    """Whether a formula is drawn already, so that `typeset` costs nothing."""
    return (latex, size, colour.name()) in _cache


def plain(text: str, size: float, colour: QColor) -> Formula:
    """Words in the place of a formula that is not typeset yet."""
    metrics = QFontMetricsF(theme.ui_font(size, italic=True))
    width, height = metrics.horizontalAdvance(text), metrics.height()
    return Formula(text, width, height, metrics.ascent(), None, size, colour)


def _typeset(latex: str, size: float, colour: QColor, text: str) -> Formula:
    if len(latex) > LONGEST:
        return plain(text, size, colour)
    try:
        from ziamath.config import config  # 0.2 s, so only when there is something to show
        from ziamath.tex import tex2mml
        from ziamath.zmath import Math

        config.svg2 = False  # Qt draws SVG 1.1 only
        source, count = latex, 1
        while count:
            source, count = _STRETCHED.subn(r"\1\2\3", source)
        source = _INCREMENT.sub(r" \\; {+}{=} \\; ", source)
        source = _FUNCTION.sub(r"\\\1\\!\\left", _SIGN.sub(r"\1{-}", source))
        source = _LIMITS.sub(r"\1\\limits", source)
        tree = _flat(ElementTree.fromstring(tex2mml(source)))
        tree.set("mathcolor", colour.name())
        svg: str = Math(tree, size=size).svg()
        renderer = QSvgRenderer(svg.encode())
        box = renderer.viewBoxF()
        if renderer.isValid() and box.width() > 0:
            return Formula(text, box.width(), box.height(), -box.y(), renderer, size, colour)
    except Exception:
        # The parser raises whatever it stumbles over; a formula is worth no broken window.
        pass
    return plain(text, size, colour)


def _flat(tree: Element) -> Element:
    """MathML without rows that hold one name or number and without the outermost one: a row costs
    twice what is in it, and these are drawn alike. Powers would stand a little lower without theirs."""
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    for element in reversed(list(tree.iter())):  # what is inside comes first
        first = _UNROWED.get(element.tag, len(element))
        for i, child in enumerate(element[first:], first):
            if child.tag == "mrow" and len(child) == 1 and child[0].tag in ("mi", "mn"):
                element[i] = child[0]
    if len(tree) == 1 and tree[0].tag == "mrow" and not tree[0].attrib:
        tree[:] = list(tree[0])
    return tree


class MathLabel(QWidget):
    """Shows one formula; drawn smaller when there is no room for it."""

    def __init__(self, size: float = 13, role: str = "text", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._latex, self._text, self._size, self._role = "", "", size, role
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def latex(self) -> str:
        return self._latex

    def set_formula(self, latex: str, text: str = "") -> None:
        """Shows a formula; `text` is the same in plain words, for reading aloud and as a tooltip."""
        if (latex, text) == (self._latex, self._text):
            return
        self._latex, self._text = latex, text
        self.setAccessibleName(text)
        self.setToolTip(text)
        self.updateGeometry()
        self.update()

    def _formula(self) -> Formula | None:
        if not self._latex:
            return None
        colour: QColor = getattr(theme.current(), self._role)
        return typeset(self._latex, self._size, colour, self._text)

    def sizeHint(self) -> QSize:
        formula = self._formula()
        least = round(self._size * 1.5)
        if formula is None:
            return QSize(0, least)
        return QSize(round(formula.width) + 2, max(least, round(formula.height)))

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        formula = self._formula()
        if formula is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        scale = min(1.0, (self.width() - 1) / max(formula.width, 1))
        top = (self.height() - formula.height * scale) / 2
        painter.translate(0, top)
        painter.scale(scale, scale)
        formula.draw(painter, QPointF(0, 0))


def clear_cache() -> None:
    """Forgets every drawing (they are dropped before the application ends)."""
    _cache.clear()

"""What a kind of viewer is: which arrays it fits, its options, and the widget that shows one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.controls import Controls
from app.view.viewers.numbers import Plane, axis_pairs, entry_text, plane
from engine.ops.row import Array

What = Literal["value", "gradient"]
Options = Mapping[str, float | str]
MOST_AXES = 8
# Series apart from blue and orange, and from their neighbours in lightness as well as in hue, whatever
# kind of colour blindness sees them; (dark theme, light theme).
_SAFE = (
    ("#b39dff", "#6a20c8"), ("#f5e960", "#6b5d00"), ("#d45fb0", "#a8127a"), ("#8d97a8", "#6b7688"),
    ("#e7eaf0", "#1b2230"), ("#7a63d8", "#3f1a8f"), ("#ffb3e6", "#8a3a6c"), ("#b9b98a", "#4f4f2a"),
    ("#a0527f", "#5c0f3f"), ("#c9d1de", "#39424f"),
)  # fmt: skip


def _none(count: int) -> list[tuple[str, str]]:
    return []


def _nothing(path: str) -> Array | None:
    return None


@dataclass(frozen=True)
class Shown:
    """What a viewer shows: the `array` that is the value or the gradient (`of`) of what is called
    `name`. `vectors(n)` lists nodes with n numbers as (path, name), `read` gives the numbers of one."""

    array: Array
    name: str
    of: What = "value"
    vectors: Callable[[int], list[tuple[str, str]]] = _none
    read: Callable[[str], Array | None] = _nothing


class View(QWidget):
    """One kind of viewer. A kind says in `fit` how well it suits an array: 0 is not at all, the
    largest is taken unless a person chooses. `option_changed` carries an option's name and its value;
    the options come back with the next `show_array`."""

    name: ClassVar[str]
    title: ClassVar[str]
    option_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.shown: Shown | None = None
        self.options: Options = {}
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        self.controls = Controls()
        self.controls.changed.connect(self.option_changed)
        self.column.addWidget(self.controls)
        self.foot = QLabel()
        self.foot.setProperty("role", "muted")
        self.foot.setFont(theme.number_font(11))
        self.foot.setMinimumWidth(40)
        self.foot.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def finish(self, *beside: QWidget) -> None:
        """Called last by a kind's constructor: the line under everything, and what stands at its end."""
        line = QHBoxLayout()
        line.addWidget(self.foot, 1)
        for widget in beside:
            line.addWidget(widget)
        self.column.addLayout(line)

    @classmethod
    def fit(cls, array: Array) -> float:
        raise NotImplementedError

    def show_array(self, shown: Shown, options: Options) -> None:
        """Shows an array that fits. Options that make no sense are as if they were not there."""
        self.shown, self.options = shown, options
        self.display(shown)
        self.controls.settle()

    def display(self, shown: Shown) -> None:
        raise NotImplementedError

    def restyle(self) -> None:
        """Takes the colours of the theme applied last."""
        if self.shown is not None:
            self.show_array(self.shown, self.options)

    # ------------------------------------------------------------ options

    def number(self, name: str, default: int = 0) -> int:
        """An option that is a whole number."""
        value = self.options.get(name, default)
        return int(value) if isinstance(value, int | float) and abs(value) < 2**31 else default

    def word(self, name: str, choices: list[tuple[str, str]], default: str = "") -> str:
        """An option that is one of some words; the default, else the first, when it is none."""
        known = [value for value, _ in choices]
        wanted = str(self.options.get(name, default))
        return wanted if wanted in known else default if default in known else known[0]

    def tell_entry(self, place: tuple[int, ...]) -> None:
        """What the entry under the pointer is, in full precision."""
        if self.shown is not None:
            index = f"[{', '.join(map(str, place))}]" if place else ""
            self.foot.setText(f"{self.shown.name}{index} = {entry_text(self.shown.array[place])}")


class Sliced(View):
    """A kind that shows a matrix: for more axes it offers which two, and where on the others."""

    flat: ClassVar[bool] = False
    """Whether a vector runs across."""

    def __init__(self) -> None:
        super().__init__()
        self.controls.add_choice("axes", tr("axes"))
        for number in range(MOST_AXES - 2):
            self.controls.add_index(f"at{number}", "")

    def plane(self, array: Array) -> Plane:
        """The matrix that the options say; the controls show where it is."""
        pairs = axis_pairs(array.ndim)
        words = [(f"{d} {a}", tr("{down} × {across}").format(down=d, across=a)) for d, a in pairs]
        pair = None
        if array.ndim > 2:
            chosen = self.word("axes", words)
            pair = pairs[[value for value, _ in words].index(chosen)]
            self.controls.show_choice("axes", words, chosen)
        else:
            self.controls.hide_control("axes")
        at = [self.number(f"at{number}") for number in range(max(array.ndim - 2, 0))]
        found = plane(array, pair, at, self.flat)
        others = [a for a in range(array.ndim) if a not in (found.rows, found.columns)]
        for number in range(MOST_AXES - 2):
            if number < len(others) and array.ndim > 2:
                axis = others[number]
                label = tr("axis {axis}").format(axis=axis)
                self.controls.show_index(f"at{number}", label, array.shape[axis], found.at[number])
            else:
                self.controls.hide_control(f"at{number}")
        return found


def inks(of: What) -> tuple[QColor, QColor]:
    """The colours of what is above 0 and of what is below, those of the pictures on nodes."""
    tokens = theme.current()
    over, under = tokens.negatives
    return (tokens.value, over) if of == "value" else (tokens.gradient, under)


def ground() -> QColor:
    """What numbers are drawn on."""
    tokens = theme.current()
    return tokens.canvas if tokens.is_dark else tokens.background


def series_colours() -> list[QColor]:
    """Colours for several series or classes, told apart and none of them a value's or a gradient's."""
    tokens = theme.current()
    if tokens.colours == "blue and orange":  # whose drawers are too quiet to be told apart
        return [QColor(pair[0 if tokens.is_dark else 1]) for pair in _SAFE]
    drawers = (
        "Trigonometric", "Activations", "Convolution", "Arithmetic", "Own", "Metrics", "Modules",
        "Losses", "Exponential",
    )  # fmt: skip
    return [tokens.accent, *(tokens.drawer(drawer) for drawer in drawers)]

"""The look: colours, fonts, numbers as text and the style sheet, in dark and in light."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.view.style import PICTURES, STYLE

Scheme = Literal["dark", "light"]
Colours = Literal["green and vermillion", "blue and orange"]

RADIUS = 6
NODE_RADIUS = 9
BAR_RADIUS = 12
MOTION_MS = 150

_WORDS = ("Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Segoe UI", "Helvetica Neue")
_NUMBERS = ("JetBrains Mono", "DejaVu Sans Mono", "Liberation Mono", "Menlo", "Consolas")

# Hues of the drawers stay between yellow and pink by way of blue: green and vermillion mean value
# and gradient. A drawer that is not listed is grey.
_DRAWER_COLOURS: Mapping[str, tuple[str, str]] = {
    "Sources": ("#8aa0ff", "#6f86f5"),
    "Arithmetic": ("#b78cff", "#a272f0"),
    "Exponential": ("#5fb7f2", "#3a93d6"),
    "Trigonometric": ("#f2b84b", "#e0a020"),
    "Activations": ("#f08cc8", "#d763a8"),
    "Linear algebra": ("#4f8fe8", "#2f6fd0"),
    "Reductions": ("#9b7be0", "#7d5bc8"),
    "Shape": ("#a4adbd", "#8590a3"),
    "Comparison": ("#7c8799", "#6b7587"),
    "Own": ("#e0915c", "#c2743d"),
    "Modules": ("#b3ab9c", "#8c8474"),
    "Convolution": ("#6fb3c9", "#3d93ad"),
    "Networks": ("#7f9df0", "#5b78d8"),
    "Random": ("#c89bea", "#a678d0"),
    "Losses": ("#e26fe0", "#bf48bd"),
    "Metrics": ("#d9cf6a", "#b5a52a"),
}


# Of notes and frames; each is read as text on its own tint, and none is near green or vermillion.
_NOTE_COLOURS: Mapping[str, tuple[str, str]] = {
    "blue": ("#8db4f5", "#2456a8"),
    "violet": ("#bfa3ff", "#5f37b0"),
    "pink": ("#f0a0d4", "#962470"),
    "yellow": ("#e9ca6b", "#745800"),
    "grey": ("#b3bbc8", "#4d586a"),
}


@dataclass(frozen=True)
class Theme:
    """One set of colours. `control` and `press` are a plain button's, at rest and held down."""

    name: Scheme
    background: QColor
    canvas: QColor
    panel: QColor
    node: QColor
    border: QColor
    hairline: QColor
    text: QColor
    muted: QColor
    value: QColor
    gradient: QColor
    accent: QColor
    error: QColor
    warning: QColor
    on_accent: QColor
    control: QColor
    press: QColor
    dot: QColor
    wire: QColor
    drawers: Mapping[str, QColor] = field(default_factory=dict)
    notes: Mapping[str, QColor] = field(default_factory=dict)
    colours: Colours = "green and vermillion"

    @property
    def negatives(self) -> tuple[QColor, QColor]:
        """What stands for numbers below zero where a picture shows values, or gradients."""
        if self.colours == "blue and orange":
            return self.warning, self.accent
        return self.drawer("Arithmetic"), self.accent

    @property
    def is_dark(self) -> bool:
        return self.name == "dark"

    def drawer(self, category: str) -> QColor:
        """The hue of an operator's drawer, for strips and palette marks."""
        return self.drawers.get(category, self.muted)

    def note(self, colour: str) -> QColor:
        """The hue of a note or a frame; without a colour, nearly that of quiet text."""
        return self.notes.get(colour) or blend(self.muted, self.text, 0.3)


def _theme(name: Scheme, colours: str) -> Theme:
    keys = (
        "background canvas panel node border hairline text muted value gradient accent error "
        "warning on_accent control press dot wire"
    ).split()
    values: dict[str, Any] = {k: QColor(c) for k, c in zip(keys, colours.split(), strict=True)}
    column = 0 if name == "dark" else 1
    drawers = {category: QColor(pair[column]) for category, pair in _DRAWER_COLOURS.items()}
    notes = {colour: QColor(pair[column]) for colour, pair in _NOTE_COLOURS.items()}
    return Theme(name, drawers=drawers, notes=notes, **values)


DARK = _theme(
    "dark",
    "#15181e #12151a #1b1f27 #222833 #384152 #2b323e #e7eaf0 #9aa3b2 #3ecf9b #ff8a65 #6aa6ff "
    "#ff6b81 #f2c94c #0f1620 #222833 #2b323e #1f242d #525b6c",
)
LIGHT = _theme(
    "light",
    "#f5f6f8 #fafbfc #ffffff #ffffff #cfd5df #dfe3ea #1b2230 #5b6678 #007a59 #c2410c #1d5fd6 "
    "#b3123a #8a6100 #ffffff #ffffff #eef0f4 #e6e9ee #aeb6c3",
)
THEMES: Mapping[str, Theme] = {"dark": DARK, "light": LIGHT}


def blend(one: QColor, other: QColor, share: float) -> QColor:
    """The colour `share` of the way from `one` to `other`."""
    return QColor.fromRgbF(
        *(
            a + (b - a) * share
            for a, b in (
                (one.redF(), other.redF()),
                (one.greenF(), other.greenF()),
                (one.blueF(), other.blueF()),
            )
        )
    )


def _safe(theme: Theme, colours: str) -> Theme:
    """The same with other colours for value, gradient, accent, error and warning; drawers are quieter,
    for they may be blue or orange."""
    keys = "value gradient accent error warning".split()
    given: dict[str, Any] = {k: QColor(c) for k, c in zip(keys, colours.split(), strict=True)}
    drawers = {name: blend(hue, theme.muted, 0.75) for name, hue in theme.drawers.items()}
    return replace(theme, drawers=drawers, colours="blue and orange", **given)


# Sky blue, blue and orange of Okabe and Ito (2008), lighter or darker where letters ask for it.
# Seen by whoever sees no red, no green or no blue, value and gradient differ by 80 in CIE Lab and more;
# green and vermillion by 17. Selection is violet, since blue is a value.
_SAFE: Mapping[str, str] = {
    "dark": "#56b4e9 #f0a020 #997fff #ff6f75 #f5e960",
    "light": "#0069a8 #a65400 #7f1fe0 #a8123a #6b5d00",
}
SAFE: Mapping[str, Theme] = {name: _safe(THEMES[name], _SAFE[name]) for name in THEMES}
_SETS: Mapping[str, Mapping[str, Theme]] = {
    "green and vermillion": THEMES, "blue and orange": SAFE,
}  # fmt: skip

_current: Theme = DARK


def named(name: str) -> Theme:
    """The dark or the light theme, in the colours applied last."""
    return _SETS[_current.colours][name]


def current() -> Theme:
    """The theme applied last; dark before any was."""
    return _current


@contextmanager
def drawn_in(theme: Theme) -> Iterator[None]:
    """What is painted meanwhile has the colours of a theme: for a picture that is kept."""
    global _current
    before, _current = _current, theme
    try:
        yield
    finally:
        _current = before


def system_theme() -> Theme:
    """Light when the system asks for light, else dark."""
    hints = QGuiApplication.styleHints()
    return LIGHT if hints.colorScheme() is Qt.ColorScheme.Light else DARK


def apply(app: QApplication, name: str | None = None, colours: str | None = None) -> Theme:
    """Gives the whole program a theme, the system's when `name` is None or unknown, in the colours
    applied last unless others are given.

    Views that paint by themselves take the returned theme by their `set_theme`.
    """
    global _current
    load_fonts()
    found = THEMES.get(name or "", system_theme())
    _current = _SETS.get(colours or "", _SETS[_current.colours])[found.name]
    app.setStyle("Fusion")
    app.setPalette(palette(_current))
    app.setFont(ui_font(12))
    app.setStyleSheet(style_sheet(_current))
    return _current


def palette(theme: Theme) -> QPalette:
    """Every role of a QPalette from the tokens, so Fusion draws nothing of its own colour."""
    role = QPalette.ColorRole
    roles = {
        role.Window: theme.background, role.WindowText: theme.text, role.Base: theme.canvas,
        role.AlternateBase: theme.panel, role.Text: theme.text, role.Button: theme.control,
        role.ButtonText: theme.text, role.BrightText: theme.error, role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text, role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent, role.HighlightedText: theme.on_accent,
        role.Link: theme.accent, role.LinkVisited: theme.accent, role.Light: theme.hairline,
        role.Midlight: theme.hairline, role.Mid: theme.border, role.Dark: theme.border,
        role.Shadow: theme.border, role.Accent: theme.accent,
    }  # fmt: skip
    result = QPalette()
    for key, colour in roles.items():
        result.setColor(key, colour)
    for key in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, key, blend(theme.muted, theme.panel, 0.45))
    return result


# ------------------------------------------------------------------------------- fonts


@cache
def load_fonts() -> tuple[str, ...]:
    """Registers the bundled fonts once; returns their families."""
    families: list[str] = []
    folder = files("resources") / "fonts"
    if not folder.is_dir():
        return ()
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith((".ttf", ".otf")):
            number = QFontDatabase.addApplicationFontFromData(entry.read_bytes())
            families += QFontDatabase.applicationFontFamilies(number)
    return tuple(dict.fromkeys(families))


@cache
def _family(wanted: tuple[str, ...], kind: QFontDatabase.SystemFont) -> str:
    load_fonts()
    known = set(QFontDatabase.families())
    found = next((name for name in wanted if name in known), None)
    return found or QFontDatabase.systemFont(kind).family()


def ui_font(size: float = 12, weight: int = 400, italic: bool = False) -> QFont:
    """The family for words; `size` in pixels at 100 %."""
    return _font(_family(_WORDS, QFontDatabase.SystemFont.GeneralFont), size, weight, italic)


def number_font(size: float = 12, weight: int = 400) -> QFont:
    """The family for numbers, every digit as wide as the next; `size` in pixels at 100 %."""
    return _font(_family(_NUMBERS, QFontDatabase.SystemFont.FixedFont), size, weight, False)


def _font(family: str, size: float, weight: int, italic: bool) -> QFont:
    font = QFont(family)
    font.setPixelSize(round(size))
    font.setWeight(QFont.Weight(weight))
    font.setItalic(italic)
    return font


# ------------------------------------------------------------------------------- numbers


def number_text(value: float, digits: int = 4) -> str:
    """A number in `digits` significant digits with a true minus, as `−0.8401` or `1.234e−7`.

    A number that is exactly whole shows no decimals, so `1` is 1 and `1.000` is near it.
    """
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if number == 0:
        return "0"
    mantissa, _, power = f"{number:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if number == int(number) and exponent <= digits:
        text = str(int(number))
    elif -3 <= exponent <= digits:
        text = f"{number:.{max(digits - 1 - exponent, 0)}f}"
    else:
        text = f"{mantissa}e{exponent}"
    return text.replace("-", "−")


def exact_text(value: float) -> str:
    """A number in full precision, as it is shown on hover and copied."""
    return repr(float(value))


# ------------------------------------------------------------------------------- style sheet


def style_sheet(theme: Theme) -> str:
    """The one style sheet of the program. Widgets take part by properties: `role` (muted, title,
    value, gradient, error, panel, bar, hairline), `primary`, `flat` and `fault`."""
    tokens = {
        "field": theme.canvas if theme.is_dark else theme.background,
        "faint": blend(theme.muted, theme.panel, 0.45),
        "chosen": blend(theme.panel, theme.accent, 0.22),
        "accent_hover": blend(theme.accent, theme.text, 0.15),
        **{k: v for k, v in vars(theme).items() if isinstance(v, QColor)},
    }
    sheet = STYLE
    for name in sorted(tokens, key=len, reverse=True):
        sheet = sheet.replace(f"${name}", tokens[name].name())
    for name in PICTURES:
        picture = files("resources") / "icons" / f"{name}-{theme.name}.svg"
        sheet = sheet.replace(f"${name}", str(picture).replace("\\", "/"))
    return sheet

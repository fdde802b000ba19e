"""The theme: readable pairs, no token left over in the style sheet, fonts that ship."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view import theme
from engine import ops


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.1."""

    def luminance(colour: QColor) -> float:
        parts = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", theme.THEMES)
def test_text_can_be_read_on_every_ground(name: str) -> None:
    tokens = theme.THEMES[name]
    inks = ("text", "muted", "value", "gradient", "accent", "error", "warning")
    for ground in ("background", "canvas", "panel", "node"):
        for ink in inks:
            ratio = contrast(getattr(tokens, ink), getattr(tokens, ground))
            assert ratio >= 4.5, f"{ink} on {ground}: {ratio:.2f}"
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5


@pytest.mark.parametrize("name", theme.THEMES)
def test_every_drawer_has_a_hue_away_from_value_and_gradient(name: str) -> None:
    tokens = theme.THEMES[name]
    for category in ops.DRAWERS:
        hue = tokens.drawers[category]
        assert contrast(hue, tokens.node) >= 1.5
        for taken in (tokens.value, tokens.gradient):
            apart = abs(hue.hslHue() - taken.hslHue()) % 360
            assert hue.hslSaturation() < 60 or min(apart, 360 - apart) > 20, category


def test_the_theme_is_applied_and_changed_at_run_time(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for name in ("light", "dark"):
        tokens = theme.apply(app, name)
        assert theme.current() is tokens and tokens.name == name
        assert "$" not in app.styleSheet()
        assert app.palette().window().color() == tokens.background
    assert theme.apply(app).name in theme.THEMES


def test_the_fonts_ship(qtbot: QtBot) -> None:
    assert {"Inter", "JetBrains Mono"} <= set(theme.load_fonts())
    assert theme.ui_font().family() == "Inter"
    assert theme.number_font(12).family() == "JetBrains Mono"

"""Blue and orange instead of green and vermillion: readable, told apart by whoever sees less, and used
in every part of the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hands import WORKED, middle
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from test_canvas_theme import contrast

from app.view import settings, theme, typesetting
from app.view.theme import SAFE, THEMES, Theme
from app.view.window import Window
from engine.compose import compose

# Machado, Oliveira and Fernandes (2009), whoever lacks one kind of cone altogether; linear RGB.
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
TO_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(colour: QColor, seen_by: str) -> np.ndarray:
    """CIE Lab of a colour as it is seen."""
    coded = np.array(colour.getRgbF()[:3])
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    share = TO_XYZ @ np.clip(SEEN_BY[seen_by] @ light, 0, 1) / WHITE
    cube = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])])


def apart(one: QColor, other: QColor, seen_by: str) -> float:
    """The distance CIE 1976."""
    return float(np.linalg.norm(lab(one, seen_by) - lab(other, seen_by)))


def test_the_measure_knows_black_from_white_and_grey_is_seen_alike_by_all() -> None:
    black, white, grey = QColor("#000000"), QColor("#ffffff"), QColor("#808080")
    assert apart(black, white, "everyone") == pytest.approx(100, abs=0.1)
    assert all(apart(grey, white, s) == pytest.approx(46.4, abs=0.5) for s in SEEN_BY)


@pytest.mark.parametrize("seen_by", SEEN_BY)
@pytest.mark.parametrize("tokens", SAFE.values(), ids=SAFE)
def test_value_and_gradient_are_told_apart(tokens: Theme, seen_by: str) -> None:
    assert apart(tokens.value, tokens.gradient, seen_by) >= 75
    for meant in (tokens.value, tokens.gradient):
        assert apart(meant, tokens.accent, seen_by) >= 24, "what is selected is no value"
    assert apart(tokens.gradient, tokens.error, seen_by) >= 20
    assert apart(tokens.value, tokens.negatives[0], seen_by) >= 40
    assert apart(tokens.gradient, tokens.negatives[1], seen_by) >= 40


def test_green_and_vermillion_would_not_do() -> None:
    """The check can fail, and this is what the other colours are for."""
    tokens = THEMES["dark"]
    assert apart(tokens.value, tokens.gradient, "protanopia") < 24


@pytest.mark.parametrize("tokens", SAFE.values(), ids=SAFE)
def test_text_can_be_read_on_every_ground(tokens: Theme) -> None:
    for ground in ("background", "canvas", "panel", "node"):
        for ink in ("text", "muted", "value", "gradient", "accent", "error", "warning"):
            ratio = contrast(getattr(tokens, ink), getattr(tokens, ground))
            assert ratio >= 4.7, f"{ink} on {ground}: {ratio:.2f}"
    assert contrast(tokens.on_accent, tokens.accent) >= 4.7


@pytest.mark.parametrize("name", SAFE)
def test_drawers_do_not_look_like_a_value_or_a_gradient(name: str) -> None:
    tokens = SAFE[name]
    for category, hue in tokens.drawers.items():
        for taken in (tokens.value, tokens.gradient):
            assert apart(hue, taken, "everyone") >= 16, category


@pytest.fixture
def usual() -> Iterator[None]:
    """The colours are a person's, and those of all windows: they are given back."""
    yield
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    settings.set_colours("")
    theme.apply(app, "dark", "green and vermillion")


def inks(widget: QWidget) -> set[str]:
    """The colours that are in a picture of a widget."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return {f"#{int(p) & 0xFFFFFF:06x}" for p in np.unique(pixels[:, : image.width()])}


@pytest.mark.usefixtures("usual")
@pytest.mark.parametrize("name", SAFE)
def test_every_part_of_the_window_changes(window: Window, name: str) -> None:
    if name == "light":
        window.toggle_theme()
    window.session.load(compose(WORKED, default=0.5))
    window.canvas.flush()
    window.canvas.look(window.canvas.board.content().center(), 1.0)
    window.session.seek(10)
    window.canvas.flush()
    action = window.commands.by_id["view.colours"]
    window.commands.refresh()
    assert not action.isChecked()
    action.trigger()
    assert settings.colours() == theme.current().colours == "blue and orange"
    assert theme.current() is SAFE[name]
    typesetting.finish()
    QApplication.processEvents()
    usual, safe = THEMES[name], SAFE[name]
    parts = (window.canvas.viewport(), window.explanation, window.transport, window.trace)
    for part in parts:
        seen = inks(part)
        assert safe.gradient.name() in seen, part
        for gone in (usual.value, usual.gradient):
            assert gone.name() not in seen, part
    at = middle(window.canvas, "u")
    assert window.canvas.viewport().rect().contains(at + QPoint(1, 1))
    window.commands.refresh()
    assert action.isChecked()
    window.toggle_theme()
    other = "light" if name == "dark" else "dark"
    assert theme.current() is SAFE[other] and theme.named(name) is safe, "the theme keeps them"
    window.toggle_theme()
    action.trigger()
    assert theme.current() is THEMES[name]

"""Pictures drawn from codes as one picture to be kept: originals, what is rebuilt at once, samples."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from app.text import tr
from engine.ops.row import Array
from engine.probes.sampling import Samples

CELL = 64
"""About so many points a picture is wide; a pixel of it is a whole number of points."""
GAP, BETWEEN, MARGIN, LINE = 4, 28, 20, 24
COLOURS = {
    "light": ("#ffffff", "#1b2230", "#5b6678"), "dark": ("#1b1f27", "#e7eaf0", "#9aa3b2"),
}  # fmt: skip
"""Ground, text and quiet text."""


def sheet(parts: Sequence[tuple[str, Samples]], theme: str = "light") -> bytes:
    """A PNG with a block for each title and drawing, side by side; a line of a block is a row's original,
    what was rebuilt of it, and its samples. Below each block stand the mean squared distances."""
    from PIL import Image, ImageDraw, ImageFont

    ground, ink, quiet = COLOURS[theme]
    folder = files("resources") / "fonts"
    bold, plain = (
        ImageFont.truetype(io.BytesIO((folder / f"Inter-{name}.otf").read_bytes()), size)
        for name, size in (("SemiBold", 15), ("Regular", 12))
    )
    blocks = [_block(found) for _, found in parts]
    width = 2 * MARGIN + sum(b.shape[1] for b in blocks) + BETWEEN * (len(blocks) - 1)
    high = max(b.shape[0] for b in blocks)
    picture = Image.new("RGB", (width, 2 * MARGIN + 3 * LINE + high), ground)
    draw = ImageDraw.Draw(picture)
    left = MARGIN
    for (title, found), block in zip(parts, blocks, strict=True):
        solid = np.isfinite(block)
        grey = np.where(solid, block * 255, 0).round().astype(np.uint8)
        top = MARGIN + 2 * LINE
        mask = Image.fromarray((solid * 255).astype(np.uint8))
        picture.paste(Image.fromarray(grey), (left, top), mask)
        room = block.shape[1]
        draw.text((left, MARGIN), _cut(title, bold, room), ink, bold)
        step = _side(found)[1] + GAP
        heads = [tr("original"), tr("rebuilt"), tr("samples")]
        for place, words in enumerate(heads):
            space = step if place < 2 else room - 2 * step
            at = left + place * step
            draw.text((at, MARGIN + LINE), _cut(words, plain, space), quiet, plain)
        draw.text((left, top + block.shape[0] + GAP), _cut(_said(found), plain, room), quiet, plain)
        left += room + BETWEEN
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _side(found: Samples) -> tuple[int, int]:
    """How many points a pixel is wide, and a picture."""
    wide = found.original.shape[2]
    scale = max(CELL // wide, 1)
    return scale, scale * wide


def _block(found: Samples) -> Array:
    """All pictures of a drawing from 0 to 1, NaN between them."""
    low, high = found.extent
    scale, _ = _side(found)
    lines = []
    for row, own in enumerate(found.samples):
        cells = [found.original[row], found.rebuilt[row], *own]
        shown = [np.clip((c - low) / ((high - low) or 1), 0, 1) for c in cells]
        large = [np.kron(c, np.ones((scale, scale))) for c in shown]
        padded = [np.pad(c, ((0, GAP), (0, GAP)), constant_values=np.nan) for c in large]
        lines.append(np.concatenate(padded, axis=1))
    return np.concatenate(lines)[:-GAP, :-GAP]


def distances(found: Samples) -> tuple[float, float]:
    """The mean squared distance to the originals: of what is rebuilt, of the samples."""
    return float(((found.rebuilt - found.original) ** 2).mean()), float(found.distances.mean())


def _said(found: Samples) -> str:
    rebuilt, sampled = distances(found)
    words = tr("distance to the originals: rebuilt {rebuilt}, samples {samples}")
    return words.format(rebuilt=f"{rebuilt:.4f}", samples=f"{sampled:.4f}")


def _cut(text: str, font: Any, room: float) -> str:
    """As much of a text as there is room for."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text + "…"

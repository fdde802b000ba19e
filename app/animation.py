"""Pictures one after another as an animation, in GIF or MP4."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.text import tr

MOST_FRAMES = 1000
FRAMES_A_SECOND = 10
"""Of an MP4: a picture is repeated, since players dislike less than a few a second."""
COLOURS = 200


class Cancelled(Exception):
    """What ends an animation before it is whole."""


@dataclass(frozen=True, slots=True)
class Film:
    """Pixels, how long each picture stands, and whether it begins anew (a GIF only)."""

    width: int
    height: int
    seconds: float
    loop: bool = True


def _module(name: str, install: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(
            tr("a package for this is missing; type: python -m pip install {install}").format(
                install=install
            )
        ) from None


def _gif(frames: Iterable[bytes], film: Film) -> bytes:
    image = _module("PIL.Image", "pillow")

    def pictures() -> Iterable[Any]:
        for data in frames:
            whole = image.frombytes("RGB", (film.width, film.height), data)
            yield whole.quantize(COLOURS, dither=image.Dither.NONE)

    rest = iter(pictures())
    first, stream = next(rest), io.BytesIO()
    loop = {"loop": 0} if film.loop else {}
    first.save(
        stream, "GIF", save_all=True, append_images=rest, duration=round(film.seconds * 1000),
        disposal=1, **loop,
    )  # fmt: skip
    return stream.getvalue()


def _mp4(frames: Iterable[bytes], film: Film) -> bytes:
    av, numpy = _module("av", '"gradloom[animation]"'), importlib.import_module("numpy")
    stream, count = io.BytesIO(), 0
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=FRAMES_A_SECOND)
        video.width, video.height, video.pix_fmt = film.width, film.height, "yuv420p"
        video.options = {"crf": "18", "tune": "animation"}
        for data in frames:
            pixels = numpy.frombuffer(data, numpy.uint8).reshape(film.height, film.width, 3)
            for _ in range(max(1, round(film.seconds * FRAMES_A_SECOND))):
                picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                picture.pts, picture.time_base = count, Fraction(1, FRAMES_A_SECOND)
                count += 1
                for packet in video.encode(picture):
                    container.mux(packet)
        for packet in video.encode(None):
            container.mux(packet)
    return stream.getvalue()


_KINDS: Mapping[str, Callable[[Iterable[bytes], Film], bytes]] = {".gif": _gif, ".mp4": _mp4}
_NEEDS = {".gif": ("PIL.Image", "pillow"), ".mp4": ("av", '"gradloom[animation]"')}
SUFFIXES = tuple(_KINDS)


def check(suffix: str, frames: int) -> None:
    """Raises ValueError with a sentence when no such animation can be made."""
    if suffix not in _KINDS:
        raise ValueError(tr("an animation is written as GIF or MP4; end its name in .gif or .mp4"))
    if not frames:
        raise ValueError(tr("there are no steps to show yet; wire an operator to its inputs first"))
    if frames > MOST_FRAMES:
        raise ValueError(
            tr("the animation would have {count:,} steps and {most:,} are the most; choose a part, or a "
               "smaller document").format(count=frames, most=MOST_FRAMES)
        )  # fmt: skip
    _module(*_NEEDS[suffix])


def encode(suffix: str, frames: Iterable[bytes], film: Film) -> bytes:
    """The file of a kind, `.gif` or `.mp4` (H.264). A frame is `height * width * 3` bytes of RGB.

    Whatever the frames raise ends it. Width and height of an MP4 are even. Raises ValueError when the
    package it needs is missing.
    """
    return _KINDS[suffix](frames, film)

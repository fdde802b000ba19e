"""Pictures drawn pixel by pixel from the codes of rows, beside the rows and what is made of them at once."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.initializers import generator
from engine.ops.row import Array
from engine.probes import rowwise
from engine.probes.pixelwise import Pixelwise, dependence, pixelwise, waves
from engine.train.scene import Scene

MOST_ROWS, MOST_SAMPLES = 16, 8
BEAT = 0.15
"""Seconds after which the probe answers with what there is."""
_DRAW = 14


@dataclass(frozen=True)
class Samples:
    """Rows × samples of pictures (height × width), NaN where a pixel is not drawn yet, with `distances`,
    each one's mean squared difference from its row; `original` are the rows as greys that can be drawn.

    `rebuilt` are what `rebuilt_by` makes of a row at once, `is_direct` where that is a node of its own
    and not the mean of the scores with the true pixels before each. `done` of `total` pictures have
    been followed back (`doing` "check") or pixels drawn ("draw"); `doing` is "" at the end. `step` is the
    moment it is about. `codes` are nodes that can be held: path, name, numbers.
    """

    rows: Array
    original: Array
    rebuilt: Array
    rebuilt_by: str
    is_direct: bool
    samples: Array
    distances: Array
    extent: tuple[float, float]
    labels: tuple[str, ...]
    code: str
    codes: tuple[tuple[str, str, int], ...]
    doing: str
    done: int
    total: int
    step: int
    part: str
    held: int

    @property
    def is_done(self) -> bool:
        return not self.doing


def drawn(
    scene: Scene,
    rows: Array,
    count: int = 4,
    seed: int = 0,
    temperature: float = 1.0,
    code: str = "",
    given: float = 0.0,
    may: Array | None = None,
) -> Generator[Samples, None, None]:
    """Draws `count` pictures for each row, its code held; yields what there is, as often as it goes on.

    First it is proven by gradients that no pixel's scores depend on a pixel that is not before it (LeakError
    else). Then pixel after pixel in raster order, those at once of which none depends on another: the
    same pictures as one by one. `temperature` divides the scores, at 0 the likeliest grey is taken;
    `given` is the share of a row's lines that is kept from above. A sample depends on the seed, its number
    and its row. `may` is what `dependence` has said before. Raises ValueError.
    """
    rowwise.whole("the number of samples", count, 1, MOST_SAMPLES)
    rowwise.whole("the seed", seed, 0, 2**40)
    if not 0 <= temperature <= 100:
        raise ValueError(f"the temperature is a number from 0 to 100, not {temperature!r}")
    if not 0 <= given < 1:
        raise ValueError(f"the share that is kept is at least 0 and below 1, not {given!r}")
    found = pixelwise(scene, code)
    if not len(rows):
        raise ValueError("there is no row to draw from; hold some out or choose the training rows")
    told = _told(scene, found, rows, count)
    if may is None:
        may = yield from _proof(scene, found, told)
    order = waves(may)
    drawing = _Drawing(scene, found, rows, count, seed, temperature)
    kept = int(given * found.shape[0]) * found.shape[1]
    for done in drawing.steps([w for w in (w[w >= kept] for w in order) if len(w)], kept):
        yield told("draw", done, found.count - kept, drawing)
    drawing.confirm(kept)
    yield told("", found.count - kept, found.count - kept, drawing)


def _proof(scene: Scene, found: Pixelwise, told: Any) -> Generator[Samples, None, Array]:
    """What depends on what; yields how far that is."""
    work = dependence(scene, found)
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            may: Array = end.value
            return may
        yield told("check", done, total)


class _Drawing:
    """Pictures while they are drawn: `classes` of their pixels, -1 where there is none yet."""

    def __init__(
        self, scene: Scene, found: Pixelwise, rows: Array, count: int, seed: int, temperature: float
    ) -> None:
        self._scene, self.found, self._temperature = scene, found, temperature
        self._rows = np.repeat(rows, count)
        values = scene.values([found.target, *found.held], self._rows)
        self._held = {n: values[n] for n in found.held}
        self._true = found.seen(values[found.target])
        self._chance = np.stack([
            generator(seed, _DRAW, int(row) * MOST_SAMPLES + k).random(found.count)
            for row in rows for k in range(count)
        ])  # fmt: skip
        self.classes = np.full(self._true.shape, -1)
        self._drawn_from = np.zeros((*self._true.shape, found.classes))

    def steps(self, order: list[Array], kept: int) -> Iterator[int]:
        """Draws wave after wave; yields how many pixels of a picture are there."""
        self.classes[:, :kept] = self._true[:, :kept]
        done = 0
        for pixels in order:
            scores = self._scores()[:, pixels]
            self._drawn_from[:, pixels] = scores
            self.classes[:, pixels] = self._chosen(scores, self._chance[:, pixels])
            done += len(pixels)
            yield done

    def _scores(self) -> Array:
        """Scores of all pixels given those that are there, rows × pixels × classes."""
        found, scene = self.found, self._scene
        lowest = int(np.flatnonzero(np.isfinite(found.levels))[0])
        pictures = found.levels[np.where(self.classes < 0, lowest, self.classes)]
        fed = {**found.fed(pictures.astype(scene.graph.dtype)), **self._held}
        return found.by_pixel(scene.values([found.scores], self._rows, fed)[found.scores])

    def _chosen(self, scores: Array, chance: Array) -> Array:
        """The class at which the summed probabilities pass the chance."""
        possible = np.where(np.isfinite(self.found.levels), scores, -np.inf)
        if self._temperature == 0:
            return np.asarray(possible.argmax(axis=-1))
        scaled = (possible - possible.max(axis=-1, keepdims=True)) / self._temperature
        sums = np.exp(scaled).cumsum(axis=-1)
        if not np.isfinite(sums).all():
            raise ValueError("the scores are not finite; train it again from a start that is")
        chosen = (sums <= chance[..., None] * sums[..., -1:]).sum(axis=-1)
        highest = int(np.flatnonzero(np.isfinite(self.found.levels))[-1])
        return np.asarray(np.minimum(chosen, highest))

    def confirm(self, kept: int) -> None:
        """One more pass over the whole pictures gives the scores that every pixel was drawn from."""
        scores = self._scores()[:, kept:]
        if not np.array_equal(scores, self._drawn_from[:, kept:]):
            raise ValueError(
                "the scores of a pixel changed with pixels behind it, although no gradient says so; pictures "
                "like these cannot be drawn pixel by pixel"
            )


def _told(scene: Scene, found: Pixelwise, rows: Array, count: int) -> Any:
    """What makes an answer of how far it is: all that stays the same in it is computed here."""
    net, step = found.net, scene.step
    pair = net.compared
    direct = pair[0] if pair is not None and net.nodes[pair[0]].size == found.count else ""
    values = scene.values([found.target, direct or found.scores], rows)
    original = found.greys[found.seen(values[found.target])].reshape(len(rows), *found.shape)
    if direct:
        rebuilt = values[direct].astype(np.float64)
    else:
        scores = found.by_pixel(values[found.scores])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        rebuilt = weights @ np.nan_to_num(found.greys)
    known = rowwise.labels(scene, net, rows)
    labels = tuple(known[1].names[c] if c >= 0 else "" for c in known[0]) if known else ()
    greys = found.greys[np.isfinite(found.greys)]
    inside = np.isin(rows, scene.rows("validation")).all()

    def told(doing: str, done: int, total: int, drawing: _Drawing | None = None) -> Samples:
        shape = (len(rows), count, *found.shape)
        samples, distances = np.full(shape, np.nan), np.full(shape[:2], np.nan)
        if drawing is not None:
            classes = drawing.classes
            samples = np.where(classes < 0, np.nan, found.greys[classes]).reshape(shape)
            if not doing:
                distances = ((samples - original[:, None]) ** 2).mean(axis=(2, 3))
        return Samples(
            rows, original, rebuilt.reshape(original.shape), net.nodes[direct or found.scores].name,
            bool(direct), samples, distances, (float(greys.min()), float(greys.max())), labels,
            found.code or "-", net.choices(found.codes), doing, done, total, step,
            "validation" if inside else "train", len(scene.rows("validation")),
        )  # fmt: skip

    return told


# ------------------------------------------------------------ as a probe


@dataclass
class _UnderWay:
    """A drawing that goes on from question to question, with the parameters that it began with."""

    asked: dict[str, Any]
    parameters: dict[str, Array]
    step: int
    work: Generator[Samples, None, None]
    last: Samples | None = None


def samples(
    scene: Scene,
    rows: int = 6,
    count: int = 4,
    seed: int = 0,
    temperature: float = 1.0,
    code: str = "",
    part: str = "validation",
    given: float = 0.0,
    run: int = 0,
    goes_on: bool = True,
) -> Samples:
    """What is drawn so far. The same question goes on with the drawing, for a moment each time, with the
    parameters it began with; another one, or another `run`, begins a new drawing. `goes_on` False only
    looks. Raises ValueError."""
    rowwise.whole("the number of rows", rows, 1, MOST_ROWS)
    rowwise.whole("the number of the drawing", run, 0, 10**9)
    asked: dict[str, Any] = {
        "rows": rows, "count": count, "seed": seed, "temperature": temperature, "code": code,
        "part": part, "given": given, "run": run,
    }  # fmt: skip
    known: _UnderWay | None = scene.kept.get("samples")
    if known is None or known.asked != asked:
        chosen = rowwise.part_of(part)
        if not len(scene.rows(chosen)):
            chosen = "train"
        picked = rowwise.evenly(scene.rows(chosen), rows)
        work = drawn(scene, picked, count, seed, temperature, code, given)
        known = _UnderWay(asked, dict(scene.parameters), scene.step, work)
        scene.kept["samples"] = known
    elif known.last is not None and (known.last.is_done or not goes_on):
        return known.last
    before, step = dict(scene.parameters), scene.step
    scene.at(known.parameters, known.step)
    try:
        end = time.monotonic() + BEAT
        for answer in known.work:
            known.last = answer
            if time.monotonic() > end or not goes_on:
                break
    except ValueError:
        del scene.kept["samples"]
        raise
    finally:
        scene.at(before, step)
    if known.last is None:
        raise ValueError("the drawing ended before it began; draw again")
    return known.last

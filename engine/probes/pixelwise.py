"""A picture that is predicted pixel by pixel: its scores, its code, and a proof of what depends on what."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from engine.initializers import generator
from engine.ops.row import Array
from engine.probes import row_pictures, rowwise
from engine.probes.rowwise import Network
from engine.train.scene import Scene

MOST_PIXELS = 4096
"""Of one picture; what depends on what is a table of so many lines and columns."""
_SURVEYED = 200
_MIXED = 16
_TOGETHER = 16
"""Pictures that are followed backwards at once."""
_DRAW = 13
NONE = "-"


@dataclass(frozen=True)
class Pixelwise:
    """What a document says of pictures pixel by pixel.

    `picture` is the data node, `twins` others that read the same field; through `entries` it comes to the
    `scores`: a number for each of `classes` greys a pixel, or one where there are two. Those entries are
    functions of the same pixel alone. `code` is held while pixels are drawn, empty for none; `held` are
    the nodes that do not depend on the picture then. `levels` are the greys as the data have them, `greys`
    as they come to the scores; NaN for one that no pixel of the data has. `shape` is height and width,
    raster order is that of the data's numbers.
    """

    net: Network
    picture: str
    twins: tuple[str, ...]
    entries: tuple[str, ...]
    held: tuple[str, ...]
    code: str
    codes: tuple[str, ...]
    scores: str
    target: str
    classes: int
    levels: Array
    greys: Array
    shape: tuple[int, int]

    @property
    def count(self) -> int:
        return self.shape[0] * self.shape[1]

    def fed(self, pictures: Array) -> dict[str, Array]:
        """Pictures (rows × pixels) as what the data nodes are fed."""
        shaped = pictures.reshape(len(pictures), *self.net.nodes[self.picture].shape)
        return dict.fromkeys((self.picture, *self.twins), shaped)

    def by_pixel(self, scores: Array) -> Array:
        """Scores as rows × pixels × classes, those of two greys from the one number."""
        flat = scores.reshape(len(scores), self.count, -1).astype(np.float64)
        return np.concatenate([np.zeros_like(flat), flat], axis=2) if flat.shape[2] == 1 else flat

    def seen(self, target: Array) -> Array:
        """Which grey each pixel of a target has, rows × pixels."""
        flat = target.reshape(len(target), self.count, -1)
        if flat.shape[2] > 1:
            return np.asarray(flat.argmax(axis=2))
        if self.net.nodes[self.scores].size == self.count:
            return np.asarray(flat[:, :, 0] > 0.5).astype(np.int64)
        return flat[:, :, 0].astype(np.int64)


def pixelwise(scene: Scene, code: str = "") -> Pixelwise:
    """What is predicted pixel by pixel; `code` names the node to be held, "-" none, otherwise the
    narrowest vector on the way. Raises ValueError with a sentence where nothing is."""
    net = rowwise.network(scene)
    steps = {node.step: path for path, node in net.nodes.items()}
    picture, scores, target = _compared(net, steps)
    count = net.nodes[picture].size
    if count > MOST_PIXELS:
        raise ValueError(
            f"pictures of {count:,} numbers are too large to be drawn pixel by pixel; "
            f"make them {MOST_PIXELS:,} or fewer"
        )
    twins = net.twins[picture]
    found = Pixelwise(
        net, picture, twins, (), (), "", (), scores, target,
        max(net.nodes[scores].size // count, 2), np.zeros(0), np.zeros(0), _shape(scene, net, picture),
    )  # fmt: skip
    levels = _greys(scene, found, picture)
    if np.isfinite(levels).sum() < 2:
        raise ValueError("the data's pictures have one grey only; there is nothing to be drawn")
    found = _with(found, levels=levels)
    alike = _pixel_by_pixel(scene, found)
    codes = [p for p in _codes(net, picture, scores) if _ways(found, steps, p, alike)[0]]
    chosen = net.aliases.get(code, "") if code not in ("", NONE) else ""
    if code and code != NONE and chosen not in codes:
        raise ValueError(
            "the node that was chosen as the code is no vector between the picture and its scores; "
            "choose another one"
        )
    if not code and codes:
        least = min(net.nodes[p].size for p in codes)
        chosen = [p for p in codes if net.nodes[p].size == least][-1]
    entries, held = _ways(found, steps, chosen, alike)
    if not entries:
        raise ValueError(
            f"{net.nodes[scores].name} does not depend on the pixels before; wire the picture to it "
            "through masked convolutions"
        )
    greys = _greys(scene, found, entries[0])
    return _with(found, entries=entries, held=held, code=chosen, codes=tuple(codes), greys=greys)


def _with(found: Pixelwise, **changes: object) -> Pixelwise:
    return Pixelwise(**{**found.__dict__, **changes})


def _compared(net: Network, steps: dict[str, str]) -> tuple[str, str, str]:
    """Picture, scores and target of the last loss that compares scores of each pixel with the picture."""
    expansion = net.expansion
    for flat in reversed(expansion.nodes.values()):
        if flat.op.category != "Losses" or flat.op.inputs[:2] != ("logits", "target"):
            continue
        scores, target = (steps.get(str(a), "") for a in flat.args[:2])
        if not scores or not target or not net.nodes[scores].learnt:
            continue
        above = expansion.ancestors([net.nodes[target].step])
        below = expansion.ancestors([net.nodes[scores].step])
        for picture in net.inputs:
            node, each = net.nodes[picture], net.nodes[scores]
            ways = {net.nodes[p].step for p in (picture, *net.twins[picture])}
            classes = each.size // node.size if node.size > 1 and each.size % node.size == 0 else 0
            if not classes or (classes > 1 and each.shape[-1] != classes):
                continue
            if ways & above and ways & below:
                return picture, scores, target
    raise ValueError(
        "nothing in the document predicts a picture pixel by pixel; compare scores of each pixel's greys "
        "with the picture itself in a loss that takes logits"
    )


def _shape(scene: Scene, net: Network, picture: str) -> tuple[int, int]:
    node = net.nodes[picture]
    shape = row_pictures.row_shape(scene, node)
    found = row_pictures.picture_shape(shape)
    if len(found) == 3 or len([n for n in shape if n != 1]) > 2:
        raise ValueError(f"{node.name} has several numbers a pixel; read the pictures as grey ones")
    return (found[0], found[1]) if found else (1, node.size)


def _greys(scene: Scene, found: Pixelwise, node: str) -> Array:
    """What a node has at pixels of each class: the middle number, NaN where no pixel is of it."""
    rows = rowwise.evenly(scene.rows(), _SURVEYED)
    values = scene.values([node, found.target], rows)
    pixels = values[node].reshape(-1)
    classes = found.seen(values[found.target]).reshape(-1)
    levels = np.full(found.classes, np.nan)
    for number in range(found.classes):
        of = np.sort(pixels[classes == number])
        if len(of):
            levels[number] = of[len(of) // 2]
    return levels


def _drawn(found: Pixelwise, random: np.random.Generator, count: int) -> Array:
    """So many pictures of random greys, rows × pixels."""
    return random.choice(found.levels[np.isfinite(found.levels)], (count, found.count))


def _pixel_by_pixel(scene: Scene, found: Pixelwise) -> dict[str, str]:
    """Nodes by step that are functions of the picture's same pixel alone: of two pictures mixed pixel by
    pixel, they are the mixture of what they are of the two, exactly and for each of many mixtures."""
    net = found.net
    own = {net.nodes[p].step: p for p in (found.picture, *found.twins)}
    below = _below(net, set(own), net.expansion.ancestors([net.nodes[found.scores].step]))
    tried = [
        p for p, n in net.nodes.items() if n.step in below and not n.learnt and n.size == found.count
    ]  # fmt: skip
    random = generator(0, _DRAW)
    one, other = _drawn(found, random, _MIXED), _drawn(found, random, _MIXED)
    mask = random.random((_MIXED, found.count)) < 0.5
    fed = found.fed(
        np.concatenate([one, other, np.where(mask, one, other)]).astype(scene.graph.dtype)
    )
    rows = np.resize(scene.rows(limit=1), 3 * _MIXED)
    made = scene.values(tried, rows, fed) if tried else {}
    alike = dict(own)
    for path in tried:
        first, second, mixed = made[path].reshape(3, _MIXED, found.count)
        if np.array_equal(mixed, np.where(mask, first, second)):
            alike[net.nodes[path].step] = path
    return alike


def _below(net: Network, start: Iterable[str], among: set[str]) -> set[str]:
    """The steps among these that depend on one of `start`, themselves among them."""
    found = set(start)
    for step, flat in net.expansion.nodes.items():
        if step in among and any(a in found for a in flat.args):
            found.add(step)
    return found


def _codes(net: Network, picture: str, scores: str) -> list[str]:
    """Vectors between the picture and its scores that parameters have a part in."""
    above = net.expansion.ancestors([net.nodes[scores].step])
    below = _below(net, {net.nodes[p].step for p in (picture, *net.twins[picture])}, above)
    size = net.nodes[picture].size
    return [
        p for p, n in net.nodes.items()
        if n.step in below and n.learnt and len(n.shape) == 1 and n.size < size and p != scores
    ]  # fmt: skip


def _ways(
    found: Pixelwise, steps: dict[str, str], code: str, alike: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """With the code held, the nodes through which the picture comes to its scores, and those beside
    them that do not depend on it."""
    net, nodes = found.net, found.net.expansion.nodes
    wall = {net.nodes[code].step} if code else set[str]()
    above, work = set[str](), [net.nodes[found.scores].step]
    while work:
        step = work.pop()
        if step not in above:
            above.add(step)
            if step not in wall:
                work += [a for a in nodes[step].args if isinstance(a, str)]
    start = {net.nodes[p].step for p in (found.picture, *found.twins)} & above
    below = _below(net, start, above - wall)
    entries: dict[str, None] = {}
    held: dict[str, None] = {}
    for step in (s for s in nodes if s in below and s not in alike):
        for arg in (a for a in nodes[step].args if isinstance(a, str)):
            if arg in alike and arg in below:
                entries[alike[arg]] = None
            elif arg not in below and arg in steps and not nodes[arg].op.is_source:
                held[steps[arg]] = None
    return tuple(entries), tuple(held)


# ------------------------------------------------------------ what depends on what


class LeakError(ValueError):
    """The scores of `pixel` depend on the pixel `on`, which is not before it (both by number)."""

    def __init__(self, text: str, pixel: int, on: int) -> None:
        super().__init__(text)
        self.pixel, self.on = pixel, on


Share = tuple[int, int]
"""How many pictures have been followed backwards, and of how many."""


def dependence(scene: Scene, found: Pixelwise) -> Generator[Share, None, Array]:
    """Which pixels' scores may depend on which pixels: pixels × pixels of truth values, by gradients.

    A pair is False where the gradient of a score of the first pixel by the second is exactly 0, for all
    pairs with the second not before the first. Gradients of several pixels are taken at once, with random
    weights, and zero in their sum: first of whole lines of a picture by what is below them, then of
    pixels of one column so far apart that none sees another's line. Where a sum is not zero each pixel
    is followed on its own. Yields how far it is; raises LeakError at the first pair that leaks.
    """
    height, width = found.shape
    count, ask = found.count, _Backward(scene, found)
    may = np.ones((count, count), bool)
    corners = {(height - 1) * width + c for c in (0, width // 2, width - 1)}
    reach = 0
    for pixel, nonzero in zip(sorted(corners), ask([[p] for p in sorted(corners)]), strict=True):
        lines = np.flatnonzero(nonzero) // width
        reach = max(reach, pixel // width - int(lines.min(initial=pixel // width)))
    apart = min(reach + 1, height)
    sets = [[line * width + c for c in range(width)] for line in range(height - 1)]
    sets += [
        [line * width + c for line in range(first, height, apart)]
        for c in range(width) for first in range(apart)
    ]  # fmt: skip
    for at in range(0, len(sets), _TOGETHER):
        part = sets[at : at + _TOGETHER]
        yield at, len(sets)
        for chosen, nonzero in zip(part, ask(part), strict=True):
            may[np.ix_(np.array(chosen), np.flatnonzero(~nonzero))] = False
    doubtful = [[i] for i in range(count) if may[i, i:].any()]
    for at in range(0, len(doubtful), _TOGETHER):
        part = doubtful[at : at + _TOGETHER]
        yield at, len(doubtful)
        for (pixel,), nonzero in zip(part, ask(part), strict=True):
            if nonzero[pixel:].any():
                on = pixel + int(np.flatnonzero(nonzero[pixel:])[0])
                raise LeakError(_leak(found, pixel, on), pixel, on)
            may[pixel, ~nonzero] = False
    return may


def _leak(found: Pixelwise, pixel: int, on: int) -> str:
    width = found.shape[1]
    first, second = divmod(pixel, width), divmod(on, width)
    name = found.net.nodes[found.scores].name
    whose = (
        "itself" if pixel == on else f"the pixel [{second[0]}, {second[1]}], which is not before it"
    )
    return (
        f"{name} at the pixel [{first[0]}, {first[1]}] depends on {whose}; mask the first convolution "
        "with type A and the others with type B"
    )


class _Backward:
    """Follows scores of chosen pixels back to the picture: which pixels have a gradient that is not 0."""

    def __init__(self, scene: Scene, found: Pixelwise) -> None:
        self._scene, self._found = scene, found
        random = generator(1, _DRAW)
        dtype = scene.graph.dtype
        rows = np.resize(rowwise.evenly(scene.rows(), _TOGETHER), _TOGETHER)
        pictures = _drawn(found, random, _TOGETHER).astype(dtype)
        held = scene.values(found.held, rows) if found.held else {}
        entries = scene.values(found.entries, rows, found.fed(pictures))
        self._fed = {**found.fed(pictures), **held, **entries}
        self._rows = rows
        node = found.net.nodes[found.scores]
        self._weights = random.standard_normal((_TOGETHER, *node.shape)).astype(dtype)

    def __call__(self, sets: list[list[int]]) -> Array:
        """For each set of pixels, rows × pixels: where the gradient is not exactly 0."""
        found = self._found
        mask = np.zeros((_TOGETHER, found.count, 1), bool)
        for number, chosen in enumerate(sets):
            mask[number, chosen] = True
        weights = self._weights.reshape(_TOGETHER, found.count, -1) * mask
        gradients = self._scene.gradients(
            found.entries, self._rows, found.scores, self._fed,
            weights.reshape(self._weights.shape),
        )  # fmt: skip
        nonzero = np.zeros((_TOGETHER, found.count), bool)
        for gradient in gradients.values():
            if not np.isfinite(gradient).all():
                name = found.net.nodes[found.scores].name
                raise ValueError(
                    f"the gradients of {name} are not finite; reset its parameters or train it anew"
                )
            nonzero |= gradient.reshape(_TOGETHER, found.count) != 0
        return nonzero[: len(sets)]


def waves(may: Array) -> list[Array]:
    """Pixels that can be drawn at once, in order: each depends on pixels of earlier waves alone."""
    level = np.zeros(len(may), np.int64)
    for pixel in range(len(may)):
        level[pixel] = 1 + level[:pixel][may[pixel, :pixel]].max(initial=-1)
    return [np.flatnonzero(level == n) for n in range(int(level.max(initial=0)) + 1)]


def proven(scene: Scene, found: Pixelwise) -> Array:
    """What `dependence` returns, awaited. Raises LeakError as it does."""
    work = dependence(scene, found)
    while True:
        try:
            next(work)
        except StopIteration as end:
            may: Array = end.value
            return may

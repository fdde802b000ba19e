"""Places that line nodes up, spread them, and make room for a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.graph import Graph

Area = tuple[float, float, float, float]
"""Left, top, width and height in scene units."""
Places = dict[str, tuple[float, float]]
GAP = 48.0
"""Free ground between a node put on a wire and those beside it."""

_SIDES: dict[str, Callable[[Area, Area], tuple[float, float]]] = {
    "left": lambda a, b: (b[0], a[1]),
    "centred": lambda a, b: (b[0] + (b[2] - a[2]) / 2, a[1]),
    "right": lambda a, b: (b[0] + b[2] - a[2], a[1]),
    "top": lambda a, b: (a[0], b[1]),
    "level": lambda a, b: (a[0], b[1] + (b[3] - a[3]) / 2),
    "bottom": lambda a, b: (a[0], b[1] + b[3] - a[3]),
}
SIDES = tuple(_SIDES)


def align(areas: Mapping[str, Area], side: str) -> Places:
    """Places at one side (of SIDES) of the rectangle around all areas."""
    left, top = min(a[0] for a in areas.values()), min(a[1] for a in areas.values())
    right = max(a[0] + a[2] for a in areas.values())
    bottom = max(a[1] + a[3] for a in areas.values())
    around = (left, top, right - left, bottom - top)
    return {key: _SIDES[side](area, around) for key, area in areas.items()}


def distribute(areas: Mapping[str, Area], axis: int) -> Places:
    """Places with equal gaps across (axis 0) or down (1); the outermost two stay."""
    order = sorted(areas, key=lambda key: (areas[key][axis] + areas[key][2 + axis] / 2, key))
    start = areas[order[0]][axis]
    last = areas[order[-1]]
    free = last[axis] + last[2 + axis] - start - sum(areas[key][2 + axis] for key in order)
    gap = free / max(len(order) - 1, 1)
    places: Places = {}
    at = start
    for key in order:
        x, y, *_ = areas[key]
        places[key] = (at, y) if axis == 0 else (x, at)
        at += areas[key][2 + axis] + gap
    return places


def beside(source: Area, new: Area) -> tuple[float, float]:
    """The place of a node put on a wire: free of the node that the wire comes from."""
    x, y, width, height = new
    covers = y < source[1] + source[3] and source[1] < y + height
    right = source[0] + source[2] + GAP
    return (max(x, right) if covers and x + width > source[0] else x), y


def make_room(graph: Graph, areas: Mapping[str, Area], new: Area, target: str) -> Places:
    """Places of the nodes that have to move right so that a node before `target` stands free.

    `target` goes with everything behind it that stands to its right, by the same way.
    """
    needed = new[0] + new[2] + GAP - areas[target][0]
    if needed <= 0 or areas[target][0] + areas[target][2] <= new[0]:
        return {}
    left = areas[target][0]
    behind = {n for n in graph.descendants(target) if n in areas and areas[n][0] >= left} | {target}
    return {n: (areas[n][0] + needed, areas[n][1]) for n in sorted(behind)}


def give_way(areas: Mapping[str, Area], old: Area, new: Area) -> Places:
    """Places of what stands around a rectangle that grows to the right, up and down: everything to its
    right goes right, what is above or below goes up or down."""
    right, down = new[2] - old[2], (new[3] - old[3]) / 2
    places: Places = {}
    for key, (x, y, width, _) in areas.items():
        if x >= old[0] + old[2]:
            places[key] = (x + max(right, 0.0), y)
        elif x + width > old[0] and down > 0:
            places[key] = (x, y + (down if y > old[1] else -down))
    return places

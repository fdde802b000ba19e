"""Rows of data as pictures: what shape they have, and the arrays that are painted."""

from __future__ import annotations

import math

import numpy as np

from engine.ops.row import Array
from engine.probes.rowwise import Network, RowNode
from engine.shapes import Shape
from engine.train.scene import Scene


def picture_shape(shape: Shape, width: int = 0) -> Shape:
    """How one row's numbers are a picture: rows × columns, or × 3 for colours; () when they are none.

    Flat ones are square, or as wide as told; of colours, one channel after the other.
    """
    shape = tuple(n for n in shape if n != 1)
    size = math.prod(shape)
    if width and size % width == 0:
        return (size // width, width)
    if len(shape) == 2 and min(shape) >= 2:
        return shape
    if len(shape) == 3:
        if shape[0] == 3 or shape[2] == 3:
            return (*(shape[1:] if shape[0] == 3 else shape[:2]), 3)
        return (shape[1], shape[0] * shape[2])  # other channels stand side by side
    side = math.isqrt(size)
    if len(shape) == 1 and side >= 3 and side * side == size:
        return (side, side)
    side = math.isqrt(size // 3)
    if len(shape) == 1 and side >= 8 and 3 * side * side == size:
        return (side, side, 3)
    return ()


def row_shape(scene: Scene, node: RowNode) -> Shape:
    """A row's shape; that of the data's pictures where it has as many numbers in a row."""
    told = scene.dataset.picture if scene.dataset is not None else None
    flat = len([n for n in node.shape if n != 1]) == 1
    return tuple(told) if told is not None and flat and math.prod(told) == node.size else node.shape


def input_shape(scene: Scene, net: Network) -> Shape:
    """The shape of a row's features: that of the input, flat where there are several."""
    if len(net.inputs) != 1:
        return (net.width,)
    return row_shape(scene, net.nodes[net.inputs[0]])


def pictures(values: Array, shape: Shape, width: int = 0) -> Array:
    """Rows of numbers as pictures, rows × `picture_shape`; as rows of numbers when they are none."""
    count, found = len(values), picture_shape(shape, width)
    kept = tuple(n for n in shape if n != 1)
    if not found:
        return values.reshape(count, -1)
    if width and len(found) == 2 and found[1] == width:
        return values.reshape(count, *found)
    if len(found) == 3:
        if len(kept) == 1 or kept[0] == 3:
            return np.moveaxis(values.reshape(count, 3, *found[:2]), 1, -1)
        return values.reshape(count, *found)
    if len(kept) == 3:
        return np.moveaxis(values.reshape(count, *kept), 1, 2).reshape(count, *found)
    return values.reshape(count, *found)

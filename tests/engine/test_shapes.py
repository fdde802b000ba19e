"""Shape rules: what fits, and messages that name the dimension and what would mend it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine.compose import compose
from engine.evaluate import evaluate
from engine.shapes import (
    ShapeError,
    Spec,
    axes_of,
    broadcast,
    matmul,
    reduced,
    reshaped,
    shape_text,
)

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (3, 2), (4, 2, 3), (4, 1, 1), (0, 3)]


@pytest.mark.parametrize(("a", "b"), list(product(SHAPES, SHAPES)))
def test_broadcasting_is_numpys(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast(a, b)
    else:
        assert broadcast(a, b) == expected


@pytest.mark.parametrize(("a", "b"), list(product(SHAPES, SHAPES)))
def test_matrix_products_are_numpys(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.matmul(np.zeros(a), np.zeros(b)).shape
    except ValueError:
        with pytest.raises(ShapeError):
            matmul({}, Spec(a), Spec(b))
    else:
        assert matmul({}, Spec(a), Spec(b)).shape == expected


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3)])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, -1), (), 2, 5, (0, 0), 1.5, True])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_are_numpys(shape: tuple[int, ...], axis: object, keepdims: bool) -> None:
    try:
        if isinstance(axis, bool | float):
            raise TypeError  # NumPy takes True for 1; a formula does not
        expected = np.sum(np.zeros(shape), axis=axis, keepdims=keepdims).shape
    except (ValueError, TypeError):
        with pytest.raises(ShapeError):
            axes_of(axis, len(shape))
    else:
        assert reduced(shape, axis, keepdims) == expected


@pytest.mark.parametrize(
    ("shape", "target"),
    [((2, 3), (3, 2)), ((2, 3), (-1,)), ((2, 3), (3, -1)), ((), (1, 1)), ((2, 3), 6), ((2, 3), (4, 2)),
     ((2, 3), (-1, -1)), ((2, 3), (-1, 4)), ((0, 3), (-1, 0)), ((0, 3), (0, 5)), ((2, 3), (-2, 3))],
)  # fmt: skip
def test_reshape_is_numpys(shape: tuple[int, ...], target: object) -> None:
    try:
        expected = np.zeros(shape).reshape(target).shape
        if isinstance(target, tuple) and min(target) < -1:
            raise ValueError
    except ValueError:
        with pytest.raises(ShapeError):
            reshaped(shape, target)
    else:
        assert reshaped(shape, target) == expected


def fault(program: str, **shapes: tuple[int, ...]) -> str:
    graph = compose(program, {name: np.zeros(shape) for name, shape in shapes.items()})
    messages = list(evaluate(graph).faults.values())
    assert len(messages) == 1
    return messages[0]


@pytest.mark.parametrize(
    ("program", "shapes", "parts"),
    [
        (
            "y = a + b", {"a": (2, 3), "b": (2,)},
            ["y:", "2×3 and 2", "the last dimension is 3 in one and 2", "reshape the vector to a column"],
        ),
        (
            "y = a * b", {"a": (2, 3), "b": (3, 2)},
            ["transposing one of them with T would fit"],
        ),
        (
            "y = a - b", {"a": (4, 3), "b": (5, 3)},
            ["dimension -2", "4 in one and 5 in the other", "make them equal or 1"],
        ),
        (
            "y = a @ b", {"a": (2, 3), "b": (2, 4)},
            ["2×3 @ 2×4", "3 columns on the left, 2 rows on the right", "T(a) @ b"],
        ),
        (
            "y = a @ b", {"a": (2, 3), "b": (4, 3)},
            ["a @ T(b)"],
        ),
        (
            "y = a @ b", {"a": (2, 3), "b": (5,)},
            ["give the right side 3 rows"],
        ),
        (
            "y = a @ 2", {"a": (2, 3)},
            ["not a number", "use * instead"],
        ),
        (
            "y = T(a)", {"a": (3,)},
            ["reshape(x, (1, -1))"],
        ),
        (
            "y = sum(a, axis=2)", {"a": (2, 3)},
            ["no axis 2", "axes 0 to 1"],
        ),
        (
            "y = max(a, axis=0)", {"a": ()},
            ["single number"],
        ),
        (
            "y = max(a)", {"a": (0,)},
            ["no entries", "at least one row"],
        ),
        (
            "y = reshape(a, (4, 2))", {"a": (2, 3)},
            ["6 numbers cannot become 4×2, which holds 8"],
        ),
        (
            "y = reshape(a, (4, -1))", {"a": (2, 3)},
            ["6 numbers do not fill (4, -1)"],
        ),
        (
            "y = concat(a, b)", {"a": (2, 3), "b": (2, 4)},
            ["2×3 and 2×4", "axis 0"],
        ),
        (
            "y = a[3]", {"a": (2, 3)},
            ["index 3", "size 2"],
        ),
        (
            "y = a[0, 0, 0]", {"a": (2, 3)},
            ["has 2 of the 3 axes that are indexed"],
        ),
        (
            "y = a[::0]", {"a": (2,)},
            ["a step of 0"],
        ),
        (
            "y = mse(a, b)", {"a": (3, 1), "b": (3,)},
            ["prediction 3×1 and target 3", "reshape the target to (3, 1)"],
        ),
        (
            "y = softmax_cross_entropy(a, b)", {"a": (4, 3), "b": (5,)},
            ["4×3 (one-hot) or 4 (class indices), not 5"],
        ),
        (
            "y = outer(a, b)", {"a": (3, 1), "b": (3,)},
            ["two vectors"],
        ),
        (
            "y = softmax(a)", {"a": ()},
            ["give it a vector"],
        ),
        (
            "y = accuracy(a, b)", {"a": (4, 3), "b": (5,)},
            ["one class index a row"],
        ),
        (
            "y = permute(a, axes=(0, 0))", {"a": (2, 3)},
            ["axes (0, 0) do not name each axis of 2×3 once", "they are 0, 1"],
        ),
        ("y = diagonal(a)", {"a": (3,)}, ["a diagonal needs a matrix"]),
        ("y = trace(a)", {"a": (3,)}, ["a diagonal needs a matrix"]),
        ("y = inverse(a)", {"a": (2, 3)}, ["2×3 is not a square matrix", "as many rows as columns"]),
        ("y = det(a)", {"a": (3,)}, ["3 is not a square matrix"]),
        (
            "y = solve(a, b)", {"a": (3, 3), "b": (2,)},
            ["3 equations need 3 right sides, not 2", "give the right side 3 rows"],
        ),
        ("y = norm(a, order=3)", {"a": (3,)}, ["no norm of order 3", "use 1, 2 or inf"]),
        ("y = norm(a, order=inf)", {"a": (0,)}, ["no largest of no entries"]),
        ("y = var(a, correction=2)", {"a": (3,)}, ["correction is 0 or 1, not 2"]),
        ("y = argmax(a, axis=(0, 1))", {"a": (2, 3)}, ["along one axis"]),
        ("y = cumsum(a)", {"a": ()}, ["no axis 0", "single number"]),
        (
            "y = broadcast_to(a, (2, 4))", {"a": (2, 3)},
            ["2×3 cannot be repeated to 2×4", "axes that grow must have size 1"],
        ),
        ("y = squeeze(a, 0)", {"a": (2, 1)}, ["axis 0 of 2×1 is not of size 1"]),
        ("y = unsqueeze(a, 3)", {"a": (2, 1)}, ["no axis 3", "axes 0 to 2"]),
        ("y = stack(a, b)", {"a": (2,), "b": (3,)}, ["2 and 3 cannot be stacked", "use concat"]),
        ("y = split(a, 2)", {"a": (3,)}, ["3 entries cannot be cut into 2 equal parts"]),
        ("y = split(a, 3, 3)", {"a": (3,)}, ["no part 3", "the parts are 0 to 2"]),
        ("y = pad(a, (1, 2, 3))", {"a": (3, 2)}, ["3 widths are given for 2 axes", "or 4"]),
        ("y = pad(a, 3, mode='reflect')", {"a": (3,)}, ["3 entries can mirror fewer than 3"]),
        ("y = tile(a, (2, -1))", {"a": (3,)}, ["whole numbers of 0 or more"]),
        ("y = gather(a, b)", {"a": (3,), "b": (3, 1)}, ["indices 3×1 do not fit 3"]),
        (
            "y = scatter_add(a, b, c)", {"a": (3,), "b": (2,), "c": (1,)},
            ["indices 2 and source 1 differ in shape"],
        ),
        ("y = a[b]", {"a": (0, 2), "b": (1,)}, ["no entries to pick from"]),
        ("y = a[b, c]", {"a": (3, 2), "b": (2,), "c": (3,)}, ["2 and 3 do not fit"]),
        ("y = einsum(a, b, subscripts='ij,jk')", {"a": (2, 3), "b": (2, 3)}, ["axis 'j' has size 3"]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_messages_say_what_disagrees_and_what_mends_it(
    program: str, shapes: dict[str, tuple[int, ...]], parts: list[str]
) -> None:
    message = fault(program, **shapes)
    for part in parts:
        assert part in message
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize("hint", ["T(a) @ b", "a @ T(b)", "reshape(b, (-1, 1)) + a"])
def test_the_fix_that_a_message_names_works(hint: str) -> None:
    shapes = {"T(a) @ b": ((2, 3), (2, 4)), "a @ T(b)": ((2, 3), (4, 3))}.get(hint, ((2, 3), (2,)))
    graph = compose(hint, {"a": np.zeros(shapes[0]), "b": np.zeros(shapes[1])})
    assert not evaluate(graph).faults


def test_shapes_as_text() -> None:
    assert shape_text((3, 4)) == "3×4"
    assert shape_text(()) == "()"

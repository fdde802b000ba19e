"""Drawer "Losses": margins, likeness of vectors, and penalties on parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.losses import class_indices, mean_of, rows_of
from engine.ops.row import Case, Domain, Op, Option, returns
from engine.shapes import Options, ShapeError, Spec, axes_of, reduced, shape_text

SMALLEST_NORM = 1e-8
"""A shorter vector counts as this long, so that the likeness of a zero vector is 0."""


def _margin(words: str) -> Option:
    return Option("margin", 1.0, "float", words)


def _equal(options: Options, *operands: Spec) -> Spec:
    """Operands of one shape; the result is a single number."""
    shapes = {s.shape for s in operands}
    if len(shapes) > 1:
        listed = " and ".join(shape_text(s.shape) for s in operands)
        raise ShapeError(f"{listed} differ in shape", "give all of them the same")
    return Spec()


def _vectors(options: Options, *operands: Spec) -> Spec:
    if not all(s.rank and s.shape[-1] for s in operands):
        raise ShapeError("only vectors have a length and a direction", "give it vectors")
    return _equal(options, *operands)


def _similarity_shape(options: Options, a: Spec, b: Spec) -> Spec:
    _equal(options, a, b)
    if a.rank == 0:
        raise ShapeError("only vectors have a direction", "give it vectors")
    (axis,) = axes_of(options["axis"], a.rank)
    if not a.shape[axis]:
        raise ShapeError("vectors without entries have no direction", "give at least one")
    return Spec(reduced(a.shape, axis, False))


def _indices(options: Options, scores: Spec, target: Spec) -> Spec:
    if scores.rank == 0 or scores.shape[-1] == 0 or target.shape != scores.shape[:-1]:
        wanted = shape_text(scores.shape[:-1]) if scores.rank else "rows"
        raise ShapeError(
            f"scores {shape_text(scores.shape)} and target {shape_text(target.shape)} do not go "
            "together",
            f"give a row of scores for each class index, the target {wanted}",
        )
    return Spec((), "float", frozenset({"target"}))


def _hinge(options: Options, scores: Any, target: Any) -> Any:
    return mean_of(np.maximum(options["margin"] - scores * target, 0.0))


def _multi_margin(options: Options, scores: Any, target: Any) -> Any:
    indices = class_indices(target, scores.shape[-1])[..., None]
    short = options["margin"] - np.take_along_axis(scores, indices, -1) + scores
    np.put_along_axis(short, indices, 0.0, -1)
    return mean_of(np.maximum(short, 0.0))


def _similarity(options: Options, a: Any, b: Any) -> Any:
    axis = options.get("axis", -1)
    lengths = [np.maximum(np.linalg.norm(v, axis=axis), SMALLEST_NORM) for v in (a, b)]
    return np.sum(a * b, axis=axis) / lengths[0] / lengths[1]


def _triplet(options: Options, anchor: Any, positive: Any, negative: Any) -> Any:
    near = np.linalg.norm(anchor - positive, axis=-1)
    far = np.linalg.norm(anchor - negative, axis=-1)
    return mean_of(np.maximum(near - far + options["margin"], 0.0))


def _toward(a: str, b: str, axis: str, upstream: str) -> str:
    """The derivative of the likeness of two vectors by the first, as formula text.

    With unit vectors u and v it is (v - (u v) u) / |a|; the second term is 0 where |a| is clamped.
    """
    least = SMALLEST_NORM**2
    total = f"axis={axis}, keepdims=True"
    squares = {v: f"maximum(sum({v}^2, {total}), {least!r})" for v in (a, b)}
    length = {v: f"sqrt({squares[v]})" for v in (a, b)}
    along = f"(sum({a} * {b}, {total}) / {length[a]} / {length[b]})"
    free = f"(sum({a}^2, {total}) > {least!r})"
    return f"{upstream} * ({b} / {length[a]} / {length[b]} - {along} * {free} * {a} / {squares[a]})"


def _distance(other: str) -> str:
    return f"sqrt(sum((anchor - {other})^2, axis=-1, keepdims=True))"


def _direction(other: str) -> str:
    """The unit vector from an operand to the anchor; 0 where the two are equal."""
    square = f"sum((anchor - {other})^2, axis=-1, keepdims=True)"
    return f"(anchor - {other}) / sqrt(where({square} == 0, 1, {square}))"


def _some(options: Options, w: Spec) -> Spec:
    if not w.size:
        raise ShapeError("there is no largest of no entries", "give at least one")
    return Spec()


def _row(name: str, doc: str, derivative: dict[str, str], kernel: Any, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Losses", "analytic": True, "inputs": tuple(derivative), **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, kernel=returns(kernel), **fields)


_SHORT = "(scores * target < margin)"
_PICKED = "sum(as_one_hot(target, scores) * scores, axis=-1, keepdims=True)"
_OTHERS = f"((margin - {_PICKED} + scores > 0) * (1 - as_one_hot(target, scores)))"
_ACTIVE = f"({_distance('positive')} - {_distance('negative')} + margin > 0)"
_SHARE = f"g / {rows_of('anchor')} * {_ACTIVE}"
_SIGNS = {"scores": (0.4, -1.8, 0.2, 1.7), "target": (1.0, -1.0, -1.0, 1.0)}
_SCORES = ((0.3, 1.1, -0.4), (2.2, 0.5, 1.5), (-0.2, 0.1, 3.0))
_TIED = "(abs(w) == y)"

ROWS = (
    _row(
        "hinge", "The mean over entries of how far a score falls short of its target -1 or 1.",
        {
            "scores": f"g * (-target * {_SHORT} / size(scores))",
            "target": f"g * (-scores * {_SHORT} / size(scores))",
        },
        _hinge, shape=_equal, formula="mean(where(scores * target < margin, margin - scores * target, 0))",
        latex=r"\mathrm{hinge}\left(<0>, <1>\right)",
        scalar=lambda options: lambda x, t: max(options["margin"] - x * t, 0.0),
        options=(_margin("How far a score should be on its target's side of 0."),),
        aliases=("svm", "classification", "margin"),
        cases=(
            Case(((4,), (4,)), values=_SIGNS), Case(((4,), (4,)), {"margin": 0.5}, _SIGNS),
            Case(((), ()), values={"scores": 0.3, "target": 1.0}),
        ), flat="satisfied",
    ),
    _row(
        "multi_margin",
        "The mean over entries of how far other classes' scores come within a margin of the target's.",
        {
            "scores": f"g * (({_OTHERS} - as_one_hot(target, scores) "
            f"* sum({_OTHERS}, axis=-1, keepdims=True)) / size(scores))",
            "target": "none",
        },
        _multi_margin, shape=_indices, label="multiclass hinge",
        formula=f"sum(where(margin - {_PICKED} + scores > 0, margin - {_PICKED} + scores, 0) "
        "* (1 - as_one_hot(target, scores))) / size(scores)",
        latex=r"\mathrm{margin}\left(<0>, <1>\right)", calls=("multiclass_hinge",),
        options=(_margin("How far the target's score should be above the others."),),
        aliases=("svm", "classification", "hinge"),
        cases=(
            Case(((3, 3), (3,)), values={"scores": _SCORES, "target": (0, 0, 1)}),
            Case(((3, 3), (3,)), {"margin": 0.5}, {"scores": _SCORES, "target": (0, 0, 1)}),
            Case(((3,), ()), values={"scores": _SCORES[0], "target": 2}),
        ), flat="satisfied",
    ),
    _row(
        "cosine_similarity", "The cosine of the angle between vectors along an axis; 0 for a zero vector.",
        {
            "a": _toward("a", "b", "axis", "expand_as(g, a, axis=axis)"),
            "b": _toward("b", "a", "axis", "expand_as(g, a, axis=axis)"),
        },
        _similarity, shape=_similarity_shape, label="cosine similarity",
        formula="sum(a * b, axis=axis) / sqrt(maximum(sum(a^2, axis=axis), 1e-16)) "
        "/ sqrt(maximum(sum(b^2, axis=axis), 1e-16))",
        latex=r"\cos\left(<0>, <1>\right)", aliases=("angle", "likeness", "embedding"),
        options=(Option("axis", -1, "int", "The axis along which the vectors lie."),),
        cases=(
            Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((3, 2), (3, 2)), {"axis": 0}),
            Case(((2, 3, 2), (2, 3, 2)), {"axis": 1}),
        ),
    ),
    _row(
        "cosine_loss", "The mean over rows of 1 less the cosine of prediction and target.",
        {
            "prediction": _toward("prediction", "target", "-1", f"-g / {rows_of('prediction')}"),
            "target": _toward("target", "prediction", "-1", f"-g / {rows_of('prediction')}"),
        },
        lambda o, p, t: mean_of(1.0 - _similarity(o, p, t)), shape=_vectors, label="cosine loss",
        formula="mean(1 - cosine_similarity(prediction, target))",
        latex=r"\mathrm{cosine}\left(<0>, <1>\right)", aliases=("angle", "likeness", "embedding"),
        cases=(Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((2, 1, 3), (2, 1, 3)))),
    ),
    _row(
        "triplet", "The mean over rows of how far an anchor is not nearer to its like by a margin.",
        {
            "anchor": f"{_SHARE} * ({_direction('positive')} - {_direction('negative')})",
            "positive": f"-{_SHARE} * ({_direction('positive')})",
            "negative": f"{_SHARE} * ({_direction('negative')})",
        },
        _triplet, shape=_vectors,
        formula=f"mean(where({_ACTIVE}, {_distance('positive')} - {_distance('negative')} + margin, 0))",
        latex=r"\mathrm{triplet}\left(<0>, <1>, <2>\right)",
        options=(_margin("How much nearer the like should be than the unlike."),),
        aliases=("embedding", "distance", "metric learning"), calls=("triplet_margin",),
        domain={"negative": Domain(2.5, 4.0)},
        cases=(
            Case(((2, 3), (2, 3), (2, 3)), {"margin": 9.0}), Case(((3,), (3,), (3,)), {"margin": 9.0}),
            Case(
                ((2, 2), (2, 2), (2, 2)),
                values={
                    "anchor": ((0.1, 0.2), (-0.5, 1.0)), "positive": ((1.3, 0.7), (-0.4, 0.8)),
                    "negative": ((0.9, -0.4), (2.0, 2.5)),
                },
            ),
        ), flat="satisfied",
    ),
    _row(
        "l1", "The sum of absolute values: a penalty that drives parameters to 0.",
        {"w": "g * sign(w)"}, lambda o, w: np.sum(np.abs(w)), shape=lambda o, w: Spec(), scalar=abs,
        formula="sum(abs(w))", label="L1 penalty", latex=r"\left\|<0>\right\|_1",
        aliases=("lasso", "penalty", "regularization"), domain={"w": Domain(kinks=(0.0,))},
        cases=(Case(((2, 3),)), Case(((),))),
    ),
    _row(
        "l2", "The sum of squares: a penalty that keeps parameters small.",
        {"w": "g * (2 * w)"}, lambda o, w: np.sum(np.square(w)), shape=lambda o, w: Spec(),
        scalar=lambda w: w * w, formula="sum(w^2)", label="L2 penalty",
        latex=r"\left\|<0>\right\|_2^2",
        aliases=("ridge", "decay", "penalty", "regularization"),
        cases=(Case(((2, 3),)), Case(((),))),
    ),
    _row(
        "max_norm", "The largest absolute value: a penalty on the largest parameter; ties share it.",
        {"w": f"g * (sign(w) * {_TIED} / sum({_TIED}))"},
        lambda o, w: np.max(np.abs(w)), shape=_some, scalar=abs,
        formula="max(abs(w))", label="max-norm penalty", latex=r"\left\|<0>\right\|_\infty",
        aliases=("infinity", "penalty", "regularization"), ties=True, domain={"w": Domain(0.5, 9.0)},
        cases=(
            Case(((2, 3),)), Case(((),)), Case(((4,),), values={"w": (0.4, -2.0, 1.5, -0.1)}),
        ),
    ),
)  # fmt: skip

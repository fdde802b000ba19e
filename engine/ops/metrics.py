"""Drawer "Metrics": how good a prediction is, for people to read."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.losses import class_indices, classes_shape, mean_of
from engine.ops.row import Case, Op, Option, returns
from engine.shapes import Options, ShapeError, Spec, shape_text


def _accuracy_shape(options: Options, logits: Spec, target: Spec) -> Spec:
    if logits.shape != target.shape and (logits.rank < 2 or logits.shape[:-1] != target.shape):
        raise ShapeError(
            f"logits {shape_text(logits.shape)} and target {shape_text(target.shape)} do not go "
            "together",
            "give one-hot rows of the same shape, or one class index a row",
        )
    if logits.rank > 1 and not logits.shape[-1]:
        raise ShapeError("a row without logits has no largest one", "give one for each class")
    return Spec()


def _share(hits: Any) -> Any:
    return np.true_divide(np.count_nonzero(hits), np.size(hits))  # of no rows: not a number


def _accuracy(options: Options, logits: Any, target: Any) -> Any:
    if logits.ndim < 2 or logits.shape[-1] == 1:
        return _share((logits > 0) == (np.reshape(target, logits.shape) > 0.5))
    wanted = np.argmax(target, axis=-1) if logits.ndim == target.ndim else target
    return _share(np.argmax(logits, axis=-1) == wanted)


def _top_k_shape(options: Options, logits: Spec, target: Spec) -> Spec:
    if options["k"] < 1:
        raise ShapeError(f"k is {options['k']}", "give a whole number of 1 or more")
    return Spec(classes_shape(options, logits, target).shape)


def _top_k(options: Options, logits: Any, target: Any) -> Any:
    classes = logits.shape[-1]
    wanted = target
    if logits.ndim == target.ndim:
        wanted = np.argmax(target, axis=-1)
    wanted = class_indices(wanted, classes)[..., None]
    own = np.take_along_axis(logits, wanted, -1)
    # among equals the first is the larger, as argmax has it
    ahead = (logits > own) | ((logits == own) & (np.arange(classes) < wanted))
    known = np.equal(own, own)[..., 0]  # a logit that is not a number is a miss
    return _share((np.count_nonzero(ahead, axis=-1) < options["k"]) & known)


def _confusion_shape(options: Options, logits: Spec, target: Spec) -> Spec:
    _accuracy_shape(options, logits, target)
    classes = 2 if logits.rank < 2 or logits.shape[-1] == 1 else logits.shape[-1]
    return Spec((classes, classes), "int")


def _confusion(options: Options, logits: Any, target: Any) -> Any:
    if logits.ndim < 2 or logits.shape[-1] == 1:
        classes, guess, wanted = 2, logits > 0, np.asarray(target) > 0.5
    else:
        classes, guess = logits.shape[-1], np.argmax(logits, axis=-1)
        wanted = np.argmax(target, axis=-1) if logits.ndim == target.ndim else target
        wanted = class_indices(wanted, classes)
    places = np.ravel(wanted).astype(np.int64) * classes + np.ravel(guess)
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def _pair(options: Options, prediction: Spec, target: Spec) -> Spec:
    if prediction.shape != target.shape or not prediction.rank or not prediction.size:
        raise ShapeError(
            f"prediction {shape_text(prediction.shape)} and target {shape_text(target.shape)} do "
            "not go together",
            "give both one row a case, at least one, and the same shape",
        )
    return Spec()


def _r2(options: Options, prediction: Any, target: Any) -> Any:
    left = np.sum(np.square(target - prediction), axis=0)
    spread = np.sum(np.square(target - np.mean(target, axis=0)), axis=0)
    return mean_of(1.0 - left / spread)


_COLUMNS = "(size(target) / size(target, axis=0))"
_MEAN_GAP = "(target - mean(target, axis=0))"
_SPREAD = f"sum({_MEAN_GAP}^2, axis=0)"
_SQUARES = "sum((target - prediction)^2, axis=0)"
_TIED = "(abs(prediction - target) == y)"
_LARGEST = f"(sign(prediction - target) * {_TIED} / sum({_TIED}))"

ROWS = (
    Op(
        "accuracy", category="Metrics",
        doc="The share of rows whose largest logit is at the target's class; a single logit a row "
        "counts as class 1 above 0.",
        inputs=("logits", "target"), formula="accuracy(logits, target)",
        derivative={"logits": "0", "target": "none"}, shape=_accuracy_shape,
        kernel=returns(_accuracy), latex=r"\mathrm{accuracy}\left(<0>, <1>\right)",
        aliases=("score", "correct"), ties=True,
        cases=(Case(((4, 3), (4,)), values={"target": (0, 1, 2, 1)}),),
    ),
    Op(
        "top_k_accuracy", category="Metrics",
        doc="The share of rows whose target's class is among the k largest logits.",
        inputs=("logits", "target"), formula="top_k_accuracy(logits, target, k=k)",
        derivative={"logits": "0", "target": "none"}, shape=_top_k_shape, kernel=returns(_top_k),
        latex=r"\mathrm{top}_{k}\left(<0>, <1>\right)", label="top-k accuracy", ties=True,
        aliases=("score", "correct"),
        options=(Option("k", 5, "int", "How many of the largest logits count, 1 or more."),),
        cases=(
            Case(((4, 3), (4,)), {"k": 2}, {"target": (0, 1, 2, 1)}),
            Case(((4, 3), (4,)), {"k": 1}, {"target": (0, 1, 2, 1)}),
            Case(((3,), ()), values={"target": 2}),
        ),
    ),
    Op(
        "confusion_matrix", category="Metrics",
        doc="How many rows of each true class (down) were taken for each class (across).",
        inputs=("logits", "target"), formula="confusion_matrix(logits, target)",
        derivative={"logits": "0", "target": "none"}, shape=_confusion_shape,
        kernel=returns(_confusion), latex=r"\mathrm{confusion}\left(<0>, <1>\right)",
        label="confusion matrix", aliases=("errors", "classes", "table"), ties=True,
        cases=(Case(((4, 3), (4,)), values={"target": (0, 1, 2, 1)}),),
    ),
    Op(
        "r2", category="Metrics",
        doc="The share of the target's variance that the prediction explains, the mean over columns.",
        inputs=("prediction", "target"), label="R²", analytic=True,
        formula=f"1 - sum({_SQUARES} / {_SPREAD}) / {_COLUMNS}",
        derivative={
            "prediction": f"g * (2 * (target - prediction) / {_SPREAD} / {_COLUMNS})",
            "target": f"g * (2 * ({_MEAN_GAP} * {_SQUARES} / {_SPREAD} + prediction - target) / {_SPREAD} "
            f"/ {_COLUMNS})",
        },
        shape=_pair, kernel=returns(_r2), latex=r"R^2\left(<0>, <1>\right)",
        aliases=("determination", "regression", "score", "variance"), calls=("r2_score",),
        cases=(Case(((4, 2), (4, 2))), Case(((5,), (5,))), Case(((3, 2, 2), (3, 2, 2)))),
    ),
    Op(
        "max_abs_error", category="Metrics", analytic=True, doc="The largest absolute error of all entries.",
        inputs=("prediction", "target"), formula="max(abs(prediction - target))",
        derivative={"prediction": f"g * {_LARGEST}", "target": f"g * (-{_LARGEST})"},
        shape=_pair, kernel=returns(lambda o, p, t: np.max(np.abs(p - t))), label="largest error",
        latex=r"\left\|<0>-<1>\right\|_\infty", aliases=("worst", "regression", "infinity"),
        cases=(
            Case(
                ((2, 3), (2, 3)),
                values={
                    "prediction": ((0.1, 2.0, -1.0), (0.5, 0.2, 0.3)),
                    "target": ((0.3, 0.4, -1.2), (-0.6, 0.1, 0.2)),
                },
            ),
            Case(((3,), (3,)), values={"prediction": (0.1, 0.4, -1.0), "target": (0.3, 2.4, -1.2)}),
        ),
    ),
)  # fmt: skip

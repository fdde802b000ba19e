"""Drawer "Losses": how wrong a prediction is, and penalties on parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Op, returns
from engine.shapes import Options, ShapeError, Spec, shape_text


def _same(options: Options, prediction: Spec, target: Spec) -> Spec:
    if prediction.shape != target.shape:
        fix = "reshape one of them"
        if prediction.size == target.size:
            fix = f"reshape the target to {prediction.shape}"
        raise ShapeError(
            f"prediction {shape_text(prediction.shape)} and target {shape_text(target.shape)} "
            "differ in shape",
            fix,
        )
    return Spec()


def _classes(options: Options, logits: Spec, target: Spec) -> Spec:
    """Class indices are told from one-hot rows by rank."""
    if logits.rank == 0 or logits.shape[-1] == 0:
        raise ShapeError("logits are a row with a number for each class", "give it a vector")
    if target.rank == logits.rank:
        return _same(options, logits, target)
    if target.shape != logits.shape[:-1]:
        raise ShapeError(
            f"logits {shape_text(logits.shape)} need a target of {shape_text(logits.shape)} "
            f"(one-hot) or {shape_text(logits.shape[:-1])} (class indices), "
            f"not {shape_text(target.shape)}"
        )
    return Spec((), "float", frozenset({"target"}))


def class_indices(target: Any, classes: int) -> Any:
    """Class indices as int64. Raises ValueError for one that is no class."""
    given = np.asarray(target)
    if given.dtype == np.int64:
        # as unsigned, a negative index is a huge one: one look instead of two
        if not given.size or np.maximum.reduce(given.view(np.uint64), None) < classes:
            return given
    with np.errstate(invalid="ignore"):
        indices = given if given.dtype == np.int64 else given.astype(np.int64)
    if indices.size and (
        int(indices.min()) < 0
        or int(indices.max()) >= classes
        or (indices is not given and not np.array_equal(indices, given))
    ):
        wrong = np.ravel(given)[np.ravel(~np.isin(given, np.arange(classes)))][0]
        raise ValueError(
            f"class {wrong:g} is not one of 0 to {classes - 1}; "
            "number the classes from 0 or give the last layer more outputs"
        )
    return indices


def one_hot(target: Any, logits_shape: tuple[int, ...]) -> Any:
    """Class indices as rows of 0 and 1. Raises ValueError for an index that is no class."""
    classes = logits_shape[-1]
    return class_indices(target, classes)[..., None] == np.arange(classes)


def _mse(options: Options, prediction: Any, target: Any) -> Any:
    difference = np.ravel(np.subtract(prediction, target))
    return difference.dot(difference) / difference.size


def _bce(options: Options, logits: Any, target: Any) -> Any:
    losses = np.logaddexp(0.0, logits)
    losses -= logits * target
    return np.add.reduce(losses, None) / losses.size


def _cross_entropy(options: Options, logits: Any, target: Any) -> Any:
    classes = logits.shape[-1]
    shifted = np.subtract(logits, np.maximum.reduce(logits, -1, keepdims=True))
    totals = np.log(np.add.reduce(np.exp(shifted), -1))
    if target.ndim == logits.ndim:
        log_p = shifted - totals[..., None]
        # an impossible class (log 0) that the target does not ask for costs nothing
        return -np.sum(np.where(target == 0, 0.0, log_p * target)) / totals.size
    indices = class_indices(target, classes).reshape(-1)
    picked = shifted.reshape(-1).take(np.arange(0, shifted.size, classes) + indices)
    return (np.add.reduce(totals, None) - np.add.reduce(picked, None)) / totals.size


def _bce_scalar(z: float, t: float) -> float:
    return float(np.logaddexp(0.0, z)) - z * t


def _row(name: str, doc: str, derivative: dict[str, str], kernel: Any, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Losses",
        "inputs": tuple(derivative),
        "analytic": True,
        **rest,
    }
    return Op(name, doc=doc, derivative=derivative, kernel=returns(kernel), **fields)


_ROWS_OF = "(size(logits) / size(logits, axis=-1))"

ROWS = (
    _row(
        "mse", "The mean squared error over all entries.",
        {
            "prediction": "g * (2 * (prediction - target) / size(prediction))",
            "target": "g * (2 * (target - prediction) / size(prediction))",
        },
        _mse, shape=_same, scalar=lambda p, t: (p - t) * (p - t),
        formula="mean((prediction - target)^2)", label="mean squared error",
        latex=r"\mathrm{mse}\left(<0>, <1>\right)", aliases=("squared", "l2", "regression"),
        calls=("squared_error",), cases=(Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((), ()))),
    ),
    _row(
        "bce_with_logits", "The mean binary cross-entropy of logits against targets from 0 to 1.",
        {
            "logits": "g * ((sigmoid(logits) - target) / size(logits))",
            "target": "g * (-logits / size(logits))",
        },
        _bce, shape=_same, scalar=_bce_scalar,
        formula="mean(softplus(logits) - logits * target)", label="binary cross-entropy",
        latex=r"\mathrm{bce}\left(<0>, <1>\right)", aliases=("binary", "logistic", "bce"),
        domain={"target": Domain(0.0, 1.0)},
        cases=(Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((), ()))),
    ),
    _row(
        "softmax_cross_entropy",
        "The mean over rows of the cross-entropy of softmax; targets one-hot or class indices.",
        {
            "logits": "g * ((softmax(logits) * sum(as_one_hot(target, logits), axis=-1, "
            f"keepdims=True) - as_one_hot(target, logits)) / {_ROWS_OF})",
            "target": f"g * (-log_softmax(logits) / {_ROWS_OF})",
        },
        _cross_entropy, shape=_classes,
        formula="-sum(as_one_hot(target, logits) * log_softmax(logits)) / " + _ROWS_OF,
        label="softmax cross-entropy", latex=r"\mathrm{CE}\left(<0>, <1>\right)",
        aliases=("classification", "nll", "ce"), calls=("cross_entropy",),
        domain={"target": Domain(0.0, 1.0)},
        cases=(
            Case(((2, 3), (2, 3))), Case(((3,), (3,))),
            Case(((3, 2), (3,)), values={"target": (0, 1, 1)}), Case(((3,), ()), values={"target": 2}),
        ),
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
)  # fmt: skip

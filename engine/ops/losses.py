"""Drawer "Losses": how wrong a prediction is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.row import Case, Domain, Op, Option, returns
from engine.shapes import Options, ShapeError, ShapeRule, Spec, shape_text


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


def _positive(option: str) -> ShapeRule:
    """As `_same`, with an option that must be above 0."""

    def rule(options: Options, prediction: Spec, target: Spec) -> Spec:
        if not options[option] > 0:
            raise ShapeError(f"{option} is {options[option]:g}", "give a number above 0")
        return _same(options, prediction, target)

    return rule


def _of_rows(options: Options, prediction: Spec, target: Spec) -> Spec:
    """As `_same`, for rows of numbers."""
    if prediction.rank == 0 or prediction.shape[-1] == 0:
        raise ShapeError("this loss compares rows of numbers", "give it vectors")
    return _same(options, prediction, target)


def classes_shape(options: Options, logits: Spec, target: Spec) -> Spec:
    """A single number; class indices are told from one-hot rows by rank."""
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


def _smoothed_classes(options: Options, logits: Spec, target: Spec) -> Spec:
    if not 0 <= options["label_smoothing"] <= 1:
        raise ShapeError(
            f"label_smoothing is {options['label_smoothing']:g}", "give a share from 0 to 1"
        )
    return classes_shape(options, logits, target)


def class_indices(target: Any, classes: int) -> Any:
    """Class indices as int64. Raises ValueError for one that is no class."""
    given = np.asarray(target).real
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


def mean_of(values: Any) -> Any:
    """The mean of all entries; of none, not a number."""
    return np.add.reduce(values, None) / np.size(values)


def _mse(options: Options, prediction: Any, target: Any) -> Any:
    difference = np.ravel(np.subtract(prediction, target))
    return difference.dot(difference) / difference.size


def _mae(options: Options, prediction: Any, target: Any) -> Any:
    return mean_of(np.abs(prediction - target))


def _huber(options: Options, prediction: Any, target: Any) -> Any:
    delta = options["delta"]
    gap = np.abs(prediction - target)
    near = np.minimum(gap, delta)
    return mean_of(near * (gap - 0.5 * near))


def _huber_scalar(options: Options) -> Any:
    delta = options["delta"]

    def one(prediction: float, target: float) -> float:
        gap = abs(prediction - target)
        return 0.5 * gap * gap if gap <= delta else float(delta * (gap - 0.5 * delta))

    return one


def _smooth_l1(options: Options, prediction: Any, target: Any) -> Any:
    beta = options["beta"]
    gap = np.abs(prediction - target)
    near = np.minimum(gap, beta)
    return mean_of(near / beta * (gap - 0.5 * near))


def _smooth_l1_scalar(options: Options) -> Any:
    beta = options["beta"]

    def one(prediction: float, target: float) -> float:
        gap = abs(prediction - target)
        return 0.5 * gap * gap / beta if gap < beta else float(gap - 0.5 * beta)

    return one


def _bce(options: Options, logits: Any, target: Any) -> Any:
    losses = np.logaddexp(0.0, logits)
    losses -= logits * target
    return np.add.reduce(losses, None) / losses.size


def _bce_probabilities(options: Options, probabilities: Any, target: Any) -> Any:
    if np.any((probabilities < 0) | (probabilities > 1)):
        raise ValueError(
            "bce needs probabilities from 0 to 1; end with sigmoid, or use bce_with_logits"
        )
    with np.errstate(divide="ignore"):
        log_p = np.maximum(np.log(probabilities), -100.0)
        log_q = np.maximum(np.log1p(-probabilities), -100.0)
    return -mean_of(target * log_p + (1 - target) * log_q)


def _cross_entropy(options: Options, logits: Any, target: Any) -> Any:
    shifted = np.subtract(logits, np.maximum.reduce(logits, -1, keepdims=True))
    totals = np.log(np.add.reduce(np.exp(shifted), -1))
    loss = _picked_loss(shifted, totals, target)
    share = options["label_smoothing"]
    if share:
        even = mean_of(totals) - mean_of(shifted)
        loss = (1 - share) * loss + share * even
    return loss


def _picked_loss(scores: Any, totals: Any, target: Any) -> Any:
    """The mean over rows of `totals` less the scores of the target's class."""
    classes = scores.shape[-1]
    if target.ndim == scores.ndim:
        log_p = scores - totals[..., None]
        # an impossible class (log 0) that the target does not ask for costs nothing
        return -np.sum(np.where(target == 0, 0.0, log_p * target)) / totals.size
    indices = class_indices(target, classes).reshape(-1)
    picked = scores.reshape(-1).take(np.arange(0, scores.size, classes) + indices)
    return (np.add.reduce(totals, None) - np.add.reduce(picked, None)) / totals.size


def _nll(options: Options, log_probabilities: Any, target: Any) -> Any:
    return _picked_loss(log_probabilities, np.zeros(log_probabilities.shape[:-1]), target)


def _kl(options: Options, log_prediction: Any, target: Any) -> Any:
    log_target = np.log(np.where(target == 0, 1.0, target))
    costs = np.where(target == 0, 0.0, target * (log_target - log_prediction))
    return np.sum(costs) * (target.shape[-1] / target.size if target.size else math.nan)


def _poisson(options: Options, log_rate: Any, target: Any) -> Any:
    return mean_of(np.exp(log_rate) - target * log_rate)


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


def rows_of(port: str) -> str:
    """How many rows an operand has, as formula text."""
    return f"(size({port}) / size({port}, axis=-1))"


_ROWS_OF = rows_of("logits")
_ONE_HOT = "as_one_hot(target, logits, label_smoothing=label_smoothing)"
_GAP = "(prediction - target)"
_PAIRS = (Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((), ())))
_ROW_PAIRS = (Case(((2, 3), (2, 3))), Case(((3,), (3,))), Case(((2, 1, 3), (2, 1, 3))))
_CLASSES = (
    Case(((2, 3), (2, 3))),
    Case(((3,), (3,))),
    Case(((3, 2), (3,)), values={"target": (0, 1, 1)}),
    Case(((3,), ()), values={"target": 2}),
)


def _both_ways(slope: str) -> dict[str, str]:
    """The derivatives of a mean over entries that depends on the difference alone."""
    return {
        "prediction": f"g * ({slope} / size(prediction))",
        "target": f"g * (-({slope}) / size(prediction))",
    }


def _kinked(option: str) -> dict[str, Any]:
    """Fixed operands on both sides of the kinks of a loss that changes at an option's value."""
    values = {"prediction": (-2.5, 0.3, 1.2, 4.0), "target": (-0.1, 0.2, 1.9, -0.2)}
    return {
        "cases": (
            *(Case(((4,), (4,)), {option: v}, values) for v in (1.0, 0.5, 3.0)),
            Case(((), ()), values={"prediction": 0.4, "target": 2.0}),
            Case(((), ()), values={"prediction": 0.4, "target": 0.1}),
        )
    }


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
        calls=("squared_error",), cases=_PAIRS,
    ),
    _row(
        "mae", "The mean absolute error over all entries.", _both_ways(f"sign{_GAP}"),
        _mae, shape=_same, scalar=lambda p, t: abs(p - t), ties=True,
        formula="mean(abs(prediction - target))", label="mean absolute error",
        latex=r"\mathrm{mae}\left(<0>, <1>\right)", aliases=("l1", "regression", "robust"),
        calls=("absolute_error",), cases=_PAIRS,
    ),
    _row(
        "huber", "The mean over entries of half the squared error up to delta, of a straight line beyond.",
        _both_ways(f"where(abs{_GAP} <= delta, {_GAP}, delta * sign{_GAP})"),
        _huber, shape=_positive("delta"), scalar=_huber_scalar, label="Huber",
        formula="mean(where(abs(prediction - target) <= delta, (prediction - target)^2 / 2, "
        "delta * (abs(prediction - target) - delta / 2)))",
        latex=r"\mathrm{huber}\left(<0>, <1>\right)", aliases=("robust", "regression"),
        options=(Option("delta", 1.0, "float", "Where the square becomes a line, above 0."),),
        **_kinked("delta"),
    ),
    _row(
        "smooth_l1", "The mean absolute error over entries, rounded off below beta.",
        _both_ways(f"where(abs{_GAP} < beta, {_GAP} / beta, sign{_GAP})"),
        _smooth_l1, shape=_positive("beta"), scalar=_smooth_l1_scalar,
        label="smooth L1",
        formula="mean(where(abs(prediction - target) < beta, (prediction - target)^2 / (2 * beta), "
        "abs(prediction - target) - beta / 2))",
        latex=r"\mathrm{smooth\ l1}\left(<0>, <1>\right)", aliases=("robust", "regression"),
        options=(Option("beta", 1.0, "float", "Below this error it is a square, above 0."),),
        **_kinked("beta"),
    ),
    _row(
        "poisson_nll", "The mean over entries of exp(log rate) - count * log rate.",
        {
            "log_rate": "g * ((exp(log_rate) - target) / size(log_rate))",
            "target": "g * (-log_rate / size(log_rate))",
        },
        _poisson, shape=_same, scalar=lambda x, t: math.exp(x) - t * x,
        formula="mean(exp(log_rate) - target * log_rate)", label="Poisson",
        latex=r"\mathrm{poisson}\left(<0>, <1>\right)", aliases=("counts", "regression"),
        calls=("poisson",), domain={"target": Domain(0.0, 4.0)}, cases=_PAIRS,
    ),
    _row(
        "bce", "The mean binary cross-entropy of probabilities; a logarithm counts as -100 at least.",
        {
            "probabilities": "g * ((probabilities - target) "
            "/ maximum(probabilities * (1 - probabilities), 1e-12) / size(probabilities))",
            "target": "g * ((maximum(log1p(-probabilities), -100) - maximum(log(probabilities), -100)) "
            "/ size(probabilities))",
        },
        _bce_probabilities, shape=_same, label="BCE of probabilities",
        formula="-mean(target * maximum(log(probabilities), -100) "
        "+ (1 - target) * maximum(log1p(-probabilities), -100))",
        latex=r"\mathrm{bce}\left(<0>, <1>\right)", aliases=("binary", "logistic", "log loss"),
        domain={"probabilities": Domain(0.1, 0.9), "target": Domain(0.0, 1.0)}, cases=_PAIRS,
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
        cases=_PAIRS,
    ),
    _row(
        "softmax_cross_entropy",
        "The mean over rows of the cross-entropy of softmax; targets one-hot or class indices.",
        {
            "logits": f"g * ((softmax(logits) * sum({_ONE_HOT}, axis=-1, keepdims=True) - {_ONE_HOT}) "
            f"/ {_ROWS_OF})",
            "target": f"g * ((label_smoothing - 1) * log_softmax(logits) / {_ROWS_OF})",
        },
        _cross_entropy, shape=_smoothed_classes,
        formula=f"-sum({_ONE_HOT} * log_softmax(logits)) / {_ROWS_OF}",
        label="softmax cross-entropy", latex=r"\mathrm{CE}\left(<0>, <1>\right)",
        aliases=("classification", "nll", "ce", "xent"), calls=("cross_entropy",),
        domain={"target": Domain(0.0, 1.0)},
        options=(
            Option("label_smoothing", 0.0, "float", "The share of a target spread over all classes."),
        ),
        cases=(*_CLASSES, *(Case(c.shapes, {"label_smoothing": 0.2}, c.values) for c in _CLASSES)),
    ),
    _row(
        "nll", "The mean over rows of minus the log-probability of the target's class.",
        {
            "log_probabilities": "g * (-as_one_hot(target, log_probabilities) "
            f"/ {rows_of('log_probabilities')})",
            "target": f"g * (-log_probabilities / {rows_of('log_probabilities')})",
        },
        _nll, shape=classes_shape, label="negative log-likelihood",
        formula="-sum(as_one_hot(target, log_probabilities) * log_probabilities) / "
        + rows_of("log_probabilities"),
        latex=r"\mathrm{nll}\left(<0>, <1>\right)", aliases=("classification", "likelihood"),
        calls=("nll_loss",), domain={"target": Domain(0.0, 1.0)}, cases=_CLASSES,
    ),
    _row(
        "kl_div", "The mean over rows of the divergence of log-probabilities from target probabilities.",
        {
            "log_prediction": f"g * (-target / {rows_of('target')})",
            "target": "g * ((log(where(target == 0, 1, target)) + 1 - log_prediction) "
            f"/ {rows_of('target')})",
        },
        _kl, shape=_of_rows, label="KL divergence",
        formula="sum(target * (log(where(target == 0, 1, target)) - log_prediction)) / "
        + rows_of("target"),
        latex=r"\mathrm{KL}\left(<1> \,\|\, <0>\right)",
        aliases=("kullback", "leibler", "entropy", "distribution"),
        domain={"log_prediction": Domain(-3.0, 0.0), "target": Domain(0.1, 1.0)}, cases=_ROW_PAIRS,
    ),
)  # fmt: skip

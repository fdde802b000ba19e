"""Drawer "Metrics": how good a prediction is, for people; nothing differentiates them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.row import Case, Op, returns
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
)  # fmt: skip

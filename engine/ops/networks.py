"""Drawer "Networks": normalization, embedding, attention and recurrent cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops import normal
from engine.ops.composed import composed
from engine.ops.normal import EPS, GROUPS
from engine.ops.row import Binder, Case, Domain, Kernel, Op, Option
from engine.shapes import Options, ShapeError, ShapeRule, Spec, matmul, shape_text

CAUSAL = Option("causal", False, "bool", "No row looks at a key behind its own place.")
_MOMENTUM = Option("momentum", 0.1, "float", "The share of a batch in the running statistics.")


def _standardized_gradient(upstream: str, x: str, over: str) -> str:
    """The gradient of `standardize(x)` by x: what is left of the upstream gradient without its mean
    and without its part along the result."""
    said = f"over='{over}'"
    n = f"standardize({x}, {said}, eps=eps)"
    rest = f"{upstream} - centre({upstream}, {said}) - {n} * centre({upstream} * {n}, {said})"
    return f"({rest}) * inverse_deviation({x}, {said}, eps=eps)"


def attended(options: Options, q: Spec, k: Spec) -> Spec:
    """The rule of attention's weights: a row over the keys for each query."""
    if q.rank < 2 or k.rank < 2 or 0 in (q.shape[-1], k.shape[-2]):
        raise ShapeError("queries and keys are matrices with at least a row and a column")
    if q.shape[-1] != k.shape[-1]:
        raise ShapeError(
            f"queries {shape_text(q.shape)} and keys {shape_text(k.shape)} differ in the last axis",
            "give them the same width",
        )
    return matmul(options, q, Spec((*k.shape[:-2], k.shape[-1], k.shape[-2])))


def _attention(options: Options, q: Spec, k: Spec, v: Spec) -> Spec:
    weights = attended(options, q, k)
    if v.rank < 2 or v.shape[-2] != k.shape[-2]:
        raise ShapeError(
            f"keys {shape_text(k.shape)} and values {shape_text(v.shape)} differ in their rows",
            "give one value for each key",
        )
    return matmul(options, weights, v)


def attention_weights(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(q, k, out)`: softmax(q kᵀ / sqrt(width)), exactly 0 where a key may not be seen."""
    q, k = specs
    scale = 1.0 / np.sqrt(q.shape[-1])
    hidden = ~np.tri(q.shape[-2], k.shape[-2], dtype=np.bool_) if options["causal"] else None

    def kernel(q: Any, k: Any, out: Any) -> None:
        np.matmul(q, k.swapaxes(-1, -2), out)
        np.multiply(out, scale, out)
        if hidden is not None:
            np.copyto(out, -np.inf, where=hidden)
        np.subtract(out, np.maximum.reduce(out, -1, keepdims=True), out)
        np.exp(out, out)
        np.true_divide(out, np.add.reduce(out, -1, keepdims=True), out)

    return kernel


def _rows(options: Options, table: Spec, indices: Spec) -> Spec:
    if table.rank < 1:
        raise ShapeError("a table has rows", "give a matrix with a row for each index")
    if not table.shape[0] and indices.size:
        raise ShapeError("the table has no rows to read", "give it at least one")
    return Spec((*indices.shape, *table.shape[1:]), "float", frozenset({"indices"}))


def row_numbers(indices: Any, count: int) -> Any:
    """Indices as int64. Raises ValueError for one that is no row of the table."""
    given = np.asarray(indices)
    with np.errstate(invalid="ignore"):
        whole = given.astype(np.int64)
    wrong = (whole < 0) | (whole >= count) | (whole != given)
    if np.any(wrong):
        raise ValueError(
            f"index {np.ravel(given[wrong])[0]:g} is no row of the table, whose rows are "
            f"0 to {count - 1}; count from 0 or give the table more rows"
        )
    return whole


def _embedding(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    count = specs[0].shape[0]
    return lambda table, indices, out: np.copyto(out, table[row_numbers(indices, count)])


def _cell(parts: int, state: str = "h", *others: str) -> ShapeRule:
    """The rule of a cell with `parts` gates: x @ W and h @ U have a column for each unit of each."""

    def rule(options: Options, *specs: Spec) -> Spec:
        x, h, *rest = specs
        w, u, *biases = rest[len(others) :]
        if x.rank not in (1, 2) or h.rank != x.rank or h.shape[:-1] != x.shape[:-1]:
            raise ShapeError(
                f"x {shape_text(x.shape)} and h {shape_text(h.shape)} are not a row each, or as "
                "many rows of a batch"
            )
        units = h.shape[-1]
        for name, spec, rows in (("W", w, x.shape[-1]), ("U", u, units)):
            if spec.shape != (rows, parts * units):
                raise ShapeError(
                    f"{name} is {shape_text(spec.shape)} and must be {rows}×{parts * units}",
                    f"{rows} rows and {parts} columns for each of the {units} units of h",
                )
        for spec in biases:
            if spec.shape != (parts * units,):
                raise ShapeError(
                    f"a bias is {shape_text(spec.shape)}", f"give a vector of {parts * units}"
                )
        for name, spec in zip(others, rest, strict=False):
            if spec.shape != h.shape:
                raise ShapeError(f"{name} {shape_text(spec.shape)} has another shape than h")
        return Spec(h.shape)

    return rule


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Networks", "analytic": True, "inputs": tuple(derivative), **rest,
    }  # fmt: skip
    fields.setdefault("kernel", composed(fields["formula"], fields["inputs"]))
    return Op(name, doc=doc, derivative=derivative, **fields)


def _by_gates(dz: str, of_h: str = "", du: str = "", *biases: tuple[str, str]) -> dict[str, str]:
    """The derivatives of a cell by x, h, W, U and its biases.

    `dz` is the gradient at x @ W and `du`, where it is another, that at h @ U; `of_h` is what
    reaches h without U.
    """
    du = du or dz
    return {
        "x": f"({dz}) @ T(W)", "h": f"({du}) @ T(U)" + (f" + {of_h}" if of_h else ""),
        "W": f"T(row(x)) @ row({dz})", "U": f"T(row(h)) @ row({du})", **dict(biases),
    }  # fmt: skip


_RNN = "g * (1 - y * y)"

# PyTorch's gates, in its order: reset, update, new. The new gate's own h @ U is reset before it adds.
_A, _B = "x @ W + b", "h @ U + c"
_R, _Z = f"gate({_A}, {_B}, part=0)", f"gate({_A}, {_B}, part=1)"
_N = f"new_gate({_A}, {_B})"
_DN = f"g * (1 - {_Z}) * (1 - {_N} * {_N})"
_GATED = f"{_DN} * piece({_B}, part=2) * {_R} * (1 - {_R}), g * (h - {_N}) * {_Z} * (1 - {_Z})"
_DA, _DB = f"concat({_GATED}, {_DN}, axis=-1)", f"concat({_GATED}, {_DN} * {_R}, axis=-1)"

# PyTorch's gates, in its order: input, forget, new (here k), output.
_GATES = "x @ W + h @ U + b"
_I, _F, _O = (f"sigmoid(piece({_GATES}, part={part}, parts=4))" for part in (0, 1, 3))
_K = f"tanh(piece({_GATES}, part=2, parts=4))"


def _unpiece(value: str, part: int) -> str:
    return f"unpiece({value}, {_GATES}, part={part}, parts=4)"


_MEMORY = " + ".join((
    _unpiece(f"g * {_K} * {_I} * (1 - {_I})", 0), _unpiece(f"g * c * {_F} * (1 - {_F})", 1),
    _unpiece(f"g * {_I} * (1 - {_K} * {_K})", 2),
))  # fmt: skip
_OUTPUT = _unpiece(f"g * tanh(memory) * {_O} * (1 - {_O})", 3)

_WEIGHTS = "attention_weights(q, k, causal=causal)"
_AT_WEIGHTS = f"((g @ T(v) - sum((g @ T(v)) * {_WEIGHTS}, axis=-1, keepdims=True)) * {_WEIGHTS})"
_WIDTH = "sqrt(size(q, axis=-1))"

_TRAINED = "standardize(x, over='channel', eps=eps)"
_USED = "((x - per_channel(mean, x)) / sqrt(per_channel(variance, x) + eps))"
_SCALED = "* per_channel(gain, x) + per_channel(bias, x)"
_AT_SCALE = "(g * per_channel(gain, x))"
_GROUP = "split_groups(x, groups=groups)"
_GROUP_N = f"reshape_as(standardize({_GROUP}, over='row', eps=eps), x)"


def _batch_norm(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    chosen: Binder = _IN_TRAINING if options["training"] else _IN_USE
    return chosen(options, specs)


_PORTS = ("x", "gain", "bias", "mean", "variance")
_IN_TRAINING = composed(f"{_TRAINED} {_SCALED}", _PORTS)
_IN_USE = composed(f"{_USED} {_SCALED}", _PORTS)

ROWS = (
    _row(
        "layer_norm", "Each row brought to mean 0 and deviation 1, then scaled and shifted.",
        {
            "x": _standardized_gradient("(g * gain)", "x", "row"),
            "gain": "g * standardize(x, over='row', eps=eps)", "bias": "g",
        },
        shape=normal.row_shape, formula="standardize(x, over='row', eps=eps) * gain + bias",
        options=(EPS,), latex=r"\mathrm{layernorm}\left(<0>, <1>, <2>\right)", label="layer norm",
        aliases=("normalize", "standardize", "transformer"),
        cases=(
            Case(((2, 3), (3,), (3,))), Case(((4,), (4,), (4,)), {"eps": 0.1}),
            Case(((2, 2, 3), (3,), (3,))),
        ),
    ),
    _row(
        "group_norm", "Each group of channels brought to mean 0 and deviation 1 within each picture.",
        {
            "x": "reshape_as(" + _standardized_gradient(
                f"split_groups({_AT_SCALE}, groups=groups)", _GROUP, "row") + ", x)",
            "gain": f"channel_sum(g * {_GROUP_N})", "bias": "channel_sum(g)",
        },
        shape=normal.group_shape, formula=f"{_GROUP_N} {_SCALED}", options=(GROUPS, EPS),
        latex=r"\mathrm{groupnorm}\left(<0>, <1>, <2>\right)", label="group norm",
        aliases=("normalize", "standardize", "instance"),
        cases=(
            Case(((2, 4, 3), (4,), (4,)), {"groups": 2}), Case(((1, 2, 2, 2), (2,), (2,))),
            Case(((2, 2, 1, 3), (2,), (2,)), {"groups": 2, "eps": 0.1}),
        ),
    ),
    _row(
        "batch_norm",
        "Each channel brought to mean 0 and deviation 1: the batch's while training, else the running.",
        {
            "x": f"where(training, {_standardized_gradient(_AT_SCALE, 'x', 'channel')}, "
            f"{_AT_SCALE} / sqrt(per_channel(variance, x) + eps))",
            "gain": f"channel_sum(g * where(training, {_TRAINED}, {_USED}))",
            "bias": "channel_sum(g)",
            "mean": "where(training, 0, -channel_sum(g) * gain / sqrt(variance + eps))",
            "variance": "where(training, 0, "
            f"-0.5 * channel_sum(g * {_USED}) * gain / (variance + eps))",
        },
        shape=normal.batch_shape, kernel=_batch_norm, options=(_MOMENTUM, EPS),
        formula=f"where(training, {_TRAINED}, {_USED}) {_SCALED}", statics=("training",),
        updates={
            "mean": "mean + momentum * (channel_mean(x) - mean)",
            "variance": "variance + momentum * (sample_variance(x) - variance)",
        },
        latex=r"\mathrm{batchnorm}\left(<0>, <1>, <2>, <3>, <4>\right)", label="batch norm",
        aliases=("normalize", "standardize", "bn"), domain={"variance": Domain(0.2, 2.0)},
        cases=(
            Case(((3, 2), (2,), (2,), (2,), (2,))),
            Case(((2, 2, 1, 2), (2,), (2,), (2,), (2,)), {"eps": 0.1}),
        ),
    ),
    _row(
        "embedding", "The rows of a table by their numbers; rows read twice gather both gradients.",
        {"table": "embedding_gradient(g, indices, table)", "indices": "none"},
        shape=_rows, kernel=_embedding, formula="embedding(table, indices)",
        latex=r"<0!>_{<1>}", label="embedding", aliases=("lookup", "words", "tokens", "gather", "rows"),
        cases=(
            Case(((4, 2), (5,)), values={"indices": (1, 3, 1, 0, 1)}),
            Case(((3, 2), (2, 2)), values={"indices": ((2, 0), (2, 2))}),
            Case(((3,), ()), values={"indices": 1}),
        ), flat="unread",
    ),
    _row(
        "attention", "Values averaged by how well their keys fit each query, scaled by the width.",
        {
            "q": f"{_AT_WEIGHTS} @ k / {_WIDTH}", "k": f"T({_AT_WEIGHTS}) @ q / {_WIDTH}",
            "v": f"T({_WEIGHTS}) @ g",
        },
        shape=_attention, formula=f"{_WEIGHTS} @ v", options=(CAUSAL,),
        latex=r"\mathrm{attention}\left(<0>, <1>, <2>\right)", label="attention",
        aliases=("transformer", "softmax", "query", "key", "scaled"),
        cases=(
            Case(((2, 3), (4, 3), (4, 2))), Case(((2, 3, 2), (2, 3, 2), (2, 3, 1)), {"causal": True}),
            Case(((2, 2), (2, 3, 2), (1, 3, 2)), {"causal": True}),
        ),
    ),
    _row(
        "rnn_cell", "A plain recurrent cell: the next state from the input and the state.",
        _by_gates(_RNN, "", "", ("b", _RNN)),
        shape=_cell(1), formula="tanh(x @ W + h @ U + b)",
        latex=r"\mathrm{rnn}\left(<0>, <1>, <2>, <3>, <4>\right)", label="RNN cell",
        aliases=("recurrent", "elman", "sequence"),
        cases=(
            Case(((2, 3), (2, 2), (3, 2), (2, 2), (2,))), Case(((2,), (3,), (2, 3), (3, 3), (3,))),
        ),
    ),
    _row(
        "gru_cell", "A gated recurrent unit: columns of W and U for the reset, update and new gates.",
        _by_gates(_DA, f"g * {_Z}", _DB, ("b", _DA), ("c", _DB)),
        shape=_cell(3), formula=f"(1 - {_Z}) * {_N} + {_Z} * h",
        latex=r"\mathrm{gru}\left(<0>, <1>, <2>, <3>, <4>, <5>\right)", label="GRU cell",
        aliases=("recurrent", "gated", "sequence"),
        cases=(
            Case(((2, 3), (2, 2), (3, 6), (2, 6), (6,), (6,))),
            Case(((2,), (1,), (2, 3), (1, 3), (3,), (3,))),
        ),
    ),
    _row(
        "lstm_memory", "The next memory of an LSTM: columns for the input, forget, new and output gates.",
        {
            key: {"c": f"g * {_F}", **_by_gates(_MEMORY, "", "", ("b", _MEMORY))}[key]
            for key in ("x", "h", "c", "W", "U", "b")
        },
        shape=_cell(4, "h", "c"), formula=f"{_F} * c + {_I} * {_K}",
        latex=r"\mathrm{memory}\left(<0>, <1>, <2>, <3>, <4>, <5>\right)", label="LSTM memory",
        aliases=("recurrent", "cell", "sequence", "long", "short"),
        cases=(
            Case(((2, 3), (2, 2), (2, 2), (3, 8), (2, 8), (8,))),
            Case(((2,), (1,), (1,), (2, 4), (1, 4), (4,))),
        ),
    ),
    _row(
        "lstm_output", "The next state of an LSTM from its next memory and its output gate.",
        {
            key: {
                "memory": f"g * {_O} * (1 - tanh(memory) * tanh(memory))",
                **_by_gates(_OUTPUT, "", "", ("b", _OUTPUT)),
            }[key]
            for key in ("x", "h", "memory", "W", "U", "b")
        },
        shape=_cell(4, "h", "memory"), formula=f"{_O} * tanh(memory)",
        latex=r"\mathrm{lstm}\left(<0>, <1>, <2>, <3>, <4>, <5>\right)", label="LSTM output",
        aliases=("recurrent", "cell", "sequence", "long", "short", "state"),
        cases=(
            Case(((2, 3), (2, 2), (2, 2), (3, 8), (2, 8), (8,))),
            Case(((2,), (1,), (1,), (2, 4), (1, 4), (4,))),
        ),
    ),
)  # fmt: skip

"""Convolution and pooling: both orders against PyTorch, layouts, masks, refusals."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.derive import derive
from engine.differentiate import differentiate
from engine.expansion import Expansion
from engine.ops import correlation
from engine.program import Plan
from engine.shapes import ShapeError, Spec

pytestmark = pytest.mark.filterwarnings("error")
INPUT, CONV = ops.TABLE["input"], ops.TABLE["conv2d"]
SETTINGS = [
    {"stride": s, "padding": p, "dilation": d, "groups": g}
    for s, p, d, g in itertools.product((1, (2, 3)), (0, (1, 2)), (1, (3, 2)), (1, 2))
]


def twice(row: str, arrays: list[np.ndarray], options: dict[str, Any]) -> list[np.ndarray]:
    """The value, its gradients and, of a weighted sum of the gradients, the gradients again."""
    expansion = Expansion(arrays[0].dtype)
    names = [expansion.source(f"x{i}", INPUT, a) for i, a in enumerate(arrays)]
    op = ops.TABLE[row]
    output = expansion.add("y", op, tuple(names), {**op.defaults(), **options})
    found = [output]
    for order in range(2):
        total: Any = 0.0
        for i, ref in enumerate(found[-len(names) :] if order else found):
            weights = weights_of(expansion.spec(ref).shape, 10 * order + i)
            seed = expansion.source(f"w{order}{i}", INPUT, weights.astype(arrays[0].dtype))
            term = expansion.append(
                ops.SUM, (expansion.append(ops.MUL, (ref, seed)),), ops.SUM.defaults()
            )
            total = expansion.append(ops.ADD, (total, term))
        adjoints = differentiate(expansion, total, names)
        found += [adjoints.adjoint[n] for n in names]
    plan = Plan(expansion, found)
    plan.run()
    plan.run()  # what a kernel keeps between runs must not be felt
    return [plan.value(ref).copy() for ref in found]


def weights_of(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def torch_twice(function: Callable[..., Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    torch = pytest.importorskip("torch", reason="the test environment installs torch")
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    found = [function(*inputs)]
    for order in range(2):
        parts = found[-len(inputs) :] if order else found
        total = sum(
            (p * torch.tensor(weights_of(tuple(p.shape), 10 * order + i))).sum()
            for i, p in enumerate(parts)
        )
        found += torch.autograd.grad(total, inputs, create_graph=True)
    return [f.detach().numpy() for f in found]


def compare(
    row: str, function: Callable[..., Any], arrays: list[np.ndarray], options: dict
) -> None:
    for ours, theirs in zip(
        twice(row, arrays, options), torch_twice(function, arrays), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, 1e-9, 1e-10)


def drawn(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.peer
@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_both_orders_against_torch(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    functional = pytest.importorskip("torch").nn.functional
    monkeypatch.setattr(correlation, "CHUNK", 700)  # several chunks, the last one shorter
    inner = 4 // options["groups"]
    compare(
        "conv2d", lambda x, w: functional.conv2d(x, w, **options),
        drawn((5, 4, 9, 8), (6, inner, 3, 2)), options,
    )  # fmt: skip
    line = {k: v if isinstance(v, int) else v[1] for k, v in options.items()}
    compare(
        "conv1d", lambda x, w: functional.conv1d(x, w, **line),
        drawn((3, 4, 9), (6, inner, 3)), line,
    )  # fmt: skip
    extra = (0, 2) if options["stride"] != 1 else 0
    compare(
        "conv_transpose2d",
        lambda x, w: functional.conv_transpose2d(x, w, output_padding=extra, **options),
        drawn((5, 6, 4, 5), (6, 4 // options["groups"], 3, 2)),
        {**options, "output_padding": extra},
    )


@pytest.mark.peer
@pytest.mark.parametrize("window", [2, 3, (2, 3)])
@pytest.mark.parametrize("stride", [0, 1, (3, 2)])
@pytest.mark.parametrize("padding", [0, 1])
def test_pooling_against_torch(window: Any, stride: Any, padding: int) -> None:
    functional = pytest.importorskip("torch").nn.functional
    given = np.random.default_rng(0).integers(0, 3, (2, 3, 7, 8)) * 1.0  # many ties
    for row, peer in (("max_pool2d", functional.max_pool2d), ("avg_pool2d", functional.avg_pool2d)):
        ours = derive(
            f"y = {row}(x, window={window}, stride={stride}, padding={padding})\nJ = sum(y * y)",
            {"x": given},
        )
        x = pytest.importorskip("torch").tensor(given, requires_grad=True)
        y = peer(x, window, stride or None, padding)
        (y * y).sum().backward()
        np.testing.assert_allclose(ours.nodes["y"][0], y.detach().numpy(), 1e-12, 0)
        np.testing.assert_allclose(ours.gradients["x"], x.grad.numpy(), 1e-12, 1e-12)


@pytest.mark.peer
def test_a_wrong_second_derivative_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect `compare` is there for: right to the first order alone."""
    functional = pytest.importorskip("torch").nn.functional
    arrays = drawn((1, 1, 4, 4), (1, 1, 2, 2))
    compare("conv2d", functional.conv2d, arrays, {})
    row = ops.TABLE["correlation_input"]
    wrong = replace(row, derivative={**row.derivative, "w": "1.001 * " + row.derivative["w"]})
    monkeypatch.setitem(ops._CALLS, (row.name, 3), wrong)
    with pytest.raises(AssertionError):
        compare("conv2d", functional.conv2d, arrays, {})


def test_layouts_change_nothing() -> None:
    """Strided, reversed and read-only operands give what contiguous ones give."""
    x, w, g = drawn((3, 4, 6, 5), (6, 2, 3, 2), (3, 6, 4, 3))
    options = {**CONV.defaults(), "groups": 2, "padding": (0, 0), "dilation": (1, 2)}
    for name, args in (
        ("conv2d", (x, w)), ("correlation_input", (g, w, x)), ("correlation_weight", (x, g, w)),
    ):  # fmt: skip
        op = ops.TABLE[name]
        specs = tuple(Spec(a.shape) for a in args)
        results = []
        for view in (lambda a: a, _reordered, _reversed, _frozen):
            out = np.full(op.shape(options, *specs).shape, np.nan)
            op.kernel(options, specs)(*map(view, args), out)
            results.append(out)
        for other in results[1:]:
            np.testing.assert_allclose(other, results[0], 1e-13, 1e-13)


def _reordered(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a)


def _reversed(a: np.ndarray) -> np.ndarray:
    return a[::-1, :, ::-1].copy()[::-1, :, ::-1]


def _frozen(a: np.ndarray) -> np.ndarray:
    copy = a.copy()
    copy.setflags(write=False)
    return copy


def test_no_pictures_give_no_results_and_no_gradient() -> None:
    x, w = drawn((0, 2, 4, 4), (3, 2, 3, 3))
    value, by_x, by_w, *_ = twice("conv2d", [x, w], {})
    assert value.shape == (0, 3, 2, 2) and by_x.shape == x.shape
    assert not by_w.any() and by_w.shape == w.shape


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("size", [3, 2])
def test_a_mask_hides_the_pixels_behind(kind: str, size: int) -> None:
    """Pixel by pixel: what comes later in reading order is not seen, and its weights get exactly 0."""
    x, w = drawn((1, 2, 4, 4), (3, 2, size, size))
    found = twice("masked_conv2d", [x, w], {"type": kind, "padding": size // 2})
    centre = size // 2 * size + size // 2
    hidden = found[2].reshape(3, 2, -1)[..., centre + (kind == "B") :]
    assert not hidden.any()
    assert found[2].reshape(3, 2, -1)[..., : centre + (kind == "B")].all()
    other = x.copy()
    other[0, :, 2, 2] += 1.0
    value = twice("masked_conv2d", [other, w], {"type": kind, "padding": size // 2})[0]
    same = np.isclose(value, found[0]).all((0, 1)).ravel()
    first = np.flatnonzero(~same)[0]
    here = 2 * value.shape[-1] + 2
    assert first == here if kind == "B" else first > here


def test_a_mask_off_by_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect the test above is there for."""
    right = correlation.mask_of
    monkeypatch.setattr(correlation, "mask_of", lambda kind, window: right("B", window))
    with pytest.raises(AssertionError):
        test_a_mask_hides_the_pixels_behind("A", 3)


def test_infinity_stays_where_it_is() -> None:
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 0, 0] = np.inf
    found = derive("y = upsample(x)\nJ = sum(y)", {"x": x}).nodes["y"][0]
    assert np.isinf(found[0, 0, :2, :2]).all() and not found[0, 0, 2:].any()


REFUSED = [
    ("conv2d", {}, ((2, 3, 5, 5), (4, 2, 3, 3)), "the input has 3 channels and .* take 2"),
    ("conv2d", {}, ((2, 3, 2, 2), (4, 3, 3, 3)), "a window that reaches over 3 does not fit into 2"),
    ("conv2d", {}, ((5, 5), (1, 1, 3, 3)), "5×5 is no batch of pictures N×C×H×W"),
    ("conv2d", {}, ((1, 1, 5, 5), (3, 3)), "the weights have 2 axes and need 4"),
    ("conv2d", {"stride": 0}, ((1, 1, 5, 5), (1, 1, 3, 3)), "stride is a whole number of 1 or more"),
    ("conv2d", {"padding": (1, 1, 1)}, ((1, 1, 5, 5), (1, 1, 3, 3)), "or 2 of them"),
    ("conv2d", {"groups": 2}, ((1, 2, 5, 5), (3, 1, 3, 3)), "3 output channels cannot be parted"),
    ("conv2d", {"groups": 0}, ((1, 2, 5, 5), (3, 1, 3, 3)), "groups is a whole number"),
    ("conv_transpose2d", {}, ((1, 2, 3, 3), (3, 1, 2, 2)), "the input has 2 channels"),
    ("conv_transpose2d", {"output_padding": 1}, ((1, 2, 3, 3), (2, 1, 2, 2)), "not below the stride"),
    ("conv_transpose2d", {"padding": 9}, ((1, 2, 3, 3), (2, 1, 2, 2)), "nothing is left"),
    ("max_pool2d", {"padding": 2}, ((1, 2, 6, 6),), "more than half the window"),
    ("max_pool2d", {"window": 0}, ((1, 2, 6, 6),), "window is a whole number of 1 or more"),
    ("global_avg_pool", {}, ((1, 2, 0, 6),), "no mean of no pixels"),
    ("upsample", {}, ((1, 2, 0, 6),), "without pixels"),
    ("upsample", {"factor": (0, 1)}, ((1, 2, 3, 6),), "factor is a whole number"),
    ("correlation_input", {}, ((1, 1, 2, 2), (1, 1, 2, 2), (1, 1, 9, 9)), "is not of the result's"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "options", "shapes", "message"), REFUSED)
def test_what_does_not_fit_is_said(row: str, options: dict, shapes: Any, message: str) -> None:
    op = ops.TABLE[row]
    with pytest.raises(ShapeError, match=message):
        op.shape({**op.defaults(), **options}, *map(Spec, shapes))


@pytest.mark.peer
@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1}, {"groups": 4}], ids=str)
def test_windows_of_one_pixel(options: dict) -> None:
    functional = pytest.importorskip("torch").nn.functional
    arrays = drawn((3, 4, 5, 4), (8, 4 // options.get("groups", 1), 1, 1))
    compare("conv2d", lambda x, w: functional.conv2d(x, w, **options), arrays, options)


@pytest.mark.peer
def test_a_channel_by_itself() -> None:
    functional = pytest.importorskip("torch").nn.functional
    arrays = drawn((3, 4, 5, 4), (4, 1, 3, 3))
    compare("conv2d", lambda x, w: functional.conv2d(x, w, groups=4), arrays, {"groups": 4})

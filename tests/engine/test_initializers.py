"""Starts of parameters: their spread against PyTorch's, and that nobody else's start moves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine import initializers, ops
from engine.compose import compose
from engine.initializers import draw, fans
from engine.shapes import ShapeError
from engine.train import data
from engine.train.data import DataError

SHAPES = [(300, 200), (200, 300), (80, 60, 3, 5), (100, 60, 9)]
DRAWN = [n for n in initializers.names() if n not in ("zeros", "ones", "constant", "identity")]


def torch_start(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The same start by PyTorch, which keeps a matrix as (out, in)."""
    torch = pytest.importorskip("torch", reason="the test environment installs torch")
    init, linear = torch.nn.init, "linear"
    torch.manual_seed(0)
    weight = torch.empty(shape[::-1] if len(shape) == 2 else shape, dtype=torch.float64)
    {
        "normal": init.normal_,
        "uniform": lambda w: init.uniform_(w, -1, 1),
        "xavier": init.xavier_uniform_,
        "xavier_normal": init.xavier_normal_,
        "he": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
        "he_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
        "lecun": lambda w: init.kaiming_normal_(w, nonlinearity=linear),
        "orthogonal": init.orthogonal_,
    }[name](weight)
    return weight.T.numpy() if len(shape) == 2 else weight.numpy()


def differs(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Two draws of tens of thousands of numbers that cannot come from one distribution."""
    if ours.shape != theirs.shape:
        return True
    quantiles = np.linspace(0, 1, 21)[1:-1]
    gap = np.abs(np.quantile(ours, quantiles) - np.quantile(theirs, quantiles)).max()
    return bool(gap > 0.04 * theirs.std() or abs(ours.std() / theirs.std() - 1) > 0.02)


@pytest.mark.peer
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", DRAWN)
def test_starts_are_spread_as_in_torch(name: str, shape: tuple[int, ...]) -> None:
    theirs = torch_start(name, shape)
    ours = draw(name, shape, 0, 1)
    assert not differs(ours, theirs)
    if name in ("uniform", "xavier", "he_uniform"):
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)
    if name != "orthogonal":  # the defects that `differs` is there for
        assert differs(1.05 * ours, theirs)
        assert differs(np.abs(ours), theirs)


def test_the_quiet_ones() -> None:
    assert not draw("zeros", (2, 3), 0, 1).any()
    np.testing.assert_array_equal(draw("ones", (2, 3), 0, 1), np.ones((2, 3)))
    np.testing.assert_array_equal(draw("constant", (2,), 0, 1, 0.25), [0.25, 0.25])
    np.testing.assert_array_equal(draw("identity", (3, 3), 0, 1, 2.0), 2 * np.eye(3))


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (6, 2, 2, 2), (2, 3, 3), (0, 3)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = draw("orthogonal", shape, 3, 1, 2.0).reshape(shape[0], math.prod(shape[1:]))
    few = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(few @ few.T, 4 * np.eye(len(few)), atol=1e-12)


def test_orthogonal_draws_are_uniform() -> None:
    """Without the sign of R's diagonal the first entries of Q have one sign."""
    corners = np.array([draw("orthogonal", (3, 3), seed, 1)[0, 0] for seed in range(400)])
    assert abs(corners.mean()) < 0.1
    assert np.var(corners) == pytest.approx(1 / 3, rel=0.15)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)), ((7,), (1, 7)), ((3, 4), (3, 4)), ((8, 3, 5), (15, 40)),
        ((8, 3, 5, 5), (75, 200)), ((0, 4), (1, 4)),
    ],
)  # fmt: skip
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


@pytest.mark.parametrize("name", DRAWN)
def test_a_start_follows_seed_and_key_alone(name: str) -> None:
    first = draw(name, (4, 4), 5, 2)
    np.testing.assert_array_equal(first, draw(name, (4, 4), 5, 2))
    assert first.dtype == np.float64
    assert not np.array_equal(first, draw(name, (4, 4), 6, 2))
    assert not np.array_equal(first, draw(name, (4, 4), 5, 3))
    np.testing.assert_array_equal(draw(name, (4, 4), 5, 2, 3.0), first * 3.0)


def test_figures_of_today() -> None:
    """Runs can be repeated later: these draws must never change."""
    for name, figures in FIGURES.items():
        np.testing.assert_allclose(draw(name, (2, 2), 1, 2).ravel(), figures, rtol=1e-15)


FIGURES = {
    "he": [0.8844508866291724, 0.5162374123085731, -0.6727113195256127, -1.5345242363039955],
    "xavier": [0.42269688237708913, 0.6864252489694687, 1.0258620045311533, -0.10054458311563352],
}


def test_shapes_that_do_not_suit_are_said() -> None:
    with pytest.raises(ShapeError, match="square matrix, not 2×3; make both sizes equal"):
        draw("identity", (2, 3), 0, 1)
    with pytest.raises(ShapeError, match="needs a matrix, not 3; give the parameter two sizes"):
        draw("orthogonal", (3,), 0, 1)


def test_a_document_offers_them_all() -> None:
    graph = compose("J = sum(W)", {"W": np.zeros((2, 3))})
    node = graph.nodes[str(graph.id_of("W"))]
    (init,) = [o for o in ops.TABLE["parameter"].options if o.name == "init"]
    assert init.choices == ("given", *initializers.names())
    for name in initializers.names():
        options = {"shape": (2, 2), "init": name, "scale": 0.5}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
        start = data.initialize(graph, None, 4)[node.id]
        np.testing.assert_array_equal(start, draw(name, (2, 2), 4, 1, 0.5))
    graph.put("nodes", node.id, replace(node, op="parameter", options={"init": "identity"}))
    with pytest.raises(DataError, match="W: an identity start needs a square matrix, not 2×3"):
        data.initialize(graph, None, 0)

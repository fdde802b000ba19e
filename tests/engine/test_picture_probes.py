"""Regions, fits, reconstructions, latent planes and units against NumPy written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import network

from engine import examples
from engine.compose import compose
from engine.graph import Graph, Recipe, Source
from engine.probes import PROBES, row_pictures, rowwise
from engine.probes.fit import fit
from engine.probes.latent import latent, principal
from engine.probes.reconstructions import reconstructions
from engine.probes.regions import regions, task_of
from engine.probes.units import ascended, units
from engine.train.scene import Scene
from engine.train.session import Training

RNG = np.random.default_rng(3)
X = RNG.standard_normal((60, 2))
SIDE = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
W1, B1 = RNG.standard_normal((2, 5)), RNG.standard_normal(5)
W2, B2 = RNG.standard_normal((5, 1)), RNG.standard_normal(1)
W3 = RNG.standard_normal((5, 3))
HIDDEN = "h = tanh(x @ W1 + b1)\n"


def hidden(x: np.ndarray) -> np.ndarray:
    return np.tanh(x @ W1 + B1)


def output(x: np.ndarray) -> np.ndarray:
    return (hidden(x) @ W2 + B2)[:, 0]


def scene(program: str, x: Any, y: Any, held: float = 0.0, **parameters: Any) -> Scene:
    graph = network(program, np.asarray(x), np.asarray(y), parameters)
    graph.put("sources", "d", Source(validation=held))
    return Scene(graph)


def two_classes(y: np.ndarray, loss: str, last: str = "{z}", held: float = 0.25) -> Scene:
    program = HIDDEN + f"z = {last.format(z='h @ W2 + b2')}\nloss = {loss}"
    return scene(program, X, y, held, W1=W1, b1=B1, W2=W2, b2=B2)


def corners(extent: tuple[float, float, float, float], side: int) -> np.ndarray:
    across, up = np.linspace(*extent[:2], side), np.linspace(*extent[2:], side)
    return np.array([[a, b] for b in up for a in across])


# ------------------------------------------------------------ regions


@pytest.mark.parametrize(
    ("target", "loss", "last", "sure"),
    [
        (SIDE[:, None], "bce_with_logits(z, y)", "{z}", lambda z: np.tanh(z / 2)),
        (SIDE[:, None] * 1.0, "bce(z, y)", "sigmoid({z})", lambda z: np.tanh(z / 2)),
        (SIDE[:, None] * 1.0, "mse(z, y)", "{z}", lambda z: np.clip(2 * z - 1, -1, 1)),
        (SIDE[:, None] * 2.0 - 1, "mse(z, y)", "tanh({z})", np.tanh),
    ],
)
def test_regions_of_two_classes_by_any_loss(
    target: np.ndarray, loss: str, last: str, sure: Any
) -> None:
    asked = two_classes(target, loss, last)
    told = regions(asked, grid=20)
    places = corners(told.extent, 20)
    assert told.kind == "two" and told.unit == -1 and told.others == 0
    assert told.picture.reshape(-1) == pytest.approx(sure(output(places)), abs=1e-12)
    every = np.concatenate([asked.rows(), asked.rows("validation")])
    right = (sure(output(X[every])) > 0) == SIDE[every]
    assert (told.points.rows == every).all() and (told.points.wrong == ~right).all()
    assert told.points.held.sum() == 15 and (told.points.classes == SIDE[every]).all()
    assert told.points.places == pytest.approx(X[every])
    for measure, rows in zip(told.measures, (asked.rows(), asked.rows("validation")), strict=True):
        assert measure.accuracy == pytest.approx(((output_class(sure, rows)) == SIDE[rows]).mean())
        assert measure.loss == pytest.approx(asked.loss(rows)) and measure.rows == len(rows)


def output_class(sure: Any, rows: np.ndarray) -> np.ndarray:
    return (sure(output(X[rows])) > 0).astype(int)


def test_regions_of_several_classes_and_of_a_unit() -> None:
    labels = RNG.integers(0, 3, 60)
    asked = scene(
        HIDDEN + "z = h @ W3\nloss = softmax_cross_entropy(z, y)", X, labels, W1=W1, b1=B1, W3=W3
    )
    told = regions(asked, grid=16)
    places = corners(told.extent, 16)
    logits = hidden(places) @ W3
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert told.kind == "classes" and told.class_names == ("0", "1", "2")
    assert (told.winner.reshape(-1) == logits.argmax(axis=1)).all()
    assert told.picture.reshape(-1) == pytest.approx((shares.max(axis=1) - 1 / 3) / (2 / 3))
    node = str(asked.graph.id_of("h"))
    unit = regions(asked, node=node, unit=2, grid=16)
    assert (unit.kind, unit.node, unit.unit) == ("number", node, 2)
    assert unit.picture.reshape(-1) == pytest.approx(hidden(places)[:, 2])
    assert unit.units.reshape(5, -1).T == pytest.approx(hidden(places))
    assert (node, "h", 5) in unit.nodes
    gone = regions(asked, node="n999", grid=16)
    assert gone.kind == "classes"  # a node that is no longer there: the prediction


def test_a_network_without_a_loss_is_seen_without_one() -> None:
    program = HIDDEN + "v = y\nloss = h @ W2 + b2"
    asked = scene(program, X, SIDE[:, None], W1=W1, b1=B1, W2=W2, b2=B2)
    told = regions(asked, grid=16)
    assert told.kind == "number" and told.measures[0].loss is None
    assert told.measures[0].accuracy is None and not told.points.wrong.any()


def test_other_features_stand_at_their_mean() -> None:
    wide = RNG.standard_normal((40, 4)) * [1.0, 3.0, 0.1, 2.0] + 5
    weights = RNG.standard_normal((4, 1))
    asked = scene("p = x @ w\nloss = mse(p, y)", wide, wide[:, :1] ** 2, w=weights)
    told = regions(asked, grid=16)
    assert told.axes == (1, 3) and told.others == 2 and told.kind == "number"
    mean = wide.mean(axis=0)
    places = corners(told.extent, 16)
    full = np.repeat(mean[None], 256, axis=0)
    full[:, [1, 3]] = places
    assert told.picture.reshape(-1) == pytest.approx((full @ weights)[:, 0])
    assert told.points.numbers == pytest.approx(wide[:, 0] ** 2)
    turned = regions(asked, first=2, second=2, grid=16)
    assert turned.axes == (2, 1)
    for options in ({"grid": 1}, {"first": 1.5}, {"points": -1}, {"unit": "x"}):
        with pytest.raises(ValueError, match="whole number"):
            regions(asked, **options)


def test_the_features_that_tell_the_classes_apart_are_seen_first() -> None:
    asked = Scene(examples.load("your-csv"))
    told = regions(asked, grid=16)
    assert [told.features[axis] for axis in told.axes] == ["petal_length", "petal_width"]
    x, y = asked.field("x", asked.rows()), asked.field("y", asked.rows())
    shares = [
        sum((y == c).sum() * (x[y == c, i].mean() - x[:, i].mean()) ** 2 for c in range(3))
        / len(y) / x[:, i].var()
        for i in range(4)
    ]  # fmt: skip
    assert set(np.argsort(shares)[2:]) == set(told.axes)


def test_the_rows_at_work_are_those_of_training() -> None:
    graph = examples.load("softmax-digits")
    training, asked = Training(graph), Scene(graph)
    for steps in (1, 42, 43, 50):
        training.run(steps - training.step_count)
        asked.at(training.parameters(), training.step_count)
        work = rowwise.rows_at_work(asked)
        plan = training._stage.now.plan
        fed = next(plan.value(n) for n in graph.of_op("data") if n in plan.expansion.nodes)
        assert asked.field("x", work) == pytest.approx(fed)
    assert not len(rowwise.rows_at_work(Scene(examples.load("xor"))))


def test_a_later_stage_goes_on_counting_epochs() -> None:
    graph = examples.load("softmax-digits")
    one = replace(graph.recipe.last, epochs=2, batch_size=500)
    two = replace(one, batch_size=200)
    graph.put("settings", "recipe", Recipe((one, two), 7))
    training, asked = Training(graph), Scene(graph)
    for steps in (4, 5, 7, 14):
        training.run(steps - training.step_count)
        asked.at(training.parameters(), training.step_count)
        plan = training._stage.now.plan
        fed = next(plan.value(n) for n in graph.of_op("data") if n in plan.expansion.nodes)
        assert asked.field("x", rowwise.rows_at_work(asked)) == pytest.approx(fed), steps


def test_a_wide_network_has_a_coarser_grid() -> None:
    x = RNG.standard_normal((10, 1000))
    asked = scene("p = x @ w\nloss = mse(p, y)", x, x[:, :1], w=RNG.standard_normal((1000, 1)))
    assert regions(asked).picture.shape == (44, 44)


# ------------------------------------------------------------ fit


def curve(truth: str = "", validation: float = 0.2) -> tuple[Scene, np.ndarray]:
    x = np.sort(RNG.uniform(-2, 2, (50, 1)), axis=0)
    w, b = RNG.standard_normal((1, 5)), RNG.standard_normal(5)
    asked = scene(
        "h = tanh(x @ W1 + b1)\np = h @ W2 + b2\nloss = mse(p, y)", x, np.sin(3 * x), validation,
        W1=w, b1=b, W2=W2, b2=B2,
    )  # fmt: skip
    return asked, np.concatenate([w[0], b])


def test_a_fit_and_its_largest_error_over_the_data() -> None:
    asked, weights = curve()
    told = fit(asked, grid=50)

    def by_hand(x: np.ndarray) -> np.ndarray:
        return (np.tanh(x[:, None] * weights[:5] + weights[5:]) @ W2 + B2)[:, 0]

    assert told.curves[0] == pytest.approx(by_hand(told.across))
    away = np.abs(by_hand(told.places) - np.sin(3 * told.places))
    assert not told.against_truth
    assert told.largest == pytest.approx(away.max()) and told.mean == pytest.approx(away.mean())
    assert told.worst_at == pytest.approx(told.places[away.argmax()])
    assert told.held.sum() == 10


def test_a_fit_to_a_known_function_is_measured_between_the_points() -> None:
    w, b = RNG.standard_normal((1, 5)), RNG.standard_normal(5)
    graph = network(
        "h = tanh(x @ W1 + b1)\np = h @ W2 + b2\nloss = mse(p, y)", np.zeros((2, 1)),
        np.zeros((2, 1)), {"W1": w, "b1": b, "W2": W2, "b2": B2},
    )  # fmt: skip
    options = {"formula": "sin(3*x)", "low": -2.0, "high": 1.0, "noise": 0.3}
    graph.put("sources", "d", Source(kind="function", options=options))
    told = fit(Scene(graph), grid=2000)
    assert told.reach == (-2.0, 1.0)
    within = (told.across >= -2) & (told.across <= 1)
    x = told.across[within]
    away = np.abs((np.tanh(x[:, None] @ w + b) @ W2 + B2)[:, 0] - np.sin(3 * x))
    assert told.against_truth and told.truth == pytest.approx(np.sin(3 * told.across))
    assert told.largest == pytest.approx(away.max()) and told.mean == pytest.approx(away.mean())
    assert told.worst_at == pytest.approx(x[away.argmax()])


def side_by_side() -> Scene:
    """A network and a line, judged by the sum of their losses."""
    return scene(
        HIDDEN + "z = h @ W2 + b2\nv = x @ V\none = bce_with_logits(z, y)\n"
        "two = bce_with_logits(v, y)\nloss = one + two",
        X, SIDE[:, None] * 1.0, 0.25, W1=W1, b1=B1, W2=W2, b2=B2, V=np.array([[1.0], [-2.0]]),
    )  # fmt: skip


def test_regions_of_networks_side_by_side_each_by_itself() -> None:
    asked = side_by_side()
    ids = {name: str(asked.graph.id_of(name)) for name in ("z", "v", "h")}
    first = regions(asked, grid=5)
    assert (first.node, first.rivals) == (ids["z"], (ids["v"],))
    assert [path for path, _, _ in first.nodes][:2] == [ids["z"], ids["v"]]
    other = regions(asked, node=ids["v"], grid=5)
    assert (other.node, other.unit, other.kind, other.rivals) == (ids["v"], -1, "two", (ids["z"],))
    places = corners(other.extent, 5)
    line = places @ [1.0, -2.0]
    assert other.picture.ravel() == pytest.approx(np.tanh(line / 2))
    rows = asked.rows()
    right = ((X[rows] @ [1.0, -2.0] > 0) == SIDE[rows]).mean()
    assert other.measures[0].accuracy == pytest.approx(right)
    logits = X[rows] @ [1.0, -2.0]
    loss = np.mean(np.logaddexp(0, logits) - logits * SIDE[rows])
    assert other.measures[0].loss == pytest.approx(loss)
    assert regions(asked, node=ids["h"], unit=1, grid=5).rivals == (ids["v"],)


def test_a_fit_of_a_network_beside_another_has_its_own_target_and_no_function_of_the_data() -> None:
    graph = network(
        "p = x @ W\ng = abs(x)\nq = x @ V\none = mse(p, y)\ntwo = mse(q, g)\nloss = one + two",
        np.zeros((2, 1)), np.zeros((2, 1)), {"W": np.array([[2.0]]), "V": np.array([[3.0]])},
    )  # fmt: skip
    options = {"formula": "sin(3*x)", "low": -2.0, "high": 2.0}
    graph.put("sources", "d", Source(kind="function", options=options))
    asked = Scene(graph)
    first, other = fit(asked), fit(asked, node=str(graph.id_of("q")))
    assert first.against_truth and first.target_name == "y"
    assert not other.against_truth and other.target_name == "g"
    assert other.curves[0] == pytest.approx(3 * other.across)
    assert other.largest == pytest.approx(8.0)  # at -2: 3x is -6 and |x| is 2


def test_log_odds_are_drawn_as_probabilities() -> None:
    x = RNG.standard_normal((30, 1))
    asked = scene(
        "z = x * w\nloss = bce_with_logits(z, y)", x, (x > 0).astype(np.int64), w=np.array([[2.0]])
    )
    told = fit(asked)
    assert told.curves[0] == pytest.approx(1 / (1 + np.exp(-2 * told.across)))
    assert told.largest is None


# ------------------------------------------------------------ auto-encoders

PICTURES = RNG.uniform(0, 1, (30, 16))
ENCODER, DECODER = RNG.standard_normal((16, 3)) / 4, RNG.standard_normal((3, 16))


def autoencoder(noise: str = "x", held: float = 0.0) -> Scene:
    lines = "c = tanh(x @ E)" if noise == "x" else f"n = {noise}\nc = tanh(n @ E)"
    return unlabelled(f"{lines}\nr = c @ D\nloss = mse(r, x)", ENCODER, held)


def unlabelled(program: str, encoder: np.ndarray, held: float = 0.0) -> Scene:
    """The data have classes, and no node reads them."""
    parameters = {"E": encoder, "D": DECODER}
    graph = network(f"{program}\nv = y", PICTURES, np.arange(30) % 3, parameters)
    graph.put("sources", "d", Source(validation=held))
    return Scene(graph)


def test_reconstructions_and_their_errors() -> None:
    told = reconstructions(autoencoder(held=0.5), rows=6)
    x = PICTURES[told.rows]
    r = np.tanh(x @ ENCODER) @ DECODER
    assert told.part == "validation" and told.are_pictures and told.noisy.size == 0
    assert told.original == pytest.approx(x.reshape(6, 4, 4))
    assert told.output == pytest.approx(r.reshape(6, 4, 4))
    assert told.errors == pytest.approx(((r - x) ** 2).mean(axis=1))
    assert told.names == ("x", "", "r") and len(told.labels) == 6
    again = reconstructions(autoencoder(held=0.5), rows=6, draw=4)
    assert (again.rows == reconstructions(autoencoder(held=0.5), rows=6, draw=4).rows).all()
    assert (again.rows != told.rows).any()


def test_noise_is_seen_and_what_comes_out_is_of_what_is_seen() -> None:
    told = reconstructions(autoencoder("masking_noise(x, share=0.4)"), rows=5)
    assert told.names == ("x", "n", "r") and told.part == "train"
    seen = told.noisy.reshape(5, 16)
    assert 0.1 < (seen == 0).mean() < 0.7
    assert told.output.reshape(5, 16) == pytest.approx(np.tanh(seen @ ENCODER) @ DECODER)
    x = PICTURES[told.rows]
    assert told.errors == pytest.approx(((told.output.reshape(5, 16) - x) ** 2).mean(axis=1))
    assert reconstructions(autoencoder("masking_noise(x, share=0.4)"), noisy="-").noisy.size == 0


def test_of_several_noises_that_on_the_way_to_the_output_is_shown() -> None:
    asked = unlabelled(
        "n = masking_noise(x, share=0.4)\nm = gaussian_noise(x, deviation=0.2)\n"
        "c = tanh(m @ E)\nr = c @ D\nq = tanh(n @ E) @ D\np = tanh(x @ E) @ D\n"
        "loss = mse(q, x) + mse(p, x) + mse(r, x)",
        ENCODER,
    )  # fmt: skip
    graph = asked.graph
    for output, noise in (("r", "m"), ("q", "n"), ("p", "")):
        told = reconstructions(asked, output=str(graph.id_of(output)), rows=5)
        assert told.names == ("x", noise, output)
    chosen = reconstructions(asked, output=str(graph.id_of("r")), noisy=str(graph.id_of("n")))
    assert chosen.names[1] == "n"


def test_an_auto_encoder_that_an_earlier_stage_trains_is_found() -> None:
    asked = scene(
        "c = tanh(x @ E)\nr = c @ D\nfirst = mse(r, x)\nz = c @ V\nloss = softmax_cross_entropy(z, y)",
        PICTURES, np.arange(30) % 3, E=ENCODER, D=DECODER, V=RNG.standard_normal((3, 3)),
    )  # fmt: skip
    told = reconstructions(asked, rows=4)
    assert told.names == ("x", "", "r")
    x = PICTURES[told.rows]
    assert told.output.reshape(4, 16) == pytest.approx(np.tanh(x @ ENCODER) @ DECODER)
    assert latent(asked).name == "c"


def test_what_gives_nothing_back_is_told() -> None:
    with pytest.raises(ValueError, match="does not give the input back"):
        reconstructions(Scene(examples.load("softmax-digits")))


@pytest.mark.parametrize(
    ("shape", "width", "found"),
    [
        ((64,), 0, (8, 8)), ((784,), 0, (28, 28)), ((3072,), 0, (32, 32, 3)), ((1, 28, 28), 0, (28, 28)),
        ((3, 9, 7), 0, (9, 7, 3)), ((9, 7, 3), 0, (9, 7, 3)), ((4, 5, 6), 0, (5, 24)), ((12,), 0, ()),
        ((12,), 4, (3, 4)), ((12,), 5, ()), ((2,), 0, ()), ((), 0, ()), ((6, 5), 0, (6, 5)),
    ],
)  # fmt: skip
def test_rows_as_pictures(shape: tuple[int, ...], width: int, found: tuple[int, ...]) -> None:
    assert row_pictures.picture_shape(shape, width) == found
    values = np.arange(2 * int(np.prod(shape)), dtype=float).reshape(2, *shape)
    shown = row_pictures.pictures(values, shape, width)
    assert shown.shape[1:] == found or (not found and shown.ndim == 2)
    assert sorted(shown.reshape(-1)) == sorted(values.reshape(-1))
    if shape == (3072,):
        assert (shown[0, :, :, 1].reshape(-1) == values[0, 1024:2048]).all()
    if shape == (4, 5, 6):
        assert (shown[0, :, 6:12] == values[0, 1]).all()


# ------------------------------------------------------------ latent


def test_the_narrowest_layer_along_its_principal_directions() -> None:
    asked = autoencoder(held=0.5)
    told = latent(asked)
    assert told.name == "c" and told.size == 3 and told.axes == (-1, -1)
    codes = np.tanh(PICTURES[told.rows] @ ENCODER)
    centred = codes - codes.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    by_hand = centred @ vectors[:, [2, 1]]
    assert np.abs(told.places) == pytest.approx(np.abs(by_hand))
    assert told.shares == pytest.approx((values[2] / values.sum(), values[1] / values.sum()))
    assert (told.classes == told.rows % 3).all() and told.class_names == ("0", "1", "2")
    assert told.held.sum() == 15
    two = latent(asked, first=2, second=0)
    assert two.places == pytest.approx(codes[:, [2, 0]])


def test_a_point_of_the_plane_is_decoded() -> None:
    asked = autoencoder()
    told = latent(asked, first=1, second=2, at=(0.25, -0.5))
    code = np.tanh(PICTURES[told.rows] @ ENCODER).mean(axis=0)
    code[1:] = 0.25, -0.5
    assert told.said == "point" and told.shown_is_picture
    assert told.shown.reshape(-1) == pytest.approx(code @ DECODER)
    row = latent(asked, of_row=7)
    assert row.said == "data" and row.shown.reshape(-1) == pytest.approx(PICTURES[7])
    told = latent(asked, at=(0.1, 0.2))
    codes = np.tanh(PICTURES[told.rows] @ ENCODER)
    directions, _ = principal(codes - codes.mean(axis=0))
    point = codes.mean(axis=0) + 0.1 * directions[0] + 0.2 * directions[1]
    assert told.shown.reshape(-1) == pytest.approx(point @ DECODER)


def test_a_sheet_of_pictures_covers_the_plane() -> None:
    told = latent(autoencoder(), first=0, second=2, sheet=(4, 8))
    left, right, bottom, top = told.extent
    code = np.tanh(PICTURES[told.rows] @ ENCODER).mean(axis=0)
    code[0], code[2] = left + 0.625 * (right - left), top - 0.0625 * (top - bottom)
    assert told.decodes and told.sheet.shape == (8, 4, 4, 4)
    assert told.sheet[0, 2].reshape(-1) == pytest.approx(code @ DECODER)
    places = told.places
    assert left < places[:, 0].min() and top > places[:, 1].max()
    assert latent(autoencoder(), extent=(0.0, 1.0, 2.0, 3.0)).extent == (0.0, 1.0, 2.0, 3.0)


def test_a_place_that_is_none_is_refused() -> None:
    for options in ({"at": (0.0, np.nan)}, {"at": (1.0,)}, {"extent": (0.0, 1.0)}):
        with pytest.raises(ValueError, match="numbers, not"):
            latent(autoencoder(), **options)


def test_principal_directions_by_either_gram_matrix() -> None:
    wide = RNG.standard_normal((8, 30)) * np.linspace(3, 1, 30)
    wide -= wide.mean(axis=0)
    _, s, v = np.linalg.svd(wide)
    directions, shares = principal(wide)
    assert np.abs(directions @ v[:2].T) == pytest.approx(np.eye(2), abs=1e-9)
    assert shares == pytest.approx(tuple(s[:2] ** 2 / (s**2).sum()))
    assert principal(np.zeros((1, 5)))[0].shape == (2, 5)


# ------------------------------------------------------------ units


def test_units_their_weights_and_the_rows_that_excite_them() -> None:
    told = units(autoencoder())
    codes = np.tanh(PICTURES @ ENCODER)
    assert (told.name, told.size, told.weights_name) == ("c", 3, "E")
    assert told.weights.reshape(3, 16) == pytest.approx(ENCODER.T)
    assert (told.best_rows == np.argsort(-codes, axis=0)[:3].T).all()
    assert told.best.reshape(3, 3, 16) == pytest.approx(PICTURES[told.best_rows])
    assert told.mean == pytest.approx(codes.mean(axis=0))
    assert told.counts[1].tolist() == np.histogram(codes[:, 1], told.edges)[0].tolist()
    later = units(autoencoder(), first=2)
    assert later.numbers.tolist() == [2] and later.made == pytest.approx(told.made[2:])


def test_the_made_input_is_the_best_one_in_the_ball() -> None:
    """Of a monotone function of one product the best input is that matrix's column, as long as allowed."""
    told = units(autoencoder())
    assert told.norm == pytest.approx(np.median(np.linalg.norm(PICTURES, axis=1)))
    best = ENCODER.T / np.linalg.norm(ENCODER.T, axis=1, keepdims=True) * told.norm
    assert told.made.reshape(3, 16) == pytest.approx(best, abs=1e-3)
    assert told.reached == pytest.approx(np.tanh(np.linalg.norm(ENCODER, axis=0) * told.norm))
    assert (units(autoencoder()).made == told.made).all()


def test_deeper_units_have_no_weights_of_their_own() -> None:
    random = np.random.default_rng(0)
    asked = scene(
        "h = relu(x @ A)\nk = relu(h @ B)\np = k @ W2\nloss = mse(p, y)", X, SIDE[:, None] * 1.0,
        A=random.standard_normal((2, 6)), B=random.standard_normal((6, 5)), W2=W2,
    )  # fmt: skip
    told = units(asked, node=str(asked.graph.id_of("k")))
    assert told.size == 5 and told.weights.size == 0 and told.made.shape == (5, 2)
    net = rowwise.network(asked)
    assert (np.linalg.norm(told.made, axis=1) <= told.norm * (1 + 1e-9)).all()
    lit = told.best_values[:, 0] > 0
    tried = random.standard_normal((5, 4000, 2))
    tried *= told.norm / np.linalg.norm(tried, axis=2, keepdims=True)
    values = asked.values([told.node], feeds=net.feeds(tried.reshape(-1, 2)))[told.node]
    most = values.reshape(5, 4000, 5).max(axis=1)[np.arange(5), np.arange(5)]
    assert np.median(told.reached[lit] / most[lit]) > 0.9  # a hill, if not always the highest one
    start = np.stack([asked.field("x", told.best_rows[:, 0])])[0]
    start *= np.minimum(1, told.norm / np.linalg.norm(start, axis=1, keepdims=True))
    begun = asked.values([told.node], feeds=net.feeds(start))[told.node]
    assert (told.reached >= begun[np.arange(5), np.arange(5)] - 1e-12).all()


def test_channels_are_units_and_their_kernels_are_pictures() -> None:
    x = RNG.standard_normal((6, 1, 8, 8))
    kernel = RNG.standard_normal((4, 1, 3, 3))
    asked = scene(
        "c = relu(conv2d(x, k))\np = mean(c, axis=(1, 2, 3))\nloss = mse(p, y)", x,
        RNG.standard_normal(6), k=kernel,
    )  # fmt: skip
    told = units(asked, node=str(asked.graph.id_of("c")))
    assert told.size == 4 and told.weights == pytest.approx(kernel[:, 0])
    assert told.made.shape == (4, 8, 8) and told.best.shape == (4, 3, 8, 8)
    values = asked.values([told.node])[told.node].mean(axis=(2, 3))
    assert told.mean == pytest.approx(values.mean(axis=0))


# ------------------------------------------------------------ everywhere

NAMES = ("regions", "fit", "reconstructions", "latent", "units")


@pytest.mark.parametrize("name", NAMES)
def test_documents_without_rows_are_told_so(name: str) -> None:
    for graph in (Graph(), compose("y = sin(x)", {"x": 1.0})):
        with pytest.raises(ValueError, match="add a data node"):
            PROBES[name].answer(Scene(graph))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_not_finite_are_shown_not_raised(name: str) -> None:
    broken = ENCODER.copy()
    broken[0, 0] = np.nan
    asked = unlabelled("c = tanh(x @ E)\nr = c @ D\nloss = mse(r, x)", broken)
    assert PROBES[name].answer(asked) is not None


def test_layers_inside_modules_are_found_and_fed() -> None:
    definition = compose("y = tanh(x @ W)", {"x": np.ones((2, 2)), "W": np.ones((2, 5))})
    weights = str(definition.id_of("W"))
    node = definition.nodes[weights]
    definition.put("nodes", weights, replace(node, op="parameter", options={"shape": (2, 5)}))
    definition.put("settings", "output", definition.id_of("y"))
    graph = compose(
        "h = Half(x)\nz = h @ W2\nloss = mse(z, y)", {"x": 0.0, "y": 0.0, "W2": W2},
        modules={"Half": definition},
    )  # fmt: skip
    for name, op, options in (
        ("x", "data", {"source": "d", "field": "x"}), ("y", "data", {"source": "d", "field": "y"}),
        ("W2", "parameter", {"shape": (5, 1)}),
    ):  # fmt: skip
        found = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", found.id, replace(found, op=op, options=options))
    for name, value in (("x", X), ("y", SIDE[:, None] * 1.0)):
        graph.put("tensors", str(graph.id_of(name)), None)
        graph.put("tensors", f"d.{name}", value)
    graph.put("sources", "d", Source())
    graph.put("tensors", f"{graph.id_of('h')}.{weights}", W1)
    asked = Scene(graph)
    told = units(asked)
    assert told.name == "h" and told.weights.reshape(5, 2) == pytest.approx(W1.T)
    paths = [path for path, _, _ in regions(asked).nodes]
    inner = next(p for p in paths if "." in p)
    seen = regions(asked, node=inner, unit=3, grid=16)
    assert seen.node == inner
    assert seen.picture.reshape(-1) == pytest.approx((corners(seen.extent, 16) @ W1)[:, 3])
    point = latent(asked, first=0, second=1, at=(0.5, 0.5))
    code = np.tanh(X @ W1).mean(axis=0)
    code[:2] = 0.5
    assert point.shown == pytest.approx(code @ W2)


def test_two_nodes_of_one_field_are_one_input() -> None:
    graph = network(
        "h = tanh(x @ W1)\nz = h @ W2 + u @ S\nloss = mse(z, y)", X, SIDE[:, None] * 1.0,
        {"W1": W1, "W2": W2, "S": np.array([[1.0], [-2.0]]), "u": np.zeros((2, 2))},
    )  # fmt: skip
    node = graph.nodes[str(graph.id_of("u"))]
    graph.put("nodes", node.id, replace(node, op="data", options={"source": "d", "field": "x"}))
    graph.put("tensors", node.id, None)
    told = regions(Scene(graph), grid=16)
    places = corners(told.extent, 16)
    assert told.others == 0
    by_hand = (np.tanh(places @ W1) @ W2)[:, 0] + places @ [1.0, -2.0]
    assert told.picture.reshape(-1) == pytest.approx(np.clip(2 * by_hand - 1, -1, 1))
    made = units(Scene(graph), node=str(graph.id_of("z"))).made
    assert made.shape == (1, 2)


def test_wide_layers_are_looked_at_on_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowwise, "NUMBERS", 20 * 16)
    asked = autoencoder(held=0.3)
    told = regions(asked)
    assert [(m.rows, m.of) for m in told.measures] == [(20, 21), (9, 9)]
    assert len(told.points.rows) <= 20 and len(latent(asked).rows) <= 20
    assert units(asked).rows == 20 and not latent(asked, sheet=(5, 5)).sheet.size


def test_the_border_is_where_either_class_costs_the_same() -> None:
    for y, loss, last, border in (
        (SIDE[:, None], "bce_with_logits(z, y)", "{z}", 0.0),
        (SIDE[:, None] * 1.0, "mse(z, y)", "{z}", 0.5),
        (SIDE[:, None] * 4.0 - 1, "mse(z, y)", "{z}", 1.0),
    ):
        asked = two_classes(y, loss, last)
        task = task_of(asked, rowwise.network(asked))
        assert task is not None and task.border == border


def test_ascent_goes_on_from_the_best_row_where_the_draw_is_flat() -> None:
    """relu(x @ w - 3) is 0 with slope 0 near the origin."""
    x = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 0.0], [0.0, 4.0], [3.0, 3.0]])
    asked = scene(
        "h = relu(x @ A - 3)\np = h @ B\nloss = mse(p, y)", x, x[:, :1], A=np.eye(2),
        B=np.ones((2, 1)),
    )  # fmt: skip
    net = rowwise.network(asked)
    node = net.nodes[str(asked.graph.id_of("h"))]
    made, reached = ascended(asked, net, node, np.arange(2), 2, 5.0, 0, x[[1, 3]])
    assert made == pytest.approx(5 * np.eye(2), abs=0.05) and reached == pytest.approx(2, abs=0.01)

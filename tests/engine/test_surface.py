"""Losses over planes of parameter space, against direct evaluation and against NumPy's SVD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import network

from engine import edits, examples
from engine.compose import compose
from engine.graph import Graph
from engine.modules import make_module
from engine.ops.row import Array
from engine.probes import surface as probe
from engine.probes.planes import Plane, principal_directions
from engine.probes.surface import Grid, order, surface
from engine.train.scene import Scene
from engine.train.session import Training

KEY = "plane"


def _bowl() -> tuple[Graph, str, str]:
    graph = compose("z = x * x + y * y", {"x": 0.5, "y": -1.0})
    return graph, str(graph.id_of("x")), str(graph.id_of("y"))


def _made(scene: Scene, key: str = KEY, **make: object) -> Plane:
    plane = surface(scene, key, make=make).plane
    assert plane is not None
    return plane


def _all(scene: Scene, bounds: tuple[float, float, float, float]) -> Array:
    grid = Grid()
    while grid.count < len(order()):
        part = surface(scene, KEY, bounds=bounds, first=grid.count)
        grid.take(part.first, part.losses)
    return grid.losses()


def test_no_plane_goes_through_what_is_not_finite() -> None:
    graph, x, _ = _bowl()
    graph.put("tensors", x, np.array(np.nan))
    for make in ({"kind": "random"}, {"kind": "principal", "moments": [{}, {}]}):
        with pytest.raises(ValueError, match="x is not finite throughout"):
            _made(Scene(graph), **make)


def test_one_weight_and_a_bias_have_a_random_plane() -> None:
    """A straight line through points: its one filter has one weight, so that it has no second direction."""
    random = np.random.default_rng(0)
    x = random.standard_normal((9, 1))
    values = {"W": np.array([[0.5]]), "b": np.array([1.0])}
    graph = network("z = x @ W + b\nloss = mse(z, y)", x, 2 * x - 1, values)
    plane = _made(Scene(graph), kind="random", seed=1)
    lengths = np.linalg.norm([plane.across, plane.up], axis=1)
    assert lengths == pytest.approx(np.hypot(0.5, 1.0))
    assert abs(plane.across @ plane.up) < 0.5 * lengths.prod()


def test_points_come_coarse_first_and_each_once() -> None:
    found = order()
    assert len(found) == len({(r, c) for r, c in found.tolist()}) == probe.SIDE**2
    for level in probe.LEVELS:
        stride = (probe.SIDE - 1) // (level - 1)
        assert (found[: level * level] % stride == 0).all()


def test_a_bowl_over_two_inputs_is_round_and_equals_its_formula() -> None:
    graph, x, y = _bowl()
    scene = Scene(graph)
    plane = _made(scene, kind="chosen", entries=((x, ()), (y, ())))
    assert plane.titles == ("x", "y")
    losses = _all(scene, (-2.0, 2.0, -2.0, 2.0))
    a = np.linspace(-2, 2, probe.SIDE)
    assert losses == pytest.approx(a[None, :] ** 2 + a[:, None] ** 2, abs=1e-12)
    assert losses == pytest.approx(losses.T)  # circles
    assert losses == pytest.approx(losses[::-1, ::-1])
    assert plane.project(plane.flat({x: np.array(0.5), y: np.array(-1.0)})[None])[0][0] == (
        pytest.approx((0.5, -1.0))
    )


def test_rows_run_along_the_second_entry() -> None:
    graph = compose("z = x + 10 * y", {"x": 0.0, "y": 0.0})
    scene = Scene(graph)
    _made(scene, kind="chosen", entries=((graph.id_of("x"), ()), (graph.id_of("y"), ())))
    losses = _all(scene, (0.0, 1.0, 0.0, 1.0))
    assert losses[0, -1] == pytest.approx(1.0) and losses[-1, 0] == pytest.approx(10.0)


def test_losses_of_a_network_are_those_of_training_there() -> None:
    graph = examples.load("xor")
    scene = Scene(graph)
    name = scene.trainable[0]
    index = (0,) * scene.parameters[name].ndim
    other = (1,) * scene.parameters[name].ndim
    moments = []
    training = Training(graph)
    for _ in range(4):
        training.run(5)
        moments.append(training.parameters())
    for make in (
        {"kind": "chosen", "entries": ((name, index), (name, other))},
        {"kind": "random", "seed": 3},
        {"kind": "principal", "moments": moments},
    ):
        plane = _made(scene, **make)
        part = surface(scene, KEY, bounds=(-0.5, 1.5, -1.0, 1.0), first=5, seconds=0.0)
        row, column = order()[5]
        places = probe.places((-0.5, 1.5, -1.0, 1.0))
        values = plane.at(places[0][column], places[1][row])
        loss = graph.name(training.loss_node)
        training.load_parameters(values)
        assert part.losses[0] == pytest.approx(training.metrics()["train"][loss], rel=1e-10)


def test_a_plane_stays_as_it_was_while_training_moves_on() -> None:
    graph = examples.load("xor")
    scene, training = Scene(graph), Training(graph)
    _made(scene, kind="random", seed=0)
    before = surface(scene, KEY, bounds=(-1, 1, -1, 1), seconds=0.0).losses
    training.run(20)
    scene.at(training.parameters(), 20)
    assert surface(scene, KEY, bounds=(-1, 1, -1, 1), seconds=0.0).losses == pytest.approx(before)
    kept = scene.parameters
    surface(scene, KEY, bounds=(-1, 1, -1, 1), slopes=True)
    assert scene.parameters is kept


def test_a_plane_that_is_not_known_any_more_is_sent_again() -> None:
    graph, x, y = _bowl()
    scene = Scene(graph)
    plane = _made(scene, "first", kind="chosen", entries=((x, ()), (y, ())))
    for number in range(probe.MAX_KNOWN):
        _made(scene, f"other {number}", kind="random", seed=number)
    assert surface(scene, "first", bounds=(0, 1, 0, 1)).unknown
    again = surface(scene, "first", plane=plane, bounds=(0, 1, 0, 1))
    assert not again.unknown and len(again.losses)


def test_principal_directions_are_numpys_singular_vectors() -> None:
    draw = np.random.default_rng(0)
    for shape in ((9, 40), (40, 9), (3, 7)):
        vectors = draw.standard_normal(shape) * np.linspace(3, 0.2, shape[1])
        directions, shares = principal_directions(vectors)
        _, singular, right = np.linalg.svd(vectors - vectors.mean(0))
        for mine, theirs in zip(directions, right, strict=False):
            sign = np.sign(theirs[np.argmax(np.abs(theirs))])
            assert mine == pytest.approx(sign * theirs, abs=1e-9)
        assert shares == pytest.approx(tuple(singular[:2] ** 2 / (singular**2).sum()))


def test_a_straight_way_has_a_second_direction_across_it() -> None:
    vectors = np.linspace(0, 1, 5)[:, None] * np.array((3.0, 4.0, 0.0))
    directions, shares = principal_directions(vectors)
    assert directions[0] == pytest.approx((0.6, 0.8, 0.0)) and shares == pytest.approx((1.0, 0.0))
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-12)
    with pytest.raises(ValueError, match="not moved"):
        principal_directions(np.ones((3, 4)))


def test_each_filter_of_a_direction_is_as_long_as_the_networks_own() -> None:
    graph = examples.load("xor")  # x @ W: a column is a neuron's weights
    scene = Scene(graph)
    plane = _made(scene, kind="random", seed=1)
    across = plane._shaped(plane.across)
    some = 0
    for name, value in scene.parameters.items():
        if value.ndim == 2:
            some += 1
            assert np.linalg.norm(across[name], axis=0) == (
                pytest.approx(np.linalg.norm(value, axis=0))
            )
        else:
            assert not across[name].any()
    assert some
    again = _made(scene, kind="random", seed=1)
    assert (again.across == plane.across).all() and (again.up == plane.up).all()
    assert (_made(scene, kind="random", seed=2).across != plane.across).any()


def test_filters_of_weights_at_the_left_are_their_rows() -> None:
    draw = np.random.default_rng(0)
    graph = compose(
        "loss = sum((W @ x - 1)^2)", {"x": np.ones(3), "W": draw.standard_normal((4, 3))}
    )
    name = str(graph.id_of("W"))
    edits.set_options(graph, name, {"trainable": True}).apply(graph)
    scene = Scene(graph)
    plane = _made(scene, kind="random", seed=0)
    own = np.linalg.norm(scene.parameters[name], axis=1)
    assert np.linalg.norm(plane.across.reshape(4, 3), axis=1) == pytest.approx(own)


def test_what_is_off_the_plane_is_told() -> None:
    plane = Plane(
        KEY, "random", ("w",), ((3,),), np.zeros(3), np.array((1.0, 0, 0)), np.array((1.0, 1.0, 0))
    )
    places, off = plane.project(np.array(((2.0, 1.0, 4.0),)))
    assert places[0] == pytest.approx((1.0, 1.0)) and off == pytest.approx((4.0,))
    assert plane.outside(np.zeros(3), np.array((3.0, 0.0, 4.0))) == pytest.approx(0.8)
    assert plane.outside(np.ones(3), np.ones(3)) == 0


def test_losses_that_are_not_finite_are_nothing() -> None:
    graph = compose("z = log(x) + y", {"x": 1.0, "y": 1.0})
    scene = Scene(graph)
    _made(scene, kind="chosen", entries=((graph.id_of("x"), ()), (graph.id_of("y"), ())))
    losses = _all(scene, (-1.0, 1.0, 0.0, 1.0))
    assert np.isnan(losses[:, :49]).all() and np.isfinite(losses[:, 49:]).all()


def test_gradients_along_the_axes_are_differences_of_losses() -> None:
    graph = examples.load("xor")
    scene = Scene(graph)
    plane = _made(scene, kind="random", seed=5)
    bounds = (-0.5, 0.5, -0.5, 0.5)
    slopes = surface(scene, KEY, bounds=bounds, slopes=True).slopes.reshape(13, 13, 2)
    columns, lines = probe.places(bounds, probe.FIELD)
    h = 1e-5
    for row, column in ((0, 0), (3, 9), (12, 5)):
        a, b = float(columns[column]), float(lines[row])
        points = [(a + h, b), (a - h, b), (a, b + h), (a, b - h)]
        right, left, top, bottom = probe.losses_at(scene, plane, points, scene.rows())
        wanted = ((right - left) / (2 * h), (top - bottom) / (2 * h))
        assert slopes[row, column] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        ({"kind": "principal", "moments": ()}, "train a few steps first"),
        ({"kind": "sideways"}, "no plane of the kind"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_sentence(make: dict[str, object], told: str) -> None:
    graph, _, _ = _bowl()
    with pytest.raises(ValueError, match=told):
        surface(Scene(graph), KEY, make=make)


def test_a_loss_of_nothing_that_moves_is_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="no parameter and no input"):
        _made(Scene(compose("z = 2 * 3")), kind="random")


def test_refused_entries_and_ranges_are_told_in_a_sentence() -> None:
    graph, x, y = _bowl()
    scene = Scene(graph)
    with pytest.raises(ValueError, match="two different entries"):
        _made(scene, kind="chosen", entries=((x, ()), (x, ())))
    with pytest.raises(ValueError, match=r"no entry \[3\]"):
        _made(scene, kind="chosen", entries=((x, (3,)), (y, ())))
    _made(scene, kind="chosen", entries=((x, ()), (y, ())))
    with pytest.raises(ValueError, match="no width"):
        surface(scene, KEY, bounds=(1.0, 1.0, 0.0, 1.0))
    graph = compose("z = x * c + y", {"x": 1.0, "y": 2.0, "c": np.ones(2)})
    scene = Scene(graph)
    _made(scene, kind="chosen", entries=((graph.id_of("x"), ()), (graph.id_of("y"), ())))
    with pytest.raises(ValueError, match="not a single number"):
        surface(scene, KEY, bounds=(0.0, 1.0, 0.0, 1.0))


def test_marked_inputs_are_trained_like_parameters() -> None:
    graph = compose("z = x * y", {"x": 0.5, "y": 0.25})
    x, y = str(graph.id_of("x")), str(graph.id_of("y"))
    for node in (x, y):
        edits.set_options(graph, node, {"trainable": True}).apply(graph)
    training = Training(graph)
    rate = graph.recipe.stages[0].learning_rate
    training.step()
    found = training.parameters()
    assert found[x] == pytest.approx(0.5 - rate * 0.25)
    assert found[y] == pytest.approx(0.25 - rate * 0.5)
    assert set(Scene(graph).trainable) == {x, y}


def test_clipped_inputs_keep_the_saddle_on_its_square() -> None:
    graph = compose("z = clip(x, -1, 1) * clip(y, -1, 1)", {"x": 0.4, "y": -0.3})
    ids = [str(graph.id_of(n)) for n in ("x", "y")]
    for node in ids:
        edits.set_options(graph, node, {"trainable": True}).apply(graph)
    recipe = graph.recipe
    stage = replace(recipe.stages[0], optimizer="sgd", learning_rate=0.1, settings={})
    edits.set_setting("recipe", replace(recipe, stages=(stage,))).apply(graph)
    training = Training(graph)
    training.run(200)
    assert training.loss == pytest.approx(-1.0)
    assert all(1 <= abs(v) <= 1.1 for v in training.parameters().values())


def test_parameters_inside_modules_are_of_the_plane() -> None:
    graph = examples.load("xor")
    flat, losses = Scene(graph.copy()), []
    hidden = [str(graph.id_of(name)) for name in ("W1", "b1")]
    reading = [
        n for n in graph.nodes if any(graph.links.get((n, p)) in hidden for p in graph.ports(n))
    ]
    edit, _ = make_module(graph, [*hidden, *reading], "Layer")
    edit.apply(graph)
    scene = Scene(graph)
    inside = [n for n in scene.trainable if "." in n]
    assert len(inside) == 2 and len(scene.trainable) == len(flat.trainable)
    for one, key in ((flat, "flat"), (scene, "inside")):
        names = [n for n in one.trainable if one.parameters[n].shape == (2, 4)]
        entries = ((names[0], (0, 0)), (names[0], (1, 2)))
        surface(one, key, make={"kind": "chosen", "entries": entries})
        losses.append(surface(one, key, bounds=(-1, 1, -1, 1), seconds=0.02).losses)
    count = min(map(len, losses))
    assert losses[0][:count] == pytest.approx(losses[1][:count])
    assert _made(scene, kind="random", seed=0).across.any()

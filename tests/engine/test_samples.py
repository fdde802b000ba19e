"""Pictures drawn pixel by pixel: what depends on what is proven, and drawing is by nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pixels import GREYS, SHAPES, SIDE, TWO, document, inside, two_greys

from engine.graph import Graph
from engine.probes.pixelwise import LeakError, Pixelwise, pixelwise, proven, waves
from engine.probes.sampling import Samples, _Drawing, drawn, samples
from engine.train.scene import Scene


def last(work: Any) -> Samples:
    found: Samples = list(work)[-1]
    return found


def named(graph: Graph, paths: Any) -> list[str]:
    return [graph.name(path) for path in paths]


# ------------------------------------------------------------ what is predicted


def test_parts_are_found() -> None:
    graph = document()
    found = pixelwise(Scene(graph))
    assert named(graph, [found.picture, found.code, found.scores]) == ["x", "z", "logits"]
    assert named(graph, found.entries) == ["seen"] and named(graph, found.held) == ["s"]
    assert found.shape == (SIDE, SIDE) and found.classes == 3
    assert found.levels.tolist() == found.greys.tolist() == [0.0, 0.5, 1.0]


def test_parts_inside_a_module_are_found() -> None:
    graph = inside()
    found = pixelwise(Scene(graph))
    names = [
        found.net.nodes[p].name for p in (*found.entries, *found.held, found.code, found.scores)
    ]
    assert names == ["logits.seen", "logits.s", "logits.z", "logits"]
    assert not proven(Scene(graph), found)[np.triu_indices(found.count)].any()


def test_two_greys_and_no_code() -> None:
    graph = two_greys()
    found = pixelwise(Scene(graph))
    assert named(graph, found.entries) == ["x"] and found.code == "" and found.codes == ()
    assert found.classes == 2 and found.levels.tolist() == [0.0, 1.0]
    assert not proven(Scene(graph), found)[np.triu_indices(25)].any()


def test_greys_are_those_of_the_data() -> None:
    """The data's numbers are other ones than those that come to the scores."""
    pictures = np.random.default_rng(0).choice([0.1, 0.2, 0.6, 0.9], (30, 1, SIDE, SIDE))
    found = pixelwise(Scene(document(pictures=pictures)))
    assert found.levels.tolist() == [0.2, 0.6, 0.9] or found.levels.tolist() == [0.1, 0.6, 0.9]
    assert found.greys.tolist() == [0.0, 0.5, 1.0]


def test_what_predicts_no_pixels() -> None:
    program = TWO.replace("bce_with_logits(scores, x)", "mse(scores, x)")
    graph = document(program, {"F": (3, 1, 3, 3), "P": (1, 3, 1, 1)})
    with pytest.raises(ValueError, match="pixel by pixel"):
        pixelwise(Scene(graph))


def test_colours_are_refused() -> None:
    pictures = np.random.default_rng(1).integers(0, 2, (20, 3, 5, 5)).astype(float)
    graph = document(TWO, {"F": (3, 3, 3, 3), "P": (3, 3, 1, 1)}, pictures)
    with pytest.raises(ValueError, match="several numbers a pixel"):
        pixelwise(Scene(graph))


def test_a_code_is_chosen() -> None:
    graph = document()
    scene = Scene(graph)
    assert pixelwise(scene, str(graph.id_of("z"))).code == graph.id_of("z")
    with pytest.raises(ValueError, match="no vector"):
        pixelwise(scene, str(graph.id_of("h0")))
    with pytest.raises(LeakError):  # the encoder sees the whole picture
        proven(scene, pixelwise(scene, "-"))


# ------------------------------------------------------------ what depends on what


def test_dependence_is_that_of_changes() -> None:
    """Each pixel changed on its own: the scores that change are those that may depend on it."""
    graph = document()
    scene = Scene(graph)
    found = pixelwise(scene)
    may = proven(scene, found)
    n = found.count
    random = np.random.default_rng(0)
    seen = np.zeros((n, n), bool)
    for _ in range(4):
        base = random.choice(found.levels, (1, n))
        changed = np.repeat(base, n + 1, axis=0)
        changed[np.arange(n), np.arange(n)] = 1 - changed[np.arange(n), np.arange(n)]
        changed[changed == 0.5] = 0.0
        changed[n] = np.where(base[0] == 0.5, 0.0, base[0])
        rows = np.zeros(n + 1, int)
        held = scene.values(found.held, rows)
        scores = scene.values([found.scores], rows, {**found.fed(changed), **held})[found.scores]
        difference = np.abs(found.by_pixel(scores[:n]) - found.by_pixel(scores[n:]))
        seen |= difference.max(axis=2).T > 1e-9
    assert not seen[np.triu_indices(n)].any() and not may[np.triu_indices(n)].any()
    assert not (seen & ~may).any()
    near = np.array([[abs(i // SIDE - j // SIDE) <= 4 for j in range(n)] for i in range(n)])
    assert (may & near).sum() <= seen.sum() * 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type='A'", "type='B'", r"logits at the pixel \[0, 0\] depends on itself"),
        ("masked_conv2d(h0, K, type='B', padding=1)", "conv2d(h0, K, padding=1)",
         r"logits at the pixel \[0, 0\] depends on itself"),
    ],
)  # fmt: skip
def test_a_leak_is_named(old: str, new: str, said: str) -> None:
    scene = Scene(document(GREYS.replace(old, new)))
    with pytest.raises(LeakError, match=said):
        last(drawn(scene, np.arange(2), 1))


def test_one_leaking_pixel_is_found() -> None:
    """A single score that looks at a single later pixel of its own line, or of the last one."""
    for line, column in ((3, 5), (5, 5)):
        mask = np.zeros((SIDE, SIDE))
        mask[3, 2] = 1.0
        looked = f"logits = permute(scores, axes=(0, 2, 3, 1)) + M * seen[:, :, {line}:{line + 1}, "
        looked += f"{column}:{column + 1}] * reshape(O[:, 0, 0, 0], (1, 1, 1, 3))"
        program = GREYS.replace("logits = permute(scores, axes=(0, 2, 3, 1))", looked)
        program = program.replace("M *", "reshape(M, (1, 6, 6, 1)) *")
        graph = document(program, {**SHAPES, "M": (SIDE, SIDE)})
        graph.put("tensors", str(graph.id_of("M")), mask)
        scene = Scene(graph)
        with pytest.raises(LeakError) as error:
            proven(scene, pixelwise(scene))
        assert (error.value.pixel, error.value.on) == (3 * SIDE + 2, line * SIDE + column)


def test_waves_keep_the_order() -> None:
    may = np.random.default_rng(0).random((40, 40)) < 0.1
    may &= np.tri(40, k=-1, dtype=bool)
    order = waves(may)
    assert sorted(np.concatenate(order).tolist()) == list(range(40)) and len(order) < 40
    before: set[int] = set()
    for wave in order:
        assert all(set(np.flatnonzero(may[p]).tolist()) <= before for p in wave)
        before |= set(wave.tolist())


# ------------------------------------------------------------ drawing


@pytest.mark.parametrize("make", [document, two_greys, inside])
def test_drawing_is_that_of_one_by_one(make: Any) -> None:
    scene = Scene(make())
    rows = scene.rows("validation", 2)
    got = last(drawn(scene, rows, 3, seed=5))
    found = pixelwise(scene)
    one = _Drawing(scene, found, rows, 3, 5, 1.0)
    for pixel in range(found.count):
        scores = one._scores()[:, [pixel]]
        one.classes[:, [pixel]] = one._chosen(scores, one._chance[:, [pixel]])
    assert got.is_done and got.samples.shape == (2, 3, *found.shape)
    assert np.array_equal(got.samples.reshape(6, -1), found.greys[one.classes])
    expected = ((got.samples - got.original[:, None]) ** 2).mean(axis=(2, 3))
    assert np.array_equal(got.distances, expected)


def test_chances_are_the_scores() -> None:
    """The first pixel depends on nothing but the code: its greys come as often as softmax says."""
    scene = Scene(document())
    rows = np.repeat(scene.rows("validation", 1), 1)
    found = pixelwise(scene)
    one = _Drawing(scene, found, rows, 1, 0, 1.0)
    scores = one._scores()[:, [0]]
    chance = np.random.default_rng(0).random((1, 100_000))
    counts = np.bincount(one._chosen(np.repeat(scores, 100_000, axis=1), chance)[0], minlength=3)
    expected = np.exp(scores[0, 0]) / np.exp(scores[0, 0]).sum()
    assert counts / 100_000 == pytest.approx(expected, abs=0.01)


def test_seed_number_and_temperature() -> None:
    scene = Scene(document())
    rows = scene.rows("validation", 3)
    first = last(drawn(scene, rows, 3, seed=1))
    assert np.array_equal(last(drawn(scene, rows, 3, seed=1)).samples, first.samples)
    assert not np.array_equal(last(drawn(scene, rows, 3, seed=2)).samples, first.samples)
    assert np.array_equal(last(drawn(scene, rows[:2], 2, seed=1)).samples, first.samples[:2, :2])
    cold = last(drawn(scene, rows, 2, temperature=0.0)).samples
    assert np.array_equal(cold[:, 0], cold[:, 1])
    assert not np.array_equal(first.samples[:, 0], first.samples[:, 1])


def test_lines_that_are_given_stay() -> None:
    scene = Scene(document())
    got = last(drawn(scene, scene.rows("validation", 2), 2, given=0.5))
    upper, lower = got.samples[:, :, :3], got.samples[:, :, 3:]
    assert np.array_equal(upper, np.repeat(got.original[:, None, :3], 2, axis=1))
    assert not np.array_equal(lower, np.repeat(got.original[:, None, 3:], 2, axis=1))


def test_a_grey_that_no_pixel_has_is_never_drawn() -> None:
    pictures = np.random.default_rng(0).integers(0, 2, (30, 1, SIDE, SIDE)) / 1.0
    got = last(drawn(Scene(document(pictures=pictures)), np.arange(3), 3))
    assert set(np.unique(got.samples)) == {0.0, 1.0}


def test_scores_that_change_behind_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a proof that says less than is true."""
    nothing = iter(())

    def blind(scene: Scene, found: Pixelwise) -> Any:
        yield from nothing
        return np.zeros((found.count, found.count), bool)

    monkeypatch.setattr("engine.probes.sampling.dependence", blind)
    with pytest.raises(ValueError, match="although no gradient says so"):
        last(drawn(Scene(document()), np.arange(2), 1))


def test_not_finite() -> None:
    graph = document()
    graph.put("tensors", str(graph.id_of("O")), np.full((3, 4, 1, 1), np.nan))
    with pytest.raises(ValueError, match="gradients of logits are not finite"):
        last(drawn(Scene(graph), np.arange(2), 1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "number of samples"), ({"temperature": float("nan")}, "temperature"),
        ({"given": 1.0}, "share that is kept"), ({"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        last(drawn(Scene(document()), np.arange(2), **options))


# ------------------------------------------------------------ as a probe


def test_probe_goes_on_with_what_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.probes.sampling.BEAT", 0.0)
    scene = Scene(document())
    expected = last(drawn(scene, scene.rows("validation", 2), 2)).samples
    got = samples(scene, rows=2, count=2)
    seen = [got.doing]
    assert got.doing == "check" and np.isnan(got.samples).all()
    assert samples(scene, rows=2, count=2, goes_on=False) is got
    scene.at({p: v + 1 for p, v in scene.parameters.items()}, 7)  # training goes on meanwhile
    later = dict(scene.parameters)
    while not got.is_done:
        got = samples(scene, rows=2, count=2)
        seen.append(got.doing)
    assert {"check", "draw", ""} == set(seen) and got.step == 0 and scene.step == 7
    assert all(np.array_equal(scene.parameters[p], v) for p, v in later.items())
    assert np.array_equal(got.samples, expected)
    assert samples(scene, rows=2, count=2) is got
    assert samples(scene, rows=2, count=2, run=1).step == 7


def test_probe_shows_rows_that_are_held_out() -> None:
    scene = Scene(document())
    got = samples(scene, rows=3, count=1)
    assert got.part == "validation" and set(got.rows) <= set(scene.rows("validation"))
    assert samples(scene, rows=3, count=1, part="train").part == "train"
    assert not got.is_direct and got.rebuilt.shape == got.original.shape

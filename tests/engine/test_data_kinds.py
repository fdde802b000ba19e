"""Kinds of data beside CSV: what each reader gives, compared with what the test itself wrote or computed."""

from __future__ import annotations

import gzip
import math
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from engine import data
from engine.compose import compose
from engine.data import KINDS, DataError, cells, csv_file
from engine.data import place as places
from engine.data.cache import Shelf
from engine.data.record import settings
from engine.graph import Graph, Source
from engine.train import data as training


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    """An array as an IDX file holds it."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, kind, array.ndim])
        + sizes
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def loaded(source: Source, base: Path | None = None) -> training.Dataset:
    graph = Graph()
    graph.put("sources", "d", source)
    return training.load(graph, "d", base)


# ------------------------------------------------------------ points


def label_of(shape: str, x: float, y: float) -> float:
    """What the Playground's generators say of a place, written out again."""
    if shape == "circle":
        return 1.0 if math.hypot(x, y) < 2.5 else -1.0
    if shape == "xor":
        return 1.0 if x * y >= 0 else -1.0
    if shape == "plane":
        return (x + y) / 10
    best = 0.0
    for cx, cy, sign in [
        (-4, 2.5, 1),
        (0, 2.5, -1),
        (4, 2.5, 1),
        (-4, -2.5, -1),
        (0, -2.5, 1),
        (4, -2.5, -1),
    ]:
        height = sign * min(max(1 - math.hypot(x - cx, y - cy) / 2, 0), 1)
        best = height if abs(height) > abs(best) else best
    return best


@pytest.mark.parametrize("shape", ["circle", "xor", "plane", "gauss"])
def test_points_without_noise_have_the_playgrounds_labels(shape: str) -> None:
    table = data.read(Source("toy", shape, options={"count": 301, "labels": "-1 and 1"}))
    x, y = table.fields["x"], table.fields["y"]
    assert x.shape == (301, 2) and y.shape == (301, 1)
    expected = [label_of(shape, a, b) for a, b in x.tolist()]
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-12, atol=1e-15)
    assert np.abs(x).max() <= 6
    if shape == "xor":
        assert np.abs(x).min() >= 0.3 and np.abs(x).max() <= 5.3
    if shape == "circle":
        radius = np.hypot(*x.T)
        assert not np.any((radius > 2.5) & (radius < 3.5)) and radius.max() <= 5


def test_spiral_and_gaussians_are_the_playgrounds() -> None:
    spiral = data.read(Source("toy", "spiral", options={"count": 200, "labels": "-1 and 1"}))
    for i in range(100):
        radius, angle = i / 100 * 5, 1.75 * i / 100 * 2 * math.pi
        for row, turn in ((i, 0.0), (100 + i, math.pi)):
            point = [radius * math.sin(angle + turn), radius * math.cos(angle + turn)]
            np.testing.assert_allclose(spiral.fields["x"][row], point, atol=1e-12)
    assert spiral.fields["y"][:100].min() == 1 and spiral.fields["y"][100:].max() == -1
    many = {"count": 200_000, "noise": 0.25}
    clouds = data.read(Source("toy", "gaussians", options=many))
    for label, middle in ((0, -2), (1, 2)):
        points = clouds.fields["x"][clouds.fields["y"] == label]
        np.testing.assert_allclose(points.mean(axis=0), middle, atol=0.02)
        np.testing.assert_allclose(points.var(axis=0), 2.25, rtol=0.02)  # halfway from 0.5 to 4


def test_points_follow_the_seed_and_noise_moves_them() -> None:
    def points(shape: str, **options: float | str) -> tuple[np.ndarray, np.ndarray]:
        fields = data.read(Source("toy", shape, options=options)).fields
        return fields["x"], fields["y"]

    for shape in KINDS["toy"].names():  # type: ignore[misc]
        one, again, other = points(shape, seed=3), points(shape, seed=3), points(shape, seed=4)
        assert np.array_equal(one[0], again[0]) and np.array_equal(one[1], again[1])
        fixed = shape in ("spiral", "moons")
        assert np.array_equal(one[0], other[0]) == fixed
        noisy = points(shape, seed=3, noise=0.5)
        assert not (np.array_equal(one[0], noisy[0]) and np.array_equal(one[1], noisy[1]))
        assert len(points(shape, count=7)[0]) == 7


@pytest.mark.parametrize("shape", ["circle", "xor"])
def test_noise_moves_the_place_a_label_is_read_at(shape: str) -> None:
    """As many labels are turned as in a simulation written out again."""
    options: dict[str, float | str] = {"count": 400_000, "noise": 0.4, "labels": "-1 and 1"}
    table = data.read(Source("toy", shape, options=options))
    x, y = table.fields["x"], table.fields["y"][:, 0]
    moved = x + np.random.default_rng(9).uniform(-5, 5, x.shape) * 0.4
    if shape == "circle":
        clean, expected = np.hypot(*x.T) < 3, np.hypot(*moved.T) < 2.5
    else:
        clean, expected = x.prod(axis=1) >= 0, moved.prod(axis=1) >= 0
    for part in (clean, ~clean):
        assert np.mean(y[part] > 0) == pytest.approx(expected[part].mean(), abs=0.006)


def test_moons_are_two_half_circles() -> None:
    fields = data.read(Source("toy", "moons", options={"count": 100})).fields
    x = fields["x"] / 3 + [0.5, 0.25]
    upper, lower = x[fields["y"] == 1], x[fields["y"] == 0]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, atol=1e-12)
    np.testing.assert_allclose(np.hypot(1 - lower[:, 0], 0.5 - lower[:, 1]), 1, atol=1e-12)
    assert upper[:, 1].min() >= -1e-12 and lower[:, 1].max() <= 0.5 + 1e-12


def test_a_function_by_formula() -> None:
    options = {"formula": "sin(2*x) + x^2/3", "low": -2.0, "high": 4.0, "count": 61}
    fields = data.read(Source("function", options=options)).fields
    x = np.linspace(-2, 4, 61)
    np.testing.assert_array_equal(fields["x"][:, 0], x)
    np.testing.assert_allclose(fields["y"][:, 0], np.sin(2 * x) + x**2 / 3, rtol=1e-14)
    noisy = data.read(Source("function", options={**options, "noise": 0.5, "count": 50_000}))
    clean = data.read(Source("function", options={**options, "count": 50_000}))
    assert (noisy.fields["y"] - clean.fields["y"]).std() == pytest.approx(0.5, rel=0.02)
    drawn = data.read(Source("function", options={**options, "spacing": "random"})).fields["x"]
    assert np.all(np.diff(drawn[:, 0]) >= 0) and not np.array_equal(drawn, fields["x"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"formula": "log(x)"}, "log(x) is nan at x = -3; choose a range"),
        ({"formula": "1/x", "low": 0.0}, "1/x is inf at x = 0; choose a range"),
        ({"formula": "reshape(x, (-1, 1)) * x"}, "does not give one number for each x"),
        ({"formula": "x +"}, "is no function of x"),
        ({"formula": "x + z"}, "is no function of x: z has no value"),
        ({"formula": "__import__('os')"}, "is no function of x"),
        ({"formula": "W @ x"}, "is no function of x"),
        ({"low": 2.0, "high": 1.0}, "the least x is 2 and the largest 1"),
        ({"count": 1.5}, "count is a number from 2"),
        ({"count": 3.5}, "count is a whole number, not 3.5"),
        ({"colour": 1.0}, "data of the kind function have no setting 'colour'"),
        ({"spacing": "odd"}, "spacing is one of even, random, not 'odd'"),
    ],
)  # fmt: skip
def test_functions_refused(options: dict[str, float | str], said: str) -> None:
    found = data.preview(Source("function", options=options))
    assert said in found.problem and "\n" not in found.problem and found.table is None


# ------------------------------------------------------------ pictures


@pytest.mark.parametrize("name", ["shapes", "textures", "digits", "composed"])
def test_patches(name: str) -> None:
    source = Source("patches", name, options={"count": 203, "arrange": "channels", "noise": 0.0})
    table = data.read(source)
    x, y = table.fields["x"], table.fields["y"]
    assert x.shape == (203, 1, 32, 32) and table.picture == (1, 32, 32)
    assert 0 <= x.min() and x.max() <= 1 and x.max() > 0.6
    counts = np.bincount(y, minlength=len(table.classes))
    assert counts.max() - counts.min() <= 1 and len(counts) == len(table.classes)
    assert all(len(np.unique(p)) >= 2 for p in x[:50])
    again = data.read(Source("patches", name, options={**source.options, "seed": 1}))
    assert not np.array_equal(again.fields["x"], x)


def test_patches_can_be_told_apart() -> None:
    """A disc is fuller than a ring of its width: the share of the bounding box that is bright."""
    table = data.read(
        Source("patches", "shapes", options={"count": 500, "noise": 0.0, "arrange": "grid"})
    )
    full: dict[str, list[float]] = {name: [] for name in table.classes}
    for picture, label in zip(table.fields["x"], table.fields["y"], strict=True):
        bright = picture > (picture.min() + picture.max()) / 2
        rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
        box = bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        full[table.classes[label]].append(float(box.mean()))
    means = {name: np.mean(values) for name, values in full.items()}
    assert means["disc"] == pytest.approx(math.pi / 4, abs=0.05)
    assert means["ring"] < means["disc"] - 0.2 and means["triangle"] < means["disc"]


def test_idx_files_are_read_exactly(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    labels = random.integers(0, 10, 40).astype(np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(pictures))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    found = loaded(Source("idx", "train-images-idx3-ubyte"), tmp_path)
    np.testing.assert_allclose(
        found.take("x", np.arange(40)), pictures.reshape(40, 784) / 255, rtol=1e-15
    )
    np.testing.assert_array_equal(found.take("y", np.arange(40)), labels)
    assert found.picture == (1, 28, 28) and found.sizes()["features"] == 784
    (tmp_path / "p.idx.gz").write_bytes(gzip.compress(idx(pictures)))
    options = {"labels": "train-labels-idx1-ubyte.gz", "grey": "0 to 255", "arrange": "channels"}
    packed = loaded(Source("idx", "p.idx.gz", options=options), tmp_path)
    np.testing.assert_array_equal(packed.take("x", slice(3, 9)), pictures[3:9, None])
    for kind, dtype in ((9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")):
        values = random.integers(-100, 100, (6, 5)).astype(dtype)
        (tmp_path / "v.idx").write_bytes(idx(values, kind))
        found = loaded(Source("idx", "v.idx", options={"labels": ""}), tmp_path)
        np.testing.assert_array_equal(found.take("x", np.arange(6)), values)


def test_npy_and_npz_are_read_exactly(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(30, 4)), random.integers(0, 3, 30)
    for dtype, order in (("<f8", "C"), (">f4", "C"), ("<f8", "F"), ("<i2", "C"), ("f2", "C")):
        stored = np.asarray((x * 10).astype(dtype), order=order)  # type: ignore[call-overload]
        np.save(tmp_path / "x.npy", stored)
        np.save(tmp_path / "y.npy", y)
        found = loaded(Source("arrays", "x.npy"), tmp_path)
        np.testing.assert_array_equal(found.take("x", np.arange(30)), stored)
        np.testing.assert_array_equal(found.take("y", np.arange(30)), y)
    np.savez_compressed(
        tmp_path / "z.npz", features=np.asfortranarray(x), label=y * 0.5, other=x[:5]
    )
    found = loaded(Source("arrays", "z.npz"), tmp_path)
    np.testing.assert_array_equal(found.take("x", np.arange(30)), x)
    assert found.classes == () and "not read: other" in found.notes
    np.testing.assert_array_equal(found.take("y", np.arange(30))[:, 0], y * 0.5)
    chosen = loaded(Source("arrays", "z.npz", "-", options={"features": "other"}), tmp_path)
    assert set(chosen.fields) == {"x"} and len(chosen.fields["x"]) == 5


def test_folders_of_pictures(tmp_path: Path) -> None:
    from PIL import Image

    random = np.random.default_rng(2)
    made = {}
    for kind in ("b", "a"):
        (tmp_path / "pics" / kind).mkdir(parents=True)
        for number in range(3):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            made[kind, number] = pixels
            Image.fromarray(pixels).save(tmp_path / "pics" / kind / f"{number}.png")
    (tmp_path / "pics" / "a" / "notes.txt").write_text("no picture")
    options: dict[str, float | str] = {"colour": "colour", "arrange": "channels"}
    found = loaded(Source("images", "pics", options=options), tmp_path)
    assert found.classes == ("a", "b") and found.take("y", np.arange(6)).tolist() == [
        0,
        0,
        0,
        1,
        1,
        1,
    ]
    expected = np.stack([made[k, n].transpose(2, 0, 1) / 255 for k in "ab" for n in range(3)])
    np.testing.assert_allclose(found.take("x", np.arange(6)), expected, rtol=1e-15)
    grey = loaded(Source("images", "pics", options={"side": 16.0}), tmp_path)
    assert grey.fields["x"].shape == (6, 256) and grey.picture == (1, 16, 16)
    weights = np.array([299, 587, 114]) / 1000
    plain = (made["a", 0] @ weights).reshape(16, 2, 16, 2).mean(axis=(1, 3)) / 255
    assert np.abs(grey.take("x", slice(0, 1)).reshape(16, 16) - plain).max() < 2.5 / 255
    (tmp_path / "pics" / "a" / "9.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(DataError, match=r"a/9\.png cannot be read as a picture"):
        loaded(Source("images", "pics"), tmp_path)
    left = loaded(Source("images", "pics", options={"missing": "drop rows"}), tmp_path)
    assert (
        len(left.fields["x"]) == 6
        and "1 pictures cannot be read and are left out (a/9.png)" in left.notes
    )


def test_previews_of_pictures_show_them(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 9, 7), dtype=np.uint8)
    (tmp_path / "p.idx").write_bytes(idx(pictures))
    np.savez(tmp_path / "p.npz", x=pictures, y=np.arange(20) % 3)
    for kind, name in (("idx", "p.idx"), ("arrays", "p.npz")):
        found = data.preview(Source(kind, name), tmp_path)  # type: ignore[arg-type]
        assert found.pictures is not None and not found.problem
        np.testing.assert_array_equal(found.pictures, pictures[:16])
        assert found.columns[0].type == "pixel" and found.shapes["x"] == (20, 63)
        assert found.columns[0].mean == pytest.approx(pictures.mean() / 255)
    assert found.classes == (("0", 7), ("1", 7), ("2", 6))
    grey = data.preview(Source("patches", "digits", options={"count": 30}))
    assert grey.pictures is not None and grey.pictures.shape == (16, 32, 32)
    x = data.read(Source("patches", "digits", options={"count": 30})).fields["x"]
    np.testing.assert_array_equal(
        grey.pictures[0], (x[0].reshape(32, 32).astype(float) * 255).astype(np.uint8)
    )
    table = data.preview(Source(), tensors={"x": np.ones((4, 2)), "y": np.array([0, 0, 1, 1])})
    assert table.rows == 4 and [c.name for c in table.columns] == ["x1", "x2", "y"]
    assert data.preview(Source()).problem == "there are no rows; add some or choose other data"


def test_builtin_sets_and_kinds_by_name(tmp_path: Path) -> None:
    iris = data.read(Source("builtin", "iris"))
    assert iris.fields["x"].shape == (150, 4) and len(iris.classes) == 3
    assert (
        data.kind_of(Path("a.CSV")) == "csv"
        and data.kind_of(Path("train-images-idx3-ubyte.gz")) == "idx"
    )
    assert data.kind_of(tmp_path) == "images" and data.kind_of(Path("a.exe")) == ""
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    source = data.source_of(tmp_path / "d.csv", tmp_path, seed=4)
    assert (source.kind, source.path, source.seed) == ("csv", "d.csv", 4)
    assert source.checksum == places.checksum(tmp_path / "d.csv")
    with pytest.raises(DataError, match=r"a\.exe is no data that can be read"):
        data.source_of(Path("a.exe"))


# ------------------------------------------------------------ standardise, fill, one-hot


def test_missing_values_are_filled_with_the_training_rows_mean(tmp_path: Path) -> None:
    rows = [(i, i * i if i % 3 else math.nan, i % 2) for i in range(40)]
    text = "a,b,k\n" + "".join(f"{a},{'' if math.isnan(b) else b},{'uv'[k]}\n" for a, b, k in rows)
    (tmp_path / "m.csv").write_text(text)
    source = Source("csv", "m.csv", validation=0.25, seed=5, options={"missing": "fill"})
    found = loaded(source, tmp_path)
    x = np.array([[a, b] for a, b, _ in rows])
    known = x[found.train, 1][~np.isnan(x[found.train, 1])]
    expected = np.where(np.isnan(x[:, 1]), known.mean(), x[:, 1])
    np.testing.assert_allclose(found.take("x", np.arange(40))[:, 1], expected, rtol=1e-14)
    assert any(
        "filled with the mean of the training rows" in n and "(b: 14)" in n for n in found.notes
    )
    with pytest.raises(DataError, match=r"line 2 of m\.csv has no value in the column b"):
        loaded(Source("csv", "m.csv", options={"missing": "refuse"}), tmp_path)


def test_range_and_one_hot() -> None:
    options: dict[str, float | str] = {"scaling": "range", "classes_as": "one-hot"}
    source = Source("builtin", "iris", standardize=True, validation=0.2, options=options)
    found, plain = loaded(source), loaded(Source("builtin", "iris", validation=0.2))
    x = plain.take("x", np.arange(150))
    low, high = x[found.train].min(axis=0), x[found.train].max(axis=0)
    np.testing.assert_allclose(
        found.take("x", np.arange(150)), (x - low) / (high - low), rtol=1e-14
    )
    y = found.take("y", np.arange(150))
    np.testing.assert_array_equal(y.argmax(axis=1), plain.take("y", np.arange(150)))
    assert y.shape == (150, 3) and np.all(y.sum(axis=1) == 1) and found.sizes()["classes"] == 3


# ------------------------------------------------------------ edits


def test_edits_of_sources_and_their_inverses(tmp_path: Path) -> None:
    graph = compose("y = x + 1", {"x": 1.0})
    before = dict(graph.nodes)
    inverse = data.add_source(graph, "d", Source("toy", "moons")).apply(graph)
    made = [graph.nodes[n] for n in graph.of_op("data")]
    assert [(n.options["source"], n.options["field"]) for n in made] == [("d", "x"), ("d", "y")]
    assert len({n.name for n in graph.nodes.values()}) == len(graph.nodes)
    with pytest.raises(ValueError, match="there are data called 'd' already"):
        data.add_source(graph, "d", Source())
    embedded = data.embed(graph, "d").apply(graph)
    assert graph.sources["d"].kind == "table" and graph.tensors["d.x"].shape == (500, 2)
    found = training.load(graph, "d")
    expected = data.read(Source("toy", "moons"))
    np.testing.assert_array_equal(found.take("x", np.arange(500)), expected.fields["x"])
    assert found.classes == expected.classes and found.columns == expected.columns
    changed = data.change_source(graph, "d", Source("toy", "xor")).apply(graph)
    assert "d.x" not in graph.tensors
    removed = data.remove_source(graph, "d").apply(graph)
    assert not graph.sources and all(graph.nodes[n.id].options["source"] == "" for n in made)
    for step in (removed, changed, embedded, inverse):
        step.apply(graph)
    assert graph.nodes == before and not graph.sources and "d.x" not in graph.tensors
    for edit in (data.remove_source, data.embed):
        with pytest.raises(ValueError, match="there is no data called 'nope'"):
            edit(graph, "nope")


def test_embedding_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    graph.put("sources", "d", Source("builtin", "digits"))
    monkeypatch.setattr("engine.data.changes.MAX_EMBEDDED", 1000)
    with pytest.raises(
        DataError, match=r"the data d have .* of numbers and a document takes in 1000 bytes"
    ):
        data.embed(graph, "d")


def test_a_file_that_is_written_while_it_is_read_is_told(tmp_path: Path) -> None:
    """Rows come or go between the look at its columns and the reading of them."""
    path = tmp_path / "log.csv"
    for rows in (2, 4):
        path.write_text("a,b\n" + "1,0.5\n" * 3)
        options = settings(csv_file.OPTIONS, Source("csv"))
        sheet = csv_file.CsvSheet(path, options)
        seen = cells.survey(sheet, ["a"], ["b"], options)
        made = cells.plan(sheet, seen, ["a"], ["b"], options)
        path.write_text("a,b\n" + "1,0.5\n" * rows)
        with pytest.raises(DataError, match=r"log\.csv was changed while it was read"):
            cells.fill(sheet, seen, made, options, Shelf())


def test_other_files_beside_a_csv_file_do_not_make_it_be_read_again(tmp_path: Path) -> None:
    """A document is saved beside its data again and again."""
    path = tmp_path / "d.csv"
    path.write_text("a,b\n1,0.5\n2,1.5\n")
    source = Source("csv", str(path))
    first = data.read(source)
    (tmp_path / "x.gloom").write_bytes(b"")
    os.utime(tmp_path, (1, 1))
    assert data.read(source) is first
    path.write_text("a,b\n1,0.5\n2,1.5\n3,2.5\n")
    assert len(data.read(source).fields["x"]) == 3

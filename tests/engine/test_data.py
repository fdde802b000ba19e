"""Data: files read or refused with one sentence, splits and batches by seed, parameters that fit."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import data as kinds
from engine import initializers
from engine.compose import compose
from engine.graph import Graph, Node, Source
from engine.train import data
from engine.train.data import DataError


def written(folder: Path, text: str, name: str = "d.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read_csv(path: Path, target: str = "", **options: float | str) -> SimpleNamespace:
    """A file as the old reader of its columns gave it: the fields beside what is told of them."""
    found = kinds.read(Source("csv", str(path), target, options=options))
    told = {k: getattr(found, k) for k in ("columns", "classes", "target", "notes")}
    return SimpleNamespace(**found.fields, **told)


def with_source(source: Source, **tensors: object) -> Graph:
    graph = Graph()
    graph.put("sources", "d", source)
    for field, value in tensors.items():
        graph.put("tensors", f"d.{field}", np.asarray(value))
    return graph


# ------------------------------------------------------------ CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_and_types_are_guessed(delimiter: str, tmp_path: Path) -> None:
    lines = ["a,b,colour,kind", "1,2.5,red,yes", "-3,1e2,blue,no", '4,0,"red",yes']
    table = read_csv(written(tmp_path, "\n".join(lines).replace(",", delimiter) + "\n"), "kind")
    assert table.columns == ("a", "b", "colour=blue", "colour=red")
    assert table.x.tolist() == [[1, 2.5, 0, 1], [-3, 100, 1, 0], [4, 0, 0, 1]]
    assert table.classes == ("no", "yes") and table.y.tolist() == [1, 0, 1]
    assert not table.notes


def test_target_is_the_last_column_or_the_one_named(tmp_path: Path) -> None:
    path = written(tmp_path, "kind,a\n7,1.5\n3,2.5\n7,3.5\n")
    last, named = read_csv(path), read_csv(path, "kind")
    assert last.target == "a" and last.classes == () and last.y.tolist() == [[1.5], [2.5], [3.5]]
    assert named.classes == ("3", "7") and named.y.tolist() == [1, 0, 1]
    assert kinds.header(path) == ["kind", "a"]


def test_decimal_comma(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "a;b\n1,5;u\n2,25;v\n"))
    assert table.x.tolist() == [[1.5], [2.25]]


def test_missing_values_are_left_out_and_said(tmp_path: Path) -> None:
    text = "\ufeffa,b,kind\n1,,x\n2,3,y\nNA,?,x\n4,5,\n6,7,x\n\n"
    table = read_csv(written(tmp_path, text))
    assert table.x.tolist() == [[2, 3], [6, 7]]
    assert table.notes == ("3 of 5 rows were left out for missing values (b: 2, a: 1, kind: 1)",)


def test_many_texts_are_no_feature(tmp_path: Path) -> None:
    rows = "".join(f"name{i},{i},{'uv'[i % 2]}\n" for i in range(60))
    table = read_csv(written(tmp_path, "who,a,kind\n" + rows))
    assert table.columns == ("a",)
    assert table.notes == ("the column who has 60 different texts and was left out",)


def test_whole_numbers_of_many_values_are_a_quantity(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i * 3}\n" for i in range(60))
    assert read_csv(written(tmp_path, "a,age\n" + rows)).y.shape == (60, 1)


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("", "", "d.csv is empty; the first line names the columns"),
        ("a,b\n", "", "d.csv has no complete row"),
        ("a,b\n1,2\n3\n", "", "line 3 of d.csv has 1 values and the header 2"),
        ("a,b\n1,2\n3,4,5\n", "", "line 3 of d.csv has 3 values and the header 2"),
        ("a,b\n1,x\n2,x\n\nten,x\n", "", "line 5 of d.csv: 'ten' in the column a is not a number"),
        ("a,b\n1,x\n2,x\n1e999,x\n", "", "line 4 of d.csv: '1e999' in the column a is not a number"),
        ("a,b\n1,x\n2,x\n1_0,x\n", "", "line 4 of d.csv: '1_0' in the column a is not a number"),
        ("a,a\n1,2\n", "", "d.csv has two columns called 'a'"),
        ("a,\n1,2\n", "", "d.csv has an unnamed column"),
        ("a\n1\n", "", "d.csv has one column"),
        ("a,b\n1,2\n", "kind", "d.csv has no column 'kind'; it has: a, b"),
        ("who,kind\nu,x\n", "who", "d.csv has no column of numbers beside who"),
    ],
)  # fmt: skip
def test_refused_in_a_sentence(text: str, target: str, said: str, tmp_path: Path) -> None:
    if said.endswith("beside who"):
        text = "who,kind\n" + "".join(f"u,x{i}\n" for i in range(60))
    with pytest.raises(DataError) as caught:
        read_csv(written(tmp_path, text), target)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the file none\.csv is not there"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is not a file"):
        read_csv(tmp_path)
    (tmp_path / "b.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_csv(tmp_path / "b.csv")


def test_a_first_line_of_numbers_is_a_row(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "1,2\n3,4.5\n"))
    assert table.x.tolist() == [[1], [3]] and table.y.tolist() == [[2], [4.5]]
    assert table.columns == ("c1",) and table.target == "c2"
    assert table.notes == (
        "the first line of d.csv holds numbers only, so it is a row and the columns are called c1, c2 "
        "and so on",
    )
    named = read_csv(tmp_path / "d.csv", header="yes")
    assert named.columns == ("1",) and named.x.tolist() == [[3]]


def test_a_changed_file_is_read_again_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,x\n2,y\n")
    graph = with_source(Source("csv", "d.csv", checksum=data.checksum(path)))
    assert data.load(graph, "d", tmp_path).notes == ()
    written(tmp_path, "a,b\n1,x\n2,y\n3,y\n")
    again = data.load(graph, "d", tmp_path)
    assert len(again.fields["x"]) == 3
    assert again.notes == ("d.csv has changed since it was chosen",)


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=2, max_size=8,
    )
)  # fmt: skip
def test_numbers_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "n.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["a", "b", "c", "kind"], *([*map(repr, r), "k"] for r in rows)])
    np.testing.assert_array_equal(read_csv(path).x, np.array(rows))


# ------------------------------------------------------------ sources


def test_builtin_digits_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    ours = data.load(with_source(Source("builtin", "digits")), "d")
    theirs = datasets.load_digits()
    np.testing.assert_array_equal(ours.fields["x"], theirs.data)
    np.testing.assert_array_equal(ours.fields["y"], theirs.target)
    assert ours.sizes() == {"features": 64, "classes": 10}


def test_shipped_irises_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    ours = data.load(with_source(Source("csv", "iris.csv")), "d")
    theirs = datasets.load_iris()
    np.testing.assert_array_equal(ours.fields["x"], theirs.data)
    np.testing.assert_array_equal(ours.fields["y"], theirs.target)


def test_a_file_beside_the_document_comes_first(tmp_path: Path) -> None:
    graph = with_source(Source("csv", "iris.csv"))
    assert len(data.load(graph, "d", tmp_path).fields["x"]) == 150
    written(tmp_path, "a,b\n1,x\n2,y\n", "iris.csv")
    assert len(data.load(graph, "d", tmp_path).fields["x"]) == 2


@pytest.mark.parametrize(
    ("source", "tensors", "said"),
    [
        (Source(), {}, "the data d has no fields"),
        (Source(), {"x": [[1.0], [2.0]], "y": [0]}, "the fields of d differ in rows (x has 2, y has 1)"),
        (Source(), {"x": np.zeros((0, 2))}, "the data d has no rows"),
        (Source("builtin", "digit"), {}, "there is no built-in data 'digit'; choose digits, iris"),
        (Source("csv", ""), {}, "no file is chosen"),
    ],
)  # fmt: skip
def test_sources_refused(source: Source, tensors: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        data.load(with_source(source, **tensors), "d")
    assert str(caught.value).startswith(said)
    with pytest.raises(DataError, match="there is no data called 'e'"):
        data.load(with_source(source, **tensors), "e")


def test_split_and_standardized_by_training_rows_alone() -> None:
    x = np.random.default_rng(0).normal(3, 5, (40, 3))
    x[:, 2] = 7.0
    source = Source(validation=0.25, seed=3, standardize=True)
    found = data.load(with_source(source, x=x), "d")
    assert len(found.validation) == 10 and len(found.train) == 30
    assert sorted([*found.train, *found.validation]) == list(range(40))
    shown = found.fields["x"]
    np.testing.assert_allclose(shown[found.train].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(shown[found.train][:, :2].std(axis=0), 1)
    assert np.all(shown[:, 2] == 0)
    again = data.load(with_source(source, x=x), "d")
    other = data.load(with_source(replace(source, seed=4), x=x), "d")
    assert np.array_equal(found.train, again.train)
    assert not np.array_equal(found.train, other.train)


def test_fewer_training_rows_are_among_more_and_the_held_out_ones_stay() -> None:
    x = np.random.default_rng(0).normal(0, 1, (40, 2))

    def split(wanted: int, held: float = 0.25) -> data.Dataset:
        source = Source(validation=held, seed=3, options={"training_rows": wanted})
        return data.load(with_source(source, x=x), "d")

    whole, ten, five = split(0), split(10), split(5)
    assert len(ten.train) == 10 and len(five.train) == 5
    assert set(five.train) < set(ten.train) < set(whole.train)
    assert list(ten.train) == sorted(ten.train)
    for found in (ten, five, split(1000)):
        assert np.array_equal(found.validation, whole.validation)
    assert ten.notes == ("10 of the 30 training rows are taken",)
    assert np.array_equal(split(1000).train, whole.train) and not split(1000).notes
    unheld = split(7, 0.0)
    assert len(unheld.train) == 7 and len(unheld.validation) == 0
    assert not np.array_equal(unheld.train, np.arange(7))
    with pytest.raises(DataError, match=r"training rows is a number from 0 to .*, not -1"):
        split(-1)
    with pytest.raises(DataError, match=r"training rows is a whole number, not 2\.5"):
        split(2.5)  # type: ignore[arg-type]


def test_order_of_an_epoch() -> None:
    found = data.load(with_source(Source(), x=np.zeros((50, 1))), "d")
    first, second = found.order(0, 0), found.order(0, 1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, found.order(0, 0))
    assert not np.array_equal(first, found.order(1, 0))


def test_random_numbers_stay_the_same() -> None:
    """Philox by (seed, purpose, number): figures of today, so that runs can be repeated later."""
    assert initializers.generator(1, 2, 3).permutation(8).tolist() == [4, 2, 1, 0, 5, 7, 6, 3]


# ------------------------------------------------------------ parameters


def network(hidden: int = 5) -> Graph:
    graph = compose("h = x @ W + b\nz = h @ V", {"x": [[1.0, 2.0]], "W": 0.0, "b": 0.0, "V": 0.0})
    options = {
        "W": {"shape": ("features", hidden), "init": "he"}, "b": {"shape": (hidden,), "init": "zeros"},
        "V": {"shape": (hidden, "classes"), "init": "xavier"},
    }  # fmt: skip
    for name, chosen in options.items():
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options=chosen))
    x = graph.nodes[str(graph.id_of("x"))]
    graph.put("tensors", x.id, None)
    graph.put("nodes", x.id, replace(x, op="data", options={"source": "d", "field": "x"}))
    graph.put("sources", "d", Source())
    graph.put("tensors", "d.x", np.arange(12.0).reshape(4, 3))
    graph.put("tensors", "d.y", np.array([0, 1, 3, 1]))
    return graph


def test_shapes_follow_the_data_and_misfits_are_mended() -> None:
    graph = network()
    named = {graph.name(n): s for n, s in data.resolve_shapes(graph, data.load(graph, "d")).items()}
    assert named == {"W": (3, 5), "b": (5,), "V": (5, 4)}
    wrong = data.misfits(graph)
    assert wrong[0].message == "W is () and the data need 3×5; reinitialise it"
    for misfit in wrong:
        misfit.edit.apply(graph)
    assert not data.misfits(graph)
    assert graph.tensors[str(graph.id_of("V"))].shape == (5, 4)


def test_a_new_node_changes_nobody_elses_start() -> None:
    graph = network()
    dataset = data.load(graph, "d")
    before = data.initialize(graph, dataset, 7)
    node = Node(graph.new_id(), "parameter", "extra", {"shape": (2, 2), "init": "normal"})
    graph.put("nodes", node.id, node)
    after = data.initialize(graph, dataset, 7)
    assert set(after) == {*before, node.id}
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])
    w = str(graph.id_of("W"))
    assert not np.array_equal(before[w], data.initialize(graph, dataset, 8)[w])


def test_starts_have_the_spread_they_say() -> None:
    graph = network(4000)
    starts = {graph.name(n): v for n, v in data.initialize(graph, data.load(graph, "d"), 0).items()}
    assert starts["W"].std() == pytest.approx(np.sqrt(2 / 3), rel=0.05)
    assert np.abs(starts["V"]).max() <= np.sqrt(6 / 4004)
    assert np.abs(starts["V"]).max() > 0.99 * np.sqrt(6 / 4004)
    assert not starts["b"].any()


def test_unknown_sizes_are_said() -> None:
    graph = network()
    node = graph.nodes[str(graph.id_of("W"))]
    graph.put("nodes", node.id, replace(node, options={"shape": ("feature", 5), "init": "he"}))
    with pytest.raises(
        DataError, match="the shape of W names 'feature'; the sizes known are: features"
    ):
        data.resolve_shapes(graph, data.load(graph, "d"))
    with pytest.raises(DataError, match="none without data"):
        data.resolve_shapes(graph, None)


def test_feeds_are_the_first_rows() -> None:
    graph = network()
    (x,) = graph.of_op("data")
    assert data.feeds(graph)[x].tolist() == np.arange(12.0).reshape(4, 3).tolist()
    assert data.feeds(graph, rows=[2])[x].tolist() == [[6.0, 7.0, 8.0]]
    graph.put("settings", "recipe", graph.recipe.changed(batch_size=3))
    assert len(data.feeds(graph)[x]) == 3
    node = graph.nodes[x]
    graph.put("nodes", x, replace(node, options={"source": "d", "field": "z"}))
    with pytest.raises(
        DataError, match="x reads the field 'z', which d does not have; choose x, y"
    ):
        data.feeds(graph)


def test_a_cell_may_hold_any_character_and_quoted_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text('"len,mm,avg";kind\n1;"foo\u2028bar"\n2;other\n', "utf-8")
    assert kinds.header(path) == ["len,mm,avg", "kind"]
    path.write_text('x,y\n1,"2\n3,4\n', "utf-8")
    with pytest.raises(ValueError):
        read_csv(path, "y")

"""Documents to files and back: the same bytes, of every version, on paths of every kind."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import (
    PREVIEW,
    random_document,
    sample,
    sample_of_format_1,
    sample_of_format_2,
    sample_of_format_3,
    sample_of_format_4,
    sample_of_format_5,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine import files
from engine.files import FileError, document, strict, upgrades
from engine.graph import Graph, Node

FORMATS = Path(__file__).parent.parent / "files"
FOUND = sorted(FORMATS.glob("format-*/*.*"))


def holding(value: np.ndarray[Any, Any], **settings_: str) -> Graph:
    graph = Graph()
    graph.put("nodes", "n1", Node("n1", "input", "x"))
    graph.put("tensors", "n1", value)
    for key, text in settings_.items():
        graph.put("settings", key, text)
    return graph


def round_trip(graph: Graph) -> None:
    data = files.to_bytes(graph)
    assert files.to_bytes(files.from_bytes(data)) == data
    text = files.to_text(graph)
    again = files.from_text(text)
    assert files.to_text(again) == text
    for key, array in graph.tensors.items():
        twin = again.tensors[key]
        assert (twin.dtype, twin.shape) == (array.dtype, array.shape)
        if array.dtype.kind == "f":  # the twin's NaN is any NaN
            twin, array = (np.where(np.isnan(a), 0, a) for a in (twin, array))
        assert twin.tobytes() == array.tobytes()


# ------------------------------------------------------------ round trips


def test_random_documents_come_back_byte_for_byte() -> None:
    for seed in range(150):
        round_trip(random_document(seed))


@pytest.mark.slow
def test_random_documents_come_back_byte_for_byte_long() -> None:
    for seed in range(10_000, 20_000):
        round_trip(random_document(seed))


ARRAYS = st.sampled_from(sorted(strict.DESCR)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=150)
@given(ARRAYS, TEXT, TEXT)
def test_any_array_and_any_text(array: np.ndarray[Any, Any], title: str, about: str) -> None:
    graph = holding(array, title=title, about=about)
    round_trip(graph)
    again = files.from_bytes(files.to_bytes(graph))
    assert again.tensors["n1"].tobytes() == array.tobytes()  # NaN's bits as well
    assert (again.settings["title"], again.settings["about"]) == (title, about)


@settings(max_examples=150)
@given(st.floats(allow_nan=False), st.floats(-1e8, 1e8))
def test_literals_and_places_come_back_bit_for_bit(literal: float, place: float) -> None:
    graph = Graph()
    graph.put("nodes", "n1", Node("n1", "mul", "y", {}, {"a": literal}, place, -place))
    node = files.from_bytes(files.to_bytes(graph)).nodes["n1"]
    for one, other in ((node.literals["a"], literal), (node.x, place), (node.y, -place)):
        assert np.float64(one).tobytes() == np.float64(other).tobytes()


def test_planted_short_floats_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = document._number
    monkeypatch.setattr(
        document,
        "_number",
        lambda v: float(f"{v:g}") if isinstance(v, float) and np.isfinite(v) else original(v),
    )
    with pytest.raises(AssertionError):
        test_literals_and_places_come_back_bit_for_bit()


def test_planted_lost_tuples_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_options", lambda op, options: options)
    with pytest.raises((AssertionError, FileError)):
        test_random_documents_come_back_byte_for_byte()


def test_equal_documents_have_equal_bytes_whatever_their_history() -> None:
    graph = sample()
    shuffled = Graph()
    rng = random.Random(1)
    for table in ("settings", "sources", "modules", "operators", "nodes", "tensors", "links",
                  "notes"):  # fmt: skip
        entries = list(getattr(graph, table).items())
        rng.shuffle(entries)
        for key, value in entries:
            shuffled.put(table, key, value)  # type: ignore[arg-type]
    assert files.canonical_bytes(shuffled) == files.canonical_bytes(graph)


def test_a_long_chain_is_read_in_linear_time() -> None:
    def chain(count: int) -> bytes:
        graph = Graph()
        ids = random.Random(0).sample(range(1, count + 1), count)
        for index, number in enumerate(ids):
            op = "sin" if index else "input"
            graph.put("nodes", f"n{number}", Node(f"n{number}", op, f"v{number}"))
            if index:
                graph.put("links", (f"n{number}", "x"), f"n{ids[index - 1]}")
        return files.to_bytes(graph)

    data, took = {n: chain(n) for n in (2_000, 20_000)}, {}
    for count, content in data.items():
        started = time.process_time()
        assert len(files.from_bytes(content).links) == count - 1
        took[count] = time.process_time() - started
    assert took[20_000] < 40 * took[2_000]  # quadratic time would be 100 times


# ------------------------------------------------------------ the format


def test_a_file_is_an_ordinary_zip_of_json_and_npy() -> None:
    graph = sample()
    with zipfile.ZipFile(io.BytesIO(files.to_bytes(graph, PREVIEW))) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == sorted(packed.namelist())
        assert {i.compress_type for i in packed.infolist()} == {zipfile.ZIP_STORED}
        assert packed.read("preview.png") == PREVIEW
        for key, array in graph.tensors.items():
            read = np.load(io.BytesIO(packed.read(f"tensors/{key}.npy")), allow_pickle=False)
            assert read.dtype == array.dtype and read.tobytes() == array.tobytes()
        text = packed.read("graph.json").decode()
    assert text.endswith("}\n") and '\n  ["n1", "n3", "a"],\n' in text


def test_numpys_own_arrays_are_read() -> None:
    for array in sample().tensors.values():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
        assert strict.read_array(buffer.getvalue()).tobytes() == array.tobytes()


def test_the_picture_is_outside_the_canonical_bytes(tmp_path: Path) -> None:
    graph = sample()
    data = files.to_bytes(graph, PREVIEW)
    assert data != files.canonical_bytes(graph)
    assert files.canonical_bytes(files.from_bytes(data)) == files.canonical_bytes(graph)
    files.write(graph, tmp_path / "a.gloom", PREVIEW)
    files.write(graph, tmp_path / "b.gloom")
    assert files.preview(tmp_path / "a.gloom") == PREVIEW
    assert files.preview(tmp_path / "b.gloom") is None
    assert files.same_content(tmp_path / "a.gloom", tmp_path / "b.gloom")
    with pytest.raises(FileError, match="not a PNG"):
        files.write(graph, tmp_path / "a.gloom", b"GIF89a")


@pytest.mark.parametrize("path", FOUND, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_version_opens(path: Path) -> None:
    graph = files.read(path)
    made = {
        "format-1": sample_of_format_1, "format-2": sample_of_format_2,
        "format-3": sample_of_format_3, "format-4": sample_of_format_4,
        "format-5": sample_of_format_5,
    }  # fmt: skip
    wanted = made.get(path.parent.name, sample)()
    assert files.canonical_bytes(graph) == files.canonical_bytes(wanted) or path.suffix == ".json"
    assert files.to_text(graph) == files.to_text(wanted)


def test_todays_bytes_are_those_of_the_sample() -> None:
    folder = FORMATS / f"format-{upgrades.VERSION}"
    assert (folder / "sample.gloom").read_bytes() == files.to_bytes(sample(), PREVIEW)
    assert (folder / "sample.json").read_bytes() == files.to_text(sample()).encode()


def test_older_versions_are_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "version": 0, "caption": "half way"}

    def titled(document: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in document.items() if key != "caption"}
        return {**rest, "version": 6, "title": document["caption"]}

    text = files.to_text(sample()).replace('"version": 6', '"version": -1')
    with pytest.raises(FileError, match="format -1 never existed"):
        files.from_text(text)
    monkeypatch.setattr(
        upgrades, "UPGRADES", {-1: named, 0: titled, 1: dict, 2: dict, 3: dict, 4: dict, 5: dict}
    )
    assert files.from_text(text).settings["title"] == "half way"


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text(files.to_text(sample()).replace('"version": 6', '"version": 7'))
    with pytest.raises(FileError) as caught:
        files.read(path)
    assert str(caught.value) == (
        f"{path}: it was made by a newer Gradloom (format 7); this one reads format 6; "
        "update Gradloom"
    )


# ------------------------------------------------------------ paths


def test_links_and_modes_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.gloom", tmp_path / "link.gloom"
    files.write(Graph(), real)
    os.chmod(real, 0o640)
    link.symlink_to(real)
    files.write(sample(), link)
    assert link.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert files.to_text(files.read(link)) == files.to_text(sample())
    dangling = tmp_path / "dangling.gloom"
    dangling.symlink_to(tmp_path / "made.gloom")
    files.write(sample(), dangling)
    assert dangling.is_symlink() and (tmp_path / "made.gloom").is_file()
    assert not list(tmp_path.glob(".gloom-*"))


def test_new_files_have_the_mode_the_person_asked_for(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        files.write(Graph(), tmp_path / "a.gloom")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.gloom").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["n" * 249 + ".gloom", "größe ∂ 🙂.gloom", "a b.json", "-"])
def test_long_and_foreign_names(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        files.write(sample(), tmp_path / name)
    assert files.to_text(files.read(tmp_path / name)) == files.to_text(sample())
    assert os.listdir(tmp_path) == [name]


def test_what_is_not_a_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    folder, fifo, loop = tmp_path / "a.gloom", tmp_path / "fifo", tmp_path / "loop"
    folder.mkdir()
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    for path in (folder, fifo, Path("/dev/null"), Path("/dev/zero"), loop, tmp_path / "none" / "a"):
        for act in (files.read, files.preview, lambda p: files.write(Graph(), p)):
            with pytest.raises(FileError) as caught:
                act(path)
            assert caught.value.path == str(path) and "\n" not in str(caught.value)
    assert folder.is_dir() and stat.S_ISFIFO(fifo.lstat().st_mode)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "n" * 300])
def test_impossible_names_are_refused_in_words(tmp_path: Path, name: str) -> None:
    for act in (files.read, lambda p: files.write(Graph(), p)):
        with pytest.raises(FileError):
            act(tmp_path / name)
    assert not list(tmp_path.glob(".gloom-*"))


def test_reading_files_imports_nothing_that_runs_code() -> None:
    code = (
        "import sys, engine.files; "
        "print(sorted({'PySide6', 'torch', 'pandas', 'app'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("version", "key", "value"),
    [
        (1, "sizes", 7), (1, "modules", "rubbish"), (1, "operators", {}),
        (1, "muted", True), (2, "notes", "rubbish"), (2, "bookmarks", 7), (2, "muted", "maybe"),
        (2, "notes in a module", []), (2, "muted in a module", False),
        (3, "viewers", {}), (3, "breakpoints", 7), (3, "derivatives in a module", {}),
        (5, "panels", []), (5, "lesson", []), (5, "lesson in a module", 7),
    ],
)  # fmt: skip
def test_what_a_version_did_not_have_is_refused_in_it(version: int, key: str, value: Any) -> None:
    told = json.loads((FORMATS / f"format-{version}" / "sample.json").read_text())
    key, _, where = key.partition(" ")
    part = told["modules"]["Outer"]["modules"]["Inner"] if where else told
    (part["nodes"][-1] if key == "muted" else part)[key] = value
    with pytest.raises(FileError, match=f"it holds '{key}', which format . does not have"):
        files.from_text(json.dumps(told))

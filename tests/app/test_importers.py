"""Kinds of files: told by what they hold, by their name otherwise; a later one is one record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from documents import PREVIEW, sample
from hostile_pictures import DRAWING

from app import arguments, importers
from app.cli import main
from app.importers import IMPORTERS, importer_of, offer, read, refusal, table
from engine import files
from engine.compose import compose
from engine.files import picture

TABLE = "a,b,kind\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n"


@pytest.fixture
def kinds(tmp_path: Path) -> dict[str, Path]:
    graph = sample()
    paths = {suffix: tmp_path / f"file{suffix}" for suffix in importers.SUFFIXES}
    files.write(graph, paths[".gloom"])
    files.write(graph, paths[".json"])
    paths[".png"].write_bytes(picture.with_document(PREVIEW, graph))
    paths[".svg"].write_bytes(picture.with_document(DRAWING, graph))
    for suffix in (".csv", ".tsv", ".txt"):
        paths[suffix].write_text(TABLE)
    return paths


@pytest.mark.parametrize("suffix", [".gloom", ".json", ".png", ".svg"])
def test_documents_are_read_whatever_they_are_called(kinds: dict[str, Path], suffix: str) -> None:
    whole = files.canonical_bytes(sample())
    graph, importer = read(kinds[suffix])
    assert files.canonical_bytes(graph) == whole and suffix in importer.suffixes
    for other in (".gloom", ".json", ".png", ".svg", ".bin", ""):
        path = kinds[suffix].with_name(f"renamed{other}")
        path.write_bytes(kinds[suffix].read_bytes())
        graph, found = read(path)
        assert files.canonical_bytes(graph) == whole and found is importer


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_a_table_is_a_document_with_data(kinds: dict[str, Path], suffix: str) -> None:
    graph, importer = read(kinds[suffix])
    assert importer.gives == "data"
    (source,) = graph.sources.values()
    assert (source.kind, source.target) == ("csv", "kind")
    assert [node.op for node in graph.nodes.values()] == ["data", "data"]
    assert graph.settings["title"] == "file"
    other = next(iter(table(kinds[suffix], "a").sources.values()))
    assert other.target == "a"


def test_a_table_with_a_difficult_name_is_read(kinds: dict[str, Path]) -> None:
    path = kinds[".csv"].with_name("7 – my (data).csv")
    path.write_text(TABLE)
    assert list(read(path)[0].sources) == ["table"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.docx", b"PK\3\4" + bytes(60), "cannot read .docx; it opens .gloom, .json, .png, .svg"),
        ("a.png", b"GIF89a", "a.png: it is neither a PNG nor an SVG picture"),
        ("a.png", PREVIEW, "a.png: this picture holds no Gradloom document"),
        ("a.svg", DRAWING, "a.svg: this picture holds no Gradloom document"),
        ("a.gloom", b"hello", "a.gloom: its text is not JSON"),
        ("a.json", b"{}", "a.json: it is not a Gradloom document"),
        ("a.csv", b"1\n2\n", "a.csv has one column"),
        ("a.csv", b"\xff\xfe", "a.csv is not UTF-8"),
        ("a.csv", b"", "a.csv"),
        ("a", b"", "cannot read a; it opens"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_name(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r".+") as caught:
        read(path)
    assert sentence in str(caught.value) and name in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.bin: it cannot be read: No such file"):
        read(tmp_path / "missing.bin")
    with pytest.raises(ValueError, match=r"is a folder"):
        read(tmp_path)
    assert "is a folder" in refusal([tmp_path])


def test_what_a_drop_would_do(kinds: dict[str, Path], tmp_path: Path) -> None:
    letter = tmp_path / "letter.docx"
    letter.write_bytes(b"")
    chosen = offer([letter, kinds[".csv"], kinds[".svg"], kinds[".json"]])
    assert chosen is not None and chosen.path == kinds[".svg"]
    assert chosen.words(True) == chosen.words(False) == "Open file.svg"
    assert (
        chosen.left_out() == "letter.docx, file.csv, file.json: not opened; drop one file at a time"
    )
    data = offer([letter, kinds[".csv"]])
    assert data is not None and data.words(True) == "Use file.csv as data"
    assert data.words(False) == "New document with data of file.csv"
    assert offer([letter]) is None and "letter.docx" in data.left_out()


def test_a_later_kind_of_file_is_one_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.formula"
    path.write_text("y = x^2")
    kind = replace(
        IMPORTERS[2], name="Formulas", suffixes=(".formula",),
        sniff=lambda head: head.startswith(b"y ="), read=lambda p: compose(p.read_text(), default=1.0),
    )  # fmt: skip
    monkeypatch.setattr(importers, "IMPORTERS", (*IMPORTERS, kind))
    assert importer_of(path) is kind and len(read(path)[0].nodes) == 2
    graph, _ = arguments.open_document(str(path))
    assert len(graph.nodes) == 2


def test_import_on_the_command_line(
    kinds: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.gloom"
    assert main(["import", str(kinds[".png"]), "-o", str(out)]) == 0
    assert files.canonical_bytes(files.read(out)) == files.canonical_bytes(sample())
    assert main(["import", str(kinds[".svg"]), "-o", str(out)]) == 2, "it exists"
    assert main(["import", str(kinds[".csv"]), "-o", str(out), "--force", "--target", "b"]) == 0
    assert next(iter(files.read(out).sources.values())).target == "b"
    assert main(["import", str(kinds[".csv"]), "-o", str(out), "--force", "--target", "q"]) == 2
    assert main(["import", str(kinds[".svg"]), "-o", str(out), "--force", "--target", "q"]) == 2
    assert main(["run", str(kinds[".csv"])]) == 2
    assert "'gradloom import" in capsys.readouterr().err

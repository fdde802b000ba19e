"""Odd and hostile files of data: each reader answers with one sentence that names the file, or with rows."""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import data
from engine.data import DataError, cache, cells
from engine.data import place as places
from engine.graph import Source

ROUNDS = 60 if not os.environ.get("GRADLOOM_LONG") else 3000


def said(source: Source, base: Path) -> str:
    """The sentence a source is refused with, the same from the reader and from the preview."""
    with pytest.raises(DataError) as caught:
        data.read(source, base)
    sentence = str(caught.value)
    assert sentence and "\n" not in sentence and len(sentence) < 400
    found = data.preview(source, base)
    assert found.problem, sentence
    return sentence


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    line = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(line)) + line + body


def described(descr: str, shape: str, body: bytes, order: object = False) -> bytes:
    return npy(f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}", body)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def saved(array: np.ndarray, pickled: bool = False) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, allow_pickle=pickled)
    return out.getvalue()


def idx(*sizes: int, kind: int = 8, body: bytes = b"") -> bytes:
    return bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + body


def lying_zip() -> bytes:
    """A member whose record says that it is smaller than what it unpacks to."""
    whole = bytearray(zipped(("x.npy", saved(np.zeros(1000)))))
    at = whole.find(b"PK\1\2")
    whole[at + 24 : at + 28] = struct.pack("<I", 200)
    return bytes(whole)


CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "objects": ("o.npy", lambda: saved(np.array([{}], object), True), "holds Python objects and no real"),
    "code": ("c.npy", lambda: npy("__import__('os').system('x')", bytes(8)), "is no array that NumPy wrote"),
    "deep header": ("d.npy", lambda: npy("(" * 30_000), "is no array that NumPy wrote"),
    "texts": ("t.npy", lambda: saved(np.array(["a"])), "no real numbers"),
    "complex": ("z.npy", lambda: saved(np.array([1j])), "no real numbers"),
    "records": ("r.npy", lambda: saved(np.zeros(2, "i4,f8")), "no real numbers"),
    "ten gigabytes": ("g.npy", lambda: described("<f8", "(1342177280,)", bytes(8)), "cut short or damaged"),
    "overflow": ("v.npy", lambda: described("<f8", "(4294967296, 4294967296, 2)", b""), "cut short"),
    "negative": ("n.npy", lambda: described("<f8", "(-2, 3)", bytes(48)), "has no sound shape"),
    "no rows": ("e.npy", lambda: saved(np.zeros((0, 3))), "has no rows"),
    "no columns": ("w.npy", lambda: saved(np.zeros((3, 0))), "rows without numbers"),
    "a single number": ("s.npy", lambda: saved(np.array(3.0)), "has no rows"),
    "not finite": ("f.npy", lambda: saved(np.array([[1.0, 2], [3, np.nan]])), "row 2, entry 2 of x in f.npy"),
    "infinite": ("i.npy", lambda: saved(np.array([[np.inf]])), "row 1, entry 1 of x in i.npy is inf"),
    "empty npy": ("y.npy", lambda: b"", "is no array that NumPy wrote"),
    "bomb npz": ("b.npz", lambda: zipped(("x.npy", saved(np.zeros(20_000_000)))), "would unpack from"),
    "lying npz": ("l.npz", lying_zip, "l.npz"),
    "no zip": ("k.npz", lambda: b"PK\3\4" + bytes(50), "cut short or damaged"),
    "npz of texts": ("x.npz", lambda: zipped(("a.txt", b"hello")), "holds no array of numbers"),
    "a pickled npz": ("p.npz", lambda: zipped(("x.npy", saved(np.array([{}]), True))), "Python objects"),
    "no idx": ("a.idx", lambda: b"hello, world", "is no IDX file; it begins with 68 65 6c 6c"),
    "empty idx": ("e.idx", lambda: b"", "is no IDX file; it begins with nothing"),
    "idx of nothing": ("n.idx", lambda: idx(0, 28, 28), "has no rows; its sizes are 0×28×28"),
    "cut idx": ("c.idx", lambda: idx(10, 28, 28, body=bytes(100)), "has 100 bytes of numbers and says 7,840"),
    "long idx": ("o.idx", lambda: idx(2, 2, body=bytes(10)), "has 10 bytes of numbers and says 4"),
    "huge idx": ("h.idx", lambda: idx(2**31, 2**31, body=b""), "has 0 bytes of numbers"),
    "bomb gz": ("b.idx.gz", lambda: gzip.compress(idx(200_000_000, body=bytes(10**7))), "would unpack from"),
    "cut gz": ("c.idx.gz", lambda: gzip.compress(idx(9, 9, body=os.urandom(81)))[:-30], "cut short"),
    "long gz": ("l.idx.gz", lambda: gzip.compress(idx(2, 2, body=bytes(99))), "unpacks to more than its"),
    "short gz": ("s.idx.gz", lambda: gzip.compress(idx(9, 9, body=bytes(20))), "cut short"),
    "not finite idx": ("q.idx", lambda: idx(1, 1, kind=13, body=struct.pack(">f", float("nan"))), "is nan"),
    "no parquet": ("p.parquet", lambda: b"a,b\n1,2\n", "is no Parquet file"),
    "random parquet": ("r.parquet", lambda: b"PAR1" + bytes(range(200)) + b"PAR1", "cannot be read as"),
    "empty csv": ("e.csv", lambda: b"", "e.csv is empty"),
    "csv of blanks": ("s.csv", lambda: b"\n \n\r\n", "s.csv is empty"),
    "latin": ("l.csv", "a,b\ngrün,1\n".encode("latin-1").__bytes__, "is not UTF-8 text"),
    "utf-16": ("u.csv", lambda: "a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
    "open quote": ("q.csv", lambda: b'a,b\n1,"2\n' + b"3,4\n" * 50_000, "of q.csv is not CSV"),
    "endless line": ("z.csv", lambda: b"a,b\n" + b"1" * 5_000_000, "more than 4,000,000 letters"),
    "endless cell": ("c.csv", lambda: b"a,b\n1," + b"2" * 200_000, "of c.csv is not CSV"),
    "many columns": ("m.csv", lambda: b",".join(b"c%d" % i for i in range(20_000)), "more than 10,000"),
    "dates": ("d.csv", lambda: b"day,k\n3.4.2024,1\n4.4.2024,2\n", "the column day of d.csv holds dates"),
    "ragged": ("r.csv", lambda: b"a,b\n1,2\n\n3\n", "line 4 of r.csv has 1 values and the header 2"),
    "unreadable number": ("n.csv", lambda: b"a,b\n1,2\n2,3\n1e400,4\n", "line 4 of n.csv: '1e400' in the"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    file, made, words = CASES[name]
    (tmp_path / file).write_bytes(made())
    kind = data.kind_of(Path(file))
    if kind == "parquet":
        pytest.importorskip("polars")
    sentence = said(Source(kind, file), tmp_path)  # type: ignore[arg-type]
    assert words in sentence and file.partition(".")[0] in sentence, sentence
    assert not list(cache.folder().glob("*")) if cache.folder().exists() else True


@pytest.mark.parametrize("kind", data.FILES)
def test_what_is_no_file(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nothing").mkdir()
    for name in ("pipe", "device", "loop", "nothing", "missing", "a\0b", ""):
        sentence = said(Source(kind, name), tmp_path)  # type: ignore[arg-type]
        assert not name or "\0" in name or name in sentence, (name, sentence)


def test_a_link_to_a_device_among_pictures_is_passed_over(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "p" / "a").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "p" / "a" / "1.png")
    (tmp_path / "p" / "a" / "2.png").symlink_to("/dev/zero")
    (tmp_path / "p" / "a" / "3.png").symlink_to("nowhere")
    assert len(data.read(Source("images", "p"), tmp_path).fields["x"]) == 1


def test_a_picture_of_too_many_pixels(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "p" / "a").mkdir(parents=True)
    Image.new("1", (12_000, 12_000)).save(tmp_path / "p" / "a" / "big.png")
    assert "a/big.png has 12000×12000 pixels" in said(Source("images", "p"), tmp_path)


def test_labels_that_do_not_belong(tmp_path: Path) -> None:
    (tmp_path / "i.idx").write_bytes(idx(3, 2, 2, body=bytes(12)))
    (tmp_path / "l.idx").write_bytes(idx(4, body=bytes(4)))
    found = said(Source("idx", "i.idx", options={"labels": "l.idx"}), tmp_path)
    assert found == "l.idx has 4 labels and i.idx 3 pictures; they do not belong together"
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.save(tmp_path / "y.npy", np.zeros(4))
    assert "the targets y.npy have 4 rows and x.npy has 3" in said(
        Source("arrays", "x.npy"), tmp_path
    )


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,b,k\n1,2,u\n2,3,v\n")

    def why(target: str = "", **options: float | str) -> str:
        return said(Source("csv", "d.csv", target, options=options), tmp_path)

    assert why("z") == "d.csv has no column 'z'; it has: a, b, k"
    assert why(left_out="a, zz") == "d.csv has no column 'zz'; it has: a, b, k"
    assert (
        why("k", left_out="k") == "the column k is the target and left out; choose one of the two"
    )
    assert "has every column left out" in why(left_out="a,b,k")
    assert "no column beside the target" in why("k", left_out="a,b")
    assert "the target k of d.csv holds texts; choose it alone" in why("a,k")
    assert "missing is one of" in why(missing="never")


# ------------------------------------------------------------ fuzz


def mangled(content: bytes, chance: random.Random) -> bytes:
    """A file with bytes changed, cut out, doubled or put in."""
    work = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(work) + 1)
        match chance.randrange(5):
            case 0 if at < len(work):
                work[at] = chance.randrange(256)
            case 1:
                del work[at : at + chance.randrange(20)]
            case 2:
                work[at:at] = work[at : at + chance.randrange(20)]
            case 3:
                work[at:at] = chance.choice(
                    [b",", b'"', b"\n", b"\0", b"\xff\xff\xff\xff", b";\t", b"nan"]
                )
            case _:
                del work[at:]
                work = work or bytearray(b"\0")
    return bytes(work)


def sound(kind: str) -> tuple[str, bytes]:
    numbers = np.random.default_rng(0)
    if kind == "csv":
        rows = "".join(
            f"{a:.3f},{b},{'uvw'[b % 3]}\n"
            for a, b in zip(numbers.normal(size=20), range(20), strict=True)
        )
        return "f.csv", f"a,b,k\n{rows}".encode()
    if kind == "parquet":
        polars = pytest.importorskip("polars")
        out = io.BytesIO()
        polars.DataFrame({"a": numbers.normal(size=20), "k": ["u", "v"] * 10}).write_parquet(out)
        return "f.parquet", out.getvalue()
    if kind == "arrays":
        return "f.npz", zipped(
            ("x.npy", saved(numbers.normal(size=(9, 2)))), ("y.npy", saved(np.arange(9)))
        )
    if kind == "npy":
        return "f.npy", saved(numbers.normal(size=(9, 2)))
    if kind == "gz":
        return "f.idx.gz", gzip.compress(idx(9, 3, 3, body=bytes(range(81))), mtime=0)
    return "f.idx", idx(9, 3, 3, body=bytes(range(81)))


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrays", "npy", "idx", "gz"])
def test_mangled_files_give_rows_or_a_sentence(kind: str, tmp_path: Path) -> None:
    name, content = sound(kind)
    source = Source(data.kind_of(Path(name)), name)  # type: ignore[arg-type]
    (tmp_path / name).write_bytes(content)
    assert not data.preview(source, tmp_path).problem
    refused = 0
    # Each Parquet file is read by a process of its own, since its library may end the process.
    for seed in range(ROUNDS // 10 if kind == "parquet" else ROUNDS):
        (tmp_path / name).write_bytes(mangled(content, random.Random(seed)))
        os.utime(tmp_path / name, ns=(seed, seed + 1))
        try:
            table = data.read(source, tmp_path)
            assert np.isfinite(np.asarray(table.fields["x"], float)).all()
            assert len({len(field) for field in table.fields.values()}) == 1
        except DataError as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 400
        data.preview(source, tmp_path)
    assert refused, "no mangled file was refused, so nothing was tried"


def test_mangled_pictures_give_rows_or_a_sentence(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "p" / "a").mkdir(parents=True)
    out = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for form in ("PNG", "JPEG", "GIF", "BMP"):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, form)
        for seed in range(ROUNDS // 4):
            (tmp_path / "p" / "a" / "1.png").write_bytes(
                mangled(out.getvalue(), random.Random(seed))
            )
            found = data.preview(Source("images", "p"), tmp_path)
            assert found.problem or found.shapes["x"] == (1, 1024)
            assert "\n" not in found.problem


# ------------------------------------------------------------ one truth


def odd_csv(chance: random.Random) -> tuple[list[str], list[list[str]]]:
    """Columns with numbers, texts, quotes and missing values, as rows of cells."""
    names = ["plain", "with, comma", 'with "quotes"', "ganz größer", "k"]
    rows = []
    for i in range(chance.randint(3, 40)):
        number = chance.choice(
            [f"{chance.uniform(-9, 9):.17g}", str(chance.randint(-5, 5)), "1e-3", ""]
        )
        rows.append([
            number, f"{chance.gauss(0, 1e6):.6g}", chance.choice(["a b", "c,d", 'e"f', "NA"]),
            chance.choice(["0.5", "7", "null"]), chance.choice(["yes", "no"]) if i else "yes",
        ])  # fmt: skip
    rows.append(["1", "2", "a b", "3", "no"])
    return names, rows


def independent(
    names: list[str], rows: list[list[str]]
) -> tuple[list[list[float]], list[str], list[int]]:
    """Features, columns and classes as the rules say, written another way."""
    missing = {"", "na", "n/a", "nan", "null", "none", "?"}
    kept = [r for r in rows if not any(cell.lower() in missing for cell in r)]
    texts = sorted({r[2] for r in kept})
    features = [
        [float(r[0]), float(r[1]), *(float(r[2] == t) for t in texts), float(r[3])] for r in kept
    ]
    columns = [names[0], names[1], *(f"{names[2]}={t}" for t in texts), names[3]]
    classes = sorted({r[4] for r in kept})
    return features, columns, [classes.index(r[4]) for r in kept]


@pytest.mark.parametrize("seed", range(20))
def test_csv_parquet_and_mapped_files_give_the_same_numbers(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    names, rows = odd_csv(chance)
    with (tmp_path / "d.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=",;\t|"[seed % 4]).writerows([names, *rows])
    features, columns, classes = independent(names, rows)
    found = data.read(Source("csv", "d.csv"), tmp_path)
    assert found.fields["x"].tolist() == features and list(found.columns) == columns
    assert found.fields["y"].tolist() == classes
    monkeypatch.setattr(places, "LARGE", 8)
    monkeypatch.setattr("engine.data.csv_file.PART", 15)
    tables = [data.csv_file.read(Source("csv", "d.csv"), tmp_path)]  # type: ignore[attr-defined]
    assert isinstance(tables[0].fields["x"], np.memmap)
    if seed < 5:  # a process is started for each
        polars = pytest.importorskip("polars")
        frame = polars.read_csv(
            tmp_path / "d.csv", separator=",;\t|"[seed % 4], null_values=["", "NA", "null"]
        )
        frame.columns = names  # polars leaves the quotes of a header doubled
        frame.write_parquet(tmp_path / "d.parquet")
        monkeypatch.setattr("engine.data.parquet.PART", 20)
        tables.append(data.read(Source("parquet", "d.parquet"), tmp_path))
    for table in tables:
        assert table.fields["x"].tolist() == features and list(table.columns) == columns
        assert table.fields["y"].tolist() == classes and table.classes == found.classes


def test_a_column_that_turns_to_text_late_keeps_its_early_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.csv_file.PART", 4)
    rows = ["1,u"] * 3 + ["2,v"] * 3 + ["x,u"] * 9
    (tmp_path / "d.csv").write_text("a,k\n" + "\n".join(rows) + "\n")
    assert data.read(Source("csv", "d.csv"), tmp_path).columns == ("a=1", "a=2", "a=x")


def test_cells_as_numbers() -> None:
    texts = ["1", " 2", "3e5", "-0.0", "+7", ".5"]
    values, missing, bad = cells.numbers(texts, False)
    assert values.tolist() == [1, 2, 3e5, -0.0, 7, 0.5] and not missing.any() and not bad.any()
    assert cells.numbers(["1_0", "2"], False)[2].tolist() == [True, False]
    values, missing, bad = cells.numbers(["1_0", "inf", "NaN", "", "x", "1,5"], False)
    assert missing.tolist() == [False, False, True, True, False, False]
    assert bad.tolist() == [True, True, False, False, True, True] and np.isnan(values).all()
    assert cells.numbers(["1,5", "a\nb"], True)[0][0] == 1.5

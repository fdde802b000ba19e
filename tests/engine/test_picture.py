"""Documents in pictures: the same document comes back; everything else is refused in a sentence."""

from __future__ import annotations

import random
import re
import time
import tracemalloc

import pytest
from documents import PREVIEW, random_document, sample
from hostile_pictures import CASES, DRAWING, GOOD_PNG, GOOD_SVG, OURS, parts
from test_files_hostile import mutated

from engine import examples, files
from engine.files import FileError, picture, strict

SECONDS = 1.0


def refused(data: bytes) -> FileError:
    started = time.process_time()
    with pytest.raises(FileError) as caught:
        picture.document(data)
    took = time.process_time() - started
    assert took < SECONDS, f"took {took:.2f} s"
    assert caught.value.reason and len(caught.value.reason) <= strict.MAX_REASON
    return caught.value


# ------------------------------------------------------------ there and back


@pytest.mark.parametrize("drawing", [PREVIEW, DRAWING], ids=["png", "svg"])
def test_random_documents_come_back_the_same(drawing: bytes) -> None:
    for seed in range(60):
        graph = random_document(seed)
        again = picture.document(picture.with_document(drawing, graph))
        assert files.canonical_bytes(again) == files.canonical_bytes(graph), seed


@pytest.mark.parametrize("name", examples.names())
@pytest.mark.parametrize("drawing", [PREVIEW, DRAWING], ids=["png", "svg"])
def test_every_example_comes_back_the_same(name: str, drawing: bytes) -> None:
    graph = examples.load(name)
    again = picture.document(picture.with_document(drawing, graph))
    assert files.canonical_bytes(again) == files.canonical_bytes(graph)


@pytest.mark.parametrize("drawing", [PREVIEW, DRAWING], ids=["png", "svg"])
def test_a_document_put_in_anew_replaces_the_one_before(drawing: bytes) -> None:
    first = picture.with_document(drawing, random_document(3))
    second = picture.with_document(first, sample())
    assert second == picture.with_document(drawing, sample())


def test_the_picture_stays_the_picture_it_was() -> None:
    assert [p for p in parts(GOOD_PNG) if p != OURS] == parts(PREVIEW)
    without = re.sub(rb"\n<metadata>.*?</metadata>", b"", GOOD_SVG, flags=re.DOTALL)
    assert without == DRAWING


def test_an_editor_may_break_the_lines_of_an_svg() -> None:
    found = re.search(rb">([A-Za-z0-9+/=]{200,})<", GOOD_SVG)
    assert found is not None
    broken = b"\n  ".join(found[1][i : i + 76] for i in range(0, len(found[1]), 76))
    again = picture.document(GOOD_SVG.replace(found[1], b"\n" + broken + b"\n"))
    assert files.canonical_bytes(again) == files.canonical_bytes(sample())


def test_pictures_are_known_by_their_beginning() -> None:
    assert picture.is_png(GOOD_PNG) and not picture.is_png(GOOD_SVG)
    assert picture.is_svg(GOOD_SVG) and picture.is_svg(b"\xef\xbb\xbf<!-- a -->\n<svg>")
    assert not picture.is_svg(GOOD_PNG) and not picture.is_svg(b"<html><svg>")
    assert picture.is_svg(b'<?xml version="1.0"?>\n<!-- a --> <!---->\n<svg>')


@pytest.mark.parametrize("head", [b"<!---->" * 26, b" <!-- -->" * 26, b"<!--" * 1000, b" " * 4096])
def test_a_beginning_made_of_comments_is_told_at_once(head: bytes) -> None:
    started = time.process_time()
    assert not picture.is_svg(head + b"x")
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("drawing", [DRAWING, DRAWING.replace(b">\n", b">")])
def test_a_document_put_in_again_leaves_the_picture_as_it_is(drawing: bytes) -> None:
    once = picture.with_document(drawing, sample())
    assert picture.with_document(once, sample()) == once


def test_a_document_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MAX_INSIDE", 2000)
    with pytest.raises(FileError, match=r"save it as \.gloom"):
        picture.with_document(PREVIEW, sample())


# ------------------------------------------------------------ hostile


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    refused(CASES[name]())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("png: without a document", "holds no Gradloom document; export it from Gradloom"),
        ("svg: without a document", "holds no Gradloom document; export it from Gradloom"),
        ("png: bomb", "unpacks to more than 32 MiB"),
        ("png: wrong checksum", "a checksum is wrong"),
        ("png: huge length", "cut off, or a length in it is wrong"),
        ("png: two documents", "holds two documents"),
        ("svg: two documents", "holds two documents"),
        ("png: million chunks", "more than 100,000 parts"),
        ("png: bytes behind", "bytes behind the end"),
        ("svg: billion laughs", "declares entities"),
        ("svg: external entity", "declares entities"),
        ("svg: a script", "it holds a script"),
        ("svg: a handler", "it holds a script (onload)"),
        ("svg: an image outside", "refers to something outside"),
        ("svg: a fill outside in quotes", "refers to something outside"),
        ("svg: deep", "nested more than 64 deep"),
        ("svg: fifty megabytes in a comment", "a tag of more than 4 MiB"),
        ("cut: the PNG at 50 %", "cut off"),
        ("cut: the SVG at 50 %", "not a whole SVG picture"),
    ],
)
def test_the_sentence_says_what_is_wrong(name: str, sentence: str) -> None:
    assert sentence in refused(CASES[name]()).reason


@pytest.mark.parametrize("name", ["png: bomb", "png: huge length"])
def test_little_is_allocated_for_what_is_packed_or_declared(name: str) -> None:
    data = CASES[name]()
    tracemalloc.start()
    try:
        refused(data)
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def _no_check(*arguments: object) -> None:
    return None


class _Anything(int):
    """Equal to every checksum."""

    def __ne__(self, other: object) -> bool:
        return False


GUARDS: dict[str, tuple[object, str, object, str]] = {
    "checksums": (picture.zlib, "crc32", lambda data: _Anything(), "png: wrong checksum"),
    "unpacking": (picture, "_MAX_TEXT", 1 << 40, "png: bomb of base64"),
    "chunks": (picture, "MAX_CHUNKS", 1 << 40, "png: million chunks"),
    "size": (picture, "MAX_PICTURE", 1 << 40, "svg: two hundred megabytes"),
    "depth": (picture, "MAX_DEPTH", 1 << 40, "svg: deep"),
    "elements": (picture, "MAX_ELEMENTS", 1 << 40, "svg: a million elements"),
    "tags": (picture, "MAX_TAG", 1 << 40, "svg: fifty megabytes in a comment"),
    "entities": (picture._Reader, "_declared", _no_check, "svg: entities"),
    "instructions": (picture._Reader, "_instructed", _no_check, "svg: a style sheet outside"),
    "active elements": (picture, "_ACTIVE", set(), "svg: a script"),
    "attributes": (picture, "_check_attribute", _no_check, "svg: an image outside"),
    "fills": (picture, "_OUTSIDE", re.compile("(?!)"), "svg: a fill outside"),
    "place": (picture, "_PATH", (*picture._PATH[:2], "none"), "svg: two in one element"),
    "base64": (
        picture.binascii,
        "a2b_base64",
        lambda text, strict_mode: files.canonical_bytes(sample()),
        "png: not base64",
    ),
    "document": (picture, "from_bytes", lambda data: sample(), "png: a cut document inside"),
}


@pytest.mark.parametrize("name", GUARDS)
def test_without_its_guard_a_case_is_not_refused_as_it_should(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, attribute, replacement, case = GUARDS[name]
    data = CASES[case]()
    reason = refused(data).reason
    monkeypatch.setattr(module, attribute, replacement)
    outcome = ""
    try:
        picture.document(data)
    except FileError as error:
        outcome = error.reason
    except (Exception, RecursionError) as error:
        outcome = repr(error)
    assert outcome != reason


def test_fuzz() -> None:
    """A changed picture is refused with a FileError or holds a whole document."""
    read = 0
    for seed in range(1_500):
        rng = random.Random(seed)
        data = mutated(rng, GOOD_SVG if seed % 2 else GOOD_PNG)
        try:
            graph = picture.document(data)
        except FileError:
            continue
        read += 1
        assert files.to_bytes(files.from_bytes(files.to_bytes(graph))) == files.to_bytes(graph)
    assert read < 150

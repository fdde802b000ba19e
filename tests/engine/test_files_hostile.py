"""Hostile and broken files: each refused with one sentence, within a second, with nothing run.

Every guard is taken away in turn, to show that a case here would get through without it.
"""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import hostile
import pytest
from hostile import CASES, GOOD, TEXT

from engine import files
from engine.files import FileError, archive, document, strict, upgrades

SECONDS = 1.0
UNPRINTABLE = re.compile(r"[\x00-\x1f]|[\ud800-\udfff]")


def refused(data: bytes) -> FileError:
    """The error a file is refused with. Anything else that happens fails the test."""
    started = time.process_time()
    with pytest.raises(FileError) as caught:
        files.from_bytes(data)
    took = time.process_time() - started
    assert took < SECONDS, f"took {took:.2f} s"
    error = caught.value
    assert error.reason and len(error.reason) <= strict.MAX_REASON
    assert not UNPRINTABLE.search(error.reason), error.reason
    return error


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    refused(CASES[name]())


def test_there_are_enough_cases_and_the_unharmed_file_opens() -> None:
    assert sum(not name.startswith("cut") for name in CASES) >= 150
    assert files.to_text(files.from_bytes(GOOD)) == TEXT


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("json: future version", "made by a newer Gradloom (format 7); this one reads format 6"),
        ("json: a key twice", "the key 'title' stands twice"),
        ("document: unknown operator", "there is no operator 'os.system'"),
        ("document: unknown option", "leaky_relu has no option '__class__'"),
        ("document: unknown port", "v1 has no port '__class__'"),
        ("document: cycle", "its links form a circle"),
        ("document: self link", "its links form a circle"),
        ("document: link from nowhere", "there is no node n77"),
        ("document: two links into one port", "two links end at port 'a' of n6"),
        ("document: id twice", "the node n5 stands twice"),
        ("document: name twice", "the name z is taken"),
        ("zip: wrong checksum", "'graph.json' is damaged: the checksum is wrong"),
        ("zip: a missing tensor", "the tensor 'n2' is missing"),
        ("zip: compressed", "is encrypted, compressed or packed by another program"),
        ("array: one byte too few", "declares 48 bytes of numbers, and 47 follow"),
        ("array: ten gigabytes", "an array is larger than 2 GiB"),
        ("json: depth", "nested more than 64 deep"),
    ],
)
def test_the_sentence_says_what_is_wrong(name: str, sentence: str) -> None:
    assert sentence in refused(CASES[name]()).reason


@pytest.mark.parametrize(
    "name", ["array: ten gigabytes", "zip: bomb", "document: shape of ten gigabytes"]
)
def test_nothing_is_allocated_for_what_is_only_declared(name: str) -> None:
    data = CASES[name]()
    tracemalloc.start()
    try:
        refused(data)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------ guards taken away in turn


def _unchecked_json(data: bytes, limit: int) -> None:
    return None


def _any_shape(dtype: str, shape: Any) -> int:
    return 0


class _Anything:
    """Equal to whatever follows the members."""

    def __ne__(self, other: object) -> bool:
        return False


GUARDS: dict[str, tuple[object, str, object, str]] = {
    "depth": (strict, "MAX_DEPTH", 10**9, "json: depth"),
    "containers": (strict, "MAX_CONTAINERS", 10**9, "json: million lists"),
    "long numbers": (strict, "_LONG_NUMBER", re.compile(rb"(?!)"), "json: long integer"),
    "all of these": (strict, "check_json", _unchecked_json, "json: depth of objects"),
    "keys": (strict, "_object", dict, "json: a key twice"),
    "range": (strict, "_finite", float, "json: a number out of range"),
    "NaN": (strict, "_constant", float, "json: minus infinity"),
    "version": (upgrades, "VERSION", 7, "json: future version"),
    "format": (document, "upgraded", lambda value: value, "json: other format"),
    "array sizes": (document, "check_shape", _any_shape, "document: shape below zero"),
    "array header": (
        strict,
        "_HEADER",
        re.compile(
            rb"\{'descr': '([<>|][a-zO]\d*)', 'fortran_order': [^,]*, 'shape': \(([^)]*)\), \} *\n"
        ),
        "array: column order",
    ),
    "truth values": (
        strict,
        "_DTYPES",
        {**strict._DTYPES, "|b1": "uint8"},
        "array: truth values of two",
    ),
    "member names": (archive, "_belongs", lambda name: True, "names: 'evil.py'"),
    "picture": (archive, "_check_picture", lambda data: None, "picture: a picture bomb"),
    "directory": (archive, "_directory", lambda entries: _Anything(), "zip: trailing data"),
    "circle": (document, "_link", lambda graph, links: None, "document: cycle"),
    "special numbers": (document, "_read", lambda value: 0.0, "document: literal as text"),
    "values' shape": (
        document,
        "_unnested",
        lambda *a: strict.np.zeros(1),
        "document: values too few",
    ),
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
        files.from_bytes(data)
    except FileError as error:
        outcome = error.reason
    except (Exception, RecursionError) as error:
        outcome = repr(error)
    assert outcome != reason


# ------------------------------------------------------------ fuzz


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[at] = rng.randrange(256)
            case 1:
                changed[at] ^= 1 << rng.randrange(8)
            case 2:
                del changed[at : at + rng.randint(1, 40)]
            case 3:
                changed[at:at] = changed[at : at + rng.randint(1, 40)]
            case _:
                changed[at:at] = rng.randbytes(rng.randint(1, 8))
        if not changed:
            break
    return bytes(changed)


TOKENS = (
    b"null", b"true", b"-1", b"1e400", b"[]", b"{}", b'"n1"', b'"NaN"', b'""', b"0.5", b"[0]",
    b"99999999999999999999", b'"\\u0000"', b'{"a": 1}',
)  # fmt: skip


def structured(rng: random.Random) -> bytes:
    """The twin with some of its values exchanged for others."""
    parts = re.split(rb'("(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*)', TEXT.encode())
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(1, len(parts), 2)
        parts[at] = rng.choice((*TOKENS, parts[rng.randrange(1, len(parts), 2)]))
    return b"".join(parts)


def repaired(rng: random.Random) -> bytes:
    """A member mutated and packed with a checksum that fits."""
    members = hostile.members()
    name = rng.choice(sorted(members))
    members[name] = mutated(rng, members[name])
    return b"".join(archive.packed(members))


MAKERS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda rng: mutated(rng, GOOD),
    lambda rng: mutated(rng, TEXT.encode()),
    structured,
    repaired,
    repaired,
    lambda rng: rng.randbytes(rng.randrange(400)),
)


def fuzz(seeds: range) -> tuple[int, int]:
    """Reads random files: each is refused with a FileError or comes back the same when saved."""
    refusals = 0
    for seed in seeds:
        rng = random.Random(seed)
        data = MAKERS[seed % len(MAKERS)](rng)
        try:
            graph = files.from_bytes(data)
        except FileError:
            refusals += 1
            continue
        again = files.to_bytes(graph)
        assert files.to_bytes(files.from_bytes(again)) == again, seed
        assert files.to_text(files.from_text(files.to_text(graph))) == files.to_text(graph), seed
    return refusals, len(seeds)


def test_fuzz() -> None:
    refusals, count = fuzz(range(1_500))
    assert count / 2 < refusals < count


@pytest.mark.slow
def test_fuzz_long() -> None:
    refusals, count = fuzz(range(100_000, 140_000))
    print(f"\n{count:,} files, {refusals:,} refused, the others read and saved again alike")

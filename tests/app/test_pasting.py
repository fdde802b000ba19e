"""What is found in pasted text: documents and programs, as people copy them from chats."""

from __future__ import annotations

import base64
import random
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from documents import PREVIEW, random_document
from hostile_pictures import CASES, DRAWING

from app import pasting
from app.pasting import found
from engine import files
from engine.compose import compose, compose_edit
from engine.files import picture
from engine.graph import Graph

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
from test_files_hostile import mutated

GRAPH = compose("t = x^2; y = sin(t) + 3 * t", default=0.5)
TEXT = files.to_text(GRAPH)
SVG = picture.with_document(DRAWING, GRAPH).decode()
PNG = picture.with_document(PREVIEW, GRAPH)
PROGRAM = "t = x^2\ny = sin(t) + 3 * t"

DOCUMENTS = {
    "alone": TEXT,
    "with room": f"\n\n  {TEXT}  \n",
    "windows": TEXT.replace("\n", "\r\n"),
    "in one line": TEXT.replace("\n", " "),
    "in a fence": f"```\n{TEXT}\n```",
    "in a fence of json": f"Look:\n\n```json\n{TEXT}```\nNice, isn't it?",
    "in another fence": f"~~~json\n{TEXT}~~~",
    "in prose": f'Here is it (try "Open"): {TEXT} What do you think of {{this}}?',
    "in prose with braces": f'As in {{"a": 1}} and {{ "b": 2 }}, but\n{TEXT}',
    "in prose with an open brace": f'A set {{"a", and then\n{TEXT}',
    "quoted": "".join(f"> {line}\n" for line in TEXT.splitlines()),
    "quoted twice": "Ada wrote:\n" + "".join(f">> {line}\n" for line in TEXT.splitlines()),
    "quoted in a fence": "> ```json\n"
    + "".join(f"> {line}\n" for line in TEXT.splitlines())
    + "> ```",
    "typographic quotes": TEXT.replace('"', "“"),
    "hard spaces": TEXT.replace(" ", "\u00a0"),
    "zero widths": "\ufeff" + TEXT.replace("\n", "\u200b\n"),
    "svg": SVG,
    "svg in a fence": f"```xml\n{SVG}\n```",
    "svg in prose": f"My picture: {SVG} Drop it.",
    "data of png": "data:image/png;base64," + base64.b64encode(PNG).decode(),
    "data of svg": "data:image/svg+xml;base64," + base64.b64encode(SVG.encode()).decode(),
    "data of svg in percents": "data:image/svg+xml;utf8," + urllib.parse.quote(SVG),
    "data in markdown": f"![a](data:image/png;base64,{base64.b64encode(PNG).decode()}) see?",
}

PROGRAMS = {
    "alone": PROGRAM,
    "in one line": "t = x^2; y = sin(t) + 3 * t",
    "windows": PROGRAM.replace("\n", "\r\n"),
    "in a fence": f"Try this:\n```python\n{PROGRAM}\n```\nand say what you get.",
    "in two fences": "First\n```\nt = x^2\n```\nthen\n```\ny = sin(t) + 3 * t\n```",
    "quoted": "".join(f"> {line}\n" for line in PROGRAM.splitlines()),
    "in prose": f"Take the square first:\n{PROGRAM}\nWhat is dy/dx = at 1? I don't know.",
    "as a list": "You need:\n- t = x^2\n- y = sin(t) + 3 * t\n",
    "as numbers": "You need:\n1. t = x^2\n2. y = sin(t) + 3 * t\n",
    "inline": "Just type `t = x^2` and then `y = sin(t) + 3 * t`, that's all.",
    "hard spaces": PROGRAM.replace(" ", "\u00a0"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_found(name: str) -> None:
    graph = found(DOCUMENTS[name])
    assert isinstance(graph, Graph)
    assert files.canonical_bytes(graph) == files.canonical_bytes(GRAPH)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_found(name: str) -> None:
    program = found(PROGRAMS[name])
    assert isinstance(program, str)
    assert files.canonical_bytes(compose(program, default=0.5)) == files.canonical_bytes(GRAPH)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing to paste"),
        (" \n\t", "nothing to paste"),
        ("Hello, how are you?\nFine, thanks.", "neither nodes nor a program"),
        ('{"a": 1}', "the clipboard holds no nodes"),
        (TEXT[:-40], "the document in the text is cut off; copy all of it"),
        (f"see {TEXT[:300]} and so on", "cut off"),
        (f"{TEXT}\n{TEXT}", "several documents"),
        (f"{TEXT} or {SVG}", "several documents"),
        (TEXT.replace('"sin"', '"evil"'), "no operator 'evil'"),
        (files.to_text(Graph()), "the copied document is empty"),
        (DRAWING.decode(), "holds no Gradloom document"),
        ("data:image/png;base64," + base64.b64encode(PREVIEW).decode(), "no Gradloom document"),
        ("data:image/png;base64,!!!!", "the clipboard holds no nodes"),
        (CASES["svg: billion laughs"]().decode(), "undefined entity"),
        ("x = " + "1 + " * 200_000 + "1", "a program is at most 400,000 characters"),
        ("t = x^2\nand then\ny = sin(t", "neither nodes nor a program"),
    ],
)
def test_what_is_neither_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        found(text)
    assert sentence in str(caught.value)


def test_long_texts_are_refused_soon() -> None:
    for text in (
        "{" * (4 << 20),
        '"gradloom"' + '{"' * (2 << 20) + ".",
        '{"gradloom" ' * (1 << 18) + ".",
        '{"gradloom": {"a"}} ' * (1 << 17) + ".",
        "<svg" * (1 << 20) + "</svg>",
        "> " * (2 << 20),
        "```\n" * 99_000,
        "data:image/png;base64," * (1 << 17),
        "`" * 399_000,
        "a = " * 99_000,
        "x" * (70 << 20),
    ):
        started = time.process_time()
        with pytest.raises(ValueError, match=r".+"):
            found(text)
        assert time.process_time() - started < 3


def test_random_documents_survive_a_chat() -> None:
    for seed in range(40):
        graph = random_document(seed)
        if not graph.nodes:
            continue
        again = found(f"> ```\n> {files.to_text(graph)}```".replace("\n", "\n> "))
        assert isinstance(again, Graph)
        assert files.canonical_bytes(again) == files.canonical_bytes(graph), seed


def fuzz(seeds: range) -> tuple[int, int]:
    """How many mutated texts gave nodes, and how many a sentence; anything else fails."""
    sources = [text.encode() for text in (*DOCUMENTS.values(), *PROGRAMS.values())]
    given = refused = 0
    for seed in seeds:
        rng = random.Random(seed)
        text = mutated(rng, sources[seed % len(sources)]).decode("utf-8", "replace")
        graph = Graph()
        try:
            part = found(text)
            if isinstance(part, str):
                edit, _ = compose_edit(graph, part, (0.0, 0.0))
                edit.apply(graph)
                part = graph
            assert part.nodes, seed
            given += 1
        except ValueError as error:
            assert str(error), seed
            refused += 1
    return given, refused


def test_fuzz() -> None:
    given, refused = fuzz(range(2_000))
    assert given > 150 and refused > 150


@pytest.mark.slow
def test_fuzz_long() -> None:
    given, refused = fuzz(range(10_000, 60_000))
    print(f"\n{given:,} texts gave nodes, {refused:,} a sentence")


def test_without_its_limit_a_program_is_not_refused_as_it_should(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pasting, "MAX_PROGRAM", 1 << 40)
    with pytest.raises(ValueError, match=r".+") as caught:
        found("x = " + "1 + " * 200_000 + "1")
    assert "a program is at most" not in str(caught.value)


def test_a_string_that_never_ends_is_looked_through_once() -> None:
    text = '"gradloom"{ "a' + '\\"' * 100_000
    started = time.process_time()
    with pytest.raises(ValueError):
        found(text)
    assert time.process_time() - started < 1.0

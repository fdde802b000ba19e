"""How well what a person types fits what can be found: names, signs, aliases, typing errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import TypeVar

from app.text import tr
from engine.ops.row import Op

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Words:
    """What a thing is found by. `names` are what it is called, `spellings` other ways to write it,
    `aliases` words that mean it, `about` a sentence."""

    title: str
    names: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    category: str = ""
    about: str = ""

    @cached_property
    def everything(self) -> str:
        """All that is found as it is typed, in one plain text."""
        texts = (self.title, *self.names, *self.spellings, *self.aliases, self.category)
        return plain("\0".join(texts))

    @cached_property
    def plain_names(self) -> tuple[str, ...]:
        return tuple(plain(name) for name in (self.title, *self.names))

    @cached_property
    def plain_spellings(self) -> dict[str, str]:
        return {plain(spelling): spelling for spelling in self.spellings}

    @cached_property
    def plain_aliases(self) -> dict[str, str]:
        return {plain(alias): alias for alias in self.aliases}

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The words of the names, signs among them."""
        return tuple(p for text in (self.title, *self.names) for p in _parts(text))


class Rank(IntEnum):
    """How a thing was found, the best way last."""

    NOT = 0
    ABOUT = 1
    LETTERS = 2
    ALIAS_TYPO = 3
    TYPO = 4
    CATEGORY = 5
    INSIDE = 6
    WORD_START = 7
    START = 8
    ALIAS = 9
    WORD = 10
    SPELLING = 11
    NAME = 12


@dataclass(frozen=True, slots=True)
class Hit:
    """`letters` are the places in the title that fit, `alias` the word that did where the title does
    not, `fine` orders hits of one rank."""

    rank: Rank
    letters: tuple[int, ...] = ()
    alias: str = ""
    fine: float = 0.0


_WEAK = (Rank.LETTERS, Rank.ALIAS_TYPO, Rank.TYPO)
_JOINS = re.compile(r"(?<=\w)[\s_\-]+(?=\w)")
_PARTS = re.compile(r"[^\W_]+|[^\w\s\-]+")
LEAST_TYPO = 4
"""Of fewer letters one wrong one says nothing."""
MOST_WEAK = 5000
"""Among more things there is one that is alike by chance."""


def label_of(op: Op) -> str:
    """What an operator is called on its chip."""
    return op.label or op.name.replace("_", " ")


def words_of(op: Op) -> Words:
    """What an operator or a module is found by."""
    spellings = tuple(filter(None, (op.symbol, *op.calls)))
    return Words(label_of(op), (op.name,), spellings, op.aliases, tr(op.category), op.doc)


def plain(text: str) -> str:
    """Small letters, without what joins words: `Soft-max`, `soft max` and `soft_max` are one."""
    small = text.casefold().strip()
    return small if small.isalnum() else _JOINS.sub("", small)


@lru_cache(maxsize=8192)
def _parts(text: str) -> tuple[str, ...]:
    return tuple(_PARTS.findall(text.casefold()))


def hit(query: str, words: Words, *, weak: bool = True) -> Hit | None:
    """How a thing fits what was typed; None when it does not. Typing errors and scattered letters
    are `weak` fits."""
    wanted = plain(query)
    if not wanted:
        return Hit(Rank.NOT)
    rank, alias = _rank(wanted, words)
    fine = 0.0 if rank >= Rank.ALIAS else -len(words.title) / 1000
    if rank is Rank.NOT and weak:
        rank, alias, fine = _weak_rank(wanted, query, words)
    if rank is Rank.NOT:
        told = len(wanted) > 2 and query.casefold().strip() in words.about.casefold()
        return Hit(Rank.ABOUT, fine=fine) if told else None
    return Hit(rank, _letters(query, words.title, rank), alias, fine)


def _rank(wanted: str, words: Words) -> tuple[Rank, str]:
    """The best way in which a thing fits as it was typed, and the alias that does, if it is one."""
    if wanted not in words.everything:
        return Rank.NOT, ""
    names, spellings, aliases = words.plain_names, words.plain_spellings, words.plain_aliases
    if wanted in names:
        return Rank.NAME, ""
    if wanted in spellings:
        return Rank.SPELLING, spellings[wanted]
    if wanted in words.parts and len(_parts(words.title)) <= 2 and words.parts[0] == wanted:
        return Rank.WORD, ""
    if wanted in aliases:
        return Rank.ALIAS, aliases[wanted]
    if wanted in words.parts:
        return Rank.ALIAS, ""
    if any(n.startswith(wanted) for n in names):
        return Rank.START, ""
    if any(p.startswith(wanted) for p in words.parts):
        return Rank.WORD_START, ""
    for plain_, alias in {**spellings, **aliases}.items():
        if plain_.startswith(wanted):
            return Rank.WORD_START, alias
    if len(wanted) > 1 and any(wanted in n for n in names):
        return Rank.INSIDE, ""
    if len(wanted) > 2 and plain(words.category).startswith(wanted):
        return Rank.CATEGORY, ""
    return Rank.NOT, ""


def _weak_rank(wanted: str, query: str, words: Words) -> tuple[Rank, str, float]:
    """How a thing fits with a typing error or by scattered letters; what is as long comes first."""
    close = _close(wanted, words)
    length = float(-abs(len(words.title) - len(wanted)))
    if close is not None:
        return (Rank.ALIAS_TYPO if close else Rank.TYPO), close, length
    score = match(query, words.title)
    return (Rank.NOT, "", 0.0) if score is None else (Rank.LETTERS, "", score)


def _close(wanted: str, words: Words) -> str | None:
    """The alias one wrong letter away, "" where it is a name; None without any."""
    if len(wanted) < LEAST_TYPO:
        return None
    if any(
        _one_wrong(wanted, n) for n in (*words.plain_names, *words.plain_spellings, *words.parts)
    ):
        return ""
    return next((a for p, a in words.plain_aliases.items() if _one_wrong(wanted, p)), None)


def _one_wrong(typed: str, word: str) -> bool:
    """One letter missing, too many or wrong, or two exchanged; more letters may follow the first
    five of a word."""
    at = next((i for i, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), None)
    if at is None:  # one of them is the start of the other
        return len(typed) == len(word) + 1
    rest = [
        (typed[at + 1 :], word[at + 1 :]),
        (typed[at:], word[at + 1 :]),
        (typed[at + 1 :], word[at:]),
    ]
    if typed[at : at + 2] == word[at : at + 2][::-1]:
        rest.append((typed[at + 2 :], word[at + 2 :]))
    if len(typed) <= LEAST_TYPO:
        return any(a == b for a, b in rest)
    return any(a == b or (len(a) > 1 and b.startswith(a)) for a, b in rest)


def _letters(query: str, title: str, rank: Rank) -> tuple[int, ...]:
    """The places in a title that what was typed stands at."""
    wanted, text = query.casefold().strip(), title.casefold()
    at = text.find(wanted)
    if at >= 0:
        return tuple(range(at, at + len(wanted)))
    if rank is Rank.TYPO:
        blocks = SequenceMatcher(None, wanted, text, autojunk=False).get_matching_blocks()
        return tuple(i for b in blocks for i in range(b.b, b.b + b.size))
    if rank in (Rank.CATEGORY, Rank.ABOUT, Rank.ALIAS_TYPO):
        return ()
    found = _path(query, title)
    return found[1] if found else ()


def match(query: str, text: str) -> float | None:
    """How well typed letters fit a title: None when they do not occur in order.

    Letters at word starts and letters that follow each other count more; shorter titles win ties.
    """
    found = _path(query, text)
    return found[0] if found else None


def _path(query: str, text: str) -> tuple[float, tuple[int, ...]] | None:
    wanted, letters = query.casefold().replace(" ", ""), text.casefold()
    score, at, before = 0.0, -1, -2
    places = []
    for letter in wanted:
        starts = [
            i
            for i in range(at + 1, len(letters))
            if letters[i] == letter and (i == 0 or not letters[i - 1].isalnum())
        ]
        following = before + 1 if letters[before + 1 : before + 2] == letter else -1
        plain_ = letters.find(letter, at + 1)
        at = following if following > at else starts[0] if starts else plain_
        if at < 0:
            return None
        score += 3.0 if at == before + 1 else 2.0 if at in starts else 0.5
        before = at
        places.append(at)
    return score - len(letters) / 1000, tuple(places)


def _even(thing: object) -> float:
    return 0.0


def ranked(
    query: str,
    things: Iterable[Thing],
    words: Callable[[Thing], Words],
    weight: Callable[[Thing], float] = _even,
) -> list[tuple[Thing, Hit]]:
    """What fits, the best first; among equals what weighs more, then as given.

    Typing errors and scattered letters count only where nothing fits as it was typed.
    """
    listed = [(thing, words(thing)) for thing in things]

    def hits(weak: bool) -> list[tuple[Thing, Hit, int]]:
        return [
            (thing, fitting, number)
            for number, (thing, known) in enumerate(listed)
            if (fitting := hit(query, known, weak=weak)) is not None
        ]

    found = hits(weak=False)
    if len(listed) <= MOST_WEAK and all(fitting.rank is Rank.ABOUT for _, fitting, _ in found):
        found = hits(weak=True)

    def order(fitting: tuple[Thing, Hit, int]) -> tuple[float, ...]:
        thing, how, number = fitting
        weighs = 0.0 if how.rank in _WEAK else weight(thing)
        return -how.rank, -weighs, -how.fine, number

    found.sort(key=order)
    return [(thing, fitting) for thing, fitting, _ in found]

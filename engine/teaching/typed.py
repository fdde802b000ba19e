"""Numbers as people type them: 0.5, 2,5, -1/3, 1e-3, pi/4, sqrt(2)."""

from __future__ import annotations

import math
import re

from engine.compose import compose
from engine.evaluate import evaluate
from engine.expression import ExpressionError
from engine.graph import GraphError

LONGEST = 200
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_ROOT = re.compile(r"√(\d+\.?\d*)")
_PLAIN = re.compile(r"[-+−]?(\d+\.?\d*|\.\d+)([eE][-+−]?\d+)?")
_WORDS = {"inf": math.inf, "infinity": math.inf, "∞": math.inf, "nan": math.nan}


def read_number(text: str) -> float:
    """The number that a text stands for: a number with a point or a comma, or a formula without names
    but pi and e. Raises ValueError with a sentence."""
    plain = _ROOT.sub(r"sqrt(\1)", text.strip().replace("−", "-").replace("π", "pi"))
    if not plain:
        raise ValueError("Type a number first, such as 0.5, -1/3 or sqrt(2).")
    if len(plain) > LONGEST:
        raise ValueError(f"A number has {LONGEST} letters at most.")
    if "(" not in plain:
        plain = _COMMA.sub(".", plain)
    sign = -1.0 if plain.startswith("-") else 1.0
    word = _WORDS.get(plain.lstrip("+-").strip().lower())
    if word is not None:
        return sign * word
    if _PLAIN.fullmatch(plain):
        return float(plain)
    try:
        found = evaluate(compose(plain, {"e": math.e} if re.search(r"\be\b", plain) else {}))
    except (ExpressionError, GraphError, ValueError):
        raise ValueError(
            f"{text.strip()!r} is not a number; type one such as 0.5, -1/3, 1e-3 or sqrt(2)."
        ) from None
    value = found.values.get(found.output or "")
    if value is None or value.shape or value.dtype.kind not in "fiub":
        raise ValueError(f"{text.strip()!r} is not a single number.")
    return float(value)


def decimals(text: str) -> float:
    """Half a unit of the last digit that was typed: how far the number meant may be from the one that
    stands there; 0 where it is no plain decimal number."""
    plain = _COMMA.sub(".", text.strip().replace("−", "-"))
    found = _PLAIN.fullmatch(plain)
    if found is None:
        return 0.0
    mantissa, _, power = plain.lower().partition("e")
    places = len(mantissa.partition(".")[2])
    return float(f"5e{int(power or 0) - places - 1}")

"""Marks the strings a person reads, without Qt."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.derivative_names import written

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω", "pi": "π",
}  # fmt: skip
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def tr(text: str) -> str:
    """The text in the person's language; there is one language so far, so itself."""
    return text


@lru_cache(maxsize=4096)
def pretty_name(name: str) -> str:
    """A name as mathematics writes it: `u1` as u₁, `theta_2` as θ₂, `dJ_dx` as ∂J/∂x."""
    parts = written(name, pretty_name, lambda power: str(power).translate(SUPERSCRIPT), "∂")
    if parts is not None:
        above, below, number = parts
        return f"{above}/{below}" + (f" ({number})" if number else "")
    match = re.fullmatch(r"(.*?[^\W\d])_?(\d+)", name)
    stem, digits = (match[1], match[2]) if match else (name, "")
    return _GREEK.get(stem, stem) + digits.translate(_SUBSCRIPT)


_POWER = re.compile(r"(?:([\^/] ?)|(?<![\w.]))(?P<mantissa>\d+(?:\.\d+)?)e(?P<power>[-−+]?\d+)\b")


def power_text(text: str) -> str:
    """Text with numbers as mathematics writes them: `2.294e-11` as 2.294×10⁻¹¹, in brackets where it is
    divided by or raised to."""

    def one(found: re.Match[str]) -> str:
        power = str(int(found["power"].replace("−", "-"))).translate(SUPERSCRIPT)
        number = f"{found['mantissa']}×10{power}"
        return f"{found[1]}({number})" if found[1] else number

    return _POWER.sub(one, text)


def partial(of: str, by: str) -> str:
    """The derivative of one name by another: ∂J/∂u₁; names that are fractions stand in brackets."""
    above, below = (
        pretty_name(stem) + bracket + index
        for stem, bracket, index in (name.partition("[") for name in (of, by))
    )
    return "/".join(f"∂({part})" if "/" in part else f"∂{part}" for part in (above, below))


def sentence(text: str) -> str:
    """A message with a capital, unless it begins with the name of a file or of a node."""
    first = text.partition(" ")[0]
    is_word = first == "a" or (len(first) > 1 and first.isalpha() and first.islower())
    return text[:1].upper() + text[1:] if is_word else text

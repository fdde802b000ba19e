"""A formula tree as LaTeX.

Names become mathematics (`u1` gets a subscript, `theta` its letter), rows print through the template
that the table gives for a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engine.derivative_names import written
from engine.expression import PRECEDENCE, Call, Name, Number, Tree, filled, fold, number_text, wrap

_LATEX_INFIX = {
    "+": "+", "-": "-", "*": r" \cdot ", "@": r" \, ", ">": ">", ">=": r"\ge ", "<": "<",
    "<=": r"\le ", "==": "=",
    "!=": r"\ne ",
}  # fmt: skip
_ARITHMETIC = {"+", "-", "*", "/", "**", "@"}
_STRENGTH = {**PRECEDENCE, "@": 3.5}
"""A matrix product is written without a sign, so an entry-wise product in it needs brackets."""
_TRUTH = PRECEDENCE["=="]
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()


def latex_name(name: str) -> str:
    """A name as mathematics: `u1` and `u_1` get a subscript, Greek names their letter, `dJ_dx` a bar;
    an index in square brackets behind it stays one."""
    name, bracket, at = name.partition("[")
    if bracket:
        return f"{latex_name(name)}[{at}".replace(",", "{,}")
    parts = written(name, latex_name, lambda power: f"^{{{power}}}", r"\partial ")
    if parts is not None:
        above, below, number = parts
        return rf"\frac{{{above}}}{{{below}}}" + (rf"\,({number})" if number else "")
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+|(?<=_)\w+)", name)
    stem, index = (match[1], match[2]) if match else (name, "")
    letter = "\\" + stem if stem in _GREEK else stem
    if letter == stem and len(stem) > 1:
        letter = r"\mathrm{" + re.sub(r"[^\w.]", " ", stem).replace("_", r"\_") + "}"
    index = index.replace("_", " ")
    return f"{letter}_{{{index}}}" if index else letter


def to_latex(
    root: Tree,
    template: Callable[[str, int], str | None],
    name: Callable[[str], str] = latex_name,
) -> str:
    """LaTeX of a tree.

    `template(call name, operand count)` gives a row's LaTeX with `<0>`, `<1>` for operands, or None
    for an upright function name with brackets.
    """

    def combine(part: Tree, args: tuple[tuple[str, float], ...]) -> tuple[str, float]:
        brackets = (r"\left(", r"\right)")
        if isinstance(part, Call) and part.name in _ARITHMETIC:
            args = tuple(_counted(a) for a in args)
        if isinstance(part, Number):
            text = latex_number(part.value)
            kind = "*" if "^" in text else "minus" if text.startswith("-") else "atom"
            return text, PRECEDENCE[kind]
        if isinstance(part, Name):
            text = name(part.id)
            return text, PRECEDENCE["**" if text.startswith(r"\frac") else "atom"]
        if part.name == "[]":
            at = filled(str(dict(part.options)["at"]), [text for text, _ in args[1:]])
            return f"{{{wrap(args[0], 6, brackets)}}}_{{[{at}]}}", PRECEDENCE["atom"]
        if part.name == "-" and len(args) == 1:
            return f"-{wrap(args[0], 3, brackets)}", PRECEDENCE["minus"]
        if part.name == "/":
            return rf"\frac{{{args[0][0]}}}{{{args[1][0]}}}", PRECEDENCE["**"]
        if part.name == "**":
            return f"{wrap(args[0], 6, brackets)}^{{{args[1][0]}}}", PRECEDENCE["**"]
        if part.name in _LATEX_INFIX and len(args) == 2:
            own = _STRENGTH[part.name]
            alone = own == _TRUTH  # comparisons do not chain
            left = wrap(args[0], own + alone, brackets)
            right = wrap(args[1], own + (0.5 if part.name == "*" else 1), brackets)
            if right.startswith("-"):
                right = rf"\left({right}\right)"
            return f"{left}{_LATEX_INFIX[part.name]}{right}", own
        pattern = template(part.name, len(args))
        if pattern == "<0>":
            return args[0]
        if pattern is not None:
            return _fill(pattern, args, dict(part.options)), _strength(pattern)
        inner = ", ".join(a for a, _ in args)
        upright = part.name.replace("_", r"\_")
        return rf"\mathrm{{{upright}}}\left({inner}\right)", PRECEDENCE["atom"]

    return fold(root, combine)[0]


def _counted(item: tuple[str, float]) -> tuple[str, float]:
    """A comparison that is computed with is 1 or 0: Iverson's brackets say so."""
    text, strength = item
    return (rf"\left[{text}\right]", PRECEDENCE["atom"]) if strength == _TRUTH else item


def _strength(pattern: str) -> int:
    """A template that ends in its own bracket is an atom; a sum reaches as far right as it can, and
    what ends in a superscript or a fraction cannot take another one."""
    if re.search(
        r"\\right(\)|\\?\||\\rfloor|\\rceil)(_\d|<_\w+>)?$", pattern
    ) or pattern.startswith(r"\sqrt"):
        return PRECEDENCE["atom"]
    return PRECEDENCE["+" if re.search(r"\\sum|\\bmod", pattern) else "**"]


def _fill(
    pattern: str, operands: tuple[tuple[str, float], ...], options: Mapping[str, object]
) -> str:
    """`<0>` is the first operand bare, `<0!>` in brackets unless it is an atom, `<*>` all; `<_axis>`
    is an option as a subscript, nothing where it is not said."""

    def one(match: re.Match[str]) -> str:
        if match[3]:
            value = options.get(match[3])
            said = value.id if isinstance(value, Name) else str(value).strip("(),")
            return "" if value is None else f"_{{{said}}}"
        if match[1] == "*":
            return ", ".join(text for text, _ in operands)
        operand = operands[int(match[1])]
        return wrap(operand, 6, (r"\left(", r"\right)")) if match[2] else operand[0]

    return re.sub(r"<(\d+|\*)(!?)>|<_(\w+)>", one, pattern)


def latex_number(value: float, digits: int | None = None) -> str:
    """A number as LaTeX; all its digits unless `digits` significant ones are asked for."""
    if value != value:
        return r"\mathrm{NaN}"
    if value in (float("inf"), float("-inf")):
        return r"\infty" if value > 0 else r"-\infty"
    text = number_text(value) if digits is None else f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa

"""Formulas in LaTeX as MathML, as HTML that any rich text shows, and as plain text.

It reads what this program writes (`engine.latex`, the lines of the trace) and what people put between
dollar signs in notes and lessons: fractions, roots, scripts, Greek letters, upright words, signs. What
it does not know is shown as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Literal

Form = Literal["line", "fraction", "root", "over", "under", "name", "number", "mark", "word"]


@dataclass(frozen=True)
class Piece:
    """A part of a formula: its form, its text, and the pieces it is made of."""

    form: Form
    text: str = ""
    parts: tuple[Piece, ...] = ()


_TOKEN = re.compile(r"\\mathrel\{\+\}=|\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_ADDED = r"\mathrel{+}="
_DEEPEST = 40  # pieces in each other that are read as such
_SIGNS = {
    _ADDED: "+=",
    r"\cdot": "·", r"\times": "×", r"\partial": "∂", r"\to": "→", r"\leftarrow": "←", r"\le": "≤",
    r"\leq": "≤", r"\ge": "≥", r"\geq": "≥", r"\ne": "≠", r"\neq": "≠", r"\infty": "∞", r"\approx": "≈",
    r"\ldots": "…", r"\dots": "…", r"\cdots": "⋯", r"\sum": "∑", r"\prod": "∏", r"\odot": "⊙",
    r"\pm": "±", r"\in": "∈", r"\nabla": "∇", r"\top": "⊤", r"\mid": "|", r"\lfloor": "⌊", r"\rfloor": "⌋",
    r"\lceil": "⌈", r"\rceil": "⌉", r"\{": "{", r"\}": "}", r"\|": "‖", r"\%": "%", r"\_": "_",
    r"\rightarrow": "→", r"\Rightarrow": "⇒", r"\int": "∫", r"\ell": "ℓ", r"\star": "⋆", r"\bmod": " mod ",
}  # fmt: skip
_SPACES = {r"\,", r"\ ", r"\;", r"\:", r"\!", r"\quad", r"\qquad", "~", "&"}
_IGNORED = {r"\left", r"\right", r"\displaystyle", r"\big", r"\Big", r"\bigl", r"\bigr"}
_UPRIGHT = {
    r"\mathrm", r"\text", r"\operatorname", r"\mathbf", r"\mathit", r"\boldsymbol", r"\mathbb", r"\mathcal",
}  # fmt: skip
_WRAPPED = {r"\mathrel", r"\mathbin", r"\mathord", r"\hat", r"\bar", r"\tilde", r"\vec"}
_LETTERS = dict(zip(
    (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
        "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega varepsilon"
    ).split(),
    "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩε", strict=True,
))  # fmt: skip
_RAISED = dict(zip(
    "0123456789+-−()⊤abcdefghijklmnoprstuvwxyzT",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵀᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ", strict=True,
))  # fmt: skip
"""Letters and signs that have a raised form."""
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


_MINUS = Piece("mark", "−")


# ---------------------------------------------------------------- reading


def _as_word(piece: Piece) -> Piece:
    """Several letters in a script are a word."""
    if piece.form == "line" and piece.parts and all(p.form == "name" for p in piece.parts):
        return Piece("word", "".join(p.text for p in piece.parts))
    return piece


class _Reader:
    """Reads tokens one after the other; never raises, whatever stands there."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = self.depth = 0

    def row(self, closing: str = "") -> Piece:
        parts: list[Piece] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == closing:
                self.at += 1
                break
            if token in ("^", "_"):
                self.at += 1
                base = parts.pop() if parts else Piece("line")
                form: Form = "over" if token == "^" else "under"
                parts.append(Piece(form, parts=(base, _as_word(self.argument()))))
                continue
            piece = self.piece()
            if (
                piece == _MINUS
                and parts
                and (parts[-1].form != "mark" or parts[-1].text in ")]}|⌋⌉")
            ):
                piece = Piece("mark", " − ")
            if piece is not None:
                parts.append(piece)
        return parts[0] if len(parts) == 1 else Piece("line", parts=tuple(parts))

    def argument(self) -> Piece:
        """What belongs to a command or a script: a group in braces, or the next piece."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        found = self.piece() if self.at < len(self.tokens) else None
        return found or Piece("line")

    def piece(self) -> Piece | None:
        """The next piece; None for what shows nothing."""
        token = self.tokens[self.at]
        self.at += 1
        if self.depth >= _DEEPEST:
            return Piece("mark", token)
        self.depth += 1
        found = self._piece(token)
        self.depth -= 1
        return found

    def _piece(self, token: str) -> Piece | None:
        if token == "{":
            return self.row("}")
        if token in (r"\frac", r"\dfrac", r"\tfrac", r"\sqrt"):
            return self.root() if token == r"\sqrt" else self.fraction()
        if token in _UPRIGHT:
            return Piece("word", self.raw())
        if token in _WRAPPED:
            return (
                self.argument()
                if self.at < len(self.tokens) and self.tokens[self.at] == "{"
                else None
            )
        if token in _IGNORED or token.isspace() or token in "{}":
            return None
        if token in _SPACES:
            return Piece("mark", " ")
        if token in _SIGNS:
            return Piece("mark", _SIGNS[token])
        if token[0] == "\\" and token[1:] in _LETTERS:
            return Piece("name", _LETTERS[token[1:]])
        if token[0] == "\\":
            return Piece("word", token[1:])
        if token[0].isdigit():
            return Piece("number", token)
        if token.isalpha():
            return Piece("name", token)
        return _MINUS if token == "-" else Piece("mark", token)

    def fraction(self) -> Piece:
        return Piece("fraction", parts=(self.argument(), self.argument()))

    def root(self) -> Piece:
        degree = ""
        if self.at < len(self.tokens) and self.tokens[self.at] == "[":
            end = self.tokens.index("]", self.at) if "]" in self.tokens[self.at :] else self.at
            degree = "".join(self.tokens[self.at + 1 : end])
            self.at = end + 1
        return Piece("root", degree, (self.argument(),))

    def raw(self) -> str:
        """The text of a group, as it is written."""
        if self.at >= len(self.tokens) or self.tokens[self.at] != "{":
            return flat_text(self.argument())
        depth, texts = 0, []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token == "{") - (token == "}")
            if not depth:
                break
            if token not in "{}":
                texts.append(" " if token in _SPACES else _SIGNS.get(token, token))
        return "".join(texts)


def read_latex(latex: str) -> Piece:
    """A formula as pieces; what is not known stays as it is written."""
    return _Reader(latex).row()


# ---------------------------------------------------------------- writing


def _written(root: Piece, combine: Callable[[Piece, list[str]], str]) -> str:
    """Bottom-up, without recursion over what a person may have nested."""
    done: list[str] = []
    work = [(root, False)]
    while work:
        piece, visited = work.pop()
        if not visited:
            work.append((piece, True))
            work += [(part, False) for part in reversed(piece.parts)]
            continue
        count = len(piece.parts)
        parts = done[len(done) - count :] if count else []
        del done[len(done) - count :]
        done.append(combine(piece, parts))
    return done[0]


def mathml(latex: str, block: bool = False) -> str:
    """A formula as a `<math>` element."""
    display = ' display="block"' if block else ""
    return f"<math{display}>{_written(read_latex(latex), _as_mathml)}</math>"


def _as_mathml(piece: Piece, parts: list[str]) -> str:
    text = escape(piece.text)
    match piece.form:
        case "fraction":
            return f"<mfrac>{parts[0]}{parts[1]}</mfrac>"
        case "root":
            if piece.text:
                return f"<mroot>{parts[0]}<mn>{text}</mn></mroot>"
            return f"<msqrt>{parts[0]}</msqrt>"
        case "over":
            return f"<msup>{parts[0]}{parts[1]}</msup>"
        case "under":
            return f"<msub>{parts[0]}{parts[1]}</msub>"
        case "name":
            return f"<mi>{text}</mi>"
        case "word":
            return f'<mi mathvariant="normal">{text}</mi>'
        case "number":
            return f"<mn>{text}</mn>"
        case "mark":
            return '<mspace width="0.3em"/>' if piece.text == " " else f"<mo>{text.strip()}</mo>"
    return f"<mrow>{''.join(parts)}</mrow>"


def rich(latex: str) -> str:
    """A formula in one row as HTML with italics, raised and lowered text, which Qt's rich text and any
    browser show."""
    return _written(read_latex(latex), _as_rich)


def _as_rich(piece: Piece, parts: list[str]) -> str:
    text = escape(piece.text)
    match piece.form:
        case "fraction":
            return "/".join(_grouped(p, t) for p, t in zip(piece.parts, parts, strict=True))
        case "root":
            return f"{f'<sup>{text}</sup>' if text else ''}√({parts[0]})"
        case "over":
            return f"{parts[0]}<sup>{parts[1]}</sup>"
        case "under":
            return f"{parts[0]}<sub>{parts[1]}</sub>"
        case "name":
            return f"<i>{text}</i>"
        case "mark":
            return _spaced(text)
        case "word" | "number":
            return text
    return "".join(parts)


def plain(latex: str) -> str:
    """A formula as text without marks: `a² · sin(b)`."""
    return re.sub(r"  +", " ", flat_text(read_latex(latex))).strip()


def flat_text(piece: Piece) -> str:
    """As `plain`, of pieces."""
    return _written(piece, _as_plain)


def _as_plain(piece: Piece, parts: list[str]) -> str:
    match piece.form:
        case "fraction":
            return "/".join(_grouped(p, t) for p, t in zip(piece.parts, parts, strict=True))
        case "root":
            return f"√({parts[0]})"
        case "over":
            if all(letter in _RAISED for letter in parts[1]):
                return parts[0] + "".join(_RAISED[letter] for letter in parts[1])
            return f"{parts[0]}^{_grouped(piece.parts[1], parts[1])}"
        case "under":
            return parts[0] + (
                parts[1].translate(_SUBSCRIPTS) if parts[1].isdigit() else f"_{parts[1]}"
            )
        case "mark":
            return _spaced(piece.text)
        case "name" | "word" | "number":
            return piece.text
    return "".join(parts)


_AIRY = frozenset((*"+=→←<>≤≥≠·×≈⇒", "+=")) | {"&lt;", "&gt;"}


def _spaced(sign: str) -> str:
    if sign == ",":
        return ", "
    return f" {sign} " if sign in _AIRY else sign


def _grouped(piece: Piece, text: str) -> str:
    """In brackets where it is more than a product of names beside the slash."""
    simple = piece.form != "line" or not any(
        p.form == "fraction" or (p.form == "mark" and p.text in "+−·×/=") for p in piece.parts
    )
    return text if simple else f"({text})"

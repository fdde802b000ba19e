"""LaTeX as this program and its notes have it, as MathML, as simple HTML and as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from engine.compose import compose
from engine.evaluate import evaluate
from engine.teaching.mathml import mathml, plain, rich

CASES = [
    (r"\frac{\partial J}{\partial a} \mathrel{+}= b \cdot \left(-\sin\left(v_{2}\right)\right)",
     "∂J/∂a += b · (−sin(v₂))"),
    (r"e^{x} + \sqrt{2 \cdot x}", "eˣ + √(2 · x)"),
    (r"h[0]^{2} = W[0{,}1]", "h[0]² = W[0, 1]"),
    (r"\frac{a+b}{c}", "(a + b)/c"),
    (r"a - b", "a − b"),
    (r"\left(-0.25\right)^{2}", "(−0.25)²"),
    (r"2 \times 10^{-3}", "2 × 10⁻³"),
    (r"\mathrm{loss}_{train}", "loss_train"),
    (r"\left\lfloor x\right\rfloor", "⌊x⌋"),
    (r"\theta_{1}^{T} \, W", "θ₁ᵀ W"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "text"), CASES)
def test_text(latex: str, text: str) -> None:
    assert plain(latex) == text
    ElementTree.fromstring(mathml(latex))
    ElementTree.fromstring(f"<p>{rich(latex)}</p>")


def test_every_line_of_a_trace_is_sound_markup() -> None:
    program = "h = W @ v\nk = softmax(h)\nJ = sum(k^2) / max(x, y) + sqrt(x) - exp(-y) + abs(x)"
    values = {"W": [[1.0, 2], [3, 4]], "v": [0.1, 0.2], "x": 2.0, "y": 1.0}
    for step in evaluate(compose(program, values)).steps:
        for latex in (step.symbols, step.numbers):
            math = ElementTree.fromstring(mathml(latex))
            assert "\\" not in "".join(math.itertext())
            ElementTree.fromstring(f"<p>{rich(latex)}</p>")


HOSTILE = [
    "{" * 9000, r"\frac" * 3000, r"\hat" * 4000, "^" * 5000, "_{" * 4000, r"\mathrm" * 4000, "}" * 50,
    r"\sqrt[", r"\frac{a}", "<script>", "&amp;", "\\", "", r"\left",
]  # fmt: skip


@pytest.mark.parametrize("latex", HOSTILE)
def test_nothing_is_raised_and_nothing_gets_out(latex: str) -> None:
    plain(latex)
    for markup in (mathml(latex), rich(latex)):
        ElementTree.fromstring(f"<p>{markup}</p>")
        assert "<script" not in markup

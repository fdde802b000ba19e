"""Formula trees as LaTeX: names, numbers, brackets where a reader needs them."""

from __future__ import annotations

import re

import pytest

from engine import ops
from engine.expression import Call, Name, Number, parse_expression
from engine.latex import latex_name, latex_number, to_latex


def latex(text: str) -> str:
    return to_latex(parse_expression(text), ops.latex_template)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"), ("u1", "u_{1}"), ("u_1", "u_{1}"), ("theta", r"\theta"), ("theta_2", r"\theta_{2}"),
        ("loss", r"\mathrm{loss}"), ("W_hidden", "W_{hidden}"), ("c.1", r"\mathrm{c.1}"),
        ("a_b_c", "a_{b c}"), ("λ", "λ"), ("long_name", r"\mathrm{long}_{name}"),
    ],
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert latex_name(name) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (3.0, None, "3"), (0.25, None, "0.25"), (-1.5, None, "-1.5"), (1e-7, None, r"1 \times 10^{-7}"),
        (123456.0, 3, r"1.23 \times 10^{5}"), (float("inf"), None, r"\infty"),
        (float("-inf"), None, r"-\infty"), (float("nan"), None, r"\mathrm{NaN}"),
    ],
)  # fmt: skip
def test_numbers(value: float, digits: int | None, expected: str) -> None:
    assert latex_number(value, digits) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3*x^2", r"3 \cdot x^{2}"),
        ("(3*x)^2", r"\left(3 \cdot x\right)^{2}"),
        ("-(a + b)", r"-\left(a+b\right)"),
        ("a - (b - c)", r"a-\left(b-c\right)"),
        ("a - (-b)", r"a-\left(-b\right)"),
        ("a / (b + c)", r"\frac{a}{b+c}"),
        ("(a / b)^2", r"\left(\frac{a}{b}\right)^{2}"),
        ("exp(x)^2", r"\left(e^{x}\right)^{2}"),
        ("square(exp(x))", r"\left(e^{x}\right)^{2}"),
        ("T(A @ B)", r"\left(A \, B\right)^{\top}"),
        ("T(T(A))", r"\left(A^{\top}\right)^{\top}"),
        ("sum(x) * y", r"\left(\sum x\right) \cdot y"),
        ("l2(w)^2", r"\left(\left\|w\right\|_2^2\right)^{2}"),
        ("l1(w)^2", r"\left\|w\right\|_1^{2}"),
        ("abs(x)^2", r"\left|x\right|^{2}"),
        ("sqrt(x)^2", r"\sqrt{x}^{2}"),
        ("x1[0]^2", r"{x_{1}}_{[0]}^{2}"),
        ("x[0][1]", r"{{x}_{[0]}}_{[1]}"),
        ("3e-7^2", r"\left(3 \times 10^{-7}\right)^{2}"),
        ("(x > y) > y", r"\left(x>y\right)>y"),
        ("row(a + b) * c", r"\left(a+b\right) \cdot c"),
        ("a * (b % c)", r"a \cdot \left(b \bmod c\right)"),
        ("-(a * b % c)", r"-\left(\left(a \cdot b\right) \bmod c\right)"),
        ("a % 2 != 1", r"a \bmod 2\ne 1"),
        ("floor(x)^2", r"\left\lfloor x\right\rfloor^{2}"),
        ("(x * y) @ W", r"\left(x \cdot y\right) \, W"),
        ("a * (x @ W)", r"a \cdot x \, W"),
        ("A @ (B @ C)", r"A \, \left(B \, C\right)"),
        ("g * (x > 0)", r"g \cdot \left[x>0\right]"),
        ("(x > y) + (x == y) / 2", r"\left[x>y\right]+\frac{\left[x=y\right]}{2}"),
        ("max(a, b)", r"\max\left(a, b\right)"),
        ("no_such(x)", r"\mathrm{no\_such}\left(x\right)"),
    ],
)
def test_formulas(text: str, expected: str) -> None:
    assert latex(text) == expected


def double_scripts(text: str) -> list[str]:
    """`x^{2}^{3}` and `x_{1}_{2}`, which LaTeX refuses."""
    flat = text
    while True:  # innermost groups away, so that what follows a group is seen
        shorter = re.sub(r"(?<=[\^_])\{[^{}]*\}", "•", flat)
        shorter = re.sub(r"\{([^{}]*)\}", r"○", shorter)
        if shorter == flat:
            return re.findall(r"\^[•\w]\^|_[•\w]_", flat)
        flat = shorter


@pytest.mark.parametrize(
    "row", [o for o in ops.TABLE.values() if not o.is_source], ids=lambda o: o.name
)
def test_no_row_is_raised_twice(row) -> None:
    options = tuple((o.name, "0" if o.kind == "text" else (2,)) for o in row.options if o.required)
    call = Call(row.symbol or row.name, tuple(Name(p) for p in row.ports()), options)
    for shown in (
        Call("**", (call, Number(2.0))),
        Call("square", (call,)),
        Call("T", (call,)),
        Call("[]", (call,), (("at", "0"),)),
    ):
        assert double_scripts(to_latex(shown, ops.latex_template)) == []


def test_double_scripts_are_seen() -> None:
    """The defect that the check above is there for."""
    assert double_scripts(r"e^{x}^{2}")
    assert double_scripts(r"x_{1}_{[0]}")
    assert double_scripts(r"\left\|w\right\|_2^2^{2}")
    assert not double_scripts(r"\left(e^{x}\right)^{2}")

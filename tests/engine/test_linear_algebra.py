"""Linear algebra and reductions where they are delicate: extremes, singular input, zeros, views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.compose import compose
from engine.derive import DeriveError, derive
from engine.evaluate import evaluate
from engine.expansion import Expansion
from engine.expression import parse_expression
from engine.ops import einsum
from engine.program import Plan
from engine.shapes import ShapeError, Spec

pytestmark = pytest.mark.filterwarnings("error")
SOURCE = ops.TABLE["input"]


def value(program: str, **given: Any) -> Any:
    return derive(f"y = {program}\nJ = sum(y)", given).nodes["y"][0]


# ---------------------------------------------------------------- extremes


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e170, 1e300])
def test_norms_neither_overflow_nor_vanish(scale: float) -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]]) * scale
    np.testing.assert_allclose(value("norm(x)", x=x), 5 * scale, 1e-15)
    np.testing.assert_allclose(value("norm(x, axis=1)", x=x), [5 * scale, 0.0], 1e-15)
    np.testing.assert_allclose(value("norm(x, 1, True)", x=x), [[5 * scale], [0.0]], 1e-15)


def test_norms_of_the_infinite() -> None:
    assert float(value("norm(x)", x=[np.inf, 1.0])) == np.inf
    assert np.isnan(value("norm(x)", x=[np.nan, np.inf]))


def test_gradient_of_a_norm_at_0_is_0() -> None:
    for order in ("1", "2", "inf"):
        found = derive(f"J = norm(x, order={order})", {"x": [0.0, 0.0]})
        assert found.gradients["x"].tolist() == [0.0, 0.0]


def test_variance_far_from_0_keeps_its_digits() -> None:
    """The planted trap is the mean of squares less the square of the mean: it gives 0 here."""
    x = 1e8 + np.array([1.0, 2.0, 3.0, 4.0])
    assert float(value("var(x)", x=x)) == pytest.approx(1.25, rel=1e-12)
    assert float(value("std(x, correction=1)", x=x)) == pytest.approx(np.sqrt(5 / 3), rel=1e-12)


def test_gradient_of_the_deviation_of_equal_entries_is_0() -> None:
    assert derive("J = std(x)", {"x": [2.0, 2.0, 2.0]}).gradients["x"].tolist() == [0.0] * 3


def test_one_entry_has_no_variance_of_a_sample() -> None:
    assert np.isnan(value("var(x, correction=1)", x=[2.0]))
    assert np.isnan(value("var(x, correction=1)", x=2.0))
    assert float(value("var(x)", x=2.0)) == 0.0


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2), (0, 1, 2)])
def test_products_with_zeros_in_both_orders(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, -3.0, 5.0])
    x[list(zeros)] = 0
    found = derive("J = prod(x)", {"x": x}, hessian=True)
    others = [np.prod(np.delete(x, i)) for i in range(3)]
    np.testing.assert_allclose(found.gradients["x"], others)
    pairs = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(found.hessian["x"]["x"], pairs)


# ---------------------------------------------------------------- matrices


@pytest.mark.parametrize("formula", ["inverse(A)", "solve(A, b)", "logdet(A) + 0 * det(A)"])
def test_singular_matrices_are_told(formula: str) -> None:
    given = {"A": [[1.0, 2.0], [2.0, 4.0]]} | ({"b": [1.0, 1.0]} if "b" in formula else {})
    graph = compose(f"J = sum({formula})", given)
    evaluation = evaluate(graph)
    if "logdet" in formula:
        assert float(evaluation.values[graph.output()]) == -np.inf
        assert "A" not in {graph.name(n) for n in evaluation.gradients}
        return
    (message,) = evaluation.faults.values()
    assert "the matrix is singular" in message


def test_a_matrix_that_is_not_positive_definite_is_told() -> None:
    with pytest.raises(DeriveError, match="not positive definite"):
        derive("J = sum(cholesky(A))", {"A": [[1.0, 2.0], [2.0, 1.0]]})


def test_determinant_of_a_singular_matrix_has_a_gradient() -> None:
    """The cofactors, which the inverse would divide 0 by 0 for."""
    A = [[1.0, 2.0], [2.0, 4.0]]
    np.testing.assert_allclose(
        derive("J = det(A)", {"A": A}).gradients["A"], [[4.0, -2.0], [-2.0, 1.0]], atol=1e-14
    )
    low = np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0])
    np.testing.assert_allclose(
        derive("J = det(A)", {"A": low}).gradients["A"], np.zeros((3, 3)), atol=1e-14
    )


def test_logarithm_of_a_negative_determinant_is_not_a_number() -> None:
    assert np.isnan(value("logdet(A)", A=[[0.0, 1.0], [1.0, 0.0]]))
    assert float(value("logdet(A)", A=np.eye(200) * 1e-9)) == pytest.approx(200 * np.log(1e-9))


def test_cholesky_takes_the_symmetric_part() -> None:
    A = np.array([[2.0, 0.5], [0.3, 1.0]])
    L = value("cholesky(A)", A=A)
    np.testing.assert_allclose(L @ L.T, (A + A.T) / 2, 1e-14)


# ---------------------------------------------------------------- einsum


def random_subscripts(rng: np.random.Generator) -> tuple[str, list[tuple[int, ...]]]:
    sizes = {c: int(rng.integers(1, 4)) for c in "ijkl"}
    terms = [
        "".join(rng.choice(list("ijkl"), int(rng.integers(0, 4))))
        for _ in range(int(rng.integers(1, 5)))
    ]
    letters = sorted(set("".join(terms)))
    out = "".join(rng.permutation([c for c in letters if rng.random() < 0.5]).tolist())
    return f"{','.join(terms)}->{out}", [tuple(sizes[c] for c in t) for t in terms]


def test_random_contractions_are_numpys() -> None:
    """Values, and gradients by the rule that each operand enters linearly: x . dJ/dx = J."""
    rng = np.random.default_rng(1)
    for _ in range(80):
        subscripts, shapes = random_subscripts(rng)
        given = {f"x{i}": rng.uniform(-1, 1, s) for i, s in enumerate(shapes)}
        expected = np.einsum(subscripts, *given.values())
        program = f"y = einsum({', '.join(given)}, subscripts='{subscripts}')\nJ = sum(y * w)"
        weights = rng.uniform(0.5, 1.5, expected.shape)
        found = derive(program, {**given, "w": weights}, list(given))
        np.testing.assert_allclose(found.nodes["y"][0], expected, 1e-12, 1e-12, err_msg=subscripts)
        for name, x in given.items():
            product = float(np.sum(found.gradients[name] * x))
            np.testing.assert_allclose(
                product, float(found.value), 1e-11, 1e-12, err_msg=subscripts
            )


def test_a_contraction_left_to_one_loop_is_noticed() -> None:
    """Three matrices of 60 cost 3.4e7 products at once and 4e5 in pairs: counted, not timed."""
    terms, out = einsum.read("ij,jk,kl->il", 3)
    sizes = dict.fromkeys("ijkl", 60)
    largest = 0
    real = einsum._pair

    def counted(a: str, b: str, wanted: set[str], sizes: Any) -> Any:
        nonlocal largest
        largest = max(largest, int(np.prod([sizes[c] for c in {*a, *b}])))
        return real(a, b, wanted, sizes)

    einsum._pair = counted
    try:
        einsum.contraction(terms, out, sizes)
    finally:
        einsum._pair = real
    assert largest == 60**3


@pytest.mark.parametrize(
    ("subscripts", "shapes", "part"),
    [
        ("...i,i", ((2,), (2,)), "does not read '...'"),
        ("ij,jk->ik", ((2, 3), (2, 3)), "axis 'j' has size 3 in one place and 2 in another"),
        ("ij->i", ((2,),), "'ij' names 2 axes and 2 has 1"),
        ("i,i", ((2,),), "names 2 operands and there are 1"),
        ("i->ii", ((2,),), "'i' that does not stand once"),
        ("i->j", ((2,),), "'j' that does not stand once in it or in no operand"),
        ("i+j", ((2,),), "write letters as in"),
    ],
)
def test_subscripts_are_refused_with_a_sentence(
    subscripts: str, shapes: tuple[tuple[int, ...], ...], part: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        ops.TABLE["einsum"].shape({"subscripts": subscripts}, *(Spec(s) for s in shapes))
    assert part in str(caught.value)


# ---------------------------------------------------------------- views


VIEWS = {
    "permute": {"axes": (1, 0)}, "diagonal": {}, "broadcast_to": {"shape": (50, 3, 3)},
    "squeeze": {}, "unsqueeze": {"axis": 1}, "flip": {}, "split": {"parts": 3, "part": 1},
    "index": {"at": "::-2, None"},
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_rearranging_copies_nothing(name: str) -> None:
    expansion = Expansion()
    expansion.source("x", SOURCE, np.arange(9.0).reshape(3, 3))
    op = ops.TABLE[name]
    expansion.add("y", op, ("x",), {**op.defaults(), **VIEWS[name]})
    plan = Plan(expansion, ["y"])
    assert np.shares_memory(plan.value("y"), plan.value("x"))
    plan.set("x", np.ones((3, 3)))
    plan.run()
    assert np.all(plan.value("y") == 1)


@pytest.mark.parametrize("move", ["flip(w)", "permute(w, axes=(1, 0))", "roll(w, 1, 0)", "w[::-1]"])
def test_a_state_that_reads_itself_through_a_view_moves_rightly(move: str) -> None:
    """In place, `w - 0.1 * flip(w)` must not read entries that it has just written."""
    start = np.arange(9.0).reshape(3, 3) ** 2
    expansion = Expansion()
    expansion.source("w", ops.TABLE["parameter"], start)
    step = expansion.build(parse_expression(f"w - 0.1 * {move}"), {"w": "w"})
    direct = expansion.build(parse_expression(f"w - {move}"), {"w": "w"})
    for ref, factor in ((step, 0.1), (direct, 1.0)):
        plan = Plan(expansion, [], assign={"w": ref})
        plan.run(3)
        w = start
        turn = {"flip(w)": np.flip, "w[::-1]": lambda v: v[::-1]}.get(move)
        turn = turn or (np.transpose if "permute" in move else lambda v: np.roll(v, 1, 0))
        for _ in range(3):
            w = w - factor * turn(w)
        np.testing.assert_allclose(plan.value("w"), w, 1e-14)


def test_contractions_count_truth_values_and_do_not_wrap() -> None:
    """A pair of operands that are not floats is contracted by itself before the floats come in."""
    x, holds = np.ones((3, 3)), np.ones((3, 4), np.bool_)
    large = np.full((3, 4), 2**40)
    for matrix, expected in ((holds, 4.0), (large, 4.0 * 2.0**80)):
        given = {"x": x, "a": matrix, "b": matrix.T}
        found = derive("J = einsum(x, a, b, subscripts='ik,ij,jk->')", given, ["x"])
        assert float(found.value) == 9 * expected
        np.testing.assert_array_equal(found.gradients["x"], np.full((3, 3), expected))

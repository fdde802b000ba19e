"""Every row of the operator table: what its fields promise, and that planted wrong rows are caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import check, ops
from engine.expansion import Expansion
from engine.expression import Name, names, substitute
from engine.latex import to_latex
from engine.ops.row import Case, Op, local_of
from engine.program import Plan
from engine.shapes import ShapeError

pytestmark = pytest.mark.filterwarnings("error")

ROWS = [op for op in ops.TABLE.values() if not op.is_source]
VISIBLE = [op for op in ROWS if not op.hidden]
DIFFERENTIABLE = [op for op in ROWS if any(op.derivative_trees.values())]
SOURCE = ops.TABLE["input"]
rows = pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
visible = pytest.mark.parametrize("op", VISIBLE, ids=lambda op: op.name)


# ---------------------------------------------------------------- derivatives


@rows
def test_formula_and_derivatives_of_both_orders(op: Op) -> None:
    assert [str(f) for f in check.check_row(op)] == []


@pytest.mark.slow
@rows
def test_derivatives_at_two_hundred_more_places(op: Op) -> None:
    for seed in range(1, 201):
        assert [str(f) for f in check.check_row(op, np.random.default_rng(seed))] == []


def test_every_row_with_a_derivative_has_cases() -> None:
    """A row without cases would pass every check unseen."""
    assert [op.name for op in DIFFERENTIABLE if not check.cases_of(op)] == []


def test_rows_that_could_be_analytic_are_marked() -> None:
    """Else the sharpest of the checks is left out where it could be had."""
    unmarked = [op for op in VISIBLE if op in DIFFERENTIABLE and not op.analytic]
    could_be = []
    for op in unmarked:
        marked = replace(op, analytic=True)
        if not any("complex" in str(failure) for failure in check.failures_of(marked)):
            could_be.append(op.name)
    assert could_be == []


@rows
def test_indices_repeat_in_a_case(op: Op) -> None:
    """A row that reads indices has a case in which one comes twice: both terms must reach it."""
    repeats = []
    for case in op.cases:
        given = [np.asarray(v) for v in case.values.values()]
        indices = [v for v in given if v.dtype.kind == "i" and v.size > 1]
        repeats += [v.size > np.unique(v).size for v in indices]
    assert any(repeats) or not repeats


IDENTITIES = {"sum": 0.0, "prod": 1.0, "mean": np.nan, "l1": 0.0, "l2": 0.0, "norm": 0.0}
REFUSED = ("max", "min", "logsumexp")


@pytest.mark.parametrize("name", [*IDENTITIES, *REFUSED])
def test_no_entries_give_the_identity_or_a_refusal(name: str) -> None:
    op, case = ops.TABLE[name], Case(((0,),))
    if name in REFUSED:
        with pytest.raises(ShapeError, match="no entries"):
            computed(op, case, [np.zeros(0)])
    else:
        np.testing.assert_equal(computed(op, case, [np.zeros(0)]), np.asarray(IDENTITIES[name]))


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_one_value_at_both_operands_of_a_product(shape: tuple[int, ...]) -> None:
    expansion = Expansion()
    expansion.source("x", SOURCE, np.random.default_rng(0).uniform(-1, 1, shape))
    other = expansion.append(ops.TABLE["T"], ("x",)) if len(shape) == 2 else "x"
    output = expansion.add("y", ops.TABLE["matmul"], ("x", other), {})
    found = list(
        check.check_orders("matmul", expansion, output, ["x"], "x @ x", np.random.default_rng(0))
    )
    assert found == []


# ---------------------------------------------------------------- what a row says of itself


@rows
def test_doc_is_a_sentence(op: Op) -> None:
    assert op.doc.endswith(".")
    assert op.doc[0].isupper() or op.doc[0].isdigit() or op.doc[0] in "-e"
    assert len(op.doc) < 140


def test_names_labels_and_spellings_are_unique() -> None:
    labels = [op.label or op.name for op in VISIBLE]
    assert len(set(labels)) == len(labels)
    assert all(labels)
    spelled = [
        (s, -1 if op.variadic else len(op.inputs)) for op in ROWS for s in {op.name, op.symbol} if s
    ]
    assert len(set(spelled)) == len(spelled)


@rows
def test_ports_do_not_collide_with_the_words_of_derivatives(op: Op) -> None:
    reserved = {"g", "y", "i", "inputs", "rest", "exchanged"}
    assert not reserved & {*op.inputs, *op.option_names}
    assert len({*op.inputs, *op.option_names}) == len(op.inputs) + len(op.options)


@rows
def test_derivatives_use_known_names_only(op: Op) -> None:
    assert set(op.derivative) == set(op.inputs)
    known = {
        *op.inputs, *op.option_names, *op.statics, "g", "y", "i", "inputs", "rest", "exchanged",
    }  # fmt: skip
    for tree in op.derivative_trees.values():
        assert tree is None or set(names(tree)) <= known


@rows
def test_elementwise_derivatives_have_the_form_upstream_times_local(op: Op) -> None:
    trees = [t for t in op.derivative_trees.values() if t is not None]
    forms = [local_of(tree) for tree in trees]
    if op.elementwise:
        assert None not in forms
        assert not any("g" in names(local) for local in forms if local is not None)


def braces_balance(latex: str) -> bool:
    depth = 0
    for character in latex.replace(r"\{", "").replace(r"\}", ""):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right")


@rows
def test_latex_is_whole(op: Op) -> None:
    """Balanced, with every operand in it, and nothing raised twice: `e^{x}^{2}` is an error."""
    converter = pytest.importorskip("latex2mathml.converter", reason="comes with the program")
    tree = substitute(op.formula_tree, {}) if op.hidden else None
    operands = tuple(Name(n) for n in op.ports())
    call = ops_call(op, operands)
    for shown in filter(None, (tree, call, ops_call(ops.TABLE["square"], (call,)))):
        latex = to_latex(shown, ops.latex_template)
        assert braces_balance(latex)
        assert converter.convert(latex)
    if op.latex:
        for i in range(len(op.inputs) if not op.variadic else 0):
            # operands that are read for their shape alone may stay out of the picture
            assert f"<{i}" in op.latex or op.inputs[i] in op.shape_only


def ops_call(op: Op, operands):
    from engine.expression import Call

    options = tuple((o.name, "0" if o.kind == "text" else (2,)) for o in op.options if o.required)
    return Call(op.symbol or op.name, operands, options)


def test_a_brace_missing_is_seen() -> None:
    """The defect `braces_balance` is there for."""
    assert not braces_balance(r"\frac{x}{y")
    assert not braces_balance(r"\left(x")


@rows
def test_options_have_docs_and_sound_defaults(op: Op) -> None:
    for option in op.options:
        assert option.doc.endswith(".")
        assert option.required or not option.choices or option.default in option.choices


# ---------------------------------------------------------------- number formats


def first_values(op: Op, case: Case) -> list[np.ndarray]:
    return check.operands(op, case, np.random.default_rng(7))


def computed(op: Op, case: Case, values: list[np.ndarray], dtype: type = np.float64) -> np.ndarray:
    expansion = Expansion(dtype)
    refs = [
        expansion.source(f"x{i}", SOURCE, v.astype(dtype) if v.dtype.kind == "f" else v)
        for i, v in enumerate(values)
    ]
    plan = Plan(expansion, [expansion.add("y", op, tuple(refs), {**op.defaults(), **case.options})])
    plan.run()
    return plan.value("y")


@rows
def test_float32_agrees_with_float64(op: Op) -> None:
    for case in check.cases_of(op):
        values = [
            v.astype(np.float32).astype(np.float64) if v.dtype.kind == "f" else v
            for v in first_values(op, case)
        ]
        double, single = computed(op, case, values), computed(op, case, values, np.float32)
        assert single.dtype == (np.float32 if double.dtype == np.float64 else double.dtype)
        scale = max(1.0, float(np.max(np.abs(double), initial=0)))
        np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6 * scale)


@visible
def test_truth_values_and_whole_numbers_count_as_floats(op: Op) -> None:
    """NumPy alone takes `exp` of truth values in half precision and refuses to negate them."""
    for case in check.cases_of(op):
        values = first_values(op, case)
        if case.values:
            continue
        for kind in (np.bool_, np.int64):
            given = [np.round(v).astype(kind) for v in values]
            got = computed(op, case, given)
            expected = computed(op, case, [g.astype(np.float64) for g in given])
            np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


SPECIAL = (
    0.0, -0.0, 1e-320, 1e-300, -1e-300, 1e-8, -1e-8, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 30.0, -30.0,
    700.0, -700.0, 710.0, -710.0, 1e300, -1e300, np.inf, -np.inf, np.nan,
)  # fmt: skip


@pytest.mark.parametrize(
    "op", [o for o in VISIBLE if o.elementwise and o.scalar], ids=lambda op: op.name
)
def test_floats_and_arrays_agree(op: Op) -> None:
    """`math` raises where IEEE arithmetic has an answer: the plan must give that answer."""
    grid = np.meshgrid(*[np.array(SPECIAL)] * len(op.inputs), indexing="ij")
    values = [g.ravel() for g in grid]
    extra = np.random.default_rng(1).uniform(-5, 5, (len(values), 200))
    values = [np.concatenate([v, e]) for v, e in zip(values, extra, strict=True)]
    arrays = computed(op, Case(()), values)
    expansion = Expansion()
    refs = [expansion.source(f"x{i}", SOURCE, np.zeros(())) for i in range(len(values))]
    plan = Plan(expansion, [expansion.add("y", op, tuple(refs), op.defaults())])
    assert plan.is_scalar or expansion.spec("y").kind == "int"
    singles = np.empty(len(arrays))
    for k, point in enumerate(zip(*values, strict=True)):
        for ref, value in zip(refs, point, strict=True):
            plan.set(ref, value)
        plan.run()
        singles[k] = plan.number("y")
    np.testing.assert_allclose(singles, arrays, rtol=1e-14, atol=1e-307)

"""What people type, and what they find first: names, signs, aliases, categories, typing errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from app import matching, usage
from app.drawers import drawers
from app.matching import Rank, Words, hit, match, ranked, words_of
from engine import ops
from engine.compose import compose

ROWS = [op for rows in drawers({}).values() for op in rows]
WEIGHTS = usage.Usage({}).operators()

TABLE = {
    # names, whole and begun
    "sin": "sin", "relu": "relu", "softmax": "softmax", "layer norm": "layer_norm", "T": "T",
    "soft-max": "softmax", "batchnorm": "batch_norm", "Max": "max", "tan": "tan", "rel": "relu",
    "sigm": "sigmoid", "conv2": "conv2d", "log_so": "log_softmax", "dropo": "dropout", "emb": "embedding",
    # signs
    "*": "mul", "@": "matmul", "+": "add", "-": "sub", "/": "div", "^": "pow", "**": "pow", "%": "mod",
    "<": "lt", ">=": "ge", "≤": "le", "!=": "ne", "×": "mul", "÷": "div", "√": "sqrt", "Σ": "sum",
    "x²": "square", "1/x": "reciprocal", "|x|": "abs", "[]": "index",
    # other spellings and aliases
    "sum": "sum", "ln": "log", "dot": "matmul", "transpose": "T", "swish": "silu", "cat": "concat",
    "cross_entropy": "softmax_cross_entropy", "cross entropy": "softmax_cross_entropy",
    "xent": "softmax_cross_entropy", "fc": "Dense", "linear": "Dense", "dense": "Dense",
    "fully connected": "Dense", "lrelu": "leaky_relu", "leaky": "leaky_relu", "times": "mul",
    "average": "mean", "weight": "parameter", "bias": "parameter", "logistic": "sigmoid",
    "log loss": "bce", "lstm": "LSTM", "resnet": "ResidualBlock", "bn": "batch_norm", "ravel": "flatten",
    "noise": "gaussian_noise",
    # words of a name, parts of one
    "pool": "max_pool2d", "entropy": "softmax_cross_entropy", "transformer": "TransformerBlock",
    # one wrong letter
    "sgimoid": "sigmoid", "softmx": "softmax", "matmlu": "matmul", "droput": "dropout",
    "trnaspose": "T", "atention": "attention", "plsu": "add", "relju": "relu", "convv2d": "conv2d",
    # what it is for
    "probabilities": "softmax", "mean-squared_error": "mse",
}  # fmt: skip


def first(query: str) -> str:
    found = ranked(query, ROWS, words_of, lambda op: WEIGHTS[op.name])
    return found[0][0].name if found else ""


def wrong() -> dict[str, str]:
    return {query: first(query) for query, name in TABLE.items() if first(query) != name}


def test_what_is_typed_finds_what_is_meant() -> None:
    assert len(TABLE) >= 60
    assert wrong() == {}


@pytest.mark.parametrize(
    ("what", "defect"),
    [
        ("_one_wrong", lambda typed, word: False),
        ("plain", lambda text: text.casefold()),
        ("_rank", lambda wanted, words: (Rank.NOT, "")),
        ("words_of", lambda op: Words(matching.label_of(op), (op.name,))),
    ],
)
def test_planted_defects_are_caught(
    what: str, defect: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, what, defect)
    monkeypatch.setitem(globals(), what, defect)
    assert wrong() != {}


@pytest.mark.parametrize(
    ("query", "category"),
    [("activation", "Activations"), ("reductions", "Reductions"), ("losses", "Losses"),
     ("metr", "Metrics"), ("arithmetic", "Arithmetic")],
)  # fmt: skip
def test_a_category_lists_its_own(query: str, category: str) -> None:
    found = {op.name for op, _ in ranked(query, ROWS, words_of)}
    assert {op.name for op in ops.DRAWERS[category]} <= found


def test_a_name_comes_before_a_category() -> None:
    found = [(op.name, h.rank) for op, h in ranked("shape", ROWS, words_of)]
    assert found[0][0] == "reshape"
    ranks = [rank for _, rank in found]
    assert Rank.CATEGORY in ranks and ranks == sorted(ranks, reverse=True)


def test_scattered_letters_count_only_where_nothing_fits() -> None:
    assert {h.rank for _, h in ranked("max", ROWS, words_of)}.isdisjoint(
        (Rank.LETTERS, Rank.TYPO, Rank.ALIAS_TYPO)
    )
    assert first("sce") == "softmax_cross_entropy"
    assert ranked("qqq", ROWS, words_of) == []


def test_what_is_used_more_comes_first_among_equals() -> None:
    weights: Counter[str] = Counter(softsign=9)

    def names(query: str) -> list[str]:
        return [op.name for op, _ in ranked(query, ROWS, words_of, lambda op: weights[op.name])]

    assert names("soft")[0] == "softsign"
    assert names("softmax")[0] == "softmax", "but not before one that fits better"
    assert names("")[0] == "softsign", "and without a search"


@pytest.mark.parametrize(
    ("query", "title", "marked"),
    [("mul", "× multiply", "mul"), ("norm", "layer norm", "norm"), ("softmx", "softmax", "softmx"),
     ("zi", "Zoom in", "Zi"), ("LAY", "layer norm", "lay"), ("fc", "Dense", "")],
)  # fmt: skip
def test_the_letters_that_fit_are_known(query: str, title: str, marked: str) -> None:
    found = hit(query, Words(title, aliases=("fc",)))
    assert found is not None
    assert "".join(title[i] for i in found.letters) == marked
    assert found.alias == ("fc" if query == "fc" else "")


def test_a_documents_own_are_found() -> None:
    own = drawers({"Mine": compose("y = tanh(x) * 2", default=1.0)})
    rows = [op for found in own.values() for op in found]
    assert ranked("mine", rows, words_of)[0][0].name == "Mine"


def test_letters_in_another_order_do_not_match() -> None:
    assert match("odnu", "Undo") is None


# ------------------------------------------------------------------------- what is connected


def test_the_shipped_documents_are_counted() -> None:
    counts = usage.Usage({})
    assert counts.readers("matmul").most_common(1)[0][0] == "add"
    assert counts.ports("parameter", "matmul").most_common(1)[0][0] == "b"
    assert counts.sources("matmul", "a").most_common(1)[0][0] != "parameter"


def test_the_persons_own_counts_come_first_in_time() -> None:
    own: dict[usage.Pair, int] = {}
    for _ in range(20):
        own = usage.learned(own, ("matmul", "cos", "x"))
    assert usage.Usage(own).readers("matmul").most_common(1)[0][0] == "cos"


def test_habits_are_capped_and_fade() -> None:
    own: dict[usage.Pair, int] = {}
    for number in range(usage.MOST_PAIRS + 30):
        own = usage.learned(own, (f"a{number}", "b", "x"))
    assert len(own) == usage.MOST_PAIRS and (f"a{number}", "b", "x") in own
    for _ in range(usage.MOST_TIMES + 5):
        own = usage.learned(own, ("sin", "cos", "x"))
    assert own["sin", "cos", "x"] < usage.MOST_TIMES


def test_only_public_names_are_learned() -> None:
    assert usage.is_public(("sin", "Dense", "x"))
    assert not usage.is_public(("secret_project", "sin", "x"))

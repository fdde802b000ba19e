"""Formula text to tree and back; safe by construction.

The language is a whitelist over Python's own grammar: text is parsed by `ast` and every node that is
not on the list is refused with a sentence. Nothing is ever evaluated or executed here. `^` is
written `**` before parsing, so it binds as a power does.

A tree is made of `Number`, `Name` and `Call`. Operators are calls whose name is their spelling
(`+`, `@`, `>`, `-` with one argument), indexing is the call `[]` with the option `at`, in which `#`
stands for each further operand in turn.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

MAX_LENGTH = 200_000
MAX_NODES = 50_000
MAX_NESTING = 60
MAX_REMEMBERED = 10_000

Static = None | bool | int | float | str | tuple[Any, ...]
"""What an option may hold. Inside a row's derivative a `Name` may stand for one (`axis=axis`)."""


class ExpressionError(ValueError):
    """The text is not in the formula language; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    id: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: tuple[Tree, ...]
    options: tuple[tuple[str, Static | Name], ...] = ()


Tree = Number | Name | Call
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Statement:
    """`target = tree`, or a bare `tree` when target is None. `a += b` arrives as `a = a + b`."""

    target: str | None
    tree: Tree


_BINARY: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=",
    ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
PRECEDENCE = {
    ">": 1, ">=": 1, "<": 1, "<=": 1, "==": 1, "!=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "%": 3, "@": 3,
    "minus": 4, "**": 5, "atom": 6,
}  # fmt: skip
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot after a name has no meaning here",
    ast.Lambda: "functions cannot be defined in a formula",
    ast.BoolOp: "'and' and 'or' are not in the language; multiply conditions instead",
    ast.IfExp: "write where(condition, a, b) instead of 'if'",
    ast.FloorDiv: "'//' is not in the language; write floor(a / b)",
    ast.BitOr: "'|' is not in the language",
    ast.BitAnd: "'&' is not in the language; multiply conditions instead",
    ast.Starred: "'*' before an argument has no meaning here",
    ast.List: "a list is not in the language; give arrays as values of an input",
}


def parse(text: str) -> list[Statement]:
    """The statements of a program; separated by new lines or `;`.

    Raises ExpressionError with a sentence naming the line and what is wrong.
    """
    body = _python(text)
    statements = []
    for line in body:
        where = f"line {line.lineno}: "
        if isinstance(line, ast.Expr):
            statements.append(Statement(None, _tree(line.value, where)))
        elif isinstance(line, ast.Assign):
            if len(line.targets) != 1:
                raise ExpressionError(f"{where}assign one name at a time")
            statements.append(Statement(_target(line.targets[0], where), _tree(line.value, where)))
        elif isinstance(line, ast.AugAssign):
            name = _target(line.target, where)
            symbol = _BINARY.get(type(line.op))
            if symbol is None:
                raise ExpressionError(where + _refusal(line.op))
            tree = Call(symbol, (Name(name), _tree(line.value, where)))
            statements.append(Statement(name, tree))
        else:
            kind = type(line).__name__.lower()
            raise ExpressionError(
                f"{where}'{kind}' is not in the formula language; write name = formula"
            )
    if not statements:
        raise ExpressionError("the formula is empty; type one such as sin(x^2)")
    return statements


def parse_expression(text: str) -> Tree:
    """One formula without a name. Raises ExpressionError."""
    statements = parse(text)
    if len(statements) != 1 or statements[0].target is not None:
        raise ExpressionError("one formula without '=' is expected here")
    return statements[0].tree


def _python(text: str) -> list[ast.stmt]:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the formula is longer than {MAX_LENGTH:,} characters; split it")
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        raise ExpressionError(f"brackets are nested deeper than {MAX_NESTING}; name a part first")
    source = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"|\^", lambda m: "**" if m[0] == "^" else m[0], text)
    source = source.replace("−", "-").replace("·", "*").replace("×", "*")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse("\n".join(part.strip() for part in source.splitlines())).body
    except SyntaxError as error:
        raise ExpressionError(_syntax_message(source, error)) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the formula is too deep; split it into several lines") from None
    except ValueError:
        raise ExpressionError("the formula holds characters that are not text") from None
    count = 0
    for line in body:
        for _ in _walk_ast(line):
            count += 1
            if count > 4 * MAX_NODES:
                raise ExpressionError(f"the formula has more than {MAX_NODES:,} parts; split it")
    return body


def _syntax_message(source: str, error: SyntaxError) -> str:
    line = source.splitlines()[error.lineno - 1] if error.lineno and source.strip() else source
    if re.search(r"(?<![\w.])\d+\.?\d*[A-Za-z_(]", line) and not re.search(r"\d[eE][-+\d]", line):
        return f"line {error.lineno}: write the product out, as in 3*x: {line.strip()!r}"
    if "was never closed" in (error.msg or "") or "unmatched" in (error.msg or ""):
        typed = line.strip().replace("**", "^")
        return f"line {error.lineno}: a bracket is open or too many: {typed!r}"
    column = (error.offset or 1) - 1
    near = line[max(column - 1, 0) : column + 12].strip().replace("**", "^")
    return f"line {error.lineno or 1}: cannot read the formula near {near!r}"


def _walk_ast(node: ast.AST) -> Iterator[ast.AST]:
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(ast.iter_child_nodes(top))


def _refusal(node: ast.AST) -> str:
    return _REFUSED.get(type(node), f"'{type(node).__name__.lower()}' is not in the language")


def _target(node: ast.expr, where: str) -> str:
    if not isinstance(node, ast.Name):
        raise ExpressionError(f"{where}only a plain name may stand left of '='")
    return _name(node.id, where)


def _name(name: str, where: str) -> str:
    if name.startswith("__"):
        raise ExpressionError(f"{where}names may not begin with two underscores")
    return name


def _tree(root: ast.expr, where: str) -> Tree:
    """Post-order over the syntax tree with a stack of our own: a sum of 2,000 terms is deep."""
    done: list[Tree] = []
    work: list[tuple[ast.expr, bool]] = [(root, False)]
    while work:
        node, visited = work.pop()
        if not visited:
            work.append((node, True))
            work.extend((child, False) for child in reversed(_operands(node, where)))
            continue
        count = len(_operands(node, where))
        args = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        done.append(_combine(node, args, where))
    return done[0]


def _operands(node: ast.expr, where: str) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Compare):
        if len(node.ops) != 1:
            raise ExpressionError(f"{where}compare two values at a time")
        return [node.left, node.comparators[0]]
    if isinstance(node, ast.Call):
        return [a for a in node.args if not _is_static(a)]
    if isinstance(node, ast.Subscript):
        return [node.value, *(p for p in _index_parts(node) if _is_value(p))]
    return []


def _is_static(node: ast.expr) -> bool:
    """Tuples, strings, booleans and None can only be options, wherever they stand in a call."""
    return isinstance(node, ast.Tuple) or (
        isinstance(node, ast.Constant)
        and (isinstance(node.value, bool | str) or node.value is None)
    )


def _combine(node: ast.expr, args: tuple[Tree, ...], where: str) -> Tree:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ExpressionError(f"{where}{node.value!r} is not a number")
        return Number(_finite(node.value, where))
    if isinstance(node, ast.Name):
        return Name(_name(node.id, where))
    if isinstance(node, ast.BinOp):
        symbol = _BINARY.get(type(node.op))
        if symbol is None:
            raise ExpressionError(where + _refusal(node.op))
        return Call(symbol, args)
    if isinstance(node, ast.Compare):
        symbol = _BINARY.get(type(node.ops[0]))
        if symbol is None:
            raise ExpressionError(where + _refusal(node.ops[0]))
        return Call(symbol, args)
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.UAdd):
            return args[0]
        if not isinstance(node.op, ast.USub):
            raise ExpressionError(f"{where}'not' and '~' are not in the language")
        return Number(-args[0].value) if isinstance(args[0], Number) else Call("-", args)
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(f"{where}only a named operator can be called, as in sin(x)")
        extra = tuple(("", _static(a, where)) for a in node.args if _is_static(a))
        named = tuple((k.arg or "", _static(k.value, where)) for k in node.keywords)
        if any(not key for key, _ in named):
            raise ExpressionError(f"{where}'**' before an argument has no meaning here")
        return Call(_name(node.func.id, where), args, extra + named)
    if isinstance(node, ast.Subscript):
        return Call("[]", args, (("at", _index(node, where)),))
    raise ExpressionError(where + _refusal(node))


def _finite(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ExpressionError(f"{where}a number is too large; the largest is about 1.8e308")
    return number


def _static(node: ast.expr, where: str) -> Static | Name:
    if isinstance(node, ast.Constant) and (
        node.value is None or isinstance(node.value, bool | int | float | str)
    ):
        if isinstance(node.value, int | float):
            _finite(node.value, where)
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _static(node.operand, where)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(node, ast.Tuple):
        return tuple(_static(item, where) for item in node.elts)
    if isinstance(node, ast.Name):
        return math.inf if node.id == "inf" else Name(_name(node.id, where))
    raise ExpressionError(f"{where}an option is a number, a tuple, a text, True, False or None")


def _index_parts(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _is_value(part: ast.expr) -> bool:
    """A part of an index that is computed, as in x[k] and x[x > 0]; the others are written out."""
    if isinstance(part, ast.UnaryOp):
        return not isinstance(part.operand, ast.Constant)
    return isinstance(part, ast.Name | ast.Call | ast.Compare | ast.BinOp | ast.Subscript)


def _index(node: ast.Subscript, where: str) -> str:
    parts = _index_parts(node)
    if not parts:
        raise ExpressionError(f"{where}an index is empty; write one such as x[0]")
    texts = []
    for part in parts:
        if isinstance(part, ast.Slice):
            bounds = [part.lower, part.upper] + ([part.step] if part.step else [])
            texts.append(":".join("" if b is None else str(_whole(b, where)) for b in bounds))
        elif isinstance(part, ast.Constant) and (part.value is ... or part.value is None):
            texts.append("..." if part.value is ... else "None")
        elif _is_value(part):
            texts.append("#")
        else:
            texts.append(str(_whole(part, where)))
    return ", ".join(texts)


def _whole(node: ast.expr, where: str) -> int:
    value = _static(node, where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError(f"{where}an index is a whole number, a range such as 1:3, or a value")
    return value


# ---------------------------------------------------------------- walking


def post_order(root: Tree) -> Iterator[Tree]:
    """Every part of a tree after its operands, without recursion."""
    work: list[tuple[Tree, bool]] = [(root, False)]
    while work:
        tree, visited = work.pop()
        if visited or not isinstance(tree, Call):
            yield tree
            continue
        work.append((tree, True))
        work.extend((child, False) for child in reversed(tree.args))


def fold(root: Tree, combine: Callable[[Tree, tuple[Result, ...]], Result]) -> Result:
    """Computes a value bottom-up: `combine(part, values of its operands)`."""
    done: list[Result] = []
    for tree in post_order(root):
        count = len(tree.args) if isinstance(tree, Call) else 0
        args = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        done.append(combine(tree, args))
    return done[0]


def per_tree(function: Callable[[Tree], Result]) -> Callable[[Tree], Result]:
    """Remembers what a function makes of a tree that lives long (a row's), by its identity."""
    known: dict[int, tuple[Tree, Result]] = {}

    def remembered(tree: Tree) -> Result:
        found = known.get(id(tree))
        if found is None:
            if len(known) > MAX_REMEMBERED:
                known.clear()
            found = known[id(tree)] = (tree, function(tree))  # holding the tree keeps its id
        return found[1]

    return remembered


def names(root: Tree) -> list[str]:
    """The names a tree reads, in order of first appearance."""
    return list(dict.fromkeys(part.id for part in post_order(root) if isinstance(part, Name)))


def substitute(root: Tree, replacements: Mapping[str, Tree]) -> Tree:
    """The tree with names replaced."""

    def combine(part: Tree, args: tuple[Tree, ...]) -> Tree:
        if isinstance(part, Name):
            return replacements.get(part.id, part)
        return Call(part.name, args, part.options) if isinstance(part, Call) else part

    return fold(root, combine)


# ---------------------------------------------------------------- printing


def number_text(value: float) -> str:
    """Shortest text that reads back as the same float; whole numbers without a point."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") and text != "-0.0" else text


def to_text(root: Tree) -> str:
    """Formula text that parses back to the same tree."""

    def combine(part: Tree, args: tuple[tuple[str, int], ...]) -> tuple[str, int]:
        if isinstance(part, Number):
            text = number_text(part.value)
            return text, PRECEDENCE["minus" if text.startswith("-") else "atom"]
        if isinstance(part, Name):
            return part.id, PRECEDENCE["atom"]
        if part.name == "[]":
            at = filled(str(dict(part.options)["at"]), [text for text, _ in args[1:]])
            return f"{wrap(args[0], 6)}[{at}]", PRECEDENCE["atom"]
        if part.name == "-" and len(args) == 1:
            return f"-{wrap(args[0], 4)}", PRECEDENCE["minus"]
        if part.name in PRECEDENCE and len(args) == 2:
            own = PRECEDENCE[part.name]
            right_first = part.name == "**"
            left = wrap(args[0], own + (right_first or own == PRECEDENCE["=="]))
            right = wrap(args[1], own - right_first if right_first else own + 1)
            if right.startswith("-") and not right_first:
                right = f"({right})"
            return f"{left}^{right}" if right_first else f"{left} {part.name} {right}", own
        options = [f"{key}={static_text(value)}" for key, value in part.options]
        return f"{part.name}({', '.join([a for a, _ in args] + options)})", PRECEDENCE["atom"]

    return fold(root, combine)[0]


def static_text(value: Static | Name) -> str:
    """An option's value as it is written in a call."""
    if isinstance(value, Name):
        return value.id
    if isinstance(value, tuple):
        inner = ", ".join(static_text(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def filled(at: str, values: Iterable[str]) -> str:
    """The text of an index with the texts of values in the places marked `#`."""
    rest = iter(values)
    return "".join(next(rest, "?") if c == "#" else c for c in at)


def wrap(item: tuple[str, float], least: float, pair: tuple[str, str] = ("(", ")")) -> str:
    return item[0] if item[1] >= least else f"{pair[0]}{item[0]}{pair[1]}"

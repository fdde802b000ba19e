"""The line of a micro-step as parts: symbols, the number under each, and what it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct

from engine import ops
from engine.differentiate import Contribution
from engine.expansion import Flat, Ref
from engine.expression import Call, Name, Number, Tree, fold, substitute
from engine.ops.row import Array, local_of
from engine.shapes import shape_text
from engine.wording import DIGITS, GRADIENT, MARK, Telling, call_tree, latex_short, short, simplify


class Origin(Struct, frozen=True, gc=False):
    """What a part refers to: a step's value or gradient, or the wire that enters it at `port`."""

    kind: Literal["value", "gradient", "wire"]
    node: str
    port: str = ""


class Part(Struct, frozen=True, gc=False):
    """A piece of a line: its symbols, and its number (of a tensor: its shape) below them.

    A sign between two factors has no origin and repeats in the numbers; a result has no symbols.
    `exact` is a number with all its digits.
    """

    latex: str
    text: str
    number: str = ""
    number_latex: str = ""
    origins: tuple[Origin, ...] = ()
    exact: str = ""


@dataclass(frozen=True)
class Line:
    """The parts of a line; `in_shapes` when they show shapes and not numbers."""

    parts: tuple[Part, ...]
    in_shapes: bool = False

    @property
    def symbols(self) -> str:
        return "".join(p.latex for p in self.parts)

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.parts)

    @property
    def numbers(self) -> str:
        if self.in_shapes:
            return _latex_shapes(self.numbers_text)
        return "".join(p.number_latex for p in self.parts)

    @property
    def numbers_text(self) -> str:
        if not self.in_shapes:
            return "".join(p.number for p in self.parts)
        said = dict.fromkeys(_told(p) for p in self.parts[2:] if p.origins and p.text)
        return f"{', '.join(said)} → {self.parts[-1].number}"


def _told(part: Part) -> str:
    """An operand in a line of shapes."""
    if part.number.startswith("["):
        return f"{part.text} {part.number}"
    return part.number if "[" in part.number else f"{part.text} = {part.number}"


@dataclass(frozen=True)
class Leaf:
    """A name in a formula: its value, and what it refers to."""

    value: Array | None
    origins: tuple[Origin, ...]

    @property
    def number(self) -> str:
        return "" if self.value is None else result_text(self.value)


# ---------------------------------------------------------------- lines


def seed_line(telling: Telling, node_id: str) -> Line:
    """`∂J/∂J = 1`."""
    tree = Name(GRADIENT + telling.name(node_id))
    origin = Origin("gradient", node_id)
    head = Part(telling.latex(tree), telling.text(tree), origins=(origin,))
    return Line((head, Part(" = ", " = "), Part("1", "1", "1", "1", (origin,))))


def forward_line(telling: Telling, node_id: str, value: Array) -> Line:
    """The node's formula, and the numbers or shapes that it was computed from."""
    name, flat = telling.name(node_id), telling.expansion.nodes[node_id]
    args = [Name(telling.name(a)) if isinstance(a, str) else Number(a) for a in flat.args]
    tree = call_tree(flat.op, tuple(args), flat.options)
    leaves = _operand_leaves(telling, flat)
    in_shapes = bool(value.ndim or any(telling.expansion.spec(a).shape for a in flat.args))
    origin = Origin("value", node_id)
    head = Part(telling.latex(Name(name)), name, origins=(origin,))
    body = parted(telling, tree, leaves, in_shapes)
    return Line((head, Part(" = ", " = "), *body, *_result(value, in_shapes, origin)), in_shapes)


def backward_line(telling: Telling, term: Contribution, value: Array, exact: bool = False) -> Line:
    """`∂J/∂t += ∂J/∂u · local`, and the numbers or shapes of it; `exact` as in `term_tree`."""
    flat = telling.expansion.nodes[term.node]
    origin = Origin("gradient", term.target)
    target = Name(GRADIENT + telling.name(term.target))
    head = Part(telling.latex(target), telling.text(target), origins=(origin,))
    upstream = telling.read(term.upstream)
    local = telling.read(term.local) if term.local is not None else None
    tree = term_tree(telling, term, exact)
    in_shapes = any(a.ndim for a in (value, upstream, local) if a is not None)
    in_shapes = in_shapes or any(telling.expansion.spec(a).shape for a in flat.args)
    if not in_shapes and local is not None and upstream is not None:
        body = _factors(telling, term, tree, upstream, local)
    else:
        leaves = _operand_leaves(telling, flat)
        leaves[telling.name(term.node)] = Leaf(
            telling.read(term.node), (Origin("value", term.node),)
        )
        gradient = (Origin("gradient", term.node),)
        leaves[GRADIENT + telling.name(term.node)] = Leaf(upstream, gradient)
        body = parted(telling, tree, leaves, in_shapes)
    plus = Part(r" \mathrel{+}= ", " += ")
    return Line((head, plus, *body, *_result(value, in_shapes, origin)), in_shapes)


def term_part(telling: Telling, term: Contribution, at: tuple[int, ...] | None = None) -> Part:
    """One term of a sum: its symbols, and its number below, of a tensor that at an entry if told."""
    tree, value = term_tree(telling, term), telling.read(term.value)
    if value is not None and at:
        value = np.broadcast_to(value, telling.expansion.spec(term.target).shape)[at]
    number = "" if value is None else result_text(value)
    wire = Origin("wire", term.node, term.port)
    return Part(telling.latex(tree), telling.text(tree), number, number, (wire,), exact_text(value))


def term_tree(telling: Telling, term: Contribution, exact: bool = False) -> Tree:
    """The right side of `+=`: upstream times local, or the row's formula where it has no local.

    Numbers that come out of the derivative are as short as all numbers unless they are to be `exact`.
    """
    flat = telling.expansion.nodes[term.node]
    statics = {**flat.options, "i": flat.op.ports(len(flat.args)).index(term.port)}
    row_port = flat.op.inputs[0] if flat.op.variadic else term.port
    tree = flat.op.derivative_trees[row_port]
    assert tree is not None
    names = operand_names(telling, flat)
    upstream = Name(GRADIENT + telling.name(term.node))
    local = local_of(tree) if flat.op.elementwise else None
    if local is not None:
        result: Tree = Call("*", (upstream, simplify(substitute(local, names), statics)))
    else:
        result = simplify(substitute(tree, {**names, "g": upstream}), statics)
    result = result if exact else fold(result, _rounded)
    if _was_summed(telling, term):
        result = Call(ops.SUM_TO.name, (result, Name(telling.name(term.target))))
    return result


def _rounded(part: Tree, args: tuple[Tree, ...]) -> Tree:
    """Numbers that come out of a derivative, as short as all numbers."""
    if isinstance(part, Number) and len(repr(part.value)) > 2 * DIGITS:
        return Number(float(f"{part.value:.{DIGITS}g}"))
    return Call(part.name, args, part.options) if isinstance(part, Call) else part


def exact_text(value: Array | float | None) -> str:
    """A single number with all its digits; empty for a tensor."""
    return "" if value is None or np.ndim(value) else repr(float(value))


def result_text(value: Array) -> str:
    """A number, or a tensor's shape in square brackets."""
    return f"[{shape_text(value.shape)}]" if value.ndim else short(value)


# ---------------------------------------------------------------- parts


def _was_summed(telling: Telling, term: Contribution) -> bool:
    if not isinstance(term.value, str):
        return False
    return telling.expansion.nodes[term.value].op is ops.SUM_TO


def operand_names(telling: Telling, flat: Flat) -> dict[str, Tree]:
    """What the names in a step's formula and in its derivatives are called."""
    names: dict[str, Tree] = {"y": Name(telling.name(flat.id))}
    args: list[Tree] = []
    for port, ref in zip(flat.op.ports(len(flat.args)), flat.args, strict=True):
        names[port] = Name(telling.name(ref)) if isinstance(ref, str) else Number(ref)
        args.append(names[port])
    if flat.op.variadic:
        names["inputs"] = Call("...", tuple(args))
    for option, value in flat.options.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            names.setdefault(option, Number(float(value)))
    return names


def _operand_leaves(telling: Telling, flat: Flat) -> dict[str, Leaf]:
    """The operands by name, each with the wires that bring it."""
    wires: dict[Ref, list[Origin]] = {}
    for port, ref in zip(flat.op.ports(len(flat.args)), flat.args, strict=True):
        wires.setdefault(ref, []).append(Origin("wire", flat.id, port))
    return {
        telling.name(ref): Leaf(telling.read(ref), tuple(origins))
        for ref, origins in wires.items()
        if isinstance(ref, str)
    }


def _factors(
    telling: Telling, term: Contribution, tree: Tree, upstream: Array, local: Array
) -> list[Part]:
    """Upstream times local, each with its number."""
    assert isinstance(tree, Call)
    left, sign, right = telling.latex(tree.args[0]), r" \cdot ", telling.latex(tree)
    words, times = telling.text(tree.args[0]), " * "
    given = latex_short(local)
    return [
        Part(left, words, short(upstream), latex_short(upstream), (Origin("gradient", term.node),)),
        Part(sign, times, times, r" \times "),
        Part(
            right.removeprefix(left + sign),
            telling.text(tree).removeprefix(words + times),
            bracketed(short(local)),
            bracketed(given),
            (Origin("wire", term.node, term.port),),
            exact_text(local),
        ),
    ]


def parted(telling: Telling, tree: Tree, leaves: Mapping[str, Leaf], in_shapes: bool) -> list[Part]:
    """A formula as names and signs where it runs in one row, else in one piece."""
    symbols, words = telling.marked_latex(tree).split(MARK), telling.marked_text(tree).split(MARK)
    names = symbols[1::2]
    scripts = [""] * len(names)
    if in_shapes:  # nothing but a size stands below a name, so what is raised may go with it
        for i, sign in enumerate(symbols[2::2]):
            scripts[i], symbols[2 * i + 2] = _script(sign)
    if names != words[1::2] or not _in_one_row(symbols[::2]):
        return [_one_part(telling, tree, names, leaves, in_shapes)]
    parts: list[Part] = []
    for i, (latex, text) in enumerate(zip(symbols, words, strict=True)):
        if i % 2 == 0:
            if latex or text:
                number = "" if in_shapes else latex.replace(r" \cdot ", r" \times ")
                parts.append(Part(latex, text, "" if in_shapes else text, number))
            continue
        leaf, name = leaves.get(latex, Leaf(None, ())), Name(latex)
        number = leaf.number
        if number.startswith("-") and words[i - 1].rstrip()[-1:] not in ("", "(", ","):
            number = bracketed(number)
        script = scripts[i // 2]
        parts.append(
            Part(
                telling.latex(name) + script, telling.text(name), number, number, leaf.origins,
                exact_text(leaf.value),
            )
        )  # fmt: skip
    return parts


def _script(sign: str) -> tuple[str, str]:
    """What is raised or lowered at the beginning of a piece of LaTeX, and the rest of it."""
    found = re.match(r"[\^_](?:\{(?:[^{}]|\{[^{}]*\})*\}|\w)", sign)
    end = found.end() if found else 0
    return sign[:end], sign[end:]


def _in_one_row(signs: Sequence[str]) -> bool:
    """Whether names between these signs stand on one line: under no root, in no fraction, without a
    superscript of their own."""
    depth = 0
    for i, sign in enumerate(signs):
        if r"\begin" in sign or (i and re.match(r"\s*[_^]", sign)):
            return False
        plain = sign.replace(r"\{", "").replace(r"\}", "")
        depth += plain.count("{") - plain.count("}")
        if depth and i < len(signs) - 1:
            return False
    return True


def _one_part(
    telling: Telling,
    tree: Tree,
    names: Iterable[str],
    leaves: Mapping[str, Leaf],
    in_shapes: bool,
) -> Part:
    found = {n: leaves[n] for n in names if n in leaves}
    origins = tuple(dict.fromkeys(o for leaf in found.values() for o in leaf.origins))
    latex, text = telling.latex(tree), telling.text(tree)
    if in_shapes:
        parts = (Part("", telling.text(Name(n)), leaf.number) for n, leaf in found.items())
        number = ", ".join(map(_told, parts))
        return Part(latex, text, number, number, origins)
    numbers: dict[str, Tree] = {
        n: Number(float(f"{float(leaf.value):.{DIGITS}g}"))
        for n, leaf in found.items()
        if leaf.value is not None
    }
    told = substitute(tree, numbers)
    return Part(latex, text, telling.text(told), telling.latex(told), origins)


def _result(value: Array, in_shapes: bool, origin: Origin) -> tuple[Part, Part]:
    sign, latex = (" → ", r" \to ") if in_shapes else (" = ", " = ")
    number = result_text(value)
    told = number if value.ndim else latex_short(value)
    return Part("", "", sign, latex), Part("", "", number, told, (origin,), exact_text(value))


def bracketed(number: str) -> str:
    """A number beside a sign."""
    return f"({number})" if number.startswith("-") else number


def _latex_shapes(line: str) -> str:
    escaped = line.replace("→", r"} \to \mathrm{").replace("_", r"\_").replace(" ", r"\ ")
    return rf"\mathrm{{{escaped}}}".replace("×", r"{\times}").replace("−", "-")

"""The function of an output and its derivatives as formulas over names: one tree, or several named ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Call, Name, Number, Tree, post_order, substitute, to_text
from engine.latex import latex_name, to_latex
from engine.neat import neat
from engine.wording import Telling, call_tree

Style = Literal["shared", "every", "inputs"]
"""Which steps have a name in a formula: those read more than once, all of them, the sources alone."""

MAX_STEPS, MAX_PARTS, MAX_DEPTH = 1_000, 220, 25
"""How many steps are written out; how long and how deep a formula over the sources alone may be."""
LINE, LINE_DEPTH, WORTH_A_NAME = 36, 8, 3
"""The parts of one line and the calls inside each other in it at most; the parts of what is read
again at least for it to get a name."""

_FLAT = {"+", "-", "*", "/", "@"}


class TooLong(ValueError):
    """The formula is too long to be written out; the message says what to do instead."""


@dataclass(frozen=True)
class Line:
    """`name = tree`; the name as it stands in a program and as LaTeX. `step` is what it is the value
    of, empty for a derivative."""

    name: str
    latex_name: str
    tree: Tree
    step: str = ""


@dataclass(frozen=True)
class ClosedForm:
    """A formula and the named parts it reads, in the order they are computed.

    `symbols` says how names of the trees are written in LaTeX, where not by `latex_name`.
    """

    line: Line
    where: tuple[Line, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Line, ...]:
        """As people read it: the whole first, then what it reads, the nearest first."""
        return (self.line, *reversed(self.where))

    def latex_of(self, line: Line) -> str:
        return f"{line.latex_name} = {to_latex(line.tree, ops.latex_template, self._symbol)}"

    def _symbol(self, name: str) -> str:
        return self.symbols.get(name) or latex_name(name)

    @property
    def latex(self) -> str:
        """The whole as LaTeX, aligned at the equals signs where it has several lines."""
        texts = [self.latex_of(line) for line in self.lines]
        if len(texts) == 1:
            return texts[0]
        rows = [text.replace(" = ", " &= ", 1) for text in texts]
        body = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    @property
    def text(self) -> str:
        """The whole as a program: what is read first stands first."""
        return "\n".join(self.text_of(line) for line in (*self.where, self.line))

    @staticmethod
    def text_of(line: Line) -> str:
        return f"{line.name} = {to_text(line.tree)}"

    @property
    def only_derivatives_use(self) -> bool:
        """Whether it holds a row that a program cannot call (see `Op.hidden`)."""
        calls = (p for line in self.lines for p in post_order(line.tree) if isinstance(p, Call))
        found = (ops.find(call.name, len(call.args)) for call in calls)
        return any(row is not None and row.hidden for row in found)


@dataclass(frozen=True)
class Writing:
    """What formulas are written from: an expansion, and what people call its steps.

    `gradients` names the appended steps that are a node's gradient. `leaves` are steps that a formula
    reads by their name and never looks into, beside the sources.
    """

    expansion: Expansion
    name: Callable[[str], str]
    output: str = ""
    gradients: Mapping[str, str] = field(default_factory=dict)
    leaves: frozenset[str] = frozenset()

    @classmethod
    def of(cls, telling: Telling, leaves: Iterable[str] = ()) -> Writing:
        adjoints = telling.adjoints
        gradients: dict[str, str] = {}
        for node, ref in (adjoints.adjoint if adjoints else {}).items():
            if isinstance(ref, str) and _appended(ref):
                gradients.setdefault(ref, node)  # of equal ones that of the node behind
        return cls(telling.expansion, telling.name, telling.output, gradients, frozenset(leaves))

    # ------------------------------------------------------------ what can be asked

    def function(self, step: str, style: Style = "shared") -> ClosedForm:
        """A step as a function of the sources. Raises TooLong."""
        name = self.name(step)
        head = Line(identifier(name), latex_name(name), Number(0.0), step)
        return self._written(step, style, head)

    def gradient(self, ref: Ref, by: str, style: Style = "shared") -> ClosedForm:
        """d(output)/d(by), which the step or number `ref` of the expansion is. Raises TooLong."""
        return self._written(ref, style, self._gradient_line(by))

    def second(self, ref: Ref, one: str, other: str, style: Style = "shared") -> ClosedForm:
        """The second derivative by two steps, which `ref` is (see `second_order`). Raises TooLong."""
        names = [self.name(one), self.name(other)]
        square = rf"\partial {latex_name(names[0])}^{{2}}"
        below = square if one == other else " ".join(rf"\partial {latex_name(n)}" for n in names)
        latex = rf"\frac{{\partial^{{2}} {latex_name(self.output)}}}{{{below}}}"
        name = f"d2{identifier(self.output)}_" + "".join(f"d{identifier(n)}" for n in names)
        return self._written(ref, style, Line(name, latex, Number(0.0)))

    def _gradient_line(self, by: str) -> Line:
        name, output = self.name(by), self.output
        latex = rf"\frac{{\partial {latex_name(output)}}}{{\partial {latex_name(name)}}}"
        return Line(f"d{identifier(output)}_d{identifier(name)}", latex, Number(0.0))

    # ------------------------------------------------------------ writing

    def _written(self, ref: Ref, style: Style, head: Line) -> ClosedForm:
        if not isinstance(ref, str):
            return ClosedForm(replace(head, tree=Number(ref)))
        steps = self._steps(ref)
        called = _Called(self, steps, head)
        made = _Trees(self, steps, called, style, ref, None)
        uses = made.uses()
        if style == "shared":  # common factors are read once by now, and need no name
            read = {s for s in made.lines if uses.get(called.names[s], 0) > 1}
            made = _Trees(self, steps, called, style, ref, read)
            uses = made.uses()
        lines = {s: tree for s, tree in made.lines.items() if uses.get(called.names[s])}
        counted = called.counted(lines)
        line = replace(head, tree=substitute(made.tree, counted))
        where = tuple(
            Line(
                called.names[s],
                called.latex(s),
                substitute(tree, counted),
                "" if _appended(s) else s,
            )
            for s, tree in lines.items()
        )
        names = {p.id for t in (line, *where) for p in post_order(t.tree) if isinstance(p, Name)}
        return ClosedForm(line, where, {n: s for n, s in called.symbols.items() if n in names})

    def is_leaf(self, flat: Flat, root: str) -> bool:
        return flat.op.is_source or (flat.id in self.leaves and flat.id != root)

    def _steps(self, root: str) -> list[Flat]:
        """The steps that a formula is written from, operands first."""
        found: set[str] = set()
        work = [root]
        while work:
            step = work.pop()
            if step in found:
                continue
            found.add(step)
            flat = self.expansion.nodes[step]
            if not self.is_leaf(flat, root):
                work += [a for a in flat.args if isinstance(a, str)]
            if len(found) > MAX_STEPS:
                raise TooLong(
                    f"it has more than {MAX_STEPS:,} steps, too many to be written out; "
                    "select a node for its own formula"
                )
        return [flat for flat in self.expansion.nodes.values() if flat.id in found]


def second_order(
    expansion: Expansion, output: str, by: Iterable[str]
) -> tuple[Expansion, dict[tuple[str, str], Ref]]:
    """A copy of an expansion with all second derivatives of an output by some of its steps.

    Raises ValueError when the output is not a single number, or a first derivative is none.
    """
    longer, steps = expansion.copied(), list(by)
    first = differentiate(longer, output, steps).adjoint
    found: dict[tuple[str, str], Ref] = {}
    for one in steps:
        ref = first.get(one, 0.0)
        second = differentiate(longer, ref, steps).adjoint if isinstance(ref, str) else {}
        found |= {(one, other): second.get(other, 0.0) for other in steps}
    return longer, found


def identifier(name: str) -> str:
    """A name that a program can read: that of a part of a module has dots."""
    return name.replace(".", "_")


def _appended(step: str) -> bool:
    return step.startswith("~")


class _Called:
    """Names of steps that are different from each other, in programs and in LaTeX."""

    def __init__(self, writing: Writing, steps: list[Flat], head: Line) -> None:
        self.names: dict[str, str] = {}
        self.symbols: dict[str, str] = {}
        self.made_up: dict[str, str] = {}
        taken = {head.name}
        number = 0
        for flat in sorted(steps, key=lambda f: _appended(f.id)):  # given names go first
            if not _appended(flat.id):
                told = writing.name(flat.id)
                wanted, symbol = identifier(told), latex_name(told)
            elif flat.id in writing.gradients:
                line = writing._gradient_line(writing.gradients[flat.id])
                wanted, symbol = line.name, line.latex_name
            else:
                number += 1
                wanted, symbol = f"s{number}", ""
            name, count = wanted, 1
            while name in taken:
                count += 1
                name, symbol = f"{wanted}_{count}", ""
            taken.add(name)
            self.names[flat.id] = name
            if _appended(flat.id) and flat.id not in writing.gradients:
                self.made_up[flat.id] = name
            self.symbols[name] = symbol or latex_name(name)

    def counted(self, steps: Iterable[str]) -> dict[str, Tree]:
        """Counts the names that were made up anew, over these steps alone: what each became."""
        made = [s for s in steps if s in self.made_up]
        old = [self.names[s] for s in made]
        self.names.update(zip(made, [*self.made_up.values()][: len(made)], strict=True))
        return {was: Name(self.names[s]) for s, was in zip(made, old, strict=True)}

    def latex(self, step: str) -> str:
        return self.symbols[self.names[step]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A tree with how large and how deep in calls it is: trees share parts, so counting again would
    not end."""

    tree: Tree
    size: int = 1
    depth: int = 0


class _Trees:
    """The trees of steps; those that get a line of their own are read by their name."""

    def __init__(
        self,
        writing: Writing,
        steps: list[Flat],
        called: _Called,
        style: Style,
        root: str,
        named: set[str] | None,
    ) -> None:
        self.writing, self.called, self.style, self.root = writing, called, style, root
        self.named = named
        self.lines: dict[str, Tree] = {}
        self.parts: dict[str, _Part] = {}
        self.readers: dict[str, int] = {}
        self.shapes_read: set[str] = set()
        tested = [flat.id for flat in steps if flat.spec.kind == "bool"]
        self.exact = writing.expansion.ancestors(tested)  # in another order they round differently
        for flat in steps:
            if writing.is_leaf(flat, root):
                continue
            only = flat.op.shape_only
            for index, (port, a) in enumerate(
                zip(flat.op.ports(len(flat.args)), flat.args, strict=True)
            ):
                if isinstance(a, str):
                    self.readers[a] = self.readers.get(a, 0) + 1
                    if port in only or ("*" in only and index):
                        self.shapes_read.add(a)
        for flat in steps:
            self._take(flat)
        self.tree = self.parts[root].tree

    def _take(self, flat: Flat) -> None:
        name = Name(self.called.names[flat.id])
        if self.writing.is_leaf(flat, self.root):
            self.parts[flat.id] = _Part(name)
            return
        part = self._part(flat)
        if flat.id != self.root and self._gets_a_line(flat, part):
            self.lines[flat.id], part = part.tree, _Part(name)
        self.parts[flat.id] = part

    def _gets_a_line(self, flat: Flat, part: _Part) -> bool:
        if self.style == "inputs":
            if part.size > MAX_PARTS or part.depth > MAX_DEPTH:
                raise TooLong(
                    f"over the inputs alone it would have more than {MAX_PARTS} parts; "
                    "choose names for what is shared"
                )
            return False
        long = part.size > LINE or part.depth > LINE_DEPTH
        if long or (flat.id in self.shapes_read and part.size > 1):
            return True
        if self.style == "every" and not _appended(flat.id):
            return True
        if self.named is not None:
            return flat.id in self.named
        least = WORTH_A_NAME if not _appended(flat.id) else 2 * WORTH_A_NAME
        return self.readers.get(flat.id, 0) > 1 and part.size >= least

    def _part(self, flat: Flat) -> _Part:
        parts = [self._operand(flat, a) for a in flat.args]
        tree = call_tree(flat.op, tuple(p.tree for p in parts), flat.options)
        if _appended(flat.id) and flat.id not in self.exact and isinstance(tree, Call):
            tree = neat(tree)
        size = 1 + sum(p.size for p in parts)
        depth = (flat.op.symbol not in _FLAT) + max((p.depth for p in parts), default=0)
        return _Part(tree, size, depth)

    def _operand(self, flat: Flat, ref: Ref) -> _Part:
        """An operand's tree; in a product a number spread over the other one's shape is the number."""
        if not isinstance(ref, str):
            return _Part(Number(ref))
        number = self._spread(ref) if flat.op is ops.MUL else None
        if number is not None:
            other = flat.args[1] if flat.args[0] == ref else flat.args[0]
            shape = self.writing.expansion.spec(other).shape
            if shape == flat.spec.shape and self._spread(other) is None:
                return _Part(Number(number))
        return self.parts[ref]

    def _spread(self, ref: Ref) -> float | None:
        """The number that a step repeats in the shape of another one, if it does."""
        flat = self.writing.expansion.nodes[ref] if isinstance(ref, str) else None
        if flat is None or flat.op not in (ops.SPREAD_AS, ops.EXPAND_AS):
            return None
        return flat.args[0] if isinstance(flat.args[0], float) else None

    def uses(self) -> dict[str, int]:
        """How often each name is read by the whole, and by the lines that it needs."""
        found: dict[str, int] = {}
        named = [(self.called.names[step], tree) for step, tree in self.lines.items()]
        for name, tree in (*named, (None, self.tree))[::-1]:
            if name is not None and name not in found:
                continue
            for part in post_order(tree):
                if isinstance(part, Name):
                    found[part.id] = found.get(part.id, 0) + 1
        return found

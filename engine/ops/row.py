"""What a row of the operator table holds.

A row is data. Its derivative is formula text per operand, in which the operands' names, `y` (the
node's own result), `g` (the upstream gradient) and the option names are known. An elementwise row's
derivative has the form `g * local` (or `g`, `-g`), so that the chain-rule line prints from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from engine.expression import Call, Name, Number, Tree, parse_expression, per_tree
from engine.shapes import Options, ShapeRule, Spec

Array = NDArray[Any]
Kernel = Callable[..., Any]
"""`kernel(*operands, out)` writes the result into `out`."""
Binder = Callable[[Options, tuple[Spec, ...]], Kernel]
"""Makes the kernel for given options and operand specs."""

REQUIRED: Any = object()
STATICS = ("key", "clock", "training")
"""What an expansion can settle for a row; nobody sets or sees them."""


class Clock:
    """Where a run stands: what numbers drawn at random follow, beside the node's own key.

    A draw is a function of (seed, key, step) and of nothing else, so a step done again draws the
    same numbers, and another node in the document changes no other's draws.
    """

    def __init__(self, seed: int = 0, step: int = 0) -> None:
        self.seed, self.step = seed, step

    def __repr__(self) -> str:
        return "clock"

    def generator(self, key: int) -> np.random.Generator:
        """Philox (Salmon et al., 2011) keyed by (seed, key), its counter set by the step."""
        source = np.random.Philox(
            key=np.array([self.seed % 2**64, key], np.uint64),
            counter=np.array([0, 0, 0, self.step], np.uint64),
        )
        return np.random.Generator(source)


@dataclass(frozen=True)
class Option:
    """A named setting of a row; `kind` tells the inspector which control to show.

    A formula must say a required one; a node that is placed by hand begins with `start`.
    """

    name: str
    default: Any
    kind: Literal["float", "int", "bool", "axis", "shape", "choice", "text", "count"]
    doc: str
    choices: tuple[str, ...] = ()
    start: Any = None

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True)
class Domain:
    """Where tests draw an operand from: uniform in [low, high], at least `gap` from each kink."""

    low: float = -2.0
    high: float = 2.0
    kinks: tuple[float, ...] = ()
    gap: float = 0.05


@dataclass(frozen=True)
class Case:
    """Operand shapes and options a generated test should use, beside the elementwise ones."""

    shapes: tuple[tuple[int, ...], ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mend:
    """A use of a row that may make a value fit where it is read: what people call it, `{x}` being the
    value, and the options. `cost` orders such uses: the less a value changes, the less it costs."""

    title: str
    cost: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Op:
    """One operator.

    `inputs` are the port names; a variadic row has one name and ports `xs0`, `xs1`, ...
    `derivative` gives a formula per operand, `"0"` (flat almost everywhere) or `"none"` (an index).
    A variadic row's knows `i` (the operand's number), `inputs` (all operands), `rest` (all but the
    first) and `exchanged` (all, with `g` in the place that the option `part` counts).
    `analytic` promises that the formula may be computed in complex numbers near the domain's real ones
    (choices in it look at the real part), so that a complex step gives the slope to the last digits;
    where the formula is the row itself, its kernel takes complex arrays.
    `ties` tells that the row has a kink where its two operands, or two entries of its only one,
    are equal.
    `shape_only` operands are read for their shape alone and need not be kept alive.
    `identity(options, *specs)` gives the index of the operand the result equals, or None.
    `fold(*operands)` may return an operand or a number when the step is unnecessary (x * 1).
    `scalar` is the same on Python floats; in a row with options it is `scalar(options) -> function`.
    `constant(options, *specs)` gives a result that the operands' shapes settle.
    `view(options, specs, array)` gives the result as a view of the first operand's buffer.
    `statics` names what an expansion settles for the row beside its options: `key` and `clock` (for
    numbers drawn at random: the node's own and the run's, see `Clock`) and `training` (1 while
    training, else 0). Formulas, derivatives and kernels read them as they read options.
    `updates` gives formulas for operands that are states of a run (running means): while training,
    a parameter at that port takes the formula's value at the end of each step.
    `definition` is the sub-graph of a module's row; the row itself computes nothing.
    `reads_inside` marks the row that gives another value of a module than its result.
    `is_wire` marks a dot on a wire: it makes no step, readers get what it reads.
    `least` is how many operands a variadic row takes at least.
    `adapts(x, beside)` gives the uses of a row of one operand that may mend a misfit: `x` is the value
    that does not fit, `beside` what is read with it.
    `redraws` names the row that drew the numbers of the step at the second port, which this row draws
    again.
    `reads_masks` tells that the shape depends on how many entries of a truth value hold.
    `flat` says in a word why a slope may be 0 or tiny: `dead` (on the side where it gives 0),
    `saturated` (near a limit), `clipped` (beyond one), `masked` (the value comes from elsewhere),
    `outdone` (another value is the one taken), `unread` (other entries are), `satisfied` (a margin
    that is kept).
    `steepest` is the largest slope of an activation that levels out, of an entry along its own operand;
    `own_slope` the formula of that slope where the row is not elementwise.
    `verbs` say what it does and what somebody did who used it: `adds`, `added`.
    """

    name: str
    category: str
    doc: str
    inputs: tuple[str, ...]
    formula: str
    derivative: Mapping[str, str]
    shape: ShapeRule
    kernel: Binder | None
    scalar: Callable[..., Any] | None = None
    options: tuple[Option, ...] = ()
    latex: str = ""
    symbol: str = ""
    label: str = ""
    aliases: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    domain: Mapping[str, Domain] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    shape_only: frozenset[str] = frozenset()
    variadic: bool = False
    elementwise: bool = False
    ties: bool = False
    analytic: bool = False
    hidden: bool = False
    identity: Callable[..., int | None] | None = None
    fold: Callable[..., Any] | None = None
    view: Callable[[Options, tuple[Spec, ...], Array], Array] | None = None
    constant: Callable[..., float] | None = None
    definition: Any = None
    reads_inside: bool = False
    statics: tuple[str, ...] = ()
    updates: Mapping[str, str] = field(default_factory=dict)
    reads_masks: bool = False
    redraws: str = ""
    is_wire: bool = False
    least: int = 2
    adapts: Callable[[Spec, tuple[Spec, ...]], Iterable[Mend]] | None = None
    flat: str = ""
    steepest: float = 0.0
    own_slope: str = ""
    verbs: tuple[str, str] | None = None

    @property
    def is_source(self) -> bool:
        """True for a row that is given its value: an input, a parameter, a constant, data."""
        return self.kernel is None and self.definition is None

    @cached_property
    def derivative_trees(self) -> Mapping[str, Tree | None]:
        """The parsed derivative per operand; None where it is `0` or `none`."""
        return {
            port: None if text in ("0", "none") else parse_expression(text)
            for port, text in self.derivative.items()
        }

    @cached_property
    def formula_tree(self) -> Tree:
        return parse_expression(self.formula)

    @cached_property
    def update_trees(self) -> Mapping[str, Tree]:
        return {port: parse_expression(text) for port, text in self.updates.items()}

    @cached_property
    def option_names(self) -> tuple[str, ...]:
        return tuple(o.name for o in self.options)

    def ports(self, count: int | None = None) -> tuple[str, ...]:
        """Port names; a variadic row needs the number of operands (two unless told)."""
        if not self.variadic:
            return self.inputs
        return tuple(f"{self.inputs[0]}{i}" for i in range(2 if count is None else count))

    def defaults(self) -> dict[str, Any]:
        if not self.options:
            return {}
        return {o.name: o.default for o in self.options if not o.required}


def ufunc(function: Any) -> Binder:
    """A binder for a NumPy ufunc, which takes `out` as its last positional argument."""
    return lambda options, specs: function


def counting(function: Any) -> Binder:
    """As `ufunc`, with truth values counted as 0 and 1 (NumPy's own `+` on them is "or")."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        if any(s.kind != "bool" for s in specs):
            return cast(Kernel, function)
        return lambda *args: function(*(a.view(np.int8) for a in args[:-1]), args[-1])

    return bind


def chain(*steps: Callable[..., Any]) -> Binder:
    """A binder for kernels written as in-place steps: `first(*operands, out)`, then `step(out)`."""
    first, rest = steps[0], steps[1:]

    def kernel(*args: Any) -> None:
        out = args[-1]
        first(*args)
        for step in rest:
            step(out, out)

    return lambda options, specs: kernel


def scalar_of(op: Op, options: Options) -> Callable[..., Any] | None:
    """The row's function on Python floats with its options settled, or None."""
    if op.scalar is None or not op.options:
        return op.scalar
    function: Callable[..., Any] = op.scalar(options)
    return function


def simplified(op: Op, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """What a call equals without computing anything: an operand, a number, or None.

    Operands that are not floats may be ids or trees: the rule is the row's `fold` in either case.
    """
    if args and isinstance(args[0], float) and op.constant is None and _numbers(args):
        function = scalar_of(op, options)
        if function is not None:
            try:
                return float(function(*args))
            except (ArithmeticError, ValueError):
                return None
    return op.fold(*args) if op.fold is not None else None


def _numbers(args: tuple[Any, ...]) -> bool:
    return all(isinstance(a, float) for a in args)


@per_tree
def local_of(tree: Tree) -> Tree | None:
    """The local derivative in `g * local`, `g` or `-g`; None for any other form."""
    g = Name("g")
    if tree == g:
        return Number(1.0)
    if tree == Call("-", (g,)):
        return Number(-1.0)
    if isinstance(tree, Call) and tree.name == "*" and tree.args[0] == g:
        return tree.args[1]
    return None


def tidy(call: Call) -> Tree:
    """Signs and numbers moved where a person would put them: `-(-x)`, `x * 2`."""
    if call.name == "-" and len(call.args) == 1:
        inner = call.args[0]
        if isinstance(inner, Call) and inner.name == "-" and len(inner.args) == 1:
            return inner.args[0]
    if (
        call.name == "*"
        and isinstance(call.args[1], Number)
        and not isinstance(call.args[0], Number)
    ):
        return Call("*", (call.args[1], call.args[0]))
    return call


def returns(function: Callable[..., Any]) -> Binder:
    """A binder for `function(options, *operands)` whose result is copied into `out`."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        def kernel(*args: Any) -> None:
            args[-1][...] = function(options, *args[:-1])

        return kernel

    return bind


def bound(op: Op, options: Options, specs: tuple[Spec, ...], result: Spec) -> Kernel:
    """The row's kernel, with operands made floats where NumPy would not compute in floats by itself:
    it takes truth values in half precision, and makes whole results of whole numbers."""
    assert op.kernel is not None
    kinds = [s.kind for s in specs]
    mixed = op.elementwise and "float" in kinds
    if result.kind != "float" or not kinds or kinds[0] == "float" or mixed:
        return op.kernel(options, specs)
    kernel = op.kernel(options, tuple(Spec(s.shape, "float", s.blocked, s.value) for s in specs))

    def on_floats(*args: Any) -> None:
        out = args[-1]
        kernel(*(a if a.dtype.kind == "f" else a.astype(out.dtype) for a in args[:-1]), out)

    return on_floats

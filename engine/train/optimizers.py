"""Optimizers as rows: update rules in the formula language.

A rule is a program over one parameter. It knows `p` (the parameter), `g` (its gradient), `lr` (the
learning rate), `t` (1 for the first step), the optimizer's settings as numbers and its states, which
start at 0 and take the value they are given at the end of the step. `p` does too. Settings that are
0 or 1 fold away, and a state that then does nothing is dropped, so a plain rule costs a plain rule.
The rules, defaults and order of operations are those of `torch.optim`. L-BFGS evaluates the loss
several times a step, so it is the one that is no program: see `engine.train.lbfgs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine import ops
from engine.expansion import Expansion, Ref
from engine.expression import Statement, parse
from engine.train.settings import Setting, settled

LEARNING_RATE = "lr"
STEP = "t"
_SOURCE = ops.TABLE["parameter"]


@dataclass(frozen=True)
class Optimizer:
    """One optimizer. `program` is its update rule, `source` where the rule comes from,
    `learning_rate` a usual start."""

    name: str
    label: str
    doc: str
    source: str
    program: str
    states: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    learning_rate: float = 0.1

    @cached_property
    def statements(self) -> list[Statement]:
        return parse(self.program)

    def settled(self, settings: Mapping[str, float]) -> dict[str, float]:
        """All settings as numbers, the defaults where none is given.

        Raises ValueError naming an unknown setting and those there are.
        """
        return settled(self.name, self.settings, settings)


_DECAY = Setting(0.0, "The L2 penalty's share: half of it times the sum of squares joins the loss.")
_EPS = Setting(1e-8, "Added to the divisor so that it is never 0.")
_ADAM = {
    "beta1": Setting(0.9, "How much of the running mean of gradients is kept."),
    "beta2": Setting(0.999, "How much of the running mean of their squares is kept."),
    "eps": _EPS,
}
_ADAM_RULE = """
m = beta1 * m + (1 - beta1) * g
v = beta2 * v + (1 - beta2) * g ** 2
p -= lr / (1 - beta1 ** t) * m / (sqrt(v) / sqrt(1 - beta2 ** t) + eps)
"""

OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer(
            "sgd", "Gradient descent", "A step against the gradient.",
            "Robbins and Monro, A stochastic approximation method, 1951; torch.optim.SGD",
            "g += weight_decay * p\np -= lr * g", settings={"weight_decay": _DECAY},
        ),
        Optimizer(
            "momentum", "Momentum", "Gradients add up to a velocity that decays: the heavy ball.",
            "Polyak, Some methods of speeding up the convergence, 1964; torch.optim.SGD",
            "g += weight_decay * p\nb = momentum * b + g\np -= lr * b", ("b",),
            {"momentum": Setting(0.9, "How much of the velocity is kept."), "weight_decay": _DECAY},
        ),
        Optimizer(
            "nesterov", "Nesterov momentum", "Momentum that looks one step of it ahead.",
            "Sutskever et al., On the importance of initialization and momentum, 2013; "
            "torch.optim.SGD with nesterov=True",
            "g += weight_decay * p\nb = momentum * b + g\np -= lr * (g + momentum * b)", ("b",),
            {"momentum": Setting(0.9, "How much of the velocity is kept."), "weight_decay": _DECAY},
        ),
        Optimizer(
            "adagrad", "Adagrad", "Each entry's step shrinks with all the gradients it has seen.",
            "Duchi, Hazan and Singer, Adaptive subgradient methods, 2011; torch.optim.Adagrad",
            "g += weight_decay * p\ns += g ** 2\n"
            "p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)", ("s",),
            {
                "lr_decay": Setting(0.0, "How fast the learning rate itself falls."),
                "eps": Setting(1e-10, _EPS.doc), "weight_decay": _DECAY,
            },
            learning_rate=0.01,
        ),
        Optimizer(
            "adadelta", "Adadelta", "Steps as large as those before, over the recent gradients' size.",
            "Zeiler, Adadelta: an adaptive learning rate method, 2012; torch.optim.Adadelta",
            "g += weight_decay * p\ns = rho * s + (1 - rho) * g ** 2\n"
            "d = sqrt(a + eps) / sqrt(s + eps) * g\na = rho * a + (1 - rho) * d ** 2\np -= lr * d",
            ("s", "a"),
            {
                "rho": Setting(0.9, "How much of the running means of squares is kept."),
                "eps": Setting(1e-6, "Added to both means so that steps begin and never divide by 0."),
                "weight_decay": _DECAY,
            },
            learning_rate=1.0,
        ),
        Optimizer(
            "rmsprop", "RMSprop", "Each entry's step is divided by its recent gradients' size.",
            "Tieleman and Hinton, Lecture 6.5, 2012; torch.optim.RMSprop",
            "g += weight_decay * p\ns = alpha * s + (1 - alpha) * g ** 2\n"
            "a = centered * (alpha * a + (1 - alpha) * g)\n"
            "b = momentum * b + g / (sqrt(s - a ** 2) + eps)\np -= lr * b", ("s", "a", "b"),
            {
                "alpha": Setting(0.99, "How much of the running mean of squares is kept."),
                "eps": _EPS, "momentum": Setting(0.0, "How much of the velocity is kept."),
                "centered": Setting(0.0, "1: divide by the deviation, not by the mean square."),
                "weight_decay": _DECAY,
            },
            learning_rate=0.01,
        ),
        Optimizer(
            "adam", "Adam", "Momentum and RMSprop together, corrected for their start at 0.",
            "Kingma and Ba, Adam: a method for stochastic optimization, 2015; torch.optim.Adam",
            "g += weight_decay * p" + _ADAM_RULE, ("m", "v"), {**_ADAM, "weight_decay": _DECAY},
            learning_rate=0.001,
        ),
        Optimizer(
            "adamw", "AdamW", "Adam whose weight decay stays out of the running means.",
            "Loshchilov and Hutter, Decoupled weight decay regularization, 2019; torch.optim.AdamW",
            "p *= 1 - lr * weight_decay" + _ADAM_RULE, ("m", "v"),
            {**_ADAM, "weight_decay": Setting(0.01, "The share of a parameter lost a step, times lr.")},
            learning_rate=0.001,
        ),
        Optimizer(
            "lion", "Lion", "Every entry moves by the same size: the sign of a momentum.",
            "Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2",
            "p *= 1 - lr * weight_decay\np -= lr * sign(beta1 * m + (1 - beta1) * g)\n"
            "m = beta2 * m + (1 - beta2) * g", ("m",),
            {
                "beta1": Setting(0.9, "How much of the momentum the sign is taken of."),
                "beta2": Setting(0.99, "How much of the momentum is kept."),
                "weight_decay": Setting(0.0, "The share of a parameter lost a step, times lr."),
            },
            learning_rate=0.0001,
        ),
        Optimizer(
            "lbfgs", "L-BFGS", "Curvature from the last steps; several evaluations a step, all rows best.",
            "Nocedal and Wright, Numerical optimization, 2006, algorithm 7.5; torch.optim.LBFGS", "",
            settings={
                "max_iter": Setting(20.0, "Iterations a step."),
                "max_eval": Setting(0.0, "Evaluations a step; 0: a quarter more than iterations."),
                "tolerance_grad": Setting(1e-7, "A step ends when no gradient is larger."),
                "tolerance_change": Setting(1e-9, "A step ends when nothing changes by more."),
                "history_size": Setting(100.0, "How many changes the curvature is read off."),
                "strong_wolfe": Setting(0.0, "1: a line search finds the length of each iteration."),
            },
            learning_rate=1.0,
        ),
    )
}  # fmt: skip
"""Every optimizer by its name."""


def find(name: str) -> Optimizer:
    """The optimizer of that name. Raises ValueError with the names there are."""
    if name not in OPTIMIZERS:
        raise ValueError(f"there is no optimizer {name!r}; choose {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]


@dataclass(frozen=True)
class Updates:
    """Update steps in an expansion: `assign` is what a plan assigns at the end of a step.

    `states` are the source steps beside the parameters: the learning rate `lr`, the step count `t`
    (where a rule reads it) and `<parameter>.<state>`.
    """

    assign: Mapping[str, Ref]
    states: tuple[str, ...]


def build(
    expansion: Expansion,
    optimizer: Optimizer,
    adjoints: Mapping[str, Ref],
    settings: Mapping[str, float],
) -> Updates:
    """Appends the update of every parameter in `adjoints` ({parameter id: its adjoint}).

    Raises ValueError for an unknown setting.
    """
    numbers = optimizer.settled(settings)
    dtype = expansion.dtype
    expansion.source(LEARNING_RATE, _SOURCE, np.zeros((), dtype))
    expansion.source(STEP, _SOURCE, np.ones((), dtype))
    assign: dict[str, Ref] = {}
    for parameter, adjoint in adjoints.items():
        shape = expansion.spec(parameter).shape
        local = {s: f"{parameter}.{s}" for s in optimizer.states}
        for state in local.values():
            expansion.source(state, _SOURCE, np.zeros(shape, dtype))
        names: dict[str, Ref | tuple[Ref, ...]] = {
            **numbers, **local, "p": parameter, "g": adjoint, "lr": LEARNING_RATE, "t": STEP,
        }  # fmt: skip
        for line in optimizer.statements:
            assert line.target is not None
            names[line.target] = expansion.build(line.tree, names)
        targets = {parameter: names["p"]}
        targets |= {source: names[state] for state, source in local.items()}
        assign |= {k: v for k, v in targets.items() if v != k and not isinstance(v, tuple)}
    assign[STEP] = expansion.append(ops.ADD, (STEP, 1.0))
    return _pruned(expansion, assign, adjoints)


def _pruned(
    expansion: Expansion, assign: Mapping[str, Ref], parameters: Mapping[str, Ref]
) -> Updates:
    """Without the states that no parameter's value depends on, directly or through others."""
    kept: dict[str, Ref] = {}
    work = [p for p in parameters if p in assign]
    while work:
        source = work.pop()
        if source not in kept:
            kept[source] = assign[source]
            value = assign[source]
            if isinstance(value, str):
                work += [a for a in expansion.ancestors([value], with_shapes=False) if a in assign]
    ordered = {source: kept[source] for source in assign if source in kept}
    states = [s for s in ordered if s not in parameters]
    return Updates(ordered, (LEARNING_RATE, *states))

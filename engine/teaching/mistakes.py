"""What is said of each mistake: one row a mistake, the likeliest to be meant first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row. `rank` orders mistakes that an answer may come from, the smallest first. `said` is told
    with {u} the step's node, {rule} its formula, {v} the node that gets the term, {J} the output, {of}
    what a slip is taken from and {count} how many terms the sum has."""

    name: str
    rank: int
    said: str


ROWS = (
    # of the whole answer
    Mistake("rounded", 0, "That is {name} rounded too early: give more digits."),
    Mistake("value", 1, "That is the value of {v}; asked for is the gradient of {J} with respect to it."),
    Mistake("gradient", 1, "That is the gradient of {J} with respect to {v}; asked for is its value."),
    Mistake("turned", 7, "That has the right size and the wrong sign."),
    Mistake("ten", 7, "That is right up to a power of ten: look at where the point stands."),
    Mistake("upside down", 8, "That is 1 divided by {name}: the derivative the other way round."),
    Mistake("other", 6, "That is {of}."),
    # of a sum
    Mistake("left out", 2, "{v} is read {count} times, so its gradient is a sum of {count} terms; the "
            "one through {u} is left out."),
    Mistake("alone", 2, "{v} is read {count} times, so its gradient is a sum of {count} terms; only "
            "the one through {u} is there."),
    # of a step of the backward pass
    Mistake("minus", 2, "The local derivative of {rule} along {v} has a minus sign, which is left out."),
    Mistake("local", 3, "The local derivative of {rule} along {v} is left out: the gradient at {u} is handed "
            "on as it is."),
    Mistake("upstream", 3, "The upstream gradient is left out at {rule}: the local derivative along {v} is "
            "to be multiplied by the gradient at {u}."),
    Mistake("factor", 3, "A factor is left out of the local derivative of {rule} along {v}."),
    Mistake("swapped", 4, "The operands of {rule} are exchanged in its local derivative along {v}."),
    Mistake("operand", 4, "That is the local derivative of {rule} along its other operand, not along {v}."),
    Mistake("function", 4, "At {rule} the function itself is taken in place of its derivative along {v}."),
    Mistake("elsewhere", 4, "The local derivative of {rule} is taken at the wrong place: look at whether "
            "it is written with {v} or with {u}."),
    Mistake("power", 4, "The exponent is one less in the derivative of {rule} along {v}."),
    Mistake("wrong sign", 5, "The sign of the local derivative of {rule} along {v} is the wrong one."),
    Mistake("blocked", 5, "Nothing is handed on from {u} to {v}, though {rule} has a slope there."),
    Mistake("similar", 6, "The local derivative of {rule} is taken for that of {of}."),
    Mistake("transposed", 4, "A matrix is not transposed in what {rule} hands on to {v}."),
    Mistake("order", 5, "Two matrices are multiplied in the wrong order in what {rule} hands on to {v}."),
    Mistake("inverted", 7, "It is divided by the local derivative of {rule} along {v}, not multiplied."),
    Mistake("added", 7, "The local derivative of {rule} along {v} is added to the gradient at {u}; the chain "
            "rule multiplies them."),
    # of a step of the forward pass
    Mistake("exchanged", 3, "The operands of {rule} are exchanged."),
    Mistake("unapplied", 3, "In {rule} an operand is taken as it is: the operation is left out."),
    Mistake("another", 5, "In {rule} another operation is done: {of}."),
    Mistake("degrees", 2, "The angle in {rule} is taken in degrees; it is in radians."),
    Mistake("negated", 4, "The sign of {rule} is the wrong one."),
)  # fmt: skip

MISTAKES: Mapping[str, Mistake] = {row.name: row for row in ROWS}

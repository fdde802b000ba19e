"""What is said of each mistake: one row a mistake, the likeliest to be meant first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row. `rank` orders mistakes that an answer may come from, the smallest first. `said` is told
    with {u} the step's node, {formula} what computes it ({definition} spelled out), {v} the node that
    gets the term, {J} the output, {of} what was left out or taken instead, {count} how many terms or
    entries there are and {does} what the step does. `far` mistakes are told also of steps whose numbers
    stand on the screen by then: those that a person makes there all the same."""

    name: str
    rank: int
    said: str
    far: bool = True


ROWS = (
    # of the whole answer
    Mistake("rounded", 0, "That is {name} rounded too early: give more digits."),
    Mistake("cut", 5, "That is {name} rounded too early: give more digits."),
    Mistake("value", 1, "That is the value of {v}; asked for is the gradient of {J} with respect to it."),
    Mistake("gradient", 1, "That is the gradient of {J} with respect to {v}; asked for is its value."),
    Mistake("nothing", 1, "It is not 0: add what comes back through {of}."),
    Mistake("turned", 7, "Only the sign is wrong."),
    Mistake("ten", 9, "The digits are right; look at where the point stands."),
    Mistake("upside down", 9, "That is 1 divided by {name}."),
    Mistake("entry", 5, "That is {of}."),
    Mistake("other", 6, "That is {of}."),
    # of a sum
    Mistake("left out", 2, "You left out the way through {u}: {v} is read {count} times, so {count} terms "
            "are added."),
    Mistake("alone", 2, "That is the way through {u} alone: {v} is read {count} times, so {count} terms "
            "are added."),
    # of a step of the backward pass
    Mistake("minus", 2, "You lost a minus sign: the local derivative of {u} = {formula} along {v} "
            "has one."),
    Mistake("undivided", 2, "You did not divide by {count}: {u} is a mean of {count} numbers."),
    Mistake("divided", 2, "You divided by {count}: {u} is a sum, so nothing is divided."),
    Mistake("factor", 3, "You left out the factor {of}: it belongs to the local derivative of "
            "{u} = {formula} along {v}."),
    Mistake("factors", 4, "You left out the factor {of} and the division by {count}."),
    Mistake("local", 3, "That is the gradient at {u} as it is: multiply it by the local derivative of "
            "{u} = {formula} along {v}."),
    Mistake("upstream", 3, "That is the local derivative of {u} = {formula} alone: multiply it by the "
            "gradient at {u}."),
    Mistake("swapped", 4, "You exchanged the operands in the local derivative of {u} = {formula} along {v}."),
    Mistake("operand", 4, "That is the local derivative of {u} = {formula} along its other operand, not "
            "along {v}."),
    Mistake("function", 4, "You took {u} = {formula} itself: the derivative along {v} is another function."),
    Mistake("elsewhere", 4, "You took the local derivative of {u} = {formula} at the wrong place: look at "
            "whether it is written with {v} or with {u}."),
    Mistake("power", 4, "You kept the exponent: it is one less in the derivative of {u} = {formula} "
            "along {v}."),
    Mistake("wrong sign", 4, "Only the sign is wrong: it is the gradient at {u} times the local derivative "
            "of {u} = {formula}."),
    Mistake("blocked", 1, "It is not 0: {u} = {formula} has a slope here, which is multiplied by the "
            "gradient at {u}.", far=False),
    Mistake("similar", 7, "You took the derivative of {of}: {u} is {formula}."),
    Mistake("transposed", 4, "You did not transpose a matrix: look at what {u} = {formula} hands on to {v}."),
    Mistake("order", 5, "You multiplied two matrices in the wrong order: look at what {u} = {formula} hands "
            "on to {v}."),
    Mistake("inverted", 7, "You divided by the local derivative of {u} = {formula}: multiply by it.",
            far=False),
    Mistake("added", 7, "You added the local derivative of {u} = {formula}: the chain rule multiplies.",
            far=False),
    # of the sum behind an entry
    Mistake("mean of", 2, "That is the mean of the {count} terms; {name} is their sum."),
    Mistake("one of", 6, "That is one of the {count} terms alone; {name} is their sum."),
    Mistake("all but one", 6, "You left out one of the {count} terms; {name} is the sum of all of them."),
    Mistake("handed on", 3, "You added the gradients as they are: multiply each by its local "
            "derivative first."),
    Mistake("locals", 3, "You added the local derivatives alone: multiply each by its upstream "
            "gradient first."),
    Mistake("unweighted", 3, "You added up one operand alone: {u} is {formula}, so each entry is multiplied "
            "first."),
    # of a step of the forward pass
    Mistake("degrees", 2, "You took the angle in degrees: in {u} = {formula} it is in radians."),
    Mistake("summed", 2, "That is the sum; {u} is the mean: divide by {count}."),
    Mistake("averaged", 2, "That is the mean; {u} is the sum: do not divide by {count}."),
    Mistake("exponent", 2, "You left out the exponent {of}: {u} is {definition}."),
    Mistake("forgotten", 2, "You left out {of}: {u} is {definition}.", far=False),
    Mistake("exchanged", 3, "You exchanged the operands: {u} is {formula}.", far=False),
    Mistake("unapplied", 3, "That is {of} as it is: {u} is {formula}.", far=False),
    Mistake("negated", 4, "Only the sign is wrong: {u} is {formula}.", far=False),
    Mistake("another deed", 5, "You {of}; {u} {does}: {formula}.", far=False),
    Mistake("another", 8, "That is {of}; {u} is {formula}.", far=False),
)  # fmt: skip

MISTAKES: Mapping[str, Mistake] = {row.name: row for row in ROWS}

"""Shipped documents for tests that try something on real ones, each quick and each of another kind."""

from __future__ import annotations

FEW = (
    "worked-example", "xor", "softmax-digits", "your-csv", "three-ways", "jacobian", "logistic-xor",
    "training-loop", "saddle",
)  # fmt: skip
"""Parameters of their own, numbers of 64 bits, nothing drawn at random, no derivatives as nodes."""

"""Gradient checks against differences, for rows and for documents."""

from engine.check.cases import cases_of, domain_of, operands, sample
from engine.check.documents import MAX_ENTRIES, check_graph
from engine.check.measure import ATOL, RTOL, difference, jacobian
from engine.check.nodes import NodeChecks, Verdict, doubled, relative_error
from engine.check.rows import (
    Failure,
    Trial,
    check_orders,
    check_row,
    check_rows,
    failures_of,
    own_checks,
)

__all__ = [
    "ATOL", "MAX_ENTRIES", "RTOL", "Failure", "NodeChecks", "Trial", "Verdict", "cases_of",
    "check_graph", "check_orders", "check_row", "check_rows", "difference", "domain_of", "doubled",
    "failures_of", "jacobian", "operands", "own_checks", "relative_error", "sample",
]  # fmt: skip

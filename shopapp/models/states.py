"""The states of a document and the moves between them (docs/failure-model.md, rulings of the project)."""

from __future__ import annotations

WAITING, PENDING, ISSUING, ISSUED = "waiting", "pending", "issuing", "issued"
BLOCKED, IN_DOUBT, REVIEW, VOID = "blocked", "in_doubt", "review", "void"
STATES = (WAITING, PENDING, ISSUING, ISSUED, BLOCKED, IN_DOUBT, REVIEW, VOID)

TRANSITIONS = {
    (WAITING, PENDING), (WAITING, VOID), (WAITING, WAITING),
    (PENDING, WAITING), (PENDING, ISSUING), (PENDING, BLOCKED), (PENDING, VOID), (PENDING, PENDING),
    (ISSUING, PENDING), (ISSUING, ISSUED), (ISSUING, BLOCKED), (ISSUING, IN_DOUBT),
    (IN_DOUBT, ISSUED), (IN_DOUBT, PENDING), (IN_DOUBT, REVIEW),
    (REVIEW, ISSUED), (REVIEW, PENDING),
    (BLOCKED, PENDING), (BLOCKED, VOID), (VOID, WAITING),
    (PENDING, REVIEW),
}  # fmt: skip
"""Every move there is (rulings section 3); a pending row may also wait again or be blocked while it is drafted.

The last is of a restored backup alone: it may have been issued after it.
"""

MAX_TAKES = 5
"""Leases in a row that may bring no move before the row is shown as our fault."""

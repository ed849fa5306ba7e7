"""The list of cases: a failpoint, the fault of the process there, and the provider's answer.

Also chooses the guarantee of each case, so that each of the four meets every act and every answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopapp.providers.base import IssueGuarantee
from tests.kill_points.sabotage import SABOTAGES

ACTS = ("kill", "stop", "raise", "cut")
"""The fault at the failpoint: kill -9; stopped until the others have done what they can; an error; its database
gone.
"""

ANSWERS = (
    "ok", "slow", "drop-after", "500-after", "garbage-after", "drop-before", "wrong-total", "429", "503",
    "200-error", "login-page", "late",
)  # fmt: skip
"""Answers to the provider's first call that counts. `-after`: it issued in spite of the answer. Late: it issues
after the connection was closed, and its list shows the document even later.
"""

FEW_ANSWERS = ("ok", "drop-after", "drop-before", "late")
"""For failpoints before anything is sent, in another flow: answers to the call long afterwards."""

ISSUE_POINTS = (
    "open_before_commit", "after_take", "before_claim", "after_claim", "before_send", "after_send", "before_settle",
    "after_settle", "follow_before_send", "follow_after_send",
)  # fmt: skip
DRAFT_POINTS = ("draft_before_record", "draft_after_record")
PROVIDER_DRAFT_POINTS = ("early_before_record", "early_after_record", "early_after_drop")
"""Failpoints of an order that is placed, drafted, changed and paid."""
WEB_POINTS = (
    "hook_before_commit",
    "hook_after_commit",
    "before_ring",
    "install_before_commit",
    "install_after_commit",
)
TOKEN_POINTS = ("refresh_before_commit",)
TESTED_POINTS = (*ISSUE_POINTS, *DRAFT_POINTS, *PROVIDER_DRAFT_POINTS, *WEB_POINTS, *TOKEN_POINTS)


@dataclass(frozen=True)
class Case:
    """One case; its number is also the provider's name for the merchant's account."""

    number: int
    point: str
    act: str
    answer: str
    guarantee: str
    without: str = ""
    """The protection that is removed (sabotage.py)."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words that name the case on the command line."""
        return self.point, self.act, self.answer, self.guarantee

    def __str__(self) -> str:
        return " ".join(self.words) + (f" without {self.without}" if self.without else "")


def every_case(all_promises: bool = False) -> list[Case]:
    """Return each failpoint with each act and answer that it can meet, with one guarantee in turn, or with all."""
    found: list[Case] = []
    for p, point in enumerate(TESTED_POINTS):
        for a, act in enumerate(ACTS):
            for n, answer in enumerate(ANSWERS if point in ISSUE_POINTS + DRAFT_POINTS else FEW_ANSWERS):
                promises = list(IssueGuarantee)
                if point in DRAFT_POINTS + PROVIDER_DRAFT_POINTS:
                    promises = [IssueGuarantee.DRAFT_FIRST]
                elif not all_promises:
                    promises = [promises[(p + a + n) % 4]]
                found += [Case(len(found) + 1 + k, point, act, answer, promise.value)
                          for k, promise in enumerate(promises)]  # fmt: skip
    return found


def sabotaged() -> list[Case]:
    """Return for each protection the case that must fail without it."""
    return [
        Case(number, *words.split(), name) for number, (name, (_, words)) in enumerate(SABOTAGES.items(), 1)
    ]

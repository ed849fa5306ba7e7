"""The times of the failure model as a run measured them: shown, flagged, acknowledged, drained.

Calculated only from the records of the pages, the shop's stand-in, the killer and the tables.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .plan import TIME_SCALE

Json = dict[str, Any]
Interval = tuple[float, float]
"""Two times, in seconds since 1970."""

VISIBLE_LIMIT = 5.0
FLAG_LIMIT = 60.0 / TIME_SCALE
UNISSUED_LIMIT = 900.0 / TIME_SCALE
DRAIN_SHARE = 0.9
"""The share of the backlog over which its rate is measured, because the last one may be waiting for its next
retry.
"""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of them does not exceed; 0 when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else 0.0


def describe_percentiles(values: Sequence[float]) -> str:
    """Return a text with the times within which half, 99 of a hundred, and all were done."""
    if not values:
        return "none"
    half, nearly, most = (percentile(values, share) for share in (0.5, 0.99, 1.0))
    return f"p50 {half:.2f}, p99 {nearly:.2f}, most {most:.2f} s"


def outside_downtime(stretches: Sequence[Interval], downs: Sequence[Interval]) -> list[float]:
    """Return the length of each interval during which no strike on web or database took place."""
    return [
        ended - began
        for began, ended in stretches
        if not any(first <= ended and began <= last for first, last in downs)
    ]


@dataclass(frozen=True)
class WebhookAnswers:
    """The app's answers to the webhooks, as the shop that sent them recorded them."""

    seconds: list[float]
    """Duration of each try answered 200 while neither web nor database was down because of a strike."""
    during_downtime: int
    """Tries during a strike, which do not count."""
    refused: list[int]
    """The other statuses (0: no answer) of tries outside any strike."""


def webhook_answers(deliveries: list[Json], downs: list[Interval]) -> WebhookAnswers:
    """Evaluate the tries of these deliveries; the shop records the end of a try in whole seconds."""
    took: list[float] = []
    refused: list[int] = []
    struck = 0
    for each in (one for delivery in deliveries for one in delivery["tries"]):
        ended = datetime.strptime(each["at"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()
        began = ended - each["ms"] / 1000
        if any(first <= ended + 1 and began <= last for first, last in downs):
            struck += 1
        elif each["status"] == 200:
            took.append(each["ms"] / 1000)
        else:
            refused.append(each["status"])
    return WebhookAnswers(took, struck, refused)


def lost_webhooks(deliveries: list[Json], kept: dict[tuple[str, str], int]) -> list[str]:
    """Return the webhooks that were answered 200 more often than stored: answered before the commit."""
    answered: Counter[tuple[str, str]] = Counter()
    for delivery in deliveries:
        if delivery["order_id"] is None:
            continue
        good = sum(one["status"] == 200 for one in delivery["tries"])
        answered[delivery["event"], str(delivery["order_id"])] += good
    return [
        f"#{order} {event}: {times} answered 200, {kept.get((event, order), 0)} kept"
        for (event, order), times in answered.items()
        if times > kept.get((event, order), 0)
    ]


@dataclass(frozen=True)
class BacklogDrain:
    """The backlog when the faults stopped, and how fast it was done."""

    left: int
    due: int
    """The part of these that was not in doubt then and only needed to be worked on."""
    seconds: float
    """Time until the first nine tenths of the due ones were issued."""
    uncertain_seconds: float
    """Time until the last one in doubt was settled."""

    @property
    def rate(self) -> float:
        """Return the documents per second, of the due ones."""
        return self.due * DRAIN_SHARE / self.seconds if self.seconds else 0.0


def backlog_drain(documents: list[Json], calm: float) -> BacklogDrain:
    """Evaluate the backlog of that moment; a document that nobody had to look up has no doubt recorded."""
    later = [row for row in documents if row["issued_at"] is not None and row["issued_at"] > calm]
    due = [row["issued_at"] - calm for row in later if row["doubted_at"] is None]
    doubts = [row["issued_at"] - calm for row in later if row["doubted_at"] is not None]
    return BacklogDrain(len(later), len(due), percentile(due, DRAIN_SHARE), max(doubts, default=0.0))


@dataclass(frozen=True)
class Overdue:
    """The orders that had no document after the (scaled) quarter of an hour."""

    late: int
    without_reason: list[str]
    """Those of them whose page gave no reason at that time."""


def overdue(
    paid: dict[str, float], documents: list[Json], moves: dict[int, list[tuple[float, str, str]]]
) -> Overdue:
    """Return which paid orders (by number, with the time) were unissued for too long, with their rows' reasons."""
    rows = {row["order_id"]: row for row in documents}
    late, silent = 0, []
    for order, instant in paid.items():
        row, limit = rows.get(order), instant + UNISSUED_LIMIT
        if row is not None and row["issued_at"] is not None and row["issued_at"] <= limit:
            continue
        late += 1
        past = [move for move in moves.get(row["id"], []) if move[0] <= limit] if row else []
        if not past or (past[-1][1] == "pending" and not past[-1][2]):
            silent.append(f"#{order} {'pending' if past else 'no row'}")
    return Overdue(late, silent)

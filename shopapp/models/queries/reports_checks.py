"""What a month should be looked at for: gaps in a series, late documents, what was annulled or never issued.

Nothing is changed. A gap is a number between two of ours that no document of ours has: it was issued by hand or by
another program in the same series, or it does not exist. Which of these, the invoicing program knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from shopapp.fiscal.document import INVOICE_KINDS
from shopapp.models.base import db
from shopapp.models.document import ISSUED, WAITING, Document
from shopapp.models.store import Store

from .documents import LATE_STATES
from .reconciliation import NOT_INVOICES, NOT_STANDING
from .reports import Dated, Period, within

_MAX_RANGES = 50


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a series that no document of ours has, between two that ours have."""

    prefix: str
    """The number without its running part, such as `FR 2026FR/`."""
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1


def split_number(number: str) -> tuple[str, int] | None:
    """Return a document's number as its beginning and its running part; None when it ends in no digit.

    SAF-T (PT) 1.04_01 writes numbers as `FR 2026FR/79`; a program that leaves out the slash still ends in the digits.
    """
    series, slash, running = number.rpartition("/")
    if not slash:
        series = number.rstrip("0123456789")
        running = number[len(series) :]
    is_number = running.isascii() and running.isdigit() and len(running) < 12
    return (series + slash, int(running)) if is_number else None


def series_gaps(store: Store, period: Period) -> list[Gap]:
    """Return the gaps of every series between the last number before the period and the last one in it."""
    held: dict[str, list[int]] = defaultdict(list)
    for prefix, running in _numbers(store, period):
        held[prefix].append(running)
    gaps: list[Gap] = []
    for prefix, runnings in sorted(held.items()):
        before = _last_before(store, period.first, prefix)
        known = sorted({*runnings, *([before] if before else [])})
        gaps += [
            Gap(prefix, low + 1, high - 1)
            for low, high in zip(known, known[1:], strict=False)
            if high - low > 1
        ]
    return gaps[:_MAX_RANGES]


def _numbers(store: Store, period: Period) -> Iterator[tuple[str, int]]:
    mine = select(Document.number).where(
        Document.store_id == store.id, Document.issued_on >= period.first, Document.issued_on <= period.last,
        Document.number.is_not(None),
    )  # fmt: skip
    for number in db.session.scalars(mine):
        if found := split_number(number or ""):
            yield found


def _last_before(store: Store, first: date, prefix: str) -> int:
    """Return the highest number of the series on the last day before the period that has one; 0 when none has."""
    earlier = (
        Document.store_id == store.id, Document.issued_on < first,
        Document.number.startswith(prefix, autoescape=True),
    )  # fmt: skip
    day = db.session.scalar(select(func.max(Document.issued_on)).where(*earlier))
    if day is None:
        return 0
    numbers = db.session.scalars(select(Document.number).where(*earlier, Document.issued_on == day))
    parts = [split_number(number or "") for number in numbers]
    return max((part[1] for part in parts if part and part[0] == prefix), default=0)


def late_documents(documents: Iterable[Dated], period: Period) -> list[Dated]:
    """Return the invoices of a sale that are dated after the day of their payment (CIVA art. 36 n.º 1)."""
    return [
        one for one in documents
        if one.kind in INVOICE_KINDS and one.is_sale and one.issued_on is not None
        and (one.paid_on(period.zone) or one.issued_on) < one.issued_on
    ]  # fmt: skip


def is_late(documents: Iterable[Dated], period: Period) -> ColumnElement[bool]:
    """Return the condition that a document is one of the late ones among these."""
    days = {one.issued_on for one in late_documents(documents, period) if one.issued_on is not None}
    before = [
        and_(Document.issued_on == day, Document.paid_at < datetime.combine(day, time(), period.zone))
        for day in sorted(days)
    ]
    return and_(Document.kind.in_(INVOICE_KINDS), Document.is_sale, or_(false(), *before))


def is_annulled() -> ColumnElement[bool]:
    """Return the condition that the provider annulled the document, or has it no more."""
    return and_(
        Document.state == ISSUED, Document.kind.not_in(NOT_INVOICES),
        or_(Document.alarm.in_(NOT_STANDING), Document.provider_state == "annulled"),
    )  # fmt: skip


def is_missing() -> ColumnElement[bool]:
    """Return the condition that a paid order has no document yet."""
    waits = or_(
        Document.state.in_(LATE_STATES), and_(Document.state == WAITING, Document.reason == "automatic-off")
    )
    return and_(waits, or_(Document.is_sale, Document.is_reissue, Document.is_credit_note))


def count_missing(store: Store, period: Period) -> int:
    """Return how many orders that were paid in the period have no document yet."""
    mine = select(func.count()).where(
        Document.store_id == store.id,
        Document.paid_at >= period.begins,
        Document.paid_at < period.ends,
        is_missing(),
    )
    return db.session.scalar(mine) or 0


def count_alarmed(store: Store, period: Period) -> tuple[int, int]:
    """Return how many documents of the period were annulled, and how many others have an open alarm."""
    issued = within(store, period), Document.state == ISSUED
    annulled = select(func.count()).where(*issued, is_annulled())
    others = select(func.count()).where(*issued, has_alarm())
    return db.session.scalar(annulled) or 0, db.session.scalar(others) or 0


def has_alarm() -> ColumnElement[bool]:
    """Return the condition that something is wrong with a document that still counts."""
    return and_(Document.alarm != "", Document.alarm.not_in(NOT_STANDING), Document.kind.not_in(NOT_INVOICES))


def as_ranges(gaps: Sequence[Gap]) -> str:
    """Return the numbers of gaps of one series, such as `12, 15–18`."""
    return ", ".join(str(one.first) if one.count == 1 else f"{one.first}–{one.last}" for one in gaps)

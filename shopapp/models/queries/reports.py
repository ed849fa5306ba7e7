"""The figures of a month: its documents summed by kind, rate, exemption and day. Nothing is changed.

Documents count as in the reconciliation: invoices and credit notes that the provider still has, with the total and the
VAT that it stated. Rates come from the issued lines; what the provider stated otherwise than the lines add up to is a
row of its own, so that the rows of a report always add up to its total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, and_, func, or_, select, type_coerce

from shopapp.models.attempt import DocumentLine
from shopapp.models.base import db
from shopapp.models.document import Document
from shopapp.models.document_facts import DocumentPayment, DocumentWarning
from shopapp.models.store import Store

from .reconciliation import ZERO, cents, euros, standing

Basis = Literal["issued", "paid"]
"""Whether a document belongs to the month of its own date, or to that of its payment."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, and their instants in the store's zone: `begins` to just before `ends`."""

    first: date
    last: date
    begins: datetime
    ends: datetime
    basis: Basis = "issued"

    @property
    def zone(self) -> Any:
        """The zone in which the store dates its documents."""
        return self.begins.tzinfo


@dataclass(frozen=True, slots=True)
class Sums:
    """A number of documents and what they add up to; credit notes are negative."""

    documents: int = 0
    net: Decimal = ZERO
    vat: Decimal = ZERO
    gross: Decimal = ZERO

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.documents + other.documents,
            self.net + other.net,
            self.vat + other.vat,
            self.gross + other.gross,
        )

    def __neg__(self) -> Sums:
        return Sums(self.documents, -self.net, -self.vat, -self.gross)

    @property
    def is_zero(self) -> bool:
        """Whether nothing is left of it."""
        return not (self.net or self.vat or self.gross)


@dataclass(frozen=True, slots=True, order=True)
class TaxKey:
    """The values by which document lines are grouped into one row of a report."""

    region: str
    rate: Decimal
    exemption: str = ""


@dataclass(frozen=True, slots=True)
class Dated:
    """Documents of one kind and one date whose orders were paid within one hour, and their sums."""

    kind: str
    issued_on: date | None
    paid_at: datetime | None
    """The beginning of the hour: the zones of Portuguese shops are whole hours apart."""
    is_sale: bool
    """Whether they are documents of a sale itself, not notes or reissues."""
    sums: Sums

    def day_of(self, basis: Basis, zone: ZoneInfo) -> date | None:
        """Return the day on which they count."""
        return self.paid_on(zone) or self.issued_on if basis == "paid" else self.issued_on

    def paid_on(self, zone: ZoneInfo) -> date | None:
        """Return the day of the payment."""
        return self.paid_at.astimezone(zone).date() if self.paid_at else None


def total(parts: Iterable[Sums]) -> Sums:
    """Return the sum of all parts."""
    found = Sums()
    for part in parts:
        found += part
    return found


def within(store: Store, period: Period) -> ColumnElement[bool]:
    """Return the condition that a document of the store belongs to the period, whatever its state or kind."""
    heard = and_(Document.issued_at >= period.begins, Document.issued_at < period.ends)
    mine = Document.store_id == store.id
    if period.basis == "paid":
        return or_(
            and_(mine, Document.paid_at >= period.begins, Document.paid_at < period.ends),
            and_(mine, Document.paid_at.is_(None), heard),
        )
    return or_(
        and_(mine, Document.issued_on >= period.first, Document.issued_on <= period.last),
        and_(mine, Document.issued_on.is_(None), heard),
    )


GROSS = func.coalesce(cents(Document.provider_total), cents(Document.total), 0)
VAT = func.coalesce(cents(Document.provider_vat), cents(Document.vat), 0)


def documents_of(store: Store, period: Period) -> list[Dated]:
    """Return the invoices and credit notes that count in the period, oldest first, grouped."""
    columns = (Document.kind, Document.issued_on, _hour(Document.paid_at), Document.is_sale)
    sums = (func.count(), func.sum(GROSS), func.sum(VAT))
    rows = db.session.execute(
        select(*columns, *sums)
        .where(within(store, period), *standing())
        .group_by(*(column.label(None) for column in columns))
    )
    found = [
        Dated(kind, issued_on, _moment(hour), bool(is_sale), _signed(kind, count, int(gross), int(vat)))
        for kind, issued_on, hour, is_sale, count, gross, vat in rows
    ]
    return sorted(found, key=lambda one: one.issued_on or period.first)


def _hour(column: Any) -> ColumnElement[Any]:
    """Return the hour of an instant in UTC, as `_moment` reads it."""
    if db.engine.dialect.name == "postgresql":
        return func.date_trunc("hour", column, "UTC")
    return func.substr(type_coerce(column, String), 1, 13)


def _moment(hour: Any) -> datetime | None:
    if hour is None or isinstance(hour, datetime):
        return hour
    return datetime.fromisoformat(f"{hour}:00:00+00:00")


def _signed(kind: str, count: int, gross: int, vat: int) -> Sums:
    found = Sums(count, euros(gross - vat), euros(vat), euros(gross))
    return -found if kind == "NC" else found


def sums_by_kind(documents: Sequence[Dated]) -> dict[str, Sums]:
    """Return the sums of each kind of document."""
    found: dict[str, Sums] = defaultdict(Sums)
    for one in documents:
        found[one.kind] += one.sums
    return dict(sorted(found.items(), key=lambda each: (each[0] == "NC", each[0])))


def sums_by_tax(store: Store, period: Period) -> dict[tuple[str, TaxKey], Sums]:
    """Return the sums of the issued lines by document kind, region, rate and exemption, biggest rate first."""
    columns = (Document.kind, DocumentLine.region, DocumentLine.vat_rate, DocumentLine.exemption_code)
    amounts = [func.sum(cents(one)) for one in (DocumentLine.net, DocumentLine.vat, DocumentLine.gross)]
    rows = db.session.execute(
        select(*columns, func.count(Document.id.distinct()), *amounts)
        .join(DocumentLine, DocumentLine.document_id == Document.id)
        .where(within(store, period), *standing())
        .group_by(*columns)
    )
    found: dict[tuple[str, TaxKey], Sums] = defaultdict(Sums)
    for kind, region, rate, exemption, count, net, vat, gross in rows:
        sums = Sums(count, euros(net), euros(vat), euros(gross))
        found[kind, TaxKey(region, rate, exemption)] += -sums if kind == "NC" else sums
    return dict(sorted(found.items(), key=lambda each: _tax_order(each[0][1])))


def _tax_order(key: TaxKey) -> tuple[bool, str, Decimal, str]:
    return not key.region.startswith("PT"), key.region, -key.rate, key.exemption


def by_tax(rows: dict[tuple[str, TaxKey], Sums]) -> dict[TaxKey, Sums]:
    """Return the sums without the document kind: credit notes are subtracted."""
    found: dict[TaxKey, Sums] = defaultdict(Sums)
    for (_, key), sums in rows.items():
        found[key] += sums
    return dict(found)


def not_in_lines(documents: Sequence[Dated], rows: dict[tuple[str, TaxKey], Sums]) -> Sums:
    """Return what the provider stated more than the issued lines add up to."""
    stated, lines = total(one.sums for one in documents), total(rows.values())
    return Sums(0, stated.net - lines.net, stated.vat - lines.vat, stated.gross - lines.gross)


def is_stated_otherwise() -> ColumnElement[bool]:
    """Return the condition that the provider stated other figures than the issued lines have."""
    has_lines = (
        select(DocumentLine.id).where(DocumentLine.document_id == Document.id).correlate(Document).exists()
    )
    return or_(Document.provider_total != Document.total, Document.provider_vat != Document.vat, ~has_lines)


def has_lines_of(key: TaxKey, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a document has lines of that region, rate and exemption which meet the others."""
    of_it = select(DocumentLine.id).where(
        DocumentLine.document_id == Document.id, *lines_of(key), *conditions
    )
    return of_it.correlate(Document).exists()


def lines_of(key: TaxKey) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for lines of that region, rate and exemption."""
    # a rate is stored as it was written
    written = {f"{key.rate:f}", f"{key.rate.normalize():f}", f"{key.rate:.1f}", f"{key.rate:.2f}"}
    return (
        DocumentLine.region == key.region,
        type_coerce(DocumentLine.vat_rate, String).in_(sorted(written)),
        DocumentLine.exemption_code == key.exemption,
    )


def sums_by_payment(store: Store, period: Period) -> dict[str, tuple[int, Decimal]]:
    """Return by means of payment how many documents were paid so, and how much, largest first."""
    amount = func.sum(cents(DocumentPayment.amount))
    rows = db.session.execute(
        select(DocumentPayment.mechanism, func.count(), amount)
        .join(Document, Document.id == DocumentPayment.document_id)
        .where(within(store, period), *standing())
        .group_by(DocumentPayment.mechanism)
    )
    found = {mechanism: (count, euros(paid)) for mechanism, count, paid in rows}
    return dict(sorted(found.items(), key=lambda each: -each[1][1]))


def counts_by_warning(store: Store, period: Period) -> dict[str, int]:
    """Return by code how many documents of the period warn of something."""
    rows = db.session.execute(
        select(DocumentWarning.code, func.count())
        .join(Document, Document.id == DocumentWarning.document_id)
        .where(within(store, period), *standing())
        .group_by(DocumentWarning.code)
        .order_by(DocumentWarning.code)
    )
    return {code: count for code, count in rows}  # noqa: C416

"""A month of the cases' documents adds up as the iGEST stand-in's ledger does, by kind, rate and exemption.

The ledger is the judge; it shares no code with `shopapp`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_store
from shopapp.documents.outcome import record_issued
from shopapp.errors import AppError
from shopapp.fiscal import invoice
from shopapp.fiscal.document import INVOICE_KINDS, DocumentKind, Draft
from shopapp.models import Account, Document, Store
from shopapp.models.document import ISSUING
from shopapp.models.queries import reports
from shopapp.models.queries.reports import Period, TaxKey

from .case_input import order_of, settings_of, today_of
from .test_cases import FILES, cases
from .test_through_adapters import running_igest

SERIES: Mapping[DocumentKind, str] = {kind: f"2026{kind}" for kind in (*INVOICE_KINDS, "NC")}


def drafts() -> list[Draft]:
    """Return the drafts of every case that makes an invoice of 2026 in the mainland's program."""
    found = []
    for case in (one for name in FILES for one in cases(name)):
        try:
            settings = replace(settings_of(case), series=SERIES, rounding_level="rate_group")
            draft = invoice.build_invoice(order_of(case), settings, today_of(case))
        except (AppError, KeyError):
            continue
        if draft.date.year == 2026 and settings.ship_from == "PT":
            found.append(draft)
    return sorted(found, key=lambda draft: draft.date)


def record(store: Store, account: Account, draft: Draft, order: str) -> Document:
    """Return a row that is being issued with that draft."""
    Document.create_if_absent(store, order, state=ISSUING)
    row = Document.find(store.id, order)
    assert row is not None
    row.account_id, row.kind, row.series, row.attempt = account.id, draft.kind, draft.series, 1
    row.draft_text, row.net, row.vat, row.total = draft.to_bytes().decode(), draft.net, draft.vat, draft.gross
    row.paid_at = datetime(draft.date.year, draft.date.month, draft.date.day, 12, tzinfo=UTC)
    return row


def test_a_year_of_every_case_adds_up_as_the_ledger_does(db: SQLAlchemy, tmp_path: Path) -> None:
    store = make_store()
    account = make_account(store)
    with running_igest(tmp_path) as igest:
        igest.begin_case("PT", "rate_group")
        for number, draft in enumerate(drafts()):
            try:
                issued = igest.issue(draft, draft.date)
            except AppError:
                continue  # what iGEST itself refuses is no part of its ledger
            assert record_issued(record(store, account, draft, str(1000 + number)), issued, "provider")
        ledger = igest.ledger
    assert len(ledger) > 60
    year = Period(
        date(2026, 1, 1), date(2026, 12, 31), datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    kinds: dict[str, Decimal] = defaultdict(Decimal)
    taxes: dict[TaxKey, Decimal] = defaultdict(Decimal)
    for entry in ledger:
        kinds[entry["number"].split()[0]] += Decimal(entry["totals"]["gross"])
        for group in entry["groups"]:
            key = TaxKey(group["region"], Decimal(group["rate"]), group["exemption"])
            taxes[key] += Decimal(group["gross"])
    documents = reports.documents_of(store, year)
    by_tax = reports.sums_by_tax(store, year)
    assert {kind: sums.gross for kind, sums in reports.sums_by_kind(documents).items()} == kinds
    assert reports.total(one.sums for one in documents).gross == sum(kinds.values())
    assert {key: sums.gross for key, sums in reports.by_tax(by_tax).items()} == taxes
    assert reports.not_in_lines(documents, by_tax).gross == 0

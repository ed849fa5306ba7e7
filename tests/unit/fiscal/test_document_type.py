"""The type, date and series of an order's document (DOC1 to DOC4, DATE1 to DATE3, VAT5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import LISBON, PAID_AT, make_line, make_order
from shopapp.errors import NotYet, SettingsError
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.party import Address, Party
from tests.unit.fiscal.build import build, stop_of


def test_a_payment_of_another_day_is_printed_and_nothing_is_dated_back() -> None:
    draft = build(make_order(make_line("24.60"), total="24.60"), today=date(2026, 11, 23))
    assert draft.date == date(2026, 11, 23)
    assert draft.notes == ("Pagamento recebido em 2026-11-20.",)


def test_a_later_document_has_the_rate_of_the_payment_day() -> None:
    paid = datetime(2024, 9, 30, 12, tzinfo=UTC)
    order = make_order(make_line("10.50", None, category="reduced"), total="10.50", paid_at=paid)
    draft = build(order, FiscalSettings(ship_from="PT-MA"), date(2024, 10, 1))
    assert draft.lines[0].vat_rate == Decimal(5) and draft.date == date(2024, 10, 1)


@pytest.mark.parametrize(
    ("status", "code"), [("open", "unpaid"), ("abandoned", "unpaid"), ("cancelled", "cancelled")]
)
def test_an_order_that_is_not_paid_waits(status: Any, code: str) -> None:
    error = stop_of(make_order(make_line(), total="10.00", status=status, paid_at=None))
    assert isinstance(error, NotYet) and error.code == code


def test_unpaid_goods_handed_over_get_an_invoice_without_means_of_payment() -> None:
    order = make_order(make_line(), total="10.00", status="open", paid_at=None, goods_made_available=PAID_AT)
    draft = build(order)
    assert (draft.kind, draft.payments) == ("FT", ())
    assert stop_of(order, today=date(2026, 11, 19)).code == "unpaid"


def test_a_free_order_waits_for_the_merchant() -> None:
    error = stop_of(make_order(make_line(), total="0.00", discount=Decimal("10.00")))
    assert isinstance(error, NotYet) and error.code == "free"


@pytest.mark.parametrize(
    ("total", "business", "retailer", "regime", "kind"),
    [
        ("1000.00", False, True, "normal", "FS"),
        ("1000.01", False, True, "normal", "FR"),
        ("100.00", True, True, "normal", "FS"),
        ("100.01", True, True, "normal", "FR"),
        ("100.01", False, False, "normal", "FR"),
        ("1500.00", False, True, "art53_exempt", "FS"),
    ],
)
def test_a_simplified_invoice_stays_within_its_limits(
    total: str, business: bool, retailer: bool, regime: Any, kind: str
) -> None:
    buyer = Party("Ana Exemplo", "500000000" if business else "", address=LISBON)
    charged = "23" if regime == "normal" else None
    order = make_order(make_line(total, charged), total=total, buyer=buyer)
    assert build(order, FiscalSettings(kind="FS", retailer=retailer, regime=regime)).kind == kind


def test_a_sale_abroad_never_gets_a_simplified_invoice() -> None:
    to = Address("1 Example St", "10001", "New York", "US")
    draft = build(make_order(make_line("10.00", None), total="10.00", ship_to=to), FiscalSettings(kind="FS"))
    assert draft.kind == "FR" and "DOC4" in draft.rules


@pytest.mark.parametrize(
    ("code", "kind"), [("M41", "FR"), ("M44", "FR"), ("M45", "FR"), ("M07", "FS"), ("M99", "FS")]
)
def test_a_simplified_invoice_is_for_tax_that_is_due_in_portugal(code: str, kind: str) -> None:
    order = make_order(make_line("10.00", None), total="10.00")
    chosen = Decisions({"product-tax": {"Artigo": code}})
    assert build(order, FiscalSettings(kind="FS", decisions=chosen)).kind == kind


def test_the_series_of_the_kind_is_used_and_a_missing_one_stops_the_order() -> None:
    order = make_order(make_line(), total="10.00")
    assert build(order, FiscalSettings(series={"FR": "2026FR"})).series == "2026FR"
    error = stop_of(order, FiscalSettings(series={"FT": "2026FT"}))
    assert isinstance(error, SettingsError) and (error.code, error.detail) == (
        "series-missing",
        {"kind": "FR"},
    )

"""The invoice of an order: type, amounts, rules, and the customer on it (ID1, ID3, ID4)."""

from __future__ import annotations

from decimal import Decimal

from dev.order_factories import TODAY, make_line, make_order
from shopapp.fiscal.party import Address, Party
from tests.unit.fiscal.build import build, stop_of


def test_a_paid_order_is_an_invoice_receipt_of_today_with_the_rules_that_decided() -> None:
    draft = build(make_order(make_line("24.60"), total="24.60"))
    assert (draft.kind, draft.date, draft.net, draft.vat, draft.gross) == (
        "FR", TODAY, Decimal("20.00"), Decimal("4.60"), Decimal("24.60"),
    )  # fmt: skip
    assert {"DOC1", "VAT1", "NUM1", "ID1"} <= set(draft.rules)
    assert draft.customer.name == "Ana Exemplo" and not draft.customer.print_tax_id


def test_a_business_without_name_and_address_is_stopped_with_what_is_missing() -> None:
    error = stop_of(
        make_order(make_line(), total="10.00", buyer=Party("", "500000000"), ship_to=Address(country="PT"))
    )
    assert (error.code, error.detail["missing"]) == ("customer-incomplete", ["name", "address"])


def test_a_consumer_without_a_name_is_called_final_consumer_below_a_thousand() -> None:
    order = make_order(make_line("999.99"), total="999.99", buyer=Party())
    assert build(order).customer.name == "Consumidor final"
    dear = make_order(make_line("1000.00"), total="1000.00", buyer=Party())
    assert stop_of(dear).code == "customer-incomplete"

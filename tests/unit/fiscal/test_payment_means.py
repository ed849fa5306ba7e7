"""Means of payment and gift cards (VOU2)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dev.order_factories import make_line, make_order
from shopapp.fiscal.order import Payment
from tests.unit.fiscal.build import build


def test_gift_cards_used_are_a_means_of_payment_and_not_a_discount() -> None:
    order = make_order(make_line("49.20"), total="29.20", gift_cards=Decimal("20.00"))
    order = replace(order, payments=(Payment("card", Decimal("29.20")),))
    draft = build(order)
    assert draft.gross == Decimal("49.20")
    assert [(means.mechanism, means.amount) for means in draft.payments] == [
        ("CC", Decimal("29.20")),
        ("CO", Decimal("20.00")),
    ]
    assert "VOU2" in draft.rules


@pytest.mark.parametrize("total", ["49.20", "29.20"])
def test_the_list_of_payments_shows_whether_the_total_includes_the_gift_card(total: str) -> None:
    payments = (Payment("gift_card", Decimal("20.00")), Payment("multibanco", Decimal("29.20")))
    draft = build(make_order(make_line("49.20"), total=total, payments=payments))
    assert draft.gross == Decimal("49.20")
    assert {means.mechanism for means in draft.payments} == {"MB", "CO"}


def test_an_unknown_means_of_payment_is_other() -> None:
    draft = build(
        make_order(make_line(), total="10.00", payments=(Payment("webpay_plus", Decimal("10.00")),))
    )
    assert [means.mechanism for means in draft.payments] == ["OU"]

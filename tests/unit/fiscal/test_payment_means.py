"""Means of payment and gift cards (VOU2 to VOU4)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dev.order_factories import make_line, make_order
from shopapp.errors import NotYet, Question
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order, Payment
from tests.unit.fiscal.build import build, stop_of


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


def half_paid_with_a_card(*, inclusive: bool = True) -> Order:
    """Return an order of a mug, a book and shipping for 50.00, of which 20.00 came from a gift card."""
    prices = ("30.00", "15.00", "5.00") if inclusive else ("24.39", "14.15", "4.07")
    mug, book, shipping = (
        make_line(prices[0], "23", description="Caneca"),
        make_line(prices[1], "6", description="Livro"),
        make_line(prices[2], "23", kind="shipping", ref="SHIP"),
    )
    return make_order(
        mug, book, shipping, total="30.00", gift_cards=Decimal("20.00"), prices_include_tax=inclusive,
        payments=(Payment("card", Decimal("30.00")),),
    )  # fmt: skip


def used(answer: str, subject: str = "*") -> FiscalSettings:
    return FiscalSettings(decisions=Decisions({"gift-card-use": {subject: answer}}))


def test_the_first_gift_card_used_is_asked_about_with_both_totals() -> None:
    error = stop_of(half_paid_with_a_card(), FiscalSettings())
    assert error.code == "gift-card-use-undecided"
    assert error.question == Question(
        "gift-card-use",
        ("#1001", "*"),
        {"multi-purpose": "50.00", "single-purpose": "30.00", "given": "30.00"},
    )
    another_order = used("given", "#1002")
    assert stop_of(half_paid_with_a_card(), another_order).code == "gift-card-use-undecided"


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(("answer", "rule"), [("single-purpose", "VOU3"), ("given", "VOU4")])
def test_a_card_that_was_taxed_before_or_never_paid_reduces_the_goods_first(
    answer: str, rule: str, inclusive: bool
) -> None:
    draft = build(half_paid_with_a_card(inclusive=inclusive), used(answer))
    assert [line.gross for line in draft.lines] == [Decimal("16.67"), Decimal("8.33"), Decimal("5.00")]
    assert (draft.gross, draft.vat) == (Decimal("30.00"), Decimal("4.05") + Decimal("0.47"))
    assert [(means.mechanism, means.amount) for means in draft.payments] == [("CC", Decimal("30.00"))]
    assert rule in draft.rules and "VOU2" not in draft.rules


def test_an_order_paid_whole_with_a_card_that_was_taxed_before_needs_no_document() -> None:
    order = make_order(make_line("20.00"), total="0.00", gift_cards=Decimal("20.00"))
    error = stop_of(order, used("single-purpose"))
    assert isinstance(error, NotYet) and error.code == "free"
    assert build(order, used("multi-purpose")).gross == Decimal("20.00")

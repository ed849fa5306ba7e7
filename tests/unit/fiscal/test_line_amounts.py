"""The amount paid for each line: the shop's rounding, other currencies, and impossible lines (NUM1 to NUM3, CUR1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import make_line, make_order
from shopapp.errors import OrderError
from tests.unit.fiscal.build import build, stop_of


def test_a_total_that_no_rounding_explains_is_stopped_with_both_figures() -> None:
    error = stop_of(make_order(make_line("10.00"), make_line("5.00"), total="15.02"))
    assert isinstance(error, OrderError)
    assert (error.code, error.detail) == ("total-differs", {"paid": "15.02", "lines": "15.00"})
    assert "NUM1" in error.rules


@pytest.mark.parametrize(
    ("total", "level", "vat"), [("0.37", "rate_group", "0.07"), ("0.36", "line", "0.06")]
)
def test_the_shops_rounding_is_found_and_followed(total: str, level: str, vat: str) -> None:
    order = make_order(*[make_line("0.10")] * 3, total=total, prices_include_tax=False)
    draft = build(order)
    assert (draft.rounding, draft.net, draft.vat) == (level, Decimal("0.30"), Decimal(vat))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": Decimal(-1)}, "quantity-not-positive"),
        ({"unit_price": Decimal("-1.00"), "kind": "giftcard"}, "negative-line"),
        ({"discount": Decimal("-1.00")}, "negative-line"),
        ({"discount": Decimal("10.01")}, "discount-exceeds"),
    ],
)
def test_a_line_that_no_document_can_have_is_stopped(changes: Any, code: str) -> None:
    assert stop_of(make_order(make_line("10.00", **changes), total="10.00")).code == code


def test_an_order_without_lines_or_with_too_large_a_coupon_is_stopped() -> None:
    assert stop_of(make_order(total="1.00")).code == "no-lines"
    assert (
        stop_of(make_order(make_line(), total="1.00", discount=Decimal("10.01"))).code == "discount-exceeds"
    )
    assert stop_of(make_order(make_line(), total="-1.00")).code == "negative-total"


def test_another_currency_is_converted_once_and_printed_on_the_document() -> None:
    order = make_order(*[make_line("3.33")] * 3, total="9.99", currency="USD", exchange_rate=Decimal("1.16"))
    draft = build(order)
    assert draft.gross == Decimal("8.61")
    assert sum(line.gross for line in draft.lines) == Decimal("8.61")
    assert draft.notes[0].startswith("Total pago: 9.99 USD")
    assert stop_of(replace(order, exchange_rate=None)).code == "currency"

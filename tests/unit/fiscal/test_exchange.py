"""An order in another currency is converted at the rate that the merchant stated for its month (CUR1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import make_line, make_order
from shopapp.errors import Question
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order
from tests.unit.fiscal.build import build, stop_of


def in_dollars(**changes: Any) -> Order:
    lines = make_line("61.50"), make_line("26.50", "6")
    return make_order(*lines, total="88.00", currency="USD", **changes)


def rates(**by_month: str) -> FiscalSettings:
    found = {month.replace("_", "-").replace("USD-", "USD "): rate for month, rate in by_month.items()}
    return FiscalSettings(decisions=Decisions({"exchange-rate": found}))


def test_the_total_is_converted_once_and_the_rate_and_its_source_are_on_the_document() -> None:
    draft = build(in_dollars(), rates(USD_2026_11="1.0834 Banco de Portugal, 2/11/2026"))
    assert draft.gross == Decimal("81.23") == sum(line.gross for line in draft.lines)
    assert [group.vat_rate for group in draft.summary] == [Decimal(23), Decimal(6)]
    assert any("1 EUR = 1.0834 USD" in note for note in draft.notes)
    assert any("Banco de Portugal, 2/11/2026" in note for note in draft.notes)


@pytest.mark.parametrize(
    "settings",
    [rates(), rates(USD_2026_10="1.08 BdP"), rates(USD_2026_11="cheap"), rates(USD_2026_11="0 BdP")],
)
def test_without_a_rate_for_the_month_of_the_payment_the_merchant_is_asked(settings: FiscalSettings) -> None:
    error = stop_of(in_dollars(), settings)
    assert (error.code, error.detail) == ("currency", {"currency": "USD"})
    assert error.question == Question("exchange-rate", ("USD 2026-11",), {})


def test_a_rate_that_the_order_states_comes_first() -> None:
    draft = build(in_dollars(exchange_rate=Decimal("1.10")), rates(USD_2026_11="1.0834 BdP"))
    assert draft.gross == Decimal("80.00")

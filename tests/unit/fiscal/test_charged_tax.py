"""The tax that the shop charged is compared with the lawful one."""

from __future__ import annotations

from decimal import Decimal

from dev.order_factories import make_line, make_order
from shopapp.errors import Question
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.party import Address
from tests.unit.fiscal.build import build, stop_of


def test_the_law_decides_the_rate_and_the_merchant_accepts_it_once_per_cause() -> None:
    order = make_order(make_line("61.00", "22"), total="61.00")
    error = stop_of(order, FiscalSettings())
    assert error.code == "tax-differs"
    assert error.detail["cause"] == "22>23"
    assert (error.detail["vat_charged"], error.detail["vat"]) == ("11.00", "11.41")
    draft = build(order, FiscalSettings(decisions=Decisions({"tax-difference": {"22>23": "follow-law"}})))
    assert (draft.gross, draft.vat, draft.lines[0].charged) == (
        Decimal("61.00"),
        Decimal("11.41"),
        Decimal(22),
    )
    assert "tax-follows-law" in draft.warnings


def test_a_difference_may_be_accepted_for_one_product_alone() -> None:
    jar = make_line("61.00", "22", sku="JAR")
    error = stop_of(make_order(jar, total="61.00"))
    assert error.question == Question("tax-difference", ("22>23 JAR", "22>23"), {"follow-law": "11.41"})
    jars_alone = FiscalSettings(decisions=Decisions({"tax-difference": {"22>23 JAR": "follow-law"}}))
    assert build(make_order(jar, total="61.00"), jars_alone).vat == Decimal("11.41")
    plate = make_line("12.20", "22", sku="PLATE")
    assert stop_of(make_order(plate, total="12.20"), jars_alone).code == "tax-differs"


def test_a_shop_that_charged_tax_on_an_export_is_asked_about_it() -> None:
    to = Address("1 Example St", "10001", "New York", "US")
    order = make_order(make_line("123.00"), total="123.00", ship_to=to)
    assert stop_of(order).detail["cause"] == "23>0"
    draft = build(order, FiscalSettings(decisions=Decisions({"tax-difference": {"23>0": "follow-law"}})))
    assert (draft.net, draft.vat, draft.lines[0].exemption_code) == (
        Decimal("123.00"),
        Decimal("0.00"),
        "M05",
    )


def test_an_order_with_only_one_untaxed_line_gets_no_warning() -> None:
    draft = build(make_order(make_line("80.00", None), make_line("24.60"), total="104.60"))
    assert "all-untaxed" not in draft.warnings

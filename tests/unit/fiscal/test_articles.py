"""Products without SKU, by the merchant's setting, and the tax with which a new article is created."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import TODAY, make_line, make_order
from shopapp.errors import NotYet, OrderError
from shopapp.fiscal import invoice, tax_tables
from shopapp.fiscal.articles import domestic_article_tax
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import DraftLine, FiscalSettings
from shopapp.fiscal.order import LineKind, Order
from shopapp.fiscal.party import Address, Party

MADEIRA = FiscalSettings(ship_from="PT-MA")


def chosen(answer: str) -> Decisions:
    return Decisions({"product-tax": {"LIV-1": answer}})


def mug(**changes: Any) -> Order:
    return make_order(make_line("12.30", description="Caneca", **changes), total="12.30")


# Products without SKU


@pytest.mark.parametrize("kind", ["goods", "service"])
def test_a_product_without_sku_stops_the_order_only_if_the_merchant_wants(kind: LineKind) -> None:
    order = mug(sku="", kind=kind)
    for rule in ("", "generic"):
        assert invoice.build_invoice(order, FiscalSettings(no_sku=rule), TODAY).gross == Decimal("12.30")  # type: ignore[arg-type]
    with pytest.raises(OrderError) as raised:
        invoice.build_invoice(order, FiscalSettings(no_sku="block"), TODAY)
    assert (raised.value.code, raised.value.detail) == ("sku-missing", {"line": "Caneca"})


def test_shipping_and_gift_cards_need_no_sku() -> None:
    order = make_order(
        make_line("12.30", sku="CAN-1"),
        make_line("5.00", kind="shipping"),
        make_line("20.00", None, kind="giftcard"),
        total="37.30",
    )
    settings = FiscalSettings(no_sku="block", decisions=Decisions({"gift-card": {"*": "multi-purpose"}}))
    assert invoice.build_invoice(order, settings, TODAY).gross == Decimal("37.30")


def test_an_unpaid_order_waits_even_without_sku() -> None:
    with pytest.raises(NotYet):
        invoice.build_invoice(
            replace(mug(), status="open", paid_at=None), FiscalSettings(no_sku="block"), TODAY
        )


# Tax of a new article


def line_of(order: Order, settings: FiscalSettings) -> DraftLine:
    return invoice.build_invoice(order, settings, TODAY).lines[0]


def new_article_tax(
    order: Order, settings: FiscalSettings = MADEIRA, day: date = TODAY
) -> tuple[str, str, str]:
    tax = domestic_article_tax(line_of(order, settings), settings, day)
    return tax.region, str(tax.rate), tax.exemption


def abroad(order: Order, country: str, **changes: Any) -> Order:
    there = Address("Calle Ejemplo 1", "28001", "Madrid", country)
    return replace(order, ship_to=there, buyer=Party("Ana", address=there, **changes))


def test_an_article_sold_at_home_has_the_rate_of_the_sale() -> None:
    assert new_article_tax(mug(charged=Decimal(22))) == ("PT-MA", "22", "")
    assert new_article_tax(mug(charged=Decimal(4))) == ("PT-MA", "4", "")


def test_an_article_sold_to_another_member_state_has_the_rate_at_home() -> None:
    settings = replace(MADEIRA, oss_registered=True, threshold_exceeded=True)
    order = abroad(mug(charged=Decimal(21)), "ES")
    assert line_of(order, settings).vat_rate == 21
    assert new_article_tax(order, settings) == ("PT-MA", "22", "")


def test_an_exported_article_has_the_charged_or_the_normal_rate_and_no_exemption() -> None:
    follow_law = replace(MADEIRA, decisions=Decisions({"tax-difference": {"4>0": "follow-law"}}))
    order = abroad(mug(charged=Decimal(4)), "US")
    assert line_of(order, follow_law).exemption_code == "M05"
    assert new_article_tax(order, follow_law) == ("PT-MA", "4", "")
    untaxed = abroad(mug(charged=None), "US")
    assert line_of(untaxed, MADEIRA).exemption_code == "M05"
    assert new_article_tax(untaxed) == ("PT-MA", "22", "")


def test_the_merchants_choice_for_a_product_holds_for_a_sale_abroad_too() -> None:
    exported = abroad(mug(charged=None, sku="LIV-1"), "US")
    assert new_article_tax(exported, replace(MADEIRA, decisions=chosen("reduced"))) == ("PT-MA", "4", "")
    assert new_article_tax(exported, replace(MADEIRA, decisions=chosen("M07"))) == ("PT-MA", "0", "M07")


def test_a_line_at_zero_gives_its_exemption_to_the_article() -> None:
    settings = replace(MADEIRA, decisions=Decisions({"product-tax": {"Caneca": "M07"}}))
    assert new_article_tax(mug(charged=None), settings) == ("PT-MA", "0", "M07")


def test_a_merchant_exempt_by_article_53_has_untaxed_articles_even_after_a_sale_abroad() -> None:
    exempt = replace(MADEIRA, regime="art53_exempt")
    assert new_article_tax(mug(charged=None), exempt) == ("PT-MA", "0", "M10")
    download = abroad(mug(charged=None, kind="service"), "US")
    assert line_of(download, exempt).exemption_code == "M44"
    assert new_article_tax(download, exempt) == ("PT-MA", "0", "M10")


def test_a_service_taxed_in_another_region_has_its_rate_at_home() -> None:
    """A business in the Azores is taxed there (VAT3); the article has the rate of the merchant, who is in Lisbon."""
    there = Address("Rua do Exemplo 1", "9500-150", "Ponta Delgada", "PT")
    order = replace(
        mug(kind="service", charged=Decimal(16)),
        ship_to=None,
        buyer=Party("Exemplo, Lda.", company="Exemplo, Lda.", tax_id="500000000", address=there),
    )
    settings = FiscalSettings()
    assert (line_of(order, settings).region, line_of(order, settings).vat_rate) == ("PT-AC", 16)
    assert new_article_tax(order, settings) == ("PT", "23", "")


def test_an_exemption_that_is_no_longer_in_force_is_not_given_to_an_article() -> None:
    settings = replace(MADEIRA, decisions=chosen("M26"))
    assert tax_tables.exempt_tax("PT-MA", "M26", TODAY) is None
    assert new_article_tax(abroad(mug(charged=None, sku="LIV-1"), "US"), settings) == ("PT-MA", "22", "")

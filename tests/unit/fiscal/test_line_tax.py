"""The lawful rate or exemption of each line (VAT7, VOU1, exemptions)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dev.order_factories import LISBON, make_line, make_order
from shopapp.errors import SettingsError
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.party import Address, Party
from tests.unit.fiscal.build import build, stop_of


def test_untaxed_lines_get_the_exemption_that_the_merchant_chose_with_its_mention() -> None:
    draft = build(make_order(make_line("80.00", None), total="80.00"))
    line = draft.lines[0]
    assert (line.exemption_code, line.exemption_mention, line.tax_code) == (
        "M07",
        "Isento artigo 9.º do CIVA",
        "ISE",
    )
    assert "all-untaxed" in draft.warnings


def test_an_untaxed_line_without_a_chosen_exemption_is_stopped() -> None:
    error = stop_of(make_order(make_line("80.00", None), total="80.00"), FiscalSettings())
    assert isinstance(error, SettingsError) and error.code == "exemption-missing"


@pytest.mark.parametrize("code", ["M05", "M16", "M40", "M04", "M46"])
def test_an_exemption_that_only_the_place_gives_cannot_be_chosen(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stop_of(order, FiscalSettings(exemption=code)).code == "exemption-not-lawful"


@pytest.mark.parametrize("code", ["M03", "M08", "M26", "M98"])
def test_a_withdrawn_or_unknown_exemption_is_stopped(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stop_of(order, FiscalSettings(exemption=code)).code == "exemption-withdrawn"


def test_reverse_charge_needs_a_portuguese_business() -> None:
    marked = FiscalSettings(exceptions={"CORK": "M33"})
    line = make_line("80.00", None, sku="CORK")
    assert stop_of(make_order(line, total="80.00"), marked).code == "reverse-charge-needs-business"
    firm = Party("Empresa Exemplo, Lda", "500000000", address=LISBON)
    assert build(make_order(line, total="80.00", buyer=firm), marked).lines[0].exemption_code == "M33"


def test_a_product_can_have_its_own_exemption_or_category() -> None:
    order = make_order(
        make_line("80.00", None, sku="COURSE"), make_line("10.60", "6", sku="BOOK"), total="90.60"
    )
    draft = build(order, FiscalSettings(exceptions={"COURSE": "M07", "BOOK": "reduced"}))
    assert [line.exemption_code for line in draft.lines] == ["M07", ""]
    assert stop_of(order, FiscalSettings(exceptions={"COURSE": "cheap"})).code == "exception-unknown"


def test_a_rate_that_no_region_has_is_stopped() -> None:
    error = stop_of(make_order(make_line("10.00", "21"), total="10.00"))
    assert (error.code, error.detail["rate"]) == ("rate-unknown", "21")


def test_goods_without_a_destination_for_a_buyer_abroad_are_stopped() -> None:
    buyer = Party("Ana", address=Address("Calle 1", "28001", "Madrid", "ES"))
    assert (
        stop_of(make_order(make_line(), total="10.00", buyer=buyer, ship_to=None)).code
        == "destination-missing"
    )


def test_a_product_of_several_goods_has_the_highest_of_their_rates() -> None:
    draft = build(make_order(make_line("24.60", None, parts=("reduced", "normal")), total="24.60"))
    assert draft.lines[0].vat_rate == Decimal(23) and "VAT7" in draft.rules


def test_gift_cards_wait_for_the_merchants_choice_and_then_have_no_tax() -> None:
    card = make_line("50.00", "23", kind="giftcard")
    assert stop_of(make_order(card, total="50.00")).code == "gift-card-undecided"
    draft = build(
        make_order(card, make_line("24.60"), total="74.60"), FiscalSettings(gift_cards="multi-purpose")
    )
    assert [line.exemption_code for line in draft.lines] == ["M99", ""]

"""Shopkit's orders, lists and webhooks under each behaviour that its documentation leaves open, live.

The stand-in's own arithmetic is the judge; it shares no code with `shopapp`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.shopkit.order_format import amounts_of
from sandbox.shopkit.switches import ORDER_SWITCHES, SWITCHES
from shopapp.errors import OrderError, RefusedError, ThrottledError
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.invoice import build_invoice
from shopapp.fiscal.order import Order
from shopapp.platforms.shopkit.webhooks import EVENTS, PRODUCT_EVENTS
from tests.contract.shopkit_shop import ShopkitShop
from tests.contract.test_platforms import WEBHOOK_URL, attachment, open_platform, whole_catalogue

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FOLLOW_LAW = Decisions({"tax-difference": {"*": "follow-law"}})
SETTINGS = FiscalSettings(exemption="M07", decisions=FOLLOW_LAW)
CUP, BOOK, WINE, COURSE = (
    {"sku": sku, "qty": pieces}
    for sku, pieces in (("TACA-01", 2), ("LIV-OLA-01", 1), ("VINHO-01", 3), ("WORK-ISENTO", 1))
)
ORDERS: dict[str, dict[str, Any]] = {
    "two rates": {"lines": [CUP, BOOK]},
    "exempt line": {"lines": [CUP, COURSE]},
    "discount of a line": {"lines": [{**CUP, "discount": "1.50"}, WINE]},
    "percent": {"lines": [CUP, BOOK, WINE], "coupon": {"type": "percent", "value": 15}, "shipping": "4.99"},
    "fixed": {"lines": [CUP, BOOK], "coupon": {"type": "fixed", "value": 5}},
    "free shipping": {"lines": [CUP], "coupon": {"type": "shipping", "value": 0}, "shipping": "4.99"},
    "fee": {"lines": [CUP, BOOK], "shipping": "4.99", "payment": {"method": "on_delivery", "fee": "1.90"}},
    "points": {"lines": [CUP, BOOK], "loyalty": "3.00"},
    "extras": {"lines": [{**CUP, "extras": [{"title": "Gravação", "price": "2.50"}]}, BOOK]},
    "wholesale": {"lines": [CUP, BOOK], "wholesale": True, "shipping": "4.99"},
    "madeira": {"lines": [CUP], "address": "madeira", "shipping": "6.50"},
    "abroad": {"lines": [CUP], "address": "us", "shipping": "9.90"},
}
STOPPED = {
    ("loyalty", "hidden"): ("points",),
    ("extras", "hidden"): ("extras",),
}
"""Where the order does not say what was paid for: it is stopped with both figures."""


@pytest.fixture
def shop() -> Iterator[ShopkitShop]:
    found = ShopkitShop()
    with found.opened("live", ""):
        yield found


def unknowns(names: list[str]) -> list[tuple[str, str]]:
    return [(each.name, position) for each in SWITCHES if each.name in names for position in each.positions]


def gross_by_rate(shop: ShopkitShop, number: str) -> dict[int, Decimal]:
    """Return what the shop charged for the goods of each rate, points not taken off."""
    order = shop.stored_order(number)
    found: dict[int, Decimal] = {}
    for line, amounts in zip(order["spec"]["lines"], amounts_of(shop._parts.state, order).lines, strict=True):
        rate = int(line["tax"])
        found[rate] = found.get(rate, Decimal(0)) + Decimal(str(amounts.gross))
    return found


def read_by_rate(order: Order) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    goods = [line for line in order.lines if line.kind in ("goods", "service")]
    whole = sum(line.value for line in goods)
    for line in goods:
        rate = int(line.charged or 0)
        value = line.value - order.discount * line.value / whole
        gross = value if order.prices_include_tax else value * (1 + Decimal(rate) / 100)
        found[rate] = found.get(rate, Decimal(0)) + gross
    return found


@pytest.mark.sweep
@pytest.mark.parametrize("inclusive", [True, False], ids=["with-vat", "without-vat"])
@pytest.mark.parametrize(("switch", "position"), unknowns([each.name for each in ORDER_SWITCHES]))
def test_an_order_is_read_to_the_cent_or_stopped_with_both_figures(
    shop: ShopkitShop, switch: str, position: str, inclusive: bool
) -> None:
    platform = open_platform(shop)
    for name, spec in ORDERS.items():
        number = shop.place_order(prices_include_tax=inclusive, **spec, switches={switch: position})
        if name in STOPPED.get((switch, position), ()):
            with pytest.raises(OrderError) as raised:
                platform.read_order(number)
            assert raised.value.code == "total-differs"
            continue
        order = platform.read_order(number)
        charged, read = gross_by_rate(shop, number), read_by_rate(order)
        points = Decimal(str(amounts_of(shop._parts.state, shop.stored_order(number)).loyalty))
        share = 1 - points / sum(charged.values())
        assert {rate: round(gross * share, 1) for rate, gross in charged.items()} == {
            rate: round(gross, 1) for rate, gross in read.items()
        }, name
        if position != "cut":
            assert build_invoice(order, SETTINGS, date(2026, 12, 1)).gross == order.total, name


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("switch", "position"),
    unknowns(["order-list", "empty-list", "paging-ends", "page-limit", "order-sort", "order-rows", "order-filters",
              "filter-days", "numbers", "types"]),
)  # fmt: skip
def test_every_order_is_listed_however_the_list_answers(
    shop: ShopkitShop, switch: str, position: str
) -> None:
    platform = open_platform(shop)
    shop.turn(switch, position)
    assert list(platform.paid_orders(LONG_AGO)) == []
    numbers = [shop.place_order(pay=bool(at % 3)) for at in range(56)]
    shop._parts.orders.set_status(shop._shop, shop._shop.orders[int(numbers[1])], "canceled")
    paid = [row.order_id for row in platform.paid_orders(LONG_AGO)]
    assert paid == [number for at, number in reversed(list(enumerate(numbers))) if at % 3 and at != 1]
    unpaid = [(row.order_id, row.status, row.unreadable) for row in platform.unpaid_orders(LONG_AGO)]
    assert unpaid == [
        (number, "open" if at % 3 == 0 else "cancelled", ())
        for at, number in reversed(list(enumerate(numbers)))
        if at % 3 == 0 or at == 1
    ]


@pytest.mark.parametrize(
    ("switch", "position"),
    unknowns(["product-list", "paging-ends", "page-limit", "empty-list", "option-stock"]),
)
def test_the_whole_catalogue_is_read_however_the_list_answers(
    shop: ShopkitShop, switch: str, position: str
) -> None:
    shop.load([{"title": f"Prato {at}", "reference": f"P-{at}", "price": 5, "stock": at} for at in range(56)])
    shop.turn(switch, position)
    found = {item.sku: item.stock for item in whole_catalogue(open_platform(shop))}
    assert found == {**shop.levels, "PDF-MOLDES": None, **{f"P-{at}": at for at in range(56)}}


@pytest.mark.parametrize(("switch", "position"), unknowns(["limit-answer", "retry-after", "limit-window"]))
def test_above_the_limit_the_call_waits(shop: ShopkitShop, switch: str, position: str) -> None:
    number = shop.place_order()
    platform = open_platform(shop)
    shop.turn(switch, position)
    shop._parts.limit.use_up(shop.code, 3600)
    for call in (lambda: platform.read_order(number), lambda: list(platform.paid_orders(LONG_AGO))):
        with pytest.raises(ThrottledError) as raised:
            call()
        assert raised.value.retry_after


@pytest.mark.parametrize(
    ("switch", "position"), unknowns(["webhook-list", "empty-list", "webhook-events", "suspended-again"])
)
def test_webhooks_are_subscribed_and_a_suspended_one_is_healed(
    shop: ShopkitShop, switch: str, position: str
) -> None:
    shop.turn(switch, position)
    platform = open_platform(shop)
    assert platform.subscribe_webhooks(WEBHOOK_URL, EVENTS + PRODUCT_EVENTS) == "missing"
    assert platform.subscribe_webhooks(WEBHOOK_URL, EVENTS + PRODUCT_EVENTS) == ""
    assert "order_paid" in {hook["event"] for hook in shop.webhooks()}
    before = len(shop.webhooks())
    shop.arrange("suspended-hook")
    assert platform.subscribe_webhooks(WEBHOOK_URL, EVENTS + PRODUCT_EVENTS) == "paused"
    assert [hook["suspended"] for hook in shop.webhooks()] == [False] * before


@pytest.mark.parametrize(("shown", "again"), [("missing", "reactivated"), ("active", "reactivated")])
def test_a_suspended_webhook_that_does_not_show_is_healed_by_creating_all_again(
    shop: ShopkitShop, shown: str, again: str
) -> None:
    shop.turn("suspended-shown", shown)
    shop.turn("suspended-again", again)
    platform = open_platform(shop)
    platform.subscribe_webhooks(WEBHOOK_URL, EVENTS)
    shop.arrange("suspended-hook")
    platform.subscribe_webhooks(WEBHOOK_URL, EVENTS, recreate=True)
    assert [hook["suspended"] for hook in shop.webhooks()] == [False] * len(EVENTS)


@pytest.mark.parametrize(
    ("switch", "position"), unknowns(["invoice-overwrite", "file-limit", "file-address", "invoiced-event"])
)
@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.4" * 2000])
def test_the_invoice_is_shown_once_and_a_shop_that_keeps_the_former_one_is_reported(
    shop: ShopkitShop, switch: str, position: str, pdf: bytes
) -> None:
    shop.turn(switch, position)
    number = shop.place_order()
    platform = open_platform(shop)
    for _ in range(2):
        platform.attach_document(number, _with_pdf(attachment(), pdf))
    assert sum(exchange.method == "PUT" and exchange.status == 200 for exchange in shop.exchanges) == 1
    reissued = _with_pdf(attachment(number="FR 2026FR/13"), pdf, "https://app.test/d/another")
    # the address of a file says nothing of what is in it
    is_kept = position == "kept" and not pdf
    if switch == "invoice-overwrite" and (position == "refused" or is_kept):
        with pytest.raises(RefusedError):
            platform.attach_document(number, reissued)
    else:
        platform.attach_document(number, reissued)


def _with_pdf(document: Any, pdf: bytes, url: str = "") -> Any:
    return type(document)(document.kind, document.external_id, document.number, url or document.url, pdf)

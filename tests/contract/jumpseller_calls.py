"""Our schema of the Jumpseller calls that the adapter makes, and the comparison of a call with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from shopapp.platforms.base import Attachment, Platform
from tests.contract.jumpseller_shop import JumpsellerShop
from tests.contract.platform_shop import Exchange

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "jumpseller_schema.json").read_text("utf-8"))
CALLS: dict[str, dict[str, Any]] = SCHEMA["calls"]


def call_of(exchange: Exchange) -> str:
    """Return the call's name in the schema: `GET /orders/{id}.json`."""
    path = re.sub(r"/\d+(?=[/.])", "/{id}", exchange.path.removeprefix("/v1"))
    return f"{exchange.method} {path}"


def differences(exchange: Exchange) -> Iterator[str]:
    """Yield each difference between this call and the schema."""
    call = call_of(exchange)
    if call not in CALLS:
        yield f"{call}: not in the schema"
        return
    known = CALLS[call]
    answer = known["answers"].get(str(exchange.status))
    if answer is None:
        yield f"{call}: answered {exchange.status}"
    query = known.get("query", {"type": "object", "maxProperties": 0})
    request = known.get("request", {"type": "null"})
    for what, value, schema in (
        ("query", dict(exchange.query), query),
        ("request", exchange.sent, request),
        ("answer", exchange.got, answer or {}),
    ):
        for error in Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]}).iter_errors(value):
            yield f"{call}: {what} {error.json_path}: {error.message[:200]}"


def make_every_call(shop: JumpsellerShop) -> list[Exchange]:
    """Make each call of the adapter at least once, on several kinds of order; return the calls."""
    token = shop.token()
    platform = shop.platform(lambda refused: token)
    platform.store_info()
    platform.taxes()
    platform.subscribe_webhooks("https://app.test/hooks/x", shop.events)
    shop.arrange("doubled-hooks")
    platform.subscribe_webhooks("https://app.test/hooks/x", shop.events)
    specs: list[dict[str, Any]] = [
        {"nif": "299900010", "coupon": "1.00", "shipping": "4.92"},
        {"pay": False, "address": "madeira"},
        {"lines": [{"sku": "PDF-MOLDES"}], "company": "Exemplo, Lda."},
        {
            "lines": [{"sku": "TACA-01", "qty": 3, "discount": "1.00"}, {"sku": "WORK-ISENTO"}],
            "address": "es",
        },
        {"address": "us", "gift_cards": "5.00"},
    ]
    for spec in specs:
        platform.read_order(shop.place_order(**spec))
    number = shop.place_order()
    platform.attach_document(number, Attachment("FR", "QI-1", "FR 2026FR/1", "https://app.test/d/x"))
    platform.attach_document(number, Attachment("NC", "QI-2", "NC 2026NC/1", "https://app.test/d/y"))
    platform.add_history_entry(number, "FR 2026FR/1")
    list(platform.paid_orders(datetime(2000, 1, 1, tzinfo=UTC)))
    list(platform.unpaid_orders(datetime(2000, 1, 1, tzinfo=UTC)))
    platform.order_summary(number)
    make_every_product_call(platform)
    return shop.exchanges


def make_every_product_call(platform: Platform) -> None:
    """Make each call on products and stock, on products with and without variants."""
    goods = platform.catalogue_page().items
    platform.catalogue_page("1/1")
    platform.catalogue_page(platform.catalogue_page().after)
    platform.catalogue_page("page/1")
    places = [place.code for place in platform.locations()]
    plain = next(one for one in goods if not one.variant_id and one.stock is not None)
    variant = next(one for one in goods if one.variant_id)
    platform.stock_by_location([(one.product_id, one.variant_id) for one in goods], places)
    for one in (plain, variant):
        platform.items_of_product(one.product_id)
        platform.set_stock(one.product_id, one.variant_id, 3)
        platform.set_stock(one.product_id, one.variant_id, 4, places[0])
    platform.items_of_product("999")

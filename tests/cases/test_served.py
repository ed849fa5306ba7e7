"""The given cases once more, as a shop would send them: served by the sandbox's Jumpseller, read by the adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sandbox.jumpseller import shapes, specs, world
from shopapp.fiscal import drafting
from shopapp.fiscal.order import Order
from shopapp.platforms.jumpseller import orders

from .building import settings_of, today_of
from .test_cases import cases

SERVED = [
    case for case in cases("given.json") if case["expected"].get("lines") and "refund" not in case["order"]
]


@pytest.fixture(scope="module")
def shop_world() -> world.World:
    made = world.World(None, "http://127.0.0.1:1", "http://localhost:1")
    made.switches.set("shop-rounding", "rate")
    return made


def place(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": told.get("address", ""),
        "city": told.get("city", ""),
        "postal": told["postal_code"],
        "country_code": told["country"],
    }


def specified(case: Mapping[str, Any]) -> dict[str, Any]:
    """The case as the sandbox takes an order: its lines at the rates that the shop charged."""
    order, customer = case["order"], case["order"]["customer"]
    rates = {line["ref"]: line["vat_rate"] for line in case["expected"]["lines"]}
    taxes = {ref: [] if rate == "0" else [{"rate": rate}] for ref, rate in rates.items()}
    goods = [line for line in order["lines"] if line["kind"] != "shipping"]
    delivery = next((line for line in order["lines"] if line["kind"] == "shipping"), None)
    return {
        "prices_include_tax": order["prices_include_tax"],
        "address": place({**customer["billing"], **order["ship_to"]}),
        "billing": place(customer["billing"]),
        "nif": customer["tax_id"],
        "company": customer["name"] if customer["type"] == "business" else None,
        "buyer": {"name": customer["name"], "surname": ""},
        "lines": [
            {
                "sku": line["ref"],
                "name": line["description"],
                "price": line["unit_price"],
                "qty": int(line["qty"]),
                "discount": line["line_discount"],
                "taxes": taxes[line["ref"]],
            }
            for line in goods
        ],
        "coupon": {"amount": order["order_discount"]} if order["order_discount"] != "0.00" else None,
        "shipping": {"price": delivery["unit_price"], "taxes": taxes[delivery["ref"]]} if delivery else None,
    }


def served(case: Mapping[str, Any], shop_world: world.World) -> Order:
    shop = shop_world.first_shop()
    made = {
        "id": 1000, "spec": specs.complete(shop, specified(case)), "status": "paid", "shipment": "unfulfilled",
        "created_at": f"{case['order']['date']} 10:00:00 UTC", "completed_at": f"{case['order']['date']} 10:05:00 UTC",
        "history": [], "documents": [], "raw": {},
    }  # fmt: skip
    content = json.dumps({"order": shapes.order_shape(shop, made, shop_world.switches)}).encode()
    read = orders.order_from(orders.loads(content))
    vies = case["order"]["customer"].get("vies")
    return replace(read, buyer=replace(read.buyer, vies=vies))


@pytest.mark.parametrize("case", SERVED, ids=lambda case: f"{case['id']} {case['title']}")
def test_a_case_sent_by_the_shop_has_the_same_figures(case: dict[str, Any], shop_world: world.World) -> None:
    order = served(case, shop_world)
    if not case["order"]["paid"]:
        order = replace(order, status="open", paid_at=None, goods_made_available=order.created_at)
    draft = drafting.invoice(order, settings_of(case), today_of(case))
    expected = case["expected"]
    assert draft.kind == expected["document_type"]
    assert [
        (
            group.region,
            str(group.vat_rate),
            group.exemption_code or None,
            str(group.net),
            str(group.vat),
            str(group.gross),
        )
        for group in draft.summary
    ] == [
        tuple(group[name] for name in ("region", "vat_rate", "exemption_code", "net", "vat", "gross"))
        for group in expected["tax_summary"]
    ]
    assert str(draft.gross) == expected["totals"]["gross"]
    assert draft.customer.tax_id == expected["customer"]["tax_id"]

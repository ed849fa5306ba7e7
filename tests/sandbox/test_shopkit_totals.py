"""The Shopkit stand-in calculates orders as the vendor's sample shows, and as each switch says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.shopkit.examples import EXAMPLES
from sandbox.shopkit.switches import ORDER_SWITCHES
from tests.sandbox.shopkit_client import SADO, SERRA, ShopkitClient, open_client

SAMPLE: dict[str, Any] = {
    "lines": [
        {"name": "Shelving Tree with Birds", "sku": "STHFBF7574", "price": "77.32", "tax": 23},
        {"name": "Hanging Succulent Planter", "sku": "", "price": "71.32", "tax": 0},
    ],
    "coupon": {"code": "bajevolp", "percent": 10},
    "shipping": {"price": "7.25", "tax": 0},
}


@pytest.fixture(scope="module")
def client() -> Iterator[ShopkitClient]:
    with open_client() as opened:
        yield opened


def placed(client: ShopkitClient, shop: str = SERRA, **spec: Any) -> dict[str, Any]:
    return client.place_order(shop, id=1, **spec)


def test_the_documented_sample_comes_out_as_documented(client: ShopkitClient) -> None:
    order = placed(client, **SAMPLE)
    documented = {
        "total": 157.03,
        "subtotal": 148.64,
        "discount": 7.731999999999999 + 7.132,
        "product_tax": 16.0052,
        "total_tax": 16.0052,
    }
    assert {name: order[name] for name in documented} == pytest.approx(documented, abs=1e-12)
    assert order["shipping"] == {
        "value": 7.25, "tax": 0, "tax_percent": "", "discount": 0, "discount_percent": 0,
    }  # fmt: skip
    line = {
        "price": 77.32,
        "price_with_tax": 95.1036,
        "price_without_tax": 77.32,
        "tax": 23,
        "discount": 7.732,
    }
    line |= {
        "subtotal": 85.5932,
        "subtotal_with_tax": 85.5932,
        "subtotal_without_tax": 77.32,
        "discount_percent": 10,
    }
    assert {name: order["products"][0][name] for name in line} == pytest.approx(line, abs=1e-12)


def test_floats_are_sent_as_they_are(client: ShopkitClient) -> None:
    order = placed(client, SADO, lines=[{"sku": "VINHO-01", "qty": 3}], coupon={"percent": 7})
    assert len(repr(order["products"][0]["price_without_tax"])) > 15


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("shop", [SADO, SERRA])
def test_an_example_adds_up(client: ShopkitClient, shop: str, name: str) -> None:
    """`total` is the documented sum of the parts, unless the example hides one."""
    order = placed(client, shop, example=name)
    if "numbers" in EXAMPLES[name].spec.get("switches", {}) or "types" in EXAMPLES[name].spec.get(
        "switches", {}
    ):
        assert isinstance(order["products"][0]["quantity"], str) or "," in order["total"]
        return
    fees = sum(order[fee]["value"] + order[fee]["tax"] for fee in ("shipping", "payment"))
    includes = EXAMPLES[name].spec.get("prices_include_tax", shop == SADO and not order["wholesale"])
    goods = order["subtotal"] - order["discount"] + (0 if includes else order["product_tax"])
    parts = goods + fees - order.get("rewards", {"discount": 0})["discount"]
    wrong = {"hidden-loyalty": -5.0, "total-one-cent-off": 0.01, "total-one-euro-off": 1.0}.get(name, 0)
    assert order["total"] == pytest.approx(parts + wrong, abs=0.0051)
    lines = sum(line["subtotal_with_tax"] for line in order["products"])
    assert lines == pytest.approx(goods, abs=0.01)


RICH: dict[str, Any] = {
    "lines": [
        {
            "name": "Caneca",
            "price": "10.005",
            "qty": 3,
            "tax": 23,
            "extras": [{"title": "Fita", "price": "1"}],
        },
        {"name": "Etiqueta", "price": "0.0375", "qty": 30, "tax": 23},
    ],
    "coupon": "2.00",
    "loyalty": "1.00",
    "shipping": {"price": "4.92", "tax": 23},
    "payment": {"method": "on_delivery", "fee": "2", "tax": 23},
    "address": "madeira",
    "tax_exemption": "M07",
    "pay": True,
    "return": {"0": 1},
}
"""An order that shows the position of nearly every switch."""
BARE: dict[str, Any] = {"coupon": None, "loyalty": 0, "shipping": 0, "payment": None}
HALF = {"name": "x", "price": "1.005", "tax": 0}
OTHERS: dict[tuple[str, str], dict[str, Any]] = {
    ("free-shipping", "value-kept"): {"coupon": {"type": "shipping", "value": 0}},
    ("free-shipping", "in-discount"): {"coupon": {"type": "shipping", "value": 0}},
    ("shipping-price", "with-tax"): {"prices_include_tax": False},
    ("total-rounding", "binary"): BARE | {"lines": [HALF]},
    ("total-rounding", "cut"): BARE | {"lines": [HALF]},
    ("total-rounding", "lines"): BARE | {"lines": [HALF] * 3},
}


@pytest.mark.parametrize(
    ("switch", "position"), [(one.name, at) for one in ORDER_SWITCHES for at in one.positions[1:]]
)
def test_a_switch_changes_the_order(client: ShopkitClient, switch: str, position: str) -> None:
    spec = RICH | OTHERS.get((switch, position), {})
    usual, changed = placed(client, SADO, **spec), placed(client, SADO, **spec, switches={switch: position})
    for order in (usual, changed):
        for name in ("created_at", "update_at", "paid_at"):
            order.pop(name)
    assert usual != changed

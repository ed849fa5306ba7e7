"""A fiscal case as an order of the Shopkit stand-in, where its orders can express it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .shop_orders import Case, charged_rates, is_negative

TYPES = {"giftcard": "gift_card", "service": "digital"}

SUBSTITUTES: dict[str, dict[str, Any]] = {
    # The shop's total is wrong.
    "P14": {"total_differs": "0.02"},
    # A shop sends goods again as an article that costs nothing.
    "N54": {"lines": [{"sku": "REENVIO", "name": "Reenvio", "price": "0.00", "tax": "23"}]},
    # A shop taxes no sale outside the Union.
    "FI39": {"rates": {"E": None}},
    # The tax on shipping is stated as an amount, without its rates.
    "P33": {"raw": {"shipping": {"value": 6, "tax": 1.03, "tax_percent": "", "discount": 0}, "total": 77.13}},
}
UNSUPPORTED: dict[str, tuple[str, str | None]] = {
    "P10": ("an order of Shopkit has no exchange rate", "currency"),
    "P26": (
        "no document is dated back: an order paid in 2024 has the rate of 2024 and the date of today",
        "",
    ),
    "P31": ("the stand-in spreads a coupon by list prices, not by what is left of them", "total-differs"),
    "P34": ("the stand-in spreads a coupon by list prices, not by what is left of them", "total-differs"),
    "P33": ("the shipping of an order of Shopkit has one tax", "tax-unclear"),
    "N14": ("an order of Shopkit has no gift card, so that the buyer pays all of it", None),
    "FI01": ("the stand-in rounds no price of one piece", None),
    "FI02": ("the stand-in rounds no price of one piece", None),
    "FI14": ("a coupon of the stand-in is worth no more than the goods", None),
}
"""Cases that Shopkit's orders cannot express: the reason, and the code that stops the order.

Empty: none does. None: the order has another total.
"""


def order_specification(case: Case) -> dict[str, Any]:
    """Return the order of the case as the stand-in accepts it."""
    order, customer = case["order"], case["order"]["customer"]
    instead = SUBSTITUTES.get(case["id"], {})
    rates = charged_rates(case) | instead.get("rates", {})
    named = {
        each["kind"]: each
        for each in order["lines"]
        if each["kind"] in ("shipping", "fee") and not is_negative(each)
    }
    shipping, fee = named.get("shipping"), named.get("fee")
    coupon = order.get("order_discount") or "0"
    is_rounded_by_line = case["expected"].get("rounding") == "per_line"
    return {
        "prices_include_tax": order["prices_include_tax"],
        "currency": order["currency"],
        "created_at": _moment(order["date"]),
        "pay": order["paid"],
        "paid_at": _moment(order.get("paid_date") or order["date"]),
        "address": _place({**customer["billing"], **order["ship_to"]}),
        "billing": _place(customer["billing"]),
        "nif": customer["tax_id"],
        "company": customer["name"] if customer["type"] == "business" else None,
        "buyer": {"name": customer["name"]},
        "lines": instead.get("lines")
        or [_line(each, rates) for each in order["lines"] if each not in (shipping, fee)],
        "coupon": {"type": "fixed", "value": coupon} if Decimal(coupon) else None,
        "shipping": instead.get("shipping")
        or ({"price": shipping["unit_price"], "tax": rates[shipping["ref"]] or 0} if shipping else 0),
        "payment": {"method": "on_delivery", "fee": fee["unit_price"], "tax": rates[fee["ref"]] or 0}
        if fee
        else None,
        "switches": {
            "fixed-coupon": "order",
            "total-rounding": "lines" if is_rounded_by_line else "half-up",
            **instead.get("switches", {}),
        },
        "total_differs": instead.get("total_differs", "0"),
        "raw": instead.get("raw"),
    }


def _line(line: Case, rates: dict[str, str | None]) -> dict[str, Any]:
    return {
        "sku": line["ref"],
        "name": line.get("description") or line["ref"],
        "price": line["unit_price"],
        "qty": int(line["qty"]),
        "discount": line.get("line_discount") or "0",
        "tax": rates[line["ref"]] or 0,
        "type": TYPES.get(line["kind"], "physical"),
    }


def _moment(written: str) -> str:
    """Return the moment as the stand-in accepts it; a bare day is its noon."""
    return written.replace("Z", "+00:00") if "T" in written else f"{written}T12:00:00+00:00"


def _place(address: Case) -> dict[str, Any]:
    return {
        "address": address.get("address", ""),
        "address_extra": "",
        "city": address.get("city", ""),
        "zip_code": address["postal_code"],
        "country": "",
        "country_code": "",
        "country_code_alpha_2": address["country"],
    }

"""A fiscal case as an order of the Jumpseller stand-in.

A case names VAT categories; a shop has the rates that it charged. Where a shop cannot express the case, this
file has the nearest order that it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Case = Mapping[str, Any]

CHARGED_RATES = {
    "PT": {"normal": "23", "intermediate": "13", "reduced": "6"},
    "PT-MA": {"normal": "22", "intermediate": "12", "reduced": "4"},
    "PT-AC": {"normal": "16", "intermediate": "9", "reduced": "4"},
}
"""The rates that a shop of each region charges on lines for which the case expects none."""

TYPES = {"giftcard": "gift_card", "service": "digital"}
ROUNDINGS = {"per_rate_group": "rate", "per_line": "line", "per_document": "document"}

SUBSTITUTES: dict[str, dict[str, Any]] = {
    # Free shipping is still in the order, with a discount of its full price.
    "F08": {"shipping": {"price": "4.99", "discount": "4.99", "tax": "23"}},
    # The shop charged its usual 23 % on the shipping of a book.
    "P03": {"shipping": {"price": "4.24", "tax": "23"}},
    # Prices with VAT do not change: the shop charged its 23 % although none was due.
    "P06": {"rates": {"CH": "23", "SHIP": "23"}},
    # A shop that accepts every number charges nothing; it does not wait for VIES.
    "P07": {"rates": {"CH": None}},
    # A shop taxes no sale outside the Union.
    "FI39": {"rates": {"E": None}},
    # A shop sells a bundle as one product at one rate; the order does not name its parts.
    "P24": {"rates": {"KIT": "23"}},
    # The shop's total is wrong.
    "P14": {"total_differs": "0.02"},
    # The shop rounds the price with VAT of each piece.
    "FI01": {"switches": {"shop-rounding": "piece"}},
    "FI02": {"switches": {"shop-rounding": "piece"}},
    # What is left of the coupon comes off the shipping.
    "FI14": {"switches": {"coupon-rest": "order"}},
    # A shop sends goods again as an article that costs nothing.
    "N54": {"lines": [{"sku": "REENVIO", "name": "Reenvio", "price": "0.00", "tax": "23"}]},
    # The tax on shipping is stated as an amount, without its rates.
    "P33": {"shipping": {"price": "6.00", "tax": None}, "raw": {"shipping_tax": 1.03, "total": 77.13}},
}
CHOSEN_SETTINGS: dict[str, dict[str, str]] = {
    # The charged rate differs from the lawful one: the merchant was asked and has chosen.
    "P06": {"23>0": "follow-law"},
}
UNSUPPORTED: dict[str, tuple[str, str]] = {
    "P08": (
        "an order of Jumpseller has no payment fee: its total would be higher than its lines",
        "total-differs",
    ),
    "P10": ("an order of Jumpseller has no exchange rate", "currency"),
    "P26": (
        "no document is dated back: an order paid in 2024 has the rate of 2024 and the date of today",
        "",
    ),
}
"""Cases that Jumpseller's orders cannot express: the reason, and the code that stops the order (empty: none does)."""


def order_specification(case: Case) -> dict[str, Any]:
    """Return the order of the case as the stand-in accepts it."""
    order, customer = case["order"], case["order"]["customer"]
    instead = SUBSTITUTES.get(case["id"], {})
    delivery = next((line for line in order["lines"] if line["kind"] == "shipping"), None)
    rates = charged_rates(case) | instead.get("rates", {})
    shipping = {"price": delivery["unit_price"], "tax": rates[delivery["ref"]]} if delivery else None
    coupon = order.get("order_discount") or "0"
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
        "buyer": {"name": customer["name"], "surname": ""},
        "lines": instead.get("lines")
        or [
            _line(each, rates)
            for each in order["lines"]
            if each["kind"] not in ("shipping", "fee") or is_negative(each)
        ],
        "coupon": {"amount": coupon} if Decimal(coupon) else None,
        "shipping": instead.get("shipping", shipping),
        "switches": {
            "shop-rounding": ROUNDINGS[case["expected"].get("rounding") or "per_rate_group"],
            **instead.get("switches", {}),
        },
        "total_differs": instead.get("total_differs", _fees(order)),
        "raw": instead.get("raw"),
        **_paid_with(order),
    }


def original_of(case: Case, given: Mapping[str, Case]) -> Case:
    """Return the sale that the case's refund reverses: another case, or one made from its issued lines."""
    order = case["order"]
    if order.get("original_case"):
        return given[order["original_case"]]
    document = order["original_document"]
    lines = [
        {"ref": each["ref"], "description": each["ref"], "unit_price": each["unit_price_net"], "qty": each["qty"],
         "kind": "shipping" if each["ref"] == "SHIP" else "goods", "line_discount": "0", "vat_category": None}
        for each in document["lines"]
    ]  # fmt: skip
    home = {"address": "Rua do Exemplo 1", "postal_code": "1000-100", "city": "Lisboa", "country": "PT"}
    bought = {
        "date": document["date"], "paid": True, "currency": "EUR", "prices_include_tax": False,
        "order_discount": "0.00",
        "lines": lines, "total": document["totals"]["gross"], "ship_to": home,
        "customer": {"type": "private", "billing": home, "name": document["customer"]["name"],
                     "tax_id": document["customer"]["tax_id"]},
    }  # fmt: skip
    expected = {"lines": document["lines"], "totals": document["totals"]}
    return {"id": f"{case['id']} before", "merchant": case["merchant"], "order": bought, "expected": expected}


def charged_rates(case: Case) -> dict[str, str | None]:
    """Return the charged rate of each line: as the case states, else the lawful one, else the usual one, or none."""
    lawful = {line["ref"]: line.get("vat_rate") for line in case["expected"].get("lines", [])}
    usual = CHARGED_RATES[case["merchant"]["ship_from"]]
    found = {}
    for line in case["order"]["lines"]:
        rate = (
            line.get("charged_rate") or lawful.get(line["ref"]) or usual.get(line.get("vat_category") or "")
        )
        found[line["ref"]] = None if rate == "0" else rate
    return found


def _line(line: Mapping[str, Any], rates: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "sku": line["ref"],
        "name": line.get("description") or line["ref"],
        "price": line["unit_price"],
        "qty": int(line["qty"]),
        "discount": line.get("line_discount") or "0",
        "tax": rates[line["ref"]],
        "type": TYPES.get(line["kind"], "physical"),
    }


def _fees(order: Mapping[str, Any]) -> str:
    fees = (line for line in order["lines"] if line["kind"] == "fee" and not is_negative(line))
    return next((line["unit_price"] for line in fees), "0")


def is_negative(line: Mapping[str, Any]) -> bool:
    """Return whether the line takes something off: a shop has that as a product with a negative price."""
    return Decimal(line["unit_price"]) < 0


def _paid_with(order: Mapping[str, Any]) -> dict[str, Any]:
    used = next((each["amount"] for each in order.get("payments", []) if each["method"] == "gift_card"), None)
    return {"gift_card": used, "payment": {"name": "Cartão", "type": "stripe"}} if used else {}


def _moment(written: str) -> str:
    """Return the moment as the stand-in accepts it; a bare day is its noon."""
    return written.replace("Z", "+00:00") if "T" in written else f"{written} 12:00:00 UTC"


def _place(address: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": address.get("address", ""),
        "city": address.get("city", ""),
        "postal": address["postal_code"],
        "country_code": address["country"],
    }

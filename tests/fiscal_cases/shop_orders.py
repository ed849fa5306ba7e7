"""A fiscal case as a real shop would show it: the specification of an order of the sandbox's Jumpseller.

Called by test_served. A case names VAT categories, a shop names the rates that it charged: those stand here, with the
few cases in which a shop cannot say what the case says, and what it says instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Case = Mapping[str, Any]

CHARGED_RATES = {
    "PT": {"normal": "23", "intermediate": "13", "reduced": "6"},
    "PT-MA": {"normal": "22", "intermediate": "12", "reduced": "4"},
    "PT-AC": {"normal": "16", "intermediate": "9", "reduced": "4"},
}
"""What a shop charges by its region, for the lines of which a case does not expect a rate."""

TYPES = {"giftcard": "gift_card", "service": "digital"}
ROUNDINGS = {"per_rate_group": "rate", "per_line": "line", "per_document": "document"}

SUBSTITUTES: dict[str, dict[str, Any]] = {
    # the delivery that was given away is still in the order, with a discount of its own price
    "F08": {"shipping": {"price": "4.99", "discount": "4.99", "tax": "23"}},
    # the shop put its usual 23 % on the delivery of a book
    "P03": {"shipping": {"price": "4.24", "tax": "23"}},
    # prices with VAT stay what they are: the shop charged its 23 % although none was due
    "P06": {"rates": {"CH": "23", "SHIP": "23"}},
    # a shop that believes every number charges nothing; it does not wait for VIES
    "P07": {"rates": {"CH": None}},
    # a shop sells a bundle as one product at one rate; of what is in it the order says nothing
    "P24": {"rates": {"KIT": "23"}},
    # the total is the shop's own mistake
    "P14": {"total_differs": "0.02"},
    # the tax on the delivery is told as an amount, without saying at which rates it came about
    "P33": {"shipping": {"price": "6.00", "tax": None}, "raw": {"shipping_tax": 1.03, "total": 77.13}},
}
CHOSEN_SETTINGS: dict[str, dict[str, str]] = {
    # the rate that was charged and the one that holds differ: the merchant was asked, and chose
    "P06": {"23>0": "follow-law"},
}
UNSUPPORTED: dict[str, tuple[str, str]] = {
    "P08": (
        "an order of Jumpseller has no payment fee: its total would be higher than its lines",
        "total-differs",
    ),
    "P10": ("an order of Jumpseller has no exchange rate", "currency"),
    "P26": (
        "no document is dated back: what was paid in 2024 has the rate of 2024 and the date of today",
        "",
    ),
}
"""What the road cannot do, why, and the code of what stops the order instead."""


def order_specification(case: Case) -> dict[str, Any]:
    """The order of the case, as the sandbox takes one."""
    order, customer = case["order"], case["order"]["customer"]
    instead = SUBSTITUTES.get(case["id"], {})
    delivery = next((line for line in order["lines"] if line["kind"] == "shipping"), None)
    rates = _rates(case) | instead.get("rates", {})
    shipping = {"price": delivery["unit_price"], "tax": rates[delivery["ref"]]} if delivery else None
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
        "lines": [_line(each, rates) for each in order["lines"] if each["kind"] not in ("shipping", "fee")],
        "coupon": {"amount": order["order_discount"]} if order["order_discount"] != "0.00" else None,
        "shipping": instead.get("shipping", shipping),
        "rounding": ROUNDINGS[case["expected"].get("rounding") or "per_rate_group"],
        "total_differs": instead.get("total_differs", _fees(order)),
        "raw": instead.get("raw"),
        **_paid_with(order),
    }


def original_of(case: Case, given: Mapping[str, Case]) -> Case:
    """The sale that the case's refund takes back: another case, or the one that its issued lines tell of."""
    order = case["order"]
    if order.get("original_case"):
        return given[order["original_case"]]
    told = order["original_document"]
    lines = [
        {"ref": each["ref"], "description": each["ref"], "unit_price": each["unit_price_net"], "qty": each["qty"],
         "kind": "shipping" if each["ref"] == "SHIP" else "goods", "line_discount": "0", "vat_category": None}
        for each in told["lines"]
    ]  # fmt: skip
    home = {"address": "Rua do Exemplo 1", "postal_code": "1000-100", "city": "Lisboa", "country": "PT"}
    bought = {
        "date": told["date"], "paid": True, "currency": "EUR", "prices_include_tax": False, "order_discount": "0.00",
        "lines": lines, "total": told["totals"]["gross"], "ship_to": home,
        "customer": {"type": "private", "billing": home, "name": told["customer"]["name"],
                     "tax_id": told["customer"]["tax_id"]},
    }  # fmt: skip
    expected = {"lines": told["lines"], "totals": told["totals"]}
    return {"id": f"{case['id']} before", "merchant": case["merchant"], "order": bought, "expected": expected}


def _rates(case: Case) -> dict[str, str | None]:
    """The rate that the shop charged on each line: the case's own word, the lawful one, its usual one, or none."""
    lawful = {line["ref"]: line["vat_rate"] for line in case["expected"].get("lines", [])}
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
        "discount": line["line_discount"],
        "tax": rates[line["ref"]],
        "type": TYPES.get(line["kind"], "physical"),
    }


def _fees(order: Mapping[str, Any]) -> str:
    return next((line["unit_price"] for line in order["lines"] if line["kind"] == "fee"), "0")


def _paid_with(order: Mapping[str, Any]) -> dict[str, Any]:
    used = next((each["amount"] for each in order.get("payments", []) if each["method"] == "gift_card"), None)
    return {"gift_card": used, "payment": {"name": "Cartão", "type": "stripe"}} if used else {}


def _moment(written: str) -> str:
    """The moment as the sandbox takes it; a bare day is its noon."""
    return written.replace("Z", "+00:00") if "T" in written else f"{written} 12:00:00 UTC"


def _place(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": told.get("address", ""),
        "city": told.get("city", ""),
        "postal": told["postal_code"],
        "country_code": told["country"],
    }

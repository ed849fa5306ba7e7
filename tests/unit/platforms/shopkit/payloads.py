"""Shopkit's payloads in the form of the vendor's own sample (API text of 2025-09-26)."""

from __future__ import annotations

import copy
import json
from typing import Any

from shopapp.json_text import parse_json

ADDRESS = {
    "name": "Ana Silva", "phone": "+351910000000", "address": "Rua das Flores 1", "address_extra": "2.º Esq.",
    "country_code": "PRT", "country_code_alpha_2": "PT", "zip_code": "1000-001", "city": "Lisboa",
    "country": "Portugal - Continental",
}  # fmt: skip

VENDOR_SAMPLE: dict[str, Any] = {
    "id": 1337, "total": 157.03, "subtotal": 148.64, "product_tax": 16.0052, "total_tax": 16.0052, "discount": 14.864,
    "shipping": {"value": 7.25, "tax": 0, "tax_percent": "", "discount": 0, "discount_percent": 0},
    "created_at": "2017-05-17T10:45:05+01:00", "update_at": "2024-09-20T16:31:02+01:00",
    "sent_at": "2017-05-17T11:23:21+01:00", "paid_at": "2017-05-17T11:23:21+01:00", "currency": "EUR", "status": 3,
    "paid": True, "invoice_url": "", "note": "", "observations": "", "at_code": "", "tax_exemption": None,
    "tax_settings": None, "wholesale": False, "is_digital": False, "status_alias": "sent",
    "payment": {
        "data": {"entity": 10611, "reference": 909000077, "value": 157.03}, "value": 0, "tax": 0, "tax_percent": "",
        "title": "Multibanco", "method": "multibanco", "type": "multibanco", "gateway": "easypay",
    },
    "coupon": {"code": "bajevolp", "type": "percent", "value": 10}, "shipment_method": "Transportadora",
    "client": {
        "name": "Ana Silva", "email": "ana@example.pt", "company": "", "fiscal_id": "PT999999990",
        "delivery": ADDRESS, "billing": {"same_as_delivery": True, **ADDRESS},
    },
    "products": [
        {
            "id": 44753, "title": "Shelving Tree with Birds", "option": "Azul / Small", "reference": "STHFBF7574",
            "price": 77.32, "price_with_tax": 95.1036, "price_without_tax": 77.32, "tax": 23, "quantity": 1,
            "discount": 7.731999999999999, "subtotal": 85.5932, "subtotal_with_tax": 85.5932,
            "subtotal_without_tax": 77.32, "discount_percent": 10, "type": "physical", "is_product": True,
        },
        {
            "id": 44752, "title": "Hanging Succulent Planter", "option": None, "reference": "", "price": 71.32,
            "price_with_tax": 71.32, "price_without_tax": 71.32, "tax": 0, "quantity": 1, "discount": 7.132,
            "subtotal": 64.188, "subtotal_with_tax": 64.188, "subtotal_without_tax": 71.32, "discount_percent": 10,
            "type": "physical", "is_product": True,
        },
    ],
}  # fmt: skip


def product(net: str, tax: int = 23, quantity: int = 1, *, shows: str = "net", **more: Any) -> dict[str, Any]:
    """Return a line of that price without tax; `shows` says which of its prices the shop shows (net, gross)."""
    price, gross = float(net), float(net) * (100 + tax) / 100
    return {
        "id": 9, "title": "Caneca", "option": None, "reference": "CAN-1", "price": price if shows == "net" else gross,
        "price_with_tax": gross, "price_without_tax": price, "tax": tax, "quantity": quantity, "discount": 0,
        "type": "physical", **more,
    }  # fmt: skip


def order(*products: dict[str, Any], total: float, **changes: Any) -> Any:
    """Return an order of these lines and that total, as the adapter gets it: parsed from JSON text.

    Other fields are the sample's; two underscores name a field of a block (`shipping__value`).
    """
    found = copy.deepcopy(VENDOR_SAMPLE)
    found |= {"products": list(products), "total": total, "discount": 0, "product_tax": None, "total_tax": None,
              "coupon": None, "shipping": {"value": 0, "tax": 0, "tax_percent": "", "discount": 0}}  # fmt: skip
    for name, value in changes.items():
        *blocks, last = name.split("__")
        block = found
        for each in blocks:
            block = block[each]
        block[last] = value
    return parse_json(json.dumps(found))

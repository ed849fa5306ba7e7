"""Orders of a Shopkit store that make invoicing hard, as specifications of its stand-in (sandbox/README.md)."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]
MUG: Spec = {"sku": "TACA-01", "price": "12.30", "tax": 23}
BOOK: Spec = {"sku": "LIV-OLA-01", "price": "15.90", "tax": 6}
WINE: Spec = {"sku": "VINHO-01", "price": "8.95", "tax": 13}
COURSE: Spec = {"sku": "WORK-ISENTO", "price": "45.00", "tax": 0}
FILE: Spec = {"sku": "PDF-MOLDES", "price": "6.15", "tax": 23, "type": "digital"}
OIL: Spec = {"sku": "AZEITE-5L", "price": "38.40", "tax": 6}
BASKET: Spec = {"sku": "CESTO-01", "price": "21.99", "tax": 23}


def several(line: Spec, pieces: int, **changes: Any) -> Spec:
    """Return the line with that many pieces."""
    return {**line, "qty": pieces, **changes}


WITH_VAT: dict[str, Spec] = {
    "no NIF": {"lines": [MUG]},
    "PT before the NIF": {"lines": [MUG], "nif": "PT123456789"},
    "a company": {"lines": [MUG, BOOK], "nif": "503504564", "company": "Taberna do Sado, Lda."},
    "one exempt line": {"lines": [MUG, COURSE]},
    "shipping and payment fee": {
        "lines": [MUG, BOOK], "shipping": "4.92", "payment": {"method": "on_delivery", "fee": "1.85"},
    },
    "ten per cent over two rates": {"lines": [several(MUG, 3), BOOK], "coupon": {"percent": 10}},
    "coupon of 3 euros": {"lines": [several(MUG, 2), WINE], "coupon": {"type": "fixed", "value": "3.00"}},
    "free shipping": {"lines": [MUG], "shipping": "4.92", "coupon": {"type": "shipping", "code": "PORTES"}},
    "loyalty points": {"lines": [several(MUG, 2)], "loyalty": "2.15"},
    "extras of a line": {"lines": [{**MUG, "extras": [{"title": "Gravação", "price": "3.50"}]}]},
    "3 x 9.99": {"lines": [several(MUG, 3, price="9.99")]},
    "a line discount, two pieces": {"lines": [several(MUG, 2, discount="1.50"), WINE]},
    "three rates, shipping": {"lines": [MUG, BOOK, WINE], "shipping": "3.99"},
    "buyer in Madeira": {"lines": [MUG], "address": "madeira"},
    "buyer in the Azores": {"lines": [MUG, BOOK], "address": "acores", "shipping": "7.90"},
    "buyer in Spain": {"lines": [MUG], "address": "es"},
    "no reference": {"lines": [{"name": "Peça única", "price": "31.50", "tax": 23, "sku": ""}]},
    "emoji and <&>": {"lines": [{**MUG, "name": "Caneca <&> 🏺 žluť"}], "buyer": {"name": "Łukasz 🏺"}},
    "a file": {"lines": [FILE]},
}  # fmt: skip
"""Orders of a store whose prices include VAT; each has its invoice at once."""
WITHOUT_VAT: dict[str, Spec] = {
    "half a cent of VAT": {"lines": [several(BASKET, 3, price="0.10")]},
    "7 x 1.145 without VAT": {"lines": [several(BASKET, 7, price="1.145")]},
    "two rates, coupon": {"lines": [OIL, BASKET], "coupon": {"percent": 5}, "shipping": "4.00"},
}
"""Orders of a store whose prices are without VAT, as unrounded floats."""
STOPPED: dict[str, Spec] = {
    "its total differs": {"lines": [MUG], "total_differs": "0.37"},
}
"""Orders that do not add up: both figures are shown, and nothing is issued."""

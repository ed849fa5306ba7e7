"""Complete the short specification of an order: prices, taxes and addresses.

It calculates nothing; amounts.py does.
"""

from __future__ import annotations

from sandbox.core.storage import Json
from sandbox.core.switches import Switches

from .examples import EXAMPLES
from .platform_state import Shop
from .seed import PLACES, decimal_text, is_in_eu
from .switches import SWITCHES

DEFAULT_BUYER = {
    "name": "Ana",
    "surname": "Exemplo",
    "email": "ana.exemplo@example.pt",
    "phone": "910000000",
    "phone_prefix": "+351",
}


class OrderSpecError(ValueError):
    """The specification cannot be an order; the text says why."""


def _complete_address(wanted: Json) -> Json:
    if isinstance(wanted, str):
        if wanted not in PLACES:
            raise OrderSpecError(f"no place is called {wanted}: {', '.join(PLACES)}")
        return dict(PLACES[wanted])
    return {**PLACES["lisboa"], **wanted}


def find_product(shop: Shop, line: Json) -> tuple[Json | None, Json | None]:
    """Return the product and variant that the line names by SKU or ids, or (None, None)."""
    number, variant_id, sku = (line.get(name) for name in ("product_id", "variant_id", "sku"))
    if number in shop.products and not variant_id:
        return shop.products[number], None
    by_sku = shop.product_index.products_with_sku(sku) if sku else []
    for found in dict.fromkeys(
        [shop.product_index.product_with_variant(variant_id) if variant_id else None, *by_sku]
    ):
        product = shop.products.get(found or 0)
        if product is None:
            continue
        for variant in product["variants"]:
            if variant_id == variant["id"] or (sku and sku == variant["sku"]):
                return product, variant
        if sku and sku == product["sku"]:
            return product, None
    return None, None


def _complete_tax(shop: Shop, wanted: Json, at: int) -> Json:
    if isinstance(wanted, dict):
        rate = decimal_text(wanted["rate"])
        return {
            "id": wanted.get("id", 51990000 + at),
            "name": wanted.get("name", f"IVA {rate}%"),
            "rate": rate,
            "fixed": bool(wanted.get("fixed", False)),
        }
    for tax in shop.taxes.values():
        if tax["name"] == wanted:
            return {
                "id": tax["id"],
                "name": tax["name"],
                "rate": decimal_text(tax["tax_amount"]),
                "fixed": tax["fixed"],
            }
    try:
        return _complete_tax(shop, {"rate": wanted}, at)
    except ArithmeticError as wrong:
        raise OrderSpecError(f"the shop has no tax called {wanted}") from wrong


def complete_taxes(shop: Shop, wanted: Json) -> list[Json]:
    """Return the wanted taxes in full: None, one or a list of names, rates or whole taxes."""
    if wanted is None:
        return []
    many = wanted if isinstance(wanted, list) else [wanted]
    return [_complete_tax(shop, one, at) for at, one in enumerate(many)]


def _complete_line(shop: Shop, line: Json, at: int, is_taxed: bool) -> Json:
    product, variant = find_product(shop, line)
    own = product or {}
    if "price" not in line and not product:
        raise OrderSpecError(
            f"line {at + 1}: no price, and the shop sells nothing with sku {line.get('sku')}"
        )
    options = (variant or {}).get("options", [])
    name = own.get("name", "Artigo") + "".join(f" ({one['name']}: {one['value']})" for one in options)
    default_taxes = own.get("tax_names", ["IVA 23%"]) if is_taxed else []
    return {
        "product_id": line.get("product_id", own.get("id", 30900000 + at)),
        "variant_id": line.get("variant_id", variant["id"] if variant else None),
        "sku": line.get("sku", (variant or own).get("sku")),
        "name": line.get("name", name),
        "qty": int(line.get("qty", 1)),
        "price": decimal_text(line.get("price", (variant or own).get("price"))),
        "discount": decimal_text(line.get("discount", "0")),
        "taxes": complete_taxes(shop, line["tax"] if "tax" in line else line.get("taxes", default_taxes)),
        "type": line.get("type", own.get("type", "physical")),
        "weight": decimal_text(line.get("weight", own.get("weight", "0.5"))),
        "options": options,
    }


def _complete_shipping(shop: Shop, wanted: Json, is_digital: bool, is_taxed: bool) -> Json:
    default_taxes = [tax["name"] for tax in shop.taxes.values() if tax["shipping"]] if is_taxed else []
    asked = wanted if isinstance(wanted, dict) else {"price": wanted or "0"}
    taxes = asked["tax"] if "tax" in asked else asked.get("taxes", default_taxes)
    price = decimal_text(asked.get("price") or "0")
    return {
        "price": price,
        "discount": decimal_text(asked.get("discount") or "0"),
        "taxes": [] if is_digital else complete_taxes(shop, taxes),
        "name": None if is_digital else asked.get("name", "CTT Expresso 24h"),
    }


def _complete_coupon(wanted: Json) -> Json | None:
    if not wanted:
        return None
    if not isinstance(wanted, dict):
        wanted = {"amount": wanted}
    coupon = {"code": wanted.get("code", "OBRIGADO"), "skus": wanted.get("skus")}
    for kind in ("amount", "percent"):
        if wanted.get(kind) is not None:
            return {**coupon, kind: decimal_text(wanted[kind])}
    raise OrderSpecError("a coupon needs an amount or a percent")


def expand_example(spec: Json) -> Json:
    """Return the specification with the example that it names below it. Raises OrderSpecError for an unknown one."""
    name = spec.get("example")
    if not name:
        return spec
    if name not in EXAMPLES:
        raise OrderSpecError(f"no example is called {name}: {', '.join(EXAMPLES)}")
    return EXAMPLES[name].spec | spec


def _own_switches(wanted: Json) -> Json:
    known = Switches(SWITCHES)
    for name, position in wanted.items():
        try:
            known.set(name, position)
        except ValueError as wrong:
            raise OrderSpecError(str(wrong)) from wrong
    return dict(wanted)


def complete_spec(shop: Shop, spec: Json) -> Json:
    """Return the complete specification, so that later changes of the shop do not affect the order.

    A complete one stays as it is.
    """
    if not spec.get("lines"):
        raise OrderSpecError("an order needs at least one line")
    to = _complete_address(spec.get("address") or spec.get("ship_to") or "lisboa")
    billing = _complete_address(spec["billing"]) if spec.get("billing") else dict(to)
    buyer = {**DEFAULT_BUYER, **(spec.get("buyer") or {})}
    is_taxed = is_in_eu(to["country_code"])
    lines = [_complete_line(shop, line, at, is_taxed) for at, line in enumerate(spec["lines"])]
    is_digital = bool(spec.get("digital", all(line["type"] != "physical" for line in lines)))
    payment = spec.get("payment") or {}
    return {
        "prices_include_tax": bool(spec.get("prices_include_tax", shop.profile["prices_include_tax"])),
        "currency": spec.get("currency", shop.profile["currency"]),
        "lines": lines,
        "shipping": _complete_shipping(shop, spec.get("shipping"), is_digital, is_taxed),
        "coupon": _complete_coupon(spec.get("coupon")),
        "gift_card": decimal_text(spec.get("gift_card") or "0"),
        "total_differs": decimal_text(spec.get("total_differs") or "0"),
        "switches": _own_switches(spec.get("switches") or {}),
        "digital": is_digital,
        "ship_to": None if is_digital else to,
        "billing": billing,
        "buyer": buyer,
        "nif": spec.get("nif"),
        "company": spec.get("company"),
        "note": spec.get("note"),
        "payment": {"name": payment.get("name", "Multibanco"), "type": payment.get("type", "ifthenpay")},
        "fields": spec.get("fields") or [],
    }

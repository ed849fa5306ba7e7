"""The specification of an order (sandbox/README.md), completed from the store's products and defaults."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.core.storage import Json

from .examples import EXAMPLES
from .seed import EU_COUNTRIES, PLACES
from .state import Shop

PAYMENTS = {
    "multibanco": ("Multibanco", "easypay"),
    "mbway": ("MB WAY", "easypay"),
    "credit_card": ("Cartão de Crédito", "stripe"),
    "paypal": ("Paypal", "paypal"),
    "bank_transfer": ("Transferência Bancária", "manual"),
    "on_delivery": ("À Cobrança", "manual"),
    "pick_up": ("Levantamento nas instalações", "manual"),
    "custom": ("Pagamento na feira", "manual"),
}
COUPON_TYPES = ("percent", "fixed", "shipping")


class OrderSpecError(ValueError):
    """The specification is not an order; the text says why."""


def amount(value: object) -> float:
    """Return the amount as a float. Raises OrderSpecError."""
    try:
        return float(str(value))
    except ValueError:
        raise OrderSpecError(f"{value} is not a number") from None


def with_example(sent: Json) -> Json:
    """Return the specification with the fields of the example that it names."""
    if not (name := sent.get("example")):
        return sent
    if name not in EXAMPLES:
        raise OrderSpecError(f"no example is called {name}")
    return EXAMPLES[name].spec | {field: value for field, value in sent.items() if field != "example"}


def complete_spec(shop: Shop, sent: Json) -> Json:
    """Return every field of the order as it is stored. Raises OrderSpecError."""
    if not sent.get("lines"):
        raise OrderSpecError("an order needs lines")
    delivery = _address(sent.get("address"))
    is_wholesale = bool(sent.get("wholesale"))
    is_taxed = delivery["country_code_alpha_2"] in EU_COUNTRIES
    buyer = {"name": "Ana Exemplo", "email": "ana.exemplo@example.pt", **(sent.get("buyer") or {})}
    if buyer.get("surname"):
        buyer["name"] = f"{buyer['name']} {buyer.pop('surname')}"
    billing = sent.get("billing")
    return {
        "lines": [_line(shop, line, is_taxed) for line in sent["lines"]],
        "coupon": _coupon(sent.get("coupon")),
        "loyalty": amount(sent.get("loyalty") or 0),
        "shipping": _fee(sent.get("shipping", 0), "price", is_taxed),
        "payment": _payment(sent.get("payment"), is_taxed),
        "nif": sent.get("nif"),
        "company": sent.get("company"),
        "buyer": buyer,
        "address": delivery,
        "billing": _address(billing) if billing else delivery,
        "same_address": not billing,
        "tax_exemption": sent.get("tax_exemption"),
        "wholesale": is_wholesale,
        "note": sent.get("note") or "",
        "currency": sent.get("currency", shop.profile["currency"]),
        "prices_include_tax": bool(
            sent.get("prices_include_tax", shop.profile["prices_include_tax"] and not is_wholesale)
        ),
        "total_differs": amount(sent.get("total_differs") or 0),
    }


def _address(wanted: object) -> Json:
    if isinstance(wanted, dict):
        return {**PLACES["lisboa"], **wanted}
    place = str(wanted or "lisboa")
    if place not in PLACES:
        raise OrderSpecError(f"no place is called {place}")
    return dict(PLACES[place])


def find_goods(shop: Shop, line: Json) -> tuple[Json | None, Json | None]:
    """Return the product, and the option, that the line names by `sku` or `product_id` and `option_id`."""
    for product, option in all_goods(shop):
        if line.get("product_id") is not None:
            if product["id"] == line["product_id"] and (option or {}).get("id") == line.get("option_id"):
                return product, option
        elif line.get("sku") and (option or product)["reference"] == line["sku"]:
            return product, option
    return None, None


def all_goods(shop: Shop) -> Iterator[tuple[Json, Json | None]]:
    """Yield everything that is sold: each product without options, and each option."""
    for product in shop.products.values():
        if product["options"]:
            yield from ((product, option) for option in product["options"])
        else:
            yield product, None


def _line(shop: Shop, sent: Json, is_taxed: bool) -> Json:
    product, option = find_goods(shop, sent)
    if product is None and "name" not in sent:
        raise OrderSpecError(
            f"no product is called {sent.get('sku')}; a line without one needs name and price"
        )
    goods = option or product or {}
    rate = sent.get("tax", product["rate"] if product else 23)
    return {
        "product_id": product["id"] if product else 99_000 + len(str(sent["name"])),
        "option_id": option["id"] if option else None,
        "title": sent.get("name", product["title"] if product else ""),
        "option": sent.get("option", option["title"] if option else None),
        "reference": sent.get("sku", goods.get("reference", "")) or "",
        "price": amount(sent.get("price", goods.get("price", 0))),
        "tax": amount(rate or 0) if is_taxed or "tax" in sent else 0.0,
        "qty": int(sent.get("qty", 1)),
        "discount": amount(sent.get("discount") or 0),
        "type": sent.get("type", product["type"] if product else "physical"),
        "is_product": bool(sent.get("is_product", True)),
        "extras": [
            {"title": extra["title"], "price": amount(extra["price"])} for extra in sent.get("extras", [])
        ],
    }


def _coupon(sent: object) -> Json | None:
    if not sent:
        return None
    told = sent if isinstance(sent, dict) else {"value": sent}
    kind = told.get("type") or ("percent" if "percent" in told else "fixed")
    if kind not in COUPON_TYPES:
        raise OrderSpecError(f"a coupon is one of {', '.join(COUPON_TYPES)}, not {kind}")
    value = told.get("value", told.get("percent", told.get("amount", 0)))
    return {"code": told.get("code", "DEZ"), "type": kind, "value": amount(value)}


def _fee(sent: object, price: str, is_taxed: bool) -> Json:
    told = sent if isinstance(sent, dict) else {price: sent}
    rate = told.get("tax", 23 if is_taxed else 0)
    return {
        "price": amount(told.get(price) or 0),
        "tax": amount(rate or 0),
        "discount": amount(told.get("discount") or 0),
    }


def _payment(sent: object, is_taxed: bool) -> Json:
    told = sent if isinstance(sent, dict) else {"method": sent or "multibanco"}
    method = str(told.get("method", "multibanco"))
    title, gateway = PAYMENTS.get(method, (method, "manual"))
    fee = _fee(told, "fee", is_taxed)
    return {"method": method, "title": told.get("title", title), "gateway": gateway, **fee}

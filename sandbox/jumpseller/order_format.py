"""Orders in the JSON that Jumpseller's API and webhooks send.

It changes no state; the switches for uncertain formats are read here, whenever JSON is made.
"""

from __future__ import annotations

import html
from decimal import Decimal

from sandbox.core.storage import Json
from sandbox.core.switches import Switches

from .amounts import CENT, Amounts, LineAmounts, Positions, calculate_amounts
from .platform_state import Shop
from .stock_levels import location_ids

SIX_DECIMALS = Decimal("0.000001")
STATES = {
    "created": "Created",
    "pending_payment": "Pending Payment",
    "paid": "Paid",
    "canceled": "Canceled",
    "abandoned": "Abandoned",
}
THREE_LETTERS = {"PT": "PRT", "ES": "ESP", "FR": "FRA", "DE": "DEU", "GB": "GBR", "US": "USA"}
SHIPMENTS = {
    "unfulfilled": "Não Processado",
    "requested": "Pedido",
    "in_transit": "Em trânsito",
    "delivered": "Entregue",
    "failed": "Falhou",
    "pickup_available": "Pronto a levantar",
    "not_applicable": "Não aplicável",
}


def json_number(amount: Decimal, step: Decimal = CENT) -> float:
    """Return the amount as a JSON number; nowhere else here does a Decimal become a float."""
    return float(amount.quantize(step))


def positions_of(order: Json, switches: Switches) -> Positions:
    """Return the position of every switch for this order: its own, else the one in force."""
    own: Positions = order["spec"].get("switches", {})
    return {**{switch.name: switches[switch.name] for switch in switches}, **own}


def order_amounts(order: Json, switches: Switches) -> Amounts:
    """Return the order's amounts, calculated as its specification or else the switches say."""
    return calculate_amounts(order["spec"], positions_of(order, switches))


def _order_tax_json(tax: Json, amount: Decimal, flag: str, inclusive: bool, positions: Positions) -> Json:
    shown: Json = {"id": tax["id"], "name": tax["name"], "fixed": tax["fixed"], flag: inclusive}
    if positions["rate"] == "text":
        return {**shown, "rate": str(Decimal(tax["rate"]) + Decimal("0.0")), "amount": f"{amount:.3f}"}
    return {**shown, "rate": float(Decimal(tax["rate"]))}


def _line_taxes(
    line: Json, tax: Decimal, amounts: LineAmounts, inclusive: bool, positions: Positions
) -> list[Json]:
    fixed = sum((Decimal(one["rate"]) for one in line["taxes"] if one["fixed"]), Decimal(0))
    percents = sum((Decimal(one["rate"]) for one in line["taxes"] if not one["fixed"]), Decimal(0))
    unit = Decimal(1) if positions["line-tax"] == "line" else Decimal(amounts.qty or 1)
    shown = []
    for one in line["taxes"]:
        rate = Decimal(one["rate"])
        whole, parts = (amounts.fixed, fixed) if one["fixed"] else (tax - amounts.fixed, percents)
        amount = whole * rate / (parts or Decimal(1)) / unit
        shown.append(_order_tax_json(one, amount, "tax_on_product_price", inclusive, positions))
    return shown


def _line_json(
    line: Json, amounts: LineAmounts, places: list[Json], inclusive: bool, positions: Positions
) -> Json:
    qty = Decimal(amounts.qty or 1)
    discount = amounts.own_discount + (Decimal(0) if positions["coupon"] == "order" else amounts.coupon)
    step = CENT if positions["line-discount"] == "unit-cents" else SIX_DECIMALS
    tax = amounts.tax if positions["tax-base"] == "after-discount" else amounts.tax_before
    shown_tax = tax if positions["fixed-tax-shown"] == "yes" else tax - amounts.fixed
    return {
        "id": line["product_id"],
        "variant_id": line["variant_id"],
        "sku": line["sku"],
        "name": line["name"],
        "qty": amounts.qty,
        "price": json_number(amounts.price, SIX_DECIMALS),
        "tax": json_number(shown_tax / (qty if positions["line-tax"] == "unit" else 1), SIX_DECIMALS),
        "discount": json_number(discount / (1 if positions["line-discount"] == "line" else qty), step),
        "weight": float(line["weight"]),
        "image": None,
        "type": line["type"],
        "taxes": _line_taxes(line, tax, amounts, inclusive, positions),
        "options": [],
        "stock_locations": places,
        "files": [],
    }


def _stock_locations(shop: Shop, order: Json, at: int) -> list[Json]:
    """Return the locations from which the line's stock was taken; the main one where none was."""
    taken = [one for one in order.get("taken", []) if one["line"] == at]
    if taken:
        return [{"location_id": one["location"], "stock": one["pieces"]} for one in taken]
    return [{"location_id": location_ids(shop)[0], "stock": order["spec"]["lines"][at]["qty"]}]


def _address_json(place: Json | None, buyer: Json, positions: Positions) -> Json | None:
    if place is None:
        return None
    code = place["country_code"]
    return {
        "name": buyer["name"],
        "surname": buyer["surname"],
        **place,
        "country_code": {
            "two-letters": code,
            "three-letters": THREE_LETTERS.get(code, code),
            "words": place["country"],
            "missing": None,
        }[positions["country-code"]],
        "street_number": None,
        "complement": None,
        "municipality": None,
        "neighbourhood": None,
    }


def _coupon_json(spec: Json, amounts: Amounts) -> Json:
    promotions = []
    if spec["coupon"]:
        promotions.append({"id": 640221, "name": "Cupão", "code": spec["coupon"]["code"]})
    if amounts.shipping_discount:
        promotions.append({"id": 640222, "name": "Portes grátis", "code": None})
    return {"coupons": spec["coupon"]["code"] if spec["coupon"] else None, "promotions": promotions}


def _totals_json(order: Json, amounts: Amounts, positions: Positions) -> Json:
    spec = order["spec"]
    is_before = positions["tax-base"] == "before-discount" and spec["prices_include_tax"]
    tax = amounts.tax_before if is_before else amounts.tax
    vat_in_prices = amounts.tax_before if spec["prices_include_tax"] else Decimal(0)
    if positions["fixed-tax-shown"] == "no":
        tax -= sum((line.fixed for line in amounts.lines), Decimal(0))
    if positions["order-tax"] == "with-shipping":
        tax += amounts.shipping_tax
    refunded = sum((Decimal(one["amount"]) for one in order.get("refunds", [])), Decimal(0))
    return {
        "currency": spec["currency"],
        "subtotal": json_number(
            amounts.subtotal - (vat_in_prices if positions["subtotal"] == "without-tax" else Decimal(0))
        ),
        "tax": json_number(tax),
        "shipping_tax": json_number(amounts.shipping_tax),
        "shipping": json_number(amounts.shipping),
        "shipping_required": not spec["digital"],
        "total": json_number(amounts.total - (refunded if positions["refund"] == "total" else Decimal(0))),
        "discount": json_number(amounts.discount),
        "shipping_discount": json_number(amounts.shipping_discount),
        "gift_cards_discount": json_number(amounts.gift_cards),
    }


def _shipping_json(order: Json, spec: Json, amounts: Amounts, positions: Positions) -> Json:
    is_digital = spec["digital"]
    shipment = order["shipment"]
    return {
        "fulfillment_status": None
        if is_digital
        else ("fulfilled" if shipment != "unfulfilled" else "unfulfilled"),
        "shipping_method_id": None if is_digital else 702114,
        "shipping_service_id": None if is_digital else 88120,
        "shipping_method_name": spec["shipping"]["name"],
        "shipping_branch": {"id": None, "name": None},
        "shipping_address": _shipping_address(spec, positions),
        "shipping_option": "no_shipping" if is_digital else "delivery",
        "same_day_delivery": False,
        "shipment_status": SHIPMENTS.get(shipment, shipment),
        "shipment_status_enum": "not_applicable" if is_digital else shipment,
        "external_shipping_rate_id": None,
        "external_shipping_rate_description": None,
        "tracking_url": None,
        "tracking_company": None,
        "tracking_number": None,
        "pickup_address": None,
        "shipping_taxes": _shipping_taxes(spec, amounts, positions),
    }


def _shipping_taxes(spec: Json, amounts: Amounts, positions: Positions) -> list[Json]:
    place = spec["ship_to"] or {}
    inclusive = {"with-tax": True, "without-tax": False}.get(
        positions["shipping-price"], spec["prices_include_tax"]
    )
    taxes, parts = spec["shipping"]["taxes"], list(amounts.shipping_taxes)
    if len(parts) < len(taxes):
        rates = [Decimal(tax["rate"]) for tax in taxes]
        parts = [amounts.shipping_tax * rate / (sum(rates, Decimal(0)) or 1) for rate in rates]
    return [
        {
            **_order_tax_json(tax, part, "tax_on_shipping_price", inclusive, positions),
            "country": place.get("country_code"),
            "region": place.get("region_code"),
        }
        for tax, part in zip(taxes, parts, strict=False)
    ]


def _shipping_address(spec: Json, positions: Positions) -> Json | None:
    address = _address_json(spec["ship_to"], spec["buyer"], positions)
    return {**address, "latitude": None, "longitude": None} if address else None


def _links_json(shop: Shop, order: Json) -> Json:
    store = f"https://{shop.code}.jumpseller.com"
    return {
        "duplicate_url": f"{store}/cart/duplicate/{order['id']:032x}",
        "recovery_url": None,
        "review_url": f"{store}/orders/{order['id']}/review/{order['id']:032x}",
        "checkout_url": f"{store}/v2/checkout/information/{order['id']:032x}",
        "recovered_from": None,
        "source": {
            "created_from": "checkout",
            "created_from_app_code": None,
            "source_name": "direct",
            "medium": "direct",
            "campaign": None,
            "referral_url": None,
            "referral_code": None,
            "user_agent": None,
            "first_page_visited": f"{store}/",
            "first_page_visited_at": order["created_at"],
            "referral_source": None,
        },
    }


def order_json(shop: Shop, order: Json, switches: Switches) -> Json:
    """Return the order as the API shows it, without its wrapper; its `raw` fields replace any others."""
    spec, buyer = order["spec"], order["spec"]["buyer"]
    positions = positions_of(order, switches)
    amounts = calculate_amounts(spec, positions)
    company = spec["company"]
    shown = {
        "id": order["id"],
        "created_at": order["created_at"],
        "completed_at": order["completed_at"],
        **_totals_json(order, amounts, positions),
        **_shipping_json(order, spec, amounts, positions),
        **_links_json(shop, order),
        **_coupon_json(spec, amounts),
        "payment_method_name": spec["payment"]["name"],
        "payment_method_type": spec["payment"]["type"],
        "payment_information": None,
        "payment_notification_id": f"ntf-{order['id']:012d}" if order["status"] == "paid" else None,
        "additional_information": order.get("note", spec["note"]),
        "customer": _customer_json(order["id"], buyer),
        "billing_address": {**(_address_json(spec["billing"], buyer, positions) or {}), "taxid": spec["nif"]},
        "billing_information": {"business_activity": None, "company_name": company, "taxpayer_type": None},
        "products": [
            _line_json(
                line, of_line, _stock_locations(shop, order, at), spec["prices_include_tax"], positions
            )
            for at, (line, of_line) in enumerate(zip(spec["lines"], amounts.lines, strict=True))
        ],
        "additional_fields": [
            {"label": "accepts_marketing", "value": "No", "id": None, "area": "contact"},
            *spec["fields"],
        ],
        "status": STATES.get(order["status"], order["status"]),
        "status_name": STATES.get(order["status"], order["status"]),
        "status_enum": order["status"],
    }
    if order.get("forgotten"):
        shown = _without_customer(shown, positions["deleted-customer"])
    if positions["texts"] == "entities":
        shown = _in_entities(shown)
    return deep_merge(shown, order["raw"])


def list_row(shop: Shop, order: Json, switches: Switches) -> Json:
    """Return the order as a list shows it: where its row is damaged, without the fields that are null there."""
    damage = order.get("list_row") or {}
    shown = order_json(shop, order, switches) | damage
    return {name: value for name, value in shown.items() if name not in damage or value is not None}


def _without_customer(shown: Json, how: str) -> Json:
    blocks = ("customer", "billing_address", "shipping_address")
    if how == "null":
        return shown | dict.fromkeys(blocks)
    kept = (
        ("city", "postal", "region", "region_code", "country", "country_code") if how == "place-kept" else ()
    )
    return shown | {
        block: {name: value if name in kept else "" for name, value in shown[block].items()}
        for block in blocks
        if shown[block]
    }


def _in_entities(shown: Json) -> Json:
    """Return the order with every text that a person typed as HTML."""

    def escaped(block: Json | None) -> Json | None:
        return block and {
            name: html.escape(value) if isinstance(value, str) else value for name, value in block.items()
        }

    names = escaped({name: shown[name] for name in ("shipping_method_name", "payment_method_name")})
    blocks = ("customer", "billing_address", "shipping_address", "billing_information")
    return (
        shown
        | (names or {})
        | {block: escaped(shown[block]) for block in blocks}
        | {"products": [{**line, "name": html.escape(line["name"])} for line in shown["products"]]}
    )


def _customer_json(order_id: int, buyer: Json) -> Json:
    return {
        "id": 21480000 + order_id,
        "email": buyer["email"],
        "phone": buyer["phone"],
        "phone_prefix": buyer["phone_prefix"],
        "ip": "203.0.113.27",
        "fullname": f"{buyer['name']} {buyer['surname']}".strip(),
    }


def deep_merge(shown: Json, raw: Json) -> Json:
    """Return the first object with the fields of the second; objects are merged, anything else replaced."""
    if not isinstance(shown, dict) or not isinstance(raw, dict):
        return raw
    return shown | {key: deep_merge(shown.get(key), value) for key, value in raw.items()}

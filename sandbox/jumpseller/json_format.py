"""Orders and products in the JSON that Jumpseller's API and webhooks send.

It changes no state; the switches for uncertain formats are read here, whenever JSON is made.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.core.storage import Json
from sandbox.core.switches import Switches

from .amounts import CENT, Amounts, LineAmounts, calculate_amounts
from .platform_state import Shop
from .stock_levels import location_ids, shown_stock

SIX_DECIMALS = Decimal("0.000001")
STATES = {
    "created": "Created",
    "pending_payment": "Pending Payment",
    "paid": "Paid",
    "canceled": "Canceled",
    "abandoned": "Abandoned",
}
# product fields that an invoicing application never reads
UNUSED_FIELDS: Json = {
    "featured": False,
    "package_format": "box",
    "length": 0.0,
    "width": 0.0,
    "height": 0.0,
    "diameter": 0.0,
    "digital_products": [],
    "quotable": False,
    "reviews_enabled": False,
    "google_product_category_text": "",
}
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


def order_amounts(order: Json, switches: Switches) -> Amounts:
    """Return the order's amounts, rounded as its specification or else the switch says."""
    return calculate_amounts(order["spec"], order["spec"]["rounding"] or switches["shop-rounding"])


def _order_tax_json(tax: Json, amount: Decimal, flag: str, inclusive: bool, switches: Switches) -> Json:
    shown: Json = {"id": tax["id"], "name": tax["name"], "fixed": tax["fixed"], flag: inclusive}
    if switches["rate"] == "text":
        return {**shown, "rate": str(Decimal(tax["rate"]) + Decimal("0.0")), "amount": f"{amount:.3f}"}
    return {**shown, "rate": float(Decimal(tax["rate"]))}


def _line_taxes(line: Json, tax: Decimal, qty: int, inclusive: bool, switches: Switches) -> list[Json]:
    fixed = sum((Decimal(one["rate"]) for one in line["taxes"] if one["fixed"]), Decimal(0)) * qty
    percents = sum((Decimal(one["rate"]) for one in line["taxes"] if not one["fixed"]), Decimal(0))
    unit = Decimal(1) if switches["line-tax"] == "line" else Decimal(qty)
    shown = []
    for one in line["taxes"]:
        rate = Decimal(one["rate"])
        amount = rate * qty if one["fixed"] else (tax - fixed) * rate / (percents or Decimal(1))
        shown.append(_order_tax_json(one, amount / unit, "tax_on_product_price", inclusive, switches))
    return shown


def _line_json(
    line: Json, amounts: LineAmounts, places: list[Json], inclusive: bool, switches: Switches
) -> Json:
    qty = Decimal(amounts.qty)
    discount = amounts.own_discount + (amounts.coupon if switches["coupon"] == "lines" else Decimal(0))
    tax = amounts.tax if switches["tax-base"] == "after-discount" else amounts.tax_before
    return {
        "id": line["product_id"],
        "variant_id": line["variant_id"],
        "sku": line["sku"],
        "name": line["name"],
        "qty": amounts.qty,
        "price": json_number(amounts.price, SIX_DECIMALS),
        "tax": json_number(tax / (qty if switches["line-tax"] == "unit" else 1), SIX_DECIMALS),
        "discount": json_number(discount / (qty if switches["line-discount"] == "unit" else 1), SIX_DECIMALS),
        "weight": float(line["weight"]),
        "image": None,
        "type": line["type"],
        "taxes": _line_taxes(line, tax, amounts.qty, inclusive, switches),
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


def _address_json(place: Json | None, buyer: Json) -> Json | None:
    if place is None:
        return None
    return {
        "name": buyer["name"],
        "surname": buyer["surname"],
        **place,
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


def _totals_json(spec: Json, amounts: Amounts, switches: Switches) -> Json:
    is_before = switches["tax-base"] == "before-discount" and spec["prices_include_tax"]
    tax = amounts.tax_before if is_before else amounts.tax
    if switches["order-tax"] == "with-shipping":
        tax += amounts.shipping_tax
    return {
        "currency": spec["currency"],
        "subtotal": json_number(amounts.subtotal),
        "tax": json_number(tax),
        "shipping_tax": json_number(amounts.shipping_tax),
        "shipping": json_number(amounts.shipping),
        "shipping_required": not spec["digital"],
        "total": json_number(amounts.total),
        "discount": json_number(amounts.discount),
        "shipping_discount": json_number(amounts.shipping_discount),
        "gift_cards_discount": json_number(amounts.gift_cards),
    }


def _shipping_json(order: Json, spec: Json, amounts: Amounts, switches: Switches) -> Json:
    place = spec["ship_to"] or {}
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
        "shipping_address": _shipping_address(spec),
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
        "shipping_taxes": [
            {
                **_order_tax_json(
                    tax, amounts.shipping_tax, "tax_on_shipping_price", spec["prices_include_tax"], switches
                ),
                "country": place.get("country_code"),
                "region": place.get("region_code"),
            }
            for tax in spec["shipping"]["taxes"]
        ],
    }


def _shipping_address(spec: Json) -> Json | None:
    address = _address_json(spec["ship_to"], spec["buyer"])
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
    amounts = order_amounts(order, switches)
    company = spec["company"]
    shown = {
        "id": order["id"],
        "created_at": order["created_at"],
        "completed_at": order["completed_at"],
        **_totals_json(spec, amounts, switches),
        **_shipping_json(order, spec, amounts, switches),
        **_links_json(shop, order),
        **_coupon_json(spec, amounts),
        "payment_method_name": spec["payment"]["name"],
        "payment_method_type": spec["payment"]["type"],
        "payment_information": None,
        "payment_notification_id": f"ntf-{order['id']:012d}" if order["status"] == "paid" else None,
        "additional_information": order.get("note", spec["note"]),
        "customer": _customer_json(order["id"], buyer),
        "billing_address": {**(_address_json(spec["billing"], buyer) or {}), "taxid": spec["nif"]},
        "billing_information": {"business_activity": None, "company_name": company, "taxpayer_type": None},
        "products": [
            _line_json(line, of_line, _stock_locations(shop, order, at), spec["prices_include_tax"], switches)
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
    return deep_merge(shown, order["raw"])


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


def variant_json(shop: Shop, variant: Json, switches: Switches) -> Json:
    """Return the variant as the API shows it, without its wrapper."""
    return {
        "id": variant["id"],
        "price": _price_value(variant["price"], switches),
        "sku": variant["sku"],
        "barcode": variant.get("barcode"),
        "stock": _stock_value(shop, variant, switches),
        "stock_unlimited": variant.get("stock_unlimited", False),
        "stock_threshold": 0,
        "stock_notification": False,
        "cost_per_item": None,
        "compare_at_price": None,
        "options": variant["options"],
        "image": None,
    }


def _price_value(text: str, switches: Switches) -> float | str:
    return text if switches["product-numbers"] == "text" else float(Decimal(text))


def _stock_value(shop: Shop, held: Json, switches: Switches) -> int | str:
    pieces = shown_stock(shop, held, switches)
    return str(pieces) if switches["product-numbers"] == "text" else pieces


def product_json(shop: Shop, product: Json, switches: Switches) -> Json:
    """Return the product as the API shows it, without its wrapper; variants have their own stock and SKU."""
    variants = [variant_json(shop, variant, switches) for variant in product["variants"]]
    return {
        "id": product["id"],
        "name": product["name"],
        "page_title": "",
        "description": product.get("description", ""),
        "type": product["type"],
        "days_to_expire": None,
        "price": _price_value(product["price"], switches),
        "discount": _price_value("0.0", switches),
        "weight": float(product["weight"]),
        "stock": _stock_value(shop, product, switches),
        "stock_unlimited": product["stock_unlimited"],
        "stock_threshold": 0,
        "stock_notification": False,
        "back_in_stock_enabled": False,
        "cost_per_item": None,
        "compare_at_price": None,
        "sku": product["sku"],
        "brand": None,
        "barcode": product.get("barcode"),
        **UNUSED_FIELDS,
        "status": product["status"],
        "created_at": product["created_at"],
        "updated_at": product["updated_at"],
        "permalink": product["name"].lower().replace(" ", "-"),
        "categories": [],
        "images": [],
        "variants": variants,
        "fields": [],
        "currency": shop.profile["currency"],
    }


def tax_json(tax: Json) -> Json:
    """Return the tax as the API shows it, without its wrapper."""
    return {**tax, "tax_amount": float(Decimal(tax["tax_amount"]))}

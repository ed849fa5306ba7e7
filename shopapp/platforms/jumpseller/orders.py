"""Jumpseller's payload of `GET /orders/{id}.json` read into an `Order`. Pure.

Source: Jumpseller's published API description and recorded payloads, read 2026-11-20. *Unconfirmed*, with the safe
choice made here: whether a line's `discount` and `tax` are for one unit or for the line (discounts.py uses the reading
that adds up, or there is no document), and how a payment shows in the history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import ZERO
from shopapp.fiscal.order import Order, OrderLine, Payment
from shopapp.fiscal.party import Address, Party
from shopapp.fiscal.tax_ids import normalise_tax_id

from ..fields import (
    Json,
    amount_field,
    cents_field,
    object_field,
    objects_field,
    parse_timestamp,
    required_field,
    text_field,
    timestamp_or_none,
)
from .discounts import PayloadLine, read_discounts
from .shipping import shipping_lines
from .taxes import charge_on_top, charged_rate, fixed_charges, with_charges_named
from .terms import line_kind, order_status

_PAID = re.compile(r"\b(paid|pago|paga|pagado|pagada)\b", re.IGNORECASE)
_NOT_PAID = re.compile(r"\b(não|nao|not|no|un)\b|pend", re.IGNORECASE)
_TAX_ID = re.compile(r"\b(nif|nipc|contribuinte|vat|tax ?id|(n.?|número|numero) fiscal)\b", re.IGNORECASE)
_NOT_SENT = ("", "unfulfilled", "not_applicable")
"""The states of a shipment in which nothing can have left; any other, even an unknown one, may mean that it has."""
_CARD_GATEWAYS = ("stripe", "easypaycc", "hipay")
_REFERENCE_GATEWAYS = ("ifthenpay", "eupago", "easypay")


def order_from(payload: Json, history: Sequence[Json] = ()) -> Order:
    """Return the order in this payload (with or without its wrapper) and its history.

    Raises OrderError where the payload is ambiguous about what was sold: two percentages on a line, figures of which no
    reading adds up.
    """
    inner = payload.get("order", payload)
    if not isinstance(inner, Mapping):
        raise OrderError("order-unreadable", field="order")
    paid_at, source = _payment_time(inner, history)
    inclusive = _prices_include_tax(inner)
    coupon, lines = _order_lines(inner, inclusive)
    total = cents_field(inner, "total")
    return Order(
        id=str(required_field(inner, "id")),
        status=order_status(inner),
        created_at=parse_timestamp(required_field(inner, "created_at")),
        currency=str(required_field(inner, "currency")).upper(),
        prices_include_tax=inclusive,
        lines=(*lines, *shipping_lines(inner, inclusive, lines)),
        total=total,
        buyer=_buyer(inner),
        paid_at=paid_at,
        paid_source=source,
        discount=coupon,
        gift_cards=cents_field(inner, "gift_cards_discount", ZERO),
        ship_to=_ship_to(inner),
        payments=(Payment(payment_method(inner), total),) if total > ZERO else (),
        has_left=text_field(inner, "shipment_status_enum") not in _NOT_SENT,
        note=text_field(inner, "additional_information"),
    )


# lines


def _order_lines(inner: Json, inclusive: bool) -> tuple[Decimal, list[OrderLine]]:
    """Return the coupon that is on no line, and the product lines with their discounts."""
    products = objects_field(inner, "products")
    payload_lines = [_payload_line(product) for product in products]
    coupon, discounts = read_discounts(
        payload_lines,
        _discount_of_products(inner),
        inclusive=inclusive,
    )
    lines = [
        OrderLine(
            ref=str(position),
            description=with_charges_named(line.name, objects_field(product, "taxes")),
            quantity=line.quantity,
            unit_price=line.price,
            kind=line_kind(product),
            sku=str(product.get("sku") or "").strip(),
            discount=discount,
            fixed_charge=charge_on_top(objects_field(product, "taxes"), "tax_on_product_price"),
            charged=line.rate,
        )
        for position, (product, line, discount) in enumerate(
            zip(products, payload_lines, discounts, strict=True), 1
        )
    ]
    return coupon, lines


def _discount_of_products(inner: Json) -> Decimal:
    """Return the order's discount without that of shipping, which is in it (recorded) where it can be."""
    discount = amount_field(inner, "discount", ZERO)
    of_products = discount - amount_field(inner, "shipping_discount", ZERO)
    return of_products if of_products >= ZERO else discount


def _payload_line(product: Json) -> PayloadLine:
    """Return the line with its tax, where the tax says something about the discounts."""
    name = text_field(product, "name") or str(product.get("sku") or required_field(product, "id"))
    quantity, price = amount_field(product, "qty"), amount_field(product, "price")
    taxes = objects_field(product, "taxes")
    is_sold = quantity > ZERO and price >= ZERO
    has_tax = product.get("tax") not in (None, "") and is_sold and not fixed_charges(taxes)
    return PayloadLine(
        name=name,
        quantity=quantity,
        price=price,
        discount=amount_field(product, "discount", ZERO) if is_sold else ZERO,
        tax=amount_field(product, "tax") if has_tax else None,
        rate=charged_rate(taxes, name),
    )


def _prices_include_tax(inner: Json) -> bool:
    """Return whether prices include tax, by the product lines or, where none is taxed, by shipping.

    Raises OrderError `prices-mixed` when the lines disagree.
    """
    product_flags = {
        bool(tax.get("tax_on_product_price"))
        for product in objects_field(inner, "products")
        for tax in objects_field(product, "taxes")
        if amount_field(tax, "rate") and not tax.get("fixed")
    }
    if len(product_flags) > 1:
        raise OrderError("prices-mixed")
    shipping_flags = {
        bool(tax.get("tax_on_shipping_price")) for tax in objects_field(inner, "shipping_taxes")
    }
    return (product_flags or shipping_flags or {True}).pop()


# people and places


def _buyer(inner: Json) -> Party:
    billing, customer = object_field(inner, "billing_address"), object_field(inner, "customer")
    return Party(
        name=text_field(billing, "name", "surname") or text_field(customer, "fullname"),
        tax_id=_tax_id(inner, billing),
        company=text_field(object_field(inner, "billing_information"), "company_name"),
        email=text_field(customer, "email"),
        phone=text_field(customer, "phone"),
        address=_address(billing) or _address(object_field(inner, "shipping_address")),
        is_erased=_is_erased(inner),
    )


def _tax_id(inner: Json, billing: Json) -> str:
    """Return the tax id of the field meant for it, else of an additional field whose label asks for it."""
    tax_id = text_field(billing, "taxid")
    if normalise_tax_id(tax_id):
        return tax_id
    fields = [
        (text_field(each, "area"), text_field(each, "value"))
        for each in objects_field(inner, "additional_fields")
        if _TAX_ID.search(text_field(each, "label"))
    ]
    answers = [(area, value) for area, value in fields if any(sign.isdigit() for sign in value)]
    answers.sort(key=lambda answer: answer[0] != "billing")
    return answers[0][1] if answers else ""


def _is_erased(inner: Json) -> bool:
    """Return whether nothing is left by which to know a buyer who must have given it: shops delete it after a time.

    The checkout demands an e-mail address of everybody; a sale at the counter needs no buyer. (How deleted data look is
    unconfirmed: blocks that are absent or null, fields that are empty, perhaps with the place kept.)
    """
    people = [object_field(inner, name) for name in ("billing_address", "shipping_address", "customer")]
    names = ("name", "surname", "fullname", "email", "phone", "address", "taxid")
    return not _is_counter_sale(inner) and not any(text_field(each, *names) for each in people)


def _address(block: Json) -> Address | None:
    if not text_field(block, "address", "city", "postal", "country_code", "country"):
        return None
    return Address(
        street=text_field(block, "address", "street_number", "complement"),
        postal_code=text_field(block, "postal"),
        city=text_field(block, "city") or text_field(block, "municipality"),
        country=text_field(block, "country_code").upper() or text_field(block, "country"),
    )


def _ship_to(inner: Json) -> Address | None:
    """Return the address to which the order is sent; that of the shop, in Portugal, when the buyer takes it there."""
    if inner.get("shipping_option") == "store_pickup" or _is_counter_sale(inner):
        shop = _address(object_field(inner, "pickup_address")) or Address()
        return shop if shop.country else replace(shop, country="PT")
    return _address(object_field(inner, "shipping_address"))


def _is_counter_sale(inner: Json) -> bool:
    return object_field(inner, "source").get("created_from") == "pos"


# payment


def _payment_time(inner: Json, history: Sequence[Json]) -> tuple[datetime | None, str]:
    """Return the time at which a paid order was paid, and its source: `platform`, `history` or `completed_at`.

    The payload has no payment date (documented by absence); the wording of the history is unconfirmed.
    """
    if inner.get("status_enum") != "paid":
        return None, ""
    if inner.get("paid_at"):
        return parse_timestamp(inner["paid_at"]), "platform"
    payment_entries = [
        moment
        for wrapped in history
        if (moment := timestamp_or_none((entry := wrapped.get("order_history", wrapped)).get("created_at")))
        and _PAID.search(str(entry.get("message") or ""))
        and not _NOT_PAID.search(str(entry.get("message") or ""))
    ]
    if payment_entries:
        return min(payment_entries), "history"
    completed = inner.get("completed_at")
    return (parse_timestamp(completed), "completed_at") if completed else (None, "")


def payment_method(inner: Json) -> str:
    """Return the payment means by its type; by the merchant's own name for it only where the type is too broad."""
    kind = str(inner.get("payment_method_type") or "").lower()
    name = text_field(inner, "payment_method_name").lower()
    if kind in _CARD_GATEWAYS:
        return "card"
    if kind == "paypal":
        return "paypal"
    if re.search(r"mb ?way", name):
        return "mbway"
    if kind in _REFERENCE_GATEWAYS:
        text = f"{name} {inner.get('payment_information') or ''}".lower()
        return "multibanco" if "multibanco" in text or "entidade" in text else kind
    if kind == "manual":
        for word, ours in (("transfer", "transfer"), ("cobrança", "cash_on_delivery"), ("numerário", "cash")):
            if word in name:
                return ours
    return kind

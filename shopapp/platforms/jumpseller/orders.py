"""Jumpseller's order, read into ours: pure, from the parsed payload of `GET /orders/{id}.json`.

Called by the adapter. Source: Jumpseller's published API description and recorded payloads, read 2026-11-20.
*Unconfirmed*, with the safe choice taken here: whether a line's `discount` and `tax` are for one unit or for the line
(`discounts.py`: the reading that adds up, else no document), and how a payment shows in the history.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import ZERO, strip_trailing_zeros
from shopapp.fiscal.order import Order, OrderLine, Payment
from shopapp.fiscal.party import Address, Party, normalise_tax_id

from .discounts import PayloadLine, read_discounts
from .fields import (
    Json,
    amount_field,
    cents_field,
    line_kind,
    object_field,
    objects_field,
    order_status,
    parse_timestamp,
    required_field,
)

_PAID = re.compile(r"\b(paid|pago|paga|pagado|pagada)\b", re.IGNORECASE)
_NOT_PAID = re.compile(r"\b(não|nao|not|no|un)\b|pend", re.IGNORECASE)
_TAX_ID = re.compile(r"\b(nif|nipc|contribuinte|vat|tax ?id|(n.?|número|numero) fiscal)\b", re.IGNORECASE)
_CARD_GATEWAYS = ("stripe", "easypaycc", "hipay")
_REFERENCE_GATEWAYS = ("ifthenpay", "eupago", "easypay")


def order_from(payload: Json, history: Sequence[Json] = ()) -> Order:
    """The order in our words, with or without its wrapper, `history` as its own call answers.

    Raises OrderError where the payload does not say for certain what was sold (two taxes on a line, a fixed tax,
    figures that no reading reconciles).
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
        lines=(*lines, *_shipping_lines(inner, inclusive)),
        total=total,
        buyer=_buyer(inner),
        paid_at=paid_at,
        paid_source=source,
        discount=coupon,
        gift_cards=cents_field(inner, "gift_cards_discount", ZERO),
        ship_to=_ship_to(inner),
        payments=(Payment(payment_method(inner), total),) if total > ZERO else (),
        note=str(inner.get("additional_information") or ""),
    )


# lines


def _order_lines(inner: Json, inclusive: bool) -> tuple[Decimal, list[OrderLine]]:
    """The coupon that stands on no line, and the lines of goods with their discounts."""
    products = objects_field(inner, "products")
    shown = [_payload_line(product) for product in products]
    coupon, taken = read_discounts(
        shown,
        amount_field(inner, "discount", ZERO) - amount_field(inner, "shipping_discount", ZERO),
        inclusive=inclusive,
    )
    lines = [
        OrderLine(
            ref=str(at),
            description=each.name,
            quantity=each.quantity,
            unit_price=each.price,
            kind=line_kind(product),
            sku=str(product.get("sku") or "").strip(),
            discount=off,
            charged=each.rate,
        )
        for at, (product, each, off) in enumerate(zip(products, shown, taken, strict=True), 1)
    ]
    return coupon, lines


def _payload_line(product: Json) -> PayloadLine:
    name = str(product.get("name") or product.get("sku") or required_field(product, "id"))
    has_tax = product.get("tax") not in (None, "")
    return PayloadLine(
        name=name,
        quantity=amount_field(product, "qty"),
        price=amount_field(product, "price"),
        discount=amount_field(product, "discount", ZERO),
        tax=amount_field(product, "tax") if has_tax else None,
        rate=charged_rate(objects_field(product, "taxes"), name),
    )


def charged_rate(taxes: Sequence[Json], line: str) -> Decimal | None:
    """The one percentage charged, None for no tax; raises OrderError for a fixed tax or for two on one line."""
    counted = [each for each in taxes if amount_field(each, "rate")]
    if any(each.get("fixed") for each in counted):
        raise OrderError("fixed-tax", line=line)
    if len(counted) > 1:
        raise OrderError(
            "two-taxes",
            line=line,
            rates=[str(strip_trailing_zeros(amount_field(each, "rate"))) for each in counted],
        )
    return strip_trailing_zeros(amount_field(counted[0], "rate")) if counted else None


def _prices_include_tax(inner: Json) -> bool:
    """Whether prices have the tax in them; raises OrderError when the lines disagree. Shipping decides alone."""
    flags = {
        bool(tax.get("tax_on_product_price"))
        for product in objects_field(inner, "products")
        for tax in objects_field(product, "taxes")
        if amount_field(tax, "rate")
    }
    if len(flags) > 1:
        raise OrderError("prices-mixed")
    own = {bool(tax.get("tax_on_shipping_price")) for tax in objects_field(inner, "shipping_taxes")}
    return (flags or own or {True}).pop()


def _shipping_lines(inner: Json, inclusive: bool) -> list[OrderLine]:
    """The delivery, none where nothing was asked for it; its price brought to the basis of the other prices."""
    price = amount_field(inner, "shipping", ZERO)
    if not price:
        return []
    name = str(inner.get("shipping_method_name") or "Portes de envio")
    taxes = objects_field(inner, "shipping_taxes")
    rate = charged_rate(taxes, name)
    if (
        rate is not None
        and amount_field(inner, "shipping_tax", ZERO) == ZERO
        and price > _shipping_discount(inner)
    ):
        rate = None
    own = all(bool(tax.get("tax_on_shipping_price")) for tax in taxes) if rate is not None else inclusive
    factor = 1 + (rate or ZERO) / 100
    change = Decimal(1) if own == inclusive else (factor if inclusive else 1 / factor)
    off = _shipping_discount(inner) * change
    return [OrderLine("shipping", name, Decimal(1), price * change, "shipping", discount=off, charged=rate)]


def _shipping_discount(inner: Json) -> Decimal:
    return min(amount_field(inner, "shipping_discount", ZERO), amount_field(inner, "shipping", ZERO))


# people and places


def _buyer(inner: Json) -> Party:
    billing, customer = object_field(inner, "billing_address"), object_field(inner, "customer")
    name = " ".join(str(billing.get(part) or "").strip() for part in ("name", "surname")).strip()
    return Party(
        name=name or str(customer.get("fullname") or "").strip(),
        tax_id=_tax_id(inner, billing),
        company=str(object_field(inner, "billing_information").get("company_name") or "").strip(),
        email=str(customer.get("email") or "").strip(),
        phone=str(customer.get("phone") or "").strip(),
        address=_address(billing) or _address(object_field(inner, "shipping_address")),
    )


def _tax_id(inner: Json, billing: Json) -> str:
    """The number from the field meant for it, else from an additional field whose label asks for it."""
    own = str(billing.get("taxid") or "").strip()
    if normalise_tax_id(own):
        return own
    fields = [
        (str(each.get("area") or ""), str(each["value"]).strip())
        for each in objects_field(inner, "additional_fields")
        if _TAX_ID.search(html.unescape(str(each.get("label") or ""))) and each.get("value")
    ]
    answers = [(area, value) for area, value in fields if any(sign.isdigit() for sign in value)]
    answers.sort(key=lambda answer: answer[0] != "billing")
    return answers[0][1] if answers else ""


def _address(block: Json) -> Address | None:
    def text(*names: str) -> str:
        return " ".join(str(block[name]).strip() for name in names if block.get(name)).strip()

    if not any(text(name) for name in ("address", "city", "postal", "country_code")):
        return None
    return Address(
        street=text("address", "street_number", "complement"),
        postal_code=text("postal"),
        city=text("city") or text("municipality"),
        country=text("country_code").upper(),
    )


def _ship_to(inner: Json) -> Address | None:
    """Where the goods went; the shop itself when the buyer fetched them there."""
    if inner.get("shipping_option") == "store_pickup":
        return _address(object_field(inner, "pickup_address")) or Address(country="PT")
    return _address(object_field(inner, "shipping_address"))


# payment


def _payment_time(inner: Json, history: Sequence[Json]) -> tuple[datetime | None, str]:
    """When a paid order was paid and how that is known (rulings section 8); the history's words are unconfirmed."""
    if inner.get("status_enum") != "paid":
        return None, ""
    if inner.get("paid_at"):
        return parse_timestamp(inner["paid_at"]), "platform"
    payment_entries = [
        parse_timestamp(entry["created_at"])
        for wrapped in history
        if (entry := wrapped.get("order_history", wrapped)).get("created_at")
        and _PAID.search(str(entry.get("message") or ""))
        and not _NOT_PAID.search(str(entry.get("message") or ""))
    ]
    if payment_entries:
        return min(payment_entries), "history"
    completed = inner.get("completed_at")
    return (parse_timestamp(completed), "completed_at") if completed else (None, "")


def payment_method(inner: Json) -> str:
    """The means of payment in our words, by the type; the merchant's own name for it only where the type is wide."""
    kind = str(inner.get("payment_method_type") or "").lower()
    name = html.unescape(str(inner.get("payment_method_name") or "")).lower()
    if kind in _CARD_GATEWAYS:
        return "card"
    if kind == "paypal":
        return "paypal"
    if re.search(r"mb ?way", name):
        return "mbway"
    if kind in _REFERENCE_GATEWAYS:
        told = f"{name} {inner.get('payment_information') or ''}".lower()
        return "multibanco" if "multibanco" in told or "entidade" in told else kind
    if kind == "manual":
        for word, ours in (("transfer", "transfer"), ("cobrança", "cash_on_delivery"), ("numerário", "cash")):
            if word in name:
                return ours
    return kind

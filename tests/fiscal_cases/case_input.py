"""A case as the application would meet it: an order, the merchant's settings and today.

Called by the runner. It translates words of the file into words of `shopapp.fiscal` and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shopapp.fiscal.credit_note import CreditLineRequest, OriginalDocument
from shopapp.fiscal.document import Customer, DraftLine, FiscalSettings
from shopapp.fiscal.document_type import local_day
from shopapp.fiscal.money import parse_amount
from shopapp.fiscal.order import Order, OrderLine, Payment
from shopapp.fiscal.party import Address, Party

Case = Mapping[str, Any]


def settings_of(case: Case) -> FiscalSettings:
    """What the merchant of the case chose."""
    merchant = case["merchant"]
    marked = {each["ref"]: each["exemption_code"] for each in _lines(case) if each.get("exemption_code")}
    return FiscalSettings(
        kind=merchant.get("kind", "FR"),
        ship_from=merchant["ship_from"],
        regime=merchant["vat_regime"],
        oss_registered=merchant["oss_registered"],
        threshold_exceeded=merchant["eu_b2c_threshold_exceeded"],
        retailer=merchant.get("retailer", True),
        exemption=merchant.get("exemption", ""),
        exceptions={**marked, **merchant.get("exceptions", {})},
        gift_cards=merchant.get("gift_cards", ""),
        on_tax_difference=merchant.get("on_tax_difference", {}),
        rounding_level=merchant.get("level", "rate_group"),
    )


def today_of(case: Case) -> date:
    """The day on which the case is decided (rulings section 8)."""
    order = case["order"]
    told = (order.get("refund") or {}).get("date") or order.get("goods_made_available")
    told = told or order.get("paid_date") or order["date"]
    return local_day(_moment(told), case["merchant"]["ship_from"])


def order_of(case: Case) -> Order:
    """The order of the case."""
    order = case["order"]
    rate = order.get("exchange_rate") or {}
    return Order(
        id=case["id"],
        status="cancelled" if order.get("cancelled") else "paid" if order["paid"] else "open",
        created_at=_moment(order["date"]),
        currency=order["currency"],
        prices_include_tax=order["prices_include_tax"],
        lines=(*(_line(each, order) for each in _lines(case)), *_unsplit_shipping(order)),
        total=parse_amount(order["total"]),
        buyer=_buyer(order["customer"]),
        paid_at=_moment(order["paid_date"]) if order.get("paid_date") else None,
        paid_source="platform" if order.get("paid_date") else "",
        discount=parse_amount(order.get("order_discount") or "0"),
        ship_to=_address(order.get("ship_to")),
        payments=tuple(
            Payment(each["method"], parse_amount(each["amount"])) for each in order.get("payments", [])
        ),
        exchange_rate=parse_amount(rate["foreign_per_eur"]) if rate.get("foreign_per_eur") else None,
        goods_made_available=_moment(order["goods_made_available"])
        if order.get("goods_made_available")
        else None,
    )


def original_of(case: Case) -> OriginalDocument:
    """The issued document that the case's refund corrects; without a number where there is none."""
    told = case["order"].get("original_document") or {}
    customer = told.get("customer") or {}
    credited = told.get("already_credited_gross")
    return OriginalDocument(
        number="" if told.get("status") == "draft" else told.get("number") or "",
        kind=told.get("type", "FR"),
        customer=Customer(
            tax_id=customer.get("tax_id", ""),
            name=customer.get("name", ""),
            print_tax_id=customer.get("print_tax_id", False),
            country=customer.get("country", "PT"),
            name_and_address_required=customer.get("name_and_address_required", False),
        ),
        lines=tuple(_issued_lines(each) for each in told.get("lines", [])),
        credited_gross=parse_amount(credited) if credited else None,
    )


def credit_request_of(case: Case) -> dict[str, Any]:
    """What the refund asks to be credited, as `credit_note` takes it."""
    refund = case["order"]["refund"]
    lines = [
        CreditLineRequest(each["ref"], _number(each.get("qty")), _number(each.get("gross")))
        for each in refund.get("lines") or []
    ]
    return {"lines": lines, "amount": _number(refund.get("amount")), "reason": refund.get("reason") or ""}


def _number(written: str | None) -> Any:
    return None if written is None else parse_amount(written)


def _lines(case: Case) -> list[Mapping[str, Any]]:
    return list(case["order"].get("lines", []))


def _line(told: Mapping[str, Any], order: Mapping[str, Any]) -> OrderLine:
    return OrderLine(
        ref=told["ref"],
        description=told.get("description") or told["ref"],
        quantity=parse_amount(told["qty"]),
        unit_price=parse_amount(told["unit_price"]),
        kind=told["kind"],
        sku=told["ref"],
        discount=parse_amount(told.get("line_discount") or "0"),
        category=told.get("vat_category"),
        charged=_number(told.get("charged_rate")),
        parts=_parts(told, order),
    )


def _parts(told: Mapping[str, Any], order: Mapping[str, Any]) -> tuple[Any, ...]:
    """The categories of what is sold together as one product, whether the bundle names lines or has its own."""
    bundle = order.get("bundle") or []
    if isinstance(bundle, Mapping):
        own = bundle.get("ref") or bundle.get("line_ref")
        inside = next(
            (bundle[key] for key in ("components", "items", "lines", "refs") if bundle.get(key)), []
        )
    else:
        own, inside = None, list(bundle)
    named = [each for each in inside if isinstance(each, Mapping) and each.get("vat_category")]
    refs = {each if isinstance(each, str) else each.get("ref") for each in inside}
    goods = [each for each in order.get("lines", []) if each["kind"] == "goods"]
    if told["kind"] != "goods" or not (
        told["ref"] == own or told["ref"] in refs or len(goods) == 1 and inside
    ):
        return ()
    if named:
        return tuple(each["vat_category"] for each in named)
    return tuple(each["vat_category"] for each in goods if each["ref"] in refs)


def _unsplit_shipping(order: Mapping[str, Any]) -> tuple[OrderLine, ...]:
    """The delivery of an order that names its price only apart from the lines."""
    told = order.get("shipping_as_charged")
    if not told or any(each["kind"] == "shipping" for each in order["lines"]):
        return ()
    price = (
        told if isinstance(told, str) else told.get("amount") or told.get("gross") or told.get("unit_price")
    )
    return (
        (OrderLine("SHIP", "Portes de envio", parse_amount("1"), parse_amount(price), "shipping"),)
        if price
        else ()
    )


def _issued_lines(told: Mapping[str, Any]) -> DraftLine:
    return DraftLine(
        ref=told["ref"],
        description=told.get("description") or told["ref"],
        quantity=parse_amount(told["qty"]),
        unit_price_net=parse_amount(told["unit_price_net"]),
        discount_percent=parse_amount(told["discount_percent"]),
        region=told["region"],
        vat_rate=parse_amount(told["vat_rate"]),
        tax_code=told["saft_tax_code"],
        net=parse_amount(told["net"]),
        vat=parse_amount(told["vat"]),
        gross=parse_amount(told["gross"]),
        exemption_code=told.get("exemption_code") or "",
        exemption_mention=told.get("exemption_mention") or "",
    )


def _buyer(told: Mapping[str, Any]) -> Party:
    is_business = told.get("type") == "business"
    return Party(
        name=told.get("name") or "",
        tax_id=told.get("tax_id") or "",
        company=told.get("name") or "" if is_business else "",
        address=_address(told.get("billing")),
        vies=told.get("vies"),
    )


def _address(told: Mapping[str, Any] | None) -> Address | None:
    if not told:
        return None
    return Address(
        street=told.get("address") or "",
        postal_code=told.get("postal_code") or "",
        city=told.get("city") or "",
        country=(told.get("country") or "").upper(),
    )


def _moment(written: str) -> datetime:
    """The moment; a bare day is its noon in UTC, which is the same day in all three regions."""
    text = written.replace("Z", "+00:00")
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00:00+00:00")

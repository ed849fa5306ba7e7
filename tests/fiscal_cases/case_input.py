"""A case as the input of `shopapp.fiscal`: an order, the merchant's settings and today.

Translates the terms of the file and calculates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shopapp.fiscal.credit_note import CreditLineRequest
from shopapp.fiscal.creditable import OriginalDocument
from shopapp.fiscal.decisions import ALL, Decisions
from shopapp.fiscal.document import Customer, DraftLine, FiscalSettings
from shopapp.fiscal.document_type import local_day
from shopapp.fiscal.money import parse_amount
from shopapp.fiscal.order import Order, OrderLine, Payment
from shopapp.fiscal.party import Address, Party

Case = Mapping[str, Any]


def settings_of(case: Case) -> FiscalSettings:
    """Return the settings of the case's merchant."""
    merchant = case["merchant"]
    return FiscalSettings(
        kind=merchant.get("kind", "FR"),
        ship_from=merchant["ship_from"],
        regime=merchant["vat_regime"],
        oss_registered=merchant["oss_registered"],
        threshold_exceeded=merchant["eu_b2c_threshold_exceeded"],
        retailer=merchant.get("retailer", True),
        exemption=merchant.get("exemption", ""),
        decisions=_decisions_of(case),
        rounding_level=merchant.get("level", "rate_group"),
    )


def _decisions_of(case: Case) -> Decisions:
    """Return what the case's merchant has decided; a case of a gift card used says what it was, or it was a payment."""
    merchant = case["merchant"]
    marked = {each["ref"]: each["exemption_code"] for each in _lines(case) if each.get("exemption_code")}
    gift_cards = merchant.get("gift_cards")
    return Decisions(
        {
            "tax-difference": merchant.get("on_tax_difference", {}),
            "product-tax": {**marked, **merchant.get("exceptions", {})},
            "gift-card": {ALL: gift_cards} if gift_cards else {},
            "gift-card-use": {ALL: gift_cards or "multi-purpose"},
            "oss-rate": _confirmed_abroad(case),
        }
    )


def _confirmed_abroad(case: Case) -> dict[str, str]:
    """Return the rates that the shop charged abroad, as confirmed by the merchant; one not in force asks anyway."""
    country = (case["order"].get("ship_to") or {}).get("country")
    rates = {each["charged_rate"] for each in _lines(case) if each.get("charged_rate")}
    return {f"{country} {rate}": rate for rate in rates}


def today_of(case: Case) -> date:
    """Return the day of the case: that of the refund, else of the handover, the payment or the order."""
    order = case["order"]
    refund_date = (order.get("refund") or {}).get("date")
    written = refund_date or order.get("goods_made_available") or order.get("paid_date") or order["date"]
    return local_day(_moment(written), case["merchant"]["ship_from"])


def order_of(case: Case) -> Order:
    """Return the order of the case."""
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
    """Return the issued document that the case's refund corrects; its number is empty when there is none."""
    document = case["order"].get("original_document") or {}
    customer = document.get("customer") or {}
    credited = document.get("already_credited_gross")
    return OriginalDocument(
        number="" if document.get("status") == "draft" else document.get("number") or "",
        kind=document.get("type", "FR"),
        customer=Customer(
            tax_id=customer.get("tax_id", ""),
            name=customer.get("name", ""),
            print_tax_id=customer.get("print_tax_id", False),
            country=customer.get("country", "PT"),
            name_and_address_required=customer.get("name_and_address_required", False),
        ),
        lines=tuple(_issued_line(each) for each in document.get("lines", [])),
        credited_gross=parse_amount(credited) if credited else None,
    )


def credit_request_of(case: Case) -> dict[str, Any]:
    """Return what the refund asks to credit, as arguments of `build_credit_note`."""
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


def _line(line: Mapping[str, Any], order: Mapping[str, Any]) -> OrderLine:
    return OrderLine(
        ref=line["ref"],
        description=line.get("description") or line["ref"],
        quantity=parse_amount(line["qty"]),
        unit_price=parse_amount(line["unit_price"]),
        kind=line["kind"],
        sku=line["ref"],
        discount=parse_amount(line.get("line_discount") or "0"),
        category=line.get("vat_category"),
        charged=_number(line.get("charged_rate")),
        parts=_parts(line, order),
    )


def _parts(line: Mapping[str, Any], order: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the categories of the items sold together as this line; a bundle names lines, or parts of its own."""
    bundle = order.get("bundle") or []
    if isinstance(bundle, Mapping):
        own_ref = bundle.get("ref") or bundle.get("line_ref")
        inside = next(
            (bundle[key] for key in ("components", "items", "lines", "refs") if bundle.get(key)), []
        )
    else:
        own_ref, inside = None, list(bundle)
    named = [each for each in inside if isinstance(each, Mapping) and each.get("vat_category")]
    refs = {each if isinstance(each, str) else each.get("ref") for each in inside}
    goods = [each for each in order.get("lines", []) if each["kind"] == "goods"]
    if line["kind"] != "goods" or not (
        line["ref"] == own_ref or line["ref"] in refs or len(goods) == 1 and inside
    ):
        return ()
    if named:
        return tuple(each["vat_category"] for each in named)
    return tuple(each["vat_category"] for each in goods if each["ref"] in refs)


def _unsplit_shipping(order: Mapping[str, Any]) -> tuple[OrderLine, ...]:
    """Return the shipping of an order that states its price apart from the lines."""
    charged = order.get("shipping_as_charged")
    if not charged or any(each["kind"] == "shipping" for each in order["lines"]):
        return ()
    price = (
        charged
        if isinstance(charged, str)
        else charged.get("amount") or charged.get("gross") or charged.get("unit_price")
    )
    return (
        (OrderLine("SHIP", "Portes de envio", parse_amount("1"), parse_amount(price), "shipping"),)
        if price
        else ()
    )


def _issued_line(line: Mapping[str, Any]) -> DraftLine:
    return DraftLine(
        ref=line["ref"],
        description=line.get("description") or line["ref"],
        quantity=parse_amount(line["qty"]),
        unit_price_net=parse_amount(line["unit_price_net"]),
        discount_percent=parse_amount(line["discount_percent"]),
        region=line["region"],
        vat_rate=parse_amount(line["vat_rate"]),
        tax_code=line["saft_tax_code"],
        net=parse_amount(line["net"]),
        vat=parse_amount(line["vat"]),
        gross=parse_amount(line["gross"]),
        exemption_code=line.get("exemption_code") or "",
        exemption_mention=line.get("exemption_mention") or "",
    )


def _buyer(customer: Mapping[str, Any]) -> Party:
    is_business = customer.get("type") == "business"
    return Party(
        name=customer.get("name") or "",
        tax_id=customer.get("tax_id") or "",
        company=customer.get("name") or "" if is_business else "",
        address=_address(customer.get("billing")),
        vies=customer.get("vies"),
    )


def _address(address: Mapping[str, Any] | None) -> Address | None:
    if not address:
        return None
    return Address(
        street=address.get("address") or "",
        postal_code=address.get("postal_code") or "",
        city=address.get("city") or "",
        country=(address.get("country") or "").upper(),
    )


def _moment(written: str) -> datetime:
    """Parse a moment; a bare day is its noon in UTC, which is the same day in all three regions."""
    text = written.replace("Z", "+00:00")
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00:00+00:00")

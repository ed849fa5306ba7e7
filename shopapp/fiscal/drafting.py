"""The road from a paid order to the lawful document: `invoice`, and `credit_note` for what is taken back.

Called by `issuing`, by the preview, by the set-up check and by the runner of cases. Pure: no clock, no network, no
row; today comes in. It decides nothing itself: each step is a room of `fiscal` that names its rules and sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from . import articles, figures, kinds, paying, pricing, rating, shaping, shipping, tax
from .crediting import Original, Wanted, credit_note
from .document import Customer, Draft, DraftLine, Level, Settings
from .errors import AppError, OrderError
from .grounds import Grounds
from .money import ZERO, added
from .order import Order
from .party import FINAL_CONSUMER, Address, Buyer, country_code, identified, to_ask_vies
from .rating import FOLLOWERS, Rating
from .tax import Tax

__all__ = ["Original", "Wanted", "credit_note", "invoice", "number_for_vies"]


def number_for_vies(order: Order) -> str:
    """The foreign VAT number to ask VIES about before drafting; empty when the order's tax does not hang on one."""
    return to_ask_vies(order.buyer)


def invoice(order: Order, settings: Settings, today: date) -> Draft:
    """The draft for a paid order (or for goods handed over unpaid), its total equal to what the buyer paid.

    Raises NotYet when there is nothing to issue now, OrderError when no lawful document exists for the order,
    SettingsError when the merchant must choose something, UnreachableError while VIES is silent.
    """
    grounds = Grounds()
    try:
        return _invoice(order, settings, today, grounds)
    except AppError as why:
        why.rules = tuple(grounds.rules)
        raise


def _invoice(order: Order, settings: Settings, today: date, grounds: Grounds) -> Draft:
    for code in order.warnings:
        grounds.warn(code)
    order = paying.apart(order)
    pricing.check_lines(order)
    pricing.check_currency(order, grounds)
    kind = kinds.due(order, settings, today, grounds)
    articles.check_skus(order.lines, settings)
    buyer = identified(order.buyer, _country(order), grounds)
    rated = rating.rating(order, settings, kinds.chargeable(order, settings, today), buyer, grounds)
    priced, taxes, level = _reckoned(order, rated)
    _settle(priced, taxes, rated)
    _warn_untaxed(priced, taxes, grounds)
    lines = figures.draft_lines(shipping.shares(priced, taxes, grounds))
    kind = kinds.narrowed(kind, lines, buyer, settings, grounds)
    kinds.note_payment_day(order, settings, today, grounds)
    draft = _assembled(order, buyer, settings, lines, grounds)
    draft = replace(draft, kind=kind, date=today, rounding=level, series=kinds.series_for(kind, settings))
    kinds.check_naming(draft, buyer)
    return draft


def _assembled(
    order: Order, buyer: Buyer, settings: Settings, lines: Sequence[DraftLine], grounds: Grounds
) -> Draft:
    """The lines, shaped for the provider's arithmetic, with their sums, the customer and the payments."""
    gross = added(line.gross for line in lines)
    customer = _customer(order, buyer, gross, grounds)
    payments = paying.means(order, gross, grounds)
    return Draft(
        kind="FR",
        date=date.min,
        customer=customer,
        lines=shaping.shaped(lines, settings.level),
        summary=figures.summary(lines),
        net=added(line.net for line in lines),
        vat=added(line.vat for line in lines),
        gross=gross,
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock,
        payments=payments,
        notes=tuple(grounds.notes),
        rules=tuple(grounds.rules),
        warnings=tuple(grounds.warnings),
    )


def _reckoned(order: Order, rated: Rating) -> tuple[list[pricing.Priced], list[Tax | None], Level]:
    """The lines as the shop reckoned them, their tax by law (None: follows the goods), the shop's rounding.

    Where shipping is shown without tax and the total says otherwise, it is tried at the goods' rates.
    """
    taxes = _lawful(order, rated)
    try:
        priced, level = pricing.priced(order, _charged(order, taxes, rated), rated.grounds)
    except OrderError as differs:
        other = shipping.split_before_tax(order, taxes) if differs.code == "total-differs" else None
        if other is None:
            raise
        try:
            taxes = _lawful(other, rated)
            priced, level = pricing.priced(other, _charged(other, taxes, rated), rated.grounds)
        except OrderError:
            raise differs from None
        rated.grounds.rule("VAT6")
    return priced, taxes, level


def _lawful(order: Order, rated: Rating) -> list[Tax | None]:
    """The tax of each line; None for shipping, fees and untaxed gifts, which follow the goods (VAT4)."""
    return [
        None if line.kind in FOLLOWERS or rating.is_gift(line) else rating.lawful(line, rated)
        for line in order.lines
    ]


def _country(order: Order) -> str:
    """Where the buyer lives: his billing address, else where the goods go, else Portugal."""
    for address in (order.buyer.address, order.ship_to):
        if address and address.country:
            return country_code(address.country)
    return "PT"


def _charged(order: Order, taxes: Sequence[Tax | None], rated: Rating) -> list[Decimal]:
    """The rate that the shop reckoned each line with; the lawful one where only the category is known."""
    found = []
    for line, lawful in zip(order.lines, taxes, strict=True):
        if line.charged is not None:
            found.append(line.charged)
        elif line.category is None and not line.parts:
            found.append(ZERO)
        elif lawful is not None:
            found.append(lawful.rate)
        else:
            found.append(_by_category(line.category, rated))
    return found


def _by_category(category: tax.Category | None, rated: Rating) -> Decimal:
    """The rate that a shop charges on shipping of this category where its goods are taxed."""
    where = rated.goods or rated.services
    if category is None or where is None or where.exemption:
        return ZERO
    found = (
        tax.oss_rate(where.region, rated.day) if where.is_oss else tax.rate(where.region, category, rated.day)
    )
    return found or ZERO


def _settle(priced: Sequence[pricing.Priced], taxes: Sequence[Tax | None], rated: Rating) -> None:
    found = [
        difference
        for each, lawful in zip(priced, taxes, strict=True)
        if lawful and (difference := rating.differing(each.line, lawful, each.gross, rated))
    ]
    rating.settle_differences(found, rated)


def _warn_untaxed(priced: Sequence[pricing.Priced], taxes: Sequence[Tax | None], grounds: Grounds) -> None:
    """An order on which the shop taxed nothing though its sale is taxed here: perhaps it was never set up."""
    silent = [
        lawful is not None and rating.is_silent(each.line)
        for each, lawful in zip(priced, taxes, strict=True)
        if each.line.kind not in FOLLOWERS and each.line.kind != "giftcard"
    ]
    by_law = {"M05", "M16", "M40", "M10"}
    if silent and all(silent) and not any(lawful and lawful.exemption in by_law for lawful in taxes):
        grounds.warn("all-untaxed")


def _customer(order: Order, buyer: Buyer, gross: Decimal, grounds: Grounds) -> Customer:
    """The customer as the document names him (ID1 to ID4)."""
    from_1000 = gross >= kinds.RETAIL_LIMIT
    if buyer.is_business:
        grounds.rule("ID4")
    elif from_1000:
        grounds.rule("ID3")
    return Customer(
        tax_id=buyer.tax_id,
        name=buyer.name or ("" if buyer.is_business or from_1000 else "Consumidor final"),
        print_tax_id=buyer.printed and buyer.tax_id != FINAL_CONSUMER,
        country=buyer.country,
        address=_address(order),
        email=order.buyer.email,
        name_and_address_required=buyer.is_business or from_1000,
    )


def _address(order: Order) -> Address | None:
    return order.buyer.address or order.ship_to

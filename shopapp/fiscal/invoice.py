"""The road from a paid order to the lawful document: `invoice`, and `credit_note` for what is taken back.

Called by `issuing`, by the preview, by the set-up check and by the runner of cases. Pure: no clock, no network, no
row; today comes in. It decides nothing itself: each step is a room of `fiscal` that names its rules and sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from shopapp.errors import AppError, OrderError

from . import (
    articles,
    document_type,
    line_amounts,
    line_tax,
    payment_means,
    rounding,
    shipping,
    tax_tables,
    totals,
)
from .credit_note import CreditLineRequest, OriginalDocument, build_credit_note
from .document import Customer, Draft, DraftLine, FiscalSettings, RoundingLevel
from .line_tax import ANCILLARY_KINDS, TaxContext
from .money import ZERO, sum_amounts
from .order import Order
from .party import FINAL_CONSUMER, Address, Buyer, country_code, identify_buyer, vies_query_number
from .tax_tables import Tax
from .trace import DecisionTrace

__all__ = ["OriginalDocument", "CreditLineRequest", "build_credit_note", "build_invoice", "number_for_vies"]


def number_for_vies(order: Order) -> str:
    """The foreign VAT number to ask VIES about before drafting; empty when the order's tax does not hang on one."""
    return vies_query_number(order.buyer)


def build_invoice(order: Order, settings: FiscalSettings, today: date) -> Draft:
    """The draft for a paid order (or for goods handed over unpaid), its total equal to what the buyer paid.

    Raises NotYet when there is nothing to issue now, OrderError when no lawful document exists for the order,
    SettingsError when the merchant must choose something, UnreachableError while VIES is silent.
    """
    trace = DecisionTrace()
    try:
        return _assemble_invoice(order, settings, today, trace)
    except AppError as why:
        why.rules = tuple(trace.rules)
        raise


def _assemble_invoice(order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace) -> Draft:
    for code in order.warnings:
        trace.add_warning(code)
    order = payment_means.split_gift_cards(order)
    line_amounts.check_lines(order)
    line_amounts.check_currency(order, trace)
    kind = document_type.choose_document_kind(order, settings, today, trace)
    articles.check_skus(order.lines, settings)
    buyer = identify_buyer(order.buyer, _buyer_country(order), trace)
    context = line_tax.build_tax_context(
        order, settings, document_type.tax_point_of(order, settings, today), buyer, trace
    )
    amounts, taxes, level = _amounts_and_taxes(order, context)
    _check_tax_differences(amounts, taxes, context)
    _warn_untaxed(amounts, taxes, trace)
    lines = totals.build_draft_lines(shipping.assign_taxes(amounts, taxes, trace))
    kind = document_type.restrict_simplified_invoice(kind, lines, buyer, settings, trace)
    document_type.add_payment_day_note(order, settings, today, trace)
    draft = _assemble_draft(order, buyer, settings, lines, trace)
    draft = replace(
        draft, kind=kind, date=today, rounding=level, series=document_type.series_for(kind, settings)
    )
    document_type.check_customer_named(draft, buyer)
    return draft


def _assemble_draft(
    order: Order, buyer: Buyer, settings: FiscalSettings, lines: Sequence[DraftLine], trace: DecisionTrace
) -> Draft:
    """The lines, shaped for the provider's arithmetic, with their sums, the customer and the payments."""
    gross = sum_amounts(line.gross for line in lines)
    customer = _customer(order, buyer, gross, trace)
    payments = payment_means.payments_on_document(order, gross, trace)
    return Draft(
        kind="FR",
        date=date.min,
        customer=customer,
        lines=rounding.fit_to_total(lines, settings.rounding_level),
        summary=totals.summarise_taxes(lines),
        net=sum_amounts(line.net for line in lines),
        vat=sum_amounts(line.vat for line in lines),
        gross=gross,
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock,
        payments=payments,
        notes=tuple(trace.notes),
        rules=tuple(trace.rules),
        warnings=tuple(trace.warnings),
    )


def _amounts_and_taxes(
    order: Order, context: TaxContext
) -> tuple[list[line_amounts.LineAmounts], list[Tax | None], RoundingLevel]:
    """The lines as the shop reckoned them, their tax by law (None: follows the goods), the shop's rounding.

    Where shipping is shown without tax and the total says otherwise, it is tried at the goods' rates.
    """
    taxes = _lawful_taxes(order, context)
    try:
        amounts, level = line_amounts.compute_line_amounts(
            order, _charged_rates(order, taxes, context), context.trace
        )
    except OrderError as differs:
        other = shipping.split_untaxed_shipping(order, taxes) if differs.code == "total-differs" else None
        if other is None:
            raise
        try:
            taxes = _lawful_taxes(other, context)
            amounts, level = line_amounts.compute_line_amounts(
                other, _charged_rates(other, taxes, context), context.trace
            )
        except OrderError:
            raise differs from None
        context.trace.add_rule("VAT6")
    return amounts, taxes, level


def _lawful_taxes(order: Order, context: TaxContext) -> list[Tax | None]:
    """The tax of each line; None for shipping, fees and untaxed gifts, which follow the goods (VAT4)."""
    return [
        None
        if line.kind in ANCILLARY_KINDS or line_tax.is_untaxed_gift(line)
        else line_tax.lawful_tax(line, context)
        for line in order.lines
    ]


def _buyer_country(order: Order) -> str:
    """Where the buyer lives: his billing address, else where the goods go, else Portugal."""
    for address in (order.buyer.address, order.ship_to):
        if address and address.country:
            return country_code(address.country)
    return "PT"


def _charged_rates(order: Order, taxes: Sequence[Tax | None], context: TaxContext) -> list[Decimal]:
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
            found.append(_rate_for_category(line.category, context))
    return found


def _rate_for_category(category: tax_tables.VatCategory | None, context: TaxContext) -> Decimal:
    """The rate that a shop charges on shipping of this category where its goods are taxed."""
    where = context.goods or context.services
    if category is None or where is None or where.exemption:
        return ZERO
    found = (
        tax_tables.oss_rate(where.region, context.tax_point)
        if where.is_oss
        else tax_tables.portuguese_rate(where.region, category, context.tax_point)
    )
    return found or ZERO


def _check_tax_differences(
    amounts: Sequence[line_amounts.LineAmounts], taxes: Sequence[Tax | None], context: TaxContext
) -> None:
    found = [
        difference
        for each, lawful in zip(amounts, taxes, strict=True)
        if lawful and (difference := line_tax.tax_difference(each.line, lawful, each.gross, context))
    ]
    line_tax.check_differences(found, context)


def _warn_untaxed(
    amounts: Sequence[line_amounts.LineAmounts], taxes: Sequence[Tax | None], trace: DecisionTrace
) -> None:
    """An order on which the shop taxed nothing though its sale is taxed here: perhaps it was never set up."""
    silent = [
        lawful is not None and line_tax.is_tax_unstated(each.line)
        for each, lawful in zip(amounts, taxes, strict=True)
        if each.line.kind not in ANCILLARY_KINDS and each.line.kind != "giftcard"
    ]
    by_law = {"M05", "M16", "M40", "M10"}
    if silent and all(silent) and not any(lawful and lawful.exemption in by_law for lawful in taxes):
        trace.add_warning("all-untaxed")


def _customer(order: Order, buyer: Buyer, gross: Decimal, trace: DecisionTrace) -> Customer:
    """The customer as the document names him (ID1 to ID4)."""
    from_1000 = gross >= document_type.SIMPLIFIED_RETAIL_LIMIT
    if buyer.is_business:
        trace.add_rule("ID4")
    elif from_1000:
        trace.add_rule("ID3")
    return Customer(
        tax_id=buyer.tax_id,
        name=buyer.name or ("" if buyer.is_business or from_1000 else "Consumidor final"),
        print_tax_id=buyer.print_tax_id and buyer.tax_id != FINAL_CONSUMER,
        country=buyer.country,
        address=_customer_address(order),
        email=order.buyer.email,
        name_and_address_required=buyer.is_business or from_1000,
    )


def _customer_address(order: Order) -> Address | None:
    return order.buyer.address or order.ship_to

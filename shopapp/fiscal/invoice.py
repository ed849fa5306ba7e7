"""From a paid order to its lawful invoice, step by step.

Each step is a module of `shopapp/fiscal/` that names its rules; docs/fiscal.md lists them with their sources.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from shopapp.errors import AppError, OrderError

from . import (
    articles,
    charged_tax,
    document_type,
    exchange,
    line_amounts,
    line_tax,
    payment_means,
    place_of_supply,
    shipping,
    shop_readings,
    tax_context,
    texts,
    totals,
)
from .document import Customer, Draft, FiscalSettings
from .money import sum_amounts
from .order import Order
from .party import Buyer, identify_buyer
from .tax_ids import FINAL_CONSUMER
from .trace import DecisionTrace

CUSTOMER_NAMED_FROM = Decimal(1000)
"""From this total on, a consumer's name and address are required too (ID3)."""


def build_invoice(order: Order, settings: FiscalSettings, today: date) -> Draft:
    """Build the document for a paid order, or for goods handed over unpaid; its total is what the buyer paid.

    Raises NotYet when there is nothing to issue now, OrderError when no lawful document exists for the order,
    SettingsError when the merchant must choose something, UnreachableError while VIES does not answer. Each error
    carries the rules that had decided something (`AppError.rules`).
    """
    trace = DecisionTrace()
    try:
        return _build_invoice(order, settings, today, trace)
    except AppError as error:
        error.rules = tuple(trace.rules)
        raise


def _build_invoice(order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace) -> Draft:
    order = texts.fit_texts(payment_means.split_gift_cards(order), trace)
    order = line_amounts.select_lines(order)
    tax_point = document_type.tax_point_of(order, settings, today)
    order = exchange.apply_exchange_rate(order, settings, tax_point, trace)
    priced_order = order
    order, deducted = payment_means.deduct_gift_cards(order, settings, trace)

    wanted_kind = document_type.choose_document_kind(order, settings, today, trace)
    articles.check_skus(order.lines, settings)

    order = place_of_supply.resolve_countries(order, settings)
    buyer = identify_buyer(order.buyer, _buyer_country(order), trace)
    context = tax_context.build_tax_context(order, settings, tax_point, buyer, trace)
    readings = shop_readings.shop_readings(priced_order, line_tax.tax_lines(priced_order, context))
    amounts, shop_level = line_amounts.price_lines(priced_order, readings, trace)
    amounts = payment_means.reduce_by_gift_cards(amounts, priced_order, deducted)
    charged_tax.check_charged_taxes(amounts, context)
    lines = totals.build_draft_lines(shipping.assign_taxes(amounts, settings, trace), shop_level)
    gross = sum_amounts(line.gross for line in lines)

    kind = document_type.restrict_simplified_invoice(wanted_kind, lines, buyer, settings, trace)
    document_type.add_payment_day_note(order, settings, today, trace)
    draft = Draft(
        kind=kind,
        date=today,
        customer=_customer(order, buyer, gross, trace),
        payments=payment_means.payments_on_document(order, gross, trace),
        **totals.lines_and_totals(lines, settings.rounding_level),
        series=document_type.series_for(kind, settings),
        rounding=shop_level,
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock,
        notes=tuple(trace.notes),
        rules=tuple(trace.rules),
        warnings=tuple(trace.warnings),
    )
    _check_customer_named(draft, buyer)
    return draft


# the customer


def _buyer_country(order: Order) -> str:
    """Return the country of the billing address, else where the goods go, else Portugal.

    Where neither is known, only a sale that has no place gets a document.
    """
    for address in (order.buyer.address, order.ship_to):
        if address and address.country:
            return address.country
    return "PT"


def _customer(order: Order, buyer: Buyer, gross: Decimal, trace: DecisionTrace) -> Customer:
    """Build the customer as the document names them (ID1 to ID4)."""
    must_be_named = buyer.is_business or gross >= CUSTOMER_NAMED_FROM
    if must_be_named:
        trace.add_rule("ID4" if buyer.is_business else "ID3")
    return Customer(
        tax_id=buyer.tax_id,
        name=buyer.name or ("" if must_be_named else "Consumidor final"),
        print_tax_id=buyer.print_tax_id and buyer.tax_id != FINAL_CONSUMER,
        country=buyer.country,
        address=order.buyer.address or order.ship_to,
        email=order.buyer.email,
        name_and_address_required=must_be_named,
    )


def _check_customer_named(draft: Draft, buyer: Buyer) -> None:
    """Check that the document has name and address where the law requires them (ID3, ID4). Raises OrderError."""
    customer = draft.customer
    if draft.kind == "FS" or not customer.name_and_address_required:
        return
    missing = [] if customer.name else ["name"]
    if not (customer.address and customer.address.is_complete):
        missing.append("address")
    if missing:
        raise OrderError(
            "customer-incomplete", missing=missing, business=buyer.is_business, total=str(draft.gross)
        )

"""Yearly limits of the law, counted from the documents that we issued: distance sales, and the small-business scheme.

Sources: Lei 47/2020 (10 000 EUR of sales to consumers of other member states, in this year or the last); CIVA art. 53
as changed by DL 35/2025 (15 000 EUR a year; above 18 750 EUR the exemption ends at once). What other programs issued
is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from shopapp.models.account_settings import AccountSettings
from shopapp.models.base import db
from shopapp.models.document import Document
from shopapp.models.document_facts import MAY_BE_DISTANCE_SALE
from shopapp.models.store import Store

from .reconciliation import cents, euros, standing

DISTANCE_SALES = Decimal(10_000)
SMALL_BUSINESS = Decimal(15_000)
SMALL_BUSINESS_EXIT = Decimal(18_750)
WARNING_SHARE = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class ThresholdWarning:
    """A limit that is near or passed: `code` names its sentence."""

    code: str
    total: Decimal
    limit: Decimal


def threshold_warnings(store: Store, settings: AccountSettings, today: date) -> list[ThresholdWarning]:
    """Return the limits of which four fifths are reached, as far as they matter to a merchant with these settings."""
    found = []
    if settings.regime == "art53_exempt":
        total = yearly_net(store, today.year)
        if total > SMALL_BUSINESS_EXIT:
            found.append(ThresholdWarning("small-business-ended", total, SMALL_BUSINESS_EXIT))
        elif total > SMALL_BUSINESS:
            found.append(ThresholdWarning("small-business-passed", total, SMALL_BUSINESS))
        elif total >= SMALL_BUSINESS * WARNING_SHARE:
            found.append(ThresholdWarning("small-business-near", total, SMALL_BUSINESS))
    elif not settings.oss_registered and not settings.threshold_exceeded:
        total = max(yearly_net(store, year, distance=True) for year in (today.year, today.year - 1))
        if total > DISTANCE_SALES:
            found.append(ThresholdWarning("distance-passed", total, DISTANCE_SALES))
        elif total >= DISTANCE_SALES * WARNING_SHARE:
            found.append(ThresholdWarning("distance-near", total, DISTANCE_SALES))
    return found


def yearly_net(store: Store, year: int, distance: bool = False) -> Decimal:
    """Return what was invoiced in a year without VAT, less what was credited; with `distance` only distance sales."""
    original = aliased(Document)
    net = cents(Document.net)
    amounts = (
        select(func.sum(case((Document.kind == "NC", -net), else_=net)))
        .select_from(Document)
        .outerjoin(original, original.id == Document.original_id)
        .where(Document.store_id == store.id, *standing())
        .where(Document.issued_on >= date(year, 1, 1), Document.issued_on <= date(year, 12, 31))
    )
    if distance:
        # the first condition is that of the index
        amounts = amounts.where(
            MAY_BE_DISTANCE_SALE,
            case((Document.kind == "NC", original.is_distance_sale), else_=Document.is_distance_sale),
        )
    return euros(db.session.scalar(amounts))

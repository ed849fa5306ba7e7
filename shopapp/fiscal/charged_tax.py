"""The tax that the shop charged, compared with the lawful one.

The paid total never changes. Where the lawful rate differs from the charged one, the merchant decides once for each
cause ("How cents are found and kept" in docs/fiscal.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError

from .decisions import asking, product_of
from .line_amounts import LineAmounts
from .line_tax import is_rate_decided
from .money import ZERO, strip_trailing_zeros, vat_inside
from .order import ANCILLARY_KINDS, OrderLine
from .tax_context import TaxContext, is_tax_unstated
from .tax_tables import NOT_TAXED_HERE, SMALL_BUSINESS_EXEMPTION, Tax


def check_charged_taxes(lines: Sequence[LineAmounts], context: TaxContext) -> None:
    """Compare each line's charged tax with the lawful one, and warn when the shop charged no tax at all.

    Raises OrderError `tax-differs` for the first difference that the merchant has not decided, for its cause or for
    its cause and product.
    """
    decisions = context.settings.decisions
    differences = [
        (each.line, each.tax, difference)
        for each in lines
        if each.tax is not None and (difference := _tax_difference(each.line, each.tax, each.gross))
    ]
    for line, tax, difference in differences:
        if is_rate_decided(line, tax, context):
            continue
        subjects = (f"{difference['cause']} {product_of(line)}", difference["cause"])
        if decisions.find("tax-difference", *subjects) != "follow-law":
            error = OrderError("tax-differs", **difference)
            raise asking(error, "tax-difference", subjects, {"follow-law": difference["vat"]})
    if differences:
        context.trace.add_warning("tax-follows-law")
    if _is_all_untaxed(lines):
        context.trace.add_warning("all-untaxed")


def _tax_difference(line: OrderLine, lawful: Tax, gross: Decimal) -> dict[str, Any] | None:
    """Return the facts for the error and its sentence; None when the shop charged the lawful rate.

    `vat_charged` and `vat` are the VAT inside the line's paid price: at the charged rate, and at the lawful one.
    """
    charged = _comparable_rate(line, lawful)
    if charged is None or charged == lawful.rate or not gross:
        return None
    return {
        "line": line.description,
        "charged": str(strip_trailing_zeros(charged)),
        "lawful": str(lawful.rate),
        "exemption": lawful.exemption,
        "vat_charged": str(vat_inside(gross, charged)),
        "vat": str(vat_inside(gross, lawful.rate)),
        "cause": f"{strip_trailing_zeros(charged)}>{lawful.rate}",
    }


def _comparable_rate(line: OrderLine, lawful: Tax) -> Decimal | None:
    """Return the rate to compare with the law; None where the shop stated none, or where it does not matter."""
    if line.kind == "giftcard" or line.kind in ANCILLARY_KINDS:
        return None
    if line.charged is not None:
        return line.charged
    states_category = line.category is not None or bool(line.parts)
    return None if states_category or not lawful.rate else ZERO


def _is_all_untaxed(lines: Sequence[LineAmounts]) -> bool:
    """Return whether the shop taxed nothing although the sale is taxed here: perhaps its taxes were never set up."""
    sold = [each for each in lines if each.line.kind not in ANCILLARY_KINDS and each.line.kind != "giftcard"]
    is_untaxed_by_law = any(
        each.tax and each.tax.exemption in {*NOT_TAXED_HERE, SMALL_BUSINESS_EXEMPTION} for each in lines
    )
    return (
        bool(sold)
        and all(each.tax is not None and is_tax_unstated(each.line) for each in sold)
        and not is_untaxed_by_law
    )

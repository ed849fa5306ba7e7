"""The figures of a draft: its lines with net and VAT in cents, the summary by rate, and the sums.

VAT is calculated once for each rate group (NUM2, NUM3 in docs/fiscal.md). Inside prices: net = half-up(gross / (1 +
rate)), VAT = the rest. On prices without tax: VAT = half-up(sum of nets x rate), net = the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypedDict

from . import rounding
from .document import DraftLine, RoundingLevel, TaxGroup
from .money import (
    HUNDRED,
    ONE,
    ZERO,
    round_parts_to_total,
    round_to_cents,
    round_to_six_decimals,
    sum_amounts,
)
from .shipping import LineShare


def build_draft_lines(shares: Sequence[LineShare], shop_level: RoundingLevel) -> list[DraftLine]:
    """Build the lines of the document with net, VAT and gross in cents, group by group (NUM2, NUM3).

    A shop that rounded VAT on each line is followed: then the net is the sum of the nets. So is one that rounded VAT
    once: then the VAT of all groups together is half-up.
    """
    lines = [_line_without_net(share) for share in shares]
    groups = list(rounding.positions_by_tax_group(lines).values())
    vats = _group_vats([[shares[at] for at in members] for members in groups], shop_level)
    for members, vat in zip(groups, vats, strict=True):
        grosses = [lines[at].gross for at in members]
        group_net = sum_amounts(grosses) - vat
        exact_nets = [_exact_net(shares[at]) for at in members]
        nets = round_parts_to_total(group_net, exact_nets, grosses) if vat else grosses
        for at, net in zip(members, nets, strict=True):
            lines[at] = replace(lines[at], net=net, vat=lines[at].gross - net)
    return lines


def _group_vats(groups: Sequence[Sequence[LineShare]], shop_level: RoundingLevel) -> list[Decimal]:
    """Return the VAT of each group in cents."""
    of_document = [
        sum_amounts(_exact_net(share) for share in group) * group[0].tax.rate / HUNDRED
        if shop_level == "document" and all(map(_net_is_exact, group))
        else ZERO
        for group in groups
    ]
    rounded_once = round_parts_to_total(round_to_cents(sum_amounts(of_document)), of_document)
    return [
        part if exact else _group_vat(group, shop_level)
        for group, exact, part in zip(groups, of_document, rounded_once, strict=True)
    ]


def _group_vat(group: Sequence[LineShare], shop_level: RoundingLevel) -> Decimal:
    tax, gross = group[0].tax, sum_amounts(share.gross for share in group)
    net = sum_amounts(_exact_net(share) for share in group)
    if not all(map(_net_is_exact, group)):
        return gross - round_to_cents(gross / tax.factor)
    if shop_level == "line" and tax.rate:
        vats = [share.amounts.vat for share in group if share.amounts.vat is not None]
        # where the shop rounded subtotal and VAT separately, the leftover cents belong to the net
        return sum_amounts(vats) if len(vats) == len(group) else gross - round_to_cents(net)
    return round_to_cents(net * tax.rate / HUNDRED)


def _net_is_exact(share: LineShare) -> bool:
    """Return whether the net is the sum of the shop's prices: without tax, and charged at the lawful rate."""
    return (
        share.amounts.net_is_exact and share.amounts.charged_rate == share.tax.rate and share.fraction == ONE
    )


def _exact_net(share: LineShare) -> Decimal:
    return share.amounts.net if _net_is_exact(share) else share.gross / share.tax.factor


def _line_without_net(share: LineShare) -> DraftLine:
    amounts, tax = share.amounts, share.tax
    is_charged_rate_lawful = amounts.charged_rate == tax.rate
    unit_price = amounts.unit_price_net if is_charged_rate_lawful else amounts.unit_price_gross / tax.factor
    return DraftLine(
        ref=share.ref,
        description=amounts.line.description,
        quantity=amounts.line.quantity,
        unit_price_net=round_to_six_decimals(unit_price * share.fraction),
        discount_percent=round_to_six_decimals(amounts.discount_percent),
        region=tax.region,
        vat_rate=tax.rate,
        tax_code=tax.code,
        net=ZERO,
        vat=ZERO,
        gross=share.gross,
        sku=amounts.line.sku,
        kind=amounts.line.kind,
        exemption_code=tax.exemption,
        exemption_mention=tax.mention,
        charged=amounts.line.charged,
    )


class LinesAndTotals(TypedDict):
    """The fields of a Draft that follow from its lines."""

    lines: tuple[DraftLine, ...]
    summary: tuple[TaxGroup, ...]
    net: Decimal
    vat: Decimal
    gross: Decimal


def lines_and_totals(lines: Sequence[DraftLine], level: RoundingLevel) -> LinesAndTotals:
    """Fit the lines to a provider that rounds at this level, and add them up.

    Raises OrderError `total-differs` when such a provider cannot arrive at the sum of their gross.
    """
    return {
        "lines": rounding.fit_to_total(lines, level),
        "summary": summarise_taxes(lines),
        "net": sum_amounts(line.net for line in lines),
        "vat": sum_amounts(line.vat for line in lines),
        "gross": sum_amounts(line.gross for line in lines),
    }


def summarise_taxes(lines: Sequence[DraftLine]) -> tuple[TaxGroup, ...]:
    """Add up the lines of each region, rate and exemption code, in the order of the lines."""
    groups: list[TaxGroup] = []
    for members in rounding.positions_by_tax_group(lines).values():
        first, inside = lines[members[0]], [lines[at] for at in members]
        groups.append(
            TaxGroup(
                first.region,
                first.vat_rate,
                first.tax_code,
                net=sum_amounts(line.net for line in inside),
                vat=sum_amounts(line.vat for line in inside),
                gross=sum_amounts(line.gross for line in inside),
                exemption_code=first.exemption_code,
            )
        )
    return tuple(groups)

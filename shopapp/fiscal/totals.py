"""The figures of a draft: its lines with net and VAT in cents, and the summary by rate.

Called by drafting after rating and pricing, and by crediting for its sums. Source: fiscal-pt section 5 (NUM2, NUM3),
rulings section 8. VAT inside a price is taken out per rate group: net = half-up(gross / (1 + rate)), VAT = the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from .document import DraftLine, TaxGroup
from .money import ONE, ZERO, round_parts_to_total, round_to_cents, round_to_six_decimals, sum_amounts
from .rounding import positions_by_tax_group, tax_group_key
from .shipping import LineShare


def build_draft_lines(found: Sequence[LineShare]) -> list[DraftLine]:
    """The lines of the document with net, VAT and gross in cents, group by group (NUM2, NUM3)."""
    lines = [_draft_line(share) for share in found]
    for inside in positions_by_tax_group(lines).values():
        nets = [_exact_share_net(found[at]) for at in inside]
        gross = sum_amounts(lines[at].gross for at in inside)
        tax = found[inside[0]].tax
        follows = all(_net_is_exact(found[at]) for at in inside)
        whole = round_to_cents(sum_amounts(nets)) if follows else round_to_cents(gross / tax.factor)
        parts = round_parts_to_total(whole, nets) if tax.rate else [lines[at].gross for at in inside]
        for at, net in zip(inside, parts, strict=True):
            net = min(net, lines[at].gross)
            lines[at] = replace(lines[at], net=net, vat=lines[at].gross - net)
    return lines


def _net_is_exact(share: LineShare) -> bool:
    """Prices without tax, and the shop's rate is the law's: the net is the sum of the prices."""
    return (
        share.amounts.net_is_exact and share.amounts.charged_rate == share.tax.rate and share.fraction == ONE
    )


def _exact_share_net(share: LineShare) -> Decimal:
    return share.amounts.net if _net_is_exact(share) else share.gross / share.tax.factor


def _draft_line(share: LineShare) -> DraftLine:
    amounts, tax = share.amounts, share.tax
    same = amounts.charged_rate == tax.rate
    unit = amounts.unit_price_net if same else amounts.unit_price_gross / tax.factor
    return DraftLine(
        ref=share.ref,
        description=amounts.line.description,
        quantity=amounts.line.quantity,
        unit_price_net=round_to_six_decimals(unit * share.fraction),
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


def summarise_taxes(lines: Sequence[DraftLine]) -> tuple[TaxGroup, ...]:
    """One entry for each region, rate and exemption code, in the order of the lines."""
    groups: dict[tuple[str, Decimal, str], TaxGroup] = {}
    for line in lines:
        before = groups.get(tax_group_key(line))
        net, vat, gross = (before.net, before.vat, before.gross) if before else (ZERO, ZERO, ZERO)
        groups[tax_group_key(line)] = TaxGroup(
            line.region,
            line.vat_rate,
            line.tax_code,
            net + line.net,
            vat + line.vat,
            gross + line.gross,
            line.exemption_code,
        )
    return tuple(groups.values())

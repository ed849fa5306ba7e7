"""The figures of a draft: its lines with net and VAT in cents, and the summary by rate.

Called by drafting after rating and pricing, and by crediting for its sums. Source: fiscal-pt section 5 (NUM2, NUM3),
rulings section 8. VAT inside a price is taken out per rate group: net = half-up(gross / (1 + rate)), VAT = the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from .document import DraftLine, TaxGroup
from .money import ONE, ZERO, added, cents, settled, six
from .shaping import group_key, groups_of
from .shipping import Share


def draft_lines(found: Sequence[Share]) -> list[DraftLine]:
    """The lines of the document with net, VAT and gross in cents, group by group (NUM2, NUM3)."""
    lines = [_line(share) for share in found]
    for inside in groups_of(lines).values():
        nets = [_net(found[at]) for at in inside]
        gross = added(lines[at].gross for at in inside)
        tax = found[inside[0]].tax
        follows = all(_follows_net(found[at]) for at in inside)
        whole = cents(added(nets)) if follows else cents(gross / tax.factor)
        parts = settled(whole, nets) if tax.rate else [lines[at].gross for at in inside]
        for at, net in zip(inside, parts, strict=True):
            net = min(net, lines[at].gross)
            lines[at] = replace(lines[at], net=net, vat=lines[at].gross - net)
    return lines


def _follows_net(share: Share) -> bool:
    """Prices without tax, and the shop's rate is the law's: the net is the sum of the prices."""
    return share.priced.follows_net and share.priced.charged == share.tax.rate and share.part == ONE


def _net(share: Share) -> Decimal:
    return share.priced.net if _follows_net(share) else share.gross / share.tax.factor


def _line(share: Share) -> DraftLine:
    priced, tax = share.priced, share.tax
    same = priced.charged == tax.rate
    unit = priced.list_net if same else priced.list_gross / tax.factor
    return DraftLine(
        ref=share.ref,
        description=priced.line.description,
        quantity=priced.line.quantity,
        unit_price_net=six(unit * share.part),
        discount_percent=six(priced.discount),
        region=tax.region,
        vat_rate=tax.rate,
        tax_code=tax.code,
        net=ZERO,
        vat=ZERO,
        gross=share.gross,
        sku=priced.line.sku,
        kind=priced.line.kind,
        exemption_code=tax.exemption,
        exemption_mention=tax.mention,
        charged=priced.line.charged,
    )


def summary(lines: Sequence[DraftLine]) -> tuple[TaxGroup, ...]:
    """One entry for each region, rate and exemption code, in the order of the lines."""
    groups: dict[tuple[str, Decimal, str], TaxGroup] = {}
    for line in lines:
        before = groups.get(group_key(line))
        net, vat, gross = (before.net, before.vat, before.gross) if before else (ZERO, ZERO, ZERO)
        groups[group_key(line)] = TaxGroup(
            line.region,
            line.vat_rate,
            line.tax_code,
            net + line.net,
            vat + line.vat,
            gross + line.gross,
            line.exemption_code,
        )
    return tuple(groups.values())

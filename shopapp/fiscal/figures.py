"""The figures of a draft: the lines that the goods and their shipping become, net and VAT in cents, the summary.

Called by drafting after rating and pricing, and by crediting for its sums. Source: fiscal-pt sections 2.3 and 5 (VAT4,
VAT6, NUM2, NUM3). VAT inside a price is taken out per rate group: net = half-up(gross / (1 + rate)), VAT = the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .document import DraftLine, TaxGroup
from .errors import OrderError
from .grounds import Grounds
from .money import HUNDRED, ONE, ZERO, added, cents, settled, six, spread
from .pricing import Priced
from .rating import FOLLOWERS
from .shaping import group_key, groups_of
from .tax import Tax


@dataclass(frozen=True, slots=True)
class Share:
    """A line, or the part of a shipping line, that owes one tax."""

    priced: Priced
    tax: Tax
    ref: str
    gross: Decimal
    part: Decimal = ONE
    """How much of the line this is."""


def shares(priced: Sequence[Priced], taxes: Sequence[Tax | None], grounds: Grounds) -> list[Share]:
    """Every line with its tax; shipping and fees (no tax of their own) follow the goods, split where those differ."""
    goods = [
        (each, tax) for each, tax in zip(priced, taxes, strict=True) if tax and each.line.kind != "giftcard"
    ]
    result: list[Share] = []
    for each, tax in zip(priced, taxes, strict=True):
        if tax is not None:
            result.append(Share(each, tax, each.line.ref, each.gross))
        elif not each.gross:
            grounds.rule("DIS3")
        else:
            result += _following(each, goods, grounds)
    return result


def _following(each: Priced, goods: Sequence[tuple[Priced, Tax]], grounds: Grounds) -> list[Share]:
    """The shipping line under the tax of the goods: the shop's own choice among them, else in proportion (VAT6)."""
    if not goods:
        raise OrderError("shipping-untaxed", line=each.line.description)
    grounds.rule("VAT4")
    weights: dict[Tax, Decimal] = {}
    for other, tax in goods:
        weights[tax] = weights.get(tax, ZERO) + other.gross
    chosen = _chosen(each, goods)
    if len(weights) == 1 or chosen:
        return [Share(each, chosen or next(iter(weights)), each.line.ref, each.gross)]
    grounds.rule("VAT6")
    parts = zip(weights, spread(each.gross, list(weights.values())), strict=True)
    kept = [(tax, gross) for tax, gross in parts if gross]
    if len(kept) == 1:
        return [Share(each, kept[0][0], each.line.ref, each.gross)]
    return [
        Share(each, tax, f"{each.line.ref}-{at}", gross, gross / each.gross)
        for at, (tax, gross) in enumerate(kept, 1)
    ]


def _chosen(each: Priced, goods: Sequence[tuple[Priced, Tax]]) -> Tax | None:
    """The tax of the goods that the shop charged the same rate on, where it charged shipping any."""
    if not each.charged:
        return None
    return next((tax for other, tax in goods if other.charged == each.charged and other.gross), None)


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


def is_follower(priced: Priced) -> bool:
    """A line of shipping or of a fee."""
    return priced.line.kind in FOLLOWERS


def percent_off(line: DraftLine) -> Decimal:
    """The part of the price that is left after the line's discount."""
    return ONE - line.discount_percent / HUNDRED

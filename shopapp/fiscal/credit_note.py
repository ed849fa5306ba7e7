"""Credit notes: they take back an issued document or part of it, with its own lines, rates and prices.

NC1 to NC8 in docs/fiscal.md. Amounts are positive, and never more than the remaining amount is credited. A return of
goods credits pieces; a price reduction credits an amount and no pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from shopapp.errors import NotAllowedError

from . import totals
from .creditable import CreditableLine, OriginalDocument, adjust_nets, remaining_lines
from .discounts import spread_discount
from .document import (
    INVOICE_KINDS,
    REDUCTION,
    UNSTOCKED,
    Draft,
    DraftLine,
    FiscalSettings,
    Reference,
)
from .document_type import series_for
from .money import CENT, HUNDRED, ONE, ZERO, allocate, round_to_cents, round_to_six_decimals, sum_amounts
from .order import ANCILLARY_KINDS
from .rounding import TaxGroupKey, positions_by_tax_group, tax_group_key

REASON_LIMIT = 50
"""The length of SAF-T's field for the reason."""


@dataclass(frozen=True, slots=True)
class CreditLineRequest:
    """What to take back of one line: pieces that came back, an amount, or both; with neither, all that is left of it.

    An amount without pieces is a price reduction.
    """

    ref: str
    quantity: Decimal | None = None
    gross: Decimal | None = None
    restocked: bool = True
    """Whether the pieces go back into stock."""


@dataclass(slots=True)
class _Share:
    """The pieces and the money that the note takes of one line."""

    line: CreditableLine
    quantity: Decimal
    gross: Decimal
    restocked: bool = True


def build_credit_note(
    original: OriginalDocument,
    settings: FiscalSettings,
    today: date,
    *,
    lines: Sequence[CreditLineRequest] = (),
    amount: Decimal | None = None,
    reason: str = "",
    restocked: bool = True,
) -> Draft:
    """Build the credit note for the lines, for an amount, or (neither given) for all that is left.

    Given both: an amount above the total of these lines also reduces the price of the others; an amount below it is
    paid for these lines' pieces, and the rest is kept. `restocked` is for all that is left. Raises NotAllowedError when
    the original cannot be credited, or not by this amount.
    """
    left = remaining_lines(original)
    available = _creditable_amount(original, left)
    if not lines and amount is None and original.credited_gross is not None:
        amount = available
    shares = _requested_shares(left, lines, amount, restocked)
    gross = sum_amounts(share.gross for share in shares)
    if gross > available:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(available))
    if not gross:
        raise NotAllowedError("credit-without-value")
    taken = _take_shares(shares, left)
    brings_stock = any(line.kind not in (REDUCTION, UNSTOCKED, *ANCILLARY_KINDS) for line in taken)
    return Draft(
        kind="NC",
        date=today,
        customer=original.customer,
        **totals.lines_and_totals([_at_paid_price(line) for line in taken], settings.rounding_level),
        series=series_for("NC", settings),
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock and brings_stock,
        references=(Reference(original.number, _reason_or_default(reason, gross, original)),),
        rules=("NC1", "NC2", "NC3", "NC4", "NC5", *_reduction_rule(taken)),
        rounding="line",
    )


def _reason_or_default(reason: str, gross: Decimal, original: OriginalDocument) -> str:
    is_whole = gross == sum_amounts(line.gross for line in original.lines)
    return " ".join(reason.split())[:REASON_LIMIT] or ("Devolução" if is_whole else "Devolução parcial")


def _creditable_amount(original: OriginalDocument, left: Sequence[CreditableLine]) -> Decimal:
    """Return the amount that may still be credited. Raises NotAllowedError when there is none (NC1, NC3, NC6)."""
    if not original.number:
        raise NotAllowedError("credit-without-original")
    if original.kind not in INVOICE_KINDS:
        raise NotAllowedError("credit-of-no-invoice", number=original.number, kind=original.kind)
    available = sum_amounts(line.gross for line in left)
    if original.credited_gross is not None and not original.credited:
        available -= original.credited_gross
    if available <= ZERO:
        raise NotAllowedError("credit-nothing-left", number=original.number)
    return available


def _reduction_rule(taken: Sequence[DraftLine]) -> tuple[str, ...]:
    return ("NC8",) if any(line.kind == REDUCTION for line in taken) else ()


# what the note takes


def _requested_shares(
    left: Sequence[CreditableLine],
    requests: Sequence[CreditLineRequest],
    amount: Decimal | None,
    restocked: bool,
) -> list[_Share]:
    if not requests and amount is None:
        return [_Share(line, line.quantity, line.gross, restocked) for line in left]
    shares = [share for request in requests for share in _shares_of_request(request, left)]
    # two refs may be parts of one line
    if len({id(share.line) for share in shares}) != len(shares):
        raise NotAllowedError("credit-line-twice")
    if amount is None:
        return shares
    beyond_lines = amount - sum_amounts(share.gross for share in shares)
    if beyond_lines < ZERO:
        return _scale_down(amount, requests, shares)
    return _reduce_prices(beyond_lines, left, shares) if beyond_lines or not requests else shares


def _shares_of_request(request: CreditLineRequest, left: Sequence[CreditableLine]) -> list[_Share]:
    """Return the share of the requested line, or of all lines with that ref where shipping was split over rates."""
    lines = [line for line in left if any(request.ref == part.ref for part in line.parts)]
    if not lines:
        raise NotAllowedError("credit-line-unknown", line=request.ref)
    if request.gross is None:
        return [_share_of_line(request, line, None) for line in lines]
    weights = [line.gross for line in lines]
    total = sum_amounts(weights)
    if not ZERO <= request.gross <= total:
        raise NotAllowedError(
            "credit-exceeds", asked=str(request.gross), left=str(total), line=lines[0].description
        )
    shares = zip(lines, allocate(request.gross, weights), strict=True)
    return [_share_of_line(request, line, share) for line, share in shares]


def _share_of_line(request: CreditLineRequest, line: CreditableLine, gross: Decimal | None) -> _Share:
    quantity = request.quantity
    if quantity is None:
        quantity = line.quantity if gross is None else ZERO
        gross = line.gross if gross is None else gross
    elif gross is None:
        is_return = ZERO < quantity <= line.quantity
        gross = line.price_of(quantity) if is_return else ZERO
    if not ZERO <= quantity <= line.quantity or not (quantity or gross):
        raise NotAllowedError(
            "credit-pieces",
            pieces=str(quantity),
            pieces_left=str(line.quantity),
            line=line.description,
        )
    if line.is_sold_whole and quantity != quantity.to_integral_value():
        raise NotAllowedError("credit-fraction", line=line.description)
    return _Share(line, quantity, gross, request.restocked)


def _scale_down(
    amount: Decimal, requests: Sequence[CreditLineRequest], shares: Sequence[_Share]
) -> list[_Share]:
    """Credit these pieces for less than their price: the merchant keeps part of it."""
    if amount <= ZERO or any(request.gross is not None for request in requests):
        raise NotAllowedError("credit-amount-below-lines", amount=str(amount))
    amounts = allocate(amount, [share.gross for share in shares])
    return [replace(share, gross=gross) for share, gross in zip(shares, amounts, strict=True)]


def _reduce_prices(amount: Decimal, left: Sequence[CreditableLine], shares: Sequence[_Share]) -> list[_Share]:
    """Add the amount to the shares as a price reduction of all lines, in proportion to what is left of them.

    What is only collected (a deposit, a donation) and gift cards come last, as they have no price to reduce.
    """
    requested = [share.line for share in shares]
    others = [line for line in left if not any(line is each for each in requested)]
    wanted = [*shares, *(_Share(line, ZERO, ZERO) for line in others)]
    rest = [share.line.gross - share.gross for share in wanted]
    if not ZERO < amount <= sum_amounts(rest):
        raise NotAllowedError("credit-exceeds", asked=str(amount), left=str(sum_amounts(rest)))
    parts = spread_discount(amount, rest, [share.line.is_only_collected for share in wanted])
    return [
        replace(share, gross=share.gross + more)
        for share, more in zip(wanted, parts, strict=True)
        if share.quantity or share.gross or more
    ]


# the lines of the note


def _take_shares(shares: Sequence[_Share], left: Sequence[CreditableLine]) -> list[DraftLine]:
    """Take the shares and return the note's lines; their nets add up to the nearest cent of each rate.

    The VAT of a rate is never more than what is left of it, and the last note takes all of it (NC3).
    """
    before = {key: _sums(left, key) for key in positions_by_tax_group([line.parts[0] for line in left])}
    taken = [
        line for share in shares for line in share.line.take(share.quantity, share.gross, share.restocked)
    ]
    for key, members in positions_by_tax_group(taken).items():
        gross_left, net_left = before[key]
        gross = sum_amounts(taken[at].gross for at in members)
        nearest = round_to_cents(gross / (ONE + key[1] / HUNDRED))
        net = (
            min(max(nearest, gross - (gross_left - net_left)), net_left, gross)
            if gross < gross_left
            else net_left
        )
        nets = adjust_nets([taken[at].net for at in members], [taken[at].gross for at in members], net)
        for at, adjusted in zip(members, nets, strict=True):
            taken[at] = replace(taken[at], net=adjusted, vat=taken[at].gross - adjusted)
    return taken


def _sums(left: Sequence[CreditableLine], key: TaxGroupKey) -> tuple[Decimal, Decimal]:
    members = [line for line in left if tax_group_key(line.parts[0]) == key]
    return sum_amounts(line.gross for line in members), sum_amounts(line.net for line in members)


def _at_paid_price(line: DraftLine) -> DraftLine:
    """Return the line at the paid unit price, with the discount inside it: a coupon is not given back (DIS2).

    Pieces for which nothing is paid back keep their price and are discounted in full.
    """
    if not line.gross:
        return replace(line, discount_percent=round_to_six_decimals(HUNDRED))
    unit_price = line.unit_price_net * (ONE - line.discount_percent / HUNDRED)
    price_by_gross = line.gross / (1 + line.vat_rate / HUNDRED) / line.quantity
    is_close = abs(unit_price - price_by_gross) * line.quantity < CENT
    return replace(
        line,
        unit_price_net=round_to_six_decimals(unit_price if is_close else price_by_gross),
        discount_percent=round_to_six_decimals(ZERO),
    )

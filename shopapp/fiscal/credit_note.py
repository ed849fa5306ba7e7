"""Credit notes: they take back an issued document or part of it, with its own lines, rates and prices.

NC1 to NC6 in docs/fiscal.md. Amounts are positive, and never more than the remaining amount is credited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from shopapp.errors import NotAllowedError

from . import rounding, totals
from .document import INVOICE_KINDS, Customer, DocumentKind, Draft, DraftLine, FiscalSettings, Reference
from .document_type import series_for
from .money import (
    CENT,
    HUNDRED,
    ONE,
    SIX_DECIMALS,
    ZERO,
    allocate,
    round_to_cents,
    round_to_six_decimals,
    sum_amounts,
)

REASON_LIMIT = 50
"""The length of SAF-T's field for the reason."""


@dataclass(frozen=True, slots=True)
class OriginalDocument:
    """The issued document to correct, and what earlier credit notes took back of it."""

    number: str
    kind: DocumentKind
    customer: Customer
    lines: tuple[DraftLine, ...]
    credited: tuple[DraftLine, ...] = ()
    """The lines of all earlier credit notes, each with the `ref` of the line that it corrects."""
    credited_gross: Decimal | None = None
    """The total of earlier credit notes, for when their lines are not known (only the fiscal cases use this)."""


@dataclass(frozen=True, slots=True)
class CreditLineRequest:
    """What to take back of one line: a quantity, an amount, or (neither) all that is left of it."""

    ref: str
    quantity: Decimal | None = None
    gross: Decimal | None = None


def build_credit_note(
    original: OriginalDocument,
    settings: FiscalSettings,
    today: date,
    *,
    lines: Sequence[CreditLineRequest] = (),
    amount: Decimal | None = None,
    reason: str = "",
) -> Draft:
    """Build the credit note for the lines, for an amount, or (neither given) for all that is left.

    Given both: an amount above the total of these lines is also taken from the other lines; an amount below it reduces
    what is credited of these lines. Raises NotAllowedError when the original cannot be credited, or not by this amount.
    """
    left = _remaining_lines(original)
    available = _creditable_amount(original, left)
    if not lines and amount is None and original.credited_gross is not None:
        amount = available
    taken, is_rebate = _credited_parts(left, lines, amount)
    gross = sum_amounts(line.gross for line in taken)
    if not gross or gross > available:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(available))
    is_whole = gross == sum_amounts(line.gross for line in original.lines)
    reason = " ".join(reason.split()) or ("Devolução" if is_whole else "Devolução parcial")
    return Draft(
        kind="NC",
        date=today,
        customer=original.customer,
        **totals.lines_and_totals([_at_paid_price(line) for line in taken], settings.rounding_level),
        series=series_for("NC", settings),
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock and not is_rebate,
        references=(Reference(original.number, reason[:REASON_LIMIT]),),
        rules=("NC1", "NC2", "NC3", "NC4", "NC5"),
        rounding="line",
    )


def _creditable_amount(original: OriginalDocument, left: Sequence[DraftLine]) -> Decimal:
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


# the remaining lines and amount


def creditable_lines(original: OriginalDocument) -> tuple[DraftLine, ...]:
    """Return the lines of the original that may still be credited, each less what earlier notes took back of it."""
    return tuple(line for line in _remaining_lines(original) if line.gross)


def _remaining_lines(original: OriginalDocument) -> list[DraftLine]:
    return _subtract_lines(original.lines, original.credited)


def _subtract_lines(lines: Iterable[DraftLine], taken: Sequence[DraftLine]) -> list[DraftLine]:
    left = list(lines)
    for part in taken:
        positions = _positions_credited(part, left)
        net_left = sum_amounts(left[at].net for at in positions) - part.net
        for at in positions:
            if part.gross and left[at].gross:
                overlap = _overlap(part, left[at])
                left[at] = _subtract_line(left[at], overlap)
                part = _subtract_line(part, overlap)
        if not part.gross:
            _balance_net(left, positions, net_left)
    return left


def _positions_credited(part: DraftLine, lines: Sequence[DraftLine]) -> list[int]:
    """Return the positions of the lines to which a credited part may belong.

    First the lines with its ref, then those from which it was split off.
    """
    same_tax = [
        at for at, line in enumerate(lines) if rounding.tax_group_key(line) == rounding.tax_group_key(part)
    ]
    same_ref = [at for at in same_tax if lines[at].ref == part.ref]
    return same_ref + [at for at in same_tax if part.ref.startswith(f"{lines[at].ref}~")]


def _overlap(part: DraftLine, line: DraftLine) -> DraftLine:
    """Return as much of the part as is left of the line."""
    gross, net = min(part.gross, line.gross), min(part.net, line.net)
    return replace(part, quantity=min(part.quantity, line.quantity), gross=gross, net=net, vat=gross - net)


def _subtract_line(line: DraftLine, taken: DraftLine) -> DraftLine:
    """Return the line without what was taken of it; when only its price was lowered, it keeps its quantity."""
    gross, net = line.gross - taken.gross, max(line.net - taken.net, ZERO)
    quantity = (max(line.quantity - taken.quantity, ZERO) or line.quantity) if gross else ZERO
    return replace(line, quantity=quantity, gross=gross, net=min(net, gross), vat=gross - min(net, gross))


def _balance_net(left: list[DraftLine], positions: Sequence[int], net_left: Decimal) -> None:
    """Move cents between net and VAT of these lines until their nets add up to `net_left`.

    A part may be taken from several pieces of a line. Without this step, a cent would be lost when more net is taken
    from one piece than it has.
    """
    for at in positions:
        excess = sum_amounts(left[other].net for other in positions) - net_left
        net = min(max(left[at].net - excess, ZERO), left[at].gross)
        left[at] = replace(left[at], net=net, vat=left[at].gross - net)


# the lines of the note


def _credited_parts(
    left: Sequence[DraftLine], requests: Sequence[CreditLineRequest], amount: Decimal | None
) -> tuple[list[DraftLine], bool]:
    """Return the parts that the note credits, and whether an amount decided them: then no products come back."""
    if len({each.ref for each in requests}) != len(requests):
        raise NotAllowedError("credit-line-twice")
    if not requests and amount is None:
        return [line for line in left if line.gross], False
    requested = [part for request in requests for part in _requested_parts(request, left)]
    if amount is None:
        return requested, False
    beyond_lines = amount - sum_amounts(line.gross for line in requested)
    if beyond_lines < ZERO:
        return _scale_down(amount, requests, requested), True
    if beyond_lines:
        return requested + _allocate_amount(beyond_lines, _subtract_lines(left, requested)), True
    return requested, False


def _requested_parts(request: CreditLineRequest, left: Sequence[DraftLine]) -> list[DraftLine]:
    """Return the requested part of one line, or of all lines with that ref where shipping was split (NC2, NC3)."""
    same_ref = [line for line in left if line.ref == request.ref and line.gross]
    if not same_ref:
        raise NotAllowedError("credit-line-unknown", line=request.ref)
    if len(same_ref) == 1:
        return [_requested_part(request, same_ref[0])]
    if request.gross is None:
        return [_requested_part(request, line) for line in same_ref]
    return _allocate_amount(request.gross, same_ref)


def _requested_part(request: CreditLineRequest, line: DraftLine) -> DraftLine:
    quantity = line.quantity if request.quantity is None else request.quantity
    if request.gross is not None:
        gross = request.gross
    elif quantity == line.quantity:
        gross = line.gross
    else:
        gross = round_to_cents(line.gross * quantity / (line.quantity or ONE))
    if quantity <= ZERO or quantity > line.quantity or gross <= ZERO or gross > line.gross:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(line.gross), line=line.description)
    return _partial_line(line, quantity, gross)


def _partial_line(line: DraftLine, quantity: Decimal, gross: Decimal) -> DraftLine:
    """Return part of the line: with its own figures when that is all of it, else with the VAT inside `gross`."""
    if gross == line.gross:
        return replace(line, quantity=quantity)
    net = round_to_cents(gross / (1 + line.vat_rate / HUNDRED)) if line.vat_rate else gross
    vat = min(gross - net, line.vat)
    net = min(gross - vat, line.net)
    return replace(line, quantity=quantity, gross=gross, net=net, vat=gross - net)


def _scale_down(
    amount: Decimal, requests: Sequence[CreditLineRequest], parts: Sequence[DraftLine]
) -> list[DraftLine]:
    """Credit these parts at their full quantities for less than their total: the merchant keeps part of the price."""
    if amount <= ZERO or any(request.gross is not None for request in requests):
        raise NotAllowedError("credit-amount-below-lines", amount=str(amount))
    shares = allocate(amount, [part.gross for part in parts])
    return [
        _partial_line(part, part.quantity, share) for part, share in zip(parts, shares, strict=True) if share
    ]


def _allocate_amount(amount: Decimal, lines: Sequence[DraftLine]) -> list[DraftLine]:
    """Take the amount from all lines in proportion; the quantities shrink with it, the unit prices stay (NC2)."""
    total = sum_amounts(line.gross for line in lines)
    if amount > total or amount <= ZERO:
        raise NotAllowedError("credit-exceeds", asked=str(amount), left=str(total))
    shares = allocate(amount, [line.gross for line in lines])
    return [
        _partial_line(line, _scaled_quantity(line, share), share)
        for line, share in zip(lines, shares, strict=True)
        if share
    ]


def _scaled_quantity(line: DraftLine, gross: Decimal) -> Decimal:
    if gross == line.gross:
        return line.quantity
    return max(round_to_six_decimals(line.quantity * gross / line.gross), SIX_DECIMALS)


def _at_paid_price(line: DraftLine) -> DraftLine:
    """Return the line at the paid unit price, with the discount inside it: a coupon is not given back (DIS2)."""
    unit_price = line.unit_price_net * (ONE - line.discount_percent / HUNDRED)
    price_by_gross = line.gross / (1 + line.vat_rate / HUNDRED) / line.quantity
    is_close = abs(unit_price - price_by_gross) * line.quantity < CENT
    return replace(
        line,
        unit_price_net=round_to_six_decimals(unit_price if is_close else price_by_gross),
        discount_percent=round_to_six_decimals(ZERO),
    )

"""Credit notes: what is taken back of an issued document, in its own lines, rates and prices.

Called by `issuing` when a paid order was cancelled and by the merchant's own choice of lines or of an amount. Sources:
fiscal-pt section 3.3 (NC1 to NC6; CIVA art. 29 n.º 7, 36 n.º 6, 78). Never credits over what is left; positive amounts.
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
"""SAF-T's field for the reason."""


@dataclass(frozen=True, slots=True)
class OriginalDocument:
    """The issued document that is corrected, and what earlier notes took back of it."""

    number: str
    kind: DocumentKind
    customer: Customer
    lines: tuple[DraftLine, ...]
    credited: tuple[DraftLine, ...] = ()
    """The lines of all earlier credit notes, each with the `ref` of the line that it corrects."""
    credited_gross: Decimal | None = None
    """What earlier notes took back, where only their total is known."""


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
    """The credit note for the lines, for an amount over what they leave, or (neither given) for all that is left.

    Raises NotAllowedError when the original cannot be credited or not by so much.
    """
    left = _remaining_lines(original)
    available = _creditable_amount(original, left)
    taken = [part for wanted in _check_distinct(lines) for part in _requested_parts(wanted, left)]
    if not lines and amount is None and original.credited_gross is not None:
        amount = available
    if not lines and amount is None:
        taken = [line for line in left if line.gross]
    by_amount = ZERO if amount is None else amount - sum_amounts(line.gross for line in taken)
    if by_amount < ZERO and amount is not None:
        taken = _scale_down(amount, lines, taken)
    elif by_amount:
        taken += _allocate_amount(by_amount, _subtract_lines(left, taken))
    gross = sum_amounts(line.gross for line in taken)
    if not gross or gross > available:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(available))
    whole = gross == sum_amounts(line.gross for line in original.lines)
    lines_at_paid_price = [_at_paid_price(line) for line in taken]
    reason = " ".join(reason.split()) or ("Devolução" if whole else "Devolução parcial")
    return Draft(
        kind="NC",
        date=today,
        customer=original.customer,
        **totals.lines_and_totals(lines_at_paid_price, settings.rounding_level),
        series=series_for("NC", settings),
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock and not by_amount,
        references=(Reference(original.number, reason[:REASON_LIMIT]),),
        rules=("NC1", "NC2", "NC3", "NC4", "NC5"),
        rounding="line",
    )


def _creditable_amount(original: OriginalDocument, left: Sequence[DraftLine]) -> Decimal:
    """What may still be credited; raises NotAllowedError when that is nothing (NC1, NC3, NC6)."""
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


# what is left


def creditable_lines(original: OriginalDocument) -> tuple[DraftLine, ...]:
    """The lines of the original that may still be credited, each less what earlier notes took back of it."""
    return tuple(line for line in _remaining_lines(original) if line.gross)


def _remaining_lines(original: OriginalDocument) -> list[DraftLine]:
    return _subtract_lines(original.lines, original.credited)


def _subtract_lines(lines: Iterable[DraftLine], taken: Sequence[DraftLine]) -> list[DraftLine]:
    left = list(lines)
    for part in taken:
        places = _positions_credited(part, left)
        expected_net = sum_amounts(left[at].net for at in places) - part.net
        for at in places:
            if part.gross and left[at].gross:
                overlap = _overlap(part, left[at])
                left[at] = _subtract_line(left[at], overlap)
                part = _subtract_line(part, overlap)
        if not part.gross:
            _balance_net(left, places, expected_net)
    return left


def _balance_net(left: list[DraftLine], places: Sequence[int], expected_net: Decimal) -> None:
    """Moves a cent between net and VAT where one part was bitten out of several lines: together they keep `due` net."""
    for at in places:
        over = sum_amounts(left[other].net for other in places) - expected_net
        net = min(max(left[at].net - over, ZERO), left[at].gross)
        left[at] = replace(left[at], net=net, vat=left[at].gross - net)


def _positions_credited(part: DraftLine, lines: Sequence[DraftLine]) -> list[int]:
    """The lines that a credited part may belong to: of its own name first, then those it was split off from."""
    same = [
        at for at, line in enumerate(lines) if rounding.tax_group_key(line) == rounding.tax_group_key(part)
    ]
    own = [at for at in same if lines[at].ref == part.ref]
    return own + [at for at in same if part.ref.startswith(f"{lines[at].ref}~")]


def _overlap(part: DraftLine, line: DraftLine) -> DraftLine:
    """As much of the part as the line still has."""
    gross, net = min(part.gross, line.gross), min(part.net, line.net)
    return replace(part, quantity=min(part.quantity, line.quantity), gross=gross, net=net, vat=gross - net)


def _subtract_line(line: DraftLine, taken: DraftLine) -> DraftLine:
    """What the bite leaves; a line whose price alone was lowered keeps its quantity."""
    gross, net = line.gross - taken.gross, max(line.net - taken.net, ZERO)
    quantity = (max(line.quantity - taken.quantity, ZERO) or line.quantity) if gross else ZERO
    return replace(line, quantity=quantity, gross=gross, net=min(net, gross), vat=gross - min(net, gross))


# what is taken


def _check_distinct(lines: Sequence[CreditLineRequest]) -> Sequence[CreditLineRequest]:
    if len({each.ref for each in lines}) != len(lines):
        raise NotAllowedError("credit-line-twice")
    return lines


def _requested_parts(wanted: CreditLineRequest, left: Sequence[DraftLine]) -> list[DraftLine]:
    """The part of one line that is asked for (NC2, NC3); of all lines of that name where shipping was split."""
    same = [line for line in left if line.ref == wanted.ref and line.gross]
    if not same:
        raise NotAllowedError("credit-line-unknown", line=wanted.ref)
    if len(same) == 1:
        return [_requested_part(wanted, same[0])]
    if wanted.gross is None:
        return [_requested_part(wanted, line) for line in same]
    return _allocate_amount(wanted.gross, same)


def _requested_part(wanted: CreditLineRequest, line: DraftLine) -> DraftLine:
    quantity = line.quantity if wanted.quantity is None else wanted.quantity
    gross = wanted.gross
    if gross is None:
        gross = (
            line.gross
            if quantity == line.quantity
            else round_to_cents(line.gross * quantity / (line.quantity or ONE))
        )
    if quantity <= ZERO or quantity > line.quantity or gross <= ZERO or gross > line.gross:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(line.gross), line=line.description)
    return _partial_line(line, quantity, gross)


def _partial_line(line: DraftLine, quantity: Decimal, gross: Decimal) -> DraftLine:
    """So much of the line: its own figures when it is all that is left, else the VAT taken out of the part."""
    if gross == line.gross:
        return replace(line, quantity=quantity)
    net = round_to_cents(gross / (1 + line.vat_rate / HUNDRED)) if line.vat_rate else gross
    vat = min(gross - net, line.vat)
    net = min(gross - vat, line.net)
    return replace(line, quantity=quantity, gross=gross, net=net, vat=gross - net)


def _scale_down(
    amount: Decimal, lines: Sequence[CreditLineRequest], taken: Sequence[DraftLine]
) -> list[DraftLine]:
    """Less than the lines came to (something was kept back), over these lines alone, their quantities given back."""
    if amount <= ZERO or any(wanted.gross is not None for wanted in lines):
        raise NotAllowedError("credit-amount-below-lines", amount=str(amount))
    parts = allocate(amount, [line.gross for line in taken])
    return [_partial_line(line, line.quantity, part) for line, part in zip(taken, parts, strict=True) if part]


def _allocate_amount(amount: Decimal, lines: Sequence[DraftLine]) -> list[DraftLine]:
    """The amount over what the lines leave, in proportion; the quantity shrinks with it, the unit price stays (NC2)."""
    whole = sum_amounts(line.gross for line in lines)
    if amount > whole or amount <= ZERO:
        raise NotAllowedError("credit-exceeds", asked=str(amount), left=str(whole))
    parts = allocate(amount, [line.gross for line in lines])
    return [
        _partial_line(line, _scaled_quantity(line, part), part)
        for line, part in zip(lines, parts, strict=True)
        if part
    ]


def _scaled_quantity(line: DraftLine, part: Decimal) -> Decimal:
    return (
        line.quantity
        if part == line.gross
        else max(round_to_six_decimals(line.quantity * part / line.gross), SIX_DECIMALS)
    )


# the note


def _at_paid_price(line: DraftLine) -> DraftLine:
    """The line at what was paid for a unit, the discount inside the price: a coupon is not given back (DIS2)."""
    unit = line.unit_price_net * (ONE - line.discount_percent / HUNDRED)
    by_amount = line.gross / (1 + line.vat_rate / HUNDRED) / line.quantity
    near = abs(unit - by_amount) * line.quantity < CENT
    return replace(
        line,
        unit_price_net=round_to_six_decimals(unit if near else by_amount),
        discount_percent=round_to_six_decimals(ZERO),
    )

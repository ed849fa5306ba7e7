"""Credit notes: what is taken back of an issued document, in its own lines, rates and prices.

Called by `issuing` when a paid order was cancelled and by the merchant's own choice of lines or of an amount. Sources:
fiscal-pt section 3.3 (NC1 to NC6; CIVA art. 29 n.º 7, 36 n.º 6, 78). Never credits over what is left; positive amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from . import figures, shaping
from .document import Customer, Draft, DraftLine, Kind, Reference, Settings
from .errors import NotAllowedError
from .kinds import series_for
from .money import ONE, ZERO, added, cents, six, spread

REASON_LIMIT = 50
"""SAF-T's field for the reason."""


@dataclass(frozen=True, slots=True)
class Original:
    """The issued document that is corrected, and what earlier notes took back of it."""

    number: str
    kind: Kind
    customer: Customer
    lines: tuple[DraftLine, ...]
    credited: tuple[DraftLine, ...] = ()
    """The lines of all earlier credit notes, each with the `ref` of the line that it corrects."""
    credited_gross: Decimal | None = None
    """What earlier notes took back, where only their total is known."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take back of one line: a quantity, an amount, or (neither) all that is left of it."""

    ref: str
    quantity: Decimal | None = None
    gross: Decimal | None = None


def credit_note(
    original: Original,
    settings: Settings,
    today: date,
    *,
    lines: Sequence[Wanted] = (),
    amount: Decimal | None = None,
    reason: str = "",
) -> Draft:
    """The credit note for the lines, for an amount over what they leave, or (neither given) for all that is left.

    Raises NotAllowedError when the original cannot be credited or not by so much.
    """
    left = _left(original)
    available = _available(original, left)
    taken = [_taken(wanted, left) for wanted in _merged(lines)]
    if not lines and amount is None:
        taken = [line for line in left.values() if line.gross]
    rest = amount - added(line.gross for line in taken) if amount is not None else ZERO
    if rest < ZERO:
        raise NotAllowedError(
            "credit-amount-below-lines", amount=str(amount), lines=str(amount - rest if amount else 0)
        )
    if rest > ZERO:
        taken += _for_amount(rest, _without(left, taken))
    gross = added(line.gross for line in taken)
    if not gross or gross > available:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(available))
    whole = gross == added(line.gross for line in original.lines)
    return _note(original, settings, today, taken, reason or ("Devolução" if whole else "Devolução parcial"))


def _available(original: Original, left: dict[str, DraftLine]) -> Decimal:
    """What may still be credited; raises NotAllowedError when that is nothing (NC1, NC3, NC6)."""
    if not original.number:
        raise NotAllowedError("credit-without-original")
    if original.kind not in ("FT", "FR", "FS"):
        raise NotAllowedError("credit-of-no-invoice", number=original.number, kind=original.kind)
    available = added(line.gross for line in left.values())
    if original.credited_gross is not None and not original.credited:
        available -= original.credited_gross
    if available <= ZERO:
        raise NotAllowedError("credit-nothing-left", number=original.number)
    return available


def _left(original: Original) -> dict[str, DraftLine]:
    """Each line of the original less what earlier notes took back of it."""
    left = {line.ref: line for line in original.lines}
    for line in original.credited:
        if line.ref in left:
            left[line.ref] = _less(left[line.ref], line)
    return left


def _less(line: DraftLine, taken: DraftLine) -> DraftLine:
    quantity = max(line.quantity - taken.quantity, ZERO)
    gross, net = max(line.gross - taken.gross, ZERO), max(line.net - taken.net, ZERO)
    return replace(
        line,
        quantity=quantity if gross else ZERO,
        gross=gross,
        net=min(net, gross),
        vat=gross - min(net, gross),
    )


def _without(left: dict[str, DraftLine], taken: Sequence[DraftLine]) -> list[DraftLine]:
    rest = dict(left)
    for line in taken:
        rest[line.ref] = _less(rest[line.ref], line)
    return [line for line in rest.values() if line.gross]


def _merged(lines: Sequence[Wanted]) -> list[Wanted]:
    """One entry for each line; naming the same line twice is refused."""
    if len({each.ref for each in lines}) != len(lines):
        raise NotAllowedError("credit-line-twice")
    return list(lines)


def _taken(wanted: Wanted, left: dict[str, DraftLine]) -> DraftLine:
    """The part of one line that is asked for (NC2, NC3)."""
    line = left.get(wanted.ref)
    if line is None:
        raise NotAllowedError("credit-line-unknown", line=wanted.ref)
    quantity = line.quantity if wanted.quantity is None else wanted.quantity
    gross = wanted.gross
    if gross is None:
        gross = (
            line.gross if quantity == line.quantity else cents(line.gross * quantity / (line.quantity or ONE))
        )
    if quantity <= ZERO or quantity > line.quantity or gross <= ZERO or gross > line.gross:
        raise NotAllowedError("credit-exceeds", asked=str(gross), left=str(line.gross), line=line.description)
    return _part(line, quantity, gross)


def _part(line: DraftLine, quantity: Decimal, gross: Decimal) -> DraftLine:
    """So much of the line: its own figures when it is all that is left, else the VAT taken out of the part."""
    if gross == line.gross:
        return replace(line, quantity=quantity)
    net = cents(gross / (1 + line.vat_rate / 100)) if line.vat_rate else gross
    vat = min(gross - net, line.vat)
    net = min(gross - vat, line.net)
    return replace(line, quantity=quantity, gross=gross, net=net, vat=gross - net)


def _for_amount(amount: Decimal, lines: Sequence[DraftLine]) -> list[DraftLine]:
    """The amount over what the lines leave, in proportion; the quantity shrinks with it, the unit price stays (NC2)."""
    whole = added(line.gross for line in lines)
    if amount > whole:
        raise NotAllowedError("credit-exceeds", asked=str(amount), left=str(whole))
    parts = spread(amount, [line.gross for line in lines])
    return [_part(line, _shrunk(line, part), part) for line, part in zip(lines, parts, strict=True) if part]


def _shrunk(line: DraftLine, part: Decimal) -> Decimal:
    return (
        line.quantity
        if part == line.gross
        else max(six(line.quantity * part / line.gross), Decimal("0.000001"))
    )


def _note(
    original: Original, settings: Settings, today: date, taken: Sequence[DraftLine], reason: str
) -> Draft:
    """The draft with the customer of the original and prices that come to each line's amount (NC1, NC2, NC4, NC5)."""
    lines = [_priced(line) for line in taken]
    return Draft(
        kind="NC",
        date=today,
        customer=original.customer,
        lines=shaping.shaped(lines, settings.level),
        summary=figures.summary(lines),
        net=added(line.net for line in lines),
        vat=added(line.vat for line in lines),
        gross=added(line.gross for line in lines),
        series=series_for("NC", settings),
        warehouse=settings.warehouse,
        moves_stock=settings.moves_stock,
        references=(Reference(original.number, " ".join(reason.split())[:REASON_LIMIT]),),
        rules=("NC1", "NC2", "NC3", "NC4", "NC5"),
        rounding="line",
    )


def _priced(line: DraftLine) -> DraftLine:
    """The line at what was paid for a unit, the discount inside the price: a coupon is not given back."""
    unit = line.unit_price_net * (ONE - line.discount_percent / 100)
    by_amount = line.gross / (1 + line.vat_rate / 100) / line.quantity
    near = abs(unit - by_amount) * line.quantity < Decimal("0.01")
    return replace(line, unit_price_net=six(unit if near else by_amount), discount_percent=six(ZERO))

"""The draft's lines in the provider's own arithmetic: predicted, and shaped until the prediction is the paid total.

`predict` is public: adapters and tests ask it what a provider will add up to. Source: rulings section 8, fiscal-pt
section 5. A line is split by a cent before a price moves by less than one; a discount is never made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from shopapp.errors import OrderError

from .document import DraftLine, RoundingLevel
from .money import CENT, HUNDRED, ONE, ZERO, round_to_cents, round_to_six_decimals, sum_amounts

_ROUNDING_MARGIN = CENT * 4 / 10

TaxGroupKey = tuple[str, Decimal, str]


def tax_group_key(line: DraftLine) -> TaxGroupKey:
    """What lines must share to be one entry of the tax summary."""
    return line.region, line.vat_rate, line.exemption_code


def positions_by_tax_group(lines: Sequence[DraftLine]) -> dict[TaxGroupKey, list[int]]:
    """The positions of the lines of each entry of the tax summary, in the order of the lines."""
    members: dict[TaxGroupKey, list[int]] = {}
    for at, line in enumerate(lines):
        members.setdefault(tax_group_key(line), []).append(at)
    return members


def exact_net(line: DraftLine) -> Decimal:
    """What the provider makes of the line: quantity x price less the discount, not rounded."""
    return line.quantity * line.unit_price_net * (ONE - line.discount_percent / HUNDRED)


def predict_total(lines: Sequence[DraftLine], level: RoundingLevel) -> Decimal:
    """The total to which a provider that rounds at this level will add the lines up."""
    if level == "line":
        return sum_amounts(_rounded_gross(exact_net(line), line.vat_rate) for line in lines)
    sums = [_exact_gross(lines, inside) for inside in positions_by_tax_group(lines).values()]
    return (
        round_to_cents(sum_amounts(sums))
        if level == "document"
        else sum_amounts(round_to_cents(each) for each in sums)
    )


def _exact_gross(lines: Sequence[DraftLine], inside: Iterable[int]) -> Decimal:
    return sum_amounts(exact_net(lines[at]) * (1 + lines[at].vat_rate / HUNDRED) for at in inside)


def _rounded_gross(net: Decimal, rate: Decimal) -> Decimal:
    return round_to_cents(net) + round_to_cents(net * rate / HUNDRED)


def fit_to_total(lines: Sequence[DraftLine], level: RoundingLevel) -> tuple[DraftLine, ...]:
    """The lines, so that a provider rounding at this level arrives at the sum of their `gross`.

    Raises OrderError `total-differs` when that takes more than two cents a line.
    """
    total = sum_amounts(line.gross for line in lines)
    if level == "line":
        missing = total - predict_total(lines, level)
        placed = _adjust_lines(lines, missing, missing, _adjust_by_line)
    elif level == "document":
        exact = _exact_gross(lines, range(len(lines)))
        placed = _adjust_lines(
            lines, total - round_to_cents(exact), _distance(total, exact), _adjust_by_group
        )
    else:
        placed = _fit_tax_groups(lines)
    now = tuple(piece for pieces in placed for piece in pieces)
    if predict_total(now, level) != total:
        raise OrderError("total-differs", paid=str(total), lines=str(predict_total(lines, level)))
    return now


def _fit_tax_groups(lines: Sequence[DraftLine]) -> list[list[DraftLine]]:
    placed = [[line] for line in lines]
    for inside in positions_by_tax_group(lines).values():
        members = [lines[at] for at in inside]
        wanted, exact = sum_amounts(line.gross for line in members), _exact_gross(lines, inside)
        if wanted != round_to_cents(exact):
            pieces = _adjust_lines(
                members, wanted - round_to_cents(exact), _distance(wanted, exact), _adjust_by_group
            )
            for at, piece in zip(inside, pieces, strict=True):
                placed[at] = piece
    return placed


def _distance(wanted: Decimal, exact: Decimal) -> Decimal:
    """How far the exact sum must go to be rounded to what is wanted: the shortest way, and a tenth of a cent."""
    return wanted + _ROUNDING_MARGIN - exact if exact > wanted else wanted - _ROUNDING_MARGIN - exact


Adjustment = Callable[[DraftLine, Decimal], list[DraftLine] | None]


def _adjust_lines(
    lines: Sequence[DraftLine], missing: Decimal, distance: Decimal, adjust: Adjustment
) -> list[list[DraftLine]]:
    """Each line as it is or in pieces, one move on as many lines as cents are missing (two cents a line at most).

    `distance` is how far the exact sum is off: shared among the moves. Lines of several units come first: one unit
    is split off and carries the cent; then the largest line.
    """
    result = [[line] for line in lines]
    left = abs(missing)
    each = CENT if left <= CENT * len(lines) else CENT * 2
    if not left or left > each * len(lines):
        return result
    for at in sorted(range(len(lines)), key=lambda at: (not _is_splittable(lines[at]), -lines[at].gross, at)):
        step = min(each, left)
        pieces = adjust(lines[at], distance * step / abs(missing)) if step else None
        if pieces:
            result[at] = pieces
            left -= step
    return result


def _is_splittable(line: DraftLine) -> bool:
    return line.quantity > ONE and line.quantity == line.quantity.to_integral_value()


def _with_added_gross(line: DraftLine, step: Decimal) -> DraftLine | None:
    """The line with a price that brings `step` more gross, or None where it has no price to move."""
    kept = ONE - line.discount_percent / HUNDRED
    if not kept:
        return None
    price = round_to_six_decimals(
        line.unit_price_net + step / ((1 + line.vat_rate / HUNDRED) * line.quantity * kept)
    )
    return replace(line, unit_price_net=price) if price >= ZERO else None


def _split_off_unit(line: DraftLine) -> tuple[DraftLine | None, DraftLine]:
    """The line less one unit, and that unit; the unit alone where there is no more."""
    if not _is_splittable(line):
        return None, line
    rest = replace(line, quantity=line.quantity - ONE)
    return rest, replace(line, ref=f"{line.ref}~1", quantity=ONE)


def _distribute_amounts(
    line: DraftLine, rest: DraftLine | None, unit: DraftLine, gross: Decimal
) -> list[DraftLine]:
    """Both pieces, the line's net, VAT and gross shared between them; `gross` is what the rest comes to."""
    if rest is None:
        return [unit]
    gross = min(gross, line.gross)
    net = min(max(round_to_cents(exact_net(rest)), gross - line.vat, ZERO), gross, line.net)
    left = replace(
        unit, gross=line.gross - gross, net=line.net - net, vat=line.gross - gross - (line.net - net)
    )
    return [replace(rest, gross=gross, net=net, vat=gross - net), left]


def _adjust_by_group(line: DraftLine, step: Decimal) -> list[DraftLine] | None:
    """The line with `step` more gross, on one unit split off where it has several."""
    rest, unit = _split_off_unit(line)
    other = _with_added_gross(unit, step)
    if other is None:
        return None
    return _distribute_amounts(line, rest, other, round_to_cents(_exact_gross([rest], [0])) if rest else ZERO)


def _adjust_by_line(line: DraftLine, step: Decimal) -> list[DraftLine] | None:
    """The same where net and tax are rounded apart: moved just so far that their sum changes by `step`."""
    rest, unit = _split_off_unit(line)
    apart = _rounded_gross(exact_net(rest), rest.vat_rate) if rest else ZERO
    wanted = _rounded_gross(exact_net(line), line.vat_rate) + step - apart
    for net in _candidate_nets(wanted, unit.vat_rate / HUNDRED, exact_net(unit)):
        other = _with_added_gross(unit, (net - exact_net(unit)) * (1 + unit.vat_rate / HUNDRED))
        if other and _rounded_gross(exact_net(other), other.vat_rate) == wanted:
            return _distribute_amounts(line, rest, other, apart)
    return None


def _candidate_nets(wanted: Decimal, rate: Decimal, near: Decimal) -> list[Decimal]:
    """Nets whose rounding and whose tax's rounding come to what is wanted, the nearest first."""
    found = []
    middle = round_to_cents(wanted / (1 + rate))
    for net in (middle, middle - CENT, middle + CENT):
        tax = wanted - net
        low, high = net - CENT / 2, net + CENT / 2
        if rate:
            low, high = max(low, (tax - CENT / 2) / rate), min(high, (tax + CENT / 2) / rate)
        if low < high and net >= ZERO and (tax >= ZERO if rate else tax == ZERO):
            inside = (high - low) / 8
            found += [min(max(near, low + inside), high - inside), (low + high) / 2]
    return sorted(found, key=lambda net: abs(net - near))

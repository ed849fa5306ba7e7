"""The lines of a draft, adjusted until the provider arrives at the paid total.

A provider recalculates a document from quantity, price, discount and rate, and rounds at its own level. `predict_total`
calculates its result; `fit_to_total` adjusts unit prices where that is a cent or two off. A line of several units is
split, so that one unit carries the cent and the other units keep their price; discounts never change (NUM1 and "How
cents are found and kept" in docs/fiscal.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from shopapp.errors import OrderError

from .document import DraftLine, RoundingLevel
from .money import CENT, HUNDRED, ONE, ZERO, round_to_cents, round_to_six_decimals, sum_amounts

_ROUNDING_MARGIN = CENT * 4 / 10
"""Exact sums are brought to within 0.4 cents of the wanted cent, so that they surely round to it."""

TaxGroupKey = tuple[str, Decimal, str]
LinePieces = list[DraftLine]
"""One line of the draft: alone, or as the pieces into which it was split."""


def tax_group_key(line: DraftLine) -> TaxGroupKey:
    """Return the key that lines must share to be in one entry of the tax summary."""
    return line.region, line.vat_rate, line.exemption_code


def positions_by_tax_group(lines: Sequence[DraftLine]) -> dict[TaxGroupKey, list[int]]:
    """Return the positions of the lines of each entry of the tax summary, in the order of the lines."""
    positions: dict[TaxGroupKey, list[int]] = {}
    for at, line in enumerate(lines):
        positions.setdefault(tax_group_key(line), []).append(at)
    return positions


# what the provider will calculate


def predict_total(lines: Sequence[DraftLine], level: RoundingLevel) -> Decimal:
    """Return the total at which a provider that rounds at this level will arrive for the lines."""
    if level == "line":
        return sum_amounts(_gross_rounded_on_line(line) for line in lines)
    if level == "document":
        return round_to_cents(_exact_gross(lines))
    groups = positions_by_tax_group(lines).values()
    return sum_amounts(round_to_cents(_exact_gross([lines[at] for at in members])) for members in groups)


def _exact_net(line: DraftLine) -> Decimal:
    """Return quantity times price less the discount, not rounded."""
    return line.quantity * line.unit_price_net * (ONE - line.discount_percent / HUNDRED)


def _exact_gross(lines: Sequence[DraftLine]) -> Decimal:
    return sum_amounts(_exact_net(line) * (1 + line.vat_rate / HUNDRED) for line in lines)


def _gross_rounded_on_line(line: DraftLine) -> Decimal:
    """Return the gross at a provider that rounds net and VAT of each line separately."""
    net = _exact_net(line)
    return round_to_cents(net) + round_to_cents(net * line.vat_rate / HUNDRED)


# the lines, adjusted


def fit_to_total(lines: Sequence[DraftLine], level: RoundingLevel) -> tuple[DraftLine, ...]:
    """Adjust the lines so that a provider rounding at this level arrives at the sum of their `gross`.

    A line that was split comes back as two: `ref` and `ref~1`. Raises OrderError `total-differs` when more than two
    cents a line would be needed, or when no price gives the wanted gross.
    """
    total = sum_amounts(line.gross for line in lines)
    if level == "line":
        missing = total - predict_total(lines, level)
        fitted = _spread_change(lines, missing, missing, _change_gross_rounded_on_line)
    elif level == "document":
        fitted = _fit_rounded_sum(lines)
    else:
        fitted = _fit_tax_groups(lines)
    pieces = tuple(piece for line_pieces in fitted for piece in line_pieces)
    if predict_total(pieces, level) != total:
        raise OrderError("total-differs", paid=str(total), lines=str(predict_total(lines, level)))
    return pieces


def _fit_tax_groups(lines: Sequence[DraftLine]) -> list[LinePieces]:
    fitted: list[LinePieces] = [[line] for line in lines]
    for members in positions_by_tax_group(lines).values():
        group = _fit_rounded_sum([lines[at] for at in members])
        for at, pieces in zip(members, group, strict=True):
            fitted[at] = pieces
    return fitted


def _fit_rounded_sum(lines: Sequence[DraftLine]) -> list[LinePieces]:
    """Fit lines whose exact gross the provider adds up first and rounds once."""
    wanted, exact = sum_amounts(line.gross for line in lines), _exact_gross(lines)
    missing = wanted - round_to_cents(exact)
    # the least change of the exact sum after which it rounds to the wanted amount
    nearest = wanted + _ROUNDING_MARGIN if exact > wanted else wanted - _ROUNDING_MARGIN
    return _spread_change(lines, missing, nearest - exact, _change_exact_gross)


def _spread_change(
    lines: Sequence[DraftLine],
    missing: Decimal,
    exact_change: Decimal,
    change_gross: Callable[[DraftLine, Decimal], LinePieces | None],
) -> list[LinePieces]:
    """Change one line for each missing cent, or for every two cents where there are fewer lines than cents.

    `missing` is in whole cents; `exact_change` is the change of the exact sum that brings them, shared among the
    changed lines. Lines of several units come first, then the largest. Where more than two cents a line are missing,
    all lines stay as they are.
    """
    fitted: list[LinePieces] = [[line] for line in lines]
    left = abs(missing)
    cents_per_line = CENT if left <= CENT * len(lines) else CENT * 2
    if not left or left > cents_per_line * len(lines):
        return fitted
    for at in sorted(range(len(lines)), key=lambda at: (not _has_units(lines[at]), -lines[at].gross, at)):
        cents = min(cents_per_line, left)
        pieces = change_gross(lines[at], exact_change * cents / abs(missing)) if cents else None
        if pieces is not None:
            fitted[at] = pieces
            left -= cents
    return fitted


# one line, changed


def _change_exact_gross(line: DraftLine, change: Decimal) -> LinePieces | None:
    """Change the line's exact gross by this amount; return None when it has no price to change."""
    rest, unit = _split_off_unit(line)
    changed = _with_added_gross(unit, change)
    if changed is None and rest is not None:
        # a unit worth less than the cent: all units share it
        rest, changed = None, _with_added_gross(line, change)
    if changed is None:
        return None
    return _share_amounts(line, rest, changed, round_to_cents(_exact_gross([rest])) if rest else ZERO)


def _change_gross_rounded_on_line(line: DraftLine, change: Decimal) -> LinePieces | None:
    """Change the line's gross, with net and VAT rounded separately, by this many cents.

    Return None when no price gives that.
    """
    wanted = _gross_rounded_on_line(line) + change
    rest, unit = _split_off_unit(line)
    if rest is not None:
        rest_gross = _gross_rounded_on_line(rest)
        changed = _with_gross_rounded_on_line(unit, wanted - rest_gross)
        if changed is not None:
            return _share_amounts(line, rest, changed, rest_gross)
    # where no price of a unit gives that, all units share it
    changed = _with_gross_rounded_on_line(line, wanted)
    return None if changed is None else [changed]


def _with_gross_rounded_on_line(line: DraftLine, wanted: Decimal) -> DraftLine | None:
    """Return the line at a price that gives this gross, with net and VAT rounded separately; None where none does."""
    exact_net, factor = _exact_net(line), 1 + line.vat_rate / HUNDRED
    for net in _nets_that_round_to(wanted, line.vat_rate / HUNDRED, exact_net):
        changed = _with_added_gross(line, (net - exact_net) * factor)
        if changed is not None and _gross_rounded_on_line(changed) == wanted:
            return changed
    return None


def _nets_that_round_to(gross: Decimal, rate: Decimal, near: Decimal) -> list[Decimal]:
    """Return exact nets that, rounded, give this gross together with their rounded VAT; those closest to `near` first.

    A net in cents and its VAT in cents each correspond to a range of exact nets. Where the two ranges overlap, two nets
    are tried: the one closest to `near` but not at the ends of the overlap, and its middle.
    """
    nets = []
    middle = round_to_cents(gross / (1 + rate))
    for net in (middle, middle - CENT, middle + CENT):
        vat = gross - net
        low, high = net - CENT / 2, net + CENT / 2
        if rate:
            low, high = max(low, (vat - CENT / 2) / rate), min(high, (vat + CENT / 2) / rate)
        if low < high and net >= ZERO and (vat >= ZERO if rate else vat == ZERO):
            off_the_ends = (high - low) / 8
            nets += [min(max(near, low + off_the_ends), high - off_the_ends), (low + high) / 2]
    return sorted(nets, key=lambda net: abs(net - near))


def _has_units(line: DraftLine) -> bool:
    """Return whether the line is several whole units, of which one can be split off."""
    return line.quantity > ONE and line.quantity == line.quantity.to_integral_value()


def _split_off_unit(line: DraftLine) -> tuple[DraftLine | None, DraftLine]:
    """Return the line less one unit, and that unit; for a line without several units, None and the line itself."""
    if not _has_units(line):
        return None, line
    rest = replace(line, quantity=line.quantity - ONE)
    return rest, replace(line, ref=f"{line.ref}~1", quantity=ONE)


def _with_added_gross(line: DraftLine, change: Decimal) -> DraftLine | None:
    """Return the line at a price that changes its exact gross by this amount; None where no price can do that."""
    paid_part = ONE - line.discount_percent / HUNDRED
    if not paid_part:
        return None
    price_change = change / ((1 + line.vat_rate / HUNDRED) * line.quantity * paid_part)
    price = round_to_six_decimals(line.unit_price_net + price_change)
    return replace(line, unit_price_net=price) if price >= ZERO else None


def _share_amounts(
    line: DraftLine, rest: DraftLine | None, unit: DraftLine, rest_gross: Decimal
) -> LinePieces:
    """Share the line's net, VAT and gross between its pieces; `rest_gross` is the gross of the rest."""
    if rest is None:
        return [unit]
    gross = min(rest_gross, line.gross)
    net = min(max(round_to_cents(_exact_net(rest)), gross - line.vat, ZERO), gross, line.net)
    unit_gross, unit_net = line.gross - gross, line.net - net
    return [
        replace(rest, net=net, vat=gross - net, gross=gross),
        replace(unit, net=unit_net, vat=unit_gross - unit_net, gross=unit_gross),
    ]

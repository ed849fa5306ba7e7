"""The draft's lines in the provider's own arithmetic: predicted, and shaped until the prediction is the paid total.

`predict` is public: adapters and tests ask it what a provider will add up to. Source: rulings section 8, fiscal-pt
section 5. A line is split by a cent before a price moves by less than one; a discount is never made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from .document import DraftLine, Level
from .errors import OrderError
from .money import CENT, HUNDRED, ONE, ZERO, added, cents, six

_STEPS = tuple(CENT * at / 8 for at in range(1, 17))
"""How far a line's gross is moved in search of the next cent where a provider rounds net and tax apart."""

_EDGE = CENT * 4 / 10

Key = tuple[str, Decimal, str]


def group_key(line: DraftLine) -> Key:
    """What lines must share to be one entry of the tax summary."""
    return line.region, line.vat_rate, line.exemption_code


def groups_of(lines: Sequence[DraftLine]) -> dict[Key, list[int]]:
    """The positions of the lines of each entry of the tax summary, in the order of the lines."""
    members: dict[Key, list[int]] = {}
    for at, line in enumerate(lines):
        members.setdefault(group_key(line), []).append(at)
    return members


def exact_net(line: DraftLine) -> Decimal:
    """What the provider makes of the line: quantity x price less the discount, not rounded."""
    return line.quantity * line.unit_price_net * (ONE - line.discount_percent / HUNDRED)


def predict(lines: Sequence[DraftLine], level: Level) -> Decimal:
    """The total to which a provider that rounds at this level will add the lines up."""
    if level == "line":
        return added(_by_parts(exact_net(line), line.vat_rate) for line in lines)
    sums = [_gross(lines, inside) for inside in groups_of(lines).values()]
    return cents(added(sums)) if level == "document" else added(cents(each) for each in sums)


def _gross(lines: Sequence[DraftLine], inside: Iterable[int]) -> Decimal:
    return added(exact_net(lines[at]) * (1 + lines[at].vat_rate / HUNDRED) for at in inside)


def _by_parts(net: Decimal, rate: Decimal) -> Decimal:
    return cents(net) + cents(net * rate / HUNDRED)


def shaped(lines: Sequence[DraftLine], level: Level) -> tuple[DraftLine, ...]:
    """The lines, so that a provider rounding at this level arrives at the sum of their `gross`.

    Raises OrderError `total-differs` when that takes more than one move a line.
    """
    total = added(line.gross for line in lines)
    if level == "line":
        placed = _moved(lines, total - predict(lines, level), CENT, _nudged)
    elif level == "document":
        exact = _gross(lines, range(len(lines)))
        placed = _moved(lines, total - cents(exact), _distance(total, exact), _shifted)
    else:
        placed = _group_by_group(lines)
    now = tuple(piece for pieces in placed for piece in pieces)
    if predict(now, level) != total:
        raise OrderError("total-differs", paid=str(total), lines=str(predict(lines, level)))
    return now


def _group_by_group(lines: Sequence[DraftLine]) -> list[list[DraftLine]]:
    placed = [[line] for line in lines]
    for inside in groups_of(lines).values():
        members = [lines[at] for at in inside]
        wanted, exact = added(line.gross for line in members), _gross(lines, inside)
        if wanted != cents(exact):
            pieces = _moved(members, wanted - cents(exact), _distance(wanted, exact), _shifted)
            for at, piece in zip(inside, pieces, strict=True):
                placed[at] = piece
    return placed


def _distance(wanted: Decimal, exact: Decimal) -> Decimal:
    """How far the exact sum must go to be rounded to what is wanted: the shortest way, and a tenth of a cent."""
    return wanted + _EDGE - exact if exact > wanted else wanted - _EDGE - exact


Move = Callable[[DraftLine, Decimal], list[DraftLine] | None]


def _moved(
    lines: Sequence[DraftLine], missing: Decimal, distance: Decimal, move: Move
) -> list[list[DraftLine]]:
    """Each line as it is or in pieces, one move on as many lines as cents are missing.

    `distance` is how far the exact sum is off: shared among the moves. Lines of several units come first: one unit
    is split off and carries the cent; then the largest line.
    """
    result = [[line] for line in lines]
    left = int(abs(missing) / CENT)
    if not left:
        return result
    step = CENT * (1 if missing > ZERO else -1) if distance == CENT else distance / left
    for at in sorted(range(len(lines)), key=lambda at: (not _splits(lines[at]), -lines[at].gross, at)):
        pieces = move(lines[at], step) if left else None
        if pieces:
            result[at] = pieces
            left -= 1
    return result


def _splits(line: DraftLine) -> bool:
    return line.quantity > ONE and line.quantity == line.quantity.to_integral_value()


def split_off(line: DraftLine, quantity: Decimal) -> tuple[DraftLine, DraftLine]:
    """The line in two, the second with that quantity; net, VAT and gross of both add up to the line's."""
    share = quantity / line.quantity
    gross, net = cents(line.gross * share), cents(line.net * share)
    net = min(net, gross) if line.vat_rate else gross
    vat = gross - net
    if vat > line.vat:
        net, vat = gross - line.vat, line.vat
    part = replace(line, ref=f"{line.ref}~1", quantity=quantity, gross=gross, net=net, vat=vat)
    rest = replace(
        line,
        quantity=line.quantity - quantity,
        gross=line.gross - gross,
        net=line.net - net,
        vat=line.vat - vat,
    )
    return rest, part


def _priced(line: DraftLine, step: Decimal) -> DraftLine | None:
    """The line with a price that brings `step` more gross, or None where it has no price to move."""
    kept = ONE - line.discount_percent / HUNDRED
    if not kept:
        return None
    price = six(line.unit_price_net + step / ((1 + line.vat_rate / HUNDRED) * line.quantity * kept))
    return replace(line, unit_price_net=price) if price >= ZERO else None


def _shifted(line: DraftLine, step: Decimal) -> list[DraftLine] | None:
    """The line with `step` more gross, on one unit split off where it has several."""
    if not _splits(line):
        alone = _priced(line, step)
        return [alone] if alone else None
    rest, unit = split_off(line, ONE)
    other = _priced(unit, step)
    return [rest, other] if other else None


def _nudged(line: DraftLine, step: Decimal) -> list[DraftLine] | None:
    """The same where net and tax are rounded apart: moved just so far that their sum changes by `step`."""
    wanted = _by_parts(exact_net(line), line.vat_rate) + step
    rest, unit = split_off(line, ONE) if _splits(line) else (None, line)
    if rest:
        wanted -= _by_parts(exact_net(rest), rest.vat_rate)
    for distance in (ZERO, *_STEPS):
        for way in (distance, -distance):
            other = _priced(unit, way)
            if other and _by_parts(exact_net(other), other.vat_rate) == wanted:
                return [rest, other] if rest else [other]
    return None

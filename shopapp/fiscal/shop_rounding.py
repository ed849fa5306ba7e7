"""How the shop rounded: each way in which shops add up an order, tried until one gives the paid total.

NUM1 to NUM3 and "How cents are found and kept" in docs/fiscal.md.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .document import RoundingLevel
from .money import HUNDRED, ZERO, round_parts_to_total, round_to_cents, sum_amounts


@dataclass(frozen=True, slots=True)
class ExactLine:
    """A line as the shop calculated it, after its discounts and not rounded; a negative line is a discount."""

    quantity: Decimal
    rate: Decimal
    """The rate that the shop charged, in percent."""
    net: Decimal
    gross: Decimal
    list_gross: Decimal
    """The gross before discounts."""
    is_ancillary: bool

    @property
    def factor(self) -> Decimal:
        """The factor from a net to a gross amount at the charged rate."""
        return 1 + self.rate / HUNDRED


AmountOf = Callable[[ExactLine], Decimal]
Keys = Callable[[Sequence[ExactLine]], Sequence[Hashable]]
"""The key of each line; lines with the same key are rounded together."""


@dataclass(frozen=True, slots=True)
class ShopRounding:
    """One way to add up an order: sums that are rounded apart, and how lines are grouped for each."""

    level: RoundingLevel
    sums: tuple[tuple[AmountOf, Keys], ...]
    net_of: AmountOf | None = None
    """The net with which the shop calculated; None where it rounded prices with tax."""
    is_by_piece: bool = False

    def total(self, lines: Sequence[ExactLine]) -> Decimal:
        """Return the total of a shop that rounds so."""
        return sum_amounts(
            part
            for amount_of, keys in self.sums
            for part in _rounded_sums([amount_of(line) for line in lines], keys(lines)).values()
        )

    def grosses(self, lines: Sequence[ExactLine]) -> list[Decimal]:
        """Return each line in cents; together they are the total. No line may be negative."""
        return [sum_amounts(parts) for parts in zip(*self._parts(lines), strict=True)]

    def vats(self, lines: Sequence[ExactLine]) -> list[Decimal] | list[None]:
        """Return each line's VAT in cents where the shop rounded VAT line by line, separately from the subtotal."""
        is_known = self.level == "line" and len(self.sums) > 1
        return self._parts(lines)[1] if is_known else [None] * len(lines)

    def _parts(self, lines: Sequence[ExactLine]) -> list[list[Decimal]]:
        """Return each line in cents, for each of the sums."""
        rates = [line.rate for line in lines]
        return [
            _distribute([amount_of(line) for line in lines], rates, keys(lines))
            for amount_of, keys in self.sums
        ]


# the amounts that a shop may round


def _net(line: ExactLine) -> Decimal:
    return line.net


def _net_by_line(line: ExactLine) -> Decimal:
    return round_to_cents(line.net)


def _net_by_piece(line: ExactLine) -> Decimal:
    return round_to_cents(line.net / line.quantity) * line.quantity


def _gross(line: ExactLine) -> Decimal:
    return line.gross


def _gross_by_piece(line: ExactLine) -> Decimal:
    return round_to_cents(line.gross / line.quantity) * line.quantity


def _list_gross_by_piece(line: ExactLine) -> Decimal:
    """Return the gross at a list price rounded for each piece, less the discount."""
    list_gross = round_to_cents(line.list_gross / line.quantity) * line.quantity
    return list_gross - (line.list_gross - line.gross) if line.gross else ZERO


def _vat_by_piece(line: ExactLine) -> Decimal:
    return round_to_cents(line.net * line.rate / HUNDRED / line.quantity) * line.quantity


def _vat_of(net_of: AmountOf) -> AmountOf:
    return lambda line: net_of(line) * line.rate / HUNDRED


# the lines that a shop may round together


def _by_rate(lines: Sequence[ExactLine]) -> Sequence[Hashable]:
    return [line.rate for line in lines]


def _once(lines: Sequence[ExactLine]) -> Sequence[Hashable]:
    return [None] * len(lines)


def _by_line(lines: Sequence[ExactLine]) -> Sequence[Hashable]:
    return range(len(lines))


def _by_rate_with_shipping_apart(lines: Sequence[ExactLine]) -> Sequence[Hashable]:
    return [(line.rate, line.is_ancillary) for line in lines]


def _once_with_shipping_apart(lines: Sequence[ExactLine]) -> Sequence[Hashable]:
    return [line.is_ancillary for line in lines]


_LEVELS: tuple[tuple[RoundingLevel, Keys], ...] = (
    ("rate_group", _by_rate),
    ("document", _once),
    ("line", _by_line),
    ("rate_group", _by_rate_with_shipping_apart),
    ("document", _once_with_shipping_apart),
)
USUAL = tuple(ShopRounding(level, ((_gross, keys),), _net) for level, keys in _LEVELS)
"""Exact prices, added up and rounded at some level; the last two round shipping apart from the goods."""
BY_PIECE = (
    ShopRounding("line", ((_gross_by_piece, _by_line),), is_by_piece=True),
    ShopRounding("line", ((_list_gross_by_piece, _by_line),), is_by_piece=True),
)
"""The price with tax is rounded for each piece: PrestaShop, Magento."""
SEPARATE = (
    *(
        ShopRounding(level, ((net_of, _once), (_vat_of(net_of), keys)), net_of, net_of is _net_by_piece)
        for net_of in (_net, _net_by_line, _net_by_piece)
        for level, keys in _LEVELS
    ),
    ShopRounding("line", ((_net, _once), (_vat_by_piece, _by_line)), _net, is_by_piece=True),
)
"""Subtotal and VAT are rounded separately; nets may have been rounded for each line or piece before."""


# sums in cents


def _positions_by_key(keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    positions: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        positions.setdefault(key, []).append(at)
    return positions


def _rounded_sums(exact: Sequence[Decimal], keys: Sequence[Hashable]) -> dict[Hashable, Decimal]:
    return {
        key: round_to_cents(sum_amounts(exact[at] for at in members))
        for key, members in _positions_by_key(keys).items()
    }


def _distribute(
    exact: Sequence[Decimal], rates: Sequence[Decimal], keys: Sequence[Hashable]
) -> list[Decimal]:
    """Spread each rounded sum over its rates, and each rate's part over its lines, by largest remainder."""
    amounts = [ZERO] * len(exact)
    rounded = _rounded_sums(exact, keys)
    for key, members in _positions_by_key(keys).items():
        by_rate = [
            [members[at] for at in same_rate]
            for same_rate in _positions_by_key([rates[at] for at in members]).values()
        ]
        rate_sums = round_parts_to_total(
            rounded[key], [sum_amounts(exact[at] for at in same_rate) for same_rate in by_rate]
        )
        for same_rate, rate_sum in zip(by_rate, rate_sums, strict=True):
            parts = round_parts_to_total(rate_sum, [exact[at] for at in same_rate])
            for at, part in zip(same_rate, parts, strict=True):
                amounts[at] = part
    return amounts
